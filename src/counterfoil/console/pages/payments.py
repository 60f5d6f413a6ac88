"""Payments: their states up to unknown, and the ways out of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from counterfoil.console import words
from counterfoil.console.frame import BASE
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.reading import READING
from counterfoil.console.record_list import (
    Filter,
    RecordList,
    read_list,
    show_records,
    status_filter,
)
from counterfoil.console.visit import Visit
from counterfoil.kernel import ids
from counterfoil.platform.queries import Row
from counterfoil.platform.web.parts import Event, Status

STATUSES: Final = ("created", "held", "sent", "unknown", "succeeded", "failed")

#: The normal way of a payment; the pages shows how far it has come.
STAGES: Final = ("created", "held", "sent", "succeeded")

#: The ways out of unknown, in the order in which they are tried.
WAYS_OUT: Final = ("ask", "statement", "suspense")


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRow:
    """One payment of a list."""

    href: str
    record: str
    direction: str
    amount: str
    rail: str
    business_date: str
    loan: str
    loan_href: str
    next_act: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenState:
    """Payments that stand in one state on their way."""

    status: Status
    count: str
    amount: str
    oldest: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentListView:
    """The list, with what is on its way."""

    records: RecordList[PaymentRow]
    open_states: Sequence[OpenState]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One step of the way of a payment."""

    label: str
    is_done: bool
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """What was asked of the rail and what it said."""

    number: str
    act: str
    reference: str
    started_at: str
    answer: str
    received_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentView:
    """One payment."""

    record: str
    status: Status
    stages: Sequence[Stage]
    is_unknown: bool
    ways_out: Sequence[tuple[str, bool]]
    facts: Sequence[tuple[str, str, str]]
    attempts: Sequence[AttemptRow]
    suspense: Sequence[Event]


async def show_list(visit: Visit) -> Response:
    """Show the payments that the address asks for, and what is on its way."""
    ways = [(code, visit.catalogue.label("direction", code)) for code in ("out", "in")]
    found = await read_list(
        visit,
        "payments",
        payment_row,
        number="payment_id",
        filters=[
            status_filter(visit, "payment_status", STATUSES),
            Filter(name="direction", label=visit.t("payment.direction"), choices=ways),
        ],
    )
    async with visit.reading() as connection:
        counts = await READING.payment_counts.fetch(connection)
    view = PaymentListView(records=found, open_states=[_open_state(visit, row) for row in counts])
    return show_records(visit, found, visit.t("nav.payments"), "payments/list.html", view)


def payment_row(visit: Visit, row: Row) -> PaymentRow:
    """Return a payment as a row of a list."""
    f, customer, loan = visit.formats, row["customer_id"], row["loan_id"]
    return PaymentRow(
        href=words.payment_href(customer, row["payment_id"]),
        record=f.record(ids.PAYMENT, row["payment_id"]),
        direction=visit.catalogue.label("direction", row["direction"]),
        amount=f.amount(row["amount_minor"], row["currency"]),
        rail=row["rail"],
        business_date=f.day(row["business_date"]),
        loan=f.record(ids.LOAN, loan),
        loan_href=words.loan_href(customer, loan) if loan else "",
        next_act=f.instant(row["next_act_at"], seconds=True),
        status=visit.status("payment_status", row["status"], words.PAYMENT_TONES),
    )


async def show_payment(visit: Visit) -> Response:
    """Show one payment."""
    params = visit.request.path_params
    try:
        customer_id = ids.from_text(ids.CUSTOMER, params["customer"])
        payment_id = ids.from_text(ids.PAYMENT, params["payment"])
    except ids.InvalidIdError:
        return await errors.not_found(visit)
    key = {"customer_id": customer_id, "payment_id": payment_id}
    async with visit.reading() as connection:
        row = await READING.payment.fetchrow(connection, **key)
        if row is None:
            return await errors.not_found(visit)
        attempts = await READING.payment_attempts.fetch(connection, **key)
        suspense = await READING.payment_suspense.fetch(connection, **key)
    record = ids.to_text(ids.PAYMENT, payment_id)
    view = PaymentView(
        record=record,
        status=visit.status("payment_status", row["status"], words.PAYMENT_TONES),
        stages=_stages(visit, row["status"]),
        is_unknown=row["status"] == "unknown" or row["suspended_at"] is not None,
        ways_out=_ways_out(visit, row, attempts),
        facts=_facts(visit, row),
        attempts=[_attempt(visit, attempt) for attempt in attempts],
        suspense=[_suspense(visit, case) for case in suspense],
    )
    return visit.page(
        "payments/payment.html",
        visit.t("payment.title", record=record),
        view,
        journey="console.reading.payment",
        api_call=f"GET /v1/payments/{record}",
    )


