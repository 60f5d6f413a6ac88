"""What settles a loan, or all loans of a line, on a day that the customer chooses.

Invariant   The amount that is quoted closes each loan of the quote to exactly zero when it arrives
            on the day named, as long as nothing else is booked on them before; then the quote says
            that it has changed. No interest runs after that day.
Units       Minor units.
Valid       To the end of the day named, in the lender's time zone. Money with that value date that
            is booked later closes as well, because its loans are folded from its day.
Follows     R040: no interest for time in which the money is not used; early fees only as they stand
            on the cost sheet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any, Final

from counterfoil.kernel import ids
from counterfoil.kernel.calendar import ONE_DAY
from counterfoil.kernel.creditor_reference import reference_of
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending import refusals
from counterfoil.lending.loan import Loan, payoff_minor
from counterfoil.lending.quote import PayoffQuote, quote_payoff

#: How far ahead a day may lie: longer, and instalments that fall due on the way say little.
DAYS_MAX: Final = 31


class SettlementState(StrEnum):
    """How a quote stands; told from the loans, and stored nowhere."""

    VALID = "valid"
    #: Something else was booked: the amount would not be the same today.
    CHANGED = "changed"
    #: Nothing is owed on its loans any more.
    SETTLED = "settled"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementQuote:
    """A quote as the customer was given it."""

    customer_id: int
    quote_id: int
    line_id: int
    settle_on: date
    currency: str
    amount_minor: int
    #: What closes each loan, by loan, in the form of its answer.
    loans: tuple[Mapping[str, Any], ...]
    valid_until: datetime
    made_on: date
    made_at: datetime
    author: str

    @property
    def loan_ids(self) -> list[int]:
        """Return the loans that it closes."""
        return [ids.from_text(ids.LOAN, loan["loan_id"]) for loan in self.loans]


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementWish:
    """For what a quote is asked."""

    customer_id: int
    line_id: int
    #: None for all loans of the line.
    loan_id: int | None
    #: None for the business date.
    settle_on: date | None
    author: str


def quote_settlement(
    wish: SettlementWish,
    loans: Sequence[Loan],
    *,
    quote_id: int,
    business_date: date,
    now: datetime,
    zone: tzinfo,
) -> SettlementQuote | Refused:
    """Return what closes the running ones of some loans on a day."""
    on = wish.settle_on or business_date
    if on < business_date:
        return refuse(refusals.PAYOFF_DATE_PAST, business_date=business_date.isoformat())
    latest = business_date + timedelta(days=DAYS_MAX)
    if on > latest:
        return refuse(refusals.SETTLEMENT_TOO_FAR, latest=latest.isoformat())
    if any(loan.status == "pending" for loan in loans):
        # Its money may arrive on any of the days.
        return refuse(refusals.LOAN_PENDING)
    running = [loan for loan in loans if loan.status == "open"]
    if not running:
        return refuse(refusals.NOTHING_TO_REPAY)
    parts: list[PayoffQuote] = [quote_payoff(loan, on) for loan in running]
    return SettlementQuote(
        customer_id=wish.customer_id,
        quote_id=quote_id,
        line_id=wish.line_id,
        settle_on=on,
        currency=parts[0].currency,
        amount_minor=sum(part.amount_minor for part in parts),
        loans=tuple(_loan_document(part) for part in parts),
        valid_until=datetime.combine(on + ONE_DAY, datetime.min.time(), zone),
        made_on=business_date,
        made_at=now,
        author=wish.author,
    )


def state_of(
    quote: SettlementQuote, loans: Mapping[int, Loan], business_date: date
) -> SettlementState:
    """Return how a quote stands, by the loans as they are now."""
    mine = [loans[number] for number in quote.loan_ids]
    if all(loan.status != "open" for loan in mine):
        return SettlementState.SETTLED
    if business_date > quote.settle_on:
        return SettlementState.EXPIRED
    owed = sum(payoff_minor(loan, quote.settle_on) for loan in mine if loan.status == "open")
    return SettlementState.VALID if owed == quote.amount_minor else SettlementState.CHANGED


def settlement_document(quote: SettlementQuote, state: SettlementState) -> dict[str, Any]:
    """Return a quote as it is answered; with what has to be sent to pay it."""
    only = quote.loans[0]["loan_id"] if len(quote.loans) == 1 else None
    return {
        "id": ids.to_text(ids.SETTLEMENT_QUOTE, quote.quote_id),
        "customer_id": ids.to_text(ids.CUSTOMER, quote.customer_id),
        "line_id": ids.to_text(ids.LINE, quote.line_id),
        "state": state.value,
        "on": quote.settle_on.isoformat(),
        "valid_until": quote.valid_until.isoformat(),
        "amount_minor": quote.amount_minor,
        "currency": quote.currency,
        "loans": [dict(loan) for loan in quote.loans],
        "made_on": quote.made_on.isoformat(),
        "payment_reference": _reference(quote),
        "repayment": {
            "line_id": ids.to_text(ids.LINE, quote.line_id),
            "loan_id": only,
            "amount_minor": quote.amount_minor,
            "currency": quote.currency,
            "value_date": quote.settle_on.isoformat(),
        },
    }


def _reference(quote: SettlementQuote) -> str:
    """Return what a transfer names: the loan, or the line where it settles several."""
    if len(quote.loans) == 1:
        return reference_of(ids.LOAN, quote.loan_ids[0])
    return reference_of(ids.LINE, quote.line_id)


def _loan_document(part: PayoffQuote) -> dict[str, Any]:
    document = part.document()
    for name in ("customer_id", "on", "currency"):
        del document[name]
    return document
