"""`counterfoil notices`: what customers are asked to agree to, and whether it may be published."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import output

if TYPE_CHECKING:
    from counterfoil.consents.notice import Notices

Folder = Annotated[
    Path, typer.Argument(exists=True, file_okay=False, help="Directory of notice files.")
]
MaybeFolder = Annotated[
    Path | None,
    typer.Argument(exists=True, file_okay=False, help="Directory; what is shipped if unset."),
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")]
_COLUMNS = ("code", "version", "recipient", "uses", "days", "optional")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Notices and their files.", no_args_is_help=True)
    group.command("list")(list_notices)
    group.command()(lock)
    app.add_typer(group, name="notices")


def list_notices(folder: MaybeFolder = None, *, as_json: Json = False) -> None:
    """List the versions in force today; JSON has the hashes of their texts too."""
    from counterfoil.consents.giving import day_of
    from counterfoil.kernel.clock import SystemClock

    today = day_of(SystemClock().milliseconds() // 1_000)
    shapes = [
        {
            "code": notice.code,
            "version": notice.version,
            "purpose": notice.scope.purpose,
            "recipient": notice.scope.recipient,
            "uses": f"{notice.scope.use} {notice.scope.uses_max}",
            "days": notice.scope.window_days,
            "optional": notice.is_optional,
            "sha256": {name: text.sha256.hex() for name, text in notice.texts.items()},
        }
        for notice in _load(folder).in_force(today)
    ]
    if as_json:
        output.write_json({"notices": shapes})
        return
    output.write_table("Notices", _COLUMNS, [[shape[c] for c in _COLUMNS] for shape in shapes])


def lock(folder: Folder) -> None:
    """Lock the versions that have become effective, so that they cannot be changed any more."""
    from counterfoil.consents.notice_file import NoticesError, lock_notices

    try:
        added = lock_notices(folder)
    except NoticesError as refused:
        raise output.fail(str(refused)) from refused
    for name in added:
        typer.echo(f"locked {name}")
    _load(folder)


def _load(folder: Path | None) -> "Notices":
    from counterfoil.consents.notice_file import NoticesError, load_notices

    try:
        return load_notices(folder)
    except NoticesError as refused:
        raise output.fail(str(refused)) from refused
