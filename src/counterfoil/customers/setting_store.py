"""Reads and writes what customers set; over named queries."""

from datetime import date, datetime
from typing import Any, Final, NamedTuple

import orjson

from counterfoil.customers.setting import (
    CODES_MAX,
    Channel,
    Preference,
    Setting,
    SettingChange,
    SettingRequest,
    SettingStatus,
    StatementForm,
)
from counterfoil.kernel.language import Language
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.customers", "setting_store.sql")

#: Changes carried on at once after a crash.
PAGE: Final = 100


class KeptCode(NamedTuple):
    """A one-time code as it is kept."""

    mac: bytes
    issued_at: datetime
    expires_at: datetime
    #: Attempts so far, the present one included.
    attempts: int = 0


async def read_preference(connection: Connection, customer_id: int) -> Preference:
    """Return what a customer has set, or what holds while nothing is."""
    row = await QUERIES.preference.fetchrow(connection, customer_id=customer_id)
    if row is None:
        return Preference(customer_id=customer_id)
    return Preference(
        customer_id=customer_id,
        channels=tuple(Channel(channel) for channel in row["channels"]),
        statement_form=StatementForm(row["statement_form"]),
        version=row["version"],
    )


async def put_preference(connection: Connection, preference: Preference, *, at: datetime) -> bool:
    """Write what holds from now on; False where somebody else was first."""
    row = await QUERIES.put_preference.fetchrow(
        connection,
        customer_id=preference.customer_id,
        channels=[channel.value for channel in preference.channels],
        statement_form=preference.statement_form.value,
        version=preference.version,
        changed_at=at,
    )
    return row is not None


async def forms_to_send(
    connection: Connection, *, since: datetime | None, after: int, page: int
) -> list[tuple[int, StatementForm]]:
    """Return customers who have their statements sent, with the form, in their order."""
    rows = await QUERIES.forms_to_send.fetch(connection, since=since, after=after, page=page)
    return [(row["customer_id"], StatementForm(row["statement_form"])) for row in rows]


async def lock_person(connection: Connection, customer_id: int) -> None:
    """Keep other changes of the same person away until the end of the transaction."""
    await QUERIES.lock_person.execute(connection, customer_id=customer_id)


async def set_language(connection: Connection, customer_id: int, language: Language) -> None:
    """Write the language in which a customer is written to."""
    await QUERIES.set_language.execute(connection, customer_id=customer_id, language=language.value)


async def add_request(
    connection: Connection, request: SettingRequest, code: KeptCode | None
) -> None:
    """Write a change that was asked for, with the code that confirms it."""
    await QUERIES.add_request.execute(
        connection,
        customer_id=request.customer_id,
        request_id=request.request_id,
        line_id=request.line_id,
        setting=request.setting.value,
        before_value=_text(request.before),
        after_value=_text(request.after),
        effect=_text(request.effect),
        effect_sha256=request.effect_sha256,
        channel=request.channel,
        device=request.device,
        author=request.author,
        needs_code=request.needs_code,
        requested_at=request.requested_at,
        business_date=request.business_date,
        code_mac=None if code is None else code.mac,
        code_issued_at=None if code is None else code.issued_at,
        code_expires_at=None if code is None else code.expires_at,
        code_count=0 if code is None else 1,
    )


async def read_request(
    connection: Connection, customer_id: int, request_id: int
) -> SettingRequest | None:
    """Return a change of a customer."""
    row = await QUERIES.request.fetchrow(connection, customer_id=customer_id, request_id=request_id)
    return None if row is None else _request(row)


async def lock_request(
    connection: Connection, customer_id: int, request_id: int
) -> SettingRequest | None:
    """Return a change of a customer and keep others away from it."""
    row = await QUERIES.lock_request.fetchrow(
        connection, customer_id=customer_id, request_id=request_id
    )
    return None if row is None else _request(row)


