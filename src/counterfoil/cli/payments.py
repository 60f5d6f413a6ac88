"""`counterfoil payments`: the rails, closing one by hand, and cases that two people resolve."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli import output, payments_received
from counterfoil.cli.acting import As, PasswordStdin, as_operator, in_house, queue_for

if TYPE_CHECKING:
    from counterfoil.journeys.house import House
    from counterfoil.journeys.paying.rails import RailsView
    from counterfoil.kernel.errors import Refused
    from counterfoil.payments.route_store import Switch
    from counterfoil.payments.suspense_store import CaseKey
    from counterfoil.platform.access_matrix import Actor
    from counterfoil.platform.approvals import Approval
    from counterfoil.platform.holdings import Matter

Json = Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")]
Reason = Annotated[str, typer.Option(help="Why; recorded with the act.")]
Rail = Annotated[str, typer.Argument(help="A code of the rails file, or `*` for all rails.")]
Customer = Annotated[str, typer.Argument(help="The customer, `cu_…`, from the list of cases.")]
Payment = Annotated[str, typer.Argument(help="The payment, `pm_…`, from the list of cases.")]
Number = Annotated[int, typer.Argument(help="The case's number, from the list of cases.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Payment rails and payments in suspense.", no_args_is_help=True)
    for command in (rails, close, reopen, cases, propose, approve):
        group.command()(command)
    payments_received.register(group)
    app.add_typer(group, name="payments")


def rails(*, as_json: Json = False) -> None:
    """Show the rails: open or closed, what waits, what is in doubt, how fast they answer."""

    async def read(house: "House") -> "RailsView":
        from counterfoil.journeys.paying.rails import read_rails

        return await read_rails(house)

    found = in_house(read)
    rows = [_rail_row(rail) for rail in found.rails]
    if as_json:
        output.write_json(
            {
                "are_all_closed": found.all_closed is not None,
                "rails": [dict(zip(_RAIL_COLUMNS, row, strict=True)) for row in rows],
                "queued": [_way(row) for row in found.queued],
                "rerouted": [_way(row) for row in found.rerouted],
            }
        )
        return
    if found.all_closed is not None:
        typer.echo(f"All rails are closed: {found.all_closed['reason']}")
    fitting = [(row[0], *row[2:6], *row[7:]) for row in rows]
    output.write_table("Payment rails, calls of the last hour", _SHOWN_COLUMNS, fitting)
    for title, ways in (("Waiting", found.queued), ("Rerouted", found.rerouted)):
        for way in ways:
            shown = _way(way)
            why = ", ".join(shown["passed_over"])
            typer.echo(
                f"{title}: {shown['payment_id']} ({shown['rail']}), passed over {why or '-'}"
            )


_RAIL_COLUMNS = (
    "code",
    "kind",
    "state",
    "waiting",
    "sent",
    "in_doubt",
    "suspended",
    "calls_hour",
    "silent_hour",
    "p95_ms",
)


#: In text, which has less room.
_SHOWN_COLUMNS = ("rail", "state", "waits", "sent", "doubt", "calls", "silent", "p95 ms")


def _rail_row(rail: Any) -> tuple[object, ...]:
    state = "open" if rail.is_open_now else "outside hours"
    if rail.is_closed_by_hand:
        state = f"closed by {rail.closed_by}"
    return (
        rail.terms.code,
        rail.terms.kind.value,
        state,
        rail.held,
        rail.sent,
        rail.in_doubt,
        rail.suspended,
        rail.calls,
        rail.silent,
        rail.p95_ms,
    )


def _way(row: Any) -> dict[str, Any]:
    from counterfoil.payments.order import reference_of

    passed = zip(row["passed_rails"] or (), row["obstacles"] or (), strict=True)
    return {
        "payment_id": reference_of(row["payment_id"]),
        "rail": row["rail"],
        "amount_minor": row["amount_minor"],
        "currency": row["currency"],
        "passed_over": [f"{rail}: {obstacle}" for rail, obstacle in passed],
    }


def close(rail: Rail, *, name: As, reason: Reason, password_stdin: PasswordStdin = False) -> None:
    """Close a rail by hand: what was not sent waits or goes over another. All take two people."""
    _switch(rail, name, reason, is_closed=True, password_stdin=password_stdin)


def reopen(rail: Rail, *, name: As, reason: Reason, password_stdin: PasswordStdin = False) -> None:
    """Open a rail that was closed by hand. All rails take two people."""
    _switch(rail, name, reason, is_closed=False, password_stdin=password_stdin)


def _switch(rail: str, name: str, reason: str, *, is_closed: bool, password_stdin: bool) -> None:
    from counterfoil.kernel import ids
    from counterfoil.platform.approvals import Approval

    async def work(house: "House", actor: "Actor") -> "Switch | Approval | Refused":
        from counterfoil.journeys.paying.rails import switch_rail

        return await switch_rail(house, actor, rail, is_closed=is_closed, reason=reason)

    done = as_operator(name, work, password_stdin=password_stdin)
    if isinstance(done, Approval):
        number = ids.to_text(ids.APPROVAL, done.approval_id)
        typer.echo(f"{number} waits for a second person; repeat this command after the approval.")
    else:
        typer.echo(f"{rail} is {'closed' if is_closed else 'open'} by hand.")


def cases(*, name: As, password_stdin: PasswordStdin = False, as_json: Json = False) -> None:
    """List payments that two people resolve, oldest first."""
    from counterfoil.kernel import ids

    async def read(house: "House") -> list[Any]:
        from counterfoil.journeys.paying.payment_cases import open_cases

        return await open_cases(house)

    def matters(row: Any) -> "list[Matter]":
        from counterfoil.platform.holdings import Matter

        return [Matter(row["customer_id"], ids.PAYMENT, row["payment_id"])]

    columns = ("customer", "payment", "case", "cause", "status", "amount", "opened", "proposed")
    rows = [
        (
            ids.to_text(ids.CUSTOMER, row["customer_id"]),
            ids.to_text(ids.PAYMENT, row["payment_id"]),
            row["case_no"],
            row["cause"],
            row["status"],
            row["amount_minor"],
            row["opened_at"].isoformat(),
            row["resolution"],
        )
        for row in queue_for(name, read, matters, password_stdin=password_stdin)
    ]
    if as_json:
        output.write_json([dict(zip(columns, row, strict=True)) for row in rows])
    elif rows:
        output.write_table("Payments in suspense, amounts in minor units", columns, rows)
    else:
        typer.echo("No payment waits for people.")


def propose(
    customer: Customer,
    payment: Payment,
    number: Number,
    *,
    resolution: Annotated[
        str, typer.Option(help="`succeeded`, `failed`, `noted`, or `returned` with an amount.")
    ],
    note: Annotated[str, typer.Option(help="On what grounds: the statement, a letter.")],
    name: As,
    value_date: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Day of the money, there or back."),
    ] = None,
    returned_minor: Annotated[
        int | None, typer.Option(help="What came back, in minor units.")
    ] = None,
    password_stdin: PasswordStdin = False,
) -> None:
    """Say what is true of a payment in suspense; another person approves it."""
    from counterfoil.payments.suspense import Proposal, Resolution

    if resolution not in set(Resolution):
        raise output.fail(f"A resolution is one of {', '.join(Resolution)}.")
    proposal = Proposal(
        resolution=Resolution(resolution),
        value_date=None if value_date is None else value_date.date(),
        note=note,
        returned_minor=returned_minor,
    )
    key = _key(customer, payment, number)

    async def work(house: "House", actor: "Actor") -> "Refused | None":
        from counterfoil.journeys.paying import payment_cases

        return await payment_cases.propose(house, actor, key, proposal)

    as_operator(name, work, password_stdin=password_stdin)
    typer.echo("Proposed; somebody else approves it.")


def approve(
    customer: Customer,
    payment: Payment,
    number: Number,
    *,
    name: As,
    reason: Reason,
    password_stdin: PasswordStdin = False,
) -> None:
    """Approve what somebody else proposed; the books are told at once."""
    key = _key(customer, payment, number)

    async def work(house: "House", actor: "Actor") -> "Refused | None":
        from counterfoil.journeys.paying import payment_cases

        return await payment_cases.approve(house, actor, key, reason=reason)

    as_operator(name, work, password_stdin=password_stdin)
    typer.echo("Approved.")


def _key(customer: str, payment: str, number: int) -> "CaseKey":
    from counterfoil.kernel import ids
    from counterfoil.payments.suspense_store import CaseKey

    try:
        return CaseKey(
            ids.from_text(ids.CUSTOMER, customer), ids.from_text(ids.PAYMENT, payment), number
        )
    except ids.InvalidIdError as error:
        raise output.fail(
            f"{error}. Take the identifiers from `counterfoil payments cases`."
        ) from error
