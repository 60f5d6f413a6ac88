"""Lines with months of repayment behind them, put there without living through the months."""

from datetime import timedelta
from typing import Any

import orjson
from tests.store.branch import an_opening
from tests.store.bureau_desk import Desk

from counterfoil.decisioning.limit_request import LimitRequest
from counterfoil.journeys.house import House
from counterfoil.journeys.lines import raise_agreeing, raise_limit
from counterfoil.journeys.lines.raise_asking import RaiseWish
from counterfoil.kernel.errors import Refused
from counterfoil.platform.batches import Answer
from counterfoil.simulator.bureau.faults import Fault

MONTHS_AGO = timedelta(days=200)
NOTICE = "inquiry-limit-increase"

_LOAN = """
INSERT INTO lending.loan (
    customer_id, loan_id, line_id, product_code, product_version, lender_id, currency, method,
    purpose, payee_ref, cost_sheet_hash, original_minor, rate_daily_e8, penalty_daily_e8,
    grace_days, tenor_months, repayment_day, requested_on, status)
SELECT customer_id, $2, line_id, product_code, product_version, lender_id, currency,
       'level_principal', 'travel', 'token', decode(repeat('00', 32), 'hex'), 100000,
       rate_daily_e8, 20000, 3, 4, 15, opened_on, 'closed'
FROM lending.credit_line WHERE customer_id = $1
"""
_INSTALMENT = """
INSERT INTO lending.instalment (
    customer_id, loan_id, instalment_no, due_date, principal_minor, interest_minor,
    principal_paid_minor, interest_paid_minor, settled_on)
VALUES ($1, $2, $3, $4, 25000, 100, 25000, 100, $5)
"""


async def open_line(
    house: House,
    customer_id: int,
    *,
    limit_minor: int = 500_000,
    instalments: int = 4,
    days_late: int = 0,
) -> int:
    """Open a line long ago on which a loan was repaid; return its number."""
    line_id = house.ids.next()
    opened = await house.counter.submit(
        an_opening(customer_id, line_id, limit_minor=limit_minor),
        idempotency_key=f"open-{line_id}",
    )
    assert isinstance(opened, Answer), opened
    on = await house.business_date()
    async with house.database.transaction() as connection:
        driver: Any = connection
        await driver.execute(
            "UPDATE lending.credit_line SET opened_on = $2 WHERE customer_id = $1",
            customer_id,
            on - MONTHS_AGO,
        )
        loan_id = house.ids.next()
        await driver.execute(_LOAN, customer_id, loan_id)
        for number in range(1, instalments + 1):
            due = on - MONTHS_AGO + timedelta(days=30 * number)
            settled = due + timedelta(days=days_late)
            await driver.execute(_INSTALMENT, customer_id, loan_id, number, due, settled)
    return line_id


def wish(customer_id: int, line_id: int, key: str = "more", **changes: Any) -> RaiseWish:
    return RaiseWish(
        **{
            "customer_id": customer_id,
            "line_id": line_id,
            "requested_minor": 800_000,
            "idempotency_key": key,
            **changes,
        }
    )


async def ask(house: House, wanted: RaiseWish) -> LimitRequest | Refused:
    """Ask the way of many, which gives the request itself."""
    [answer] = await raise_limit.request_many(house, [wanted])
    return answer


async def offered(house: House, wanted: RaiseWish) -> LimitRequest:
    """Ask for what has to be approved."""
    answer = await ask(house, wanted)
    assert isinstance(answer, LimitRequest), answer
    assert answer.status == "approved", answer.reasons
    return answer


async def accept(
    house: House, request: LimitRequest, key: str = "yes", **changes: Any
) -> Answer | Refused:
    """Agree as a customer who reads for long enough."""
    taken = raise_agreeing.acceptance_for_sandbox(house, request)
    act = raise_agreeing.Act(
        **{name: changes.get(name, getattr(taken.act, name)) for name in taken.act.__slots__}
    )
    acceptance = raise_agreeing.RaiseAcceptance(
        customer_id=request.customer_id, request_id=request.request_id, act=act
    )
    return await raise_agreeing.accept(house, acceptance, idempotency_key=key)


async def customer(
    desk: Desk, fault: Fault = Fault.NONE, *, agrees: bool = True, **line: Any
) -> RaiseWish:
    """Register somebody with a line; return a wish under their consent, where they agree."""
    customer_id = await desk.person(fault)
    line_id = await open_line(desk.house, customer_id, **line)
    consent = await desk.consent(customer_id, code=NOTICE) if agrees else None
    return wish(customer_id, line_id, consent_id=consent.consent_id if consent else None)


def code(answer: object) -> str:
    assert isinstance(answer, Refused), answer
    return answer.code


def got(answer: object) -> dict[str, Any]:
    assert isinstance(answer, Answer), answer
    document: dict[str, Any] = orjson.loads(answer.text)
    return document


async def limit_of(desk: Desk, wanted: RaiseWish) -> int:
    [row] = await desk.rows(
        "SELECT limit_minor FROM lending.credit_line WHERE customer_id = $1", wanted.customer_id
    )
    limit: int = row["limit_minor"]
    return limit
