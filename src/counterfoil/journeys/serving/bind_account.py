"""A customer's first account for payouts, named by the customer and checked by a rail.

Follows     R056: money goes to the borrower's own account. A rail whose terms say that it knows the
            names of payees is asked whether the account is in the customer's; the name is opened
            for that one question.
Invariant   Nobody binds an account that nothing vouches for: where no rail can say whose it is and
            no identity checks are required, only a sandbox takes the customer's word. Another
            account in the place of the first is no first binding: it needs the checks of a change.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

from counterfoil.customers import verification_store as store
from counterfoil.customers.refusals import (
    ACCOUNT_NUMBER_INVALID,
    PAYOUT_ACCOUNT_BOUND,
    PAYOUT_ACCOUNT_OF_ANOTHER,
    PAYOUT_ACCOUNT_UNCHECKED,
)
from counterfoil.journeys.contracting.contract_making import borrower_of
from counterfoil.journeys.house import House
from counterfoil.journeys.paying.payout_account import register_account
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.payments.account_tokens import normal_number
from counterfoil.payments.http_rail import HttpRail
from counterfoil.payments.port import PayeeMatch, Rail
from counterfoil.platform.access_matrix import reading
from counterfoil.platform.batches import Answer
from counterfoil.platform.origin import SANDBOX
from counterfoil.privacy.refusals import PERSONAL_DATA_NOT_FOUND

#: Opens the way to the rail at an address.
Open = Callable[[str], AbstractAsyncContextManager[Rail]]
_BY: Final = "customer"


async def present_account(house: House, customer_id: int) -> str | None:
    """Return the token of the account to which a customer is paid; None where there is none."""
    async with house.database.connection() as connection:
        account = await store.present_account(connection, customer_id)
    return None if account is None else account.payee_ref


async def bind_account(
    house: House,
    *,
    customer_id: int,
    payee_ref: str,
    idempotency_key: str,
    open_rail: Open = HttpRail,
) -> Answer | Refused:
    """Register a customer's first account, where it is in the customer's own name."""
    present = await present_account(house, customer_id)
    if present is not None and present != payee_ref:
        return refuse(PAYOUT_ACCOUNT_BOUND)
    refused = await refuse_name(house, customer_id, payee_ref, open_rail)
    if refused is not None:
        return refused
    return await register_account(
        house,
        customer_id=customer_id,
        payee_ref=payee_ref,
        by=_BY,
        idempotency_key=idempotency_key,
    )


async def bind_number(
    house: House, *, customer_id: int, number: str, idempotency_key: str
) -> Answer | Refused:
    """Register a customer's first account by its number, of which the token alone is kept."""
    digits = normal_number(number)
    if digits is None:
        return refuse(ACCOUNT_NUMBER_INVALID)
    token = None if house.account_tokens is None else await house.account_tokens.token_of(digits)
    if token is None:
        return refuse(PAYOUT_ACCOUNT_UNCHECKED)
    return await bind_account(
        house, customer_id=customer_id, payee_ref=token, idempotency_key=idempotency_key
    )


async def refuse_name(
    house: House, customer_id: int, payee_ref: str, open_rail: Open = HttpRail
) -> Refused | None:
    """Return why an account is not taken for the customer's own."""
    addresses = _checking(house)
    if not addresses:
        is_vouched = house.settings.identity_required or house.settings.environment == SANDBOX
        return None if is_vouched else refuse(PAYOUT_ACCOUNT_UNCHECKED)
    async with house.database.connection() as connection:
        person = await borrower_of(connection, house, customer_id, reading("bank_account"))
    if isinstance(person, Refused):
        is_gone = person.code == PERSONAL_DATA_NOT_FOUND.code
        return refuse(PAYOUT_ACCOUNT_UNCHECKED) if is_gone else person
    for address in addresses:
        async with open_rail(address) as rail:
            match = await rail.check_payee(payee_ref, name=person.name)
        if match is PayeeMatch.MATCHES:
            return None
        if match is PayeeMatch.DIFFERS:
            return refuse(PAYOUT_ACCOUNT_OF_ANOTHER)
    return refuse(PAYOUT_ACCOUNT_UNCHECKED)


def _checking(house: House) -> Sequence[str]:
    """Return the addresses of the rails that know names, in the order of the file."""
    found = []
    for place, terms in enumerate(house.rails):
        # The address of the settings is the first rail's, where the file gives it none.
        address = terms.endpoint or (house.settings.rail_url if place == 0 else None)
        if terms.checks_payee and address is not None:
            found.append(address)
    return found
