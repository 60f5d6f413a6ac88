"""Promotions on a real database: two people, a budget that many draw on at once, the way back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
from tests.unit.lending.test_promotion import TEXT

from counterfoil.customers.message import Message, load_texts
from counterfoil.journeys.approve import decide_approval
from counterfoil.journeys.books.close_day import close_day
from counterfoil.journeys.books.reconcile_ledger import reconcile_ledger
from counterfoil.journeys.borrowing import promotions
from counterfoil.journeys.borrowing.draw import draw
from counterfoil.journeys.borrowing.promotions import (
    cost_by_funder,
    list_promotions,
    settle_promotions,
    stop_promotion,
)
from counterfoil.journeys.borrowing.quote import quote
from counterfoil.journeys.borrowing.reprice import PriceWish, reprice_line
from counterfoil.journeys.house import House, open_house
from counterfoil.journeys.paying.received import book_received, list_received
from counterfoil.journeys.paying.reconcile import take_rail_statement
from counterfoil.journeys.serving.tell_customers import LINE_PRICE, notices_consumer, take_notices
from counterfoil.journeys.trail import find_trail, sent
from counterfoil.kernel import ids
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.kernel.language import Language
from counterfoil.ledger.chart import PROMOTION_RECEIVABLE
from counterfoil.lending import promotion_store as store
from counterfoil.lending import store as lending
from counterfoil.lending.commands import (
    ConfirmPayout,
    FailPayout,
    OpenLine,
    Repay,
    ReverseRepayment,
)
from counterfoil.lending.quote import Quote
from counterfoil.lending.terms import Method, Prepayment
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import Approval
from counterfoil.platform.batches import Answer
from counterfoil.platform.settings import Settings
from counterfoil.platform.trail import Wanted
from counterfoil.simulator.bank.statement_file import statement_text

ON = date(2026, 3, 1)
LINE = 72
ANALYST = Actor(name="chen-jie", role="risk_analyst", source="console")
OFFICER = Actor(name="li-wei", role="compliance", source="console")
OPEN_TO_ALL = TEXT.replace("eligible = \"grade IN ('A', 'B')\"\n", "")


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    settings = Settings(home=tmp_path, environment="sandbox", database_connections=8)
    clock = TestClock(datetime(2026, 3, 1, 9, tzinfo=UTC))
    async with open_house(settings, database_url, clock=clock, first_date=ON) as opened:
        for customer_id in range(1, 9):
            line = OpenLine(
                customer_id=customer_id,
                line_id=LINE,
                application_id=73,
                product_code="cash-line-open",
                product_version=1,
                limit_minor=2_000_000,
                currency="CNY",
                rate_daily_e8=35_000,
                repayment_day=15,
                contract_id=74,
                agreement_sha256=bytes(32),
            )
            answer = await opened.counter.submit(line, idempotency_key="open")
            assert not isinstance(answer, Refused), answer
        yield opened


async def published(house: House, text: str = OPEN_TO_ALL) -> store.Kept:
    waiting = await promotions.publish_promotion(house, ANALYST, text, reason="spring")
    assert isinstance(waiting, Approval), waiting
    again = await promotions.publish_promotion(house, ANALYST, text, reason="spring")
    assert isinstance(again, Approval), "nobody approved it meanwhile"
    assert again.approval_id == waiting.approval_id
    given = await decide_approval(
        house, OFFICER, waiting.approval_id, is_approved=True, reason="the budget is there"
    )
    assert not isinstance(given, Refused), given
    kept = await promotions.publish_promotion(house, ANALYST, text, reason="spring")
    assert isinstance(kept, store.Kept), kept
    return kept


async def quoted(house: House, customer_id: int = 1, **changes: Any) -> Quote:
    asked: dict[str, Any] = {"amount_minor": 200_000, "tenor_months": 3}
    found = await quote(
        house,
        customer_id=customer_id,
        line_id=LINE,
        currency="CNY",
        method=Method.LEVEL_INSTALMENT,
        purpose="travel",
        **asked | changes,
    )
    assert isinstance(found, Quote), found
    return found


async def drawn(house: House, token: str, customer_id: int = 1, key: str = "d") -> Answer | Refused:
    return await draw(
        house,
        customer_id=customer_id,
        line_id=LINE,
        amount_minor=200_000,
        currency="CNY",
        tenor_months=3,
        method=Method.LEVEL_INSTALMENT,
        purpose="travel",
        payee_ref="account-token",
        quote_token=token,
        idempotency_key=key,
    )


async def standing(house: House) -> store.Standing:
    [found] = await list_promotions(house)
    held_and_used = found.used_minor + found.held_minor
    assert found.left_minor + held_and_used == found.budget_minor
    return found


async def test_a_quote_shows_the_price_with_and_without_and_the_loan_gets_it(house: House) -> None:
    plain = await quoted(house)
    assert plain.promotion is None
    await published(house)
    found = await quoted(house)
    assert found.promotion is not None
    assert found.sheet.rate_daily_e8 == 28_000
    document = found.document()["promotion"]
    assert isinstance(document, dict)
    assert document["rate_daily_without_e8"] == 35_000
    assert document["total_without_minor"] == plain.sheet.total_minor
    assert document["saved_minor"] == plain.sheet.total_minor - found.sheet.total_minor > 0
    assert document["last_day"] == "2026-03-31"
    assert (await standing(house)).left_uses == 10, "a quote takes nothing"
    answer = await drawn(house, found.token)
    assert isinstance(answer, Answer), answer
    assert isinstance(await drawn(house, found.token), Answer), "the same request again"
    loan_id = ids.from_text(ids.LOAN, orjson.loads(answer.text)["id"])
    async with house.database.connection() as connection:
        loan = await lending.read_loan(connection, 1, loan_id)
    assert loan is not None
    assert loan.rate_daily_e8 == 28_000
    spent = await standing(house)
    assert (spent.used_uses, spent.left_uses) == (1, 9)
    assert spent.used_minor == found.promotion.claim.cost_minor
    assert (await quoted(house)).promotion is None, "one use a customer"
    assert (await quoted(house, 2, tenor_months=12)).promotion is None, "not for this tenor"


async def test_what_a_program_holds_before_it_draws_has_lines_of_its_own(house: House) -> None:
    """In the transaction of the hold; the drawdown's own line is the row of its command."""
    plain, shop = (await quoted(house, 2)).token, Actor(name="api:shop", role="x", source="api")
    await sent(shop, lambda: drawn(house, plain, 2))
    await published(house)
    token = (await quoted(house)).token
    answer, _ = await sent(shop, lambda: drawn(house, token))
    assert isinstance(answer, Answer), answer
    await sent(shop, lambda: drawn(house, token))
    lines = reversed(await find_trail(house, Wanted(actor=shop.name)))
    told = [(line.act, line.customer_id, line.is_command) for line in lines]
    assert told == [
        ("draw", 2, True),
        ("promotion_hold", 1, False),
        ("draw", 1, True),
        ("promotion_used", 1, False),
    ]


