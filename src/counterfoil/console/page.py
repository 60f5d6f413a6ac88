"""The shape of a console page: its address, who may open it, what shows it and takes its posts."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.responses import Response

from counterfoil.console.access import Permission
from counterfoil.console.visit import Visit

Handler = Callable[[Visit], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One address of the console, below its base."""

    path: str
    show: Handler
    #: What posting to it does; None where nothing can be posted.
    submit: Handler | None = None
    #: None: also without a sign-in.
    permission: Permission | None = Permission.READ
    #: Whether it is where a case of the customer is taken, and so needs none yet.
    is_way_to_case: bool = False
    #: Whether it shows what is signed or sealed together with numbers that everybody knows it by;
    #: closed to who sees pseudonyms.
    is_sealed: bool = False
