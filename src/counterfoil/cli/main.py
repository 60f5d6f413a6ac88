"""The command `counterfoil`: gathers the commands of this package's modules."""

import importlib
import importlib.util
from typing import Annotated, Final

import typer

from counterfoil import __version__
from counterfoil.cli.wall import WalledGroup

#: The modules with commands, in the order of the help.
MODULES: Final = (
    "serve",
    "close_day",
    "demo",
    "database",
    "keys",
    "operators",
    "approvals",
    "hosts",
    "campaigns",
    "customers",
    "privacy",
    "export",
    "quote",
    "products",
    "prices",
    "promotions",
    "contract",
    "policy",
    "model",
    "model_validation",
    "model_registry",
    "model_stress",
    "backtest",
    "decision",
    "review",
    "report",
    "capacity",
    "limits",
    "settings",
    "experiment",
    "features",
    "notices",
    "golden",
    "ledger",
    "payments",
    "reconcile",
    "fsck",
    "log",
    "bench",
    "crash",
    "verify",
    "witness",
    "bureau",
    "audit",
)

app = typer.Typer(
    name="counterfoil",
    cls=WalledGroup,
    help="The core of a consumer lender, every step of which leaves a half with the customer.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _show_version(value: bool) -> None:  # noqa: FBT001 - the shape typer calls
    if value:
        typer.echo(f"counterfoil {__version__}")
        raise typer.Exit


@app.callback()
def counterfoil(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version and end."
        ),
    ] = False,
) -> None:
    """Refuse to run without assertions: they guard the books."""
    if not __debug__:
        raise SystemExit("counterfoil does not run under python -O: its assertions are needed")


def _register() -> None:
    for name in MODULES:
        if importlib.util.find_spec(f"counterfoil.cli.{name}") is not None:
            importlib.import_module(f"counterfoil.cli.{name}").register(app)


_register()
