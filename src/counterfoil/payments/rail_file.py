"""Reads the rails file: which rails there are and what was agreed with their operators.

Form        TOML: `zone`, `[holidays]` with days that the installation adds, a `[[rail]]` each,
            with a `[[rail.collection]]` for each account of a lender that money may be sent to.
Holidays    The public holidays and declared working weekends of the rule packs' calendar, whatever
            the file adds. A working weekend has Monday's windows unless the file says otherwise.
Refused     Whatever is unknown, missing or contradicts itself, with its key: a rail that is read
            half would carry what it must not. A fee that anybody but the lender would pay (R038).
"""

import tomllib
from collections.abc import Collection, Mapping, Sequence
from datetime import date, time
from importlib import resources
from pathlib import Path
from typing import Annotated, Final, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from counterfoil.kernel.money import EXPONENTS
from counterfoil.kernel.toml import parse_toml
from counterfoil.payments.rail_terms import (
    CollectionAccount,
    Fee,
    FeePayer,
    HolidayCalendar,
    Hours,
    Limits,
    Meaning,
    RailError,
    RailKind,
    RailTerms,
    Window,
)
from counterfoil.payments.received import account_kept
from counterfoil.rules.shelf import working_days

_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CODE: Final = r"^[a-z][a-z0-9_]{0,31}$"

Minor = Annotated[int, Field(ge=0, strict=True)]


