"""A model's file: read strictly, scored exactly, refused once it was changed."""

import json
import math
from typing import Any

import pytest
from tests.unit.models.models import document, file_of

from counterfoil.models.artefact import ModelFileError, read_artefact, write_artefact
from counterfoil.models.artefact_parts import Value

CASE: dict[str, Value | None] = {"delay_months": 2, "region": "south", "is_student": False}


def test_a_score_is_the_base_plus_its_contributions() -> None:
    score = read_artefact(file_of(document())).score(CASE)
    assert score.total == -1_250_000 + 900_000 + 100_000 - 10_000
    assert [item.amount for item in score.contributions] == [900_000, 100_000, -10_000]
    assert (score.pd_ppm, score.band) == (260_000, "E")


def test_a_score_on_an_edge_has_the_probability_from_that_edge_on() -> None:
    calibration = read_artefact(file_of(document())).calibration
    assert [calibration.pd_of(total) for total in (-1_000_001, -1_000_000, -1, 0)] == [
        120_000,
        260_000,
        260_000,
        610_000,
    ]


def test_bins_start_at_their_edges() -> None:
    item = read_artefact(file_of(document())).characteristics[0]
    assert [item.amount(value) for value in (-5, 0, 1, 2, 99, None)] == [
        *(-300_000, -300_000, 200_000, 900_000, 900_000, 50_000)
    ]


def test_an_unseen_category_has_a_value_of_its_own() -> None:
    assert read_artefact(file_of(document())).characteristics[1].amount("west") == 0


def test_a_feature_that_may_not_be_missing_leaves_the_score_unknown() -> None:
    score = read_artefact(file_of(document())).score(CASE | {"region": None})
    assert (score.total, score.pd_ppm, score.band) == (None, None, None)
    assert score.contributions[0].amount == 900_000


def test_a_value_of_another_type_counts_as_not_known_and_is_named() -> None:
    model = read_artefact(file_of(document()))
    score = model.score(CASE | {"delay_months": True, "is_student": 1})
    assert score.rejected == ("delay_months", "is_student")
    assert score.total == model.score(CASE | {"delay_months": None, "is_student": None}).total


def test_reasons_are_the_greatest_distances_from_the_best_value() -> None:
    model = read_artefact(file_of(document()))
    score = model.score(CASE)
    assert [item.shortfall for item in score.contributions] == [1_200_000, 200_000, 0]
    assert score.reasons() == ("DLQ_RECENT", "ELIG_PRODUCT")
    assert score.reasons(1) == ("DLQ_RECENT",)
    assert model.score(CASE | {"delay_months": None}).reasons()[0] == "INFO_MISS"


def test_points_are_better_when_higher() -> None:
    content = document() | {"unit": "points"}
    content["calibration"]["pd_ppm"].reverse()
    content["characteristics"][0]["values"].reverse()
    model = read_artefact(file_of(content))
    assert model.score(CASE | {"delay_months": 0}).contributions[0].shortfall == 0
    assert model.score(CASE).contributions[0].shortfall == 1_200_000
    assert model.broken_directions() == ()


def test_a_probability_has_the_first_grade_that_reaches_it() -> None:
    model = read_artefact(file_of(document()))
    assert [model.band_of(pd) for pd in (0, 150_000, 150_001, 1_000_000)] == ["A", "A", "E", "E"]


def test_a_model_that_is_written_reads_back_to_the_byte() -> None:
    content = file_of(document())
    model = read_artefact(content)
    assert write_artefact(model) == content
    assert model.sha256 == json.loads(content)["sha256"]


def test_blanks_and_the_order_of_keys_do_not_count() -> None:
    content = file_of(document())
    turned = dict(reversed(json.loads(content).items()))
    assert read_artefact(json.dumps(turned, indent=2).encode()) == read_artefact(content)


def test_an_edited_file_is_refused() -> None:
    edited = file_of(document()).replace(b"900000", b"100000")
    with pytest.raises(ModelFileError, match=r"^sha256: .*changed after it was made"):
        read_artefact(edited)


