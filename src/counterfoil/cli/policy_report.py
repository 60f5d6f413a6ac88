"""What the gate found, as tables for people."""

from typing import TYPE_CHECKING

import typer

from counterfoil.cli import output
from counterfoil.cli.policy_source import where_of

if TYPE_CHECKING:
    from counterfoil.decisioning.gate import GateReport


def write_report(file: str, report: "GateReport") -> None:
    """Write the report as tables, and each fault with its line."""
    rows = []
    for code in report.coverage["generated"]:
        replayed, generated = (report.coverage[name][code] for name in ("replayed", "generated"))
        counts = (replayed.true, replayed.false, replayed.unknown)
        rows.append((code, *counts, generated.true, generated.false, generated.unknown))
    columns = ("rule", "true", "false", "unknown", "true*", "false*", "unknown*")
    title = f"{report.replayed:,} replayed and {report.generated:,} generated* applications"
    output.write_table(title, columns, rows)
    _write_impact(report)
    typer.echo(f"{report.differences_count:,} decisions differ between the engines.")
    for fault in report.faults:
        typer.secho(f"{where_of(file, fault)}: {fault.reason}", err=True, fg=typer.colors.RED)
    typer.echo(f"{report.policy.hash} {'may' if report.passed else 'may not'} be published.")


def _write_impact(report: "GateReport") -> None:
    impact = report.impact
    swaps = [
        (
            name.replace(">", " > "),
            swap.cases,
            f"{swap.limit_before_minor:,}",
            f"{swap.limit_after_minor:,}",
            f"{swap.bad * 100 / swap.known:.1f} %" if swap.known else "—",
        )
        for name, swap in sorted(impact.swaps.items())
    ]
    if swaps:
        columns = ("from > to", "cases", "limits before", "limits after", "bad")
        output.write_table("Against the version in force, minor units", columns, swaps)
    groups = [
        (
            trait,
            name,
            item.cases,
            item.approved,
            _percent(item.impact_ppm),
            _percent(item.price_gap_ppm),
        )
        for trait, found in sorted(impact.groups.items())
        for name, item in sorted(found.items())
    ]
    if groups:
        traits = ("trait", "group", "cases", "approved", "of the best group's", "price gap")
        output.write_table("Groups, which no rule reads", traits, groups)
    if report.policy.tolerances.proxy_ppm is not None:
        proxies = [
            (trait, name, _percent(ppm))
            for trait, features in impact.proxies.items()
            for name, ppm in sorted(features.items(), key=lambda item: (-item[1], item[0]))
        ]
        heads = ("trait", "feature", "tells of it")
        output.write_table("What stands in for a trait that no rule reads", heads, proxies)
    for code, aside in sorted(impact.set_aside.items()):
        typer.echo(f"Set aside by {code}, because {aside.reason}")
        for trait, names in sorted(aside.groups.items()):
            told = ", ".join(f"{name} {count:,}" for name, count in sorted(names.items()))
            typer.echo(f"  {trait}: {told}")
    twins = report.twins
    if twins.cases:
        typer.echo(
            f"{twins.cases:,} cases at other ages, {twins.compared:,} pairs of offers: "
            f"{twins.differing:,} differ in price, at most by {_percent(twins.gap_ppm_max)}."
        )
    used = [(code, _percent(ppm)) for code, ppm in sorted(impact.cap_use_ppm.items()) if ppm]
    if used:
        output.write_table("Of what the action cap allows", ("rule", "used"), used)
    for name, reason in sorted(report.overrides.items()):
        typer.echo(f"Overridden: {name}, because {reason}")


def _percent(ppm: int | None) -> str:
    return "—" if ppm is None else f"{ppm / 10_000:.1f} %"
