"""From a report or a balance back to the rows behind it, and to what made a figure of them.

Rows        Every row behind is named by its key, and all of them by one digest: the same digest and
            the same transformation give the same figures.
Made by     The named queries with the SHA-256 of their text and the relations that they read, and
            the version of the program. A changed query is another transformation.
Balance     Of a ledger account the journals are added up beside, and have to give the balance.
Onward      From an application to what its decision read goes `feature_lineage`; from a journal to
            its transaction the ledger itself.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Any, Final

from counterfoil import __version__
from counterfoil.decisioning import funnel_store, inclusion_store, lineage_store
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.kernel.calendar import ONE_DAY
from counterfoil.ledger import store as ledger
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Query

#: Rows that a lineage names one by one; all of them are in the digest.
ROWS_SHOWN: Final = 1_000
_PAGE: Final = 5_000
_READS: Final = re.compile(r"\b(?:FROM|JOIN)\s+([a-z_]+\.[a-z_]+)")


class Report(StrEnum):
    """A report that can be followed back."""

    FUNNEL = "funnel"
    INCLUSION = "inclusion"


_QUERIES: Final = {
    Report.FUNNEL: (
        funnel_store.QUERIES.stages,
        funnel_store.QUERIES.step_times,
        funnel_store.QUERIES.referred_verdicts,
        funnel_store.QUERIES.sources,
    ),
    Report.INCLUSION: (
        inclusion_store.QUERIES.inclusion,
        inclusion_store.QUERIES.inclusion_segments,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The rows behind a figure."""

    count: int
    #: SHA-256 over the keys of all rows in their order, a line each.
    sha256: str
    #: The first `ROWS_SHOWN` keys.
    shown: Sequence[str]


async def lineage_of_report(
    house: House, report: Report, *, first_date: date, last_date: date
) -> dict[str, Any]:
    """Return the applications behind a report on those received from one date to another, UTC."""
    span = (
        datetime.combine(first_date, time(), UTC),
        datetime.combine(last_date + ONE_DAY, time(), UTC),
    )
    async with house.database.transaction() as connection:
        sources = await _gathered(_applications(connection, span))
    return {
        "report": report.value,
        "first_date": first_date.isoformat(),
        "last_date": last_date.isoformat(),
        **_made(house, _QUERIES[report], sources),
    }


async def lineage_of_balance(
    house: House, account: int, *, first_date: date, last_date: date
) -> dict[str, Any]:
    """Return the journals behind what was posted to an account on the dates of a span.

    `debit_minor` and `credit_minor` are added up from the journals, all lenders and currencies.
    """
    totals = {"debit_minor": 0, "credit_minor": 0}
    async with house.database.transaction() as connection:
        sources = await _gathered(_journals(connection, account, (first_date, last_date), totals))
    return {
        "account": account,
        "first_date": first_date.isoformat(),
        "last_date": last_date.isoformat(),
        **totals,
        **_made(house, (ledger.QUERIES.trial_balance, ledger.QUERIES.journals_of_account), sources),
    }


async def _applications(
    connection: Connection, span: tuple[datetime, datetime]
) -> AsyncIterator[str]:
    after = (0, 0)
    while True:
        page = await lineage_store.applications_behind(connection, span, after=after, page=_PAGE)
        for row in page:
            number = ids.to_text(ids.APPLICATION, row.application_id)
            yield f"{number}/{row.decision_no or 0} {row.policy_hash or '-'}"
        if len(page) < _PAGE:
            return
        after = (page[-1].customer_id, page[-1].application_id)


async def _journals(
    connection: Connection, account: int, span: tuple[date, date], totals: dict[str, int]
) -> AsyncIterator[str]:
    after = (0, 0)
    while True:
        page = await ledger.journals_of_account(connection, account, span, after=after, page=_PAGE)
        for journal in page:
            posted = [
                amount
                for posted_to, amount in zip(journal.accounts, journal.amounts, strict=True)
                if posted_to == account
            ]
            totals["debit_minor"] += sum(amount for amount in posted if amount > 0)
            totals["credit_minor"] -= sum(amount for amount in posted if amount < 0)
            yield ids.to_text(ids.JOURNAL, journal.journal_id)
        if len(page) < _PAGE:
            return
        after = (page[-1].journal_id, page[-1].customer_id)


async def _gathered(keys: AsyncIterator[str]) -> Sources:
    digest, count = hashlib.sha256(), 0
    shown: list[str] = []
    async for key in keys:
        digest.update(f"{key}\n".encode())
        count += 1
        if count <= ROWS_SHOWN:
            shown.append(key)
    return Sources(count=count, sha256=digest.hexdigest(), shown=shown)


def _made(house: House, queries: Sequence[Query], sources: Sources) -> dict[str, Any]:
    """Return by what a figure was made, of which rows, and when."""
    return {
        "made_at": house.clock.now().isoformat(),
        "program": __version__,
        "queries": [
            {
                "name": query.name,
                "sha256": hashlib.sha256(query.sql.encode()).hexdigest(),
                "reads": sorted(set(_READS.findall(query.sql))),
            }
            for query in queries
        ],
        "rows": {"count": sources.count, "sha256": sources.sha256, "shown": list(sources.shown)},
    }
