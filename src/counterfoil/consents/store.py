"""Reads and writes consents; the database itself counts uses and refuses what does not hold."""

from collections.abc import Sequence
from typing import Any, Final

from counterfoil.consents.consent import Consent, Use, UsedConsent
from counterfoil.consents.decision import Decision, NewDecision, TextShown
from counterfoil.consents.notice import Notice, NoticeText
from counterfoil.consents.refusals import (
    CONSENT_EXPIRED,
    CONSENT_NOT_FOUND,
    CONSENT_OF_ANOTHER_PERSON,
)
from counterfoil.consents.state import Event, EventKind, State, Status
from counterfoil.consents.using import why_not
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.consents")

#: Above every number: the first page begins before it.
NEWEST: Final = 2**63 - 1
#: More consents than one customer gives, more events than pages show at once.
CONSENTS_MAX: Final = 200
EVENTS_PAGE: Final = 1_000
#: Who ends what is over.
CLOCK: Final = "clock"


async def keep_texts(
    connection: Connection, texts: Sequence[tuple[Notice, NoticeText]], *, at: int
) -> None:
    """Keep texts from the first time they are shown; a changed one breaks `notice_changed`."""
    await QUERIES.keep_texts.execute(
        connection,
        sha256s=[text.sha256 for _, text in texts],
        notice_codes=[notice.code for notice, _ in texts],
        notice_versions=[notice.version for notice, _ in texts],
        languages=[text.language for _, text in texts],
        texts=[text.text for _, text in texts],
        first_shown=at,
    )


async def read_text(connection: Connection, sha256: bytes) -> TextShown | None:
    """Return a text as it was shown, or None."""
    row = await QUERIES.text_shown.fetchrow(connection, sha256=sha256)
    return None if row is None else TextShown(**dict(row))


async def add_decisions(connection: Connection, decisions: Sequence[NewDecision]) -> None:
    """Write decisions; one screen for two of them breaks `consent_bundled`."""
    await QUERIES.add_decisions.execute(connection, rows=[_decision_row(d) for d in decisions])


async def screens_taken(
    connection: Connection, screens: Sequence[tuple[int, bytes]]
) -> frozenset[tuple[int, bytes]]:
    """Return those customers and screens that stand for a decision already."""
    rows = await QUERIES.screens_taken.fetch(
        connection,
        customer_ids=[customer_id for customer_id, _ in screens],
        screens=[screen for _, screen in screens],
    )
    return frozenset((row["customer_id"], row["screen_sha256"]) for row in rows)


async def add_consents(connection: Connection, consents: Sequence[Consent]) -> None:
    """Write new consents with the event that begins each; their decisions are there already."""
    await QUERIES.add_consents.execute(connection, rows=[_consent_row(c) for c in consents])


async def use_consent(
    connection: Connection, use: Use, *, notice_versions: Sequence[int]
) -> UsedConsent | Refused:
    """Count one use, or say why not.

    One statement changes the row and states every condition, so that of two workers at once one
    is refused. A consent that turns out to be over is ended on the spot, in the transaction at
    hand: a clock that steps back later does not bring it back.
    """
    row = await QUERIES.use_consent.fetchrow(
        connection,
        customer_id=use.customer_id,
        consent_id=use.consent_id,
        purpose=use.purpose,
        recipient=use.recipient,
        application_id=use.application_id,
        notice_versions=list(notice_versions),
        now=use.now,
        done_by=use.by,
    )
    if row is not None:
        consent = consent_of_row(row)
        return UsedConsent(consent=consent, use_no=consent.state.uses)
    return await _why_not(connection, use, notice_versions)


async def read_consent(
    connection: Connection, *, customer_id: int, consent_id: int
) -> Consent | None:
    """Return one consent, or None."""
    row = await QUERIES.consent.fetchrow(connection, customer_id=customer_id, consent_id=consent_id)
    return None if row is None else consent_of_row(row)


