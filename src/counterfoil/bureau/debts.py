"""What a report says is owed, guaranteed and searched for: the inventory behind the exposure.

Minimisation  Given only where `debt_inventory` is asked for by name, and written down as such in
              the opening. No name of a person, no address, no employer has a place in it.
Ourselves     An account of the organisation that asked is our own: its institution is `self`.
Absence       None means that the report does not say, and never zero.
"""

from datetime import date
from typing import Final, NamedTuple

from counterfoil.bureau.report import Account, Guarantee, Report

#: The name under which an inventory is asked for.
DEBT_INVENTORY: Final = "debt_inventory"
_OURSELVES: Final = "self"


class ReportedDebt(NamedTuple):
    """One account or guarantee."""

    ref: str
    #: `self` for our own, empty where the report does not say.
    institution: str
    product: str
    opened_on: date | None
    #: What could be owed on a revolving account; None on any other.
    limit_minor: int | None
    balance_minor: int | None
    #: What falls due in the latest month.
    monthly_minor: int | None
    is_open: bool
    is_disputed: bool
    is_guarantee: bool


class ReportedSearch(NamedTuple):
    """One inquiry of whoever."""

    on: date
    organisation: str
    reason_code: str


class DebtInventory(NamedTuple):
    """Debts and searches of one report, with its day."""

    made_on: date
    debts: tuple[ReportedDebt, ...]
    searches: tuple[ReportedSearch, ...]


def debts_of(report: Report) -> DebtInventory | None:
    """Return the inventory of a report; None where the report bears no day that can be read."""
    made_on = _day(report.made_at)
    if made_on is None:
        return None
    accounts = [_account(item, place, report) for place, item in enumerate(report.accounts)]
    guarantees = [_guarantee(item, place) for place, item in enumerate(report.guarantees)]
    searches = [
        ReportedSearch(on, item.organisation or "", item.reason_code or "")
        for item in report.inquiries
        if (on := _day(item.date)) is not None
    ]
    return DebtInventory(made_on, (*accounts, *guarantees), tuple(searches))


def _account(account: Account, place: int, report: Report) -> ReportedDebt:
    is_own = bool(account.institution) and account.institution == report.inquirer
    balance = account.balance_minor
    if account.is_revolving and account.used_minor is not None:
        balance = account.used_minor
    return ReportedDebt(
        ref=account.mark or f"account-{place + 1}",
        institution=_OURSELVES if is_own else account.institution or "",
        product=account.product or "",
        opened_on=_day(account.opened or ""),
        limit_minor=account.granted_minor if account.is_revolving else None,
        balance_minor=balance,
        monthly_minor=account.due_minor,
        is_open=not account.is_closed,
        is_disputed=account.is_disputed,
        is_guarantee=False,
    )


def _guarantee(guarantee: Guarantee, place: int) -> ReportedDebt:
    return ReportedDebt(
        ref=f"guarantee-{place + 1}",
        institution=guarantee.institution or "",
        product=guarantee.business or "",
        opened_on=_day(guarantee.opened or ""),
        limit_minor=None,
        balance_minor=guarantee.liability_minor,
        monthly_minor=None,
        is_open=True,
        is_disputed=guarantee.is_disputed,
        is_guarantee=True,
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None
