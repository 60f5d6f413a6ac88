"""The cases that a model is validated on: scores, outcomes, months and groups, as counts.

Shapes      One row a case. Outcomes are 1 or true for bad, 0 or false for good; a case without an
            outcome counts for stability and not for calibration.
Counts      Whatever is asked comes back as counts (`metrics.Cell`), by month or by group.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from counterfoil.models.artefact import Artefact
from counterfoil.models.bulk_score import BulkScores, risk_of, score_frame
from counterfoil.models.metrics import Cell

#: More values than this are no groups and no months.
VALUES_MAX: Final = 120
#: A column of whole numbers with more values than this is told in bands, so many of them.
GROUPS_MAX: Final = 12
BANDS: Final = 5
_OUTCOMES: Final = {"0": 0, "1": 1, "false": 0, "true": 1, "0.0": 0, "1.0": 1}
#: Key of the cases whose month or group is not known.
UNKNOWN: Final = "—"


class ValidationDataError(ValueError):
    """The data cannot be validated on; the message says where and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which columns say what."""

    #: The outcome.
    target: str
    #: The period of a case, such as `2026-01`; a longer date counts by its month.
    period: str | None = None
    #: By which cases are told apart to report rank order and calibration.
    segment: str | None = None
    #: Groups that the model has to treat alike; they need not be features, and should not be.
    groups: Sequence[str] = ()
    #: Amount of a case in minor units, for what swaps are worth.
    amount: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cases:
    """A file as a model sees it."""

    artefact: Artefact
    scores: BulkScores
    #: Columns risk, pd_ppm, band, bad, period, segment, amount_minor, and group 0, 1, …
    frame: pl.DataFrame
    layout: Layout

    @property
    def scored(self) -> pl.DataFrame:
        """Return the cases that have a score."""
        return self.frame.filter(pl.col("risk").is_not_null())

    @property
    def judged(self) -> pl.DataFrame:
        """Return the cases that have a score and an outcome."""
        return self.scored.filter(pl.col("bad").is_not_null())


def read_cases(
    artefact: Artefact, frame: pl.DataFrame, layout: Layout, *, needs_outcomes: bool = True
) -> Cases:
    """Return a file's cases with their scores; raise `ValidationDataError` where it has none.

    `needs_outcomes` refuses a file in which no outcome is known yet.
    """
    for name in (layout.target, layout.period, layout.segment, layout.amount, *layout.groups):
        if name is not None and name not in frame.columns:
            shown = ", ".join(frame.columns[:20])
            raise ValidationDataError(f"there is no column {name}; the file has {shown}")
    if frame.is_empty():
        raise ValidationDataError("the file has no rows")
    scores = score_frame(artefact, frame)
    columns = [
        risk_of(artefact, scores),
        scores.pd_ppm,
        _bands(artefact, scores.pd_ppm),
        _outcomes(frame.get_column(layout.target), needs_outcomes=needs_outcomes),
        _period(frame, layout.period),
        _labels(frame, layout.segment, "segment"),
        _amount(frame, layout.amount),
        *(_groups(frame, name, f"group_{n}") for n, name in enumerate(layout.groups)),
    ]
    return Cases(artefact=artefact, scores=scores, frame=pl.DataFrame(columns), layout=layout)


def cells_of(frame: pl.DataFrame, risk: str = "risk") -> list[Cell]:
    """Return the counts of judged cases by risk, ascending."""
    counted = (
        frame.group_by(risk)
        .agg(good=(pl.col("bad") == 0).sum(), bad=(pl.col("bad") == 1).sum())
        .sort(risk)
    )
    return [Cell(*row) for row in counted.iter_rows()]


def parts_of(frame: pl.DataFrame, column: str) -> dict[str, pl.DataFrame]:
    """Return the cases by the values of a column, in the order of the values."""
    parts = frame.partition_by(column, as_dict=True)
    return {str(key[0]): parts[key] for key in sorted(parts, key=lambda key: str(key[0]))}


def bin_counts(cases: Cases, feature: str, *, mask: pl.Series | None = None) -> list[int]:
    """Return how many cases fall into each cell of a feature's table, all or those of a mask."""
    column = cases.scores.columns[feature]
    bins = column.bins if mask is None else column.bins.filter(mask)
    counts = [0] * len(column.names)
    for number, count in bins.value_counts(sort=False).iter_rows():
        counts[number] = count
    return counts


