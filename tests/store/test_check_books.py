"""Checking the books finds each kind of corruption; a check that cannot fail would be a defect.

One small world is lived through once; every test corrupts a copy of it.
"""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Iterator
from datetime import date
from pathlib import Path

import asyncpg
import pytest
from tests.store.privacy_desk import OFFICER, approve, rows

from counterfoil.journeys import check_books as journey
from counterfoil.journeys import erase
from counterfoil.journeys.books import findings
from counterfoil.journeys.check_books import CHECKS, BookCheck, check_books
from counterfoil.journeys.house import House, open_house, vault_of
from counterfoil.journeys.papers import keep_papers, papers_consumer
from counterfoil.lending.catalogue import load_catalogue
from counterfoil.lending.checking import STATE_FIELDS
from counterfoil.platform import embedded, migrate
from counterfoil.platform.database import Database
from counterfoil.platform.settings import Settings
from counterfoil.privacy.erasure_store import Erasure
from counterfoil.simulator import demo
from counterfoil.simulator.demo import DemoSize

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

    asyncio.run(administer(server_url, f"CREATE DATABASE {name}"))
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


#: An open loan that has been paid on, one that is overdue, a payment, and their keys.
OPEN = "(SELECT min(loan_id) FROM lending.loan WHERE status = 'open')"
LATE = (
    "(SELECT min(loan_id) FROM lending.instalment WHERE settled_on IS NULL AND penal "
    "AND principal_paid_minor < principal_minor)"
)
#: A payment that stands and still counts: its loan is open, and nothing of it was taken back.
PAID = (
    "(SELECT min(transaction_id) FROM lending.loan_transaction WHERE kind = 'repayment' "
    "AND loan_id IN (SELECT loan_id FROM lending.loan WHERE status = 'open') "
    "AND loan_id NOT IN (SELECT loan_id FROM lending.loan_transaction WHERE kind = 'reversal'))"
)
LINE = "(SELECT min(line_id) FROM lending.credit_line WHERE principal_minor > 0)"
PAYOUT = "(SELECT min(payment_id) FROM payments.payment WHERE status = 'succeeded')"
LEAF_COLUMNS = (
    "customer_id, leaf_id, leaf_type, subject_id, commitment, created, checkpoint_size, "
    "command_key, sealed"
)
DRAW_LEAF = "(SELECT min(leaf_id) FROM evidence.leaf WHERE leaf_type = 11)"
NEXT = "(SELECT max(idx) + 1 FROM evidence.leaf)"
COPY_OF_JOURNAL = (
    "INSERT INTO ledger.journal SELECT customer_id, {journal_id}, lender_id, currency, "
    "product_code, book_date, posted_at, kind, loan_id, transaction_id, {accounts}, {amounts} "
    "FROM ledger.journal WHERE {which}"
)
HOUSE_JOURNAL = (
    "customer_id = 0 AND journal_id = (SELECT min(journal_id) FROM ledger.journal "
    "WHERE customer_id = 0)"
)

