"""One rule pack: its rules, what each asks for, and which holds for a licence on a date.

Invariant   A pack is read whole or not at all, and every fault is named. What is not known is
            None: never zero, never a pass.
Strictness  Of several rules on one question the stricter holds. Of several entries of one rule the
            latest that has begun and has not ended holds.
Certainty   `A` was read in the text itself, `B` in secondary sources, `C` is not confirmed. The
            number of an article is shown for A alone. A rule marked C is in the pack only where it
            says why the house keeps to it all the same.
Identity    The id with the first twelve digits of the SHA-256 of the content.
Units       Rates 1e-8 a year, amounts minor units of the pack's currency, the rest whole numbers
            and days.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from counterfoil.kernel.money import from_major_text
from counterfoil.kernel.rates import ONE_E8

MARKS: Final = ("A", "B", "C")
#: A rule for whatever licence.
EVERY_LICENCE: Final = "*"
_CODE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
#: The number of a rule that the house set itself.
OWN_RULE: Final = "house"
_RULE_ID = re.compile(rf"R[0-9]{{3}}|{OWN_RULE}")
_PERCENT = re.compile(r"([0-9]{1,4})(?:\.([0-9]{1,6}))? ?%")
_HASH_SHOWN: Final = 12


class PackError(ValueError):
    """A rule pack is refused; the message lists every fault, a line each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule with what it asks for."""

    #: Its number in the table of rules, or `house` where the house set it itself.
    rule_id: str
    #: The question that it answers, such as `cost_annual_most`.
    name: str
    licences: tuple[str, ...]
    from_date: date
    #: The first day on which it no longer holds; None while no end is known.
    to_date: date | None
    #: 1e-8 a year, minor units or days, by the question.
    value: int
    mark: str
    #: Whether the number of the article may be shown to anybody outside the house.
    article_printable: bool
    instrument_en: str
    instrument_zh: str
    text_en: str
    text_zh: str
    source: str
    #: Why the house keeps to a rule that is not confirmed; None where it is.
    adopted_en: str | None
    adopted_zh: str | None
    #: The pack that it stands in, with its hash.
    pack: str

    def holds(self, licence: str, on: date) -> bool:
        """Tell whether it is for a licence, has begun and has not ended."""
        return (licence in self.licences or EVERY_LICENCE in self.licences) and self.is_on(on)

    def is_on(self, on: date) -> bool:
        """Tell whether it has begun and has not ended."""
        return self.from_date <= on and (self.to_date is None or on < self.to_date)

    @property
    def cited(self) -> str:
        """Return what a refusal says of where it comes from."""
        return f"rule {self.rule_id} ({self.mark}) of {self.pack}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePack:
    """The rules of a jurisdiction as they are known in one version of the pack."""

    pack_id: str
    sha256: str
    jurisdiction: str
    currency: str
    author: str
    approver: str
    #: From this day on it takes the place of the pack that it names.
    from_date: date
    supersedes: str | None
    rules: tuple[Rule, ...]

    @property
    def reference(self) -> str:
        """Return the id with the beginning of the hash; decisions keep it."""
        return _reference(self.pack_id, self.sha256)

    def rules_on(self, on: date) -> list[Rule]:
        """Return the rules that have begun on a date and have not ended, for every licence."""
        return [item for item in self.rules if item.is_on(on)]


def rule(pack: RulePack, name: str, *, on: date, licence: str) -> Rule | None:
    """Return the rule that answers a question for a licence on a date; None: it is not known."""
    if name not in QUESTIONS:
        raise KeyError(name)
    latest: dict[str, Rule] = {}
    for item in pack.rules:
        if item.name == name and item.holds(licence, on):
            known = latest.get(item.rule_id)
            if known is None or known.from_date < item.from_date:
                latest[item.rule_id] = item
    strictest = QUESTIONS[name].strictest
    return strictest(latest.values(), key=lambda item: item.value) if latest else None


def pack_in_force(packs: Mapping[str, RulePack], pack_id: str, on: date) -> RulePack | None:
    """Return the pack that stands for a named one on a date: itself, or what took its place.

    None where there is no pack of that name.
    """
    found = packs.get(pack_id)
    successors = {item.supersedes: item for item in packs.values() if item.supersedes}
    while found is not None:
        later = successors.get(found.pack_id)
        if later is None or on < later.from_date:
            return found
        found = later
    return None


# ------------------------------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True)
class _Question:
    """How the answer to a question is written, and which of two answers is the stricter."""

    read: Callable[[Any, str], int]
    strictest: Callable[..., Rule]


def _rate(value: Any, _currency: str) -> int:
    match = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{value!r} is not a rate in percent, such as '24 %'")
    return int(match[1]) * (ONE_E8 // 100) + int((match[2] or "").ljust(6, "0"))


def _amount(value: Any, currency: str) -> int:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not an amount in major units, such as '200000.00'")
    return from_major_text(value, currency)


def _days(value: Any, _currency: str) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is not a whole number of days")
    return value


def _count(value: Any, _currency: str) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is not a whole number")
    return value


#: Every question that code asks.
QUESTIONS: Final[Mapping[str, _Question]] = {
    "cost_annual_most": _Question(_rate, min),
    "limit_most": _Question(_amount, min),
    "student_limit_most": _Question(_amount, min),
    "one_time_inquiry_days_most": _Question(_days, min),
    "price_rise_notice_days_least": _Question(_days, max),
    "late_fees_most": _Question(_count, min),
}


def read_pack(text: str) -> RulePack:
    """Return the pack of a TOML document; raise PackError with every fault."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PackError(f"is not TOML: {error}") from error
    head, entries = document.get("pack"), document.get("rules")
    if not isinstance(head, dict) or not isinstance(entries, list) or len(document) != len(_PARTS):
        raise PackError("has to consist of a table pack and a list rules")
    faults = [f"pack.{key}: {reason}" for key, reason in _faults(head, _HEAD)]
    for number, entry in enumerate(entries, 1):
        faults += [f"rules[{number}].{key}: {reason}" for key, reason in _faults(entry, _ENTRY)]
    if faults:
        raise PackError("\n".join(faults))
    if head["author"].strip().casefold() == head["approver"].strip().casefold():
        faults.append("pack.approver: is the author; two people sign a pack")
    sha256 = hashlib.sha256(_canonical(document)).hexdigest()
    rules = []
    for number, entry in enumerate(entries, 1):
        try:
            rules.append(_rule(entry, head["currency"], _reference(head["id"], sha256)))
        except (TypeError, ValueError) as error:
            faults.append(f"rules[{number}]: {error}")
    if faults:
        raise PackError("\n".join(faults))
    return RulePack(
        pack_id=head["id"],
        sha256=sha256,
        jurisdiction=head["jurisdiction"],
        currency=head["currency"],
        author=head["author"],
        approver=head["approver"],
        from_date=head["from"],
        supersedes=head.get("supersedes"),
        rules=tuple(rules),
    )


