"""`counterfoil limits`: line-review policies, reviews of lines, and appeals."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli import output
from counterfoil.cli.acting import As, PasswordStdin, as_operator, in_house, queue_for
from counterfoil.cli.policy_source import Json, text_of, where_of
from counterfoil.kernel import ids

if TYPE_CHECKING:
    from counterfoil.decisioning.line_review.appeal import LineAppeal
    from counterfoil.decisioning.line_review.case import CaseRuling, ReviewCase
    from counterfoil.decisioning.line_review.policy import ReviewPolicy
    from counterfoil.journeys.house import House
    from counterfoil.journeys.lines.line_reviewing import ReviewRun
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.access_matrix import Actor
    from counterfoil.platform.holdings import Matter

File = Annotated[
    str,
    typer.Argument(metavar="POLICY", help="A line-review policy's file, or a shipped one's name."),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Lines: review policies, reviews, appeals.", no_args_is_help=True)
    group.command()(check)
    group.command()(publish)
    group.command()(review)
    group.command()(appeals)
    group.command()(cases)
    group.command()(decide)
    app.add_typer(group, name="limits")


def check(policy: File, *, as_json: Json = False) -> None:
    """Read a line-review policy: form, types, ranges, sources, texts; list its rules.

    Ends with 1 also where a rule can never be true, or never false.
    """
    from counterfoil.decisioning.expression import to_sql
    from counterfoil.decisioning.gate_impact import Fault

    found = _policy(policy)
    dead = [Fault(place, why) for place, why in found.dead_rules()]
    if dead:
        raise output.fail("\n".join(f"{where_of(policy, one)}: {one.reason}" for one in dead))
    rules = [
        {
            "rule": rule.code,
            "class": rule.rule_class.value,
            "measure": rule.measure.value,
            "on_unknown": rule.on_unknown.value,
            "reason": rule.reason,
            "when": to_sql(rule.when),
        }
        for rule in found.rules
    ]
    if as_json:
        output.write_json({"policy_hash": found.hash, "version": found.version, "rules": rules})
        return
    title = f"{found.code} {found.version}, {found.hash[:12]}"
    columns = ("rule", "class", "measure", "on_unknown", "when")
    output.write_table(title, columns, [[rule[name] for name in columns] for rule in rules])


def publish(
    policy: File,
    *,
    name: As,
    reason: Annotated[str, typer.Option(help="Why; it is recorded.")],
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Ask for the publication of a version, or publish it once somebody else has approved.

    The first call keeps the version with a report on the lines reviewed last, and asks. After the
    approval (in the console, by another person) the same call publishes.
    """
    found = _policy(policy)

    async def work(house: "House", actor: "Actor") -> "dict[str, str] | Refused":
        return await _publish(house, actor, found, reason)

    said = as_operator(name, work, password_stdin=password_stdin)
    if as_json:
        output.write_json(said)
    else:
        typer.echo(f"{said['policy_hash']} is {said['state']}.")


def review(*, as_json: Json = False) -> None:
    """Review every line that is due on the business date; the close of the day does it, too."""

    async def work(house: "House") -> "ReviewRun":
        from counterfoil.journeys.lines.line_reviewing import review_due_lines

        return await review_due_lines(house, on=await house.business_date())

    done = in_house(work)
    outcomes = {outcome.value: count for outcome, count in sorted(done.outcomes.items())}
    shape = {
        "reviews": done.reviews,
        "outcomes": outcomes,
        "carried_out": done.carried_out,
        "freezes_ended": done.expired,
    }
    if as_json:
        output.write_json(shape)
        return
    typer.echo(
        f"{done.reviews:,} lines reviewed, {done.carried_out:,} measures carried out,"
        f" {done.expired:,} freezes ended."
    )
    for outcome, count in outcomes.items():
        typer.echo(f"  {outcome}: {count:,}")


def appeals(*, name: As, password_stdin: PasswordStdin = False, as_json: Json = False) -> None:
    """List appeals that wait for a person, the most urgent first."""
    from counterfoil.journeys.lines.line_appeals import appeal_document

    async def work(house: "House") -> "list[LineAppeal]":
        from counterfoil.journeys.lines.line_appeals import open_appeals

        return await open_appeals(house)

    def matters(item: "LineAppeal") -> "list[Matter]":
        from counterfoil.platform.holdings import Matter

        return [Matter(item.customer_id, ids.LINE_APPEAL, item.appeal_id)]

    found = queue_for(name, work, matters, act="review", password_stdin=password_stdin)
    shapes: list[dict[str, Any]] = [appeal_document(item) for item in found]
    if as_json:
        output.write_json({"appeals": shapes})
        return
    columns = ("id", "due_on", "customer_id", "measure_id", "grounds")
    output.write_table("Open appeals", columns, [[one[name] for name in columns] for one in shapes])


