"""The portal as an ASGI application, to be mounted at `/portal`.

Invariant   Every page but the sign-in asks for a session; a session for one act opens the pages of
            that act alone. Every post is from our own origin and has the session's token. The
            customer of a page is the session's, never one that the address names. The headers of
            the policy are on all answers.
"""

import secrets
from http import HTTPStatus
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from counterfoil.journeys.applying.plain_pages import has_plain_pages
from counterfoil.journeys.trail import Act, note_code, note_refusal, stranger, taken
from counterfoil.kernel.errors import Refused
from counterfoil.platform.holdings import wanted_in
from counterfoil.platform.read_acts import Door, begin_reading, refuse_customer
from counterfoil.platform.telemetry import logger
from counterfoil.platform.web.forms import (
    BODY_BYTES_MAX,
    FOREIGN_POST,
    FORM_TOO_LARGE,
    SECRET_BYTES,
    TOKEN_FIELD,
    FormTooLargeError,
    is_same_origin,
    is_token_valid,
    parse_form,
)
from counterfoil.platform.web.i18n import LANGUAGES, preferred_language
from counterfoil.platform.web.security import SecurityHeaders
from counterfoil.platform.web.served import routes_of
from counterfoil.platform.web.sessions import cookie_name, is_plain_loopback
from counterfoil.portal.desk import Desk, make_desk
from counterfoil.portal.frame import BASE, THEMES
from counterfoil.portal.page import Handler, Page
from counterfoil.portal.pages import (
    account,
    addresses,
    applications,
    apply,
    apply_review,
    calls,
    changes,
    consents,
    contracts,
    decisions,
    draw,
    errors,
    home,
    hosted,
    hosts,
    household,
    limits,
    loans,
    me,
    plain_pages,
    profile,
    purchases,
    record,
    repay,
    repay_several,
    settings,
    settle,
    sign_in,
    starter,
    told,
)
from counterfoil.portal.session import Visitor, visit_cookie, visitor_of
from counterfoil.portal.visit import Visit
from counterfoil.privacy.free_text import without_numbers

_LOG: Final = logger("counterfoil.portal")

PAGES: Final[tuple[Page, ...]] = (
    *home.PAGES,
    *apply.PAGES,
    *apply_review.PAGES,
    *plain_pages.PAGES,
    *calls.PAGES,
    *applications.PAGES,
    *account.PAGES,
    *addresses.PAGES,
    *consents.PAGES,
    *record.PAGES,
    *loans.PAGES,
    *purchases.PAGES,
    *draw.PAGES,
    *repay.PAGES,
    *repay_several.PAGES,
    *settle.PAGES,
    *limits.PAGES,
    *starter.PAGES,
    *decisions.PAGES,
    *contracts.PAGES,
    *changes.PAGES,
    *me.PAGES,
    *profile.PAGES,
    *settings.PAGES,
    *told.PAGES,
    *sign_in.PAGES,
    *hosted.PAGES,
    *hosts.PAGES,
    *household.PAGES,
)


def create_portal(house: Any) -> SecurityHeaders:
    """Return the portal of a house."""
    desk = make_desk(house, random_bytes=secrets.token_bytes)

    async def answer_http_error(request: Request, error: Exception) -> Response:
        visit = await open_visit(desk, request)
        is_missing = isinstance(error, HTTPException) and error.status_code == HTTPStatus.NOT_FOUND
        return errors.not_found(visit) if is_missing else errors.not_allowed_here(visit)

    routes: list[BaseRoute] = [_route(desk, page) for page in PAGES]
    routes += routes_of(desk.site, logger("counterfoil.portal.policy"))
    portal = Starlette(routes=routes, exception_handlers={HTTPException: answer_http_error})
    return SecurityHeaders(portal, report_path=f"{BASE}/csp-reports")


async def open_visit(desk: Desk, request: Request) -> Visit:
    """Return what a request's cookies and headers say about the visitor."""
    plain = is_plain_loopback(request.url.scheme, request.headers.get("host", ""))
    fresh = desk.random_bytes(SECRET_BYTES)
    visitor = await visitor_of(desk.house, request, plain=plain, fresh=fresh)
    visit = _visit(desk, request, visitor, plain=plain)
    if visit.session is not None and visit.session.is_whole:
        visit.plain_pages = await has_plain_pages(desk.house, visit.customer_id)
    return visit


def _visit(desk: Desk, request: Request, visitor: Visitor, *, plain: bool) -> Visit:
    def cookie(name: str) -> str:
        return request.cookies.get(cookie_name(name, plain=plain), "")

    language, theme = cookie("language"), cookie("theme")
    if language not in LANGUAGES:
        language = preferred_language(request.headers.get("accept-language", ""))
    return Visit(
        desk=desk,
        request=request,
        visitor=visitor,
        catalogue=desk.catalogues[language],
        formats=desk.formats(language),
        theme=theme if theme in THEMES else "auto",
        is_plain=plain,
        request_id=f"rq-{desk.random_bytes(8).hex()}",
    )


