"""Identity cases: what waits for a person, and how a person closes it.

Privacy     The applicant learns only that a person checks; what was found is told here alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from counterfoil.console import flow, words
from counterfoil.console.access import Permission
from counterfoil.console.flow import Action, Crumb, Field
from counterfoil.console.frame import BASE
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.visit import OF_PERSON, Visit
from counterfoil.customers.verification_store import IdentityCase
from counterfoil.journeys.serving.identity import close_case, open_cases
from counterfoil.kernel import ids
from counterfoil.platform.web.forms import FormReader

_HOME: Final = f"{BASE}/identity-cases"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCaseRow:
    """One case that waits."""

    record: str
    href: str
    customer: str
    customer_href: str
    reason: str
    holds: str
    opened: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCasesPage:
    """Cases that wait for a person, oldest first."""

    rows: Sequence[OpenCaseRow]
    done: str


async def show(visit: Visit) -> Response:
    """List open cases."""
    f = visit.formats
    rows = [
        OpenCaseRow(
            record=f.record(ids.IDENTITY_CASE, case.case_id),
            href=_href(case),
            customer=f.record(ids.CUSTOMER, case.customer_id),
            customer_href=f"{words.customer_href(case.customer_id)}/identity",
            reason=words.code_label(visit, "identity_case", case.reason),
            holds=visit.t("identity.holds") if case.holds else visit.t("identity.holds_nothing"),
            opened=f.instant(case.opened_at),
        )
        for case in await visit.in_queue(
            await open_cases(visit.desk.house), ids.CUSTOMER, OF_PERSON
        )
    ]
    return visit.page(
        "customers/identity_cases.html",
        visit.t("nav.identity_cases"),
        OpenCasesPage(rows=rows, done=visit.done("identity_case_closed")),
        journey="journeys.serving.identity.open_cases",
        api_call="GET /v1/identity-cases",
    )


async def close(visit: Visit) -> Response:
    """Close a case with what was found."""
    found = await _found(visit)
    if found is None:
        return await errors.not_found(visit)
    t, record = visit.t, ids.to_text(ids.IDENTITY_CASE, found.case_id)
    action = Action(
        name="close_identity_case",
        title=t("identity.close_title", record=record),
        intro=t(
            "identity.close_intro",
            reason=words.code_label(visit, "identity_case", found.reason),
            effect=t("identity.holds") if found.holds else t("identity.holds_nothing"),
        ),
        path=_href(found),
        record=Crumb(label=t("nav.identity_cases"), href=_HOME),
        journey="journeys.serving.identity.close_case",
        api_call=f"POST /v1/identity-cases/{record}/finding",
    )
    fields = [
        Field(name="finding", label=t("identity.finding"), hint=t("identity.finding_hint")),
    ]

    async def act(reader: FormReader) -> object:
        finding = reader.text("finding", length_max=flow.REASON_LENGTH_MAX)
        if finding is None:
            return None
        return await close_case(
            visit.desk.house,
            visit.actor,
            customer_id=found.customer_id,
            case_id=found.case_id,
            by=visit.operator,
            finding=finding,
        )

    return await flow.run(visit, action, fields, act, done="identity_case_closed")


async def _found(visit: Visit) -> IdentityCase | None:
    params = visit.request.path_params
    try:
        customer_id = ids.from_text(ids.CUSTOMER, params["customer"])
        case_id = ids.from_text(ids.IDENTITY_CASE, params["case"])
    except ids.InvalidIdError:
        return None
    wanted = (customer_id, case_id)
    cases = await visit.in_queue(await open_cases(visit.desk.house), ids.CUSTOMER, OF_PERSON)
    return next((case for case in cases if (case.customer_id, case.case_id) == wanted), None)


def _href(case: IdentityCase) -> str:
    record = ids.to_text(ids.IDENTITY_CASE, case.case_id)
    return f"{words.customer_href(case.customer_id)}/identity-cases/{record}"


PAGES: Final = (
    Page(path="/identity-cases", show=show),
    Page(
        path="/customers/{customer}/identity-cases/{case}",
        show=close,
        submit=close,
        permission=Permission.REVIEW,
    ),
)
