"""Addresses for e-mail and letters: named by the customer, proven by a code, kept in the vault.

The way     `name_address` sends a code: to an e-mail address itself, for a letter address to the
            phone. `prove_address` takes the same address again with the code and puts it into the
            vault, with a leaf, and the customer is told by phone.
Invariant   Before it is proven an address is nowhere; the code's keyed hash is bound to it.
"""

from typing import Final

import orjson

from counterfoil.contracts.one_time_code import (
    VALID_FOR,
    StoredCode,
    mac_of,
    new_code,
    refuse_code,
)
from counterfoil.contracts.refusals import CODE_EXPIRED
from counterfoil.customers import contact_store, refusals, setting_store
from counterfoil.customers import store as customers
from counterfoil.customers.contact import FIELDS, AddressRequest, check_address, sha256_of
from counterfoil.customers.message import load_texts
from counterfoil.customers.message_port import Outcome, Parcel
from counterfoil.customers.setting import Channel
from counterfoil.journeys.borrowing.statement_papers import CHANNELS as STATEMENT_CHANNELS
from counterfoil.journeys.house import House
from counterfoil.journeys.once import once_for
from counterfoil.journeys.serving.change_contact import note_change
from counterfoil.journeys.serving.change_setting import Asked
from counterfoil.journeys.serving.reach_customers import address_came
from counterfoil.journeys.serving.reached import addresses_of, reached_person
from counterfoil.journeys.serving.tell_customers import queue
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.kernel.language import Language
from counterfoil.platform.access_matrix import Reading, reading
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Connection
from counterfoil.platform.origin import SANDBOX
from counterfoil.privacy import masking
from counterfoil.privacy.correction_store import correct_record
from counterfoil.privacy.vault import Purpose

_CODE: Final = "address_code"
_MASKS: Final = {
    Channel.EMAIL: masking.mask_email,
    Channel.LETTER: masking.mask_letter_address,
}


async def read_addresses(
    house: House, *, customer_id: int, reading: Reading
) -> dict[str, str] | Refused:
    """Return a customer's addresses by channel, masked."""
    async with house.database.connection() as connection:
        if await customers.read_customer(connection, customer_id) is None:
            return refuse(refusals.CUSTOMER_NOT_FOUND)
        known = await addresses_of(connection, house.vault, customer_id, reading)
    masks = {Channel.SMS: masking.mask_phone, **_MASKS}
    return {
        channel.value: masks[channel](address)
        for channel, address in known.items()
        if channel in masks
    }


async def name_address(
    house: House,
    *,
    customer_id: int,
    channel: Channel,
    address: str,
    by: str,
    idempotency_key: str,
) -> Asked | Refused:
    """Take an address down to be proven, and send the code that proves it."""
    given = check_address(channel, address)
    if isinstance(given, Refused):
        return given
    now, request_id, code = house.clock.now(), house.ids.next(), new_code()
    mac = mac_of(house.code_key, customer_id, request_id, sha256_of(channel, given), code)
    request = AddressRequest(
        customer_id=customer_id,
        request_id=request_id,
        channel=channel,
        code_mac=mac,
        code_issued_at=now,
        code_expires_at=now + VALID_FOR,
        author=by,
        requested_at=now,
    )

    async def work(connection: Connection) -> str | Refused:
        if await customers.read_customer(connection, customer_id) is None:
            return refuse(refusals.CUSTOMER_NOT_FOUND)
        known = await addresses_of(connection, house.vault, customer_id, reading("address_change"))
        if known.get(channel) == given:
            return refuse(refusals.ADDRESS_UNCHANGED)
        if not await contact_store.add_request(connection, request):
            return refuse(refusals.ADDRESS_CODES_USED_UP)
        return _text(customer_id, request_id, channel, status="asked")

    # The key's record must not give the address away: it is compared by a keyed hash.
    proof = mac_of(house.code_key, customer_id, 0, sha256_of(channel, given), "")
    said: dict[str, object] = {"channel": channel.value, "address": proof.hex()}
    answer = await once_for(house, customer_id, "name_address", idempotency_key, said, work)
    if isinstance(answer, Refused) or answer.is_replay:
        return answer if isinstance(answer, Refused) else Asked(answer=answer, code=None)
    shown = await _send_code(house, request, given, code)
    return shown if isinstance(shown, Refused) else Asked(answer=answer, code=shown)


async def prove_address(
    house: House,
    *,
    customer_id: int,
    request_id: int,
    address: str,
    code: str,
    idempotency_key: str,
) -> Answer | Refused:
    """Keep an address whose code the customer hands in, together with the address."""
    now = house.clock.now()
    async with house.database.transaction() as connection:
        request = await contact_store.try_request(connection, customer_id, request_id)
    if request is None:
        return refuse(refusals.ADDRESS_REQUEST_NOT_FOUND)
    given = check_address(request.channel, address)
    if isinstance(given, Refused):
        return given
    sha256 = sha256_of(request.channel, given)
    mac = mac_of(house.code_key, customer_id, request_id, sha256, code)

    async def work(connection: Connection) -> str | Refused:
        refused = refuse_code(_stored(request), mac, now)
        if refused is not None:
            return refused
        if request.confirmed_at is not None:
            return refuse(CODE_EXPIRED)
        await contact_store.confirm_request(connection, customer_id, request_id, now=now)
        return await _keep(house, connection, request, given)

    said: dict[str, object] = {"request_id": request_id, "proof": mac.hex()}
    return await once_for(house, customer_id, "prove_address", idempotency_key, said, work)


