"""`counterfoil contract templates|gate|publish|retire|published`: put in force by two people."""

import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli import output
from counterfoil.cli.acting import PasswordStdin, as_operator, in_house
from counterfoil.cli.policy_source import Json

if TYPE_CHECKING:
    from counterfoil.contracts.shelf import Proposal
    from counterfoil.contracts.template_store import TemplatePublication
    from counterfoil.journeys.contracting.template_gate import TemplateWish
    from counterfoil.journeys.house import House
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.access_matrix import Actor

#: Publications that a list shows.
PUBLICATIONS_SHOWN_MAX = 200
#: The templates that come with the program.
SHIPPED = "shipped"
_REF = re.compile(r"([a-z0-9-]+)/([0-9]{1,5})")

MaybeFolder = Annotated[
    Path | None,
    typer.Argument(exists=True, file_okay=False, help="Directory; what is shipped if unset."),
]
Wanted = Annotated[
    str,
    typer.Argument(
        metavar="TEMPLATES",
        help="A directory of one version or of many, `CODE/VERSION`, or `shipped`.",
    ),
]
Ref = Annotated[str, typer.Argument(metavar="CODE/VERSION", help="A published version.")]
On = Annotated[str, typer.Option(help="From which day nothing new is made from it.")]
By = Annotated[str, typer.Option(help="Who you are, as an operator; the password is asked.")]
Reason = Annotated[str, typer.Option(help="Why; it is recorded.")]


def templates(folder: MaybeFolder = None, *, as_json: Json = False) -> None:
    """List the templates of a directory; name everything that is wrong with them and exit 1."""
    shapes = [
        {
            "code": one.template.code,
            "version": one.template.version,
            "kind": one.template.kind.value,
            "effective_from": one.template.effective_from.isoformat(),
            "retired_on": _day_text(one.template.retired_on),
            "lender": one.template.lender_id,
            "products": list(one.template.products),
            "sha256": one.sha256,
        }
        for one in _read(folder)
    ]
    if as_json:
        output.write_json({"templates": shapes})
        return
    columns = ("code", "version", "kind", "effective_from", "lender", "products")
    output.write_table("Templates", columns, [[shape[c] for c in columns] for shape in shapes])


def gate(wanted: Wanted, *, as_json: Json = False) -> None:
    """Tell what publishing versions would change, clause by clause, and what stands in the way.

    Ends with 1 where one may not be published.
    """

    async def work(house: "House") -> list[dict[str, Any]]:
        from counterfoil.journeys.contracting.template_gate import gate as journey

        reports = []
        for wish in await _wishes(house, wanted):
            async with house.database.connection() as connection:
                reports.append((await journey(house, connection, wish)).document())
        return reports

    reports = in_house(work)
    if as_json:
        output.write_json({"reports": reports})
    else:
        for report in reports:
            _write_report(report)
    if any(report["faults"] for report in reports):
        raise typer.Exit(output.EXIT_FAILED)


