"""What can be asked of a credit line; each command names one customer and one line.

Units       Amounts in minor units, dates are business dates.
Invariant   A command is what somebody asked for and nothing that follows from it, so that its
            fingerprint is the same on every retry.
"""

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from counterfoil.lending.terms import Method, Prepayment


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLine:
    """Open a line from an accepted offer."""

    customer_id: int
    line_id: int
    application_id: int
    product_code: str
    product_version: int
    limit_minor: int
    currency: str
    rate_daily_e8: int
    repayment_day: int
    #: The signed agreement and the SHA-256 of its text; None where none is signed yet, and then
    #: nothing can be drawn.
    contract_id: int | None = None
    agreement_sha256: bytes | None = None


class Agreement(NamedTuple):
    """What the customer agreed to when the cost sheet was shown."""

    rate_daily_e8: int
    repayment_day: int
    product_version: int
    #: The business date of the quote, and the only one on which it may be drawn with.
    quoted_on: date
    #: The credit agreement under which it was quoted.
    contract_id: int
    #: Template, version and language of the loan note that was shown, as `loan-note/1/zh`.
    note_ref: str
    #: SHA-256 of its text.
    note_sha256: bytes
    #: When the cost sheet was handed out, POSIX milliseconds by the server's clock, and for how
    #: many milliseconds it is to be read at least; 0 where nobody measured.
    shown_ms: int = 0
    reading_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Draw on a line: hold the amount and ask for its payout."""

    customer_id: int
    line_id: int
    amount_minor: int
    currency: str
    tenor_months: int
    method: Method
    purpose: str
    payee_ref: str
    cost_sheet_hash: bytes
    #: None where a cost is only being tried out; nothing is lent without an agreement.
    agreement: Agreement | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmPayout:
    """The rail confirmed that the money arrived on the value date: the loan begins."""

    customer_id: int
    line_id: int
    loan_id: int
    payment_id: int
    value_date: date
    rail_reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FailPayout:
    """The rail refused for good: release the hold, no loan and no interest."""

    customer_id: int
    line_id: int
    loan_id: int
    payment_id: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Repay:
    """Money came in: for one loan, some that are named, or all of the line in their order."""

    customer_id: int
    line_id: int
    loan_id: int | None
    amount_minor: int
    currency: str
    #: The day from which it counts; None for the business date.
    value_date: date | None
    mode: Prepayment
    channel: str
    #: Several loans in the customer's order; empty where one is named alone, or none.
    loan_ids: tuple[int, ...] = ()
    #: Whether these are paid off one after the other, instead of in the order of the law.
    is_in_named_order: bool = False

    @property
    def named_loans(self) -> tuple[int, ...]:
        """Return every loan that is named; named both ways it stands there twice."""
        return self.loan_ids if self.loan_id is None else (self.loan_id, *self.loan_ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReverseRepayment:
    """A payment bounced or was booked in error: the loans are folded again without it."""

    customer_id: int
    line_id: int
    repayment_id: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnCredit:
    """The customer wants kept money back: set it aside and ask for its payout."""

    customer_id: int
    line_id: int
    amount_minor: int
    currency: str
    #: Token of the customer's account, never its number.
    payee_ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCredit:
    """The customer wants kept money to repay: one loan, or the loans of the line in order."""

    customer_id: int
    line_id: int
    loan_id: int | None
    amount_minor: int
    currency: str
    mode: Prepayment


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmReturn:
    """The rail confirmed that returned credit arrived on the value date."""

    customer_id: int
    line_id: int
    return_id: int
    payment_id: int
    value_date: date
    rail_reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FailReturn:
    """The rail refused for good: the credit is kept as before."""

    customer_id: int
    line_id: int
    return_id: int
    payment_id: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BounceReturn:
    """Returned credit came back after the rail had confirmed it, whole or in part."""

    customer_id: int
    line_id: int
    return_id: int
    payment_id: int
    #: What came back.
    amount_minor: int
    #: The day on which the money was back.
    value_date: date
    rail_reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLimit:
    """Lower the limit, or raise it as far as the customer has agreed."""

    customer_id: int
    line_id: int
    limit_minor: int
    reason: str
    author: str
    #: Only where this is still the limit; None for whatever it is.
    from_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLimitAsWished(SetLimit):
    """Set the limit as the customer asked: a lower one is all that is agreed from then on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseLimit(SetLimit):
    """Raise the limit to what the customer agreed to by a signed amendment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeLine:
    """Stop drawing, until a day or until it is lifted."""

    customer_id: int
    line_id: int
    until: date | None
    reason: str
    author: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfreezeLine:
    """Lift a freeze."""

    customer_id: int
    line_id: int
    reason: str
    author: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspendLine:
    """Stop drawing until the line is reinstated; nothing ends it by itself."""

    customer_id: int
    line_id: int
    reason: str
    author: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReinstateLine:
    """Lift a suspension."""

    customer_id: int
    line_id: int
    reason: str
    author: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreLimit:
    """Give back a limit that was lowered; no raise, and nothing that is agreed to anew."""

    customer_id: int
    line_id: int
    limit_minor: int
    #: Only where this is still the limit.
    from_minor: int
    reason: str
    author: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseLine:
    """Close a line on which nothing is owed."""

    customer_id: int
    line_id: int
    reason: str
    author: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetOwnCap:
    """Set the customer's own ceiling below the limit, or take it away."""

    customer_id: int
    line_id: int
    cap_minor: int | None
    author: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRepaymentDay:
    """Choose the day of the month on which new drawdowns fall due."""

    customer_id: int
    line_id: int
    repayment_day: int
    author: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveRepaymentDay:
    """Choose another day of the month, for new drawdowns and for the loans that run."""

    customer_id: int
    line_id: int
    repayment_day: int
    #: SHA-256 of the effect that the customer was shown and agreed to.
    effect_sha256: bytes
    author: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectDebit:
    """An auto-debit brought money in: for what is due, else kept as credit."""

    customer_id: int
    line_id: int
    #: The loan that was due when the debit was ordered; takes what no running loan does.
    loan_id: int
    amount_minor: int
    currency: str
    value_date: date
    debit_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeTransfer:
    """A customer's own transfer came in: for the line's loans or one, else kept as credit."""

    customer_id: int
    line_id: int
    #: Takes what no loan that it is for does.
    loan_id: int
    #: Whether the payer named this loan, so that nothing of it goes to another debt.
    is_for_loan: bool
    amount_minor: int
    currency: str
    value_date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplanLoan:
    """Let a running loan go on under another rate or tenor, as was shown and agreed."""

    customer_id: int
    line_id: int
    loan_id: int
    #: 1e-8 per day; None where it stays.
    rate_daily_e8: int | None
    #: Instalments from the start to the end; None where it stays.
    tenor_months: int | None
    #: The day from which it counts; None for the business date.
    value_date: date | None
    #: Why, in a word: `rate_lowered`, `term_shortened`.
    reason: str
    author: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnPayout:
    """The rail took its confirmation back: the money of a loan never arrived."""

    customer_id: int
    line_id: int
    loan_id: int
    payment_id: int
    #: The day on which the money was back.
    value_date: date
    rail_reference: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceAgreement:
    """Put a new version of the agreement in the place of the one that new drawings follow."""

    customer_id: int
    line_id: int
    contract_id: int
    agreement_sha256: bytes
    #: The version of the product that its terms are of.
    product_version: int
    #: The daily price, 1e-8, that was agreed to; None where it stays.
    rate_daily_e8: int | None = None
    #: The limit that was agreed to; None where it stays.
    limit_minor: int | None = None
    author: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvanceLoans:
    """The close of day: let happen what falls on the days up to the business date."""

    customer_id: int
    line_id: int


Command = (
    OpenLine
    | Draw
    | ConfirmPayout
    | FailPayout
    | Repay
    | ReverseRepayment
    | ReturnCredit
    | UseCredit
    | ConfirmReturn
    | FailReturn
    | BounceReturn
    | SetLimit
    | SetLimitAsWished
    | RaiseLimit
    | FreezeLine
    | UnfreezeLine
    | SuspendLine
    | ReinstateLine
    | RestoreLimit
    | CloseLine
    | SetOwnCap
    | SetRepaymentDay
    | MoveRepaymentDay
    | CollectDebit
    | TakeTransfer
    | ReplanLoan
    | ReturnPayout
    | ReplaceAgreement
    | AdvanceLoans
)
