"""Two records of one person made one, and two again: a reviewed act that rewrites nothing.

Order       Somebody asks; somebody else approves exactly this; the same call again carries it out.
            What was checked when it was asked for is checked again then, with both records held.
Invariant   A merge adds a step to a link and nothing else, so that a split restores both records
            by adding another. Of two at the same moment one is carried out; once is the same as
            twice.
Effect      While the link stands, profile, ceilings on debt and the search for a person see both
            records as one, and new applications are made under the surviving one. Lines, loans,
            contracts and consents stay with the record under which they were made.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from counterfoil.customers import link_store as store
from counterfoil.customers.record_link import (
    LinkStep,
    People,
    Step,
    check_identity,
    check_lenders,
    check_records,
)
from counterfoil.customers.refusals import CUSTOMER_NOT_FOUND, RECORD_NOT_MERGED, RECORD_SAME
from counterfoil.customers.store import read_customer
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.approve import ask_approval, list_approvals
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.lending.debt_store import OwnDebt, read_own_debts
from counterfoil.lending.store import read_lines_after
from counterfoil.platform.access_matrix import Actor, reading
from counterfoil.platform.approvals import (
    APPROVAL_MISSING,
    Approval,
    Value,
    payload_hash,
    require_approval,
)
from counterfoil.platform.database import Connection
from counterfoil.privacy import person_store as persons
from counterfoil.privacy.blind_index import IndexKind
from counterfoil.privacy.refusals import REASON_MISSING

APPROVAL: Final = "record_link"
#: More lines than one customer has.
_LINES_MAX: Final = 1_000
_WAITING_MAX: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """A merge or a split that somebody wants."""

    #: The record that gives way.
    customer_id: int
    surviving_id: int
    step: Step
    #: The link that is ended; 0 where one is made.
    link_id: int = 0

    @property
    def payload(self) -> dict[str, Value]:
        """Return exactly what is approved."""
        return {
            "act": self.step.value,
            "customer": ids.to_text(ids.CUSTOMER, self.customer_id),
            "surviving": ids.to_text(ids.CUSTOMER, self.surviving_id),
            "link": ids.to_text(ids.RECORD_LINK, self.link_id) if self.link_id else None,
        }

    def act(self, reason: str) -> Act:
        """Return what the trail tells of it."""
        return Act(
            name=f"record_{self.step.value}",
            customer_ids=(self.customer_id, self.surviving_id),
            subject=ids.to_text(ids.CUSTOMER, self.surviving_id),
            reason=reason,
        )


async def merge_records(
    house: House, actor: Actor, *, customer_id: int, surviving_id: int, reason: str
) -> LinkStep | Approval | Refused:
    """Let a record give way to another if somebody else has approved it; else ask for that.

    Merging twice is the same as once.
    """
    wish = _Wish(customer_id=customer_id, surviving_id=surviving_id, step=Step.MERGED)
    if customer_id == surviving_id:
        return await note_refusal(house, actor, wish.act(reason), refuse(RECORD_SAME))
    return await _carry_or_ask(house, actor, wish, reason, _merged_already)


async def split_records(
    house: House, actor: Actor, *, customer_id: int, reason: str
) -> LinkStep | Approval | Refused:
    """Part a record that gave way from the surviving one; else ask for approval of that."""
    found = await links_of(house, customer_id)
    standing = None if isinstance(found, Refused) else _standing(found, customer_id)
    if standing is None:
        refused = found if isinstance(found, Refused) else refuse(RECORD_NOT_MERGED)
        act = Act(name="record_split", subject=ids.to_text(ids.CUSTOMER, customer_id))
        return await note_refusal(house, actor, act, refused)
    wish = _Wish(
        customer_id=customer_id,
        surviving_id=standing.surviving_id,
        step=Step.SPLIT,
        link_id=standing.link_id,
    )
    return await _carry_or_ask(house, actor, wish, reason, _still_merged)


async def links_of(
    house: House,
    customer_id: int,
    *,
    page: int = store.STEPS_MAX,
    before: int = store.NEWEST,
    is_back: bool = False,
) -> list[LinkStep] | Refused:
    """Return a page of the steps of the links of a record, newest first."""
    async with house.database.connection() as connection:
        if await read_customer(connection, customer_id) is None:
            return refuse(CUSTOMER_NOT_FOUND)
        return await store.read_steps(
            connection, customer_id, page=page, before=before, is_back=is_back
        )


async def find_people(house: House, kind: IndexKind, value: str) -> list[int]:
    """Return the persons with a number in its normal form, each by the surviving record."""
    async with house.database.connection() as connection:
        found = await persons.find_persons(connection, house.vault, kind, value)
        people = await store.read_people(connection, found)
    return sorted({people.surviving(one) for one in found})


async def own_debts_of_people(
    connection: Connection, customers: Sequence[int], on: date
) -> dict[int, list[OwnDebt]]:
    """Return what each person owes here: the lines of every record merged with the one given."""
    people = await store.read_people(connection, customers)
    records = {one: people.records(one) for one in customers}
    own = await read_own_debts(connection, sorted({r for rs in records.values() for r in rs}), on)
    return {one: [debt for r in rs for debt in own.get(r, ())] for one, rs in records.items()}


#: Checks a wish with both records held; returns the step where it was carried out before.
_Check = Callable[[House, Connection, _Wish], Awaitable[LinkStep | None]]


async def _carry_or_ask(
    house: House, actor: Actor, wish: _Wish, reason: str, check: _Check
) -> LinkStep | Approval | Refused:
    act = wish.act(reason)
    if not reason.strip():
        return await note_refusal(house, actor, act, refuse(REASON_MISSING))
    try:
        return await _carry(house, actor, wish, act, check)
    except RefusedError as error:
        if error.refused.refusal is not APPROVAL_MISSING:
            return await note_refusal(house, actor, act, error.refused)
    return await _ask(house, actor, wish, reason)


async def _carry(house: House, actor: Actor, wish: _Wish, act: Act, check: _Check) -> LinkStep:
    async with house.database.transaction() as connection:
        wanted = {wish.customer_id, wish.surviving_id}
        if await store.hold_records(connection, sorted(wanted)) != wanted:
            raise RefusedError(refuse(CUSTOMER_NOT_FOUND))
        done = await check(house, connection, wish)
        if done is not None:
            return done
        approval = await require_approval(
            connection,
            APPROVAL,
            payload_hash(wish.payload),
            used_by=actor.name,
            now=house.clock.now(),
        )
        if isinstance(approval, Refused):
            raise RefusedError(approval)
        step = _step(house, actor, wish, approval)
        step = await _of_its_link(connection, step)
        await store.add_step(connection, step)
        await _stage(house, connection, step)
        await note(house, connection, actor, act)
    return step


async def _ask(house: House, actor: Actor, wish: _Wish, reason: str) -> Approval | Refused:
    """Ask for approval, once."""
    wanted = payload_hash(wish.payload)
    for waiting in await list_approvals(house, only_open=True, page=_WAITING_MAX):
        if waiting.kind == APPROVAL and waiting.payload_hash == wanted:
            return waiting
    given = ids.to_text(ids.CUSTOMER, wish.customer_id)
    into = ids.to_text(ids.CUSTOMER, wish.surviving_id)
    is_merge = wish.step is Step.MERGED
    summary = f"merge {given} into {into}" if is_merge else f"split {given} off from {into}"
    approval = await ask_approval(
        house, actor, APPROVAL, wish.payload, summary=summary, reason=reason
    )
    if isinstance(approval, Refused):
        return approval
    proposed = replace(wish, step=Step.MERGE_PROPOSED if is_merge else Step.SPLIT_PROPOSED)
    async with house.database.transaction() as connection:
        await store.add_step(connection, _step(house, actor, proposed, approval))
    return approval


async def _merged_already(house: House, connection: Connection, wish: _Wish) -> LinkStep | None:
    pair = [wish.customer_id, wish.surviving_id]
    people = await store.read_people(connection, pair)
    if people.merged_into.get(wish.customer_id) == wish.surviving_id:
        return _standing(await store.read_steps(connection, wish.customer_id), wish.customer_id)
    refused = check_records(people, *pair) or await _contradiction(house, connection, people, wish)
    if refused is not None:
        raise RefusedError(refused)
    return None


async def _contradiction(
    house: House, connection: Connection, people: People, wish: _Wish
) -> Refused | None:
    pair = [wish.customer_id, wish.surviving_id]
    known = [
        await persons.read_identity(connection, house.vault, one, reading("record_link"))
        for one in pair
    ]
    refused = check_identity(*known)
    if refused is not None:
        return refused
    given, surviving = [
        {
            line.lender_id
            for record in people.records(one)
            for line in await read_lines_after(connection, customer_id=record, page=_LINES_MAX)
            if line.status != "closed"
        }
        for one in pair
    ]
    return check_lenders(given, surviving)


async def _still_merged(house: House, connection: Connection, wish: _Wish) -> LinkStep | None:
    """Return the split where somebody else was faster."""
    del house
    steps = await store.read_steps(connection, wish.customer_id)
    of_link = [step for step in steps if step.link_id == wish.link_id]
    return next((step for step in of_link if step.step is Step.SPLIT), None)


def _standing(steps: list[LinkStep], customer_id: int) -> LinkStep | None:
    """Return the merge by which a record gives way now, of its steps from the newest back."""
    for step in steps:
        if step.customer_id == customer_id and step.step in {Step.MERGED, Step.SPLIT}:
            return step if step.step is Step.MERGED else None
    return None


def _step(house: House, actor: Actor, wish: _Wish, approval: Approval) -> LinkStep:
    step_id = house.ids.next()
    return LinkStep(
        customer_id=wish.customer_id,
        step_id=step_id,
        link_id=wish.link_id or step_id,
        surviving_id=wish.surviving_id,
        step=wish.step,
        approval_id=approval.approval_id,
        done_by=actor.name,
        done_at=house.clock.now(),
    )


async def _of_its_link(connection: Connection, step: LinkStep) -> LinkStep:
    """Return a step under the link that was proposed with its approval."""
    for before in await store.read_steps(connection, step.customer_id):
        if before.approval_id == step.approval_id:
            return replace(step, link_id=before.link_id)
    return step


async def _stage(house: House, connection: Connection, step: LinkStep) -> None:
    """Stage a leaf for each of the two, so that both can show it."""
    facts = {
        "act": f"record_{step.step.value}",
        "approval": ids.to_text(ids.APPROVAL, step.approval_id),
        "customer": ids.to_text(ids.CUSTOMER, step.customer_id),
        "link": ids.to_text(ids.RECORD_LINK, step.link_id),
        "surviving": ids.to_text(ids.CUSTOMER, step.surviving_id),
    }
    leaves = [
        house.leaves.stage(one, house.ids.next(), LeafType.APPROVAL, step.link_id, facts)
        for one in (step.customer_id, step.surviving_id)
    ]
    await EVIDENCE.stage_leaves.execute(connection, rows=leaves)
