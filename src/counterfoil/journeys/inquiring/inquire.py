"""Asking a credit bureau: only on an occasion, only under a consent, each use once.

The story   A fresh report serves first. Otherwise: the consent's use is counted and the intent
            written with its leaf, in one transaction; the house waits until witnesses have seen
            consent and intent; the question goes out with both receipts; the answer is written
            with its leaf before it is used; the report is opened for its purpose, and only the
            facts that the policy declares leave it.
Invariant   No consent, no intent; no witnessed intent, no question; no outcome, no facts. The
            database refuses the second use of a consent, whoever tries at once.
Unknown     An intent without an outcome is open. `resolve_open` asks again under the same
            identifier, which the bureau answers with the same bytes.
Many        `inquire_many` shares one wait for the witnesses among thousands of persons.
"""

import asyncio
import base64
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from counterfoil.bureau import store
from counterfoil.bureau.inquiry import Inquiry, State
from counterfoil.bureau.occasion import Occasion
from counterfoil.bureau.port import Bureau
from counterfoil.bureau.question import NoAnswer, Question
from counterfoil.bureau.refusals import (
    BUREAU_NOT_JOINED,
    INQUIRY_CONSENT_MISSING,
    INQUIRY_OPEN,
    OCCASION_UNKNOWN,
)
from counterfoil.bureau.report_row import StoredReport
from counterfoil.consents.consent import Consent
from counterfoil.consents.lookup_store import consents_by_key
from counterfoil.consents.subject import Identity
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.log_store import numbers_of
from counterfoil.evidence.staging import StagedLeaf, Value
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.consenting.consent import use_consent
from counterfoil.journeys.house import House
from counterfoil.journeys.inquiring.inquiry_outcomes import (
    Arrived,
    Obtained,
    Wanted,
    open_reports,
    refused_as_stopped,
    stop,
    take_answers,
    why_stopped,
)
from counterfoil.journeys.inquiring.inquiry_proofs import Pending, questions_of, witnessed_size
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform.database import Connection
from counterfoil.privacy.assessment import Processing

#: Inquiries of one transaction.
INQUIRIES_AT_ONCE: Final = 250
#: Transactions under way at once, of the pool's connections.
_CHUNKS_AT_ONCE: Final = 3
#: Who opens a report where the policy decides.
MACHINE: Final = "policy"
_JTI_BYTES: Final = 16

Key = tuple[int, int]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants to know about a customer, and on which occasion."""

    customer_id: int
    occasion: str
    #: None where only a report that is there already may serve.
    consent_id: int | None
    application_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What became of inquiries that had no outcome."""

    looked_at: int
    answered: int
    #: Ended without a report that can be used.
    ended: int
    still_open: int


# house: allow dead-code – one customer's form, for hosts that ask outside an application
async def inquire(
    house: House, wish: Wish, *, wanted: Collection[str], by: str = MACHINE
) -> Obtained | Refused:
    """Return the wanted facts of one customer, or why there are none."""
    [answer] = await inquire_many(house, [wish], wanted=wanted, by=by)
    return answer


async def inquire_many(
    house: House,
    wishes: Sequence[Wish],
    *,
    wanted: Collection[str],
    by: str = MACHINE,
    identities: Mapping[int, Identity] | None = None,
) -> list[Obtained | Refused]:
    """Return the wanted facts of many customers; answers come in the order given.

    A refusal leaves the others untouched. `identities` spares opening the vault for persons whose
    particulars the caller has at hand.
    """
    if house.bureau is None:
        return [refuse(BUREAU_NOT_JOINED) for _ in wishes]
    unassessed = await house.assessed.refuse(Processing.PROVIDING, house.bureau.bureau)
    if unassessed is not None:
        return [unassessed for _ in wishes]
    run = _Run(house, house.bureau, Wanted(facts=frozenset(wanted), by=by), identities or {})
    for code in dict.fromkeys(wish.occasion for wish in wishes):
        places = [place for place, wish in enumerate(wishes) if wish.occasion == code]
        await run.of_occasion(code, [(place, wishes[place]) for place in places])
    return [run.answers[place] for place in range(len(wishes))]


