"""A policy's file as somebody wrote it: where in it a fault stands, by line and column.

The reader of TOML forgets lines, so a fault is found again: the section by the code or name in
it, the key in the section, and within a rule the part that the language refuses.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from counterfoil.decisioning.document import read_policy
from counterfoil.decisioning.document_model import FindModel
from counterfoil.decisioning.expression import walk
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.reading import InvalidPolicyError
from counterfoil.decisioning.rule_text import MalformedRuleError, offsets, parse_rule
from counterfoil.decisioning.rule_types import RuleTypeError

_HEADER: Final = re.compile(r"^\s*\[{1,2}\s*(?P<path>[A-Za-z0-9_.]+)\s*\]{1,2}")
_KEY: Final = re.compile(r"^\s*(?P<key>[A-Za-z0-9_]+)\s*=\s*(?P<quotes>\"\"\"|'''|\"|')?")
_STEP: Final = re.compile(r"(?P<name>[A-Za-z0-9_]+)(?:\[(?P<item>[^\]]*)\])?(?:\.|$)")
_TOML_PLACE: Final = re.compile(r"at line (?P<line>\d+), column (?P<column>\d+)")
#: Keys by which an entry of a list is named, in the order in which its reader names it.
_NAMES: Final = ("code", "name", "feature")
_MULTILINE: Final = 3


class FaultyPolicyError(ValueError):
    """The file is not a policy; the message says file, line, column, place and reason."""

    def __init__(self, file: str, text: str, fault: InvalidPolicyError) -> None:
        """Find the fault in the text."""
        self.line, self.column = position_of(text, fault)
        self.place, self.reason = fault.place, fault.reason
        super().__init__(f"{file}:{self.line}:{self.column}: {fault}")


@dataclass(slots=True, kw_only=True)
class _Section:
    """A table of the file: where it begins and where its keys stand."""

    path: str
    start: int
    #: Key → beginning of its line and of its value, in characters.
    keys: dict[str, tuple[int, int]] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)


def read_policy_file(file: str, text: str, *, find_model: FindModel | None = None) -> Policy:
    """Return the policy of a file's text; raise FaultyPolicyError for anything else.

    `find_model` gives the file of a model that the policy names.
    """
    try:
        return read_policy(text, find_model=find_model)
    except InvalidPolicyError as fault:
        raise FaultyPolicyError(file, text, fault) from fault


def position_of(text: str, fault: InvalidPolicyError) -> tuple[int, int]:
    """Return line and column of a fault, counted from 1; the beginning where nothing is nearer."""
    if (found := _TOML_PLACE.search(fault.reason)) is not None:
        return int(found["line"]), int(found["column"])
    offset = _offset_of(text, fault)
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def _offset_of(text: str, fault: InvalidPolicyError) -> int:
    path, item, keys = _steps(fault.place)
    sections = [section for section in _sections(text) if section.path == path]
    if item is not None:
        named = [one for one in sections if item in (one.values.get(key) for key in _NAMES)]
        numbered = sections[int(item) : int(item) + 1] if item.isdecimal() else []
        sections = named or numbered or sections
    for section in sections:
        for key in reversed(keys):
            if key in section.keys:
                _, value = section.keys[key]
                return value + _within(section.values.get(key, ""), fault)
    if item is None and keys:
        # A list as a whole: its first entry.
        sections = [one for one in _sections(text) if one.path == keys[0]] or sections
    return sections[0].start if sections else 0


def _steps(place: str) -> tuple[str, str | None, list[str]]:
    """Return the section's path, the entry's name and the keys of a place."""
    found = [(step["name"], step["item"]) for step in _STEP.finditer(place.removeprefix("policy."))]
    for number, (_, item) in enumerate(found):
        if item is not None:
            path = ".".join(name for name, _ in found[: number + 1])
            return path, item, [name for name, _ in found[number + 1 :]]
    names = [name for name, _ in found]
    if len(names) > 1:
        return names[0], None, names[1:]
    return "", None, names


def _within(rule: str, fault: InvalidPolicyError) -> int:
    """Return where in a rule's text the fault begins."""
    try:
        tree = parse_rule(rule)
    except MalformedRuleError as error:
        return error.offset
    cause = fault.__cause__
    if isinstance(cause, RuleTypeError) and cause.node is not None:
        for part, offset in zip(walk(tree), offsets(rule), strict=True):
            if part == cause.node:
                return offset
    return 0


def _sections(text: str) -> list[_Section]:
    """Return the sections of a TOML text; texts of several lines are passed over as a whole."""
    sections = [_Section(path="", start=0)]
    place = 0
    while place < len(text):
        end = text.find("\n", place)
        end = len(text) if end < 0 else end
        line = text[place:end]
        if (header := _HEADER.match(line)) is not None:
            sections.append(_Section(path=header["path"], start=place))
        elif (key := _KEY.match(line)) is not None:
            end = max(end, _take(text, place, key, sections[-1]))
        place = end + 1
    return sections


def _take(text: str, place: int, key: re.Match[str], section: _Section) -> int:
    """Note a key with its value; return where the value ends."""
    start, quotes = place + key.end(), key["quotes"]
    if quotes is None:
        section.keys[key["key"]] = (place, start)
        return start
    # A line break straight after the opening quotes does not belong to the text.
    if len(quotes) == _MULTILINE and text.startswith("\n", start):
        start += 1
    close = text.find(quotes, start)
    close = len(text) if close < 0 else close
    section.keys[key["key"]] = (place, start)
    section.values[key["key"]] = text[start:close]
    return close
