"""The report on a registry of features, as whoever approves of it reads it."""

from collections.abc import Iterator
from typing import Any, Final

from counterfoil.console.flow import Findings
from counterfoil.console.visit import Visit

_MOVES: Final = ("same", "changed", "became_known", "became_unknown")
#: Stands where an entry came or went as a whole.
_WHOLE: Final = {"member": "—", "before": "—", "after": "—"}


def registry_findings(visit: Visit, report: dict[str, Any]) -> tuple[Findings, ...]:
    """Return what changes, what would have been read and decided, and what was held against it."""
    t, impact = visit.t, report["impact"]
    moved = [
        (name, *(str(counts.get(how, 0)) for how in _MOVES))
        for name, counts in sorted(impact["values"].items())
    ]
    outcomes = [(name, str(cases)) for name, cases in sorted(impact["outcomes"].items())]
    held = [(name, t("registry_report.reads_on")) for name in report["policies"]]
    held += [(one["place"], one["reason"]) for one in report["faults"]]
    return (
        _findings(visit, "changes", ("part", "name", "how", "member", "was", "is"), _rows(report)),
        _findings(visit, "values", ("feature", *_MOVES), moved, cases=str(impact["cases"])),
        _findings(visit, "outcomes", ("outcome", "decisions"), outcomes),
        _findings(visit, "held", ("version", "finding"), held),
    )


def _rows(report: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for one in report["changes"]:
        for member in one["members"] or [_WHOLE]:
            yield (
                *(one["part"], one["name"], one["how"]),
                *(member["member"], member["before"], member["after"]),
            )


def _findings(
    visit: Visit, name: str, columns: tuple[str, ...], rows: Any, **told: str
) -> Findings:
    return Findings(
        name=f"registry-{name}",
        title=visit.t(f"registry_report.{name}", **told),
        columns=[visit.t(f"registry_report.column_{column}") for column in columns],
        rows=list(rows),
    )
