"""Refusals as values and the few exceptions that carry one.

Invariant   A code is declared once, never renamed and never reused; it is the name by which
            programs, pages, tests and database constraints speak of the same refusal.
Follows     RFC 9457 (what the API makes of a refusal); the kernel itself knows no HTTP.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What sort of no it is; the entry points map kinds to status codes and exit codes."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    GONE = "gone"
    IN_FLIGHT = "in_flight"
    MISMATCH = "mismatch"
    TOO_LARGE = "too_large"
    UNSUPPORTED = "unsupported"
    MISSING = "missing"
    BUSY = "busy"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One entry of a catalogue of refusals.

    `message` and `next_step` are format strings over the details of the case.
    """

    code: str
    kind: Kind
    message: str
    next_step: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The world said no, as expected: nothing changed, here is why and what to do."""

    refusal: Refusal
    detail: Mapping[str, object] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """Return the stable code."""
        return self.refusal.code

    @property
    def kind(self) -> Kind:
        """Return the sort of refusal."""
        return self.refusal.kind

    @property
    def message(self) -> str:
        """Return the sentence that says what is wrong."""
        return self.refusal.message.format_map(_Gaps(self.detail))

    @property
    def next_step(self) -> str:
        """Return the sentence that says what to do."""
        return self.refusal.next_step.format_map(_Gaps(self.detail))


class RefusedError(Exception):
    """A refusal that has to unwind the stack, for instance out of a transaction."""

    def __init__(self, refused: Refused) -> None:
        """Keep the refusal for whoever catches this."""
        super().__init__(f"{refused.code}: {refused.message}")
        self.refused = refused


def refuse(refusal: Refusal, **detail: object) -> Refused:
    """Return the refusal of one case with its details."""
    return Refused(refusal, detail)


class _Gaps(dict[str, object]):
    """A detail that nobody gave stays visible as its name instead of breaking the answer."""

    def __init__(self, detail: Mapping[str, object]) -> None:
        super().__init__(detail)

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"
