"""Several processes with several shards on the same customers come to what one of one comes to.

Each customer sends one command after the other, now to this process, now to that, one in five to
both at once; all customers do so at the same time. Identifiers differ from run to run: they are
told apart by the order in which a customer first heard of them.
"""

import asyncio
import itertools
import os
import pickle  # from the test's own child
import re
import sys
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import orjson
from tests.store.branch import (
    FIRST_DATE,
    a_draw,
    a_repayment,
    an_opening,
    confirmation,
    failure,
    open_branch,
    reversal,
)

from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.lending.commands import Command, SetLimit
from counterfoil.lending.terms import Method
from counterfoil.platform.batches import Answer

ROOT = Path(__file__).parents[2]
CUSTOMERS = range(1, 25)
STEPS = 14
LATER = date(2026, 3, 2)
SECONDS_MAX = 180
_ID = re.compile(r"\b[a-z]{2}_[0-9a-z]{13}\b")


class Counter:
    """A counter in another process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._numbers = itertools.count()
        self._asked: dict[str, asyncio.Future[Answer | Refused]] = {}
        self._words: asyncio.Queue[str] = asyncio.Queue()
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            word, _, rest = line.decode().strip().partition(" ")
            if rest:
                outcome = pickle.loads(b64decode(rest))  # noqa: S301
                self._asked.pop(word).set_result(outcome)
            else:
                self._words.put_nowait(word)

    async def hears(self, word: str) -> None:
        async with asyncio.timeout(SECONDS_MAX):
            assert await self._words.get() == word

    async def ask(self, command: Command, key: str) -> Answer | Refused:
        number = str(next(self._numbers))
        self._asked[number] = asyncio.get_running_loop().create_future()
        self._write(f"{number} {b64encode(pickle.dumps((command, key))).decode()}\n")
        async with asyncio.timeout(SECONDS_MAX):
            return await self._asked[number]

    async def close_to(self, day: date) -> None:
        self._write(f"close {day}\n")
        await self.hears("closed")

    def _write(self, text: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(text.encode())

    async def leave(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        async with asyncio.timeout(SECONDS_MAX):
            assert await self._process.wait() == 0
        await self._reader


@asynccontextmanager
async def counters(url: str, home: Path, count: int, shards: int) -> AsyncIterator[list[Counter]]:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}
    async with AsyncExitStack() as stack:
        opened = []
        for node in range(1, count + 1):
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.store.counter_child"),
                *(url, str(home), str(node), str(shards)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=environment,
                cwd=ROOT,
            )
            counter = Counter(process)
            stack.push_async_callback(counter.leave)
            opened.append(counter)
            await counter.hears("ready")  # the first one starts the calendar
        yield opened


@dataclass
class Customer:
    """Somebody whose wishes follow from the seed, and what was answered."""

    number: int
    chance: Random
    heard: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    pending: list[int] = field(default_factory=list)
    repayments: list[int] = field(default_factory=list)
    steps: int = 0

    def wish(self, on: date) -> Command:
        own = (self.number, self.number)
        match self.chance.choice(["draw", "draw", "arrive", "arrive", "repay", "reverse", "limit"]):
            case "arrive" if self.pending:
                loan_id = self.pending.pop(0)
                if self.chance.random() < 0.2:
                    return failure(*own, loan_id)
                return confirmation(*own, loan_id, on=on)
            case "repay":
                return a_repayment(*own, self.chance.randint(1, 40_000))
            case "reverse" if self.repayments:
                return reversal(*own, self.repayments.pop())
            case "limit":
                return SetLimit(
                    customer_id=self.number,
                    line_id=self.number,
                    limit_minor=100_000 * self.chance.randint(5, 20),
                    reason="review",
                    author="test",
                )
            case _:
                return a_draw(
                    *own,
                    10_000 * self.chance.randint(1, 40),
                    on=on,
                    tenor_months=self.chance.choice([3, 6]),
                    method=self.chance.choice(list(Method)),
                )

    async def act(self, command: Command, counters: list[Counter]) -> None:
        """Send a command to one process or to all, and keep the answer."""
        self.steps += 1
        key = f"step-{self.steps}"
        chosen = self.chance.random()
        asked = counters if chosen < 0.2 else [counters[int(chosen * 1_000) % len(counters)]]
        outcomes = await asyncio.gather(*[counter.ask(command, key) for counter in asked])
        texts = {o.code if isinstance(o, Refused) else o.text for o in outcomes}
        assert len(texts) == 1, texts
        (text,) = texts
        self.heard.append(self.renamed(text))
        if isinstance(outcomes[0], Answer):
            answer = orjson.loads(text)
            if type(command).__name__ == "Draw":
                self.pending.append(ids.from_text(ids.LOAN, answer["id"]))
            elif type(command).__name__ == "Repay":
                self.repayments.append(ids.from_text(ids.REPAYMENT, answer["id"]))

    def renamed(self, text: str) -> str:
        """Return a text in which each identifier is a number: which one the customer heard of."""

        def rename(found: re.Match[str]) -> str:
            kind = found[0][:2]
            return self.names.setdefault(found[0], f"{kind}#{len(self.names)}")

        return _ID.sub(rename, text)

    def loan(self, loan_id: int) -> str:
        return self.names[ids.to_text(ids.LOAN, loan_id)]


async def work(
    url: str, home: Path, *, processes: int, shards: int
) -> dict[int, tuple[list[str], object]]:
    """Let every customer act on two dates; return what each heard and what is recorded of it."""
    customers = [Customer(number, Random(f"shards/{number}")) for number in CUSTOMERS]
    async with counters(url, home, processes, shards) as opened:

        async def live(customer: Customer, on: date) -> None:
            if on == FIRST_DATE:
                await customer.act(an_opening(customer.number, customer.number), opened)
            for _ in range(STEPS):
                await customer.act(customer.wish(on), opened)

        await asyncio.gather(*[live(customer, FIRST_DATE) for customer in customers])
        await opened[0].close_to(LATER)
        await asyncio.gather(*[live(customer, LATER) for customer in customers])
    async with open_branch(url, home) as branch:
        faults = await branch.faults()
        faults.pop("evidence_leaves", None)  # the log may have taken some
        assert faults == {}
    connection = await asyncpg.connect(url)
    try:
        return {c.number: (c.heard, await recorded(connection, c)) for c in customers}
    finally:
        await connection.close()


async def recorded(connection: Any, customer: Customer) -> object:
    """Return a customer's line, loans, history and journals, without identifiers of the run."""

    async def rows(query: str, of: Callable[[Any], Any] = tuple) -> list[Any]:
        return [of(row) for row in await connection.fetch(query, customer.number)]

    def of_loan(row: Any) -> Any:
        return customer.loan(row["loan_id"]), tuple(row)[1:]

    line = await rows(
        "SELECT limit_minor, held_minor, principal_minor, version, status"
        " FROM lending.credit_line WHERE customer_id = $1"
    )
    loans = await rows(
        "SELECT loan_id, status, original_minor, principal_minor, due_principal_minor,"
        " due_interest_minor, accrued_interest_e8, accrued_penalty_e8, accrued_to, version,"
        " next_due_date FROM lending.loan WHERE customer_id = $1",
        of_loan,
    )
    transactions = await rows(
        "SELECT loan_id, sequence, kind, value_date, book_date, amount_minor, principal_minor,"
        " interest_minor, penalty_minor, excess_minor, idempotency_key"
        " FROM lending.loan_transaction WHERE customer_id = $1",
        of_loan,
    )
    events = await rows(
        "SELECT version, kind, before_value, after_value, idempotency_key"
        " FROM lending.line_event WHERE customer_id = $1 ORDER BY version",
        # The key of a measure names the measure.
        lambda row: tuple(re.sub(r"[a-z]{2}_[0-9a-z]{13}|\d{12,}", "#", str(part)) for part in row),
    )
    journals = await rows(
        "SELECT kind, book_date, accounts, amounts FROM ledger.journal WHERE customer_id = $1",
        lambda row: (row["kind"], row["book_date"], *map(tuple, row[2:])),
    )
    return line, sorted(loans), sorted(transactions), events, sorted(journals)


async def test_two_processes_of_three_shards_come_to_what_one_of_one_comes_to(
    database_url: str, other_database_url: str, tmp_path: Path
) -> None:
    alone = await work(database_url, tmp_path / "one", processes=1, shards=1)
    together = await work(other_database_url, tmp_path / "two", processes=2, shards=3)
    assert together == alone
    heard = [text for answers, _ in alone.values() for text in answers]
    assert sum(text.startswith("{") for text in heard) > len(heard) / 2
