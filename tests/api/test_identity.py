"""Identity checks and scenes over HTTP."""

from tests.api.conftest import Site
from tests.api.test_bad_input import check_problem
from tests.store.applicants import Counter

from counterfoil.kernel import ids


async def test_a_check_is_made_shown_and_its_case_closed(site: Site) -> None:
    customer_id = ids.to_text(ids.CUSTOMER, await Counter(site.house).register("r"))
    path = f"/v1/customers/{customer_id}/identity-checks"
    made = await site.post(path, {"kind": "phone", "source": "mobile-carrier"}, key="k")
    assert made.status_code == 201, made.text
    assert made.json()["outcome"] == "pass"
    again = await site.post(path, {"kind": "phone", "source": "mobile-carrier"}, key="k")
    assert again.content == made.content
    another = {"kind": "bank_card", "source": "card-network", "outcome": "fail", "of_another": True}
    said = (await site.post(path, another)).json()
    assert (said["outcome"], said["person_checks"]) == ("unknown", True)
    known = (await site.get(f"/v1/customers/{customer_id}/identity")).json()
    assert known["person_checks"]
    assert {item["id"] for item in known["checks"]} == {made.json()["id"], said["id"]}
    [case] = (await site.get("/v1/identity-cases")).json()["items"]
    finding = {"customer_id": customer_id, "finding": "a typing error", "closed_by": "li-wei"}
    closed = await site.post(f"/v1/identity-cases/{case['id']}/finding", finding)
    assert closed.json()["closed_by"].endswith(":li-wei")
    assert (await site.get("/v1/identity-cases")).json()["items"] == []


async def test_what_cannot_be_checked_is_refused(site: Site) -> None:
    customer_id = ids.to_text(ids.CUSTOMER, await Counter(site.house).register("r"))
    path = f"/v1/customers/{customer_id}/identity-checks"
    wrong = {"kind": "phone", "source": "citizen-register"}
    check_problem(await site.post(path, wrong), 422, "identity_source_unknown")
    alive = {"kind": "liveness", "source": "document-reader"}
    check_problem(await site.post(path, alive), 422, "identity_device_missing")
    alive["device"] = "ios-7f3a"
    check_problem(await site.post(path, alive), 403, "biometric_consent_missing")
    early = {"kind": "phone", "source": "mobile-carrier", "outcome": "pass",
             "checked_at": 4_000_000_000}  # fmt: skip
    check_problem(await site.post(path, early), 422, "identity_outcome_early")
    nobody = "/v1/customers/cu_01hv4zq3k2f00/identity"
    check_problem(await site.get(nobody), 404, "customer_not_found")


async def test_scenes_are_listed_and_a_payee_waits_for_a_second_person(site: Site) -> None:
    scenes = (await site.get("/v1/scenes")).json()["items"]
    assert {item["code"] for item in scenes} == {"travel", "education", "home_goods"}
    payee = {"scene": "travel", "name": "Example Travel", "payee_ref": "a-1", "reason": "contract"}
    waiting = await site.post("/v1/scene-payees", payee)
    assert waiting.status_code == 201, waiting.text
    assert waiting.json()["status"] == "waiting"
    lift = {"scene": "travel", "reason": "repaid", "lifted_by": "li-wei"}
    check_problem(await site.post("/v1/scene-stops/lift", lift), 409, "scene_not_stopped")