@pytest.mark.parametrize(
    ("monotone", "values", "keeps"),
    [
        ("up", [1, 1, 2], True),
        ("up", [1, 2, 1], False),
        ("down", [2, 1, 1], True),
        ("down", [1, 1, 2], False),
        ("u_shape", [2, 1, 3], True),
        ("u_shape", [1, 2, 1], False),
        ("none", [1, 2, 1], True),
    ],
)
def test_a_table_against_its_direction_is_named(
    monotone: str, values: list[int], *, keeps: bool
) -> None:
    content = document()
    content["characteristics"][0] |= {"monotone": monotone, "values": values}
    broken = read_artefact(file_of(content)).broken_directions()
    assert broken == (() if keeps else ("delay_months",))


def wrong(path: str, value: object) -> dict[str, Any]:
    content = document()
    *parents, last = path.split(".")
    place: Any = content
    for key in parents:
        place = place[int(key) if key.isdigit() else key]
    place[last] = value
    return content


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("format", "counterfoil-model/2", "format: is 'counterfoil-model/2'"),
        ("unit", "odds", "unit: is 'odds'; allowed are log_odds_e6, points"),
        ("base", "1", "base: is not an integer"),
        ("base", True, "base: is not an integer"),
        ("base", 2**53 - 1, "characteristics: can add up to more than 2^53"),
        ("extra", 1, "extra: is not a key of this table"),
        ("characteristics", [], "characteristics: is empty"),
        ("characteristics.0.edges", [2, 1], "characteristics[delay_months].edges: do not ascend"),
        ("characteristics.0.values", [1, 2], "values: has 2 entries for 2 edges"),
        ("characteristics.0.unknown", "x", "unknown: is not an integer"),
        ("characteristics.0.feature", "region", "characteristics: names region twice"),
        ("characteristics.0.categories", {"a": 1}, "categories: are for texts"),
        ("characteristics.1.monotone", "up", "monotone: a text has no direction"),
        ("characteristics.1.categories", {}, "categories: a text has categories and no edges"),
        ("characteristics.2.edges", [0], "edges: of a boolean are [1]"),
        ("calibration.pd_ppm", [1, 3, 2], "calibration.pd_ppm: falls where the risk rises"),
        ("calibration.pd_ppm", [1, 2, 1_000_001], "pd_ppm: holds something that is not between"),
        ("bands", [{"code": "A", "pd_ppm_max": 5}], "bands: the last one has to reach 1,000,000"),
        ("target.horizon_months", 0, "target.horizon_months: is 0; the least is 1"),
        ("training.rows", 0, "training.rows: is 0; the least is 1"),
        ("card", "x", "card: is not a table"),
        ("code", " ", "code: is not a text"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(path: str, value: object, message: str) -> None:
    with pytest.raises(ModelFileError) as refused:
        read_artefact(file_of(wrong(path, value)))
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file: is not JSON"),
        (b"\xff\xfe\xfd", "the file: is not JSON"),
        (b"[]", "the file: is not a table"),
        (b"{}", "sha256: is missing"),
        (b'{"base": NaN}', "holds NaN"),
        (b'{"base": 0.5}', "base: is the fraction 0.5"),
        (b'{"base": 9007199254740992}', "integers end at 2^53"),
        (b'{"base": ' + b"9" * 5_000 + b"}", "the file: is not JSON"),
        (b'{"base": 1, "base": 1}', "base: stands in one table twice"),
        (b'{"card": "\\ud800"}', "card: is not a text of Unicode"),
        (b'{"card": {"\\ud800": 1}}', "card: is not a text of Unicode"),
        (b'{"card": ' + b"[" * 20 + b"]" * 20 + b"}", "nests too deep"),
        (b'{"card": ' + b"[" * 100_000, "nests too deep"),
        (b" " * 8_000_001, "longer than 8,000,000 bytes"),
    ],
)
def test_what_is_no_model_at_all_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(ModelFileError) as refused:
        read_artefact(content)
    assert message in str(refused.value)


def test_a_recalibrated_model_has_the_same_tables_and_another_hash() -> None:
    model = read_artefact(file_of(document()))
    shifted = model.recalibrated(
        type(model.calibration)(
            version="2026-02", method=model.calibration.method, edges=(), pd_ppm=(5,)
        )
    )
    assert shifted.characteristics == model.characteristics
    assert shifted.sha256 != model.sha256
    assert shifted.score(CASE).pd_ppm == math.floor(5)
