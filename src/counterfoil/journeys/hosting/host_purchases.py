"""Purchases that hosts record: what a customer buys in an app, paid by the lender to the merchant.

The way     The host records the purchase with the digests of its papers, asks for the page of its
            cost sheet, and draws what the customer agreed to there. Purpose and payee of such a
            page are those of the purchase: a host names neither.
Invariant   A host sees purchases that it recorded and no others; what else a customer buys, and
            whether the customer is a student, stays with the lender.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import orjson

from counterfoil.hosts import store
from counterfoil.hosts.host import refuse_product
from counterfoil.hosts.link import Link, Subject, SubjectKind
from counterfoil.journeys.hosting.host_scope import (
    Visit,
    customer_of_visit,
    subject_of_visit,
    subjects_of_visit,
)
from counterfoil.journeys.house import House
from counterfoil.journeys.purchasing.scene_deal import deals_of
from counterfoil.journeys.purchasing.scene_purchases import purchase_document, record_purchase
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.lending import purchase_store
from counterfoil.lending.refusals import SCENE_UNKNOWN
from counterfoil.lending.scene_purchase import Purchase
from counterfoil.platform.database import Connection

#: What stays with the lender.
_UNTOLD: Final = ("customer_id", "scene_version", "is_student")


async def record_by_host(
    house: House,
    visit: Visit,
    reference: str,
    purchase: Purchase,
    documents: Mapping[str, bytes],
    *,
    idempotency_key: str,
) -> dict[str, Any]:
    """Record what a customer of the host buys; raises RefusedError.

    The customer of `purchase` is whoever the reference stands for.
    """
    product_code = _product_of(house, visit, purchase.scene)
    async with house.database.transaction() as connection:
        link = await customer_of_visit(connection, visit, reference)
    answer = await record_purchase(
        house,
        replace(purchase, customer_id=link.customer_id),
        documents,
        by=visit.author,
        idempotency_key=f"{visit.author}:{idempotency_key}",
    )
    if isinstance(answer, Refused):
        raise RefusedError(answer)
    told = orjson.loads(answer.text)
    subject = Subject(
        customer_id=link.customer_id,
        kind=SubjectKind.PURCHASE,
        subject_id=ids.from_text(ids.PURCHASE, told["id"]),
        host_id=link.host_id,
        product_code=product_code,
        made_at=house.clock.now(),
    )
    async with house.database.transaction() as connection:
        await store.add_subject(connection, subject)
    return _told(told, reference)


async def purchases_of_host(
    house: House, visit: Visit, reference: str, *, page: int, before: int, is_back: bool
) -> list[dict[str, Any]]:
    """Return a page of what the host recorded for a customer; raises RefusedError."""
    async with house.database.transaction() as connection:
        link = await customer_of_visit(connection, visit, reference)
        subjects = await subjects_of_visit(
            connection,
            visit,
            link,
            SubjectKind.PURCHASE,
            page=page,
            before=before,
            is_back=is_back,
        )
        states = [
            await purchase_store.read_purchase(connection, link.customer_id, item.subject_id)
            for item in subjects
        ]
    return [
        _told(purchase_document(house.catalogue.scenes, state), reference)
        for state in states
        if state is not None
    ]


async def asked_in_full(
    house: House, connection: Connection, visit: Visit, link: Link, asked: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a page is asked with; a purchase brings its purpose and its merchant's payee.

    Raises RefusedError where the purchase is not the host's.
    """
    number = asked.get("purchase_id")
    if number is None:
        return dict(asked)
    await subject_of_visit(connection, visit, link, SubjectKind.PURCHASE, number)
    [deal] = await deals_of(
        connection, house.catalogue.scenes, link.customer_id, purchase_id=number
    )
    return {**asked, "purpose": deal.scene.purposes[0], "payee_ref": deal.payee.payee_ref}


def _product_of(house: House, visit: Visit, scene: str) -> str:
    """Return a product of the host that lends in a scene; raise RefusedError without one."""
    named = [terms.code for terms in house.catalogue.all() if scene in terms.scenes]
    refusals = {code: refuse_product(visit.host, code) for code in named}
    for code, refused in refusals.items():
        if refused is None:
            return code
    raise RefusedError(next(filter(None, refusals.values()), refuse(SCENE_UNKNOWN, scene=scene)))


def _told(document: dict[str, Any], reference: str) -> dict[str, Any]:
    kept = {name: value for name, value in document.items() if name not in _UNTOLD}
    return {**kept, "customer": reference}
