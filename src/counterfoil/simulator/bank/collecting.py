"""The simulated bank's side of auto-debit: accounts, debits by reference, and what goes wrong.

Invariant   One debit per reference however often it arrives; another one under a known reference
            is refused. A debit that is booked stands on the statement of its day, and one that is
            taken back on that of the later day as well.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from counterfoil.kernel import ids
from counterfoil.kernel.money import EXPONENTS
from counterfoil.payments.debit import DebitOrder
from counterfoil.payments.debit_port import DEBIT_RAIL
from counterfoil.payments.rail import (
    Answer,
    Conflict,
    Contract,
    Declined,
    NoAnswer,
    NotSeen,
    Paid,
    Pending,
    Returned,
)
from counterfoil.simulator.bank.bank import Callback, PayoutStatus
from counterfoil.simulator.bank.faults import SCALE_BP, draw
from counterfoil.simulator.bank.journal import Journal
from counterfoil.simulator.bank.receipts import ERROR_MINOR
from counterfoil.simulator.bank.statement_file import statement_text

#: What a bank says of an account with too little in it.
INSUFFICIENT_FUNDS: Final = "insufficient_funds"
DEBIT_MINOR_MAX: Final = 50_000_000_000


class DebitFault(StrEnum):
    """What goes wrong with one debit."""

    NONE = "none"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    #: The order never arrives.
    LOST = "lost"
    #: Collected, and the answer is lost.
    SILENT = "silent"
    #: Collected, and the caller gets a server error.
    ERROR = "error"
    #: Collected, and said twice: in the answer and in two callbacks alike.
    ANSWERS_TWICE = "answers_twice"
    #: Not decided at first; collected when asked again.
    ANSWERS_LATE = "answers_late"
    #: Collected as ordered, answered with another amount; the question is answered right.
    WRONG_AMOUNT_ANSWERED = "wrong_amount_answered"
    #: Neither the order's answer nor any question is ever answered; the statement tells.
    MUTE = "mute"
    #: Collected, and taken back on the bank's next day.
    TAKEN_BACK = "taken_back"


#: The order's own answer is lost after these; a question is answered.
_UNANSWERED: Final = {
    DebitFault.LOST: NoAnswer("ReadTimeout"),
    DebitFault.SILENT: NoAnswer("ReadTimeout"),
    DebitFault.ERROR: NoAnswer("status 500"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BankDebit:
    """What somebody asks the bank to collect, in the bank's own words."""

    reference: str
    #: The mandate as its creditor names it.
    mandate: str
    amount_minor: int
    currency: str
    account: str
    requested_on: date


@dataclass(frozen=True, slots=True)
class Heard:
    """What comes of one order: its answer, and the callbacks after it."""

    answer: Answer
    callbacks: tuple[Callback, ...] = ()


@dataclass(slots=True)
class _Entry:
    order: BankDebit
    value_date: date
    rail_reference: str
    answer: Answer
    #: Questions until a late debit is decided.
    waits: int = 0
    is_mute: bool = False
    #: It will be taken back on the next day.
    is_to_return: bool = False


