"""A change folded from a checkpoint is booked exactly as one folded from the loan's start.

Two accounts live through the same history. One has all of it in memory. The other is loaded anew
for each command, as the store loads it: the newest checkpoint that holds, what is valued after it,
and the instalments that are not settled.
"""

import itertools
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from tests.properties.terms_for_tests import NOW, START, Bench
from tests.properties.test_fees import bench_with, fees
from tests.properties.test_loan_fold import METHODS, MODES

from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.lending import checkpoint, store
from counterfoil.lending.account import Accepted, Account, Setting, Transaction
from counterfoil.lending.checking import checkpoint_faults
from counterfoil.lending.checkpoint import Checkpoint
from counterfoil.lending.commands import (
    AdvanceLoans,
    MoveRepaymentDay,
    Repay,
    ReplanLoan,
    ReturnPayout,
    ReverseRepayment,
)
from counterfoil.lending.loan import Loan
from counterfoil.lending.moving_day import effect_document, effect_of_day, effect_sha256
from counterfoil.lending.refolding import checkpoints_after
from counterfoil.lending.terms import Fee

WHO: dict[str, Any] = {"customer_id": 7, "line_id": 11}
#: Days that pass, what is done, an amount, how many days ago it is valued, a mode.
STEPS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 2, 5, 9, 17, 25]),
        st.sampled_from(["pay", "pay", "pay", "bounce", "replan", "redate", "return"]),
        st.integers(100, 50_000),
        st.integers(0, 35),
        MODES,
    ),
    min_size=8,
    max_size=24,
)
LEFT_OUT = {"dues"}


