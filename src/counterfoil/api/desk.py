"""The API's desk: what every request is handed, made once when the program starts."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from counterfoil.api import problems, refusals
from counterfoil.api.problems import FieldFault, Reply, Texts
from counterfoil.journeys import entry, trail
from counterfoil.journeys.entry import Ask
from counterfoil.journeys.guarding.look_book import customers_in, note_look
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act
from counterfoil.kernel.clock import SystemClock
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform.access import ApiKey, KeyRing, Scope
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.database import is_away
from counterfoil.platform.holdings import EVERYTHING, Reach, Wanted, wanted_in
from counterfoil.platform.telemetry import logger, request_id
from counterfoil.platform.trail_book import STRANGER

_LOG: Final = logger("counterfoil.api")

_BEARER: Final = b"bearer "
#: Seconds for which a header that was verified is known again without hashing it.
_KNOWN_SECONDS: Final = 1.0
_KNOWN_MAX: Final = 10_000

#: Member of bodies and answers that names a product.
_PRODUCT: Final = "product_code"


def wanted_of(*given: object, path: Iterable[tuple[str, int]] = ()) -> Wanted:
    """Return what a request is about, from every identifier that stands in it, however deep.

    `path` are prefixes and numbers that the router has read already.
    """
    texts, products = list[str](), set[str]()
    waiting = list(given)
    while waiting:
        item = waiting.pop()
        if isinstance(item, Mapping):
            if isinstance(product := item.get(_PRODUCT), str):
                products.add(product)
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
        elif isinstance(item, str):
            texts.append(item)
    return wanted_in(texts, also=path, product_codes=products)


def source_of(scope: Mapping[str, Any]) -> str:
    """Return from where a request comes, for the trail."""
    client = scope.get("client")
    return f"api {client[0]}" if client else "api"


class Desk:
    """Tools of the API; the house is there while the process serves."""

    def __init__(self, texts: Texts) -> None:
        """Take the texts; the house comes when it is open."""
        self.texts = texts
        #: Held while days are closed at a caller's wish: one request at a time.
        self.day_lock = asyncio.Lock()
        #: The background jobs, where this process runs them.
        self.jobs: asyncio.Task[None] | None = None
        self._house: House | None = None
        self._keys: KeyRing | None = None
        self._known: dict[bytes, ApiKey] = {}
        self._known_until = float("-inf")

    @property
    def house(self) -> House:
        """Return the house; refuse where it is not open."""
        if self._house is None:
            raise RefusedError(refuse(refusals.NOT_READY))
        return self._house

    @property
    def is_open(self) -> bool:
        """Return whether there is a house."""
        return self._house is not None

    def open(self, house: House) -> None:
        """Begin to serve a house."""
        self._house = house
        self._keys = KeyRing(house.database, house.clock)
        self._known.clear()

    def close(self) -> None:
        """Serve no more."""
        self._house = self._keys = None
        self._known.clear()

    def jobs_fault(self) -> str | None:
        """Return why the background jobs do not run; None where they do, or run elsewhere."""
        if self.jobs is None or not self.jobs.done():
            return None
        failed = not self.jobs.cancelled() and self.jobs.exception()
        return f"ended by {type(failed).__name__}" if failed else "ended"

    async def verify(self, authorization: bytes | None) -> ApiKey | None:
        """Return the API key of a header; None where it carries none that is valid now."""
        if authorization is None:
            return None
        now = asyncio.get_running_loop().time()
        if now < self._known_until:
            known = self._known.get(authorization)
            if known is not None:
                return known
        else:
            self._known.clear()
            self._known_until = now + _KNOWN_SECONDS
        return await self._verify(authorization)

    async def _verify(self, authorization: bytes) -> ApiKey | None:
        if self._keys is None:
            raise RefusedError(refuse(refusals.NOT_READY))
        scheme, secret = authorization[: len(_BEARER)], authorization[len(_BEARER) :]
        if scheme.lower() != _BEARER or not secret.isascii():
            return None
        key = await self._keys.verify(secret.decode().strip())
        if key is not None and len(self._known) < _KNOWN_MAX:
            self._known[authorization] = key
        return key

    def is_limited(self, key: ApiKey) -> bool:
        """Tell whether a program was ever given an attribute."""
        return self._keys is not None and bool(self._keys.holding_of(f"api:{key.client}").grants)

    async def enter(
        self, key: ApiKey, scope: Scope, wanted: Wanted, *, purpose: str = "", source: str = "api"
    ) -> Reach | Refused:
        """Ask at the gate for a program; the reach is everything unless it holds attributes."""
        if self._keys is None or not self.is_limited(key):
            return EVERYTHING
        actor = Actor(name=f"api:{key.client}", role=scope.value, source=source)
        holding = self._keys.holding_of(actor.name)
        ask = Ask(act=scope.value, wanted=wanted, purpose=purpose)
        entered = await entry.enter(self.house, actor, holding, ask, now=SystemClock().now())
        return entered if isinstance(entered, Refused) else entered.reach

    async def note_read(
        self, key: ApiKey, scope: Scope, operation: str, *, source: str, body: bytes
    ) -> None:
        """Write to the trail, before it is sent, whom the answer to a read names."""
        shown = customers_in(body)
        if shown:
            actor = Actor(name=f"api:{key.client}", role=scope.value, source=source)
            await note_look(self.house, actor, Act(name="read", subject=operation), shown)

    async def note_refusal(
        self,
        key: ApiKey,
        refused: Refused,
        operation: str,
        *,
        source: str,
        customer_ids: Sequence[int] = (),
    ) -> None:
        """Write to the trail that a known client was turned away; a flood of it is counted."""
        if self._house is not None:
            actor = Actor(name=f"api:{key.client}", role="client", source=source)
            act = Act(name="api", subject=operation, customer_ids=customer_ids)
            await trail.note_refusal(self._house, actor, act, refused)

    async def note_stranger(self, refused: Refused, operation: str, *, source: str) -> None:
        """Write to the trail that somebody without a key was turned away; all count as one."""
        if self._house is not None:
            actor = Actor(name=STRANGER, role="client", source=source)
            act = Act(name="api", subject=operation)
            await trail.note_refusal(self._house, actor, act, refused)

    def document(
        self, refused: Refused, language: str, faults: Iterable[FieldFault] = ()
    ) -> dict[str, object]:
        """Return the problem document of a refusal in the request at hand."""
        return problems.document(
            refused,
            texts=self.texts,
            language=language,
            request_id=request_id.get(),
            faults=tuple(faults),
        )

    def problem(
        self,
        refused: Refused,
        headers: Mapping[bytes, bytes],
        faults: Iterable[FieldFault] = (),
    ) -> Reply:
        """Return the answer that says no, in the language that is asked for."""
        language = problems.language_of(headers.get(b"accept-language"))
        return problems.reply(self.document(refused, language, faults), refused.kind, language)

    def invalid(self, errors: Iterable[Mapping[str, Any]], headers: Mapping[bytes, bytes]) -> Reply:
        """Return the answer to a request that does not have the form described."""
        refused, faults = problems.invalid(errors)
        return self.problem(refused, headers, faults)

    def failure(self, error: Exception) -> Refused:
        """Return what is said of an exception; the trace goes to the log alone."""
        if isinstance(error, RefusedError):
            return error.refused
        if is_away(error):
            _LOG.warning("database away", error=type(error).__name__)
            return refuse(refusals.NOT_READY)
        _LOG.error("request failed", exc_info=error)
        return refuse(refusals.INTERNAL_ERROR)
