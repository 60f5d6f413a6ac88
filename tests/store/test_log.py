"""From a staged leaf to a receipt that a stranger verifies."""

from pathlib import Path

import pytest
from tests.store.log_desk import log_opened

from counterfoil.evidence.formats.policy import Policy
from counterfoil.evidence.formats.receipt import Receipt
from counterfoil.evidence.formats.verifying import verify_receipt
from counterfoil.journeys.receipts import read_receipt


@pytest.mark.parametrize("count", [1, 255, 256, 257, 700])
async def test_a_staged_leaf_becomes_a_receipt_that_is_verified_offline(
    database_url: str, tmp_path: Path, count: int
) -> None:
    async with log_opened(database_url, tmp_path) as log:
        leaves = await log.stage(count)
        assert await log.integrate(batch=300) == count
        assert await log.publish() == count
        policy = Policy.parse(log.policy)
        for leaf_id in (leaves[0], leaves[-1], leaves[count // 2]):
            receipt = await read_receipt(log.house, 7, leaf_id)
            assert isinstance(receipt, Receipt), receipt
            verdict = verify_receipt(bytes(receipt), policy)
            assert verdict.is_accepted, verdict.shape()
