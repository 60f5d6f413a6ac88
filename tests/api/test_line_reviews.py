"""Reviews, measures, signals and appeals over HTTP: what the customer and the staff see and do."""

import pytest
from tests.api.conftest import Json, Site
from tests.api.test_bad_input import check_problem
from tests.store.raise_desk import open_line

from counterfoil.kernel import ids


class Line:
    """A customer's line."""

    def __init__(self, site: Site, customer: int, line: int) -> None:
        self.site = site
        self.customer_id = ids.to_text(ids.CUSTOMER, customer)
        self.path = f"/v1/lines/{ids.to_text(ids.LINE, line)}"

    async def read(self, part: str = "") -> Json:
        answered = await self.site.get(f"{self.path}{part}", customer_id=self.customer_id)
        assert answered.status_code == 200, answered.text
        found: Json = answered.json()
        return found

    async def post(self, path: str, status: int, **body: object) -> Json:
        answered = await self.site.post(path, {"customer_id": self.customer_id, **body})
        assert answered.status_code == status, answered.text
        found: Json = answered.json()
        return found


@pytest.fixture
async def line(site: Site) -> Line:
    customer = site.house.ids.next()
    return Line(site, customer, await open_line(site.house, customer, instalments=7))


async def test_a_signal_freezes_at_once_and_an_appeal_lifts_it(line: Line) -> None:
    told = {"kind": "fraud_signal", "source": "device-checks", "reference": "case-1"}
    signal = await line.post(f"{line.path}/signals", 201, **told)
    again = await line.post(f"{line.path}/signals", 201, **told)
    assert again["id"] == signal["id"]
    read = await line.read()
    assert (read["status"], read["available_minor"]) == ("frozen", 0)
    [review] = (await line.read("/reviews"))["items"]
    assert (review["outcome"], review["cause"]) == ("frozen", "fraud_signal")
    [measure] = (await line.read("/measures"))["items"]
    assert (measure["kind"], measure["status"], measure["author"]) == (
        "freeze",
        "in_force",
        "rule",
    )
    # Fraud is never itemised: the customer reads one neutral text.
    [notice] = (await line.read("/notices"))["items"]
    assert "fraud" not in notice["en"].lower()
    explained = await line.site.get(
        f"/v1/line-measures/{measure['id']}/explanation", customer_id=line.customer_id
    )
    assert explained.json() == {
        "measure_id": measure["id"],
        "by_person": False,
        "reasons": measure["reasons"],
        "data": [],
        "policy_version": review["policy_version"],
    }
    strange = await line.site.get(
        "/v1/line-measures/lm_01hv4zq3k2f00/explanation", customer_id=line.customer_id
    )
    check_problem(strange, 404, "line_measure_not_found")
    assert "appeal" in notice["en"]
    assert "申诉" in notice["zh"]
    path = f"/v1/line-measures/{measure['id']}/appeals"
    appeal = await line.post(path, 201, grounds="It was me, call 13800138000")
    assert "13800138000" not in appeal["grounds"]
    assert appeal["status"] == "open"
    queue = (await line.site.get("/v1/line-appeals")).json()["items"]
    assert [item["id"] for item in queue] == [appeal["id"]]
    second = await line.site.post(path, {"customer_id": line.customer_id, "grounds": "again"})
    check_problem(second, 409, "appeal_already_open")
    decision = {"outcome": "lifted", "reason": "called back", "decided_by": "wang-min"}
    path = f"/v1/line-appeals/{appeal['id']}/decision"
    decided = await line.post(path, 200, **decision)
    assert decided["status"] == "lifted"
    assert (await line.read())["status"] == "active"
    history = (await line.read("/history"))["items"]
    assert [item["kind"] for item in history][-2:] == ["frozen", "unfrozen"]
    assert len((await line.read("/notices"))["items"]) == 3
    cleared = await line.post(
        f"/v1/line-signals/{signal['id']}/clearance", 200, reason="false alarm", cleared_by="li"
    )
    assert cleared["cleared_by"].endswith("li")


async def is_ended_at_a_wish(line: Line, appeal: Json) -> None:
    """End an appeal as its customer wishes; the trail says who did, why, and what changed."""
    wish = {"outcome": "withdrawn", "reason": "she rang and takes it back", "decided_by": "wang"}
    ended = await line.post(f"/v1/line-appeals/{appeal['id']}/decision", 200, **wish)
    assert (ended["status"], ended["decision_reason"]) == ("withdrawn", wish["reason"])
    assert ended["decided_by"].endswith(":wang")
    trail = (await line.site.get("/v1/trail")).json()["items"]
    [told] = [item for item in trail if item["subject"] == f"decide_line_appeal {appeal['id']}"]
    assert (told["customer_id"], told["outcome"]) == (line.customer_id, "done")
    assert told["actor"] == ended["decided_by"].removesuffix(":wang")
    assert (told["reason"], told["before"]) == (wish["reason"], "status=open")
    assert told["after"].startswith("status=withdrawn")


