"""Consents: given, used, confirmed once more, withdrawn, and ended when their time is over.

Invariant   A consent and its leaf in the log are written together, the withdrawal's leaf before
            the consent ends. Time is the real clock's, whatever day the business has. A use is
            counted by one statement that states every condition.
Batches     `give_many` takes thousands, a transaction for each set; whoever writes other rows in
            the same transaction calls `prepare_consents` before it and `store_consents` inside.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import orjson

from counterfoil.consents import giving, store
from counterfoil.consents.consent import Consent, Use, UsedConsent
from counterfoil.consents.decision import Decision, NewDecision
from counterfoil.consents.giving import Choice, Wish
from counterfoil.consents.iso27560 import Source
from counterfoil.consents.record import Authentication, Display
from counterfoil.consents.refusals import (
    CONSENT_BUNDLED,
    CONSENT_EXPIRED,
    CONSENT_NOT_FOUND,
    CONSENT_OUTDATED,
    CONSENT_USED_UP,
    CONSENT_WITHDRAWN,
    NOTICE_CHANGED,
    NOTICE_NOT_FOUND,
    STATUS_LIST_NOT_FOUND,
)
from counterfoil.consents.state import Status
from counterfoil.consents.status_list import POSITIONS, Place, claims, place_of
from counterfoil.consents.subject import Identity
from counterfoil.customers import store as customers
from counterfoil.customers.refusals import CUSTOMER_NOT_FOUND
from counterfoil.decisioning import store as decisions
from counterfoil.decisioning.refusals import APPLICATION_NOT_FOUND
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.hosts.campaign_store import end_invitations
from counterfoil.journeys.affording.forget_statements import forget_statements
from counterfoil.journeys.consenting.consent_records import (
    Given,
    Prepared,
    consent_text,
    decision_text,
    prepare,
    reconfirmation_leaf,
    withdrawal_text,
)
from counterfoil.journeys.guarding.forget_templates import forget_templates
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform import idempotency
from counterfoil.platform.access_matrix import reading
from counterfoil.platform.batches import QUERIES as PLATFORM
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Connection
from counterfoil.privacy import person_store as persons

#: Large enough that statements cost nothing a consent, small enough that none runs long.
CONSENTS_AT_ONCE: Final = 2_000
#: Kind of the event by which others learn of a withdrawal.
WITHDRAWN: Final = "consent_withdrawn"
#: Constraints that guard against a concurrent twin; each bears the code of its refusal.
_TWINS: Final = {refusal.code: refusal for refusal in (CONSENT_BUNDLED, NOTICE_CHANGED)}
#: Why an ended consent cannot be confirmed once more.
_ENDED: Final = {
    Status.WITHDRAWN: CONSENT_WITHDRAWN,
    Status.EXPIRED: CONSENT_EXPIRED,
    Status.USED_UP: CONSENT_USED_UP,
}


async def give(house: House, wish: Wish, *, idempotency_key: str) -> Answer | Refused:
    """Keep a customer's decision on one notice: a consent, or that it was refused."""
    request = idempotency.request_hash("give_consent", _request(wish))
    async with house.database.connection() as connection:
        seen = await idempotency.remember(connection, wish.customer_id, idempotency_key, request)
        if seen is not None:
            return seen
        if refused := await _unknown(connection, wish):
            return refused
    try:
        prepared = await prepare_consents(house, [wish])
    except RefusedError as error:
        return error.refused
    [given] = prepared.answers
    if isinstance(given, Refused):
        return given

    async def work(connection: Connection) -> str:
        await store_consents(connection, prepared)
        return decision_text(wish.customer_id, given)

    return await _once(
        house, wish.customer_id, idempotency_key, request, kind="give_consent", work=work
    )


# house: allow dead-code – for imports; enrolment writes decisions with their persons
async def give_many(
    house: House,
    wishes: Sequence[Wish],
    *,
    identities: Mapping[int, Identity] | None = None,
) -> list[Given | Refused]:
    """Keep many decisions; answers come in the order given, a refusal leaves others untouched.

    There are no keys here: a screen that stands for a decision already is refused, so that a run
    that was interrupted can be started again. `identities` spares opening the vault for persons
    whose particulars the caller has at hand.
    """
    answers: list[Given | Refused] = []
    for start in range(0, len(wishes), CONSENTS_AT_ONCE):
        chunk = wishes[start : start + CONSENTS_AT_ONCE]
        prepared = await prepare_consents(house, chunk, identities=identities)
        async with house.database.transaction() as connection:
            await store_consents(connection, prepared)
        answers.extend(prepared.answers)
    return answers


