"""Reads what came of experiments and versions, and keeps what versions in the shadow say."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

import orjson

from counterfoil.decisioning.application import BY_POLICY
from counterfoil.decisioning.decision import Decision
from counterfoil.decisioning.evaluate import Verdict
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.decisioning", "experiment_report_store.sql")

#: What a policy decides about, by its purpose, as recorded decisions name it.
ABOUT: Final = {"origination": "application", "limit_increase": "limit_request"}


class TakenCase(NamedTuple):
    """A case of an experiment and what became of it."""

    customer_id: int
    subject_id: int
    arm: str
    policy_hash: str
    inputs: dict[str, Any]
    outcome: str
    limit_minor: int
    is_opened: bool
    late_days_max: int
    lost_minor: int
    revenue_minor: int
    #: What the money lent has cost, at the lender's rate for funds.
    funding_minor: int
    #: Whether the customer asked a person to look at the decision.
    is_contested: bool


class Vintage(NamedTuple):
    """The lines that one version approved and that were opened in one month."""

    policy_hash: str
    policy_version: str
    vintage: date
    accounts: int
    limit_minor_sum: int
    #: Accounts of which the version's model said how likely they fail.
    accounts_with_pd: int
    pd_ppm_sum: int | None
    late_30: int
    late_90: int
    lost_minor: int
    revenue_minor: int
    #: What the money lent has cost, at the lender's rate for funds.
    funding_minor: int


class Position(NamedTuple):
    """A place among decisions in the order of their time."""

    decided_at: datetime
    customer_id: int
    subject_id: int


class Produced(NamedTuple):
    """A decision of production, as a shadow is held against it."""

    at: Position
    policy_hash: str
    outcome: str
    inputs: dict[str, Any]
    limit_minor: int


class Said(NamedTuple):
    """What a version in the shadow says of a case."""

    outcome: str
    limit_minor: int
    #: Codes of its rules that were true, and unknown, with commas between.
    rules_true: str
    rules_unknown: str


class Pair(NamedTuple):
    """What production and a shadow said, and how often."""

    production_outcome: str
    shadow_outcome: str
    cases: int
    production_limit_minor: int
    shadow_limit_minor: int


async def read_cases(
    connection: Connection,
    experiment_id: int,
    *,
    are_lines: bool,
    funds_annual_e8: int,
    page: int,
    after: tuple[int, int] = (0, 0),
) -> list[TakenCase]:
    """Return cases of an experiment in their order, behind a subject and its customer.

    The cases of one on reviews are lines; what became of them counts from their first review in it.
    """
    query = QUERIES.line_outcomes if are_lines else QUERIES.case_outcomes
    rows = await query.fetch(
        connection,
        experiment_id=experiment_id,
        funds_annual_e8=funds_annual_e8,
        subject_id=after[0],
        customer_id=after[1],
        page=page,
    )
    return [TakenCase(**dict(row) | {"inputs": orjson.loads(row["inputs"])}) for row in rows]


async def read_losses(
    connection: Connection, *, since: date, funds_annual_e8: int
) -> list[Vintage]:
    """Return what came of lines by version and month."""
    rows = await QUERIES.losses.fetch(connection, since=since, funds_annual_e8=funds_annual_e8)
    return [Vintage(**dict(row)) for row in rows]


async def read_decisions(
    connection: Connection, purpose: str, *, after: Position, before: datetime, page: int
) -> list[Produced]:
    """Return the policies' own decisions for a purpose behind a position, oldest first."""
    rows = await QUERIES.decisions_since.fetch(
        connection,
        decided_by=BY_POLICY,
        about=ABOUT[purpose],
        after_at=after.decided_at,
        customer_id=after.customer_id,
        subject_id=after.subject_id,
        before=before,
        page=page,
    )
    return [
        Produced(
            at=Position(row["decided_at"], row["customer_id"], row["subject_id"]),
            policy_hash=row["policy_hash"],
            outcome=row["outcome"],
            inputs=orjson.loads(row["inputs"]),
            limit_minor=orjson.loads(row["result"])["limit_minor"],
        )
        for row in rows
    ]


async def read_reviews(
    connection: Connection, *, after: Position, before: datetime, page: int
) -> list[Produced]:
    """Return reviews of lines behind a position, oldest first."""
    rows = await QUERIES.reviews_since.fetch(
        connection,
        after_at=after.decided_at,
        customer_id=after.customer_id,
        subject_id=after.subject_id,
        before=before,
        page=page,
    )
    return [
        Produced(
            at=Position(row["decided_at"], row["customer_id"], row["subject_id"]),
            policy_hash=row["policy_hash"],
            outcome=row["outcome"],
            inputs=orjson.loads(row["inputs"]),
            limit_minor=row["limit_minor"],
        )
        for row in rows
    ]


async def last_shadow(connection: Connection, experiment_id: int) -> Position | None:
    """Return up to which decision a shadow has been asked; None before the first."""
    row = await QUERIES.last_shadow.fetchrow(connection, experiment_id=experiment_id)
    return None if row is None else Position(**dict(row))


async def add_shadow_results(
    connection: Connection, experiment_id: int, results: Sequence[tuple[Produced, Said]]
) -> int:
    """Keep what a version in the shadow says of decided cases; return how many were new."""
    return await QUERIES.add_shadow_results.execute(
        connection,
        experiment_id=experiment_id,
        customer_ids=[one.at.customer_id for one, _ in results],
        subject_ids=[one.at.subject_id for one, _ in results],
        decided_at=[one.at.decided_at for one, _ in results],
        production_hashes=[one.policy_hash for one, _ in results],
        production_outcomes=[one.outcome for one, _ in results],
        production_limits=[one.limit_minor for one, _ in results],
        shadow_outcomes=[said.outcome for _, said in results],
        shadow_limits=[said.limit_minor for _, said in results],
        rules_true=[said.rules_true for _, said in results],
        rules_unknown=[said.rules_unknown for _, said in results],
    )


async def read_matrix(connection: Connection, experiment_id: int) -> list[Pair]:
    """Return how often production and a shadow said what."""
    rows = await QUERIES.shadow_matrix.fetch(connection, experiment_id=experiment_id)
    return [Pair(**dict(row)) for row in rows]


async def read_shadow_rules(
    connection: Connection, experiment_id: int
) -> dict[str, dict[str, int]]:
    """Return how often each rule of a shadow was true and unknown, by its code."""
    rows = await QUERIES.shadow_rules.fetch(connection, experiment_id=experiment_id)
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        counts = found.setdefault(row["rule_code"], {"true": 0, "unknown": 0})
        counts[row["verdict"]] = row["cases"]
    return found


def said_of(decision: Decision) -> Said:
    """Return a decision in the words of a shadow's table."""
    return Said(
        decision.outcome.value,
        decision.limit_minor,
        _codes(decision, Verdict.TRUE),
        _codes(decision, Verdict.UNKNOWN),
    )


def _codes(decision: Decision, verdict: Verdict) -> str:
    return ",".join(code for code, said in decision.verdicts.items() if said is verdict)
