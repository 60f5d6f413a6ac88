"""Models: where each stands, what decides by it, what it is made of, and what is due.

Figures     Of the last validation and of the monitoring, as they are kept; none is computed here.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from counterfoil.console.access import Permission
from counterfoil.console.frame import BASE
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.visit import Visit
from counterfoil.console.words import code_label
from counterfoil.journeys.deciding.publish_model import (
    CardInUse,
    Registered,
    cards_in_use,
    list_registered,
    read_registered,
)
from counterfoil.models import monitoring_store, registry_store
from counterfoil.models.artefact import Artefact
from counterfoil.models.artefact_parts import Characteristic
from counterfoil.models.monitoring_store import EVERY_SEGMENT, Monitoring
from counterfoil.models.registry import Use, notices_of
from counterfoil.models.report_words import Words, decimal, percent
from counterfoil.platform.web.parts import Status

ROWS: Final = 100
_SHORT: Final = 12
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_STATES: Final = {"draft": "", "validated": "warn", "approved": "live", "live": "good"}
_LEVELS: Final = {"green": "good", "amber": "warn", "red": "bad"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """One model of the list."""

    href: str
    name: str
    hash: str
    status: Status
    owner: str
    live_since: str
    validated: str
    used_by: str
    due: Sequence[Status]


@dataclass(frozen=True, slots=True, kw_only=True)
class CardRow:
    """A points card that stands in a policy in force."""

    name: str
    hash: str
    purpose: str
    features: str
    since: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelsView:
    """Models, newest first, and the points cards that stand in policies."""

    rows: Sequence[ModelRow]
    cards: Sequence[CardRow]
    older_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureRow:
    """What one feature adds."""

    #: In the reader's language; empty where the registry does not know the feature.
    name: str
    feature: str
    direction: str
    lowest: str
    highest: str
    unknown: str
    csi: str
    missing: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRow:
    """One alarm of the last validation."""

    status: Status
    what: str
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringRow:
    """What monitoring found of one segment."""

    segment: str
    span: str
    cases: str
    status: Status
    figures: Sequence[str]
    due: str
    held: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """Something that happened to the model."""

    at: str
    what: str
    who: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelView:
    """One model with everything that is known of it."""

    row: ModelRow
    full_hash: str
    facts: Sequence[tuple[str, str]]
    #: Figures of the last validation; empty before the first.
    figures: Sequence[tuple[str, str]]
    alarms: Sequence[AlarmRow]
    monitoring: Sequence[MonitoringRow]
    features: Sequence[FeatureRow]
    uses: Sequence[tuple[str, str, str, str]]
    history: Sequence[HistoryRow]


async def show_list(visit: Visit) -> Response:
    """List models."""
    given = visit.request.query_params.get("after", "")
    after = given if _HASH.fullmatch(given) else None
    found = await list_registered(visit.desk.house, after=after, page=ROWS + 1)
    shown = found[:ROWS]
    older = shown[-1].model.model_sha256 if len(found) > ROWS else ""
    view = ModelsView(
        rows=[_row(visit, item) for item in shown],
        cards=[_card(visit, card) for card in await cards_in_use(visit.desk.house)],
        older_href=f"{BASE}/models?after={older}" if older else "",
    )
    return visit.page(
        "models/list.html",
        visit.t("nav.models"),
        view,
        journey="journeys.deciding.publish_model.list_registered",
        api_call="GET /v1/models",
        cli_call="counterfoil model list",
    )


async def show_one(visit: Visit) -> Response:
    """Show one model."""
    sha256 = visit.request.path_params["model"]
    found = None
    if _HASH.fullmatch(sha256):
        found = await read_registered(visit.desk.house, sha256)
    if found is None:
        return await errors.not_found(visit)
    async with visit.reading() as connection:
        artefact = await registry_store.read_file(connection, sha256)
        monitored = await monitoring_store.latest_monitorings(connection, [sha256])
        held = await monitoring_store.held_segments(connection, [sha256])
        report = None
        if found.validation is not None:
            report = await registry_store.read_report(connection, found.validation.validation_id)
    assert artefact is not None, "a registered model has a file"
    words = Words(visit.catalogue.language)
    view = ModelView(
        row=_row(visit, found),
        full_hash=sha256,
        facts=_facts(visit, found, artefact, words),
        figures=[] if report is None else _figures(report, words),
        alarms=[] if report is None else _alarms(visit, report, words),
        monitoring=[_monitoring(visit, item, held[sha256]) for item in monitored[sha256]],
        features=_features(artefact, report, words, _names(visit)),
        uses=[_use(visit, use) for use in found.uses],
        history=[
            HistoryRow(
                at=visit.formats.instant(event.at),
                what=visit.catalogue.label("model_step", event.act.value),
                who=event.done_by,
                reason=event.reason,
            )
            for event in found.events
        ],
    )
    return visit.page(
        "models/model.html",
        view.row.name,
        view,
        journey="journeys.deciding.publish_model.read_registered",
        api_call=f"GET /v1/models/{sha256}",
    )


def _row(visit: Visit, item: Registered) -> ModelRow:
    model, standing, validation = item.model, item.standing, item.validation
    due = notices_of(standing, validation, at=visit.desk.house.clock.now())
    used = [f"{use.code} {use.version}" for use in item.uses if use.is_in_force]
    return ModelRow(
        href=f"{BASE}/models/{model.model_sha256}",
        name=f"{model.code} {model.version}",
        hash=model.model_sha256[:_SHORT],
        status=visit.status("model_status", standing.state.value, _STATES),
        owner=model.owner,
        live_since=_day(visit, standing.live_since),
        validated=_day(visit, None if validation is None else validation.validated_at),
        used_by=", ".join(used) or "—",
        due=[
            Status(
                label=visit.catalogue.label("model_notice", notice.code),
                tone=_LEVELS[notice.level.value],
            )
            for notice in due
        ],
    )


def _card(visit: Visit, card: CardInUse) -> CardRow:
    return CardRow(
        name=f"{card.code} {card.version}",
        hash=card.policy_hash[:_SHORT],
        purpose=code_label(visit, "policy_purpose", card.purpose),
        features=visit.formats.count(card.features_count),
        since=visit.t("model.ships") if card.since is None else _day(visit, card.since),
    )


def _day(visit: Visit, at: Any) -> str:
    return str(visit.formats.day_of(at))


def _facts(
    visit: Visit, item: Registered, artefact: Artefact, words: Words
) -> list[tuple[str, str]]:
    t, standing, training = visit.t, item.standing, artefact.training
    return [
        (words("target"), f"{artefact.target.event} ({artefact.target.horizon_months})"),
        *words.card(artefact.card),
        (words("kind"), words(f"kind_{artefact.kind.value}")),
        (words("training"), f"{training.rows:,} · {percent(training.bad_ppm)}"),
        (words("data_hash"), training.data_sha256[:_SHORT]),
        (words("calibration_version"), artefact.calibration.version),
        (t("model.developer"), item.model.developer),
        (t("model.validator"), "—" if item.validation is None else item.validation.validated_by),
        (t("model.approver"), standing.approver or "—"),
        (t("model.approved_until"), _day(visit, standing.approved_until)),
    ]


def _figures(report: Mapping[str, Any], words: Words) -> list[tuple[str, str]]:
    rank, fit, stable = report["rank_order"], report["calibration"], report["stability"]
    whole = fit["whole"] or {}
    return [
        (words("auc"), decimal(rank["auc_ppm"])),
        (words("ks"), decimal(rank["ks_ppm"])),
        (words("gini"), decimal(rank["gini_ppm"])),
        (words("ratio"), decimal(whole.get("ratio_ppm"), 2)),
        (words("brier"), decimal(fit["brier_ppm"])),
        (words("psi"), decimal(stable["score_psi_ppm"])),
    ]


def _alarms(visit: Visit, report: Mapping[str, Any], words: Words) -> list[AlarmRow]:
    return [
        AlarmRow(
            status=visit.status("model_level", alarm["level"], _LEVELS),
            what=words(f"alarm_{alarm['code']}"),
            where=alarm["subject"] or words("whole"),
        )
        for alarm in report["alarms"]
    ]


def _monitoring(visit: Visit, item: Monitoring, held: Mapping[str, str]) -> MonitoringRow:
    figures = item.document.get("figures", {})
    return MonitoringRow(
        segment=visit.t("model.every_segment") if item.segment == EVERY_SEGMENT else item.segment,
        span=f"{_day(visit, item.since)} – {_day(visit, item.until)}",
        cases=f"{item.cases:,}",
        status=visit.status("model_level", item.level, _LEVELS),
        figures=[
            decimal(figures.get("auc_ppm")),
            decimal(figures.get("ks_ppm")),
            decimal(figures.get("score_psi_ppm")),
            decimal(figures.get("ratio_ppm"), 2),
            percent(figures.get("override_ppm")),
            percent(figures.get("missing_ppm")),
        ],
        due="—" if item.due_on is None else f"{item.owner} · {visit.formats.day(item.due_on)}",
        held=held.get(item.segment, ""),
    )


def _names(visit: Visit) -> dict[str, str]:
    """Return what features are called in the reader's language, by the registry in force."""
    known = visit.desk.house.registry.features
    key = "name_zh" if visit.catalogue.language.startswith("zh") else "name_en"
    return {name: str(getattr(feature, key)) for name, feature in known.items()}