async def resolve_open(house: House, *, asked_before: int) -> Resolved:
    """Ask again about inquiries without an outcome that were asked before an instant.

    Reports are stored and opened by nobody: whoever needed them finds them as fresh ones.
    """
    assert house.bureau is not None, "there is nothing to resolve without a bureau"
    run = _Run(house, house.bureau, Wanted(facts=(), by=MACHINE), {})
    looked_at = answered = ended = 0
    after = (0, 0, 0)
    while True:
        async with house.database.connection() as connection:
            found = await store.open_inquiries(
                connection,
                house.bureau.bureau,
                asked_before=asked_before,
                page=INQUIRIES_AT_ONCE,
                after=after,
            )
            pending = await _with_consents(connection, found)
        outcomes = await run.carry(pending)
        looked_at += len(found)
        answered += sum(isinstance(item, StoredReport) for item in outcomes.values())
        ended += sum(
            isinstance(item, Refused) and item.refusal.code not in _STILL_OPEN
            for item in outcomes.values()
        )
        if len(found) < INQUIRIES_AT_ONCE:
            break
        last = found[-1]
        after = (last.asked_at, last.customer_id, last.inquiry_id)
    return Resolved(
        looked_at=looked_at,
        answered=answered,
        ended=ended,
        still_open=looked_at - answered - ended,
    )


#: What is damaged may be mended from a backup while the consent lasts, and is asked about then.
_STILL_OPEN: Final = frozenset(
    {
        "inquiry_open",
        "inquiry_not_published",
        "key_service_unavailable",
        "ciphertext_rejected",
        "opening_damaged",
    }
)


