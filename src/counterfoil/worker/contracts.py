"""The signed files of contracts as a background job, notices by product, versions on their day.

Issuing takes tens of milliseconds each, so a step issues a few and leaves the loop to others. Any
number of processes may do it: a file is issued once, whoever comes first.
"""

from datetime import date
from typing import Final

from counterfoil.journeys.contracting.contract_issue import issue_due
from counterfoil.journeys.contracting.contract_version import take_effect
from counterfoil.journeys.contracting.notice_all import carry_notices
from counterfoil.journeys.house import House
from counterfoil.worker.loop import Job

#: Files issued in one step.
FILES_PER_STEP: Final = 4
#: Lines given notice in one step.
LINES_PER_STEP: Final = 10


class _Contracts:
    """The state of one process's job: the day whose new versions it has let take effect."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._done_on: date | None = None

    async def step(self) -> int:
        """Issue files that are due; once a day let new versions take effect."""
        issued = await issue_due(self._house, page=FILES_PER_STEP)
        issued += await carry_notices(self._house, page=LINES_PER_STEP)
        on = await self._house.business_date()
        if on != self._done_on:
            issued += await take_effect(self._house)
            self._done_on = on
        return issued

    async def close(self) -> None:
        """Nothing is open between two steps."""


def contract_job(house: House) -> Job:
    """Return the job that issues files and lets new versions take effect."""
    contracts = _Contracts(house)
    return Job(name="contracts", step=contracts.step, close=contracts.close)
