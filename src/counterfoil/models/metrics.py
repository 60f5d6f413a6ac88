"""How well a model ranks, stays as it was, and predicts: figures from counts.

Shapes      Everything is a function of counts, never of rows: `Cell(risk, good, bad)` says how many
            cases with one value of the risk went well and badly. Counts of one file are small,
            add up across files and months, and need no numerical library.
Signs       A higher risk is worse. A score in points is given with its sign turned.
Units       Shares, indices and probabilities in ppm, log loss in 1e-6 nats. None where a figure
            does not exist: a month without a bad case has no AUC.
Rounding    Counts are exact to the end; a figure is rounded once, half up.
Follows     AUC as the Mann-Whitney statistic with ties counted half; KS as the greatest distance
            between the two cumulative shares; PSI and CSI as the sum of (a - e) ln(a / e).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

PPM: Final = 1_000_000
#: A bin without cases counts as this many of them, so that the index stays finite.
_EMPTY_BIN_CASES: Final = 0.5
#: Terms of a tail below this share of its largest term change no printed digit.
_NEGLIGIBLE: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Cell:
    """How cases with one value of the risk ended."""

    risk: int
    good: int
    bad: int

    @property
    def cases(self) -> int:
        """Return how many there are."""
        return self.good + self.bad


@dataclass(frozen=True, slots=True, kw_only=True)
class RankOrder:
    """How well the risk tells bad cases from good ones."""

    cases: int
    bad: int
    #: Chance that a bad case has the higher risk, of one bad and one good; 500,000 is a coin.
    auc_ppm: int | None
    #: 2 AUC - 1; negative where the order is the wrong way round.
    gini_ppm: int | None
    #: Greatest distance between the cumulative shares of good and bad.
    ks_ppm: int | None
    #: The lowest risk above that distance: who has it or more is on the bad side.
    ks_risk: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOff:
    """What accepting everybody below a risk would have meant."""

    #: Highest risk that is accepted.
    risk: int
    accepted: int
    bad: int
    approval_ppm: int
    bad_ppm: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Predicted against actual in one set of cases."""

    cases: int
    bad: int
    #: Mean predicted probability.
    predicted_ppm: int
    actual_ppm: int
    #: Predicted / actual; None where nothing went bad.
    ratio_ppm: int | None
    #: Two-sided chance of so many bad cases, or stranger, if the prediction were right.
    p_value_ppm: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """Cases that two models, or a model and the past, sort alike or differently."""

    cases: int
    bad: int
    amount_minor: int


def share_ppm(part: int, whole: int) -> int | None:
    """Return a share in ppm, half up; None of nothing."""
    return None if whole == 0 else (2 * part * PPM + whole) // (2 * whole)


def rank_order(cells: Sequence[Cell]) -> RankOrder:
    """Return AUC, Gini and KS of counts in ascending order of risk."""
    goods, bads = sum(cell.good for cell in cells), sum(cell.bad for cell in cells)
    if goods == 0 or bads == 0:
        return RankOrder(
            cases=goods + bads, bad=bads, auc_ppm=None, gini_ppm=None, ks_ppm=None, ks_risk=None
        )
    twice_wins = good = bad = widest = 0
    ks_risk = cells[0].risk
    for cell in cells:
        twice_wins += cell.bad * (2 * good + cell.good)
        # Before the cell is added: the distance between those below and the rest.
        distance = abs(good * bads - bad * goods)
        if distance > widest:
            widest, ks_risk = distance, cell.risk
        good, bad = good + cell.good, bad + cell.bad
    pairs = goods * bads
    return RankOrder(
        cases=goods + bads,
        bad=bads,
        auc_ppm=share_ppm(twice_wins, 2 * pairs),
        gini_ppm=share_ppm(twice_wins - pairs, pairs),
        ks_ppm=share_ppm(widest, pairs),
        ks_risk=ks_risk,
    )


