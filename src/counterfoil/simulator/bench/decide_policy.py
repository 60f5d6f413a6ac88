"""The policy and the cases that `bench decide` measures: seeded, so that every run has the same.

Shape       40 features, 40 rules (a third with NOT, some with IN, OR and products), a card of 15
            features in 6 bins, 6 grades by 4 segments with limits and prices. 5 % of the values
            of what may be lacking are missing.
"""

import random
from datetime import date
from typing import Any, Final

import polars as pl

from counterfoil.decisioning.decision import Asked
from counterfoil.decisioning.document import policy_of
from counterfoil.decisioning.expression import Value, to_json
from counterfoil.decisioning.feature import Feature
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.rule_text import parse_rule

SEED: Final = 20260105
FEATURES: Final = 36
RULES: Final = 40
CARD_FEATURES: Final = 15
#: Shape of the boosted card: 70 step tables whose cells are 1e-6 log-odds.
BOOSTED_FEATURES: Final = 70
_HIGHEST: Final = 1_000_000
_MISSING_PERCENT: Final = 5
#: Values come in steps, as amounts and shares in practice do: files are as large as real ones.
_STEP: Final = 500
_PURPOSES: Final = ("travel", "education", "renovation", "medical", "household", "other")

ASKED: Final = Asked(
    product_code="cash-line-open",
    product_version=1,
    currency="CNY",
    requested_minor=None,
    limit_min_minor=50_000,
    limit_max_minor=20_000_000,
    limit_step_minor=10_000,
    tenors_months=(3, 6, 9, 12),
    rate_daily_min_e8=20_000,
    rate_daily_max_e8=60_000,
    as_of=date(2026, 1, 5),
)


def bench_policy(seed: int = SEED) -> Policy:
    """Return the policy of 40 rules."""
    chance = random.Random(seed)  # noqa: S311 - a workload
    return policy_of(_document(chance, FEATURES, CARD_FEATURES, bins=6, points=60))


def boosted_policy(seed: int = SEED) -> Policy:
    """Return a policy whose card has the shape of a boosted scorecard's step tables."""
    chance = random.Random(seed)  # noqa: S311 - a workload
    return policy_of(_document(chance, BOOSTED_FEATURES, BOOSTED_FEATURES, bins=8, points=400_000))


def case_of(policy: Policy, chance: random.Random) -> dict[str, Value | None]:
    """Return one applicant."""
    case: dict[str, Value | None] = {}
    for feature in policy.features:
        if feature.nullable and chance.randrange(100) < _MISSING_PERCENT:
            case[feature.name] = None
        elif feature.values:
            case[feature.name] = chance.choice(feature.values)
        elif feature.name == "age_years":
            case[feature.name] = chance.randint(19, 60)
        else:
            case[feature.name] = chance.randint(0, _HIGHEST)
    return case


def frame_of_cases(policy: Policy, rows: int) -> pl.LazyFrame:
    """Return so many applicants as a frame that is made while it is read."""
    number = pl.int_range(rows, dtype=pl.UInt64).alias("number")
    frame = pl.LazyFrame().select(number)
    return frame.select(_column(place, feature) for place, feature in enumerate(policy.features))


