"""A customer asks for a higher limit on a running line; the policy for raises decides.

The story   The line, what is owed and what is asked for are looked at first. The request is
            written; own behaviour is known, and what the policy wants to know from a bureau comes
            from a report that is there already or from an inquiry under the customer's consent.
            The decision is written with its leaf. An approved request is an offer: only the
            customer's agreement raises the limit (`raise_agreeing.py`).
Invariant   Without a consent nobody is asked. Who is declined on own records alone is not asked
            about. A declined request leaves the line as it is. One open request a line.
Unknown     While the bureau's answer is outstanding the request gathers; the same request again
            goes on with it, and so does `resume`.
Many        `request_many` takes many lines at once, in a handful of statements.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple

import orjson

from counterfoil.consents.subject import Identity
from counterfoil.decisioning import limit_request as transitions
from counterfoil.decisioning import limit_request_store as store
from counterfoil.decisioning import store as decisions
from counterfoil.decisioning.customer_words import OUTCOMES
from counterfoil.decisioning.decision import Decision, Outcome
from counterfoil.decisioning.gathering import bureau_facts, is_ineligible
from counterfoil.decisioning.limit_request import LimitRequest, Status
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.refusals import (
    LIMIT_REQUEST_ALREADY_OPEN,
    LIMIT_REQUEST_NOT_FOUND,
)
from counterfoil.decisioning.replay import StoredDecision, raise_leaf_facts, record_of
from counterfoil.decisioning.snooze_store import active_snoozes
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.staging import StagedLeaf
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.affording.exposure import Guarded, guard, policy_facts
from counterfoil.journeys.affording.exposure_case import increase_case
from counterfoil.journeys.applying import gather
from counterfoil.journeys.applying.gather import About, Facts
from counterfoil.journeys.deciding.experiments import in_force_for, note_cases
from counterfoil.journeys.deciding.policies import LIMIT_INCREASE, NOTHING_SNOOZED, InForce
from counterfoil.journeys.house import House
from counterfoil.journeys.knowing.told_facts import Subject, told_facts
from counterfoil.journeys.lines.raise_asking import RaiseWish, amendment_template, prepare
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform import idempotency
from counterfoil.platform.batches import KEY_REUSED, Answer
from counterfoil.platform.database import Connection
from counterfoil.privacy.masking import mask_free_text

#: The occasion on which somebody who asks for a higher limit is asked about.
OCCASION: Final = "limit_increase"
#: Large enough that statements cost nothing a request, small enough that none runs long.
REQUESTS_AT_ONCE: Final = 1_000
_PAGE: Final = 250


class _Begun(NamedTuple):
    """A request that is written, for the first time or before."""

    request: LimitRequest
    is_again: bool


async def request(house: House, wish: RaiseWish) -> Answer | Refused:
    """Ask for a higher limit; the policy decides as soon as it knows what it reads.

    While the bureau's answer is outstanding the request gathers, and nothing is recorded under the
    key: the same request again goes on with it.
    """
    customer_id, key, hashed = wish.customer_id, wish.idempotency_key, wish.request_hash
    async with house.database.connection() as connection:
        seen = await idempotency.remember(connection, customer_id, key, hashed)
    if seen is not None:
        return seen
    [begun] = await _begin(house, [wish])
    if isinstance(begun, Refused):
        return begun
    in_force = await _in_force_for(house, begun.request)
    [facts] = await _facts_of(house, in_force, [begun])
    if isinstance(facts, Refused):
        if not gather.is_open(facts):
            return facts
        return Answer(request_text(in_force.policy, begun.request), is_replay=False)

    async def work(connection: Connection) -> str | Refused:
        found = await _decide(house, in_force, connection, [(begun.request, facts)])
        decided = found.get(begun.request.key)
        if decided is None:
            return refuse(LIMIT_REQUEST_NOT_FOUND)
        return request_text(await policy_of(house, connection, decided), decided)

    return await idempotency.once(
        house.database,
        scope_id=customer_id,
        key=key,
        request=hashed,
        kind="request_limit",
        at=house.clock.now(),
        work=work,
    )


async def request_many(
    house: House,
    wishes: Sequence[RaiseWish],
    *,
    identities: Mapping[int, Identity] | None = None,
) -> list[LimitRequest | Refused]:
    """Ask for many lines; answers come in the order given, a refusal leaves others untouched.

    A key that was used before gives its request as it stands now. A request whose bureau has not
    answered comes back gathering. `identities` spares opening the vault for persons whose
    particulars the caller has at hand.
    """
    answers: list[LimitRequest | Refused] = []
    for start in range(0, len(wishes), REQUESTS_AT_ONCE):
        begun = await _begin(house, wishes[start : start + REQUESTS_AT_ONCE])
        answers += await _carry(house, begun, identities)
    return answers


async def resume(house: House, *, idle: timedelta) -> int:
    """Go on with requests that have gathered for some time; return how many were decided.

    For a background job, after open inquiries were asked again (`gather.resume`).
    """
    before = house.clock.now() - idle
    decided, after = 0, store.BEGINNING
    while True:
        async with house.database.connection() as connection:
            page = await store.requests_gathering(
                connection, received_before=before, page=_PAGE, after=after
            )
        begun: list[_Begun | Refused] = [_Begun(item, is_again=True) for item in page]
        for item in await _carry(house, begun, None):
            decided += isinstance(item, LimitRequest) and item.decided_at is not None
        if len(page) < _PAGE:
            return decided
        last = page[-1]
        after = (last.received_at, last.customer_id, last.request_id)


async def decide_referred(
    house: House, *, customer_id: int, request_id: int, by: str, outcome: Outcome, reason: str
) -> LimitRequest | Refused:
    """End a referral: a named person approves what the policy proposed, or declines."""
    on, now = await house.business_date(), house.clock.now()
    async with house.database.transaction() as connection:
        found = await lock(connection, customer_id, request_id)
        if isinstance(found, Refused):
            return found
        decided = transitions.decide_referred(
            found,
            by=by,
            outcome=outcome,
            reason=mask_free_text(reason),
            valid_days=house.policies.limit_increase.policy.offer_valid_days,
            on=on,
            at=now,
        )
        if isinstance(decided, Refused):
            return decided
        await store.change_requests(connection, [decided])
        record = await store.add_person_decision(connection, decided)
        model = (await decisions.models_of(connection, [record.policy_hash]))[record.policy_hash]
        leaf = decision_leaf(
            house,
            decided,
            record,
            model=model,
            leaf_id=house.ids.next(),
            by_person=decided.outcome,
        )
        await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])
    return decided


async def withdraw(house: House, *, customer_id: int, request_id: int) -> LimitRequest | Refused:
    """End a request at the customer's wish; withdrawing twice is the same as once."""
    now = house.clock.now()
    async with house.database.transaction() as connection:
        found = await lock(connection, customer_id, request_id)
        if isinstance(found, Refused):
            return found
        after = transitions.withdraw(found, at=now)
        if not isinstance(after, Refused) and after != found:
            await store.change_requests(connection, [after])
    return after


