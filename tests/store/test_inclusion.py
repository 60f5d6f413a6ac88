"""How kinds of customers fare: counted once each, unknown as unknown, shares with their wholes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.store import raise_desk
from tests.store.applicants import Counter
from tests.store.branch import FIRST_DATE, Branch, open_branch

from counterfoil.decisioning.document import load_policy
from counterfoil.decisioning.inclusion import KindCount
from counterfoil.journeys.applying.inclusion import read_inclusion, read_segments, starter_path
from counterfoil.journeys.knowing.profile import correct
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access_matrix import Actor

OWNER = Actor(name="the customer", role="customer", source="portal")


@pytest.fixture
async def branch(database_url: str, tmp_path: Path) -> AsyncIterator[Branch]:
    async with open_branch(database_url, tmp_path) as opened:
        yield opened


async def kinds(branch: Branch) -> dict[str, KindCount]:
    async with branch.house.database.connection() as connection:
        found = await read_inclusion(connection, first_date=FIRST_DATE, last_date=FIRST_DATE)
    return {item.code: item for item in found}


async def test_each_kind_has_its_own_denominators(branch: Branch) -> None:
    counter = Counter(branch.house)
    await counter.accept(await counter.apply())
    await counter.apply(is_student=True)
    await counter.apply(history_months=0, income_monthly_minor=900_000, debt_monthly_minor=0)
    await counter.apply(history_months=None, late_months_count=4)
    found = await kinds(branch)
    assert next(iter(found)) == "all"
    everybody, thin, students = found["all"], found["thin_file"], found["student"]
    assert (everybody.applied, everybody.decided, everybody.lines) == (4, 2, 1)
    # No file is none of six months; a file that nobody asked for is not known.
    assert (thin.applied, thin.not_known, thin.approved) == (1, 1, 1)
    assert thin.limit_median_minor == 500_000
    # Who still waits for a person is no share of anything.
    assert (students.applied, students.decided, students.approved_ppm) == (1, 0, None)
    assert (everybody.observed, everybody.defaulted_ppm, everybody.cured_ppm) == (0, None, None)
    assert everybody.graduated_ppm == 0
    assert found["first_time"].applied == 4


async def test_who_says_so_is_rural_and_who_says_nothing_is_not_known(branch: Branch) -> None:
    counter = Counter(branch.house)
    views = [await counter.apply() for _ in range(3)]

    async def say(place: int, name: str, *, value: bool) -> None:
        given = await correct(
            branch.house, OWNER, customer_id=views[place].customer_id, name=name, value=value
        )
        assert not isinstance(given, Refused), given

    await say(0, "is_rural", value=True)
    await say(1, "is_rural", value=False)
    await say(1, "is_micro_owner", value=True)
    found = await kinds(branch)
    rural, owners = found["rural"], found["micro_owner"]
    assert (rural.applied, rural.not_known, rural.approved) == (1, 1, 1)
    assert (owners.applied, owners.not_known) == (1, 2)
    # The last word counts.
    await say(1, "is_rural", value=True)
    assert (await kinds(branch))["rural"].applied == 2


async def test_segments_of_the_policy_that_decided_are_counted_apart(branch: Branch) -> None:
    counter = Counter(branch.house)
    await counter.apply()
    await counter.apply(is_student=True)
    async with branch.house.database.connection() as connection:
        found = await read_segments(connection, first_date=FIRST_DATE, last_date=FIRST_DATE)
    wide = load_policy("base-2026-04")
    assert [(policy.version, segment.code) for policy, segment, _ in found] == [
        ("2026-04", segment.code) for segment in wide.segments
    ]
    counted = {segment.code: item for _, segment, item in found}
    first_time, student = counted["first_time"], counted["student"]
    assert (first_time.applied, first_time.decided, first_time.approved_ppm) == (1, 1, 1_000_000)
    # The student waits for a person, and is a share of nothing until then.
    assert (student.applied, student.decided, student.approved_ppm) == (1, 0, None)
    assert (counted["recorded"].applied, counted["recorded"].approved_ppm) == (0, None)


async def test_default_cure_and_growth_follow_the_line(branch: Branch) -> None:
    counter = Counter(branch.house)
    late = await counter.apply()
    await counter.accept(late)
    loan = branch.house.ids.next()
    await branch.rows(raise_desk._LOAN + " RETURNING 1", late.customer_id, loan)
    await branch.rows(
        """INSERT INTO lending.instalment (customer_id, loan_id, instalment_no, due_date,
        principal_minor, interest_minor, principal_paid_minor, interest_paid_minor)
        VALUES ($1, $2, 1, $3::date - 100, 100000, 100, 0, 0) RETURNING 1""",
        late.customer_id,
        loan,
        FIRST_DATE,
    )
    found = (await kinds(branch))["all"]
    assert (found.observed, found.late, found.defaulted, found.cured) == (1, 1, 1, 0)
    await branch.rows(
        "UPDATE lending.instalment SET settled_on = $2, principal_paid_minor = principal_minor,"
        " interest_paid_minor = interest_minor WHERE loan_id = $1 RETURNING 1",
        loan,
        FIRST_DATE,
    )
    await branch.rows(
        "UPDATE lending.credit_line SET limit_minor = limit_minor + 10000"
        " WHERE customer_id = $1 RETURNING 1",
        late.customer_id,
    )
    async with branch.house.database.connection() as connection:
        rows = await read_segments(connection, first_date=FIRST_DATE, last_date=FIRST_DATE)
    first = next(item for _, segment, item in rows if segment.code == "first_time")
    assert (first.lines, first.defaulted_ppm, first.cured_ppm) == (1, 1_000_000, 1_000_000)
    # It has grown, but a line that was opened today says nothing about growing.
    assert (first.seasoned, first.graduated, first.graduated_ppm) == (0, 0, None)
    await branch.rows(
        "UPDATE lending.credit_line SET opened_on = opened_on - 180"
        " WHERE customer_id = $1 RETURNING 1",
        late.customer_id,
    )
    async with branch.house.database.connection() as connection:
        rows = await read_segments(connection, first_date=FIRST_DATE, last_date=FIRST_DATE)
    first = next(item for _, segment, item in rows if segment.code == "first_time")
    assert first.graduated_ppm == 1_000_000
    assert starter_path(rows).graduated_ppm == 1_000_000
    # A version without starter path has no rate of it either.
    before = load_policy("base-2026-02")
    without = [(before, segment, first) for segment in before.segments]
    assert starter_path(without) == (0, 0, 0)
    assert starter_path(without).graduated_ppm is None
    after = (await kinds(branch))["all"]
    assert (after.cured_ppm, after.graduated_ppm) == (1_000_000, 1_000_000)
