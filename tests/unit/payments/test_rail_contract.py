"""What every rail does: the adapter over HTTP and the bank in this process answer alike."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta

import httpx
import pytest

from counterfoil.payments.http_rail import HttpRail
from counterfoil.payments.order import PayoutOrder
from counterfoil.payments.port import PayeeMatch, Rail
from counterfoil.payments.rail import (
    Answer,
    Conflict,
    Declined,
    NoAnswer,
    NotSeen,
    Paid,
    Pending,
    Returned,
)
from counterfoil.payments.statement import read_statement
from counterfoil.simulator.bank.bank import Bank
from counterfoil.simulator.bank.direct import DirectRail
from counterfoil.simulator.bank.faults import Fault, FaultPlan
from counterfoil.simulator.bank.server import make_app

DAY = date(2026, 3, 1)
NEXT_DAY = DAY + timedelta(days=1)
ORDER = PayoutOrder(
    customer_id=70,
    payment_id=7,
    line_id=71,
    loan_id=7,
    amount_minor=120_000,
    currency="CNY",
    payee_ref="pa_7",
    lender_id="lender-1",
    business_date=DAY,
)
PAID = Paid(120_000, "CNY", DAY, "B000000000001")


class Impatient(httpx.AsyncBaseTransport):
    """The network to a bank in this process, with the time-out of a real one."""

    def __init__(self, bank: Bank) -> None:
        self._inner = httpx.ASGITransport(app=make_app(bank))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            async with asyncio.timeout(0.5):
                return await self._inner.handle_async_request(request)
        except TimeoutError as error:
            raise httpx.ReadTimeout("the bank is silent") from error


@pytest.fixture
def bank() -> Bank:
    return Bank()


@pytest.fixture(params=["http", "direct"])
async def rail(request: pytest.FixtureRequest, bank: Bank) -> AsyncIterator[Rail]:
    if request.param == "direct":
        yield DirectRail(bank)
        return
    async with HttpRail("http://bank.test", transport=Impatient(bank)) as adapter:
        yield adapter


def plan(bank: Bank, *faults: Fault) -> None:
    bank.plan = FaultPlan(upcoming=list(faults))


async def pay(rail: Rail) -> Answer:
    return await rail.pay_out(ORDER, requested_on=DAY)


async def test_both_make_the_same_promises(rail: Rail) -> None:
    contract = rail.contract
    assert contract.name == "bank"
    assert contract.is_reference_idempotent
    assert contract.amount_minor_max == 50_000_000_000


async def test_the_bank_says_whose_an_account_is_or_that_it_cannot(rail: Rail, bank: Bank) -> None:
    bank.name_account("pa_7", "Ann")
    assert await rail.check_payee("pa_7", name="Ann") is PayeeMatch.MATCHES
    assert await rail.check_payee("pa_7", name="Bob") is PayeeMatch.DIFFERS
    bank.name_account("pa_7", None)
    assert await rail.check_payee("pa_7", name="Ann") is PayeeMatch.NO_ANSWER


async def test_an_order_is_paid_and_found_again(rail: Rail) -> None:
    assert await rail.ask(ORDER.reference) == NotSeen()
    assert await pay(rail) == PAID
    assert await rail.ask(ORDER.reference) == PAID


async def test_the_same_order_again_moves_nothing_and_says_the_same(rail: Rail, bank: Bank) -> None:
    assert [await pay(rail) for _ in range(3)] == [PAID] * 3
    assert len(bank.entries) == 1


async def test_another_order_under_the_reference_is_a_conflict(rail: Rail) -> None:
    await pay(rail)
    other = replace(ORDER, amount_minor=1)
    assert await rail.pay_out(other, requested_on=DAY) == Conflict()
    assert await rail.ask(ORDER.reference) == PAID


@pytest.mark.parametrize(
    ("fault", "first", "later"),
    [
        (Fault.TIMEOUT_BEFORE_ACCEPT, NoAnswer("ReadTimeout"), NotSeen()),
        (Fault.TIMEOUT_AFTER_ACCEPT, NoAnswer("ReadTimeout"), PAID),
        (Fault.ANSWERS_LATE, NoAnswer("ReadTimeout"), NotSeen()),
        (Fault.ERROR_AFTER_ACCEPT, NoAnswer("status 500"), PAID),
        (Fault.REFUSES, Declined("payee_account_closed"), Declined("payee_account_closed")),
        (Fault.CALLBACK_LOST, Pending(), PAID),
        (Fault.WRONG_AMOUNT_ANSWERED, replace(PAID, amount_minor=120_100), PAID),
        (
            Fault.WRONG_AMOUNT_BOOKED,
            replace(PAID, amount_minor=120_100),
            replace(PAID, amount_minor=120_100),
        ),
    ],
)
async def test_each_fault_is_answered_alike(
    rail: Rail, bank: Bank, fault: Fault, first: Answer, later: Answer
) -> None:
    plan(bank, fault)
    assert await pay(rail) == first
    assert await rail.ask(ORDER.reference) == later


@pytest.mark.parametrize("fault", [Fault.TIMEOUT_BEFORE_ACCEPT, Fault.ANSWERS_LATE])
async def test_a_repetition_of_what_was_not_seen_is_carried_out_once(
    rail: Rail, bank: Bank, fault: Fault
) -> None:
    plan(bank, fault)
    await pay(rail)
    assert await rail.ask(ORDER.reference) == NotSeen()
    assert await pay(rail) == PAID
    assert len(bank.entries) == 1


async def test_a_reversal_is_told_when_asked(rail: Rail, bank: Bank) -> None:
    plan(bank, Fault.LATE_REVERSAL)
    assert await pay(rail) == PAID
    bank.move_to(NEXT_DAY)
    returned = Returned(120_000, "CNY", NEXT_DAY, "B000000000001")
    assert await rail.ask(ORDER.reference) == returned


async def test_fetching_a_statement_ends_the_day(rail: Rail) -> None:
    await pay(rail)
    text = await rail.statement(DAY)
    assert text is not None
    (line,) = read_statement(text, business_date=DAY).lines
    assert (line.reference, line.amount_minor) == (ORDER.reference, 120_000)
    late = await rail.pay_out(replace(ORDER, payment_id=8), requested_on=DAY)
    assert isinstance(late, Paid)
    assert late.value_date == NEXT_DAY
    assert await rail.statement(DAY) == text


# What only a network can say


def answering(status: int, text: str) -> HttpRail:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, text=text))
    return HttpRail("http://bank.test", transport=transport)


BODY = (
    '{"reference": "pm_0000000000007", "status": "succeeded", "amount_minor": 120000,'
    ' "currency": "CNY", "value_date": "2026-03-01", "rail_reference": "B1"}'
)


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (200, ""),
        (200, "<html>maintenance</html>"),
        (200, "null"),
        (200, BODY.replace("succeeded", "done")),
        (200, BODY.replace("pm_0000000000007", "pm_0000000000008")),
        (200, BODY.replace("120000", "1200.00")),
        (200, BODY.replace("120000", '"120000"')),
        (200, BODY.replace("2026-03-01", "yesterday")),
        (200, BODY.replace('"B1"', '""')),
        (200, BODY.replace("succeeded", "returned")),
        (200, '{"reference": "pm_0000000000007", "status": "failed"}'),
        (200, '{"reference": "pm_0000000000007", "status": "succeeded"}'),
        (201, BODY),
        (302, BODY),
        (400, '{"reference": "pm_0000000000007", "status": "failed", "code": "x"}'),
        (404, "no such page"),
        (404, '{"reference": "pm_0000000000008", "status": "not_seen"}'),
        (409, "conflict"),
        (422, "{}"),
        (429, "slow down"),
        (500, BODY),
        (503, ""),
    ],
)
async def test_whatever_is_not_clear_is_no_answer(status: int, text: str) -> None:
    async with answering(status, text) as rail:
        assert isinstance(await rail.ask(ORDER.reference), NoAnswer)
        assert isinstance(await pay(rail), NoAnswer)


async def test_the_good_answer_of_these_is_believed() -> None:
    async with answering(200, BODY) as rail:
        assert await pay(rail) == Paid(120_000, "CNY", DAY, "B1")


@pytest.mark.parametrize(
    "error", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.WriteError]
)
async def test_a_broken_network_raises_nothing(error: type[httpx.HTTPError]) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error("broken")

    async with HttpRail("http://bank.test", transport=httpx.MockTransport(fail)) as rail:
        assert await pay(rail) == NoAnswer(error.__name__)
        assert await rail.ask(ORDER.reference) == NoAnswer(error.__name__)
        assert await rail.statement(DAY) is None
