"""Whether the process lives, whether it can serve, and what it counts."""

import asyncio
from datetime import date
from typing import Final

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from counterfoil.api.desk import Desk
from counterfoil.api.reads import desk_of, reads
from counterfoil.api.shapes import View
from counterfoil.journeys.house import House
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import QUERIES
from counterfoil.platform.database import is_away
from counterfoil.platform.outbox import lags

TAG = "Health"
router = APIRouter()

#: A database that does not answer within this is not there.
ANSWER_SECONDS_MAX: Final = 2


class LiveView(View):
    """The process answers."""

    status: str


class CheckView(View):
    """One thing that serving needs."""

    name: str
    is_ok: bool
    #: Why not; None where it is.
    reason: str | None


class ReadyView(View):
    """Whether requests can be served now."""

    status: str
    business_date: date | None
    checks: list[CheckView]


@router.get("/livez", tags=[TAG], summary="Ask whether the process lives")
async def live() -> LiveView:
    """Answer as long as the process does."""
    return LiveView(status="live")


@router.get(
    "/readyz",
    tags=[TAG],
    summary="Ask whether requests can be served",
    response_model=ReadyView,
    responses={503: {"model": ReadyView, "description": "Not now; the reasons are in the body."}},
)
async def ready(request: Request) -> Response:
    """Check the house, its database and its background jobs."""
    desk = desk_of(request)
    checks, on = await _checks(desk)
    is_ready = all(check.is_ok for check in checks)
    view = ReadyView(status="ready" if is_ready else "not_ready", business_date=on, checks=checks)
    return Response(
        orjson.dumps(view.model_dump()),
        status_code=200 if is_ready else 503,
        media_type="application/json",
    )


@router.get("/metrics", **reads(Scope.METRICS_READ, TAG, "Read the metrics"))
async def metrics(request: Request) -> Response:
    """Return what the process counts, as Prometheus reads it."""
    house = desk_of(request).house
    house.metrics.commands_waiting.set(house.counter.engine.waiting_count)
    await _measure_outbox(house)
    content, media_type = house.metrics.exposition()
    return Response(content, headers={"content-type": media_type})


async def _checks(desk: Desk) -> tuple[list[CheckView], date | None]:
    if not desk.is_open:
        return [_check("house", "starting or stopping")], None
    reason, on = await _database(desk)
    jobs = desk.jobs_fault()
    return [_check("house", None), _check("database", reason), _check("jobs", jobs)], on


async def _database(desk: Desk) -> tuple[str | None, date | None]:
    try:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            async with desk.house.database.connection() as connection:
                on: date | None = await QUERIES.business_date.fetchval(connection)
    except TimeoutError:
        return f"no answer within {ANSWER_SECONDS_MAX} seconds", None
    except Exception as error:
        if is_away(error):
            return "not reached", None
        raise
    return (None, on) if on is not None else ("the calendar was never started", None)


async def _measure_outbox(house: House) -> None:
    """Measure how far consumers are behind; without the database no figure, not an old one."""
    metrics = house.metrics
    for gauge in (metrics.outbox_waiting, metrics.outbox_lag_seconds):
        gauge.clear()
    try:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            async with house.database.connection() as connection:
                found = await lags(connection)
    except TimeoutError:
        return
    except Exception as error:
        if is_away(error):
            return
        raise
    now = house.clock.now()
    for lag in found:
        seconds = 0 if lag.oldest_at is None else (now - lag.oldest_at).total_seconds()
        metrics.outbox_waiting.labels(lag.consumer).set(lag.events)
        metrics.outbox_lag_seconds.labels(lag.consumer).set(max(seconds, 0))


def _check(name: str, reason: str | None) -> CheckView:
    return CheckView(name=name, is_ok=reason is None, reason=reason)
