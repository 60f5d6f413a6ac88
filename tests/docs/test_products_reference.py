"""The pages on products and on the cost sheet say everything, and show what happens."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from counterfoil.cli.main import app
from counterfoil.lending.product_file import KEYS
from counterfoil.lending.terms import Method, Part, Prepayment, Sweep

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
PRODUCTS = (REFERENCE / "products.md").read_text(encoding="utf-8")
COST_SHEET = (REFERENCE / "cost-sheet.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(
    r"```console\n\$ counterfoil (?P<command>[^\n]+)\n(?P<output>.*?)\n```", re.DOTALL
)


def test_every_key_of_a_product_is_explained_and_no_other() -> None:
    table = PRODUCTS.split("## 3. Keys")[1].split("## 4.")[0]
    first_cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    explained = re.findall(r"`([a-z_.]+)`", " ".join(first_cells))
    assert sorted(explained) == sorted(KEYS)


@pytest.mark.parametrize("value", [*Method, *Part, *Sweep, *Prepayment])
def test_every_choice_is_named(value: str) -> None:
    assert f"`{value}`" in PRODUCTS


def test_the_example_is_what_the_command_writes() -> None:
    [example] = EXAMPLE.finditer(COST_SHEET)
    arguments = shlex.split(example["command"])
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "110"})
    assert result.exit_code == 0
    written = [line.rstrip() for line in result.stdout.rstrip().splitlines()]
    assert written == example["output"].splitlines()


def test_the_keys_of_the_sheet_are_listed() -> None:
    arguments = shlex.split(next(EXAMPLE.finditer(COST_SHEET))["command"])
    written = CliRunner().invoke(app, [*arguments, "--json"]).stdout
    section = COST_SHEET.split("## 4.")[1].split("## 5.")[0] + COST_SHEET.split("## 7.")[1]
    keys = set(re.findall(r'^ {2,4}"(\w+)":', written, re.MULTILINE))
    row_keys = {"due_date", "instalment_no", "interest_minor", "fee_minor", "due_minor", "days"}
    parts = {"effective_e8", "effective_method", "simple_e8", "simple_method", "cap_e8"}
    missing = {k for k in keys - row_keys - parts if f"`{k}`" not in section}
    assert missing == set()
