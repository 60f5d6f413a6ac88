"""A confirmed payout comes back: two people say so, and the books undo it from its first day."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.store.branch import FIRST_DATE, open_branch
from tests.store.test_reconcile import C1, L1, Money, causes, open_money

from counterfoil.journeys.books.check_books import check_books
from counterfoil.journeys.paying import payment_cases
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.lending.commands import CloseLine, ReturnCredit
from counterfoil.payments import suspense_store
from counterfoil.payments.order import reference_of
from counterfoil.payments.rail import Cause
from counterfoil.payments.suspense import Proposal, Resolution
from counterfoil.payments.suspense_store import CaseKey
from counterfoil.platform.access_matrix import Actor
from counterfoil.simulator.bank.faults import Fault

ANN, BOB = (Actor(name=name, role="operations", source="test") for name in ("ann", "bob"))
ANALYST = Actor(name="eve", role="risk_analyst", source="test")


@pytest.fixture
async def money(database_url: str, tmp_path: Path) -> AsyncIterator[Money]:
    async with open_branch(database_url, tmp_path) as branch:
        yield await open_money(branch)


def back(amount_minor: int, on: date) -> Proposal:
    return Proposal(
        resolution=Resolution.RETURNED, value_date=on, note="line 1", returned_minor=amount_minor
    )


async def check(money: Money) -> None:
    """Check the books, payouts with them."""
    report = await check_books(money.branch.house.database, money.branch.house.catalogue)
    faults = {name: one.exceptions for name, one in report.checks.items() if not one.ok}
    assert faults == {}
    assert report.checks["payout_amounts"].examined == 1


async def open_case(money: Money, loan_id: int) -> CaseKey:
    """Open a case by hand, where the simulated bank returns nothing of the kind."""
    house = money.branch.house
    async with house.database.transaction() as connection:
        cases = [((C1, loan_id), Cause.LATE_REVERSAL)]
        await suspense_store.open_cases(connection, cases, now=house.clock.now())
    return CaseKey(C1, loan_id, 1)


async def test_a_payout_that_came_back_whole_undoes_its_loan_and_keeps_what_was_paid(
    money: Money,
) -> None:
    money.bank.plan.upcoming = [Fault.LATE_REVERSAL]
    loan_id = await money.lend(100_000)
    await money.reconcile()
    on = await money.next_day()
    await money.branch.repay(C1, L1, 30_000)
    assert causes(await money.reconcile(on)) == {reference_of(loan_id): {"returned_by_rail"}}
    house = money.branch.house
    (case,) = await payment_cases.open_cases(house)
    assert case["cause"] == "late_reversal"
    key = CaseKey(C1, loan_id, case["case_no"])

    refused = await payment_cases.propose(house, ANALYST, key, back(100_000, on))
    assert refused is not None
    assert refused.code == "approval_not_allowed"
    more = await payment_cases.propose(house, ANN, key, back(100_001, on))
    assert more is not None
    assert more.code == "suspense_amount_unfit"
    assert await payment_cases.propose(house, ANN, key, back(100_000, on)) is None
    alone = await payment_cases.approve(house, ANN, key, reason="seen")
    assert alone is not None
    assert alone.code == "suspense_same_person"
    assert await payment_cases.approve(house, BOB, key, reason="seen") is None

    loan = await money.branch.value(
        "SELECT (status, principal_minor, accrued_interest_e8)::text FROM lending.loan"
        f" WHERE loan_id = {loan_id}"
    )
    assert loan == "(cancelled,0,0)"
    line = "SELECT (principal_minor, held_minor, credit_minor)::text FROM lending.credit_line"
    assert await money.branch.value(line) == "(0,0,30000)"
    assert await payment_cases.carry_out_returns(house) == 0, "the books are told once"
    assert causes(await money.again(on)) == {}, "all three sides agree that it is back"
    await money.next_day()
    await check(money)


async def test_a_part_that_came_back_is_principal_of_the_first_day(money: Money) -> None:
    loan_id = await money.lend(100_000)
    await money.next_day()
    house, on = money.branch.house, await money.branch.on()
    key = await open_case(money, loan_id)
    assert await payment_cases.propose(house, ANN, key, back(40_000, on)) is None
    assert await payment_cases.approve(house, BOB, key, reason="seen") is None
    state = (
        "SELECT (principal_minor, accrued_interest_e8, accrued_to - start_date)::text"
        f" FROM lending.loan WHERE loan_id = {loan_id}"
    )
    # Nothing has accrued on the part that came back: it is off from the first day.
    assert await money.branch.value(state) == "(60000,0,0)"
    again = await open_case(money, loan_id)
    too_much = await payment_cases.propose(house, ANN, again._replace(case_no=2), back(60_001, on))
    assert too_much is not None
    assert too_much.code == "suspense_amount_unfit"
    await money.next_day()
    await check(money)


@pytest.mark.parametrize(("came_back", "part"), [(3_000, None), (1_000, 1_000)])
async def test_returned_credit_that_came_back_is_credit_again_on_a_closed_line(
    money: Money,
    came_back: int,
    part: int | None,
) -> None:
    branch, house = money.branch, money.branch.house
    await money.lend(100_000)
    await branch.repay(C1, L1, 103_000)
    who: dict[str, Any] = {"customer_id": C1, "line_id": L1}
    asked = await branch.get(
        ReturnCredit(**who, amount_minor=3_000, currency="CNY", payee_ref="acct")
    )
    money.bank.plan.upcoming = [Fault.LATE_REVERSAL]
    await money.relay.drain()
    await branch.get(CloseLine(**who, reason="own_wish", author="customer"))
    await money.reconcile()
    on = await money.next_day()
    number = ids.from_text(ids.CREDIT_RETURN, asked["id"])
    assert causes(await money.reconcile(on)) == {reference_of(number): {"returned_by_rail"}}
    (case,) = await payment_cases.open_cases(house)
    key = CaseKey(C1, number, case["case_no"])
    assert await payment_cases.propose(house, ANN, key, back(came_back, on)) is None
    assert await payment_cases.approve(house, BOB, key, reason="seen") is None
    line = "SELECT (status, credit_minor, returning_minor)::text FROM lending.credit_line"
    assert await branch.value(line) == f"(suspended,{came_back},0)"
    query = "SELECT (status, bounced_on = $1)::text FROM lending.credit_return"
    assert (await branch.rows(query, on))[0][0] == "(bounced,t)"
    query = "SELECT bounced_part_minor FROM lending.credit_return"
    assert (await branch.rows(query))[0][0] == part
    if part is None:
        assert causes(await money.again(on)) == {}, "all three sides agree that it is back"
    else:
        # The statement shows more than people have seen: the rest stays with them.
        assert causes(await money.again(on)) == {reference_of(number): {"returned_by_rail"}}
        rest = (await open_case(money, number))._replace(case_no=2)
        again = await payment_cases.propose(house, ANN, rest, back(2_000, on))
        assert again is not None
        assert again.code == "suspense_amount_unfit", "the books open for it once"
    await branch.get(ReturnCredit(**who, amount_minor=came_back, currency="CNY", payee_ref="acct"))
    await money.relay.drain()
    await money.next_day()
    report = await check_books(house.database, house.catalogue)
    assert {name: one.exceptions for name, one in report.checks.items() if not one.ok} == {}


async def test_a_return_that_was_approved_survives_a_crash_before_the_books(money: Money) -> None:
    loan_id = await money.lend(100_000)
    house, key = money.branch.house, await open_case(money, loan_id)
    await payment_cases.propose(house, ANN, key, back(100_000, FIRST_DATE))
    real, deaths = house.counter.submit, 1

    async def dying(command: object, *, idempotency_key: str) -> object:
        nonlocal deaths
        answer = await real(command, idempotency_key=idempotency_key)  # type: ignore[arg-type]
        if deaths:
            deaths -= 1
            raise KeyboardInterrupt
        return answer

    house.counter.submit = dying  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        await payment_cases.approve(house, BOB, key, reason="seen")
    assert await payment_cases.carry_out_returns(house) == 1
    count = "SELECT count(*) FROM lending.loan_transaction WHERE kind = 'payout_returned'"
    assert await money.branch.value(count) == 1
    assert await payment_cases.carry_out_returns(house) == 0
    assert not isinstance(await money.reconcile(FIRST_DATE + timedelta()), Refused)
