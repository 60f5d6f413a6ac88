"""The simulated bank's statement file: one day's movements with a closing check sum.

Written from the agreed format, not with the product's reader: two hands that must meet.
"""

import csv
import hashlib
import io
from collections.abc import Iterable
from datetime import date

from counterfoil.simulator.bank.bank import Bank

#: Reference, kind, amount in minor units, currency, value date, the bank's reference.
Line = tuple[str, str, int, str, date | None, str]


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
    came_in = [
        (one.reference, "received", one.amount_minor, one.currency, day, one.rail_reference)
        for one in bank.receipts.get(day, ())
    ]
    return statement_text([*moved, *came_in])


def statement_text(lines: Iterable[Line]) -> str:
    """Return the text of a file with these lines."""
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("reference", "kind", "amount_minor", "currency", "value_date", "rail_reference"))
    count = 0
    for line in lines:
        rows.writerow(line)
        count += 1
    body = text.getvalue()
    return f"{body}#end,{count},{hashlib.sha256(body.encode()).hexdigest()}\n"
