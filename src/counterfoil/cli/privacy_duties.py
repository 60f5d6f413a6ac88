"""`counterfoil privacy incident` and `assessment`: what goes wrong, and what is weighed before."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli import output
from counterfoil.cli.acting import As, PasswordStdin, as_operator, in_house

if TYPE_CHECKING:
    from counterfoil.journeys.house import House
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.access_matrix import Actor
    from counterfoil.privacy.assessment import Assessment, Processing
    from counterfoil.privacy.incident import Incident

Json = Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")]
File = Annotated[Path, typer.Argument(help="TOML file.", exists=True, dir_okay=False)]
IncidentNumber = Annotated[str, typer.Argument(help="The incident, `in_…`, from the list.")]
AssessmentNumber = Annotated[str, typer.Argument(help="The assessment, `ia_…`, from the list.")]


def add_to(privacy: typer.Typer) -> None:
    """Add the commands to the group `privacy`."""
    group = typer.Typer(help="Incidents with personal data.", no_args_is_help=True)
    group.command("list")(list_incidents)
    group.command()(record)
    group.command()(step)
    group.command()(notice)
    privacy.add_typer(group, name="incident")
    group = typer.Typer(help="Impact assessments.", no_args_is_help=True)
    group.command("list")(list_assessments)
    group.command()(add)
    group.command()(conclude)
    privacy.add_typer(group, name="assessment")


def list_incidents(*, as_json: Json = False) -> None:
    """List incidents with what is left to do and by when, newest first."""

    async def read(house: "House") -> "tuple[list[Incident], datetime]":
        from counterfoil.journeys.guarding.incidents import read_incidents

        return await read_incidents(house), house.clock.now()

    found, now = in_house(read)
    shapes = [_incident(item, now) for item in found]
    if as_json:
        output.write_json({"incidents": shapes})
        return
    columns = ("incident_id", "cause", "kinds", "noticed_at", "authority_by", "missing", "is_late")
    rows = [[shape[column] for column in columns] for shape in shapes]
    output.write_table("Incidents", columns, rows)


def record(file: File, *, name: As, password_stdin: PasswordStdin = False) -> None:
    """Write an incident down from a file with its facts."""
    from counterfoil.kernel.toml import parse_toml
    from counterfoil.privacy.incident import Cause, Facts

    try:
        read = parse_toml(file.read_text("utf-8"))
        noticed: datetime = read.pop("noticed_at")
        read["kinds"], read["cause"] = tuple(read["kinds"]), Cause(read["cause"])
        facts = Facts(**{"persons": None, **read})
        if noticed.tzinfo is None:
            noticed = noticed.replace(tzinfo=UTC)
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        raise typer.BadParameter(f"{file} is no description of an incident: {wrong}") from wrong

    async def work(house: "House", actor: "Actor") -> "Incident | Refused":
        from counterfoil.journeys.guarding.incidents import record_incident

        return await record_incident(house, actor, facts, noticed_at=noticed)

    done = as_operator(name, work, password_stdin=password_stdin)
    typer.echo(f"{_incident_text(done.incident_id)} notices by {done.authority_by:%Y-%m-%d %H:%M}")


def step(
    incident_id: IncidentNumber,
    act: Annotated[
        str,
        typer.Argument(
            help="found, contained, remedied, authority_told, persons_told, no_notice or closed."
        ),
    ],
    *,
    name: As,
    note: Annotated[str, typer.Option(help="What was done.")],
    evidence: Annotated[
        Path | None, typer.Option(help="A file that proves it; its SHA-256 is kept.", exists=True)
    ] = None,
    password_stdin: PasswordStdin = False,
) -> None:
    """Note what was done about an incident."""
    from hashlib import sha256

    from counterfoil.privacy.incident import IncidentAct

    number = _number("in", incident_id)
    if act not in set(IncidentAct):
        raise typer.BadParameter(f"{act} is no step of an incident", param_hint="ACT")
    digest = None if evidence is None else sha256(evidence.read_bytes()).digest()

    async def work(house: "House", actor: "Actor") -> "Incident | Refused":
        from counterfoil.journeys.guarding.incidents import do_incident_step

        return await do_incident_step(
            house,
            actor,
            incident_id=number,
            step=IncidentAct(act),
            text=note,
            evidence_sha256=digest,
        )

    done = as_operator(name, work, password_stdin=password_stdin)
    left = ", ".join(done.missing) or "nothing"
    typer.echo(f"{act} noted; left to do: {left}")


def notice(incident_id: IncidentNumber) -> None:
    """Write the drafts of the notice, Chinese and English."""
    number = _number("in", incident_id)

    async def read(house: "House") -> "Incident | Refused":
        from counterfoil.journeys.guarding.incidents import read_incident

        return await read_incident(house, number)

    from counterfoil.kernel.errors import Refused
    from counterfoil.privacy.incident import notice_draft

    found = in_house(read)
    if isinstance(found, Refused):
        raise output.fail(f"{found.message} {found.next_step} ({found.code})")
    draft = notice_draft(found)
    typer.echo(f"{draft['zh']}\n\n{draft['en']}")


def list_assessments(
    *,
    missing: Annotated[
        bool, typer.Option("--missing", help="What goes on without one instead.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List impact assessments, or what goes on without an approved one in force."""

    async def read(house: "House") -> "list[Assessment]":
        from counterfoil.journeys.guarding.assess import read_assessments

        return await read_assessments(house)

    async def read_missing(house: "House") -> "list[tuple[Processing, str]]":
        from counterfoil.journeys.guarding.assess import missing_assessments

        return await missing_assessments(house)

    if missing:
        shapes: list[dict[str, Any]] = [
            {"processing": processing.value, "subject": subject}
            for processing, subject in in_house(read_missing)
        ]
    else:
        shapes = [_assessment(item) for item in in_house(read)]
    if as_json:
        output.write_json({"assessments": shapes})
        return
    columns = ["processing", "subject"] if missing else list(_assessment_columns())
    output.write_table("Assessments", columns, [[s[c] for c in columns] for s in shapes])


