"""Recipes and outcomes to test training with, small and seeded."""

import random
from pathlib import Path
from typing import Final

import polars as pl

from counterfoil.models.recipe import Recipe, read_recipe

HEAD: Final = """
code = "cards"
version = "2026-01"
{top}

[target]
column = "bad"
event = "missed the payment"
horizon_months = 1

[reasons.X]
en = "x"
zh-CN = "某"

[reasons.INFO_MISS]
en = "missing"
zh-CN = "缺"

{rest}
"""
ROWS: Final = 2_000


def recipe_text(features: str, *, top: str = "", rest: str = "") -> str:
    """Return a recipe; each line of `features` is the inside of one feature."""
    blocks = [
        "[[feature]]\n" + line.strip().replace("; ", "\n") + '\nreason = "X"\n'
        for line in features.strip().splitlines()
    ]
    return HEAD.format(top=top, rest=rest) + "\n".join(blocks)


def recipe_of(features: str, *, top: str = "", rest: str = "") -> Recipe:
    """Return a recipe."""
    return read_recipe(recipe_text(features, top=top, rest=rest).encode())


def outcomes(rows: int = ROWS, seed: int = 1) -> pl.DataFrame:
    """Return cases whose risk rises with `late`, falls and rises with `use`, varies by `town`."""
    chance = random.Random(seed)
    towns = {"north": 0.1, "south": 0.4, "west": 0.2, "hamlet": 0.2}
    cases = []
    for number in range(rows):
        late, use = chance.choice((0, 0, 0, 1, 2, 3)), chance.randrange(-1_000, 100_000)
        town = chance.choices(list(towns), (40, 30, 29, 1))[0]
        risk = 0.05 + 0.12 * late + abs(use - 50_000) / 300_000 + towns[town]
        cases.append(
            {
                "number": number,
                "late": late,
                "use": use,
                "share": use / 100_000,
                "town": town,
                "student": chance.random() < 0.3,
                "code": -9 if chance.random() < 0.1 else chance.randrange(50),
                "month": f"2026-{1 + number * 6 // rows:02}",
                "weight": 1 + number % 3,
                "bad": int(chance.random() < risk),
            }
        )
    return pl.DataFrame(cases)


def written(frame: pl.DataFrame, directory: Path, name: str = "data.csv") -> Path:
    """Write cases to a file, CSV or Parquet by its name."""
    path = directory / name
    if path.suffix == ".csv":
        frame.write_csv(path)
    else:
        frame.write_parquet(path)
    return path
