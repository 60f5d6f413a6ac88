"""Closing the day: the only way in which the business date moves.

The way of a day: cut off, so that later commands belong to the next date; end offers,
applications and consents that waited too long; let happen what falls on the date (instalments
fall due, grace ends, buckets change) on the loans that have something; review the lines that are
due; book what the whole book earned; sum up the ledger; mark the day as closed.

Invariant   Each step is done once and the order is fixed. A close that was killed goes on where
            it stopped; missed days are caught up in order and give what closing in time would
            have given. Commands go on while the close runs.
Cost        Grows with the loans on which something happens; the book itself is summed up by two
            aggregates, one of loans and one of lines.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple, Protocol

from counterfoil.journeys.affording.forget_statements import erase_expired_statements
from counterfoil.journeys.applying.expire import expire_applications
from counterfoil.journeys.books.keep_checkpoints import keep_checkpoints
from counterfoil.journeys.borrowing.promotion_claims import book_claims
from counterfoil.journeys.borrowing.promotions import settle_promotions
from counterfoil.journeys.consenting.consent import expire_consents
from counterfoil.journeys.counter import LineDesk, settle_directly
from counterfoil.journeys.guarding.end_purposes import end_relationships, end_reports
from counterfoil.journeys.guarding.forget_templates import forget_expired_templates
from counterfoil.journeys.house import House
from counterfoil.journeys.inquiring.forget_reports import erase_expired_reports
from counterfoil.journeys.lines.line_reviewing import review_due_lines
from counterfoil.journeys.purchasing.scenes import stop_scenes
from counterfoil.kernel.calendar import ONE_DAY
from counterfoil.kernel.clock import Clock
from counterfoil.kernel.errors import RefusedError, refuse
from counterfoil.kernel.ids import IdSource
from counterfoil.kernel.money import round_half_up_e8
from counterfoil.ledger import posting
from counterfoil.ledger import store as ledger
from counterfoil.ledger.chart import FEE_RECEIVABLE, INTEREST_RECEIVABLE, PENALTY_RECEIVABLE
from counterfoil.lending import closing_store as closing
from counterfoil.lending import refusals
from counterfoil.lending import store as lending
from counterfoil.lending.closing_store import Receivable, Step
from counterfoil.lending.commands import AdvanceLoans
from counterfoil.lending.review_store import mark_late
from counterfoil.platform.batches import QUERIES as PLATFORM
from counterfoil.platform.batches import StateChangedError
from counterfoil.platform.database import Connection, Database
from counterfoil.platform.read_acts import Door, reading_as

CUT_OFF: Final = "cut_off"
OFFERS: Final = "offers"
EVENTS: Final = "events"
REVIEWS: Final = "reviews"
ACCRUAL: Final = "accrual"
LEDGER: Final = "ledger"
FINISHED: Final = "finished"

#: Keys read at a time; a key is two integers, so this bounds memory, not the number of loans.
KEYS_PAGE: Final = 20_000
#: Lines written by one statement.
LINES_PAGE: Final = 1_000
#: Statements under way at once: one is decided while another is written.
WRITERS: Final = 2
#: Times a page is loaded again because customers' commands were faster.
COLLISIONS_MAX: Final = 20

Progress = Callable[[date, str, int], None]


class Process(Protocol):
    """What closing needs of the running process."""

    @property
    def database(self) -> Database:
        """Return the database."""
        ...

    @property
    def clock(self) -> Clock:
        """Return the wall clock."""
        ...

    @property
    def ids(self) -> IdSource:
        """Return the source of identifiers."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DayReport:
    """What closing one day did."""

    business_date: date
    #: Lines on which something happened.
    lines_touched: int
    #: Open loans whose day is closed.
    loans_covered: int
    interest_minor: int
    penalty_minor: int
    #: The lender's fees that fell due, less what corrections took back.
    fee_minor: int
    #: Offers and applications that waited too long.
    applications_expired: int


async def close_day(
    house: House, *, to: date | None = None, progress: Progress | None = None
) -> list[DayReport]:
    """Close days until the business date is `to`; by default one day.

    A day whose close was interrupted is finished first. Raises ValueError where `to` lies before
    the business date: it never moves back; and RefusedError where another process is closing.
    """
    with reading_as(Door.JOBS, "close_day"):
        async with _alone(house):
            return await _close_until(house, to, progress or _silent)


@asynccontextmanager
async def _alone(house: House) -> AsyncIterator[None]:
    """Keep every other process from closing meanwhile; a lost process loses its hold."""
    async with house.database.dedicated({}) as connection:
        if not await PLATFORM.hold_close.fetchval(connection):
            raise RefusedError(refuse(refusals.CLOSE_IN_PROGRESS))
        yield


