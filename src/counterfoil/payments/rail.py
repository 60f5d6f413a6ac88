"""One payment on one rail: what its states mean, and what a rail's answer does to them.

States      created → held → sent → succeeded | failed | unknown. Unknown is a state with ways out:
            asking by our reference, the rail's statement, two people. Never a second reference.
Invariant   Only a well-formed answer that names the ordered amount confirms; only a definite
            refusal releases; everything else is doubt. A finished payment never changes.
Payee       Whose the account is, is asked before the first send. While nobody says, the payment is
            held: it was not sent, so it is neither failed nor unknown.
Time        Passed in. Waiting times grow and are bounded; so are sends.
Follows     Decision 0007 (unknown is a state).
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple, assert_never

from counterfoil.payments.order import PayoutOrder

#: Sends under one reference. A rail that has not seen five of them needs a person, not a sixth.
SENDS_MAX: Final = 5

#: How long to wait before the next question; the last one repeats.
ASK_AFTER: Final = tuple(timedelta(seconds=s) for s in (1, 2, 4, 8, 15, 30, 60, 120, 300))

#: After this long without a clear answer the statement has to tell.
ASK_FOR: Final = timedelta(hours=24)

#: Checks of one finished payment that untrusted hints may cause; a flood of them is no work.
VERIFICATIONS_MAX: Final = 10


class PaymentStatus(StrEnum):
    """Where a payment stands."""

    CREATED = "created"
    HELD = "held"
    SENT = "sent"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


#: Every step a payment may take; the database repeats them in a trigger. Sent again means: under
#: the same reference.
STEPS: Final = {
    PaymentStatus.CREATED: frozenset({PaymentStatus.HELD}),
    PaymentStatus.HELD: frozenset({PaymentStatus.SENT, PaymentStatus.FAILED}),
    PaymentStatus.SENT: frozenset(
        {PaymentStatus.UNKNOWN, PaymentStatus.SUCCEEDED, PaymentStatus.FAILED}
    ),
    PaymentStatus.UNKNOWN: frozenset(
        {PaymentStatus.SENT, PaymentStatus.SUCCEEDED, PaymentStatus.FAILED}
    ),
    PaymentStatus.SUCCEEDED: frozenset(),
    PaymentStatus.FAILED: frozenset(),
}

FINISHED: Final = frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.FAILED})


class Outcome(StrEnum):
    """What the rail made of a payment, once that is certain; the books may still have to hear."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Act(StrEnum):
    """What is done next with a payment."""

    #: Ask whose the payee's account is; nothing has been sent, and nothing is by this.
    CHECK = "check"
    SEND = "send"
    ASK = "ask"
    VERIFY = "verify"
    SETTLE = "settle"


class Cause(StrEnum):
    """Why a payment lies before two people."""

    NOT_ON_STATEMENT = "not_on_statement"
    WRONG_AMOUNT = "wrong_amount"
    REFERENCE_CONFLICT = "reference_conflict"
    LATE_REVERSAL = "late_reversal"
    CONTRADICTION = "contradiction"
    BOOKS_REFUSED = "books_refused"


# What a rail can say. An adapter turns everything that it receives into one of these.


@dataclass(frozen=True, slots=True)
class Paid:
    """The rail moved the money."""

    amount_minor: int
    currency: str
    #: Business date from which the payee has the money.
    value_date: date
    rail_reference: str


@dataclass(frozen=True, slots=True)
class PayeeMatches:
    """The account is in the name that it must be in."""

    #: In the customer's own, which holds for later payments; a merchant's is of one payment.
    is_own: bool


@dataclass(frozen=True, slots=True)
class Declined:
    """The rail refuses for good: no money moved and none will under this reference."""

    code: str


@dataclass(frozen=True, slots=True)
class Returned:
    """The rail moved the money and has taken it back."""

    amount_minor: int
    currency: str
    returned_on: date
    rail_reference: str


@dataclass(frozen=True, slots=True)
class Pending:
    """The rail has the order and has not decided."""


@dataclass(frozen=True, slots=True)
class NotSeen:
    """The rail has no order under the reference, so far."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """The rail holds another order under the reference."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nothing usable came back: a time-out, a server error, an answer that makes no sense."""

    reason: str


Answer = Paid | Declined | Returned | Pending | NotSeen | Conflict | NoAnswer

#: What comes of asking whose an account is.
CheckAnswer = PayeeMatches | Declined | NoAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What an operator of a rail has promised, in so far as our steps depend on it."""

    name: str
    #: The rail carries out one order per reference however often it is sent. Only then is an order
    #: sent again that the rail says it has not seen.
    is_reference_idempotent: bool
    currencies: frozenset[str]
    #: Minor units; the largest single payout.
    amount_minor_max: int
    #: How long a call may take until its answer counts as lost.
    answer_within: timedelta
    #: Calls under way at once; one more would wait in a queue while its lease runs.
    calls_at_once: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """One payment as its row says."""

    order: PayoutOrder
    #: The rail it was sent over, or is meant for while it was never sent.
    rail: str
    status: PaymentStatus
    #: Sends so far, all under one reference.
    sends: int
    #: Questions so far.
    asks: int
    #: Number of the last act; an answer counts only for the act that is still the last.
    act_no: int
    #: First send; None while it has never been sent.
    sent_at: datetime | None
    #: The rail's last word was that it has not seen the order.
    is_not_seen: bool
    #: What is certain; None while nothing is.
    outcome: Outcome | None
    value_date: date | None
    rail_reference: str | None
    failure_code: str | None
    #: Somebody who knows has said of late that the payee's account is in the right name.
    is_payee_known: bool = False


# What an answer means.


@dataclass(frozen=True, slots=True)
class Confirm:
    """The payee has the money."""

    value_date: date
    rail_reference: str


@dataclass(frozen=True, slots=True)
class Release:
    """No money moved and none will."""

    code: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """Nothing is certain yet."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ready:
    """The payee is known: the payment may be sent."""


