"""The way to a credit bureau: everything this house asks of one, in whatever country.

An adapter never raises for what the network or the other side did: whatever is not a clear answer
is `NoAnswer`. It hides how a question is written and sent, how an answer is sealed, and what a
report looks like; journeys see questions, answers and facts.
"""

from collections.abc import Collection, Sequence
from typing import Protocol

from counterfoil.bureau.occasion import Occasion
from counterfoil.bureau.question import Answer, Question, Reading, Unfit


class Bureau(Protocol):
    """One bureau; the adapters and the reference bureau pass the same contract tests."""

    @property
    def bureau(self) -> str:
        """The legal identifier that consents name as their recipient."""
        ...

    @property
    def issuer(self) -> str:
        """The lender's legal identifier, never a platform's."""
        ...

    @property
    def witness(self) -> str | None:
        """What the log's policy calls the bureau's own witness; None where it runs none."""
        ...

    @property
    def calls_at_once(self) -> int:
        """How many questions may be under way at once."""
        ...

    def reason_code(self, occasion: Occasion) -> str | None:
        """Return what this bureau calls an occasion; None where it takes no such question."""
        ...

    async def tell_withdrawn(self, records: Sequence[str]) -> bool:
        """Tell of consents that were withdrawn, by their records; return whether it knows now.

        Telling twice is the same as once. A bureau that reads the published status list instead
        may answer True at once.
        """
        ...

    async def ask(self, question: Question) -> Answer:
        """Ask; the same question again gets the same answer."""
        ...

    def check(self, sealed: bytes, question: Question) -> Unfit | None:
        """Return why a sealed answer is not the answer to this question; None where it is."""
        ...

    def read(self, sealed: bytes, jti: str, wanted: Collection[str]) -> Reading | Unfit:
        """Open a sealed answer and return the wanted facts of it."""
        ...
