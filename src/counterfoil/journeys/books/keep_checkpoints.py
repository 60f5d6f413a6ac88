"""Keeping where long loans stood, at the close of day: later changes are folded from there.

Invariant   Beside the money and never in its statement. A checkpoint says up to which transaction
            it knows of, so that one which a customer's command has overtaken is not read.
Cost        Nothing for loans with few transactions: their number stands in the loan's own row.
"""

from collections.abc import Iterable
from datetime import date

from counterfoil.lending import checkpoint, checkpoint_store
from counterfoil.lending.account import Account
from counterfoil.lending.catalogue import Catalogue
from counterfoil.lending.refolding import checkpoints_after
from counterfoil.platform.database import Connection


async def keep_checkpoints(
    connection: Connection, catalogue: Catalogue, accounts: Iterable[Account], on: date
) -> int:
    """Keep checkpoints of the open loans that moved on by enough since theirs; return how many.

    `on` is the business date, as which the accounts were loaded.
    """
    every = checkpoint.EVERY
    loans = {
        (loan.customer_id, loan.loan_id): loan
        for account in accounts
        for loan in account.loans.values()
        if loan.last_sequence >= every and loan.status == "open"
    }
    if not loans:
        return 0
    # Base and rows of one moment: what is kept claims to know all that was booked by then.
    async with connection.transaction(isolation="repeatable_read"):  # type: ignore[call-arg]
        bases = await checkpoint_store.read_bases(connection, dict.fromkeys(loans, on))
        behind = {
            key: bases.get(key)
            for key, loan in loans.items()
            if key not in bases or loan.last_sequence - bases[key].rows_from >= every - 1
        }
        if not behind:
            return 0
        histories = await checkpoint_store.read_after(connection, behind)
        passed = {
            key: checkpoints_after(
                loans[key],
                behind[key],
                history,
                through=on,
                terms=catalogue.terms(loans[key].product_code, loans[key].product_version),
            )
            for key, history in histories.items()
        }
        return await checkpoint_store.keep(connection, passed)
