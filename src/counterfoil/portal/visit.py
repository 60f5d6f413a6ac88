"""One request to the portal: which customer, in which language, and what answers are made of."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from counterfoil.customers.portal_access import PortalSession, form_secret
from counterfoil.journeys.serving.portal_session import Opened
from counterfoil.journeys.serving.portal_trail import PORTAL, visitor
from counterfoil.journeys.trail import CUSTOMER
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.kernel.language import Language
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.web.format import Formats
from counterfoil.platform.web.forms import SECRET_BYTES, FormReader, masked_token
from counterfoil.platform.web.i18n import Catalogue
from counterfoil.platform.web.parts import Form, Status, error_texts
from counterfoil.portal.desk import Desk
from counterfoil.portal.frame import BASE, Frame, tabs_of
from counterfoil.portal.session import Visitor


@dataclass(slots=True, kw_only=True)
class Visit:
    """One request."""

    desk: Desk
    request: Request
    visitor: Visitor
    catalogue: Catalogue
    formats: Formats
    theme: str
    #: Whether the site is tried out on a loopback address without TLS.
    is_plain: bool
    request_id: str
    #: Fields of the post, empty for a GET.
    values: Mapping[str, str] = field(default_factory=dict)
    #: Whether the post came from a page whose session has changed meanwhile: it is shown again.
    is_stale: bool = False
    #: Whether the customer chose pages with one thing at a time.
    plain_pages: bool = False
    #: What the customer was last told no with.
    refused: Refused | None = None

    @property
    def session(self) -> PortalSession | None:
        """Return the session, None where nobody is signed in."""
        return self.visitor.session

    @property
    def customer_id(self) -> int:
        """Return whose pages these are; pages that ask for it need a session."""
        assert self.session is not None, "the page is not open to everybody"
        return self.session.customer_id

    @property
    def actor(self) -> Actor:
        """Return the customer as the trail names one: by what is done, never by name.

        Before anybody has signed in it is whoever came.
        """
        if self.session is None:
            return visitor(self.source)
        return Actor(name=CUSTOMER, role=CUSTOMER, source=self.source)

    @property
    def source(self) -> str:
        """Return where the request comes from, as the trail says it."""
        return f"{PORTAL} {self.address}"

    @property
    def house(self) -> Any:
        """Return the house whose portal this is."""
        return self.desk.house

    @property
    def customer(self) -> str:
        """Return the customer's number."""
        return ids.to_text(ids.CUSTOMER, self.customer_id)

    @property
    def language(self) -> Language:
        """Return the language of documents."""
        return Language.CHINESE if self.catalogue.language == "zh-CN" else Language.ENGLISH

    @property
    def address(self) -> str:
        """Return where the request comes from, for limits."""
        return self.request.client.host if self.request.client else "unknown"

    def enter(self, opened: Opened) -> None:
        """Go on as the customer whose session was just opened."""
        secret = form_secret(opened.token)
        self.visitor = Visitor(session=opened.session, secret=secret, browser=b"")

    async def note_own_look(self, customer_id: int, session_id: int, address: str) -> None:
        """Write down, before it is handed out, that somebody is shown a customer's records."""
        await self.desk.looks.note(
            self.house,
            self.actor,
            customer_id=customer_id,
            session_id=session_id,
            address=address,
        )

    def t(self, key: str, **values: object) -> str:
        """Return a message in the reader's language."""
        return self.catalogue.text(key, **values)

    def word(self, family: str, code: str) -> str:
        """Return the word for a code, or the code where a newer release knows one more."""
        key = f"{family}.{code}"
        return self.t(key) if self.catalogue.has(key) else code

    def status(self, family: str, code: str, tones: Mapping[str, str]) -> Status:
        """Return a state as a word with its tone."""
        return Status(label=self.word(family, code), tone=tones.get(code, ""))

    def refusal(self, refused: Refused) -> str:
        """Return a refusal in the reader's language."""
        self.refused = refused
        return self.desk.refusal_text(refused, self.catalogue)

    def number(self, prefix: str, name: str = "record") -> int | None:
        """Return a record's number from the address, None where it cannot be one."""
        try:
            return ids.from_text(prefix, self.request.path_params[name])
        except ids.InvalidIdError:
            return None

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Any]:
        """Lend a connection for reading."""
        async with self.house.database.connection() as connection:
            yield connection

    def form(self, action: str, reader: FormReader | None = None, **initial: str) -> Form:
        """Return a form to show: empty, or with the input and the errors of a post."""
        values = {**initial, **self.values} if reader or self.is_stale else initial
        errors = error_texts(reader.errors, self.catalogue) if reader else {}
        if self.is_stale:
            errors["form"] = self.t("form.stale")
        return Form(
            action=BASE + action,
            token=self.token(),
            key=self.new_key(),
            values=values,
            errors=errors,
        )

    def token(self) -> str:
        """Return the token of the forms, masked anew."""
        return masked_token(self.visitor.secret, self.desk.random_bytes(SECRET_BYTES))

    def new_key(self) -> str:
        """Return a fresh idempotency key for a form."""
        return f"portal-{self.desk.random_bytes(12).hex()}"

    def page(self, template: str, title: str, view: object, *, status: int = 200) -> Response:
        """Return a page inside the portal's frame."""
        text = self.desk.site.render(
            template, self.catalogue, self.formats, title=title, view=view, frame=self._frame()
        )
        return HTMLResponse(text, status_code=status)

    def go(self, path: str) -> Response:
        """Return a redirect to a page of the portal, after a post."""
        return RedirectResponse(BASE + path, status_code=303)

    def done(self, code: str) -> str:
        """Return what a page says after something was done; empty where nothing was."""
        asked = self.request.query_params.get("done", "")
        return self.t(f"done.{code}") if asked == code else ""

    def _frame(self) -> Frame:
        session, path = self.session, self.request.url.path
        name = self.house.settings.environment
        is_whole = session is not None and session.is_whole
        return Frame(
            language=self.catalogue.language,
            theme=self.theme,
            environment="" if name == "production" else self.word("environment", name),
            token=self.token(),
            here=self._here(),
            tabs=tabs_of(path, self.catalogue, plain=self.plain_pages) if is_whole else (),
            plain_pages=self.plain_pages,
            is_whole=is_whole,
            is_signed_in=session is not None,
            return_to=session.return_to if session else "",
            asset_versions={name: asset.version for name, asset in self.desk.site.assets.items()},
        )

    def _here(self) -> str:
        """Return the address of this page; the page of a post is not one to come back to."""
        url = self.request.url
        if self.request.method == "POST":
            return url.path
        return f"{url.path}?{url.query}" if url.query else url.path
