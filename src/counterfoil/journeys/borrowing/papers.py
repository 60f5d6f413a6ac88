"""Papers of a loan, kept as they were given: cost sheets, and statements that a correction changed.

The way of a paper: a command is booked and tells of it; this reader of the outbox makes again what
the customer was shown, from the transactions alone, and keeps it with a leaf. Nothing is written
in the way of the command itself.

Invariant   The sheet of a drawdown is kept only if it has the hash that was agreed to. A month's
            statement is kept in versions: the first says what was known before a correction, the
            next what is known after it, with the reason and the difference.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

import orjson

from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.borrowing.statement_papers import (
    first_version,
    keep_statement,
    queue_corrected,
)
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.lending import paper_store as papers
from counterfoil.lending import sheet_change as changes
from counterfoil.lending import store as lending
from counterfoil.lending.cost import canonical, document_hash
from counterfoil.lending.loan import Loan
from counterfoil.lending.monthly_statement import (
    CORRECTING,
    LoanBook,
    difference,
    months_touched,
    statement_hash,
    statement_of,
)
from counterfoil.lending.paper_store import Noted, StoredSheet
from counterfoil.lending.sheet_change import CAUSES, change_by, changes_plan, signed_sheet
from counterfoil.platform.batches import QUERIES as PLATFORM
from counterfoil.platform.database import Connection
from counterfoil.platform.outbox import Consumer, Event

CONSUMER: Final = "loan_papers"
#: A drawdown was accepted: its sheet was agreed to.
DRAWN: Final = "payout_requested"
#: What may change a plan, or a month that has ended.
BOOKED: Final = (
    "repayment_booked",
    "repayment_reversed",
    "loan_replanned",
    "payout_returned",
    "line_repayment_day_set",
)
#: Told to whoever reports months to a bureau.
MONTHS_CORRECTED: Final = "loan_months_corrected"
#: More loans than a line ever has.
_LOANS_MAX: Final = 1_000


def papers_consumer(house: House) -> Consumer:
    """Return the reader of the outbox that keeps papers."""
    return Consumer(house.database, name=CONSUMER, kinds=[DRAWN, *BOOKED])


async def keep_papers(house: House, consumer: Consumer) -> int:
    """Keep the papers of the next page of events; return how many events were passed."""

    async def handle(connection: Connection, events: Sequence[Event]) -> None:
        for event in events:
            if event.kind == DRAWN:
                await _keep_signed(house, connection, event.customer_id, event.subject_id)
        instants = {(e.customer_id, e.created_at) for e in events if e.kind in BOOKED}
        booked = await papers.transactions_noted_at(connection, sorted(instants))
        for noted in booked:
            await _keep_changed(house, connection, noted)
        for correction in _corrections(booked):
            await _reissue(house, connection, correction)

    return await consumer.take(handle)


async def _keep_signed(
    house: House, connection: Connection, customer_id: int, loan_id: int
) -> None:
    loan = await lending.read_loan(connection, customer_id, loan_id)
    if loan is not None:
        await _keep_agreed(house, connection, loan)


async def keep_agreed_sheets(house: House, loans: Sequence[Loan]) -> None:
    """Keep the sheets that were agreed to with some loans, before their events are come to.

    The reader of the outbox comes to them later and finds them kept.
    """
    async with house.database.transaction() as connection:
        for loan in loans:
            await _keep_agreed(house, connection, loan)


async def _keep_agreed(house: House, connection: Connection, loan: Loan) -> None:
    """Keep the sheet that was agreed to with a drawdown; a sandbox may draw without one."""
    if loan.note_ref is None:
        return
    terms = house.catalogue.terms(loan.product_code, loan.product_version)
    document = signed_sheet(loan, terms)
    if document is None:
        return
    await _keep_sheet(
        house,
        connection,
        _sheet(loan, document, "drawdown", on=loan.requested_on, at=house.clock.now()),
    )


def _sheet(
    loan: Loan, document: dict[str, object], cause: str, *, on: date, at: datetime
) -> StoredSheet:
    text = canonical(document)
    assert loan.note_ref is not None, "whoever has a sheet has a note"
    return StoredSheet(
        customer_id=loan.customer_id,
        loan_id=loan.loan_id,
        sheet_no=0,
        cause=cause,
        transaction_id=None,
        language=loan.note_ref.rpartition("/")[2],
        read_ms=loan.sheet_read_ms,
        sheet=text.decode(),
        sheet_sha256=document_hash(document),
        before_sha256=None,
        difference=None,
        made_on=on,
        made_at=at,
    )


async def _keep_changed(house: House, connection: Connection, noted: Noted) -> None:
    """Keep what one transaction made of its loan's plan."""
    loan = await lending.read_loan(connection, noted.customer_id, noted.loan_id)
    assert loan is not None, "a transaction has a loan"
    booked = await lending.read_history(connection, noted.customer_id, noted.loan_id)
    (entry,) = (b for b in booked if b.transaction.transaction_id == noted.transaction_id)
    if changes_plan(entry.transaction) and loan.note_ref is not None:
        terms = house.catalogue.terms(loan.product_code, loan.product_version)
        history = [b.transaction for b in booked]
        on = noted.book_date
        change = change_by(loan, history, entry.transaction, on=on, terms=terms)
        if change is not None and change.after is not None:
            await _keep_change(house, connection, loan, noted, change)


