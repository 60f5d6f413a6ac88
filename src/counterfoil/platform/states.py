"""What an act is about, as it stands: read before the act, and again in the transaction of it."""

from typing import Final

from counterfoil.platform.holdings import Wanted
from counterfoil.platform.queries import Queries, Runner

_QUERIES: Final = Queries.load("counterfoil.platform", "states.sql")
_PREFIX: Final = "state_"
_KINDS: Final = frozenset(name.removeprefix(_PREFIX) for name in _QUERIES.names())
#: Matters of one act that are looked at; a list of a thousand tells by its commands.
_LOOKED_AT_MAX: Final = 5


def has_state(about: Wanted) -> bool:
    """Return whether anything that an act names has a state that is told."""
    return bool(about.customer_ids) and any(kind in _KINDS for kind, _ in about.matters)


async def state_of(connection: Runner, about: Wanted) -> str:
    """Return the state of what an act names; empty where that has none, or names nobody."""
    told: list[str] = []
    named = [(kind, number) for kind, number in about.matters if kind in _KINDS]
    for kind, number in named[:_LOOKED_AT_MAX]:
        for customer_id in about.customer_ids[:1]:
            state = await _QUERIES.fetchval(
                connection, f"{_PREFIX}{kind}", customer_id=customer_id, number=number
            )
            told += [] if state is None else [state]
    return " ".join(told)
