"""`counterfoil privacy`: keys, retention, holds, erasure, the trail; persons, incidents."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import output, privacy_duties, privacy_rights
from counterfoil.cli.acting import (
    As,
    PasswordStdin,
    as_operator,
    in_house,
    machine_account,
    queue_for,
)

if TYPE_CHECKING:
    from counterfoil.journeys.admitting.fill_regions import RegionsFilled
    from counterfoil.journeys.house import House
    from counterfoil.journeys.trail import TrailReport
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.access_matrix import Actor
    from counterfoil.platform.approvals import Approval
    from counterfoil.platform.holdings import Matter
    from counterfoil.platform.trail import Entry
    from counterfoil.privacy.erasure_store import Erasure, Hold, Standing
    from counterfoil.privacy.rotation_store import Rotation, RotationKind

#: Lines of the trail taken at once.
_PAGE = 1_000

Reason = Annotated[str, typer.Option(help="Why; recorded in the trail.")]
Customer = Annotated[str, typer.Argument(help="The customer's identifier, `cu_…`.")]
KeyKind = Annotated[
    str, typer.Option("--kind", help="`wrapping` for data keys, `index` for the blind index.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Keys, retention, erasure and the trail.", no_args_is_help=True)
    group.command()(ask_rotation)
    group.command()(rotate)
    group.command()(resume_rotation)
    group.command()(rotations)
    group.command()(end_purpose)
    group.command()(erasable)
    group.command()(ask_erasure)
    group.command()(erase)
    group.command()(hold)
    group.command()(lift)
    group.command()(fill_regions)
    group.command()(trail)
    group.command()(check_trail)
    privacy_rights.add_to(group)
    privacy_duties.add_to(group)
    app.add_typer(group, name="privacy")


def ask_rotation(
    *, kind: KeyKind, name: As, reason: Reason, password_stdin: PasswordStdin = False
) -> None:
    """Ask a second person to approve the change of a key."""

    async def work(house: "House", actor: "Actor") -> "Approval | Refused":
        from counterfoil.journeys.approve import ask_approval
        from counterfoil.journeys.guarding.rotate_keys import APPROVALS, rotation_payload

        rotation = _kind(kind)
        payload = await rotation_payload(house, rotation)
        summary = f"Change the {kind} key away from {payload['from']}."
        return await ask_approval(
            house, actor, APPROVALS[rotation], payload, summary=summary, reason=reason
        )

    _say_request(as_operator(name, work, password_stdin=password_stdin))


def rotate(
    *, kind: KeyKind, name: As, reason: Reason, password_stdin: PasswordStdin = False
) -> None:
    """Change a key after its approval; everybody reads and writes on meanwhile."""

    async def work(house: "House", actor: "Actor") -> "Rotation | Refused":
        from counterfoil.journeys.guarding.rotate_keys import rotate

        return await rotate(house, actor, _kind(kind), reason=reason)

    done = as_operator(name, work, password_stdin=password_stdin)
    typer.echo(f"{done.old_key} → {done.new_key}")


def resume_rotation(*, kind: KeyKind, name: As, password_stdin: PasswordStdin = False) -> None:
    """Carry a rotation through that was interrupted."""

    async def work(house: "House", actor: "Actor") -> "Rotation | Refused":
        from counterfoil.journeys.guarding.rotate_keys import resume

        return await resume(house, actor, _kind(kind))

    done = as_operator(name, work, password_stdin=password_stdin)
    typer.echo(f"{done.old_key} → {done.new_key}")


def rotations() -> None:
    """List the changes of keys, newest first, as JSON."""

    async def read(house: "House") -> "list[Rotation]":
        from counterfoil.journeys.guarding.rotate_keys import list_rotations

        return await list_rotations(house)

    shapes = [
        {
            "kind": item.kind.value,
            "old_key": item.old_key,
            "new_key": item.new_key,
            "started_by": item.started_by,
            "started_at": item.started_at,
            "rows_moved": item.rows_moved,
            "finished_at": item.finished_at,
        }
        for item in in_house(read)
    ]
    output.write_json({"rotations": shapes})


def end_purpose(
    customer: Customer,
    data_class: Annotated[str, typer.Argument(help="Such as identity, report, transactions.")],
    *,
    on: Annotated[
        datetime,
        typer.Option(formats=["%Y-%m-%d"], help="Business date on which the purpose was over."),
    ],
    name: As,
    password_stdin: PasswordStdin = False,
) -> None:
    """Note that a class of a customer's data is not needed any more."""

    async def work(house: "House", _actor: "Actor") -> "Refused | None":
        from counterfoil.journeys.guarding.erase import end_purpose

        return await end_purpose(house, data_class, {_customer(customer): on.date()})

    as_operator(name, work, act="rights", password_stdin=password_stdin)
    typer.echo(f"{data_class} of {customer} ended on {on.date()}")


