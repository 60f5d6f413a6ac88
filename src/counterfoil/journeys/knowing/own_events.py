"""What the house itself knows of customers, told as events: lines, loans, instalments.

Known       From when the record was posted; what only the calendar brings, from its day on.
Identity    The number of the record itself, so that telling it again says the same.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from counterfoil.features.event import Draft
from counterfoil.features.feature import Value
from counterfoil.kernel import ids
from counterfoil.lending.history_store import OwnHistory

SOURCE: Final = "own_behaviour"
#: What the house keeps of its own contracts, it keeps for performing them.
PURPOSE: Final = "performance"
BASIS: Final = "contract"
_MOVEMENTS: Final = {"disbursement": "loan_paid_out", "repayment": "repayment"}


def own_drafts(customer_id: int, history: OwnHistory) -> list[Draft]:
    """Return everything that happened on a customer's lines, as events."""
    return [
        *_of_lines(customer_id, history),
        *_of_loans(customer_id, history),
        *_of_instalments(customer_id, history),
    ]


def at_midnight(day: date) -> datetime:
    """Return the instant at which a day begins, by UTC."""
    return datetime.combine(day, time(), UTC)


def _of_lines(customer_id: int, history: OwnHistory) -> Iterator[Draft]:
    for line in history.openings:
        record = ids.to_text(ids.LINE, line.line_id)
        yield _draft(
            customer_id,
            "line_opened",
            record,
            line.line_id,
            line.opened_on,
            {"limit_minor": line.limit_minor},
        )
    for change in history.limit_changes:
        record = f"{ids.to_text(ids.LINE, change.line_id)}/{change.version}"
        facts = {"limit_minor": change.limit_minor, "is_raise": change.kind == "limit_raised"}
        yield _draft(
            customer_id,
            "limit_changed",
            record,
            change.line_id,
            change.book_date,
            facts,
            at=change.at,
        )


def _of_loans(customer_id: int, history: OwnHistory) -> Iterator[Draft]:
    for item in history.movements:
        record = ids.to_text(ids.TRANSACTION, item.transaction_id)
        yield _draft(
            customer_id,
            _MOVEMENTS[item.kind],
            record,
            item.line_id,
            item.value_date,
            {"amount_minor": item.amount_minor},
            at=item.posted_at,
        )
    for loan in history.loans_closed:
        record = ids.to_text(ids.LOAN, loan.loan_id)
        yield _draft(
            customer_id, "loan_repaid", record, loan.line_id, loan.closed_on, {}, at=loan.posted_at
        )


def _of_instalments(customer_id: int, history: OwnHistory) -> Iterator[Draft]:
    for item in history.instalments:
        record = f"{ids.to_text(ids.LOAN, item.loan_id)}/{item.instalment_no}"
        facts = {"amount_minor": item.amount_minor, "grace_days": item.grace_days}
        yield _draft(customer_id, "instalment_due", record, item.line_id, item.due_date, facts)
        if item.settled_on is not None:
            yield _draft(
                customer_id,
                "instalment_settled",
                record,
                item.line_id,
                item.settled_on,
                {"amount_minor": item.amount_minor},
                at=item.settled_at,
            )


def _instant(day: date, at: datetime | None) -> datetime:
    """Return when on its day something happened; its beginning where it was posted on another."""
    begin = at_midnight(day)
    return at if at is not None and begin <= at < begin + timedelta(days=1) else begin


def _draft(
    customer_id: int,
    kind: str,
    record: str,
    line_id: int,
    day: date,
    facts: Mapping[str, Value],
    *,
    at: datetime | None = None,
) -> Draft:
    """Return an event of a day; posted at an instant, or brought by the calendar."""
    return Draft(
        customer_id=customer_id,
        kind=kind,
        source=SOURCE,
        source_record=record,
        line_id=line_id,
        purpose=PURPOSE,
        legal_basis=BASIS,
        consent_id=None,
        occurred_on=day,
        occurred_at=_instant(day, at),
        known_at=at or at_midnight(day),
        expires_at=None,
        facts=facts,
    )
