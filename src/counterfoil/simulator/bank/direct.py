"""The simulated bank as a rail in the same process: no network, the same answers.

It passes the same contract tests as the adapter over HTTP and serves the fast demonstration.
A silent bank answers at once that there is no answer: nobody waits for a time-out here.
"""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Final, assert_never

from counterfoil.kernel.money import EXPONENTS
from counterfoil.payments.order import PayoutOrder
from counterfoil.payments.port import PayeeMatch
from counterfoil.payments.rail import (
    Answer,
    Conflict,
    Contract,
    Declined,
    NoAnswer,
    NotSeen,
    Paid,
    Pending,
    Returned,
)
from counterfoil.simulator.bank.bank import (
    Bank,
    Callback,
    Handling,
    Manner,
    Order,
    PayoutStatus,
    Reply,
)
from counterfoil.simulator.bank.statement_file import write_statement

CallbackListener = Callable[[Callback], Awaitable[None]]

#: As at the adapter over HTTP.
PAYOUT_MINOR_MAX: Final = 50_000_000_000


class DirectRail:
    """Carries payouts to a bank in this process."""

    def __init__(
        self,
        bank: Bank,
        *,
        name: str = "bank",
        is_reference_idempotent: bool = True,
        on_callback: CallbackListener | None = None,
    ) -> None:
        """Take the bank and whoever hears its callbacks."""
        self._bank = bank
        self._on_callback = on_callback
        self._contract = Contract(
            name=name,
            is_reference_idempotent=is_reference_idempotent,
            currencies=frozenset(EXPONENTS),
            amount_minor_max=PAYOUT_MINOR_MAX,
            answer_within=timedelta(seconds=5),
            calls_at_once=1_000,
        )

    @property
    def contract(self) -> Contract:
        """What the bank has promised."""
        return self._contract

    async def check_payee(self, payee_ref: str, *, name: str) -> PayeeMatch:
        """Ask whether an account is in a name."""
        match self._bank.holds(payee_ref, name):
            case None:
                return PayeeMatch.NO_ANSWER
            case is_holder:
                return PayeeMatch.MATCHES if is_holder else PayeeMatch.DIFFERS

    async def pay_out(self, order: PayoutOrder, *, requested_on: date) -> Answer:
        """Order a payout under the order's own reference."""
        return await self._hear(
            self._bank.order(
                Order(
                    reference=order.reference,
                    amount_minor=order.amount_minor,
                    currency=order.currency,
                    payee=order.payee_ref,
                    requested_on=requested_on,
                )
            )
        )

    async def ask(self, reference: str) -> Answer:
        """Ask what became of a reference."""
        return await self._hear(self._bank.ask(reference))

    async def statement(self, business_date: date) -> str | None:
        """Return the text of that day's statement file, which ends the day at the bank."""
        return write_statement(self._bank, business_date)

    async def _hear(self, handling: Handling) -> Answer:
        if self._on_callback is not None:
            for callback in (*handling.callbacks_before, *handling.callbacks_after):
                await self._on_callback(callback)
        match handling.manner:
            case Manner.ANSWER:
                assert handling.reply is not None
                return _answer(handling.reply)
            case Manner.SILENCE:
                return NoAnswer("ReadTimeout")
            case Manner.SERVER_ERROR:
                return NoAnswer("status 500")
            case Manner.CONFLICT:
                return Conflict()
            case Manner.NOT_SEEN:
                return NotSeen()
            case _:
                assert_never(handling.manner)


def _answer(reply: Reply) -> Answer:
    match reply.status:
        case PayoutStatus.PENDING:
            return Pending()
        case PayoutStatus.FAILED:
            assert reply.code is not None
            return Declined(reply.code)
        case PayoutStatus.SUCCEEDED:
            return Paid(reply.amount_minor, reply.currency, reply.value_date, reply.rail_reference)
        case PayoutStatus.RETURNED:
            assert reply.returned_on is not None
            return Returned(
                reply.amount_minor, reply.currency, reply.returned_on, reply.rail_reference
            )
        case _:
            assert_never(reply.status)
