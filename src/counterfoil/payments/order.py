"""The order of one payout, as the books wrote it into the outbox.

Subject     What is paid out: a drawdown, or credit that goes back to the customer.
Invariant   The payment's identifier is its subject's: one subject has one payout and one
            reference, also when the payment's row was lost and is made again. The rail tells
            repetitions apart by that reference alone.
Units       Minor units with their currency. The payee is a token; nothing here names a person.
"""

import json
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from counterfoil.kernel import ids
from counterfoil.kernel.money import AMOUNT_MINOR_MAX, EXPONENTS

#: Outbox kinds of the events that carry such orders.
PAYOUT_REQUESTED: Final = "payout_requested"
CREDIT_RETURN_REQUESTED: Final = "credit_return_requested"

#: A token longer than this is not a token.
PAYEE_REF_LENGTH_MAX: Final = 200

_ID_MAX: Final = 2**63 - 1


class InvalidOrderError(ValueError):
    """An outbox event that should carry a payout order does not."""


class Subject(StrEnum):
    """What is paid out."""

    DRAWDOWN = "drawdown"
    CREDIT_RETURN = "credit_return"


#: Outbox kind, and the member of its payload that names the subject.
SUBJECTS: Final = {
    PAYOUT_REQUESTED: (Subject.DRAWDOWN, "loan_id"),
    CREDIT_RETURN_REQUESTED: (Subject.CREDIT_RETURN, "return_id"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutOrder:
    """What the rail is asked to do, and for what."""

    customer_id: int
    payment_id: int
    line_id: int
    #: None where no loan is paid out.
    loan_id: int | None
    #: Minor units; always positive.
    amount_minor: int
    currency: str
    #: Token of the account that is paid, never the account's number.
    payee_ref: str
    lender_id: str
    #: Business date on which the subject was accepted.
    business_date: date
    subject: Subject = Subject.DRAWDOWN

    @property
    def reference(self) -> str:
        """Return our reference, the only one this payment is ever sent under."""
        return reference_of(self.payment_id)


def reference_of(payment_id: int) -> str:
    """Return the reference that stands for a payment at the rail."""
    return ids.to_text(ids.PAYMENT, payment_id)


def payment_id_of(reference: str) -> int | None:
    """Return the payment of a reference, or None where the reference is not one of ours."""
    try:
        return ids.from_text(ids.PAYMENT, reference)
    except ids.InvalidIdError:
        return None


def read_order(payload: str, *, kind: str = PAYOUT_REQUESTED) -> PayoutOrder:
    """Return the order in an event's JSON text; raise InvalidOrderError where it is not one."""
    subject, member = SUBJECTS[kind]
    try:
        fields = json.loads(payload)
        payment_id = _identifier(fields[member])
        return PayoutOrder(
            customer_id=_identifier(fields["customer_id"]),
            payment_id=payment_id,
            line_id=_identifier(fields["line_id"]),
            loan_id=payment_id if subject is Subject.DRAWDOWN else None,
            amount_minor=_amount(fields["amount_minor"]),
            currency=_currency(fields["currency"]),
            payee_ref=_payee(fields["payee_ref"]),
            lender_id=str(fields["lender_id"]),
            business_date=date.fromisoformat(fields["business_date"]),
            subject=subject,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidOrderError(f"not a payout order: {error!r}") from error


def _identifier(value: object) -> int:
    if type(value) is not int or not 0 < value <= _ID_MAX:
        raise ValueError("an identifier is a positive integer of 64 bits")
    return value


def _amount(value: object) -> int:
    if type(value) is not int or not 0 < value <= AMOUNT_MINOR_MAX:
        raise ValueError("an amount to pay out is a positive integer of minor units")
    return value


def _currency(value: object) -> str:
    if not isinstance(value, str) or value not in EXPONENTS:
        raise ValueError("unknown currency")
    return value


def _payee(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= PAYEE_REF_LENGTH_MAX:
        raise ValueError("a payee is a token of up to 200 characters")
    return value
