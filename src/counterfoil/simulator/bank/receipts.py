"""Money that people send to the lender, as the bank's statements show it, faults and all.

What goes wrong follows from the receipt alone, so that a bank that is started again says the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

#: By how much a wrong amount is wrong, in minor units.
ERROR_MINOR: Final = 100
_ONE_DAY: Final = timedelta(days=1)

#: Reference, kind, amount, currency, value date, the bank's reference, account, payer's name.
Line = tuple[str, str, int, str, date, str, str, str]


class ReceiptFault(StrEnum):
    """What happens to money that somebody sends to the lender."""

    NONE = "none"
    #: The statement has its line twice.
    SHOWN_TWICE = "shown_twice"
    #: The statement of the next day has it again.
    SHOWN_AGAIN = "shown_again"
    #: Its day's statement lacks it; the next one has it, valued on its day.
    SHOWN_LATE = "shown_late"
    #: The next statement has another amount under its number.
    TWIN = "twin"
    #: The payer's bank takes it back on the next day.
    RECALLED = "recalled"
    #: The payer's bank takes back half of it on the next day.
    RECALLED_IN_PART = "recalled_in_part"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Money that somebody sent to the lender."""

    #: What the payer wrote.
    reference: str
    amount_minor: int
    currency: str
    value_date: date
    rail_reference: str
    #: The lender's account; empty where the bank does not say it.
    account: str = ""
    #: Empty where the bank does not say it.
    payer_name: str = ""
    fault: ReceiptFault = ReceiptFault.NONE


def lines_of(receipts: Mapping[date, Sequence[Receipt]], day: date) -> Iterator[Line]:
    """Return what the statement of a day shows of money that came in, or was taken back."""
    for one in receipts.get(day, ()):
        if one.fault is not ReceiptFault.SHOWN_LATE:
            yield _line(one, one.amount_minor)
        if one.fault is ReceiptFault.SHOWN_TWICE:
            yield _line(one, one.amount_minor)
    for one in receipts.get(day - _ONE_DAY, ()):
        match one.fault:
            case ReceiptFault.SHOWN_AGAIN | ReceiptFault.SHOWN_LATE:
                yield _line(one, one.amount_minor)
            case ReceiptFault.TWIN:
                yield _line(one, one.amount_minor + ERROR_MINOR)
            case ReceiptFault.RECALLED:
                yield _recall(one, one.amount_minor, day)
            case ReceiptFault.RECALLED_IN_PART:
                yield _recall(one, max(1, one.amount_minor // 2), day)
            case _:
                pass


def _line(one: Receipt, amount_minor: int) -> Line:
    number, payer = one.rail_reference, one.payer_name
    return (
        one.reference,
        "received",
        amount_minor,
        one.currency,
        one.value_date,
        number,
        one.account,
        payer,
    )


def _recall(one: Receipt, amount_minor: int, day: date) -> Line:
    number = one.rail_reference
    return (number, "recalled", amount_minor, one.currency, day, f"C{number}", one.account, "")
