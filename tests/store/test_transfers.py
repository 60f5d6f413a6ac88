"""Customers' own transfers: found by reference, booked once from their day, recalled, or placed."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.store.branch import an_opening
from tests.store.settings_desk import LINE, SettingsDesk, open_desk

from counterfoil.journeys.approve import decide_approval
from counterfoil.journeys.books.reconcile_ledger import reconcile_ledger
from counterfoil.journeys.borrowing.quote import payoff_quote
from counterfoil.journeys.paying import received
from counterfoil.journeys.paying.received import Placing
from counterfoil.journeys.paying.reconcile import take_rail_statement
from counterfoil.kernel import ids
from counterfoil.kernel.creditor_reference import grouped, reference_of
from counterfoil.kernel.errors import Refused
from counterfoil.ledger.chart import RECEIPTS_UNPLACED
from counterfoil.lending.commands import FailReturn, FreezeLine, ReturnCredit
from counterfoil.lending.quote import PayoffQuote
from counterfoil.payments.rail_terms import CollectionAccount
from counterfoil.payments.received import Ending, Received, ReceivedKey
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import Approval
from counterfoil.simulator.bank.bank import Bank
from counterfoil.simulator.bank.receipts import ReceiptFault
from counterfoil.simulator.bank.statement_file import write_statement

RAIL = "bank"
FINANCE = Actor(name="wu-min", role="finance", source="console")
OFFICER = Actor(name="li-wei", role="compliance", source="console")
TO_LINE = reference_of(ids.LINE, LINE)
Shown = dict[str, tuple[str, str | None, int]]


class Teller:
    """A desk with a bank to which people transfer."""

    def __init__(self, desk: SettingsDesk) -> None:
        self.desk = desk
        self.bank = Bank()
        self.house = desk.branch.house

    async def send(self, words: str, amount_minor: int, currency: str = "CNY", **how: Any) -> str:
        """Send money today; return the bank's number of it."""
        on = await self.desk.branch.on()
        came = self.bank.receive(words, amount_minor, currency, on=on, **how)
        return came.rail_reference

    async def overnight(self, days: int = 1) -> None:
        """Close days, and book what their statements show."""
        for _ in range(days):
            on = await self.desk.branch.on()
            await self.desk.branch.close_to(on + timedelta(days=1))
            text = write_statement(self.bank, on)
            for _ in range(2):  # the same file again is no news
                taken = await take_rail_statement(self.house, text, rail=RAIL, on=on)
                assert not isinstance(taken, Refused), taken
            await self.book()

    async def book(self) -> None:
        for _ in range(3):
            await received.book_received(self.house)

    async def shown(self) -> Shown:
        """Return status, cause and what is left of all money, by the bank's number and line."""
        return {
            f"{one.rail_reference}/{one.key.line_no}": (one.status.value, one.cause, one.left_minor)
            for one in await received.list_received(self.house)
        }

    async def one(self, number: str) -> Received:
        [found] = [
            one for one in await received.list_received(self.house) if one.rail_reference == number
        ]
        return found

    async def unplaced(self) -> dict[str, int]:
        """Return what waits to be placed, by lender; the books agree with what payments say."""
        pairs = await reconcile_ledger(self.house.database)
        assert all(pair.ok for pair in pairs), [pair for pair in pairs if not pair.ok]
        found: Counter[str] = Counter()
        for pair in pairs:
            if pair.account == RECEIPTS_UNPLACED and pair.general_minor:
                found[pair.lender_id] -= pair.general_minor
        return dict(found)

    async def place(
        self, key: ReceivedKey, reference: str | None, ending: Ending | None = None
    ) -> Any:
        """Place money by two people."""
        reason = "letter of the bank"
        placing = Placing(key=key, reference=reference, reason=reason, ending=ending)
        asked = await received.place(self.house, FINANCE, placing)
        if not isinstance(asked, Approval):
            return asked
        given = await decide_approval(
            self.house, OFFICER, asked.approval_id, is_approved=True, reason="seen it"
        )
        assert not isinstance(given, Refused), given
        placed = await received.place(self.house, FINANCE, placing)
        await self.book()
        return placed

    async def payoff(self, loan_id: int, on: date | None = None) -> int:
        quoted = await payoff_quote(
            self.house, customer_id=self.desk.customer_id, loan_id=loan_id, on=on
        )
        assert isinstance(quoted, PayoffQuote), quoted
        return quoted.amount_minor

    async def loan(self, loan_id: int) -> tuple[Any, ...]:
        """Return status and principal."""
        [row] = await self.desk.branch.rows(
            "SELECT status, principal_minor FROM lending.loan WHERE loan_id = $1", loan_id
        )
        return row

    async def repaid(self) -> list[tuple[Any, ...]]:
        return await self.desk.branch.rows(
            "SELECT amount_minor, channel, value_date FROM lending.loan_transaction"
            " WHERE kind = 'repayment' ORDER BY transaction_id"
        )


