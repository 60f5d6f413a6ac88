"""The policies in force: by which version each kind of question is decided now.

Invariant   A case is decided by one version, taken once: whoever decides asks for the version in
            force and uses that object to the end, whatever is put in force meanwhile.
In force    What was published last among what has become effective, for each purpose by itself;
            until something is published, what ships with the product.
Lag         Every process follows (`follow_policies.py`): a publication decides everywhere within
            two seconds, and so does what an action cap holds back once the worker has found it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from counterfoil.decisioning.assigned import Assigned
from counterfoil.decisioning.compile_python import CompiledPolicy, compile_python
from counterfoil.decisioning.decision import Asked, Decision
from counterfoil.decisioning.document import load_policy
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.honouring import honour
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.policy_parts import NO_GUARDS, Guards

ORIGINATION: Final = "origination"
LIMIT_INCREASE: Final = "limit_increase"

#: What decides until a lender has published a version of its own, by purpose.
SHIPPED: Final = {ORIGINATION: "base-2026-04", LIMIT_INCREASE: "raise-2026-01"}
NOTHING_SNOOZED: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """A version that decides now, and what holds its rules back."""

    #: Generated code, by which cases are decided; its `policy` is the reference that decides
    #: cases that a guard holds back, and every case again when the books are checked.
    compiled: CompiledPolicy
    #: What the version's action cap holds back.
    guards: Guards = NO_GUARDS
    #: By which publication it decides; None for what ships with the product.
    publication_id: int | None = None
    #: The arm of an experiment that it decides as; None where it decides for everybody.
    assigned: Assigned | None = None
    #: Features that may not be used now: a check has stopped them, or their purpose is over. They
    #: are unknown to the policy, which says what follows from that.
    withheld: frozenset[str] = frozenset()
    #: The version that was published last, where it is held back and this one decides instead.
    fallen_from: str | None = None

    @property
    def policy(self) -> Policy:
        """Return the version itself."""
        return self.compiled.policy

    def decide(
        self,
        features: Mapping[str, Value | None],
        asked: Asked,
        *,
        snoozed: frozenset[str] = NOTHING_SNOOZED,
    ) -> Decision:
        """Return the decision on a case, with the customer's choices honoured.

        `snoozed` are rules suppressed for this customer.
        """
        guards = self.guards
        if snoozed:
            guards = replace(guards, snoozed=snoozed)
        if self.withheld:
            features = {name: v for name, v in features.items() if name not in self.withheld}
        decision = honour(self.compiled.decide(features, asked, guards))
        return decision if self.assigned is None else decision._replace(assigned=self.assigned)


class Policies:
    """The version in force for each purpose."""

    def __init__(self, in_force: Mapping[str, InForce]) -> None:
        """Take a version for each purpose."""
        self._in_force = dict(in_force)

    @property
    def origination(self) -> InForce:
        """Return what decides applications."""
        return self._in_force[ORIGINATION]

    @property
    def limit_increase(self) -> InForce:
        """Return what decides requests for a higher limit."""
        return self._in_force[LIMIT_INCREASE]

    def every(self) -> Mapping[str, InForce]:
        """Return what is in force, by purpose."""
        return dict(self._in_force)

    def put_in_force(self, purpose: str, version: InForce) -> None:
        """Let another version decide from now on; cases under way keep theirs."""
        self._in_force[purpose] = version


def shipped_policies() -> Policies:
    """Return the policies that the product comes with."""
    return Policies(
        {purpose: InForce(compiled=_compiled(name)) for purpose, name in SHIPPED.items()}
    )


@cache
def _compiled(name: str) -> CompiledPolicy:
    return compile_python(load_policy(name))
