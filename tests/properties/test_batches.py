"""Any batch equals the same commands one by one: the same answers, the same rows.

Two databases get the same rounds of commands; one all of a round at once, the other each after the
one before. Numbers of loans, payments and transactions differ and are compared by their order.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.conftest import COPIED, TEMPLATE, _administer, _at
from tests.store.branch import (
    Branch,
    a_draw,
    a_repayment,
    an_opening,
    confirmation,
    failure,
    open_branch,
    reversal,
)

from counterfoil.journeys.books.close_day import close_day
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.lending.commands import (
    AdvanceLoans,
    CloseLine,
    Command,
    FreezeLine,
    SetLimit,
    SetOwnCap,
    SetRepaymentDay,
    UnfreezeLine,
)
from counterfoil.lending.terms import Method, Prepayment
from counterfoil.platform.batches import Answer

#: A customer's lines; more than one, so that batches mix them.
LINES = 3
_NUMBERED = re.compile(r'"((?:lo|tx|rp|pm)_[0-9a-hjkmnp-tv-z]{13})"')


class Wish(NamedTuple):
    """A command by what it names, before loans and payments have numbers."""

    kind: str
    line: int
    amount: int
    which: int
    days: int
    #: The key of an earlier command of the round is used again.
    repeats: bool


KINDS = (
    *("draw", "draw", "draw", "confirm", "confirm", "fail"),
    *("repay", "repay", "repay", "repay_loan", "repay_late", "repay_late", "reverse", "reverse"),
    *("limit", "freeze", "unfreeze", "close", "cap", "day", "advance", "open"),
)
WISHES = st.builds(
    Wish,
    kind=st.sampled_from(KINDS),
    line=st.integers(0, LINES - 1),
    amount=st.sampled_from([0, 10_000, 50_000, 123_400, 300_000, 1_000_000, 2_500_000]),
    which=st.integers(0, 5),
    days=st.integers(0, 40),
    repeats=st.booleans(),
)
ROUNDS = st.lists(
    st.tuples(st.lists(WISHES, min_size=1, max_size=12), st.integers(0, 25)),
    min_size=2,
    max_size=5,
)


def day_of(line_id: int) -> int:
    """Return a line's repayment day: early, late or in the middle of the month."""
    return 1 + line_id % 3 * 9


