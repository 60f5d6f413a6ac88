"""Which later notice still rests on an earlier yes: one that asks for nothing more."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.consents.notice import Scope, UseKind

ONCE = Scope(
    purpose="inquiry_origination",
    controller="lender-one",
    recipient="credit-bureau",
    data=frozenset({"credit_report"}),
    use=UseKind.ONE_TIME,
    uses_max=1,
    period_days=None,
    window_days=30,
    data_life_days=30,
    onward=frozenset(),
)
OFTEN = replace(ONCE, use=UseKind.PERIODIC, uses_max=2, period_days=30, window_days=365)


@pytest.mark.parametrize("scope", [ONCE, OFTEN])
@pytest.mark.parametrize(
    "change",
    [
        {"purpose": "marketing"},
        {"controller": "lender-two"},
        {"recipient": "funding-bank"},
        {"data": frozenset({"credit_report", "contact"})},
        {"data": frozenset({"contact"})},
        {"onward": frozenset({"funding-bank"})},
        {"data_life_days": 31},
        {"window_days": 366},
    ],
)
def test_whatever_asks_for_more_or_for_something_else_is_not_covered(
    scope: Scope, change: dict[str, Any]
) -> None:
    assert not scope.covers(replace(scope, **change))


@pytest.mark.parametrize(
    ("agreed", "later", "is_covered"),
    [
        (ONCE, OFTEN, False),
        (OFTEN, ONCE, True),
        (OFTEN, replace(OFTEN, uses_max=3), False),
        (OFTEN, replace(OFTEN, uses_max=1), True),
        (OFTEN, replace(OFTEN, period_days=29), False),
        (OFTEN, replace(OFTEN, period_days=31), True),
        (ONCE, replace(ONCE, data_life_days=0, window_days=1), True),
        (replace(ONCE, onward=frozenset({"a", "b"})), replace(ONCE, onward=frozenset({"a"})), True),
    ],
)
def test_uses_and_lives_are_compared(*, agreed: Scope, later: Scope, is_covered: bool) -> None:
    assert agreed.covers(later) is is_covered


scopes = st.builds(
    lambda data, onward, life, window, uses: replace(
        OFTEN,
        data=frozenset(data),
        onward=frozenset(onward),
        data_life_days=life,
        window_days=window,
        uses_max=uses,
    ),
    st.sets(st.sampled_from("abc")),
    st.sets(st.sampled_from("xy")),
    st.integers(0, 3),
    st.integers(1, 3),
    st.integers(1, 3),
)


@given(scopes, scopes, scopes)
def test_covering_is_an_order(a: Scope, b: Scope, c: Scope) -> None:
    assert a.covers(a)
    assert not (a.covers(b) and b.covers(a)) or a == b
    assert not (a.covers(b) and b.covers(c)) or a.covers(c)