def cases(*, name: As, password_stdin: PasswordStdin = False, as_json: Json = False) -> None:
    """List what reviews left to people, the most urgent first."""
    from counterfoil.journeys.lines.line_review_desk import case_document

    async def work(house: "House") -> "list[ReviewCase]":
        from counterfoil.journeys.lines.line_review_desk import waiting_cases

        return await waiting_cases(house)

    def matters(item: "ReviewCase") -> "list[Matter]":
        from counterfoil.platform.holdings import Matter

        return [Matter(item.customer_id, ids.LINE_REVIEW_CASE, item.case_id)]

    found = queue_for(name, work, matters, act="review", password_stdin=password_stdin)
    shapes: list[dict[str, Any]] = [case_document(item) for item in found]
    if as_json:
        output.write_json({"cases": shapes})
        return
    columns = ("id", "due_on", "customer_id", "line_id", "proposals", "taken_by")
    rows = [[one[name] for name in columns] for one in shapes]
    output.write_table("Cases of line reviews", columns, rows)


def decide(
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="cu_…")],
    case: Annotated[str, typer.Argument(metavar="CASE", help="lx_…, as `limits cases` lists it.")],
    decision: Annotated[str, typer.Argument(help="keep, lower, freeze, suspend or close.")],
    *,
    name: As,
    reason: Annotated[str, typer.Option(help="Why; it is recorded.")],
    to_minor: Annotated[int | None, typer.Option(help="The limit of a decrease.")] = None,
    until: Annotated[str | None, typer.Option(help="Last day of a freeze.")] = None,
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Decide a case; a wide reduction waits for a second person, and the same call then does it."""
    ruling = _ruling(decision, name, reason, to_minor, until)
    keys = (_number(ids.CUSTOMER, customer), _number(ids.LINE_REVIEW_CASE, case))

    async def work(house: "House", actor: "Actor") -> "dict[str, object] | Refused":
        from counterfoil.decisioning.line_review.case import ReviewCase
        from counterfoil.journeys.lines.line_review_desk import case_document, decide_case
        from counterfoil.kernel.errors import Refused

        done = await decide_case(house, actor, ruling, customer_id=keys[0], case_id=keys[1])
        if isinstance(done, Refused):
            return done
        if isinstance(done, ReviewCase):
            return case_document(done)
        return {"id": case, "status": "waiting for a second person"}

    said = as_operator(name, work, act="review", password_stdin=password_stdin)
    if as_json:
        output.write_json(said)
    else:
        typer.echo(f"{said['id']} is {said['status']}.")


def _number(prefix: str, text: str) -> int:
    try:
        return ids.from_text(prefix, text)
    except ids.InvalidIdError as fault:
        raise output.fail(str(fault)) from fault


def _ruling(
    decision: str, by: str, reason: str, to_minor: int | None, until: str | None
) -> "CaseRuling":
    from datetime import date

    from counterfoil.decisioning.line_review.case import CaseRuling, Ruling

    try:
        ends_on = None if until is None else date.fromisoformat(until)
        ruling = Ruling(decision)
    except ValueError as fault:
        raise output.fail(f"{fault}; decisions are {', '.join(Ruling)}") from fault
    return CaseRuling(ruling=ruling, by=by, reason=reason, to_minor=to_minor, ends_on=ends_on)


def _policy(name: str) -> "ReviewPolicy":
    from counterfoil.decisioning.line_review.document import read_review_policy
    from counterfoil.decisioning.policy_file import FaultyPolicyError
    from counterfoil.decisioning.reading import InvalidPolicyError

    text = text_of(name)
    try:
        return read_review_policy(text)
    except InvalidPolicyError as fault:
        raise output.fail(str(FaultyPolicyError(name, text, fault))) from fault


async def _publish(
    house: "House", actor: "Actor", policy: "ReviewPolicy", reason: str
) -> "dict[str, str] | Refused":
    from counterfoil.decisioning.refusals import POLICY_NOT_REQUESTED
    from counterfoil.journeys.lines.publish_line_policy import (
        publish_line_policy,
        request_line_policy,
    )
    from counterfoil.kernel.errors import Refused

    published = await publish_line_policy(house, actor, policy, reason=reason)
    if not isinstance(published, Refused):
        return {"state": "published", "policy_hash": policy.hash}
    if published.refusal is not POLICY_NOT_REQUESTED:
        return published
    asked = await request_line_policy(house, actor, policy, reason=reason)
    if isinstance(asked, Refused):
        return asked
    return {"state": "waiting for a second person", "policy_hash": policy.hash}
