"""An experiment is fixed before it starts, places customers by a keyed hash, loosens no law."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.decisioning.experiments import (
    HASHES,
    challenger,
    challenger_document,
    control,
    control_document,
    shadow_document,
)
from tests.unit.decisioning.policies import base_document, full_document, rule, tree

from counterfoil.decisioning.assigned import Assigned, assigned_of
from counterfoil.decisioning.document import policy_of
from counterfoil.decisioning.experiment import (
    ALL_PPM,
    Experiment,
    InvalidExperimentError,
    experiment_of,
    read_document,
)
from counterfoil.decisioning.experiment_assignment import (
    arm_of,
    is_drawn,
    is_in,
    place_in_layer,
)
from counterfoil.decisioning.experiment_safety import LegalCaps, loosened

KEY = b"k" * 32
LAW = {"class": "law", "on_unknown": "refer"}
CUSTOMERS = range(1_000_000_007, 1_000_000_007 + 20_000)


# ---------------------------------------------------------------------------- the document


@pytest.mark.parametrize(
    ("document", "place"),
    [
        (challenger_document(last_date="2026-01-04"), "last_date"),
        (challenger_document(layer_from_ppm=600_000), "layer_share_ppm"),
        (challenger_document(layer_share_ppm=0), "layer_share_ppm"),
        (challenger_document(metrics=[]), "metrics"),
        (challenger_document(metrics=["approved", "approved"]), "metrics"),
        (challenger_document(metrics=["happiness"]), "metrics"),
        (challenger_document(kind="gamble"), "kind"),
        (challenger_document(code="Higher Limits"), "code"),
        (challenger_document(surprise=1), "surprise"),
        (challenger_document(first_date="tomorrow"), "first_date"),
        (control_document(purpose="limit_increase"), "purpose"),
        (
            control_document()
            | {"budget": {"share_ppm": 50_001, "accounts_max": 1, "loss_minor_max": 1}},
            "share_ppm",
        ),
        (
            control_document()
            | {"budget": {"share_ppm": 1, "accounts_max": 0, "loss_minor_max": 1}},
            "accounts_max",
        ),
        (shadow_document() | {"arms": challenger_document()["arms"]}, "arms"),
    ],
)
def test_a_document_that_cannot_be_run_is_refused_at_its_place(
    document: dict[str, Any], place: str
) -> None:
    with pytest.raises(InvalidExperimentError, match=place):
        experiment_of(document)


@pytest.mark.parametrize("shares", [(700_000, 300_001), (700_000, 200_000), (0, 1_000_000)])
def test_arms_share_out_exactly_all_customers(shares: tuple[int, int]) -> None:
    arms = [
        {"name": name, "policy_hash": digest, "share_ppm": share}
        for name, digest, share in zip(("champion", "other"), HASHES, shares, strict=True)
    ]
    with pytest.raises(InvalidExperimentError, match="arms"):
        challenger(arms=arms)


@pytest.mark.parametrize(
    "rule_",
    [
        {"metric": "late_90", "looks_cases": [100, 200], "bounds": "obrien_fleming"},
        {"metric": "approved", "looks_cases": [200, 100], "bounds": "obrien_fleming"},
        {"metric": "approved", "looks_cases": [100, 250], "bounds": "obrien_fleming"},
        {"metric": "approved", "looks_cases": [], "bounds": "obrien_fleming"},
        {"metric": "approved", "looks_cases": [100], "bounds": "feeling"},
    ],
)
def test_a_stop_rule_is_a_plan_of_looks_at_a_metric_of_the_experiment(rule_: Any) -> None:
    with pytest.raises(InvalidExperimentError, match="stop_rule"):
        challenger(stop_rule=rule_)


def test_bounds_are_wide_at_first_and_never_rounded_to_be_passed_sooner() -> None:
    looks = {"metric": "approved", "looks_cases": [100, 200, 300, 400], "bounds": "obrien_fleming"}
    found = challenger(stop_rule=looks).stop_rule
    assert found is not None
    # 2.024 times the root of 4, 2, 4/3 and 1.
    assert found.bounds_z_e3 == (4048, 2863, 2338, 2024)


def test_the_order_of_keys_does_not_change_what_it_is() -> None:
    document = challenger_document()
    turned = dict(reversed(list(document.items())))
    assert experiment_of(document).hash == experiment_of(turned).hash
    assert challenger(question="Another?").hash != challenger().hash


def test_a_file_may_write_dates_as_dates() -> None:
    text = """
