"""Who may come in: programs with an API key and its scopes, staff with a name and a password.

Invariant   No secret is stored or logged: a key is kept as SHA-256 (it has 190 bits of chance, so
            nothing slower is needed), a password as scrypt. Comparisons take constant time.
Cache       Keys are checked in memory, in microseconds. A key that was revoked or made elsewhere
            takes effect within `FRESH_SECONDS`; without the database nobody new comes in.
Follows     RFC 7914 (scrypt).
"""

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from counterfoil.kernel.clock import Clock
from counterfoil.kernel.text import normal
from counterfoil.platform.database import Database
from counterfoil.platform.holdings import NOTHING_HELD, Holding, holdings_of_programs
from counterfoil.platform.queries import Queries, Row, Runner

_QUERIES: Final = Queries.load("counterfoil.platform", "access.sql")

PREFIX: Final = "cfk_"
#: The part of a key that is stored in the clear and shown in lists.
LOOKUP_LENGTH: Final = 10
SECRET_LENGTH: Final = 32
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#: Longest that this process goes on with what it knew of the keys.
FRESH_SECONDS: Final = 2.0
#: An unknown key may be new, but strangers must not make us ask the database at will.
UNKNOWN_SECONDS_MIN: Final = 0.5
#: More keys than one deployment has; the cache holds them all.
KEYS_MAX: Final = 10_000


class Scope(StrEnum):
    """What a key may be used for; the API names the scope of each operation."""

    PRODUCTS_READ = "products:read"
    APPLICANTS_READ = "applicants:read"
    APPLICANTS_WRITE = "applicants:write"
    CONSENTS_READ = "consents:read"
    CONSENTS_WRITE = "consents:write"
    INQUIRIES_READ = "inquiries:read"
    APPLICATIONS_READ = "applications:read"
    APPLICATIONS_WRITE = "applications:write"
    CONTRACTS_READ = "contracts:read"
    CONTRACTS_WRITE = "contracts:write"
    LINES_READ = "lines:read"
    LINES_WRITE = "lines:write"
    DRAWDOWNS_WRITE = "drawdowns:write"
    LOANS_READ = "loans:read"
    REPAYMENTS_WRITE = "repayments:write"
    PAYMENTS_READ = "payments:read"
    LEDGER_READ = "ledger:read"
    EVIDENCE_READ = "evidence:read"
    OPERATIONS_READ = "operations:read"
    OPERATIONS_WRITE = "operations:write"
    METRICS_READ = "metrics:read"
    PERSONAL_REVEAL = "personal:reveal"
    PRIVACY_READ = "privacy:read"
    PRIVACY_WRITE = "privacy:write"
    APPROVALS_READ = "approvals:read"
    APPROVALS_WRITE = "approvals:write"
    TRAIL_READ = "trail:read"
    STAFF_READ = "staff:read"
    STAFF_WRITE = "staff:write"
    #: What keys of hosts are for; a host's registration says what each may do.
    HOST_READ = "host:read"
    HOST_WRITE = "host:write"


class Role(StrEnum):
    """What an operator is there for."""

    ADMINISTRATOR = "administrator"
    OPERATIONS = "operations"
    COLLECTOR = "collector"
    RISK_ANALYST = "risk_analyst"
    COMPLIANCE = "compliance"
    AUDITOR = "auditor"
    FINANCE = "finance"
    #: Looks after the system, without business with customers.
    SUPPORT = "support"
    #: Works on overdue cases outside the house.
    AGENCY = "agency"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A client's key, without its secret."""

    api_key_id: int
    lookup: str
    client: str
    scopes: frozenset[Scope]
    created_at: datetime
    #: None: until it is revoked.
    expires_at: datetime | None
    revoked_at: datetime | None
    #: To the day; None when it was never used.
    last_used_on: date | None
    #: The host whose key it is: it opens the routes of hosts and no others. None: our own.
    host_id: int | None = None

    def allows(self, scope: Scope) -> bool:
        """Return whether the key has the scope."""
        return scope in self.scopes


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """A member of staff who has signed in."""

    operator_id: int
    name: str
    role: Role
    #: Whether a second factor is set up, and asked for.
    has_factor: bool = False


@dataclass(frozen=True, slots=True)
class _Entry:
    key: ApiKey
    digest: bytes


