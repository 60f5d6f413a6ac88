"""Notices are complete, held to their word, and refused with every fault where they are not."""

import re
import shutil
from datetime import date
from hashlib import sha256
from importlib import resources
from pathlib import Path

import pytest

from counterfoil.consents.notice import PARTS, WARNING, UseKind
from counterfoil.consents.notice_file import (
    LOCK_FILE,
    NoticesError,
    load_notices,
    lock_notices,
)

TODAY = date(2026, 3, 2)
CODE = "inquiry-origination"
FILE = f"{CODE}-1.toml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the notices that come with the program."""
    source = resources.files("counterfoil.consents") / "notices"
    copy = tmp_path / "notices"
    with resources.as_file(source) as files:
        shutil.copytree(files, copy)
    return copy


def edit(file: Path, pattern: str, put: str) -> None:
    text = file.read_text(encoding="utf-8")
    made, count = re.subn(pattern, put, text, count=1, flags=re.MULTILINE)
    assert count == 1, pattern
    file.write_text(made, encoding="utf-8")


def faults(folder: Path) -> str:
    with pytest.raises(NoticesError) as refused:
        load_notices(folder)
    return str(refused.value)


def test_what_comes_along_is_whole_in_both_languages() -> None:
    notices = load_notices().in_force(TODAY)
    assert len(notices) == 10
    for notice in notices:
        for text in notice.texts.values():
            assert set(text.parts) >= set(PARTS) - {WARNING}
            assert text.text.startswith(text.title + "\n\n")
            assert sha256(text.text.encode()).digest() == text.sha256
            assert all(part in text.text for part in text.parts.values())


def test_only_inquiries_for_the_customers_own_wish_and_reporting_are_not_optional() -> None:
    needed = {notice.code for notice in load_notices().in_force(TODAY) if not notice.is_optional}
    assert needed == {
        *("inquiry-origination", "inquiry-limit-increase"),
        *("reporting", "recipient-funding-bank"),
    }


def test_words_say_the_same_figures_as_the_scope() -> None:
    for notice in load_notices().in_force(TODAY):
        if notice.scope.use is UseKind.ONE_TIME:
            assert "三十天" in notice.texts["zh"].parts["how_long"]
            assert "thirty days" in notice.texts["en"].parts["how_long"]
            assert (notice.scope.window_days, notice.scope.data_life_days) == (30, 30)


def test_an_effective_notice_never_changes_in_word_or_scope(folder: Path) -> None:
    for pattern, put in (
        ("^why = .*$", 'why = "For anything."'),
        ("^data_life_days = 30", "data_life_days = 60"),
        ("^reading_seconds_min = 5", "reading_seconds_min = 0"),
    ):
        before = (folder / FILE).read_text(encoding="utf-8")
        edit(folder / FILE, pattern, put)
        assert f"{CODE} 1 was changed; make a new version instead" in faults(folder)
        (folder / FILE).write_text(before, encoding="utf-8")
    load_notices(folder)


def test_an_effective_notice_may_end_and_nothing_else(folder: Path) -> None:
    edit(folder / FILE, "^version = 1$", "version = 1\nvalid_to = 2026-03-01")
    notices = load_notices(folder)
    assert notices.current(CODE, date(2026, 3, 1)) is not None
    assert notices.current(CODE, TODAY) is None
    # What was agreed to then runs until its own end.
    assert notices.sufficient(CODE, TODAY) == [1]


def test_a_notice_that_nobody_locked_and_one_that_is_gone_are_refused(folder: Path) -> None:
    lock = folder / LOCK_FILE
    locked = lock.read_text(encoding="utf-8")
    lock.write_text("\n".join(locked.splitlines()[1:]) + "\n", encoding="utf-8")
    assert "is effective but not in effective.lock" in faults(folder)
    lock.write_text(locked, encoding="utf-8")
    (folder / "marketing-1.toml").unlink()
    assert "marketing 1 is locked, but no file that can be read holds it" in faults(folder)


def test_an_effective_notice_is_never_a_draft_again(folder: Path) -> None:
    edit(folder / FILE, '^state = "effective"', 'state = "draft"')
    assert "was effective and cannot be a draft again" in faults(folder)


