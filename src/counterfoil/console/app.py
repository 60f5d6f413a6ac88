"""The console as an ASGI application, to be mounted at `/console`.

Invariant   Every page but the sign-in asks for a session and for a permission; every post for our
            own origin and for the session's token. The headers of the policy are on all answers.
"""

import secrets
import time
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from counterfoil.console import acts, files, veil
from counterfoil.console.access import Permission, may
from counterfoil.console.desk import Desk, make_desk
from counterfoil.console.frame import BASE, THEMES
from counterfoil.console.page import Page
from counterfoil.console.pages import (
    agreement_changes,
    agreement_notices,
    applications,
    approvals,
    calls,
    campaigns,
    capacity,
    cases,
    consent_actions,
    consents,
    contact_cases,
    contract_templates,
    contracts,
    corrections,
    customer_settings,
    customers,
    data_quality,
    days,
    errors,
    evidence,
    experiments,
    exports,
    funnel,
    gallery,
    hosts,
    identity,
    identity_cases,
    inquiries,
    ledger,
    line_actions,
    line_appeals,
    line_review_cases,
    lines,
    loan_actions,
    loans,
    messages,
    models,
    overview,
    payment_cases,
    payments,
    person_rights,
    policies,
    policy_looks,
    prices,
    profiles,
    quarantine,
    rails,
    receipts,
    received,
    reconciliation,
    record_links,
    reveal,
    reviews,
    scene_acts,
    scene_merchant,
    scenes,
    search,
    settlements,
    sign_in,
    staff,
)
from counterfoil.console.visit import Visit
from counterfoil.journeys.admitting.second_factor import is_factor_required
from counterfoil.journeys.admitting.staff_rights import note_right_use, standing_of
from counterfoil.journeys.entry import NOTHING_WANTED
from counterfoil.journeys.guarding.look_book import customers_in, note_look
from counterfoil.journeys.trail import Act, note, note_code, stranger
from counterfoil.kernel import ids
from counterfoil.kernel.clock import Clock, SystemClock
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.access import Operator, find_operator
from counterfoil.platform.access_matrix import load_matrix
from counterfoil.platform.holdings import read_holding, wanted_in
from counterfoil.platform.read_acts import Door, begin_reading
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
from counterfoil.platform.web.sessions import (
    cookie_header,
    cookie_name,
    is_plain_loopback,
    load_key,
    unseal,
)
from counterfoil.privacy.free_text import without_numbers
from counterfoil.privacy.refusals import NOT_FOR_PSEUDONYM

_LOG: Final = logger("counterfoil.console")

PAGES: Final[tuple[Page, ...]] = (
    *overview.PAGES,
    *applications.PAGES,
    *policy_looks.PAGES,
    *reviews.PAGES,
    *calls.PAGES,
    *scenes.PAGES,
    *scene_merchant.PAGES,
    *scene_acts.PAGES,
    *person_rights.PAGES,
    *customers.PAGES,
    *record_links.PAGES,
    *cases.PAGES,
    *reveal.PAGES,
    *profiles.PAGES,
    *data_quality.PAGES,
    *corrections.PAGES,
    *quarantine.PAGES,
    *hosts.PAGES,
    *campaigns.PAGES,
    *consents.PAGES,
    *consent_actions.PAGES,
    *contracts.PAGES,
    *contract_templates.PAGES,
    *agreement_notices.PAGES,
    *customer_settings.PAGES,
    *evidence.PAGES,
    *receipts.PAGES,
    *received.PAGES,
    *inquiries.PAGES,
    *capacity.PAGES,
    *identity.PAGES,
    *identity_cases.PAGES,
    *lines.PAGES,
    *agreement_changes.PAGES,
    *line_actions.PAGES,
    *line_appeals.PAGES,
    *line_review_cases.PAGES,
    *loans.PAGES,
    *loan_actions.PAGES,
    *settlements.PAGES,
    *ledger.PAGES,
    *days.PAGES,
    *payments.PAGES,
    *payment_cases.PAGES,
    *prices.PAGES,
    *rails.PAGES,
    *reconciliation.PAGES,
    *funnel.PAGES,
    *messages.PAGES,
    *contact_cases.PAGES,
    *models.PAGES,
    *experiments.PAGES,
    *search.PAGES,
    *approvals.PAGES,
    *exports.PAGES,
    *policies.PAGES,
    *sign_in.PAGES,
    *staff.PAGES,
    *gallery.PAGES,
)


