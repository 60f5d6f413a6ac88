"""Messages that nobody could deliver: what waits for a person, and sending one again.

Privacy     What was told is shown by kind and cause; name and address are in the vault alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

import orjson
from starlette.responses import Response

from counterfoil.console import flow, words
from counterfoil.console.access import Permission
from counterfoil.console.flow import Action, Crumb
from counterfoil.console.frame import BASE
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.visit import Visit
from counterfoil.customers import message_store
from counterfoil.customers.message import load_texts
from counterfoil.journeys.serving.deliver_messages import send_again
from counterfoil.kernel import ids
from counterfoil.kernel.language import Language
from counterfoil.platform.web.forms import FormReader

_HOME: Final = f"{BASE}/messages"
#: The oldest ones; more than a day's work.
SHOWN: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadRow:
    """One message that nobody could deliver."""

    record: str
    href: str
    customer: str
    customer_href: str
    kind: str
    is_legal: str
    tried: str
    ended: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadPage:
    """What nobody could deliver, the oldest first."""

    rows: Sequence[DeadRow]
    done: str


async def show(visit: Visit) -> Response:
    """List what nobody could deliver."""
    f, t = visit.formats, visit.t
    rows = [
        DeadRow(
            record=f.record(ids.MESSAGE, row["message_id"]),
            href=_href(row),
            customer=f.record(ids.CUSTOMER, row["customer_id"]),
            customer_href=f"{words.customer_href(row['customer_id'])}/settings",
            kind=subject_of(visit, row),
            is_legal=t("message.legal") if row["is_legal"] else t("message.not_legal"),
            tried=tried_words(visit, row["tried"]),
            ended=f.instant(row["ended_at"]),
        )
        for row in await _waiting(visit)
    ]
    return visit.page(
        "messages/undeliverable.html",
        t("message.title"),
        DeadPage(rows=rows, done=visit.done("message_queued")),
        journey="customers.message_store.read_undeliverable",
        api_call="GET /v1/undeliverable-messages",
    )


async def resend(visit: Visit) -> Response:
    """Send one again."""
    params = visit.request.path_params
    try:
        customer_id = ids.from_text(ids.CUSTOMER, params["customer"])
        message_id = ids.from_text(ids.MESSAGE, params["message"])
    except ids.InvalidIdError:
        return await errors.not_found(visit)
    found = [
        row
        for row in await _waiting(visit)
        if (row["customer_id"], row["message_id"]) == (customer_id, message_id)
    ]
    if not found:
        return await errors.not_found(visit)
    t, record = visit.t, ids.to_text(ids.MESSAGE, message_id)
    action = Action(
        name="resend_message",
        title=t("message.resend_title", record=record),
        intro=t("message.resend_intro", tried=tried_words(visit, found[0]["tried"])),
        path=_href(found[0]),
        record=Crumb(label=t("message.title"), href=_HOME),
        journey="journeys.serving.deliver_messages.send_again",
        api_call=f"POST /v1/messages/{record}/resend",
    )
    reader = FormReader(visit.values)
    key = reader.idempotency_key() if visit.request.method == "POST" else None
    if key is None or visit.is_stale:
        return flow.show_form(visit, action, ())
    outcome = await send_again(
        visit.desk.house,
        customer_id=customer_id,
        message_id=message_id,
        idempotency_key=key,
        by=visit.operator,
    )
    return flow.finish(visit, action, (), outcome, reader=reader, done="message_queued")


async def _waiting(visit: Visit) -> list[Any]:
    async with visit.desk.house.database.connection() as connection:
        rows = await message_store.read_undeliverable(connection, after=0, page=SHOWN)
    return await visit.in_queue(rows, ids.CUSTOMER, itemgetter("customer_id", "customer_id"))


def tried_words(visit: Visit, tried: str | None) -> str:
    """Return how channels went, in words."""
    label = visit.catalogue.label
    steps = [] if tried is None else [one.partition(" ") for one in tried.split(", ")]
    said = [f"{label('setting_channel', a)} {label('message_outcome', b)}" for a, _, b in steps]
    return ", ".join(said) or visit.t("message.nothing_tried")


def subject_of(visit: Visit, row: Any) -> str:
    """Return what a message is about, as its reader sees it."""
    is_chinese = visit.catalogue.language == "zh-CN"
    language = Language.CHINESE if is_chinese else Language.ENGLISH
    return load_texts().subject(row["kind"], orjson.loads(row["fields"]), language)


def _href(row: Any) -> str:
    record = ids.to_text(ids.MESSAGE, row["message_id"])
    return f"{words.customer_href(row['customer_id'])}/messages/{record}"


PAGES: Final = (
    Page(path="/messages", show=show),
    Page(
        path="/customers/{customer}/messages/{message}",
        show=resend,
        submit=resend,
        permission=Permission.REVIEW,
    ),
)