@dataclass(slots=True)
class CollectingBank:
    """A bank in this process that collects; it is the rail itself, and stands behind its server."""

    seed: int = 0
    name: str = DEBIT_RAIL
    #: Basis points of all debits by fault; the rest go right.
    rates_bp: dict[DebitFault, int] = field(default_factory=dict)
    #: Faults of the very next debits, before the rates count.
    upcoming: list[DebitFault] = field(default_factory=list)
    #: What is collected is written down before anybody hears of it.
    journal: Journal = field(default_factory=lambda: Journal(None))
    #: The bank's own date; never before the day of an order.
    today: date | None = None
    #: How often each reference arrived, for tests of "never a second one".
    arrivals: Counter[str] = field(default_factory=Counter)
    _entries: dict[str, _Entry] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Remember everything the journal knows."""
        for fact in self.journal.facts():
            order = BankDebit(
                reference=fact["reference"],
                mandate=fact["mandate"],
                amount_minor=fact["amount_minor"],
                currency=fact["currency"],
                account=fact["account"],
                requested_on=date.fromisoformat(fact["requested_on"]),
            )
            self.move_to(date.fromisoformat(fact["value_date"]))
            self._book(order, DebitFault(fact["fault"])).waits = 0

    @property
    def contract(self) -> Contract:
        """What the bank has promised."""
        return Contract(
            name=self.name,
            is_reference_idempotent=True,
            currencies=frozenset(EXPONENTS),
            amount_minor_max=DEBIT_MINOR_MAX,
            answer_within=timedelta(seconds=5),
            calls_at_once=100,
        )

    def hear(self, order: BankDebit) -> Heard:
        """Take an order to collect; the same one again moves nothing."""
        self.arrivals[order.reference] += 1
        self.move_to(order.requested_on)
        known = self._entries.get(order.reference)
        if known is not None:
            return Heard(Conflict() if _differs(known.order, order) else self._said(known))
        fault = self._fault_of(order)
        if fault is DebitFault.LOST:
            return Heard(_UNANSWERED[fault])
        entry = self._book(order, fault)
        written = {name: getattr(order, name) for name in BankDebit.__slots__}
        self.journal.append({**written, "value_date": entry.value_date, "fault": fault})
        if fault is DebitFault.MUTE:
            return Heard(self._said(entry))
        answer = _UNANSWERED.get(fault) or self._said(entry)
        if fault is DebitFault.WRONG_AMOUNT_ANSWERED and isinstance(answer, Paid):
            answer = replace(answer, amount_minor=answer.amount_minor + ERROR_MINOR)
        times = 2 if fault is DebitFault.ANSWERS_TWICE else 1
        return Heard(answer, (Callback(order.reference, _status(entry)),) * times)

    def move_to(self, day: date) -> None:
        """Begin a later day: what is to be taken back is taken back."""
        if self.today is not None and day <= self.today:
            return
        self.today = day
        for entry in self._entries.values():
            if entry.is_to_return and isinstance(entry.answer, Paid):
                paid, number = entry.answer, f"{entry.rail_reference}R"
                entry.answer = Returned(paid.amount_minor, paid.currency, day, number)

    async def collect(self, order: DebitOrder, *, requested_on: date) -> Answer:
        """Order a debit under the order's own reference."""
        return self.hear(
            BankDebit(
                reference=order.reference,
                mandate=ids.to_text(ids.MANDATE, order.mandate_id),
                amount_minor=order.amount_minor,
                currency=order.currency,
                account=order.account_ref,
                requested_on=requested_on,
            )
        ).answer

    async def ask(self, reference: str) -> Answer:
        """Ask what became of a reference."""
        entry = self._entries.get(reference)
        return NotSeen() if entry is None else self._said(entry)

    async def statement(self, business_date: date) -> str | None:
        """Return the text of that day's statement of debits."""
        return statement_text(
            (one.order.reference, kind, one.order.amount_minor, one.order.currency, day, number)
            for one in self._entries.values()
            for kind, day, number in _lines(one)
            if day == business_date
        )

    def _book(self, order: BankDebit, fault: DebitFault) -> _Entry:
        assert self.today is not None, "an order has a day"
        rail_reference = f"D{len(self._entries) + 1:012d}"
        answer: Answer = Paid(order.amount_minor, order.currency, self.today, rail_reference)
        if fault is DebitFault.INSUFFICIENT_FUNDS:
            answer = Declined(INSUFFICIENT_FUNDS)
        waits = 1 if fault is DebitFault.ANSWERS_LATE else 0
        is_mute, is_to_return = fault is DebitFault.MUTE, fault is DebitFault.TAKEN_BACK
        entry = _Entry(order, self.today, rail_reference, answer, waits, is_mute, is_to_return)
        self._entries[order.reference] = entry
        return entry

    def _said(self, entry: _Entry) -> Answer:
        if entry.is_mute:
            return NoAnswer("ReadTimeout")
        if entry.waits:
            entry.waits -= 1
            return Pending()
        return entry.answer

    def _fault_of(self, order: BankDebit) -> DebitFault:
        if self.arrivals[order.reference] > 1:
            # What goes wrong goes wrong on the first arrival alone.
            return DebitFault.NONE
        if self.upcoming:
            return self.upcoming.pop(0)
        drawn = draw(self.seed, f"{order.account}/{order.requested_on}", "debit", SCALE_BP)
        for fault, rate_bp in self.rates_bp.items():
            if drawn < rate_bp:
                return fault
            drawn -= rate_bp
        return DebitFault.NONE


def _lines(entry: _Entry) -> list[tuple[str, date, str]]:
    """Return what statements show of a debit: kind, day and number of each movement."""
    paid = ("paid", entry.value_date, entry.rail_reference)
    match entry.answer:
        case Paid():
            return [paid]
        case Returned(returned_on=day, rail_reference=number):
            return [paid, ("returned", day, number)]
        case _:
            return []


def _differs(known: BankDebit, order: BankDebit) -> bool:
    booked = (known.amount_minor, known.currency, known.account, known.mandate)
    return booked != (order.amount_minor, order.currency, order.account, order.mandate)


def _status(entry: _Entry) -> PayoutStatus:
    """Return what a callback says; nobody should believe it."""
    if entry.waits:
        return PayoutStatus.PENDING
    if isinstance(entry.answer, Returned):
        return PayoutStatus.RETURNED
    return PayoutStatus.SUCCEEDED if isinstance(entry.answer, Paid) else PayoutStatus.FAILED
