"""What commands write: tables for people, JSON for programs, and one line when something failed."""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import typer

from counterfoil.cli import veil

if TYPE_CHECKING:
    from counterfoil.kernel.errors import Refused

#: Exit code of a command that could not do its work.
EXIT_FAILED = 1
#: What stands where there is nothing.
_NONE: Final = "—"
_FIGURE: Final = re.compile(r"[-−+]?[0-9][0-9,]*(\.[0-9]+)?( ?%| ms| s)?")
#: An identifier, one by which who sees pseudonyms knows a record, or one of 128 bits.
_IDENTIFIER: Final = re.compile(r"[a-z]{2}x?_[0-9a-z]{13}|[A-Za-z0-9_-]{22}")


def write_json(value: object) -> None:
    """Write one JSON document."""
    import orjson

    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    sys.stdout.write(orjson.dumps(value, option=options).decode())


def write_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table as wide as the terminal; columns of figures stand to the right."""
    from rich.console import Console
    from rich.table import Table

    texts = [[_cell(value) for value in row] for row in rows]
    table = Table(title=title, title_justify="left")
    for place, column in enumerate(columns):
        # The first column names the row, by a number too.
        cells = [row[place] for row in texts]
        is_figures = place > 0 and _are_figures(cells)
        table.add_column(
            column,
            overflow="fold",
            justify="right" if is_figures else "left",
            # An identifier that stands on two lines cannot be copied into the next command.
            no_wrap=_are_identifiers(cells),
        )
    for row in texts:
        table.add_row(*row)
    Console().print(table)


def _are_figures(cells: Sequence[str]) -> bool:
    known = [cell for cell in cells if cell != _NONE]
    return bool(known) and all(map(_FIGURE.fullmatch, known))


def _are_identifiers(cells: Sequence[str]) -> bool:
    known = [cell for cell in cells if cell != _NONE]
    return bool(known) and all(map(_IDENTIFIER.fullmatch, known))


def _cell(value: object) -> str:
    if value is None:
        return _NONE
    text = "\n".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    # Before the table is laid out: a number that was folded could not be found any more.
    return veil.give_out(text)


def words_of(refused: "Refused") -> str:
    """Return a refusal as it is printed."""
    return f"{refused.message} {refused.next_step} ({refused.code})"


def fail(message: str) -> typer.Exit:
    """Write why to standard error and return what a command raises to end."""
    typer.secho(message, err=True, fg=typer.colors.RED)
    return typer.Exit(EXIT_FAILED)


@contextmanager
def failures_as_messages() -> Iterator[None]:
    """Turn failures that a person at the terminal can act on into one line and an exit code."""
    import asyncpg
    from pydantic import ValidationError

    from counterfoil.kernel.errors import RefusedError
    from counterfoil.platform.embedded import EmbeddedDatabaseError
    from counterfoil.platform.migrate import MigrationError

    try:
        yield
    except ValidationError as failure:
        # Not the failure's own text: it repeats the value, which may be a password.
        wrong = [
            f"COUNTERFOIL_{'.'.join(map(str, error['loc'])).upper()}: {error['msg']}"
            for error in failure.errors()
        ]
        raise fail("\n".join(wrong)) from failure
    except RefusedError as failure:
        raise fail(words_of(failure.refused)) from failure
    except (EmbeddedDatabaseError, MigrationError) as failure:
        raise fail(str(failure)) from failure
    except OSError as failure:
        if failure.filename is not None:
            raise fail(f"{failure.filename}: {failure.strerror}") from failure
        said = f"The database cannot be reached: {failure}. Check COUNTERFOIL_DATABASE_URL."
        raise fail(said) from failure
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as failure:
        notes = " ".join(getattr(failure, "__notes__", []))
        raise fail(f"The database answered: {failure} {notes}".rstrip()) from failure
