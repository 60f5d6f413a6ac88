"""The registry, the customer's own profile and events from outside over HTTP."""

from datetime import date

import pytest
from tests.api.conftest import Json, Site
from tests.api.test_applications import person
from tests.api.test_bad_input import check_problem
from tests.store.test_feature_registry import COMPLIANCE, OWN, texts_with

from counterfoil.journeys.approve import decide_approval
from counterfoil.journeys.knowing.feature_quality import run_checks
from counterfoil.kernel import ids
from counterfoil.platform.approvals import Approval


async def customer(site: Site) -> str:
    answered = await site.post("/v1/applicants", person(1))
    assert answered.status_code == 201, answered.text
    found: str = answered.json()["customer_id"]
    return found


def told(customer_id: str, **changes: object) -> Json:
    return {
        "customer_id": customer_id,
        "kind": "statement",
        "source": "applicant",
        "source_record": "crm-1",
        "purpose": "review",
        "legal_basis": "contract",
        "occurred_on": date(2026, 1, 1).isoformat(),
        "facts": {"debt_monthly_minor": 200_000},
        **changes,
    }


async def traits(site: Site, customer_id: str) -> dict[str, Json]:
    read = await site.get(f"/v1/applicants/{customer_id}/profile")
    assert read.status_code == 200, read.text
    return {one["name"]: one for one in read.json()["traits"]}


async def test_the_registry_is_read(site: Site) -> None:
    read = (await site.get("/v1/features")).json()
    names = [one["name"] for one in read["items"]]
    assert {"age_years", "own_days_late_worst", "delay_months_max"} <= set(names)
    sources = (await site.get("/v1/feature-sources")).json()["items"]
    assert {one["source"]: one["effect"] for one in sources}["bureau"] == "pass"


async def test_an_event_is_taken_once_and_stands_in_the_profile(site: Site) -> None:
    customer_id = await customer(site)
    first = await site.post("/v1/feature-events", told(customer_id))
    assert (first.status_code, first.json()["status"]) == (201, "accepted"), first.text
    again = await site.post("/v1/feature-events", told(customer_id))
    assert again.json()["status"] == "duplicate"
    wrong = told(customer_id, source_record="crm-2", facts={"debt_monthly_minor": -1})
    held = await site.post("/v1/feature-events", wrong)
    assert held.json()["status"] == "quarantined"
    debt = (await traits(site, customer_id))["debt_monthly_minor"]
    assert (debt["value"], debt["source"], debt["quality"]) == (200_000, "applicant", "good")
    assert debt["text_en"] == "Told by the applicant, 2026-01-01."


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"legal_basis": None}, 422, "event_without_basis"),
        ({"purpose": None}, 422, "event_without_basis"),
        ({"source": "social_network", "legal_basis": "consent"}, 403, "event_source_off"),
        ({"facts": {"income_monthly_minor": 5}}, 422, "event_consent_missing"),
        ({"source": "own_model", "legal_basis": "consent"}, 422, "event_basis_not_admitted"),
    ],
)
async def test_what_may_not_be_kept_is_refused(
    site: Site, changes: Json, status: int, code: str
) -> None:
    customer_id = await customer(site)
    answered = await site.post("/v1/feature-events", told(customer_id, **changes))
    check_problem(answered, status, code)
    assert (await traits(site, customer_id))["debt_monthly_minor"]["value"] is None


async def test_a_customer_corrects_what_was_stated_and_contests_the_rest(site: Site) -> None:
    customer_id = await customer(site)
    await site.post("/v1/feature-events", told(customer_id))
    path = f"/v1/applicants/{customer_id}/profile/corrections"
    made = await site.post(path, {"name": "debt_monthly_minor", "value": 90_000})
    assert made.status_code == 200, made.text
    debt = (await traits(site, customer_id))["debt_monthly_minor"]
    assert (debt["value"], debt["is_stated"]) == (90_000, True)
    contested = await site.post(path, {"name": "debt_monthly_minor", "value": None})
    assert contested.status_code == 200
    assert (await traits(site, customer_id))["debt_monthly_minor"]["quality"] == "contested"
    for name, value, code in (
        ("own_months", 5, "profile_not_stated"),
        ("debt_monthly_minor", -5, "profile_value_impossible"),
        ("horoscope", 5, "feature_not_found"),
        ("income_monthly_minor", 5, "event_consent_missing"),
    ):
        refused = await site.post(path, {"name": name, "value": value})
        assert refused.json()["code"] == code


