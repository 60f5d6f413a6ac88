"""Models from the command line: validated on a file, compared, and published by three people."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.unit.models.test_validation import data, model

from counterfoil.models.artefact import write_artefact
from counterfoil.platform import embedded

Run = Callable[..., subprocess.CompletedProcess[str]]
PASSWORD = "a password of some length\n"
COLUMNS = ("--target", "bad", "--period", "month", "--group", "sex", "--segment", "region")


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    def run_one(*arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [Path(sys.executable).with_name("counterfoil"), *arguments],
            env={**os.environ, "COUNTERFOIL_HOME": str(tmp_path / "home"), "COLUMNS": "200"},
            cwd=tmp_path,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )

    yield run_one
    embedded.stop(tmp_path / "home")


@pytest.fixture
def files(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_bytes(write_artefact(model()))
    (tmp_path / "other.json").write_bytes(write_artefact(model(version="2025-09", base=-1_200_000)))
    data(12_000).write_csv(tmp_path / "cases.csv")


@pytest.mark.usefixtures("files")
def test_a_validation_is_a_page_and_a_document(run: Run, tmp_path: Path) -> None:
    done = run(
        *("model", "validate", "model.json", "--data", "cases.csv", *COLUMNS, "--json"),
        *("--champion", "other.json", "--out", "page.html", "--language", "zh-CN"),
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["verdict"], found["data"]["rows"]) == ("green", 12_000)
    low, high = found["rank_order"]["intervals"]["auc_ppm"]
    assert low < found["rank_order"]["auc_ppm"] < high
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "模型验证报告" in page
    assert "<script" not in page
    told = run("model", "compare", "model.json", "other.json", "--data", "cases.csv", *COLUMNS[:2])
    assert "only cards-boosted 2025-09 (champion)" in told.stdout


@pytest.mark.usefixtures("files")
def test_what_cannot_be_judged_is_told(run: Run, tmp_path: Path) -> None:
    ask = ("model", "validate", "model.json", "--data")
    assert "no outcome column defaulted" in run(*ask, "cases.csv").stderr
    assert "cannot be read" in run(*ask, "nothing.csv", *COLUMNS).stderr
    edited = (tmp_path / "model.json").read_bytes().replace(b"-1250000", b"-1250001")
    (tmp_path / "model.json").write_bytes(edited)
    told = run(*ask, "cases.csv", *COLUMNS)
    assert (told.returncode, "was changed after it was made" in told.stderr) == (1, True)
    (tmp_path / "report.json").write_text("{}")
    record = ("model", "record", "report.json", "--by", "val", "--reason", "x", "--password-stdin")
    assert "not the document of a validation" in run(*record, typed=PASSWORD).stderr


@pytest.mark.usefixtures("files")
def test_three_people_publish(run: Run) -> None:
    roles = {"dev": "risk_analyst", "val": "risk_analyst", "bo": "compliance"}
    for name, role in roles.items():
        added = run("operators", "set", name, "--role", role, "--password-stdin", typed=PASSWORD)
        assert added.returncode == 0, added.stderr

    def step(*arguments: str, by: str, option: str = "--by") -> str:
        done = run(
            *(*arguments, option, by, "--reason", "new cards model", "--password-stdin"),
            typed=PASSWORD,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "has to validate it" in step("model", "publish", "model.json", by="dev")
    report = ("--json-out", "report.json")
    checked = run("model", "validate", "model.json", "--data", "cases.csv", *COLUMNS, *report)
    assert checked.returncode == 0, checked.stderr
    asked = json.loads(step("model", "record", "report.json", "--json", by="val"))
    step("approvals", "approve", asked["approval_id"], by="bo", option="--as")
    assert "is live" in step("model", "publish", "model.json", by="dev")
    [listed] = json.loads(run("model", "list", "--json").stdout)
    assert (listed["state"], listed["notices"], listed["used_by"]) == ("live", [], [])
    step("model", "retire", listed["model_sha256"], by="dev")
