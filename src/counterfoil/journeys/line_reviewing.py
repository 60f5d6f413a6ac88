"""Lines are reviewed by policy: those that are due with the close of a day, one on an event.

The story   Due lines are taken in hand page by page, their records read in a handful of
            statements, each is reviewed, and every review is kept with its leaf, also where
            nothing changes. Measures are announced in the same transaction and carried out after
            it; an offer is a notice, and becomes a raise only by the customer's own request.
Invariant   A line is reviewed once a day for a cause, whoever tries; two reviews at once give one
            measure. Nothing is asked of anybody outside: a report is read only where it is there,
            alive, and consented to for reviews.
Bounds      A page of lines; what is due is found by an index, so the book's size does not matter.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from counterfoil.bureau import store as bureau
from counterfoil.bureau.refusals import REPORT_NOT_FOUND
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.line_review import case_store, store
from counterfoil.decisioning.line_review.case_store import Standing
from counterfoil.decisioning.line_review.decide import review
from counterfoil.decisioning.line_review.guard import MeasureCount
from counterfoil.decisioning.line_review.measure import BY_RULE, Kind, LineMeasure, Status
from counterfoil.decisioning.line_review.notice import LineNotice, NoticeKind, offer_words
from counterfoil.decisioning.line_review.policy import ReviewPolicy
from counterfoil.decisioning.line_review.record import review_leaf_facts
from counterfoil.decisioning.line_review.review import Review, ReviewedLine, ReviewOutcome
from counterfoil.decisioning.line_review.signal import signal_facts
from counterfoil.decisioning.line_review.store import StoredReview, stored_review
from counterfoil.decisioning.refusals import LINE_REVIEW_UNDER_WAY
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys import line_measures
from counterfoil.journeys.exposure import guard_reviews
from counterfoil.journeys.house import House
from counterfoil.journeys.inquiry_outcomes import Wanted, open_reports
from counterfoil.journeys.line_policy import count_in_window, review_policy_in_force
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending import refusals
from counterfoil.lending import review_store as lending
from counterfoil.lending.line import Line, blocked_by
from counterfoil.lending.review_facts import LineRecord, days_since_change, review_facts
from counterfoil.lending.review_store import Due, NextReview
from counterfoil.lending.store import LineKey, read_line
from counterfoil.platform.database import Connection

#: Large enough that statements cost nothing a line, small enough that none runs long.
LINES_AT_ONCE: Final = 500
PERIODIC: Final = "periodic"
CURED: Final = "cured"
#: The occasion whose consents let a report be read.
OCCASION: Final = "review"
#: What the guard against too much debt says, as a policy reads it.
EXPOSURE: Final = "exposure_outcome"
_BY_POLICY: Final = "policy"
_KINDS: Final = {
    ReviewOutcome.LOWERED: Kind.LOWER,
    ReviewOutcome.FROZEN: Kind.FREEZE,
    ReviewOutcome.SUSPENDED: Kind.SUSPEND,
}

Facts = Mapping[str, Value | None]


@dataclass(slots=True)
class ReviewReport:
    """What a run has done."""

    reviews: int = 0
    #: How many reviews ended in each way.
    outcomes: Counter[ReviewOutcome] = field(default_factory=Counter)
    #: Measures that took effect in it.
    carried_out: int = 0
    #: Freezes that ended by themselves.
    expired: int = 0


class _Case(NamedTuple):
    """A line in hand, with everything that its review reads."""

    record: LineRecord
    standing: Standing
    cause: str
    #: What a report says, and the report; nothing where none was read.
    report: Facts
    report_id: int | None


async def review_due_lines(house: House, *, on: date) -> ReviewReport:
    """Review every line that is due on a date, carry out what is due, end what is over."""
    report = ReviewReport()
    async with house.database.connection() as connection:
        policy = await review_policy_in_force(connection, at=house.clock.now())
        await lending.mark_cured(connection, on)
    report.expired = await line_measures.end_expired(house, on=on)
    while True:
        async with house.database.connection() as connection:
            keys = await lending.lines_due(connection, business_date=on, page=LINES_AT_ONCE)
        if not keys:
            break
        made = await _review_page(house, policy, keys, on)
        if made is None:
            # Somebody else has these lines in hand.
            break
        report.reviews += len(made)
        report.outcomes.update(item.outcome for item in made)
        report.carried_out += await _follow_up(house, made, on)
    report.carried_out += len(await line_measures.carry_out(house, on=on))
    return report


async def review_line(
    house: House, *, customer_id: int, line_id: int, cause: str, report_id: int | None = None
) -> StoredReview | Refused:
    """Review one line on an event; with a report where the policy reads one and it is alive."""
    on = await house.business_date()
    async with house.database.connection() as connection:
        policy = await review_policy_in_force(connection, at=house.clock.now())
        line = await read_line(connection, customer_id, line_id)
    if line is None:
        return refuse(refusals.LINE_NOT_FOUND)
    if line.status == "closed":
        return refuse(refusals.LINE_CLOSED)
    facts: Facts = {}
    if report_id is not None:
        read = await _read_report(house, policy, customer_id, report_id)
        if isinstance(read, Refused):
            return read
        facts = read
    async with house.database.transaction() as connection:
        held = await lending.hold_due(connection, [(customer_id, line_id)], business_date=None)
        if not held:
            return refuse(LINE_REVIEW_UNDER_WAY)
        records = await lending.read_records(connection, [(customer_id, line_id)], on)
        standings = await case_store.read_standings(connection, records)
        key = (customer_id, line_id)
        case = _Case(records[key], standings[key], cause, facts, report_id)
        made = await _review_cases(house, connection, policy, [case], on)
    if not made:
        return refuse(LINE_REVIEW_UNDER_WAY)
    await _follow_up(house, made, on)
    return made[0]


async def _review_page(
    house: House, policy: ReviewPolicy, keys: Sequence[LineKey], on: date
) -> list[StoredReview] | None:
    """Review a page of due lines; None where others have all of them in hand."""
    async with house.database.transaction() as connection:
        held = await lending.hold_due(connection, keys, business_date=on)
        if not held:
            return None
        records = await lending.read_records(connection, [item.key for item in held], on)
        gone = [item.key for item in held if _is_over(records.get(item.key))]
        await lending.drop_reviews(connection, gone)
        standings = await case_store.read_standings(connection, records)
        cases = [
            _Case(records[item.key], standings[item.key], item.cause, {}, None)
            for item in held
            if item.key not in gone
        ]
        made = await _review_cases(house, connection, policy, cases, on)
        # A line that was reviewed for the same cause today already waits for its next day.
        await _plan(connection, policy, held, records, made, on)
    return made


def _is_over(record: LineRecord | None) -> bool:
    return record is None or record.line.status == "closed"


async def _review_cases(
    house: House,
    connection: Connection,
    policy: ReviewPolicy,
    cases: Sequence[_Case],
    on: date,
) -> list[StoredReview]:
    """Review lines in hand and write what came of it; those reviewed already are left out."""
    now = house.clock.now()
    cases = await _guarded(house, connection, policy, cases)
    await store.keep_review_policy(connection, policy, at=now)
    count = await count_in_window(connection, policy, at=now)
    made = {}
    for case in cases:
        if case.record.line.currency == policy.currency:
            answer = _reviewed(house, policy, case, count, on)
            kept = _kept(house, policy, case, answer, now)
            made[kept.key] = (kept, answer)
    first = await store.add_reviews(connection, [kept for kept, _ in made.values()])
    written = [made[key] for key in made if key in first]
    leaves = [
        house.leaves.stage(
            kept.customer_id,
            kept.review_id,
            LeafType.DECISION,
            kept.line_id,
            {"decision": review_leaf_facts(kept.review_id, kept.line_id, kept.record)},
        )
        for kept, _ in written
    ]
    if leaves:
        await EVIDENCE.stage_leaves.execute(connection, rows=leaves)
    measures = [_measure(house, kept, answer, now) for kept, answer in written]
    await line_measures.announce(
        house, connection, policy, [item for item in measures if item is not None]
    )
    await line_measures.tell(
        house, connection, [_offer(house, kept, answer) for kept, answer in written
                            if kept.outcome is ReviewOutcome.OFFERED]
    )  # fmt: skip
    return [kept for kept, _ in written]


async def _guarded(
    house: House, connection: Connection, policy: ReviewPolicy, cases: Sequence[_Case]
) -> list[_Case]:
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
        case._replace(
            report={
                **case.report,
                EXPOSURE: found[case.record.line.customer_id].result.outcome.value,
            }
        )
        for case in cases
    ]


def _reviewed(
    house: House, policy: ReviewPolicy, case: _Case, count: MeasureCount, on: date
) -> Review:
    """Return the review of one line in hand, and count it."""
    declared = {feature.name for feature in policy.features}
    known: Facts = {
        **review_facts(case.record, on),
        **signal_facts(case.standing.signals, appeals_open=case.standing.appeals_open, on=on),
        **case.report,
    }
    facts = {name: value for name, value in known.items() if name in declared}
    made = review(policy, _asked(house, case, on), facts, count.guards())
    count.add(made)
    return made


def _asked(house: House, case: _Case, on: date) -> ReviewedLine:
    record = case.record
    line = record.line
    terms = house.catalogue.terms(line.product_code, line.product_version)
    facts = review_facts(record, on)
    raises, clean = facts["own_raises_12_months"], facts["own_clean_statements"]
    assert isinstance(raises, int), "a count"
    assert isinstance(clean, int), "a count"
    measured_on = case.standing.measured_on
    block = blocked_by(line, on)
    status = block if block in {"frozen", "suspended"} else "active"
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
        days_suspended=_days_suspended(case, on),
        clean_statements=clean,
        as_of=on,
    )


def _days_suspended(case: _Case, on: date) -> int | None:
    held = [one.effective_on for one in case.standing.measures if one.kind is Kind.SUSPEND]
    return (on - held[-1]).days if held else None


def _limit_to_come(case: _Case) -> int:
    """Return the limit with the decreases that are announced and have not begun."""
    planned = [
        item.to_minor
        for item in case.standing.measures
        if item.status is Status.PLANNED and item.to_minor is not None
    ]
    return min([case.record.line.limit_minor, *planned])


def _kept(
    house: House, policy: ReviewPolicy, case: _Case, made: Review, now: datetime
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
        report_id=case.report_id,
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
    policy: ReviewPolicy,
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
        planned.append(_next(policy, item, record.line, outcomes.get(item.key), on))
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
    done = len(await line_measures.reinstate(house, back)) if back else 0
    if any(item.outcome in _KINDS for item in made):
        done += len(await line_measures.carry_out(house, on=on))
    return done


async def _read_report(
    house: House, policy: ReviewPolicy, customer_id: int, report_id: int
) -> Facts | Refused:
    """Return what a report says of what the policy reads; one past its data life is refused."""
    async with house.database.connection() as connection:
        report = await bureau.read_report(connection, customer_id=customer_id, report_id=report_id)
    occasion = house.occasions.by_code.get(OCCASION)
    if report is None or occasion is None or report.purpose not in occasion.reuses_reports_of:
        return refuse(REPORT_NOT_FOUND)
    names = frozenset(item.name for item in policy.features if item.source == "bureau")
    wanted = Wanted(facts=names, by=_BY_POLICY)
    found = await open_reports(house, [(report, True)], wanted, purpose=report.purpose)
    obtained = found[customer_id, report_id]
    return obtained if isinstance(obtained, Refused) else obtained.facts