class Hall:
    """A branch and what it knows of the example's customers by order."""

    def __init__(self, branch: Branch, *, is_serial: bool) -> None:
        self.branch = branch
        self.is_serial = is_serial
        self.customer_id = 0

    def line_id(self, line: int) -> int:
        return self.customer_id * 10 + line

    async def submit(self, commands: list[tuple[str, Command]]) -> list[str]:
        """Hand a round in, at once or one by one; return what each was answered."""
        ask = self.branch.ask
        if self.is_serial:
            return [told(await ask(command, key=key)) for key, command in commands]
        asked = [ask(command, key=key) for key, command in commands]
        return [told(answer) for answer in await asyncio.gather(*asked)]

    async def numbers(self, what: str) -> list[tuple[int, int]]:
        """Return (line, number) of the loans or payments so far, in order of their making."""
        table = {"loan_id": "lending.loan", "repayment_id": "lending.loan_transaction"}[what]
        rows = await self.branch.rows(
            f"SELECT DISTINCT line_id, {what} FROM {table}"
            f" WHERE customer_id = $1 AND {what} IS NOT NULL ORDER BY {what}",
            self.customer_id,
        )
        return [(line_id, number) for line_id, number in rows]

    async def commands(self, wishes: list[Wish], round_number: int) -> list[tuple[str, Command]]:
        loans = await self.numbers("loan_id")
        payments = await self.numbers("repayment_id")
        on = await self.branch.on()
        made = []
        for number, wish in enumerate(wishes):
            # The close of day's own command is idempotent by nature and leaves no key.
            is_twin = (
                wish.repeats
                and number
                and "advance"
                not in (
                    wish.kind,
                    wishes[number - 1].kind,
                )
            )
            key = f"{round_number}-{number - 1 if is_twin else number}"
            made.append((key, self._command(wish, loans, payments, on)))
        return made

    def _command(self, wish: Wish, loans: list[Any], payments: list[Any], on: date) -> Command:
        customer_id, line_id = self.customer_id, self.line_id(wish.line)
        # A loan or payment that is not there yet: refused, by name.
        loan_line, loan_id = loans[wish.which % len(loans)] if loans else (line_id, 1)
        paid_line, payment_id = payments[wish.which % len(payments)] if payments else (line_id, 1)
        late = on - timedelta(days=wish.days)
        mode = list(Prepayment)[wish.which % len(Prepayment)]
        amount = wish.amount
        match wish.kind:
            case "draw":
                return self._draw(wish, on)
            case "confirm":
                value_date = max(late, on - timedelta(days=3))
                return confirmation(customer_id, loan_line, loan_id, on=value_date)
            case "fail":
                return failure(customer_id, loan_line, loan_id)
            case "repay":
                return a_repayment(customer_id, line_id, amount + wish.days, mode=mode)
            case "repay_loan":
                return a_repayment(customer_id, loan_line, amount + 7, loan_id=loan_id, mode=mode)
            case "repay_late":
                return a_repayment(customer_id, line_id, amount + 1, value_date=late, mode=mode)
            case "reverse":
                return reversal(customer_id, paid_line, payment_id)
            case _:
                return self._change(wish, on)

    def _draw(self, wish: Wish, on: date) -> Command:
        line_id = self.line_id(wish.line)
        return a_draw(
            self.customer_id,
            line_id,
            wish.amount,
            on=on,
            method=list(Method)[wish.which % len(Method)],
            repayment_day=day_of(line_id),
        )

    def _change(self, wish: Wish, on: date) -> Command:
        """Return a command about the line itself."""
        line_id = self.line_id(wish.line)
        whose: dict[str, Any] = {"customer_id": self.customer_id, "line_id": line_id}
        signed = {**whose, "author": "operator"}
        until = on + timedelta(days=wish.which) if wish.which else None
        cap = wish.amount if wish.which else None
        made: dict[str, Callable[[], Command]] = {
            "open": lambda: an_opening(self.customer_id, line_id + wish.which % 2 * LINES),
            "limit": lambda: SetLimit(**signed, limit_minor=wish.amount, reason="review"),
            "freeze": lambda: FreezeLine(**signed, until=until, reason="asked"),
            "unfreeze": lambda: UnfreezeLine(**signed, reason="asked"),
            "close": lambda: CloseLine(**signed, reason="asked"),
            "cap": lambda: SetOwnCap(**signed, cap_minor=cap),
            "day": lambda: SetRepaymentDay(**signed, repayment_day=1 + wish.days),
            "advance": lambda: AdvanceLoans(**whose),
        }
        return made[wish.kind]()

    async def rows_of_customer(self) -> dict[str, list[Any]]:
        """Return everything that is stored of the customer, numbers by their order."""
        kept: dict[str, list[Any]] = {}
        ranks: dict[int, int] = {}
        for table, query in STORED.items():
            rows = await self.branch.rows(query, self.customer_id)
            kept[table] = [tuple(_ranked(value, ranks) for value in row) for row in rows]
        return kept

    async def move_to(self, day: date) -> None:
        """Move the date as the cut-off does; what falls due is advanced by commands."""
        await self.branch.value(
            "UPDATE platform.business_date SET business_date = $1 RETURNING 1", day
        )
        self.branch.house.counter.engine.forget_business_date()


#: No wall clock and no salt; rows in an order that follows from what happened.
STORED = {
    "line": "SELECT to_jsonb(l)::text FROM lending.credit_line AS l WHERE customer_id = $1"
    " ORDER BY line_id",
    "loan": "SELECT loan_id, (to_jsonb(o) - 'loan_id')::text FROM lending.loan AS o"
    " WHERE customer_id = $1 ORDER BY loan_id",
    "transaction": "SELECT transaction_id, loan_id, repayment_id, relates_to, (to_jsonb(t)"
    " - ARRAY['transaction_id', 'loan_id', 'repayment_id', 'relates_to', 'posted_at', 'reason'])"
    "::text FROM lending.loan_transaction AS t WHERE customer_id = $1 ORDER BY transaction_id",
    "instalment": "SELECT loan_id, (to_jsonb(i) - 'loan_id')::text FROM lending.instalment AS i"
    " WHERE customer_id = $1 ORDER BY loan_id, instalment_no",
    "event": "SELECT (to_jsonb(e) - 'at')::text FROM lending.line_event AS e"
    " WHERE customer_id = $1 ORDER BY line_id, version",
    "journal": "SELECT loan_id, transaction_id, kind, book_date, accounts, amounts"
    " FROM ledger.journal WHERE customer_id = $1 ORDER BY journal_id",
    "command": "SELECT idempotency_key, request_hash IS NULL, kind FROM platform.command"
    " WHERE customer_id = $1 ORDER BY idempotency_key",
    "told": "SELECT kind, subject_id FROM platform.outbox WHERE customer_id = $1 ORDER BY event_id",
    "leaves": "SELECT leaf_type, count(*) FROM evidence.leaf_staged WHERE customer_id = $1"
    " GROUP BY leaf_type ORDER BY leaf_type",
}
#: Identifiers made by a source are far larger than any amount of these tests.
_SMALLEST_ID = 1 << 50