async def _close_until(house: House, to: date | None, tell: Progress) -> list[DayReport]:
    """Finish a close that was interrupted, then close day after day."""
    reports = []
    async with house.database.connection() as connection:
        begun = await closing.unfinished(connection)
        present = await PLATFORM.business_date.fetchval(connection)
    if begun is not None:
        reports.append(await _close(house, begun, tell))
        if to is None:
            return reports
    target = to if to is not None else present + ONE_DAY
    if target < present:
        raise ValueError(f"the business date is {present} and never moves back to {target}")
    while present < target:
        reports.append(await _close(house, present, tell))
        present += ONE_DAY
    return reports


async def _close(house: House, day: date, tell: Progress) -> DayReport:
    """Close one day, or finish closing it."""
    async with house.database.connection() as connection:
        done = await closing.steps(connection, day)
    if CUT_OFF not in done:
        await _cut_off(house, day)
    house.counter.engine.forget_business_date()
    expired = await _offers(house, day, done.get(OFFERS))
    tell(day, OFFERS, expired)
    # By the real clock, not by the day that is closed; a second time finds nothing to do.
    await expire_consents(house)
    await end_reports(house, day)
    await erase_expired_reports(house)
    await erase_expired_statements(house)
    await forget_expired_templates(house)
    await stop_scenes(house)
    await settle_promotions(house)
    touched = await _events(house, house.counter.desk, day, tell, done.get(EVENTS))
    if REVIEWS not in done:
        await _reviews(house, day, tell)
    covered, income = await _accrual(house, day, done.get(ACCRUAL))
    tell(day, ACCRUAL, covered)
    if LEDGER not in done:
        await _sum_up(house, day)
    await end_relationships(house, day)
    async with house.database.transaction() as connection:
        await _mark(connection, house.clock.now(), day, FINISHED, covered, touched)
    tell(day, FINISHED, covered)
    return DayReport(
        business_date=day,
        lines_touched=touched,
        loans_covered=covered,
        interest_minor=income.interest_minor,
        penalty_minor=income.penalty_minor,
        fee_minor=income.fee_minor,
        applications_expired=expired,
    )


async def _cut_off(house: Process, day: date) -> None:
    """Move the business date; commands under way finish on the old one or start again."""
    async with house.database.transaction() as connection:
        await PLATFORM.lock_business_date.execute(connection)
        now = house.clock.now()
        moved = await PLATFORM.move_business_date.execute(
            connection, business_date=day, next_date=day + ONE_DAY, moved_at=now
        )
        if moved:
            await _mark(connection, now, day, CUT_OFF)


async def _offers(house: House, day: date, before: Step | None) -> int:
    """End what was offered, or waited, until a day before the one that begins."""
    expired = before.touched if before else 0
    if before is not None and before.finished_at is not None:
        return expired
    while True:
        async with house.database.transaction() as connection:
            ended = await expire_applications(house, connection, on=day + ONE_DAY)
            now = house.clock.now()
            finished_at = now if not ended else None
            step = Step(day, OFFERS, now, finished_at, ended, ended, None)
            await closing.put_step(connection, step)
        expired += ended
        if not ended:
            return expired


async def _events(
    house: Process, desk: LineDesk, day: date, tell: Progress, before: Step | None
) -> int:
    """Let happen on every loan what falls on the day that begins."""
    on = day + ONE_DAY
    touched = before.touched if before else 0
    if before is not None and before.finished_at is not None:
        return touched
    while True:
        async with house.database.connection() as connection:
            keys = await lending.lines_with_something_due(
                connection, business_date=on, page=KEYS_PAGE
            )
        if not keys:
            break
        pages = asyncio.Queue[list[lending.LineKey]]()
        for start in range(0, len(keys), LINES_PAGE):
            pages.put_nowait(keys[start : start + LINES_PAGE])
        writers = [_advance_pages(house, desk, pages, on) for _ in range(WRITERS)]
        touched += sum(await asyncio.gather(*writers))
        tell(day, EVENTS, touched)
    async with house.database.transaction() as connection:
        await _mark(connection, house.clock.now(), day, EVENTS, touched, touched)
    return touched


async def _reviews(house: House, day: date, tell: Progress) -> None:
    """Review the lines that are due on the day that begins; a second time finds none."""
    report = await review_due_lines(house, on=day + ONE_DAY)
    tell(day, REVIEWS, report.reviews)
    async with house.database.transaction() as connection:
        count = report.carried_out
        await _mark(connection, house.clock.now(), day, REVIEWS, report.reviews, count)


