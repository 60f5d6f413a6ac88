"""The whole flow of a host over HTTP, with its server away for a while; and what others see."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from tests.api.conftest import Json, Site
from tests.api.hosting import (
    ADULT,
    ANALYST,
    Browser,
    Guest,
    browsing,
    code_in,
    free_port,
    guest,
    hosting,
)
from tests.api.test_applications import SOUND
from tests.api.test_bad_input import check_problem

from counterfoil.hosts import delivery as notices
from counterfoil.hosts import payee_store
from counterfoil.hosts.http_hooks import HttpHooks
from counterfoil.journeys.hosting import tell_hosts
from counterfoil.journeys.serving.own_hosts import end_own_link, own_links
from counterfoil.kernel import ids
from counterfoil.kernel.clock import TestClock
from counterfoil.lending.commands import ConfirmPayout
from counterfoil.platform.outbox import Consumer
from counterfoil.simulator.host.host import HostApp, Manner

CONSENT = {"notice": "inquiry-origination", "product_code": "cash-line-open"}
DRAWDOWN = {
    "amount_minor": 100_000,
    "currency": "CNY",
    "tenor_months": 3,
    "method": "level_instalment",
    "purpose": "daily_consumption",
    "payee_ref": "acct-1",
}


async def line_of(
    site: Site,
    visitor: Guest,
    browser: Browser,
    customer: str = "u1",
    product: str = "cash-line-open",
) -> str:
    """Go from a person to a line: link, consent, application, agreement."""
    await visitor.link(customer, ADULT)
    consent = await visitor.ask(customer, "consent", **CONSENT | {"product_code": product})
    await browser.choose(await browser.open(consent), consent, choice="agree")
    applied = await visitor.post(
        "/v1/host/applications",
        {
            "customer": customer,
            "product_code": product,
            "purpose": "daily_consumption",
            "facts": SOUND,
            "consent_page_id": consent["id"],
        },
    )
    assert applied.status_code == 201, applied.text
    offer = applied.json()
    assert offer["status"] == "approved"
    assert not {"reasons", "grade", "rate_daily_e8", "policy_version"} & offer.keys()
    page = await visitor.ask(customer, "agreement", application_id=offer["id"])
    sheet = await browser.open(page)
    assert isinstance(site.house.clock, TestClock)
    site.house.clock.advance(timedelta(seconds=30))
    action = f"/portal/hosted/{page['id']}"
    agreement = await browser.submit(sheet, action, choice="read")
    wrong = await browser.submit(
        agreement, action, choice="sign", code="000000", repayment_day="15"
    )
    assert wrong.status_code == 422
    signed = await browser.submit(
        wrong, action, choice="sign", code=code_in(agreement.text), repayment_day="15"
    )
    assert signed.status_code == 303, signed.text
    [line] = (await visitor.get("/v1/host/limits", customer=customer)).json()["items"]
    assert line["can_draw"]
    return str(line["line_id"])


async def draw(visitor: Guest, browser: Browser, line_id: str, customer: str = "u1") -> Json:
    wish = {"customer": customer, "act": "cost_sheet", "return_url": f"{visitor.origin}/b"}
    unknown = await visitor.post("/v1/hosted-pages", {**wish, **DRAWDOWN, "line_id": line_id})
    check_problem(unknown, 409, "host_payee_not_declared")
    account = {"customer": customer, "payee_ref": DRAWDOWN["payee_ref"], "label": "Example 1234"}
    declared = await visitor.post("/v1/host/payees", account)
    assert declared.status_code == 201, declared.text
    assert (await visitor.post("/v1/host/payees", account)).json()["id"] == declared.json()["id"]
    page = await visitor.ask(customer, "cost_sheet", line_id=line_id, **DRAWDOWN)
    body = {"customer": customer, "page_id": page["id"]}
    early = await visitor.post("/v1/host/drawdowns", body)
    check_problem(early, 409, "page_not_done")
    await browser.choose(await browser.open(page), page, choice="agree")
    drawn = await visitor.post("/v1/host/drawdowns", body)
    assert drawn.status_code == 201, drawn.text
    again = await visitor.post("/v1/host/drawdowns", body)
    assert again.json() == drawn.json()
    loan: Json = drawn.json()
    return loan


async def pay_out(site: Site, loan: Json) -> None:
    """Let the rail confirm."""
    number = ids.from_text(ids.LOAN, loan["id"])
    async with site.house.database.connection() as connection:
        customer = await connection.fetchval(
            "SELECT customer_id FROM lending.loan WHERE loan_id = $1", number
        )
    await site.house.counter.submit(
        ConfirmPayout(
            customer_id=customer,
            line_id=ids.from_text(ids.LINE, loan["line_id"]),
            loan_id=number,
            payment_id=number,
            value_date=await site.house.business_date(),
            rail_reference="rail-1",
        ),
        idempotency_key=f"confirm-{number}",
    )


async def hurry(site: Site) -> None:
    """Let the pauses before the next attempts be over."""
    async with site.house.database.connection() as connection:
        await connection.execute(
            "UPDATE hosts.delivery SET next_at = now() - interval '1 minute',"
            " leased_until = NULL WHERE state = 'waiting'"
        )


async def take_all(site: Site, consumer: Consumer) -> None:
    """Let the host be told of everything that has happened."""
    while await consumer.waiting():
        await tell_hosts.take_events(site.house, consumer)


async def outcomes(visitor: Guest, **which: str) -> set[str]:
    """Return how the last attempts at what a host is told ended."""
    found = (await visitor.get("/v1/host/events", **which)).json()["items"]
    return {item["last_outcome"] for item in found}


async def test_a_host_is_away_and_loses_nothing(site: Site) -> None:
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    visitor = await guest(site, "travel", origins=(origin,), webhook_url=f"{origin}/notices")
    secret = await tell_hosts.renew_secret(
        site.house, ANALYST, host_id=visitor.host_id, reason="first"
    )
    assert isinstance(secret, str)
    consumer = tell_hosts.hosts_consumer(site.house)
    await consumer.register()
    async with browsing(site) as browser, HttpHooks(answer_seconds=0.3) as hooks:
        loan = await draw(visitor, browser, await line_of(site, visitor, browser))
        await pay_out(site, loan)
        await take_all(site, consumer)
        sent = await tell_hosts.deliver_due(site.house, hooks)
        assert sent > 4
        waiting = (await visitor.get("/v1/host/events", state="waiting")).json()["items"]
        assert {item["last_outcome"] for item in waiting} == {"unreachable"}
        assert len(waiting) == sent
        read = await visitor.get(f"/v1/host/loans/{loan['id']}", customer="u1")
        assert read.json()["status"] == "open"
        app = HostApp(secret, Manner.WRONG)
        async with hosting(app, port, slow_seconds=1):
            await hurry(site)
            await tell_hosts.deliver_due(site.house, hooks)
            assert len(app.acted_on) == sent
            for manner, outcome in ((Manner.ELSEWHERE, "status"), (Manner.SLOW, "timeout")):
                app.manner = manner
                await hurry(site)
                await tell_hosts.deliver_due(site.house, hooks)
                assert await outcomes(visitor) == {outcome}
            app.manner = Manner.UP
            await hurry(site)
            await tell_hosts.deliver_due(site.house, hooks)
    told = (await visitor.get("/v1/host/events")).json()["items"]
    assert {item["state"] for item in told} == {"delivered"}
    assert len(app.acted_on) == sent
    assert app.repeated >= sent
    types = {item["type"] for item in app.acted_on}
    assert {"link.confirmed", "hosted_page.done", "line.opened", "loan.opened"} <= types
    text = orjson.dumps(app.acted_on).decode()
    assert not [word for word in (*ADULT.values(), "cu_", "amount") if word in text]
    await settle(visitor, loan)
    await end_link(site, visitor, consumer, loan)


async def settle(visitor: Guest, loan: Json) -> None:
    """What a quote says ends the loan, and nothing is left over."""
    paid = {"customer": "u1", "loan_id": loan["id"], "currency": "CNY"}
    booked = await visitor.post("/v1/host/repayments", {**paid, "amount_minor": 40_000})
    assert booked.status_code == 201, booked.text
    asked = {"customer": "u1", "loan_id": loan["id"], "on": None}
    quoted = await visitor.post("/v1/host/settlement-quotes", asked)
    assert quoted.status_code == 201, quoted.text
    assert (quoted.json()["state"], quoted.json()["amount_minor"]) == ("valid", 60_000)
    booked = await visitor.post("/v1/host/repayments", {**paid, "amount_minor": 60_000})
    assert (booked.json()["loan"]["status"], booked.json()["excess_minor"]) == ("closed", 0)
    found = await visitor.get(f"/v1/host/settlement-quotes/{quoted.json()['id']}", customer="u1")
    assert found.json()["state"] == "settled"


async def end_link(site: Site, visitor: Guest, consumer: Consumer, loan: Json) -> None:
    """A customer ends the link; the host is told, and sees nothing of the customer any more."""
    async with site.house.database.connection() as connection:
        customer = await connection.fetchval("SELECT customer_id FROM hosts.link")
    [known] = await own_links(site.house, customer)
    assert known.host.host_id == visitor.host_id
    await take_all(site, consumer)
    for _ in range(2):
        await end_own_link(site.house, customer_id=customer, host_id=visitor.host_id)
    assert [one.link.ended_by for one in await own_links(site.house, customer)] == ["customer"]
    check_problem(
        await visitor.get(f"/v1/host/loans/{loan['id']}", customer="u1"), 410, "host_link_ended"
    )
    await take_all(site, consumer)
    told = (await visitor.get("/v1/host/events", state="waiting")).json()["items"]
    assert sorted(item["type"] for item in told) == [
        *("link.ended", "loan.closed", "repayment.booked"),
    ]


async def test_hosts_and_customers_do_not_see_each_other(site: Site) -> None:
    travel, school = await guest(site, "travel"), await guest(site, "school")
    async with browsing(site) as browser:
        line_id = await line_of(site, travel, browser)
        loan = await draw(travel, browser, line_id)
        await pay_out(site, loan)
        # The same person at another host: known there, and nothing of the first is seen.
        await school.link("s1", ADULT)
        consent = await school.ask("s1", "consent", **CONSENT)
        await browser.choose(await browser.open(consent), consent, choice="agree")
    assert (await school.get("/v1/host/limits", customer="s1")).json()["items"] == []
    assert (await school.get("/v1/host/loans", customer="s1")).json()["items"] == []
    path = f"/v1/host/loans/{loan['id']}"
    check_problem(await school.get(path, customer="s1"), 404, "host_subject_not_found")
    check_problem(await school.get(path, customer="u1"), 404, "host_customer_not_found")
    page = {"customer": "s1", "act": "cost_sheet", "return_url": f"{school.origin}/b"}
    foreign = await school.post("/v1/hosted-pages", {**page, **DRAWDOWN, "line_id": line_id})
    check_problem(foreign, 404, "host_subject_not_found")
    other = await school.get(f"/v1/hosted-pages/{consent['id']}", customer="s1")
    assert other.status_code == 200
    check_problem(
        await travel.get(f"/v1/hosted-pages/{consent['id']}", customer="u1"), 404, "page_not_found"
    )
    asked = {"customer": "s1", "loan_id": loan["id"], "on": None}
    check_problem(
        await school.post("/v1/host/settlement-quotes", asked), 404, "host_subject_not_found"
    )
    # Accounts are declared by host; a token is one person's, whoever declares it.
    assert (await school.get("/v1/host/payees", customer="s1")).json()["items"] == []
    [account] = (await travel.get("/v1/host/payees", customer="u1")).json()["items"]
    async with site.house.database.transaction() as connection:
        assert not await payee_store.claim(connection, account["payee_ref"], 4)
    gone = f"/v1/host/payees/{account['id']}/withdrawal"
    check_problem(await school.post(gone, {"customer": "s1"}), 404, "host_payee_not_found")
    ended = await travel.post(gone, {"customer": "u1"})
    assert ended.json()["state"] == "withdrawn"
    page = {"customer": "u1", "act": "cost_sheet", "return_url": f"{travel.origin}/b"}
    paid_no_more = await travel.post("/v1/hosted-pages", {**page, **DRAWDOWN, "line_id": line_id})
    check_problem(paid_no_more, 409, "host_payee_not_declared")
    paid = {"loan_id": loan["id"], "amount_minor": 1_000, "currency": "CNY"}
    refused = await school.post("/v1/host/repayments", {"customer": "s1", **paid})
    check_problem(refused, 404, "host_subject_not_found")
    booked = await travel.post("/v1/host/repayments", {"customer": "u1", **paid}, key="r1")
    assert booked.status_code == 201, booked.text
    again = await travel.post("/v1/host/repayments", {"customer": "u1", **paid}, key="r1")
    assert again.json() == booked.json()
    # One exposure: the open application or line of one product is the person's, not the host's.
    second = await school.post(
        "/v1/host/applications",
        {
            "customer": "s1",
            "product_code": "cash-line-open",
            "purpose": "daily_consumption",
            "facts": SOUND,
        },
    )
    assert second.json().get("status") != "approved" or second.json()["limit_minor"] is not None


@pytest.mark.parametrize("tampered", ["body", "time", "secret"])
def test_a_receiver_refuses_what_was_tampered_with(tampered: str) -> None:
    """The simulated host stands for a receiver that uses the specification's own library."""
    secret = notices.new_secret()
    at = datetime.now(UTC) - (timedelta(minutes=6) if tampered == "time" else timedelta(0))
    item = notices.Delivery(
        customer_id=0,
        delivery_id=1,
        host_id=1,
        event_id=1,
        kind="test",
        payload=notices.test_body(at),
        state=notices.DeliveryState.WAITING,
        attempts=1,
        next_at=at,
        made_at=at,
        ended_at=None,
    )
    signed_with = [notices.new_secret()] if tampered == "secret" else [secret]
    headers = notices.signed_headers(item, signed_with, at=at)
    body = item.payload.replace("test", "best") if tampered == "body" else item.payload
    app = HostApp(secret)
    assert app.take(headers, body.encode()) == 401
    assert (app.refused, app.acted_on) == (1, [])
