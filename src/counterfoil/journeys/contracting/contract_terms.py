"""Changed conditions for a running line: what may be offered, and what the notice leaves behind.

The story   A later version of the product, another price for new drawings or a lower limit is
            offered to a line with its new agreement. Loans keep what they were drawn under.
Invariant   Silence is no agreement: after the day of a dearer price or of changed terms nothing new
            is quoted without a signature, and nothing that runs changes. Whoever does not agree can
            leave without cost: no such notice is given while a running loan charges for early
            repayment.
Limits      A higher limit needs a decision and an amendment of its own. Lender and currency stay.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import orjson

from counterfoil.contracts.change import Conditions, is_binding
from counterfoil.contracts.contract import Contract
from counterfoil.contracts.refusals import (
    LEAVING_COSTS,
    LIMIT_NEEDS_DECISION,
    LINE_OUTSIDE_TERMS,
    PRODUCT_VERSION_NOT_OFFERED,
)
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.deciding.price_caps import rate_daily_e8_most
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending import store as lending
from counterfoil.lending.catalogue import UnknownProductError
from counterfoil.lending.line import Line
from counterfoil.lending.terms import FeeTiming, Terms
from counterfoil.platform.batches import QUERIES as PLATFORM
from counterfoil.platform.database import Connection

#: How the outbox tells the customer of a notice, and of one that was taken back.
NOTICED: Final = "agreement_version_noticed"
WITHDRAWN: Final = "agreement_version_withdrawn"
_OPEN: Final = ("open", "pending")
_LOANS_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionWish:
    """What the lender would change of a running line's agreement; None leaves it as it is."""

    customer_id: int
    line_id: int
    #: The day from which it would hold for new drawings.
    effective_on: date
    product_version: int | None = None
    #: Daily price, 1e-8.
    rate_daily_e8: int | None = None
    limit_minor: int | None = None
    #: Who gives the notice.
    author: str

    def request(self) -> dict[str, object]:
        """Return what tells this wish from another one under its key."""
        asked: dict[str, object] = {
            "line_id": self.line_id,
            "effective_on": self.effective_on.isoformat(),
        }
        more = {
            "product_version": self.product_version,
            "rate_daily_e8": self.rate_daily_e8,
            "limit_minor": self.limit_minor,
        }
        return asked | {name: value for name, value in more.items() if value is not None}


def terms_offered(house: House, line: Line, wish: VersionWish) -> Terms | Refused:
    """Return the terms that a line can be offered from a day on; its own where none is named."""
    own = house.catalogue.terms(line.product_code, line.product_version)
    terms, version = own, wish.product_version
    if version is not None and version != own.version:
        refused = refuse(
            PRODUCT_VERSION_NOT_OFFERED, version=version, on=wish.effective_on.isoformat()
        )
        try:
            product = house.catalogue.product(line.product_code, version)
        except UnknownProductError:
            return refused
        terms = product.terms
        is_other = (terms.lender_id, terms.currency) != (line.lender_id, line.currency)
        if version < own.version or is_other or not product.holds_on(wish.effective_on):
            return refused
    # A limit is lowered by the terms that the line has, and stands under those that it gets.
    return (
        _refuse_figures(house, line, wish, terms)
        or (_refuse_limit(wish.limit_minor, own) if wish.limit_minor is not None else None)
        or terms
    )


def figures_offered(wish: VersionWish, line: Line) -> tuple[int, int]:
    """Return price and limit that a wish comes to: daily in 1e-8, and in minor units."""
    rate, limit = wish.rate_daily_e8, wish.limit_minor
    return (
        line.rate_daily_e8 if rate is None else rate,
        line.limit_minor if limit is None else limit,
    )


def _refuse_figures(house: House, line: Line, wish: VersionWish, terms: Terms) -> Refused | None:
    rate, limit = figures_offered(wish, line)
    if limit > line.limit_minor:
        return refuse(LIMIT_NEEDS_DECISION, limit_minor=line.limit_minor)
    most = rate_daily_e8_most(house.catalogue, terms, wish.effective_on)
    fits = (
        terms.limit_minor_min <= limit <= terms.limit_minor_max
        and terms.rate_daily_e8_min <= rate <= most
    )
    return None if fits else refuse(LINE_OUTSIDE_TERMS, version=terms.version)


