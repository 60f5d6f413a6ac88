"""Identity checks: made or taken in, limited after failures, and asked for before an act.

The story   A channel sends what a source said, or lets the house ask a source that is joined. The
            answer is kept; a failure counts against person, device and document; whoever shows
            something that is known of somebody else is stopped, and a case opens for a person.
            Before an act that the document names, `refuse_act` says what is still missing.
Invariant   No answer is kept of a check by biometric data without its consent, and of none more
            than a digest. Too many failures end by time alone, whatever source comes next.
Privacy     A channel learns of a case only that a person will check.
Cost        Where the installation requires nothing, nothing is read. Else an act reads two
            statements by the customer's key; bookings themselves read nothing more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

import orjson

from counterfoil.customers import link_store
from counterfoil.customers import verification_store as store
from counterfoil.customers.refusals import (
    BIOMETRIC_CONSENT_MISSING,
    CUSTOMER_NOT_FOUND,
    IDENTITY_CASE_NOT_FOUND,
    IDENTITY_CHECKS_MISSING,
    IDENTITY_DEVICE_MISSING,
    IDENTITY_DOCUMENT_EXPIRED,
    IDENTITY_HELD,
    IDENTITY_OUTCOME_EARLY,
    IDENTITY_SOURCE_NOT_JOINED,
    IDENTITY_SOURCE_UNKNOWN,
)
from counterfoil.customers.verification import (
    Check,
    CheckOutcome,
    Standing,
    Want,
    about,
    gaps,
    valid_until,
)
from counterfoil.customers.verification_policy import Act, CheckKind, Scope
from counterfoil.customers.verification_port import IdentityAnswer, IdentityQuestion
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys import trail
from counterfoil.journeys.consenting.consent import use_consent
from counterfoil.journeys.house import House
from counterfoil.journeys.serving.identity_tries import own_of, refuse_tries, tried_by
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform import idempotency
from counterfoil.platform.access_matrix import Actor, reading
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Connection
from counterfoil.privacy import person_store as persons
from counterfoil.privacy.blind_index import IndexKind
from counterfoil.privacy.masking import mask_free_text

#: The notice and the purpose under which biometric data is used.
NOTICE: Final = "biometric"
PURPOSE: Final = "biometric_check"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Shown:
    """A check as a channel sends it; never shown in a log."""

    customer_id: int
    kind: CheckKind
    source: str
    #: What the applicant holds at the source, for the house to ask it; never an image.
    presented: str = ""
    #: What the source said; None lets the house ask it.
    outcome: CheckOutcome | None = None
    #: When it said so; None is now.
    checked_at: datetime | None = None
    is_of_another: bool = False
    document_expires_on: date | None = None
    template_sha256: bytes | None = None
    #: What failures are counted by besides the person.
    document: str | None = None
    device: str | None = None
    #: For liveness.
    consent_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A check on its way: who it is about, and under which digests failures count."""

    shown: Shown
    particulars: Mapping[str, str]
    tried: Sequence[store.Tried]
    request: bytes
    now: datetime
    on: date


async def check_identity(
    house: House, shown: Shown, *, by: str, idempotency_key: str
) -> Answer | Refused:
    """Keep what a source says of a customer, asking it first where the channel did not."""
    asked = await _asked(house, shown)
    if isinstance(asked, Refused):
        return asked
    async with house.database.connection() as connection:
        seen = await idempotency.remember(
            connection, shown.customer_id, idempotency_key, asked.request
        )
        if seen is not None:
            return seen
        refused = await refuse_tries(house, connection, asked.tried, asked.now)
    said = refused or await _said(house, asked)
    if isinstance(said, Refused):
        return said
    answer = said

    async def work(connection: Connection) -> str | Refused:
        await store.hold_tries(connection, asked.tried)
        refused = await refuse_tries(house, connection, asked.tried, asked.now)
        if refused is not None:
            return refused
        return await _keep(house, connection, asked, answer, by=by)

    return await idempotency.once(
        house.database,
        scope_id=shown.customer_id,
        key=idempotency_key,
        request=asked.request,
        kind="check_identity",
        at=asked.now,
        work=work,
    )


async def refuse_act(
    house: House, connection: Connection, act: Act, customer_id: int, *, is_large: bool = True
) -> Refused | None:
    """Return why a customer's act has to wait for identity checks; None where it need not."""
    found = await refuse_acts(house, connection, act, [customer_id], is_large=is_large)
    return found.get(customer_id)


