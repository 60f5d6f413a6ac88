"""A fault in the program must not become a fact: the database refuses what cannot be true."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from tests.store.branch import Branch, an_opening, open_branch

#: The state that is broken: a line of 20,000.00 with a loan of 3,000.00 and 500.00 held.
HELD_MINOR = 50_000


@pytest.fixture
async def branch(database_url: str, tmp_path: Path) -> AsyncIterator[Branch]:
    async with open_branch(database_url, tmp_path) as opened:
        await opened.get(an_opening(1, 1))
        await opened.lend(1, 1, 300_000)
        await opened.draw(1, 1, HELD_MINOR)
        yield opened


LINE = "UPDATE lending.credit_line SET"
OPEN = "UPDATE lending.loan SET {} WHERE status = 'open'"
IMPOSSIBLE = [
    # Limits and holds.
    (f"{LINE} held_minor = 1700001", "insufficient_limit"),
    (f"{LINE} own_cap_minor = 360000, held_minor = 60001", "insufficient_limit"),
    (f"{LINE} held_minor = -1", "line_amounts_not_negative"),
    (f"{LINE} principal_minor = -1", "line_amounts_not_negative"),
    (f"{LINE} credit_minor = -1", "line_amounts_not_negative"),
    (f"{LINE} limit_minor = -1", "line_amounts_not_negative"),
    (f"{LINE} own_cap_minor = -1", "line_amounts_not_negative"),
    (f"{LINE} status = 'closed'", "line_closed_is_empty"),
    (f"{LINE} status = 'closed', principal_minor = 0", "line_closed_is_empty"),
    (f"{LINE} status = 'sleeping'", "line_status_known"),
    (f"{LINE} repayment_day = 29", "line_repayment_day_in_month"),
    (f"{LINE} rate_daily_e8 = -1", "line_rate_not_negative"),
    # Loans.
    (OPEN.format("principal_minor = -1, due_interest_minor = 1"), "loan_principal_in_bounds"),
    (OPEN.format("principal_minor = original_minor + 1"), "loan_principal_in_bounds"),
    (OPEN.format("due_principal_minor = principal_minor + 1"), "loan_principal_in_bounds"),
    (OPEN.format("penal_principal_minor = 1"), "loan_principal_in_bounds"),
    (OPEN.format("due_interest_minor = -1"), "loan_principal_in_bounds"),
    (OPEN.format("advance_minor = -1"), "loan_principal_in_bounds"),
    (OPEN.format("status = 'closed'"), "loan_closed_is_zero"),
    (OPEN.format("status = 'closed', principal_minor = 0, accrued_interest_e8 = 1"),
     "loan_closed_is_zero"),
    (OPEN.format("status = 'lost'"), "loan_status_known"),
    (OPEN.format("method = 'barter'"), "loan_method_known"),
    (OPEN.format("accrued_to = NULL"), "loan_open_has_dates"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "constraint"), IMPOSSIBLE)
async def test_what_cannot_be_true_is_refused_by_name(
    branch: Branch, statement: str, constraint: str
) -> None:
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await branch.rows(statement)
    assert refused.value.constraint_name == constraint
    assert await branch.faults() == {}


HISTORY = ("lending.loan_transaction", "lending.line_event")


@pytest.mark.parametrize("table", HISTORY)
@pytest.mark.parametrize(
    "change",
    ["UPDATE {} SET book_date = book_date + 1", "DELETE FROM {}", "DELETE FROM {} WHERE false"],
)
async def test_history_is_only_added_to(branch: Branch, table: str, change: str) -> None:
    before = await branch.rows(f"SELECT * FROM {table}")
    assert before
    with pytest.raises(asyncpg.RaiseError, match=f"{table} is only added to"):
        await branch.rows(change.format(table))
    assert await branch.rows(f"SELECT * FROM {table}") == before


async def test_a_limit_may_be_lowered_below_what_is_used(branch: Branch) -> None:
    await branch.rows(f"{LINE} limit_minor = 50000, version = version + 1")
    held = await branch.value("SELECT held_minor FROM lending.credit_line")
    # A hold that ends, or turns into principal, is no new hold.
    await branch.rows(f"{LINE} held_minor = 0, principal_minor = principal_minor + {held}")
    assert await branch.value("SELECT held_minor FROM lending.credit_line") == 0
    assert await branch.value("SELECT limit_minor < principal_minor FROM lending.credit_line")


INSTALMENT = (
    "INSERT INTO lending.instalment (customer_id, loan_id, instalment_no, due_date,"
    " principal_minor, interest_minor, principal_paid_minor, interest_paid_minor, settled_on)"
    " SELECT customer_id, loan_id, 1, '2026-02-15', 100, 10, {} FROM lending.loan"
    " WHERE status = 'open'"
)


@pytest.mark.parametrize(
    ("paid", "constraint"),
    [
        ("101, 0, NULL::date", "instalment_paid_within_due"),
        ("0, 11, NULL::date", "instalment_paid_within_due"),
        ("-1, 0, NULL::date", "instalment_paid_within_due"),
        ("100, 9, DATE '2026-02-15'", "instalment_settled_is_paid"),
        ("99, 10, DATE '2026-02-15'", "instalment_settled_is_paid"),
    ],
)
async def test_an_instalment_is_paid_within_what_is_due(
    branch: Branch, paid: str, constraint: str
) -> None:
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await branch.rows(INSTALMENT.format(paid))
    assert refused.value.constraint_name == constraint
    await branch.rows(INSTALMENT.format("100, 10, DATE '2026-02-15'"))


TRANSACTION = (
    "INSERT INTO lending.loan_transaction (customer_id, transaction_id, loan_id, line_id,"
    " sequence, kind, value_date, book_date, posted_at, amount_minor, principal_minor,"
    " interest_minor, penalty_minor, excess_minor, mode, channel, idempotency_key)"
    " SELECT customer_id, 7, loan_id, line_id, {}, '2026-01-05', '2026-01-05', now(), {},"
    " 'next_instalment', 'bank', 'k' FROM lending.loan WHERE status = 'open'"
)


@pytest.mark.parametrize(
    ("order", "parts", "constraint"),
    [
        ("9, 'repayment'", "10, 5, 3, 1, 0", "transaction_parts_add_up"),
        ("9, 'repayment'", "10, 5, 3, 1, 2", "transaction_parts_add_up"),
        ("9, 'gift'", "10, 5, 3, 1, 1", "transaction_kind_known"),
    ],
)
async def test_the_parts_of_a_transaction_add_up(
    branch: Branch, order: str, parts: str, constraint: str
) -> None:
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await branch.rows(TRANSACTION.format(order, parts))
    assert refused.value.constraint_name == constraint


async def test_two_transactions_have_not_the_same_place_in_a_history(branch: Branch) -> None:
    taken = TRANSACTION.format("1, 'repayment'", "10, 5, 3, 1, 1")
    with pytest.raises(asyncpg.UniqueViolationError) as refused:
        await branch.rows(taken)
    assert refused.value.constraint_name == "transaction_order_unique"


async def test_a_loan_belongs_to_a_line_of_its_own_customer(branch: Branch) -> None:
    for table, column in (("loan", "line_id"), ("instalment", "loan_id")):
        await branch.rows(INSTALMENT.format("0, 0, NULL::date") + " ON CONFLICT DO NOTHING")
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await branch.rows(f"UPDATE lending.{table} SET {column} = 99")


async def test_one_answer_is_recorded_under_a_key(branch: Branch) -> None:
    with pytest.raises(asyncpg.UniqueViolationError) as refused:
        await branch.rows(
            "INSERT INTO platform.command SELECT customer_id, idempotency_key, request_hash, kind,"
            " answer, accepted_at FROM platform.command LIMIT 1"
        )
    assert refused.value.constraint_name == "command_once"


async def test_the_calendar_has_one_date(branch: Branch) -> None:
    for singleton in ("true", "false"):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await branch.rows(
                f"INSERT INTO platform.business_date VALUES ({singleton}, '2026-01-01', now())"
            )
