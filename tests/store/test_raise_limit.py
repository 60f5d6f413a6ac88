"""Asking for a higher limit with a bureau joined: whom it costs an inquiry, what is raised."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextvars import ContextVar
from dataclasses import replace
from datetime import timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from tests.store.bureau_desk import Desk, open_desk
from tests.store.raise_desk import NOTICE, accept, ask, code, customer, got, limit_of, offered

from counterfoil.decisioning.decision import Outcome
from counterfoil.decisioning.limit_request import LimitRequest, Status
from counterfoil.decisioning.line_review.measure import LineMeasure
from counterfoil.evidence.leaf import LeafType
from counterfoil.journeys.deciding.recheck import recheck_decisions
from counterfoil.journeys.deciding.replay_decisions import Replayed, replay_decisions
from counterfoil.journeys.deciding.todays import Today
from counterfoil.journeys.inquiring.inquire import resolve_open
from counterfoil.journeys.lines import adjust_limit, line_measures, raise_agreeing, raise_limit
from counterfoil.journeys.lines.lift_measure import lift_measure
from counterfoil.journeys.lines.raise_asking import RaiseWish
from counterfoil.kernel.errors import Refused
from counterfoil.lending.line import agreed_limit
from counterfoil.lending.store import read_line
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import PostgresError
from counterfoil.platform.queries import Query
from counterfoil.simulator.bureau.faults import Fault


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(database_url, tmp_path) as opened:
        yield opened


async def agreed_of(desk: Desk, wanted: RaiseWish) -> int:
    """Return what the customer agreed to, as it is kept; what is to be read from the history is it.

    The migration reads it for the lines of before.
    """
    kept = "SELECT coalesce(agreed_limit_minor, limit_minor) AS agreed FROM lending.credit_line"
    [before] = await desk.rows(kept)
    migration = resources.files("counterfoil.platform.migrations")
    text = migration.joinpath("0157_pre_lending_agreed_limit.sql").read_text("utf-8")
    await desk.run("UPDATE lending.credit_line SET agreed_limit_minor = NULL")
    await desk.run("WITH said AS" + text.partition("WITH said AS")[2].rstrip().rstrip(";"))
    [after] = await desk.rows(kept)
    assert before == after
    async with desk.house.database.connection() as connection:
        line = await read_line(connection, wanted.customer_id, wanted.line_id)
    assert line is not None
    assert agreed_limit(line) == before["agreed"]
    return agreed_limit(line)


async def leaves_of(desk: Desk, customer_id: int) -> list[int]:
    rows = await desk.rows(
        "SELECT leaf_type FROM (SELECT leaf_type, leaf_id FROM evidence.leaf WHERE customer_id = $1"
        " UNION ALL SELECT leaf_type, leaf_id FROM evidence.leaf_staged WHERE customer_id = $1)"
        " AS l ORDER BY leaf_type",
        customer_id,
    )
    return [row["leaf_type"] for row in rows]


# Whom the bureau is asked about


async def test_a_living_report_serves_and_nobody_is_asked(desk: Desk) -> None:
    wanted = await customer(desk, agrees=False)
    await desk.ask(await desk.consent(wanted.customer_id))
    assert len(desk.listed) == 1
    request = await offered(desk.house, wanted)
    assert request.limit_minor == 800_000
    assert len(desk.listed) == 1


async def test_without_a_report_it_is_asked_once_under_the_consent_for_it(desk: Desk) -> None:
    wanted = await customer(desk)
    request = await offered(desk.house, wanted)
    [inquiry] = await desk.inquiries(wanted.customer_id)
    assert (inquiry.reason_code, inquiry.purpose) == ("26", "inquiry_limit_increase")
    await raise_limit.withdraw(
        desk.house, customer_id=request.customer_id, request_id=request.request_id
    )
    again = await offered(desk.house, replace(wanted, idempotency_key="n2", consent_id=None))
    assert again.features == request.features
    assert len(desk.listed) == 1


async def test_without_a_consent_nothing_is_asked_decided_or_left(desk: Desk) -> None:
    wanted = await customer(desk, agrees=False)
    assert code(await ask(desk.house, wanted)) == "inquiry_consent_missing"
    assert code(await raise_limit.request(desk.house, wanted)) == "inquiry_consent_missing"
    assert await desk.rows("SELECT 1 FROM decisioning.limit_request") == []
    assert desk.listed == []
    consent = await desk.consent(wanted.customer_id, code=NOTICE)
    await offered(desk.house, replace(wanted, consent_id=consent.consent_id))


async def test_a_consent_for_another_purpose_or_of_another_person_is_refused(desk: Desk) -> None:
    wanted = await customer(desk, agrees=False)
    other = await desk.consent(wanted.customer_id)
    refused = await ask(desk.house, replace(wanted, consent_id=other.consent_id))
    assert code(refused) == "consent_for_another_purpose"
    theirs = await customer(desk)
    refused = await ask(desk.house, replace(wanted, consent_id=theirs.consent_id))
    assert code(refused) == "consent_of_another_person"
    assert (await desk.consents.stored(other.customer_id, other.consent_id)).state.uses == 0
    assert desk.listed == []
    assert await desk.rows("SELECT 1 FROM decisioning.limit_request") == []


async def test_who_is_declined_on_own_records_is_not_asked_about(desk: Desk) -> None:
    wanted = await customer(desk, instalments=4, days_late=45)
    request = await ask(desk.house, wanted)
    assert isinstance(request, LimitRequest)
    assert (request.status, request.reasons) == (Status.DECLINED, ("DLQ_RECENT",))
    assert desk.listed == []
    assert wanted.consent_id is not None
    consent = await desk.consents.stored(wanted.customer_id, wanted.consent_id)
    assert consent.state.uses == 0


async def test_what_the_line_does_not_allow_is_refused_before_anybody_is_asked(desk: Desk) -> None:
    wanted = await customer(desk)
    house, who = desk.house, {"customer_id": wanted.customer_id, "line_id": wanted.line_id}
    cases = {
        "limit_request_not_above": {"requested_minor": 500_000},
        "limit_request_out_of_range": {"requested_minor": 20_010_000},
        "line_not_found": {"line_id": 4711},
        "fact_not_declared": {"facts": {"shoe_size": 42}},
    }
    for expected, changes in cases.items():
        assert code(await ask(house, replace(wanted, **changes))) == expected  # type: ignore[arg-type]
    off_step = replace(wanted, requested_minor=800_001)
    assert code(await ask(house, off_step)) == "limit_request_out_of_range"
    stranger = replace(wanted, customer_id=await desk.person())
    assert code(await ask(house, stranger)) == "line_not_found"
    change: dict[str, Any] = {"house": house, **who, "reason": "suspected", "author": "staff"}
    await adjust_limit.freeze(**change, until=None, idempotency_key="f")
    assert code(await ask(house, wanted)) == "line_frozen"
    await adjust_limit.unfreeze(**change, idempotency_key="u")
    await desk.run("UPDATE lending.credit_line SET status = 'suspended', status_reason = 'r'")
    assert code(await ask(house, wanted)) == "line_suspended"
    await desk.run("UPDATE lending.credit_line SET status = 'active', status_reason = NULL")
    await adjust_limit.close(**change, idempotency_key="c")
    assert code(await ask(house, wanted)) == "line_closed"
    assert desk.listed == []
    assert await desk.rows("SELECT 1 FROM decisioning.limit_request") == []


# While the bureau does not answer


@pytest.mark.parametrize("fault", [Fault.DOWN, Fault.ANSWER_LOST])
async def test_a_silent_bureau_leaves_it_gathering_and_the_same_request_goes_on(
    desk: Desk, fault: Fault
) -> None:
    wanted = await customer(desk, fault)
    waiting = got(await raise_limit.request(desk.house, wanted))
    assert (waiting["status"], waiting["limit_minor"]) == ("gathering", 0)
    second = replace(wanted, idempotency_key="second")
    assert code(await ask(desk.house, second)) == "limit_request_already_open"
    # The same question is open still; going on does not ask another one.
    assert got(await raise_limit.request(desk.house, wanted))["status"] == "gathering"
    other = replace(wanted, requested_minor=900_000)
    assert code(await raise_limit.request(desk.house, other)) == "idempotency_key_reused"
    assert await resumed(desk) == 1
    decided = got(await raise_limit.request(desk.house, wanted))
    assert (decided["id"], decided["status"]) == (waiting["id"], "approved")
    replayed = await raise_limit.request(desk.house, wanted)
    assert isinstance(replayed, Answer)
    assert replayed.is_replay
    assert len(desk.listed) == 1


async def resumed(desk: Desk) -> int:
    """Run the background job's steps."""
    await resolve_open(desk.house, asked_before=desk.wall.seconds + 1)
    return await raise_limit.resume(desk.house, idle=timedelta(seconds=-1))


