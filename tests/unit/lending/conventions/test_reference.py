"""The reference names every preset, every day count and every value of every setting."""

from dataclasses import fields
from enum import StrEnum
from pathlib import Path

import pytest

from counterfoil.kernel.daycount import DayCount
from counterfoil.lending.conventions import settings
from counterfoil.lending.conventions.presets import PRESETS

REFERENCE = (Path(__file__).parents[4] / "docs" / "reference" / "conventions.md").read_text()
VALUES = [
    str(value)
    for kind in vars(settings).values()
    if isinstance(kind, type) and issubclass(kind, StrEnum) and kind is not StrEnum
    for value in kind
]
NAMES = [field.name for field in fields(settings.Conventions)]


@pytest.mark.parametrize("name", [*PRESETS, *DayCount, *VALUES, *NAMES])
def test_the_reference_names_it(name: str) -> None:
    assert f"`{name}`" in REFERENCE
