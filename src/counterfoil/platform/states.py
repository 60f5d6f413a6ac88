"""What an act is about, as it stands: read before the act, and again in the transaction of it."""

from typing import Final

from counterfoil.kernel import ids
from counterfoil.platform.holdings import Wanted
from counterfoil.platform.queries import Queries, Runner

_QUERIES: Final = Queries.load("counterfoil.platform", "states.sql")
_PREFIX: Final = "state_"
_KINDS: Final = frozenset(name.removeprefix(_PREFIX) for name in _QUERIES.names())
#: Kinds that are about no customer: who acts on them names nobody.
_OF_THE_HOUSE: Final = _KINDS & ids.OF_THE_HOUSE
#: Matters of one act that are looked at; a list of a thousand tells by its commands.
_LOOKED_AT_MAX: Final = 5


def has_state(about: Wanted) -> bool:
    """Return whether anything that an act names has a state that is told."""
    told = _KINDS if about.customer_ids else _OF_THE_HOUSE
    return any(kind in told for kind, _ in about.matters)


async def state_of(connection: Runner, about: Wanted) -> str:
    """Return the state of what an act names; empty where that has none, or names nobody."""
    states: list[str | None] = []
    named = [(kind, number) for kind, number in about.matters if kind in _KINDS]
    for kind, number in named[:_LOOKED_AT_MAX]:
        query = _QUERIES[f"{_PREFIX}{kind}"]
        if kind in _OF_THE_HOUSE:
            states.append(await query.fetchval(connection, number=number))
        elif about.customer_ids:
            customer_id = about.customer_ids[0]
            states.append(await query.fetchval(connection, customer_id=customer_id, number=number))
    return " ".join(state for state in states if state)
