"""Whom a demonstration shows at the portal: an invented customer who owes and can draw cash."""

from typing import NamedTuple

from counterfoil.journeys.borrowing.papers import keep_agreed_sheets
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import RefusedError
from counterfoil.lending import store
from counterfoil.lending.line import Line
from counterfoil.platform.access_matrix import reading
from counterfoil.privacy.person_store import read_for_check
from counterfoil.simulator.world import PRODUCT

#: More than a demonstration needs to find somebody with loans.
_LOOKED_AT = 500
#: Loans whose cost sheets are kept before the worker has come to them.
_PAPERS = 100


class ShownCustomer(NamedTuple):
    """Somebody who does not exist, and the number that opens the portal."""

    name: str
    phone: str


async def keep_papers_shown(house: House) -> None:
    """Keep the cost sheets of the loans that pages show first; the worker keeps the others."""
    async with house.database.connection() as connection:
        loans = await store.read_loans_after(connection, status="open", page=_PAPERS)
    await keep_agreed_sheets(house, loans)


async def customer_to_show(house: House) -> ShownCustomer | None:
    """Return the customer with a running loan and most left to draw, None where nobody has one."""
    async with house.database.connection() as connection:
        lines = await store.read_lines_after(connection, status="active", page=_LOOKED_AT)
        loans = await store.read_loans_after(connection, status="open", page=_LOOKED_AT)
        owing = {(loan.customer_id, loan.line_id) for loan in loans if not loan.oldest_due_date}
        fitting = [
            line
            for line in lines
            if (line.customer_id, line.line_id) in owing and line.product_code == PRODUCT
        ]
        if not fitting:
            return None
        chosen = max(fitting, key=_left_minor)
        try:
            person = await read_for_check(
                connection, house.vault, chosen.customer_id, reading("demonstration")
            )
        except RefusedError:
            return None
    return None if person is None else ShownCustomer(person["name"], person["phone"])


def _left_minor(line: Line) -> int:
    return line.limit_minor - line.principal_minor - line.held_minor
