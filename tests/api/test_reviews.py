"""Asking for a person over HTTP: explanation, choice, review, and what came of it."""

from tests.api.conftest import Json, Site
from tests.api.test_bad_input import check_problem
from tests.store.applicants import Counter

from counterfoil.kernel import ids


async def declined(site: Site) -> tuple[str, str]:
    """Return customer and application of a declined case."""
    view = await Counter(site.house).apply(late_months_count=4)
    customer_id = ids.to_text(ids.CUSTOMER, view.customer_id)
    return customer_id, ids.to_text(ids.APPLICATION, view.application_id)


async def asked(site: Site) -> tuple[Json, str, str]:
    customer_id, application_id = await declined(site)
    answer = await site.post(
        f"/v1/applications/{application_id}/review", {"customer_id": customer_id, "said": "paid"}
    )
    assert answer.status_code == 201, answer.text
    return answer.json(), customer_id, application_id


async def test_a_review_goes_from_the_customers_act_to_a_better_decision(site: Site) -> None:
    review, customer_id, application_id = await asked(site)
    assert (review["status"], review["decided"], review["due_on"]) == (
        "waiting",
        "declined",
        "2026-03-09",
    )
    again = await site.post(
        f"/v1/applications/{application_id}/review", {"customer_id": customer_id}
    )
    assert again.json()["id"] == review["id"]
    queue = (await site.get("/v1/reviews/queue")).json()
    assert [item["id"] for item in queue["items"]] == [review["id"]]
    path = f"/v1/reviews/{review['id']}"
    given = await site.post(
        f"{path}/assignment", {"customer_id": customer_id, "assignee": "li-wei"}
    )
    assert given.json()["status"] == "assigned"
    decision = {
        "customer_id": customer_id,
        "outcome": "overturned",
        "reason": "settlements seen",
        "decided_by": "li-wei",
        "facts": {"late_months_count": 0},
        "set_aside": [],
    }
    done = await site.post(f"{path}/decision", decision, key="d1")
    assert done.status_code == 200, done.text
    repeated = await site.post(f"{path}/decision", decision, key="d1")
    assert repeated.content == done.content
    assert repeated.headers["idempotent-replayed"] == "true"
    read = await site.get(f"/v1/applications/{application_id}", customer_id=customer_id)
    assert read.json()["status"] == "approved"
    shown = (await site.get(path, customer_id=customer_id)).json()
    assert (shown["status"], shown["reason"]) == ("overturned", "settlements seen")
    mine = await site.get(f"/v1/applicants/{customer_id}/reviews")
    assert mine.json()["items"] == [shown]
    figures = await site.get("/v1/reviews/figures", **{"from": "2026-03-02", "to": "2026-03-02"})
    [count] = figures.json()["items"]
    assert (count["requested"], count["overturned"], count["overturned_ppm"]) == (1, 1, 1_000_000)


async def test_a_look_at_a_version_is_ended_by_a_named_person(site: Site) -> None:
    review, _, _ = await asked(site)
    async with site.house.database.transaction() as connection:
        policy = await connection.fetchval("SELECT policy_hash FROM decisioning.review LIMIT 1")
        await connection.execute(
            "INSERT INTO decisioning.policy_review VALUES ($1, $2, 10, 4, 200000, now())",
            *(policy, review["policy_version"]),
        )
    [look] = (await site.get("/v1/policy-reviews")).json()["items"]
    assert (look["policy_hash"], look["conclusion"]) == (policy, None)
    said = {
        "policy_hash": policy,
        "conclusion": "kept",
        "reason": "one employer",
        "decided_by": "wang-min",
    }
    path = "/v1/policy-review-conclusions"
    done = await site.post(path, said)
    assert (done.status_code, done.json()["conclusion"]) == (201, "kept")
    # The same said again under another key has the same answer; another one comes too late.
    assert (await site.post(path, said)).json() == done.json()
    late = await site.post(path, {**said, "conclusion": "changed"})
    check_problem(late, 409, "review_not_open")
    strange = await site.post(path, {**said, "policy_hash": "0" * 64})
    check_problem(strange, 404, "review_not_found")
    assert (await site.get("/v1/policy-reviews")).json()["items"] == [done.json()]


async def test_what_cannot_be_reviewed_is_refused(site: Site) -> None:
    review, customer_id, _ = await asked(site)
    path = f"/v1/reviews/{review['id']}/decision"
    body = {
        "customer_id": customer_id,
        "outcome": "overturned",
        "reason": "seen",
        "decided_by": "li-wei",
    }
    check_problem(await site.post(path, body), 409, "nothing_to_offer")
    law = {**body, "set_aside": ["E01"]}
    check_problem(await site.post(path, law), 422, "rule_not_set_aside")
    stranger = {**body, "customer_id": "cu_01hv4zq3k2f00"}
    check_problem(await site.post(path, stranger), 404, "review_not_found")
    gone = await site.post(f"/v1/reviews/{review['id']}/withdrawal", {"customer_id": customer_id})
    assert gone.json()["status"] == "withdrawn"
    check_problem(await site.post(path, {**law, "set_aside": ["R02"]}), 409, "review_not_open")


