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

import orjson

from counterfoil.kernel.errors import Refused, refuse
from counterfoil.kernel.rates import RateDaily, annual_from_daily
from counterfoil.lending import refusals
from counterfoil.lending.annual_rate import AnnualRate, Payment, annual_rate
from counterfoil.lending.cost_items import (
    ContingentItem,
    CostItem,
    SheetRow,
    Words,
    contingent_items,
    lender_words,
    normal_items,
    notices,
)
from counterfoil.lending.interest import payable
from counterfoil.lending.loan import Loan
from counterfoil.lending.risk_notice import risks
from counterfoil.lending.schedule import PlanRow
from counterfoil.lending.terms import Fee, Method, Terms

#: Form of the sheet; a change of its keys or words is a new number, so old hashes keep meaning.
SHEET_FORM = 2
#: The form before fees were charged and risks were worked; sheets of that time have its hash.
FIRST_FORM = 1


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
    total_minor: int
    rate_annual_simple_e8: int
    rate_annual_effective_e8: int
    cost_annual_e8_cap: int
    notices: tuple[Words, ...]
    risks: tuple[Words, ...]
    fees: tuple[Fee, ...]
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
            "fees": [_fee(fee) for fee in self.fees],
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
            "risks": [words._asdict() for words in self.risks],
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


def make_cost_sheet(
    loan: Loan, rows: Sequence[PlanRow], terms: Terms, *, on: date | None = None
) -> CostSheet | Refused:
    """Return the sheet of what a loan will still cost, or refuse it above the cap.

    By default from its start date: of all of it.
    """
    sheet = cost_sheet_of(loan, rows, terms, on=on)
    if sheet.rate_annual_effective_e8 > terms.cost_annual_e8_cap:
        return refuse(
            refusals.COST_ABOVE_CAP,
            cost_annual_e8=sheet.rate_annual_effective_e8,
            cap_annual_e8=terms.cost_annual_e8_cap,
        )
    return sheet


def cost_sheet_of(
    loan: Loan, rows: Sequence[PlanRow], terms: Terms, *, on: date | None = None
) -> CostSheet:
    """Return the sheet of a loan as it is, whatever it costs.

    On a date after its start it is of what has not fallen due then, and the yearly rate is that of
    the principal with the interest accrued on it.
    """
    start = on or loan.start_date
    assert start is not None
    sheet_rows = tuple(_sheet_row(row) for row in rows)
    rate = _yearly_cost(loan, sheet_rows, start)
    unhashed = CostSheet(
        product_code=loan.product_code,
        product_version=loan.product_version,
        product=Words(terms.name_en, terms.name_zh),
        lender_id=loan.lender_id,
        lender=lender_words(terms),
        currency=loan.currency,
        principal_minor=loan.current_principal_minor,
        rate_daily_e8=loan.rate_daily_e8,
        method=loan.method,
        tenor_months=loan.tenor_months,
        repayment_day=sheet_rows[0].due_date.day,
        start_date=start,
        items=normal_items(loan, sheet_rows, terms),
        contingent=contingent_items(loan, sheet_rows, terms),
        rows=sheet_rows,
        total_minor=sum(row.due_minor for row in sheet_rows),
        rate_annual_simple_e8=rate.simple_e8,
        rate_annual_effective_e8=rate.effective_e8,
        cost_annual_e8_cap=terms.cost_annual_e8_cap,
        notices=notices(loan, terms),
        risks=risks(loan, sheet_rows, terms),
        fees=loan.fees,
    )
    return _sealed(unhashed)


def document_hash(document: dict[str, object]) -> bytes:
    """Return the SHA-256 of a sheet's canonical JSON: keys sorted, no blanks, UTF-8."""
    return hashlib.sha256(canonical(document)).digest()


def canonical(document: dict[str, object]) -> bytes:
    """Return the text of a sheet that its hash is taken of."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def first_form(document: dict[str, object]) -> dict[str, object]:
    """Return a sheet without fees as the first form had it, to find sheets of that time again."""
    kept = {key: value for key, value in document.items() if key not in ("fees", "risks")}
    return kept | {"form": FIRST_FORM, "fee_at_start_minor": 0}


def _sealed(sheet: CostSheet) -> CostSheet:
    assert sheet.principal_minor + sum(i.amount_minor for i in sheet.items) == sheet.total_minor
    assert sum(row.principal_minor for row in sheet.rows) == sheet.principal_minor
    return replace(sheet, sheet_hash=document_hash(sheet.document()))


def _yearly_cost(loan: Loan, rows: Sequence[SheetRow], start: date) -> AnnualRate:
    payments = [
        Payment(row.due_date.toordinal() - start.toordinal(), row.due_minor) for row in rows
    ]
    received = loan.current_principal_minor + payable(loan.accrued_interest_e8)
    return annual_rate(received, payments)


def _sheet_row(row: PlanRow) -> SheetRow:
    return SheetRow(
        instalment_no=row.instalment_no,
        due_date=row.due_date,
        principal_minor=row.principal_minor,
        interest_minor=row.interest_minor,
        fee_minor=row.fee_minor,
        balance_minor=row.balance_minor,
    )


# ---------------------------------------------------------------------------------- document


def _named(words: Words) -> dict[str, object]:
    return {"name_en": words.en, "name_zh": words.zh}


def _fee(fee: Fee) -> dict[str, object]:
    """Return the condition that a charge is held against."""
    return {
        "code": fee.code,
        "payee": fee.payee,
        "timing": fee.timing.value,
        "basis": fee.basis.value,
        "amount_minor": fee.amount_minor,
        "share_e8": fee.share_e8,
        "cap_minor": fee.cap_minor,
    }


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
