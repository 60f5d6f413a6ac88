"""Reads and writes merchants of scenes and stops; over named queries."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from counterfoil.lending.scene import Scene, SceneBook
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.lending", "scene_store.sql")

#: Merchants that stand beside their scenes; the rest are read page by page.
PAGE: Final = 1_000
#: A drawdown or refund takes seconds; after a crash its answer is looked up, or there is none.
RESERVED: Final = timedelta(minutes=15)
#: Stands for the scene as a whole.
WHOLE: Final = 0
_PRESENT: Final = 0


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
    """Where a merchant is paid, and whether new loans go there."""

    payee_ref: str
    version_no: int
    is_scene_stopped: bool
    is_merchant_stopped: bool


async def hold_scene(connection: Connection, *, customer_id: int, scene: str) -> None:
    """Let no other drawdown of the customer in the scene be looked at meanwhile."""
    await QUERIES.hold_scene.fetch(connection, customer_id=customer_id, scene=scene)


async def place_of(connection: Connection, merchant_id: int) -> Place | None:
    """Return where a merchant is paid at present; None where there is no such merchant."""
    row = await QUERIES.place_of_merchant.fetchrow(connection, merchant_id=merchant_id)
    return None if row is None else Place(**dict(row))


async def payee_of(
    connection: Connection, merchant_id: int, *, version_no: int = _PRESENT
) -> Payee | None:
    """Return where a merchant is paid at present, or was in a version; None for no merchant."""
    row = await QUERIES.payee_of_merchant.fetchrow(
        connection, merchant_id=merchant_id, version_no=version_no
    )
    return None if row is None else Payee(**dict(row))


async def payees_of_accounts(connection: Connection, accounts: Collection[str]) -> list[Payee]:
    """Return the merchants that are paid at certain accounts at present."""
    rows = await QUERIES.payees_of_accounts.fetch(connection, accounts=list(accounts))
    return [Payee(**dict(row)) for row in rows]


async def owed_in_scene(connection: Connection, scene: Scene, *, customer_id: int, key: str) -> int:
    """Return what a customer owes in a scene or has on its way, but for the drawdown itself."""
    found: int = await QUERIES.owed_in_scene.fetchval(
        connection, customer_id=customer_id, scene=scene.code, key=key
    )
    return found


async def add_payee(connection: Connection, payee: Payee) -> None:
    """Write where a merchant is paid from now on."""
    fields = {name: getattr(payee, name) for name in payee.__slots__}
    await QUERIES.add_payee.execute(connection, **fields)


async def read_payees(
    connection: Connection,
    *,
    scene: str | None = None,
    after: int = 0,
    page: int = PAGE,
    is_back: bool = False,
) -> list[Payee]:
    """Return where merchants are paid at present, by their numbers; of one scene or of all."""
    rows = await QUERIES.payees.page(
        connection, scene=scene, merchant_id=after, page=page, is_back=is_back
    )
    return [Payee(**dict(row)) for row in rows]


async def read_books(
    connection: Connection, scenes: Mapping[str, Scene], on: date
) -> list[SceneBook]:
    """Return what is owed and late on a day by scene, and by merchant in it."""
    rows = await QUERIES.books.fetch(
        connection,
        scenes=list(scenes),
        late_before=[on - timedelta(days=scene.late_days) for scene in scenes.values()],
    )
    return [SceneBook(**dict(row)) for row in rows]


async def read_stops(connection: Connection) -> list[Stop]:
    """Return the last word on every scene and merchant."""
    return [Stop(**dict(row)) for row in await QUERIES.last_stops.fetch(connection)]


async def add_stop(connection: Connection, stop: Stop) -> None:
    """Write a stop, or that it is lifted."""
    fields = {name: getattr(stop, name) for name in stop.__slots__}
    await QUERIES.add_stop.execute(connection, **fields)
