"""Changed terms for a running line: what may be offered, and what holds until it is signed.

The story   A later version of the product is offered to a line with its new agreement. From its
            day on new drawings need it signed; loans keep the version they were drawn under.
Invariant   Silence is no agreement: without a signature nothing new is quoted after the day, and
            nothing that runs changes. Whoever does not agree can leave without cost: no notice is
            given while a running loan charges for early repayment.
Limits      Limit, price, lender and currency of the line stay; they have ways of their own.
"""

from datetime import date
from typing import Any, Final

from counterfoil.contracts.contract import Contract
from counterfoil.contracts.refusals import (
    LEAVING_COSTS,
    LINE_OUTSIDE_TERMS,
    PRODUCT_VERSION_NOT_OFFERED,
)
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending import store as lending
from counterfoil.lending.catalogue import UnknownProductError
from counterfoil.lending.line import Line
from counterfoil.lending.terms import FeeTiming, Terms
from counterfoil.platform.batches import QUERIES as PLATFORM
from counterfoil.platform.database import Connection

#: How the outbox tells the customer of a notice.
NOTICED: Final = "agreement_version_noticed"
_OPEN: Final = ("open", "pending")
_LOANS_AT_ONCE: Final = 500


async def terms_offered(
    connection: Connection, house: House, line: Line, version: int | None, effective_on: date
) -> Terms | Refused:
    """Return the terms that a line can be offered from a day on; its own where none is named."""
    own = house.catalogue.terms(line.product_code, line.product_version)
    if version is None or version == own.version:
        return own
    refused = refuse(PRODUCT_VERSION_NOT_OFFERED, version=version, on=effective_on.isoformat())
    try:
        product = house.catalogue.product(line.product_code, version)
    except UnknownProductError:
        return refused
    terms = product.terms
    is_other = (terms.lender_id, terms.currency) != (line.lender_id, line.currency)
    if version < own.version or is_other or not product.holds_on(effective_on):
        return refused
    fits = (
        terms.limit_minor_min <= line.limit_minor <= terms.limit_minor_max
        and terms.rate_daily_e8_min <= line.rate_daily_e8 <= terms.rate_daily_e8_max
    )
    if not fits:
        return refuse(LINE_OUTSIDE_TERMS, version=version)
    return await _refuse_cost_of_leaving(connection, line) or terms


async def note_notice(connection: Connection, house: House, contract: Contract) -> None:
    """Keep that a notice was given: a leaf, and an event by which the customer is told."""
    await _stage(connection, house, contract, "change_noticed")
    event = (
        house.ids.next(),
        contract.customer_id,
        NOTICED,
        contract.contract_id,
        "{}",
        house.clock.now(),
    )
    await PLATFORM.add_events.execute(connection, rows=[event])


async def note_decline(connection: Connection, house: House, contract: Contract) -> None:
    """Keep in the log that the customer did not agree."""
    await _stage(connection, house, contract, "change_declined")


async def _stage(connection: Connection, house: House, contract: Contract, event: str) -> None:
    assert contract.replaces is not None, "it is a new version"
    assert contract.effective_on is not None, "it is a new version"
    fields: dict[str, Any] = {
        "contract_id": ids.to_text(ids.CONTRACT, contract.contract_id),
        "document_sha256": {"en": contract.sha256_en.hex(), "zh": contract.sha256_zh.hex()},
        "effective_on": contract.effective_on.isoformat(),
        "event": event,
        "lender": contract.lender_id,
        "product": contract.product_code,
        "product_version": contract.product_version,
        "replaces": ids.to_text(ids.CONTRACT, contract.replaces),
    }
    leaf = house.leaves.stage(
        contract.customer_id, house.ids.next(), LeafType.CONTRACT, contract.contract_id, fields
    )
    await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])


async def _refuse_cost_of_leaving(connection: Connection, line: Line) -> Refused | None:
    after = (0, 0)
    while True:
        page = await lending.read_loans_after(
            connection,
            after=after,
            customer_id=line.customer_id,
            line_id=line.line_id,
            page=_LOANS_AT_ONCE,
        )
        running = [loan for loan in page if loan.status in _OPEN]
        if any(fee.timing is FeeTiming.EARLY_REPAYMENT for loan in running for fee in loan.fees):
            return refuse(LEAVING_COSTS)
        if len(page) < _LOANS_AT_ONCE:
            return None
        after = (page[-1].customer_id, page[-1].loan_id)
