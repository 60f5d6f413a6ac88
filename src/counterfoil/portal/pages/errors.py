"""Pages for what did not work: not found, not for this session, not understood, failed."""

from dataclasses import dataclass

from starlette.responses import Response

from counterfoil.kernel.errors import Refused
from counterfoil.portal.visit import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorView:
    """What is wrong and what to do about it."""

    code: str
    text: str
    next_step: str
    request_id: str


def not_found(visit: Visit) -> Response:
    """Answer for an address or a record that is not there, or is another's."""
    return _error(visit, 404, "not_found")


def only_one_act(visit: Visit) -> Response:
    """Answer for a page beyond the one act that the session is for."""
    return _error(visit, 403, "only_one_act")


def link_ended(visit: Visit) -> Response:
    """Answer for a link that was opened before, or is too old."""
    return _error(visit, 410, "link_ended")


def foreign_post(visit: Visit) -> Response:
    """Answer for a form that another site has sent."""
    return _error(visit, 403, "foreign_post")


def not_allowed_here(visit: Visit) -> Response:
    """Answer for a method that the page does not take."""
    return _error(visit, 405, "not_allowed_here")


def too_large(visit: Visit) -> Response:
    """Answer for a form that is larger than any of ours."""
    return _error(visit, 413, "too_large")


def failed(visit: Visit) -> Response:
    """Answer for a fault of ours; it needs neither the database nor a journey."""
    return _error(visit, 500, "failed")


def refused(visit: Visit, refusal: Refused, *, status: int = 409) -> Response:
    """Answer for what a journey refused where there is no form to say it at."""
    view = ErrorView(
        code="", text=visit.refusal(refusal), next_step="", request_id=visit.request_id
    )
    return visit.page("errors/error.html", visit.t("error.refused.title"), view, status=status)


def _error(visit: Visit, status: int, name: str) -> Response:
    view = ErrorView(
        code=str(status),
        text=visit.t(f"error.{name}.text"),
        next_step=visit.t(f"error.{name}.next_step"),
        request_id=visit.request_id,
    )
    return visit.page("errors/error.html", visit.t(f"error.{name}.title"), view, status=status)