class _Run:
    """One call for many persons: who is answered, and how."""

    def __init__(
        self,
        house: House,
        bureau: Bureau,
        wanted: Wanted,
        identities: Mapping[int, Identity],
    ) -> None:
        self._house = house
        self._bureau = bureau
        self._wanted = wanted
        self._identities = identities
        self._calls = asyncio.Semaphore(bureau.calls_at_once)
        self._chunks = asyncio.Semaphore(_CHUNKS_AT_ONCE)
        #: By place in the list of wishes.
        self.answers: dict[int, Obtained | Refused] = {}

    async def of_occasion(self, code: str, wishes: Sequence[tuple[int, Wish]]) -> None:
        """Answer the wishes of one occasion."""
        occasion = self._allowed(code)
        if isinstance(occasion, Refused):
            self.answers.update(dict.fromkeys((place for place, _ in wishes), occasion))
            return
        fresh = await self._fresh(occasion, [wish.customer_id for _, wish in wishes])
        new = [(place, wish) for place, wish in wishes if wish.customer_id not in fresh]
        reused = [
            (place, fresh[wish.customer_id], True)
            for place, wish in wishes
            if wish.customer_id in fresh
        ]
        await self._open(occasion, reused)
        places, pending = await self._intents(occasion, new)
        outcomes = await self.carry(pending)
        got = []
        for key, outcome in outcomes.items():
            if isinstance(outcome, Refused):
                self.answers[places[key]] = outcome
            else:
                got.append((places[key], outcome, False))
        await self._open(occasion, got)

    async def carry(self, pending: Sequence[Pending]) -> dict[Key, StoredReport | Refused]:
        """Bring open inquiries to their outcome, as far as witnesses and bureau answer."""
        if not pending:
            return {}
        size = await witnessed_size(self._house, pending, witness=self._bureau.witness)
        if isinstance(size, Refused):
            # Leaves under a damaged key have no number; who waits for none of them goes on.
            found: dict[Key, StoredReport | Refused] = {item.key: size for item in pending}
            ready = await self._numbered(pending)
            if len(ready) < len(pending):
                found |= await self.carry(ready)
            return found
        done = await asyncio.gather(
            *(self._carry_chunk(chunk, size=size) for chunk in _chunks(pending))
        )
        return {key: outcome for found in done for key, outcome in found.items()}

    async def _numbered(self, pending: Sequence[Pending]) -> list[Pending]:
        """Return those whose consent and intent both have their number in the log."""
        leaves = [leaf for item in pending for leaf in item.leaves]
        async with self._house.database.connection() as connection:
            numbers = await numbers_of(connection, leaves)
        return [item for item in pending if numbers.keys() >= {*item.leaves}]

    def _allowed(self, code: str) -> Occasion | Refused:
        occasion = self._house.occasions.allowed(code)
        if isinstance(occasion, Refused):
            return occasion
        reason = self._bureau.reason_code(occasion)
        if reason is None:
            return refuse(OCCASION_UNKNOWN, occasion=code)
        return replace(occasion, reason_code=reason)

    async def _fresh(
        self, occasion: Occasion, customer_ids: Sequence[int]
    ) -> dict[int, StoredReport]:
        """Return reports that may serve: alive, of a purpose that allows it, not withdrawn."""
        if not occasion.reuses_reports_of:
            return {}
        async with self._house.database.connection() as connection:
            found = await store.fresh_reports(
                connection,
                customer_ids,
                bureau=self._bureau.bureau,
                purposes=occasion.reuses_reports_of,
                now=self._house.leaves.now(),
            )
            consents = await consents_by_key(
                connection, [(c, report.consent_id) for c, report in found.items()]
            )
        return {
            customer_id: report
            for customer_id, report in found.items()
            if _still_agreed(consents.get((customer_id, report.consent_id)))
        }

    async def _intents(
        self, occasion: Occasion, wishes: Sequence[tuple[int, Wish]]
    ) -> tuple[dict[Key, int], list[Pending]]:
        """Count uses and write intents; return what is pending, and whose it is."""
        with_consent = []
        for place, wish in wishes:
            if wish.consent_id is None:
                self.answers[place] = refuse(INQUIRY_CONSENT_MISSING)
            else:
                with_consent.append((place, wish))
        made = await asyncio.gather(
            *(self._intend(occasion, chunk) for chunk in _chunks(with_consent))
        )
        pending = [item for chunk in made for item in chunk]
        return {item.key: place for place, item in pending}, [item for _, item in pending]

    async def _intend(
        self, occasion: Occasion, wishes: Sequence[tuple[int, Wish]]
    ) -> list[tuple[int, Pending]]:
        house = self._house
        made: list[tuple[int, Pending]] = []
        async with self._chunks, house.database.transaction() as connection:
            # In one order everywhere, so that two sets of the same customers do not lock crosswise.
            for place, wish in sorted(wishes, key=_by_consent):
                assert wish.consent_id is not None
                used = await use_consent(
                    house,
                    connection,
                    customer_id=wish.customer_id,
                    consent_id=wish.consent_id,
                    purpose=occasion.consent_purpose,
                    recipient=self._bureau.bureau,
                    application_id=wish.application_id,
                    by=self._wanted.by,
                )
                if isinstance(used, Refused):
                    self.answers[place] = used
                    continue
                inquiry = self._inquiry(occasion, used.consent, used.use_no)
                made.append((place, Pending(inquiry=inquiry, consent=used.consent)))
            if made:
                inquiries = [item.inquiry for _, item in made]
                leaves = [_intent_leaf(house, item) for _, item in made]
                await EVIDENCE.stage_leaves.execute(connection, rows=leaves)
                await store.add_inquiries(connection, inquiries)
        return made

    def _inquiry(self, occasion: Occasion, consent: Consent, use_no: int) -> Inquiry:
        house = self._house
        now = house.leaves.now()
        return Inquiry(
            customer_id=consent.customer_id,
            inquiry_id=house.ids.next(),
            consent_id=consent.consent_id,
            use_no=use_no,
            occasion=occasion.code,
            purpose=consent.purpose,
            reason_code=occasion.reason_code,
            bureau=self._bureau.bureau,
            jti=base64.urlsafe_b64encode(os.urandom(_JTI_BYTES)).decode().rstrip("="),
            state=State.INTENT,
            intent_leaf_id=house.ids.next(),
            asked_at=now,
            answer_by=now + occasion.answer_within_s,
        )

    async def _carry_chunk(
        self, pending: Sequence[Pending], *, size: int
    ) -> dict[Key, StoredReport | Refused]:
        async with self._chunks:
            running, found = await self._without_stopped(pending)
            try:
                questions = await questions_of(
                    self._house, running, size=size, identities=self._identities
                )
            except RefusedError as error:
                # The key service is away: nothing was sent, and the inquiries stay open.
                return found | {item.key: error.refused for item in running}
            asked, unasked = _parted(running, questions)
            found |= {item.key: no for item, no in unasked}
            gone = [(item, no.code) for item, no in unasked if no.code not in _STILL_OPEN]
            if gone:
                # The person or the opening was erased: there will never be a question.
                await stop(self._house, gone)
            await self._mark_sent([item for item, _ in asked])
            answers = await asyncio.gather(*(self._ask(item, question) for item, question in asked))
            arrived = [answer for answer in answers if isinstance(answer, Arrived)]
            found |= {
                item.key: answer
                for (item, _), answer in zip(asked, answers, strict=True)
                if isinstance(answer, Refused)
            }
            try:
                return found | (await take_answers(self._house, arrived) if arrived else {})
            except RefusedError as error:
                # The key service is away: nothing is written, and the bureau answers again.
                return found | {item.pending.key: error.refused for item in arrived}

    async def _without_stopped(
        self, pending: Sequence[Pending]
    ) -> tuple[list[Pending], dict[Key, StoredReport | Refused]]:
        """Look at the consents once more, right before anything is sent."""
        async with self._house.database.connection() as connection:
            fresh = await consents_by_key(
                connection, [(i.inquiry.customer_id, i.inquiry.consent_id) for i in pending]
            )
        now = self._house.leaves.now()
        running, stopped = [], []
        for item in pending:
            known = fresh[item.inquiry.customer_id, item.inquiry.consent_id]
            item = replace(item, consent=known)  # noqa: PLW2901 - the same, as it stands now
            code = why_stopped(item, now)
            if code is None:
                running.append(item)
            else:
                stopped.append((item, code))
        if stopped:
            await stop(self._house, stopped)
        return running, {item.key: refused_as_stopped() for item, _ in stopped}

    async def _mark_sent(self, running: Sequence[Pending]) -> None:
        keys = [item.key for item in running if item.inquiry.sent_at is None]
        if keys:
            async with self._house.database.connection() as connection:
                await store.mark_sent(connection, keys, at=self._house.leaves.now())

    async def _ask(self, item: Pending, question: Question) -> Arrived | Refused:
        async with self._calls:
            answer = await self._bureau.ask(question)
        if isinstance(answer, NoAnswer):
            return refuse(INQUIRY_OPEN)
        return Arrived(pending=item, question=question, answer=answer)

    async def _open(
        self, occasion: Occasion, reports: Sequence[tuple[int, StoredReport, bool]]
    ) -> None:
        for chunk in _chunks(reports):
            try:
                found = await open_reports(
                    self._house,
                    [(report, is_reuse) for _, report, is_reuse in chunk],
                    self._wanted,
                    purpose=occasion.consent_purpose,
                )
            except RefusedError as error:
                self.answers.update(dict.fromkeys((place for place, _, _ in chunk), error.refused))
                continue
            for place, report, _ in chunk:
                self.answers[place] = found[report.customer_id, report.report_id]


