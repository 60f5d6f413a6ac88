"""Auto-debit: presented when due, collected once, booked whole, told; whatever the bank does."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.store.branch import a_repayment, failure, reversal
from tests.store.settings_desk import LINE, SettingsDesk, open_desk

from counterfoil.customers.setting import Setting, SettingRequest
from counterfoil.journeys.approve import decide_approval
from counterfoil.journeys.paying import mandates
from counterfoil.journeys.paying.collect_debits import DebitBooks
from counterfoil.journeys.paying.reconcile import DayReconciliation
from counterfoil.journeys.paying.reconcile_debits import reconcile_closed_debits, reconcile_debits
from counterfoil.journeys.paying.settle_debit import Settlement, debits_before_people, settle_debit
from counterfoil.journeys.serving.tell_customers import notices_consumer, take_notices
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.lending.commands import FailReturn, ReturnCredit
from counterfoil.payments import debit_store
from counterfoil.payments.debit import DebitOrder
from counterfoil.payments.hint import take_hint
from counterfoil.payments.order import reference_of
from counterfoil.payments.rail import Outcome
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import Approval
from counterfoil.platform.batches import Answer
from counterfoil.simulator.bank.collecting import CollectingBank, DebitFault
from counterfoil.simulator.bank.journal import Journal

#: The first instalment's.
DUE = date(2026, 1, 15)
#: The day on which the bank takes back.
BACK = date(2026, 1, 16)


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[SettingsDesk]:
    async with open_desk(database_url, tmp_path) as opened:
        yield opened


async def lend_until_due(desk: SettingsDesk) -> int:
    """Lend with auto-debit on, and close to the due date; return the loan."""
    await desk.switch_on()
    loan_id = await desk.branch.lend(desk.customer_id, LINE, 300_000)
    await desk.close_to(DUE)
    return loan_id


async def due_minor(desk: SettingsDesk) -> int:
    rows = await desk.branch.rows(
        "SELECT due_principal_minor + due_interest_minor FROM lending.loan"
    )
    return int(rows[0][0])


async def kinds_told(desk: SettingsDesk) -> list[str]:
    rows = await desk.branch.rows("SELECT kind FROM customers.message ORDER BY message_id")
    return [row[0] for row in rows if row[0] != "setting_changed"]


async def test_what_falls_due_is_collected_on_its_day_and_booked(desk: SettingsDesk) -> None:
    await lend_until_due(desk)
    owed = await due_minor(desk)
    assert owed > 100_000
    assert await desk.present() == 1
    assert await desk.present() == 0
    assert await desk.relay().step() == 1
    assert await desk.debits() == [("succeeded", None)]
    assert (await due_minor(desk), await desk.collected_minor()) == (0, owed)
    rows = await desk.branch.rows(
        "SELECT amount_minor, channel, value_date FROM lending.loan_transaction"
        " WHERE kind = 'repayment'"
    )
    assert rows == [(owed, "auto_debit", DUE)]
    assert await kinds_told(desk) == ["debit_succeeded"]
    assert await desk.branch.faults() == {}


async def test_a_payout_that_failed_and_credit_that_did_not_go_back_are_told(
    desk: SettingsDesk,
) -> None:
    house, branch = desk.branch.house, desk.branch
    loan_id = await branch.draw(desk.customer_id, LINE, 100_000)
    await branch.get(failure(desk.customer_id, LINE, loan_id))
    await branch.lend(desk.customer_id, LINE, 100_000)
    await branch.repay(desk.customer_id, LINE, 103_000)
    who: dict[str, Any] = {"customer_id": desk.customer_id, "line_id": LINE}
    asked = await branch.get(
        ReturnCredit(**who, amount_minor=3_000, currency="CNY", payee_ref="acct")
    )
    number = ids.from_text(ids.CREDIT_RETURN, asked["id"])
    await branch.get(
        FailReturn(**who, return_id=number, payment_id=number, reason="payee_name_differs")
    )
    consumer = notices_consumer(house)
    await consumer.register()
    while await consumer.waiting():
        await take_notices(house, consumer)
    assert await kinds_told(desk) == ["drawdown_failed", "credit_return_failed"]


async def test_the_day_before_the_customer_is_reminded_once(desk: SettingsDesk) -> None:
    await desk.switch_on()
    await desk.branch.lend(desk.customer_id, LINE, 300_000)
    await desk.close_to(date(2026, 1, 14))
    await desk.present()
    await desk.present()
    assert await kinds_told(desk) == ["debit_tomorrow"]


async def test_a_failure_is_told_and_presented_again_at_the_products_times(
    desk: SettingsDesk,
) -> None:
    desk.bank.upcoming = [DebitFault.INSUFFICIENT_FUNDS, DebitFault.INSUFFICIENT_FUNDS]
    await lend_until_due(desk)
    for _ in range(2):
        await desk.present()
        await desk.relay().step()
    assert await desk.debits() == [("failed", "insufficient_funds")]
    desk.wait(hours=10)
    await desk.present()
    await desk.relay().step()
    assert [one[0] for one in await desk.debits()] == ["failed", "failed"]
    await desk.close_to(date(2026, 1, 16))
    await desk.present()
    await desk.relay().step()
    assert [one[0] for one in await desk.debits()] == ["failed", "failed", "succeeded"]
    assert await kinds_told(desk) == ["debit_failed", "debit_failed", "debit_succeeded"]


@pytest.mark.parametrize("fault", [DebitFault.SILENT, DebitFault.LOST, DebitFault.ANSWERS_LATE])
async def test_an_unknown_outcome_is_asked_for_under_the_one_reference(
    desk: SettingsDesk, fault: DebitFault
) -> None:
    desk.bank.upcoming = [fault]
    await lend_until_due(desk)
    owed = await due_minor(desk)
    await desk.present()
    await desk.relay().step()
    assert await desk.debits() == [("unknown", None)]
    desk.wait(hours=10)
    assert await desk.present() == 0, "while one is unknown there is no second one"
    for _ in range(3):
        desk.wait(minutes=2)
        await desk.relay().step()
    assert await desk.debits() == [("succeeded", None)]
    assert await desk.collected_minor() == owed
    assert len(desk.bank.arrivals) == 1


async def test_the_statement_tells_what_a_mute_bank_does_not(desk: SettingsDesk) -> None:
    desk.bank.upcoming = [DebitFault.MUTE]
    await lend_until_due(desk)
    owed = await due_minor(desk)
    await desk.present()
    relay = desk.relay()
    await relay.step()
    assert await relay.take_statement(DUE) == 1
    assert await relay.take_statement(DUE) == 1
    await relay.step()
    assert await desk.debits() == [("succeeded", None)]
    assert (await due_minor(desk), await desk.collected_minor()) == (0, owed)


async def test_what_no_statement_shows_lies_before_people(desk: SettingsDesk) -> None:
    desk.bank.upcoming = [DebitFault.LOST]
    await lend_until_due(desk)
    await desk.present()
    relay = desk.relay()
    await relay.step()
    await relay.take_statement(DUE)
    await relay.take_statement(date(2026, 1, 16))
    rows = await desk.branch.rows("SELECT cause, next_act_at FROM payments.debit")
    assert rows == [("not_on_statement", None)]
    house = desk.branch.house
    [row] = await debits_before_people(house)
    wish = Settlement(
        customer_id=desk.customer_id,
        debit_id=row["debit_id"],
        outcome=Outcome.FAILED,
        value_date=None,
    )
    first = Actor(name="wang", role="operations", source="cli")
    second = Actor(name="li", role="finance", source="cli")
    asked = await settle_debit(house, first, wish, reason="the bank never had it")
    assert isinstance(asked, Approval)
    again = await settle_debit(house, first, wish, reason="the bank never had it")
    assert isinstance(again, Approval)
    assert again.approval_id == asked.approval_id
    decided = await decide_approval(
        house, second, asked.approval_id, is_approved=True, reason="seen"
    )
    assert not isinstance(decided, Refused), decided
    assert await settle_debit(house, first, wish, reason="the bank never had it") is None
    await relay.step()
    assert await desk.debits() == [("failed", "decided_by_people")]
    assert await kinds_told(desk) == ["debit_failed"]


async def test_a_debit_and_a_payment_by_hand_at_once_are_both_booked(desk: SettingsDesk) -> None:
    """What is too much is kept as the customer's credit, on a loan that is paid off already."""
    loan_id = await lend_until_due(desk)
    owed = await due_minor(desk)
    await desk.present()
    everything = 400_000
    by_hand = desk.branch.repay(desk.customer_id, LINE, everything, loan_id=loan_id)

    class Meanwhile(DebitBooks):
        async def collected(self, order: DebitOrder, *, value_date: date) -> object | Refused:
            booked, _ = await asyncio.gather(
                super().collected(order, value_date=value_date), by_hand
            )
            return booked

    await desk.relay(books=Meanwhile(desk.branch.house)).step()
    assert await desk.debits() == [("succeeded", None)]
    booked = await desk.branch.rows(
        "SELECT sum(amount_minor)::bigint, sum(excess_minor)::bigint"
        " FROM lending.loan_transaction WHERE kind <> 'disbursement'"
    )
    assert booked[0][0] == everything + owed
    assert await desk.credit_minor() == booked[0][1] > 0
    assert await desk.branch.faults() == {}


