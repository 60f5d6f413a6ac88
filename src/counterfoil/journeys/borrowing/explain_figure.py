"""Explaining a figure: read a loan with its history, and tell how the figure came about."""

from datetime import date

from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending import refusals, store
from counterfoil.lending.catalogue import Catalogue
from counterfoil.lending.explaining import Explanation, Figure, explain
from counterfoil.platform.batches import QUERIES as PLATFORM
from counterfoil.platform.database import Database


async def explain_figure(
    database: Database,
    catalogue: Catalogue,
    *,
    customer_id: int,
    loan_id: int,
    figure: Figure,
    on: date | None = None,
) -> Explanation | Refused:
    """Explain a figure of a loan on a date, by default the business date."""
    async with database.connection() as connection:
        loan = await store.read_loan(connection, customer_id, loan_id)
        if loan is None:
            return refuse(refusals.LOAN_NOT_FOUND)
        booked = await store.read_history(connection, customer_id, loan_id)
        day = on or await PLATFORM.business_date.fetchval(connection)
    terms = catalogue.terms(loan.product_code, loan.product_version)
    return explain(loan, [entry.transaction for entry in booked], figure, on=day, terms=terms)
