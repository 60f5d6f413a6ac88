"""One request to the console: who asks, in which language, and what the answer is made of."""

import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from operator import attrgetter
from typing import Any, Final, TypeVar

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from counterfoil.console.access import Permission, may_now
from counterfoil.console.desk import Desk, environment_label
from counterfoil.console.frame import BASE, Alarm, Drawer, Frame, navigation
from counterfoil.console.reading import READING
from counterfoil.journeys.admitting.staff_rights import NO_STANDING, Standing
from counterfoil.journeys.entry import Ask, enter, in_queue, within
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.database import Connection
from counterfoil.platform.holdings import (
    NOTHING,
    NOTHING_HELD,
    Holding,
    Matter,
    Reach,
    Wanted,
    wanted_in,
)
from counterfoil.platform.read_acts import Door, refuse_reading
from counterfoil.platform.web.format import NONE, Formats
from counterfoil.platform.web.forms import SECRET_BYTES, FormReader, masked_token
from counterfoil.platform.web.i18n import Catalogue
from counterfoil.platform.web.parts import Form, Status, error_texts
from counterfoil.platform.web.sessions import Session
from counterfoil.privacy.alias import Aliases

T = TypeVar("T")
#: Key of what waits about the person and has no product.
OF_PERSON: Final = attrgetter("customer_id", "customer_id")


@dataclass(slots=True)
class Counted:
    """A connection that counts what it is asked, for the developer drawer."""

    inner: Any
    visit: "Visit"

    async def fetch(self, query: str, *args: object) -> list[Any]:
        """Return all rows."""
        self.visit.statements += 1
        rows: list[Any] = await self.inner.fetch(query, *args)
        return rows

    async def fetchrow(self, query: str, *args: object) -> Any:
        """Return the first row or None."""
        self.visit.statements += 1
        return await self.inner.fetchrow(query, *args)

    async def fetchval(self, query: str, *args: object) -> Any:
        """Return the first column of the first row or None."""
        self.visit.statements += 1
        return await self.inner.fetchval(query, *args)

    async def execute(self, query: str, *_: object) -> str:
        """Refuse: a page reads, and what writes is a journey."""
        raise AssertionError(f"pages do not write; journeys do: {query[:40]}")


