"""A link: a host knows a customer, by a reference of its own.

Invariant   The host names its customers by its own references and is never told ours: a number that
            two hosts could compare, or that tells when somebody came to us, is no number for them.
Asked       Whoever sends a person's particulars gets the same answer whether we knew that person or
            not. What it sent is held against the vault; a difference is for a person to look at.
Confirmed   By the customer's first act on a page of the lender. Before that the host sees nothing.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from counterfoil.hosts.refusals import HOST_LINK_ENDED, HOST_LINK_PENDING
from counterfoil.kernel.errors import Refused, refuse


class LinkState(StrEnum):
    """Where a link stands."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    ENDED = "ended"


class SubjectKind(StrEnum):
    """What can be made through a host."""

    APPLICATION = "application"
    LINE = "line"
    LOAN = "loan"
    PURCHASE = "purchase"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link of one host with one customer."""

    customer_id: int
    host_id: int
    #: The host's own name of the customer.
    reference: str
    state: LinkState
    needs_check: bool
    asked_at: datetime
    confirmed_at: datetime | None = None
    ended_at: datetime | None = None
    #: `customer`, `host`, or who of the staff.
    ended_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Something that was made through a host."""

    customer_id: int
    kind: SubjectKind
    subject_id: int
    host_id: int
    product_code: str
    made_at: datetime


def refuse_looking(link: Link) -> Refused | None:
    """Return why a host sees nothing of a customer; None where it may."""
    if link.state is LinkState.ENDED:
        return refuse(HOST_LINK_ENDED)
    return None if link.state is LinkState.CONFIRMED else refuse(HOST_LINK_PENDING)


def refuse_asking(link: Link) -> Refused | None:
    """Return why a host asks for no page for a customer; a first page confirms the link."""
    return refuse(HOST_LINK_ENDED) if link.state is LinkState.ENDED else None


def confirmed(link: Link, *, at: datetime) -> Link:
    """Return a link after an act of the customer on a page of the lender."""
    if link.state is not LinkState.PENDING:
        return link
    return replace(link, state=LinkState.CONFIRMED, confirmed_at=at)


def ended(link: Link, *, by: str, at: datetime) -> Link:
    """Return a link that shows nothing any more; ended once is ended."""
    if link.state is LinkState.ENDED:
        return link
    return replace(link, state=LinkState.ENDED, ended_at=at, ended_by=by)


def asked_again(link: Link, *, needs_check: bool, at: datetime) -> Link:
    """Return a link for which the host sent the person again; an ended one begins anew."""
    if link.state is not LinkState.ENDED:
        return link
    return replace(
        link,
        state=LinkState.PENDING,
        needs_check=needs_check,
        asked_at=at,
        confirmed_at=None,
        ended_at=None,
        ended_by=None,
    )