async def test_who_took_a_measure_does_not_decide_on_it(line: Line) -> None:
    taken = await line.post(
        f"{line.path}/measures",
        201,
        kind="lower",
        reason="PERSON_DECIDES",
        taken_by="li-wei",
        to_minor=200_000,
    )
    assert (taken["status"], taken["to_minor"]) == ("planned", 200_000)
    # Nothing has happened yet: a planned decrease is told before it works.
    assert (await line.read())["limit_minor"] == 500_000
    path = f"/v1/line-measures/{taken['id']}/appeals"
    await is_ended_at_a_wish(line, await line.post(path, 201, grounds="Was it me?"))
    appeal = await line.post(path, 201, grounds="Why?")
    decision = {"outcome": "rejected", "reason": "stands", "decided_by": "li-wei"}
    path = f"/v1/line-appeals/{appeal['id']}/decision"
    refused = await line.site.post(path, {"customer_id": line.customer_id, **decision})
    check_problem(refused, 403, "appeal_by_author")
    await line.post(path, 200, **{**decision, "decided_by": "wang-min"})
    lifted = await line.post(
        f"/v1/line-measures/{taken['id']}/lifting", 200, reason="mistake", lifted_by="wang-min"
    )
    assert lifted["status"] == "lifted"
    again = await line.site.post(
        f"/v1/line-measures/{taken['id']}/lifting",
        {"customer_id": line.customer_id, "reason": "mistake", "lifted_by": "wang-min"},
    )
    # The same again gives the measure as it stands; what is over is not lifted by somebody else.
    assert again.json() == lifted
    other = await line.site.post(
        f"/v1/line-measures/{taken['id']}/lifting",
        {"customer_id": line.customer_id, "reason": "mistake", "lifted_by": "li-wei"},
    )
    check_problem(other, 409, "measure_not_standing")


async def test_a_measure_that_is_none_is_refused(line: Line) -> None:
    common = {"customer_id": line.customer_id, "taken_by": "li-wei", "reason": "PERSON_DECIDES"}
    for wrong in (
        {"kind": "lower"},
        {"kind": "lower", "to_minor": 500_000},
        {"kind": "freeze"},
        {"kind": "freeze", "ends_on": "2020-01-01"},
        {"kind": "suspend", "reason": "NOT_A_REASON"},
    ):
        refused = await line.site.post(f"{line.path}/measures", {**common, **wrong})
        check_problem(refused, 409, "measure_without_effect")


async def test_a_good_record_is_offered_more_and_the_customer_takes_it_up(line: Line) -> None:
    review = await line.post(f"{line.path}/reviews", 201)
    assert review["outcome"] == "unchanged"
    assert review["reasons"] == []
    taken = await line.site.post(
        f"/v1/line-reviews/{review['id']}/limit-request", {"customer_id": line.customer_id}
    )
    check_problem(taken, 410, "review_offer_over")
    second = await line.site.post(f"{line.path}/reviews", {"customer_id": line.customer_id})
    check_problem(second, 409, "line_review_under_way")


async def test_a_case_shows_what_was_seen_and_a_named_person_decides_it(line: Line) -> None:
    told = {"kind": "death", "source": "registry", "reference": "case-2"}
    await line.post(f"{line.path}/signals", 201, **told)
    queue = (await line.site.get("/v1/line-review-cases")).json()["items"]
    [case] = [one for one in queue if one["customer_id"] == line.customer_id]
    path = f"/v1/line-review-cases/{case['id']}"
    seen = (await line.site.get(path, customer_id=line.customer_id)).json()
    assert (seen["proposals"], seen["acted"]) == (["close"], ["C02"])
    assert seen["facts"]["closing_grounds_open"] == 1
    taken = await line.post(f"{path}/assignment", 200, assignee="li-wei")
    assert (taken["status"], taken["taken_by"].rpartition(":")[2]) == ("taken", "li-wei")
    said = {"decision": "lower", "to_minor": 100_000, "reason": "seen"}
    other = await line.site.post(
        f"{path}/decision", {"customer_id": line.customer_id, "decided_by": "wang-min", **said}
    )
    check_problem(other, 409, "line_review_case_taken")
    waiting = await line.post(f"{path}/decision", 200, decided_by="li-wei", **said)
    assert waiting["approval_id"].startswith("av_")
    kept = {"decision": "keep", "reason": "the heirs pay", "decided_by": "li-wei"}
    done = await line.post(f"{path}/decision", 200, **kept)
    assert (done["status"], done["decision"]) == ("decided", "keep")
