"""The demonstration on a real database: repeatable, sound, and careful with what is not its own."""

import asyncio
import base64
import itertools
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from counterfoil.journeys.books.check_books import CHECKS, check_books
from counterfoil.kernel.clock import SystemClock
from counterfoil.kernel.money import E8
from counterfoil.lending import store as lending
from counterfoil.lending.catalogue import load_catalogue
from counterfoil.lending.explaining import Figure, explain
from counterfoil.lending.interest import payable
from counterfoil.lending.loan import accrue
from counterfoil.platform import access, embedded, migrate
from counterfoil.platform.database import Database
from counterfoil.platform.settings import Settings
from counterfoil.simulator import demo, releasing, world
from counterfoil.simulator.bank.faults import Fault
from counterfoil.simulator.demo import DemoRefusedError, DemoReport, DemoSize

SMALL = DemoSize(applicants=40, days=60, seed=7)
_numbers = itertools.count(1)
Make = Callable[[], Coroutine[Any, Any, str]]


@pytest.fixture
async def make_url(server_url: str) -> AsyncIterator[Make]:
    """Makes migrated databases, dropped afterwards."""
    names = []

    async def administer(statement: str) -> None:
        connection = await asyncpg.connect(
            server_url.replace(f"/{embedded.DATABASE_NAME}?", "/postgres?")
        )
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def make() -> str:
        name = f"demo_{os.getpid()}_{next(_numbers)}"
        await administer(f"CREATE DATABASE {name}")
        names.append(name)
        url = server_url.replace(f"/{embedded.DATABASE_NAME}?", f"/{name}?")
        await migrate.apply(url)
        return url

    yield make
    for name in names:
        await administer(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(autouse=True)
def _fewer_cases_at_the_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the gate look at an eighth of the clients held out: it runs before every world."""
    monkeypatch.setattr(releasing, "GIVEN_EVERY", 8)


@pytest.fixture
def settings(tmp_path: Any) -> Settings:
    return Settings(home=tmp_path / "home")


async def live(settings: Settings, url: str, size: DemoSize = SMALL) -> DemoReport:
    await demo.prepare(url, size)
    return await demo.run(settings, url, size, lambda _what, _count: None)


def told(report: DemoReport) -> DemoReport:
    """Return what depends on the seed: salts are chance, and so is the root of the log."""
    figures: Any = dict(report.figures)
    assert len(base64.b64decode(figures["evidence"].pop("root"))) == 32
    return replace(report, figures=figures, receipt=None)


async def test_the_same_seed_gives_the_same_figures_however_commands_are_batched(
    make_url: Make, settings: Settings
) -> None:
    first = await live(settings, await make_url())
    other_batches = settings.model_copy(update={"engine_shards": 5, "node": 9})
    again = await live(other_batches, await make_url())
    assert told(again) == told(first)
    other = await live(settings, await make_url(), DemoSize(applicants=40, days=60, seed=8))
    assert other.figures != first.figures


async def test_figures_agree_with_each_other_and_with_the_bank_account(
    make_url: Make, settings: Settings
) -> None:
    url = await make_url()
    report = await live(settings, url)
    figures: Any = report.figures
    assert report.is_sound
    assert list(figures) == [
        *("applications", "approved", "declined", "referred", "lines", "drawdowns"),
        *("drawn_minor", "repayments", "repaid_minor", "credit_returned_minor", "loans"),
        *("business_date", "days_closed", "ledger", "consents", "inquiries", "limits"),
        *("experiments", "policy", "evidence", "fsck"),
    ]
    asked = figures["inquiries"]
    assert asked["refused_without_consent"] > 0
    assert figures["applications"] == 40 - asked["refused_without_consent"]
    decided = ("approved", "declined", "referred")
    assert sum(figures[name] for name in decided) == figures["applications"]
    # Nobody is asked about whom eligibility declines already.
    assert 0 < asked["made"] <= figures["applications"]
    assert figures["consents"] >= 2 * asked["made"]
    assert figures["evidence"]["witnesses"] == ["regulator", "bureau", "fundbank"]
    assert 0 < figures["evidence"]["receipts_verified"] <= figures["evidence"]["size"]
    assert figures["loans"]["open"] + figures["loans"]["closed"] == figures["drawdowns"]
    assert figures["repayments"] > 0
    assert figures["days_closed"] == 60
    assert figures["business_date"] == "2026-03-06"
    assert figures["experiments"]["shadow"]["cases"] == figures["applications"]
    assert figures["ledger"]["balanced"]
    assert figures["fsck"] == {"ok": True, "checks": len(CHECKS)}
    async with Database(url) as database, database.connection() as connection:
        # Everybody can sign in by phone and by identity number.
        known = await connection.fetchval("SELECT count(*) FROM customers.customer")
        assert await connection.fetchval("SELECT count(*) FROM privacy.blind_index") == 2 * known
        bank = await connection.fetchval(
            "SELECT sum(amount_minor) FROM ledger.posting WHERE account = 1002"
        )
    received = figures["repaid_minor"] - figures["credit_returned_minor"]
    assert bank == received - figures["drawn_minor"]


async def test_the_books_are_sound_at_every_moment_while_the_house_works(
    make_url: Make, settings: Settings
) -> None:
    url = await make_url()
    await demo.prepare(url, SMALL)
    working = asyncio.create_task(demo.run(settings, url, SMALL, lambda _what, _count: None))
    moments = set()
    async with Database(url, connections_max=1) as database:
        while not working.done():
            found = await check_books(database, load_catalogue())
            assert found.ok, found.document()
            moments.add(found.checks["commands"].examined)
    assert (await working).is_sound
    assert len(moments) > 10


async def test_every_doubt_about_a_payout_ends_on_its_day(
    make_url: Make, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    troubled = {
        Fault.REFUSES: 1_500,
        Fault.TIMEOUT_AFTER_ACCEPT: 1_500,
        Fault.TIMEOUT_BEFORE_ACCEPT: 1_500,
        Fault.ERROR_AFTER_ACCEPT: 1_500,
        Fault.ANSWERS_LATE: 1_500,
        Fault.CALLBACK_LOST: 1_500,
    }
    monkeypatch.setattr(world, "FAULTS_BP", troubled)
    url = await make_url()
    report = await live(settings, url)
    assert report.is_sound
    assert report.payouts_refused > 0
    async with Database(url) as database, database.connection() as connection:
        unsettled = await connection.fetchval(
            "SELECT count(*) FROM payments.payment WHERE status NOT IN ('succeeded', 'failed')"
        )
        late = await connection.fetchval(
            "SELECT count(*) FROM payments.payment WHERE value_date <> business_date"
        )
        asked = await connection.fetchval(
            "SELECT count(*) FROM payments.payment_attempt WHERE act = 'ask'"
        )
    assert (unsettled, late) == (0, 0)
    assert asked > 0


async def test_each_explained_figure_is_the_one_that_is_stored(
    make_url: Make, settings: Settings
) -> None:
    url = await make_url()
    await live(settings, url, DemoSize(applicants=40, days=120, seed=3))
    catalogue = load_catalogue()
    async with Database(url) as database, database.connection() as connection:
        today = await connection.fetchval("SELECT business_date FROM platform.business_date")
        loans = await lending.read_loans_after(connection, page=1_000)
        begun = [loan for loan in loans if loan.start_date is not None]
        assert begun
        for loan in begun:
            booked = await lending.read_history(connection, loan.customer_id, loan.loan_id)
            history = [entry.transaction for entry in booked]
            terms = catalogue.terms(loan.product_code, loan.product_version)
            told = {
                figure: explain(loan, history, figure, on=today, terms=terms) for figure in Figure
            }
            if loan.status == "open":
                accrue(loan, today)
            interest = loan.due_interest_minor + payable(loan.accrued_interest_e8)
            assert told[Figure.PRINCIPAL].amount_minor == loan.principal_minor
            assert told[Figure.INTEREST].amount_minor == interest
            assert told[Figure.PENALTY].amount_minor == payable(loan.accrued_penalty_e8)
            for figure in (Figure.INTEREST, Figure.PENALTY):
                # Each amount was rounded once, when it was demanded or paid; the rest is carried.
                assert abs(told[figure].rounding_e8) <= E8 // 2


async def test_a_database_with_customers_of_its_own_is_left_alone(
    make_url: Make, settings: Settings
) -> None:
    url = await make_url()
    async with Database(url) as database, database.connection() as connection:
        await connection.execute("INSERT INTO customers.customer VALUES (7, 'active', 'zh', now())")
    with pytest.raises(DemoRefusedError, match="COUNTERFOIL_HOME"):
        await live(settings, url)
    async with Database(url) as database, database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM customers.customer") == 1
        assert await connection.fetchval("SELECT to_regclass('demo.run')") is None


async def test_an_earlier_demonstration_gives_way_and_keys_and_operators_stay(
    make_url: Make, settings: Settings
) -> None:
    url = await make_url()
    small = DemoSize(applicants=5, days=3, seed=1)
    async with Database(url) as database, database.transaction() as connection:
        now = SystemClock().now()
        await access.create_api_key(
            connection, api_key_id=1, client="shop", scopes=[access.Scope.LINES_READ], now=now
        )
    first = await live(settings, url, small)
    assert told(await live(settings, url, small)) == told(first)
    async with Database(url) as database, database.connection() as connection:
        assert [key.client for key in await access.list_api_keys(connection)] == ["shop"]
        assert await connection.fetchval("SELECT count(*) FROM customers.customer") == 5


async def test_the_simulated_bank_beside_the_site_forgets_the_book_that_is_no_more(
    make_url: Make, settings: Settings
) -> None:
    journal = settings.home / "simulator" / "bank-0.jsonl"
    journal.parent.mkdir(parents=True)
    journal.write_text('{"fact":"date","today":"2027-01-01"}\n')
    await live(settings, await make_url(), DemoSize(applicants=3, days=2, seed=1))
    assert not journal.exists()


async def test_customers_added_by_hand_are_given_up_only_on_request(
    make_url: Make, settings: Settings
) -> None:
    url = await make_url()
    small = DemoSize(applicants=5, days=3, seed=1)
    await live(settings, url, small)
    async with Database(url) as database, database.connection() as connection:
        await connection.execute("INSERT INTO customers.customer VALUES (7, 'active', 'zh', now())")
    with pytest.raises(DemoRefusedError, match="--replace"):
        await demo.prepare(url, small)
    await demo.prepare(url, small, replaces=True)


async def test_a_database_that_others_use_is_not_emptied_under_them(
    make_url: Make, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "COMPANY_PAUSE_SECONDS", 0)
    url = await make_url()
    async with Database(url):
        with pytest.raises(DemoRefusedError, match="Another process"):
            await live(settings, url)
