"""Calls of rails under way: started after they were written down, their answers kept for the next.

Invariant   Nothing is called whose lease is over: somebody else may be asking already. Whatever
            goes wrong in an adapter is no answer, never an exception.
Names       Opened once for all payments of a page whose payees are asked about, and kept nowhere.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import structlog

from counterfoil.kernel.clock import Clock
from counterfoil.payments.health import RailHealth
from counterfoil.payments.order import PayoutOrder
from counterfoil.payments.payee import NAMES_OUT_OF_REACH, PayeeName, PayeeNames, ask_payee
from counterfoil.payments.port import Rail, RailLink
from counterfoil.payments.rail import Act, Answer, CheckAnswer, NoAnswer
from counterfoil.payments.store import Started
from counterfoil.platform.metrics import Metrics

_log = structlog.get_logger(__name__)

#: The names of a page's payees by payment, on their way.
Names = asyncio.Task[Mapping[int, PayeeName]]


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back for one act, and how long it took."""

    started: Started
    answer: Answer | CheckAnswer


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
        """Take the rails, and who knows the names of payees."""
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
        names = self._names_for([one for one in started if one.act is Act.CHECK])
        for one in started:
            if one.act is Act.SETTLE:
                continue
            task = asyncio.create_task(self._call(one, business_date, names))
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
            answer = one.answer
            is_silent = isinstance(answer, NoAnswer) and answer.reason != NAMES_OUT_OF_REACH
            after = before.after_silence(now) if is_silent else before.after_answer()
            self.health[code] = after
            is_down = after.paused_until is not None
            if is_down != (before.paused_until is not None):
                _log.warning("rail_down" if is_down else "rail_back", rail=code)
        return heard

    def _names_for(self, checks: Sequence[Started]) -> Names | None:
        """Begin to open the names of payees; nothing is opened where nobody is asked about."""
        if not checks:
            return None
        assert self._names is not None, "nobody is asked about without names"
        return asyncio.create_task(self._names.names_of([one.payment.order for one in checks]))

    async def _call(self, started: Started, business_date: date, names: Names | None) -> None:
        """Call the rail and keep its answer for the next step."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        answer: Answer | CheckAnswer
        try:
            if self._clock.now() >= started.started_at + self._lease:
                answer = NoAnswer("lease_over_before_the_call")
            else:
                answer = await self._ask(started, business_date, names)
        except Exception as error:  # noqa: BLE001 – doubt is what can be made of it
            # An adapter should not raise. Where it does, the payment is in doubt like any other.
            reference = started.payment.order.reference
            _log.error("rail_adapter_raised", reference=reference, error=repr(error))
            answer = NoAnswer(f"adapter raised {type(error).__name__}")
        if self._metrics is not None:
            self._metrics.rail_seconds.labels(started.rail).observe(loop.time() - began)
            kind = type(answer).__name__
            self._metrics.rail_answers.labels(started.rail, started.act.value, kind).inc()
        self._heard.append(Heard(started, answer))
        self._bell.set()

    async def _ask(
        self, started: Started, business_date: date, names: Names | None
    ) -> Answer | CheckAnswer:
        order, (link, rail) = started.payment.order, self._rails[started.rail]
        match started.act:
            case Act.CHECK:
                return await self._check_payee(rail, order, names)
            case Act.SEND:
                answer = await rail.pay_out(order, requested_on=business_date)
            case _:
                answer = await rail.ask(order.reference)
        return link.terms.understand(answer)

    async def _check_payee(
        self, rail: Rail, order: PayoutOrder, names: Names | None
    ) -> CheckAnswer:
        assert names is not None, "names are opened for every page with checks"
        assert self._names is not None, "nobody is asked about without names"
        try:
            known = await asyncio.shield(names)
        except Exception as error:  # noqa: BLE001 – a name that cannot be opened stops only its own payment
            _log.warning("payee_names_unread", error=repr(error))
            known = None
        try:
            known = known if known is not None else await self._names.names_of([order])
        except Exception as error:  # noqa: BLE001 – the payment is held and asked about again
            _log.error("payee_name_unread", reference=order.reference, error=repr(error))
            return NoAnswer(NAMES_OUT_OF_REACH)
        return await ask_payee(rail, order, known.get(order.payment_id))
