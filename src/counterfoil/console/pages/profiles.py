"""A customer's profile as a purpose of looking shows it: value, source, age, quality, purposes."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from starlette.responses import Response

from counterfoil.console import words
from counterfoil.console.access import Permission
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.visit import Visit
from counterfoil.features.feature import Value
from counterfoil.journeys.knowing.profile import Trait, staff_profile
from counterfoil.journeys.knowing.profile_lenders import lenders_of
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access_matrix import LookPurpose, load_matrix
from counterfoil.platform.web.parts import Status

_CURRENCY: Final = "CNY"


@dataclass(frozen=True, slots=True, kw_only=True)
class TraitRow:
    """One trait."""

    name: str
    meaning: str
    line: str
    value: str
    quality: Status
    source: str
    on: str
    age: str
    purposes: str
    #: The model behind an inferred trait; empty for others.
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfilePageView:
    """A profile."""

    record: str
    customer_href: str
    #: Name, address and whether it is the present one.
    looks: Sequence[tuple[str, str, bool]]
    rows: Sequence[TraitRow]


async def show(visit: Visit) -> Response:
    """Show a profile for one of the role's purposes of looking."""
    try:
        customer_id = ids.from_text(ids.CUSTOMER, visit.request.path_params["customer"])
    except ids.InvalidIdError:
        return await errors.not_found(visit)
    matrix = load_matrix()
    looks = sorted(matrix.rights_for(visit.actor).purposes)
    purpose = visit.request.query_params.get("purpose", looks[0] if looks else "")
    house = visit.desk.house
    within = visit.reach.lenders
    lenders = sorted(lenders_of(house) if within is None else lenders_of(house) & within)
    lender = visit.request.query_params.get("lender", lenders[0] if lenders else "")
    if lender not in lenders:
        return await errors.forbidden(visit)
    found = await staff_profile(house, visit.actor, customer_id, purpose=purpose, lender_id=lender)
    if isinstance(found, Refused):
        return await (errors.forbidden if purpose not in looks else errors.not_found)(visit)
    traits = await visit.of_lines(found.traits, customer_id, attrgetter("line_id"))
    record = ids.to_text(ids.CUSTOMER, customer_id)
    async with visit.reading():
        """The frame shows the business date."""
    view = ProfilePageView(
        record=record,
        customer_href=words.customer_href(customer_id),
        looks=[
            (
                # With several lenders of record, a look is for one of them.
                _look(visit, matrix.purposes[code]) + (f" · {one}" if len(lenders) > 1 else ""),
                f"{words.profile_href(customer_id)}?purpose={code}&lender={one}",
                (code, one) == (purpose, lender),
            )
            for code in looks
            for one in lenders
        ],
        rows=[_row(visit, trait) for trait in traits],
    )
    return visit.page(
        "customers/profile.html",
        visit.t("profile.title", record=record),
        view,
        journey="counterfoil.journeys.knowing.profile.staff_profile",
        api_call=f"GET /v1/applicants/{record}/profile",
    )


def _look(visit: Visit, look: LookPurpose) -> str:
    return look.name_zh if visit.formats.language == "zh-CN" else look.name_en


def _row(visit: Visit, trait: Trait) -> TraitRow:
    feature, is_zh = trait.feature, visit.formats.language == "zh-CN"
    tones = {"good": "good", "degraded": "warn", "contested": "warn", "stopped": "bad"}
    return TraitRow(
        name=feature.name_zh if is_zh else feature.name_en,
        meaning=feature.meaning_zh if is_zh else feature.meaning_en,
        line="" if trait.line_id is None else visit.formats.record(ids.LINE, trait.line_id),
        value=_value(visit, trait.value, feature.unit),
        quality=visit.status("trait_quality", trait.quality.value, tones),
        source=_source(visit, trait.source),
        on=visit.formats.day(trait.on),
        age=visit.formats.count(trait.age_days),
        purposes=", ".join(sorted(feature.purposes)),
        model=trait.model,
    )


def _value(visit: Visit, value: Value | None, unit: str) -> str:
    if value is None:
        return "—"
    if isinstance(value, bool):
        return visit.t("answer.yes" if value else "answer.no")
    if isinstance(value, str):
        return value
    if unit == "minor":
        return visit.formats.money(value, _CURRENCY)
    return visit.formats.count(value)


def _source(visit: Visit, source: str) -> str:
    known = visit.desk.house.registry.sources.get(source)
    if known is None:
        return "—"
    return str(known.name_zh if visit.formats.language == "zh-CN" else known.name_en)


PAGES: Final = (
    Page(path="/customers/{customer}/profile", show=show, permission=Permission.REVEAL),
)
