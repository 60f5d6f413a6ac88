"""The shape of a page of the portal: its address, who may open it, what takes its posts."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.responses import Response

from counterfoil.portal.visit import Visit

Handler = Callable[[Visit], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One address of the portal, below its base."""

    path: str
    show: Handler
    #: What posting to it does; None where nothing can be posted.
    submit: Handler | None = None
    #: Also without a sign-in.
    is_open: bool = False
    #: The act by which a session for one act may open it; a session's record, where it names one,
    #: is compared with the address's `{record}`.
    act: str = ""
