"""The same key, the same answer, for journeys that carry no key of their own.

Such a journey can be repeated without harm. Its answer is recorded after it is done, in a
transaction of its own; whoever comes between asks the journey again and finds it done.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import orjson

from counterfoil.api.shapes import Body, View
from counterfoil.api.writes import Call, Write
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused
from counterfoil.platform import idempotency
from counterfoil.platform.batches import Answer

T = TypeVar("T")


async def remembered(
    house: House,
    *,
    scope_id: int,
    key: str,
    kind: str,
    request: dict[str, object],
    work: Callable[[], Awaitable[str | Refused]],
) -> Answer | Refused:
    """Do some work once for each key; on a repetition give the first answer."""
    wanted = idempotency.request_hash(kind, request)
    async with house.database.connection() as connection:
        seen = await idempotency.remember(connection, scope_id, key, wanted)
    if seen is not None:
        return seen
    text = await work()
    if isinstance(text, Refused):
        return text

    async def found(_connection: object) -> str | Refused:
        return text

    return await idempotency.once(
        house.database,
        scope_id=scope_id,
        key=key,
        request=wanted,
        kind=kind,
        at=house.clock.now(),
        work=found,
    )


async def once(
    call: Call,
    write: Write,
    body: Body,
    act: Callable[[], Awaitable[T | Refused]],
    tell: Callable[[T], View | Mapping[str, object]],
    *,
    scope_id: int = idempotency.HOUSE,
) -> Answer | Refused:
    """Act once for each key of a call, on a customer or on the house, and tell what came of it."""

    async def work() -> str | Refused:
        found = await act()
        return found if isinstance(found, Refused) else text_of(tell(found))

    return await remembered(
        call.house,
        scope_id=scope_id,
        key=call.idempotency_key,
        kind=write.name,
        request={**call.path, **body.model_dump(mode="json")},
        work=work,
    )


def text_of(document: View | Mapping[str, object]) -> str:
    """Return an answer as it is handed out and recorded."""
    if isinstance(document, View):
        return document.model_dump_json()
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()