async def test_a_bureau_that_says_nothing_usable_sends_it_to_a_person(desk: Desk) -> None:
    wanted = await customer(desk, Fault.REFUSES)
    request = await ask(desk.house, wanted)
    assert isinstance(request, LimitRequest)
    assert (request.status, request.reasons) == (Status.REFERRED, ("DLQ_ELSEWHERE",))


@pytest.mark.parametrize("fault", [Fault.FRAUD_WARNING, Fault.DISPUTED])
async def test_a_mark_in_the_report_is_for_a_person_who_decides_by_name(
    desk: Desk, fault: Fault
) -> None:
    wanted = await customer(desk, fault)
    request = await ask(desk.house, wanted)
    assert isinstance(request, LimitRequest)
    assert request.status == Status.REFERRED
    assert "PERSON_DECIDES" in request.reasons
    assert code(await accept(desk.house, request)) == "limit_request_not_open"
    who: dict[str, Any] = {"customer_id": request.customer_id, "request_id": request.request_id}
    nameless = await raise_limit.decide_referred(
        desk.house, **who, by="li-wei", outcome=Outcome.APPROVED, reason=" "
    )
    assert code(nameless) == "decision_reason_missing"
    approved = await raise_limit.decide_referred(
        desk.house, **who, by="li-wei", outcome=Outcome.APPROVED, reason="looked at"
    )
    assert isinstance(approved, LimitRequest), approved
    assert got(await accept(desk.house, approved))["limit_minor"] == 800_000
    rows = await desk.rows("SELECT decided_by, outcome FROM decisioning.limit_decision ORDER BY 1")
    assert [tuple(row) for row in rows] == [("li-wei", "approved"), ("policy", "referred")]
    async with desk.house.database.connection() as connection:
        assert (await recheck_decisions(connection, desk.house.catalogue)).findings == ()