async def test_nobody_has_no_profile(site: Site) -> None:
    nobody = ids.to_text(ids.CUSTOMER, 5)
    read = await site.get(f"/v1/applicants/{nobody}/profile")
    check_problem(read, 404, "customer_not_found")
    answered = await site.post("/v1/feature-events", told(nobody))
    check_problem(answered, 404, "customer_not_found")


async def test_what_a_bad_record_touched_gets_proposals(site: Site) -> None:
    customer_id = await customer(site)
    told_of: Json = {
        "customer_id": customer_id,
        "source_record": "crm-1",
        "reason": "typing error",
        "found_by": "li-na",
    }
    # It reached no decision: there is nothing to propose.
    found = await site.post("/v1/record-corrections", told_of)
    nothing: Json = {"items": [], "reports": [], "next": None, "prev": None}
    assert (found.status_code, found.json()) == (201, nothing)
    assert (await site.get("/v1/record-corrections")).json() == nothing
    nobody = await site.post(
        "/v1/record-corrections", told_of | {"customer_id": ids.to_text(ids.CUSTOMER, 1)}
    )
    check_problem(nobody, 404, "customer_not_found")
    decision: Json = {
        "customer_id": customer_id,
        "is_taken": True,
        "reason": "seen",
        "decided_by": "wang-min",
    }
    number = ids.to_text(ids.FEATURE_CORRECTION, 1)
    ended = await site.post(f"/v1/record-corrections/{number}/decision", decision)
    check_problem(ended, 409, "correction_not_open")


async def test_a_source_is_judged_by_its_days_and_its_cost(site: Site) -> None:
    customer_id = await customer(site)
    await site.post("/v1/feature-events", told(customer_id))
    await run_checks(site.house)
    sources = {
        one["source"]: one for one in (await site.get("/v1/feature-sources")).json()["items"]
    }
    applicant = sources["applicant"]
    assert applicant["records_count"] >= 1
    assert applicant["spent_minor"] == applicant["records_count"] * applicant["cost_minor"]
    assert [one["score_ppm"] for one in applicant["history"]] == [applicant["score_ppm"]]


async def test_a_registry_is_asked_for_approved_and_published_over_http(site: Site) -> None:
    where, files = "/v1/feature-registries/publications", texts_with(OWN)
    wish = {"registry": files, "reason": "more to go by"}
    asked = await site.post(where, wish)
    assert asked.status_code == 201, asked.text
    assert asked.json()["state"] == "requested"
    check_problem(await site.post(where, wish), 403, "approval_missing")
    approval_id = ids.from_text(ids.APPROVAL, asked.json()["approval_id"])
    done = await decide_approval(
        site.house, COMPLIANCE, approval_id, is_approved=True, reason="read the report"
    )
    assert isinstance(done, Approval), done
    shipped = site.house.registry.sha256
    made = await site.post(where, wish)
    assert made.json() == {**asked.json(), "state": "published"}
    [one] = (await site.get(where)).json()["items"]
    assert (one["registry_sha256"], one["approver"]) == (site.house.registry.sha256, "bo")
    back = (await site.get(f"/v1/feature-registries/{shipped}/difference")).json()
    assert [(change["name"], change["how"]) for change in back["changes"]] == [
        ("own_limits_opened_minor", "removed")
    ]
    assert (back["before_sha256"], back["faults"]) == (one["registry_sha256"], [])


async def test_what_is_no_registry_is_refused_with_its_place(site: Site) -> None:
    where, reason = "/v1/feature-registries/publications", "more to go by"
    broken = {"registry": {"own.toml": "[[features]"}, "reason": reason}
    check_problem(await site.post(where, broken), 409, "registry_gate_closed")
    nobody = {"registry": "ab" * 32, "reason": reason}
    check_problem(await site.post(where, nobody), 404, "registry_not_found")
    unknown = await site.get(f"/v1/feature-registries/{'ab' * 32}/difference")
    check_problem(unknown, 404, "registry_not_found")
