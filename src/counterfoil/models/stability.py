"""Whether a model meets what it was made for: distributions and gaps against a reference."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from counterfoil.models.metrics import share_ppm, stability_ppm
from counterfoil.models.thresholds import Alarm, Thresholds, above
from counterfoil.models.validation_data import Cases, bin_counts, parts_of

#: Bins of equal size in the reference, by which the stability of scores is told.
SCORE_BINS: Final = 10
#: What the first period is called where it is the reference.
FIRST_PERIOD: Final = "first_period"
GIVEN: Final = "given"

Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What a model's cases looked like when it was made."""

    #: `given` or `first_period`.
    name: str
    cases: Cases
    #: Cases of the reference among its file.
    mask: pl.Series
    #: Upper ends of the score's bins but the last, as risk.
    edges: Sequence[int]

    def score_counts(self, frame: pl.DataFrame) -> list[int]:
        """Return how many scored cases fall into each bin of the score."""
        return score_counts(frame, self.edges)


def score_counts(frame: pl.DataFrame, edges: Sequence[int]) -> list[int]:
    """Return how many scored cases fall into each bin between upper ends of risk."""
    risks = frame.get_column("risk").drop_nulls()
    bins = pl.Series(edges, dtype=pl.Int64).search_sorted(risks, side="left")
    return _counted(bins, len(edges) + 1)


def reference_of(cases: Cases, given: Cases | None) -> Reference | None:
    """Return the reference: the file given, or else the first of several periods."""
    if given is not None:
        everything = pl.Series("mask", [True]).new_from_index(0, given.frame.height)
        return _reference(GIVEN, given, everything)
    if cases.layout.period is None:
        return None
    periods = cases.frame.get_column("period")
    if periods.n_unique() == 1:
        return None
    return _reference(FIRST_PERIOD, cases, (periods == periods.min()).alias("mask"))


def _reference(name: str, cases: Cases, mask: pl.Series) -> Reference | None:
    risks = cases.frame.filter(mask).get_column("risk").drop_nulls().sort()
    if risks.is_empty():
        return None
    return Reference(name=name, cases=cases, mask=mask, edges=_edges(risks))


