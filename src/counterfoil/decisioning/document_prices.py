"""Prices of single cells of the grid: by grade, and by segment, tenor or both.

A cell says the price of a tenor, of a segment, or of both together. What no cell says is the
grade's own price, by segment where it has some.
Invariant   For each segment and tenor at most one place says the price, or the narrowest of those
            that do; two that are equally narrow refuse the document.
"""

from collections.abc import Mapping
from dataclasses import replace

from counterfoil.decisioning.policy_parts import Grade, Segment
from counterfoil.decisioning.reading import InvalidPolicyError, Table

#: Thirty years; nothing that a policy prices runs for longer.
TENOR_MONTHS_MAX = 360

_Cells = dict[tuple[str | None, int | None], int]


def with_prices(
    table: Table, grades: tuple[Grade, ...], segments: tuple[Segment, ...]
) -> tuple[Grade, ...]:
    """Return the grades with the cells of the document's list `price`."""
    cells: dict[str, _Cells] = {grade.code: {} for grade in grades}
    codes = {segment.code for segment in segments}
    for item in table.tables_if_any("price"):
        _read_cell(item, cells, codes)
    for grade in grades:
        _check_clear(grade, cells[grade.code], codes)
    return tuple(replace(grade, cells=cells[grade.code]) for grade in grades)


def _read_cell(item: Table, cells: Mapping[str, _Cells], codes: set[str]) -> None:
    grade = item.text("grade")
    segment = item.text("segment", default="") or None
    tenor_months = item.integer_or_none("tenor_months")
    rate_daily_e8 = item.integer("rate_daily_e8")
    item.finish()
    if grade not in cells:
        raise item.fault("grade", f"{grade} is no grade of this policy")
    if segment is not None and segment not in codes:
        raise item.fault("segment", f"{segment} is no segment of this policy")
    if tenor_months is None and segment is None:
        raise item.fault("tenor_months", "or a segment is missing; the grade itself has the rest")
    if tenor_months is not None and not 0 < tenor_months <= TENOR_MONTHS_MAX:
        raise item.fault("tenor_months", f"lies between 1 and {TENOR_MONTHS_MAX}")
    if (segment, tenor_months) in cells[grade]:
        raise item.fault("grade", "has this cell twice")
    cells[grade][segment, tenor_months] = rate_daily_e8


def _check_clear(grade: Grade, cells: _Cells, codes: set[str]) -> None:
    """Refuse two prices of which neither is the narrower."""
    place = f"policy.price[{grade.code}]"
    by_segment = {segment for segment, months in cells if segment is not None and months is None}
    if by_segment and grade.rates_daily_e8:
        raise InvalidPolicyError(f"{place}.segment", "has a price in the grade's own table, too")
    for months in {months for segment, months in cells if segment is None}:
        for code in sorted(by_segment):
            if (code, months) not in cells:
                raise InvalidPolicyError(
                    f"{place}.tenor_months",
                    f"{months} and the segment {code} both have a price; write that of both",
                )
    assert all(segment is None or segment in codes for segment, _ in cells)