async def prepare_consents(
    house: House,
    wishes: Sequence[Wish],
    *,
    identities: Mapping[int, Identity] | None = None,
) -> Prepared:
    """Check decisions and make their records and leaves; nothing of them is written.

    A customer whose record or key is damaged is refused alone. Raises RefusedError where a key is
    needed and the key service is away.
    """
    given = {wish.customer_id for wish in wishes if wish.choice is Choice.GIVEN}
    known: dict[int, Identity | Refused] = dict(identities or {})
    async with house.database.transaction() as connection:
        taken = await store.screens_taken(
            connection, [(wish.customer_id, wish.display.screen_sha256) for wish in wishes]
        )
        known |= await _identities(house, connection, sorted(given - known.keys()))
        return await prepare(house, connection, wishes, identities=known, taken=taken)


async def store_consents(connection: Connection, prepared: Prepared) -> None:
    """Write what was prepared, in the caller's transaction: decisions, consents, leaves."""
    if not prepared.decisions:
        return
    await store.keep_texts(connection, prepared.texts, at=prepared.at)
    await store.add_decisions(connection, prepared.decisions)
    if prepared.consents:
        await store.add_consents(connection, prepared.consents)
        await EVIDENCE.stage_leaves.execute(connection, rows=prepared.leaves)


async def use_consent(
    house: House,
    connection: Connection,
    *,
    customer_id: int,
    consent_id: int,
    purpose: str,
    recipient: str,
    by: str,
    application_id: int | None = None,
) -> UsedConsent | Refused:
    """Count one use in the caller's transaction, or say why the consent does not allow it.

    A refusal may end a consent whose time is over: the transaction is to be committed then, too.
    """
    now = house.leaves.now()
    use = Use(
        customer_id=customer_id,
        consent_id=consent_id,
        purpose=purpose,
        recipient=recipient,
        application_id=application_id,
        now=now,
        by=by,
    )
    versions = _sufficient(house, purpose, recipient, now)
    return await store.use_consent(connection, use, notice_versions=versions)


async def usable_consents(
    house: House, connection: Connection, customer_id: int, *, purpose: str, recipient: str
) -> list[Consent]:
    """Return the consents that would allow a use now, newest first; nothing is counted."""
    now = house.leaves.now()
    return await store.usable_consents(
        connection,
        customer_id,
        purpose=purpose,
        recipient=recipient,
        notice_versions=_sufficient(house, purpose, recipient, now),
        now=now,
    )


async def withdraw(
    house: House, *, customer_id: int, consent_id: int, channel: str, idempotency_key: str
) -> Answer | Refused:
    """End a consent at the customer's wish, at once; withdrawing twice is the same as once."""
    request = idempotency.request_hash("withdraw_consent", {"consent_id": consent_id})

    async def work(connection: Connection) -> str | Refused:
        found = await store.lock_consent(connection, customer_id=customer_id, consent_id=consent_id)
        if isinstance(found, Refused):
            return found
        if found.status is not Status.WITHDRAWN:
            now = house.leaves.now()
            leaf = house.leaves.stage(
                customer_id,
                house.ids.next(),
                LeafType.CONSENT_WITHDRAWN,
                consent_id,
                {"channel": channel, "consent": found.record, "withdrawn_at": now},
            )
            # The leaf comes first: whatever is asked for after it is provably late.
            await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])
            await store.withdraw(connection, found, leaf_id=leaf.leaf_id, now=now, by=channel)
            await forget_statements(
                house, connection, customer_id=customer_id, consent_id=consent_id
            )
            await forget_templates(
                house, connection, customer_id=customer_id, consent_id=consent_id
            )
            if found.notice_code == "marketing":
                await end_invitations(connection, customer_id, by="customer", at=house.clock.now())
            event = house.ids.next()
            told = (event, customer_id, WITHDRAWN, consent_id, "{}", house.clock.now())
            await PLATFORM.add_events.execute(connection, rows=[told])
        ended = await store.read_consent(connection, customer_id=customer_id, consent_id=consent_id)
        assert ended is not None, "it is locked"
        return withdrawal_text(house, ended)

    return await _once(
        house, customer_id, idempotency_key, request, kind="withdraw_consent", work=work
    )