async def test_a_debit_answered_after_the_loan_was_paid_off_becomes_credit(
    desk: SettingsDesk,
) -> None:
    desk.bank.upcoming = [DebitFault.SILENT]
    loan_id = await lend_until_due(desk)
    owed = await due_minor(desk)
    await desk.present()
    await desk.relay().step()
    await desk.branch.repay(desk.customer_id, LINE, 400_000, loan_id=loan_id)
    before = await desk.credit_minor()
    await desk.close_to(date(2026, 1, 17))
    await desk.relay().step()
    assert await desk.debits() == [("succeeded", None)]
    assert await desk.credit_minor() == before + owed
    assert await desk.branch.faults() == {}


async def test_a_worker_killed_before_the_debit_is_finished_books_once(
    desk: SettingsDesk,
) -> None:
    class Killed(DebitBooks):
        async def collected(self, order: DebitOrder, *, value_date: date) -> object | Refused:
            await super().collected(order, value_date=value_date)
            raise ConnectionError("killed after the books have heard")

    await lend_until_due(desk)
    owed = await due_minor(desk)
    await desk.present()
    with pytest.raises(ConnectionError):
        await desk.relay(books=Killed(desk.branch.house)).step()
    assert [row[0] for row in await desk.debits()] != ["succeeded"]
    desk.wait(minutes=2)
    await asyncio.gather(*(desk.relay(worker=f"worker-{n}").step() for n in (2, 3)))
    assert await desk.debits() == [("succeeded", None)]
    rows = await desk.branch.rows(
        "SELECT amount_minor FROM lending.loan_transaction WHERE kind = 'repayment'"
    )
    assert rows == [(owed,)]


