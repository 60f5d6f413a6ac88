"""Acts on merchants of scenes and on what was bought there: form, preview, one journey each.

Two people  Where a merchant is paid changes by two: whoever asks sends the same form again once
            somebody else has approved it. The other acts are one person's, with name and grounds.
"""

from collections.abc import Sequence
from typing import Final

from starlette.responses import Response

from counterfoil.console import flow
from counterfoil.console.access import Permission
from counterfoil.console.flow import Action, Crumb, Field, Plan, Preview
from counterfoil.console.frame import BASE
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.pages.scene_reading import Bought, Place, bought_of, place_of
from counterfoil.console.visit import Visit
from counterfoil.journeys.purchasing import scene_refunds, scene_schools, scenes
from counterfoil.kernel import ids
from counterfoil.platform.approvals import Approval
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Change

_NAME_LENGTH_MAX: Final = 100
_PAYEE_LENGTH_MAX: Final = 200
_SHA256_DIGITS: Final = 64
_PPM_OF_PERCENT: Final = 10_000
_HUNDRED: Final = 100


async def payee(visit: Visit) -> Response:
    """Say where a merchant is paid, or register one; a second person approves it."""
    place = await place_of(visit, may_be_new=True)
    if place is None:
        return await errors.not_found(visit)
    t, merchant = visit.t, place.merchant
    fields = [
        Field(name="name", label=t("scenes.merchant_name")),
        Field(name="payee_ref", label=t("scenes.payee"), hint=t("scenes.payee_hint")),
        Field(name="reason", label=t("approval.reason")),
    ]
    said = (t("scenes.payee_title"), t("scenes.payee_intro"))
    action = _action(
        visit, place, "payee", "POST /v1/scene-payees", "scenes.register_payee", said=said
    )

    async def plan(reader: FormReader) -> Plan | None:
        name = reader.text("name", length_max=_NAME_LENGTH_MAX)
        payee_ref = reader.text("payee_ref", length_max=_PAYEE_LENGTH_MAX)
        reason = reader.text("reason", length_max=flow.REASON_LENGTH_MAX)
        if name is None or payee_ref is None or reason is None:
            return None
        wish = scenes.PayeeWish(
            scene=place.scene.code,
            name=name,
            payee_ref=payee_ref,
            reason=reason,
            merchant_id=None if merchant is None else merchant.payee.merchant_id,
        )
        before = ("—", "—") if merchant is None else (merchant.payee.name, merchant.payee.payee_ref)
        return Plan(
            preview=lambda: Preview(
                changes=[
                    Change(label=t("scenes.merchant_name"), before=before[0], after=name),
                    Change(label=t("scenes.payee"), before=before[1], after=payee_ref),
                ],
                notes=[t("scenes.payee_two"), reason],
                confirm=t("scenes.payee_confirm"),
            ),
            act=lambda **_key: scenes.register_payee(visit.desk.house, visit.actor, wish),
        )

    present = {} if merchant is None else {"name": merchant.payee.name}
    return await flow.run_previewed(
        visit,
        action,
        fields,
        plan,
        done=lambda found: "payee_asked" if isinstance(found, Approval) else "payee_registered",
        **present,
    )


async def licence(visit: Visit) -> Response:
    """Record a merchant's licence."""
    place = await place_of(visit)
    if place is None or place.merchant is None:
        return await errors.not_found(visit)
    t, f, merchant = visit.t, visit.formats, place.merchant
    fields = [
        Field(name="number", label=t("scenes.licence_number")),
        Field(name="authority", label=t("scenes.licence_authority")),
        Field(name="valid_until", label=t("scenes.licence_until"), kind="date"),
        Field(name="document", label=t("scenes.document_sha256"), hint=t("scenes.sha256_hint")),
    ]
    said = (t("scenes.licence_title"), t("scenes.licence_intro"))
    action = _action(
        visit, place, "licence", "POST /v1/scene-licences", "record_licence", said=said
    )

    async def plan(reader: FormReader) -> Plan | None:
        number = reader.text("number", length_max=_NAME_LENGTH_MAX)
        authority = reader.text("authority", length_max=_NAME_LENGTH_MAX)
        until, digest = reader.day("valid_until"), _digest(reader, "document")
        if number is None or authority is None or until is None or digest is None:
            return None
        wish = scene_schools.LicenceWish(
            merchant_id=merchant.payee.merchant_id,
            number=number,
            authority=authority,
            valid_until=until,
            document_sha256=digest,
        )
        last = merchant.licence
        before = "—" if last is None else f"{last.number} · {f.day(last.valid_until)}"
        change = Change(
            label=t("scenes.licence"), before=before, after=f"{number} · {f.day(until)}"
        )
        return Plan(
            preview=lambda: Preview(
                changes=[change], notes=[authority], confirm=t("scenes.licence_confirm")
            ),
            act=lambda **_key: scene_schools.record_licence(
                visit.desk.house, visit.actor, wish, by=visit.operator
            ),
        )

    return await flow.run_previewed(visit, action, fields, plan, done="licence_recorded")


