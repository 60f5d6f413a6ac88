"""What of a person's events a lender of record may see, where one installation serves several.

Belongs     An event belongs to the lender of its line, or of the product of the application that it
            was read or told with. Of what belongs to nobody for certain nobody is the owner.
Invariant   A lender sees its own, and of the rest nothing, unless the customer has consented to the
            sharing of the profile with this lender. With one lender there is nothing to cross.
Notice      Of the purpose `profile_sharing`, one for each lender as its recipient; none ships,
            since the products that ship have one lender. Without it nothing is shared.
"""

from collections.abc import Sequence
from typing import Final

from counterfoil.consents.notice import Notices
from counterfoil.decisioning.store import read_applications_of
from counterfoil.features.event import Event
from counterfoil.journeys.consenting.consent import usable_consents
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.lending.line import Line
from counterfoil.lending.store import read_lines
from counterfoil.platform.database import Connection

#: For which the customer lets a lender see what others of the installation know.
PURPOSE: Final = "profile_sharing"


def lenders_of(house: House) -> frozenset[str]:
    """Return the lenders of record of all products, by their code."""
    return frozenset(terms.lender_id for terms in house.catalogue.all())


async def events_for(
    house: House, connection: Connection, events: Sequence[Event], lender_id: str
) -> list[Event]:
    """Return the events that a lender may see, in the order given."""
    if lenders_of(house) <= {lender_id}:
        return list(events)
    customers = sorted({event.customer_id for event in events})
    open_to = {one for one in customers if await _is_shared(house, connection, one, lender_id)}
    applications: dict[str, str] = {}
    for one in customers:
        for item in await read_applications_of(connection, one):
            terms = house.catalogue.terms(item.product_code, item.product_version)
            applications[ids.to_text(ids.APPLICATION, item.application_id)] = terms.lender_id
    keys = {(event.customer_id, event.line_id) for event in events if event.line_id is not None}
    lines = await read_lines(connection, sorted(keys))
    return [
        event
        for event in events
        if event.customer_id in open_to
        or lender_id
        == (
            applications.get(event.source_record.split("/")[0])
            if event.line_id is None
            else _lender_of_line(lines.get((event.customer_id, event.line_id)))
        )
    ]


def _lender_of_line(line: Line | None) -> str | None:
    return None if line is None else line.lender_id


async def _is_shared(
    house: House, connection: Connection, customer_id: int, lender_id: str
) -> bool:
    recipient = _legal_id(house.notices, lender_id)
    if recipient is None:
        return False
    found = await usable_consents(
        house, connection, customer_id, purpose=PURPOSE, recipient=recipient
    )
    return bool(found)


def _legal_id(notices: Notices, lender_id: str) -> str | None:
    """Return how consents name a lender; None where no party bears its code."""
    try:
        return notices.party(lender_id).legal_id
    except KeyError:
        return None
