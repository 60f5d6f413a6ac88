"""Reading a case's inputs strictly: every key is understood, or the case is unsupported.

Units       Amounts are read as decimal text and become minor units; rates become fractions a year.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

from counterfoil.lending.conventions.settings import NotCovered
from counterfoil.simulator.golden.case_file import Json

MINOR_PER_MAJOR = 100
#: Largest count a case may ask for, of rows or of days.
COUNT_MAX = 1200
#: A number as cases write it: ASCII digits, no exponent, at most 24 of them.
NUMBER = re.compile(r"-?[0-9]{1,16}(?:\.[0-9]{1,8})?", re.ASCII)


class Inputs:
    """A view of one object that remembers which keys were understood."""

    def __init__(self, values: Mapping[str, Json], where: str = "input") -> None:
        """Keep the values; null means not there."""
        if not isinstance(values, Mapping):
            raise NotCovered(f"a place for {where}s that holds no object")
        self._values = {key: value for key, value in values.items() if value is not None}
        self._where = where
        self._understood: set[str] = set()

    def __contains__(self, key: str) -> bool:
        """Say whether the key is there."""
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        """Go over the keys that are there."""
        return iter(self._values)

    def take(self, key: str) -> Json:
        """Return a value that has to be there."""
        if key not in self._values:
            raise NotCovered(f"the {self._where} {key!r} is missing")
        self._understood.add(key)
        return self._values[key]

    def entries(self, key: str) -> Sequence[Json]:
        """Return a list."""
        value = self.take(key)
        if not isinstance(value, list):
            raise NotCovered(f"{key} that are no list")
        return value

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
        """Return a rate given in percent, with or without its sign; none is negative."""
        text = str(self.take(key)).removesuffix("%")
        rate = number(text, key)
        if rate < 0:
            raise NotCovered(f"{key} = {rate}")
        return Fraction(rate) / 100

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
    plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    if not plain or NUMBER.fullmatch(str(value)) is None:
        raise NotCovered(f"{name} = {value!r} is no number")
    return Decimal(str(value))


def minor(value: Json, name: str) -> int:
    """Return an amount in minor units; an input is never less than nothing."""
    scaled = number(value, name) * MINOR_PER_MAJOR
    if scaled != scaled.to_integral_value():
        raise NotCovered(f"{name} = {value!r} has more than two decimals")
    if scaled < 0:
        raise NotCovered(f"{name} = {value!r} is less than nothing")
    return int(scaled)


def day(value: Json, name: str) -> date:
    """Return a JSON value as a date."""
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise NotCovered(f"{name} = {value!r} is no date") from None