def _features(
    artefact: Artefact,
    report: Mapping[str, Any] | None,
    words: Words,
    names: Mapping[str, str],
) -> list[FeatureRow]:
    moved: dict[str, int | None] = {}
    missing: dict[str, int | None] = {}
    if report is not None:
        moved = {row["feature"]: row["csi_ppm"] for row in report["stability"]["features"]}
        missing = {row["feature"]: row["missing_ppm"] for row in report["data_quality"]}
    return [
        FeatureRow(
            name=names.get(item.feature, ""),
            feature=item.feature,
            direction=words(f"direction_{item.monotone.value}"),
            lowest=f"{min(item.attainable()):,}",
            highest=f"{max(item.attainable()):,}",
            unknown="—" if item.unknown is None else f"{item.unknown:,}",
            csi=decimal(moved.get(item.feature)),
            missing=percent(missing.get(item.feature)),
            reason=_reason(artefact, item, words),
        )
        for item in artefact.characteristics
    ]


def _reason(artefact: Artefact, item: Characteristic, words: Words) -> str:
    reasons = artefact.card.get("reasons")
    given = reasons.get(item.reason) if isinstance(reasons, dict) else None
    return item.reason if given is None else f"{item.reason} · {words.of(given)}"


def _use(visit: Visit, use: Use) -> tuple[str, str, str, str]:
    state = visit.t("model.in_force") if use.is_in_force else visit.t("model.not_in_force")
    return (
        f"{use.code} {use.version}",
        use.purpose,
        visit.formats.instant(use.effective_from),
        state,
    )


PAGES: Final = (
    Page(path="/models", show=show_list, permission=Permission.READ_MODELS),
    Page(path="/models/{model}", show=show_one, permission=Permission.READ_MODELS),
)
