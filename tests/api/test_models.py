"""Models over HTTP: the registry, one model with its file, what monitoring and scenarios found."""

from tests.api.conftest import Site
from tests.store.test_models import DEVELOPER, live
from tests.unit.models.test_stress import NOTHING, run
from tests.unit.models.test_validation import model

from counterfoil.journeys.deciding.monitor_models import keep_stress
from counterfoil.journeys.deciding.publish_model import register_model
from counterfoil.kernel.errors import Refused


async def test_a_model_is_read_with_everything_behind_it(site: Site) -> None:
    none = (await site.get("/v1/models")).json()
    assert (none["items"], none["next"]) == ([], None)
    # What decides until a lender has a model of its own stands in the inventory, too.
    shown = {card["purpose"]: card for card in none["cards"]}
    policy = site.house.policies.origination.policy
    assert (shown["origination"]["policy_hash"], shown["origination"]["since"]) == (
        policy.hash,
        None,
    )
    assert shown["origination"]["features_count"] == len(policy.scorecard.characteristics)
    sha256 = await live(site.house, model())
    await register_model(site.house, DEVELOPER, model(version="2026-02"), reason="next")
    first = await site.get("/v1/models", limit="1")
    second = await site.get("/v1/models", after=first.json()["next"], limit="1")
    assert second.json()["next"] is None
    listed = [*first.json()["items"], *second.json()["items"]]
    by_version = {one["version"]: one for one in listed}
    draft, item = by_version["2026-02"], by_version["2026-01"]
    assert (draft["state"], draft["validation"]) == ("draft", None)
    assert (item["state"], item["developer"], item["approver"]) == ("live", "dev", "bo")
    assert item["validation"]["verdict"] == "green"
    detail = (await site.get(f"/v1/models/{sha256}")).json()
    assert detail["model"] == item
    assert [event["act"] for event in detail["events"]][-1] == "published"
    assert detail["file"]["characteristics"][0]["feature"] == "delay_months"
    monitored = await site.get(f"/v1/models/{sha256}/monitoring")
    assert monitored.json() == {"items": [], "next": None, "prev": None}


async def test_a_stress_test_is_kept_with_its_hashes(site: Site) -> None:
    sha256 = await live(site.house, model())
    document = run(NOTHING)
    kept = await keep_stress(site.house, DEVELOPER, document, reason="yearly")
    assert not isinstance(kept, Refused), kept
    [item] = (await site.get(f"/v1/models/{sha256}/stress-tests")).json()["items"]
    assert item["result"] == document
    assert item["scenario_sha256"] == document["scenario"]["sha256"]


async def test_what_is_no_model_is_told(site: Site) -> None:
    for path in ("", "/monitoring", "/stress-tests"):
        missing = await site.get(f"/v1/models/{'0' * 64}{path}")
        assert (missing.status_code, missing.json()["code"]) == (404, "model_not_found")
    assert (await site.get("/v1/models/nothing")).status_code == 422
    stranger = await keep_stress(site.house, DEVELOPER, run(NOTHING), reason="yearly")
    assert isinstance(stranger, Refused)
