"""Charts: the same figures always give the same text, and odd figures still give a picture."""

import re
import xml.etree.ElementTree as ET

import pytest

from counterfoil.platform.web import charts
from counterfoil.platform.web.axes import coordinate, make_axis, plain_tick, round_ticks

SERIES: dict[str, dict[str, list[float | None]]] = {
    "nothing": {},
    "no points": {"a": []},
    "one point": {"a": [3.0]},
    "all zeros": {"a": [0.0, 0.0, 0.0]},
    "gap": {"a": [1.0, None, 2.0]},
    "only gaps": {"a": [None, None]},
    "negative": {"a": [-3.0, 4.0], "b": [-1.0, -2.0]},
    "huge": {"a": [1e15, 3e17]},
    "tiny": {"a": [1e-9, 2e-9]},
    "many": {f"{number}": [float(number)] * 400 for number in range(12)},
}


def _parsed(picture: str) -> ET.Element:
    return ET.fromstring(picture)  # noqa: S314 - our own text


def _numbers(picture: str) -> list[str]:
    return re.findall(r' (?:x|y|cx|cy|width|height)="([^"]*)"', picture)


@pytest.mark.parametrize("name", SERIES)
def test_every_line_chart_is_well_formed_and_inside_its_picture(name: str) -> None:
    picture = charts.line_chart(
        "c", SERIES[name], title="t", description="d", x_label="x", unit="%"
    )
    root = _parsed(picture)
    assert root.get("role") == "img"
    assert {"c-t", "c-d"} == {element.get("id") for element in root if element.get("id")}
    for number in _numbers(picture):
        assert -40 <= float(number) <= 700, number
    assert "nan" not in picture
    assert "inf" not in picture
    assert "style=" not in picture


@pytest.mark.parametrize("name", SERIES)
def test_every_bar_chart_is_well_formed(name: str) -> None:
    series = SERIES[name]
    labels = [str(number) for number in range(max([len(p) for p in series.values()] or [0]))]
    picture = charts.bars("c", labels, series, title="t", description="d", x_label="x")
    _parsed(picture)
    heights = [float(h) for h in re.findall(r'height="([^"]*)" rx="1.5"', picture)]
    assert all(height >= 0 for height in heights)


def test_a_gap_breaks_the_line_into_two() -> None:
    picture = charts.line_chart(
        "c", {"a": [1.0, None, 2.0, 3.0]}, title="t", description="d", x_label="x"
    )
    line = re.search(r'class="line s5" d="([^"]*)"', picture)
    assert line is not None
    assert line[1].count("M") == 2
    assert line[1].count("L") == 1


def test_a_line_chart_is_drawn_to_the_letter() -> None:
    picture = charts.line_chart(
        "c", {"a": [0.0, 4.0]}, title="t", description="d", x_label="x", unit=""
    )
    assert '<path class="line s5" d="M52 220L482 14"/>' in picture
    assert '<circle cx="482" cy="14" r="3"/>' in picture
    assert '<path class="zero" d="M52 220H482"/>' in picture


def test_labels_of_lines_that_end_together_do_not_cover_each_other() -> None:
    series = {name: [0.0, 0.0] for name in ("M2", "M3", "M4+")}
    picture = charts.line_chart("c", series, title="t", description="d", x_label="x")
    heights = sorted(float(y) for y in re.findall(r'class="series" x="489" y="([^"]*)"', picture))
    assert len(heights) == 3
    assert heights[1] - heights[0] >= 11
    assert heights[2] - heights[1] >= 11


def test_the_newest_series_takes_the_strongest_colour_however_many_there_are() -> None:
    picture = charts.line_chart("c", SERIES["many"], title="t", description="d", x_label="x")
    shades = re.findall(r'class="line s(\d)"', picture)
    assert shades == ["0"] * 6 + ["0", "1", "2", "3", "4", "5"]


def test_negative_bars_hang_from_the_zero_line() -> None:
    picture = charts.bars(
        "c", ["1"], {"a": [-5.0]}, title="t", description="d", x_label="x", unit=""
    )
    zero = re.search(r'class="zero" d="M52 ([\d.]+)H', picture)
    bar = re.search(r'class="b0" x="[^"]*" y="([^"]*)"', picture)
    assert zero is not None
    assert bar is not None
    assert bar[1] == zero[1]


