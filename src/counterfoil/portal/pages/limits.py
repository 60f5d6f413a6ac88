"""A line: how its limit moved and why, offers to take or leave, appeals against what was done."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from starlette.responses import Response

from counterfoil.contracts.template import Authentication
from counterfoil.decisioning import limit_request_store
from counterfoil.decisioning.customer_explanation import Datum
from counterfoil.decisioning.customer_words import Both
from counterfoil.decisioning.limit_request import LimitRequest
from counterfoil.decisioning.limit_request import Status as RequestStatus
from counterfoil.decisioning.line_review import case_store
from counterfoil.decisioning.line_review import store as review_store
from counterfoil.decisioning.line_review.explanation import data_behind
from counterfoil.decisioning.line_review.measure import LineMeasure
from counterfoil.decisioning.line_review.policy import ReviewPolicy
from counterfoil.journeys.applying.starter_path import read_starter_path
from counterfoil.journeys.contracting.reading_time import begin_reading, end_reading
from counterfoil.journeys.lines import raise_limit
from counterfoil.journeys.lines.amendment_file import amendment_file
from counterfoil.journeys.lines.line_appeals import appeal
from counterfoil.journeys.lines.line_offers import OfferTaken, decline, take_up
from counterfoil.journeys.lines.raise_agreeing import (
    Act,
    Amendment,
    RaiseAcceptance,
    accept,
    read_amendment,
)
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.lending import store
from counterfoil.lending.line import Line
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Event, Form, Status
from counterfoil.portal.page import Page
from counterfoil.portal.pages import errors
from counterfoil.portal.pages.home import LineCard, line_card
from counterfoil.portal.pages.loans import pdf_response
from counterfoil.portal.visit import Visit
from counterfoil.portal.words import value_words

REVIEWS_SHOWN: Final = 20
_SAID_LENGTH_MAX: Final = 500
_BY: Final = "portal"
#: States of a measure against which an appeal still helps.
_STANDING: Final = frozenset({"planned", "in_force"})
_OFFERED: Final = "offered"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferRow:
    """A higher limit that a review offers."""

    review: str
    text: str
    until: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRow:
    """A higher limit that was decided and waits for the customer's word."""

    request: str
    text: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureRow:
    """Something that was done to the line."""

    measure: str
    text: str
    status: Status
    can_appeal: bool
    appeal: str
    #: Why, in the policy's words, and the data behind it: label, value, source, how to correct.
    reasons: Sequence[str]
    data: Sequence[tuple[str, str, str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitView:
    """One line."""

    card: LineCard
    offers: Sequence[OfferRow]
    requests: Sequence[RequestRow]
    measures: Sequence[MeasureRow]
    #: What the customer was told, newest first.
    told: Sequence[Event]
    #: Where the line began with the starter path; empty elsewhere.
    starter_href: str
    form: Form
    done: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AmendmentView:
    """The amendment of an offer, to be read and agreed to."""

    form: Form
    text: str
    language: str
    ticket: str
    reading: str
    limits: str


async def show(visit: Visit) -> Response:
    """Show one line."""
    return await _show(visit)


async def act(visit: Visit) -> Response:
    """Take an offer up or decline it, leave a request, or appeal."""
    line = await _line(visit)
    if line is None:
        return errors.not_found(visit)
    reader = FormReader(visit.values)
    key, what = reader.idempotency_key(), visit.values.get("act", "")
    if key is None:
        return await _show(visit, reader)
    if what == "take_up":
        outcome = await _take_up(visit, key)
    elif what == "decline":
        outcome = await decline(
            visit.house,
            customer_id=visit.customer_id,
            review_id=_number(visit, ids.LINE_REVIEW, "review"),
            channel=_BY,
        )
    elif what == "leave":
        number = _number(visit, ids.LIMIT_REQUEST, "request")
        outcome = await raise_limit.withdraw(
            visit.house, customer_id=visit.customer_id, request_id=number
        )
    else:
        grounds = reader.text("grounds", length_max=_SAID_LENGTH_MAX)
        if grounds is None:
            return await _show(visit, reader)
        number = _number(visit, ids.LINE_MEASURE, "measure")
        outcome = await appeal(
            visit.house, customer_id=visit.customer_id, measure_id=number, grounds=grounds
        )
        what = "appeal"
    if isinstance(outcome, Refused):
        reader.refuse("form", "form.refused", text=visit.refusal(outcome))
        return await _show(visit, reader)
    dones = {
        "take_up": "offer_asked",
        "decline": "offer_declined",
        "leave": "offer_left",
        "appeal": "appealed",
    }
    return visit.go(f"/limits/{ids.to_text(ids.LINE, line.line_id)}?done={dones[what]}")


async def _take_up(visit: Visit, key: str) -> object:
    number = _number(visit, ids.LINE_REVIEW, "review")
    taken = OfferTaken(customer_id=visit.customer_id, review_id=number, idempotency_key=key)
    return await take_up(visit.house, taken)


async def show_amendment(visit: Visit) -> Response:
    """Show the amendment that raises the limit."""
    found = await _amendment(visit)
    return errors.not_found(visit) if found is None else _amendment_page(visit, found)


async def agree(visit: Visit) -> Response:
    """Agree to an amendment that was open long enough; the limit is raised at once."""
    found = await _amendment(visit)
    if found is None:
        return errors.not_found(visit)
    reader = FormReader(visit.values)
    key, ticket = reader.idempotency_key(), visit.values.get("ticket", "")
    read = end_reading(visit.house, visit.customer_id, found.sha256, ticket)
    if key is None or read is None:
        return _amendment_page(visit, found)
    request = found.request
    outcome = await accept(
        visit.house,
        RaiseAcceptance(
            customer_id=visit.customer_id,
            request_id=request.request_id,
            act=Act(
                language=visit.language,
                document_sha256=found.sha256,
                dwell_ms=read.dwell_ms,
                authentication=Authentication.SUBSTANTIAL,
                channel=_BY,
            ),
        ),
        idempotency_key=key,
    )
    if isinstance(outcome, Refused):
        reader.refuse("form", "form.refused", text=visit.refusal(outcome))
        return _amendment_page(visit, found, reader, ticket)
    return visit.go(f"/limits/{ids.to_text(ids.LINE, request.line_id)}?done=limit_raised")


async def send_amendment(visit: Visit) -> Response:
    """Send the amendment that was agreed to, as a file with the lender's signature."""
    number = visit.number(ids.LIMIT_REQUEST)
    if number is None:
        return errors.not_found(visit)
    found = await amendment_file(visit.house, customer_id=visit.customer_id, request_id=number)
    if isinstance(found, Refused):
        return errors.refused(visit, found)
    return pdf_response(found.pdf, found.name)


def _amendment_page(
    visit: Visit, found: Amendment, reader: FormReader | None = None, ticket: str = ""
) -> Response:
    f, request = visit.formats, found.request
    record = ids.to_text(ids.LIMIT_REQUEST, request.request_id)
    form = visit.form(f"/limits/offers/{record}", reader)
    view = AmendmentView(
        form=form,
        text=found.text,
        language=visit.catalogue.language,
        ticket=ticket or begin_reading(visit.house, visit.customer_id, found.sha256),
        reading=visit.t("draw.reading", count=visit.house.settings.cost_sheet_reading_seconds),
        limits=visit.t("limit.to", limit=f.money(request.limit_minor or 0, request.currency)),
    )
    title = visit.t("limit.amendment_title")
    return visit.page("limits/amendment.html", title, view, status=422 if form.errors else 200)


async def _show(visit: Visit, reader: FormReader | None = None) -> Response:
    line = await _line(visit)
    if line is None:
        return errors.not_found(visit)
    today = await visit.house.business_date()
    of_line: dict[str, Any] = {"customer_id": visit.customer_id, "line_id": line.line_id}
    async with visit.reading() as connection:
        measures = await case_store.measures_of_line(connection, **of_line)
        appeals = await case_store.appeals_of_line(connection, **of_line)
        notices = await case_store.notices_of_line(connection, **of_line)
        reviews = await review_store.reviews_of_line(connection, page=REVIEWS_SHOWN, **of_line)
        declined = await review_store.declined_offers(
            connection, visit.customer_id, [one.review_id for one in reviews]
        )
        requests = await limit_request_store.requests_of_line(connection, **of_line)
        behind = {
            one.review_id: (policy, one)
            for one in reviews
            if one.review_id in {measure.review_id for measure in measures}
            and (policy := await review_store.read_review_policy(connection, one.policy_hash))
        }
    is_chinese = visit.catalogue.language == "zh-CN"
    known = {one.measure_id: one.status.value for one in reversed(appeals)}
    record = ids.to_text(ids.LINE, line.line_id)
    view = LimitView(
        card=line_card(visit, line, today),
        offers=[
            row
            for one in reviews
            if one.review_id not in declined
            and (row := _offer(visit, line, one, today)) is not None
        ],
        requests=[_request(visit, one) for one in requests if _waits(one, today)],
        measures=[_measure(visit, one, known, behind.get(one.review_id or 0)) for one in measures],
        told=[
            Event(
                at=visit.formats.instant(one.created_at),
                at_machine=one.created_at.isoformat(),
                text=one.text_zh if is_chinese else one.text_en,
            )
            for one in notices
        ],
        starter_href=""
        if await read_starter_path(visit.house, line) is None
        else f"/portal/starter/{record}",
        form=visit.form(f"/limits/{record}", reader),
        done=next((text for text in map(visit.done, _DONE) if text), ""),
    )
    status = 422 if view.form.errors else 200
    return visit.page("limits/line.html", visit.t("limit.title"), view, status=status)


_DONE: Final = ("offer_asked", "offer_declined", "offer_left", "appealed", "limit_raised")


def _offer(
    visit: Visit, line: Line, review: review_store.StoredReview, today: date
) -> OfferRow | None:
    """Return an offer that still holds; only a review of the present limit makes one."""
    until, to = review.valid_until, review.to_minor
    if review.outcome.value != _OFFERED or to is None or until is None or today > until:
        return None
    if review.from_minor != line.limit_minor:
        return None
    f = visit.formats
    return OfferRow(
        review=ids.to_text(ids.LINE_REVIEW, review.review_id),
        text=visit.t(
            "limit.offer",
            before=f.money(review.from_minor, line.currency),
            after=f.money(to, line.currency),
        ),
        until=visit.t("limit.offer_until", day=f.day(until)),
    )


def _waits(request: LimitRequest, today: date) -> bool:
    until = request.valid_until
    is_approved = request.status is RequestStatus.APPROVED
    return is_approved and (until is None or today <= until)


def _request(visit: Visit, request: LimitRequest) -> RequestRow:
    record = ids.to_text(ids.LIMIT_REQUEST, request.request_id)
    limit = visit.formats.money(request.limit_minor or 0, request.currency)
    return RequestRow(
        request=record,
        text=visit.t("limit.to", limit=limit),
        href=f"/portal/limits/offers/{record}",
    )


def _measure(
    visit: Visit,
    measure: LineMeasure,
    appeals: dict[int, str],
    behind: tuple[ReviewPolicy, review_store.StoredReview] | None,
) -> MeasureRow:
    f, status = visit.formats, measure.status.value
    known = appeals.get(measure.measure_id)
    text = visit.t(
        "limit.measure", kind=visit.word("measure_kind", measure.kind.value),
        day=f.day(measure.effective_on),
    )  # fmt: skip
    if measure.to_minor is not None:
        text = f"{text} · {visit.t('limit.to', limit=f.money(measure.to_minor, measure.currency))}"
    data: Sequence[Datum] = ()
    if behind is not None:
        policy, review = behind
        data = data_behind(policy, review.inputs, review.result)
    return MeasureRow(
        measure=ids.to_text(ids.LINE_MEASURE, measure.measure_id),
        text=text,
        status=visit.status("measure_status", status, {"in_force": "warn", "planned": "live"}),
        can_appeal=status in _STANDING and known != "open",
        appeal=visit.word("appeal_status", known) if known else "",
        reasons=() if behind is None else behind[0].texts(measure.reasons, visit.language.value),
        data=[_datum(visit, one) for one in data],
    )


def _datum(visit: Visit, datum: Datum) -> tuple[str, str, str, str]:
    """Return label, value, source and way to correct of one thing that a rule read."""

    def say(both: Both) -> str:
        return both.zh if visit.catalogue.language == "zh-CN" else both.en

    value = value_words(visit, datum.value, datum.unit)
    return say(datum.label), value, say(datum.source_label), say(datum.correct)


def _number(visit: Visit, prefix: str, name: str) -> int:
    """Return a record's number from a form; nothing has the number 0."""
    try:
        return ids.from_text(prefix, visit.values.get(name, ""))
    except ids.InvalidIdError:
        return 0


async def _amendment(visit: Visit) -> Amendment | None:
    number = visit.number(ids.LIMIT_REQUEST)
    if number is None:
        return None
    found = await read_amendment(
        visit.house, customer_id=visit.customer_id, request_id=number, language=visit.language
    )
    return None if isinstance(found, Refused) else found


async def _line(visit: Visit) -> Line | None:
    number = visit.number(ids.LINE)
    if number is None:
        return None
    async with visit.reading() as connection:
        return await store.read_line(connection, visit.customer_id, number)


PAGES: Final = (
    Page(path="/limits/{record}", show=show, submit=act),
    Page(path="/limits/offers/{record}", show=show_amendment, submit=agree),
    Page(path="/limits/offers/{record}/file.pdf", show=send_amendment),
)
