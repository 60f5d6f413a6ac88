"""Why a decision does not come out again, and what today's policy would change about it.

Own parts   With the policy and inputs of the record the result has to be the same to the byte.
            Where it is not: the policy is missing or altered (`policy`), the inputs cannot be
            read or are not what a policy would have let in (`data`), the result cannot be read or
            the application agrees with the new one and not with the record (`record`), else the
            inputs or the engine changed (`data_or_engine`; the log, which holds a hash of the
            inputs, tells which). A record that comes out may name a rule pack or a registry that
            is not there any more, or not as it was (`rule_pack`, `registry`).
Today       One part at a time is exchanged for today's: rules, model, limits and prices of the
            policy; the bounds of the rule pack, what the registry makes of the events that were
            known, and what is known of them now (`data`). Where the tables of a model stayed and
            only what its scores mean is new, that part is the `calibration`. Parts that change
            the result alone are named; where none does but all together do, it is `interaction`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

import orjson

from counterfoil.decisioning.compile_python import CompiledPolicy, compile_python
from counterfoil.decisioning.document import policy_of
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.feature import take_snapshot
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.reading import InvalidPolicyError
from counterfoil.decisioning.replay import (
    Decide,
    Replay,
    Standing,
    StoredDecision,
    UnreadableRecordError,
    compared,
    decided_again,
)


class Cause(StrEnum):
    """Why a decision does not come out again."""

    NONE = "none"
    POLICY = "policy"
    DATA = "data"
    RECORD = "record"
    DATA_OR_ENGINE = "data_or_engine"
    #: It comes out, but the registry that it names is not kept as it was.
    REGISTRY = "registry"
    #: It comes out, but the rule pack that it names is not there as it was.
    RULE_PACK = "rule_pack"


#: Parts of a policy's document, by what they are to somebody who asks what changed.
PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "rules": ("rules", "segments", "derived", "features", "reasons", "bound_reasons"),
    "model": ("scorecard", "model"),
    "limits": ("growth", "capacity"),
    "prices": ("rate_annual_max_e8", "price"),
}
CALIBRATION: Final = "calibration"
_BANDS: Final = ("points_min", "pd_ppm_max")
_PRICES: Final = ("rate_daily_e8", "rates_daily_e8")
#: What of a model gives a score; the rest says what it means.
_TABLES: Final = ("unit", "base", "characteristics")
INTERACTION: Final = "interaction"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of deciding a recorded case again."""

    cause: Cause
    differences: tuple[str, ...]


def judge(
    policy: Policy | None, decide: Decide | None, stored: StoredDecision, standing: Standing
) -> Verdict:
    """Return whether a decision comes out again by its own policy, and why not.

    `policy` is the version that is kept under the recorded hash, None where it is missing or
    altered; `decide` is what was generated from it.
    """
    if policy is None or decide is None:
        return Verdict(cause=Cause.POLICY, differences=())
    try:
        found = decided_again(policy, decide, stored)
        again = compared(stored, found)
    except UnreadableRecordError as failure:
        cause = Cause.DATA if failure.part == "inputs" else Cause.RECORD
        return Verdict(cause=cause, differences=(failure.part,))
    if again.is_same:
        return Verdict(cause=Cause.NONE, differences=())
    return Verdict(
        cause=_cause(policy, stored, standing, again, orjson.loads(found.result())),
        differences=again.differences,
    )


def _cause(
    policy: Policy,
    stored: StoredDecision,
    standing: Standing,
    again: Replay,
    found: Mapping[str, Any],
) -> Cause:
    inputs = orjson.loads(stored.inputs)
    snapshot = take_snapshot(policy.features, inputs["features"])
    if inputs["policy_hash"] != policy.hash or snapshot.values != inputs["features"]:
        return Cause.DATA
    names = Standing.__slots__
    recorded = orjson.loads(stored.result)
    shown = {name: getattr(standing, name) for name in names}
    agrees = {name: found.get(name) for name in names} == shown
    if agrees and set(names) & set(again.differences):
        return Cause.RECORD
    if {name: recorded.get(name) for name in names} != shown:
        return Cause.RECORD
    return Cause.DATA_OR_ENGINE


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What of a question is another one today; empty where it is the same."""

    #: Members of `asked` as they are stored, and features.
    asked: Mapping[str, object]
    features: Mapping[str, Value | None]

    def within(self, stored: StoredDecision) -> StoredDecision:
        """Return the record with what is another one today in its inputs."""
        inputs = orjson.loads(stored.inputs)
        inputs["asked"] |= self.asked
        inputs["features"] |= self.features
        return replace(stored, inputs=orjson.dumps(inputs))


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanges:
    """Today's in place of what a record holds besides its policy."""

    #: By name: `rule_pack`, `registry`, `data`; those that are the same are left out.
    parts: Mapping[str, Exchange]
    #: All of them together.
    whole: Exchange


