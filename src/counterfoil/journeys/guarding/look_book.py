"""Writing down who was shown whom: one line a page, whatever it lists, before it is handed out.

Read off    The identifiers of customers in the very bytes that are about to be sent: a page or a
            list that is added later cannot be forgotten. Of a command, in what its work returned.
Cost        Lines that come while others are being written go together in the next statement.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, Final

from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act
from counterfoil.kernel import ids
from counterfoil.platform import trail
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.read_acts import purposes_said
from counterfoil.platform.trail import Entry
from counterfoil.privacy.masking import mask_free_text

#: Members that are numbers of customers.
_MEMBERS: Final = frozenset({"customer_id", "customer_ids", "surviving_id", "partner_id"})
_CUSTOMER: Final = re.compile(rb"\bcu_[0-7][0-9a-hjkmnp-tv-z]{12}\b")


def customers_in(*texts: bytes) -> tuple[int, ...]:
    """Return the customers whose identifiers stand in what is sent, in ascending order."""
    found = {match for text in texts for match in _CUSTOMER.findall(text)}
    return tuple(sorted(ids.from_text(ids.CUSTOMER, text.decode()) for text in found))


def customers_of(outcome: object) -> tuple[int, ...]:
    """Return the customers whom an outcome names: in members of that name, however deep.

    Rows, mappings, sequences and value objects are looked through; texts are read for identifiers.
    """
    found, waiting = set[int](), [outcome]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            found.update(customers_in(item.encode()))
        elif isinstance(item, bytes) or item is None:
            continue
        elif members := _members(item):
            for name, value in members:
                given = value if isinstance(value, list | tuple) else [value]
                if name in _MEMBERS:
                    found.update(number for number in given if isinstance(number, int))
                waiting.append(value)
        elif isinstance(item, Collection):
            waiting += item
    return tuple(sorted(found - {0}))


def _members(item: Any) -> list[tuple[str, Any]]:
    """Return the members of a mapping, a row, a named tuple or a value object by their names."""
    if is_dataclass(item):
        return [(field.name, getattr(item, field.name)) for field in fields(item)]
    if hasattr(item, "_fields"):
        return list(zip(item._fields, item, strict=True))
    if isinstance(item, Mapping) or hasattr(item, "items"):
        return list(item.items())
    return []


async def note_look(house: House, actor: Actor, act: Act, customer_ids: Sequence[int]) -> None:
    """Write in one line who is shown whom, and return once that is committed."""
    await house.book.write([look_of(house, actor, act, customer_ids)])


def look_of(house: House, actor: Actor, act: Act, customer_ids: Sequence[int]) -> Entry:
    """Return the line that says who is shown whom."""
    return Entry(
        trail_id=house.ids.next(),
        at=house.clock.now(),
        actor=actor.name,
        role=actor.role,
        source=actor.source,
        act=act.name,
        outcome=trail.DONE,
        customer_ids=tuple(customer_ids),
        subject=act.subject,
        purpose=act.purpose or purposes_said(),
        ticket=act.ticket,
        reason=mask_free_text(act.reason),
    )