async def test_many_at_once_never_overspend_and_whoever_comes_late_is_told(house: House) -> None:
    first = await quoted(house)
    await published(house)
    cost = (await quoted(house)).promotion
    assert cost is not None
    assert first.promotion is None
    # Enough for three, and not for four.
    budget = f"{(cost.claim.cost_minor * 3 + 5) / 100:.2f}"
    await stop_promotion(house, ANALYST, "spring-2026", reason="too much money")
    await published(
        house,
        OPEN_TO_ALL.replace("spring-2026", "spring-small").replace('"500.00"', f'"{budget}"'),
    )
    tokens = [(await quoted(house, customer)).token for customer in range(1, 9)]
    answers = await asyncio.gather(
        *(drawn(house, token, customer) for customer, token in enumerate(tokens, 1))
    )
    assert sum(isinstance(answer, Answer) for answer in answers) == 3
    refused = {answer.code for answer in answers if isinstance(answer, Refused)}
    assert refused == {"promotion_over"}
    small, _ = await list_promotions(house)
    assert small.used_uses == 3
    assert 0 <= small.left_minor < cost.claim.cost_minor


async def test_what_comes_to_nothing_gives_back_what_it_took(house: House) -> None:
    await published(house)
    token = (await quoted(house)).token
    answer = await drawn(house, token)
    assert isinstance(answer, Answer)
    loan_id = ids.from_text(ids.LOAN, orjson.loads(answer.text)["id"])
    failed = FailPayout(customer_id=1, line_id=LINE, loan_id=loan_id, payment_id=5, reason="closed")
    assert not isinstance(await house.counter.submit(failed, idempotency_key="f"), Refused)
    assert await settle_promotions(house) == 1
    assert (await standing(house)).left_uses == 10
    # One that was cut off by a crash before its drawdown was asked for.
    async with house.database.transaction() as connection:
        [kept] = await store.read_on(connection, ON)
        use = store.Use(
            customer_id=2,
            key="lost",
            promotion_id=kept.promotion_id,
            cost_minor=7,
            rate_daily_e8=28_000,
            rate_without_daily_e8=35_000,
        )
        assert await store.take(connection, use, at=house.clock.now() - timedelta(hours=1))
    assert (await standing(house)).held_minor == 7
    assert await settle_promotions(house) == 1
    assert (await standing(house)).held_minor == 0
    # One whose drawdown was answered, and whose settling was cut off.
    token = (await quoted(house, 3)).token
    assert isinstance(await drawn(house, token, 3), Answer)
    async with house.database.transaction() as connection:
        await connection.execute(
            "UPDATE lending.promotion_use SET state = 'held', settled_at = NULL, loan_id = NULL,"
            " held_at = held_at - interval '1 hour' WHERE customer_id = 3"
        )
    assert await settle_promotions(house) == 1
    assert (await standing(house)).used_uses == 1
    assert await settle_promotions(house) == 0


