"""`counterfoil policy`: reads, shows, proves and publishes policies."""

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated, NamedTuple, TypedDict

import typer

from counterfoil.cli import output, policy_snooze
from counterfoil.cli.acting import acting
from counterfoil.cli.own_catalogue import own_catalogue
from counterfoil.cli.policy_report import write_report
from counterfoil.cli.policy_source import (
    PRODUCT,
    Data,
    Groups,
    Json,
    On,
    OutcomeColumn,
    Overrides,
    PolicyFile,
    Product,
    cases_of_file,
    overrides_of,
    policy_of,
    question,
    where_of,
)

if TYPE_CHECKING:
    from datetime import datetime

    from counterfoil.decisioning.decision import Asked
    from counterfoil.decisioning.gate import GateReport
    from counterfoil.decisioning.gate_impact import GateCase
    from counterfoil.decisioning.policy import Policy
    from counterfoil.decisioning.policy_parts import Grade
    from counterfoil.journeys.house import House
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.access_matrix import Actor
    from counterfoil.platform.database import Connection

#: Publications that a list shows.
PUBLICATIONS_SHOWN_MAX = 100

Generated = Annotated[int, typer.Option(min=100, max=1_000_000, help="Applications to generate.")]
Replay = Annotated[
    int, typer.Option(min=0, max=1_000_000, help="Recorded applications to decide again.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Policies: read, show, prove, publish.", no_args_is_help=True)
    group.command()(check)
    group.command()(show)
    group.command()(gate)
    group.command()(publish)
    group.command("list")(list_published)
    group.command()(guards)
    policy_snooze.register(group)
    app.add_typer(group, name="policy")


def check(policy: PolicyFile, *, as_json: Json = False) -> None:
    """Read a policy: form, types, ranges, sources, texts; say line and column of a fault.

    Ends with 1 also where a condition can never be true, or never false, or a test fails.
    """
    from counterfoil.decisioning.compile_python import compile_python
    from counterfoil.decisioning.gate import sure_faults

    found = policy_of(policy)
    compile_python(found)
    faults = [f"{where_of(policy, fault)}: {fault.reason}" for fault in sure_faults(found)]
    if faults:
        raise output.fail("\n".join(faults))
    shape = {
        "code": found.code,
        "version": found.version,
        "policy_hash": found.hash,
        "purpose": found.purpose,
        "features": len(found.features),
        "derived": len(found.derived),
        "segments": len(found.segments),
        "rules": len(found.rules),
        "characteristics": len(found.scorecard.characteristics),
        "grades": len(found.grades),
    }
    if as_json:
        output.write_json(shape)
    else:
        output.write_table(f"{found.code} {found.version}", ("part", "value"), shape.items())


def show(
    policy: PolicyFile,
    *,
    python: Annotated[
        bool, typer.Option("--python", help="Write the function generated from it.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show a policy's rules, limits and prices, or the code that is generated from it."""
    from counterfoil.decisioning.compile_python import compile_python

    found = policy_of(policy)
    if python:
        sys.stdout.write(compile_python(found).source)
        return
    if as_json:
        sys.stdout.write(found.canonical.decode() + "\n")
        return
    _show_rules(found)
    _show_grades(found)


def _show_rules(policy: "Policy") -> None:
    from counterfoil.decisioning.expression import to_sql

    rows = [
        (
            rule.code,
            rule.rule_class.value,
            to_sql(rule.when),
            rule.action.value,
            rule.on_unknown.value,
            policy.reasons[rule.reason].text_en,
        )
        for rule in policy.rules
    ]
    columns = ("rule", "class", "when", "then", "if unknown", "what the customer is told")
    output.write_table(f"{policy.code} {policy.version}: rules", columns, rows)


def _prices(grade: "Grade", segment: str) -> str:
    """Return the price of a segment, and those of tenors that have their own."""
    own = [f"{months} m: {grade.rate_of(segment, months):,}" for months in grade.tenors_priced]
    return "; ".join((f"{grade.rate_of(segment):,}", *sorted(own, key=len)))


def _show_grades(policy: "Policy") -> None:
    rows = [
        (
            grade.code,
            _from(grade),
            segment.code,
            f"{grade.limit_of(segment.code, grown=False):,}",
            f"{grade.limit_of(segment.code, grown=True):,}" if policy.growth else "—",
            _prices(grade, segment.code),
            grade.tenor_months_max,
        )
        for grade in policy.grades
        for segment in policy.segments
    ]
    columns = (
        "grade",
        "from points, or to PD",
        "segment",
        "limit, minor",
        "grown",
        "price a day, 1e-8",
        "months",
    )
    output.write_table("Limits and prices", columns, rows)


def _from(grade: "Grade") -> str:
    if grade.pd_ppm_max is not None:
        return f"{grade.pd_ppm_max / 10_000:.2f} %"
    return f"{grade.points_min:,}"


def gate(
    policy: PolicyFile,
    *,
    generated: Generated = 10_000,
    replay: Replay = 0,
    data: Data = None,
    outcome: OutcomeColumn = None,
    group: Groups = None,
    override: Overrides = None,
    product: Product = PRODUCT,
    on: On = None,
    as_json: Json = False,
) -> None:
    """Prove a policy: compilers agree, every rule is covered and tested, nothing moves too far.

    Ends with 1 where the version may not be published. With --replay the installation's own
    applications are decided, too, and with --data those of a file, where outcomes and groups may
    stand beside them.
    """
    found = policy_of(policy)
    asked = question(product, on, found.currency)
    given = cases_of_file(found, asked, data, outcome=outcome, groups=group)
    report = _gated(
        found, asked, (replay, generated), given=given, overrides=overrides_of(override)
    )
    if as_json:
        output.write_json(report.document())
    else:
        write_report(policy, report)
    if not report.passed:
        raise typer.Exit(output.EXIT_FAILED)


def _gated(
    policy: "Policy",
    asked: "Asked",
    counts: tuple[int, int],
    *,
    given: "list[GateCase]",
    overrides: dict[str, str],
) -> "GateReport":
    from counterfoil.cli.connection import with_connection
    from counterfoil.decisioning.gate import publication_check
    from counterfoil.journeys.deciding.price_caps import price_faults
    from counterfoil.journeys.deciding.publish_policy import (
        cases_to_generate,
        run_gate,
        shipped_in_force,
    )
    from counterfoil.kernel.clock import SystemClock

    replay, generated = counts
    if not replay:
        report = publication_check(
            policy,
            given,
            cases_to_generate(policy, asked, most=generated),
            live=shipped_in_force(policy.purpose),
            overrides=overrides,
            demands_tests=True,
        )
        report.faults += price_faults(policy, own_catalogue(), asked.as_of)
        return report

    async def work(connection: "Connection") -> "GateReport":
        return await run_gate(
            connection,
            policy,
            asked,
            replayed=replay,
            generated=generated,
            at=SystemClock().now(),
            given=given,
            overrides=overrides,
            catalogue=own_catalogue(),
        )

    return with_connection(work)


def publish(
    policy: PolicyFile,
    *,
    by: Annotated[str, typer.Option(help="The operator who asks, or who publishes.")],
    reason: Annotated[str, typer.Option(help="Why; it is recorded.")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    effective_from: Annotated[
        str | None,
        typer.Option("--from", help="Instant from which it decides; at once by default."),
    ] = None,
    generated: Generated = 10_000,
    replay: Replay = 10_000,
    data: Data = None,
    outcome: OutcomeColumn = None,
    group: Groups = None,
    override: Overrides = None,
    product: Product = PRODUCT,
    on: On = None,
    as_json: Json = False,
) -> None:
    """Ask for the publication of a version, or publish it once somebody else has approved.

    The first call runs the gate, keeps version and report, and asks. After the approval (in the
    console, by another person) the same call publishes. To go back, publish the earlier version
    again.
    """
    from counterfoil.platform import embedded, migrate, telemetry
    from counterfoil.platform.settings import LogLevel, Settings

    found = policy_of(policy)
    asked = question(product, on, found.currency)
    begins = _instant(effective_from)
    given = cases_of_file(found, asked, data, outcome=outcome, groups=group)
    wish = _Wish(found, asked, (replay, generated), given, overrides_of(override), reason, begins)
    password = _password(from_stdin=password_stdin)
    with output.failures_as_messages():
        settings = Settings()
        telemetry.configure_logging(LogLevel.WARNING, settings.log_format)
        with embedded.address(settings) as address:
            if settings.is_embedded:
                asyncio.run(migrate.apply(address))

            async def work() -> "dict[str, object] | Refused":
                from counterfoil.journeys.house import open_house

                async with open_house(settings, address) as house:
                    actor = await acting(house, by, password, from_stdin=password_stdin)
                    return await _publish(house, actor, wish)

            answer = asyncio.run(work())
    _write_publication(answer, as_json=as_json)


class _Dated(TypedDict):
    """Why, and from when."""

    reason: str
    effective_from: "datetime | None"


class _Wish(NamedTuple):
    """What is to be published, and what the gate looks at."""

    policy: "Policy"
    asked: "Asked"
    #: Recorded and generated applications.
    counts: tuple[int, int]
    given: "list[GateCase]"
    overrides: dict[str, str]
    reason: str
    effective_from: "datetime | None"


async def _publish(house: "House", actor: "Actor", wish: _Wish) -> "dict[str, object] | Refused":
    from counterfoil.decisioning.refusals import POLICY_NOT_REQUESTED
    from counterfoil.journeys.deciding.publish_policy import (
        publish_policy,
        request_publication,
        run_gate,
    )
    from counterfoil.kernel import ids
    from counterfoil.kernel.errors import Refused

    dated: _Dated = {"reason": wish.reason, "effective_from": wish.effective_from}
    published = await publish_policy(house, actor, wish.policy, **dated)
    if not isinstance(published, Refused):
        return {
            "state": "published",
            "policy_hash": published.policy_hash,
            "purpose": published.purpose,
            "effective_from": published.effective_from.isoformat(),
            "author": published.author,
            "approver": published.approver,
        }
    if published.code != POLICY_NOT_REQUESTED.code:
        return published
    async with house.database.connection() as connection:
        report = await run_gate(
            connection,
            wish.policy,
            wish.asked,
            replayed=wish.counts[0],
            generated=wish.counts[1],
            at=house.clock.now(),
            given=wish.given,
            overrides=wish.overrides,
            catalogue=house.catalogue,
        )
    approval = await request_publication(house, actor, report, **dated)
    if isinstance(approval, Refused):
        return approval
    return {
        "state": "requested",
        "policy_hash": wish.policy.hash,
        "approval_id": ids.to_text(ids.APPROVAL, approval.approval_id),
        "report_sha256": report.digest().hex(),
    }


def list_published(*, as_json: Json = False) -> None:
    """List what was published, newest first."""
    from counterfoil.cli.connection import with_connection
    from counterfoil.decisioning import publication_store as store
    from counterfoil.decisioning.publication import Publication

    async def work(connection: "Connection") -> list[Publication]:
        return await store.read_publications(connection, page=PUBLICATIONS_SHOWN_MAX)

    rows = [
        (
            made.policy_hash,
            made.purpose,
            made.author,
            made.approver,
            made.published_at.isoformat(),
            made.effective_from.isoformat(),
        )
        for made in with_connection(work)
    ]
    columns = ("policy_hash", "purpose", "author", "approver", "published_at", "effective_from")
    if as_json:
        output.write_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        output.write_table("Published", columns, rows)


def guards(policy: PolicyFile, *, as_json: Json = False) -> None:
    """Tell which rules of a policy have declined so many lately that its cap holds them back."""
    from counterfoil.cli.connection import with_connection
    from counterfoil.decisioning.policy_parts import Guards
    from counterfoil.journeys.deciding.publish_policy import guards_now
    from counterfoil.kernel.clock import SystemClock

    found, now = policy_of(policy), SystemClock().now()

    async def work(connection: "Connection") -> Guards:
        return await guards_now(connection, found, at=now)

    tripped = sorted(with_connection(work).tripped)
    if as_json:
        output.write_json({"policy_hash": found.hash, "tripped": tripped})
    else:
        typer.echo(", ".join(tripped) or "Nothing is held back.")


def _instant(text: str | None) -> "datetime | None":
    from datetime import UTC, datetime

    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise output.fail(f"{text} is no instant: {wrong}") from wrong
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    return str(typer.prompt("Password", hide_input=True, err=True))


def _write_publication(answer: "dict[str, object] | Refused", *, as_json: bool) -> None:
    from counterfoil.kernel.errors import Refused

    if isinstance(answer, Refused):
        raise output.fail(f"{answer.message} {answer.next_step} ({answer.code})")
    if as_json:
        output.write_json(answer)
    elif answer["state"] == "published":
        typer.echo(f"{answer['policy_hash']} decides from {answer['effective_from']} on.")
    else:
        typer.echo(f"Asked: {answer['approval_id']}. Somebody else has to approve it.")
