"""`counterfoil model publish|record|retire|list`: the registry, one step by one person each."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli import output
from counterfoil.cli.acting import PasswordStdin, as_operator, in_house
from counterfoil.cli.model import Json, ModelFile, artefact_of, model

if TYPE_CHECKING:
    from counterfoil.journeys.deciding.publish_model import Registered
    from counterfoil.journeys.house import House
    from counterfoil.kernel.errors import Refused
    from counterfoil.models.artefact import Artefact
    from counterfoil.platform.access_matrix import Actor

#: Models that a list shows.
MODELS_SHOWN_MAX = 200

By = Annotated[str, typer.Option(help="Who you are, as an operator; the password is asked.")]
Reason = Annotated[str, typer.Option(help="Why; it is recorded.")]
Sha256 = Annotated[str, typer.Argument(metavar="SHA256", help="The model's hash.")]


def register(app: typer.Typer) -> None:
    """Add the commands to those about models."""
    assert app.registered_groups, "the group of models stands before"
    model.command()(publish)
    model.command()(record)
    model.command()(retire)
    model.command()(monitor)
    model.command()(release)
    model.command("list")(list_models)


def publish(
    file: ModelFile,
    *,
    by: By,
    reason: Reason,
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Take a model one step further: registered as a draft, then live once it is approved.

    Between these, somebody else records a validation, and a third person approves it.
    """
    artefact = artefact_of(file)

    async def work(house: "House", actor: "Actor") -> "str | Refused":
        return await _forward(house, actor, artefact, reason)

    state = as_operator(by, work, password_stdin=password_stdin)
    if as_json:
        output.write_json({"model_sha256": artefact.sha256, "state": state})
        return
    said = {
        "draft": "is registered. Somebody else has to validate it and record that.",
        "validated": "is validated. A third person has to approve it.",
        "live": "is live: policies may decide by it.",
    }
    typer.echo(f"{artefact.code} {artefact.version} {said.get(state, f'is {state}.')}")


async def _forward(
    house: "House", actor: "Actor", artefact: "Artefact", reason: str
) -> "str | Refused":
    from counterfoil.journeys.deciding import publish_model as journey
    from counterfoil.kernel.errors import Refused
    from counterfoil.models.registry import State

    found = await journey.read_registered(house, artefact.sha256)
    if found is None:
        kept = await journey.register_model(house, actor, artefact, reason=reason)
        return kept if isinstance(kept, Refused) else State.DRAFT.value
    state = found.standing.state
    if state is State.VALIDATED:
        done = await journey.approve_model(house, actor, artefact.sha256, reason=reason)
        if isinstance(done, Refused):
            return done
        state = done.state
    if state is State.APPROVED:
        done = await journey.publish_model(house, actor, artefact.sha256, reason=reason)
        return done if isinstance(done, Refused) else done.state.value
    if state is State.LIVE and _has_newer_approval(found):
        done = await journey.approve_model(house, actor, artefact.sha256, reason=reason)
        return done if isinstance(done, Refused) else done.state.value
    return state.value


def _has_newer_approval(found: "Registered") -> bool:
    """Tell whether a model in use was validated again after its approval."""
    from counterfoil.models.registry import Step

    steps = [event.act for event in found.events if event.act in {Step.VALIDATED, Step.APPROVED}]
    return bool(steps) and steps[-1] is Step.VALIDATED


