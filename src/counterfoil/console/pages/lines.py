"""Credit lines: the list, one line with what makes up its available amount, and its actions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from starlette.responses import Response

from counterfoil.console import words
from counterfoil.console.access import Permission
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.pages.loans import LoanRow, done_notice, loan_row
from counterfoil.console.reading import PART_ROWS, READING
from counterfoil.console.record_list import (
    product_filter,
    read_list,
    show_records,
    status_filter,
)
from counterfoil.console.told import DatumRow, datum_row
from counterfoil.console.visit import Visit
from counterfoil.journeys.lines.explain_measure import ToldMeasure, explain_measures
from counterfoil.kernel import ids
from counterfoil.kernel.creditor_reference import grouped, reference_of
from counterfoil.lending.price_store import read_prices
from counterfoil.lending.repricing import LinePrice
from counterfoil.platform.queries import Row
from counterfoil.platform.read_acts import reads_for
from counterfoil.platform.web.parts import Event, Status

STATUSES: Final = ("active", "frozen", "suspended", "closed")

#: What an operator may do to a line, with what it needs and the states in which it makes sense.
ACTIONS: Final = (
    ("review", Permission.CHANGE_LIMIT, ("active", "frozen", "suspended")),
    ("limit", Permission.CHANGE_LIMIT, ("active", "frozen", "suspended")),
    ("freeze", Permission.FREEZE, ("active",)),
    ("unfreeze", Permission.FREEZE, ("frozen",)),
    ("agreement", Permission.CHANGE_LIMIT, ("active", "frozen", "suspended")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineRow:
    """One line of a list."""

    href: str
    record: str
    customer_href: str
    customer: str
    product: str
    limit: str
    used: str
    held: str
    available: str
    rate: str
    valid_to: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnRow:
    """Credit on its way back to the customer."""

    record: str
    amount: str
    requested_on: str
    settled_on: str
    rail_reference: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureRow:
    """A measure on the line."""

    record: str
    kind: str
    change: str
    reasons: str
    author: str
    effective_on: str
    ends_on: str
    status: Status
    #: What the rules that acted had read; empty where a person took it.
    data: Sequence[DatumRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRow:
    """A price that was announced for new drawdowns."""

    effective_on: str
    rate: str
    annual: str
    announced_at: str
    author: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionLink:
    """An action, or why it cannot be taken."""

    label: str
    href: str
    why_not: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """One line."""

    record: str
    status: Status
    blocked: str
    currency: str
    ceiling: str
    ceiling_name: str
    used: str
    held: str
    available: str
    used_share: int
    facts: Sequence[tuple[str, str, str]]
    actions: Sequence[ActionLink]
    events: Sequence[Event]
    loans: Sequence[LoanRow]
    returns: Sequence[ReturnRow]
    prices: Sequence[PriceRow]
    measures: Sequence[MeasureRow]
    done: str


async def show_list(visit: Visit) -> Response:
    """Show the lines that the address asks for."""
    found = await read_list(
        visit,
        "lines",
        line_row,
        number="line_id",
        sorts=("number", "limit", "used", "available"),
        filters=[status_filter(visit, "line_status", STATUSES), product_filter(visit)],
    )
    return show_records(visit, found, visit.t("nav.lines"), "lines/list.html")


def line_row(visit: Visit, row: Row) -> LineRow:
    """Return a line as a row of a list."""
    f, currency = visit.formats, row["currency"]
    return LineRow(
        href=words.line_href(row["customer_id"], row["line_id"]),
        record=f.record(ids.LINE, row["line_id"]),
        customer_href=words.customer_href(row["customer_id"]),
        customer=f.record(ids.CUSTOMER, row["customer_id"]),
        product=words.product_name(visit, row["product_code"]),
        limit=f.amount(row["limit_minor"], currency),
        used=f.amount(row["principal_minor"], currency),
        held=f.amount(row["held_minor"], currency),
        available=f.amount(0 if row["blocked_by"] else row["headroom_minor"], currency),
        rate=f.rate_annual(row["rate_daily_e8"]),
        valid_to=f.day(row["valid_to"]),
        status=line_status(visit, row),
    )


def line_status(visit: Visit, row: Row) -> Status:
    """Return a line's state; one past its validity says so although it is stored as active."""
    code = row["blocked_by"] or ("active" if row["status"] == "frozen" else row["status"])
    return visit.status("line_status", code, words.LINE_TONES)


