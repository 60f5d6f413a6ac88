"""Catalogues: a message is there or the page fails; nobody ever reads a key."""

import pytest

from counterfoil.platform.web.i18n import Catalogue, flatten, preferred_language

EN = Catalogue(
    language="en",
    messages={"a": "A {x}", "n.one": "{count} loan", "n.other": "{count} loans", "s.open": "Open"},
)
ZH = Catalogue(language="zh-CN", messages={"n.other": "{count} 笔"})


def test_values_are_filled_in() -> None:
    assert EN.text("a", x=1) == "A 1"
    assert EN.label("s", "open") == "Open"


@pytest.mark.parametrize(("count", "text"), [(0, "0 loans"), (1, "1 loan"), (2, "2 loans")])
def test_english_counts_in_two_forms_and_chinese_in_one(count: int, text: str) -> None:
    assert EN.text("n", count=count) == text
    assert ZH.text("n", count=count) == f"{count} 笔"


def test_an_unknown_key_raises() -> None:
    with pytest.raises(KeyError):
        EN.text("b")
    with pytest.raises(KeyError):
        EN.label("s", "shut")
    with pytest.raises(KeyError):
        EN.text("n")


def test_a_message_is_a_text() -> None:
    assert flatten({"a": {"b": {"c": "x"}}}) == {"a.b.c": "x"}
    with pytest.raises(TypeError):
        flatten({"a": 1})


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "zh-CN"),
        ("fr", "zh-CN"),
        ("en-GB,en;q=0.9", "en"),
        ("zh-TW,en;q=0.8", "zh-CN"),
        ("fr, en;q=0.5, zh;q=0.6", "zh-CN"),
        ("en;q=x, zh;q=0.1", "zh-CN"),
    ],
)
def test_the_browser_says_which_language(header: str, language: str) -> None:
    assert preferred_language(header) == language