_PARTS: Final = ("pack", "rules")
#: What each key is made of, and whether it may be absent.
_HEAD: Final[Mapping[str, tuple[type, bool]]] = {
    "id": (str, False),
    "jurisdiction": (str, False),
    "currency": (str, False),
    "author": (str, False),
    "approver": (str, False),
    "from": (date, False),
    "supersedes": (str, True),
}
_ENTRY: Final[Mapping[str, tuple[type, bool]]] = {
    "id": (str, False),
    "name": (str, False),
    "licences": (list, False),
    "from": (date, False),
    "to": (date, True),
    "value": (object, False),
    "mark": (str, False),
    "article_printable": (bool, False),
    "instrument_en": (str, False),
    "instrument_zh": (str, False),
    "text_en": (str, False),
    "text_zh": (str, False),
    "source": (str, False),
    "adopted_en": (str, True),
    "adopted_zh": (str, True),
}


def _faults(entry: Any, keys: Mapping[str, tuple[type, bool]]) -> Iterable[tuple[str, str]]:
    if not isinstance(entry, dict):
        yield "", "is no table"
        return
    for key in entry.keys() - keys.keys():
        yield key, "is not a key"
    for key, (kind, may_be_absent) in keys.items():
        if key not in entry:
            if not may_be_absent:
                yield key, "is missing"
        elif not isinstance(entry[key], kind) or entry[key] in ("", []):
            yield key, f"is not a {kind.__name__}, or is empty"


def _rule(entry: Mapping[str, Any], currency: str, pack: str) -> Rule:
    name, mark, rule_id = entry["name"], entry["mark"], entry["id"]
    if name not in QUESTIONS:
        raise ValueError(f"name {name!r} is no question that code asks")
    if mark not in MARKS or not _RULE_ID.fullmatch(rule_id):
        raise ValueError("needs an id such as R047 and one of the marks A, B and C")
    if entry["article_printable"] and mark != "A":
        raise ValueError("shows an article, which only a rule marked A may")
    reasons = {"adopted_en", "adopted_zh"} & entry.keys()
    if len(reasons) != (2 if mark == "C" else 0):
        raise ValueError("says why it is adopted, in both languages, exactly where it is marked C")
    to_date = entry.get("to")
    if to_date is not None and to_date <= entry["from"]:
        raise ValueError("ends before it begins")
    if not all(isinstance(item, str) for item in entry["licences"]):
        raise ValueError("names a licence that is no text")
    return Rule(
        rule_id=rule_id,
        name=name,
        licences=tuple(entry["licences"]),
        from_date=entry["from"],
        to_date=to_date,
        value=QUESTIONS[name].read(entry["value"], currency),
        mark=mark,
        article_printable=entry["article_printable"],
        instrument_en=entry["instrument_en"],
        instrument_zh=entry["instrument_zh"],
        text_en=entry["text_en"],
        text_zh=entry["text_zh"],
        source=entry["source"],
        adopted_en=entry.get("adopted_en"),
        adopted_zh=entry.get("adopted_zh"),
        pack=pack,
    )


def _canonical(document: Mapping[str, Any]) -> bytes:
    """Return one spelling of the content, whatever its comments, blanks and order of keys."""
    text = json.dumps(
        document, default=date.isoformat, ensure_ascii=False, separators=(",", ":"), sort_keys=True
    )
    return text.encode()


def _reference(pack_id: str, sha256: str) -> str:
    return f"{pack_id}@{sha256[:_HASH_SHOWN]}"
