"""Templates of contracts: what is wrong with one is named with file, place and reason."""

import shutil
from datetime import date
from importlib import resources
from pathlib import Path

import pytest

from counterfoil.contracts.document import Kind
from counterfoil.contracts.shelf import (
    LOCK_FILE,
    TemplatesError,
    UnknownTemplateError,
    load_shelf,
    lock_effective,
)
from counterfoil.contracts.template import Authentication
from counterfoil.contracts.text import Fault, Text, headings, parse
from counterfoil.kernel.language import Language

AGREEMENT = "credit-agreement/1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped templates that a test may spoil."""
    shipped = resources.files("counterfoil") / "contracts" / "templates"
    with resources.as_file(shipped) as source:
        shutil.copytree(source, tmp_path / "templates")
    return tmp_path / "templates"


def spoil(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def problems(folder: Path) -> list[str]:
    with pytest.raises(TemplatesError) as refused:
        load_shelf(folder)
    return [str(problem) for problem in refused.value.problems]


def test_the_shipped_templates_are_locked_and_hold() -> None:
    shelf = load_shelf()
    on = date(2026, 1, 5)
    for kind in (Kind.CREDIT_AGREEMENT, Kind.LOAN_NOTE):
        found = shelf.current(kind, product_code="cash-line-open", lender_id="lender-one", on=on)
        assert found.kind is kind
        assert len(set(found.approvers)) == 2
        assert headings(found.texts[Language.CHINESE].document) > 4
    with pytest.raises(UnknownTemplateError):
        shelf.current(Kind.LOAN_NOTE, product_code="cash-line-open", lender_id="lender-two", on=on)
    with pytest.raises(UnknownTemplateError):
        shelf.current(
            Kind.LOAN_NOTE,
            product_code="cash-line-open",
            lender_id="lender-one",
            on=date(2025, 9, 30),
        )


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("zh.md", "{limit}", "{limits}", "zh.md: document {limits}: there is no variable limits"),
        ("zh.md", "{limit}", "x", "zh.md: document: the variable limit is missing"),
        ("en.md", "{if has_late_cap}", "{if has_cap}", "en.md: document {if has_cap}: there is no"),
        ("en.md", "## 1. Parties", "Parties", "clauses: are not the same in both languages"),
        ("zh.md", "{signed_at}", "x", "zh.md: signing record: the variable signed_at is missing"),
        ("zh.md", "{table items: 项目 | 收取方", "{table items: 项目", "has 3 column heads and"),
        ("zh.md", "{table schedule", "{table plan", "the table schedule is missing"),
        ("en.md", "{limit}", "{Limit}", "column 18: {Limit} is no variable"),
        ("en.md", "{limit}", "{limit", "line 11, column 18: { is no variable"),
        ("template.toml", "version = 1", "version = 1\nnobody = 2", "nobody reads this key"),
        ("template.toml", '"legal-desk", ', "", "meta.approvers: two people"),
        ("template.toml", 'kind = "credit_agreement"', 'kind = "x"', "meta.kind: is one of"),
        ("template.toml", 'en = "low"', 'en = ""', "words.authentication.low: needs words in both"),
        ("template.toml", "[meta]", "[meta", "is not TOML"),
    ],
)
def test_a_spoiled_template_is_refused_with_its_place(
    folder: Path, file: str, old: str, new: str, told: str
) -> None:
    spoil(folder, f"{AGREEMENT}/{file}", old, new)
    assert any(told in line for line in problems(folder)), problems(folder)