async def refuse_standing(
    house: House, connection: Connection, act: Act, customer_id: int, *, subject_digest: bytes
) -> Refused | None:
    """Return why an act about an account has to wait: a check of another account is none of it."""
    if not house.settings.identity_required:
        return None
    on = await house.business_date()
    standing = (await _standings(connection, [customer_id]))[customer_id]
    standing = about(standing, CheckKind.BANK_CARD, subject_digest)
    return _refuse_standing(house, act, standing, on)


async def refuse_acts(
    house: House,
    connection: Connection,
    act: Act,
    customer_ids: Sequence[int],
    *,
    is_large: bool = True,
) -> dict[int, Refused]:
    """Return by customer why an act has to wait; nothing is read where nothing is required.

    `is_large` says of a drawdown that it is above the amount that goes without checks.
    """
    if not house.settings.identity_required or not customer_ids:
        return {}
    on = await house.business_date()
    standings = await _standings(connection, customer_ids)
    refused = {
        customer_id: _refuse_standing(house, act, standing, on, is_large=is_large)
        for customer_id, standing in standings.items()
    }
    return {customer_id: item for customer_id, item in refused.items() if item is not None}


async def _standings(
    connection: Connection, customer_ids: Sequence[int], *, at: datetime | None = None
) -> dict[int, Standing]:
    """Return what holds of customers; a case of any record of a person holds all of them."""
    people = await link_store.read_people(connection, customer_ids)
    records = {one: people.records(one) for one in customer_ids}
    every = sorted({record for held in records.values() for record in held})
    found = await store.read_standings(connection, every, at=at)
    return {
        one: replace(found[one], is_held=any(found[record].is_held for record in records[one]))
        for one in customer_ids
    }


async def identity_of(
    house: House, customer_id: int, *, at: datetime | None = None
) -> dict[str, Any] | Refused:
    """Return what holds of a customer by act, with the latest checks; for a channel to show.

    `at` asks what held by what was known at an instant, as for a decision that was made then; the
    policy is the one in force now, and checks name the one that they were made under.
    """
    policy = house.identity_policy
    on = await house.business_date() if at is None else at.date()
    async with house.database.connection() as connection:
        if not await persons.is_kept(connection, customer_id):
            return refuse(CUSTOMER_NOT_FOUND)
        standing = (await _standings(connection, [customer_id], at=at))[customer_id]
        checks = await store.checks_of_customer(connection, customer_id, at=at)
        account = await store.present_account(connection, customer_id)
    return {
        "customer_id": ids.to_text(ids.CUSTOMER, customer_id),
        "policy_version": policy.version,
        "is_required": house.settings.identity_required,
        "person_checks": standing.is_held,
        "drawing_above_minor": dict(policy.drawing_above_minor),
        "drawing_within_days": policy.drawing_within_days,
        "acts": [
            {
                "act": act.value,
                "wants": [
                    {"kind": gap.kind or None, "want": gap.want.value}
                    for gap in gaps(policy, act, standing, on=on)
                ],
            }
            for act in Act
        ],
        "checks": [check_document(item) for item in checks],
        "payout_account": account and account.payee_ref,
    }


async def standing_of(
    house: House, customer_id: int
) -> tuple[list[Check], list[store.IdentityCase]]:
    """Return a customer's checks and cases as they are, for members of staff alone."""
    async with house.database.connection() as connection:
        checks = await store.checks_of_customer(connection, customer_id)
        return checks, await store.cases_of_customer(connection, customer_id)


async def open_cases(
    house: House, *, page: int = store.PAGE, after: int = 0, is_back: bool = False
) -> list[store.IdentityCase]:
    """Return cases that wait for a person, oldest first."""
    async with house.database.connection() as connection:
        return await store.open_cases(connection, page=page, after=after, is_back=is_back)


async def close_case(
    house: House, actor: Actor, *, customer_id: int, case_id: int, by: str, finding: str
) -> dict[str, Any] | Refused:
    """End a case by a person; what it held may go on, as far as its checks allow."""
    at, words = house.clock.now(), mask_free_text(finding)
    async with house.database.transaction() as connection:
        reason = await store.close_case(
            connection, customer_id=customer_id, case_id=case_id, by=by, finding=words, at=at
        )
        if reason is None:
            return refuse(IDENTITY_CASE_NOT_FOUND)
        fields = {"act": "identity_case_closed", "by": by, "reason": reason}
        leaf = house.leaves.stage(customer_id, house.ids.next(), LeafType.APPROVAL, case_id, fields)
        await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])
        act = trail.Act(
            name="identity_case_closed",
            customer_ids=[customer_id],
            subject=ids.to_text(ids.IDENTITY_CASE, case_id),
            reason=words,
        )
        await trail.note(house, connection, actor, act)
        found = await store.cases_of_customer(connection, customer_id)
    [closed] = [item for item in found if item.case_id == case_id]
    return case_document(closed)