# Agreeing


async def test_the_limit_is_raised_once_however_often_and_under_whatever_key(desk: Desk) -> None:
    wanted = await customer(desk)
    request = await offered(desk.house, wanted)
    assert await limit_of(desk, wanted) == 500_000
    answers = await asyncio.gather(*(accept(desk.house, request, f"yes-{n % 2}") for n in range(6)))
    assert {got(answer)["limit_minor"] for answer in answers} == {800_000}
    lowered = await adjust_limit.set_limit(
        desk.house,
        customer_id=wanted.customer_id,
        line_id=wanted.line_id,
        limit_minor=300_000,
        reason="fraud",
        author="staff",
        idempotency_key="down",
    )
    got(lowered)
    await accept(desk.house, request, "yes-later")
    assert await limit_of(desk, wanted) == 300_000
    assert await agreed_of(desk, wanted) == 800_000
    events = await desk.rows("SELECT kind, reason, author FROM lending.line_event ORDER BY version")
    assert [tuple(row) for row in events][1:] == [
        ("limit_raised", "limit_request", "customer"),
        ("limit_lowered", "fraud", "staff"),
    ]
    counted = [int(kind) for kind in await leaves_of(desk, wanted.customer_id)]
    assert counted.count(LeafType.DECISION) == 1
    assert counted.count(LeafType.CONTRACT) == 1
    # Opening, raise, lowering.
    assert counted.count(LeafType.LIMIT_CHANGE) == 3


