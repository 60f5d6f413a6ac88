"""Opening and changing a line: what is written of it, and what is refused."""

from datetime import date
from typing import Any

import pytest
from tests.properties.terms_for_tests import START, Bench, a_line
from tests.store.branch import an_opening

from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.lending.account import Accepted, Account
from counterfoil.lending.commands import (
    CloseLine,
    FreezeLine,
    RaiseLimit,
    ReplaceAgreement,
    RestoreLimit,
    SetLimit,
    SetLimitAsWished,
    SetOwnCap,
    SetRepaymentDay,
    UnfreezeLine,
)

WHO: dict[str, Any] = {"customer_id": 7, "line_id": 11, "author": "operator"}


def accepted(outcome: object) -> Accepted:
    assert isinstance(outcome, Accepted), outcome
    return outcome


def code(outcome: object) -> str:
    assert isinstance(outcome, Refused), outcome
    return outcome.code


def empty() -> Bench:
    bench = Bench()
    bench.account = Account(None)
    return bench


def test_a_line_is_opened_under_the_version_of_the_offer() -> None:
    bench = empty()
    outcome = accepted(bench.decide(an_opening(7, 11, limit_minor=500_000, rate_daily_e8=35_000)))
    line = bench.account.line
    assert line is not None
    assert (line.limit_minor, line.rate_daily_e8, line.status) == (500_000, 35_000, "active")
    assert (line.opened_on, line.valid_to) == (START, date(2027, 1, 5))
    (event,) = outcome.events
    assert (event.version, event.kind, event.before, event.after) == (1, "opened", None, "500000")
    assert outcome.answer["available_minor"] == 500_000
    assert code(bench.decide(an_opening(7, 11))) == "line_exists"


@pytest.mark.parametrize("limit", [49_999, 20_000_001, 505_050, 0, -10_000])
def test_a_limit_lies_in_the_products_range_and_on_its_step(limit: int) -> None:
    assert code(empty().decide(an_opening(7, 11, limit_minor=limit))) == "limit_out_of_range"
    change = SetLimit(**WHO, limit_minor=limit, reason="review")
    assert code(Bench().decide(change)) == "limit_out_of_range"


def test_a_limit_goes_no_higher_than_the_customer_agreed() -> None:
    bench = Bench(a_line(limit_minor=1_000_000))

    def put(kind: type[SetLimit], limit_minor: int) -> str:
        return said(kind(**WHO, limit_minor=limit_minor, reason="review"))

    def restored(limit_minor: int) -> str:
        line = bench.account.line
        assert line is not None
        back: dict[str, Any] = {"from_minor": line.limit_minor, "limit_minor": limit_minor}
        return said(RestoreLimit(**WHO, **back, reason="measure_lifted"))

    def said(command: object) -> str:
        outcome = bench.decide(command)
        if not isinstance(outcome, Accepted):
            return code(outcome)
        return f"{outcome.answer['limit_minor']} of {outcome.answer['agreed_limit_minor']}"

    refused = bench.decide(SetLimit(**WHO, limit_minor=1_010_000, reason="review"))
    assert isinstance(refused, Refused)
    assert (refused.code, refused.detail) == ("limit_not_agreed", {"agreed_minor": 1_000_000})
    assert put(SetLimitAsWished, 1_010_000) == "limit_not_agreed"
    # The lender lowers, and gives back what was agreed, in steps as it likes.
    assert put(SetLimit, 400_000) == "400000 of 1000000"
    assert restored(1_010_000) == "limit_not_agreed"
    assert restored(600_000) == "600000 of 1000000"
    assert put(SetLimit, 1_010_000) == "limit_not_agreed"
    # An agreed raise on the way does not take back what was agreed before.
    assert put(RaiseLimit, 700_000) == "700000 of 1000000"
    assert put(SetLimit, 1_000_000) == "1000000 of 1000000"
    assert put(RaiseLimit, 1_200_000) == "1200000 of 1200000"
    # What the customer wished lower, or signed lower, is all that is agreed.
    assert put(SetLimit, 500_000) == "500000 of 1200000"
    assert put(SetLimitAsWished, 300_000) == "300000 of 300000"
    assert put(SetLimit, 500_000) == restored(500_000) == "limit_not_agreed"
    assert put(RaiseLimit, 900_000) == "900000 of 900000"
    assert put(SetLimit, 200_000) == "200000 of 900000"
    signed: dict[str, Any] = {"contract_id": 12, "agreement_sha256": bytes(32)}
    assert said(ReplaceAgreement(**WHO, **signed, product_version=1)) == "200000 of 900000"
    lower = ReplaceAgreement(**WHO, **signed, product_version=1, limit_minor=800_000)
    assert said(lower) == "200000 of 800000"
    assert put(SetLimit, 900_000) == "limit_not_agreed"
    assert put(SetLimit, 800_000) == "800000 of 800000"


