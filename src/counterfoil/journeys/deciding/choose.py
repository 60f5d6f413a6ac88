"""What customers choose about decisions by machine: kept, and brought into each question.

Person      Without a machine alone: the case goes to a person with the policy's proposal, and the
            customer is told by which day. May be chosen for one application or for all.
Standard    Without personal features: the offer that anybody unknown would get.
Invariant   A choice is what the customer said last. It holds for questions asked from then on, is
            an input of each decision and recorded with it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from counterfoil.customers import store as customers
from counterfoil.customers.refusals import CUSTOMER_NOT_FOUND
from counterfoil.decisioning import choice_store as store
from counterfoil.decisioning.decision import Asked
from counterfoil.decisioning.honouring import standard_of
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.wishes import Choice, Standard, Wishes
from counterfoil.hosts.campaign_store import end_invitations
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.database import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The choices of a customer that hold, each with the instant since when."""

    customer_id: int
    since: Mapping[Choice, datetime]


async def choose(
    house: House, *, customer_id: int, choice: Choice, is_on: bool, channel: str
) -> Chosen | Refused:
    """Keep a customer's word on one choice; said again it changes nothing."""
    async with house.database.transaction() as connection:
        if await customers.read_customer(connection, customer_id) is None:
            return refuse(CUSTOMER_NOT_FOUND)
        before = (await store.choices_of(connection, [customer_id])).get(customer_id, {})
        if (choice in before) is not is_on:
            await store.add_choice(
                connection,
                customer_id=customer_id,
                choice_id=house.ids.next(),
                choice=choice,
                is_on=is_on,
                at=house.clock.now(),
                channel=channel,
            )
        if choice is Choice.NO_INVITATIONS and is_on:
            await end_invitations(connection, customer_id, by="customer", at=house.clock.now())
        return await chosen_by(connection, customer_id)


async def chosen_by(connection: Connection, customer_id: int) -> Chosen:
    """Return the choices of a customer that hold."""
    found = await store.choices_of(connection, [customer_id])
    return Chosen(customer_id=customer_id, since=found.get(customer_id, {}))


async def choices_for(
    connection: Connection, customer_id: int, *, person_decides: bool
) -> frozenset[Choice]:
    """Return the choices that hold for one application; a person may be wished for it alone."""
    held = frozenset((await chosen_by(connection, customer_id)).since)
    return held | {Choice.PERSON_DECIDES} if person_decides else held


async def choices_of_many(
    connection: Connection, customer_ids: Sequence[int]
) -> dict[int, frozenset[Choice]]:
    """Return which choices hold for customers; who chose nothing is left out."""
    found = await store.choices_of(connection, customer_ids)
    return {customer_id: frozenset(since) for customer_id, since in found.items()}


def with_choices(policy: Policy, asked: Asked, choices: Collection[Choice]) -> Asked:
    """Return the question as the customer's choices make it."""
    if not choices:
        return asked
    return replace(
        asked,
        wishes=Wishes(
            person_days=policy.offer_valid_days if Choice.PERSON_DECIDES in choices else None,
            standard=(standard_offer(policy, asked) if Choice.STANDARD_OFFER in choices else None),
        ),
    )


def standard_offer(policy: Policy, asked: Asked) -> Standard | None:
    """Return what a policy offers somebody of whom it knows nothing; None where that is nothing."""
    question = replace(asked, requested_minor=None, wishes=Wishes())
    return standard_of(policy.decide({}, question))
