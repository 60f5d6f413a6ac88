"""Contrast of every pair of colours that meet on a page, in both themes, from the tokens alone.

Follows     WCAG 2.2: 1.4.3 (text 4.5:1) and 1.4.11 (marks and operable borders 3:1).
"""

import re
from pathlib import Path

import pytest

CSS = (Path(__file__).parents[2] / "src/counterfoil/platform/web/static/site.css").read_text(
    encoding="utf-8"
)
THEMES = ("light", "dark")

TEXT = [
    *((ink, ground) for ink in ("ink", "soft", "brand", "good", "bad", "warn")
      for ground in ("card", "page", "well")),
    ("on-brand", "brand"), ("brand", "tint"), ("ink", "tint"), ("good", "good-tint"),
    ("bad", "bad-tint"), ("warn", "warn-tint"), ("h5-ink", "h5"), ("h-pale", "h6"),
    ("h-pale", "h7"), *(("h-ink", f"h{step}") for step in range(5)),
]  # fmt: skip
MARKS = [
    *(("edge", ground) for ground in ("card", "page", "well")),
    *((f"s{number}", "card") for number in range(6)),
    *((f"b{number}", "card") for number in range(3)),
    ("brand", "card"), ("brand", "page"), ("good", "card"), ("bad", "card"), ("warn", "card"),
    ("brand", "line"),
]  # fmt: skip


def _tokens() -> dict[str, tuple[str, str]]:
    found = re.findall(r"--([a-z0-9-]+): light-dark\((#[0-9a-f]+), (#[0-9a-f]+)\)", CSS)
    return {name: (light, dark) for name, light, dark in found}


def _plain() -> dict[str, str]:
    first = CSS[: CSS.index("@supports")]
    return dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]+);", first))


TOKENS = _tokens()


def _luminance(colour: str) -> float:
    digits = colour[1:]
    if len(digits) == 3:
        digits = "".join(letter * 2 for letter in digits)
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("ink", "ground"), TEXT)
def test_text_can_be_read(ink: str, ground: str, theme: str) -> None:
    place = THEMES.index(theme)
    assert contrast(TOKENS[ink][place], TOKENS[ground][place]) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("mark", "ground"), MARKS)
def test_marks_and_borders_can_be_seen(mark: str, ground: str, theme: str) -> None:
    place = THEMES.index(theme)
    assert contrast(TOKENS[mark][place], TOKENS[ground][place]) >= 3.0


def test_browsers_without_two_colours_get_the_light_ones() -> None:
    assert _plain() == {name: light for name, (light, _) in TOKENS.items()}


def test_the_measure_itself() -> None:
    assert contrast("#000", "#fff") == 21.0
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48
