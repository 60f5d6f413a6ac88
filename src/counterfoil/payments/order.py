"""The order to pay out one loan, as the books wrote it into the outbox.

Invariant   The payment's identifier is the loan's: one loan has one payout and one reference, also
            when the payment's row was lost and is made again. The rail tells repetitions apart by
            that reference alone.
Units       Minor units with their currency. The payee is a token; nothing here names a person.
"""

import json
from dataclasses import dataclass
from datetime import date
from typing import Final

from counterfoil.kernel import ids
from counterfoil.kernel.money import AMOUNT_MINOR_MAX, EXPONENTS

#: Outbox kind of the event that carries such an order.
PAYOUT_REQUESTED: Final = "payout_requested"

#: A token longer than this is not a token.
PAYEE_REF_LENGTH_MAX: Final = 200

_ID_MAX: Final = 2**63 - 1


class InvalidOrderError(ValueError):
    """An outbox event that should carry a payout order does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutOrder:
    """What the rail is asked to do, and for which loan."""

    customer_id: int
    payment_id: int
    line_id: int
    loan_id: int
    #: Minor units; always positive.
    amount_minor: int
    currency: str
    #: Token of the account that is paid, never the account's number.
    payee_ref: str
    lender_id: str
    #: Business date on which the drawdown was accepted.
    business_date: date

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


def read_order(payload: str) -> PayoutOrder:
    """Return the order in an event's JSON text; raise InvalidOrderError where it is not one."""
    try:
        fields = json.loads(payload)
        loan_id = _identifier(fields["loan_id"])
        return PayoutOrder(
            customer_id=_identifier(fields["customer_id"]),
            payment_id=loan_id,
            line_id=_identifier(fields["line_id"]),
            loan_id=loan_id,
            amount_minor=_amount(fields["amount_minor"]),
            currency=_currency(fields["currency"]),
            payee_ref=_payee(fields["payee_ref"]),
            lender_id=str(fields["lender_id"]),
            business_date=date.fromisoformat(fields["business_date"]),
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
