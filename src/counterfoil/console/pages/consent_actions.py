"""Withdrawing a consent for a customer who calls, comes by or writes: as short as giving one."""

from functools import partial
from typing import Final

from starlette.responses import Response

from counterfoil.consents import store
from counterfoil.consents.consent import Consent
from counterfoil.consents.state import Status
from counterfoil.console import flow, words
from counterfoil.console.access import Permission
from counterfoil.console.flow import Action, Crumb, Field, Preview
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.visit import Visit
from counterfoil.journeys.consenting import consent as consents
from counterfoil.journeys.consenting.consent_records import consequences
from counterfoil.kernel import ids
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Change

#: How a customer who does not sit at the portal can say so.
CHANNELS: Final = ("phone", "branch", "letter")
_CHANNEL: Final = "channel"


async def withdraw(visit: Visit) -> Response:
    """End a consent at the customer's wish."""
    found = await _consent(visit)
    if found is None:
        return await errors.not_found(visit)
    action = _action(visit, found)
    choices = [(code, words.code_label(visit, _CHANNEL, code)) for code in CHANNELS]
    fields = [
        Field(name=_CHANNEL, label=visit.t("consent.said_by"), kind="select", choices=choices)
    ]

    async def plan(reader: FormReader) -> flow.Plan | None:
        channel = reader.choice(_CHANNEL, CHANNELS)
        if channel is None:
            return None
        return flow.Plan(
            preview=partial(_preview, visit, found, channel),
            act=partial(
                consents.withdraw,
                visit.desk.house,
                customer_id=found.customer_id,
                consent_id=found.consent_id,
                channel=channel,
            ),
        )

    return await flow.run_previewed(visit, action, fields, plan, done="consent_withdrawn")


async def _consent(visit: Visit) -> Consent | None:
    try:
        customer_id = ids.from_text(ids.CUSTOMER, visit.request.path_params["customer"])
        consent_id = ids.from_text(ids.CONSENT, visit.request.path_params["consent"])
    except ids.InvalidIdError:
        return None
    async with visit.desk.house.database.connection() as connection:
        return await store.read_consent(connection, customer_id=customer_id, consent_id=consent_id)


def _action(visit: Visit, consent: Consent) -> Action:
    href = words.consent_href(consent.customer_id, consent.consent_id)
    record = ids.to_text(ids.CONSENT, consent.consent_id)
    return Action(
        name="withdraw",
        title=visit.t("consent.withdraw"),
        intro=visit.t("consent.withdraw_intro"),
        path=f"{href}/withdraw",
        record=Crumb(label=record, href=href),
        journey="journeys.consenting.consent.withdraw",
        api_call=f"POST /v1/consents/{record}/withdrawal",
    )


def _preview(visit: Visit, consent: Consent, channel: str) -> Preview:
    """Show what ends and what the law keeps, in the words that the customer was told."""
    t, label = visit.t, visit.catalogue.label
    stops, keeps = consequences(visit.desk.house, consent)
    return Preview(
        changes=[
            Change(
                label=t("loan.status"),
                before=label("consent_status", consent.status.value),
                after=label("consent_status", Status.WITHDRAWN.value),
            ),
            Change(
                label=t("consent.said_by"),
                before="",
                after=words.code_label(visit, _CHANNEL, channel),
            ),
        ],
        notes=[note for note in (stops, keeps) if note],
        confirm=t("consent.confirm_withdraw"),
        is_destructive=True,
    )


PAGES: Final = (
    Page(
        path="/customers/{customer}/consents/{consent}/withdraw",
        show=withdraw,
        submit=withdraw,
        permission=Permission.WITHDRAW_CONSENT,
    ),
)
