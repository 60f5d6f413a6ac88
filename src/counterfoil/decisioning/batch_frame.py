"""What a frame of cases has to look like for a policy, and cases given one by one as a frame.

Refused     A column that is missing or of another type: the message names column, type and cure.
            A fraction is never rounded into an amount, and a text is never read as a number.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from counterfoil.decisioning.compile_polars import REQUESTED
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.feature import Feature
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.rule_types import ValueType

_SHOWN_MAX: Final = 5


class UnfitDataError(ValueError):
    """The data cannot be decided on by this policy."""


_INTEGERS: Final = frozenset(
    {pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32}
)
_TEXTS: Final = frozenset({pl.String, pl.Categorical, pl.Enum})
_ALLOWED: Final = {
    ValueType.INTEGER: _INTEGERS,
    ValueType.TEXT: _TEXTS,
    ValueType.BOOLEAN: frozenset({pl.Boolean}),
}
_KINDS: Final = {ValueType.INTEGER: int, ValueType.TEXT: str, ValueType.BOOLEAN: bool}
_WANTED: Final = {
    ValueType.INTEGER: "a column of whole numbers of at most 64 bits",
    ValueType.TEXT: "a column of texts",
    ValueType.BOOLEAN: "a column of true and false",
}


def check_frame(policy: Policy, frame: pl.LazyFrame, *, keep: Sequence[str] = ()) -> None:
    """Raise UnfitDataError, naming every fault, unless the frame can be decided on."""
    schema = frame.collect_schema()
    faults = [
        fault
        for feature in policy.features
        if (fault := _fault(feature, schema.get(feature.name))) is not None
    ]
    if REQUESTED in schema and schema[REQUESTED].base_type() not in _INTEGERS:
        faults.append(f"{REQUESTED} is {schema[REQUESTED]}; it has to be {_WANTED_INTEGER}")
    faults += [f"{name}, which is to be kept, is not there" for name in keep if name not in schema]
    if faults:
        more = f", and {len(faults) - _SHOWN_MAX} more" if len(faults) > _SHOWN_MAX else ""
        raise UnfitDataError("; ".join(faults[:_SHOWN_MAX]) + more)


_WANTED_INTEGER: Final = _WANTED[ValueType.INTEGER]


def _fault(feature: Feature, found: pl.DataType | None) -> str | None:
    wanted = _WANTED[feature.type]
    if found is None:
        empty = " (empty where nobody asked)" if feature.nullable else ""
        return f"the column {feature.name} is missing; the policy reads {wanted}{empty}"
    # A column of nothing but null says that nothing is known.
    if found.base_type() in _ALLOWED[feature.type] or found.base_type() is pl.Null:
        return None
    unit = f" in {feature.unit}" if feature.unit != "none" else ""
    return f"the column {feature.name} is {found}; it has to be {wanted}{unit}"


def frame_of(
    policy: Policy,
    cases: Sequence[Mapping[str, Value | None]],
    requested_minor: Sequence[int | None] | None = None,
) -> pl.LazyFrame:
    """Return cases as a frame; a value that no column of its type can hold counts as rejected.

    A value of another type becomes one outside the declaration, so that it is counted there too.
    """
    columns = {
        feature.name: pl.Series(
            _column(feature, [case.get(feature.name) for case in cases]), dtype=_dtype(feature)
        )
        for feature in policy.features
    }
    if requested_minor is not None:
        columns[REQUESTED] = pl.Series(requested_minor, dtype=pl.Int64)
    return pl.DataFrame(columns).lazy()


def _dtype(feature: Feature) -> type[pl.DataType]:
    match feature.type:
        case ValueType.INTEGER:
            return pl.Int64
        case ValueType.TEXT:
            return pl.String
        case ValueType.BOOLEAN:
            return pl.Boolean


def _column(feature: Feature, values: list[Value | None]) -> list[object]:
    """Return values as the column holds them; where all are of its type, as they are."""
    kinds = set(map(type, values)) - {type(None)}
    if kinds <= {_KINDS[feature.type]} and not _exceeds(feature, values):
        return [*values]
    return [_held(feature, value) for value in values]


def _exceeds(feature: Feature, values: list[Value | None]) -> bool:
    """Tell whether an integer is among them that a column cannot hold."""
    if feature.type is not ValueType.INTEGER:
        return False
    integers = [value for value in values if value is not None and isinstance(value, int)]
    return bool(integers) and not -(2**63) <= min(integers) <= max(integers) < 2**63


def _held(feature: Feature, value: object) -> object:
    if value is None or feature.admits(value):
        return value
    match feature.type:
        case ValueType.INTEGER:
            return feature.highest + 1
        case ValueType.TEXT:
            return "\x00"
        case ValueType.BOOLEAN:
            return None
