"""What is kept of staff beyond name and password: factor, use of rights, emergencies; and refusals.

Invariant   Confirmations and emergencies are only ever added to; a code counts once. Nobody
            confirms rights of their own or looks into an emergency of their own: the tables
            refuse it too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from counterfoil.kernel.errors import Kind, Refusal
from counterfoil.platform.queries import Queries, Runner

QUERIES: Final = Queries.load("counterfoil.platform", "staff.sql")

SECOND_FACTOR_WRONG: Final = Refusal(
    code="second_factor_wrong",
    kind=Kind.INVALID,
    message="The code does not match, or was used before.",
    next_step="Wait for the next code of the app, or use a recovery code.",
)
SECOND_FACTOR_NOT_BEGUN: Final = Refusal(
    code="second_factor_not_begun",
    kind=Kind.CONFLICT,
    message="There is no picture that waits for its first code.",
    next_step="Begin again and scan the new picture.",
)
OPERATOR_NOT_FOUND: Final = Refusal(
    code="operator_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no operator {name} who may sign in.",
    next_step="Look the name up in the review of rights.",
)
OPERATOR_NEEDED: Final = Refusal(
    code="operator_needed",
    kind=Kind.FORBIDDEN,
    message="This is about customers, and nobody has signed in; the attempt is recorded.",
    next_step="Let the command sign somebody in.",
)
RIGHTS_NOT_ALLOWED: Final = Refusal(
    code="rights_not_allowed",
    kind=Kind.FORBIDDEN,
    message="Your role does not review rights; the attempt is recorded.",
    next_step="Ask somebody whose role does; the access matrix says which.",
)
RIGHTS_BY_ANOTHER: Final = Refusal(
    code="rights_by_another",
    kind=Kind.FORBIDDEN,
    message="Nobody confirms rights of their own or reviews an emergency of their own.",
    next_step="Ask somebody else whose role allows it.",
)
RIGHT_NOT_HELD: Final = Refusal(
    code="right_not_held",
    kind=Kind.INVALID,
    message="The role of {name} does not have the permission {permission}.",
    next_step="Take one from the review of rights.",
)
EMERGENCY_NOT_ALLOWED: Final = Refusal(
    code="emergency_not_allowed",
    kind=Kind.FORBIDDEN,
    message="Your role may not take the rights of {role} in an emergency; it is recorded.",
    next_step="Ask somebody of that role.",
)
EMERGENCY_UNDER_WAY: Final = Refusal(
    code="emergency_under_way",
    kind=Kind.CONFLICT,
    message="An emergency of yours is under way already.",
    next_step="End it before you begin another.",
)
EMERGENCY_NOT_FOUND: Final = Refusal(
    code="emergency_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no such emergency, or it is not in this state.",
    next_step="Look it up in the list of emergencies.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """An operator's second factor; secrets are sealed."""

    operator_id: int
    secret: bytes | None
    pending: bytes | None
    confirmed_at: datetime | None
    last_step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member of staff as the review of rights sees one."""

    operator_id: int
    name: str
    role: str
    disabled_at: datetime | None
    #: Since when a second factor is asked for; None where there is none.
    factor_since: datetime | None
    rights_since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRight:
    """When a permission was last used, and last confirmed by somebody else."""

    operator: str
    permission: str
    last_used_on: date | None
    confirmed_at: datetime | None
    confirmed_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergency:
    """The rights of another role, lent for a time."""

    emergency_id: int
    operator: str
    role: str
    lent_role: str
    ticket: str
    reason: str
    started_at: datetime
    ends_at: datetime
    reviewed_by: str | None
    #: justified or not_justified; None before the review.
    finding: str | None
    review: str | None
    reviewed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lent:
    """The emergency that an operator acts under, and how many wait for a review."""

    emergency_id: int | None
    lent_role: str | None
    ends_at: datetime | None
    waiting: int


async def read_factor(connection: Runner, operator_id: int) -> Factor | None:
    """Return an operator's second factor, also one that is not confirmed yet."""
    row = await QUERIES.factor.fetchrow(connection, operator_id=operator_id)
    return None if row is None else Factor(**{name: row[name] for name in Factor.__slots__})


async def list_members(connection: Runner, name: str | None = None) -> list[Member]:
    """Return staff by name, disabled ones too."""
    rows = await QUERIES.operators.fetch(connection, name=name)
    return [Member(**{field: row[field] for field in Member.__slots__}) for row in rows]


async def known_rights(connection: Runner, name: str | None = None) -> list[KnownRight]:
    """Return what is known of the use of permissions."""
    rows = await QUERIES.rights_known.fetch(connection, name=name)
    return [KnownRight(**{field: row[field] for field in KnownRight.__slots__}) for row in rows]


async def list_emergencies(
    connection: Runner,
    *,
    emergency_id: int | None = None,
    only_open: bool = False,
    page: int = 100,
) -> list[Emergency]:
    """Return emergencies, newest first; `only_open` leaves out those that were reviewed."""
    rows = await QUERIES.emergencies.fetch(
        connection, emergency_id=emergency_id, only_open=only_open, page=page
    )
    return [Emergency(**{field: row[field] for field in Emergency.__slots__}) for row in rows]


async def read_lent(connection: Runner, operator: str, *, now: datetime) -> Lent:
    """Return what is lent to an operator now."""
    row = await QUERIES.standing.fetchrow(connection, operator=operator, now=now)
    assert row is not None, "the query always gives a row"
    return Lent(**{field: row[field] for field in Lent.__slots__})


async def add_confirmations(
    connection: Runner,
    *,
    ids: Sequence[int],
    operator: str,
    permissions: Sequence[str],
    confirmed_by: str,
    reason: str,
    now: datetime,
) -> None:
    """Keep somebody's word that an operator still needs permissions."""
    await QUERIES.add_confirmations.execute(
        connection,
        confirmation_ids=list(ids),
        operator=operator,
        permissions=list(permissions),
        confirmed_by=confirmed_by,
        reason=reason,
        now=now,
    )
