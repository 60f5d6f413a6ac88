"""The guard against too much debt: ceilings held against a person's figures, before any score.

Precedence  Refuse over refer over capped over unknown over clear. No score, no experiment and no
            person's approval enters here, so none can lift it.
Before, after  A ceiling is judged on what is so without the offer; one that caps says how large an
            offer may be so that the ceiling still holds with it. The smallest cap binds and is
            named, the customer's own ceiling among them.
Certain     What is known for certain is enough to pass a ceiling. Where it does not and the
            measure is unknown, the verdict is unknown: neither a refusal nor a pass.
Replay      Inputs and result have one text each; the same inputs under the same document give the
            same result.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final, NamedTuple

from counterfoil.capacity.amounts import ONE_PPM, Range, carried_minor
from counterfoil.capacity.ceiling import OWN_CAP, Ceiling, Ceilings
from counterfoil.capacity.exposure import (
    HOUSEHOLD_EXPOSURE,
    PER_HOUSEHOLD,
    PER_PERSON,
    Known,
    Measure,
    Measures,
    Searched,
    measure,
    with_household,
)
from counterfoil.capacity.inventory import Debt, Inventory, count_once, debt_of

#: The measure whose ceiling is on repayments and not on an amount.
_DSR: Final = "dsr"
#: Measures of what could be drawn, not of what is owed.
_OF_LIMITS: Final = frozenset({"own_exposure", "total_exposure", "open_limits"})


class GuardOutcome(StrEnum):
    """What the guard says of a case."""

    CLEAR = "clear"
    #: Something that a ceiling is on is not known.
    UNKNOWN = "unknown"
    CAPPED = "capped"
    REFER = "refer"
    REFUSE = "refuse"


class Occasion(StrEnum):
    """When the guard runs."""

    APPLICATION = "application"
    INCREASE = "increase"
    DRAW = "draw"
    REVIEW = "review"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What would be added: a limit, a higher limit, a drawdown; nothing at a review."""

    #: The most that could be offered, or what is drawn; a higher limit is named whole.
    amount_minor: int
    #: The line's present limit and what is owed on it; both 0 before there is a line.
    limit_minor: int
    owed_minor: int
    #: The price cap, and the longest time over which it would be repaid.
    rate_cap_annual_e8: int
    months: int
    #: The customer's own ceiling on the line; None without one.
    own_cap_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardInputs:
    """All that the guard looks at."""

    occasion: Occasion
    licence: str
    currency: str
    debts: tuple[Debt, ...]
    known: Known
    proposal: Proposal | None
    #: What the others of the household may come to owe here; None where no household is known.
    household_minor: int | None = None

    @property
    def basis(self) -> str:
        """Return for whom exposure is added up: `person`, or `household`."""
        return PER_PERSON if self.household_minor is None else PER_HOUSEHOLD

    def document(self) -> dict[str, Any]:
        """Return the form that is stored; of a person alone it says nothing of a household."""
        known, proposal, others = self.known, self.proposal, self.household_minor
        return ({} if others is None else {"household_minor": others}) | {
            "as_of": known.as_of.isoformat(),
            "basis": self.basis,
            "bureau_as_of": None if known.bureau_as_of is None else known.bureau_as_of.isoformat(),
            "currency": self.currency,
            "debts": [debt.document() for debt in self.debts],
            "income": None if known.income is None else list(known.income),
            "income_source": known.income_source,
            "inquiries": [
                [i.on.isoformat(), i.organisation, i.reason_code] for i in known.inquiries
            ],
            "licence": self.licence,
            "occasion": self.occasion.value,
            "proposal": None
            if proposal is None
            else {
                "amount_minor": proposal.amount_minor,
                "months": proposal.months,
                "limit_minor": proposal.limit_minor,
                "owed_minor": proposal.owed_minor,
                "own_cap_minor": proposal.own_cap_minor,
                "rate_cap_annual_e8": proposal.rate_cap_annual_e8,
            },
            "stated_all": known.stated_all,
            "stated_lenders_count": known.stated_lenders_count,
            "stated_monthly_minor": known.stated_monthly_minor,
        }


