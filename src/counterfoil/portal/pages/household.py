"""The household: whom the customer names, under a consent of their own; the other does the same.

The words of the notice stand on the page with the form; the reading time is measured here. Nothing
is added up before both have named each other, and taking back either consent ends it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from counterfoil.consents.giving import Choice, Wish, day_of
from counterfoil.consents.notice import Notice
from counterfoil.consents.refusals import CONSENT_DWELL_TOO_SHORT
from counterfoil.journeys.contracting.reading_time import begin_reading, end_reading
from counterfoil.journeys.serving import household as journey
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Form, Status
from counterfoil.portal.page import Page
from counterfoil.portal.pages import errors
from counterfoil.portal.pages.consents import authentication_of, display_of, parts_of
from counterfoil.portal.visit import Visit
from counterfoil.portal.words import notice_language

_CHANNEL: Final = "portal"
_LENGTH_MAX: Final = 40
_MS: Final = 1_000
_TONES: Final = {"together": "good", "waiting": "warn", "ended": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedRow:
    """Somebody who was named."""

    partner: str
    day: str
    status: Status
    consent_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseholdView:
    """The words, the form, and who was named before."""

    form: Form
    ticket: str
    language: str
    parts: Sequence[tuple[str, str]]
    reading: str
    own_number: str
    rows: Sequence[NamedRow]
    done: str


async def show(visit: Visit) -> Response:
    """Show the words with the form."""
    return await _show(visit)


async def name(visit: Visit) -> Response:
    """Keep the consent with whom it is about."""
    notice = _notice(visit)
    if notice is None:
        return errors.not_found(visit)
    reader, ticket = FormReader(visit.values), visit.values.get("ticket", "")
    text = notice.texts[notice_language(visit)]
    read = end_reading(visit.house, visit.customer_id, text.sha256, ticket)
    key, partner_id = reader.idempotency_key(), _partner(reader)
    if read is None or key is None:
        reader.refuse("form", "form.stale")
        return await _show(visit, reader)
    if partner_id is None:
        return await _show(visit, reader, ticket=ticket)
    wish = Wish(
        customer_id=visit.customer_id,
        notice_code=notice.code,
        notice_version=notice.version,
        choice=Choice.GIVEN,
        is_preselected=False,
        display=display_of(text.language, text.sha256, read),
        authentication=authentication_of(visit),
        channel=_CHANNEL,
    )
    outcome = await journey.agree_and_name(
        visit.house, wish, partner_id=partner_id, idempotency_key=key
    )
    if isinstance(outcome, Refused):
        reader.refuse("partner", "form.refused", text=visit.refusal(outcome))
        is_early = outcome.code == CONSENT_DWELL_TOO_SHORT.code
        return await _show(visit, reader, ticket=ticket if is_early else "")
    return visit.go("/household?done=household_named")


def _partner(reader: FormReader) -> int | None:
    """Return the customer number that was typed."""
    typed = reader.text("partner", length_max=_LENGTH_MAX)
    if typed is None:
        return None
    try:
        return ids.from_text(ids.CUSTOMER, typed)
    except ids.InvalidIdError:
        reader.refuse("partner", "household.not_a_number")
        return None


async def _show(visit: Visit, reader: FormReader | None = None, *, ticket: str = "") -> Response:
    notice = _notice(visit)
    if notice is None:
        return errors.not_found(visit)
    text = notice.texts[notice_language(visit)]
    title, parts = parts_of(text.text)
    named = await journey.named_by(visit.house, visit.customer_id)
    view = HouseholdView(
        form=visit.form("/household", reader),
        ticket=ticket or begin_reading(visit.house, visit.customer_id, text.sha256),
        language="zh-CN" if text.language == "zh" else "en",
        parts=[(title, ""), *parts],
        reading=visit.t("draw.reading", count=-(-notice.reading_ms_min // _MS)),
        own_number=visit.customer,
        rows=[
            NamedRow(
                partner=ids.to_text(ids.CUSTOMER, one.partner_id),
                day=visit.formats.day_of(one.said_at),
                status=visit.status("household_state", one.state, _TONES),
                consent_href=f"/portal/consents/{ids.to_text(ids.CONSENT, one.consent_id)}",
            )
            for one in named
        ],
        done=visit.done("household_named"),
    )
    status = 422 if view.form.errors else 200
    return visit.page("me/household.html", visit.t("household.title"), view, status=status)


def _notice(visit: Visit) -> Notice | None:
    """Return the notice in force; None where this lender asks for no households."""
    current: Notice | None = visit.house.notices.current(
        journey.NOTICE, day_of(visit.house.leaves.now())
    )
    return current


PAGES: Final = (Page(path="/household", show=show, submit=name),)
