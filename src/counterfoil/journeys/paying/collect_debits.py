"""Auto-debit: presenting what is due, booking what came in, telling what did not.

The way     After the close of day whatever fell due is presented at the product's times, one debit
            a line at a time. The relay carries it; success books a repayment from the bank's value
            date, a failure is told to the customer and presented again as the product says. What
            the bank takes back afterwards is a payment that bounced: the loans are folded again
            without it, the customer is told, and what is due again may be presented again.
Invariant   Both a debit and a payment by hand at the same moment are booked; what is too much is
            the customer's credit. While a debit's outcome is unknown nothing else is presented.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from counterfoil.journeys.house import House
from counterfoil.journeys.serving.tell_customers import queue
from counterfoil.kernel import ids
from counterfoil.kernel.calendar import ONE_DAY
from counterfoil.kernel.creditor_reference import grouped, reference_of
from counterfoil.kernel.errors import Refused
from counterfoil.lending import store as lending
from counterfoil.lending.commands import CollectDebit, ReverseRepayment
from counterfoil.lending.debit_booking_store import repayment_of_debit
from counterfoil.lending.line import Line
from counterfoil.lending.loan import Loan, due_minor, plan
from counterfoil.lending.refusals import REPAYMENT_REVERSED
from counterfoil.payments import debit_store
from counterfoil.payments.debit import (
    DEFAULT_PLAN,
    Debit,
    DebitOrder,
    load_plans,
    presentation_due,
)
from counterfoil.payments.mandate import Mandate
from counterfoil.payments.rail import Outcome
from counterfoil.platform.database import Connection

#: Mandates looked at by one step.
PAGE: Final = 500
_PLANS: Final = load_plans()
_LOANS_MAX: Final = 1_000
_KEY_PREFIX: Final = "debit-collected:"
#: Why a repayment is taken back, and the kind of the message that says so.
BOUNCED: Final = "debit_bounced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """What one page of presenting did."""

    #: Number of the last mandate looked at; 0 after the last page.
    after: int
    made: int
    told: int


class DebitBooks:
    """How the relay of debits asks and tells the books."""

    def __init__(self, house: House) -> None:
        """Take the house whose books they are."""
        self._house = house

    async def due_minor(self, order: DebitOrder) -> int | None:
        """Return what may be collected now; None where the mandate has ended."""
        on = await self._house.business_date()
        async with self._house.database.connection() as connection:
            mandate = await debit_store.read_mandate(
                connection, order.customer_id, order.mandate_id
            )
            if mandate is None or not mandate.holds_on(on):
                return None
            loans = await _open_loans(connection, order.customer_id, order.line_id)
        return sum(due_minor(loan, on) for loan in loans)

    async def collected(self, order: DebitOrder, *, value_date: date) -> object | Refused:
        """Book money that came in, from its value date."""
        command = CollectDebit(
            customer_id=order.customer_id,
            line_id=order.line_id,
            loan_id=order.loan_id,
            amount_minor=order.amount_minor,
            currency=order.currency,
            # A bank whose day began before ours: the money counts from today.
            value_date=min(value_date, await self._house.business_date()),
            debit_id=order.debit_id,
        )
        return await self._house.counter.submit(
            command, idempotency_key=booking_key(order.debit_id)
        )

    async def bounced(self, order: DebitOrder) -> object | Refused:
        """Take back the repayment that the debit was booked as; the loans are folded again."""
        key = booking_key(order.debit_id)
        async with self._house.database.connection() as connection:
            repayment_id = await repayment_of_debit(connection, order.customer_id, key)
        assert repayment_id is not None, "a debit is finished after the books have taken note"
        command = ReverseRepayment(
            customer_id=order.customer_id,
            line_id=order.line_id,
            repayment_id=repayment_id,
            reason=BOUNCED,
        )
        answer = await self._house.counter.submit(
            command, idempotency_key=f"debit-bounced:{order.debit_id}"
        )
        # Somebody took it back by hand: there is nothing left to do.
        is_done = isinstance(answer, Refused) and answer.refusal is REPAYMENT_REVERSED
        return None if is_done else answer

    async def note(self, connection: Connection, debit: Debit) -> None:
        """Tell the customer of an outcome, or that the bank has taken the money back."""
        order = debit.order
        fields = {
            "amount_minor": order.amount_minor,
            "currency": order.currency,
            "due_on": order.due_on.isoformat(),
            "reason": debit.failure_code or "",
            "payment_reference": grouped(reference_of(ids.LINE, order.line_id)),
        }
        kind = "debit_succeeded" if debit.outcome is Outcome.SUCCEEDED else "debit_failed"
        kind = BOUNCED if debit.bounced_on else kind
        await queue(connection, self._house, order.customer_id, kind, order.reference, fields)


def booking_key(debit_id: int) -> str:
    """Return the key under which the books hear of a debit's money."""
    return f"{_KEY_PREFIX}{debit_id}"


