"""`counterfoil ledger`: the trial balance, a figure explained, the two ledgers compared."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from counterfoil.cli import output
from counterfoil.cli.acting import As, PasswordStdin, as_operator
from counterfoil.cli.connection import with_connection

if TYPE_CHECKING:
    from counterfoil.journeys.books.reconcile_ledger import Pair
    from counterfoil.journeys.house import House
    from counterfoil.kernel.errors import Refused
    from counterfoil.ledger.store import Balance
    from counterfoil.lending.explaining import Explanation
    from counterfoil.platform.access_matrix import Actor
    from counterfoil.platform.database import Connection

T = TypeVar("T")
Json = Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")]
Day = Annotated[
    datetime | None,
    typer.Option("--on", formats=["%Y-%m-%d"], help="Business date; by default the present one."),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="The general ledger and what stands behind it.", no_args_is_help=True)
    group.command("trial-balance")(trial_balance)
    group.command()(explain)
    group.command()(reconcile)
    app.add_typer(group, name="ledger")


def trial_balance(*, on: Day = None, as_json: Json = False) -> None:
    """Show what every account was debited and credited up to a date; both sides are equal."""
    from counterfoil.ledger import store
    from counterfoil.platform.batches import QUERIES as PLATFORM

    async def read(connection: "Connection") -> "tuple[date | None, list[Balance]]":
        day = on.date() if on is not None else await PLATFORM.business_date.fetchval(connection)
        return day, [] if day is None else await store.trial_balance(connection, day)

    day, balances = with_connection(read)
    is_balanced = all(net == 0 for net in _nets(balances).values())
    if as_json:
        accounts = [_balance_shape(balance) for balance in balances]
        output.write_json({"on": day, "balanced": is_balanced, "accounts": accounts})
    else:
        columns = ("account", "name", "debit", "credit", "balance")
        for lender_id, currency in sorted(_nets(balances)):
            rows = [
                _balance_row(balance)
                for balance in balances
                if (balance.lender_id, balance.currency) == (lender_id, currency)
            ]
            output.write_table(f"Trial balance {day}, {lender_id}, {currency}", columns, rows)
        typer.echo("balanced" if is_balanced else "not balanced")
    if not is_balanced:
        raise typer.Exit(output.EXIT_FAILED)


def _nets(balances: "list[Balance]") -> dict[tuple[str, str], int]:
    nets: dict[tuple[str, str], int] = {}
    for balance in balances:
        book = (balance.lender_id, balance.currency)
        nets[book] = nets.get(book, 0) + balance.debit_minor - balance.credit_minor
    return nets


def _balance_shape(balance: "Balance") -> dict[str, object]:
    from counterfoil.ledger.chart import CHART

    account = CHART[balance.account]
    return {
        **balance._asdict(),
        "balance_minor": balance.debit_minor - balance.credit_minor,
        "name_en": account.name_en,
        "name_zh": account.name_zh,
    }


def _balance_row(balance: "Balance") -> tuple[object, ...]:
    from counterfoil.ledger.chart import CHART

    currency = balance.currency
    return (
        balance.account,
        CHART[balance.account].name_en,
        _money(balance.debit_minor, currency),
        _money(balance.credit_minor, currency),
        _money(balance.debit_minor - balance.credit_minor, currency),
    )


def explain(
    loan_id: Annotated[str, typer.Argument(help="The loan, `lo_…`.")],
    *,
    customer: Annotated[str, typer.Option(help="The customer, `cu_…`.")],
    figure: Annotated[
        str, typer.Option(help="What to explain: interest, principal or penalty.")
    ] = "interest",
    name: As,
    on: Day = None,
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Explain a figure of a loan: transactions, days, rate and principal, and the rounding."""
    from counterfoil.journeys.borrowing.explain_figure import explain_figure
    from counterfoil.kernel import ids
    from counterfoil.lending.explaining import Figure

    if figure not in set(Figure):
        raise typer.BadParameter(f"there are {', '.join(Figure)}", param_hint="--figure")
    loan_number = _number(ids.LOAN, loan_id, "LOAN_ID")
    customer_number = _number(ids.CUSTOMER, customer, "--customer")

    async def read(house: "House", _actor: "Actor") -> "Explanation | Refused":
        return await explain_figure(
            house.database,
            house.catalogue,
            customer_id=customer_number,
            loan_id=loan_number,
            figure=Figure(figure),
            on=None if on is None else on.date(),
        )

    told = as_operator(name, read, password_stdin=password_stdin)
    if as_json:
        output.write_json(_explanation_shape(loan_id, told))
    else:
        _write_explanation(loan_id, told)


def _number(prefix: str, text: str, where: str) -> int:
    from counterfoil.kernel import ids

    try:
        return ids.from_text(prefix, text)
    except ids.InvalidIdError as wrong:
        raise typer.BadParameter(str(wrong), param_hint=where) from wrong


