"""One product file: its keys, what each may say, and the terms it comes to.

Invariant   A file is read whole or not at all; every fault is named with its key and its reason,
            all of them at once. A key that nobody reads is a fault.
Units       Amounts are texts in major units of the product's currency, rates texts in percent;
            both become integers without rounding, and a finer fraction is a fault.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

from counterfoil.kernel.money import EXPONENTS
from counterfoil.kernel.rates import DAYS_IN_QUOTED_YEAR, ONE_E8
from counterfoil.lending.conventions.presets import PRESETS
from counterfoil.lending.product_values import (
    CODE,
    WORD,
    FaultError,
    Parse,
    matching,
    one_of,
    read_allocation,
    read_amount,
    read_day,
    read_fees,
    read_flag,
    read_rate,
    read_tenors,
    read_text,
    some,
    whole,
)
from counterfoil.lending.terms import Method, Part, Prepayment, Sweep, Terms


class State(StrEnum):
    """How far a product version has come."""

    DRAFT = "draft"
    REVIEWED = "reviewed"
    EFFECTIVE = "effective"
    RETIRED = "retired"


#: States in which loans were or are made, so that the version cannot change any more.
BINDING_STATES = (State.EFFECTIVE, State.RETIRED)

LICENCES = ("bank", "consumer_finance", "auto_finance", "trust", "micro_loan", "micro_loan_net")
#: Uses of the money that R050 (B) bans, and the licences that it binds; a product may ban more.
PURPOSES_BANNED_BY_LAW = frozenset(
    {
        *("home_purchase", "mortgage_repayment", "shares", "bonds", "futures", "derivatives"),
        *("asset_management", "fixed_assets", "equity_investment"),
    }
)
LICENCES_BOUND = frozenset({"bank", "consumer_finance", "auto_finance"})
GUARANTEES = ("none",)
PROGRAMMES = ("own",)
#: By days past due, in buckets of thirty (`delinquency.py`).
CLASSIFIERS = ("days_past_due",)
RECORDS = ("credit_line", "loan", "repayment_status")
MARKS = ("A", "B", "C")
#: The convention by which `loan.py` accrues; the others answer questions, they book nothing.
BOOKED_CONVENTION = "EXACT_DAILY"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong with a product file, and where."""

    file: str
    key: str
    reason: str

    def __str__(self) -> str:
        """Return one line for the person who wrote the file."""
        return f"{self.file}: {self.key}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product version: the terms loans are made under, and how they came to hold."""

    terms: Terms
    state: State
    author: str
    #: None while it is a draft that nobody has approved.
    approver: str | None
    effective_from: date
    #: From this day on nothing new is opened under the version; None while it is not retired.
    retired_on: date | None
    #: Where the ceiling of the cost comes from, and how certain that source is.
    cost_rule: str
    cost_mark: str
    #: What is told to the bureau.
    records: tuple[str, ...]
    file: str

    @property
    def is_binding(self) -> bool:
        """Return whether loans were or are made under the version."""
        return self.state in BINDING_STATES

    def holds_on(self, on: date) -> bool:
        """Return whether something new may be opened under the version on that date."""
        if not self.is_binding or on < self.effective_from:
            return False
        return self.retired_on is None or on < self.retired_on


def read_product(file: str, document: Mapping[str, Any]) -> Product | list[Problem]:
    """Return the product of a parsed file, or everything that is wrong with it."""
    flat = flatten(document)
    currency = flat.get("meta.currency")
    known_currency = currency if isinstance(currency, str) and currency in EXPONENTS else "CNY"
    values: dict[str, Any] = {}
    problems = [Problem(file, key, _unknown(key)) for key in flat if key not in KEYS]
    for key in KEYS:
        try:
            values[key] = read_value(flat, key, known_currency)
        except FaultError as fault:
            problems.append(Problem(file, key, str(fault)))
    problems += [Problem(file, key, reason) for key, reason in _contradictions(values)]
    return sorted(problems) if problems else _product(file, values)


