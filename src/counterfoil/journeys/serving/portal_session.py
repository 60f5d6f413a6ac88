"""Customers at the portal: signing in with a one-time code, links for one act, sessions.

The story   Somebody names a phone or identity number. A code goes to the customer who has it, by
            the port that carries all codes; with it the same browser opens a session. Another
            journey, or a host, opens a session for one act by a link that works once.
Invariant   Who does not have the phone learns nothing: a number that nobody has takes the same
            way, with the same answer and the same bounds, under an identifier that no customer
            has. An attempt at a code is counted before anybody looks whether it fits. Codes,
            sign-ins and whoever is turned away stand in the trail.
Time        Sessions live by the real clock, whatever date a sandbox plays.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from counterfoil.contracts.one_time_code import (
    VALID_FOR,
    StoredCode,
    mac_of,
    new_code,
    refuse_code,
)
from counterfoil.contracts.refusals import CODE_EXPIRED
from counterfoil.customers.identity import check_id_number, check_phone
from counterfoil.customers.portal_access import (
    ACT_LIFE,
    CODES_PER_DAY,
    CODES_PER_HOUR,
    KEPT_FOR,
    LINK_LIFE,
    SECRET_BYTES,
    SESSION_LIFE,
    PortalSession,
    read_token,
    write_token,
)
from counterfoil.customers.portal_store import QUERIES, by_token, session_of
from counterfoil.customers.refusals import (
    PORTAL_LINK_ENDED,
    SIGN_IN_NUMBER_INVALID,
    SIGN_IN_TOO_MANY,
)
from counterfoil.journeys.house import House
from counterfoil.journeys.knowing.link_records import find_people
from counterfoil.journeys.serving.portal_trail import (
    CODE,
    LINK,
    PORTAL,
    SIGN_IN,
    note_code_sent,
    note_entry,
    note_turned_away,
)
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Row
from counterfoil.privacy.blind_index import IndexKind

#: A code is spent within minutes; a day of them bounds how many are sent.
_CODES_KEPT: Final = timedelta(days=1)
#: Sign-ins that a customer is shown.
SESSIONS_SHOWN: Final = 20
_ID_MASK: Final = 2**62 - 1


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Opened:
    """A session with its token, which is told once."""

    token: str
    session: PortalSession


class _Sought(NamedTuple):
    """Whose number somebody typed."""

    #: A customer, or an identifier that no customer has.
    number: int
    #: None where nobody has the number.
    known: int | None


async def ask_code(
    house: House, number: str, *, visitor: bytes, source: str = PORTAL
) -> str | Refused | None:
    """Send a one-time code to whoever has this phone or identity number.

    Returns the code where it may be shown, in a sandbox; None where it went out by its own way,
    or where nobody has the number. `visitor` is a secret of the browser that asks, `source` from
    where it does.
    """
    sought = await _customer_of(house, number)
    if isinstance(sought, Refused):
        return await note_turned_away(house, source, CODE, sought)
    customer_id, now, code_id, code = sought.number, house.wall.now(), house.ids.next(), new_code()
    sha256 = _visitor_sha256(visitor)
    async with house.database.transaction() as connection:
        await QUERIES.hold_customer.execute(connection, customer_id=customer_id)
        rows = await QUERIES.codes_since.fetch(
            connection, customer_id=customer_id, since=now - _CODES_KEPT
        )
        is_too_often = _is_too_often([row["issued_at"] for row in rows], now)
        if not is_too_often:
            await QUERIES.forget_codes.execute(
                connection, customer_id=customer_id, before=now - _CODES_KEPT
            )
            await QUERIES.add_code.execute(
                connection,
                customer_id=customer_id,
                code_id=code_id,
                visitor_sha256=sha256,
                mac=mac_of(house.code_key, customer_id, code_id, sha256, code),
                issued_at=now,
                expires_at=now + VALID_FOR,
            )
            await note_code_sent(house, connection, source, sought.known)
    if is_too_often:
        refused = refuse(SIGN_IN_TOO_MANY)
        return await note_turned_away(house, source, CODE, refused, customer_id=sought.known)
    try:
        # Also for a number that nobody has: the carrier finds no phone and sends nothing.
        return await house.codes.deliver(customer_id=customer_id, contract_id=code_id, code=code)
    except RefusedError as error:
        return error.refused


async def sign_in(
    house: House, number: str, code: str, *, visitor: bytes, source: str = PORTAL
) -> Opened | Refused:
    """Open a session with the code that the same browser asked for."""
    sought = await _customer_of(house, number)
    if isinstance(sought, Refused):
        return await note_turned_away(house, source, SIGN_IN, sought)
    opened = await _with_code(house, sought, code, _visitor_sha256(visitor), source)
    if isinstance(opened, Refused):
        return await note_turned_away(house, source, SIGN_IN, opened, customer_id=sought.known)
    return opened


async def _with_code(
    house: House, sought: _Sought, code: str, sha256: bytes, source: str
) -> Opened | Refused:
    customer_id, now = sought.number, house.wall.now()
    async with house.database.connection() as connection:
        code_id = await QUERIES.latest_code.fetchval(
            connection, customer_id=customer_id, visitor_sha256=sha256
        )
        if code_id is None:
            return refuse(CODE_EXPIRED)
        row = await QUERIES.count_attempt.fetchrow(
            connection, customer_id=customer_id, code_id=code_id
        )
    stored = None if row is None else _stored(row)
    mac = mac_of(house.code_key, customer_id, code_id, sha256, code)
    if refused := refuse_code(stored, mac, now):
        return refused
    async with house.database.transaction() as connection:
        used = await QUERIES.use_code.fetchval(
            connection, customer_id=customer_id, code_id=code_id, at=now
        )
        if used is None or sought.known is None:
            # Who guesses the code of a number that nobody has is told what a wrong code is told.
            return refuse(CODE_EXPIRED)
        return await _open(house, connection, customer_id, source)


async def open_session(house: House, customer_id: int, *, scope: str, return_to: str = "") -> str:
    """Return a link's token, which opens a session for one act of a customer, once.

    `scope` is the act, or `act:record`, as the portal's pages name them. `return_to` is an address
    that the caller has checked. The link works for minutes, and the session ends after half an
    hour.
    """
    assert scope, "a session for everything is opened by signing in"
    now, session_id = house.wall.now(), house.ids.next()
    text = write_token(customer_id, session_id, secrets.token_bytes(SECRET_BYTES))
    token = read_token(text)
    assert token is not None, "it was just written"
    async with house.database.transaction() as connection:
        await QUERIES.add_session.execute(
            connection,
            **by_token(token),
            scope=scope,
            return_to=return_to,
            at=now,
            opened_at=None,
            ends_at=now + LINK_LIFE,
        )
    return text


async def open_link(house: House, text: str, *, source: str = PORTAL) -> Opened | Refused:
    """Open the session of a link; a link that was opened, or is too old, opens nothing."""
    link = read_token(text)
    if link is None:
        return await note_turned_away(house, source, LINK, refuse(PORTAL_LINK_ENDED))
    now = house.wall.now()
    own = write_token(link.customer_id, link.session_id, secrets.token_bytes(SECRET_BYTES))
    token = read_token(own)
    assert token is not None, "it was just written"
    async with house.database.transaction() as connection:
        row = await QUERIES.open_link.fetchrow(
            connection, **by_token(link), new_sha256=token.sha256, at=now, ends_at=now + ACT_LIFE
        )
        if row is not None:
            session = session_of(row)
            await note_entry(
                house, connection, source, session.customer_id, by=LINK, scope=session.scope
            )
            return Opened(token=own, session=session)
    # Whom it was for is not known: what a link says of itself proves nothing.
    return await note_turned_away(house, source, LINK, refuse(PORTAL_LINK_ENDED))


async def read_link(house: House, text: str) -> PortalSession | None:
    """Return what a link is for, where it can still be opened; nothing is changed."""
    found = await _read(house, text)
    if found is None or found.opened_at is not None or found.ended_at is not None:
        return None
    return found if house.wall.now() < found.ends_at else None


async def find_session(house: House, text: str) -> PortalSession | None:
    """Return the open session of a token and note that it is in use."""
    found = await _read(house, text)
    now = house.wall.now()
    if found is None or not found.is_open(now):
        return None
    async with house.database.connection() as connection:
        await QUERIES.touch_session.execute(
            connection, customer_id=found.customer_id, session_id=found.session_id, at=now
        )
    return found


async def end_session(house: House, session: PortalSession, *, others: bool = False) -> None:
    """End a session, or all others of its customer."""
    query = QUERIES.end_others if others else QUERIES.end_session
    async with house.database.transaction() as connection:
        await query.execute(
            connection,
            customer_id=session.customer_id,
            session_id=session.session_id,
            at=house.wall.now(),
        )


async def recent_sessions(house: House, customer_id: int) -> list[PortalSession]:
    """Return a customer's latest sessions, newest first."""
    async with house.database.connection() as connection:
        rows = await QUERIES.recent_sessions.fetch(
            connection, customer_id=customer_id, page=SESSIONS_SHOWN
        )
    return [session_of(row) for row in rows]


