"""Questions with their proofs: the receipts of consent and intent, and whom it is about.

Nothing here sends anything. A question is complete or it is not made; many are made at once.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from counterfoil.bureau.inquiry import Inquiry
from counterfoil.bureau.question import Question, SubjectOpening
from counterfoil.bureau.refusals import INQUIRY_NOT_PUBLISHED, INQUIRY_SUBJECT_GONE
from counterfoil.consents.consent import Consent
from counterfoil.consents.subject import Identity, salt_of
from counterfoil.evidence.formats.receipt import Receipt
from counterfoil.evidence.log_store import StoredLeaf
from counterfoil.evidence.opening_store import Key, Opened, open_by_key
from counterfoil.evidence.receipts import full_note, inclusion_proofs, make_receipt
from counterfoil.evidence.refusals import OPENING_DAMAGED, OPENING_ERASED, OPENING_LOST
from counterfoil.journeys.house import House
from counterfoil.journeys.proving.publish_log import wait_witnessed
from counterfoil.journeys.proving.receipts import is_erased
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.access_matrix import reading
from counterfoil.platform.database import Connection
from counterfoil.privacy import person_store as persons
from counterfoil.privacy.data_keys import Keys, existing_keys_of_each
from counterfoil.privacy.refusals import CIPHERTEXT_REJECTED, PERSONAL_DATA_NOT_FOUND
from counterfoil.privacy.vault import Purpose

#: Longest wait for the witnesses, in turns: a line that comes after the quorum is seen by the next.
WAIT_TURN_MS: Final = 2_000
WAIT_TURNS: Final = 5
#: Questions made before others of the process get their turn.
_QUESTIONS_IN_A_BREATH: Final = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """An inquiry that is open, with the consent behind it."""

    inquiry: Inquiry
    consent: Consent

    @property
    def key(self) -> Key:
        """Return customer and inquiry."""
        return self.inquiry.customer_id, self.inquiry.inquiry_id

    @property
    def leaves(self) -> tuple[Key, Key]:
        """Return the leaves of consent and intent."""
        customer_id = self.inquiry.customer_id
        return (customer_id, self.consent.leaf_id), (customer_id, self.inquiry.intent_leaf_id)


async def witnessed_size(
    house: House, pending: Sequence[Pending], *, witness: str | None
) -> int | Refused:
    """Wait for a head that covers consents and intents, and that the bureau's own witness saw."""
    leaves = [leaf for item in pending for leaf in item.leaves]
    by = () if witness is None else (witness,)
    for _ in range(WAIT_TURNS):
        size = await wait_witnessed(house, leaves, timeout_ms=WAIT_TURN_MS, by=by)
        if not isinstance(size, Refused):
            return size
    return refuse(INQUIRY_NOT_PUBLISHED)


async def questions_of(
    house: House,
    pending: Sequence[Pending],
    *,
    size: int,
    identities: Mapping[int, Identity],
) -> dict[Key, Question | Refused]:
    """Return a question for each inquiry under one head of the log, or why there is none."""
    async with house.database.transaction() as connection:
        receipts = await _receipts(
            connection, house, [leaf for item in pending for leaf in item.leaves], size=size
        )
        subjects = await _subjects(connection, house, pending, identities)
    now = house.leaves.now()
    return {
        item.key: _question(house, item, receipts, subjects[item.key], now=now) for item in pending
    }


