"""What a customer can carry and owes everywhere, and how the whole book stands against ceilings.

Unknown     Shown as a dash with what is certain beside it; never as zero.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from counterfoil.console import words
from counterfoil.console.access import Permission
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.visit import Visit
from counterfoil.journeys.capacity import capacity_of, portfolio, runs_of
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.web.parts import Status

_ONE_PPM: Final = 1_000_000
_TONES: Final = {"clear": "good", "capped": "warn", "refer": "warn", "refuse": "bad"}
_SHARES: Final = frozenset({"dsr", "utilisation", "debt_to_yearly_income"})
_AMOUNTS: Final = frozenset(
    {"own_exposure", "open_limits", "guarantees", "total_debt", "total_exposure", "debt_monthly"}
    | {"household_exposure"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureRow:
    """One measure of a person's debt."""

    name: str
    value: str
    at_least: str
    as_of: str
    sources: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run of the guard."""

    record: str
    status: Status
    occasion: str
    as_of: str
    reasons: str
    cap: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementRow:
    """One account statement."""

    record: str
    form: str
    first: str
    last: str
    lines: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityPage:
    """One customer."""

    customer: str
    customer_href: str
    facts: Sequence[tuple[str, str]]
    measures: Sequence[MeasureRow]
    runs: Sequence[RunRow]
    statements: Sequence[StatementRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class CeilingRow:
    """How many customers are above a ceiling."""

    name: str
    end: str
    customers: str
    share: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendRow:
    """One month of the guard."""

    month: str
    customers: str
    above: str
    refused: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BandRow:
    """What customers of one outcome owe and what of it is late."""

    status: Status
    customers: str
    owed: str
    late: str
    share: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposurePage:
    """The whole book."""

    facts: Sequence[tuple[str, str]]
    ceilings: Sequence[CeilingRow]
    trend: Sequence[TrendRow]
    bands: Sequence[BandRow]


async def show_customer(visit: Visit) -> Response:
    """Show capacity, measures, runs and statements of one customer."""
    customer_id = _customer(visit)
    if customer_id is None:
        return await errors.not_found(visit)
    house = visit.desk.house
    async with visit.reading():
        found = await capacity_of(house, customer_id)
        runs = await runs_of(house, customer_id)
    if isinstance(found, Refused) or isinstance(runs, Refused):
        return await errors.not_found(visit)
    record, currency = found["customer_id"], found["currency"]
    view = CapacityPage(
        customer=record,
        customer_href=words.customer_href(customer_id),
        facts=_facts(visit, found, currency),
        measures=[
            _measure(visit, name, item, currency) for name, item in found["measures"].items()
        ],
        runs=[_run(visit, run, currency) for run in runs],
        statements=[_statement(visit, item) for item in found["statements"]],
    )
    return visit.page(
        "capacity/customer.html",
        visit.t("capacity.of_customer", record=record),
        view,
        journey="journeys.capacity.capacity_of",
        api_call=f"GET /v1/customers/{record}/capacity",
    )


async def show_book(visit: Visit) -> Response:
    """Show how the whole book stands against the ceilings."""
    async with visit.reading():
        found = await portfolio(visit.desk.house)
    t, f = visit.t, visit.formats
    currency = visit.desk.house.policies.origination.policy.currency
    view = ExposurePage(
        facts=[
            (t("capacity.looked_at"), f.count(found["customers"])),
            *(
                (words.code_label(visit, "guard_outcome", outcome), f.count(count))
                for outcome, count in found["outcomes"].items()
            ),
        ],
        ceilings=[
            CeilingRow(
                name=words.code_label(visit, "ceiling", item["ceiling"]),
                end=words.code_label(visit, "ceiling_end", item["end"]),
                customers=f.count(item["customers"]),
                share=f.percent(item["share_ppm"], _ONE_PPM),
            )
            for item in found["above"]
        ],
        trend=[
            TrendRow(
                month=item["month"][:7],
                customers=f.count(item["customers"]),
                above=f.count(item["above"]),
                refused=f.count(item["refused"]),
            )
            for item in found["trend"]
        ],
        bands=[
            BandRow(
                status=_outcome(visit, item["outcome"]),
                customers=f.count(item["customers"]),
                owed=f.money(item["owed_minor"], currency),
                late=f.money(item["late_minor"], currency),
                share=f.percent(item["late_ppm"], _ONE_PPM),
            )
            for item in found["losses"]
        ],
    )
    return visit.page(
        "capacity/book.html",
        t("nav.exposure"),
        view,
        journey="journeys.capacity.portfolio",
    )


def _facts(visit: Visit, found: Mapping[str, Any], currency: str) -> list[tuple[str, str]]:
    t, f = visit.t, visit.formats
    stability = found["income_stability_ppm"]
    stress = found["stress_dsr_ppm"]

    def money(key: str) -> str:
        return _ends(visit, found[key], currency, is_share=False)

    return [
        (t("capacity.income_monthly_minor"), money("income_monthly_minor")),
        (t("capacity.living_minor"), money("living_minor")),
        (t("capacity.debt_monthly_minor"), money("debt_monthly_minor")),
        (t("capacity.disposable_minor"), money("disposable_minor")),
        (t("capacity.dsr_ppm"), _ends(visit, found["dsr_ppm"], currency, is_share=True)),
        (t("capacity.income_evidence"), found["income_evidence"] or "—"),
        (
            t("capacity.income_stability_ppm"),
            "—" if stability is None else f.percent(stability, _ONE_PPM),
        ),
        (
            t("capacity.stress_disposable_minor"),
            f.money(found["stress_disposable_minor"], currency),
        ),
        (t("capacity.stress_dsr_ppm"), "—" if stress is None else f.percent(stress, _ONE_PPM)),
        (t("capacity.basis"), t("capacity.person")),
    ]


def _ends(visit: Visit, ends: list[int] | None, currency: str, *, is_share: bool) -> str:
    if ends is None:
        return "—"
    texts = [
        visit.formats.percent(end, _ONE_PPM) if is_share else visit.formats.money(end, currency)
        for end in ends
    ]
    return texts[0] if texts[0] == texts[1] else f"{texts[0]} – {texts[1]}"


def _measure(visit: Visit, name: str, item: Mapping[str, Any], currency: str) -> MeasureRow:
    def shown(value: int | None) -> str:
        if value is None:
            return "—"
        if name in _SHARES:
            return visit.formats.percent(value, _ONE_PPM)
        if name in _AMOUNTS:
            return visit.formats.money(value, currency)
        return visit.formats.count(value)

    return MeasureRow(
        name=words.code_label(visit, "debt_measure", name),
        value=shown(item["value"]),
        at_least=shown(item["at_least"]),
        as_of=item["as_of"] or "—",
        sources=", ".join(words.code_label(visit, "debt_source", one) for one in item["sources"]),
    )


def _run(visit: Visit, run: Mapping[str, Any], currency: str) -> RunRow:
    language = "zh" if visit.catalogue.language == "zh-CN" else "en"
    return RunRow(
        record=run["id"],
        status=_outcome(visit, run["outcome"]),
        occasion=words.code_label(visit, "guard_occasion", run["occasion"]),
        as_of=run["as_of"],
        reasons="; ".join(item[language] for item in run["reasons"]),
        cap=visit.formats.money(run["cap_minor"], currency),
    )


def _statement(visit: Visit, item: Mapping[str, Any]) -> StatementRow:
    return StatementRow(
        record=item["id"],
        form=item["form"],
        first=item["first_date"],
        last=item["last_date"],
        lines=visit.formats.count(item["lines_count"]),
    )


def _outcome(visit: Visit, outcome: str) -> Status:
    return visit.status("guard_outcome", outcome, _TONES)


def _customer(visit: Visit) -> int | None:
    try:
        return ids.from_text(ids.CUSTOMER, visit.request.path_params["customer"])
    except ids.InvalidIdError:
        return None


PAGES: Final = (
    Page(
        path="/customers/{customer}/capacity",
        show=show_customer,
        permission=Permission.READ_EVIDENCE,
    ),
    Page(path="/exposure", show=show_book),
)
