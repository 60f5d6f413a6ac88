"""What changes something: one way in for every write, from the raw request to the raw answer.

Order       Key and scope, media type and size, idempotency key, form, and only then the journey:
            whoever may not come in learns nothing about what is inside.
Text        In one form, NFC, whatever form it was sent in: a repeated request is the same request.
Repetition  The answer of a journey is handed out to the byte; a replay says that it is one.
Cost        This path carries every drawdown, so it is plain: no framework, one look at the
            headers, one pass of a compiled validator over the raw body.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import orjson
from pydantic import ValidationError

from counterfoil.api import refusals
from counterfoil.api.desk import Desk, wanted_of
from counterfoil.api.problems import FieldFault, Headers, Reply, invalid, language_of
from counterfoil.api.shapes import Body, View
from counterfoil.journeys import trail
from counterfoil.journeys.hosting.host_scope import refuse_route
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.kernel.text import normal_json
from counterfoil.platform.access import ApiKey, Scope
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.batches import Answer
from counterfoil.platform.holdings import Wanted
from counterfoil.platform.read_acts import Door, begin_reading, refuse_program
from counterfoil.platform.web.security import Message, Receive
from counterfoil.privacy.masking import mask_free_text

BODY_BYTES_MAX: Final = 1_000_000
#: Read and dropped, at most, for a client that ends its connection with its request.
_PASSED_OVER_MAX: Final = 16_000_000
#: Long enough for a UUID with a prefix; the key is part of an index.
KEY_LENGTH_MAX: Final = 128
_VISIBLE: Final = frozenset(range(0x21, 0x7F))
_JSON: Final = b"application/json"


class Call(NamedTuple):
    """Who asks for a write, and what stands in its address and headers."""

    desk: Desk
    key: ApiKey
    idempotency_key: str
    #: Identifiers in the path, by name.
    path: Mapping[str, int]
    #: The language of a problem inside the answer.
    language: str
    #: From where it comes, for the trail.
    source: str = "api"

    @property
    def house(self) -> House:
        """Return the house."""
        return self.desk.house

    @property
    def author(self) -> str:
        """Return the name under which a change is recorded."""
        return f"api:{self.key.client}"


Carry = Callable[[Call, Any], Awaitable[Answer | Refused]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One operation that changes something."""

    #: The operation's name in generated clients.
    name: str
    tag: str
    path: str
    scope: Scope
    body: type[Body]
    answer: type[View]
    carry: Carry
    summary: str
    #: An example body for the reference; a test sends it.
    example: dict[str, Any]
    status: int = 200
    #: Other scopes any of which lets a request in; each command of a list is checked again.
    other_scopes: frozenset[Scope] = frozenset()
    #: A calculation writes nothing and needs no key.
    needs_key: bool = True
    description: str = ""
    #: The form as it is described, where that says more than the validator checks at once.
    described_by: type[Body] | None = None
    #: Prefixes of the identifiers in the path, by name.
    path_ids: Mapping[str, str] = field(default_factory=dict)
    #: Whether the rows of its commands are its lines of the trail: what many customers do at once.
    is_told_by_commands: bool = False

    @property
    def is_calculation(self) -> bool:
        """Return whether it only looks: what it shows of customers is read, and nothing changed."""
        return self.scope.value.endswith(":read")


class ClientGoneError(Exception):
    """The client hung up before its request was complete."""


class Came(NamedTuple):
    """A request as it came."""

    receive: Receive
    headers: Mapping[bytes, bytes]
    #: As the trail names it.
    source: str


class _Turned(NamedTuple):
    """A request of a known program that was turned away."""

    refused: Refused
    faults: Sequence[FieldFault] = ()
    customer_ids: tuple[int, ...] = ()
    #: Whether the trail tells of it already.
    is_told: bool = False


class _Taken(NamedTuple):
    """A request that has the form described."""

    body: Any
    raw: bytes
    idempotency_key: str


async def answer(desk: Desk, write: Write, came: Came, path: Mapping[str, int]) -> Reply:
    """Answer one request to change something, and write down what was refused."""
    key = await desk.verify(came.headers.get(b"authorization"))
    if key is None:
        refused = refuse(refusals.NOT_AUTHENTICATED)
        await desk.note_stranger(refused, write.name, source=came.source)
        await _pass_over(came.headers, came.receive)
        return desk.problem(refused, came.headers)
    begin_reading(Door.PROGRAMS, write.name)
    taken = await _take(key, write, came)
    said = (
        taken if isinstance(taken, _Turned) else await _carry(desk, key, write, came, taken, path)
    )
    if isinstance(said, Answer):
        return success(write.status, said)
    if not said.is_told:
        await desk.note_refusal(
            key, said.refused, write.name, source=came.source, customer_ids=said.customer_ids
        )
    return desk.problem(said.refused, came.headers, said.faults)


