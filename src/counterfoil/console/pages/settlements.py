"""Early settlement at the desk: a quote for the day that the customer names, and those before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from starlette.responses import Response

from counterfoil.console import words
from counterfoil.console.access import Permission
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.pages.loans import loan_key
from counterfoil.console.visit import Visit
from counterfoil.journeys.borrowing.settle_loans import ask_settlement, list_settlements
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.lending import store
from counterfoil.lending.settlement import SettlementWish
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Form, Status

QUOTES_SHOWN: Final = 50
_TONES: Final = {"valid": "good", "settled": "good", "changed": "warn"}


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteRow:
    """One quote that was given."""

    record: str
    on: str
    until: str
    loans: str
    amount: str
    made_on: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementsView:
    """The form, and the quotes of a loan."""

    loan: str
    loan_href: str
    form: Form
    is_open: bool
    rows: Sequence[QuoteRow]
    done: str


async def show(visit: Visit) -> Response:
    """Show the form and what was quoted."""
    return await _show(visit)


async def submit(visit: Visit) -> Response:
    """Give a quote."""
    key = loan_key(visit)
    reader = FormReader(visit.values)
    once, on = reader.idempotency_key(), reader.day("on")
    if key is None or once is None or on is None or visit.is_stale:
        return await _show(visit, reader)
    house = visit.desk.house
    async with house.database.connection() as connection:
        loan = await store.read_loan(connection, *key)
    if loan is None:
        return await errors.not_found(visit)
    wish = SettlementWish(
        customer_id=loan.customer_id,
        line_id=loan.line_id,
        loan_id=loan.loan_id,
        settle_on=on,
        author=visit.operator,
    )
    outcome = await ask_settlement(house, wish, idempotency_key=once)
    if isinstance(outcome, Refused):
        reader.refuse("on", "form.refused", text=words.refusal_text(visit, outcome))
        return await _show(visit, reader)
    return visit.go(f"{words.loan_href(*key)}/settlement?done=settlement_quoted")


async def _show(visit: Visit, reader: FormReader | None = None) -> Response:
    key = loan_key(visit)
    if key is None:
        return await errors.not_found(visit)
    house, record = visit.desk.house, ids.to_text(ids.LOAN, key[1])
    async with house.database.connection() as connection:
        loan = await store.read_loan(connection, *key)
    if loan is None:
        return await errors.not_found(visit)
    found = await list_settlements(
        house, customer_id=key[0], line_id=loan.line_id, page=QUOTES_SHOWN
    )
    today = await house.business_date()
    form = visit.form(f"{words.loan_href(*key)}/settlement", reader, on=today.isoformat())
    of_loan = [one for one in found if any(part["loan_id"] == record for part in one["loans"])]
    view = SettlementsView(
        loan=record,
        loan_href=words.loan_href(*key),
        form=form,
        is_open=loan.status == "open",
        rows=[_row(visit, one) for one in of_loan],
        done=visit.done("settlement_quoted"),
    )
    return visit.page(
        "loans/settlement.html",
        visit.t("settlement.title", record=record),
        view,
        status=422 if form.errors else 200,
        journey="journeys.borrowing.settle_loans.ask_settlement",
        api_call="POST /v1/settlement-quotes",
    )


def _row(visit: Visit, quote: Mapping[str, Any]) -> QuoteRow:
    f = visit.formats
    return QuoteRow(
        record=quote["id"],
        on=f.day(date.fromisoformat(quote["on"])),
        until=f.instant(datetime.fromisoformat(quote["valid_until"])),
        loans=f.count(len(quote["loans"])),
        amount=f.money(quote["amount_minor"], quote["currency"]),
        made_on=f.day(date.fromisoformat(quote["made_on"])),
        status=visit.status("settlement_state", quote["state"], _TONES),
    )


PAGES: Final = (
    Page(
        path="/customers/{customer}/loans/{loan}/settlement",
        show=show,
        submit=submit,
        permission=Permission.REPAY,
    ),
)