async def show_line(visit: Visit) -> Response:
    """Show one line."""
    found = line_key(visit)
    if found is None:
        return await errors.not_found(visit)
    customer_id, line_id = found
    key = {"customer_id": customer_id, "line_id": line_id}
    async with visit.reading() as connection:
        row = await READING.line.fetchrow(connection, **key)
        if row is None:
            return await errors.not_found(visit)
        events = await READING.line_events.fetch(connection, page=PART_ROWS, **key)
        loans = await READING.loans_of_customer.fetch(connection, page=PART_ROWS, **key)
        returns = await READING.returns_of_line.fetch(connection, page=PART_ROWS, **key)
        measures = await READING.line_measures.fetch(connection, page=PART_ROWS, **key)
    async with visit.desk.house.database.connection() as unbound:
        prices = await read_prices(unbound, customer_id, line_id)
    # What a measure was decided on is told to who reads that.
    is_told = bool(measures) and reads_for("credit_decision")
    told = {
        item.measure.measure_id: item
        for item in (await explain_measures(visit.desk.house, **key) if is_told else ())
    }
    record = ids.to_text(ids.LINE, line_id)
    return visit.page(
        "lines/line.html",
        visit.t("line.title", record=record),
        _view(visit, row, _Parts(events, loans, returns, measures, prices, told)),
        journey="console.reading.line",
        api_call=f"GET /v1/lines/{record}",
    )


def line_key(visit: Visit) -> tuple[int, int] | None:
    """Return the customer and the line of an address, None where it names neither."""
    params = visit.request.path_params
    try:
        customer_id = ids.from_text(ids.CUSTOMER, params["customer"])
        return customer_id, ids.from_text(ids.LINE, params["line"])
    except ids.InvalidIdError:
        return None


class _Parts(NamedTuple):
    """What belongs to a line."""

    events: Sequence[Row]
    loans: Sequence[Row]
    returns: Sequence[Row]
    measures: Sequence[Row]
    prices: Sequence[LinePrice]
    #: What is told of measures, by number.
    told: Mapping[int, ToldMeasure]


