"""The rows of a loan with what is due, what was paid and when; transactions and charges.

Invariant   Paid never exceeds due in any cell; paid in advance and late are parts of what is paid.
Units       Minor units.
"""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from counterfoil.lending.conventions.schedule import Row
from counterfoil.lending.conventions.terms import ChargeKind


class Part(StrEnum):
    """The four parts of what is owed."""

    PENALTY = "penalty"
    FEE = "fee"
    INTEREST = "interest"
    PRINCIPAL = "principal"


PART_OF_CHARGE = {ChargeKind.FEE: Part.FEE, ChargeKind.PENALTY: Part.PENALTY}


class TransactionKind(StrEnum):
    """What happened to the loan."""

    DISBURSEMENT = "Disbursement"
    DOWN_PAYMENT = "Down Payment"
    REPAYMENT = "Repayment"
    ACCRUAL = "Accrual"
    CHARGE_OFF = "Charge-off"
    RE_AGE = "Re-age"
    RE_AMORTISE = "Re-amortize"


@dataclass(slots=True, kw_only=True)
class Charge:
    """One fee or penalty of a row."""

    kind: ChargeKind
    due_date: date
    amount_minor: int
    paid_minor: int = 0
    accrued: bool = False

    @property
    def outstanding_minor(self) -> int:
        """Return what is still to be paid of it."""
        return self.amount_minor - self.paid_minor


@dataclass(slots=True, kw_only=True)
class BookRow:
    """One instalment with its payments."""

    start_date: date
    due_date: date
    principal_minor: int
    interest_minor: int
    #: Counted as a numbered instalment; a down payment is one too.
    charges: list[Charge] = field(default_factory=list)
    principal_paid_minor: int = 0
    interest_paid_minor: int = 0
    in_advance_minor: int = 0
    late_minor: int = 0
    settled_on: date | None = None
    interest_accrued_minor: int = 0

    def due_of(self, part: Part) -> int:
        """Return what is due of a part."""
        if part is Part.PRINCIPAL:
            return self.principal_minor
        if part is Part.INTEREST:
            return self.interest_minor
        return sum(c.amount_minor for c in self.charges if PART_OF_CHARGE[c.kind] is part)

    def paid_of(self, part: Part) -> int:
        """Return what was paid of a part."""
        if part is Part.PRINCIPAL:
            return self.principal_paid_minor
        if part is Part.INTEREST:
            return self.interest_paid_minor
        return sum(c.paid_minor for c in self.charges if PART_OF_CHARGE[c.kind] is part)

    def outstanding_of(self, part: Part) -> int:
        """Return what is left of a part."""
        return self.due_of(part) - self.paid_of(part)

    @property
    def due_minor(self) -> int:
        """Return everything due with the row."""
        return sum(self.due_of(part) for part in Part)

    @property
    def paid_minor(self) -> int:
        """Return everything paid on the row."""
        return sum(self.paid_of(part) for part in Part)

    @property
    def outstanding_minor(self) -> int:
        """Return everything left of the row."""
        return self.due_minor - self.paid_minor

    def pay(self, part: Part, amount_minor: int, on: date, *, charges_due_only: bool) -> int:
        """Pay up to the amount on one part and return what was taken."""
        if part in {Part.PRINCIPAL, Part.INTEREST}:
            taken = min(amount_minor, self.outstanding_of(part))
            if part is Part.PRINCIPAL:
                self.principal_paid_minor += taken
            else:
                self.interest_paid_minor += taken
        else:
            taken = self._pay_charges(part, amount_minor, on, due_only=charges_due_only)
        self._note(taken, on)
        return taken

    def _pay_charges(self, part: Part, amount_minor: int, on: date, *, due_only: bool) -> int:
        """Pay the charges of a part, oldest first."""
        left = amount_minor
        for charge in sorted(self.charges, key=lambda one: one.due_date):
            if PART_OF_CHARGE[charge.kind] is not part or (due_only and charge.due_date > on):
                continue
            taken = min(left, charge.outstanding_minor)
            charge.paid_minor += taken
            left -= taken
        return amount_minor - left

    def _note(self, taken_minor: int, on: date) -> None:
        """Keep whether it came before or after the due date, and when the row was settled."""
        if not taken_minor:
            return
        if on < self.due_date:
            self.in_advance_minor += taken_minor
        elif on > self.due_date:
            self.late_minor += taken_minor
        if self.outstanding_minor == 0:
            self.settled_on = on


@dataclass(slots=True, kw_only=True)
class Transaction:
    """What happened, with how much of it went to each part."""

    kind: TransactionKind
    on: date
    amount_minor: int
    #: What was taken of each part; nothing for a disbursement.
    parts: dict[Part, int] = field(default_factory=dict)
    #: Principal outstanding after it; None where the kind does not move it.
    balance_minor: int | None = None
    reversed: bool = False
    replayed: bool = False
    #: Position of the event it stands for, in the order of entry.
    sequence: int = 0


@dataclass(slots=True, kw_only=True)
class Book:
    """The state of a loan: a cache of the fold of its events."""

    rows: list[BookRow] = field(default_factory=list)
    #: Date and amount of each draw.
    draws: list[tuple[date, int]] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    overpaid_minor: int = 0
    charged_off: bool = False
    #: Whether the daily close's accruals follow from the conventions.
    accruals_known: bool = True
    closed_to: date | None = None

    @property
    def charges(self) -> list[Charge]:
        """Return the charges of all rows by due date."""
        return sorted((c for row in self.rows for c in row.charges), key=lambda c: c.due_date)

    @property
    def outstanding_minor(self) -> int:
        """Return everything left to be paid."""
        return sum(row.outstanding_minor for row in self.rows)

    @property
    def principal_outstanding_minor(self) -> int:
        """Return the principal drawn and not repaid."""
        paid = sum(row.principal_paid_minor for row in self.rows)
        return sum(amount for _, amount in self.draws) - paid


def open_rows(rows: list[Row]) -> list[BookRow]:
    """Return planned rows as rows of a book, nothing paid yet."""
    return [
        BookRow(
            start_date=row.start_date,
            due_date=row.due_date,
            principal_minor=row.principal_minor,
            interest_minor=row.interest_minor,
        )
        for row in rows
    ]
