"""Pages for what did not work: not found, not permitted, not understood, failed."""

from dataclasses import dataclass

from starlette.responses import Response

from counterfoil.console.access import Permission
from counterfoil.console.frame import BASE
from counterfoil.console.visit import Visit
from counterfoil.console.words import refusal_text
from counterfoil.journeys.trail import Act, note_refusal
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.holdings import CASE_NEEDED, Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorView:
    """What is wrong and what to do about it."""

    code: str
    text: str
    next_step: str
    request_id: str
    #: Where a case of the customer can be taken; empty where that is not what is missing.
    way_href: str = ""


async def not_found(visit: Visit) -> Response:
    """Answer for an address or a record that is not there."""
    return _error(visit, 404, "not_found")


async def forbidden(visit: Visit) -> Response:
    """Answer for a page that the role may not open."""
    return _error(visit, 403, "forbidden")


async def turned_away(visit: Visit, refused: Refused, customer: str) -> Response:
    """Answer for what lies outside somebody's hours, courses, reach or cases."""
    view = ErrorView(
        code="403",
        text=refusal_text(visit, refused),
        next_step="",
        request_id=visit.request_id,
        way_href=f"{BASE}/customers/{customer}/case" if refused.refusal is CASE_NEEDED else "",
    )
    title = visit.t("error.forbidden.title")
    return visit.page("errors/error.html", title, view, status=403)


async def without_reach(visit: Visit, permission: Permission, customer_id: int) -> Response | None:
    """Answer whoever may not act for a customer whom the address does not name; else None."""
    refused = await visit.enter(permission, Wanted(customer_ids=(customer_id,)))
    if refused is None:
        return None
    act = Act(name="console", customer_ids=[customer_id])
    await note_refusal(visit.desk.house, visit.actor, act, refused)
    return await turned_away(visit, refused, ids.to_text(ids.CUSTOMER, customer_id))


async def foreign_post(visit: Visit) -> Response:
    """Answer for a form that another site has sent."""
    return _error(visit, 403, "foreign_post")


async def not_allowed_here(visit: Visit) -> Response:
    """Answer for a method that the page does not take."""
    return _error(visit, 405, "not_allowed_here")


async def too_large(visit: Visit) -> Response:
    """Answer for a form that is larger than any of ours."""
    return _error(visit, 413, "too_large")


async def failed(visit: Visit) -> Response:
    """Answer for a fault of ours; it needs neither the database nor a journey."""
    return _error(visit, 500, "failed")


def _error(visit: Visit, status: int, name: str) -> Response:
    view = ErrorView(
        code=str(status),
        text=visit.t(f"error.{name}.text"),
        next_step=visit.t(f"error.{name}.next_step"),
        request_id=visit.request_id,
    )
    template = "errors/error.html" if visit.session else "errors/error_outside.html"
    return visit.page(template, visit.t(f"error.{name}.title"), view, status=status)