def create_console(house: Any, *, wall: Clock | None = None) -> SecurityHeaders:
    """Return the console of a house.

    The key that signs the cookies of sessions lies in the house's home, so that all processes of
    one installation share it. Sign-ins end by the machine's clock unless another is given.
    """
    session_key = load_key(house.settings.home / "keys" / "console-session.key")
    return console_of(
        make_desk(
            house,
            wall=wall or SystemClock(),
            session_key=session_key,
            random_bytes=secrets.token_bytes,
        )
    )


def console_of(desk: Desk) -> SecurityHeaders:
    """Return the console around a desk."""

    async def answer_http_error(request: Request, error: Exception) -> Response:
        visit = open_visit(desk, request)
        is_missing = isinstance(error, HTTPException) and error.status_code == HTTPStatus.NOT_FOUND
        answer = errors.not_found if is_missing else errors.not_allowed_here
        return await answer(visit)

    routes: list[BaseRoute] = [_route(desk, page) for page in PAGES]
    routes += files.routes(desk)
    console = Starlette(routes=routes, exception_handlers={HTTPException: answer_http_error})
    return SecurityHeaders(console, report_path=f"{BASE}/csp-reports")


def open_visit(desk: Desk, request: Request) -> Visit:
    """Return what a request's cookies and headers say about the visitor."""
    plain = is_plain_loopback(request.url.scheme, request.headers.get("host", ""))

    def cookie(name: str) -> str:
        return request.cookies.get(cookie_name(name, plain=plain), "")

    session = unseal(cookie("session"), desk.session_key, now=desk.wall.now())
    language = cookie("language")
    if language not in LANGUAGES:
        language = preferred_language(request.headers.get("accept-language", ""))
    theme = cookie("theme")
    return Visit(
        desk=desk,
        request=request,
        session=session,
        catalogue=desk.catalogues[language],
        formats=desk.formats(language),
        theme=theme if theme in THEMES else "auto",
        has_single_keys=cookie("keys") != "off",
        is_plain=plain,
        secret=session.secret if session else _visitor_secret(cookie("visit"), desk),
        request_id=f"rq-{desk.random_bytes(8).hex()}",
        started=time.perf_counter(),
    )


def _visitor_secret(text: str, desk: Desk) -> bytes:
    """Return the secret of somebody who is not signed in, new where there is none yet."""
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        secret = b""
    return secret if len(secret) == SECRET_BYTES else desk.random_bytes(SECRET_BYTES)


def _route(desk: Desk, page: Page) -> Route:
    async def endpoint(request: Request) -> Response:
        visit = open_visit(desk, request)
        try:
            response = await _answer(visit, page)
        except Exception:  # noqa: BLE001 - see the comment below
            # The page's own end: whatever failed, the reader gets a page and we get the trace.
            _LOG.exception("console page failed", request=visit.request_id)
            response = await errors.failed(visit)
        veil.give_out(visit, response)
        if visit.session is None:
            header = cookie_header("visit", visit.secret.hex(), plain=visit.is_plain)
            response.headers.append("set-cookie", header)
        response.headers["x-request-id"] = visit.request_id
        return response

    methods = ["GET", "POST"] if page.submit else ["GET"]
    return Route(page.path, endpoint, methods=methods)


async def _answer(visit: Visit, page: Page) -> Response:
    """Check where the request comes from and who sends it, then let the page answer."""
    if begin_reading(Door.CONSOLE, page.path) is None:
        return await errors.forbidden(visit)
    is_post = visit.request.method == "POST"
    if is_post:
        refusal = await _read_post(visit, page)
        if refusal:
            return refusal
    if page.permission is not None:
        refusal = await _admit(visit, page, page.permission)
        if refusal:
            return refusal
    is_sent = is_post and not visit.is_stale
    response = await (acts.carry_out(visit, page) if is_sent else page.show(visit))
    if not veil.can_be_given(visit, response):
        return await _turn_away(visit, page, refuse(NOT_FOR_PSEUDONYM))
    if page.permission is not None:
        await _note_view(visit, page, response)
    return response


async def _admit(visit: Visit, page: Page, permission: Permission) -> Response | None:
    """Let a member of staff in to a page, or answer why not."""
    operator = await _still_operator(visit)
    if operator is None:
        return await sign_in.ask(visit)
    if _needs_factor(visit, page, operator):
        return visit.go(f"{BASE}{staff.FACTOR_PATH}")
    if not visit.may(permission):
        await _note_refusal(visit, page, "forbidden")
        return await errors.forbidden(visit)
    refused = veil.take_in(visit)
    if refused is not None:
        await _note_refusal(visit, page, refused.code)
        veil.forget(visit)
        return await errors.turned_away(visit, refused, "")
    refused = _sealed(visit, page) or await _enter(visit, page, permission)
    if refused is not None:
        return await _turn_away(visit, page, refused)
    begin_reading(Door.CONSOLE, page.path, load_matrix().purposes_given(visit.actor))
    await _note_use(visit, permission)
    return None


