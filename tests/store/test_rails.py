"""Two rails on a real PostgreSQL: the way is chosen before a send, and stays after it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from tests.store.payments_desk import Desk

from counterfoil.lending.commands import FailPayout
from counterfoil.payments import route_store
from counterfoil.payments.order import PayoutOrder
from counterfoil.payments.payee import PayeeName
from counterfoil.payments.port import RailLink
from counterfoil.payments.rail import NoAnswer
from counterfoil.payments.rail_terms import Limits, terms_of
from counterfoil.payments.relay import PayoutRelay
from counterfoil.payments.route_store import ALL_RAILS, Switch
from counterfoil.platform.database import Database
from counterfoil.simulator.bank.bank import Bank
from counterfoil.simulator.bank.direct import DirectRail


class Silent(DirectRail):
    """A rail whose line is dead: nobody answers, nothing arrives."""

    is_down = True

    async def pay_out(self, order: PayoutOrder, **keywords: Any) -> Any:
        if self.is_down:
            return NoAnswer("ConnectError")
        return await super().pay_out(order, **keywords)

    async def ask(self, reference: str) -> Any:
        return NoAnswer("ConnectError") if self.is_down else await super().ask(reference)


class House:
    """A relay over two rails."""

    def __init__(self, database: Database, first: DirectRail | None = None, **terms: Any) -> None:
        self.banks = Bank(), Bank()
        rails = first or DirectRail(self.banks[0], name="a"), DirectRail(self.banks[1], name="b")
        self.desk = Desk(database, rails[0])
        ways = [terms_of(rail.contract) for rail in rails]
        self.links = [
            RailLink(replace(ways[0], priority=1, **terms), rails[0]),
            RailLink(replace(ways[1], priority=2), rails[1]),
        ]

    def relay(self, worker: str = "worker-1", **other: Any) -> PayoutRelay:
        desk = self.desk
        return PayoutRelay(
            desk.database,
            rails=self.links,
            books=desk.books,
            clock=desk.clock,
            business_date=desk.business_date,
            worker=worker,
            **other,
        )

    async def carry(self, *loans: int, amount_minor: int = 120_000, **other: Any) -> PayoutRelay:
        relay = self.relay(**other)
        await relay.consumer.register()
        await self.desk.order(*loans, amount_minor=amount_minor)
        await relay.drain()
        return relay

    async def rail_of(self, loan: int) -> str:
        query = "SELECT rail FROM payments.payment WHERE payment_id = $1"
        rail: str = await self.desk.value(query, loan)
        return rail

    async def ways(self, loan: int) -> list[tuple[Any, ...]]:
        async with self.desk.database.connection() as connection:
            rows = await route_store.routes_of_payment(
                connection, customer_id=loan * 10, payment_id=loan
            )
        return [(row["rail"], row["passed_rails"], row["obstacles"]) for row in rows]

    async def switch(self, number: int, rail: str, *, is_closed: bool) -> None:
        is_wide = rail == ALL_RAILS
        switch = Switch(
            switch_id=number, rail=rail, is_closed=is_closed, reason="works at the bank",
            switched_by="ann", approval_id=number if is_wide else None,
            approved_by="bob" if is_wide else None, switched_at=self.desk.clock.now(),
        )  # fmt: skip
        async with self.desk.database.transaction() as connection:
            await route_store.add_switch(connection, switch)


async def test_a_payment_above_a_rails_limit_goes_over_the_next_with_the_reason(
    database: Database,
) -> None:
    house = House(database, limits=Limits(payment_minor_max=100_000))
    await house.carry(7)
    assert await house.desk.status(7) == "succeeded"
    assert await house.rail_of(7) == "b"
    assert await house.ways(7) == [("b", ["a"], ["above_maximum"])]
    assert not house.banks[0].entries
    assert len(house.banks[1].entries) == 1


async def test_the_limit_of_a_day_holds_over_workers_and_begins_anew(database: Database) -> None:
    limits = Limits(payment_minor_max=200_000, day_minor_max=300_000)
    house = House(database, limits=limits)
    await house.carry(1, 2, 3)
    await house.carry(4, worker="worker-2")
    assert len(house.banks[0].entries) == 2
    assert len(house.banks[1].entries) == 2
    house.desk.clock.advance(timedelta(days=1))
    await house.carry(5)
    assert await house.rail_of(5) == "a"


async def test_a_rail_that_is_down_is_passed_over_and_what_it_may_have_stays_with_it(
    database: Database,
) -> None:
    silent = Silent(Bank(), name="a")
    house = House(database, silent)
    await house.carry(*range(1, 31))
    relay = await house.carry(*range(31, 41))
    on_first = [n for n in range(1, 41) if await house.rail_of(n) == "a"]
    assert len(on_first) >= 20, "so many were sent before the rail counted as down"
    assert {await house.desk.status(n) for n in on_first} == {"unknown"}
    silent.is_down = False
    for _ in range(30):
        house.desk.clock.advance(timedelta(seconds=30))
        await relay.drain()
    assert await house.desk.statuses() == {"succeeded": 40}
    assert len(house.banks[1].entries) == 40 - len(on_first), "nothing that was sent was rerouted"
    rerouted = [n for n in range(40, 0, -1) if n not in on_first]
    assert await walked(house, route_store.rerouted_payments, route_store.NEWEST) == rerouted


async def walked(house: House, read: Any, start: tuple[int, int]) -> list[int]:
    """Return the payments of a list read in pages of three, which read back are the same."""
    key = "before" if start == route_store.NEWEST else "after"
    second = "route_no" if start == route_store.NEWEST else "customer_id"
    there: list[tuple[int, int]] = []
    async with house.desk.database.connection() as connection:
        while rows := await read(connection, page=3, **{key: there[-1] if there else start}):
            there += [(row["payment_id"], row[second]) for row in rows]
        for place, mark in enumerate(there):
            back = await read(connection, page=2, is_back=True, **{key: mark})
            found = [(row["payment_id"], row[second]) for row in back]
            assert found == there[max(0, place - 2) : place]
    return [payment for payment, _ in there]


async def test_rails_closed_by_hand_queue_until_they_are_opened(database: Database) -> None:
    house = House(database)
    await house.switch(1, "a", is_closed=True)
    await house.carry(1)
    assert await house.ways(1) == [("b", ["a"], ["closed_by_hand"])]
    await house.switch(2, ALL_RAILS, is_closed=True)
    relay = await house.carry(2, 8, 9, 10)
    assert await house.desk.status(2) == "held"
    assert await walked(house, route_store.queued_payments, (0, 0)) == [2, 8, 9, 10]
    house.desk.clock.advance(timedelta(minutes=1))
    await relay.drain()
    assert await house.ways(2) == [(None, ["a", "b"], ["closed_by_hand"] * 2)], "waiting, told once"
    await house.switch(3, ALL_RAILS, is_closed=False)
    await house.switch(4, "a", is_closed=False)
    house.desk.clock.advance(timedelta(minutes=1))
    await relay.drain()
    assert await house.desk.status(2) == "succeeded"
    assert (await house.ways(2))[-1] == ("a", [], [])


class Names:
    """Knows two borrowers, and the merchant of a third's purchase."""

    def __init__(self) -> None:
        self.opened: list[int] = []
        self.is_shut = False

    async def names_of(self, orders: Sequence[PayoutOrder]) -> dict[int, PayeeName]:
        if self.is_shut:
            raise ConnectionError("the vault is shut")
        self.opened += [order.payment_id for order in orders]
        known = {1: PayeeName("Ann"), 2: PayeeName("Bob"), 4: PayeeName("Shop", is_own=False)}
        return {o.payment_id: known[o.payment_id] for o in orders if o.payment_id in known}


