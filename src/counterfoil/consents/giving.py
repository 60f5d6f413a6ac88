"""Whether a decision that a customer made can be kept as a consent; pure.

Order       First what was shown (notice, version, text), then how it was decided (choice, reading
            time, recognition), then the window: the first thing that is wrong is answered.
Refusals    A refusal by the customer is kept as it is: refusing must not be harder than agreeing,
            so neither reading time nor recognition is asked of it.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Final

from counterfoil.consents.notice import SECONDS_PER_DAY, Notice, Notices
from counterfoil.consents.record import Authentication, Display, Subject
from counterfoil.consents.refusals import (
    CONSENT_AUTHENTICATION_STALE,
    CONSENT_AUTHENTICATION_WEAK,
    CONSENT_DWELL_TOO_SHORT,
    CONSENT_IN_THE_PAST,
    CONSENT_PRE_TICKED,
    CONSENT_TOO_LONG,
    NOTICE_NOT_FOUND,
    NOTICE_OUTDATED,
    NOTICE_TEXT_MISMATCH,
)
from counterfoil.kernel.errors import Refused, refuse

#: How far two clocks may differ: the front that asked the customer, and ours.
SKEW_SECONDS: Final = 300
#: Longest time between recognising the customer and the decision.
AUTHENTICATION_SECONDS_MAX: Final = 3_600


class Choice(StrEnum):
    """What the customer decided."""

    GIVEN = "given"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A customer's decision on one notice, as a front reports it."""

    customer_id: int
    notice_code: str
    notice_version: int
    choice: Choice
    #: Whether the choice was set before the customer touched it.
    is_preselected: bool
    display: Display
    authentication: Authentication
    key_binding: str = ""
    application_id: int | None = None
    product: str = ""
    amount_band: str = ""
    #: POSIX seconds; None leaves it to the notice: from now, as long as it asks for.
    not_before: int | None = None
    not_after: int | None = None
    #: Over which channel the customer decided.
    channel: str = "api"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From when until when, POSIX seconds, both inclusive."""

    not_before: int
    not_after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A decision that can be kept."""

    wish: Wish
    notice: Notice
    window: Window


def day_of(now: int) -> date:
    """Return the day by which notices are in force: UTC, the same everywhere."""
    return datetime.fromtimestamp(now, UTC).date()


def check(notices: Notices, wish: Wish, now: int) -> Checked | Refused:
    """Return the decision with its notice and window, or the first thing that is wrong."""
    notice = check_display(
        notices, code=wish.notice_code, version=wish.notice_version, display=wish.display, now=now
    )
    if isinstance(notice, Refused):
        return notice
    if wish.is_preselected:
        return refuse(CONSENT_PRE_TICKED)
    if wish.choice is Choice.REFUSED:
        return Checked(wish=wish, notice=notice, window=Window(not_before=now, not_after=now))
    refused = check_recognition(notice, wish.display, wish.authentication, now)
    if refused is not None:
        return refused
    window = _window(notice, wish, now)
    if isinstance(window, Refused):
        return window
    return Checked(wish=wish, notice=notice, window=window)


def check_display(
    notices: Notices, *, code: str, version: int, display: Display, now: int
) -> Notice | Refused:
    """Return the notice that was shown; it has to be the one in force, word by word."""
    current = notices.current(code, day_of(now))
    if current is None:
        return refuse(NOTICE_NOT_FOUND, notice=code)
    if version != current.version:
        return refuse(NOTICE_OUTDATED, notice=code, version=version, current=current.version)
    text = current.texts.get(display.language)
    if text is None or text.sha256 != display.text_sha256:
        return refuse(NOTICE_TEXT_MISMATCH)
    return current


def check_recognition(
    notice: Notice, display: Display, authentication: Authentication, now: int
) -> Refused | None:
    """Return what is wrong with reading time and recognition, None where nothing is."""
    if display.dwell_ms < notice.reading_ms_min:
        return refuse(
            CONSENT_DWELL_TOO_SHORT, dwell_ms=display.dwell_ms, least_ms=notice.reading_ms_min
        )
    if authentication.level.rank < notice.level_min.rank:
        return refuse(
            CONSENT_AUTHENTICATION_WEAK, least=notice.level_min, level=authentication.level
        )
    age = now - authentication.at
    if not -SKEW_SECONDS <= age <= AUTHENTICATION_SECONDS_MAX:
        return refuse(CONSENT_AUTHENTICATION_STALE, seconds=AUTHENTICATION_SECONDS_MAX)
    return None


def _window(notice: Notice, wish: Wish, now: int) -> Window | Refused:
    """Return the window: never from before the decision, never beyond what the notice asks."""
    span = notice.scope.window_days * SECONDS_PER_DAY
    begins = now if wish.not_before is None else wish.not_before
    if begins < now - SKEW_SECONDS:
        return refuse(CONSENT_IN_THE_PAST)
    # A front whose clock is a little behind does not let a consent begin before it was given.
    begins = max(begins, now)
    ends = now + span if wish.not_after is None else wish.not_after
    if ends <= begins:
        return refuse(CONSENT_IN_THE_PAST)
    if ends > now + span:
        return refuse(CONSENT_TOO_LONG, days=notice.scope.window_days)
    return Window(not_before=begins, not_after=ends)


def subject_of(wish: Wish, application: str) -> Subject:
    """Return what the consent is about besides the notice."""
    return Subject(application=application, product=wish.product, amount_band=wish.amount_band)
