"""Reading a case's inputs strictly: every key is understood, or the case is unsupported.

Units       Amounts are read as decimal text and become minor units; rates become fractions a year.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from counterfoil.lending.conventions.settings import NotCovered
from counterfoil.simulator.golden.case_file import Json

MINOR_PER_MAJOR = 100
#: Largest count a case may ask for, of rows or of days.
COUNT_MAX = 1200


class Inputs:
    """A view of one object that remembers which keys were understood."""

    def __init__(self, values: Mapping[str, Json], where: str = "input") -> None:
        """Keep the values; null means not there."""
        self._values = {key: value for key, value in values.items() if value is not None}
        self._where = where
        self._understood: set[str] = set()

    def __contains__(self, key: str) -> bool:
        """Say whether the key is there."""
        return key in self._values

    def take(self, key: str) -> Json:
        """Return a value that has to be there."""
        if key not in self._values:
            raise NotCovered(f"the {self._where} {key!r} is missing")
        self._understood.add(key)
        return self._values[key]

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text, or the default where there is none."""
        if key not in self._values and default is not None:
            return default
        return str(self.take(key))

    def choice(self, key: str, allowed: Mapping[str, str], default: str | None = None) -> str:
        """Return the meaning of one of the texts allowed."""
        value = self.text(key, default)
        if value not in allowed:
            raise NotCovered(f"{key} = {value!r}")
        return allowed[value]

    def decimal(self, key: str) -> Decimal:
        """Return a number."""
        return number(self.take(key), key)

    def minor(self, key: str) -> int:
        """Return an amount in minor units."""
        return minor(self.take(key), key)

    def rate(self, key: str) -> Fraction:
        """Return a rate given in percent."""
        return Fraction(self.decimal(key)) / 100

    def count(self, key: str, default: int | None = None) -> int:
        """Return a whole number that is not negative."""
        if key not in self._values and default is not None:
            return default
        value = self.decimal(key)
        if value != value.to_integral_value() or not 0 <= value <= COUNT_MAX:
            raise NotCovered(f"{key} = {value}")
        return int(value)

    def date(self, key: str) -> date:
        """Return a date."""
        return day(self.take(key), key)

    def flag(self, key: str) -> bool:
        """Return a truth value."""
        value = self.take(key)
        if not isinstance(value, bool):
            raise NotCovered(f"{key} = {value!r}")
        return value

    def done(self) -> None:
        """Refuse the case where a key was not understood."""
        unknown = sorted(set(self._values) - self._understood)
        if unknown:
            raise NotCovered(f"unknown {self._where}: {', '.join(unknown)}")


def number(value: Json, name: str) -> Decimal:
    """Return a JSON value as an exact number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise NotCovered(f"{name} = {value!r} is no number")
    try:
        parsed = Decimal(str(value).rstrip("%"))
    except InvalidOperation:
        raise NotCovered(f"{name} = {value!r} is no number") from None
    if not parsed.is_finite():
        raise NotCovered(f"{name} = {value!r} is no number")
    return parsed


def minor(value: Json, name: str) -> int:
    """Return an amount in minor units."""
    scaled = number(value, name) * MINOR_PER_MAJOR
    if scaled != scaled.to_integral_value():
        raise NotCovered(f"{name} = {value!r} has more than two decimals")
    return int(scaled)


def day(value: Json, name: str) -> date:
    """Return a JSON value as a date."""
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise NotCovered(f"{name} = {value!r} is no date") from None
