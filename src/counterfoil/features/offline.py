"""Values over the whole history: the offline form of the same definitions, in sets.

Invariant   Equal to `fold.py` for every question, customer and definition; a property holds them
            equal. What was not known on a day does not reach that day's values.
Shape       Events in one frame (`events_frame`), questions in another: customer, line, day and the
            instant up to which knowledge counts. One row comes back for each question.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Final, NamedTuple

import polars as pl

from counterfoil.features.definition import Definition, Fold
from counterfoil.features.event import Event
from counterfoil.features.feature import Feature, Value, ValueType

_TYPES: Final = {
    ValueType.INTEGER: pl.Int64(),
    ValueType.TEXT: pl.String(),
    ValueType.BOOLEAN: pl.Boolean(),
}
_MONTHS_A_YEAR: Final = 12
_KEY: Final = ["source", "kind", "source_record"]


class Question(NamedTuple):
    """For whom and for when values are wanted."""

    customer_id: int
    line_id: int | None
    on: date
    known_at: datetime


def events_frame(events: Iterable[Event], features: Sequence[Feature]) -> pl.DataFrame:
    """Return events with the members that definitions read, each in a column `is_…`/`of_…`."""
    members = _members(features)
    rows = list(events)
    columns: dict[str, pl.Series] = {
        name: pl.Series(name, [getattr(event, name) for event in rows], dtype=dtype)
        for name, dtype in _COLUMNS.items()
    }
    for name in members:
        said = [event.facts.get(name) for event in rows]
        numbers = [int(value) if isinstance(value, int) else None for value in said]
        texts = [None if value is None else _text(value) for value in said]
        columns[f"number_{name}"] = pl.Series(f"number_{name}", numbers, dtype=pl.Int64())
        columns[f"text_{name}"] = pl.Series(f"text_{name}", texts, dtype=pl.String())
    return pl.DataFrame(columns)


def values_over_history(
    features: Sequence[Feature],
    events: pl.DataFrame,
    questions: Sequence[Question],
    *,
    purpose: str | None = None,
    stopped: Collection[int] = (),
) -> pl.DataFrame:
    """Return a row for each question, in their order, with a column for each feature.

    Null stands for unknown. `stopped` are withdrawn consents, as in the online form.
    """
    asked = _asked(questions)
    known = _known(asked, events, stopped)
    result = asked.select("question", "customer_id", "line_id", "on")
    for feature in features:
        values = _values(feature, known, asked, purpose)
        result = result.join(values, on="question", how="left", maintain_order="left")
    return result.drop("question")


_COLUMNS: Final = {
    "customer_id": pl.Int64(),
    "event_id": pl.Int64(),
    "kind": pl.String(),
    "source": pl.String(),
    "source_record": pl.String(),
    "revision": pl.Int64(),
    "is_void": pl.Boolean(),
    "line_id": pl.Int64(),
    "purpose": pl.String(),
    "legal_basis": pl.String(),
    "consent_id": pl.Int64(),
    "occurred_on": pl.Date(),
    "occurred_at": pl.Datetime("us", "UTC"),
    "known_at": pl.Datetime("us", "UTC"),
    "expires_at": pl.Datetime("us", "UTC"),
}


def _members(features: Sequence[Feature]) -> list[str]:
    names = set()
    for feature in features:
        if feature.definition is not None:
            names |= {feature.definition.member, feature.definition.grace}
            names |= {name for name, _ in feature.definition.where}
    return sorted(names - {""})


def _text(value: Value) -> str:
    """Return a value so that equal values, and only those, have equal texts."""
    return f"{type(value).__name__}:{value}"


def _asked(questions: Sequence[Question]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "question": pl.Series(range(len(questions)), dtype=pl.Int64()),
            "customer_id": pl.Series([one.customer_id for one in questions], dtype=pl.Int64()),
            "line_id": pl.Series([one.line_id for one in questions], dtype=pl.Int64()),
            "on": pl.Series([one.on for one in questions], dtype=pl.Date()),
            "asked_at": pl.Series(
                [one.known_at.astimezone(UTC) for one in questions], dtype=pl.Datetime("us", "UTC")
            ),
        }
    )


def _known(asked: pl.DataFrame, events: pl.DataFrame, stopped: Collection[int]) -> pl.DataFrame:
    """Return what was known for each question and may be used, in order of happening."""
    joined = asked.rename({"line_id": "asked_line"}).join(events, on="customer_id", how="inner")
    latest = (
        joined.filter(pl.col("known_at") <= pl.col("asked_at"))
        .sort("question", *_KEY, "revision")
        .group_by("question", *_KEY, maintain_order=True)
        .last()
    )
    is_standing = ~pl.col("is_void") & (pl.col("occurred_on") <= pl.col("on"))
    is_alive = pl.col("expires_at").is_null() | (pl.col("expires_at") > pl.col("asked_at"))
    is_agreed = pl.col("consent_id").is_null() | ~pl.col("consent_id").is_in(sorted(stopped))
    return latest.filter(is_standing & is_alive & is_agreed).sort(
        "question", "occurred_at", "event_id"
    )


def _values(
    feature: Feature, known: pl.DataFrame, asked: pl.DataFrame, purpose: str | None
) -> pl.DataFrame:
    """Return question and value, where there is one."""
    definition, name = feature.definition, feature.name
    dtype = _TYPES[feature.type]
    if definition is None:
        return pl.DataFrame(schema={"question": pl.Int64(), name: dtype})
    mine = known.filter(pl.col("kind").is_in(definition.kinds) & _is_read(feature, purpose))
    if definition.is_of_line:
        mine = mine.filter(pl.col("line_id") == pl.col("asked_line"))
    found = _folded(definition, _with_since(definition, mine, asked), name)
    if definition.given:
        given = mine.filter(pl.col("kind") == definition.given).select("question").unique()
        zero = given.join(found, on="question", how="anti").with_columns(
            pl.lit(0, dtype=pl.Int64()).alias(name)
        )
        found = pl.concat([found.select("question", name), zero])
    return found.select("question", _typed(feature, pl.col(name)))


def _typed(feature: Feature, value: pl.Expr) -> pl.Expr:
    """Return values in the feature's own type; those of a member come as texts."""
    definition = feature.definition
    assert definition is not None, "without a definition there is no value"
    if definition.fold is not Fold.LATEST:
        return value.cast(pl.Int64())
    said = value.str.splitn(":", 2).struct.field("field_1")
    if feature.type is ValueType.BOOLEAN:
        return (said == "True").alias(feature.name)
    return said.cast(_TYPES[feature.type]).alias(feature.name)


