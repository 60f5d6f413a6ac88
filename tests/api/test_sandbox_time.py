"""Time as a whole in a sandbox: its clock and its business date skip ahead, evidence stays."""

from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from tests.api.conftest import Site, settings_of
from tests.api.test_bad_input import check_problem
from tests.api.test_settings import borrower_of, change

from counterfoil.journeys.house import House, open_house
from counterfoil.kernel.clock import SystemClock

FIRST_DAY = date(2026, 3, 2)
SKIP = "/v1/sandbox/skip-time"


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """A sandbox as it is opened by the program: with the clock that is its own."""
    settings = settings_of(tmp_path, database_url)
    async with open_house(settings, database_url, first_date=FIRST_DAY) as opened:
        yield opened


async def test_time_is_skipped_as_a_whole_once_a_key_and_for_every_process(
    site: Site, database_url: str, tmp_path: Path
) -> None:
    borrower = await borrower_of(site)
    wish = change(borrower, "repayment_day", line_id=borrower.line_id, repayment_day=20)
    shown = (await site.post("/v1/settings/changes", wish)).json()
    first = await site.post(SKIP, {"seconds": 2 * 86_400}, key="two-days")
    assert first.status_code == 200, first.text
    told = first.json()
    # Two midnights of the lender's zone, whatever the hour.
    assert (told["business_date"], told["ahead_seconds"]) == ("2026-03-04", 172_800)
    assert [day["business_date"] for day in told["closed"]] == ["2026-03-02", "2026-03-03"]
    real = SystemClock()
    now = datetime.fromisoformat(told["now"])
    assert timedelta(days=2) - timedelta(minutes=2) < now - real.now() <= timedelta(days=2)
    again = await site.post(SKIP, {"seconds": 2 * 86_400}, key="two-days")
    assert again.content == first.content
    confirmation = {name: shown[name] for name in ("customer_id", "effect_sha256", "code")}
    late = await site.post(f"/v1/settings/changes/{shown['id']}/confirmation", confirmation)
    check_problem(late, 410, "setting_change_expired")
    # Witnesses live in the world: what is committed to is dated by its clock.
    assert abs(site.house.leaves.now() - real.now().timestamp()) < 120
    settings = settings_of(tmp_path / "other", database_url)
    async with open_house(settings, database_url) as other:
        assert other.clock.now() - real.now() > timedelta(days=1, hours=23)
    more = (await site.post(SKIP, {"seconds": 60}, key="a-minute")).json()
    assert more["ahead_seconds"] == 172_860


async def test_what_a_crash_left_of_skipped_days_the_same_request_closes(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(*_: object, **__: object) -> None:
        raise ConnectionResetError

    with monkeypatch.context() as patched:
        patched.setattr("counterfoil.journeys.books.skip_time.close_day", crash)
        assert (await site.post(SKIP, {"seconds": 86_400}, key="a-day")).status_code == 503
    told = (await site.post(SKIP, {"seconds": 86_400}, key="a-day")).json()
    assert (told["business_date"], told["ahead_seconds"]) == ("2026-03-03", 86_400)


async def test_time_goes_neither_back_nor_too_far(site: Site) -> None:
    for seconds in (0, -60, 31 * 86_400 + 1):
        check_problem(await site.post(SKIP, {"seconds": seconds}), 422, "request_invalid")
