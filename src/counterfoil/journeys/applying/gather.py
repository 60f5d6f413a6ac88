"""Bringing together what a decision needs from others, and deciding with it.

The story   An application for which the bureau has to be asked is written first, as one that
            gathers. A report that is there already, or an inquiry under the applicant's consent,
            gives the facts that the policy declares; then the policy decides.
Invariant   Without a consent nobody is asked and nothing is decided. What the bureau does not say,
            or says unusably, is unknown to the policy: neither zero nor a pass.
Unknown     An application whose inquiry is still open goes on gathering, and `resume` goes on with
            it: after an outage, after a crash at any step, and when the time for an answer is over.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from counterfoil.bureau import store as bureau_store
from counterfoil.bureau.debts import DEBT_INVENTORY
from counterfoil.bureau.refusals import (
    ANSWER_REJECTED,
    INQUIRY_CONSENT_MISSING,
    INQUIRY_CONSENT_STOPPED,
    INQUIRY_DECLINED,
    INQUIRY_OPEN,
    INQUIRY_SUBJECT_GONE,
)
from counterfoil.consents.refusals import CONSENT_USED_UP
from counterfoil.consents.subject import Identity
from counterfoil.decisioning import application as transitions
from counterfoil.decisioning import gathering_store
from counterfoil.decisioning import store as decisions
from counterfoil.decisioning.application import Application
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.gathering import Gathering, bureau_facts
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.replay import record_of
from counterfoil.decisioning.snooze_store import snoozed_of
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.affording.exposure import hold_gatherings
from counterfoil.journeys.deciding.decide import by_version, decision_leaf, note_made
from counterfoil.journeys.deciding.experiments import Made, accept_drawn, in_force_for
from counterfoil.journeys.deciding.policies import NOTHING_SNOOZED, ORIGINATION, InForce
from counterfoil.journeys.house import House
from counterfoil.journeys.inquiring.inquire import Wish, inquire_many, resolve_open
from counterfoil.journeys.inquiring.inquiry_outcomes import Obtained
from counterfoil.kernel.errors import Kind, Refused, refuse
from counterfoil.platform import idempotency
from counterfoil.platform.batches import KEY_REUSED
from counterfoil.platform.batches import QUERIES as PLATFORM
from counterfoil.platform.database import Connection

Facts = Mapping[str, Value | None]

#: The occasion on which somebody who applies is asked about.
OCCASION: Final = "first_application"
#: What the bureau's marks are called where a policy reads them.
MARKS: Final = {"has_fraud_warning": "fraud_warning", "is_disputed": "disputed"}
#: There will be no report: the policy decides without.
_WITHOUT_REPORT: Final = frozenset(
    {INQUIRY_DECLINED, ANSWER_REJECTED, INQUIRY_CONSENT_STOPPED, INQUIRY_SUBJECT_GONE}
)
_PAGE: Final = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """What became of applications that were still gathering."""

    looked_at: int
    decided: int


def needs_bureau(house: House, policy: Policy) -> bool:
    """Return whether a policy reads what only a bureau says, and a bureau is joined.

    Where none is joined, a host that asks a bureau itself brings the facts along.
    """
    return house.bureau is not None and bool(bureau_facts(policy))


class About(NamedTuple):
    """What facts are brought together for."""

    #: The occasion on which the bureau may be asked.
    occasion: str
    #: The policy that reads them.
    policy: Policy


class Begun(NamedTuple):
    """An application that gathers, for the first time or again."""

    application: Application
    gathering: Gathering
    #: Whether an earlier attempt under the same key had begun.
    is_again: bool


async def begin(house: House, application: Application, gathering: Gathering) -> Begun | Refused:
    """Write an application that gathers; the same request again goes on with the first one's.

    By which version it is decided is taken when it is decided. A second open application raises
    TwinError.
    """
    customer_id, key = gathering.customer_id, gathering.idempotency_key
    async with house.database.connection() as connection:
        found = await gathering_store.gathering_of_key(connection, customer_id, key)
        if found is not None:
            if found.request_hash != gathering.request_hash:
                return refuse(KEY_REUSED)
            earlier = await decisions.read_application(
                connection, customer_id=customer_id, application_id=found.application_id
            )
            assert earlier is not None, "what gathers is an application"
            return Begun(earlier, found, is_again=True)

    async def write(connection: Connection) -> None:
        await gathering_store.add_gathering(connection, [application], [gathering])

    await idempotency.unless_twin(house.database, write)
    return Begun(application, gathering, is_again=False)


async def facts_of(house: House, policy: Policy, begun: Begun) -> Facts | Refused:
    """Return the facts that a policy reads of an application that has begun.

    Where nobody can be asked about the applicant, the application is taken back: nothing was
    asked, and nothing decided.
    """
    about = About(OCCASION, policy)
    [answer] = await find_facts(house, [begun.gathering], about=about)
    if begun.is_again:
        return await without_consent(house, begun.gathering, answer, about=about)
    if isinstance(answer, Refused) and not is_open(answer):
        await take_back(house, begun.gathering)
    return answer


async def take_back(house: House, gathering: Gathering) -> None:
    """Undo an application for which nobody was asked and nothing was decided."""
    key = (gathering.customer_id, gathering.application_id)
    async with house.database.transaction() as connection:
        await gathering_store.remove_gathering(connection, key)


async def find_facts(
    house: House,
    gatherings: Sequence[Gathering],
    *,
    about: About,
    identities: Mapping[int, Identity] | None = None,
) -> list[Facts | Refused]:
    """Return what the bureau says of each applicant, or why there is nothing yet.

    No facts at all stand for a bureau that will not say anything that can be used.
    """
    occasion, policy = about
    answers = await inquire_many(
        house,
        [
            Wish(
                customer_id=item.customer_id,
                occasion=occasion,
                consent_id=item.consent_id,
                application_id=item.application_id,
            )
            for item in gatherings
        ],
        wanted=bureau_facts(policy) | {DEBT_INVENTORY},
        identities=identities,
    )
    return [_facts(policy, answer) for answer in answers]


async def find_facts_for(
    house: House,
    gatherings: Sequence[Gathering],
    policies: Sequence[Policy],
    *,
    identities: Mapping[int, Identity] | None = None,
) -> list[Facts | Refused]:
    """Return what the bureau says of first applicants, each by the version that will decide."""
    found: dict[int, Facts | Refused] = {}
    for policy in {policy.hash: policy for policy in policies}.values():
        places = [place for place, one in enumerate(policies) if one.hash == policy.hash]
        answers = await find_facts(
            house,
            [gatherings[place] for place in places],
            about=About(OCCASION, policy),
            identities=identities,
        )
        found |= dict(zip(places, answers, strict=True))
    return [found[place] for place in range(len(gatherings))]


def is_open(refused: Refused) -> bool:
    """Return whether the answer may still come."""
    return refused.kind is Kind.UNAVAILABLE


def decide_gathered(
    in_force: InForce,
    application: Application,
    gathering: Gathering,
    facts: Facts,
    *,
    at: datetime,
    snoozed: frozenset[str] = NOTHING_SNOOZED,
) -> Made:
    """Let a version decide with everything that was brought together."""
    decision = in_force.decide({**gathering.features, **facts}, gathering.asked, snoozed=snoozed)
    gathered = replace(application, gathered_at=at)
    decided = transitions.decide(gathered, decision, at=at)
    assert not isinstance(decided, Refused), "what gathers can be decided"
    return Made(decided, decision, in_force.policy)


async def keep_gathered(
    house: House, connection: Connection, made: Sequence[Made], *, at: datetime
) -> list[Application]:
    """Write decisions with their leaves, unless somebody else was first.

    The applications come back in their order: a control group may have accepted some of them.
    """
    kept = await accept_drawn(house, connection, made, at=at)
    for policy, group in by_version(kept):
        await decisions.keep_policy(connection, policy, at=at)
        records = [record_of(one.decision) for one in group]
        applications = [one.application for one in group]
        decided = await gathering_store.decide_gathered(connection, applications, records)
        leaves = [
            decision_leaf(
                house,
                application,
                record,
                model=policy.model_sha256,
                leaf_id=application.application_id,
            )
            for application, record in zip(applications, records, strict=True)
            if (application.customer_id, application.application_id) in decided
        ]
        if leaves:
            await EVIDENCE.stage_leaves.execute(connection, rows=leaves)
        keys = [(item.customer_id, item.application_id) for item in applications]
        written = [one for one, key in zip(group, keys, strict=True) if key in decided]
        await note_made(connection, written, at=at)
        await tell_decided(house, connection, decided)
    return [one.application for one in kept]


async def tell_decided(
    house: House, connection: Connection, keys: Iterable[tuple[int, int]]
) -> None:
    """Let others hear that applications were decided which their sender had to wait for."""
    at = house.clock.now()
    rows = [
        (house.ids.next(), customer_id, "application_decided", application_id, "{}", at)
        for customer_id, application_id in sorted(keys)
    ]
    if rows:
        await PLATFORM.add_events.execute(connection, rows=rows)


async def resume(house: House, *, idle: timedelta) -> Resumed:
    """Go on with applications that have gathered for some time; for a background job."""
    if house.bureau is None:
        return Resumed(looked_at=0, decided=0)
    before = house.clock.now() - idle
    await resolve_open(house, asked_before=house.leaves.now() - int(idle.total_seconds()))
    looked_at = decided = 0
    after = gathering_store.BEGINNING
    while True:
        async with house.database.connection() as connection:
            page = await gathering_store.gatherings_begun(
                connection, began_before=before, page=_PAGE, after=after
            )
        looked_at += len(page)
        decided += await _resume_page(house, page)
        if len(page) < _PAGE:
            return Resumed(looked_at=looked_at, decided=decided)
        last = page[-1]
        after = (last.began_at, last.customer_id, last.application_id)


async def _resume_page(house: House, page: Sequence[Gathering]) -> int:
    versions = [
        in_force_for(house, ORIGINATION, item.customer_id, on=item.asked.as_of) for item in page
    ]
    found = await find_facts_for(house, page, [version.policy for version in versions])
    now = house.clock.now()
    decided = 0
    for gathering, in_force, answer in zip(page, versions, found, strict=True):
        about = About(OCCASION, in_force.policy)
        facts = await without_consent(house, gathering, answer, about=about)
        if isinstance(facts, Refused):
            continue
        async with house.database.transaction() as connection:
            key = (gathering.customer_id, gathering.application_id)
            application = (await decisions.lock_applications(connection, [key])).get(key)
            if application is None or application.decided_at is not None:
                continue
            if not application.is_open:
                await gathering_store.end_gatherings(connection, [key])
                continue
            snoozed = await snoozed_of(connection, ORIGINATION, gathering.customer_id, at=now)
            [held] = await hold_gatherings(house, connection, [(gathering, in_force.policy)])
            made = decide_gathered(in_force, application, held, facts, at=now, snoozed=snoozed)
            await keep_gathered(house, connection, [made], at=now)
            decided += 1
    return decided


async def without_consent(
    house: House, gathering: Gathering, answer: Facts | Refused, *, about: About
) -> Facts | Refused:
    """Return the facts, also where the consent was used by an inquiry of an earlier attempt.

    A consent that no longer allows an inquiry leaves the policy without a report.
    """
    if not isinstance(answer, Refused) or is_open(answer):
        return answer
    if answer.refusal is not CONSENT_USED_UP:
        return {}
    [fresh] = await find_facts(house, [replace(gathering, consent_id=None)], about=about)
    if not isinstance(fresh, Refused) or fresh.refusal is not INQUIRY_CONSENT_MISSING:
        return fresh
    async with house.database.connection() as connection:
        inquiries = await bureau_store.inquiries_of_customer(
            connection, gathering.customer_id, page=_PAGE
        )
    pending = (i for i in inquiries if i.consent_id == gathering.consent_id and i.is_open)
    return refuse(INQUIRY_OPEN) if any(pending) else {}


def _facts(policy: Policy, answer: Obtained | Refused) -> Facts | Refused:
    if isinstance(answer, Refused):
        return {} if answer.refusal in _WITHOUT_REPORT else answer
    wanted = bureau_facts(policy)
    marks = {name: mark in answer.marks for name, mark in MARKS.items() if name in wanted}
    return {**answer.facts, **marks}
