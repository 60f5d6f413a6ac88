"""What a customer has set: of the person, of every line, the mandates, debits and the history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter, itemgetter
from typing import Any, Final

from starlette.responses import Response

from counterfoil.console import words
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.pages.messages import subject_of, tried_words
from counterfoil.console.reading import PART_ROWS, READING
from counterfoil.console.visit import Visit
from counterfoil.customers import message_store
from counterfoil.customers.setting import SettingChange
from counterfoil.journeys.guarding.show_persons import reading_for
from counterfoil.journeys.serving.read_settings import read_debits, read_history, read_settings
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError
from counterfoil.platform.queries import Row
from counterfoil.platform.web.parts import Status

_DEBITED: Final = itemgetter("line_id")
_NEWEST: Final = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSettings:
    """What is set of one line."""

    href: str
    record: str
    repayment_day: str
    changes_left: str
    own_cap: str
    auto_debit: str
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DebitRow:
    """One presentation to the customer's bank."""

    record: str
    due_on: str
    presentation_no: int
    amount: str
    value_date: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """One change that was carried out."""

    record: str
    setting: str
    before: str
    after: str
    channel: str
    factor: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRow:
    """One message to the customer."""

    record: str
    kind: str
    at: str
    tried: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsPageView:
    """The settings of one customer."""

    customer: str
    customer_href: str
    facts: Sequence[tuple[str, str]]
    lines: Sequence[LineSettings]
    debits: Sequence[DebitRow]
    changes: Sequence[ChangeRow]
    messages: Sequence[MessageRow]


async def show(visit: Visit) -> Response:
    """Show what a customer has set, with its history."""
    try:
        customer_id = ids.from_text(ids.CUSTOMER, visit.request.path_params["customer"])
    except ids.InvalidIdError:
        return await errors.not_found(visit)
    async with visit.reading() as connection:
        if await READING.customer.fetchrow(connection, customer_id=customer_id) is None:
            return await errors.not_found(visit)
    house = visit.desk.house
    async with house.database.connection() as connection:
        told = await message_store.read_messages(
            connection, customer_id, before=_NEWEST, page=PART_ROWS
        )
    reading, notice = reading_for(visit.actor), ""
    try:
        found = await read_settings(house, customer_id=customer_id, reading=reading)
    except RefusedError as error:
        # The page goes on without addresses, and says why.
        notice = words.refusal_text(visit, error.refused)
        found = await read_settings(house, customer_id=customer_id, reading=None)
    if isinstance(found, Refused):
        return await errors.not_found(visit)
    history = await read_history(house, customer_id=customer_id, before=_NEWEST, page=PART_ROWS)
    debits = await read_debits(house, customer_id=customer_id, page=PART_ROWS)
    lines = await visit.of_lines(found["lines"], customer_id, _line_of)
    record = found["customer_id"]
    view = SettingsPageView(
        customer=record,
        customer_href=words.customer_href(customer_id),
        facts=_facts(visit, found, notice),
        lines=[_line(visit, customer_id, line) for line in lines],
        debits=[_debit(visit, row) for row in await visit.of_lines(debits, customer_id, _DEBITED)],
        changes=[
            _change(visit, one)
            for one in await visit.of_lines(history, customer_id, attrgetter("line_id"))
        ],
        messages=[_message(visit, row) for row in told],
    )
    return visit.page(
        "customers/settings.html",
        visit.t("setting.title", record=record),
        view,
        journey="journeys.serving.read_settings",
        api_call=f"GET /v1/settings?customer_id={record}",
        cli_call=f"counterfoil settings {record}",
    )


def _line_of(line: Mapping[str, Any]) -> int:
    return ids.from_text(ids.LINE, line["line_id"])


def _facts(visit: Visit, found: Mapping[str, Any], notice: str) -> list[tuple[str, str]]:
    label, t = visit.catalogue.label, visit.t
    channels = ", ".join(label("setting_channel", code) for code in found["channels"])
    return [
        (t("setting.language"), label("signed_language", found["language"])),
        (t("setting.channels"), channels),
        (t("setting.statement_form"), label("statement_form", found["statement_form"])),
        (
            t("message.addresses"),
            ", ".join(
                f"{label('setting_channel', code)} {masked}"
                for code, masked in found["addresses"].items()
            )
            or notice
            or "—",
        ),
    ]


def _line(visit: Visit, customer_id: int, line: Mapping[str, Any]) -> LineSettings:
    f, t, mandate = visit.formats, visit.t, line["auto_debit"]
    number = ids.from_text(ids.LINE, line["line_id"])
    return LineSettings(
        href=words.line_href(customer_id, number),
        record=line["line_id"],
        repayment_day=t("line.day_of_month", day=line["repayment_day"]),
        changes_left=str(line["repayment_day_changes_left"]),
        own_cap=f.money(line["own_cap_minor"], line["currency"]),
        auto_debit=t("setting.until", day=mandate["ends_on"]) if mandate else t("setting.off"),
        account=visit.known_by_all(mandate["account_ref"]) if mandate else "—",
    )


def _debit(visit: Visit, row: Row) -> DebitRow:
    f = visit.formats
    return DebitRow(
        record=ids.to_text(ids.PAYMENT, row["debit_id"]),
        due_on=f.day(row["due_on"]),
        presentation_no=row["presentation_no"],
        amount=f.money(row["amount_minor"], row["currency"]),
        value_date=f.day(row["value_date"]),
        status=visit.status("debit_status", row["status"], words.DEBIT_TONES),
    )


def _change(visit: Visit, one: SettingChange) -> ChangeRow:
    t = visit.t
    return ChangeRow(
        record=ids.to_text(ids.SETTING_REQUEST, one.request_id),
        setting=visit.catalogue.label("setting_kind", one.setting.value),
        before=_value(one.before),
        after=_value(one.after),
        channel=f"{one.channel} {one.device or ''}".strip(),
        factor=t("setting.by_code") if one.second_factor else t("setting.by_effect"),
        at=visit.formats.instant(one.changed_at),
    )


def _message(visit: Visit, row: Row) -> MessageRow:
    return MessageRow(
        record=ids.to_text(ids.MESSAGE, row["message_id"]),
        kind=subject_of(visit, row),
        at=visit.formats.instant(row["created_at"]),
        tried="—" if row["tried"] is None else tried_words(visit, row["tried"]),
        status=visit.status("message_status", row["status"], words.MESSAGE_TONES),
    )


def _value(document: Mapping[str, Any]) -> str:
    """Return what was set, without the names of its members."""
    parts = (
        ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        for value in document.values()
        if value is not None
    )
    return " ".join(parts) or "—"


PAGES: Final = (Page(path="/customers/{customer}/settings", show=show),)
