"""Only one process closes days at a time."""

from datetime import date
from pathlib import Path

import pytest

from counterfoil.journeys.books.close_day import close_day
from counterfoil.journeys.house import open_house
from counterfoil.kernel.errors import RefusedError
from counterfoil.platform.batches import QUERIES
from counterfoil.platform.settings import Settings

START = date(2026, 1, 5)


async def test_a_second_process_is_told_that_the_day_is_being_closed(
    database_url: str, tmp_path: Path
) -> None:
    async with open_house(Settings(home=tmp_path), database_url, first_date=START) as house:
        async with house.database.dedicated({}) as other:
            assert await QUERIES.hold_close.fetchval(other)
            with pytest.raises(RefusedError) as refused:
                await close_day(house)
            assert refused.value.refused.code == "close_in_progress"
            assert await house.business_date() == START
        (report,) = await close_day(house)
        assert report.business_date == START
