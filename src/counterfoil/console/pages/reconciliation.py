"""Reconciliation: which days were held against the rail's statement, and what still differs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from starlette.responses import Response

from counterfoil.console import words
from counterfoil.console.page import Page
from counterfoil.console.reading import READING
from counterfoil.console.visit import Visit
from counterfoil.kernel import ids
from counterfoil.payments import reconciliation_store as payments
from counterfoil.payments.order import payment_id_of
from counterfoil.platform.queries import Row
from counterfoil.platform.web.parts import Status

RUNS_SHOWN: Final = 60
DIFFERENCES_SHOWN: Final = 200
#: In which money that goes out is kept; statements bear no other yet.
_CURRENCY: Final = "CNY"


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceRow:
    """One thing in which the three sides disagree."""

    reference: str
    #: Empty where the reference is of no order of ours.
    href: str
    cause: str
    first_seen: str
    age: str
    order: str
    statement: str
    ledger: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One reconciled day of one rail."""

    day: str
    rail: str
    orders: str
    lines: str
    bookings: str
    matched: str
    reconciled_at: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciliationView:
    """Open differences, oldest first, and the days, newest first."""

    currency: str
    differences: Sequence[DifferenceRow]
    #: Says that there are more than are shown; empty where there are not.
    more: str
    runs: Sequence[RunRow]


async def show(visit: Visit) -> Response:
    """Show what is open and which days were reconciled."""
    async with visit.reading() as connection:
        runs = await READING.reconciliations.fetch(connection, page=RUNS_SHOWN)
    async with visit.desk.house.database.connection() as connection:
        found = await payments.open_differences(connection, page=DIFFERENCES_SHOWN + 1)
    today, shown = visit.business_date, found[:DIFFERENCES_SHOWN]
    is_cut = len(found) > len(shown)
    ours = await visit.in_queue(filter(_is_ours, shown), ids.PAYMENT, _key)
    shown = [row for row in shown if not _is_ours(row) or row in ours]
    count = visit.formats.count(DIFFERENCES_SHOWN)
    view = ReconciliationView(
        currency=visit.formats.currency(_CURRENCY),
        differences=[_difference(visit, row, today) for row in shown],
        more=visit.t("reconciliation.more", count=count) if is_cut else "",
        runs=[_run(visit, row) for row in runs],
    )
    last = runs[0] if runs else None
    return visit.page(
        "reconciliation/list.html",
        visit.t("nav.reconciliation"),
        view,
        journey="console.reading.reconciliations",
        cli_call=f"counterfoil reconcile --on {last['business_date']} --rail {last['rail']} --json"
        if last
        else "",
    )


def _is_ours(row: Any) -> bool:
    """Tell whether a difference is about a payment of a customer; a stranger's money is not."""
    return bool(row["customer_id"]) and payment_id_of(row["reference"]) is not None


def _key(row: Any) -> tuple[int, int]:
    return row["customer_id"], payment_id_of(row["reference"]) or 0


def _difference(visit: Visit, row: Any, today: date | None) -> DifferenceRow:
    f, customer_id = visit.formats, row["customer_id"]
    payment_id = payment_id_of(row["reference"])
    is_ours = customer_id != 0 and payment_id is not None
    age = None if today is None else max(0, (today - row["first_seen_on"]).days)
    return DifferenceRow(
        reference=row["reference"],
        href=words.payment_href(customer_id, payment_id) if is_ours and payment_id else "",
        cause=words.code_label(visit, "difference_cause", row["cause"]),
        first_seen=f.day(row["first_seen_on"]),
        age=f.count(age),
        order=f.amount(row["order_minor"], _CURRENCY),
        statement=f.amount(row["statement_minor"], _CURRENCY),
        ledger=f.amount(row["ledger_minor"], _CURRENCY),
    )


def _run(visit: Visit, row: Row) -> RunRow:
    f, differences = visit.formats, row["differences_count"]
    label = visit.t("reconciliation.agrees")
    if differences:
        label = visit.t("reconciliation.differs", count=differences)
    return RunRow(
        day=f.day(row["business_date"]),
        rail=row["rail"],
        orders=f.count(row["orders_count"]),
        lines=f.count(row["lines_count"]),
        bookings=f.count(row["bookings_count"]),
        matched=f.count(row["matched_count"]),
        reconciled_at=f.instant(row["reconciled_at"], seconds=True),
        status=Status(label=label, tone="warn" if differences else "good"),
    )


PAGES: Final = (Page(path="/reconciliation", show=show),)
