"""What each line of a statement is about: rules as data, and for each line why.

Invariant   Every line has exactly one category and the word or sign that gave it; what no rule
            takes is `uncategorised` and counted. Borrowed money and transfers between own accounts
            are never income.
"""

import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from typing import Final

from counterfoil.capacity.statement import Statement, StatementLine, normal_name

_FILE: Final = "categories.toml"
#: The code of lines that no rule takes.
UNCATEGORISED: Final = "uncategorised"
#: What gave the category where the counterparty is the holder.
BY_HOLDER: Final = "=holder"


class CategoryKind(StrEnum):
    """What the figures make of a line."""

    INCOME = "income"
    DEBT = "debt"
    LIVING = "living"
    LOAN = "loan"
    OWN = "own"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """One rule of the document."""

    code: str
    kind: CategoryKind
    #: `in`, `out` or `both`.
    direction: str
    zh: str
    en: str
    words: tuple[str, ...]
    #: Whether a counterparty with the holder's name is of this category.
    holder: bool = False

    def sign_in(self, line: StatementLine, said: str, *, is_holder: bool) -> str | None:
        """Return what makes the line one of these: a word, or the holder's name; else None."""
        if self.direction != "both" and (self.direction == "in") != (line.amount_minor > 0):
            return None
        if self.holder and is_holder:
            return BY_HOLDER
        return next((word for word in self.words if _pattern(word).search(said)), None)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CategorisedLine:
    """A line, what it is about, and what gave it away; never shown in a log."""

    line: StatementLine
    category: str
    kind: CategoryKind
    #: The word that was found, `=holder`, or empty where no rule took the line.
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Categories:
    """The document, read once."""

    version: str
    categories: tuple[Category, ...]

    def label(self, code: str) -> tuple[str, str]:
        """Return the words for a category, in Chinese and English."""
        for item in self.categories:
            if item.code == code:
                return item.zh, item.en
        return "未归类", "uncategorised"


@lru_cache(maxsize=1)
def shipped_categories() -> Categories:
    """Return the rules that the product comes with."""
    text = resources.files("counterfoil.capacity").joinpath(_FILE).read_text(encoding="utf-8")
    return read_categories(text)


def read_categories(text: str) -> Categories:
    """Read a document of rules; raise ValueError where a rule is not one."""
    document = tomllib.loads(text)
    found = []
    for item in document["categories"]:
        if item["direction"] not in {"in", "out", "both"}:
            raise ValueError(f"{item['code']}: the direction is in, out or both")
        words = tuple(word.casefold() for word in item["words"])
        found.append(Category(**item | {"words": words, "kind": CategoryKind(item["kind"])}))
    if len({item.code for item in found}) != len(found):
        raise ValueError("a category stands twice")
    return Categories(version=document["version"], categories=tuple(found))


def categorise(
    statement: Statement, rules: Categories | None = None
) -> tuple[CategorisedLine, ...]:
    """Return every line with its category and what gave it."""
    rules = rules or shipped_categories()
    holder = normal_name(statement.holder)
    return tuple(_categorised(line, holder, rules) for line in statement.lines)


@lru_cache(maxsize=1_000)
def _pattern(word: str) -> re.Pattern[str]:
    """Return how a word is found: Chinese anywhere, Latin as a whole word."""
    escaped = re.escape(word)
    return re.compile(rf"\b{escaped}\b" if word.isascii() else escaped)


def _categorised(line: StatementLine, holder: str, rules: Categories) -> CategorisedLine:
    said = f"{line.text} {line.counterparty}".casefold()
    is_holder = bool(line.counterparty) and normal_name(line.counterparty) == holder
    for item in rules.categories:
        sign = item.sign_in(line, said, is_holder=is_holder)
        if sign is not None:
            return CategorisedLine(line=line, category=item.code, kind=item.kind, because=sign)
    return CategorisedLine(line=line, category=UNCATEGORISED, kind=CategoryKind.UNKNOWN, because="")
