"""Bins of one feature and the weight of evidence of each; one function for every kind of column.

Weight      Of evidence (WOE): ln of the bin's share of good cases over its share of bad ones, with
            0.5 added to both counts; positive where defaults are rare.
Value       Information value (IV): the sum of (share of good - share of bad) x WOE.
Bins        Quantiles first, small ones merged into the smaller neighbour, then neighbours pooled
            until the bad rate goes one way (pool adjacent violators): the declared way, or the one
            with the higher information value where none is declared.
Missing     A bin of its own from 30 rows on, otherwise WOE 0. Special codes are bins of their own.
Counts      Every row is in exactly one bin; the counts add up.
Follows     Siddiqi, Credit Risk Scorecards; pooling as in isotonic regression.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, assert_never

import numpy as np
import numpy.typing as npt

from counterfoil.models.artefact_parts import Monotone

PPM: Final = 1_000_000
#: Added to both counts of a bin, so that an empty one has a weight.
SMOOTHING: Final = 0.5
#: Share of rows from which on a category has a weight of its own, and fewest rows.
CATEGORY_SHARE_MIN_PPM: Final = 5_000
CATEGORY_ROWS_MIN: Final = 30

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How a column is binned."""

    monotone: Monotone
    prebins: int
    bin_share_min_ppm: int
    missing_rows_min: int
    special: tuple[int, ...] = ()
    splits: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """One row of a binning table."""

    #: What is in it: an interval, a code, a category, or what is missing.
    name: str
    rows: int
    #: Weighted counts.
    good: float
    bad: float
    #: Weight of evidence as the card uses it.
    woe: float
    #: This bin's part of the information value.
    iv: float

    @property
    def bad_rate(self) -> float | None:
        """Return the share of bad cases, None in an empty bin."""
        cases = self.good + self.bad
        return self.bad / cases if cases else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Binned:
    """A column's bins: intervals of integers, or categories, and the missing bin."""

    #: Lower ends of the intervals after the first.
    edges: tuple[int, ...]
    #: One more than the edges; of categories one, for those not listed.
    woe: tuple[float, ...]
    woe_missing: float
    #: Whether rows without a value were seen.
    saw_missing: bool
    categories: dict[str, float]
    table: tuple[Bin, ...]

    @property
    def iv(self) -> float:
        """Return the information value."""
        return sum(item.iv for item in self.table)


@dataclass(slots=True)
class _Counts:
    """Counts of some intervals, by position."""

    rows: Ints
    good: Floats
    bad: Floats

    def merged(self, starts: Ints) -> "_Counts":
        """Return the counts of runs that start at these positions."""
        return _Counts(
            np.add.reduceat(self.rows, starts).astype(np.int64),
            np.add.reduceat(self.good, starts).astype(np.float64),
            np.add.reduceat(self.bad, starts).astype(np.float64),
        )


@dataclass(frozen=True, slots=True)
class _Totals:
    """Weighted counts of the whole column."""

    rows: int
    good: float
    bad: float

    def woe(self, good: Any, bad: Any) -> Any:
        """Return the weight of evidence of counts."""
        share_good = (good + SMOOTHING) / (self.good + 2 * SMOOTHING)
        share_bad = (bad + SMOOTHING) / (self.bad + 2 * SMOOTHING)
        return np.log(share_good / share_bad)

    def iv(self, good: Any, bad: Any, woe: Any) -> Any:
        """Return the parts of the information value."""
        return (good / max(self.good, SMOOTHING) - bad / max(self.bad, SMOOTHING)) * woe


