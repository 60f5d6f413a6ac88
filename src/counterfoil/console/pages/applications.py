"""Applications: the list, and one with its decision's story."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from counterfoil.console import words
from counterfoil.console.decision_story import Told, score_words, tell
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.reading import READING
from counterfoil.console.record_list import (
    Filter,
    product_filter,
    read_list,
    show_records,
    status_filter,
)
from counterfoil.console.told import CustomerView, customer_view
from counterfoil.console.visit import Visit
from counterfoil.decisioning.review import About
from counterfoil.journeys.deciding.explain_decision import explain_decision
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.queries import Row
from counterfoil.platform.web.parts import Status

STATUSES: Final = (
    "received",
    "gathering",
    "referred",
    "approved",
    "declined",
    "accepted",
    "expired",
    "withdrawn",
)
GRADES: Final = ("A", "B", "C", "D", "E")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationRow:
    """One application of a list."""

    href: str
    record: str
    customer: str
    customer_href: str
    product: str
    requested: str
    received_at: str
    grade: str
    points: str
    limit: str
    rate: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationView:
    """One application."""

    record: str
    status: Status
    facts: Sequence[tuple[str, str, str]]
    #: What the customer is told; None while nothing is decided.
    told: CustomerView | None
    decisions: Sequence[Told]


async def show_list(visit: Visit) -> Response:
    """Show the applications that the address asks for."""
    grades = Filter(
        name="grade",
        label=visit.t("application.grade"),
        choices=[(grade, grade) for grade in GRADES],
    )
    found = await read_list(
        visit,
        "applications",
        application_row,
        number="application_id",
        sorts=("number", "requested", "limit", "points"),
        filters=[
            status_filter(visit, "application_status", STATUSES),
            product_filter(visit),
            grades,
        ],
    )
    return show_records(visit, found, visit.t("nav.applications"), "applications/list.html")


def application_row(visit: Visit, row: Row) -> ApplicationRow:
    """Return an application as a row of a list."""
    f, currency = visit.formats, row["currency"]
    return ApplicationRow(
        href=words.application_href(row["customer_id"], row["application_id"]),
        record=f.record(ids.APPLICATION, row["application_id"]),
        customer=f.record(ids.CUSTOMER, row["customer_id"]),
        customer_href=words.customer_href(row["customer_id"]),
        product=words.product_name(visit, row["product_code"]),
        requested=f.amount(row["requested_minor"], currency),
        received_at=f.instant(row["received_at"]),
        grade=row["grade"] or "—",
        points=score_words(visit, row["points"], row["pd_ppm"]),
        limit=f.amount(row["limit_minor"] or None, currency),
        rate=f.rate_annual(row["rate_daily_e8"]),
        status=visit.status("application_status", row["status"], words.APPLICATION_TONES),
    )


async def show_application(visit: Visit) -> Response:
    """Show one application with the story of its decisions."""
    params = visit.request.path_params
    try:
        customer_id = ids.from_text(ids.CUSTOMER, params["customer"])
        application_id = ids.from_text(ids.APPLICATION, params["application"])
    except ids.InvalidIdError:
        return await errors.not_found(visit)
    key = {"customer_id": customer_id, "application_id": application_id}
    async with visit.reading() as connection:
        row = await READING.application.fetchrow(connection, **key)
        if row is None:
            return await errors.not_found(visit)
        decisions = await READING.decisions.fetch(connection, **key)
    told = [tell(visit, decision, row["currency"]) for decision in decisions]
    explained = await explain_decision(
        visit.desk.house,
        about=About.APPLICATION,
        customer_id=customer_id,
        subject_id=application_id,
    )
    record = ids.to_text(ids.APPLICATION, application_id)
    view = ApplicationView(
        record=record,
        status=visit.status("application_status", row["status"], words.APPLICATION_TONES),
        facts=_facts(visit, row),
        told=(
            None
            if isinstance(explained, Refused)
            else customer_view(visit, explained.told, row["currency"])
        ),
        decisions=told,
    )
    return visit.page(
        "applications/application.html",
        visit.t("application.title", record=record),
        view,
        journey="console.reading.application",
        api_call=f"GET /v1/applications/{record}",
    )


def _facts(visit: Visit, row: Row) -> list[tuple[str, str, str]]:
    f, t, currency = visit.formats, visit.t, row["currency"]
    customer, line = row["customer_id"], row["line_id"]
    tenors = ", ".join(str(tenor) for tenor in row["tenors_months"]) or "—"
    rate = row["rate_daily_e8"]
    score = score_words(visit, row["points"], row["pd_ppm"])
    both = t("loan.rate_both", annual=f.rate_annual(rate), daily=f.rate(rate)) if rate else "—"
    return [
        (t("application.requested"), f.money(row["requested_minor"], currency), ""),
        (t("application.limit"), f.money(row["limit_minor"] or None, currency), ""),
        (t("loan.rate_annual"), both, ""),
        (t("application.grade"), f"{row['grade'] or '—'} · {score}", ""),
        (t("application.tenors"), tenors, ""),
        (t("application.valid_until"), f.day(row["valid_until"]), ""),
        (t("loan.product"), words.product_name(visit, row["product_code"]), ""),
        (t("loan.purpose"), words.code_label(visit, "purpose", row["purpose"]), ""),
        (t("application.received_at"), f.instant(row["received_at"]), ""),
        (t("application.decided_at"), f.instant(row["decided_at"]), ""),
        (t("application.policy"), row["policy_version"] or "—", ""),
        (t("loan.customer"), f.record(ids.CUSTOMER, customer), words.customer_href(customer)),
        (t("loan.line"), f.record(ids.LINE, line), words.line_href(customer, line) if line else ""),
    ]


PAGES: Final = (
    Page(path="/applications", show=show_list),
    Page(path="/customers/{customer}/applications/{application}", show=show_application),
)
