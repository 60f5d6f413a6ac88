"""What changes from one registry to the next, and what must not.

Identity    A feature means the same for as long as its version stays: what follows from what, in
            which range, from whom and for what. Another meaning needs another version, and a
            version that meant something once never means something else.
Kept        What ships is what the program itself tells and computes. Its sources, categories,
            kinds of events and their members stay, and so does how its features come about; a
            lender adds features of its own beside them. What the law bans stays banned.
Follows     RULES_CN R002 (standing of categories); decision 0053.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

import orjson
import rfc8785

from counterfoil.features.feature import Standing
from counterfoil.features.registry import Registry

#: Parts of a feature's entry that say nothing of its value.
_WORDS: Final = frozenset({"name_en", "name_zh", "meaning_en", "meaning_zh", "owner", "version"})
#: Of a feature that ships, what the program's own rooms rely on.
_COMPUTED: Final = ("type", "unit", "value", "computed_by")
_STRICTER: Final = {Standing.ORDINARY: 0, Standing.RESTRICTED: 1, Standing.BANNED: 2}


class How(StrEnum):
    """What happened to an entry."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One entry that is not as it was."""

    #: `categories`, `sources`, `kinds`, `features` or `checks`.
    part: str
    name: str
    how: How
    #: Member, and what it was and is, as canonical JSON; empty where the entry came or went.
    members: tuple[tuple[str, str, str], ...] = ()


def changes(before: Registry, after: Registry) -> list[Change]:
    """Return every entry that came, went or is another, by part and name."""
    was, is_now = _entries(before), _entries(after)
    found = []
    for part, name in sorted(was.keys() | is_now.keys()):
        old, new = was.get((part, name)), is_now.get((part, name))
        if old is None or new is None:
            how = How.ADDED if old is None else How.REMOVED
            found.append(Change(part=part, name=name, how=how))
        elif old != new:
            members = tuple(
                (member, _text(old, member), _text(new, member))
                for member in sorted(old.keys() | new.keys())
                if old.get(member) != new.get(member)
            )
            found.append(Change(part=part, name=name, how=How.CHANGED, members=members))
    return found


def meanings(registry: Registry) -> dict[tuple[str, int], str]:
    """Return by name and version of each feature the digest of what its value means."""
    return {
        (entry["name"], entry["version"]): _digest(entry)
        for (part, _), entry in _entries(registry).items()
        if part == "features"
    }


def change_faults(
    shipped: Registry, after: Registry, settled: Mapping[tuple[str, int], str]
) -> list[tuple[str, str]]:
    """Return place and reason of everything for which a registry may not be published.

    `settled` are the meanings that versions of features have had in registries before it.
    """
    return [*_meaning_faults(after, settled), *_shipped_faults(shipped, after)]


def _meaning_faults(
    after: Registry, settled: Mapping[tuple[str, int], str]
) -> Iterator[tuple[str, str]]:
    for (name, version), digest in meanings(after).items():
        if settled.get((name, version), digest) != digest:
            yield (
                f"features[{name}].version",
                f"{version} has meant something else; another meaning takes another version",
            )


def _shipped_faults(shipped: Registry, after: Registry) -> Iterator[tuple[str, str]]:
    for part in ("categories", "sources", "kinds"):
        for code in sorted(getattr(shipped, part).keys() - getattr(after, part).keys()):
            yield f"{part}[{code}]", "is missing; the program tells or computes by it"
    for code, category in shipped.categories.items():
        now = after.categories.get(code)
        if now is not None and _STRICTER[now.standing] < _STRICTER[category.standing]:
            yield (
                f"categories[{code}].standing",
                f"is {now.standing}; {category.rule} makes it {category.standing}",
            )
    for code, source in shipped.sources.items():
        heir = after.sources.get(code)
        if heir is not None and (
            heir.is_on > source.is_on or source.needs_licence > heir.needs_licence
        ):
            yield f"sources[{code}]", "is switched on by two people, under a licence, and not here"
    for code, kind in shipped.kinds.items():
        for name in (
            sorted(kind.members.keys() - after.kinds[code].members.keys())
            if code in after.kinds
            else ()
        ):
            yield f"kinds[{code}].members[{name}]", "is missing; the program tells it"
    yield from _computed_faults(shipped, after)


def _computed_faults(shipped: Registry, after: Registry) -> Iterator[tuple[str, str]]:
    entries = _entries(after)
    for (part, name), entry in _entries(shipped).items():
        if part != "features":
            continue
        now = entries.get((part, name))
        if now is None:
            yield f"features[{name}]", "is missing; the program computes it"
            continue
        for member in _COMPUTED:
            if now.get(member) != entry.get(member):
                yield (
                    f"features[{name}].{member}",
                    "is another; the program computes it as it ships: give yours a name of its own",
                )


def _entries(registry: Registry) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (part, entry["name"] if part == "features" else entry["code"]): entry
        for part, entries in orjson.loads(registry.document).items()
        for entry in entries
    }


def _text(entry: Mapping[str, Any], member: str) -> str:
    return rfc8785.dumps(entry[member]).decode() if member in entry else ""


def _digest(entry: Mapping[str, Any]) -> str:
    said = {member: value for member, value in entry.items() if member not in _WORDS}
    return sha256(rfc8785.dumps(said)).hexdigest()