async def open_case_of_twin(house: House, id_number: str) -> None:
    """Open a case where somebody registers with a number that is registered already.

    It holds nobody up: whoever was there first is not to suffer from what others send.
    """
    async with house.database.transaction() as connection:
        found = await persons.find_persons(connection, house.vault, IndexKind.ID_NUMBER, id_number)
        for customer_id in found:
            await open_case(house, connection, customer_id, "registered_again", holds=False)


def check_document(check: Check) -> dict[str, Any]:
    """Return what a channel may learn of a check: of somebody else it learns nothing."""
    outcome = CheckOutcome.UNKNOWN if check.is_of_another else check.outcome
    expires = None if check.is_of_another else check.document_expires_on
    return {
        "id": ids.to_text(ids.IDENTITY_CHECK, check.check_id),
        "customer_id": ids.to_text(ids.CUSTOMER, check.customer_id),
        "kind": check.kind.value,
        "source": check.source,
        "outcome": outcome.value,
        "checked_at": check.checked_at.isoformat(),
        "valid_until": check.valid_until.isoformat(),
        "document_expires_on": expires and expires.isoformat(),
        "person_checks": check.is_of_another,
    }


def case_document(case: store.IdentityCase) -> dict[str, Any]:
    """Return a case as members of staff see it."""
    return {
        "id": ids.to_text(ids.IDENTITY_CASE, case.case_id),
        "customer_id": ids.to_text(ids.CUSTOMER, case.customer_id),
        "reason": case.reason,
        "holds": case.holds,
        "opened_at": case.opened_at.isoformat(),
        "closed_at": case.closed_at and case.closed_at.isoformat(),
        "closed_by": case.closed_by,
        "finding": case.finding,
    }


def _refuse_standing(
    house: House, act: Act, standing: Standing, on: date, *, is_large: bool = True
) -> Refused | None:
    found = gaps(house.identity_policy, act, standing, on=on, is_large=is_large)
    if not found:
        return None
    if found[0].want is Want.CASE:
        return refuse(IDENTITY_HELD)
    if any(gap.kind == CheckKind.DOCUMENT and gap.want is Want.EXPIRED for gap in found):
        return refuse(IDENTITY_DOCUMENT_EXPIRED)
    return refuse(IDENTITY_CHECKS_MISSING, gaps=", ".join(map(str, found)))


async def _asked(house: House, shown: Shown) -> _Asked | Refused:
    """Return a check that may be made, or what is wrong with it."""
    source = house.identity_policy.sources.get(shown.source)
    if source is None or shown.kind not in source.checks:
        return refuse(IDENTITY_SOURCE_UNKNOWN, source=shown.source, kind=shown.kind)
    if source.is_by_device and not (shown.device or "").strip():
        return refuse(IDENTITY_DEVICE_MISSING, source=shown.source)
    now = house.clock.now()
    if shown.checked_at is not None and shown.checked_at > now:
        return refuse(IDENTITY_OUTCOME_EARLY)
    if shown.kind is CheckKind.LIVENESS and shown.consent_id is None:
        return refuse(BIOMETRIC_CONSENT_MISSING)
    async with house.database.connection() as connection:
        try:
            particulars = await persons.read_for_check(
                connection, house.vault, shown.customer_id, reading("identity_check")
            )
            tried = await tried_by(
                house, connection, shown.customer_id, shown.device, shown.document
            )
        except RefusedError as error:
            return error.refused
    if particulars is None:
        return refuse(CUSTOMER_NOT_FOUND)
    return _Asked(
        shown=shown,
        particulars=particulars,
        tried=tried,
        request=_request(shown, tried),
        now=now,
        on=await house.business_date(),
    )


def _request(shown: Shown, tried: Sequence[store.Tried]) -> bytes:
    hidden = {"customer_id", "device", "document", "presented"}
    said: dict[str, object] = {
        name: str(getattr(shown, name)) for name in shown.__slots__ if name not in hidden
    }
    said |= {scope.value: digest.hex() for scope, digest in own_of(tried)}
    return idempotency.request_hash("check_identity", said)


