"""`counterfoil quote` and `counterfoil products`, run in process: they open no database."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from counterfoil.cli.main import app

ASKED = ["--amount", "12000", "--months", "12", "--start", "2026-03-01"]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "160", "TERMINAL_WIDTH": "160"})


def quoted(*arguments: str) -> dict[str, object]:
    result = run("quote", *arguments, "--json")
    assert result.exit_code == 0, result.output
    document: dict[str, object] = json.loads(result.stdout)
    return document


def test_a_quote_has_plan_total_and_yearly_cost() -> None:
    shown = quoted(*ASKED, "--rate-daily", "0.035%", "--repayment-day", "15")
    assert (shown["convention"], shown["total_minor"]) == ("EXACT_DAILY", 1_277_796)
    assert isinstance(shown["rows"], list)
    assert len(shown["rows"]) == 12
    assert shown["annual_cost"]["effective_e8"] == 13_552_979  # type: ignore[index]
    assert len(str(shown["cost_sheet_hash"])) == 64


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["Cost sheet", "1,064.83", "13.55 %", "12,777.96 CNY", "nothing is charged"]),
        ("zh", ["综合融资成本明示表", "1,064.83", "13.55 %", "等额本息", "不收取任何其他息费"]),
    ],
)
def test_the_page_shows_the_sheet_in_both_languages(language: str, words: list[str]) -> None:
    rate = ["--rate-daily", "0.035%", "--repayment-day", "15"]
    result = run("quote", *ASKED, *rate, "--language", language)
    assert result.exit_code == 0
    assert [word for word in words if word not in result.stdout] == []


def test_the_own_convention_gives_the_plan_of_the_product() -> None:
    rate = ["--rate-daily", "0.035%", "--repayment-day", "15"]
    own, convention = quoted(*ASKED, *rate), quoted(*ASKED, *rate, "--convention", "EXACT_DAILY")
    assert own["annual_cost"]["effective_e8"] == convention["annual_cost"]["effective_e8"]  # type: ignore[index]
    assert own["total_minor"] == convention["total_minor"]


def test_a_convention_of_another_system_has_its_known_figures() -> None:
    """1,200.00 at 11.3 % in four months: 307.09 three times, 307.10 at the end."""
    asked = ["--amount", "1200", "--months", "4", "--start", "2025-11-10"]
    shown = quoted(*asked, "--rate-annual", "11.3%", "--convention", "FINERACT_PROGRESSIVE")
    assert [row["due_minor"] for row in shown["rows"]] == [30_709] * 3 + [30_710]  # type: ignore[attr-defined]
    page = run("quote", *asked, "--rate-annual", "11.3%", "--convention", "FINERACT_PROGRESSIVE")
    assert "307.10" in page.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--rate-daily", "0.035"], "not a rate in percent"),
        (["--rate-daily", "0.9%"], "priced from"),
        ([], "give --rate-daily or --rate-annual"),
        (["--rate-daily", "0.035%", "--rate-annual", "12%"], "give --rate-daily or"),
        (["--rate-daily", "0.035%", "--method", "flat"], "not a method"),
        (["--rate-daily", "0.035%", "--start", "1 March"], "not a date"),
        (["--rate-daily", "0.035%", "--start", "9999-12-31"], "not a date"),
        (["--rate-daily", "0.035%", "--amount", "12000.001"], "finer"),
        (["--rate-daily", "0.035%", "--amount", "0"], "more than zero"),
        (["--rate-daily", "0.035%", "--product", "nothing"], "cash-line-open"),
        (["--rate-daily", "0.035%", "--convention", "NONE"], "not known"),
        (["--rate-daily", "0.035%", "--language", "fr"], "en and zh"),
    ],
)
def test_a_wrong_argument_is_named(arguments: list[str], words: str) -> None:
    result = run("quote", *ASKED, *arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.output.split())


def test_what_the_product_does_not_lend_is_refused_with_its_code() -> None:
    result = run("quote", *ASKED, "--rate-daily", "0.035%", "--months", "5")
    assert result.exit_code == 1
    assert "tenor_not_offered" in result.output
    assert "3, 6, 9, 12" in result.output


def test_the_products_that_are_shipped_are_listed_and_have_no_fault() -> None:
    listed = json.loads(run("products", "list", "--json").stdout)["products"]
    offered = [item["code"] for item in listed if item["state"] == "effective"]
    assert offered == ["cash-line-invited", "cash-line-open", "scene-line"]
    assert [item["code"] for item in listed if item["state"] == "draft"] == ["micro-business-line"]
    assert "cash-line-open" in run("products", "list").stdout
    assert "no fault" in run("products", "check").stdout


def copied(place: Path) -> Path:
    """Copy what ships to a directory of one's own; return its products."""
    setting, publish = run("products", "copy", str(place / "own")).stdout.splitlines()
    products, templates = Path(setting.partition("=")[2]), Path(publish.rpartition(" ")[2])
    assert (templates / "loan-note" / "1" / "zh.md").is_file()
    assert run("products", "copy", str(place / "own")).exit_code == 1, "nothing is overwritten"
    return products


