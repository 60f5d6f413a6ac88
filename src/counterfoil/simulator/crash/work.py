"""The work: every command follows from the seed and its own idempotency key.

So whoever has the key of a command that was never answered can send the same command again.
"""

from datetime import date
from random import Random  # seeded by the run
from typing import Final

from counterfoil.lending.commands import (
    Agreement,
    Command,
    ConfirmPayout,
    Draw,
    OpenLine,
    Repay,
    SetLimit,
)
from counterfoil.lending.terms import Method, Prepayment

CUSTOMERS: Final = 40
FIRST_DATE: Final = date(2026, 1, 5)
_PRODUCT: Final = "cash-line-open"
_CURRENCY: Final = "CNY"
_RATE_DAILY_E8: Final = 40_000
_REPAYMENT_DAY: Final = 15
_LIMIT_MINOR: Final = 2_000_000
_LIMIT_STEP_MINOR: Final = 10_000
_TENORS: Final = (3, 6, 12)
#: Of a hundred pieces of work so many are drawdowns, and so many more are repayments.
_DRAWS, _REPAYMENTS = 55, 40


def opening_key(customer_id: int) -> str:
    """Return the key under which a customer's line is opened."""
    return f"open:{customer_id}"


def work_key(on: date, clerk: int, number: int) -> str:
    """Return the key of a piece of work that a clerk begins on a business date."""
    return f"work:{on.isoformat()}:{clerk}:{number}"


def arrival_key(on: date, customer_id: int, loan_id: int) -> str:
    """Return the key under which the payout of a loan is confirmed."""
    return f"arrive:{on.isoformat()}:{customer_id}:{loan_id}"


def command_of(seed: int, key: str) -> Command:
    """Return the command of a key; the same one on every retry."""
    kind, *rest = key.split(":")
    if kind == "open":
        return _opening(int(rest[0]))
    on = date.fromisoformat(rest[0])
    if kind == "arrive":
        return ConfirmPayout(
            customer_id=int(rest[1]),
            line_id=int(rest[1]),
            loan_id=int(rest[2]),
            payment_id=int(rest[2]),
            value_date=on,
            rail_reference=key,
        )
    chance = Random(f"{seed}/{key}")  # noqa: S311 - a seeded load, not a secret
    customer_id = chance.randint(1, CUSTOMERS)
    sort = chance.randrange(100)
    if sort < _DRAWS:
        return _draw(customer_id, on, chance)
    if sort < _DRAWS + _REPAYMENTS:
        return _repayment(customer_id, chance)
    return SetLimit(
        customer_id=customer_id,
        line_id=customer_id,
        limit_minor=_LIMIT_MINOR - _LIMIT_STEP_MINOR * chance.randint(0, 100),
        reason="review",
        author="crash",
    )


def _opening(customer_id: int) -> OpenLine:
    return OpenLine(
        customer_id=customer_id,
        line_id=customer_id,
        application_id=customer_id,
        product_code=_PRODUCT,
        product_version=1,
        limit_minor=_LIMIT_MINOR,
        currency=_CURRENCY,
        rate_daily_e8=_RATE_DAILY_E8,
        repayment_day=_REPAYMENT_DAY,
        contract_id=customer_id,
        agreement_sha256=bytes(32),
    )


def _draw(customer_id: int, on: date, chance: Random) -> Draw:
    return Draw(
        customer_id=customer_id,
        line_id=customer_id,
        amount_minor=100 * chance.randint(100, 400),
        currency=_CURRENCY,
        tenor_months=chance.choice(_TENORS),
        method=chance.choice(list(Method)),
        purpose="travel",
        payee_ref="account-token",
        cost_sheet_hash=bytes(32),
        agreement=Agreement(
            _RATE_DAILY_E8, _REPAYMENT_DAY, 1, on, customer_id, "loan-note/1/zh", bytes(32)
        ),
    )


def _repayment(customer_id: int, chance: Random) -> Repay:
    return Repay(
        customer_id=customer_id,
        line_id=customer_id,
        loan_id=None,
        amount_minor=chance.randint(1, 60_000),
        currency=_CURRENCY,
        value_date=None,
        mode=chance.choice(list(Prepayment)),
        channel="bank",
    )
