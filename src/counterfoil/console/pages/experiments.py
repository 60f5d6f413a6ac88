"""Experiments: what is tried on whom and who approved it; arms with how sure their figures are.

Amounts     In the currency of the policies in force.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.visit import Visit
from counterfoil.console.words import code_label
from counterfoil.decisioning import experiment_store as store
from counterfoil.decisioning.experiment import REVIEWS
from counterfoil.journeys.deciding.experiment_report import losses_by_version, report_on, shape_of
from counterfoil.kernel.errors import Refused
from counterfoil.platform.web.parts import Status

SHOWN: Final = 60
_PPM: Final = 1_000_000
_TONES: Final = {"proposed": "warn", "started": "live", "stopped": "", "ended": "good"}
_SHORT_HASH: Final = 12

Cells = Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentRow:
    """One experiment of the list."""

    code: str
    href: str
    kind: str
    question: str
    days: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class ListView:
    """Experiments, and what became of versions."""

    rows: Sequence[ExperimentRow]
    #: Version, month, accounts, expected, late, ratio, lost; and whether it is to be looked at.
    losses: Sequence[tuple[Cells, bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailView:
    """One experiment and what came of it."""

    code: str
    status: Status
    facts: Sequence[tuple[str, str]]
    #: When, what, by whom, and what of it.
    events: Sequence[Cells]
    arms: Sequence[Cells]
    differences: Sequence[Cells]
    swaps: Sequence[Cells]
    #: Arm, feature, group, cases, approved, interval.
    groups: Sequence[Cells]
    #: Production, shadow, cases, limits of both.
    disagreement: Sequence[Cells]
    #: Rule, true, unknown.
    rules: Sequence[Cells]
    #: "" where a winner may be read from it, or where nothing is over yet.
    warning: str


async def show_list(visit: Visit) -> Response:
    """Show experiments, newest first, and losses by version and month."""
    async with visit.reading() as _:
        pass
    house = visit.desk.house
    async with house.database.connection() as connection:
        found = await store.read_experiments(connection, page=SHOWN)
    losses = await losses_by_version(house)
    view = ListView(
        rows=[_row(visit, shape_of(kept)) for kept in found],
        losses=[(loss_cells(visit, one), one["needs_review"]) for one in losses],
    )
    return visit.page(
        "experiments/list.html",
        visit.t("nav.experiments"),
        view,
        journey="journeys.deciding.experiment_report.losses_by_version",
        api_call="GET /v1/experiments",
    )


async def show(visit: Visit) -> Response:
    """Show one experiment with its figures."""
    async with visit.reading() as _:
        pass
    code = visit.request.path_params["code"]
    report = await report_on(visit.desk.house, code)
    if isinstance(report, Refused):
        return await errors.not_found(visit)
    is_shadow = report["kind"] == "shadow"
    view = DetailView(
        code=code,
        status=visit.status("experiment_state", report["state"], _TONES),
        facts=_facts(visit, report),
        events=[_event(visit, event) for event in report["events"]],
        arms=[] if is_shadow else [_arm(visit, *item) for item in report["by_arm"].items()],
        differences=[] if is_shadow else _differences(visit, report),
        swaps=[] if is_shadow else _swaps(visit, report),
        groups=[] if is_shadow else _groups(visit, report),
        disagreement=_disagreement(visit, report) if is_shadow else [],
        rules=_rules(visit, report) if is_shadow else [],
        warning=visit.t("experiment.no_winner") if report.get("may_name_a_winner") is False else "",
    )
    return visit.page(
        "experiments/experiment.html",
        visit.t("experiment.title", code=code),
        view,
        journey="journeys.deciding.experiment_report.report_on",
        api_call=f"GET /v1/experiments/{code}/report",
    )


def _row(visit: Visit, shape: Mapping[str, Any]) -> ExperimentRow:
    return ExperimentRow(
        code=shape["code"],
        href=f"/console/experiments/{shape['code']}",
        kind=visit.catalogue.label("experiment_kind", shape["kind"]),
        question=shape["question"],
        days=visit.t("experiment.days_of", first=shape["first_date"], last=shape["last_date"]),
        status=visit.status("experiment_state", shape["state"], _TONES),
    )


def _facts(visit: Visit, report: Mapping[str, Any]) -> list[tuple[str, str]]:
    t, f = visit.t, visit.formats
    facts = [
        (t("experiment.question"), report["question"]),
        (t("experiment.kind"), visit.catalogue.label("experiment_kind", report["kind"])),
        (t("experiment.days"), t("experiment.days_of", first=report["first_date"],
                                 last=report["last_date"])),
        (t("experiment.layer"), t("experiment.layer_of", layer=report["layer"],
                                  first=f.percent(report["layer_from_ppm"], _PPM),
                                  share=f.percent(report["layer_share_ppm"], _PPM))),
        (t("experiment.cases"), f.count(report["cases"])),
        (t("experiment.definition"), report["definition_sha256"][:_SHORT_HASH]),
    ]  # fmt: skip
    for arm in report["arms"]:
        share = f.percent(arm["share_ppm"], _PPM)
        facts.append((arm["name"], f"{share} · {arm['policy_hash'][:_SHORT_HASH]}"))
    budget, spent = report["budget"], report.get("spent")
    if budget is not None and spent is not None:
        money = visit.desk.house.policies.origination.policy.currency
        told = t(
            "experiment.budget_of",
            accounts=f.count(spent["accounts"]),
            accounts_max=f.count(budget["accounts_max"]),
            loss=f.money(spent["loss_minor"], money),
            loss_max=f.money(budget["loss_minor_max"], money),
        )
        facts.append((t("experiment.budget"), told))
    return facts


def _event(visit: Visit, event: Mapping[str, Any]) -> Cells:
    detail = ", ".join(f"{name} {value}" for name, value in event["detail"].items())
    label = visit.catalogue.label("experiment_state", event["kind"])
    return event["on"], label, event["by"], detail


def _arm(visit: Visit, name: str, arm: Mapping[str, Any]) -> Cells:
    f, money = visit.formats, visit.desk.house.policies.origination.policy.currency
    return (
        name,
        f.count(arm["cases"]),
        _share(visit, arm["approved_ppm"], arm["approved_interval_ppm"]),
        f.count(arm["opened"]),
        f.count(arm["late_30_accounts"]),
        f.count(arm["late_90_accounts"]),
        f.amount(arm["lost_minor"], money),
        f.amount(arm["revenue_minor"], money),
        f.amount(arm["profit_minor"], money),
        f.count(arm["contested"]),
    )


def _differences(visit: Visit, report: Mapping[str, Any]) -> list[Cells]:
    f = visit.formats
    rows: list[Cells] = []
    for arm, differences in report["differences"].items():
        for one in differences:
            is_money = one["metric"] == "profit_minor"
            unit = "minor_e3" if is_money else "ppm"
            ends = one[f"interval_per_case_{unit}"]
            rows.append(
                (
                    arm,
                    visit.catalogue.label("experiment_metric", one["metric"]),
                    f.count(one[f"difference_per_case_{unit}"]),
                    "—" if ends is None else f"{f.count(ends[0])} … {f.count(ends[1])}",
                    f.count(one["z_e3"]),
                    visit.t("experiment.minor_e3") if is_money else visit.t("experiment.ppm"),
                )
            )
    return rows


def _swaps(visit: Visit, report: Mapping[str, Any]) -> list[Cells]:
    f, money = visit.formats, visit.desk.house.policies.origination.policy.currency
    return [
        (
            arm,
            visit.catalogue.label("experiment_swap", kind),
            f.count(counts["cases"]),
            f.amount(counts["limit_minor_change"], money),
        )
        for arm, kinds in report["swap_set"]["against_champion"].items()
        for kind, counts in kinds.items()
    ]


def _groups(visit: Visit, report: Mapping[str, Any]) -> list[Cells]:
    f = visit.formats
    return [
        (
            name,
            feature,
            visit.t("experiment.unknown_group") if one["group"] is None else one["group"],
            f.count(one["cases"]),
            _share(visit, one["approved_ppm"], one["approved_interval_ppm"]),
        )
        for name, arm in report["by_arm"].items()
        for feature, found in arm["fairness"].items()
        for one in found["groups"]
    ]


def _disagreement(visit: Visit, report: Mapping[str, Any]) -> list[Cells]:
    f, money = visit.formats, visit.desk.house.policies.origination.policy.currency
    family = "review_outcome" if report["purpose"] == REVIEWS else "application_status"
    return [
        (
            code_label(visit, family, pair["production_outcome"]),
            code_label(visit, family, pair["shadow_outcome"]),
            f.count(pair["cases"]),
            f.amount(pair["production_limit_minor"], money),
            f.amount(pair["shadow_limit_minor"], money),
        )
        for pair in report["disagreement"]
    ]


def _rules(visit: Visit, report: Mapping[str, Any]) -> list[Cells]:
    f = visit.formats
    return [
        (code, f.count(counts["true"]), f.count(counts["unknown"]))
        for code, counts in report["rules"].items()
    ]


def loss_cells(visit: Visit, one: Mapping[str, Any]) -> Cells:
    """Return what was expected and what came of a version's lines of one month, as cells."""
    f, money = visit.formats, visit.desk.house.policies.origination.policy.currency
    expected, ratio = one["expected_bad_ppm_sum"], one["realised_over_expected_ppm"]
    return (
        one["policy_version"],
        one["month"],
        f.count(one["accounts"]),
        "—" if expected is None else f"{expected // _PPM:,}.{expected % _PPM * 10 // _PPM}",
        f.count(one["late_90"]),
        "—" if ratio is None else f.percent(ratio, _PPM, digits=0),
        f.amount(one["lost_minor"], money),
    )


def _share(visit: Visit, share_ppm: int | None, ends: Sequence[int] | None) -> str:
    if share_ppm is None or ends is None:
        return "—"
    f = visit.formats
    low, high = (f.percent(end, _PPM, digits=1) for end in ends)
    return f"{f.percent(share_ppm, _PPM, digits=1)} ({low} … {high})"


PAGES: Final = (
    Page(path="/experiments", show=show_list),
    Page(path="/experiments/{code}", show=show),
)
