"""The commands about models, from a file of outcomes to scores, and what they refuse."""

import json
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest
import typer
from tests.unit.models.recipes import outcomes, recipe_text, written
from typer.testing import CliRunner

from counterfoil.cli import model as commands
from counterfoil.decisioning.document import read_policy
from counterfoil.models.artefact import read_artefact

FEATURES = 'name = "late"; monotone = "up"; unknown = "neutral"\nname = "town"; type = "text"'
FAST = "[boosted]\nrounds_max = 30\npatience = 10\n"


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    commands.register(made)
    return made


@pytest.fixture
def place(tmp_path: Path) -> Path:
    rest = FAST + '[data]\nperiod = "month"\nprotected = ["student"]'
    (tmp_path / "recipe.toml").write_text(recipe_text(FEATURES, rest=rest), encoding="utf-8")
    written(outcomes(), tmp_path)
    return tmp_path


def run(app: typer.Typer, *arguments: str | Path, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["model", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result.output


def train(app: typer.Typer, place: Path, name: str, *more: str) -> str:
    return run(
        app,
        *("train", place / "recipe.toml", "--data", place / "data.csv", "--out", place / name),
        *("--no-challenger", *more),
    )


@pytest.mark.parametrize("kind", ["boosted", "woe"])
def test_the_same_command_writes_the_same_file(app: typer.Typer, place: Path, kind: str) -> None:
    said = json.loads(train(app, place, "a.json", "--kind", kind, "--json"))
    train(app, place, "b.json", "--kind", kind)
    content = (place / "a.json").read_bytes()
    assert content == (place / "b.json").read_bytes()
    assert read_artefact(content).sha256 == said["sha256"]
    assert run(app, "show", place / "a.json")
    assert json.loads(run(app, "show", place / "a.json", "--json"))["sha256"] == said["sha256"]


def test_a_file_is_scored_with_grades_and_reasons(app: typer.Typer, place: Path) -> None:
    train(app, place, "a.json")
    odd = outcomes(500).with_columns(late=pl.when(pl.col("number") > 1).then("late").otherwise(99))
    source = written(
        odd.drop("town").with_columns(late=pl.col("late").cast(pl.String)), place, "c.csv"
    )
    out = place / "scores.parquet"
    said = run(app, "score", place / "a.json", "--data", source, "--out", out, "--keep", "number")
    scores = pl.read_parquet(out)
    assert scores.columns[:4] == ["number", "score", "pd_ppm", "band"]
    assert "town: is no column: not known in any case" in said
    assert "late: 2 values beyond what training has seen" in said
    # Nobody said how to score a case whose town is not known.
    assert scores["score"].null_count() == 500


def test_a_calibration_is_a_version_of_its_own(app: typer.Typer, place: Path) -> None:
    train(app, place, "a.json")
    arguments = ("--data", place / "data.csv", "--recipe", place / "recipe.toml")
    out = ("--out", place / "b.json", "--version", "2026-06", "--month", "2026-06", "--json")
    said = json.loads(run(app, "calibrate", place / "a.json", *arguments, *out))
    before, after = (read_artefact((place / name).read_bytes()) for name in ("a.json", "b.json"))
    assert after.calibration.version == "2026-06"
    assert after.characteristics == before.characteristics
    assert said["predicted_after_ppm"] == pytest.approx(said["actual_ppm"], abs=300)
    assert "is the version in force" in run(
        app,
        *("calibrate", place / "b.json", *arguments, *out),
        code=2,
    )


def test_an_example_can_be_learned_from(app: typer.Typer, tmp_path: Path) -> None:
    rows = json.loads(run(app, "example", tmp_path / "here", "--json"))
    assert rows["train.csv"] + rows["later.csv"] == 30_000
    place = tmp_path / "here"
    arguments = ("--data", place / "train.csv", "--out", place / "w.json", "--kind", "woe")
    said = json.loads(
        run(app, "train", place / "recipe.toml", *arguments, "--no-challenger", "--json")
    )
    assert said["figures"]["auc_ppm"] > 745_000
    assert read_artefact((place / "w.json").read_bytes()).broken_directions() == ()
    assert pl.read_parquet(place / "cases.parquet").height == rows["cases.parquet"]
    policy = (place / "policy.toml").read_text(encoding="utf-8")
    named = policy.replace("the identity of cards.json", said["sha256"])
    found = read_policy(named, find_model=lambda _: (place / "w.json").read_bytes())
    assert (found.code, found.version) == ("cards", "2026-01")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda place: written(outcomes().drop("late"), place),
            "late: is not a column of the file",
        ),
        (lambda place: (place / "data.csv").write_bytes(b""), "the file: is empty"),
        (lambda place: (place / "recipe.toml").write_text("x"), "the file: is not TOML"),
        (lambda place: (place / "recipe.toml").unlink(), "cannot be read"),
    ],
)
def test_what_cannot_be_learned_from_is_one_line_and_no_file(
    app: typer.Typer, place: Path, change: "object", message: str
) -> None:
    assert callable(change)
    change(place)
    arguments = ("--data", place / "data.csv", "--out", place / "a.json")
    assert message in run(app, "train", place / "recipe.toml", *arguments, code=1)
    assert not (place / "a.json").exists()


def test_an_edited_model_is_refused(app: typer.Typer, place: Path) -> None:
    train(app, place, "a.json")
    file = place / "a.json"
    file.write_bytes(file.read_bytes().replace(b'"seed":1', b'"seed":2'))
    assert "changed after it was made" in run(app, "show", file, code=1)


def test_training_without_its_extra_says_what_to_install(
    app: typer.Typer, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == "lightgbm" else find_spec(name)
    )
    arguments = ("--data", place / "data.csv", "--out", place / "a.json")
    said = run(app, "train", place / "recipe.toml", *arguments, code=1)
    assert "Training needs lightgbm" in said
    assert "make training" in said
