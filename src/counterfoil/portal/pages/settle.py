"""Settling early: choose a day, see what it costs to be free, and until when that holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from starlette.responses import Response

from counterfoil.journeys.borrowing.settle_loans import ask_settlement, list_settlements
from counterfoil.kernel import ids
from counterfoil.kernel.creditor_reference import grouped
from counterfoil.kernel.errors import Refused
from counterfoil.lending import store
from counterfoil.lending.settlement import DAYS_MAX, SettlementWish
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Form, Status
from counterfoil.portal.page import Page
from counterfoil.portal.pages import errors
from counterfoil.portal.visit import Visit

_BY: Final = "portal"
QUOTES_SHOWN: Final = 10
_TONES: Final = {"valid": "good", "settled": "good", "changed": "warn"}


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteView:
    """One quote."""

    record: str
    day: str
    amount: str
    status: Status
    until: str
    #: Name and amount of each part that is not nothing.
    parts: Sequence[tuple[str, str]]
    saved: str
    #: Where it is paid today; empty on another day, and for several loans at once.
    pay_href: str
    how: str
    is_valid: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleView:
    """The form, and the quotes that were given."""

    form: Form
    first: str
    last: str
    latest: QuoteView | None
    earlier: Sequence[QuoteView]


@dataclass(frozen=True, slots=True)
class _About:
    """What is to be settled: one loan, or all loans of a line."""

    line_id: int
    loan_id: int | None
    path: str


async def show(visit: Visit) -> Response:
    """Show the form and the quotes."""
    about = await _about(visit)
    return errors.not_found(visit) if about is None else await _show(visit, about)


async def submit(visit: Visit) -> Response:
    """Give a quote."""
    about = await _about(visit)
    if about is None:
        return errors.not_found(visit)
    reader = FormReader(visit.values)
    key, on = reader.idempotency_key(), reader.day("on")
    if key is None or on is None:
        return await _show(visit, about, reader)
    wish = SettlementWish(
        customer_id=visit.customer_id,
        line_id=about.line_id,
        loan_id=about.loan_id,
        settle_on=on,
        author=_BY,
    )
    quoted = await ask_settlement(visit.house, wish, idempotency_key=key)
    if isinstance(quoted, Refused):
        reader.refuse("on", "form.refused", text=visit.refusal(quoted))
        return await _show(visit, about, reader)
    return visit.go(about.path)


async def _about(visit: Visit) -> _About | None:
    loan_id, line_id = visit.number(ids.LOAN), visit.number(ids.LINE)
    path = f"/settle/{visit.request.path_params['record']}"
    async with visit.reading() as connection:
        if loan_id is not None:
            loan = await store.read_loan(connection, visit.customer_id, loan_id)
            return None if loan is None else _About(loan.line_id, loan_id, path)
        line = await store.read_line(connection, visit.customer_id, line_id or 0)
    return None if line is None else _About(line.line_id, None, path)


async def _show(visit: Visit, about: _About, reader: FormReader | None = None) -> Response:
    today = await visit.house.business_date()
    found = await list_settlements(
        visit.house,
        customer_id=visit.customer_id,
        line_id=about.line_id,
        page=QUOTES_SHOWN,
    )
    quotes = [_quote(visit, one, today) for one in found if _is_about(one, about)]
    form = visit.form(about.path, reader, on=today.isoformat())
    view = SettleView(
        form=form,
        first=today.isoformat(),
        last=(today + timedelta(days=DAYS_MAX)).isoformat(),
        latest=quotes[0] if quotes else None,
        earlier=quotes[1:],
    )
    title = visit.t("settle.title" if about.loan_id else "settle.title_line")
    return visit.page("settle/settle.html", title, view, status=422 if form.errors else 200)


def _is_about(quote: Mapping[str, Any], about: _About) -> bool:
    if about.loan_id is None:
        return True
    return [one["loan_id"] for one in quote["loans"]] == [ids.to_text(ids.LOAN, about.loan_id)]


def _quote(visit: Visit, quote: Mapping[str, Any], today: date) -> QuoteView:
    f, currency, loans = visit.formats, quote["currency"], quote["loans"]
    on = date.fromisoformat(quote["on"])

    def money(name: str) -> int:
        return sum(int(loan[f"{name}_minor"]) for loan in loans)

    parts = [(name, money(name)) for name in ("principal", "interest", "penalty")]
    parts.append(("fee", money("fee") + money("guarantee")))
    is_valid = quote["state"] == "valid"
    can_pay = is_valid and on == today and len(loans) == 1
    return QuoteView(
        record=quote["id"],
        day=f.day(on),
        amount=f.money(quote["amount_minor"], currency),
        status=visit.status("settlement", quote["state"], _TONES),
        until=f.instant(datetime.fromisoformat(quote["valid_until"])),
        parts=[(visit.word("part", name), f.money(n, currency)) for name, n in parts if n],
        saved=f.money(money("interest_saved"), currency),
        pay_href=f"/portal/repay/{loans[0]['loan_id']}" if can_pay else "",
        how=visit.t("settle.how", record=grouped(quote["payment_reference"]), day=f.day(on)),
        is_valid=is_valid,
    )


PAGES: Final = (Page(path="/settle/{record}", show=show, submit=submit),)
