"""A return of credit on the relay: the same guarantees as a drawdown, under its own commands."""

from tests.store.payments_desk import Desk, emit, payload

from counterfoil.lending.commands import ConfirmReturn, FailReturn
from counterfoil.payments.order import CREDIT_RETURN_REQUESTED, reference_of
from counterfoil.payments.relay import PayoutRelay
from counterfoil.platform.database import Database
from counterfoil.simulator.bank.bank import Bank
from counterfoil.simulator.bank.direct import DirectRail
from counterfoil.simulator.bank.faults import Fault, FaultPlan

RETURN = 7


async def ordered(desk: Desk, text: str | None = None) -> PayoutRelay:
    relay = desk.relay()
    await relay.consumer.register()
    text = text or payload(1).replace('"loan_id": 1', f'"return_id": {RETURN}')
    async with desk.database.transaction() as connection:
        await emit(connection, 1, text, kind=CREDIT_RETURN_REQUESTED)
    await relay.drain()
    return relay


def a_desk(database: Database, *faults: Fault) -> tuple[Desk, Bank]:
    bank = Bank(plan=FaultPlan(seed=1, rates_bp=dict.fromkeys(faults, 10_000)))
    return Desk(database, DirectRail(bank)), bank


async def test_a_return_is_paid_under_its_own_number_and_confirmed_as_a_return(
    database: Database,
) -> None:
    desk, bank = a_desk(database)
    await ordered(desk)
    assert set(bank.entries) == {reference_of(RETURN)}
    assert desk.books.confirmed == {
        "payout:7:confirmed": ConfirmReturn(
            customer_id=10,
            line_id=11,
            return_id=RETURN,
            payment_id=RETURN,
            value_date=desk.today,
            rail_reference="B000000000001",
        )
    }
    assert await desk.status(RETURN) == "succeeded"


async def test_a_refused_return_is_failed_as_a_return(database: Database) -> None:
    desk, _ = a_desk(database, Fault.REFUSES)
    await ordered(desk)
    [failed] = desk.books.failed.values()
    assert isinstance(failed, FailReturn)
    assert (failed.return_id, failed.reason) == (RETURN, "payee_account_closed")


async def test_the_books_are_told_again_under_the_same_key_until_they_answer(
    database: Database,
) -> None:
    desk, bank = a_desk(database)
    desk.books.lose_answers = 1
    relay = await ordered(desk)
    assert await desk.status(RETURN) != "succeeded"
    for _ in range(10):
        desk.clock.advance(relay._lease)
        await relay.drain()
    assert await desk.status(RETURN) == "succeeded"
    assert list(desk.books.confirmed) == ["payout:7:confirmed"]
    assert len(bank.entries) == 1


async def test_an_event_that_names_no_return_is_kept_where_people_see_it(
    database: Database,
) -> None:
    desk, bank = a_desk(database)
    await ordered(desk, payload(1))
    assert bank.entries == {}
    assert "return_id" in await desk.value("SELECT reason FROM payments.rejected_order")