def _column(place: int, feature: Feature) -> pl.Expr:
    chance = pl.col("number").hash(seed=SEED + place)
    if feature.values:
        kinds = pl.Enum(feature.values)
        text = (chance % len(feature.values)).cast(pl.UInt8).cat.to(kinds).cast(pl.String)
        return text.alias(feature.name)
    if feature.name == "age_years":
        return (19 + chance % 42).cast(pl.Int64).alias(feature.name)
    value = (chance % (_HIGHEST // _STEP + 1)).cast(pl.Int64) * _STEP
    if not feature.nullable:
        return value.alias(feature.name)
    missing = pl.col("number").hash(seed=SEED - 1 - place) % 100 < _MISSING_PERCENT
    return pl.when(~missing).then(value).alias(feature.name)


def _document(
    chance: random.Random, features: int, characteristics: int, *, bins: int, points: int
) -> dict[str, object]:
    names = [f"x{number}" for number in range(features)]
    spread = characteristics * points
    return {
        "code": "bench",
        "version": "1",
        "currency": "CNY",
        "offer_valid_days": 30,
        "rate_annual_max_e8": 24_000_000,
        "features": [*_named_features(), *map(_integer_feature, names)],
        "segments": [
            *(
                {**_texts(f"s{number}"), "cap_minor": 4_000_000, "when": _tree(when)}
                for number, when in enumerate(("x0 < 200000", "x1 < 300000 AND age_years < 25"))
            ),
            {**_texts("travel"), "cap_minor": 2_000_000, "when": _tree("purpose = 'travel'")},
            {**_texts("others"), "cap_minor": 5_000_000},
        ],
        "rules": [_rule(number, names, chance) for number in range(RULES)],
        "scorecard": {
            "base_points": 0,
            "characteristics": [
                _characteristic(number, names[number], chance, bins=bins, points=points)
                for number in range(characteristics)
            ],
        },
        "grades": [_grade(number, spread) for number in range(6)],
        "capacity": {
            "income_feature": "x2",
            "debt_feature": "x3",
            "share_percent": 70,
            "months": 12,
        },
        "bound_reasons": dict.fromkeys(
            ("grid", "segment", "capacity", "product", "asked", "offer"), "BOUND"
        ),
        "reasons": [
            {"code": code, "zh": "原因", "en": "A reason"}
            for code in (
                "BOUND",
                *(f"C{n}" for n in range(characteristics)),
                "THIN",
                *_RULE_REASONS,
            )
        ],
    }


_RULE_REASONS: Final = tuple(f"R{number}" for number in range(8))


def _texts(code: str) -> dict[str, object]:
    return {"code": code, "name_en": code, "name_zh": code}


def _tree(text: str) -> object:
    return to_json(parse_rule(text))


def _named_features() -> list[dict[str, Any]]:
    common = {"unit": "none", "nullable": False, "source": "identity", "legal_basis": "law"}
    return [
        {"name": "age_years", "name_en": "Age", "name_zh": "年龄", "type": "integer", **common}
        | {"lowest": 0, "highest": 130},
        {"name": "purpose", "name_en": "Purpose", "name_zh": "用途", "type": "text", **common}
        | {"values": list(_PURPOSES)},
    ]


def _integer_feature(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "name_en": name,
        "name_zh": name,
        "type": "integer",
        "unit": "count",
        "lowest": 0,
        "highest": _HIGHEST,
        "nullable": True,
        "source": "recorded_history",
        "legal_basis": "consent",
    }


def _rule(number: int, names: list[str], chance: random.Random) -> dict[str, object]:
    a, b, c = chance.sample(names, 3)
    low, high = chance.randrange(20_000), _HIGHEST - chance.randrange(20_000)
    forms = (
        f"{a} > {high}",
        f"{a} < {low} AND {b} > 500000",
        f"NOT ({a} <= {high} OR {b} < 300000)",
        f"{a} * 100 > {b} * 9000",
        f"{a} BETWEEN {low} AND {low + 9000} AND purpose IN ('travel', 'other')",
        f"NOT ({a} > {low} OR {b} IS NULL) AND {c} <> 7",
    )
    actions: tuple[dict[str, object], ...] = (
        {"action": "decline", "on_unknown": "ignore"},
        {"action": "refer", "on_unknown": "ignore"},
        {"action": "cap_line", "on_unknown": "ignore", "cap_minor": 1_000_000},
        {"action": "flag", "on_unknown": "ignore"},
    )
    return {
        "code": f"R{number:02}",
        "stage": "risk",
        "class": "risk",
        "when": _tree(forms[number % len(forms)]),
        "reason": chance.choice(_RULE_REASONS),
        **actions[number % len(actions)],
    }


def _characteristic(
    number: int, name: str, chance: random.Random, *, bins: int, points: int
) -> dict[str, object]:
    edges = sorted(chance.sample(range(1, _HIGHEST), bins - 1))
    return {
        "feature": name,
        "edges": edges,
        "points": [chance.randint(0, points) for _ in range(bins)],
        "points_unknown": points // 3,
        "reason": f"C{number}",
        "reason_unknown": "THIN",
    }


def _grade(number: int, spread: int) -> dict[str, object]:
    limits = [5_000_000, 3_000_000, 1_500_000, 600_000, 300_000, 0]
    return {
        "code": "ABCDEF"[number],
        "points_min": spread * (11 - number) // 20 if number < len(limits) - 1 else 0,
        "rate_daily_e8": 25_000 + 6_000 * number,
        "tenor_months_max": 24 - 3 * number,
        "limits_minor": {
            code: limits[number] // (place + 1)
            for place, code in enumerate(("s0", "s1", "travel", "others"))
        },
    }
