"""The simulated bank's statement file: one day's movements with a closing check sum.

Written from the agreed format, not with the product's reader: two hands that must meet.
"""

import csv
import hashlib
import io
from datetime import date

from counterfoil.simulator.bank.bank import Bank


def write_statement(bank: Bank, day: date) -> str:
    """Return the text of a day's file; the day is over at the bank from now on."""
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("reference", "kind", "amount_minor", "currency", "value_date", "rail_reference"))
    count = 0
    for entry, is_return, amount_minor in bank.statement_lines(day):
        kind = "returned" if is_return else "paid"
        value_date = entry.returned_on if is_return else entry.value_date
        rows.writerow(
            (
                entry.reference,
                kind,
                amount_minor,
                entry.currency,
                value_date,
                entry.rail_reference,
            )
        )
        count += 1
    body = text.getvalue()
    return f"{body}#end,{count},{hashlib.sha256(body.encode()).hexdigest()}\n"
