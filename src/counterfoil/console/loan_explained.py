"""How the interest of a loan came about, as its page shows it."""

from collections.abc import Sequence
from dataclasses import dataclass

from counterfoil.console.loan_story import Story
from counterfoil.console.reading import PART_ROWS
from counterfoil.console.visit import Visit
from counterfoil.platform.queries import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodRow:
    """One term of the sum that the interest is."""

    start: str
    end: str
    days: str
    principal: str
    rate: str
    interest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplanationView:
    """How the interest came about."""

    periods: Sequence[PeriodRow]
    total: str
    fallen_due: str
    paid_ahead: str
    rest: str
    is_as_stored: bool
    transactions: int


def explanation_view(
    visit: Visit, row: Row, story: Story | None, transactions: int
) -> ExplanationView | None:
    """Return the sum that the interest is, None where no money has moved."""
    if story is None:
        return None
    f, currency = visit.formats, row["currency"]
    return ExplanationView(
        periods=[
            PeriodRow(
                start=f.day(period.start),
                end=f.day(period.end),
                days=f.count(period.days),
                principal=f.amount(period.principal_minor, currency),
                rate=f.rate(period.rate_daily_e8),
                interest=f.exact_interest(period.interest_e8, currency),
            )
            for period in story.periods[-PART_ROWS:]
        ],
        total=f.exact_interest(story.interest.total_e8, currency),
        fallen_due=f.amount(story.interest.fallen_due_minor, currency),
        paid_ahead=f.amount(story.interest.paid_ahead_minor, currency),
        rest=f.exact_interest(story.interest.rest_e8, currency),
        is_as_stored=story.is_as_stored,
        transactions=transactions,
    )
