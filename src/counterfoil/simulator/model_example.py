"""The recorded card clients as files that an analyst starts from: outcomes, recipe, cases.

Files       `train.csv`, the first 20,000 clients; `later.csv`, the other 10,000, which training
            never sees; `recipe.toml`; `cases.parquet`, the later clients as applications;
            `policy.toml`, the shipped policy with the example's model in place of its card.
Units       As in `recorded_history`: minor units of CNY, shares in ppm, counts of months.
Invented    In `cases.parquet` alone: what the recorded clients do not say and a policy asks for.
            A purpose, and no to every question; the rest is not known.
"""

import re
from importlib import resources
from pathlib import Path
from typing import Final

import polars as pl

from counterfoil.decisioning.document import load_policy
from counterfoil.decisioning.rule_types import ValueType
from counterfoil.simulator.card_clients import ROWS_COUNT, CardClient, client_of
from counterfoil.simulator.recorded_history import Facts, recorded_facts

TRAIN_COUNT: Final = 20_000
RECIPE: Final = "card_clients.recipe.toml"
PURPOSE: Final = "daily_consumption"
#: The policy that the example's is made of, and the version that it becomes.
POLICY: Final = "base-2026-02"
POLICY_VERSION: Final = "2026-03"
#: Upper ends of the grades, ppm: those of the recipe.
GRADES_PD_PPM: Final = (90_000, 130_000, 200_000, 350_000, 1_000_000)
_POLICY_HEAD: Final = """\
# The shipped policy with a model in place of its points card; everything else is unchanged.
#
# Amounts are minor units of the currency, shares are ppm, rates 1e-8 a day (0.035 % is 35_000).
# The model was learned from "Default of Credit Card Clients", I-Cheng Yeh, UCI Machine Learning
# Repository (2009), doi:10.24432/C55S3H, CC BY 4.0; format changed, values unchanged. That book
# was stressed: an example, and not for lending to real people.

"""
_MODEL: Final = """[model]
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
    clients = [client_of(number) for number in range(1, ROWS_COUNT + 1)]
    outcomes = pl.DataFrame([_outcome(client) for client in clients])
    outcomes.head(TRAIN_COUNT).write_csv(directory / "train.csv")
    outcomes.tail(-TRAIN_COUNT).write_csv(directory / "later.csv")
    _cases(clients[TRAIN_COUNT:]).write_parquet(directory / "cases.parquet")
    recipe = resources.files("counterfoil.simulator").joinpath("data", RECIPE).read_bytes()
    (directory / "recipe.toml").write_bytes(recipe)
    (directory / "policy.toml").write_text(_policy(), encoding="utf-8")
    later = ROWS_COUNT - TRAIN_COUNT
    return {"train.csv": TRAIN_COUNT, "later.csv": later, "cases.parquet": later}


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
    features = load_policy(POLICY).features
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


def _policy() -> str:
    """Return the shipped policy with a model instead of its card, and grades by probability."""
    shipped = resources.files("counterfoil.decisioning").joinpath("policies", f"{POLICY}.toml")
    text = shipped.read_text(encoding="utf-8")
    version = POLICY.partition("-")[2]
    text = _POLICY_HEAD + text[text.index('code = "base"') :]
    text = text.replace(f'version = "{version}"', f'version = "{POLICY_VERSION}"', 1)
    card = text.index("[scorecard]")
    text = text[:card] + _MODEL + text[text.index("# ---", card) :]
    ends = iter(GRADES_PD_PPM)
    return re.sub(r"points_min = \d+", lambda _: f"pd_ppm_max = {next(ends):_}", text)
