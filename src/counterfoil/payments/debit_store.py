"""Mandates and debits in PostgreSQL; the only place with their SQL."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

from counterfoil.kernel.language import Language
from counterfoil.payments.debit import (
    CALLS,
    Bounced,
    Debit,
    DebitAct,
    DebitOrder,
    DebitStatus,
)
from counterfoil.payments.mandate import Mandate
from counterfoil.payments.rail import (
    Agree,
    Answer,
    Cause,
    Confirm,
    Judgement,
    NotSeen,
    Outcome,
    Release,
    Suspend,
)
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.payments", "debit_store.sql")

#: Mandates of one customer that anybody looks at.
MANDATES_MAX: Final = 100
#: Beyond every number, where a list begins that has the newest first.
NEWEST: Final = 2**63 - 1
SUSPENDED_MAX: Final = 1_000


async def add_mandate(connection: Connection, mandate: Mandate) -> None:
    """Write a mandate; once."""
    await QUERIES.add_mandate.execute(
        connection,
        customer_id=mandate.customer_id,
        mandate_id=mandate.mandate_id,
        line_id=mandate.line_id,
        account_ref=mandate.account_ref,
        template=mandate.template,
        language=mandate.language.value,
        text_sha256=mandate.text_sha256,
        starts_on=mandate.starts_on,
        ends_on=mandate.ends_on,
        signed_at=mandate.signed_at,
    )


async def revoke_mandate(
    connection: Connection, customer_id: int, mandate_id: int, *, by: str, now: datetime
) -> bool:
    """End a mandate at once; False where it was not in force."""
    row = await QUERIES.revoke_mandate.fetchrow(
        connection, customer_id=customer_id, mandate_id=mandate_id, by=by, now=now
    )
    return row is not None


async def read_mandate(connection: Connection, customer_id: int, mandate_id: int) -> Mandate | None:
    """Return one mandate of a customer."""
    row = await QUERIES.mandate.fetchrow(connection, customer_id=customer_id, mandate_id=mandate_id)
    return None if row is None else _mandate(row)


async def read_mandates(
    connection: Connection,
    customer_id: int,
    *,
    page: int = MANDATES_MAX,
    before: int = NEWEST,
    is_back: bool = False,
) -> list[Mandate]:
    """Return a page of a customer's mandates, newest first."""
    rows = await QUERIES.mandates_of_customer.page(
        connection, customer_id=customer_id, page=page, before=before, is_back=is_back
    )
    return [_mandate(row) for row in rows]


async def mandate_in_force(
    connection: Connection, customer_id: int, line_id: int
) -> Mandate | None:
    """Return the mandate of a line that nobody has revoked."""
    row = await QUERIES.mandate_in_force.fetchrow(
        connection, customer_id=customer_id, line_id=line_id
    )
    return None if row is None else _mandate(row)


async def mandates_after(
    connection: Connection, *, after: int, on: date, page: int
) -> list[Mandate]:
    """Return a page of mandates that hold on a day, by number."""
    rows = await QUERIES.mandates_after.fetch(connection, after=after, on_date=on, page=page)
    return [_mandate(row) for row in rows]


async def presentations(
    connection: Connection, customer_id: int, line_id: int, *, due_on: date
) -> tuple[int, bool]:
    """Return how many presentations were made for a due date, and whether any debit is open."""
    row = await QUERIES.presentations.fetchrow(
        connection, customer_id=customer_id, line_id=line_id, due_on=due_on
    )
    assert row is not None, "an aggregate gives a row"
    return row["made"], row["is_open"]


async def add_debit(connection: Connection, order: DebitOrder, *, rail: str, now: datetime) -> bool:
    """Write a debit to be sent; False where one is open or this presentation was made."""
    row = await QUERIES.add_debit.fetchrow(
        connection,
        **{name: getattr(order, name) for name in DebitOrder.__slots__},
        rail=rail,
        now=now,
    )
    return row is not None


async def lock_due(connection: Connection, *, rail: str, now: datetime, page: int) -> list[Debit]:
    """Return debits with something to do now, kept from other workers until the commit."""
    rows = await QUERIES.lock_due.fetch(connection, rail=rail, now=now, page=page)
    return [_debit(row) for row in rows]


