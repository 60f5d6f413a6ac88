"""Making two records of one person one, and two again: a form each; a second person approves."""

from typing import Final

from starlette.responses import Response

from counterfoil.console import flow, words
from counterfoil.console.access import Permission
from counterfoil.console.flow import Action, Crumb, Field
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.visit import Visit
from counterfoil.journeys.knowing import link_records
from counterfoil.kernel import ids
from counterfoil.platform.approvals import Approval
from counterfoil.platform.web.forms import FormReader

_CUSTOMER: Final = "/customers/{customer}"


async def merge(visit: Visit) -> Response:
    """Let this record give way to another, or ask for that."""
    customer_id = _customer(visit)
    if customer_id is None:
        return await errors.not_found(visit)

    async def act(reader: FormReader) -> object:
        surviving_id, reason = flow.customer_of(reader), flow.reason_of(reader)
        if surviving_id is None or reason is None:
            return None
        return await link_records.merge_records(
            visit.desk.house,
            visit.actor,
            customer_id=customer_id,
            surviving_id=surviving_id,
            reason=reason,
        )

    t = visit.t
    fields = [
        Field(name="customer", label=t("links.surviving"), hint=t("links.surviving_hint")),
        _reason(visit),
    ]
    return await flow.run(visit, _action(visit, customer_id, "merge"), fields, act, done=_done)


async def split(visit: Visit) -> Response:
    """Part this record from the one that it gave way to, or ask for that."""
    customer_id = _customer(visit)
    if customer_id is None:
        return await errors.not_found(visit)

    async def act(reader: FormReader) -> object:
        reason = flow.reason_of(reader)
        if reason is None:
            return None
        return await link_records.split_records(
            visit.desk.house, visit.actor, customer_id=customer_id, reason=reason
        )

    action = _action(visit, customer_id, "split")
    return await flow.run(visit, action, [_reason(visit)], act, done=_done)


def _customer(visit: Visit) -> int | None:
    try:
        return ids.from_text(ids.CUSTOMER, visit.request.path_params["customer"])
    except ids.InvalidIdError:
        return None


def _action(visit: Visit, customer_id: int, name: str) -> Action:
    record, href = ids.to_text(ids.CUSTOMER, customer_id), words.customer_href(customer_id)
    return Action(
        name=name,
        title=visit.t(f"links.{name}"),
        intro=visit.t(f"links.{name}_intro"),
        path=f"{href}/{name}",
        record=Crumb(label=record, href=href),
        journey=f"journeys.knowing.link_records.{name}_records",
    )


def _reason(visit: Visit) -> Field:
    return Field(name=flow.REASON, label=visit.t("links.reason"), hint=visit.t("links.reason_hint"))


def _done(outcome: object) -> str:
    return "record_link_asked" if isinstance(outcome, Approval) else "record_link_done"


PAGES: Final = (
    Page(path=f"{_CUSTOMER}/merge", show=merge, submit=merge, permission=Permission.FIND_PERSON),
    Page(path=f"{_CUSTOMER}/split", show=split, submit=split, permission=Permission.FIND_PERSON),
)
