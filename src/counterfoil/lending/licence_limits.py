"""The highest limit that a licence allows one customer, by date.

Unknown     A licence without an entry has no known cap here; the product's own maximum holds, and
            whoever asks is told that none is known, which is no pass to more.
Follows     `products/licences.toml`, which names the rule that each entry comes from.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources.abc import Traversable
from typing import Any

from counterfoil.kernel.money import from_major_text
from counterfoil.lending.product_values import FaultError

CURRENCY = "CNY"


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitCap:
    """The most that a limit under some licences may be, from a date."""

    licences: tuple[str, ...]
    from_date: date
    limit_minor: int
    rule: str
    mark: str


def read_limit_caps(
    source: Traversable, licences: Iterable[str], marks: Iterable[str]
) -> list[LimitCap]:
    """Return the caps of a file, none where it names none; raise FaultError for a wrong entry."""
    document = tomllib.loads(source.read_text(encoding="utf-8"))
    known, allowed = set(licences), set(marks)
    entries = document.get("limit_caps", [])
    if not isinstance(entries, list):
        raise FaultError("limit_caps is not a list of tables")
    found = []
    for number, item in enumerate(entries, 1):
        cap = _limit_cap(number, item)
        if unknown := set(cap.licences) - known:
            raise FaultError(f"entry {number} names the unknown licence {min(unknown)}")
        if cap.mark not in allowed or type(cap.from_date) is not date:
            raise FaultError(f"entry {number} needs a date and one of the marks")
        found.append(cap)
    return found


def limit_cap(caps: Iterable[LimitCap], licence: str, on: date) -> LimitCap | None:
    """Return the cap that holds for a licence on a date; None where none is known."""
    holding = [cap for cap in caps if licence in cap.licences and cap.from_date <= on]
    return max(holding, key=lambda cap: cap.from_date, default=None)


def _limit_cap(number: int, item: Mapping[str, Any]) -> LimitCap:
    try:
        return LimitCap(
            licences=tuple(item["licences"]),
            from_date=item["from"],
            limit_minor=from_major_text(item["limit_most"], CURRENCY),
            rule=item["rule"],
            mark=item["mark"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise FaultError(f"entry {number} of limit_caps cannot be read: {error}") from error
