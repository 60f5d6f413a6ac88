"""`counterfoil hosts`: host apps, their registration by two people, their notices."""

import tomllib
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli import output
from counterfoil.cli.acting import As, PasswordStdin, as_operator, in_house
from counterfoil.kernel.toml import parse_toml

if TYPE_CHECKING:
    from counterfoil.hosts.delivery import Delivery
    from counterfoil.hosts.delivery_store import Listed
    from counterfoil.hosts.host import Host
    from counterfoil.journeys.hosting.hosts import HostWish
    from counterfoil.journeys.house import House
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.access_matrix import Actor
    from counterfoil.platform.approvals import Approval

Json = Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")]
Number = Annotated[str, typer.Argument(help="The host's identifier, `ho_…`, from the list.")]
Reason = Annotated[str, typer.Option(help="Why; recorded with it.")]
_LISTS = ("products", "purposes", "drawdown_purposes", "origins")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Host apps in which customers meet us.", no_args_is_help=True)
    group.command("list")(list_hosts)
    group.command("register")(register_host)
    group.command()(stop)
    group.command()(secret)
    group.command()(notices)
    group.command()(resend)
    app.add_typer(group, name="hosts")


def list_hosts(*, as_json: Json = False) -> None:
    """List hosts."""

    async def read(house: "House") -> "tuple[list[Host], date]":
        from counterfoil.journeys.hosting.hosts import list_hosts

        return await list_hosts(house), await house.business_date()

    found, on = in_house(read)
    shapes = [_shape(host, on) for host in found]
    if as_json:
        output.write_json({"hosts": shapes})
    else:
        columns = ("host_id", "code", "name", "state", "contract_until", "products", "purposes")
        rows = [[shape[column] for column in columns] for shape in shapes]
        output.write_table("Hosts", columns, rows)


def register_host(
    file: Annotated[Path, typer.Argument(help="TOML file with everything that is registered.")],
    *,
    name: As,
    reason: Reason,
    host: Annotated[str | None, typer.Option(help="The host that changes, `ho_…`.")] = None,
    password_stdin: PasswordStdin = False,
) -> None:
    """Register a host, or ask for the approval of that; run it again after the approval."""
    number = None if host is None else _number(host)
    wish = _wish(file, reason, number)

    async def work(house: "House", actor: "Actor") -> "Host | Approval | Refused":
        from counterfoil.journeys.hosting.hosts import register_host

        return await register_host(house, actor, wish)

    made: Any = as_operator(name, work, password_stdin=password_stdin)
    from counterfoil.kernel import ids
    from counterfoil.platform.approvals import Approval

    approval = ids.to_text(ids.APPROVAL, made.approval_id)
    if isinstance(made, Approval):
        typer.echo(f"waits for a second person: {approval}")
    else:
        number_text = ids.to_text(ids.HOST, made.host_id)
        typer.echo(f"registered {number_text}, version {made.version_no}, by {approval}")


def stop(host: Number, *, name: As, reason: Reason, password_stdin: PasswordStdin = False) -> None:
    """Stop a host at once; a registration by two people lets it go on."""
    number = _number(host)

    async def work(house: "House", actor: "Actor") -> "Host | Refused":
        from counterfoil.journeys.hosting.hosts import stop_host

        return await stop_host(house, actor, host_id=number, reason=reason)

    as_operator(name, work, password_stdin=password_stdin)
    typer.echo(f"stopped {host}")


def secret(
    host: Number, *, name: As, reason: Reason, password_stdin: PasswordStdin = False
) -> None:
    """Make a host's signing secret and print it, once; the one before signs along for a day."""
    number = _number(host)

    async def work(house: "House", actor: "Actor") -> "str | Refused":
        from counterfoil.journeys.hosting.tell_hosts import renew_secret

        return await renew_secret(house, actor, host_id=number, reason=reason)

    typer.echo(as_operator(name, work, password_stdin=password_stdin))
    typer.echo("This is shown once. Give it to the host and to nobody else.", err=True)


