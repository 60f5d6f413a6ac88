"""What may be drawn: limit, own cap, principal, holds, and the state of the line."""

from dataclasses import asdict
from datetime import date, timedelta

import pytest
from tests.properties.terms_for_tests import START, a_line

from counterfoil.lending.line import availability, blocked_by, headroom_minor, settle_waiting

TOMORROW = START + timedelta(days=1)


@pytest.mark.parametrize(
    ("limit", "cap", "principal", "held", "left"),
    [
        (100_000, None, 0, 0, 100_000),
        (100_000, None, 30_000, 20_000, 50_000),
        (100_000, 60_000, 30_000, 20_000, 10_000),
        (100_000, 120_000, 30_000, 0, 70_000),
        (100_000, 0, 0, 0, 0),
        (100_000, None, 100_000, 0, 0),
        (50_000, None, 100_000, 0, 0),
    ],
)
def test_the_parts_of_what_is_available_add_up(
    limit: int, cap: int | None, principal: int, held: int, left: int
) -> None:
    line = a_line(limit_minor=limit)
    line.own_cap_minor, line.principal_minor, line.held_minor = cap, principal, held
    have = availability(line, START)
    assert have.available_minor == headroom_minor(line, START) == left
    assert (have.limit_minor, have.own_cap_minor) == (limit, cap)
    assert (have.principal_minor, have.held_minor, have.blocked_by) == (principal, held, None)


@pytest.mark.parametrize("status", ["frozen", "suspended", "closed"])
def test_a_line_that_is_not_active_has_nothing_available(status: str) -> None:
    line = a_line()
    line.status = status
    assert blocked_by(line, START) == status
    assert availability(line, START).available_minor == 0
    assert headroom_minor(line, START) == 20_000_000


def test_a_line_is_valid_through_its_last_day() -> None:
    line = a_line()
    line.valid_to = START
    assert blocked_by(line, START) is None
    assert blocked_by(line, TOMORROW) == "expired"


def test_a_freeze_ends_after_its_last_day_and_expiry_stays() -> None:
    line = a_line()
    line.status, line.frozen_until = "frozen", START
    assert blocked_by(line, START) == "frozen"
    assert blocked_by(line, TOMORROW) is None
    assert availability(line, TOMORROW).available_minor == 20_000_000
    line.valid_to = START
    assert blocked_by(line, TOMORROW) == "expired"
    line.frozen_until = None
    assert blocked_by(line, date(2099, 1, 1)) == "frozen"


def test_what_waited_takes_effect_on_its_day_and_not_before() -> None:
    line = a_line()
    line.status, line.frozen_until, line.status_reason = "frozen", START, "asked"
    line.own_cap_minor, line.next_cap_minor, line.next_cap_on = 100, 500, TOMORROW
    settle_waiting(line, START)
    assert (line.status, line.own_cap_minor) == ("frozen", 100)
    assert headroom_minor(line, START) == 100
    assert headroom_minor(line, TOMORROW) == 500
    settle_waiting(line, TOMORROW)
    assert asdict(line) == asdict(a_line()) | {"own_cap_minor": 500}


def test_a_cap_that_is_taken_away_waits_as_well() -> None:
    line = a_line(limit_minor=100_000)
    line.own_cap_minor, line.next_cap_minor, line.next_cap_on = 100, None, TOMORROW
    assert availability(line, START).available_minor == 100
    assert availability(line, TOMORROW).available_minor == 100_000
    assert availability(line, TOMORROW).own_cap_minor is None
