"""The house stands: import-linter's contracts, and proof that they can break."""

from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_ERROR, EXIT_STATUS_SUCCESS, lint_imports
from tests.house_rules.sources import ROOT

#: A small house with the same kinds of contract, and one import that breaks each of them.
PLANTED = [
    ("counterfoil/kernel/money.py", "import counterfoil_planted.platform.database\n"),
    ("counterfoil/lending/loan.py", "import counterfoil_planted.payments\n"),
    ("counterfoil/lending/loan.py", "import jinja2\n"),
    ("counterfoil/lending/loan.py", "import asyncpg\n"),
    ("counterfoil/lending/loan.py", "import fastapi\n"),
    ("counterfoil/kernel/money.py", "import pydantic\n"),
    ("counterfoil/journeys/score.py", "import numpy\n"),
    ("counterfoil/attic/__init__.py", ""),
    ("counterfoil/witness/home.py", "import counterfoil_planted.platform.database\n"),
    ("counterfoil/console/tiles.py", "import counterfoil_planted.console.page\n"),
]
#: Every room that a contract names: one that is missing breaks the contract, and not the import.
ROOMS = (
    *("kernel", "rules", "platform", "ledger", "privacy", "customers", "decisioning", "lending"),
    *("payments", "journeys", "witness", "console", "portal", "api", "worker", "cli"),
)


def test_the_contracts_hold() -> None:
    status = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True, no_logo=True)
    assert status == EXIT_STATUS_SUCCESS


def plant(directory: Path) -> Path:
    """Build a house that keeps the contracts, under a name of its own."""
    house = directory / "counterfoil_planted"
    for room in ROOMS:
        (house / room).mkdir(parents=True)
        (house / room / "__init__.py").touch()
    (house / "__init__.py").touch()
    (house / "platform" / "database.py").write_text("import asyncpg\n")
    (house / "console" / "page.py").write_text("import counterfoil_planted.console.tiles\n")
    (house / "console" / "tiles.py").touch()
    contracts = (ROOT / "pyproject.toml").read_text().partition("[tool.importlinter]")
    config = directory / "pyproject.toml"
    config.write_text(
        (contracts[1] + contracts[2])
        .replace('"counterfoil"', '"counterfoil_planted"')
        .replace('"counterfoil.', '"counterfoil_planted.')
    )
    return config


def test_a_house_that_keeps_the_contracts_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = plant(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    assert lint_imports(str(config), no_cache=True, no_logo=True) == EXIT_STATUS_SUCCESS


@pytest.mark.parametrize(("path", "text"), PLANTED)
def test_a_planted_import_breaks_a_contract(
    path: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = plant(tmp_path)
    file = tmp_path / path.replace("counterfoil/", "counterfoil_planted/")
    file.parent.mkdir(exist_ok=True)
    (file.parent / "__init__.py").touch()
    file.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    assert lint_imports(str(config), no_cache=True, no_logo=True) == EXIT_STATUS_ERROR
