"""Over which rail a payment goes: a pure rule on what the rails carry and how they stand now.

Invariant   One payment has one rail at a time, and none but that one once it was sent: a rail is
            chosen for a payment that was never sent, whatever else happened to it.
Order       Among the rails that can carry the payment now: the priority of the file, then the
            lower fee, then the code. Every rail passed over before the chosen one is named.
Waiting     Where no rail can carry it now but one could later, the payment is queued until the
            first of them may; where none ever could, it fails before it is sent.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from counterfoil.payments.order import PayoutOrder
from counterfoil.payments.rail_terms import Hours, RailTerms

#: When a payment is looked at again that waits for people, or for a rail that names no time.
LOOK_AGAIN: Final = timedelta(seconds=30)


class Obstacle(StrEnum):
    """Why a rail cannot carry a payment."""

    CURRENCY = "currency"
    BELOW_MINIMUM = "below_minimum"
    ABOVE_MAXIMUM = "above_maximum"
    NOT_CONNECTED = "not_connected"
    CLOSED_BY_HAND = "closed_by_hand"
    OUTSIDE_HOURS = "outside_hours"
    DOWN = "down"
    DAY_LIMIT = "day_limit"


#: Obstacles that no waiting removes, with the failure code of a payment that meets no others.
LASTING: Final = {
    Obstacle.CURRENCY: "rail_currency_not_carried",
    Obstacle.BELOW_MINIMUM: "rail_amount_below_minimum",
    Obstacle.ABOVE_MAXIMUM: "rail_amount_above_maximum",
}


@dataclass(slots=True, kw_only=True)
class RailNow:
    """A rail at one moment; counted down by `take` as payments are given to it."""

    terms: RailTerms
    is_connected: bool = True
    is_closed_by_hand: bool = False
    #: How many may be sent to a rail that is down, as probes; None for a rail that is not down.
    probes_left: int | None = None
    #: When a rail that is down is tried again.
    paused_until: datetime | None = None
    #: Sent over it on its date so far.
    sent_minor: int = 0
    sent_count: int = 0

    def take(self, order: PayoutOrder) -> None:
        """Count a payment that will be sent over the rail."""
        self.sent_minor += order.amount_minor
        self.sent_count += 1
        if self.probes_left is not None:
            self.probes_left -= 1


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A rail that cannot carry a payment, and why."""

    rail: str
    obstacle: Obstacle
    #: From when it might; None where no time is known.
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """The rail over which a payment goes."""

    rail: str
    passed_over: tuple[PassedOver, ...] = ()


@dataclass(frozen=True, slots=True)
class Queued:
    """No rail can carry the payment now."""

    until: datetime
    passed_over: tuple[PassedOver, ...]


@dataclass(frozen=True, slots=True)
class Impossible:
    """No rail there is could ever carry the payment."""

    code: str
    passed_over: tuple[PassedOver, ...]


Route = Chosen | Queued | Impossible


def route(order: PayoutOrder, rails: Sequence[RailNow], now: datetime) -> Route:
    """Return the way of a payment that was never sent."""
    assert rails, "a house without a rail has no relay"
    passed: list[PassedOver] = []
    for rail in _preferred(order, rails):
        obstacle = _obstacle(order, rail, now)
        if obstacle is None:
            return Chosen(rail.terms.code, tuple(passed))
        passed.append(obstacle)
    if all(one.obstacle in LASTING for one in passed):
        return Impossible(LASTING[passed[0].obstacle], tuple(passed))
    return Queued(_look_again_at(passed, now), tuple(passed))


def first_rail(order: PayoutOrder, rails: Sequence[RailTerms]) -> tuple[str, str | None]:
    """Return the rail that a new payment is meant for, and the code where none ever carries it.

    Neither hours nor limits of the day nor the state of the rails is looked at: that is `route`,
    when the payment is sent.
    """
    now = datetime.min.replace(tzinfo=UTC)
    whole = [replace(rail, hours=Hours(zone=rail.hours.zone)) for rail in rails]
    match route(order, [RailNow(terms=rail) for rail in whole], now):
        case Chosen(rail):
            return rail, None
        case Impossible(code, passed_over):
            return passed_over[0].rail, code
        case Queued():
            raise AssertionError("nothing but lasting obstacles was looked at")


def _preferred(order: PayoutOrder, rails: Iterable[RailNow]) -> list[RailNow]:
    def rank(rail: RailNow) -> tuple[int, int, str]:
        terms = rail.terms
        return (terms.priority, terms.fee.of(order.amount_minor), terms.code)

    return sorted(rails, key=rank)


def _obstacle(order: PayoutOrder, rail: RailNow, now: datetime) -> PassedOver | None:
    """Return the first thing that keeps a rail from carrying a payment; lasting ones first."""
    terms, limits = rail.terms, rail.terms.limits
    code = terms.code
    if order.currency not in terms.currencies:
        return PassedOver(code, Obstacle.CURRENCY)
    if order.amount_minor < limits.payment_minor_min:
        return PassedOver(code, Obstacle.BELOW_MINIMUM)
    of_day = limits.day_minor_max
    if order.amount_minor > limits.payment_minor_max or (
        of_day is not None and order.amount_minor > of_day
    ):
        return PassedOver(code, Obstacle.ABOVE_MAXIMUM)
    if not rail.is_connected:
        return PassedOver(code, Obstacle.NOT_CONNECTED)
    if rail.is_closed_by_hand:
        return PassedOver(code, Obstacle.CLOSED_BY_HAND)
    if not terms.hours.is_open(now):
        return PassedOver(code, Obstacle.OUTSIDE_HOURS, terms.hours.opens_at(now))
    if rail.probes_left is not None and rail.probes_left <= 0:
        return PassedOver(code, Obstacle.DOWN, rail.paused_until)
    is_over_amount = of_day is not None and rail.sent_minor + order.amount_minor > of_day
    payments = limits.day_payments_max
    if is_over_amount or (payments is not None and rail.sent_count >= payments):
        return PassedOver(code, Obstacle.DAY_LIMIT, terms.hours.next_day_at(now))
    return None


def _look_again_at(passed: Iterable[PassedOver], now: datetime) -> datetime:
    """Return the first time at which a rail might be free; soon where one names no time."""
    moments = [
        now + LOOK_AGAIN if one.until is None else max(one.until, now + timedelta(seconds=1))
        for one in passed
        if one.obstacle not in LASTING
    ]
    return min(moments)
