"""What customers ask about their own data, over HTTP."""

from tests.api.conftest import Site
from tests.store.applicants import PERSONS, Counter

from counterfoil.kernel import ids


async def test_a_customer_asks_for_a_copy_and_is_handed_everything(site: Site) -> None:
    view = await Counter(site.house).apply()
    customer_id = ids.to_text(ids.CUSTOMER, view.customer_id)
    body = {"customer_id": customer_id, "kind": "copy", "identified_by": "one_time_code"}
    made = await site.post("/v1/rights-requests", body, key="r1")
    assert made.status_code == 201, made.text
    again = await site.post("/v1/rights-requests", body, key="r1")
    assert again.content == made.content
    request = made.json()
    assert (request["status"], request["kind"]) == ("identified", "copy")
    path = f"/v1/rights-requests/{request['id']}"
    export = await site.post(f"{path}/export", {"customer_id": customer_id})
    assert export.status_code == 200, export.text
    assert export.json()["document"]["person"]["identity"]["name"] == PERSONS[0].name
    assert PERSONS[0].name in export.json()["html"]
    listed = (await site.get(f"/v1/applicants/{customer_id}/rights-requests")).json()
    assert [item["id"] for item in listed["items"]] == [request["id"]]
    ended = await site.post(f"{path}/withdrawal", {"customer_id": customer_id}, key="w")
    assert ended.json()["status"] == "withdrawn"
    late = await site.post(f"{path}/export", {"customer_id": customer_id})
    assert (late.status_code, late.json()["code"]) == (409, "rights_request_not_open")
