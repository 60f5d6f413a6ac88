"""Seeing personal data in clear: the purpose, the ticket and the reason first, then the data.

The page with the data is the answer to the post; it has no address of its own and is kept nowhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from counterfoil.console import flow, words
from counterfoil.console.access import Permission
from counterfoil.console.flow import Action, Crumb, Field
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.visit import Visit
from counterfoil.console.words import refusal_text
from counterfoil.journeys.guarding.reveal import Revealed, RevealRequest, reveal
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.access_matrix import load_matrix
from counterfoil.platform.web.forms import FormReader
from counterfoil.privacy.refusals import CIPHERTEXT_REJECTED

#: What the vault keeps itself; reports and contracts are opened where they are kept.
_SHOWN_HERE: Final = ("identity", "contact", "payout")
_TICKET_LENGTH_MAX: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class RevealedView:
    """Data in clear, with what was said to see it."""

    record: Crumb
    values: Sequence[tuple[str, str]]
    purpose: str
    ticket: str
    reason: str
    expires_at: str


async def show(visit: Visit) -> Response:
    """Ask for purpose, ticket and reason."""
    customer_id = _customer(visit)
    if customer_id is None:
        return await errors.not_found(visit)
    return flow.show_form(visit, _action(visit, customer_id), _fields(visit))


async def submit(visit: Visit) -> Response:
    """Show the data, after the look is on record."""
    customer_id = _customer(visit)
    if customer_id is None:
        return await errors.not_found(visit)
    action, fields = _action(visit, customer_id), _fields(visit)
    reader = FormReader(visit.values)
    purpose = reader.choice("purpose", [code for code, _ in _purposes(visit)])
    ticket = reader.text("ticket", length_max=_TICKET_LENGTH_MAX)
    reason = reader.text("reason", length_max=flow.REASON_LENGTH_MAX)
    if purpose is None or ticket is None or reason is None:
        return flow.show_form(visit, action, fields, reader=reader)
    data = load_matrix().purposes[purpose].data
    outcome = await reveal(
        visit.desk.house,
        visit.actor,
        RevealRequest(
            customer_ids=(customer_id,),
            purpose=purpose,
            data=tuple(name for name in _SHOWN_HERE if name in data),
            ticket=ticket,
            reason=reason,
        ),
    )
    if isinstance(outcome, Refused):
        reader.refuse("form", "form.refused", text=refusal_text(visit, outcome))
        return flow.show_form(visit, action, fields, reader=reader)
    [shown] = outcome
    view = RevealedView(
        record=action.record,
        values=_values(visit, shown),
        purpose=dict(_purposes(visit))[purpose],
        ticket=ticket,
        reason=reason,
        expires_at=visit.formats.instant(shown.expires_at),
    )
    return visit.page(
        "privacy/revealed.html", action.title, view, journey=action.journey,
        api_call=action.api_call,
    )  # fmt: skip


def _customer(visit: Visit) -> int | None:
    try:
        return ids.from_text(ids.CUSTOMER, visit.request.path_params["customer"])
    except ids.InvalidIdError:
        return None


def _action(visit: Visit, customer_id: int) -> Action:
    href = words.customer_href(customer_id)
    return Action(
        name="reveal",
        title=visit.t("reveal.title"),
        intro=visit.t("reveal.intro"),
        path=f"{href}/reveal",
        record=Crumb(label=ids.to_text(ids.CUSTOMER, customer_id), href=href),
        journey="journeys.guarding.reveal.reveal",
        api_call="POST /v1/reveals",
    )


def _purposes(visit: Visit) -> list[tuple[str, str]]:
    """Return the purposes of the role for which there is something to see here."""
    matrix = load_matrix()
    is_chinese = visit.catalogue.language == "zh-CN"
    found = sorted(matrix.rights_for(visit.actor).purposes)
    return [
        (code, matrix.purposes[code].name_zh if is_chinese else matrix.purposes[code].name_en)
        for code in found
        if not set(_SHOWN_HERE).isdisjoint(matrix.purposes[code].data)
    ]


def _fields(visit: Visit) -> list[Field]:
    t = visit.t
    return [
        Field(name="purpose", label=t("reveal.purpose"), kind="select", choices=_purposes(visit)),
        Field(name="ticket", label=t("reveal.ticket"), hint=t("reveal.ticket_hint")),
        Field(name="reason", label=t("reveal.reason"), hint=t("reveal.reason_hint")),
    ]


def _values(visit: Visit, shown: Revealed) -> list[tuple[str, str]]:
    found = []
    for fields in shown.data.values():
        for name, value in fields.items():
            key = f"customer.{name}"
            found.append((visit.t(key) if visit.catalogue.has(key) else name, value))
    refused = refusal_text(visit, refuse(CIPHERTEXT_REJECTED))
    return found + [(name, refused) for name in shown.damaged]


PAGES: Final = (
    Page(
        path="/customers/{customer}/reveal",
        show=show,
        submit=submit,
        permission=Permission.REVEAL,
    ),
)