async def _take(key: ApiKey, write: Write, came: Came) -> _Taken | _Turned:
    """Read a request, or say what is wrong with it before anything is looked up."""
    headers, name = came.headers, ""
    refused = _refuse_access(key, write) or _refuse_form(headers)
    if refused is None and write.needs_key:
        given = idempotency_key(headers.get(b"idempotency-key"))
        if isinstance(given, Refused):
            refused = given
        else:
            name = given
    if refused is not None:
        await _pass_over(headers, came.receive)
        return _Turned(refused)
    raw = await read_body(headers, came.receive)
    if raw is None:
        return _Turned(refuse(refusals.BODY_TOO_LARGE, limit_bytes=BODY_BYTES_MAX))
    raw = normal_json(raw)
    try:
        body = write.body.__pydantic_validator__.validate_json(raw)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        return _Turned(*invalid(found))
    twice = _refuse_twice(raw)
    return _Taken(body, raw, name) if twice is None else _Turned(twice)


async def _carry(
    desk: Desk, key: ApiKey, write: Write, came: Came, taken: _Taken, path: Mapping[str, int]
) -> Answer | _Turned:
    """Carry a request out with its line in the trail, or say why not."""
    outside = await _refuse_reach(desk, key, write, taken.raw, path, source=came.source)
    if outside is not None:
        return _Turned(outside, customer_ids=_about(write, taken.raw, path).customer_ids)
    language = language_of(came.headers.get(b"accept-language"))
    call = Call(desk, key, taken.idempotency_key, path, language, came.source)

    async def work() -> Answer | Refused:
        try:
            return await write.carry(call, taken.body)
        except RefusedError as error:
            return error.refused

    actor = Actor(name=call.author, role=write.scope.value, source=came.source)
    if write.is_told_by_commands:
        outcome, is_told = await trail.sent(actor, work)
        if isinstance(outcome, Answer) and outcome.is_replay:
            await trail.note_answered(desk.house, actor, _act(write, call, taken.raw)[0])
    elif write.is_calculation:
        outcome, is_told = await work(), False
        if isinstance(outcome, Answer):
            body = taken.raw + outcome.text.encode()
            await desk.note_read(key, write.scope, write.name, source=came.source, body=body)
    else:
        act, about = _act(write, call, taken.raw)
        outcome = await trail.carried_out(desk.house, actor, act, work, about=about, rides=False)
        is_told = True
    if isinstance(outcome, Refused):
        about = _about(write, taken.raw, path)
        return _Turned(outcome, customer_ids=about.customer_ids, is_told=is_told)
    return outcome


async def carry_listed(
    write: Write, call: Call, body: Any, raw: bytes
) -> tuple[Answer | Refused, bool]:
    """Carry out one command of a list, and say whether a refusal of it was written already.

    What its row does not tell of alone has its line as if it had been sent by itself.
    """

    async def work() -> Answer | Refused:
        try:
            return await write.carry(call, body)
        except RefusedError as error:
            return error.refused

    if write.is_told_by_commands:
        return await work(), False
    actor = Actor(name=call.author, role=write.scope.value, source=call.source)
    act, about = _act(write, call, raw)
    outcome = await trail.carried_out(call.house, actor, act, work, about=about, rides=False)
    return outcome, True


def _act(write: Write, call: Call, raw: bytes) -> tuple[Act, Wanted]:
    """Return what the trail tells of a write, and what it is about."""
    about = _about(write, raw, call.path)
    body = orjson.loads(raw)
    reason, purpose = body.get("reason"), body.get("purpose")
    matters = " ".join(ids.to_text(kind, number) for kind, number in about.matters)
    act = Act(
        name="write",
        customer_ids=about.customer_ids,
        subject=f"{write.name} {matters}".rstrip(),
        purpose=purpose if isinstance(purpose, str) else "",
        reason=reason if isinstance(reason, str) else "",
        # Under it the answer is recorded, with what it left behind.
        after=f"key={mask_free_text(call.idempotency_key)}" if call.idempotency_key else "",
    )
    return act, about


