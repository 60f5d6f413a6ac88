"""Two records of one person: when they may be merged, and what a link between them is.

Form        A record gives way to another, the surviving one. Nothing of either is rewritten: the
            link says that both are one person, its end that they are two again.
Invariant   A record gives way at most once at a time, and never to one that itself gives way:
            a person is one surviving record and those that gave way to it.
Identity    Two records never bear the same identity number, so a person has two of them only after
            the number was changed. Name and birth date stay; where they differ, or one is not
            kept any more, nothing shows that the two are one.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from counterfoil.customers.identity import birth_date_of
from counterfoil.customers.refusals import (
    RECORD_DOES_NOT_MATCH,
    RECORD_IDENTITY_MISSING,
    RECORD_JOINED_BY_OTHER,
    RECORD_MERGED,
    RECORD_OF_OTHER_LENDER,
    RECORD_SAME,
)
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse


class Step(StrEnum):
    """What happens to a link, in this order; what was proposed may come to nothing."""

    MERGE_PROPOSED = "merge_proposed"
    MERGED = "merged"
    SPLIT_PROPOSED = "split_proposed"
    SPLIT = "split"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkStep:
    """One step of one link, as it is kept."""

    #: The record that gives way.
    customer_id: int
    step_id: int
    link_id: int
    #: The record that goes on.
    surviving_id: int
    step: Step
    approval_id: int
    done_by: str
    done_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Which records are one person now; records without a link stand for themselves."""

    #: Records that gave way, with the surviving one.
    merged_into: Mapping[int, int]

    def surviving(self, customer_id: int) -> int:
        """Return the record under which somebody goes on."""
        return self.merged_into.get(customer_id, customer_id)

    def records(self, customer_id: int) -> tuple[int, ...]:
        """Return every record of the person behind one, the surviving one first."""
        head = self.surviving(customer_id)
        return (head, *sorted(one for one, into in self.merged_into.items() if into == head))


def check_records(people: People, customer_id: int, surviving_id: int) -> Refused | None:
    """Return why a record cannot give way to another as links stand, None where it can."""
    if customer_id == surviving_id:
        return refuse(RECORD_SAME)
    for one in (customer_id, surviving_id):
        if (into := people.surviving(one)) != one:
            return refuse(RECORD_MERGED, surviving=ids.to_text(ids.CUSTOMER, into))
    if len(people.records(customer_id)) > 1:
        return refuse(RECORD_JOINED_BY_OTHER)
    return None


def check_identity(
    given: Mapping[str, str] | None, surviving: Mapping[str, str] | None
) -> Refused | None:
    """Return why two records are not shown to be one person; fields are the vault's."""
    if given is None or surviving is None:
        return refuse(RECORD_IDENTITY_MISSING)
    if given["name"].casefold() != surviving["name"].casefold():
        return refuse(RECORD_DOES_NOT_MATCH)
    if birth_date_of(given["id_number"]) != birth_date_of(surviving["id_number"]):
        return refuse(RECORD_DOES_NOT_MATCH)
    return None


def check_lenders(given: Collection[str], surviving: Collection[str]) -> Refused | None:
    """Return why records with open lines of these lenders stay apart."""
    if given and surviving and len({*given, *surviving}) > 1:
        return refuse(RECORD_OF_OTHER_LENDER)
    return None