async def close(visit: Visit) -> Response:
    """Close a merchant that delivers no more."""
    place = await place_of(visit)
    if place is None or place.merchant is None or place.merchant.closed_on is not None:
        return await errors.not_found(visit)
    t, f, merchant = visit.t, visit.formats, place.merchant
    today = await visit.desk.house.business_date()
    fields = [
        Field(name="closed_on", label=t("scenes.closed_on"), kind="date"),
        Field(name="reason", label=t("approval.reason")),
    ]
    said = (t("scenes.close_title"), t("scenes.close_intro"))
    action = _action(visit, place, "close", "POST /v1/scene-closures", "close_merchant", said=said)

    async def plan(reader: FormReader) -> Plan | None:
        closed_on = reader.day("closed_on")
        reason = reader.text("reason", length_max=flow.REASON_LENGTH_MAX)
        if closed_on is not None and closed_on > today:
            reader.refuse("closed_on", "scenes.not_yet")
        if closed_on is None or reason is None or not reader.is_valid:
            return None
        change = Change(
            label=t("scenes.state"),
            before=visit.catalogue.label("scene_state", "open"),
            after=f"{visit.catalogue.label('scene_state', 'closed')} · {f.day(closed_on)}",
        )
        return Plan(
            preview=lambda: Preview(
                changes=[change],
                notes=[t("scenes.close_for_good"), reason],
                confirm=t("scenes.close_confirm"),
                is_destructive=True,
            ),
            act=lambda **_key: scene_schools.close_merchant(
                visit.desk.house,
                visit.actor,
                merchant_id=merchant.payee.merchant_id,
                closed_on=closed_on,
                reason=reason,
                by=visit.operator,
            ),
        )

    return await flow.run_previewed(
        visit, action, fields, plan, done="merchant_closed", closed_on=today.isoformat()
    )


async def progress(visit: Visit) -> Response:
    """Report how much of a purchase was given."""
    place, bought = await _bought(visit)
    if place is None or bought is None or bought.state.is_over:
        return await errors.not_found(visit)
    customer_id = bought.state.purchase.customer_id
    if turned_away := await errors.without_reach(visit, Permission.REVIEW, customer_id):
        return turned_away
    t, state = visit.t, bought.state
    fields = [
        Field(name="given", label=t("scenes.given_percent"), inputmode="numeric"),
        Field(name="proof", label=t("scenes.proof_sha256"), hint=t("scenes.sha256_hint")),
    ]
    call = "POST /v1/scene-purchases/{id}/progress"
    said = (t("scenes.progress_title"), t("scenes.progress_intro"))
    action = _action(visit, place, "progress", call, "report_progress", bought=bought, said=said)

    async def plan(reader: FormReader) -> Plan | None:
        percent, digest = _percent(reader, "given"), _digest(reader, "proof")
        if percent is None or digest is None:
            return None
        before = f"{state.progress_ppm // _PPM_OF_PERCENT} %"
        change = Change(label=t("scenes.given"), before=before, after=f"{percent} %")
        return Plan(
            preview=lambda: Preview(
                changes=[change],
                notes=[t("scenes.progress_stays")],
                confirm=t("scenes.progress_confirm"),
            ),
            act=lambda **_key: scene_schools.report_progress(
                visit.desk.house,
                customer_id=state.purchase.customer_id,
                purchase_id=state.purchase.purchase_id,
                progress_ppm=percent * _PPM_OF_PERCENT,
                proof_sha256=digest,
                by=visit.operator,
            ),
        )

    return await flow.run_previewed(visit, action, fields, plan, done="progress_reported")


