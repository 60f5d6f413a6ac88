"""Purchases of scenes: papers, staged courses, students, cooling-off, refunds, closed schools."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.store.scene_desk import (
    ANALYST,
    CUSTOMER,
    LINE,
    ON,
    WISH,
    bought,
    code,
    drawn,
    quoted,
    registered,
    scene_house,
)

from counterfoil.journeys.books.close_day import close_day
from counterfoil.journeys.house import House
from counterfoil.journeys.purchasing import scene_purchases, scene_refunds, scene_schools, scenes
from counterfoil.journeys.purchasing.scene_schools import LicenceWish
from counterfoil.kernel import ids
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.lending import purchase_store
from counterfoil.lending.commands import ConfirmPayout
from counterfoil.lending.quote import Quote
from counterfoil.lending.store import read_loan
from counterfoil.platform.batches import Answer

SCHOOL = replace(WISH, scene="education", name="Example School", payee_ref="acct-9")
COURSE: dict[str, Any] = {"course_from": ON, "course_until": date(2026, 8, 31), "is_student": False}
MONEY: dict[str, Any] = {"payee": "acct-9", "purpose": "education", "tenor_months": 3}
LEFT = """
INSERT INTO lending.scene_refund (customer_id, idempotency_key, loan_id, amount_minor, asked_at)
VALUES ($1, 'left', $2, 20000, $3)
"""


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with scene_house(database_url, tmp_path) as opened:
        yield opened


def body(answer: object) -> dict[str, Any]:
    assert isinstance(answer, Answer), answer
    found: dict[str, Any] = orjson.loads(answer.text)
    return found


async def begun(house: House, answer: Answer | Refused) -> int:
    """Have the rail confirm a drawdown; return its loan."""
    said = body(answer)
    loan_id = ids.from_text(ids.LOAN, said["id"])
    paid = ConfirmPayout(
        customer_id=CUSTOMER, line_id=LINE, loan_id=loan_id, payment_id=loan_id,
        value_date=await house.business_date(), rail_reference="r",
    )  # fmt: skip
    assert not isinstance(await house.counter.submit(paid, idempotency_key=f"c{loan_id}"), Refused)
    return loan_id


async def licensed(house: House, merchant_id: int, valid_until: date) -> object:
    wish = LicenceWish(
        merchant_id=merchant_id, number="L-1", authority="a bureau", valid_until=valid_until,
        document_sha256=bytes(32),
    )  # fmt: skip
    return await scene_schools.record_licence(house, ANALYST, wish, by="li-wei")


async def progressed(house: House, purchase: dict[str, Any], ppm: int) -> Any:
    return await scene_schools.report_progress(
        house, customer_id=CUSTOMER, purchase_id=ids.from_text(ids.PURCHASE, purchase["id"]),
        progress_ppm=ppm, proof_sha256=bytes(32), by="li-wei",
    )  # fmt: skip


async def test_a_drawdown_pays_for_a_purchase_whose_papers_were_shown_once(house: House) -> None:
    merchant = await registered(house)
    assert code(await quoted(house, amount_minor=100_000)) == "scene_purchase_needed"
    assert code(await quoted(house, purchase_id=9)) == "scene_purchase_not_found"
    assert code(await bought(house, merchant, kinds=())) == "scene_document_missing"
    paper = {"booking": b"p" * 32}
    said = body(await bought(house, merchant, 150_000, documents=paper))
    assert (said["payable_minor"], said["paid_minor"]) == (150_000, 0)
    assert code(await bought(house, merchant, documents=paper)) == "scene_document_used"
    priced = await quoted(house, amount_minor=100_000)
    assert isinstance(priced, Quote), priced
    first = await drawn(house, "a", token=priced.token, amount_minor=100_000)
    assert isinstance(first, Answer), first
    short = await drawn(house, "b", amount_minor=100_000)
    assert isinstance(short, Refused)
    assert (short.code, short.detail["left_minor"]) == ("scene_purchase_needed", 50_000)
    again = await drawn(house, "a", token=priced.token, amount_minor=100_000)
    assert body(again) == body(first), "a repetition"
    [state] = await scene_purchases.purchases_of(house, customer_id=CUSTOMER)
    assert state["paid_minor"] == 100_000
    stranger = replace(merchant, merchant_id=1)
    assert code(await bought(house, stranger)) == "scene_merchant_unknown"


async def test_a_crash_after_the_answer_leaves_no_purchase_paid_twice(house: House) -> None:
    merchant = await registered(house)
    await bought(house, merchant, 150_000)
    assert isinstance(await drawn(house, "a", amount_minor=100_000), Answer)
    async with house.database.transaction() as connection:
        driver: Any = connection
        await driver.execute("UPDATE lending.scene_use SET loan_id = NULL, used_at = $1",
                             house.clock.now() - timedelta(hours=1))  # fmt: skip
    assert code(await drawn(house, "b", amount_minor=100_000)) == "scene_purchase_needed"
    # A drawdown that was never answered takes nothing in the end.
    async with house.database.transaction() as connection:
        driver = connection
        await driver.execute("UPDATE lending.scene_use SET loan_id = NULL, used_at = $1,"
                             " idempotency_key = 'x'", house.clock.now())  # fmt: skip
    assert code(await drawn(house, "c", amount_minor=100_000)) == "scene_purchase_needed"
    async with house.database.transaction() as connection:
        driver = connection
        await driver.execute("UPDATE lending.scene_use SET used_at = $1",
                             house.clock.now() - timedelta(hours=1))  # fmt: skip
    assert isinstance(await drawn(house, "d", amount_minor=100_000), Answer)


async def test_a_course_is_paid_as_it_is_given_at_a_school_with_a_licence(house: House) -> None:
    school = await registered(house, SCHOOL)
    assert code(await bought(house, school)) == "scene_course_missing"
    unasked = COURSE | {"is_student": None}
    assert code(await bought(house, school, **unasked)) == "scene_student_unknown"
    student = COURSE | {"is_student": True}
    assert code(await bought(house, school, **student)) == "scene_document_missing"
    papers = ("enrolment_proof", "second_source")
    assert isinstance(await bought(house, school, 100, kinds=papers, **student), Answer)

    course = body(await bought(house, school, 400_000, **COURSE))
    assert code(await drawn(house, "a", amount_minor=100_000, **MONEY)) == "scene_licence_missing"
    await licensed(house, school.merchant_id, ON - timedelta(days=1))
    assert code(await drawn(house, "a", amount_minor=100_000, **MONEY)) == "scene_licence_missing"
    await licensed(house, school.merchant_id, date(2027, 12, 31))
    assert code(await drawn(house, "a", amount_minor=100_100, **MONEY)) == "scene_purchase_needed"
    assert isinstance(await drawn(house, "a", amount_minor=100_000, **MONEY), Answer)
    assert code(await drawn(house, "b", amount_minor=10_000, **MONEY)) == "scene_purchase_needed"
    given = await progressed(house, course, 500_000)
    assert (given["payable_minor"], given["due_back_minor"]) == (200_000, 0)
    assert code(await progressed(house, course, 500_000)) == "scene_progress_not_more"
    assert isinstance(await drawn(house, "b", amount_minor=200_000, **MONEY), Answer)


async def test_a_closed_school_is_paid_no_more_and_its_refund_goes_to_the_loan(
    house: House,
) -> None:
    school = await registered(house, SCHOOL)
    await licensed(house, school.merchant_id, date(2027, 12, 31))
    course = body(await bought(house, school, 400_000, **COURSE))
    untouched = body(await bought(house, school, 400_000, **COURSE))
    new = MONEY | {"purchase_id": ids.from_text(ids.PURCHASE, untouched["id"])}
    paid = MONEY | {"purchase_id": ids.from_text(ids.PURCHASE, course["id"])}
    loan_id = await begun(house, await drawn(house, "a", amount_minor=100_000, **paid))
    closed: dict[str, Any] = {
        "merchant_id": school.merchant_id,
        "closed_on": ON,
        "reason": "closed",
        "by": "li",
    }
    assert await scene_schools.close_merchant(house, ANALYST, **closed) == ON
    again = await scene_schools.close_merchant(house, ANALYST, **closed)
    assert code(again) == "scene_merchant_closed"
    assert code(await drawn(house, "b", amount_minor=10_000, **paid)) == "scene_purchase_needed"
    assert code(await drawn(house, "c", amount_minor=10_000, **new)) == "scene_stopped"
    assert code(await progressed(house, course, 500_000)) == "scene_purchase_over"
    assert code(await bought(house, school, **COURSE)) == "scene_merchant_closed"
    lifted = await scenes.lift_stop(
        house, scene="education", merchant_id=school.merchant_id, by="li-wei", reason="please"
    )
    assert code(lifted) == "scene_merchant_closed"
    [owed, other] = await scene_purchases.purchases_of(house, merchant_id=school.merchant_id)
    assert (owed["claim_left_minor"], owed["claim_due_on"]) == (100_000, "2026-03-16")
    assert other["claim_due_on"] is None, "nothing was paid for it"

    over = await refunded(house, loan_id, 100_001)
    assert code(over) == "scene_refund_beyond_loan"
    booked = body(await refunded(house, loan_id, 60_000))
    assert booked["allocations"][0]["principal_minor"] == 60_000
    [owed, _] = await scene_purchases.purchases_of(house, merchant_id=school.merchant_id)
    assert (owed["refunded_minor"], owed["claim_left_minor"]) == (60_000, 40_000)


async def test_of_refunds_at_once_no_more_than_was_lent_is_booked(house: House) -> None:
    merchant = await registered(house)
    await bought(house, merchant, 100_000)
    loan_id = await begun(house, await drawn(house, "a", amount_minor=100_000))
    answers = await asyncio.gather(*(refunded(house, loan_id, 60_000 + n) for n in range(8)))
    assert sum(isinstance(answer, Answer) for answer in answers) == 1
    assert {answer.code for answer in answers if isinstance(answer, Refused)} == {
        "scene_refund_beyond_loan"
    }
    [state] = await scene_purchases.purchases_of(house, customer_id=CUSTOMER)
    assert 60_000 <= state["refunded_minor"] < 60_008
    # What a crash left behind counts until its answer was looked up, and no longer.
    async with house.database.transaction() as connection:
        driver: Any = connection
        await driver.execute(LEFT, CUSTOMER, loan_id, house.clock.now())
    assert code(await refunded(house, loan_id, 30_000)) == "scene_refund_beyond_loan"
    async with house.database.transaction() as connection:
        driver = connection
        hour = timedelta(hours=1)
        await driver.execute(
            "UPDATE lending.scene_refund SET asked_at = asked_at - $1::interval", hour
        )
    assert isinstance(await refunded(house, loan_id, 30_000), Answer)
    async with house.database.connection() as connection:
        driver = connection
        assert await driver.fetchval("SELECT count(*) FROM lending.scene_refund") == 0


async def test_after_the_cooling_off_a_purchase_is_given_up_by_the_rules_of_its_scene(
    house: House,
) -> None:
    merchant = await registered(house)
    said = body(await bought(house, merchant, 100_000))
    of = {"customer_id": CUSTOMER, "purchase_id": ids.from_text(ids.PURCHASE, said["id"])}
    await begun(house, await drawn(house, "a", amount_minor=80_000))
    early = await scene_refunds.cancel(house, **of, by="api:test")
    assert code(early) == "scene_cooling_off"
    await moved(house, ON + timedelta(days=8))
    over = await scene_refunds.cancel(house, **of, by="api:test")
    assert isinstance(over, dict), over
    assert (over["claim_left_minor"], over["claim_due_on"]) == (40_000, "2026-03-16")
    assert over["payable_minor"] == 0
    assert await scene_refunds.cancel(house, **of, by="api:test") == over, "said again"
    unknown = await scene_refunds.cancel(house, customer_id=1, purchase_id=2, by="api:test")
    assert code(unknown) == "scene_purchase_not_found"


async def refunded(
    house: House, loan_id: int, amount_minor: int, *, is_of_merchant: bool = True
) -> Answer | Refused:
    return await scene_refunds.refund(
        house, customer_id=CUSTOMER, loan_id=loan_id, amount_minor=amount_minor, currency="CNY",
        is_of_merchant=is_of_merchant, idempotency_key=f"{loan_id}-{amount_minor}",
    )  # fmt: skip


async def test_within_the_days_of_cooling_off_interest_ends_on_the_day_of_the_word(
    house: House,
) -> None:
    merchant = await registered(house)
    await bought(house, merchant, 1_000_000)
    loan_id = await begun(house, await drawn(house, "a", amount_minor=1_000_000))
    assert code(await refunded(house, loan_id, 1, is_of_merchant=False)) == (
        "scene_withdrawal_missing"
    )
    await moved(house, ON + timedelta(days=7))
    declared = await withdrawn(house, loan_id)
    assert isinstance(declared, purchase_store.Withdrawal), declared
    assert (declared.principal_minor, declared.payoff_minor) == (1_000_000, 1_002_450)
    # The merchant takes five days; they cost nothing, and a second word changes nothing.
    await moved(house, ON + timedelta(days=12))
    assert await withdrawn(house, loan_id) == declared
    assert isinstance(await refunded(house, loan_id, 1_000_000), Answer)
    rest = body(await refunded(house, loan_id, 2_450, is_of_merchant=False))
    assert rest["excess_minor"] == 0
    async with house.database.connection() as connection:
        loan = await read_loan(connection, CUSTOMER, loan_id)
    assert loan is not None
    assert loan.status == "closed"


async def test_after_the_days_of_cooling_off_nobody_goes_back(house: House) -> None:
    merchant = await registered(house)
    await bought(house, merchant, 1_000_000)
    loan_id = await begun(house, await drawn(house, "a", amount_minor=1_000_000))
    await moved(house, ON + timedelta(days=8))
    assert code(await withdrawn(house, loan_id)) == "scene_withdrawal_late"
    assert code(await withdrawn(house, 1)) == "scene_loan_not_of_scene"


async def moved(house: House, day: date) -> None:
    """Close every day before one."""
    clock = house.clock
    assert isinstance(clock, TestClock)
    clock.advance(timedelta(days=(day - await house.business_date()).days))
    await close_day(house, to=day)


async def withdrawn(house: House, loan_id: int) -> object:
    return await scene_refunds.withdraw(house, customer_id=CUSTOMER, loan_id=loan_id, by="api:test")