def test_a_changed_product_is_refused_and_a_new_version_is_locked(tmp_path: Path) -> None:
    own = copied(tmp_path)
    first = own / "cash-line-open.toml"
    shipped = first.read_text(encoding="utf-8")
    text = first.read_text(encoding="utf-8").replace("grace_days = 3", "grace_days = 4")
    first.write_text(text, encoding="utf-8")
    refused = run("products", "check", str(own))
    assert refused.exit_code == 1
    assert "make a new version" in refused.output
    first.write_text(shipped, encoding="utf-8")
    text = text.replace("version = 1", "version = 2").replace("2025-10-01", "2026-06-01")
    (own / "cash-line-open-2.toml").write_text(text, encoding="utf-8")
    assert run("products", "check", str(own)).exit_code == 1
    assert "locked cash-line-open 2" in run("products", "lock", str(own)).stdout
    assert "product versions: 5," in run("products", "check", str(own)).stdout


def test_a_version_is_held_against_the_last_published_one(tmp_path: Path) -> None:
    own = copied(tmp_path)
    text = (own / "cash-line-open.toml").read_text(encoding="utf-8")
    text = text.replace("grace_days = 3", "grace_days = 5").replace('effective"', 'draft"')
    for version in (2, 3):
        later = text.replace("version = 1", f"version = {version}")
        (own / f"cash-line-open-{version}.toml").write_text(later, encoding="utf-8")

    folder = ("--folder", str(own))
    shown = json.loads(run("products", "diff", "cash-line-open", *folder, "--json").stdout)
    # Version 2 is a draft: nothing was ever lent under it.
    assert (shown["version"], shown["published_version"]) == (3, 1)
    keys = [change["key"] for change in shown["changes"]]
    assert keys == ["meta.version", "meta.state", "penalty.grace_days"]
    assert shown["changes"][2]["before"] == "3"
    assert shown["changes"][2]["meanings"][0]["effect"] == "better"
    assert shown["offers"] is None
    assert [cost["tenor_months"] for cost in shown["costs"]] == [3, 3, 6, 6, 9, 9, 12, 12]
    assert all(cost["before"] == cost["after"] for cost in shown["costs"])

    text_shown = run("products", "diff", "cash-line-open", "2", *folder, "--language", "zh")
    assert "宽限期" in text_shown.stdout
    assert "stays under it" in text_shown.stdout
    first = run("products", "diff", "cash-line-invited", *folder)
    assert (first.exit_code, "nothing was published before" in first.stdout) == (0, True)
    for unknown in (("strange",), ("cash-line-open", "9")):
        assert run("products", "diff", *unknown, *folder).exit_code == 1
    assert run("products", "diff", "cash-line-open", "--language", "fr").exit_code == 2
