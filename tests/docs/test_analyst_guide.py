"""The analyst's walk: its commands run in order on a fresh home, and every figure comes out.

Passwords, which people type, are given on standard input; `av_…` is the request last told. Lines of
tables are compared without their frames.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from counterfoil.cli.policy_source import PRODUCT, question
from counterfoil.decisioning.document import shipped_model
from counterfoil.models.artefact import read_artefact
from counterfoil.platform import embedded
from counterfoil.simulator import held_out
from counterfoil.simulator.model_example import POLICY

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guides" / "analyst.md"
BLOCK = re.compile(r"^```(bash|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FIGURE = re.compile(r"(?<![\w.-])\d+(?:,\d{3})*(?:\.\d+)?(?![\w-])")
PASSWORD = "a password of some length"
#: Figures in the guide's sentences that no command prints: people, passwords, assumptions.
ASSUMED = {"30,000", "12", "60", "80", "10.3", "0.0011", "7.7"}
SECONDS_MAX = 180


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[str]]]:
    """Walk through the guide; give the directory and what each box printed."""
    place = tmp_path_factory.mktemp("analyst")
    home = place / "home"
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "COUNTERFOIL_HOME": str(home),
        "COLUMNS": "250",
    }
    printed: list[str] = []
    with embedded.running(home):
        for run, _ in boxes():
            told = "".join(printed)
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", typed(run, told)],
                cwd=place,
                env=environment,
                capture_output=True,
                text=True,
                timeout=SECONDS_MAX,
                check=False,
            )
            assert done.returncode == 0, f"{run}\n{done.stdout}\n{done.stderr}"
            printed.append(done.stdout)
        yield place, printed


def boxes() -> list[tuple[str, str]]:
    """Return what is typed, each with what has to come of it."""
    found: list[tuple[str, str]] = []
    for kind, text in BLOCK.findall(GUIDE.read_text(encoding="utf-8")):
        found.append((text, "")) if kind == "bash" else found.append((found.pop()[0], text))
    return found


def typed(run: str, told: str) -> str:
    """Return a box with what a person adds: passwords, and the number of the request."""
    requests = re.findall(r"av_\w+", told)
    lines = run.replace("\\\n", " ").replace("av_…", requests[-1] if requests else "").splitlines()
    acts = re.compile(r" --(by|as) |operators set ")
    return "\n".join(
        f"{line} --password-stdin <<< '{PASSWORD}'" if acts.search(line) else line for line in lines
    )


def plain(text: str) -> str:
    """Return a text without the frames of tables, one blank between words."""
    return "\n".join(" ".join(re.sub("[┃│]", " ", line).split()) for line in text.splitlines())


def missing(shown: str, printed: str) -> str | None:
    """Return the first line that did not come in its place; … is anything."""
    lines = iter(plain(printed).splitlines())
    for line in plain(shown).splitlines():
        pattern = re.compile(".*".join(map(re.escape, line.split("…"))))
        if not any(pattern.fullmatch(found) for found in lines):
            return line
    return None


def test_each_box_shows_what_stands_beneath_it(walked: tuple[Path, list[str]]) -> None:
    assert len(boxes()) >= 12
    for (run, shown), printed in zip(boxes(), walked[1], strict=True):
        assert missing(shown, printed) is None, f"{run}\ngave\n{plain(printed)}"


def test_each_figure_of_the_sentences_comes_out(walked: tuple[Path, list[str]]) -> None:
    text = re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)", " ", GUIDE.read_text(), flags=re.DOTALL)
    sentences = re.sub(r"^(?:#+|\d\.|\| \[\d\.).*?(?=\w{3})", "", text, flags=re.MULTILINE)
    told = set(FIGURE.findall(sentences)) - ASSUMED
    came = set(FIGURE.findall(plain("".join(walked[1]))))
    assert {figure for figure in told if len(figure) > 1} <= came


def test_the_shipped_model_is_the_one_that_the_guide_trains(
    walked: tuple[Path, list[str]],
) -> None:
    trained = read_artefact((walked[0] / "models" / "cards.json").read_bytes())
    shipped = read_artefact(shipped_model(f"{POLICY}.json"))
    release = trained.training.code_version
    # The release that made it is part of a model; everything else has to come out.
    assert replace(shipped, training=replace(shipped.training, code_version=release)) == trained


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_readme_tells_what_was_measured(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    figures = held_out.judge(question(PRODUCT, "2026-01-05", "CNY"), applicants=1)
    judged = list(held_out.rows(figures))
    told = {row[0]: " | ".join(row[1:]) for row in judged}
    for figure in ("approved", "credit approved, CNY", "lost of it, CNY"):
        assert f" | {told[figure]} |" in text
    assert f" | {told['lost of a million CNY of credit']} |" in text
    measured = json.loads((ROOT / "benchmarks" / "models.json").read_text())["results"]
    for dataset in ("card_clients", "gmsc", "online_loans"):
        kinds = ("unconstrained", "boosted", "woe")
        areas = " | ".join(f"{measured[f'{dataset}_{kind}']['value']:.3f}" for kind in kinds)
        assert f" | {areas} |" in text


def test_a_difference_is_noticed() -> None:
    assert missing("a 1\nb\n", "│ a │ 1 │\n│ b │\n") is None
    assert missing("a 2\n", "│ a │ 1 │\n") == "a 2"
    assert missing("av_… x\n", "av_07 x\n") is None
