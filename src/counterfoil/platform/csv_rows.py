"""Rows of a CSV file that are cut short: found with their line, never filled up as if unknown.

A reader of columns takes a row with too few cells for one whose last cells are empty, and an empty
line for a row in which nothing is known. Both are damage, and an empty cell is not.
"""

import csv
from pathlib import Path

import polars as pl


def row_fault(path: Path) -> str | None:
    """Return where the first row without the header's number of cells is; None where none is.

    A file is read by rows only where its last column lacks a value somewhere: a row that is cut
    short always lacks that one. Raises what polars and the system raise for a file that they
    cannot read.
    """
    frame = pl.scan_csv(path, infer_schema=False)
    names = frame.collect_schema().names()
    lacks = frame.select(pl.col(names[-1]).is_null().any()).collect(engine="streaming")
    if not lacks.item():
        return None
    with path.open(encoding="utf-8", errors="replace", newline="") as text:
        rows = csv.reader(text)
        before = 0
        try:
            for cells in rows:
                if len(cells) != len(names) and not (len(names) == 1 and not cells):
                    return f"line {before + 1:,} has {len(cells)} of {len(names)} cells"
                before = rows.line_num
        except csv.Error as fault:
            return f"line {before + 1:,} cannot be read: {fault}"
    return None
