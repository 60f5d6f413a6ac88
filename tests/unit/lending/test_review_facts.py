"""What a review reads of a line's own record: statements, lateness, utilisation."""

from datetime import date, timedelta
from typing import Any

from counterfoil.lending.line import Line
from counterfoil.lending.review_facts import (
    UNDONE,
    Flow,
    Instalment,
    LimitEvent,
    LineRecord,
    days_since_change,
    review_facts,
    standing_changes,
)

OPENED = date(2026, 1, 10)
ON = date(2026, 7, 10)


def a_line(**changes: Any) -> Line:
    fields: dict[str, Any] = {
        "customer_id": 1, "line_id": 1, "application_id": 1, "product_code": "cash-line-open",
        "product_version": 1, "lender_id": "lender-one", "currency": "CNY", "status": "active",
        "limit_minor": 500_000, "rate_daily_e8": 40_000, "repayment_day": 15, "opened_on": OPENED,
        "valid_to": date(2027, 1, 10),
    }  # fmt: skip
    return Line(**fields | changes)


def facts(*instalments: Instalment, on: date = ON, **record: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "line": a_line(),
        "instalments": instalments,
        "loans_repaid": 0,
        "limits": [LimitEvent(OPENED, "opened", None, 500_000, "offer_accepted")],
        "flows": [],
    }
    return review_facts(LineRecord(**given | record), on)


def due(day: date, paid_after: int | None = 0) -> Instalment:
    settled = None if paid_after is None else day + timedelta(days=paid_after)
    return Instalment(day, settled, 3, 20_000)


def test_what_is_paid_within_grace_is_not_late() -> None:
    found = facts(*(due(date(2026, month, 15), 3) for month in range(2, 7)))
    assert found["own_late_months_6"] == 0
    assert found["own_clean_statements"] == 6
    assert found["own_on_time_streak"] == 5
    assert found["own_days_since_late"] is None


def test_a_day_past_grace_is_late_in_the_statement_in_which_it_was() -> None:
    found = facts(due(date(2026, 4, 15), 4), due(date(2026, 5, 15), 0))
    assert found["own_late_months_6"] == 1
    # Statements to 10 July and 10 June are clean, the one to 10 May is not.
    assert found["own_clean_statements"] == 2
    assert found["own_on_time_streak"] == 1
    assert found["own_days_since_late"] == (ON - date(2026, 4, 19)).days


def test_a_few_days_around_the_end_of_a_statement_are_one_late_month() -> None:
    found = facts(due(date(2026, 5, 5), 8))
    assert found["own_late_months_6"] == 1
    # Neither of the two statements is clean, though.
    assert found["own_clean_statements"] == 1


def test_what_stays_unpaid_is_late_in_every_statement_since() -> None:
    found = facts(due(date(2026, 4, 15), None))
    assert found["own_late_months_6"] == 3
    assert found["own_clean_statements"] == 0
    assert found["own_days_past_due"] == (ON - date(2026, 4, 15)).days
    assert found["own_days_since_late"] is None


def test_statements_before_the_line_was_opened_are_never_clean() -> None:
    assert facts(on=date(2026, 2, 9))["own_clean_statements"] == 0
    assert facts(on=date(2026, 3, 10))["own_clean_statements"] == 2


def test_a_decrease_starts_the_count_anew_unless_it_was_undone() -> None:
    opened = LimitEvent(OPENED, "opened", None, 500_000, "offer_accepted")
    lowered = LimitEvent(date(2026, 6, 1), "limit_lowered", 500_000, 400_000, "DLQ_RECENT")
    undone = LimitEvent(date(2026, 6, 20), "limit_restored", 400_000, 500_000, UNDONE)
    lifted = undone._replace(reason="measure_lifted")
    late = due(date(2026, 4, 15), 4)
    after = facts(late, limits=[opened, lowered])
    assert (after["own_late_months_since_change"], after["own_statements_since_change"]) == (0, 1)
    assert standing_changes([opened, lowered, undone]) == [opened]
    never = facts(late, limits=[opened, lowered, undone])
    assert (never["own_late_months_since_change"], never["own_statements_since_change"]) == (1, 6)
    # Lifted from then on: the decrease was, and so was the way back; neither is a raise.
    since = facts(late, limits=[opened, lowered, lifted])
    assert (since["own_statements_since_change"], since["own_raises_12_months"]) == (0, 0)
    record = LineRecord(
        line=a_line(), instalments=(), loans_repaid=0, limits=[opened, lowered], flows=()
    )
    assert days_since_change(record, ON) == 39


def test_utilisation_is_told_from_what_was_drawn_and_paid_since() -> None:
    full = a_line(principal_minor=460_000)
    assert facts(line=full)["own_statements_over_90"] == 7
    # 20,000 were paid in June: on 10 June 480,000 were used, on 10 May nothing was yet drawn.
    flows = [Flow(date(2026, 5, 20), -480_000), Flow(date(2026, 6, 15), 20_000)]
    found = facts(line=full, flows=flows)
    assert found["own_statements_over_90"] == 2
    assert found["own_paid_beyond_due_minor"] == 20_000
    minimum = facts(due(date(2026, 6, 15)), line=full, flows=flows)
    assert minimum["own_paid_beyond_due_minor"] == 0


def test_a_debt_that_is_carried_over_due_dates_is_counted_at_each() -> None:
    carried = Instalment(date(2026, 3, 15), date(2026, 5, 20), 3, 20_000)
    found = facts(carried, due(date(2026, 4, 15)), due(date(2026, 5, 15)), due(date(2026, 6, 15)))
    assert (found["own_rollovers_6"], found["own_days_late_worst_6"]) == (2, 66)
    assert facts(due(date(2026, 4, 15), 2))["own_days_late_worst_6"] == 0
    # Paid more than six months ago, it says nothing any more.
    old = Instalment(date(2025, 11, 15), date(2026, 1, 5), 3, 20_000)
    assert facts(old)["own_days_late_worst_6"] == 0


def test_who_pays_no_more_than_what_falls_due_is_counted_by_statements() -> None:
    dues = [due(date(2026, month, 15)) for month in (4, 5, 6)]
    least = [Flow(date(2026, month, 15), 20_000) for month in (4, 5, 6)]
    assert facts(*dues, flows=least)["own_minimum_statements"] == 3
    more = [*least[:2], Flow(date(2026, 6, 15), 20_001)]
    assert facts(*dues, flows=more)["own_minimum_statements"] == 0
    # A month in which nothing fell due ends the row.
    assert facts(*dues[::2], flows=least)["own_minimum_statements"] == 1


def test_while_a_decrease_is_announced_nothing_has_happened_since() -> None:
    late = due(date(2026, 6, 15), 9)
    record = {
        "instalments": (late,),
        "loans_repaid": 0,
        "flows": [],
        "line": a_line(),
        "limits": [],
    }
    given = LineRecord(**record)  # type: ignore[arg-type]
    assert review_facts(given, ON)["own_late_months_since_change"] == 1
    assert review_facts(given, ON, is_changing=True)["own_late_months_since_change"] == 0
