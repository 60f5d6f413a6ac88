"""A recipe: which column is foreseen from which features, declared before anybody looks at data.

Form        TOML. Every key is known; a fault is told with its place.
Direction   Declared by who knows the subject, never found in the data.
Protected   Columns for tests of fairness; they are never features.
Units       Shares in ppm. A feature with fractions declares the integer scale that makes it whole.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from counterfoil.kernel.toml import parse_toml
from counterfoil.models.artefact_parts import Band, Json, Kind, Method, Monotone, Target, Type
from counterfoil.models.document import FaultError, Table

FEATURES_MAX: Final = 1_000
BYTES_MAX: Final = 1_000_000
#: What a feature's decimals can be multiplied by.
SCALE_MAX: Final = 1_000_000_000
LANGUAGES: Final = ("en", "zh-CN")
#: Master scale of a recipe that declares none: upper ends of the grades, ppm.
BANDS: Final = {"A": 8_000, "B": 15_000, "C": 30_000, "D": 50_000, "E": 80_000, "F": 1_000_000}

KINDS: Final = {"boosted": Kind.BOOSTED_SCORECARD, "woe": Kind.WOE_SCORECARD}


class RecipeError(FaultError):
    """The recipe cannot be followed."""


class Unknown(StrEnum):
    """What a value that is not known adds."""

    #: What the outcomes of rows without the value say; without such rows, nothing is scored.
    OWN = "own"
    #: As much as the average case.
    NEUTRAL = "neutral"
    #: Nothing can be scored without it.
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One feature that the model may read."""

    name: str
    type: Type
    monotone: Monotone
    unknown: Unknown
    reason: str
    reason_unknown: str
    #: What values in the data are multiplied by to become integers.
    scale: int
    #: Integers with a meaning of their own, such as "no record"; never pooled with others.
    special: tuple[int, ...]
    #: Lower ends of bins set by hand; empty where they are found.
    splits: tuple[int, ...]
    #: Whether it is right that no value comes twice.
    unique: bool
    #: Why a feature that tells suspiciously much is no leak; None where nobody has said so.
    no_leak: str | None
    #: Whether it is known when the case is decided; what comes to be known later is refused.
    known: str
    meaning: str | None
    source: str | None
    basis: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """Rows that are left out before anything is learned."""

    column: str
    equals: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Where outcomes, weights and periods stand."""

    target_column: str
    bad: str
    good: str
    weight: str | None
    period: str | None
    protected: tuple[str, ...]
    exclusions: tuple[Exclusion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slices:
    """How rows are divided before anything is learned from them."""

    #: Share of rows that calibrate and train nothing; with periods, the latest ones.
    calibration_ppm: int
    #: Share of the others that tells boosting when to stop.
    stopping_ppm: int
    #: Periods from this one on take no part in training: they are for validation.
    test_from: str | None
    #: Fewest bad and fewest good rows to learn from.
    outcomes_min: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Boosting:
    """How the boosted scorecard is grown."""

    leaves: int
    learning_rate_ppm: int
    bins: int
    leaf_rows_min: int
    l2: int
    rounds_max: int
    #: Rounds without gain after which growing stops.
    patience: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Binning:
    """How the points card is binned and scaled."""

    prebins: int
    bin_share_min_ppm: int
    #: Rows from which on a missing value has a bin of its own.
    missing_rows_min: int
    points_to_double_odds: int
    points_base: int
    #: Good cases for each bad one at `points_base`.
    odds_base: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that is decided before training."""

    code: str
    version: str
    kind: Kind
    target: Target
    data: Data
    features: tuple[Feature, ...]
    slices: Slices
    boosting: Boosting
    binning: Binning
    calibration: Method
    bands: tuple[Band, ...]
    #: Reason code → language → text for customers.
    reasons: Mapping[str, Mapping[str, str]]
    #: What people want to know: purpose, population, owner, limits of use.
    card: Mapping[str, Json]


