"""Pseudonyms, spans, groups and the mark, on records that are made up."""

from datetime import date
from typing import Any

import pytest

from counterfoil.kernel import ids
from counterfoil.privacy.alias import Aliases
from counterfoil.privacy.deidentify import (
    Keys,
    compare_mark,
    is_made_by,
    known_by,
    mark_of,
    measure,
    prepare,
    pseudonym,
    without_small,
)
from counterfoil.privacy.export_plan import MARK_RANGE, load_datasets, parse_datasets

A = Keys(recipient=b"a" * 32, mark=b"m" * 32)
B = Keys(recipient=b"b" * 32, mark=b"n" * 32)
DATASET = load_datasets()["applications"]


def record(customer_id: int, **given: Any) -> dict[str, Any]:
    return {
        "customer_id": customer_id,
        "application_id": customer_id * 10,
        "age_years": 34,
        "region": "east",
        "product_code": "cash",
        "channel": "app",
        "purpose": "travel",
        "received_at": date(2026, 3, 9),
        "requested_minor": 1_234_567,
        "outcome": "approved",
        "grade": "B",
        "limit_minor": None,
        "is_by_person": False,
        "decision_reason": None,
    } | given


def test_a_row_says_no_more_than_its_plan() -> None:
    prepared = prepare(DATASET, [record(1)], A)
    row = dict(zip(prepared.header, prepared.rows[0], strict=True))
    assert row["customer"] == pseudonym(A.recipient, "customer", 1)
    assert row["age"] == "30-39"
    assert row["received"] == "2026-03"
    about = int(row["requested_about_minor"])
    assert about - about % MARK_RANGE == 1_000_000
    assert about % MARK_RANGE == mark_of(A.mark, "requested_about_minor", row["customer"])
    assert row["limit_about_minor"] == ""
    assert row["decided_by_person"] == "false"


def test_two_recipients_cannot_join_their_files() -> None:
    everybody = range(1, 200)
    first = {pseudonym(A.recipient, "customer", n) for n in everybody}
    assert len(first) == len(everybody)
    assert first.isdisjoint(pseudonym(B.recipient, "customer", n) for n in everybody)
    assert all(is_made_by(A.recipient, text) for text in first)
    assert not any(is_made_by(B.recipient, text) for text in first)


def test_numbers_that_somebody_typed_do_not_leave_and_neither_do_formulas() -> None:
    records = [
        record(1, decision_reason="asked at 138 0013 1234"),
        record(2, decision_reason="证件11010519491231002X"),
        record(3, decision_reason="=HYPERLINK(1)"),
    ]
    prepared = prepare(DATASET, records, A)
    texts = {row[-1] for row in prepared.rows}
    assert prepared.texts_hidden == 2
    assert texts == {"asked at ****", "证件****", "'=HYPERLINK(1)"}


def test_groups_are_counted_in_persons_and_small_ones_are_left_out() -> None:
    crowd = [record(n) for n in range(1, 6)]
    # One person's two rows are one person.
    few = [record(n, age_years=71) for n in (6, 6, 7)]
    alone = [record(8, region=None)]
    rows = prepare(DATASET, [*crowd, *few, *alone], A).rows
    risk = measure(DATASET, rows, least=5)
    assert (risk.rows, risk.persons, risk.groups) == (9, 8, 3)
    assert (risk.smallest, risk.small_groups, risk.small_rows) == (1, 2, 4)
    assert risk.unique_ppm == 111_111
    kept = without_small(DATASET, rows, least=5)
    assert measure(DATASET, kept, least=5).smallest == 5
    assert len(kept) == 5


def test_whoever_is_alone_by_all_rows_together_is_alone() -> None:
    """Each row stands in a group of six; one person alone has rows in both groups."""
    both = [record(1), record(1, product_code="scene")]
    one = [record(n) for n in range(2, 7)]
    other = [record(n, product_code="scene") for n in range(7, 12)]
    rows = prepare(DATASET, [*both, *one, *other], A).rows
    risk = measure(DATASET, rows, least=5)
    assert (risk.groups, risk.smallest, risk.small_rows) == (3, 1, 2)
    kept = without_small(DATASET, rows, least=5)
    assert pseudonym(A.recipient, "customer", 1) not in {row[0] for row in kept}
    assert measure(DATASET, kept, least=5).smallest == 5


