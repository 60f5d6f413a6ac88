"""What else is a customer's own to say: apps that end, the first account, offers declined."""

import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.console.accessibility import faults
from tests.portal.conftest import Person, code_in
from tests.store.consent_desk import WallClock
from tests.unit.decisioning.test_line_review import POLICY, reviewed

from counterfoil.customers.refusals import PAYOUT_ACCOUNT_OF_ANOTHER, PAYOUT_ACCOUNT_UNCHECKED
from counterfoil.decisioning.line_review import case_store
from counterfoil.decisioning.line_review.explanation import data_behind
from counterfoil.decisioning.line_review.measure import Kind, LineMeasure, Status
from counterfoil.decisioning.line_review.review import ReviewOutcome
from counterfoil.decisioning.line_review.store import (
    RECORD_VERSION,
    StoredReview,
    add_reviews,
    keep_review_policy,
    stored_review,
)
from counterfoil.decisioning.refusals import REVIEW_OFFER_OVER
from counterfoil.journeys.contracting.contract_making import borrower_of
from counterfoil.journeys.contracting.contract_words import Borrower
from counterfoil.journeys.knowing.profile import own_profile
from counterfoil.journeys.lines.line_offers import OfferTaken, take_up
from counterfoil.journeys.serving.bind_account import bind_account
from counterfoil.journeys.serving.household import named_by
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.lending import store as lending
from counterfoil.payments.port import PayeeMatch
from counterfoil.platform.access_matrix import reading
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
        named = await borrower_of(connection, house, person.customer_id, reading("bank_account"))
    assert isinstance(named, Borrower)
    assert rail.asked == [named.name]


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
        record_version=RECORD_VERSION,
        rule_pack="cn-2026-01@test",
        feature_registry=house.registry.sha256,
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


async def test_an_address_is_proven_and_what_was_told_and_statements_can_be_read(
    person: Person,
) -> None:
    page = await person.get("/portal/addresses")
    assert (page.status_code, faults(page.text)) == (200, [])
    wrong = await person.submit(page, "/portal/addresses", channel="email", address_email="lin")
    assert wrong.status_code == 422
    named = await person.submit(
        page, "/portal/addresses", channel="email", address_email="lin@example.org"
    )
    assert (named.status_code, faults(named.text)) == (200, [])
    proof = {"step": "prove", "request": hidden(named.text, "request"), "channel": "email",
             "address": "lin@example.org"}  # fmt: skip
    late = await person.submit(named, "/portal/addresses", **proof, code="12")
    assert late.status_code == 422
    done = await person.submit(late, "/portal/addresses", **proof, code=code_in(named.text))
    assert done.status_code == 303, done.text
    kept = await person.get("/portal/addresses", language="zh-CN")
    assert "l****@example.org" in kept.text
    assert "lin@example.org" not in kept.text
    for language, word in (("en", "e-mail address"), ("zh-CN", "电子邮箱")):
        told = await person.get("/portal/messages", language=language)
        assert (faults(told.text), word in told.text) == ([], True)
    months = await person.get("/portal/statements")
    assert faults(months.text) == []
    [first, *_] = re.findall(r"/portal/statements/ln_[0-9a-z]+/[0-9-]+\.pdf", months.text)
    file = await person.get(first)
    assert file.content.startswith(b"%PDF-")
    for path in (first.replace("ln_", "lo_"), re.sub(r"[0-9-]+\.pdf", "2999-01.pdf", first)):
        assert (await person.get(path)).status_code in (404, 409)


async def test_a_partner_is_named_under_ones_own_consent_and_ended_by_taking_it_back(
    person: Person,
) -> None:
    house, path = person.house, "/portal/household"
    wall = WallClock(datetime.now(UTC))
    object.__setattr__(house, "wall", wall)
    async with house.database.connection() as connection:
        lines = await lending.read_lines_after(connection, status="active", page=50)
    other = next(one.customer_id for one in lines if one.customer_id != person.customer_id)
    number = ids.to_text(ids.CUSTOMER, other)
    page = await person.get(path)
    assert (page.status_code, faults(page.text)) == (200, [])
    early = await person.submit(page, path, partner=number)
    assert early.status_code == 422
    wall.seconds += 8
    for wrong in ("somebody", "cu_01hv4zq3k2f00", ids.to_text(ids.CUSTOMER, person.customer_id)):
        assert (await person.submit(early, path, partner=wrong)).status_code == 422
    # Whoever cannot be named was agreed to by nobody.
    assert await named_by(house, person.customer_id) == []
    done = await person.submit(early, path, partner=number)
    assert done.headers["location"] == f"{path}?done=household_named"
    kept = await person.get(path, language="zh-CN")
    assert (faults(kept.text), number in kept.text) == ([], True)
    [named] = await named_by(house, person.customer_id)
    assert (named.partner_id, named.state) == (other, "waiting")
    consent_path = f"/portal/consents/{ids.to_text(ids.CONSENT, named.consent_id)}"
    await person.submit(await person.get(consent_path), consent_path, act="withdraw")
    [named] = await named_by(house, person.customer_id)
    assert named.state == "ended"


