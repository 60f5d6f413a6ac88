"""Early settlement through a host: the quote of one loan of its own, without our numbers of people.

Invariant   A host sees the amount and its parts as the customer does, of loans made through it.
"""

from datetime import date
from typing import Any, Final

import orjson

from counterfoil.hosts.link import SubjectKind
from counterfoil.journeys.borrowing.settle_loans import ask_settlement, read_settlement
from counterfoil.journeys.hosting.host_flow import key_of
from counterfoil.journeys.hosting.host_scope import Visit, customer_of_visit, subject_of_visit
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.lending import store as lending
from counterfoil.lending.refusals import LOAN_NOT_FOUND, SETTLEMENT_QUOTE_NOT_FOUND
from counterfoil.lending.settlement import SettlementWish

_OF_QUOTE: Final = ("state", "on", "valid_until", "amount_minor", "currency")
_OF_LOAN: Final = ("principal_minor", "interest_minor", "penalty_minor")


async def settlement_by_host(
    house: House, visit: Visit, reference: str, loan_id: int, on: date | None, *, key: str
) -> dict[str, Any]:
    """Quote what ends a loan of the host's on a day; raises RefusedError."""
    async with house.database.transaction() as connection:
        link = await customer_of_visit(connection, visit, reference)
        await subject_of_visit(connection, visit, link, SubjectKind.LOAN, loan_id)
        loan = await lending.read_loan(connection, link.customer_id, loan_id)
    if loan is None:
        raise RefusedError(refuse(LOAN_NOT_FOUND))
    wish = SettlementWish(
        customer_id=link.customer_id,
        line_id=loan.line_id,
        loan_id=loan_id,
        settle_on=on,
        author=visit.author,
    )
    answer = await ask_settlement(house, wish, idempotency_key=key_of(visit, key))
    if isinstance(answer, Refused):
        raise RefusedError(answer)
    return _told(orjson.loads(answer.text), reference)


async def read_settlement_of(
    house: House, visit: Visit, reference: str, quote_id: int
) -> dict[str, Any]:
    """Return how a quote stands, of a loan of the host's own; raises RefusedError."""
    async with house.database.transaction() as connection:
        link = await customer_of_visit(connection, visit, reference)
    found = await read_settlement(house, customer_id=link.customer_id, quote_id=quote_id)
    if isinstance(found, Refused):
        raise RefusedError(found)
    if len(found["loans"]) != 1:
        # All loans of a line: the lender's own, and others' loans may be among them.
        raise RefusedError(refuse(SETTLEMENT_QUOTE_NOT_FOUND))
    number = ids.from_text(ids.LOAN, found["loans"][0]["loan_id"])
    async with house.database.transaction() as connection:
        await subject_of_visit(connection, visit, link, SubjectKind.LOAN, number)
    return _told(found, reference)


def _told(quote: dict[str, Any], reference: str) -> dict[str, Any]:
    """Return what a host is told of a quote."""
    (loan,) = quote["loans"]
    return {
        "id": quote["id"],
        "customer": reference,
        "loan_id": loan["loan_id"],
        **{
            name: quote[name] for name in ("state", "on", "valid_until", "amount_minor", "currency")
        },
        **{name: loan[name] for name in ("principal_minor", "interest_minor", "penalty_minor")},
        "fees_minor": loan["fee_minor"] + loan["guarantee_minor"],
    }