@pytest.fixture
async def teller(database_url: str, tmp_path: Path) -> AsyncIterator[Teller]:
    async with open_desk(database_url, tmp_path) as opened:
        yield Teller(opened)


async def test_a_transfer_repays_from_its_day_once_and_too_much_is_kept(teller: Teller) -> None:
    desk, branch = teller.desk, teller.desk.branch
    loan = await branch.lend(desk.customer_id, LINE, 300_000)
    day = await branch.on()
    words = f"thank you, {grouped(TO_LINE).lower()}"
    await teller.send(words, 10_000, fault=ReceiptFault.SHOWN_TWICE)
    again = await teller.send(words, 20_000, fault=ReceiptFault.SHOWN_AGAIN)
    late = await teller.send(words, 30_000, fault=ReceiptFault.SHOWN_LATE)
    twin = await teller.send(words, 40_000, fault=ReceiptFault.TWIN)
    await teller.overnight(2)
    found = await teller.shown()
    assert found.pop(f"{twin}/3") == ("suspended", "twin_differs", 40_100)
    assert {state for state, *_ in found.values()} == {"booked"}, found
    assert f"{again}/3" in found
    assert f"{late}/2" in found
    # All of it on its first day, on which no interest had run.
    assert sorted(await teller.repaid()) == [(n * 10_000, "transfer", day) for n in (1, 2, 3, 4)]
    assert await teller.loan(loan) == ("open", 200_000)
    # What settles it to the cent on a day that is over when the bank tells of it.
    on = await branch.on()
    amount = await teller.payoff(loan, on)
    await teller.send(reference_of(ids.LOAN, loan), amount)
    await teller.overnight()
    assert await teller.loan(loan) == ("closed", 0)
    assert await desk.credit_minor() == 0
    # A loan that is paid off keeps what comes as credit, also under the line's reference.
    await teller.send(TO_LINE, 500)
    await teller.send(reference_of(ids.LOAN, loan), 700, fault=ReceiptFault.SHOWN_LATE)
    await teller.overnight(2)
    assert await desk.credit_minor() == 1_200
    assert await teller.unplaced() == {"lender-one": 40_100}
    assert await branch.faults() == {}
    kinds = await branch.rows("SELECT kind FROM customers.message")
    assert [kind for (kind,) in kinds] == ["transfer_received"] * 7


async def test_money_of_before_a_payoff_folds_the_loan_that_is_paid_off(teller: Teller) -> None:
    """The customer paid off by hand on the day after the transfer that nobody had seen."""
    desk, branch = teller.desk, teller.desk.branch
    loan = await branch.lend(desk.customer_id, LINE, 300_000)
    day = await branch.on()
    await branch.close_to(day + timedelta(days=10))
    settles = await teller.payoff(loan)
    await teller.send(TO_LINE, settles, fault=ReceiptFault.SHOWN_LATE)
    await teller.overnight()
    paid = await teller.payoff(loan)
    assert paid > settles, "a day more"
    await branch.repay(desk.customer_id, LINE, paid)
    await teller.overnight()
    assert await teller.loan(loan) == ("closed", 0)
    assert await desk.credit_minor() == paid, "no interest of the day between is left"
    assert await branch.faults() == {}


async def test_a_loan_is_paid_alone_and_a_line_in_the_order_of_the_product(
    teller: Teller,
) -> None:
    desk, branch = teller.desk, teller.desk.branch
    first = await branch.lend(desk.customer_id, LINE, 100_000)
    second = await branch.lend(desk.customer_id, LINE, 200_000)
    freeze = FreezeLine(
        customer_id=desk.customer_id, line_id=LINE, until=None, reason="fraud", author="x"
    )
    await branch.get(freeze)
    amount = await teller.payoff(first)
    await teller.send(reference_of(ids.LOAN, first), amount + 5_000)
    await teller.overnight()
    assert await teller.loan(first) == ("closed", 0)
    assert await teller.loan(second) == ("open", 200_000), "no other debt is paid with it"
    assert await desk.credit_minor() == 5_000
    third = await branch.rows("SELECT status FROM lending.credit_line")
    assert third == [("frozen",)]
    await teller.send(TO_LINE, 50_000)
    await teller.overnight()
    # 0.04 % of 200,000 is 80 a day; it was paid on the second day.
    assert await teller.loan(second) == ("open", 150_080)
    assert await branch.faults() == {}


