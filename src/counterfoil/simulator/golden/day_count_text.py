"""The day count of a case is a text; its first words decide, remarks in brackets explain.

`30/360` of the case files is a twelfth of a year per calendar month, not the bond market's count.
"""

import re

from counterfoil.kernel.daycount import DayCount
from counterfoil.lending.conventions.settings import NotCovered

BY_TEXT = {
    "30/360": DayCount.MONTH_12,
    "actual/365": DayCount.ACT_365,
    "actual/360": DayCount.ACT_360,
    "actual/364": DayCount.ACT_364,
    "actual/actual": DayCount.ACT_ACT_31DEC,
    "declining balance, rate/12 per month": DayCount.MONTH_12,
    "declining balance, actual days / 365": DayCount.ACT_365,
    "declining balance, actual days / 360": DayCount.ACT_360,
    "flat on original principal, rate/12 per month": DayCount.MONTH_12,
    "flat, rate/12 per month": DayCount.MONTH_12,
}
NO_INTEREST = "not applicable"


def day_count_of(text: str) -> DayCount | None:
    """Return the count a text names; None where it says that there is no interest."""
    head = re.sub(r"\s*\(.*\)\s*$", "", text.strip())
    if head == NO_INTEREST:
        return None
    if head not in BY_TEXT:
        raise NotCovered(f"day_count = {text!r}")
    return BY_TEXT[head]