def inputs_of(document: Mapping[str, Any]) -> GuardInputs:
    """Return inputs as they were stored."""
    income, proposal, bureau = document["income"], document["proposal"], document["bureau_as_of"]
    return GuardInputs(
        occasion=Occasion(document["occasion"]),
        licence=document["licence"],
        currency=document["currency"],
        debts=tuple(debt_of(item) for item in document["debts"]),
        known=Known(
            bureau_as_of=None if bureau is None else date.fromisoformat(bureau),
            stated_all=document["stated_all"],
            stated_monthly_minor=document["stated_monthly_minor"],
            stated_lenders_count=document["stated_lenders_count"],
            inquiries=tuple(
                Searched(on=date.fromisoformat(on), organisation=who, reason_code=reason)
                for on, who, reason in document["inquiries"]
            ),
            income=None if income is None else Range(*income),
            income_source=document["income_source"],
            as_of=date.fromisoformat(document["as_of"]),
        ),
        proposal=None if proposal is None else Proposal(**proposal),
        household_minor=document.get("household_minor"),
    )


class Hit(NamedTuple):
    """A ceiling that is reached, or of which nobody knows whether it is."""

    code: str
    measure: str
    #: `hard`, `soft` or `unknown`.
    end: str
    #: The figure, or what it is at least; None where it is unknown.
    figure: int | None
    #: The end that it reaches, in the unit of the measure; None where it is unknown.
    ceiling: int | None
    reason: str
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardResult:
    """What the guard found."""

    outcome: GuardOutcome
    #: The largest offer under every ceiling; None where none caps.
    cap_minor: int | None
    #: The ceiling that gives it, or `own_cap`; empty without a cap.
    cap_by: str
    #: Why less is left than is asked for; empty where enough is.
    cap_reason: str
    hits: tuple[Hit, ...]
    measures: Measures
    inventory: Inventory
    basis: str
    #: Whether the customer is to be offered help instead of credit.
    help_is_due: bool

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return the codes of what refuses, refers or caps, hard ends first, each once."""
        ends = ("hard", "soft")
        codes = [hit.reason for end in ends for hit in self.hits if hit.end == end]
        if self.cap_reason and self.outcome in {GuardOutcome.CAPPED, GuardOutcome.REFUSE}:
            codes.append(self.cap_reason)
        return tuple(dict.fromkeys(codes))

    def document(self) -> dict[str, Any]:
        """Return the form that is stored and shown."""
        return {
            "basis": self.basis,
            "cap_by": self.cap_by,
            "cap_minor": self.cap_minor,
            "cap_reason": self.cap_reason,
            "dropped": [list(item) for item in self.inventory.dropped],
            "help_is_due": self.help_is_due,
            "hits": [list(hit) for hit in self.hits],
            "measures": {name: item.document() for name, item in sorted(self.measures.items())},
            "outcome": self.outcome.value,
            "reasons": list(self.reasons),
        }


class _Cap(NamedTuple):
    amount_minor: int
    by: str
    reason: str


def run_guard(inputs: GuardInputs, ceilings: Ceilings) -> GuardResult:
    """Hold the ceilings against a case; pure, and the same for ever."""
    inventory = count_once(inputs.debts, same_account_days=ceilings.same_account_days)
    measures = measure(inventory, inputs.known, ceilings.inquiry_reasons)
    if inputs.household_minor is not None:
        measures = with_household(measures, inputs.household_minor, inputs.known.as_of)
    hits: list[Hit] = []
    caps: list[_Cap] = []
    for ceiling in ceilings.of(inputs.licence, inputs.known.as_of):
        hit = _judge(ceiling, _measured(ceiling, measures), measures, inputs.known.income)
        if hit is not None:
            hits.append(hit)
        cap = _cap(ceiling, measures, inputs)
        if cap is not None:
            caps.append(cap)
    proposal = inputs.proposal
    if proposal is not None and proposal.own_cap_minor is not None:
        caps.append(_Cap(proposal.own_cap_minor, "own_cap", OWN_CAP))
    smallest = min(caps, key=lambda item: item.amount_minor, default=None)
    soft = sum(hit.end == "soft" for hit in hits)
    return GuardResult(
        outcome=_outcome(inputs, hits, smallest, soft, ceilings),
        cap_minor=None if smallest is None else smallest.amount_minor,
        cap_by="" if smallest is None else smallest.by,
        cap_reason=_cap_reason(proposal, smallest),
        hits=tuple(hits),
        measures=measures,
        inventory=inventory,
        basis=inputs.basis,
        help_is_due=soft >= ceilings.soft_hits_help or any(hit.end == "hard" for hit in hits),
    )


def _cap_reason(proposal: Proposal | None, cap: _Cap | None) -> str:
    if proposal is None or cap is None or cap.amount_minor >= proposal.amount_minor:
        return ""
    return cap.reason


def _measured(ceiling: Ceiling, measures: Measures) -> str:
    """Return the measure that a ceiling is held against: the household's where that is known."""
    of_household = ceiling.is_of_household and HOUSEHOLD_EXPOSURE in measures
    return HOUSEHOLD_EXPOSURE if of_household else ceiling.measure


