"""What a scenario does beyond losses: provisions, limits, and money that leaves sooner.

Order       First people draw on what is open, then limits are cut: a lender is never faster.
Provisions  Expected loss of a year on what is owed; from so many grades lost on, of the rest of
            the life, which the scenario states as a multiple.
Limits      From so many grades lost on, a limit keeps so much of itself, and never less than is
            drawn. The grades lost are what the policy of line reviews reads; the cut is the
            scenario's, since behaviour in a bad time is not in the data. Beside it stands what the
            limit matrix of the policy in force gives for the probability in the scenario.
Liquidity   What is drawn in the scenario, and repayments that do not come.
Unknown     What a scenario says nothing of is None in the document: never zero.
Rounding    Draws and limits down for each case, sums of losses once, half up.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from counterfoil.models.document import Table

PPM: Final = 1_000_000
_STEPS_MAX: Final = 100
_TIMES_MAX: Final = 100 * PPM

Document = dict[str, Any]


class Exposure(NamedTuple):
    """One case: what is owed and open, and its chance of default before and in the scenario."""

    drawn_minor: int
    limit_minor: int
    pd_ppm: int
    stressed_pd_ppm: int
    #: Grades lost; negative where some were gained.
    steps_worse: int
    #: Segment of the policy that decided; None where that is not known.
    segment: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The limit matrix of a policy that decides by the model: what it gives for a probability."""

    policy: str
    policy_hash: str
    #: Column of the cases that names the segment.
    segment_column: str
    #: Upper ends of the grades, best first; the last one is a million.
    pd_ppm_max: tuple[int, ...]
    #: Limits by segment, a grade each in the same order.
    limits_minor: Mapping[str, tuple[int, ...]]

    def limit_of(self, segment: str | None, pd_ppm: int) -> int | None:
        """Return the limit of a segment at a probability; None where the segment is not known."""
        row = None if segment is None else self.limits_minor.get(segment)
        return None if row is None else row[bisect_left(self.pd_ppm_max, pd_ppm)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What a scenario says of the world beyond defaults; None where it says nothing."""

    #: From so many grades lost on, the loss of the whole life counts, and as how many years.
    watch_steps: int | None
    lifetime_times_ppm: int
    #: From so many grades lost on a limit is cut, and what share of it stays.
    cut_steps: int | None
    keep_ppm: int
    #: Share of what is open that is drawn in the scenario.
    draw_ppm: int | None


def read_effects(table: Table) -> Effects:
    """Return what a scenario's document says of provisions, limits and liquidity."""
    provisions = table.table_if_any("provisions")
    limits = table.table_if_any("limits")
    liquidity = table.table_if_any("liquidity")
    found = Effects(
        watch_steps=_steps(provisions, "watch_steps"),
        lifetime_times_ppm=PPM
        if provisions is None
        else provisions.integer("lifetime_times_ppm", least=PPM, most=_TIMES_MAX),
        cut_steps=_steps(limits, "cut_steps"),
        keep_ppm=PPM if limits is None else limits.integer("keep_ppm", least=0, most=PPM),
        draw_ppm=None if liquidity is None else liquidity.integer("draw_ppm", least=0, most=PPM),
    )
    for part in (provisions, limits, liquidity):
        if part is not None:
            part.finish()
    return found


class _ByPolicy:
    """Limits that a policy's matrix gives in the scenario: never above what there is now."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._before = self._after = self._cut = self._unknown = 0

    def add(self, case: Exposure, owed_minor: int) -> None:
        given = self._grid.limit_of(case.segment, case.stressed_pd_ppm)
        if given is None:
            self._unknown += 1
            return
        after = min(case.limit_minor, max(owed_minor, given))
        self._before += case.limit_minor
        self._after += after
        self._cut += after < case.limit_minor

    def document(self) -> Document:
        return {
            "policy": self._grid.policy,
            "policy_hash": self._grid.policy_hash,
            "before_minor": self._before,
            "after_minor": self._after,
            "cut_cases": self._cut,
            # Neither before nor after counts them.
            "unknown_cases": self._unknown,
        }


def tell_effects(
    exposures: Iterable[Exposure],
    effects: Effects,
    *,
    loss_ppm: int,
    stressed_loss_ppm: int,
    grid: Grid | None = None,
) -> Document:
    """Return provisions, limits and liquidity before and in the scenario; exact integers."""
    by_policy = None if grid is None else _ByPolicy(grid)
    before = after = watched = cut = 0
    limits_before = limits_after = open_before = drawn_more = missed = 0
    for case in exposures:
        is_open = max(0, case.limit_minor - case.drawn_minor)
        more = is_open * (effects.draw_ppm or 0) // PPM
        owed = case.drawn_minor + more
        is_watched = effects.watch_steps is not None and case.steps_worse >= effects.watch_steps
        is_cut = effects.cut_steps is not None and case.steps_worse >= effects.cut_steps
        times = effects.lifetime_times_ppm if is_watched else PPM
        chance = min(case.stressed_pd_ppm * times, PPM * PPM)
        before += case.drawn_minor * case.pd_ppm * loss_ppm
        after += owed * chance * stressed_loss_ppm
        kept = max(owed, case.limit_minor * effects.keep_ppm // PPM) if is_cut else case.limit_minor
        limits_before += case.limit_minor
        limits_after += min(case.limit_minor, kept)
        open_before += is_open
        drawn_more += more
        missed += case.drawn_minor * (case.stressed_pd_ppm - case.pd_ppm)
        watched += is_watched
        cut += is_cut
        if by_policy is not None:
            by_policy.add(case, owed)
    kept_before, kept_after = _half_up(before, PPM**2), _half_up(after, PPM**3)
    return {
        "provisions": None
        if effects.watch_steps is None
        else {
            "before_minor": kept_before,
            "after_minor": kept_after,
            "change_minor": kept_after - kept_before,
            "whole_life_cases": watched,
        },
        "limits": None
        if effects.cut_steps is None
        else {"before_minor": limits_before, "after_minor": limits_after, "cut_cases": cut},
        "limits_by_policy": None if by_policy is None else by_policy.document(),
        "liquidity": None
        if effects.draw_ppm is None
        else {
            "open_minor": open_before,
            "drawn_more_minor": drawn_more,
            "not_repaid_minor": _half_up(missed, PPM),
            "outflow_minor": drawn_more + _half_up(missed, PPM),
        },
    }


def _steps(table: Table | None, key: str) -> int | None:
    return None if table is None else table.integer(key, least=1, most=_STEPS_MAX)


def _half_up(amount: int, unit: int) -> int:
    return (2 * amount + unit) // (2 * unit)
