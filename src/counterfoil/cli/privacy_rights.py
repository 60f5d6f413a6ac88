"""`counterfoil privacy register`, `unused` and `rights`: what is kept, and who asks about it."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli import output
from counterfoil.cli.acting import As, PasswordStdin, as_operator, in_house, queue_for

if TYPE_CHECKING:
    from counterfoil.journeys.guarding.export_person import PersonExport
    from counterfoil.journeys.guarding.unused_fields import Unused
    from counterfoil.journeys.house import House
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.access_matrix import Actor
    from counterfoil.platform.holdings import Matter
    from counterfoil.privacy.rights import RightsRequest

Json = Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")]
Customer = Annotated[str, typer.Argument(help="The customer, `cu_…`, from the list.")]
Number = Annotated[str, typer.Argument(help="The request, `rr_…`, from the list.")]
Reason = Annotated[str, typer.Option(help="Why; recorded, and told to the customer.")]


def add_to(privacy: typer.Typer) -> None:
    """Add the commands to the group `privacy`."""
    privacy.command()(register)
    privacy.command()(unused)
    group = typer.Typer(help="Requests of persons about their data.", no_args_is_help=True)
    group.command("list")(list_rights)
    group.command()(show)
    group.command()(identify)
    group.command()(answer)
    group.command()(export)
    privacy.add_typer(group, name="rights")


def register(*, as_json: Json = False) -> None:
    """List what is kept of persons: class, purposes, ground, retention and owner of every table."""
    from counterfoil.privacy.data_register import faults, load_register
    from counterfoil.privacy.register_store import read_columns

    async def read(house: "House") -> "dict[str, list[str]]":
        async with house.database.connection() as connection:
            return await read_columns(connection)

    found = load_register()
    wrong = faults(found, in_house(read))
    items = [*found.tables.values(), *found.vault.values()]
    columns = ("name", "class", "purposes", "legal_basis", "retention", "owner", "fields")
    rows: list[list[Any]] = [
        [
            item.name,
            item.data_class,
            " ".join(item.purposes),
            item.legal_basis,
            item.retention,
            item.owner,
            len(item.every_column),
        ]
        for item in items
    ]
    if as_json:
        shapes = [
            dict(zip(columns, row, strict=True))
            | {
                "fields": list(item.every_column),
                # Fields that are read for fewer purposes than the whole is kept for.
                "narrower": {name: sorted(given) for name, given in item.narrower.items()},
            }
            for item, row in zip(items, rows, strict=True)
        ]
        output.write_json({"register": shapes, "faults": wrong})
    else:
        output.write_table("Register of fields", columns, rows)
    if wrong:
        raise output.fail("\n\n".join(wrong))


def unused(
    *,
    since: Annotated[
        str | None, typer.Option(help="First day, YYYY-MM-DD; by default a year ago.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List facts that are collected and that no decision has read since: candidates to drop."""
    first = None if since is None else _day(since)

    async def read(house: "House") -> "list[Unused]":
        from counterfoil.journeys.guarding.unused_fields import find_unused

        return await find_unused(house, since=first)

    found = in_house(read)
    if as_json:
        output.write_json({"unused": [item._asdict() for item in found]})
        return
    columns = ("name", "source", "category", "collected")
    rows = [[getattr(item, column) for column in columns] for item in found]
    output.write_table("Collected and not used", columns, rows)


