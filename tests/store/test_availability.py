"""Pages and programs read the same available amount that lending decides by."""

from datetime import date, timedelta

import pytest

from counterfoil.lending.line import Line, availability
from counterfoil.platform.database import Database

TODAY = date(2026, 1, 15)

INSERT = """
INSERT INTO lending.credit_line (
    customer_id, line_id, application_id, product_code, product_version, lender_id, currency,
    status, limit_minor, rate_daily_e8, repayment_day, opened_on, valid_to, version, own_cap_minor,
    principal_minor, held_minor, credit_minor, frozen_until, status_reason, next_cap_minor,
    next_cap_on, day_changed_on, day_changes, returning_minor, contract_id,
    agreement_sha256, agreed_limit_minor)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
        $21, $22, $23, $24, $25, $26, $27, $28)
"""


@pytest.mark.parametrize("days", range(-2, 3))
@pytest.mark.parametrize("status", ["active", "frozen", "suspended"])
async def test_pages_read_the_same_parts_that_lending_decides_by(
    database: Database, status: str, days: int
) -> None:
    day = TODAY + timedelta(days=days)
    lines = [
        Line(
            1, number, number, "cash-line-open", 1, "lender-one", "CNY", status, 500_000, 35_000,
            15, date(2026, 1, 1), valid_to, 1, cap, 100_000, 20_000, 0, frozen_until, None,
            next_cap, next_cap_on, None, 0,
        )
        for number, (valid_to, cap, frozen_until, (next_cap, next_cap_on)) in enumerate(
            (
                (valid_to, cap, frozen_until, waiting)
                for valid_to in (day, date(2026, 12, 31))
                for cap in (None, 90_000, 300_000)
                for frozen_until in (None, day)
                for waiting in ((None, None), (400_000, day), (None, day))
            ),
            start=1,
        )
    ]  # fmt: skip
    async with database.transaction() as connection:
        await connection.execute(
            "INSERT INTO platform.business_date (business_date, moved_at) VALUES ($1, now())",
            TODAY,
        )
        for line in lines:
            await connection.execute(INSERT, *(getattr(line, name) for name in Line.__slots__))
        rows = await connection.fetch("SELECT * FROM reporting.line ORDER BY line_id")
    assert len(rows) == 36
    for line, row in zip(lines, rows, strict=True):
        have = availability(line, TODAY)
        assert row["blocked_by"] == have.blocked_by
        assert row["own_cap_minor"] == have.own_cap_minor
        assert row["headroom_minor"] == have.available_minor + have.blocked_minor