class Loaded:
    """The account that is loaded for each command, and the rows that a store would have of it."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.rows: dict[int, list[Transaction]] = {}
        self.instalments: dict[tuple[int, int], tuple[object, ...]] = {}
        self.checkpoints: dict[int, list[Checkpoint]] = {}
        self.resumed = 0

    def decide(self, commands: list[Any], changed_on: date) -> list[Any]:
        """Load the account once, decide a batch, and write what came of it."""
        account = self.bench.account
        fresh = Account(account.line, stored_version=account.line.version if account.line else 0)
        fresh.loans = {number: self.stored(loan) for number, loan in account.loans.items()}
        for number in fresh.loans:
            base = self.base_of(number, changed_on)
            if base is not None:
                fresh.bases[number] = base
            after = base.value_date if base else date.min
            rows_from = base.rows_from if base else 0
            fresh.history[number] = [
                t
                for t in self.rows.get(number, [])
                if t.sequence >= rows_from and t.value_date > after
            ]
            fresh.stored_instalments[number] = {
                no
                for (loan, no), row in self.instalments.items()
                if loan == number and row[3] > after  # type: ignore[operator]
            }
        self.bench.account = fresh
        outcomes = [self.bench.decide(command) for command in commands]
        self.write([one for one in outcomes if isinstance(one, Accepted)])
        return outcomes

    def stored(self, loan: Loan) -> Loan:
        """Return a loan as the store gives it: with its unsettled instalments."""
        twin = loan.copy()
        twin.dues = [
            store.due_of(row)
            for (number, _), row in sorted(self.instalments.items())
            if number == loan.loan_id and row[9] is None
        ]
        return twin

    def base_of(self, number: int, changed_on: date) -> Checkpoint | None:
        """Return the newest checkpoint before a date that holds."""
        kept = sorted(
            self.checkpoints.get(number, []),
            key=lambda one: (one.value_date, one.booked_through),
            reverse=True,
        )
        for one in kept:
            overtaken = any(
                t.sequence > one.booked_through
                and t.kind != "reallocation"
                and (t.value_date <= one.value_date or t.kind == "payout_returned")
                for t in self.rows[number]
            )
            if one.value_date < changed_on and not overtaken:
                return one
        return None

    def write(self, outcomes: list[Accepted]) -> None:
        """Keep what the store would have kept."""
        account = self.bench.account
        for t in (t for outcome in outcomes for t in outcome.transactions):
            self.rows.setdefault(t.loan_id, []).append(t)
        for part in store.writes_of([account], [], []):
            for row in part.arguments[0] if part.arguments else []:  # type: ignore[attr-defined]
                if part.query.name == "put_instalments":
                    self.instalments[row[1], row[2]] = row
                elif part.query.name == "drop_instalments":
                    del self.instalments[row[1], row[2]]
        for number, passed in account.checkpoints.items():
            base = account.bases.get(number)
            self.resumed += base is not None
            before = base.value_date if base else date.min
            kept = [one for one in self.checkpoints.get(number, []) if one.value_date <= before]
            self.checkpoints[number] = kept + passed

    def close(self) -> None:
        """Keep checkpoints as the close of day does."""
        for number, loan in self.bench.account.loans.items():
            if loan.status != "open":
                continue
            base = self.base_of(number, self.bench.on)
            after = base.value_date if base else date.min
            history = [t for t in self.rows[number] if t.value_date > after]
            if not history:
                continue
            passed = checkpoints_after(
                loan, base, history, through=self.bench.on, terms=self.bench.terms
            )
            self.checkpoints.setdefault(number, []).extend(passed)


def start(agreed: tuple[Fee, ...], method: Any) -> tuple[Bench, Loaded, int]:
    """Return the two accounts with the same loan on each."""
    plain, twin = bench_with(agreed), bench_with(agreed)
    loan_id = plain.draw(900_000, months=12, method=method)
    assert twin.draw(900_000, months=12, method=method) == loan_id
    loaded = Loaded(twin)
    loaded.rows[loan_id] = list(twin.account.history[loan_id])
    return plain, loaded, loan_id


def the_same(plain: Bench, loaded: Loaded, stored: dict[Any, Any]) -> None:
    """Assert that both accounts are in the same state, to the last minor unit."""
    one, other = plain.account, loaded.bench.account
    assert one.line == other.line
    for number, loan in one.loans.items():
        twin = other.loans[number]
        names = [name for name in Loan.__slots__ if name not in LEFT_OUT]
        assert [getattr(loan, n) for n in names] == [getattr(twin, n) for n in names]
        assert one.history[number] == loaded.rows[number]
        kept = sorted(
            loaded.checkpoints.get(number, []), key=lambda c: (c.booked_through, c.value_date)
        )
        rows = loaded.rows[number]
        assert checkpoint_faults(twin, rows, kept, terms=plain.terms) == []
    assert stored == loaded.instalments


def written(plain: Bench, stored: dict[Any, Any]) -> None:
    """Keep the instalments of the account that has everything in memory."""
    for loan in plain.account.loans.values():
        for due in loan.dues:
            due.is_changed = True
        for row in store._instalment_rows(loan):
            stored[row[1], row[2]] = row
        numbers = {due.instalment_no for due in loan.dues}
        for key in [k for k in stored if k[0] == loan.loan_id and k[1] not in numbers]:
            del stored[key]


def command_of(
    what: str, plain: Bench, loan_id: int, paid: list[int], amount: int, on: date, mode: Any
) -> tuple[Any, date] | None:
    """Return a command, and from which date on it may change the past."""
    if what == "pay":
        money: dict[str, Any] = {"amount_minor": amount, "currency": "CNY", "channel": "bank"}
        command = Repay(**WHO, **money, loan_id=None, value_date=on, mode=mode)
        return command, on
    if what == "bounce" and paid:
        number = paid[amount % len(paid)]
        rows = itertools.chain.from_iterable(plain.account.history.values())
        dates = [t.value_date for t in rows if t.repayment_id == number]
        return ReverseRepayment(**WHO, repayment_id=number, reason="bounced"), min(dates)
    if what == "replan":
        rate = 35_000 - amount % 9_000
        return ReplanLoan(
            **WHO, loan_id=loan_id, rate_daily_e8=rate, tenor_months=None, value_date=on,
            reason="hardship", author="operator",
        ), on  # fmt: skip
    if what == "redate":
        return redating(plain, 1 + amount % 28)
    if what == "return" and amount % 7 == 0:
        return ReturnPayout(
            **WHO, loan_id=loan_id, payment_id=1, value_date=plain.on, rail_reference="r",
            reason="bounced",
        ), date.min  # fmt: skip
    return None


def redating(plain: Bench, day: int) -> tuple[Any, date] | None:
    """Return the command that moves the instalments to another day, where it may be moved."""
    setting = Setting(plain.terms, plain.on, NOW, plain.ids)
    loans = [one for one in plain.account.loans.values() if one.status in ("open", "pending")]
    effect = effect_of_day(plain.account.line, loans, day, setting)
    if isinstance(effect, Refused):
        return None
    agreed = effect_sha256(effect_document(effect))
    command = MoveRepaymentDay(**WHO, repayment_day=day, effect_sha256=agreed, author="customer")
    return command, plain.on


@given(agreed=st.one_of(st.just(()), fees()), method=METHODS, steps=STEPS, every=st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_a_fold_from_a_checkpoint_is_the_fold_from_the_start(
    agreed: tuple[Fee, ...], method: Any, steps: list[Any], every: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "EVERY", every)
        plain, loaded, loan_id = start(agreed, method)
        plain.terms = loaded.bench.terms = replace(plain.terms, repayment_day_changes_per_year=50)
        paid: list[int] = []
        stored: dict[Any, Any] = {}
        batch: list[tuple[Any, date, Any]] = []
        for days, what, amount, ago, mode in [*steps, (1, "close", 0, 0, None)]:
            if days and batch:
                commands = [command for command, _, _ in batch]
                earliest = min(changed_on for _, changed_on, _ in batch)
                assert loaded.decide(commands, earliest) == [said for _, _, said in batch]
                batch.clear()
                written(plain, stored)
                the_same(plain, loaded, stored)
            if days:
                plain.on = loaded.bench.on = plain.on + timedelta(days=days)
                plain.decide(AdvanceLoans(**WHO))
                loaded.decide([AdvanceLoans(**WHO)], plain.on)
                loaded.close()
            on = max(START, plain.on - timedelta(days=ago))
            asked = command_of(what, plain, loan_id, paid, amount, on, mode)
            if asked is None:
                continue
            said = plain.decide(asked[0])
            batch.append((*asked, said))
            if isinstance(said, Accepted) and what == "pay":
                paid.append(ids.from_text(ids.REPAYMENT, str(said.answer["id"])))
        event(f"resumed {min(loaded.resumed, 3)} times")