async def expire(house: House, connection: Connection, *, on: date) -> list[store.RequestKey]:
    """End a page of what waited too long by a business date; return what was ended."""
    since = on - timedelta(days=house.policies.limit_increase.policy.offer_valid_days)
    return await store.expire_requests(
        connection,
        business_date=on,
        received_before=datetime.combine(since, time(), UTC),
        at=house.clock.now(),
    )


async def lock(connection: Connection, customer_id: int, request_id: int) -> LimitRequest | Refused:
    """Return a customer's request, locked for the rest of the transaction."""
    key = (customer_id, request_id)
    found = await store.lock_requests(connection, [key])
    return found.get(key) or refuse(LIMIT_REQUEST_NOT_FOUND)


async def policy_of(house: House, connection: Connection, request: LimitRequest) -> Policy:
    """Return the version that decided a request, for its texts."""
    policy = house.policies.limit_increase.policy
    if request.policy_hash in {None, policy.hash}:
        return policy
    assert request.policy_hash is not None, "it was just looked at"
    return await decisions.read_policy_version(connection, request.policy_hash) or policy


def request_document(policy: Policy, request: LimitRequest) -> dict[str, object]:
    """Return what an answer says of a request: nothing that is not for the customer's eyes."""
    limit_minor, valid_until = request.limit_minor or 0, request.valid_until
    is_offered = request.status in {Status.APPROVED, Status.ACCEPTED}
    said_zh, said_en = policy.explain(request.reasons, "zh"), policy.explain(request.reasons, "en")
    if request.status is Status.REFERRED:
        # What sends a request to a person may be that something is not known: its words would
        # say that it was found. The explanation reads the record and says which of both it was.
        said_zh = (OUTCOMES["referred"].zh,) * len(request.reasons)
        said_en = (OUTCOMES["referred"].en,) * len(request.reasons)
    return {
        "id": ids.to_text(ids.LIMIT_REQUEST, request.request_id),
        "customer_id": ids.to_text(ids.CUSTOMER, request.customer_id),
        "line_id": ids.to_text(ids.LINE, request.line_id),
        "status": request.status.value,
        "currency": request.currency,
        "present_minor": request.present_minor,
        "requested_minor": request.requested_minor,
        "limit_minor": limit_minor if is_offered else 0,
        "rate_daily_e8": request.line_rate_daily_e8,
        "reasons": [
            {"code": code, "zh": zh, "en": en}
            for code, zh, en in zip(request.reasons, said_zh, said_en, strict=True)
        ],
        "valid_until": valid_until.isoformat() if is_offered and valid_until else None,
        "policy_version": request.policy_version,
        "received_at": _instant(request.received_at),
        "decided_at": request.decided_at and _instant(request.decided_at),
        "ended_at": request.ended_at and _instant(request.ended_at),
    }