async def _receipts(
    connection: Connection, house: House, keys: Sequence[Key], *, size: int
) -> dict[Key, bytes | Refused]:
    """Return the receipts of leaves, or why a leaf cannot be opened."""
    opened = await open_by_key(connection, house.vault, keys)
    covered = {
        key: leaf for key, leaf in opened.items() if leaf.idx is not None and leaf.idx < size
    }
    numbers = [leaf.idx for leaf in covered.values() if leaf.idx is not None]
    proofs = await inclusion_proofs(connection, numbers, size)
    note = await full_note(connection, size)
    receipts: dict[Key, bytes | Refused] = {}
    for place, (key, leaf) in enumerate(covered.items()):
        if place % _QUESTIONS_IN_A_BREATH == 0:
            await asyncio.sleep(0)
        assert leaf.idx is not None, "a head covers it"
        if leaf.is_erased:
            gone = OPENING_ERASED if await is_erased(connection, key[0]) else OPENING_LOST
            receipts[key] = refuse(gone)
            continue
        if leaf.salt is None or leaf.body is None or not leaf.is_intact:
            receipts[key] = refuse(OPENING_DAMAGED)
            continue
        receipt: Receipt = make_receipt(
            _stored(key, leaf), leaf.salt, leaf.body, proof=proofs[leaf.idx], note=note
        )
        receipts[key] = bytes(receipt)
    return receipts


def _stored(key: Key, leaf: Opened) -> StoredLeaf:
    assert leaf.idx is not None
    return StoredLeaf(leaf.idx, *key, leaf.kind.value, 0, leaf.commitment, 0, 0, None, None)


async def _subjects(
    connection: Connection,
    house: House,
    pending: Sequence[Pending],
    identities: Mapping[int, Identity],
) -> dict[Key, SubjectOpening | Refused]:
    """Return what ties each consent to its person, or that it was erased or is damaged."""
    customers = sorted({item.inquiry.customer_id for item in pending})
    keys = await existing_keys_of_each(
        connection, house.vault, customers, Purpose.SUBJECT, reading("inquiry_proof")
    )
    known: dict[int, Identity | Refused] = dict(identities)
    missing = [customer_id for customer_id in customers if customer_id not in known]
    if missing:
        read = await persons.read_identities(
            connection, house.vault, missing, reading("inquiry_proof")
        )
        known |= {
            customer_id: fields
            if isinstance(fields, Refused)
            else Identity(name=fields["name"], id_number=fields["id_number"])
            for customer_id, fields in read.items()
        }
    return {item.key: _subject(item, keys, known) for item in pending}


def _subject(
    item: Pending, data_keys: Keys, known: Mapping[int, Identity | Refused]
) -> SubjectOpening | Refused:
    customer_id = item.inquiry.customer_id
    keys, identity = data_keys.found, known[customer_id]
    if isinstance(identity, Refused):
        is_gone = identity.code == PERSONAL_DATA_NOT_FOUND.code
        return refuse(INQUIRY_SUBJECT_GONE) if is_gone else identity
    if customer_id in data_keys.damaged:
        return refuse(CIPHERTEXT_REJECTED)
    if customer_id not in keys:
        return refuse(INQUIRY_SUBJECT_GONE)
    return SubjectOpening(
        name=identity.name,
        id_type=identity.id_type,
        id_number=identity.id_number,
        salt=salt_of(keys[customer_id], item.consent.record_id),
    )


def _question(
    house: House,
    item: Pending,
    receipts: Mapping[Key, bytes | Refused],
    subject: SubjectOpening | Refused,
    *,
    now: int,
) -> Question | Refused:
    if isinstance(subject, Refused):
        return subject
    of_consent, of_intent = (receipts.get(key) for key in item.leaves)
    for receipt in (of_consent, of_intent):
        if isinstance(receipt, Refused):
            return receipt
    if not isinstance(of_consent, bytes) or not isinstance(of_intent, bytes):
        return refuse(OPENING_LOST)  # no such leaf: lost with a database
    assert house.bureau is not None
    inquiry, consent = item.inquiry, item.consent
    return Question(
        jti=inquiry.jti,
        issuer=house.bureau.issuer,
        bureau=inquiry.bureau,
        occasion=inquiry.occasion,
        purpose=inquiry.purpose,
        reason_code=inquiry.reason_code,
        consent=consent.record,
        consent_sha256=bytes(consent.sha256),
        use_no=inquiry.use_no,
        subject=subject,
        asked_at=now,
        consent_receipt=of_consent,
        intent_receipt=of_intent,
    )
