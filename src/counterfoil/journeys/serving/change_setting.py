"""Changing a setting: asked for with its effect shown, confirmed, carried out, told.

The way     `ask` checks the bounds, writes the change with its effect and sends a one-time code
            where money is affected. `confirm` takes the hash of the effect and the code, then
            carries out: what a line keeps through its write path under the change's own number,
            what belongs to the person in one transaction with the history.
Repetition  A crash after the confirmation leaves a confirmed change; `resume` carries it on, once.
            Two changes at once of one setting: one is carried out, the other one is refused as
            changed meanwhile; the same change twice is one.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import orjson

from counterfoil.contracts.one_time_code import (
    VALID_FOR,
    StoredCode,
    mac_of,
    new_code,
    refuse_code,
)
from counterfoil.customers import refusals, setting_store
from counterfoil.customers.setting import (
    OF_LINE,
    SettingRequest,
    SettingStatus,
    refuse_confirmation,
)
from counterfoil.customers.setting_store import KeptCode
from counterfoil.journeys.house import House
from counterfoil.journeys.once import once_for
from counterfoil.journeys.serving.setting_carrying import carry_line, write_personal
from counterfoil.journeys.serving.setting_effects import SettingWish, effect_of, value_of
from counterfoil.journeys.serving.tell_customers import queue
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Kind, Refused, RefusedError, refuse
from counterfoil.lending.moving_day import effect_sha256
from counterfoil.platform import idempotency
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Connection

#: A confirmed change is left to whoever confirmed it for so long.
IDLE: Final = timedelta(seconds=30)
_PASSING: Final = frozenset({Kind.BUSY, Kind.IN_FLIGHT, Kind.UNAVAILABLE})


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Asked:
    """A change that waits to be confirmed."""

    answer: Answer
    #: None where none is needed, where it went out by a channel of its own, or was given before.
    code: str | None


async def ask(house: House, wish: SettingWish, *, idempotency_key: str) -> Asked | Refused:
    """Check a change and show its effect; nothing is changed yet."""
    now, on = house.clock.now(), await house.business_date()
    request_id, code = house.ids.next(), new_code()
    needs: list[bool] = []

    async def work(connection: Connection) -> str | Refused:
        shown = await effect_of(connection, house, wish, on)
        if isinstance(shown, Refused):
            return shown
        request = SettingRequest(
            customer_id=wish.customer_id,
            request_id=request_id,
            line_id=wish.line_id if wish.setting in OF_LINE else None,
            setting=wish.setting,
            before=shown.before,
            after=shown.after,
            effect=shown.effect,
            effect_sha256=effect_sha256(shown.effect),
            channel=wish.channel,
            device=wish.device,
            author=wish.author,
            needs_code=shown.needs_code,
            status=SettingStatus.ASKED,
            requested_at=now,
            business_date=on,
        )
        kept = _kept(house, request, code, now) if shown.needs_code else None
        await setting_store.add_request(connection, request, kept)
        needs.append(shown.needs_code)
        return _text(request)

    answer = await once_for(
        house, wish.customer_id, "ask_setting", idempotency_key, wish.document(), work
    )
    if isinstance(answer, Refused):
        return answer
    if answer.is_replay or needs[-1:] != [True]:
        return Asked(answer=answer, code=None)
    visible = await _deliver(house, wish.customer_id, request_id, code)
    return visible if isinstance(visible, Refused) else Asked(answer=answer, code=visible)


async def confirm(
    house: House, *, customer_id: int, request_id: int, effect_hash: bytes, code: str | None
) -> SettingRequest | Refused:
    """Confirm a change and carry it out; confirmed again it answers how it stands."""
    now, on = house.clock.now(), await house.business_date()
    async with house.database.connection() as connection:
        request = await setting_store.read_request(connection, customer_id, request_id)
    if request is None:
        return refuse(refusals.SETTING_CHANGE_NOT_FOUND)
    is_again = request.effect_sha256 == effect_hash
    if is_again and request.status in (SettingStatus.CONFIRMED, SettingStatus.DONE):
        return await _carry_out(house, request)
    refused = refuse_confirmation(request, effect_hash, now=now, on=on)
    refused = refused or await _refuse_code(house, request, code, now)
    if refused:
        return refused
    refused = await _note_confirmation(house, request, now)
    return refused or await _carry_out(house, request)


async def _note_confirmation(
    house: House, request: SettingRequest, now: datetime
) -> Refused | None:
    """Write that the customer has confirmed, where the setting still is what it was."""
    customer_id, request_id = request.customer_id, request.request_id
    refused: list[Refused] = []

    async def write(connection: Connection) -> None:
        await setting_store.lock_person(connection, customer_id)
        found = await setting_store.lock_request(connection, customer_id, request_id)
        assert found is not None, "changes are never removed"
        if found.status is not SettingStatus.ASKED:
            return
        if await value_of(connection, found) != found.before:
            refused.append(refuse(refusals.SETTING_CHANGED_MEANWHILE))
            return
        await setting_store.confirm(connection, customer_id, request_id, now=now)

    try:
        await idempotency.unless_twin(house.database, write)
    except idempotency.TwinError:
        # Another change of the same setting is being carried out.
        return refuse(refusals.SETTING_CHANGED_MEANWHILE)
    return refused[0] if refused else None


async def send_code(
    house: House, *, customer_id: int, request_id: int, idempotency_key: str
) -> Asked | Refused:
    """Send another one-time code for a change that waits."""
    now, code = house.clock.now(), new_code()

    async def work(connection: Connection) -> str | Refused:
        request = await setting_store.lock_request(connection, customer_id, request_id)
        if request is None:
            return refuse(refusals.SETTING_CHANGE_NOT_FOUND)
        refused = refuse_confirmation(
            request, request.effect_sha256, now=now, on=request.business_date
        )
        if refused:
            return refused
        kept = _kept(house, request, code, now)
        if not await setting_store.put_code(connection, customer_id, request_id, kept):
            return refuse(refusals.SETTING_CODES_USED_UP)
        return _text(request)

    document: dict[str, object] = {"request_id": request_id}
    answer = await once_for(
        house, customer_id, "send_setting_code", idempotency_key, document, work
    )
    if isinstance(answer, Refused) or answer.is_replay:
        return answer if isinstance(answer, Refused) else Asked(answer=answer, code=None)
    visible = await _deliver(house, customer_id, request_id, code)
    return visible if isinstance(visible, Refused) else Asked(answer=answer, code=visible)


async def resume(house: House) -> int:
    """Carry on what was confirmed and left, end what nobody confirmed; return how many."""
    now = house.clock.now()
    async with house.database.transaction() as connection:
        ended = await setting_store.expire(connection, before=now - timedelta(hours=24), now=now)
        left = await setting_store.read_confirmed(connection, before=now - IDLE)
    for customer_id, request_id in left:
        async with house.database.connection() as connection:
            request = await setting_store.read_request(connection, customer_id, request_id)
        if request is not None:
            await _carry_out(house, request)
    return ended + len(left)


def change_answer(request: SettingRequest) -> dict[str, object]:
    """Return what an answer says of a change."""
    return {
        "id": ids.to_text(ids.SETTING_REQUEST, request.request_id),
        "customer_id": ids.to_text(ids.CUSTOMER, request.customer_id),
        "line_id": None if request.line_id is None else ids.to_text(ids.LINE, request.line_id),
        "setting": request.setting.value,
        "status": request.status.value,
        "before": request.before,
        "after": request.after,
        "effect": request.effect,
        "effect_sha256": request.effect_sha256.hex(),
        "needs_code": request.needs_code,
        "channel": request.channel,
        "device": request.device,
        "requested_at": request.requested_at.isoformat(),
        "ended_at": None if request.ended_at is None else request.ended_at.isoformat(),
        "refusal_code": request.refusal_code,
    }


async def _carry_out(house: House, request: SettingRequest) -> SettingRequest | Refused:
    """Carry out a confirmed change; what passes is left for another time."""
    if request.status is not SettingStatus.DONE:
        outcome = await carry_line(house, request)
        if isinstance(outcome, Refused) and outcome.kind in _PASSING:
            return outcome
        refused = await _end(house, request, outcome if isinstance(outcome, Refused) else None)
        if refused:
            return refused
    async with house.database.connection() as connection:
        found = await setting_store.read_request(
            connection, request.customer_id, request.request_id
        )
    assert found is not None, "changes are never removed"
    return found


async def _end(house: House, request: SettingRequest, refused: Refused | None) -> Refused | None:
    """Write the end of a change, with the history and the message where it was carried out."""
    now, on = house.clock.now(), await house.business_date()
    async with house.database.transaction() as connection:
        await setting_store.lock_person(connection, request.customer_id)
        code = None if refused is None else refused.code
        if not await setting_store.finish(connection, request, refusal_code=code, now=now):
            return None
        if refused is not None:
            return refused
        await write_personal(connection, house, request)
        fields = {"setting": request.setting.value, "on": on.isoformat()}
        cause = ids.to_text(ids.SETTING_REQUEST, request.request_id)
        await queue(connection, house, request.customer_id, "setting_changed", cause, fields)
    return None


async def _refuse_code(
    house: House, request: SettingRequest, code: str | None, now: datetime
) -> Refused | None:
    """Count an attempt and refuse a code that does not fit."""
    if not request.needs_code:
        return None
    if code is None:
        return refuse(refusals.SETTING_CODE_MISSING)
    customer_id, request_id = request.customer_id, request.request_id
    async with house.database.connection() as connection:
        kept = await setting_store.try_code(connection, customer_id, request_id)
    stored = None if kept is None else StoredCode(
        customer_id, request_id, kept.mac, kept.issued_at, kept.expires_at, kept.attempts
    )  # fmt: skip
    mac = mac_of(house.code_key, customer_id, request_id, request.effect_sha256, code)
    return refuse_code(stored, mac, now)


async def _deliver(
    house: House, customer_id: int, request_id: int, code: str
) -> str | Refused | None:
    try:
        return await house.codes.deliver(customer_id=customer_id, contract_id=request_id, code=code)
    except RefusedError as error:
        return error.refused


def _kept(house: House, request: SettingRequest, code: str, now: datetime) -> KeptCode:
    key = (house.code_key, request.customer_id, request.request_id)
    return KeptCode(mac_of(*key, request.effect_sha256, code), now, now + VALID_FOR)


def _text(request: SettingRequest) -> str:
    return orjson.dumps(change_answer(request), option=orjson.OPT_SORT_KEYS).decode()
