"""Statements of lines as papers: kept at the end of a month, made into a file, sent to customers.

The way     Whoever wants statements by e-mail or on paper gets that of the month that has ended, as
            a message with the file, and another one where a correction made a new version. At the
            portal and over the API a statement is made when it is asked for.
Invariant   What is sent is kept first, with a leaf, and is the version that was kept. One version
            of a month goes out once, whoever walks at the same time.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final, NamedTuple

import orjson

from counterfoil.contracts.filling import CELL
from counterfoil.contracts.pdf import render
from counterfoil.customers import setting_store
from counterfoil.customers import store as customers
from counterfoil.customers.message import Message
from counterfoil.customers.message_port import Attachment
from counterfoil.customers.setting import Channel, StatementForm
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.house import House
from counterfoil.journeys.serving.tell_customers import queue
from counterfoil.kernel import ids
from counterfoil.kernel.calendar import add_months
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.kernel.language import Language
from counterfoil.lending import paper_store as papers
from counterfoil.lending import store as lending
from counterfoil.lending.cost import canonical
from counterfoil.lending.line import Line
from counterfoil.lending.monthly_statement import LoanBook, statement_hash, statement_of
from counterfoil.lending.paper_store import StoredStatement
from counterfoil.lending.refusals import LINE_NOT_FOUND, STATEMENT_MONTH_OPEN
from counterfoil.lending.statement_text import statement_text
from counterfoil.platform.database import Connection

#: Kinds of the messages that bring a statement.
STATEMENT: Final = "statement"
CORRECTED: Final = "statement_corrected"
#: By what a form of statements is delivered; the others are read where they lie.
CHANNELS: Final = {StatementForm.EMAIL: Channel.EMAIL, StatementForm.PAPER: Channel.LETTER}
PAGE: Final = 100
#: More lines and loans than anybody has.
_LINES_MAX: Final = 100
_LOANS_MAX: Final = 1_000
_PDF: Final = "application/pdf"


class Walk(NamedTuple):
    """How far a walk over those who want statements sent has come."""

    #: Statements that were queued or lay in the queue already.
    queued: int
    #: The customer after whom it goes on; None at the end.
    after: int | None


async def queue_statements(house: House, *, since: datetime | None, after: int) -> Walk:
    """Queue the statements of the month that has ended, for a page of customers.

    `since` names when a form was chosen at the earliest; None asks all.
    """
    on = await house.business_date()
    month = add_months(on.replace(day=1), -1)
    async with house.database.connection() as connection:
        wanted = await setting_store.forms_to_send(connection, since=since, after=after, page=PAGE)
    queued = 0
    for customer_id, form in wanted:
        async with house.database.transaction() as connection:
            queued += await _queue_of_customer(house, connection, customer_id, form, month)
    return Walk(queued, wanted[-1][0] if len(wanted) == PAGE else None)


async def queue_corrected(
    house: House, connection: Connection, statement: StoredStatement, currency: str
) -> None:
    """Queue a corrected statement for a customer who gets statements sent."""
    preference = await setting_store.read_preference(connection, statement.customer_id)
    if preference.statement_form in CHANNELS:
        channel = CHANNELS[preference.statement_form]
        await _queue(house, connection, statement, CORRECTED, channel, currency)


async def statement_for(
    connection: Connection, house: House, line: Line, month: date
) -> StoredStatement:
    """Return the latest version of a month's statement; one that nobody kept yet is made."""
    stored = await papers.read_statements(connection, line.customer_id, line.line_id, month)
    if stored:
        return stored[-1]
    books = [
        LoanBook(
            loan,
            [
                booked.transaction
                for booked in await lending.read_history(connection, loan.customer_id, loan.loan_id)
            ],
            house.catalogue.terms(loan.product_code, loan.product_version),
        )
        for loan in await lending.read_loans_after(
            connection, customer_id=line.customer_id, line_id=line.line_id, page=_LOANS_MAX
        )
    ]
    statement = statement_of(line.line_id, books, month)
    return first_version(
        line.customer_id,
        line.line_id,
        month,
        statement,
        made_on=await house.business_date(),
        made_at=house.clock.now(),
    )


async def statement_file(
    house: House, *, customer_id: int, line_id: int, month: date, language: Language
) -> Attachment | Refused:
    """Return the file of a month's statement as it is known now; nothing is written."""
    on = await house.business_date()
    if month.replace(day=1) >= on.replace(day=1):
        return refuse(STATEMENT_MONTH_OPEN, business_date=on.isoformat())
    async with house.database.connection() as connection:
        line = await lending.read_line(connection, customer_id, line_id)
        if line is None:
            return refuse(LINE_NOT_FOUND)
        statement = await statement_for(connection, house, line, month.replace(day=1))
    return _file(statement, language, line.currency)