def _parted(
    pending: Sequence[Pending], questions: Mapping[Key, Question | Refused]
) -> tuple[list[tuple[Pending, Question]], list[tuple[Pending, Refused]]]:
    """Return those that can be asked about with their questions, and those that cannot."""
    asked: list[tuple[Pending, Question]] = []
    unasked: list[tuple[Pending, Refused]] = []
    for item in pending:
        question = questions[item.key]
        if isinstance(question, Refused):
            unasked.append((item, question))
        else:
            asked.append((item, question))
    return asked, unasked


def _by_consent(item: tuple[int, Wish]) -> Key:
    return item[1].customer_id, item[1].consent_id or 0


def _still_agreed(consent: Consent | None) -> bool:
    """Return whether a report's consent still lets it be used: withdrawal ends that too."""
    return consent is not None and consent.withdrawn_at is None


def _intent_leaf(house: House, item: Pending) -> StagedLeaf:
    inquiry = item.inquiry
    return house.leaves.stage(
        inquiry.customer_id,
        inquiry.intent_leaf_id,
        LeafType.INQUIRY_INTENT,
        inquiry.inquiry_id,
        intent_fields(inquiry, item.consent),
    )


def intent_fields(inquiry: Inquiry, consent: Consent) -> dict[str, Value]:
    """Return what the leaf of an intent says."""
    return {
        "bureau": inquiry.bureau,
        "consent": consent.record,
        "consent_sha256": base64.b64encode(consent.sha256).decode(),
        "jti": inquiry.jti,
        "purpose": inquiry.purpose,
        "use_no": inquiry.use_no,
    }


async def _with_consents(connection: Connection, inquiries: Sequence[Inquiry]) -> list[Pending]:
    consents = await consents_by_key(
        connection, [(item.customer_id, item.consent_id) for item in inquiries]
    )
    return [
        Pending(inquiry=item, consent=consents[item.customer_id, item.consent_id])
        for item in inquiries
        if (item.customer_id, item.consent_id) in consents
    ]


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), INQUIRIES_AT_ONCE):
        yield items[start : start + INQUIRIES_AT_ONCE]
