"""The recorded card clients as files that an analyst starts from: outcomes, recipe, cases.

Files       `train.csv`, the first 20,000 clients; `later.csv`, the other 10,000, which training
            never sees; `recipe.toml`; `cases.parquet`, the later clients as applications to the
            base policy.
Units       As in `recorded_history`: minor units of CNY, shares in ppm, counts of months.
Invented    In `cases.parquet` alone: what the recorded clients do not say and a policy asks for.
            A purpose, and no to every question; the rest is not known.
"""

from importlib import resources
from pathlib import Path
from typing import Final

import polars as pl

from counterfoil.decisioning.document import BASE_POLICY, load_policy
from counterfoil.decisioning.rule_types import ValueType
from counterfoil.simulator.card_clients import ROWS_COUNT, CardClient, client_of
from counterfoil.simulator.recorded_history import Facts, recorded_facts

TRAIN_COUNT: Final = 20_000
RECIPE: Final = "card_clients.recipe.toml"
PURPOSE: Final = "daily_consumption"

_DTYPES: Final = {
    ValueType.INTEGER: pl.Int64,
    ValueType.TEXT: pl.String,
    ValueType.BOOLEAN: pl.Boolean,
}


def write_example(directory: Path) -> dict[str, int]:
    """Write the files into a directory; return their names with how many rows each has."""
    clients = [client_of(number) for number in range(1, ROWS_COUNT + 1)]
    outcomes = pl.DataFrame([_outcome(client) for client in clients])
    outcomes.head(TRAIN_COUNT).write_csv(directory / "train.csv")
    outcomes.tail(-TRAIN_COUNT).write_csv(directory / "later.csv")
    _cases(clients[TRAIN_COUNT:]).write_parquet(directory / "cases.parquet")
    recipe = resources.files("counterfoil.simulator").joinpath("data", RECIPE).read_bytes()
    (directory / "recipe.toml").write_bytes(recipe)
    later = ROWS_COUNT - TRAIN_COUNT
    return {"train.csv": TRAIN_COUNT, "later.csv": later, "cases.parquet": later, "recipe.toml": 1}


def _outcome(client: CardClient) -> Facts:
    return {
        "client_no": client.number,
        **recorded_facts(client),
        "sex": client.sex,
        "age_years": client.age,
        "education": client.education,
        "marriage": client.marriage,
        "defaulted": int(client.defaulted),
    }


def _cases(clients: list[CardClient]) -> pl.DataFrame:
    features = load_policy(BASE_POLICY).features
    schema: dict[str, type[pl.DataType]] = {"client_no": pl.Int64, "defaulted": pl.Int64}
    schema |= {feature.name: _DTYPES[feature.type] for feature in features}
    answers: Facts = {
        feature.name: False for feature in features if feature.type is ValueType.BOOLEAN
    }
    rows = []
    for client in clients:
        known = answers | recorded_facts(client) | {"age_years": client.age, "purpose": PURPOSE}
        row: Facts = {"client_no": client.number, "defaulted": int(client.defaulted)}
        rows.append(row | {feature.name: known.get(feature.name) for feature in features})
    return pl.DataFrame(rows, schema=schema)