async def reconfirm(
    house: House,
    *,
    customer_id: int,
    consent_id: int,
    display: Display,
    authentication: Authentication,
    channel: str,
    idempotency_key: str,
) -> Answer | Refused:
    """Note that the customer was shown the notice in force and confirmed a running consent.

    It neither widens nor prolongs the consent: for that a new one is asked for.
    """
    request = idempotency.request_hash(
        "reconfirm_consent",
        {"consent_id": consent_id, "screen": display.screen_sha256.hex()},
    )

    async def work(connection: Connection) -> str | Refused:
        found = await store.lock_consent(connection, customer_id=customer_id, consent_id=consent_id)
        if isinstance(found, Refused):
            return found
        decision = _confirmation(house, found, display, authentication, channel)
        if isinstance(decision, Refused):
            return decision
        text = decision.notice.texts[display.language]
        now = decision.decided_at
        await store.keep_texts(connection, [(decision.notice, text)], at=now)
        await store.add_decisions(connection, [decision])
        leaf = reconfirmation_leaf(house, found, decision)
        await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])
        noted = await store.reconfirm(
            connection,
            found,
            decision_id=decision.decision_id,
            leaf_id=leaf.leaf_id,
            now=now,
            by=channel,
        )
        assert noted, "the consent is locked and runs"
        return consent_text(found)

    return await _once(
        house, customer_id, idempotency_key, request, kind="reconfirm_consent", work=work
    )


async def consents_of(
    house: House,
    customer_id: int,
    *,
    page: int = store.CONSENTS_MAX,
    is_back: bool = False,
    before: int = store.NEWEST,
) -> tuple[list[Consent], list[Decision]]:
    """Return a page of a customer's consents, newest first, and what the customer refused."""
    async with house.database.connection() as connection:
        consents = await store.read_consents(
            connection, customer_id, page=page, is_back=is_back, before=before
        )
        return consents, await store.read_refused(connection, customer_id)


async def expire_consents(house: House) -> int:
    """End every consent whose time is over; return how many. Part of the close of day."""
    ended = 0
    while True:
        async with house.database.transaction() as connection:
            page = await store.expire_consents(
                connection, now=house.leaves.now(), page=CONSENTS_AT_ONCE
            )
        ended += page
        if page < CONSENTS_AT_ONCE:
            return ended


def _confirmation(
    house: House,
    consent: Consent,
    display: Display,
    authentication: Authentication,
    channel: str,
) -> NewDecision | Refused:
    """Return the decision that confirms a consent, or why it cannot be confirmed."""
    now = house.leaves.now()
    if consent.status in _ENDED or now > consent.not_after:
        return refuse(_ENDED.get(consent.status, CONSENT_EXPIRED))
    day = giving.day_of(now)
    if consent.notice_version not in house.notices.sufficient(consent.notice_code, day):
        return refuse(CONSENT_OUTDATED, version=consent.notice_version)
    current = house.notices.current(consent.notice_code, day)
    version = current.version if current is not None else consent.notice_version
    notice = giving.check_display(
        house.notices, code=consent.notice_code, version=version, display=display, now=now
    )
    if isinstance(notice, Refused):
        return notice
    if refused := giving.check_recognition(notice, display, authentication, now):
        return refused
    return NewDecision(
        customer_id=consent.customer_id,
        decision_id=house.ids.next(),
        choice="reconfirmed",
        notice=notice,
        display=display,
        authentication=authentication,
        is_preselected=False,
        channel=channel,
        decided_at=now,
    )


def _sufficient(house: House, purpose: str, recipient: str, now: int) -> list[int]:
    """Return the versions of the notice under which a consent still holds."""
    code = house.notices.asked_for(purpose, recipient)
    return [] if code is None else house.notices.sufficient(code, giving.day_of(now))


