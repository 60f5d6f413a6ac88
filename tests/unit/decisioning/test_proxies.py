"""Features that stand in for a trait are found, measured and, where a version says so, refused."""

import pytest
from tests.unit.decisioning.cases import CLEAN, asked

from counterfoil.decisioning.document import load_policy
from counterfoil.decisioning.gate import publication_check
from counterfoil.decisioning.gate_impact import GateCase
from counterfoil.decisioning.proxies import association_ppm, features_followed, proxies_of

POLICY = load_policy("base-2026-04")


def cases(count: int = 120) -> list[GateCase]:
    """Return cases of two regions: the delay tells the region, the use of limits does not."""
    return [
        GateCase(
            CLEAN | {"delay_months_latest": number % 2, "utilisation_ppm": number // 2 * 1_000},
            asked(),
            groups={"region": "north" if number % 2 else "south"},
        )
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("values", "groups", "ppm"),
    [
        ("aabb", "xxyy", 1_000_000),
        ("aabb", "xyxy", 0),
        ("aaaa", "xxyy", 0),
        ("aaab", "xxyy", 333_333),
        ("aabbcc", "xxyyyy", 1_000_000),
    ],
)
def test_what_tells_everything_is_a_million_and_what_tells_nothing_is_none(
    values: str, groups: str, ppm: int
) -> None:
    assert association_ppm(list(values), list(groups)) == ppm


def test_a_proxy_is_found_among_what_the_policy_follows() -> None:
    found = proxies_of(POLICY, cases())["region"]
    assert found["delay_months_latest"] == 1_000_000
    assert found["utilisation_ppm"] == 0
    assert set(found) == set(features_followed(POLICY))
    # Where somebody lives or works is followed by segments, and so it is tested too.
    assert {"is_rural", "is_micro_owner", "income_monthly_minor"} <= set(found)


def test_the_trait_itself_is_no_proxy_and_small_groups_say_nothing() -> None:
    aged = [case._replace(groups={"age_band": str(n % 2)}) for n, case in enumerate(cases())]
    assert "age_years" not in proxies_of(POLICY, aged)["age_band"]
    assert proxies_of(POLICY, cases(40)) == {}


def test_a_version_that_follows_a_proxy_is_refused_until_somebody_answers_for_it() -> None:
    refused = publication_check(POLICY, cases(), [])
    places = [fault.place for fault in refused.faults]
    assert "policy.tolerances.proxy_ppm" in places
    [fault] = [item for item in refused.faults if item.place.endswith("proxy_ppm")]
    assert fault.reason.startswith("delay_months_latest tells region by 1,000,000 ppm")
    answered = publication_check(
        POLICY, cases(), [], overrides={"proxy_ppm": "regions differ in delays, not in law"}
    )
    assert "policy.tolerances.proxy_ppm" not in [fault.place for fault in answered.faults]
