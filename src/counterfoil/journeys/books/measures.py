"""Measures on lines held against the lines: what has ended blocks nobody any more.

Expired     A freeze without renewal ends by itself. A line that is still blocked by one whose last
            day is over, or whose last day is not the one that its history names, is a defect.
Standing    A freeze or a suspension in force is on a line that bears it, or is closed; what was
            announced for a day is carried out on it. What a crash left is told here until
            `journeys/lines/settle_measures.py` has found it.
"""

from collections import defaultdict

from counterfoil.decisioning.line_review.measure import Kind, LineMeasure, Status
from counterfoil.journeys.books.findings import Notes
from counterfoil.journeys.books.page import Key, Page
from counterfoil.kernel import ids
from counterfoil.lending.line import Line, blocked_by

_ENDED = frozenset({Status.ENDED, Status.LIFTED, Status.UNDONE})
#: States of a line that no longer bears what is noted as in force.
_BARES = {Kind.FREEZE: ("active",), Kind.SUSPEND: ("active", "frozen")}
_CALLED = {Kind.FREEZE: "freeze", Kind.SUSPEND: "suspension"}


def check_measures(page: Page, notes: Notes) -> None:
    """Hold every line's state against the measures on it."""
    result = notes.results["line_measures"]
    by_line: defaultdict[Key, list[LineMeasure]] = defaultdict(list)
    for measure in page.measures:
        by_line[measure.customer_id, measure.line_id].append(measure)
    for key, line in page.lines.items():
        result.examined += 1
        for fault in _faults(line, by_line[key], notes):
            result.note(ids.to_text(ids.LINE, line.line_id), fault)


def _faults(line: Line, measures: list[LineMeasure], notes: Notes) -> list[str]:
    on = notes.business_date
    faults = []
    if blocked_by(line, on) == "frozen":
        expired = [one for one in measures if one.kind is Kind.FREEZE and one.status in _ENDED]
        running = [one for one in measures if one.kind is Kind.FREEZE and one.is_standing]
        if not running and any(_is_of(line, one) for one in expired):
            faults.append("is blocked by a freeze that is over")
    if notes.is_closing:
        return faults
    faults += [
        f"measure {ids.to_text(ids.LINE_MEASURE, one.measure_id)} ended on {one.ends_on} and is"
        " still noted as in force"
        for one in measures
        if one.status is Status.IN_FORCE and one.ends_on is not None and one.ends_on < on
    ]
    faults += [
        f"is {line.status}, and a {_CALLED[one.kind]} is noted as in force"
        for one in measures
        if one.status is Status.IN_FORCE and line.status in _BARES.get(one.kind, ())
    ]
    return faults + [
        f"measure {ids.to_text(ids.LINE_MEASURE, one.measure_id)} was announced for"
        f" {one.effective_on} and never carried out"
        for one in measures
        if one.status is Status.PLANNED and one.effective_on < on
    ]


def _is_of(line: Line, measure: LineMeasure) -> bool:
    """Tell whether a line's freeze is the one of a measure."""
    return line.status_reason in {measure.reasons[0], measure.said}
