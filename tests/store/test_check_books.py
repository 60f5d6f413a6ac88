"""Checking the books finds each kind of corruption; a check that cannot fail would be a defect.

One small world is lived through once; every test corrupts a copy of it.
"""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Iterator
from datetime import date, timedelta
from pathlib import Path

import asyncpg
import pytest
from tests.store.corruptions import LATE, PAYOUT, PLANTED_IN_LOANS
from tests.store.corruptions_of_books import PLANTED_IN_BOOKS
from tests.store.privacy_desk import OFFICER, approve, rows

from counterfoil.journeys.books import check_books as journey
from counterfoil.journeys.books import findings
from counterfoil.journeys.books.check_books import CHECKS, BookCheck, check_books
from counterfoil.journeys.books.close_day import close_day
from counterfoil.journeys.borrowing.papers import keep_papers, papers_consumer
from counterfoil.journeys.guarding import erase
from counterfoil.journeys.house import House, open_house, vault_of
from counterfoil.journeys.paying.received import book_received, list_received
from counterfoil.journeys.paying.reconcile import take_rail_statement
from counterfoil.kernel import ids
from counterfoil.kernel.creditor_reference import reference_of
from counterfoil.kernel.errors import Refused
from counterfoil.lending import checkpoint
from counterfoil.lending.catalogue import load_catalogue
from counterfoil.lending.checking import STATE_FIELDS
from counterfoil.platform import embedded, migrate
from counterfoil.platform.database import Database
from counterfoil.platform.settings import Settings
from counterfoil.privacy.erasure_store import Erasure
from counterfoil.simulator import demo
from counterfoil.simulator.bank.statement_file import statement_text
from counterfoil.simulator.demo import DemoSize

PLANTED = PLANTED_IN_LOANS | PLANTED_IN_BOOKS
#: This seed has a refused payout, a bounced payment, credit that was used and credit returned.
SIZE = DemoSize(applicants=60, days=110, seed=11)
_numbers = itertools.count(1)
CATALOGUE = load_catalogue()
#: Where the keys of the world are: what its leaves say is sealed.
HOMES: list[Path] = []


def at(url: str, name: str) -> str:
    return url.replace(f"/{embedded.DATABASE_NAME}?", f"/{name}?")


