"""`counterfoil campaigns`: inviting customers to apply, by two people, and what came of it."""

import tomllib
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli import output
from counterfoil.cli.acting import As, PasswordStdin, as_operator, in_house
from counterfoil.kernel.toml import parse_toml

if TYPE_CHECKING:
    from counterfoil.hosts.campaign import CampaignTerms
    from counterfoil.hosts.campaign_store import Campaign, Listed
    from counterfoil.journeys.house import House
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.access_matrix import Actor
    from counterfoil.platform.approvals import Approval

Json = Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")]
Reason = Annotated[str, typer.Option(help="Why; recorded with it.")]
#: What a file has to say, and of which kind it is.
_KINDS: dict[str, Any] = {
    "code": str,
    "product_code": str,
    "quota": int,
    "expires_on": date,
    "zh": dict,
    "en": dict,
}
#: What it may say besides; one of the last two selects.
_OPTIONAL: dict[str, Any] = {"host": str, "rule": str, "customers": list}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Campaigns that invite customers to apply.", no_args_is_help=True)
    group.command("list")(list_campaigns)
    group.command()(start)
    group.command()(stop)
    app.add_typer(group, name="campaigns")


def list_campaigns(*, as_json: Json = False) -> None:
    """List campaigns with what became of those who were looked at, newest first."""

    async def read(house: "House") -> "list[Listed]":
        from counterfoil.journeys.hosting.invite import list_campaigns

        return await list_campaigns(house)

    shapes = [_shape(item) for item in in_house(read)]
    if as_json:
        output.write_json({"campaigns": shapes})
    else:
        columns = ("campaign_id", "code", "product", "until", "quota", "standing", "counts")
        rows = [
            [*(shape[column] for column in columns[:-1]), _counted(shape["counts"])]
            for shape in shapes
        ]
        output.write_table("Campaigns", columns, rows)


def start(
    file: Annotated[Path, typer.Argument(help="TOML file with the whole campaign.")],
    *,
    name: As,
    reason: Reason,
    password_stdin: PasswordStdin = False,
) -> None:
    """Start a campaign, or ask for the approval of that; run it again after the approval."""
    terms = _terms(file)

    async def work(house: "House", actor: "Actor") -> "Campaign | Approval | Refused":
        from counterfoil.journeys.hosting.invite import start_campaign

        return await start_campaign(house, actor, terms, reason=reason)

    made: Any = as_operator(name, work, password_stdin=password_stdin)
    from counterfoil.kernel import ids
    from counterfoil.platform.approvals import Approval

    approval = ids.to_text(ids.APPROVAL, made.approval_id)
    if isinstance(made, Approval):
        typer.echo(f"waits for a second person: {approval}")
    else:
        number = ids.to_text(ids.CAMPAIGN, made.campaign_id)
        typer.echo(f"started {number} by {approval}: {_counted(made.counts)}")


def stop(
    campaign: Annotated[str, typer.Argument(help="The campaign's identifier, from the list.")],
    *,
    name: As,
    reason: Reason,
    password_stdin: PasswordStdin = False,
) -> None:
    """End every invitation of a campaign at once; one person may."""
    from counterfoil.kernel import ids

    try:
        number = ids.from_text(ids.CAMPAIGN, campaign)
    except ids.InvalidIdError as wrong:
        raise typer.BadParameter(str(wrong), param_hint="CAMPAIGN") from wrong

    async def work(house: "House", actor: "Actor") -> "Listed | Refused":
        from counterfoil.journeys.hosting.invite import end_campaign

        return await end_campaign(house, actor, campaign_id=number, reason=reason)

    as_operator(name, work, password_stdin=password_stdin)
    typer.echo(f"stopped {campaign}")


def _terms(file: Path) -> "CampaignTerms":
    """Return what a file asks for; what it leaves out, or says too much, ends the command."""
    from counterfoil.hosts.campaign import CampaignTerms, Words
    from counterfoil.kernel import ids

    try:
        read: dict[str, Any] = parse_toml(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as wrong:
        raise output.fail(f"{file} cannot be read: {wrong}") from wrong
    known = _KINDS | _OPTIONAL
    if faults := (_KINDS.keys() - read.keys()) | (read.keys() - known.keys()):
        raise output.fail(f"{file}: look at {', '.join(sorted(faults))}.")
    if wrong_kind := [name for name in read if type(read[name]) is not known[name]]:
        raise output.fail(f"{file}: of the wrong kind: {', '.join(sorted(wrong_kind))}.")
    if any(set(read[language]) != {"title", "text"} for language in ("zh", "en")):
        raise output.fail(f"{file}: zh and en have a title and a text each.")
    try:
        host = ids.from_text(ids.HOST, read["host"]) if "host" in read else None
        customers = [ids.from_text(ids.CUSTOMER, one) for one in read.get("customers", ())]
    except ids.InvalidIdError as wrong_id:
        raise output.fail(f"{file}: {wrong_id}") from wrong_id
    return CampaignTerms(
        code=read["code"],
        product_code=read["product_code"],
        host_id=host,
        rule=read.get("rule", "").strip(),
        customer_ids=tuple(dict.fromkeys(customers)),
        quota=read["quota"],
        expires_on=read["expires_on"],
        zh=Words(**read["zh"]),
        en=Words(**read["en"]),
    )


def _shape(listed: "Listed") -> dict[str, Any]:
    from counterfoil.kernel import ids

    item = listed.campaign
    return {
        "campaign_id": ids.to_text(ids.CAMPAIGN, item.campaign_id),
        "code": item.code,
        "product": item.product_code,
        "host_id": ids.to_text(ids.HOST, item.host_id) if item.host_id else None,
        "until": item.expires_on.isoformat(),
        "quota": item.quota,
        "standing": listed.standing,
        "counts": item.counts,
        "asked_by": item.asked_by,
        "approved_by": item.approved_by,
    }


def _counted(counts: dict[str, int]) -> str:
    return " ".join(f"{reason}={count}" for reason, count in sorted(counts.items()))
