"""A review of a line: which measure follows, which never does, and how a line comes back."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from typing import Any
from unittest.mock import AsyncMock

import pytest

from counterfoil.decisioning.line_review import store
from counterfoil.decisioning.line_review.decide import review
from counterfoil.decisioning.line_review.document import load_review_policy, read_review_policy
from counterfoil.decisioning.line_review.explanation import data_behind
from counterfoil.decisioning.line_review.guard import MeasureCount
from counterfoil.decisioning.line_review.policy import ADVERSE, Measure
from counterfoil.decisioning.line_review.record import made_again, record_of, reviews_compared
from counterfoil.decisioning.line_review.review import Review, ReviewedLine, ReviewOutcome
from counterfoil.decisioning.policy_parts import Guards
from counterfoil.decisioning.reading import InvalidPolicyError
from counterfoil.decisioning.replay import Replay, StoredDecision
from counterfoil.journeys.lines.line_policy import WindowCounts

POLICY = load_review_policy("review-2026-01")
ON = date(2026, 8, 3)
LINE = ReviewedLine(
    trigger="periodic",
    product_code="cash-line-open",
    product_version=1,
    currency="CNY",
    status="active",
    frozen_until=None,
    is_frozen_by_measure=False,
    limit_minor=1_000_000,
    used_minor=300_000,
    limit_min_minor=50_000,
    limit_max_minor=20_000_000,
    limit_step_minor=10_000,
    licence_cap_minor=20_000_000,
    raises_12_months=0,
    days_since_change=200,
    days_since_measure=None,
    days_suspended=None,
    clean_statements=7,
    as_of=ON,
    rule_pack="cn-2026-01@0123456789ab",
    feature_registry="0" * 64,
)
#: A record that is offered more.
GOOD: dict[str, Any] = {
    "own_limit_minor": 1_000_000,
    "own_months": 8,
    "own_used_ppm": 300_000,
    "own_instalments_paid": 7,
    "own_loans_repaid": 1,
    "own_days_past_due": 0,
    "own_on_time_streak": 7,
    "own_late_months_6": 0,
    "own_late_months_since_change": 0,
    "own_clean_statements": 7,
    "own_statements_since_change": 7,
    "own_statements_over_90": 0,
    "own_paid_beyond_due_minor": 0,
    "own_days_since_late": None,
    "own_cap_below_limit": False,
    "fraud_signals_open": 0,
    "identity_doubts_open": 0,
    "data_conflicts_open": 0,
    "lender_alerts_90_days": 0,
    "disputes_open": 0,
    "hardship_open": 0,
    "closing_grounds_open": 0,
    "grade_steps_worse": None,
}


def again(stored: StoredDecision) -> Replay:
    return reviews_compared(stored, made_again(POLICY, stored))


def reviewed(line: dict[str, Any] | None = None, **facts: Any) -> Review:
    return review(POLICY, replace(LINE, **(line or {})), {**GOOD, **facts})


# Offers


def test_a_good_record_is_offered_a_step_and_no_more() -> None:
    made = reviewed()
    assert (made.outcome, made.to_minor, made.binding) == (
        ReviewOutcome.OFFERED,
        1_200_000,
        "ladder",
    )
    assert made.effective_on is None
    higher = reviewed({"limit_minor": 1_200_000}, own_limit_minor=1_200_000)
    assert (higher.to_minor, higher.binding) == (1_500_000, "ladder")
    wide = reviewed({"limit_minor": 500_000})
    assert (wide.to_minor, wide.binding) == (650_000, "step")


@pytest.mark.parametrize(
    ("line", "binding", "reason"),
    [
        ({"days_since_change": 89}, "wait", "CHANGED_RECENTLY"),
        ({"raises_12_months": 2}, "per_year", "RAISED_OFTEN"),
        ({"days_since_measure": 30, "clean_statements": 1}, "way_back", "RECORD_SHORT"),
        ({"limit_minor": 6_000_000}, "total_cap", "LIMIT_TOTAL"),
        ({"limit_max_minor": 1_000_000}, "product", "LIMIT_PRODUCT"),
        ({"licence_cap_minor": 1_000_000}, "licence", "LIMIT_LICENCE"),
    ],
)
def test_what_keeps_an_offer_back_is_named(line: dict[str, Any], binding: str, reason: str) -> None:
    made = reviewed(line)
    assert (made.outcome, made.binding, made.reasons) == (
        ReviewOutcome.UNCHANGED,
        binding,
        (reason,),
    )
    assert made.to_minor is None


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"hardship_open": 1}, "HARDSHIP"),
        ({"disputes_open": 1}, "DISPUTE_OPEN"),
        ({"own_cap_below_limit": True}, "OWN_CAP"),
        ({"grade_steps_worse": 1}, "GRADE_WORSE"),
        ({"lender_alerts_90_days": 1}, "EXP_LENDERS"),
        ({"hardship_open": None}, "HARDSHIP"),
    ],
)
def test_who_is_excluded_from_offers_is_told_why(facts: dict[str, Any], reason: str) -> None:
    made = reviewed(**facts)
    assert made.outcome is ReviewOutcome.UNCHANGED
    assert reason in made.reasons


# Measures


@pytest.mark.parametrize(
    ("facts", "to_minor", "rule"),
    [
        ({"own_late_months_6": 1, "own_late_months_since_change": 1}, 800_000, "D02"),
        ({"own_late_months_6": 2, "own_late_months_since_change": 1}, 300_000, "D01"),
        ({"own_statements_over_90": 3}, 800_000, "D03"),
        ({"lender_alerts_90_days": 2}, 800_000, "D04"),
        ({"grade_steps_worse": 2}, 800_000, "D05"),
    ],
)
def test_what_lowers_a_line_and_how_far(facts: dict[str, Any], to_minor: int, rule: str) -> None:
    made = reviewed(**facts)
    assert (made.outcome, made.to_minor, made.acted) == (ReviewOutcome.LOWERED, to_minor, (rule,))
    assert made.effective_on == ON + timedelta(days=POLICY.notice_days)


def test_of_who_wants_a_person_no_rule_lowers_and_a_stop_is_looked_at() -> None:
    wish = {"person_decides": True}
    made = reviewed(wish, lender_alerts_90_days=2)
    assert (made.outcome, made.to_minor, made.proposals) == (
        ReviewOutcome.REFERRED,
        None,
        ("look",),
    )
    assert (made.acted, made.guarded) == (("D04",), ("wish:D04",))
    assert again(record_of(made)).is_same
    # Drawing stops at once where it has to; a person looks at that as well.
    frozen = reviewed(wish, identity_doubts_open=1)
    assert (frozen.outcome, frozen.proposals) == (ReviewOutcome.FROZEN, ("look",))
    assert reviewed(identity_doubts_open=1).proposals == ()
    # What went before this could be wished keeps its text.
    assert b"person_decides" not in record_of(reviewed()).inputs


def test_the_same_late_month_lowers_once() -> None:
    assert reviewed(own_late_months_6=1).outcome is not ReviewOutcome.LOWERED
    paid_more = reviewed(own_statements_over_90=3, own_paid_beyond_due_minor=1)
    assert paid_more.outcome is not ReviewOutcome.LOWERED


def test_no_rule_lowers_below_what_is_used_or_the_products_minimum() -> None:
    late: dict[str, Any] = {"own_late_months_6": 2, "own_late_months_since_change": 1}
    assert reviewed({"used_minor": 304_001}, **late).to_minor == 310_000
    assert reviewed({"used_minor": 0}, **late).to_minor == 50_000
    over = reviewed({"used_minor": 1_200_000}, **late)
    assert (over.outcome, over.to_minor) == (ReviewOutcome.UNCHANGED, None)


def test_precedence_is_suspend_freeze_lower() -> None:
    bad: dict[str, Any] = {
        "own_days_past_due": 20,
        "fraud_signals_open": 1,
        "own_late_months_6": 2,
        "own_late_months_since_change": 2,
    }
    assert reviewed(**bad).outcome is ReviewOutcome.SUSPENDED
    frozen = reviewed(**{**bad, "own_days_past_due": 0})
    assert (frozen.outcome, frozen.ends_on) == (ReviewOutcome.FROZEN, ON + timedelta(days=29))
    assert frozen.effective_on == ON
    # What holds already has no effect; the next measure in order follows.
    again = reviewed({"status": "suspended", "days_suspended": 5}, **bad)
    assert again.outcome is ReviewOutcome.LOWERED


def test_a_running_freeze_is_not_renewed_and_the_customers_own_is_no_shelter() -> None:
    own: dict[str, Any] = {"status": "frozen", "frozen_until": ON + timedelta(days=3)}
    assert reviewed(own, fraud_signals_open=1).outcome is ReviewOutcome.FROZEN
    taken = {**own, "is_frozen_by_measure": True}
    assert reviewed(taken, fraud_signals_open=1).outcome is ReviewOutcome.UNCHANGED


def test_ninety_days_late_is_proposed_for_closing_beside_the_suspension() -> None:
    first = reviewed(own_days_past_due=91)
    assert (first.outcome, first.proposals) == (ReviewOutcome.SUSPENDED, ("close",))
    held = reviewed({"status": "suspended"}, own_days_past_due=91)
    assert (held.outcome, held.proposals) == (ReviewOutcome.REFERRED, ("close",))


# The way back


def test_a_suspension_is_lifted_by_rule_with_stronger_evidence_than_being_cured() -> None:
    held = {"status": "suspended", "days_suspended": 20}
    assert reviewed(held, own_days_since_late=7).outcome is ReviewOutcome.REINSTATED
    early = reviewed(held, own_days_since_late=6, own_clean_statements=0)
    assert early.outcome is ReviewOutcome.UNCHANGED
    short = reviewed({**held, "days_suspended": 6}, own_days_since_late=7)
    assert short.outcome is ReviewOutcome.UNCHANGED
    often = reviewed(held, own_days_since_late=30, own_late_months_6=2, own_clean_statements=1)
    assert often.outcome is ReviewOutcome.UNCHANGED
    owing = reviewed(held, own_days_past_due=5, own_days_since_late=7)
    assert owing.outcome is ReviewOutcome.UNCHANGED


# Unknown


@pytest.mark.parametrize("name", sorted(GOOD))
def test_no_single_unknown_takes_anything_from_anybody(name: str) -> None:
    made = reviewed(**{name: None})
    assert made.outcome in {
        ReviewOutcome.UNCHANGED,
        ReviewOutcome.OFFERED,
        ReviewOutcome.REFERRED,
    }


def test_knowing_nothing_refers_and_offers_nothing() -> None:
    made = review(POLICY, LINE, {})
    assert made.outcome is ReviewOutcome.REFERRED
    assert made.to_minor is None


# Guards


def test_a_tripped_cap_sends_measures_to_a_person_and_counts_within_the_run() -> None:
    count = MeasureCount(POLICY, reviews=0, adverse=0, by_rule={})
    late = {**GOOD, "own_days_past_due": 9}
    made = []
    for _ in range(52):
        made.append(review(POLICY, LINE, late, count.guards()))
        count.add(made[-1])
    outcomes = [item.outcome for item in made]
    assert outcomes[:50] == [ReviewOutcome.SUSPENDED] * 50
    assert outcomes[50:] == [ReviewOutcome.REFERRED] * 2
    assert "cap:S01" in made[-1].guarded


def test_what_a_run_reads_of_its_window_grows_with_the_logarithm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A page adds one review; the window holds what all the pages before have added."""
    kept, reads, pages = 0, 0, 1_000
    made = reviewed()

    async def read_count(*_: Any, **__: Any) -> MeasureCount:
        nonlocal reads
        reads += 1
        return MeasureCount(POLICY, reviews=kept, adverse=0, by_rule={})

    async def run() -> None:
        nonlocal kept
        counts = WindowCounts()
        for _ in range(pages):
            count = await counts.of(AsyncMock(), POLICY, at=datetime(2026, 8, 3, tzinfo=UTC))
            assert count.reviews == kept
            count.add(made)
            kept += 1

    monkeypatch.setattr(store, "read_count", read_count)
    asyncio.run(run())
    assert 2 < reads <= pages.bit_length() + 2


