"""Columns of a file as the types that features declare: integers, texts and booleans.

CSV         Every cell is read as text first, so that one odd cell is found and named instead of
            deciding the type of its column. A row that is cut short is refused with its line.
Missing     An empty cell, NaN and the usual words for "not available" are not known.
Rounding    A number is multiplied by the feature's scale and rounded to the nearest integer,
            halves away from zero.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from counterfoil.models.artefact_parts import Type
from counterfoil.platform.csv_rows import broken_row, row_fault

#: What stands for a number that is not known, in files of other programs.
MISSING_WORDS: Final = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None")
#: Largest integer that, with every smaller one, is exact in a 64-bit fraction and in JSON.
EXACT_MAX: Final = 2**53 - 1
#: How far from a whole number a value may be, after scaling, and count as one.
WHOLE_WITHIN: Final = 1e-6

_PARQUET: Final = frozenset({".parquet", ".pq"})
_BOOLEANS: Final = {"true": True, "false": False, "1": True, "0": False}


class UnfitDataError(ValueError):
    """The data cannot be learned from; says for each column why."""

    def __init__(self, faults: list[tuple[str, str]]) -> None:
        """Take columns and reasons."""
        super().__init__("\n".join(f"{column}: {reason}" for column, reason in faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Converted:
    """A column in its declared type, and what could not be converted."""

    values: pl.Series
    #: What is wrong with some values, with the first of them; None where nothing is.
    fault: str | None
    wrong_count: int


def read_frame(path: Path) -> pl.DataFrame:
    """Return a CSV (cells as text) or Parquet file; raises `UnfitDataError`."""
    try:
        fault = None
        if path.suffix.lower() in _PARQUET:
            frame = pl.read_parquet(path)
        else:
            fault = row_fault(path)
            frame = pl.DataFrame() if fault else pl.read_csv(path, infer_schema=False)
    except pl.exceptions.NoDataError as empty:
        raise UnfitDataError([("the file", "is empty")]) from empty
    except (pl.exceptions.PolarsError, OSError) as failure:
        reason = _broken_row(path) or f"cannot be read: {str(failure).splitlines()[0]}"
        raise UnfitDataError([("the file", reason)]) from failure
    if fault is not None:
        raise UnfitDataError([("the file", f"{fault}: a row that is not whole is not unknown")])
    twice = [name for name in frame.columns if "_duplicated_" in name]
    if twice:
        name = twice[0].partition("_duplicated_")[0]
        raise UnfitDataError([(name, "stands in the header twice")])
    if frame.height == 0:
        raise UnfitDataError([("the file", "has a header and no rows")])
    return frame


def _broken_row(path: Path) -> str | None:
    """Return which row of a CSV file is not whole; None where it is no such file, or none is."""
    if path.suffix.lower() in _PARQUET:
        return None
    try:
        return broken_row(path, pl.scan_csv(path, infer_schema=False).collect_schema().names())
    except (pl.exceptions.PolarsError, OSError):
        return None


def converted(column: pl.Series, kind: Type, scale: int = 1) -> Converted:
    """Return a column in the type that a feature declares; what does not fit becomes missing."""
    match kind:
        case Type.INTEGER:
            return _integers(column, scale)
        case Type.TEXT:
            return _texts(column)
        case Type.BOOLEAN:
            return _booleans(column)


def as_words(column: pl.Series) -> pl.Series:
    """Return values as the texts that a recipe names: whole numbers without a point."""
    if column.dtype.is_float():
        whole = (column == column.round()).fill_null(value=True)
        if whole.all():
            column = column.cast(pl.Int64, strict=False)
    if column.dtype == pl.Boolean:
        return column.cast(pl.Int8).cast(pl.String)
    if column.dtype in {pl.String, pl.Categorical, pl.Enum}:
        words = column.cast(pl.String).str.strip_chars()
        return words.set(words == "", None)
    return column.cast(pl.String)


def _integers(column: pl.Series, scale: int) -> Converted:
    if column.dtype == pl.Boolean or column.dtype.is_temporal() or column.dtype.is_nested():
        return _none_fits(column, f"is of type {column.dtype}, not a number")
    if column.dtype.is_integer() and scale == 1:
        exact = column.cast(pl.Int64, strict=False)
        near = exact.is_between(-EXACT_MAX, EXACT_MAX).fill_null(value=False)
        return _told(column, exact, column.is_not_null() & ~near, "are beyond 2^53")
    given = column
    if not column.dtype.is_numeric():
        words = column.cast(pl.String).str.strip_chars()
        column = words.set(words.is_in(MISSING_WORDS), None)
    number = column.cast(pl.Float64, strict=False)
    odd = column.is_not_null() & number.is_null()
    if odd.any():
        return _told(given, number, odd, "are not numbers")
    number = number.fill_nan(None) * scale
    infinite = number.is_infinite().fill_null(value=False)
    if infinite.any():
        return _told(given, number, infinite, "are infinite")
    huge = (number.abs() > EXACT_MAX).fill_null(value=False)
    if huge.any():
        return _told(given, number, huge, "are beyond 2^53")
    fraction = ((number - number.round()).abs() > WHOLE_WITHIN).fill_null(value=False)
    if scale == 1 and fraction.any():
        return _told(given, number, fraction, "have fractions (declare a scale)")
    return Converted(number.round().cast(pl.Int64), None, 0)


def _texts(column: pl.Series) -> Converted:
    if column.dtype not in {pl.String, pl.Categorical, pl.Enum}:
        return _none_fits(column, f"is of type {column.dtype}, not a text")
    words = column.cast(pl.String).str.strip_chars()
    return Converted(words.set(words == "", None), None, 0)


def _booleans(column: pl.Series) -> Converted:
    if column.dtype == pl.Boolean:
        return Converted(column, None, 0)
    words = as_words(column).str.to_lowercase()
    words = words.set(words.is_in([word.lower() for word in MISSING_WORDS]), None)
    found = words.replace_strict(_BOOLEANS, default=None, return_dtype=pl.Boolean)
    return _told(column, found, words.is_not_null() & found.is_null(), "are neither true nor false")


def _none_fits(column: pl.Series, reason: str) -> Converted:
    nothing = pl.Series(column.name, [None] * len(column), dtype=pl.Int64)
    return Converted(nothing, reason, len(column) - column.null_count())


def _told(given: pl.Series, values: pl.Series, wrong: pl.Series, what: str) -> Converted:
    count = int(wrong.sum())
    if values.dtype.is_float():
        values = values.set(wrong, None).fill_nan(None).round().cast(pl.Int64, strict=False)
    if not count:
        return Converted(values, None, 0)
    row = wrong.arg_max()
    assert row is not None
    fault = f"{count:,} values {what}; the first is {given[row]!r} in row {row + 1:,}"
    return Converted(values, fault, count)
