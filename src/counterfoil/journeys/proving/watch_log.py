"""Watching the log while it runs: figures for the metrics, and a line for whatever is wrong."""

import asyncio
import math
from typing import Final

import structlog

from counterfoil.evidence.monitor import Finding, Observation, observe
from counterfoil.evidence.publisher import Desk
from counterfoil.journeys.house import House

#: Often enough for an alarm, seldom enough to be no load on anybody's witness.
WATCH_SECONDS: Final = 10

_log = structlog.get_logger(__name__)


class Watching:
    """Looks at the log and its witnesses at its own pace; any number of processes may."""

    def __init__(self, house: House, desk: Desk | None) -> None:
        """Take the house, and the witnesses where there are any."""
        self._house = house
        self._desk = desk
        self._next_at = -math.inf
        self._known: frozenset[Finding] = frozenset()

    async def step(self) -> int:
        """Look, if it is time."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._next_at:
            return 0
        self._next_at = loop.time() + WATCH_SECONDS
        now = self._house.wall.milliseconds() // 1_000
        async with self._house.database.connection() as connection:
            seen = await observe(connection, self._desk, now=now)
        self._count(seen)
        findings = frozenset(seen.findings)
        for finding in findings - self._known:
            _log.warning("log_finding", **finding._asdict())
        self._known = findings
        return 0

    def _count(self, seen: Observation) -> None:
        metrics = self._house.metrics
        metrics.log_leaves.labels("staged").set(seen.staged)
        metrics.log_leaves.labels("numbered").set(seen.size)
        metrics.log_leaves.labels("signed").set(seen.signed_size)
        metrics.log_leaves.labels("witnessed").set(seen.witnessed_size)
        metrics.log_staged_seconds.set(seen.staged_seconds or 0)
        metrics.log_clock_spread_seconds.set(seen.clock_spread_seconds)
        metrics.log_findings.set(len(seen.findings))
        for witness in seen.witnesses:
            if witness.cosigned is not None:
                metrics.log_witness_seconds.labels(witness.name).set(seen.at - witness.cosigned)

    async def close(self) -> None:
        """Leave everything as it is: nothing is open between two looks."""
