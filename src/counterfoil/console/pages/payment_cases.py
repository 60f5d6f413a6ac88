"""Payments in suspense: the queue, one person's proposal, and another's approval."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from starlette.responses import Response

from counterfoil.console import flow, words
from counterfoil.console.access import Permission
from counterfoil.console.flow import Action, Crumb, Field
from counterfoil.console.frame import BASE
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.visit import Visit
from counterfoil.journeys.paying import payment_cases as journey
from counterfoil.kernel import ids
from counterfoil.payments.suspense import Proposal, Resolution
from counterfoil.payments.suspense_store import CaseKey
from counterfoil.platform.queries import Row
from counterfoil.platform.web.forms import FormReader

#: What a person may propose.
RESOLUTIONS: Final = tuple(resolution.value for resolution in Resolution)
#: Whose payment a row is about.
_KEY: Final = itemgetter("customer_id", "payment_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """One case of the queue."""

    href: str
    record: str
    payment_href: str
    cause: str
    amount: str
    rail: str
    opened_at: str
    proposed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CasesView:
    """Cases that wait for people, oldest first."""

    rows: Sequence[CaseRow]
    done: str


async def show_list(visit: Visit) -> Response:
    """List open cases."""
    visit.business_date = await visit.desk.house.business_date()
    found = await visit.in_queue(await journey.open_cases(visit.desk.house), ids.PAYMENT, _KEY)
    view = CasesView(
        rows=[_row(visit, row) for row in found],
        done=visit.done("case_proposed", "case_approved"),
    )
    return visit.page(
        "rails/cases.html",
        visit.t("payment_case.title"),
        view,
        journey="journeys.paying.payment_cases.open_cases",
        api_call="GET /v1/payment-cases",
        cli_call="counterfoil payments cases",
    )


async def resolve(visit: Visit) -> Response:
    """Show one case and take a proposal, or the approval of another person's."""
    found = await _found(visit)
    if found is None:
        return await errors.not_found(visit)
    customer_id = found["customer_id"]
    if turned_away := await errors.without_reach(visit, Permission.REVERSE, customer_id):
        return turned_away
    is_approval = found["resolution"] is not None and found["first_person"] != visit.operator
    action = _action(visit, found, is_approval=is_approval)
    house, key = visit.desk.house, _key(found)

    async def approve(reader: FormReader) -> object:
        reason = flow.reason_of(reader)
        if reason is None:
            return None
        return await journey.approve(house, visit.actor, key, reason=reason)

    async def propose(reader: FormReader) -> object:
        proposal = _proposal(reader, found["currency"])
        if proposal is None:
            return None
        return await journey.propose(house, visit.actor, key, proposal)

    if is_approval:
        return await flow.run(visit, action, _approval_fields(visit), approve, done="case_approved")
    return await flow.run(visit, action, _fields(visit), propose, done="case_proposed")


def _proposal(reader: FormReader, currency: str) -> Proposal | None:
    resolution = reader.choice("resolution", RESOLUTIONS)
    value_date = reader.day("value_date", required=False)
    returned = None
    if resolution == Resolution.RETURNED:
        returned = reader.amount_minor("returned", currency)
    note = reader.text("note", length_max=flow.REASON_LENGTH_MAX)
    if resolution is None or note is None or reader.errors:
        return None
    return Proposal(
        resolution=Resolution(resolution),
        value_date=value_date,
        note=note,
        returned_minor=returned,
    )


async def _found(visit: Visit) -> Row | None:
    params = visit.request.path_params
    try:
        payment_id = ids.from_text(ids.PAYMENT, params["payment"])
    except ids.InvalidIdError:
        return None
    for row in await visit.in_queue(await journey.open_cases(visit.desk.house), ids.PAYMENT, _KEY):
        if row["payment_id"] == payment_id and str(row["case_no"]) == params["case"]:
            return row
    return None


def _key(row: Row) -> CaseKey:
    return CaseKey(row["customer_id"], row["payment_id"], row["case_no"])


def _href(row: Row) -> str:
    return f"{BASE}/payment-cases/{ids.to_text(ids.PAYMENT, row['payment_id'])}/{row['case_no']}"


def _row(visit: Visit, row: Row) -> CaseRow:
    f, proposed = visit.formats, "—"
    if row["resolution"] is not None:
        label = visit.catalogue.label("payment_resolution", row["resolution"])
        proposed = f"{row['first_person']}: {label}"
    return CaseRow(
        href=_href(row),
        record=ids.to_text(ids.PAYMENT, row["payment_id"]),
        payment_href=words.payment_href(row["customer_id"], row["payment_id"]),
        cause=words.code_label(visit, "suspense", row["cause"]),
        amount=f.money(row["amount_minor"], row["currency"]),
        rail=row["rail"],
        opened_at=f.instant(row["opened_at"]),
        proposed=proposed,
    )


def _action(visit: Visit, row: Row, *, is_approval: bool) -> Action:
    t, record = visit.t, ids.to_text(ids.PAYMENT, row["payment_id"])
    intro = t(
        "payment_case.intro",
        cause=words.code_label(visit, "suspense", row["cause"]),
        amount=visit.formats.money(row["amount_minor"], row["currency"]),
    )
    if is_approval:
        intro = t(
            "payment_case.approve_intro",
            person=row["first_person"],
            resolution=visit.catalogue.label("payment_resolution", row["resolution"]),
            returned=visit.formats.money(row["returned_minor"], row["currency"]),
            day=visit.formats.day(row["value_date"]),
            note=row["note"],
        )
    return Action(
        name="resolve",
        title=t("payment_case.case", record=record),
        intro=intro,
        path=_href(row),
        record=Crumb(label=t("payment_case.title"), href=f"{BASE}/payment-cases"),
        journey=f"journeys.paying.payment_cases.{'approve' if is_approval else 'propose'}",
    )


def _fields(visit: Visit) -> list[Field]:
    t = visit.t
    choices = tuple(
        (code, visit.catalogue.label("payment_resolution", code)) for code in RESOLUTIONS
    )
    return [
        Field(
            name="resolution", label=t("payment_case.resolution"), kind="select", choices=choices
        ),
        Field(
            name="value_date", label=t("payment_case.value_date"), kind="date", is_required=False
        ),
        Field(
            name="returned",
            label=t("payment_case.returned"),
            hint=t("payment_case.returned_hint"),
            inputmode="decimal",
            is_required=False,
        ),
        Field(name="note", label=t("payment_case.note"), hint=t("payment_case.note_hint")),
    ]


def _approval_fields(visit: Visit) -> list[Field]:
    return [Field(name="reason", label=visit.t("payment_case.reason"))]


PAGES: Final = (
    Page(path="/payment-cases", show=show_list),
    Page(
        path="/payment-cases/{payment}/{case}",
        show=resolve,
        submit=resolve,
        permission=Permission.REVERSE,
    ),
)
