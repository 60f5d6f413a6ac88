"""What may be drawn is the sum of its parts, in whatever state a line is."""

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from counterfoil.lending.line import Line, availability, settle_waiting
from counterfoil.lending.line_changes import line_answer

TODAY = date(2026, 1, 15)
AMOUNTS = st.integers(0, 500_000)
DAYS = st.integers(-3, 3).map(lambda days: TODAY + timedelta(days=days))

LINES = st.builds(
    Line,
    customer_id=st.just(1),
    line_id=st.just(2),
    application_id=st.just(2),
    product_code=st.just("cash-line-open"),
    product_version=st.just(1),
    lender_id=st.just("lender-one"),
    currency=st.just("CNY"),
    status=st.sampled_from(["active", "frozen", "suspended", "closed"]),
    limit_minor=AMOUNTS,
    rate_daily_e8=st.just(35_000),
    repayment_day=st.just(15),
    opened_on=st.just(date(2026, 1, 1)),
    valid_to=DAYS,
    own_cap_minor=st.none() | AMOUNTS,
    principal_minor=AMOUNTS,
    held_minor=AMOUNTS,
    credit_minor=AMOUNTS,
    frozen_until=st.none() | DAYS,
    next_cap_minor=st.none() | AMOUNTS,
    next_cap_on=st.none() | DAYS,
    returning_minor=AMOUNTS,
)


@given(line=LINES)
def test_available_and_blocked_are_what_limit_or_cap_leave_of_principal_and_holds(
    line: Line,
) -> None:
    have = availability(line, TODAY)
    cap = have.limit_minor if have.own_cap_minor is None else have.own_cap_minor
    ceiling = min(have.limit_minor, cap)
    left = max(0, ceiling - have.principal_minor - have.held_minor)
    assert have.available_minor + have.blocked_minor == left
    assert have.available_minor >= 0
    assert have.blocked_minor >= 0
    assert 0 in {have.available_minor, have.blocked_minor}
    assert (have.blocked_by is None) or have.available_minor == 0
    assert (have.blocked_by is not None) or have.blocked_minor == 0


@given(line=LINES)
def test_the_parts_in_an_answer_add_up_the_same(line: Line) -> None:
    have, answer = availability(line, TODAY), line_answer(line, TODAY)
    for name in (
        "limit_minor",
        "own_cap_minor",
        "principal_minor",
        "held_minor",
        "available_minor",
        "blocked_minor",
        "blocked_by",
        "version",
    ):
        assert answer[name] == getattr(have, name)


@given(line=LINES)
def test_credit_is_no_part_of_what_may_be_drawn(line: Line) -> None:
    without = replace(line, credit_minor=0, returning_minor=0)
    assert availability(line, TODAY) == availability(without, TODAY)


@given(line=LINES)
def test_what_waits_for_its_day_counts_from_that_day_whether_it_was_settled_or_not(
    line: Line,
) -> None:
    before = availability(line, TODAY)
    settled = replace(line)
    settle_waiting(settled, TODAY)
    assert availability(settled, TODAY) == before


@given(line=LINES, amount=st.integers(1, 500_000))
def test_a_hold_takes_its_amount_off_what_is_available(line: Line, amount: int) -> None:
    have = availability(line, TODAY)
    drawn = min(amount, have.available_minor)
    after = availability(replace(line, held_minor=line.held_minor + drawn), TODAY)
    assert after.available_minor == have.available_minor - drawn