PLANTED: dict[str, tuple[str, str]] = {
    # cost_sheets
    "a cost sheet that was altered": (
        "cost_sheets",
        (
            "UPDATE lending.cost_sheet SET sheet = sheet || ' ' "
            "WHERE loan_id = (SELECT min(loan_id) FROM lending.cost_sheet)"
        ),
    ),
    "a cost sheet of another loan": (
        "cost_sheets",
        (
            "UPDATE lending.cost_sheet SET sheet = sheet || ' ', "
            "sheet_sha256 = sha256(convert_to(sheet || ' ', 'UTF8')) WHERE loan_id = "
            "(SELECT min(loan_id) FROM lending.cost_sheet WHERE cause = 'drawdown')"
        ),
    ),
    # charges
    "a fee that was not agreed to": (
        "charges",
        (
            "UPDATE lending.loan_transaction SET fee_minor = 1, "
            f"principal_minor = principal_minor - 1 WHERE transaction_id = {PAID}"
        ),
    ),
    # destroyed_keys
    "a key that outlived its erasure": (
        "destroyed_keys",
        (
            "INSERT INTO privacy.retention (customer_id, data_class, ended_on, state, changed_at)"
            " SELECT min(customer_id), 'identity', '2010-01-01', 'erased',"
            " now() + interval '9 years'"
            " FROM privacy.data_key WHERE purpose = 'identity'"
        ),
    ),
    # references
    "a loan without its line": (
        "references",
        f"DELETE FROM lending.credit_line WHERE line_id = {LINE}",
    ),
    "an instalment without a loan": (
        "references",
        f"UPDATE lending.instalment SET loan_id = 1 WHERE loan_id = {LATE}",
    ),
    "a transaction without a loan": (
        "references",
        f"UPDATE lending.loan_transaction SET loan_id = 1 WHERE transaction_id = {PAID}",
    ),
    "a transaction of another line": (
        "references",
        f"UPDATE lending.loan_transaction SET line_id = 1 WHERE transaction_id = {PAID}",
    ),
    "a change of a line that does not exist": (
        "references",
        f"UPDATE lending.line_event SET line_id = 1 WHERE line_id = {LINE} AND version = 1",
    ),
    "a credit return without its line": (
        "references",
        "UPDATE lending.credit_return SET line_id = 1",
    ),
    # loans
    "a loan of a product that nobody knows": (
        "loan_state",
        f"UPDATE lending.loan SET product_version = 99 WHERE loan_id = {OPEN}",
    ),
    "a loan whose money never left": (
        "loan_state",
        f"DELETE FROM lending.loan_transaction WHERE loan_id = {OPEN}",
    ),
    "a rate that was changed afterwards": (
        "loan_state",
        f"UPDATE lending.loan SET rate_daily_e8 = rate_daily_e8 + 1000 WHERE loan_id = {LATE}",
    ),
    "a payment that was made larger": (
        "loan_state",
        (
            "UPDATE lending.loan_transaction SET amount_minor = amount_minor + 1, "
            f"principal_minor = principal_minor + 1 WHERE transaction_id = {PAID}"
        ),
    ),
    "a value date that was moved": (
        "loan_state",
        (
            "UPDATE lending.loan_transaction SET value_date = value_date + 1 WHERE kind = "
            f"'disbursement' AND loan_id = {OPEN}"
        ),
    ),
    "an instalment that is missing": (
        "loan_instalments",
        f"DELETE FROM lending.instalment WHERE loan_id = {LATE}",
    ),
    "an instalment that never fell due": (
        "loan_instalments",
        (
            "INSERT INTO lending.instalment SELECT customer_id, loan_id, 59, due_date, "
            "principal_minor, interest_minor, 0, 0, false, NULL FROM lending.instalment "
            f"WHERE loan_id = {LATE} LIMIT 1"
        ),
    ),
    # parts
    "parts that do not sum to the amount": (
        "transaction_parts",
        (
            "UPDATE lending.loan_transaction SET principal_minor = principal_minor - 1 "
            f"WHERE transaction_id = {PAID}"
        ),
    ),
    "parts that were shifted": (
        "transaction_parts",
        (
            "UPDATE lending.loan_transaction SET principal_minor = principal_minor - 1, "
            f"interest_minor = interest_minor + 1 WHERE transaction_id = {PAID}"
        ),
    ),
    "a gap in a history": (
        "transaction_parts",
        (
            "UPDATE lending.loan_transaction SET sequence = sequence + 7 WHERE kind = "
            f"'disbursement' AND loan_id = {OPEN}"
        ),
    ),
    # lines
    "principal that no loan owes": (
        "line_sums",
        (
            f"UPDATE lending.credit_line SET principal_minor = principal_minor + 1 "
            f"WHERE line_id = {LINE}"
        ),
    ),
    "a hold of no drawdown": (
        "line_sums",
        f"UPDATE lending.credit_line SET held_minor = 100 WHERE line_id = {LINE}",
    ),
    "a credit that nobody paid": (
        "line_sums",
        f"UPDATE lending.credit_line SET credit_minor = credit_minor + 1 WHERE line_id = {LINE}",
    ),
    "credit on its way that nobody asked for": (
        "line_sums",
        f"UPDATE lending.credit_line SET returning_minor = 1 WHERE line_id = {LINE}",
    ),
    "returned credit that is still kept": (
        "line_sums",
        "UPDATE lending.credit_return SET status = 'failed'",
    ),
    "used credit that is called money from outside": (
        "line_sums",
        "UPDATE lending.loan_transaction SET channel = 'transfer' WHERE channel = 'credit'",
    ),
    "a version that nothing made": (
        "line_versions",
        f"UPDATE lending.credit_line SET version = version + 1000 WHERE line_id = {LINE}",
    ),
    "a version that was lost": (
        "line_versions",
        f"UPDATE lending.credit_line SET version = 1 WHERE line_id = {LINE}",
    ),
    "a change under a version of its own": (
        "line_versions",
        f"UPDATE lending.line_event SET version = 500 WHERE line_id = {LINE} AND version = 1",
    ),
    "an expired freeze that still blocks": (
        "line_measures",
        (
            "WITH frozen AS (UPDATE lending.credit_line SET status = 'frozen', frozen_until = NULL,"
            f" status_reason = 'VERIFY' WHERE line_id = {LINE} RETURNING customer_id, line_id)"
            " INSERT INTO decisioning.line_measure (customer_id, measure_id, line_id, kind, status,"
            " cause, reasons, author, announced_at, effective_on, ends_on, currency, from_minor,"
            " ended_at, ended_on, ended_by) SELECT customer_id, 1, line_id, 'freeze', 'ended',"
            " 'fraud_signal', '{VERIFY}', 'rule', now(), '2026-01-05', '2026-01-06', 'CNY', 1,"
            " now(), '2026-01-07', 'time' FROM frozen"
        ),
    ),
    "a suspension in force on a line that is active": (
        "line_measures",
        (
            "INSERT INTO decisioning.line_measure (customer_id, measure_id, line_id, kind, status,"
            " cause, reasons, author, announced_at, effective_on, currency, from_minor)"
            " SELECT customer_id, 2, line_id, 'suspend', 'in_force', 'instalment_missed',"
            " '{DLQ_NOW}', 'rule', now(), '2026-01-05', 'CNY', 1 FROM lending.credit_line"
            " WHERE status = 'active' ORDER BY line_id LIMIT 1"
        ),
    ),
    # caps
    "a loan above the cap of its licence": (
        "rule_caps",
        f"UPDATE lending.loan SET rate_daily_e8 = 58952 WHERE loan_id = {OPEN}",
    ),
    "fees that lift a loan above the cap": (
        "rule_caps",
        (
            'UPDATE lending.loan SET fees = \'[{"code":"opening","name_en":"Opening fee",'
            '"name_zh":"开通费","payee":"lender","timing":"first_instalment",'
            '"basis":"fixed","amount_minor":9000000,"share_e8":0,"cap_minor":null}]\''
            f" WHERE loan_id = {OPEN}"
        ),
    ),
    "a loan of a day for which no cap is known": (
        "rule_caps",
        f"UPDATE lending.loan SET requested_on = '2025-09-30' WHERE loan_id = {OPEN}",
    ),
    "a limit above the pack's": (
        "rule_caps",
        f"UPDATE lending.credit_line SET limit_minor = 20000001 WHERE line_id = {LINE}",
    ),
    # journals
    "a journal that does not sum to zero": (
        "journal_balance",
        f"UPDATE ledger.journal SET amounts[1] = amounts[1] + 1 WHERE transaction_id = {PAID}",
    ),
    "a journal with more accounts than amounts": (
        "journal_balance",
        f"UPDATE ledger.journal SET accounts = accounts || 1002 WHERE transaction_id = {PAID}",
    ),
    "an account outside the chart": (
        "journal_balance",
        f"UPDATE ledger.journal SET accounts[1] = 4711 WHERE {HOUSE_JOURNAL}",
    ),
    "a journal that is missing": (
        "journal_per_movement",
        f"DELETE FROM ledger.journal WHERE transaction_id = {PAID}",
    ),
    "a journal that stands twice": (
        "journal_per_movement",
        COPY_OF_JOURNAL.format(
            journal_id=1, accounts="accounts", amounts="amounts", which=f"transaction_id = {PAID}"
        ),
    ),
    "a journal of another amount": (
        "journal_per_movement",
        (
            "UPDATE ledger.journal SET amounts[1] = amounts[1] + 1, amounts[2] = amounts[2] - 1 "
            f"WHERE transaction_id = {PAID}"
        ),
    ),
    "a journal in another book": (
        "journal_per_movement",
        f"UPDATE ledger.journal SET product_code = 'other' WHERE transaction_id = {PAID}",
    ),
    "a journal on another date": (
        "journal_per_movement",
        f"UPDATE ledger.journal SET book_date = book_date - 1 WHERE transaction_id = {PAID}",
    ),
    "a journal of another loan": (
        "journal_per_movement",
        f"UPDATE ledger.journal SET loan_id = 1 WHERE transaction_id = {PAID}",
    ),
    "a hold that was never booked": (
        "journal_per_movement",
        f"DELETE FROM ledger.journal WHERE kind = 'hold' AND loan_id = {OPEN}",
    ),
    "a hold that was never released": (
        "journal_per_movement",
        "DELETE FROM ledger.journal WHERE kind = 'hold_release'",
    ),
    "credit that was set aside and never booked": (
        "journal_per_movement",
        "DELETE FROM ledger.journal WHERE kind = 'credit_return'",
    ),
    "returned credit that never left the books": (
        "journal_per_movement",
        "DELETE FROM ledger.journal WHERE kind = 'credit_return_paid'",
    ),
    "a house journal that names a loan": (
        "journal_per_movement",
        f"UPDATE ledger.journal SET loan_id = 1 WHERE {HOUSE_JOURNAL}",
    ),
    "a house journal of an unknown kind": (
        "journal_per_movement",
        f"UPDATE ledger.journal SET kind = 'gift' WHERE {HOUSE_JOURNAL}",
    ),
    # commands and evidence
    "a transaction that nobody commanded": (
        "commands",
        (
            "DELETE FROM platform.command WHERE idempotency_key = (SELECT idempotency_key FROM "
            f"lending.loan_transaction WHERE transaction_id = {PAID})"
        ),
    ),
    "a change that nobody commanded": (
        "commands",
        f"UPDATE lending.line_event SET idempotency_key = 'x' WHERE line_id = {LINE}",
    ),
    "a command without an answer": (
        "commands",
        "UPDATE platform.command SET answer = '' WHERE kind = 'draw'",
    ),
    "an answer that was altered": (
        "evidence_leaves",
        (
            "UPDATE platform.command SET answer = replace(answer, 'pending', 'settled') "
            "WHERE kind = 'draw' AND customer_id = (SELECT min(customer_id) FROM platform.command "
            "WHERE kind = 'draw')"
        ),
    ),
    "a leaf that opens as another one": (
        "evidence_leaves",
        (
            "UPDATE evidence.leaf SET sealed = (SELECT sealed FROM evidence.leaf WHERE leaf_id <> "
            f"{DRAW_LEAF} AND leaf_type = 11 LIMIT 1) WHERE leaf_id = {DRAW_LEAF}"
        ),
    ),
    "a leaf that was altered": (
        "evidence_log",
        f"UPDATE evidence.leaf SET commitment = sha256('x') WHERE leaf_id = {DRAW_LEAF}",
    ),
    "a leaf of another type": (
        "evidence_leaves",
        f"UPDATE evidence.leaf SET leaf_type = 10 WHERE leaf_id = {DRAW_LEAF}",
    ),
    "a leaf that is missing": (
        "evidence_leaves",
        f"DELETE FROM evidence.leaf WHERE leaf_id = {DRAW_LEAF}",
    ),
    "a leaf of nothing": (
        "evidence_leaves",
        (
            f"INSERT INTO evidence.leaf (idx, {LEAF_COLUMNS}) "
            f"SELECT {NEXT}, customer_id, 1, 11, line_id, sha256('b'), 1, 0, 'none', sealed "
            f"FROM lending.credit_line JOIN evidence.leaf USING (customer_id) LIMIT 1"
        ),
    ),
    "a leaf that stands for two": (
        "evidence_leaves",
        (
            f"INSERT INTO evidence.leaf (idx, {LEAF_COLUMNS}) "
            f"SELECT {NEXT}, {LEAF_COLUMNS} FROM evidence.leaf WHERE leaf_id = {DRAW_LEAF}"
        ),
    ),
    "a decision that was altered": (
        "decisions",
        (
            "UPDATE decisioning.decision SET result = replace(result, 'declined', 'approved') "
            "WHERE outcome = 'declined'"
        ),
    ),
    "a policy that was not kept": (
        "decisions",
        "DELETE FROM decisioning.policy_version",
    ),
    # payouts
    "a payout of another amount": (
        "payout_amounts",
        f"UPDATE payments.payment SET amount_minor = amount_minor + 1 WHERE payment_id = {PAYOUT}",
    ),
    "a payout on another day": (
        "payouts",
        f"UPDATE payments.payment SET value_date = value_date + 1 WHERE payment_id = {PAYOUT}",
    ),
    "a loan whose payout failed": (
        "payouts",
        (
            "UPDATE payments.payment SET status = 'failed', outcome = 'failed' "
            f"WHERE payment_id = {PAYOUT}"
        ),
    ),
    "a running loan whose payout is still under way": (
        "payouts",
        f"UPDATE payments.payment SET status = 'sent', outcome = NULL WHERE payment_id = {PAYOUT}",
    ),
    "a loan without a payout": (
        "payouts",
        f"DELETE FROM payments.payment WHERE payment_id = {PAYOUT}",
    ),
    "a payout without a loan": (
        "payouts",
        f"UPDATE payments.payment SET loan_id = 1 WHERE payment_id = {PAYOUT}",
    ),
    "a payout that the statement does not show": (
        "payouts",
        f"DELETE FROM payments.statement_line WHERE payment_id = {PAYOUT}",
    ),
    "a payout that the statement shows with another amount": (
        "payouts",
        (
            "UPDATE payments.statement_line SET amount_minor = amount_minor + 1 "
            f"WHERE payment_id = {PAYOUT}"
        ),
    ),
    "a payout that the rail took back": (
        "payouts",
        (
            "INSERT INTO payments.statement_line SELECT rail, statement_date, 9999, reference, "
            "payment_id, 'returned', amount_minor, currency, value_date, rail_reference "
            f"FROM payments.statement_line WHERE payment_id = {PAYOUT}"
        ),
    ),
    "returned credit whose payout failed": (
        "payouts",
        (
            "UPDATE payments.payment SET status = 'failed', outcome = 'failed' "
            "WHERE subject = 'credit_return'"
        ),
    ),
    "returned credit without a payout": (
        "payouts",
        "DELETE FROM payments.payment WHERE subject = 'credit_return'",
    ),
    "returned credit of another amount": (
        "payouts",
        (
            "UPDATE payments.payment SET amount_minor = amount_minor + 1 "
            "WHERE subject = 'credit_return'"
        ),
    ),
    # the house
    "credit on its way in the general ledger that no line knows": (
        "ledger_to_loans",
        COPY_OF_JOURNAL.format(
            journal_id=1, accounts="'{2204,1002}'", amounts="'{5,-5}'", which=HOUSE_JOURNAL
        ),
    ),
    "principal in the general ledger that no loan owes": (
        "ledger_to_loans",
        COPY_OF_JOURNAL.format(
            journal_id=1, accounts="'{1301,1002}'", amounts="'{5,-5}'", which=HOUSE_JOURNAL
        ),
    ),
    "interest in the general ledger that nobody earned": (
        "receivables",
        COPY_OF_JOURNAL.format(
            journal_id=1, accounts="'{1132,6011}'", amounts="'{5,-5}'", which=HOUSE_JOURNAL
        ),
    ),
    "penalty in the general ledger that nobody earned": (
        "receivables",
        COPY_OF_JOURNAL.format(
            journal_id=1, accounts="'{1133,6012}'", amounts="'{5,-5}'", which=HOUSE_JOURNAL
        ),
    ),
    "a kept accrual that was altered": (
        "accrual_day",
        (
            "UPDATE lending.accrual_day SET interest_receivable_e8 = interest_receivable_e8 + 1 "
            "WHERE business_date = (SELECT max(business_date) FROM lending.accrual_day)"
        ),
    ),
    "a kept accrual that is missing": (
        "accrual_day",
        (
            "DELETE FROM lending.accrual_day WHERE bucket = 0 "
            "AND business_date = (SELECT max(business_date) FROM lending.accrual_day)"
        ),
    ),
    "a sum of a closed date that was altered": (
        "day_balances",
        (
            "UPDATE ledger.day_balance SET debit_minor = debit_minor + 1 WHERE account = 1301 "
            "AND book_date = (SELECT min(book_date) FROM ledger.day_balance WHERE account = 1301)"
        ),
    ),
    "a sum of a closed date that is missing": (
        "day_balances",
        (
            "DELETE FROM ledger.day_balance WHERE account = 1301 "
            "AND book_date = (SELECT max(book_date) FROM ledger.day_balance WHERE account = 1301)"
        ),
    ),
    "a sum of journals that do not exist": (
        "day_balances",
        (
            "INSERT INTO ledger.day_balance SELECT book_date, lender_id, currency, product_code, "
            "2203, 1, 1, 1 FROM ledger.day_balance WHERE account = 1301 "
            "ORDER BY book_date LIMIT 1"
        ),
    ),
}


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