async def test_staff_raise_a_limit_no_higher_than_the_customer_agreed(desk: Desk) -> None:
    wanted = await customer(desk)
    number = 0

    async def put(limit_minor: int, reason: str = "fraud") -> Answer | Refused:
        nonlocal number
        number += 1
        return await adjust_limit.set_limit(
            desk.house, customer_id=wanted.customer_id, line_id=wanted.line_id,
            limit_minor=limit_minor, reason=reason, author="staff", idempotency_key=f"put-{number}",
        )  # fmt: skip

    # Neither for a good reason, nor in the words of those who agree.
    for reason in ("review", "limit_request", "customer_request"):
        assert code(await put(510_000, reason)) == "limit_not_agreed"
    got(await accept(desk.house, await offered(desk.house, wanted)))
    got(await put(400_000))
    assert code(await put(810_000)) == "limit_not_agreed"
    assert got(await put(800_000))["agreed_limit_minor"] == await agreed_of(desk, wanted) == 800_000
    got(await put(700_000))
    got(await put(600_000, "customer_request"))
    assert code(await put(700_000)) == "limit_not_agreed"
    assert await agreed_of(desk, wanted) == await limit_of(desk, wanted) == 600_000
    # Undoing the measures gives back no more than the customer still agrees to.
    for row in await desk.rows("SELECT measure_id FROM decisioning.line_measure ORDER BY 1 DESC"):
        lifted = await lift_measure(
            desk.house, customer_id=wanted.customer_id, measure_id=row["measure_id"], by="staff",
            reason="it was wrong", is_wrong=True,
        )  # fmt: skip
        assert isinstance(lifted, LineMeasure), lifted
    assert await limit_of(desk, wanted) == 600_000