def _sealed(visit: Visit, page: Page) -> Refused | None:
    """Refuse what is signed or sealed to who sees pseudonyms."""
    is_closed = page.is_sealed and visit.aliases is not None
    return refuse(NOT_FOR_PSEUDONYM) if is_closed else None


async def _turn_away(visit: Visit, page: Page, refused: Refused) -> Response:
    await _note_refusal(visit, page, refused.code)
    customer = visit.request.path_params.get("customer", "")
    return await errors.turned_away(visit, refused, customer)


async def _enter(visit: Visit, page: Page, permission: Permission) -> Refused | None:
    """Ask at the gate, and take what is in reach; the page on which a case is taken needs none."""
    # Everything that is named by its number, in the address or in what is sent.
    wanted = wanted_in([*visit.request.path_params.values(), *visit.values.values()])
    return await visit.enter(
        permission,
        NOTHING_WANTED if page.is_way_to_case else wanted,
        purpose=visit.values.get("purpose", "") if permission is Permission.REVEAL else "",
        way=page.path,
    )


def _numbers(prefix: str, text: str) -> tuple[int, ...]:
    try:
        return (ids.from_text(prefix, text),)
    except ids.InvalidIdError:
        return ()


def _needs_factor(visit: Visit, page: Page, operator: Operator) -> bool:
    is_missing = not operator.has_factor and page.path != staff.FACTOR_PATH
    return is_missing and is_factor_required(visit.desk.house, operator)


async def _note_use(visit: Visit, permission: Permission) -> None:
    """Keep, once a day, that a permission of the role was used; lent ones are not the role's."""
    today = visit.desk.wall.now().date()
    use = (visit.operator, permission.value, today)
    if use in visit.desk.rights_noted or not may(visit.role, permission):
        return
    async with visit.desk.house.database.transaction() as connection:
        await note_right_use(connection, visit.operator, permission.value, on=today)
    visit.desk.rights_noted.add(use)


async def _note_view(visit: Visit, page: Page, response: Response) -> None:
    """Write to the trail, before it is sent, whom a page shows: masked ones and lists too."""
    place = response.headers.get("location", "")
    shown = customers_in(bytes(response.body), place.encode())
    if not shown:
        return
    case = "" if visit.case_id is None else ids.to_text(ids.CUSTOMER_CASE, visit.case_id)
    act = Act(name="view", subject=page.path, ticket=case)
    await note_look(visit.desk.house, visit.actor, act, shown)


async def _note_refusal(visit: Visit, page: Page, code: str) -> None:
    """Write to the trail that a member of staff was turned away."""
    house = visit.desk.house
    about = _numbers(ids.CUSTOMER, visit.request.path_params.get("customer", ""))
    act = Act(name="console", customer_ids=about, subject=page.path)
    async with house.database.transaction() as connection:
        await note(house, connection, visit.actor, act, outcome=code)


async def _still_operator(visit: Visit) -> Operator | None:
    """Return the session's operator who may still sign in, and take role and rights of now."""
    session = visit.session
    if session is None:
        return None
    async with visit.desk.house.database.connection() as connection:
        operator = await find_operator(
            connection, session.operator, signed_in_at=session.signed_in_at
        )
        if operator is None:
            visit.session = None
            return None
        visit.standing = await standing_of(
            visit.desk.house,
            connection,
            operator.name,
            operator.role.value,
            now=visit.desk.wall.now(),
        )
        visit.holding = await read_holding(connection, operator.name)
        # Every page shows the business date, also one that reads nothing of its own.
        await visit.counted(connection)
    visit.session = replace(session, role=operator.role.value)
    return operator


async def _read_post(visit: Visit, page: Page) -> Response | None:
    """Take the fields of a post from our own pages; a stale token shows the form again."""
    request = visit.request
    host = request.headers.get("host", "")
    act = Act(name="console", subject=page.path)
    if not is_same_origin(request.headers, scheme=request.url.scheme, host=host):
        # Who is signed in has not sent it: whoever did is a stranger.
        await note_code(visit.desk.house, stranger(visit.actor.source), act, FOREIGN_POST)
        return await errors.foreign_post(visit)
    try:
        visit.values = without_numbers(parse_form(await _body(request)))
    except FormTooLargeError:
        await note_code(visit.desk.house, stranger(visit.actor.source), act, FORM_TOO_LARGE)
        return await errors.too_large(visit)
    visit.is_stale = not is_token_valid(visit.secret, visit.values.get(TOKEN_FIELD, ""))
    return None


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise FormTooLargeError("body")
    return body
