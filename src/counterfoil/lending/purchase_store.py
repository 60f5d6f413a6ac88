"""Reads and writes purchases of scenes, claims, refunds, licences, closures and withdrawals.

Over named queries.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from counterfoil.lending.loan import Loan
from counterfoil.lending.scene_purchase import Cause, Purchase, PurchaseState
from counterfoil.lending.store import read_loan
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.lending", "purchase_store.sql")

#: More purchases than an answer shows.
PAGE: Final = 1_000
#: How money of a merchant came in.
REFUND: Final = "merchant_refund"
_ANY: Final = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """A school's licence."""

    merchant_id: int
    licence_id: int
    number: str
    authority: str
    #: The last day on which it holds.
    valid_until: date
    document_sha256: bytes
    recorded_by: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """A customer went back on a purchase."""

    customer_id: int
    loan_id: int
    #: The day to which interest runs.
    declared_on: date
    principal_minor: int
    #: Principal and the interest of the days used.
    payoff_minor: int
    declared_by: str
    declared_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """What a loan paid for."""

    purchase_id: int
    scene: str
    scene_version: str
    merchant_id: int
    #: The version of the merchant's payee that was paid.
    payee_version_no: int
    amount_minor: int
    refunded_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundLeft:
    """A refund to a loan whose answer nobody wrote down yet."""

    idempotency_key: str
    amount_minor: int
    asked_at: datetime


async def add_purchase(
    connection: Connection,
    purchase: Purchase,
    documents: Mapping[str, bytes],
    *,
    by: str,
    at: datetime,
) -> None:
    """Write a purchase with the digests of its papers."""
    fields = {name: getattr(purchase, name) for name in purchase.__slots__}
    await QUERIES.add_purchase.execute(connection, **fields, recorded_by=by, recorded_at=at)
    await QUERIES.add_documents.execute(
        connection,
        customer_id=purchase.customer_id,
        purchase_id=purchase.purchase_id,
        kinds=list(documents),
        digests=list(documents.values()),
    )


async def read_purchases(
    connection: Connection,
    *,
    customer_id: int = _ANY,
    merchant_id: int = _ANY,
    purchase_id: int = _ANY,
    without_key: str = "",
    after: int = 0,
    page: int = PAGE,
    is_back: bool = False,
) -> list[PurchaseState]:
    """Return purchases of a customer, of a merchant, or one; the oldest first, after a number.

    `without_key` names a drawdown that does not count as paid: the one that is looked at.
    """
    rows = await QUERIES.purchases.page(
        connection,
        customer_id=customer_id,
        merchant_id=merchant_id,
        purchase_id=purchase_id,
        key=without_key,
        refund=REFUND,
        after=after,
        page=page,
        is_back=is_back,
    )
    return [
        PurchaseState(
            purchase=Purchase(**{name: row[name] for name in Purchase.__slots__}),
            progress_ppm=row["progress_ppm"],
            paid_minor=row["paid_minor"],
            refunded_minor=row["refunded_minor"],
            claimed_minor=row["claimed_minor"],
            claim_due_on=row["claim_due_on"],
        )
        for row in rows
    ]


async def purchase_of_loan(connection: Connection, customer_id: int, loan_id: int) -> Paid | None:
    """Return what a loan paid for; None where it is no loan of a recorded purchase."""
    row = await QUERIES.purchase_of_loan.fetchrow(
        connection, customer_id=customer_id, loan_id=loan_id, refund=REFUND
    )
    return None if row is None else Paid(**dict(row))


async def use_purchase(
    connection: Connection,
    purchase: Purchase,
    *,
    payee_version_no: int,
    key: str,
    amount_minor: int,
    at: datetime,
) -> None:
    """Write that a drawdown pays for a purchase."""
    await QUERIES.use_purchase.execute(
        connection,
        customer_id=purchase.customer_id,
        purchase_id=purchase.purchase_id,
        payee_version_no=payee_version_no,
        key=key,
        amount_minor=amount_minor,
        at=at,
    )


async def settle_use(
    connection: Connection, *, customer_id: int, key: str, loan_id: int | None
) -> None:
    """Write which loan a drawdown became; None where it became none."""
    if loan_id is None:
        await QUERIES.forget_use.execute(connection, customer_id=customer_id, key=key)
    else:
        await QUERIES.settle_use.execute(
            connection, customer_id=customer_id, key=key, loan_id=loan_id
        )


async def uses_left(connection: Connection, customer_id: int, *, before: datetime) -> list[str]:
    """Return the keys of drawdowns whose answer nobody wrote down."""
    rows = await QUERIES.uses_left.fetch(connection, customer_id=customer_id, before=before)
    return [row["idempotency_key"] for row in rows]


async def hold_purchase(connection: Connection, customer_id: int, purchase_id: int) -> None:
    """Hold a purchase, where there is one, until the transaction ends."""
    await QUERIES.hold_purchase.fetch(connection, customer_id=customer_id, purchase_id=purchase_id)


async def add_progress(
    connection: Connection,
    purchase: Purchase,
    *,
    progress_ppm: int,
    proof_sha256: bytes,
    by: str,
    at: datetime,
) -> None:
    """Write what was given of a course."""
    await QUERIES.add_progress.execute(
        connection,
        customer_id=purchase.customer_id,
        purchase_id=purchase.purchase_id,
        progress_ppm=progress_ppm,
        proof_sha256=proof_sha256,
        by=by,
        at=at,
    )


