"""Which hosts know a customer, and ending that at the customer's wish.

Invariant   An ended link shows the host nothing any more, from the same transaction on; lines and
            loans that were made through it go on with the lender. The host is told that it ended,
            not why. Ended twice is ended once, and told once.
"""

from typing import NamedTuple

from counterfoil.hosts import link as links
from counterfoil.hosts import store
from counterfoil.hosts.host import Host
from counterfoil.hosts.link import Link, LinkState
from counterfoil.hosts.refusals import HOST_NOT_FOUND
from counterfoil.journeys.hosting.hosted_pages import tell_host
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused, refuse

_CUSTOMER = "customer"


class OwnLink(NamedTuple):
    """A link as its customer sees it."""

    host: Host
    link: Link


async def own_links(house: House, customer_id: int) -> list[OwnLink]:
    """Return the hosts that know a customer, or knew."""
    async with house.database.connection() as connection:
        found = await store.links_of(connection, customer_id)
        by_id = {host.host_id: host for host in await store.read_hosts(connection)}
    return [OwnLink(by_id[link.host_id], link) for link in found if link.host_id in by_id]


async def end_own_link(house: House, *, customer_id: int, host_id: int) -> Link | Refused:
    """End a link at the customer's wish, and let the host be told."""
    async with house.database.transaction() as connection:
        found = await store.lock_link(connection, customer_id=customer_id, host_id=host_id)
        if found is None:
            return refuse(HOST_NOT_FOUND)
        if found.state is LinkState.ENDED:
            return found
        over = links.ended(found, by=_CUSTOMER, at=house.clock.now())
        await store.put_link(connection, over)
        await tell_host(house, connection, "host_link_ended", customer_id, host_id)
    return over