async def test_an_account_in_another_name_is_refused_before_anything_is_sent(
    database: Database,
) -> None:
    house, names = House(database, checks_payee=True), Names()
    house.banks[0].holders = {"pa_1": "Ann", "pa_2": "Somebody else", "pa_4": "Shop"}
    await house.carry(1, 2, 3, 4, names=names)
    failed = {
        c.loan_id: c.reason for c in house.desk.books.failed.values() if isinstance(c, FailPayout)
    }
    assert failed == {2: "payee_name_differs", 3: "payee_name_unknown"}
    assert house.desk.books.confirmed_loans == [1, 4]
    assert len(house.banks[0].entries) == 2
    sends = "SELECT max(sends) FROM payments.payment WHERE payment_id IN (2, 3)"
    assert await house.desk.value(sends) == 0
    said = "SELECT array_agg((payment_id, rail, is_own) ORDER BY 1)::text FROM payments.known_payee"
    assert await house.desk.value(said) == '{"(1,a,t)","(4,a,f)"}'


async def test_a_payee_is_asked_about_once_and_again_when_that_is_long_ago(
    database: Database,
) -> None:
    house, names = House(database, checks_payee=True), Names()
    await house.carry(1, names=names)
    again: dict[str, Any] = {"customer_id": 10, "payee_ref": "pa_1"}
    await house.desk.order(5, **again)
    relay = house.relay(names=names)
    await relay.drain()
    assert await house.desk.status(5) == "succeeded"
    assert names.opened == [1], "what the rail said of the account and the customer holds"
    house.desk.clock.advance(timedelta(days=91))
    await house.desk.order(1001, **again)
    await relay.drain()
    assert names.opened == [1, 1001]
    assert (await house.desk.status(1001), len(house.banks[0].entries)) == ("failed", 2)


