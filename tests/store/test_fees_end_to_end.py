"""A lender's own product with fees, its own templates, and a loan from the quote to the last cent.

The product is the example of the documentation, taken into force in a directory of the lender's.
"""

import shutil
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.contract_templates import later, put_in_force
from tests.store.branch import Branch

from counterfoil.contracts.shelf import Proposal
from counterfoil.journeys.books.check_books import check_books
from counterfoil.journeys.borrowing.draw import draw
from counterfoil.journeys.borrowing.papers import keep_papers, papers_consumer
from counterfoil.journeys.borrowing.quote import payoff_quote, quote
from counterfoil.journeys.house import open_house
from counterfoil.journeys.paying.payout_books import PayoutBooks
from counterfoil.kernel import ids
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.kernel.language import Language
from counterfoil.lending import paper_store
from counterfoil.lending.catalogue import lock_effective
from counterfoil.lending.commands import OpenLine, Repay, ReverseRepayment
from counterfoil.lending.quote import Quote
from counterfoil.lending.sheet_audit import RATE_E8_TOLERANCE, rate_again_e8
from counterfoil.lending.terms import Method, Prepayment
from counterfoil.payments.port import alone
from counterfoil.payments.relay import PayoutRelay
from counterfoil.platform.batches import Answer
from counterfoil.platform.settings import Settings
from counterfoil.simulator.bank.bank import Bank
from counterfoil.simulator.bank.direct import DirectRail

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "src" / "counterfoil"
EXAMPLE = ROOT / "docs" / "examples" / "example-line-with-fees.toml"
CODE = "example-line-with-fees"
C, LINE, LENT_MINOR = 81, 82, 600_000
FIRST_DATE = date(2026, 1, 5)
#: Opening 20.00 with the first; a guarantor's 0.2 % of what is outstanding, at most 10.00.
FEES_MINOR = [3_000, 800, 400]
FEE_INCOME, COLLECTED_FOR_OTHERS, FEE_RECEIVABLE = 6021, 2241, 1134


def own_products(folder: Path) -> Path:
    """Take the shipped products and the example into a directory, and put the latter in force."""
    shutil.copytree(SHIPPED / "products", folder)
    text = EXAMPLE.read_text("utf-8").replace('state = "draft"', 'state = "effective"')
    (folder / EXAMPLE.name).write_text(text, "utf-8")
    assert lock_effective(folder) == [f"{CODE} 1"]
    return folder


def own_note() -> Proposal:
    """Return a note of the lender's own for its product."""
    said = "interest is charged to that day and nothing else."
    return later(
        "loan-note",
        ('code = "loan-note"', 'code = "fee-note"'),
        ('products = ["cash-line-open", "cash-line-invited"]', f'products = ["{CODE}"]'),
        ("[words.part]\n", '[words.part]\nfee = { zh = "费用", en = "fees" }\n'),
        (said, "interest is charged to that day, and the early repayment fee of 3."),
        version=1,
    )


@pytest.fixture
async def branch(database_url: str, tmp_path: Path) -> AsyncIterator[Branch]:
    settings = Settings(
        home=tmp_path / "home",
        environment="sandbox",
        products=own_products(tmp_path / "products"),
    )
    clock = TestClock(datetime(2026, 1, 5, 9, tzinfo=UTC))
    async with open_house(settings, database_url, clock=clock, first_date=FIRST_DATE) as house:
        await put_in_force(house, own_note())
        opened = Branch(house)
        await opened.get(
            OpenLine(
                customer_id=C,
                line_id=LINE,
                application_id=LINE,
                product_code=CODE,
                product_version=1,
                limit_minor=2_000_000,
                currency="CNY",
                rate_daily_e8=35_000,
                repayment_day=15,
                contract_id=LINE,
                agreement_sha256=bytes(32),
            )
        )
        yield opened


async def lend(branch: Branch) -> tuple[Quote, int]:
    """Quote, draw with the token and let the bank pay; return the quote and the loan."""
    house = branch.house
    asked: dict[str, Any] = {
        "customer_id": C,
        "line_id": LINE,
        "amount_minor": LENT_MINOR,
        "currency": "CNY",
        "tenor_months": 3,
        "method": Method.LEVEL_PRINCIPAL,
        "purpose": "travel",
    }
    shown = await quote(house, **asked, language=Language.ENGLISH)
    assert isinstance(shown, Quote), shown
    answer = await draw(
        house, **asked, payee_ref="account", quote_token=shown.token, idempotency_key="draw"
    )
    assert isinstance(answer, Answer), answer
    relay = PayoutRelay(
        house.database,
        rails=alone(DirectRail(Bank())),
        books=PayoutBooks(house),
        clock=house.clock,
        business_date=house.business_date,
        worker="worker-1",
    )
    await relay.consumer.register()
    await relay.drain()
    return shown, ids.from_text(ids.LOAN, orjson.loads(answer.text)["id"])


async def pay(branch: Branch, amount_minor: int, loan_id: int, mode: Prepayment) -> dict[str, Any]:
    return await branch.get(
        Repay(
            customer_id=C,
            line_id=LINE,
            loan_id=loan_id,
            amount_minor=amount_minor,
            currency="CNY",
            value_date=None,
            mode=mode,
            channel="bank",
        )
    )


