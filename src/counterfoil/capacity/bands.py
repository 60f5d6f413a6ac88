"""Bands of debt in which the losses of the book are told: lenders, exposure, debt to income.

Edges       A band begins with its edge and ends below the next one. Those of lenders and shares lie
            where the ceilings of `ceilings.toml` send a case to a person or refuse it.
Unknown     Who was never measured, or of whom a figure is not known, is a band of its own.
Units       Counts, minor units, ppm, as the measure has them.
"""

from typing import Final, NamedTuple


class Banding(NamedTuple):
    """A measure and where its bands begin."""

    measure: str
    #: `count`, `minor` or `ppm`.
    unit: str
    #: Where the second band and those after it begin; the first one begins at 0.
    edges: tuple[int, ...]

    def ends_of(self, band: int | None) -> tuple[int | None, int | None]:
        """Return where a band begins and below what it ends; None is no end, or not known."""
        if band is None:
            return None, None
        assert 0 <= band <= len(self.edges), "a band lies between two edges"
        first = self.edges[band - 1] if band else 0
        return first, self.edges[band] if band < len(self.edges) else None


BANDINGS: Final = (
    Banding("active_lenders", "count", (1, 2, 4, 7)),
    Banding("own_exposure", "minor", (500_000, 1_000_000, 2_000_000, 5_000_000)),
    Banding("total_exposure", "minor", (1_000_000, 5_000_000, 10_000_000, 20_000_000)),
    Banding("dsr", "ppm", (300_000, 500_000, 700_000)),
    Banding("debt_to_yearly_income", "ppm", (500_000, 1_000_000, 1_500_000)),
)
