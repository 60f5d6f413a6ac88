"""A customer as the house knows one: no name, no number, nothing personal.

Invariant   Whoever holds this record, or a dump of its table, cannot tell who the person is.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class CustomerStatus(StrEnum):
    """Whether the house does business with the customer."""

    ACTIVE = "active"
    RESTRICTED = "restricted"
    CLOSED = "closed"


class Language(StrEnum):
    """The language in which the customer is written to."""

    CHINESE = "zh"
    ENGLISH = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """One customer."""

    customer_id: int
    status: CustomerStatus
    language: Language
    created_at: datetime
