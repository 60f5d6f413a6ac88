"""Money in and out over HTTP: quotes, drawdowns, repayments, and their repetition."""

import asyncio

from counterfoil.kernel import ids


async def test_a_drawdown_is_quoted_drawn_and_read(site) -> None:
    borrower = await site.borrower()
    drawn = await site.draw(borrower)
    assert drawn["available_minor"] == 900_000
    read = await site.get(f"/v1/drawdowns/{drawn['id']}", customer_id=borrower.customer_id)
    assert read.status_code == 200, read.text
    assert read.json()["status"] == "pending"
