"""What follows from reviews in the seeded world: offers taken up, appeals, signals of fraud.

Some offers are taken up, some measures are appealed against and most of these appeals are decided
by a person within days; now and then a fraud signal freezes a line for some weeks.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

from counterfoil.decisioning.line_review.appeal import AppealStatus
from counterfoil.decisioning.line_review.signal import LineSignal, SignalKind
from counterfoil.journeys.house import House
from counterfoil.journeys.lines import line_appeals, line_signals
from counterfoil.journeys.lines.raise_asking import RaiseWish
from counterfoil.kernel.errors import Refused
from counterfoil.platform.queries import Queries
from counterfoil.simulator.bank.faults import draw as chance
from counterfoil.simulator.borrowers import Borrower

_FIGURES: Final = Queries.load("counterfoil.simulator", "figures.sql")
#: Of offers and measures so many are taken up or appealed against, in percent.
TAKE_UP_PERCENT: Final = 70
APPEAL_PERCENT: Final = 4
#: Of appeals so many are upheld, in percent.
UPHELD_PERCENT: Final = 40
#: Of customers with something to do on a day so many are signalled, in hundredths of a percent.
SIGNALS_BP: Final = 8
#: Behind so many of them nothing is found, in percent.
CLEARED_PERCENT: Final = 70
_PERCENT, _BASIS_POINTS = 100, 10_000


class LineCases:
    """The cases of one world."""

    def __init__(self, house: House, *, seed: int) -> None:
        """Take the house and the seed."""
        self._house = house
        self._seed = seed
        self._seen_review = 0
        #: Place of each customer in the world: what a seed gives does not depend on numbers.
        self._places: dict[int, int] = {}

    def meet(self, borrower: Borrower) -> None:
        """Get to know who has a line."""
        self._places[borrower.customer_id] = borrower.place

    async def after_reviews(self, today: date) -> list[RaiseWish]:
        """Let customers appeal, persons decide, and return the wishes that offers lead to."""
        async with self._house.database.connection() as connection:
            rows = await _FIGURES.reviews_since.fetch(connection, after=self._seen_review)
        wishes = []
        for row in rows:
            self._seen_review = max(self._seen_review, row["review_id"])
            place = str(self._places[row["customer_id"]])
            if row["outcome"] == "offered":
                if self._share(place, f"takes up {today}", _PERCENT) < TAKE_UP_PERCENT:
                    wishes.append(
                        RaiseWish(
                            customer_id=row["customer_id"],
                            line_id=row["line_id"],
                            requested_minor=row["to_minor"],
                            idempotency_key=f"demo:offer:{row['review_id']}",
                        )
                    )
            elif row["measure_id"] is not None:
                await self._appeal(row["customer_id"], row["measure_id"], place, today)
        return wishes

    async def signals(self, acting: Sequence[Borrower], today: date) -> None:
        """Let something be signalled of a few."""
        for one in acting:
            place = f"{one.place}/{today.toordinal()}"
            if self._share(place, "signal", _BASIS_POINTS) < SIGNALS_BP:
                told = await line_signals.note_signal(
                    self._house,
                    line_signals.Told(
                        customer_id=one.customer_id,
                        line_id=one.line_id,
                        kind=SignalKind.FRAUD_SIGNAL,
                        source="device-checks",
                        reference=f"demo-{one.place}-{today.isoformat()}",
                        by="device-checks",
                    ),
                )
                await self._clear(told, place)

    async def _clear(self, told: LineSignal | Refused, place: str) -> None:
        """Let the fraud desk find nothing behind most signals; the freeze runs out all the same."""
        if isinstance(told, Refused) or self._share(place, "clears", _PERCENT) >= CLEARED_PERCENT:
            return
        await line_signals.clear_signal(
            self._house,
            customer_id=told.customer_id,
            signal_id=told.signal_id,
            by="fraud-desk",
            reason="Called back, nothing found",
        )

    async def _appeal(self, customer_id: int, measure_id: int, place: str, today: date) -> None:
        if self._share(place, f"appeals {today}", _PERCENT) >= APPEAL_PERCENT:
            return
        lodged = await line_appeals.appeal(
            self._house,
            customer_id=customer_id,
            measure_id=measure_id,
            grounds="The payment was on its way.",
        )
        if isinstance(lodged, Refused):
            return
        upheld = self._share(place, f"upheld {today}", _PERCENT) < UPHELD_PERCENT
        await line_appeals.decide_appeal(
            self._house,
            line_appeals.AppealDecision(
                customer_id=customer_id,
                appeal_id=lodged.appeal_id,
                status=AppealStatus.LIFTED if upheld else AppealStatus.REJECTED,
                by="underwriter",
                reason="Record read again",
            ),
        )

    def _share(self, place: str, question: str, of: int) -> int:
        return chance(self._seed, place, question, of)
