"""A policy as Polars expressions over a lazy frame: millions of cases a second, streamed.

Equality    Every output column says what the reference says of the same case; the gate compares.
Verdicts    One bit for each rule, in the policy's order, in 64-bit words: `rules_true_N` and
            `rules_unknown_N`. Rules of the stage `risk` have no verdict where `is_scored` is false.
Memory      Everything is done row by row: a frame is streamed in pieces, whatever its size.
Asked       One question for the whole frame; a column `requested_minor` overrides its amount.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import polars as pl

from counterfoil.decisioning import polars_card as card
from counterfoil.decisioning.decision import Asked, Outcome
from counterfoil.decisioning.expression import Literal, features_read, walk
from counterfoil.decisioning.polars_offer import Offers
from counterfoil.decisioning.polars_reasons import WORD, Slot, once, with_first_reasons
from counterfoil.decisioning.polars_text import (
    Texts,
    any_of,
    expression_of,
    looked_up,
    packed,
)
from counterfoil.decisioning.polars_values import outside, usable
from counterfoil.decisioning.policy import OF_SEGMENT, REASONS_COUNT_MAX, Policy
from counterfoil.decisioning.policy_parts import (
    NO_GUARDS,
    WHOLE_POLICY,
    Action,
    Guards,
    Rule,
    Stage,
)
from counterfoil.decisioning.rule_types import ValueType

REQUESTED: Final = "requested_minor"
OUTCOMES: Final = (Outcome.APPROVED, Outcome.DECLINED, Outcome.REFERRED)
_APPROVED, _DECLINED, _REFERRED = range(3)
#: Up to so many names are numbered in one byte.
_NAMES_IN_A_BYTE: Final = 255


def decided(
    policy: Policy,
    frame: pl.LazyFrame,
    asked: Asked,
    *,
    guards: Guards = NO_GUARDS,
    keep: Sequence[str] = (),
    prefix: str = "",
    shows_parts: bool = False,
) -> pl.LazyFrame:
    """Return the decisions on a frame whose columns were checked (`batch_frame.py`).

    `keep` carries columns of the frame along, `prefix` stands before the names of the answers,
    `shows_parts` adds bins and every bound.
    """
    assert asked.currency == policy.currency, "amounts of two currencies are not compared"
    plan = _Plan(policy, asked, guards)
    return plan.applied(frame, keep=keep, prefix=prefix, shows_parts=shows_parts)


def texts_of(policy: Policy) -> tuple[str, ...]:
    """Return every text that a feature may have or that a rule names."""
    trees = [rule.when for rule in policy.rules]
    trees += [item.when for item in policy.segments if item.when is not None]
    trees += [item.tree for item in policy.derived]
    trees += [policy.growth.when] if policy.growth is not None else []
    texts = [value for feature in policy.features for value in feature.values]
    for tree in trees:
        for node in walk(tree):
            values = getattr(node, "values", ())
            one = node.value if isinstance(node, Literal) else getattr(node, "value", None)
            texts += [value for value in (*values, one) if isinstance(value, str)]
    return tuple(dict.fromkeys(texts))


class _Plan:
    """The columns of a policy, layer by layer; each reads only what earlier ones made."""

    def __init__(self, policy: Policy, asked: Asked, guards: Guards) -> None:
        self.policy = policy
        self.asked = asked
        self.guards = guards
        self.offers = Offers(policy, asked)
        self.texts = Texts(texts_of(policy))
        self.columns = {item.name: f"v{n}" for n, item in enumerate(policy.features)}
        self.columns |= {item.name: f"d{n}" for n, item in enumerate(policy.derived)}
        self.reasons = {code: number for number, code in enumerate(policy.reasons)}
        shapes = {item.name: item.shape for item in policy.features}
        shapes |= {item.name: item.shape for item in policy.derived}
        booleans = (name for name, shape in shapes.items() if shape.type is ValueType.BOOLEAN)
        self.card_columns = card.Columns(self.columns, self.texts, frozenset(booleans))
        self.needed = card.needed(policy.scorecard, self.card_columns)
        #: Where nothing is needed, whatever got as far as the score has one.
        self.has_score = pl.col("has score" if self.needed else "is_scored")
        self.groups = 0

    def applied(
        self, frame: pl.LazyFrame, *, keep: Sequence[str], prefix: str, shows_parts: bool
    ) -> pl.LazyFrame:
        """Return the frame decided."""
        names = frame.collect_schema().names()
        kept = [pl.col(name).alias(f"keep {name}") for name in keep]
        requested = [pl.col(REQUESTED).cast(pl.Int64)] if REQUESTED in names else []
        values = [
            usable(item, self.texts).alias(self.columns[item.name]) for item in self.policy.features
        ]
        rejected = packed([outside(item, self.texts) for item in self.policy.features], "rejected")
        frame = frame.select(*kept, *requested, *values, *rejected)
        frame = self._with_derived(frame)
        frame = frame.with_columns(self._segment(), *self._grown())
        frame = frame.with_columns(self._verdicts())
        frame = frame.with_columns(*self._acting(), self._margin())
        frame = frame.with_columns(self._masks())
        frame = self._with_rule_reasons(frame)
        frame = self._with_card(frame)
        frame = self._with_limit(frame, has_requested=bool(requested))
        frame = self._with_outcome(frame)
        frame = self._with_reasons(frame)
        return frame.select(
            *(pl.col(f"keep {name}").alias(name) for name in keep),
            *(answer.name.prefix(prefix) for answer in self._answers()),
            *(self._parts() if shows_parts else ()),
        )

    # -------------------------------------------------------------------------------- what is read

    def _with_derived(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Add derived values, all of one depth at a time."""
        depth = dict.fromkeys((item.name for item in self.policy.features), 0)
        levels: dict[int, list[pl.Expr]] = {}
        for item in self.policy.derived:
            read = [depth[name] for name in features_read(item.tree)]
            depth[item.name] = 1 + max(read, default=0)
            made = expression_of(item.tree, self.columns, self.texts)
            levels.setdefault(depth[item.name], []).append(made.alias(self.columns[item.name]))
        for level in sorted(levels):
            frame = frame.with_columns(levels[level])
        return frame

    def _segment(self) -> pl.Expr:
        *others, _ = self.policy.segments
        result = pl.lit(len(others), dtype=pl.UInt8)
        for number, segment in reversed([*enumerate(others)]):
            assert segment.when is not None, "only the last segment takes everybody"
            test = expression_of(segment.when, self.columns, self.texts)
            result = pl.when(test).then(pl.lit(number, dtype=pl.UInt8)).otherwise(result)
        return result.alias("segment no")

    def _grown(self) -> list[pl.Expr]:
        if self.policy.growth is None:
            return []
        test = expression_of(self.policy.growth.when, self.columns, self.texts)
        return [test.fill_null(value=False).alias("grown")]

    # --------------------------------------------------------------------------------------- rules

    def _verdicts(self) -> list[pl.Expr]:
        return [self._verdict(rule).alias(f"r{n}") for n, rule in enumerate(self.policy.rules)]

    def _verdict(self, rule: Rule) -> pl.Expr:
        if not rule.is_effective(self.asked.as_of):
            return pl.lit(value=False)
        verdict = expression_of(rule.when, self.columns, self.texts)
        if not rule.segments:
            return verdict
        codes = [segment.code for segment in self.policy.segments]
        wanted = [pl.col("segment no") == codes.index(code) for code in rule.segments]
        return pl.when(any_of(wanted)).then(verdict).otherwise(pl.lit(value=False))

    def _effects(self, stage: Stage | None = None) -> list[tuple[Rule, Action, pl.Expr]]:
        """Return what each rule can lead to, with the condition, in the policy's order."""
        effects = []
        for number, rule in enumerate(self.policy.rules):
            if stage is None or rule.stage is stage:
                verdict = pl.col(f"r{number}")
                sure, unsure = self._held(rule, rule.action), self._held(rule, rule.on_unknown)
                if sure is unsure:
                    effects.append((rule, sure, verdict.fill_null(value=True)))
                    continue
                effects.append((rule, sure, verdict.fill_null(value=False)))
                effects.append((rule, unsure, verdict.is_null()))
        return effects

    def _held(self, rule: Rule, action: Action) -> Action:
        if rule.is_exempt or action is Action.IGNORE:
            return action
        if rule.code in self.guards.snoozed:
            return Action.IGNORE
        capped = self.guards.tripped & {rule.code, WHOLE_POLICY}
        return Action.REFER if action is Action.DECLINE and capped else action

    def _when(self, action: Action, stage: Stage | None = None) -> list[pl.Expr]:
        return [test for _, found, test in self._effects(stage) if found is action]

    def _acting(self) -> list[pl.Expr]:
        early = any_of(self._when(Action.DECLINE, Stage.ELIGIBILITY))
        late = any_of(self._when(Action.DECLINE, Stage.RISK))
        waiting = any_of(self._when(Action.ASK) + self._when(Action.REFER))
        missing = [any_of([test for _, test in self.needed])] if self.needed else []
        return [
            *((early.not_() & test.not_()).alias("has score") for test in missing),
            early.not_().alias("is_scored"),
            (early | late).alias("is declined"),
            waiting.alias("is waiting"),
        ]

    def _masks(self) -> list[pl.Expr]:
        scored = pl.col("is_scored")

        def shown(rule: Rule, verdict: pl.Expr) -> pl.Expr:
            return verdict & scored if rule.stage is Stage.RISK else verdict

        rules = [*enumerate(self.policy.rules)]
        return [
            *packed([shown(rule, pl.col(f"r{n}")) for n, rule in rules], "rules_true"),
            *packed([shown(rule, pl.col(f"r{n}").is_null()) for n, rule in rules], "rules_unknown"),
        ]

    def _margin(self) -> pl.Expr:
        zero = pl.lit(0, dtype=pl.Int64)
        margins = [
            pl.when(test).then(pl.lit(rule.margin_daily_e8, dtype=pl.Int64)).otherwise(zero)
            for rule, action, test in self._effects()
            if action is Action.ADD_MARGIN
        ]
        return (pl.max_horizontal(zero, *margins) if margins else zero).alias("margin")

    # ------------------------------------------------------------------------- reasons of the rules

    def _slots(self) -> list[Slot]:
        """Return the rules that can give a reason: declines, then asks, then referrals."""
        declining = [*self._given(Action.DECLINE, Stage.ELIGIBILITY)]
        scored = pl.col("is_scored")
        declining += [
            Slot(condition=slot.condition & scored, reason=slot.reason)
            for slot in self._given(Action.DECLINE, Stage.RISK)
        ]
        waiting = [
            slot
            for action in (Action.ASK, Action.REFER)
            for stage in Stage
            for slot in self._given(action, stage)
        ]
        waiting += [Slot(condition=test & scored, reason=reason) for reason, test in self.needed]
        alone = pl.col("is declined").not_()
        return [
            *once(declining, pl.col("is declined")),
            *once(waiting, alone),
        ]

    def _given(self, action: Action, stage: Stage) -> list[Slot]:
        return [
            Slot(condition=test, reason=rule.reason)
            for rule, found, test in self._effects(stage)
            if found is action
        ]

    def _with_rule_reasons(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Add the first reasons that rules give, as columns `q0` to `q3`."""
        return with_first_reasons(frame, self._slots(), self.reasons, count=REASONS_COUNT_MAX)

    # ------------------------------------------------------------------- points, limits and prices

    def _with_card(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        scorecard = self.policy.scorecard
        frame = frame.with_columns(card.keys(scorecard, self.card_columns, self.reasons))
        groups = card.by_reason(scorecard, self.card_columns)
        frame = frame.with_columns(card.points(scorecard).alias("sum of points"), *groups)
        frame = card.ranked(frame, len(groups))
        edges, numbers = card.grade_steps(self.policy)
        score = pl.col("sum of points")
        grade = card.chain(score, tuple(edges), numbers, None).cast(pl.UInt16)
        model = [] if scorecard.model is None else [card.pd_of(scorecard, score).alias("pd")]
        return frame.with_columns(grade.alias("grade no"), *model)

    def _bounds(self, *, has_requested: bool) -> list[tuple[str, pl.Expr]]:
        """Return every bound on the limit by name, null where it does not hold."""
        caps = [item.cap_minor for item in self.policy.segments]
        bounds = [
            ("grid", self.offers.grid()),
            ("segment", looked_up(pl.col("segment no"), caps, pl.Int64)),
        ]
        for stage in Stage:
            bounds += [
                (rule.code, pl.when(test).then(pl.lit(rule.cap_minor, dtype=pl.Int64)))
                for rule, action, test in self._effects(stage)
                if action is Action.CAP_LINE
            ]
        capacity = self.policy.capacity
        income, debt = self.columns[capacity.income_feature], self.columns[capacity.debt_feature]
        bounds.append(("capacity", self.offers.capacity(pl.col(income), pl.col(debt))))
        bounds.append(("product", pl.lit(self.asked.limit_max_minor, dtype=pl.Int64)))
        if has_requested:
            bounds.append(("asked", pl.col(REQUESTED)))
        elif self.asked.requested_minor is not None:
            bounds.append(("asked", pl.lit(self.asked.requested_minor, dtype=pl.Int64)))
        return bounds

    def _with_limit(self, frame: pl.LazyFrame, *, has_requested: bool) -> pl.LazyFrame:
        bounds = self._bounds(has_requested=has_requested)
        frame = frame.with_columns(
            *(bound.alias(f"b{number}") for number, (_, bound) in enumerate(bounds)),
            rate=self.offers.cell(lambda g, s: self.offers.rates(g, s)[-1]) + pl.col("margin"),
        )
        columns = [pl.col(f"b{number}") for number in range(len(bounds))]
        frame = frame.with_columns(pl.min_horizontal(columns).alias("least"))
        self.bound_names = [name for name, _ in bounds]
        binding = pl.lit(len(bounds) - 1, dtype=pl.UInt16)
        for number in range(len(bounds) - 2, -1, -1):
            binds = columns[number] == pl.col("least")
            binding = pl.when(binds).then(pl.lit(number, dtype=pl.UInt16)).otherwise(binding)
        step, least = self.asked.limit_step_minor, pl.col("least")
        rounded = least if step == 1 else least - least % step
        limit = pl.when(rounded >= self.asked.limit_min_minor).then(rounded)
        return frame.with_columns(
            binding.alias("binding no"),
            limit.otherwise(pl.lit(0, dtype=pl.Int64)).alias("limit"),
            self.offers.fits().alias("fits"),
        )

    # ---------------------------------------------------------------------- outcome and its reasons

    def _with_outcome(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        offers = (pl.col("limit") > 0) & pl.col("fits")
        speaks = pl.col("is declined") | (pl.col("is waiting") & offers)
        unscored = []
        if self.needed:
            unscored = [~self.has_score]
            offers, speaks = offers & self.has_score, speaks | ~self.has_score
        without = _REFERRED if WHOLE_POLICY in self.guards.tripped else _DECLINED
        outcome = (
            pl.when(~offers)
            .then(pl.lit(without, dtype=pl.UInt8))
            .when(pl.col("is waiting"))
            .then(pl.lit(_REFERRED, dtype=pl.UInt8))
            .otherwise(pl.lit(_APPROVED, dtype=pl.UInt8))
        )
        for test in unscored:
            outcome = pl.when(test).then(pl.lit(_REFERRED, dtype=pl.UInt8)).otherwise(outcome)
        declined = pl.lit(_DECLINED, dtype=pl.UInt8)
        outcome = pl.when(pl.col("is declined")).then(declined).otherwise(outcome)
        return frame.with_columns(
            outcome.alias("outcome no"),
            (pl.col("is declined").not_() & offers).alias("is offered"),
            speaks.alias("rules speak"),
            self._lead().alias("lead"),
        )

    def _lead(self) -> pl.Expr:
        """Return the reason that comes before lost points; null where they speak for themselves."""
        of_bound = [self.reasons[self._bound_reason(name)] for name in self.bound_names]
        binding = looked_up(pl.col("binding no"), of_bound, pl.UInt16)
        offer = pl.lit(self.reasons[self.policy.bound_reasons["offer"]], dtype=pl.UInt16)
        by_score = (pl.col("binding no") == 0) & (pl.col("m0") >= card.LOSS)
        return (
            pl.when(pl.col("limit") > 0)
            .then(pl.when(pl.col("fits")).then(self._own_reason(binding)).otherwise(offer))
            .when(~by_score)
            .then(binding)
        )

    def _own_reason(self, binding: pl.Expr) -> pl.Expr:
        """Return the segment's own reason where its row or cap binds and it has one."""
        owns = [item.reason for item in self.policy.segments]
        if not any(owns):
            return binding
        # A number that no reason has stands for a segment without one.
        none = len(self.reasons)
        numbers = [none if code is None else self.reasons[code] for code in owns]
        own = looked_up(pl.col("segment no"), numbers, pl.UInt16)
        # Row and cap come first among the bounds.
        is_own = (pl.col("binding no") < len(OF_SEGMENT)) & (own != none)
        return pl.when(is_own).then(own).otherwise(binding)

    def _bound_reason(self, name: str) -> str:
        found = {rule.code: rule.reason for rule in self.policy.rules}
        return found.get(name) or self.policy.bound_reasons[name]

    def _with_reasons(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Add the ranked reasons: those of rules, or the lead with lost points behind it."""
        lost = [card.reason_of(rank) for rank in range(card.RANKS)]
        frame = frame.with_columns(item.alias(f"s{n}") for n, item in enumerate(lost))
        lead = pl.col("lead")
        follows, seen = [], pl.lit(value=False)
        for rank in range(REASONS_COUNT_MAX - 1):
            # A lost point whose reason leads already is passed over, and the rest move up.
            seen = seen | (pl.col(f"s{rank}") == lead).fill_null(value=False)
            here, after = pl.col(f"s{rank}"), pl.col(f"s{rank + 1}")
            follows.append(pl.when(seen).then(after).otherwise(here))
        ranked = []
        for rank in range(REASONS_COUNT_MAX):
            behind = lead if rank == 0 else follows[rank - 1]
            made = pl.when(lead.is_null()).then(pl.col(f"s{rank}")).otherwise(behind)
            said = pl.when(pl.col("rules speak")).then(pl.col(f"q{rank}")).otherwise(made)
            ranked.append(said.alias(f"reason no {rank}"))
        return frame.with_columns(ranked)

    # ------------------------------------------------------------------------------ what is shown

    def _answers(self) -> list[pl.Expr]:
        policy, scored, offered = self.policy, pl.col("is_scored"), pl.col("is offered")
        valued, has_model = self.has_score, policy.scorecard.model is not None
        segments = [item.code for item in policy.segments]
        grades = [item.code for item in policy.grades]
        tenors = [",".join(map(str, self.offers.tenors(n))) for n in range(len(grades))]
        kinds = list(dict.fromkeys(tenors))
        tenor = looked_up(pl.col("grade no"), [kinds.index(item) for item in tenors], pl.UInt16)
        until = self.asked.as_of + timedelta(days=policy.offer_valid_days)
        words = range((len(policy.rules) + WORD - 1) // WORD)
        features = range((len(policy.features) + WORD - 1) // WORD)
        reasons = [
            _named(pl.col(f"reason no {rank}"), list(policy.reasons)).alias(f"reason_{rank + 1}")
            for rank in range(REASONS_COUNT_MAX)
        ]
        return [
            _named(pl.col("outcome no"), [item.value for item in OUTCOMES]).alias("outcome"),
            scored,
            _named(pl.col("segment no"), segments).alias("segment"),
            pl.when(valued).then(pl.col("sum of points")).alias("points"),
            _named(pl.when(valued).then(pl.col("grade no")), grades).alias("grade"),
            *([pl.when(valued).then(pl.col("grown")).alias("grown")] if policy.growth else []),
            _named(pl.when(valued).then(pl.col("binding no")), self.bound_names).alias("binding"),
            *([pl.when(valued).then(pl.col("pd")).alias("pd_ppm")] if has_model else []),
            pl.when(offered).then(pl.col("limit")).otherwise(0).alias("limit_minor"),
            pl.when(offered).then(pl.col("rate")).alias("rate_daily_e8"),
            _named(pl.when(offered).then(tenor), kinds).alias("tenors_months"),
            *(self.offers.rates_by_tenor(offered) if policy.prices_tenors else ()),
            pl.when(offered).then(pl.lit(until)).alias("valid_until"),
            *reasons,
            (valued & pl.col("fits").not_()).alias("is_out_of_range"),
            *(pl.col(f"rules_true_{n}") for n in words),
            *(pl.col(f"rules_unknown_{n}") for n in words),
            *(pl.col(f"rejected_{n}") for n in features),
        ]

    def _parts(self) -> list[pl.Expr]:
        """Return bins, losses and bounds, null where a case did not get as far."""
        scored, valued = pl.col("is_scored"), self.has_score
        bins = card.bins(self.policy.scorecard, self.card_columns)
        return [
            *(pl.when(scored).then(item).alias(item.meta.output_name()) for item in bins),
            *(
                pl.when(scored).then(pl.col(f"k{n}") // card.LOSS).alias(f"loss_{n}")
                for n in range(len(bins))
            ),
            *(
                pl.when(valued).then(pl.col(f"b{n}")).alias(f"bound {name}")
                for n, name in enumerate(self.bound_names)
            ),
        ]


def _named(number: pl.Expr, names: list[str]) -> pl.Expr:
    return number.cast(pl.UInt8 if len(names) <= _NAMES_IN_A_BYTE else pl.UInt16).cat.to(
        pl.Enum(names)
    )
