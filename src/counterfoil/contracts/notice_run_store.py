"""Reads and writes notices to all lines of a product; over named queries."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.contracts", "notice_run_store.sql")
#: Acts that a list shows unless told otherwise.
RUNS_LISTED: Final = 100
#: Beyond every number, where a list begins that has the newest first.
NEWEST: Final = 2**63 - 1
_ADDED: Final = (
    "run_id", "payload_sha256", "product_code", "of_version", "effective_on", "product_version",
    "rate_daily_e8", "reason", "asked_by", "approved_by", "approval_id", "started_at",
    "lines_before",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRun:
    """Notices to all lines of a product, as two people agreed to them."""

    run_id: int
    #: SHA-256 of what was agreed to.
    payload_sha256: bytes
    product_code: str
    #: Lines under this version alone; None for all lines of the product.
    of_version: int | None
    #: The day from which it holds for new drawings.
    effective_on: date
    #: What is offered; None leaves it as each line has it.
    product_version: int | None
    #: Daily price, 1e-8.
    rate_daily_e8: int | None
    reason: str
    asked_by: str
    approved_by: str
    approval_id: int
    started_at: datetime
    #: Lines to look at when it began.
    lines_before: int
    #: Lines to look at when it ended; None while it is under way.
    lines_after: int | None = None
    finished_at: datetime | None = None
    #: The last line looked at: customer and line.
    done_customer_id: int = 0
    done_line_id: int = 0


async def add_run(connection: Connection, run: NoticeRun) -> None:
    """Write an act that two people agreed to."""
    await QUERIES.add_run.execute(connection, **{name: getattr(run, name) for name in _ADDED})


async def read_runs(
    connection: Connection,
    *,
    payload_sha256: bytes | None = None,
    is_unfinished: bool = False,
    page: int = RUNS_LISTED,
    before: int = NEWEST,
    is_back: bool = False,
) -> list[NoticeRun]:
    """Return a page of acts, newest first."""
    rows = await QUERIES.runs.page(
        connection,
        payload_sha256=payload_sha256,
        is_unfinished=is_unfinished,
        page=page,
        before=before,
        is_back=is_back,
    )
    return [NoticeRun(**dict(row)) for row in rows]


async def read_outcomes(connection: Connection, run_id: int) -> tuple[int, dict[str, int]]:
    """Return how many lines were given notice, and how many passed over by code."""
    rows = await QUERIES.outcomes.fetch(connection, run_id=run_id)
    found = {row["passed_over"]: row["lines_count"] for row in rows}
    return found.pop(None, 0), found


async def hold_line(connection: Connection, key: tuple[int, int]) -> None:
    """Let nobody else look at a line, customer and line, until the transaction ends."""
    await QUERIES.hold_line.fetch(connection, customer_id=key[0], line_id=key[1])


async def is_looked_at(connection: Connection, run_id: int, key: tuple[int, int]) -> bool:
    """Tell whether a line has its outcome."""
    found: bool = await QUERIES.is_looked_at.fetchval(
        connection, run_id=run_id, customer_id=key[0], line_id=key[1]
    )
    return found


async def add_outcome(
    connection: Connection,
    run_id: int,
    key: tuple[int, int],
    *,
    contract_id: int | None = None,
    passed_over: str | None = None,
) -> None:
    """Write what became of a line: a contract, or the code for which it was passed over."""
    await QUERIES.add_outcome.execute(
        connection,
        run_id=run_id,
        customer_id=key[0],
        line_id=key[1],
        contract_id=contract_id,
        passed_over=passed_over,
    )


async def move_on(connection: Connection, run_id: int, key: tuple[int, int]) -> None:
    """Note that every line up to a key has its outcome."""
    await QUERIES.move_on.execute(
        connection, run_id=run_id, done_customer_id=key[0], done_line_id=key[1]
    )


async def finish(connection: Connection, run_id: int, *, lines_after: int, at: datetime) -> bool:
    """Note that every line was looked at; tell whether nobody noted it before."""
    value = await QUERIES.finish.fetchval(
        connection, run_id=run_id, lines_after=lines_after, finished_at=at
    )
    return value is not None
