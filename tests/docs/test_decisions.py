"""Decision records have one form, one sequence, and an index that lists them all."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "decisions"
RECORDS = sorted(FOLDER.glob("[0-9]*.md"))
PARTS = ["Context", "Decision", "Consequences", "Alternatives considered", "References"]


def title(text: str) -> str:
    return text.splitlines()[0].removeprefix("# ")


@pytest.mark.parametrize("record", RECORDS, ids=[record.stem for record in RECORDS])
def test_a_record_has_its_parts_in_order(record: Path) -> None:
    text = record.read_text()
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == PARTS
    assert re.search(r"^Status: \S.* · Area: \S.* · Date: \d{4}-\d\d-\d\d$", text, re.MULTILINE)
    assert title(text).startswith(record.name[:4] + " ")
    assert len(text.splitlines()) <= 120, "a decision is a page"


def test_the_numbers_are_one_sequence() -> None:
    assert [int(record.name[:4]) for record in RECORDS] == list(range(1, len(RECORDS) + 1))


def test_the_index_lists_every_record_with_its_title() -> None:
    index = (FOLDER / "README.md").read_text()
    listed = re.findall(r"^\| \[(\d{4})\]\((\S+)\) \| (.+?) \| (\w+)", index, re.MULTILINE)
    written = [
        (record.name[:4], record.name, title(record.read_text())[5:], status(record))
        for record in RECORDS
    ]
    assert listed == written


def status(record: Path) -> str:
    found = re.search(r"^Status: (\w+)", record.read_text(), re.MULTILINE)
    assert found is not None
    return found[1]
