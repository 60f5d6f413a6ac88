"""What only looks: the guard before every read, and what reads are handed."""

from datetime import date
from typing import Annotated, Any, Final

from fastapi import Depends, Request

from counterfoil.api import refusals
from counterfoil.api.desk import Desk, source_of, wanted_of
from counterfoil.journeys.hosting.host_scope import Visit, admit, refuse_route
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform.access import ApiKey, Scope
from counterfoil.platform.batches import QUERIES
from counterfoil.platform.database import Connection
from counterfoil.platform.holdings import CUSTOMER_MUST_BE_NAMED, Reach, Wanted
from counterfoil.platform.read_acts import Door, begin_reading, refuse_program

#: Name of the security scheme in the API's description.
API_KEY: Final = "apiKey"


class UnknownParameterError(Exception):
    """The address has a parameter that the operation does not know."""

    def __init__(self, name: str) -> None:
        """Keep the parameter's name."""
        super().__init__(name)
        self.name = name


class Guard:
    """Lets a request in whose key has the scope."""

    def __init__(self, scope: Scope) -> None:
        """Take the scope that is asked for."""
        self.scope = scope

    async def __call__(self, request: Request) -> None:
        """Refuse who may not come in, and parameters that nobody reads."""
        desk = desk_of(request)
        authorization = request.headers.get("authorization")
        key = await desk.verify(authorization.encode("latin-1") if authorization else None)
        # Whoever answers a refusal writes it down, under this key or a stranger's name.
        request.state.api_key = key
        if key is None:
            raise RefusedError(refuse(refusals.NOT_AUTHENTICATED))
        operation = request.scope["route"].name
        begin_reading(Door.PROGRAMS, operation)
        if closed := refuse_route(key, operation):
            raise RefusedError(closed)
        if not key.allows(self.scope):
            raise RefusedError(refuse(refusals.SCOPE_MISSING, scope=self.scope.value))
        if outside := refuse_program(operation, self.scope):
            raise RefusedError(outside)
        request.state.reader = (key, self.scope)
        wanted = wanted_of({**request.path_params, **request.query_params})
        request.state.reach = await self._reach(desk, key, request, wanted)
        request.state.wanted = wanted
        asked = request.scope["route"].dependant
        parts = (asked, *asked.dependencies)
        known = {field.alias for part in parts for field in part.query_params}
        for name in request.query_params:
            if name not in known:
                raise UnknownParameterError(name)

    async def _reach(self, desk: Desk, key: ApiKey, request: Request, wanted: Wanted) -> Reach:
        """Return what a program reaches; refuse what lies beyond, and lists that are not cut."""
        reach = await desk.enter(key, self.scope, wanted, source=source_of(request.scope))
        if isinstance(reach, Reach) and not reach.is_everything and not wanted.customer_ids:
            parts = request.scope["route"].dependant.dependencies
            is_cut = any(part.call is _reach_of for part in parts)
            if not (is_cut and reach.is_by_business):
                reach = refuse(CUSTOMER_MUST_BE_NAMED, holder=f"api:{key.client}")
        if isinstance(reach, Refused):
            raise RefusedError(reach)
        return reach


def reads(scope: Scope, tag: str, summary: str) -> dict[str, Any]:
    """Return what the router has to know of a read besides its path."""
    return {
        "dependencies": [Depends(Guard(scope))],
        "openapi_extra": {"security": [{API_KEY: [scope.value]}]},
        "tags": [tag],
        "summary": summary,
    }


def desk_of(request: Request) -> Desk:
    """Return the API's desk."""
    desk: Desk = request.app.state.desk
    return desk


def _house_of(request: Request) -> House:
    return desk_of(request).house


def _reach_of(request: Request) -> Reach:
    reach: Reach = request.state.reach
    return reach


async def business_date(connection: Connection) -> date:
    """Return the business date as the database has it: another process may have moved it."""
    on: date = await QUERIES.business_date.fetchval(connection)
    return on


async def _visit_of(request: Request) -> Visit:
    """Return the visit of a host; the guard has let its key in."""
    operation = request.scope["route"].name
    return await admit(_house_of(request), request.state.api_key, operation)


HouseOf = Annotated[House, Depends(_house_of)]
VisitOf = Annotated[Visit, Depends(_visit_of)]
#: Of whoever reads; a list that takes it cuts itself down in its query.
ReachOf = Annotated[Reach, Depends(_reach_of)]
