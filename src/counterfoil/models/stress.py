"""What a scenario would do to the cases that a model scores: probabilities, losses, grades.

Scenario    Data (TOML): features that change, a shift of all log odds, drivers (unemployment,
            income, rate, house price) with what a percentage point of each adds to the log odds, a
            loss given default, how much defaults hang together, and what follows for provisions,
            limits and liquidity. What a scenario does not name stays.
Units       Ppm, 1e-6 log odds and minor units; a loss is expected: amount x probability x loss.
Together    With a correlation, probabilities are those of a year as bad as the quantile says, in
            a one-factor model (Vasicek 2002):
            Phi((Phi^-1(pd) + sqrt(rho) Phi^-1(q)) / sqrt(1 - rho)).
Rounding    A probability is rounded once to ppm, a sum of losses once to minor units, half up.
"""

import hashlib
import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Final, NamedTuple

import polars as pl

from counterfoil.kernel.toml import parse_toml
from counterfoil.models.artefact import Artefact
from counterfoil.models.bulk_score import score_frame
from counterfoil.models.document import FaultError, Table
from counterfoil.models.stress_effects import (
    Effects,
    Exposure,
    Grid,
    read_effects,
    tell_effects,
)

FORMAT: Final = "counterfoil-model-stress/3"
PPM: Final = 1_000_000
BYTES_MAX: Final = 100_000
FEATURES_MAX: Final = 100
#: What may drive defaults from outside; further ones are another form.
DRIVERS: Final = ("unemployment", "income", "rate", "house_price")
_POINT_PPM: Final = 10_000
_NORMAL: Final = NormalDist()

Document = dict[str, Any]


