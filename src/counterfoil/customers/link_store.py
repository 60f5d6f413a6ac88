"""Reads and writes links between records of one person."""

from collections.abc import Sequence
from typing import Final

from counterfoil.customers.record_link import LinkStep, People, Step
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Runner

QUERIES: Final = Queries.load("counterfoil.customers", "link_store.sql")

#: More steps than the links of one record ever have.
STEPS_MAX: Final = 200
#: Beyond every number, where a list begins that has the newest first.
NEWEST: Final = 2**63 - 1


async def hold_records(connection: Connection, customer_ids: Sequence[int]) -> frozenset[int]:
    """Hold records until the transaction ends; return those that exist."""
    rows = await QUERIES.hold_records.fetch(connection, customer_ids=list(customer_ids))
    return frozenset(row["customer_id"] for row in rows)


async def add_step(connection: Connection, step: LinkStep) -> None:
    """Write one step of a link."""
    await QUERIES.add_link_step.execute(
        connection,
        customer_id=step.customer_id,
        step_id=step.step_id,
        link_id=step.link_id,
        surviving_id=step.surviving_id,
        step=step.step.value,
        approval_id=step.approval_id,
        done_by=step.done_by,
        done_at=step.done_at,
    )


async def read_people(connection: Connection, customer_ids: Sequence[int]) -> People:
    """Return which records are one person with any of these."""
    rows = await QUERIES.links_of_people.fetch(connection, customer_ids=list(customer_ids))
    return People(merged_into={row["customer_id"]: row["surviving_id"] for row in rows})


async def read_steps(
    connection: Runner,
    customer_id: int,
    *,
    page: int = STEPS_MAX,
    before: int = NEWEST,
    is_back: bool = False,
) -> list[LinkStep]:
    """Return a page of the steps of the links of a record, newest first."""
    rows = await QUERIES.link_steps.page(
        connection, customer_id=customer_id, page=page, before=before, is_back=is_back
    )
    return [
        LinkStep(
            customer_id=row["customer_id"],
            step_id=row["step_id"],
            link_id=row["link_id"],
            surviving_id=row["surviving_id"],
            step=Step(row["step"]),
            approval_id=row["approval_id"],
            done_by=row["done_by"],
            done_at=row["done_at"],
        )
        for row in rows
    ]
