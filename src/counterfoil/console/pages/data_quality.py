"""Data quality: how far each source can be relied on, what checks found, what waits malformed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

from markupsafe import Markup
from starlette.responses import Response

from counterfoil.console import words
from counterfoil.console.frame import BASE
from counterfoil.console.page import Page
from counterfoil.console.pages import quarantine
from counterfoil.console.visit import Visit
from counterfoil.features.quality_store import Result
from counterfoil.features.store import Quarantined
from counterfoil.journeys.knowing.feature_quality import SourceQuality, quality_of_sources
from counterfoil.kernel import ids
from counterfoil.platform.web.charts import spark
from counterfoil.platform.web.parts import Status

_KEY: Final = attrgetter("draft.customer_id", "event_id")
_TONES: Final = {"pass": "good", "warn": "warn", "degrade": "warn", "stop": "bad"}
_PPM_PER_PERCENT: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """One source."""

    name: str
    owner: str
    #: Of one record, and of all in the days by which it is judged.
    cost: str
    records: str
    spent: str
    score: str
    #: Its score day by day, drawn and in words.
    spark: Markup
    before: str
    effect: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRow:
    """One check."""

    code: str
    kind: str
    source: str
    member: str
    cases: str
    wrong: str
    effect: Status
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRow:
    """One malformed event."""

    record: str
    #: Where it is repaired or discarded.
    href: str
    source: str
    kind: str
    why: str
    held_at: str
    age: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DataQualityView:
    """The page."""

    sources: Sequence[SourceRow]
    checks: Sequence[CheckRow]
    waiting: Sequence[WaitingRow]
    corrections_href: str
    done: str


async def show(visit: Visit) -> Response:
    """Show the quality of every source."""
    async with visit.reading() as connection:
        found = await quality_of_sources(visit.desk.house, connection)  # type: ignore[arg-type]
    waiting = await quarantine.waiting(visit)
    seen = await visit.in_queue(waiting, ids.EVENT, _KEY)
    view = DataQualityView(
        sources=[_source(visit, one) for one in found],
        checks=[_check(visit, check) for one in found for check in one.checks],
        waiting=[_waiting(visit, one) for one in seen],
        corrections_href=f"{BASE}/data/corrections",
        done=visit.done(*quarantine.DONE),
    )
    return visit.page(
        "data_quality/page.html",
        visit.t("nav.data"),
        view,
        journey="counterfoil.journeys.knowing.feature_quality.quality_of_sources",
        api_call="GET /v1/feature-sources",
        cli_call="counterfoil features quality",
    )


def _source(visit: Visit, one: SourceQuality) -> SourceRow:
    scores = [score for _, score in one.history if score is not None]
    return SourceRow(
        name=_source_name(visit, one.source),
        owner=words.code_label(visit, "data_owner", one.owner),
        cost=visit.formats.money(one.cost_minor, "CNY"),
        records=visit.formats.count(one.records_count),
        spent=visit.formats.money(one.spent_minor, "CNY"),
        score=_percent(one.score_ppm),
        spark=spark([None if score is None else score for _, score in one.history]),
        before=visit.t("data.lowest", score=_percent(min(scores)), days=len(scores))
        if scores
        else "—",
        effect=visit.status("data_effect", one.effect.value, _TONES),
    )


def _check(visit: Visit, one: Result) -> CheckRow:
    return CheckRow(
        code=one.code,
        kind=visit.catalogue.label("data_check", one.kind),
        source=_source_name(visit, one.source),
        member=_member_name(visit, one.member) or "—",
        cases=visit.formats.count(one.cases),
        wrong=visit.formats.count(one.wrong),
        effect=visit.status("data_effect", one.effect.value, _TONES),
        at=visit.formats.instant(one.measured_at),
    )


def _waiting(visit: Visit, one: Quarantined) -> WaitingRow:
    return WaitingRow(
        record=ids.to_text(ids.EVENT, one.event_id),
        href=quarantine.href_of(one),
        source=_source_name(visit, one.draft.source),
        kind=_kind_name(visit, one.draft.kind),
        why=" · ".join(
            filter(
                None,
                (
                    visit.catalogue.label("held_reason", one.reason),
                    _member_name(visit, one.member),
                ),
            )
        ),
        held_at=visit.formats.instant(one.held_at),
        age=visit.t("data.days", days=max((visit.desk.house.clock.now() - one.held_at).days, 0)),
    )


def _source_name(visit: Visit, code: str) -> str:
    """Return the name of a source; a malformed event may name one that nobody knows."""
    return _name(visit, visit.desk.house.registry.sources, code)


def _kind_name(visit: Visit, code: str) -> str:
    return _name(visit, visit.desk.house.registry.kinds, code)


def _member_name(visit: Visit, name: str) -> str:
    """Return the name of a member of an event: that of the feature which is made from it."""
    return _name(visit, visit.desk.house.registry.features, name)


def _name(visit: Visit, known: Mapping[str, Any], code: str) -> str:
    one = known.get(code)
    if one is None:
        return code
    return str(one.name_zh if visit.formats.language == "zh-CN" else one.name_en)


def _percent(share_ppm: int | None) -> str:
    """Return a share in percent with one digit, rounded down; a dash for none."""
    if share_ppm is None:
        return "—"
    tenths = share_ppm * 10 // _PPM_PER_PERCENT
    return f"{tenths // 10}.{tenths % 10} %"


PAGES: Final = (Page(path="/data", show=show),)
