"""Lines are reviewed by policy: those that are due with the close of a day, one on an event.

The story   Due lines are taken in hand page by page, their records read in a handful of
            statements, each is reviewed, and every review is kept with its leaf, also where
            nothing changes. Measures are announced in the same transaction and carried out after
            it; an offer is a notice, and becomes a raise only by the customer's own request.
Invariant   A line is reviewed once a day for a cause, whoever tries; two reviews at once give one
            measure. A bureau is asked only as `line_review_report.py` says, before anything is
            held. What guards suppress stands among the inputs of the review.
Bounds      A page of lines; what is due is found by an index, so the book's size does not matter.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.guard_store import read_tripped
from counterfoil.decisioning.line_review import case_store, store
from counterfoil.decisioning.line_review.decide import review
from counterfoil.decisioning.line_review.document import PURPOSE
from counterfoil.decisioning.line_review.guard import MeasureCount
from counterfoil.decisioning.line_review.measure import BY_RULE, Kind, LineMeasure, Status
from counterfoil.decisioning.line_review.notice import LineNotice, NoticeKind, offer_words
from counterfoil.decisioning.line_review.policy import ReviewPolicy
from counterfoil.decisioning.line_review.record import review_leaf_facts
from counterfoil.decisioning.line_review.review import Review, ReviewOutcome
from counterfoil.decisioning.line_review.store import StoredReview, stored_review
from counterfoil.decisioning.refusals import LINE_REVIEW_UNDER_WAY
from counterfoil.decisioning.snooze_store import active_snoozes
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.features.feature import REVIEW
from counterfoil.journeys.deciding.hold_back import Watched, keep_trips
from counterfoil.journeys.deciding.policies import NOTHING_SNOOZED
from counterfoil.journeys.house import House
from counterfoil.journeys.knowing.feature_limits import read_limits
from counterfoil.journeys.knowing.told_facts import Subject, told_facts
from counterfoil.journeys.lines import line_measures
from counterfoil.journeys.lines.line_policy import WindowCounts, review_policy_in_force
from counterfoil.journeys.lines.line_review_arms import ReviewBy, grouped, note_reviewed, review_by
from counterfoil.journeys.lines.line_review_desk import leave_to_people
from counterfoil.journeys.lines.line_review_reading import (
    NO_REPORT,
    LineCase,
    ReviewReport,
    facts_of,
    own_record_of,
    question_of,
    with_exposure,
)
from counterfoil.journeys.lines.line_review_report import report_named, reports_for
from counterfoil.journeys.lines.settle_measures import reinstate, settle_measures
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending import refusals
from counterfoil.lending import review_store as lending
from counterfoil.lending.line import Line
from counterfoil.lending.review_event import CURED
from counterfoil.lending.review_facts import LineRecord
from counterfoil.lending.review_store import Due, NextReview
from counterfoil.lending.store import LineKey, read_line, read_lines
from counterfoil.platform.database import Connection

#: Large enough that statements cost nothing a line, small enough that none runs long.
LINES_AT_ONCE: Final = 500
PERIODIC: Final = "periodic"
_KINDS: Final = {
    ReviewOutcome.LOWERED: Kind.LOWER,
    ReviewOutcome.FROZEN: Kind.FREEZE,
    ReviewOutcome.SUSPENDED: Kind.SUSPEND,
}
#: Finds a page of lines that are due on a date.
_LinesDue = Callable[..., Awaitable[list[Due]]]


@dataclass(slots=True)
class ReviewRun:
    """What a run has done."""

    reviews: int = 0
    #: How many reviews ended in each way.
    outcomes: Counter[ReviewOutcome] = field(default_factory=Counter)
    #: Measures that took effect in it.
    carried_out: int = 0
    #: Freezes that ended by themselves.
    expired: int = 0


async def review_due_lines(house: House, *, on: date) -> ReviewRun:
    """Review every line that is due on a date, carry out what is due, end what is over."""
    run = ReviewRun()
    async with house.database.connection() as connection:
        await lending.mark_cured(connection, on)
    run.expired = await line_measures.end_expired(house, on=on)
    await _review_all(house, run, lending.lines_due, on)
    run.carried_out += await settle_measures(house, on=on)
    return run


async def review_brought_forward(house: House) -> int:
    """Review the lines that an event has brought forward; return how many were reviewed."""
    run = ReviewRun()
    await _review_all(house, run, lending.lines_brought_forward, await house.business_date())
    return run.reviews


async def review_line(
    house: House, *, customer_id: int, line_id: int, cause: str, report_id: int | None = None
) -> StoredReview | Refused:
    """Review one line on an event; with a report where the policy reads one and it is alive."""
    on, key = await house.business_date(), (customer_id, line_id)
    async with house.database.connection() as connection:
        in_force = await review_policy_in_force(connection, at=house.clock.now())
        line = await read_line(connection, customer_id, line_id)
    if line is None:
        return refuse(refusals.LINE_NOT_FOUND)
    if line.status == "closed":
        return refuse(refusals.LINE_CLOSED)
    by = review_by(house, in_force, customer_id, on=on)
    report: ReviewReport | Refused = NO_REPORT
    if report_id is not None:
        report = await report_named(house, by.policy, line, report_id)
    else:
        found = await reports_for(house, by.policy, [(line, cause)])
        report = found.get(key, NO_REPORT)
    if isinstance(report, Refused):
        return report
    async with house.database.transaction() as connection:
        held = await lending.hold_due(connection, [key], business_date=None)
        if not held:
            return refuse(LINE_REVIEW_UNDER_WAY)
        records = await lending.read_records(connection, [key], on)
        standings = await case_store.read_standings(connection, records)
        case = LineCase(record=records[key], standing=standings[key], cause=cause, report=report)
        made = await _review_cases(house, connection, by, [case], on, WindowCounts())
        if held[0].cause == cause != PERIODIC:
            # What brought the line forward is done with.
            await _plan(connection, {key: by.policy}, held, records, made, on)
    if not made:
        return refuse(LINE_REVIEW_UNDER_WAY)
    await _follow_up(house, made, on)
    return made[0]


async def _review_all(house: House, run: ReviewRun, lines_due: _LinesDue, on: date) -> None:
    """Review what a query finds, page by page, until it finds nothing more."""
    counts = WindowCounts()
    while True:
        async with house.database.connection() as connection:
            due = await lines_due(connection, business_date=on, page=LINES_AT_ONCE)
            in_force = await review_policy_in_force(connection, at=house.clock.now())
        if not due:
            return
        made = await _review_page(house, in_force, due, on, counts)
        if made is None:
            # Somebody else has these lines in hand.
            return
        run.reviews += len(made)
        run.outcomes.update(item.outcome for item in made)
        run.carried_out += await _follow_up(house, made, on)


async def _review_page(
    house: House, in_force: ReviewPolicy, due: Sequence[Due], on: date, counts: WindowCounts
) -> list[StoredReview] | None:
    """Review a page of due lines; None where others have all of them in hand."""
    versions = {
        item.key: review_by(house, in_force, item.customer_id, on=on).policy for item in due
    }
    reports = await _reports_of_page(house, versions, due)
    async with house.database.transaction() as connection:
        held = await lending.hold_due(connection, [item.key for item in due], business_date=on)
        if not held:
            return None
        records = await lending.read_records(connection, [item.key for item in held], on)
        gone = {item.key for item in held if _is_over(records.get(item.key))}
        await lending.drop_reviews(connection, sorted(gone))
        standings = await case_store.read_standings(connection, records)
        cases = [
            LineCase(
                record=records[item.key],
                standing=standings[item.key],
                cause=item.cause,
                report=reports.get(item.key, NO_REPORT),
            )
            for item in held
            if item.key not in gone
        ]
        made = []
        for by, group in grouped(house, in_force, cases, on=on):
            made += await _review_cases(house, connection, by, group, on, counts)
        # A line that was reviewed for the same cause today already waits for its next day.
        await _plan(connection, versions, held, records, made, on)
    return made


async def _reports_of_page(
    house: House, versions: Mapping[LineKey, ReviewPolicy], due: Sequence[Due]
) -> dict[LineKey, ReviewReport]:
    """Return reports for a page, read before anything is held; none where no version reads any."""
    reading = {policy.hash: policy for policy in versions.values() if policy.reads_bureau}
    found: dict[LineKey, ReviewReport] = {}
    for policy in reading.values():
        keys = [item for item in due if versions[item.key].hash == policy.hash]
        async with house.database.connection() as connection:
            lines = await read_lines(connection, [item.key for item in keys])
        asked = [(lines[item.key], item.cause) for item in keys if item.key in lines]
        found |= await reports_for(house, policy, asked)
    return found


def _is_over(record: LineRecord | None) -> bool:
    return record is None or record.line.status == "closed"


async def _review_cases(
    house: House,
    connection: Connection,
    by: ReviewBy,
    cases: Sequence[LineCase],
    on: date,
    counts: WindowCounts,
) -> list[StoredReview]:
    """Review lines in hand and write what came of it; those reviewed already are left out."""
    now, policy = house.clock.now(), by.policy
    cases = await with_exposure(house, connection, policy, cases)
    await store.keep_review_policy(connection, policy, at=now)
    count = await counts.of(connection, policy, at=now)
    customers = [case.customer_id for case in cases]
    limits = await read_limits(house.registry, connection)
    withheld = limits.withheld_from(policy.features, REVIEW)
    snoozed = await active_snoozes(connection, PURPOSE, customers, at=now)
    made = {}
    for case in cases:
        if case.record.line.currency == policy.currency:
            guards = count.guards(snoozed.get(case.customer_id, NOTHING_SNOOZED))
            own = own_record_of(case, on)
            question, facts = question_of(house, case, own, on), facts_of(policy, case, own, on)
            facts |= await _told(house, connection, policy, case, facts)
            facts = {name: value for name, value in facts.items() if name not in withheld}
            answer = review(policy, question, facts, guards)._replace(assigned=by.assigned)
            count.add(answer)
            kept = _kept(house, policy, case, answer, now)
            made[kept.key] = (kept, answer)
    first = await store.add_reviews(connection, [kept for kept, _ in made.values()])
    written = [made[key] for key in made if key in first]
    await _stage(house, connection, [kept for kept, _ in written])
    measures = [_measure(house, kept, answer, now) for kept, answer in written]
    await line_measures.announce(
        house, connection, policy, [item for item in measures if item is not None]
    )
    offers = [pair for pair in written if pair[0].outcome is ReviewOutcome.OFFERED]
    await line_measures.tell(house, connection, [_offer(house, *pair) for pair in offers])
    await leave_to_people(house, connection, policy, [kept for kept, _ in written])
    await note_reviewed(connection, by, [kept for kept, _ in written], at=now)
    await _keep_trips(house, connection, policy, count)
    return [kept for kept, _ in written]


async def _told(
    house: House,
    connection: Connection,
    policy: ReviewPolicy,
    case: LineCase,
    at_hand: Mapping[str, Value | None],
) -> Mapping[str, Value | None]:
    """Return what the version declares and only the store of features knows."""
    line = case.record.line
    subject = Subject(
        customer_id=line.customer_id,
        line_id=line.line_id,
        lender_id=line.lender_id,
        purpose=REVIEW,
    )
    return await told_facts(house, connection, subject, policy.features, at_hand)


async def _stage(house: House, connection: Connection, kept: Sequence[StoredReview]) -> None:
    """Stage the leaf of each review."""
    leaves = [
        house.leaves.stage(
            item.customer_id,
            item.review_id,
            LeafType.DECISION,
            item.line_id,
            {"decision": review_leaf_facts(item.review_id, item.line_id, item.record)},
        )
        for item in kept
    ]
    if leaves:
        await EVIDENCE.stage_leaves.execute(connection, rows=leaves)


async def _keep_trips(
    house: House, connection: Connection, policy: ReviewPolicy, count: MeasureCount
) -> None:
    """Write what the version's cap begins and ceases to hold back, in the trail as well."""
    if policy.action_cap is None:
        return
    held = (await read_tripped(connection, [policy.hash])).get(policy.hash, frozenset())
    trips = count.trips(held)
    if trips:
        about = Watched(policy.hash, policy.version, PURPOSE, policy.action_cap.on_trip)
        await keep_trips(house, connection, about, trips, cases=count.reviews)


