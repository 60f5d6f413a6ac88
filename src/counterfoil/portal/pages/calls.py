"""Asking to be called back: the form, what waits, and taking the wish back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from counterfoil.customers import call_store as store
from counterfoil.customers.call_back import SAID_LENGTH_MAX, About, CallRequest, Slot
from counterfoil.journeys.applying.call_back import CallWish, ask_call, withdraw_call
from counterfoil.kernel.errors import Refused
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Form
from counterfoil.portal.page import Page
from counterfoil.portal.pages import errors
from counterfoil.portal.visit import Visit

_BY: Final = "portal"
_WITHDRAW: Final = "withdraw"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsView:
    """The form, or what the customer waits for."""

    form: Form
    abouts: Sequence[tuple[str, str]]
    slots: Sequence[tuple[str, str]]
    #: What the customer waits for; empty where nothing.
    waiting: str
    done: str


async def show(visit: Visit) -> Response:
    """Show the form, or the request that waits."""
    return await _show(visit)


async def ask(visit: Visit) -> Response:
    """Ask for a call, or take the wish back."""
    if visit.values.get("act") == _WITHDRAW:
        return await _withdraw(visit)
    reader = FormReader(visit.values)
    about = reader.choice("about", [item.value for item in About])
    slot = reader.choice("slot", [item.value for item in Slot])
    said = reader.text("said", length_max=SAID_LENGTH_MAX, required=False)
    if about is None or slot is None or not reader.is_valid:
        return await _show(visit, reader)
    wish = CallWish(
        customer_id=visit.customer_id,
        about=About(about),
        slot=Slot(slot),
        said=said or "",
        by=_BY,
    )
    outcome = await ask_call(visit.house, wish)
    if isinstance(outcome, Refused):
        return errors.refused(visit, outcome)
    return visit.go("/calls?done=call_asked")


async def _withdraw(visit: Visit) -> Response:
    async with visit.reading() as connection:
        waiting = await store.open_call_of(connection, visit.customer_id)
    if waiting is not None:
        outcome = await withdraw_call(
            visit.house, customer_id=visit.customer_id, call_id=waiting.call_id, by=_BY
        )
        if isinstance(outcome, Refused):
            return errors.refused(visit, outcome)
    return visit.go("/calls?done=call_withdrawn")


async def _show(visit: Visit, reader: FormReader | None = None) -> Response:
    async with visit.reading() as connection:
        waiting = await store.open_call_of(connection, visit.customer_id)
    about = visit.request.query_params.get("about", "")
    initial = about if about in set(About) else About.OTHER.value
    view = CallsView(
        form=visit.form("/calls", reader, about=initial, slot=Slot.ANY.value),
        abouts=[(item.value, visit.word("call_about", item.value)) for item in About],
        slots=[(item.value, visit.word("call_slot", item.value)) for item in Slot],
        waiting="" if waiting is None else _words(visit, waiting),
        done=visit.done("call_asked") or visit.done("call_withdrawn"),
    )
    status = 422 if view.form.errors else 200
    return visit.page("me/calls.html", visit.t("call.title"), view, status=status)


def _words(visit: Visit, waiting: CallRequest) -> str:
    return visit.t(
        "call.waiting",
        about=visit.word("call_about", waiting.about.value),
        slot=visit.word("call_slot", waiting.slot.value),
        day=visit.formats.day(waiting.due_on),
    )


PAGES: Final = (Page(path="/calls", show=show, submit=ask),)
