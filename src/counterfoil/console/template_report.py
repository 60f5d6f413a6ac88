"""The report on a version of a contract template, as author and approver read it."""

from collections.abc import Iterable, Sequence
from typing import Any

from counterfoil.console import words
from counterfoil.console.flow import Findings
from counterfoil.console.visit import Visit

_NOTHING = "—"


def template_findings(visit: Visit, report: dict[str, Any]) -> tuple[Findings, ...]:
    """Return what would be made from what, the clauses and values that differ, and what stays."""
    f = visit.formats
    faults = [(one["place"], one["reason"]) for one in report["faults"]]
    stands = [
        (
            words.product_name(visit, one["product"]),
            one["before"] or _NOTHING,
            one["after"] or _NOTHING,
            f.count(one["lines"]),
        )
        for one in report["products"]
    ]
    values = [
        (one["member"], one["before"] or _NOTHING, one["after"] or _NOTHING)
        for one in report["values"]
    ]
    agreements = [
        (
            words.product_name(visit, one["product_code"]),
            f"{one['template_code']}/{one['template_version']}",
            f.count(one["agreements"]),
        )
        for one in report["agreements"]
    ]
    figures = [(_language(visit, one["language"]), one["line"]) for one in report["figures"]]
    found = [
        _findings(visit, "faults", ("place", "reason"), faults),
        _findings(visit, "products", ("product", "before", "after", "lines"), stands),
        *clause_findings(visit, report["texts"]),
        _findings(visit, "values", ("member", "was", "is"), values),
        _findings(visit, "agreements", ("product", "template", "agreements"), agreements),
        _findings(visit, "figures", ("language", "line"), figures),
    ]
    return tuple(one for one in found if one.rows or one.name != "template-faults")


def clause_findings(visit: Visit, texts: Iterable[dict[str, Any]]) -> list[Findings]:
    """Return what reads otherwise, a table for each language."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for one in texts:
        row = (one["heading"] or _NOTHING, _joined(one["before"]), _joined(one["after"]))
        found.setdefault(one["language"], []).append(row)
    return [
        Findings(
            name=f"template-texts-{language}",
            title=visit.t("template_report.texts", language=_language(visit, language)),
            columns=[visit.t(f"template_report.column_{name}") for name in ("clause", "was", "is")],
            rows=rows,
        )
        for language, rows in found.items()
    ]


def _language(visit: Visit, language: str) -> str:
    return visit.catalogue.label("signed_language", language)


def _joined(lines: Sequence[str]) -> str:
    return "\n".join(lines) or _NOTHING


def _findings(
    visit: Visit, name: str, columns: Sequence[str], rows: Sequence[tuple[str, ...]]
) -> Findings:
    return Findings(
        name=f"template-{name}",
        title=visit.t(f"template_report.{name}"),
        columns=[visit.t(f"template_report.column_{column}") for column in columns],
        rows=rows,
    )
