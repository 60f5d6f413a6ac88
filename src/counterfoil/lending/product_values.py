"""What a single value of a product file may say, and what it becomes.

Invariant   A value is taken over exactly or refused with a reason; nothing is rounded.
Units       Amounts are texts in major units, such as `"500.00"`, and become minor units; rates are
            texts in percent, such as `"0.035 %"`, and become 1e-8.
"""

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any

from counterfoil.kernel.money import AMOUNT_MINOR_MAX, from_major_text
from counterfoil.kernel.rates import ONE_E8
from counterfoil.lending.loan import INSTALMENTS_MAX
from counterfoil.lending.terms import Fee, FeeBasis, FeeTiming, Part

#: Takes a value and the product's currency; raises FaultError.
Parse = Callable[[Any, str], Any]

#: Who may receive what a customer pays; a platform is not among them.
PAYEES = ("lender", "guarantor")

CODE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
WORD = re.compile(r"[a-z][a-z0-9_]*")
_PERCENT = re.compile(r"([0-9]{1,6})(?:\.([0-9]+))? ?%")
_PERCENT_DIGITS = 6
_TEXT_MAX = 200


class FaultError(ValueError):
    """A value that a key cannot have; the message says why."""


def percent_e8(text: str) -> int:
    """Return a rate written in percent, such as `0.035 %`, in 1e-8; refuse a finer fraction."""
    match = _PERCENT.fullmatch(text.strip())
    if match is None:
        raise FaultError(f"{text!r} is not a rate in percent, such as '0.035 %'")
    whole, fraction = match[1], match[2] or ""
    if len(fraction.rstrip("0")) > _PERCENT_DIGITS:
        raise FaultError(f"{text!r} is finer than a millionth of a percent")
    return int(whole) * (ONE_E8 // 100) + int(
        fraction[:_PERCENT_DIGITS].ljust(_PERCENT_DIGITS, "0")
    )


def read_text(value: Any, _currency: str) -> str:
    """Return a text that is neither empty nor longer than a name or a sentence."""
    if not isinstance(value, str) or not value.strip() or len(value) > _TEXT_MAX:
        raise FaultError(f"has to be a text of 1 to {_TEXT_MAX} characters")
    return value


def matching(pattern: re.Pattern[str], example: str) -> Parse:
    """Return the reader of texts written like the example."""

    def parse(value: Any, currency: str) -> str:
        text = read_text(value, currency)
        if not pattern.fullmatch(text):
            raise FaultError(f"{text!r} is not written like {example!r}")
        return text

    return parse


def whole(least: int, most: int) -> Parse:
    """Return the reader of whole numbers in a range."""

    def parse(value: Any, _currency: str) -> int:
        if type(value) is not int or not least <= value <= most:
            raise FaultError(f"has to be a whole number from {least} to {most}")
        return value

    return parse


def read_flag(value: Any, _currency: str) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise FaultError("has to be true or false")
    return value


def read_day(value: Any, _currency: str) -> date:
    """Return a date, without a time."""
    if not isinstance(value, date) or isinstance(value, datetime):
        raise FaultError("has to be a date, such as 2026-01-31, without quotes")
    return value


def read_amount(value: Any, currency: str) -> int:
    """Return an amount in minor units, more than zero."""
    if not isinstance(value, str):
        raise FaultError('has to be an amount as text in major units, such as "500.00"')
    try:
        amount_minor = from_major_text(value, currency)
    except ValueError as error:
        raise FaultError(str(error)) from error
    if not 0 < amount_minor <= AMOUNT_MINOR_MAX:
        raise FaultError(f"{value!r} has to be more than zero and no more than can be booked")
    return amount_minor


def read_rate(value: Any, _currency: str) -> int:
    """Return a rate in 1e-8."""
    if not isinstance(value, str):
        raise FaultError('has to be a rate as text in percent, such as "0.035 %"')
    return percent_e8(value)


def one_of(choices: Iterable[str]) -> Parse:
    """Return the reader of one of some names."""
    known = tuple(choices)

    def parse(value: Any, _currency: str) -> str:
        if value not in known:
            raise FaultError(f"{value!r} is not known; there are: {', '.join(known)}")
        return known[known.index(value)]

    return parse


