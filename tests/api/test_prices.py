"""Prices over HTTP: promotions with their cost, prices of a line, and the rules in force."""

from tests.api.conftest import Site
from tests.unit.lending.test_promotion import TEXT

from counterfoil.kernel import ids
from counterfoil.lending import promotion_store
from counterfoil.lending.promotion import read_promotion


async def test_promotions_stand_with_what_is_left_and_who_pays(site: Site) -> None:
    assert (await site.get("/v1/promotions")).json() == {
        "items": [],
        "by_funder": [],
        "next": None,
        "prev": None,
    }
    kept = promotion_store.Kept(promotion_id=1, promotion=read_promotion(TEXT))
    signed = promotion_store.Signed(
        author="ana", approver="ben", approval_id=2, published_at=site.house.clock.now()
    )
    use = promotion_store.Use(
        customer_id=5, key="k", promotion_id=1, cost_minor=1_234, rate_daily_e8=28_000,
        rate_without_daily_e8=35_000,
    )  # fmt: skip
    async with site.house.database.transaction() as connection:
        await promotion_store.add(connection, kept, signed)
        assert await promotion_store.take(connection, use, at=site.house.clock.now())
        await promotion_store.settle_used(connection, 5, "k", loan_id=6, at=site.house.clock.now())
    shown = (await site.get("/v1/promotions")).json()
    (item,), (party,) = shown["items"], shown["by_funder"]
    assert item["left_minor"] + item["cost_minor"] == item["budget_minor"]
    assert (item["cost_minor"], item["uses"]) == (1_234, 1)
    assert party == {
        "funder": item["funder"], "currency": "CNY", "promotions": 1, "uses": 1,
        "cost_minor": 1_234, "held_minor": 0, "claimed_minor": 0,
        "received_minor": 0,
    }  # fmt: skip


async def test_rule_packs_of_a_date_hold_the_rules_that_have_begun(site: Site) -> None:
    shown = (await site.get("/v1/rule-packs", on="2026-03-01")).json()
    (pack,) = shown["items"]
    assert pack["reference"].startswith("cn-2026-01@")
    assert shown["holidays_known"]
    assert pack["author"] != pack["approver"]
    caps = [one for one in pack["rules"] if one["name"] == "cost_annual_most"]
    assert {one["value"] for one in caps} == {24_000_000}
    assert not any(one["article_printable"] for one in pack["rules"] if one["mark"] != "A")
    assert all(one["from_date"] <= "2026-03-01" for one in pack["rules"])
    (early,) = (await site.get("/v1/rule-packs", on="2025-09-30")).json()["items"]
    assert not [one for one in early["rules"] if one["name"] == "cost_annual_most"]
    assert (await site.get("/v1/rule-packs", on="never")).status_code == 422


async def test_a_line_of_nobody_has_no_prices(site: Site) -> None:
    line, customer = ids.to_text(ids.LINE, 7), ids.to_text(ids.CUSTOMER, 5)
    shown = await site.get(f"/v1/lines/{line}/prices", customer_id=customer)
    assert shown.status_code == 404
