"""A file scored as a whole has the scores that its cases have one by one."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.models.models import document, file_of

from counterfoil.models.artefact import read_artefact
from counterfoil.models.bulk_score import risk_of, score_frame

MODEL = read_artefact(file_of(document()))

CASES = st.lists(
    st.fixed_dictionaries(
        {
            "delay_months": st.none() | st.integers(-(2**62), 2**62) | st.integers(-1, 4),
            "region": st.none() | st.sampled_from(["north", "south", "elsewhere", ""]),
            "is_student": st.none() | st.booleans(),
        }
    ),
    min_size=1,
    max_size=30,
)


@settings(deadline=None)
@given(CASES)
def test_a_file_and_its_cases_score_alike(cases: list[dict[str, int | str | bool | None]]) -> None:
    frame = pl.DataFrame(
        cases,
        schema={"delay_months": pl.Int64, "region": pl.String, "is_student": pl.Boolean},
    )
    found = score_frame(MODEL, frame)
    for place, case in enumerate(cases):
        alone = MODEL.score(case)
        assert found.total[place] == alone.total
        assert found.pd_ppm[place] == alone.pd_ppm


def test_what_the_tables_cannot_use_is_counted() -> None:
    frame = pl.DataFrame(
        {
            "delay_months": [1.0, 2.5, float("nan"), None, float("inf"), 0.0],
            "region": ["north", "west", None, "south", "south", "south"],
            "is_student": [0, 1, 2, None, 1, 0],
        }
    )
    columns = score_frame(MODEL, frame).columns
    delay, region, student = (columns[name] for name in ("delay_months", "region", "is_student"))
    assert (delay.missing, delay.rejected) == (2, 2)
    assert delay.bins.to_list() == [1, 3, 3, 3, 3, 0]
    assert delay.names == ("< 1", "1", "≥ 2", "")
    assert (region.missing, region.unseen) == (1, 1)
    assert region.bins.to_list() == [0, 2, 3, 1, 1, 1]
    assert (student.missing, student.rejected) == (1, 1)


def test_a_column_that_is_not_there_is_not_known() -> None:
    frame = pl.DataFrame({"region": ["north"] * 3})
    found = score_frame(MODEL, frame)
    assert found.columns["delay_months"].missing == 3
    assert found.total.to_list() == [-1_250_000 - 100_000 + 50_000 + 5_000] * 3


def test_text_that_should_be_a_number_is_read_or_counted() -> None:
    frame = pl.DataFrame({"delay_months": ["1", " 2 ", "two", None], "region": ["north"] * 4})
    column = score_frame(MODEL, frame).columns["delay_months"]
    assert column.bins.to_list() == [1, 2, 3, 3]
    assert (column.missing, column.rejected) == (1, 1)


def test_points_turn_round_to_risk() -> None:
    content = document()
    content["unit"] = "points"
    content["calibration"] = {
        "version": "1",
        "method": "none",
        "edges": [0],
        "pd_ppm": [500_000, 100_000],
    }
    model = read_artefact(file_of(content))
    scores = score_frame(model, pl.DataFrame({"region": ["north", "south"]}))
    assert risk_of(model, scores).to_list() == [-total for total in scores.total.to_list()]


def test_values_beyond_those_of_training_are_counted() -> None:
    card = {"features": {"delay_months": {"least": 0, "most": 2}}}
    model = read_artefact(file_of(document() | {"card": card}))
    frame = pl.DataFrame({"delay_months": [-1, 0, 2, 3, None], "region": ["north"] * 5})
    columns = score_frame(model, frame).columns
    assert columns["delay_months"].outside == 2
    assert columns["is_student"].outside is None
