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
from counterfoil.journeys.affording.capacity import capacity_of, runs_of
from counterfoil.journeys.affording.portfolio import portfolio
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
    #: Share above each ceiling that was reached in any of the months.
    shares: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class BandRow:
    """What customers of one outcome owe and what of it is late."""

    status: Status
    customers: str
    owed: str
    late: str
    share: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LostRow:
    """What was lent to people in one band, and lost of it."""

    band: str
    loans: str
    lent: str
    owed: str
    lost: str
    share: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LostTable:
    """Losses by the bands of one measure."""

    #: Made into element ids.
    name: str
    title: str
    rows: Sequence[LostRow]
    #: Share lost of what was lent by month, newest first: the month, then one figure a row above.
    months: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposurePage:
    """The whole book."""

    facts: Sequence[tuple[str, str]]
    ceilings: Sequence[CeilingRow]
    trend: Sequence[TrendRow]
    #: Ceilings that were reached in any of the months, as the columns of the trend name them.
    trend_ceilings: Sequence[str]
    bands: Sequence[BandRow]
    lost: Sequence[LostTable]


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
        journey="journeys.affording.capacity.capacity_of",
        api_call=f"GET /v1/customers/{record}/capacity",
    )


async def show_book(visit: Visit) -> Response:
    """Show how the whole book stands against the ceilings."""
    async with visit.reading():
        found = await portfolio(visit.desk.house)
    t, f = visit.t, visit.formats
    currency = visit.desk.house.policies.origination.policy.currency
    reached = sorted({one["ceiling"] for item in found["trend"] for one in item["ceilings"]})
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
        trend=[_trend(visit, item, reached) for item in found["trend"]],
        trend_ceilings=[words.code_label(visit, "ceiling", code) for code in reached],
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
        lost=[_lost(visit, measured) for measured in found["bands"] if measured["bands"]],
    )
    return visit.page(
        "capacity/book.html",
        t("nav.exposure"),
        view,
        journey="journeys.affording.portfolio.portfolio",
        api_call="GET /v1/exposure/portfolio",
    )


def _trend(visit: Visit, item: Mapping[str, Any], reached: Sequence[str]) -> TrendRow:
    f, at = visit.formats, item["customers"]
    # Who reached the hard end reached the soft one as well: the larger count is of the ceiling.
    above = {
        code: max(
            [one["customers"] for one in item["ceilings"] if one["ceiling"] == code], default=0
        )
        for code in reached
    }
    return TrendRow(
        month=item["month"][:7],
        customers=f.count(at),
        above=f.count(item["above"]),
        refused=f.count(item["refused"]),
        shares=[f.percent(above[code], at) for code in reached],
    )


def _lost(visit: Visit, measured: Mapping[str, Any]) -> LostTable:
    f, bands = visit.formats, measured["bands"]
    months = sorted({one["month"] for band in bands for one in band["months"]}, reverse=True)
    shares = [{one["month"]: one for one in band["months"]} for band in bands]
    return LostTable(
        name=f"lost-{measured['measure']}",
        title=words.code_label(visit, "debt_measure", measured["measure"]),
        rows=[
            LostRow(
                band=_band_words(visit, band, measured["unit"]),
                loans=f.count(band["loans"]),
                lent=f.money(band["lent_minor"], band["currency"]),
                owed=f.money(band["owed_minor"], band["currency"]),
                lost=f.money(band["lost_minor"], band["currency"]),
                share=f.percent(band["lost_minor"], band["lent_minor"]),
            )
            for band in bands
        ],
        months=[
            [
                month[:7],
                *(
                    f.percent(of[month]["lost_minor"], of[month]["lent_minor"])
                    if month in of
                    else "—"
                    for of in shares
                ),
            ]
            for month in months
        ],
    )


def _band_words(visit: Visit, band: Mapping[str, Any], unit: str) -> str:
    """Return where a band begins and ends."""
    if not band["is_known"]:
        return visit.t("capacity.band_unknown")

    def shown(figure: int) -> str:
        if unit == "minor":
            return visit.formats.money(figure, band["currency"])
        if unit == "ppm":
            return visit.formats.percent(figure, _ONE_PPM, digits=0)
        return visit.formats.count(figure)

    first, below = band["at_least"], band["below"]
    if below is None:
        return visit.t("capacity.band_open", first=shown(first))
    if unit == "count":
        last = shown(below - 1)
        return last if below - 1 == first else f"{shown(first)}–{last}"
    return visit.t("capacity.band_below", first=shown(first), below=shown(below))


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
