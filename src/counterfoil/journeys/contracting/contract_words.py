"""What an agreement or a loan note is filled with: terms, offer and cost sheet as they are worded.

Invariant   Every figure comes from the terms, the offer or the cost sheet; none is worked out here.
Units       Amounts in major units as text, rates in percent as text without their sign.
"""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from counterfoil.contracts.document import Coded, Filling, Row, Value, Words
from counterfoil.contracts.port import Lender
from counterfoil.journeys.purchasing.scene_deal import CASH_FLAGS, Deal, words_of
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.kernel.money import to_major_text
from counterfoil.kernel.rates import RateDaily, annual_from_daily
from counterfoil.lending import cost
from counterfoil.lending.account import Setting
from counterfoil.lending.commands import Draw
from counterfoil.lending.cost import CostSheet
from counterfoil.lending.cost_items import Words as SheetWords
from counterfoil.lending.cost_items import exact_percent
from counterfoil.lending.line import Line
from counterfoil.lending.quote import Priced, price_drawdown
from counterfoil.lending.scene import Scene
from counterfoil.lending.terms import Terms

#: Repayment day of the example, until the customer has chosen one.
EXAMPLE_DAY = 15


class Offer(NamedTuple):
    """What an agreement is about: an approved offer, or a line as it stands."""

    customer_id: int
    #: The application, which is also the line's number.
    application_id: int
    limit_minor: int
    rate_daily_e8: int
    #: Tenors offered to this customer.
    tenors_months: tuple[int, ...]
    valid_until: date


class Borrower(NamedTuple):
    """Who signs."""

    name: str
    id_number: str

    def __repr__(self) -> str:
        """Show nothing: what is in here belongs into no log."""
        return "Borrower(…)"


class NewVersion(NamedTuple):
    """The agreement that another one takes the place of, and from when."""

    replaced_contract_id: int
    effective_on: date


def example_drawdown(offer: Offer, setting: Setting) -> Priced | Refused:
    """Return the drawdown by which an agreement shows the cost: the limit, or the most at once.

    Over the longest tenor offered and by the product's first method: what costs most.
    """
    terms = setting.terms
    amount = min(offer.limit_minor, terms.draw_minor_max)
    drawn = Draw(
        customer_id=offer.customer_id,
        line_id=offer.application_id,
        amount_minor=amount - amount % terms.draw_minor_step,
        currency=terms.currency,
        tenor_months=max(offer.tenors_months),
        method=terms.methods[0],
        # Neither says anything about dates or interest.
        purpose="",
        payee_ref="",
        cost_sheet_hash=b"",
    )
    return price_drawdown(_line_of(offer, setting), drawn, setting)


def agreement_filling(
    contract_id: int,
    offer: Offer,
    example: Priced,
    setting: Setting,
    borrower: Borrower,
    *,
    scenes: Mapping[str, Scene],
    replaces: NewVersion | None = None,
) -> Filling:
    """Return what the agreement of an offer is filled with; `scenes` are those that hold now."""
    terms, sheet = setting.terms, example.sheet
    money = _Money(terms.currency)
    values: dict[str, Value] = {
        **_parties(contract_id, offer.customer_id, terms),
        **_price(sheet, terms),
        "licence": Coded("licence", (terms.licence,)),
        "borrower_name": borrower.name,
        "borrower_id_number": borrower.id_number,
        "prepared_on": setting.business_date.isoformat(),
        "valid_until": offer.valid_until.isoformat(),
        "limit": money.text(offer.limit_minor),
        "line_valid_months": str(terms.line_valid_months),
        "draw_least": money.text(terms.draw_minor_min),
        "draw_most": money.text(terms.draw_minor_max),
        "draw_step": money.text(terms.draw_minor_step),
        "tenors": _listed(offer.tenors_months),
        "methods": Coded("method", tuple(m.value for m in terms.methods)),
        "rate_daily_least": exact_percent(terms.rate_daily_e8_min),
        "rate_daily_most": exact_percent(terms.rate_daily_e8_max),
        "penalty_percent": str(terms.penalty_percent_of_rate),
        "repayment_day_changes": str(terms.repayment_day_changes_per_year),
        "cap_raise_wait_days": str(terms.cap_raise_wait_days),
        "purposes_banned": Coded("purpose", terms.purposes_banned),
        "example_principal": money.text(sheet.principal_minor),
        "example_tenor": str(sheet.tenor_months),
        "example_method": Coded("method", (sheet.method.value,)),
        "example_start": sheet.start_date.isoformat(),
        "example_total": money.text(sheet.total_minor),
        "example_cost": money.text(sheet.cost_minor),
    }
    if replaces is not None:
        values["replaced_contract_id"] = ids.to_text(ids.CONTRACT, replaces.replaced_contract_id)
        values["effective_on"] = replaces.effective_on.isoformat()
    return Filling(
        values=values,
        flags={**_flags(terms), "is_new_version": replaces is not None},
        tables={**_tables(sheet), "scenes": _scenes(terms, scenes)},
    )


