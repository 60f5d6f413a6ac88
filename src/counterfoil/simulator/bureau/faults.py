"""The ways in which a bureau goes wrong, and who meets which.

What goes wrong is set for a person or for the very next inquiries, never by chance: a test and a
demonstration both know what they will see. What concerns the way there (slow, down, lost, late)
goes wrong on the first arrival of a question alone; asking again then goes through.
"""

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Fault(StrEnum):
    """What happens to one inquiry."""

    NONE = "none"
    #: Answered as it should be, after a while.
    SLOW = "slow"
    #: Not taken: the caller gets a server error.
    DOWN = "down"
    #: Taken and answered, but the answer never arrives.
    ANSWER_LOST = "answer_lost"
    #: Taken; the first to ask again gets the answer.
    LATE = "late"
    #: Refused for good, for a reason of the bureau's own.
    REFUSES = "refuses"
    #: Sealed as it should be; inside is no report.
    MALFORMED = "malformed"
    #: Sealed to another key: nobody here can open it.
    UNREADABLE = "unreadable"
    #: The report of somebody else.
    OTHER_PERSON = "other_person"
    #: The bureau knows no account of the person.
    THIN_FILE = "thin_file"
    #: Somebody objects to an account; the report says so.
    DISPUTED = "disputed"
    FRAUD_WARNING = "fraud_warning"
    #: Whoever asks again gets another answer than before.
    DUPLICATE = "duplicate"


#: About the way, not about the report.
ON_THE_WAY: Final = frozenset({Fault.SLOW, Fault.DOWN, Fault.ANSWER_LOST, Fault.LATE})


@dataclass(slots=True)
class FaultPlan:
    """Who meets what."""

    #: By identity number.
    by_person: MutableMapping[str, Fault] = field(default_factory=dict)
    #: Of the very next inquiries, before persons count.
    upcoming: list[Fault] = field(default_factory=list)
    #: Seconds that a slow answer takes.
    slow_s: int = 3

    def fault_of(self, id_number: str) -> Fault:
        """Return what happens to an inquiry that arrives for the first time."""
        if self.upcoming:
            return self.upcoming.pop(0)
        return self.by_person.get(id_number, Fault.NONE)
