"""Apps that know the customer: which, since when, and ending it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from counterfoil.hosts.link import LinkState
from counterfoil.journeys.hosting.host_payees import own_payees, withdraw_own_payee
from counterfoil.journeys.serving.own_hosts import OwnLink, end_own_link, own_links
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.web.parts import Form, Status
from counterfoil.portal.page import Page
from counterfoil.portal.pages import errors
from counterfoil.portal.visit import Visit

_TONES: Final = {"confirmed": "good", "pending": "warn"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRow:
    """One app."""

    record: str
    name: str
    status: Status
    since: str
    can_end: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PayeeRow:
    """An account that an app has declared."""

    record: str
    label: str
    host: str
    since: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostsView:
    """All apps that know the customer, or knew."""

    rows: Sequence[HostRow]
    payees: Sequence[PayeeRow]
    form: Form
    done: str


async def show(visit: Visit) -> Response:
    """Show the apps."""
    found = await own_links(visit.house, visit.customer_id)
    names = {one.link.host_id: one.host.terms.name for one in found}
    payees = await own_payees(visit.house, visit.customer_id)
    view = HostsView(
        rows=[_row(visit, one) for one in found],
        payees=[
            PayeeRow(
                record=ids.to_text(ids.HOST_PAYEE, one.payee_id),
                label=one.label,
                host=names.get(one.host_id, ""),
                since=visit.formats.instant(one.declared_at),
            )
            for one in payees
        ],
        form=visit.form("/hosts"),
        done=visit.done("host_ended") or visit.done("payee_withdrawn"),
    )
    return visit.page("me/hosts.html", visit.t("hosts.title"), view)


async def end(visit: Visit) -> Response:
    """End what one of them sees, or let an account that it declared be paid no more."""
    if "payee" in visit.values:
        return await _withdraw(visit)
    try:
        number = ids.from_text(ids.HOST, visit.values.get("host", ""))
    except ids.InvalidIdError:
        return errors.not_found(visit)
    outcome = await end_own_link(visit.house, customer_id=visit.customer_id, host_id=number)
    if isinstance(outcome, Refused):
        return errors.not_found(visit)
    return visit.go("/hosts?done=host_ended")


async def _withdraw(visit: Visit) -> Response:
    try:
        number = ids.from_text(ids.HOST_PAYEE, visit.values["payee"])
    except ids.InvalidIdError:
        return errors.not_found(visit)
    refused = await withdraw_own_payee(visit.house, customer_id=visit.customer_id, payee_id=number)
    return errors.not_found(visit) if refused else visit.go("/hosts?done=payee_withdrawn")


def _row(visit: Visit, found: OwnLink) -> HostRow:
    link, state = found.link, found.link.state
    at = link.ended_at or link.confirmed_at or link.asked_at
    return HostRow(
        record=ids.to_text(ids.HOST, link.host_id),
        name=found.host.terms.name,
        status=visit.status("host_link", state.value, _TONES),
        since=visit.formats.instant(at),
        can_end=state is not LinkState.ENDED,
    )


PAGES: Final = (Page(path="/hosts", show=show, submit=end),)