def _explanation_shape(loan_id: str, told: "Explanation") -> dict[str, object]:
    from counterfoil.kernel import ids

    return {
        "loan_id": loan_id,
        "figure": told.figure,
        "on": told.on,
        "amount_minor": told.amount_minor,
        "currency": told.currency,
        "formula": told.formula,
        "segments": [
            {
                "start": segment.start,
                "end": segment.end,
                "days": segment.days,
                "principal_minor": segment.principal_minor,
                "rate_daily_e8": segment.rate_daily_e8,
                "exact_e8": segment.exact_e8,
            }
            for segment in told.segments
        ],
        "transactions": [
            {
                "transaction_id": ids.to_text(ids.TRANSACTION, share.transaction_id),
                "kind": share.kind,
                "value_date": share.value_date,
                "amount_minor": share.amount_minor,
                "share_minor": share.share_minor,
            }
            for share in told.shares
        ],
        "exact_e8": told.exact_e8,
        "paid_minor": told.paid_minor,
        "rounding_e8": told.rounding_e8,
    }


def _write_explanation(loan_id: str, told: "Explanation") -> None:
    currency = told.currency
    if told.segments:
        columns = ("from", "to", "days", "principal", "rate a day", "exact")
        rows = [
            (
                segment.start,
                segment.end,
                segment.days,
                _money(segment.principal_minor, currency),
                _percent(segment.rate_daily_e8),
                _exact(segment.exact_e8),
            )
            for segment in told.segments
        ]
        output.write_table(f"{loan_id} {told.figure}: days", columns, rows)
    shares = [
        (
            share.value_date,
            share.kind,
            _money(share.amount_minor, currency),
            _money(share.share_minor, currency),
        )
        for share in told.shares
    ]
    output.write_table(
        f"{loan_id} {told.figure}: transactions",
        ("value date", "transaction", "amount", f"of it {told.figure}"),
        shares,
    )
    typer.echo(f"rule      {told.formula}")
    if told.segments:
        typer.echo(f"exact     {_exact(told.exact_e8)}")
    typer.echo(f"paid      {_money(told.paid_minor, currency)}")
    typer.echo(f"rounding  {_exact(told.rounding_e8)}")
    typer.echo(f"owed      {_money(told.amount_minor, currency)} {currency} on {told.on}")


def reconcile(*, as_json: Json = False) -> None:
    """Compare lines and loans with the general ledger, account by account."""
    from counterfoil.journeys.books.reconcile_ledger import ALWAYS, reconcile_ledger
    from counterfoil.platform.database import Database

    async def read(address: str) -> "list[Pair]":
        # A book of millions is summed up in one statement: it takes as long as it takes.
        async with Database(address, connections_max=1, statement_timeout_ms=0) as database:
            return await reconcile_ledger(database)

    pairs = _with_database(read)
    is_ok = all(pair.ok for pair in pairs)
    if as_json:
        output.write_json({"ok": is_ok, "accounts": [_pair_shape(pair) for pair in pairs]})
    else:
        columns = ("account", "general ledger", "lines and loans", "difference")
        for book in sorted({pair.book for pair in pairs}):
            rows = [_pair_row(pair) for pair in pairs if pair.book == book]
            output.write_table(", ".join(book), columns, rows)
        if any(pair.difference_minor and pair.account not in ALWAYS for pair in pairs):
            typer.echo("What was earned since the last close is booked by the next one.")
    if not is_ok:
        raise typer.Exit(output.EXIT_FAILED)


def _pair_shape(pair: "Pair") -> dict[str, object]:
    return {
        "lender_id": pair.lender_id,
        "product_code": pair.product_code,
        "currency": pair.currency,
        "account": pair.account,
        "general_minor": pair.general_minor,
        "sub_ledger_minor": pair.sub_ledger_minor,
        "difference_minor": pair.difference_minor,
        "ok": pair.ok,
    }


def _pair_row(pair: "Pair") -> tuple[object, ...]:
    return (
        pair.account,
        _money(pair.general_minor, pair.currency),
        _money(pair.sub_ledger_minor, pair.currency),
        _money(pair.difference_minor, pair.currency),
    )


def _with_database(work: "Callable[[str], Awaitable[T]]") -> T:
    """Run work at the address of the installation's database, migrated if it is embedded."""
    from counterfoil.platform import embedded, migrate
    from counterfoil.platform.settings import Settings

    async def run(address: str) -> T:
        if settings.is_embedded:
            await migrate.apply(address)
        return await work(address)

    with output.failures_as_messages():
        settings = Settings()
        with embedded.address(settings) as address:
            return asyncio.run(run(address))


def _money(amount_minor: int, currency: str) -> str:
    from counterfoil.kernel.money import to_major_text

    whole, point, fraction = to_major_text(abs(amount_minor), currency).partition(".")
    return f"{'-' if amount_minor < 0 else ''}{int(whole):,}{point}{fraction}"


def _percent(rate_daily_e8: int) -> str:
    from counterfoil.kernel.rates import percent_text

    return f"{percent_text(rate_daily_e8, digits=4)} %"


def _exact(amount_e8: int) -> str:
    sign = "-" if amount_e8 < 0 else ""
    whole, part = divmod(abs(amount_e8), 100_000_000)
    return f"{sign}{whole:,}.{part:08d} minor"