def read_recipe(content: bytes) -> Recipe:
    """Return the recipe of a file; raises `RecipeError` with place and reason."""
    if len(content) > BYTES_MAX:
        raise RecipeError("the file", f"is longer than {BYTES_MAX:,} bytes")
    try:
        document = parse_toml(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as failure:
        raise RecipeError("the file", f"is not TOML: {failure}") from failure
    table = Table("", document, RecipeError)
    recipe = _recipe(table)
    table.finish()
    _check(recipe)
    return recipe


def _recipe(table: Table) -> Recipe:
    target, data = _target(table.table("target"), table.table_if_any("data"))
    reasons = table.table("reasons")
    return Recipe(
        code=table.text("code"),
        version=table.text("version"),
        kind=KINDS[table.one_of("kind", tuple(KINDS), default="boosted")],
        target=target,
        data=data,
        features=tuple(map(_feature, table.tables("feature", count_max=FEATURES_MAX, name="name"))),
        slices=_slices(table.table_or_empty("slices")),
        boosting=_boosting(table.table_or_empty("boosted")),
        binning=_binning(table.table_or_empty("woe")),
        calibration=Method(table.one_of("calibration", tuple(Method), default="platt")),
        bands=_bands(table.table_if_any("bands")),
        reasons={code: _texts(reasons.table(code)) for code in reasons.keys_left()},
        card=_card(table),
    )


def _target(table: Table, data: Table | None) -> tuple[Target, Data]:
    column = table.text("column")
    bad, good = table.word("bad", default="1"), table.word("good", default="0")
    if bad == good:
        raise table.fault("good", f"is {good!r}, as bad is")
    target = Target(
        name=table.text("name", default=column),
        event=table.text("event"),
        horizon_months=table.integer("horizon_months", least=1, most=600),
    )
    table.finish()
    rows = data or Table("data", {}, RecipeError)
    found = Data(
        target_column=column,
        bad=bad,
        good=good,
        weight=rows.text_if_any("weight"),
        period=rows.text_if_any("period"),
        protected=rows.texts("protected", count_max=100),
        exclusions=_exclusions(rows),
    )
    rows.finish()
    return target, found


def _exclusions(table: Table) -> tuple[Exclusion, ...]:
    found = []
    for item in (
        table.tables("exclude", count_max=100, name="column") if table.has("exclude") else []
    ):
        found.append(
            Exclusion(
                column=item.text("column"), equals=item.words("equals"), reason=item.text("reason")
            )
        )
        item.finish()
    return tuple(found)


def _feature(table: Table) -> Feature:
    feature = Feature(
        name=table.text("name"),
        type=Type(table.one_of("type", tuple(Type), default="integer")),
        monotone=Monotone(table.one_of("monotone", tuple(Monotone), default="none")),
        unknown=Unknown(table.one_of("unknown", tuple(Unknown), default="own")),
        reason=table.text("reason"),
        reason_unknown=table.text("reason_unknown", default="INFO_MISS"),
        scale=table.integer("scale", least=1, most=SCALE_MAX, default=1),
        special=_integers(table, "special"),
        splits=_integers(table, "splits"),
        unique=table.boolean("unique", default=False),
        no_leak=table.text_if_any("no_leak"),
        known=table.one_of("known", ("at_decision", "afterwards"), default="at_decision"),
        meaning=table.text_if_any("meaning"),
        source=table.text_if_any("source"),
        basis=table.text_if_any("basis"),
    )
    table.finish()
    _check_feature(table, feature)
    return feature


def _integers(table: Table, key: str) -> tuple[int, ...]:
    return table.integers(key, count_max=256) if table.has(key) else ()


def _check_feature(table: Table, feature: Feature) -> None:
    if feature.known == "afterwards":
        raise table.fault("known", "a model cannot read what is known only after the decision")
    if sorted(set(feature.splits)) != list(feature.splits):
        raise table.fault("splits", "do not ascend")
    if len(set(feature.special)) < len(feature.special):
        raise table.fault("special", "names a code twice")
    if feature.type is Type.INTEGER:
        return
    if feature.monotone is not Monotone.NONE and feature.type is Type.TEXT:
        raise table.fault("monotone", "a text has no direction")
    if feature.monotone is Monotone.U_SHAPE:
        raise table.fault("monotone", "two values have no shape")
    if feature.special or feature.splits or feature.scale != 1:
        raise table.fault("type", f"{feature.type} has neither scale nor splits nor special codes")


def _slices(table: Table) -> Slices:
    slices = Slices(
        calibration_ppm=table.integer("calibration_ppm", least=0, most=500_000, default=200_000),
        stopping_ppm=table.integer("stopping_ppm", least=50_000, most=500_000, default=200_000),
        test_from=table.text_if_any("test_from"),
        outcomes_min=table.integer("outcomes_min", least=20, default=50),
    )
    table.finish()
    return slices


def _boosting(table: Table) -> Boosting:
    boosting = Boosting(
        leaves=table.integer("leaves", least=2, most=64, default=4),
        learning_rate_ppm=table.integer(
            "learning_rate_ppm", least=1_000, most=1_000_000, default=80_000
        ),
        bins=table.integer("bins", least=2, most=255, default=31),
        leaf_rows_min=table.integer("leaf_rows_min", least=1, default=100),
        l2=table.integer("l2", least=0, default=5),
        rounds_max=table.integer("rounds_max", least=1, most=20_000, default=2_000),
        patience=table.integer("patience", least=1, most=1_000, default=50),
    )
    table.finish()
    return boosting


def _binning(table: Table) -> Binning:
    binning = Binning(
        prebins=table.integer("prebins", least=2, most=256, default=32),
        bin_share_min_ppm=table.integer("bin_share_min_ppm", least=0, most=250_000, default=20_000),
        missing_rows_min=table.integer("missing_rows_min", least=1, default=30),
        points_to_double_odds=table.integer(
            "points_to_double_odds", least=1, most=1_000_000, default=20
        ),
        points_base=table.integer("points_base", default=600),
        odds_base=table.integer("odds_base", least=1, most=1_000_000, default=50),
    )
    table.finish()
    return binning


def _bands(table: Table | None) -> tuple[Band, ...]:
    content = BANDS if table is None else {key: table.integer(key) for key in table.keys_left()}
    bands = tuple(Band(code=code, pd_ppm_max=most) for code, most in content.items())
    ends = [band.pd_ppm_max for band in bands]
    if sorted(set(ends)) != ends or not ends or ends[0] < 1 or ends[-1] != BANDS["F"]:
        raise RecipeError("bands", "do not ascend from above 0 to 1,000,000 ppm")
    return bands


def _texts(table: Table) -> Mapping[str, str]:
    texts = {language: table.text(language) for language in LANGUAGES}
    table.finish()
    return texts


def _card(table: Table) -> Mapping[str, Json]:
    card = table.table_if_any("card")
    if card is None:
        return {}
    return {key: card.json(key) for key in card.keys_left()}


def _check(recipe: Recipe) -> None:
    names = [feature.name for feature in recipe.features]
    for name in names:
        if names.count(name) > 1:
            raise RecipeError(f"feature[{name}]", "is declared twice")
    others = {
        recipe.data.target_column: "the target",
        recipe.data.weight: "the weight",
        recipe.data.period: "the period",
    } | dict.fromkeys(recipe.data.protected, "protected, for tests of fairness only")
    for name in names:
        if name in others:
            raise RecipeError(f"feature[{name}]", f"cannot be a feature: it is {others[name]}")
    for feature in recipe.features:
        for key in ("reason", "reason_unknown"):
            code = getattr(feature, key)
            if code not in recipe.reasons:
                raise RecipeError(
                    f"feature[{feature.name}].{key}",
                    f"{code} has no texts; write them under [reasons.{code}], en and zh-CN",
                )
    if recipe.slices.test_from is not None and recipe.data.period is None:
        raise RecipeError("slices.test_from", "needs a column of periods: data.period")