async def booked(branch: Branch) -> dict[int, int]:
    """Return what the books have of fees, by account; credits are negative."""
    rows = await branch.rows(
        "SELECT account, sum(amount_minor)::bigint FROM ledger.posting"
        " WHERE account = ANY ($1::integer[]) GROUP BY account",
        [FEE_INCOME, COLLECTED_FOR_OTHERS, FEE_RECEIVABLE],
    )
    return {account: amount for account, amount in rows if amount}


async def sheets(branch: Branch, loan_id: int) -> list[dict[str, Any]]:
    """Let the reader of papers catch up; return the sheets that are kept."""
    consumer = papers_consumer(branch.house)
    await consumer.register()
    while await consumer.waiting():
        await keep_papers(branch.house, consumer)
    async with branch.house.database.connection() as connection:
        return [
            orjson.loads(s.sheet) for s in await paper_store.read_sheets(connection, C, loan_id)
        ]


async def check(branch: Branch) -> None:
    report = await check_books(branch.house.database, branch.house.catalogue)
    assert {name: one.exceptions for name, one in report.checks.items() if not one.ok} == {}


async def test_what_the_sheet_shows_is_what_is_charged_and_nothing_else(branch: Branch) -> None:
    shown, loan_id = await lend(branch)
    sheet = shown.sheet
    assert [row.fee_minor for row in sheet.rows] == FEES_MINOR
    normal = {item.code: (item.payee_id, item.amount_minor) for item in sheet.items}
    assert normal.pop("interest")[0] == "lender-one"
    assert normal == {"opening": ("lender-one", 2_000), "guarantee": ("guarantor", 2_200)}
    assert {item.code for item in sheet.contingent} >= {"early", "late"}
    assert sheet.total_minor == LENT_MINOR + sheet.cost_minor
    # The note that is confirmed names both fees, and what repaying early costs.
    for words in ("Opening fee", "Guarantee fee", "Early repayment fee", "fees, interest", "20.00"):
        assert words in shown.note.text, words
    (kept,) = await sheets(branch, loan_id)
    stated = kept["annual_cost"]["effective_e8"]
    assert abs(rate_again_e8(kept) - stated) < RATE_E8_TOLERANCE, "0.01 percentage points"
    assert stated > 15_000_000, "the fees are in the yearly cost, not beside it"

    for month, fee in zip(range(1, 4), FEES_MINOR, strict=True):
        due = date(2026, month, 15)
        await branch.close_to(due)
        row = sheet.rows[month - 1]
        assert (row.due_date, row.fee_minor) == (due, fee)
        answer = await pay(branch, row.due_minor, loan_id, Prepayment.NEXT_INSTALMENT)
        assert answer["excess_minor"] == 0
    await branch.close_to(date(2026, 3, 16))
    status = await branch.value("SELECT status FROM lending.loan")
    assert status == "closed", "what the sheet shows was paid, and nothing is owed"
    assert await booked(branch) == {FEE_INCOME: -2_000, COLLECTED_FOR_OTHERS: -2_200}
    await check(branch)


async def test_repaying_early_costs_its_fee_and_undoing_it_gives_it_back(branch: Branch) -> None:
    _, loan_id = await lend(branch)
    await branch.close_to(date(2026, 1, 15))
    first = await branch.value(
        "SELECT due_principal_minor + due_interest_minor + due_fee_minor + due_guarantee_minor"
        " FROM lending.loan"
    )
    await pay(branch, first, loan_id, Prepayment.NEXT_INSTALMENT)
    before = await booked(branch)
    early = await pay(branch, 201_000, loan_id, Prepayment.REDUCE_TERM)
    after = await booked(branch)
    # 0.5 % of 2,000.00 repaid before it is due.
    assert after[FEE_RECEIVABLE] == -1_000, "paid before the day's close books it as earned"
    assert {**after, FEE_RECEIVABLE: 0} == {**before, FEE_RECEIVABLE: 0}
    assert len(await sheets(branch, loan_id)) == 2, "a changed plan has a sheet of its own"
    number = ids.from_text(ids.REPAYMENT, early["id"])
    await branch.get(
        ReverseRepayment(customer_id=C, line_id=LINE, repayment_id=number, reason="bounced")
    )
    await branch.close_to(date(2026, 1, 16))
    assert await booked(branch) == before, "the fee went with its cause"
    closing = await payoff_quote(branch.house, customer_id=C, loan_id=loan_id)
    assert not isinstance(closing, Refused)
    await pay(branch, closing.amount_minor, loan_id, Prepayment.NEXT_INSTALMENT)
    await branch.close_to(date(2026, 1, 17))
    assert await branch.value("SELECT status FROM lending.loan") == "closed"
    # 0.5 % of 4,000.00 that was not due; no fee of the instalments that never came.
    assert await booked(branch) == {FEE_INCOME: -2_000 - 2_000, COLLECTED_FOR_OTHERS: -1_000}
    await check(branch)


async def test_a_loan_whose_fees_pass_the_cap_is_found_in_the_book(branch: Branch) -> None:
    await lend(branch)
    async with branch.house.database.transaction() as connection:
        driver: Any = connection
        await driver.execute("SET LOCAL session_replication_role = replica")
        await driver.execute(
            "UPDATE lending.loan SET fees ="
            " replace(fees::text, '\"amount_minor\":2000', '\"amount_minor\":60000')"
        )
    report = await check_books(branch.house.database, branch.house.catalogue)
    (found,) = report.checks["rule_caps"].exceptions
    assert "a year with its fees, above the cap of rule R047" in found["what"]
