"""What the next version of a product would change, and what that means for customers.

For whoever signs: every key whose value differs from the last published version, with both values
as they are written, and a sentence in both languages. What is open stays under its own version.
Units       Values that only look different ("500" and "500.00") are the same. The interest of
            examples is that of 10,000.00 over 30 days, in major units, rounded half up.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any, Final

from counterfoil.kernel.money import divide_half_up, from_major_text, to_major_text
from counterfoil.kernel.rates import ONE_E8
from counterfoil.lending.product_file import KEYS, flatten, read_value
from counterfoil.lending.terms import Fee

_MEANINGS: Final = "product_meanings.toml"
_EXAMPLE_AMOUNT: Final = "10000"
_EXAMPLE_DAYS: Final = 30
_ORDERED: Final = (int, date)


class Effect(StrEnum):
    """What a change is for the person who borrows."""

    BETTER = "better"
    WORSE = "worse"
    DIFFERENT = "different"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a change means for customers."""

    effect: Effect
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Change:
    """A key whose value differs."""

    key: str
    #: As it is written in the file; None where the key is absent.
    before: str | None
    after: str | None
    #: One, or one for what a list lost and one for what it gained.
    meanings: tuple[Meaning, ...]


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Return what differs between two product files that can be read, in the order of the keys."""
    old, new = flatten(before), flatten(after)
    return [_change(key, old, new) for key in KEYS if _read(key, old) != _read(key, new)]


def _change(key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Change:
    texts = {"before": _text(old.get(key)), "after": _text(new.get(key))}
    sentences = meanings()[key]
    found = []
    for move, items in _moves(_read(key, old), _read(key, new)):
        words = {**texts, "items": ", ".join(items), **_example(key, old, new)}
        entry = sentences[move]
        found.append(
            Meaning(
                Effect(entry["effect"]),
                entry["en"].format_map(words),
                entry["zh"].format_map(words),
            )
        )
    return Change(
        key,
        texts["before"] if key in old else None,
        texts["after"] if key in new else None,
        tuple(found),
    )


def _moves(before: Any, after: Any) -> Iterable[tuple[str, Iterable[str]]]:
    """Return how a value moved, with what was added or removed."""
    if before is None or after is None:
        yield ("added" if before is None else "removed"), ()
    elif isinstance(before, tuple):
        old, new = ({_name(item): item for item in items} for items in (before, after))
        added, removed = new.keys() - old.keys(), old.keys() - new.keys()
        if added:
            yield "added", [name for name in new if name in added]
        if removed:
            yield "removed", [name for name in old if name in removed]
        others = old.keys() & new.keys()
        if (not added and not removed) or any(old[name] != new[name] for name in others):
            yield "changed", ()
    elif isinstance(before, bool) or not isinstance(before, _ORDERED):
        yield "changed", ()
    else:
        yield ("up" if after > before else "down"), ()


def _read(key: str, flat: Mapping[str, Any]) -> Any:
    return read_value(flat, key, flat["meta.currency"])


def _name(item: Any) -> str:
    """Return what an item of a list is called; a fee by its code."""
    return str(item.code) if isinstance(item, Fee) else str(item)


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case list():
            return ", ".join(map(_text, value))
        case dict():
            return f"{value['code']} ({value.get('amount', value.get('share'))})"
        case _:
            return str(value)


def _example(key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, str]:
    if not key.startswith("interest.daily_"):
        return {}
    return {
        "interest_before": _interest(_read(key, old), old["meta.currency"]),
        "interest_after": _interest(_read(key, new), new["meta.currency"]),
    }


def _interest(rate_daily_e8: int, currency: str) -> str:
    amount_minor = from_major_text(_EXAMPLE_AMOUNT, currency)
    interest_minor = divide_half_up(amount_minor * rate_daily_e8 * _EXAMPLE_DAYS, ONE_E8)
    return to_major_text(interest_minor, currency)


@cache
def meanings() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """Return, by key and by move, the effect and the sentences."""
    source = resources.files("counterfoil.lending") / _MEANINGS
    return flatten(tomllib.loads(source.read_text(encoding="utf-8")))