@pytest.mark.parametrize(
    ("source", "place", "reason"),
    [
        ("# T\n{if a}\nx\n", "line 2", "{if a} is not closed"),
        ("# T\n{end}\n", "line 2", "{end} closes nothing"),
        ("T\n", "line 1", "a document begins with its title, `# …`"),
        ("# T\n---\nx\n---\n", "line 4", "the separator stands once, outside of conditions"),
        ("# T\n{if a}\n---\n{end}\n", "line 3", "the separator stands once, outside of conditions"),
        ("# T\n{table a b}\n", "line 2", "{table name: head | head} is how a table is named"),
        ("# T\na | b\n", "line 2", "a bar separates cells and stands in tables only"),
        ("# T\ne\u0301\n", "line 2", "is not in Unicode's form NFC"),
        ("# T\n{if }\n{end}\n", "line 2", "{if} needs the name of a condition"),
    ],
)
def test_a_fault_of_form_is_named_with_its_line(source: str, place: str, reason: str) -> None:
    faults = parse(source)
    assert isinstance(faults, list)
    assert Fault(place, reason) in faults


def test_conditions_nest_to_a_bound() -> None:
    assert isinstance(parse("# T\n" + "{if a}\n" * 5 + "x\n" + "{end}\n" * 5), Text)
    assert not isinstance(parse("# T\n" + "{if a}\n" * 6 + "x\n" + "{end}\n" * 6), Text)


def test_every_fault_is_told_at_once(folder: Path) -> None:
    spoil(folder, f"{AGREEMENT}/zh.md", "{limit}", "{limits}")
    spoil(folder, "loan-note/1/en.md", "{principal}", "{principle}")
    files = {line.partition(":")[0] for line in problems(folder)}
    assert files >= {f"{AGREEMENT}/zh.md", "loan-note/1/en.md"}


def test_an_effective_template_cannot_be_changed(folder: Path) -> None:
    spoil(folder, f"{AGREEMENT}/en.md", "Lender: ", "The lender: ")
    [told] = problems(folder)
    assert told.startswith(f"{AGREEMENT}: meta.version: credit-agreement 1 is effective and was")
    # Locking again does not help: a version that is locked keeps its hash.
    lock_effective(folder)
    assert len(problems(folder)) == 1


def test_an_effective_template_may_end_but_not_go_back_or_away(folder: Path) -> None:
    meta = f"{AGREEMENT}/template.toml"
    spoil(folder, meta, 'state = "effective"', 'state = "retired"\nretired_on = 2026-02-01')
    shelf = load_shelf(folder)
    found = shelf.template("credit-agreement", 1)
    assert found.holds_on(date(2026, 1, 31))
    assert not found.holds_on(date(2026, 2, 1))
    spoil(folder, meta, 'state = "retired"', 'state = "draft"')
    assert "cannot be draft again" in problems(folder)[0]
    shutil.rmtree(folder / AGREEMENT)
    assert "no directory that can be read" in problems(folder)[0]


def test_a_new_version_is_refused_until_it_is_locked_and_then_takes_over(folder: Path) -> None:
    shutil.copytree(folder / AGREEMENT, folder / "credit-agreement/2")
    assert "directory: holds credit-agreement 1" in problems(folder)[0]
    spoil(folder, "credit-agreement/2/template.toml", "version = 1", "version = 2")
    told = problems(folder)
    assert any("another version begins then" in line for line in told)
    assert any(f"not in {LOCK_FILE}" in line for line in told)
    spoil(folder, "credit-agreement/2/template.toml", "2025-10-01", "2026-06-01")
    assert lock_effective(folder) == ["credit-agreement 2"]
    shelf = load_shelf(folder)
    for on, version in ((date(2026, 5, 31), 1), (date(2026, 6, 1), 2)):
        found = shelf.current(
            Kind.CREDIT_AGREEMENT, product_code="cash-line-open", lender_id="lender-one", on=on
        )
        assert found.version == version


def test_a_spoiled_lock_is_refused(folder: Path) -> None:
    (folder / LOCK_FILE).write_text("credit-agreement\n", encoding="utf-8")
    assert any("is not `code version sha256`" in line for line in problems(folder))


def test_authentication_levels_are_in_order() -> None:
    assert Authentication.HIGH.reaches(Authentication.SUBSTANTIAL)
    assert Authentication.SUBSTANTIAL.reaches(Authentication.SUBSTANTIAL)
    assert not Authentication.LOW.reaches(Authentication.SUBSTANTIAL)
