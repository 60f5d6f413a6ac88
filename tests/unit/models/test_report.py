"""The page of a validation: whole, in both languages, safe, and made of nothing from elsewhere."""

import re
import tomllib
from html.parser import HTMLParser
from importlib import resources
from typing import Any

import polars as pl
import pytest
from tests.unit.models.models import document, file_of
from tests.unit.models.test_validation import LAYOUT, data, look, model

from counterfoil.models.artefact import read_artefact
from counterfoil.models.report_charts import Frame, contributions, curves, trend
from counterfoil.models.report_html import render
from counterfoil.models.report_words import LANGUAGES, Words, decimal, percent
from counterfoil.models.thresholds import load_thresholds
from counterfoil.models.validation_data import read_cases

VOID = {"meta", "path", "rect", "circle", "br"}


class Balance(HTMLParser):
    """Holds every element to its end."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:  # noqa: ARG002 - its shape
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def page(language: str = "en", **changes: Any) -> str:
    frame = data(12_000, **changes)
    champion = read_cases(model(version="2025-09"), frame, LAYOUT)
    return render(model(), look(frame, champion=champion), language=language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_whole_and_alone(language: str) -> None:
    text = page(language)
    checker = Balance()
    checker.feed(text)
    assert checker.open == []
    assert f'<html lang="{language}">' in text
    assert not re.search(r"<script|<link|https?://|@import|url\(|\son\w+=", text)
    assert "prefers-color-scheme: dark" in text
    # ROC, KS, distribution, grades, three by period, cut-offs, and one for each feature.
    assert text.count("<svg") == 8 + 3


def test_alarms_stand_on_the_page() -> None:
    text = page(bad_times=0.7)
    assert "May not be approved as it is" in text
    assert "Predicted and actual differ" in text
    assert "No figure is outside" in page()


def test_what_a_file_says_is_escaped() -> None:
    content = document()
    content["card"] = {"purpose": "<b>bold</b>", "owner": '"><img src=x>'}
    content["characteristics"][1]["unknown"] = 0
    content["characteristics"][1]["categories"] = {"<i>": 1, "north": 2, "south": 3}
    evil = read_artefact(file_of(content))
    frame = data(2_000).with_columns(sex=pl.lit("<u>"))
    text = render(evil, look(frame, evil), language="en")
    assert not re.search(r"<b>bold|<img|<i>|<u>", text)
    assert "&lt;b&gt;bold" in text


def test_a_page_without_outcomes_of_one_kind_or_periods_stands() -> None:
    frame = data(500).with_columns(bad=pl.lit(0))
    assert "Model validation" in render(model(), look(frame), language="en")


def test_every_alarm_has_its_words() -> None:
    text = resources.files("counterfoil.models").joinpath("report_words.toml").read_text("utf-8")
    words = tomllib.loads(text)
    assert all(len(pair) == 2 and all(pair) for pair in words.values())
    places = [set(re.findall(r"\{(\w+)\}", pair[0])) ^ set(re.findall(r"\{(\w+)\}", pair[1]))
              for pair in words.values()]  # fmt: skip
    assert not any(places)
    own = {"calibration_month", "monotone", "sample"}
    others = {"monitoring", "deadline"}
    assert {f"alarm_{code}" for code in (set(load_thresholds()) | own) - others} <= set(words)


def test_members_of_a_card_are_said_in_the_language() -> None:
    t = Words("zh-CN")
    assert t.of({"en": "late", "zh-CN": "逾期"}) == "逾期"
    assert t.of({"en": "late"}) == "late"
    assert t.of(["a", {"zh-CN": "乙"}]) == "a; 乙"
    assert (t.of(None), t.of({}), t.of([])) == ("未说明", "无", "无")
    assert (percent(None), percent(123_456), decimal(-5_000)) == ("—", "12.3%", "−0.005")


def test_nothing_to_draw_draws_nothing() -> None:
    frame = Frame(title="x")
    assert curves(frame, [("a", "s0", [])], diagonal=True) == ""
    assert trend(frame, ["one"], [("a", "s0", [1.0])], tick=str) == ""
    assert trend(frame, ["one", "two"], [("a", "s0", [None, None])], tick=str) == ""
    nothing: list[dict[str, object]] = [{"bin": "", "amount": None, "cases": 3}]
    assert contributions(frame, nothing, sign=1, unknown="?", tick=str) == ""