def test_a_snoozed_rule_is_judged_and_suppressed() -> None:
    guards = Guards(snoozed=frozenset({"S01"}))
    made = review(POLICY, LINE, {**GOOD, "own_days_past_due": 9}, guards)
    assert made.verdicts["S01"] == "true"
    assert made.guarded == ("snooze:S01",)
    assert made.outcome is not ReviewOutcome.SUSPENDED


# Record


def test_a_stored_review_comes_out_again_to_the_byte() -> None:
    cases = [
        reviewed(),
        reviewed(own_days_past_due=9),
        review(POLICY, LINE, {"own_months": 3}, Guards(tripped=frozenset({"*"}))),
    ]
    for made in cases:
        assert again(record_of(made)).is_same
    stored = record_of(cases[0])
    altered = replace(stored, result=stored.result.replace(b'"to_minor":1200000', b'"to_minor":1'))
    assert again(altered).differences == ("to_minor",)


# Documents


def text() -> str:
    folder = resources.files("counterfoil.decisioning").joinpath("policies")
    return folder.joinpath("review-2026-01.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("before", "after", "place"),
    [
        ('measure = "suspend"\non_unknown = "refer"', 'measure = "suspend"\non_unknown = "suspend"',
         "policy.rules[S01].on_unknown"),
        ('reason = "VERIFY"\ndays = 30\n', 'reason = "VERIFY"\n', "policy.rules[F01].days"),
        ("percent = 20\n", "percent = 100\n", "policy.rules[D02].percent"),
        ("own_days_past_due > 90", "shoe_size > 90", "policy.rules[C01].when"),
        ('purpose = "line_review"', 'purpose = "origination"', "policy.purpose"),
        ("50_000, 100_000, 150_000", "50_000, 50_000, 150_000", "policy.ladder_minor"),
        ("statements_min = 2", "statements_min = 0", "policy.way_back.days_min"),
        ('wait = "CHANGED_RECENTLY"\n', "", "policy.bound_reasons"),
        ('measure = "reinstate"', 'measure = "flag"', "policy.rules"),
        ('reason = "CURED"', 'reason = "UNTOLD"', "policy.reasons"),
        ('by_product = { "*" = 30 }', "by_product = { a = 30 }", "policy.periods.by_product"),
        ("notice_days = 3", "notice_days = 3\nsurprise = 1", "policy.surprise"),
    ],
)  # fmt: skip
def test_a_faulty_document_says_where(before: str, after: str, place: str) -> None:
    found = text()
    assert before in found
    with pytest.raises(InvalidPolicyError) as raised:
        read_review_policy(found.replace(before, after))
    assert raised.value.place == place


def test_every_rule_of_the_shipped_policy_can_be_true_and_every_measure_is_there() -> None:
    assert {rule.measure for rule in POLICY.rules} >= {*ADVERSE, Measure.REINSTATE}
    for rule in POLICY.rules:
        if rule.measure in ADVERSE:
            assert rule.on_unknown not in ADVERSE


def test_a_measure_is_explained_by_what_its_rules_read_and_fraud_by_nothing() -> None:
    def told(made: Review) -> dict[str, object]:
        kept = record_of(made)
        return {item.name: item.value for item in data_behind(POLICY, kept.inputs, kept.result)}

    suspended = reviewed(own_days_past_due=20)
    assert suspended.outcome is ReviewOutcome.SUSPENDED
    assert told(suspended) == {"own_days_past_due": 20}
    [datum] = data_behind(POLICY, record_of(suspended).inputs, record_of(suspended).result)
    assert datum.source == "own_behaviour"
    assert datum.correct.en
    assert datum.label.zh
    frozen = reviewed(fraud_signals_open=1)
    assert frozen.outcome is ReviewOutcome.FROZEN
    assert told(frozen) == {}
    # Another record is another explanation.
    assert told(reviewed(own_days_past_due=40)) == {"own_days_past_due": 40}
