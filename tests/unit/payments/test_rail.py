"""The pure rules of one payment: what an answer means, what comes next, when it ends."""

import re
from datetime import UTC, date, datetime, timedelta
from importlib import resources

import pytest

from counterfoil.payments.health import PAUSE, PROBES, SILENT_MAX, RailHealth
from counterfoil.payments.order import (
    InvalidOrderError,
    PayoutOrder,
    payment_id_of,
    read_order,
    reference_of,
)
from counterfoil.payments.rail import (
    ASK_AFTER,
    ASK_FOR,
    FINISHED,
    SENDS_MAX,
    STEPS,
    Act,
    Agree,
    Answer,
    Cause,
    Confirm,
    Conflict,
    Contract,
    Declined,
    Doubt,
    NoAnswer,
    NotSeen,
    Outcome,
    Paid,
    Payment,
    PaymentStatus,
    Pending,
    Release,
    Returned,
    Suspend,
    Verdict,
    ask_again_at,
    check,
    choose_act,
    judge,
    status_after_act,
)
from counterfoil.payments.suspense import Resolution, fits

DAY = date(2026, 3, 1)
NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
ORDER = PayoutOrder(
    customer_id=70,
    payment_id=7,
    line_id=71,
    loan_id=7,
    amount_minor=120_000,
    currency="CNY",
    payee_ref="pa_7",
    lender_id="lender-1",
    business_date=DAY,
)
PAID = Paid(120_000, "CNY", DAY, "B1")
RETURNED = Returned(120_000, "CNY", DAY, "B1")
MIGRATION = (
    resources.files("counterfoil.platform")
    .joinpath("migrations/0007_pre_payments.sql")
    .read_text(encoding="utf-8")
)


def make_payment(
    status: PaymentStatus,
    *,
    sends: int = 1,
    is_not_seen: bool = False,
    outcome: Outcome | None = None,
) -> Payment:
    return Payment(
        order=ORDER,
        rail="bank",
        status=status,
        sends=sends,
        asks=0,
        act_no=1,
        sent_at=NOW,
        is_not_seen=is_not_seen,
        outcome=outcome,
        value_date=None,
        rail_reference=None,
        failure_code=None,
    )


def make_contract(*, idempotent: bool = True) -> Contract:
    return Contract(
        name="bank",
        is_reference_idempotent=idempotent,
        currencies=frozenset({"CNY"}),
        amount_minor_max=120_000,
        answer_within=timedelta(seconds=5),
        calls_at_once=10,
    )


@pytest.mark.parametrize(
    ("act", "answer", "verdict"),
    [
        (Act.SEND, PAID, Confirm(DAY, "B1")),
        (Act.ASK, PAID, Confirm(DAY, "B1")),
        (Act.SEND, Paid(120_001, "CNY", DAY, "B1"), Doubt("amount_differs")),
        (Act.SEND, Paid(120_000, "HKD", DAY, "B1"), Doubt("amount_differs")),
        (Act.ASK, Paid(119_999, "CNY", DAY, "B1"), Suspend(Cause.WRONG_AMOUNT)),
        (Act.ASK, Paid(120_000, "HKD", DAY, "B1"), Suspend(Cause.WRONG_AMOUNT)),
        (Act.SEND, Declined("closed"), Release("closed")),
        (Act.ASK, Declined("closed"), Release("closed")),
        (Act.ASK, RETURNED, Release("returned_by_rail")),
        (Act.ASK, Returned(1, "CNY", DAY, "B1"), Suspend(Cause.WRONG_AMOUNT)),
        (Act.SEND, Conflict(), Suspend(Cause.REFERENCE_CONFLICT)),
        (Act.ASK, Pending(), Doubt("pending")),
        (Act.ASK, NotSeen(), Doubt("not_seen")),
        (Act.SEND, NoAnswer("ReadTimeout"), Doubt("ReadTimeout")),
    ],
)
def test_only_the_ordered_amount_confirms_and_only_a_definite_no_releases(
    act: Act, answer: Answer, verdict: Verdict
) -> None:
    assert judge(ORDER, answer, act=act) == verdict


@pytest.mark.parametrize(
    ("status", "answer", "cause"),
    [
        (PaymentStatus.SUCCEEDED, PAID, None),
        (PaymentStatus.SUCCEEDED, Paid(1, "CNY", DAY, "B1"), Cause.WRONG_AMOUNT),
        (PaymentStatus.SUCCEEDED, RETURNED, Cause.LATE_REVERSAL),
        (PaymentStatus.SUCCEEDED, Declined("x"), Cause.CONTRADICTION),
        (PaymentStatus.SUCCEEDED, NotSeen(), Cause.CONTRADICTION),
        (PaymentStatus.SUCCEEDED, NoAnswer("x"), None),
        (PaymentStatus.FAILED, PAID, Cause.CONTRADICTION),
        (PaymentStatus.FAILED, Declined("x"), None),
        (PaymentStatus.FAILED, RETURNED, None),
        (PaymentStatus.FAILED, Pending(), None),
    ],
)
def test_a_finished_payment_is_held_against_what_the_rail_says_later(
    status: PaymentStatus, answer: Answer, cause: Cause | None
) -> None:
    payment = make_payment(status, outcome=Outcome(status.value))
    assert check(payment, answer) == (Agree() if cause is None else Suspend(cause))


