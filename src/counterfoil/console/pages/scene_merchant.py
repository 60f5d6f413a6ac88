"""A merchant of a scene: where it is paid, its licence, what was bought there and is owed back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import Final

from starlette.responses import Response

from counterfoil.console.access import Permission
from counterfoil.console.frame import BASE
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.visit import Visit
from counterfoil.journeys.purchasing.scene_schools import MerchantRecord, read_merchant
from counterfoil.kernel import ids
from counterfoil.lending.scene_purchase import PurchaseState
from counterfoil.platform.web.parts import Status

_KEY: Final = attrgetter("purchase.customer_id", "purchase.purchase_id")
PURCHASES_SHOWN: Final = 100
_TONES: Final = {"open": "good", "closed": "bad", "owed": "warn", "overdue": "bad"}
_PPM_OF_PERCENT: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseRow:
    """One purchase."""

    record: str
    customer: str
    customer_href: str
    price: str
    paid: str
    given: str
    refunded: str
    owed_back: str
    #: Until when that is to be paid; None where nothing was claimed.
    claim: Status | None
    #: What can be done with it, by name and address.
    acts: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantPage:
    """One merchant."""

    status: Status
    facts: Sequence[tuple[str, str]]
    rows: Sequence[PurchaseRow]
    #: What can be done with it, by name and address.
    acts: Sequence[tuple[str, str]]
    done: str


async def show(visit: Visit) -> Response:
    """Show one merchant."""
    scene, merchant = (visit.request.path_params[name] for name in ("scene", "merchant"))
    try:
        number = ids.from_text(ids.MERCHANT, merchant)
    except ids.InvalidIdError:
        return await errors.not_found(visit)
    house = visit.desk.house
    found = await read_merchant(house, number, page=PURCHASES_SHOWN)
    if found is None or found.payee.scene != scene:
        return await errors.not_found(visit)
    today = await house.business_date()
    shown = await visit.in_queue(found.purchases, ids.PURCHASE, _KEY)
    href = f"{BASE}/scenes/{scene}/{merchant}"
    view = MerchantPage(
        status=visit.status("scene_state", "closed" if found.closed_on else "open", _TONES),
        facts=_facts(visit, found, today),
        rows=[_row(visit, state, today, href) for state in shown],
        acts=_acts(visit, found, href),
        done=visit.done(
            "payee_asked",
            "payee_registered",
            "licence_recorded",
            "merchant_closed",
            "progress_reported",
            "refund_booked",
        ),
    )
    return visit.page(
        "payments/merchant.html",
        found.payee.name,
        view,
        journey="journeys.purchasing.scene_schools.read_merchant",
        api_call=f"GET /v1/scene-merchants/{merchant}/purchases",
    )


def _facts(visit: Visit, found: MerchantRecord, today: date) -> list[tuple[str, str]]:
    f, t, payee, licence = visit.formats, visit.t, found.payee, found.licence
    scene = visit.desk.house.catalogue.scenes.last(payee.scene)
    assert scene is not None, "a payee is registered for a scene, and versions stay"
    name = scene.name_zh if visit.catalogue.language.startswith("zh") else scene.name_en
    facts = [
        (t("scenes.scene"), name),
        (t("prices.currency"), f.currency(scene.currency)),
        (t("scenes.payee"), payee.payee_ref),
        (t("scenes.payee_version"), str(payee.version_no)),
        (t("scenes.asked_by"), payee.asked_by),
        (t("scenes.approved_by"), payee.approved_by),
    ]
    if licence is not None:
        text = f"{licence.number} · {licence.authority} · {f.day(licence.valid_until)}"
        if licence.valid_until < today:
            text = f"{text} · {t('scenes.licence_over')}"
        facts.append((t("scenes.licence"), text))
    elif scene.needs_licence:
        facts.append((t("scenes.licence"), t("scenes.licence_none")))
    if found.closed_on is not None:
        facts.append((t("scenes.closed_on"), f.day(found.closed_on)))
    return facts


def _acts(visit: Visit, found: MerchantRecord, href: str) -> list[tuple[str, str]]:
    if not visit.may(Permission.REVIEW):
        return []
    t = visit.t
    acts = [
        (t("scenes.payee_title"), f"{href}/payee"),
        (t("scenes.licence_title"), f"{href}/licence"),
    ]
    if found.closed_on is None:
        acts.append((t("scenes.close_title"), f"{href}/close"))
    return acts


def _row(visit: Visit, state: PurchaseState, today: date, href: str) -> PurchaseRow:
    f, t, purchase = visit.formats, visit.t, state.purchase
    record = ids.to_text(ids.PURCHASE, purchase.purchase_id)
    customer = ids.to_text(ids.CUSTOMER, purchase.customer_id)
    return PurchaseRow(
        record=record,
        customer=customer,
        customer_href=f"{BASE}/customers/{customer}",
        price=f.amount(purchase.price_minor, purchase.currency),
        paid=f.amount(state.paid_minor, purchase.currency),
        given=f"{state.progress_ppm // _PPM_OF_PERCENT} %",
        refunded=f.amount(state.refunded_minor, purchase.currency),
        owed_back=f.amount(state.claim_left_minor, purchase.currency),
        claim=_claim(visit, state, today),
        acts=[
            (said, f"{href}/{record}/{name}")
            for name, said, permission, is_open in (
                ("progress", t("scenes.progress_title"), Permission.REVIEW, not state.is_over),
                (
                    "refund",
                    t("scenes.refund_title"),
                    Permission.REPAY,
                    state.paid_minor > state.refunded_minor,
                ),
            )
            if is_open and visit.may(permission)
        ],
    )


def _claim(visit: Visit, state: PurchaseState, today: date) -> Status | None:
    if state.claim_due_on is None:
        return None
    code = "owed" if state.claim_left_minor else "settled"
    if code == "owed" and today > state.claim_due_on:
        code = "overdue"
    status = visit.status("scene_claim", code, _TONES)
    return Status(
        label=f"{status.label} · {visit.formats.day(state.claim_due_on)}", tone=status.tone
    )


PAGES: Final = (Page(path="/scenes/{scene}/{merchant}", show=show),)
