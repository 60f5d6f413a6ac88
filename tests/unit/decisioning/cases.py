"""Cases that decisions are tested on: a customer with a clean record, and what may be changed."""

from collections.abc import Mapping
from datetime import date

from counterfoil.decisioning.decision import Asked, Decision
from counterfoil.decisioning.document import BASE_POLICY, load_policy
from counterfoil.decisioning.expression import Value

POLICY = load_policy(BASE_POLICY)
TODAY = date(2026, 1, 5)

#: Nothing late, half of the limits in use, no word about income.
CLEAN: dict[str, Value | None] = {
    "age_years": 30,
    "purpose": "travel",
    "is_student": False,
    "history_months": 6,
    "delay_months_latest": 0,
    "delay_months_max": 0,
    "late_months_count": 0,
    "unpaid_months_count": 0,
    "utilisation_ppm": 500_000,
    "payment_share_ppm": 300_000,
    "credit_elsewhere_minor": 10_000_000,
    "balance_elsewhere_minor": 5_000_000,
}
#: Somebody of whom nothing is recorded, with an income.
NEWCOMER: dict[str, Value | None] = {
    "age_years": 22,
    "purpose": "household",
    "is_student": False,
    "history_months": 0,
    "income_monthly_minor": 800_000,
    "debt_monthly_minor": 0,
}


def asked(**changes: object) -> Asked:
    fields: dict[str, object] = {
        "product_code": "cash-line-open",
        "product_version": 1,
        "currency": "CNY",
        "requested_minor": None,
        "limit_min_minor": 50_000,
        "limit_max_minor": 20_000_000,
        "limit_step_minor": 10_000,
        "tenors_months": (3, 6, 9, 12),
        "rate_daily_min_e8": 20_000,
        "rate_daily_max_e8": 55_000,
        "as_of": TODAY,
    }
    return Asked(**fields | changes)  # type: ignore[arg-type]


def decide(
    changes: Mapping[str, Value | None] | None = None,
    *,
    case: Mapping[str, Value | None] = CLEAN,
    question: Asked | None = None,
) -> Decision:
    return POLICY.decide({**case, **(changes or {})}, question or asked())
