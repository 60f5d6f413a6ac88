"""Hours, fees, limits and errors of rails, and the file that agrees them."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from counterfoil.payments.rail import Declined, NoAnswer, NotSeen, Pending
from counterfoil.payments.rail_file import InvalidRailsError, check_lenders, load_rails, parse_rails
from counterfoil.payments.rail_terms import Fee, HolidayCalendar, Hours, Window

ZONE = ZoneInfo("Asia/Shanghai")
WEEK = frozenset(range(5))
DAYTIME = Window(weekdays=WEEK, opens=time(8, 30), cut_off=time(17), is_open_on_holidays=False)
CALENDAR = HolidayCalendar(
    holidays=frozenset({date(2026, 10, 1), date(2026, 10, 2)}), working={date(2026, 10, 10): 4}
)
HOURS = Hours(zone=ZONE, windows=(DAYTIME,), calendar=CALENDAR)

FILE = """
zone = "Asia/Shanghai"
[holidays]
closed = [2026-10-01]
working = { 2026-10-10 = "fri" }
[[rail]]
code = "day"
kind = "high_value"
endpoint = "https://rail.example/"
currencies = ["CNY"]
priority = 1
[rail.limits]
payment_minor_min = 5_000_000
payment_minor_max = 900_000_000
[rail.fee]
payer = "lender"
fixed_minor = 100
rate_ppm = 20
maximum_minor = 20_000
[[rail.window]]
weekdays = ["mon", "tue", "wed", "thu", "fri"]
opens = 08:30:00
cut_off = 17:00:00
[rail.errors]
busy = { meaning = "not_taken" }
closed_account = { meaning = "failed", reason = "payee_account_closed" }
"""


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 10, day, hour, minute, tzinfo=ZONE).astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        (at(9, 8, 29), False),
        (at(9, 8, 30), True),
        (at(9, 16, 59), True),
        (at(9, 17), False),
        (at(10, 12), True),
        (at(11, 12), False),
        (at(1, 12), False),
    ],
    ids=["early", "opens", "last_minute", "cut_off", "working_saturday", "sunday", "holiday"],
)
def test_a_rail_is_open_in_its_windows_of_its_own_days(
    moment: datetime,
    is_open: bool,  # noqa: FBT001 – the expected answer
) -> None:
    assert HOURS.is_open(moment) is is_open


def test_the_next_opening_skips_holidays_and_weekends() -> None:
    assert HOURS.opens_at(at(9, 12)) == at(9, 12)
    assert HOURS.opens_at(at(10, 18)) == at(12, 8, 30)
    eve = datetime(2026, 9, 30, 17, tzinfo=ZONE)
    assert HOURS.opens_at(eve) == at(5, 8, 30)
    never = Hours(zone=ZONE, windows=(replace(DAYTIME, weekdays=frozenset()),))
    assert never.opens_at(eve) is None


def test_a_rail_without_windows_is_always_open_and_has_days_of_its_own() -> None:
    hours = Hours(zone=ZONE)
    late = datetime(2026, 10, 9, 16, 30, tzinfo=UTC)
    assert hours.is_open(late)
    assert hours.day_of(late) == date(2026, 10, 10)
    assert hours.next_day_at(late) == datetime(2026, 10, 10, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("amount", "fee"), [(0, 100), (24_999, 100), (25_000, 101), (1_000_000_000, 20_000)]
)
def test_a_fee_is_rounded_half_up_and_held_between_its_bounds(amount: int, fee: int) -> None:
    assert Fee(fixed_minor=100, rate_ppm=20, maximum_minor=20_000).of(amount) == fee


def test_what_a_code_means_is_the_files_word_and_doubt_without_one() -> None:
    (rail,) = parse_rails(FILE)
    assert rail.understand(Declined("closed_account")) == Declined("payee_account_closed")
    assert rail.understand(Declined("busy")) == NotSeen()
    assert rail.understand(Declined("never_heard")) == NoAnswer("error never_heard")
    assert rail.understand(Pending()) == Pending()


def test_the_file_is_read_whole() -> None:
    (rail,) = parse_rails(FILE)
    assert rail.limits.payment_minor_min == 5_000_000
    assert rail.fee.of(1_000_000_000) == 20_000
    assert rail.hours.is_open(at(10, 12))
    assert not rail.hours.is_open(at(1, 12))


def test_public_holidays_are_those_of_the_rule_packs_and_the_file_adds_its_own() -> None:
    own = '[holidays]\nclosed = [2026-10-01]\nworking = { 2026-10-10 = "fri" }\n'
    assert own in FILE
    (rail,) = parse_rails(FILE.replace(own, ""))
    assert not rail.hours.is_open(at(7, 12)), "National Day stands in the packs' calendar"
    assert rail.hours.is_open(at(10, 12)), "a Saturday that was declared working"
    (rail,) = parse_rails(FILE.replace(own, "[holidays]\nclosed = [2026-10-09]\n"))
    assert not rail.hours.is_open(at(9, 12))
    assert not rail.hours.is_open(at(7, 12))
    (rail,) = parse_rails(FILE.replace(own, '[holidays]\nworking = { 2026-10-07 = "fri" }\n'))
    assert rail.hours.is_open(at(7, 12)), "a bank that works all the same says so"


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('payer = "lender"', 'payer = "borrower"', "payer"),
        ("payment_minor_min = 5_000_000", "payment_minor_min = 900_000_001", "limits"),
        ("cut_off = 17:00:00", "cut_off = 08:00:00", "window"),
        ('currencies = ["CNY"]', 'currencies = ["ZZZ"]', "currencies"),
        ('"mon", ', '"monday", ', "window"),
        ("priority = 1", "priority = 1\nfavourite = true", "favourite"),
        ('zone = "Asia/Shanghai"', 'zone = "Asia/Nowhere"', "Asia/Nowhere"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused_by_its_key(old: str, new: str, key: str) -> None:
    assert old in FILE
    with pytest.raises(InvalidRailsError, match=key):
        parse_rails(FILE.replace(old, new))


def test_the_shipped_rails_never_close_and_ask_whose_an_account_is() -> None:
    rails = load_rails()
    assert all(rail.checks_payee for rail in rails)
    assert [rail.code for rail in rails] == ["bank", "clearing"]
    assert not any(rail.hours.windows for rail in rails)
    assert all(rail.fee.of(100_000) == 0 for rail in rails)


def test_collection_accounts_are_found_by_their_number_and_each_has_its_lender() -> None:
    account = """
[[rail.collection]]
account = "{number}"
holder = "Lender"
bank = "Bank"
lender = "{lender}"
"""
    first = account.format(number="62 01", lender="lender-one")
    (rail,) = parse_rails(FILE + first + account.format(number="6202", lender="lender-two"))
    lenders = [
        (found := rail.account_of(number)) and found.lender_id
        for number in ("6202", "6201", None, "6203")
    ]
    assert lenders == ["lender-two", "lender-one", "lender-one", None]
    check_lenders([rail], {"lender-one", "lender-two"})
    with pytest.raises(InvalidRailsError, match="no product is of lender lender-two"):
        check_lenders([rail], {"lender-one"})
    with pytest.raises(InvalidRailsError, match="number of its own"):
        parse_rails(FILE + first + account.format(number="6201", lender="lender-two"))
