"""The validation of a model on data: one document of figures, thresholds and alarms.

Shapes      A document of plain values (`counterfoil-model-validation/1`), from which the page, the
            registry and the monitoring are made; the same model, data and thresholds give the same
            document. Its hash is the SHA-256 of its canonical bytes (RFC 8785).
Units       Ppm, 1e-6 nats and minor units, integers alone. None where a figure does not exist.
Reference   Stability is told against a reference: a file given as such, such as the training data,
            or else the first period. Without both there is no stability to tell.
Verdict     The worst alarm. A broken direction or a red alarm means that the model may not be
            approved as it is.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import polars as pl
import rfc8785

from counterfoil.models.artefact import Artefact
from counterfoil.models.artefact_parts import Characteristic, keeps_direction
from counterfoil.models.metrics import (
    PPM,
    Cell,
    agreement,
    brier_ppm,
    by_cut_off,
    cut_off_for,
    log_loss_e6,
    rank_order,
    roc,
    share_ppm,
)
from counterfoil.models.question import Question
from counterfoil.models.stability import Reference, data_block, reference_of, stability_block
from counterfoil.models.swap import fairness_block, swap_block
from counterfoil.models.thresholds import Alarm, Level, Thresholds, above, outside, worst
from counterfoil.models.validation_data import Cases, cells_of, parts_of

FORMAT: Final = "counterfoil-model-validation/1"
#: Points that the curves of a page are drawn with.
CURVE_POINTS: Final = 100

Document = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class _Draft:
    """Blocks and alarms as they come."""

    blocks: Document = field(default_factory=dict)
    alarms: list[Alarm] = field(default_factory=list)

    def add(self, name: str, block: Any, alarms: Sequence[Alarm] = ()) -> None:
        self.blocks[name] = block
        self.alarms += alarms


def validate(cases: Cases, question: Question) -> Document:
    """Return what is found of a model on its cases."""
    limits, draft = question.thresholds, _Draft()
    reference = reference_of(cases, question.reference)
    draft.add("rank_order", *_rank_block(cases, question))
    draft.add("stability", *stability_block(cases, reference, limits))
    draft.add("calibration", *_calibration_block(cases, limits))
    draft.add("action", *_action_block(cases, question))
    draft.add("fairness", *fairness_block(cases, question.approval_ppm, limits))
    draft.add("data_quality", *data_block(cases, reference, limits))
    draft.add("monotone", *_monotone_block(cases.artefact))
    levels = [alarm.level for alarm in draft.alarms]
    verdict = worst(levels)
    return {
        "format": FORMAT,
        "model": _model_block(cases.artefact),
        "data": _cases_block(cases, question, reference),
        **draft.blocks,
        "thresholds": {name: dict(table) for name, table in limits.items()},
        "alarms": [alarm.document() for alarm in draft.alarms],
        "verdict": verdict.value,
        "may_be_approved": verdict is not Level.RED,
    }


def digest(document: Document) -> bytes:
    """Return the identity of a validation."""
    return hashlib.sha256(rfc8785.dumps(document)).digest()


def read_document(content: bytes) -> Document:
    """Return the document of a file; raises ValueError where it is none, or contradicts itself."""
    document = json.loads(content)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f"is not the document of a validation ({FORMAT})")
    try:
        levels = [Level(alarm["level"]) for alarm in document["alarms"]]
        codes = [str(alarm["code"]) for alarm in document["alarms"]]
        broken = [row["feature"] for row in document["monotone"] if not row["holds"]]
        texts = (document["model"]["sha256"], document["data"]["sha256"])
        verdict = document["verdict"]
        rfc8785.dumps(document)
    except (KeyError, TypeError, ValueError, rfc8785.CanonicalizationError) as fault:
        raise ValueError(f"lacks a part of a validation: {fault}") from fault
    if any(not isinstance(text, str) for text in texts) or verdict != worst(levels).value:
        raise ValueError("contradicts itself: the verdict is not the worst alarm")
    if ("monotone" in codes) != bool(broken):
        raise ValueError("contradicts itself: a broken direction is an alarm")
    return document


def _model_block(artefact: Artefact) -> Document:
    return {
        "code": artefact.code,
        "version": artefact.version,
        "sha256": artefact.sha256,
        "kind": artefact.kind.value,
        "calibration": artefact.calibration.version,
    }


def _cases_block(cases: Cases, question: Question, reference: Reference | None) -> Document:
    judged, layout = cases.judged, cases.layout
    periods = sorted(set(cases.frame.get_column("period"))) if layout.period else []
    return {
        "sha256": question.data_sha256,
        "rows": cases.frame.height,
        "scored": cases.scored.height,
        "judged": judged.height,
        "bad": int((judged.get_column("bad") == 1).sum()),
        "is_training_data": question.data_sha256 == cases.artefact.training.data_sha256,
        "target": layout.target,
        "period_column": layout.period,
        "periods": [periods[0], periods[-1]] if periods else None,
        "segment_column": layout.segment,
        "reference": None if reference is None else reference.name,
    }


def _rank_block(cases: Cases, question: Question) -> tuple[Document, list[Alarm]]:
    limits, judged = question.thresholds, cases.judged
    cells = cells_of(judged)
    whole = rank_order(cells)
    intervals = (
        {} if question.resample is None or whole.auc_ppm is None else question.resample(cells)
    )
    expected = _expected_auc(cases.artefact)
    alarms = above(limits, "auc_high", whole.auc_ppm)
    if expected is not None and whole.auc_ppm is not None:
        alarms += above(limits, "auc_drop", expected - whole.auc_ppm)
    if whole.bad < limits["sample"]["bad_min"]:
        alarms.append(
            Alarm(
                code="sample",
                level=Level.AMBER,
                subject="",
                figure_ppm=None,
                threshold_ppm=None,
            )
        )
    unscored = share_ppm(cases.frame.height - cases.scored.height, cases.frame.height)
    block = {
        **asdict(whole),
        "intervals": {name: list(ends) for name, ends in intervals.items()},
        "expected_auc_ppm": expected,
        "roc": [list(point) for point in roc(cells, points=CURVE_POINTS)],
        "ks_curve": _ks_curve(cells),
        "by_period": _ranks(judged, "period", cases.layout.period),
        "by_segment": _ranks(judged, "segment", cases.layout.segment),
        "unscored_ppm": unscored,
    }
    return block, alarms + above(limits, "unscored_share", unscored)


def _expected_auc(artefact: Artefact) -> int | None:
    """Return the AUC that training found on folds it had not seen; None where the card has none."""
    figures = artefact.card.get("figures")
    found = figures.get("auc_ppm") if isinstance(figures, Mapping) else None
    return found if isinstance(found, int) else None


def _ks_curve(cells: Sequence[Cell]) -> list[list[int]]:
    """Return (share of cases, of good, of bad) from the lowest risk up, ppm."""
    goods, bads = sum(cell.good for cell in cells), sum(cell.bad for cell in cells)
    if goods == 0 or bads == 0:
        return []
    cases, good, bad = goods + bads, 0, 0
    curve, drawn = [[0, 0, 0]], 0
    for cell in cells:
        good, bad = good + cell.good, bad + cell.bad
        if (good + bad - drawn) * CURVE_POINTS >= cases or good + bad == cases:
            drawn = good + bad
            curve.append([drawn * PPM // cases, good * PPM // goods, bad * PPM // bads])
    return curve


def _ranks(judged: pl.DataFrame, column: str, name: str | None) -> list[Document]:
    if name is None:
        return []
    return [
        {"name": key, **asdict(rank_order(cells_of(part)))}
        for key, part in parts_of(judged, column).items()
    ]


def _calibration_block(cases: Cases, limits: Thresholds) -> tuple[Document, list[Alarm]]:
    judged = cases.judged
    cells = cells_of(judged, "pd_ppm")
    whole = agreement(cells)
    months = _agreements(judged, "period") if cases.layout.period else []
    grades = _agreements(judged, "band")
    order = {band.code: number for number, band in enumerate(cases.artefact.bands)}
    grades.sort(key=lambda grade: order[grade["name"]])
    alarms = outside(limits, {month["name"]: month["ratio_ppm"] for month in months})
    if whole is not None and whole.ratio_ppm is not None:
        alarms += _whole_alarm(whole.ratio_ppm, limits["calibration"])
    alarms += [alarm for grade in grades for alarm in _grade_alarm(grade, limits)]
    block = {
        "brier_ppm": brier_ppm(cells),
        "log_loss_e6": log_loss_e6(cells),
        "whole": None if whole is None else asdict(whole),
        "by_grade": grades,
        "by_period": months,
        "by_segment": _agreements(judged, "segment") if cases.layout.segment else [],
    }
    return block, alarms


def _whole_alarm(ratio_ppm: int, limits: Mapping[str, int]) -> list[Alarm]:
    for level, low, high in (
        (Level.RED, limits["red_low"], limits["red_high"]),
        (Level.AMBER, limits["low"], limits["high"]),
    ):
        if not low <= ratio_ppm <= high:
            return [
                Alarm(
                    code="calibration",
                    level=level,
                    subject="",
                    figure_ppm=ratio_ppm,
                    threshold_ppm=low if ratio_ppm < low else high,
                )
            ]
    return []


def _grade_alarm(grade: Document, limits: Thresholds) -> list[Alarm]:
    ratio, p_value = grade["ratio_ppm"], grade["p_value_ppm"]
    low, high = limits["calibration"]["low"], limits["calibration"]["high"]
    limit = limits["grade_calibration"]["p_value"]
    if ratio is None or low <= ratio <= high or p_value > limit:
        return []
    return [
        Alarm(
            code="grade_calibration",
            level=Level.AMBER,
            subject=grade["name"],
            figure_ppm=p_value,
            threshold_ppm=limit,
        )
    ]


def _agreements(judged: pl.DataFrame, column: str) -> list[Document]:
    found = []
    for key, part in parts_of(judged, column).items():
        made = agreement(cells_of(part, "pd_ppm"))
        assert made is not None, "a part has cases"
        found.append({"name": key, **asdict(made)})
    return found


def _action_block(cases: Cases, question: Question) -> tuple[Document, list[Alarm]]:
    cells = cells_of(cases.judged)
    swap = None if question.champion is None else swap_block(cases, question.champion, question)
    block = {
        "approval_ppm": question.approval_ppm,
        "cut_off_risk": cut_off_for(cells, approval_ppm=question.approval_ppm),
        "cut_offs": [asdict(cut) for cut in by_cut_off(cells)],
        "swap": swap,
    }
    return block, []


def _monotone_block(artefact: Artefact) -> tuple[list[Document], list[Alarm]]:
    """Hold every table to its declared direction; the tables, not samples of them."""
    rows, alarms = [], []
    for item in artefact.characteristics:
        holds = keeps_direction(item.monotone, artefact.risks(item.values))
        rows.append(
            {"feature": item.feature, "declared": item.monotone.value, "holds": holds}
            | {"broken_at": None if holds else _break(artefact, item)}
        )
        if not holds:
            alarms.append(
                Alarm(
                    code="monotone",
                    level=Level.RED,
                    subject=item.feature,
                    figure_ppm=None,
                    threshold_ppm=None,
                )
            )
    return rows, alarms


def _break(artefact: Artefact, item: Characteristic) -> int | None:
    """Return the first edge across which the risk goes against the declared direction."""
    risks = artefact.risks(item.values)
    for number, edge in enumerate(item.edges):
        if not keeps_direction(item.monotone, risks[: number + 2]):
            return edge
    return None
