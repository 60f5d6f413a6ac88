"""Every table is played against the real counter; the language refuses what it does not know."""

from pathlib import Path

import pytest
from tests.scenarios.stage import Stage
from tests.scenarios.table import TableError, read
from tests.store.branch import open_branch

TABLES = sorted(Path(__file__).parent.glob("*.txt"))
HEAD = """\
title  A line
line   L1  customer=C1  limit=2000.00  rate_daily=0.04%  repayment_day=15
date   command  expect  after
"""


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
async def test_table(path: Path, database_url: str, tmp_path: Path) -> None:
    scenario = read(path)
    first_date = scenario.rows[0].on
    async with open_branch(database_url, tmp_path, first_date=first_date) as branch:
        assert await Stage(branch).play(scenario) == []


def test_every_table_says_something_of_its_own() -> None:
    titles = [read(path).title for path in TABLES]
    assert len(titles) == len(set(titles)) >= 15


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("titel  A line\n", ":1: 'titel' is not a word before the table"),
        ("title  A line\n", ":1: a scenario has a title, a line and rows"),
        (f"{HEAD}2026-01-05  borrow L1 1.00  ok\n", ":4: 'borrow' is not a command"),
        (f"{HEAD}2026-01-32  look L1  ok\n", ":4: '2026-01-32' is not a date"),
        (f"{HEAD}2026-01-05  repay L1  ok\n", ":4: no result is expected"),
        (f"{HEAD}2026-01-05  repay L1 mode=x  ok\n", ":4: repay needs line and amount"),
        (f"{HEAD}2026-01-05  repay L1 1.00 when=now  ok\n", ":4: 'when=now' is not an option"),
        (f"{HEAD}2026-01-05  look L1  fine\n", ":4: 'fine' is neither ok nor a refusal"),
        (f"{HEAD}2026-01-05  look L1  ok  debt=1.00\n", ":4: 'debt=1.00' asserts nothing"),
        (f"{HEAD}2026-01-05  look L1  ok  A.debt=1.00\n", ":4: 'A.debt=1.00' asserts nothing"),
        (f"{HEAD}2026-01-05  look L1  ok  A#1.x=1.00\n", ":4: 'A#1.x=1.00' asserts nothing"),
        (f"{HEAD}2026-01-05  look L1  ok  twice\n", ":4: 'twice' asserts nothing"),
        (f"{HEAD}2026-01-05  lend L1 9.00 as=A  ok\n", ":4: lend needs method, months"),
        (f"{HEAD}2026-01-06  look L1  ok\n2026-01-05  look L1  ok\n", ":5: 2026-01-05 lies before"),
        (f"{HEAD}  principal=0.00\n", ":4: nothing to go on with"),
        ("title  A\nline  L1  customer=C1\n", ":2: a line needs limit, rate_daily, repayment_day"),
        ("title  A\nline  L1  colour=red\n", ":2: 'colour=red' is not an option of a line"),
    ],
)
def test_what_the_language_does_not_know_is_refused_with_file_and_line(
    table: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "scenario.txt"
    path.write_text(table)
    with pytest.raises(TableError) as refused:
        read(path)
    assert str(refused.value).startswith(f"scenario.txt{message}")


async def test_a_wrong_figure_fails_with_file_and_line(database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.txt"
    path.write_text(f"{HEAD}2026-01-05  look L1  ok  available=2000.01\n")
    async with open_branch(database_url, tmp_path) as branch:
        assert await Stage(branch).play(read(path)) == ["wrong.txt:4: available is 2000.00"]
