"""Credit on a real database: back to the customer over a real relay, or into a repayment."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.store.branch import FIRST_DATE, Branch, a_repayment, an_opening, open_branch, reversal

from counterfoil.journeys.books.check_books import check_books
from counterfoil.journeys.books.reconcile_ledger import reconcile_ledger
from counterfoil.journeys.paying.payout_books import PayoutBooks
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.lending.commands import (
    CloseLine,
    Command,
    FailReturn,
    FreezeLine,
    ReturnCredit,
    UseCredit,
)
from counterfoil.lending.terms import Prepayment
from counterfoil.payments.port import alone
from counterfoil.payments.relay import PayoutRelay
from counterfoil.simulator.bank.bank import Bank
from counterfoil.simulator.bank.direct import DirectRail
from counterfoil.simulator.bank.faults import Fault, FaultPlan

C1, L1 = 11, 21
BANK, CREDIT, RETURNING = 1002, 2203, 2204


@pytest.fixture
async def branch(database_url: str, tmp_path: Path) -> AsyncIterator[Branch]:
    async with open_branch(database_url, tmp_path) as opened:
        await opened.get(an_opening(C1, L1))
        yield opened


def relay_of(branch: Branch, rates_bp: Mapping[Fault, int] | None = None) -> PayoutRelay:
    house = branch.house
    rail = DirectRail(Bank(plan=FaultPlan(seed=1, rates_bp=rates_bp or {})))
    return PayoutRelay(
        house.database,
        rails=alone(rail),
        books=PayoutBooks(house),
        clock=house.clock,
        business_date=house.business_date,
        worker="worker-1",
    )


def give_back(amount_minor: int, currency: str = "CNY") -> ReturnCredit:
    return ReturnCredit(
        customer_id=C1,
        line_id=L1,
        amount_minor=amount_minor,
        currency=currency,
        payee_ref="acct-1",
    )


def failing(return_id: int) -> FailReturn:
    return FailReturn(
        customer_id=C1,
        line_id=L1,
        return_id=return_id,
        payment_id=return_id,
        reason="payee_account_closed",
    )


def use(amount_minor: int, loan_id: int | None = None) -> UseCredit:
    return UseCredit(
        customer_id=C1,
        line_id=L1,
        loan_id=loan_id,
        amount_minor=amount_minor,
        currency="CNY",
        mode=Prepayment.NEXT_INSTALMENT,
    )


async def code(branch: Branch, command: Command) -> str:
    outcome = await branch.ask(command)
    return outcome.code if isinstance(outcome, Refused) else "ok"


async def kept(branch: Branch) -> tuple[int, int]:
    """Return what the line keeps and what is on its way back."""
    rows = await branch.rows(
        "SELECT credit_minor, returning_minor FROM lending.credit_line WHERE line_id = $1", L1
    )
    return rows[0][0], rows[0][1]


async def balances(branch: Branch) -> dict[int, int]:
    """Return what the credit accounts owe to the customer, and what is at the bank."""
    rows = await branch.rows(
        "SELECT account, sum(amount_minor)::bigint FROM ledger.posting"
        " WHERE account IN (1002, 2203, 2204) GROUP BY account"
    )
    return {account: amount for account, amount in rows if amount}


async def overpaid(branch: Branch, *, by_minor: int = 5_000) -> int:
    """Lend 1,000.00, close the loan at once with more than it needs; return the repayment."""
    await branch.lend(C1, L1, 100_000)
    return await branch.repay(C1, L1, 100_000 + by_minor)


async def sound(branch: Branch) -> None:
    """Everything derives, payouts included; and both ledgers agree."""
    pairs = await reconcile_ledger(branch.house.database)
    assert [pair for pair in pairs if not pair.ok] == []
    report = await check_books(branch.house.database, branch.house.catalogue)
    faults = {
        name: [e for e in result.exceptions if not e["what"].startswith("runs on 0 confirmed")]
        for name, result in report.checks.items()
    }
    assert {name: found for name, found in faults.items() if found} == {}


async def returned(branch: Branch, amount_minor: int) -> dict[str, Any]:
    return await branch.get(give_back(amount_minor))


async def test_credit_goes_back_over_the_rail_and_leaves_the_books(branch: Branch) -> None:
    await overpaid(branch)
    relay = relay_of(branch)
    await relay.consumer.register()
    await relay.drain()
    asked = await returned(branch, 3_000)
    assert asked["status"] == "requested"
    assert (asked["credit_minor"], asked["returning_minor"]) == (2_000, 3_000)
    assert await balances(branch) == {BANK: 5_000, CREDIT: -2_000, RETURNING: -3_000}
    await sound(branch)
    await relay.drain()
    assert await kept(branch) == (2_000, 0)
    assert await balances(branch) == {BANK: 2_000, CREDIT: -2_000}
    return_id = ids.from_text(ids.CREDIT_RETURN, asked["id"])
    assert await branch.rows(
        "SELECT status, value_date FROM lending.credit_return WHERE return_id = $1", return_id
    ) == [("paid", FIRST_DATE)]
    assert await branch.rows(
        "SELECT subject, status, loan_id FROM payments.payment WHERE payment_id = $1", return_id
    ) == [("credit_return", "succeeded", None)]
    await sound(branch)


async def test_a_return_that_fails_for_good_is_credit_again(branch: Branch) -> None:
    await overpaid(branch)
    relay = relay_of(branch, {Fault.REFUSES: 10_000})
    await relay.consumer.register()
    asked = await returned(branch, 5_000)
    await relay.drain()
    assert await kept(branch) == (5_000, 0)
    assert await balances(branch) == {BANK: 5_000, CREDIT: -5_000}
    return_id = ids.from_text(ids.CREDIT_RETURN, asked["id"])
    assert await branch.rows(
        "SELECT status, failure_code FROM lending.credit_return WHERE return_id = $1", return_id
    ) == [("failed", "payee_account_closed")]
    await sound(branch)
    assert await code(branch, give_back(5_000)) == "ok"


async def test_a_return_of_unknown_outcome_stays_on_its_way(branch: Branch) -> None:
    await overpaid(branch)
    relay = relay_of(branch)
    await relay.consumer.register()
    await relay.drain()
    relay = relay_of(branch, {Fault.TIMEOUT_BEFORE_ACCEPT: 10_000})
    await returned(branch, 5_000)
    await relay.drain()
    assert await kept(branch) == (0, 5_000)
    assert await code(branch, use(1)) == "insufficient_credit"
    await sound(branch)


async def test_credit_repays_without_cash_by_the_same_order(branch: Branch) -> None:
    await overpaid(branch)
    loan_id = await branch.lend(C1, L1, 60_000)
    before = (await balances(branch))[BANK]
    receipt = await branch.get(use(4_000))
    assert receipt["channel"] == "credit"
    assert receipt["credit_minor"] == 1_000
    assert receipt["allocations"] == [
        {
            "loan_id": ids.to_text(ids.LOAN, loan_id),
            "principal_minor": 4_000,
            "interest_minor": 0,
            "penalty_minor": 0,
            "fee_minor": 0,
            "guarantee_minor": 0,
        }
    ]
    assert await balances(branch) == {BANK: before, CREDIT: -1_000}
    await sound(branch)


async def test_a_repayment_out_of_credit_can_be_taken_back_into_credit(branch: Branch) -> None:
    await overpaid(branch)
    await branch.lend(C1, L1, 60_000)
    receipt = await branch.get(use(4_000))
    await branch.get(reversal(C1, L1, ids.from_text(ids.REPAYMENT, receipt["id"])))
    assert await kept(branch) == (5_000, 0)
    await sound(branch)


async def test_a_payment_whose_credit_is_gone_is_not_taken_back(branch: Branch) -> None:
    repayment_id = await overpaid(branch)
    await returned(branch, 1)
    assert await code(branch, reversal(C1, L1, repayment_id)) == "credit_already_used"
    await sound(branch)


async def test_credit_of_a_later_payment_counts_when_an_earlier_one_is_taken_back(
    branch: Branch,
) -> None:
    await branch.lend(C1, L1, 100_000)
    earlier = await branch.repay(C1, L1, 40_000)
    # Without the earlier one the later one leaves nothing over.
    await branch.repay(C1, L1, 65_000)
    asked = await returned(branch, 1)
    assert await code(branch, reversal(C1, L1, earlier)) == "credit_already_used"
    await sound(branch)
    return_id = ids.from_text(ids.CREDIT_RETURN, asked["id"])
    await branch.get(failing(return_id))
    assert await code(branch, reversal(C1, L1, earlier)) == "ok"
    assert await kept(branch) == (0, 0)
    await sound(branch)


async def test_credit_belongs_to_the_customer_whatever_the_state_of_the_line(
    branch: Branch,
) -> None:
    await overpaid(branch)
    frozen = FreezeLine(customer_id=C1, line_id=L1, until=None, reason="fraud", author="clerk")
    await branch.get(frozen)
    assert await code(branch, give_back(5_000)) == "ok"


async def test_a_line_with_credit_on_its_way_is_not_closed(branch: Branch) -> None:
    await overpaid(branch)
    asked = await returned(branch, 5_000)
    closing = CloseLine(customer_id=C1, line_id=L1, reason="done", author="customer")
    assert await code(branch, closing) == "line_not_empty"
    failed = failing(ids.from_text(ids.CREDIT_RETURN, asked["id"]))
    assert await code(branch, failed) == "ok"
    assert await code(branch, failed) == "credit_return_settled"
    assert await code(branch, closing) == "line_not_empty"
    await sound(branch)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (give_back(5_001), "insufficient_credit"),
        (give_back(0), "amount_not_positive"),
        (give_back(1, currency="USD"), "currency_mismatch"),
        (use(5_001), "insufficient_credit"),
        (use(5_000), "nothing_to_repay"),
        (use(5_000, loan_id=1), "loan_not_found"),
        (failing(5), "credit_return_not_found"),
    ],
)
async def test_what_cannot_be_is_refused_and_changes_nothing(
    branch: Branch, command: Command, expected: str
) -> None:
    await overpaid(branch)
    assert await code(branch, command) == expected
    assert await kept(branch) == (5_000, 0)


async def test_more_credit_than_is_owed_is_not_used(branch: Branch) -> None:
    await overpaid(branch, by_minor=50_000)
    await branch.lend(C1, L1, 20_000)
    assert await code(branch, use(20_001)) == "credit_beyond_debt"
    assert await code(branch, use(20_000)) == "ok"
    assert await kept(branch) == (30_000, 0)
    await sound(branch)


async def test_nobody_else_pays_by_the_channel_of_credit(branch: Branch) -> None:
    await branch.lend(C1, L1, 20_000)
    payment = a_repayment(C1, L1, 1_000)
    assert await code(branch, type(payment)(**(fields_of(payment) | {"channel": "credit"}))) == (
        "channel_reserved"
    )


def fields_of(command: Any) -> dict[str, Any]:
    return {name: getattr(command, name) for name in command.__slots__}


async def test_two_wishes_for_the_last_of_the_credit_find_one_winner(branch: Branch) -> None:
    await overpaid(branch)
    futures = [branch.ask(give_back(5_000), key=f"twin-{n}") for n in range(2)]
    outcomes = [await future for future in futures]
    assert sorted(isinstance(outcome, Refused) for outcome in outcomes) == [False, True]
    again = await branch.ask(give_back(5_000), key="twin-0")
    assert not isinstance(again, Refused)
    assert again.is_replay
    await sound(branch)


#: What is corrupted, and the check that has to find it.
PLANTED = {
    "a line that forgot what is on its way": (
        "line_sums",
        "UPDATE lending.credit_line SET returning_minor = 0",
    ),
    "a line that keeps what is on its way": (
        "line_sums",
        "UPDATE lending.credit_line SET credit_minor = credit_minor + 1",
    ),
    "a return of another amount": (
        "journal_per_movement",
        "UPDATE lending.credit_return SET amount_minor = amount_minor + 1",
    ),
    "a return of a line that is not there": (
        "references",
        "UPDATE lending.credit_return SET line_id = 5",
    ),
    "a return whose journal is missing": (
        "journal_per_movement",
        "DELETE FROM ledger.journal WHERE kind = 'credit_return'",
    ),
    "a return booked on another day": (
        "journal_per_movement",
        "UPDATE ledger.journal SET book_date = book_date - 1 WHERE kind = 'credit_return'",
    ),
    "credit on its way in another account": (
        "ledger_to_loans",
        "UPDATE ledger.journal SET accounts = ARRAY[2203, 1002] WHERE kind = 'credit_return'",
    ),
    "a repayment out of credit that says it was cash": (
        "journal_per_movement",
        "UPDATE lending.loan_transaction SET channel = 'transfer' WHERE channel = 'credit'",
    ),
    "a return whose answer nothing commits to": (
        "evidence_leaves",
        "UPDATE platform.command SET answer = answer || ' ' WHERE kind = 'return_credit'",
    ),
    "a return that is paid and has no payout": (
        "payouts",
        (
            "UPDATE lending.credit_return SET status = 'paid', value_date = requested_on,"
            " rail_reference = 'x', settled_on = requested_on"
        ),
    ),
    "a payout of a return that is not there": (
        "payouts",
        (
            "INSERT INTO payments.payment (customer_id, payment_id, direction, line_id, lender_id,"
            " amount_minor, currency, payee_ref, rail, business_date, status, created_at, subject)"
            " VALUES (11, 99, 'out', 21, 'lender-one', 5, 'CNY', 'acct', 'bank', '2026-01-05',"
            " 'held', now(), 'credit_return')"
        ),
    ),
}


@pytest.mark.parametrize("what", PLANTED)
async def test_planted_corruption_of_credit_is_found(branch: Branch, what: str) -> None:
    await overpaid(branch)
    await branch.lend(C1, L1, 60_000)
    await branch.get(use(1_000))
    await returned(branch, 2_000)
    await sound(branch)
    name, statement = PLANTED[what]
    async with branch.house.database.transaction() as connection:
        await connection.execute("SET LOCAL session_replication_role = replica")
        touched = await connection.execute(statement)
        assert not touched.endswith(" 0")
    report = await check_books(branch.house.database, branch.house.catalogue)
    found = report.checks[name]
    assert any(not e["what"].startswith("runs on 0 confirmed") for e in found.exceptions) or (
        name == "payouts" and any("cr_" in e["subject"] for e in found.exceptions)
    )