def _judge(ceiling: Ceiling, name: str, measures: Measures, income: Range | None) -> Hit | None:
    """Return what a ceiling says of a figure; None where it stays below."""
    ends, found = _ends(ceiling, income), measures[name]
    certain = found.certain
    if ends is not None and certain is not None:
        for kind, end in (("hard", ends[0]), ("soft", ends[1])):
            # A ceiling that leaves room is passed above it, one that counts when it is reached.
            is_passed = end is not None and (
                certain > end if ceiling.caps and kind == "hard" else certain >= end
            )
            if is_passed:
                return Hit(ceiling.code, name, kind, certain, end, ceiling.reason, ceiling.rule)
    if ends is None or found.value is None:
        return Hit(ceiling.code, name, "unknown", None, None, ceiling.reason, ceiling.rule)
    return None


def _ends(ceiling: Ceiling, income: Range | None) -> tuple[int | None, int | None] | None:
    """Return the hard and the soft end in the unit of the measure; None without the income."""
    if not ceiling.per_income:
        return ceiling.hard, ceiling.soft
    if income is None:
        return None
    times = income.low
    return (
        None if ceiling.hard is None else ceiling.hard * times,
        None if ceiling.soft is None else ceiling.soft * times,
    )


def _cap(ceiling: Ceiling, measures: Measures, inputs: GuardInputs) -> _Cap | None:
    """Return how large an offer a ceiling leaves room for; None where it says nothing."""
    proposal, ends = inputs.proposal, _ends(ceiling, inputs.known.income)
    certain = measures[_measured(ceiling, measures)].certain
    if proposal is None or not ceiling.caps or ends is None or ends[0] is None:
        return None
    is_draw = inputs.occasion is Occasion.DRAW
    if ceiling.measure == _DSR:
        return _dsr_cap(ceiling, measures["debt_monthly"], inputs)
    if certain is None or (is_draw and ceiling.measure in _OF_LIMITS):
        # Drawing within a limit adds nothing to what could be drawn.
        return None
    # What the line stands for already is part of the figure, and of the offer.
    counted = proposal.limit_minor if ceiling.measure in _OF_LIMITS else proposal.owed_minor
    room = max(0, ends[0] - certain)
    return _Cap(room + (0 if is_draw else counted), ceiling.code, ceiling.reason)


def _dsr_cap(ceiling: Ceiling, monthly: Measure, inputs: GuardInputs) -> _Cap | None:
    """Return what the income left below the ceiling repays in the time there is."""
    proposal, income, certain = inputs.proposal, inputs.known.income, monthly.certain
    if proposal is None or income is None or certain is None or ceiling.hard is None:
        return None
    free = max(0, income.low * ceiling.hard // ONE_PPM - certain)
    carried = carried_minor(free, proposal.rate_cap_annual_e8, proposal.months)
    # What is owed on the line is repaid out of the debts that are counted already.
    owed = 0 if inputs.occasion is Occasion.DRAW else proposal.owed_minor
    return _Cap(carried + owed, ceiling.code, ceiling.reason)


def _outcome(
    inputs: GuardInputs, hits: Sequence[Hit], cap: _Cap | None, soft: int, ceilings: Ceilings
) -> GuardOutcome:
    if any(hit.end == "hard" for hit in hits):
        return GuardOutcome.REFUSE
    is_more = inputs.occasion is Occasion.INCREASE
    if is_more and soft >= ceilings.soft_hits_stop_increase:
        return GuardOutcome.REFUSE
    proposal = inputs.proposal
    if proposal is not None and cap is not None:
        # A drawdown is one amount: it fits or it does not. An offer may be smaller.
        if inputs.occasion is Occasion.DRAW and proposal.amount_minor > cap.amount_minor:
            return GuardOutcome.REFUSE
        if inputs.occasion is not Occasion.DRAW and cap.amount_minor <= proposal.limit_minor:
            return GuardOutcome.REFUSE
    if soft:
        return GuardOutcome.REFER
    if proposal is not None and cap is not None and cap.amount_minor < proposal.amount_minor:
        return GuardOutcome.CAPPED
    if any(hit.end == "unknown" for hit in hits):
        return GuardOutcome.UNKNOWN
    return GuardOutcome.CLEAR
