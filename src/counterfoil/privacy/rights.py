"""What a person asks about their own data, as the fold of its events.

Kinds       view, copy, correct, delete, restrict, explain, object.
States      waiting → identified → answered | refused; waiting, identified → withdrawn. Nothing is
            answered before it is known that the person is the customer.
Clock       Runs from receipt, in calendar days; a request that passes it stays open and is shown
            as late, never closed by time.
Follows     PIPL articles 44 to 50; the rule R029: a refusal has its reason.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

import orjson

from counterfoil.kernel.errors import Refused, refuse
from counterfoil.privacy.refusals import (
    REASON_MISSING,
    RIGHTS_EXPORT_FIRST,
    RIGHTS_NOT_IDENTIFIED,
    RIGHTS_NOT_OPEN,
)


class Right(StrEnum):
    """What may be asked."""

    VIEW = "view"
    COPY = "copy"
    CORRECT = "correct"
    DELETE = "delete"
    RESTRICT = "restrict"
    EXPLAIN = "explain"
    OBJECT = "object"


class RightsAct(StrEnum):
    """What is done with a request."""

    IDENTIFIED = "identified"
    EXPORTED = "exported"
    ANSWERED = "answered"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class RightsState(StrEnum):
    """Where a request stands."""

    WAITING = "waiting"
    IDENTIFIED = "identified"
    ANSWERED = "answered"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


_ENDS = {
    RightsAct.ANSWERED: RightsState.ANSWERED,
    RightsAct.REFUSED: RightsState.REFUSED,
    RightsAct.WITHDRAWN: RightsState.WITHDRAWN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RightsEvent:
    """One thing that was done with a request."""

    event_no: int
    act: RightsAct
    person: str
    #: How the person was known to be the customer; empty where the act is another.
    method: str
    reason: str
    #: JSON text.
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RightsRequest:
    """One request of one customer; the order of the fields is that of the query."""

    customer_id: int
    request_id: int
    kind: Right
    #: A field to correct, an application to explain; empty where it is about all.
    about: str
    #: In the person's words, numbers of identity and telephone hidden.
    said: str
    received_at: datetime
    received_by: str
    due_on: date
    events: tuple[RightsEvent, ...] = ()

    @property
    def is_identified(self) -> bool:
        """Tell whether the person is known to be the customer."""
        return any(event.act is RightsAct.IDENTIFIED for event in self.events)

    @property
    def is_exported(self) -> bool:
        """Tell whether the data was given out for it."""
        return any(event.act is RightsAct.EXPORTED for event in self.events)

    @property
    def conclusion(self) -> RightsEvent | None:
        """Return how it ended; None while it is open."""
        return self.events[-1] if self.events and self.events[-1].act in _ENDS else None

    @property
    def state(self) -> RightsState:
        """Return where it stands."""
        ended = self.conclusion
        if ended is not None:
            return _ENDS[ended.act]
        return RightsState.IDENTIFIED if self.is_identified else RightsState.WAITING

    def days_left(self, on: date) -> int:
        """Return the days until the clock runs out; negative where it has."""
        return (self.due_on - on).days


#: One step of a request: what it is afterwards, or why not.
Step = Callable[[RightsRequest], RightsRequest | Refused]


def identify(
    request: RightsRequest, *, by: str, method: str, at: datetime
) -> RightsRequest | Refused:
    """Note how the person is known to be the customer; known twice is known once."""
    if request.conclusion is not None:
        return refuse(RIGHTS_NOT_OPEN, state=request.state)
    if request.is_identified:
        return request
    if not method.strip():
        return refuse(RIGHTS_NOT_IDENTIFIED)
    return _after(request, RightsAct.IDENTIFIED, by, at, method=method)


def exported(
    request: RightsRequest, *, by: str, sha256: str, at: datetime
) -> RightsRequest | Refused:
    """Note that the data was given out, by the hash of what was given."""
    refused = _not_ready(request)
    detail = {"sha256": sha256}
    return refused or _after(request, RightsAct.EXPORTED, by, at, detail=detail)


def answer(
    request: RightsRequest, *, by: str, reason: str, detail: Mapping[str, object], at: datetime
) -> RightsRequest | Refused:
    """End it with what was done; who asks to see gets the data first."""
    refused = refuse_answer(request, reason)
    return refused or _after(request, RightsAct.ANSWERED, by, at, reason=reason, detail=detail)


def refuse_answer(request: RightsRequest, reason: str) -> Refused | None:
    """Return why a request cannot be answered now; None where it can."""
    if not reason.strip():
        return refuse(REASON_MISSING)
    if request.kind in (Right.VIEW, Right.COPY) and not request.is_exported:
        return _not_ready(request) or refuse(RIGHTS_EXPORT_FIRST)
    return _not_ready(request)


def turn_down(
    request: RightsRequest, *, by: str, reason: str, at: datetime
) -> RightsRequest | Refused:
    """Refuse it, with the reason that the person is told; also where nobody could be identified."""
    if request.conclusion is not None:
        return refuse(RIGHTS_NOT_OPEN, state=request.state)
    if not reason.strip():
        return refuse(REASON_MISSING)
    return _after(request, RightsAct.REFUSED, by, at, reason=reason)


def withdraw(request: RightsRequest, *, by: str, at: datetime) -> RightsRequest | Refused:
    """End it at the person's wish; withdrawing twice is the same as once."""
    if request.state is RightsState.WITHDRAWN:
        return request
    if request.conclusion is not None:
        return refuse(RIGHTS_NOT_OPEN, state=request.state)
    return _after(request, RightsAct.WITHDRAWN, by, at)


def _not_ready(request: RightsRequest) -> Refused | None:
    if request.conclusion is not None:
        return refuse(RIGHTS_NOT_OPEN, state=request.state)
    return None if request.is_identified else refuse(RIGHTS_NOT_IDENTIFIED)


def _after(
    request: RightsRequest,
    act: RightsAct,
    by: str,
    at: datetime,
    *,
    method: str = "",
    reason: str = "",
    detail: Mapping[str, object] | None = None,
) -> RightsRequest:
    event = RightsEvent(
        event_no=len(request.events) + 1,
        act=act,
        person=by,
        method=method,
        reason=reason,
        detail=orjson.dumps(dict(detail or {}), option=orjson.OPT_SORT_KEYS).decode(),
        at=at,
    )
    return replace(request, events=(*request.events, event))
