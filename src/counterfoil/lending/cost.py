"""The cost sheet (综合融资成本明示): all that a loan costs, shown before it is signed.

Invariant   Items and principal sum to the total, and so do the rows. A loan whose yearly cost lies
            above the product's cap has no sheet: it is refused, never made to fit. The hash names
            one sheet and nothing else: equal sheets, equal hashes, on every machine.
Units       Minor units; rates in 1e-8 per day or per year as their names say.
Rounding    Interest of a row as the plan rounds it; worked examples round once, halves up; yearly
            rates as `annual_rate` says.
Follows     The provisions on disclosing the all-in cost of personal loans (effective 2026-08-01),
            read in secondary sources: items with payee, yearly cost in normal performance, items on
            default, total, and the statement that nothing else is charged.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

import orjson

from counterfoil.kernel.errors import Refused, refuse
from counterfoil.kernel.money import to_major_text
from counterfoil.kernel.rates import RateDaily, annual_from_daily, percent_text
from counterfoil.lending import refusals
from counterfoil.lending.annual_rate import AnnualRate, Payment, annual_rate
from counterfoil.lending.interest import payable
from counterfoil.lending.loan import Loan
from counterfoil.lending.schedule import PlanRow
from counterfoil.lending.terms import Fee, FeeTiming, Method, Terms

#: Form of the sheet; a change of its keys or words is a new number, so old hashes keep meaning.
SHEET_FORM = 1

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


@dataclass(frozen=True, slots=True, kw_only=True)
class CostSheet:
    """All that one loan costs."""

    product_code: str
    product_version: int
    product: Words
    lender_id: str
    lender: Words
    currency: str
    principal_minor: int
    rate_daily_e8: int
    method: Method
    tenor_months: int
    repayment_day: int
    start_date: date
    items: tuple[CostItem, ...]
    contingent: tuple[ContingentItem, ...]
    rows: tuple[SheetRow, ...]
    fee_at_start_minor: int
    total_minor: int
    rate_annual_simple_e8: int
    rate_annual_effective_e8: int
    cost_annual_e8_cap: int
    notices: tuple[Words, ...]
    sheet_hash: bytes = b""

    @property
    def cost_minor(self) -> int:
        """Return what is paid besides the principal."""
        return self.total_minor - self.principal_minor

    def document(self) -> dict[str, object]:
        """Return the sheet as it is stored and hashed: integers, texts and dates as text."""
        return {
            "form": SHEET_FORM,
            "product": {
                "code": self.product_code,
                "version": self.product_version,
                **_named(self.product),
            },
            "lender": {"id": self.lender_id, **_named(self.lender)},
            "currency": self.currency,
            "principal_minor": self.principal_minor,
            "rate_daily_e8": self.rate_daily_e8,
            "rate_annual_contract_e8": annual_from_daily(RateDaily(self.rate_daily_e8)),
            "method": self.method.value,
            "tenor_months": self.tenor_months,
            "repayment_day": self.repayment_day,
            "start_date": self.start_date.isoformat(),
            "items": [_item(item) for item in self.items],
            "contingent_items": [_contingent(item) for item in self.contingent],
            "rows": [_row(row) for row in self.rows],
            "fee_at_start_minor": self.fee_at_start_minor,
            "cost_minor": self.cost_minor,
            "total_minor": self.total_minor,
            "annual_cost": {
                "effective_e8": self.rate_annual_effective_e8,
                "effective_method": EFFECTIVE_METHOD._asdict(),
                "simple_e8": self.rate_annual_simple_e8,
                "simple_method": SIMPLE_METHOD._asdict(),
                "cap_e8": self.cost_annual_e8_cap,
            },
            "notices": [words._asdict() for words in self.notices],
            "statement": STATEMENT._asdict(),
        }


EFFECTIVE_METHOD = Words(
    "internal rate of return over the real dates of payment, compounded over 365 days",
    "按实际收付日期计算的内部收益率（IRR），按365天复利年化",
)
SIMPLE_METHOD = Words(
    "internal rate of return over the real dates of payment, per day, times 365",
    "按实际收付日期计算的日内部收益率（IRR）乘以365天，单利年化",
)
STATEMENT = Words(
    "Besides what stands on this sheet, nothing is charged for this loan.",
    "除本表所列项目外，本笔贷款不收取任何其他息费。",
)


def make_cost_sheet(loan: Loan, rows: Sequence[PlanRow], terms: Terms) -> CostSheet | Refused:
    """Return the sheet of a loan that begins on its start date, or refuse it above the cap."""
    assert loan.start_date is not None
    sheet_rows = tuple(_with_fees(row, terms.fees) for row in rows)
    at_start = _fee_minor(terms.fees, FeeTiming.AT_START)
    rate = _yearly_cost(loan, sheet_rows, at_start)
    if rate.effective_e8 > terms.cost_annual_e8_cap:
        return refuse(
            refusals.COST_ABOVE_CAP,
            cost_annual_e8=rate.effective_e8,
            cap_annual_e8=terms.cost_annual_e8_cap,
        )
    unhashed = CostSheet(
        product_code=loan.product_code,
        product_version=loan.product_version,
        product=Words(terms.name_en, terms.name_zh),
        lender_id=loan.lender_id,
        lender=_lender(terms),
        currency=loan.currency,
        principal_minor=loan.original_minor,
        rate_daily_e8=loan.rate_daily_e8,
        method=loan.method,
        tenor_months=loan.tenor_months,
        repayment_day=loan.repayment_day,
        start_date=loan.start_date,
        items=_items(loan, sheet_rows, terms),
        contingent=_contingents(loan, sheet_rows, terms),
        rows=sheet_rows,
        fee_at_start_minor=at_start,
        total_minor=at_start + sum(row.due_minor for row in sheet_rows),
        rate_annual_simple_e8=rate.simple_e8,
        rate_annual_effective_e8=rate.effective_e8,
        cost_annual_e8_cap=terms.cost_annual_e8_cap,
        notices=_notices(terms),
    )
    return _sealed(unhashed)


def document_hash(document: dict[str, object]) -> bytes:
    """Return the SHA-256 of a sheet's canonical JSON: keys sorted, no blanks, UTF-8."""
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).digest()


