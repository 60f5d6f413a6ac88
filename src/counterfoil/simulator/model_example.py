"""The recorded card clients as files that an analyst starts from: outcomes, recipe, cases.

Files       `train.csv`, the first 20,000 clients; `later.csv`, the other 10,000, which training
            never sees; `recipe.toml`; `cases.parquet`, the later clients as applications;
            `policy.toml`, the shipped policy `cards-2026-01`, waiting for the analyst's model.
Units       As in `recorded_history`: minor units of CNY, shares in ppm, counts of months.
Invented    In `cases.parquet` alone: what the recorded clients do not say and a policy asks for.
            A purpose, and no to every question; the rest is not known. They are clients of the
            lender, each with the one line that the record is about: nobody asks for a first one.
"""

import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Final

import polars as pl

from counterfoil.decisioning.document import load_policy
from counterfoil.decisioning.feature import Feature
from counterfoil.decisioning.rule_types import ValueType
from counterfoil.simulator.card_clients import FIRST, LATER, CardClient, client_of
from counterfoil.simulator.recorded_history import Facts, recorded_facts

RECIPE: Final = "card_clients.recipe.toml"
PURPOSE: Final = "daily_consumption"
#: The card that a client has had all the while.
OWN_LINES: Final = {"own_lines_count": 1}
#: The policy that the example's is, but for the model.
POLICY: Final = "cards-2026-01"
_MODEL: Final = """\
[model]
file = "cards.json"
# The identity that training told.
sha256 = "the identity of cards.json"
"""

_DTYPES: Final = {
    ValueType.INTEGER: pl.Int64,
    ValueType.TEXT: pl.String,
    ValueType.BOOLEAN: pl.Boolean,
}


def write_example(directory: Path) -> dict[str, int]:
    """Write the files into a directory; return those with rows, and how many."""
    later = clients_of(LATER)
    outcomes_of(clients_of(FIRST)).write_csv(directory / "train.csv")
    outcomes_of(later).write_csv(directory / "later.csv")
    cases_of(later, load_policy(POLICY).features).write_parquet(directory / "cases.parquet")
    (directory / "recipe.toml").write_bytes(recipe())
    (directory / "policy.toml").write_text(_policy(), encoding="utf-8")
    return {"train.csv": len(FIRST), "later.csv": len(LATER), "cases.parquet": len(LATER)}


def clients_of(numbers: range) -> list[CardClient]:
    """Return the clients of some rows of the data set."""
    return [client_of(number) for number in numbers]


def outcomes_of(clients: Sequence[CardClient]) -> pl.DataFrame:
    """Return what was recorded of clients, with the outcome: what a model learns from."""
    return pl.DataFrame(map(_outcome, clients))


def recipe() -> bytes:
    """Return the recipe of the example's model."""
    return resources.files("counterfoil.simulator").joinpath("data", RECIPE).read_bytes()


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


def cases_of(clients: Sequence[CardClient], features: Sequence[Feature]) -> pl.DataFrame:
    """Return clients as applications, in the columns that a policy reads, with the outcome."""
    schema: dict[str, type[pl.DataType]] = {"client_no": pl.Int64, "defaulted": pl.Int64}
    schema |= {feature.name: _DTYPES[feature.type] for feature in features}
    answers: Facts = {
        feature.name: False for feature in features if feature.type is ValueType.BOOLEAN
    }
    rows = []
    for client in clients:
        known = (
            answers
            | OWN_LINES
            | recorded_facts(client)
            | {"age_years": client.age, "purpose": PURPOSE}
        )
        row: Facts = {"client_no": client.number, "defaulted": int(client.defaulted)}
        rows.append(row | {feature.name: known.get(feature.name) for feature in features})
    return pl.DataFrame(rows, schema=schema)


def _policy() -> str:
    """Return the shipped policy with a model that is still to be named."""
    shipped = resources.files("counterfoil.decisioning").joinpath("policies", f"{POLICY}.toml")
    text = shipped.read_text(encoding="utf-8")
    return re.sub(r"^\[model\]\nfile = .*\nsha256 = .*\n", _MODEL, text, flags=re.MULTILINE)
