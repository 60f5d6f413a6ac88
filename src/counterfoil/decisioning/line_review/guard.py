"""When automatic measures against customers have become too many: the cap of a review policy.

Cap         As for declines: more than the greater of a count and a share of the window's reviews,
            for a rule and for the policy as a whole. Rules of law count and are never held back.
Lag         None within one run: its own measures are counted as they are made. Of runs side by
            side each sees the other's when it has doubled what it found itself.
"""

from collections import Counter
from collections.abc import Mapping

from counterfoil.decisioning.action_cap import Trip
from counterfoil.decisioning.line_review.policy import ADVERSE, ReviewPolicy
from counterfoil.decisioning.line_review.review import ADVERSE_OUTCOMES, Review
from counterfoil.decisioning.policy_parts import NO_GUARDS, WHOLE_POLICY, Guards

_MILLION = 1_000_000


class MeasureCount:
    """Reviews and measures within the cap's window, counted on while a run makes more."""

    def __init__(
        self, policy: ReviewPolicy, *, reviews: int, adverse: int, by_rule: Mapping[str, int]
    ) -> None:
        """Take what the window held before; `by_rule` counts measures by the rules they rest on."""
        self._policy = policy
        self._found = reviews
        self._reviews = reviews
        self._adverse = adverse
        self._by_rule = Counter(by_rule)
        self._rules = [
            rule.code for rule in policy.rules if rule.measure in ADVERSE and not rule.is_exempt
        ]

    def guards(self, snoozed: frozenset[str] = frozenset()) -> Guards:
        """Return what is held back from the next review, of a customer with these snoozes."""
        cap = self._policy.action_cap
        if cap is None:
            return Guards(snoozed=snoozed) if snoozed else NO_GUARDS
        most = max(cap.count_min, self._reviews * cap.share_ppm // _MILLION)
        tripped = {code for code in self._rules if self._by_rule[code] >= most}
        if self._adverse >= most:
            tripped.add(WHOLE_POLICY)
        return Guards(tripped=frozenset(tripped), snoozed=snoozed)

    @property
    def reviews(self) -> int:
        """Return how many reviews the window holds."""
        return self._reviews

    @property
    def has_doubled(self) -> bool:
        """Tell whether a run has added as much as it found."""
        return self._reviews >= 2 * self._found

    def trips(self, held: frozenset[str]) -> list[Trip]:
        """Return what begins or ceases to be held back, against what was held back so far."""
        wanted = self.guards().tripped
        return [
            Trip(
                code, code in wanted, self._adverse if code == WHOLE_POLICY else self._by_rule[code]
            )
            for code in sorted(wanted ^ held)
        ]

    def add(self, made: Review) -> None:
        """Count a review."""
        self._reviews += 1
        if made.outcome in ADVERSE_OUTCOMES:
            self._adverse += 1
            self._by_rule.update(made.acted)