@dataclass(frozen=True, slots=True)
class Suspend:
    """Asking again would not help: two people decide."""

    cause: Cause


@dataclass(frozen=True, slots=True)
class Agree:
    """The answer says of a finished payment what is known."""


#: What an answer means for money that was ordered and is not finished.
Judgement = Confirm | Release | Doubt | Suspend

Verdict = Judgement | Ready | Agree


class Ordered(NamedTuple):
    """What was ordered, to hold an answer against."""

    amount_minor: int
    currency: str

    def is_in(self, answer: Paid | Returned) -> bool:
        """Return whether an answer names exactly this."""
        return (answer.amount_minor, answer.currency) == self


def choose_act(payment: Payment, contract: Contract) -> Act:
    """Return what is to be done next with a payment whose time has come."""
    if payment.status in FINISHED:
        return Act.VERIFY
    if payment.outcome is not None:
        return Act.SETTLE
    if payment.status is PaymentStatus.HELD:
        return Act.SEND
    may_send_again = contract.is_reference_idempotent and payment.sends < SENDS_MAX
    return Act.SEND if payment.is_not_seen and may_send_again else Act.ASK


def status_after_act(status: PaymentStatus, act: Act) -> PaymentStatus:
    """Return the state that is written down before the rail is called."""
    match act:
        case Act.SEND:
            return PaymentStatus.SENT
        case Act.ASK:
            # Asking means that the answer to the send is lost, if there ever was one.
            return PaymentStatus.UNKNOWN
        case Act.CHECK | Act.VERIFY | Act.SETTLE:
            return status
        case _:
            assert_never(act)


def judge(order: PayoutOrder, answer: Answer, *, act: Act) -> Judgement:
    """Return what an answer to a send or a question means for a payment not yet finished."""
    ordered = Ordered(order.amount_minor, order.currency)
    return judge_answer(ordered, answer, is_question=act is Act.ASK, returned="returned_by_rail")


def judge_answer(
    ordered: Ordered, answer: Answer, *, is_question: bool, returned: str
) -> Judgement:
    """Return what an answer means for money that was ordered, whichever way it goes.

    `returned` is the failure code of money that went and came back before it was confirmed.
    """
    match answer:
        case Paid():
            if ordered.is_in(answer):
                return Confirm(answer.value_date, answer.rail_reference)
            # The answer to a send may be garbled; the rail's books are asked before people are.
            return Suspend(Cause.WRONG_AMOUNT) if is_question else Doubt("amount_differs")
        case Returned():
            return Release(returned) if ordered.is_in(answer) else Suspend(Cause.WRONG_AMOUNT)
        case Declined():
            return Release(answer.code)
        case Conflict():
            return Suspend(Cause.REFERENCE_CONFLICT)
        case Pending():
            return Doubt("pending")
        case NotSeen():
            return Doubt("not_seen")
        case NoAnswer():
            return Doubt(answer.reason)
        case _:
            assert_never(answer)


def judge_payee(answer: CheckAnswer) -> Ready | Release | Doubt:
    """Return what is known of a payee; nothing was sent, so a definite no is a failure."""
    match answer:
        case PayeeMatches():
            return Ready()
        case Declined():
            return Release(answer.code)
        case NoAnswer():
            return Doubt(answer.reason)
        case _:
            assert_never(answer)


def check(payment: Payment, answer: Answer) -> Agree | Suspend:
    """Return whether an answer agrees with a finished payment; silence does not disagree."""
    assert payment.status in FINISHED
    ordered = Ordered(payment.order.amount_minor, payment.order.currency)
    has_succeeded = payment.status is PaymentStatus.SUCCEEDED
    cause = contradiction(ordered, answer, has_succeeded=has_succeeded)
    return Agree() if cause is None else Suspend(cause)


def check_again_at(now: datetime, *, checks: int) -> datetime:
    """Return when to ask next whose an account is: ever more rarely, and never not at all."""
    return now + ASK_AFTER[min(checks, len(ASK_AFTER)) - 1]


def ask_again_at(now: datetime, *, asks: int, sent_at: datetime) -> datetime | None:
    """Return when to ask next, or None once only the statement can tell."""
    at = now + ASK_AFTER[min(asks, len(ASK_AFTER) - 1)]
    return at if at <= sent_at + ASK_FOR else None


def contradiction(ordered: Ordered, answer: Answer, *, has_succeeded: bool) -> Cause | None:
    """Return how an answer differs from a certain outcome; silence does not."""
    match answer:
        case Paid():
            if not has_succeeded:
                return Cause.CONTRADICTION
            return None if ordered.is_in(answer) else Cause.WRONG_AMOUNT
        case Returned():
            return Cause.LATE_REVERSAL if has_succeeded else None
        case Declined() | NotSeen() | Conflict():
            return Cause.CONTRADICTION if has_succeeded else None
        case Pending() | NoAnswer():
            return None
        case _:
            assert_never(answer)
