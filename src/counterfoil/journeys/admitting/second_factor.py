"""The second factor of staff: setting it up, checking a code, taking it away.

Secret      20 random bytes, sealed under a key of the installation; the app and we have it, the
            database alone does not.
Codes       Once each: the step of a code is used up in the transaction that takes it, and so is a
            recovery code, of which ten are made and kept by digest (they have 80 bits of chance).
Renewing    Needs a code of the present secret; until the new one is confirmed the old one counts.
"""

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform import staff, totp
from counterfoil.platform.access import Operator, set_signed_out
from counterfoil.platform.access_matrix import Actor, load_matrix
from counterfoil.platform.database import Connection
from counterfoil.platform.files import write_once
from counterfoil.platform.staff import (
    OPERATOR_NOT_FOUND,
    QUERIES,
    RIGHTS_BY_ANOTHER,
    RIGHTS_NOT_ALLOWED,
    SECOND_FACTOR_NOT_BEGUN,
    SECOND_FACTOR_WRONG,
)
from counterfoil.privacy import envelope

#: Who holds one of these is asked for a second factor.
GUARDED: Final = frozenset({"reveal", "approvals", "export", "manage_staff"})
MANAGE: Final = "manage_staff"
RECOVERY_CODES: Final = 10
_RECOVERY_BYTES: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Enrolment:
    """What an app is told once; it never shows itself in a log."""

    #: What the picture carries.
    uri: str
    #: For apps that cannot read the picture.
    text: str


def is_factor_required(house: House, operator: Operator) -> bool:
    """Return whether an operator gets no further without a second factor."""
    rights = load_matrix().rights_of(operator.role.value)
    return house.settings.guards_staff and bool(rights.permissions & GUARDED)


async def begin_factor(
    house: House, actor: Actor, operator: Operator, *, code: str, now: datetime
) -> Enrolment | Refused:
    """Make a secret that waits for its first code; one in use is renewed by a code of its own."""
    if operator.has_factor and not await is_code(house, operator, code, now=now):
        return await _refused(house, actor)
    secret = secrets.token_bytes(totp.SECRET_BYTES)
    async with house.database.transaction() as connection:
        await QUERIES.begin_factor.execute(
            connection,
            operator_id=operator.operator_id,
            pending=_sealed(house, operator.operator_id, secret),
        )
        await note(house, connection, actor, Act(name="second_factor_begun"))
    issuer = f"Counterfoil {house.settings.environment}"
    return Enrolment(
        uri=totp.key_uri(secret, issuer=issuer, account=operator.name), text=totp.key_text(secret)
    )


async def confirm_factor(
    house: House, actor: Actor, operator: Operator, *, code: str, now: datetime
) -> Sequence[str] | Refused:
    """Take the first code of the new secret, and return the recovery codes, once."""
    async with house.database.transaction() as connection:
        factor = await staff.read_factor(connection, operator.operator_id)
        if factor is None or factor.pending is None:
            return refuse(SECOND_FACTOR_NOT_BEGUN)
        secret = _opened(house, operator.operator_id, factor.pending)
        step = totp.matching_step(secret, code, now.timestamp(), after=0)
        if step is None:
            return refuse(SECOND_FACTOR_WRONG)
        await QUERIES.confirm_factor.execute(
            connection,
            operator_id=operator.operator_id,
            pending=factor.pending,
            now=now,
            step=step,
        )
        codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
        await QUERIES.forget_recovery_codes.execute(connection, operator_id=operator.operator_id)
        await QUERIES.add_recovery_codes.execute(
            connection, operator_id=operator.operator_id, digests=[_digest(c) for c in codes]
        )
        await note(house, connection, actor, Act(name="second_factor_set"))
    return codes


async def is_code(house: House, operator: Operator, code: str, *, now: datetime) -> bool:
    """Return whether a code of the app or of the paper counts, and use it up."""
    given = code.strip().replace(" ", "").replace("-", "").lower()
    async with house.database.transaction() as connection:
        factor = await staff.read_factor(connection, operator.operator_id)
        if factor is None or factor.secret is None:
            return False
        secret = _opened(house, operator.operator_id, factor.secret)
        step = totp.matching_step(secret, given, now.timestamp(), after=factor.last_step)
        if step is not None:
            used = await QUERIES.use_step.execute(
                connection, operator_id=operator.operator_id, step=step
            )
            return used == 1
        return await _use_recovery_code(connection, operator, given, now=now)


async def remove_factor(
    house: House, actor: Actor, name: str, *, reason: str, now: datetime
) -> Refused | None:
    """Take a colleague's factor away who has lost app and codes; the sign-ins end too."""
    act = Act(name="second_factor_removed", subject=name, reason=reason)
    if MANAGE not in load_matrix().rights_for(actor).permissions:
        return await note_refusal(house, actor, act, refuse(RIGHTS_NOT_ALLOWED))
    if actor.name == name:
        return await note_refusal(house, actor, act, refuse(RIGHTS_BY_ANOTHER))
    async with house.database.transaction() as connection:
        found = await staff.list_members(connection, name)
        if not found:
            return refuse(OPERATOR_NOT_FOUND, name=name)
        await QUERIES.remove_factor.execute(connection, operator_id=found[0].operator_id)
        await set_signed_out(connection, name, now=now)
        await note(house, connection, actor, act)
    return None


async def _use_recovery_code(
    connection: Connection, operator: Operator, code: str, *, now: datetime
) -> bool:
    used = await QUERIES.use_recovery_code.execute(
        connection, operator_id=operator.operator_id, digest=_digest(code), now=now
    )
    return used == 1


async def _refused(house: House, actor: Actor) -> Refused:
    act = Act(name="second_factor_begun")
    return await note_refusal(house, actor, act, refuse(SECOND_FACTOR_WRONG))


def _recovery_code() -> str:
    text = base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().lower()
    return "-".join(text[n : n + 4] for n in range(0, len(text), 4))


def _digest(code: str) -> bytes:
    return sha256(code.replace("-", "").encode()).digest()


def _key(house: House) -> bytes:
    path = house.settings.home / "keys" / "second-factor.key"
    write_once(path, secrets.token_bytes(envelope.KEY_LENGTH))
    return path.read_bytes()


def _place(operator_id: int) -> bytes:
    return envelope.place("platform.second_factor", "secret", operator_id, 0, "second_factor")


def _sealed(house: House, operator_id: int, secret: bytes) -> bytes:
    return envelope.encrypt(_key(house), secret, _place(operator_id))


def _opened(house: House, operator_id: int, sealed: bytes) -> bytes:
    return envelope.decrypt(_key(house), sealed, _place(operator_id))
