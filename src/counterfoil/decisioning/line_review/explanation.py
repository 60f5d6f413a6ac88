"""What a customer is told of a measure that a review took: the data that its rules read.

Faithful    Follows from the record alone: rules that acted, and the values that they read then.
Withheld    Rules against fraud show no data, as with every decision; nor are thresholds told.
"""

from collections.abc import Iterator

import orjson

from counterfoil.decisioning.customer_explanation import Datum, datum_of
from counterfoil.decisioning.expression import features_read
from counterfoil.decisioning.line_review.policy import ReviewPolicy
from counterfoil.decisioning.policy_parts import RuleClass


def data_behind(policy: ReviewPolicy, inputs: bytes, result: bytes) -> tuple[Datum, ...]:
    """Return what the rules that acted had read, each once, in the order of the rules.

    `inputs` and `result` are those of the review, as they are kept.
    """
    values = orjson.loads(inputs)["features"]
    acted = set(orjson.loads(result)["acted"])
    declared = {feature.name: feature for feature in policy.features}
    names = dict.fromkeys(
        name
        for rule in policy.rules
        if rule.code in acted and rule.rule_class is not RuleClass.FRAUD
        for name in _sources(policy, features_read(rule.when))
    )
    return tuple(datum_of(declared[name], values) for name in names)


def _sources(policy: ReviewPolicy, names: tuple[str, ...]) -> Iterator[str]:
    """Yield declared features, by way of derived values as well."""
    derived = {item.name: item for item in policy.derived}
    for name in names:
        if name in derived:
            yield from _sources(policy, features_read(derived[name].tree))
        else:
            yield name