def new_secret() -> str:
    """Return a new key's text; it is shown once and not kept."""
    letters = [secrets.choice(_ALPHABET) for _ in range(LOOKUP_LENGTH + SECRET_LENGTH)]
    return PREFIX + "".join(letters)


def digest_of(secret: str) -> bytes:
    """Return what is stored of a key's text."""
    return hashlib.sha256(secret.encode()).digest()


def lookup_of(secret: str) -> str:
    """Return the part of a key's text by which its row is found."""
    return secret[len(PREFIX) : len(PREFIX) + LOOKUP_LENGTH]


async def create_api_key(
    connection: Runner,
    *,
    api_key_id: int,
    client: str,
    scopes: Iterable[Scope],
    now: datetime,
    expires_at: datetime | None = None,
    host_id: int | None = None,
) -> str:
    """Store a new key and return its text, which nobody can get again."""
    secret = new_secret()
    await _QUERIES.add_api_key.execute(
        connection,
        api_key_id=api_key_id,
        lookup=lookup_of(secret),
        digest=digest_of(secret),
        client=client,
        scopes=sorted(set(scopes)),
        created_at=now,
        expires_at=expires_at,
        host_id=host_id,
    )
    return secret


async def list_api_keys(
    connection: Runner, *, before: int = 2**63 - 1, page: int = 100
) -> list[ApiKey]:
    """Return keys, revoked ones too, newest first."""
    rows = await _QUERIES.api_keys.fetch(connection, before=before, page=page)
    return [_api_key(row) for row in rows]


async def revoke_api_key(connection: Runner, api_key_id: int, *, now: datetime) -> bool:
    """End a key; False when there is none, or it had ended."""
    return await _QUERIES.revoke_api_key.execute(connection, api_key_id=api_key_id, now=now) == 1


class KeyRing:
    """The keys that may be used now, in memory; one per process."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Start empty: the first question fills it."""
        self._database = database
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._holdings: Mapping[str, Holding] = {}
        self._loaded_at = float("-inf")
        self._loading = asyncio.Lock()
        self._used: set[int] = set()

    async def verify(self, secret: str) -> ApiKey | None:
        """Return the key of a text that is known, not revoked and not expired; else None."""
        if not self._is_plausible(secret):
            return None
        await self._refresh(FRESH_SECONDS)
        found = self._find(secret)
        if found is None:
            await self._refresh(UNKNOWN_SECONDS_MIN)
            found = self._find(secret)
        if found is not None:
            self._used.add(found.api_key_id)
        return found

    def holding_of(self, holder: str) -> Holding:
        """Return the attributes of a program, as fresh as its key."""
        return self._holdings.get(holder, NOTHING_HELD)

    def _is_plausible(self, secret: str) -> bool:
        length = len(PREFIX) + LOOKUP_LENGTH + SECRET_LENGTH
        return len(secret) == length and secret.startswith(PREFIX)

    def _find(self, secret: str) -> ApiKey | None:
        entry = self._entries.get(lookup_of(secret))
        if entry is None or not hmac.compare_digest(entry.digest, digest_of(secret)):
            return None
        expires_at = entry.key.expires_at
        return None if expires_at is not None and expires_at <= self._clock.now() else entry.key

    async def _refresh(self, seconds: float) -> None:
        """Load the keys again if what is known is older than so many seconds."""
        time = asyncio.get_running_loop().time
        if time() - self._loaded_at < seconds:
            return
        async with self._loading:
            if time() - self._loaded_at < seconds:
                return
            started_at = time()
            async with self._database.connection() as connection:
                await self._load(connection)
            self._loaded_at = started_at

    async def _load(self, connection: Runner) -> None:
        now = self._clock.now()
        used, self._used = self._used, set()
        if used:
            await _QUERIES.note_api_key_use.execute(
                connection, used_on=now.date(), api_key_ids=sorted(used)
            )
        rows = await _QUERIES.live_api_keys.fetch(connection, now=now, page=KEYS_MAX)
        self._holdings = await holdings_of_programs(connection)
        self._entries = {row["lookup"]: _Entry(_api_key(row), row["digest"]) for row in rows}


