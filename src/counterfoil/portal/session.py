"""The session of a request: from the cookie, over the house's sessions, to the customer.

Cookies   The token is the only thing in the cookie, which no script reads; its digest is what the
          database has. Language and theme are cookies of their own, shared with no secret.
Acts      A session that was opened by a link is for one act. Pages say which act they belong to;
          every other page asks for a sign-in.
"""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from counterfoil.customers.portal_access import PortalSession, form_secret
from counterfoil.journeys.serving.portal_session import Opened, find_session
from counterfoil.platform.web.forms import SECRET_BYTES
from counterfoil.platform.web.sessions import cookie_header, cookie_name

_SESSION = "portal"
_VISIT = "portal-visit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who a request comes from."""

    #: None where nobody is signed in.
    session: PortalSession | None
    #: Keys the tokens of this visitor's forms.
    secret: bytes
    #: Of the browser; a code is bound to it. Empty where a session is open.
    browser: bytes


async def visitor_of(house: Any, request: Request, *, plain: bool, fresh: bytes) -> Visitor:
    """Return who a request comes from; `fresh` is the secret of a browser that has none yet."""
    token = request.cookies.get(cookie_name(_SESSION, plain=plain), "")
    session = await find_session(house, token) if token else None
    if session is not None:
        return Visitor(session=session, secret=form_secret(token), browser=b"")
    browser = _browser(request.cookies.get(cookie_name(_VISIT, plain=plain), "")) or fresh
    return Visitor(session=None, secret=form_secret(browser.hex()), browser=browser)


def session_cookies(opened: Opened | None, *, plain: bool) -> list[str]:
    """Return the cookies that open a session, or end it where there is none."""
    token = opened.token if opened else ""
    return [
        cookie_header(_SESSION, token, plain=plain),
        cookie_header(_VISIT, "", plain=plain),
    ]


def visit_cookie(visitor: Visitor, *, plain: bool) -> str:
    """Return the cookie by which a browser is known before anybody has signed in."""
    return cookie_header(_VISIT, visitor.browser.hex(), plain=plain)


def _browser(text: str) -> bytes:
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        return b""
    return secret if len(secret) == SECRET_BYTES else b""
