"""One page of the books: everything that is stored about a range of customers, as it is.

A page is read under one snapshot and bounds what is held in memory.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

from counterfoil.decisioning import check_store as decisions
from counterfoil.decisioning.check_store import DecisionFacts
from counterfoil.decisioning.line_review.case_store import measures_of_range
from counterfoil.decisioning.line_review.measure import LineMeasure
from counterfoil.evidence import check_store as evidence
from counterfoil.evidence.checking import Leaf
from counterfoil.ledger import check_store as ledger
from counterfoil.ledger.store import Journal
from counterfoil.lending import check_store as lending
from counterfoil.lending import credit_store
from counterfoil.lending.account import CreditReturn
from counterfoil.lending.check_store import Booked, StoredEvent
from counterfoil.lending.checkpoint import Checkpoint
from counterfoil.lending.checkpoint_store import checkpoints_of_range
from counterfoil.lending.line import Line
from counterfoil.lending.loan import Due, Loan
from counterfoil.lending.paper_store import StoredSheet, sheets_of_range
from counterfoil.payments import check_store as payments
from counterfoil.payments.check_store import Payout, Receipt
from counterfoil.platform import recorded
from counterfoil.platform.database import Connection
from counterfoil.platform.recorded import Recorded
from counterfoil.privacy.vault import Vault

#: Customer and line, or customer and loan.
Key = tuple[int, int]

#: Identifiers end here; the last page has no other bound.
LAST_CUSTOMER: Final = 2**63 - 1

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What is stored about a range of customers."""

    lines: dict[Key, Line]
    loans: dict[Key, Loan]
    #: Keys of loans by customer.
    loans_of: dict[int, list[Key]]
    dues: dict[Key, list[Due]]
    #: By loan, in the order of their sequence.
    history: dict[Key, list[Booked]]
    #: By loan, in the order of their booking.
    checkpoints: dict[Key, list[Checkpoint]]
    events: dict[Key, list[StoredEvent]]
    #: Cost sheets by loan, in their order.
    sheets: dict[Key, list[StoredSheet]]
    #: By customer.
    journals: dict[int, list[Journal]]
    commands: dict[int, list[Recorded]]
    leaves: dict[int, list[Leaf]]
    #: Roots of the checkpoints that leaves name, base64, by their size.
    roots: dict[int, str]
    decisions: dict[int, list[DecisionFacts]]
    #: By customer.
    returns: dict[int, list[CreditReturn]]
    measures: list[LineMeasure]
    payouts: list[Payout]
    #: What came in for repayments, and was recalled.
    receipts: list[Receipt]
    #: Customer and reference of differences that people know of.
    known_differences: set[tuple[int, str]]


async def read_page(
    connection: Connection, vault: Vault | None, after: int, *, through: int
) -> Page:
    """Read everything about customers after one and up to another."""
    lines = await lending.lines_of_range(connection, after, through=through)
    loans = await lending.loans_of_range(connection, after, through=through)
    dues = await lending.dues_of_range(connection, after, through=through)
    history = await lending.transactions_of_range(connection, after, through=through)
    events = await lending.line_events_of_range(connection, after, through=through)
    leaves = await evidence.leaves_of_range(connection, vault, after, through=through)
    by_loan: defaultdict[Key, list[Due]] = defaultdict(list)
    for stored in dues:
        by_loan[stored.customer_id, stored.loan_id].append(stored.due)
    return Page(
        lines={(line.customer_id, line.line_id): line for line in lines},
        loans={(loan.customer_id, loan.loan_id): loan for loan in loans},
        loans_of=_keys_by_customer(loans),
        dues=by_loan,
        history=_grouped((b.customer_id, b.transaction.loan_id, b) for b in history),
        checkpoints=_grouped(await checkpoints_of_range(connection, after, through=through)),
        sheets=_grouped(
            (s.customer_id, s.loan_id, s)
            for s in await sheets_of_range(connection, after, through=through)
        ),
        events=_grouped((e.customer_id, e.line_id, e) for e in events),
        journals=_by_customer(await ledger.journals_of_range(connection, after, through=through)),
        commands=_by_customer(await recorded.commands_of_range(connection, after, through=through)),
        leaves=_by_customer(leaves),
        roots=await evidence.roots_known_to(connection, leaves),
        decisions=_by_customer(
            await decisions.decision_facts_of_range(connection, after, through=through)
        ),
        returns=_by_customer(
            await credit_store.returns_of_range(connection, after, through=through)
        ),
        measures=await measures_of_range(connection, after, through=through),
        payouts=await payments.payouts_of_range(connection, after, through=through),
        receipts=await payments.receipts_of_range(connection, after, through=through),
        known_differences=await payments.known_differences(connection, after, through=through),
    )


def _keys_by_customer(loans: Iterable[Loan]) -> dict[int, list[Key]]:
    keys: defaultdict[int, list[Key]] = defaultdict(list)
    for loan in loans:
        keys[loan.customer_id].append((loan.customer_id, loan.loan_id))
    return keys


def _grouped(rows: Iterable[tuple[int, int, Row]]) -> dict[Key, list[Row]]:
    groups: defaultdict[Key, list[Row]] = defaultdict(list)
    for customer_id, number, row in rows:
        groups[customer_id, number].append(row)
    return groups


def _by_customer(rows: Iterable[Row]) -> dict[int, list[Row]]:
    groups: defaultdict[int, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.customer_id].append(row)  # type: ignore[attr-defined]
    return groups
