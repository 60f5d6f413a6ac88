"""Whether a database holds data of real persons: a mark that goes with every copy of it.

Invariant   What an environment other than the sandbox has opened is marked, once and for good; a
            sandbox refuses to open a marked database, whether it was restored or connected to.
"""

from datetime import datetime
from typing import Final

from counterfoil.kernel.errors import Kind, Refusal, Refused, refuse
from counterfoil.platform.queries import Queries, Runner

_QUERIES: Final = Queries.load("counterfoil.platform", "origin.sql")

#: The one environment that is for trials and tests.
SANDBOX: Final = "sandbox"

PRODUCTION_DATA_IN_SANDBOX: Final = Refusal(
    code="production_data_in_sandbox",
    kind=Kind.FORBIDDEN,
    message=(
        "This database holds data of real persons, of the environment {environment}; a sandbox "
        "does not open it."
    ),
    next_step="Open it in that environment, or give the sandbox a database of invented persons.",
)


async def claim_database(connection: Runner, environment: str, *, now: datetime) -> Refused | None:
    """Mark the database for an environment that opens it; refuse a sandbox where data is real."""
    is_real = environment != SANDBOX
    found = await _QUERIES.origin.fetchrow(connection)
    if found is None or (is_real and not found["is_real"]):
        await _QUERIES.mark_origin.execute(
            connection, environment=environment, is_real=is_real, marked_at=now
        )
        found = await _QUERIES.origin.fetchrow(connection)
    assert found is not None, "it was just marked"
    if found["is_real"] and not is_real:
        return refuse(PRODUCTION_DATA_IN_SANDBOX, environment=found["environment"])
    return None