async def add_licence(connection: Connection, licence: Licence) -> None:
    """Write a school's licence."""
    fields = {name: getattr(licence, name) for name in licence.__slots__}
    await QUERIES.add_licence.execute(connection, **fields)


async def present_licence(connection: Connection, merchant_id: int) -> Licence | None:
    """Return the licence that holds, or did last; None where none was recorded."""
    row = await QUERIES.present_licence.fetchrow(connection, merchant_id=merchant_id)
    return None if row is None else Licence(**dict(row))


async def add_closure(
    connection: Connection, merchant_id: int, *, closed_on: date, reason: str, by: str, at: datetime
) -> bool:
    """Write that a merchant delivers no more; tell whether that is new."""
    found = await QUERIES.add_closure.fetchval(
        connection, merchant_id=merchant_id, closed_on=closed_on, reason=reason, by=by, at=at
    )
    return found is not None


async def closures(connection: Connection) -> dict[int, date]:
    """Return since when merchants deliver no more; those that do are left out."""
    rows = await QUERIES.closures.fetch(connection)
    return {row["merchant_id"]: row["closed_on"] for row in rows}


async def closed_on(connection: Connection, merchant_id: int) -> date | None:
    """Return the day since which a merchant delivers no more; None while it does."""
    found: date | None = await QUERIES.closed_on.fetchval(connection, merchant_id=merchant_id)
    return found


async def add_withdrawal(connection: Connection, withdrawal: Withdrawal) -> None:
    """Write that a customer went back on a purchase; a second word changes nothing."""
    fields = {name: getattr(withdrawal, name) for name in withdrawal.__slots__}
    await QUERIES.add_withdrawal.execute(connection, **fields)


async def read_withdrawal(
    connection: Connection, customer_id: int, loan_id: int
) -> Withdrawal | None:
    """Return what a customer declared of a loan."""
    row = await QUERIES.withdrawal.fetchrow(connection, customer_id=customer_id, loan_id=loan_id)
    return None if row is None else Withdrawal(**dict(row))


async def read_purchase(
    connection: Connection, customer_id: int, purchase_id: int, *, without_key: str = ""
) -> PurchaseState | None:
    """Return a customer's purchase as it stands; None where there is none."""
    found = await read_purchases(
        connection, customer_id=customer_id, purchase_id=purchase_id, without_key=without_key
    )
    return found[0] if found else None


async def last_purchases(
    connection: Connection, merchant_id: int, *, page: int
) -> list[PurchaseState]:
    """Return the last purchases of a merchant, the newest first."""
    rows = await QUERIES.last_purchases.fetch(connection, merchant_id=merchant_id, page=page)
    found = [
        await read_purchase(connection, row["customer_id"], row["purchase_id"]) for row in rows
    ]
    return [state for state in found if state is not None]


async def last_loan_began(
    connection: Connection, customer_id: int, purchase_id: int
) -> date | None:
    """Return when the last running loan of a purchase began; None where none runs."""
    found: date | None = await QUERIES.last_loan_began.fetchval(
        connection, customer_id=customer_id, purchase_id=purchase_id
    )
    return found


async def add_claim(
    connection: Connection,
    purchase: Purchase,
    cause: Cause,
    *,
    owed_minor: int,
    due_on: date,
    by: str,
    at: datetime,
) -> None:
    """Write what a merchant owes back; a second word on the same cause changes nothing."""
    await QUERIES.add_claim.execute(
        connection,
        customer_id=purchase.customer_id,
        purchase_id=purchase.purchase_id,
        cause=cause.value,
        owed_minor=owed_minor,
        due_on=due_on,
        by=by,
        at=at,
    )


async def refunds_left(
    connection: Connection, customer_id: int, loan_id: int, *, without_key: str
) -> list[RefundLeft]:
    """Return refunds to a loan whose answer nobody wrote down yet, but for one."""
    rows = await QUERIES.refunds_left.fetch(
        connection, customer_id=customer_id, loan_id=loan_id, key=without_key
    )
    return [RefundLeft(**dict(row)) for row in rows]


async def begin_refund(
    connection: Connection,
    *,
    customer_id: int,
    loan_id: int,
    key: str,
    amount_minor: int,
    at: datetime,
) -> None:
    """Let a refund count until its repayment stands in the books."""
    await QUERIES.begin_refund.execute(
        connection,
        customer_id=customer_id,
        loan_id=loan_id,
        key=key,
        amount_minor=amount_minor,
        at=at,
    )


async def end_refunds(connection: Connection, customer_id: int, keys: list[str]) -> None:
    """Let refunds count no more: they stand in the books, or never will."""
    await QUERIES.end_refunds.execute(connection, customer_id=customer_id, keys=keys)


async def loans_of_purchase(
    connection: Connection, customer_id: int, purchase_id: int
) -> list[Loan]:
    """Return the loans that paid for a purchase, the oldest first."""
    rows = await QUERIES.loans_of_purchase.fetch(
        connection, customer_id=customer_id, purchase_id=purchase_id
    )
    found = [await read_loan(connection, customer_id, row["loan_id"]) for row in rows]
    return [loan for loan in found if loan is not None]
