"""What the guard against too much debt found of a case, as it enters a question to the policy.

Inputs      It is part of the question and recorded with it, so that a replay holds it as well;
            `holding.py` says what a decision makes of it. It comes from outside every policy: no
            version, no experiment and no control group can leave it out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class DebtCeiling:
    """What the guard found that holds a decision."""

    #: The run of the guard, so that its figures are found.
    run: str
    refuses: bool
    refers: bool
    #: The largest limit under every ceiling, and which one it is; None where none caps.
    cap_minor: int | None
    cap_by: str
    reasons: tuple[str, ...]
    #: The reason of the cap.
    cap_reason: str

    def document(self) -> dict[str, object]:
        """Return the form that is stored."""
        return {
            "cap_by": self.cap_by,
            "cap_minor": self.cap_minor,
            "cap_reason": self.cap_reason,
            "reasons": list(self.reasons),
            "refers": self.refers,
            "refuses": self.refuses,
            "run": self.run,
        }


def ceiling_of(document: Mapping[str, Any] | None) -> DebtCeiling | None:
    """Return what was stored; None where no guard ran."""
    if document is None:
        return None
    return DebtCeiling(**{**document, "reasons": tuple(document["reasons"])})