code = "random-accept"
kind = "control"
purpose = "origination"
question = "Whom do we decline who would have paid?"
layer = "control"
layer_from_ppm = 0
layer_share_ppm = 1_000_000
first_date = 2026-01-05
last_date = "2026-06-30"
metrics = ["approved", "late_30", "profit_minor"]
[budget]
share_ppm = 10_000
accounts_max = 50
loss_minor_max = 2_500_000
"""
    assert experiment_of(read_document(text)) == control(
        question="Whom do we decline who would have paid?"
    )
    with pytest.raises(InvalidExperimentError, match="TOML"):
        read_document("code = ")


def test_two_parts_of_one_layer_meet_where_they_overlap_on_the_same_days() -> None:
    mine = challenger()
    assert mine.shares_customers_with(challenger(code="two", layer_from_ppm=499_999))
    assert not mine.shares_customers_with(challenger(code="two", layer_from_ppm=500_000))
    assert not mine.shares_customers_with(challenger(code="two", layer="other"))
    later = challenger(code="two", first_date="2026-07-01", last_date="2026-07-02")
    assert not mine.shares_customers_with(later)


# ---------------------------------------------------------------------------- assignment


def shares(experiment: Experiment, number: int = 77) -> dict[str, int]:
    found: dict[str, int] = {}
    for customer in CUSTOMERS:
        arm = arm_of(KEY, number, experiment, customer)
        if arm is not None:
            found[arm.name] = found.get(arm.name, 0) + 1
    return found


def test_shares_are_hit_within_five_standard_errors() -> None:
    found = shares(challenger())
    inside = sum(found.values())
    assert abs(inside - 10_000) < 5 * 71
    assert abs(found["challenger"] - inside * 0.3) < 5 * 46


@given(customer=st.integers(1, 2**63 - 1), number=st.integers(1, 2**63 - 1))
def test_who_is_where_is_the_same_whenever_it_is_asked(customer: int, number: int) -> None:
    experiment = challenger()
    first = arm_of(KEY, number, experiment, customer)
    assert arm_of(KEY, number, experiment, customer) == first
    assert (first is None) == (not is_in(KEY, experiment, customer))


@given(
    customer=st.integers(1, 2**63 - 1),
    edge=st.integers(1, ALL_PPM - 1),
    numbers=st.tuples(st.integers(1, 10**18), st.integers(1, 10**18)),
)
def test_two_experiments_of_one_layer_never_share_a_customer(
    customer: int, edge: int, numbers: tuple[int, int]
) -> None:
    left = challenger(layer_from_ppm=0, layer_share_ppm=edge)
    right = challenger(code="right", layer_from_ppm=edge, layer_share_ppm=ALL_PPM - edge)
    both = [arm_of(KEY, number, it, customer) for number, it in zip(numbers, (left, right),
                                                                    strict=True)]  # fmt: skip
    assert sum(arm is not None for arm in both) == 1


@pytest.mark.parametrize("customer", [11, 12, 13])
def test_a_part_of_a_layer_ends_where_the_next_one_begins(customer: int) -> None:
    place = place_in_layer(KEY, "origination", customer)
    assert is_in(KEY, challenger(layer_from_ppm=place, layer_share_ppm=1), customer)
    assert not is_in(KEY, challenger(layer_from_ppm=place - 1, layer_share_ppm=1), customer)
    assert not is_in(KEY, challenger(layer_from_ppm=place + 1, layer_share_ppm=1), customer)


def test_the_arms_of_two_experiments_tell_nothing_of_each_other() -> None:
    one = challenger(layer_share_ppm=ALL_PPM)
    two = challenger(code="two", layer="other", layer_share_ppm=ALL_PPM)
    both = of_first = of_second = 0
    for customer in CUSTOMERS:
        first, second = arm_of(KEY, 1, one, customer), arm_of(KEY, 2, two, customer)
        assert first is not None
        assert second is not None
        of_first += first.name == "challenger"
        of_second += second.name == "challenger"
        both += first.name == second.name == "challenger"
    assert abs(both - of_first * of_second / len(CUSTOMERS)) < 5 * 40


def test_another_key_assigns_other_customers() -> None:
    experiment = challenger(layer_share_ppm=ALL_PPM)
    other = b"x" * 32
    same = sum(
        arm_of(KEY, 1, experiment, customer) == arm_of(other, 1, experiment, customer)
        for customer in CUSTOMERS
    )
    # 0.7 squared and 0.3 squared.
    assert abs(same / len(CUSTOMERS) - 0.58) < 0.02


def test_a_control_group_draws_its_share() -> None:
    drawn = sum(is_drawn(KEY, 5, control(), customer) for customer in CUSTOMERS)
    assert abs(drawn - 200) < 5 * 14


def test_what_is_stored_of_an_assignment_is_read_back() -> None:
    for it in (
        Assigned(experiment_id=2**60 + 1, arm="champion"),
        Assigned(control_id=2**60 + 3, grant_no=4),
        Assigned(experiment_id=1, arm="b", control_id=2, grant_no=1),
    ):
        assert assigned_of(it.document()) == it
    assert assigned_of(None) is None


# ---------------------------------------------------------------------------- no looser law


def places(changed: dict[str, Any], caps: LegalCaps = LegalCaps()) -> set[str]:  # noqa: B008
    return {found.place for found in loosened(policy_of(full_document()), policy_of(changed), caps)}


def rule_of(document: dict[str, Any], code: str) -> dict[str, Any]:
    found: dict[str, Any] = next(item for item in document["rules"] if item["code"] == code)
    return found


def drop(document: dict[str, Any], code: str) -> None:
    """Take out a rule, and what its document tries it with."""
    document["rules"] = [item for item in document["rules"] if item["code"] != code]
    document["tests"] = [item for item in document.get("tests", []) if item["rule"] != code]


def test_a_variant_may_score_grade_and_price_otherwise_and_be_stricter() -> None:
    variant = full_document()
    variant["version"] = "other"
    variant["rate_annual_max_e8"] -= 1
    variant["capacity"]["share_percent"] -= 10
    drop(variant, "R03")
    variant["rules"].append(rule("L99", "late_months_count > 4", "decline") | LAW)
    for grade in variant["grades"]:
        grade["rate_daily_e8"] -= 100
    assert places(variant) == set()


def _drop_law(document: dict[str, Any]) -> None:
    drop(document, "E01")


def _younger(document: dict[str, Any]) -> None:
    rule_of(document, "E01")["when"] = tree("age_years < 17")


def _only_flag(document: dict[str, Any]) -> None:
    rule_of(document, "E01")["action"] = "refer"


def _unknown_passes(document: dict[str, Any]) -> None:
    rule_of(document, "E01")["on_unknown"] = "decline"


def _risk_not_law(document: dict[str, Any]) -> None:
    rule_of(document, "E01")["class"] = "risk"


def _dearer(document: dict[str, Any]) -> None:
    document["rate_annual_max_e8"] += 1


def _more_for_some(document: dict[str, Any]) -> None:
    document["segments"][-1]["cap_minor"] = 5_000_001


def _carries_more(document: dict[str, Any]) -> None:
    document["capacity"]["share_percent"] += 1


def _carries_longer(document: dict[str, Any]) -> None:
    document["capacity"]["months"] += 1


def _more_debt(document: dict[str, Any]) -> None:
    guard = next(item for item in document["rules"] if item["reason"] == "CAP_DSR")
    guard["action"] = "flag"


def _wider_meaning(document: dict[str, Any]) -> None:
    age = next(item for item in document["features"] if item["name"] == "age_years")
    age["highest"] = 150


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (_drop_law, "rules[E01]"),
        (_younger, "rules[E01].when"),
        (_only_flag, "rules[E01].action"),
        (_unknown_passes, "rules[E01].on_unknown"),
        (_risk_not_law, "rules[E01].rule_class"),
        (_dearer, "rate_annual_max_e8"),
        (_more_for_some, "cap_minor"),
        (_carries_more, "capacity.share_percent"),
        (_carries_longer, "capacity.months"),
        (_more_debt, "action"),
        (_wider_meaning, "features[age_years]"),
    ],
)
def test_a_looser_variant_is_found_with_its_place(
    change: Callable[[dict[str, Any]], None], place: str
) -> None:
    document = full_document()
    change(document)
    found = places(document)
    assert any(place in one for one in found), found


def test_a_law_that_reads_a_derived_value_keeps_its_derivation() -> None:
    champion = full_document()
    champion["rules"].append(rule("L01", "burden_percent > 70", "decline") | LAW)
    variant = full_document()
    variant["rules"].append(rule("L01", "burden_percent > 70", "decline") | LAW)
    variant["derived"][0]["is"] = tree("debt_monthly_minor * 50 / NULLIF(income_monthly_minor, 0)")
    found = loosened(policy_of(champion), policy_of(variant))
    assert "derived[burden_percent]" in {one.place for one in found}


def test_a_law_for_some_keeps_who_they_are() -> None:
    def with_law(condition: str) -> dict[str, Any]:
        document = full_document()
        document["segments"][0]["when"] = tree(condition)
        law = rule("L01", "delay_months_latest >= 1", "decline", segments=["young"])
        document["rules"].append(law | LAW)
        return document

    found = loosened(policy_of(with_law("age_years < 23")), policy_of(with_law("age_years < 21")))
    assert {one.place for one in found} == {"segments"}


def test_a_variant_reads_under_no_consent_that_the_champion_does_not_have() -> None:
    variant = full_document()
    history = next(item for item in variant["features"] if item["name"] == "history_months")
    history |= {
        "source": "bureau",
        "legal_basis": "consent",
        "consent_purpose": "inquiry_origination",
    }
    found = places(variant)
    assert "features[history_months].consent_purpose" in found
    assert "features[history_months].source" in found


def test_law_and_licence_bound_what_the_champion_would_allow() -> None:
    caps = LegalCaps(rate_annual_max_e8=20_000_000, limit_max_minor=400_000)
    assert {"rate_annual_max_e8", "segments[recorded].cap_minor"} <= places(full_document(), caps)


def test_another_question_is_no_variant() -> None:
    found = loosened(policy_of(base_document()), policy_of(base_document() | {"currency": "USD"}))
    assert {one.place for one in found} == {"currency"}
