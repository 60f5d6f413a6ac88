"""The trained policy: what it is made of, and what it loses of clients whom it never saw."""

import importlib.util
from datetime import date
from importlib import resources
from pathlib import Path
from types import ModuleType

import pytest

from counterfoil.cli.policy_source import PRODUCT, question
from counterfoil.decisioning.document import load_policy
from counterfoil.models.artefact import read_artefact
from counterfoil.simulator import held_out, people
from counterfoil.simulator.card_clients import FIRST, LATER, ROWS_COUNT
from counterfoil.simulator.model_example import POLICY

SHIPPED = resources.files("counterfoil.decisioning").joinpath("policies")
ON = date(2026, 1, 5)
PROTECTED = {"sex", "age_years", "education", "marriage"}


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    path = Path(__file__).parents[3] / "tools" / "derive_cards_policy.py"
    specification = importlib.util.spec_from_file_location("derive_cards_policy", path)
    assert specification is not None
    assert specification.loader is not None
    found = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(found)
    return found


def test_nobody_is_learned_from_and_judged_by() -> None:
    assert [*FIRST, *LATER] == list(range(1, ROWS_COUNT + 1))


def test_the_policy_is_the_one_before_with_the_model_and_ends_from_the_first_clients(
    tool: ModuleType,
) -> None:
    artefact = read_artefact(SHIPPED.joinpath(f"{POLICY}.json").read_bytes())
    ends = tool.ends_as_before(load_policy(POLICY))
    text = SHIPPED.joinpath(f"{POLICY}.toml").read_text(encoding="utf-8")
    assert tool.policy_text(artefact, ends) == text


def test_the_model_reads_nothing_that_is_not_allowed() -> None:
    artefact = read_artefact(SHIPPED.joinpath(f"{POLICY}.json").read_bytes())
    assert not {item.feature for item in artefact.characteristics} & PROTECTED
    assert artefact.broken_directions() == ()
    assert artefact.training.rows == len(FIRST)


def test_the_better_policy_loses_less_on_the_same_credit() -> None:
    figures = held_out.judge(question(PRODUCT, "2026-01-05", "CNY"), applicants=2_000)
    before, after = figures["before"], figures["after"]
    assert (before["approved"], after["approved"]) == (8_379, 8_397)
    assert (before["approved_minor"], after["approved_minor"]) == (22_524_900_000, 21_927_700_000)
    assert (before["bad_rate_ppm"], after["bad_rate_ppm"]) == (131_519, 131_118)
    assert (before["loss_minor"], after["loss_minor"]) == (663_240_000, 595_710_000)
    assert figures["saved_at_same_credit_minor"] == 51_305_863
    assert "loses CNY 513,058 less." in held_out.conclusion(figures)
    assert "None of the applicants are" in held_out.conclusion(figures)
    assert ("approved", "8,379", "8,397") in held_out.rows(figures)


def test_it_is_told_which_applicants_the_model_learned_from() -> None:
    assert held_out.parts_of(2_000) == {"held_out": 2_000, "learned_from": 0}
    assert held_out.parts_of(10_001) == {"held_out": 10_000, "learned_from": 1}
    assert held_out.parts_of(41_000) == {"held_out": 20_000, "learned_from": 21_000}
    came = [person.client.number for person in people.invent(10_001, seed=7, on=ON)]
    assert sorted(came[:10_000]) == [*LATER]
    assert came[10_000] in FIRST


def test_a_worse_policy_is_told_as_worse_even_where_it_lends_less() -> None:
    before = {"loss_minor": 300, "approved_minor": 10_000}
    assert held_out.saved_minor(before, {"loss_minor": 200, "approved_minor": 5_000}) == -100
    assert held_out.saved_minor(before, {"loss_minor": 600, "approved_minor": 40_000}) == 150
