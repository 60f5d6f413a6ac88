"""What a new version changes, what binds new drawings, and the differences by clause."""

from dataclasses import replace

import pytest

from counterfoil.contracts.change import (
    Change,
    Conditions,
    changes_between,
    difference,
    is_binding,
)
from counterfoil.kernel.language import Language

NOW = Conditions(
    template=("credit-agreement", 1), product_version=1, rate_daily_e8=35_000, limit_minor=50_000
)


@pytest.mark.parametrize(
    ("change", "what", "binds"),
    [
        ({"template": ("credit-agreement", 2)}, Change.WORDS, False),
        ({"product_version": 2}, Change.TERMS, True),
        ({"rate_daily_e8": 35_001}, Change.PRICE, True),
        ({"rate_daily_e8": 34_999}, Change.PRICE, False),
        ({"limit_minor": 40_000}, Change.LIMIT, False),
    ],
)
def test_a_dearer_price_and_other_terms_bind_and_nothing_else(
    change: dict[str, object], what: Change, *, binds: bool
) -> None:
    after = replace(NOW, **change)  # type: ignore[arg-type]
    assert changes_between(NOW, after) == (what,)
    assert is_binding(NOW, after) is binds


def test_the_same_agreement_changes_nothing() -> None:
    assert changes_between(NOW, NOW) == ()
    assert not is_binding(NOW, NOW)


def test_differences_stand_by_clause_in_the_order_of_the_text() -> None:
    earlier = "# Agreement\nNumber 1.\n## 1. Price\nIt costs 3.\n- a\n## 2. Gone\nOnce.\n"
    new = "# Agreement\nNumber 2.\n## 1. Price\nIt costs 4.\n- a\n## 3. New\nNow.\n"
    told = difference(earlier, new, Language.ENGLISH)
    assert [(one.heading, one.before, one.after) for one in told.clauses] == [
        ("Agreement", ("Number 1.",), ("Number 2.",)),
        ("1. Price", ("It costs 3.",), ("It costs 4.",)),
        ("3. New", (), ("Now.",)),
        ("2. Gone", ("Once.",), ()),
    ]
    assert told.lines == (
        *("-Number 1.", "+Number 2.", "-It costs 3.", "+It costs 4."),
        *("-## 2. Gone", "-Once.", "+## 3. New", "+Now."),
    )


def test_a_text_without_changes_tells_nothing() -> None:
    text = "# Agreement\n## 1. Price\nIt costs 3.\n"
    told = difference(text, text, Language.CHINESE)
    assert (told.lines, told.clauses) == ((), ())