def request_text(policy: Policy, request: LimitRequest) -> str:
    """Return the answer as it is handed out and recorded."""
    document = request_document(policy, request)
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


async def _begin(house: House, wishes: Sequence[RaiseWish]) -> list[_Begun | Refused]:
    """Write requests that gather; one under a key that is known goes on with the first."""
    on, now = await house.business_date(), house.clock.now()
    keys = [(wish.customer_id, wish.idempotency_key) for wish in wishes]
    async with house.database.transaction() as connection:
        known = await store.requests_of_keys(connection, keys)
        new = [wish for wish, key in zip(wishes, keys, strict=True) if key not in known]
        prepared = await prepare(house, connection, new, on=on, at=now)
        requests = [item for item in prepared if isinstance(item, LimitRequest)]
        written = await store.add_requests(connection, requests)
        twins = {
            (item.customer_id, item.idempotency_key) for item in requests if item.key not in written
        }
        if twins:
            known |= await store.requests_of_keys(connection, sorted(twins))
    made = dict(zip(map(id, new), prepared, strict=True))
    answers: list[_Begun | Refused] = []
    for wish, key in zip(wishes, keys, strict=True):
        item = made.get(id(wish))
        if isinstance(item, LimitRequest) and item.key in written:
            answers.append(_Begun(item, is_again=False))
        elif isinstance(item, Refused):
            answers.append(item)
        elif key not in known:
            answers.append(refuse(LIMIT_REQUEST_ALREADY_OPEN))
        elif known[key].request_hash != wish.request_hash:
            answers.append(refuse(KEY_REUSED))
        else:
            answers.append(_Begun(known[key], is_again=True))
    return answers


async def _carry(
    house: House,
    begun: Sequence[_Begun | Refused],
    identities: Mapping[int, Identity] | None,
) -> list[LimitRequest | Refused]:
    """Bring written requests to their decision, as far as the bureau answers."""
    decided: dict[store.RequestKey, LimitRequest] = {}
    told: dict[store.RequestKey, Refused] = {}
    running = [item for item in begun if not isinstance(item, Refused)]
    for in_force, group in await _by_version(house, running):
        found = await _facts_of(house, in_force, group, identities)
        cases = [
            (item.request, facts)
            for item, facts in zip(group, found, strict=True)
            if not isinstance(facts, Refused)
        ]
        if cases:
            async with house.database.transaction() as connection:
                decided |= await _decide(house, in_force, connection, cases)
        told |= {
            item.request.key: facts
            for item, facts in zip(group, found, strict=True)
            if isinstance(facts, Refused) and not gather.is_open(facts)
        }
    return [
        item
        if isinstance(item, Refused)
        else told.get(item.request.key) or decided.get(item.request.key, item.request)
        for item in begun
    ]


async def _in_force_for(house: House, request: LimitRequest) -> InForce:
    on = await house.business_date()
    return in_force_for(house, LIMIT_INCREASE, request.customer_id, on=on)


async def _by_version(house: House, begun: Sequence[_Begun]) -> list[tuple[InForce, list[_Begun]]]:
    """Return requests by the version that decides them, and by the arm it decides as."""
    groups: dict[object, tuple[InForce, list[_Begun]]] = {}
    for item in begun:
        in_force = await _in_force_for(house, item.request)
        key = (in_force.policy.hash, in_force.assigned)
        groups.setdefault(key, (in_force, []))[1].append(item)
    return list(groups.values())


async def _facts_of(
    house: House,
    in_force: InForce,
    begun: Sequence[_Begun],
    identities: Mapping[int, Identity] | None = None,
) -> list[Facts | Refused]:
    """Return the facts that the bureau adds to each request, or why there are none yet.

    A new request about whom nobody can be asked is taken back: nothing was asked or decided.
    """
    about = About(OCCASION, in_force.policy)
    asking = [item for item in begun if _asks_bureau(house, in_force, item.request)]
    answers = await gather.find_facts(
        house, [item.request.gathering() for item in asking], identities=identities, about=about
    )
    found: dict[store.RequestKey, Facts | Refused] = {}
    taken_back = []
    for item, answer in zip(asking, answers, strict=True):
        facts = answer
        if item.is_again:
            facts = await gather.without_consent(
                house, item.request.gathering(), answer, about=about
            )
        elif isinstance(answer, Refused) and not gather.is_open(answer):
            taken_back.append(item.request.key)
        found[item.request.key] = facts
    if taken_back:
        async with house.database.transaction() as connection:
            await store.remove_requests(connection, taken_back)
    return [found.get(item.request.key, {}) for item in begun]