def bin_integers(values: Ints, known: Flags, bad: Flags, weight: Floats, rules: Rules) -> Binned:
    """Return the bins of a column of integers; values that are not known count for nothing."""
    totals = _totals(bad, weight)
    special = known & np.isin(values, rules.special) if rules.special else np.zeros_like(known)
    ordinary = known & ~special
    edges = np.asarray(rules.splits, dtype=np.int64)
    if not edges.size and ordinary.any():
        edges = _quantile_edges(values[ordinary], rules.prebins)
    counts = _counts(
        np.searchsorted(edges, values[ordinary], side="right"),
        edges.size + 1,
        bad[ordinary],
        weight[ordinary],
    )
    if not rules.splits:
        edges, counts = _without_small(edges, counts, totals.rows * rules.bin_share_min_ppm / PPM)
        edges, counts = _pooled(edges, counts, rules.monotone, totals)
    woe = totals.woe(counts.good, counts.bad)
    woe = np.where(counts.rows > 0, woe, 0.0)
    table = [
        Bin(name=name, rows=int(n), good=float(g), bad=float(b), woe=float(w), iv=float(i))
        for name, n, g, b, w, i in zip(
            _intervals(edges),
            *(counts.rows, counts.good, counts.bad, woe, totals.iv(counts.good, counts.bad, woe)),
            strict=True,
        )
    ]
    codes = {
        code: _bin(f"= {code}", special & (values == code), bad, weight, totals, 1)
        for code in sorted(rules.special)
    }
    missing = _bin("missing", ~known, bad, weight, totals, rules.missing_rows_min)
    steps = with_codes(
        edges.tolist(), woe.tolist(), {code: item.woe for code, item in codes.items()}
    )
    return Binned(
        edges=tuple(steps[0]),
        woe=tuple(steps[1]),
        woe_missing=missing.woe,
        saw_missing=missing.rows > 0,
        categories={},
        table=(*table, *codes.values(), missing),
    )


def bin_categories(
    codes: Ints, names: list[str], bad: Flags, weight: Floats, missing_rows_min: int
) -> Binned:
    """Return the bins of categories: `codes` are positions in `names`, -1 where not known.

    Rare categories share the weight 0 with those that are not seen at all.
    """
    totals = _totals(bad, weight)
    least = max(CATEGORY_ROWS_MIN, totals.rows * CATEGORY_SHARE_MIN_PPM / PPM)
    known = codes >= 0
    counts = _counts(codes[known], len(names), bad[known], weight[known])
    woe = np.where(counts.rows >= least, totals.woe(counts.good, counts.bad), 0.0)
    iv = totals.iv(counts.good, counts.bad, woe)
    found = [
        Bin(
            name=name,
            rows=int(counts.rows[place]),
            good=float(counts.good[place]),
            bad=float(counts.bad[place]),
            woe=float(woe[place]),
            iv=float(iv[place]),
        )
        for place, name in enumerate(names)
    ]
    missing = _bin("missing", ~known, bad, weight, totals, missing_rows_min)
    return Binned(
        edges=(),
        woe=(0.0,),
        woe_missing=missing.woe,
        saw_missing=missing.rows > 0,
        categories={item.name: item.woe for item in found if item.rows >= least},
        table=(*found, missing),
    )


def apply_integers(binned: Binned, values: Ints, known: Flags) -> Floats:
    """Return the weight of evidence of each value."""
    woe = np.asarray(binned.woe)[
        np.searchsorted(np.asarray(binned.edges, dtype=np.int64), values, side="right")
    ]
    return np.where(known, woe, binned.woe_missing)


def apply_categories(binned: Binned, codes: Ints, names: list[str]) -> Floats:
    """Return the weight of evidence of each category."""
    by_code = np.array(
        [*(binned.categories.get(name, binned.woe[0]) for name in names), binned.woe_missing]
    )
    return by_code[codes]  # -1, not known, is the last one


def with_codes(
    edges: list[int], woe: list[float], codes: dict[int, float]
) -> tuple[list[int], list[float]]:
    """Return steps in which each special code has a step of its own."""
    for code, own in codes.items():
        place = int(np.searchsorted(edges, code, side="right"))
        around = woe[place]
        starts_here = place > 0 and edges[place - 1] == code
        ends_here = place < len(edges) and edges[place] == code + 1
        new_edges = ([] if starts_here else [code]) + ([] if ends_here else [code + 1])
        new_woe = ([] if starts_here else [around]) + [own] + ([] if ends_here else [around])
        edges = [*edges[:place], *new_edges, *edges[place:]]
        woe = [*woe[:place], *new_woe, *woe[place + 1 :]]
    return edges, woe


def _totals(bad: Flags, weight: Floats) -> _Totals:
    of_bad = float(weight[bad].sum())
    return _Totals(len(bad), float(weight.sum()) - of_bad, of_bad)


def _counts(bins: Ints, count: int, bad: Flags, weight: Floats) -> _Counts:
    cases = np.bincount(bins, weights=weight, minlength=count).astype(np.float64)
    of_bad = np.bincount(bins, weights=weight * bad, minlength=count).astype(np.float64)
    return _Counts(np.bincount(bins, minlength=count), cases - of_bad, of_bad)