async def _unknown(connection: Connection, wish: Wish) -> Refused | None:
    """Refuse a customer, or an application of this customer, that there is not."""
    if await customers.read_customer(connection, wish.customer_id) is None:
        return refuse(CUSTOMER_NOT_FOUND)
    if wish.application_id is None:
        return None
    found = await decisions.read_application(
        connection, customer_id=wish.customer_id, application_id=wish.application_id
    )
    return refuse(APPLICATION_NOT_FOUND) if found is None else None


async def _identities(
    house: House, connection: Connection, customer_ids: Sequence[int]
) -> dict[int, Identity | Refused]:
    """Return who each customer is, or why that is not known."""
    if not customer_ids:
        return {}
    found = await persons.read_identities(connection, house.vault, customer_ids, reading("consent"))
    return {
        customer_id: fields
        if isinstance(fields, Refused)
        else Identity(name=fields["name"], id_number=fields["id_number"])
        for customer_id, fields in found.items()
    }


async def _once(
    house: House,
    customer_id: int,
    key: str,
    request: bytes,
    *,
    kind: str,
    work: idempotency.Work,
) -> Answer | Refused:
    """Do work once; a twin that the database caught gets the refusal of its constraint."""
    return await idempotency.once_or_refused(
        house.database,
        twins=_TWINS,
        scope_id=customer_id,
        key=key,
        request=request,
        kind=kind,
        at=house.clock.now(),
        work=work,
    )


def _request(wish: Wish) -> dict[str, object]:
    """Return what makes a repeated request the same; hashes as text."""
    display, authentication = wish.display, wish.authentication
    text = orjson.dumps(
        [
            wish.notice_code,
            wish.notice_version,
            wish.choice,
            wish.is_preselected,
            display.language,
            display.text_sha256.hex(),
            display.screen_sha256.hex(),
            display.dwell_ms,
            authentication.method,
            authentication.level,
            authentication.at,
            authentication.evidence_sha256.hex(),
            wish.key_binding,
            wish.application_id,
            wish.product,
            wish.amount_band,
            wish.not_before,
            wish.not_after,
            wish.channel,
        ]
    )
    return {"wish": text.decode()}


async def read_source(house: House, *, customer_id: int, consent_id: int) -> Source | Refused:
    """Return everything that is known of one consent: words, decision, events, parties."""
    async with house.database.connection() as connection:
        consent = await store.read_consent(
            connection, customer_id=customer_id, consent_id=consent_id
        )
        if consent is None:
            return refuse(CONSENT_NOT_FOUND)
        decision = await store.read_decision(
            connection, customer_id=customer_id, decision_id=consent_id
        )
        assert decision is not None, "a consent follows its decision"
        text = await store.read_text(connection, decision.text_sha256)
        events = await store.read_events(connection, customer_id=customer_id, consent_id=consent_id)
    assert text is not None, "a decision's text is kept"
    notice = house.notices.version(consent.notice_code, consent.notice_version)
    if notice is None:
        return refuse(NOTICE_NOT_FOUND, notice=consent.notice_code)
    return Source(
        consent=consent,
        notice=notice,
        notices=house.notices,
        text=text,
        decision=decision,
        events=events,
        principal_id=ids.to_text(ids.CUSTOMER, customer_id),
    )


async def status_list(house: House, number: int) -> dict[str, object] | Refused:
    """Return the list of withdrawals of a number, as recipients fetch it."""
    first = number * POSITIONS + 1
    async with house.database.connection() as connection:
        # The first list is there from the beginning.
        if number and first > await store.last_position(connection):
            return refuse(STATUS_LIST_NOT_FOUND)
        withdrawn = await store.withdrawn_positions(connection, first=first, end=first + POSITIONS)
    uri = f"{house.notices.status_lists_uri}/{number}"
    indices = tuple([position - first for position in withdrawn])
    # Packing takes milliseconds that nobody else should wait for.
    return await asyncio.to_thread(claims, uri, indices, house.leaves.now())


def status_place(house: House, consent: Consent) -> Place:
    """Return where the recipient of a consent finds whether it was withdrawn."""
    return place_of(house.notices.status_lists_uri, consent.position)
