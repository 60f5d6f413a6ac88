"""Money that came in over a rail: refunds of merchants, once, and what two people have to place."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.store.scene_desk import (
    ANALYST,
    CUSTOMER,
    OFFICER,
    ON,
    bought,
    drawn,
    registered,
    scene_house,
)
from tests.store.scene_desk import code as code_of
from tests.store.test_scene_purchases import begun, body, moved, withdrawn

from counterfoil.journeys.approve import decide_approval
from counterfoil.journeys.books.check_books import check_books
from counterfoil.journeys.books.reconcile_ledger import reconcile_ledger
from counterfoil.journeys.house import House
from counterfoil.journeys.paying import received
from counterfoil.journeys.paying.received import Placing
from counterfoil.journeys.paying.reconcile import (
    DayReconciliation,
    reconcile_day,
    take_rail_statement,
)
from counterfoil.journeys.purchasing import scene_purchases
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.ledger.chart import RECEIPTS_UNPLACED
from counterfoil.lending.store import read_loan
from counterfoil.payments.received import Received, ReceivedKey, ReceivedStatus
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import Approval
from counterfoil.simulator.bank.statement_file import statement_text

RAIL = "bank"
FINANCE = Actor(name="wu-min", role="finance", source="console")
Line = tuple[str, int, str]


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with scene_house(database_url, tmp_path) as opened:
        yield opened


async def taken(house: House, *lines: Line, days: int = 0, currency: str = "CNY") -> None:
    """Take a statement with lines of reference, amount and the rail's number, and book it."""
    on = ON + timedelta(days=days)
    text = statement_text(
        (reference, "received", amount, currency, on, number) for reference, amount, number in lines
    )
    for _ in range(2):  # the same file again is no news
        assert await take_rail_statement(house, text, rail=RAIL, on=on) == len(lines)
    while await received.book_received(house):
        pass


async def shown(house: House) -> dict[str, tuple[str, str | None, int]]:
    """Return status, cause and what is left, by the rail's number and line."""
    return {
        f"{one.rail_reference}/{one.key.line_no}": (one.status.value, one.cause, one.left_minor)
        for one in await received.list_received(house)
    }


async def unplaced(house: House) -> int:
    """Return what waits to be placed by the books, which agree with what payments say."""
    pairs = await reconcile_ledger(house.database)
    assert all(pair.ok for pair in pairs), [pair for pair in pairs if not pair.ok]
    return -sum(pair.general_minor for pair in pairs if pair.account == RECEIPTS_UNPLACED)


async def principal_of(house: House, *loans: int) -> list[int]:
    async with house.database.connection() as connection:
        found = [await read_loan(connection, CUSTOMER, loan) for loan in loans]
    return [loan.principal_minor for loan in found if loan is not None]


async def a_purchase(house: House, *amounts: int) -> tuple[str, list[int]]:
    """Return the number of a purchase and the loans that paid it."""
    merchant = await registered(house)
    said = body(await bought(house, merchant, 9_000_000))
    loans = [
        await begun(house, await drawn(house, f"d{place}", amount_minor=amount))
        for place, amount in enumerate(amounts)
    ]
    return said["id"], loans


async def place(house: House, key: ReceivedKey, reference: str | None) -> Any:
    """Place money by two people."""
    placing = Placing(key=key, reference=reference, reason="letter of the bank")
    asked = await received.place(house, FINANCE, placing)
    assert isinstance(asked, Approval), asked
    again = await received.place(house, FINANCE, placing)
    assert isinstance(again, Approval)
    assert again.approval_id == asked.approval_id, "nobody approved it meanwhile"
    given = await decide_approval(
        house, OFFICER, asked.approval_id, is_approved=True, reason="seen it"
    )
    assert not isinstance(given, Refused), given
    return await received.place(house, FINANCE, placing)


async def test_a_refund_goes_to_the_loans_of_its_purchase_once(house: House) -> None:
    purchase, loans = await a_purchase(house, 100_000, 200_000)
    await moved(house, ON + timedelta(days=2))
    # The newest loan first; what it cannot take goes to the one before it.
    await taken(house, (purchase, 250_000, "B1"), (purchase, 250_000, "B1"), days=1)
    left = [50_035, 70]
    assert await principal_of(house, *loans) == left, "a day's interest comes before principal"
    await taken(house, (purchase, 250_000, "B1"), days=2)
    assert await principal_of(house, *loans) == left, "the same money on a later statement"
    assert await shown(house) == {"B1/1": ("booked", None, 0)}
    [state] = await scene_purchases.purchases_of(house, customer_id=CUSTOMER)
    assert state["refunded_minor"] == 250_000
    found = await reconcile_day(house, rail=RAIL, on=ON + timedelta(days=1))
    assert isinstance(found, DayReconciliation), found
    assert not any(d.difference.reference == purchase for d in found.open_differences)
    # What was lent by one loan is refunded, and the other takes 50,000 at most.
    await taken(house, (purchase, 50_001, "B2"), days=3)
    assert (await shown(house))["B2/1"] == ("suspended", "beyond_lent", 50_001)
    assert await unplaced(house) == 50_001
    report = await check_books(house.database, house.catalogue)
    wrong = {name: one.exceptions for name, one in report.checks.items() if not one.ok}
    # The drawdowns of this desk go over no rail.
    assert wrong.keys() <= {"payouts", "references"}, wrong