def test_what_a_recipient_has_already_joins_what_it_gets() -> None:
    """Five who look alike are known apart where an earlier file has two of them."""
    rows = prepare(DATASET, [record(n) for n in range(1, 6)], A).rows
    assert measure(DATASET, rows, least=5).smallest == 5
    earlier = load_datasets()["lines"]
    line = {"line_id": 9, "opened_on": date(2026, 1, 1), "status": "active", "principal_minor": 0}
    before = prepare(earlier, [record(n) | line for n in (1, 2)], A).rows
    risk = measure(DATASET, rows, least=5, already=known_by(earlier, before))
    assert (risk.groups, risk.smallest) == (2, 2)
    # Another recipient's file is under other pseudonyms, and joins nothing.
    foreign = known_by(earlier, prepare(earlier, [record(1) | line], B).rows)
    assert measure(DATASET, rows, least=5, already=foreign).smallest == 5


def test_a_record_that_is_named_in_a_text_leaves_under_an_alias() -> None:
    said = f"as in {ids.to_text(ids.LOAN, 1 << 58)}"
    [row] = prepare(DATASET, [record(1, decision_reason=said)], A).rows
    assert row[-1] == f"as in {Aliases(A.recipient).of(ids.LOAN, 1 << 58)}"


def test_a_shuffled_part_of_a_file_still_names_its_export() -> None:
    prepared = prepare(DATASET, [record(n) for n in range(1, 40)], A)
    places = [prepared.header.index(name) for name in ("requested_about_minor", "customer")]
    sample = [[row[n] for n in places] for row in reversed(prepared.rows[5:12])]
    header = [prepared.header[n] for n in places]
    match = compare_mark(DATASET, header, sample, A.mark)
    assert (match.cells, match.matched) == (7, 7)
    assert match.chance_log10 == pytest.approx(-28)
    other = compare_mark(DATASET, header, sample, B.mark)
    assert other.chance_log10 > -6


def test_rounded_amounts_carry_no_mark_and_are_not_taken_for_one() -> None:
    prepared = prepare(DATASET, [record(n) for n in range(1, 40)], A)
    place = prepared.header.index("requested_about_minor")
    rounded = [[row[0], f"{int(row[place]) // 10_000}0000"] for row in prepared.rows]
    match = compare_mark(DATASET, ["customer", "requested_about_minor"], rounded, A.mark)
    assert match.chance_log10 > -6
    without_person = compare_mark(DATASET, ["requested_about_minor"], [["1"]], A.mark)
    assert without_person.cells == 0


@pytest.mark.parametrize(
    ("columns", "wrong"),
    [
        ([{"name": "line", "from": "line_id", "how": "pseudonym"}], "begin with"),
        ([{"name": "customer", "from": "customer_id", "how": "pseudonym"}], "measures nothing"),
        (
            [
                {"name": "customer", "from": "customer_id", "how": "pseudonym"},
                {"name": "age", "from": "age_years", "how": "band", "width": 10, "quasi": True},
            ],
            "no mark",
        ),
        ([{"name": "a", "from": "a", "how": "about", "width": 5_000}], "no amount"),
        ([{"name": "a", "from": "a", "how": "band"}], "no width"),
        ([{"name": "a", "from": "a", "how": "text", "quasi": True}], "cannot make groups"),
        ([{"name": "a", "from": "a", "how": "clear"}], "clear"),
    ],
)
def test_a_plan_that_lacks_something_stops_the_start(
    columns: list[dict[str, Any]], wrong: str
) -> None:
    with pytest.raises(ValueError, match=wrong):
        parse_datasets({"datasets": {"x": {"en": "x", "zh": "x", "columns": columns}}})
