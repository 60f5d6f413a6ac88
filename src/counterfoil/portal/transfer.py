"""How to repay by transfer, as a customer reads it: to which account, and what to write on it."""

from collections.abc import Sequence
from dataclasses import dataclass

from counterfoil.journeys.paying.how_to_pay import accounts_open
from counterfoil.kernel.creditor_reference import grouped, reference_of
from counterfoil.portal.visit import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferView:
    """A reference and the accounts that take it."""

    reference: str
    #: Name and text of each fact, account by account.
    accounts: Sequence[Sequence[tuple[str, str]]]
    hint: str


def transfer_view(
    visit: Visit, prefix: str, number: int, *, lender_id: str, currency: str
) -> TransferView:
    """Return how to transfer what goes to a line or a loan."""
    t = visit.t
    found = accounts_open(visit.house, lender_id=lender_id, currency=currency)
    return TransferView(
        reference=grouped(reference_of(prefix, number)),
        accounts=[
            [
                (t("transfer.account"), grouped(one.account.account)),
                (t("transfer.holder"), one.account.holder),
                (t("transfer.bank"), one.account.bank),
            ]
            for one in found
        ],
        hint=t(f"transfer.hint_{prefix}"),
    )
