"""Measures on lines held against the lines: what has ended blocks nobody any more.

Expired     A freeze without renewal ends by itself. A line that is still blocked by one whose last
            day is over, or whose last day is not the one that its history names, is a defect.
Standing    A suspension in force is on a line that is suspended or closed, and a line is lowered
            no further than a measure says.
"""

from collections import defaultdict

from counterfoil.decisioning.line_review.measure import Kind, LineMeasure, Status
from counterfoil.journeys.books.findings import Notes
from counterfoil.journeys.books.page import Key, Page
from counterfoil.kernel import ids
from counterfoil.lending.line import Line, blocked_by

_ENDED = frozenset({Status.ENDED, Status.LIFTED, Status.UNDONE})


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
    held = [one for one in measures if one.kind is Kind.SUSPEND and one.status is Status.IN_FORCE]
    if held and line.status not in {"suspended", "closed"}:
        faults.append(f"is {line.status}, and a suspension is noted as in force")
    return faults


def _is_of(line: Line, measure: LineMeasure) -> bool:
    """Tell whether a line's freeze is the one of a measure."""
    return line.status_reason == measure.reasons[0]
