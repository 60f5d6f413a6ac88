"""Tracing a record number that leaked: whose list it is from, whose record it is, who was shown it.

Who         Whoever lets data leave and sees persons: the role that answers for their protection. A
            role that sees pseudonyms itself would learn a customer's number by it.
Trail       Each trace is a line with the reason and the customer, before anything is told.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from counterfoil.journeys.guarding.recipient_keys import whose_alias
from counterfoil.journeys.guarding.show_persons import sees_persons
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, find_trail, note, note_refusal
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.access_matrix import Actor, load_matrix
from counterfoil.platform.holdings import owner_of
from counterfoil.platform.trail import Wanted
from counterfoil.privacy.refusals import (
    ALIAS_NOT_ALLOWED,
    ALIAS_NOT_FOUND,
    REASON_MISSING,
)

_ACT: Final = "number_trace"
_PERMISSION: Final = "export"
_SUBJECT_MAX: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberTrace:
    """What an alias says of where it came from."""

    #: `role.` and the role, with the person's name where the list is of one person.
    recipient: str
    #: The record's own number, as text.
    record: str
    #: None where the record is not there any more, or its kind belongs to no product.
    customer_id: int | None
    #: Members of that role who were shown the customer, with the pages of each; newest trail lines.
    shown_to: Mapping[str, int]


async def trace_number(
    house: House, actor: Actor, alias: str, *, reason: str
) -> NumberTrace | Refused:
    """Say whose list a record number is from and which customer it stands for; it is recorded."""
    act = Act(name=_ACT, subject=alias[:_SUBJECT_MAX], reason=reason)
    may = _PERMISSION in load_matrix().rights_for(actor).permissions and sees_persons(actor)
    if not may:
        return await note_refusal(house, actor, act, refuse(ALIAS_NOT_ALLOWED))
    if not reason.strip():
        return await note_refusal(house, actor, act, refuse(REASON_MISSING))
    found = whose_alias(house.settings.home, alias.strip())
    if found is None:
        return await note_refusal(house, actor, act, refuse(ALIAS_NOT_FOUND))
    recipient, (kind, number) = found
    record = ids.to_text(kind, number)
    async with house.database.transaction() as connection:
        customer_id = await owner_of(connection, kind, number)
        concerned = () if customer_id is None else (customer_id,)
        told = Act(
            name=_ACT,
            customer_ids=concerned,
            subject=act.subject,
            reason=reason,
            after=f"{recipient} {record}",
        )
        await note(house, connection, actor, told)
    return NumberTrace(
        recipient=recipient,
        record=record,
        customer_id=customer_id,
        shown_to=await _shown_to(house, recipient, customer_id),
    )


async def _shown_to(house: House, recipient: str, customer_id: int | None) -> Mapping[str, int]:
    """Return who of a list's readers was shown a customer, by the trail."""
    if customer_id is None:
        return {}
    lines = await find_trail(house, Wanted(customer_id=customer_id, act="view"))
    role, _, person = recipient.removeprefix("role.").partition(".")
    return Counter(line.actor for line in lines if line.role == role and person in ("", line.actor))
