"""Reads and writes merchants of scenes, stops and reservations; over named queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from counterfoil.lending.scene import Scene, SceneBook
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.lending", "scene_store.sql")

#: More merchants than a list shows.
PAGE: Final = 1_000
#: A drawdown takes seconds; after a crash its reservation is passed over.
RESERVED: Final = timedelta(minutes=15)
#: Stands for the scene as a whole.
WHOLE: Final = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Payee:
    """Where a merchant of a scene is paid."""

    merchant_id: int
    version_no: int
    scene: str
    name: str
    payee_ref: str
    asked_by: str
    approved_by: str
    approval_id: int
    registered_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """The last word on new loans of a scene, or of one merchant in it."""

    stop_id: int
    scene: str
    #: 0 is the scene as a whole.
    merchant_id: int
    is_stopped: bool
    loans_count: int
    owed_minor: int
    late_minor: int
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The merchant who is paid, and whether new loans go there."""

    merchant_id: int
    is_scene_stopped: bool
    is_merchant_stopped: bool


async def hold_scene(connection: Connection, *, customer_id: int, scene: str) -> None:
    """Let no other drawdown of the customer in the scene be looked at meanwhile."""
    await QUERIES.hold_scene.fetch(connection, customer_id=customer_id, scene=scene)


async def place_of(connection: Connection, scene: str, payee_ref: str) -> Place | None:
    """Return whose payee it is at present; None where it is no merchant's of the scene."""
    row = await QUERIES.scene_of_payee.fetchrow(connection, scene=scene, payee_ref=payee_ref)
    return None if row is None else Place(**dict(row))


async def is_merchant(connection: Connection, scene: str, merchant_id: int) -> bool:
    """Tell whether a merchant is one of a scene."""
    found = await read_payees(connection)
    return any((payee.scene, payee.merchant_id) == (scene, merchant_id) for payee in found)


async def owed_in_scene(
    connection: Connection, scene: Scene, *, customer_id: int, key: str, now: datetime
) -> int:
    """Return what a customer owes in a scene or has on its way, but for the drawdown itself."""
    found: int = await QUERIES.owed_in_scene.fetchval(
        connection,
        customer_id=customer_id,
        purposes=list(scene.purposes),
        scene=scene.code,
        since=now - RESERVED,
        key=key,
    )
    return found


async def reserve(
    connection: Connection,
    scene: Scene,
    *,
    customer_id: int,
    key: str,
    amount_minor: int,
    at: datetime,
) -> None:
    """Take a drawdown's amount of the scene's limit until it is answered."""
    await QUERIES.reserve.execute(
        connection,
        customer_id=customer_id,
        key=key,
        scene=scene.code,
        amount_minor=amount_minor,
        at=at,
    )


async def release(connection: Connection, *, customer_id: int, key: str) -> None:
    """Give back what a drawdown took."""
    await QUERIES.release.execute(connection, customer_id=customer_id, key=key)


async def add_payee(connection: Connection, payee: Payee) -> None:
    """Write where a merchant is paid from now on."""
    fields = {name: getattr(payee, name) for name in payee.__slots__}
    await QUERIES.add_payee.execute(connection, **fields)


async def read_payees(connection: Connection) -> list[Payee]:
    """Return where every merchant is paid at present."""
    rows = await QUERIES.payees.fetch(connection, page=PAGE)
    return [Payee(**dict(row)) for row in rows]


async def read_books(
    connection: Connection, scenes: Mapping[str, Scene], products: Sequence[str], on: date
) -> list[SceneBook]:
    """Return what is owed and late on a day by scene, and by merchant in it."""
    pairs = [(scene, purpose) for scene in scenes.values() for purpose in scene.purposes]
    rows = await QUERIES.books.fetch(
        connection,
        scenes=[scene.code for scene, _ in pairs],
        purposes=[purpose for _, purpose in pairs],
        late_before=[on - timedelta(days=scene.late_days) for scene, _ in pairs],
        products=list(products),
    )
    return [SceneBook(**dict(row)) for row in rows]


async def read_stops(connection: Connection) -> list[Stop]:
    """Return the last word on every scene and merchant."""
    return [Stop(**dict(row)) for row in await QUERIES.last_stops.fetch(connection)]


async def add_stop(connection: Connection, stop: Stop) -> None:
    """Write a stop, or that it is lifted."""
    fields = {name: getattr(stop, name) for name in stop.__slots__}
    await QUERIES.add_stop.execute(connection, **fields)
