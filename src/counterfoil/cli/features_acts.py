"""`counterfoil features`: acts – sources switched, purposes ended, quarantine worked off."""

from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import output
from counterfoil.cli.acting import As, PasswordStdin, as_operator, queue_for
from counterfoil.cli.policy_source import Json

if TYPE_CHECKING:
    from counterfoil.decisioning.lineage_store import DecisionRead
    from counterfoil.features.store import Quarantined, Switch
    from counterfoil.journeys.house import House
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.access_matrix import Actor
    from counterfoil.platform.approvals import Approval

QUARANTINE_SHOWN_MAX = 200

Source = Annotated[str, typer.Argument(help="A source of the registry.")]
Licence = Annotated[str, typer.Option(help="Number of the licence that the data comes under.")]
Assessment = Annotated[str, typer.Option(help="SHA-256 of the impact assessment, in hex.")]
Reason = Annotated[str, typer.Option(help="Why; recorded.")]
Customer = Annotated[str, typer.Argument(help="Number of a customer, such as cu_…")]


def request_source(
    source: Source,
    *,
    licence: Licence,
    assessment: Assessment,
    name: As,
    reason: Reason,
    password_stdin: PasswordStdin = False,
) -> None:
    """Ask for approval to switch a source on; somebody else gives it."""
    digest = _digest(assessment)

    async def work(house: "House", actor: "Actor") -> "Approval | Refused":
        from counterfoil.journeys.knowing.feature_switches import request_switch

        return await request_switch(
            house, actor, source=source, licence=licence, assessment=digest, reason=reason
        )

    from counterfoil.kernel import ids

    approval = as_operator(name, work, password_stdin=password_stdin)
    typer.echo(f"{ids.to_text(ids.APPROVAL, approval.approval_id)} waits for a second person.")


def switch_source_on(
    source: Source,
    *,
    licence: Licence,
    assessment: Assessment,
    name: As,
    reason: Reason,
    password_stdin: PasswordStdin = False,
) -> None:
    """Switch a source on that somebody else has approved."""
    digest = _digest(assessment)

    async def work(house: "House", actor: "Actor") -> "Switch | Refused":
        from counterfoil.journeys.knowing.feature_switches import switch_on

        return await switch_on(
            house, actor, source=source, licence=licence, assessment=digest, reason=reason
        )

    as_operator(name, work, password_stdin=password_stdin)
    typer.echo(f"{source} is on.")


def switch_source_off(
    source: Source, *, name: As, reason: Reason, password_stdin: PasswordStdin = False
) -> None:
    """Switch a source off: nothing of it is taken in or used from now on."""

    async def work(house: "House", actor: "Actor") -> "Switch | Refused":
        from counterfoil.journeys.knowing.feature_switches import switch_off

        return await switch_off(house, actor, source=source, reason=reason)

    as_operator(name, work, password_stdin=password_stdin)
    typer.echo(f"{source} is off.")


