"""Accounts to which customers transfer what they repay."""

from typing import Annotated, Final

from fastapi import APIRouter, Query

from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.shapes import View
from counterfoil.journeys.paying.how_to_pay import accounts_open
from counterfoil.platform.access import Scope

TAG: Final = "Repayments"
router = APIRouter()


class CollectionAccountView(View):
    """An account of a lender, with the rail whose statements show what comes to it."""

    account: str
    holder: str
    bank: str
    lender_id: str
    rail: str
    currencies: list[str]


class CollectionAccounts(View):
    """The accounts of the rails file."""

    items: list[CollectionAccountView]


@router.get(
    "/v1/collection-accounts",
    **reads(Scope.LINES_READ, TAG, "List accounts to transfer repayments to"),
)
async def list_collection_accounts(
    house: HouseOf,
    lender_id: Annotated[
        str | None, Query(max_length=64, description="Of this lender of record only.")
    ] = None,
) -> CollectionAccounts:
    """Return the accounts that take repayments under the reference of a line or loan.

    The list is whole: the accounts of the rails file.
    """
    return CollectionAccounts(
        items=[
            CollectionAccountView(
                account=one.account.account,
                holder=one.account.holder,
                bank=one.account.bank,
                lender_id=one.account.lender_id,
                rail=one.rail,
                currencies=list(one.currencies),
            )
            for one in accounts_open(house, lender_id=lender_id)
        ]
    )
