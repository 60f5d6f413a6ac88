"""Looking, trying out, drawing and repaying, with a bureau joined: it hears of none of it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import httpx
import pytest
from tests.api.conftest import Borrower, Json, Site
from tests.reading_watch import alone
from tests.store.bureau_desk import Desk as BureauDesk
from tests.store.bureau_desk import open_desk
from tests.store.raise_desk import open_line

from counterfoil.api.app import serving, site_of
from counterfoil.api.desk import Desk
from counterfoil.api.problems import load_texts
from counterfoil.journeys.applying.trial import TrialView, trial_limit
from counterfoil.platform.access import Scope


@dataclass
class Joined:
    """A site whose house is a member of a bureau, and a borrower with a consent to be asked."""

    site: Site
    bureau: BureauDesk
    borrower: Borrower

    async def inquiries(self) -> tuple[int, int]:
        """Return how many the house has begun, and how many the bureau has on its list."""
        begun = await self.bureau.rows("SELECT 1 FROM bureau.inquiry")
        return len(begun), len(self.bureau.listed)


@pytest.fixture
async def joined(database_url: str, tmp_path: Path) -> AsyncIterator[Joined]:
    async with open_desk(database_url, tmp_path) as bureau:
        desk = Desk(load_texts())
        app = site_of(desk)
        async with serving(desk, bureau.house):
            transport = httpx.ASGITransport(alone(app), raise_app_exceptions=True)
            async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
                site = Site(bureau.house, app, desk, client)
                client.headers["authorization"] = f"Bearer {await site.secret(*Scope)}"
                customer = await bureau.person()
                line = await open_line(bureau.house, customer)
                # There is everything that an inquiry would need.
                await bureau.consent(customer)
                await bureau.consent(customer, code="inquiry-limit-increase")
                yield Joined(site, bureau, Borrower(customer, line))


async def ok(answer: httpx.Response) -> Json:
    assert answer.status_code < 300, answer.text
    body: Json = answer.json()
    return body


async def test_viewing_trying_drawing_and_repaying_never_inquire(joined: Joined) -> None:
    site, borrower = joined.site, joined.borrower
    who, line = {"customer_id": borrower.customer_id}, f"/v1/lines/{borrower.line_id}"
    # Viewing
    for path in (line, f"{line}/history", f"{line}/limit-requests", "/v1/lines", "/v1/loans"):
        await ok(await site.get(path, **who))
    await ok(await site.get("/v1/inquiries", **who))
    # Trying out
    trial = await trial_limit(
        site.house,
        product_code="cash-line-open",
        purpose="travel",
        facts={"income_monthly_minor": 900_000, "debt_monthly_minor": 0},
        age_years=30,
    )
    assert isinstance(trial, TrialView), trial
    await ok(await site.post("/v1/quotes", site.wish(borrower)))
    # Drawing
    drawn = await site.open_loan(borrower)
    await ok(await site.get(f"/v1/loans/{drawn['id']}", **who))
    # Repaying
    paid = {
        **who,
        "line_id": borrower.line_id,
        "loan_id": drawn["id"],
        "amount_minor": 10_000,
        "currency": "CNY",
        "value_date": None,
        "mode": "next_instalment",
        "channel": "bank",
    }
    await ok(await site.post("/v1/repayments", paid))
    # Settings of the line, by the customer and by staff
    await ok(await site.post(f"{line}/own-cap", {**who, "cap_minor": 400_000}))
    changed = {**who, "limit_minor": 490_000, "reason": "customer_request"}
    await ok(await site.post(f"{line}/limit", changed))
    assert await joined.inquiries() == (0, 0)
    # The same house does inquire where the customer asks for more.
    assert await asked_for_more(joined) == "approved"
    assert await joined.inquiries() == (1, 1)


async def asked_for_more(joined: Joined) -> str:
    consents = await joined.site.get("/v1/consents", customer_id=joined.borrower.customer_id)
    [consent_id] = [
        item["id"]
        for item in (await ok(consents))["items"]
        if item["purpose"] == "inquiry_limit_increase"
    ]
    wish = {
        "customer_id": joined.borrower.customer_id,
        "requested_minor": 900_000,
        "consent_id": consent_id,
    }
    path = f"/v1/lines/{joined.borrower.line_id}/limit-requests"
    # A day of its own: the raise by staff was long ago, the own ceiling is gone.
    await joined.bureau.run(
        "ALTER TABLE lending.line_event DISABLE TRIGGER USER",
        f"UPDATE lending.line_event SET book_date = '{date(2024, 1, 1)}'",
        "UPDATE lending.credit_line SET own_cap_minor = NULL",
    )
    status: str = (await ok(await joined.site.post(path, wish)))["status"]
    return status
