"""Data quality: what is checked of a source or a feature, from which share on, with what effect.

Units       Shares in ppm of the events or values looked at, rounded down.
Effect      `warn` tells people. `degrade` marks the values. `stop` makes them unknown to every
            decision until a check passes again: no decision is fed rubbish, and none is fed zero.
Few         Below `cases_min` nothing is concluded and the last state stays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

ONE_PPM: Final = 1_000_000


class Kind(StrEnum):
    """What is looked at."""

    #: Events that lack a member.
    COMPLETENESS = "completeness"
    #: Events that were put into quarantine.
    VALIDITY = "validity"
    #: Events that became known later than a number of days after they happened.
    FRESHNESS = "freshness"
    #: Events that came again and said something else.
    UNIQUENESS = "uniqueness"
    #: How far the values have moved from the time before: total variation distance.
    DISTRIBUTION = "distribution"
    #: Customers of whom two sources say different things.
    AGREEMENT = "agreement"


class Effect(StrEnum):
    """What follows; the gravest comes last. `pass` is spelt `NONE`: nothing follows."""

    NONE = "pass"
    WARN = "warn"
    DEGRADE = "degrade"
    STOP = "stop"


_GRAVITY: Final = {effect: number for number, effect in enumerate(Effect)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check with its thresholds."""

    code: str
    kind: Kind
    source: str
    #: Kind of events that are looked at; empty: all of the source.
    event: str
    #: The member or feature it is about; empty: the source as a whole.
    member: str
    #: Source that the member is held against (`agreement`).
    other: str
    #: Days within which an event becomes known (`freshness`).
    days: int
    #: Difference that still counts as agreement, in ppm of the greater value.
    tolerance_ppm: int
    window_days: int
    cases_min: int
    #: Share from which on each effect follows; None: it never does.
    thresholds: Mapping[Effect, int]

    def effect_of(self, share_ppm: int) -> Effect:
        """Return the gravest effect whose threshold a share has reached."""
        reached = [effect for effect, least in self.thresholds.items() if share_ppm >= least]
        return max(reached, key=_GRAVITY.__getitem__, default=Effect.NONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a check counted."""

    code: str
    #: Cases looked at, and those that do not hold.
    cases: int
    wrong: int

    @property
    def share_ppm(self) -> int:
        """Return the wrong ones' share, rounded down; 0 without cases."""
        return self.wrong * ONE_PPM // self.cases if self.cases else 0


def measured_share(code: str, cases: int, share_ppm: int) -> Measured:
    """Return the counts that stand for a share of some cases, the wrong ones rounded up."""
    return Measured(code=code, cases=cases, wrong=-(-cases * share_ppm // ONE_PPM))


def conclude(check: Check, measured: Measured, before: Effect) -> Effect:
    """Return the effect of what was measured; too few cases leave the state as it was."""
    if measured.cases < check.cases_min:
        return before
    return check.effect_of(measured.share_ppm)


def gravest(effects: Sequence[Effect]) -> Effect:
    """Return the gravest effect, `pass` of none."""
    return max(effects, key=_GRAVITY.__getitem__, default=Effect.NONE)


def score_ppm(results: Sequence[Measured]) -> int | None:
    """Return a source's score: the share of cases that hold, over all checks; None without any."""
    cases = sum(one.cases for one in results)
    wrong = sum(one.wrong for one in results)
    return (cases - wrong) * ONE_PPM // cases if cases else None


def distance_ppm(before: Mapping[str, int], now: Mapping[str, int]) -> int:
    """Return how far two distributions are apart, 0 to 1,000,000: total variation distance.

    Counts by bin. 0 where one of them is empty: nothing can be said.
    """
    total_before, total_now = sum(before.values()), sum(now.values())
    if not total_before or not total_now:
        return 0
    apart = sum(
        abs(before.get(name, 0) * total_now - now.get(name, 0) * total_before)
        for name in before.keys() | now.keys()
    )
    return apart * ONE_PPM // (2 * total_before * total_now)
