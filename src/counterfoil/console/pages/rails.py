"""Payment rails: how they stand, what waits and why, what went another way; closing one by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from starlette.responses import Response

from counterfoil.console import flow, words
from counterfoil.console.access import Permission
from counterfoil.console.flow import Action, Crumb, Field
from counterfoil.console.frame import BASE
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.visit import Visit
from counterfoil.journeys.paying import rails as journey
from counterfoil.kernel import ids
from counterfoil.payments.route_store import ALL_RAILS
from counterfoil.platform.approvals import Approval
from counterfoil.platform.queries import Row
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Status

#: How a rail stands, and the tone of each.
STATES: Final = {"open": "good", "outside_hours": "warn", "closed_by_hand": "bad"}
#: In the address, for all rails at once.
_KEY: Final = itemgetter("customer_id", "payment_id")
ALL: Final = "all"
SWITCHES: Final = ("close", "open")
_CURRENCY: Final = "CNY"


@dataclass(frozen=True, slots=True, kw_only=True)
class RailRow:
    """One rail."""

    href: str
    code: str
    kind: str
    state: Status
    #: Why it is closed, or when it opens; empty for one that is open.
    why: str
    waiting: str
    since: str
    sent: str
    in_doubt: str
    calls: str
    silent: str
    p95: str
    #: Booked, and asked for on statements, within a month.
    fees: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WayRow:
    """One payment that waits for a rail, or that went over another than the first."""

    href: str
    record: str
    amount: str
    rail: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RailsPage:
    """The rails, with what waits and what was rerouted."""

    rails: Sequence[RailRow]
    queued: Sequence[WayRow]
    rerouted: Sequence[WayRow]
    all_href: str
    #: Says that all rails are closed, and why; empty where they are not.
    all_closed: str
    done: str


async def show_list(visit: Visit) -> Response:
    """Show how the rails stand."""
    visit.business_date = await visit.desk.house.business_date()
    found = await journey.read_rails(visit.desk.house)
    closed = found.all_closed
    view = RailsPage(
        rails=[_rail(visit, rail) for rail in found.rails],
        queued=[_way(visit, row) for row in await visit.in_queue(found.queued, ids.PAYMENT, _KEY)],
        rerouted=[
            _way(visit, row) for row in await visit.in_queue(found.rerouted, ids.PAYMENT, _KEY)
        ],
        all_href=f"{BASE}/rails/{ALL}",
        all_closed="" if closed is None else visit.t("rails.all_closed", reason=closed["reason"]),
        done=visit.done("rail_switched", "rail_asked"),
    )
    return visit.page(
        "rails/list.html",
        visit.t("rails.title"),
        view,
        journey="journeys.paying.rails.read_rails",
        api_call="GET /v1/rails",
        cli_call="counterfoil payments rails",
    )


async def switch(visit: Visit) -> Response:
    """Show the switch of one rail, or of all, and take it."""
    code = visit.request.path_params["rail"]
    rail = ALL_RAILS if code == ALL else code
    if rail != ALL_RAILS and rail not in {terms.code for terms in visit.desk.house.rails}:
        return await errors.not_found(visit)

    async def act(reader: FormReader) -> object:
        to, reason = reader.choice("to", SWITCHES), flow.reason_of(reader)
        if to is None or reason is None:
            return None
        return await journey.switch_rail(
            visit.desk.house, visit.actor, rail, is_closed=to == "close", reason=reason
        )

    return await flow.run(visit, _action(visit, code), _fields(visit), act, done=_done_word)


def _done_word(outcome: object) -> str:
    return "rail_asked" if isinstance(outcome, Approval) else "rail_switched"


def _rail(visit: Visit, rail: journey.RailStanding) -> RailRow:
    f, terms = visit.formats, rail.terms
    state, why = "open", ""
    if rail.is_closed_by_hand:
        state, why = "closed_by_hand", f"{rail.closed_by}: {rail.closed_reason}"
    elif not rail.is_open_now:
        state, why = "outside_hours", f.instant(rail.opens_at)
    return RailRow(
        href=f"{BASE}/rails/{terms.code}",
        code=terms.code,
        kind=visit.catalogue.label("rail_kind", terms.kind.value),
        state=visit.status("rail_state", state, STATES),
        why=why,
        waiting=f.count(rail.held),
        since=f.instant(rail.held_since),
        sent=f.count(rail.sent),
        in_doubt=f.count(rail.in_doubt),
        calls=f.count(rail.calls),
        silent=f.count(rail.silent),
        p95=f.count(rail.p95_ms),
        fees=f"{f.amount(rail.fees_booked_minor, _CURRENCY)} / "
        f"{f.amount(rail.fees_asked_minor, _CURRENCY)}",
    )


def _way(visit: Visit, row: Row) -> WayRow:
    passed = zip(row["passed_rails"] or (), row["obstacles"] or (), strict=True)
    reasons = [f"{rail}: {words.code_label(visit, 'obstacle', code)}" for rail, code in passed]
    return WayRow(
        href=words.payment_href(row["customer_id"], row["payment_id"]),
        record=ids.to_text(ids.PAYMENT, row["payment_id"]),
        amount=visit.formats.money(row["amount_minor"], row["currency"]),
        rail=row["rail"],
        why=", ".join(reasons) or "—",
    )


def _action(visit: Visit, code: str) -> Action:
    t = visit.t
    is_all = code == ALL
    return Action(
        name="switch",
        title=t("rails.switch_all") if is_all else t("rails.switch", rail=code),
        intro=t("rails.switch_all_intro") if is_all else t("rails.switch_intro"),
        path=f"{BASE}/rails/{code}",
        record=Crumb(label=t("rails.title"), href=f"{BASE}/rails"),
        journey="journeys.paying.rails.switch_rail",
        api_call="POST /v1/rail-switches",
    )


def _fields(visit: Visit) -> list[Field]:
    choices = tuple((code, visit.catalogue.label("rail_switch", code)) for code in SWITCHES)
    t = visit.t
    return [
        Field(name="to", label=t("rails.to"), kind="select", choices=choices),
        Field(name="reason", label=t("rails.reason"), hint=t("rails.reason_hint")),
    ]


PAGES: Final = (
    Page(path="/rails", show=show_list),
    Page(path="/rails/{rail}", show=switch, submit=switch, permission=Permission.FREEZE),
)
