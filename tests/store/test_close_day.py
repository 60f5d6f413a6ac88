"""Closing days: in steps, again after a failure, late, and while customers go on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import date, timedelta
from pathlib import Path
from random import Random  # seeded by the test
from typing import Any

import orjson
import pytest
from tests.conftest import _administer, _at
from tests.store.branch import FIRST_DATE, Branch, a_draw, a_repayment, an_opening, open_branch

from counterfoil.journeys.books import close_day as closing
from counterfoil.journeys.books.close_day import close_day
from counterfoil.kernel import ids
from counterfoil.kernel.money import E8, divide_half_up
from counterfoil.lending import check_store
from counterfoil.lending.commands import (
    CloseLine,
    Draw,
    FreezeLine,
    Repay,
    SetLimit,
    SetOwnCap,
)
from counterfoil.lending.line import availability
from counterfoil.lending.terms import Method
from counterfoil.platform.batches import Answer

#: The first day on which an instalment of the book falls due, and the end of its grace.
DUE = date(2026, 1, 15)
OVERDUE = date(2026, 1, 19)

#: Everything that closing writes, without wall clock and counts of steps.
BOOKS = {
    "loan": "SELECT customer_id, (to_jsonb(o) - ARRAY['loan_id', 'version'])::text"
    " FROM lending.loan AS o ORDER BY customer_id, loan_id",
    "instalment": "SELECT customer_id, (to_jsonb(i) - 'loan_id')::text"
    " FROM lending.instalment AS i ORDER BY customer_id, loan_id, instalment_no",
    "journal": "SELECT customer_id, kind, book_date, accounts, amounts"
    " FROM ledger.journal ORDER BY book_date, customer_id, kind, journal_id",
    "day_balance": "SELECT book_date, account, debit_minor, credit_minor, journals"
    " FROM ledger.day_balance ORDER BY book_date, account",
    "accrual_day": "SELECT to_jsonb(a)::text FROM lending.accrual_day AS a"
    " ORDER BY business_date, product_code, bucket",
    "line_day": "SELECT to_jsonb(d)::text FROM lending.line_day AS d"
    " ORDER BY business_date, product_code",
    "step": "SELECT business_date, step FROM lending.close_step ORDER BY business_date, step",
    "date": "SELECT business_date FROM platform.business_date",
}


@pytest.fixture
async def branch(database_url: str, tmp_path: Path) -> AsyncIterator[Branch]:
    async with open_branch(database_url, tmp_path) as opened:
        yield opened


async def fill(branch: Branch) -> None:
    """Lend to ten customers, by every method twice."""
    for number, method in enumerate([*Method, *Method], start=1):
        await branch.get(an_opening(number, number, repayment_day=15))
        await branch.lend(number, number, 100_000 + 7_700 * number, method=method, tenor_months=3)


async def books(branch: Branch) -> dict[str, list[tuple[Any, ...]]]:
    return {name: await branch.rows(query) for name, query in BOOKS.items()}


async def test_a_day_books_what_the_loans_earned(branch: Branch) -> None:
    """1,000.00 at 0.04 % is 0.40 a day."""
    await branch.get(an_opening(1, 1))
    await branch.lend(1, 1, 100_000, method=Method.BULLET)
    (report,) = await close_day(branch.house)
    assert (report.business_date, report.loans_covered) == (FIRST_DATE, 1)
    assert (report.interest_minor, report.penalty_minor, report.lines_touched) == (40, 0, 0)
    accruals = await branch.rows(
        "SELECT book_date, accounts, amounts FROM ledger.journal WHERE kind = 'accrual'"
    )
    assert accruals == [(FIRST_DATE, [1132, 6011], [40, -40])]
    assert await branch.on() == FIRST_DATE + timedelta(days=1)


async def test_fractions_are_carried_from_day_to_day_and_never_lost(branch: Branch) -> None:
    """333.00 at 0.04 % earns 13.32 minor units a day: 13, 14, 13, 13, 14 … and 133 in ten days."""
    await branch.get(an_opening(1, 1))
    await branch.lend(1, 1, 33_300, method=Method.BULLET)
    reports = await close_day(branch.house, to=FIRST_DATE + timedelta(days=10))
    # 13.32 26.64 39.96 53.28 66.60 79.92 93.24 106.56 119.88 133.20, each rounded
    sums = [13, 27, 40, 53, 67, 80, 93, 107, 120, 133]
    earned = [report.interest_minor for report in reports]
    assert earned == [b - a for a, b in zip([0, *sums], sums, strict=False)]


async def test_the_day_of_accrual_is_the_sum_over_the_loans(branch: Branch) -> None:
    await fill(branch)
    await close_day(branch.house, to=OVERDUE + timedelta(days=3))
    day = OVERDUE + timedelta(days=2)
    kept = await branch.rows(
        "SELECT sum(loans), sum(principal_minor), sum(interest_receivable_e8),"
        " sum(penalty_receivable_e8) FROM lending.accrual_day WHERE business_date = $1",
        day,
    )
    loans = await branch.rows(
        "SELECT principal_minor, due_interest_minor, accrued_interest_e8, accrued_penalty_e8,"
        " rate_daily_e8, penal_principal_minor, penalty_daily_e8, $1 - accrued_to"
        " FROM lending.loan WHERE status = 'open'",
        day + timedelta(days=1),
    )
    interest = sum(
        due * E8 + done + owed * rate * days for owed, due, done, _, rate, _, _, days in loans
    )
    penalty = sum(done + penal * rate * days for _, _, _, done, _, penal, rate, days in loans)
    assert [tuple(map(int, row)) for row in kept] == [
        (len(loans), sum(row[0] for row in loans), interest, penalty)
    ]
    assert penalty > 0
    balances = await branch.rows(
        "SELECT account, sum(amount_minor)::bigint FROM ledger.posting"
        " WHERE account IN (1132, 1133) GROUP BY account ORDER BY account"
    )
    assert balances == [(1132, divide_half_up(interest, E8)), (1133, divide_half_up(penalty, E8))]
    assert await branch.faults() == {}


async def sum_of_lines(branch: Branch) -> list[tuple[int, ...]]:
    """Sum up every line by the rule that lending decides drawdowns by."""
    on = await branch.on()
    async with branch.house.database.connection() as connection:
        lines = await check_store.lines_of_range(connection, 0, through=2**62)
    have = [availability(line, on) for line in lines if line.status != "closed"]
    figures = [
        (
            1, one.blocked_by is None, one.limit_minor, one.principal_minor, one.held_minor,
            one.available_minor,
        )
        for one in have
    ]  # fmt: skip
    return [tuple(map(sum, zip(*figures, strict=True)))] if figures else []


async def test_the_sums_of_a_day_are_those_of_its_lines_whatever_happened_on_them(
    branch: Branch,
) -> None:
    """Frozen, capped, lowered, closed, drawn on, paid: each day's kept sum is the lines' own."""
    chance = Random(7)
    for number in range(1, 13):
        await branch.get(an_opening(number, number))
    seen = set()
    for _ in range(8):
        for _ in range(8):
            number = chance.randint(1, 12)
            key: Any = {"customer_id": number, "line_id": number}
            until = await branch.on() + timedelta(days=chance.randint(0, 3))
            amount = 10_000 * chance.randint(1, 200)
            by: Any = {"reason": "compliance", "author": "test"}
            act: Any = chance.choice(
                [
                    FreezeLine(**key, until=chance.choice([None, until]), **by),
                    SetLimit(**key, limit_minor=amount, **by),
                    SetOwnCap(**key, cap_minor=chance.choice([None, amount]), author="customer"),
                    CloseLine(**key, **by),
                    a_draw(number, number, amount, on=await branch.on()),
                    a_repayment(number, number, amount),
                ]
            )
            outcome = await branch.ask(act)
            if isinstance(outcome, Answer):
                seen.add(type(act))
                if isinstance(act, Draw) and chance.random() < 0.7:
                    loan_id = ids.from_text(ids.LOAN, orjson.loads(outcome.text)["id"])
                    await branch.confirm(number, number, loan_id)
        expected_after = await close_day(branch.house)
        kept = await branch.rows(
            "SELECT lines, drawable, limit_minor, principal_minor, held_minor, available_minor"
            " FROM lending.line_day WHERE business_date = $1",
            expected_after[0].business_date,
        )
        assert kept == await sum_of_lines(branch)
        assert await branch.faults() == {}
    assert seen == {FreezeLine, SetLimit, SetOwnCap, CloseLine, Draw, Repay}


async def test_events_touch_only_loans_that_have_something_that_day(branch: Branch) -> None:
    await fill(branch)
    reports = {r.business_date: r for r in await close_day(branch.house, to=DUE)}
    eve = DUE - timedelta(days=1)
    # Two bullets and two any-time loans more: every method but the bullet has an instalment.
    assert reports[eve].lines_touched == 8
    assert all(r.lines_touched == 0 for day, r in reports.items() if day < eve)


class Broken(Exception):  # noqa: N818 - the name says what happened
    """A step was cut short on purpose."""


def breaks_before(name: str) -> Callable[[pytest.MonkeyPatch], None]:
    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        async def broken(*_: Any, **__: Any) -> Any:
            raise Broken(name)

        monkeypatch.setattr(closing, name, broken)

    return patch


def breaks_at_mark(step: str) -> Callable[[pytest.MonkeyPatch], None]:
    """Fail just before the step is recorded as done, inside its transaction."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        mark = closing._mark

        async def broken(*arguments: Any, **named: Any) -> None:
            if arguments[3] == step:
                raise Broken(step)
            await mark(*arguments, **named)

        monkeypatch.setattr(closing, "_mark", broken)

    return patch


