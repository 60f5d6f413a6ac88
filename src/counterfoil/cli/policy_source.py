"""What commands about policies share: a policy by file or name, and the question to it."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli import output
from counterfoil.cli.own_catalogue import own_catalogue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from counterfoil.decisioning.decision import Asked
    from counterfoil.decisioning.document_model import FindModel
    from counterfoil.decisioning.gate_impact import Fault, GateCase
    from counterfoil.decisioning.policy import Policy

PolicyFile = Annotated[
    str, typer.Argument(metavar="POLICY", help="A policy's file, or the name of a shipped one.")
]
Product = Annotated[str, typer.Option(help="Product whose bounds the cases are decided in.")]
On = Annotated[str | None, typer.Option(help="Date of the decisions; today by default.")]
Json = Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")]

Data = Annotated[str | None, typer.Option(help="CSV or Parquet of applications to decide as well.")]
OutcomeColumn = Annotated[
    str | None, typer.Option(help="Column of the file that is 1 where it turned out bad.")
]
Groups = Annotated[
    list[str] | None,
    typer.Option(help="Column of the file with a group of people; no rule reads it. May repeat."),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(help="NAME=REASON of a tolerance that may be exceeded. May repeat."),
]

#: Applications that are read of a file.
CASES_MAX = 100_000
PRODUCT = "cash-line-open"


def text_of(name: str) -> str:
    """Return the text of a policy's file, or of a policy that ships with the package."""
    from importlib import resources

    path = Path(name)
    if not path.exists() and path.suffix != ".toml":
        shipped = resources.files("counterfoil.decisioning").joinpath("policies", f"{name}.toml")
        if shipped.is_file():
            return shipped.read_text(encoding="utf-8")
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as failure:
        ships = resources.files("counterfoil.decisioning").joinpath("policies").iterdir()
        names = ", ".join(
            sorted(one.name.removesuffix(".toml") for one in ships if one.name.endswith(".toml"))
        )
        raise output.fail(f"{name}: there is no such file; what ships is {names}") from failure
    except UnicodeDecodeError as failure:
        place = f"byte {failure.start + 1:,} is none of UTF-8"
        raise output.fail(f"{name} is not a text: {place}") from failure
    except OSError as failure:
        raise output.fail(f"{name} cannot be read: {failure.strerror}") from failure


def model_finder(name: str) -> "FindModel":
    """Return what finds a model's file: beside the policy, else among the shipped ones."""
    from counterfoil.decisioning.document import shipped_model

    def find(file: str) -> bytes:
        beside = Path(name).parent / file
        return beside.read_bytes() if beside.is_file() else shipped_model(file)

    return find


def policy_of(name: str) -> "Policy":
    """Return a policy, or end with file, line, column, reason and what is allowed."""
    from counterfoil.decisioning.policy_file import FaultyPolicyError, read_policy_file

    try:
        return read_policy_file(name, text_of(name), find_model=model_finder(name))
    except FaultyPolicyError as fault:
        raise output.fail(str(fault)) from fault


def where_of(file: str, fault: "Fault") -> str:
    """Return file, line, column and place of what is wrong with a version."""
    from counterfoil.decisioning.policy_file import position_of
    from counterfoil.decisioning.reading import InvalidPolicyError

    line, column = position_of(text_of(file), InvalidPolicyError(fault.place, fault.reason))
    return f"{file}:{line}:{column}: {fault.place}"


def question(product: str, on: str | None, currency: str) -> "Asked":
    """Return the question to a policy within the bounds of a product."""
    from counterfoil.decisioning.decision import Asked
    from counterfoil.kernel.clock import SystemClock
    from counterfoil.lending.catalogue import UnknownProductError

    try:
        day = SystemClock().now().date() if on is None else date.fromisoformat(on)
    except ValueError as wrong:
        raise output.fail(f"{on} is no date; write it as 2026-03-01") from wrong
    try:
        terms = own_catalogue().current(product, day)
    except UnknownProductError as wrong:
        raise output.fail(str(wrong)) from wrong
    if terms.currency != currency:
        raise output.fail(f"{product} is in {terms.currency}; the policy decides in {currency}")
    return Asked(
        product_code=terms.code,
        product_version=terms.version,
        currency=terms.currency,
        requested_minor=None,
        limit_min_minor=terms.limit_minor_min,
        limit_max_minor=terms.limit_minor_max,
        limit_step_minor=terms.limit_minor_step,
        tenors_months=terms.tenors_months,
        rate_daily_min_e8=terms.rate_daily_e8_min,
        rate_daily_max_e8=terms.rate_daily_e8_max,
        as_of=day,
    )


def overrides_of(given: "Sequence[str] | None") -> dict[str, str]:
    """Return the tolerances that may be exceeded, each with its reason."""
    from counterfoil.decisioning.policy_parts import Tolerances

    found = {}
    for text in given or ():
        name, _, reason = text.partition("=")
        if name not in Tolerances.__slots__ or not reason.strip():
            names = ", ".join(Tolerances.__slots__)
            raise output.fail(f"{text} is not NAME=REASON; the names are {names}")
        found[name] = reason.strip()
    return found


def cases_of_file(
    policy: "Policy",
    asked: "Asked",
    file: str | None,
    *,
    outcome: str | None,
    groups: "Sequence[str] | None",
) -> "list[GateCase]":
    """Return the applications of a file, with outcomes and groups where columns are named."""
    if file is None:
        return []
    import polars as pl

    from counterfoil.decisioning.backtest import check_outcome, scan
    from counterfoil.decisioning.batch_frame import UnfitDataError, check_frame

    traits = [*(groups or ())]
    extra = [*([outcome] if outcome else []), *traits]
    try:
        frame = scan([policy], Path(file))
        check_frame(policy, frame, keep=extra)
        if outcome is not None:
            check_outcome(frame, outcome)
        names = [item.name for item in policy.features]
        rows = frame.select(*names, *extra).head(CASES_MAX).collect().iter_rows(named=True)
    except (OSError, pl.exceptions.PolarsError, UnfitDataError) as failure:
        raise output.fail(f"{file} cannot be decided on: {failure}") from failure
    return [_case(asked, names, row, outcome, traits) for row in rows]


def _case(
    asked: "Asked",
    names: list[str],
    row: dict[str, Any],
    outcome: str | None,
    traits: list[str],
) -> "GateCase":
    from counterfoil.decisioning.gate_impact import GateCase

    said = row[outcome] if outcome else None
    return GateCase(
        {name: row[name] for name in names},
        asked,
        is_bad=None if said is None else bool(said),
        groups={trait: str(row[trait]) for trait in traits if row[trait] is not None},
    )
