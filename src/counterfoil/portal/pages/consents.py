"""Consents: what the customer agreed to, for whom, until when; withdrawing and confirming again.

Withdrawing takes what giving takes: the page with the words, and one press. It shows before what
stops and what law still keeps. The reading time of a confirmation is measured here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from starlette.responses import Response

from counterfoil.consents.consent import Consent
from counterfoil.consents.iso27560 import Source
from counterfoil.consents.notice import Level, Notice
from counterfoil.consents.record import Authentication, Display
from counterfoil.consents.refusals import NOTICE_TEXT_MISMATCH
from counterfoil.consents.state import Status as ConsentStatus
from counterfoil.journeys.consenting import consent as journey
from counterfoil.journeys.consenting.consent_records import consequences
from counterfoil.journeys.contracting.reading_time import ReadingTime, begin_reading, end_reading
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Event, Form, Status
from counterfoil.portal.page import Page
from counterfoil.portal.pages import errors
from counterfoil.portal.visit import Visit
from counterfoil.portal.words import CONSENT_TONES, notice_language, party_name

_CHANNEL: Final = "portal"
_MS: Final = 1_000
_SECONDS_PER_DAY: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRow:
    """One consent of the list."""

    href: str
    purpose: str
    recipient: str
    until: str
    uses: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentsView:
    """Everything a customer agreed to or refused."""

    running: Sequence[ConsentRow]
    ended: Sequence[ConsentRow]
    #: Purpose and day of what was refused.
    refused: Sequence[tuple[str, str]]
    done: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentView:
    """One consent with its words, its events and what can be done."""

    facts: Sequence[tuple[str, str]]
    status: Status
    #: Language, title and parts of the text as it was shown.
    language: str
    title: str
    parts: Sequence[tuple[str, str]]
    events: Sequence[Event]
    receipt_href: str
    #: What ends with a withdrawal, and what law keeps; empty where it has ended already.
    stops: str
    keeps: str
    withdraw: Form | None
    confirm: Form | None
    done: str


async def show_list(visit: Visit) -> Response:
    """Show all consents, the running ones first."""
    consents, refused = await journey.consents_of(visit.house, visit.customer_id)
    rows = [(one.status is ConsentStatus.GIVEN, _row(visit, one)) for one in consents]
    view = ConsentsView(
        running=[row for is_running, row in rows if is_running],
        ended=[row for is_running, row in rows if not is_running],
        refused=[
            (
                _purpose(visit, one.notice_code, one.notice_version, one.notice_code),
                visit.formats.day_of(_at(one.decided_at)),
            )
            for one in refused
        ],
        done=visit.done("consent_withdrawn") or visit.done("consent_confirmed"),
    )
    return visit.page("consents/list.html", visit.t("consent.list_title"), view)


async def show_consent(visit: Visit) -> Response:
    """Show one consent."""
    return await _show(visit)


async def act(visit: Visit) -> Response:
    """Withdraw a consent, or confirm it once more."""
    found = await _source(visit)
    if found is None:
        return errors.not_found(visit)
    reader = FormReader(visit.values)
    key = reader.idempotency_key()
    if key is None:
        return await _show(visit, reader)
    if visit.values.get("act") == "confirm":
        outcome, done = await _confirm(visit, found, key), "consent_confirmed"
    else:
        outcome, done = (
            await journey.withdraw(
                visit.house,
                customer_id=visit.customer_id,
                consent_id=found.consent.consent_id,
                channel=_CHANNEL,
                idempotency_key=key,
            ),
            "consent_withdrawn",
        )
    if isinstance(outcome, Refused):
        reader.refuse("form", "form.refused", text=visit.refusal(outcome))
        return await _show(visit, reader)
    return visit.go(f"/consents/{ids.to_text(ids.CONSENT, found.consent.consent_id)}?done={done}")


async def _confirm(visit: Visit, found: Source, key: str) -> object:
    notice = _current(visit, found.consent)
    if notice is None:
        return refuse(NOTICE_TEXT_MISMATCH)
    text = notice.texts[notice_language(visit)]
    ticket = visit.values.get("ticket", "")
    read = end_reading(visit.house, visit.customer_id, text.sha256, ticket)
    if read is None:
        return refuse(NOTICE_TEXT_MISMATCH)
    return await journey.reconfirm(
        visit.house,
        customer_id=visit.customer_id,
        consent_id=found.consent.consent_id,
        display=display_of(text.language, text.sha256, read),
        authentication=authentication_of(visit),
        channel=_CHANNEL,
        idempotency_key=key,
    )


def display_of(language: str, text_sha256: bytes, read: ReadingTime) -> Display:
    """Return what was shown and for how long, as it was measured here."""
    return Display(
        language=language,
        text_sha256=text_sha256,
        screen_sha256=read.screen_sha256,
        dwell_ms=read.dwell_ms,
    )


def authentication_of(visit: Visit) -> Authentication:
    """Return how the customer of this visit was recognised: by the code of the sign-in."""
    session = visit.session
    assert session is not None, "the page asks for a session"
    assert session.opened_at is not None, "a session that is in use was opened"
    evidence = f"portal session {session.customer_id} {session.session_id}"
    return Authentication(
        method="one_time_code",
        level=Level.SUBSTANTIAL,
        at=int(session.opened_at.timestamp()),
        evidence_sha256=sha256(evidence.encode()).digest(),
    )


async def _show(visit: Visit, reader: FormReader | None = None) -> Response:
    found = await _source(visit)
    if found is None:
        return errors.not_found(visit)
    consent, path = found.consent, visit.request.url.path.removeprefix("/portal")
    is_running = consent.status is ConsentStatus.GIVEN
    # Used up or over, it can still be taken back: what was obtained under it is then not used.
    can_withdraw = consent.status is not ConsentStatus.WITHDRAWN
    stops, keeps = _consequences(visit, consent) if can_withdraw else ("", "")
    title, parts = parts_of(found.text.text)
    view = ConsentView(
        facts=_facts(visit, found),
        status=visit.status("consent_status", consent.status.value, CONSENT_TONES),
        language="zh-CN" if consent.language == "zh" else "en",
        title=title,
        parts=parts,
        events=[
            Event(
                at=visit.formats.instant(_at(one.at)),
                at_machine=_at(one.at).isoformat(),
                text=visit.word("consent_event", one.kind.value)
                if one.use_no is None
                else visit.t("consent.use_no", number=one.use_no),
                note=_by(visit, one.by),
            )
            for one in reversed(found.events)
        ],
        receipt_href=f"/portal/receipts/{ids.to_text(ids.LEAF, consent.leaf_id)}",
        stops=stops,
        keeps=keeps,
        withdraw=visit.form(path, reader) if can_withdraw else None,
        confirm=_confirm_form(visit, consent, path) if is_running else None,
        done=visit.done("consent_withdrawn") or visit.done("consent_confirmed"),
    )
    name = _purpose(visit, consent.notice_code, consent.notice_version, consent.purpose)
    title = name[:1].upper() + name[1:]
    return visit.page(
        "consents/consent.html", title, view, status=422 if reader and reader.errors else 200
    )


def _by(visit: Visit, by: str) -> str:
    """Return through what something happened; nothing where it names a program or a person."""
    key = f"channel.{by.partition(':')[0]}"
    return visit.t(key) if visit.catalogue.has(key) else ""


def _consequences(visit: Visit, consent: Consent) -> tuple[str, str]:
    """Return what stops and what law keeps in the reader's language, where the notice has it."""
    notice = visit.house.notices.version(consent.notice_code, consent.notice_version)
    text = notice and notice.texts.get(notice_language(visit))
    if not text:
        return consequences(visit.house, consent)
    return text.parts["stops"], text.parts["keeps"]


