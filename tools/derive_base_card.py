"""Derive the points card of policy base-2026-01 from the recorded card clients; print it as TOML.

    .venv/bin/python tools/derive_base_card.py

Data        Default of Credit Card Clients, I-Cheng Yeh, UCI Machine Learning Repository (2009),
            doi:10.24432/C55S3H, CC BY 4.0; format changed, values unchanged.
Method      Bins with round edges, chosen by eye on the share of defaults; weight of evidence
            with 0.5 added to both counts; logistic regression on it by Newton steps; points =
            round(-40 / ln 2 * coefficient * weight of evidence), so 40 points double the odds;
            600 points stand for the odds of the whole set. What is not known weighs 0: the
            absence of a file is neutral.
            Fitted on the rows whose number modulo 5 is not 0; the area under the curve is
            printed for the rows that were held out, before and after rounding to points.
Left out    The share of bills that was paid: beside the other features its coefficient is 0.04.
            Sex, marriage, education and age are not read.
Rounding    Floats live in this script alone; what the policy holds are the integers it prints.
"""

import bisect
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from counterfoil.simulator.card_clients import ROWS_COUNT, load
from counterfoil.simulator.recorded_history import recorded_facts

POINTS_TO_DOUBLE_ODDS = 40
#: Points of a client with the data set's own odds.
POINTS_OF_AVERAGE = 600
NEWTON_STEPS = 12

#: Lower edges of the bins after the first, per feature; one more bin is for "not known".
EDGES: dict[str, tuple[int, ...]] = {
    "delay_months_latest": (1, 2),
    "late_months_count": (1, 2, 3),
    "unpaid_months_count": (1, 2, 3),
    "utilisation_ppm": (10_000, 100_000, 300_000, 700_000, 1_000_000),
    "credit_elsewhere_minor": (1_000_000, 2_000_000, 3_000_000, 4_000_000, 6_000_000),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One client as bin numbers, in the order of EDGES, and what became of them."""

    bins: tuple[int, ...]
    defaulted: bool


def bin_of(feature: str, value: object) -> int:
    """Return the bin of a value; the last bin is for "not known"."""
    if value is None:
        return len(EDGES[feature]) + 1
    assert isinstance(value, int)
    return bisect.bisect_right(EDGES[feature], value)


def read_samples() -> tuple[list[Sample], list[Sample]]:
    """Return the rows to fit on and the rows held out."""
    fit: list[Sample] = []
    held: list[Sample] = []
    for client in load(ROWS_COUNT, seed=0):
        facts = recorded_facts(client)
        bins = tuple(bin_of(feature, facts[feature]) for feature in EDGES)
        (held if client.number % 5 == 0 else fit).append(Sample(bins, client.defaulted))
    return fit, held


def weigh(samples: Sequence[Sample]) -> list[list[float]]:
    """Return the weight of evidence of every bin: positive where defaults are rare."""
    bad_all = sum(sample.defaulted for sample in samples)
    good_all = len(samples) - bad_all
    weights = []
    for position, feature in enumerate(EDGES):
        row = []
        for number in range(len(EDGES[feature]) + 2):
            hits = [s.defaulted for s in samples if s.bins[position] == number]
            bad = sum(hits)
            good = len(hits) - bad
            share = ((good + 0.5) / good_all) / ((bad + 0.5) / bad_all)
            known = number <= len(EDGES[feature])
            row.append(math.log(share) if hits and known else 0.0)
        weights.append(row)
    return weights


def fit_logistic(samples: Sequence[Sample], weights: list[list[float]]) -> list[float]:
    """Return intercept and coefficients of default on weight of evidence, by Newton steps."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for sample in samples:
        counts = groups.setdefault(sample.bins, [0, 0])
        counts[0] += 1
        counts[1] += sample.defaulted
    rows = [
        ([1.0] + [weights[i][number] for i, number in enumerate(bins)], counts[0], counts[1])
        for bins, counts in groups.items()
    ]
    size = len(weights) + 1
    beta = [0.0] * size
    for _ in range(NEWTON_STEPS):
        gradient = [0.0] * size
        hessian = [[0.0] * size for _ in range(size)]
        for x, n, bad in rows:
            p = 1 / (1 + math.exp(-sum(b * v for b, v in zip(beta, x, strict=True))))
            for i in range(size):
                gradient[i] += (bad - n * p) * x[i]
                for j in range(size):
                    hessian[i][j] += n * p * (1 - p) * x[i] * x[j]
        beta = [b + step for b, step in zip(beta, solve(hessian, gradient), strict=True)]
    return beta


def solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Return the solution of a linear system by elimination with pivots."""
    size = len(right)
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for i in range(size):
        pivot = max(range(i, size), key=lambda r: abs(rows[r][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for r in range(i + 1, size):
            factor = rows[r][i] / rows[i][i]
            rows[r] = [a - factor * b for a, b in zip(rows[r], rows[i], strict=True)]
    answer = [0.0] * size
    for i in reversed(range(size)):
        known = sum(rows[i][j] * answer[j] for j in range(i + 1, size))
        answer[i] = (rows[i][size] - known) / rows[i][i]
    return answer


def area_under_curve(scores: Sequence[float], samples: Sequence[Sample]) -> float:
    """Return the probability that a good client scores above a bad one, ties one half."""
    by_score: dict[float, list[int]] = {}
    for score, sample in zip(scores, samples, strict=True):
        by_score.setdefault(score, [0, 0])[sample.defaulted] += 1
    bad_below = won = 0.0
    good_all = bad_all = 0
    for score in sorted(by_score):
        good, bad = by_score[score]
        won += good * (bad_below + bad / 2)
        bad_below += bad
        good_all += good
        bad_all += bad
    return won / (good_all * bad_all)


def derive_points() -> dict[str, list[int]]:
    """Return the points of every bin per feature."""
    fit, _ = read_samples()
    weights = weigh(fit)
    beta = fit_logistic(fit, weights)
    return to_points(weights, beta)


def to_points(weights: list[list[float]], beta: list[float]) -> dict[str, list[int]]:
    """Return points per bin; the last bin, "not known", gets 0."""
    factor = POINTS_TO_DOUBLE_ODDS / math.log(2)
    return {
        feature: [round(-factor * beta[i + 1] * weight) for weight in weights[i]]
        for i, feature in enumerate(EDGES)
    }


def main() -> None:
    """Print the card and how well it ranks."""
    fit, held = read_samples()
    weights = weigh(fit)
    beta = fit_logistic(fit, weights)
    points = to_points(weights, beta)
    names = list(EDGES)

    def exact(sample: Sample) -> float:
        return -sum(beta[i + 1] * weights[i][n] for i, n in enumerate(sample.bins))

    def rounded(sample: Sample) -> int:
        return POINTS_OF_AVERAGE + sum(points[names[i]][n] for i, n in enumerate(sample.bins))

    area = area_under_curve([exact(s) for s in held], held)
    area_of_points = area_under_curve([float(rounded(s)) for s in held], held)
    lines = [f"coefficients {[round(b, 3) for b in beta]}"]
    lines += [f"{name} {EDGES[name]} {points[name]}" for name in names]
    lines += [f"held out {len(held)}: area {area:.4f}, of the points {area_of_points:.4f}"]
    table: dict[int, list[int]] = {}
    for sample in held + fit:
        row = table.setdefault(rounded(sample) // 10 * 10, [0, 0])
        row[0] += 1
        row[1] += sample.defaulted
    lines += [f"{s}: {n} clients, {bad / n:.1%} defaults" for s, (n, bad) in sorted(table.items())]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
