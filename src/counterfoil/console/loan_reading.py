"""A loan as the contexts store it, for pages that tell it again from its transactions.

Who may see the loan is asked before, of the views of `desk`; nothing is read here without its key.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from counterfoil.console.visit import Visit
from counterfoil.lending import paper_store, store
from counterfoil.lending.account import Transaction
from counterfoil.lending.loan import Due, Loan
from counterfoil.lending.paper_store import StoredSheet, StoredStatement
from counterfoil.lending.store import BookedTransaction
from counterfoil.platform.queries import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanRead:
    """One loan with what happened to it, in the order of booking."""

    loan: Loan
    booked: Sequence[BookedTransaction]
    dues: Sequence[Due]

    @property
    def history(self) -> list[Transaction]:
        """Return the transactions alone."""
        return [one.transaction for one in self.booked]


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """What the customer was given of a loan, and of its line's months."""

    sheets: Sequence[StoredSheet]
    statements: Sequence[StoredStatement]


async def read_loan(visit: Visit, customer_id: int, loan_id: int) -> LoanRead:
    """Return a loan that the visitor has been found to reach."""
    async with visit.desk.house.database.connection() as connection:
        loan = await store.read_loan(connection, customer_id, loan_id)
        assert loan is not None, "its row was in reach"
        return LoanRead(
            loan=loan,
            booked=await store.read_history(connection, customer_id, loan_id),
            dues=await store.read_instalments(connection, customer_id, loan_id),
        )


async def read_repayment(visit: Visit, customer_id: int, repayment_id: int) -> list[Row]:
    """Return the loans' shares of a repayment, with what became of them since."""
    async with visit.desk.house.database.connection() as connection:
        rows = await store.QUERIES.transactions_of_repayment.fetch(
            connection, customer_id=customer_id, repayment_id=repayment_id
        )
    return list(rows)


async def read_papers(visit: Visit, loan: Loan) -> Papers:
    """Return the papers of a loan and of the line that it is drawn from."""
    async with visit.desk.house.database.connection() as connection:
        return Papers(
            sheets=await paper_store.read_sheets(connection, loan.customer_id, loan.loan_id),
            statements=await paper_store.read_statements(
                connection, loan.customer_id, loan.line_id
            ),
        )