def publish(
    wanted: Wanted,
    *,
    by: By,
    reason: Reason,
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Ask for the publication of versions, or publish them once somebody else has approved.

    The first call compares, keeps the report and asks for each version that is not published yet;
    after the approvals the same call publishes. Files alone change nothing.
    """

    async def work(house: "House", actor: "Actor") -> "list[dict[str, str]] | Refused":
        return await _carry(house, actor, await _wishes(house, wanted, is_new=True), reason)

    _tell(as_operator(by, work, password_stdin=password_stdin), as_json=as_json)


def retire(
    ref: Ref,
    *,
    on: On,
    by: By,
    reason: Reason,
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Ask that nothing new is made from a version from a day on, or carry it out once approved.

    The version before it holds again, where there is one: that is the way back.
    """
    try:
        day = date.fromisoformat(on)
    except ValueError as wrong:
        raise typer.BadParameter(f"{on!r} is not a date") from wrong

    async def work(house: "House", actor: "Actor") -> "list[dict[str, str]] | Refused":
        from counterfoil.journeys.contracting.template_gate import TemplateWish

        wishes = [
            TemplateWish(proposal=one.proposal, retired_on=day) for one in await _wishes(house, ref)
        ]
        return await _carry(house, actor, wishes, reason)

    _tell(as_operator(by, work, password_stdin=password_stdin), as_json=as_json)


def published(*, as_json: Json = False) -> None:
    """List the versions that were published, newest first, with who did and when they end."""

    async def work(house: "House") -> "list[TemplatePublication]":
        from counterfoil.contracts.template_store import read_publications

        async with house.database.connection() as connection:
            return await read_publications(connection, page=PUBLICATIONS_SHOWN_MAX)

    columns = ("code", "version", "author", "approver", "published_at", "retired_on", "sha256")
    rows = [
        (
            *(made.code, made.version, made.author, made.approver),
            *(made.published_at.isoformat(), _day_text(made.retired_on), made.sha256),
        )
        for made in in_house(work)
    ]
    if as_json:
        output.write_json({"templates": [dict(zip(columns, row, strict=True)) for row in rows]})
    else:
        # The hash is for programs: a table has no room for it.
        output.write_table("Published templates", columns[:-1], [row[:-1] for row in rows])


async def _carry(
    house: "House", actor: "Actor", wishes: "list[TemplateWish]", reason: str
) -> "list[dict[str, str]] | Refused":
    from counterfoil.journeys.contracting.publish_template import ask_or_publish
    from counterfoil.kernel import ids
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.approvals import Approval

    answers: list[dict[str, str]] = []
    for wish in wishes:
        made = await ask_or_publish(house, actor, wish, reason=reason)
        if isinstance(made, Refused):
            return made
        answer = {"template": wish.proposal.template.ref}
        if isinstance(made, Approval):
            number = ids.to_text(ids.APPROVAL, made.approval_id)
            answers.append(answer | {"state": "requested", "approval_id": number})
        else:
            answers.append(answer | {"state": "published" if made.retired_on is None else "ends"})
    return answers


async def _wishes(house: "House", wanted: str, *, is_new: bool = False) -> "list[TemplateWish]":
    """Return the versions that are named; of many, with `is_new`, those not published yet."""
    from counterfoil.journeys.contracting.publish_template import known_template
    from counterfoil.journeys.contracting.template_gate import TemplateWish
    from counterfoil.kernel.errors import Refused

    found = None if _is_directory(wanted) else _REF.fullmatch(wanted)
    if found is not None:
        async with house.database.connection() as connection:
            known = await known_template(house, connection, found[1], int(found[2]))
        if isinstance(known, Refused):
            raise output.fail(known.message)
        return [TemplateWish(proposal=known)]
    if wanted != SHIPPED and not _is_directory(wanted):
        raise output.fail(f"{wanted} is no directory, no CODE/VERSION and not `{SHIPPED}`")
    proposals = _read(None if wanted == SHIPPED else Path(wanted))
    held = {one.content_sha256 for one in house.shelf.published()} if is_new else set()
    left = [one for one in proposals if one.sha256 not in held]
    return [TemplateWish(proposal=one) for one in (left or proposals)]


def _is_directory(wanted: str) -> bool:
    return Path(wanted).is_dir()


def _read(folder: Path | None) -> "tuple[Proposal, ...]":
    from counterfoil.contracts.shelf import TemplatesError, load_proposals

    try:
        return load_proposals(folder)
    except TemplatesError as refused:
        raise output.fail(str(refused)) from refused


def _tell(answers: list[dict[str, str]], *, as_json: bool) -> None:
    if as_json:
        output.write_json({"templates": answers})
        return
    for answer in answers:
        if answer["state"] == "requested":
            approval = answer["approval_id"]
            typer.echo(f"{answer['template']}: asked, {approval}. Somebody else has to approve it.")
        else:
            typer.echo(f"{answer['template']}: {answer['state']}.")


def _write_report(report: dict[str, Any]) -> None:
    typer.echo(f"{report['template']} ({report['kind']}), {report['template_sha256']}")
    rows = [
        (one["product"], one["before"] or "—", one["after"] or "—", one["lines"])
        for one in report["products"]
    ]
    output.write_table("Made from", ("product", "now", "then", "lines running"), rows)
    for one in report["texts"]:
        typer.echo(f"\n{one['language']}  {one['heading'] or '—'}")
        for mark, lines in (("-", one["before"]), ("+", one["after"])):
            for line in lines:
                typer.echo(f"  {mark} {line}")
    if report["values"]:
        values = [(one["member"], one["before"], one["after"]) for one in report["values"]]
        output.write_table("Values", ("member", "was", "is"), values)
    signed = [
        (
            one["product_code"],
            f"{one['template_code']}/{one['template_version']}",
            one["agreements"],
        )
        for one in report["agreements"]
    ]
    if signed:
        output.write_table("Agreements that stay", ("product", "template", "agreements"), signed)
    typer.echo(f"Running agreements change by a notice alone, {report['notice_days']} days ahead.")
    for one in report["figures"]:
        typer.echo(f"Figure in the words ({one['language']}): {one['line']}")
    for one in report["faults"]:
        typer.secho(f"{one['place']}: {one['reason']}", err=True, fg=typer.colors.RED)
    typer.echo("It may not be published." if report["faults"] else "It may be published.")


def _day_text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
