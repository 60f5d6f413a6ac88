"""What stands on a cost sheet, item by item, with the words for it in both languages.

Invariant   Everything that can be charged is an item: what is paid in normal performance, and what
            only where the loan does not go as agreed, each with its payee, its basis and standard.
Units       Minor units; rates in 1e-8 per day.
Rounding    Worked examples round once, halves up, as the loan itself does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from counterfoil.kernel.money import to_major_text
from counterfoil.kernel.rates import RateDaily, annual_from_daily, percent_text
from counterfoil.lending.fees import charge_minor, instalment_fee_minor
from counterfoil.lending.interest import payable
from counterfoil.lending.loan import Loan, instalment_numbers
from counterfoil.lending.terms import Fee, FeeBasis, FeeTiming, Terms

#: Lateness in the worked examples.
DAYS_LATE_SHOWN = 30


class Words(NamedTuple):
    """One text in the languages of the sheet."""

    en: str
    zh: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CostItem:
    """Something that is paid besides the principal when all goes as agreed."""

    code: str
    name: Words
    #: Who receives it.
    payee_id: str
    payee: Words
    #: How it is charged and by what standard.
    basis: Words
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContingentItem:
    """Something that is paid only where the loan does not go as agreed, with an example."""

    code: str
    name: Words
    payee_id: str
    payee: Words
    basis: Words
    example: Words
    example_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRow:
    """One instalment on the sheet."""

    instalment_no: int
    due_date: date
    principal_minor: int
    interest_minor: int
    fee_minor: int
    balance_minor: int

    @property
    def due_minor(self) -> int:
        """Return what the customer pays on that day."""
        return self.principal_minor + self.interest_minor + self.fee_minor


def normal_items(loan: Loan, rows: Sequence[SheetRow], terms: Terms) -> tuple[CostItem, ...]:
    """Return what is paid besides the principal when all goes as agreed."""
    rate = exact_percent(loan.rate_daily_e8)
    yearly = exact_percent(annual_from_daily(RateDaily(loan.rate_daily_e8)))
    interest = CostItem(
        code="interest",
        name=Words("Interest", "利息"),
        payee_id=loan.lender_id,
        payee=lender_words(terms),
        basis=Words(
            f"{rate} % a day ({yearly} % a year of 365 days) on the principal outstanding, for the "
            "days it is used",
            f"日利率{rate}%（单利年化{yearly}%，一年按365天计），按实际占用本金和天数计收",
        ),
        amount_minor=sum(row.interest_minor for row in rows),
    )
    fees = (_fee_item(fee, loan, rows, terms) for fee in loan.fees if fee.timing in _NORMAL)
    return (interest, *(item for item in fees if item.amount_minor))


_NORMAL = frozenset({FeeTiming.FIRST_INSTALMENT, FeeTiming.EACH_INSTALMENT})


def _fee_item(fee: Fee, loan: Loan, rows: Sequence[SheetRow], terms: Terms) -> CostItem:
    first = instalment_numbers(loan)[0]
    amount = sum(
        instalment_fee_minor(fee, loan.original_minor, row.balance_minor + row.principal_minor)
        for row in rows
        if fee.timing is FeeTiming.EACH_INSTALMENT or row.instalment_no == first
    )
    standard = _standard(fee, loan.currency)
    if fee.timing is FeeTiming.FIRST_INSTALMENT:
        basis = Words(
            f"{standard.en}, once, with the first instalment", f"随首期一次性收取{standard.zh}"
        )
    else:
        basis = Words(f"{standard.en} with each instalment", f"每期收取{standard.zh}")
    return CostItem(
        code=fee.code,
        name=Words(fee.name_en, fee.name_zh),
        payee_id=_payee_id(fee, terms),
        payee=_payee(fee, terms),
        basis=basis,
        amount_minor=amount,
    )


_BASES = {
    FeeBasis.ORIGINAL_PRINCIPAL: Words("the amount drawn", "借款本金"),
    FeeBasis.OUTSTANDING_PRINCIPAL: Words(
        "the principal that has not fallen due before it", "该期到期前未到期本金"
    ),
    FeeBasis.REPAID_PRINCIPAL: Words("the principal repaid early", "提前归还本金"),
}


def _standard(fee: Fee, currency: str) -> Words:
    """Return by what standard a fee is charged: an amount, or a share of something."""
    if fee.basis is FeeBasis.FIXED:
        amount = to_major_text(fee.amount_minor, currency)
        return Words(f"{amount} {currency}", f"{amount} {currency}")
    share, of = exact_percent(fee.share_e8), _BASES[fee.basis]
    en, zh = f"{share} % of {of.en}", f"{of.zh}的{share}%"
    if fee.cap_minor is not None:
        most = to_major_text(fee.cap_minor, currency)
        en, zh = f"{en}, at most {most} {currency}", f"{zh}（最高{most} {currency}）"
    return Words(en, zh)


def _payee_id(fee: Fee, terms: Terms) -> str:
    return terms.lender_id if fee.payee == "lender" else fee.payee


def _payee(fee: Fee, terms: Terms) -> Words:
    return lender_words(terms) if fee.payee == "lender" else Words("Guarantor", "担保机构")


def contingent_items(
    loan: Loan, rows: Sequence[SheetRow], terms: Terms
) -> tuple[ContingentItem, ...]:
    """Return what is paid only otherwise, worked on the first instalment that has principal."""
    row = next(row for row in rows if row.principal_minor)
    exact = row.principal_minor * DAYS_LATE_SHOWN
    return (
        _interest_when_late(loan, row, payable(exact * loan.rate_daily_e8), terms),
        _penalty_when_late(loan, row, payable(exact * loan.penalty_daily_e8), terms),
        *_contingent_fees(loan, row, terms),
    )


def _contingent_fees(loan: Loan, row: SheetRow, terms: Terms) -> Iterable[ContingentItem]:
    currency, number = loan.currency, row.instalment_no
    for fee in loan.fees:
        if fee.timing in _NORMAL:
            continue
        standard = _standard(fee, currency)
        amount = charge_minor(fee, row.principal_minor)
        shown = to_major_text(amount, currency)
        if fee.timing is FeeTiming.LATE:
            basis = Words(
                f"{standard.en} for an instalment that is unpaid after {terms.grace_days} days of "
                "grace, once",
                f"每期宽限期{terms.grace_days}天届满仍未还清的，一次性收取{standard.zh}",
            )
            example = Words(
                f"instalment {number} unpaid after its days of grace: {shown} {currency}",
                f"第{number}期宽限期届满仍未还清：{shown} {currency}",
            )
        else:
            principal = to_major_text(row.principal_minor, currency)
            basis = Words(f"{standard.en}", f"按{standard.zh}收取")
            example = Words(
                f"{principal} of principal repaid before its due date: {shown} {currency}",
                f"提前归还本金{principal}：{shown} {currency}",
            )
        yield ContingentItem(
            code=fee.code,
            name=Words(fee.name_en, fee.name_zh),
            payee_id=_payee_id(fee, terms),
            payee=_payee(fee, terms),
            basis=basis,
            example=example,
            example_minor=amount,
        )


def _interest_when_late(
    loan: Loan, row: SheetRow, amount_minor: int, terms: Terms
) -> ContingentItem:
    rate = exact_percent(loan.rate_daily_e8)
    return ContingentItem(
        code="interest_when_late",
        name=Words("Interest while principal is late", "逾期期间的合同利息"),
        payee_id=loan.lender_id,
        payee=lender_words(terms),
        basis=Words(
            f"the contract rate of {rate} % a day goes on until the principal is repaid; no "
            "interest is charged on interest",
            f"本金归还前继续按合同日利率{rate}%计息，不计复利",
        ),
        example=_example(row, amount_minor, loan.currency),
        example_minor=amount_minor,
    )


def _penalty_when_late(
    loan: Loan, row: SheetRow, amount_minor: int, terms: Terms
) -> ContingentItem:
    rate = exact_percent(loan.penalty_daily_e8)
    share = terms.penalty_percent_of_rate
    grace = terms.grace_days
    en = (
        f"{rate} % a day on principal that is late, on top, counted from its due date once {grace} "
        f"days of grace are over; {share} % of the contract rate"
    )
    zh = f"宽限期{grace}天届满仍未归还的本金，自到期日起另按日利率{rate}%加收，为合同利率的{share}%"
    if terms.late_annual_e8_cap is not None:
        cap = exact_percent(terms.late_annual_e8_cap)
        en += f", at most so much that both together stay within {cap} % a year"
        zh += f"，且与合同利率合计不超过年化{cap}%"
    return ContingentItem(
        code="penalty",
        name=Words("Surcharge on late principal", "逾期罚息"),
        payee_id=loan.lender_id,
        payee=lender_words(terms),
        basis=Words(en, zh),
        example=_example(row, amount_minor, loan.currency),
        example_minor=amount_minor,
    )


def _example(row: SheetRow, amount_minor: int, currency: str) -> Words:
    principal = to_major_text(row.principal_minor, currency)
    amount = to_major_text(amount_minor, currency)
    number = row.instalment_no
    return Words(
        f"{principal} of principal of instalment {number}, paid {DAYS_LATE_SHOWN} days late: "
        f"{amount} {currency}",
        f"第{number}期本金{principal}逾期{DAYS_LATE_SHOWN}天归还：{amount} {currency}",
    )


def notices(loan: Loan, terms: Terms) -> tuple[Words, ...]:
    """Return what else the customer has to know, in plain words."""
    early = Words(
        "You may repay early on any day. You then pay interest up to that day and nothing for "
        "having repaid early.",
        "可随时提前还款，利息计至还款当日，不收取提前还款费用。",
    )
    if any(fee.timing is FeeTiming.EARLY_REPAYMENT for fee in loan.fees):
        early = Words(
            "You may repay early on any day. You then pay interest up to that day, the fee for "
            "early repayment named above, and no fee of instalments that have not fallen due.",
            "可随时提前还款，利息计至还款当日，并按上列标准收取提前还款费用；未到期各期的费用不再收取。",
        )
    if not terms.reported_to_bureau:
        return (early,)
    reported = Words(
        "The loan and every month of its repayment, on time or late, are reported to the credit "
        "bureau.",
        "本笔贷款及其每月还款情况（包括正常和逾期）将报送征信机构。",
    )
    return (early, reported)


def lender_words(terms: Terms) -> Words:
    """Return the lender's name in both languages."""
    return Words(terms.lender_name_en or terms.lender_id, terms.lender_name_zh or terms.lender_id)


def exact_percent(rate_e8: int) -> str:
    """Return a rate as a figure in percent without its sign, exact, with at least two places."""
    whole, _, places = percent_text(rate_e8, digits=6).partition(".")
    return f"{whole}.{places.rstrip('0').ljust(2, '0')}"
