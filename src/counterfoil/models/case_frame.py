"""Files of cases as a model reads them: typed and scaled as its card says, odd values counted.

Unknown     A value that does not fit its feature's type counts as not known, and is told; a file in
            which no feature of the model is a column is no file of cases.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from counterfoil.models.artefact import Artefact
from counterfoil.models.data_columns import UnfitDataError, converted


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFrame:
    """Cases of a file, ready for the tables."""

    #: The file's columns; those of features in their types.
    frame: pl.DataFrame
    #: Feature → what is wrong with some of its values.
    faults: Mapping[str, str]
    #: Features of the model that are no columns: not known in any case.
    absent: tuple[str, ...]
    #: Feature → values below or above what training has seen.
    outside: Mapping[str, int]


def case_frame(artefact: Artefact, frame: pl.DataFrame) -> CaseFrame:
    """Return a file's cases; raises `UnfitDataError` where it has none of the model's features."""
    items = [item for item in artefact.characteristics if item.feature in frame.columns]
    if not items:
        names = ", ".join(item.feature for item in artefact.characteristics)
        raise UnfitDataError([("the file", f"has none of the model's features ({names})")])
    cards = artefact.card.get("features")
    cards = cards if isinstance(cards, dict) else {}
    columns, faults, outside = [], {}, {}
    for item in items:
        card = cards.get(item.feature)
        card = card if isinstance(card, dict) else {}
        scale = card.get("scale", 1)
        found = converted(frame[item.feature], item.type, scale if isinstance(scale, int) else 1)
        columns.append(found.values.alias(item.feature))
        if found.fault is not None:
            faults[item.feature] = found.fault
        if count := _outside(found.values, card.get("least"), card.get("most")):
            outside[item.feature] = count
    return CaseFrame(
        frame=frame.with_columns(columns),
        faults=faults,
        absent=tuple(
            item.feature for item in artefact.characteristics if item.feature not in frame.columns
        ),
        outside=outside,
    )


def _outside(values: pl.Series, least: object, most: object) -> int:
    if not isinstance(least, int) or not isinstance(most, int) or values.dtype != pl.Int64:
        return 0
    return int((~values.is_between(least, most)).sum())
