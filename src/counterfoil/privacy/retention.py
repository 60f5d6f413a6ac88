"""The retention lattice: active until the purpose is over, restricted while law says keep, erased.

Form        `retention.toml` beside this module: data class → ceiling, floor, what follows.
Dates       The ceiling is reached on `ended_on`; `keep_until` is the last day of the floor. Both
            are business dates. Without a floor data goes on the day of the ceiling itself.
Order       A legal hold beats erasure; retention beats a wish to erase.
Follows     PIPL articles 19 and 47; the rules named in the file.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

from counterfoil.privacy.vault import Purpose

_FEBRUARY_LAST = 28


class State(StrEnum):
    """Where a class of a customer's data stands."""

    ACTIVE = "active"
    RESTRICTED = "restricted"
    ERASED = "erased"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataClass:
    """How long one class of data is kept."""

    code: str
    name_zh: str
    name_en: str
    #: The event after which the purpose is over, for people.
    ceiling: str
    floor_years: int
    #: `erased`, or `restricted` where it stays until somebody decides.
    then: State
    #: Whose data keys are destroyed with it.
    purposes: tuple[Purpose, ...]
    #: The rule that demands it.
    rule: str

    def keep_until(self, ended_on: date) -> date | None:
        """Return the last day on which the floor demands keeping; None where there is no floor."""
        return years_after(ended_on, self.floor_years) if self.floor_years else None

    def is_over(self, ended_on: date, on: date) -> bool:
        """Return whether ceiling and floor are both past, so that only a hold stops erasure."""
        last = self.keep_until(ended_on)
        return on >= ended_on if last is None else on > last


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The whole lattice."""

    classes: Mapping[str, DataClass]
    #: Days after which the last backup with a destroyed key is gone.
    backup_days: int

    def gone_by(self, erased_on: date) -> date:
        """Return the day from which erased data is out of reach of backups too."""
        return erased_on + timedelta(days=self.backup_days)

    def class_of(self, purpose: Purpose) -> DataClass | None:
        """Return the class that a purpose of the vault belongs to."""
        found = [item for item in self.classes.values() if purpose in item.purposes]
        assert len(found) <= 1, "a purpose belongs to one class"
        return found[0] if found else None


def years_after(day: date, years: int) -> date:
    """Return the same day so many years later, the last of February where there is none."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=_FEBRUARY_LAST)


@cache
def load_schedule() -> Schedule:
    """Return the lattice of this release."""
    text = resources.files("counterfoil.privacy").joinpath("retention.toml").read_text("utf-8")
    return parse_schedule(tomllib.loads(text))


def parse_schedule(read: Mapping[str, Any]) -> Schedule:
    """Return a lattice that was read from a file; raise ValueError where it is not one."""
    classes = {code: _data_class(code, item) for code, item in read["classes"].items()}
    covered = [purpose for item in classes.values() for purpose in item.purposes]
    if sorted(covered) != sorted(Purpose):
        raise ValueError("every purpose of the vault belongs to one class of data, and to one only")
    return Schedule(classes=classes, backup_days=read["backup_days"])


def _data_class(code: str, item: Mapping[str, Any]) -> DataClass:
    if item["floor_years"] < 0 or item["then"] not in ("erased", "restricted"):
        raise ValueError(f"the data class {code} has a floor or an end that there is not")
    return DataClass(
        code=code,
        name_zh=item["zh"],
        name_en=item["en"],
        ceiling=item["ceiling"],
        floor_years=item["floor_years"],
        then=State(item["then"]),
        purposes=tuple(Purpose(name) for name in item["purposes"]),
        rule=item["rule"],
    )
