"""A page of the lender that a host asked for: one act of one customer, by a link that opens once.

Invariant   What is agreed to is shown by the lender, to the customer, who is recognised there. The
            host gets a number and a state. What came of the act is used by the same host, once.
Tokens      32 random bytes; the digest is kept. They live for as long as a person takes to come.
"""

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from counterfoil.hosts.refusals import PAGE_ENDED, PAGE_EXPIRED, PAGE_NOT_DONE, PAGE_USED
from counterfoil.kernel.errors import Refused, refuse

TOKEN_BYTES: Final = 32
#: From asking for the page to its end, reading and signing included.
LIFE: Final = timedelta(minutes=30)
#: What the address of return carries, and nothing else of ours.
RESULT: Final = "result"


class PageAct(StrEnum):
    """What a page is for."""

    CONSENT = "consent"
    COST_SHEET = "cost_sheet"
    AGREEMENT = "agreement"


class PageState(StrEnum):
    """Where a page stands; `expired` is told from the time and not stored."""

    WAITING = "waiting"
    OPENED = "opened"
    DONE = "done"
    REFUSED = "refused"
    USED = "used"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class HostedPage:
    """One page."""

    customer_id: int
    page_id: int
    host_id: int
    act: PageAct
    #: What the act is about, by the act: codes, numbers, identifiers.
    asked: dict[str, Any]
    return_url: str
    token_sha256: bytes
    state: PageState
    made_at: datetime
    expires_at: datetime
    opened_at: datetime | None = None
    #: What the customer is shown: hashes, since when, and what goes with them.
    shown: dict[str, Any] | None = None
    ended_at: datetime | None = None
    #: The consent, the line or the signed quote that came of it; the host does not get it.
    result: str | None = None

    def state_at(self, now: datetime) -> str:
        """Return what the host is told of the page."""
        is_open = self.state in (PageState.WAITING, PageState.OPENED)
        return "expired" if is_open and now >= self.expires_at else self.state.value


def new_token() -> str:
    """Return the secret of a link, for an address."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def digest_of(token: str) -> bytes:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode()).digest()


def opened(page: HostedPage, *, at: datetime) -> HostedPage | Refused:
    """Return a page that its link has opened; a link opens once."""
    refused = refuse_ended(page, at=at)
    if refused is not None:
        return refused
    if page.state is not PageState.WAITING:
        return refuse(PAGE_ENDED)
    return replace(page, state=PageState.OPENED, opened_at=at)


def refuse_ended(page: HostedPage, *, at: datetime) -> Refused | None:
    """Return why nothing can be done on a page any more."""
    if page.ended_at is not None:
        return refuse(PAGE_ENDED)
    return refuse(PAGE_EXPIRED) if at >= page.expires_at else None


def done(page: HostedPage, *, result: str, at: datetime) -> HostedPage:
    """Return a page on which the customer agreed."""
    return replace(page, state=PageState.DONE, result=result, ended_at=at)


def refused_by_customer(page: HostedPage, *, at: datetime) -> HostedPage:
    """Return a page on which the customer did not agree."""
    return replace(page, state=PageState.REFUSED, ended_at=at)


def refuse_result(page: HostedPage, act: PageAct) -> Refused | None:
    """Return why a page does not stand for an act of the customer."""
    if page.state is PageState.USED:
        return refuse(PAGE_USED)
    if page.act is not act or page.state is not PageState.DONE:
        return refuse(PAGE_NOT_DONE, act=act.value)
    return None


def address_of_return(page: HostedPage, page_text: str) -> str:
    """Return where the customer goes back to; it carries the page's own number alone."""
    parts = urlsplit(page.return_url)
    query = "&".join(part for part in (parts.query, urlencode({RESULT: page_text})) if part)
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", query, ""))
