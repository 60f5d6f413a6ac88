"""What a customer is told of a decision, as staff see it: the same words, in their language."""

from collections.abc import Sequence
from dataclasses import dataclass

from counterfoil.console import words
from counterfoil.console.visit import Visit
from counterfoil.decisioning.customer_explanation import CustomerExplanation, Datum
from counterfoil.decisioning.customer_words import Both

_PPM = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DatumRow:
    """One thing that counted."""

    label: str
    value: str
    source: str
    correct: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerView:
    """The explanation."""

    text: str
    #: Reason and what would help.
    reasons: Sequence[tuple[str, Sequence[str]]]
    limit: str
    price: str
    data: Sequence[DatumRow]


def customer_view(visit: Visit, told: CustomerExplanation, currency: str) -> CustomerView:
    """Return an explanation as a page shows it."""
    return CustomerView(
        text=_in(visit, told.text),
        reasons=[
            (_in(visit, item.text), [_in(visit, one) for one in item.helps])
            for item in told.reasons
        ],
        limit="" if told.limit_text is None else _in(visit, told.limit_text),
        price="" if told.price is None else _in(visit, told.price.text),
        data=[datum_row(visit, item, currency) for item in told.data],
    )


def datum_row(visit: Visit, item: Datum, currency: str) -> DatumRow:
    """Return one thing that counted as a page shows it."""
    return DatumRow(
        label=_in(visit, item.label),
        value=_value(visit, item, currency),
        source=_in(visit, item.source_label),
        correct=_in(visit, item.correct),
    )


def _value(visit: Visit, item: Datum, currency: str) -> str:
    if item.value is None:
        return visit.t("verdict.unknown")
    if isinstance(item.value, bool):
        return visit.t("answer.yes" if item.value else "answer.no")
    if isinstance(item.value, str):
        return words.code_label(visit, "purpose", item.value)
    if item.unit == "minor":
        return visit.formats.money(item.value, currency)
    if item.unit == "ppm":
        return visit.formats.percent(item.value, _PPM)
    return visit.formats.count(item.value)


def _in(visit: Visit, text: Both) -> str:
    return text.zh if visit.catalogue.language == "zh-CN" else text.en
