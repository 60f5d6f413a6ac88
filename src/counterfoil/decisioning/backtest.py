"""A policy over history: any number of cases from file to file, and what came of them.

Memory      Cases are streamed in pieces; the summary is taken from the written file in a second,
            streamed pass.
Honesty     The file has to hold what was known when each case was decided: a back-test over what
            became known later proves nothing. That is the caller's to see to.
Writing     The result appears under its name when it is whole.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl
from polars.exceptions import DuplicateError, PolarsError

from counterfoil.decisioning.batch_frame import UnfitDataError, check_frame
from counterfoil.decisioning.batch_guards import COLUMNS, guarded, stopped
from counterfoil.decisioning.compile_polars import REQUESTED, decided
from counterfoil.decisioning.decision import Asked, Outcome
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.policy_parts import NO_GUARDS, Guards, Stage
from counterfoil.decisioning.rule_types import ValueType
from counterfoil.platform.csv_rows import row_fault

#: Before the names of another version's answers.
OTHER: Final = "other_"
_COMPARED: Final = ("outcome", "grade", "points", "limit_minor", "rate_daily_e8", "reason_1")
_WORD: Final = 64
#: Before the name of a rule's own column.
RULE: Final = "rule_"
_VERDICTS: Final = ("true", "false", "unknown")
_ROWS_OF_A_GROUP: Final = 250_000

_CSV_TYPES: Final = {
    ValueType.INTEGER: pl.Int64,
    ValueType.TEXT: pl.String,
    ValueType.BOOLEAN: pl.Boolean,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """What to run."""

    policy: Policy
    source: Path
    target: Path
    asked: Asked
    #: Another version to compare with; None for none.
    other: Policy | None = None
    #: Columns of the source to carry along.
    keep: Sequence[str] = ()
    #: Column that is 1 where a case turned out bad and 0 where it did not; None for none.
    outcome: str | None = None
    #: Whether each rule gets a column of its own beside the packed masks.
    shows_rules: bool = False
    #: What holds the version back in every case; a case may bring more (`batch_guards.py`).
    guards: Guards = NO_GUARDS


@dataclass(slots=True, kw_only=True)
class Summary:
    """What came of a run."""

    rows: int
    outcomes: dict[str, int] = field(default_factory=dict)
    grades: dict[str, int] = field(default_factory=dict)
    limit_minor_sum: int = 0
    #: Counts by rule: true, false, unknown, and cases in which it was not judged.
    coverage: dict[str, dict[str, int]] = field(default_factory=dict)
    #: Values outside their declaration by feature, where there are any.
    rejected: dict[str, int] = field(default_factory=dict)
    #: `before>after` → cases and limits before and after; empty without another version.
    swaps: dict[str, dict[str, int]] = field(default_factory=dict)
    #: Of cases offered a line by both: how limits and prices moved.
    moves: dict[str, int] = field(default_factory=dict)

    #: What became of the cases, for the policy and for the other one; empty without outcomes.
    became: dict[str, dict[str, int]] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return the summary as programs read it."""
        shown: dict[str, Any] = {
            "rows": self.rows,
            "outcomes": self.outcomes,
            "grades": self.grades,
            "limit_minor_sum": self.limit_minor_sum,
            "coverage": self.coverage,
            "rejected": self.rejected,
        }
        shown |= {"swaps": self.swaps, "moves": self.moves} if self.swaps else {}
        return shown | ({"became": self.became} if self.became else {})


def scan(policies: Sequence[Policy], source: Path) -> pl.LazyFrame:
    """Return a file's cases, unread; a text file's columns are read as the policies declare.

    Raises UnfitDataError for a text file with a row that is cut short.
    """
    if source.suffix.lower() != ".csv":
        return pl.scan_parquet(source)
    try:
        fault = row_fault(source)
    except (PolarsError, OSError) as error:
        raise _unreadable(error) from error
    if fault is not None:
        raise UnfitDataError(f"the file cannot be read: {fault}")
    types: dict[str, type[pl.DataType]] = {
        item.name: _CSV_TYPES[item.type] for policy in policies for item in policy.features
    }
    return pl.scan_csv(source, schema_overrides={**types, REQUESTED: pl.Int64})


def count_rows(frame: pl.LazyFrame) -> int:
    """Return how many cases there are."""
    try:
        return int(frame.select(pl.len()).collect(engine="streaming").item())
    except (PolarsError, OSError) as error:
        raise _unreadable(error) from error


def _unreadable(error: Exception) -> UnfitDataError:
    """Return the first line of a fault: the rest is advice on how to program the reader."""
    return UnfitDataError(f"the file cannot be read: {str(error).strip().partition(chr(10))[0]}")