def _bin(
    name: str, inside: Flags, bad: Flags, weight: Floats, totals: _Totals, rows_min: int
) -> Bin:
    rows = int(inside.sum())
    of_bad = float(weight[inside & bad].sum())
    good = float(weight[inside].sum()) - of_bad
    woe = float(totals.woe(good, of_bad)) if rows >= rows_min else 0.0
    return Bin(
        name=name,
        rows=rows,
        good=good,
        bad=of_bad,
        woe=woe,
        iv=float(totals.iv(good, of_bad, woe)),
    )


def _quantile_edges(values: Ints, prebins: int) -> Ints:
    ordered = np.sort(values)
    places = (np.arange(1, prebins) * len(ordered)) // prebins
    edges: Ints = np.unique(ordered[places])
    return np.asarray(edges[edges > ordered[0]])


def _without_small(edges: Ints, counts: _Counts, rows_min: float) -> tuple[Ints, _Counts]:
    while len(counts.rows) > 1:
        place = int(counts.rows.argmin())
        if counts.rows[place] >= rows_min:
            break
        if place == 0:
            gone = 0
        elif place == len(counts.rows) - 1:
            gone = place - 1
        else:
            gone = place - 1 if counts.rows[place - 1] <= counts.rows[place + 1] else place
        starts: Ints = np.delete(np.arange(len(counts.rows)), gone + 1)
        edges, counts = np.delete(edges, gone), counts.merged(starts)
    return edges, counts


def _pooled(
    edges: Ints, counts: _Counts, monotone: Monotone, totals: _Totals
) -> tuple[Ints, _Counts]:
    match monotone:
        case Monotone.UP:
            starts = _pool(counts, rises=True)
        case Monotone.DOWN:
            starts = _pool(counts, rises=False)
        case Monotone.U_SHAPE:
            starts = _valley(counts, totals)
        case Monotone.NONE:
            both = [_pool(counts, rises=True), _pool(counts, rises=False)]
            starts = max(both, key=lambda found: _value(counts.merged(found), totals))
        case _:
            assert_never(monotone)
    return edges[starts[1:] - 1], counts.merged(starts)


def _pool(counts: _Counts, *, rises: bool) -> Ints:
    """Return where runs start once neighbours that go the wrong way are pooled."""
    sign = 1.0 if rises else -1.0
    starts: list[int] = []
    bads: list[float] = []
    goods: list[float] = []
    for place, (good, bad) in enumerate(
        zip(counts.good.tolist(), counts.bad.tolist(), strict=True)
    ):
        starts.append(place)
        bads.append(bad + SMOOTHING)
        goods.append(good + SMOOTHING)
        # The smoothed odds, so that the weights go the same way: those of small bins are pulled in.
        while len(starts) > 1 and sign * (bads[-2] * goods[-1] - bads[-1] * goods[-2]) >= 0:
            starts.pop()
            bads[-2:] = [bads[-2] + bads[-1] - SMOOTHING]
            goods[-2:] = [goods[-2] + goods[-1] - SMOOTHING]
    return np.array(starts, dtype=np.int64)


def _valley(counts: _Counts, totals: _Totals) -> Ints:
    """Return the runs that fall up to a bin and rise from it, with the highest value."""

    def runs(bottom: int) -> Ints:
        falling = _pool(_part(counts, 0, bottom), rises=False)
        rising = _pool(_part(counts, bottom, len(counts.rows)), rises=True) + bottom
        return np.concatenate([falling, rising])

    whole = [_pool(counts, rises=False), _pool(counts, rises=True)]
    tries = [*whole, *(runs(bottom) for bottom in range(1, len(counts.rows)))]
    return max(tries, key=lambda found: _value(counts.merged(found), totals))


def _part(counts: _Counts, start: int, end: int) -> _Counts:
    return _Counts(counts.rows[start:end], counts.good[start:end], counts.bad[start:end])


def _value(counts: _Counts, totals: _Totals) -> float:
    woe = totals.woe(counts.good, counts.bad)
    return float(totals.iv(counts.good, counts.bad, woe).sum())


def _intervals(edges: Ints) -> list[str]:
    ends = edges.tolist()
    if not ends:
        return ["any value"]
    middle = [f"{low} to {high - 1}" for low, high in pairwise(ends)]
    return [f"below {ends[0]}", *middle, f"from {ends[-1]}"]
