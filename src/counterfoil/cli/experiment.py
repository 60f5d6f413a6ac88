"""`counterfoil experiment`: proposes, starts, stops, lists and reports experiments."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli import output
from counterfoil.cli.acting import As, PasswordStdin, as_operator, in_house

if TYPE_CHECKING:
    from counterfoil.decisioning.experiment_store import Kept
    from counterfoil.decisioning.gate import GateReport
    from counterfoil.decisioning.policy import Policy
    from counterfoil.journeys.house import House
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.access_matrix import Actor
    from counterfoil.platform.approvals import Approval

#: Experiments that a list shows.
SHOWN_MAX = 100
#: Applications that the gate looks at: recorded ones and generated ones.
GATE_CASES = 10_000

Json = Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")]
Code = Annotated[str, typer.Argument(help="The experiment's code.")]
Reason = Annotated[str, typer.Option(help="Why; recorded.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Experiments: propose, start, stop, list, report.")
    group.command()(propose)
    group.command()(start)
    group.command()(stop)
    group.command("list")(list_experiments)
    group.command()(report)
    group.command()(losses)
    app.add_typer(group, name="experiment")


def propose(
    file: Annotated[Path, typer.Argument(help="The experiment as TOML.", dir_okay=False)],
    *,
    name: As,
    reason: Reason,
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Propose an experiment; somebody else has to approve it before it starts.

    An arm names the hash of a version that is kept here, or with `policy` a shipped version or a
    file beside this one, which goes through the gate first.
    """
    from counterfoil.kernel import ids

    document, versions = _read(file)

    async def work(house: "House", actor: "Actor") -> "Approval | Refused":
        from counterfoil.journeys.deciding.run_experiment import propose

        reports = [await _gated(house, version) for version in versions]
        return await propose(house, actor, document, reports, reason=reason)

    approval = as_operator(name, work, password_stdin=password_stdin)
    number = ids.to_text(ids.APPROVAL, approval.approval_id)
    if as_json:
        output.write_json({"state": "requested", "approval_id": number})
    else:
        typer.echo(f"Asked: {number}. Somebody else has to approve it.")


def start(
    code: Code,
    *,
    name: As,
    reason: Reason,
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Start an experiment that somebody else has approved."""

    async def work(house: "House", actor: "Actor") -> "Kept | Refused":
        from counterfoil.journeys.deciding.run_experiment import start

        return await start(house, actor, code, reason=reason)

    _write(as_operator(name, work, password_stdin=password_stdin), as_json=as_json)


def stop(
    code: Code,
    *,
    name: As,
    reason: Reason,
    abandon: Annotated[
        bool, typer.Option("--abandon", help="Outside its rule: no winner may be read from it.")
    ] = False,
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Stop a running experiment by its rule, after its last day, or by abandoning it."""

    async def work(house: "House", actor: "Actor") -> "Kept | Refused":
        from counterfoil.journeys.deciding.run_experiment import stop

        return await stop(house, actor, code, reason=reason, abandons=abandon)

    _write(as_operator(name, work, password_stdin=password_stdin), as_json=as_json)


def list_experiments(*, as_json: Json = False) -> None:
    """List experiments, newest first."""

    async def read(house: "House") -> "list[Kept]":
        from counterfoil.decisioning import experiment_store

        async with house.database.connection() as connection:
            return await experiment_store.read_experiments(connection, page=SHOWN_MAX)

    shapes = [_shape(kept) for kept in in_house(read)]
    if as_json:
        output.write_json({"experiments": shapes})
        return
    columns = ("code", "kind", "purpose", "state", "first_date", "last_date", "layer")
    rows = [[shape[column] for column in columns] for shape in shapes]
    output.write_table("Experiments", columns, rows)


def report(code: Code, *, as_json: Json = False) -> None:
    """Report what came of an experiment, arm by arm, and how sure that is."""
    from counterfoil.cli.experiment_report import write_report

    document = _refused_as_message(in_house(lambda house: _report(house, code)))
    if as_json:
        output.write_json(document)
    else:
        write_report(document)


def losses(*, as_json: Json = False) -> None:
    """Report expected and realised losses by policy version and month, for its review."""
    from counterfoil.cli.experiment_report import write_losses

    async def read(house: "House") -> list[dict[str, Any]]:
        from counterfoil.journeys.deciding.experiment_report import losses_by_version

        return await losses_by_version(house)

    found = in_house(read)
    if as_json:
        output.write_json({"vintages": found})
    else:
        write_losses(found)


async def _report(house: "House", code: str) -> "dict[str, Any] | Refused":
    from counterfoil.journeys.deciding.experiment_report import report_on

    return await report_on(house, code)


def _read(file: Path) -> "tuple[dict[str, Any], list[Policy]]":
    """Return the document, arms by their hashes, and the versions that it names by files."""
    from counterfoil.cli.policy_source import policy_of
    from counterfoil.decisioning.experiment import InvalidExperimentError, read_document

    try:
        document = read_document(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, InvalidExperimentError) as error:
        raise output.fail(f"{file}: {error}") from error
    versions, arms = [], document.get("arms")
    for arm in arms if isinstance(arms, list) else []:
        if not isinstance(arm, dict) or not isinstance(arm.get("policy"), str):
            continue
        named = arm.pop("policy")
        beside = file.parent / named
        versions.append(policy_of(str(beside) if beside.is_file() else named))
        arm["policy_hash"] = versions[-1].hash
    return document, versions


async def _gated(house: "House", policy: "Policy") -> "GateReport":
    from counterfoil.cli.policy_source import PRODUCT, question
    from counterfoil.journeys.deciding.publish_policy import run_gate

    asked = question(PRODUCT, None, policy.currency)
    async with house.database.connection() as connection:
        return await run_gate(
            connection,
            policy,
            asked,
            replayed=GATE_CASES,
            generated=GATE_CASES,
            at=house.clock.now(),
            catalogue=house.catalogue,
        )


def _refused_as_message(answer: "dict[str, Any] | Refused") -> dict[str, Any]:
    if isinstance(answer, dict):
        return answer
    raise output.fail(f"{answer.message} {answer.next_step} ({answer.code})")


def _write(kept: "Kept", *, as_json: bool) -> None:
    if as_json:
        output.write_json(_shape(kept))
    else:
        typer.echo(f"{kept.experiment.code} is {kept.state}.")


def _shape(kept: "Kept") -> dict[str, Any]:
    from counterfoil.journeys.deciding.experiment_report import shape_of

    return shape_of(kept)