async def test_a_decision_is_explained_in_both_languages(site: Site) -> None:
    customer_id, application_id = await declined(site)
    path = f"/v1/applications/{application_id}/explanation"
    told = (await site.get(path, customer_id=customer_id)).json()
    assert (told["outcome"], told["by_person"], told["can_ask_review"]) == (
        "declined",
        False,
        True,
    )
    [reason] = told["reasons"]
    assert reason["text"] == {"zh": "近期有逾期还款记录", "en": "There are recent late payments"}
    [late] = [item for item in told["data"] if item["name"] == "late_months_count"]
    assert (late["value"], late["source"]) == (4, "bureau")
    assert "5 working days" in told["review_way"]["en"]
    other = await site.get(path, customer_id="cu_01hv4zq3k2f00")
    check_problem(other, 404, "application_not_found")


async def test_a_choice_holds_until_it_is_taken_back(site: Site) -> None:
    customer_id, _ = await declined(site)
    body = {"customer_id": customer_id, "choice": "person_decides", "is_on": True}
    made = await site.post("/v1/customer-choices", body)
    assert made.json()["person_decides"] is not None
    assert (await site.get(f"/v1/applicants/{customer_id}/choices")).json() == made.json()
    back = await site.post("/v1/customer-choices", {**body, "is_on": False})
    assert back.json()["person_decides"] is None


async def test_a_trial_binds_nobody_and_a_form_is_kept(site: Site) -> None:
    before = await site.books()
    trial = await site.post(
        "/v1/trial-limits",
        {
            "product_code": "cash-line-open",
            "purpose": "travel",
            "age_years": 30,
            "facts": {"income_monthly_minor": 900_000, "is_student": False},
        },
    )
    assert trial.status_code == 200, trial.text
    assert trial.json()["binding"] is False
    assert await site.books() == before
    customer_id, _ = await declined(site)
    saved = await site.post(
        "/v1/application-drafts",
        {"customer_id": customer_id, "product_code": "cash-line-open", "purpose": "travel"},
    )
    path = f"/v1/applicants/{customer_id}/application-drafts/cash-line-open"
    assert (await site.get(path)).json() == saved.json()
    assert saved.json()["known"]["is_student"]["value"] is False


# -------------------------------------------------------------------------- calling customers back


async def test_a_customer_is_called_back_by_a_day_and_one_request_waits(site: Site) -> None:
    customer_id, _ = await declined(site)
    owner = {"customer_id": customer_id}
    said = {**owner, "about": "offer", "slot": "morning", "said": "ring 13800138000 please"}
    asked = await site.post("/v1/call-requests", said)
    assert asked.status_code == 201, asked.text
    call = asked.json()
    assert (call["status"], call["slot"], call["missed"]) == ("waiting", "morning", 0)
    assert "13800138000" not in call["said"]
    assert call["due_on"] == "2026-03-03"
    again = await site.post("/v1/call-requests", {**owner, "about": "other"})
    assert again.json() == call
    queue = (await site.get("/v1/call-requests")).json()["items"]
    assert [item["id"] for item in queue] == [call["id"]]
    path = f"/v1/call-requests/{call['id']}"
    person = {**owner, "called_by": "li-wei"}
    early = await site.post(f"{path}/attempts", {**person, "outcome": "unreached"})
    check_problem(early, 409, "call_attempt_needed")
    for missed in (1, 2, 3):
        tried = await site.post(f"{path}/attempts", {**person, "outcome": "missed"})
        assert (tried.json()["status"], tried.json()["missed"]) == ("waiting", missed)
    ended = await site.post(f"{path}/attempts", {**person, "outcome": "reached", "note": "clear"})
    assert (ended.json()["status"], ended.json()["note"]) == ("reached", "clear")
    assert ended.json()["ended_by"].endswith(":li-wei")
    over = await site.post(f"{path}/withdrawal", owner)
    check_problem(over, 409, "call_not_open")
    another = await site.post("/v1/call-requests", owner)
    withdrawn = f"/v1/call-requests/{another.json()['id']}/withdrawal"
    assert (await site.post(withdrawn, owner)).json()["status"] == "withdrawn"
    mine = await site.get(f"/v1/applicants/{customer_id}/call-requests")
    assert [item["status"] for item in mine.json()["items"]] == ["withdrawn", "reached"]
    nobody = await site.post("/v1/call-requests", {"customer_id": "cu_00000000000zz"})
    check_problem(nobody, 404, "customer_not_found")
