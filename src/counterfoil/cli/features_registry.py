"""`counterfoil features gate|publish|published`: the registry of features, put in force by two."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli import output
from counterfoil.cli.acting import PasswordStdin, as_operator, in_house
from counterfoil.cli.policy_source import Json

if TYPE_CHECKING:
    from counterfoil.features.registry import Registry
    from counterfoil.features.registry_store import RegistryPublication
    from counterfoil.journeys.house import House
    from counterfoil.journeys.knowing.publish_registry import RegistryReport
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.access_matrix import Actor

#: Publications that a list shows.
PUBLICATIONS_SHOWN_MAX = 100
#: The name of the registry that comes with the program.
SHIPPED = "shipped"
_SHA256 = re.compile("[0-9a-f]{64}")

Wanted = Annotated[
    str,
    typer.Argument(
        metavar="REGISTRY",
        help="A directory of files; the SHA-256 of one that was published; or `shipped`.",
    ),
]
By = Annotated[str, typer.Option(help="Who you are, as an operator; the password is asked.")]
Reason = Annotated[str, typer.Option(help="Why; it is recorded.")]


def gate(registry: Wanted, *, as_json: Json = False) -> None:
    """Tell what a registry changes, what stands in its way, and what decisions would have become.

    Ends with 1 where it may not be published.
    """

    async def work(house: "House") -> "RegistryReport":
        from counterfoil.journeys.knowing.publish_registry import gate as journey

        found = await _registry(house, registry)
        async with house.database.connection() as connection:
            return await journey(house, connection, found)

    report = in_house(work)
    if as_json:
        output.write_json(report.document())
    else:
        _write_report(report)
    if report.faults:
        raise typer.Exit(output.EXIT_FAILED)


def publish(
    registry: Wanted,
    *,
    by: By,
    reason: Reason,
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Ask for the publication of a registry, or publish it once somebody else has approved.

    The first call compares, keeps the report and asks; after the approval the same call publishes.
    To go back, publish the one before by its SHA-256, or `shipped`.
    """

    async def work(house: "House", actor: "Actor") -> "dict[str, str] | Refused":
        return await _publish(house, actor, await _registry(house, registry), reason)

    answer = as_operator(by, work, password_stdin=password_stdin)
    if as_json:
        output.write_json(answer)
    elif answer["state"] == "published":
        typer.echo(f"{answer['registry_sha256']} is in force.")
    else:
        typer.echo(f"Asked: {answer['approval_id']}. Somebody else has to approve it.")


def published(*, as_json: Json = False) -> None:
    """List the registries that were put in force, newest first."""

    async def work(house: "House") -> "list[RegistryPublication]":
        from counterfoil.features.registry_store import read_publications

        async with house.database.connection() as connection:
            return await read_publications(connection, page=PUBLICATIONS_SHOWN_MAX)

    columns = ("registry_sha256", "author", "approver", "published_at")
    rows = [
        (made.sha256, made.author, made.approver, made.published_at.isoformat())
        for made in in_house(work)
    ]
    if as_json:
        output.write_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        output.write_table("Registries put in force", columns, rows)


async def _publish(
    house: "House", actor: "Actor", registry: "Registry", reason: str
) -> "dict[str, str] | Refused":
    from counterfoil.journeys.knowing.publish_registry import ask_or_publish
    from counterfoil.kernel import ids
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.approvals import Approval

    made = await ask_or_publish(house, actor, registry, reason=reason)
    if isinstance(made, Refused):
        return made
    if not isinstance(made, Approval):
        return {"state": "published", "registry_sha256": made.sha256}
    number = ids.to_text(ids.APPROVAL, made.approval_id)
    return {"state": "requested", "registry_sha256": registry.sha256, "approval_id": number}


async def _registry(house: "House", wanted: str) -> "Registry":
    """Return the registry that is named; end with where it is wrong and why."""
    from counterfoil.features.registry_file import load_registry
    from counterfoil.features.table import RegistryError

    try:
        if wanted == SHIPPED:
            return house.registries.shipped
        if _SHA256.fullmatch(wanted):
            async with house.database.connection() as connection:
                return await house.registries.read(connection, wanted)
        return load_registry(Path(wanted))
    except RegistryError as error:
        raise output.fail(f"The registry of features is wrong: {error}") from error


def _write_report(report: "RegistryReport") -> None:
    document: dict[str, Any] = report.document()
    rows = [
        (one["part"], one["name"], one["how"], member["member"], member["before"], member["after"])
        for one in document["changes"]
        for member in one["members"] or [{"member": "—", "before": "—", "after": "—"}]
    ]
    columns = ("part", "name", "how", "member", "was", "is")
    output.write_table(f"{len(document['changes'])} changes", columns, rows)
    impact = document["impact"]
    values = [
        (
            name,
            *(counts.get(how, 0) for how in ("same", "changed", "became_known", "became_unknown")),
        )
        for name, counts in sorted(impact["values"].items())
    ]
    if values:
        moved = ("feature", "same", "changed", "became known", "became unknown")
        output.write_table(f"{impact['cases']:,} recorded decisions read them", moved, values)
    outcomes = sorted(impact["outcomes"].items())
    if outcomes:
        output.write_table("Decided again", ("outcome then > now", "decisions"), outcomes)
    typer.echo(f"Held against it: {', '.join(report.policies)}.")
    for place, reason in report.faults:
        typer.secho(f"{place}: {reason}", err=True, fg=typer.colors.RED)
    may = "may not" if report.faults else "may"
    typer.echo(f"{report.registry.sha256} {may} be published.")
