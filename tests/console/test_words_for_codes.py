"""Codes that staff read have words: acts of the trail, and what a model's score says."""

import re
from types import SimpleNamespace
from typing import Any

from tests.console.test_messages import CATALOGUES, SOURCE

from counterfoil.console.decision_story import odds_words, score_words
from counterfoil.console.desk import LENDER_ZONE
from counterfoil.platform.web.format import Formats

#: Names of acts as journeys write them: at the act itself or through a helper.
_ACTS = re.compile(r'\b(?:Act\(\s*name=|_?act(?:_of)?\(\s*)"([a-z]+(?:_[a-z]+)*)"')
#: Parts of a name that is put together; the whole has its word.
_PARTS = {"asked", "answered"}


def test_every_act_of_the_trail_has_a_word() -> None:
    written = {
        name
        for path in (SOURCE / "journeys").rglob("*.py")
        for name in _ACTS.findall(path.read_text(encoding="utf-8"))
    }
    assert len(written) > 50
    for catalogue in CATALOGUES.values():
        lacking = {act for act in written - _PARTS if not catalogue.has(f"trail_act.{act}")}
        assert lacking == set()


def test_a_models_score_is_its_probability_and_a_cards_score_its_points() -> None:
    visit: Any = SimpleNamespace(
        t=CATALOGUES["en"].text, formats=Formats(language="en", zone=LENDER_ZONE)
    )
    assert score_words(visit, -2_245_649, 96_400) == "PD 9.64%"
    assert score_words(visit, 612, None) == "612"
    assert score_words(visit, None, None) == "—"


def test_an_amount_of_log_odds_is_told_as_a_factor() -> None:
    assert odds_words(0) == "× 1.00"
    assert odds_words(693_147) == "× 2.00"
    assert odds_words(-693_147) == "× 0.50"
    assert odds_words(None) == "—"
