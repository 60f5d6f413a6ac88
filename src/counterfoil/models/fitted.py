"""What training makes, of either kind: integer tables, and what people should know of the fit."""

from collections.abc import Mapping
from dataclasses import dataclass

from counterfoil.models.artefact_parts import (
    Characteristic,
    Json,
    Monotone,
    Type,
    Unit,
    keeps_direction,
)
from counterfoil.models.recipe import Feature, Unknown


class NothingLearnedError(ValueError):
    """No feature tells good cases from bad ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """The tables of a model before calibration."""

    unit: Unit
    base: int
    characteristics: tuple[Characteristic, ...]
    #: Intercept and slope of the model's own log odds over the risk in its unit.
    own_log_odds: tuple[float, float]
    #: Features left out, and why.
    left_out: dict[str, str]
    notes: tuple[str, ...]
    #: Figures for the model's card.
    figures: dict[str, Json]
    #: How it was made, for making it again.
    parameters: dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """What the values of one feature add, before the feature's own rules are laid over them."""

    edges: tuple[int, ...]
    values: tuple[int, ...]
    categories: Mapping[str, int]
    #: What the outcomes of rows without a value say; None where there are no such rows.
    missing: int | None


def table_of(feature: Feature, steps: Steps, unit: Unit) -> Characteristic:
    """Return the table of a feature; its values are about a mean of 0."""
    edges, values = _without_doubles(steps.edges, steps.values)
    if feature.type is Type.BOOLEAN and not edges:
        edges, values = (1,), (values[0], values[0])
    sign = 1 if unit is Unit.LOG_ODDS_E6 else -1
    keeps = keeps_direction(feature.monotone, tuple(sign * value for value in values))
    # Only codes with a meaning of their own can go against the direction of the ordinary values.
    assert keeps or feature.special, f"{feature.name} goes against its direction"
    return Characteristic(
        feature=feature.name,
        type=feature.type,
        edges=edges,
        values=values,
        unknown=_unknown(feature, steps.missing),
        categories=dict(steps.categories),
        monotone=feature.monotone if keeps else Monotone.NONE,
        reason=feature.reason,
        reason_unknown=feature.reason_unknown,
    )


def notes_of(features: Mapping[str, Feature], items: tuple[Characteristic, ...]) -> tuple[str, ...]:
    """Return what follows from the data for cases to come, and nobody declared."""
    complete = [
        item.feature
        for item in items
        if item.unknown is None and features[item.feature].unknown is Unknown.OWN
    ]
    never_missing = (
        [f"{', '.join(complete)}: in every row known; a case without one of them is not scored"]
        if complete
        else []
    )
    codes = [
        f"{item.feature}: declared {features[item.feature].monotone}; its special codes differ"
        for item in items
        if item.monotone is not features[item.feature].monotone
    ]
    return (*never_missing, *codes)


def _unknown(feature: Feature, missing: int | None) -> int | None:
    match feature.unknown:
        case Unknown.OWN:
            return missing
        case Unknown.NEUTRAL:
            return 0
        case Unknown.REFUSE:
            return None


def _without_doubles(
    edges: tuple[int, ...], values: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the same steps without edges at which nothing changes."""
    kept = [place for place in range(len(edges)) if values[place] != values[place + 1]]
    return (
        tuple(edges[place] for place in kept),
        (values[0], *(values[place + 1] for place in kept)),
    )
