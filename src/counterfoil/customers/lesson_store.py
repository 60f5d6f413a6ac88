"""Lessons for those who begin with credit, and who has read them."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.customers", "lesson_store.sql")


class Lesson(StrEnum):
    """What there is to know before credit grows; texts stand in the portal's messages."""

    #: How a limit moves, up and down.
    LIMITS = "limits"
    #: What lateness costs, with the customer's own figures.
    LATENESS = "lateness"
    #: What a credit bureau is told, and for how long it stays.
    RECORD = "record"


async def read_lesson(
    connection: Connection, customer_id: int, lesson: Lesson, *, at: datetime
) -> None:
    """Write that a customer says to have read a lesson."""
    await QUERIES.add_lesson_read.execute(
        connection, customer_id=customer_id, lesson=lesson.value, read_at=at
    )


async def lessons_read(connection: Connection, customer_id: int) -> frozenset[Lesson]:
    """Return the lessons that a customer has read."""
    rows = await QUERIES.lessons_read.fetch(connection, customer_id=customer_id)
    return frozenset(Lesson(row["lesson"]) for row in rows)
