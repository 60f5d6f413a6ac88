"""`counterfoil capacity`: statements, what a customer can carry, and the book against ceilings."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from counterfoil.cli import output
from counterfoil.cli.acting import As, PasswordStdin, as_operator, in_house

if TYPE_CHECKING:
    from counterfoil.capacity.category import CategorisedLine
    from counterfoil.capacity.statement_csv import CsvColumns
    from counterfoil.journeys.house import House
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.access_matrix import Actor
    from counterfoil.platform.batches import Answer

T = TypeVar("T")
Customer = Annotated[str, typer.Argument(help="The customer's identifier, `cu_…`.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
#: Who brings a statement at the command line.


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Repayment capacity and ceilings on debt.", no_args_is_help=True)
    group.command("import")(import_)
    group.command()(fetch)
    group.command()(household)
    group.command()(lines)
    group.command()(show)
    group.command()(portfolio)
    group.command()(replay)
    app.add_typer(group, name="capacity")


def import_(
    customer: Customer,
    file: Annotated[Path, typer.Argument(help="The statement as the bank gave it.")],
    *,
    name: As,
    consent: Annotated[str, typer.Option(help="The consent to its use, `cs_…`.")],
    form: Annotated[str, typer.Option(help="`csv` or `camt.053`.")] = "csv",
    currency: Annotated[str, typer.Option(help="Of the account.")] = "CNY",
    columns: Annotated[
        str,
        typer.Option(help="Headings that differ, as `date=Day,amount=Sum`; for CSV alone."),
    ] = "",
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Take a statement in; one that was edited is refused with the line number."""
    if form not in {"csv", "camt.053"}:
        raise typer.BadParameter("is csv or camt.053", param_hint="--form")
    named = _columns(columns)
    number, consent_id = _identifier("cu", customer), _identifier("cs", consent)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise output.fail(f"{file} cannot be read: {error.strerror}") from error

    async def work(house: "House", actor: "Actor") -> "Answer | Refused":
        from counterfoil.journeys.affording.statements import Upload, import_statement

        upload = Upload(
            customer_id=number,
            consent_id=consent_id,
            form=form,
            currency=currency,
            content=content,
            columns=named,
        )
        # The same file again gives the first answer.
        key = f"cli-statement-{hashlib.sha256(content).hexdigest()[:32]}"
        return await import_statement(house, upload, by=actor.name, idempotency_key=key)

    found = _document(as_operator(name, work, act="review", password_stdin=password_stdin))
    if as_json:
        output.write_json(found)
        return
    typer.echo(
        f"{found['id']}: {found['lines_count']} lines from {found['first_date']}"
        f" to {found['last_date']}; {found['uncategorised_ppm'] / 10_000:.1f} % uncategorised"
    )
    for item in found["categories"]:
        typer.echo(f"  {item['category']:16} {item['lines_count']:6} {item['amount_minor']:>14}")