def _route(desk: Desk, page: Page) -> Route:
    async def endpoint(request: Request) -> Response:
        visit = None
        try:
            visit = await open_visit(desk, request)
            response = await _answer(visit, page)
        except Exception:  # noqa: BLE001 - see the comment below
            # The page's own end: whatever failed, the reader gets a page and we get the trace. It
            # is shown as to a stranger, since the session may be what could not be read.
            nobody = Visitor(session=None, secret=bytes(SECRET_BYTES), browser=b"")
            plain = is_plain_loopback(request.url.scheme, request.headers.get("host", ""))
            visit = visit or _visit(desk, request, nobody, plain=plain)
            _LOG.exception("portal page failed", request=visit.request_id)
            response = errors.failed(visit)
        if visit.visitor.browser:
            cookie = visit_cookie(visit.visitor, plain=visit.is_plain)
            response.headers.append("set-cookie", cookie)
        response.headers["x-request-id"] = visit.request_id
        return response

    methods = ["GET", "POST"] if page.submit else ["GET"]
    return Route(page.path, endpoint, methods=methods)


async def _answer(visit: Visit, page: Page) -> Response:
    """Check where the request comes from and who sends it, then let the page answer."""
    begin_reading(Door.PORTAL, page.path)
    closed = refuse_customer(page.path)
    if closed is not None:
        return await _turn_away(visit, page, closed)
    is_post = visit.request.method == "POST"
    if is_post:
        refusal = await _read_post(visit, page)
        if refusal:
            return refusal
    if not page.is_open:
        session = visit.session
        if session is None:
            return await sign_in.ask(visit)
        record = str(visit.request.path_params.get("record", ""))
        if not session.is_whole and not (page.act and session.allows(page.act, record)):
            act = Act(name="portal", customer_ids=[session.customer_id], subject=page.path)
            await note_code(visit.house, visit.actor, act, "only_one_act")
            return errors.only_one_act(visit)
    if is_post and page.submit and not visit.is_stale:
        if visit.session is None:
            return await page.submit(visit)
        response = await _carry_out(visit, page.submit)
    else:
        response = await page.show(visit)
    await _note_look(visit, page, response)
    return response


async def _note_look(visit: Visit, page: Page, response: Response) -> None:
    """Write down, before it is sent, that customers are shown their own records."""
    session = visit.session
    if session is None or page.is_open or response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
        return
    address = visit.request.url.path.removeprefix(BASE)
    await visit.note_own_look(session.customer_id, session.session_id, address)


async def _carry_out(visit: Visit, submit: Handler) -> Response:
    """Carry out what a customer sent, with its line in the trail, or that it was refused."""
    named = visit.request.path_params.values()
    act = Act(
        name="submit",
        customer_ids=(visit.customer_id,),
        subject=visit.request.url.path.removeprefix(BASE),
    )
    about = wanted_in([visit.customer, *map(str, named)])
    # The row of a customer's command is its line, as it is that of a program's.
    async with taken(visit.house, visit.actor, act, about=about, rides=False) as one:
        response = await submit(visit)
    if response.status_code == HTTPStatus.SEE_OTHER:
        await one.done()
    elif visit.refused is not None:
        await one.refused(visit.refused)
    return response


async def _turn_away(visit: Visit, page: Page, refused: Refused) -> Response:
    """Answer for a page that reads for what no customer asks, and write that down."""
    about = [visit.customer_id] if visit.session else []
    act = Act(name="portal", customer_ids=about, subject=page.path)
    await note_refusal(visit.house, visit.actor, act, refused)
    return errors.refused(visit, refused, status=403)


async def _read_post(visit: Visit, page: Page) -> Response | None:
    """Take the fields of a post from our own pages; a stale token shows the form again."""
    request = visit.request
    host = request.headers.get("host", "")
    act = Act(name="portal", subject=page.path)
    if not is_same_origin(request.headers, scheme=request.url.scheme, host=host):
        # Who is signed in has not sent it: whoever did is a stranger.
        await note_code(visit.house, stranger(visit.source), act, FOREIGN_POST)
        return errors.foreign_post(visit)
    try:
        visit.values = without_numbers(parse_form(await _body(request)))
    except FormTooLargeError:
        await note_code(visit.house, stranger(visit.source), act, FORM_TOO_LARGE)
        return errors.too_large(visit)
    visit.is_stale = not is_token_valid(visit.visitor.secret, visit.values.get(TOKEN_FIELD, ""))
    return None


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise FormTooLargeError("body")
    return body
