"""What may be exported and how each column leaves: `exports.toml`, read and checked.

Invariant   A column without a known `how` stops the start; so does a data set without a customer's
            pseudonym, without a column that is measured, or without one that carries the mark.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any, Final

#: Last digits of an amount that carry the mark: one in ten thousand is right by chance.
MARK_RANGE: Final = 10_000
#: The column by whose pseudonym rows of one person are known as such.
CUSTOMER: Final = "customer"


class How(StrEnum):
    """What is done to a column before it leaves."""

    PSEUDONYM = "pseudonym"
    CODE = "code"
    COUNT = "count"
    BAND = "band"
    MONTH = "month"
    ABOUT = "about"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of an export."""

    name: str
    #: Member of the record that it is made of.
    source: str
    how: How
    #: Width of a span, in the unit of the column; 0 where there are no spans.
    width: int = 0
    #: Whether somebody who knows a person could find the person by it.
    is_quasi: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Records that may be exported."""

    code: str
    name_en: str
    name_zh: str
    columns: tuple[Column, ...]

    @property
    def quasi(self) -> tuple[int, ...]:
        """Return the places of the columns by which groups are made."""
        return tuple(n for n, column in enumerate(self.columns) if column.is_quasi)

    @property
    def needs_person(self) -> bool:
        """Return whether age or region are derived from the identity number."""
        return any(column.source in ("age_years", "region") for column in self.columns)


@cache
def load_datasets() -> Mapping[str, Dataset]:
    """Return what this release exports, by code."""
    text = resources.files("counterfoil.privacy").joinpath("exports.toml").read_text("utf-8")
    return parse_datasets(tomllib.loads(text))


def parse_datasets(read: Mapping[str, Any]) -> dict[str, Dataset]:
    """Return data sets that were read from a file; raise ValueError where one lacks something."""
    found = {
        code: Dataset(
            code=code,
            name_en=item["en"],
            name_zh=item["zh"],
            columns=tuple(_column(code, given) for given in item["columns"]),
        )
        for code, item in read["datasets"].items()
    }
    for dataset in found.values():
        first = dataset.columns[0]
        if (first.name, first.how) != (CUSTOMER, How.PSEUDONYM):
            raise ValueError(f"{dataset.code} does not begin with the customer's pseudonym")
        if not dataset.quasi:
            raise ValueError(f"{dataset.code} measures nothing")
        if not any(column.how is How.ABOUT for column in dataset.columns):
            raise ValueError(f"{dataset.code} carries no mark")
    return found


def _column(code: str, given: Mapping[str, Any]) -> Column:
    column = Column(
        name=given["name"],
        source=given["from"],
        how=How(given["how"]),
        width=given.get("width", 0),
        is_quasi=given.get("quasi", False),
    )
    is_marked = column.how is How.ABOUT
    if is_marked and (column.is_quasi or not column.width or column.width % MARK_RANGE):
        raise ValueError(f"{code}.{column.name} is no amount that can carry a mark")
    if column.how is How.BAND and column.width < 1:
        raise ValueError(f"{code}.{column.name} has no width")
    if column.how is How.TEXT and column.is_quasi:
        raise ValueError(f"{code}.{column.name} is a text and cannot make groups")
    return column
