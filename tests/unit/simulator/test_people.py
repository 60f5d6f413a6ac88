"""Invented persons: well-formed, nobody's, of recorded age and behaviour, the same for a seed."""

from datetime import date

import pytest

from counterfoil.customers.identity import Person, age_on, check_person
from counterfoil.decisioning.document import BASE_POLICY, load_policy
from counterfoil.decisioning.feature import check_facts
from counterfoil.simulator.people import invent

LEAP_DAY = date(2028, 2, 29)


@pytest.mark.parametrize("on", [date(2026, 1, 5), LEAP_DAY, date(2026, 12, 31)])
def test_everybody_is_well_formed_and_as_old_as_recorded(on: date) -> None:
    for invented in invent(400, seed=3, on=on):
        person = check_person(
            name=invented.name, id_number=invented.id_number, phone=invented.phone, today=on
        )
        assert isinstance(person, Person), person
        assert age_on(person.birth_date, on) == invented.client.age
        is_male = int(invented.id_number[16]) % 2 == 1
        assert is_male == (invented.client.sex == 1)


def test_an_identity_number_belongs_to_nobody() -> None:
    # No prefecture has the code 99.
    assert {item.id_number[2:4] for item in invent(200, seed=1, on=LEAP_DAY)} == {"99"}


def test_numbers_do_not_repeat() -> None:
    persons = list(invent(5_000, seed=1, on=LEAP_DAY))
    assert len({item.id_number for item in persons}) == 5_000
    assert len({item.phone for item in persons}) == 5_000


def test_the_seed_alone_decides() -> None:
    def names(seed: int) -> list[tuple[str, str, str]]:
        persons = invent(50, seed=seed, on=LEAP_DAY)
        return [(item.name, item.id_number, item.phone) for item in persons]

    assert names(1) == names(1)
    assert names(1) != names(2)


def test_the_facts_are_ones_that_the_policy_reads() -> None:
    features = load_policy(BASE_POLICY).features
    for invented in invent(400, seed=5, on=LEAP_DAY):
        assert check_facts(features, invented.facts) is None


def test_sex_is_not_among_the_facts() -> None:
    [invented] = invent(1, seed=5, on=LEAP_DAY)
    assert not {"sex", "age", "age_years", "education", "marriage"} & invented.facts.keys()


def test_an_impossible_number_of_persons_is_refused() -> None:
    with pytest.raises(ValueError, match="at most"):
        list(invent(-1, seed=1, on=LEAP_DAY))
