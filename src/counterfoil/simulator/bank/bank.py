"""What the simulated bank does with orders and questions; transport is somebody else's matter.

Invariant   One order per reference however often it arrives; another order under a known reference
            is refused. What is booked is in the journal before anybody hears of it.
Dates       The bank's date only moves forward: with the orders that arrive, by hand, or because
            somebody fetched the statement of a day, which ends that day.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final

from counterfoil.simulator.bank.faults import SILENT, Fault, FaultPlan, draw
from counterfoil.simulator.bank.journal import Journal
from counterfoil.simulator.bank.receipts import ERROR_MINOR, Receipt, ReceiptFault

#: What a bank says of an account that is closed.
ACCOUNT_CLOSED: Final = "payee_account_closed"


class PayoutStatus(StrEnum):
    """Where a payout stands at the bank."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What somebody asks the bank to pay."""

    reference: str
    amount_minor: int
    currency: str
    payee: str
    requested_on: date


@dataclass(slots=True, kw_only=True)
class Entry:
    """One payout as the bank has booked it."""

    reference: str
    ordered_minor: int
    #: What really moved.
    amount_minor: int
    currency: str
    payee: str
    status: PayoutStatus
    value_date: date
    rail_reference: str
    fault: Fault
    returned_on: date | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What the bank says of one payout."""

    reference: str
    status: PayoutStatus
    amount_minor: int
    currency: str
    value_date: date
    rail_reference: str
    returned_on: date | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Callback:
    """What the bank sends on its own account; nobody should believe it."""

    reference: str
    status: PayoutStatus


class Manner(StrEnum):
    """In which way the caller hears, or does not hear, from the bank."""

    ANSWER = "answer"
    SILENCE = "silence"
    SERVER_ERROR = "server_error"
    CONFLICT = "conflict"
    NOT_SEEN = "not_seen"


@dataclass(frozen=True, slots=True)
class Handling:
    """What comes of one call: how it is answered, and the callbacks around the answer."""

    manner: Manner
    reply: Reply | None = None
    callbacks_before: tuple[Callback, ...] = ()
    callbacks_after: tuple[Callback, ...] = ()


@dataclass(slots=True)
class Bank:
    """The bank's books."""

    journal: Journal = field(default_factory=lambda: Journal(None))
    plan: FaultPlan = field(default_factory=FaultPlan)
    #: The bank's own date; None until the first order or by hand.
    today: date | None = None
    entries: dict[str, Entry] = field(default_factory=dict)
    #: References by the date of their lines, in the order of booking; returned ones marked.
    days: dict[date, list[tuple[str, bool]]] = field(default_factory=dict)
    #: What came in, by the date of its line.
    receipts: dict[date, list[Receipt]] = field(default_factory=dict)
    #: In whose name accounts are; one that is not here is in any name, of one without a name the
    #: bank cannot say it.
    holders: dict[str, str | None] = field(default_factory=dict)
    #: Orders that wait somewhere on the way.
    _late: dict[str, Order] = field(default_factory=dict)
    #: References that got lost once: what goes wrong goes wrong on the first arrival alone.
    _lost: set[str] = field(default_factory=set)
    #: Dictionaries as ordered sets: what is not decided yet, and what will come back.
    _pending: dict[str, None] = field(default_factory=dict)
    _to_return: dict[str, None] = field(default_factory=dict)
    _asks: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Remember everything the journal knows."""
        for fact in self.journal.facts():
            self._recall(fact)

    # What callers do

    def holds(self, payee: str, name: str) -> bool | None:
        """Return whether an account is in a name; None where the bank cannot say."""
        holder = self.holders.get(payee, name)
        return None if holder is None else holder == name

    def name_account(self, payee: str, holder: str | None) -> None:
        """Put an account in a name, or let the bank not know whose it is."""
        self.holders[payee] = holder
        self.journal.append({"fact": "holder", "payee": payee, "holder": holder})

    def receive(
        self,
        reference: str,
        amount_minor: int,
        currency: str,
        *,
        on: date,
        account: str = "",
        payer_name: str = "",
        fault: ReceiptFault = ReceiptFault.NONE,
    ) -> Receipt:
        """Take in money for the lender; the statement of the bank's day shows it.

        `fault` is what goes wrong with it on the way to the lender's statements.
        """
        if self.today is None or on > self.today:
            self.move_to(on)
        assert self.today is not None
        receipt = Receipt(
            reference=reference,
            amount_minor=amount_minor,
            currency=currency,
            value_date=self.today,
            rail_reference=f"R{sum(map(len, self.receipts.values())) + 1:012d}",
            account=account,
            payer_name=payer_name,
            fault=fault,
        )
        self.receipts.setdefault(receipt.value_date, []).append(receipt)
        written = {name: getattr(receipt, name) for name in Receipt.__slots__}
        self.journal.append({"fact": "receipt", **written})
        return receipt

    def order(self, order: Order) -> Handling:
        """Take an order to pay."""
        known = self.entries.get(order.reference)
        if known is not None:
            if _differs(known, order):
                return Handling(Manner.CONFLICT)
            return Handling(Manner.ANSWER, _reply(known))
        if order.reference in self._late:
            # The repetition arrives before the first copy; the first copy is then the repetition.
            self._late.pop(order.reference)
            return Handling(Manner.ANSWER, _reply(self._book(order, Fault.NONE)))
        if order.reference in self._lost:
            return _handling(self._book(order, Fault.NONE))
        fault = self.plan.fault_of(order.reference)
        if fault is Fault.TIMEOUT_BEFORE_ACCEPT:
            self._lost.add(order.reference)
            return Handling(Manner.SILENCE)
        if fault is Fault.ANSWERS_LATE:
            self._late[order.reference] = order
            return Handling(Manner.SILENCE)
        return _handling(self._book(order, fault))

    def ask(self, reference: str) -> Handling:
        """Say what became of a reference."""
        ask_no = self._asks[reference] = self._asks.get(reference, 0) + 1
        if self.plan.is_silent_on_ask(reference, ask_no):
            return Handling(Manner.SILENCE)
        entry = self.entries.get(reference)
        if entry is None:
            late = self._late.pop(reference, None)
            if late is not None:
                self._book(late, Fault.NONE)
            return Handling(Manner.NOT_SEEN)
        if entry.status is PayoutStatus.PENDING:
            self._change(entry, PayoutStatus.SUCCEEDED)
        return Handling(Manner.ANSWER, _reply(entry))

    def statement_lines(self, day: date) -> Iterator[tuple[Entry, bool, int]]:
        """End a day and return its lines: entry, whether it came back, amount as stated."""
        if self.today is None or day >= self.today:
            self.move_to(day + timedelta(days=1))
        for reference, is_return in self.days.get(day, ()):
            entry = self.entries[reference]
            stated = entry.amount_minor
            if entry.fault is Fault.STATEMENT_MISMATCH and not is_return:
                if draw(self.plan.seed, reference, "statement", 2):
                    continue
                stated += ERROR_MINOR
            yield entry, is_return, stated

    def move_to(self, day: date) -> None:
        """Begin a later day: what is still on its way is booked, what comes back comes back."""
        if self.today is not None and day <= self.today:
            return
        late, self._late = self._late, {}
        for order in late.values():
            self._book(order, Fault.NONE)
        for reference in list(self._pending):
            self._change(self.entries[reference], PayoutStatus.SUCCEEDED)
        self.today = day
        self.journal.append({"fact": "date", "today": day})
        for reference in list(self._to_return):
            self._change(self.entries[reference], PayoutStatus.RETURNED, returned_on=day)

    def counts(self) -> Mapping[str, int]:
        """Return how many payouts stand where."""
        counts = dict.fromkeys((status.value for status in PayoutStatus), 0)
        for entry in self.entries.values():
            counts[entry.status.value] += 1
        return counts

    # What the books hold

    def _book(self, order: Order, fault: Fault) -> Entry:
        """Carry out an order, or refuse it for good, and write that down."""
        if self.today is None or order.requested_on > self.today:
            self.move_to(order.requested_on)
        assert self.today is not None
        is_wrong = fault is Fault.WRONG_AMOUNT_BOOKED
        entry = Entry(
            reference=order.reference,
            ordered_minor=order.amount_minor,
            amount_minor=order.amount_minor + (ERROR_MINOR if is_wrong else 0),
            currency=order.currency,
            payee=order.payee,
            status=_first_status(fault),
            value_date=self.today,
            rail_reference=f"B{len(self.entries) + 1:012d}",
            fault=fault,
        )
        self._remember_entry(entry)
        written = {name: getattr(entry, name) for name in Entry.__slots__}
        self.journal.append({"fact": "entry", **written})
        return entry

    def _remember_entry(self, entry: Entry) -> None:
        assert entry.reference not in self.entries, "one entry per reference"
        self.entries[entry.reference] = entry
        if entry.status is not PayoutStatus.FAILED:
            self.days.setdefault(entry.value_date, []).append((entry.reference, False))
        if entry.status is PayoutStatus.PENDING:
            self._pending[entry.reference] = None
        if entry.fault is Fault.LATE_REVERSAL:
            self._to_return[entry.reference] = None

    def _change(
        self, entry: Entry, status: PayoutStatus, *, returned_on: date | None = None
    ) -> None:
        self._remember_status(entry, status, returned_on)
        self.journal.append(
            {
                "fact": "status",
                "reference": entry.reference,
                "status": status,
                "returned_on": returned_on,
            }
        )

    def _remember_status(
        self, entry: Entry, status: PayoutStatus, returned_on: date | None
    ) -> None:
        entry.status = status
        self._pending.pop(entry.reference, None)
        if returned_on is not None:
            entry.returned_on = returned_on
            self._to_return.pop(entry.reference)
            self.days.setdefault(returned_on, []).append((entry.reference, True))

    def _recall(self, fact: Mapping[str, Any]) -> None:
        """Take one fact of the journal back into the books."""
        match fact["fact"]:
            case "date":
                self.today = date.fromisoformat(fact["today"])
            case "entry":
                fields = {name: value for name, value in fact.items() if name != "fact"}
                fields["status"] = PayoutStatus(fields["status"])
                fields["fault"] = Fault(fields["fault"])
                fields["value_date"] = date.fromisoformat(fields["value_date"])
                self._remember_entry(Entry(**fields))
            case "receipt":
                fields = {name: value for name, value in fact.items() if name != "fact"}
                fields["value_date"] = date.fromisoformat(fields["value_date"])
                fields["fault"] = ReceiptFault(fields.get("fault", ReceiptFault.NONE))
                self.receipts.setdefault(fields["value_date"], []).append(Receipt(**fields))
            case "holder":
                self.holders[fact["payee"]] = fact["holder"]
            case _:
                entry = self.entries[fact["reference"]]
                day = fact["returned_on"] and date.fromisoformat(fact["returned_on"])
                self._remember_status(entry, PayoutStatus(fact["status"]), day)


def _first_status(fault: Fault) -> PayoutStatus:
    if fault is Fault.REFUSES:
        return PayoutStatus.FAILED
    return PayoutStatus.PENDING if fault is Fault.CALLBACK_LOST else PayoutStatus.SUCCEEDED


def _differs(entry: Entry, order: Order) -> bool:
    booked = (entry.ordered_minor, entry.currency, entry.payee)
    return booked != (order.amount_minor, order.currency, order.payee)


def _reply(entry: Entry) -> Reply:
    return Reply(
        entry.reference,
        entry.status,
        entry.amount_minor,
        entry.currency,
        entry.value_date,
        entry.rail_reference,
        entry.returned_on,
        ACCOUNT_CLOSED if entry.status is PayoutStatus.FAILED else None,
    )


def _handling(entry: Entry) -> Handling:
    """Return how the first arrival of an order that was booked is answered."""
    told = Callback(entry.reference, entry.status)
    match entry.fault:
        case Fault.ERROR_AFTER_ACCEPT:
            return Handling(Manner.SERVER_ERROR, callbacks_after=(told,))
        case fault if fault in SILENT:
            return Handling(Manner.SILENCE, callbacks_after=(told,))
        case Fault.WRONG_AMOUNT_ANSWERED:
            reply = _reply(entry)
            wrong = Reply(
                reply.reference,
                reply.status,
                reply.amount_minor + ERROR_MINOR,
                reply.currency,
                reply.value_date,
                reply.rail_reference,
            )
            return Handling(Manner.ANSWER, wrong)
        case Fault.ANSWERS_TWICE:
            return Handling(Manner.ANSWER, _reply(entry), callbacks_after=(told, told))
        case Fault.CALLBACK_LOST:
            return Handling(Manner.ANSWER, _reply(entry))
        case Fault.CALLBACK_EARLY:
            return Handling(Manner.ANSWER, _reply(entry), callbacks_before=(told,))
        case Fault.CALLBACK_CONTRADICTS:
            lie = Callback(entry.reference, PayoutStatus.FAILED)
            return Handling(Manner.ANSWER, _reply(entry), callbacks_after=(lie,))
        case _:
            return Handling(Manner.ANSWER, _reply(entry), callbacks_after=(told,))
