"""What came of an experiment: arms with their uncertainty, looks, swap set, losses by vintage.

Reads       The cases in the order in which they came, page by page, with what became of their
            lines until now. Arms are compared on everybody whom they took.
Swap set    Each case of a challenger's experiment is decided again by the other arms' versions on
            its own inputs: who would have been approved by one and not by the other. Of reviews
            approved is whose line is offered a raise, and the limit is the one that follows.
Looks       A look is taken over the first cases up to its number, once, and kept; asking later or
            more often changes nothing about it.
Readable    A winner may be read from an experiment that came to its last day or whose rule stopped
            it; from one that was abandoned, or whose champion was replaced, none.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any, Final, NamedTuple

from counterfoil.decisioning import experiment_report_store as results
from counterfoil.decisioning import experiment_store as store
from counterfoil.decisioning.compile_python import CompiledPolicy, compile_python
from counterfoil.decisioning.decision import Outcome
from counterfoil.decisioning.experiment import (
    ALL_PPM,
    REVIEWS,
    Experiment,
    ExperimentKind,
    StopRule,
)
from counterfoil.decisioning.experiment_figures import (
    ArmFigures,
    CaseOutcome,
    Moments,
    difference,
    group_of,
    share_ppm,
    value_of,
)
from counterfoil.decisioning.experiment_report_store import TakenCase, Vintage
from counterfoil.decisioning.experiment_store import EventKind, Kept
from counterfoil.decisioning.honouring import honour
from counterfoil.decisioning.line_review.policy import ReviewPolicy
from counterfoil.decisioning.line_review.review import ReviewOutcome
from counterfoil.decisioning.line_review.store import read_review_policy
from counterfoil.decisioning.refusals import EXPERIMENT_NOT_FOUND
from counterfoil.decisioning.replay import asked_of
from counterfoil.decisioning.store import read_policy_version
from counterfoil.journeys.deciding.run_experiment import (
    ABANDONED,
    CHAMPION_REPLACED,
    add_look,
    end_due,
)
from counterfoil.journeys.house import House
from counterfoil.journeys.lines.line_experiments import said_on
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.database import Connection

PAGE: Final = 1_000
#: Cases of which the swap set is taken: the first so many.
SWAP_CASES_MAX: Final = 100_000
#: How far back losses are shown: what is older has ripened.
VINTAGE_DAYS: Final = 3 * 366
#: A version whose realised failures stand so to the expected ones is looked at, with this many
#: accounts at least (predicted over actual outside 0.9 to 1.1).
RATIO_PPM: Final = (900_000, 1_100_000)
ACCOUNTS_MIN: Final = 100


async def report_on(house: House, code: str) -> dict[str, Any] | Refused:
    """Return everything that is known of an experiment, as programs read it."""
    async with house.database.connection() as connection:
        kept = await store.read_experiment(connection, code)
        if kept is None:
            return refuse(EXPERIMENT_NOT_FOUND, experiment=code)
        document = {**shape_of(kept), "as_of": (await house.business_date()).isoformat()}
        if kept.experiment.kind is ExperimentKind.SHADOW:
            return document | await _shadow(connection, kept)
        return document | await _arms(house, connection, kept)


def shape_of(kept: Kept) -> dict[str, Any]:
    """Return an experiment with its history, without what came of it."""
    experiment = kept.experiment
    budget = experiment.budget
    return {
        "id": ids.to_text(ids.EXPERIMENT, kept.experiment_id),
        "code": experiment.code,
        "kind": experiment.kind.value,
        "purpose": experiment.purpose,
        "question": experiment.question,
        "state": kept.state.value,
        "definition_sha256": experiment.hash,
        "layer": experiment.layer,
        "layer_from_ppm": experiment.layer_from_ppm,
        "layer_share_ppm": experiment.layer_share_ppm,
        "first_date": experiment.first_date.isoformat(),
        "last_date": experiment.last_date.isoformat(),
        "metrics": [metric.value for metric in experiment.metrics],
        "arms": [
            {"name": arm.name, "policy_hash": arm.policy_hash, "share_ppm": arm.share_ppm}
            for arm in experiment.arms
        ],
        "stop_rule": _rule_shape(experiment.stop_rule),
        "budget": budget
        and {
            "share_ppm": budget.share_ppm,
            "accounts_max": budget.accounts_max,
            "loss_minor_max": budget.loss_minor_max,
        },
        "events": [
            {
                "kind": event.kind.value,
                "on": event.business_date.isoformat(),
                "at": event.at.isoformat(),
                "by": event.author,
                "detail": {name: value for name, value in event.detail.items() if name != "key"},
            }
            for event in kept.events
        ],
    }


async def take_looks(house: House) -> int:
    """Take the looks that are due, and end what is over; for a background job."""
    async with house.database.connection() as connection:
        unfinished = await store.read_unfinished(connection)
    taken = 0
    for kept in unfinished:
        if kept.is_started and kept.experiment.stop_rule is not None:
            taken += await _look(house, kept, kept.experiment.stop_rule)
    return taken + await end_due(house)


async def losses_by_version(house: House) -> list[dict[str, Any]]:
    """Return expected and realised losses by policy version and month of opening."""
    on = await house.business_date()
    async with house.database.connection() as connection:
        found = await results.read_losses(
            connection,
            since=on - timedelta(days=VINTAGE_DAYS),
            funds_annual_e8=house.settings.cost_of_funds_annual_e8,
        )
    return [_vintage_shape(one) for one in found]


async def _look(house: House, kept: Kept, rule: StopRule) -> int:
    """Take the next look where its cases have come; return whether one was taken."""
    number = sum(event.kind is EventKind.LOOKED for event in kept.events) + 1
    if number > len(rule.looks_cases):
        return 0
    wanted = rule.looks_cases[number - 1]
    async with house.database.transaction() as connection:
        if await store.count_cases(connection, kept.experiment_id) < wanted:
            return 0
        moments = {arm.name: Moments() for arm in kept.experiment.arms}
        seen = 0
        async for case in _cases(house, connection, kept):
            moments[case.arm].add(value_of(_outcome(case, kept.experiment), rule.metric))
            seen += 1
            if seen == wanted:
                break
        champion, challenger = moments.values()
        found = difference(rule.metric, champion, challenger)
        bound = rule.bounds_z_e3[number - 1]
        look = {
            "look": number,
            "cases": wanted,
            "z_e3": found.z_e3,
            "bound_z_e3": bound,
            "is_passed": found.z_e3 is not None and abs(found.z_e3) >= bound,
        }
        await add_look(house, connection, kept.experiment.code, look)
    return 1


async def _cases(house: House, connection: Connection, kept: Kept) -> AsyncIterator[TakenCase]:
    after = (0, 0)
    while page := await results.read_cases(
        connection,
        kept.experiment_id,
        are_lines=kept.experiment.purpose == REVIEWS,
        funds_annual_e8=house.settings.cost_of_funds_annual_e8,
        page=PAGE,
        after=after,
    ):
        for case in page:
            yield case
        after = (page[-1].subject_id, page[-1].customer_id)


def _outcome(case: TakenCase, experiment: Experiment) -> CaseOutcome:
    features = case.inputs["features"]
    return CaseOutcome(
        arm=case.arm,
        outcome=case.outcome,
        limit_minor=case.limit_minor,
        is_opened=bool(case.is_opened),
        late_days_max=case.late_days_max,
        lost_minor=case.lost_minor,
        revenue_minor=case.revenue_minor,
        funding_minor=case.funding_minor,
        is_contested=case.is_contested,
        groups={
            group.feature: group_of(features.get(group.feature), group.edges)
            for group in experiment.groups
        },
    )


async def _arms(house: House, connection: Connection, kept: Kept) -> dict[str, Any]:
    experiment = kept.experiment
    figures = {arm.name: ArmFigures() for arm in experiment.arms}
    swaps = _Swaps(await _versions(connection, experiment))
    async for case in _cases(house, connection, kept):
        figures.setdefault(case.arm, ArmFigures()).add(_outcome(case, experiment))
        swaps.add(case.inputs)
    arms = {name: one.document() for name, one in figures.items()}
    document: dict[str, Any] = {
        "cases": sum(one.cases for one in figures.values()),
        "by_arm": arms,
        # No complaints are taken in here yet; what customers contest is counted by arm.
        "complaints": None,
        "differences": _differences(experiment, figures),
        "swap_set": swaps.document(),
        "may_name_a_winner": _may_name_a_winner(kept),
    }
    if experiment.budget is not None:
        spent = await store.read_spent(connection, kept.experiment_id)
        document["spent"] = {"accounts": spent.accounts, "loss_minor": spent.spent_minor}
    return document


def _differences(
    experiment: Experiment, figures: Mapping[str, ArmFigures]
) -> dict[str, list[dict[str, Any]]]:
    """Return how each challenger differs from the champion in the metrics of the document."""
    if not experiment.arms:
        return {}
    champion = figures[experiment.arms[0].name]
    return {
        arm.name: [
            difference(
                metric, champion.by_metric[metric], figures[arm.name].by_metric[metric]
            ).document()
            for metric in experiment.metrics
        ]
        for arm in experiment.arms[1:]
    }


class _Told(NamedTuple):
    """What a version says of a case: whether it approves, and the limit that follows."""

    is_approved: bool
    limit_minor: int


#: Asks a version about the recorded inputs of a case.
_Ask = Callable[[Mapping[str, Any]], _Told]


class _Swaps:
    """Who would have been approved by one version of an experiment and not by another."""

    def __init__(self, versions: Mapping[str, _Ask]) -> None:
        self._versions = versions
        self._cases = 0
        self._counts: Counter[tuple[str, str]] = Counter()
        self._limits: Counter[tuple[str, str]] = Counter()

    def add(self, inputs: Mapping[str, Any]) -> None:
        if len(self._versions) < 2 or self._cases >= SWAP_CASES_MAX:  # noqa: PLR2004 - two differ
            return
        self._cases += 1
        champion, *others = self._versions
        before = self._versions[champion](inputs)
        for other in others:
            after = self._versions[other](inputs)
            kind = _SWAPS[before.is_approved, after.is_approved]
            self._counts[other, kind] += 1
            self._limits[other, kind] += after.limit_minor - before.limit_minor

    def document(self) -> dict[str, Any]:
        kinds = ("both", "swapped_in", "swapped_out", "neither")
        return {
            "cases": self._cases,
            "against_champion": {
                arm: {
                    kind: {
                        "cases": self._counts[arm, kind],
                        "limit_minor_change": self._limits[arm, kind],
                    }
                    for kind in kinds
                }
                for arm in list(self._versions)[1:]
            },
        }


#: Approved before, approved after → how it is counted.
_SWAPS: Final = {
    (False, False): "neither",
    (False, True): "swapped_in",
    (True, False): "swapped_out",
    (True, True): "both",
}


async def _versions(connection: Connection, experiment: Experiment) -> dict[str, _Ask]:
    found: dict[str, _Ask] = {}
    for arm in experiment.arms:
        if experiment.purpose == REVIEWS:
            reviewing = await read_review_policy(connection, arm.policy_hash)
            if reviewing is not None:
                found[arm.name] = partial(_told_of_review, reviewing)
            continue
        policy = await read_policy_version(connection, arm.policy_hash)
        if policy is not None:
            found[arm.name] = partial(_told, compile_python(policy))
    return found


def _told(version: CompiledPolicy, inputs: Mapping[str, Any]) -> _Told:
    said = honour(version.decide(inputs["features"], asked_of(inputs["asked"])))
    is_approved = said.outcome is Outcome.APPROVED
    return _Told(is_approved, said.limit_minor if is_approved else 0)


def _told_of_review(policy: ReviewPolicy, inputs: Mapping[str, Any]) -> _Told:
    said = said_on(policy, inputs)
    return _Told(said.outcome == ReviewOutcome.OFFERED, said.limit_minor)


async def _shadow(connection: Connection, kept: Kept) -> dict[str, Any]:
    """Return what the shadow would have said beside what production said."""
    pairs = await results.read_matrix(connection, kept.experiment_id)
    cases = sum(pair.cases for pair in pairs)
    differing = sum(p.cases for p in pairs if p.production_outcome != p.shadow_outcome)
    swaps = {"swapped_in": 0, "swapped_out": 0}
    for pair in pairs:
        before, after = pair.production_outcome, pair.shadow_outcome
        if before != after and Outcome.APPROVED in {before, after}:
            name = "swapped_in" if after == Outcome.APPROVED else "swapped_out"
            swaps[name] += pair.cases
    return {
        "cases": cases,
        "disagreement": [pair._asdict() for pair in pairs],
        "disagreement_ppm": share_ppm(differing, cases),
        "swap_set": {
            **swaps,
            "limit_minor_change": sum(
                pair.shadow_limit_minor * (pair.shadow_outcome == Outcome.APPROVED)
                - pair.production_limit_minor * (pair.production_outcome == Outcome.APPROVED)
                for pair in pairs
            ),
        },
        "rules": await results.read_shadow_rules(connection, kept.experiment_id),
    }


def _may_name_a_winner(kept: Kept) -> bool | None:
    """Tell whether an experiment came to an end that allows it; None while it has not ended."""
    over = kept.event(EventKind.ENDED) or kept.event(EventKind.STOPPED)
    if over is None:
        return None
    return over.detail.get("cause") not in {ABANDONED, CHAMPION_REPLACED}


def _rule_shape(rule: StopRule | None) -> dict[str, Any] | None:
    if rule is None:
        return None
    return {
        "metric": rule.metric.value,
        "looks_cases": list(rule.looks_cases),
        "bounds_z_e3": list(rule.bounds_z_e3),
    }


def _vintage_shape(one: Vintage) -> dict[str, Any]:
    """Return a vintage; what is expected is unknown unless the model said it of every account."""
    expected = one.pd_ppm_sum if one.accounts_with_pd == one.accounts else None
    ratio = None if not expected else one.late_90 * ALL_PPM * ALL_PPM // expected
    looked_at = one.accounts >= ACCOUNTS_MIN and ratio is not None
    return {
        "policy_hash": one.policy_hash,
        "policy_version": one.policy_version,
        "month": _month(one.vintage),
        "accounts": one.accounts,
        "limit_minor_sum": one.limit_minor_sum,
        "expected_bad_ppm_sum": expected,
        "late_30": one.late_30,
        "late_90": one.late_90,
        "realised_over_expected_ppm": ratio,
        "needs_review": looked_at and ratio is not None and not _is_near(ratio),
        "lost_minor": one.lost_minor,
        "revenue_minor": one.revenue_minor,
        "funding_minor": one.funding_minor,
        "profit_minor": one.revenue_minor - one.lost_minor - one.funding_minor,
    }


def _is_near(ratio_ppm: int) -> bool:
    low, high = RATIO_PPM
    return low <= ratio_ppm <= high


def _month(day: date) -> str:
    return f"{day:%Y-%m}"