async def test_a_settlement_is_quoted_for_a_chosen_day(person: Person) -> None:
    async with person.house.database.connection() as connection:
        loans = await lending.read_loans_after(
            connection, customer_id=person.customer_id, status="open", page=9
        )
    path = f"/portal/settle/{ids.to_text(ids.LOAN, loans[0].loan_id)}"
    page = await person.get(path)
    assert (page.status_code, faults(page.text)) == (200, [])
    for day in ("2020-01-01", "2999-01-01", "soon"):
        assert (await person.submit(page, path, on=day)).status_code == 422
    today = await person.house.business_date()
    assert (await person.submit(page, path, on=today.isoformat())).status_code == 303
    quoted = await person.get(path, language="zh-CN")
    assert (faults(quoted.text), "sq_" in quoted.text) == ([], True)
    line = await person.get(f"/portal/settle/{ids.to_text(ids.LINE, loans[0].line_id)}")
    assert "sq_" in line.text
    assert (await person.get("/portal/settle/lo_01hv4zq3k2f00")).status_code == 404


def hidden(text: str, name: str) -> str:
    """Return the value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]+)"', text)
    assert found, name
    return found[1]


async def test_a_measure_says_why_and_by_which_data_and_how_to_put_it_right(
    person: Person,
) -> None:
    house = person.house
    async with house.database.connection() as connection:
        [line, *_] = await lending.read_lines_after(
            connection, customer_id=person.customer_id, page=9
        )
    made, now = reviewed(own_days_past_due=20), house.clock.now()
    kept = stored_review(
        made, customer_id=line.customer_id, line_id=line.line_id, review_id=house.ids.next(),
        valid_until=None, report_id=None, at=now,
    )  # fmt: skip
    taken = LineMeasure(
        customer_id=line.customer_id, measure_id=house.ids.next(), line_id=line.line_id,
        kind=Kind.SUSPEND, status=Status.PLANNED, cause=kept.cause, reasons=made.reasons,
        author="rule", review_id=kept.review_id, announced_at=now,
        effective_on=await house.business_date() + timedelta(days=400), ends_on=None,
        currency=line.currency, from_minor=line.limit_minor, to_minor=None,
    )  # fmt: skip
    async with house.database.transaction() as connection:
        await keep_review_policy(connection, POLICY, at=now)
        await add_reviews(connection, [kept])
        await case_store.add_measures(connection, [taken])
    path = f"/portal/limits/{ids.to_text(ids.LINE, line.line_id)}"
    for language in ("en", "zh"):
        shown = {"en": "en", "zh": "zh-CN"}[language]
        page = await person.get(path, language=shown)
        assert (page.status_code, faults(page.text)) == (200, [])
        for reason in POLICY.texts(made.reasons, language):
            assert reason in html.unescape(page.text)
    page = await person.get(path)
    [datum] = data_behind(POLICY, kept.inputs, kept.result)
    for text in (datum.label.en, datum.source_label.en, datum.correct.en):
        assert text in html.unescape(page.text)


async def test_what_is_known_is_put_right_by_the_customer(person: Person) -> None:
    house = person.house
    page = await person.get("/portal/profile")
    assert "/portal/profile/correct?name=is_rural" in page.text
    form = await person.get("/portal/profile/correct?name=is_rural", language="zh-CN")
    assert (form.status_code, faults(form.text)) == (200, [])
    wrong = await person.submit(form, "/portal/profile/correct", value="perhaps")
    assert wrong.status_code == 422
    kept = await person.submit(form, "/portal/profile/correct", value="yes")
    assert (kept.status_code, kept.headers["location"]) == (
        303,
        "/portal/profile?done=profile_corrected",
    )
    found = await own_profile(house, person.customer_id)
    assert not isinstance(found, Refused)
    said = {trait.feature.name: trait.value for trait in found.traits}
    assert said["is_rural"] is True
    observed = next(
        trait for trait in found.traits if not trait.feature.is_stated and trait.value is not None
    )
    name = observed.feature.name
    form = await person.get(f"/portal/profile/correct?name={name}")
    assert faults(form.text) == []
    await person.submit(form, "/portal/profile/correct")
    found = await own_profile(house, person.customer_id)
    assert not isinstance(found, Refused)
    [again] = [
        trait
        for trait in found.traits
        if (trait.feature.name, trait.line_id) == (name, observed.line_id)
    ]
    assert again.quality.value == "contested"
    assert (await person.get("/portal/profile/correct?name=own_grade_x")).status_code == 404
