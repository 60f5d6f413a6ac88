"""What payments keep: one function per question or step, each on a connection that is given.

Steps that belong together are called inside one transaction of the caller; pages of payments are
written as columns, never row by row.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from counterfoil.payments import received_store
from counterfoil.payments.order import PayoutOrder, Subject, payment_id_of
from counterfoil.payments.rail import (
    Act,
    Answer,
    Cause,
    CheckAnswer,
    Confirm,
    Conflict,
    Declined,
    NoAnswer,
    NotSeen,
    Outcome,
    Paid,
    PayeeMatches,
    Payment,
    PaymentStatus,
    Pending,
    Release,
    Returned,
    Verdict,
)
from counterfoil.payments.statement import LineKind, Statement
from counterfoil.platform.database import Connection, Queries, Row

QUERIES: Final = Queries.load("counterfoil.payments")
#: Lines about money that payers sent, and not about payments of ours.
_OF_PAYERS: Final = frozenset({LineKind.RECEIVED, LineKind.RECALLED})

#: How many days back a statement is asked whether it ever showed what was confirmed.
CONTRADICTED_DAYS: Final = 7

#: Customer and payment; what names one row.
PaymentKey = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Started:
    """One act written down and about to be done."""

    payment: Payment
    act: Act
    act_no: int
    #: State in which the act leaves the payment until there is an answer.
    status: PaymentStatus
    started_at: datetime
    #: The rail that is called.
    rail: str

    @property
    def key(self) -> PaymentKey:
        """Return what names the payment."""
        return (self.payment.order.customer_id, self.payment.order.payment_id)


@dataclass(frozen=True, slots=True)
class Answered:
    """One act with what the rail said and what that means."""

    started: Started
    answer: Answer | CheckAnswer
    verdict: Verdict
    #: When something is to be done next; None where the statement or people are next.
    next_act_at: datetime | None


@dataclass(frozen=True, slots=True)
class RejectedOrder:
    """An event that should have been an order."""

    customer_id: int
    event_id: int
    subject_id: int
    reason: str


async def add_payments(
    connection: Connection,
    orders: Sequence[tuple[PayoutOrder, str, str | None]],
    *,
    now: datetime,
) -> int:
    """Add payments, each with its rail and the refusal known before sending; return the new."""
    rows = await QUERIES.add_payments.fetch(
        connection,
        now=now,
        rails=[rail for _, rail, _ in orders],
        customer_ids=[order.customer_id for order, _, _ in orders],
        payment_ids=[order.payment_id for order, _, _ in orders],
        line_ids=[order.line_id for order, _, _ in orders],
        loan_ids=[order.loan_id for order, _, _ in orders],
        subjects=[order.subject.value for order, _, _ in orders],
        lender_ids=[order.lender_id for order, _, _ in orders],
        amounts_minor=[order.amount_minor for order, _, _ in orders],
        currencies=[order.currency for order, _, _ in orders],
        payee_refs=[order.payee_ref for order, _, _ in orders],
        business_dates=[order.business_date for order, _, _ in orders],
        failure_codes=[code for _, _, code in orders],
    )
    return len(rows)


async def add_rejected_orders(
    connection: Connection, rejected: Sequence[RejectedOrder], *, now: datetime
) -> None:
    """Keep events that were no orders where people see them."""
    await QUERIES.add_rejected_orders.execute(
        connection,
        now=now,
        customer_ids=[one.customer_id for one in rejected],
        event_ids=[one.event_id for one in rejected],
        subject_ids=[one.subject_id for one in rejected],
        reasons=[one.reason for one in rejected],
    )


async def lock_due(
    connection: Connection,
    *,
    rails: Sequence[str],
    known_since: datetime,
    now: datetime,
    page: int,
) -> list[Payment]:
    """Lock and return payments with something to do now, of these rails or never sent.

    A payee is known where a rail has said since then that the account is in the right name.
    """
    rows = await QUERIES.lock_due.fetch(
        connection, rails=list(rails), known_since=known_since, now=now, page=page
    )
    return [_payment(row) for row in rows]


async def record_acts(
    connection: Connection,
    acts: Sequence[Started],
    *,
    worker: str,
    now: datetime,
    business_date: date,
    leased_until: datetime,
) -> None:
    """Write down what is about to be done with locked payments."""
    await QUERIES.record_acts.execute(
        connection,
        worker=worker,
        now=now,
        business_date=business_date,
        leased_until=leased_until,
        act_nos=[started.act_no for started in acts],
        acts=[started.act.value for started in acts],
        statuses=[started.status.value for started in acts],
        references=[started.payment.order.reference for started in acts],
        rails=[started.rail for started in acts],
        **columns_of(started.key for started in acts),
    )


async def postpone(connection: Connection, payments: Sequence[tuple[Payment, datetime]]) -> None:
    """Put off payments that cannot be sent now, each until its own time."""
    keys = [(p.order.customer_id, p.order.payment_id) for p, _ in payments]
    await QUERIES.postpone.execute(
        connection, next_act_ats=[at for _, at in payments], **columns_of(keys)
    )


async def fail_unsent(
    connection: Connection, payments: Sequence[tuple[Payment, str]], *, now: datetime
) -> None:
    """Let payments fail, each with its code, that were never sent and that no rail carries."""
    keys = [(p.order.customer_id, p.order.payment_id) for p, _ in payments]
    await QUERIES.fail_unsent.execute(
        connection, now=now, failure_codes=[code for _, code in payments], **columns_of(keys)
    )


async def record_answers(
    connection: Connection, answered: Sequence[Answered], *, now: datetime
) -> set[PaymentKey]:
    """Keep answers and move their payments; return those that moved."""
    await _add_answers(connection, answered, now=now)
    known = [(one.started, one.answer) for one in answered if isinstance(one.answer, PayeeMatches)]
    if known:
        await QUERIES.add_known_payees.execute(
            connection,
            now=now,
            are_own=[answer.is_own for _, answer in known],
            rails=[started.rail for started, _ in known],
            **columns_of(started.key for started, _ in known),
        )
    applied = [one for one in answered if one.started.act is not Act.VERIFY]
    moved: set[PaymentKey] = set()
    if applied:
        rows = await QUERIES.apply_answers.fetch(connection, **_moves(applied))
        moved = {(row["customer_id"], row["payment_id"]) for row in rows}
    if len(applied) < len(answered):
        checked = (one.started.key for one in answered if one.started.act is Act.VERIFY)
        await QUERIES.rest.execute(connection, **columns_of(checked))
    return moved


async def finish(connection: Connection, keys: Iterable[PaymentKey], *, now: datetime) -> None:
    """Finish payments of whose outcome the books have taken note."""
    await QUERIES.finish.execute(connection, now=now, **columns_of(keys))


async def hint(connection: Connection, *, payment_id: int, now: datetime, hints_max: int) -> bool:
    """Bring a question forward; False where there is no such payment or no need."""
    row = await QUERIES.hint.fetchrow(
        connection, payment_id=payment_id, now=now, hints_max=hints_max
    )
    return row is not None


async def add_statement(
    connection: Connection, statement: Statement, *, rail: str, now: datetime
) -> str | None:
    """Add a statement with its lines; return the check sum of the one taken before, if any."""
    day = statement.business_date
    added = await QUERIES.add_statement.fetchrow(
        connection,
        rail=rail,
        statement_date=day,
        sha256=statement.sha256,
        line_count=len(statement.lines),
        now=now,
    )
    if added is None:
        earlier: str | None = await QUERIES.statement_sha256.fetchval(
            connection, rail=rail, statement_date=day
        )
        return earlier
    lines = statement.lines
    await QUERIES.add_statement_lines.execute(
        connection,
        rail=rail,
        statement_date=day,
        references=[line.reference for line in lines],
        payment_ids=[
            None if line.kind in _OF_PAYERS else payment_id_of(line.reference) for line in lines
        ],
        kinds=[line.kind.value for line in lines],
        amounts_minor=[line.amount_minor for line in lines],
        currencies=[line.currency for line in lines],
        value_dates=[line.value_date for line in lines],
        rail_references=[line.rail_reference for line in lines],
        accounts=[line.account for line in lines],
        payer_digests=[line.payer_digest for line in lines],
    )
    await received_store.take(connection, rail=rail, statement_date=day, now=now)
    return None


async def resolve_paid(
    connection: Connection, *, rail: str, statement_date: date, now: datetime
) -> int:
    """Make certain what a statement shows as paid; return how many payments that were."""
    rows = await QUERIES.resolve_paid.fetch(
        connection, rail=rail, statement_date=statement_date, now=now
    )
    return len(rows)


async def doubtful_by_statement(
    connection: Connection, *, rail: str, statement_date: date
) -> list[tuple[PaymentKey, Cause]]:
    """Return what a statement leaves for people to resolve."""
    rows = await QUERIES.doubtful_by_statement.fetch(
        connection, rail=rail, statement_date=statement_date, days_back=CONTRADICTED_DAYS
    )
    return [((row["customer_id"], row["payment_id"]), Cause(row["cause"])) for row in rows]


async def payment(connection: Connection, *, customer_id: int, payment_id: int) -> Row | None:
    """Return one payment of a customer, or None."""
    return await QUERIES.payment.fetchrow(
        connection, customer_id=customer_id, payment_id=payment_id
    )


async def attempts(connection: Connection, *, customer_id: int, payment_id: int) -> list[Row]:
    """Return what was asked of the rail for one payment, and what it said."""
    return await QUERIES.attempts.fetch(connection, customer_id=customer_id, payment_id=payment_id)


async def counts_by_status(connection: Connection) -> list[Row]:
    """Return how many payouts stand where."""
    return await QUERIES.counts_by_status.fetch(connection)


def columns_of(keys: Iterable[PaymentKey]) -> dict[str, list[int]]:
    """Return customers and payments of keys, as columns."""
    pairs = list(keys)
    return {"customer_ids": [c for c, _ in pairs], "payment_ids": [p for _, p in pairs]}


def _payment(row: Row) -> Payment:
    return Payment(
        order=PayoutOrder(
            customer_id=row["customer_id"],
            payment_id=row["payment_id"],
            line_id=row["line_id"],
            loan_id=row["loan_id"],
            amount_minor=row["amount_minor"],
            currency=row["currency"],
            payee_ref=row["payee_ref"],
            lender_id=row["lender_id"],
            business_date=row["business_date"],
            subject=Subject(row["subject"]),
        ),
        rail=row["rail"],
        status=PaymentStatus(row["status"]),
        sends=row["sends"],
        asks=row["asks"],
        act_no=row["act_no"],
        sent_at=row["sent_at"],
        is_not_seen=row["is_not_seen"],
        outcome=None if row["outcome"] is None else Outcome(row["outcome"]),
        value_date=row["value_date"],
        rail_reference=row["rail_reference"],
        failure_code=row["failure_code"],
        is_payee_known=row["is_payee_known"],
    )


_ANSWER_NAMES: Final[dict[type[Answer | CheckAnswer], str]] = {
    PayeeMatches: "payee_matches",
    Paid: "paid",
    Declined: "declined",
    Returned: "returned",
    Pending: "pending",
    NotSeen: "not_seen",
    Conflict: "conflict",
    NoAnswer: "no_answer",
}


async def _add_answers(
    connection: Connection, answered: Sequence[Answered], *, now: datetime
) -> None:
    answers = [one.answer for one in answered]
    money = [a if isinstance(a, Paid | Returned) else None for a in answers]
    await QUERIES.add_answers.execute(
        connection,
        now=now,
        act_nos=[one.started.act_no for one in answered],
        answers=[_ANSWER_NAMES[type(answer)] for answer in answers],
        amounts_minor=[m and m.amount_minor for m in money],
        currencies=[m and m.currency for m in money],
        value_dates=[m.value_date if isinstance(m, Paid) else m and m.returned_on for m in money],
        rail_references=[m and m.rail_reference for m in money],
        details=[_detail(answer) for answer in answers],
        **columns_of(one.started.key for one in answered),
    )


def _detail(answer: Answer | CheckAnswer) -> str | None:
    match answer:
        case Declined(code):
            return code
        case NoAnswer(reason):
            return reason
        case _:
            return None


def _moves(answered: Sequence[Answered]) -> dict[str, list[object]]:
    """Return the columns by which answers move their payments."""
    verdicts = [one.verdict for one in answered]
    confirmed = [v if isinstance(v, Confirm) else None for v in verdicts]
    released = [v if isinstance(v, Release) else None for v in verdicts]
    return {
        "customer_ids": [one.started.key[0] for one in answered],
        "payment_ids": [one.started.key[1] for one in answered],
        "act_nos": [one.started.act_no for one in answered],
        "statuses": [_status(one).value for one in answered],
        "outcomes": [_outcome(verdict) for verdict in verdicts],
        "value_dates": [c and c.value_date for c in confirmed],
        "rail_references": [c and c.rail_reference for c in confirmed],
        "failure_codes": [r and r.code for r in released],
        "not_seens": [isinstance(one.answer, NotSeen) for one in answered],
        "next_act_ats": [one.next_act_at for one in answered],
    }


def _outcome(verdict: Verdict) -> str | None:
    match verdict:
        case Confirm():
            return Outcome.SUCCEEDED.value
        case Release():
            return Outcome.FAILED.value
        case _:
            return None


def _status(one: Answered) -> PaymentStatus:
    """Return the state after an answer: certain ones keep theirs until the books know.

    So does a payment whose payee was asked about, which is held whatever was said.
    """
    stays = one.started.act is Act.CHECK or isinstance(one.verdict, Confirm | Release)
    return one.started.status if stays else PaymentStatus.UNKNOWN
