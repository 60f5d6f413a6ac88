"""How many grades a customer has lost: by the version that graded last, on what is known now.

Unknown     None where nobody graded, or the version needs something that is not known now: neither
            better nor worse.
"""

from collections.abc import Mapping

import orjson

from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.gathering import bureau_facts
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.replay import StoredDecision, asked_of


def steps_worse(
    policy: Policy, stored: StoredDecision, said: Mapping[str, Value | None]
) -> int | None:
    """Return the grades lost since a stored decision on what a report says; below 0 for gained.

    What the applicant said then stands; only what the version reads from a bureau is renewed.
    """
    assert policy.hash == stored.policy_hash, "a case is graded again by the version that graded"
    inputs, before = orjson.loads(stored.inputs), orjson.loads(stored.result)["grade"]
    renewed = {name: said.get(name) for name in bureau_facts(policy)}
    again = policy.decide({**inputs["features"], **renewed}, asked_of(inputs["asked"])).grade
    order = [grade.code for grade in policy.grades]
    if before not in order or again is None:
        return None
    return order.index(again) - order.index(before)
