"""Rows of a CSV file that are cut short: found with their line, never filled up as if unknown.

A reader of columns takes a row with too few cells for one whose last cells are empty, and an empty
line for a row in which nothing is known. Both are damage, and an empty cell is not.
"""

import csv
from pathlib import Path
from typing import Final

import polars as pl

#: What bytes that are no UTF-8 are read as.
_NO_LETTER: Final = "\ufffd"


def row_fault(path: Path) -> str | None:
    """Return where the first row without the header's number of cells is; None where none is.

    A file is read by rows only where its last column lacks a value somewhere, since a row that is
    cut short always lacks that one, and where polars cannot read it. Raises what polars and the
    system raise for a file that they cannot read, where no row is at fault.
    """
    frame = pl.scan_csv(path, infer_schema=False)
    names = frame.collect_schema().names()
    try:
        lacks = frame.select(pl.col(names[-1]).is_null().any()).collect(engine="streaming").item()
    except pl.exceptions.ComputeError:
        fault = broken_row(path, names)
        if fault is None:
            raise
        return fault
    return broken_row(path, names) if lacks else None


def broken_row(path: Path, names: list[str]) -> str | None:
    """Return what is wrong with the first row that is not whole, by its line; None where none is.

    `names` are the columns of the header. For files that polars cannot read, or not for certain.
    """
    with path.open(encoding="utf-8", errors="replace", newline="") as text:
        rows = csv.reader(text)
        before = 0
        try:
            for cells in rows:
                if len(cells) != len(names) and not (len(names) == 1 and not cells):
                    return f"line {before + 1:,} has {len(cells)} of {len(names)} cells"
                if any(_NO_LETTER in cell for cell in cells):
                    return f"line {before + 1:,} has bytes that are none of UTF-8"
                before = rows.line_num
        except csv.Error as fault:
            return f"line {before + 1:,} cannot be read: {fault}"
    return None
