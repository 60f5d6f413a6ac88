"""What the customer was told, and statements to read and keep."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import orjson
from starlette.responses import Response

from counterfoil.customers import message_store
from counterfoil.customers.message import load_texts
from counterfoil.journeys.borrowing.statement_papers import statement_file
from counterfoil.journeys.serving.reached import reached_person
from counterfoil.kernel import ids
from counterfoil.kernel.calendar import add_months, read_day
from counterfoil.kernel.errors import Refused
from counterfoil.lending import paper_store, store
from counterfoil.lending.line import Line
from counterfoil.platform.access_matrix import reading
from counterfoil.platform.queries import Row
from counterfoil.platform.web.parts import Status
from counterfoil.portal.page import Page
from counterfoil.portal.pages import errors
from counterfoil.portal.visit import Visit

MESSAGES_SHOWN: Final = 50
LINES_SHOWN: Final = 20
#: Three years of months; older ones are asked of the lender.
MONTHS_SHOWN: Final = 36
_NEWEST: Final = 2**63 - 1
_TONES: Final = {"delivered": "good", "sent": "good", "undeliverable": "bad"}
_PDF: Final = "application/pdf"
_MONTH_LENGTH: Final = len("2026-03")


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRow:
    """One message."""

    at: str
    subject: str
    body: str
    status: Status
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesView:
    """What was told, newest first."""

    rows: Sequence[MessageRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthRow:
    """The statement of one month."""

    month: str
    href: str
    #: Empty where nothing was corrected.
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineStatements:
    """The statements of one line."""

    line: str
    months: Sequence[MonthRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementsView:
    """The statements of all lines."""

    lines: Sequence[LineStatements]


async def show_messages(visit: Visit) -> Response:
    """Show what the customer was told, by which channel, and whether it arrived."""
    async with visit.reading() as connection:
        found = await message_store.read_messages(
            connection, visit.customer_id, before=_NEWEST, page=MESSAGES_SHOWN
        )
        person = await reached_person(
            connection, visit.house.vault, visit.customer_id, reading("message")
        )
    view = MessagesView(rows=[_message(visit, row, person.name) for row in found])
    return visit.page("told/messages.html", visit.t("told.title"), view)


async def show_statements(visit: Visit) -> Response:
    """Show which months have statements."""
    today = await visit.house.business_date()
    shown = []
    async with visit.reading() as connection:
        lines = await store.read_lines_after(
            connection, customer_id=visit.customer_id, page=LINES_SHOWN
        )
        for line in lines:
            kept = await paper_store.read_statements(connection, visit.customer_id, line.line_id)
            versions = {one.month: one.version_no for one in kept}
            shown.append(_line(visit, line, versions, today))
    view = StatementsView(lines=[one for one in shown if one.months])
    return visit.page("told/statements.html", visit.t("told.statements"), view)


async def send_statement(visit: Visit) -> Response:
    """Send the statement of a month as a file."""
    number, text = visit.number(ids.LINE), visit.request.path_params["month"]
    try:
        month = read_day(f"{text}-01") if len(text) == _MONTH_LENGTH else None
    except ValueError:
        month = None
    if number is None or month is None:
        return errors.not_found(visit)
    found = await statement_file(
        visit.house,
        customer_id=visit.customer_id,
        line_id=number,
        month=month,
        language=visit.language,
    )
    if isinstance(found, Refused):
        return errors.refused(visit, found)
    headers = {"content-disposition": f'attachment; filename="{found.name}"'}
    return Response(found.content, media_type=_PDF, headers=headers)


def _message(visit: Visit, row: Row, name: str) -> MessageRow:
    fields = orjson.loads(row["fields"])
    text = load_texts().render_fields(row["kind"], fields, visit.language, name=name)
    by = row["sent_by"]
    return MessageRow(
        at=visit.formats.instant(row["created_at"]),
        subject=text.subject,
        body=text.body,
        status=visit.status("message_status", row["status"], _TONES),
        by="" if by is None else visit.word("notice_channel", by),
    )


def _line(visit: Visit, line: Line, versions: Mapping[date, int], today: date) -> LineStatements:
    months: list[MonthRow] = []
    month = add_months(today.replace(day=1), -1)
    record = ids.to_text(ids.LINE, line.line_id)
    while month >= line.opened_on.replace(day=1) and len(months) < MONTHS_SHOWN:
        version = versions.get(month, 1)
        text = month.isoformat()[:_MONTH_LENGTH]
        months.append(
            MonthRow(
                month=text,
                href=f"/portal/statements/{record}/{text}.pdf",
                note="" if version == 1 else visit.t("told.corrected", version=version),
            )
        )
        month = add_months(month, -1)
    return LineStatements(line=record, months=months)


PAGES: Final = (
    Page(path="/messages", show=show_messages),
    Page(path="/statements", show=show_statements),
    Page(path="/statements/{record}/{month}.pdf", show=send_statement),
)
