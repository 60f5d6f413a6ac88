"""Statements taken in under a consent, and the guard where somebody applies, raises and draws."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.store.applicants import PERSONS
from tests.store.bureau_desk import Desk, open_desk
from tests.store.privacy_desk import OFFICER
from tests.store.raise_desk import ask, open_line, wish
from tests.unit.capacity.paper import Line, as_csv, lines_of

from counterfoil.api.resources.capacity import (
    CapacityView,
    FetchView,
    GuardRunView,
    ImportedView,
)
from counterfoil.capacity import store
from counterfoil.capacity.assessment import Offer
from counterfoil.capacity.exposure import MEASURES
from counterfoil.capacity.measure_words import MEASURE_WORDS
from counterfoil.capacity.port import FetchedStatement, Unanswered
from counterfoil.decisioning.limit_request import LimitRequest
from counterfoil.decisioning.review import About
from counterfoil.journeys.affording import capacity, exposure, statements
from counterfoil.journeys.affording.fetch_statements import fetch_statements
from counterfoil.journeys.affording.forget_statements import erase_expired_statements
from counterfoil.journeys.affording.portfolio import portfolio
from counterfoil.journeys.affording.statements import Stated, StatedDebt, Upload
from counterfoil.journeys.consenting import consent
from counterfoil.journeys.deciding.explain_decision import Explained, explain_decision
from counterfoil.journeys.deciding.recheck import recheck_decisions
from counterfoil.journeys.guarding.erase import lift_hold, set_hold
from counterfoil.journeys.house import House
from counterfoil.journeys.serving import household
from counterfoil.kernel import ids
from counterfoil.kernel.calendar import add_months
from counterfoil.kernel.errors import Refused
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import PostgresError
from counterfoil.privacy import grant_store
from counterfoil.privacy.erasure_store import Hold
from counterfoil.privacy.grant_store import Grant
from counterfoil.privacy.vault import Purpose

NOTICE = "income-proof"
HALF_A_YEAR = 181 * 86_400


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(database_url, tmp_path) as opened:
        yield opened


class Person:
    """Somebody who agreed to the use of income."""

    def __init__(self, desk: Desk, customer_id: int, consent_id: int, name: str) -> None:
        self.desk, self.customer_id, self.consent_id, self.name = (
            desk, customer_id, consent_id, name,
        )  # fmt: skip

    async def bring(self, text: str, key: str = "one", **changes: Any) -> Answer | Refused:
        plain = Upload(
            customer_id=self.customer_id,
            consent_id=self.consent_id,
            form="csv",
            currency="CNY",
            content=text.encode(),
        )
        upload = replace(plain, **changes)
        return await statements.import_statement(
            self.desk.house, upload, by="api:test", idempotency_key=key
        )

    async def statement(self, months: int = 6, **changes: Any) -> str:
        first = add_months((await self.desk.house.business_date()).replace(day=1), -months)
        return as_csv([*lines_of(first, months, **changes), self._last(first, months)],
                      holder=self.name)  # fmt: skip

    @staticmethod
    def _last(first: date, months: int) -> Line:
        """A movement on the last day, so that the last month is covered whole."""
        return Line(add_months(first, months) - timedelta(days=1), -1_000, "手续费")

    async def state(self, **changes: Any) -> Answer | Refused:
        nothing: dict[str, Any] = dict.fromkeys(Stated.__slots__)
        said = nothing | {"customer_id": self.customer_id, "dependants": 0} | changes
        stated = Stated(**said)
        return await statements.declare(
            self.desk.house, stated, by="api:test", idempotency_key=f"state {changes}"
        )

    async def capacity(self, offer: Offer | None = None) -> dict[str, Any]:
        found = await capacity.capacity_of(self.desk.house, self.customer_id, offer=offer)
        assert not isinstance(found, Refused), found
        return found


async def person(desk: Desk) -> Person:
    name = PERSONS[desk.consents.persons].name
    customer_id = await desk.person()
    given = await desk.consent(customer_id, code=NOTICE)
    return Person(desk, customer_id, given.consent_id, name)


def code(answer: object) -> str:
    assert isinstance(answer, Refused), answer
    return answer.code


def got(answer: object) -> dict[str, Any]:
    assert isinstance(answer, Answer), answer
    document: dict[str, Any] = orjson.loads(answer.text)
    return document


async def test_a_statement_proves_an_income_and_shows_what_an_offer_leaves(desk: Desk) -> None:
    one = await person(desk)
    found = got(await one.bring(await one.statement()))
    assert found["lines_count"] == 25
    assert {item["category"] for item in found["categories"]} >= {"salary", "loan_repayment"}
    offer = Offer(amount_minor=1_200_000, rate_annual_e8=12_000_000, months=12)
    view = await one.capacity(offer)
    assert view["income_monthly_minor"] == [1_000_000, 1_000_000]
    assert (view["income_evidence"], view["income_stability_ppm"]) == ("A", 1_000_000)
    assert view["debt_monthly_minor"] == [200_000, 200_000]
    assert view["dsr_after_ppm"] == [306_619, 306_619]
    assert view["stress_dsr_ppm"] > 306_619
    assert len(view["statements"]) == 1
    # What the API says is this, member by member.
    assert CapacityView.model_validate(view).statements[0].lines_count == 25
    assert ImportedView.model_validate(found).uncategorised_ppm < 10_000
    await lines_are_refused_once_damaged(one, ids.from_text(ids.STATEMENT, found["id"]))


async def lines_are_refused_once_damaged(one: Person, statement_id: int) -> None:
    """Read the lines with a grant, damage what is kept, and see it refused and counted."""
    house, now = one.desk.house, one.desk.house.clock.now()
    grant = Grant(
        customer_id=one.customer_id,
        grant_id=7,
        granted_to="ann",
        role="clerk",
        purpose="credit_review",
        data=(Purpose.STATEMENT.value,),
        ticket="T-1",
        reason="income in doubt",
        granted_at=now,
        expires_at=now + timedelta(hours=1),
        approval_id=None,
    )
    async with house.database.transaction() as connection:
        await grant_store.add_grants(connection, [grant])

    async def look() -> object:
        return await statements.explained_lines(
            house, customer_id=one.customer_id, statement_id=statement_id, by="ann", grant_id=7
        )

    read = await look()
    assert isinstance(read, list)
    assert len(read) == 25
    async with house.database.transaction() as connection:
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute("UPDATE capacity.statement SET sealed = sealed || '\\x00'::bytea")
    assert (code(await look()), house.vault.rejections.total) == ("ciphertext_rejected", 1)


async def test_nothing_of_a_line_is_left_outside_the_vault(desk: Desk) -> None:
    one = await person(desk)
    got(await one.bring(await one.statement()))
    rows = await desk.rows("SELECT s::text AS row FROM capacity.statement AS s")
    rows += await desk.rows("SELECT a::text AS row FROM platform.command AS a")
    text = " ".join(row["row"] for row in rows)
    for secret in ("代发工资", "某公司", one.name, "6222020000000000001"):
        assert secret not in text
        assert secret.encode().hex() not in text


async def test_without_the_consent_nothing_is_read(desk: Desk) -> None:
    one = await person(desk)
    other = await desk.consent(one.customer_id)
    text = await one.statement()
    assert code(await one.bring(text, consent_id=other.consent_id)) == "income_consent_missing"
    assert code(await one.bring("no statement", consent_id=other.consent_id)) == (
        "income_consent_missing"
    )
    refused = await one.state(income_monthly_minor=900_000)
    assert code(refused) == "income_consent_missing"
    assert await desk.rows("SELECT 1 FROM capacity.statement") == []
    assert await desk.rows("SELECT 1 FROM capacity.declaration") == []


async def test_the_same_span_is_taken_once_and_an_overlap_names_its_line(desk: Desk) -> None:
    one = await person(desk)
    text = await one.statement()
    first = await one.bring(text)
    again = await one.bring(text)
    assert got(first) == got(again)
    twice = await one.bring(text, key="two")
    assert (code(twice), twice.detail["line"]) == ("statement_duplicate", 2)  # type: ignore[union-attr]
    shorter = await one.bring(await one.statement(months=2), key="three")
    assert (code(shorter), shorter.detail["line"]) == ("statement_duplicate", 2)  # type: ignore[union-attr]
    assert len(await desk.rows("SELECT 1 FROM capacity.statement")) == 1


async def test_another_persons_statement_is_refused_and_leaves_nothing(desk: Desk) -> None:
    one, other = await person(desk), await person(desk)
    refused = await one.bring(await other.statement())
    assert (code(refused), refused.detail["line"]) == ("statement_of_another", 2)  # type: ignore[union-attr]
    assert await desk.rows("SELECT 1 FROM capacity.statement") == []


async def test_withdrawing_destroys_what_rests_on_the_consent(desk: Desk) -> None:
    one = await person(desk)
    got(await one.bring(await one.statement()))
    got(await one.state(income_monthly_minor=900_000, consent_id=one.consent_id))
    await consent.withdraw(
        desk.house,
        customer_id=one.customer_id,
        consent_id=one.consent_id,
        channel="portal",
        idempotency_key="no more",
    )
    [row] = await desk.rows("SELECT sealed, erased_at FROM capacity.statement")
    assert (row["sealed"], row["erased_at"] is None) == (None, False)
    assert await desk.rows("SELECT 1 FROM capacity.statement_month") == []
    view = await one.capacity()
    assert (view["income_monthly_minor"], view["income_source"]) == (None, None)


async def test_a_statement_goes_when_its_life_is_over(desk: Desk) -> None:
    one = await person(desk)
    got(await one.bring(await one.statement()))
    assert await erase_expired_statements(desk.house) == 0
    keys = "SELECT 1 FROM privacy.data_key WHERE purpose = 'statement'"
    assert len(await desk.rows(keys)) == 1
    desk.wall.ahead += HALF_A_YEAR
    assert await erase_expired_statements(desk.house) == 1
    assert (await one.capacity())["income_monthly_minor"] is None
    # Copies of before cannot be opened either.
    assert await desk.rows(keys) == []


async def test_a_legal_hold_keeps_a_statement_that_nobody_reads_any_more(desk: Desk) -> None:
    one = await person(desk)
    got(await one.bring(await one.statement()))
    held = await set_hold(
        desk.house, OFFICER, customer_id=one.customer_id, reason="court file", ticket="C-9"
    )
    assert isinstance(held, Hold)
    await consent.withdraw(
        desk.house,
        customer_id=one.customer_id,
        consent_id=one.consent_id,
        channel="portal",
        idempotency_key="no more",
    )
    assert await erase_expired_statements(desk.house) == 0
    [row] = await desk.rows("SELECT sealed IS NULL AS gone FROM capacity.statement")
    assert row["gone"] is False
    assert (await one.capacity())["income_monthly_minor"] is None
    await lift_hold(
        desk.house, OFFICER, customer_id=one.customer_id, hold_id=held.hold_id, reason="closed"
    )
    assert await erase_expired_statements(desk.house) == 1


async def test_too_much_debt_refuses_an_increase_that_the_score_would_grant(desk: Desk) -> None:
    one = await person(desk)
    line_id = await open_line(desk.house, one.customer_id)
    await desk.ask(await desk.consent(one.customer_id))
    debts = tuple(
        StatedDebt(institution=f"lender {n}", product="", opened_on=None, limit_minor=None,
                   balance_minor=100_000, monthly_minor=10_000)
        for n in range(7)
    )  # fmt: skip
    got(await one.state(debts=debts))
    request = await ask(desk.house, wish(one.customer_id, line_id))
    assert isinstance(request, LimitRequest)
    assert (request.status, request.reasons[0]) == ("declined", "EXP_LENDERS")
    [run] = await runs(desk, one.customer_id)
    assert (run["outcome"], run["occasion"]) == ("refuse", "increase")
    assert GuardRunView.model_validate(run).help
    assert [hit["ceiling"] for hit in run["hits"] if hit["end"] == "hard"] == ["lenders"]
    assert "lender 1" not in orjson.dumps(run).decode()
    # The customer is told the figure that held it, its source and what helps; no lender's name.
    told = await explain_decision(
        desk.house,
        about=About.LIMIT_REQUEST,
        customer_id=one.customer_id,
        subject_id=request.request_id,
    )
    assert isinstance(told, Explained)
    assert told.exposure is not None
    shown = {item.measure: (item.figure, item.unit, item.sources) for item in told.exposure.figures}
    assert shown["active_lenders"] == (8, "count", ("bureau", "stated"))
    assert [text.en for text in told.exposure.help] == [
        item["en"] for item in GuardRunView.model_validate(run).model_dump()["help"]
    ]
    assert set(MEASURES) <= MEASURE_WORDS.keys()
    async with desk.house.database.connection() as connection:
        assert (await recheck_decisions(connection, desk.house.catalogue)).findings == ()
    assert (await capacity.replay_runs(desk.house)).differing == ()


async def test_a_large_drawdown_is_guarded_and_a_small_one_costs_nothing(desk: Desk) -> None:
    one = await person(desk)
    line_id = await open_line(desk.house, one.customer_id, limit_minor=2_000_000)
    got(await one.bring(await one.statement(income=100_000, repaid=50_000)))
    got(await one.state(debt_monthly_minor=90_000))

    async def draw(amount: int) -> Refused | None:
        return await exposure.guard_draw(
            desk.house, customer_id=one.customer_id, line_id=line_id, amount_minor=amount, months=6
        )

    assert await draw(499_999) is None
    assert await runs(desk, one.customer_id) == []
    refused = await draw(500_000)
    assert code(refused) == "exposure_ceiling_reached"
    [run] = await runs(desk, one.customer_id)
    assert ids.from_text(ids.GUARD_RUN, run["id"])
    assert run["reasons"][0]["code"] == "CAP_DSR"


async def test_debts_of_a_report_are_read_for_its_purpose_only(desk: Desk) -> None:
    one = await person(desk)
    line_id = await open_line(desk.house, one.customer_id)
    wanted = wish(one.customer_id, line_id,
                  consent_id=(await desk.consent(one.customer_id, code="inquiry-limit-increase"))
                  .consent_id)  # fmt: skip
    assert isinstance(await ask(desk.house, wanted), LimitRequest)
    [run] = await runs(desk, one.customer_id)
    assert "bureau" in run["measures"]["total_debt"]["sources"]
    async with desk.house.database.transaction() as connection:
        found = await exposure.guard_reviews(
            desk.house, connection, [(one.customer_id, "bank", "CNY")]
        )
    result = found[one.customer_id].result
    assert result.measures["total_debt"].sources == ("own",)
    assert result.measures["total_debt"].value is None


async def test_runs_are_only_added_to_and_the_book_is_counted(desk: Desk) -> None:
    one = await person(desk)
    async with desk.house.database.transaction() as connection:
        await exposure.guard_reviews(desk.house, connection, [(one.customer_id, "bank", "CNY")])
    found = await portfolio(desk.house)
    assert (found["customers"], found["outcomes"]) == (1, {"unknown": 1})
    with pytest.raises(PostgresError):
        await desk.run("UPDATE capacity.guard_run SET outcome = 'clear'")
    with pytest.raises(PostgresError):
        await desk.run("DELETE FROM capacity.ceilings")


async def runs(desk: Desk, customer_id: int) -> list[dict[str, Any]]:
    found = await capacity.runs_of(desk.house, customer_id)
    assert not isinstance(found, Refused)
    return found


async def test_a_run_that_was_altered_would_show(desk: Desk) -> None:
    one = await person(desk)
    async with desk.house.database.transaction() as connection:
        await exposure.guard_reviews(desk.house, connection, [(one.customer_id, "bank", "CNY")])
    async with desk.house.database.connection() as connection:
        [run] = await store.runs_of_customer(connection, one.customer_id, page=10)
    await desk.run(
        "ALTER TABLE capacity.guard_run DISABLE TRIGGER guard_run_append_only",
        "UPDATE capacity.guard_run SET result = replace(result, 'unknown', 'clear')",
    )
    assert (await capacity.replay_runs(desk.house)).differing == ((one.customer_id, run.run_id),)


class Connector:
    """A connector that gives files, or no answer, and counts how often it is asked."""

    def __init__(self, *texts: str) -> None:
        self.texts, self.asked = texts, 0
        self.silence: Unanswered | None = None

    async def fetch(
        self, *, customer_id: int, consent_id: int
    ) -> list[FetchedStatement] | Unanswered:
        self.asked += 1
        assert customer_id
        assert consent_id
        if self.silence is not None:
            return self.silence
        return [
            FetchedStatement(form="csv", currency="CNY", content=text.encode(), reference=str(n))
            for n, text in enumerate(self.texts)
        ]


async def test_a_connector_is_asked_under_a_consent_and_each_file_is_judged(desk: Desk) -> None:
    one, other = await person(desk), await person(desk)
    connector = Connector(await one.statement(), await other.statement())
    house = replace(desk.house, statement_source=connector)

    async def fetched(consent_id: int, key: str = "one", house: House = house) -> Answer | Refused:
        return await fetch_statements(
            house, customer_id=one.customer_id, consent_id=consent_id, by="job", idempotency_key=key
        )

    assert code(await fetched(one.consent_id, house=desk.house)) == "statement_source_absent"
    assert code(await fetched(other.consent_id)) == "income_consent_missing"
    assert connector.asked == 0
    connector.silence = Unanswered.TIMEOUT
    assert code(await fetched(one.consent_id)) == "statement_source_silent"
    connector.silence = None
    # A silence is not kept: the same key asks again, and then gives the first answer.
    found = got(await fetched(one.consent_id))
    assert got(await fetched(one.consent_id)) == found
    assert connector.asked == 2
    assert [(item["code"], item["line"]) for item in FetchView(**found).model_dump()["files"]] == [
        (None, None),
        ("statement_of_another", 2),
    ]
    # Fetched again, a file is the same statement.
    assert got(await fetched(one.consent_id, "two"))["files"] == found["files"]
    assert len(await desk.rows("SELECT 1 FROM capacity.statement")) == 1
    assert (await one.capacity())["income_evidence"] == "A"


async def test_a_household_is_added_up_while_both_agree(desk: Desk) -> None:
    one, other = await person(desk), await person(desk)
    await open_line(desk.house, other.customer_id, limit_minor=3_000_000)
    given = {
        who.customer_id: (await desk.consent(who.customer_id, code=household.NOTICE)).consent_id
        for who in (one, other)
    }

    async def name(who: Person, partner: int, consent_id: int, key: str) -> Answer | Refused:
        return await household.name_partner(
            desk.house,
            customer_id=who.customer_id,
            partner_id=partner,
            consent_id=consent_id,
            by="api:test",
            idempotency_key=key,
        )

    async def basis() -> tuple[str, int | None]:
        view = await one.capacity()
        CapacityView.model_validate(view)
        found = view["measures"].get("household_exposure")
        return view["basis"], None if found is None else found["value"]

    mine, theirs = given[one.customer_id], given[other.customer_id]
    assert code(await name(one, one.customer_id, mine, "a")) == "household_of_one"
    assert code(await name(one, 1, mine, "b")) == "customer_not_found"
    assert code(await name(one, other.customer_id, one.consent_id, "c")).startswith("consent_")
    assert code(await name(one, other.customer_id, theirs, "d")).startswith("consent_")
    got(await name(one, other.customer_id, mine, "e"))
    # One word alone makes no household.
    assert await basis() == ("person", None)
    got(await name(other, one.customer_id, theirs, "f"))
    assert await basis() == ("household", 3_000_000)
    third = await person(desk)
    assert code(await name(one, third.customer_id, mine, "g")) == "household_consent_used"
    await consent.withdraw(
        desk.house,
        customer_id=other.customer_id,
        consent_id=theirs,
        channel="portal",
        idempotency_key="apart",
    )
    assert await basis() == ("person", None)
