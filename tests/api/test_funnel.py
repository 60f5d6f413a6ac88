"""The funnel over HTTP: the form of the answer, and spans that make no sense."""

from tests.api.conftest import Site
from tests.store.applicants import Counter

TODAY = {"from": "2026-03-02", "to": "2026-03-02"}


async def test_the_funnel_of_a_day_is_read(site: Site) -> None:
    counter = Counter(site.house)
    await counter.accept(await counter.apply())
    await counter.apply(is_student=True)
    answer = await site.get("/v1/applications/funnel", **TODAY)
    assert answer.status_code == 200, answer.text
    [item] = answer.json()["items"]
    assert item["group"] == "cash-line-open"
    assert (item["received"], item["referred"], item["accepted"]) == (2, 1, 1)
    assert item["straight_through_bp"] == 5_000
    assert item["triggers"] == [{"rule_code": "E04", "applications": 1}]
    assert [step["step"] for step in item["steps"]] == [
        "gathering",
        "decision",
        "person",
        "cost_sheet_reading",
        "agreement_reading",
        "agreement",
        "acceptance",
        "journey",
    ]
    assert item["left"][0] == {"stage": "undecided", "expired": 0, "withdrawn": 0}
    by_law = {step["step"] for step in item["steps"] if step["is_compliance"]}
    assert by_law == {"cost_sheet_reading", "agreement_reading", "agreement"}
    waiting = item["steps"][2]
    assert (waiting["began"], waiting["ended"], waiting["left_off"]) == (1, 0, 0)
    assert waiting["median_ms"] is None
    included = (await site.get("/v1/applications/inclusion", **TODAY)).json()
    everybody = included["kinds"][0]
    assert (everybody["code"], everybody["applied"], everybody["approved_ppm"]) == (
        "all", 2, 1_000_000,
    )  # fmt: skip
    assert {one["policy"] for one in included["segments"]} == {"base 2026-04"}
    assert (included["starter_path"]["seasoned"], included["complaints"]) == (0, None)
    book = (await site.get("/v1/exposure/portfolio")).json()
    assert (book["customers"], book["above"], book["bands"][0]["bands"]) == (2, [], [])


async def test_a_product_may_be_named(site: Site) -> None:
    await Counter(site.house).apply()
    other = await site.get("/v1/applications/funnel", **TODAY, product_code="cash-line-invited")
    assert other.json()["items"] == []


async def test_a_span_that_ends_before_it_begins_is_refused(site: Site) -> None:
    for last in ("2026-03-01", "2027-03-04"):
        for path in ("/v1/applications/funnel", "/v1/applications/inclusion"):
            refused = await site.get(path, **{"from": "2026-03-02", "to": last})
            assert refused.status_code == 422
            assert refused.json()["code"] == "span_invalid"
