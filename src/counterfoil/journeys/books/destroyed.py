"""Whether ciphertext went with its key: sealed openings of leaves, sealed texts of contracts.

Limits      A leaf of a fact that was being committed beside the erasure may lie before its leaf and
            is sealed under the next key; that is a matter of seconds, and left alone.
"""

from collections.abc import Mapping

from counterfoil.contracts.store import sealed_left
from counterfoil.evidence.opening_store import openings_left
from counterfoil.journeys.books.findings import Result
from counterfoil.kernel import ids
from counterfoil.platform.database import Connection
from counterfoil.privacy.erasure_store import read_erased
from counterfoil.privacy.retention import load_schedule
from counterfoil.privacy.vault import Purpose


async def check_destroyed_texts(connection: Connection, result: Result) -> None:
    """Note what is sealed still of customers whose class of data was erased."""
    classes = load_schedule().classes.values()
    for purpose in (Purpose.EVIDENCE, Purpose.CONTRACT):
        names = [one.code for one in classes if purpose in one.purposes]
        after = 0
        while erased := await read_erased(connection, names, after=after):
            after = max(erased)
            result.examined += len(erased)
            for customer_id, count in (await _left(connection, purpose, erased)).items():
                subject = ids.to_text(ids.CUSTOMER, customer_id)
                result.note(subject, f"was erased, {count} sealed texts of {purpose} are there")


async def _left(
    connection: Connection, purpose: Purpose, erased: Mapping[int, int]
) -> dict[int, int]:
    """Return how many sealed texts there are; `erased` is the leaf of each erasure."""
    if purpose is Purpose.CONTRACT:
        return await sealed_left(connection, erased)
    return await openings_left(connection, erased)
