"""Versions that review lines, tried on some customers and in the shadow."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.store.branch import Branch, an_opening, open_branch
from tests.store.experiment_desk import started, text
from tests.store.test_line_review_desk import LI, shipped_text
from tests.store.test_line_reviews import reviews

from counterfoil.decisioning.experiment import read_document
from counterfoil.decisioning.line_review.document import read_review_policy
from counterfoil.decisioning.line_review.policy import ReviewPolicy
from counterfoil.decisioning.refusals import EXPERIMENT_LOOSENS, EXPERIMENT_POLICY_UNKNOWN
from counterfoil.journeys.deciding.experiment_report import report_on
from counterfoil.journeys.deciding.run_experiment import propose
from counterfoil.journeys.deciding.shadow import Shadows
from counterfoil.journeys.lines.line_policy import shipped_review_policy
from counterfoil.journeys.lines.publish_line_policy import request_line_policy
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.platform.approvals import Approval

#: So many that both arms have some, whatever the key.
CUSTOMERS = range(1, 31)


@pytest.fixture
async def branch(database_url: str, tmp_path: Path) -> AsyncIterator[Branch]:
    async with open_branch(database_url, tmp_path) as opened:
        yield opened


def a_variant(*changes: tuple[str, str]) -> ReviewPolicy:
    """Return the shipped policy with parts of its text changed."""
    written = shipped_text().replace('version = "2026-02"', 'version = "tried"')
    for before, after in changes:
        assert before in written
        written = written.replace(before, after)
    return read_review_policy(written)


#: Reviews every ten days.
OFTENER = a_variant(('by_product = { "*" = 30 }', 'by_product = { "*" = 10 }'))


def an_experiment(kind: str, variant: ReviewPolicy) -> str:
    champion = ("champion", shipped_review_policy().hash, 500_000)
    arms = [("tried", variant.hash, 1_000_000)]
    if kind == "challenger":
        arms = [champion, ("tried", variant.hash, 500_000)]
    return text(kind, purpose="line_review", arms=arms, last_date="2026-12-31")


async def keep(branch: Branch, variant: ReviewPolicy) -> None:
    """Keep a version with its report, as a request for its publication does."""
    assert isinstance(
        await request_line_policy(branch.house, LI, variant, reason="to try"), Approval
    )


async def lines(branch: Branch) -> None:
    for customer in CUSTOMERS:
        await branch.get(an_opening(customer, customer, limit_minor=500_000))


async def test_arms_review_their_own_lines_and_each_line_is_one_case(branch: Branch) -> None:
    await keep(branch, OFTENER)
    await started(branch.house, an_experiment("challenger", OFTENER))
    await lines(branch)
    await branch.close_to(date(2026, 2, 4))
    said = {who: (await reviews(branch, who))[0] for who in CUSTOMERS}
    arms = {who: orjson.loads(one.inputs)["experiments"]["arm"] for who, one in said.items()}
    assert set(arms.values()) == {"champion", "tried"}
    for who, one in said.items():
        assert one.policy_version == ("tried" if arms[who] == "tried" else "2026-02")
    report = await report_on(branch.house, "a-challenger")
    assert not isinstance(report, Refused)
    by_arm: dict[str, Any] = report["by_arm"]
    for arm in ("champion", "tried"):
        assert by_arm[arm]["cases"] == list(arms.values()).count(arm)
        assert by_arm[arm]["funding_minor"] == 0
    # Both versions say the same of each line: nobody would be offered more by one alone.
    swaps = report["swap_set"]
    assert swaps["cases"] == len(CUSTOMERS)
    assert {kind: one["cases"] for kind, one in swaps["against_champion"]["tried"].items()} == {
        "both": 0,
        "swapped_in": 0,
        "swapped_out": 0,
        "neither": len(CUSTOMERS),
    }
    assert await branch.faults() == {}


async def test_a_looser_or_unknown_version_is_not_tried(branch: Branch) -> None:
    document = read_document(an_experiment("challenger", OFTENER))
    unknown = await propose(branch.house, LI, document, [], reason="to learn")
    assert isinstance(unknown, Refused)
    assert unknown.refusal is EXPERIMENT_POLICY_UNKNOWN
    for change in (
        ("exposure_outcome = 'refuse' AND", "exposure_outcome = 'capped' AND"),
        ("total_cap_minor = 6_000_000", "total_cap_minor = 6_000_001"),
        ("notice_days = 3", "notice_days = 2"),
    ):
        looser = a_variant(change)
        await keep(branch, looser)
        document = read_document(an_experiment("challenger", looser))
        refused = await propose(branch.house, LI, document, [], reason="to learn")
        assert isinstance(refused, Refused)
        assert refused.refusal is EXPERIMENT_LOOSENS


async def test_a_shadow_is_asked_about_reviews_and_changes_nothing(branch: Branch) -> None:
    # It would propose to close every line that gives no grounds for it.
    strict = a_variant(("closing_grounds_open > 0", "closing_grounds_open < 1"))
    await keep(branch, strict)
    await started(branch.house, an_experiment("shadow", strict))
    await lines(branch)
    await branch.close_to(date(2026, 2, 4))
    assert isinstance(branch.house.clock, TestClock)
    branch.house.clock.advance(timedelta(minutes=5))
    assert await Shadows(branch.house).step() == len(CUSTOMERS)
    report = await report_on(branch.house, "a-shadow")
    assert not isinstance(report, Refused)
    [pair] = report["disagreement"]
    assert (pair["production_outcome"], pair["shadow_outcome"], pair["cases"]) == (
        *("unchanged", "referred"),
        len(CUSTOMERS),
    )
