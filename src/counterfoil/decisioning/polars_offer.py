"""Limits, tenors and prices of an offer as Polars expressions over grade and segment.

Reads       The columns `grade no`, `segment no`, `grown`, `rate` and `margin`, as far as the policy
            has them.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import polars as pl

from counterfoil.decisioning.decision import Asked
from counterfoil.decisioning.polars_text import looked_up
from counterfoil.decisioning.policy import Policy

#: Begins the names of columns with the price of a tenor; the months follow.
RATE_OF: Final = "rate_of_"


class Offers:
    """What a policy offers within the bounds of a product, by cell of its tables."""

    def __init__(self, policy: Policy, asked: Asked) -> None:
        """Take the policy and the question that all cases share."""
        self.policy = policy
        self.asked = asked

    def cell(self, value: Callable[[int, int], int]) -> pl.Expr:
        """Return the cell of a table by grade and segment."""
        grades, segments = len(self.policy.grades), len(self.policy.segments)
        cells = [value(g, s) for g in range(grades) for s in range(segments)]
        index = pl.col("grade no") * segments + pl.col("segment no").cast(pl.UInt16)
        return looked_up(index, cells, pl.Int64)

    def grid(self) -> pl.Expr:
        """Return the cell of the limit matrix."""
        grades, segments = self.policy.grades, self.policy.segments

        def limit(grade: int, segment: int, *, grown: bool) -> int:
            return grades[grade].limit_of(segments[segment].code, grown=grown)

        initial = self.cell(lambda g, s: limit(g, s, grown=False))
        if self.policy.growth is None:
            return initial
        grown = self.cell(lambda g, s: limit(g, s, grown=True))
        return pl.when(pl.col("grown")).then(grown).otherwise(initial)

    def capacity(self, income: pl.Expr, debt: pl.Expr) -> pl.Expr:
        """Return what an income carries, null while income or repayments are not known."""
        capacity = self.policy.capacity
        free = income * capacity.share_percent // 100 - debt
        return pl.when(free > 0).then(free).otherwise(free * 0) * capacity.months

    def fits(self) -> pl.Expr:
        """Return whether the product allows a tenor of the grade, and all of their prices."""
        low, high = self.asked.rate_daily_min_e8, self.asked.rate_daily_max_e8
        tenors = [int(bool(self.tenors(number))) for number in range(len(self.policy.grades))]
        some = looked_up(pl.col("grade no"), tenors, pl.UInt8) == 1
        within = pl.col("rate").is_between(low, high) & some
        if not self.policy.prices_tenors:
            return within
        cheapest = self.cell(lambda g, s: self.rates(g, s)[0]) + pl.col("margin")
        return within & (cheapest >= low)

    def rates(self, grade: int, segment: int) -> list[int]:
        """Return the prices of the tenors of a cell, the cheapest first; never none."""
        found, code = self.policy.grades[grade], self.policy.segments[segment].code
        return sorted(found.rates_of(code, self.tenors(grade))) or [found.rate_of(code)]

    def rates_by_tenor(self, offered: pl.Expr) -> Iterator[pl.Expr]:
        """Yield the price of each tenor of the product, null where it is not offered."""
        grades = len(self.policy.grades)
        for months in self.asked.tenors_months:
            has = [int(months in self.tenors(number)) for number in range(grades)]
            price = self.cell(partial(self._rate, months))
            is_priced = offered & (looked_up(pl.col("grade no"), has, pl.UInt8) == 1)
            yield pl.when(is_priced).then(price + pl.col("margin")).alias(f"{RATE_OF}{months}")

    def _rate(self, months: int, grade: int, segment: int) -> int:
        return self.policy.grades[grade].rate_of(self.policy.segments[segment].code, months)

    def tenors(self, grade: int) -> tuple[int, ...]:
        """Return the tenors of the product that a grade may have."""
        most = self.policy.grades[grade].tenor_months_max
        return tuple(months for months in self.asked.tenors_months if months <= most)
