"""The amendment of a raised limit as a file: text, the customer's act, the lender's signature.

Like a loan note it is not kept: it follows from the request and the template that the request
names, to the byte, and is handed out only where it comes to the hash that the customer confirmed.
"""

from dataclasses import dataclass

import orjson

from counterfoil.contracts.refusals import AMENDMENT_DOES_NOT_MATCH, CONTRACT_NOT_SIGNED
from counterfoil.decisioning import limit_request_store as store
from counterfoil.decisioning.refusals import LIMIT_REQUEST_NOT_FOUND
from counterfoil.journeys.contracting.contract_issue import sealed_paper
from counterfoil.journeys.contracting.contract_words import lender_of
from counterfoil.journeys.house import House
from counterfoil.journeys.lines.raise_agreeing import amendment_of
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.kernel.language import Language


@dataclass(frozen=True, slots=True)
class AmendmentFile:
    """A sealed amendment, and what it is called."""

    name: str
    pdf: bytes


async def amendment_file(
    house: House, *, customer_id: int, request_id: int
) -> AmendmentFile | Refused:
    """Return the amendment that a customer has agreed to, in the language they read."""
    async with house.database.connection() as connection:
        found = await store.read_request(connection, customer_id=customer_id, request_id=request_id)
    if found is None:
        return refuse(LIMIT_REQUEST_NOT_FOUND)
    if found.agreed is None:
        return refuse(CONTRACT_NOT_SIGNED)
    agreed = orjson.loads(found.agreed)
    amendment = amendment_of(house, found, Language(agreed["language"]))
    if amendment.sha256.hex() != agreed["document_sha256"]:
        return refuse(AMENDMENT_DOES_NOT_MATCH)
    name = ids.to_text(ids.LIMIT_REQUEST, request_id)
    evidence = agreed | {"amendment": amendment.ref, "limit_request_id": name}
    lender = lender_of(house.catalogue.terms(found.product_code, found.product_version))
    try:
        pdf = await sealed_paper(
            house, amendment.text, evidence, lender, reason=f"Amendment {name}"
        )
    except RefusedError as error:
        return error.refused
    return AmendmentFile(name, pdf)
