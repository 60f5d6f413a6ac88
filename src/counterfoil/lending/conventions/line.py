"""A revolving line with one loan per draw: daily accruals, repayments, the limit restored.

A repayment pays the interest accrued to its value date, then principal of the oldest draw; the
limit comes back by exactly the principal paid.

Invariant   Utilised plus available is the limit; available never exceeds it.
Units       Minor units; rates are fractions a year.
Rounding    Each day's interest of each draw is rounded for itself.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

from counterfoil.kernel.calendar import days_between
from counterfoil.lending.conventions.segments import Segment, interest_of_day
from counterfoil.lending.conventions.settings import Conventions


@dataclass(slots=True, kw_only=True)
class LineDraw:
    """One draw on the line."""

    on: date
    principal_minor: int
    interest_minor: int = 0
    accrued_to: date


@dataclass(frozen=True, slots=True)
class LinePayment:
    """How a repayment on the line was used."""

    interest_minor: int
    principal_minor: int
    left_minor: int


@dataclass(slots=True, kw_only=True)
class Line:
    """The line with its draws, oldest first."""

    limit_minor: int
    rate_annual: Fraction
    conventions: Conventions
    draws: list[LineDraw] = field(default_factory=list)

    @property
    def utilised_minor(self) -> int:
        """Return the principal outstanding of all draws."""
        return sum(draw.principal_minor for draw in self.draws)

    @property
    def available_minor(self) -> int:
        """Return what may still be drawn."""
        return self.limit_minor - self.utilised_minor

    def draw(self, amount_minor: int, *, on: date) -> LineDraw:
        """Draw an amount within what is available."""
        assert 0 < amount_minor <= self.available_minor
        self.draws.append(LineDraw(on=on, principal_minor=amount_minor, accrued_to=on))
        return self.draws[-1]

    def accrue(self, until: date) -> None:
        """Accrue every draw's interest day by day up to, not including, a day."""
        for draw in self.draws:
            if draw.accrued_to < until:
                draw.interest_minor += self._daily(draw) * days_between(draw.accrued_to, until)
                draw.accrued_to = until

    def repay(self, amount_minor: int, *, on: date) -> LinePayment:
        """Pay accrued interest of every draw, then principal of the oldest draw."""
        self.accrue(on)
        left = amount_minor
        for draw in self.draws:
            taken = min(left, draw.interest_minor)
            draw.interest_minor -= taken
            left -= taken
        interest = amount_minor - left
        for draw in self.draws:
            taken = min(left, draw.principal_minor)
            draw.principal_minor -= taken
            left -= taken
        return LinePayment(interest, amount_minor - interest - left, left)

    def _daily(self, draw: LineDraw) -> int:
        """Return one day's interest of a draw."""
        segment = Segment(
            start=draw.accrued_to,
            end=draw.accrued_to,
            balance_minor=draw.principal_minor,
            rate_annual=self.rate_annual,
        )
        return interest_of_day(segment, self.conventions)


def accrual_dates(drawn_on: date, posted_on: date) -> list[date]:
    """Return the dates of daily accruals, from the draw to the posting, both inclusive."""
    days = days_between(drawn_on, posted_on) + 1
    return [drawn_on + timedelta(days=day) for day in range(days)]
