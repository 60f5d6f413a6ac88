"""An account that a host has declared for a customer: where drawdowns through it are paid.

Invariant   The account is the customer's own: a rail that knows names has said so. A token is one
            person's for ever, whichever host declares it. Withdrawn, it is paid no more.
Follows     R056: money goes to the borrower's own account.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPayee:
    """One declared account."""

    customer_id: int
    payee_id: int
    host_id: int
    #: Token of the account, never its number.
    payee_ref: str
    #: How the host calls it before the customer, such as a bank and four digits.
    label: str
    declared_at: datetime
    withdrawn_at: datetime | None = None
    #: `host` or `customer`.
    withdrawn_by: str | None = None
