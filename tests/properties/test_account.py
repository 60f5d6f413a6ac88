"""A line that is drawn on, paid, paid late, taken back, frozen and aged at random stays right.

After each step the books balance, the parts of a payment are the payment, the state is the fold,
nothing can be drawn that is not there, and what was refused changed nothing.
"""

import copy
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from tests.properties.terms_for_tests import START, Bench
from tests.properties.test_loan_fold import check_account

from counterfoil.journeys.counter import postings_of
from counterfoil.kernel.errors import Refused
from counterfoil.ledger.chart import (
    BANK,
    COMMITMENT_CONTRA,
    COMMITMENT_HELD,
    CUSTOMER_CREDIT,
    LOAN_PRINCIPAL,
)
from counterfoil.lending.account import Accepted, Account
from counterfoil.lending.commands import (
    AdvanceLoans,
    Agreement,
    CloseLine,
    ConfirmPayout,
    Draw,
    FailPayout,
    FreezeLine,
    Repay,
    ReverseRepayment,
    SetLimit,
    SetLimitAsWished,
    SetOwnCap,
    UnfreezeLine,
)
from counterfoil.lending.line import agreed_limit, availability
from counterfoil.lending.terms import Method, Prepayment

CUSTOMER, LINE = 7, 11
WHO: dict[str, Any] = {"customer_id": CUSTOMER, "line_id": LINE}
AMOUNTS = st.integers(1, 600_000)
MODES = st.sampled_from(Prepayment)


def snapshot(account: Account) -> dict[str, Any]:
    """Return everything an account knows, apart from it."""
    return copy.deepcopy(
        {
            "line": asdict(account.line) if account.line else None,
            "loans": {number: asdict(loan) for number, loan in account.loans.items()},
            "history": account.history,
            "changed": (account.new_loans, account.changed_loans, account.refolded_loans),
        }
    )