def _refuse_twice(raw: bytes) -> Refused | None:
    """Refuse an object that gives a member twice: readers would differ on which one counts."""
    try:
        _READER.decode(raw.decode())
    except _TwiceError:
        return refuse(refusals.MEMBER_TWICE)
    return None


class _TwiceError(Exception):
    """An object gives a member twice."""


def _each_once(members: list[tuple[str, object]]) -> None:
    if len({name for name, _ in members}) < len(members):
        raise _TwiceError


_READER: Final = json.JSONDecoder(object_pairs_hook=_each_once)


def success(status: int, outcome: Answer) -> Reply:
    """Return the answer of a journey as it was recorded."""
    body = outcome.text.encode()
    headers: Headers = [*_SUCCESS, (b"content-length", b"%d" % len(body))]
    if outcome.is_replay:
        headers.append((b"idempotent-replayed", b"true"))
    return Reply(status, headers, body)


def idempotency_key(given: bytes | None) -> str | Refused:
    """Return the client's key for this request."""
    if not given:
        return refuse(refusals.IDEMPOTENCY_KEY_MISSING)
    if len(given) > KEY_LENGTH_MAX or not _VISIBLE.issuperset(given):
        return refuse(refusals.IDEMPOTENCY_KEY_INVALID, length_max=KEY_LENGTH_MAX)
    return given.decode("ascii")


async def read_body(headers: Mapping[bytes, bytes], receive: Receive) -> bytes | None:
    """Return the body, None where it is larger than allowed; what lies beyond is not kept."""
    message = await _next(receive)
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        if len(body) > BODY_BYTES_MAX:
            await _pass_over(headers, receive)
            return None
        message = await _next(receive)
        body += message.get("body", b"")
    return None if len(body) > BODY_BYTES_MAX else body


async def _pass_over(headers: Mapping[bytes, bytes], receive: Receive) -> None:
    """Let a client that ends its connection send to its end, so that it can read why not.

    Closing on bytes that nobody read resets the connection, and the answer with it. Where the
    connection goes on, the server passes over what is left by itself.
    """
    if headers.get(b"connection", b"").lower() != b"close":
        return
    passed = 0
    while passed < _PASSED_OVER_MAX:
        message = await _next(receive)
        passed += len(message.get("body", b""))
        if not message.get("more_body"):
            return


async def _next(receive: Receive) -> Message:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGoneError
    return message


_SUCCESS: Final[Headers] = [
    (b"content-type", _JSON),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
]


def _about(write: Write, raw: bytes, path: Mapping[str, int]) -> Wanted:
    """Return what a write is about; the router has read the path, the write says of what kinds."""
    named = [(write.path_ids[name], number) for name, number in path.items()]
    return wanted_of(orjson.loads(raw), path=named)


def _refuse_access(key: ApiKey, write: Write) -> Refused | None:
    if closed := refuse_route(key, write.name):
        return closed
    if write.scope in key.scopes or not write.other_scopes.isdisjoint(key.scopes):
        return refuse_program(write.name, write.scope)
    return refuse(refusals.SCOPE_MISSING, scope=write.scope.value)


async def _refuse_reach(
    desk: Desk, key: ApiKey, write: Write, raw: bytes, path: Mapping[str, int], *, source: str
) -> Refused | None:
    """Refuse a program that holds attributes what lies beyond them."""
    if not desk.is_limited(key):
        return None
    body = orjson.loads(raw)
    purpose = str(body.get("purpose", "")) if write.scope is Scope.PERSONAL_REVEAL else ""
    about = _about(write, raw, path)
    reach = await desk.enter(key, write.scope, about, purpose=purpose, source=source)
    return reach if isinstance(reach, Refused) else None


def _refuse_form(headers: Mapping[bytes, bytes]) -> Refused | None:
    """Refuse by what the headers say, before the body is read."""
    media_type = headers.get(b"content-type", b"")
    if media_type != _JSON and not _is_json(media_type):
        return refuse(refusals.MEDIA_TYPE_UNSUPPORTED)
    length = headers.get(b"content-length")
    if length is not None and length.isdigit() and int(length[:20]) > BODY_BYTES_MAX:
        return refuse(refusals.BODY_TOO_LARGE, limit_bytes=BODY_BYTES_MAX)
    return None


def _is_json(media_type: bytes) -> bool:
    """Return whether a media type with parameters is JSON in the only encoding that JSON has."""
    name, _, parameters = media_type.lower().partition(b";")
    if name.strip() != _JSON:
        return False
    charset = parameters.replace(b'"', b"").replace(b" ", b"")
    return charset in (b"", b"charset=utf-8")
