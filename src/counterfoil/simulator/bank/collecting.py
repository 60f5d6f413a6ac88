"""The simulated bank's side of auto-debit: accounts, debits by reference, and what goes wrong.

Invariant   One debit per reference however often it arrives; another one under a known reference
            is refused. A debit that is booked stands on the statement of its day.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from counterfoil.kernel.money import EXPONENTS
from counterfoil.payments.debit import DebitOrder
from counterfoil.payments.rail import (
    Answer,
    Conflict,
    Contract,
    Declined,
    NoAnswer,
    NotSeen,
    Paid,
    Pending,
)
from counterfoil.simulator.bank.faults import draw
from counterfoil.simulator.bank.journal import Journal
from counterfoil.simulator.bank.statement_file import statement_text

#: What a bank says of an account with too little in it.
INSUFFICIENT_FUNDS: Final = "insufficient_funds"
DEBIT_MINOR_MAX: Final = 50_000_000_000
_SCALE_BP: Final = 10_000


class DebitFault(StrEnum):
    """What goes wrong with one debit."""

    NONE = "none"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    #: The order never arrives.
    LOST = "lost"
    #: Collected, and the answer is lost.
    SILENT = "silent"
    #: Not decided at first; collected when asked again.
    ANSWERS_LATE = "answers_late"
    #: Neither the order's answer nor any question is ever answered; the statement tells.
    MUTE = "mute"


@dataclass(slots=True)
class _Entry:
    order: DebitOrder
    value_date: date
    rail_reference: str
    answer: Answer
    #: Questions until a late debit is decided.
    waits: int = 0
    is_mute: bool = False


@dataclass(slots=True)
class CollectingBank:
    """A bank in this process that collects; it is the rail itself."""

    seed: int = 0
    name: str = "bank-debits"
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
            days = {name: date.fromisoformat(fact[name]) for name in ("due_on", "business_date")}
            order = DebitOrder(
                **{n: fact[n] for n in DebitOrder.__slots__ if n not in days}, **days
            )
            self.today = date.fromisoformat(fact["value_date"])
            self._book(order, DebitFault(fact["fault"]))
            self._entries[order.reference].waits = 0

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

    async def collect(self, order: DebitOrder, *, requested_on: date) -> Answer:
        """Order a debit under the order's own reference."""
        self.arrivals[order.reference] += 1
        self.today = max(self.today or requested_on, requested_on)
        known = self._entries.get(order.reference)
        if known is not None:
            ordered = (known.order.amount_minor, known.order.account_ref)
            if ordered != (order.amount_minor, order.account_ref):
                return Conflict()
            return self._said(known)
        fault = self._fault_of(order)
        if fault is DebitFault.LOST:
            return NoAnswer("ReadTimeout")
        entry = self._book(order, fault)
        written = {name: getattr(order, name) for name in DebitOrder.__slots__}
        self.journal.append({**written, "value_date": entry.value_date, "fault": fault})
        return NoAnswer("ReadTimeout") if fault is DebitFault.SILENT else self._said(entry)

    async def ask(self, reference: str) -> Answer:
        """Ask what became of a reference."""
        entry = self._entries.get(reference)
        return NotSeen() if entry is None else self._said(entry)

    async def statement(self, business_date: date) -> str | None:
        """Return the text of that day's statement of debits."""
        return statement_text(
            (one.order.reference, "paid", one.order.amount_minor, one.order.currency,
             one.value_date, one.rail_reference)
            for one in self._collected()
            if one.value_date == business_date
        )  # fmt: skip

    def _collected(self) -> list[_Entry]:
        return [one for one in self._entries.values() if isinstance(one.answer, Paid)]

    def _book(self, order: DebitOrder, fault: DebitFault) -> _Entry:
        assert self.today is not None, "an order has a day"
        rail_reference = f"D{len(self._entries) + 1:012d}"
        answer: Answer = Paid(order.amount_minor, order.currency, self.today, rail_reference)
        if fault is DebitFault.INSUFFICIENT_FUNDS:
            answer = Declined(INSUFFICIENT_FUNDS)
        waits = 1 if fault is DebitFault.ANSWERS_LATE else 0
        is_mute = fault is DebitFault.MUTE
        entry = _Entry(order, self.today, rail_reference, answer, waits, is_mute)
        self._entries[order.reference] = entry
        return entry

    def _said(self, entry: _Entry) -> Answer:
        if entry.is_mute:
            return NoAnswer("ReadTimeout")
        if entry.waits:
            entry.waits -= 1
            return Pending()
        return entry.answer

    def _fault_of(self, order: DebitOrder) -> DebitFault:
        if self.arrivals[order.reference] > 1:
            # What goes wrong goes wrong on the first arrival alone.
            return DebitFault.NONE
        if self.upcoming:
            return self.upcoming.pop(0)
        drawn = draw(self.seed, f"{order.account_ref}/{order.due_on}", "debit", _SCALE_BP)
        for fault, rate_bp in self.rates_bp.items():
            if drawn < rate_bp:
                return fault
            drawn -= rate_bp
        return DebitFault.NONE