def run(
    backtest: Backtest, frame: pl.LazyFrame, *, tell: Callable[[int], None] | None = None
) -> Summary:
    """Decide every case of the source, write the target, and return what came of it.

    `tell` hears how many cases were done since it was last told. Raises UnfitDataError.
    """
    policies = [backtest.policy] if backtest.other is None else [backtest.policy, backtest.other]
    if not backtest.target.parent.is_dir():
        raise UnfitDataError(f"{backtest.target.parent}, for the result, is no directory")
    try:
        for policy in policies:
            check_frame(policy, frame, keep=_kept(backtest))
        if backtest.outcome is not None:
            check_outcome(frame, backtest.outcome)
        counted = frame if tell is None else _counted(frame, backtest.policy, tell)
        answers = plan(backtest, counted)
        draft = backtest.target.with_name(f"{backtest.target.name}.part")
        answers.sink_parquet(draft, row_group_size=_ROWS_OF_A_GROUP, engine="streaming")
    except DuplicateError as error:
        raise UnfitDataError(
            "a column that is carried along bears the name of one of the answers; rename it"
        ) from error
    except (PolarsError, OSError) as error:
        raise _unreadable(error) from error
    draft.replace(backtest.target)
    return summarise(backtest)


def plan(backtest: Backtest, frame: pl.LazyFrame) -> pl.LazyFrame:
    """Return the answers of one version or of two, unread."""
    policy, other = backtest.policy, backtest.other
    keep = _kept(backtest)
    if other is not None:
        read = [item.name for item in policy.features]
        names = frame.collect_schema().names()
        read += [REQUESTED] if REQUESTED in names else []
        carried = list(dict.fromkeys([*read, *keep]))
        carried += [name for name in COLUMNS if name in names and name not in carried]
        # What held this version back says nothing about the other one.
        frame = decided(other, frame, backtest.asked, keep=carried, prefix=OTHER)
        keep += [OTHER + name for name in _COMPARED]

    def under(part: pl.LazyFrame, guards: Guards) -> pl.LazyFrame:
        answers = decided(policy, part, backtest.asked, guards=guards, keep=keep)
        return stopped(answers, guards)

    answers = guarded(frame, backtest.guards, under)
    if backtest.shows_rules:
        answers = answers.with_columns(rule_columns(policy))
    return answers


def rule_columns(policy: Policy) -> list[pl.Expr]:
    """Return one column for each rule: true, false, unknown, null where it was not judged."""
    columns = []
    for number, rule in enumerate(policy.rules):
        code = (
            pl.when(_bit("rules_unknown", number))
            .then(pl.lit(2, dtype=pl.UInt8))
            .when(_bit("rules_true", number))
            .then(pl.lit(0, dtype=pl.UInt8))
            .otherwise(pl.lit(1, dtype=pl.UInt8))
        )
        if rule.stage is Stage.RISK:
            code = pl.when(pl.col("is_scored")).then(code)
        columns.append(code.cat.to(pl.Enum(_VERDICTS)).alias(RULE + rule.code))
    return columns


def summarise(backtest: Backtest) -> Summary:
    """Return what came of a run, from the file that it wrote."""
    frame = pl.scan_parquet(backtest.target)
    policy = backtest.policy
    counts = [
        _bit(prefix, number).sum().alias(f"{prefix} {number}")
        for prefix in ("rules_true", "rules_unknown")
        for number in range(len(policy.rules))
    ]
    outside = [
        _bit("rejected", number).sum().alias(f"rejected {number}")
        for number in range(len(policy.features))
    ]
    totals = frame.select(
        pl.len().alias("rows"),
        pl.col("is_scored").sum().alias("scored"),
        pl.col("limit_minor").sum().alias("limits"),
        *counts,
        *outside,
    )
    found = totals.collect(engine="streaming").row(0, named=True)
    summary = Summary(rows=found["rows"], limit_minor_sum=found["limits"])
    summary.outcomes, summary.grades = _by(frame, "outcome"), _by(frame, "grade")
    for number, rule in enumerate(policy.rules):
        judged = found["rows"] if rule.stage is Stage.ELIGIBILITY else found["scored"]
        true, unknown = found[f"rules_true {number}"], found[f"rules_unknown {number}"]
        summary.coverage[rule.code] = {
            "true": true,
            "false": judged - true - unknown,
            "unknown": unknown,
            "not_judged": found["rows"] - judged,
        }
    summary.rejected = {
        feature.name: count
        for number, feature in enumerate(policy.features)
        if (count := found[f"rejected {number}"])
    }
    if backtest.other is not None:
        summary.swaps, summary.moves = _swaps(frame), _moves(frame)
    if backtest.outcome is not None:
        summary.became["policy"] = became(frame, backtest.outcome)
        if backtest.other is not None:
            summary.became["other"] = became(frame, backtest.outcome, prefix=OTHER)
    return summary


