"""What only looks: the guard before every read, pages of lists, and what reads are handed."""

from datetime import date
from typing import Annotated, Any, Final

from fastapi import Depends, Query, Request
from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from counterfoil.api import refusals
from counterfoil.api.desk import Desk
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.kernel.errors import RefusedError, refuse
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import QUERIES
from counterfoil.platform.database import Connection

PAGE_DEFAULT: Final = 50
PAGE_MAX: Final = 200
#: Letters of an identifier's text after its prefix.
_BODY_LENGTH: Final = 13
_PREFIX: Final = "cu"
#: Name of the security scheme in the API's description.
API_KEY: Final = "apiKey"

#: An object's key in a list: customer and number, or number and customer.
Key = tuple[int, int]


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
        if key is None:
            raise RefusedError(refuse(refusals.NOT_AUTHENTICATED))
        if not key.allows(self.scope):
            refused = refuse(refusals.SCOPE_MISSING, scope=self.scope.value)
            await desk.note_refusal(key, refused, request.scope["route"].name)
            raise RefusedError(refused)
        known = {field.alias for field in request.scope["route"].dependant.query_params}
        for name in request.query_params:
            if name not in known:
                raise UnknownParameterError(name)


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


async def business_date(connection: Connection) -> date:
    """Return the business date as the database has it: another process may have moved it."""
    on: date = await QUERIES.business_date.fetchval(connection)
    return on


HouseOf = Annotated[House, Depends(_house_of)]
Limit = Annotated[
    int, Query(ge=1, le=PAGE_MAX, description="Most items on the page; 50 where it is left out.")
]


def write_cursor(key: Key) -> str:
    """Return the cursor that continues a list behind a key."""
    return "".join(ids.to_text(_PREFIX, number)[-_BODY_LENGTH:] for number in key)


def read_cursor(cursor: str) -> Key:
    """Return the key behind which a cursor continues."""
    first, second = cursor[:_BODY_LENGTH], cursor[_BODY_LENGTH:]
    return (
        ids.from_text(_PREFIX, f"{_PREFIX}_{first}"),
        ids.from_text(_PREFIX, f"{_PREFIX}_{second}"),
    )


def _check_cursor(value: object) -> str:
    text = str(value)
    try:
        read_cursor(text)
    except ids.InvalidIdError:
        raise PydanticCustomError("cursor_malformed", "not a cursor") from None
    return text


Cursor = Annotated[
    str,
    PlainValidator(_check_cursor),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^([0-7][0-9a-hjkmnp-tv-z]{12}){2}$",
            "description": "The `next` of a page, to continue behind it.",
        }
    ),
]
After = Annotated[Cursor | None, Query()]
#: Where a list in the order of its keys begins.
BEGINNING: Final[Key] = (0, 0)


def no_more(found: int, limit: int) -> bool:
    """Return whether a page that was asked for with one item too many is the last."""
    return found <= limit
