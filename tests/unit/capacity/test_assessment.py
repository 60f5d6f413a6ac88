"""Income that can be counted on, what is left of it, and what an offer or bad times would leave."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.capacity.paper import as_csv, lines_of

from counterfoil.capacity.amounts import Range, carried_minor, instalment_minor, share_ppm
from counterfoil.capacity.assessment import (
    Assessment,
    Declared,
    Evidence,
    Offer,
    assess,
    measure_income,
    shipped_measuring,
)
from counterfoil.capacity.category import categorise
from counterfoil.capacity.living_cost import shipped_living_costs
from counterfoil.capacity.months import Month, months_of, stability_ppm, together
from counterfoil.capacity.statement_csv import CsvColumns, read_csv

FIRST, TODAY = date(2026, 1, 1), date(2026, 7, 5)
MEASURING = shipped_measuring()


def whole(*incomes: int, unclear: int = 0) -> list[Month]:
    return [
        Month(month=date(2026, number, 1), is_whole=True, income_minor=income, debt_minor=200_000,
              moved_minor=income + 200_000 + unclear, uncategorised_minor=unclear)
        for number, income in enumerate(incomes, 7 - len(incomes))
    ]  # fmt: skip


def measured(months: list[Month], **declared: int | str) -> object:
    return measure_income(Declared(**declared), months, MEASURING, as_of=TODAY)  # type: ignore[arg-type]


def capacity(income: object, *, debt: Range | None, offer: Offer | None = None) -> Assessment:
    return assess(
        income,  # type: ignore[arg-type]
        Declared(region="city"),
        debt=debt,
        offer=offer,
        rate_cap_annual_e8=24_000_000,
        costs=shipped_living_costs(),
        measuring=MEASURING,
        as_of=TODAY,
    )


def test_six_even_months_are_the_strongest_evidence() -> None:
    found = measured(whole(*[1_000_000] * 6), region="city")
    assert found.monthly == Range(1_000_000, 1_000_000)  # type: ignore[attr-defined]
    assert (found.evidence, found.stability_ppm) == (Evidence.A, 1_000_000)  # type: ignore[attr-defined]


def test_fewer_than_three_months_are_unknown_and_no_guess() -> None:
    found = measured(whole(1_000_000, 1_000_000), region="city")
    assert found.monthly is None  # type: ignore[attr-defined]
    assert found.stability_ppm is None  # type: ignore[attr-defined]
    assert found.marks == ("few_months",)  # type: ignore[attr-defined]
    view = capacity(found, debt=Range(0, 0))
    assert (view.disposable, view.dsr_ppm, view.stress_dsr_ppm) == (None, None, None)


def test_a_stated_income_is_the_weakest_evidence_and_is_held_against_the_proven_one() -> None:
    stated = measured([], income_monthly_minor=900_000, region="city")
    assert (stated.evidence, stated.source) == (Evidence.D, "stated")  # type: ignore[attr-defined]
    proven = measured(whole(*[500_000] * 3), income_monthly_minor=900_000, region="city")
    assert proven.monthly == Range(500_000, 500_000)  # type: ignore[attr-defined]
    assert "stated_above_proven" in proven.marks  # type: ignore[attr-defined]


def test_unclear_money_and_an_old_statement_lower_the_evidence_by_one_each() -> None:
    clear = measured(whole(*[1_000_000] * 3), region="city")
    unclear = measured(whole(*[1_000_000] * 3, unclear=1_000_000), region="city")
    assert (clear.evidence, unclear.evidence) == (Evidence.B, Evidence.C)  # type: ignore[attr-defined]
    late = measure_income(
        Declared(region="city"), whole(*[1_000_000] * 3), MEASURING, as_of=date(2026, 12, 1)
    )
    assert (late.evidence, late.marks) == (Evidence.C, ("statement_old",))


def test_stability_falls_with_the_distance_from_the_mean() -> None:
    assert stability_ppm([100, 100, 100]) == 1_000_000
    assert stability_ppm([50, 100, 150]) == 666_667
    assert stability_ppm([0, 0, 300]) == 0
    assert stability_ppm([0, 0, 0]) is None


def test_only_months_that_are_covered_whole_count() -> None:
    lines = lines_of(FIRST, 4)
    text = as_csv(lines[1:])
    statement = read_csv(text.encode(), CsvColumns(), "CNY")
    months = months_of(statement, categorise(statement))
    assert [item.is_whole for item in months] == [False, True, True, False]
    assert months[1].income_minor == 1_000_000
    assert months[1].moved_minor == 1_460_000
    doubled = together([*months, *months])
    assert doubled[1].income_minor == 2_000_000


def test_what_is_left_after_an_offer_and_under_stress() -> None:
    income = measured(whole(*[1_000_000] * 6), region="city")
    offer = Offer(amount_minor=1_200_000, rate_annual_e8=12_000_000, months=12)
    view = capacity(income, debt=Range(200_000, 200_000), offer=offer)
    assert view.offer_monthly_minor == 106_619
    assert view.dsr_ppm == Range(200_000, 200_000)
    assert view.dsr_after_ppm == Range(306_619, 306_619)
    assert view.disposable == Range(530_000, 620_000)
    # Income down by a fifth and the price at the cap of 24 % a year: 113,472 a month.
    assert view.stress_disposable_minor == 800_000 - 270_000 - 200_000 - 113_472
    assert view.stress_dsr_ppm == 391_840


def test_unknown_debts_are_not_none() -> None:
    view = capacity(measured(whole(*[1_000_000] * 3)), debt=None)
    assert (view.dsr_ppm, view.disposable) == (None, None)


@given(st.integers(1, 10**9), st.integers(0, 50_000_000), st.integers(1, 60))
def test_what_an_instalment_carries_is_never_more_than_it_repays(
    amount: int, rate: int, months: int
) -> None:
    instalment = instalment_minor(amount, rate, months)
    assert carried_minor(instalment, rate, months) >= amount
    assert carried_minor(instalment - 1, rate, months) < amount
    assert instalment * months >= amount


@pytest.mark.parametrize(("part", "whole_", "ppm"), [(1, 3, 333_334), (0, 5, 0), (5, 0, None)])
def test_shares_round_against_the_borrower(part: int, whole_: int, ppm: int | None) -> None:
    assert share_ppm(part, whole_) == ppm
