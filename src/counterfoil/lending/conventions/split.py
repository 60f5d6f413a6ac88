"""How an amount is shared among funders: per category, to the cent, with a named residual funder.

Each funder gets the whole cents of its entitlement; the cents left over go to the largest
remainders, a tie to the residual funder, else to the funder first in the contract.

Invariant   Shares sum to the amount; none is negative.
Units       Minor units; weights are exact and sum to one.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import floor


def shares_of(amount_minor: int, weights: Sequence[Fraction], *, residual: int = 0) -> list[int]:
    """Return each funder's share of a posted amount; `residual` is that funder's position."""
    assert amount_minor >= 0
    assert sum(weights) == 1
    exact = [amount_minor * weight for weight in weights]
    shares = [floor(one) for one in exact]
    left = amount_minor - sum(shares)
    order = sorted(range(len(weights)), key=lambda k: (shares[k] - exact[k], k != residual, k))
    for position in order[:left]:
        shares[position] += 1
    assert sum(shares) == amount_minor
    return shares


def shares_by_category(
    amounts_minor: Mapping[str, int], weights: Sequence[Fraction], *, residual: int = 0
) -> dict[str, list[int]]:
    """Share each category for itself; a total is never split."""
    return {
        name: shares_of(amount, weights, residual=residual)
        for name, amount in amounts_minor.items()
    }


def blended_rate(weights: Sequence[Fraction], rates: Sequence[Fraction]) -> Fraction:
    """Return the mean of the funders' rates by their weights."""
    assert sum(weights) == 1
    return sum((w * r for w, r in zip(weights, rates, strict=True)), start=Fraction(0))
