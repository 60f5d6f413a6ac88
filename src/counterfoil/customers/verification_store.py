"""Reads and writes identity checks, failures, cases and references; over named queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from counterfoil.customers.verification import Check, CheckOutcome, Standing
from counterfoil.customers.verification_policy import CheckKind, Scope
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.customers", "verification_store.sql")

#: More than a page of the console shows.
PAGE: Final = 100
#: More failures than any document allows within its hours.
FAILURES_MAX: Final = 1_000

#: Person, device or document, and its digest.
Tried = tuple[Scope, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityCase:
    """Something that a person has to look at."""

    customer_id: int
    case_id: int
    reason: str
    #: Whether the customer's acts wait for it.
    holds: bool
    opened_at: datetime
    closed_at: datetime | None = None
    closed_by: str | None = None
    finding: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutAccount:
    """Where a customer is paid."""

    customer_id: int
    account_id: int
    #: The token of the account, never its number.
    payee_ref: str
    registered_by: str
    registered_at: datetime


async def add_check(
    connection: Connection,
    check: Check,
    *,
    consent_id: int | None,
    policy_sha256: str,
    by: str,
    asked_at: datetime | None,
    at: datetime,
) -> None:
    """Write one answer of one source, with when it was asked for and when it was there."""
    fields = {name: getattr(check, name) for name in check.__slots__}
    fields |= {"kind": check.kind.value, "outcome": check.outcome.value}
    await QUERIES.add_check.execute(
        connection,
        **fields,
        consent_id=consent_id,
        policy_sha256=policy_sha256,
        recorded_by=by,
        asked_at=asked_at,
        recorded_at=at,
    )


async def read_standings(
    connection: Connection, customer_ids: Sequence[int], *, at: datetime | None = None
) -> dict[int, Standing]:
    """Return what holds of many customers; a customer without checks has an empty standing.

    `at` asks what held by what was known at an instant.
    """
    wanted = list(customer_ids)
    checks: dict[int, list[Check]] = {}
    for row in await QUERIES.latest_checks.fetch(connection, customer_ids=wanted, at=at):
        checks.setdefault(row["customer_id"], []).append(_check(row))
    held = {
        row["customer_id"]
        for row in await QUERIES.held_customers.fetch(connection, customer_ids=wanted, at=at)
    }
    return {
        customer_id: Standing(checks=checks.get(customer_id, []), is_held=customer_id in held)
        for customer_id in wanted
    }


async def checks_of_customer(
    connection: Connection, customer_id: int, *, at: datetime | None = None
) -> list[Check]:
    """Return a customer's checks, newest first; those that were there at an instant if given."""
    rows = await QUERIES.checks_of_customer.fetch(
        connection, customer_id=customer_id, page=PAGE, at=at
    )
    return [_check(row) for row in rows]


async def hold_tries(connection: Connection, tried: Sequence[Tried]) -> None:
    """Let nobody else count or add failures of the same until the transaction ends."""
    await QUERIES.hold_tries.fetch(connection, digests=[digest for _, digest in tried])


async def failures_since(connection: Connection, tried: Tried, since: datetime) -> list[datetime]:
    """Return when something failed, newest first."""
    scope, digest = tried
    rows = await QUERIES.failures_since.fetch(
        connection, scope=scope.value, digest=digest, since=since, page=FAILURES_MAX
    )
    return [row["failed_at"] for row in rows]


async def add_failures(
    connection: Connection, check: Check, tried: Sequence[Tried], *, at: datetime
) -> None:
    """Count a failure for everything that was tried."""
    await QUERIES.add_failures.execute(
        connection,
        customer_id=check.customer_id,
        check_id=check.check_id,
        scopes=[scope.value for scope, _ in tried],
        digests=[digest for _, digest in tried],
        failed_at=at,
    )


async def add_template(
    connection: Connection,
    check: Check,
    *,
    consent_id: int,
    template_sha256: bytes,
    expires_at: datetime,
) -> None:
    """Keep the reference to a biometric template."""
    await QUERIES.add_template.execute(
        connection,
        customer_id=check.customer_id,
        check_id=check.check_id,
        consent_id=consent_id,
        template_sha256=template_sha256,
        expires_at=expires_at,
    )


async def forget_templates_of_consent(
    connection: Connection, *, customer_id: int, consent_id: int
) -> list[tuple[int, int]]:
    """Remove references that rest on a consent; return customer and check of each."""
    rows = await QUERIES.forget_templates_of_consent.fetch(
        connection, customer_id=customer_id, consent_id=consent_id
    )
    return [(row["customer_id"], row["check_id"]) for row in rows]


async def forget_expired_templates(
    connection: Connection, *, now: datetime
) -> list[tuple[int, int]]:
    """Remove references whose life is over; return customer and check of each."""
    rows = await QUERIES.forget_expired_templates.fetch(connection, now=now)
    return [(row["customer_id"], row["check_id"]) for row in rows]


async def open_case(connection: Connection, case: IdentityCase) -> bool:
    """Write a case; tell whether it is new, not open already for the same reason."""
    found = await QUERIES.open_case.fetchval(
        connection,
        customer_id=case.customer_id,
        case_id=case.case_id,
        reason=case.reason,
        holds=case.holds,
        opened_at=case.opened_at,
    )
    return found is not None


async def close_case(
    connection: Connection,
    *,
    customer_id: int,
    case_id: int,
    by: str,
    finding: str,
    at: datetime,
) -> str | None:
    """Close an open case; return its reason, None where there is no such open case."""
    reason: str | None = await QUERIES.close_case.fetchval(
        connection,
        customer_id=customer_id,
        case_id=case_id,
        closed_by=by,
        finding=finding,
        closed_at=at,
    )
    return reason


async def cases_of_customer(connection: Connection, customer_id: int) -> list[IdentityCase]:
    """Return a customer's cases, newest first."""
    rows = await QUERIES.cases_of_customer.fetch(connection, customer_id=customer_id, page=PAGE)
    return [IdentityCase(**dict(row)) for row in rows]


async def open_cases(
    connection: Connection, *, page: int = PAGE, after: int = 0, is_back: bool = False
) -> list[IdentityCase]:
    """Return a page of open cases, oldest first."""
    rows = await QUERIES.open_cases.page(connection, page=page, after=after, is_back=is_back)
    return [IdentityCase(**dict(row)) for row in rows]


async def add_account(connection: Connection, account: PayoutAccount) -> None:
    """Write where a customer is paid from now on."""
    fields = {name: getattr(account, name) for name in account.__slots__}
    await QUERIES.add_account.execute(connection, **fields)


async def present_account(connection: Connection, customer_id: int) -> PayoutAccount | None:
    """Return where a customer is paid; None where no account was registered."""
    row = await QUERIES.present_account.fetchrow(connection, customer_id=customer_id)
    return None if row is None else PayoutAccount(**dict(row))


def _check(row: Row) -> Check:
    fields = dict(row)
    return Check(
        **fields | {"kind": CheckKind(fields["kind"]), "outcome": CheckOutcome(fields["outcome"])}
    )
