"""Money that came in over rails: what was booked where, and what two people have to place."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from starlette.responses import Response

from counterfoil.console import flow
from counterfoil.console.access import Permission
from counterfoil.console.flow import Action, Crumb, Field, Plan, Preview
from counterfoil.console.frame import BASE
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.visit import Visit
from counterfoil.journeys.paying import received as journey
from counterfoil.payments.received import (
    Ending,
    Received,
    ReceivedKey,
    ReceivedKind,
    ReceivedStatus,
)
from counterfoil.platform.approvals import Approval
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Change, Status

_HOME: Final = f"{BASE}/received-payments"
TONES: Final = {"taken": "live", "booked": "good", "suspended": "warn", "sent_back": ""}
_ENDINGS: Final = tuple(one.value for one in Ending)
CHOICES: Final = ("belongs", "sent_back", *_ENDINGS)
#: What may be said of money that came in, of a recall, and of a claim from one.
_OF_MONEY: Final = ("belongs", "sent_back", Ending.PAYS_CLAIM.value)
_OF_RECALL: Final = tuple(one for one in CHOICES if one != Ending.PAYS_CLAIM)
_OF_CLAIM: Final = (Ending.LOSS.value,)
#: What names something.
_NAMING: Final = frozenset({"belongs", "pays_claim"})
_REFERENCE_LENGTH_MAX: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedRow:
    """Money that came in."""

    record: str
    #: Where it is placed; empty where nobody has to, or may not.
    href: str
    reference: str
    amount: str
    left: str
    value_date: str
    status: Status
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedView:
    """What waits for people first, then the newest."""

    rows: Sequence[ReceivedRow]
    done: str


async def show_list(visit: Visit) -> Response:
    """List money that came in."""
    house = visit.desk.house
    visit.business_date = await house.business_date()
    found = await journey.list_received(house)
    view = ReceivedView(
        rows=[_row(visit, one) for one in found],
        done=visit.done("received_asked", "received_placed"),
    )
    return visit.page(
        "rails/received.html",
        visit.t("received.title"),
        view,
        journey="journeys.paying.received.list_received",
        api_call="GET /v1/received-payments",
    )


async def place(visit: Visit) -> Response:
    """Say where money belongs, or that it was sent back."""
    found = await _found(visit)
    if found is None:
        return await errors.not_found(visit)
    t, f = visit.t, visit.formats
    action = Action(
        name="place",
        title=t("received.place_title", record=visit.known_by_all(found.rail_reference)),
        intro=t(
            "received.place_intro",
            amount=f.money(found.claim_left_minor or found.left_minor, found.currency),
        ),
        path=_href(found),
        record=Crumb(label=t("received.title"), href=_HOME),
        journey="journeys.paying.received.place",
        api_call="POST /v1/received-payments/placings",
    )
    choices = tuple(
        (code, visit.catalogue.label("received_choice", code)) for code in _choices(found)
    )
    fields = [
        Field(name="choice", label=t("received.choice"), kind="select", choices=choices),
        Field(
            name="reference",
            label=t("received.reference"),
            hint=t("received.reference_hint"),
            is_required=False,
        ),
        Field(name="reason", label=t("approval.reason")),
    ]

    async def plan(reader: FormReader) -> Plan | None:
        placing = _placing(reader, found)
        if placing is None:
            return None
        return Plan(
            preview=lambda: _preview(visit, found, placing),
            act=lambda **_key: journey.place(visit.desk.house, visit.actor, placing),
        )

    return await flow.run_previewed(visit, action, fields, plan, done=_done)


def _done(outcome: object) -> str:
    return "received_asked" if isinstance(outcome, Approval) else "received_placed"


def _placing(reader: FormReader, found: Received) -> journey.Placing | None:
    choice = reader.choice("choice", _choices(found))
    names = choice in _NAMING
    reference = reader.text("reference", length_max=_REFERENCE_LENGTH_MAX, required=names)
    reason = reader.text("reason", length_max=flow.REASON_LENGTH_MAX)
    if choice is None or reason is None or reader.errors:
        return None
    return journey.Placing(
        key=found.key,
        reference=reference if names else None,
        reason=reason,
        ending=Ending(choice) if choice in _ENDINGS else None,
    )


def _preview(visit: Visit, found: Received, placing: journey.Placing) -> Preview:
    t = visit.t
    said = "sent_back" if placing.ending is None else placing.ending.value
    after = placing.reference or visit.catalogue.label("received_choice", said)
    return Preview(
        changes=[Change(label=t("received.reference"), before=found.reference, after=after)],
        notes=[t("received.two_people"), placing.reason],
        confirm=t("received.confirm"),
    )


async def _found(visit: Visit) -> Received | None:
    params = visit.request.path_params
    try:
        key = ReceivedKey(params["rail"], date.fromisoformat(params["day"]), int(params["line"]))
    except ValueError:
        return None
    found = await journey.find_received(visit.desk.house, key)
    return found if found is not None and _is_open(found) else None


def _choices(one: Received) -> Sequence[str]:
    """Return what people may say of it."""
    if one.claim_left_minor:
        return _OF_CLAIM
    return _OF_RECALL if one.kind is ReceivedKind.RECALLED else _OF_MONEY


def _is_open(one: Received) -> bool:
    """Return whether people are next: to place it, or to end its claim."""
    return one.status is ReceivedStatus.SUSPENDED or bool(one.claim_left_minor)


def _href(one: Received) -> str:
    return f"{_HOME}/{one.key}"


def _row(visit: Visit, one: Received) -> ReceivedRow:
    f, is_open = visit.formats, one.status is ReceivedStatus.SUSPENDED
    cause = "—"
    if is_open and one.cause is not None:
        cause = visit.catalogue.label("received_cause", one.cause.value)
    elif one.is_own_money is False:
        cause = visit.t("received.by_other")
    if one.kind is ReceivedKind.RECALLED:
        cause = (
            f"{visit.t('received.is_recall')} · {cause}"
            if is_open
            else (visit.t("received.is_recall"))
        )
    if one.claimed_minor:
        left = f.money(one.claim_left_minor or 0, one.currency)
        claim = visit.t("received.claim_left", amount=left)
        claim = claim if one.claim_left_minor else visit.t("received.claim_over")
        cause = f"{cause} · {claim}"
    return ReceivedRow(
        record=visit.known_by_all(one.rail_reference),
        href=_href(one) if _is_open(one) and visit.may(Permission.REVERSE) else "",
        reference=one.names,
        amount=f.money(one.amount_minor, one.currency),
        left=f.money(one.left_minor, one.currency) if is_open else "—",
        value_date=f.day(one.value_date),
        status=visit.status("received_status", one.status.value, TONES),
        cause=cause,
    )


PAGES: Final = (
    Page(path="/received-payments", show=show_list),
    Page(
        path="/received-payments/{rail}/{day}/{line}",
        show=place,
        submit=place,
        permission=Permission.REVERSE,
    ),
)
