"""What is known of the customer, with its source, and the way to put it right.

What the customer has stated is stated anew; what others say is marked as wrong and somebody looks.
Either way the customer's lines are reviewed next, and earlier decisions keep what they read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from counterfoil.features.feature import Feature, Value, ValueType
from counterfoil.journeys.knowing.profile import Trait, correct, own_profile
from counterfoil.journeys.knowing.profile_words import plain_words
from counterfoil.kernel.errors import Refused
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Form
from counterfoil.portal.page import Page
from counterfoil.portal.pages import errors
from counterfoil.portal.visit import Visit
from counterfoil.portal.words import value_words

PATH: Final = "/profile/correct"
_CURRENCY: Final = "CNY"
_YES, _NO = "yes", "no"
_NAME_LENGTH_MAX: Final = 80
_DIGITS_MAX: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class TraitRow:
    """One thing that is known, or could be."""

    name: str
    value: str
    words: str
    #: Where to put it right; empty where nobody could.
    correct_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileView:
    """Everything that is known, with its source."""

    known: Sequence[TraitRow]
    unknown: Sequence[TraitRow]
    done: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectView:
    """One thing to put right."""

    row: TraitRow
    meaning: str
    form: Form
    #: `amount`, `number`, `choice`; empty where it can only be contested.
    asks: str
    choices: Sequence[tuple[str, str]]


async def show_profile(visit: Visit) -> Response:
    """Show everything that is known of the customer, with its source."""
    found = await own_profile(visit.house, visit.customer_id)
    if isinstance(found, Refused):
        return errors.refused(visit, found)
    rows = [(one.value is not None, _row(visit, one)) for one in found.traits]
    view = ProfileView(
        known=[row for is_known, row in rows if is_known],
        unknown=[row for is_known, row in rows if not is_known],
        done=visit.done("profile_corrected"),
    )
    return visit.page("me/profile.html", visit.t("profile.title"), view)


async def show_correct(visit: Visit) -> Response:
    """Show one thing that is known, and the form to put it right."""
    return await _correct(visit, visit.request.query_params.get("name", ""))


async def put_right(visit: Visit) -> Response:
    """Keep the customer's word, or that something is wrong."""
    reader = FormReader(visit.values)
    name = reader.text("name", length_max=_NAME_LENGTH_MAX) or ""
    feature = visit.house.registry.features.get(name)
    if feature is None:
        return errors.not_found(visit)
    value = _value(reader, feature) if feature.is_stated else None
    if not reader.is_valid:
        return await _correct(visit, name, reader)
    outcome = await correct(
        visit.house,
        visit.actor,
        customer_id=visit.customer_id,
        name=name,
        value=value,
    )
    if isinstance(outcome, Refused):
        reader.refuse("form", "form.refused", text=visit.refusal(outcome))
        return await _correct(visit, name, reader)
    return visit.go("/profile?done=profile_corrected")


async def _correct(visit: Visit, name: str, reader: FormReader | None = None) -> Response:
    found = await own_profile(visit.house, visit.customer_id)
    if isinstance(found, Refused):
        return errors.refused(visit, found)
    trait = next((one for one in found.traits if one.feature.name == name), None)
    if trait is None or not _is_open(trait):
        return errors.not_found(visit)
    feature, row = trait.feature, _row(visit, trait)
    view = CorrectView(
        row=row,
        meaning=feature.meaning_zh if _is_chinese(visit) else feature.meaning_en,
        form=visit.form(PATH, reader, name=name),
        asks=_asks(feature),
        choices=_choices(visit, feature),
    )
    status = 422 if view.form.errors else 200
    return visit.page("me/correct.html", row.name, view, status=status)


def _row(visit: Visit, trait: Trait) -> TraitRow:
    feature, (english, chinese) = trait.feature, plain_words(visit.house.registry, trait)
    is_chinese = _is_chinese(visit)
    return TraitRow(
        name=feature.name_zh if is_chinese else feature.name_en,
        value="" if trait.value is None else value_words(visit, trait.value, feature.unit),
        words=chinese if is_chinese else english,
        correct_href=f"/portal{PATH}?name={feature.name}" if _is_open(trait) else "",
    )


def _is_open(trait: Trait) -> bool:
    """Tell whether a customer can say anything about it: there is a value, or it is for them."""
    return trait.value is not None or trait.feature.is_stated


def _is_chinese(visit: Visit) -> bool:
    return visit.catalogue.language == "zh-CN"


def _asks(feature: Feature) -> str:
    if not feature.is_stated:
        return ""
    if feature.type is not ValueType.INTEGER:
        return "choice"
    return "amount" if feature.unit == "minor" else "number"


def _choices(visit: Visit, feature: Feature) -> list[tuple[str, str]]:
    if feature.type is ValueType.BOOLEAN:
        return [(_YES, visit.t("value.yes")), (_NO, visit.t("value.no"))]
    return [(value, visit.word("purpose", value)) for value in feature.values]


def _value(reader: FormReader, feature: Feature) -> Value | None:
    if feature.type is ValueType.BOOLEAN:
        said = reader.choice("value", (_YES, _NO))
        return None if said is None else said == _YES
    if feature.type is ValueType.TEXT:
        return reader.choice("value", feature.values)
    if feature.unit == "minor":
        return reader.amount_minor("value", _CURRENCY, allow_zero=True)
    text = reader.text("value", length_max=_DIGITS_MAX)
    if text is not None and not text.isdecimal():
        reader.refuse("value", "form.not_a_number")
        return None
    return None if text is None else int(text)


PAGES: Final = (
    Page(path="/profile", show=show_profile),
    Page(path=PATH, show=show_correct, submit=put_right),
)