def note_filling(line: Line, priced: Priced, terms: Terms, deal: Deal | None = None) -> Filling:
    """Return what the note of a drawdown on a line with its agreement is filled with.

    `deal` is what the money pays for in a scene, None for cash.
    """
    loan, sheet = priced.loan, priced.sheet
    assert line.contract_id is not None, "a note is made under an agreement"
    assert line.agreement_sha256 is not None, "a note is made under an agreement"
    assert loan.first_due_date is not None, "a loan that is shown has its dates"
    assert loan.maturity_date is not None, "a loan that is shown has its dates"
    money = _Money(sheet.currency)
    values: dict[str, Value] = {
        **_parties(line.contract_id, line.customer_id, terms),
        **_price(sheet, terms),
        "line_id": ids.to_text(ids.LINE, line.line_id),
        "agreement_sha256": line.agreement_sha256.hex(),
        "principal": money.text(sheet.principal_minor),
        "tenor": str(sheet.tenor_months),
        "method": Coded("method", (sheet.method.value,)),
        "repayment_day": str(sheet.repayment_day),
        "start_date": sheet.start_date.isoformat(),
        "first_due_date": sheet.rows[0].due_date.isoformat(),
        "maturity_date": loan.maturity_date.isoformat(),
        "total": money.text(sheet.total_minor),
        "cost": money.text(sheet.cost_minor),
    }
    scene_values, scene_flags = ({}, CASH_FLAGS) if deal is None else words_of(deal)
    # No fee is taken at the start: a payout is always the principal.
    flags = {**_flags(terms), **scene_flags, "has_fee_at_start": False}
    return Filling(values={**values, **scene_values}, flags=flags, tables=_tables(sheet))


class _Money:
    """Words amounts of one currency."""

    def __init__(self, currency: str) -> None:
        self._currency = currency

    def text(self, amount_minor: int) -> str:
        return to_major_text(amount_minor, self._currency)


def _line_of(offer: Offer, setting: Setting) -> Line:
    """Return the line that an offer would become; it is shown by an example, never stored."""
    return Line(
        customer_id=offer.customer_id,
        line_id=offer.application_id,
        application_id=offer.application_id,
        product_code=setting.terms.code,
        product_version=setting.terms.version,
        lender_id=setting.terms.lender_id,
        currency=setting.terms.currency,
        status="active",
        limit_minor=offer.limit_minor,
        rate_daily_e8=offer.rate_daily_e8,
        repayment_day=EXAMPLE_DAY,
        opened_on=setting.business_date,
        valid_to=offer.valid_until,
    )


