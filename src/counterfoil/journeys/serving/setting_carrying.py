"""Carrying out a confirmed change: through the write path of a line, or in the person's own rows.

Invariant   Done again it does nothing more: a line's command bears the change's number as its key,
            and the person's rows are written with the end of the change, which happens once.
"""

from dataclasses import replace

from counterfoil.customers import setting_store
from counterfoil.customers.setting import Channel, Setting, SettingRequest, StatementForm
from counterfoil.journeys.house import House
from counterfoil.journeys.paying.mandates import mandate_of
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.kernel.language import Language
from counterfoil.lending.commands import CloseLine, Command, MoveRepaymentDay, SetOwnCap
from counterfoil.payments import debit_store
from counterfoil.platform.database import Connection

#: Why a line was closed, on its history.
CUSTOMER_REQUEST = "customer_request"


async def carry_line(house: House, request: SettingRequest) -> Refused | None:
    """Carry out what a line keeps; nothing for what belongs to the person."""
    command = _command(request)
    if command is None:
        return None
    answer = await house.counter.submit(
        command, idempotency_key=f"setting:{ids.to_text(ids.SETTING_REQUEST, request.request_id)}"
    )
    return answer if isinstance(answer, Refused) else None


async def write_personal(connection: Connection, house: House, request: SettingRequest) -> None:
    """Write what belongs to the person, and mandates, in the transaction that ends the change."""
    customer_id = request.customer_id
    match request.setting:
        case Setting.LANGUAGE:
            language = Language(request.after["language"])
            await setting_store.set_language(connection, customer_id, language)
        case Setting.CHANNELS | Setting.STATEMENT_FORM:
            await _write_preference(connection, house, request)
        case Setting.AUTO_DEBIT:
            await _write_mandate(connection, house, request)
        case _:
            pass


async def _write_preference(connection: Connection, house: House, request: SettingRequest) -> None:
    now = await setting_store.read_preference(connection, request.customer_id)
    changed = replace(now, version=now.version + 1)
    if request.setting is Setting.CHANNELS:
        channels = tuple(Channel(channel) for channel in request.after["channels"])
        changed = replace(changed, channels=channels)
    else:
        form = StatementForm(request.after["statement_form"])
        changed = replace(changed, statement_form=form)
    written = await setting_store.put_preference(connection, changed, at=house.clock.now())
    assert written, "the customer's row was locked by the change"


async def _write_mandate(connection: Connection, house: House, request: SettingRequest) -> None:
    assert request.line_id is not None, "auto-debit is a setting of a line"
    customer_id = request.customer_id
    standing = await debit_store.mandate_in_force(connection, customer_id, request.line_id)
    if standing is not None:
        await debit_store.revoke_mandate(
            connection,
            customer_id,
            standing.mandate_id,
            by=request.author,
            now=house.clock.now(),
        )
    proposed = request.effect.get("mandate")
    if proposed is not None:
        # The change and the mandate that it made bear one number.
        made = mandate_of(house, customer_id, request.request_id, request.line_id, proposed)
        await debit_store.add_mandate(connection, made)


def _command(request: SettingRequest) -> Command | None:
    if request.line_id is None:
        return None
    match request.setting:
        case Setting.REPAYMENT_DAY:
            return MoveRepaymentDay(
                customer_id=request.customer_id,
                line_id=request.line_id,
                repayment_day=request.after["repayment_day"],
                effect_sha256=request.effect_sha256,
                author=request.author,
            )
        case Setting.OWN_CAP:
            return SetOwnCap(
                customer_id=request.customer_id,
                line_id=request.line_id,
                cap_minor=request.after["own_cap_minor"],
                author=request.author,
            )
        case Setting.CLOSE_LINE:
            return CloseLine(
                customer_id=request.customer_id,
                line_id=request.line_id,
                reason=CUSTOMER_REQUEST,
                author=request.author,
            )
        case _:
            return None
