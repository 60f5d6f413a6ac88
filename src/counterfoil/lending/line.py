"""A credit line: the agreement under which a customer draws, with its limit and its holds.

Invariant   available + blocked = min(limit, own cap) - principal outstanding - holds, never below
            zero. While the line is frozen, suspended, closed or past its validity all of it is
            blocked, else all of it is available. Money owed and repayment never depend on the
            state of the line.
Units       Minor units of the line's currency.
"""

from dataclasses import dataclass
from datetime import date


@dataclass(slots=True)
class Line:
    """The state of a credit line; the order of the fields is that of the query which loads it."""

    customer_id: int
    line_id: int
    application_id: int
    product_code: str
    product_version: int
    lender_id: str
    currency: str
    status: str
    limit_minor: int
    rate_daily_e8: int
    repayment_day: int
    opened_on: date
    valid_to: date
    version: int = 1
    #: The customer's own ceiling below the limit, None where there is none.
    own_cap_minor: int | None = None
    #: Principal outstanding of all loans of the line.
    principal_minor: int = 0
    #: Drawdowns accepted and not yet paid out.
    held_minor: int = 0
    #: Overpayments kept for the customer.
    credit_minor: int = 0
    #: Last day of a temporary freeze, None for one without an end.
    frozen_until: date | None = None
    status_reason: str | None = None
    #: A raised own cap waits until that day; None as amount takes the cap away.
    next_cap_minor: int | None = None
    next_cap_on: date | None = None
    day_changed_on: date | None = None
    day_changes: int = 0
    #: Credit that is on its way back to the customer; no longer part of the credit.
    returning_minor: int = 0
    #: The signed agreement and the SHA-256 of its text; None where none is signed.
    contract_id: int | None = None
    agreement_sha256: bytes | None = None
    #: What the customer agreed to where the limit is another; None where it is the limit itself.
    agreed_limit_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """The available amount with the parts that add up to it."""

    limit_minor: int
    own_cap_minor: int | None
    principal_minor: int
    held_minor: int
    available_minor: int
    #: What could be drawn were it not for the state of the line.
    blocked_minor: int
    #: Why nothing is available although something is left, None where it is.
    blocked_by: str | None
    version: int


def agreed_limit(line: Line) -> int:
    """Return the highest limit that the customer has agreed to, in minor units."""
    return line.limit_minor if line.agreed_limit_minor is None else line.agreed_limit_minor


def settle_waiting(line: Line, on: date) -> None:
    """Let what waited for a day take effect: the end of a freeze, a raised own cap."""
    if line.status == "frozen" and line.frozen_until is not None and on > line.frozen_until:
        line.status, line.frozen_until, line.status_reason = "active", None, None
    if line.next_cap_on is not None and on >= line.next_cap_on:
        line.own_cap_minor = line.next_cap_minor
        line.next_cap_minor = line.next_cap_on = None


def headroom_minor(line: Line, on: date) -> int:
    """Return what the limit and the own cap of a date leave, whatever the state of the line."""
    ceiling = line.limit_minor
    cap = line.own_cap_minor
    if line.next_cap_on is not None and on >= line.next_cap_on:
        cap = line.next_cap_minor
    if cap is not None and cap < ceiling:
        ceiling = cap
    left = ceiling - line.principal_minor - line.held_minor
    return max(0, left)


def blocked_by(line: Line, on: date) -> str | None:
    """Return the state that keeps the customer from drawing on that date, None if none does."""
    if line.status == "frozen" and line.frozen_until is not None and on > line.frozen_until:
        return "expired" if on > line.valid_to else None
    if line.status != "active":
        return line.status
    return "expired" if on > line.valid_to else None


def availability(line: Line, on: date) -> Availability:
    """Return what may be drawn on a date, with its parts."""
    cap = line.own_cap_minor
    if line.next_cap_on is not None and on >= line.next_cap_on:
        cap = line.next_cap_minor
    block = blocked_by(line, on)
    headroom = headroom_minor(line, on)
    return Availability(
        limit_minor=line.limit_minor,
        own_cap_minor=cap,
        principal_minor=line.principal_minor,
        held_minor=line.held_minor,
        available_minor=0 if block else headroom,
        blocked_minor=headroom if block else 0,
        blocked_by=block,
        version=line.version,
    )