def _bands(artefact: Artefact, pd_ppm: pl.Series) -> pl.Series:
    highest = pl.Series([band.pd_ppm_max for band in artefact.bands], dtype=pl.Int64)
    codes = pl.Series([band.code for band in artefact.bands], dtype=pl.String)
    # The first grade whose highest probability is not below the case's.
    found = codes.gather(highest.search_sorted(pd_ppm.fill_null(0), side="left"))
    return pl.select(band=pl.when(pd_ppm.is_not_null()).then(found)).to_series()


def _outcomes(given: pl.Series, *, needs_outcomes: bool) -> pl.Series:
    texts = given.cast(pl.String).str.to_lowercase()
    known = texts.replace_strict(_OUTCOMES, default=None, return_dtype=pl.Int8)
    strange = given.filter(known.is_null() & texts.is_not_null() & (texts != "nan"))
    if len(strange):
        raise ValidationDataError(
            f"column {given.name} holds {strange[0]!r}; an outcome is 0 (good) or 1 (bad)"
        )
    if needs_outcomes and known.null_count() == len(known):
        raise ValidationDataError(f"column {given.name} holds no outcome at all")
    return known.alias("bad")


def _period(frame: pl.DataFrame, name: str | None) -> pl.Series:
    labels = _labels(frame, name, "period", values_max=None)
    # A date counts by its month.
    months = labels.str.replace(r"^(\d{4}-\d{2})-\d{2}.*$", "$1")
    if name is not None and months.n_unique() > VALUES_MAX:
        raise ValidationDataError(f"column {name} has more than {VALUES_MAX} periods")
    return months


def _labels(
    frame: pl.DataFrame, name: str | None, alias: str, *, values_max: int | None = VALUES_MAX
) -> pl.Series:
    if name is None:
        return pl.Series(alias, [UNKNOWN], dtype=pl.String).new_from_index(0, frame.height)
    labels = frame.get_column(name).cast(pl.String).fill_null(UNKNOWN).alias(alias)
    if values_max is not None and labels.n_unique() > values_max:
        raise ValidationDataError(
            f"column {name} has more than {values_max} values; group them before"
        )
    return labels


def _groups(frame: pl.DataFrame, name: str, alias: str) -> pl.Series:
    """Return groups by name; numbers of many values, such as ages, in bands of about equal size."""
    given = frame.get_column(name)
    numbers = given.cast(pl.Int64, strict=False)
    is_number = numbers.null_count() == given.null_count()
    if not is_number or numbers.n_unique() <= GROUPS_MAX:
        return _labels(frame, name, alias)
    known = numbers.drop_nulls().sort()
    ends = sorted({int(known[len(known) * step // BANDS]) for step in range(1, BANDS)})
    lows = [int(known[0]), *ends]
    highs = [*(end - 1 for end in ends), int(known[-1])]
    names = [f"{low} – {high}" for low, high in zip(lows, highs, strict=True)]
    places = pl.Series(ends, dtype=pl.Int64).search_sorted(numbers, side="right")
    labels = pl.Series(names, dtype=pl.String).gather(places)
    return pl.select(
        pl.when(numbers.is_not_null()).then(labels).otherwise(pl.lit(UNKNOWN)).alias(alias)
    ).to_series()


def _amount(frame: pl.DataFrame, name: str | None) -> pl.Series:
    if name is None:
        return pl.Series("amount_minor", [0], dtype=pl.Int64).new_from_index(0, frame.height)
    given = frame.get_column(name)
    if given.dtype == pl.String:
        given = given.str.strip_chars().cast(pl.Int64, strict=False)
    if not given.dtype.is_integer() or given.null_count() == len(given):
        raise ValidationDataError(f"column {name} is not of whole numbers (minor units)")
    return given.cast(pl.Int64).fill_null(0).alias("amount_minor")
