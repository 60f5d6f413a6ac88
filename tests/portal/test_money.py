"""Drawing and repaying at the portal: nothing is drawn unread, and every figure is the books'."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from tests.console.accessibility import faults
from tests.console.conftest import hidden_fields
from tests.portal.conftest import Person
from tests.store.consent_desk import WallClock

from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.kernel.clock import TestClock
from counterfoil.lending import promotion_store, store
from counterfoil.lending.line import Line
from counterfoil.lending.loan import Loan
from counterfoil.lending.promotion import read_promotion
from counterfoil.platform.web.format import Formats


async def line_of(person: Person) -> Line:
    async with person.house.database.connection() as connection:
        lines = await store.read_lines_after(
            connection, customer_id=person.customer_id, status="active", page=10
        )
    return max(lines, key=lambda one: one.limit_minor - one.principal_minor)


async def loan_of(person: Person, status: str | None = "open") -> Loan:
    async with person.house.database.connection() as connection:
        loans = await store.read_loans_after(
            connection, customer_id=person.customer_id, status=status, page=50
        )
    assert loans, "the customer has a loan"
    return loans[-1]


def draw_path(line: Line) -> str:
    return f"/portal/draw/{ids.to_text(ids.LINE, line.line_id)}"


ASKED = {"amount": "1,000.00", "tenor": "6", "method": "level_instalment",
         "purpose": "household"}  # fmt: skip


async def ask_sheet(person: Person, path: str) -> str:
    page = await person.get(path)
    account = re.search(r'<option value="(acct[^"]*)"', page.text)
    assert account, page.text
    sheet = await person.submit(page, path, **ASKED, account=account[1])
    assert (sheet.status_code, faults(sheet.text)) == (200, [])
    return sheet.text


def forward(house: House, seconds: int) -> None:
    """Set both clocks of the house so many seconds forward."""
    wall = WallClock(datetime.now(UTC) + timedelta(seconds=seconds))
    object.__setattr__(house, "wall", wall)
    assert isinstance(house.clock, TestClock)
    house.clock.advance(timedelta(seconds=seconds))


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_pages_of_money_read_well(person: Person, language: str) -> None:
    line = await line_of(person)
    for path in ("/portal/", "/portal/loans", "/portal/record", draw_path(line)):
        page = await person.get(path, language=language)
        assert (page.status_code, faults(page.text)) == (200, []), path


async def test_an_offer_stands_beside_the_sheet_with_each_price_without_it(
    person: Person,
) -> None:
    line, on = await line_of(person), await person.house.business_date()
    path = draw_path(line)
    assert "Without it" not in await ask_sheet(person, path)
    ends_on = on + timedelta(days=9)
    text = (
        f'[promotion]\ncode = "spring-sheet"\nname_en = "Spring offer"\nname_zh = "春季优惠"\n'
        f'products = ["{line.product_code}"]\ncurrency = "CNY"\nfrom = {on}\nto = {ends_on}\n'
        'discount = "20 %"\nrate_daily_least = "0.005 %"\nbudget = "50000.00"\n'
        'uses_most = 1000\nuses_per_customer = 1\nfunder = "lender"\n'
    )
    kept = promotion_store.Kept(promotion_id=1, promotion=read_promotion(text))
    signed = promotion_store.Signed(
        author="ana", approver="ben", approval_id=2, published_at=person.house.clock.now()
    )
    async with person.house.database.transaction() as connection:
        await promotion_store.add(connection, kept, signed)
    shown = await ask_sheet(person, path)
    for part in ("Spring offer", "Without it", f"until {ends_on - timedelta(days=1)}"):
        assert part in shown
    with_it, without = kept.promotion.price(line.rate_daily_e8), line.rate_daily_e8
    formats = Formats(language="en", zone=UTC)
    for rate in (with_it, without):
        assert f"{formats.rate(rate)}<" in shown


async def test_nothing_is_drawn_before_the_sheet_was_open_long_enough(person: Person) -> None:
    path = draw_path(await line_of(person))
    text = await ask_sheet(person, path)
    fields = hidden_fields(text, path)
    early = await person.post(path, fields | {"step": "review"})
    assert "more second" in early.text
    skipped = await person.post(path, fields | {"step": "confirm"})
    assert "more second" in skipped.text
    assert "All-in yearly cost" in text


async def test_a_drawdown_keeps_what_was_read_and_for_how_long(person: Person) -> None:
    path = draw_path(await line_of(person))
    text = await ask_sheet(person, path)
    forward(person.house, 42)
    review = await person.post(path, hidden_fields(text, path) | {"step": "review"})
    assert (review.status_code, faults(review.text)) == (200, [])
    sent = hidden_fields(review.text, path) | {"step": "confirm"}
    done = await person.post(path, sent)
    assert done.status_code == 303, done.text
    again = await person.post(path, sent)
    assert again.headers["location"] == done.headers["location"]
    loan = await loan_of(person, "pending")
    assert loan.original_minor == 100_000
    assert loan.sheet_read_ms == 42_000
    page = await person.get(done.headers["location"])
    assert "on its way" in page.text


async def test_a_ticket_of_another_amount_shows_the_sheet_again(person: Person) -> None:
    path = draw_path(await line_of(person))
    fields = hidden_fields(await ask_sheet(person, path), path)
    forward(person.house, 42)
    changed = await person.post(path, fields | {"step": "confirm", "amount": "2,000.00"})
    assert "read the sheet once more" in changed.text
    assert "2,000.00" in changed.text


async def test_a_payment_shows_its_split_before_and_pays_it(person: Person) -> None:
    loan = await loan_of(person)
    path = f"/portal/repay/{ids.to_text(ids.LOAN, loan.loan_id)}"
    page = await person.get(path)
    assert (page.status_code, faults(page.text)) == (200, [])
    asked = {"choice": "all", "mode": "next_instalment", "amount": ""}
    split = await person.submit(page, path, **asked)
    assert (split.status_code, faults(split.text)) == (200, [])
    assert "the loan is closed" in split.text
    done = await person.post(path, hidden_fields(split.text, path) | {"step": "confirm"})
    assert done.status_code == 303, done.text
    shown = await person.get(done.headers["location"])
    assert "Paid off" in shown.text
    async with person.house.database.connection() as connection:
        after = await store.read_loan(connection, person.customer_id, loan.loan_id)
    assert after is not None
    assert (after.status, after.principal_minor) == ("closed", 0)


async def test_several_loans_are_ticked_and_the_split_is_shown_before(person: Person) -> None:
    loan = await loan_of(person)
    line = ids.to_text(ids.LINE, loan.line_id)
    path, number = f"/portal/repay-several/{line}", ids.to_text(ids.LOAN, loan.loan_id)
    page = await person.get(path)
    assert (page.status_code, faults(page.text)) == (200, [])
    asked = {"choice": "other", "amount": "10.00", "order": "as_named", "mode": "next_instalment"}
    nothing = await person.submit(page, path, **asked)
    assert (nothing.status_code, faults(nothing.text)) == (422, [])
    assert "Choose at least one loan" in nothing.text
    ticked = asked | {f"loan_{number}": "yes"}
    split = await person.submit(page, path, **ticked)
    assert (split.status_code, faults(split.text)) == (200, [])
    assert "of principal left" in split.text
    for language, word in (("en", "Which loans"), ("zh-CN", "哪些借据")):
        assert word in (await person.get(path, language=language)).text
    sent = hidden_fields(split.text, path) | {"step": "confirm"}
    done = await person.post(path, sent)
    assert done.headers["location"] == f"/portal/loans/{number}?done=repaid"
    assert (await person.post(path, sent)).headers["location"] == done.headers["location"]
    async with person.house.database.connection() as connection:
        after = await store.read_loan(connection, person.customer_id, loan.loan_id)
        history = await store.read_history(connection, person.customer_id, loan.loan_id)
    assert after is not None
    assert [
        one.transaction.amount_minor for one in history if one.transaction.channel == "portal"
    ] == [1_000]
    assert (await person.get("/portal/repay-several/ln_01hv4zq3k2f00")).status_code == 404


async def test_loans_of_others_are_not_there(person: Person) -> None:
    async with person.house.database.connection() as connection:
        loans = await store.read_loans_after(connection, status="open", page=100)
    other = next(one for one in loans if one.customer_id != person.customer_id)
    number = ids.to_text(ids.LOAN, other.loan_id)
    for path in (f"/portal/loans/{number}", f"/portal/repay/{number}"):
        assert (await person.get(path)).status_code == 404
