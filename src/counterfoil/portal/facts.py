"""What a customer states in a form: a field for each declared feature, and back to its value.

Unknown   An empty field is unknown, never zero and never "no".
Units     Amounts are written in major units and become minor units; other numbers are whole.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.feature import Feature
from counterfoil.decisioning.rule_types import ValueType
from counterfoil.kernel.money import to_major_text
from counterfoil.platform.web.forms import FormReader, plain_number
from counterfoil.portal.visit import Visit

_YES: Final = "yes"
_NO: Final = "no"
_MINOR: Final = "minor"


@dataclass(frozen=True, slots=True, kw_only=True)
class FactField:
    """One field of a form."""

    name: str
    label: str
    #: Value and word of each choice, the empty one first; none for a field to write in.
    choices: Sequence[tuple[str, str]]
    #: Where the value comes from that stands in it, or what to write.
    hint: str
    inputmode: str


def field_name(feature: Feature) -> str:
    """Return the name of a feature's field, apart from those of the form itself."""
    return f"fact_{feature.name}"


def fact_field(visit: Visit, feature: Feature, currency: str, *, hint: str = "") -> FactField:
    """Return the field of a feature in the reader's language."""
    t, choices = visit.t, []
    if feature.type is ValueType.BOOLEAN:
        choices = [(_YES, t("value.yes")), (_NO, t("value.no"))]
    elif feature.type is ValueType.TEXT:
        choices = [(value, visit.word("purpose", value)) for value in feature.values]
    is_amount = feature.unit == _MINOR
    label = feature.name_zh if visit.catalogue.language == "zh-CN" else feature.name_en
    if is_amount:
        label = t("apply.in_currency", name=label, currency=visit.formats.currency(currency))
    return FactField(
        name=field_name(feature),
        label=label,
        choices=[("", t("apply.not_stated")), *choices] if choices else [],
        hint=hint,
        inputmode="decimal" if is_amount else "numeric",
    )


def fact_text(feature: Feature, value: Value | None, currency: str) -> str:
    """Return a value as it stands in its field; empty for unknown."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return _YES if value else _NO
    if isinstance(value, int) and feature.unit == _MINOR:
        return to_major_text(value, currency)
    return str(value)


def read_facts(
    reader: FormReader, features: Iterable[Feature], currency: str
) -> Mapping[str, Value | None]:
    """Return what was stated; a field with an error or nothing in it is left out."""
    stated: dict[str, Value | None] = {}
    for feature in features:
        name = field_name(feature)
        if not reader.values.get(name, "").strip():
            continue
        value = _value(reader, feature, name, currency)
        if value is None:
            continue
        if feature.admits(value):
            stated[feature.name] = value
        else:
            reader.refuse(name, "apply.out_of_range")
    return stated


def _value(reader: FormReader, feature: Feature, name: str, currency: str) -> Value | None:
    if feature.type is ValueType.BOOLEAN:
        chosen = reader.choice(name, (_YES, _NO))
        return None if chosen is None else chosen == _YES
    if feature.type is ValueType.TEXT:
        return reader.choice(name, feature.values)
    if feature.unit == _MINOR:
        return reader.amount_minor(name, currency, allow_zero=True)
    text = plain_number(reader.values[name])
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(feature.highest))):
        reader.refuse(name, "apply.not_a_number")
        return None
    return int(text)