def _kept(
    house: House, policy: ReviewPolicy, case: LineCase, made: Review, now: datetime
) -> StoredReview:
    is_offer = made.outcome is ReviewOutcome.OFFERED
    until = made.asked.as_of + timedelta(days=policy.offer_valid_days)
    line = case.record.line
    return stored_review(
        made,
        customer_id=line.customer_id,
        line_id=line.line_id,
        review_id=house.ids.next(),
        valid_until=until if is_offer else None,
        report_id=case.report.report_id,
        at=now,
    )


def _measure(house: House, kept: StoredReview, made: Review, now: datetime) -> LineMeasure | None:
    """Return the measure that a review takes against the customer; None where it takes none."""
    kind = _KINDS.get(made.outcome)
    if kind is None:
        return None
    assert made.effective_on is not None, "a measure has a day"
    return LineMeasure(
        customer_id=kept.customer_id,
        measure_id=house.ids.next(),
        line_id=kept.line_id,
        kind=kind,
        status=Status.PLANNED,
        cause=kept.cause,
        reasons=made.reasons,
        author=BY_RULE,
        review_id=kept.review_id,
        announced_at=now,
        effective_on=made.effective_on,
        ends_on=made.ends_on,
        currency=made.asked.currency,
        from_minor=made.asked.limit_minor,
        to_minor=made.to_minor if kind is Kind.LOWER else None,
    )


