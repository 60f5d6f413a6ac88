"""What ceilings on a person's debt make of a decision: refused, capped or referred, over any score.

Order       Before the customer's choices: whoever wishes a person gets one, and that person finds
            nothing to grant above a ceiling.
Cap         Rounded down to the product's step; below the least the product lends it is a decline
            with the ceiling's reason, never a limit of a few units.
"""

from typing import Final

from counterfoil.decisioning.debt_ceiling import DebtCeiling
from counterfoil.decisioning.decision import Candidate, Decision, Outcome
from counterfoil.decisioning.policy import REASONS_COUNT_MAX

#: The bound on a limit that ceilings are; the flags say what they did.
DEBT_CEILING: Final = "debt_ceiling"
REFUSED_BY_CEILING: Final = "DEBT_CEILING_REFUSED"
REFERRED_BY_CEILING: Final = "DEBT_CEILING_REFERRED"


def hold(decision: Decision) -> Decision:
    """Return a decision as the ceilings hold it; pure, and the same for ever."""
    ceiling = decision.asked.ceiling
    if ceiling is None:
        return decision
    if ceiling.refuses:
        return _refused(decision, ceiling.reasons, limit_minor=0)
    held = _capped(decision, ceiling)
    return _referred(held, ceiling.reasons) if ceiling.refers else held


def _refused(decision: Decision, reasons: tuple[str, ...], *, limit_minor: int) -> Decision:
    """Decline; what the policy declined for by itself stays in front."""
    own = decision.reasons if decision.outcome is Outcome.DECLINED else ()
    return decision._replace(
        outcome=Outcome.DECLINED,
        limit_minor=0,
        rate_daily_e8=None,
        tenors_months=(),
        rates_daily_e8=(),
        valid_until=None,
        asks=(),
        candidates=(*decision.candidates, Candidate(DEBT_CEILING, limit_minor)),
        binding=DEBT_CEILING,
        reasons=_first((*own, *reasons)),
        flags=(*decision.flags, REFUSED_BY_CEILING),
    )


def _capped(decision: Decision, ceiling: DebtCeiling) -> Decision:
    cap_minor, reason = ceiling.cap_minor, ceiling.cap_reason
    if cap_minor is None:
        return decision
    candidates = (*decision.candidates, Candidate(DEBT_CEILING, cap_minor))
    if cap_minor >= decision.limit_minor:
        return decision._replace(candidates=candidates)
    limit_minor = cap_minor - cap_minor % decision.asked.limit_step_minor
    if limit_minor < decision.asked.limit_min_minor:
        return _refused(decision, (reason,), limit_minor=cap_minor)
    return decision._replace(
        limit_minor=limit_minor,
        candidates=candidates,
        binding=DEBT_CEILING,
        reasons=_first((reason, *decision.reasons)),
    )


def _referred(decision: Decision, reasons: tuple[str, ...]) -> Decision:
    flagged = decision._replace(flags=(*decision.flags, REFERRED_BY_CEILING))
    if decision.outcome is not Outcome.APPROVED:
        return flagged
    return flagged._replace(outcome=Outcome.REFERRED, reasons=_first((*reasons, *decision.reasons)))


def _first(codes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(codes))[:REASONS_COUNT_MAX]