@pytest.mark.parametrize(
    ("value", "step"),
    [(-20.0, 0), (0.0, 0), (12.4, 0), (12.5, 1), (99.9, 7), (100.0, 7), (480.0, 7)],
)
def test_a_heat_cell_always_has_a_class_that_exists(value: float, step: int) -> None:
    picture = charts.heat_map(
        "c", ["a"], [[value]], title="t", description="d", x_label="x", y_label="y"
    )
    assert f'<g class="h{step}">' in picture


def test_a_heat_map_says_when_there_is_no_figure() -> None:
    picture = charts.heat_map(
        "c", ["a"], [[None]], title="t", description="d", x_label="x", y_label="y"
    )
    _parsed(picture)
    assert "—" in picture
    assert "<rect" not in picture


def test_a_heat_map_without_rows_is_still_a_picture() -> None:
    picture = charts.heat_map(
        "c", ["a"], [], title="t", description="d", x_label="x", y_label="y", row_labels=[]
    )
    _parsed(picture)
    assert "<rect" not in picture
    assert "t</title>" in picture


@pytest.mark.parametrize(
    ("points", "paths"),
    [([], 0), ([None], 0), ([5.0], 1), ([0.0, 0.0], 1), ([1.0, None, 2.0], 1), ([-1e18, 1e18], 1)],
)
def test_a_spark_takes_any_figures(points: list[float | None], paths: int) -> None:
    picture = charts.spark(points)
    assert picture.count("<path") == paths
    if paths:
        _parsed(picture)
        assert "nan" not in picture


def test_a_spark_of_equal_figures_runs_through_the_middle() -> None:
    assert 'd="M2 9L54 9"' in charts.spark([7.0, 7.0])


@pytest.mark.parametrize("items", [[], [("a", 5.0)], [("a", 5.0), ("b", -9.0)], [("a", 0.0)]])
def test_a_waterfall_takes_any_items(items: list[tuple[str, float]]) -> None:
    picture = charts.waterfall("c", items, title="t", description="d", total_label="sum")
    _parsed(picture)
    assert picture.count("<rect") == len(items) + 1


def test_a_waterfall_ends_at_the_sum_of_its_items() -> None:
    picture = charts.waterfall(
        "c", [("a", 9.0), ("b", -5.0)], title="t", description="d", total_label="sum"
    )
    assert "<title>sum 4</title>" in picture
    assert 'class="down"' in picture


@pytest.mark.parametrize("points", [[], [("1", 5.0)], [("1", 5.0), ("2", None), ("3", 2.0)]])
def test_steps_take_any_points(points: list[tuple[str, float | None]]) -> None:
    picture = charts.steps("c", points, title="t", description="d", x_label="x")
    _parsed(picture)
    assert "nan" not in picture
    for label, _ in points:
        assert f">{label}</text>" in picture


def test_a_funnel_without_cases_divides_by_nothing() -> None:
    picture = charts.funnel("c", [("a", 0, None), ("b", 0, "/x")], title="t", description="d")
    _parsed(picture)
    assert "0 · 0.0%" in picture
    assert 'href="/x"' in picture


def test_names_from_outside_cannot_become_markup() -> None:
    evil = '"><script>alert(1)</script>'
    picture = charts.line_chart("c", {evil: [1.0, 2.0]}, title=evil, description=evil, x_label=evil)
    assert "<script" not in picture
    _parsed(picture)


@pytest.mark.parametrize(
    ("values", "ends"),
    [
        ([], (0.0, 1.0)),
        ([0.0], (0.0, 1.0)),
        ([3.9], (0.0, 4.0)),
        ([-3.0, 7.2], (-5.0, 10.0)),
        ([-8.0], (-8.0, 0.0)),
        ([1e18], (0.0, 1e18)),
    ],
)
def test_an_axis_encloses_zero_and_all_values(
    values: list[float], ends: tuple[float, float]
) -> None:
    axis = make_axis(values)
    assert (axis.ticks[0], axis.ticks[-1]) == ends
    assert 0.0 in axis.ticks
    assert all(ends[0] <= value <= ends[1] for value in values)


def test_numbers_in_a_picture_are_short() -> None:
    assert coordinate(1 / 3) == "0.33"
    assert coordinate(20.0) == "20"
    assert plain_tick(-1234.5) == "−1,234.5"


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (-2.6, 1.7, (-2, -1, 0, 1)),
        (512, 688, (550, 600, 650)),
        (-2_600_000, 1_700_000, (-2_000_000, -1_000_000, 0, 1_000_000)),
        (7, 7, (7,)),
    ],
)
def test_ticks_between_two_ends_are_round(
    low: float, high: float, ticks: tuple[float, ...]
) -> None:
    assert round_ticks(low, high) == ticks
