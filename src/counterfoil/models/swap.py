"""What a cut-off does to groups of people, and which cases two models sort differently.

Equal       Both models accept the same share of the same cases, and groups are compared at one
            cut-off for all: whoever is accepted more often was not asked for less.
"""

from collections.abc import Sequence
from typing import Any

import polars as pl

from counterfoil.models.metrics import (
    agreement,
    cut_off_for,
    impact_ratios_ppm,
    profit_minor,
    rank_order,
    share_ppm,
)
from counterfoil.models.question import Question
from counterfoil.models.thresholds import Alarm, Level, Thresholds
from counterfoil.models.validation_data import Cases, ValidationDataError, cells_of, parts_of

Document = dict[str, Any]


def swap_block(cases: Cases, champion: Cases, question: Question) -> Document:
    """Return the four sets: accepted by both, by one, by the other, by none."""
    if champion.frame.height != cases.frame.height:
        raise ValidationDataError("the champion was scored on other cases")
    both = cases.frame.with_columns(champion.frame.get_column("risk").alias("risk_of_champion"))
    judged = both.filter(
        pl.col("risk").is_not_null()
        & pl.col("risk_of_champion").is_not_null()
        & pl.col("bad").is_not_null()
    )
    judged = judged.with_columns(
        new=_accepted(judged, "risk", question.approval_ppm),
        old=_accepted(judged, "risk_of_champion", question.approval_ppm),
    )
    names = {
        "both": (True, True),
        "only_new": (True, False),
        "only_old": (False, True),
        "none": (False, False),
    }
    sets = {
        name: _set(judged.filter((pl.col("new") == new) & (pl.col("old") == old)))
        for name, (new, old) in names.items()
    }
    new, old = (_profit(judged.filter(column), question) for column in ("new", "old"))
    return {
        "champion": {
            "code": champion.artefact.code,
            "version": champion.artefact.version,
            "sha256": champion.artefact.sha256,
            "auc_ppm": rank_order(cells_of(judged, "risk_of_champion")).auc_ppm,
        },
        "auc_ppm": rank_order(cells_of(judged)).auc_ppm,
        "sets": sets,
        "profit": {
            "has_amounts": cases.layout.amount is not None,
            "margin_ppm": question.margin_ppm,
            "loss_ppm": question.loss_ppm,
            "new_minor": new,
            "old_minor": old,
        },
    }


def fairness_block(
    cases: Cases, approval_ppm: int, limits: Thresholds
) -> tuple[list[Document], list[Alarm]]:
    """Return approval, bad rate and calibration of each group at one cut-off for all."""
    judged = cases.judged
    cut_off = cut_off_for(cells_of(judged), approval_ppm=approval_ppm)
    whole = agreement(cells_of(judged, "pd_ppm"))
    if cut_off is None or whole is None:
        return [], []
    blocks: list[Document] = []
    alarms: list[Alarm] = []
    for number, name in enumerate(cases.layout.groups):
        rows = _group_rows(judged, f"group_{number}", cut_off, limits)
        blocks.append({"group": name, "values": rows})
        for row in rows:
            alarms += _group_alarms(name, row, whole.ratio_ppm, limits)
    return blocks, alarms


def _accepted(judged: pl.DataFrame, risk: str, approval_ppm: int) -> pl.Series:
    cut_off = cut_off_for(cells_of(judged, risk), approval_ppm=approval_ppm)
    risks = judged.get_column(risk)
    return risks <= cut_off if cut_off is not None else risks.is_null()


def _set(part: pl.DataFrame) -> Document:
    bad = int((part.get_column("bad") == 1).sum())
    return {
        "cases": part.height,
        "bad": bad,
        "bad_ppm": share_ppm(bad, part.height),
        "amount_minor": int(part.get_column("amount_minor").sum()),
    }


def _profit(part: pl.DataFrame, question: Question) -> int:
    totals = {
        bad: int(part.filter(pl.col("bad") == bad).get_column("amount_minor").sum())
        for bad in (0, 1)
    }
    earned = profit_minor(
        good=1, bad=0, amount_minor=totals[0], margin_ppm=question.margin_ppm, loss_ppm=0
    )
    lost = profit_minor(
        good=0, bad=1, amount_minor=totals[1], margin_ppm=0, loss_ppm=question.loss_ppm
    )
    return earned + lost


def _group_rows(
    judged: pl.DataFrame, column: str, cut_off: int, limits: Thresholds
) -> list[Document]:
    parts = parts_of(judged, column)
    enough = limits["impact_ratio"]["cases_min"]
    approved = {key: part.filter(pl.col("risk") <= cut_off) for key, part in parts.items()}
    counted = {
        key: (approved[key].height, part.height)
        for key, part in parts.items()
        if part.height >= enough
    }
    ratios = impact_ratios_ppm(counted)
    rows = []
    for key, part in parts.items():
        found = agreement(cells_of(part, "pd_ppm"))
        assert found is not None, "a part has cases"
        taken = approved[key]
        rows.append(
            {
                "value": key,
                "cases": part.height,
                "approved_ppm": share_ppm(taken.height, part.height),
                "bad_ppm": found.actual_ppm,
                "bad_among_approved_ppm": share_ppm(_bad(taken), taken.height),
                "impact_ratio_ppm": ratios.get(key),
                "calibration_ratio_ppm": found.ratio_ppm,
                "p_value_ppm": found.p_value_ppm,
                "auc_ppm": rank_order(cells_of(part)).auc_ppm,
            }
        )
    return rows


def _bad(part: pl.DataFrame) -> int:
    return int((part.get_column("bad") == 1).sum())


def _group_alarms(
    name: str, row: Document, whole_ppm: int | None, limits: Thresholds
) -> Sequence[Alarm]:
    """Ratio under the threshold is red; over it with clearly worse calibration is amber."""
    subject, ratio = f"{name} = {row['value']}", row["impact_ratio_ppm"]
    limit = limits["impact_ratio"]["red"]
    if ratio is None:
        return ()
    if ratio < limit:
        return (
            Alarm(
                code="impact_ratio",
                level=Level.RED,
                subject=subject,
                figure_ppm=ratio,
                threshold_ppm=limit,
            ),
        )
    own = row["calibration_ratio_ppm"]
    if own is None or whole_ppm is None:
        return ()
    worse = abs(own - 1_000_000) - abs(whole_ppm - 1_000_000)
    allowed = limits["group_calibration"]["amber"]
    # A small group differs by chance alone.
    if worse < allowed or row["p_value_ppm"] > limits["grade_calibration"]["p_value"]:
        return ()
    return (
        Alarm(
            code="group_calibration",
            level=Level.AMBER,
            subject=subject,
            figure_ppm=own,
            threshold_ppm=allowed,
        ),
    )
