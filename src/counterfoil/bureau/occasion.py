"""The occasions on which a bureau may be asked; a document, not code.

Invariant   Whatever is not an occasion that is switched on is refused: viewing, calculating on
            trial, drawing and repaying cannot inquire because there is nothing they could name.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

from counterfoil.bureau.refusals import (
    OCCASION_NEVER_INQUIRES,
    OCCASION_SWITCHED_OFF,
    OCCASION_UNKNOWN,
)
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.kernel.shipped import shipped_once
from counterfoil.kernel.toml import parse_toml

_FILE: Final = "occasions.toml"


_KINDS: Final[Mapping[str, type]] = {
    "code": str,
    "name_en": str,
    "name_zh": str,
    "consent_purpose": str,
    "reason_code": str,
    "is_hard": bool,
    "is_on": bool,
    "reuses_reports_of": tuple,
    "answer_within_s": int,
}


class OccasionsInvalidError(ValueError):
    """The document of occasions cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """One occasion on which a bureau may be asked."""

    code: str
    name_en: str
    name_zh: str
    #: The purpose that the customer's consent has to be for.
    consent_purpose: str
    #: What the credit database calls it.
    reason_code: str
    #: Whether other lenders see it as a sign of somebody looking for credit.
    is_hard: bool
    is_on: bool
    #: Consent purposes whose reports serve instead of a new inquiry while they live.
    reuses_reports_of: tuple[str, ...]
    #: Seconds after the intent from which on an answer decides nothing.
    answer_within_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasions:
    """All occasions of an installation."""

    by_code: Mapping[str, Occasion]
    #: What never inquires, with its name in Chinese.
    never: Mapping[str, str]

    def allowed(self, code: str) -> Occasion | Refused:
        """Return the occasion, or why there can be no inquiry."""
        if code in self.never:
            return refuse(OCCASION_NEVER_INQUIRES, occasion=code)
        occasion = self.by_code.get(code)
        if occasion is None:
            return refuse(OCCASION_UNKNOWN, occasion=code)
        if not occasion.is_on:
            return refuse(OCCASION_SWITCHED_OFF, occasion=code)
        return occasion


@shipped_once
def load_occasions(path: Path | None = None) -> Occasions:
    """Read an installation's document, or the one that comes along."""
    text = (
        resources.files("counterfoil.bureau").joinpath(_FILE).read_text(encoding="utf-8")
        if path is None
        else path.read_text(encoding="utf-8")
    )
    return read_occasions(text)


def read_occasions(text: str) -> Occasions:
    """Read a document of occasions; raise OccasionsInvalidError for what cannot be one."""
    try:
        document = parse_toml(text)
        occasions = [_occasion(entry) for entry in document["occasions"]]
        never = {str(code): str(name) for code, name in document["never"].items()}
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise OccasionsInvalidError(f"not a document of occasions: {error}") from error
    by_code = {item.code: item for item in occasions}
    if len(by_code) != len(occasions) or by_code.keys() & never.keys():
        raise OccasionsInvalidError("an occasion stands there twice")
    return Occasions(by_code=by_code, never=never)


def _occasion(entry: Mapping[str, Any]) -> Occasion:
    if entry.keys() != _KINDS.keys():
        raise KeyError(", ".join(sorted(entry.keys() ^ _KINDS.keys())))
    reused = tuple(map(str, entry["reuses_reports_of"]))
    values = {**entry, "reuses_reports_of": reused}
    for name, kind in _KINDS.items():
        if type(values[name]) is not kind:
            raise TypeError(f"{name} is no {kind.__name__}")
    occasion = Occasion(**values)
    if occasion.answer_within_s <= 0:
        raise TypeError("answer_within_s is positive")
    return occasion
