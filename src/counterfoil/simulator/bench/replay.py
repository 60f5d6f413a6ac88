"""Folding one loan again after a change in its past.

Measured    A repayment that arrives late, from the command to its durable answer, with 10, 100 and
            1,000 payments valued after it, on a loan of `LIFE` payments; and with 10 on a loan of
            no more than a hundred. Cost by the events after the change shows in that the last two
            agree, and by the loan's life in that they do not.
Apart       The same without checkpoints: folded from the start, as the first change of a loan is.
"""

import time
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import orjson

from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.lending.commands import Agreement, Command, ConfirmPayout, Draw, Repay
from counterfoil.lending.terms import Method, Prepayment
from counterfoil.platform.batches import QUERIES as PLATFORM
from counterfoil.simulator.bench import stage as staging
from counterfoil.simulator.bench.report import Report, percentile
from counterfoil.simulator.bench.stage import QUERIES, Stage
from counterfoil.simulator.bench.writes import Tell

#: Payments of the long loan, one a day.
LIFE: Final = 1_100
SHORT_LIFE: Final = 100
LATER: Final = (10, 100, 1_000)
REPEATS: Final = 40
_DRAWN_MINOR: Final = 5_000_000
#: So little a day that the loan never closes.
_PAID_MINOR: Final = 100
_TENOR_MONTHS: Final = 12
_LONG, _SHORT = 1, 2


async def run(stage: Stage, *, tell: Tell) -> Report:
    """Measure late payments on a long and a short loan, from checkpoints and from the start."""
    report = Report(started_at=datetime.now(UTC))  # house: allow clock – an entry point
    async with staging.opened(stage, shards=1) as house:
        await staging.add_lines(house, 2)
        report.facts["durability"] = await staging.durability(house)
        loans = {customer: await _lend(house, customer) for customer in (_LONG, _SHORT)}
        last = staging.START + timedelta(days=LIFE)
        async with house.database.connection() as connection:
            await PLATFORM.move_business_date.execute(
                connection,
                business_date=staging.START,
                next_date=last,
                moved_at=house.clock.now(),
            )
        house.counter.engine.forget_business_date()
        for customer, life in ((_LONG, LIFE), (_SHORT, SHORT_LIFE)):
            tell(f"a loan with {life:,} payments")
            for day in range(1, life):
                on = staging.START + timedelta(days=day)
                await _ask(house, _payment(customer, loans[customer], on), f"p-{customer}-{day}")
        await staging.settle_down(house.database)
        for later in LATER:
            tell(f"{later:,} later payments")
            name = f"replay_{later}"
            long_ms = await _measure(house, report, name, _LONG, loans[_LONG], LIFE, later)
            if later == LATER[0]:
                name += "_of_a_short_loan"
                short_ms = await _measure(
                    house, report, name, _SHORT, loans[_SHORT], SHORT_LIFE, later
                )
                growth = long_ms / short_ms  # house: allow float – a ratio of times
                report.add("replay_long_to_short", growth, "times", target=1.5, is_ceiling=True)
        name = f"replay_{LATER[0]}_from_the_start"
        await _measure(house, report, name, _LONG, loans[_LONG], LIFE, LATER[0], is_bare=True)
        found = await staging.verdict(house)
    report.facts["verified"] = found
    if found["ledger_difference_minor"] or found["lines_off"]:
        report.results.clear()
    return report


async def _measure(
    house: House,
    report: Report,
    name: str,
    customer: int,
    loan_id: int,
    life: int,
    later: int,
    *,
    is_bare: bool = False,
) -> float:  # house: allow float – a measurement
    """Time late payments that have so many payments after them; return their median in ms."""
    on = staging.START + timedelta(days=life - 1 - later)
    times = []
    for number in range(REPEATS):
        if is_bare:
            async with house.database.connection() as connection:
                await QUERIES.forget_checkpoints.execute(connection)
        started = time.perf_counter()
        await _ask(house, _payment(customer, loan_id, on), f"{name}-{number}")
        times.append((time.perf_counter() - started) * 1_000)
    times.sort()
    p50 = percentile(times, 0.5)  # house: allow float – statistics
    report.add(
        name,
        p50,
        "ms",
        p50_ms=p50,
        p99_ms=percentile(times, 0.99),  # house: allow float – statistics
        notes={"later": later, "life": life, "repeats": REPEATS},
    )
    return p50


async def _lend(house: House, customer: int) -> int:
    draw = Draw(
        customer_id=customer,
        line_id=customer,
        amount_minor=_DRAWN_MINOR,
        currency="CNY",
        tenor_months=_TENOR_MONTHS,
        method=Method.LEVEL_INSTALMENT,
        purpose="travel",
        payee_ref="account-token",
        cost_sheet_hash=bytes(32),
        agreement=Agreement(
            staging.RATE_DAILY_E8,
            1 + customer % 28,
            1,
            staging.START,
            customer,
            staging.NOTE_REF,
            bytes(32),
        ),
    )
    drawn = await _ask(house, draw, f"draw-{customer}")
    loan_id = ids.from_text(ids.LOAN, drawn["id"])
    confirmed = ConfirmPayout(
        customer_id=customer,
        line_id=customer,
        loan_id=loan_id,
        payment_id=loan_id,
        value_date=staging.START,
        rail_reference="r",
    )
    await _ask(house, confirmed, f"confirm-{customer}")
    return loan_id


def _payment(customer: int, loan_id: int, on: date) -> Repay:
    return Repay(
        customer_id=customer,
        line_id=customer,
        loan_id=loan_id,
        amount_minor=_PAID_MINOR,
        currency="CNY",
        value_date=on,
        mode=Prepayment.NEXT_INSTALMENT,
        channel="bank",
    )


async def _ask(house: House, command: Command, key: str) -> dict[str, Any]:
    outcome = await house.counter.submit(command, idempotency_key=key)
    assert not isinstance(outcome, Refused), outcome
    answer: dict[str, Any] = orjson.loads(outcome.text)
    return answer