async def test_what_was_paid_meanwhile_is_not_collected(desk: SettingsDesk) -> None:
    await lend_until_due(desk)
    await desk.present()
    await desk.branch.repay(desk.customer_id, LINE, await due_minor(desk))
    await desk.relay().step()
    assert await desk.debits() == [("failed", "nothing_due")]
    assert await desk.collected_minor() == 0


async def test_a_revoked_mandate_stops_what_was_not_sent(desk: SettingsDesk) -> None:
    on = await desk.switch_on()
    await desk.branch.lend(desk.customer_id, LINE, 300_000)
    await desk.close_to(DUE)
    await desk.present()
    revoked = await mandates.revoke(
        desk.branch.house,
        customer_id=desk.customer_id,
        mandate_id=on.request_id,
        by="customer",
        idempotency_key="revoke-1",
    )
    assert isinstance(revoked, Answer)
    await desk.relay().step()
    assert await desk.debits() == [("failed", "mandate_ended")]
    assert await desk.collected_minor() == 0


async def test_only_an_account_of_the_customers_own(desk: SettingsDesk) -> None:
    wish: Any = desk.wish(holder_name="别人")
    refused = await desk.try_to_ask(Setting.AUTO_DEBIT, line_id=LINE, auto_debit=wish)
    assert isinstance(refused, Refused)
    assert refused.code == "account_not_own"


async def test_the_mandate_is_the_text_that_was_confirmed(desk: SettingsDesk) -> None:
    shown, code = await desk.ask(Setting.AUTO_DEBIT, line_id=LINE, auto_debit=desk.wish())
    assert shown["needs_code"]
    done = await desk.confirm(shown, code)
    assert isinstance(done, SettingRequest)
    proposed = shown["effect"]["mandate"]
    async with desk.branch.house.database.connection() as connection:
        found = await debit_store.mandate_in_force(connection, desk.customer_id, LINE)
    assert found is not None
    answer = orjson.loads(orjson.dumps(mandates.mandate_answer(found)))
    assert (answer["text"], answer["text_sha256"]) == (proposed["text"], proposed["text_sha256"])
    assert answer["id"] == ids.to_text(ids.MANDATE, done.request_id)
    await desk.change(Setting.AUTO_DEBIT, line_id=LINE)
    async with desk.branch.house.database.connection() as connection:
        gone = await debit_store.mandate_in_force(connection, desk.customer_id, LINE)
    assert gone is None