def add(file: File, *, name: As, password_stdin: PasswordStdin = False) -> None:
    """Write an assessment down from a file."""
    from counterfoil.journeys.guarding.assess import NewAssessment
    from counterfoil.kernel.toml import parse_toml
    from counterfoil.privacy.assessment import Findings, Processing

    try:
        read = parse_toml(file.read_text("utf-8"))
        new = NewAssessment(
            processing=Processing(read["processing"]),
            subject=read["subject"],
            findings=Findings(
                purpose=read["purpose"],
                necessity=read["necessity"],
                risks=tuple(read["risks"]),
                measures=tuple(read["measures"]),
                decision=read["decision"],
            ),
            review_on=read["review_on"],
        )
    except (ValueError, KeyError, TypeError) as wrong:
        raise typer.BadParameter(f"{file} is no assessment: {wrong}") from wrong

    async def work(house: "House", actor: "Actor") -> "Assessment | Refused":
        from counterfoil.journeys.guarding.assess import assess

        return await assess(house, actor, new)

    done = as_operator(name, work, password_stdin=password_stdin)
    typer.echo(f"{_assessment(done)['assessment_id']} {done.sha256.hex()}")


def conclude(
    assessment_id: AssessmentNumber,
    *,
    name: As,
    reason: Annotated[str, typer.Option(help="Why; recorded.")],
    act: Annotated[str, typer.Option("--as-act", help="approved, refused or ended.")] = "approved",
    password_stdin: PasswordStdin = False,
) -> None:
    """Approve somebody else's assessment, refuse it, or end it."""
    from counterfoil.privacy.assessment import AssessmentAct

    number = _number("ia", assessment_id)
    if act not in set(AssessmentAct):
        raise typer.BadParameter("there are approved, refused and ended", param_hint="--as-act")

    async def work(house: "House", actor: "Actor") -> "Assessment | Refused":
        from counterfoil.journeys.guarding.assess import conclude_assessment

        return await conclude_assessment(
            house, actor, assessment_id=number, step=AssessmentAct(act), reason=reason
        )

    done = as_operator(name, work, password_stdin=password_stdin)
    typer.echo(f"{assessment_id} {done.state}")


def _incident(item: "Incident", now: datetime) -> dict[str, Any]:
    return {
        "incident_id": _incident_text(item.incident_id),
        "cause": item.facts.cause.value,
        "kinds": list(item.facts.kinds),
        "persons": item.facts.persons,
        "noticed_at": item.noticed_at,
        "authority_by": item.authority_by,
        "persons_by": item.persons_by,
        "missing": list(item.missing) if item.is_open else [],
        "is_open": item.is_open,
        "is_late": item.is_late(now),
    }


def _assessment_columns() -> tuple[str, ...]:
    return ("assessment_id", "processing", "subject", "state", "author", "review_on", "sha256")


def _assessment(item: "Assessment") -> dict[str, Any]:
    from counterfoil.kernel import ids

    values = (
        ids.to_text(ids.ASSESSMENT, item.assessment_id),
        item.processing.value,
        item.subject,
        item.state,
        item.author,
        item.review_on,
        item.sha256.hex(),
    )
    return dict(zip(_assessment_columns(), values, strict=True))


def _incident_text(number: int) -> str:
    from counterfoil.kernel import ids

    return ids.to_text(ids.INCIDENT, number)


def _number(prefix: str, text: str) -> int:
    from counterfoil.kernel import ids

    try:
        return ids.from_text(prefix, text)
    except ids.InvalidIdError as wrong:
        raise typer.BadParameter(str(wrong)) from wrong