def _is_read(feature: Feature, purpose: str | None) -> pl.Expr:
    """Tell whether one of a feature's uses lets an event in."""
    is_read = pl.lit(value=False)
    for use in feature.uses_for(purpose):
        one = (pl.col("source") == use.source) & (pl.col("legal_basis") == use.legal_basis)
        if use.consent_purpose:
            one &= pl.col("purpose") == use.consent_purpose
        is_read |= one
    return is_read


def _with_since(definition: Definition, mine: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """Add the day after which events count: the calendar's own, for each day that is asked for."""
    days = asked["on"].unique().to_list()
    since = pl.DataFrame(
        {
            "on": pl.Series(days, dtype=pl.Date()),
            "since": pl.Series([definition.since(day) for day in days], dtype=pl.Date()),
        }
    )
    return mine.join(since, on="on", how="left", maintain_order="left")


def _folded(definition: Definition, mine: pl.DataFrame, name: str) -> pl.DataFrame:
    if definition.fold is Fold.LONGEST_OPEN:
        return _longest_open(definition, mine, name)
    counted = mine.filter(
        pl.col("kind").is_in(definition.events) & (pl.col("occurred_on") > pl.col("since"))
    )
    for member, value in definition.where:
        counted = counted.filter(pl.col(f"text_{member}") == _text(value))
    if definition.member:
        counted = counted.filter(pl.col(f"text_{definition.member}").is_not_null())
    return counted.group_by("question", maintain_order=True).agg(_last(definition).alias(name))


def _last(definition: Definition) -> pl.Expr:
    """Return what is made of the events of one question, which come in order of happening."""
    number = pl.col(f"number_{definition.member}")
    last_on, on = pl.col("occurred_on").last(), pl.col("on").last()
    match definition.fold:
        case Fold.COUNT:
            return pl.len().cast(pl.Int64())
        case Fold.SUM:
            return number.sum()
        case Fold.MAX:
            return number.max()
        case Fold.DAYS_SINCE:
            return (on - last_on).dt.total_days()
        case Fold.MONTHS_SINCE:
            months = (on.dt.year() - last_on.dt.year()).cast(pl.Int64()) * _MONTHS_A_YEAR
            months += on.dt.month().cast(pl.Int64()) - last_on.dt.month().cast(pl.Int64())
            month_end = on.dt.month_end().dt.day()
            is_short = pl.min_horizontal(last_on.dt.day(), month_end) > on.dt.day()
            return pl.max_horizontal(months - is_short.cast(pl.Int64()), pl.lit(0))
        case _:
            return pl.col(f"text_{definition.member}").last()


def _longest_open(definition: Definition, mine: pl.DataFrame, name: str) -> pl.DataFrame:
    ends = (
        mine.filter(pl.col("kind") == definition.ends)
        .select("question", "source_record", pl.col("occurred_on").alias("ended_on"))
        .unique(["question", "source_record"], keep="last", maintain_order=True)
    )
    begun = mine.filter(pl.col("kind").is_in(definition.events)).join(
        ends, on=["question", "source_record"], how="left"
    )
    grace = pl.col(f"number_{definition.grace}").fill_null(0) if definition.grace else pl.lit(0)
    late = (pl.col("ended_on").fill_null(pl.col("on")) - pl.col("occurred_on")).dt.total_days()
    return (
        begun.filter(pl.col("ended_on").is_null() | (pl.col("ended_on") > pl.col("since")))
        .with_columns(pl.when(late > grace).then(late).otherwise(0).alias("late"))
        .group_by("question")
        .agg(pl.col("late").max().alias(name))
    )