def _ranked(value: Any, ranks: dict[int, int]) -> Any:
    if isinstance(value, int) and value >= _SMALLEST_ID:
        return f"number {ranks.setdefault(value, len(ranks))}"
    return value


def told(outcome: Answer | Refused) -> str:
    """Return an answer as it was told; whether it is a replay is part of it."""
    if isinstance(outcome, Refused):
        detail = {name: str(value) for name, value in outcome.detail.items()}
        return f"{outcome.code} {orjson.dumps(detail).decode()}"
    return f"{'again ' if outcome.is_replay else ''}{outcome.text}"


def in_order(rounds: list[list[str]]) -> list[list[str]]:
    """Replace identifiers by the order in which they are first told."""
    names: dict[str, str] = {}

    def name(match: re.Match[str]) -> str:
        return names.setdefault(match[1], f"number-{len(names)}")

    return [[_NUMBERED.sub(name, text) for text in one] for one in rounds]


@asynccontextmanager
async def two_halls(server_url: str, home: Path) -> AsyncIterator[tuple[Hall, Hall]]:
    names = [f"batch_{kind}_{id(home)}" for kind in ("whole", "serial")]
    for name in names:
        await _administer(server_url, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} {COPIED}")
    urls = [_at(server_url, name) for name in names]
    try:
        async with (
            open_branch(urls[0], home, shards=1) as whole,
            open_branch(urls[1], home, shards=1) as serial,
        ):
            yield Hall(whole, is_serial=False), Hall(serial, is_serial=True)
    finally:
        for name in names:
            await _administer(server_url, f"DROP DATABASE {name} WITH (FORCE)")


class Pair:
    """Both halls, in an event loop that lives as long as the test."""

    def __init__(self, server_url: str, home: Path) -> None:
        self.runner = asyncio.Runner()
        self._halls = two_halls(server_url, home)
        self.halls = self.runner.run(self._enter())
        self.customers = 0
        self.rounds_of_many = 0

    async def _enter(self) -> tuple[Hall, Hall]:
        return await self._halls.__aenter__()

    def close(self) -> None:
        self.runner.run(self._leave())
        self.runner.close()

    async def _leave(self) -> None:
        await self._halls.__aexit__(None, None, None)

    async def compare(self, rounds: list[tuple[list[Wish], int]]) -> None:
        self.customers += 1
        answers: list[list[list[str]]] = []
        rows = []
        start = await self.halls[0].branch.on()
        for hall in self.halls:
            hall.customer_id = self.customers
            day = start
            heard = []
            for line in range(LINES):
                line_id = hall.line_id(line)
                opening = an_opening(hall.customer_id, line_id, repayment_day=day_of(line_id))
                await hall.branch.get(opening, key=f"open-{line}")
            for number, (wishes, days) in enumerate(rounds):
                heard.append(await hall.submit(await hall.commands(wishes, number)))
                day += timedelta(days=days)
                await hall.move_to(day)
            answers.append(in_order(heard))
            rows.append(await hall.rows_of_customer())
        for one, two in zip(answers[0], answers[1], strict=True):
            for a, b in zip(one, two, strict=True):
                assert a == b
        for table in STORED:
            assert rows[0][table] == rows[1][table], table


@pytest.fixture
def pair(server_url: str, tmp_path: Path) -> Iterator[Pair]:
    made = Pair(server_url, tmp_path)
    yield made
    made.close()


def test_a_batch_equals_the_same_commands_one_by_one(pair: Pair) -> None:
    @settings(max_examples=40, phases=[Phase.explicit, Phase.generate])
    @given(ROUNDS)
    def compare(rounds: list[tuple[list[Wish], int]]) -> None:
        pair.runner.run(pair.compare(rounds))

    compare()
    whole, serial = (hall.branch.house.counter.engine.batch_sizes for hall in pair.halls)
    assert max(serial) == 1
    assert max(whole) > 8, "batches were batches"

    async def faults(hall: Hall) -> set[str]:
        await close_day(hall.branch.house)  # lets happen what fell on the days before
        return set(await hall.branch.faults())

    # Days that were jumped over were never summed up.
    for hall in pair.halls:
        assert pair.runner.run(faults(hall)) <= {"day_balances"}


def test_identifiers_are_told_apart_by_their_order() -> None:
    first, second = (ids.to_text(ids.LOAN, n) for n in (1 << 55, (1 << 55) + 1))
    assert in_order([[f'{{"a":"{second}"}}'], [f'"{first}" "{second}"']]) == [
        ['{"a":number-0}'],
        ["number-1 number-0"],
    ]
