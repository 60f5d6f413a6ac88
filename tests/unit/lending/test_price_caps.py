"""Prices are held to what a licence allows on a date: at publication, and at each decision."""

from dataclasses import replace
from datetime import date

from tests.unit.decisioning.policies import base_document, rule

from counterfoil.decisioning.document import load_policy, policy_of
from counterfoil.journeys.price_caps import price_faults, rate_daily_e8_most
from counterfoil.lending.catalogue import Catalogue, LicenceCap, load_catalogue
from counterfoil.lending.price_caps import highest_rate_daily_e8
from counterfoil.lending.product_file import compounds_within

TODAY = date(2026, 1, 5)
#: 24 % a year.
CAP = 24_000_000
SHIPPED = load_catalogue()


def lowered(annual_e8: int) -> Catalogue:
    """Return the shipped products under a cap that falls in March."""
    caps = [
        LicenceCap(
            licences=("consumer_finance",),
            from_date=date(2025, 10, 1) if cap == CAP else date(2026, 3, 1),
            annual_e8=cap,
            rule="R047",
            mark="B",
        )
        for cap in dict.fromkeys((CAP, annual_e8))
    ]
    products = [item for item in SHIPPED.products() if item.terms.licence == "consumer_finance"]
    return Catalogue(products, price_caps=caps)


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
    assert not [*price_faults(load_policy("base-2026-01"), lowered(CAP), TODAY)]


def test_a_licence_without_a_cap_allows_no_price() -> None:
    bare = Catalogue(SHIPPED.products())
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
