"""What a decision becomes: record, leaf and rows, and what is answered for it.

Shared by the ways in which consents come about: one by one, and in sets.
"""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

import orjson

from counterfoil.consents.consent import Consent
from counterfoil.consents.decision import NewDecision
from counterfoil.consents.giving import Checked, Choice, Wish, check, subject_of
from counterfoil.consents.iso27560 import instant
from counterfoil.consents.notice import SECONDS_PER_DAY, Notice, NoticeText
from counterfoil.consents.record import RECORD_ID_BYTES, Checkpoint, Record, sha256_of
from counterfoil.consents.refusals import CONSENT_BUNDLED, CONSENT_WITHOUT_IDENTITY
from counterfoil.consents.state import State, Status
from counterfoil.consents.subject import Identity, salt_of, subject_ref
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.staging import StagedLeaf, Value, Witnessed
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.access_matrix import reading
from counterfoil.platform.database import Connection
from counterfoil.privacy.data_keys import keys_of_each
from counterfoil.privacy.refusals import CIPHERTEXT_REJECTED, PERSONAL_DATA_NOT_FOUND
from counterfoil.privacy.vault import Purpose

_NEW = State(status=Status.GIVEN, uses=0, period_no=0, uses_in_period=0, ended_at=None, events=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A decision that was kept."""

    decision_id: int
    choice: Choice
    notice_code: str
    notice_version: int
    #: POSIX seconds.
    decided_at: int
    #: None where the customer refused.
    consent: Consent | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Decisions ready to be written; answers in the order of the wishes."""

    answers: Sequence[Given | Refused]
    texts: Sequence[tuple[Notice, NoticeText]]
    decisions: Sequence[NewDecision]
    consents: Sequence[Consent]
    leaves: Sequence[StagedLeaf]
    at: int


async def prepare(
    house: House,
    connection: Connection,
    wishes: Sequence[Wish],
    *,
    identities: Mapping[int, Identity | Refused],
    taken: Collection[tuple[int, bytes]],
) -> Prepared:
    """Check wishes and make their rows; `taken` are screens that stand for a decision already.

    Of `identities` everybody who agrees has one, or why there is none. A wish whose customer's key
    is damaged is refused, and no other.
    """
    now, witnessed = house.leaves.now(), house.leaves.witnessed
    checked = _check_all(house, wishes, identities, taken, now)
    agreed = {one.wish.customer_id for one in checked if _agrees(one)}
    keys: Mapping[int, bytes] = {}
    if agreed:
        keys, damaged = await keys_of_each(
            connection, house.vault, agreed, Purpose.SUBJECT, reading("consent")
        )
        checked = [
            refuse(CIPHERTEXT_REJECTED)
            if _agrees(item) and item.wish.customer_id in damaged
            else item
            for item in checked
        ]
    answers: list[Given | Refused] = []
    kept: list[Checked] = []
    consents: list[Consent] = []
    for item in checked:
        if isinstance(item, Refused):
            answers.append(item)
            continue
        consent = None
        if item.wish.choice is Choice.GIVEN:
            customer_id = item.wish.customer_id
            identity = identities[customer_id]
            assert isinstance(identity, Identity), "it was checked"
            ref = (keys[customer_id], identity)
            consent = _consent(house, item, ref, now, witnessed)
            consents.append(consent)
        kept.append(item)
        answers.append(_given(house, item, consent, now))
    made = [answer for answer in answers if isinstance(answer, Given)]
    return Prepared(
        answers=answers,
        texts=_texts(kept),
        decisions=[_decision(item, given) for item, given in zip(kept, made, strict=True)],
        consents=consents,
        leaves=[_leaf(house, consent, now, witnessed) for consent in consents],
        at=now,
    )


def _check_all(
    house: House,
    wishes: Sequence[Wish],
    identities: Mapping[int, Identity | Refused],
    taken: Collection[tuple[int, bytes]],
    now: int,
) -> list[Checked | Refused]:
    """Check each wish by itself, and that no screen stands for two decisions."""
    seen = set(taken)
    checked: list[Checked | Refused] = []
    for wish in wishes:
        item = check(house.notices, wish, now)
        screen = (wish.customer_id, wish.display.screen_sha256)
        if isinstance(item, Checked):
            if screen in seen:
                item = refuse(CONSENT_BUNDLED)
            elif wish.choice is Choice.GIVEN and (
                refused := _without_identity(identities[wish.customer_id])
            ):
                item = refused
            else:
                seen.add(screen)
        checked.append(item)
    return checked


def _without_identity(known: Identity | Refused) -> Refused | None:
    """Return why there is nobody whom a consent could be bound to; None where there is."""
    if isinstance(known, Identity):
        return None
    is_gone = known.code == PERSONAL_DATA_NOT_FOUND.code
    return refuse(CONSENT_WITHOUT_IDENTITY) if is_gone else known


def _agrees(item: Checked | Refused) -> TypeGuard[Checked]:
    return isinstance(item, Checked) and item.wish.choice is Choice.GIVEN


def _consent(
    house: House,
    item: Checked,
    ref: tuple[bytes, Identity],
    now: int,
    witnessed: Witnessed,
) -> Consent:
    """Return the consent with its record; `ref` is the customer's key and identity."""
    wish, notice, scope = item.wish, item.notice, item.notice.scope
    record_id = os.urandom(RECORD_ID_BYTES)
    key, identity = ref
    application = wish.application_id
    recipient = house.notices.party(scope.recipient)
    record = Record(
        record_id=record_id,
        notice=notice,
        controller=house.notices.party(scope.controller),
        recipient=recipient,
        onward=tuple(house.notices.party(code) for code in scope.onward),
        subject_ref=subject_ref(salt_of(key, record_id), identity),
        authentication=wish.authentication,
        key_binding=wish.key_binding,
        display=wish.display,
        subject=subject_of(
            wish, "" if application is None else ids.to_text(ids.APPLICATION, application)
        ),
        not_before=item.window.not_before,
        not_after=item.window.not_after,
        created=now,
        checkpoint=Checkpoint(size=witnessed.size, root=witnessed.root),
    )
    body = record.body
    period = scope.period_days
    return Consent(
        customer_id=wish.customer_id,
        consent_id=house.ids.next(),
        record_id=record_id,
        purpose=scope.purpose,
        recipient=recipient.legal_id,
        application_id=application,
        notice_code=notice.code,
        notice_version=notice.version,
        language=wish.display.language,
        uses_max=scope.uses_max,
        period_seconds=None if period is None else period * SECONDS_PER_DAY,
        not_before=item.window.not_before,
        not_after=item.window.not_after,
        data_life_days=scope.data_life_days,
        created=now,
        leaf_id=house.ids.next(),
        body=body,
        sha256=sha256_of(body),
        # Given by the database when the row is written.
        position=0,
        state=_NEW,
        withdrawn_at=None,
    )


def _leaf(house: House, consent: Consent, now: int, witnessed: Witnessed) -> StagedLeaf:
    return house.leaves.stage_body(
        consent.customer_id,
        consent.leaf_id,
        LeafType.CONSENT_GIVEN,
        consent.consent_id,
        consent.body,
        created=now,
        witnessed=witnessed,
    )


def reconfirmation_leaf(house: House, consent: Consent, decision: NewDecision) -> StagedLeaf:
    """Return the leaf of a consent that was confirmed once more: the whole record, and the act.

    Its text is not the record's, so nobody can take it for the leaf of the consent itself.
    """
    display, known = decision.display, decision.authentication
    act: dict[str, Value] = {
        "at": decision.decided_at,
        "authentication": {"level": known.level.value, "method": known.method},
        "channel": decision.channel,
        "notice": {
            "dwell_ms": display.dwell_ms,
            "language": display.language,
            "screen_sha256": display.screen_sha256.hex(),
            "text_sha256": display.text_sha256.hex(),
            "version": decision.notice.version,
        },
        "record_sha256": consent.sha256.hex(),
    }
    fields = {**orjson.loads(consent.body), "given_at": consent.created, "reconfirmed": act}
    return house.leaves.stage(
        consent.customer_id,
        house.ids.next(),
        LeafType.CONSENT_GIVEN,
        consent.consent_id,
        fields,
    )


def _given(house: House, item: Checked, consent: Consent | None, now: int) -> Given:
    return Given(
        decision_id=house.ids.next() if consent is None else consent.consent_id,
        choice=item.wish.choice,
        notice_code=item.notice.code,
        notice_version=item.notice.version,
        decided_at=now,
        consent=consent,
    )


def _decision(item: Checked, given: Given) -> NewDecision:
    wish = item.wish
    return NewDecision(
        customer_id=wish.customer_id,
        decision_id=given.decision_id,
        choice=wish.choice.value,
        notice=item.notice,
        display=wish.display,
        authentication=wish.authentication,
        is_preselected=wish.is_preselected,
        channel=wish.channel,
        decided_at=given.decided_at,
    )


def _texts(kept: Sequence[Checked]) -> list[tuple[Notice, NoticeText]]:
    """Return each text once, in one order, so that two writers never wait for each other."""
    found = {
        (item.notice.code, item.notice.version, item.wish.display.language): item.notice
        for item in kept
    }
    return [
        (notice, notice.texts[language])
        for (_, _, language), notice in sorted(found.items(), key=lambda entry: entry[0])
    ]


# --------------------------------------------------------------------------- what is answered


def decision_text(customer_id: int, given: Given) -> str:
    """Return what is answered when a decision was kept."""
    if given.consent is not None:
        return consent_text(given.consent)
    answer = {
        "consent_id": None,
        "customer_id": ids.to_text(ids.CUSTOMER, customer_id),
        "decided_at": instant(given.decided_at),
        "notice": given.notice_code,
        "notice_version": given.notice_version,
        "record": None,
        "record_sha256": None,
        "recipient": None,
        "status": "refused",
        "uses_max": 0,
        "valid_from": None,
        "valid_to": None,
        "withdraw_uri": None,
    }
    return orjson.dumps(answer, option=orjson.OPT_SORT_KEYS).decode()


def consent_text(consent: Consent) -> str:
    """Return what is answered when a consent was given or confirmed."""
    answer = {
        "consent_id": ids.to_text(ids.CONSENT, consent.consent_id),
        "customer_id": ids.to_text(ids.CUSTOMER, consent.customer_id),
        "decided_at": instant(consent.created),
        "notice": consent.notice_code,
        "notice_version": consent.notice_version,
        "record": consent.record,
        "record_sha256": consent.sha256.hex(),
        "recipient": consent.recipient,
        "status": consent.status.value,
        "uses_max": consent.uses_max,
        "valid_from": instant(consent.not_before),
        "valid_to": instant(consent.not_after),
        "withdraw_uri": orjson.loads(consent.body)["withdraw_uri"],
    }
    return orjson.dumps(answer, option=orjson.OPT_SORT_KEYS).decode()


def withdrawal_text(house: House, consent: Consent) -> str:
    """Return what is answered when a consent was withdrawn: what stops, what the law keeps."""
    assert consent.withdrawn_at is not None, "it is withdrawn"
    stops, keeps = consequences(house, consent)
    answer = {
        "consent_id": ids.to_text(ids.CONSENT, consent.consent_id),
        "customer_id": ids.to_text(ids.CUSTOMER, consent.customer_id),
        "keeps": keeps,
        "record": consent.record,
        "status": consent.status.value,
        "stops": stops,
        "withdrawn_at": instant(consent.withdrawn_at),
    }
    return orjson.dumps(answer, option=orjson.OPT_SORT_KEYS).decode()


def consequences(house: House, consent: Consent) -> tuple[str, str]:
    """Return what ends with a withdrawal and what the law keeps, as the customer was told."""
    notice = house.notices.version(consent.notice_code, consent.notice_version)
    if notice is None:
        return "", ""
    parts = notice.texts[consent.language].parts
    return parts["stops"], parts["keeps"]
