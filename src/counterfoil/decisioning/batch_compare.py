"""Whether a batch says of its cases what single decisions say, row by row and field by field.

Method      A decision is laid out as the batch lays out its row, and both are compared as they
            stand; only where they differ are records made of them, to name the field.
Invariant   Every field of a record follows from what is compared here, or is compared itself.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import polars as pl

from counterfoil.decisioning.batch_rows import rejected_of_row, result_of_row
from counterfoil.decisioning.decision import Decision, Outcome
from counterfoil.decisioning.evaluate import Verdict
from counterfoil.decisioning.policy import OFFER_OUT_OF_RANGE, REASONS_COUNT_MAX, Policy
from counterfoil.decisioning.policy_parts import Action

_WORD: Final = 64
_MASK: Final = 2**_WORD - 1
_BOUND: Final = "bound "
#: An enumeration's members are slow to reach by name, and asked for hundreds of thousands of times.
_TRUE: Final = Verdict.TRUE
_FALSE: Final = Verdict.FALSE
_NO_REASONS: Final = (None,) * REASONS_COUNT_MAX


class BatchComparison:
    """One batch of a policy, held against decisions made one by one."""

    def __init__(self, policy: Policy, batch: pl.DataFrame) -> None:
        """Take a batch decided with its parts shown."""
        self._policy = policy
        self._batch = batch
        self._bits = {rule.code: 1 << number for number, rule in enumerate(policy.rules)}
        self._words = [n for n in range(len(policy.rules)) if f"rules_true_{n}" in batch.columns]
        self._bounds = [
            name.removeprefix(_BOUND) for name in batch.columns if name.startswith(_BOUND)
        ]
        self._unscored = (None,) * len(policy.scorecard.characteristics)
        self._grows = policy.growth is not None
        self._foresees = policy.scorecard.model is not None
        self._flags = [rule.code for rule in policy.rules if rule.action is Action.FLAG]
        asking = (Action.ASK in (rule.action, rule.on_unknown) for rule in policy.rules)
        self._asks = any(asking)

    def differing(self, decisions: Sequence[Decision]) -> Iterator[int]:
        """Yield the places of decisions that the batch does not say."""
        order, reject = self._columns()
        rows = self._batch.select(order).iter_rows()
        rejects = self._batch.select(reject).iter_rows()
        for place, (decision, row, rejected) in enumerate(
            zip(decisions, rows, rejects, strict=True)
        ):
            if (
                self._row(decision) != row
                or (any(rejected) and not self._were_rejected(place, decision))
                or self._flags_differ(decision)
                or (self._asks and self._asks_differ(place, decision))
            ):
                yield place

    def told(self, place: int, decision: Decision) -> dict[str, object]:
        """Return what the batch says of a case, as its record would say it."""
        row = self._batch.row(place, named=True)
        told = result_of_row(self._policy, row, decision.features)
        if not self._were_rejected(place, decision):
            told["rejected"] = list(rejected_of_row(self._policy, row))
        return told

    def _columns(self) -> tuple[list[pl.Expr], list[str]]:
        card = self._policy.scorecard
        amounts = []
        for number, item in enumerate(card.characteristics):
            loss, lost = pl.col(f"loss_{number}"), pl.col(f"bin_{number}").is_null()
            amount = item.points_best + loss if item.is_risk else item.points_best - loss
            needed = lost if item.points_unknown is None else pl.lit(value=False)
            amounts.append(pl.when(~needed).then(amount).alias(f"amount_{number}"))
        names = [
            *("outcome", "is_scored", "segment", "points", "grade", "binding", "limit_minor"),
            *("rate_daily_e8", "tenors_months", "valid_until"),
            *(f"reason_{rank + 1}" for rank in range(REASONS_COUNT_MAX)),
            *(["grown"] if self._policy.growth is not None else []),
            *(["pd_ppm"] if card.model is not None else []),
            "is_out_of_range",
            *(f"rules_true_{number}" for number in self._words),
            *(f"rules_unknown_{number}" for number in self._words),
            *(_BOUND + name for name in self._bounds),
            *(f"bin_{number}" for number in range(len(amounts))),
        ]
        rejected = [name for name in self._batch.columns if name.startswith("rejected_")]
        return [*(pl.col(name) for name in names), *amounts], rejected

    def _row(self, decision: Decision) -> tuple[object, ...]:
        """Lay a decision out as the batch lays out its rows."""
        bits = self._bits
        true = unknown = 0
        for code, verdict in decision.verdicts.items():
            if verdict is _FALSE:
                continue
            if verdict is _TRUE:
                true |= bits[code]
            else:
                unknown |= bits[code]
        parts = decision.contributions
        bounds = dict(decision.candidates)
        tenors = decision.tenors_months
        return (
            decision.outcome.value,
            bool(parts),
            decision.segment,
            decision.points,
            decision.grade,
            decision.binding,
            decision.limit_minor,
            decision.rate_daily_e8,
            ",".join(map(str, tenors)) if tenors else None,
            decision.valid_until,
            *(*decision.reasons, *_NO_REASONS)[:REASONS_COUNT_MAX],
            *((decision.grown,) if self._grows else ()),
            *((decision.pd_ppm,) if self._foresees else ()),
            OFFER_OUT_OF_RANGE in decision.flags,
            *[true >> _WORD * number & _MASK for number in self._words],
            *[unknown >> _WORD * number & _MASK for number in self._words],
            *[bounds.get(name) for name in self._bounds],
            *([item.bin for item in parts] if parts else self._unscored),
            *([item.points for item in parts] if parts else self._unscored),
        )

    def _were_rejected(self, place: int, decision: Decision) -> bool:
        found = rejected_of_row(self._policy, self._batch.row(place, named=True))
        return set(found) <= set(decision.rejected)

    def _flags_differ(self, decision: Decision) -> bool:
        """Tell whether flags are not those of rules that are true; the rest is in the row."""
        if not decision.contributions:
            return bool(decision.flags)
        verdicts = decision.verdicts
        flagged = [code for code in self._flags if verdicts.get(code) is _TRUE]
        return flagged != list(decision.flags[: len(flagged)])

    def _asks_differ(self, place: int, decision: Decision) -> bool:
        if decision.outcome is not Outcome.REFERRED:
            return bool(decision.asks)
        return self.told(place, decision).get("asks", []) != list(decision.asks)
