"""What a review of a line reads: the line's record, what stands beside it, guards, a report.

Shared by the run over what is due and by the review of one line. Nothing is decided here and
nothing is written: a case goes from here to the policy as a question with its facts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.line_review.case_store import Standing
from counterfoil.decisioning.line_review.measure import BY_RULE, Kind, Status
from counterfoil.decisioning.line_review.policy import ReviewPolicy
from counterfoil.decisioning.line_review.review import ReviewedLine
from counterfoil.decisioning.line_review.signal import signal_facts
from counterfoil.journeys.affording.exposure import guard_reviews
from counterfoil.journeys.deciding.price_caps import pack_reference
from counterfoil.journeys.house import House
from counterfoil.lending.line import blocked_by
from counterfoil.lending.review_facts import LineRecord, days_since_change, review_facts
from counterfoil.platform.database import Connection

#: What the guard against too much debt says, as a policy reads it.
EXPOSURE: Final = "exposure_outcome"

Facts = Mapping[str, Value | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewReport:
    """What a credit report says for one review; nothing where none was read."""

    facts: Facts = field(default_factory=dict)
    report_id: int | None = None


NO_REPORT: Final = ReviewReport()


@dataclass(frozen=True, slots=True, kw_only=True)
class LineCase:
    """A line in hand, with everything that its review reads."""

    record: LineRecord
    standing: Standing
    cause: str
    report: ReviewReport = NO_REPORT

    @property
    def customer_id(self) -> int:
        """Return whose line it is."""
        return self.record.line.customer_id


async def with_exposure(
    house: House, connection: Connection, policy: ReviewPolicy, cases: Sequence[LineCase]
) -> list[LineCase]:
    """Return cases with what the guard against too much debt says, where the policy reads it."""
    if all(feature.name != EXPOSURE for feature in policy.features):
        return list(cases)
    customers = {}
    for case in cases:
        line = case.record.line
        licence = house.catalogue.terms(line.product_code, line.product_version).licence
        customers[line.customer_id] = (line.customer_id, licence, line.currency)
    found = await guard_reviews(house, connection, list(customers.values()))
    return [
        replace(
            case,
            report=replace(
                case.report,
                facts={
                    **case.report.facts,
                    EXPOSURE: found[case.customer_id].result.outcome.value,
                },
            ),
        )
        for case in cases
    ]


def own_record_of(case: LineCase, on: date) -> Facts:
    """Return the line's own record, from which both the question and the facts are taken."""
    return review_facts(case.record, on, is_changing=_is_changing(case))


def facts_of(policy: ReviewPolicy, case: LineCase, own: Facts, on: date) -> dict[str, Value | None]:
    """Return what the policy declares of all that is known."""
    declared = {feature.name for feature in policy.features}
    known: Facts = {
        **own,
        **signal_facts(case.standing.signals, appeals_open=case.standing.appeals_open, on=on),
        **case.report.facts,
    }
    return {name: value for name, value in known.items() if name in declared}


def question_of(house: House, case: LineCase, own: Facts, on: date) -> ReviewedLine:
    """Return the line as it stands, within the bounds of product and licence."""
    record = case.record
    line = record.line
    terms = house.catalogue.terms(line.product_code, line.product_version)
    raises, clean = own["own_raises_12_months"], own["own_clean_statements"]
    assert isinstance(raises, int), "a count"
    assert isinstance(clean, int), "a count"
    measured_on = case.standing.measured_on
    block = blocked_by(line, on)
    status = block if block in {"frozen", "suspended"} else "active"
    suspended = [one for one in case.standing.measures if one.kind is Kind.SUSPEND]
    return ReviewedLine(
        trigger=case.cause,
        product_code=line.product_code,
        product_version=line.product_version,
        currency=line.currency,
        status=status,
        frozen_until=line.frozen_until if status == "frozen" else None,
        is_frozen_by_measure=any(one.kind is Kind.FREEZE for one in case.standing.measures),
        limit_minor=_limit_to_come(case),
        used_minor=line.principal_minor + line.held_minor,
        limit_min_minor=terms.limit_minor_min,
        limit_max_minor=terms.limit_minor_max,
        limit_step_minor=terms.limit_minor_step,
        licence_cap_minor=house.catalogue.limit_cap_minor(terms, on),
        raises_12_months=raises,
        days_since_change=days_since_change(record, on),
        days_since_measure=None if measured_on is None else max(0, (on - measured_on).days),
        days_suspended=(on - suspended[-1].effective_on).days if suspended else None,
        clean_statements=clean,
        as_of=on,
        is_suspended_by_person=any(one.author != BY_RULE for one in suspended),
        person_decides=case.standing.person_decides,
        rule_pack=pack_reference(house.catalogue, terms, on),
        feature_registry=house.registry.sha256,
    )


def _is_changing(case: LineCase) -> bool:
    """Tell whether a decrease is announced that has not begun."""
    return any(
        one.status is Status.PLANNED and one.kind is Kind.LOWER for one in case.standing.measures
    )


def _limit_to_come(case: LineCase) -> int:
    """Return the limit with the decreases that are announced and have not begun."""
    planned = [
        item.to_minor
        for item in case.standing.measures
        if item.status is Status.PLANNED and item.to_minor is not None
    ]
    return min([case.record.line.limit_minor, *planned])