async def refund(visit: Visit) -> Response:
    """Book what a merchant gave back on one of the loans that paid it."""
    place, bought = await _bought(visit)
    if place is None or bought is None or not bought.loans:
        return await errors.not_found(visit)
    customer_id = bought.state.purchase.customer_id
    if turned_away := await errors.without_reach(visit, Permission.REPAY, customer_id):
        return turned_away
    t, f, purchase = visit.t, visit.formats, bought.state.purchase
    loans = {ids.to_text(ids.LOAN, loan.loan_id): loan for loan in bought.loans}
    choices = [
        (name, f"{name} · {f.money(loan.principal_minor, purchase.currency)}")
        for name, loan in loans.items()
    ]
    said = (t("scenes.refund_title"), t("scenes.refund_intro"))
    action = _action(
        visit,
        place,
        "refund",
        "POST /v1/scene-refunds",
        "scene_refunds.refund",
        bought=bought,
        said=said,
    )

    async def plan(reader: FormReader) -> Plan | None:
        name = reader.choice("loan", loans)
        amount = reader.amount_minor("amount", purchase.currency)
        if name is None or amount is None:
            return None
        loan, left = loans[name], bought.state.claim_left_minor
        shown = f.money(amount, purchase.currency)
        change = Change(
            label=t("scenes.owed_back"),
            before=f.money(left, purchase.currency),
            after=f.money(max(0, left - amount), purchase.currency),
        )
        return Plan(
            preview=lambda: Preview(
                changes=[change],
                notes=[t("scenes.refund_note", loan=name)],
                confirm=t("scenes.refund_confirm", amount=shown),
            ),
            act=lambda *, idempotency_key: scene_refunds.refund(
                visit.desk.house,
                customer_id=purchase.customer_id,
                loan_id=loan.loan_id,
                amount_minor=amount,
                currency=purchase.currency,
                is_of_merchant=True,
                idempotency_key=idempotency_key,
            ),
        )

    fields = _refund_fields(visit, choices)
    return await flow.run_previewed(visit, action, fields, plan, done="refund_booked")


def _refund_fields(visit: Visit, loans: Sequence[tuple[str, str]]) -> list[Field]:
    """Return what is asked of a refund: which loan it goes to, and how much."""
    t = visit.t
    return [
        Field(name="loan", label=t("payment.loan"), kind="select", choices=tuple(loans)),
        Field(name="amount", label=t("payment.amount"), inputmode="decimal"),
    ]


async def _bought(visit: Visit) -> tuple[Place | None, Bought | None]:
    place = await place_of(visit)
    return place, None if place is None else await bought_of(visit, place)


def _action(
    visit: Visit,
    place: Place,
    name: str,
    api_call: str,
    journey: str,
    *,
    said: tuple[str, str],
    bought: Bought | None = None,
) -> Action:
    """Return an act as it is introduced; `said` are its title and what it does."""
    path = f"{place.href}/{bought.record}/{name}" if bought else f"{place.href}/{name}"
    label = visit.t("nav.scenes") if place.merchant is None else place.merchant.payee.name
    home = f"{BASE}/scenes" if place.merchant is None else place.href
    return Action(
        name=name,
        title=said[0],
        intro=said[1],
        path=path,
        record=Crumb(label=label, href=home),
        journey=f"journeys.{journey}",
        api_call=api_call,
    )


def _digest(reader: FormReader, name: str) -> bytes | None:
    """Return a SHA-256 written in hexadecimal."""
    text = reader.text(name, length_max=_SHA256_DIGITS)
    if text is None:
        return None
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        digest = b""
    if len(digest) * 2 != _SHA256_DIGITS:
        reader.refuse(name, "scenes.not_a_digest")
        return None
    return digest


def _percent(reader: FormReader, name: str) -> int | None:
    """Return a whole percent from 1 to 100."""
    text = reader.text(name, length_max=len("100"))
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= _HUNDRED):
        reader.refuse(name, "scenes.not_a_percent")
        return None
    return int(text)


_MERCHANT: Final = "/scenes/{scene}/{merchant}"
PAGES: Final = (
    *(
        Page(path=f"{_MERCHANT}/{name}", show=act, submit=act, permission=Permission.REVIEW)
        for name, act in (("payee", payee), ("licence", licence), ("close", close))
    ),
    Page(
        path=f"{_MERCHANT}/{{purchase}}/progress",
        show=progress,
        submit=progress,
        permission=Permission.REVIEW,
    ),
    Page(
        path=f"{_MERCHANT}/{{purchase}}/refund",
        show=refund,
        submit=refund,
        permission=Permission.REPAY,
    ),
)
