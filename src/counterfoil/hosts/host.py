"""A host: its contract, products and purposes, and what follows from them.

Invariant   What a host may do is what its registered version says, on a day of its contract, while
            nobody has stopped it. Nothing is allowed that is not named there.
Addresses   Origins are `https://name[:port]`; `http` is for the loopback of a sandbox alone.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from counterfoil.hosts.refusals import (
    HOST_FORM_INVALID,
    HOST_NOT_ACTIVE,
    HOST_PRODUCT_CLOSED,
    HOST_PURPOSE_CLOSED,
    ORIGIN_NOT_REGISTERED,
)
from counterfoil.kernel.errors import Refused, refuse

_CODE: Final = re.compile(r"[a-z][a-z0-9-]{1,31}")
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
URL_LENGTH_MAX: Final = 400


class HostPurpose(StrEnum):
    """What a host may handle customers for; each route of a host names one."""

    #: Knowing a customer under the host's reference, and asking for the lender's pages.
    LINKING = "linking"
    #: Applying for lines, and how that went.
    ORIGINATION = "origination"
    #: Limits, drawdowns and loans.
    SERVICING = "servicing"
    #: Passing on repayments that the host's payment institution took.
    REPAYMENT = "repayment"
    #: Being told whom a campaign invites.
    INVITATION = "invitation"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostTerms:
    """What is registered of a host."""

    code: str
    name: str
    contract_from: date
    #: The last day.
    contract_until: date
    products: tuple[str, ...]
    purposes: tuple[str, ...]
    #: What drawdowns through it may be for.
    drawdown_purposes: tuple[str, ...]
    #: Where pages return to, and where it is told things.
    origins: tuple[str, ...]
    webhook_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A host as it stands."""

    host_id: int
    version_no: int
    terms: HostTerms
    asked_by: str
    approved_by: str
    approval_id: int
    registered_at: datetime
    #: Why it was stopped since this version; None while it is not.
    stopped_for: str | None

    def state_on(self, day: date) -> str:
        """Return `active`, `stopped`, `not_begun` or `ended` on a day."""
        if self.stopped_for is not None:
            return "stopped"
        if day < self.terms.contract_from:
            return "not_begun"
        return "active" if day <= self.terms.contract_until else "ended"


def assessed_as(code: str) -> str:
    """Return the subject of the impact assessment that a host needs."""
    return f"host:{code}"


def check_terms(
    terms: HostTerms, *, known_products: Collection[str], is_sandbox: bool
) -> Refused | None:
    """Return the first thing that is wrong with what is to be registered."""
    known_purposes = {purpose.value for purpose in HostPurpose}
    faults = (
        (not _CODE.fullmatch(terms.code), "code", "is 2 to 32 of a-z, 0-9 and -, a letter first"),
        (terms.contract_until < terms.contract_from, "contract_until", "lies before the start"),
        (not terms.products, "products", "names none"),
        (not set(terms.products) <= set(known_products), "products", "names one that is not there"),
        (not terms.purposes, "purposes", "names none"),
        (not set(terms.purposes) <= known_purposes, "purposes", "names one that is not there"),
        (not terms.origins, "origins", "names none"),
    )
    for is_wrong, member, fault in faults:
        if is_wrong:
            return refuse(HOST_FORM_INVALID, member=member, fault=fault)
    for origin in terms.origins:
        if origin_of(origin, is_sandbox=is_sandbox) != origin:
            return refuse(
                HOST_FORM_INVALID, member="origins", fault="has one that is no https origin"
            )
    if terms.webhook_url is not None:
        return refuse_address(terms, terms.webhook_url, is_sandbox=is_sandbox)
    return None


def origin_of(url: str, *, is_sandbox: bool) -> str | None:
    """Return the origin of an address in its normal form; None where nobody should be sent there.

    Credentials in an address, other schemes, and plain http outside of a sandbox's loopback are
    not accepted, whatever is registered.
    """
    if len(url) > URL_LENGTH_MAX or not url.isascii() or any(c <= " " or c == "\\" for c in url):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    name = parts.hostname
    if name is None or parts.username is not None or parts.password is not None:
        return None
    is_plain = parts.scheme == "http" and is_sandbox and name in _LOOPBACK
    if not is_plain and parts.scheme != "https":
        return None
    shown = f"[{name}]" if ":" in name else name
    return f"{parts.scheme}://{shown}" + ("" if port is None else f":{port}")


def refuse_address(terms: HostTerms, url: str, *, is_sandbox: bool) -> Refused | None:
    """Return why the lender neither returns to nor calls an address of a host."""
    origin = origin_of(url, is_sandbox=is_sandbox)
    if origin is None or origin not in terms.origins:
        return refuse(ORIGIN_NOT_REGISTERED)
    return None


def refuse_use(host: Host, purpose: HostPurpose, *, on: date) -> Refused | None:
    """Return why a host may not act for a purpose on a day; None where it may."""
    state = host.state_on(on)
    if state != "active":
        return refuse(HOST_NOT_ACTIVE, state=state)
    if purpose.value not in host.terms.purposes:
        return refuse(HOST_PURPOSE_CLOSED, purpose=purpose.value)
    return None


def refuse_product(host: Host, product_code: str) -> Refused | None:
    """Return why a host has nothing to do with a product."""
    if product_code not in host.terms.products:
        return refuse(HOST_PRODUCT_CLOSED, product=product_code)
    return None


def refuse_drawdown_purpose(host: Host, purpose: str) -> Refused | None:
    """Return why nothing is drawn for a purpose through a host."""
    if purpose not in host.terms.drawdown_purposes:
        return refuse(HOST_PURPOSE_CLOSED, purpose=purpose)
    return None
