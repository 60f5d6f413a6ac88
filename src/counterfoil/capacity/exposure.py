"""A person's debt in figures: lenders, limits, totals, news, shares; each with its age and source.

Unknown     Without a report nobody knows what is owed elsewhere: the measure is None and carries
            `at_least`, what is known for certain. A ceiling that this alone passes is passed.
            What rests on a disputed account is unknown in the same way.
Person      Measured for one person; a household is measured where a link is known and lawful.
Units       Minor units, counts, ppm; months back from the day of the measure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from counterfoil.capacity.amounts import ONE_PPM, Range, share_ppm
from counterfoil.capacity.inventory import Debt, DebtKind, Inventory
from counterfoil.kernel.calendar import add_months

#: For whom exposure is measured.
PER_PERSON: Final = "person"
#: Two who named each other, each under a consent that runs.
PER_HOUSEHOLD: Final = "household"
#: What may come to be owed here by everybody of a household; only where one is known.
HOUSEHOLD_EXPOSURE: Final = "household_exposure"
_MONTHS: Final = (1, 3, 6)
#: The names of all measures; ceilings are on these and on no others.
MEASURES: Final = (
    *("own_exposure", "open_limits", "guarantees", "total_debt", "total_exposure"),
    *("debt_monthly", "utilisation", "active_lenders", "dsr", "debt_to_yearly_income"),
    *(f"new_lenders_{months}_months" for months in _MONTHS),
    *(f"inquiries_{months}_months" for months in _MONTHS),
)
_MONTHS_A_YEAR: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One figure; None is not known, and `at_least` is what is certain all the same."""

    value: int | None
    at_least: int | None
    #: The day of the oldest record behind it; None where there is none.
    as_of: date | None
    #: `own`, `bureau`, `guarantee`, `stated`, `statements`, sorted.
    sources: tuple[str, ...]

    @property
    def certain(self) -> int | None:
        """Return the figure, or what it is at least."""
        return self.value if self.value is not None else self.at_least

    def document(self) -> dict[str, Any]:
        """Return the form that is stored and shown."""
        return {
            "as_of": None if self.as_of is None else self.as_of.isoformat(),
            "at_least": self.at_least,
            "sources": list(self.sources),
            "value": self.value,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """An inquiry that a report shows."""

    on: date
    organisation: str
    reason_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a person beside the debts themselves."""

    #: The day of the report; None where no bureau said anything.
    bureau_as_of: date | None
    #: Whether the customer was asked for all debts and answered.
    stated_all: bool
    #: What the customer says in sum; None where nothing was said.
    stated_monthly_minor: int | None
    stated_lenders_count: int | None
    inquiries: tuple[Searched, ...]
    #: The monthly income at both ends; None where it is not known.
    income: Range | None
    income_source: str
    as_of: date


Measures = Mapping[str, Measure]


def measure(inventory: Inventory, known: Known, inquiry_reasons: Sequence[str]) -> Measures:
    """Return every measure of a person; pure."""
    found = {**_amounts(inventory, known), **_counts(inventory, known, inquiry_reasons)}
    income = known.income
    whole = None if income is None else income.low
    sources = (known.income_source,) if known.income_source else ()
    monthly, total = found["debt_monthly"], found["total_debt"]
    found["dsr"] = _share(monthly, whole, sources)
    yearly = None if whole is None else whole * _MONTHS_A_YEAR
    found["debt_to_yearly_income"] = _share(total, yearly, sources)
    return found


def with_household(measures: Measures, others_minor: int, as_of: date) -> Measures:
    """Return the measures with what the others of a household may come to owe here added up."""
    own = measures["own_exposure"]
    together = Measure(
        value=None if own.value is None else own.value + others_minor,
        at_least=(own.at_least or 0) + others_minor,
        as_of=own.as_of or as_of,
        sources=tuple(sorted({*own.sources, PER_HOUSEHOLD})),
    )
    return {**measures, HOUSEHOLD_EXPOSURE: together}


def _amounts(inventory: Inventory, known: Known) -> dict[str, Measure]:
    running = [debt for debt in inventory.counted if debt.is_open]
    everywhere = known.bureau_as_of is not None or known.stated_all
    stated = known.stated_monthly_minor
    own = [debt for debt in running if debt.kind is DebtKind.OWN]
    revolving = [debt for debt in running if debt.limit_minor is not None]
    borrowed = [debt for debt in running if debt.kind is not DebtKind.GUARANTEE]
    monthly = _sum(borrowed, [debt.monthly_minor for debt in borrowed], is_all=everywhere)
    limits = _sum(revolving, [debt.limit_minor for debt in revolving], is_all=everywhere)
    used = _sum(revolving, [debt.balance_minor for debt in revolving], is_all=everywhere)
    return {
        "own_exposure": _sum(own, [_exposure(debt) for debt in own], is_all=True),
        "open_limits": limits,
        "guarantees": _sum(
            guarantees := [debt for debt in running if debt.kind is DebtKind.GUARANTEE],
            [debt.balance_minor for debt in guarantees],
            is_all=known.bureau_as_of is not None,
        ),
        "total_debt": _sum(borrowed, [d.balance_minor for d in borrowed], is_all=everywhere),
        "total_exposure": _sum(running, [_exposure(debt) for debt in running], is_all=everywhere),
        "debt_monthly": _at_least_stated(monthly, stated, known.as_of),
        "utilisation": _utilisation(used, limits),
    }


def _counts(
    inventory: Inventory, known: Known, inquiry_reasons: Sequence[str]
) -> dict[str, Measure]:
    owing = [d for d in inventory.counted if d.is_open and (d.balance_minor or 0) > 0]
    lenders = _count(owing, len(_institutions(owing)), known)
    found = {"active_lenders": _at_least_stated(lenders, known.stated_lenders_count, known.as_of)}
    for months in _MONTHS:
        since = add_months(known.as_of, -months)
        fresh = [
            debt
            for debt in inventory.counted
            if debt.opened_on is not None
            and debt.opened_on > since
            and not _was_lender_before(debt, inventory.counted, since)
        ]
        found[f"new_lenders_{months}_months"] = _count(fresh, len(_institutions(fresh)), known)
        searched = [
            item
            for item in known.inquiries
            if item.on > since and item.reason_code in inquiry_reasons
        ]
        said = known.bureau_as_of is not None
        found[f"inquiries_{months}_months"] = Measure(
            value=len(searched) if said else None,
            at_least=len(searched) if said else None,
            as_of=known.bureau_as_of,
            sources=("bureau",) if said else (),
        )
    return found


def _exposure(debt: Debt) -> int | None:
    """Return what may come to be owed: the limit or, above it, the balance."""
    if debt.limit_minor is None:
        return debt.balance_minor
    return max(debt.limit_minor, debt.balance_minor or 0)


def _sum(debts: Sequence[Debt], amounts: Sequence[int | None], *, is_all: bool) -> Measure:
    pairs = list(zip(debts, amounts, strict=True))
    certain = sum(
        max(amount, 0) for debt, amount in pairs if amount is not None and not debt.is_disputed
    )
    is_open_question = any(amount is None or debt.is_disputed for debt, amount in pairs)
    return Measure(
        value=certain if is_all and not is_open_question else None,
        at_least=certain,
        as_of=min((debt.as_of for debt in debts), default=None),
        sources=_sources(debts),
    )


def _count(debts: Sequence[Debt], count: int, known: Known) -> Measure:
    said = known.bureau_as_of is not None
    return Measure(
        value=count if said else None,
        at_least=count,
        as_of=min((debt.as_of for debt in debts), default=known.bureau_as_of),
        sources=_sources(debts) or (("bureau",) if said else ()),
    )


def _at_least_stated(found: Measure, stated: int | None, as_of: date) -> Measure:
    """Return a measure that is no less than what the customer says; their word is knowledge."""
    if stated is None:
        return found
    sources = tuple(sorted({*found.sources, "stated"}))
    value = max(stated, found.certain or 0)
    return Measure(value=value, at_least=value, as_of=found.as_of or as_of, sources=sources)


def _share(part: Measure, whole: int | None, sources: tuple[str, ...]) -> Measure:
    def of(value: int | None) -> int | None:
        return None if value is None or whole is None else share_ppm(value, whole)

    return Measure(
        value=of(part.value),
        at_least=of(part.at_least),
        as_of=part.as_of,
        sources=tuple(sorted({*part.sources, *sources})),
    )


def _utilisation(used: Measure, limits: Measure) -> Measure:
    is_known = used.value is not None and bool(limits.value)
    share = used.value * ONE_PPM // limits.value if is_known else None  # type: ignore[operator]
    return Measure(value=share, at_least=share, as_of=limits.as_of, sources=limits.sources)


def _institutions(debts: Sequence[Debt]) -> set[str]:
    """Return the lenders behind debts; one that is not named is one of its own."""
    return {debt.institution or f"?{debt.ref}" for debt in debts if not debt.is_disputed}


def _was_lender_before(debt: Debt, counted: Sequence[Debt], since: date) -> bool:
    return bool(debt.institution) and any(
        other.institution == debt.institution
        and other.opened_on is not None
        and other.opened_on <= since
        for other in counted
    )


def _sources(debts: Sequence[Debt]) -> tuple[str, ...]:
    return tuple(sorted({debt.kind.value for debt in debts}))
