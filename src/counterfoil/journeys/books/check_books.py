"""Checking the books: everything that is derived is derived again and held against what is stored.

The way of a check: one snapshot of the whole database; page by page of customers, every loan is
folded again from its transactions, every movement gets its postings again, every answer its
commitment; then the sums of the pages are held against the general ledger and the latest close.

Invariant   Reads only. Commands go on meanwhile; the snapshot is of one moment.
Bounds      Memory for one page of customers, whatever the size of the book.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

from counterfoil.evidence.auditing import Audit
from counterfoil.journeys.books.caps import check_caps
from counterfoil.journeys.books.destroyed import check_destroyed_texts
from counterfoil.journeys.books.findings import Notes, Result
from counterfoil.journeys.books.loans import (
    check_lines,
    check_loans,
    check_references,
    check_versions,
)
from counterfoil.journeys.books.measures import check_measures
from counterfoil.journeys.books.movements import (
    check_commands,
    check_journal_form,
    check_journals,
    check_leaves,
    check_payouts,
)
from counterfoil.journeys.books.page import LAST_CUSTOMER, read_page
from counterfoil.journeys.books.papers import check_charges, check_sheets
from counterfoil.journeys.books.transfers import check_transfers
from counterfoil.journeys.deciding.recheck import recheck_decisions
from counterfoil.journeys.lines.replay_reviews import replay_reviews
from counterfoil.kernel import ids
from counterfoil.kernel.calendar import ONE_DAY
from counterfoil.kernel.errors import Refused
from counterfoil.kernel.money import E8, divide_half_up
from counterfoil.ledger import check_store as ledger
from counterfoil.ledger.chart import (
    COMMITMENT_HELD,
    CREDIT_RETURNING,
    CUSTOMER_CREDIT,
    FEE_RECEIVABLE,
    INTEREST_RECEIVABLE,
    LOAN_PRINCIPAL,
    PENALTY_RECEIVABLE,
)
from counterfoil.ledger.check_store import Balances
from counterfoil.ledger.store import HOUSE, BookKey
from counterfoil.lending import check_store as lending
from counterfoil.lending import closing_store as closing
from counterfoil.lending.catalogue import Catalogue
from counterfoil.lending.closing_store import LineSums
from counterfoil.payments import check_store as payments
from counterfoil.platform.batches import QUERIES as PLATFORM
from counterfoil.platform.database import Connection, Database
from counterfoil.privacy.correction_store import keys_left
from counterfoil.privacy.erasure_store import count_erased
from counterfoil.privacy.vault import Vault

#: Customers of one page: some thousands of rows, quick to read and small to hold.
PAGE_CUSTOMERS: Final = 1_000
#: Journals of the house's own read at a time.
PAGE_JOURNALS: Final = 5_000
#: Journals of nobody in particular: what the book earned in a day, and what rails asked.
HOUSE_KINDS: Final = frozenset(
    {
        *("accrual", "promotion_claim", "promotion_payment", "rail_fee", "receipt_unplaced"),
        "recall_claim",
    }
)
#: Wrong sums of dates that are listed.
PAGE_SUMS: Final = 200

#: Every check there is, in the order of the report.
CHECKS: Final = (
    "references",
    "loan_state",
    "loan_instalments",
    "loan_checkpoints",
    "transaction_parts",
    "line_sums",
    "line_versions",
    "line_measures",
    "rule_caps",
    "journal_balance",
    "journal_per_movement",
    "commands",
    "evidence_leaves",
    "evidence_log",
    "decisions",
    "payouts",
    "payout_amounts",
    "transfers",
    "ledger_to_loans",
    "cost_sheets",
    "charges",
    "receivables",
    "accrual_day",
    "line_day",
    "day_balances",
    "destroyed_keys",
)

Tell = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class BookCheck:
    """What checking the books found."""

    business_date: date | None
    checks: dict[str, Result]

    @property
    def ok(self) -> bool:
        """Return whether nothing is wrong."""
        return all(result.ok for result in self.checks.values())

    def document(self) -> dict[str, object]:
        """Return the report as programs read it."""
        return {
            "ok": self.ok,
            "checks": {
                name: {
                    "ok": result.ok,
                    "examined": result.examined,
                    "exceptions": result.exceptions,
                    "exceptions_count": result.exceptions_count,
                }
                for name, result in self.checks.items()
            },
        }


async def check_books(
    database: Database,
    catalogue: Catalogue,
    *,
    vault: Vault | None = None,
    tell: Tell | None = None,
) -> BookCheck:
    """Check everything under one snapshot; `tell` hears of each page of customers.

    Without the vault numbered leaves stay closed: they are paired with what they stand for, but
    what they commit to is not computed again.
    """
    async with (
        database.connection() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),  # type: ignore[call-arg]
    ):
        notes = await _notes(connection, catalogue)
        if notes is None:
            return BookCheck(business_date=None, checks={name: Result() for name in CHECKS})
        await _check_pages(connection, notes, vault, tell)
        await _check_log(connection, notes)
        await _check_decisions(connection, notes)
        await _check_house(connection, notes)
        await _check_receipts(connection, notes)
        await _check_ledger(connection, notes)
        await _check_accrual(connection, notes)
        await _check_line_day(connection, notes)
        await _check_day_balances(connection, notes)
        await _check_destroyed_keys(connection, notes)
    checks = {name: notes.results[name] for name in CHECKS}
    assert len(checks) == len(notes.results), "a check is not in the report"
    return BookCheck(business_date=notes.business_date, checks=checks)


async def _notes(connection: Connection, catalogue: Catalogue) -> Notes | None:
    """Return empty notes; None where the calendar was never started, so that nothing happened."""
    business_date: date | None = await PLATFORM.business_date.fetchval(connection)
    if business_date is None:
        return None
    return Notes(
        catalogue=catalogue,
        business_date=business_date,
        is_closing=await closing.unfinished(connection) is not None,
        accrued=await lending.last_accrual(connection),
    )


async def _check_pages(
    connection: Connection, notes: Notes, vault: Vault | None, tell: Tell | None
) -> None:
    after = HOUSE
    while after < LAST_CUSTOMER:
        bound = await lending.customers_bound(connection, after=after, page=PAGE_CUSTOMERS)
        through = LAST_CUSTOMER if bound is None else bound
        page = await read_page(connection, vault, after, through=through)
        for check in (
            check_references,
            check_loans,
            check_lines,
            check_versions,
            check_measures,
            check_caps,
            check_journals,
            check_commands,
            check_leaves,
            check_payouts,
            check_transfers,
            check_sheets,
            check_charges,
        ):
            check(page, notes)
        if tell is not None:
            tell(len(page.lines))
        after = through


async def _check_log(connection: Connection, notes: Notes) -> None:
    """Compute the log again from its leaves: tiles, roots, and what was signed of them."""
    result = notes.results["evidence_log"]
    audit = Audit(connection)
    async for fault in audit.faults():
        result.note("log", fault)
    result.examined = audit.examined


async def _check_decisions(connection: Connection, notes: Notes) -> None:
    """Decide every case again by the policy of its record, to the same answer."""
    result = notes.results["decisions"]
    again = await recheck_decisions(connection, notes.catalogue)
    result.examined += again.examined
    for finding in again.findings:
        result.note(ids.to_text(ids.APPLICATION, finding.application_id), finding.what)
    reviews = await replay_reviews(connection, notes.catalogue)
    assert not isinstance(reviews, Refused), "all of them were asked for"
    result.examined += reviews.examined
    for one in reviews.findings:
        what = f"made again it differs: {one.cause}, {', '.join(one.differences)}"
        result.note(ids.to_text(ids.LINE_REVIEW, one.review_id), what)


async def _check_house(connection: Connection, notes: Notes) -> None:
    """Check that the house's own journals are of kinds that belong to no loan."""
    after = -1
    result = notes.results["journal_per_movement"]
    while True:
        journals = await ledger.house_journals(
            connection, after_journal_id=after, page=PAGE_JOURNALS
        )
        if not journals:
            return
        check_journal_form(journals, notes)
        for journal in journals:
            result.examined += 1
            if journal.loan_id is not None or journal.transaction_id is not None:
                result.note(f"journal {journal.journal_id}", "belongs to the house and to a loan")
            elif journal.kind not in HOUSE_KINDS:
                result.note(f"journal {journal.journal_id}", f"{journal.kind} of nobody")
        after = journals[-1].journal_id