def _confirm_form(visit: Visit, consent: Consent, path: str) -> Form | None:
    """Return the form that confirms, with the ticket of the text that stands on this page."""
    notice = _current(visit, consent)
    if notice is None or notice.version != consent.notice_version:
        return None
    text = notice.texts[notice_language(visit)]
    if text.language != consent.language:
        return None
    return visit.form(path, ticket=begin_reading(visit.house, visit.customer_id, text.sha256))


def _current(visit: Visit, consent: Consent) -> Notice | None:
    found: Notice | None = visit.house.notices.current(
        consent.notice_code, _at(visit.house.leaves.now()).date()
    )
    return found


async def _source(visit: Visit) -> Source | None:
    number = visit.number(ids.CONSENT)
    if number is None:
        return None
    found = await journey.read_source(visit.house, customer_id=visit.customer_id, consent_id=number)
    return None if isinstance(found, Refused) else found


def _row(visit: Visit, consent: Consent) -> ConsentRow:
    return ConsentRow(
        href=f"/portal/consents/{ids.to_text(ids.CONSENT, consent.consent_id)}",
        purpose=_purpose(visit, consent.notice_code, consent.notice_version, consent.purpose),
        recipient=party_name(visit, consent.recipient),
        until=visit.t("consent.until", day=visit.formats.day_of(_at(consent.not_after))),
        uses=_uses(visit, consent),
        status=visit.status("consent_status", consent.status.value, CONSENT_TONES),
    )


def _facts(visit: Visit, found: Source) -> list[tuple[str, str]]:
    consent, f, t = found.consent, visit.formats, visit.t
    shown = t(
        "consent.dwell_of",
        seconds=found.decision.dwell_ms // _MS,
        least=found.decision.reading_ms_min // _MS,
    )
    window = " – ".join(f.day_of(_at(end)) for end in (consent.not_before, consent.not_after))
    return [
        (t("consent.recipient"), party_name(visit, consent.recipient)),
        (t("consent.given_at"), f.instant(_at(consent.created))),
        (t("consent.valid"), window),
        (t("consent.uses"), _uses(visit, consent)),
        (t("consent.data_life"), t("consent.days", days=consent.data_life_days)),
        (t("consent.read"), shown),
    ]


def _uses(visit: Visit, consent: Consent) -> str:
    uses, most = consent.state.uses, consent.uses_max
    if consent.period_seconds is None:
        return visit.t("consent.uses_of", uses=uses, most=most)
    days = consent.period_seconds // _SECONDS_PER_DAY
    return visit.t("consent.uses_period_of", uses=uses, most=most, days=days)


def _purpose(visit: Visit, code: str, version: int, otherwise: str) -> str:
    """Return the purpose as the notice words it in the reader's language."""
    notice = visit.house.notices.version(code, version)
    return otherwise if notice is None else str(notice.texts[notice_language(visit)].purpose)


def parts_of(text: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the title and the parts of a text as it was shown."""
    title, *blocks = text.strip().split("\n\n")
    parts = [block.partition("\n") for block in blocks]
    return title, [(heading, paragraph) for heading, _, paragraph in parts]


def _at(posix_seconds: int) -> datetime:
    return datetime.fromtimestamp(posix_seconds, UTC)


PAGES: Final = (
    Page(path="/consents", show=show_list, act="consents"),
    Page(path="/consents/{record}", show=show_consent, submit=act, act="consents"),
)
