"""Scenarios: a load that fails says so instead of leaving its failures out of the figures."""

import asyncio

import pytest

from counterfoil.simulator.bench.load import open_loop


def test_one_failed_send_fails_the_measurement() -> None:
    async def send(number: int) -> object:
        if number == 3:
            raise ConnectionError("the server hung up")
        return object()

    with pytest.raises(ConnectionError, match="hung up"):
        asyncio.run(open_loop(send, per_second=1_000, seconds=0.02))


def test_every_send_is_counted_once() -> None:
    async def send(_: int) -> object:
        await asyncio.sleep(0)
        return object()

    measured = asyncio.run(open_loop(send, per_second=1_000, seconds=0.02))

    assert (measured.accepted, len(measured.latencies)) == (20, 20)
