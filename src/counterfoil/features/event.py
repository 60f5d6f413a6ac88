"""What became known of a customer: one event, with the time it happened and the time it was known.

Times       `occurred_on` is the business date of what happened, `occurred_at` its instant, which
            orders events of one day; `known_at` is when the house came to know.
Identity    Source, kind and the source's own record. A higher revision takes the place of a lower
            one from the instant at which it is known; a void one takes it away.
Privacy     Members are numbers, yes or no, and codes from a list or of a fixed form: no place for
            a name, an address or a number of anybody.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from counterfoil.features.feature import Value, ValueType


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member that events of a kind may have."""

    name: str
    type: ValueType
    #: Range of an integer, ends included.
    lowest: int
    highest: int
    #: What a text may be; empty: any short code.
    values: tuple[str, ...]
    #: The category of information, where it is a restricted one it needs a written consent.
    category: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventKind:
    """A kind of events, and what they may say."""

    code: str
    name_en: str
    name_zh: str
    #: Sources whose events may be of this kind.
    sources: frozenset[str]
    members: Mapping[str, Member]


class Event(NamedTuple):
    """One event as it is kept."""

    customer_id: int
    event_id: int
    kind: str
    source: str
    #: The source's own number of what it tells of; accepted once for each revision.
    source_record: str
    revision: int
    is_void: bool
    #: The line it is about; None where it is about the customer.
    line_id: int | None
    #: What it was collected for, and on what basis.
    purpose: str
    legal_basis: str
    consent_id: int | None
    occurred_on: date
    occurred_at: datetime
    known_at: datetime
    #: When it may no longer be used; None: the basis sets no end.
    expires_at: datetime | None
    facts: Mapping[str, Value]

    @property
    def record(self) -> tuple[str, str, str]:
        """Return what a later revision shares with this one."""
        return self.source, self.kind, self.source_record


class Draft(NamedTuple):
    """An event as a source tells it."""

    customer_id: int
    kind: str
    source: str
    source_record: str
    line_id: int | None
    purpose: str
    legal_basis: str
    consent_id: int | None
    occurred_on: date
    occurred_at: datetime
    #: When the house came to know; None: only now.
    known_at: datetime | None
    expires_at: datetime | None
    facts: Mapping[str, Value]

    @property
    def record(self) -> tuple[str, str, str]:
        """Return what an event of the same record shares with this one."""
        return self.source, self.kind, self.source_record

    def says_as(self, event: "Event | Draft") -> bool:
        """Tell whether an event says the same already."""
        return (
            not (isinstance(event, Event) and event.is_void)
            and (event.occurred_on, event.line_id) == (self.occurred_on, self.line_id)
            and dict(event.facts) == dict(self.facts)
        )