async def test_a_crash_between_notice_and_lowering_is_mended_by_the_same_request(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = await customer(desk)

    async def lower(reason: str, limit_minor: int) -> Answer | Refused:
        return await adjust_limit.set_limit(
            desk.house, customer_id=wanted.customer_id, line_id=wanted.line_id,
            limit_minor=limit_minor, reason=reason, author="staff", idempotency_key="down",
        )  # fmt: skip

    async def crash(*_: object) -> LineMeasure:
        raise ConnectionResetError

    assert code(await lower("fraud", 123)) == "limit_out_of_range"
    whole = line_measures.bring_to_line
    monkeypatch.setattr(line_measures, "bring_to_line", crash)
    with pytest.raises(ConnectionResetError):
        await lower("fraud", 300_000)
    assert await limit_of(desk, wanted) == 500_000
    monkeypatch.setattr(line_measures, "bring_to_line", whole)
    first = await lower("fraud", 300_000)
    assert isinstance(first, Answer)
    assert got(first)["limit_minor"] == await limit_of(desk, wanted) == 300_000
    assert await lower("fraud", 300_000) == Answer(first.text, is_replay=True)
    assert code(await lower("fraud", 200_000)) == "idempotency_key_reused"
    rows = await desk.rows("SELECT status, said, to_minor FROM decisioning.line_measure")
    assert [tuple(row) for row in rows] == [("in_force", "fraud", 300_000)]
    assert len(await desk.rows("SELECT 1 FROM decisioning.line_notice")) == 1


# Declining, and deciding again


async def test_a_declined_request_tells_reasons_and_leaves_the_line_as_it_is(desk: Desk) -> None:
    wanted = await customer(desk)
    facts = {"income_monthly_minor": 500_000, "debt_monthly_minor": 400_000}
    told = got(await raise_limit.request(desk.house, replace(wanted, facts=facts)))
    assert (told["status"], told["limit_minor"], told["valid_until"]) == ("declined", 0, None)
    assert told["reasons"] == [
        {
            "code": "CAP_DSR",
            "zh": "您目前的还款支出相对收入偏高",
            "en": "Your current repayments are high relative to your income",
        }
    ]
    assert not {"grade", "points", "inputs", "verdicts"} & told.keys()
    assert await limit_of(desk, wanted) == 500_000


async def test_every_decision_comes_out_again_and_a_bent_one_is_found(desk: Desk) -> None:
    house = desk.house
    await offered(house, await customer(desk))
    await ask(house, await customer(desk, days_late=45))
    async with house.database.connection() as connection:
        replayed = await replay_decisions(
            connection,
            house.catalogue,
            today=Today(policy=house.policies.limit_increase.policy, at=house.clock.now()),
        )
        assert (await recheck_decisions(connection, house.catalogue)).examined == 2
    assert isinstance(replayed, Replayed)
    assert (replayed.examined, replayed.reproduced) == (2, 2)
    with pytest.raises(PostgresError, match="only added to"):
        await desk.run("UPDATE decisioning.limit_decision SET inputs = inputs")
    await desk.run(
        "ALTER TABLE decisioning.limit_decision DISABLE TRIGGER USER",
        "UPDATE decisioning.limit_decision SET inputs = replace(inputs,"
        " '\"own_days_late_worst\":45', '\"own_days_late_worst\":0')",
    )
    async with house.database.connection() as connection:
        bent = await replay_decisions(connection, house.catalogue)
    assert isinstance(bent, Replayed)
    assert bent.reproduced == 1


async def test_a_line_has_one_open_request_whoever_asks_at_once(desk: Desk) -> None:
    wanted = await customer(desk, agrees=False)
    await desk.ask(await desk.consent(wanted.customer_id))
    answers = await asyncio.gather(
        *(ask(desk.house, replace(wanted, idempotency_key=f"k{n}")) for n in range(4))
    )
    assert sorted(type(answer).__name__ for answer in answers) == [
        "LimitRequest",
        *["Refused"] * 3,
    ]
    codes = {answer.code for answer in answers if isinstance(answer, Refused)}
    assert codes == {"limit_request_already_open"}


async def test_the_same_request_twice_at_once_is_one(desk: Desk) -> None:
    wanted = await customer(desk, agrees=False)
    await desk.ask(await desk.consent(wanted.customer_id))
    answers = await asyncio.gather(*(raise_limit.request(desk.house, wanted) for _ in range(4)))
    assert len({got(answer)["id"] for answer in answers}) == 1
    assert len(await desk.rows("SELECT 1 FROM decisioning.limit_decision")) == 1


async def test_many_lines_take_as_many_statements_as_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    wishes = [await customer(desk, agrees=False) for _ in range(5)]
    for wanted in wishes:
        await desk.ask(await desk.consent(wanted.customer_id))
    await desk.halt_log()
    counted = Counter[str]()
    # What follows the log or the policies meanwhile began before and is not counted.
    is_ours = ContextVar("is_ours", default=False)
    is_ours.set(True)
    for name in ("fetch", "fetchrow", "fetchval", "execute"):
        original = getattr(Query, name)

        async def counting(self: Query, *args: Any, _original: Any = original, **named: Any) -> Any:
            # The business date is kept in hand and asked for by the clock, not by the line.
            counted[self.name] += is_ours.get() and self.name != "business_date"
            return await _original(self, *args, **named)

        monkeypatch.setattr(Query, name, counting)
    first = await raise_limit.request_many(desk.house, wishes[:1])
    of_one = +counted
    counted.clear()
    asked = first + await raise_limit.request_many(desk.house, wishes[1:])
    assert +counted == of_one
    assert of_one.total() <= 40
    requests = [item for item in asked if isinstance(item, LimitRequest)]
    assert [item.status for item in requests] == [Status.APPROVED] * 5
    taken = [raise_agreeing.acceptance_for_sandbox(desk.house, item) for item in requests]
    answers = await raise_agreeing.accept_many(desk.house, taken)
    assert [got(answer)["limit_minor"] for answer in answers] == [
        item.limit_minor for item in requests
    ]
    again = await raise_agreeing.accept_many(desk.house, taken)
    assert all(isinstance(answer, Answer) and answer.is_replay for answer in again)