async def put_code(
    connection: Connection, customer_id: int, request_id: int, code: KeptCode
) -> bool:
    """Write another code for a change that waits; False where there were too many."""
    row = await QUERIES.new_code.fetchrow(
        connection,
        customer_id=customer_id,
        request_id=request_id,
        code_mac=code.mac,
        issued_at=code.issued_at,
        expires_at=code.expires_at,
        codes_max=CODES_MAX,
    )
    return row is not None


async def try_code(connection: Connection, customer_id: int, request_id: int) -> KeptCode | None:
    """Count an attempt and return the code."""
    row = await QUERIES.try_code.fetchrow(
        connection, customer_id=customer_id, request_id=request_id
    )
    if row is None:
        return None
    return KeptCode(
        row["code_mac"], row["code_issued_at"], row["code_expires_at"], row["code_attempts"]
    )


async def confirm(
    connection: Connection, customer_id: int, request_id: int, *, now: datetime
) -> None:
    """Note that the customer has confirmed."""
    await QUERIES.confirm.execute(
        connection, customer_id=customer_id, request_id=request_id, now=now
    )


async def finish(
    connection: Connection, request: SettingRequest, *, refusal_code: str | None, now: datetime
) -> bool:
    """End a change, done or refused, and put what was done into the history.

    False where it was ended before.
    """
    status = SettingStatus.DONE if refusal_code is None else SettingStatus.REFUSED
    ended = await QUERIES.finish.fetchrow(
        connection,
        customer_id=request.customer_id,
        request_id=request.request_id,
        status=status.value,
        refusal_code=refusal_code,
        now=now,
    )
    if ended is None or refusal_code is not None:
        return ended is not None
    await QUERIES.add_change.execute(
        connection,
        customer_id=request.customer_id,
        request_id=request.request_id,
        line_id=request.line_id,
        setting=request.setting.value,
        before_value=_text(request.before),
        after_value=_text(request.after),
        channel=request.channel,
        device=request.device,
        author=request.author,
        second_factor=request.needs_code,
        changed_at=now,
    )
    return True


async def expire(connection: Connection, *, before: datetime, now: datetime) -> int:
    """End changes that nobody confirmed in time; return how many."""
    return len(await QUERIES.expire.fetch(connection, before=before, now=now))


async def read_changes(
    connection: Connection, customer_id: int, *, before: int, page: int, is_back: bool = False
) -> list[SettingChange]:
    """Return a page of the history of a customer's settings, newest first."""
    rows = await QUERIES.changes.page(
        connection, customer_id=customer_id, before=before, page=page, is_back=is_back
    )
    return [
        SettingChange(
            request_id=row["request_id"],
            line_id=row["line_id"],
            setting=Setting(row["setting"]),
            before=orjson.loads(row["before_value"]),
            after=orjson.loads(row["after_value"]),
            channel=row["channel"],
            device=row["device"],
            author=row["author"],
            second_factor=row["second_factor"],
            changed_at=row["changed_at"],
        )
        for row in rows
    ]


async def read_confirmed(connection: Connection, *, before: datetime) -> list[tuple[int, int]]:
    """Return (customer, change) of changes confirmed before a time and not carried out."""
    rows = await QUERIES.confirmed.fetch(connection, before=before, page=PAGE)
    return [(row["customer_id"], row["request_id"]) for row in rows]


def _text(document: dict[str, Any]) -> str:
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()


def _request(row: Row) -> SettingRequest:
    on: date = row["business_date"]
    return SettingRequest(
        customer_id=row["customer_id"],
        request_id=row["request_id"],
        line_id=row["line_id"],
        setting=Setting(row["setting"]),
        before=orjson.loads(row["before_value"]),
        after=orjson.loads(row["after_value"]),
        effect=orjson.loads(row["effect"]),
        effect_sha256=row["effect_sha256"],
        channel=row["channel"],
        device=row["device"],
        author=row["author"],
        needs_code=row["needs_code"],
        status=SettingStatus(row["status"]),
        requested_at=row["requested_at"],
        business_date=on,
        confirmed_at=row["confirmed_at"],
        ended_at=row["ended_at"],
        refusal_code=row["refusal_code"],
    )
