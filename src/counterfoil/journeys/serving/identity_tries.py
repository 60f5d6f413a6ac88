"""How often a person, a device or a document may fail an identity check before only time helps.

Counted     A failure counts for the record, the device and the document that it was about. A person
            with several records is limited by the failures of all of them; after a split each has
            its own again.
Invariant   How a device or a document is written does not make it another one, and neither another
            source, channel nor record begins anew.
Privacy     What is counted is kept as a keyed digest; nobody reads a number out of it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from counterfoil.customers import link_store
from counterfoil.customers import verification_store as store
from counterfoil.customers.refusals import IDENTITY_TRIES_USED_UP
from counterfoil.customers.verification import again_at
from counterfoil.customers.verification_policy import Scope
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.database import Connection
from counterfoil.privacy.blind_index import IndexKind


async def document_digest(house: House, document: str) -> bytes:
    """Return the keyed digest of a document's number, or of an account's token."""
    [digest] = await house.vault.digests(
        IndexKind.ID_NUMBER, [f"{Scope.DOCUMENT} {_plain(document)}"]
    )
    return digest


async def tried_by(
    house: House,
    connection: Connection,
    customer_id: int,
    device: str | None,
    document: str | None,
) -> list[store.Tried]:
    """Return what a check is about: the record, the person's other records, device and document."""
    people = await link_store.read_people(connection, [customer_id])
    others = [one for one in people.records(customer_id) if one != customer_id]
    said = [(Scope.PERSON, str(one)) for one in (customer_id, *others)]
    for scope, value in ((Scope.DEVICE, device), (Scope.DOCUMENT, document)):
        if value is not None and (plain := _plain(value)):
            said.append((scope, plain))
    digests = await house.vault.digests(
        IndexKind.ID_NUMBER, [f"{scope} {value}" for scope, value in said]
    )
    return [(scope, digest) for (scope, _), digest in zip(said, digests, strict=True)]


def own_of(tried: Sequence[store.Tried]) -> list[store.Tried]:
    """Return record, device and document, without the person's other records."""
    own: dict[Scope, bytes] = {}
    for scope, digest in tried:
        own.setdefault(scope, digest)
    return list(own.items())


async def refuse_tries(
    house: House, connection: Connection, tried: Sequence[store.Tried], now: datetime
) -> Refused | None:
    """Return until when nothing more is tried; None where it may be now."""
    for scope in Scope:
        tries = house.identity_policy.tries[scope]
        since = now - timedelta(hours=tries.hours)
        failed = [
            at
            for one in tried
            if one[0] is scope
            for at in await store.failures_since(connection, one, since)
        ]
        again = again_at(tries, failed, now)
        if again is not None:
            return refuse(IDENTITY_TRIES_USED_UP, again_at=again.isoformat(timespec="minutes"))
    return None


def _plain(value: str) -> str:
    return "".join(value.split()).upper()
