"""Many named statements become one, their parameters numbered through."""

import re

import pytest

from counterfoil.platform.queries import Queries
from counterfoil.platform.statement import Composer, Write, arguments

QUERIES = Queries.parse(
    """
-- name: first
-- Writes one thing.
INSERT INTO a SELECT :x, :y, :x;

-- name: second
-- Changes another.
UPDATE b SET v = :v WHERE k = :k RETURNING 1;

-- name: last
-- Has the last word.
SELECT hold(:day);
"""
)
FIRST, SECOND, LAST = QUERIES.first, QUERIES.second, QUERIES.last


def squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_parts_are_numbered_one_after_the_other() -> None:
    parts = [Write(FIRST, ("x", "y")), Write(SECOND, ("v", "k"), 1), Write(FIRST, ("p", "q"))]
    assert squeezed(Composer().compose(parts, LAST)) == (
        "WITH part_0 AS ( INSERT INTO a SELECT $1, $2, $1 ),"
        " part_1 AS ( UPDATE b SET v = $3 WHERE k = $4 RETURNING 1 ),"
        " part_2 AS ( INSERT INTO a SELECT $6, $7, $6 )"
        " SELECT hold($8),"
        " platform.expect_rows($5::bigint, (SELECT count(*) FROM part_1))"
    )
    assert arguments(parts, ("day",)) == ["x", "y", "v", "k", 1, "p", "q", "day"]


def test_nothing_to_write_is_the_last_word_alone() -> None:
    assert Composer().compose([], LAST) == "SELECT hold($1)"
    assert arguments([], ("day",)) == ["day"]


def test_a_part_that_is_counted_is_another_statement() -> None:
    composer = Composer()
    counted = composer.compose([Write(SECOND, (1, 2), 7)], LAST)
    assert composer.compose([Write(SECOND, (3, 4), 8)], LAST) is counted
    assert "expect_rows" not in composer.compose([Write(SECOND, (1, 2))], LAST)


@pytest.mark.parametrize("count", [1, 4, 9])
def test_every_argument_has_its_number(count: int) -> None:
    parts = [Write(SECOND, (n, n), n if n % 2 else None) for n in range(count)]
    text = Composer().compose(parts, LAST)
    numbers = {int(n) for n in re.findall(r"\$(\d+)", text)}
    assert numbers == set(range(1, len(arguments(parts, ("day",))) + 1))
