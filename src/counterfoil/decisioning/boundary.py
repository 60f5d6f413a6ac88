"""Applications generated from a policy: every border, every gap, every category, every verdict.

Method      Each threshold of each rule, bin and range with its neighbours; the points at which a
            comparison of features flips, found by halving; each value missing in turn, all
            missing, outside the range, of a category nobody declared. For each rule, combinations
            of the borders of what it reads until true, false and unknown have all been seen.
Chance      None: a policy always generates the same applications. Where all combinations would be
            too many, an even stride through them is taken.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice, product
from math import prod
from typing import Final

from counterfoil.decisioning.evaluate import Features, Verdict, value_function
from counterfoil.decisioning.expression import (
    Arithmetic,
    Compare,
    FeatureRef,
    IsIn,
    Literal,
    Node,
    Operator,
    UnknownIf,
    Value,
    features_read,
    walk,
)
from counterfoil.decisioning.feature import Feature
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.policy_parts import Action, Rule, Stage
from counterfoil.decisioning.rule_types import ValueType

Case = dict[str, Value | None]

#: Combinations tried for one condition, and kept of those tried.
TRIED_MAX: Final = 4_096
KEPT_MAX: Final = 48
#: Borders of one feature that combinations are made of.
BORDERS_MAX: Final = 24
#: A category that nobody declared.
UNSEEN: Final = "unseen category"
#: A stride that shares no factor with the sizes of tables in practice: a large prime.
_STRIDE: Final = 104_729


def generated_cases(policy: Policy, *, most: int) -> list[Case]:
    """Return at most so many cases, the most telling first, each as it would be given."""
    borders = borders_of(policy)
    kept = chain(_of_rules(policy, borders), _of_values(policy, borders), _spread(policy, borders))
    return [*islice(kept, most)]


def conditions(policy: Policy) -> list[Node]:
    """Return every condition and computed value of a policy."""
    trees = [rule.when for rule in policy.rules]
    trees += [item.when for item in policy.segments if item.when is not None]
    trees += [policy.growth.when] if policy.growth is not None else []
    return trees + [item.tree for item in policy.derived]


def borders_of(policy: Policy) -> dict[str, list[Value | None]]:
    """Return the telling values of each declared feature, the missing one last."""
    found: dict[str, set[int]] = {item.name: set() for item in policy.features}
    for tree in conditions(policy):
        for name, value in _thresholds(tree, policy):
            if name in found:
                found[name].update((value - 1, value, value + 1))
    for item in policy.scorecard.characteristics:
        for edge in item.edges if item.feature in found else ():
            found[item.feature].update((edge - 1, edge))
    return {item.name: _values(item, found[item.name]) for item in policy.features}


def _values(feature: Feature, found: set[int]) -> list[Value | None]:
    match feature.type:
        case ValueType.BOOLEAN:
            return [True, False, None]
        case ValueType.TEXT:
            return [*feature.values[:BORDERS_MAX], None]
        case ValueType.INTEGER:
            low, high = feature.lowest, feature.highest
            inside = sorted(value for value in found | {low, high} if low <= value <= high)
            step = max(len(inside) // BORDERS_MAX, 1)
            thinned = inside if len(inside) <= BORDERS_MAX else inside[::step]
            return [*dict.fromkeys((*thinned, low, high)), None]


def _thresholds(tree: Node, policy: Policy) -> Iterator[tuple[str, int]]:
    """Yield features with the integers at which a comparison flips."""
    for node in walk(tree):
        match node:
            case Compare(_, FeatureRef(name), Literal(int(value))):
                yield name, value
            case Compare(_, Literal(int(value)), FeatureRef(name)):
                yield name, value
            case IsIn(FeatureRef(name), values):
                yield from ((name, value) for value in values if isinstance(value, int))
            case UnknownIf(FeatureRef(name), int(value)):
                yield name, value
            case Compare(_, left, right):
                yield from _flips(left, right, policy)
            case _:
                pass


def _flips(left: Node, right: Node, policy: Policy) -> Iterator[tuple[str, int]]:
    """Yield where the difference of two computed sides changes its sign, one feature at a time."""
    try:
        gap = value_function(Arithmetic(Operator.MINUS, left, right))
        names = features_read(Arithmetic(Operator.MINUS, left, right))
    except (KeyError, TypeError):
        return
    ranges = {
        item.name: (item.lowest, item.highest)
        for item in policy.features
        if item.type is ValueType.INTEGER
    }
    if not set(names) <= ranges.keys():
        return
    for name in names:
        for share in (1, 2, 5, 9):
            others: Case = {
                other: low + (high - low) * share // 10 for other, (low, high) in ranges.items()
            }
            found = _halved(gap, others, name, ranges[name])
            if found is not None:
                yield name, found
                yield from ((o, v) for o in names if o != name and isinstance(v := others[o], int))


def _halved(
    gap: object, others: Mapping[str, Value | None], name: str, ends: tuple[int, int]
) -> int | None:
    """Return the first value after which the sign differs from that at the lower end."""
    assert callable(gap), "a compiled expression"

    def sign(value: int) -> bool:
        result = gap({**others, name: value})
        return result is not None and result > 0

    low, high = ends
    if sign(low) == sign(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if sign(middle) == sign(low):
            low = middle
        else:
            high = middle
    return high


def _middling(policy: Policy, borders: Mapping[str, Sequence[Value | None]]) -> Case:
    """Return a case in the middle of everything that is eligible, if one can be found near it."""
    case: Case = {name: values[(len(values) - 1) // 2] for name, values in borders.items()}
    sources = {item.name: features_read(item.tree) for item in policy.derived}
    for rule in policy.rules:
        if rule.stage is not Stage.ELIGIBILITY or not _declines(policy, rule, case):
            continue
        names = _declared(features_read(rule.when), sources)
        for combined in _combined([borders[name] for name in names], TRIED_MAX):
            changed = {**case, **dict(zip(names, combined, strict=True))}
            if None not in combined and not _declines(policy, rule, changed):
                case = changed
                break
    return case


def _declines(policy: Policy, rule: Rule, case: Case) -> bool:
    return rule.action_on(rule.judge(_seen(policy, case))) is Action.DECLINE


def _of_values(policy: Policy, borders: Mapping[str, Sequence[Value | None]]) -> Iterator[Case]:
    """Yield a middling case with each telling value of each feature in turn, and its gaps."""
    middle = _middling(policy, borders)
    yield middle
    yield dict.fromkeys(middle)
    yield {}
    for feature in policy.features:
        outside: list[Value] = []
        if feature.type is ValueType.INTEGER:
            outside = [feature.lowest - 1, feature.highest + 1]
        elif feature.type is ValueType.TEXT:
            outside = [UNSEEN]
        for value in (*borders[feature.name], *outside):
            yield {**middle, feature.name: value}


def _of_rules(policy: Policy, borders: Mapping[str, Sequence[Value | None]]) -> Iterator[Case]:
    """Yield cases that show each condition in all its verdicts, as far as borders reach them."""
    middle = _middling(policy, borders)
    sources = {item.name: features_read(item.tree) for item in policy.derived}
    for judge, names in _judges(policy):
        count: dict[Verdict, int] = dict.fromkeys(Verdict, 0)
        pools = [borders[name] for name in _declared(names, sources)]
        for combined in _combined(pools, TRIED_MAX):
            case = {**middle, **dict(zip(_declared(names, sources), combined, strict=True))}
            verdict = judge(_seen(policy, case))
            if count[verdict] < KEPT_MAX // len(count):
                count[verdict] += 1
                yield case


def _judges(policy: Policy) -> Iterator[tuple[Callable[[Features], Verdict], Sequence[str]]]:
    """Yield each condition as it counts, a rule of some segments only for those, and its reads."""
    belonging = [item for item in policy.segments if item.when is not None]
    for rule in policy.rules:
        names = list(features_read(rule.when))
        if rule.segments:
            names += [name for item in belonging if item.when for name in features_read(item.when)]
        yield partial(_rule_verdict, policy, rule), list(dict.fromkeys(names))
    for item in belonging:
        if item.judge is not None and item.when is not None:
            yield item.judge, features_read(item.when)
    if policy.growth is not None:
        yield policy.growth.judge, features_read(policy.growth.when)


def _rule_verdict(policy: Policy, rule: Rule, values: Features) -> Verdict:
    if rule.segments and policy.segment_of(values).code not in rule.segments:
        return Verdict.FALSE
    return rule.judge(values)


def _seen(policy: Policy, case: Case) -> Mapping[str, Value | None]:
    if not policy.derived:
        return case
    values = dict(case)
    for item in policy.derived:
        values[item.name] = item.compute(values)
    return values


def _declared(names: Sequence[str], sources: Mapping[str, Sequence[str]]) -> list[str]:
    found: dict[str, None] = {}
    for name in names:
        inner = _declared(sources[name], sources) if name in sources else [name]
        found |= dict.fromkeys(inner)
    return list(found)


def _combined(
    pools: Sequence[Sequence[Value | None]], most: int
) -> Iterator[tuple[Value | None, ...]]:
    """Yield all combinations, or an even choice of them where they are too many."""
    total = prod(map(len, pools))
    if total <= most:
        yield from product(*pools)
        return
    for number in range(most):
        place = number * _STRIDE % total
        combined = []
        for pool in pools:
            place, index = divmod(place, len(pool))
            combined.append(pool[index])
        yield tuple(combined)


def _spread(policy: Policy, borders: Mapping[str, Sequence[Value | None]]) -> Iterator[Case]:
    """Yield ever new combinations of all features' borders, in strides that differ by feature."""
    names = [item.name for item in policy.features]
    number = 0
    while True:
        number += 1
        case: Case = {}
        for place, name in enumerate(names):
            # Mixed so that two features do not move in step.
            mixed = (number * (2 * place + 3) * _STRIDE + number // (place + 2)) >> 3
            pool = borders[name]
            case[name] = pool[mixed % len(pool)]
        yield case
