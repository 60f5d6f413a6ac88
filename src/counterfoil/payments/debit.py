"""One debit: what its states mean, when it is presented, and what a bank's answer does to it.

States      created → sent → succeeded | failed | unknown. Unknown has ways out: asking by our
            reference, the bank's statement, two people. Never a second reference.
Plan        When and how often is the product's: presentations by days after the due date and time.
            The next one is made only after the one before has failed for certain.
Invariant   Only a well-formed answer that names the ordered amount is money; only a definite no is
            a failure; everything else is doubt. The outcome of a finished debit never changes; that
            the bank took it back later is a fact of its own.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from importlib.resources import files
from typing import Any, Final, NamedTuple, assert_never

from counterfoil.payments.order import reference_of
from counterfoil.payments.rail import (
    SENDS_MAX,
    Agree,
    Answer,
    Confirm,
    Contract,
    Doubt,
    Judgement,
    Ordered,
    Outcome,
    Release,
    Returned,
    Suspend,
    ask_again_at,
    contradiction,
    judge_answer,
)

#: Which presentations there are where a product names none of its own.
DEFAULT_PLAN: Final = "default"
#: A debit of an amount that was paid meanwhile is never sent.
NOTHING_DUE: Final = "nothing_due"
MANDATE_ENDED: Final = "mandate_ended"


class DebitStatus(StrEnum):
    """Where a debit stands."""

    CREATED = "created"
    SENT = "sent"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


FINISHED: Final = frozenset({DebitStatus.SUCCEEDED, DebitStatus.FAILED})


class DebitAct(StrEnum):
    """What is done next with a debit."""

    SEND = "send"
    ASK = "ask"
    SETTLE = "settle"
    #: Ask about one that is finished: somebody hinted at it.
    VERIFY = "verify"
    #: Tell the books that what was collected went back.
    UNDO = "undo"


#: Acts for which the bank is called.
CALLS: Final = frozenset({DebitAct.SEND, DebitAct.ASK, DebitAct.VERIFY})


class Presentation(NamedTuple):
    """When a debit is presented."""

    days_after: int
    at: time


@dataclass(frozen=True, slots=True, kw_only=True)
class DebitOrder:
    """What the bank is asked to collect, and under which mandate."""

    customer_id: int
    debit_id: int
    mandate_id: int
    line_id: int
    #: The loan that is due longest.
    loan_id: int
    lender_id: str
    #: The due date of what is collected.
    due_on: date
    #: 1 for the first presentation.
    presentation_no: int
    #: Minor units; always positive.
    amount_minor: int
    currency: str
    #: Token of the account, never its number.
    account_ref: str
    business_date: date

    @property
    def reference(self) -> str:
        """Return our reference, the only one this debit is ever sent under."""
        return reference_of(self.debit_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Debit:
    """One debit as its row says."""

    order: DebitOrder
    status: DebitStatus
    sends: int
    asks: int
    act_no: int
    sent_at: datetime | None
    is_not_seen: bool
    #: What is certain; None while nothing is.
    outcome: Outcome | None
    value_date: date | None
    rail_reference: str | None
    failure_code: str | None
    #: The day on which the bank took it back; None where it did not.
    bounced_on: date | None = None
    #: When the books had taken note of that.
    bounce_booked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Bounced:
    """The bank has taken a collected debit back, whole."""

    on: date


def load_plans() -> Mapping[str, Sequence[Presentation]]:
    """Return the presentations by product; raise ValueError where the file is not as it must be."""
    text = files("counterfoil.payments").joinpath("debit_plans.toml").read_text("utf-8")
    return read_plans(tomllib.loads(text))


def read_plans(document: Mapping[str, Any]) -> dict[str, tuple[Presentation, ...]]:
    """Return the presentations of a document by product, in the order of their times."""
    plans = {}
    for product, given in document.items():
        plan = tuple(_presentation(text) for text in given["presentations"])
        if not plan or list(plan) != sorted(set(plan)):
            raise ValueError(f"{product}: presentations follow each other in time")
        plans[product] = plan
    if DEFAULT_PLAN not in plans:
        raise ValueError(f"the plan {DEFAULT_PLAN!r} is missing")
    return plans


def presentation_due(
    plan: Sequence[Presentation], *, due_on: date, made: int, now: datetime
) -> int | None:
    """Return the number of the presentation that is to be made now, or None.

    `made` have been and failed. Of presentations whose time has passed unused only one is made up
    for: a bank that was down over two of them is not asked twice in a row.
    """
    passed = [
        number
        for number, one in enumerate(plan, start=1)
        if datetime.combine(due_on + timedelta(days=one.days_after), one.at, now.tzinfo) <= now
    ]
    return passed[-1] if passed and passed[-1] > made else None


def choose_act(debit: Debit, contract: Contract) -> DebitAct:
    """Return what is to be done next with a debit whose time has come."""
    if debit.status in FINISHED:
        is_to_undo = debit.bounced_on is not None and debit.bounce_booked_at is None
        return DebitAct.UNDO if is_to_undo else DebitAct.VERIFY
    if debit.outcome is not None:
        return DebitAct.SETTLE
    if debit.status is DebitStatus.CREATED:
        return DebitAct.SEND
    may_send_again = contract.is_reference_idempotent and debit.sends < SENDS_MAX
    return DebitAct.SEND if debit.is_not_seen and may_send_again else DebitAct.ASK


def status_after_act(status: DebitStatus, act: DebitAct) -> DebitStatus:
    """Return the state that is written down before the bank is called."""
    match act:
        case DebitAct.SEND:
            return DebitStatus.SENT
        case DebitAct.ASK:
            return DebitStatus.UNKNOWN
        case DebitAct.SETTLE | DebitAct.VERIFY | DebitAct.UNDO:
            return status
        case _:
            assert_never(act)


def judge_debit(order: DebitOrder, answer: Answer, *, act: DebitAct) -> Judgement:
    """Return what an answer means for a debit not yet finished."""
    ordered = Ordered(order.amount_minor, order.currency)
    is_question = act is DebitAct.ASK
    return judge_answer(ordered, answer, is_question=is_question, returned="returned_by_bank")


def judge_finished(debit: Debit, answer: Answer) -> Bounced | Suspend | Agree:
    """Return what an answer means for a debit whose outcome is certain; silence means nothing.

    The whole amount of a collected debit taken back is a fact; a part of it is for people.
    """
    ordered = Ordered(debit.order.amount_minor, debit.order.currency)
    has_succeeded = debit.outcome is Outcome.SUCCEEDED
    if isinstance(answer, Returned) and has_succeeded and ordered.is_in(answer):
        return Agree() if debit.bounced_on else Bounced(answer.returned_on)
    cause = contradiction(ordered, answer, has_succeeded=has_succeeded)
    return Agree() if cause is None else Suspend(cause)


def next_act_at(debit: Debit, verdict: Judgement, *, now: datetime) -> datetime | None:
    """Return when something is to be done next; None where only a statement or people can help."""
    match verdict:
        case Confirm() | Release():
            return now
        case Doubt():
            return ask_again_at(now, asks=debit.asks, sent_at=debit.sent_at or now)
        case Suspend():
            return None
        case _:
            assert_never(verdict)


def _presentation(text: str) -> Presentation:
    days, _, at = text.partition(" ")
    return Presentation(int(days), time.fromisoformat(at))
