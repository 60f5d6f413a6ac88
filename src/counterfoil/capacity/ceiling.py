"""Ceilings on debt as a document: which hold for a licence on a day, and what each says.

Identity    The SHA-256 of the document's text; a guard run names it and can be repeated by it.
Dates       A ceiling holds from its day until the next one of the same code for the licence.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib import resources
from typing import Any, Final

from counterfoil.capacity.exposure import MEASURES

_FILE: Final = "ceilings.toml"
#: A ceiling for whatever licence.
EVERY_LICENCE: Final = "*"
#: Counted in monthly incomes.
PER_INCOME: Final = "income"
#: The reason of the customer's own ceiling.
OWN_CAP: Final = "OWN_CAP"


class CeilingsInvalidError(ValueError):
    """The document of ceilings cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """One ceiling."""

    code: str
    #: A measure of `exposure.py`.
    measure: str
    licences: tuple[str, ...]
    from_: date
    #: From here on refused, or capped below it; None where only a person is asked.
    hard: int | None
    #: From here on a person decides; None where nobody is asked.
    soft: int | None
    #: Whether `hard` and `soft` are so many monthly incomes.
    per_income: bool
    #: Whether an offer may still be what lies below the hard end.
    caps: bool
    #: The rule of the pack, or `house`, and how sure its source is.
    rule: str
    mark: str
    reason: str
    #: Whether the rule asks for the household where one is known; the measure is own exposure then.
    is_of_household: bool = False

    def holds(self, licence: str, on: date) -> bool:
        """Tell whether it is for a licence and has begun."""
        is_for = EVERY_LICENCE in self.licences or licence in self.licences
        return is_for and self.from_ <= on


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A text in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceilings:
    """The document, read once and never changed."""

    version: str
    sha256: str
    #: The text itself, kept with the first run under it.
    text: str
    draw_minor_min: int
    soft_hits_stop_increase: int
    soft_hits_help: int
    inquiry_reasons: tuple[str, ...]
    same_account_days: int
    bureau_days_max: int
    ceilings: tuple[Ceiling, ...]
    reasons: Mapping[str, Words]
    help: tuple[Words, ...]

    def of(self, licence: str, on: date) -> tuple[Ceiling, ...]:
        """Return the ceilings of a licence on a day, the latest of each code."""
        found: dict[str, Ceiling] = {}
        for item in sorted(self.ceilings, key=lambda item: item.from_):
            if item.holds(licence, on):
                found[item.code] = item
        return tuple(found[code] for code in sorted(found))


@lru_cache(maxsize=1)
def shipped_ceilings() -> Ceilings:
    """Return the ceilings that the product comes with."""
    return read_ceilings(
        resources.files("counterfoil.capacity").joinpath(_FILE).read_text(encoding="utf-8")
    )


@lru_cache(maxsize=32)
def read_ceilings(text: str) -> Ceilings:
    """Read a document of ceilings; raise CeilingsInvalidError where one is not sound."""
    document = tomllib.loads(text)
    reasons = {code: Words(**words) for code, words in document["reasons"].items()}
    ceilings = tuple(_ceiling(item) for item in document["ceilings"])
    for item in ceilings:
        if item.measure not in MEASURES:
            raise CeilingsInvalidError(f"{item.code}: nobody measures {item.measure}")
        if item.reason not in reasons:
            raise CeilingsInvalidError(f"{item.code}: the reason {item.reason} has no text")
        if item.hard is None and item.soft is None:
            raise CeilingsInvalidError(f"{item.code}: neither a soft nor a hard end")
        if item.is_of_household and item.measure != "own_exposure":
            raise CeilingsInvalidError(f"{item.code}: a household is added up for own_exposure")
        if item.hard is not None and item.soft is not None and item.soft > item.hard:
            raise CeilingsInvalidError(f"{item.code}: the soft end lies above the hard one")
    return Ceilings(
        version=document["version"],
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        text=text,
        draw_minor_min=document["draw_minor_min"],
        soft_hits_stop_increase=document["soft_hits_stop_increase"],
        soft_hits_help=document["soft_hits_help"],
        inquiry_reasons=tuple(document["inquiry_reasons"]),
        same_account_days=document["same_account_days"],
        bureau_days_max=document["bureau_days_max"],
        ceilings=ceilings,
        reasons=reasons,
        help=tuple(Words(**words) for words in document["help"]),
    )


def _ceiling(item: dict[str, Any]) -> Ceiling:
    return Ceiling(
        code=item["code"],
        measure=item["measure"],
        licences=tuple(item["licences"]),
        from_=item["from"],
        hard=item.get("hard"),
        soft=item.get("soft"),
        per_income=item.get("per") == PER_INCOME,
        caps=item.get("caps", False),
        rule=item["rule"],
        mark=item["mark"],
        reason=item["reason"],
        is_of_household=item.get("household", False),
    )