async def test_presented_collected_and_booked_agree_and_what_differs_is_named(
    desk: SettingsDesk,
) -> None:
    await lend_until_due(desk)
    await desk.present()
    relay, house = desk.relay(), desk.branch.house
    await relay.step()
    await relay.take_statement(DUE)
    # A host reports what it debited itself: it is none of ours, whatever its key.
    by_host = replace(a_repayment(desk.customer_id, LINE, 100), channel="auto_debit")
    for key in ("host:7", "debit-collected:seven"):
        await desk.branch.get(by_host, key=key)
    found = await reconcile_debits(house, rail=desk.bank.name, on=DUE)
    assert isinstance(found, DayReconciliation)
    assert (found.run.matched_count, found.open_differences) == (1, ())
    # Two people, or a bank, take the money back in the books alone: the sides disagree.
    repayment_id = await desk.branch.value(
        "SELECT min(repayment_id) FROM lending.loan_transaction WHERE channel = 'auto_debit'"
    )
    await desk.branch.get(reversal(desk.customer_id, LINE, repayment_id))
    found = await reconcile_debits(house, rail=desk.bank.name, on=DUE)
    assert isinstance(found, DayReconciliation)
    assert [one.difference.cause for one in found.open_differences] == ["missing_in_ledger"]
    # Payouts that are reconciled meanwhile leave the difference of a debit alone.
    await reconcile_closed_debits(house, relay)
    assert await desk.branch.value("SELECT count(*) FROM payments.difference") == 1


async def test_what_the_bank_took_back_is_a_payment_that_bounced(desk: SettingsDesk) -> None:
    desk.bank.upcoming = [DebitFault.TAKEN_BACK]
    await lend_until_due(desk)
    owed = await due_minor(desk)
    await desk.present()
    relay, house = desk.relay(), desk.branch.house
    await relay.step()
    await relay.take_statement(DUE)
    await desk.close_to(BACK)
    desk.bank.move_to(BACK)
    # One hint, sent twice: the bank is asked, and what it says is booked once.
    reference = reference_of(await desk.branch.value("SELECT debit_id FROM payments.debit"))
    for _ in range(2):
        assert await take_hint(house.database, reference, now=desk.clock.now(), rail=desk.bank.name)
    assert not await take_hint(house.database, reference, now=desk.clock.now())
    for _ in range(3):
        await relay.step()
    assert await desk.debits() == [("succeeded", None)]
    assert await due_minor(desk) == owed, "owed again, as if it had never been paid"
    assert await kinds_told(desk) == ["debit_succeeded", "debit_bounced"]
    await relay.take_statement(BACK)
    await relay.step()
    kinds = "SELECT string_agg(kind, ' ' ORDER BY sequence) FROM lending.loan_transaction"
    assert await desk.branch.value(kinds) == "disbursement repayment reversal"
    for day in (DUE, BACK):
        found = await reconcile_debits(house, rail=desk.bank.name, on=day)
        assert isinstance(found, DayReconciliation)
        assert found.open_differences == (), f"all sides agree on {day}"
    assert await desk.present() == 1, "it is due again, and presented at the plan's next time"
    assert await desk.branch.faults() == {}


async def test_a_bounce_that_the_books_refuse_lies_before_people(desk: SettingsDesk) -> None:
    desk.bank.upcoming = [DebitFault.TAKEN_BACK]
    loan_id = await lend_until_due(desk)
    await desk.present()
    relay = desk.relay()
    await relay.step()
    await desk.branch.repay(desk.customer_id, LINE, 400_000, loan_id=loan_id)
    # Without the debit less was overpaid, and all of it is on its way back to the customer.
    await desk.branch.get(
        ReturnCredit(
            customer_id=desk.customer_id,
            line_id=LINE,
            amount_minor=await desk.credit_minor(),
            currency="CNY",
            payee_ref="acct",
        )
    )
    await relay.take_statement(DUE)
    await desk.close_to(BACK)
    desk.bank.move_to(BACK)
    await relay.take_statement(BACK)
    await relay.step()
    (case,) = await debits_before_people(desk.branch.house)
    assert (case["cause"], case["outcome"]) == ("books_refused", "succeeded")
    assert await kinds_told(desk) == ["debit_succeeded"]
    await relay.step()
    assert await desk.branch.faults() == {}


def test_the_bank_remembers_what_it_collected(tmp_path: Path) -> None:
    with Journal(tmp_path / "debits.jsonl") as journal:
        bank = CollectingBank(journal=journal)
        order = DebitOrder(
            customer_id=1, debit_id=2, mandate_id=3, line_id=4, loan_id=5, lender_id="lender-one",
            due_on=DUE, presentation_no=1, amount_minor=700, currency="CNY",
            account_ref="account", business_date=DUE,
        )  # fmt: skip
        asyncio.run(bank.collect(order, requested_on=DUE))
    with Journal(tmp_path / "debits.jsonl") as journal:
        again = CollectingBank(journal=journal)
        assert (asyncio.run(again.statement(DUE)) or "").count(",paid,700,") == 1
        assert asyncio.run(again.statement(DUE)) == asyncio.run(bank.statement(DUE))
