"""Prices are held to what a licence allows on a date: at publication, and at each decision."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from tests.unit.decisioning.policies import base_document, rule

from counterfoil.decisioning.document import load_policy, policy_of
from counterfoil.journeys.deciding.price_caps import price_faults, rate_daily_e8_most
from counterfoil.lending.catalogue import Catalogue, load_catalogue
from counterfoil.lending.price_caps import highest_rate_daily_e8
from counterfoil.lending.product_file import compounds_within
from counterfoil.rules.pack import Rule
from counterfoil.rules.shelf import load_packs

TODAY = date(2026, 1, 5)
#: 24 % a year.
CAP = 24_000_000
SHIPPED = load_catalogue()


def lowered(annual_e8: int) -> Catalogue:
    """Return the shipped products under a pack whose cap falls in March."""
    [pack] = load_packs().values()
    [cap] = [item for item in pack.rules if item.name == "cost_annual_most"]
    later = replace(cap, from_date=date(2026, 3, 1), value=annual_e8)
    return with_rules((*pack.rules, later))


def with_rules(rules: Sequence[Rule]) -> Catalogue:
    [pack] = load_packs().values()
    return Catalogue(SHIPPED.products(), {pack.pack_id: replace(pack, rules=tuple(rules))})


def test_the_highest_price_is_the_last_that_stays_within_the_cap() -> None:
    most = highest_rate_daily_e8(24_000_000)
    assert compounds_within(most, 24_000_000)
    assert not compounds_within(most + 1, 24_000_000)
    assert highest_rate_daily_e8(0) == 0


def test_the_shipped_grids_keep_to_every_licence() -> None:
    for name in ("base-2026-01", "base-2026-02", "raise-2026-01"):
        assert [*price_faults(load_policy(name), SHIPPED, TODAY)] == []


def test_a_grid_that_passes_the_cap_with_its_margins_is_refused_with_the_cell() -> None:
    document = base_document()
    document["rules"].append(rule("M01", "lenders_count > 2", "add_margin", margin_daily_e8=13_000))
    faults = [*price_faults(policy_of(document), lowered(20_000_000), date(2026, 3, 1))]
    assert faults
    assert faults[0].place.startswith("policy.grades[")
    assert "a consumer_finance, allows" in faults[0].reason
    assert "by rule R047 (B) of cn-2026-01@" in faults[0].reason
    assert not [*price_faults(load_policy("base-2026-01"), lowered(CAP), TODAY)]


def test_a_licence_without_a_cap_allows_no_price() -> None:
    bare = with_rules(())
    [terms, *_] = [item for item in bare.all() if item.currency == "CNY"]
    assert rate_daily_e8_most(bare, terms, TODAY) == 0
    assert "no cap is known" in next(price_faults(load_policy("base-2026-01"), bare, TODAY)).reason


def test_the_bound_of_a_decision_falls_with_the_cap_and_never_rises_above_the_product() -> None:
    catalogue = lowered(8_000_000)
    terms = catalogue.all()[0]
    assert rate_daily_e8_most(catalogue, terms, TODAY) == terms.rate_daily_e8_max
    later = rate_daily_e8_most(catalogue, terms, date(2026, 3, 1))
    assert later == highest_rate_daily_e8(8_000_000) < terms.rate_daily_e8_max
    cheap = replace(terms, rate_daily_e8_max=1)
    assert rate_daily_e8_most(catalogue, cheap, date(2026, 3, 1)) == 1


def test_a_licence_that_may_not_lend_to_students_needs_a_rule_of_law_that_declines_them() -> None:
    products = [
        replace(item, terms=replace(item.terms, licence="micro_loan"))
        for item in SHIPPED.products()
    ]
    [pack] = load_packs().values()
    rules = tuple(
        replace(item, licences=("micro_loan",)) if item.name == "cost_annual_most" else item
        for item in pack.rules
    )
    catalogue = Catalogue(products, {pack.pack_id: replace(pack, rules=rules)})
    document = base_document()
    faults = [*price_faults(policy_of(document), catalogue, TODAY)]
    assert {fault.place for fault in faults} == {"policy.rules"}
    assert "R067 (C)" in faults[0].reason
    declining = rule("X99", "is_student", "decline", **{"class": "law"}, on_unknown="decline")
    document["rules"].append(declining)
    assert not [*price_faults(policy_of(document), catalogue, TODAY)]
