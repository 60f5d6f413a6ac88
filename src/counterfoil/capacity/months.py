"""From categorised lines to whole months: what came in, what went to debts, what to living.

Invariant   A month counts only where a statement covers it from its first day to its last. The
            figures of a month add up to the money that moved in it, own transfers aside.
Units       Minor units; shares in ppm.
Stability   One less the mean distance from the mean, as a share of the mean; at least three
            months, fewer are unknown. 1,000,000 is the same every month, 0 anything goes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from counterfoil.capacity.amounts import ONE_PPM, Range, median
from counterfoil.capacity.category import CategorisedLine, CategoryKind
from counterfoil.capacity.statement import Statement
from counterfoil.kernel.calendar import add_months


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """The figures of one account, or of all of them, in one calendar month."""

    #: The first day of the month.
    month: date
    is_whole: bool
    income_minor: int = 0
    debt_minor: int = 0
    living_minor: int = 0
    #: Borrowed money that came in; never income.
    borrowed_minor: int = 0
    #: Everything that moved, in and out, own transfers aside.
    moved_minor: int = 0
    uncategorised_minor: int = 0


def months_of(statement: Statement, lines: Sequence[CategorisedLine]) -> tuple[Month, ...]:
    """Return the months that a statement touches, oldest first, also those without a line."""
    found: list[Month] = []
    first = statement.first_date.replace(day=1)
    while first <= statement.last_date:
        after = add_months(first, 1)
        is_whole = (
            statement.first_date <= first and after - timedelta(days=1) <= statement.last_date
        )
        within = [item for item in lines if first <= item.line.date < after]
        found.append(_month(first, within, is_whole=is_whole))
        first = after
    return tuple(found)


def together(months: Iterable[Month]) -> tuple[Month, ...]:
    """Return months of several accounts added up, oldest first; whole where any account's is."""
    found: dict[date, Month] = {}
    for item in months:
        known = found.get(item.month)
        found[item.month] = item if known is None else _sum(known, item)
    return tuple(found[key] for key in sorted(found))


def latest_whole(months: Sequence[Month], most: int) -> tuple[Month, ...]:
    """Return the latest whole months without a gap between them, oldest first."""
    taken: list[Month] = []
    for item in reversed([item for item in months if item.is_whole]):
        if len(taken) == most or (taken and add_months(item.month, 1) != taken[-1].month):
            break
        taken.append(item)
    return tuple(reversed(taken))


def stability_ppm(incomes: Sequence[int]) -> int | None:
    """Return how even an income is; None without any income."""
    total, count = sum(incomes), len(incomes)
    if total <= 0:
        return None
    # Distances from the mean, everything times the count so that nothing is divided early.
    distances = sum(abs(income * count - total) for income in incomes)
    return max(0, ONE_PPM - distances * ONE_PPM // (total * count))


def income_range(incomes: Sequence[int]) -> Range:
    """Return the income that can be counted on: from the lower quarter to the middle."""
    ordered = sorted(incomes)
    return Range(ordered[(len(ordered) - 1) // 4], median(ordered))


def uncategorised_ppm(months: Iterable[Month]) -> int:
    """Return the share of money that no rule could place."""
    listed = list(months)
    moved = sum(item.moved_minor for item in listed)
    return sum(item.uncategorised_minor for item in listed) * ONE_PPM // moved if moved else 0


def _month(first: date, lines: Sequence[CategorisedLine], *, is_whole: bool) -> Month:
    def of(kind: CategoryKind) -> int:
        return sum(abs(item.line.amount_minor) for item in lines if item.kind is kind)

    moved = sum(abs(i.line.amount_minor) for i in lines if i.kind is not CategoryKind.OWN)
    return Month(
        month=first,
        is_whole=is_whole,
        income_minor=of(CategoryKind.INCOME),
        debt_minor=of(CategoryKind.DEBT),
        living_minor=of(CategoryKind.LIVING),
        borrowed_minor=of(CategoryKind.LOAN),
        moved_minor=moved,
        uncategorised_minor=of(CategoryKind.UNKNOWN),
    )


def _sum(one: Month, other: Month) -> Month:
    return replace(
        one,
        is_whole=one.is_whole or other.is_whole,
        income_minor=one.income_minor + other.income_minor,
        debt_minor=one.debt_minor + other.debt_minor,
        living_minor=one.living_minor + other.living_minor,
        borrowed_minor=one.borrowed_minor + other.borrowed_minor,
        moved_minor=one.moved_minor + other.moved_minor,
        uncategorised_minor=one.uncategorised_minor + other.uncategorised_minor,
    )