def _refuse_limit(limit_minor: int, terms: Terms) -> Refused | None:
    within = terms.limit_minor_min <= limit_minor <= terms.limit_minor_max
    if within and not limit_minor % terms.limit_minor_step:
        return None
    return refuse(LINE_OUTSIDE_TERMS, version=terms.version)


async def note_notice(
    connection: Connection, house: House, contract: Contract, *, author: str
) -> None:
    """Keep that a notice was given: a leaf, and an event by which the customer is told."""
    await _stage(connection, house, contract, "change_noticed", author=author)
    await _tell(connection, house, contract, NOTICED)


async def note_decline(connection: Connection, house: House, contract: Contract) -> None:
    """Keep in the log that the customer did not agree."""
    await _stage(connection, house, contract, "change_declined")


async def note_withdrawal(
    connection: Connection, house: House, contract: Contract, *, author: str
) -> None:
    """Keep in the log that the lender took its notice back, and let the customer be told."""
    await _stage(connection, house, contract, "change_withdrawn", author=author)
    await _tell(connection, house, contract, WITHDRAWN)


async def refuse_cost_of_leaving(
    connection: Connection, line: Line, before: Conditions, after: Conditions
) -> Refused | None:
    """Refuse a binding change while a running loan of the line charges for early repayment."""
    if not is_binding(before, after):
        return None
    last = (0, 0)
    while True:
        page = await lending.read_loans_after(
            connection,
            after=last,
            customer_id=line.customer_id,
            line_id=line.line_id,
            page=_LOANS_AT_ONCE,
        )
        running = [loan for loan in page if loan.status in _OPEN]
        if any(fee.timing is FeeTiming.EARLY_REPAYMENT for loan in running for fee in loan.fees):
            return refuse(LEAVING_COSTS)
        if len(page) < _LOANS_AT_ONCE:
            return None
        last = (page[-1].customer_id, page[-1].loan_id)


async def _tell(connection: Connection, house: House, contract: Contract, kind: str) -> None:
    assert contract.effective_on is not None, "it is a new version"
    payload = {
        "contract_id": ids.to_text(ids.CONTRACT, contract.contract_id),
        "effective_on": contract.effective_on.isoformat(),
        "is_binding": contract.is_binding,
        "line_id": ids.to_text(ids.LINE, contract.application_id),
    }
    event = (
        house.ids.next(),
        contract.customer_id,
        kind,
        contract.contract_id,
        orjson.dumps(payload, option=orjson.OPT_SORT_KEYS).decode(),
        house.clock.now(),
    )
    await PLATFORM.add_events.execute(connection, rows=[event])


async def _stage(
    connection: Connection, house: House, contract: Contract, event: str, *, author: str = ""
) -> None:
    assert contract.replaces is not None, "it is a new version"
    assert contract.effective_on is not None, "it is a new version"
    terms = house.catalogue.terms(contract.product_code, contract.product_version)
    fields: dict[str, Any] = {
        "currency": terms.currency,
        "contract_id": ids.to_text(ids.CONTRACT, contract.contract_id),
        "document_sha256": {"en": contract.sha256_en.hex(), "zh": contract.sha256_zh.hex()},
        "effective_on": contract.effective_on.isoformat(),
        "event": event,
        "lender": contract.lender_id,
        "product": contract.product_code,
        "product_version": contract.product_version,
        "replaces": ids.to_text(ids.CONTRACT, contract.replaces),
    }
    if contract.changes is not None:
        fields["changes"] = sorted(contract.changes)
        fields["is_binding"] = contract.is_binding
        fields["from"] = {
            "limit_minor": contract.from_limit_minor,
            "rate_daily_e8": contract.from_rate_daily_e8,
        }
        fields["to"] = {
            "limit_minor": contract.limit_minor,
            "rate_daily_e8": contract.rate_daily_e8,
        }
    if author:
        fields["author"] = author
    leaf = house.leaves.stage(
        contract.customer_id, house.ids.next(), LeafType.CONTRACT, contract.contract_id, fields
    )
    await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])
