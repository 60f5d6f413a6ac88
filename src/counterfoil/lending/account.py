"""Everything a decision about one line needs: the line, its loans, and what came of a command.

Invariant   An account is the batch's own working copy. A refused command leaves it untouched; an
            accepted one changes it and appends what happened, so that the next command of the
            same batch sees what a serial run would have shown it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, NamedTuple

from counterfoil.kernel.ids import IdSource
from counterfoil.lending.checkpoint import Checkpoint
from counterfoil.lending.line import Line
from counterfoil.lending.loan import Loan, Parts
from counterfoil.lending.terms import PlanTerms, Prepayment, Terms

#: Channel of repayments out of the customer's credit; nobody else may say it.
CREDIT_CHANNEL: Final = "credit"


class Transaction(NamedTuple):
    """One row of a loan's history."""

    transaction_id: int
    loan_id: int
    sequence: int
    kind: str
    value_date: date
    amount_minor: int
    parts: Parts
    mode: Prepayment
    repayment_id: int | None
    relates_to: int | None
    channel: str
    reason: str | None
    #: What a change of plan changes to; None for every other kind.
    plan: PlanTerms | None = None

    @property
    def is_from_credit(self) -> bool:
        """Return whether the money came out of the customer's credit."""
        return self.channel == CREDIT_CHANNEL


class Movement(NamedTuple):
    """Something that the books have to show; signs as in a repayment: parts are received."""

    kind: str
    #: None where it is no loan that moves.
    loan_id: int | None
    #: The transaction's number, or that of the credit return; None for holds.
    transaction_id: int | None
    product_code: str
    parts: Parts
    #: What is held or released, or what of the credit moves.
    amount_minor: int
    #: The parts came out of the customer's credit, not from outside.
    is_from_credit: bool = False


@dataclass(slots=True)
class CreditReturn:
    """Credit on its way back to the customer; the order of the fields is that of the query."""

    customer_id: int
    return_id: int
    line_id: int
    amount_minor: int
    currency: str
    payee_ref: str
    requested_on: date
    #: `requested`, then `failed` for good, or `paid` and perhaps `bounced`.
    status: str = "requested"
    #: The day on which the payee had the money; None where it was never paid.
    value_date: date | None = None
    rail_reference: str | None = None
    failure_code: str | None = None
    settled_on: date | None = None
    #: The book date on which it was credit again; None unless bounced.
    bounced_on: date | None = None
    #: What of it came back; None where nothing did, or all of it.
    bounced_part_minor: int | None = None

    @property
    def bounced_minor(self) -> int:
        """Return what came back after it was paid."""
        if self.status != "bounced":
            return 0
        return self.amount_minor if self.bounced_part_minor is None else self.bounced_part_minor


class LineEvent(NamedTuple):
    """A change of limit, state or setting."""

    version: int
    kind: str
    before: str | None
    after: str | None
    reason: str
    author: str


class Told(NamedTuple):
    """Something that others must hear; the payload is filled where it is written."""

    kind: str
    subject_id: int
    payload: dict[str, object]


@dataclass(slots=True)
class Account:
    """One line and what is known of it in a batch."""

    line: Line | None
    loans: dict[int, Loan] = field(default_factory=dict)
    #: Transactions of loans whose history was asked for, in order of sequence; of a loan with a
    #: base those valued after it.
    history: dict[int, list[Transaction]] = field(default_factory=dict)
    #: Version in the database; None where the line is new.
    stored_version: int | None = None
    #: The price of the line, or the limit that was agreed for it, is not the stored one.
    has_new_terms: bool = False
    new_loans: set[int] = field(default_factory=set)
    changed_loans: set[int] = field(default_factory=set)
    #: States from which loans are folded again; one without is folded from its start.
    bases: dict[int, Checkpoint] = field(default_factory=dict)
    #: Loans folded again: instalments that they no longer have are dropped.
    refolded_loans: set[int] = field(default_factory=set)
    #: What the last fold of them passed through after the base.
    checkpoints: dict[int, list[Checkpoint]] = field(default_factory=dict)
    #: Numbers of the instalments that the store has, for loans whose history was asked for; of a
    #: loan with a base those that fell due after it.
    stored_instalments: dict[int, set[int]] = field(default_factory=dict)
    returns: dict[int, CreditReturn] = field(default_factory=dict)
    new_returns: set[int] = field(default_factory=set)
    changed_returns: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Accepted:
    """A command that was accepted: the answer and what has to be written for it."""

    answer: dict[str, object]
    transactions: list[Transaction] = field(default_factory=list)
    movements: list[Movement] = field(default_factory=list)
    events: list[LineEvent] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)


class Setting(NamedTuple):
    """What a decision may know besides the account: no clock, no chance, no database."""

    #: Of the line: what new drawings follow.
    terms: Terms
    business_date: date
    now: datetime
    ids: IdSource
    #: Terms of any version, for loans that are older than the line's present one.
    version: Callable[[str, int], Terms] | None = None

    def terms_of(self, loan: Loan) -> Terms:
        """Return the terms that a loan was signed under."""
        if self.version is None or loan.product_version == self.terms.version:
            return self.terms
        return self.version(loan.product_code, loan.product_version)
