"""`counterfoil approvals`: what waits for a second person, and that person's decision."""

from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import output
from counterfoil.cli.acting import As, PasswordStdin, as_operator, queue_for

if TYPE_CHECKING:
    from counterfoil.journeys.house import House
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.access_matrix import Actor
    from counterfoil.platform.approvals import Approval
    from counterfoil.platform.holdings import Matter

Json = Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")]
Number = Annotated[str, typer.Argument(help="The request's identifier, `av_…`, from the list.")]
Reason = Annotated[str, typer.Option(help="Why; recorded with the decision.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Requests that a second person decides.", no_args_is_help=True)
    group.command("list")(list_approvals)
    group.command()(approve)
    group.command()(refuse)
    app.add_typer(group, name="approvals")


def list_approvals(
    *,
    name: As,
    everything: Annotated[
        bool, typer.Option("--all", help="Decided and expired ones too.")
    ] = False,
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """List requests, newest first."""

    async def read(house: "House") -> "list[Approval]":
        from counterfoil.journeys.approve import list_approvals

        return await list_approvals(house, only_open=not everything)

    def matters(item: "Approval") -> "frozenset[Matter]":
        from counterfoil.kernel import ids
        from counterfoil.platform.holdings import wanted_in

        return wanted_in(ids.texts_in(item.summary)).each()

    found = queue_for(name, read, matters, act="approvals", password_stdin=password_stdin)
    shapes = [_shape(item) for item in found]
    if as_json:
        output.write_json({"approvals": shapes})
    else:
        columns = ("approval_id", "kind", "summary", "requested_by", "decided_by", "is_approved")
        rows = [[shape[column] for column in columns] for shape in shapes]
        output.write_table("Requests for approval", columns, rows)


def approve(
    approval_id: Number, *, name: As, reason: Reason, password_stdin: PasswordStdin = False
) -> None:
    """Approve somebody else's request."""
    _decide(approval_id, name, reason, is_approved=True, password_stdin=password_stdin)


def refuse(
    approval_id: Number, *, name: As, reason: Reason, password_stdin: PasswordStdin = False
) -> None:
    """Refuse somebody else's request."""
    _decide(approval_id, name, reason, is_approved=False, password_stdin=password_stdin)


def _decide(
    approval_id: str, name: str, reason: str, *, is_approved: bool, password_stdin: bool
) -> None:
    from counterfoil.kernel import ids

    try:
        number = ids.from_text(ids.APPROVAL, approval_id)
    except ids.InvalidIdError as wrong:
        raise typer.BadParameter(str(wrong), param_hint="APPROVAL_ID") from wrong

    async def work(house: "House", actor: "Actor") -> "Approval | Refused":
        from counterfoil.journeys.approve import decide_approval

        return await decide_approval(house, actor, number, is_approved=is_approved, reason=reason)

    async def about(house: "House") -> str:
        from counterfoil.journeys.approve import list_approvals

        found = await list_approvals(house, before=number + 1, page=1)
        return found[0].summary if found else ""

    as_operator(name, work, act="approvals", about=about, password_stdin=password_stdin)
    typer.echo(f"{'approved' if is_approved else 'refused'} {approval_id}")


def _shape(approval: "Approval") -> dict[str, object]:
    from counterfoil.kernel import ids

    return {
        "approval_id": ids.to_text(ids.APPROVAL, approval.approval_id),
        "kind": approval.kind,
        "payload_sha256": approval.payload_hash.hex(),
        "summary": approval.summary,
        "requested_by": approval.requested_by,
        "request_reason": approval.request_reason,
        "requested_at": approval.requested_at,
        "expires_at": approval.expires_at,
        "decided_by": approval.decided_by,
        "is_approved": approval.is_approved,
        "decision_reason": approval.decision_reason,
        "used_at": approval.used_at,
    }
