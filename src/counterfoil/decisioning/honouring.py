"""What a decision makes of the customer's choices about machines.

Person      The policy's answer becomes a proposal: the case is referred with it. Nothing else
            changes, so that whoever wishes it loses no service.
Standard    Rules, score and every bound on the limit still hold; price and tenors are those that
            everybody gets who chose the same, and the limit is never above the standard one.
"""

from datetime import timedelta
from typing import Final

from counterfoil.decisioning.decision import Candidate, Decision, Outcome
from counterfoil.decisioning.holding import hold
from counterfoil.decisioning.wishes import Standard

#: Flags by which a decision tells that a choice changed it; the second is a reason code, too.
PERSON_WISHED: Final = "PERSON_WISHED"
STANDARD_OFFERED: Final = "STANDARD_OFFERED"
#: Flag of an approval that went to a person because monitoring found its model red.
MODEL_STOPPED: Final = "MODEL_STOPPED"
#: The bound on a limit that the standard offer is.
STANDARD: Final = "standard"


def standard_of(blank: Decision) -> Standard | None:
    """Return the standard offer from the decision on a case of which nothing is known."""
    if not blank.limit_minor or blank.rate_daily_e8 is None:
        return None
    return Standard(
        limit_minor=blank.limit_minor,
        rate_daily_e8=blank.rate_daily_e8,
        tenors_months=blank.tenors_months,
        rates_daily_e8=blank.rates_daily_e8,
    )


def honour(decision: Decision) -> Decision:
    """Return a decision as ceilings hold it and the customer's choices want it; pure.

    Ceilings on debt come first: no choice lifts one.
    """
    decision = hold(decision)
    decision = _stopped(decision)
    wishes = decision.asked.wishes
    if wishes.standard is not None and decision.limit_minor:
        decision = _standardised(decision, wishes.standard)
    if wishes.person_days is not None:
        decision = _referred(decision, wishes.person_days)
    return decision


def _stopped(decision: Decision) -> Decision:
    """Send to a person what a model that is not to be trusted now would have approved."""
    if decision.outcome is not Outcome.APPROVED or not decision.guards.stop(decision.segment):
        return decision
    return decision._replace(
        outcome=Outcome.REFERRED,
        flags=(*decision.flags, MODEL_STOPPED),
        guarded=(*decision.guarded, f"model:{decision.segment}"),
    )


def _standardised(decision: Decision, standard: Standard) -> Decision:
    binds = standard.limit_minor < decision.limit_minor
    reasons = decision.reasons
    if decision.outcome is Outcome.APPROVED:
        # What held the score down is no reason for an offer that does not depend on it.
        reasons = (STANDARD_OFFERED,) if binds else (STANDARD_OFFERED, *reasons[:1])
    return decision._replace(
        limit_minor=min(decision.limit_minor, standard.limit_minor),
        candidates=(*decision.candidates, Candidate(STANDARD, standard.limit_minor)),
        binding=STANDARD if binds else decision.binding,
        rate_daily_e8=standard.rate_daily_e8,
        tenors_months=standard.tenors_months,
        rates_daily_e8=standard.rates_daily_e8,
        reasons=reasons,
        flags=(*decision.flags, STANDARD_OFFERED),
    )


def _referred(decision: Decision, days: int) -> Decision:
    flagged = decision._replace(flags=(*decision.flags, PERSON_WISHED))
    if decision.outcome is Outcome.REFERRED:
        return flagged
    until = decision.valid_until or decision.asked.as_of + timedelta(days=days)
    return flagged._replace(outcome=Outcome.REFERRED, valid_until=until)
