"""What else is a customer's own to say: apps that end, the first account, offers declined."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.console.accessibility import faults
from tests.portal.conftest import Person

from counterfoil.customers.refusals import PAYOUT_ACCOUNT_OF_ANOTHER, PAYOUT_ACCOUNT_UNCHECKED
from counterfoil.decisioning.line_review.review import ReviewOutcome
from counterfoil.decisioning.line_review.store import StoredReview, add_reviews
from counterfoil.decisioning.refusals import REVIEW_OFFER_OVER
from counterfoil.journeys.bind_account import bind_account
from counterfoil.journeys.contract_making import borrowers_of
from counterfoil.journeys.line_offers import OfferTaken, take_up
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.lending import store as lending
from counterfoil.payments.port import PayeeMatch
from counterfoil.platform.batches import Answer
from counterfoil.platform.settings import Settings


class NamesAlone:
    """A rail that knows whose an account is."""

    def __init__(self, says: PayeeMatch) -> None:
        self.says = says
        self.asked: list[str] = []

    async def check_payee(self, payee_ref: str, *, name: str) -> PayeeMatch:
        assert payee_ref == "acct-own"
        self.asked.append(name)
        return self.says

    @asynccontextmanager
    async def open(self, _: str) -> AsyncIterator[Any]:
        yield self


async def test_an_account_is_bound_once_and_its_number_is_kept_nowhere(person: Person) -> None:
    house, typed = person.house, "6222 0212 3456 7890"
    page = await person.get("/portal/account")
    assert (page.status_code, faults(page.text)) == (200, [])
    tokens = house.account_tokens
    object.__setattr__(house, "account_tokens", None)
    refused = await person.submit(page, "/portal/account", token=typed)
    assert refused.status_code == 422
    assert "6222" not in refused.text
    object.__setattr__(house, "account_tokens", tokens)
    assert (await person.submit(page, "/portal/account", token=typed)).status_code == 303
    assert tokens is not None
    token = await tokens.token_of("6222021234567890")
    assert token is not None
    kept = await person.get("/portal/account", language="zh-CN")
    assert token in kept.text
    other = await person.submit(page, "/portal/account", token="acct-other")
    assert other.status_code == 422
    async with house.database.connection() as connection:
        for table in ("customers.payout_account", "platform.command", "platform.outbox"):
            rows = await connection.fetch(f"SELECT * FROM {table} WHERE customer_id = $1",
                                          person.customer_id)  # fmt: skip
            assert "6222021234567890" not in repr([tuple(row) for row in rows])


async def test_a_rail_that_knows_names_has_the_last_word(person: Person) -> None:
    house = person.house
    strict = Settings(home=house.settings.home, environment="pilot", rail_url="http://127.0.0.1:9")
    object.__setattr__(house, "settings", strict)

    async def ask(rail: NamesAlone) -> Answer | Refused:
        return await bind_account(
            house,
            customer_id=person.customer_id,
            payee_ref="acct-own",
            idempotency_key="bind",
            open_rail=rail.open,
        )

    unknowing = [replace(terms, checks_payee=False) for terms in house.rails]
    object.__setattr__(house, "rails", unknowing)
    silent = await ask(NamesAlone(PayeeMatch.MATCHES))
    assert isinstance(silent, Refused)
    assert silent.refusal is PAYOUT_ACCOUNT_UNCHECKED
    knowing = [replace(terms, checks_payee=True) for terms in house.rails]
    object.__setattr__(house, "rails", knowing)
    for says, refusal in (
        (PayeeMatch.DIFFERS, PAYOUT_ACCOUNT_OF_ANOTHER),
        (PayeeMatch.NO_ANSWER, PAYOUT_ACCOUNT_UNCHECKED),
    ):
        refused = await ask(NamesAlone(says))
        assert isinstance(refused, Refused)
        assert refused.refusal is refusal
    rail = NamesAlone(PayeeMatch.MATCHES)
    assert isinstance(await ask(rail), Answer)
    async with house.database.connection() as connection:
        named = await borrowers_of(connection, house, [person.customer_id])
    assert rail.asked == [named[person.customer_id].name]


async def test_an_offer_that_was_declined_is_over(person: Person) -> None:
    house = person.house
    async with house.database.connection() as connection:
        lines = await lending.read_lines_after(connection, customer_id=person.customer_id, page=9)
        version = await connection.fetchval(
            "SELECT policy_hash FROM decisioning.policy_version LIMIT 1"
        )
    line, on = lines[0], await house.business_date()
    review = StoredReview(
        customer_id=person.customer_id,
        review_id=house.ids.next(),
        line_id=line.line_id,
        product_code=line.product_code,
        cause="periodic",
        business_date=on,
        outcome=ReviewOutcome.OFFERED,
        acted=(),
        reasons=(),
        proposals=(),
        from_minor=line.limit_minor,
        to_minor=line.limit_minor + 100_000,
        valid_until=on + timedelta(days=9),
        report_id=None,
        policy_hash=version,
        policy_version="review-test",
        inputs=b"{}",
        result=b"{}",
        decided_at=house.clock.now(),
    )
    async with house.database.transaction() as connection:
        await add_reviews(connection, [review])
    path = f"/portal/limits/{ids.to_text(ids.LINE, line.line_id)}"
    page = await person.get(path)
    assert (page.status_code, faults(page.text)) == (200, [])
    record = ids.to_text(ids.LINE_REVIEW, review.review_id)
    declined = await person.submit(page, path, review=record, act="decline")
    assert declined.headers["location"] == f"{path}?done=offer_declined"
    assert "No, thank you" not in (await person.get(path)).text
    taken = OfferTaken(
        customer_id=person.customer_id, review_id=review.review_id, idempotency_key="late"
    )
    over = await take_up(house, taken)
    assert isinstance(over, Refused)
    assert over.refusal is REVIEW_OFFER_OVER


async def test_apps_that_know_nobody_say_so(person: Person) -> None:
    page = await person.get("/portal/hosts")
    assert (page.status_code, faults(page.text)) == (200, [])
    assert "No app knows you here" in page.text
