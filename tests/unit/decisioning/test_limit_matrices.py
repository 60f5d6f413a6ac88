"""Every cell of the shipped limit matrices: inside the caps, falling with the grade, repeatable."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest

from counterfoil.decisioning.boundary import generated_cases
from counterfoil.decisioning.decision import Asked
from counterfoil.decisioning.document import load_policy
from counterfoil.decisioning.policy import Policy
from counterfoil.lending.catalogue import load_catalogue
from counterfoil.lending.terms import Terms

ASKED = Asked(
    product_code="cash-line-open",
    product_version=1,
    currency="CNY",
    requested_minor=None,
    limit_min_minor=50_000,
    limit_max_minor=20_000_000,
    limit_step_minor=10_000,
    tenors_months=(3, 6, 9, 12),
    rate_daily_min_e8=20_000,
    rate_daily_max_e8=55_000,
    as_of=date(2026, 6, 1),
)
#: A record on which a raise is granted, and present limits of each step.
SOUND = {
    "own_months": 12, "own_used_ppm": 300_000, "own_instalments_paid": 12, "own_loans_repaid": 3,
    "own_days_late_worst": 0, "own_raises_12_months": 0, "own_days_since_raise": None,
    "income_monthly_minor": 3_000_000, "debt_monthly_minor": 100_000, "delay_months_latest": 0,
    "late_months_count": 0, "credit_elsewhere_minor": 10_000_000,
    "balance_elsewhere_minor": 2_000_000, "has_fraud_warning": False, "is_disputed": False,
}  # fmt: skip
LIMITS = (400_000, 1_500_000, 3_000_000)
NAMES = (
    *("base-2026-01", "base-2026-02", "base-2026-03", "base-2026-04", "cards-2026-01"),
    "raise-2026-01",
)
CATALOGUE = load_catalogue()
ON = date(2026, 6, 1)


def cells(policy: Policy) -> Iterator[tuple[str, str, int]]:
    """Yield grade, segment and limit of every cell, grown ones among them."""
    for grade in policy.grades:
        for segment in policy.segments:
            yield grade.code, segment.code, grade.limit_of(segment.code, grown=False)
            if policy.growth is not None:
                yield grade.code, segment.code, grade.limit_of(segment.code, grown=True)


#: Drafts are offered to nobody.
OFFERED = [product.terms for product in CATALOGUE.products() if product.state == "effective"]


@pytest.mark.parametrize("name", NAMES)
def test_every_cell_lies_within_product_and_licence_on_the_step(name: str) -> None:
    policy = load_policy(name)
    # Every line of the catalogue is decided by the same matrix: the widest holds the cells, and
    # each decision holds what a cell gives to its own product.
    widest = max(terms.limit_minor_max for terms in OFFERED)
    for terms in OFFERED:
        cap = CATALOGUE.limit_cap_minor(terms, ON)
        assert cap is not None
        assert terms.limit_minor_max <= cap
        for grade, segment, limit in cells(policy):
            place = f"{name} {grade} {segment}"
            assert 0 <= limit <= widest, place
            assert limit % terms.limit_minor_step == 0, place
            # Below the product's minimum a cell is a decline, never a few units.
            assert limit == 0 or limit >= terms.limit_minor_min, place


@pytest.mark.parametrize("terms", OFFERED, ids=lambda terms: terms.code)
@pytest.mark.parametrize("name", NAMES)
def test_no_product_grants_more_than_its_own_limit_whatever_the_cell(
    name: str, terms: Terms
) -> None:
    policy = load_policy(name)
    asked = replace(
        ASKED,
        limit_min_minor=terms.limit_minor_min,
        limit_max_minor=terms.limit_minor_max,
        limit_step_minor=terms.limit_minor_step,
    )
    for case in generated_cases(policy, most=150):
        made = policy.decide(case, asked)
        assert made.limit_minor <= terms.limit_minor_max


@pytest.mark.parametrize("name", NAMES)
def test_a_better_grade_never_has_less_whatever_the_segment(name: str) -> None:
    policy = load_policy(name)
    for better, worse in pairwise(policy.grades):
        for segment in policy.segments:
            for grown in {False, policy.growth is not None}:
                more = better.limit_of(segment.code, grown=grown)
                less = worse.limit_of(segment.code, grown=grown)
                assert more >= less, (name, better.code, worse.code, segment.code)


@pytest.mark.parametrize("name", NAMES)
def test_whoever_is_unknown_has_the_last_row_and_never_the_best(
    name: str,
) -> None:
    policy = load_policy(name)
    last = policy.segments[-1]
    names = [item.name for item in policy.features] + [item.name for item in policy.derived]
    nothing = dict.fromkeys(names)
    assert policy.segment_of(nothing) == last
    best = policy.grades[0]
    top = {item.code: min(best.limit_of(item.code, grown=False), item.cap_minor)
           for item in policy.segments}  # fmt: skip
    if not name.startswith("raise"):
        # Students are kept smaller still, by law; nobody else has less than who is not known.
        others = [minor for code, minor in top.items() if code != "student"]
        assert top[last.code] == min(others)
        assert top[last.code] <= 500_000


@pytest.mark.parametrize("name", NAMES)
def test_what_is_granted_is_the_smallest_bound_and_the_same_again(name: str) -> None:
    policy = load_policy(name)
    caps = {item.code: item.cap_minor for item in policy.segments}
    asked = replace(ASKED, currency=policy.currency)
    granted = 0
    cases = generated_cases(policy, most=400)
    if name.startswith("raise"):
        cases += [{**SOUND, "own_limit_minor": minor} for minor in LIMITS]
    for case in cases:
        made = policy.decide(case, asked)
        assert policy.decide(case, asked).result() == made.result()
        if not made.limit_minor:
            continue
        granted += 1
        assert made.limit_minor <= caps[made.segment]
        assert made.limit_minor % asked.limit_step_minor == 0
        assert made.limit_minor >= asked.limit_min_minor
        bound = min(made.candidates, key=lambda item: item.limit_minor)
        assert made.binding == bound.name
        assert made.limit_minor == bound.limit_minor - bound.limit_minor % asked.limit_step_minor
    assert granted


def test_a_licence_has_a_cap_from_its_date_on_and_none_before() -> None:
    terms = CATALOGUE.terms("cash-line-open", 1)
    bank, micro = replace(terms, licence="bank"), replace(terms, licence="micro_loan")
    assert CATALOGUE.limit_cap_minor(bank, date(2020, 7, 11)) is None
    assert CATALOGUE.limit_cap_minor(bank, date(2020, 7, 12)) == 20_000_000
    assert CATALOGUE.limit_cap_minor(micro, ON) is None