def _api_key(row: Row) -> ApiKey:
    known = {scope.value for scope in Scope}
    return ApiKey(
        api_key_id=row["api_key_id"],
        lookup=row["lookup"],
        client=row["client"],
        # A scope of a newer release means nothing to this one.
        scopes=frozenset([Scope(scope) for scope in row["scopes"] if scope in known]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        last_used_on=row["last_used_on"],
        host_id=row["host_id"],
    )


#: What an operator's name looks like; the table checks it as well.
OPERATOR_NAME: Final = r"[a-z][a-z0-9._-]{0,63}"
#: Cost of scrypt: 16 MiB and some 50 ms a try.
_SCRYPT_N: Final = 2**14
_SCRYPT_R: Final = 8
_SCRYPT_P: Final = 1
_SCRYPT_BYTES_MAX: Final = 64 * 1024**2
_SALT_BYTES: Final = 16
#: Longer passwords are refused rather than cut.
PASSWORD_BYTES_MAX: Final = 1_024


def hash_password(password: str, *, salt: bytes | None = None) -> str:
    """Return what is stored of a password: `scrypt$n$r$p$salt$hash`."""
    chosen = secrets.token_bytes(_SALT_BYTES) if salt is None else salt
    cost = (_SCRYPT_N, _SCRYPT_R, _SCRYPT_P)
    parts = [str(part) for part in cost]
    return "$".join(["scrypt", *parts, _text(chosen), _text(_scrypt(password, chosen, *cost))])


def is_password(password: str, stored: str) -> bool:
    """Return whether a password is the one that was stored."""
    _, n, r, p, salt, expected = stored.split("$")
    if len(password.encode()) > PASSWORD_BYTES_MAX:
        return False
    given = _scrypt(password, base64.b64decode(salt), int(n), int(r), int(p))
    return hmac.compare_digest(given, base64.b64decode(expected))


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(
        normal(password).encode(), salt=salt, n=n, r=r, p=p, maxmem=_SCRYPT_BYTES_MAX, dklen=32
    )


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


#: The hash of no password at all: an unknown name costs as much time as a wrong password.
_NOBODY: Final = "$".join(
    ["scrypt", str(_SCRYPT_N), str(_SCRYPT_R), str(_SCRYPT_P), _text(bytes(16)), _text(bytes(32))]
)


async def set_operator(
    connection: Runner,
    *,
    operator_id: int,
    name: str,
    role: Role,
    password: str,
    now: datetime,
) -> None:
    """Add an operator, or give one who is there a new role and password."""
    await _QUERIES.set_operator.execute(
        connection,
        operator_id=operator_id,
        name=name,
        role=role.value,
        password_scrypt=await asyncio.to_thread(hash_password, password),
        created_at=now,
    )


async def disable_operator(connection: Runner, name: str, *, now: datetime) -> bool:
    """Take an operator's right to sign in; False when there is none, or it was taken before.

    Sessions end too, and stay ended if the operator comes back.
    """
    return await _QUERIES.disable_operator.execute(connection, name=name, now=now) == 1


async def set_signed_out(connection: Runner, name: str, *, now: datetime) -> None:
    """End an operator's sessions."""
    await _QUERIES.set_signed_out.execute(connection, name=name, now=now)


async def verify_operator(connection: Runner, name: str, password: str) -> Operator | None:
    """Return the operator whose name and password these are, unless disabled; else None."""
    row = await _QUERIES.operator.fetchrow(connection, name=name)
    stored = _NOBODY if row is None else row["password_scrypt"]
    matches = await asyncio.to_thread(is_password, password, stored)
    if row is None or not matches or row["disabled_at"] is not None:
        return None
    return _operator(row)


async def find_operator(
    connection: Runner, name: str, *, signed_in_at: datetime | None = None
) -> Operator | None:
    """Return an operator who may sign in, so that a session ends when its operator is disabled.

    A sign-in from before the last change of password or role does not count.
    """
    row = await _QUERIES.operator.fetchrow(connection, name=name)
    if row is None or row["disabled_at"] is not None:
        return None
    after = row["signed_in_after"]
    if signed_in_at is not None and after is not None and signed_in_at < after:
        return None
    return _operator(row)


def _operator(row: Row) -> Operator:
    return Operator(
        operator_id=row["operator_id"],
        name=row["name"],
        role=Role(row["role"]),
        has_factor=row["has_factor"],
    )
