"""A host that sells: it records a purchase, the customer agrees, and the merchant is paid."""

from tests.api.conftest import Json, Site
from tests.api.hosting import ADULT, Browser, browsing, code_in, guest
from tests.api.test_bad_input import check_problem
from tests.api.test_host_flow import line_of, pay_out
from tests.store.scene_desk import registered

from counterfoil.journeys.house import House
from counterfoil.kernel import ids

SELLS: Json = {"products": ("scene-line",), "drawdown_purposes": ("travel",)}
MONEY: Json = {
    "amount_minor": 100_000,
    "currency": "CNY",
    "tenor_months": 3,
    "method": "level_instalment",
}


async def bought(house: House, paper: str) -> Json:
    """Return the form of a purchase at a merchant."""
    payee = await registered(house)
    return {
        "customer": "u1",
        "scene": "travel",
        "merchant_id": ids.to_text(ids.MERCHANT, payee.merchant_id),
        "price_minor": 100_000,
        "currency": "CNY",
        "documents": {"booking": paper * 32},
    }


async def sign_in(browser: Browser) -> None:
    """Be the customer at the portal, whole."""
    browser.client.cookies.clear()
    here = "/portal/sign-in"
    asked = await browser.submit(await browser.client.get(here), here, number=ADULT["id_number"])
    entered = await browser.submit(asked, here, code=code_in(asked.text))
    assert entered.status_code == 303, entered.text


async def test_what_a_host_sells_is_paid_to_the_merchant_and_taken_back_at_the_portal(
    site: Site,
) -> None:
    seller, other = await guest(site, "trips", **SELLS), await guest(site, "cash")
    wish = await bought(site.house, "a1")
    async with browsing(site) as browser:
        line_id = await line_of(site, seller, browser, product="scene-line")
        foreign = await seller.post("/v1/host/purchases", wish | {"scene": "hunting"})
        check_problem(foreign, 422, "scene_unknown")
        check_problem(await other.post("/v1/host/purchases", wish), 403, "host_product_closed")
        made = await seller.post("/v1/host/purchases", wish, key="once")
        assert made.status_code == 201, made.text
        again = await seller.post("/v1/host/purchases", wish, key="once")
        assert again.json() == made.json()
        purchase = made.json()
        assert not {"customer_id", "is_student"} & purchase.keys()

        asked = {"line_id": line_id, "purchase_id": purchase["id"], **MONEY}
        mixed = {"customer": "u1", "act": "cost_sheet", "return_url": f"{seller.origin}/b"}
        both = await seller.post("/v1/hosted-pages", mixed | asked | {"purpose": "travel"})
        check_problem(both, 422, "page_form_invalid")
        page = await seller.ask("u1", "cost_sheet", **asked)
        act = await browser.open(page)
        assert "Example Travel" in act.text
        await browser.choose(act, page, choice="agree")
        drawn = await seller.post("/v1/host/drawdowns", {"customer": "u1", "page_id": page["id"]})
        assert drawn.status_code == 201, drawn.text
        await pay_out(site, drawn.json())
        [held] = (await seller.get("/v1/host/purchases", customer="u1")).json()["items"]
        assert (held["paid_minor"], held["payable_minor"]) == (100_000, 0)

        await sign_in(browser)
        here = f"/portal/purchases/{purchase['id']}"
        assert here in (await browser.client.get("/portal/purchases")).text
        shown = await browser.client.get(here)
        for words in ("Example Travel", "acct-1", drawn.json()["id"]):
            assert words in shown.text
        unread = await browser.submit(shown, here, loan="lo_x")
        assert unread.status_code == 404
        done = await browser.submit(shown, here, loan=drawn.json()["id"])
        assert done.headers["location"] == f"{here}?done=purchase_withdrawn"
        [over] = (await seller.get("/v1/host/purchases", customer="u1")).json()["items"]
        assert over["claim_left_minor"] == 100_000