def erasable(*, name: As, password_stdin: PasswordStdin = False) -> None:
    """Restrict what has reached its end, and list what may be erased today, as JSON."""

    async def read(house: "House") -> "list[Standing]":
        from counterfoil.journeys.guarding.erase import apply_retention, find_erasable

        on = await house.business_date()
        await apply_retention(house, on=on)
        return await find_erasable(house, on=on)

    def matters(item: "Standing") -> "list[Matter]":
        from counterfoil.kernel import ids
        from counterfoil.platform.holdings import Matter

        return [Matter(item.customer_id, ids.CUSTOMER, item.customer_id)]

    found = queue_for(name, read, matters, act="rights", password_stdin=password_stdin)
    shapes = [
        {
            "customer_id": _customer_text(item.customer_id),
            "data_class": item.data_class,
            "ended_on": item.ended_on,
            "keep_until": item.keep_until,
            "state": item.state.value,
        }
        for item in found
    ]
    output.write_json({"erasable": shapes})


def ask_erasure(
    customer: Customer,
    data_class: Annotated[str, typer.Argument(help="Such as identity, report, transactions.")],
    *,
    name: As,
    reason: Reason,
    password_stdin: PasswordStdin = False,
) -> None:
    """Ask a second person to approve the erasure of a class of a customer's data."""

    async def work(house: "House", actor: "Actor") -> "Approval | Refused":
        from counterfoil.journeys.approve import ask_approval
        from counterfoil.journeys.guarding.erase import erasure_payload

        payload = erasure_payload(_customer(customer), data_class)
        summary = f"Erase {data_class} of {customer}."
        return await ask_approval(house, actor, "erasure", payload, summary=summary, reason=reason)

    _say_request(as_operator(name, work, password_stdin=password_stdin))


def erase(
    customer: Customer,
    data_class: Annotated[str, typer.Argument(help="Such as identity, report, transactions.")],
    *,
    name: As,
    reason: Reason,
    password_stdin: PasswordStdin = False,
) -> None:
    """Destroy the keys of a class of a customer's data, after its approval."""

    async def work(house: "House", actor: "Actor") -> "Erasure | Refused":
        from counterfoil.journeys.guarding.erase import erase

        return await erase(
            house,
            actor,
            customer_id=_customer(customer),
            data_class=data_class,
            on=await house.business_date(),
            reason=reason,
        )

    done = as_operator(name, work, password_stdin=password_stdin)
    typer.echo(f"{done.keys_destroyed} keys destroyed; gone from backups by {done.gone_by}")


def hold(
    customer: Customer,
    *,
    name: As,
    reason: Reason,
    ticket: Annotated[str, typer.Option(help="Number of the case.")],
    password_stdin: PasswordStdin = False,
) -> None:
    """Set a legal hold: nothing of the customer is erased while it stands."""

    async def work(house: "House", actor: "Actor") -> "Hold | Refused":
        from counterfoil.journeys.guarding.erase import set_hold

        return await set_hold(
            house, actor, customer_id=_customer(customer), reason=reason, ticket=ticket
        )

    from counterfoil.kernel import ids

    done = as_operator(name, work, password_stdin=password_stdin)
    typer.echo(ids.to_text(ids.LEGAL_HOLD, done.hold_id))


def lift(
    customer: Customer,
    hold_id: Annotated[str, typer.Argument(help="The hold's identifier, `lh_…`.")],
    *,
    name: As,
    reason: Reason,
    password_stdin: PasswordStdin = False,
) -> None:
    """Lift a legal hold."""
    from counterfoil.kernel import ids

    try:
        number = ids.from_text(ids.LEGAL_HOLD, hold_id)
    except ids.InvalidIdError as wrong:
        raise typer.BadParameter(str(wrong), param_hint="HOLD_ID") from wrong

    async def work(house: "House", actor: "Actor") -> "Refused | None":
        from counterfoil.journeys.guarding.erase import lift_hold

        return await lift_hold(
            house, actor, customer_id=_customer(customer), hold_id=number, reason=reason
        )

    as_operator(name, work, password_stdin=password_stdin)
    typer.echo(f"lifted {hold_id}")