async def record_act(
    connection: Connection,
    debit: Debit,
    act: DebitAct,
    *,
    status: DebitStatus,
    worker: str,
    now: datetime,
    leased_until: datetime,
) -> None:
    """Write down what is about to be done; the amount is that of the order as it is now."""
    order = debit.order
    key = {"customer_id": order.customer_id, "debit_id": order.debit_id}
    await QUERIES.record_act.execute(
        connection,
        **key,
        status=status.value,
        amount_minor=order.amount_minor,
        act_no=debit.act_no + 1,
        act=act.value,
        now=now,
        business_date=order.business_date,
        leased_until=leased_until,
    )
    if act in CALLS:
        await QUERIES.add_attempt.execute(
            connection, **key, act_no=debit.act_no + 1, act=act.value, worker=worker, now=now
        )


async def record_answer(
    connection: Connection,
    debit: Debit,
    answer: Answer,
    verdict: Judgement,
    *,
    next_act_at: datetime | None,
    now: datetime,
) -> bool:
    """Write down what the bank said and what it means; False where it no longer matters."""
    order = debit.order
    key = {
        "customer_id": order.customer_id,
        "debit_id": order.debit_id,
        "act_no": debit.act_no + 1,
    }
    await QUERIES.add_answer.execute(
        connection, **key, answer=type(answer).__name__, detail=_detail(answer), now=now
    )
    is_paid, is_failed = isinstance(verdict, Confirm), isinstance(verdict, Release)
    outcome = Outcome.SUCCEEDED if is_paid else Outcome.FAILED if is_failed else None
    row = await QUERIES.apply_answer.fetchrow(
        connection,
        **key,
        outcome=outcome and outcome.value,
        value_date=getattr(verdict, "value_date", None),
        rail_reference=getattr(verdict, "rail_reference", None),
        failure_code=verdict.code if isinstance(verdict, Release) else None,
        is_not_seen=isinstance(answer, NotSeen),
        cause=verdict.cause.value if isinstance(verdict, Suspend) else None,
        next_act_at=next_act_at,
        now=now,
    )
    return row is not None


async def record_check(
    connection: Connection,
    debit: Debit,
    answer: Answer,
    verdict: Bounced | Suspend | Agree,
    *,
    now: datetime,
) -> None:
    """Write down what the bank said of a finished debit, and what that means."""
    key = {"customer_id": debit.order.customer_id, "debit_id": debit.order.debit_id}
    await QUERIES.add_answer.execute(
        connection,
        **key,
        act_no=debit.act_no + 1,
        answer=type(answer).__name__,
        detail=_detail(answer),
        now=now,
    )
    match verdict:
        case Agree():
            await QUERIES.rest.execute(connection, **key)
        case Bounced(on):
            await QUERIES.note_bounce.execute(connection, **key, bounced_on=on, now=now)
        case Suspend(cause):
            await suspend(connection, debit.order.customer_id, debit.order.debit_id, cause, now=now)


async def bounce_by_statement(
    connection: Connection, *, rail: str, statement_date: date, now: datetime
) -> int:
    """Note collected debits that a statement shows as taken back whole; return how many."""
    rows = await QUERIES.bounce_by_statement.fetch(
        connection, rail=rail, statement_date=statement_date, now=now
    )
    return len(rows)


async def bounce_booked(connection: Connection, debit: Debit, *, now: datetime) -> bool:
    """Write down that the books took note of a bounce; False where they had."""
    row = await QUERIES.bounce_booked.fetchrow(
        connection,
        customer_id=debit.order.customer_id,
        debit_id=debit.order.debit_id,
        now=now,
    )
    return row is not None


async def hint(
    connection: Connection, *, rail: str, debit_id: int, now: datetime, hints_max: int
) -> bool:
    """Bring a question forward; False where there is no such debit or no need."""
    row = await QUERIES.hint.fetchrow(
        connection, rail=rail, debit_id=debit_id, now=now, hints_max=hints_max
    )
    return row is not None


