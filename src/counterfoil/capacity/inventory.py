"""Everything a person owes or could draw, each debt once, with its source and its day.

Once        The same debt comes from several sides. It is recognised by institution, product and
            dates, and what is dropped names the rule and the record that stays:
            own_books      an account of our own institution, opened no earlier than our line, in a
                           report: our own books are nearer to the truth.
            reported_twice two accounts of a report alike in institution, product, day and amount.
            stated_known   a debt that the customer names and that a record shows already.
Unknown     What cannot be matched stays: a debt counted twice is an error on the safe side, one
            not counted is not.
Units       Minor units of one currency.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final, NamedTuple

from counterfoil.capacity.statement import normal_name

#: The institution under which our own debts are listed.
OURSELVES: Final = "self"


class DebtKind(StrEnum):
    """Who knows of a debt."""

    OWN = "own"
    BUREAU = "bureau"
    GUARANTEE = "guarantee"
    STATED = "stated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Debt:
    """One debt or open limit."""

    kind: DebtKind
    #: By which its source knows it.
    ref: str
    #: Empty where the source does not say.
    institution: str
    product: str
    opened_on: date | None
    #: What could be owed on a revolving account; None on any other.
    limit_minor: int | None
    #: None where the source does not say.
    balance_minor: int | None
    #: What falls due in a month; None where the source does not say.
    monthly_minor: int | None
    is_open: bool
    #: Whether somebody objects to it: it may not speak against the customer meanwhile.
    is_disputed: bool
    as_of: date

    def document(self) -> dict[str, Any]:
        """Return the form that is stored."""
        return {
            "as_of": self.as_of.isoformat(),
            "balance_minor": self.balance_minor,
            "institution": self.institution,
            "is_disputed": self.is_disputed,
            "is_open": self.is_open,
            "kind": self.kind.value,
            "limit_minor": self.limit_minor,
            "monthly_minor": self.monthly_minor,
            "opened_on": None if self.opened_on is None else self.opened_on.isoformat(),
            "product": self.product,
            "ref": self.ref,
        }


def debt_of(document: dict[str, Any]) -> Debt:
    """Return a debt as it was stored."""
    opened = document["opened_on"]
    return Debt(
        **document
        | {
            "kind": DebtKind(document["kind"]),
            "as_of": date.fromisoformat(document["as_of"]),
            "opened_on": None if opened is None else date.fromisoformat(opened),
        }
    )


class Dropped(NamedTuple):
    """A record that is not counted because another one stands for the same debt."""

    ref: str
    stays: str
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What counts, and what was recognised as the same."""

    counted: tuple[Debt, ...]
    dropped: tuple[Dropped, ...]


def count_once(debts: Sequence[Debt], *, same_account_days: int) -> Inventory:
    """Return every debt once; own books come before reports, reports before what is stated."""
    order = {kind: place for place, kind in enumerate(DebtKind)}
    counted: list[Debt] = []
    dropped: list[Dropped] = []
    for debt in sorted(debts, key=lambda item: (order[item.kind], item.ref)):
        same = _same(debt, counted, same_account_days)
        if same is None:
            counted.append(debt)
        else:
            dropped.append(same)
    return Inventory(counted=tuple(counted), dropped=tuple(dropped))


def _same(debt: Debt, counted: Sequence[Debt], days: int) -> Dropped | None:
    for known in counted:
        rule = _rule(debt, known, days)
        if rule:
            return Dropped(debt.ref, known.ref, rule)
    return None


def _rule(debt: Debt, known: Debt, days: int) -> str:
    """Return the rule by which two records are of the same debt; empty where none says so."""
    if not debt.institution or normal_name(debt.institution) != normal_name(known.institution):
        return ""
    if known.kind is DebtKind.OWN:
        return "own_books" if _is_no_earlier(debt, known, days) else ""
    if debt.kind is DebtKind.BUREAU and known.kind is DebtKind.BUREAU:
        alike = ("product", "opened_on", "limit_minor", "balance_minor")
        is_alike = all(getattr(debt, name) == getattr(known, name) for name in alike)
        return "reported_twice" if is_alike and debt.opened_on is not None else ""
    if debt.kind is DebtKind.STATED and known.kind is not DebtKind.STATED:
        products = {debt.product, known.product} - {""}
        fits = len(products) <= 1 and _are_near(debt.opened_on, known.opened_on, days)
        return "stated_known" if fits else ""
    return ""


def _is_no_earlier(debt: Debt, own: Debt, days: int) -> bool:
    if debt.opened_on is None or own.opened_on is None:
        return True
    return (own.opened_on - debt.opened_on).days <= days


def _are_near(one: date | None, other: date | None, days: int) -> bool:
    return one is None or other is None or abs((one - other).days) <= days
