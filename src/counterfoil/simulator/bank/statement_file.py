"""The simulated bank's statement file: one day's movements with a closing check sum.

Written from the agreed format, not with the product's reader: two hands that must meet.
"""

import csv
import hashlib
import io
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final

from counterfoil.simulator.bank.bank import Bank
from counterfoil.simulator.bank.receipts import lines_of

_WIDE: Final = (
    *("reference", "kind", "amount_minor", "currency", "value_date", "rail_reference"),
    *("account", "payer_name"),
)
#: Columns of a file that says neither account nor payer.
_NARROW: Final = 6


def write_statement(bank: Bank, day: date) -> str:
    """Return the text of a day's file; the day is over at the bank from now on."""
    moved = [
        (
            entry.reference,
            "returned" if is_return else "paid",
            amount_minor,
            entry.currency,
            entry.returned_on if is_return else entry.value_date,
            entry.rail_reference,
        )
        for entry, is_return, amount_minor in bank.statement_lines(day)
    ]
    came_in = list(lines_of(bank.receipts, day))
    is_wide = any(account or payer for *_, account, payer in came_in)
    return statement_text([*moved, *came_in], is_wide=is_wide)


def statement_text(lines: Iterable[Sequence[Any]], *, is_wide: bool = False) -> str:
    """Return the text of a file with these lines; a wide one has accounts and payers, too."""
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    header = _WIDE if is_wide else _WIDE[:_NARROW]
    rows.writerow(header)
    count = 0
    for line in lines:
        rows.writerow([*line, "", ""][: len(header)])
        count += 1
    body = text.getvalue()
    return f"{body}#end,{count},{hashlib.sha256(body.encode()).hexdigest()}\n"