async def test_what_cannot_be_placed_stands_before_two_people_with_its_reason(
    teller: Teller,
) -> None:
    desk, branch = teller.desk, teller.desk.branch
    empty = LINE + 1
    await branch.get(an_opening(desk.customer_id, empty))
    loan = await branch.lend(desk.customer_id, LINE, 100_000)
    wrong = TO_LINE[:-1] + ("1" if TO_LINE[-1] != "1" else "2")
    sent = {
        await teller.send(wrong, 1_000): "reference_mistyped",
        await teller.send(reference_of(ids.LINE, 4_711), 1_001): "reference_unknown",
        await teller.send("from your friend", 1_002): "reference_unknown",
        await teller.send(reference_of(ids.LINE, empty), 1_003): "nothing_owed",
        await teller.send(TO_LINE, 1_004, "USD"): "currency_differs",
        await teller.send(TO_LINE, 200_000, payer_name="Somebody Else"): "payer_differs",
    }
    own = await teller.send(TO_LINE, 1_000, payer_name=f" {desk.name.lower()}")
    other = await teller.send(TO_LINE, 2_000, payer_name="Somebody Else")
    elsewhere = await teller.send(TO_LINE, 3_000, account="6200 0000 0000 0001")
    await teller.overnight()
    found = await teller.shown()
    assert {number: found.get(f"{number}/{at}") and found[f"{number}/{at}"][1]
            for at, number in enumerate(sent, 1)} == sent  # fmt: skip
    assert (await teller.one(own)).is_own_money is True
    assert (await teller.one(other)).is_own_money is False
    assert (await teller.one(elsewhere)).status == "booked"
    assert await teller.loan(loan) == ("open", 94_000)
    names = await branch.rows("SELECT l::text FROM payments.statement_line AS l")
    assert "Somebody" not in str(names), "of a payer's name no more than a digest is kept"
    assert (
        sum((await teller.unplaced()).values()) == 200_000 + 1_004 + 1_000 + 1_001 + 1_002 + 1_003
    )
    # Two people say where it belongs; a slip of theirs is seen, too.
    mistyped = (await teller.one(next(iter(sent)))).key
    refused = await teller.place(mistyped, wrong)
    assert isinstance(refused, Refused)
    assert refused.code == "received_reference_unfit"
    placed = await teller.place(mistyped, grouped(TO_LINE))
    assert placed.status == "booked"
    assert await teller.loan(loan) == ("open", 93_000)
    [foreign] = [number for number, cause in sent.items() if cause == "currency_differs"]
    still = await teller.place((await teller.one(foreign)).key, TO_LINE)
    assert (still.status, still.cause) == ("suspended", "currency_differs")
    friend = await teller.place((await teller.one([*sent][-1])).key, TO_LINE)
    assert friend.status == "booked", "people have seen that it is the customer's"
    assert await branch.faults() == {}


async def test_money_stands_in_the_books_of_the_lender_whose_account_it_came_to(
    teller: Teller,
) -> None:
    desk, house = teller.desk, teller.house
    loan = await desk.branch.lend(desk.customer_id, LINE, 100_000)
    [own] = house.rails[0].collections
    other = CollectionAccount(account="B2", holder="Two", bank="Bank", lender_id="lender-two")
    rail = replace(house.rails[0], collections=[own, other])
    teller.house = replace(house, rails=[rail, *house.rails[1:]])
    to_other = await teller.send(TO_LINE, 1_000, account="B2")
    to_nobody = await teller.send(TO_LINE, 2_000, account="B3")
    await teller.send("hello", 4_000, account="B2")
    await teller.send(TO_LINE, 8_000, account=own.account)
    await teller.overnight()
    assert await teller.loan(loan) == ("open", 92_000)
    assert await teller.unplaced() == {"lender-one": 2_000, "lender-two": 5_000}
    for number in (to_other, to_nobody):
        assert (await teller.one(number)).cause == "other_lender"
    still = await teller.place((await teller.one(to_other)).key, TO_LINE)
    assert still.cause == "other_lender", "it is sent on to the lender, and booked when it comes"
    await teller.place(still.key, None)
    assert await teller.unplaced() == {"lender-one": 2_000, "lender-two": 4_000}