async def _read(house: House, text: str) -> PortalSession | None:
    token = read_token(text)
    if token is None:
        return None
    async with house.database.connection() as connection:
        row = await QUERIES.session.fetchrow(connection, **by_token(token))
    return None if row is None else session_of(row)


async def _open(house: House, connection: Connection, customer_id: int, source: str) -> Opened:
    now, session_id = house.wall.now(), house.ids.next()
    text = write_token(customer_id, session_id, secrets.token_bytes(SECRET_BYTES))
    token = read_token(text)
    assert token is not None, "it was just written"
    await QUERIES.forget_sessions.execute(
        connection, customer_id=customer_id, before=now - KEPT_FOR
    )
    await QUERIES.add_session.execute(
        connection,
        **by_token(token),
        scope="",
        return_to="",
        at=now,
        opened_at=now,
        ends_at=now + SESSION_LIFE,
    )
    await note_entry(house, connection, source, customer_id, by=SIGN_IN)
    row = await QUERIES.session.fetchrow(connection, **by_token(token))
    assert row is not None, "it was just written"
    return Opened(token=text, session=session_of(row))


async def _customer_of(house: House, number: str) -> _Sought | Refused:
    """Return the customer with a number, or an identifier of nobody that looks no different."""
    kind, value = _kind_of(house, number)
    if kind is None:
        return refuse(SIGN_IN_NUMBER_INVALID)
    people = await find_people(house, kind, value)
    # A phone that several share leads to none of them; the identity number does.
    known = people[0] if len(people) == 1 else None
    return _Sought(_nobody(house, value) if known is None else known, known)


def _kind_of(house: House, number: str) -> tuple[IndexKind | None, str]:
    id_number = check_id_number(number, house.clock.now().date())
    if isinstance(id_number, str):
        return IndexKind.ID_NUMBER, id_number
    phone = check_phone(number)
    return (IndexKind.PHONE, phone) if isinstance(phone, str) else (None, "")


def _nobody(house: House, value: str) -> int:
    """Return the same identifier each time, so that the bounds hold for nobody as well."""
    digest = hmac.digest(house.code_key, b"counterfoil/nobody/v1\0" + value.encode(), "sha256")
    return int.from_bytes(digest[:8]) & _ID_MASK


def _stored(row: Row) -> StoredCode:
    return StoredCode(**{name: row[name] for name in StoredCode._fields})


def _visitor_sha256(visitor: bytes) -> bytes:
    return hashlib.sha256(b"counterfoil/portal-visitor/v1\0" + visitor).digest()


def _is_too_often(issued: list[datetime], now: datetime) -> bool:
    last_hour = sum(1 for at in issued if now - at < timedelta(hours=1))
    return last_hour >= CODES_PER_HOUR or len(issued) >= CODES_PER_DAY
