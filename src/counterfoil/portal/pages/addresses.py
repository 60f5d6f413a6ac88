"""Where notices and statements reach the customer: e-mail and postal address, proven by a code."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson
from starlette.responses import Response

from counterfoil.customers.contact import FIELDS
from counterfoil.customers.setting import Channel
from counterfoil.journeys.serving import change_address as journey
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access_matrix import reading
from counterfoil.platform.web.forms import FormReader, plain_number
from counterfoil.platform.web.parts import Form
from counterfoil.portal.page import Page
from counterfoil.portal.pages import errors
from counterfoil.portal.visit import Visit

_BY: Final = "portal"
_ADDRESS_LENGTH_MAX: Final = 254
_CODE_LENGTH_MAX: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressRow:
    """One channel and where it leads."""

    channel: str
    word: str
    #: Masked; empty where nothing is known.
    masked: str
    #: The phone is changed elsewhere.
    can_change: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressesView:
    """All addresses, with the forms to name and to prove one."""

    rows: Sequence[AddressRow]
    form: Form
    #: The address that waits for its code; empty where none does.
    request: str
    channel: str
    address: str
    sent_to: str
    #: The code itself, where it may be shown.
    code: str
    done: str


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An address that waits for its code."""

    request: str
    channel: Channel
    address: str
    code: str = ""


async def show(visit: Visit) -> Response:
    """Show the addresses."""
    return await _show(visit)


async def submit(visit: Visit) -> Response:
    """Name an address, prove it, or take one out."""
    reader = FormReader(visit.values)
    key = reader.idempotency_key()
    channel = reader.choice("channel", [one.value for one in FIELDS])
    if key is None or channel is None:
        return await _show(visit, reader)
    match visit.values.get("step"):
        case "prove":
            return await _prove(visit, reader, Channel(channel), key)
        case "remove":
            outcome = await journey.remove_address(
                visit.house,
                customer_id=visit.customer_id,
                channel=Channel(channel),
                by=_BY,
                idempotency_key=key,
            )
            if isinstance(outcome, Refused):
                reader.refuse("form", "form.refused", text=visit.refusal(outcome))
                return await _show(visit, reader)
            return visit.go("/addresses?done=address_removed")
        case _:
            return await _name(visit, reader, Channel(channel), key)


async def _name(visit: Visit, reader: FormReader, channel: Channel, key: str) -> Response:
    field = f"address_{channel.value}"
    address = reader.text(field, length_max=_ADDRESS_LENGTH_MAX)
    if address is None:
        return await _show(visit, reader)
    asked = await journey.name_address(
        visit.house,
        customer_id=visit.customer_id,
        channel=channel,
        address=address,
        by=_BY,
        idempotency_key=key,
    )
    if isinstance(asked, Refused):
        reader.refuse(field, "form.refused", text=visit.refusal(asked))
        return await _show(visit, reader)
    number = orjson.loads(asked.answer.text)["id"]
    return await _show(visit, waiting=_Waiting(number, channel, address, asked.code or ""))


async def _prove(visit: Visit, reader: FormReader, channel: Channel, key: str) -> Response:
    code = reader.text("code", length_max=_CODE_LENGTH_MAX)
    address = reader.text("address", length_max=_ADDRESS_LENGTH_MAX)
    try:
        number = ids.from_text(ids.ADDRESS_REQUEST, visit.values.get("request", ""))
    except ids.InvalidIdError:
        return errors.not_found(visit)
    if address is None:
        return errors.not_found(visit)
    waiting = _Waiting(visit.values["request"], channel, address)
    if code is None:
        return await _show(visit, reader, waiting=waiting)
    outcome = await journey.prove_address(
        visit.house,
        customer_id=visit.customer_id,
        request_id=number,
        address=address,
        code=plain_number(code),
        idempotency_key=key,
    )
    if isinstance(outcome, Refused):
        reader.refuse("code", "form.refused", text=visit.refusal(outcome))
        return await _show(visit, reader, waiting=waiting)
    return visit.go("/addresses?done=address_kept")


async def _show(
    visit: Visit, reader: FormReader | None = None, *, waiting: _Waiting | None = None
) -> Response:
    known = await journey.read_addresses(
        visit.house, customer_id=visit.customer_id, reading=reading("own_addresses")
    )
    if isinstance(known, Refused):
        return errors.refused(visit, known)
    form = visit.form("/addresses", reader)
    view = AddressesView(
        rows=[
            AddressRow(
                channel=one.value,
                word=visit.word("notice_channel", one.value),
                masked=known.get(one.value, ""),
                can_change=one in FIELDS,
            )
            for one in (Channel.SMS, *FIELDS)
        ],
        form=form,
        request=waiting.request if waiting else "",
        channel=waiting.channel.value if waiting else "",
        address=waiting.address if waiting else "",
        sent_to="" if waiting is None else visit.word("address_sent", waiting.channel.value),
        code=waiting.code if waiting else "",
        done=visit.done("address_kept") or visit.done("address_removed"),
    )
    status = 422 if form.errors else 200
    return visit.page("settings/addresses.html", visit.t("address.title"), view, status=status)


PAGES: Final = (Page(path="/addresses", show=show, submit=submit),)