@pytest.mark.parametrize("day", [0, 29, -1])
def test_a_repayment_day_is_one_that_every_month_has(day: int) -> None:
    opening = an_opening(7, 11, repayment_day=day)
    assert code(empty().decide(opening)) == "repayment_day_out_of_range"


def test_each_change_is_an_event_with_its_values_and_its_author() -> None:
    bench = Bench()
    raised = accepted(bench.decide(SetLimit(**WHO, limit_minor=10_000_000, reason="review")))
    assert raised.events == [(2, "limit_lowered", "20000000", "10000000", "review", "operator")]
    lowered = accepted(bench.decide(SetLimit(**WHO, limit_minor=20_000_000, reason="review")))
    assert lowered.events == [(3, "limit_raised", "10000000", "20000000", "review", "operator")]
    frozen = accepted(bench.decide(FreezeLine(**WHO, until=START, reason="asked")))
    assert frozen.events == [(4, "frozen", "active", "2026-01-05", "asked", "operator")]
    freed = accepted(bench.decide(UnfreezeLine(**WHO, reason="found")))
    assert freed.events == [(5, "unfrozen", "frozen", "active", "found", "operator")]
    capped = accepted(bench.decide(SetOwnCap(**WHO, cap_minor=5)))
    assert capped.events == [(6, "own_cap_set", None, "5", "customer_setting", "operator")]
    day = accepted(bench.decide(SetRepaymentDay(**WHO, repayment_day=3)))
    assert day.events == [(7, "repayment_day_set", "15", "3", "customer_setting", "operator")]
    closed = accepted(bench.decide(CloseLine(**WHO, reason="wish")))
    assert closed.events == [(8, "closed", "active", "closed", "wish", "operator")]
    (told,) = closed.told
    assert told.kind == "line_closed"
    # All that a bureau's record of an ended agreement says of the line, as it stood at the end.
    line = bench.account.line
    assert line is not None
    assert told.payload == {
        "reason": "wish", "closed_on": "2026-01-05", "reported_to_bureau": True,
        "line_id": ids.to_text(ids.LINE, line.line_id), "lender_id": line.lender_id,
        "product_code": line.product_code, "product_version": line.product_version,
        "contract_id": "ct_000000000000b", "agreement_sha256": "00" * 32, "currency": "CNY",
        "limit_minor": 20_000_000, "is_revolving": True, "opened_on": line.opened_on.isoformat(),
        "valid_to": line.valid_to.isoformat(),
    }  # fmt: skip


@pytest.mark.parametrize(
    "command",
    [
        SetLimit(**WHO, limit_minor=1_000_000, reason="r"),
        FreezeLine(**WHO, until=None, reason="r"),
        UnfreezeLine(**WHO, reason="r"),
        CloseLine(**WHO, reason="r"),
        SetOwnCap(**WHO, cap_minor=1),
        SetRepaymentDay(**WHO, repayment_day=3),
    ],
)
def test_nothing_changes_on_a_line_that_is_closed_or_not_there(command: object) -> None:
    bench = Bench()
    accepted(bench.decide(CloseLine(**WHO, reason="wish")))
    assert code(bench.decide(command)) == "line_closed"
    assert code(empty().decide(command)) == "line_not_found"


def test_changes_of_the_repayment_day_are_counted_by_the_year() -> None:
    bench = Bench()
    for day in (3, 4):
        accepted(bench.decide(SetRepaymentDay(**WHO, repayment_day=day)))
    used_up = SetRepaymentDay(**WHO, repayment_day=5)
    assert code(bench.decide(used_up)) == "repayment_day_changes_used_up"
    bench.on = date(2027, 1, 1)
    accepted(bench.decide(used_up))


def test_a_freeze_does_not_hide_what_suspended_the_line() -> None:
    bench = Bench()
    assert bench.account.line is not None
    bench.account.line.status = "suspended"
    assert code(bench.decide(FreezeLine(**WHO, until=None, reason="r"))) == "line_suspended"
