"""`counterfoil notices`: what is in force, and locking what has become effective."""

import json
import shutil
from importlib import resources
from pathlib import Path

from typer.testing import CliRunner

from counterfoil.cli.main import app

RUN = CliRunner()


def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "notices"
    with resources.as_file(resources.files("counterfoil.consents") / "notices") as source:
        shutil.copytree(source, copy)
    return copy


def test_the_notices_in_force_are_listed_with_their_hashes() -> None:
    listed = json.loads(RUN.invoke(app, ["notices", "list", "--json"]).stdout)["notices"]
    by_code = {notice["code"]: notice for notice in listed}
    assert {"inquiry-origination", "reporting", "marketing"} <= by_code.keys()
    assert {len(text) for text in by_code["marketing"]["sha256"].values()} == {64}
    assert "inquiry" in RUN.invoke(app, ["notices", "list"]).stdout


def test_effective_versions_are_locked_and_a_changed_one_is_a_fault(tmp_path: Path) -> None:
    notices = folder(tmp_path)
    (notices / "effective.lock").unlink()
    locked = RUN.invoke(app, ["notices", "lock", str(notices)])
    assert (locked.exit_code, "locked marketing 1" in locked.stdout) == (0, True)
    file = notices / "marketing-1.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("at most four", "at most forty"))
    refused = RUN.invoke(app, ["notices", "lock", str(notices)])
    assert refused.exit_code == 1
    assert "marketing 1 was changed; make a new version instead" in refused.stderr
