"""Consents: who agreed to what, for whom, until when; each with its text, events and receipt."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from counterfoil.console import words
from counterfoil.console.access import Permission
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.pages.lines import ActionLink
from counterfoil.console.pages.loans import done_notice
from counterfoil.console.reading import PART_ROWS, READING
from counterfoil.console.visit import Visit
from counterfoil.kernel import ids
from counterfoil.platform.queries import Row
from counterfoil.platform.web.parts import Event, Status

#: Newest consents on the page of all customers.
NEWEST_SHOWN: Final = 60
_SECONDS_PER_DAY: Final = 86_400
_MS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRow:
    """One consent of a list."""

    href: str
    record: str
    customer: str
    customer_href: str
    purpose: str
    recipient: str
    uses: str
    valid_to: str
    given_at: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRow:
    """One notice that the customer refused."""

    notice: str
    decided_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentListView:
    """Consents of one customer, or the newest of all."""

    #: Empty on the page of all customers.
    customer: str
    customer_href: str
    rows: Sequence[ConsentRow]
    refused: Sequence[RefusedRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentPageView:
    """One consent."""

    record: str
    customer: str
    customer_href: str
    list_href: str
    status: Status
    facts: Sequence[tuple[str, str, str]]
    #: Name and text of what proves the consent: its leaf, hashes.
    hashes: Sequence[tuple[str, str]]
    language: str
    title: str
    #: Heading and paragraph of each part of the exact text.
    parts: Sequence[tuple[str, str]]
    events: Sequence[Event]
    withdraw: ActionLink
    done: str


async def show_newest(visit: Visit) -> Response:
    """Show the consents that were given last, of all customers."""
    async with visit.reading() as connection:
        rows = await READING.newest_consents.fetch(connection, page=NEWEST_SHOWN)
    view = ConsentListView(
        customer="",
        customer_href="",
        rows=[_row(visit, row) for row in rows],
        refused=[],
    )
    return visit.page(
        "consents/list.html",
        visit.t("nav.consents"),
        view,
        journey="console.reading.newest_consents",
    )


async def show_of_customer(visit: Visit) -> Response:
    """Show what one customer agreed to and refused."""
    customer_id = _number(visit, ids.CUSTOMER, "customer")
    if customer_id is None:
        return await errors.not_found(visit)
    async with visit.reading() as connection:
        if await READING.customer.fetchrow(connection, customer_id=customer_id) is None:
            return await errors.not_found(visit)
        of_customer = {"customer_id": customer_id, "page": PART_ROWS}
        rows = await READING.consents_of_customer.fetch(connection, **of_customer)
        refused = await READING.consents_refused.fetch(connection, **of_customer)
    record = ids.to_text(ids.CUSTOMER, customer_id)
    view = ConsentListView(
        customer=record,
        customer_href=words.customer_href(customer_id),
        rows=[_row(visit, row) for row in rows],
        refused=[
            RefusedRow(
                notice=_notice(visit, row),
                decided_at=visit.formats.instant(row["decided_at"]),
            )
            for row in refused
        ],
    )
    return visit.page(
        "consents/list.html",
        visit.t("consent.of_customer", record=record),
        view,
        journey="console.reading.consents_of_customer",
        api_call=f"GET /v1/consents?customer_id={record}",
    )


async def show_consent(visit: Visit) -> Response:
    """Show one consent."""
    customer_id = _number(visit, ids.CUSTOMER, "customer")
    consent_id = _number(visit, ids.CONSENT, "consent")
    if customer_id is None or consent_id is None:
        return await errors.not_found(visit)
    of_consent = {"customer_id": customer_id, "consent_id": consent_id}
    async with visit.reading() as connection:
        row = await READING.consent.fetchrow(connection, **of_consent)
        if row is None:
            return await errors.not_found(visit)
        events = await READING.consent_events.fetch(connection, page=PART_ROWS, **of_consent)
    record = ids.to_text(ids.CONSENT, consent_id)
    customer = ids.to_text(ids.CUSTOMER, customer_id)
    title, parts = _parts(row["text"])
    view = ConsentPageView(
        record=record,
        customer=customer,
        customer_href=words.customer_href(customer_id),
        list_href=words.consents_href(customer_id),
        status=visit.status("consent_status", row["status"], words.CONSENT_TONES),
        facts=_facts(visit, row),
        hashes=[
            (visit.t("consent.leaf"), ids.to_text(ids.LEAF, row["leaf_id"])),
            (visit.t("consent.record_hash"), visit.known_by_all(row["sha256"].hex())),
            (visit.t("consent.text_hash"), row["text_sha256"].hex()),
            (visit.t("consent.screen_hash"), visit.known_by_all(row["screen_sha256"].hex())),
        ],
        language="zh-CN" if row["language"] == "zh" else "en",
        title=title,
        parts=parts,
        events=[_event(visit, item) for item in events],
        withdraw=_withdraw(visit, row, words.consent_href(customer_id, consent_id)),
        done=done_notice(visit),
    )
    return visit.page(
        "consents/consent.html",
        visit.t("consent.title", record=record),
        view,
        journey="console.reading.consent",
        api_call=f"GET /v1/consents/{record}/record?customer_id={customer}",
    )


def _withdraw(visit: Visit, row: Row, href: str) -> ActionLink:
    why_not = ""
    if not visit.may(Permission.WITHDRAW_CONSENT):
        why_not = visit.t("access.role_may_not")
    elif row["status"] == "withdrawn":
        why_not = visit.t("line.not_in_state")
    return ActionLink(label=visit.t("consent.withdraw"), href=f"{href}/withdraw", why_not=why_not)


def _number(visit: Visit, prefix: str, name: str) -> int | None:
    try:
        return ids.from_text(prefix, visit.request.path_params[name])
    except ids.InvalidIdError:
        return None


def _row(visit: Visit, row: Row) -> ConsentRow:
    f, customer_id, consent_id = visit.formats, row["customer_id"], row["consent_id"]
    return ConsentRow(
        href=words.consent_href(customer_id, consent_id),
        record=f.record(ids.CONSENT, consent_id),
        customer=f.record(ids.CUSTOMER, customer_id),
        customer_href=words.customer_href(customer_id),
        purpose=_purpose(visit, row),
        recipient=_name(visit, row["recipient"]),
        uses=_uses(visit, row),
        valid_to=f.instant(row["valid_to"]),
        given_at=f.instant(row["given_at"]),
        status=visit.status("consent_status", row["status"], words.CONSENT_TONES),
    )


def _facts(visit: Visit, row: Row) -> list[tuple[str, str, str]]:
    """Return name, text and address of each fact."""
    f, t = visit.formats, visit.t
    application = row["application_id"]
    about = "—" if application is None else ids.to_text(ids.APPLICATION, application)
    href = "" if application is None else words.application_href(row["customer_id"], application)
    shown = t(
        "consent.dwell_of",
        seconds=f.count(row["dwell_ms"] // _MS),
        least=f.count(row["reading_ms_min"] // _MS),
    )
    method = words.code_label(visit, "authentication_method", row["method"])
    recognised = words.code_label(visit, "consent_level", row["level"])
    number = base64.urlsafe_b64encode(row["record_id"]).decode().rstrip("=")
    return [
        (t("consent.purpose"), _purpose(visit, row), ""),
        (t("consent.recipient"), _recipient(visit, row["recipient"]), ""),
        (t("consent.notice"), _notice(visit, row), ""),
        (t("consent.uses"), _uses(visit, row), ""),
        (t("consent.valid_from"), f.instant(row["valid_from"]), ""),
        (t("consent.valid_to"), f.instant(row["valid_to"]), ""),
        (t("consent.data_life"), t("consent.days_of", days=f.count(row["data_life_days"])), ""),
        (t("consent.application"), about, href),
        (t("consent.dwell"), shown, ""),
        (t("consent.authentication"), f"{recognised} · {method}", ""),
        (t("consent.channel"), words.code_label(visit, "channel", row["channel"]), ""),
        (t("consent.record"), visit.known_by_all(number), ""),
        (t("consent.withdrawn_at"), f.instant(row["withdrawn_at"]), ""),
    ]


def _purpose(visit: Visit, row: Row) -> str:
    """Return the purpose as the notice words it in the reader's language."""
    notice = visit.desk.house.notices.version(row["notice_code"], row["notice_version"])
    text: str = row["purpose"] if notice is None else notice.texts[_language(visit)].purpose
    return text


