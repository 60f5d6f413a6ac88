"""Identity checks kept, limited, and asked for before an act."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.store.applicants import PERSONS, Counter
from tests.store.bureau_desk import Desk, open_desk

from counterfoil.customers.verification import CheckOutcome
from counterfoil.customers.verification_policy import Act, CheckKind, Scope, load_identity_policy
from counterfoil.journeys.applying.funnel import FunnelQuestion, read_funnel
from counterfoil.journeys.applying.register import register_applicant
from counterfoil.journeys.borrowing.draw import draw
from counterfoil.journeys.consenting import consent
from counterfoil.journeys.guarding.forget_templates import forget_expired_templates
from counterfoil.journeys.house import House, open_house
from counterfoil.journeys.paying import payout_account
from counterfoil.journeys.serving import change_contact, identity
from counterfoil.journeys.serving.identity import Shown
from counterfoil.kernel import ids
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.lending.terms import Method
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import PostgresError
from counterfoil.platform.settings import Settings

SOURCES = {
    CheckKind.NUMBER: "house",
    CheckKind.NAME_NUMBER: "citizen-register",
    CheckKind.DOCUMENT: "document-reader",
    CheckKind.LIVENESS: "document-reader",
    CheckKind.PHONE: "mobile-carrier",
    CheckKind.BANK_CARD: "card-network",
    CheckKind.IN_PERSON: "branch",
}

ACTOR = Actor(name="li-wei", role="operations", source="console")


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(database_url, tmp_path) as opened:
        yield opened


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    clock = TestClock(datetime(2026, 1, 5, 8, tzinfo=UTC))
    first = date(2026, 1, 5)
    async with open_house(
        Settings(home=tmp_path), database_url, clock=clock, first_date=first
    ) as opened:
        yield opened


def required(house: House) -> House:
    settings = house.settings.model_copy(update={"identity_required": True})
    return replace(house, settings=settings)


async def checked(
    house: House, customer_id: int, kind: CheckKind, presented: str = "", **changes: Any
) -> dict[str, Any] | Refused:
    key = changes.pop("key", f"{kind}-{house.ids.next()}")
    plain = Shown(
        customer_id=customer_id,
        kind=kind,
        source=SOURCES[kind],
        presented=presented,
        device=f"device-{customer_id}",
    )
    answer = await identity.check_identity(
        house, replace(plain, **changes), by="api:test", idempotency_key=key
    )
    return answer if isinstance(answer, Refused) else orjson.loads(answer.text)


async def want(house: House, act: Act, customer_id: int, amount_minor: int = 0) -> str | None:
    async with house.database.connection() as connection:
        found = await identity.refuse_act(
            house,
            connection,
            act,
            customer_id,
            is_large=house.identity_policy.is_large({"CNY": amount_minor}),
        )
    return None if found is None else found.code


async def test_opening_waits_for_every_check_and_goes_on_in_person(desk: Desk) -> None:
    house = required(desk.house)
    customer_id = await desk.person()
    assert await want(house, Act.OPENING, customer_id) == "identity_checks_missing"
    kinds = [kind for kind in SOURCES if kind not in {CheckKind.BANK_CARD, CheckKind.LIVENESS}]
    for kind in kinds:
        # Nobody has to give biometric data: the last of them is made in person.
        assert await want(house, Act.OPENING, customer_id) is not None
        said = await checked(house, customer_id, kind)
        assert isinstance(said, dict), said
        assert said["outcome"] == "pass"
    assert await want(house, Act.OPENING, customer_id) is None
    view = await identity.identity_of(house, customer_id)
    assert isinstance(view, dict)
    wants = {item["act"]: item["wants"] for item in view["acts"]}
    assert wants["opening"] == []
    assert wants["drawing"] == [{"kind": "bank_card", "want": "missing"}]


async def test_an_offer_is_taken_only_after_the_checks(house: House) -> None:
    house = required(house)
    counter = Counter(house)
    clock = house.clock
    assert isinstance(clock, TestClock)
    view = await counter.apply()
    with pytest.raises(AssertionError, match="identity_checks_missing"):
        await counter.accept(view)
    for kind in SOURCES:
        if kind is not CheckKind.LIVENESS:
            await checked(house, view.customer_id, kind)
            clock.advance(timedelta(seconds=90))
    await counter.accept(view)
    # Checking who somebody is has a line of its own among the steps.
    day = clock.now().date()
    question = FunnelQuestion(first_date=day - timedelta(days=1), last_date=day)
    [found] = await read_funnel(house.database, question)
    [step] = [step for step in found.steps if step.step == "identity_check"]
    assert (step.began, step.ended, step.left_off) == (1, 1, 0)
    assert step.median_ms == (len(SOURCES) - 2) * 90_000


async def test_a_key_gives_the_same_answer_and_a_check_never_changes(desk: Desk) -> None:
    house = desk.house
    customer_id = await desk.person()
    first = await checked(house, customer_id, CheckKind.PHONE, key="k")
    assert await checked(house, customer_id, CheckKind.PHONE, key="k") == first
    other = await checked(house, customer_id, CheckKind.DOCUMENT, key="k")
    assert isinstance(other, Refused)
    async with house.database.transaction() as connection:
        driver: Any = connection
        with pytest.raises(PostgresError, match="only added to"):
            await driver.execute("UPDATE customers.identity_check SET outcome = 'pass'")


async def test_failures_are_limited_by_person_device_and_document_until_time_has_passed(
    desk: Desk,
) -> None:
    house = desk.house
    one, two = await desk.person(), await desk.person()
    most = house.identity_policy.tries
    for _ in range(most[Scope.PERSON].failures_max):
        said = await checked(house, one, CheckKind.DOCUMENT, "fail", document="E1", device="d1")
        assert isinstance(said, dict)
    # Another source, device and document do not help the person, nor another person the document.
    again = await checked(house, one, CheckKind.IN_PERSON, device="d2", outcome=CheckOutcome.PASS)
    assert isinstance(again, Refused)
    assert again.code == "identity_tries_used_up"
    tried = await checked(house, two, CheckKind.DOCUMENT, document="e1")
    assert isinstance(tried, Refused)
    assert isinstance(await checked(house, two, CheckKind.DOCUMENT, document="E2"), dict)
    later = replace(house, clock=_Later(house.clock, timedelta(hours=25)))
    assert isinstance(await checked(later, one, CheckKind.PHONE), dict)


async def draw_waits(
    house: House, customer_id: int, amount_minor: int, currency: str = "CNY"
) -> Refused | None:
    """Ask for a drawdown that goes to a merchant, so that the account does not matter."""
    return await payout_account.refuse_draw(
        house,
        customer_id=customer_id,
        amount_minor=amount_minor,
        currency=currency,
        payee_ref=None,
    )


class _Later:
    def __init__(self, clock: Any, by: timedelta) -> None:
        self._clock, self._by = clock, by

    def now(self) -> Any:
        return self._clock.now() + self._by

    def milliseconds(self) -> int:
        return int(self._clock.milliseconds() + self._by.total_seconds() * 1_000)


async def test_who_shows_what_is_anothers_is_stopped_and_learns_only_that_a_person_checks(
    desk: Desk,
) -> None:
    house = required(desk.house)
    customer_id = await desk.person()
    said = await checked(house, customer_id, CheckKind.BANK_CARD, "another")
    assert isinstance(said, dict)
    assert (said["outcome"], said["person_checks"]) == ("unknown", True)
    for act in Act:
        assert await want(house, act, customer_id) == "identity_held"
    [case] = await identity.open_cases(house)
    assert (case.reason, case.holds) == ("bank_card_of_another", True)
    closed = await identity.close_case(
        house,
        ACTOR,
        customer_id=customer_id,
        case_id=case.case_id,
        by="li-wei",
        finding="a typing error",
    )
    assert isinstance(closed, dict)
    assert await want(house, Act.DRAWING, customer_id) is None
    twice = await identity.close_case(
        house, ACTOR, customer_id=customer_id, case_id=case.case_id, by="li-wei", finding="again"
    )
    assert isinstance(twice, Refused)


async def test_a_phone_that_another_customer_has_proven_opens_a_case(desk: Desk) -> None:
    house = desk.house
    one = await desk.person()
    assert isinstance(await checked(house, one, CheckKind.PHONE), dict)
    person = replace(PERSONS[5], phone=PERSONS[0].phone)
    twin = await register_applicant(
        house, name=person.name, id_number=person.id_number, phone=person.phone,
        idempotency_key="b",
    )  # fmt: skip
    assert not isinstance(twin, Refused)
    said = await checked(house, twin.customer_id, CheckKind.PHONE)
    assert isinstance(said, dict)
    assert said["person_checks"]
    [case] = await identity.open_cases(house)
    assert case.customer_id == twin.customer_id


async def test_registering_anothers_number_opens_one_case_that_holds_nobody(desk: Desk) -> None:
    house = required(desk.house)
    customer_id = await desk.person()
    for key in ("b", "c"):
        again = await register_applicant(
            house, name="李雷", id_number=PERSONS[0].id_number, phone="13800001234",
            idempotency_key=key,
        )  # fmt: skip
        assert isinstance(again, Refused)
    [case] = await identity.open_cases(house)
    assert (case.customer_id, case.reason, case.holds) == (customer_id, "registered_again", False)
    assert await want(house, Act.DRAWING, customer_id) is None


async def test_liveness_needs_its_own_consent_and_its_trace_goes_with_it(desk: Desk) -> None:
    house = desk.house
    customer_id = await desk.person()
    refused = await checked(house, customer_id, CheckKind.LIVENESS)
    assert isinstance(refused, Refused)
    assert refused.code == "biometric_consent_missing"
    other = (await desk.consent(customer_id, code="income-proof")).consent_id
    wrong = await checked(house, customer_id, CheckKind.LIVENESS, consent_id=other)
    assert isinstance(wrong, Refused)
    consent_id = (await desk.consent(customer_id, code="biometric")).consent_id
    said = await checked(house, customer_id, CheckKind.LIVENESS, consent_id=consent_id)
    assert isinstance(said, dict), said
    assert await _templates(house) == 1
    assert await forget_expired_templates(house) == 0
    ended = await consent.withdraw(
        house, customer_id=customer_id, consent_id=consent_id, channel="app", idempotency_key="w"
    )
    assert isinstance(ended, Answer)
    assert await _templates(house) == 0


async def _templates(house: House) -> int:
    async with house.database.connection() as connection:
        driver: Any = connection
        found: int = await driver.fetchval("SELECT count(*) FROM customers.identity_template")
        return found


async def _draw(house: House) -> str:
    """Draw with a token that nobody signed: what is refused first is what counts here."""
    answer = await draw(
        house, customer_id=1, line_id=1, amount_minor=10_000, currency="CNY", tenor_months=3,
        method=Method.BULLET, purpose="travel", payee_ref="t", quote_token="none",
        idempotency_key="k",
    )  # fmt: skip
    assert isinstance(answer, Refused)
    return answer.code


async def test_an_expired_document_stops_drawing_until_it_is_renewed(desk: Desk) -> None:
    house = required(desk.house)
    customer_id = await desk.person()
    on = await house.business_date()
    past = (on - timedelta(days=1)).isoformat()
    await checked(house, customer_id, CheckKind.DOCUMENT, f"expires:{past}")
    refused = await draw_waits(house, customer_id, 100)
    assert refused is not None
    assert refused.code == "identity_document_expired"
    await checked(house, customer_id, CheckKind.DOCUMENT, f"expires:{date(on.year + 9, 1, 1)}")
    assert await draw_waits(house, customer_id, 100) is None
    large = load_identity_policy(None).drawing_above_minor["CNY"] + 1
    for amount_minor, currency in ((large, "CNY"), (1, "USD")):
        wanted = await draw_waits(house, customer_id, amount_minor, currency)
        assert wanted is not None
        assert wanted.code == "identity_checks_missing"


async def test_where_nothing_is_required_nothing_is_read(desk: Desk) -> None:
    class NoDatabase:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"a drawdown reads nothing more: {name}")

    nothing: Any = NoDatabase()
    house = replace(desk.house, database=nothing)
    customer_id = ids.from_text(ids.CUSTOMER, "cu_01hv4zq3k2f00")
    assert await draw_waits(house, customer_id, 10**9) is None
    assert await _draw(house) == "quote_invalid"


async def changed_phone(house: House, customer_id: int, phone: str, key: str) -> str:
    answer = await change_contact.change_phone(
        house, customer_id=customer_id, phone=phone, by="api:test", idempotency_key=key
    )
    return answer.code if isinstance(answer, Refused) else orjson.loads(answer.text)["changed"]


async def test_a_phone_changes_after_its_checks_and_what_was_said_of_the_old_one_ends(
    desk: Desk,
) -> None:
    house = required(desk.house)
    customer_id = await desk.person()
    await checked(house, customer_id, CheckKind.PHONE)
    assert await changed_phone(house, customer_id, "13900005678", "a") == "identity_checks_missing"
    await checked(house, customer_id, CheckKind.DOCUMENT)
    await checked(house, customer_id, CheckKind.IN_PERSON)
    assert await changed_phone(house, customer_id, "not a number", "b") == "phone_invalid"
    assert await changed_phone(house, customer_id, "13900005678", "c") == "phone"
    assert await changed_phone(house, customer_id, "13900005678", "c") == "phone", "a repetition"
    assert await changed_phone(house, customer_id, "13900005678", "d") == "phone_unchanged"
    view = await identity.identity_of(house, customer_id)
    assert isinstance(view, dict)
    wants = {item["act"]: item["wants"] for item in view["acts"]}
    assert {"kind": "phone", "want": "unknown"} in wants["raising"]


async def test_a_phone_that_another_has_proven_is_not_taken_over(desk: Desk) -> None:
    house = required(desk.house)
    one, two = await desk.person(), await desk.person()
    await checked(house, one, CheckKind.PHONE)
    await checked(house, two, CheckKind.DOCUMENT)
    await checked(house, two, CheckKind.IN_PERSON)
    assert await changed_phone(house, two, PERSONS[0].phone, "a") == "identity_held"
    [case] = await identity.open_cases(house)
    assert (case.customer_id, case.reason, case.holds) == (two, "phone_of_another", True)


async def registered(house: House, customer_id: int, payee_ref: str) -> str:
    answer = await payout_account.register_account(
        house, customer_id=customer_id, payee_ref=payee_ref, by="api:test",
        idempotency_key=f"{payee_ref}-{house.ids.next()}",
    )  # fmt: skip
    return answer.code if isinstance(answer, Refused) else orjson.loads(answer.text)["changed"]


async def test_money_goes_to_the_account_whose_card_was_checked(desk: Desk) -> None:
    house = required(desk.house)
    customer_id = await desk.person()
    await checked(house, customer_id, CheckKind.IN_PERSON)
    await checked(house, customer_id, CheckKind.BANK_CARD, document="acct-1")
    assert await registered(house, customer_id, "acct-2") == "identity_checks_missing"
    assert await registered(house, customer_id, "acct-1") == "payout_account"
    assert await registered(house, customer_id, "acct-1") == "payout_account_unchanged"

    async def paid(payee_ref: str) -> list[str | None]:
        drawn = await payout_account.refuse_draw(
            house, customer_id=customer_id, amount_minor=100, currency="CNY", payee_ref=payee_ref
        )
        back = await payout_account.refuse_return(
            house, customer_id=customer_id, payee_ref=payee_ref
        )
        return [None if refused is None else refused.code for refused in (drawn, back)]

    assert await paid("acct-1") == [None, None]
    assert await paid("acct-2") == ["payout_account_unknown"] * 2
    await checked(house, customer_id, CheckKind.BANK_CARD, document="acct-2")
    assert await registered(house, customer_id, "acct-2") == "payout_account"
    assert await paid("acct-2") == [None, None]
    assert await paid("acct-1") == ["payout_account_unknown"] * 2