async def lock_consent(
    connection: Connection, *, customer_id: int, consent_id: int
) -> Consent | Refused:
    """Return one consent under its lock, or why there is none."""
    row = await QUERIES.lock_consent.fetchrow(
        connection, customer_id=customer_id, consent_id=consent_id
    )
    return await _unknown(connection, consent_id) if row is None else consent_of_row(row)


async def read_consents(
    connection: Connection,
    customer_id: int,
    *,
    page: int = CONSENTS_MAX,
    is_back: bool = False,
    before: int = NEWEST,
) -> list[Consent]:
    """Return a page of the consents of one customer, newest first."""
    rows = await QUERIES.consents_of_customer.page(
        connection, customer_id=customer_id, page=page, is_back=is_back, before=before
    )
    return [consent_of_row(row) for row in rows]


async def usable_consents(
    connection: Connection,
    customer_id: int,
    *,
    purpose: str,
    recipient: str,
    notice_versions: Sequence[int],
    now: int,
) -> list[Consent]:
    """Return what the customer's consents allow now for a purpose at a recipient."""
    rows = await QUERIES.usable_consents.fetch(
        connection,
        customer_id=customer_id,
        purpose=purpose,
        recipient=recipient,
        notice_versions=list(notice_versions),
        now=now,
        page=CONSENTS_MAX,
    )
    return [consent_of_row(row) for row in rows]


async def read_events(
    connection: Connection, *, customer_id: int, consent_id: int, after: int = 0
) -> list[Event]:
    """Return a page of what happened to one consent, in order."""
    rows = await QUERIES.events_of_consent.fetch(
        connection, customer_id=customer_id, consent_id=consent_id, after=after, page=EVENTS_PAGE
    )
    return [
        Event(
            event_no=row["event_no"],
            kind=EventKind(row["kind"]),
            at=row["at"],
            use_no=row["use_no"],
            by=row["done_by"],
            leaf_id=row["leaf_id"],
        )
        for row in rows
    ]


async def read_decision(
    connection: Connection, *, customer_id: int, decision_id: int
) -> Decision | None:
    """Return how something was decided, or None."""
    row = await QUERIES.decision.fetchrow(
        connection, customer_id=customer_id, decision_id=decision_id
    )
    return None if row is None else Decision(**dict(row))


async def read_refused(connection: Connection, customer_id: int) -> list[Decision]:
    """Return what a customer refused, newest first."""
    rows = await QUERIES.refused_by_customer.fetch(
        connection, customer_id=customer_id, page=CONSENTS_MAX
    )
    return [Decision(**dict(row)) for row in rows]


async def withdraw(
    connection: Connection, consent: Consent, *, leaf_id: int, now: int, by: str
) -> None:
    """End a consent that is locked, at the customer's wish; its leaf is written already."""
    await QUERIES.withdraw_consent.execute(
        connection,
        customer_id=consent.customer_id,
        consent_id=consent.consent_id,
        leaf_id=leaf_id,
        now=now,
        done_by=by,
    )


async def reconfirm(
    connection: Connection, consent: Consent, *, decision_id: int, leaf_id: int, now: int, by: str
) -> bool:
    """Note that a running consent was confirmed once more; False where it does not run."""
    noted = await QUERIES.reconfirm_consent.execute(
        connection,
        customer_id=consent.customer_id,
        consent_id=consent.consent_id,
        decision_id=decision_id,
        leaf_id=leaf_id,
        now=now,
        done_by=by,
    )
    return noted == 1


async def expire_consents(connection: Connection, *, now: int, page: int) -> int:
    """End a page of consents whose time is over; return how many."""
    return await QUERIES.expire_consents.execute(connection, now=now, page=page, done_by=CLOCK)


async def withdrawn_positions(connection: Connection, *, first: int, end: int) -> list[int]:
    """Return the withdrawn positions of a span, in order."""
    rows = await QUERIES.withdrawn_positions.fetch(connection, first=first, end=end)
    return [row["position"] for row in rows]