def flatten(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a parsed file by `table.key`."""
    flat: dict[str, Any] = {}
    for name, content in document.items():
        if isinstance(content, dict):
            flat.update({f"{name}.{key}": value for key, value in content.items()})
        else:
            flat[name] = content
    return flat


def _unknown(key: str) -> str:
    near = get_close_matches(key, KEYS, n=1)
    return f"is not a key; did you mean {near[0]}?" if near else "is not a key of a product"


def read_value(flat: Mapping[str, Any], key: str, currency: str) -> Any:
    """Return what a key says, None where it may be absent and is; a FaultError tells why not."""
    if key in flat:
        return KEYS[key](flat[key], currency)
    if key in _OPTIONAL:
        return None
    raise FaultError("is missing")


#: Ten years; a line that is valid for longer is no revolving one.
_VALID_MONTHS_MAX = 120
#: What waits for longer than a quarter of a year is no application any more.
_APPLICATION_DAYS_MAX = 92

#: Every key of a product file with what reads it.
KEYS: dict[str, Parse] = {
    "meta.code": matching(CODE, "cash-line-open"),
    "meta.version": whole(1, 9_999),
    "meta.name_en": read_text,
    "meta.name_zh": read_text,
    "meta.state": one_of(State),
    "meta.author": read_text,
    "meta.approver": read_text,
    "meta.effective_from": read_day,
    "meta.retired_on": read_day,
    "meta.currency": one_of(EXPONENTS),
    "meta.invited_only": read_flag,
    "meta.scenes": some(matching(WORD, "travel")),
    "lender.id": matching(CODE, "lender-one"),
    "lender.name_en": read_text,
    "lender.name_zh": read_text,
    "lender.licence": one_of(LICENCES),
    "line.limit_least": read_amount,
    "line.limit_most": read_amount,
    "line.limit_step": read_amount,
    "line.valid_months": whole(1, _VALID_MONTHS_MAX),
    "line.application_days": whole(1, _APPLICATION_DAYS_MAX),
    "line.cap_raise_wait_days": whole(0, 30),
    "line.repayment_day_changes_per_year": whole(0, 12),
    "drawdown.least": read_amount,
    "drawdown.most": read_amount,
    "drawdown.step": read_amount,
    "drawdown.tenors_months": read_tenors,
    "drawdown.methods": some(one_of(Method)),
    "drawdown.purposes_banned": some(matching(WORD, "lending_on"), least=0),
    "interest.payee": one_of(("lender",)),
    "interest.daily_least": read_rate,
    "interest.daily_most": read_rate,
    "interest.convention": one_of(PRESETS),
    "penalty.payee": one_of(("lender",)),
    "penalty.percent_of_rate": whole(0, 100),
    "penalty.grace_days": whole(0, 30),
    "penalty.with_interest_annual_most": read_rate,
    "repayment.first_period_days_min": whole(1, 31),
    "repayment.allocation": read_allocation,
    "repayment.sweep": one_of(Sweep),
    "repayment.prepayments": some(one_of(Prepayment)),
    "repayment.early_settlement_interest": one_of(("to_the_day",)),
    "cost.annual_most": read_rate,
    "cost.rule": read_text,
    "cost.mark": one_of(MARKS),
    "cost.fees": read_fees,
    "cost.reading_seconds_least": whole(0, 600),
    "classification.scheme": one_of(CLASSIFIERS),
    "funding.guarantee": one_of(GUARANTEES),
    "funding.programme": one_of(PROGRAMMES),
    "reporting.to_bureau": read_flag,
    "reporting.records": some(one_of(RECORDS), least=0),
    "rules.pack": matching(CODE, "cn-2026-01"),
}

_OPTIONAL = frozenset(
    {
        *("meta.approver", "meta.retired_on"),
        *("cost.reading_seconds_least", "line.application_days", "classification.scheme"),
    }
)


# --------------------------------------------------------------- what keys may say of each other


def _contradictions(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Return key and reason of each rule broken by values that were read."""
    for keys, is_kept, key, reason in _RULES:
        if all(name in values for name in keys) and not is_kept(*(values[name] for name in keys)):
            yield key, reason


def compounds_within(rate_daily_e8: int, annual_e8_cap: int) -> bool:
    """Return whether a daily rate stays within a yearly cap however its loans are repaid.

    Interest is simple within a period and a period is a day at the shortest, so no order of
    repayments costs more than the rate compounded daily. Exact: integers only.
    """
    grown, lent = 1, 1
    for _ in range(DAYS_IN_QUOTED_YEAR):
        grown *= ONE_E8 + rate_daily_e8
        lent *= ONE_E8
    return grown * ONE_E8 <= (ONE_E8 + annual_e8_cap) * lent


def _bans_by_law(banned: tuple[str, ...], licence: str) -> bool:
    return licence not in LICENCES_BOUND or PURPOSES_BANNED_BY_LAW.issubset(banned)


def _divides(step: int, least: int, most: int) -> bool:
    return least % step == 0 and most % step == 0


def _same_person(name: str) -> str:
    return name.strip().casefold()


def _penalty_at_an_end(allocation: tuple[Part, ...], sweep: Sweep) -> bool:
    """Return whether penalty, one pool for the loan, comes before or after the instalments."""
    return sweep is Sweep.BY_PART or Part.PENALTY in (allocation[0], allocation[-1])


_RULES: tuple[tuple[tuple[str, ...], Callable[..., bool], str, str], ...] = (
    (
        ("line.limit_least", "line.limit_most"),
        lambda least, most: least < most,
        "line.limit_least",
        "has to be less than line.limit_most",
    ),
    (
        ("line.limit_step", "line.limit_least", "line.limit_most"),
        _divides,
        "line.limit_step",
        "has to divide line.limit_least and line.limit_most",
    ),
    (
        ("drawdown.least", "drawdown.most"),
        lambda least, most: least < most,
        "drawdown.least",
        "has to be less than drawdown.most",
    ),
    (
        ("drawdown.step", "drawdown.least", "drawdown.most"),
        _divides,
        "drawdown.step",
        "has to divide drawdown.least and drawdown.most",
    ),
    (
        ("drawdown.most", "line.limit_most"),
        lambda most, limit: most <= limit,
        "drawdown.most",
        "is more than line.limit_most, so nobody could draw it",
    ),
    (
        ("drawdown.least", "line.limit_least"),
        lambda least, limit: least <= limit,
        "drawdown.least",
        "is more than line.limit_least, so the smallest line could not be drawn on",
    ),
    (
        ("interest.daily_least", "interest.daily_most"),
        lambda least, most: least <= most,
        "interest.daily_least",
        "has to be at most interest.daily_most",
    ),
    (
        ("interest.daily_most", "cost.annual_most"),
        compounds_within,
        "interest.daily_most",
        "compounded daily costs more a year than cost.annual_most",
    ),
    (
        ("penalty.with_interest_annual_most", "cost.annual_most"),
        lambda late, cost: late <= cost,
        "penalty.with_interest_annual_most",
        "is more than cost.annual_most",
    ),
    (
        ("interest.convention",),
        lambda convention: convention == BOOKED_CONVENTION,
        "interest.convention",
        f"is known, but loans are booked under {BOOKED_CONVENTION} only",
    ),
    (
        ("repayment.allocation", "repayment.sweep"),
        _penalty_at_an_end,
        "repayment.allocation",
        "names penalty between interest and principal, which a sweep by_instalment cannot do",
    ),
    (
        ("drawdown.purposes_banned", "lender.licence"),
        _bans_by_law,
        "drawdown.purposes_banned",
        f"lacks a purpose that R050 bans: {', '.join(sorted(PURPOSES_BANNED_BY_LAW))}",
    ),
    (
        ("meta.author", "meta.approver"),
        lambda author, approver: _same_person(author) != _same_person(approver or ""),
        "meta.approver",
        "is the author; two people sign a product",
    ),
    (
        ("meta.state", "meta.approver"),
        lambda state, approver: state is State.DRAFT or approver is not None,
        "meta.approver",
        "is missing; only a draft has none",
    ),
    (
        ("meta.state", "meta.retired_on"),
        lambda state, retired_on: (state is State.RETIRED) == (retired_on is not None),
        "meta.retired_on",
        "stands where the state is retired, and nowhere else",
    ),
    (
        ("meta.effective_from", "meta.retired_on"),
        lambda start, end: end is None or start < end,
        "meta.retired_on",
        "has to come after meta.effective_from",
    ),
    (
        ("cost.fees", "repayment.allocation"),
        lambda fees, allocation: not fees or Part.FEE in allocation,
        "repayment.allocation",
        "has to name fee, because cost.fees has one",
    ),
    (
        ("reporting.to_bureau", "reporting.records"),
        lambda reported, records: reported == bool(records),
        "reporting.records",
        "names what is reported where reporting.to_bureau is true, and nothing elsewhere",
    ),
)


# -------------------------------------------------------------------------------- the outcome


def _product(file: str, values: Mapping[str, Any]) -> Product:
    return Product(
        terms=_terms(values),
        state=values["meta.state"],
        author=values["meta.author"],
        approver=values["meta.approver"],
        effective_from=values["meta.effective_from"],
        retired_on=values["meta.retired_on"],
        cost_rule=values["cost.rule"],
        cost_mark=values["cost.mark"],
        records=values["reporting.records"],
        file=file,
    )


def _terms(values: Mapping[str, Any]) -> Terms:
    terms = Terms(**{field: values[key] for field, key in _TERMS.items()})
    stated = {field: values[key] for field, key in _USUAL_ELSE.items() if values[key] is not None}
    return replace(terms, **stated)


#: What has a usual value where a file says nothing.
_USUAL_ELSE = {
    "reading_seconds_min": "cost.reading_seconds_least",
    "application_days": "line.application_days",
    "classifier": "classification.scheme",
}


_TERMS = {
    "code": "meta.code",
    "version": "meta.version",
    "name_en": "meta.name_en",
    "name_zh": "meta.name_zh",
    "currency": "meta.currency",
    "invited_only": "meta.invited_only",
    "scenes": "meta.scenes",
    "lender_id": "lender.id",
    "lender_name_en": "lender.name_en",
    "lender_name_zh": "lender.name_zh",
    "licence": "lender.licence",
    "limit_minor_min": "line.limit_least",
    "limit_minor_max": "line.limit_most",
    "limit_minor_step": "line.limit_step",
    "line_valid_months": "line.valid_months",
    "cap_raise_wait_days": "line.cap_raise_wait_days",
    "repayment_day_changes_per_year": "line.repayment_day_changes_per_year",
    "draw_minor_min": "drawdown.least",
    "draw_minor_max": "drawdown.most",
    "draw_minor_step": "drawdown.step",
    "tenors_months": "drawdown.tenors_months",
    "methods": "drawdown.methods",
    "purposes_banned": "drawdown.purposes_banned",
    "rate_daily_e8_min": "interest.daily_least",
    "rate_daily_e8_max": "interest.daily_most",
    "convention": "interest.convention",
    "penalty_percent_of_rate": "penalty.percent_of_rate",
    "grace_days": "penalty.grace_days",
    "late_annual_e8_cap": "penalty.with_interest_annual_most",
    "first_period_days_min": "repayment.first_period_days_min",
    "allocation": "repayment.allocation",
    "sweep": "repayment.sweep",
    "prepayments": "repayment.prepayments",
    "cost_annual_e8_cap": "cost.annual_most",
    "fees": "cost.fees",
    "guarantee": "funding.guarantee",
    "funding_programme": "funding.programme",
    "reported_to_bureau": "reporting.to_bureau",
    "rule_pack": "rules.pack",
}