def fetch(
    customer: Customer,
    *,
    name: As,
    consent: Annotated[str, typer.Option(help="The consent to its use, `cs_…`.")],
    key: Annotated[str, typer.Option(help="The same key gives the first answer.")],
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Fetch statements from the bank that is connected; exit 1 where a file is refused."""
    number, consent_id = _identifier("cu", customer), _identifier("cs", consent)

    async def work(house: "House", actor: "Actor") -> "Answer | Refused":
        from counterfoil.journeys.affording.fetch_statements import fetch_statements

        return await fetch_statements(
            house, customer_id=number, consent_id=consent_id, by=actor.name, idempotency_key=key
        )

    found = _document(as_operator(name, work, act="review", password_stdin=password_stdin))
    if as_json:
        output.write_json(found)
    else:
        for item in found["files"]:
            line = "" if item["line"] is None else f", line {item['line']}"
            typer.echo(f"{item['place']}: {item['statement_id'] or item['code']}{line}")
        typer.echo(f"{len(found['files'])} files")
    if any(item["code"] for item in found["files"]):
        raise typer.Exit(1)


def household(
    customer: Customer,
    partner: Annotated[str, typer.Argument(help="Whom the customer names, `cu_…`.")],
    *,
    name: As,
    consent: Annotated[str, typer.Option(help="The customer's own consent to it, `cs_…`.")],
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Keep whom a customer names as of one household; it counts once both have named each other."""
    number, partner_id = _identifier("cu", customer), _identifier("cu", partner)
    consent_id = _identifier("cs", consent)

    async def work(house: "House", actor: "Actor") -> "Answer | Refused":
        from counterfoil.journeys.serving.household import name_partner

        return await name_partner(
            house,
            customer_id=number,
            partner_id=partner_id,
            consent_id=consent_id,
            by=actor.name,
            # Each consent names one person: the same words again give the first answer.
            idempotency_key=f"cli-household-{consent}-{partner}",
        )

    found = _document(as_operator(name, work, act="review", password_stdin=password_stdin))
    if as_json:
        output.write_json(found)
        return
    typer.echo(f"{found['customer_id']} names {found['partner_id']} as of one household.")


def lines(
    customer: Customer,
    statement: Annotated[str, typer.Argument(help="The statement's identifier, `sm_…`.")],
    *,
    name: As,
    grant: Annotated[str, typer.Option(help="Your grant to statements, `ag_…`.")],
    password_stdin: PasswordStdin = False,
) -> None:
    """Show every line of a statement with its category and why, as JSON; the look is recorded."""
    number, statement_id = _identifier("cu", customer), _identifier("sm", statement)
    grant_id = _identifier("ag", grant)

    async def work(house: "House", actor: "Actor") -> "list[CategorisedLine] | Refused":
        from counterfoil.journeys.affording.statements import explained_lines

        return await explained_lines(
            house, customer_id=number, statement_id=statement_id, by=actor.name, grant_id=grant_id
        )

    found = as_operator(name, work, act="reveal", password_stdin=password_stdin)
    shapes = [
        {
            "line": item.line.number,
            "date": item.line.date,
            "amount_minor": item.line.amount_minor,
            "text": item.line.text,
            "counterparty": item.line.counterparty,
            "category": item.category,
            "kind": item.kind.value,
            "because": item.because or None,
        }
        for item in found
    ]
    output.write_json({"lines": shapes})


def show(
    customer: Customer,
    *,
    name: As,
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Show what a customer can carry, and how the guard last judged; it is recorded."""
    number = _identifier("cu", customer)

    async def work(house: "House", _actor: "Actor") -> "dict[str, Any] | Refused":
        from counterfoil.journeys.affording.capacity import capacity_of, runs_of
        from counterfoil.kernel.errors import Refused

        found = await capacity_of(house, number)
        runs = await runs_of(house, number)
        if isinstance(found, Refused):
            return found
        if isinstance(runs, Refused):
            return runs
        return {"capacity": found, "runs": runs}

    found = as_operator(name, work, password_stdin=password_stdin)
    if as_json:
        output.write_json(found)
        return
    capacity = found["capacity"]
    for member in (
        "income_monthly_minor",
        "income_evidence",
        "income_stability_ppm",
        "debt_monthly_minor",
        "living_minor",
        "disposable_minor",
        "dsr_ppm",
        "stress_disposable_minor",
        "stress_dsr_ppm",
    ):
        typer.echo(f"{member:24} {_shown(capacity[member])}")
    for run in found["runs"][:1]:
        reasons = ", ".join(item["code"] for item in run["reasons"])
        typer.echo(f"{'guard':24} {run['outcome']} on {run['as_of']} {reasons}".rstrip())


def portfolio(*, as_json: Json = False) -> None:
    """Show how the book stands against the ceilings, and what was lost by band and month."""

    async def work(house: "House") -> dict[str, Any]:
        from counterfoil.journeys.affording.portfolio import portfolio

        return await portfolio(house)

    found = in_house(work)
    if as_json:
        output.write_json(found)
        return
    typer.echo(f"{found['customers']} customers looked at, as of {found['as_of']}")
    for outcome, count in found["outcomes"].items():
        typer.echo(f"  {outcome:12} {count}")
    for item in found["above"]:
        share = item["share_ppm"] / 10_000
        typer.echo(f"  {item['ceiling']:16} {item['end']:5} {item['customers']:6} {share:6.2f} %")
    for item in found["losses"]:
        typer.echo(
            f"  {item['outcome']:12} owed {item['owed_minor']:>14}"
            f" late {item['late_minor']:>14} ({item['late_ppm'] / 10_000:.2f} %)"
        )
    for measured in found["bands"]:
        rows = [
            (
                _band_text(band, measured["unit"]),
                one["month"][:7],
                *(one[name] for name in ("loans", "lent_minor", "owed_minor", "lost_minor")),
                f"{one['lost_ppm'] / 10_000:.2f} %",
            )
            for band in measured["bands"]
            for one in (*band["months"], {"month": "all", **band})
        ]
        title = f"Lent and lost by {measured['measure']}"
        columns = ("band", "month", "loans", "lent_minor", "owed_minor", "lost_minor", "lost")
        output.write_table(title, columns, rows)


def _band_text(band: dict[str, Any], unit: str) -> str:
    """Return where a band begins and ends, in whole units of its measure."""
    if not band["is_known"]:
        return "unknown"
    per, sign = {"minor": (100, ""), "ppm": (10_000, " %")}.get(unit, (1, ""))
    first, below = band["at_least"] // per, band["below"]
    return (
        f"{first:,}{sign} or more"
        if below is None
        else f"{first:,} to under {below // per:,}{sign}"
    )


def replay(*, as_json: Json = False) -> None:
    """Run every stored run of the guard again; exit 1 where a result differs."""

    async def work(house: "House") -> dict[str, Any]:
        from counterfoil.journeys.affording.capacity import replay_runs
        from counterfoil.kernel import ids

        found = await replay_runs(house)
        differing = [
            {
                "customer_id": ids.to_text(ids.CUSTOMER, customer_id),
                "run_id": ids.to_text(ids.GUARD_RUN, run_id),
            }
            for customer_id, run_id in found.differing
        ]
        return {"ok": not differing, "checked": found.checked, "differing": differing}

    found = in_house(work)
    if as_json:
        output.write_json(found)
    else:
        typer.echo(f"{found['checked']} runs, {len(found['differing'])} differ")
    if not found["ok"]:
        raise typer.Exit(1)


def _columns(text: str) -> "CsvColumns":
    from counterfoil.capacity.statement_csv import CsvColumns

    named = dict(part.split("=", 1) for part in text.split(",") if "=" in part)
    if text and (len(named) != text.count(",") + 1 or set(named) - set(CsvColumns.__slots__)):
        known = ", ".join(CsvColumns.__slots__)
        raise typer.BadParameter(f"is name=heading of {known}", param_hint="--columns")
    if {"paid_in", "paid_out"} <= named.keys():
        named.setdefault("amount", "")
    return CsvColumns(**named)


def _identifier(prefix: str, text: str) -> int:
    from counterfoil.kernel import ids

    try:
        return ids.from_text(prefix, text)
    except ids.InvalidIdError as wrong:
        raise typer.BadParameter(str(wrong)) from wrong


def _document(answer: "Answer | Refused") -> dict[str, Any]:
    import orjson

    found: dict[str, Any] = orjson.loads(_refused(answer).text)
    return found


def _refused(outcome: "T | Refused") -> T:
    from counterfoil.kernel.errors import Refused

    if isinstance(outcome, Refused):
        raise output.fail(f"{outcome.message} {outcome.next_step} ({outcome.code})")
    return outcome


def _shown(value: object) -> str:
    if value is None:
        return "unknown"
    return " to ".join(map(str, value)) if isinstance(value, list) else str(value)