@pytest.mark.parametrize(
    ("payment", "idempotent", "act"),
    [
        (make_payment(PaymentStatus.HELD, sends=0), True, Act.SEND),
        (make_payment(PaymentStatus.SENT), True, Act.ASK),
        (make_payment(PaymentStatus.UNKNOWN), True, Act.ASK),
        (make_payment(PaymentStatus.UNKNOWN, is_not_seen=True), True, Act.SEND),
        (make_payment(PaymentStatus.UNKNOWN, is_not_seen=True), False, Act.ASK),
        (make_payment(PaymentStatus.UNKNOWN, is_not_seen=True, sends=SENDS_MAX), True, Act.ASK),
        (make_payment(PaymentStatus.SENT, outcome=Outcome.SUCCEEDED), True, Act.SETTLE),
        (make_payment(PaymentStatus.HELD, sends=0, outcome=Outcome.FAILED), True, Act.SETTLE),
        (make_payment(PaymentStatus.SUCCEEDED, outcome=Outcome.SUCCEEDED), True, Act.VERIFY),
    ],
)
def test_what_may_have_been_sent_is_asked_for(
    payment: Payment, *, idempotent: bool, act: Act
) -> None:
    assert choose_act(payment, make_contract(idempotent=idempotent)) is act


def test_every_act_steps_along_the_known_steps() -> None:
    for status in set(PaymentStatus) - FINISHED - {PaymentStatus.CREATED}:
        for act in (Act.SEND, Act.ASK):
            if act is Act.ASK and status is PaymentStatus.HELD:
                continue
            after = status_after_act(status, act)
            assert after is status or after in STEPS[status]
    assert all(not STEPS[status] for status in FINISHED)


def test_the_database_knows_the_same_steps() -> None:
    guard = re.search(r"\(OLD.status, NEW.status\) NOT IN \((.*?)\)\)\)\n", MIGRATION, re.DOTALL)
    assert guard is not None
    for status, following in STEPS.items():
        for after in PaymentStatus:
            pair = f"('{status.value}', '{after.value}')"
            assert (pair in f"{guard[1]})") == (after in following), pair


def test_the_database_knows_the_same_causes() -> None:
    assert all(f"'{cause.value}'" in MIGRATION for cause in Cause)


def test_questions_come_ever_more_rarely_and_end_after_a_day() -> None:
    at, asks, moments = NOW, 0, []
    while (following := ask_again_at(at, asks=asks, sent_at=NOW)) is not None:
        moments.append(following - at)
        at, asks = following, asks + 1
    assert moments[: len(ASK_AFTER)] == list(ASK_AFTER)
    assert at <= NOW + ASK_FOR < at + ASK_AFTER[-1]


def test_a_silent_rail_gets_probes_only_until_it_answers() -> None:
    health = RailHealth()
    for _ in range(SILENT_MAX - 1):
        health = health.after_silence(NOW)
    assert health.sends_allowed(NOW, wanted=500) == 500
    health = health.after_silence(NOW)
    assert health.sends_allowed(NOW, wanted=500) == 0
    assert health.sends_allowed(NOW + PAUSE, wanted=500) == PROBES
    assert health.sends_allowed(NOW + PAUSE, wanted=1) == 1
    assert health.after_silence(NOW + PAUSE).sends_allowed(NOW + PAUSE, wanted=500) == 0
    assert health.after_answer().sends_allowed(NOW, wanted=500) == 500


def test_a_reference_names_its_payment_and_nothing_else_does() -> None:
    assert payment_id_of(reference_of(7)) == 7
    assert payment_id_of(reference_of(2**63 - 1)) == 2**63 - 1
    for text in ("", "lo_0000000000007", "pm_7", "pm_zzzzzzzzzzzzz", "pm_000000000000u"):
        assert payment_id_of(text) is None


GOOD = (
    '{"customer_id": 70, "line_id": 71, "loan_id": 7, "amount_minor": 120000, "currency": "CNY",'
    ' "payee_ref": "pa_7", "lender_id": "lender-1", "business_date": "2026-03-01"}'
)


def test_an_event_is_read_as_the_order_it_is() -> None:
    assert read_order(GOOD) == ORDER


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("120000", "0"),
        ("120000", "-1"),
        ("120000", "1200.5"),
        ("120000", '"120000"'),
        ("120000", "true"),
        ('"CNY"', '"ZZZ"'),
        ('"CNY"', '["CNY"]'),
        ('"pa_7"', '""'),
        ('"pa_7"', "null"),
        ("2026-03-01", "2026-02-30"),
        ('"loan_id": 7, ', ""),
        ('"loan_id": 7', '"loan_id": 9223372036854775808'),
        (GOOD, "[]"),
        (GOOD, "null"),
    ],
)
def test_an_event_that_is_no_order_is_refused(good: str, bad: str) -> None:
    assert good in GOOD
    with pytest.raises(InvalidOrderError):
        read_order(GOOD.replace(good, bad))


@pytest.mark.parametrize(
    ("status", "outcome", "allowed"),
    [
        (PaymentStatus.UNKNOWN, None, {Resolution.SUCCEEDED, Resolution.FAILED}),
        (PaymentStatus.SENT, Outcome.SUCCEEDED, {Resolution.SUCCEEDED}),
        (PaymentStatus.UNKNOWN, Outcome.FAILED, {Resolution.FAILED}),
        (PaymentStatus.SUCCEEDED, Outcome.SUCCEEDED, {Resolution.NOTED, Resolution.RETURNED}),
        (PaymentStatus.FAILED, Outcome.FAILED, {Resolution.NOTED}),
    ],
)
def test_people_decide_what_is_open_and_note_what_is_certain(
    status: PaymentStatus, outcome: Outcome | None, allowed: set[Resolution]
) -> None:
    assert {r for r in Resolution if fits(r, status=status, outcome=outcome)} == allowed
