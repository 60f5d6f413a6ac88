"""What is done next with payments that are due, and over which rail: written before it is done.

Invariant   A way is chosen once, for a payment that was never sent, in the transaction that writes
            the send. Sent once, a payment stays with its rail: sending again waits for that rail.
Payee       A payment that would be sent is first asked about: whose is the account (`payee`).
Bounds      A rail gets no more calls at once than its contract says, and no more of a day than its
            terms say, over all workers: what it was given is counted under a lock.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from counterfoil.payments import route_store, store
from counterfoil.payments.calling import Calls
from counterfoil.payments.health import PROBES
from counterfoil.payments.payee import PayeeRule
from counterfoil.payments.port import RailLink
from counterfoil.payments.rail import Act, Payment, choose_act, status_after_act
from counterfoil.payments.route_store import ALL_RAILS
from counterfoil.payments.routing import LOOK_AGAIN, Chosen, Impossible, Queued, RailNow, route
from counterfoil.payments.store import Started

# house: allow database-reach – works in the transaction of the relay; SQL is the stores'
from counterfoil.platform.database import Connection

#: A payment whose rail has as many calls under way as it takes waits so long.
NO_ROOM_WAIT = timedelta(milliseconds=200)


@dataclass(slots=True)
class Plan:
    """What is done with a page of payments."""

    started: list[Started] = field(default_factory=list)
    routes: list[tuple[Payment, Chosen | Queued]] = field(default_factory=list)
    #: Payments that wait, with when they are looked at again.
    put_off: list[tuple[Payment, datetime]] = field(default_factory=list)
    #: Payments that no rail carries any more, with the failure code.
    impossible: list[tuple[Payment, str]] = field(default_factory=list)


class Dispatcher:
    """Chooses acts and rails for the payments of one process."""

    def __init__(self, links: Sequence[RailLink], calls: Calls, payees: PayeeRule) -> None:
        """Take the rails, the calls under way, and whose payees are asked about first."""
        self._links = {link.terms.code: link for link in links}
        self._calls = calls
        self._payees = payees

    async def dispatch(
        self, connection: Connection, due: Sequence[Payment], now: datetime
    ) -> list[Started]:
        """Decide on locked payments and write down what waits; return what is to be started."""
        if not due:
            return []
        acts = [(payment, self._act(payment)) for payment in due]
        is_sending = any(act is Act.SEND for _, act in acts)
        rails = await self._rails_now(connection, now) if is_sending else {}
        days = self._days(now) if any(p.sends == 0 and a is Act.SEND for p, a in acts) else {}
        given = await route_store.lock_rail_days(connection, days) if days else {}
        for code, (amount, count) in given.items():
            rails[code].sent_minor, rails[code].sent_count = amount, count
        plan = self._plan(acts, rails, now)
        await self._write(connection, plan, now)
        if days:
            sent = {code: (rails[code].sent_minor, rails[code].sent_count) for code in days}
            await route_store.count_rail_days(connection, days, sent)
        return plan.started

    def _act(self, payment: Payment) -> Act:
        link = self._links.get(payment.rail)
        if link is None or link.rail is None:
            # Never sent, or certain: nothing of a rail that is not reached is asked.
            return Act.SEND if payment.outcome is None else Act.SETTLE
        return choose_act(payment, link.rail.contract)

    async def _rails_now(self, connection: Connection, now: datetime) -> dict[str, RailNow]:
        closed = await route_store.closed_by_hand(connection)
        rails = {}
        for code, link in self._links.items():
            health = self._calls.health.get(code)
            paused = None if health is None else health.paused_until
            probes = None if health is None else health.sends_allowed(now, wanted=PROBES)
            rails[code] = RailNow(
                terms=link.terms,
                is_connected=link.rail is not None,
                is_closed_by_hand=bool(closed & {code, ALL_RAILS}),
                probes_left=None if paused is None else probes,
                paused_until=paused,
            )
        return rails

    def _days(self, now: datetime) -> dict[str, date]:
        """Return the date at each rail that has a limit of its day."""
        return {
            code: link.terms.hours.day_of(now)
            for code, link in self._links.items()
            if link.terms.limits.has_day
        }

    def _plan(
        self, acts: Sequence[tuple[Payment, Act]], rails: dict[str, RailNow], now: datetime
    ) -> Plan:
        plan, room = Plan(), self._calls.room()
        for payment, wanted in acts:
            act = wanted
            if act is Act.SETTLE:
                plan.started.append(_started(payment, act, payment.rail, now))
                continue
            way = self._way(payment, rails, now) if act is Act.SEND else Chosen(payment.rail)
            if isinstance(way, Impossible):
                plan.impossible.append((payment, way.code))
                continue
            if act is Act.SEND and isinstance(way, Chosen):
                act, way = self._with_payee(payment, way, rails, now)
            has_room = isinstance(way, Queued) or room[way.rail] > 0
            if isinstance(way, Queued) or not has_room:
                until = way.until if isinstance(way, Queued) else now + NO_ROOM_WAIT
                plan.put_off.append((payment, until))
            else:
                room[way.rail] -= 1
                plan.started.append(_started(payment, act, way.rail, now))
            if act is Act.SEND and payment.sends == 0 and has_room:
                plan.routes.append((payment, way))
                if isinstance(way, Chosen):
                    rails[way.rail].take(payment.order)
        return plan

    def _with_payee(
        self, payment: Payment, way: Chosen, rails: dict[str, RailNow], now: datetime
    ) -> tuple[Act, Chosen | Queued]:
        """Return a send as it is, or the question whose the account is that comes before it.

        The way is chosen anew once the payee is known: rails may have gone down by then.
        """
        known = payment.sends or payment.is_payee_known
        checker = None if known else self._payees.checker(way.rail)
        if checker is None:
            return Act.SEND, way
        asked = rails[checker]
        if asked.probes_left is not None:
            if asked.probes_left <= 0:
                return Act.CHECK, Queued(_soon(asked, now), ())
            asked.probes_left -= 1
        return Act.CHECK, Chosen(checker)

    def _way(
        self, payment: Payment, rails: dict[str, RailNow], now: datetime
    ) -> Chosen | Queued | Impossible:
        """Return the way of a send; one that was sent before has no choice but to wait."""
        if payment.sends == 0:
            return route(payment.order, list(rails.values()), now)
        own = rails[payment.rail]
        hours = own.terms.hours
        if own.is_closed_by_hand:
            return Queued(now + LOOK_AGAIN, ())
        if not hours.is_open(now):
            return Queued(hours.opens_at(now) or now + LOOK_AGAIN, ())
        if own.probes_left is not None:
            if own.probes_left <= 0:
                return Queued(_soon(own, now), ())
            own.probes_left -= 1
        return Chosen(payment.rail)

    async def _write(self, connection: Connection, plan: Plan, now: datetime) -> None:
        if plan.routes:
            await route_store.add_routes(connection, plan.routes, now=now)
        if plan.put_off:
            await store.postpone(connection, plan.put_off)
        if plan.impossible:
            await store.fail_unsent(connection, plan.impossible, now=now)


def _soon(rail: RailNow, now: datetime) -> datetime:
    """Return when a rail that is down is tried again."""
    soon = now + timedelta(seconds=1)
    return max(rail.paused_until or soon, soon)


def _started(payment: Payment, act: Act, rail: str, now: datetime) -> Started:
    status = status_after_act(payment.status, act)
    return Started(payment, act, payment.act_no + 1, status, now, rail)