class AccountMachine(RuleBasedStateMachine):
    """One line, its loans, and a ledger kept beside them in plain integers."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench()
        self.ledger: dict[int, int] = {}
        self.paid_in = 0
        self.agreed_minor = 20_000_000
        self.repayments: list[int] = []

    @property
    def account(self) -> Account:
        return self.bench.account

    def ask(self, command: object) -> Accepted | None:
        """Decide; hold the answer against the account, and book its movements."""
        before = snapshot(self.account)
        available = self.available()
        outcome = self.bench.decide(command)
        if isinstance(outcome, Refused):
            assert snapshot(self.account) == before, f"{outcome.code} changed the account"
            return None
        assert isinstance(outcome, Accepted)
        line = self.account.line
        assert line is not None
        assert line.version == before["line"]["version"] + (0 if self.is_idle(outcome) else 1)
        if isinstance(command, Draw):
            assert command.amount_minor <= available
        self.book(outcome)
        return outcome

    def is_idle(self, outcome: Accepted) -> bool:
        return outcome.answer.get("touched") == 0

    def book(self, outcome: Accepted) -> None:
        for movement in outcome.movements:
            postings = postings_of(movement)
            assert sum(postings.amounts) == 0
            assert 0 not in postings.amounts
            for account, amount in zip(postings.accounts, postings.amounts, strict=True):
                self.ledger[account] = self.ledger.get(account, 0) + amount
        moved = [t.transaction_id for t in outcome.transactions]
        assert [m.transaction_id for m in outcome.movements if m.transaction_id] == moved

    def available(self) -> int:
        line = self.account.line
        assert line is not None
        return availability(line, self.bench.on).available_minor

    @rule(
        amount=st.integers(1, 60_000).map(lambda yuan: yuan * 100),
        months=st.sampled_from([3, 6, 12]),
        method=st.sampled_from(Method),
        stale=st.sampled_from([0, 0, 0, 1]),
    )
    def draw(self, amount: int, months: int, method: Method, stale: int) -> None:
        line = self.account.line
        assert line is not None
        quoted_on = self.bench.on - timedelta(days=stale)
        agreement = Agreement(
            line.rate_daily_e8, line.repayment_day, 1, quoted_on, LINE, "loan-note/1/zh", bytes(32)
        )
        drawn = self.ask(
            Draw(
                **WHO,
                amount_minor=amount,
                currency="CNY",
                tenor_months=months,
                method=method,
                purpose="travel",
                payee_ref="account-token",
                cost_sheet_hash=bytes(32),
                agreement=agreement,
            )
        )
        if drawn is not None:
            (loan_id,) = self.account.loans.keys() - self.account.history.keys()
            self.account.history[loan_id] = []
            self.account.stored_instalments[loan_id] = set()

    @initialize(method=st.sampled_from(Method), months=st.sampled_from([3, 12]))
    def begin_with_a_loan(self, method: Method, months: int) -> None:
        self.draw(4_000_000, months, method, 0)
        self.confirm(0, 0)

    @precondition(lambda self: self.account.loans)
    @rule(which=st.integers(0, 9), days=st.integers(-1, 5))
    def confirm(self, which: int, days: int) -> None:
        loan_id = self.a_loan(which)
        value_date = self.bench.on - timedelta(days=days)
        self.ask(
            ConfirmPayout(
                **WHO, loan_id=loan_id, payment_id=1, value_date=value_date, rail_reference="r"
            )
        )

    @precondition(lambda self: self.account.loans)
    @rule(which=st.integers(0, 9))
    def fail(self, which: int) -> None:
        self.ask(FailPayout(**WHO, loan_id=self.a_loan(which), payment_id=1, reason="closed"))

    @rule(amount=AMOUNTS, mode=MODES, which=st.integers(0, 9), named=st.booleans())
    def repay(self, amount: int, mode: Prepayment, which: int, *, named: bool) -> None:
        loan_id = self.a_loan(which) if named and self.account.loans else None
        self.pay(amount, None, mode, loan_id)

    @rule(amount=AMOUNTS, mode=MODES, days=st.integers(-1, 90))
    def repay_late(self, amount: int, mode: Prepayment, days: int) -> None:
        self.pay(amount, self.bench.on - timedelta(days=days), mode, None)

    def pay(self, amount: int, on: date | None, mode: Prepayment, loan_id: int | None) -> None:
        paid = self.ask(
            Repay(
                **WHO,
                loan_id=loan_id,
                amount_minor=amount,
                currency="CNY",
                value_date=on,
                mode=mode,
                channel="bank",
            )
        )
        if paid is None:
            return
        own = [t for t in paid.transactions if t.kind == "repayment"]
        assert sum(t.parts.amount_minor for t in own) == amount
        assert all(part >= 0 for t in own for part in t.parts)
        assert all(t.amount_minor == 0 for t in paid.transactions if t.kind == "reallocation")
        (repayment_id,) = {t.repayment_id for t in own}
        assert repayment_id is not None
        self.repayments.append(repayment_id)
        self.paid_in += amount

    @precondition(lambda self: self.repayments)
    @rule(which=st.integers(0, 9))
    def reverse(self, which: int) -> None:
        repayment_id = self.repayments[which % len(self.repayments)]
        taken = self.ask(ReverseRepayment(**WHO, repayment_id=repayment_id, reason="bounced"))
        if taken is not None:
            self.paid_in -= sum(-t.amount_minor for t in taken.transactions)
            # Whatever was moved about, nothing of the payment is left.
            parts = [
                t.parts
                for history in self.account.history.values()
                for t in history
                if t.repayment_id == repayment_id
            ]
            assert not any(sum(column) for column in zip(*parts, strict=True))

    @rule(limit=st.sampled_from([50_000, 1_000_000, 5_000_000, 20_000_000, 777]))
    def set_limit(self, limit: int) -> None:
        self.ask(SetLimit(**WHO, limit_minor=limit, reason="review", author="operator"))

    @rule(limit=st.sampled_from([500_000, 2_000_000, 6_000_000]))
    def wish_for_limit(self, limit: int) -> None:
        wish = SetLimitAsWished(**WHO, limit_minor=limit, reason="own_wish", author="customer")
        before = self.account.line
        assert before is not None
        present = before.limit_minor
        if self.ask(wish) is not None and limit < present:
            self.agreed_minor = min(self.agreed_minor, limit)

    @rule(cap=st.sampled_from([None, 0, 100_000, 4_000_000]))
    def set_cap(self, cap: int | None) -> None:
        self.ask(SetOwnCap(**WHO, cap_minor=cap, author="customer"))

    @rule(days=st.sampled_from([None, -1, 0, 3]))
    def freeze(self, days: int | None) -> None:
        until = None if days is None else self.bench.on + timedelta(days=days)
        self.ask(FreezeLine(**WHO, until=until, reason="asked", author="customer"))

    @rule()
    def unfreeze(self) -> None:
        self.ask(UnfreezeLine(**WHO, reason="asked", author="customer"))

    @precondition(lambda self: self.repayments)
    @rule()
    def close(self) -> None:
        self.ask(CloseLine(**WHO, reason="asked", author="customer"))

    @rule(days=st.sampled_from([1, 3, 4, 11, 31]))
    def age(self, days: int) -> None:
        self.bench.on += timedelta(days=days)
        self.ask(AdvanceLoans(**WHO))
        assert self.ask(AdvanceLoans(**WHO)) == Accepted({"touched": 0})

    def a_loan(self, which: int) -> int:
        loans = sorted(self.account.loans)
        return loans[which % len(loans)]

    @invariant()
    def state_is_the_fold(self) -> None:
        started = {n: loan for n, loan in self.account.loans.items() if loan.start_date}
        pending = self.account.loans.keys() - started.keys()
        check_account(
            Account(
                self.account.line,
                loans=started,
                history={n: h for n, h in self.account.history.items() if n in started},
            ),
            self.bench.on,
        )
        line = self.account.line
        assert line is not None
        held = sum(
            loan.original_minor for loan in self.account.loans.values() if loan.status == "pending"
        )
        assert line.held_minor == held
        assert all(not self.account.loans[number].principal_minor for number in pending)
        assert self.available() >= 0
        if line.status == "closed":
            assert not any(
                loan.status in ("open", "pending") for loan in self.account.loans.values()
            )

    @invariant()
    def books_are_the_line(self) -> None:
        line = self.account.line
        assert line is not None
        assert line.limit_minor <= agreed_limit(line) <= self.agreed_minor
        book = {account: self.ledger.get(account, 0) for account in self.ledger}
        assert sum(book.values()) == 0
        assert book.get(LOAN_PRINCIPAL, 0) == line.principal_minor
        assert -book.get(CUSTOMER_CREDIT, 0) == line.credit_minor
        assert book.get(COMMITMENT_HELD, 0) == line.held_minor
        assert -book.get(COMMITMENT_CONTRA, 0) == line.held_minor
        lent = sum(loan.original_minor for loan in self.account.loans.values() if loan.start_date)
        assert book.get(BANK, 0) == self.paid_in - lent


AccountMachine.TestCase.settings = settings(
    max_examples=80,
    stateful_step_count=40,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
)
TestAccount = AccountMachine.TestCase


def test_the_machine_starts_on_an_empty_line() -> None:
    machine = AccountMachine()
    assert machine.bench.on == START
    assert machine.available() == 20_000_000
