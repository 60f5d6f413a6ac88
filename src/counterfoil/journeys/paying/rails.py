"""The rails as people see them: what they carry, how they stand, what waits, and closing by hand.

The way of a switch: one rail is closed or opened by a person whose role allows it, with a reason,
as when its operator announces works. Closing or opening all of them stops the house's payouts or
lets them go on, and takes two people. What was sent before stays with its rail; what was not waits.

Invariant   A switch, its leaf and its line of the trail are one transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.staging import HOUSE
from counterfoil.evidence.staging import Value as LeafValue
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.approve import ask_approval, list_approvals
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.payments import fee_store, refusals
from counterfoil.payments import route_store as store
from counterfoil.payments.debit_port import DEBIT_RAIL
from counterfoil.payments.hint import read_callback, take_hint
from counterfoil.payments.rail_terms import RailTerms
from counterfoil.payments.route_store import ALL_RAILS, Switch
from counterfoil.platform.access_matrix import Actor, load_matrix
from counterfoil.platform.approvals import (
    APPROVAL_MISSING,
    APPROVAL_NOT_ALLOWED,
    Approval,
    Value,
    payload_hash,
    require_approval,
)
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Row
from counterfoil.privacy.refusals import REASON_MISSING

APPROVAL: Final = "payment_rails"
#: How far back the calls of a rail are counted.
LOOK_BACK: Final = timedelta(hours=1)
#: How far back fees are added up.
FEES_BACK: Final = timedelta(days=31)
#: Payments that a list shows.
PAGE: Final = 100
_LEAF_SUBJECT: Final = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RailStanding:
    """One rail, what was agreed with it, and how it stands."""

    terms: RailTerms
    is_open_now: bool
    #: When it opens where its hours are over; None where it is open or never opens.
    opens_at: datetime | None
    is_closed_by_hand: bool
    #: Who closed it and why; None where nobody did.
    closed_by: str | None
    closed_reason: str | None
    #: Payments that wait for it, with what they come to and since when the oldest does.
    held: int
    held_minor: int
    held_since: datetime | None
    #: Payments out with it: answer awaited, in doubt, and before people.
    sent: int
    in_doubt: int
    suspended: int
    #: Its calls within the last hour: all, without an answer, refused.
    calls: int
    silent: int
    declined: int
    #: Milliseconds within which 95 of 100 of them were answered; None without calls.
    p95_ms: int | None
    #: Its fees of the last month: booked as the lender's cost, and asked for on its statements.
    fees_booked_minor: int
    fees_asked_minor: int


@dataclass(frozen=True, slots=True)
class RailsView:
    """Every rail, what waits for one, and what went another way."""

    rails: Sequence[RailStanding]
    #: How all rails were closed by two people; None where they are not.
    all_closed: Row | None
    queued: Sequence[Row]
    rerouted: Sequence[Row]


async def read_rails(house: House) -> RailsView:
    """Return how the rails stand."""
    now, on = house.clock.now(), await house.business_date()
    codes = [terms.code for terms in house.rails]
    async with house.database.connection() as connection:
        fees = await fee_store.fees_by_rail(connection, rails=codes, since=on - FEES_BACK)
        switches = {row["rail"]: row for row in await store.last_switches(connection)}
        found = await store.rail_figures(connection, since=now - LOOK_BACK)
        queued = await store.queued_payments(connection, page=PAGE)
        rerouted = await store.rerouted_payments(connection, page=PAGE)
    figures = {row["rail"]: row for row in found}
    by_rail = {row["rail"]: row for row in fees}
    sorted_fees = [by_rail[code] for code in codes]
    rails = [
        _standing(terms, switches.get(terms.code), figures.get(terms.code), asked, now)
        for terms, asked in zip(house.rails, sorted_fees, strict=True)
    ]
    wide = switches.get(ALL_RAILS)
    return RailsView(rails, wide if wide and wide["is_closed"] else None, queued, rerouted)


async def queued_payments(
    house: House, *, page: int, after: tuple[int, int] = (0, 0), is_back: bool = False
) -> list[Row]:
    """Return a page of payments that wait for a rail, the oldest first."""
    async with house.database.connection() as connection:
        return await store.queued_payments(connection, page=page, after=after, is_back=is_back)


async def rerouted_payments(
    house: House, *, page: int, before: tuple[int, int] = store.NEWEST, is_back: bool = False
) -> list[Row]:
    """Return a page of payments that went over another rail than the first, the newest first."""
    async with house.database.connection() as connection:
        return await store.rerouted_payments(connection, page=page, before=before, is_back=is_back)


async def switch_rail(
    house: House, actor: Actor, rail: str, *, is_closed: bool, reason: str
) -> Switch | Approval | Refused:
    """Close or open a rail by hand; all of them if somebody else has approved it, or ask for that.

    The same call after the approval does it.
    """
    act = Act(name="rail_switch", subject=rail, reason=reason, after=_state(is_closed=is_closed))
    payload: dict[str, Value] = {"closed": is_closed, "rail": rail}
    try:
        return await _switch(house, actor, payload, act)
    except RefusedError as error:
        if error.refused.refusal is not APPROVAL_MISSING:
            return await note_refusal(house, actor, act, error.refused)
    for approval in await list_approvals(house, only_open=True, page=PAGE):
        if approval.kind == APPROVAL and approval.payload_hash == payload_hash(payload):
            return approval
    summary = f"{_state(is_closed=is_closed)}: all payment rails"
    return await ask_approval(house, actor, APPROVAL, payload, summary=summary, reason=reason)


async def take_callback(
    house: House, rail: str, headers: dict[str, str], body: bytes
) -> bool | Refused:
    """Take a rail's signed callback for a hint; return whether a question was brought forward."""
    path = house.settings.home / "keys" / f"rail-{rail}.key"
    codes = {DEBIT_RAIL, *(terms.code for terms in house.rails)}
    if rail not in codes or not path.is_file():
        return refuse(refusals.CALLBACK_NOT_EXPECTED)
    now = house.wall.now()
    reference = read_callback(path.read_bytes().strip(), headers, body, now=now)
    if isinstance(reference, Refused):
        return reference
    return await take_hint(house.database, reference, now=house.clock.now(), rail=rail)


