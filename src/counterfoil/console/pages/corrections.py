"""Corrections of bad records: find what one touched, and decide on each remedy that is proposed."""

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
from counterfoil.features.correction import Correction, Remedy
from counterfoil.journeys.knowing.correct_record import (
    ReportTouched,
    correct_record,
    corrections_waiting,
    end_correction,
    reports_touched,
)
from counterfoil.kernel import ids
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Status

_HOME: Final = f"{BASE}/data/corrections"
_RECORD_LENGTH_MAX: Final = 100
#: What a person may make of a proposal.
ENDS: Final = ("taken", "left")
DONE: Final = ("correction_found", "remedy_ended")
_TONES: Final = {
    Remedy.OFFER_AGAIN.value: "warn",
    Remedy.REVIEW_LINE.value: "bad",
    Remedy.TELL.value: "live",
    Remedy.NONE.value: "",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionRow:
    """One proposal."""

    href: str
    number: str
    customer: str
    customer_href: str
    record: str
    was: str
    is_now: str
    changed: str
    remedy: Status
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """One report that counts what was decided wrongly."""

    name: str
    month: str
    count: str
    #: The command that names the rows behind it.
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionsView:
    """Proposals that wait for a person."""

    rows: Sequence[CorrectionRow]
    reports: Sequence[ReportRow]
    find_href: str
    done: str


async def show(visit: Visit) -> Response:
    """List proposals, and the reports that count what they are about."""
    waiting = await corrections_waiting(visit.desk.house)
    found = await visit.in_queue(waiting, ids.CUSTOMER, OF_PERSON)
    reports = await reports_touched(visit.desk.house, found)
    view = CorrectionsView(
        rows=[_row(visit, item) for item in found],
        reports=[_report(visit, one) for one in reports],
        find_href=f"{_HOME}/find",
        done=visit.done(*DONE),
    )
    return visit.page(
        "data_quality/corrections.html",
        visit.t("correction.title"),
        view,
        journey="journeys.knowing.correct_record.corrections_waiting",
        api_call="GET /v1/record-corrections",
        cli_call="counterfoil features corrections",
    )


async def find(visit: Visit) -> Response:
    """Ask what a record has touched."""

    async def act(reader: FormReader) -> object:
        number = flow.customer_of(reader)
        record = reader.text("record", length_max=_RECORD_LENGTH_MAX)
        reason = flow.reason_of(reader)
        if number is None or record is None or reason is None:
            return None
        return await correct_record(
            visit.desk.house, visit.actor, customer_id=number, source_record=record, reason=reason
        )

    return await flow.run(
        visit, _finding(visit), _finding_fields(visit), act, done="correction_found"
    )


async def decide(visit: Visit) -> Response:
    """Take a proposal up, or leave it."""
    found = await _found(visit)
    if found is None:
        return await errors.not_found(visit)

    async def act(reader: FormReader) -> object:
        end, reason = reader.choice("end", ENDS), flow.reason_of(reader)
        if end is None or reason is None:
            return None
        return await end_correction(
            visit.desk.house,
            visit.actor,
            customer_id=found.customer_id,
            correction_id=found.correction_id,
            is_taken=end == "taken",
            reason=reason,
        )

    return await flow.run(
        visit, _deciding(visit, found), _deciding_fields(visit), act, done="remedy_ended"
    )


async def _found(visit: Visit) -> Correction | None:
    params = visit.request.path_params
    customer_id = _number(ids.CUSTOMER, params["customer"])
    number = _number(ids.FEATURE_CORRECTION, params["correction"])
    if customer_id is None or number is None:
        return None
    found = await corrections_waiting(visit.desk.house, customer_id=customer_id)
    waiting = await visit.in_queue(found, ids.CUSTOMER, OF_PERSON)
    return next((item for item in waiting if item.correction_id == number), None)


def _row(visit: Visit, item: Correction) -> CorrectionRow:
    number = ids.to_text(ids.FEATURE_CORRECTION, item.correction_id)
    customer = ids.to_text(ids.CUSTOMER, item.customer_id)
    return CorrectionRow(
        href=f"{_HOME}/{customer}/{number}",
        number=number,
        customer=customer,
        customer_href=f"{BASE}/customers/{customer}",
        record=item.source_record,
        was=words.code_label(visit, "outcome", item.was),
        is_now=words.code_label(visit, "outcome", item.is_now),
        changed=", ".join(item.changed) or "—",
        remedy=visit.status("remedy", item.remedy.value, _TONES),
        found=f"{item.found_by} · {visit.formats.instant(item.found_at)}",
    )


def _report(visit: Visit, one: ReportTouched) -> ReportRow:
    return ReportRow(
        name=visit.catalogue.label("report", one.report.value),
        month=f"{one.month:%Y-%m}",
        count=visit.formats.count(one.applications_count),
        command=f"counterfoil report lineage {one.report.value} --from {one.month.isoformat()}",
    )


def _finding(visit: Visit) -> Action:
    return Action(
        name="find",
        title=visit.t("correction.find"),
        intro=visit.t("correction.find_intro"),
        path=f"{_HOME}/find",
        record=Crumb(label=visit.t("correction.title"), href=_HOME),
        journey="journeys.knowing.correct_record.correct_record",
        api_call="POST /v1/record-corrections",
    )


def _finding_fields(visit: Visit) -> list[Field]:
    t = visit.t
    return [
        Field(name="customer", label=t("policies.customer"), hint=t("policies.customer_hint")),
        Field(name="record", label=t("correction.record"), hint=t("correction.record_hint")),
        Field(name="reason", label=t("approval.reason"), hint=t("correction.reason_hint")),
    ]


def _deciding(visit: Visit, found: Correction) -> Action:
    number = ids.to_text(ids.FEATURE_CORRECTION, found.correction_id)
    customer = ids.to_text(ids.CUSTOMER, found.customer_id)
    return Action(
        name="decide",
        title=visit.t("correction.decide", number=number),
        intro=visit.t(
            "correction.decide_intro",
            was=words.code_label(visit, "outcome", found.was),
            is_now=words.code_label(visit, "outcome", found.is_now),
            remedy=visit.catalogue.label("remedy", found.remedy.value),
            reason=found.reason,
        ),
        path=f"{_HOME}/{customer}/{number}",
        record=Crumb(label=visit.t("correction.title"), href=_HOME),
        journey="journeys.knowing.correct_record.end_correction",
        api_call=f"POST /v1/record-corrections/{number}/decision",
    )


def _deciding_fields(visit: Visit) -> list[Field]:
    choices = tuple((code, visit.catalogue.label("remedy_end", code)) for code in ENDS)
    t = visit.t
    return [
        Field(name="end", label=t("correction.end"), kind="select", choices=choices),
        Field(name="reason", label=t("approval.reason"), hint=t("correction.reason_hint")),
    ]


def _number(prefix: str, text: str) -> int | None:
    try:
        return ids.from_text(prefix, text.strip())
    except ids.InvalidIdError:
        return None


PAGES: Final = (
    Page(path="/data/corrections", show=show),
    Page(path="/data/corrections/find", show=find, submit=find, permission=Permission.REVIEW),
    Page(
        path="/data/corrections/{customer}/{correction}",
        show=decide,
        submit=decide,
        permission=Permission.REVIEW,
    ),
)
