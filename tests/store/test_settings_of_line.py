"""What a customer may set of a line: own ceiling and repayment day, with their effects."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.store.branch import FIRST_DATE, Branch, a_draw, an_opening, open_branch

from counterfoil.journeys.borrowing.quote import preview_repayment_day
from counterfoil.kernel.errors import Refused
from counterfoil.lending.commands import CloseLine, Command, SetLimit, SetOwnCap, SetRepaymentDay
from counterfoil.lending.preview import DayPreview
from counterfoil.lending.terms import Method

C1, L1 = 11, 21
TOMORROW = FIRST_DATE + timedelta(days=1)
#: The first day that begins at least 24 hours after any time of the first one.
WAITED = FIRST_DATE + timedelta(days=2)


@pytest.fixture
async def branch(database_url: str, tmp_path: Path) -> AsyncIterator[Branch]:
    async with open_branch(database_url, tmp_path) as opened:
        await opened.get(an_opening(C1, L1, limit_minor=1_000_000, repayment_day=15))
        yield opened


def cap(amount_minor: int | None) -> SetOwnCap:
    return SetOwnCap(customer_id=C1, line_id=L1, cap_minor=amount_minor, author="customer")


def repayment_day(day: int) -> SetRepaymentDay:
    return SetRepaymentDay(customer_id=C1, line_id=L1, repayment_day=day, author="customer")


async def code(branch: Branch, command: Command) -> str:
    outcome = await branch.ask(command)
    return outcome.code if isinstance(outcome, Refused) else "ok"


async def draws(branch: Branch, amount_minor: int) -> str:
    return await code(branch, a_draw(C1, L1, amount_minor, on=await branch.on()))


async def preview(branch: Branch, day: int, **example: object) -> DayPreview | Refused:
    return await preview_repayment_day(
        branch.house,
        customer_id=C1,
        line_id=L1,
        repayment_day=day,
        **example,  # type: ignore[arg-type]
    )


async def previewed(branch: Branch, day: int, **example: object) -> DayPreview:
    found = await preview(branch, day, **example)
    assert isinstance(found, DayPreview), found
    return found


# ------------------------------------------------------------------ own ceiling


async def test_a_lower_ceiling_works_at_once(branch: Branch) -> None:
    answer = await branch.get(cap(300_000))
    assert (answer["own_cap_minor"], answer["available_minor"]) == (300_000, 300_000)
    assert await draws(branch, 300_100) == "insufficient_limit"
    assert await draws(branch, 300_000) == "ok"


async def test_a_raised_ceiling_waits_for_its_day_and_then_holds_for_a_drawing(
    branch: Branch,
) -> None:
    await branch.get(cap(300_000))
    answer = await branch.get(cap(500_000))
    assert (answer["own_cap_minor"], answer["available_minor"]) == (300_000, 300_000)
    assert (answer["next_cap_minor"], answer["next_cap_on"]) == (500_000, WAITED.isoformat())
    assert await draws(branch, 400_000) == "insufficient_limit"
    await branch.close_to(WAITED)
    assert await draws(branch, 500_100) == "insufficient_limit"
    assert await draws(branch, 500_000) == "ok"
    assert await branch.faults() == {}


async def test_taking_the_ceiling_away_waits_too(branch: Branch) -> None:
    await branch.get(cap(300_000))
    answer = await branch.get(cap(None))
    assert (answer["own_cap_minor"], answer["next_cap_minor"]) == (300_000, None)
    await branch.close_to(WAITED)
    assert await draws(branch, 1_000_000) == "ok"


async def test_lowering_while_a_raise_waits_takes_the_raise_back(branch: Branch) -> None:
    await branch.get(cap(300_000))
    await branch.get(cap(500_000))
    answer = await branch.get(cap(200_000))
    assert (answer["own_cap_minor"], answer["next_cap_on"]) == (200_000, None)
    await branch.close_to(TOMORROW)
    assert await draws(branch, 200_100) == "insufficient_limit"


async def test_a_ceiling_lies_between_nothing_and_the_granted_limit(branch: Branch) -> None:
    refused = await branch.ask(cap(1_000_001))
    assert isinstance(refused, Refused)
    assert refused.code == "cap_out_of_range"
    assert refused.detail == {"limit_minor": 1_000_000}
    assert await code(branch, cap(-1)) == "cap_out_of_range"
    assert await code(branch, cap(1_000_000)) == "ok"
    assert await code(branch, cap(0)) == "ok"
    assert await draws(branch, 10_000) == "insufficient_limit"


async def test_a_ceiling_below_what_is_used_makes_nothing_due(branch: Branch) -> None:
    await branch.lend(C1, L1, 400_000)
    answer = await branch.get(cap(100_000))
    assert (answer["principal_minor"], answer["available_minor"]) == (400_000, 0)


async def test_a_limit_lowered_below_the_ceiling_wins(branch: Branch) -> None:
    await branch.get(cap(500_000))
    lower = SetLimit(customer_id=C1, line_id=L1, limit_minor=200_000, reason="r", author="a")
    assert (await branch.get(lower))["available_minor"] == 200_000


async def test_every_setting_leaves_before_after_time_and_author(branch: Branch) -> None:
    await branch.get(cap(300_000))
    await branch.get(repayment_day(20))
    rows = await branch.rows(
        "SELECT kind, before_value, after_value, author, book_date, at FROM lending.line_event"
        " WHERE line_id = $1 AND version > 1 ORDER BY version",
        L1,
    )
    now = branch.house.clock.now()
    assert rows == [
        ("own_cap_set", None, "300000", "customer", FIRST_DATE, now),
        ("repayment_day_set", "15", "20", "customer", FIRST_DATE, now),
    ]


# ------------------------------------------------------------------ repayment day


async def test_a_preview_shows_the_next_due_date_and_the_interest_of_an_example(
    branch: Branch,
) -> None:
    found = await previewed(branch, 20, amount_minor=100_000, tenor_months=3, method=Method.BULLET)
    # From the 5th of January at 0.04 % a day: the first due date is ten days off at least.
    assert (found.present.repayment_day, found.proposed.repayment_day) == (15, 20)
    assert (found.present.maturity_date, found.proposed.maturity_date) == (
        date(2026, 3, 15),
        date(2026, 3, 20),
    )
    assert found.present.interest_minor == 100_000 * 4 * 69 // 10_000
    assert found.proposed.interest_minor == 100_000 * 4 * 74 // 10_000
    assert found.changes_left == 2


async def test_what_is_previewed_is_what_a_drawing_then_gets(branch: Branch) -> None:
    found = await previewed(
        branch, 20, amount_minor=100_000, tenor_months=3, method=Method.LEVEL_PRINCIPAL
    )
    await branch.get(repayment_day(20))
    loan_id = await branch.lend(C1, L1, 100_000, repayment_day=20)
    rows = await branch.rows(
        "SELECT next_due_date, maturity_date FROM lending.loan WHERE loan_id = $1", loan_id
    )
    assert rows == [(found.proposed.first_due_date, found.proposed.maturity_date)]


async def test_a_preview_writes_nothing_and_names_the_loans_that_keep_their_day(
    branch: Branch,
) -> None:
    loan_id = await branch.lend(C1, L1, 100_000)
    before = await branch.rows("SELECT * FROM lending.credit_line")
    found = await previewed(branch, 20)
    assert [(loan.loan_id, loan.repayment_day) for loan in found.running] == [(loan_id, 15)]
    assert await branch.rows("SELECT * FROM lending.credit_line") == before
    assert found.example.amount_minor == 10_000


async def test_a_change_leaves_running_loans_alone(branch: Branch) -> None:
    loan_id = await branch.lend(C1, L1, 100_000)
    query = "SELECT repayment_day, next_due_date, version FROM lending.loan WHERE loan_id = $1"
    before = await branch.rows(query, loan_id)
    await branch.get(repayment_day(20))
    assert await branch.rows(query, loan_id) == before


@pytest.mark.parametrize(
    ("day", "example", "expected"),
    [
        (0, {}, "repayment_day_out_of_range"),
        (29, {}, "repayment_day_out_of_range"),
        (20, {"amount_minor": 1}, "amount_below_minimum"),
        (20, {"tenor_months": 5}, "tenor_not_offered"),
    ],
)
async def test_a_preview_refuses_what_could_not_be_set_or_drawn(
    branch: Branch, day: int, example: dict[str, object], expected: str
) -> None:
    refused = await preview(branch, day, **example)
    assert isinstance(refused, Refused)
    assert refused.code == expected


async def test_the_day_is_chosen_a_number_of_times_a_year_and_the_preview_counts_down(
    branch: Branch,
) -> None:
    for day, left in ((10, 2), (11, 1)):
        assert (await previewed(branch, day)).changes_left == left
        assert await code(branch, repayment_day(day)) == "ok"
    for asked in (await preview(branch, 12), await branch.ask(repayment_day(12))):
        assert isinstance(asked, Refused)
        assert asked.code == "repayment_day_changes_used_up"


async def test_a_closed_line_has_nothing_to_set(branch: Branch) -> None:
    closing = CloseLine(customer_id=C1, line_id=L1, reason="done", author="customer")
    await branch.get(closing)
    refused = await preview(branch, 20)
    assert isinstance(refused, Refused)
    assert refused.code == "line_closed"
    assert await code(branch, cap(1)) == "line_closed"
