"""Experiments over HTTP: who tries what, what came of it, and what is not there."""

from tests.api.conftest import Site
from tests.store.applicants import Counter
from tests.store.experiment_desk import started, text, variant


async def test_an_experiment_is_listed_read_and_reported(site: Site) -> None:
    days = {"first_date": "2026-03-01", "last_date": "2026-06-01"}
    await started(site.house, text(**days), variant())
    await started(site.house, text("shadow", **days))
    await Counter(site.house).apply()
    page = (await site.get("/v1/experiments", limit="1")).json()
    assert [item["code"] for item in page["items"]] == ["a-shadow"]
    rest = (await site.get("/v1/experiments", limit="1", after=page["next"])).json()
    assert ([item["code"] for item in rest["items"]], rest["next"]) == (["a-challenger"], None)
    one = (await site.get("/v1/experiments/a-challenger")).json()
    assert one == rest["items"][0]
    assert [event["kind"] for event in one["events"]] == ["proposed", "approved", "started"]
    assert "key" not in one["events"][-1]["detail"]
    report = (await site.get("/v1/experiments/a-challenger/report")).json()
    assert report["cases"] == 1
    assert set(report["figures"]["by_arm"]) == {"champion", "lower"}
    shadow = (await site.get("/v1/experiments/a-shadow/report")).json()
    assert shadow["figures"]["disagreement"] == []
    assert (await site.get("/v1/policy-losses")).json() == {"items": []}


async def test_an_experiment_that_nobody_proposed_is_not_found(site: Site) -> None:
    for path in ("/v1/experiments/nothing", "/v1/experiments/nothing/report"):
        refused = await site.get(path)
        assert (refused.status_code, refused.json()["code"]) == (404, "experiment_not_found")
