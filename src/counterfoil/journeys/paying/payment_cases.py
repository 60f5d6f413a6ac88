"""Payments that only people can resolve, and what follows for the books.

The way of a case: one person proposes what is true, on the grounds of the rail's statement or its
written answer; another approves. An outcome the relay tells the books. A payout that came back
after it was confirmed is told them here: one that came back whole undoes the loan from the day of
its confirmation, so that nobody owes interest for money that never stayed; one that came back in
part is principal paid on that day. What the customer has paid since is kept as credit. Credit that
was returned and came back, whole or in part, is credit again.

Invariant   Two people, here, in the rule and by constraint. What was approved is told the books
            until they have taken note, under the key of the case: a crash repeats, never doubles.
"""

from datetime import date
from typing import Final

from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.staging import Value
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Kind, Refused, refuse
from counterfoil.lending.commands import BounceReturn, Repay, ReturnPayout
from counterfoil.lending.repaying import DEFAULT_MODE
from counterfoil.payments import suspense, suspense_store
from counterfoil.payments.order import Subject, reference_of
from counterfoil.payments.rail import Cause
from counterfoil.payments.suspense import Proposal
from counterfoil.payments.suspense_store import CaseKey
from counterfoil.platform.access_matrix import Actor, load_matrix
from counterfoil.platform.approvals import APPROVAL_NOT_ALLOWED
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Row

#: Who proposes and who approves stands in the access matrix under this kind.
KIND: Final = "payment_case"
#: Channel of principal that came back by the rail.
CHANNEL: Final = "payout_returned"
_PAGE: Final = 200


async def open_cases(
    house: House, *, page: int = _PAGE, after: tuple[int, int] = (0, 0), is_back: bool = False
) -> list[Row]:
    """Return cases that wait for people, the oldest payment first."""
    async with house.database.connection() as connection:
        return await suspense_store.open_suspense(
            connection, page=page, after=after, is_back=is_back
        )


async def propose(house: House, actor: Actor, key: CaseKey, proposal: Proposal) -> Refused | None:
    """Say what one person holds for true; it replaces a proposal that nobody approved."""
    act = _act("payment_case_proposal", key, proposal.note)
    if KIND not in load_matrix().rights_for(actor).requests:
        return await note_refusal(house, actor, act, refuse(APPROVAL_NOT_ALLOWED, kind=KIND))
    async with house.database.transaction() as connection:
        refused = await suspense.propose(
            connection, key, proposal, person=actor.name, now=house.clock.now()
        )
        if refused is None:
            await note(house, connection, actor, act)
    return refused and await note_refusal(house, actor, act, refused)


async def approve(house: House, actor: Actor, key: CaseKey, *, reason: str) -> Refused | None:
    """Approve what another person proposed; what follows for the books is told them at once."""
    act = _act("payment_case_approval", key, reason)
    if KIND not in load_matrix().rights_for(actor).approves:
        return await note_refusal(house, actor, act, refuse(APPROVAL_NOT_ALLOWED, kind=KIND))
    async with house.database.transaction() as connection:
        case = await suspense.approve(connection, key, person=actor.name, now=house.clock.now())
        if not isinstance(case, Refused):
            await _stage_leaf(house, connection, key, case, approver=actor.name)
            await note(house, connection, actor, act)
    if isinstance(case, Refused):
        return await note_refusal(house, actor, act, case)
    await carry_out_returns(house)
    return None


async def carry_out_returns(house: House) -> int:
    """Tell the books of approved returns; return how many they took note of."""
    async with house.database.connection() as connection:
        waiting = await suspense_store.returns_to_carry_out(connection, page=_PAGE)
    done = 0
    for row in waiting:
        key = CaseKey(row["customer_id"], row["payment_id"], row["case_no"])
        answer = await house.counter.submit(
            _command(row), idempotency_key=f"payout:{key.payment_id}:returned:{key.case_no}"
        )
        if isinstance(answer, Refused) and answer.kind in {Kind.BUSY, Kind.UNAVAILABLE}:
            continue
        now = house.clock.now()
        async with house.database.transaction() as connection:
            await suspense_store.carried_out(connection, key, now=now)
            if isinstance(answer, Refused):
                cases = [((key.customer_id, key.payment_id), Cause.BOOKS_REFUSED)]
                await suspense_store.open_cases(connection, cases, now=now)
        done += not isinstance(answer, Refused)
    return done


def _command(row: Row) -> ReturnPayout | Repay | BounceReturn:
    """Return what the books are told of a drawdown or of credit that came back."""
    who = {"customer_id": row["customer_id"], "line_id": row["line_id"]}
    if Subject(row["subject"]) is Subject.CREDIT_RETURN:
        return BounceReturn(
            **who,
            return_id=row["payment_id"],
            payment_id=row["payment_id"],
            amount_minor=row["returned_minor"],
            value_date=row["value_date"],
            rail_reference=row["rail_reference"],
        )
    if row["returned_minor"] == row["amount_minor"]:
        return ReturnPayout(
            **who,
            loan_id=row["loan_id"],
            payment_id=row["payment_id"],
            value_date=row["value_date"],
            rail_reference=row["rail_reference"],
            reason="payout_returned",
        )
    paid_on: date = row["paid_on"]
    return Repay(
        **who,
        loan_id=row["loan_id"],
        amount_minor=row["returned_minor"],
        currency=row["currency"],
        # From the day of the confirmation on: nobody had this part for a day.
        value_date=paid_on,
        mode=DEFAULT_MODE,
        channel=CHANNEL,
    )


async def _stage_leaf(
    house: House, connection: Connection, key: CaseKey, case: Row, *, approver: str
) -> None:
    facts: dict[str, Value] = {
        "act": KIND,
        "approver": approver,
        "cause": case["cause"],
        "payment": reference_of(key.payment_id),
        "requester": case["first_person"],
        "resolution": case["resolution"],
    }
    if case["returned_minor"] is not None:
        facts |= {"amount_minor": case["returned_minor"], "currency": case["currency"]}
    if case["value_date"] is not None:
        facts["value_date"] = case["value_date"].isoformat()
    leaf = house.leaves.stage(
        key.customer_id, house.ids.next(), LeafType.APPROVAL, key.payment_id, facts
    )
    await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])


def _act(name: str, key: CaseKey, reason: str) -> Act:
    return Act(
        name=name,
        subject=f"{ids.to_text(ids.PAYMENT, key.payment_id)}/{key.case_no}",
        reason=reason,
        customer_ids=[key.customer_id],
    )