async def _check_receipts(connection: Connection, notes: Notes) -> None:
    """Look for money that is booked by a line's or loan's reference, and as nobody's repayment."""
    for key in await payments.receipts_without_repayment(connection, page=PAGE_SUMS):
        notes.results["transfers"].note(str(key), "is booked, and as nobody's repayment")


async def _check_ledger(connection: Connection, notes: Notes) -> None:
    """Hold the general ledger against what lines and loans come to, book by book."""
    balances = await ledger.balances(connection)
    for book in {*notes.sums, *(book for book, _ in balances)}:
        sums = notes.sums[book]
        _compare(
            notes.results["ledger_to_loans"],
            book,
            balances,
            {
                LOAN_PRINCIPAL: sums.principal_minor,
                CUSTOMER_CREDIT: -sums.credit_minor,
                CREDIT_RETURNING: -sums.returning_minor,
                COMMITMENT_HELD: sums.held_minor,
            },
        )


async def _check_accrual(connection: Connection, notes: Notes) -> None:
    """Hold what the latest close booked and kept against what the loans had earned by then."""
    if notes.accrued is None:
        notes.results["receivables"] = notes.results["accrual_day"] = Result()
        return
    cut, day = notes.accrued, notes.accrued.day
    balances = await ledger.balances_at_close(
        connection, day, seen_before=cut.surely_seen_before, snapshot=cut.snapshot
    )
    for book in {*notes.sums, *(book for book, _ in balances)}:
        sums = notes.sums[book]
        _compare(
            notes.results["receivables"],
            book,
            balances,
            {
                INTEREST_RECEIVABLE: divide_half_up(sums.interest_e8, E8),
                PENALTY_RECEIVABLE: divide_half_up(sums.penalty_e8, E8),
                FEE_RECEIVABLE: sums.fee_minor,
            },
        )
    await _check_accrual_day(connection, notes, day)


