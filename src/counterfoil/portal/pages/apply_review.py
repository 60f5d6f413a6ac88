"""Before an application is sent: each consent on a page of its own, and one last look.

Consents  A page is about one notice. Nothing is ticked beforehand: agreeing and refusing are two
          presses of the same weight. What is optional stands apart, and sending waits for none.
Sending   Is possible once all that is needed was agreed to; the form's key makes it one
          application, however often it is pressed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from counterfoil.consents.giving import Choice, Wish, day_of
from counterfoil.consents.notice import Notice
from counterfoil.consents.refusals import CONSENT_DWELL_TOO_SHORT
from counterfoil.decisioning.application import Channel
from counterfoil.journeys.applying import apply_form, draft
from counterfoil.journeys.applying.apply import submit_application
from counterfoil.journeys.applying.apply_form import Asked, Offered
from counterfoil.journeys.applying.draft import Form as KeptForm
from counterfoil.journeys.consenting import consent
from counterfoil.journeys.contracting.reading_time import begin_reading, end_reading
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Form
from counterfoil.portal.page import Page
from counterfoil.portal.pages import errors
from counterfoil.portal.pages.apply import chosen
from counterfoil.portal.pages.consents import authentication_of, display_of, parts_of
from counterfoil.portal.visit import Visit
from counterfoil.portal.words import notice_language, product_name, value_words

_CHANNEL: Final = Channel.PORTAL.value
_GIVEN: Final = "agree"
_MS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRow:
    """One notice, with what was answered."""

    purpose: str
    recipient: str
    href: str
    is_given: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewView:
    """The last look."""

    form: Form
    product: str
    edit_href: str
    facts: Sequence[tuple[str, str]]
    needed: Sequence[NoticeRow]
    optional: Sequence[NoticeRow]
    #: Whether everything that is needed was agreed to.
    can_send: bool
    done: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeView:
    """One notice, to be agreed to or refused."""

    form: Form
    ticket: str
    language: str
    parts: Sequence[tuple[str, str]]
    reading: str
    is_optional: bool
    back_href: str


async def show_review(visit: Visit) -> Response:
    """Show what will be sent and what is still to be agreed to."""
    found = await chosen(visit)
    return errors.not_found(visit) if found is None else await _review(visit, found)


async def send(visit: Visit) -> Response:
    """Apply."""
    found = await chosen(visit)
    if found is None:
        return await _sent_already(visit)
    reader, terms = FormReader(visit.values), found.terms
    key = reader.idempotency_key()
    needed = await apply_form.notices_needed(visit.house, visit.customer_id, terms)
    kept = await _kept(visit, found)
    if isinstance(kept, Refused) or kept.draft.purpose is None:
        return visit.go(f"/apply/{terms.code}")
    if key is None or any(one.consent is None for one in needed):
        return await _review(visit, found, reader)
    inquiry = next((one for one in needed if one.notice.code == apply_form.INQUIRY), None)
    outcome = await submit_application(
        visit.house,
        customer_id=visit.customer_id,
        product_code=terms.code,
        requested_minor=kept.draft.requested_minor,
        purpose=kept.draft.purpose,
        facts=dict(kept.draft.facts),
        idempotency_key=key,
        consent_id=inquiry.consent.consent_id if inquiry and inquiry.consent else None,
        channel=_CHANNEL,
        person_decides=visit.values.get("person_decides") == "yes",
    )
    if isinstance(outcome, Refused):
        reader.refuse("form", "form.refused", text=visit.refusal(outcome))
        return await _review(visit, found, reader)
    return visit.go(f"/applications/{ids.to_text(ids.APPLICATION, outcome.application_id)}")


async def show_notice(visit: Visit) -> Response:
    """Show one notice."""
    notice = await _notice(visit)
    return errors.not_found(visit) if notice is None else _ask(visit, notice)


async def answer_notice(visit: Visit) -> Response:
    """Keep the answer to one notice."""
    notice = await _notice(visit)
    if notice is None:
        return errors.not_found(visit)
    reader, ticket = FormReader(visit.values), visit.values.get("ticket", "")
    text = notice.texts[notice_language(visit)]
    read = end_reading(visit.house, visit.customer_id, text.sha256, ticket)
    key = reader.idempotency_key()
    if read is None or key is None:
        reader.refuse("form", "form.stale")
        return _ask(visit, notice, reader)
    wish = Wish(
        customer_id=visit.customer_id,
        notice_code=notice.code,
        notice_version=notice.version,
        choice=Choice.GIVEN if visit.values.get("choice") == _GIVEN else Choice.REFUSED,
        is_preselected=False,
        display=display_of(text.language, text.sha256, read),
        authentication=authentication_of(visit),
        product=_code(visit),
        channel=_CHANNEL,
    )
    outcome = await consent.give(visit.house, wish, idempotency_key=key)
    if isinstance(outcome, Refused):
        reader.refuse("form", "form.refused", text=visit.refusal(outcome))
        is_early = outcome.code == CONSENT_DWELL_TOO_SHORT.code
        return _ask(visit, notice, reader, ticket=ticket if is_early else "")
    return visit.go(f"/apply/{_code(visit)}/review?done={wish.choice.value}")


async def _review(visit: Visit, found: Offered, reader: FormReader | None = None) -> Response:
    terms = found.terms
    kept = await _kept(visit, found)
    if isinstance(kept, Refused) or kept.draft.purpose is None:
        return visit.go(f"/apply/{terms.code}")
    needed = await apply_form.notices_needed(visit.house, visit.customer_id, terms)
    optional = await apply_form.notices_offered(visit.house, visit.customer_id)
    view = ReviewView(
        form=visit.form(f"/apply/{terms.code}/review", reader),
        product=product_name(visit, terms.code),
        edit_href=f"/portal/apply/{terms.code}",
        facts=_facts(visit, found, kept),
        needed=[_row(visit, one) for one in needed],
        optional=[_row(visit, one) for one in optional],
        can_send=all(one.consent is not None for one in needed),
        done=visit.done("given") or visit.done("refused"),
    )
    status = 422 if view.form.errors else 200
    return visit.page("apply/review.html", visit.t("apply.review_title"), view, status=status)


def _ask(
    visit: Visit, notice: Notice, reader: FormReader | None = None, *, ticket: str = ""
) -> Response:
    text = notice.texts[notice_language(visit)]
    title, parts = parts_of(text.text)
    path = f"/apply/{_code(visit)}/consents/{notice.code}"
    view = NoticeView(
        form=visit.form(path, reader),
        ticket=ticket or begin_reading(visit.house, visit.customer_id, text.sha256),
        language="zh-CN" if text.language == "zh" else "en",
        parts=parts,
        reading=visit.t("draw.reading", count=-(-notice.reading_ms_min // _MS)),
        is_optional=notice.is_optional,
        back_href=f"/portal/apply/{_code(visit)}/review",
    )
    return visit.page("apply/notice.html", title, view, status=422 if view.form.errors else 200)


async def _notice(visit: Visit) -> Notice | None:
    """Return the notice of the address, where this application asks for it."""
    found = await chosen(visit)
    if found is None:
        return None
    needed = await apply_form.notices_needed(visit.house, visit.customer_id, found.terms)
    optional = await apply_form.notices_offered(visit.house, visit.customer_id)
    code, day = visit.request.path_params["notice"], day_of(visit.house.leaves.now())
    if code not in {one.notice.code for one in (*needed, *optional)}:
        return None
    current: Notice | None = visit.house.notices.current(code, day)
    return current


async def _sent_already(visit: Visit) -> Response:
    """Answer a second press: the application that there is, or nothing."""
    found = await apply_form.offered_products(visit.house, visit.customer_id)
    for one in found:
        if one.terms.code == _code(visit) and one.application is not None:
            record = ids.to_text(ids.APPLICATION, one.application.application_id)
            return visit.go(f"/applications/{record}")
    return errors.not_found(visit)


async def _kept(visit: Visit, found: Offered) -> KeptForm | Refused:
    return await draft.read_form(
        visit.house, customer_id=visit.customer_id, product_code=found.terms.code
    )


def _facts(visit: Visit, found: Offered, kept: KeptForm) -> list[tuple[str, str]]:
    """Return what is sent, in words; what was left empty is named as not stated."""
    t, currency, asked = visit.t, found.terms.currency, kept.draft.requested_minor
    is_chinese = visit.catalogue.language == "zh-CN"
    rows = [
        (
            t("apply.limit"),
            t("apply.as_much") if asked is None else visit.formats.money(asked, currency),
        ),
        (t("apply.purpose"), visit.word("purpose", kept.draft.purpose or "")),
    ]
    for feature in draft.asked_of_customer(visit.house):
        label = feature.name_zh if is_chinese else feature.name_en
        value = kept.draft.facts.get(feature.name)
        text = t("apply.not_stated") if value is None else value_words(visit, value, feature.unit)
        rows.append((label, text))
    return rows


def _row(visit: Visit, asked: Asked) -> NoticeRow:
    notice, language = asked.notice, notice_language(visit)
    return NoticeRow(
        purpose=notice.texts[language].purpose,
        recipient=visit.house.notices.party(notice.scope.recipient).name(language),
        href=f"/portal/apply/{_code(visit)}/consents/{notice.code}",
        is_given=asked.consent is not None,
    )


def _code(visit: Visit) -> str:
    return str(visit.request.path_params["record"])


PAGES: Final = (
    Page(path="/apply/{record}/review", show=show_review, submit=send, act="apply"),
    Page(
        path="/apply/{record}/consents/{notice}",
        show=show_notice,
        submit=answer_notice,
        act="apply",
    ),
)
