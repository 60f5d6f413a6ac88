"""What reviews leave to people, what guards hold back, and the version that reviews instead."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from importlib import resources
from pathlib import Path

import orjson
import pytest
from tests.store.branch import Branch, an_opening, open_branch
from tests.store.test_line_reviews import LATE, a_late_line, line, measures, reviews

from counterfoil.decisioning.line_review import store as line_reviews
from counterfoil.decisioning.line_review.case import CaseRuling, CaseStatus, ReviewCase, Ruling
from counterfoil.decisioning.line_review.document import PURPOSE, read_review_policy
from counterfoil.decisioning.line_review.measure import Kind
from counterfoil.decisioning.line_review.policy import ReviewPolicy
from counterfoil.decisioning.line_review.review import ReviewOutcome
from counterfoil.decisioning.line_review.signal import SignalKind
from counterfoil.decisioning.publication_store import latest_gate
from counterfoil.decisioning.refusals import LINE_REVIEW_CASE_TAKEN, LINE_REVIEW_CASE_UNFIT
from counterfoil.decisioning.snooze import Snooze
from counterfoil.decisioning.snooze_store import add_snooze
from counterfoil.journeys.approve import decide_approval
from counterfoil.journeys.deciding.hold_back import list_trips
from counterfoil.journeys.lines import line_review_desk as desk
from counterfoil.journeys.lines import publish_line_policy as publishing
from counterfoil.journeys.lines.line_policy import SHIPPED_REVIEW, review_in_force
from counterfoil.journeys.lines.line_signals import Told, note_signal
from counterfoil.journeys.lines.publish_line_policy import publish_line_policy, request_line_policy
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import Approval

LI = Actor(name="li", role="risk_analyst", source="console")
WANG = Actor(name="wang", role="compliance", source="console")

DEATH = Told(
    customer_id=1, line_id=1, kind=SignalKind.DEATH, source="registry", reference="7", by="api"
)


@pytest.fixture
async def branch(database_url: str, tmp_path: Path) -> AsyncIterator[Branch]:
    async with open_branch(database_url, tmp_path) as opened:
        yield opened


async def a_case(branch: Branch) -> ReviewCase:
    """Open a line and let somebody tell that its customer died."""
    await branch.get(an_opening(1, 1, limit_minor=500_000))
    await note_signal(branch.house, DEATH)
    [case] = await desk.waiting_cases(branch.house)
    return case


def a_ruling(ruling: Ruling, to_minor: int | None = None) -> CaseRuling:
    return CaseRuling(ruling=ruling, by="li", reason="talked to the heirs", to_minor=to_minor)


async def decide(branch: Branch, case: ReviewCase, ruling: CaseRuling, actor: Actor = LI) -> object:
    return await desk.decide_case(branch.house, actor, ruling, customer_id=1, case_id=case.case_id)


async def test_a_proposal_waits_for_one_person_who_sees_what_the_machine_saw(
    branch: Branch,
) -> None:
    case = await a_case(branch)
    assert (case.status, case.proposals) == (CaseStatus.OPEN, ("close",))
    # Monday to Monday: five working days.
    assert case.due_on - await branch.on() == timedelta(days=7)
    await branch.close_to(await branch.on() + timedelta(days=1))
    again = replace(DEATH, kind=SignalKind.FRAUD_CONFIRMED)
    await note_signal(branch.house, again)
    assert len(await reviews(branch)) == 2
    assert [item.case_id for item in await desk.waiting_cases(branch.house)] == [case.case_id]
    seen = await desk.see_case(branch.house, customer_id=1, case_id=case.case_id)
    assert not isinstance(seen, Refused)
    shown = desk.seen_document(seen)
    assert shown["acted"] == ["C02"]
    assert shown["facts"] == orjson.loads((await reviews(branch))[0].inputs)["features"]
    taken = await desk.take_case(branch.house, LI, customer_id=1, case_id=case.case_id)
    assert isinstance(taken, ReviewCase)
    other = await desk.take_case(branch.house, WANG, customer_id=1, case_id=case.case_id)
    assert isinstance(other, Refused)
    assert other.refusal is LINE_REVIEW_CASE_TAKEN
    kept = await decide(branch, case, a_ruling(Ruling.KEEP))
    assert isinstance(kept, ReviewCase)
    assert (kept.status, kept.decided_by, kept.agreed_by) == (CaseStatus.DECIDED, "li", None)
    assert await desk.waiting_cases(branch.house) == []
    assert (await line(branch))[1] == 500_000


async def test_a_wide_reduction_needs_a_second_person_and_is_done_once(branch: Branch) -> None:
    case = await a_case(branch)
    unfit = await decide(branch, case, a_ruling(Ruling.LOWER, to_minor=600_000))
    assert isinstance(unfit, Refused)
    assert unfit.refusal is LINE_REVIEW_CASE_UNFIT
    wide = a_ruling(Ruling.LOWER, to_minor=240_000)
    asked = await decide(branch, case, wide)
    assert isinstance(asked, Approval)
    again = await decide(branch, case, wide)
    assert isinstance(again, Approval)
    assert again.approval_id == asked.approval_id
    assert await measures(branch) == []
    agreed = await decide_approval(
        branch.house, WANG, asked.approval_id, is_approved=True, reason="seen"
    )
    assert not isinstance(agreed, Refused)
    # The approval is for exactly this limit.
    assert isinstance(
        await decide(branch, case, a_ruling(Ruling.LOWER, to_minor=100_000)), Approval
    )
    done = await decide(branch, case, wide)
    assert isinstance(done, ReviewCase)
    assert (done.decided_by, done.agreed_by) == ("li", "wang")
    [held] = await measures(branch)
    assert (held.kind, held.author, held.measure_id) == (Kind.LOWER, "li", done.measure_id)
    await branch.close_to(held.effective_on + timedelta(days=1))
    assert await line(branch) == ("active", 240_000)
    assert await branch.faults() == {}


async def test_a_snoozed_rule_takes_nothing_and_stands_among_the_inputs(branch: Branch) -> None:
    now = branch.house.clock.now()
    async with branch.house.database.transaction() as connection:
        await add_snooze(
            connection,
            Snooze(
                customer_id=1,
                snooze_id=1,
                purpose=PURPOSE,
                rule_code="S01",
                reason="the bank's mistake",
                asked_by="li",
                approved_by="wang",
                approval_id=1,
                starts_at=now,
                expires_at=now + timedelta(days=90),
            ),
        )
    await a_late_line(branch)
    assert (await line(branch))[0] == "active"
    [made] = [item for item in await reviews(branch) if item.cause == "instalment_missed"]
    assert orjson.loads(made.inputs)["guards"] == {"snoozed": ["S01"], "tripped": []}
    assert orjson.loads(made.result)["verdicts"]["S01"] == "true"
    assert orjson.loads(made.result)["guarded"] == ["snooze:S01"]
    assert await branch.faults() == {}


#: What lending does not count for a review, and the store of features knows.
TOLD = """
[[features]]
name = "own_repaid_90_days_minor"
name_en = "Repaid in ninety days"
name_zh = "近九十日还款额"
type = "integer"
unit = "minor"
lowest = 0
highest = 100_000_000_000
nullable = true
source = "own_behaviour"
legal_basis = "contract"