def _sealed(sheet: CostSheet) -> CostSheet:
    assert sheet.principal_minor + sum(i.amount_minor for i in sheet.items) == sheet.total_minor
    assert sum(row.principal_minor for row in sheet.rows) == sheet.principal_minor
    return replace(sheet, sheet_hash=document_hash(sheet.document()))


def _yearly_cost(loan: Loan, rows: Sequence[SheetRow], at_start: int) -> AnnualRate:
    assert loan.start_date is not None
    start = loan.start_date.toordinal()
    payments = [Payment(row.due_date.toordinal() - start, row.due_minor) for row in rows]
    return annual_rate(loan.original_minor, [Payment(0, at_start), *payments])


# ------------------------------------------------------------------------------------- items


def _with_fees(row: PlanRow, fees: Sequence[Fee]) -> SheetRow:
    return SheetRow(
        instalment_no=row.instalment_no,
        due_date=row.due_date,
        principal_minor=row.principal_minor,
        interest_minor=row.interest_minor,
        fee_minor=_fee_minor(fees, FeeTiming.EACH_INSTALMENT),
        balance_minor=row.balance_minor,
    )


def _fee_minor(fees: Sequence[Fee], timing: FeeTiming) -> int:
    return sum(fee.amount_minor for fee in fees if fee.timing is timing)


def _items(loan: Loan, rows: Sequence[SheetRow], terms: Terms) -> tuple[CostItem, ...]:
    rate = exact_percent(loan.rate_daily_e8)
    yearly = exact_percent(annual_from_daily(RateDaily(loan.rate_daily_e8)))
    interest = CostItem(
        code="interest",
        name=Words("Interest", "利息"),
        payee_id=loan.lender_id,
        payee=_lender(terms),
        basis=Words(
            f"{rate} % a day ({yearly} % a year of 365 days) on the principal outstanding, for the "
            "days it is used",
            f"日利率{rate}%（单利年化{yearly}%，一年按365天计），按实际占用本金和天数计收",
        ),
        amount_minor=sum(row.interest_minor for row in rows),
    )
    return (interest, *(_fee_item(fee, len(rows), terms) for fee in terms.fees))


