"""The door: which events are taken in, which are refused, and which wait in quarantine.

Refused     What must not be kept at all: no legal basis, a basis that the source does not admit, a
            source that is switched off, a restricted member without a written consent.
Quarantine  What is malformed: an unknown kind, a member or value that cannot be, a date in the
            future. Of it only plain numbers, yes or no and short codes are kept, so that it can be
            repaired; anything else is dropped and its name kept.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, TypeGuard

from counterfoil.features.event import Draft, EventKind, Member
from counterfoil.features.feature import LEGAL_BASES, Value, ValueType
from counterfoil.features.refusals import (
    EVENT_BASIS_NOT_ADMITTED,
    EVENT_CONSENT_MISSING,
    EVENT_SOURCE_OFF,
    EVENT_WITHOUT_BASIS,
)
from counterfoil.features.registry import Registry
from counterfoil.kernel.errors import Refused, refuse

_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
#: Longest run of digits in a code; identity and phone numbers are longer.
_DIGITS: Final = re.compile(r"\d{9}")
_RECORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,99}")
#: Numbers from here on have as many digits as a phone number.
_NUMBER_MAX: Final = 10**10
#: Why an event waits in quarantine.
HELD_REASONS: Final = (
    *("kind_unknown", "record_malformed", "purpose_malformed", "in_future", "member_unknown"),
    *("value_impossible", "duplicate_differs"),
)
#: Most members that quarantine keeps of one event.
MEMBERS_MAX: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Malformed:
    """Why an event goes into quarantine."""

    reason: str
    #: The member it is about; empty where it is about the event.
    member: str


def admit(
    registry: Registry, draft: Draft, *, is_on: Collection[str], today: date
) -> Refused | Malformed | None:
    """Return why an event is not taken in; None if it is. `is_on` are sources switched on."""
    refused = _refuse(registry, draft, is_on)
    return refused or malformed(registry, draft, today=today)


def malformed(registry: Registry, draft: Draft, *, today: date) -> Malformed | None:
    """Return what is wrong with the form of an event; None if nothing is."""
    kind = registry.kinds.get(draft.kind)
    if kind is None or draft.source not in kind.sources:
        return Malformed(reason="kind_unknown", member="")
    if not _RECORD.fullmatch(draft.source_record):
        return Malformed(reason="record_malformed", member="")
    if not _is_code(draft.purpose):
        return Malformed(reason="purpose_malformed", member="")
    if draft.occurred_on > today + timedelta(days=1):
        return Malformed(reason="in_future", member="")
    return _fault_of_members(kind, draft.facts)


def sound_part(facts: Mapping[str, object]) -> tuple[dict[str, Value], list[str]]:
    """Return what of malformed members can be kept, and the names of what was dropped."""
    kept: dict[str, Value] = {}
    dropped: list[str] = []
    for name, value in list(facts.items())[:MEMBERS_MAX]:
        if not _is_code(name):
            dropped.append("?")
        elif _is_plain(value):
            kept[name] = value
        else:
            dropped.append(name)
    return kept, sorted(set(dropped))


def _refuse(registry: Registry, draft: Draft, is_on: Collection[str]) -> Refused | None:
    if draft.legal_basis not in LEGAL_BASES or not draft.purpose:
        return refuse(EVENT_WITHOUT_BASIS)
    source = registry.sources.get(draft.source)
    if source is None or not (source.is_on or source.code in is_on):
        return refuse(EVENT_SOURCE_OFF, source=draft.source)
    if draft.legal_basis not in source.legal_bases:
        bases = " or ".join(sorted(source.legal_bases))
        return refuse(EVENT_BASIS_NOT_ADMITTED, source=source.code, bases=bases)
    kind = registry.kinds.get(draft.kind)
    restricted = kind is not None and any(
        registry.is_restricted(kind.members[name].category)
        for name in draft.facts
        if name in kind.members
    )
    if draft.consent_id is None and (source.names_consent or restricted):
        return refuse(EVENT_CONSENT_MISSING, source=source.code)
    return None


def _fault_of_members(kind: EventKind, facts: Mapping[str, Value]) -> Malformed | None:
    for name, value in facts.items():
        member = kind.members.get(name)
        if member is None:
            return Malformed(reason="member_unknown", member=name if _is_code(name) else "?")
        if not _admits(member, value):
            return Malformed(reason="value_impossible", member=name)
    return None


def _admits(member: Member, value: object) -> bool:
    if member.type is ValueType.BOOLEAN:
        return isinstance(value, bool)
    if member.type is ValueType.TEXT:
        return isinstance(value, str) and (
            value in member.values if member.values else _is_code(value)
        )
    if isinstance(value, bool) or not isinstance(value, int):
        return False
    return member.lowest <= value <= member.highest


def _is_plain(value: object) -> TypeGuard[Value]:
    """Tell whether a value is no place for a name or a number of anybody."""
    if isinstance(value, bool | int):
        return abs(value) < _NUMBER_MAX
    return isinstance(value, str) and _is_code(value)


def _is_code(text: str) -> bool:
    return _CODE.fullmatch(text) is not None and _DIGITS.search(text) is None