async def _keep_change(
    house: House,
    connection: Connection,
    loan: Loan,
    noted: Noted,
    change: changes.SheetChange,
) -> None:
    assert change.after is not None
    if change.after.sheet_hash == change.before.sheet_hash:
        return
    made = _sheet(
        loan,
        change.after.document(),
        CAUSES[noted.kind],
        on=noted.book_date,
        at=house.clock.now(),
    )
    await _keep_sheet(
        house,
        connection,
        made._replace(
            transaction_id=noted.transaction_id,
            read_ms=None,
            before_sha256=change.before.sheet_hash,
            difference=orjson.dumps(changes.difference(change)).decode(),
        ),
    )


async def _keep_sheet(house: House, connection: Connection, sheet: StoredSheet) -> None:
    if not await papers.add_sheet(connection, sheet):
        return
    caused = sheet.transaction_id
    leaf = house.leaves.stage(
        sheet.customer_id,
        house.ids.next(),
        LeafType.CONTRACT,
        sheet.loan_id,
        {
            "kind": "cost_sheet",
            "loan_id": ids.to_text(ids.LOAN, sheet.loan_id),
            "cause": sheet.cause,
            "transaction_id": None if caused is None else ids.to_text(ids.TRANSACTION, caused),
            "sheet_sha256": sheet.sheet_sha256.hex(),
            "before_sha256": sheet.before_sha256.hex() if sheet.before_sha256 else None,
            "language": sheet.language,
            "read_ms": sheet.read_ms,
        },
    )
    await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])


# ---------------------------------------------------------------------------------- statements


class _Known(NamedTuple):
    """A line's loans as they were known before a correction, and with it."""

    before: list[LoanBook]
    after: list[LoanBook]


def _corrections(booked: Sequence[Noted]) -> list[list[Noted]]:
    """Return what reaches into ended months, a payment over several loans as one correction."""
    found: dict[tuple[int, int, str, int], list[Noted]] = {}
    for noted in booked:
        if noted.kind in CORRECTING and _month(noted.value_date) < _month(noted.book_date):
            number = noted.repayment_id or noted.transaction_id
            key = (noted.customer_id, noted.line_id, noted.kind, number)
            found.setdefault(key, []).append(noted)
    return list(found.values())


async def _reissue(house: House, connection: Connection, correction: Sequence[Noted]) -> None:
    """Give the ended months that a correction reaches into another version, where it differs."""
    known = await _known(house, connection, correction)
    noted = min(correction, key=lambda one: one.value_date)
    corrected = []
    for month in months_touched(noted.value_date, noted.book_date):
        before = statement_of(noted.line_id, known.before, month)
        after = statement_of(noted.line_id, known.after, month)
        if await _keep_version(house, connection, noted, month, before, after):
            corrected.append(month)
    if corrected:
        payload = {
            "line_id": ids.to_text(ids.LINE, noted.line_id),
            "months": [month.isoformat()[:7] for month in corrected],
            "transaction_id": ids.to_text(ids.TRANSACTION, noted.transaction_id),
            "reason": noted.kind,
        }
        row = (
            house.ids.next(),
            noted.customer_id,
            MONTHS_CORRECTED,
            noted.loan_id,
            orjson.dumps(payload).decode(),
            house.clock.now(),
        )
        await PLATFORM.add_events.execute(connection, rows=[row])


async def _known(house: House, connection: Connection, correction: Sequence[Noted]) -> _Known:
    known = _Known([], [])
    noted = correction[0]
    numbers = [one.transaction_id for one in correction]
    loans = await lending.read_loans_after(
        connection, customer_id=noted.customer_id, line_id=noted.line_id, page=_LOANS_MAX
    )
    for loan in loans:
        terms = house.catalogue.terms(loan.product_code, loan.product_version)
        booked = await lending.read_history(connection, loan.customer_id, loan.loan_id)
        history = [b.transaction for b in booked]
        earlier = [t for t in history if t.transaction_id < min(numbers)]
        until = [t for t in history if t.transaction_id <= max(numbers)]
        known.before.append(LoanBook(loan, earlier, terms))
        known.after.append(LoanBook(loan, until, terms))
    return known


async def _keep_version(
    house: House,
    connection: Connection,
    noted: Noted,
    month: date,
    before: dict[str, object],
    after: dict[str, object],
) -> bool:
    """Keep the next version of a month's statement; False where nothing of it changed."""
    stored = await papers.read_statements(connection, noted.customer_id, noted.line_id, month)
    latest = orjson.loads(stored[-1].statement) if stored else before
    if statement_hash(latest) == statement_hash(after):
        return False
    who = (noted.customer_id, noted.line_id, month)
    on, now = noted.book_date, house.clock.now()
    if not stored:
        first = first_version(*who, before, made_on=on, made_at=now)
        await keep_statement(house, connection, first)
    changed = first_version(*who, after, made_on=on, made_at=now)._replace(
        version_no=len(stored) + 1 if stored else 2,
        reason=noted.kind,
        cause_id=noted.transaction_id,
        difference=orjson.dumps(difference(latest, after)).decode(),
    )
    await keep_statement(house, connection, changed)
    line = await lending.read_line(connection, noted.customer_id, noted.line_id)
    assert line is not None, "lines are never removed"
    await queue_corrected(house, connection, changed, line.currency)
    return True


def _month(day: date) -> date:
    return day.replace(day=1)
