"""Drawing: what is held, what is agreed to, and what begins or ends the hold."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from tests.properties.terms_for_tests import NOW, START, Bench, a_line
from tests.store.branch import a_draw, confirmation, failure

from counterfoil.kernel.errors import Refused
from counterfoil.lending.account import Accepted
from counterfoil.lending.commands import Draw, Repay
from counterfoil.lending.drawing import posix_ms
from counterfoil.lending.terms import Prepayment

RATE = 35_000


def drawing(amount_minor: int, *, on: date = START) -> Draw:
    return a_draw(7, 11, amount_minor, on=on, rate_daily_e8=RATE)


def drawn(bench: Bench, amount_minor: int) -> int:
    outcome = bench.decide(drawing(amount_minor, on=bench.on))
    assert isinstance(outcome, Accepted), outcome
    return max(bench.account.loans)


def code(outcome: object) -> str:
    assert isinstance(outcome, Refused), outcome
    return outcome.code


def test_a_drawdown_holds_its_amount_and_asks_for_its_payout() -> None:
    bench = Bench(a_line(limit_minor=100_000))
    outcome = bench.decide(drawing(60_000))
    assert isinstance(outcome, Accepted)
    line, loan = bench.account.line, bench.account.loans[max(bench.account.loans)]
    assert line is not None
    assert (line.held_minor, line.principal_minor, line.version) == (60_000, 0, 2)
    assert (loan.status, loan.original_minor, loan.principal_minor) == ("pending", 60_000, 0)
    assert loan.penalty_daily_e8 == 17_500
    assert outcome.answer["available_minor"] == 40_000
    assert [(m.kind, m.amount_minor) for m in outcome.movements] == [("hold", 60_000)]
    (told,) = outcome.told
    assert (told.kind, told.payload["amount_minor"]) == ("payout_requested", 60_000)
    assert "account-token" in told.payload.values()
    assert outcome.transactions == []


def test_the_available_amount_is_drawn_to_the_last_unit_and_no_further() -> None:
    bench = Bench(a_line(limit_minor=100_000))
    assert code(bench.decide(drawing(100_100))) == "insufficient_limit"
    drawn(bench, 90_000)
    assert code(bench.decide(drawing(10_100))) == "insufficient_limit"
    drawn(bench, 10_000)
    refused = bench.decide(drawing(10_000))
    assert isinstance(refused, Refused)
    assert refused.detail["available_minor"] == 0


def test_an_expired_line_lends_nothing_and_its_loans_are_repaid_as_agreed() -> None:
    bench = Bench(a_line(limit_minor=100_000))
    loan_id, line = bench.draw(60_000), bench.account.line
    assert line is not None
    line.valid_to = START - timedelta(days=1)
    refused = bench.decide(drawing(10_000))
    assert isinstance(refused, Refused)
    assert (refused.code, refused.detail["valid_to"]) == ("line_expired", str(line.valid_to))
    paid = bench.decide(
        Repay(
            customer_id=line.customer_id,
            line_id=line.line_id,
            loan_id=loan_id,
            amount_minor=20_000,
            currency="CNY",
            value_date=None,
            mode=Prepayment.NEXT_INSTALMENT,
            channel="bank",
        )
    )
    assert isinstance(paid, Accepted)
    assert bench.account.loans[loan_id].principal_minor == 40_000


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"rate_daily_e8": RATE + 1}, "quote_invalid"),
        ({"repayment_day": 14}, "quote_invalid"),
        ({"product_version": 2}, "quote_invalid"),
        ({"quoted_on": START - timedelta(days=1)}, "quote_expired"),
        ({"quoted_on": START + timedelta(days=1)}, "quote_expired"),
    ],
)
def test_what_was_agreed_to_is_what_is_drawn(change: dict[str, Any], refusal: str) -> None:
    bench = Bench()
    command = drawing(10_000)
    assert command.agreement is not None
    agreed = command.agreement._replace(**change)
    assert code(bench.decide(replace(command, agreement=agreed))) == refusal
    assert code(bench.decide(replace(command, agreement=None))) == "quote_invalid"


@pytest.mark.parametrize(
    ("waited_ms", "read_ms"), [(4_999, None), (5_000, 5_000), (10**10, 86_400_000)]
)
def test_a_sheet_is_read_before_it_is_agreed_to(waited_ms: int, read_ms: int | None) -> None:
    bench = Bench()
    command = drawing(10_000)
    assert command.agreement is not None
    shown_ms = posix_ms(NOW) - waited_ms
    agreed = command.agreement._replace(shown_ms=shown_ms, reading_ms=5_000)
    outcome = bench.decide(replace(command, agreement=agreed))
    if waited_ms < 5_000:
        assert code(outcome) == "sheet_read_too_shortly"
        return
    assert isinstance(outcome, Accepted)
    # Whoever leaves a sheet open for months has not read it for months.
    assert outcome.answer["sheet_read_ms"] == read_ms


def test_a_refused_drawdown_leaves_an_ended_freeze_to_the_next_that_is_accepted() -> None:
    bench = Bench(a_line(limit_minor=100_000))
    line = bench.account.line
    assert line is not None
    line.status, line.frozen_until = "frozen", START - timedelta(days=1)
    assert code(bench.decide(drawing(200_000))) == "insufficient_limit"
    assert line.status == "frozen"
    drawn(bench, 100_000)
    assert line.status == "active"


def test_the_money_that_arrived_begins_the_loan_on_its_own_day() -> None:
    bench = Bench()
    loan_id = drawn(bench, 60_000)
    bench.on = START + timedelta(days=3)
    arrived = START + timedelta(days=2)
    outcome = bench.decide(confirmation(7, 11, loan_id, on=arrived))
    assert isinstance(outcome, Accepted)
    line, loan = bench.account.line, bench.account.loans[loan_id]
    assert line is not None
    assert (line.held_minor, line.principal_minor) == (0, 60_000)
    assert (loan.status, loan.start_date, loan.principal_minor) == ("open", arrived, 60_000)
    (transaction,) = outcome.transactions
    assert (transaction.kind, transaction.value_date, transaction.sequence) == (
        "disbursement",
        arrived,
        1,
    )
    assert code(bench.decide(confirmation(7, 11, loan_id, on=arrived))) == "loan_not_pending"
    assert code(bench.decide(failure(7, 11, loan_id))) == "loan_not_pending"


def test_a_definite_failure_releases_the_hold() -> None:
    bench = Bench()
    loan_id = drawn(bench, 60_000)
    outcome = bench.decide(failure(7, 11, loan_id))
    assert isinstance(outcome, Accepted)
    line = bench.account.line
    assert line is not None
    assert (line.held_minor, line.principal_minor, line.version) == (0, 0, 3)
    assert [(m.kind, m.amount_minor) for m in outcome.movements] == [("hold_release", -60_000)]
    assert bench.account.loans[loan_id].status == "cancelled"


def test_nobody_is_lent_to_without_a_line_or_a_loan() -> None:
    bench = Bench()
    assert code(bench.decide(confirmation(7, 11, 99, on=START))) == "loan_not_found"
    bench.account.line = None
    assert code(bench.decide(drawing(10_000))) == "line_not_found"
    assert code(bench.decide(failure(7, 11, 99))) == "line_not_found"