async def _said(house: House, asked: _Asked) -> IdentityAnswer | Refused:
    shown = asked.shown
    if shown.outcome is not None:
        is_of_another = shown.is_of_another and shown.outcome is CheckOutcome.FAIL
        return IdentityAnswer(
            outcome=shown.outcome,
            is_of_another=is_of_another,
            document_expires_on=shown.document_expires_on,
            template_sha256=shown.template_sha256,
        )
    source = house.identity_sources.get(shown.source)
    if source is None:
        return refuse(IDENTITY_SOURCE_NOT_JOINED, source=shown.source)
    question = IdentityQuestion(
        kind=shown.kind,
        name=asked.particulars["name"],
        id_number=asked.particulars["id_number"],
        phone=asked.particulars["phone"],
        presented=shown.presented,
        on=asked.on,
    )
    return await source.check(question)


async def _keep(
    house: House, connection: Connection, asked: _Asked, said: IdentityAnswer, *, by: str
) -> str | Refused:
    shown, policy = asked.shown, house.identity_policy
    if shown.consent_id is not None and shown.kind is CheckKind.LIVENESS:
        used = await use_consent(
            house,
            connection,
            customer_id=shown.customer_id,
            consent_id=shown.consent_id,
            purpose=PURPOSE,
            recipient=_recipient(house),
            by=by,
        )
        if isinstance(used, Refused):
            return used
    is_proven = shown.kind is CheckKind.PHONE and said.outcome is CheckOutcome.PASS
    phone = asked.particulars["phone"]
    is_of_another = said.is_of_another or (
        is_proven
        and await is_proven_by_another(house, connection, shown.customer_id, phone, asked.on)
    )
    is_of_account = shown.kind is CheckKind.BANK_CARD
    check = Check(
        customer_id=shown.customer_id,
        check_id=house.ids.next(),
        kind=shown.kind,
        outcome=CheckOutcome.FAIL if is_of_another else said.outcome,
        source=shown.source,
        checked_at=shown.checked_at or asked.now,
        valid_until=valid_until(policy, shown.kind, asked.on, said.document_expires_on),
        document_expires_on=said.document_expires_on,
        is_of_another=is_of_another,
        subject_digest=dict(asked.tried).get(Scope.DOCUMENT) if is_of_account else None,
    )
    await store.add_check(
        connection,
        check,
        consent_id=shown.consent_id if shown.kind is CheckKind.LIVENESS else None,
        policy_sha256=policy.sha256,
        by=by,
        asked_at=asked.now,
        at=house.clock.now(),
    )
    if check.outcome is CheckOutcome.FAIL:
        await store.add_failures(connection, check, own_of(asked.tried), at=asked.now)
    if is_of_another:
        reason = f"{check.kind}_of_another"
        await open_case(house, connection, shown.customer_id, reason, holds=True)
    if said.template_sha256 is not None and shown.consent_id is not None:
        await store.add_template(
            connection,
            check,
            consent_id=shown.consent_id,
            template_sha256=said.template_sha256,
            expires_at=house.wall.now() + timedelta(days=policy.template_days),
        )
    return orjson.dumps(check_document(check), option=orjson.OPT_SORT_KEYS).decode()


async def is_proven_by_another(
    house: House, connection: Connection, customer_id: int, phone: str, on: date
) -> bool:
    """Tell whether another customer has proven a phone number as their own."""
    found = await persons.find_persons(connection, house.vault, IndexKind.PHONE, phone)
    standings = await store.read_standings(connection, [n for n in found if n != customer_id])
    return any(
        item.kind is CheckKind.PHONE
        and item.outcome is CheckOutcome.PASS
        and on <= item.valid_until
        for standing in standings.values()
        for item in standing.checks
    )


async def open_case(
    house: House, connection: Connection, customer_id: int, reason: str, *, holds: bool
) -> None:
    """Open a case for a person; one that is open for the same reason stays the only one."""
    case = store.IdentityCase(
        customer_id=customer_id,
        case_id=house.ids.next(),
        reason=reason,
        holds=holds,
        opened_at=house.clock.now(),
    )
    await store.open_case(connection, case)


def _recipient(house: House) -> str:
    versions = house.notices.versions(NOTICE)
    return house.notices.party(versions[-1].scope.recipient).legal_id if versions else ""