[[features]]
name = "own_limit_minor"
"""


def shipped_text() -> str:
    folder = resources.files("counterfoil.decisioning").joinpath("policies")
    return folder.joinpath(f"{SHIPPED_REVIEW}.toml").read_text(encoding="utf-8")


def a_version(version: str, on_trip: str) -> ReviewPolicy:
    """Return the shipped policy under another version, with a cap that one measure trips."""
    text = shipped_text().replace('version = "2026-02"', f'version = "{version}"')
    text = text.replace("count_min = 50\nshare_ppm = 250_000", "count_min = 1\nshare_ppm = 1")
    text = text.replace('\n[[features]]\nname = "own_limit_minor"\n', TOLD, 1)
    return read_review_policy(text.replace('on_trip = "refer"', f'on_trip = "{on_trip}"'))


async def publish(branch: Branch, policy: ReviewPolicy) -> None:
    asked = await request_line_policy(branch.house, LI, policy, reason="try it")
    assert isinstance(asked, Approval)
    await decide_approval(branch.house, WANG, asked.approval_id, is_approved=True, reason="seen")
    made = await publish_line_policy(branch.house, LI, policy, reason="try it")
    assert not isinstance(made, Refused)


@pytest.mark.parametrize(("on_trip", "instead"), [("previous", "2026-02"), ("refer", "tripping")])
async def test_a_version_that_trips_refers_or_gives_way_and_both_are_on_record(
    branch: Branch, on_trip: str, instead: str
) -> None:
    await publish(branch, a_version("tripping", on_trip))
    await branch.get(an_opening(2, 2, limit_minor=500_000, repayment_day=16))
    await branch.lend(2, 2, 120_000, tenor_months=3, repayment_day=16)
    await a_late_line(branch)
    assert [item.rule_code for item in await list_trips(branch.house)] == ["S01", "*"]
    [late] = [item for item in await reviews(branch) if item.cause == "instalment_missed"]
    assert orjson.loads(late.inputs)["features"]["own_repaid_90_days_minor"] == 0
    async with branch.house.database.connection() as connection:
        found = await review_in_force(connection, at=branch.house.clock.now())
    assert found.policy.version == instead
    is_out = on_trip == "previous"
    assert (found.fallen_from is not None) is is_out
    await branch.close_to(LATE + timedelta(days=1))
    [second] = [item for item in await reviews(branch, 2) if item.cause == "instalment_missed"]
    wanted = ReviewOutcome.SUSPENDED if is_out else ReviewOutcome.REFERRED
    assert (second.policy_version, second.outcome) == (instead, wanted)
    reasons = await branch.rows(
        "SELECT reason FROM platform.trail WHERE act = 'action_cap_tripped'"
    )
    assert all(("the version before it decides" in row[0]) is is_out for row in reasons)
    assert await branch.faults() == {}


async def test_the_report_of_a_version_is_on_the_lines_reviewed_last(
    branch: Branch, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        await branch.get(an_opening(number, number, limit_minor=500_000))
    for number, kind in (
        (2, SignalKind.IDENTITY_DOUBT),
        (2, SignalKind.DEATH),
        (1, SignalKind.IDENTITY_DOUBT),
    ):
        told = replace(DEATH, customer_id=number, line_id=number, kind=kind)
        assert not isinstance(await note_signal(branch.house, told), Refused)
    first, last = [item.outcome.value for item in await reviews(branch, 2)]
    assert (first, last) == ("frozen", "referred")
    # A line counts once, by its last review, however many pages are read for it.
    monkeypatch.setattr(publishing, "_PAGE", 2)
    whole = await a_report(branch, a_version("all", "refer"))
    assert (whole["lines"], whole["reviews_read"]) == (2, 3)
    assert whole["outcomes_before"] == whole["outcomes"] == {"frozen": 1, "referred": 1}
    # Of one line: customer 1's was reviewed last, until customer 2's is.
    monkeypatch.setattr(publishing, "LINES_MAX", 1)
    one = await a_report(branch, a_version("one", "refer"))
    assert (one["outcomes_before"], one["reviews_read"]) == ({"frozen": 1}, 1)
    told = replace(DEATH, customer_id=2, line_id=2, kind=SignalKind.FRAUD_CONFIRMED)
    assert not isinstance(await note_signal(branch.house, told), Refused)
    two = await a_report(branch, a_version("two", "refer"))
    assert two["outcomes_before"] == {"referred": 1}
    # What would lower or suspend everybody is not even asked for.
    dead = read_review_policy(shipped_text().replace("fraud_signals_open > 0", "TRUE", 1))
    refused = await request_line_policy(branch.house, LI, dead, reason="try it")
    assert isinstance(refused, Refused)
    assert "policy.rules[F01].when: can never be false" in refused.message
    # Lines in other money are none of this policy's; what is read for them has a bound.
    elsewhere = read_review_policy(shipped_text().replace('"CNY"', '"USD"'))
    assert (await a_report(branch, elsewhere))["reviews_read"] == 4
    monkeypatch.setattr(publishing, "REVIEWS_MAX", 3)
    bounded = await a_report(branch, elsewhere)
    assert (bounded["lines"], bounded["reviews_read"]) == (0, 3)
    # With few rows any plan will do; where scans and sorts cost more, the index has to serve.
    query = line_reviews.QUERIES.reviews_newest
    async with branch.house.database.transaction() as connection:
        await connection.execute("SET LOCAL enable_seqscan = off")
        await connection.execute("SET LOCAL enable_sort = off")
        arguments = query.arguments({"before": line_reviews.NEWEST, "page": 5})
        plan = await connection.fetch(f"EXPLAIN {query.sql}", *arguments)
    said = [row[0] for row in plan]
    assert "Index Scan Backward using line_review_order" in said[1]
    assert not any("Sort" in line for line in said)


async def a_report(branch: Branch, policy: ReviewPolicy) -> dict[str, object]:
    """Ask for a version's publication and return the report that the second person gets."""
    asked = await request_line_policy(branch.house, LI, policy, reason="see what it does")
    assert isinstance(asked, Approval)
    async with branch.house.database.connection() as connection:
        gate = await latest_gate(connection, policy.hash)
    assert gate is not None
    made: dict[str, object] = orjson.loads(gate.report)
    return made
