"""Hosts: who may do what until when; notices that did not arrive, and sending them again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from counterfoil.console import flow
from counterfoil.console.access import Permission
from counterfoil.console.flow import Action, Crumb, Field
from counterfoil.console.frame import BASE
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.visit import Visit
from counterfoil.console.words import refusal_text
from counterfoil.hosts.delivery import DeliveryState
from counterfoil.hosts.delivery_store import Listed
from counterfoil.hosts.host import Host
from counterfoil.journeys.hosting.hosts import list_hosts, stop_host
from counterfoil.journeys.hosting.tell_hosts import list_deliveries, resend
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Form, Status

_HOME: Final = f"{BASE}/hosts"
ROWS: Final = 60
_TONES: Final = {"active": "good", "stopped": "bad", "ended": "warn", "not_begun": "warn"}
_NOTICE_TONES: Final = {"waiting": "live", "delivered": "good", "dead": "bad"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRow:
    """One host."""

    name: str
    code: str
    contract: str
    products: str
    purposes: str
    status: Status
    #: Where it is stopped; empty where it is not active.
    stop_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRow:
    """One notice."""

    record: str
    host: str
    kind: str
    attempts: str
    outcome: str
    made_at: str
    status: Status
    can_resend: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HostsView:
    """Every host, and the latest notices, those that are given up first."""

    hosts: Sequence[HostRow]
    notices: Sequence[NoticeRow]
    form: Form


async def show(visit: Visit) -> Response:
    """Show hosts and notices."""
    return await _page(visit)


async def send_again(visit: Visit) -> Response:
    """Send one notice again."""
    reader = FormReader(visit.values)
    try:
        number = ids.from_text(ids.DELIVERY, visit.values.get("notice", ""))
    except ids.InvalidIdError:
        return await errors.not_found(visit)
    outcome = await resend(visit.desk.house, visit.actor, number)
    if isinstance(outcome, Refused):
        reader.refuse("form", "form.refused", text=refusal_text(visit, outcome))
        return await _page(visit, reader)
    return visit.go(_HOME)


async def stop(visit: Visit) -> Response:
    """Stop a host at once."""
    found = await _host(visit)
    if found is None:
        return await errors.not_found(visit)
    action = Action(
        name="stop_host",
        title=visit.t("hosts.stop_title", name=found.terms.name),
        intro=visit.t("hosts.stop_intro"),
        path=f"{_HOME}/{ids.to_text(ids.HOST, found.host_id)}/stop",
        record=Crumb(label=visit.t("nav.hosts"), href=_HOME),
        journey="journeys.hosting.hosts.stop_host",
    )
    fields = [Field(name="reason", label=visit.t("approval.reason"))]
    number = found.host_id

    async def act(reader: FormReader) -> object:
        reason = flow.reason_of(reader)
        if reason is None:
            return None
        return await stop_host(visit.desk.house, visit.actor, host_id=number, reason=reason)

    return await flow.run(visit, action, fields, act)


async def _host(visit: Visit) -> Host | None:
    try:
        number = ids.from_text(ids.HOST, visit.request.path_params["host"])
    except ids.InvalidIdError:
        return None
    found = [host for host in await list_hosts(visit.desk.house) if host.host_id == number]
    return found[0] if found else None


async def _page(visit: Visit, reader: FormReader | None = None) -> Response:
    house = visit.desk.house
    on, hosts = await house.business_date(), await list_hosts(house)
    dead = await list_deliveries(house, state=DeliveryState.DEAD, page=ROWS)
    latest = await list_deliveries(house, page=ROWS)
    given_up = {item.delivery.delivery_id for item in dead}
    listed = [*dead, *[i for i in latest if i.delivery.delivery_id not in given_up]]
    names = {host.host_id: host.terms.name for host in hosts}
    view = HostsView(
        hosts=[_row(visit, host, host.state_on(on)) for host in hosts],
        notices=[_notice(visit, item, names) for item in listed[:ROWS]],
        form=visit.form(_HOME, reader),
    )
    return visit.page(
        "hosts/page.html",
        visit.t("nav.hosts"),
        view,
        journey="counterfoil.journeys.hosting.tell_hosts.list_deliveries",
        api_call="GET /v1/host-deliveries?state=dead",
        cli_call="counterfoil hosts notices --dead",
        status=422 if reader else 200,
    )


def _row(visit: Visit, host: Host, state: str) -> HostRow:
    terms, f = host.terms, visit.formats
    may_stop = state == "active" and visit.may(Permission.HOSTS)
    return HostRow(
        name=terms.name,
        code=terms.code,
        contract=f"{f.day(terms.contract_from)} – {f.day(terms.contract_until)}",
        products=" · ".join(terms.products),
        purposes=" · ".join(visit.catalogue.label("host_purpose", one) for one in terms.purposes),
        status=visit.status("host_state", state, _TONES),
        stop_href=f"{_HOME}/{ids.to_text(ids.HOST, host.host_id)}/stop" if may_stop else "",
    )


def _notice(visit: Visit, listed: Listed, names: dict[int, str]) -> NoticeRow:
    item = listed.delivery
    outcome = listed.last_outcome
    return NoticeRow(
        record=item.message_id,
        host=names.get(item.host_id, "—"),
        kind=item.kind,
        attempts=visit.formats.count(item.attempts),
        outcome="—" if outcome is None else visit.catalogue.label("notice_outcome", outcome),
        made_at=visit.formats.instant(item.made_at),
        status=visit.status("notice_state", item.state.value, _NOTICE_TONES),
        can_resend=item.state is DeliveryState.DEAD and visit.may(Permission.HOSTS),
    )


PAGES: Final = (
    Page(path="/hosts", show=show, submit=send_again, permission=Permission.HOSTS),
    Page(path="/hosts/{host}/stop", show=stop, submit=stop, permission=Permission.HOSTS),
)
