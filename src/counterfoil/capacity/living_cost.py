"""What living costs in a month where the customer lives, as a range from a table.

Units       Minor units of the table's currency.
Unknown     A region that nobody named has a row of its own, wide and marked; it is not cheap.
"""

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Final

from counterfoil.capacity.amounts import Range

_FILE: Final = "living_costs.toml"
UNKNOWN_REGION: Final = "unknown"
#: More persons than this on one income are not counted.
DEPENDANTS_MAX: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """One row of the table."""

    code: str
    zh: str
    en: str
    adult_minor: Range
    dependant_minor: Range


@dataclass(frozen=True, slots=True, kw_only=True)
class LivingCosts:
    """The table with its version and where it comes from."""

    version: str
    currency: str
    source: str
    regions: dict[str, Region]

    def monthly(self, region: str | None, dependants: int) -> Range:
        """Return what a customer needs for living in a month."""
        row = self.regions.get(region or UNKNOWN_REGION, self.regions[UNKNOWN_REGION])
        persons = min(max(dependants, 0), DEPENDANTS_MAX)
        return Range(
            row.adult_minor.low + persons * row.dependant_minor.low,
            row.adult_minor.high + persons * row.dependant_minor.high,
        )


@lru_cache(maxsize=1)
def shipped_living_costs() -> LivingCosts:
    """Return the table that the product comes with."""
    text = resources.files("counterfoil.capacity").joinpath(_FILE).read_text(encoding="utf-8")
    document = tomllib.loads(text)
    regions = {
        code: Region(
            code=code,
            zh=row["zh"],
            en=row["en"],
            adult_minor=Range(*row["adult_minor"]),
            dependant_minor=Range(*row["dependant_minor"]),
        )
        for code, row in document["regions"].items()
    }
    return LivingCosts(
        version=document["version"],
        currency=document["currency"],
        source=document["source"],
        regions=regions,
    )