async def _advance_pages(
    house: Process, desk: LineDesk, pages: "asyncio.Queue[list[lending.LineKey]]", on: date
) -> int:
    touched = 0
    async with house.database.connection() as connection:
        while not pages.empty():
            touched += await _advance_page(desk, connection, pages.get_nowait(), on)
    return touched


async def _advance_page(
    desk: LineDesk, connection: Connection, keys: list[lending.LineKey], on: date
) -> int:
    """Advance the loans of a page of lines; load again where a customer was faster.

    What is newly late today is marked for review first, so that a killed close loses no mark.
    """
    await mark_late(connection, keys, on)
    batch = [AdvanceLoans(customer_id=customer, line_id=line) for customer, line in keys]
    for _ in range(COLLISIONS_MAX):
        try:
            decided, accounts = await settle_directly(desk, connection, batch, on)
        except StateChangedError:
            continue
        await keep_checkpoints(connection, desk.catalogue, accounts, on)
        return sum(1 for done in decided if done.outcome.answer["touched"])
    raise StateChangedError(f"{len(keys)} lines kept changing while the day was closed")


class _Income(NamedTuple):
    """What a day earned, minor units."""

    interest_minor: int = 0
    penalty_minor: int = 0
    fee_minor: int = 0


async def _accrual(house: Process, day: date, before: Step | None) -> tuple[int, _Income]:
    """Book what the whole book earned on a day: what is receivable less what the books show.

    Interest is known exactly for every loan at any time, so the day's income of a book is the
    rounded sum of what its loans have earned and not been paid, minus the balance of the account.
    Whatever was paid, reversed or folded again meanwhile is in both figures and cancels out.
    """
    if before is not None and before.detail is not None:
        sums, _, _ = before.detail.partition("@")
        return before.examined, _Income(*(int(text) for text in sums.split()))
    async with house.database.connection() as connection:
        await ledger.index_dates(connection)
    async with (
        house.database.connection() as connection,
        connection.transaction(isolation="repeatable_read"),  # type: ignore[call-arg]
    ):
        figures = await closing.receivables(connection, day + ONE_DAY)
        balances = await ledger.receivable_balances(connection)
        journals, income = _income(house.ids, figures, balances)
        now = house.clock.now()
        await closing.keep_accrual_day(connection, day, figures)
        await closing.keep_line_day(connection, day, await closing.line_sums(connection))
        await ledger.add_house_journals(connection, journals, book_date=day, posted_at=now)
        covered = sum(figure.loans for figure in figures)
        # By its snapshot a later check tells what this sum had seen: commands went on meanwhile.
        detail = f"{' '.join(map(str, income))}@{await closing.snapshot(connection)}"
        await _mark(connection, now, day, ACCRUAL, covered, 0, detail)
    return covered, income


def _income(
    ids: IdSource,
    figures: list[Receivable],
    balances: dict[tuple[ledger.BookKey, int], int],
) -> tuple[list[tuple[int, ledger.BookKey, str, posting.Postings]], _Income]:
    """Return the journals of the day's income, and its sums."""
    earned: dict[ledger.BookKey, list[int]] = {}
    for figure in figures:
        book = (figure.lender_id, figure.product_code, figure.currency)
        sums = earned.setdefault(book, [0, 0, 0])
        sums[0] += figure.interest_e8
        sums[1] += figure.penalty_e8
        sums[2] += figure.fee_minor
    for book, _ in balances:
        earned.setdefault(book, [0, 0, 0])
    journals, total = [], _Income()
    for book in sorted(earned):
        interest_e8, penalty_e8, fee = earned[book]
        income = _Income(
            round_half_up_e8(interest_e8) - balances.get((book, INTEREST_RECEIVABLE), 0),
            round_half_up_e8(penalty_e8) - balances.get((book, PENALTY_RECEIVABLE), 0),
            fee - balances.get((book, FEE_RECEIVABLE), 0),
        )
        postings = posting.accrual(**income._asdict())
        if postings.accounts:
            journals.append((ids.next(), book, "accrual", postings))
        total = _Income(*(a + b for a, b in zip(total, income, strict=True)))
    return journals, total


async def _sum_up(house: Process, day: date) -> None:
    """Book what funders of promotions owe, and sum up the ledger of the closed date."""
    async with house.database.transaction() as connection:
        await book_claims(connection, house.ids, day, posted_at=house.clock.now())
        await ledger.sum_up_day(connection, day)
        await _mark(connection, house.clock.now(), day, LEDGER)


async def _mark(
    connection: Connection,
    now: datetime,
    day: date,
    step: str,
    examined: int = 0,
    touched: int = 0,
    detail: str | None = None,
) -> None:
    await closing.put_step(connection, Step(day, step, now, now, examined, touched, detail))


def _silent(_day: date, _step: str, _count: int) -> None:
    """Report to nobody."""
