"""Products: what may be applied for, and under which terms."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path

from counterfoil.api import refusals
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.shapes import View
from counterfoil.journeys.applying.standard_offer import see_standard
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.lending.catalogue import UnknownProductError
from counterfoil.lending.conventions.presets import preset
from counterfoil.lending.product_file import Product
from counterfoil.platform.access import Scope

TAG = "Products"
router = APIRouter()


class FeeView(View):
    """Something that a loan of the product costs besides interest."""

    code: str
    name_en: str
    name_zh: str
    #: Who receives it: `lender` or `guarantor`.
    payee: str
    timing: str
    basis: str
    #: Each time it is asked for; 0 where it is a share.
    amount_minor: int
    #: Hundred-millionths of the basis; 0 where it is a fixed amount.
    share_e8: int
    #: The most that it is each time.
    cap_minor: int | None


class ProductView(View):
    """One version of a product; it never changes, and a loan keeps the one it was signed under."""

    code: str
    version: int
    name_en: str
    name_zh: str
    state: str
    effective_from: date
    retired_on: date | None
    #: Whether something new may be opened under it on the business date.
    is_offered: bool
    is_by_invitation: bool
    currency: str
    scenes: list[str]
    lender_id: str
    lender_name_en: str
    lender_name_zh: str
    licence: str
    limit_minor_min: int
    limit_minor_max: int
    limit_minor_step: int
    drawdown_minor_min: int
    drawdown_minor_max: int
    drawdown_minor_step: int
    tenors_months: list[int]
    methods: list[str]
    rate_daily_e8_min: int
    rate_daily_e8_max: int
    penalty_percent_of_rate: int
    grace_days: int
    line_valid_months: int
    prepayments: list[str]
    allocation: list[str]
    cost_annual_e8_cap: int
    purposes_banned: list[str]
    #: The convention by which loans are booked, with the two of its settings that decide cents.
    convention: str
    day_count: str
    rounding: str
    sweep: str
    #: Contract rate and surcharge together, hundred-millionths a year; null where nothing is set.
    late_annual_e8_cap: int | None
    cap_raise_wait_days: int
    repayment_day_changes_per_year: int
    reading_seconds_min: int
    application_days: int
    fees: list[FeeView]
    #: By what a loan is classified while it runs.
    classifier: str
    guarantee: str
    funding_programme: str
    #: Whether its loans are reported to the bureau, and which records of them.
    is_reported: bool
    records: list[str]
    rule_pack: str
    #: Two people; the second is null while it is a draft.
    author: str
    approver: str | None


class Products(View):
    """All products."""

    items: list[ProductView]


class OfferView(View):
    """Limit, price and tenors of an offer."""

    limit_minor: int
    rate_daily_e8: int
    tenors_months: list[int]
    #: The price of each tenor; empty where all cost the same.
    rates_daily_e8: list[int]


class StandardOfferView(View):
    """What somebody is offered of whom nothing personal is known."""

    product_code: str
    product_version: int
    currency: str
    policy_version: str
    #: Null where the policy in force offers nothing then.
    offer: OfferView | None


@router.get("/v1/products", **reads(Scope.PRODUCTS_READ, TAG, "List every version of a product"))
async def list_products(house: HouseOf) -> Products:
    """Return every version of every product, by code and version.

    The list is whole: what the product files say.
    """
    on = await house.business_date()
    return Products(items=[product_view(product, on) for product in house.catalogue.products()])


@router.get("/v1/products/{code}", **reads(Scope.PRODUCTS_READ, TAG, "Read a product"))
async def get_product(
    house: HouseOf, code: Annotated[str, Path(max_length=64, examples=["cash-line-open"])]
) -> ProductView:
    """Return the version under which something new may be opened on the business date."""
    on = await house.business_date()
    try:
        terms = house.catalogue.current(code, on)
    except UnknownProductError as unknown:
        refused = refuse(refusals.PRODUCT_NOT_FOUND, product_code=code)
        raise RefusedError(refused) from unknown
    return product_view(house.catalogue.product(terms.code, terms.version), on)


@router.get(
    "/v1/products/{code}/standard-offer",
    **reads(Scope.PRODUCTS_READ, TAG, "Read the standard offer of a product"),
)
async def get_standard_offer(
    house: HouseOf, code: Annotated[str, Path(max_length=64, examples=["cash-line-open"])]
) -> StandardOfferView:
    """Return what the policy in force offers without personal features, and without promotions."""
    seen = await see_standard(house, code)
    if isinstance(seen, Refused):
        raise RefusedError(seen)
    offer = seen.offer
    return StandardOfferView(
        product_code=seen.product_code,
        product_version=seen.product_version,
        currency=seen.currency,
        policy_version=seen.policy_version,
        offer=None
        if offer is None
        else OfferView(
            limit_minor=offer.limit_minor,
            rate_daily_e8=offer.rate_daily_e8,
            tenors_months=list(offer.tenors_months),
            rates_daily_e8=list(offer.rates_daily_e8),
        ),
    )


def product_view(product: Product, on: date) -> ProductView:
    """Return what an answer says of a product version."""
    terms, booked = product.terms, preset(product.terms.convention)
    return ProductView(
        code=terms.code,
        version=terms.version,
        name_en=terms.name_en,
        name_zh=terms.name_zh,
        state=product.state.value,
        effective_from=product.effective_from,
        retired_on=product.retired_on,
        is_offered=product.holds_on(on),
        is_by_invitation=terms.invited_only,
        currency=terms.currency,
        scenes=list(terms.scenes),
        lender_id=terms.lender_id,
        lender_name_en=terms.lender_name_en,
        lender_name_zh=terms.lender_name_zh,
        licence=terms.licence,
        limit_minor_min=terms.limit_minor_min,
        limit_minor_max=terms.limit_minor_max,
        limit_minor_step=terms.limit_minor_step,
        drawdown_minor_min=terms.draw_minor_min,
        drawdown_minor_max=terms.draw_minor_max,
        drawdown_minor_step=terms.draw_minor_step,
        tenors_months=list(terms.tenors_months),
        methods=[method.value for method in terms.methods],
        rate_daily_e8_min=terms.rate_daily_e8_min,
        rate_daily_e8_max=terms.rate_daily_e8_max,
        penalty_percent_of_rate=terms.penalty_percent_of_rate,
        grace_days=terms.grace_days,
        line_valid_months=terms.line_valid_months,
        prepayments=[mode.value for mode in terms.prepayments],
        allocation=[part.value for part in terms.allocation],
        cost_annual_e8_cap=terms.cost_annual_e8_cap,
        purposes_banned=list(terms.purposes_banned),
        convention=terms.convention,
        day_count=booked.day_count.value,
        rounding=booked.rounding.value,
        sweep=terms.sweep.value,
        late_annual_e8_cap=terms.late_annual_e8_cap,
        cap_raise_wait_days=terms.cap_raise_wait_days,
        repayment_day_changes_per_year=terms.repayment_day_changes_per_year,
        reading_seconds_min=terms.reading_seconds_min,
        application_days=terms.application_days,
        fees=[
            FeeView(**{name: getattr(fee, name) for name in FeeView.model_fields})
            for fee in terms.fees
        ],
        classifier=terms.classifier,
        guarantee=terms.guarantee,
        funding_programme=terms.funding_programme,
        is_reported=terms.reported_to_bureau,
        records=list(product.records),
        rule_pack=terms.rule_pack,
        author=product.author,
        approver=product.approver,
    )