async def test_a_loan_that_was_taken_back_comes_first_and_counts_from_that_day(
    house: House,
) -> None:
    purchase, loans = await a_purchase(house, 100_000, 200_000)
    await moved(house, ON + timedelta(days=5))
    assert not isinstance(await withdrawn(house, loans[0]), Refused)
    await moved(house, ON + timedelta(days=9))
    await taken(house, (purchase, 100_000, "B1"), days=8)
    async with house.database.connection() as connection:
        loan = await read_loan(connection, CUSTOMER, loans[0])
    assert loan is not None
    assert (loan.status, loan.principal_minor) == ("open", 175), "the interest of five days is left"


async def test_what_no_reference_places_two_people_place(house: House) -> None:
    purchase, loans = await a_purchase(house, 100_000)
    unknown = ids.to_text(ids.PURCHASE, 7)
    lines = [
        ("Zhang San 13800000000", 10_000, "B1"),
        (unknown, 20_000, "B2"),
        ("spring-offer", 30_000, "B3"),
        (purchase, 1_000, "B4"),
        (purchase, 1_001, "B4"),
    ]
    await taken(house, *lines)
    assert await shown(house) == {
        "B1/1": ("suspended", "reference_unknown", 10_000),
        "B2/2": ("suspended", "reference_unknown", 20_000),
        "B3/3": ("suspended", "reference_unknown", 30_000),
        "B4/4": ("booked", None, 0),
        "B4/5": ("suspended", "twin_differs", 1_001),
    }
    one = next(r for r in await received.list_received(house) if r.rail_reference == "B1")
    assert one.reference == "-", "what may name a person is not kept"
    assert await unplaced(house) == 61_001
    async with house.database.connection() as connection:
        driver: Any = connection
        kept = await driver.fetch("SELECT reference FROM payments.statement_line")
    assert {row["reference"] for row in kept} == {"-", unknown, "spring-offer", purchase}

    alone = Placing(key=one.key, reference=purchase, reason="letter")
    assert code_of(await received.place(house, ANALYST, alone)) == "approval_not_allowed"
    free = Placing(key=one.key, reference="for the trip", reason="letter")
    assert code_of(await received.place(house, FINANCE, free)) == "received_reference_unfit"
    gone = Placing(key=ReceivedKey(RAIL, ON, 4), reference=purchase, reason="letter")
    assert code_of(await received.place(house, FINANCE, gone)) == "received_not_open"

    placed = await place(house, one.key, purchase)
    assert isinstance(placed, Received)
    assert (placed.status, placed.assigned) == (ReceivedStatus.BOOKED, purchase)
    assert await principal_of(house, *loans) == [89_000]
    back = await place(house, ReceivedKey(RAIL, ON, 2), None)
    assert (back.status, back.booked_minor) == (ReceivedStatus.SENT_BACK, 0)
    twin = await place(house, ReceivedKey(RAIL, ON, 5), purchase)
    assert twin.status is ReceivedStatus.BOOKED
    # A wrong word leaves it where it was, and another one may be given.
    still = await place(house, ReceivedKey(RAIL, ON, 3), unknown)
    assert (still.status, still.left_minor) == (ReceivedStatus.SUSPENDED, 30_000)
    assert await unplaced(house) == 30_000
    assert (await place(house, ReceivedKey(RAIL, ON, 3), purchase)).status is ReceivedStatus.BOOKED
    assert await unplaced(house) == 0
    assert await principal_of(house, *loans) == [57_999]


async def test_a_crash_between_two_shares_repeats_them_and_books_none_twice(house: House) -> None:
    purchase, loans = await a_purchase(house, 100_000, 200_000)
    real, calls = house.counter.submit, 0

    async def dying(command: Any, *, idempotency_key: str) -> Any:
        nonlocal calls
        calls += 1
        answer = await real(command, idempotency_key=idempotency_key)
        if calls == 1:
            raise KeyboardInterrupt
        return answer

    house.counter.submit = dying  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        await taken(house, (purchase, 250_000, "B1"))
    assert await received.book_received(house) == 1
    assert await received.book_received(house) == 0
    assert await principal_of(house, *loans) == [50_000, 0]
    assert await shown(house) == {"B1/1": ("booked", None, 0)}


async def test_a_part_that_the_books_refuse_is_left_to_people(house: House) -> None:
    purchase, loans = await a_purchase(house, 100_000, 200_000)
    real = house.counter.submit

    async def refusing(command: Any, *, idempotency_key: str) -> Any:
        if command.loan_id == loans[0]:
            return await real(
                type(command)(**{**{n: getattr(command, n) for n in command.__slots__},
                                 "amount_minor": 0}),
                idempotency_key=idempotency_key,
            )  # fmt: skip
        return await real(command, idempotency_key=idempotency_key)

    house.counter.submit = refusing  # type: ignore[method-assign]
    await taken(house, (purchase, 250_000, "B1"))
    assert await shown(house) == {"B1/1": ("suspended", "books_refused", 50_000)}
    assert await unplaced(house) == 50_000
    house.counter.submit = real  # type: ignore[method-assign]
    placed = await place(house, ReceivedKey(RAIL, ON, 1), purchase)
    assert (placed.status, placed.booked_minor) == (ReceivedStatus.BOOKED, 250_000)
    assert await principal_of(house, *loans) == [50_000, 0]
    assert await unplaced(house) == 0
