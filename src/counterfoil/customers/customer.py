"""A customer as the house knows one: no name, no number, nothing personal.

Invariant   Whoever holds this record, or a dump of its table, cannot tell who the person is.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from counterfoil.kernel.language import Language


class CustomerStatus(StrEnum):
    """Whether the house does business with the customer."""

    ACTIVE = "active"
    RESTRICTED = "restricted"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """One customer."""

    customer_id: int
    status: CustomerStatus
    language: Language
    created_at: datetime
