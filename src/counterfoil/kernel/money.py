"""Money as integer minor units, and the one place where exact amounts are rounded.

Units       Amounts in minor units of a currency (ISO 4217); exact interest in 1e-8 minor units.
Rounding    Named functions only; halves go away from zero.
Invariant   The parts made by `split` and `allocate` sum to the whole.
Follows     ISO 4217 for exponents.
"""

from collections.abc import Sequence
from dataclasses import dataclass

#: One minor unit in the scale of exact interest.
E8 = 100_000_000

#: Digits after the decimal point, ISO 4217; only currencies a product may name.
EXPONENTS = {"CNY": 2, "TWD": 2, "HKD": 2, "USD": 2, "EUR": 2, "JPY": 0}

#: Largest amount a single command may carry: 10 trillion minor units keeps every product of
#: amount, daily rate and years of days far inside a signed 64-bit integer's range.
AMOUNT_MINOR_MAX = 10**13


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units with its currency; adding two currencies raises."""

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        """Refuse anything but an integer and a known currency."""
        if type(self.amount_minor) is not int:
            raise TypeError("money is an integer of minor units")
        if self.currency not in EXPONENTS:
            raise ValueError(f"unknown currency {self.currency!r}")

    def __add__(self, other: "Money") -> "Money":
        """Return the sum of two amounts of one currency."""
        self._same_currency(other)
        return Money(self.amount_minor + other.amount_minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        """Return the difference of two amounts of one currency."""
        self._same_currency(other)
        return Money(self.amount_minor - other.amount_minor, self.currency)

    def __neg__(self) -> "Money":
        """Return the amount with its sign turned."""
        return Money(-self.amount_minor, self.currency)

    def __bool__(self) -> bool:
        """Refuse to guess whether zero money means no money."""
        raise TypeError("ask `amount_minor == 0` instead of the truth of money")

    def __str__(self) -> str:
        """Return the amount in major units, for people and logs."""
        return f"{to_major_text(self.amount_minor, self.currency)} {self.currency}"

    def split(self, parts: int) -> tuple["Money", ...]:
        """Return `parts` amounts as equal as can be; the larger ones come first."""
        return tuple(Money(a, self.currency) for a in split(self.amount_minor, parts))

    def allocate(self, weights: Sequence[int]) -> tuple["Money", ...]:
        """Return shares by weight, left-over units to the largest remainders."""
        return tuple(Money(a, self.currency) for a in allocate(self.amount_minor, weights))

    def _same_currency(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not add up")


def round_half_up_e8(value_e8: int) -> int:
    """Return minor units from 1e-8 minor units, halves away from zero."""
    if value_e8 >= 0:
        return (value_e8 + E8 // 2) // E8
    return -((E8 // 2 - value_e8) // E8)


def divide_half_up(numerator: int, denominator: int) -> int:
    """Return the quotient rounded to an integer, halves away from zero; denominator > 0."""
    assert denominator > 0
    if numerator >= 0:
        return (2 * numerator + denominator) // (2 * denominator)
    return -((-2 * numerator + denominator) // (2 * denominator))


def split(amount_minor: int, parts: int) -> tuple[int, ...]:
    """Return `parts` integers as equal as can be that sum to the amount; larger ones first."""
    if parts < 1:
        raise ValueError("money is split into at least one part")
    return allocate(amount_minor, (1,) * parts)


def allocate(amount_minor: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Return shares by weight: floors first, then one unit each to the largest remainders.

    A tie goes to the earlier weight. A negative amount is shared like its opposite.
    """
    total = sum(weights)
    if total <= 0 or min(weights) < 0:
        raise ValueError("weights are not negative and not all zero")
    if amount_minor < 0:
        return tuple(-share for share in allocate(-amount_minor, weights))
    shares = [amount_minor * weight // total for weight in weights]
    remainders = [amount_minor * weight % total for weight in weights]
    left = amount_minor - sum(shares)
    by_remainder = sorted(range(len(weights)), key=lambda i: (-remainders[i], i))
    for i in by_remainder[:left]:
        shares[i] += 1
    assert sum(shares) == amount_minor
    return tuple(shares)


def to_major_text(amount_minor: int, currency: str) -> str:
    """Return the amount in major units as text, for instance 123456 CNY as `1234.56`."""
    exponent = EXPONENTS[currency]
    sign = "-" if amount_minor < 0 else ""
    digits = str(abs(amount_minor)).rjust(exponent + 1, "0")
    if exponent == 0:
        return sign + digits
    return f"{sign}{digits[:-exponent]}.{digits[-exponent:]}"


def from_major_text(text: str, currency: str) -> int:
    """Return minor units of an amount written in major units; refuse a finer fraction.

    Raises ValueError where the text is not a plain decimal number or has too many digits.
    """
    exponent = EXPONENTS[currency]
    sign, body = (-1, text[1:]) if text.startswith("-") else (1, text)
    whole, _, fraction = body.partition(".")
    if not text.isascii() or not whole.isdigit() or (fraction and not fraction.isdigit()):
        raise ValueError(f"{text!r} is not an amount")
    if len(fraction) > exponent or (body.endswith(".")):
        raise ValueError(f"{text!r} is finer than a minor unit of {currency}")
    return sign * int(whole + fraction.ljust(exponent, "0"))
