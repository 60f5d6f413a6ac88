"""From a report to the few facts that a policy declares; everything else of it is dropped.

Minimisation  Only facts that are asked for by name are computed, and only they leave the room of
              the report. Sex, addresses, employers and whatever else a report carries have no
              name here.
Units         As the policy has them: counts of months, ppm of the whole, minor units.
Absence       None means that the report does not say, and never zero. A person of whom the bureau
              knows no account has no months of history (0); that is knowledge, not absence.
Objections    What rests on an account that somebody objects to is unknown: it may not speak
              against the customer while the objection is open, and a person decides.
"""

from collections.abc import Callable, Collection, Mapping
from itertools import pairwise
from typing import Final

from counterfoil.bureau.report import Account, MonthOfBills, Report, second_generation

Facts = dict[str, int | None]

#: The window of the policy's history: the latest month and the five before it.
WINDOW_MONTHS: Final = 6
#: In the months before the latest a month counts as late from this delay on.
LATE_PERIODS: Final = 2
#: Shares above ten times the whole say no more than "far above".
PPM_MAX: Final = 10_000_000
_ONE_PPM: Final = 1_000_000


def facts_of(report: Report, wanted: Collection[str]) -> Facts:
    """Return the facts that are wanted and that a report of this format can carry."""
    return {name: FACTS[name](report) for name in sorted(wanted) if name in FACTS}


def marks_of(report: Report) -> frozenset[str]:
    """Return what a person has to look at whatever the figures say."""
    marks = set()
    if report.has_fraud_warning:
        marks.add("fraud_warning")
    if report.objection_marks_count or any(item.is_disputed for item in report.accounts):
        marks.add("disputed")
    if not report.accounts:
        marks.add("thin_file")
    return frozenset(marks)


def _is_disputed(report: Report) -> bool:
    return any(account.is_disputed for account in report.accounts)


def _history_months(report: Report) -> int | None:
    if _is_disputed(report):
        return None
    return len({month for account in report.accounts for month, _ in account.statuses})


def _delay_months_latest(report: Report) -> int | None:
    """Return the longest delay of any open account in its latest month."""
    if _is_disputed(report):
        return None
    delays = [_latest_delay(account) for account in report.accounts if not account.is_closed]
    return max((delay for delay in delays if delay is not None), default=None)


def _latest_delay(account: Account) -> int | None:
    if account.periods_overdue is not None:
        return account.periods_overdue
    return _periods(account.statuses[0][1]) if account.statuses else None


def _delay_months_max(report: Report) -> int | None:
    """Return the longest delay; the summary counts on where a status ends at seven."""
    delays = [periods for _, periods in _months(report)]
    latest = _delay_months_latest(report)
    if _is_disputed(report) or not delays:
        return None
    return max(*delays, latest or 0, report.months_overdue_longest or 0)


def _late_months_count(report: Report) -> int | None:
    months = _months(report)
    if _is_disputed(report) or not months:
        return None
    return sum(periods >= LATE_PERIODS for _, periods in months[1:])


def _months(report: Report) -> list[tuple[str, int]]:
    """Return the months of the window, latest first, each with its longest delay."""
    worst: dict[str, int] = {}
    for account in report.accounts:
        for month, status in account.statuses:
            worst[month] = max(worst.get(month, 0), _periods(status))
    return sorted(worst.items(), reverse=True)[:WINDOW_MONTHS]


def _periods(status: str) -> int:
    periods: int = second_generation()["statuses"]["periods"].get(status, 0)
    return periods


def _unpaid_months_count(report: Report) -> int | None:
    """Return the months in which something was owed from the month before and nothing paid."""
    bills = _window_of_bills(report)
    if not bills:
        return None
    unpaid = {
        now.month
        for months in bills
        for now, before in pairwise(months)
        if now.paid_minor == 0 and before.billed_minor > 0
    }
    return len(unpaid)


def _payment_share_ppm(report: Report) -> int | None:
    """Return the share of five months' bills that was paid in the month after each."""
    bills = _window_of_bills(report)
    billed = sum(max(item.billed_minor, 0) for months in bills for item in months[1:])
    if billed == 0:
        return None
    paid = sum(item.paid_minor for months in bills for item in months[:-1])
    return min(paid * _ONE_PPM // billed, PPM_MAX)


def _window_of_bills(report: Report) -> list[tuple[MonthOfBills, ...]]:
    if _is_disputed(report):
        return []
    return [months[:WINDOW_MONTHS] for months in report.bills.values() if months]


def _utilisation_ppm(report: Report) -> int | None:
    accounts = [item for item in _open_accounts(report) if item.is_revolving]
    limit = sum(item.granted_minor or 0 for item in accounts)
    if _is_disputed(report) or limit == 0:
        return None
    used = sum(max(item.used_minor or 0, 0) for item in accounts)
    return min(used * _ONE_PPM // limit, PPM_MAX)


def _credit_elsewhere_minor(report: Report) -> int | None:
    granted = [item.granted_minor for item in _open_accounts(report)]
    return None if None in granted else sum(filter(None, granted))


def _balance_elsewhere_minor(report: Report) -> int | None:
    if _is_disputed(report):
        return None
    balances = [item.balance_minor for item in _open_accounts(report)]
    return None if None in balances else sum(max(balance, 0) for balance in filter(None, balances))


def _open_accounts(report: Report) -> list[Account]:
    return [item for item in report.accounts if not item.is_closed]


#: Facts by the names under which policies declare them.
FACTS: Final[Mapping[str, Callable[[Report], int | None]]] = {
    "history_months": _history_months,
    "delay_months_latest": _delay_months_latest,
    "delay_months_max": _delay_months_max,
    "late_months_count": _late_months_count,
    "unpaid_months_count": _unpaid_months_count,
    "utilisation_ppm": _utilisation_ppm,
    "payment_share_ppm": _payment_share_ppm,
    "credit_elsewhere_minor": _credit_elsewhere_minor,
    "balance_elsewhere_minor": _balance_elsewhere_minor,
}
