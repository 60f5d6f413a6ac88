"""Drawing for a scene: its merchants, its limit for two at once, and stops on its new loans."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
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

from counterfoil.journeys.house import House
from counterfoil.journeys.paying.payee_names import BorrowerNames
from counterfoil.journeys.purchasing import scenes
from counterfoil.journeys.purchasing.scene_purchases import purchases_of, settle
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending import scene_store as store
from counterfoil.lending.catalogue import Catalogue
from counterfoil.lending.commands import Draw
from counterfoil.lending.debt_store import read_own_debts
from counterfoil.lending.quote import PurchaseClaim, Quote
from counterfoil.lending.refusals import SCENE_STOPPED
from counterfoil.lending.terms import Method
from counterfoil.payments.order import PayoutOrder, Subject
from counterfoil.payments.payee import PayeeName
from counterfoil.platform.batches import Answer

LATE = """
WITH made AS (
    INSERT INTO lending.loan (
        customer_id, loan_id, line_id, product_code, product_version, lender_id, currency, method,
        purpose, payee_ref, cost_sheet_hash, original_minor, rate_daily_e8, penalty_daily_e8,
        grace_days, tenor_months, repayment_day, requested_on, status, start_date, principal_minor,
        oldest_due_date, next_event_on, first_due_date, maturity_date, accrued_to)
    SELECT customer_id, 1000 + n, line_id, product_code, product_version, lender_id, currency,
           'bullet', 'travel', 'acct-1', decode(repeat('00', 32), 'hex'), 1000, rate_daily_e8, 0, 3,
           3, 15, $1, 'open', $1, 1000, CASE WHEN n <= 5 THEN $2::date END, $3, $3, $3, $1
    FROM lending.credit_line, generate_series(1, 20) AS n
    RETURNING customer_id, loan_id
)
INSERT INTO lending.scene_use (
    customer_id, idempotency_key, purchase_id, payee_version_no, loan_id, amount_minor, used_at)