async def _check_accrual_day(connection: Connection, notes: Notes, day: date) -> None:
    result = notes.results["accrual_day"]
    kept = {
        ((row.lender_id, row.product_code, row.currency), row.bucket): [*row[4:]]
        for row in await lending.accrual_of_day(connection, day)
    }
    for book, bucket in sorted(kept.keys() | notes.buckets.keys()):
        result.examined += 1
        has, made = kept.get((book, bucket)), notes.buckets.get((book, bucket))
        if has != made:
            subject = f"{day} {'/'.join(book)} bucket {bucket}"
            result.note(subject, f"kept {has}, the loans make it {made}")


async def _check_line_day(connection: Connection, notes: Notes) -> None:
    """Hold the sums of lines that closes kept against those of loans, and the last against lines.

    Lines on which something happened since are not what they were: of a book that has such lines,
    the others alone must lie within what was kept.
    """
    result = notes.results["line_day"]
    result.examined = await lending.line_days_count(connection)
    for row in await lending.line_days_off_loans(connection, page=PAGE_SUMS):
        book = "/".join((row["lender_id"], row["product_code"], row["currency"]))
        what = f"lines owe {row['principal_minor']}, loans {row['loans_principal_minor']}"
        result.note(f"{row['business_date']} {book}", what)
    # By the day that was closed a line is blocked or not; a close under way has moved it.
    if notes.accrued is None or notes.business_date != notes.accrued.day + ONE_DAY:
        return
    day = notes.accrued.day
    kept = {row[:3]: row for row in await lending.line_day(connection, day)}
    for rest, touched in await lending.lines_at_rest(connection, day) if result.examined else ():
        has = kept.pop(rest[:3], None)
        if not _is_sum_of_lines(has, rest, touched):
            what = f"kept {has and has[3:]}, {rest[3:]} without {touched} lines that changed since"
            result.note(f"{day} {'/'.join(rest[:3])}", what)
    for left in kept:
        result.note(f"{day} {'/'.join(left)}", "sums of lines that do not exist")


def _is_sum_of_lines(kept: LineSums | None, rest: LineSums, touched: int) -> bool:
    """Return whether what was kept of a day's lines can be: `rest` of them have not changed since.

    Where none changed it is the same; else it is no less in any figure, and not of more lines.
    """
    if kept is None:
        return rest.lines == 0
    if touched == 0:
        return kept == rest
    least = all(has >= made for has, made in zip(kept[3:], rest[3:], strict=True))
    return least and kept.lines <= rest.lines + touched


async def _check_day_balances(connection: Connection, notes: Notes) -> None:
    """Sum up the journals of closed dates again."""
    result = notes.results["day_balances"]
    result.examined, last_date = await ledger.summed_days(connection)
    done = notes.accrued.day if notes.accrued and not notes.is_closing else last_date
    if done is None:
        return
    for row in await ledger.wrong_day_balances(connection, done, page=PAGE_SUMS):
        what = (
            f"kept {row['debit_minor']}/{row['credit_minor']} of {row['journals']}, posted "
            f"{row['posted_debit_minor']}/{row['posted_credit_minor']} of {row['posted_journals']}"
        )
        result.note(f"{row['book_date']} account {row['account']}", what)


def _compare(result: Result, book: BookKey, balances: Balances, expected: dict[int, int]) -> None:
    for account, made in expected.items():
        result.examined += 1
        has = balances.get((book, account), 0)
        if has != made:
            subject = f"{'/'.join(book)} account {account}"
            result.note(subject, f"stands at {has}, lines and loans make it {made}")


async def _check_destroyed_keys(connection: Connection, notes: Notes) -> None:
    """Look for keys of data that was erased: with one left, its ciphertext can still be opened."""
    result = notes.results["destroyed_keys"]
    result.examined += await count_erased(connection)
    await check_destroyed_texts(connection, result)
    for left in await keys_left(connection):
        subject = ids.to_text(ids.CUSTOMER, left.customer_id)
        result.note(subject, f"{left.data_class} was erased, its key for {left.purpose} is there")
