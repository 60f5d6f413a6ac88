"""Campaigns: two people, only who agreed and did not opt out, and nothing but an invitation."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.store.applicants import CLEAN
from tests.store.branch import an_opening
from tests.store.consent_desk import Desk, open_desk

from counterfoil.consents.consent import Consent
from counterfoil.decisioning.wishes import Choice
from counterfoil.hosts.campaign import CampaignTerms, Words
from counterfoil.hosts.campaign_store import Campaign
from counterfoil.journeys.applying import apply
from counterfoil.journeys.applying.apply import ApplicationView
from counterfoil.journeys.approve import decide_approval
from counterfoil.journeys.consenting import consent
from counterfoil.journeys.deciding import choose
from counterfoil.journeys.hosting import invite
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import Approval
from counterfoil.platform.batches import Answer
from counterfoil.privacy.correction_store import set_restriction

ANALYST = Actor(name="ana", role="risk_analyst", source="console")
OFFICER = Actor(name="cora", role="compliance", source="console")
INVITED = "cash-line-invited"


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(database_url, tmp_path) as opened:
        yield opened


async def terms_of(house: House, **changes: Any) -> CampaignTerms:
    on = await house.business_date()
    given: dict[str, Any] = {
        "code": "spring",
        "product_code": INVITED,
        "host_id": None,
        "rule": "own_months >= 0 AND own_days_late_worst = 0",
        "customer_ids": (),
        "quota": 10,
        "expires_on": on + timedelta(days=30),
        "zh": Words(title="邀请您申请", text="您按时还款，欢迎申请。"),
        "en": Words(title="You are invited", text="You repay on time. You may apply."),
        **changes,
    }
    return CampaignTerms(**given)


async def start(house: House, terms: CampaignTerms) -> Campaign:
    asked = await invite.start_campaign(house, ANALYST, terms, reason="regulars")
    assert isinstance(asked, Approval), asked
    again = await invite.start_campaign(house, ANALYST, terms, reason="regulars")
    assert isinstance(again, Approval)
    assert again.approval_id == asked.approval_id
    await decide_approval(house, OFFICER, asked.approval_id, is_approved=True, reason="read")
    made = await invite.start_campaign(house, ANALYST, terms, reason="regulars")
    assert isinstance(made, Campaign), made
    return made


async def agreed(desk: Desk) -> tuple[int, Consent]:
    """Register somebody with a line who agrees to offers."""
    customer_id = await desk.register()
    line = desk.house.ids.next()
    opened = await desk.house.counter.submit(
        an_opening(customer_id, line), idempotency_key=f"open-{line}"
    )
    assert isinstance(opened, Answer)
    return customer_id, await desk.give(customer_id, "marketing")


async def wish(house: House, customer_id: int, key: str) -> ApplicationView | Refused:
    return await apply.submit_application(
        house,
        customer_id=customer_id,
        product_code=INVITED,
        requested_minor=None,
        purpose="travel",
        facts=CLEAN,
        idempotency_key=key,
    )


async def footprints(house: House) -> dict[str, int]:
    """Count what an invitation must not leave behind."""
    async with house.database.connection() as connection:
        row = await connection.fetchrow(
            "SELECT (SELECT count(*) FROM bureau.inquiry) AS inquiries,"
            " (SELECT count(*) FROM decisioning.application) AS applications,"
            " (SELECT count(*) FROM capacity.guard_run) AS guard_runs,"
            " (SELECT sum(held_minor + version) FROM lending.credit_line) AS lines"
        )
    return dict(row)


async def test_an_invitation_needs_consent_and_leaves_nothing_else_behind(desk: Desk) -> None:
    house = desk.house
    willing, _ = await agreed(desk)
    silent = await desk.register()
    line = house.ids.next()
    await house.counter.submit(an_opening(silent, line), idempotency_key="open-silent")
    refuses, _ = await agreed(desk)
    await choose.choose(
        house, customer_id=refuses, choice=Choice.NO_INVITATIONS, is_on=True, channel="portal"
    )
    before = await footprints(house)
    made = await start(house, await terms_of(house))
    assert made.counts == {"invited": 1, "no_consent": 1, "opted_out": 1}
    assert await footprints(house) == before
    [shown] = await invite.invitations_of(house, willing)
    assert shown.words["en"]["title"] == "You are invited"
    twice = await start(house, await terms_of(house, code="summer"))
    assert twice.counts == {"invited_already": 1, "no_consent": 1, "opted_out": 1}


async def test_whoever_has_processing_restricted_is_invited_to_nothing(desk: Desk) -> None:
    house, (willing, _) = desk.house, await agreed(desk)
    async with house.database.transaction() as connection:
        # The request of the person is not what is tested.
        await connection.execute("SET LOCAL session_replication_role = replica")
        await set_restriction(
            connection,
            customer_id=willing,
            restriction_id=house.ids.next(),
            is_on=True,
            request_id=1,
            set_by="li-wei",
            reason="asked",
            at=house.clock.now(),
        )
    made = await start(house, await terms_of(house))
    assert made.counts == {"restricted": 1}
    assert await invite.invitations_of(house, willing) == []


async def test_only_the_invited_apply_and_only_while_the_invitation_lives(desk: Desk) -> None:
    house = desk.house
    first, given = await agreed(desk)
    second, _ = await agreed(desk)
    third, _ = await agreed(desk)
    refused = await wish(house, first, "early")
    assert isinstance(refused, Refused)
    assert refused.code == "invitation_needed"
    listed = await terms_of(house, rule="", customer_ids=(first, second, third), quota=2)
    made = await start(house, listed)
    assert made.counts == {"invited": 2, "beyond_quota": 1}
    assert isinstance(await wish(house, second, "now"), ApplicationView)
    await consent.withdraw(
        house,
        customer_id=first,
        consent_id=given.consent_id,
        channel="portal",
        idempotency_key="withdraw",
    )
    for customer_id in (first, third):
        again = await wish(house, customer_id, "late")
        assert isinstance(again, Refused)
        assert again.code == "invitation_needed"
    # What was answered before the invitation ended is answered so for ever.
    await invite.end_campaign(house, OFFICER, campaign_id=made.campaign_id, reason="over")
    assert isinstance(await wish(house, second, "now"), ApplicationView)
    assert isinstance(await wish(house, second, "later"), Refused)


async def test_what_is_approved_is_what_starts(desk: Desk) -> None:
    house = desk.house
    terms = await terms_of(house)
    asked = await invite.start_campaign(house, ANALYST, terms, reason="regulars")
    assert isinstance(asked, Approval)
    own = await decide_approval(house, ANALYST, asked.approval_id, is_approved=True, reason="mine")
    assert isinstance(own, Refused)
    await decide_approval(house, OFFICER, asked.approval_id, is_approved=True, reason="read")
    other = await invite.start_campaign(house, ANALYST, replace(terms, quota=9), reason="more")
    assert isinstance(other, Approval)
    assert other.approval_id != asked.approval_id
    for changes in (
        {"rule": "own_score > 3"},
        {"rule": "own_months >="},
        {"expires_on": date(2020, 1, 1)},
        {"product_code": "no-such"},
    ):
        refused = await invite.start_campaign(
            house, ANALYST, replace(terms, **changes), reason="wrong"
        )
        assert isinstance(refused, Refused)
        assert refused.code == "campaign_form_invalid"
