"""When automatic declines have become too many: the caps of a policy over a rolling window.

Cap         More than the greater of a count and a share of the window's cases, for a rule and for
            the policy as a whole. Rules of law count but are never held back.
Lag         Counts are folded from recorded decisions by whoever asks, so that a cap may trip a
            moment late; no decision waits for a counter.
"""

from collections.abc import Mapping
from typing import NamedTuple

from counterfoil.decisioning.evaluate import Verdict
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.policy_parts import NO_GUARDS, WHOLE_POLICY, Action, Guards

_MILLION = 1_000_000


class Window(NamedTuple):
    """What was decided within a cap's window."""

    #: All decisions of the policy.
    cases: int
    #: Those that declined.
    declined: int
    #: Of those, how often each rule gave each verdict other than false.
    verdicts: Mapping[tuple[str, Verdict], int]


class Trip(NamedTuple):
    """A cap that begins, or ceases, to hold something back."""

    #: Code of the rule, `*` for every decline of the version.
    rule_code: str
    is_tripped: bool
    #: Declines of the window that count towards it.
    declined: int


def trips_of(policy: Policy, window: Window, held: frozenset[str]) -> list[Trip]:
    """Return what changes after such a window against what is held back so far."""
    wanted = guards_of(policy, window).tripped
    return [
        Trip(
            code,
            code in wanted,
            window.declined if code == WHOLE_POLICY else _declines(policy, code, window),
        )
        for code in sorted(wanted ^ held)
    ]


def guards_of(policy: Policy, window: Window) -> Guards:
    """Return what the policy's cap holds back after such a window."""
    cap = policy.action_cap
    if cap is None:
        return NO_GUARDS
    most = max(cap.count_min, window.cases * cap.share_ppm // _MILLION)
    tripped = {
        rule.code
        for rule in policy.rules
        if not rule.is_exempt and _declines(policy, rule.code, window) > most
    }
    if window.declined > most:
        tripped.add(WHOLE_POLICY)
    return Guards(tripped=frozenset(tripped))


def _declines(policy: Policy, code: str, window: Window) -> int:
    rule = next((rule for rule in policy.rules if rule.code == code), None)
    if rule is None:
        return 0
    return sum(
        window.verdicts.get((code, verdict), 0)
        for verdict in (Verdict.TRUE, Verdict.UNKNOWN)
        if rule.action_on(verdict) is Action.DECLINE
    )
