"""Customers: found by what is posted, shown masked, with lines, loans and one timeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from counterfoil.console import words
from counterfoil.console.access import Permission
from counterfoil.console.frame import BASE
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.pages.applications import ApplicationRow, application_row
from counterfoil.console.pages.lines import LineRow, line_row
from counterfoil.console.pages.loans import LoanRow, loan_row
from counterfoil.console.pages.search import hint_of
from counterfoil.console.reading import PART_ROWS, READING
from counterfoil.console.record_list import one_currency
from counterfoil.console.visit import Counted, Visit
from counterfoil.customers.link_store import read_people, read_steps
from counterfoil.customers.record_link import LinkStep, Step
from counterfoil.journeys.guarding.show_persons import sees_persons, shown_persons
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError
from counterfoil.platform.queries import Row
from counterfoil.platform.read_acts import reads_for
from counterfoil.platform.web.parts import Event, Form, Status
from counterfoil.privacy.person_store import SHOWN_FIELDS, MaskedPerson
from counterfoil.privacy.refusals import PERSONAL_DATA_NOT_FOUND

#: Newest customers on the page that also finds them.
NEWEST_SHOWN: Final = 20
EVENTS_SHOWN: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonView:
    """A person, masked; empty texts where the vault has none or cannot be asked."""

    name: str
    id_number: str
    phone: str
    notice: str
    #: How the name is to be taken: masked, or another one.
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerRow:
    """One customer of a list."""

    href: str
    record: str
    name: str
    #: Why there is no name; empty where there is one.
    not_shown: str
    since: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerListView:
    """The search, and who came last."""

    form: Form
    #: What may be typed.
    hint: str
    caption: str
    #: What the column with the names is called.
    name_label: str
    #: How names are to be taken.
    note: str
    rows: Sequence[CustomerRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRow:
    """One step of a link with another record of the same person."""

    at: str
    step: Status
    given: str
    given_href: str
    surviving: str
    surviving_href: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerView:
    """One customer."""

    record: str
    person: PersonView
    #: Where the person is seen in clear; empty where the role may not.
    reveal_href: str
    #: Where receipts, inquiries and capacity are; all empty where the role may not, receipts also
    #: for who sees pseudonyms.
    receipts_href: str
    inquiries_href: str
    capacity_href: str
    status: Status
    facts: Sequence[tuple[str, str]]
    currency: str
    #: None for who reads nothing that decisions are made on.
    applications: Sequence[ApplicationRow] | None
    lines: Sequence[LineRow]
    loans: Sequence[LoanRow]
    links: Sequence[LinkRow]
    #: Where the record is merged, or split off again; empty where the role may not.
    merge_href: str
    #: Whether it gave way to another one now.
    is_merged: bool
    #: What was just done.
    done: str
    #: What happened, looks in clear among it; None for who reads not all of that.
    events: Sequence[Event] | None


async def show_list(visit: Visit) -> Response:
    """Show the form that finds customers, and the newest ones."""
    async with visit.reading() as connection:
        rows = await READING.newest_customers.fetch(connection, page=NEWEST_SHOWN)
    is_named = sees_persons(visit.actor)
    people = await _shown(visit, [row["customer_id"] for row in rows], ("name",))
    view = CustomerListView(
        form=visit.form(f"{BASE}/search"),
        hint=hint_of(visit),
        caption=visit.t("customer.caption") if is_named else visit.t("customer.pseudonym_caption"),
        name_label=visit.t("customer.name") if is_named else visit.t("customer.pseudonym"),
        note=_note(visit),
        rows=[_row(visit, row, people[row["customer_id"]]) for row in rows],
    )
    return visit.page(
        "customers/list.html",
        visit.t("nav.customers"),
        view,
        journey="console.reading.newest_customers",
    )


async def show_customer(visit: Visit) -> Response:
    """Show one customer."""
    try:
        customer_id = ids.from_text(ids.CUSTOMER, visit.request.path_params["customer"])
    except ids.InvalidIdError:
        return await errors.not_found(visit)
    async with visit.reading() as connection:
        row = await READING.customer.fetchrow(connection, customer_id=customer_id)
        if row is None:
            return await errors.not_found(visit)
        of_customer = {"customer_id": customer_id, "page": PART_ROWS}
        applications = await _applications(visit, connection, customer_id)
        lines = await READING.lines_of_customer.fetch(connection, **of_customer)
        loans = await READING.loans_of_customer.fetch(connection, line_id=None, **of_customer)
        events = await _events(visit, connection, customer_id)
        steps = await read_steps(connection, customer_id)
        joined = await read_people(connection, [customer_id])  # type: ignore[arg-type]
    is_merged = joined.surviving(customer_id) != customer_id
    people = await _shown(visit, [customer_id])
    record = ids.to_text(ids.CUSTOMER, customer_id)
    may_prove = visit.may(Permission.READ_EVIDENCE)
    view = CustomerView(
        record=record,
        person=_person(visit, people[customer_id]),
        reveal_href=_reveal_href(visit, customer_id),
        receipts_href=_receipts_href(visit, customer_id) if may_prove else "",
        inquiries_href=words.inquiries_href(customer_id) if may_prove else "",
        capacity_href=words.capacity_href(customer_id) if may_prove else "",
        status=_status(visit, row),
        facts=_facts(visit, row, lines, loans),
        currency=one_currency(visit, [*lines, *loans]),
        applications=applications,
        lines=[line_row(visit, item) for item in lines],
        loans=[loan_row(visit, item) for item in loans],
        links=[_link(visit, step) for step in steps],
        merge_href=_merge_href(visit, customer_id, is_merged=is_merged),
        is_merged=is_merged,
        done=visit.done("record_link_asked", "record_link_done"),
        events=events,
    )
    return visit.page(
        "customers/customer.html",
        visit.t("customer.title", record=record),
        view,
        journey="console.reading.customer",
    )


async def _applications(
    visit: Visit, connection: Counted, customer_id: int
) -> list[ApplicationRow] | None:
    if not reads_for("credit_decision"):
        return None
    rows = await READING.applications_of_customer.fetch(
        connection, customer_id=customer_id, page=PART_ROWS
    )
    return [application_row(visit, item) for item in rows]


async def _events(visit: Visit, connection: Counted, customer_id: int) -> list[Event] | None:
    if not (reads_for("credit_decision") and reads_for("security")):
        return None
    rows = await READING.customer_events.fetch(
        connection, customer_id=customer_id, page=EVENTS_SHOWN
    )
    return [_event(visit, customer_id, item) for item in rows]


async def _shown(
    visit: Visit, customer_ids: Sequence[int], fields: Sequence[str] = SHOWN_FIELDS
) -> dict[int, MaskedPerson | Refused]:
    """Return persons as the role sees them; where one is refused the page goes on without."""
    try:
        return await shown_persons(visit.desk.house, visit.actor, customer_ids, fields)
    except RefusedError as error:
        return dict.fromkeys(customer_ids, error.refused)


def _person(visit: Visit, person: MaskedPerson | Refused) -> PersonView:
    note = _note(visit)
    if isinstance(person, Refused):
        notice = _not_shown(visit, person)
        return PersonView(name="—", id_number="—", phone="—", notice=notice, note=note)
    return PersonView(
        name=person.name, id_number=person.id_number, phone=person.phone, notice="", note=note
    )


def _not_shown(visit: Visit, refused: Refused) -> str:
    """Return why a person is not shown: erased, damaged, or the key service is away."""
    is_gone = refused.code == PERSONAL_DATA_NOT_FOUND.code
    return visit.t("customer.nobody") if is_gone else words.refusal_text(visit, refused)


def _note(visit: Visit) -> str:
    is_named = sees_persons(visit.actor)
    return visit.t("customer.masked_note") if is_named else visit.t("customer.pseudonym_note")


def _reveal_href(visit: Visit, customer_id: int) -> str:
    href = words.customer_href(customer_id)
    return f"{href}/reveal" if visit.may(Permission.REVEAL) else ""


def _merge_href(visit: Visit, customer_id: int, *, is_merged: bool) -> str:
    if not visit.may(Permission.FIND_PERSON):
        return ""
    return f"{words.customer_href(customer_id)}/{'split' if is_merged else 'merge'}"


def _receipts_href(visit: Visit, customer_id: int) -> str:
    return words.receipts_href(customer_id) if visit.aliases is None else ""


def _row(visit: Visit, row: Row, person: MaskedPerson | Refused) -> CustomerRow:
    name, not_shown = "—", ""
    if isinstance(person, Refused):
        not_shown = _not_shown(visit, person)
    else:
        name = person.name
    return CustomerRow(
        href=words.customer_href(row["customer_id"]),
        record=visit.formats.record(ids.CUSTOMER, row["customer_id"]),
        name=name,
        not_shown=not_shown,
        since=visit.formats.instant(row["created_at"]),
        status=_status(visit, row),
    )


def _status(visit: Visit, row: Row) -> Status:
    tones = {"active": "good", "restricted": "warn"}
    return visit.status("customer_status", row["status"], tones)


def _link(visit: Visit, step: LinkStep) -> LinkRow:
    tones = {Step.MERGED.value: "warn", Step.SPLIT.value: "good"}
    return LinkRow(
        at=visit.formats.instant(step.done_at),
        step=visit.status("record_link", step.step.value, tones),
        given=visit.formats.record(ids.CUSTOMER, step.customer_id),
        given_href=words.customer_href(step.customer_id),
        surviving=visit.formats.record(ids.CUSTOMER, step.surviving_id),
        surviving_href=words.customer_href(step.surviving_id),
        by=step.done_by,
    )


def _facts(
    visit: Visit, row: Row, lines: Sequence[Row], loans: Sequence[Row]
) -> list[tuple[str, str]]:
    f, t = visit.formats, visit.t
    open_loans = [loan for loan in loans if loan["status"] == "open"]
    currencies = sorted({loan["currency"] for loan in open_loans}) or ["CNY"]
    exposure = " + ".join(
        f.money(
            sum(loan["principal_minor"] for loan in open_loans if loan["currency"] == code), code
        )
        for code in currencies
    )
    late = max((loan["days_past_due"] for loan in open_loans), default=0)
    return [
        (t("customer.exposure"), exposure),
        (t("customer.open_loans"), f.count(len(open_loans))),
        (t("customer.lines"), f.count(len(lines))),
        (t("loan.days_past_due"), f.count(late or None)),
        (t("customer.since"), f.instant(row["created_at"])),
        (t("customer.language"), words.code_label(visit, "customer_language", row["language"])),
    ]


def _event(visit: Visit, customer_id: int, row: Row) -> Event:
    kind, subject, f = row["kind"], row["subject_id"], visit.formats
    amount = ""
    if row["amount_minor"] is not None and row["currency"]:
        amount = f" · {f.money(row['amount_minor'], row['currency'])}"
    return Event(
        at=f.instant(row["at"]),
        at_machine=row["at"].isoformat(),
        text=visit.t(f"event.{kind}") + _what(visit, kind, row["code"]) + amount,
        note=_event_note(visit, kind, row["note"] or ""),
        href=_event_href(customer_id, kind, subject),
    )


def _event_note(visit: Visit, kind: str, note: str) -> str:
    """Return who did it, or by which channel money came or went."""
    if not note or kind == "transaction":
        return words.channel_label(visit, note) if note else ""
    return words.code_label(visit, "channel", note)


def _what(visit: Visit, kind: str, code: str | None) -> str:
    if not code:
        return ""
    if kind == "applied":
        return f" · {words.product_name(visit, code)}"
    families = {"decided": "application_status", "line": "line_event",
                "transaction": "transaction", "revealed": "reveal_purpose"}  # fmt: skip
    return f" · {words.code_label(visit, families[kind], code)}"


def _event_href(customer_id: int, kind: str, subject: int) -> str:
    match kind:
        case "applied" | "decided":
            return words.application_href(customer_id, subject)
        case "line":
            return words.line_href(customer_id, subject)
        case "transaction":
            return words.loan_href(customer_id, subject)
        case _:
            return ""


PAGES: Final = (
    Page(path="/customers", show=show_list),
    Page(path="/customers/{customer}", show=show_customer),
)
