"""Papers of loans: the sheet that was signed, sheets of changes, statements in versions."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.store.branch import Branch, a_draw, an_opening, open_branch, reversal

from counterfoil.journeys.borrowing.change_plan import PlanWish, change_plan, show_plan
from counterfoil.journeys.borrowing.papers import MONTHS_CORRECTED, keep_papers, papers_consumer
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.lending import paper_store, store
from counterfoil.lending.account import Setting
from counterfoil.lending.cost import CostSheet, canonical, make_cost_sheet
from counterfoil.lending.drawing import quote_loan
from counterfoil.lending.line import Line
from counterfoil.lending.loan import plan
from counterfoil.lending.paper_store import StoredSheet, StoredStatement
from counterfoil.lending.sheet_audit import RATE_E8_TOLERANCE, rate_again_e8, rate_faults
from counterfoil.lending.terms import Fee, FeeTiming, Part, Prepayment
from counterfoil.platform.batches import Answer
from counterfoil.platform.outbox import Consumer

C, LINE = 71, 72


@pytest.fixture
async def branch(database_url: str, tmp_path: Path) -> AsyncIterator[Branch]:
    async with open_branch(database_url, tmp_path) as found:
        await found.get(an_opening(C, LINE))
        yield found


async def kept(branch: Branch) -> None:
    """Let the reader of the outbox catch up, also with what an older transaction keeps back."""
    consumer: Consumer = papers_consumer(branch.house)
    await consumer.register()
    while await consumer.waiting():
        await keep_papers(branch.house, consumer)


async def lend_signed(branch: Branch, amount_minor: int, **terms: Any) -> int:
    """Draw with the hash of the sheet that the drawdown really has; return the running loan."""
    on = await branch.on()
    house = branch.house
    line = await line_of(branch)
    command = a_draw(C, LINE, amount_minor, on=on, **terms)
    product = house.catalogue.terms(line.product_code, line.product_version)
    setting = Setting(product, on, house.clock.now(), house.ids)
    shown = quote_loan(line, command, setting)
    sheet = make_cost_sheet(shown, plan(shown), product)
    assert isinstance(sheet, CostSheet)
    drawn = await branch.get(replace(command, cost_sheet_hash=sheet.sheet_hash))
    loan_id = ids.from_text(ids.LOAN, drawn["id"])
    await branch.confirm(C, LINE, loan_id)
    return loan_id


async def line_of(branch: Branch) -> Line:
    async with branch.house.database.connection() as connection:
        line = await store.read_line(connection, C, LINE)
    assert line is not None
    return line


async def sheets_of(branch: Branch, loan_id: int) -> list[StoredSheet]:
    async with branch.house.database.connection() as connection:
        return await paper_store.read_sheets(connection, C, loan_id)


async def statements_of(branch: Branch) -> list[StoredStatement]:
    async with branch.house.database.connection() as connection:
        return await paper_store.read_statements(connection, C, LINE)


async def test_the_signed_sheet_is_kept_and_its_rate_found_again(branch: Branch) -> None:
    loan_id = await lend_signed(branch, 600_000)
    await kept(branch)
    await kept(branch)
    (sheet,) = await sheets_of(branch, loan_id)
    assert (sheet.cause, sheet.language, sheet.sheet_no) == ("drawdown", "zh", 1)
    assert hashlib.sha256(sheet.sheet.encode()).digest() == sheet.sheet_sha256
    document = orjson.loads(sheet.sheet)
    stated = document["annual_cost"]["effective_e8"]
    assert abs(rate_again_e8(document) - stated) < RATE_E8_TOLERANCE, "0.01 percentage points"
    leaves = await branch.rows(
        "SELECT convert_from(body, 'UTF8') FROM evidence.leaf_staged WHERE subject_id = $1"
        " AND command_key IS NULL",
        loan_id,
    )
    assert any(sheet.sheet_sha256.hex() in text for (text,) in leaves)
    assert not await branch.faults()


async def test_a_change_of_plan_is_agreed_to_by_the_sheet_that_was_shown(branch: Branch) -> None:
    loan_id = await lend_signed(branch, 600_000)
    await branch.close_to(date(2026, 1, 20))
    wish = PlanWish(customer_id=C, loan_id=loan_id, rate_daily_e8=20_000, reason="rate_lowered")
    shown = await show_plan(branch.house, wish)
    assert not isinstance(shown, Refused)
    assert shown.after_sha256 is not None

    async def agree(sheet_sha256: bytes, key: str) -> Answer | Refused:
        return await change_plan(
            branch.house, wish, sheet_sha256=sheet_sha256, author="desk", idempotency_key=key
        )

    other = await agree(bytes(32), "plan-0")
    assert isinstance(other, Refused)
    assert other.code == "effect_changed"
    done = await agree(shown.after_sha256, "plan-1")
    assert isinstance(done, Answer)
    again = await agree(shown.after_sha256, "plan-1")
    assert isinstance(again, Answer)
    assert (again.text, again.is_replay) == (done.text, True)
    await branch.repay(C, LINE, 150_000, loan_id=loan_id, mode=Prepayment.REDUCE_TERM)
    await kept(branch)
    signed, lowered, shorter = await sheets_of(branch, loan_id)
    assert [s.cause for s in (signed, lowered, shorter)] == [
        *("drawdown", "replan", "early_repayment"),
    ]
    assert (lowered.sheet_sha256, lowered.before_sha256) == (
        shown.after_sha256,
        shown.before_sha256,
    )
    figures = orjson.loads(lowered.difference or "")["figures"]
    assert figures["rate_daily_e8"] == {"before": 40_000, "after": 20_000}
    assert figures["interest_minor"]["after"] < figures["interest_minor"]["before"]
    assert "total_minor" in orjson.loads(shorter.difference or "")["figures"]
    assert not await branch.faults()


async def test_a_correction_gives_ended_months_another_version(branch: Branch) -> None:
    loan_id = await lend_signed(branch, 300_000)
    await branch.close_to(date(2026, 3, 10))
    paid = await branch.repay(C, LINE, 104_000, value_date=date(2026, 2, 14))
    await kept(branch)
    found = await statements_of(branch)
    assert [(s.month.isoformat()[:7], s.version_no, s.reason) for s in found] == [
        ("2026-02", 1, "month_end"),
        ("2026-02", 2, "repayment"),
    ]
    figures = orjson.loads(found[1].difference or "")["figures"]
    assert figures["principal_paid_minor"]["before"] == 0
    assert figures["principal_paid_minor"]["after"] > 90_000
    await branch.get(reversal(C, LINE, paid))
    await kept(branch)
    first, _, third = await statements_of(branch)
    assert (third.version_no, third.reason) == (3, "reversal")
    # Taken back, the month reads as it did at first.
    assert third.statement == first.statement
    told = await branch.rows(
        "SELECT subject_id, payload FROM platform.outbox WHERE kind = $1", MONTHS_CORRECTED
    )
    assert [subject for subject, _ in told] == [loan_id, loan_id]
    assert orjson.loads(told[0][1])["months"] == ["2026-02"]
    assert not await branch.faults()


async def corrupt(branch: Branch, statement: str, *arguments: object) -> None:
    async with branch.house.database.transaction() as connection:
        driver: Any = connection
        await driver.execute("SET LOCAL session_replication_role = replica")
        touched = await driver.execute(statement, *arguments)
        assert not touched.endswith(" 0")


async def test_a_charge_that_was_not_agreed_to_is_refused_and_found(branch: Branch) -> None:
    await lend_signed(branch, 300_000)
    await branch.repay(C, LINE, 50_000)
    await kept(branch)
    with pytest.raises(Exception, match="fee_not_on_the_sheet"):
        await branch.rows(
            "INSERT INTO lending.loan_transaction (customer_id, transaction_id, loan_id, line_id,"
            " sequence, kind, value_date, book_date, posted_at, amount_minor, principal_minor,"
            " interest_minor, penalty_minor, excess_minor, mode, channel, idempotency_key,"
            " fee_minor) SELECT customer_id, 1, loan_id, line_id, 9, 'repayment', value_date,"
            " book_date, posted_at, 100, 0, 0, 0, 0, mode, channel, 'x', 100"
            " FROM lending.loan_transaction WHERE kind = 'disbursement'"
        )
    assert not await branch.faults()
    await corrupt(
        branch,
        "UPDATE lending.loan_transaction SET fee_minor = 100, principal_minor = principal_minor"
        " - 100 WHERE kind = 'repayment'",
    )
    assert "charges" in await branch.faults()


async def test_a_kept_sheet_that_was_altered_is_found(branch: Branch) -> None:
    loan_id = await lend_signed(branch, 300_000)
    await kept(branch)
    (sheet,) = await sheets_of(branch, loan_id)
    document = orjson.loads(sheet.sheet)
    assert abs(rate_again_e8(document) - document["annual_cost"]["effective_e8"]) <= 1_000
    document["annual_cost"]["effective_e8"] += 20_000
    altered = canonical(document).decode()
    assert list(rate_faults(sheet)) == []
    assert list(rate_faults(sheet._replace(sheet=altered)))
    await corrupt(branch, "UPDATE lending.cost_sheet SET sheet = $1", altered)
    assert "cost_sheets" in await branch.faults()


async def test_fees_go_through_the_books_to_whom_they_are_for(
    branch: Branch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1.00 for the lender and 2.00 for the guarantor with each instalment; the books agree."""
    catalogue = branch.house.catalogue
    key = ("cash-line-open", 1)
    care = Fee(
        code="care",
        name_en="Care",
        name_zh="服务",
        payee="lender",
        timing=FeeTiming.EACH_INSTALMENT,
        amount_minor=100,
    )
    agreed = (care, replace(care, code="guarantee", payee="guarantor", amount_minor=200))
    product = catalogue.product(*key)
    order = (Part.PENALTY, Part.FEE, Part.INTEREST, Part.PRINCIPAL)
    terms = replace(product.terms, fees=agreed, allocation=order)
    # The catalogue is that of the process: other tests find it as it was.
    monkeypatch.setitem(catalogue._products, key, replace(product, terms=terms))
    loan_id = await lend_signed(branch, 300_000)
    await branch.close_to(date(2026, 1, 20))
    posted = dict(
        await branch.rows(
            "SELECT account, sum(amount_minor) FROM ledger.posting"
            " WHERE account IN (1134, 2241, 6021) GROUP BY account"
        )
    )
    # Fallen due on 15 January: the lender's is earned, nothing was collected yet.
    assert posted == {1134: 100, 6021: -100}
    await branch.repay(C, LINE, 20_000)
    await branch.close_to(date(2026, 1, 21))
    posted = dict(
        await branch.rows(
            "SELECT account, sum(amount_minor) FROM ledger.posting"
            " WHERE account IN (1134, 2241, 6021) GROUP BY account"
        )
    )
    assert posted == {1134: 0, 2241: -200, 6021: -100}
    await kept(branch)
    (sheet,) = await sheets_of(branch, loan_id)
    assert [item["code"] for item in orjson.loads(sheet.sheet)["items"]] == [
        *("interest", "care", "guarantee"),
    ]
    assert not await branch.faults()