async def remove_address(
    house: House, *, customer_id: int, channel: Channel, by: str, idempotency_key: str
) -> Answer | Refused:
    """Take an address out of the vault's present record, where nothing is sent to it."""
    if channel not in FIELDS:
        return refuse(refusals.ADDRESS_CHANNEL, channel=channel.value)

    async def work(connection: Connection) -> str | Refused:
        await setting_store.lock_person(connection, customer_id)
        known = await addresses_of(connection, house.vault, customer_id, reading("address_change"))
        if channel not in known:
            return refuse(refusals.ADDRESS_NOT_KNOWN, channel=channel.value)
        preference = await setting_store.read_preference(connection, customer_id)
        is_of_statements = STATEMENT_CHANNELS.get(preference.statement_form) is channel
        if channel in preference.channels or is_of_statements:
            return refuse(refusals.ADDRESS_IN_USE, channel=channel.value)
        await _put(house, connection, customer_id, channel, None, by=by)
        return _text(customer_id, None, channel, status="removed")

    said: dict[str, object] = {"channel": channel.value}
    return await once_for(house, customer_id, "remove_address", idempotency_key, said, work)


async def _keep(
    house: House, connection: Connection, request: AddressRequest, address: str
) -> str | Refused:
    customer_id, channel = request.customer_id, request.channel
    if not await _put(house, connection, customer_id, channel, address, by=request.author):
        return refuse(refusals.CUSTOMER_NOT_FOUND)
    on = await house.business_date()
    cause = ids.to_text(ids.ADDRESS_REQUEST, request.request_id)
    customer = await customers.read_customer(connection, customer_id)
    assert customer is not None, "customers are never removed"
    # By the phone alone: whoever changes an address wrongly must not be the one who is told.
    fields = {"on": on.isoformat(), "address": channel.value, "form": Channel.SMS.value}
    await queue(connection, house, customer_id, "address_changed", cause, fields)
    return _text(customer_id, request.request_id, channel, status="kept", address=address)


async def _put(
    house: House,
    connection: Connection,
    customer_id: int,
    channel: Channel,
    address: str | None,
    *,
    by: str,
) -> bool:
    """Put an address into the vault, or take it out; False where there is nobody."""
    done = await correct_record(
        connection,
        house.vault,
        customer_id=customer_id,
        purpose=Purpose.CONTACT,
        fields={FIELDS[channel]: address},
        request_id=None,
        reading=reading("address_change"),
        at=house.clock.now(),
    )
    if done:
        number = house.ids.next()
        await note_change(house, connection, customer_id, number, FIELDS[channel], by=by)
    if done and address is not None:
        await address_came(house, connection, customer_id, by=by)
    return done


async def _send_code(
    house: House, request: AddressRequest, address: str, code: str
) -> str | Refused | None:
    """Send the code; return it where it may be shown in the answer."""
    customer_id = request.customer_id
    if house.settings.environment == SANDBOX or request.channel is Channel.LETTER:
        try:
            return await house.codes.deliver(
                customer_id=customer_id, contract_id=request.request_id, code=code
            )
        except RefusedError as error:
            return error.refused
    async with house.database.connection() as connection:
        customer = await customers.read_customer(connection, customer_id)
        person = await reached_person(connection, house.vault, customer_id, reading("message"))
    language = Language.CHINESE if customer is None else customer.language
    text = load_texts().render_kind(_CODE, language, {"name": person.name, "code": code})
    parcel = Parcel(
        reference=ids.to_text(ids.ADDRESS_REQUEST, request.request_id),
        channel=request.channel,
        address=address,
        name=person.name,
        subject=text.subject,
        body=text.body,
    )
    carried = await house.messages.send(parcel)
    if carried.outcome in (Outcome.SENT, Outcome.DELIVERED):
        return None
    return refuse(refusals.MESSAGE_SERVICE_UNAVAILABLE)


def _stored(request: AddressRequest) -> StoredCode:
    return StoredCode(
        request.customer_id,
        request.request_id,
        request.code_mac,
        request.code_issued_at,
        request.code_expires_at,
        request.code_attempts,
    )


def _text(
    customer_id: int,
    request_id: int | None,
    channel: Channel,
    *,
    status: str,
    address: str | None = None,
) -> str:
    """Return the answer: how it stands, and the address masked where it was kept."""
    number = None if request_id is None else ids.to_text(ids.ADDRESS_REQUEST, request_id)
    said = {
        "id": number,
        "customer_id": ids.to_text(ids.CUSTOMER, customer_id),
        "channel": channel.value,
        "status": status,
        "masked": None if address is None else _MASKS[channel](address),
        # Never kept: whoever may show it puts it in.
        "code": None,
    }
    return orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode()