def notices(
    *,
    dead: Annotated[bool, typer.Option("--dead", help="Only those that are given up.")] = False,
    as_json: Json = False,
) -> None:
    """List the latest 100 notices to hosts, newest first."""

    async def read(house: "House") -> "list[Listed]":
        from counterfoil.hosts.delivery import DeliveryState
        from counterfoil.journeys.hosting.tell_hosts import list_deliveries

        return await list_deliveries(house, state=DeliveryState.DEAD if dead else None)

    shapes = [_notice(item) for item in in_house(read)]
    if as_json:
        output.write_json({"notices": shapes})
    else:
        columns = ("notice_id", "host_id", "type", "state", "attempts", "last_outcome", "made_at")
        rows = [[shape[column] for column in columns] for shape in shapes]
        output.write_table("Notices to hosts", columns, rows)


def resend(
    notice: Annotated[str, typer.Argument(help="The notice's identifier, `wd_…`, from the list.")],
    *,
    name: As,
    password_stdin: PasswordStdin = False,
) -> None:
    """Send a notice again, whatever became of it."""
    from counterfoil.kernel import ids

    try:
        number = ids.from_text(ids.DELIVERY, notice)
    except ids.InvalidIdError as wrong:
        raise typer.BadParameter(str(wrong), param_hint="NOTICE") from wrong

    async def work(house: "House", actor: "Actor") -> "Delivery | Refused":
        from counterfoil.journeys.hosting.tell_hosts import resend

        return await resend(house, actor, number)

    as_operator(name, work, password_stdin=password_stdin)
    typer.echo(f"{notice} is sent again")


def _number(host: str) -> int:
    from counterfoil.kernel import ids

    try:
        return ids.from_text(ids.HOST, host)
    except ids.InvalidIdError as wrong:
        raise typer.BadParameter(str(wrong), param_hint="HOST") from wrong


def _wish(file: Path, reason: str, number: int | None) -> "HostWish":
    """Return what a file registers; what it leaves out, or says too much, ends the command."""
    from counterfoil.hosts.host import HostTerms
    from counterfoil.journeys.hosting.hosts import HostWish

    try:
        read: dict[str, Any] = parse_toml(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as wrong:
        raise output.fail(f"{file} cannot be read: {wrong}") from wrong
    given = {"webhook_url": None, **read}
    wanted = set(HostTerms.__slots__)
    if faults := wanted ^ given.keys():
        raise output.fail(f"{file}: needs exactly {', '.join(sorted(wanted))}; look at {faults}.")
    for name in wanted:
        is_right = {
            "contract_from": date,
            "contract_until": date,
            "webhook_url": str | None,
        }.get(name, list if name in _LISTS else str)
        if not isinstance(given[name], is_right):
            raise output.fail(f"{file}: {name} is of the wrong kind.")
    terms: dict[str, Any] = {
        name: tuple(map(str, v)) if name in _LISTS else v for name, v in given.items()
    }
    return HostWish(terms=HostTerms(**terms), reason=reason, host_id=number)


def _shape(host: "Host", on: date) -> dict[str, object]:
    from counterfoil.kernel import ids

    terms = host.terms
    return {
        "host_id": ids.to_text(ids.HOST, host.host_id),
        "code": terms.code,
        "name": terms.name,
        "version": host.version_no,
        "state": host.state_on(on),
        "contract_from": terms.contract_from,
        "contract_until": terms.contract_until,
        "products": list(terms.products),
        "purposes": list(terms.purposes),
        "origins": list(terms.origins),
        "webhook_url": terms.webhook_url,
    }


def _notice(listed: "Listed") -> dict[str, object]:
    from counterfoil.kernel import ids

    item = listed.delivery
    return {
        "notice_id": item.message_id,
        "host_id": ids.to_text(ids.HOST, item.host_id),
        "type": item.kind,
        "state": item.state.value,
        "attempts": item.attempts,
        "last_outcome": listed.last_outcome,
        "made_at": item.made_at,
    }