def breaks_in_the_middle_of_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """Advance three lines, a page of one at a time, then fail."""
    advance = closing._advance_page
    done: list[int] = []

    async def broken(*arguments: Any) -> int:
        if len(done) == 3:
            raise Broken("events")
        done.append(1)
        return await advance(*arguments)

    monkeypatch.setattr(closing, "LINES_PAGE", 1)
    monkeypatch.setattr(closing, "_advance_page", broken)


FAILURES: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "before the cut-off": breaks_before("_cut_off"),
    "in the cut-off": breaks_at_mark(closing.CUT_OFF),
    "before events": breaks_before("_events"),
    "amid events": breaks_in_the_middle_of_events,
    "after events": breaks_at_mark(closing.EVENTS),
    "before accrual": breaks_before("_accrual"),
    "in accrual": breaks_at_mark(closing.ACCRUAL),
    "before the sums": breaks_before("_sum_up"),
    "in the sums": breaks_at_mark(closing.LEDGER),
    "before the end": breaks_at_mark(closing.FINISHED),
}


@pytest.mark.parametrize("to_the_day", [True, False], ids=["with a target", "without"])
@pytest.mark.parametrize("failure", FAILURES)
async def test_a_close_that_was_cut_short_goes_on_where_it_stopped(
    database_url: str,
    server_url: str,
    tmp_path: Path,
    failure: str,
    to_the_day: bool,  # noqa: FBT001 - a parameter
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The day before instalments fall due, closed twice: in one go, and with a failure."""
    eve = DUE - timedelta(days=1)
    async with open_branch(database_url, tmp_path) as branch:
        await fill(branch)
        await branch.close_to(eve)
    twin_url = await clone(server_url, database_url)
    async with open_branch(database_url, tmp_path) as branch:
        await close_day(branch.house)
        whole = await books(branch)
    async with open_branch(twin_url, tmp_path) as branch:
        with monkeypatch.context() as broken:
            FAILURES[failure](broken)
            with pytest.raises(Broken):
                await close_day(branch.house)
        await close_day(branch.house, to=DUE if to_the_day else None)
        again = await books(branch)
        faults = await branch.faults()
    await _administer(server_url, f"DROP DATABASE {name_of(twin_url)} WITH (FORCE)")
    assert again == whole
    assert whole["date"] == [(DUE,)]
    assert faults == {}


async def clone(server_url: str, database_url: str) -> str:
    """Return the address of a copy of a database that nobody is connected to."""
    name = f"{name_of(database_url)}_twin"
    await _administer(server_url, f"CREATE DATABASE {name} TEMPLATE {name_of(database_url)}")
    return _at(server_url, name)


def name_of(url: str) -> str:
    return url.rsplit("/", 1)[1].partition("?")[0]


async def test_days_missed_are_caught_up_as_if_closed_in_time(
    database_url: str, server_url: str, tmp_path: Path
) -> None:
    """Through instalments, the end of grace and the first buckets, daily and at once."""
    last = date(2026, 2, 20)
    async with open_branch(database_url, tmp_path) as branch:
        await fill(branch)
    twin_url = await clone(server_url, database_url)
    async with open_branch(database_url, tmp_path) as branch:
        while await branch.on() < last:
            await close_day(branch.house)
        daily = await books(branch)
        assert await branch.faults() == {}
    async with open_branch(twin_url, tmp_path) as branch:
        reports = await close_day(branch.house, to=last)
        at_once = await books(branch)
    await _administer(server_url, f"DROP DATABASE {name_of(twin_url)} WITH (FORCE)")
    assert at_once == daily
    assert len(reports) == (last - FIRST_DATE).days


async def test_closing_to_the_present_day_does_nothing(branch: Branch) -> None:
    await fill(branch)
    await branch.close_to(DUE)
    before = await books(branch)
    assert await close_day(branch.house, to=DUE) == []
    assert await books(branch) == before


async def test_the_date_never_moves_back(branch: Branch) -> None:
    await branch.close_to(DUE)
    with pytest.raises(ValueError, match="never moves back"):
        await close_day(branch.house, to=FIRST_DATE)
    assert await branch.on() == DUE


async def test_customers_pay_while_the_day_is_closed(branch: Branch) -> None:
    await fill(branch)
    await branch.close_to(DUE - timedelta(days=1))

    async def pay(number: int) -> None:
        for _ in range(5):
            await branch.repay(number, number, 1_000)

    async def close() -> None:
        for _ in range(3):
            await close_day(branch.house)

    await asyncio.gather(close(), *[pay(number) for number in range(1, 11)])
    # The clock of this branch stands still; the snapshot tells what the accrual had seen.
    assert await branch.faults() == {}
    assert (
        await branch.value("SELECT count(*) FROM lending.loan_transaction WHERE kind = 'repayment'")
        == 50
    )
    # One more close books what is receivable, whatever was paid meanwhile.
    await close_day(branch.house)
    assert await branch.faults() == {}


async def test_a_customer_may_be_faster_than_the_page_that_advances_the_loan(
    branch: Branch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found as due, then advanced by a payment: nothing is left to do, and the close goes on."""
    await branch.get(an_opening(1, 1))
    await branch.lend(1, 1, 100_000, method=Method.LEVEL_PRINCIPAL)
    await branch.close_to(DUE - timedelta(days=1))
    advance = closing._advance_page

    async def slower(*arguments: Any) -> int:
        await branch.repay(1, 1, 100)
        return await advance(*arguments)

    monkeypatch.setattr(closing, "_advance_page", slower)
    (report,) = await close_day(branch.house)
    assert report.lines_touched == 0
    assert await branch.rows("SELECT instalment_no, due_date FROM lending.instalment") == [(1, DUE)]


async def test_what_happens_after_a_close_is_booked_on_the_next_date(branch: Branch) -> None:
    await fill(branch)
    await close_day(branch.house)
    await branch.repay(1, 1, 100)
    dates = await branch.rows(
        "SELECT t.book_date, j.book_date FROM lending.loan_transaction AS t"
        " JOIN ledger.journal AS j USING (customer_id, transaction_id) WHERE t.kind = 'repayment'"
    )
    assert dates == [(FIRST_DATE + timedelta(days=1),) * 2]


async def test_a_penalty_that_a_late_booking_undoes_is_taken_back_from_income(
    branch: Branch,
) -> None:
    """On 19 January four days of 0.20 were earned on 1,000.00 (0.02 % a day)."""
    await branch.get(an_opening(1, 1))
    await branch.lend(1, 1, 300_000, method=Method.LEVEL_PRINCIPAL)
    reports = await close_day(branch.house, to=OVERDUE)
    assert [r.penalty_minor for r in reports if r.penalty_minor] == [80]
    # 3,000.00 x 0.0004 x 10 days = 12.00 with 1,000.00 of principal, on the due date.
    await branch.repay(1, 1, 101_200, value_date=DUE)
    (report,) = await close_day(branch.house)
    assert report.penalty_minor == -80
    # Interest: the days from the 15th on were earned on 3,000.00 and are on 2,000.00: four days
    # of 0.40 too much, and the 19th itself earns 0.80.
    assert report.interest_minor == 80 - 160
    assert await branch.faults() == {}


async def test_a_payment_decided_before_the_accrual_and_committed_after_it_is_no_fault(
    branch: Branch,
) -> None:
    """The clock would count it among what the accrual saw; the snapshot knows better."""
    await branch.get(an_opening(1, 1))
    await branch.lend(1, 1, 300_000)
    await branch.close_to(FIRST_DATE + timedelta(days=1))
    async with branch.house.database.transaction() as connection:
        driver: Any = connection
        await driver.execute(
            "UPDATE lending.close_step SET finished_at = finished_at + interval '1 minute'"
            " WHERE step = 'accrual'"
        )
    await branch.repay(1, 1, 50_000)
    assert not await branch.faults()
    async with branch.house.database.transaction() as connection:
        driver = connection
        await driver.execute(
            "UPDATE lending.close_step SET detail = split_part(detail, '@', 1)"
            " WHERE step = 'accrual'"
        )
    assert "accrual_day" in await branch.faults()
