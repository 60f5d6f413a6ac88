"""What experiments had to say about one case; an input of its decision, kept with it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """The experiments that took a case."""

    #: The experiment and the arm that decided; both None where none took the case.
    experiment_id: int | None = None
    arm: str | None = None
    #: The control group that accepted the case, and the number of the grant within its budget.
    control_id: int | None = None
    grant_no: int | None = None

    def document(self) -> dict[str, object]:
        """Return the form that is stored: what is not there is not named."""
        # Numbers beyond 2^53 travel as text.
        found: dict[str, object] = {}
        if self.experiment_id is not None:
            found |= {"arm": self.arm, "experiment": str(self.experiment_id)}
        if self.control_id is not None:
            found |= {"control": str(self.control_id), "grant_no": self.grant_no}
        return found


def assigned_of(document: dict[str, Any] | None) -> Assigned | None:
    """Return what was stored; None where no experiment had anything to say."""
    if document is None:
        return None
    experiment, control = document.get("experiment"), document.get("control")
    return Assigned(
        experiment_id=None if experiment is None else int(experiment),
        arm=document.get("arm"),
        control_id=None if control is None else int(control),
        grant_no=document.get("grant_no"),
    )