def end_purpose(
    feature: Annotated[str, typer.Argument(help="Name of a feature.")],
    purpose: Annotated[str, typer.Argument(help="The purpose that ends.")],
    *,
    name: As,
    reason: Reason,
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """End the use of a feature for a purpose, at once, and list the decisions that used it."""

    async def work(house: "House", actor: "Actor") -> "list[DecisionRead] | Refused":
        from counterfoil.journeys.knowing.feature_lineage import end_purpose as end

        return await end(house, actor, name=feature, purpose=purpose, reason=reason)

    _tell_decisions(as_operator(name, work, password_stdin=password_stdin), as_json=as_json)


def under_consent(
    customer: Customer,
    consent: Annotated[str, typer.Argument(help="Number of a consent, such as cs_…")],
    *,
    name: As,
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """List the decisions that used what is known under a consent."""
    from counterfoil.kernel import ids

    customer_id, consent_id = _number(ids.CUSTOMER, customer), _number(ids.CONSENT, consent)

    async def work(house: "House", _actor: "Actor") -> "list[DecisionRead]":
        from counterfoil.journeys.knowing.feature_lineage import decisions_under_consent

        async with house.database.transaction() as connection:
            return await decisions_under_consent(house, connection, customer_id, consent_id)

    _tell_decisions(as_operator(name, work, password_stdin=password_stdin), as_json=as_json)


def quarantine(*, name: As, password_stdin: PasswordStdin = False, as_json: Json = False) -> None:
    """List malformed events that wait, the oldest first."""
    from counterfoil.kernel import ids
    from counterfoil.platform.holdings import Matter

    async def work(house: "House") -> "list[tuple[Quarantined, int]]":
        from counterfoil.features.store import quarantine_page

        async with house.database.connection() as connection:
            held = await quarantine_page(connection, page=QUARANTINE_SHOWN_MAX)
        return [(one, (house.clock.now() - one.held_at).days) for one in held]

    def matters(item: "tuple[Quarantined, int]") -> list[Matter]:
        return [Matter(item[0].draft.customer_id, ids.EVENT, item[0].event_id)]

    found = queue_for(name, work, matters, act="review", password_stdin=password_stdin)
    rows = [
        {
            "customer_id": ids.to_text(ids.CUSTOMER, one.draft.customer_id),
            "event_id": ids.to_text(ids.EVENT, one.event_id),
            "source": one.draft.source,
            "kind": one.draft.kind,
            "reason": f"{one.reason} {one.member}".strip(),
            "facts": dict(one.draft.facts),
            "dropped": list(one.dropped),
            "age_days": age_days,
        }
        for one, age_days in found
    ]
    if as_json:
        output.write_json({"quarantined": rows})
    else:
        columns = tuple(rows[0]) if rows else ("event_id", "reason")
        output.write_table(f"{len(rows)} wait", columns, [list(row.values()) for row in rows])


def repair(
    customer: Customer,
    event: Annotated[str, typer.Argument(help="Number of an event, such as ev_…")],
    *,
    facts: Annotated[
        str | None, typer.Option(help="Members as they should be, JSON; none discards the event.")
    ] = None,
    name: As,
    reason: Reason,
    password_stdin: PasswordStdin = False,
) -> None:
    """Let a repaired event out of quarantine, or discard it."""
    import orjson

    from counterfoil.kernel import ids

    customer_id, event_id = _number(ids.CUSTOMER, customer), _number(ids.EVENT, event)
    try:
        members = None if facts is None else orjson.loads(facts)
    except orjson.JSONDecodeError as wrong:
        raise typer.BadParameter(str(wrong), param_hint="--facts") from wrong
    if members is not None and not isinstance(members, dict):
        raise typer.BadParameter("is no object", param_hint="--facts")

    async def work(house: "House", actor: "Actor") -> "Refused | int | None":
        from counterfoil.journeys.knowing.tell_events import repair as let_out

        return await let_out(
            house, actor, customer_id=customer_id, event_id=event_id, facts=members, reason=reason
        )

    became = as_operator(name, work, password_stdin=password_stdin)
    typer.echo("discarded" if became is None else f"now {ids.to_text(ids.EVENT, became)}")


def _tell_decisions(found: "list[DecisionRead]", *, as_json: bool) -> None:
    from counterfoil.journeys.deciding.decision_events import record_of_decision

    rows = [
        (record_of_decision(one), one.outcome, one.decided_at.isoformat(timespec="seconds"))
        for one in found
    ]
    columns = ("subject", "outcome", "decided_at")
    if as_json:
        output.write_json({"decisions": [dict(zip(columns, row, strict=True)) for row in rows]})
    else:
        output.write_table(f"{len(rows)} decisions used it", columns, rows)


def _digest(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as wrong:
        raise typer.BadParameter(str(wrong), param_hint="--assessment") from wrong


def _number(prefix: str, text: str) -> int:
    from counterfoil.kernel import ids

    try:
        return ids.from_text(prefix, text)
    except ids.InvalidIdError as wrong:
        raise typer.BadParameter(str(wrong)) from wrong
