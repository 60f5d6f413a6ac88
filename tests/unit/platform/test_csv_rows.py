"""A row that is cut short is damage, and an empty cell is not."""

from pathlib import Path

import pytest

from counterfoil.decisioning.backtest import scan
from counterfoil.decisioning.batch_frame import UnfitDataError
from counterfoil.decisioning.document import load_policy
from counterfoil.models.data_columns import UnfitDataError as UnfitTrainingError
from counterfoil.models.data_columns import read_frame
from counterfoil.platform.csv_rows import row_fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a,b,c\n1,2,3\n4,,\n", None),
        ('a,b\n"x\ny",\n1,2\n', None),
        ("a\n1\n\n3\n", None),
        ("a,b,c\n1,2,3\n4,5\n", "line 3 has 2 of 3 cells"),
        ("a,b,c\n1,2,3\n\n4,5,6\n", "line 3 has 0 of 3 cells"),
        # Cells with line breaks: told is the line of the file, not the row.
        ('a,b\n"1\n2",3\n4\n', "line 4 has 1 of 2 cells"),
        (f"a,b\n{'x' * 200_000},\n1\n", "line 2 cannot be read: field larger than field limit"),
    ],
)
def test_the_first_row_that_is_cut_short_is_told(
    tmp_path: Path, text: str, fault: str | None
) -> None:
    path = tmp_path / "cases.csv"
    path.write_text(text)
    found = row_fault(path)
    assert found == fault or (found is not None and fault is not None and found.startswith(fault))


def test_bytes_that_are_no_text_are_told_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    path.write_bytes(b"a,b\n1,2\n3,\xff\n")
    with pytest.raises(UnfitTrainingError, match="line 3 has bytes that are none of UTF-8"):
        read_frame(path)
    path.write_text("a,b\n1,2\n3,4,5\n")
    with pytest.raises(UnfitTrainingError, match="line 3 has 3 of 2 cells"):
        read_frame(path)


def test_nobody_learns_from_it_or_decides_on_it(tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    path.write_text("age_years,purpose,defaulted\n40,travel,0\n41,travel\n")
    with pytest.raises(UnfitTrainingError, match="line 3 has 2 of 3 cells"):
        read_frame(path)
    with pytest.raises(UnfitDataError, match="line 3 has 2 of 3 cells"):
        scan([load_policy("base-2026-01")], path)
