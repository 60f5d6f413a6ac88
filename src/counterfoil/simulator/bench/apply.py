"""The whole apply journey inside the process, what the bureau said being at hand.

Level       E: asynchronous callers in the engine's own process, no HTTP.
A command   An application of a registered person: repetition looked up, age read out of the sealed
            particulars, decided by the policy in force, then application, decision with all its
            inputs, recorded answer and evidence leaf in one transaction, flushed.
At hand     The house is joined to no bureau: the facts that a report would give come along, as
            they do where a report lives that the applicant's consent still covers.
Once        A customer with an open application is refused a second one, so each applies once.
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from counterfoil.journeys.applying.apply import submit_application
from counterfoil.journeys.applying.register import register_applicant
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused
from counterfoil.simulator.bench import stage as staging
from counterfoil.simulator.bench.load import Measured, Send, closed_loop, open_loop
from counterfoil.simulator.bench.report import Report
from counterfoil.simulator.bench.stage import PRODUCT, START, Stage
from counterfoil.simulator.bench.writes import Scale, Tell, take_again, take_yardsticks
from counterfoil.simulator.people import InventedPerson, invent

CALLERS: Final = 32
PER_SECOND_MIN: Final = 300.0
P99_MS_MAX: Final = 25.0
_REGISTERED_AT_ONCE: Final = 64


class OutOfApplicantsError(Exception):
    """More applications were sent than persons are registered: take more customers."""


async def run(stage: Stage, scale: Scale, tell: Tell) -> Report:
    """Take the yardsticks, register people, let each of them apply."""
    report = Report(started_at=datetime.now(UTC))  # house: allow clock – an entry point
    pgbench = await take_yardsticks(stage, scale, report, tell)
    async with staging.opened(stage, shards=scale.shards) as house:
        tell(f"registering {scale.customers:,} persons")
        waiting = iter(await _registered(house, scale))
        await staging.settle_down(house.database)
        send = _applicant(house, waiting)
        tell(f"applications, {CALLERS} callers")
        most = await closed_loop(send, callers=CALLERS, seconds=scale.seconds)
        _add_rate(report, most)
        tell("applications, open loop at half of that")
        half = most.per_second / 2
        steady = await open_loop(send, per_second=half, seconds=scale.seconds)
        _add_latency(report, steady, per_second=half)
        report.facts["durability"] = await staging.durability(house)
    take_again(pgbench, report, tell)
    return report


def _add_rate(report: Report, measured: Measured) -> None:
    share = measured.per_second / report.yardsticks["T"]
    report.add(
        "applications",
        measured.per_second,
        "1/s",
        target=PER_SECOND_MIN,
        p50_ms=measured.percentile_ms(0.5),
        p99_ms=measured.percentile_ms(0.99),
        notes={
            "callers": CALLERS,
            "decided": measured.accepted,
            "refused": measured.refused,
            "share_of_t": round(share, 3),
        },
    )


def _add_latency(report: Report, measured: Measured, *, per_second: float) -> None:
    report.add(
        "applications_at_half",
        measured.percentile_ms(0.99),
        "ms",
        target=P99_MS_MAX,
        is_ceiling=True,
        p50_ms=measured.percentile_ms(0.5),
        p99_ms=measured.percentile_ms(0.99),
        notes={"per_second": round(per_second), "decided": measured.accepted},
    )


async def _registered(house: House, scale: Scale) -> list[tuple[int, InventedPerson]]:
    """Register invented people; return customer and person."""
    people = list(invent(scale.customers, seed=scale.seed, on=START))
    room = asyncio.Semaphore(_REGISTERED_AT_ONCE)

    async def one(number: int, person: InventedPerson) -> tuple[int, InventedPerson]:
        async with room:
            found = await register_applicant(
                house,
                name=person.name,
                id_number=person.id_number,
                phone=person.phone,
                idempotency_key=f"person {number}",
            )
        assert not isinstance(found, Refused), found
        return found.customer_id, person

    return await asyncio.gather(*[one(n, person) for n, person in enumerate(people)])


def _applicant(house: House, waiting: Iterator[tuple[int, InventedPerson]]) -> Send:
    """Return what lets the next person apply."""

    async def send(number: int) -> object:
        found = next(waiting, None)
        if found is None:
            raise OutOfApplicantsError
        customer_id, person = found
        return await submit_application(
            house,
            customer_id=customer_id,
            product_code=PRODUCT,
            requested_minor=None,
            purpose=person.purpose,
            facts=person.facts,
            idempotency_key=f"apply {number}",
        )

    return send
