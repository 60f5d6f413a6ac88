"""Tenors and prices of an offer, as the generated function looks them up."""

from collections.abc import Sequence

from counterfoil.decisioning.policy_parts import Grade

#: Tenors are remembered for so many pairs of grade and product.
_KEPT_MAX = 1_000


class Tenors:
    """The tenors of a product that a grade may have, remembered."""

    def __init__(self, most: list[int]) -> None:
        """Take the longest tenor of each grade."""
        self._most = most
        self._kept: dict[tuple[int, tuple[int, ...]], tuple[int, ...]] = {}

    def __call__(self, grade: int, tenors_months: tuple[int, ...]) -> tuple[int, ...]:
        """Return those of a product's tenors that the grade may have."""
        key = (grade, tenors_months)
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= _KEPT_MAX:
                self._kept.clear()
            most = self._most[grade]
            found = self._kept[key] = tuple(item for item in tenors_months if item <= most)
        return found


class Rates:
    """The prices of the tenors of an offer, remembered."""

    def __init__(self, grades: Sequence[Grade], segments: Sequence[str]) -> None:
        """Take the grades and the codes of the segments, in their order."""
        self._grades = grades
        self._segments = segments
        self._kept: dict[tuple[int, int, tuple[int, ...]], tuple[int, ...]] = {}

    def __call__(
        self, grade: int, segment: int, tenors_months: tuple[int, ...], margin: int
    ) -> tuple[int, ...]:
        """Return the price of each tenor, the margin included."""
        key = (grade, segment, tenors_months)
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= _KEPT_MAX:
                self._kept.clear()
            rates = self._grades[grade].rates_of(self._segments[segment], tenors_months)
            found = self._kept[key] = rates
        return tuple(rate + margin for rate in found) if margin else found
