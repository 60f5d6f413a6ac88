"""What somebody tells of a line or its customer, and what a review reads of it.

Risk        Fraud, doubts about the identity, conflicts in the data: open until cleared by a
            person; a freeze follows by rule, with an end of its own.
Standing    Disputes and hardship plans are open until cleared, and keep offers back.
Passing     Alerts about other lenders count for ninety days; an updated income asks for a review.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from counterfoil.decisioning.refusals import LIMIT_RAISE_HELD_BACK
from counterfoil.kernel.errors import Refused, refuse


class SignalKind(StrEnum):
    """What is told."""

    FRAUD_SIGNAL = "fraud_signal"
    IDENTITY_DOUBT = "identity_doubt"
    DATA_CONFLICT = "data_conflict"
    LENDER_ALERT = "lender_alert"
    INCOME_UPDATED = "income_updated"
    DISPUTE_OPENED = "dispute_opened"
    HARDSHIP_BEGUN = "hardship_begun"
    DEATH = "death"
    FRAUD_CONFIRMED = "fraud_confirmed"


ALERT_DAYS: Final = 90
#: Names that a policy reads, each with the kinds of open signals that it counts.
COUNTED: Final = {
    "fraud_signals_open": frozenset({SignalKind.FRAUD_SIGNAL, SignalKind.FRAUD_CONFIRMED}),
    "identity_doubts_open": frozenset({SignalKind.IDENTITY_DOUBT}),
    "data_conflicts_open": frozenset({SignalKind.DATA_CONFLICT}),
    "disputes_open": frozenset({SignalKind.DISPUTE_OPENED}),
    "hardship_open": frozenset({SignalKind.HARDSHIP_BEGUN}),
    "closing_grounds_open": frozenset({SignalKind.DEATH, SignalKind.FRAUD_CONFIRMED}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSignal:
    """One signal; the order of the fields is that of the query which loads it."""

    customer_id: int
    signal_id: int
    line_id: int
    kind: SignalKind
    #: Who told it, and where more is found; no personal data.
    source: str
    reference: str
    noted_on: date
    noted_at: datetime
    noted_by: str
    cleared_at: datetime | None = None
    cleared_by: str | None = None
    clear_reason: str | None = None


def refuse_raise(signals: Iterable[LineSignal], *, appeals_open: int) -> Refused | None:
    """Refuse to raise a limit while something open speaks against it; the reason is neutral."""
    kinds = {one.kind for one in signals if one.cleared_at is None}
    if SignalKind.HARDSHIP_BEGUN in kinds:
        return refuse(LIMIT_RAISE_HELD_BACK, reason="a hardship plan runs")
    if SignalKind.DISPUTE_OPENED in kinds or appeals_open:
        return refuse(LIMIT_RAISE_HELD_BACK, reason="a dispute or an appeal is open")
    if kinds - {SignalKind.LENDER_ALERT, SignalKind.INCOME_UPDATED}:
        return refuse(LIMIT_RAISE_HELD_BACK, reason="some information is being verified")
    return None


def signal_facts(
    signals: Iterable[LineSignal], *, appeals_open: int, on: date
) -> dict[str, int | bool | None]:
    """Return what a review policy reads of a line's signals; open appeals count as disputes."""
    known = [one for one in signals if one.cleared_at is None]
    facts: dict[str, int | bool | None] = {
        name: sum(one.kind in kinds for one in known) for name, kinds in COUNTED.items()
    }
    facts["disputes_open"] = (
        sum(one.kind is SignalKind.DISPUTE_OPENED for one in known) + appeals_open
    )
    since = on - timedelta(days=ALERT_DAYS)
    facts["lender_alerts_90_days"] = sum(
        one.kind is SignalKind.LENDER_ALERT and one.noted_on > since for one in known
    )
    return facts