def debit_of_key(key: str) -> int | None:
    """Return the debit of such a key; None where it was not a debit of ours that was booked."""
    number = key.removeprefix(_KEY_PREFIX)
    is_ours = key.startswith(_KEY_PREFIX) and number.isascii() and number.isdigit()
    return int(number) if is_ours else None


async def present_due(house: House, *, rail: str, after: int) -> Presented:
    """Present what is due under a page of mandates, and remind of what falls due tomorrow."""
    on, now = await house.business_date(), house.clock.now()
    async with house.database.connection() as connection:
        mandates = await debit_store.mandates_after(connection, after=after, on=on, page=PAGE)
        keys = [(one.customer_id, one.line_id) for one in mandates]
        accounts = await lending.read_accounts(connection, keys)
        await lending.add_loans(connection, accounts, keys)
    made = told = 0
    for mandate in mandates:
        account = accounts[mandate.customer_id, mandate.line_id]
        loans = [loan for loan in account.loans.values() if loan.status == "open"]
        if account.line is None or not loans:
            continue
        made += await _present(house, mandate, account.line, loans, rail=rail, on=on, now=now)
        told += await _remind(house, mandate, loans, on)
    last = mandates[-1].mandate_id if len(mandates) == PAGE else 0
    return Presented(after=last, made=made, told=told)


async def _present(
    house: House,
    mandate: Mandate,
    line: Line,
    loans: Sequence[Loan],
    *,
    rail: str,
    on: date,
    now: datetime,
) -> int:
    """Write the debit of a line, where something is due and a presentation's time has come."""
    dues = [due.due_date for loan in loans for due in loan.open_dues]
    amount = sum(due_minor(loan, on) for loan in loans)
    if not dues or not amount:
        return 0
    due_on = max(dues)
    # The house's day with the time of its clock: a day that is closed late is presented late.
    moment = datetime.combine(on, now.time(), now.tzinfo)
    async with house.database.transaction() as connection:
        made, is_open = await debit_store.presentations(
            connection, line.customer_id, line.line_id, due_on=due_on
        )
        number = presentation_due(
            _PLANS.get(line.product_code, _PLANS[DEFAULT_PLAN]),
            due_on=due_on,
            made=made,
            now=moment,
        )
        if is_open or number is None:
            return 0
        oldest = min(loans, key=lambda loan: loan.oldest_due_date or date.max)
        order = DebitOrder(
            customer_id=line.customer_id,
            debit_id=house.ids.next(),
            mandate_id=mandate.mandate_id,
            line_id=line.line_id,
            loan_id=oldest.loan_id,
            lender_id=line.lender_id,
            due_on=due_on,
            presentation_no=number,
            amount_minor=amount,
            currency=line.currency,
            account_ref=mandate.account_ref,
            business_date=on,
        )
        return int(await debit_store.add_debit(connection, order, rail=rail, now=now))


async def _remind(house: House, mandate: Mandate, loans: Sequence[Loan], on: date) -> int:
    """Tell the customer of what falls due tomorrow, once."""
    tomorrow = on + ONE_DAY
    amount = sum(plan(loan)[0].due_minor for loan in loans if loan.next_due_date == tomorrow)
    if not amount or not mandate.holds_on(tomorrow):
        return 0
    fields = {"amount_minor": amount, "currency": loans[0].currency, "due_on": tomorrow.isoformat()}
    cause = f"{ids.to_text(ids.MANDATE, mandate.mandate_id)}/{tomorrow.isoformat()}"
    async with house.database.transaction() as connection:
        await queue(connection, house, mandate.customer_id, "debit_tomorrow", cause, fields)
    return 1


async def _open_loans(connection: Connection, customer_id: int, line_id: int) -> list[Loan]:
    return await lending.read_loans_after(
        connection, customer_id=customer_id, line_id=line_id, status="open", page=_LOANS_MAX
    )