class InvalidRailsError(ValueError):
    """A rails file that cannot be used; says which key and why."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Window(_Strict):
    weekdays: list[str]
    opens: time = time()
    cut_off: time | None = None
    on_holidays: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        unknown = set(self.weekdays) - set(_WEEKDAYS)
        if unknown or not self.weekdays:
            raise ValueError(f"weekdays are of {', '.join(_WEEKDAYS)}")
        if self.cut_off is not None and self.cut_off <= self.opens:
            raise ValueError("a window ends after it opens")
        return self


class _Fee(_Strict):
    payer: FeePayer
    fixed_minor: Minor = 0
    rate_ppm: Annotated[int, Field(ge=0, le=1_000_000, strict=True)] = 0
    minimum_minor: Minor = 0
    maximum_minor: Minor | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.maximum_minor is not None and self.maximum_minor < self.minimum_minor:
            raise ValueError("a fee's maximum is not below its minimum")
        return self


class _Limits(_Strict):
    payment_minor_min: Annotated[int, Field(gt=0, strict=True)] = 1
    payment_minor_max: Annotated[int, Field(gt=0, strict=True)]
    day_minor_max: Annotated[int, Field(gt=0, strict=True)] | None = None
    day_payments_max: Annotated[int, Field(gt=0, strict=True)] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.payment_minor_max < self.payment_minor_min:
            raise ValueError("the largest payment is not below the smallest")
        return self


class _Error(_Strict):
    meaning: Meaning
    reason: Annotated[str, Field(pattern=_CODE)] | None = None


class _Collection(_Strict):
    account: Annotated[str, Field(pattern="^[0-9A-Za-z -]{1,64}$")]
    holder: Annotated[str, Field(min_length=1, max_length=200)]
    bank: Annotated[str, Field(min_length=1, max_length=200)]
    lender: Annotated[str, Field(min_length=1, max_length=64)]


class _Rail(_Strict):
    code: Annotated[str, Field(pattern=_CODE)]
    kind: RailKind
    endpoint: Annotated[str, Field(pattern="^https?://")] | None = None
    currencies: list[str]
    priority: Annotated[int, Field(ge=0, strict=True)]
    checks_payee: bool = False
    payee_check_days: Annotated[int, Field(ge=0, le=3_650, strict=True)] = 90
    other_errors: Meaning = Meaning.UNKNOWN
    limits: _Limits
    fee: _Fee
    window: list[_Window] = []
    errors: dict[str, _Error] = {}
    collection: list[_Collection] = []

    @model_validator(mode="after")
    def _check(self) -> Self:
        numbers = [account_kept(one.account) for one in self.collection]
        if len(numbers) != len(set(numbers)):
            raise ValueError("every collection account has a number of its own")
        unknown = sorted(set(self.currencies) - set(EXPONENTS))
        if unknown or not self.currencies:
            raise ValueError(f"currencies are of {', '.join(sorted(EXPONENTS))}")
        return self


class _Holidays(_Strict):
    #: Days on which these rails are closed besides public holidays.
    closed: list[date] = []
    #: Weekend days that work, with the weekday whose windows they have.
    working: dict[date, str] = {}

    @model_validator(mode="after")
    def _check(self) -> Self:
        if set(self.working.values()) - set(_WEEKDAYS):
            raise ValueError(f"weekdays are of {', '.join(_WEEKDAYS)}")
        return self


class _File(_Strict):
    zone: str
    holidays: _Holidays = _Holidays()
    rail: Annotated[list[_Rail], Field(min_length=1)]

    @model_validator(mode="after")
    def _check(self) -> Self:
        codes = [rail.code for rail in self.rail]
        if len(codes) != len(set(codes)):
            raise ValueError("every rail has a code of its own")
        return self


def load_rails(path: Path | None = None) -> Sequence[RailTerms]:
    """Return the rails of a file, the shipped ones for None; raise InvalidRailsError."""
    shipped = resources.files("counterfoil.payments").joinpath("rails.toml")
    text = shipped.read_text("utf-8") if path is None else path.read_text("utf-8")
    return parse_rails(text, name="rails.toml" if path is None else str(path))


def check_lenders(rails: Sequence[RailTerms], lender_ids: Collection[str]) -> None:
    """Raise InvalidRailsError for an account of a lender that no product has."""
    for terms in rails:
        for one in terms.collections:
            if one.lender_id not in lender_ids:
                raise InvalidRailsError(
                    f"rail {terms.code}: collection: no product is of lender {one.lender_id}"
                )


def parse_rails(text: str, *, name: str = "rails.toml") -> Sequence[RailTerms]:
    """Return the rails that a text agrees, in its order; raise InvalidRailsError."""
    try:
        read = _File.model_validate(parse_toml(text))
        zone = ZoneInfo(read.zone)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "file"
        raise InvalidRailsError(f"{name}: {key}: {first['msg']}") from error
    except (tomllib.TOMLDecodeError, KeyError, ValueError, OSError) as error:
        raise InvalidRailsError(f"{name}: {error}") from error
    calendar = _calendar(read.holidays)
    return [_terms(rail, zone, calendar) for rail in read.rail]


def _calendar(own: _Holidays) -> HolidayCalendar:
    """Return the public calendar with what the file adds to it."""
    public = working_days()
    declared = dict.fromkeys(public.working, _WEEKDAYS.index("mon"))
    named = {day: _WEEKDAYS.index(name) for day, name in own.working.items()}
    return HolidayCalendar(
        holidays=(public.closed | frozenset(own.closed)) - named.keys(),
        working=declared | named,
    )


def _terms(rail: _Rail, zone: ZoneInfo, calendar: HolidayCalendar) -> RailTerms:
    windows = [
        Window(
            weekdays=frozenset(_WEEKDAYS.index(name) for name in window.weekdays),
            opens=window.opens,
            cut_off=window.cut_off,
            is_open_on_holidays=window.on_holidays,
        )
        for window in rail.window
    ]
    return RailTerms(
        code=rail.code,
        kind=rail.kind,
        endpoint=rail.endpoint,
        currencies=frozenset(rail.currencies),
        limits=Limits(**rail.limits.model_dump()),
        hours=Hours(zone=zone, windows=windows, calendar=calendar),
        fee=Fee(**rail.fee.model_dump()),
        priority=rail.priority,
        checks_payee=rail.checks_payee,
        payee_check_days=rail.payee_check_days,
        errors=_errors(rail.errors),
        other_errors=rail.other_errors,
        collections=[
            CollectionAccount(
                account="".join(one.account.split()),
                holder=one.holder,
                bank=one.bank,
                lender_id=one.lender,
            )
            for one in rail.collection
        ],
    )


def _errors(read: Mapping[str, _Error]) -> dict[str, RailError]:
    return {
        code: RailError(meaning=error.meaning, reason=error.reason or code)
        for code, error in read.items()
    }
