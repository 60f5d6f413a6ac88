"""The worker's loop and its payout job."""

import asyncio

from tests.store.payments_desk import Desk

from counterfoil.platform.database import Database
from counterfoil.simulator.bank.bank import Bank
from counterfoil.simulator.bank.direct import DirectRail
from counterfoil.worker.loop import Job, pause_after, pause_after_failure, run
from counterfoil.worker.payouts import payout_job


async def until(desk: Desk, succeeded: int) -> None:
    while (await desk.statuses()).get("succeeded", 0) < succeeded:  # noqa: ASYNC110 – no event
        await asyncio.sleep(0.01)


async def test_two_workers_pay_out_and_one_takes_over_when_the_other_stops(
    database: Database,
) -> None:
    desk = Desk(database, DirectRail(Bank()))
    stops = [asyncio.Event(), asyncio.Event()]
    workers = []
    for number, stop in enumerate(stops, start=1):
        job = await payout_job(desk.relay(f"worker-{number}"))
        workers.append(asyncio.create_task(run([job], stop)))
    async with asyncio.timeout(180):
        await desk.order(*range(1, 51))
        await until(desk, 50)
        stops[0].set()
        await workers[0]
        await desk.order(*range(51, 101))
        await until(desk, 100)
        stops[1].set()
        await workers[1]
    assert desk.books.confirmed_loans == list(range(1, 101))
    assert desk.books.calls == 100
    assert await desk.value("SELECT leased_by FROM platform.outbox_cursor") is None


async def test_a_step_that_fails_is_repeated_and_a_stop_closes_the_job() -> None:
    stop = asyncio.Event()
    done: list[str] = []

    async def step() -> int:
        done.append("step")
        if len(done) == 1:
            raise RuntimeError("the database was away")
        if len(done) == 3:
            stop.set()
        return 1

    async def close() -> None:
        done.append("close")

    async with asyncio.timeout(180):
        await run([Job(name="reviews", step=step, close=close)], stop)
    assert done == ["step", "step", "step", "close"]


def test_pauses_grow_to_their_bounds_and_end_with_work() -> None:
    pauses = [0]
    for _ in range(6):
        pauses.append(pause_after(0, pauses[-1]))
    assert pauses == [0, 5, 10, 20, 40, 50, 50]
    assert pause_after(3, 50) == 0
    failures = [0]
    for _ in range(8):
        failures.append(pause_after_failure(failures[-1]))
    assert failures == [0, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]
