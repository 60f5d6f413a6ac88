"""`counterfoil features`: the registry, policies held against it, values, quality, history."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import features_acts, features_corrections, features_registry, output
from counterfoil.cli.features_data import export, quality, trace, value
from counterfoil.cli.policy_source import Json, PolicyFile, policy_of

if TYPE_CHECKING:
    from counterfoil.features.registry import Registry
    from counterfoil.platform.database import Connection

Source = Annotated[str | None, typer.Option(help="Only features of this source.")]
Name = Annotated[str, typer.Argument(help="Name of a feature.")]
Directory = Annotated[
    Path | None,
    typer.Option("--registry", help="A directory of files in place of the registry in force."),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="Features: what may be known of customers, from whom, for what.", no_args_is_help=True
    )
    group.command("list")(list_features)
    group.command()(show)
    group.command()(check)
    group.command()(quality)
    group.command()(value)
    group.command()(trace)
    group.command()(export)
    group.command()(features_corrections.correct)
    group.command()(features_corrections.corrections)
    group.command()(features_corrections.remedy)
    group.command()(features_acts.quarantine)
    group.command()(features_acts.repair)
    group.command()(features_acts.end_purpose)
    group.command()(features_acts.under_consent)
    group.command()(features_acts.request_source)
    group.command()(features_acts.switch_source_on)
    group.command()(features_acts.switch_source_off)
    group.command()(features_registry.gate)
    group.command()(features_registry.publish)
    group.command()(features_registry.published)
    app.add_typer(group, name="features")


def list_features(
    *, source: Source = None, registry: Directory = None, as_json: Json = False
) -> None:
    """List the registered features."""
    from counterfoil.journeys.knowing.feature_check import feature_document

    known = the_registry(registry)
    found = [
        feature_document(feature)
        for feature in known.features.values()
        if source is None or source in feature.sources
    ]
    if as_json:
        output.write_json({"registry_sha256": known.sha256, "features": found})
        return
    rows = [
        (one["name"], one["type"], one["unit"], one["category"], one["sources"], one["purposes"])
        for one in found
    ]
    columns = ("feature", "type", "unit", "category", "sources", "purposes")
    output.write_table(f"{len(rows)} features, {known.sha256[:12]}", columns, rows)


def show(name: Name, *, registry: Directory = None, as_json: Json = False) -> None:
    """Show one feature: meaning, uses, owner, how it follows from events."""
    from counterfoil.journeys.knowing.feature_check import feature_document

    feature = the_registry(registry).features.get(name)
    if feature is None:
        raise output.fail(f"There is no feature {name} in the registry.")
    document = feature_document(feature)
    if as_json:
        output.write_json(document)
        return
    uses = [
        f"{use['source']} · {use['legal_basis']} {use['consent_purpose']} · "
        f"{', '.join(use['purposes'])}"
        for use in document["uses"]
    ]
    rows = [(part, uses if part == "uses" else said) for part, said in document.items()]
    output.write_table(feature.name_en, ("part", "value"), rows)


def check(policy: PolicyFile, *, registry: Directory = None, as_json: Json = False) -> None:
    """Hold a policy's declarations against the registry.

    Ends with 1 where the policy reads what the registry does not let it read.
    """
    from counterfoil.journeys.knowing.feature_check import declaration_faults

    found = policy_of(policy)
    faults = declaration_faults(the_registry(registry), found)
    if as_json:
        output.write_json(
            {
                "policy": f"{found.code}-{found.version}",
                "features": len(found.features),
                "faults": [{"name": name, "reason": reason} for name, reason in faults],
            }
        )
    elif faults:
        output.write_table("Not registered so", ("feature", "why"), faults)
    else:
        typer.echo(f"{len(found.features)} features are registered as the policy reads them.")
    if faults:
        raise typer.Exit(output.EXIT_FAILED)


def the_registry(directory: Path | None) -> "Registry":
    """Return the registry of a directory, or the one in force; end with where it is wrong."""
    from counterfoil.cli.connection import with_connection
    from counterfoil.features.registry_file import load_registry
    from counterfoil.features.table import RegistryError

    async def work(connection: "Connection") -> "Registry":
        from counterfoil.journeys.knowing.registries import registry_in_force
        from counterfoil.kernel.clock import SystemClock

        return await registry_in_force(connection, at=SystemClock().now())

    try:
        return with_connection(work) if directory is None else load_registry(directory)
    except RegistryError as error:
        raise output.fail(f"The registry of features is wrong: {error}") from error
