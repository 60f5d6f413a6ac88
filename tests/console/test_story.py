"""A loan's story is made by the fold that decides: it leads to what is stored, exactly."""

from datetime import date
from typing import NamedTuple

from counterfoil.console import loan_story
from counterfoil.journeys.house import House
from counterfoil.kernel.money import E8
from counterfoil.lending import store
from counterfoil.lending.account import Transaction
from counterfoil.lending.interest import accrued_e8
from counterfoil.lending.loan import Loan
from counterfoil.lending.terms import Prepayment


class Told(NamedTuple):
    stored: Loan
    history: list[Transaction]
    story: loan_story.Story
    today: date


async def _stories(house: House) -> list[Told]:
    told = []
    today = await house.business_date()
    async with house.database.connection() as connection:
        keys = await connection.fetch("SELECT customer_id, loan_id FROM lending.loan")
        for key in keys:
            loan = await store.read_loan(connection, *key)
            assert loan is not None
            history = [one.transaction for one in await store.read_history(connection, *key)]
            terms = house.catalogue.terms(loan.product_code, loan.product_version)
            story = loan_story.tell(loan, history, terms, on=today)
            if story is not None:
                told.append(Told(loan, history, story, today))
    return told


async def test_every_loan_of_the_world_is_as_its_transactions_tell(house: House) -> None:
    told = await _stories(house)
    assert len(told) > 20
    assert all(one.story.is_as_stored for one in told)


async def test_exact_interest_goes_to_what_fell_due_what_was_paid_ahead_and_the_rest(
    house: House,
) -> None:
    for stored, _, story, _ in await _stories(house):
        interest = story.interest
        assert interest.total_e8 == sum(period.interest_e8 for period in story.periods)
        if stored.status == "open":
            until = story.periods[-1].end
            assert stored.accrued_to is not None
            since = accrued_e8(
                stored.principal_minor, stored.rate_daily_e8, stored.accrued_to, until
            )
            assert interest.rest_e8 == stored.accrued_interest_e8 + since
        else:
            assert abs(interest.rest_e8) <= E8 // 2


async def test_periods_follow_each_other_without_a_gap(house: House) -> None:
    for _, _, story, _ in await _stories(house):
        for before, after in zip(story.periods, story.periods[1:], strict=False):
            assert before.end == after.start
            assert before.days > 0


async def test_the_plan_pays_all_that_has_not_fallen_due(house: House) -> None:
    for _, _, story, _ in await _stories(house):
        if story.plan:
            planned = sum(row.principal_minor for row in story.plan)
            assert planned == story.loan.principal_minor - story.loan.due_principal_minor
            assert story.plan[-1].balance_minor == story.loan.due_principal_minor


async def test_paying_the_quote_leaves_nothing(house: House) -> None:
    for stored, history, story, today in await _stories(house):
        if story.loan.status != "open":
            continue
        terms = house.catalogue.terms(story.loan.product_code, story.loan.product_version)
        owed = loan_story.owed_to_close(story.loan, today)
        after, parts = loan_story.told_with_payment(
            stored,
            history,
            terms,
            amount_minor=owed.total_minor,
            value_date=today,
            mode=Prepayment.NEXT_INSTALMENT,
            on=today,
        )
        assert after.status == "closed"
        assert parts.excess_minor == 0
        assert parts.amount_minor == owed.total_minor


async def test_taking_away_the_last_repayment_gives_the_loan_before_it(house: House) -> None:
    found = 0
    for stored, history, story, today in await _stories(house):
        repaid = [one.repayment_id for one in history if one.kind == "repayment"]
        if not repaid or story.loan.status == "cancelled":
            continue
        terms = house.catalogue.terms(story.loan.product_code, story.loan.product_version)
        assert repaid[-1] is not None
        without = loan_story.told_without(stored, history, terms, repaid[-1], on=today)
        assert without.principal_minor >= story.loan.principal_minor
        found += 1
    assert found > 5
