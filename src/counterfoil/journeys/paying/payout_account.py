"""The account to which a customer is paid: registered after its checks, and asked for in a payout.

The way     The combination of checks for changing the bank card has to stand, and the check of the
            card has to be about the very account that is registered.
Follows     R056: money goes to the borrower's own account, or to the declared merchant's.
Cost        Where the installation requires nothing, nothing is read.
"""

from counterfoil.customers import verification_store as store
from counterfoil.customers.refusals import (
    CUSTOMER_NOT_FOUND,
    PAYOUT_ACCOUNT_UNCHANGED,
    PAYOUT_ACCOUNT_UNKNOWN,
)
from counterfoil.customers.verification_policy import Act
from counterfoil.journeys.house import House
from counterfoil.journeys.once import once_for
from counterfoil.journeys.serving.change_contact import changed_text, note_change
from counterfoil.journeys.serving.identity import refuse_act, refuse_standing
from counterfoil.journeys.serving.identity_tries import document_digest
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Connection
from counterfoil.privacy import person_store as persons


async def register_account(
    house: House, *, customer_id: int, payee_ref: str, by: str, idempotency_key: str
) -> Answer | Refused:
    """Pay a customer to another account of their own from now on."""
    digest, now = await document_digest(house, payee_ref), house.clock.now()

    async def work(connection: Connection) -> str | Refused:
        refused = await refuse_standing(
            house, connection, Act.CHANGING_BANK_CARD, customer_id, subject_digest=digest
        )
        if refused is not None:
            return refused
        if not await persons.is_kept(connection, customer_id):
            return refuse(CUSTOMER_NOT_FOUND)
        present = await store.present_account(connection, customer_id)
        if present is not None and present.payee_ref == payee_ref:
            return refuse(PAYOUT_ACCOUNT_UNCHANGED)
        account = store.PayoutAccount(
            customer_id=customer_id,
            account_id=house.ids.next(),
            payee_ref=payee_ref,
            registered_by=by,
            registered_at=now,
        )
        await store.add_account(connection, account)
        await note_change(
            house, connection, customer_id, account.account_id, "payout_account", by=by
        )
        return changed_text(customer_id, "payout_account")

    return await once_for(
        house, customer_id, "register_account", idempotency_key, {"payee_ref": payee_ref}, work
    )


async def refuse_draw(
    house: House, *, customer_id: int, amount_minor: int, currency: str, payee_ref: str | None
) -> Refused | None:
    """Return why a drawdown has to wait; nothing is read where nothing is required.

    `payee_ref` is the customer's account; None where a merchant is paid.
    """
    if not house.settings.identity_required:
        return None
    async with house.database.connection() as connection:
        refused = await refuse_act(
            house,
            connection,
            Act.DRAWING,
            customer_id,
            is_large=house.identity_policy.is_large({currency: amount_minor}),
        )
        if refused is not None or payee_ref is None:
            return refused
        return await _refuse_account(connection, customer_id, payee_ref)


async def refuse_return(house: House, *, customer_id: int, payee_ref: str) -> Refused | None:
    """Return why credit does not go back to an account; it waits for no checks."""
    if not house.settings.identity_required:
        return None
    async with house.database.connection() as connection:
        return await _refuse_account(connection, customer_id, payee_ref)


async def _refuse_account(
    connection: Connection, customer_id: int, payee_ref: str
) -> Refused | None:
    account = await store.present_account(connection, customer_id)
    is_own = account is not None and account.payee_ref == payee_ref
    return None if is_own else refuse(PAYOUT_ACCOUNT_UNKNOWN)