def _asks_bureau(house: House, in_force: InForce, request: LimitRequest) -> bool:
    """Tell whether a bureau has to be asked: not where own records decline already."""
    policy = in_force.policy
    if request.status is not Status.GATHERING or house.bureau is None or not bureau_facts(policy):
        return False
    return not is_ineligible(policy, in_force.decide(request.features, request.asked))


async def _decide(
    house: House,
    in_force: InForce,
    connection: Connection,
    cases: Sequence[tuple[LimitRequest, Facts]],
) -> dict[store.RequestKey, LimitRequest]:
    """Decide and write what still gathers; return every request as it stands then."""
    on, now = await house.business_date(), house.clock.now()
    found = await store.lock_requests(connection, [request.key for request, _ in cases])
    customer_ids = [request.customer_id for request, _ in cases]
    snoozed = await active_snoozes(connection, LIMIT_INCREASE, customer_ids, at=now)
    made: list[tuple[LimitRequest, Decision]] = []
    gathering = [
        (waiting, facts)
        for request, facts in cases
        if (waiting := found.get(request.key)) is not None and waiting.status is Status.GATHERING
    ]
    held = await _guarded(house, connection, [waiting for waiting, _ in gathering])
    for (waiting, facts), guarded in zip(gathering, held, strict=True):
        known = {**waiting.features, **facts, **policy_facts(in_force.policy, guarded)}
        told = await _told(house, connection, in_force, waiting, known)
        decision = in_force.decide(
            {**known, **told},
            replace(waiting.asked, ceiling=guarded.ceiling),
            snoozed=snoozed.get(waiting.customer_id, NOTHING_SNOOZED),
        )
        decided = transitions.decide(
            waiting, decision, amendment_ref=amendment_ref(house, waiting, on), at=now
        )
        found[waiting.key] = decided
        made.append((decided, decision))
    if made:
        requests = [request for request, _ in made]
        records = [record_of(decision) for _, decision in made]
        await decisions.keep_policy(connection, in_force.policy, at=now)
        await store.change_requests(connection, requests)
        await store.add_decisions(connection, requests, records)
        leaves = [
            decision_leaf(
                house,
                request,
                record,
                model=in_force.policy.model_sha256,
                leaf_id=request.request_id,
            )
            for request, record in zip(requests, records, strict=True)
        ]
        await EVIDENCE.stage_leaves.execute(connection, rows=leaves)
        taken = [(item.customer_id, item.request_id, decision) for item, decision in made]
        await note_cases(connection, taken, at=now)
    return found


async def _told(
    house: House,
    connection: Connection,
    in_force: InForce,
    request: LimitRequest,
    at_hand: Facts,
) -> Facts:
    """Return what the version declares and only the store of features knows."""
    terms = house.catalogue.terms(request.product_code, request.product_version)
    subject = Subject(
        customer_id=request.customer_id,
        line_id=request.line_id,
        lender_id=terms.lender_id,
        purpose=LIMIT_INCREASE,
    )
    return await told_facts(house, connection, subject, in_force.policy.features, at_hand)


async def _guarded(
    house: House, connection: Connection, requests: Sequence[LimitRequest]
) -> list[Guarded]:
    """Run the guard against too much debt for requests that are decided now."""
    cases = [
        increase_case(
            house,
            item.asked,
            item.features,
            customer_id=item.customer_id,
            line_id=item.line_id,
            request_id=item.request_id,
        )
        for item in requests
    ]
    return await guard(house, connection, cases)


def amendment_ref(house: House, request: LimitRequest, on: date) -> str:
    """Return template and version of the amendment that an offer is shown with on a date."""
    terms = house.catalogue.terms(request.product_code, request.product_version)
    template = amendment_template(house, terms.code, terms.lender_id, on)
    assert template is not None, "without a template a request is refused"
    return f"{template.code}/{template.version}"


def decision_leaf(
    house: House,
    request: LimitRequest,
    record: StoredDecision,
    *,
    model: str,
    leaf_id: int,
    by_person: Outcome | None = None,
) -> StagedLeaf:
    """Return the leaf that commits to a decision; the policy's bears the request's number."""
    facts = raise_leaf_facts(request.request_id, record, model=model, by_person=by_person)
    return house.leaves.stage(
        request.customer_id,
        leaf_id,
        LeafType.DECISION,
        request.request_id,
        {"decision": facts},
    )