def some(parse_one: Parse, *, least: int = 1) -> Parse:
    """Return the reader of a list without repetition."""

    def parse(value: Any, currency: str) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) < least:
            raise FaultError(f"has to be a list of at least {least}")
        items = tuple(parse_one(item, currency) for item in value)
        if len(set(items)) < len(items):
            raise FaultError("names something twice")
        return items

    return parse


def read_tenors(value: Any, currency: str) -> tuple[int, ...]:
    """Return tenors in months, ascending, none longer than a plan can be."""
    tenors: tuple[int, ...] = some(whole(1, INSTALMENTS_MAX))(value, currency)
    if list(tenors) != sorted(tenors):
        raise FaultError("has to be ascending")
    return tenors


def read_allocation(value: Any, currency: str) -> tuple[Part, ...]:
    """Return the order of allocation: each part once; fees only where there are any."""
    parts: tuple[Part, ...] = some(one_of(Part))(value, currency)
    if not set(parts) >= set(Part) - {Part.FEE}:
        names = ", ".join(part for part in Part if part is not Part.FEE)
        raise FaultError(f"has to name each of {names} once, and fee where there are fees")
    return parts


_FEE_KEYS: dict[str, Parse] = {
    "code": matching(WORD, "opening_fee"),
    "name_en": read_text,
    "name_zh": read_text,
    "payee": one_of(PAYEES),
    "timing": one_of(FeeTiming),
}
#: What a fee is: a fixed amount, or a share of something; either with the most that it may be.
_FEE_MEASURES: dict[str, Parse] = {
    "amount": read_amount,
    "share": read_rate,
    "of": one_of(basis for basis in FeeBasis if basis is not FeeBasis.FIXED),
    "most": read_amount,
}
#: What a fee of a timing may be a share of.
_BASES: dict[FeeTiming, frozenset[FeeBasis]] = {
    FeeTiming.FIRST_INSTALMENT: frozenset(
        {FeeBasis.ORIGINAL_PRINCIPAL, FeeBasis.OUTSTANDING_PRINCIPAL}
    ),
    FeeTiming.EACH_INSTALMENT: frozenset(
        {FeeBasis.ORIGINAL_PRINCIPAL, FeeBasis.OUTSTANDING_PRINCIPAL}
    ),
    FeeTiming.EARLY_REPAYMENT: frozenset({FeeBasis.REPAID_PRINCIPAL}),
    FeeTiming.LATE: frozenset(),
}


def read_fees(value: Any, currency: str) -> tuple[Fee, ...]:
    """Return the fees of a product, each with its payee."""
    if not isinstance(value, list):
        raise FaultError("has to be a list; an empty one where there are none")
    fees = tuple(_fee(number, item, currency) for number, item in enumerate(value, start=1))
    if len({fee.code for fee in fees}) < len(fees):
        raise FaultError("names a code twice")
    return fees


def _fee(number: int, item: Any, currency: str) -> Fee:
    if not isinstance(item, dict):
        raise FaultError(f"fee {number} has to be a table")
    if unknown := sorted(set(item) - set(_FEE_KEYS) - set(_FEE_MEASURES)):
        raise FaultError(f"fee {number}: {unknown[0]} is not a key of a fee")
    if missing := [key for key in _FEE_KEYS if key not in item]:
        raise FaultError(f"fee {number} has no {missing[0]}")
    parsers = _FEE_KEYS | _FEE_MEASURES
    try:
        values = {key: parsers[key](item[key], currency) for key in item}
        basis = _basis(values)
    except FaultError as fault:
        raise FaultError(f"fee {number}: {fault}") from fault
    return Fee(
        **{key: values[key] for key in _FEE_KEYS},
        basis=basis,
        amount_minor=values.get("amount", 0),
        share_e8=values.get("share", 0),
        cap_minor=values.get("most"),
    )


def _basis(values: dict[str, Any]) -> FeeBasis:
    """Return what a fee is measured by; refuse one that is measured twice, or not at all."""
    timing = FeeTiming(values["timing"])
    if "amount" in values:
        if {"share", "of", "most"} & values.keys():
            raise FaultError("is an amount and a share at once")
        if timing is FeeTiming.EARLY_REPAYMENT:
            raise FaultError("for early repayment has to be a share of repaid_principal")
        return FeeBasis.FIXED
    if not {"share", "of"} <= values.keys():
        raise FaultError("has neither an amount nor a share with what it is of")
    basis = FeeBasis(values["of"])
    if basis not in _BASES[timing]:
        raise FaultError(f"with {timing} cannot be a share of {basis}")
    return basis
