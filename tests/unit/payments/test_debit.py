"""Rules of auto-debit: when it is presented, what answers mean, and that a plan is a plan."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from counterfoil.kernel.language import Language
from counterfoil.payments.debit import (
    Bounced,
    Debit,
    DebitAct,
    DebitOrder,
    DebitStatus,
    choose_act,
    judge_debit,
    judge_finished,
    load_plans,
    next_act_at,
    presentation_due,
    read_plans,
)
from counterfoil.payments.mandate import mandate_text, text_sha256
from counterfoil.payments.rail import (
    Agree,
    Answer,
    Cause,
    Confirm,
    Conflict,
    Declined,
    Doubt,
    NoAnswer,
    NotSeen,
    Outcome,
    Paid,
    Pending,
    Release,
    Returned,
    Suspend,
)
from counterfoil.simulator.bank.collecting import CollectingBank

DUE = date(2026, 3, 15)
RETURNED_WHOLE = Returned(70_000, "CNY", DUE, "D1")
PLAN = read_plans({"default": {"presentations": ["0 08:00", "0 18:00", "1 08:00"]}})["default"]
ORDER = DebitOrder(
    customer_id=1,
    debit_id=2,
    mandate_id=3,
    line_id=4,
    loan_id=5,
    lender_id="lender-one",
    due_on=DUE,
    presentation_no=1,
    amount_minor=70_000,
    currency="CNY",
    account_ref="account",
    business_date=DUE,
)


def at(day: int, hour: int) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("made", "now", "number"),
    [
        (0, at(15, 7), None),
        (0, at(15, 8), 1),
        (1, at(15, 9), None),
        (1, at(15, 18), 2),
        (2, at(16, 8), 3),
        (3, at(17, 8), None),
        # Two times have passed unused: one presentation makes up for both.
        (0, at(15, 19), 2),
        (0, at(18, 8), 3),
    ],
)
def test_a_presentation_is_made_once_at_its_time(
    made: int, now: datetime, number: int | None
) -> None:
    assert presentation_due(PLAN, due_on=DUE, made=made, now=now) == number


def test_the_shipped_plans_hold_and_a_plan_out_of_order_does_not() -> None:
    assert "default" in load_plans()
    for wrong in (["1 08:00", "0 08:00"], [], ["0 08:00", "0 08:00"]):
        with pytest.raises(ValueError, match="follow each other"):
            read_plans({"default": {"presentations": wrong}})
    with pytest.raises(ValueError, match="missing"):
        read_plans({"other": {"presentations": ["0 08:00"]}})


@pytest.mark.parametrize(
    ("answer", "act", "verdict"),
    [
        (Paid(70_000, "CNY", DUE, "D1"), DebitAct.SEND, Confirm(DUE, "D1")),
        (Paid(70_001, "CNY", DUE, "D1"), DebitAct.SEND, Doubt("amount_differs")),
        (Paid(70_001, "CNY", DUE, "D1"), DebitAct.ASK, Suspend(Cause.WRONG_AMOUNT)),
        (Declined("insufficient_funds"), DebitAct.SEND, Release("insufficient_funds")),
        (Returned(70_000, "CNY", DUE, "D1"), DebitAct.ASK, Release("returned_by_bank")),
        (Returned(1, "CNY", DUE, "D1"), DebitAct.ASK, Suspend(Cause.WRONG_AMOUNT)),
        (Conflict(), DebitAct.SEND, Suspend(Cause.REFERENCE_CONFLICT)),
        (Pending(), DebitAct.SEND, Doubt("pending")),
        (NotSeen(), DebitAct.ASK, Doubt("not_seen")),
        (NoAnswer("ReadTimeout"), DebitAct.SEND, Doubt("ReadTimeout")),
    ],
)
def test_only_a_clear_answer_makes_a_debit_certain(
    answer: Answer, act: DebitAct, verdict: object
) -> None:
    assert judge_debit(ORDER, answer, act=act) == verdict


def a_debit(status: DebitStatus, **other: object) -> Debit:
    fields: dict[str, object] = {
        "order": ORDER, "status": status, "sends": 1, "asks": 0, "act_no": 1,
        "sent_at": at(15, 8), "is_not_seen": False, "outcome": None, "value_date": None,
        "rail_reference": None, "failure_code": None,
    }  # fmt: skip
    return Debit(**{**fields, **other})  # type: ignore[arg-type]


def test_what_is_unknown_is_asked_for_and_sent_again_only_where_the_bank_never_had_it() -> None:
    contract = CollectingBank().contract
    assert choose_act(a_debit(DebitStatus.CREATED), contract) is DebitAct.SEND
    assert choose_act(a_debit(DebitStatus.SENT), contract) is DebitAct.ASK
    assert choose_act(a_debit(DebitStatus.UNKNOWN), contract) is DebitAct.ASK
    unseen = a_debit(DebitStatus.UNKNOWN, is_not_seen=True)
    assert choose_act(unseen, contract) is DebitAct.SEND
    certain = a_debit(DebitStatus.SENT, outcome=Outcome.FAILED)
    assert choose_act(certain, contract) is DebitAct.SETTLE


def test_asking_ends_after_a_day_and_people_are_not_asked_by_the_clock() -> None:
    debit, late = a_debit(DebitStatus.UNKNOWN), at(15, 8) + timedelta(hours=25)
    assert next_act_at(debit, Doubt("pending"), now=late) is None
    assert next_act_at(debit, Suspend(Cause.WRONG_AMOUNT), now=at(15, 9)) is None
    assert next_act_at(debit, Release("no"), now=at(15, 9)) == at(15, 9)


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (Paid(70_000, "CNY", DUE, "D1"), Agree()),
        (Paid(70_001, "CNY", DUE, "D1"), Suspend(Cause.WRONG_AMOUNT)),
        (RETURNED_WHOLE, Bounced(DUE)),
        (Returned(1, "CNY", DUE, "D1"), Suspend(Cause.LATE_REVERSAL)),
        (Declined("no"), Suspend(Cause.CONTRADICTION)),
        (NotSeen(), Suspend(Cause.CONTRADICTION)),
        (NoAnswer("ReadTimeout"), Agree()),
    ],
)
def test_a_collected_debit_bounces_only_whole_and_by_a_clear_word(
    answer: Answer, verdict: object
) -> None:
    debit = replace(a_debit(DebitStatus.SUCCEEDED), outcome=Outcome.SUCCEEDED)
    assert judge_finished(debit, answer) == verdict
    assert judge_finished(replace(debit, bounced_on=DUE), RETURNED_WHOLE) == Agree()


def test_a_finished_debit_is_asked_about_and_undone_once() -> None:
    debit = replace(a_debit(DebitStatus.SUCCEEDED), outcome=Outcome.SUCCEEDED)
    contract = CollectingBank().contract
    assert choose_act(debit, contract) is DebitAct.VERIFY
    bounced = replace(debit, bounced_on=DUE)
    assert choose_act(bounced, contract) is DebitAct.UNDO
    assert choose_act(replace(bounced, bounce_booked_at=at(16, 8)), contract) is DebitAct.VERIFY


@pytest.mark.parametrize("language", list(Language))
def test_a_mandate_names_account_line_and_days_and_nobody(language: Language) -> None:
    text = mandate_text(
        language, account="acct-7", line="ln_x", starts_on=DUE, ends_on=date(2027, 3, 15)
    )
    for part in ("acct-7", "ln_x", "2026-03-15", "2027-03-15"):
        assert part in text
    assert len(text_sha256(text)) == 32
