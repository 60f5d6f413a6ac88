"""Correcting a name or a number at the person's wish: two people, and what stood is kept.

Order       The request is identified and its answer names the value. The first call asks a second
            person to approve exactly this, by a keyed digest of the value; the same call after the
            approval puts the record in place, makes the index anew, writes leaf and trail. What
            sources said of the former value counts no more.
Held        A number that another customer has proven stops the correction and opens a case.
Kept        What stood stays sealed with the time for which it did, and goes with the same key.
            Contracts and sheets keep what was signed; whoever comes after reads the new value.
"""

from collections.abc import Mapping
from typing import Final

from counterfoil.customers.identity import check_name, check_phone
from counterfoil.customers.refusals import IDENTITY_HELD
from counterfoil.customers.verification_policy import CheckKind
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.approve import ask_approval, list_approvals
from counterfoil.journeys.house import House
from counterfoil.journeys.serving.change_contact import OF_ANOTHER, ask_again
from counterfoil.journeys.serving.identity import is_proven_by_another, open_case
from counterfoil.journeys.trail import Act, note
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform.access_matrix import Actor, reading
from counterfoil.platform.approvals import (
    APPROVAL_MISSING,
    Value,
    payload_hash,
    require_approval,
)
from counterfoil.privacy.blind_index import IndexKind
from counterfoil.privacy.correction_store import correct_record, index_anew
from counterfoil.privacy.person_store import read_for_check
from counterfoil.privacy.refusals import CORRECTION_VALUE_MISSING, PERSONAL_DATA_NOT_FOUND
from counterfoil.privacy.rights import RightsRequest
from counterfoil.privacy.vault import Purpose

APPROVAL: Final = "personal_correction"
_ROWS: Final = 100
#: What may be corrected in the vault → the purpose under which it is kept. An identity number is
#: what a customer is told apart by: another one is another record, linked by `link_records`.
FIELDS: Final[Mapping[str, Purpose]] = {"name": Purpose.IDENTITY, "phone": Purpose.CONTACT}

#: What sources said of it before, and is to be asked again.
_SAID: Final[Mapping[str, frozenset[CheckKind]]] = {
    # Whatever was held against the name: a register, a document, a carrier or a bank that knows
    # the person by it. A face and a check character do not depend on it.
    "name": frozenset(
        {CheckKind.NAME_NUMBER, CheckKind.DOCUMENT, CheckKind.PHONE, CheckKind.BANK_CARD}
    ),
    "phone": frozenset({CheckKind.PHONE}),
}


async def correct_person(
    house: House, actor: Actor, request: RightsRequest, value: object
) -> Mapping[str, str] | Refused:
    """Put a name or a number in place, with the approval of a second person; return what it was."""
    given = _checked(request.about, value)
    if isinstance(given, Refused):
        return given
    async with house.database.connection() as connection:
        known = await read_for_check(
            connection, house.vault, request.customer_id, reading("person_correction")
        )
    if known is None:
        return refuse(PERSONAL_DATA_NOT_FOUND)
    if known[request.about] == given:
        # Done already, perhaps by an answer that a crash cut off.
        return {"corrected": request.about}
    payload = await _payload(house, request, given)
    try:
        await _correct(house, actor, request, given, payload)
    except RefusedError as error:
        if error.refused.refusal is APPROVAL_MISSING:
            await _ask(house, actor, request, payload)
        if error.refused.refusal is IDENTITY_HELD:
            async with house.database.transaction() as connection:
                await open_case(house, connection, request.customer_id, OF_ANOTHER, holds=True)
        return error.refused
    return {"corrected": request.about}


def _checked(about: str, value: object) -> str | Refused:
    if value is None or isinstance(value, bool):
        return refuse(CORRECTION_VALUE_MISSING, about=about)
    return check_name(str(value)) if about == "name" else check_phone(str(value))


async def _payload(house: House, request: RightsRequest, given: str) -> dict[str, Value]:
    """Return what is approved; the value stands in it by a keyed digest alone."""
    [digest] = await house.vault.digests(IndexKind.PHONE, [f"{request.about} {given}"])
    return {
        "act": APPROVAL,
        "about": request.about,
        "customer": ids.to_text(ids.CUSTOMER, request.customer_id),
        "request": ids.to_text(ids.RIGHTS_REQUEST, request.request_id),
        "value": digest.hex(),
    }


async def _ask(
    house: House, actor: Actor, request: RightsRequest, payload: dict[str, Value]
) -> None:
    """Ask for the approval once."""
    for waiting in await list_approvals(house, only_open=True, page=_ROWS):
        if waiting.kind == APPROVAL and waiting.payload_hash == payload_hash(payload):
            return
    record = ids.to_text(ids.RIGHTS_REQUEST, request.request_id)
    summary = f"correct the {request.about} of {payload['customer']} for {record}"
    reason = f"the person's right: {request.kind}"
    await ask_approval(house, actor, APPROVAL, payload, summary=summary, reason=reason)


async def _correct(
    house: House, actor: Actor, request: RightsRequest, given: str, payload: dict[str, Value]
) -> None:
    purpose, now = FIELDS[request.about], house.clock.now()
    record = ids.to_text(ids.RIGHTS_REQUEST, request.request_id)
    async with house.database.transaction() as connection:
        approval = await require_approval(
            connection, APPROVAL, payload_hash(payload), used_by=actor.name, now=now
        )
        if isinstance(approval, Refused):
            raise RefusedError(approval)
        if request.about == "phone" and await is_proven_by_another(
            house, connection, request.customer_id, given, await house.business_date()
        ):
            raise RefusedError(refuse(IDENTITY_HELD))
        done = await correct_record(
            connection,
            house.vault,
            customer_id=request.customer_id,
            purpose=purpose,
            fields={request.about: given},
            request_id=request.request_id,
            reading=reading("person_correction"),
            at=now,
        )
        if not done:
            raise RefusedError(refuse(PERSONAL_DATA_NOT_FOUND))
        if purpose is Purpose.CONTACT:
            await index_anew(
                connection,
                house.vault,
                IndexKind.PHONE,
                customer_id=request.customer_id,
                value=given,
            )
        await ask_again(house, connection, request.customer_id, _SAID[request.about], by=actor.name)
        leaf = house.leaves.stage(
            request.customer_id,
            house.ids.next(),
            LeafType.OPENED,
            request.request_id,
            {
                "act": "corrected",
                "approval": ids.to_text(ids.APPROVAL, approval.approval_id),
                "field": request.about,
                "purpose": purpose.value,
                "ticket": record,
                "who": actor.name,
            },
        )
        await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])
        act = Act(
            name="person_corrected",
            customer_ids=[request.customer_id],
            subject=record,
            purpose=purpose.value,
            after=request.about,
        )
        await note(house, connection, actor, act)