async def suspend(
    connection: Connection, customer_id: int, debit_id: int, cause: Cause, *, now: datetime
) -> None:
    """Put a debit before people."""
    await QUERIES.suspend.execute(
        connection, customer_id=customer_id, debit_id=debit_id, cause=cause.value, now=now
    )


async def decide(
    connection: Connection,
    customer_id: int,
    debit_id: int,
    *,
    outcome: Outcome,
    value_date: date | None,
    now: datetime,
) -> bool:
    """Write what people found out; False where the debit does not lie before them, or differs."""
    row = await QUERIES.decide.fetchrow(
        connection,
        customer_id=customer_id,
        debit_id=debit_id,
        outcome=outcome.value,
        value_date=value_date,
        now=now,
    )
    return row is not None


async def give_up(
    connection: Connection, debit: Debit, *, failure_code: str, now: datetime
) -> None:
    """End a debit that was never sent."""
    await QUERIES.give_up.execute(
        connection,
        customer_id=debit.order.customer_id,
        debit_id=debit.order.debit_id,
        failure_code=failure_code,
        now=now,
    )


async def finish(connection: Connection, debit: Debit, *, now: datetime) -> bool:
    """End a debit of whose outcome the books have taken note; False where it had ended."""
    row = await QUERIES.finish.fetchrow(
        connection,
        customer_id=debit.order.customer_id,
        debit_id=debit.order.debit_id,
        now=now,
    )
    return row is not None


async def resolve_by_statement(
    connection: Connection, *, rail: str, statement_date: date, now: datetime
) -> int:
    """Make certain what a statement shows; return how many debits."""
    rows = await QUERIES.resolve_by_statement.fetch(
        connection, rail=rail, statement_date=statement_date, now=now
    )
    return len(rows)


async def doubtful_by_statement(
    connection: Connection, *, rail: str, statement_date: date
) -> list[tuple[int, int, Cause]]:
    """Return (customer, debit, cause) of what a statement leaves for people."""
    rows = await QUERIES.doubtful_by_statement.fetch(
        connection, rail=rail, statement_date=statement_date
    )
    return [(row["customer_id"], row["debit_id"], Cause(row["cause"])) for row in rows]


async def read_debits(
    connection: Connection,
    customer_id: int,
    *,
    line_id: int | None,
    before: int,
    page: int,
    is_back: bool = False,
) -> Sequence[Row]:
    """Return a page of a customer's debits, newest first."""
    rows: list[Any] = await QUERIES.debits_of_customer.page(
        connection,
        customer_id=customer_id,
        line_id=line_id,
        before=before,
        page=page,
        is_back=is_back,
    )
    return rows


async def read_suspended(connection: Connection) -> Sequence[Row]:
    """Return the debits that lie before people, oldest first."""
    rows: list[Any] = await QUERIES.suspended.fetch(connection, page=SUSPENDED_MAX)
    return rows


async def debits_of_day(
    connection: Connection, *, rail: str, day: date, debit_ids: Sequence[int]
) -> Sequence[Row]:
    """Return the debits that concern a day, and others that are named."""
    rows: list[Any] = await QUERIES.debits_of_day.fetch(
        connection, rail=rail, day=day, debit_ids=debit_ids
    )
    return rows


def _mandate(row: Row) -> Mandate:
    fields = {name: row[name] for name in Mandate.__slots__}
    return Mandate(**{**fields, "language": Language(row["language"])})


def _debit(row: Row) -> Debit:
    outcome = row["outcome"]
    return Debit(
        order=DebitOrder(**{name: row[name] for name in DebitOrder.__slots__}),
        status=DebitStatus(row["status"]),
        sends=row["sends"],
        asks=row["asks"],
        act_no=row["act_no"],
        sent_at=row["sent_at"],
        is_not_seen=row["is_not_seen"],
        outcome=None if outcome is None else Outcome(outcome),
        value_date=row["value_date"],
        rail_reference=row["rail_reference"],
        failure_code=row["failure_code"],
        bounced_on=row["bounced_on"],
        bounce_booked_at=row["bounce_booked_at"],
    )


def _detail(answer: Answer) -> str | None:
    for name in ("code", "reason", "rail_reference"):
        if (value := getattr(answer, name, None)) is not None:
            return str(value)
    return None
