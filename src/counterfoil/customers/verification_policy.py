"""Which identity checks an act needs, as a document: sources, combinations, days, tries.

Identity    The SHA-256 of the text.
Invariant   Opening needs two independent sources at least, and every kind that is needed can be
            checked by a source that counts; a document that says otherwise is refused.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from importlib import resources
from pathlib import Path
from typing import Any, Final

from counterfoil.kernel.shipped import shipped_once
from counterfoil.kernel.toml import parse_toml

_FILE: Final = "identity.toml"
#: The house itself, which can check nothing but the check character.
HOUSE_SOURCE: Final = "house"
_SOURCES_MIN: Final = 2
_WITHIN_DAYS_MAX: Final = 366
_CURRENCY: Final = re.compile("[A-Z]{3}")


class IdentityPolicyError(ValueError):
    """The document cannot be used."""


class CheckKind(StrEnum):
    """What is checked."""

    #: The check character of the number.
    NUMBER = "number"
    #: That name and number belong together.
    NAME_NUMBER = "name_number"
    #: That the document is genuine and has not expired.
    DOCUMENT = "document"
    #: That a living person is there, and the one of the document. Biometric.
    LIVENESS = "liveness"
    #: That the phone number is the person's own.
    PHONE = "phone"
    #: That the bank card is in the person's own name.
    BANK_CARD = "bank_card"
    #: By a member of staff, face to face: the way for whoever gives no biometric data.
    IN_PERSON = "in_person"


class Act(StrEnum):
    """What a customer wants to do."""

    OPENING = "opening"
    RAISING = "raising"
    #: Above the document's amount.
    DRAWING = "drawing"
    CHANGING_PHONE = "changing_phone"
    CHANGING_BANK_CARD = "changing_bank_card"


class Scope(StrEnum):
    """Whose failures are counted."""

    PERSON = "person"
    DEVICE = "device"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Somebody who can be asked."""

    code: str
    name_zh: str
    name_en: str
    #: Sources of one group repeat each other and count once.
    group: str
    checks: frozenset[CheckKind]
    #: Whether a pass counts towards the number of independent sources.
    is_independent: bool
    is_social: bool
    #: Whether its checks are made with the applicant's device, which then has to be named.
    is_by_device: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What an act needs."""

    checks: tuple[CheckKind, ...]
    #: Independent sources with a pass, of whatever kind.
    sources_min: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tries:
    """How many failures within how many hours."""

    failures_max: int
    hours: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityPolicy:
    """The document, read once and never changed."""

    version: str
    sha256: str
    #: Minor units by currency; above it drawing needs its checks, and in any other currency always.
    drawing_above_minor: Mapping[str, int]
    #: Business dates whose drawdowns are added up for that, the day of the drawdown among them.
    drawing_within_days: int
    sources: Mapping[str, Source]
    needs: Mapping[Act, Need]
    #: What may stand for a kind of check.
    alternatives: Mapping[CheckKind, tuple[CheckKind, ...]]
    valid_days: Mapping[CheckKind, int]
    tries: Mapping[Scope, Tries]
    #: How long the reference to a biometric template is kept, days.
    template_days: int

    def drawing_share(self, drawn_minor: Mapping[str, int]) -> Fraction | None:
        """Return how much of what drawing may come to without its checks is used up; 1 is all.

        `drawn_minor` is by currency; each uses up its share of its own amount, and shares add up,
        so that nobody draws more by drawing in several. None where a currency is not named.
        """
        if not drawn_minor.keys() <= self.drawing_above_minor.keys():
            return None
        return sum(
            (
                Fraction(minor, self.drawing_above_minor[code])
                for code, minor in drawn_minor.items()
            ),
            Fraction(0),
        )

    def is_large(self, drawn_minor: Mapping[str, int]) -> bool:
        """Tell whether drawing so much needs the checks of drawing; unknown needs them."""
        share = self.drawing_share(drawn_minor)
        return share is None or share > 1

    def counts(self, source: str, kind: CheckKind) -> bool:
        """Tell whether a source's word on a kind of check counts at all."""
        known = self.sources.get(source)
        return known is not None and not known.is_social and kind in known.checks


@shipped_once
def load_identity_policy(path: Path | None = None) -> IdentityPolicy:
    """Return the document of a file, or the one that comes with the program."""
    source = resources.files("counterfoil.customers").joinpath(_FILE) if path is None else path
    return read_identity_policy(source.read_text(encoding="utf-8"))


def read_identity_policy(text: str) -> IdentityPolicy:
    """Read a document; raise IdentityPolicyError where it is not sound."""
    try:
        document = parse_toml(text)
        policy = IdentityPolicy(
            version=document["version"],
            sha256=hashlib.sha256(text.encode()).hexdigest(),
            drawing_above_minor=_amounts(document["drawing_above_minor"]),
            sources={code: _source(code, item) for code, item in document["sources"].items()},
            needs={act: _need(document["acts"][act]) for act in Act},
            alternatives={
                CheckKind(kind): tuple(map(CheckKind, others))
                for kind, others in document["alternatives"].items()
            },
            valid_days={kind: document["valid_days"][kind] for kind in CheckKind},
            tries={scope: Tries(**document["tries"][scope]) for scope in Scope},
            template_days=document["template_days"],
            # A document that says nothing of it adds up a single day.
            drawing_within_days=int(document.get("drawing_within_days", 1)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise IdentityPolicyError(f"the document of identity checks: {error}") from error
    _check(policy)
    return policy


def _amounts(given: object) -> Mapping[str, int]:
    if not isinstance(given, dict) or not given:
        raise TypeError('drawing_above_minor is an amount for each currency, such as {"CNY": 1}')
    for code, minor in given.items():
        if not _CURRENCY.fullmatch(code) or type(minor) is not int or minor < 1:
            raise ValueError(f"drawing_above_minor.{code} is not an amount above 0 of a currency")
    return given


def _source(code: str, item: Mapping[str, Any]) -> Source:
    return Source(
        code=code,
        name_zh=item["name_zh"],
        name_en=item["name_en"],
        group=item["group"],
        checks=frozenset(map(CheckKind, item["checks"])),
        is_independent=item["independent"],
        is_social=item["social"],
        is_by_device=bool(item.get("by_device", False)),
    )


def _need(item: Mapping[str, Any]) -> Need:
    return Need(checks=tuple(map(CheckKind, item["checks"])), sources_min=item["sources_min"])


def _check(policy: IdentityPolicy) -> None:
    if not 1 <= policy.drawing_within_days <= _WITHIN_DAYS_MAX:
        raise IdentityPolicyError(
            f"drawdowns are added up over 1 to {_WITHIN_DAYS_MAX} days, not"
            f" {policy.drawing_within_days}"
        )
    if policy.needs[Act.OPENING].sources_min < _SOURCES_MIN:
        raise IdentityPolicyError("opening needs at least two independent sources")
    for act, need in policy.needs.items():
        for kind in need.checks:
            if not any(policy.counts(code, kind) for code in policy.sources):
                raise IdentityPolicyError(f"{act} needs {kind}, which no source that counts checks")
    if not policy.alternatives.get(CheckKind.LIVENESS):
        raise IdentityPolicyError("biometric data needs an alternative: say which for liveness")
    groups = {
        item.group for item in policy.sources.values() if item.is_independent and not item.is_social
    }
    most = max(need.sources_min for need in policy.needs.values())
    if len(groups) < most:
        raise IdentityPolicyError(f"there are {len(groups)} independent sources, {most} are needed")