def _fee_item(fee: Fee, instalments: int, terms: Terms) -> CostItem:
    amount = to_major_text(fee.amount_minor, terms.currency)
    if fee.timing is FeeTiming.AT_START:
        times, basis = 1, Words(f"{amount} once, at the start", f"放款时一次性收取{amount}")
    else:
        times = instalments
        basis = Words(f"{amount} with each instalment", f"每期收取{amount}")
    is_lender = fee.payee == "lender"
    return CostItem(
        code=fee.code,
        name=Words(fee.name_en, fee.name_zh),
        payee_id=terms.lender_id if is_lender else fee.payee,
        payee=_lender(terms) if is_lender else Words("Guarantor", "担保机构"),
        basis=basis,
        amount_minor=fee.amount_minor * times,
    )


def _contingents(loan: Loan, rows: Sequence[SheetRow], terms: Terms) -> tuple[ContingentItem, ...]:
    """Work what lateness costs on the first instalment that has principal."""
    row = next(row for row in rows if row.principal_minor)
    exact = row.principal_minor * DAYS_LATE_SHOWN
    return (
        _interest_when_late(loan, row, payable(exact * loan.rate_daily_e8), terms),
        _penalty_when_late(loan, row, payable(exact * loan.penalty_daily_e8), terms),
    )


def _interest_when_late(
    loan: Loan, row: SheetRow, amount_minor: int, terms: Terms
) -> ContingentItem:
    rate = exact_percent(loan.rate_daily_e8)
    return ContingentItem(
        code="interest_when_late",
        name=Words("Interest while principal is late", "逾期期间的合同利息"),
        payee_id=loan.lender_id,
        payee=_lender(terms),
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
        payee=_lender(terms),
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


def _notices(terms: Terms) -> tuple[Words, ...]:
    """Return what else the customer has to know, in plain words."""
    early = Words(
        "You may repay early on any day. You then pay interest up to that day and nothing for "
        "having repaid early.",
        "可随时提前还款，利息计至还款当日，不收取提前还款费用。",
    )
    if not terms.reported_to_bureau:
        return (early,)
    reported = Words(
        "The loan and every month of its repayment, on time or late, are reported to the credit "
        "bureau.",
        "本笔贷款及其每月还款情况（包括正常和逾期）将报送征信机构。",
    )
    return (early, reported)


def _lender(terms: Terms) -> Words:
    return Words(terms.lender_name_en or terms.lender_id, terms.lender_name_zh or terms.lender_id)


def exact_percent(rate_e8: int) -> str:
    """Return a rate as a figure in percent without its sign, exact, with at least two places."""
    whole, _, places = percent_text(rate_e8, digits=6).partition(".")
    return f"{whole}.{places.rstrip('0').ljust(2, '0')}"


# ---------------------------------------------------------------------------------- document


def _named(words: Words) -> dict[str, object]:
    return {"name_en": words.en, "name_zh": words.zh}


def _item(item: CostItem) -> dict[str, object]:
    return {
        "code": item.code,
        "name": item.name._asdict(),
        "payee": {"id": item.payee_id, **_named(item.payee)},
        "basis": item.basis._asdict(),
        "amount_minor": item.amount_minor,
    }


def _contingent(item: ContingentItem) -> dict[str, object]:
    return {
        "code": item.code,
        "name": item.name._asdict(),
        "payee": {"id": item.payee_id, **_named(item.payee)},
        "basis": item.basis._asdict(),
        "example": item.example._asdict(),
        "example_minor": item.example_minor,
    }


def _row(row: SheetRow) -> dict[str, object]:
    return {
        "instalment_no": row.instalment_no,
        "due_date": row.due_date.isoformat(),
        "principal_minor": row.principal_minor,
        "interest_minor": row.interest_minor,
        "fee_minor": row.fee_minor,
        "due_minor": row.due_minor,
        "balance_minor": row.balance_minor,
    }
