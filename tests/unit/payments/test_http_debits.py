"""The adapter to a bank that collects: clear answers mean what they say, all else is no answer."""

from collections.abc import Callable
from datetime import date

import httpx
import pytest
from tests.unit.payments.test_debit import DUE, ORDER

from counterfoil.payments.debit_port import DEBIT_RAIL
from counterfoil.payments.http_debits import HttpDebits
from counterfoil.payments.rail import Answer, Conflict, Declined, NoAnswer, NotSeen, Paid

_PAID = {
    "reference": ORDER.reference,
    "status": "succeeded",
    "amount_minor": 70_000,
    "currency": "CNY",
    "value_date": "2026-03-15",
    "rail_reference": "D1",
}
Said = Callable[[httpx.Request], httpx.Response]


def rail(said: Said) -> HttpDebits:
    return HttpDebits("http://bank", name=DEBIT_RAIL, transport=httpx.MockTransport(said))


def says(status: int, body: object) -> Said:
    return lambda _: httpx.Response(status, json=body)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (says(200, _PAID), Paid(70_000, "CNY", DUE, "D1")),
        (
            says(200, {"reference": ORDER.reference, "status": "failed", "code": "no_funds"}),
            Declined("no_funds"),
        ),
        (says(409, {"reference": ORDER.reference, "status": "conflict"}), Conflict()),
        (says(409, {"proxy": "says so"}), NoAnswer("bare 409")),
        (says(500, {}), NoAnswer("status 500")),
        (says(200, {**_PAID, "reference": "pm_other"}), NoAnswer("answer about another reference")),
    ],
)
async def test_only_a_clear_answer_to_an_order_counts(said: Said, answer: Answer) -> None:
    async with rail(said) as bank:
        assert await bank.collect(ORDER, requested_on=DUE) == answer


async def test_what_is_sent_names_the_mandate_and_no_person() -> None:
    seen: list[bytes] = []

    def note(request: httpx.Request) -> httpx.Response:
        seen.append(request.content)
        return httpx.Response(200, json=_PAID)

    async with rail(note) as bank:
        await bank.collect(ORDER, requested_on=DUE)
    assert b'"mandate":"md_' in seen[0].replace(b" ", b"")
    assert b"customer" not in seen[0]


async def test_silence_and_what_the_bank_never_had() -> None:
    def silent(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("silent", request=request)

    async with rail(silent) as bank:
        assert await bank.collect(ORDER, requested_on=DUE) == NoAnswer("ReadTimeout")
        assert await bank.ask(ORDER.reference) == NoAnswer("ReadTimeout")
        assert await bank.statement(date(2026, 3, 15)) is None
    unseen = says(404, {"reference": ORDER.reference, "status": "not_seen"})
    async with rail(unseen) as bank:
        assert await bank.ask(ORDER.reference) == NotSeen()
        assert await bank.statement(date(2026, 3, 15)) is None