def record(
    report: Annotated[
        Path, typer.Argument(metavar="REPORT", help="The document that --json-out wrote.")
    ],
    *,
    by: By,
    reason: Reason,
    accept: Annotated[
        list[str] | None,
        typer.Option(help="A red alarm that you accept, by its code; may be repeated."),
    ] = None,
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Stand behind a validation, and ask a third person for the approval of the model."""
    from counterfoil.journeys.deciding.publish_model import record_validation
    from counterfoil.kernel import ids
    from counterfoil.platform.approvals import Approval

    document = _report_of(report)

    async def work(house: "House", actor: "Actor") -> "Approval | Refused":
        return await record_validation(house, actor, document, reason=reason, accepted=accept or ())

    approval = as_operator(by, work, password_stdin=password_stdin)
    record_id = ids.to_text(ids.APPROVAL, approval.approval_id)
    if as_json:
        output.write_json({"state": "validated", "approval_id": record_id})
    else:
        typer.echo(f"Recorded. {record_id} asks a third person for the approval.")


def _report_of(path: Path) -> dict[str, Any]:
    from counterfoil.models.validation import read_document

    try:
        return read_document(path.read_bytes())
    except (OSError, ValueError) as failure:
        raise output.fail(f"{path} {failure}") from failure


def retire(
    sha256: Sha256, *, by: By, reason: Reason, password_stdin: PasswordStdin = False
) -> None:
    """End a model's life; refused while a policy in force decides by it."""
    from counterfoil.journeys.deciding.publish_model import retire_model
    from counterfoil.models.registry import Event

    async def work(house: "House", actor: "Actor") -> "Event | Refused":
        return await retire_model(house, actor, sha256, reason=reason)

    as_operator(by, work, password_stdin=password_stdin)
    typer.echo(f"{sha256[:12]} is retired.")


def monitor(
    *,
    days: Annotated[int, typer.Option(min=1, max=3_650, help="How far back to look.")] = 180,
    as_json: Json = False,
) -> None:
    """Look at what live models decided: rank order, stability, calibration, overrides, gaps.

    What is red stops automatic approvals of its segment. Ends with 1 where something is red.
    """
    from datetime import timedelta

    from counterfoil.journeys.deciding.monitor_models import monitor_models
    from counterfoil.models.monitoring_store import Monitoring

    async def work(house: "House") -> list[Monitoring]:
        return await monitor_models(house, span=timedelta(days=days))

    found = in_house(work)
    rows: list[dict[str, Any]] = [
        {
            "model_sha256": item.model_sha256,
            "segment": item.segment,
            "cases": item.cases,
            "level": item.level,
            "owner": item.owner,
            "due_on": item.due_on and item.due_on.isoformat(),
            **dict(item.document),
        }
        for item in found
    ]
    if as_json:
        output.write_json(rows)
    else:
        columns = ("model", "segment", "cases", "level", "alarms", "owner", "until")
        output.write_table("Monitoring", columns, [_monitored(row) for row in rows])
    if any(row["level"] == "red" for row in rows):
        raise typer.Exit(output.EXIT_FAILED)


def _monitored(row: dict[str, Any]) -> tuple[object, ...]:
    alarms = sorted({alarm["code"] for alarm in row["alarms"]})
    named = (row["model_sha256"][:12], row["segment"], f"{row['cases']:,}", row["level"])
    return (*named, alarms, row["owner"], row["due_on"])


def release(
    sha256: Sha256,
    segment: Annotated[str, typer.Argument(help="The segment, or * for all.")],
    *,
    by: By,
    reason: Reason,
    password_stdin: PasswordStdin = False,
) -> None:
    """Let automatic approvals of a segment go again after a look at why they were stopped."""
    from counterfoil.journeys.deciding.monitor_models import release_segment
    from counterfoil.models.monitoring_store import Hold

    async def work(house: "House", actor: "Actor") -> "Hold | Refused":
        return await release_segment(house, actor, sha256, segment, reason=reason)

    as_operator(by, work, password_stdin=password_stdin)
    typer.echo(f"Approvals of {segment} by {sha256[:12]} go on.")


def list_models(*, as_json: Json = False) -> None:
    """List the models: where each stands, what decides by it, and what is due.

    Ends with 1 where the validation or the approval of a model in use has expired.
    """
    from counterfoil.journeys.deciding.publish_model import list_registered

    async def work(house: "House") -> list[dict[str, Any]]:
        found = await list_registered(house, page=MODELS_SHOWN_MAX)
        return [_row(house, item) for item in found]

    rows = in_house(work)
    if as_json:
        output.write_json(rows)
    else:
        columns = ("model", "hash", "state", "since", "validated", "decides", "due")
        output.write_table("Models", columns, [tuple(row[name] for name in _SHOWN) for row in rows])
    if any(notice.endswith("_expired") for row in rows for notice in row["notices"]):
        raise typer.Exit(output.EXIT_FAILED)


_SHOWN = ("name", "short", "state", "live_since", "validated_at", "used_by", "notices")


def _row(house: "House", item: "Registered") -> dict[str, Any]:
    from counterfoil.models.registry import notices_of

    validation, standing = item.validation, item.standing
    notices = notices_of(standing, validation, at=house.clock.now())
    return {
        "name": f"{item.model.code} {item.model.version}",
        "short": item.model.model_sha256[:12],
        "model_sha256": item.model.model_sha256,
        "state": standing.state.value,
        "owner": item.model.owner,
        "live_since": standing.live_since and standing.live_since.date().isoformat(),
        "validated_at": validation and validation.validated_at.date().isoformat(),
        "used_by": [f"{use.code} {use.version}" for use in item.uses if use.is_in_force],
        "notices": [notice.code for notice in notices],
    }