def _offer(house: House, kept: StoredReview, made: Review) -> LineNotice:
    assert kept.to_minor is not None, "an offer names a limit"
    assert kept.valid_until is not None, "an offer has an end"
    words = offer_words(kept.from_minor, kept.to_minor, made.asked.currency, until=kept.valid_until)
    return LineNotice(
        customer_id=kept.customer_id,
        notice_id=house.ids.next(),
        line_id=kept.line_id,
        kind=NoticeKind.OFFER,
        measure_id=None,
        review_id=kept.review_id,
        text_zh=words.zh,
        text_en=words.en,
        created_at=kept.decided_at,
    )


async def _plan(
    connection: Connection,
    versions: Mapping[LineKey, ReviewPolicy],
    held: Sequence[Due],
    records: Mapping[LineKey, LineRecord],
    made: Sequence[StoredReview],
    on: date,
) -> None:
    """Set the day of the next review of every line in hand."""
    outcomes = {(item.customer_id, item.line_id): item.outcome for item in made}
    planned = []
    for item in held:
        record = records.get(item.key)
        if record is None or record.line.status == "closed":
            continue
        planned.append(_next(versions[item.key], item, record.line, outcomes.get(item.key), on))
    await lending.plan_reviews(connection, planned)


def _next(
    policy: ReviewPolicy, due: Due, line: Line, outcome: ReviewOutcome | None, on: date
) -> NextReview:
    is_suspended = outcome is ReviewOutcome.SUSPENDED or (
        line.status == "suspended" and outcome is not ReviewOutcome.REINSTATED
    )
    is_blocked = is_suspended or outcome is ReviewOutcome.FROZEN or line.status == "frozen"
    days = policy.periods.after(line.product_code, is_blocked=is_blocked)
    # A cured line stays known as one, so that it is looked at weekly and not daily. One whose
    # way back was decided is watched on, in case the process ends before the line is told.
    cause = CURED if is_suspended and due.cause == CURED else PERIODIC
    is_watched = is_suspended or outcome is ReviewOutcome.REINSTATED
    return NextReview(due.customer_id, due.line_id, on + timedelta(days=days), cause, is_watched)


async def _follow_up(house: House, made: Sequence[StoredReview], on: date) -> int:
    """Carry out what reviews have taken; return how many measures and ways back took effect."""
    back = {
        (item.customer_id, item.line_id): f"line-review:{item.review_id}"
        for item in made
        if item.outcome is ReviewOutcome.REINSTATED
    }
    done = len(await reinstate(house, back)) if back else 0
    if any(item.outcome in _KINDS for item in made):
        done += len(await line_measures.carry_out(house, on=on))
    return done