def roc(cells: Sequence[Cell], *, points: int = 200) -> list[tuple[int, int]]:
    """Return (share of good above, share of bad above) in ppm, from (0, 0) to (all, all).

    `points` bounds their number; the corners always stand.
    """
    goods, bads = sum(cell.good for cell in cells), sum(cell.bad for cell in cells)
    if goods == 0 or bads == 0:
        return []
    curve, good, bad = [(0, 0)], 0, 0
    stride = max(1, (goods + bads) // points)
    drawn = 0
    for cell in reversed(cells):
        good, bad = good + cell.good, bad + cell.bad
        if good + bad - drawn >= stride or good + bad == goods + bads:
            drawn = good + bad
            curve.append(((good * PPM) // goods, (bad * PPM) // bads))
    return curve


def by_cut_off(cells: Sequence[Cell], *, steps: int = 20) -> list[CutOff]:
    """Return the approval and bad rate at cut-offs that accept about 1/steps more each time."""
    cases = sum(cell.cases for cell in cells)
    made: list[CutOff] = []
    accepted = bad = 0
    for cell in cells:
        accepted, bad = accepted + cell.cases, bad + cell.bad
        if accepted * steps >= cases * (len(made) + 1) and cell.cases:
            made.append(
                CutOff(
                    risk=cell.risk,
                    accepted=accepted,
                    bad=bad,
                    approval_ppm=_of(accepted, cases),
                    bad_ppm=_of(bad, accepted),
                )
            )
    return made


def cut_off_for(cells: Sequence[Cell], *, approval_ppm: int) -> int | None:
    """Return the highest risk to accept so that at most that share of cases is; None for nobody."""
    cases = sum(cell.cases for cell in cells)
    accepted, found = 0, None
    for cell in cells:
        accepted += cell.cases
        if accepted * PPM > cases * approval_ppm:
            break
        found = cell.risk
    return found


def agreement(cells: Sequence[Cell]) -> Agreement | None:
    """Return predicted against actual where the risk is a probability in ppm; None of nothing."""
    cases, bad = sum(cell.cases for cell in cells), sum(cell.bad for cell in cells)
    if cases == 0:
        return None
    predicted = sum(cell.risk * cell.cases for cell in cells)
    mean_ppm = _half_up(predicted, cases)
    return Agreement(
        cases=cases,
        bad=bad,
        predicted_ppm=mean_ppm,
        actual_ppm=_of(bad, cases),
        ratio_ppm=None if bad == 0 else _half_up(predicted, bad),
        p_value_ppm=binomial_ppm(cases=cases, bad=bad, chance_ppm=mean_ppm),
    )


def brier_ppm(cells: Sequence[Cell]) -> int | None:
    """Return the mean squared error of probabilities in ppm."""
    cases = sum(cell.cases for cell in cells)
    if cases == 0:
        return None
    squares = sum(cell.bad * (PPM - cell.risk) ** 2 + cell.good * cell.risk**2 for cell in cells)
    return _half_up(squares, cases * PPM)


def log_loss_e6(cells: Sequence[Cell]) -> int | None:
    """Return the mean of -ln(probability of what happened), in 1e-6 nats.

    Probabilities of 0 and 1 count as half a millionth from there: a certainty that was wrong
    is very bad, not infinitely so.
    """
    cases = sum(cell.cases for cell in cells)
    if cases == 0:
        return None
    lost = 0.0
    for cell in cells:
        chance = min(max(cell.risk, 0.5), PPM - 0.5) / PPM
        lost -= cell.bad * math.log(chance) + cell.good * math.log1p(-chance)
    return round(lost / cases * PPM)


def stability_ppm(expected: Sequence[int], actual: Sequence[int]) -> int | None:
    """Return the stability index (PSI, or CSI of a characteristic) of two counts by bin.

    Bins that are empty on both sides do not count; a bin empty on one side counts as half a case
    there. None where a side has no cases at all.
    """
    assert len(expected) == len(actual), "the same bins on both sides"
    before, now = sum(expected), sum(actual)
    if before == 0 or now == 0:
        return None
    index = 0.0
    for was, is_now in zip(expected, actual, strict=True):
        if was == 0 and is_now == 0:
            continue
        e, a = (was or _EMPTY_BIN_CASES) / before, (is_now or _EMPTY_BIN_CASES) / now
        index += (a - e) * math.log(a / e)
    return round(index * PPM)


def binomial_ppm(*, cases: int, bad: int, chance_ppm: int) -> int:
    """Return the two-sided p-value of a binomial test: twice the smaller tail, at most all."""
    if cases == 0 or not 0 < chance_ppm < PPM:
        certain = 0 if chance_ppm <= 0 else cases
        return PPM if cases == 0 or bad == certain else 0
    chance = chance_ppm / PPM
    # The smaller tail is the one that leads away from what was expected.
    step = -1 if bad <= cases * chance else 1
    return min(PPM, round(2 * _tail(cases, bad, chance, step) * PPM))


def _tail(cases: int, bad: int, chance: float, step: int) -> float:
    """Return the chance of `bad` or fewer (step -1) or more (step 1); its terms fall."""
    total, count = 0.0, bad
    odds = math.log(chance) - math.log1p(-chance)
    log_term = (
        math.lgamma(cases + 1)
        - math.lgamma(bad + 1)
        - math.lgamma(cases - bad + 1)
        + bad * odds
        + cases * math.log1p(-chance)
    )
    while 0 <= count <= cases:
        term = math.exp(log_term)
        total += term
        if term < total * _NEGLIGIBLE:
            break
        following = count + step
        if 0 <= following <= cases:
            ratio = (cases - count) / following if step > 0 else count / (cases - following)
            log_term += math.log(ratio) + step * odds
        count = following
    return min(1.0, total)


def impact_ratios_ppm(approved: Mapping[str, tuple[int, int]]) -> dict[str, int | None]:
    """Return each group's approval rate over that of the group approved most often.

    `approved` gives (approved, all) by group; a group without cases has no ratio.
    """
    rates = {name: (part, whole) for name, (part, whole) in approved.items() if whole}
    if not rates:
        return dict.fromkeys(approved)
    best_part, best_whole = max(rates.values(), key=lambda rate: rate[0] / rate[1])
    return {
        name: share_ppm(part * best_whole, whole * best_part) if whole else None
        for name, (part, whole) in approved.items()
    }


def profit_minor(*, good: int, bad: int, amount_minor: int, margin_ppm: int, loss_ppm: int) -> int:
    """Return what accepting cases of one amount earns: the margin of the good less the bad's loss.

    Minor units, rounded half up; margin and loss are shares of the amount over the horizon.
    """
    return _half_up(amount_minor * (good * margin_ppm - bad * loss_ppm), PPM)


def _of(part: int, whole: int) -> int:
    return _half_up(part * PPM, whole)


def _half_up(part: int, whole: int) -> int:
    return (2 * part + whole) // (2 * whole)
