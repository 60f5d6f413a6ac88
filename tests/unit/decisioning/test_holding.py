"""Ceilings on debt hold every decision: no score, no choice and no control group lifts one."""

from dataclasses import replace
from datetime import date

import orjson
import pytest

from counterfoil.decisioning.debt_ceiling import DebtCeiling
from counterfoil.decisioning.decision import Asked, Decision, Outcome
from counterfoil.decisioning.document import load_policy
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.holding import DEBT_CEILING, REFUSED_BY_CEILING
from counterfoil.decisioning.honouring import honour
from counterfoil.decisioning.replay import asked_of, record_of, replay
from counterfoil.decisioning.wishes import Wishes

POLICY = load_policy("base-2026-02")
ASKED = Asked(
    product_code="cash-line-open", product_version=1, currency="CNY", requested_minor=None,
    limit_min_minor=100_000, limit_max_minor=5_000_000, limit_step_minor=10_000,
    tenors_months=(3, 6, 12), rate_daily_min_e8=10_000, rate_daily_max_e8=60_000,
    as_of=date(2026, 3, 1),
)  # fmt: skip
SOUND: dict[str, Value | None] = {
    "age_years": 30, "purpose": "travel", "is_student": False, "income_monthly_minor": 2_000_000,
    "debt_monthly_minor": 0, "lenders_count": 0, "history_months": 12, "delay_months_latest": 0,
    "delay_months_max": 0, "late_months_count": 0, "unpaid_months_count": 0,
    "utilisation_ppm": 100_000, "payment_share_ppm": 900_000, "credit_elsewhere_minor": 7_000_000,
    "balance_elsewhere_minor": 0, "has_fraud_warning": False, "is_disputed": False,
}  # fmt: skip
NOTHING = DebtCeiling(
    run="gd_1", refuses=False, refers=False, cap_minor=None, cap_by="", reasons=(), cap_reason=""
)


def decided(ceiling: DebtCeiling | None, **changes: object) -> Decision:
    asked = replace(ASKED, ceiling=ceiling, **changes)  # type: ignore[arg-type]
    decision = honour(POLICY.decide(SOUND, asked))
    stored = record_of(decision)
    assert replay(POLICY, stored).is_same
    assert asked_of(orjson.loads(stored.inputs)["asked"]) == asked
    return decision


def test_the_case_is_approved_where_nothing_holds_it() -> None:
    assert decided(None).outcome is Outcome.APPROVED
    assert b"ceiling" not in decided(None).inputs()


def test_a_refusal_declines_what_the_score_approves() -> None:
    ceiling = replace(NOTHING, refuses=True, reasons=("EXP_TOTAL",))
    decision = decided(ceiling)
    assert (decision.outcome, decision.limit_minor) == (Outcome.DECLINED, 0)
    assert decision.reasons == ("EXP_TOTAL",)
    assert (decision.binding, decision.flags) == (DEBT_CEILING, (REFUSED_BY_CEILING,))
    assert (decision.rate_daily_e8, decision.valid_until) == (None, None)
    assert POLICY.explain(decision.reasons, "zh") == ("您在各机构的授信或借款总额较高",)


def test_a_cap_binds_is_rounded_down_and_named() -> None:
    ceiling = replace(NOTHING, cap_minor=1_239_999, cap_by="dsr", cap_reason="CAP_DSR")
    decision = decided(ceiling)
    assert (decision.outcome, decision.limit_minor) == (Outcome.APPROVED, 1_230_000)
    assert (decision.binding, decision.reasons[0]) == (DEBT_CEILING, "CAP_DSR")


def test_a_cap_below_the_least_limit_declines_with_its_reason() -> None:
    ceiling = replace(NOTHING, cap_minor=99_999, cap_by="dsr", cap_reason="CAP_DSR")
    decision = decided(ceiling)
    assert (decision.outcome, decision.limit_minor) == (Outcome.DECLINED, 0)
    assert decision.reasons == ("CAP_DSR",)


def test_a_soft_ceiling_sends_an_approval_to_a_person() -> None:
    decision = decided(replace(NOTHING, refers=True, reasons=("EXP_LENDERS",)))
    assert (decision.outcome, decision.reasons[0]) == (Outcome.REFERRED, "EXP_LENDERS")
    assert decision.limit_minor > 0


def test_who_wishes_a_person_finds_one_who_has_nothing_to_grant() -> None:
    ceiling = replace(NOTHING, refuses=True, reasons=("EXP_TOTAL",))
    decision = decided(ceiling, wishes=Wishes(person_days=5))
    assert (decision.outcome, decision.limit_minor) == (Outcome.REFERRED, 0)


@pytest.mark.parametrize("cap", [None, 10_000_000])
def test_a_cap_that_leaves_room_changes_nothing_but_the_record(cap: int | None) -> None:
    decision, plain = decided(replace(NOTHING, cap_minor=cap)), decided(None)
    assert (decision.outcome, decision.limit_minor, decision.binding) == (
        plain.outcome, plain.limit_minor, plain.binding,
    )  # fmt: skip