def _open_state(visit: Visit, row: Row) -> OpenState:
    f = visit.formats
    return OpenState(
        status=visit.status("payment_status", row["status"], words.PAYMENT_TONES),
        count=f.count(row["payments"]),
        amount=f.money(row["amount_minor"], row["currency"]),
        oldest=f.instant(row["oldest_at"]),
        href=f"{BASE}/payments?status={row['status']}",
    )


def _stages(visit: Visit, status: str) -> list[Stage]:
    last = status if status in ("unknown", "failed") else "succeeded"
    codes = [*STAGES[:-1], last]
    reached = codes.index(status)
    is_final = status in ("succeeded", "failed")
    return [
        Stage(
            label=visit.catalogue.label("payment_status", code),
            is_done=index < reached or (is_final and index == reached),
            is_current=index == reached and not is_final,
        )
        for index, code in enumerate(codes)
    ]


def _ways_out(visit: Visit, row: Row, attempts: Sequence[Row]) -> list[tuple[str, bool]]:
    """Return each way out of unknown and whether it has been taken."""
    taken = {
        "ask": any(attempt["act"] == "ask" for attempt in attempts),
        "statement": row["value_date"] is not None,
        "suspense": row["suspended_at"] is not None,
    }
    return [(visit.t(f"payment.way_{way}"), taken[way]) for way in WAYS_OUT]


def _facts(visit: Visit, row: Row) -> list[tuple[str, str, str]]:
    f, t, customer, loan = visit.formats, visit.t, row["customer_id"], row["loan_id"]
    return [
        (t("payment.amount"), f.money(row["amount_minor"], row["currency"]), ""),
        (t("payment.direction"), visit.catalogue.label("direction", row["direction"]), ""),
        (t("payment.rail"), row["rail"], ""),
        (t("payment.rail_reference"), visit.known_by_all(row["rail_reference"] or "—"), ""),
        (t("payment.business_date"), f.day(row["business_date"]), ""),
        (t("loan.value_date"), f.day(row["value_date"]), ""),
        (t("payment.created_at"), f.instant(row["created_at"], seconds=True), ""),
        (t("payment.sent_at"), f.instant(row["sent_at"], seconds=True), ""),
        (t("payment.finished_at"), f.instant(row["finished_at"], seconds=True), ""),
        (t("payment.next_act"), f.instant(row["next_act_at"], seconds=True), ""),
        (t("payment.failure"), row["failure_code"] or "—", ""),
        (t("loan.customer"), f.record(ids.CUSTOMER, customer), words.customer_href(customer)),
        (t("payment.loan"), f.record(ids.LOAN, loan),
         words.loan_href(customer, loan) if loan else ""),
    ]  # fmt: skip


def _attempt(visit: Visit, row: Row) -> AttemptRow:
    f = visit.formats
    answer = row["answer"]
    return AttemptRow(
        number=str(row["act_no"]),
        act=words.code_label(visit, "payment_act", row["act"]),
        reference=row["reference"],
        started_at=f.instant(row["started_at"], seconds=True),
        answer=words.code_label(visit, "payment_answer", answer) if answer else "—",
        received_at=f.instant(row["received_at"], seconds=True),
    )


def _suspense(visit: Visit, row: Row) -> Event:
    people = " → ".join(name for name in (row["first_person"], row["second_person"]) if name)
    return Event(
        at=visit.formats.instant(row["opened_at"]),
        at_machine=row["opened_at"].isoformat(),
        text=words.code_label(visit, "suspense", row["cause"]),
        note=people or visit.t("payment.waits_for_two"),
    )


PAGES: Final = (
    Page(path="/payments", show=show_list),
    Page(path="/customers/{customer}/payments/{payment}", show=show_payment),
)