#: Nothing is another one, or nobody knows.
UNCHANGED: Final = Exchanges(parts={}, whole=Exchange(asked={}, features={}))


class Comparison:
    """One version against another, part by part; made once for many decisions."""

    def __init__(self, recorded: Policy, today: Policy) -> None:
        """Take the version of the record and today's."""
        before, after = orjson.loads(recorded.canonical), orjson.loads(today.canonical)
        self._recorded, self._whole = compile_python(recorded), compile_python(today)
        self._parts: dict[str, CompiledPolicy] = {}
        for part in PARTS:
            exchanged = _exchanged(before, after, part)
            if exchanged == before:
                continue
            try:
                named = _name_of(part, before, after)
                self._parts[named] = compile_python(policy_of(exchanged))
            except InvalidPolicyError:
                # This part cannot stand without others of the same version.
                continue

    def changes(
        self, stored: StoredDecision, exchanges: Exchanges = UNCHANGED
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the parts that change a decision, and the fields that differ by all together."""
        whole = _differences(stored, exchanges.whole.within(stored), self._whole)
        if not whole:
            return (), ()
        alone = [part for part, other in self._parts.items() if _differences(stored, stored, other)]
        alone += [
            part
            for part, exchange in exchanges.parts.items()
            if _differences(stored, exchange.within(stored), self._recorded)
        ]
        return tuple(alone) or (INTERACTION,), whole


def _differences(
    stored: StoredDecision, asked: StoredDecision, other: CompiledPolicy
) -> tuple[str, ...]:
    """Return in what the answer to a question differs from the record."""
    again = compared(stored, decided_again(other.policy, other.function, asked))
    return tuple(name for name in again.differences if name != "policy_version")


def _name_of(part: str, before: dict[str, Any], after: dict[str, Any]) -> str:
    """Return what a part is called: a model of the same tables differs in its calibration."""
    if part != "model" or "model" not in before or "model" not in after:
        return part
    is_same = all(before["model"][name] == after["model"][name] for name in _TABLES)
    return CALIBRATION if is_same else part


def _exchanged(before: dict[str, Any], after: dict[str, Any], part: str) -> dict[str, Any]:
    """Return the recorded document with one part of today's."""
    made = {name: value for name, value in before.items() if name not in PARTS[part]}
    made |= {name: after[name] for name in PARTS[part] if name in after}
    if part == "model" and ("model" in before) != ("model" in after):
        made["grades"] = _grades(before["grades"], after["grades"], part)
    if part in ("limits", "prices"):
        made["grades"] = _grades(before["grades"], after["grades"], part)
    return made


def _grades(
    before: list[dict[str, Any]], after: list[dict[str, Any]], part: str
) -> list[dict[str, Any]]:
    """Return grades with today's prices, today's bands, or all of today's but the prices."""
    theirs = {grade["code"]: grade for grade in after}
    if [grade["code"] for grade in before] != [grade["code"] for grade in after]:
        return after if part == "limits" else before
    if part == "model":
        return [
            {name: value for name, value in mine.items() if name not in _BANDS}
            | {name: theirs[mine["code"]][name] for name in _BANDS if name in theirs[mine["code"]]}
            for mine in before
        ]
    made = []
    for mine in before:
        other = theirs[mine["code"]]
        prices, rest = (other, mine) if part == "prices" else (mine, other)
        grade = {name: value for name, value in rest.items() if name not in _PRICES}
        made.append(grade | {name: prices[name] for name in _PRICES if name in prices})
    return made
