"""What every bank that collects does: over HTTP and in this process it answers alike."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from tests.unit.payments.test_debit import DUE, ORDER

from counterfoil.payments.debit_port import DEBIT_RAIL, DebitRail
from counterfoil.payments.http_debits import HttpDebits
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
from counterfoil.simulator.bank import server
from counterfoil.simulator.bank.bank import Bank
from counterfoil.simulator.bank.collecting import BankDebit, CollectingBank, DebitFault
from counterfoil.simulator.bank.journal import Journal

NEXT_DAY = DUE + timedelta(days=1)
PAID = Paid(70_000, "CNY", DUE, "D000000000001")
SILENCE = NoAnswer("ReadTimeout")


class Impatient(httpx.AsyncBaseTransport):
    """The network to a bank in this process, with the time-out of a real one."""

    def __init__(self, bank: CollectingBank) -> None:
        self._inner = httpx.ASGITransport(app=server.make_app(Bank(), bank))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            async with asyncio.timeout(0.5):
                return await self._inner.handle_async_request(request)
        except TimeoutError as error:
            raise httpx.ReadTimeout("the bank is silent") from error


@pytest.fixture
def bank() -> CollectingBank:
    return CollectingBank()


@pytest.fixture(params=["http", "direct"])
async def rail(request: pytest.FixtureRequest, bank: CollectingBank) -> AsyncIterator[DebitRail]:
    if request.param == "direct":
        yield bank
        return
    async with HttpDebits(
        "http://bank.test", name=DEBIT_RAIL, transport=Impatient(bank)
    ) as adapter:
        yield adapter


@pytest.mark.parametrize(
    ("fault", "first", "later"),
    [
        (DebitFault.NONE, PAID, PAID),
        (DebitFault.INSUFFICIENT_FUNDS, Declined("insufficient_funds"), None),
        (DebitFault.LOST, SILENCE, NotSeen()),
        (DebitFault.SILENT, SILENCE, PAID),
        (DebitFault.ERROR, NoAnswer("status 500"), PAID),
        (DebitFault.ANSWERS_TWICE, PAID, PAID),
        (DebitFault.ANSWERS_LATE, Pending(), PAID),
        (DebitFault.WRONG_AMOUNT_ANSWERED, replace(PAID, amount_minor=70_100), PAID),
        (DebitFault.MUTE, SILENCE, SILENCE),
        (DebitFault.TAKEN_BACK, PAID, PAID),
    ],
)
async def test_each_fault_is_answered_alike_and_collects_at_most_once(
    rail: DebitRail, bank: CollectingBank, fault: DebitFault, first: Answer, later: Answer | None
) -> None:
    bank.upcoming = [fault]
    assert await rail.collect(ORDER, requested_on=DUE) == first
    assert await rail.ask(ORDER.reference) == (later or first)
    for _ in range(2):
        again = await rail.collect(ORDER, requested_on=DUE)
        assert again == (PAID if fault is DebitFault.LOST else later or first)
    text = await rail.statement(DUE)
    assert text is not None
    lines = read_statement(text, business_date=DUE).lines
    expected = [] if fault is DebitFault.INSUFFICIENT_FUNDS else [(ORDER.reference, 70_000)]
    assert [(line.reference, line.amount_minor) for line in lines] == expected


async def test_what_is_taken_back_stands_on_both_days_and_is_told_when_asked(
    rail: DebitRail, bank: CollectingBank
) -> None:
    bank.upcoming = [DebitFault.TAKEN_BACK]
    await rail.collect(ORDER, requested_on=DUE)
    bank.move_to(NEXT_DAY)
    answer = await rail.ask(ORDER.reference)
    assert isinstance(answer, Returned)
    assert (answer.amount_minor, answer.returned_on) == (70_000, NEXT_DAY)
    kinds = []
    for day in (DUE, NEXT_DAY):
        text = await rail.statement(day)
        assert text is not None
        kinds += [line.kind.value for line in read_statement(text, business_date=day).lines]
    assert kinds == ["paid", "returned"]


async def test_another_order_under_the_reference_is_a_conflict(rail: DebitRail) -> None:
    await rail.collect(ORDER, requested_on=DUE)
    for other in (replace(ORDER, amount_minor=1), replace(ORDER, mandate_id=4)):
        assert await rail.collect(other, requested_on=DUE) == Conflict()
    assert await rail.ask(ORDER.reference) == PAID


def test_both_make_the_same_promise() -> None:
    over_http, direct = (
        HttpDebits("http://bank.test", name=DEBIT_RAIL).contract,
        CollectingBank().contract,
    )
    assert replace(over_http, calls_at_once=direct.calls_at_once) == direct


async def test_a_bank_that_answers_twice_calls_back_twice(bank: CollectingBank) -> None:
    bank.upcoming = [DebitFault.ANSWERS_TWICE, DebitFault.NONE]
    order = BankDebit(
        reference="pm_1", mandate="md_1", amount_minor=1, currency="CNY", account="a",
        requested_on=DUE,
    )  # fmt: skip
    twice, once = bank.hear(order), bank.hear(replace(order, reference="pm_2"))
    assert (len(twice.callbacks), len(once.callbacks)) == (2, 1)
    assert len(set(twice.callbacks)) == 1


async def test_operators_set_faults_of_debits_and_nonsense_is_refused(
    bank: CollectingBank,
) -> None:
    transport = httpx.ASGITransport(app=server.make_app(Bank(), bank))
    async with httpx.AsyncClient(base_url="http://bank.test", transport=transport) as client:
        body = {"seed": 3, "rates_bp": {"lost": 10_000}}
        assert (await client.put("/debit-faults", json=body)).status_code == 200
        assert (await client.get("/debit-faults")).json() == {**body, "upcoming": []}
        too_much = {"rates_bp": {"lost": 6_000, "mute": 6_000}}
        assert (await client.put("/debit-faults", json=too_much)).status_code == 422
    assert (bank.seed, bank.rates_bp) == (3, {DebitFault.LOST: 10_000})


async def test_a_killed_bank_remembers_what_it_collected(tmp_path: Path) -> None:
    path = tmp_path / "debits.jsonl"
    with Journal(path) as journal:
        await CollectingBank(journal=journal).collect(ORDER, requested_on=DUE)
    with Journal(path) as journal:
        again = CollectingBank(journal=journal)
        assert await again.ask(ORDER.reference) == PAID
        assert await again.collect(ORDER, requested_on=DUE) == PAID
