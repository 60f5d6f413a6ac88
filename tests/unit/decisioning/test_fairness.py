"""Fair prices: groups are tested always, and a breach blocks unless two people sign for it."""

from typing import Any

from tests.unit.decisioning.cases import CLEAN, asked
from tests.unit.decisioning.policies import full_document
from tests.unit.decisioning.test_gate import gated

from counterfoil.decisioning.compile_python import compile_python
from counterfoil.decisioning.document import policy_of
from counterfoil.decisioning.fairness import (
    HOUSE_PRICE_GAP_PPM,
    house_tolerances,
    traits_of,
    twins_of,
    with_traits,
)
from counterfoil.decisioning.gate import publication_check
from counterfoil.decisioning.gate_impact import GateCase
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.policy_parts import Tolerances

YOUNG = CLEAN | {"age_years": 21}


def priced_by_age(surcharge: int) -> Policy:
    """Return a policy whose segment of the young pays more in every grade."""
    document = full_document()
    for grade in document["grades"]:
        rates: dict[str, int] = grade["rates_daily_e8"]
        grade["rates_daily_e8"] = rates | {"young": grade["rate_daily_e8"] + surcharge}
    return policy_of(document)


def replay(policy: Policy, cases: list[dict[str, Any]], **more: Any) -> list[str]:
    given = [GateCase(case, asked()) for case in cases]
    report = publication_check(policy, given, [], **more)
    return [fault.reason for fault in report.faults if "tolerances" in fault.place]


def test_facts_put_a_case_into_groups_and_what_is_not_known_into_none() -> None:
    assert traits_of({"age_years": 24, "is_student": True}) == {
        "age_band": "18-24",
        "student": "yes",
    }
    assert traits_of({"age_years": 60})["age_band"] == "60+"
    assert traits_of({"age_years": 17, "is_student": None}) == {}
    given = GateCase({"age_years": 30}, asked(), groups={"sex": "f"})
    assert with_traits(given).groups == {"age_band": "25-34", "sex": "f"}


def test_a_document_that_is_silent_is_held_to_the_house_and_one_that_speaks_to_itself() -> None:
    assert house_tolerances(Tolerances()).price_gap_ppm == HOUSE_PRICE_GAP_PPM
    assert house_tolerances(Tolerances(price_gap_ppm=7)).price_gap_ppm == 7


def test_a_price_that_changes_with_the_age_alone_blocks_and_an_override_names_it() -> None:
    policy = priced_by_age(2_000)
    [reason] = replay(policy, [CLEAN])
    assert "the age alone changes a price by" in reason
    assert replay(policy, [CLEAN], overrides={"price_gap_ppm": "agreed with the regulator"}) == []
    assert replay(priced_by_age(0), [CLEAN]) == []


def test_a_small_difference_stays_inside_the_tolerance_and_is_reported() -> None:
    policy = priced_by_age(500)
    assert replay(policy, [CLEAN]) == []
    twins = twins_of(compile_python(policy), [GateCase(CLEAN, asked())])
    assert (twins.cases, twins.differing) == (1, 3)
    assert 0 < twins.gap_ppm_max < HOUSE_PRICE_GAP_PPM
    assert twins.worst == "case 0: at 21 and at 30 years"


def test_twins_need_no_history() -> None:
    report = gated(priced_by_age(2_000))
    assert report.twins.differing
    assert report.document()["twins"] == report.twins.document()


def test_a_group_that_is_approved_too_seldom_blocks_and_law_does_not_count() -> None:
    policy = priced_by_age(0)
    late = {"delay_months_latest": 6, "delay_months_max": 6, "late_months_count": 6}
    assert any(
        "age_band 18-24" in one for one in replay(policy, [CLEAN] * 40 + [YOUNG | late] * 40)
    )
    students = [CLEAN | {"is_student": True}] * 40
    assert replay(policy, [CLEAN] * 40 + students) == []
    report = publication_check(policy, [GateCase(case, asked()) for case in students], [])
    assert report.impact.groups == {}
