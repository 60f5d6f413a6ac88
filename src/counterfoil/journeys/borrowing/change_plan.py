"""Changing the plan of a running loan: shown as two cost sheets, agreed to by the hash of the new.

The way of a change: asked for, decided on a copy of the loan and shown (nothing is written); then
asked for with the hash of the new sheet and booked if the sheet is still that one. The sheet is
kept with its difference to the one before by `papers`.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending import checkpoint_store, refusals, store
from counterfoil.lending.account import Account, Setting
from counterfoil.lending.commands import Repay, ReplanLoan
from counterfoil.lending.decide import decide
from counterfoil.lending.sheet_change import SheetChange, change_by, difference
from counterfoil.lending.terms import Prepayment
from counterfoil.platform.batches import QUERIES as PLATFORM
from counterfoil.platform.batches import Answer

#: Channel of a payment that is only being tried out.
_TRIAL: Final = "trial"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanWish:
    """What the customer and the lender wish changed; a payment only to see what it would do."""

    customer_id: int
    loan_id: int
    rate_daily_e8: int | None = None
    tenor_months: int | None = None
    value_date: date | None = None
    #: Principal to be paid ahead, minor units, and what that does to the plan.
    payment_minor: int | None = None
    mode: Prepayment = Prepayment.REDUCE_TERM
    reason: str = "agreed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanShown:
    """The sheet of now and the sheet of then, of one date."""

    before: dict[str, object]
    before_sha256: bytes
    #: None where nothing would be left to fall due.
    after: dict[str, object] | None
    after_sha256: bytes | None
    difference: dict[str, object]


async def show_plan(house: House, wish: PlanWish) -> PlanShown | Refused:
    """Return what a change of plan would do, or why it cannot be made."""
    async with house.database.connection() as connection:
        loan = await store.read_loan(connection, wish.customer_id, wish.loan_id)
        if loan is None:
            return refuse(refusals.LOAN_NOT_FOUND)
        key = (loan.customer_id, loan.line_id)
        accounts = await store.read_accounts(connection, [key])
        await store.add_loans(connection, accounts, [key])
        await store.add_named_loans(connection, accounts, [(loan.customer_id, loan.loan_id)])
        # The sheet before and the one after are both folded from the start.
        await checkpoint_store.add_history(
            connection, accounts, {key: checkpoint_store.FROM_THE_START}
        )
    terms = house.catalogue.terms(loan.product_code, loan.product_version)
    setting = Setting(terms, await house.business_date(), house.clock.now(), house.ids)
    change = _tried(accounts[key], wish, setting)
    if isinstance(change, Refused):
        return change
    if change is None:
        return refuse(refusals.PLAN_NOT_POSSIBLE, least=1, most=0)
    after = change.after
    return PlanShown(
        before=change.before.document(),
        before_sha256=change.before.sheet_hash,
        after=None if after is None else after.document(),
        after_sha256=None if after is None else after.sheet_hash,
        difference=difference(change),
    )


async def change_plan(
    house: House, wish: PlanWish, *, sheet_sha256: bytes, author: str, idempotency_key: str
) -> Answer | Refused:
    """Book a change of rate or tenor whose new sheet the customer agreed to by its hash."""
    async with house.database.connection() as connection:
        loan = await store.read_loan(connection, wish.customer_id, wish.loan_id)
        keys = [(wish.customer_id, idempotency_key)]
        is_repeated = bool(await PLATFORM.commands_seen.fetch(connection, keys=keys))
    if loan is None:
        return refuse(refusals.LOAN_NOT_FOUND)
    if not is_repeated:
        shown = await show_plan(house, wish)
        if isinstance(shown, Refused):
            return shown
        if shown.after_sha256 != sheet_sha256:
            return refuse(refusals.EFFECT_CHANGED)
    command = _command(wish, line_id=loan.line_id, author=author)
    return await house.counter.submit(command, idempotency_key=idempotency_key)


def _tried(account: Account, wish: PlanWish, setting: Setting) -> SheetChange | Refused | None:
    """Return what the wish makes of the loan, decided on this copy of the account."""
    line = account.line
    assert line is not None, "a loan has a line"
    command: ReplanLoan | Repay = _command(wish, line_id=line.line_id, author=_TRIAL)
    if wish.payment_minor is not None:
        command = Repay(
            customer_id=wish.customer_id,
            line_id=line.line_id,
            loan_id=wish.loan_id,
            amount_minor=wish.payment_minor,
            currency=line.currency,
            value_date=None,
            mode=wish.mode,
            channel=_TRIAL,
        )
    outcome = decide(account, command, setting)
    if isinstance(outcome, Refused):
        return outcome
    done = next(t for t in outcome.transactions if t.kind in ("replan", "repayment"))
    loan, history = account.loans[wish.loan_id], account.history[wish.loan_id]
    return change_by(loan, history, done, on=setting.business_date, terms=setting.terms)


def _command(wish: PlanWish, *, line_id: int, author: str) -> ReplanLoan:
    return ReplanLoan(
        customer_id=wish.customer_id,
        line_id=line_id,
        loan_id=wish.loan_id,
        rate_daily_e8=wish.rate_daily_e8,
        tenor_months=wish.tenor_months,
        value_date=wish.value_date,
        reason=wish.reason,
        author=author,
    )