def test_locking_adds_new_versions_and_leaves_the_others(folder: Path) -> None:
    second = folder / f"{CODE}-2.toml"
    shutil.copy(folder / FILE, second)
    edit(second, "^version = 1$", "version = 2")
    edit(second, "^valid_from = .*$", "valid_from = 2026-03-01")
    assert lock_notices(folder) == [f"{CODE} 2"]
    assert lock_notices(folder) == []
    found = load_notices(folder).current(CODE, TODAY)
    assert found is not None
    assert found.version == 2


@pytest.mark.parametrize(
    ("pattern", "put", "fault"),
    [
        ("^data = .*$", 'data = ["religion"]', "asks for religion, which nobody may"),
        ("^data = .*$", 'data = ["income"]', "en.adverse_effect is missing: income"),
        ("^data = .*$", 'data = ["palm_lines"]', "asks for the unknown kind palm_lines"),
        ("^data = .*$", "data = []", "scope.data is empty"),
        ("^window_days = 30", "window_days = 31", "scope.window_days is not a whole number from 1"),
        ("^uses_max = 1", "uses_max = 2", "scope.uses_max is not a whole number from 1 to 1"),
        ('^purpose = "inquiry_origination"', 'purpose = "inquiry_origination, marketing"',
         "scope.purpose is not one purpose"),
        ("^recipient = .*$", 'recipient = ["credit-bureau", "funding-bank"]', "scope.recipient"),
        ("^recipient = .*$", 'recipient = "somebody"', "names the party somebody"),
        ("^controller = .*$", 'controller = "funding-bank"', "has no address where a consent"),
        ("^approver = .*$", 'approver = "compliance-desk"', "a second person approves"),
        ('^stops = "不再.*$', "", "zh.stops is not a text"),
        ('^rights = "You.*$', "", "en.rights is not a text"),
        ("^legal_basis", "legal_bases", "scope.legal_bases is not a key of this table"),
        ('^title = "C.*$', 'title = "Cafe\u0301"', "en.title is not in its normal form"),
        ("^optional = false", 'optional = "no"', "scope.optional is neither true nor false"),
        ("^use = .*$", 'use = "ALWAYS"', "scope.use is none of"),
        ("^valid_from = .*$", 'valid_from = "2025"', "meta.valid_from is not a date"),
    ],
)  # fmt: skip
def test_what_a_notice_may_not_say_is_named(
    folder: Path, pattern: str, put: str, fault: str
) -> None:
    edit(folder / FILE, pattern, put)
    assert fault in faults(folder)


def test_restricted_data_may_be_asked_for_with_the_warning_in_each_language(folder: Path) -> None:
    third = folder / "income-1.toml"
    shutil.copy(folder / FILE, third)
    edit(third, f'^code = "{CODE}"', 'code = "income"')
    edit(third, '^purpose = "inquiry_origination"', 'purpose = "income_check"')
    edit(third, "^data = .*$", 'data = ["income"]')
    edit(third, '^rights = "您', 'adverse_effect = "可能降低额度。"\nrights = "您')
    assert "en.adverse_effect is missing" in faults(folder)
    edit(third, '^rights = "You', 'adverse_effect = "It may lower the limit."\nrights = "You')
    lock_notices(folder)
    found = load_notices(folder).current("income", TODAY)
    assert found is not None
    assert "What it may do to you\nIt may lower the limit." in found.texts["en"].text


def test_one_purpose_at_one_recipient_has_one_notice(folder: Path) -> None:
    twin = folder / "twin-1.toml"
    shutil.copy(folder / FILE, twin)
    edit(twin, f'^code = "{CODE}"', 'code = "twin"')
    assert "asks for the same purpose already" in faults(folder)


def test_every_fault_of_every_file_is_named(folder: Path) -> None:
    edit(folder / FILE, "^data = .*$", "data = []")
    (folder / "marketing-1.toml").write_text("[meta\n", encoding="utf-8")
    found = faults(folder)
    assert "scope.data is empty" in found
    assert "marketing-1.toml: is not TOML" in found
