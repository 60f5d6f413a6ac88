"""Reads and writes what reviews of lines leave to people."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from counterfoil.decisioning.line_review.case import CaseStatus, ReviewCase, Ruling
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.decisioning.line_review", "desk_store.sql")
#: Cases of one line that a list shows.
LISTED_MAX: Final = 200
#: Before every case that waits.
FIRST: Final = (date.min, 0)


async def open_cases(connection: Connection, cases: Sequence[ReviewCase]) -> int:
    """Write new cases; a line that has an open one gets none. Return how many were new."""
    if not cases:
        return 0
    rows = await QUERIES.open_cases.fetch(
        connection,
        customer_ids=[item.customer_id for item in cases],
        case_ids=[item.case_id for item in cases],
        line_ids=[item.line_id for item in cases],
        review_ids=[item.review_id for item in cases],
        proposals=[",".join(item.proposals) for item in cases],
        opened_at=[item.opened_at for item in cases],
        due_on=[item.due_on for item in cases],
    )
    return len(rows)


async def lock_case(connection: Connection, *, customer_id: int, case_id: int) -> ReviewCase | None:
    """Return a case, locked for the rest of the transaction, or None."""
    row = await QUERIES.case_locked.fetchrow(connection, customer_id=customer_id, case_id=case_id)
    return None if row is None else _case(row)


async def change_case(connection: Connection, case: ReviewCase) -> None:
    """Write how a case moved on that was locked before."""
    await QUERIES.change_case.execute(
        connection,
        customer_id=case.customer_id,
        case_id=case.case_id,
        status=case.status.value,
        taken_by=case.taken_by,
        taken_at=case.taken_at,
        decision=None if case.decision is None else case.decision.value,
        to_minor=case.to_minor,
        decided_by=case.decided_by,
        agreed_by=case.agreed_by,
        reason=case.reason,
        decided_at=case.decided_at,
        measure_id=case.measure_id,
    )


async def cases_waiting(
    connection: Connection, *, page: int, after: tuple[date, int] = FIRST, is_back: bool = False
) -> list[ReviewCase]:
    """Return cases that wait for a person, the most urgent first."""
    rows = await QUERIES.cases_waiting.page(
        connection, page=page, is_back=is_back, after_due_on=after[0], after_case_id=after[1]
    )
    return [_case(row) for row in rows]


async def cases_of_line(
    connection: Connection, *, customer_id: int, line_id: int
) -> list[ReviewCase]:
    """Return the cases about one line, newest first."""
    rows = await QUERIES.cases_of_line.fetch(
        connection, customer_id=customer_id, line_id=line_id, page=LISTED_MAX
    )
    return [_case(row) for row in rows]


def _case(row: Row) -> ReviewCase:
    fields = dict(row)
    decision = fields["decision"]
    return ReviewCase(
        **fields
        | {
            "status": CaseStatus(fields["status"]),
            "proposals": tuple(fields["proposals"]),
            "decision": None if decision is None else Ruling(decision),
        }
    )
