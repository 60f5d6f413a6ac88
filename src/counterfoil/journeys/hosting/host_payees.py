"""Accounts of customers that hosts declare: checked by name, owned by one person, withdrawn.

The way     A host declares a token; a rail that knows names is asked whether the account is in the
            customer's. Cost sheets of drawdowns name a declared account, or the merchant that is
            declared for the scene, and nothing else; the customer sees it and may withdraw it.
Invariant   Whose token it is nobody is told: another person's is refused like one in another name.
"""

from typing import Any, Final

from counterfoil.customers.refusals import PAYOUT_ACCOUNT_OF_ANOTHER
from counterfoil.hosts import payee_store
from counterfoil.hosts.link import Link
from counterfoil.hosts.payee import HostPayee
from counterfoil.hosts.refusals import HOST_PAYEE_NOT_DECLARED, HOST_PAYEE_NOT_FOUND
from counterfoil.journeys.hosting.host_scope import Visit, customer_of_visit
from counterfoil.journeys.house import House
from counterfoil.journeys.serving.bind_account import refuse_name
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.lending import scene_store
from counterfoil.platform.database import Connection

_BY_HOST: Final = "host"
_BY_CUSTOMER: Final = "customer"


async def declare_payee(
    house: House, visit: Visit, reference: str, *, payee_ref: str, label: str
) -> dict[str, Any]:
    """Declare an account of the host's customer; raises RefusedError.

    Declared again it is the same one, under the number that it has.
    """
    async with house.database.transaction() as connection:
        link = await customer_of_visit(connection, visit, reference)
    refused = await refuse_name(house, link.customer_id, payee_ref)
    if refused is not None:
        raise RefusedError(refused)
    payee = HostPayee(
        customer_id=link.customer_id,
        payee_id=house.ids.next(),
        host_id=link.host_id,
        payee_ref=payee_ref,
        label=label,
        declared_at=house.clock.now(),
    )
    async with house.database.transaction() as connection:
        if not await payee_store.claim(connection, payee_ref, link.customer_id):
            raise RefusedError(refuse(PAYOUT_ACCOUNT_OF_ANOTHER))
        await payee_store.add_payee(connection, payee)
        found = await payee_store.payee_in_force(
            connection, customer_id=link.customer_id, host_id=link.host_id, payee_ref=payee_ref
        )
    assert found is not None, "it was just declared, or before"
    return payee_answer(found, reference)


async def payees_of(
    house: House, visit: Visit, reference: str, *, page: int, before: int, is_back: bool
) -> list[dict[str, Any]]:
    """Return what the host has declared for a customer, newest first; raises RefusedError."""
    async with house.database.transaction() as connection:
        link = await customer_of_visit(connection, visit, reference)
        found = await payee_store.read_payees(
            connection,
            link.customer_id,
            link.host_id,
            page=page,
            before=before,
            is_back=is_back,
        )
    return [payee_answer(one, reference) for one in found]


async def withdraw_payee(
    house: House, visit: Visit, reference: str, payee_id: int
) -> dict[str, Any]:
    """Withdraw what the host declared; raises RefusedError where it did not, or did before."""
    async with house.database.transaction() as connection:
        link = await customer_of_visit(connection, visit, reference)
        refused = await _withdraw(house, connection, link, payee_id, by=_BY_HOST)
        if refused is not None:
            raise RefusedError(refused)
        found = await payee_store.read_payees(connection, link.customer_id, link.host_id)
    (one,) = (payee for payee in found if payee.payee_id == payee_id)
    return payee_answer(one, reference)


async def own_payees(house: House, customer_id: int) -> list[HostPayee]:
    """Return the accounts that hosts have declared for a customer and that are in force."""
    async with house.database.connection() as connection:
        found = await payee_store.read_payees(connection, customer_id)
    return [one for one in found if one.withdrawn_at is None]


async def withdraw_own_payee(house: House, *, customer_id: int, payee_id: int) -> Refused | None:
    """Withdraw an account at the customer's wish, whichever host declared it."""
    async with house.database.transaction() as connection:
        for one in await payee_store.read_payees(connection, customer_id):
            if one.payee_id == payee_id:
                return await _withdraw(house, connection, one, payee_id, by=_BY_CUSTOMER)
    return refuse(HOST_PAYEE_NOT_FOUND)


async def refuse_payee(connection: Connection, link: Link, payee_ref: str) -> Refused | None:
    """Return why a drawdown through a host is not paid to an account.

    A merchant that is declared for a scene is the other one who may be paid; whether it is the
    scene's own is asked where the drawdown is quoted.
    """
    declared = await payee_store.payee_in_force(
        connection, customer_id=link.customer_id, host_id=link.host_id, payee_ref=payee_ref
    )
    if declared is not None:
        return None
    merchants = await scene_store.payees_of_accounts(connection, [payee_ref])
    return None if merchants else refuse(HOST_PAYEE_NOT_DECLARED)


def payee_answer(payee: HostPayee, reference: str) -> dict[str, Any]:
    """Return what the host is told of an account that it declared."""
    return {
        "id": ids.to_text(ids.HOST_PAYEE, payee.payee_id),
        "customer": reference,
        "payee_ref": payee.payee_ref,
        "label": payee.label,
        "state": "declared" if payee.withdrawn_at is None else "withdrawn",
        "declared_at": payee.declared_at.isoformat(),
        "withdrawn_at": None if payee.withdrawn_at is None else payee.withdrawn_at.isoformat(),
    }


async def _withdraw(
    house: House, connection: Connection, of: Link | HostPayee, payee_id: int, *, by: str
) -> Refused | None:
    done = await payee_store.withdraw(
        connection,
        customer_id=of.customer_id,
        host_id=of.host_id,
        payee_id=payee_id,
        by=by,
        at=house.clock.now(),
    )
    return None if done else refuse(HOST_PAYEE_NOT_FOUND)