def _view(visit: Visit, row: Row, parts: _Parts) -> LineView:
    f, t, currency = visit.formats, visit.t, row["currency"]
    cap = row["own_cap_minor"]
    is_capped = cap is not None and cap < row["limit_minor"]
    ceiling = cap if is_capped else row["limit_minor"]
    taken = row["principal_minor"] + row["held_minor"]
    return LineView(
        record=f.record(ids.LINE, row["line_id"]),
        status=line_status(visit, row),
        blocked=words.code_label(visit, "line_blocked", row["blocked_by"])
        if row["blocked_by"]
        else "",
        currency=f.currency(currency),
        ceiling=f.amount(ceiling, currency),
        ceiling_name=t("line.own_cap") if is_capped else t("line.limit"),
        used=f.amount(row["principal_minor"], currency),
        held=f.amount(row["held_minor"], currency),
        available=f.amount(0 if row["blocked_by"] else row["headroom_minor"], currency),
        used_share=min(100, taken * 100 // ceiling) if ceiling else 0,
        facts=_facts(visit, row),
        actions=[_action(visit, row, *action) for action in ACTIONS],
        events=[line_event(visit, event, currency) for event in parts.events],
        loans=[loan_row(visit, loan) for loan in parts.loans],
        returns=[_return(visit, item) for item in parts.returns],
        measures=[_measure(visit, item, parts.told) for item in parts.measures],
        prices=[_price(visit, item) for item in reversed(parts.prices)],
        done=done_notice(visit),
    )


def _price(visit: Visit, price: LinePrice) -> PriceRow:
    f = visit.formats
    return PriceRow(
        effective_on=f.day(price.effective_on),
        rate=f.rate(price.rate_daily_e8),
        annual=f.rate_annual(price.rate_daily_e8),
        announced_at=f.instant(price.announced_at),
        author=price.author,
        reason=price.reason,
    )


def _measure(visit: Visit, row: Row, told: Mapping[int, ToldMeasure]) -> MeasureRow:
    f, currency = visit.formats, row["currency"]
    change, behind = "", told.get(row["measure_id"])
    if row["to_minor"] is not None:
        change = f"{f.amount(row['from_minor'], currency)} → {f.amount(row['to_minor'], currency)}"
    return MeasureRow(
        record=ids.to_text(ids.LINE_MEASURE, row["measure_id"]),
        kind=visit.catalogue.label("measure_kind", row["kind"]),
        change=change,
        reasons=", ".join(words.code_label(visit, "reason", code) for code in row["reasons"]),
        author=row["author"],
        effective_on=f.day(row["effective_on"]),
        ends_on=f.day(row["ends_on"]),
        status=visit.status("measure_status", row["status"], words.MEASURE_TONES),
        data=[datum_row(visit, one, currency) for one in behind.data] if behind else (),
    )


def _return(visit: Visit, row: Row) -> ReturnRow:
    f = visit.formats
    return ReturnRow(
        record=f.record(ids.CREDIT_RETURN, row["return_id"]),
        amount=f.amount(row["amount_minor"], row["currency"]),
        requested_on=f.day(row["requested_on"]),
        settled_on=f.day(row["settled_on"]),
        rail_reference=row["failure_code"] or visit.known_by_all(row["rail_reference"] or "—"),
        status=visit.status("return_status", row["status"], words.RETURN_TONES),
    )


def _facts(visit: Visit, row: Row) -> list[tuple[str, str, str]]:
    f, t, currency = visit.formats, visit.t, row["currency"]
    customer, application = row["customer_id"], row["application_id"]
    return [
        (t("line.limit"), f.money(row["limit_minor"], currency), ""),
        (t("line.payment_reference"),
         visit.known_by_all(grouped(reference_of(ids.LINE, row["line_id"]))), ""),
        (t("line.own_cap"), f.money(row["own_cap_minor"], currency), ""),
        (t("line.credit"), f.money(row["credit_minor"], currency), ""),
        (t("loan.rate_annual"), t("loan.rate_both", annual=f.rate_annual(row["rate_daily_e8"]),
                                  daily=f.rate(row["rate_daily_e8"])), ""),
        (t("loan.product"), words.product_name(visit, row["product_code"]), ""),
        (t("line.repayment_day"), t("line.day_of_month", day=row["repayment_day"]), ""),
        (t("line.opened_on"), f.day(row["opened_on"]), ""),
        (t("line.valid_to"), f.day(row["valid_to"]), ""),
        (t("line.frozen_until"), f.day(row["frozen_until"]), ""),
        (t("line.status_reason"), row["status_reason"] or "—", ""),
        (t("loan.customer"), f.record(ids.CUSTOMER, customer), words.customer_href(customer)),
        (t("contract.contracts"), t("contract.of_customer"), words.contracts_href(customer)),
        (t("change.changes"), t("change.of_line"),
         f"{words.line_href(customer, row['line_id'])}/changes"),
        (t("setting.settings"), t("setting.of_customer"), words.settings_href(customer)),
        (t("line.application"), f.record(ids.APPLICATION, application),
         words.application_href(customer, application)),
    ]  # fmt: skip


def _action(
    visit: Visit, row: Row, name: str, permission: Permission, states: Sequence[str]
) -> ActionLink:
    why_not = ""
    if not visit.may(permission):
        why_not = visit.t("access.role_may_not")
    elif row["status"] not in states:
        why_not = visit.t("line.not_in_state")
    return ActionLink(
        label=visit.t(f"line_action.{name}"),
        href=f"{words.line_href(row['customer_id'], row['line_id'])}/{name}",
        why_not=why_not,
    )


def line_event(visit: Visit, event: Row, currency: str) -> Event:
    """Return a line's event for a timeline; amounts are shown as money."""
    kind = words.code_label(visit, "line_event", event["kind"])
    before = _event_value(visit, event["kind"], event["before_value"], currency)
    after = _event_value(visit, event["kind"], event["after_value"], currency)
    change = f" {before} → {after}" if before != after else ""
    author = words.code_label(visit, "channel", event["author"])
    return Event(
        at=f"{visit.formats.day(event['book_date'])} · {visit.formats.instant(event['at'])}",
        at_machine=event["at"].isoformat(),
        text=f"{kind}{change}",
        note=f"{words.code_label(visit, 'reason', event['reason'])} · {author}",
    )


def _event_value(visit: Visit, kind: str, value: str | None, currency: str) -> str:
    """Return a stored value as its reader knows it."""
    if value is None:
        return "—"
    if kind in _AMOUNT_EVENTS and value.isdigit():
        return visit.formats.amount(int(value), currency)
    return words.code_label(visit, "line_status", value)


_AMOUNT_EVENTS: Final = frozenset(
    {"opened", "limit_raised", "limit_lowered", "limit_restored", "own_cap_set"}
)

PAGES: Final = (
    Page(path="/lines", show=show_list),
    Page(path="/customers/{customer}/lines/{line}", show=show_line),
)
