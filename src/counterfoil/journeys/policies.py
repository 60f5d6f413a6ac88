"""The policies in force: by which version each kind of question is decided now.

Invariant   A case is decided by one version, taken once: whoever decides asks for the version in
            force and uses that object to the end, whatever is put in force meanwhile.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from counterfoil.decisioning.compile_python import CompiledPolicy, compile_python
from counterfoil.decisioning.document import load_policy
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.policy_parts import NO_GUARDS, Guards

ORIGINATION: Final = "origination"
LIMIT_INCREASE: Final = "limit_increase"

#: What decides until a lender has published a version of its own, by purpose.
SHIPPED: Final = {ORIGINATION: "base-2026-02", LIMIT_INCREASE: "raise-2026-01"}


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """A version that decides now, and what holds its rules back."""

    #: Generated code, by which cases are decided; its `policy` is the reference that decides
    #: them again when the books are checked.
    compiled: CompiledPolicy
    #: What the version's action cap holds back.
    guards: Guards = NO_GUARDS

    @property
    def policy(self) -> Policy:
        """Return the version itself."""
        return self.compiled.policy


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


def shipped_policies() -> Policies:
    """Return the policies that the product comes with."""
    return Policies(
        {
            purpose: InForce(compiled=compile_python(load_policy(name)))
            for purpose, name in SHIPPED.items()
        }
    )
