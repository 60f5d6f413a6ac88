"""The gate before services of others: nothing personal goes to them without an assessment.

Asked       Outside a sandbox, before each use, whether an approved assessment in force is about
            exactly this: who is entrusted with work, or whom data is provided to. Somebody else
            than its author approved it. What ends takes effect within a minute.
Waiting     Messages, payouts, debits and notices to hosts stay where they are and are tried again;
            whatever else would have gone out is refused by name, and nothing is lost.
Follows     PIPL articles 55 and 56; the rule R032.
"""

from datetime import date, datetime, timedelta
from typing import Final

from counterfoil.customers.message_port import Carried, MessageCarrier, Outcome, Parcel
from counterfoil.customers.setting import Channel
from counterfoil.kernel.clock import Clock
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.payments.account_tokens import AccountTokens
from counterfoil.payments.debit import DebitOrder
from counterfoil.payments.debit_port import DebitRail
from counterfoil.payments.order import PayoutOrder
from counterfoil.payments.port import PayeeMatch, Rail
from counterfoil.payments.rail import Answer, Contract, NoAnswer
from counterfoil.platform.database import Database
from counterfoil.platform.origin import SANDBOX
from counterfoil.platform.telemetry import logger
from counterfoil.privacy import duty_store as store
from counterfoil.privacy.assessment import Processing
from counterfoil.privacy.refusals import ASSESSMENT_NEEDED

#: Whoever carries messages, and whoever makes tokens of account numbers, works for us.
MESSAGES: Final = (Processing.ENTRUSTING, "service:messages")
ACCOUNT_TOKENS: Final = (Processing.ENTRUSTING, "service:account_tokens")
#: A customer's bank is told whose statements are wanted.
STATEMENTS: Final = (Processing.PROVIDING, "service:statements")
#: What a rail answers that was not called.
_NOT_CALLED: Final = NoAnswer("assessment_needed")
_FRESH: Final = timedelta(seconds=60)

_LOG: Final = logger("counterfoil.privacy")


def rail_assessed_as(code: str) -> tuple[Processing, str]:
    """Return what has to be assessed before a rail is told whose account is paid or debited."""
    return (Processing.PROVIDING, f"rail:{code}")


class Assessed:
    """Knows what may be done because somebody assessed it; one per process."""

    def __init__(self, database: Database, clock: Clock, environment: str) -> None:
        """Take where assessments are kept, and what decides whether they are asked for."""
        self._database = database
        self._clock = clock
        self._is_sandbox = environment == SANDBOX
        #: Until when what was found good is not looked up again.
        self._good_until: dict[tuple[Processing, str], datetime] = {}

    async def refuse(self, processing: Processing, subject: str) -> Refused | None:
        """Refuse what no approved assessment in force is about."""
        if self._is_sandbox:
            # Everybody in it is invented.
            return None
        now = self._clock.now()
        known = self._good_until.get((processing, subject))
        if known is not None and now < known:
            return None
        async with self._database.connection() as connection:
            found = await store.read_about(connection, processing, subject)
        if any(item.is_good_on(now.date()) for item in found):
            self._good_until[processing, subject] = now + _FRESH
            return None
        _LOG.warning("not assessed", processing=processing.value, subject=subject)
        return refuse(ASSESSMENT_NEEDED, processing=processing.value, subject=subject[:64])


class AssessedCarrier:
    """Carries messages as another does, once that was assessed."""

    def __init__(self, carrier: MessageCarrier, assessed: Assessed) -> None:
        """Take who carries, and who knows of assessments."""
        self._carrier = carrier
        self._assessed = assessed

    @property
    def gives_receipts(self) -> bool:
        """Return whether it can be asked later what became of a parcel."""
        return self._carrier.gives_receipts

    async def send(self, parcel: Parcel) -> Carried:
        """Send a parcel, or say that nobody assessed it yet."""
        refused = await self._assessed.refuse(*MESSAGES)
        if refused is not None:
            return Carried(Outcome.FAILED, refused.code)
        return await self._carrier.send(parcel)

    async def ask(self, reference: str, channel: Channel) -> Carried:
        """Return what became of a parcel; its number alone is told."""
        return await self._carrier.ask(reference, channel)


class AssessedTokens:
    """Makes tokens of account numbers as another does, once that was assessed."""

    def __init__(self, tokens: AccountTokens, assessed: Assessed) -> None:
        """Take who makes them, and who knows of assessments."""
        self._tokens = tokens
        self._assessed = assessed

    async def token_of(self, number: str) -> str | None:
        """Return the token of a number; None while nobody may be asked."""
        if await self._assessed.refuse(*ACCOUNT_TOKENS) is not None:
            return None
        return await self._tokens.token_of(number)


class AssessedRail:
    """Pays out as another rail does, once it was assessed that it is told names and accounts."""

    def __init__(self, rail: Rail, assessed: Assessed, code: str) -> None:
        """Take the rail, who knows of assessments, and the rail's code."""
        self._rail = rail
        self._assessed = assessed
        self._about = rail_assessed_as(code)

    @property
    def contract(self) -> Contract:
        """What the operator has promised."""
        return self._rail.contract

    async def check_payee(self, payee_ref: str, *, name: str) -> PayeeMatch:
        """Ask whether an account is in a name; the payment is held while nobody may be asked."""
        if await self._assessed.refuse(*self._about) is not None:
            return PayeeMatch.NO_ANSWER
        return await self._rail.check_payee(payee_ref, name=name)

    async def pay_out(self, order: PayoutOrder, *, requested_on: date) -> Answer:
        """Order a payout; unheard, as where the rail does not answer, while nobody may."""
        if await self._assessed.refuse(*self._about) is not None:
            return _NOT_CALLED
        return await self._rail.pay_out(order, requested_on=requested_on)

    async def ask(self, reference: str) -> Answer:
        """Ask what became of a reference; nothing but that number is told."""
        return await self._rail.ask(reference)

    async def statement(self, business_date: date) -> str | None:
        """Return the text of that day's statement, or None while there is none."""
        return await self._rail.statement(business_date)


class AssessedDebits:
    """Collects as another bank does, once it was assessed that it is told accounts."""

    def __init__(self, rail: DebitRail, assessed: Assessed, code: str) -> None:
        """Take the bank, who knows of assessments, and the code under which it is kept."""
        self._rail = rail
        self._assessed = assessed
        self._about = rail_assessed_as(code)

    @property
    def contract(self) -> Contract:
        """What the operator has promised."""
        return self._rail.contract

    async def collect(self, order: DebitOrder, *, requested_on: date) -> Answer:
        """Order a debit; unheard, as where the bank does not answer, while nobody may."""
        if await self._assessed.refuse(*self._about) is not None:
            return _NOT_CALLED
        return await self._rail.collect(order, requested_on=requested_on)

    async def ask(self, reference: str) -> Answer:
        """Ask what became of a reference; nothing but that number is told."""
        return await self._rail.ask(reference)

    async def statement(self, business_date: date) -> str | None:
        """Return the text of that day's statement of debits, or None while there is none."""
        return await self._rail.statement(business_date)
