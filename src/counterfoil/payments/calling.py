"""Calls of rails under way: started after they were written down, their answers kept for the next.

Invariant   Nothing is called whose lease is over: somebody else may be asking already. Whatever
            goes wrong in an adapter is no answer, never an exception.
Payee       Where a rail says whose an account is, the first send asks it first. An account in
            another name is a definite refusal, because nothing was sent; once something may have
            been, it is doubt like any other.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Protocol

import structlog

from counterfoil.kernel.clock import Clock
from counterfoil.payments.health import RailHealth
from counterfoil.payments.order import PayoutOrder
from counterfoil.payments.port import PayeeMatch, Rail, RailLink
from counterfoil.payments.rail import Act, Answer, Declined, NoAnswer
from counterfoil.payments.store import Started
from counterfoil.platform.metrics import Metrics

#: Failure code of a payout to an account that is not in the name that it must be in.
PAYEE_NAME_DIFFERS: Final = "payee_name_differs"

#: The same where nobody knows in whose name it must be.
PAYEE_NAME_UNKNOWN: Final = "payee_name_unknown"

_log = structlog.get_logger(__name__)


class PayeeNames(Protocol):
    """In whose name the account must be that a payout goes to."""

    async def name_of(self, order: PayoutOrder) -> str | None:
        """Return the borrower's or the declared merchant's name; None where nobody knows it."""
        ...


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back for one act, and how long it took."""

    started: Started
    answer: Answer


class Calls:
    """The calls of one process, with the health of each rail as they tell it."""

    def __init__(
        self,
        links: Sequence[RailLink],
        *,
        clock: Clock,
        lease: timedelta,
        names: PayeeNames | None,
        metrics: Metrics | None,
    ) -> None:
        """Take the rails; without `names` no payee is checked."""
        self._rails: Mapping[str, tuple[RailLink, Rail]] = {
            link.terms.code: (link, link.rail) for link in links if link.rail is not None
        }
        self._clock = clock
        self._lease = lease
        self._names = names
        self._metrics = metrics
        self.health = dict.fromkeys(self._rails, RailHealth())
        self._under_way: dict[asyncio.Task[None], str] = {}
        self._heard: list[Heard] = []
        self._bell = asyncio.Event()

    @property
    def count(self) -> int:
        """How many calls are under way."""
        return len(self._under_way)

    @property
    def has_heard(self) -> bool:
        """Return whether an answer waits to be written down."""
        return bool(self._heard)

    def room(self) -> dict[str, int]:
        """Return how many more calls each rail can take."""
        busy = list(self._under_way.values())
        return {
            code: max(0, rail.contract.calls_at_once - busy.count(code))
            for code, (_, rail) in self._rails.items()
        }

    def start(self, started: Sequence[Started], business_date: date) -> None:
        """Call the rails for acts that were written down."""
        for one in started:
            if one.act is Act.SETTLE:
                continue
            task = asyncio.create_task(self._call(one, business_date))
            self._under_way[task] = one.rail
            task.add_done_callback(lambda done: self._under_way.pop(done, None))

    async def wait(self, limit: timedelta) -> None:
        """Wait until an answer comes in, no longer than the limit."""
        self._bell.clear()
        if self._heard or not limit:
            await asyncio.sleep(0)
            return
        try:
            async with asyncio.timeout(limit.total_seconds()):
                await self._bell.wait()
        except TimeoutError:
            return

    def take_heard(self) -> list[Heard]:
        """Return the answers that have come in, once, and let them tell of the rails' health."""
        heard, self._heard = self._heard, []
        now = self._clock.now()
        for one in heard:
            code = one.started.rail
            before = self.health[code]
            is_silent = isinstance(one.answer, NoAnswer)
            after = before.after_silence(now) if is_silent else before.after_answer()
            self.health[code] = after
            is_down = after.paused_until is not None
            if is_down != (before.paused_until is not None):
                _log.warning("rail_down" if is_down else "rail_back", rail=code)
        return heard

    async def _call(self, started: Started, business_date: date) -> None:
        """Call the rail and keep its answer for the next step."""
        order, (link, rail) = started.payment.order, self._rails[started.rail]
        loop = asyncio.get_running_loop()
        began = loop.time()
        answer: Answer
        try:
            if self._clock.now() >= started.started_at + self._lease:
                answer = NoAnswer("lease_over_before_the_call")
            elif started.act is Act.SEND:
                refused = await self._payee_refusal(started, link, rail)
                answer = refused or link.terms.understand(
                    await rail.pay_out(order, requested_on=business_date)
                )
            else:
                answer = link.terms.understand(await rail.ask(order.reference))
        except Exception as error:  # noqa: BLE001 – doubt is what can be made of it
            # An adapter should not raise. Where it does, the payment is in doubt like any other.
            _log.error("rail_adapter_raised", reference=order.reference, error=repr(error))
            answer = NoAnswer(f"adapter raised {type(error).__name__}")
        if self._metrics is not None:
            self._metrics.rail_seconds.labels(started.rail).observe(loop.time() - began)
            kind = type(answer).__name__
            self._metrics.rail_answers.labels(started.rail, started.act.value, kind).inc()
        self._heard.append(Heard(started, answer))
        self._bell.set()

    async def _payee_refusal(
        self, started: Started, link: RailLink, rail: Rail
    ) -> Declined | NoAnswer | None:
        """Return why an order is not sent: the account is another's, or nobody said whose."""
        if self._names is None or not link.terms.checks_payee:
            return None
        order = started.payment.order
        name = await self._names.name_of(order)
        if name is None:
            # Unknown is no match: nobody could say to whom the money would go.
            return _not_sent(started, PAYEE_NAME_UNKNOWN)
        match await rail.check_payee(order.payee_ref, name=name):
            case PayeeMatch.MATCHES:
                return None
            case PayeeMatch.DIFFERS:
                return _not_sent(started, PAYEE_NAME_DIFFERS)
            case PayeeMatch.NO_ANSWER:
                return NoAnswer("payee_not_checked")


def _not_sent(started: Started, code: str) -> Declined | NoAnswer:
    """Return a refusal of our own: definite only where nothing can have been sent before."""
    return Declined(code) if started.payment.sends == 0 else NoAnswer(f"{code}_after_a_send")