async def claimed(house: House) -> tuple[int, int]:
    """Return what funders owe by the claims, and what was earned of them by the books."""
    async with house.database.connection() as connection:
        driver: Any = connection
        earned = await driver.fetchval(
            "SELECT coalesce(-sum(amount_minor), 0)::bigint FROM ledger.posting"
            " WHERE account = 6051"
        )
    return sum(one.claimed_minor for one in await list_promotions(house)), earned


async def test_whoever_funds_a_promotion_owes_what_customers_did_not_pay(house: House) -> None:
    assert 'funder = "lender"' in OPEN_TO_ALL
    await published(house, OPEN_TO_ALL.replace('funder = "lender"', 'funder = "partner"'))
    found = await quoted(house)
    assert found.promotion is not None
    answer = await drawn(house, found.token)
    assert isinstance(answer, Answer)
    loan_id = ids.from_text(ids.LOAN, orjson.loads(answer.text)["id"])
    of_line: dict[str, Any] = {"customer_id": 1, "line_id": LINE}
    arrived = ConfirmPayout(
        **of_line, loan_id=loan_id, payment_id=loan_id, value_date=ON, rail_reference="B1"
    )
    assert isinstance(await house.counter.submit(arrived, idempotency_key="paid"), Answer)
    await close_day(house, to=ON + timedelta(days=10))
    # Ten days of 2,000.00 at 0.035 % less 0.028 %: 70 minor units a thousand, whatever was paid.
    ten_days = 200_000 * (35_000 - 28_000) * 10 // 10**8
    assert await claimed(house) == (ten_days, ten_days)
    early = Repay(
        **of_line, loan_id=loan_id, amount_minor=300_000, currency="CNY", value_date=None,
        mode=Prepayment.NEXT_INSTALMENT, channel="bank",
    )  # fmt: skip
    booked = await house.counter.submit(early, idempotency_key="early")
    assert isinstance(booked, Answer)
    await close_day(house, to=ON + timedelta(days=12))
    assert await claimed(house) == (ten_days, ten_days), "repaid early costs the funder no more"
    back = ReverseRepayment(
        **of_line,
        repayment_id=ids.from_text(ids.REPAYMENT, orjson.loads(booked.text)["id"]),
        reason="bounced",
    )
    assert isinstance(await house.counter.submit(back, idempotency_key="back"), Answer)
    await close_day(house, to=ON + timedelta(days=32))
    owed, earned = await claimed(house)
    assert ten_days * 3 < owed == earned <= found.promotion.claim.cost_minor
    await close_day(house, to=ON + timedelta(days=80))
    most = found.promotion.claim.cost_minor
    assert await claimed(house) == (most, most), "late or not, never more than the budget gave"
    pairs = await reconcile_ledger(house.database)
    assert all(pair.ok for pair in pairs)
    assert {pair.general_minor for pair in pairs if pair.account == 1221} == {most}
    # What its funder pays names the promotion; more than is claimed waits for people.
    code, on = (await standing(house)).code, ON + timedelta(days=79)
    text = statement_text(
        (code, "received", amount, "CNY", on, number)
        for amount, number in ((most - 10, "B1"), (11, "B2"), (10, "B3"))
    )
    assert await take_rail_statement(house, text, rail="bank", on=on) == 3
    assert await book_received(house) == 3
    came = {one.rail_reference: one.status.value for one in await list_received(house)}
    assert came == {"B1": "booked", "B2": "suspended", "B3": "booked"}
    assert await claimed(house) == (most, most), "what was earned stays"
    [cost] = cost_by_funder(await list_promotions(house))
    assert cost.received_minor == most
    pairs = await reconcile_ledger(house.database)
    assert all(pair.ok for pair in pairs)
    assert not [p for p in pairs if p.account == PROMOTION_RECEIVABLE and p.general_minor]


