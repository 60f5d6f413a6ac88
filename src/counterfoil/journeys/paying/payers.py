"""Who sent money: whether it was the customer whose debt it pays, without keeping anybody's name.

The story   A statement may name the payer. Of the name a keyed digest is kept, and the customer's
            own name is put to the same test when the money is booked. A third person may pay a
            debt (Civil Code of the PRC, articles 523 and 524), so their money is taken and marked;
            what they send beyond it is not the customer's to keep (article 985), so people are
            next. Without a name nobody knows, and nothing is presumed.
Names       Compared without case, spaces and signs, and in whatever order their words come.
"""

import unicodedata
from functools import partial
from typing import Final

from counterfoil.journeys.contracting.contract_making import borrowers_of
from counterfoil.journeys.house import House
from counterfoil.payments.statement import WIDE_HEADER, DigestOf
from counterfoil.platform.access_matrix import reading
from counterfoil.platform.database import Connection
from counterfoil.privacy import blind_index
from counterfoil.privacy.blind_index import IndexKind
from counterfoil.privacy.person_store import kept_of

_WIDE: Final = ",".join(WIDE_HEADER)


async def digests_for(house: House, statement: str) -> DigestOf | None:
    """Return what makes digests of the payers of a statement; None where it names none."""
    if not statement.startswith(_WIDE):
        return None
    key = await house.vault.index_key(IndexKind.PAYER)
    return partial(_digest_of, key)


async def is_own(
    house: House, connection: Connection, customer_id: int, payer_digest: bytes | None
) -> bool | None:
    """Return whether a customer sent the money themselves; None where nobody knows."""
    if payer_digest is None:
        return None
    # Of one customer whose name does not open nobody knows; the rest of the statement goes on.
    known = kept_of(await borrowers_of(connection, house, [customer_id], reading("bank_account")))
    if customer_id not in known:
        return None
    key = await house.vault.index_key(IndexKind.PAYER)
    return _digest_of(key, known[customer_id].name) == payer_digest


def _digest_of(key: bytes, name: str) -> bytes:
    return blind_index.digest_of(key, plain_name(name))


def plain_name(name: str) -> str:
    """Return a name as it is compared."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    words = "".join(sign if sign.isalnum() else " " for sign in folded).split()
    # Only names of letters have words that may change places.
    return "".join(sorted(words) if folded.isascii() else words)
