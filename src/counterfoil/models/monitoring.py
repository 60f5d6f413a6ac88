"""What a model does in use: its decisions and their outcomes against its last validation.

Baseline    The distribution of scores and features in the validation that the model was approved
            with. Outcomes come late: stability is told of all cases, rank order and calibration of
            those whose outcome is known.
Stop        Red stability of the score or red calibration: approvals of the segment go to a person
            until somebody lets them go again.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from counterfoil.models.metrics import agreement, rank_order, share_ppm, stability_ppm
from counterfoil.models.stability import score_counts
from counterfoil.models.thresholds import Level, Thresholds, above, outside, worst
from counterfoil.models.validation_data import Cases, bin_counts, cells_of, parts_of

#: Red alarms that stop automatic approvals.
STOPPING: Final = frozenset({"score_psi", "calibration", "calibration_month"})

Document = dict[str, Any]


def monitor(
    cases: Cases,
    baseline: Mapping[str, Any],
    limits: Thresholds,
    *,
    overridden: int,
) -> Document:
    """Return figures and alarms of the decisions of one segment.

    `overridden` is how many of them a person ended otherwise than the policy.
    """
    judged, height = cases.judged, cases.frame.height
    rank = rank_order(cells_of(judged))
    whole = agreement(cells_of(judged, "pd_ppm"))
    is_enough = height >= limits["monitoring"]["cases_min"]
    psi = _score_psi(cases, baseline) if is_enough else None
    features = _features(cases, baseline) if is_enough else []
    months = _months(cases, limits)
    missing = _missing_ppm(cases)
    overrides = share_ppm(overridden, height)
    alarms = above(limits, "score_psi", psi)
    for feature in features:
        alarms += above(limits, "feature_csi", feature["csi_ppm"], feature["feature"])
    alarms += outside(limits, {month["name"]: month["ratio_ppm"] for month in months})
    expected = baseline["rank_order"]["auc_ppm"]
    if rank.bad >= limits["sample"]["bad_min"] and rank.auc_ppm is not None and expected:
        alarms += above(limits, "auc_drop", expected - rank.auc_ppm)
    if is_enough:
        alarms += above(limits, "override_share", overrides)
        usual = _usual_missing_ppm(baseline)
        alarms += above(limits, "missing_rise", None if missing is None else missing - usual)
    return {
        "figures": {
            "auc_ppm": rank.auc_ppm,
            "gini_ppm": rank.gini_ppm,
            "ks_ppm": rank.ks_ppm,
            "score_psi_ppm": psi,
            "ratio_ppm": None if whole is None else whole.ratio_ppm,
            "override_ppm": overrides,
            "missing_ppm": missing,
            "cases": height,
            "judged": judged.height,
            "bad": rank.bad,
        },
        "features": features,
        "by_period": months,
        "alarms": [alarm.document() for alarm in alarms],
        "level": worst([alarm.level for alarm in alarms]).value,
    }


def stops(document: Mapping[str, Any]) -> list[str]:
    """Return the red alarms of a segment that stop its automatic approvals."""
    return sorted(
        {
            alarm["code"]
            for alarm in document["alarms"]
            if alarm["level"] == Level.RED and alarm["code"] in STOPPING
        }
    )


def _score_psi(cases: Cases, baseline: Mapping[str, Any]) -> int | None:
    bins = baseline["stability"]["score_bins"]
    return stability_ppm(bins["counts"], score_counts(cases.frame, bins["edges"]))


def _features(cases: Cases, baseline: Mapping[str, Any]) -> list[Document]:
    """Return the stability of each feature; cells that the baseline did not meet count zero."""
    rows = {row["feature"]: row["cells"] for row in baseline["data_quality"]}
    found = []
    for name, column in cases.scores.columns.items():
        before = {cell["bin"]: cell["cases"] for cell in rows.get(name, [])}
        was = [before.get(label, 0) for label in column.names]
        found.append({"feature": name, "csi_ppm": stability_ppm(was, bin_counts(cases, name))})
    return found


def _months(cases: Cases, limits: Thresholds) -> list[Document]:
    """Return predicted against actual of the months with enough predicted bad cases."""
    rows = []
    for name, part in parts_of(cases.judged, "period").items():
        found = agreement(cells_of(part, "pd_ppm"))
        assert found is not None, "a part has cases"
        is_enough = found.predicted_ppm * found.cases >= limits["monitoring"]["bad_min"] * 1_000_000
        rows.append(
            {
                "name": name,
                "cases": found.cases,
                "bad": found.bad,
                "predicted_ppm": found.predicted_ppm,
                "actual_ppm": found.actual_ppm,
                "ratio_ppm": found.ratio_ppm if is_enough else None,
            }
        )
    return rows


def _missing_ppm(cases: Cases) -> int | None:
    columns = cases.scores.columns.values()
    return share_ppm(sum(column.missing for column in columns), len(columns) * cases.frame.height)


def _usual_missing_ppm(baseline: Mapping[str, Any]) -> int:
    shares = [row["missing_ppm"] for row in baseline["data_quality"]]
    return sum(shares) // len(shares) if shares else 0


def frame_of(
    features: Sequence[Mapping[str, Any]], names: Sequence[str], more: Mapping[str, Sequence[Any]]
) -> pl.DataFrame:
    """Return decisions as cases: the model's features by name, and further columns beside them.

    A value of another type than its neighbours is kept as text, which the tables count as of a
    wrong type instead of failing over it.
    """
    columns = []
    for name in names:
        values = [row.get(name) for row in features]
        kinds = {type(value) for value in values if value is not None}
        if len(kinds) > 1:
            values = [None if value is None else str(value) for value in values]
        columns.append(pl.Series(name, values))
    return pl.DataFrame([*columns, *(pl.Series(name, list(more[name])) for name in more)])