class ScenarioError(FaultError):
    """The scenario cannot be followed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What happens to one feature: times, then plus."""

    feature: str
    times_ppm: int
    plus: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """Something outside that moves defaults."""

    name: str
    #: 1e-6: three percentage points are 30,000.
    change_ppm: int
    #: Added to the log odds for each percentage point.
    log_odds_per_point_e6: int

    @property
    def log_odds_e6(self) -> int:
        """Return what it adds to the log odds, rounded down."""
        return self.change_ppm * self.log_odds_per_point_e6 // _POINT_PPM


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A bad time, as data."""

    code: str
    title: str
    changes: Sequence[Change]
    drivers: Sequence[Driver]
    effects: Effects
    #: Added to the log odds of default of every case.
    log_odds_shift_e6: int
    #: Share of the amount that a default loses, before and in the scenario.
    loss_ppm: int
    stressed_loss_ppm: int
    #: How much defaults hang together, and how bad the year is; None where neither is asked for.
    correlation_ppm: int | None
    quantile_ppm: int
    sha256: str

    @property
    def shift_e6(self) -> int:
        """Return what is added to the log odds of every case, drivers included."""
        return self.log_odds_shift_e6 + sum(driver.log_odds_e6 for driver in self.drivers)


def read_scenario(content: bytes) -> Scenario:
    """Return the scenario of a file; raises `ScenarioError` with place and reason."""
    if len(content) > BYTES_MAX:
        raise ScenarioError("the file", f"is longer than {BYTES_MAX:,} bytes")
    try:
        read = parse_toml(content.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as failure:
        raise ScenarioError("the file", f"is not TOML: {failure}") from failure
    table = Table("", read, ScenarioError)
    changes = (
        table.tables("feature", count_max=FEATURES_MAX, name="name")
        if (table.has("feature"))
        else []
    )
    drivers = (
        table.tables("driver", count_max=len(DRIVERS), name="name") if table.has("driver") else []
    )
    loss = table.integer("loss_ppm", least=0, most=PPM)
    scenario = Scenario(
        code=table.text("code"),
        title=table.text("title"),
        changes=tuple(map(_change, changes)),
        drivers=tuple(map(_driver, drivers)),
        effects=read_effects(table),
        log_odds_shift_e6=table.integer("log_odds_shift_e6", default=0),
        loss_ppm=loss,
        stressed_loss_ppm=table.integer("stressed_loss_ppm", least=0, most=PPM, default=loss),
        correlation_ppm=(
            table.integer("correlation_ppm", least=1, most=PPM - 1)
            if table.has_value("correlation_ppm")
            else None
        ),
        quantile_ppm=table.integer("quantile_ppm", least=1, most=PPM - 1, default=999_000),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    table.finish()
    return scenario


def stress(
    artefact: Artefact,
    frame: pl.DataFrame,
    scenario: Scenario,
    *,
    amount: str,
    data_sha256: str,
    limit: str | None = None,
    grid: Grid | None = None,
) -> Document:
    """Return losses and grades before and in the scenario; `amount` names a column, minor units.

    With `limit`, a column too, the amount is what is drawn, and provisions, limits and liquidity
    are told as well, as far as the scenario speaks of them; with a `grid`, also the limits that its
    policy gives for the probabilities in the scenario. Raises `ScenarioError` where the scenario
    changes what the model does not read.
    """
    columns = _Columns(amount, limit, None if grid is None else grid.segment_column)
    pairs = _pairs(artefact, frame, scenario, columns)
    grades = [band.code for band in artefact.bands]
    return {
        "format": FORMAT,
        "model": {
            "code": artefact.code,
            "version": artefact.version,
            "sha256": artefact.sha256,
            "calibration": artefact.calibration.version,
        },
        "data": {"sha256": data_sha256, "rows": frame.height, "scored": pairs.height},
        "scenario": _told(scenario),
        "before": _sums(pairs, "from", scenario.loss_ppm),
        "after": _sums(pairs, "to", scenario.stressed_loss_ppm),
        "grades": grades,
        "moves": _moves(artefact, pairs, grades),
        "effects": None
        if limit is None
        else tell_effects(
            _exposures(artefact, pairs),
            scenario.effects,
            loss_ppm=scenario.loss_ppm,
            stressed_loss_ppm=scenario.stressed_loss_ppm,
            grid=grid,
        ),
    }


def _told(scenario: Scenario) -> Document:
    return {
        "code": scenario.code,
        "title": scenario.title,
        "sha256": scenario.sha256,
        "shift_e6": scenario.shift_e6,
        "drivers": {driver.name: driver.change_ppm for driver in scenario.drivers},
        "correlation_ppm": scenario.correlation_ppm,
        "quantile_ppm": None if scenario.correlation_ppm is None else scenario.quantile_ppm,
    }


class _Columns(NamedTuple):
    """Columns of the cases by name; None where there are none."""

    amount: str
    limit: str | None
    segment: str | None


def _pairs(
    artefact: Artefact, frame: pl.DataFrame, scenario: Scenario, columns: _Columns
) -> pl.DataFrame:
    """Return each scored case with its probability before and in the scenario, and its amounts."""
    before = _graded(artefact, frame, columns)
    after = _graded(artefact, _changed(artefact, frame, scenario), columns)
    stressed = {pd: _stressed(pd, scenario) for pd in after.get_column("pd_ppm").unique()}
    moved = after.with_columns(
        pl.col("pd_ppm").replace_strict(stressed, return_dtype=pl.Int64).alias("pd_ppm")
    )
    return pl.DataFrame(
        {
            "from": before.get_column("pd_ppm"),
            "to": moved.get_column("pd_ppm"),
            "amount": before.get_column("amount"),
            "limit": before.get_column("limit"),
            "segment": before.get_column("segment"),
        }
    ).drop_nulls(["from", "to"])


def _change(table: Table) -> Change:
    change = Change(
        feature=table.text("name"),
        times_ppm=table.integer("times_ppm", least=0, most=1_000 * PPM, default=PPM),
        plus=table.integer("plus", default=0),
    )
    table.finish()
    return change


def _driver(table: Table) -> Driver:
    driver = Driver(
        name=table.one_of("name", DRIVERS),
        change_ppm=table.integer("change_ppm", least=-PPM, most=PPM),
        log_odds_per_point_e6=table.integer("log_odds_per_point_e6", least=-PPM, most=PPM),
    )
    table.finish()
    return driver


def _changed(artefact: Artefact, frame: pl.DataFrame, scenario: Scenario) -> pl.DataFrame:
    read = {item.feature for item in artefact.characteristics}
    for change in scenario.changes:
        if change.feature not in read:
            raise ScenarioError(f"feature[{change.feature}]", "the model does not read it")
        if change.feature not in frame.columns:
            raise ScenarioError(f"feature[{change.feature}]", "is no column of the data")
        values = frame.get_column(change.feature).cast(pl.Int64, strict=False)
        # Rounded down, and in Python's integers, which do not wrap around.
        ways = {
            value: value * change.times_ppm // PPM + change.plus
            for value in values.drop_nulls().unique()
        }
        moved = values.replace_strict(ways, default=None, return_dtype=pl.Int64)
        frame = frame.with_columns(moved.alias(change.feature))
    return frame


def _graded(artefact: Artefact, frame: pl.DataFrame, columns: _Columns) -> pl.DataFrame:
    amounts = _amounts(frame, columns.amount)
    limits = amounts if columns.limit is None else _amounts(frame, columns.limit)
    segments = pl.Series([None] * frame.height, dtype=pl.String)
    if columns.segment is not None:
        segments = frame.get_column(columns.segment).cast(pl.String)
    scores = score_frame(artefact, frame)
    return pl.DataFrame(
        [
            scores.pd_ppm,
            amounts.alias("amount"),
            limits.alias("limit"),
            segments.alias("segment"),
        ]
    )


def _amounts(frame: pl.DataFrame, name: str) -> pl.Series:
    if name not in frame.columns:
        raise ScenarioError("the data", f"has no column {name}")
    amounts = frame.get_column(name).cast(pl.Int64, strict=False)
    if amounts.null_count() or (amounts < 0).any():
        raise ScenarioError("the data", f"column {name} is not of whole amounts from 0 on")
    return amounts


def _exposures(artefact: Artefact, pairs: pl.DataFrame) -> Iterator[Exposure]:
    """Yield the cases with the grades that each has lost."""
    highest = pl.Series([band.pd_ppm_max for band in artefact.bands], dtype=pl.Int64)
    was, becomes = (
        highest.search_sorted(pairs.get_column(column), side="left") for column in ("from", "to")
    )
    steps = (becomes.cast(pl.Int64) - was.cast(pl.Int64)).alias("steps")
    rows = pairs.select("amount", "limit", "from", "to", steps, "segment")
    return map(Exposure._make, rows.iter_rows())


def _stressed(pd_ppm: int | None, scenario: Scenario) -> int | None:
    """Return a probability in the scenario: shifted in log odds, then of a bad year."""
    if pd_ppm is None or pd_ppm in {0, PPM}:
        return pd_ppm
    chance = pd_ppm / PPM
    odds = math.log(chance) - math.log1p(-chance) + scenario.shift_e6 / PPM
    chance = 1 / (1 + math.exp(-odds))
    if scenario.correlation_ppm is not None and 0 < chance < 1:
        rho = scenario.correlation_ppm / PPM
        bad = _NORMAL.inv_cdf(scenario.quantile_ppm / PPM)
        moved = (_NORMAL.inv_cdf(chance) + math.sqrt(rho) * bad) / math.sqrt(1 - rho)
        chance = _NORMAL.cdf(moved)
    return round(chance * PPM)


def _sums(pairs: pl.DataFrame, column: str, loss_ppm: int) -> Document:
    by_pd = pairs.group_by(column).agg(pl.len().alias("cases"), pl.col("amount").sum())
    rows: list[Mapping[str, int]] = list(by_pd.iter_rows(named=True))
    cases, amount = sum(row["cases"] for row in rows), sum(row["amount"] for row in rows)
    # Exact in Python's integers; the sums of a book pass 64 bits.
    expected = sum(row["amount"] * row[column] for row in rows) * loss_ppm
    predicted = sum(row["cases"] * row[column] for row in rows)
    return {
        "amount_minor": amount,
        "loss_ppm": loss_ppm,
        "pd_mean_ppm": None if cases == 0 else (2 * predicted + cases) // (2 * cases),
        "expected_loss_minor": (2 * expected + PPM**2) // (2 * PPM**2),
    }


def _moves(artefact: Artefact, pairs: pl.DataFrame, grades: list[str]) -> list[Document]:
    """Return cases and amounts by grade before and grade in the scenario."""
    highest = pl.Series([band.pd_ppm_max for band in artefact.bands], dtype=pl.Int64)
    names = pl.Series(grades, dtype=pl.String)
    placed = pairs.with_columns(
        names.gather(highest.search_sorted(pairs.get_column(column), side="left")).alias(column)
        for column in ("from", "to")
    )
    counted = placed.group_by("from", "to").agg(pl.len().alias("cases"), pl.col("amount").sum())
    return [
        {"from": was, "to": becomes, "cases": cases, "amount_minor": amount}
        for was, becomes, cases, amount in counted.sort("from", "to").iter_rows()
    ]