def _parties(contract_id: int, customer_id: int, terms: Terms) -> dict[str, Value]:
    return {
        "contract_id": ids.to_text(ids.CONTRACT, contract_id),
        "customer_id": ids.to_text(ids.CUSTOMER, customer_id),
        "lender_id": terms.lender_id,
        "lender_name": lender_name(terms),
        "product_name": Words(terms.name_en, terms.name_zh),
        "product_version": str(terms.version),
        "currency": terms.currency,
    }


def lender_name(terms: Terms) -> Words:
    """Return the name of the lender of record."""
    return Words(terms.lender_name_en or terms.lender_id, terms.lender_name_zh or terms.lender_id)


def lender_of(terms: Terms) -> Lender:
    """Return the lender of record, as its seal names it."""
    name = lender_name(terms)
    return Lender(terms.lender_id, name.en, name.zh)


def _price(sheet: CostSheet, terms: Terms) -> dict[str, Value]:
    late_cap = terms.late_annual_e8_cap
    values: dict[str, Value] = {
        "rate_daily": exact_percent(sheet.rate_daily_e8),
        "rate_annual": exact_percent(annual_from_daily(RateDaily(sheet.rate_daily_e8))),
        "penalty_daily": exact_percent(terms.penalty_daily_e8(sheet.rate_daily_e8)),
        "grace_days": str(terms.grace_days),
        "allocation": Coded("part", tuple(part.value for part in terms.allocation)),
        "sweep": Coded("sweep", (terms.sweep.value,)),
        "prepayments": Coded("prepayment", tuple(p.value for p in terms.prepayments)),
        "cost_annual_cap": exact_percent(sheet.cost_annual_e8_cap),
        "rate_effective": exact_percent(sheet.rate_annual_effective_e8),
        "rate_simple": exact_percent(sheet.rate_annual_simple_e8),
        "effective_method": _words(cost.EFFECTIVE_METHOD),
        "simple_method": _words(cost.SIMPLE_METHOD),
        "statement": _words(cost.STATEMENT),
        "cost_sheet_sha256": sheet.sheet_hash.hex(),
    }
    if late_cap is not None:
        values["late_annual_cap"] = exact_percent(late_cap)
    return values


def _flags(terms: Terms) -> dict[str, bool]:
    return {
        "has_late_cap": terms.late_annual_e8_cap is not None,
        "is_reported": terms.reported_to_bureau,
    }


def _tables(sheet: CostSheet) -> dict[str, tuple[Row, ...]]:
    money = _Money(sheet.currency)
    items = [(i.name, i.payee, i.basis, money.text(i.amount_minor)) for i in sheet.items]
    contingent = [(i.name, i.payee, i.basis, i.example) for i in sheet.contingent]
    return {
        "items": tuple(tuple(_cell(cell) for cell in row) for row in items),
        "contingent_items": tuple(tuple(_cell(cell) for cell in row) for row in contingent),
        "schedule": tuple(
            (
                str(row.instalment_no),
                row.due_date.isoformat(),
                money.text(row.principal_minor),
                money.text(row.interest_minor),
                money.text(row.fee_minor),
                money.text(row.due_minor),
                money.text(row.balance_minor),
            )
            for row in sheet.rows
        ),
    }


def _scenes(terms: Terms, scenes: Mapping[str, Scene]) -> tuple[Row, ...]:
    """Return a row for each scene that a product lends for, by the rules that hold now."""
    money = _Money(terms.currency)
    return tuple(
        (
            Words(scene.name_en, scene.name_zh),
            money.text(scene.limit_minor),
            _listed(scene.tenors_months),
            str(scene.cooling_off_days),
            str(scene.refund_days),
        )
        for scene in (scenes[code] for code in terms.scenes if code in scenes)
    )


def _cell(cell: str | SheetWords) -> str | Words:
    return cell if isinstance(cell, str) else _words(cell)


def _words(words: SheetWords) -> Words:
    return Words(words.en, words.zh)


def _listed(numbers: tuple[int, ...]) -> Words:
    texts = [str(number) for number in numbers]
    return Words(", ".join(texts), "、".join(texts))
