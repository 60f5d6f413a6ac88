"""Rule packs: what a pack answers around its dates, which of two rules holds, what is refused."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from importlib import resources
from pathlib import Path

import pytest

from counterfoil.kernel.calendar import add_working_days
from counterfoil.rules import shelf
from counterfoil.rules.pack import PackError, RulePack, pack_in_force, read_pack, rule
from counterfoil.rules.shelf import HOUSE_PACK, days_asked, load_packs, pack_on, working_days

TEXT = (resources.files("counterfoil") / "rules" / "cn-2026-01.toml").read_text(encoding="utf-8")
PACK = read_pack(TEXT)
DAY = timedelta(days=1)


def cap_on(pack: RulePack, on: date, licence: str = "bank") -> int | None:
    found = rule(pack, "cost_annual_most", on=on, licence=licence)
    return None if found is None else found.value


@pytest.mark.parametrize("licence", ["bank", "consumer_finance", "auto_finance", "trust"])
def test_the_cap_on_the_cost_begins_on_its_day_and_is_unknown_before(licence: str) -> None:
    begins = date(2025, 10, 1)
    assert cap_on(PACK, begins - DAY, licence) is None
    assert cap_on(PACK, begins, licence) == 24_000_000
    assert cap_on(PACK, begins, "micro_loan") is None


def test_every_rule_holds_on_its_first_day_and_not_on_the_day_before() -> None:
    for item in PACK.rules:
        for licence in item.licences:
            assert item.holds(licence, item.from_date)
            assert not item.holds(licence, item.from_date - DAY)


def test_the_latest_entry_of_a_rule_holds_and_ends_on_its_last_day() -> None:
    [cap] = [item for item in PACK.rules if item.name == "cost_annual_most"]
    relief = replace(cap, value=36_000_000, from_date=date(2026, 3, 1), to_date=date(2026, 6, 1))
    pack = replace(PACK, rules=(cap, relief))
    days = (date(2026, 2, 28), date(2026, 3, 1), date(2026, 5, 31), date(2026, 6, 1))
    assert [cap_on(pack, on) for on in days] == [24_000_000, 36_000_000, 36_000_000, 24_000_000]


def test_of_two_rules_the_stricter_holds_even_where_it_is_the_older() -> None:
    [cap] = [item for item in PACK.rules if item.name == "cost_annual_most"]
    looser = replace(cap, rule_id="R099", value=30_000_000, from_date=date(2026, 3, 1))
    assert cap_on(replace(PACK, rules=(cap, looser)), date(2026, 4, 1)) == 24_000_000
    [notice] = [item for item in PACK.rules if item.name == "price_rise_notice_days_least"]
    longer = replace(notice, rule_id="R098", value=notice.value + 1)
    found = rule(
        replace(PACK, rules=(notice, longer)), notice.name, on=date(2026, 4, 1), licence="bank"
    )
    assert found is longer


def test_a_later_pack_takes_the_place_of_the_one_it_names_from_its_day_on() -> None:
    later = replace(PACK, pack_id="cn-2027-01", supersedes="cn-2026-01", from_date=date(2027, 1, 1))
    packs = {item.pack_id: item for item in (PACK, later)}
    assert pack_in_force(packs, "cn-2026-01", date(2026, 12, 31)) is PACK
    assert pack_in_force(packs, "cn-2026-01", date(2027, 1, 1)) is later
    assert pack_in_force(packs, "us-2026-01", date(2027, 1, 1)) is None


def test_a_question_that_nobody_wrote_down_is_a_bug_and_not_unknown() -> None:
    with pytest.raises(KeyError):
        rule(PACK, "everything", on=date(2026, 1, 1), licence="bank")


def test_an_article_is_printable_only_where_the_text_was_read() -> None:
    assert not [item for item in PACK.rules if item.article_printable and item.mark != "A"]
    assert all(item.adopted_en and item.adopted_zh for item in PACK.rules if item.mark == "C")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('mark = "B"', 'mark = "C"', "adopted"),
        ('mark = "B"', 'mark = "D"', "marks A, B and C"),
        ("article_printable = false", "article_printable = true", "only a rule marked A"),
        ('name = "cost_annual_most"', 'name = "cost"', "no question"),
        ('value = "24 %"', "value = 24", "is not a rate"),
        ('value = "24 %"', 'value = "24 %"\nunit = "x"', "unit: is not a key"),
        ('approver = "legal-counsel"', 'approver = "Compliance-Desk "', "two people"),
        ("from = 2025-10-01", "from = 2025-10-01\nto = 2025-10-01", "ends before"),
        ('source = "Secondary sources."\n', "", "source: is missing"),
        ('value = "200000.00"', "value = 200000", "is not an amount"),
        ('id = "R047"', 'id = "47"', "needs an id"),
        ("[pack]", "[packet]", "table pack"),
        ("[pack]", "[[pack", "is not TOML"),
    ],
)
def test_a_pack_that_is_not_in_order_is_refused(before: str, after: str, told: str) -> None:
    assert before in TEXT
    with pytest.raises(PackError, match=told):
        read_pack(TEXT.replace(before, after, 1))


def test_comments_do_not_change_a_pack_and_a_number_does() -> None:
    assert read_pack("# said\n" + TEXT).sha256 == PACK.sha256
    assert read_pack(TEXT.replace('"24 %"', '"23 %"')).reference != PACK.reference


def test_a_shipped_pack_is_locked_and_a_folder_cannot_change_it(tmp_path: Path) -> None:
    assert load_packs()[HOUSE_PACK].sha256 == PACK.sha256
    (tmp_path / "mine.toml").write_text(TEXT.replace('"24 %"', '"36 %"'), encoding="utf-8")
    with pytest.raises(PackError, match="comes with the program and was changed"):
        load_packs(tmp_path)
    folder = resources.files("counterfoil") / "rules"
    assert (folder / shelf.LOCK_FILE).read_text(encoding="utf-8") == (
        f"{PACK.pack_id} {PACK.sha256}\n"
    )


def test_a_clock_without_a_length_does_not_run() -> None:
    on = date(2026, 1, 1)
    assert days_asked("one_time_inquiry_days_most", on=on) == 30
    with pytest.raises(LookupError):
        days_asked("one_time_inquiry_days_most", on=date(2010, 1, 1))
    assert pack_on(on).pack_id == HOUSE_PACK


# ------------------------------------------------------------------------------- working days

Add = Callable[[date, int], date]


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        # An ordinary week, and one across a weekend.
        (date(2026, 1, 12), 3, date(2026, 1, 15)),
        (date(2026, 1, 16), 1, date(2026, 1, 19)),
        (date(2026, 1, 16), 0, date(2026, 1, 16)),
        # The Spring Festival, with the Saturdays before and after it worked.
        (date(2026, 2, 13), 1, date(2026, 2, 14)),
        (date(2026, 2, 14), 1, date(2026, 2, 24)),
        (date(2026, 2, 27), 1, date(2026, 2, 28)),
        # National Day: five working days from the last one before it.
        (date(2026, 9, 30), 5, date(2026, 10, 13)),
        (date(2025, 9, 30), 3, date(2025, 10, 11)),
        # New Year lies in the year after the request.
        (date(2025, 12, 31), 1, date(2026, 1, 4)),
        # 2027 is not known: Monday to Friday.
        (date(2026, 12, 31), 1, date(2027, 1, 1)),
    ],
)
def test_working_days_know_holidays_and_weekends_that_are_worked(
    start: date, count: int, end: date
) -> None:
    assert add_working_days(start, count, days=working_days()) == end


def test_years_whose_holidays_are_not_known_are_told() -> None:
    days = working_days()
    assert days.is_known(date(2025, 1, 1), date(2026, 12, 31))
    assert not days.is_known(date(2026, 12, 31), date(2027, 1, 1))


def test_the_calendar_is_in_order() -> None:
    days = working_days()
    assert not days.closed & days.working
    assert all(day.weekday() > 4 for day in days.working)
    assert {day.year for day in days.closed | days.working} == days.years
    # Eleven public holidays a year are paid for; what is closed on weekdays beyond them is worked.
    for year, holidays in ((2025, 13), (2026, 13)):
        closed = sum(day.weekday() < 5 for day in days.closed if day.year == year)
        worked = sum(day.year == year for day in days.working)
        assert closed - worked <= holidays