async def test_a_payment_is_held_while_nobody_says_whose_the_account_is(
    database: Database,
) -> None:
    house, names = House(database, checks_payee=True), Names()
    house.banks[0].holders["pa_1"] = None
    relay = await house.carry(1, names=names)
    assert await house.desk.status(1) == "held", "not sent is neither failed nor unknown"
    assert not house.banks[0].entries
    names.is_shut = True
    house.desk.clock.advance(timedelta(minutes=1))
    await relay.drain()
    assert await house.desk.status(1) == "held"
    house.banks[0].holders["pa_1"], names.is_shut = "Ann", False
    house.desk.clock.advance(timedelta(minutes=5))
    await relay.drain()
    assert await house.desk.status(1) == "succeeded"
    acts = "SELECT string_agg(act, ' ' ORDER BY act_no) FROM payments.payment_attempt"
    assert await house.desk.value(acts) == "check check check send"


async def test_a_rail_that_knows_no_names_carries_only_what_another_has_vouched_for(
    database: Database,
) -> None:
    house, names = House(database, checks_payee=True), Names()
    house.banks[0].holders = {"pa_1": "Ann", "pa_2": "Somebody else"}
    await house.switch(1, "a", is_closed=True)
    await house.carry(1, 2, names=names)
    assert await house.rail_of(1) == "b"
    assert (await house.desk.status(1), await house.desk.status(2)) == ("succeeded", "failed")
    assert not house.banks[0].entries


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE payments.payment SET rail = 'b' WHERE payment_id = 7",
        "UPDATE payments.route SET rail = 'b'",
        "INSERT INTO payments.route VALUES (70, 7, 9, 'b', '{}', '{}', NULL, now())",
        "INSERT INTO payments.rail_switch VALUES (1, '*', true, 'why', 'ann', 1, NULL, now())",
    ],
)
async def test_the_database_refuses_a_second_way_and_one_person_for_all(
    database: Database, statement: str
) -> None:
    house = House(database)
    await house.carry(7)
    with pytest.raises(asyncpg.PostgresError):
        async with database.transaction() as connection:
            await connection.execute(statement)
    assert await house.rail_of(7) == "a"
