"""Templates of contracts: what is wrong with one is named with file, place and reason."""

import shutil
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from counterfoil.contracts.document import Kind
from counterfoil.contracts.shelf import (
    Shelf,
    TemplatesError,
    UnknownTemplateError,
    load_proposals,
    proposal_of,
    proposal_of_document,
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
        load_proposals(folder)
    return [str(problem) for problem in refused.value.problems]


def shelf(folder: Path | None = None) -> Shelf:
    return Shelf(one.template for one in load_proposals(folder))


def test_the_shipped_templates_can_be_read_and_are_nothing_before_they_are_published() -> None:
    on = date(2026, 1, 5)
    wanted: Any = {"product_code": "cash-line-open", "lender_id": "lender-one", "on": on}
    for kind in (Kind.CREDIT_AGREEMENT, Kind.LOAN_NOTE):
        found = shelf().current(kind, **wanted)
        assert found.kind is kind
        assert headings(found.texts[Language.CHINESE].document) > 4
        only_known = Shelf((), [found])
        assert only_known.template(found.code, found.version) is found
        assert only_known.published() == ()
        with pytest.raises(UnknownTemplateError):
            only_known.current(kind, **wanted)
    for other in ({"lender_id": "lender-two"}, {"on": date(2025, 9, 30)}):
        with pytest.raises(UnknownTemplateError):
            shelf().current(Kind.LOAN_NOTE, **wanted | other)


def test_a_version_is_its_document_to_the_byte() -> None:
    for one in load_proposals():
        again = proposal_of_document(one.document)
        assert (again.document, again.template) == (one.document, one.template)
        assert len(one.sha256) == 64


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
        ("template.toml", "notice_days", 'approvers = ["a", "b"]\nnotice_days', "nobody reads"),
        (
            "template.toml",
            "notice_days",
            "retired_on = 2025-10-01\nnotice_days",
            "is not after",
        ),
        (
            "en.md",
            "Revolving limit: {limit} {currency}.",
            "{if is_reported}\n{limit}\n{end}\n",
            "en.md: document: the variable limit stands only under a condition",
        ),
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


def test_a_version_holds_from_its_day_to_its_end(folder: Path) -> None:
    spoil(folder, f"{AGREEMENT}/template.toml", "lender_id", "retired_on = 2026-02-01\nlender_id")
    found = shelf(folder).template("credit-agreement", 1)
    assert found.holds_on(date(2026, 1, 31))
    assert not found.holds_on(date(2026, 2, 1))


def test_a_later_version_takes_over_on_its_day(folder: Path) -> None:
    shutil.copytree(folder / AGREEMENT, folder / "credit-agreement/2")
    assert "directory: holds credit-agreement 1" in problems(folder)[0]
    spoil(folder, "credit-agreement/2/template.toml", "version = 1", "version = 2")
    spoil(folder, "credit-agreement/2/template.toml", "2025-10-01", "2026-06-01")
    for on, version in ((date(2026, 5, 31), 1), (date(2026, 6, 1), 2)):
        found = shelf(folder).current(
            Kind.CREDIT_AGREEMENT, product_code="cash-line-open", lender_id="lender-one", on=on
        )
        assert found.version == version


def test_a_directory_may_be_one_version_and_files_of_others_are_refused(folder: Path) -> None:
    [alone] = load_proposals(folder / AGREEMENT)
    assert alone.template.name == "credit-agreement 1"
    with pytest.raises(TemplatesError, match="belongs to no template"):
        proposal_of({"en.md": b"", "fr.md": b""})
    with pytest.raises(TemplatesError, match="is not there"):
        load_proposals(folder / "nowhere")


def test_authentication_levels_are_in_order() -> None:
    assert Authentication.HIGH.reaches(Authentication.SUBSTANTIAL)
    assert Authentication.SUBSTANTIAL.reaches(Authentication.SUBSTANTIAL)
    assert not Authentication.LOW.reaches(Authentication.SUBSTANTIAL)