@dataclass(slots=True, kw_only=True)
class Visit:
    """One request."""

    desk: Desk
    request: Request
    session: Session | None
    catalogue: Catalogue
    formats: Formats
    theme: str
    has_single_keys: bool
    #: Whether the site is tried out on a loopback address without TLS.
    is_plain: bool
    #: Keys the tokens of this visitor's forms.
    secret: bytes
    request_id: str
    started: float
    #: Fields of the post, empty for a GET.
    values: Mapping[str, str] = field(default_factory=dict)
    #: Whether the post came from a page whose session has changed meanwhile: it is shown again.
    is_stale: bool = False
    #: What holds for the operator beyond the role.
    standing: Standing = NO_STANDING
    #: Attributes and trainings of the operator, what they let be seen, and through which case.
    holding: Holding = NOTHING_HELD
    reach: Reach = NOTHING
    case_id: int | None = None
    #: The numbers by which the operator knows records; None where they are the records' own.
    aliases: Aliases | None = None
    business_date: date | None = None
    statements: int = 0
    #: What the reader was last told no with.
    refused: Refused | None = None

    @property
    def role(self) -> str:
        """Return the operator's role, empty where nobody is signed in."""
        return self.session.role if self.session else ""

    @property
    def operator(self) -> str:
        """Return the operator's name, empty where nobody is signed in."""
        return self.session.operator if self.session else ""

    @property
    def actor(self) -> Actor:
        """Return who acts, and from where, for journeys that keep a trail."""
        host = self.request.client.host if self.request.client else "unknown"
        return Actor(
            name=self.operator,
            role=self.role,
            source=f"console {host}",
            lent=self.standing.lent_role,
            suspended=self.standing.suspended,
        )

    def t(self, key: str, **values: object) -> str:
        """Return a message in the reader's language."""
        return self.catalogue.text(key, **values)

    def may(self, permission: Permission) -> bool:
        """Return whether the operator holds a permission."""
        return may_now(self.actor, permission)

    def reads(self, address: str) -> bool:
        """Return whether the operator is given what the page of an address reads for."""
        return refuse_reading(Door.CONSOLE, address, self.actor) is None

    def opens(self, permission: Permission, address: str) -> bool:
        """Return whether the operator may open the page of an address, as far as roles say."""
        return self.may(permission) and self.reads(address)

    def status(self, family: str, code: str, tones: Mapping[str, str]) -> Status:
        """Return a state as a word with its tone."""
        return Status(label=self.catalogue.label(family, code), tone=tones.get(code, ""))

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Counted]:
        """Lend a connection for reading that counts its statements and shows what is in reach."""
        async with within(self.desk.house, self.reach, now=self.desk.wall.now()) as connection:
            yield await self.counted(connection)

    async def enter(
        self, permission: Permission, wanted: Wanted, *, purpose: str = "", way: str = ""
    ) -> Refused | None:
        """Ask at the gate, and take what is in reach and the case through which it is.

        `way` is the address of the page, where it was not asked before for what that reads.
        """
        ask = Ask(
            act=permission.value,
            wanted=wanted,
            purpose=purpose,
            way=(Door.CONSOLE, way) if way else None,
        )
        entered = await enter(
            self.desk.house, self.actor, self.holding, ask, now=self.desk.wall.now()
        )
        if isinstance(entered, Refused):
            return entered
        self.reach, self.case_id = entered.reach, entered.case_id
        return None

    async def in_queue(
        self, items: Iterable[T], kind: str, key: Callable[[T], tuple[int, int]]
    ) -> list[T]:
        """Return what of a queue the operator may take up.

        `kind` is the prefix of what waits and `key` gives whose it is and its number; a matter of
        the person is of the kind of customers.
        """
        keyed = [(key(item), item) for item in items]
        waiting = [(Matter(owner, kind, number), item) for (owner, number), item in keyed]
        matters = {matter for matter, _ in waiting}
        seen = await in_queue(self.desk.house, self.reach, matters, now=self.desk.wall.now())
        return [item for matter, item in waiting if matter in seen]

    async def of_lines(
        self, items: Iterable[T], customer_id: int, line_of: Callable[[T], int | None]
    ) -> list[T]:
        """Return those of a customer's items that are of no line, or of one within reach."""
        lines = [(line_of(item), item) for item in items]
        matters = {Matter(customer_id, ids.LINE, line) for line, _ in lines if line is not None}
        seen = await in_queue(self.desk.house, self.reach, matters, now=self.desk.wall.now())
        return [
            item
            for line, item in lines
            if line is None or Matter(customer_id, ids.LINE, line) in seen
        ]

    async def within_reach(self, items: Iterable[T], said: Callable[[T], str]) -> list[T]:
        """Return those of some items whose words name nobody and nothing beyond one's reach."""
        named = [(wanted_in(ids.texts_in(said(item))).each(), item) for item in items]
        matters = {matter for one, _ in named for matter in one}
        seen = await in_queue(self.desk.house, self.reach, matters, now=self.desk.wall.now())
        return [item for one, item in named if one <= seen]

    async def counted(self, connection: Connection) -> Counted:
        """Return a connection that counts its statements; the first one reads the business date."""
        counted = Counted(connection, self)
        if self.business_date is None:
            self.business_date = await READING.business_date.fetchval(counted)
        return counted

    def form(self, action: str, reader: FormReader | None = None, **initial: str) -> Form:
        """Return a form to show: empty, or with the input and the errors of a post."""
        values = {**initial, **self.values} if reader or self.is_stale else initial
        errors = error_texts(reader.errors, self.catalogue) if reader else {}
        if self.is_stale:
            errors["form"] = self.t("form.stale")
        return Form(
            action=action, token=self.token(), key=self.new_key(), values=values, errors=errors
        )

    def token(self) -> str:
        """Return the token of the forms, masked anew."""
        return masked_token(self.secret, self.desk.random_bytes(SECRET_BYTES))

    def new_key(self) -> str:
        """Return a fresh idempotency key for a form."""
        return f"console-{self.desk.random_bytes(12).hex()}"

    def page(
        self,
        template: str,
        title: str,
        view: object,
        *,
        status: int = 200,
        journey: str = "",
        api_call: str = "",
        cli_call: str = "",
    ) -> Response:
        """Return a page inside the console's frame."""
        drawer = self._drawer(journey, api_call, cli_call)
        text = self.desk.site.render(
            template, self.catalogue, self.formats, title=title, view=view,
            frame=self._frame(drawer),
        )  # fmt: skip
        return HTMLResponse(text, status_code=status)

    def known_by_all(self, text: str) -> str:
        """Return a digest or another house's reference; nothing to who sees pseudonyms.

        Everybody knows the record by it, so that two who see pseudonyms could join their lists.
        """
        return text if self.aliases is None else NONE

    def done(self, *known: str) -> str:
        """Return what the act that led here says, where it is one of those known to the page."""
        word = self.request.query_params.get("done", "")
        return self.t(f"done.{word}") if word in known else ""

    def go(self, path: str) -> Response:
        """Return a redirect after a post."""
        return RedirectResponse(path, status_code=303)

    def _drawer(self, journey: str, api_call: str, cli_call: str) -> Drawer | None:
        if not self.may(Permission.DEVELOP):
            return None
        return Drawer(
            request_id=self.request_id,
            journey=journey,
            api_call=api_call,
            cli_call=cli_call,
            statements=self.statements,
            milliseconds=f"{(time.perf_counter() - self.started) * 1000:.1f}",
        )

    def _frame(self, drawer: Drawer | None) -> Frame:
        path = self.request.url.path
        name = self.desk.house.settings.environment
        return Frame(
            language=self.catalogue.language,
            theme=self.theme,
            environment=environment_label(name, self.catalogue),
            business_date=self.formats.day(self.business_date),
            operator=self.operator,
            role=self.catalogue.label("role", self.role) if self.role else "",
            token=self.token(),
            here=self._here(),
            navigation=navigation(self.opens, path, self.catalogue),
            reads=self.reads,
            alarm=self._alarm(),
            asset_versions={name: asset.version for name, asset in self.desk.site.assets.items()},
            has_single_keys=self.has_single_keys,
            drawer=drawer,
        )

    def _alarm(self) -> Alarm | None:
        """Return what every page says of emergencies: of one's own, or of those that wait."""
        standing, t = self.standing, self.t
        if standing.lent_role:
            role = self.catalogue.label("role", standing.lent_role)
            until = self.formats.instant(standing.ends_at)
            text = t("emergency.under_way", role=role, until=until)
            return Alarm(text=text, href=f"{BASE}/emergency", label=t("emergency.open"))
        if standing.emergencies_waiting and self.may(Permission.MANAGE_STAFF):
            text = t("emergency.waiting", count=standing.emergencies_waiting)
            return Alarm(text=text, href=f"{BASE}/staff", label=t("emergency.look"))
        return None

    def _here(self) -> str:
        """Return the address of this page; the page of a post is not one to come back to."""
        url = self.request.url
        if self.request.method == "POST":
            return url.path
        return f"{url.path}?{url.query}" if url.query else url.path