async def test_a_recall_undoes_what_was_booked_or_goes_before_people(teller: Teller) -> None:
    desk, branch = teller.desk, teller.desk.branch
    loan = await branch.lend(desk.customer_id, LINE, 300_000)
    await teller.overnight(3)
    owed = await teller.payoff(loan)
    await teller.send(TO_LINE, owed, fault=ReceiptFault.RECALLED)
    unknown = await teller.send("hello", 400, fault=ReceiptFault.RECALLED)
    part = await teller.send(TO_LINE, 1_000, fault=ReceiptFault.RECALLED_IN_PART)
    await teller.overnight()
    assert await teller.loan(loan) == ("closed", 0)
    await teller.overnight()
    assert await teller.loan(loan) == ("open", 300_000 - 1_000 + 360)
    assert (await teller.one(unknown)).status == "sent_back"
    assert (await teller.one(f"C{unknown}")).status == "booked"
    recall = await teller.one(f"C{part}")
    assert (recall.status, recall.cause) == ("suspended", "recall_unfit")
    assert await teller.unplaced() == {"lender-one": -500}, "the bank has it, the books do not"
    # People took the payment back by hand and booked the half that stayed.
    settled = await teller.place(recall.key, None)
    assert settled.status == "sent_back"
    assert await teller.unplaced() == {}
    # Credit that was used since cannot be taken back; it can once it is there again.
    extra = await teller.payoff(loan)
    number = await teller.send(TO_LINE, extra + 2_000, fault=ReceiptFault.RECALLED)
    await teller.overnight()
    assert await desk.credit_minor() == 2_000
    who: dict[str, Any] = {"customer_id": desk.customer_id, "line_id": LINE}
    asked = await branch.get(
        ReturnCredit(**who, amount_minor=2_000, currency="CNY", payee_ref="acct")
    )
    await teller.overnight()
    recall = await teller.one(f"C{number}")
    assert (recall.status, recall.cause) == ("suspended", "books_refused")
    gone = ids.from_text(ids.CREDIT_RETURN, asked["id"])
    await branch.get(FailReturn(**who, return_id=gone, payment_id=gone, reason="account_closed"))
    again = await teller.place(recall.key, number)
    assert again.status == "booked", again
    assert (await teller.loan(loan))[0] == "open"
    await _claim_what_was_paid_out(teller, loan)
    assert await branch.faults() == {}
    kinds = await branch.rows("SELECT kind FROM customers.message")
    assert [kind for (kind,) in kinds].count("transfer_recalled") == 2


async def _claim_what_was_paid_out(teller: Teller, loan: int) -> None:
    """Recall money whose excess the customer has had: it is claimed, paid in part, and given up."""
    desk, branch = teller.desk, teller.desk.branch
    amount = await teller.payoff(loan) + 3_000
    number = await teller.send(TO_LINE, amount, fault=ReceiptFault.RECALLED)
    await teller.overnight()
    who: dict[str, Any] = {"customer_id": desk.customer_id, "line_id": LINE}
    await branch.get(ReturnCredit(**who, amount_minor=3_000, currency="CNY", payee_ref="acct"))
    await teller.overnight()
    recall = await teller.one(f"C{number}")
    assert (recall.status, recall.cause) == ("suspended", "books_refused")
    before = await teller.unplaced()
    claimed = await teller.place(recall.key, None, Ending.CLAIM)
    assert (claimed.status, claimed.claimed_minor) == ("booked", amount)
    assert await teller.loan(loan) == ("closed", 0), "what was repaid stays repaid"
    waiting = (await teller.unplaced()).get("lender-one", 0)
    assert waiting == before.get("lender-one", 0) + amount
    for again in (Ending.CLAIM, Ending.PAYS_CLAIM):
        assert (await teller.place(recall.key, None, again)).code == "received_claim_unfit"
    # It is paid in part; more than is left of it pays nothing.
    parts = [await teller.send("here it is", part) for part in (1_000, amount)]
    await teller.overnight()
    keys = [(await teller.one(part)).key for part in parts]
    assert (await teller.place(keys[0], f"C{number}", Ending.PAYS_CLAIM)).status == "booked"
    beyond = await teller.place(keys[1], f"C{number}", Ending.PAYS_CLAIM)
    assert beyond.code == "received_claim_unfit"
    nothing = await teller.place(keys[1], None, Ending.LOSS)
    assert nothing.code == "received_claim_unfit", "what came in is no loss"
    assert (await teller.one(f"C{number}")).claim_left_minor == amount - 1_000
    # The rest is given up, once.
    assert (await teller.place(recall.key, None, Ending.LOSS)).claim_left_minor == 0
    assert (await teller.place(recall.key, None, Ending.LOSS)).code == "received_claim_unfit"
    sums = await branch.rows(
        "SELECT account, sum(amount_minor)::bigint FROM ledger.posting"
        " WHERE account IN (1231, 6711) GROUP BY account ORDER BY account"
    )
    assert sums == [(1231, 0), (6711, amount - 1_000)]
    kinds = [kind for (kind,) in await branch.rows("SELECT kind FROM customers.message")]
    assert kinds.count("recall_claimed") == 1
    await teller.place(keys[1], None)
    assert (await teller.unplaced()).get("lender-one", 0) == before.get("lender-one", 0) + amount
