"""The gate: what an act of staff or of a program hangs on beyond role and scope, in one place.

Order       The act is declared; what is read for what; the hour; the course; the purpose of a look;
            what is reached at all; whether what is named lies in it. Console, API and command line
            ask here, and nowhere else.
Denied      What the matrix does not declare. An attribute that was given once limits even after it
            ran out; a customer without an open case is refused where the role needs one.
Emergency   Lends the rights of a role without its cases, and is looked into afterwards.
"""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform import holdings
from counterfoil.platform.access_matrix import Actor, load_matrix
from counterfoil.platform.database import Connection
from counterfoil.platform.holdings import (
    ACT_NOT_DECLARED,
    ATTRIBUTE_MISSING,
    CASE_NEEDED,
    COURSE_MISSING,
    EVERY,
    EVERYTHING,
    OUT_OF_REACH,
    OUTSIDE_HOURS,
    Attribute,
    Holding,
    Matter,
    Reach,
    Wanted,
    beyond_reach,
    matters_within,
    reading_within,
)
from counterfoil.platform.read_acts import Door, refuse_reading

#: Hours are those of the lender.
LENDER_ZONE: Final = ZoneInfo("Asia/Shanghai")
NOTHING_WANTED: Final = Wanted()
#: An act that these limit is about customers.
ABOUT_CUSTOMERS: Final = frozenset({Attribute.LENDER, Attribute.PRODUCT, Attribute.REGION})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What somebody is about to do."""

    #: A permission of staff, or a scope of a program.
    act: str
    wanted: Wanted = NOTHING_WANTED
    #: Of the access matrix, where personal data is looked at.
    purpose: str = ""
    #: By which door and way, which says for what is read; None where that was asked before.
    way: tuple[Door, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """Somebody who may go on, and how far."""

    reach: Reach = EVERYTHING
    #: The case through which the customer is reached; None where none is needed.
    case_id: int | None = None


async def enter(
    house: House, actor: Actor, holding: Holding, ask: Ask, *, now: datetime
) -> Entered | Refused:
    """Let somebody go on with an act, or refuse; whoever calls writes the refusal down."""
    refused = _refuse_act(house, actor, holding, ask, now=now)
    if refused is not None:
        return refused
    reach = reach_of(house, actor, holding, ask.act, now=now)
    if isinstance(reach, Refused) or reach.is_everything or ask.wanted == NOTHING_WANTED:
        return reach if isinstance(reach, Refused) else Entered(reach=reach)
    async with reading_within(house.database, reach, now=now) as connection:
        found = await beyond_reach(connection, ask.wanted, reach, operator=actor.name)
    if not found.is_any:
        return Entered(reach=reach, case_id=found.case_id)
    if reach.cases_of is not None and found.case_id is None:
        return refuse(CASE_NEEDED, holder=actor.name)
    return refuse(OUT_OF_REACH, holder=actor.name)


@asynccontextmanager
async def within(house: House, reach: Reach, *, now: datetime) -> AsyncIterator[Connection]:
    """Lend a connection whose views of `desk` show what is in reach, and nothing else."""
    async with reading_within(house.database, reach, now=now) as connection:
        yield connection


async def in_queue(
    house: House, reach: Reach, matters: Collection[Matter], *, now: datetime
) -> frozenset[Matter]:
    """Return those of the waiting matters that somebody may take up.

    Lender and product of the matter itself and the customer's region limit a queue as they limit
    pages; a case does not, because a queue is where it is taken from. What has no product is a
    matter of the person and seen by whoever reaches the customer.
    """
    within_limits = replace(reach, cases_of=None)
    if within_limits.is_everything or not matters:
        return frozenset(matters)
    async with reading_within(house.database, within_limits, now=now) as connection:
        return await matters_within(connection, matters)


def reach_of(
    house: House, actor: Actor, holding: Holding, act: str, *, now: datetime
) -> Reach | Refused:
    """Return what somebody reaches with an act; refuse where that would be nothing at all."""
    limits: dict[Attribute, frozenset[str] | None] = {}
    for attribute in (Attribute.LENDER, Attribute.PRODUCT, Attribute.REGION):
        values = _limit(house, actor, holding, act, attribute, now=now)
        if values is not None and not values:
            return refuse(ATTRIBUTE_MISSING, holder=actor.name, attribute=attribute, act=act)
        limits[attribute] = values
    needs_case = house.settings.guards_staff and not actor.lent and _needs_case(actor, act)
    lenders = limits[Attribute.LENDER]
    terms = house.catalogue.all()
    return Reach(
        lenders=lenders,
        offers=frozenset(one.code for one in terms if lenders and one.lender_id in lenders),
        products=limits[Attribute.PRODUCT],
        regions=limits[Attribute.REGION],
        cases_of=actor.name if needs_case else None,
    )


def _needs_case(actor: Actor, act: str) -> bool:
    """Return whether somebody does this through an open case of the customer alone."""
    rights, rule = load_matrix().rights_of(actor.role), load_matrix().acts[act]
    through_cases = bool(rights.cases) and not rights.whole_book
    return bool(rule.binds & ABOUT_CUSTOMERS) and (rule.needs_case or through_cases)


def _refuse_act(
    house: House, actor: Actor, holding: Holding, ask: Ask, *, now: datetime
) -> Refused | None:
    rule = load_matrix().acts.get(ask.act)
    if rule is None:
        return refuse(ACT_NOT_DECLARED, act=ask.act)
    outside = None if ask.way is None else refuse_reading(*ask.way, actor)
    if outside is not None:
        return outside
    hours = _limit(house, actor, holding, ask.act, Attribute.HOURS, now=now)
    if hours is not None and not holdings.is_within_hours(hours, now.astimezone(LENDER_ZONE)):
        return refuse(OUTSIDE_HOURS, holder=actor.name)
    if house.settings.training_required:
        last = now.astimezone(LENDER_ZONE).date()
        last -= timedelta(days=house.settings.training_grace_days)
        for course in sorted(rule.courses):
            until = holdings.course_until(holding, course, actor.role)
            if until is None or until < last:
                return refuse(COURSE_MISSING, holder=actor.name, course=course)
    purposes = _limit(house, actor, holding, ask.act, Attribute.PURPOSE, now=now)
    if ask.purpose and purposes is not None and ask.purpose not in purposes:
        return refuse(
            ATTRIBUTE_MISSING, holder=actor.name, attribute=Attribute.PURPOSE, act=ask.act
        )
    return None


def _limit(
    house: House,
    actor: Actor,
    holding: Holding,
    act: str,
    attribute: Attribute,
    *,
    now: datetime,
) -> frozenset[str] | None:
    """Return the values to which an act is limited; None where it is not."""
    matrix = load_matrix()
    rule = matrix.acts.get(act)
    if rule is None or attribute not in rule.binds:
        return None
    values = holdings.values_in_force(holding.grants, attribute, now=now)
    if values is None:
        is_needed = attribute in matrix.rights_of(actor.role).needs
        return frozenset() if is_needed and house.settings.guards_staff else None
    return None if EVERY in values else values