def list_rights(
    *,
    name: As,
    everything: Annotated[bool, typer.Option("--all", help="Ended ones too.")] = False,
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """List requests that wait for an answer, the nearest deadline first."""

    async def read(house: "House") -> "list[tuple[RightsRequest, date]]":
        from counterfoil.journeys.guarding.rights import open_requests, today

        on = today(house)
        return [(item, on) for item in await open_requests(house, everything=everything)]

    def matters(item: "tuple[RightsRequest, date]") -> "list[Matter]":
        from counterfoil.kernel import ids
        from counterfoil.platform.holdings import Matter

        return [Matter(item[0].customer_id, ids.CUSTOMER, item[0].customer_id)]

    found = queue_for(name, read, matters, act="rights", password_stdin=password_stdin)
    shapes = [_shape(item, on) for item, on in found]
    if as_json:
        output.write_json({"requests": shapes})
        return
    columns = ("request_id", "customer_id", "kind", "about", "state", "due_on", "days_left")
    rows = [[shape[column] for column in columns] for shape in shapes]
    output.write_table("Requests about personal data", columns, rows)


def show(
    customer_id: Customer,
    request_id: Number,
    *,
    name: As,
    password_stdin: PasswordStdin = False,
) -> None:
    """Show one request with everything that was done, as JSON."""
    key = _key(customer_id, request_id)

    async def read(house: "House", _actor: "Actor") -> "tuple[RightsRequest, date] | Refused":
        from counterfoil.journeys.guarding.rights import read_request, today
        from counterfoil.kernel.errors import Refused

        found = await read_request(house, customer_id=key[0], request_id=key[1])
        return found if isinstance(found, Refused) else (found, today(house))

    found, on = as_operator(name, read, act="rights", password_stdin=password_stdin)
    events = [
        {
            "act": event.act.value,
            "person": event.person,
            "method": event.method,
            "reason": event.reason,
            "detail": event.detail,
            "at": event.at,
        }
        for event in found.events
    ]
    output.write_json(_shape(found, on) | {"said": found.said, "events": events})


def identify(
    customer_id: Customer,
    request_id: Number,
    *,
    name: As,
    method: Annotated[str, typer.Option(help="How you know that the person is the customer.")],
    password_stdin: PasswordStdin = False,
) -> None:
    """Note that the person who asks is the customer."""
    key = _key(customer_id, request_id)

    async def work(house: "House", actor: "Actor") -> "RightsRequest | Refused":
        from counterfoil.journeys.guarding.rights import identify

        return await identify(house, actor, customer_id=key[0], request_id=key[1], method=method)

    typer.echo(as_operator(name, work, act="rights", password_stdin=password_stdin).state.value)


def answer(
    customer_id: Customer,
    request_id: Number,
    *,
    name: As,
    reason: Reason,
    refuse: Annotated[bool, typer.Option("--refuse", help="Turn it down instead.")] = False,
    value: Annotated[
        str | None, typer.Option(help="What a corrected fact is: a number, true, false or a text.")
    ] = None,
    password_stdin: PasswordStdin = False,
) -> None:
    """Do what was asked and say so, or refuse with a reason."""
    key = _key(customer_id, request_id)

    async def work(house: "House", actor: "Actor") -> "RightsRequest | Refused":
        from counterfoil.journeys.guarding import rights

        if refuse:
            return await rights.turn_down(
                house, actor, customer_id=key[0], request_id=key[1], reason=reason
            )
        return await rights.answer(
            house,
            actor,
            customer_id=key[0],
            request_id=key[1],
            reason=reason,
            value=_value(value),
        )

    done = as_operator(name, work, act="rights", password_stdin=password_stdin)
    typer.echo(f"{done.state} {done.events[-1].detail}")


def export(
    customer_id: Customer,
    request_id: Number,
    folder: Annotated[Path, typer.Argument(help="Where the two files go.")],
    *,
    name: As,
    password_stdin: PasswordStdin = False,
) -> None:
    """Write everything that is kept of the customer: JSON for programs, HTML to read."""
    key = _key(customer_id, request_id)

    async def work(house: "House", actor: "Actor") -> "PersonExport | Refused":
        from counterfoil.journeys.guarding.rights import export

        return await export(house, actor, customer_id=key[0], request_id=key[1])

    made = as_operator(name, work, act="rights", password_stdin=password_stdin)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for suffix, content in (("json", made.json), ("html", made.html.encode())):
        file = folder / f"{request_id}.{suffix}"
        file.touch(mode=0o600)
        file.write_bytes(content)
        typer.echo(str(file))


def _shape(item: "RightsRequest", on: date) -> dict[str, Any]:
    from counterfoil.kernel import ids

    return {
        "request_id": ids.to_text(ids.RIGHTS_REQUEST, item.request_id),
        "customer_id": ids.to_text(ids.CUSTOMER, item.customer_id),
        "kind": item.kind.value,
        "about": item.about,
        "state": item.state.value,
        "received_at": item.received_at,
        "due_on": item.due_on,
        "days_left": item.days_left(on) if item.conclusion is None else None,
    }


def _key(customer_id: str, request_id: str) -> tuple[int, int]:
    from counterfoil.kernel import ids

    try:
        return (
            ids.from_text(ids.CUSTOMER, customer_id),
            ids.from_text(ids.RIGHTS_REQUEST, request_id),
        )
    except ids.InvalidIdError as wrong:
        raise typer.BadParameter(str(wrong)) from wrong


def _value(text: str | None) -> int | bool | str | None:
    words = {"true": True, "false": False}
    if text is None or text in words:
        return None if text is None else words[text]
    # A telephone number in its international form is no number to count with.
    return int(text) if text.lstrip("-").isdecimal() and not text.startswith("+") else text


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as wrong:
        raise typer.BadParameter(f"{text} is no day", param_hint="--since") from wrong
