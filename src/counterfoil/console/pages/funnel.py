"""The funnel of applications: how far they came, how fast, who left where, why persons were asked.

Counted     Applications received in a period that ends with the business date, by product, channel,
            segment or policy version.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from starlette.responses import Response

from counterfoil.bureau.report_row import Usage
from counterfoil.console import words
from counterfoil.console.page import Page
from counterfoil.console.visit import Visit
from counterfoil.decisioning.application import Channel
from counterfoil.decisioning.funnel_store import SourceTime, Stages, StepTime
from counterfoil.decisioning.inclusion import KINDS, KindCount, SegmentCount, StarterPath
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.policy_parts import Segment
from counterfoil.journeys.applying.funnel import (
    COMPLIANCE_STEPS,
    GROUPS,
    FunnelQuestion,
    GroupFunnel,
    read_funnel,
    read_inquiries,
    read_sources,
)
from counterfoil.journeys.applying.inclusion import read_inclusion, read_segments, starter_path
from counterfoil.platform.web import charts
from counterfoil.platform.web.parts import Chart

PERIODS: Final = (7, 30, 90, 365)
PERIOD: Final = 30
_PERIODS: Final = frozenset(str(days) for days in PERIODS)
CHANNELS: Final = tuple(item.value for item in Channel)
_BP: Final = 10_000
_HUNDREDTHS: Final = 100
_SECOND_MS: Final = 1_000
_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """How many took a step, and how long."""

    name: str
    is_compliance: bool
    began: str
    ended: str
    #: Count and share of those that began it.
    left: str
    median: str
    p95: str
    p99: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupView:
    """The funnel of one group."""

    #: Made into element ids.
    name: str
    chart: Chart
    facts: Sequence[tuple[str, str]]
    steps: Sequence[StepRow]
    #: Rule and how often it asked for a person.
    triggers: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedView:
    """How groups of customers were served: what they were offered, and how they repaid."""

    #: Name, applied, not known, share approved, of how many, median limit, median price, reviews.
    offers: Sequence[Sequence[str]]
    #: Name, default, of how many, cured, of how many, grown, of how many.
    outcomes: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FunnelView:
    """All products that were applied for."""

    period: int
    periods: Sequence[tuple[int, str]]
    by: str
    groups: Sequence[tuple[str, str]]
    channel: str
    channels: Sequence[tuple[str, str]]
    product: str
    product_choices: Sequence[tuple[str, str]]
    note: str
    #: What was asked of the bureau, and how often it did not need to be.
    inquiries: Sequence[tuple[str, str]]
    #: Source, asked, answered, over its time, median.
    sources: Sequence[tuple[str, str, str, str, str]]
    products: Sequence[GroupView]
    #: How kinds of customers fared, and how segments of policies did.
    kinds: ServedView
    segments: ServedView
    #: How those fare who begin with a small limit; empty where nobody applied.
    starter: str


async def show(visit: Visit) -> Response:
    """Show the funnel of each group."""
    given = visit.request.query_params
    period = int(given.get("period", "")) if given.get("period", "") in _PERIODS else PERIOD
    by = given.get("by", "") if given.get("by", "") in GROUPS else GROUPS[0]
    channel = given.get("channel", "") if given.get("channel", "") in CHANNELS else ""
    products = visit.desk.product_names
    product = given.get("product", "") if given.get("product", "") in products else ""
    kinds: list[KindCount] = []
    segments: list[tuple[Policy, Segment, SegmentCount]] = []
    async with visit.reading() as connection:
        last = visit.business_date
        if last is not None:
            reader: Any = connection
            since = last - timedelta(days=period - 1)
            kinds = await read_inclusion(reader, first_date=since, last_date=last)
            segments = await read_segments(reader, first_date=since, last_date=last)
    found: list[GroupFunnel] = []
    sources: list[SourceTime] = []
    asked: Usage | None = None
    first = None
    if last is not None:
        first = last - timedelta(days=period - 1)
        question = FunnelQuestion(
            first_date=first,
            last_date=last,
            product_code=product or None,
            channel=channel or None,
            by=by,
        )
        found = await read_funnel(visit.desk.house.database, question)
        sources = await read_sources(visit.desk.house, question)
        asked = await read_inquiries(visit.desk.house, question)
    days = (visit.formats.day(first), visit.formats.day(last))
    note = visit.t("stages.note", first=days[0], last=days[1])
    view = FunnelView(
        period=period,
        periods=[(days, visit.t("overview.period_days", days=days)) for days in PERIODS],
        by=by,
        groups=[(name, visit.catalogue.label("funnel_group", name)) for name in GROUPS],
        channel=channel,
        channels=[(name, words.code_label(visit, "channel", name)) for name in CHANNELS],
        product=product,
        product_choices=[(code, words.product_name(visit, code)) for code in products],
        note=note,
        inquiries=[] if asked is None or not asked.served else _inquiries(visit, asked),
        sources=[_source(visit, one) for one in sources],
        kinds=_served(visit, [(_kind_name(visit, one), one) for one in kinds]),
        segments=_served(visit, [(_segment_name(visit, *row), row[2]) for row in segments]),
        starter=_starter(visit, starter_path(segments)) if segments else "",
        products=[_group(visit, number, one, note, by) for number, one in enumerate(found)],
    )
    return visit.page(
        "funnel/funnel.html",
        visit.t("nav.funnel"),
        view,
        journey="journeys.applying.funnel.read_funnel",
        api_call=f"GET /v1/applications/funnel?from={days[0]}&to={days[1]}&by={by}",
    )


def _kind_name(visit: Visit, one: KindCount) -> str:
    name = KINDS[one.code]
    return name.zh if visit.catalogue.language == "zh-CN" else name.en


def _segment_name(visit: Visit, policy: Policy, segment: Segment, _: SegmentCount) -> str:
    name = segment.name_zh if visit.catalogue.language == "zh-CN" else segment.name_en
    return f"{name} · {policy.code} {policy.version}"


def _served(visit: Visit, found: Sequence[tuple[str, KindCount | SegmentCount]]) -> ServedView:
    f, currency = visit.formats, visit.desk.house.policies.origination.policy.currency
    return ServedView(
        offers=[
            [
                name,
                f.count(one.applied),
                f.count(one.not_known if isinstance(one, KindCount) else None),
                f.percent(one.approved, one.decided),
                f.count(one.decided),
                f.money(one.limit_median_minor, currency),
                f.rate_annual(one.rate_median_daily_e8),
                f.count(one.reviews if isinstance(one, KindCount) else None),
            ]
            for name, one in found
        ],
        outcomes=[
            [
                name,
                f.percent(one.defaulted, one.observed),
                f.count(one.observed),
                f.percent(one.cured, one.late),
                f.count(one.late),
                f.percent(one.graduated, _grown_of(one)),
                f.count(_grown_of(one)),
            ]
            for name, one in found
        ],
    )


def _grown_of(one: KindCount | SegmentCount) -> int:
    """Return the lines of which those are counted that have grown."""
    return one.lines if isinstance(one, KindCount) else one.seasoned


def _starter(visit: Visit, path: StarterPath) -> str:
    f = visit.formats
    return visit.t(
        "stages.starter",
        lines=f.count(path.lines),
        seasoned=f.count(path.seasoned),
        graduated=f.count(path.graduated),
        share=f.percent(path.graduated, path.seasoned),
    )


def _inquiries(visit: Visit, asked: Usage) -> list[tuple[str, str]]:
    t, f = visit.t, visit.formats
    each = asked.inquiries * _HUNDREDTHS // asked.customers if asked.customers else 0
    return [
        (t("stages.inquiries_made"), f.count(asked.inquiries)),
        (t("stages.inquiries_customers"), f.count(asked.customers)),
        (t("stages.inquiries_each"), f"{each // _HUNDREDTHS}.{each % _HUNDREDTHS:02}"),
        (t("stages.inquiries_reused"), f.count(asked.reuses)),
        (t("stages.inquiries_share"), f.percent(asked.reuses, asked.served)),
        (t("stages.inquiries_open"), f.count(asked.open_inquiries)),
    ]


def _source(visit: Visit, one: SourceTime) -> tuple[str, str, str, str, str]:
    f, median = visit.formats, one.median_seconds
    return (
        one.source,
        f.count(one.asked),
        f.count(one.answered),
        f.count(one.over_limit),
        "—" if median is None else _time(visit, median * _SECOND_MS),
    )


def _title(visit: Visit, by: str, code: str) -> str:
    """Return how a group is called."""
    if by == "product":
        return words.product_name(visit, code)
    return words.code_label(visit, "channel", code) if by == "channel" else code


def _group(visit: Visit, number: int, one: GroupFunnel, note: str, by: str) -> GroupView:
    t, f, stages = visit.t, visit.formats, one.stages
    approved = stages.approved_by_policy + stages.approved_by_person
    name = f"funnel-{number}"
    counts = (
        (t("funnel.received"), stages.received),
        (t("funnel.decided"), stages.decided),
        (t("funnel.approved"), approved),
        (t("funnel.accepted"), stages.accepted),
    )
    title = _title(visit, by, stages.group_code)
    straight = one.straight_through_bp
    return GroupView(
        name=name,
        chart=Chart(
            name=name,
            title=title,
            note=note,
            picture=charts.funnel(
                name,
                [(label, count, None) for label, count in counts],
                title=title,
                description=t("stages.description"),
            ),
            columns=(t("stages.stage"), t("stages.applications"), t("stages.share")),
            rows=[
                (label, f.count(count), f.percent(count, stages.received))
                for label, count in counts
            ],
            empty=t("stages.none"),
        ),
        facts=_facts(visit, stages, "—" if straight is None else f.percent(straight, _BP)),
        steps=[_step(visit, step) for step in one.steps],
        triggers=[(rule, f.count(count)) for rule, count in one.triggers.items()],
    )


def _facts(visit: Visit, stages: Stages, straight: str) -> list[tuple[str, str]]:
    t, f = visit.t, visit.formats
    return [
        (t("stages.straight"), straight),
        (t("stages.referred"), f.count(stages.referred)),
        (t("stages.approved_by_policy"), f.count(stages.approved_by_policy)),
        (t("stages.approved_by_person"), f.count(stages.approved_by_person)),
        (t("stages.declined_by_policy"), f.count(stages.declined_by_policy)),
        (t("stages.declined_by_person"), f.count(stages.declined_by_person)),
        (t("stages.left_undecided"), _left(visit, stages.expired_undecided,
                                           stages.withdrawn_undecided)),
        (t("stages.left_referred"), _left(visit, stages.expired_referred,
                                          stages.withdrawn_referred)),
        (t("stages.left_offered"), _left(visit, stages.expired_offered,
                                         stages.withdrawn_offered)),
    ]  # fmt: skip


def _left(visit: Visit, expired: int, withdrawn: int) -> str:
    f = visit.formats
    return visit.t("stages.left_of", expired=f.count(expired), withdrawn=f.count(withdrawn))


def _step(visit: Visit, step: StepTime) -> StepRow:
    return StepRow(
        name=visit.catalogue.label("funnel_step", step.step),
        is_compliance=step.step in COMPLIANCE_STEPS,
        began=visit.formats.count(step.began),
        ended=visit.formats.count(step.ended),
        left=visit.t(
            "stages.left_share",
            count=visit.formats.count(step.left_off),
            share=visit.formats.percent(step.left_off, step.began),
        ),
        median=_time(visit, step.median_ms),
        p95=_time(visit, step.p95_ms),
        p99=_time(visit, step.p99_ms),
    )


def _time(visit: Visit, milliseconds: int | None) -> str:
    """Return a time with one digit after the point of its largest unit, rounded down."""
    if milliseconds is None:
        return "—"
    for unit, size in (("hours", _HOUR_MS), ("minutes", _MINUTE_MS), ("seconds", _SECOND_MS)):
        if milliseconds >= size:
            tenths = milliseconds * 10 // size
            return visit.t(f"evidence.{unit}", count=f"{tenths // 10:,}.{tenths % 10}")
    return f"{milliseconds} ms"


PAGES: Final = (Page(path="/funnel", show=show),)