def _edges(risks: pl.Series) -> list[int]:
    """Return the upper ends of bins of about equal size, from sorted risks."""
    last = len(risks) - 1
    steps = range(1, SCORE_BINS)
    return sorted({int(risks[min(last, len(risks) * step // SCORE_BINS)]) for step in steps})


def _score_bins(frame: pl.DataFrame) -> Document:
    """Return the distribution of these scores, against which others are told later."""
    risks = frame.get_column("risk").drop_nulls().sort()
    edges = [] if risks.is_empty() else _edges(risks)
    return {"edges": edges, "counts": score_counts(frame, edges)}


def stability_block(
    cases: Cases, reference: Reference | None, limits: Thresholds
) -> tuple[Document, list[Alarm]]:
    """Return PSI of score and grades, in all and by period, and CSI by feature."""
    shape = {"histogram": _histogram(cases), "score_bins": _score_bins(cases.frame)}
    if reference is None:
        return {
            "reference": None,
            **shape,
            "score_psi_ppm": None,
            "grade_psi_ppm": None,
            "by_period": [],
            "features": [],
        }, []
    before = reference.cases.frame.filter(reference.mask)
    # Held against its own first period, a file is looked at from the second on.
    rest = None if reference.cases is not cases else ~reference.mask
    present = cases.frame if rest is None else cases.frame.filter(rest)
    score, grade = _indices(cases, reference, before, present)
    features: list[Document] = [
        {
            "feature": name,
            "csi_ppm": stability_ppm(
                bin_counts(reference.cases, name, mask=reference.mask),
                bin_counts(cases, name, mask=rest),
            ),
        }
        for name in cases.scores.columns
    ]
    alarms = above(limits, "score_psi", score)
    for feature in features:
        alarms += above(limits, "feature_csi", feature["csi_ppm"], feature["feature"])
    block = {
        "reference": reference.name,
        **shape,
        "score_psi_ppm": score,
        "grade_psi_ppm": grade,
        "by_period": _by_period(cases, reference, before),
        "features": features,
    }
    return block, alarms


def data_block(
    cases: Cases, reference: Reference | None, limits: Thresholds
) -> tuple[list[Document], list[Alarm]]:
    """Return missing values, other types, unseen categories, values out of range by feature."""
    rows: list[Document] = []
    alarms: list[Alarm] = []
    height = cases.frame.height
    for name, column in cases.scores.columns.items():
        missing, expected = share_ppm(column.missing, height), None
        if reference is not None:
            counts = bin_counts(reference.cases, name, mask=reference.mask)
            expected = share_ppm(counts[-1], sum(counts))
        rejected, unseen = share_ppm(column.rejected, height), share_ppm(column.unseen, height)
        rows.append(
            {
                "feature": name,
                "missing_ppm": missing,
                "missing_expected_ppm": expected,
                "rejected": column.rejected,
                "unseen": column.unseen,
                "outside": column.outside,
                **_reach(cases, name),
            }
        )
        if missing is not None and expected is not None:
            alarms += above(limits, "missing_rise", missing - expected, name)
        alarms += above(limits, "rejected_share", rejected, name)
        alarms += above(limits, "unseen_share", unseen, name)
        outside = share_ppm(column.outside or 0, height)
        alarms += above(limits, "outside_share", outside, name)
    return rows, alarms


def _reach(cases: Cases, name: str) -> Document:
    """Return how many cases lie in each cell and what it adds: the table of the feature."""
    column = cases.scores.columns[name]
    counts = bin_counts(cases, name)
    # The last cell of categories outside the list and of unknown values are shown when met.
    cells = [
        {"bin": label, "amount": amount, "cases": count}
        for label, amount, count in zip(column.names, column.amounts, counts, strict=True)
        if label not in {"*", ""} or count
    ]
    return {"cells": cells}


def _indices(
    cases: Cases, reference: Reference, before: pl.DataFrame, present: pl.DataFrame
) -> tuple[int | None, int | None]:
    grades = [band.code for band in cases.artefact.bands]
    return (
        stability_ppm(reference.score_counts(before), reference.score_counts(present)),
        stability_ppm(_grade_counts(before, grades), _grade_counts(present, grades)),
    )


def _by_period(cases: Cases, reference: Reference, before: pl.DataFrame) -> list[Document]:
    if cases.layout.period is None:
        return []
    rows = []
    for name, part in parts_of(cases.frame, "period").items():
        score, grade = _indices(cases, reference, before, part)
        rows.append({"name": name, "cases": part.height, "score_psi_ppm": score})
        rows[-1]["grade_psi_ppm"] = grade
    return rows


def _grade_counts(frame: pl.DataFrame, grades: Sequence[str]) -> list[int]:
    counted = dict(frame.get_column("band").drop_nulls().value_counts(sort=False).iter_rows())
    return [counted.get(grade, 0) for grade in grades]


def _histogram(cases: Cases, bins: int = 40) -> list[Document]:
    """Return good and bad cases in equal steps of risk between its 0.5th and 99.5th percentile."""
    judged = cases.judged
    if judged.is_empty():
        return []
    risks = judged.get_column("risk").sort()
    low, high = (int(risks[int((len(risks) - 1) * share)]) for share in (0.005, 0.995))
    step = max(1, -(-(high - low) // bins))
    edges = [low + step * number for number in range(1, bins)]
    places = pl.Series(edges, dtype=pl.Int64).search_sorted(judged.get_column("risk"), side="right")
    bad = judged.get_column("bad") == 1
    goods, bads = _counted(places.filter(~bad), bins), _counted(places.filter(bad), bins)
    return [
        {"risk": low + step * number, "good": good, "bad": ill}
        for number, (good, ill) in enumerate(zip(goods, bads, strict=True))
    ]


def _counted(places: pl.Series, length: int) -> list[int]:
    counts = [0] * length
    for place, count in places.value_counts(sort=False).iter_rows():
        counts[place] = count
    return counts
