"""Every background job of the register is run while the tests watch what it reads."""

import asyncio
from collections.abc import Sequence

import pytest

from counterfoil.cli import site
from counterfoil.journeys.books.close_day import close_day
from counterfoil.journeys.house import House
from counterfoil.platform.read_acts import Door, begin_reading, load_read_acts
from counterfoil.worker.loop import Job

#: Run elsewhere: it is there where witnesses are.
WITH_WITNESSES = {"log_publish"}


async def test_every_job_reads_within_its_purposes(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One step of each over a lender with customers; a job that is added is run here, too."""
    ran = set[str]()

    async def once(job: Job) -> None:
        assert begin_reading(Door.JOBS, job.name) is not None, job.name
        try:
            await job.step()
        finally:
            await job.close()
        ran.add(job.name)

    async def run(jobs: Sequence[Job], _stop: asyncio.Event) -> None:
        for job in jobs:
            await asyncio.create_task(once(job))

    monkeypatch.setattr(site, "run", run)
    await site.work(house, asyncio.Event())
    await close_day(house)
    ran.add("close_day")
    assert ran | WITH_WITNESSES == set(load_read_acts()[Door.JOBS])