def fill_regions(*, as_json: Annotated[bool, typer.Option("--json", help="JSON.")] = False) -> None:
    """Write down of which region customers are who registered before regions were kept.

    By the first two digits of the identity number, which nobody is shown; the trail says whose
    were read. Who stays unknown is seen by those alone who are not limited to regions.
    """

    async def work(house: "House") -> "RegionsFilled":
        from counterfoil.journeys.admitting.fill_regions import fill_regions

        return await fill_regions(house, machine_account())

    done = in_house(work)
    if as_json:
        output.write_json({"filled": done.filled, "unknown": done.unknown})
    else:
        typer.echo(f"{done.filled:,} regions written, {done.unknown:,} customers without one")


def trail(
    *,
    name: As,
    actor: Annotated[str | None, typer.Option(help="Only what this person or client did.")] = None,
    customer: Annotated[str | None, typer.Option(help="Only about this customer.")] = None,
    act: Annotated[str | None, typer.Option(help="Only acts of this name, such as view.")] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="From this day on, in UTC.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Before this day, in UTC.")
    ] = None,
    refused: Annotated[bool, typer.Option("--refused", help="Only what was refused.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Write CSV with a line of names.")] = False,
    password_stdin: PasswordStdin = False,
) -> None:
    """Write the trail with the commands, newest first, one JSON object a line."""
    from counterfoil.platform.trail import Wanted

    number = None if customer is None else _customer(customer)
    wanted = Wanted(
        actor=actor,
        act=act,
        customer_id=number,
        since=None if since is None else since.replace(tzinfo=UTC),
        until=None if until is None else until.replace(tzinfo=UTC),
        only_refused=refused,
    )

    async def read(house: "House", _actor: "Actor") -> "list[Entry] | Refused":
        from counterfoil.journeys.trail import find_trail

        found: list[Entry] = []
        before = None
        while page := await find_trail(house, wanted, before=before, page=_PAGE):
            found += page
            before = page[-1].trail_id
        return found

    found = as_operator(name, read, act="read_trail", password_stdin=password_stdin)
    _write_trail(found, as_csv=as_csv)


def _write_trail(entries: "list[Entry]", *, as_csv: bool) -> None:
    import csv

    import orjson

    from counterfoil.platform.trail import told_of

    shapes = [told_of(entry) for entry in entries]
    if not as_csv:
        sys.stdout.writelines(orjson.dumps(shape).decode() + "\n" for shape in shapes)
        return
    columns = sorted({name for shape in shapes for name in shape})
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(columns)
    for shape in shapes:
        cells = [shape.get(name) for name in columns]
        table.writerow([" ".join(cell) if isinstance(cell, list) else cell for cell in cells])


def check_trail() -> None:
    """Hold trail and senders of commands against the log; ends with 1 where they differ."""

    async def check(house: "House") -> "TrailReport":
        from counterfoil.journeys.trail import anchor_commands, anchor_trail, check_trail

        while await anchor_trail(house):
            pass
        while await anchor_commands(house):
            pass
        return await check_trail(house)

    report = in_house(check)
    typer.echo(
        f"{report.entries:,} lines, {report.anchors:,} anchors, {report.not_anchored:,} lines "
        f"not anchored yet, {report.commands:,} commands, {len(report.broken):,} anchors broken"
    )
    if report.broken:
        raise typer.Exit(output.EXIT_FAILED)


def _kind(kind: str) -> "RotationKind":
    from counterfoil.privacy.rotation_store import RotationKind

    if kind not in set(RotationKind):
        raise typer.BadParameter("there are wrapping and index", param_hint="--kind")
    return RotationKind(kind)


def _customer(text: str) -> int:
    from counterfoil.kernel import ids

    try:
        return ids.from_text(ids.CUSTOMER, text)
    except ids.InvalidIdError as wrong:
        raise typer.BadParameter(str(wrong), param_hint="CUSTOMER") from wrong


def _customer_text(number: int) -> str:
    from counterfoil.kernel import ids

    return ids.to_text(ids.CUSTOMER, number)


def _say_request(approval: "Approval") -> None:
    from counterfoil.kernel import ids

    typer.echo(ids.to_text(ids.APPROVAL, approval.approval_id))
    typer.echo("Somebody else decides: counterfoil approvals approve", err=True)