def _name(visit: Visit, legal_id: str) -> str:
    party: Any = visit.desk.house.notices.party_of(legal_id)
    return legal_id if party is None else str(party.name(_language(visit)))


def _recipient(visit: Visit, legal_id: str) -> str:
    name = _name(visit, legal_id)
    return legal_id if name == legal_id else f"{name} ({legal_id})"


def _language(visit: Visit) -> str:
    return "zh" if visit.catalogue.language == "zh-CN" else "en"


def _notice(visit: Visit, row: Row) -> str:
    return visit.t("consent.version_of", notice=row["notice_code"], version=row["notice_version"])


def _uses(visit: Visit, row: Row) -> str:
    f, values = visit.formats, {"uses": row["uses"], "most": row["uses_max"]}
    if row["period_seconds"] is None:
        return visit.t("consent.uses_of", **values)
    days = f.count(row["period_seconds"] // _SECONDS_PER_DAY)
    return visit.t("consent.uses_period_of", days=days, **values)


def _parts(text: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the title and the parts of a text as it was shown."""
    title, *blocks = text.strip().split("\n\n")
    parts = [block.partition("\n") for block in blocks]
    return title, [(heading, paragraph) for heading, _, paragraph in parts]


def _event(visit: Visit, row: Row) -> Event:
    use = "" if row["use_no"] is None else f" {row['use_no']}"
    return Event(
        at=visit.formats.instant(row["at"]),
        at_machine=row["at"].isoformat(),
        text=words.code_label(visit, "consent_event", row["kind"]) + use,
        note=words.code_label(visit, "channel", row["done_by"]),
    )


PAGES: Final = (
    Page(path="/consents", show=show_newest),
    Page(path="/customers/{customer}/consents", show=show_of_customer),
    Page(path="/customers/{customer}/consents/{consent}", show=show_consent),
)