async def last_position(connection: Connection) -> int:
    """Return the highest position that was given, 0 where none was."""
    return await QUERIES.last_position.fetchval(connection) or 0


async def _unknown(connection: Connection, consent_id: int) -> Refused:
    """Tell a consent of somebody else from one that nobody gave."""
    is_known = await QUERIES.is_known.fetchval(connection, consent_id=consent_id)
    return refuse(CONSENT_OF_ANOTHER_PERSON if is_known else CONSENT_NOT_FOUND)


async def _why_not(connection: Connection, use: Use, notice_versions: Sequence[int]) -> Refused:
    """Return why a consent cannot be used; end it where its time turns out to be over."""
    found = await lock_consent(connection, customer_id=use.customer_id, consent_id=use.consent_id)
    if isinstance(found, Refused):
        return found
    refused = why_not(found, use, notice_versions)
    if refused.refusal is CONSENT_EXPIRED and found.status is Status.GIVEN:
        await QUERIES.expire_consent.execute(
            connection,
            customer_id=found.customer_id,
            consent_id=found.consent_id,
            now=use.now,
            done_by=CLOCK,
        )
    return refused


async def withdrawals_of(
    connection: Connection, keys: Sequence[tuple[int, int]], *, recipient: str
) -> list[tuple[int, int, bytes]]:
    """Return customer, consent and record of withdrawals that a recipient was not told of yet."""
    rows = await QUERIES.withdrawals_of.fetch(
        connection,
        customer_ids=[customer_id for customer_id, _ in keys],
        consent_ids=[consent_id for _, consent_id in keys],
        recipient=recipient,
    )
    return [(row["customer_id"], row["consent_id"], row["record_id"]) for row in rows]


async def note_told(connection: Connection, keys: Sequence[tuple[int, int]], *, now: int) -> None:
    """Note that the recipient knows of withdrawals."""
    await QUERIES.note_told.execute(
        connection,
        customer_ids=[customer_id for customer_id, _ in keys],
        consent_ids=[consent_id for _, consent_id in keys],
        now=now,
    )


async def told_at(connection: Connection, *, customer_id: int, consent_id: int) -> int | None:
    """Return when the recipient confirmed to know of a withdrawal."""
    found: int | None = await QUERIES.told_at.fetchval(
        connection, customer_id=customer_id, consent_id=consent_id
    )
    return found


def _decision_row(decision: NewDecision) -> tuple[Any, ...]:
    display, authentication = decision.display, decision.authentication
    return (
        decision.customer_id,
        decision.decision_id,
        decision.choice,
        decision.notice.code,
        decision.notice.version,
        display.language,
        display.text_sha256,
        display.screen_sha256,
        display.dwell_ms,
        decision.notice.reading_ms_min,
        decision.is_preselected,
        authentication.method,
        authentication.level.value,
        authentication.at,
        authentication.evidence_sha256,
        decision.channel,
        decision.decided_at,
    )


def _consent_row(consent: Consent) -> tuple[Any, ...]:
    return (
        consent.customer_id,
        consent.consent_id,
        consent.record_id,
        consent.purpose,
        consent.recipient,
        consent.application_id,
        consent.notice_code,
        consent.notice_version,
        consent.language,
        consent.uses_max,
        consent.period_seconds,
        consent.not_before,
        consent.not_after,
        consent.data_life_days,
        consent.created,
        consent.leaf_id,
        consent.body,
        consent.sha256,
    )


_STATE: Final = ("uses", "period_no", "uses_in_period", "ended_at", "events")


def consent_of_row(row: Row) -> Consent:
    """Return a consent from a row that has all its columns."""
    fields = dict(row)
    status = Status(fields.pop("status"))
    state = State(status=status, **{name: fields.pop(name) for name in _STATE})
    return Consent(**fields, state=state)