async def test_a_promotion_ends_by_itself_or_is_stopped_and_its_tokens_with_it(
    house: House,
) -> None:
    await published(house)
    token = (await quoted(house)).token
    assert await stop_promotion(house, OFFICER, "spring-2026", reason="enough") is None
    refused = await drawn(house, token)
    assert isinstance(refused, Refused)
    assert refused.code == "promotion_over"
    assert (await quoted(house)).promotion is None
    async with house.database.connection() as connection:
        assert await store.read_on(connection, date(2026, 4, 1)) == []
    unknown = await stop_promotion(house, OFFICER, "winter", reason="enough")
    assert isinstance(unknown, Refused)
    assert unknown.code == "promotion_unknown"


async def test_who_is_eligible_is_what_the_decision_knew_and_unknown_is_not(house: House) -> None:
    await published(house, TEXT)
    assert (await quoted(house)).promotion is None, "no decision is known"
    async with house.database.transaction() as connection:
        await connection.execute(
            "INSERT INTO decisioning.policy_version (policy_hash, code, version, document,"
            " first_used_at) VALUES (repeat('ab', 32), 'base', '1', '{}', now())"
        )
        for customer_id, grade in ((1, "A"), (2, "D")):
            await connection.execute(
                "INSERT INTO decisioning.application (customer_id, application_id, product_code,"
                " product_version, currency, purpose, status, received_at) VALUES ($1, 73,"
                " 'cash-line-open', 1, 'CNY', 'travel', 'gathering', now())",
                customer_id,
            )
            await connection.execute(
                "INSERT INTO decisioning.decision (customer_id, application_id, decision_no,"
                " decided_by, outcome, policy_hash, inputs, result, decided_at) VALUES ($1, 73, 1,"
                " 'policy', 'approved', repeat('ab', 32), '{\"features\": {}}', $2, now())",
                customer_id,
                orjson.dumps({"rate_daily_e8": 35_000, "grade": grade}).decode(),
            )
    assert (await quoted(house, 1)).promotion is not None
    assert (await quoted(house, 2)).promotion is None


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ('"20 %"', '"200 %"', "promotion_invalid"),
        ('["cash-line-open"]', '["cash-line-secret"]', "promotion_invalid"),
        ("grade IN ('A', 'B')", "age_years > 30", "promotion_invalid"),
        ("grade IN ('A', 'B')", "sex = 'f'", "promotion_invalid"),
        ("grade IN ('A', 'B')", "grade IN (", "promotion_invalid"),
    ],
)
async def test_what_the_house_does_not_have_or_may_not_ask_is_not_published(
    house: House, before: str, after: str, code: str
) -> None:
    refused = await promotions.publish_promotion(
        house, ANALYST, TEXT.replace(before, after, 1), reason="try"
    )
    assert isinstance(refused, Refused)
    assert refused.code == code


