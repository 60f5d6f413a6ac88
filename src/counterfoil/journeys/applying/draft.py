"""An application form on its way: partly filled in, kept, pre-filled with what is known.

Known       What the customer stated at the latest decision is shown to be confirmed, not asked
            again; what identity, bureau and books say is not asked at all.
Kept        In the database, so that it outlives a restart; forgotten with the application, and by
            the close of day when nobody has touched it for as long as an offer is valid.
Invariant   A draft decides nothing: what counts is what is submitted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from counterfoil.customers import store as customers
from counterfoil.customers.refusals import CUSTOMER_NOT_FOUND
from counterfoil.decisioning import draft_store as store
from counterfoil.decisioning.draft_store import Draft
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.feature import Feature, check_facts
from counterfoil.decisioning.refusals import PRODUCT_NOT_OFFERED
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending.catalogue import UnknownProductError
from counterfoil.platform.database import Connection

#: Source of what only the customer can say.
APPLICANT = "applicant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """Something that the customer stated before."""

    value: Value
    stated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form as it is shown: what is filled in, what may be confirmed, what is still open."""

    draft: Draft
    #: By name; not what the draft has another value for.
    known: Mapping[str, Stated]
    #: What the policy reads of the customer, in its order, and nobody has said yet.
    open: tuple[str, ...]


async def save_draft(
    house: House, draft: Draft, *, customer_id: int, product_code: str
) -> Form | Refused:
    """Keep a form as far as it is filled in; what is filled in has to be sound."""
    policy, now = house.policies.origination.policy, house.clock.now()
    refused = await _refuse_product(house, product_code)
    refused = refused or check_facts(policy.features, draft.facts, (APPLICANT,))
    if refused is not None:
        return refused
    async with house.database.transaction() as connection:
        if await customers.read_customer(connection, customer_id) is None:
            return refuse(CUSTOMER_NOT_FOUND)
        await store.save_draft(
            connection, draft, customer_id=customer_id, product_code=product_code, at=now
        )
        return await _form(house, connection, customer_id, product_code)


async def read_form(house: House, *, customer_id: int, product_code: str) -> Form | Refused:
    """Return a customer's form for a product, pre-filled."""
    refused = await _refuse_product(house, product_code)
    if refused is not None:
        return refused
    async with house.database.connection() as connection:
        if await customers.read_customer(connection, customer_id) is None:
            return refuse(CUSTOMER_NOT_FOUND)
        return await _form(house, connection, customer_id, product_code)


async def _refuse_product(house: House, product_code: str) -> Refused | None:
    on = await house.business_date()
    try:
        house.catalogue.current(product_code, on)
    except UnknownProductError:
        return refuse(PRODUCT_NOT_OFFERED, product_code=product_code, on=on)
    return None


async def _form(house: House, connection: Connection, customer_id: int, product_code: str) -> Form:
    draft = await store.read_draft(connection, customer_id=customer_id, product_code=product_code)
    known = await _known(house, connection, customer_id)
    asked = [item.name for item in asked_of_customer(house)]
    return Form(
        draft=draft,
        known={name: item for name, item in known.items() if name not in draft.facts},
        open=tuple(name for name in asked if name not in known and name not in draft.facts),
    )


async def _known(house: House, connection: Connection, customer_id: int) -> dict[str, Stated]:
    """Return what the customer stated before, as far as the policy in force still admits it."""
    found = await store.last_known(connection, customer_id)
    if found is None:
        return {}
    stated: dict[str, Stated] = {}
    for item in asked_of_customer(house):
        value = found.features.get(item.name)
        if value is not None and item.admits(value):
            stated[item.name] = Stated(value=value, stated_at=found.decided_at)
    return stated


def asked_of_customer(house: House) -> list[Feature]:
    """Return what the policy in force reads that only the customer can say, in its order."""
    policy = house.policies.origination.policy
    return [item for item in policy.features if item.source == APPLICANT]
