"""Changing the phone number: after the checks that this needs.

The way     The combination of checks that the document names for the act has to stand. Then the
            new number takes the place of the present one, which is kept sealed; whoever passed for
            the old number is to be asked again.
Held        A number that another customer has proven stops the change and opens a case.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import Final

import orjson

from counterfoil.customers import verification_store as store
from counterfoil.customers.identity import check_phone
from counterfoil.customers.refusals import (
    CUSTOMER_NOT_FOUND,
    IDENTITY_HELD,
    PHONE_UNCHANGED,
)
from counterfoil.customers.verification import CheckOutcome
from counterfoil.customers.verification_policy import Act, CheckKind
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.house import House
from counterfoil.journeys.once import once_for
from counterfoil.journeys.serving.identity import (
    is_proven_by_another,
    open_case,
    refuse_act,
)
from counterfoil.journeys.serving.reach_customers import address_came
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.access_matrix import reading
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Connection
from counterfoil.privacy import person_store as persons
from counterfoil.privacy.blind_index import IndexKind
from counterfoil.privacy.correction_store import correct_record, index_anew
from counterfoil.privacy.vault import Purpose

#: Why a case opens where another customer has proven a number.
OF_ANOTHER: Final = "phone_of_another"


async def change_phone(
    house: House, *, customer_id: int, phone: str, by: str, idempotency_key: str
) -> Answer | Refused:
    """Put another phone number in the place of the present one."""
    given = check_phone(phone)
    if isinstance(given, Refused):
        return given
    [digest] = await house.vault.digests(IndexKind.PHONE, [given])
    is_of_another: list[bool] = []

    async def work(connection: Connection) -> str | Refused:
        refused = await refuse_act(house, connection, Act.CHANGING_PHONE, customer_id)
        if refused is not None:
            return refused
        known = await persons.read_clear(
            connection, house.vault, customer_id, Purpose.CONTACT, reading("phone_change")
        )
        if known is None:
            return refuse(CUSTOMER_NOT_FOUND)
        if known["phone"] == given:
            return refuse(PHONE_UNCHANGED)
        on = await house.business_date()
        if await is_proven_by_another(house, connection, customer_id, given, on):
            is_of_another.append(True)
            return refuse(IDENTITY_HELD)
        await _put(house, connection, customer_id, given, by=by)
        return changed_text(customer_id, "phone")

    answer = await once_for(
        house, customer_id, "change_phone", idempotency_key, {"phone": digest.hex()}, work
    )
    if is_of_another:
        async with house.database.transaction() as connection:
            await open_case(house, connection, customer_id, OF_ANOTHER, holds=True)
    return answer


async def _put(
    house: House, connection: Connection, customer_id: int, phone: str, *, by: str
) -> None:
    """Replace the number, and let nothing count that was said of the old one."""
    now = house.clock.now()
    done = await correct_record(
        connection,
        house.vault,
        customer_id=customer_id,
        purpose=Purpose.CONTACT,
        fields={"phone": phone},
        request_id=None,
        reading=reading("phone_change"),
        at=now,
    )
    assert done, "whoever was read has a record"
    await index_anew(connection, house.vault, IndexKind.PHONE, customer_id=customer_id, value=phone)
    await ask_again(house, connection, customer_id, {CheckKind.PHONE}, by=by)
    await note_change(house, connection, customer_id, house.ids.next(), "phone", by=by)
    await address_came(house, connection, customer_id, by=by)


async def ask_again(
    house: House,
    connection: Connection,
    customer_id: int,
    kinds: Collection[CheckKind],
    *,
    by: str,
) -> None:
    """Write for each source that spoke of what stood before that it has not of what stands now."""
    now = house.clock.now()
    standing = (await store.read_standings(connection, [customer_id]))[customer_id]
    for check in standing.checks:
        if check.kind in kinds and check.outcome is not CheckOutcome.UNKNOWN:
            unknown = replace(
                check,
                check_id=house.ids.next(),
                outcome=CheckOutcome.UNKNOWN,
                checked_at=max(now, check.checked_at),
                is_of_another=False,
            )
            await store.add_check(
                connection,
                unknown,
                consent_id=None,
                policy_sha256=house.identity_policy.sha256,
                by=by,
                # Nobody is asked here: there is nothing to time.
                asked_at=None,
                at=now,
            )


async def note_change(
    house: House, connection: Connection, customer_id: int, subject_id: int, what: str, *, by: str
) -> None:
    """Stage the leaf of a change."""
    fields = {"act": "contact_changed", "field": what, "who": by}
    leaf = house.leaves.stage(customer_id, house.ids.next(), LeafType.APPROVAL, subject_id, fields)
    await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])


def changed_text(customer_id: int, what: str) -> str:
    """Return the answer: what was changed, never to what."""
    said = {"customer_id": ids.to_text(ids.CUSTOMER, customer_id), "changed": what}
    return orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode()
