"""What a new version of an agreement changes, and what it says otherwise, clause by clause.

Invariant   A change of terms, or a higher price, is binding: from its day on new drawings need it
            signed. Other words, a lower limit and a lower price are not: whoever does not sign
            goes on under the earlier agreement. Nothing here touches a loan that was made.
Units       Prices daily, 1e-8; limits in minor units.
"""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from counterfoil.kernel.language import Language

#: By what a clause begins in a canonical text.
_CLAUSE: Final = "## "
_TITLE: Final = "# "


class Change(StrEnum):
    """What a version changes besides its number and its dates."""

    #: The template's words.
    WORDS = "words"
    #: The version of the product: fees, tenors, late charges, rules for days.
    TERMS = "terms"
    #: The price of new drawings.
    PRICE = "price"
    #: The limit.
    LIMIT = "limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What new drawings on a line follow."""

    #: Code and version of the template.
    template: tuple[str, int]
    product_version: int
    #: What a new drawing costs, at most the price that was agreed to.
    rate_daily_e8: int
    limit_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """A clause that a version says otherwise; one side is empty where the other stands alone."""

    #: Without its mark; the title of the document for what stands before its first clause.
    heading: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a new version says otherwise, in the order of the text."""

    language: Language
    #: Line by line: each begins with `-` for the earlier and `+` for the new text.
    lines: tuple[str, ...]
    clauses: tuple[Clause, ...]


def changes_between(before: Conditions, after: Conditions) -> tuple[Change, ...]:
    """Return what changes from one agreement to the next; nothing where it is the same."""
    found = {
        Change.WORDS: before.template != after.template,
        Change.TERMS: before.product_version != after.product_version,
        Change.PRICE: before.rate_daily_e8 != after.rate_daily_e8,
        Change.LIMIT: before.limit_minor != after.limit_minor,
    }
    return tuple(change for change, is_so in found.items() if is_so)


def is_binding(before: Conditions, after: Conditions) -> bool:
    """Tell whether new drawings need the later agreement signed from its day on."""
    is_dearer = after.rate_daily_e8 > before.rate_daily_e8
    return is_dearer or before.product_version != after.product_version


def difference(earlier: str, new: str, language: Language) -> Difference:
    """Return what a new text says otherwise."""
    old_lines, new_lines = earlier.splitlines(), new.splitlines()
    told = difflib.unified_diff(old_lines, new_lines, lineterm="", n=0)
    lines = tuple(line for line in told if not line.startswith(("---", "+++", "@@")))
    return Difference(language=language, lines=lines, clauses=tuple(_clauses(old_lines, new_lines)))


def _clauses(earlier: Sequence[str], new: Sequence[str]) -> Iterator[Clause]:
    """Yield the clauses that differ; a clause is known again by its heading."""
    before, after = _by_heading(earlier), _by_heading(new)
    order = list(after) + [heading for heading in before if heading not in after]
    for heading in order:
        left, right = before.get(heading, []), after.get(heading, [])
        gone: list[str] = []
        come: list[str] = []
        matcher = difflib.SequenceMatcher(a=left, b=right, autojunk=False)
        for tag, a, b, c, d in matcher.get_opcodes():
            if tag != "equal":
                gone += left[a:b]
                come += right[c:d]
        if gone or come:
            yield Clause(heading=heading, before=tuple(gone), after=tuple(come))


def _by_heading(lines: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    heading = ""
    for line in lines:
        if line.startswith((_CLAUSE, _TITLE)):
            heading = line.removeprefix(_CLAUSE).removeprefix(_TITLE)
            found.setdefault(heading, [])
        else:
            found.setdefault(heading, []).append(line.removeprefix("- "))
    return found
