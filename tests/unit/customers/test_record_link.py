"""When two records may be one person: identity, lenders, and where links stand already."""

import pytest

from counterfoil.customers.record_link import (
    People,
    check_identity,
    check_lenders,
    check_records,
)
from counterfoil.kernel.errors import Refused

BORN = "11010519491231002X"
NEW_NUMBER = "110105194912310038"
OTHER_BIRTH = "110105194912300112"


def code(found: Refused | None) -> str | None:
    return None if found is None else found.code


def test_a_person_is_one_surviving_record_and_those_that_gave_way() -> None:
    people = People(merged_into={2: 1, 3: 1})
    assert people.records(3) == people.records(1) == (1, 2, 3)
    assert (people.surviving(2), people.surviving(9), people.records(9)) == (1, 9, (9,))


@pytest.mark.parametrize(
    ("given", "surviving", "refused"),
    [
        (5, 5, "record_same"),
        (2, 5, "record_merged"),
        (5, 2, "record_merged"),
        (1, 5, "record_joined_by_other"),
        (5, 1, None),
    ],
)
def test_links_never_chain(given: int, surviving: int, refused: str | None) -> None:
    assert code(check_records(People(merged_into={2: 1}), given, surviving)) == refused


@pytest.mark.parametrize(
    ("name", "number", "refused"),
    [
        ("Ann Li", NEW_NUMBER, None),
        ("ANN LI", BORN, None),
        ("Bo Li", NEW_NUMBER, "record_does_not_match"),
        ("Ann Li", OTHER_BIRTH, "record_does_not_match"),
    ],
)
def test_name_and_birth_date_must_agree(name: str, number: str, refused: str | None) -> None:
    given = {"name": "Ann Li", "id_number": BORN}
    assert code(check_identity(given, {"name": name, "id_number": number})) == refused


def test_what_is_not_kept_proves_nothing() -> None:
    assert code(check_identity(None, {"name": "Ann", "id_number": BORN})) == (
        "record_identity_missing"
    )


def test_open_lines_of_two_lenders_keep_records_apart() -> None:
    assert code(check_lenders({"a"}, {"b"})) == "record_of_other_lender"
    assert code(check_lenders({"a", "b"}, {"a"})) == "record_of_other_lender"
    assert check_lenders({"a"}, {"a"}) is None
    assert check_lenders({"a"}, set()) is None