async def administer(url: str, statement: str) -> None:
    connection = await asyncpg.connect(at(url, "postgres"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def keep_sheets(house: House) -> None:
    """Keep the cost sheets of the world's loans, as the worker does."""
    consumer = papers_consumer(house)
    await consumer.register()
    while await consumer.waiting():
        await keep_papers(house, consumer)


async def erase_a_report(house: House) -> None:
    """Erase the bureau report of one customer, whose consent has ended."""
    on = await house.business_date()
    [row] = await rows(
        house, "SELECT min(customer_id) AS id FROM privacy.data_key WHERE purpose = 'report'"
    )
    await erase.end_purpose(house, "report", {row["id"]: on})
    await approve(house, "erasure", erase.erasure_payload(row["id"], "report"))
    erased = await erase.erase(
        house, OFFICER, customer_id=row["id"], data_class="report", on=on, reason="schedule"
    )
    assert isinstance(erased, Erasure)
    assert erased.keys_destroyed == 1


async def take_transfers(house: House) -> None:
    """Let two transfers come in, one more than is owed; the bank of the second recalls it."""
    on = await house.business_date() - timedelta(days=1)
    lines = await rows(
        house,
        "SELECT line_id FROM lending.credit_line WHERE principal_minor > 0"
        " ORDER BY line_id DESC LIMIT 2",
    )
    came = [
        (reference_of(ids.LINE, row["line_id"]), "received", amount, "CNY", on, f"T{amount}")
        for row, amount in zip(lines, (90_000_000, 1_000), strict=True)
    ]
    text = statement_text([*came, ("T1000", "recalled", 1_000, "CNY", on, "R1")])
    taken = await take_rail_statement(house, text, rail="clearing", on=on)
    assert not isinstance(taken, Refused), taken
    for _ in range(2):
        await book_received(house)
    booked = await list_received(house)
    assert [one.status for one in booked] == ["booked"] * 3
    # What a close keeps is checked to the unit only while nothing has happened since.
    await close_day(house)


@pytest.fixture(scope="module")
def world(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database in which a small world has lived."""
    name = f"world_{os.getpid()}"
    home = tmp_path_factory.mktemp("home")
    HOMES.append(home)

    async def live() -> None:
        url = at(server_url, name)
        await migrate.apply(url)
        await demo.prepare(url, SIZE)
        report = await demo.run(Settings(home=home), url, SIZE, lambda _what, _count: None)
        assert report.is_sound
        async with open_house(Settings(home=home), url) as house:
            await keep_sheets(house)
            await erase_a_report(house)
            await take_transfers(house)

    asyncio.run(administer(server_url, f"CREATE DATABASE {name}"))
    with pytest.MonkeyPatch.context() as patch:
        # No loan of so small a world has as many transactions as lie between two checkpoints.
        patch.setattr(checkpoint, "EVERY", 2)
        asyncio.run(live())
    yield name
    asyncio.run(administer(server_url, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
async def books(server_url: str, world: str) -> AsyncIterator[Database]:
    """A copy of the world whose tables obey whoever corrupts them."""
    name = f"books_{os.getpid()}_{next(_numbers)}"
    await administer(server_url, f"CREATE DATABASE {name} TEMPLATE {world} STRATEGY FILE_COPY")
    async with Database(at(server_url, name), connections_max=2) as database:
        yield database
    await administer(server_url, f"DROP DATABASE {name} WITH (FORCE)")


#: Constraints and triggers refuse most of what is planted below; here they are out of the way.
DISARM = """
DO $$ DECLARE c record; BEGIN
    FOR c IN SELECT conrelid::regclass AS t, conname FROM pg_constraint
             WHERE contype = 'c' AND connamespace::regnamespace::text IN
                   ('lending', 'ledger', 'payments', 'platform', 'evidence', 'decisioning')
    LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.t, c.conname); END LOOP;
END $$
"""


async def corrupt(database: Database, *statements: str) -> None:
    async with database.transaction() as connection:
        await connection.execute(DISARM)
        await connection.execute("SET LOCAL session_replication_role = replica")
        for statement in statements:
            touched = await connection.execute(statement)
            assert not touched.endswith(" 0"), f"nothing was there to corrupt: {statement}"


async def check(database: Database) -> BookCheck:
    return await check_books(database, CATALOGUE, vault=vault_of(Settings(home=HOMES[-1])))


def failed(found: BookCheck) -> set[str]:
    assert not found.ok
    for result in found.checks.values():
        assert bool(result.exceptions) is not result.ok
    return {name for name, result in found.checks.items() if not result.ok}


async def test_a_lived_in_book_is_sound_and_every_check_examined_something(
    books: Database,
) -> None:
    found = await check(books)
    assert found.ok, found.document()
    assert tuple(found.checks) == CHECKS
    assert [name for name, result in found.checks.items() if not result.examined] == []


async def test_an_empty_database_is_sound(database: Database) -> None:
    found = await check(database)
    assert found.ok
    assert {result.examined for result in found.checks.values()} == {0}


async def test_small_pages_find_the_same(books: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = await check(books)
    monkeypatch.setattr(journey, "PAGE_CUSTOMERS", 7)
    monkeypatch.setattr(journey, "PAGE_JOURNALS", 3)
    assert (await check(books)).document() == whole.document()


@pytest.mark.parametrize("what", PLANTED)
async def test_planted_corruption_is_found(books: Database, what: str) -> None:
    name, statement = PLANTED[what]
    await corrupt(books, statement)
    assert name in failed(await check(books))


def test_every_check_has_its_corruption() -> None:
    assert {name for name, _ in PLANTED.values()} == set(CHECKS)


async def test_a_key_that_was_used_twice_is_found(books: Database) -> None:
    await corrupt(
        books,
        "ALTER TABLE platform.command DROP CONSTRAINT command_once",
        "INSERT INTO platform.command SELECT * FROM platform.command WHERE kind = 'draw' LIMIT 1",
    )
    assert "commands" in failed(await check(books))


def _otherwise(field: str, value: object) -> object:
    if field == "signed":  # rate, method and tenor as they were before a change of plan
        return [1, 2, 3] if value is None else None
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case date():
            return date.fromordinal(value.toordinal() + 1)
        case None:
            return date(2026, 1, 1)
        case _:
            return "closed"


@pytest.mark.parametrize(
    ("table", "fields", "check_name"),
    [
        ("loan", STATE_FIELDS, "loan_state"),
        (
            "instalment",
            ("due_date", "principal_minor", "interest_minor", "principal_paid_minor",
             "interest_paid_minor", "penal", "settled_on"),
            "loan_instalments",
        ),
    ],
)  # fmt: skip
async def test_no_stored_field_can_differ_from_the_fold_unnoticed(
    books: Database, table: str, fields: tuple[str, ...], check_name: str
) -> None:
    async with books.connection() as connection:
        await connection.execute(DISARM)
        row = await connection.fetchrow(
            f"SELECT * FROM lending.{table} WHERE loan_id = {LATE} LIMIT 1"
        )
        for field in fields:
            for value, is_sound in ((_otherwise(field, row[field]), False), (row[field], True)):
                await connection.execute(
                    f"UPDATE lending.{table} SET {field} = $2 WHERE loan_id = $1"
                    + (" AND instalment_no = $3" if table == "instalment" else ""),
                    row["loan_id"],
                    value,
                    *([row["instalment_no"]] if table == "instalment" else []),
                )
                if not is_sound:
                    found = await check(books)
                    assert not found.checks[check_name].ok, field
    assert (await check(books)).ok


async def test_a_difference_that_people_know_of_is_no_news(books: Database) -> None:
    await corrupt(books, f"DELETE FROM payments.statement_line WHERE payment_id = {PAYOUT}")
    found = await check(books)
    [exception] = found.checks["payouts"].exceptions
    await corrupt(
        books,
        "INSERT INTO payments.difference (customer_id, reference, cause, first_seen_on, "
        f"last_seen_on) SELECT customer_id, '{exception['subject']}', 'missing_on_statement', "
        f"'2026-03-01', '2026-03-01' FROM payments.payment WHERE payment_id = {PAYOUT}",
    )
    assert (await check(books)).ok


async def test_a_flood_of_exceptions_is_counted_and_not_kept(
    books: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings, "LISTED_MAX", 2)
    await corrupt(books, "UPDATE lending.loan SET version = version, bucket = bucket + 1")
    result = (await check(books)).checks["loan_state"]
    assert len(result.exceptions) == 2
    assert result.exceptions_count > 2
