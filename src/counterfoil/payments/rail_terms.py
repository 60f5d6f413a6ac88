"""What a rail is agreed to carry: limits, hours, fees, and what its error codes mean to us.

Pure        Everything is data of the rails file; the time is passed in.
Time        Hours are the rail's own, in its time zone; a window is half open, and whatever is sent
            at its cut-off belongs to the next one. A holiday closes windows that do not say
            otherwise; a weekend declared working has the windows of the weekday that it replaces.
Units       Minor units of the payment's currency; rates of fees in parts per million of the amount.
Rounding    A fee is rounded half up, once, and then held between its minimum and maximum.
Follows     R038: no fee of a rail is ever taken from what is paid out, so its payer is the lender.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from counterfoil.kernel.money import divide_half_up
from counterfoil.payments.rail import Answer, Contract, Declined, NoAnswer, NotSeen

#: How far ahead an opening is looked for; the longest public holiday has nine days.
DAYS_AHEAD_MAX: Final = 31

PPM: Final = 1_000_000


class RailKind(StrEnum):
    """How a rail settles."""

    INSTANT = "instant"
    CLEARING = "clearing"
    HIGH_VALUE = "high_value"


class Meaning(StrEnum):
    """What a rail's error code means to us."""

    #: Refused for good: no money moved and none will.
    FAILED = "failed"
    #: The order was not taken; the same reference may be sent to the same rail again.
    NOT_TAKEN = "not_taken"
    #: The code says nothing certain of the money.
    UNKNOWN = "unknown"


class FeePayer(StrEnum):
    """Who bears a rail's fee."""

    LENDER = "lender"


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionAccount:
    """An account of a lender to which customers may transfer what they repay."""

    #: The number without spaces, as statements have it.
    account: str
    holder: str
    bank: str
    #: In whose books money stands that came to it.
    lender_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RailError:
    """One error code of a rail in our words."""

    meaning: Meaning
    #: Our code of the failure; the rail's own where the file names none.
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A time of day at which a rail takes payments."""

    #: Monday is 0.
    weekdays: frozenset[int]
    opens: time
    #: First moment that is too late; None for the end of the day.
    cut_off: time | None
    is_open_on_holidays: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HolidayCalendar:
    """Days on which the weekday does not tell whether banks work."""

    holidays: frozenset[date] = frozenset()
    #: Days that work although they are weekend, with the weekday that they replace.
    working: Mapping[date, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """When a rail takes payments; without any window it always does."""

    zone: ZoneInfo
    windows: Sequence[Window] = ()
    calendar: HolidayCalendar = field(default_factory=HolidayCalendar)

    def day_of(self, now: datetime) -> date:
        """Return the date at the rail."""
        return now.astimezone(self.zone).date()

    def next_day_at(self, now: datetime) -> datetime:
        """Return when the rail's next date begins."""
        return self._at(self.day_of(now) + timedelta(days=1), time())

    def is_open(self, now: datetime) -> bool:
        """Return whether a payment sent now is taken today."""
        if not self.windows:
            return True
        return any(opens <= now < closes for opens, closes in self._spans(self.day_of(now)))

    def opens_at(self, now: datetime) -> datetime | None:
        """Return the next opening after now; None where there is none in the days ahead."""
        today = self.day_of(now)
        for ahead in range(DAYS_AHEAD_MAX + 1):
            spans = sorted(self._spans(today + timedelta(days=ahead)))
            for opens, closes in spans:
                if closes > now:
                    return max(opens, now)
        return None

    def _spans(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        weekday = self.calendar.working.get(day, day.weekday())
        is_holiday = day in self.calendar.holidays
        for window in self.windows:
            if weekday not in window.weekdays or (is_holiday and not window.is_open_on_holidays):
                continue
            end = window.cut_off
            closes = (
                self._at(day + timedelta(days=1), time()) if end is None else self._at(day, end)
            )
            yield self._at(day, window.opens), closes

    def _at(self, day: date, moment: time) -> datetime:
        return datetime.combine(day, moment, self.zone).astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """What a rail asks for one payment that it carried out."""

    payer: FeePayer = FeePayer.LENDER
    fixed_minor: int = 0
    rate_ppm: int = 0
    minimum_minor: int = 0
    #: None where a fee has no ceiling.
    maximum_minor: int | None = None

    @property
    def is_free(self) -> bool:
        """Return whether no payment costs anything."""
        return not (self.fixed_minor or self.rate_ppm or self.minimum_minor)

    def of(self, amount_minor: int) -> int:
        """Return the fee for an amount."""
        fee = self.fixed_minor + divide_half_up(amount_minor * self.rate_ppm, PPM)
        fee = max(fee, self.minimum_minor)
        return fee if self.maximum_minor is None else min(fee, self.maximum_minor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a rail carries; None where it sets no limit."""

    payment_minor_min: int = 1
    payment_minor_max: int
    day_minor_max: int | None = None
    day_payments_max: int | None = None

    @property
    def has_day(self) -> bool:
        """Return whether what went out today has to be counted."""
        return self.day_minor_max is not None or self.day_payments_max is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class RailTerms:
    """One rail as the rails file agrees it."""

    code: str
    kind: RailKind
    #: The rail's address; None for the one of COUNTERFOIL_RAIL_URL, or the sandbox's own bank.
    endpoint: str | None
    currencies: frozenset[str]
    limits: Limits
    hours: Hours
    fee: Fee
    #: The lowest goes first.
    priority: int
    #: Says before an order whether the payee's account is in a given name.
    checks_payee: bool = False
    #: For how many days what it said of an account and a name holds.
    payee_check_days: int = 90
    errors: Mapping[str, RailError] = field(default_factory=dict)
    #: What a code means that is not in the map.
    other_errors: Meaning = Meaning.UNKNOWN
    #: Accounts to which money may be transferred; a line that names none came to the first.
    collections: Sequence[CollectionAccount] = ()

    def account_of(self, account: str | None) -> CollectionAccount | None:
        """Return the account that money came to; None where this rail has none of the kind."""
        if account is None:
            return self.collections[0] if self.collections else None
        return next((one for one in self.collections if one.account == account), None)

    def understand(self, answer: Answer) -> Answer:
        """Return what the rail said, with its error code taken for what it means to us."""
        if not isinstance(answer, Declined):
            return answer
        known = self.errors.get(answer.code)
        error = known or RailError(meaning=self.other_errors, reason=answer.code)
        match error.meaning:
            case Meaning.FAILED:
                return Declined(error.reason)
            case Meaning.NOT_TAKEN:
                return NotSeen()
            case Meaning.UNKNOWN:
                return NoAnswer(f"error {error.reason}")


def terms_of(contract: Contract) -> RailTerms:
    """Return the terms of a rail of which nothing is known but its operator's promise."""
    return RailTerms(
        code=contract.name,
        kind=RailKind.INSTANT,
        endpoint=None,
        currencies=contract.currencies,
        limits=Limits(payment_minor_max=contract.amount_minor_max),
        hours=Hours(zone=ZoneInfo("UTC")),
        fee=Fee(),
        priority=0,
        other_errors=Meaning.FAILED,
    )