async def tell_metrics(house: House) -> None:
    """Tell how much waits for each rail and how long the oldest has."""
    now = house.clock.now()
    async with house.database.connection() as connection:
        found = await store.rail_figures(connection, since=now)
    figures = {row["rail"]: row for row in found}
    for terms in house.rails:
        row = figures.get(terms.code)
        since = row["held_since"] if row else None
        age = 0.0 if since is None else max(0.0, (now - since).total_seconds())
        house.metrics.rail_queue.labels(terms.code).set(row["held"] if row else 0)
        house.metrics.rail_queue_seconds.labels(terms.code).set(age)


async def _switch(house: House, actor: Actor, payload: dict[str, Value], act: Act) -> Switch:
    rail, is_closed = act.subject, bool(payload["closed"])
    rights = load_matrix().rights_for(actor)
    if APPROVAL not in rights.requests | rights.approves:
        raise RefusedError(refuse(APPROVAL_NOT_ALLOWED, kind=APPROVAL))
    if not act.reason.strip():
        raise RefusedError(refuse(REASON_MISSING))
    if rail != ALL_RAILS and rail not in {terms.code for terms in house.rails}:
        raise RefusedError(refuse(refusals.RAIL_UNKNOWN, rail=rail))
    now = house.clock.now()
    async with house.database.transaction() as connection:
        closed = await store.closed_by_hand(connection)
        if (rail in closed) == is_closed:
            state = _state(is_closed=is_closed)
            raise RefusedError(refuse(refusals.RAIL_SWITCH_UNCHANGED, rail=rail, state=state))
        approval = None
        if rail == ALL_RAILS:
            approval = await _second_person(connection, actor, payload, now)
        switch = Switch(
            switch_id=house.ids.next(),
            rail=rail,
            is_closed=is_closed,
            reason=act.reason,
            switched_by=actor.name,
            approval_id=None if approval is None else approval.approval_id,
            approved_by=None if approval is None else approval.decided_by,
            switched_at=now,
        )
        await store.add_switch(connection, switch)
        facts: dict[str, LeafValue] = {
            "act": "rail_switch",
            "approver": switch.approved_by,
            "closed": is_closed,
            "rail": rail,
            "requester": switch.switched_by,
        }
        leaf = house.leaves.stage(HOUSE, house.ids.next(), LeafType.APPROVAL, _LEAF_SUBJECT, facts)
        await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])
        await note(house, connection, actor, act)
    return switch


async def _second_person(
    connection: Connection, actor: Actor, payload: dict[str, Value], now: datetime
) -> Approval:
    found = await require_approval(
        connection, APPROVAL, payload_hash(payload), used_by=actor.name, now=now
    )
    if isinstance(found, Refused):
        raise RefusedError(found)
    return found


def _standing(
    terms: RailTerms, switch: Row | None, figures: Row | None, fees: Row, now: datetime
) -> RailStanding:
    is_open = terms.hours.is_open(now)
    closed = switch if switch is not None and switch["is_closed"] else None
    row: Any = figures or _NOTHING
    return RailStanding(
        terms=terms,
        is_open_now=is_open,
        opens_at=None if is_open else terms.hours.opens_at(now),
        is_closed_by_hand=closed is not None,
        closed_by=None if closed is None else closed["switched_by"],
        closed_reason=None if closed is None else closed["reason"],
        fees_booked_minor=fees["booked_minor"],
        fees_asked_minor=fees["asked_minor"],
        **{name: row[name] for name in _NOTHING},
    )


_NOTHING: Final[dict[str, Any]] = {
    "held": 0,
    "held_minor": 0,
    "held_since": None,
    "sent": 0,
    "in_doubt": 0,
    "suspended": 0,
    "calls": 0,
    "silent": 0,
    "declined": 0,
    "p95_ms": None,
}


def _state(*, is_closed: bool) -> str:
    return "closed" if is_closed else "open"
