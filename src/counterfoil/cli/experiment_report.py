"""Reports of experiments for people at a terminal."""

from collections.abc import Callable
from typing import Any, Final

import typer

from counterfoil.cli import output

_PPM = 1_000_000


def write_report(document: dict[str, Any]) -> None:
    """Write a report as tables."""
    typer.echo(f"{document['code']}: {document['question']}")
    typer.echo(
        f"{document['kind']}, {document['state']}, {document['first_date']} to"
        f" {document['last_date']}, {document['cases']:,} cases"
    )
    if document["kind"] == "shadow":
        _write_shadow(document)
        return
    arms = document["by_arm"]
    rows = [(told, *(show(arm) for arm in arms.values())) for told, show in _FIGURES]
    output.write_table("By arm", ("", *arms), rows)
    _write_differences(document)
    _write_budget(document)
    if document["may_name_a_winner"] is False:
        typer.echo("It did not end by its rule or its days: no winner may be read from it.")


def write_losses(vintages: list[dict[str, Any]]) -> None:
    """Write losses by version and month."""
    rows = [
        (
            one["policy_version"],
            one["month"],
            f"{one['accounts']:,}",
            "—" if one["expected_bad_ppm_sum"] is None else _decimal(one["expected_bad_ppm_sum"]),
            f"{one['late_90']:,}",
            _ratio(one["realised_over_expected_ppm"]),
            f"{one['lost_minor']:,}",
            "look" if one["needs_review"] else "",
        )
        for one in vintages
    ]
    columns = (
        *("version", "opened in", "accounts", "expected bad", "late 90"),
        *("realised / expected", "lost, minor", ""),
    )
    output.write_table("Expected and realised losses", columns, rows)


def _write_shadow(document: dict[str, Any]) -> None:
    rows = [
        (
            pair["production_outcome"],
            pair["shadow_outcome"],
            f"{pair['cases']:,}",
            f"{pair['production_limit_minor']:,}",
            f"{pair['shadow_limit_minor']:,}",
        )
        for pair in document["disagreement"]
    ]
    columns = ("production", "shadow", "cases", "limits, minor", "shadow's limits")
    output.write_table("Production and shadow", columns, rows)
    swaps = document["swap_set"]
    typer.echo(
        f"{swaps['swapped_in']:,} approved by the shadow alone, {swaps['swapped_out']:,} by"
        f" production alone, limits {swaps['limit_minor_change']:+,} minor units."
    )


def _write_differences(document: dict[str, Any]) -> None:
    rows = []
    for arm, differences in document["differences"].items():
        for one in differences:
            scaled = "minor_e3" if one["metric"] == "profit_minor" else "ppm"
            interval = one[f"interval_per_case_{scaled}"]
            rows.append(
                (
                    arm,
                    one["metric"],
                    _number(one[f"difference_per_case_{scaled}"]),
                    "—" if interval is None else f"{interval[0]:+,} to {interval[1]:+,}",
                    _number(one["z_e3"]),
                    "1/1,000 minor" if scaled == "minor_e3" else "ppm",
                )
            )
    if rows:
        columns = ("arm", "metric", "difference a case", "95 %", "z, thousandths", "unit")
        output.write_table("Against the champion", columns, rows)
    for arm, kinds in document["swap_set"]["against_champion"].items():
        told = ", ".join(f"{kind} {counts['cases']:,}" for kind, counts in kinds.items())
        typer.echo(f"Approved by champion and {arm}: {told}.")


def _write_budget(document: dict[str, Any]) -> None:
    budget, spent = document["budget"], document.get("spent")
    if budget is not None and spent is not None:
        typer.echo(
            f"Budget: {spent['accounts']:,} of {budget['accounts_max']:,} accounts,"
            f" {spent['loss_minor']:,} of {budget['loss_minor_max']:,} minor units."
        )


def _approved(arm: dict[str, Any]) -> str:
    return _share(arm["approved_ppm"], arm["approved_interval_ppm"])


def _counted(name: str) -> Callable[[dict[str, Any]], str]:
    return lambda arm: f"{arm[name]:,}"


#: What is told of an arm, line by line.
_FIGURES: Final[tuple[tuple[str, Callable[[dict[str, Any]], str]], ...]] = (
    ("cases", _counted("cases")),
    ("approved (95 %)", _approved),
    ("lines opened", _counted("opened")),
    ("more than 30 days late", _counted("late_30_accounts")),
    ("more than 90 days late", _counted("late_90_accounts")),
    ("lost, minor", _counted("lost_minor")),
    ("interest and penalties, minor", _counted("revenue_minor")),
    ("profit, minor", _counted("profit_minor")),
    ("contested", _counted("contested")),
)


def _share(share_ppm: int | None, interval: list[int] | None) -> str:
    if share_ppm is None or interval is None:
        return "—"
    low, high = interval
    return f"{_percent(share_ppm)} ({_percent(low)} to {_percent(high)})"


def _percent(ppm: int) -> str:
    tenths = ppm * 1_000 // _PPM
    return f"{tenths // 10}.{tenths % 10} %"


def _ratio(ppm: int | None) -> str:
    return "—" if ppm is None else _decimal(ppm)


def _decimal(ppm: int) -> str:
    return f"{ppm // _PPM:,}.{ppm % _PPM * 100 // _PPM:02d}"


def _number(value: int | None) -> str:
    return "—" if value is None else f"{value:+,}"
