"""What a customer may set: kinds of settings, their bounds, and a change on its way.

States      asked → confirmed → done | refused; asked → expired. A change that is confirmed is
            carried out, or refused by what has changed since; it is never half done.
Bounds      Out of bounds is refused with what is allowed. At least one channel that leaves
            something to keep remains, because notices that the law asks for have to arrive.
Confirmed   Every change, by the hash of its effect; by a one-time code too where money is affected.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from counterfoil.customers import refusals
from counterfoil.kernel.errors import Refused, refuse

#: How long a change waits to be confirmed.
VALID_FOR: Final = timedelta(minutes=30)
#: One-time codes given out for one change.
CODES_MAX: Final = 5


class Setting(StrEnum):
    """What can be set."""

    REPAYMENT_DAY = "repayment_day"
    OWN_CAP = "own_cap"
    AUTO_DEBIT = "auto_debit"
    CHANNELS = "channels"
    LANGUAGE = "language"
    STATEMENT_FORM = "statement_form"
    CLOSE_LINE = "close_line"


#: Settings of one line; the others belong to the person.
OF_LINE: Final = frozenset(
    {Setting.REPAYMENT_DAY, Setting.OWN_CAP, Setting.AUTO_DEBIT, Setting.CLOSE_LINE}
)


class Channel(StrEnum):
    """By what a customer is told something."""

    SMS = "sms"
    EMAIL = "email"
    APP = "app"
    LETTER = "letter"


#: What leaves something to keep. A note in an app is gone with the app.
LEGAL_CHANNELS: Final = frozenset({Channel.SMS, Channel.EMAIL, Channel.LETTER})


class StatementForm(StrEnum):
    """In which form statements come."""

    NONE = "none"
    EMAIL = "email"
    PORTAL = "portal"
    PAPER = "paper"


class SettingStatus(StrEnum):
    """Where a change stands."""

    ASKED = "asked"
    CONFIRMED = "confirmed"
    DONE = "done"
    REFUSED = "refused"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """What holds of the settings that belong to the person."""

    customer_id: int
    channels: tuple[Channel, ...] = (Channel.SMS,)
    statement_form: StatementForm = StatementForm.PORTAL
    #: 0 while nothing was ever set.
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingRequest:
    """A change that a customer asked for."""

    customer_id: int
    request_id: int
    line_id: int | None
    setting: Setting
    #: Documents of JSON.
    before: dict[str, Any]
    after: dict[str, Any]
    #: What was shown; the customer confirms its hash.
    effect: dict[str, Any]
    effect_sha256: bytes
    channel: str
    device: str | None
    author: str
    needs_code: bool
    status: SettingStatus
    requested_at: datetime
    business_date: date
    confirmed_at: datetime | None = None
    ended_at: datetime | None = None
    refusal_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingChange:
    """A change that was carried out, as the history has it."""

    request_id: int
    line_id: int | None
    setting: Setting
    before: dict[str, Any]
    after: dict[str, Any]
    channel: str
    device: str | None
    author: str
    second_factor: bool
    changed_at: datetime


def refuse_channels(channels: Collection[Channel]) -> Refused | None:
    """Refuse channels by none of which a notice that has to be kept would arrive."""
    if LEGAL_CHANNELS.isdisjoint(channels):
        return refuse(
            refusals.CHANNEL_FOR_NOTICES_MISSING,
            allowed=", ".join(sorted(channel.value for channel in LEGAL_CHANNELS)),
        )
    return None


def refuse_statement(form: StatementForm, channels: Collection[Channel]) -> Refused | None:
    """Refuse a form of statements for which the customer takes no channel."""
    needed = {StatementForm.EMAIL: Channel.EMAIL, StatementForm.PAPER: Channel.LETTER}.get(form)
    if needed is not None and needed not in channels:
        return refuse(refusals.STATEMENT_FORM_WITHOUT_CHANNEL, channel=needed.value)
    return None


def refuse_confirmation(
    request: SettingRequest, effect_sha256: bytes, *, now: datetime, on: date
) -> Refused | None:
    """Refuse to confirm what was ended, what has expired, and what was not shown."""
    if request.status is not SettingStatus.ASKED:
        return refuse(refusals.SETTING_CHANGE_ENDED, status=request.status.value)
    if now > request.requested_at + VALID_FOR or on != request.business_date:
        return refuse(refusals.SETTING_CHANGE_EXPIRED)
    if request.effect_sha256 != effect_sha256:
        return refuse(refusals.SETTING_EFFECT_NOT_SHOWN)
    return None
