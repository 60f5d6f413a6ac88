"""Reviews that read a credit report: whose consent lets them, what is reused, what is refused."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from tests.store.bureau_desk import Desk, open_desk
from tests.store.raise_desk import open_line
from tests.store.test_line_review_desk import LI, WANG, shipped_text

from counterfoil.bureau.occasion import Occasions
from counterfoil.decisioning.line_review.document import read_review_policy
from counterfoil.decisioning.line_review.store import StoredReview
from counterfoil.journeys.approve import decide_approval
from counterfoil.journeys.lines.line_reviewing import review_line
from counterfoil.journeys.lines.publish_line_policy import publish_line_policy, request_line_policy
from counterfoil.kernel.errors import Refused
from counterfoil.platform.approvals import Approval

FEATURE = """
[reports]
by_product = { "*" = true }
causes = ["periodic", "asked_for", "income_updated"]

[[features]]
name = "delay_months_max"
name_en = "Longest delay in six months, elsewhere"
name_zh = "近六月他行最长逾期月数"
type = "integer"
unit = "months"
lowest = 0
highest = 120
nullable = true
source = "bureau"
legal_basis = "consent"
consent_purpose = "inquiry_review"

[[features]]
name = "own_limit_minor"
"""


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(database_url, tmp_path) as opened:
        occasions = dict(opened.house.occasions.by_code)
        occasions["review"] = replace(occasions["review"], is_on=True)
        switched_on = Occasions(by_code=occasions, never=opened.house.occasions.never)
        opened.house = replace(opened.house, occasions=switched_on)
        await publish_reading(opened)
        yield opened


async def publish_reading(desk: Desk) -> None:
    """Publish the shipped policy with a datum that only a bureau knows."""
    text = shipped_text().replace("reads_bureau = false", "reads_bureau = true")
    text = text.replace('version = "2026-02"', 'version = "reading"')
    text = text.replace('\n[[features]]\nname = "own_limit_minor"\n', FEATURE, 1)
    policy = read_review_policy(text)
    asked = await request_line_policy(desk.house, LI, policy, reason="look further")
    assert isinstance(asked, Approval)
    await decide_approval(desk.house, WANG, asked.approval_id, is_approved=True, reason="seen")
    made = await publish_line_policy(desk.house, LI, policy, reason="look further")
    assert not isinstance(made, Refused)


async def reviewed(
    desk: Desk, customer_id: int, line_id: int, cause: str, report_id: int | None = None
) -> StoredReview:
    made = await review_line(
        desk.house, customer_id=customer_id, line_id=line_id, cause=cause, report_id=report_id
    )
    assert not isinstance(made, Refused), made
    return made


def datum(made: StoredReview) -> object:
    return orjson.loads(made.inputs)["features"]["delay_months_max"]


async def test_a_review_asks_once_under_a_consent_of_its_own_and_reuses_what_lives(
    desk: Desk,
) -> None:
    customer_id = await desk.person()
    line_id = await open_line(desk.house, customer_id)
    # A consent for an application is none for reviews: nobody is asked, the datum is unknown.
    await desk.consent(customer_id)
    without = await reviewed(desk, customer_id, line_id, "asked_for")
    assert (without.report_id, datum(without)) == (None, None)
    assert desk.listed == []
    await desk.consent(customer_id, code="inquiry-review")
    first = await reviewed(desk, customer_id, line_id, "periodic")
    [inquiry] = await desk.inquiries(customer_id)
    assert (inquiry.reason_code, inquiry.purpose) == ("01", "inquiry_review")
    assert isinstance(datum(first), int)
    again = await reviewed(desk, customer_id, line_id, "income_updated")
    assert (again.report_id, datum(again)) == (first.report_id, datum(first))
    # A cause that the policy does not name reads nothing.
    silent = await reviewed(desk, customer_id, line_id, "dispute_opened")
    assert silent.report_id is None
    assert len(desk.listed) == 1


async def test_a_report_older_than_its_data_life_is_refused(desk: Desk) -> None:
    customer_id = await desk.person()
    line_id = await open_line(desk.house, customer_id)
    await desk.consent(customer_id, code="inquiry-review")
    first = await reviewed(desk, customer_id, line_id, "periodic")
    desk.wall.ahead += int(timedelta(days=400).total_seconds())
    refused = await review_line(
        desk.house,
        customer_id=customer_id,
        line_id=line_id,
        cause="asked_for",
        report_id=first.report_id,
    )
    assert isinstance(refused, Refused)
    assert refused.code == "report_expired"
    # The consent is over as well: the review goes on without.
    later = await reviewed(desk, customer_id, line_id, "asked_for")
    assert (later.report_id, datum(later)) == (None, None)
    assert len(desk.listed) == 1
