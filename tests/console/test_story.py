"""A loan's story is made by the fold that decides: it leads to what is stored, exactly."""

from datetime import date

from counterfoil.console import loan_story
from counterfoil.console.reading import READING
from counterfoil.journeys.house import House
from counterfoil.kernel.money import E8
from counterfoil.lending.terms import Prepayment


async def _stories(house: House) -> list[tuple[object, list[object], loan_story.Story]]:
    told = []
    async with house.database.connection() as connection:
        keys = await connection.fetch("SELECT customer_id, loan_id FROM lending.loan")
        for key in keys:
            row = await READING.loan.fetchrow(connection, **dict(key))
            assert row is not None
            rows = await READING.loan_transactions.fetch(connection, **dict(key))
            terms = house.catalogue.terms(row["product_code"], row["product_version"])
            story = loan_story.tell(row, rows, terms, on=row["business_date"])
            if story is not None:
                told.append((row, rows, story))
    return told  # type: ignore[return-value]


async def test_every_loan_of_the_world_is_as_its_transactions_tell(house: House) -> None:
    told = await _stories(house)
    assert len(told) > 20
    assert all(story.is_as_stored for _, _, story in told)


async def test_exact_interest_goes_to_what_fell_due_what_was_paid_ahead_and_the_rest(
    house: House,
) -> None:
    for row, _, story in await _stories(house):
        interest = story.interest
        assert interest.total_e8 == sum(period.interest_e8 for period in story.periods)
        if row["status"] == "open":  # type: ignore[index]
            assert interest.rest_e8 == row["interest_e8"]  # type: ignore[index]
        else:
            assert abs(interest.rest_e8) <= E8 // 2


async def test_periods_follow_each_other_without_a_gap(house: House) -> None:
    for _, _, story in await _stories(house):
        for before, after in zip(story.periods, story.periods[1:], strict=False):
            assert before.end == after.start
            assert before.days > 0


async def test_the_plan_pays_all_that_has_not_fallen_due(house: House) -> None:
    for _, _, story in await _stories(house):
        if story.plan:
            planned = sum(row.principal_minor for row in story.plan)
            assert planned == story.loan.principal_minor - story.loan.due_principal_minor
            assert story.plan[-1].balance_minor == story.loan.due_principal_minor


async def test_paying_the_quote_leaves_nothing(house: House) -> None:
    for row, rows, story in await _stories(house):
        if story.loan.status != "open":
            continue
        today: date = row["business_date"]  # type: ignore[index]
        terms = house.catalogue.terms(story.loan.product_code, story.loan.product_version)
        owed = loan_story.owed_to_close(story.loan, today)
        after, parts = loan_story.told_with_payment(
            row,  # type: ignore[arg-type]
            rows,  # type: ignore[arg-type]
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
    for row, rows, story in await _stories(house):
        repaid = [r for r in rows if r["kind"] == "repayment"]  # type: ignore[index]
        if not repaid or story.loan.status == "cancelled":
            continue
        terms = house.catalogue.terms(story.loan.product_code, story.loan.product_version)
        without = loan_story.told_without(
            row,  # type: ignore[arg-type]
            rows,  # type: ignore[arg-type]
            terms,
            repaid[-1]["repayment_id"],  # type: ignore[index]
            on=row["business_date"],  # type: ignore[index]
        )
        assert without.principal_minor >= story.loan.principal_minor
        found += 1
    assert found > 5