async def attachment_of(house: House, message: Message, language: Language) -> Attachment | None:
    """Return what goes with a message: the very version that it tells of; None of other kinds."""
    if message.kind not in (STATEMENT, CORRECTED):
        return None
    said = message.fields
    line_id = ids.from_text(ids.LINE, said["line"])
    month = date.fromisoformat(f"{said['month']}-01")
    async with house.database.connection() as connection:
        stored = await papers.read_statements(connection, message.customer_id, line_id, month)
    (statement,) = (one for one in stored if one.version_no == int(said["version"]))
    return _file(statement, language, said["currency"])


def first_version(
    customer_id: int,
    line_id: int,
    month: date,
    statement: dict[str, object],
    *,
    made_on: date,
    made_at: datetime,
) -> StoredStatement:
    """Return the first version of a month's statement."""
    return StoredStatement(
        customer_id=customer_id,
        line_id=line_id,
        month=month,
        version_no=1,
        reason="month_end",
        cause_id=None,
        statement=canonical(statement).decode(),
        statement_sha256=statement_hash(statement),
        difference=None,
        made_on=made_on,
        made_at=made_at,
    )


async def keep_statement(house: House, connection: Connection, version: StoredStatement) -> None:
    """Keep a version of a statement, with its leaf."""
    await papers.add_statement(connection, version)
    leaf = house.leaves.stage(
        version.customer_id,
        house.ids.next(),
        LeafType.CONTRACT,
        version.line_id,
        {
            "kind": "statement",
            "line_id": ids.to_text(ids.LINE, version.line_id),
            "month": version.month.isoformat()[:7],
            "version": version.version_no,
            "reason": version.reason,
            "statement_sha256": version.statement_sha256.hex(),
        },
    )
    await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])


async def _queue_of_customer(
    house: House, connection: Connection, customer_id: int, form: StatementForm, month: date
) -> int:
    """Keep and queue the statements of a customer's lines; a line without a loan has none."""
    # Walks of two processes wait for each other here: what is kept is kept once.
    await setting_store.lock_person(connection, customer_id)
    if await customers.read_customer(connection, customer_id) is None:
        return 0
    queued = 0
    lines = await lending.read_lines_after(connection, customer_id=customer_id, page=_LINES_MAX)
    for line in lines:
        if line.opened_on >= add_months(month, 1):
            continue
        stored = await papers.read_statements(connection, customer_id, line.line_id, month)
        statement = stored[-1] if stored else await statement_for(connection, house, line, month)
        if not orjson.loads(statement.statement)["loans"]:
            continue
        if not stored:
            await keep_statement(house, connection, statement)
        channel = CHANNELS[form]
        await _queue(house, connection, statement, STATEMENT, channel, line.currency)
        queued += 1
    return queued


async def _queue(
    house: House,
    connection: Connection,
    statement: StoredStatement,
    kind: str,
    channel: Channel,
    currency: str,
) -> None:
    totals: Mapping[str, Any] = orjson.loads(statement.statement)["totals"]
    line = ids.to_text(ids.LINE, statement.line_id)
    month = statement.month.isoformat()[:7]
    paid = ("principal_paid_minor", "interest_paid_minor", "penalty_paid_minor", "fees_paid_minor")
    fields = {
        "form": channel.value,
        "line": line,
        "month": month,
        "version": statement.version_no,
        "currency": currency,
        "closing_minor": totals["closing_principal_minor"],
        "paid_minor": sum(totals[name] for name in paid),
        "unpaid_minor": totals["due_unpaid_minor"],
    }
    # A month is told of once, in whichever version it is by then; corrections one by one.
    cause = f"{line} {month}" if kind == STATEMENT else f"{line} {month} {statement.version_no}"
    await queue(connection, house, statement.customer_id, kind, cause, fields)


def _file(statement: StoredStatement, language: Language, currency: str) -> Attachment:
    blocks = statement_text(
        orjson.loads(statement.statement),
        language,
        currency=currency,
        version_no=statement.version_no,
    )
    text = "\n".join(one if isinstance(one, str) else CELL.join(one) for one in blocks)
    line = ids.to_text(ids.LINE, statement.line_id)
    name = f"statement-{line}-{statement.month.isoformat()[:7]}-v{statement.version_no}.pdf"
    return Attachment(name, _PDF, render(text))
