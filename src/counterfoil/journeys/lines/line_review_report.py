"""A bureau report for a review: one that still lives, or an inquiry under a consent of its own.

Order       The occasion has to be switched on by the lender, the policy has to read reports for
            this product and cause, and the customer has to have agreed to inquiries for reviews.
            Where one of the three is missing nobody is asked, and what a report would have said
            is unknown to the review, which goes on.
Reuse       A report under such a consent serves again for as long as its consent lets it live; one
            that is older is refused where somebody names it, and never used where nobody does.
Grade       With a report the customer is graded anew by the version that graded last, on what it
            read then and what the report says now: the difference is what `grade_steps_worse` is.
            Without new facts nobody grades anew, and it is unknown.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from counterfoil.bureau import store as bureau
from counterfoil.bureau.refusals import REPORT_NOT_FOUND
from counterfoil.consents.lookup_store import consents_for_purpose
from counterfoil.decisioning import store as decisions
from counterfoil.decisioning.gathering import bureau_facts
from counterfoil.decisioning.line_review.policy import ReviewPolicy
from counterfoil.decisioning.line_review.regrade import steps_worse
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.replay import StoredDecision
from counterfoil.journeys.house import House
from counterfoil.journeys.inquiring.inquire import MACHINE, Wish, inquire_many
from counterfoil.journeys.inquiring.inquiry_outcomes import Wanted, open_reports
from counterfoil.journeys.lines.line_review_reading import Facts, ReviewReport
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending.line import Line
from counterfoil.lending.store import LineKey
from counterfoil.platform.database import Connection

#: The occasion of the bureau on which running customers are asked about.
OCCASION: Final = "review"
#: Grades lost since the version that graded last; what a policy reads.
GRADE_STEPS: Final = "grade_steps_worse"


async def reports_for(
    house: House, policy: ReviewPolicy, lines: Sequence[tuple[Line, str]]
) -> dict[LineKey, ReviewReport]:
    """Return reports for the reviews of lines on their causes, where all that it takes is there."""
    occasion = house.occasions.by_code.get(OCCASION)
    wanted = [line for line, cause in lines if policy.reports.wanted(line.product_code, cause)]
    if not wanted or house.bureau is None or occasion is None or not occasion.is_on:
        return {}
    customers = list(dict.fromkeys(line.customer_id for line in wanted))
    async with house.database.connection() as connection:
        consents = await consents_for_purpose(
            connection, customers, purpose=occasion.consent_purpose, now=house.leaves.now()
        )
        graded = await _graded(connection, policy, wanted)
    names = _names(policy, graded.values())
    wishes = [
        Wish(customer_id=one, occasion=OCCASION, consent_id=consents.get(one)) for one in customers
    ]
    answers = await inquire_many(house, wishes, wanted=names)
    obtained = {
        one: answer
        for one, answer in zip(customers, answers, strict=True)
        if not isinstance(answer, Refused)
    }
    return {
        (line.customer_id, line.line_id): ReviewReport(
            facts=_facts(policy, found.facts, graded.get((line.customer_id, line.line_id))),
            report_id=found.report_id,
        )
        for line in wanted
        if (found := obtained.get(line.customer_id)) is not None
    }


async def report_named(
    house: House, policy: ReviewPolicy, line: Line, report_id: int
) -> ReviewReport | Refused:
    """Return what a report says that somebody names; one past its data life is refused."""
    async with house.database.connection() as connection:
        report = await bureau.read_report(
            connection, customer_id=line.customer_id, report_id=report_id
        )
        graded = await _graded(connection, policy, [line])
    occasion = house.occasions.by_code.get(OCCASION)
    if report is None or occasion is None or report.purpose not in occasion.reuses_reports_of:
        return refuse(REPORT_NOT_FOUND)
    wanted = Wanted(facts=_names(policy, graded.values()), by=MACHINE)
    found = await open_reports(house, [(report, True)], wanted, purpose=report.purpose)
    obtained = found[line.customer_id, report_id]
    if isinstance(obtained, Refused):
        return obtained
    facts = _facts(policy, obtained.facts, graded.get((line.customer_id, line.line_id)))
    return ReviewReport(facts=facts, report_id=report_id)


class _Graded(NamedTuple):
    """How a customer was graded last, and by which version."""

    policy: Policy
    stored: StoredDecision


async def _graded(
    connection: Connection, policy: ReviewPolicy, lines: Sequence[Line]
) -> dict[LineKey, _Graded]:
    """Return how the customers of lines were graded, where the policy reads what became of it."""
    if all(feature.name != GRADE_STEPS for feature in policy.features):
        return {}
    versions: dict[str, Policy | None] = {}
    found: dict[LineKey, _Graded] = {}
    for line in lines:
        taken = await decisions.read_decisions_of(
            connection, customer_id=line.customer_id, application_id=line.application_id
        )
        by_policy = [one.stored for one in taken if one.is_by_policy]
        if not by_policy:
            continue
        stored = by_policy[-1]
        if stored.policy_hash not in versions:
            versions[stored.policy_hash] = await decisions.read_policy_version(
                connection, stored.policy_hash
            )
        version = versions[stored.policy_hash]
        if version is not None:
            found[line.customer_id, line.line_id] = _Graded(version, stored)
    return found


def _names(policy: ReviewPolicy, graded: Iterable[_Graded]) -> frozenset[str]:
    names = {item.name for item in policy.features if item.source == "bureau"}
    return frozenset(names.union(*(bureau_facts(one.policy) for one in graded)))


def _facts(policy: ReviewPolicy, said: Facts, graded: _Graded | None) -> Facts:
    """Return what the policy reads of a report, with the grade that follows from it."""
    declared = {item.name for item in policy.features if item.source == "bureau"}
    facts = {name: value for name, value in said.items() if name in declared}
    return facts if graded is None else {**facts, GRADE_STEPS: steps_worse(*graded, said)}