async def test_another_price_reaches_new_drawdowns_and_no_loan_and_is_told(house: House) -> None:
    answer = await drawn(house, (await quoted(house)).token)
    assert isinstance(answer, Answer)
    wish = PriceWish(
        customer_id=1, line_id=LINE, rate_daily_e8=30_000, effective_on=ON, reason="ok"
    )
    auditor = Actor(name="wu-min", role="auditor", source="console")
    refused = await reprice_line(house, auditor, wish)
    assert isinstance(refused, Refused)
    assert refused.code == "price_not_allowed"
    assert not isinstance(await reprice_line(house, ANALYST, wish), Refused)
    assert (await quoted(house)).sheet.rate_daily_e8 == 30_000
    assert (await quoted(house, 2)).sheet.rate_daily_e8 == 35_000
    back = PriceWish(
        customer_id=1, line_id=LINE, rate_daily_e8=35_000, effective_on=ON, reason="no"
    )
    refused = await reprice_line(house, ANALYST, back)
    assert isinstance(refused, Refused)
    assert refused.code == "price_notice_too_short"
    assert refused.detail["earliest"] == "2026-03-16"
    nobody = PriceWish(customer_id=99, line_id=1, rate_daily_e8=1, effective_on=ON, reason="no")
    refused = await reprice_line(house, ANALYST, nobody)
    assert isinstance(refused, Refused)
    assert refused.code == "line_not_found"
    async with house.database.connection() as connection:
        rates = await connection.fetch("SELECT rate_daily_e8 FROM lending.loan")
        told = await connection.fetch(
            "SELECT payload FROM platform.outbox WHERE kind = 'line_price_announced'"
        )
    assert [row["rate_daily_e8"] for row in rates] == [35_000]
    assert len(told) == 1


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("zh", ("自 2026-03-01 起", "0.03%", "10.95%", "已有借款的利率不变")),
        ("en", ("from 2026-03-01 on", "0.03 % a day", "10.95 % a year", "keep their price")),
    ],
)
async def test_another_price_is_told_to_the_customer_once(
    house: House, language: str, shown: tuple[str, ...]
) -> None:
    async with house.database.transaction() as connection:
        await connection.execute("INSERT INTO customers.customer VALUES (1, 'active', 'zh', now())")
    consumer = notices_consumer(house)
    await consumer.register()
    wish = PriceWish(
        customer_id=1, line_id=LINE, rate_daily_e8=30_000, effective_on=ON, reason="ok"
    )
    assert not isinstance(await reprice_line(house, ANALYST, wish), Refused)
    while await consumer.waiting():
        await take_notices(house, consumer)
    assert await take_notices(house, consumer) == 0
    async with house.database.connection() as connection:
        rows = await connection.fetch("SELECT * FROM customers.message")
    (row,) = rows
    assert (row["kind"], row["is_legal"], row["customer_id"]) == (LINE_PRICE, True, 1)
    message = Message(
        customer_id=1, message_id=1, kind=row["kind"], cause=row["cause"], is_legal=True,
        fields=orjson.loads(row["fields"]), created_at=row["created_at"],
    )  # fmt: skip
    body = load_texts().render(message, Language(language), name="Wang").body
    for part in (*shown, ids.to_text(ids.LINE, LINE)):
        assert part in body


async def test_a_code_is_used_once_and_what_was_signed_never_changes(house: House) -> None:
    await published(house)
    refused = await promotions.publish_promotion(house, ANALYST, OPEN_TO_ALL, reason="again")
    assert isinstance(refused, Refused)
    assert refused.code == "promotion_code_used"
    with pytest.raises(asyncpg.PostgresError, match="only added to"):
        async with house.database.transaction() as connection:
            await connection.execute("UPDATE lending.promotion SET budget_minor = 1")
    with pytest.raises(asyncpg.CheckViolationError, match="promotion_budget_spent"):
        async with house.database.transaction() as connection:
            await connection.execute("UPDATE lending.promotion_portion SET left_uses = -1")
