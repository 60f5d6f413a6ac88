"""States that a fold passed through, kept so that a change is folded from the one before it.

Invariant   A checkpoint is the state after every transaction valued on or before its date, of those
            booked by then; so folding on from it gives what folding from the start gives. It is a
            cache: without it a fold begins at the loan's start.
Holds       While nothing is booked later that is valued on or before its date, reallocations
            aside, which are what came of a fold. Whoever reads one looks for that.
Kept        At the end of a date, of open loans, every `EVERY` transactions; of a date that is over,
            so that a payment of the same day does not make it void.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any, Final

import orjson

from counterfoil.lending.fold import Input, apply, origin_of
from counterfoil.lending.loan import Due, Loan, Parts, advance
from counterfoil.lending.terms import PlanTerms, Terms

#: Transactions of the fold from one checkpoint to the next: folding them takes about a millisecond.
EVERY: Final = 32
#: Form of what is kept, and of the rules that made it; checkpoints of another form are not read.
FORM: Final = 1

_AMOUNTS: Final = (
    "principal_minor",
    "due_principal_minor",
    "penal_principal_minor",
    "due_interest_minor",
    "accrued_interest_e8",
    "accrued_penalty_e8",
    "instalment_minor",
    "advance_minor",
    "next_instalment_no",
    "bucket",
    "interest_paid_minor",
    "penalty_paid_minor",
    "rate_daily_e8",
    "penalty_daily_e8",
    "tenor_months",
    "due_fee_minor",
    "due_guarantee_minor",
    "fee_paid_minor",
    "guarantee_paid_minor",
)
_DATES: Final = (
    "start_date",
    "first_due_date",
    "maturity_date",
    "accrued_to",
    "next_due_date",
    "next_event_on",
    "oldest_due_date",
)
_OF_DUE: Final = (
    "instalment_no",
    "principal_minor",
    "interest_minor",
    "principal_paid_minor",
    "interest_paid_minor",
    "penal",
    "fee_minor",
    "guarantee_minor",
    "fee_paid_minor",
    "guarantee_paid_minor",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The state of an open loan at the end of a date."""

    value_date: date
    #: The last sequence that was booked when it was made.
    booked_through: int
    #: No transaction valued after the date has a lower sequence.
    rows_from: int
    #: Canonical JSON of the state: amounts, dates, and the instalments that are not settled.
    state: str

    def state_of(self, loan: Loan) -> Loan:
        """Return the state; what was signed, which never changes, is taken from the loan."""
        kept: dict[str, Any] = orjson.loads(self.state)
        state = origin_of(loan)
        state.status = "open"
        for name in _AMOUNTS:
            setattr(state, name, kept[name])
        for name in _DATES:
            setattr(state, name, _date(kept[name]))
        state.signed = None if kept["signed"] is None else PlanTerms(*kept["signed"])
        for fields in kept["dues"]:
            fields["due_date"] = _date(fields["due_date"])
            state.dues.append(Due(**fields))
        return state


def state_text(loan: Loan) -> str:
    """Return an open loan's state as it is kept."""
    kept: dict[str, Any] = {name: getattr(loan, name) for name in (*_AMOUNTS, *_DATES)}
    kept["signed"] = None if loan.signed is None else list(loan.signed)
    kept["dues"] = [
        {name: getattr(due, name) for name in (*_OF_DUE, "due_date")} for due in loan.open_dues
    ]
    return orjson.dumps(kept, option=orjson.OPT_SORT_KEYS).decode()


def fold_and_keep(
    start: Loan,
    inputs: Sequence[Input],
    booked: Iterable[tuple[date, int]],
    *,
    booked_through: int,
    through: date,
    terms: Terms,
) -> tuple[Loan, list[Parts], list[Checkpoint]]:
    """Fold as `fold` does; return the checkpoints on the way as well, oldest first.

    `booked` are value date and sequence of all rows after the start, whatever their kind;
    `through` is the business date, which is not over and gets no checkpoint.
    """
    loan = start.copy()
    parts: list[Parts] = []
    passed: list[tuple[date, str]] = []
    since = 0
    ends = [one.value_date < other.value_date for one, other in pairwise(inputs)]
    for entry, is_last_of_date in zip(inputs, [*ends, True], strict=False):
        parts.append(apply(loan, entry, terms))
        since += 1
        if since < EVERY or not is_last_of_date or entry.value_date >= through:
            continue
        if loan.status == "open":
            passed.append((entry.value_date, state_text(loan)))
            since = 0
    if loan.status == "open":
        advance(loan, through)
    made = _with_rows(passed, booked, booked_through) if passed else []
    return loan, parts, made


def _with_rows(
    passed: Sequence[tuple[date, str]], booked: Iterable[tuple[date, int]], booked_through: int
) -> list[Checkpoint]:
    """Note with each state from which sequence on the rows after it lie."""
    later = sorted(booked)
    rows_from = booked_through + 1
    made = []
    for value_date, state in reversed(passed):
        while later and later[-1][0] > value_date:
            rows_from = min(rows_from, later.pop()[1])
        made.append(
            Checkpoint(
                value_date=value_date,
                booked_through=booked_through,
                rows_from=rows_from,
                state=state,
            )
        )
    made.reverse()
    return made


def _date(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