SELECT m.customer_id, 'late ' || m.loan_id, p.purchase_id, 1, m.loan_id, 1000, p.recorded_at
FROM made AS m CROSS JOIN lending.scene_purchase AS p
"""


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with scene_house(database_url, tmp_path) as opened:
        yield opened


async def test_a_scene_is_quoted_by_its_own_tenors_and_purposes(house: House) -> None:
    await bought(house, await registered(house))
    assert code(await quoted(house, tenor_months=12)) == "tenor_not_offered"
    assert code(await quoted(house, purpose="renovation")) == "scene_purpose_unknown"
    assert code(await quoted(house, amount_minor=3_000_100)) == "scene_limit_reached"
    assert isinstance(await quoted(house), Quote)


async def test_money_goes_to_a_merchant_that_two_people_registered(house: House) -> None:
    merchant = await registered(house)
    assert isinstance(await bought(house, merchant), Answer)
    assert code(await drawn(house, "0", payee="my own account")) == "scene_payee_unknown"
    priced = await quoted(house)
    assert isinstance(priced, Quote), priced
    first = await drawn(house, "a", token=priced.token)
    assert isinstance(first, Answer), first
    moved = replace(WISH, payee_ref="acct-2", merchant_id=merchant.merchant_id)
    assert (await registered(house, moved)).version_no == 2
    # The old account is paid no more; a repetition still gets its first answer.
    assert code(await drawn(house, "b", amount_minor=10_000)) == "scene_payee_unknown"
    again = await drawn(house, "a", token=priced.token)
    assert isinstance(again, Answer)
    assert again.text == first.text
    assert isinstance(await drawn(house, "c", payee="acct-2", amount_minor=10_000), Answer)
    unknown = replace(WISH, scene="hunting")
    assert code(await scenes.register_payee(house, ANALYST, unknown)) == "scene_unknown"


async def test_a_merchants_account_is_right_for_a_loan_of_its_scene_alone(house: House) -> None:
    merchant = await registered(house)
    assert isinstance(await bought(house, merchant), Answer)
    answer = await drawn(house, "a")
    assert isinstance(answer, Answer), answer
    loan_id = ids.from_text(ids.LOAN, orjson.loads(answer.text)["id"])
    order = PayoutOrder(
        customer_id=CUSTOMER, payment_id=loan_id, line_id=LINE, loan_id=loan_id,
        amount_minor=1_900_000, currency="CNY", payee_ref="acct-1", lender_id="lender-one",
        business_date=ON,
    )  # fmt: skip
    names = BorrowerNames(house)
    own = PayeeName("Example Travel", is_own=False)
    assert await names.names_of([order]) == {loan_id: own}
    # Nobody knows this borrower's name; the merchant's does not stand in for it.
    credit = replace(order, payment_id=1, loan_id=None, subject=Subject.CREDIT_RETURN)
    assert await names.names_of([replace(order, payee_ref="acct-9"), credit]) == {}
    async with house.database.transaction() as connection:
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute("UPDATE lending.loan SET product_code = 'cash-line-open'")
    assert await names.names_of([order]) == {}, "cash is paid to the borrower"


async def test_of_two_drawdowns_at_once_the_scene_lends_one(house: House) -> None:
    await bought(house, await registered(house))
    answers = await asyncio.gather(drawn(house, "a"), drawn(house, "b"))
    assert sorted(isinstance(answer, Answer) for answer in answers) == [False, True]
    [refused] = [answer for answer in answers if isinstance(answer, Refused)]
    assert (refused.code, refused.detail["left_minor"]) == ("scene_limit_reached", 1_100_000)
    async with house.database.connection() as connection:
        driver: Any = connection
        assert await driver.fetchval("SELECT count(*) FROM lending.scene_use") == 1
        [debt] = (await read_own_debts(connection, [CUSTOMER], ON))[CUSTOMER]
    assert (debt.held_minor, debt.limit_minor) == (1_900_000, 6_000_000), "within, never beside"


async def test_what_is_on_its_way_takes_of_the_limit_until_it_is_answered(house: House) -> None:
    await bought(house, await registered(house))
    scene = house.catalogue.scenes.current(ON)["travel"]
    wish = Draw(
        customer_id=CUSTOMER, line_id=LINE, amount_minor=1_900_000, currency="CNY", tenor_months=3,
        method=Method.BULLET, purpose="travel", payee_ref="acct-1", cost_sheet_hash=b"",
    )  # fmt: skip
    [known] = await purchases_of(house, customer_id=CUSTOMER)
    paid = PurchaseClaim(ids.from_text(ids.PURCHASE, known["id"]), 1)
    keys = [f"k{number}" for number in range(6)]
    # Once before, so that each of them has a connection and none waits for its own.
    answers: list[Refused | None] = []
    for one in (replace(wish, payee_ref="nobody"), wish):
        answers = await asyncio.gather(
            *(scenes.reserve(house, scene, one, paid, key=key) for key in keys)
        )
    [taken] = [key for key, answer in zip(keys, answers, strict=True) if answer is None]
    own = await scenes.reserve(house, scene, wish, paid, key=taken)
    assert own is None, "its own does not count"
    await settle(house, wish, key=taken, answer=None)
    again = await scenes.reserve(house, scene, wish, paid, key="next")
    assert code(again) == "scene_limit_reached", "nobody knows what became of the first one"
    await settle(house, wish, key=taken, answer=refuse(SCENE_STOPPED, scene="travel"))
    assert await scenes.reserve(house, scene, wish, paid, key="next") is None


async def test_above_the_tolerance_new_loans_stop_until_a_person_lifts_it(house: House) -> None:
    await bought(house, await registered(house))
    async with house.database.transaction() as connection:
        driver: Any = connection
        await driver.execute(
            LATE, ON - timedelta(days=90), ON - timedelta(days=30), ON + timedelta(days=1)
        )
    assert await scenes.stop_scenes(house) == 2, "the scene, and the merchant in it"
    assert await scenes.stop_scenes(house) == 0
    assert code(await drawn(house, "a", amount_minor=10_000)) == "scene_stopped"
    [travel] = [item for item in await scenes.list_scenes(house) if item["code"] == "travel"]
    assert (travel["loans_count"], travel["late_ppm"], travel["is_stopped"]) == (20, 250_000, True)
    [merchant] = travel["merchants"]
    assert (merchant["late_minor"], merchant["is_stopped"]) == (5_000, True)
    for merchant_id in (None, (await _payee(house)).merchant_id):
        lifted = await scenes.lift_stop(
            house, scene="travel", merchant_id=merchant_id, by="li-wei", reason="repaid"
        )
        assert isinstance(lifted, store.Stop)
    twice = await scenes.lift_stop(house, scene="travel", merchant_id=None, by="x", reason="y")
    assert code(twice) == "scene_not_stopped"
    assert isinstance(await drawn(house, "a", amount_minor=10_000), Answer)


async def _payee(house: House) -> store.Payee:
    async with house.database.connection() as connection:
        [payee] = await store.read_payees(connection)
    return payee


async def test_a_product_without_scenes_reads_nothing(house: House) -> None:
    nothing: Any = None
    cash = [
        replace(item, terms=replace(item.terms, scenes=("cash",)))
        for item in house.catalogue.products()
    ]
    plain = replace(house, database=nothing, catalogue=Catalogue(cash))
    assert await scenes.stop_scenes(plain) == 0