def became(frame: pl.LazyFrame, outcome: str, *, prefix: str = "") -> dict[str, int]:
    """Return what became of those whom a version approved, in cases and in limits."""
    approved = pl.col(f"{prefix}outcome").cast(pl.String) == Outcome.APPROVED.value
    limits = pl.col(f"{prefix}limit_minor")
    bad, good = pl.col(outcome).cast(pl.Int64) == 1, pl.col(outcome).cast(pl.Int64) == 0
    found = frame.select(
        approved.sum().alias("approved"),
        (approved & bad).sum().alias("bad"),
        (approved & ~(bad | good).fill_null(value=False)).sum().alias("not_known"),
        limits.filter(approved).sum().alias("limit_minor"),
        limits.filter(approved & bad).sum().alias("bad_limit_minor"),
    )
    return dict(found.collect(engine="streaming").row(0, named=True))


def _kept(backtest: Backtest) -> list[str]:
    """Return the columns that are carried along."""
    told = [] if backtest.outcome is None else [backtest.outcome]
    return list(dict.fromkeys([*backtest.keep, *told]))


def check_outcome(frame: pl.LazyFrame, column: str) -> None:
    """Refuse a column that says more, or other, than what became of cases."""
    kind = frame.collect_schema()[column]
    if not (kind.is_integer() or kind == pl.Boolean):
        raise UnfitDataError(f"{column}: is {kind}; an outcome is 1 (bad), 0 (good) or empty")
    said = pl.col(column).cast(pl.Int64)
    strange = frame.select(column).filter((said != 0) & (said != 1)).head(1).collect()
    if strange.height:
        found = strange.item()
        raise UnfitDataError(f"{column}: holds {found}; an outcome is 1 (bad), 0 (good) or empty")


def _counted(frame: pl.LazyFrame, policy: Policy, tell: Callable[[int], None]) -> pl.LazyFrame:
    """Return a frame that tells how many of its rows have passed."""

    def passed(part: pl.Series) -> pl.Series:
        tell(len(part))
        return part

    # At the source, because a piece in which an answer is constant comes as one value.
    name = policy.features[0].name
    kind = frame.collect_schema()[name]
    watched = pl.col(name).map_batches(passed, return_dtype=kind, is_elementwise=True)
    return frame.with_columns(watched)


def _bit(prefix: str, number: int) -> pl.Expr:
    bit = pl.lit(1 << (number % _WORD), dtype=pl.UInt64)
    return (pl.col(f"{prefix}_{number // _WORD}") & bit) != 0


def _by(frame: pl.LazyFrame, name: str) -> dict[str, int]:
    counted = frame.group_by(pl.col(name).cast(pl.String)).len().collect(engine="streaming")
    pairs = sorted((key, count) for key, count in counted.iter_rows() if key is not None)
    return dict(pairs)


def _swaps(frame: pl.LazyFrame) -> dict[str, dict[str, int]]:
    outcomes = [pl.col(f"{OTHER}outcome").cast(pl.String), pl.col("outcome").cast(pl.String)]
    counted = (
        frame.group_by(outcomes)
        .agg(
            pl.len().alias("cases"),
            pl.col(f"{OTHER}limit_minor").sum().alias("limit_minor_before"),
            pl.col("limit_minor").sum().alias("limit_minor_after"),
        )
        .collect(engine="streaming")
    )
    names = ("cases", "limit_minor_before", "limit_minor_after")
    rows = sorted(counted.iter_rows())
    return {
        f"{before}>{after}": dict(zip(names, sums, strict=True)) for before, after, *sums in rows
    }


def _moves(frame: pl.LazyFrame) -> dict[str, int]:
    before, after = pl.col(f"{OTHER}limit_minor"), pl.col("limit_minor")
    price_before, price = pl.col(f"{OTHER}rate_daily_e8"), pl.col("rate_daily_e8")
    both = (before > 0) & (after > 0)
    found = frame.select(
        both.sum().alias("offered_by_both"),
        (both & (after > before)).sum().alias("limit_raised"),
        (both & (after < before)).sum().alias("limit_lowered"),
        (both & (price > price_before)).sum().alias("price_raised"),
        (both & (price < price_before)).sum().alias("price_lowered"),
    )
    return dict(found.collect(engine="streaming").row(0, named=True))
