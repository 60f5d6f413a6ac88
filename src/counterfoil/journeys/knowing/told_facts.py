"""What decisions read of the store of features: what a policy declares and no room hands over.

Served      Own behaviour beyond the figures that lending counts within the request, what policies
            and models concluded before, transactions, third parties. What applicants, bureau,
            identity check and the guard against too much debt say comes with the case.
Invariant   By the definition that serves the whole history, as known at the decision, for the
            policy's purpose and the product's lender. What a customer has withdrawn, a check has
            stopped or nobody has told is unknown.
Cost        A policy that declares none of them reads nothing.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.feature import Feature
from counterfoil.features.registry import Registry
from counterfoil.journeys.house import House
from counterfoil.journeys.knowing.facts import knowledge_of
from counterfoil.journeys.knowing.profile_lenders import events_for
from counterfoil.platform.database import Connection

#: Sources of which nobody but the store of features tells a decision.
SERVED: Final = frozenset({"own_behaviour", "own_model", "transactions", "third_party"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Of whom features are read, by whom and for what."""

    customer_id: int
    #: The line that is decided about; None where there is none yet.
    line_id: int | None
    #: Whose line it is or would be; of other lenders' knowledge nothing is read.
    lender_id: str
    #: Of the policy.
    purpose: str


def names_told(
    registry: Registry, declared: Iterable[Feature], at_hand: Collection[str]
) -> list[str]:
    """Return what a policy declares, the store serves and nobody has handed over."""
    return [
        one.name
        for one in declared
        if one.source in SERVED
        and one.name not in at_hand
        and one.name in registry.features
        and registry.features[one.name].definition is not None
    ]


async def told_facts(
    house: House,
    connection: Connection,
    subject: Subject,
    declared: Iterable[Feature],
    at_hand: Collection[str],
) -> Mapping[str, Value | None]:
    """Return what the store knows of what a policy declares; a transaction is at hand."""
    names = names_told(house.registry, declared, at_hand)
    if not names:
        return {}
    known = await knowledge_of(house, connection, subject.customer_id)
    events = await events_for(house, connection, known.events, subject.lender_id)
    known = replace(known, events=events)
    return {
        name: known.read(name, purpose=subject.purpose, line_id=subject.line_id).value
        for name in names
    }
