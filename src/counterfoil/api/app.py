"""Puts the site together: API, health, reference, and the sites and jobs it is handed.

Lifetime    The house is opened on start and closed at the end. On shutdown the server lets the
            requests under way end, the jobs finish their step, and the engine answers what waits.
Siblings    The console and the background jobs are handed in by whoever starts the process: no
            entry point imports another.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route

from counterfoil import __version__
from counterfoil.api import health, reference, refusals
from counterfoil.api.desk import Desk, source_of, wanted_of
from counterfoil.api.front import NO_QUERY, Front
from counterfoil.api.openapi import DESCRIPTION, TITLE, endpoint_documents
from counterfoil.api.problems import Reply, invalid, load_texts
from counterfoil.api.reads import UnknownParameterError
from counterfoil.api.resources import (
    addresses,
    agreement_changes,
    agreement_notices,
    applicants,
    application_forms,
    applications,
    approvals,
    business_dates,
    call_requests,
    campaigns,
    capacity,
    collection_accounts,
    commands,
    consents,
    contact_cases,
    contract_templates,
    contracts,
    credit,
    drawdowns,
    evidence,
    experiments,
    explanations,
    features,
    figures,
    funnel,
    host_events,
    host_flow,
    host_links,
    host_payees,
    host_purchases,
    hosts,
    identity,
    inquiries,
    ledger,
    limit_requests,
    line_appeals,
    line_measures,
    line_review_cases,
    line_reviews,
    line_signals,
    lines,
    loan_papers,
    loans,
    mandates,
    messages,
    models,
    notices,
    policies,
    policy_looks,
    portfolio,
    previews,
    prices,
    privacy,
    products,
    quotes,
    rails,
    received_payments,
    record_corrections,
    registry_publications,
    repayments,
    reviews,
    rights,
    scene_merchants,
    scene_purchases,
    scenes,
    settings,
    settlements,
    staff,
    statements,
    status_lists,
)
from counterfoil.api.shapes import read_id
from counterfoil.api.writes import Came, Write, answer
from counterfoil.journeys.house import House, open_house
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform.settings import Settings
from counterfoil.platform.web.security import App, Message, Receive, Send

#: Makes a site, for instance the console, once the house is open.
MakeSite = Callable[[House], App]
#: Runs until the event is set.
Background = Callable[[House, asyncio.Event], Awaitable[None]]

WRITES: Final[tuple[Write, ...]] = (
    *applicants.WRITES,
    *consents.WRITES,
    *settings.WRITES,
    *addresses.WRITES,
    *mandates.WRITES,
    *messages.WRITES,
    *contact_cases.WRITES,
    *applications.WRITES,
    *application_forms.WRITES,
    *explanations.WRITES,
    *contracts.WRITES,
    *agreement_changes.WRITES,
    *agreement_notices.WRITES,
    *contract_templates.WRITES,
    *lines.WRITES,
    *limit_requests.WRITES,
    *loan_papers.WRITES,
    *capacity.WRITES,
    *identity.WRITES,
    *line_reviews.WRITES,
    *line_measures.WRITES,
    *line_signals.WRITES,
    *line_review_cases.WRITES,
    *call_requests.WRITES,
    *line_appeals.WRITES,
    *reviews.WRITES,
    *policy_looks.WRITES,
    *rights.WRITES,
    *quotes.WRITES,
    *scene_merchants.WRITES,
    *scene_purchases.WRITES,
    *scenes.WRITES,
    *staff.WRITES,
    *drawdowns.WRITES,
    *repayments.WRITES,
    *settlements.WRITES,
    *credit.WRITES,
    *rails.WRITES,
    *received_payments.WRITES,
    *commands.WRITES,
    *business_dates.WRITES,
    *privacy.WRITES,
    *approvals.WRITES,
    *features.WRITES,
    *registry_publications.WRITES,
    *record_corrections.WRITES,
    *policies.WRITES,
    *hosts.WRITES,
    *host_links.WRITES,
    *host_flow.WRITES,
    *host_purchases.WRITES,
    *host_payees.WRITES,
    *host_events.WRITES,
    *campaigns.WRITES,
)
ROUTERS: Final[tuple[APIRouter, ...]] = (
    products.router,
    applicants.router,
    notices.router,
    consents.router,
    settings.router,
    addresses.router,
    mandates.router,
    messages.router,
    contact_cases.router,
    inquiries.router,
    status_lists.router,
    # Before the applications: neither `funnel` nor `inclusion` is an identifier of one.
    funnel.router,
    portfolio.router,
    applications.router,
    application_forms.router,
    explanations.router,
    contracts.router,
    agreement_changes.router,
    agreement_notices.router,
    contract_templates.router,
    lines.router,
    capacity.router,
    identity.router,
    limit_requests.router,
    line_reviews.router,
    line_measures.router,
    line_signals.router,
    line_review_cases.router,
    call_requests.router,
    line_appeals.router,
    reviews.router,
    policy_looks.router,
    rights.router,
    previews.router,
    scene_merchants.router,
    scene_purchases.router,
    scenes.router,
    staff.router,
    drawdowns.router,
    repayments.router,
    settlements.router,
    credit.router,
    prices.router,
    rails.router,
    received_payments.router,
    loans.router,
    loan_papers.router,
    statements.router,
    ledger.router,
    figures.router,
    evidence.router,
    business_dates.router,
    privacy.router,
    approvals.router,
    features.router,
    registry_publications.router,
    record_corrections.router,
    models.router,
    policies.router,
    experiments.router,
    hosts.router,
    host_links.router,
    host_flow.router,
    host_purchases.router,
    host_payees.router,
    host_events.router,
    campaigns.router,
    collection_accounts.router,
    health.router,
)
#: Longest that background jobs may take to end their step at shutdown.
_JOBS_SECONDS_MAX: Final = 20


def create_app(
    settings: Settings,
    url: str,
    *,
    sites: Mapping[str, MakeSite] | None = None,
    background: Background | None = None,
) -> Front:
    """Return the application of one process; `sites` are mounted by their path."""
    desk = Desk(load_texts())

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with open_house(settings, url) as house, serving(desk, house, background):
            yield

    return site_of(desk, lifespan=lifespan, sites=sites)


@asynccontextmanager
async def serving(
    desk: Desk, house: House, background: Background | None = None
) -> AsyncIterator[None]:
    """Serve a house that is open; run the background jobs beside it."""
    desk.open(house)
    stop = asyncio.Event()
    if background is not None:
        desk.jobs = asyncio.create_task(_run(background, house, stop))
    try:
        yield
    finally:
        stop.set()
        if desk.jobs is not None:
            await _end(desk.jobs)
        desk.close()


def site_of(
    desk: Desk,
    *,
    lifespan: Any = None,
    sites: Mapping[str, MakeSite] | None = None,
) -> Front:
    """Return the site around a desk."""
    app = FastAPI(
        title=TITLE,
        description=DESCRIPTION,
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_name_of,
        lifespan=lifespan,
    )
    app.state.desk = desk
    for router in ROUTERS:
        app.include_router(router)
    for write in WRITES:
        app.router.add_api_route(write.path, _endpoint(write), **endpoint_documents(write))
    reference.add_pages(app, WRITES, tuple(sites or ()))
    for path, make_site in (sites or {}).items():
        app.router.routes.append(Route(path, _to_its_root))
        app.router.routes.append(Mount(path, app=_Site(desk, make_site)))
    _answer_failures(app)
    fixed = {write.path: write for write in WRITES if not write.path_ids}
    return Front(desk, fixed, app)


def _name_of(route: APIRoute) -> str:
    """Return the operation's name in generated clients."""
    return route.name


class RawResponse(Response):
    """An answer whose bytes and headers are final."""

    def __init__(self, reply: Reply) -> None:
        """Take the answer as it is."""
        super().__init__()
        self.status_code = reply.status
        self.body = reply.body
        self.raw_headers = list(reply.headers)


class _Site:
    """A site that is made when the house is open."""

    def __init__(self, desk: Desk, make_site: MakeSite) -> None:
        self._desk = desk
        self._make_site = make_site
        self._made: tuple[House, App] | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        house = self._desk.house
        if self._made is None or self._made[0] is not house:
            self._made = (house, self._make_site(house))
        await self._made[1](scope, receive, send)


async def _to_its_root(request: Request) -> Response:
    """Lead from a site's bare path to its root, against which its addresses are."""
    return RedirectResponse(f"{request.scope['path']}/")


def _endpoint(write: Write) -> Callable[[Request], Awaitable[Response]]:
    """Return the route of a write whose path has identifiers, or that the front missed."""

    async def carry(request: Request) -> Response:
        desk: Desk = request.app.state.desk
        headers = dict(request.scope["headers"])
        if request.url.query:
            return RawResponse(desk.invalid([NO_QUERY], headers))
        path = {}
        for name, prefix in write.path_ids.items():
            number = read_id(prefix, request.path_params[name])
            if number is None:
                fault = {"type": "id_malformed", "loc": ("path", name)}
                return RawResponse(desk.invalid([fault], headers))
            path[name] = number
        came = Came(request.receive, headers, source_of(request.scope))
        return RawResponse(await answer(desk, write, came, path))

    return carry


def _answer_failures(app: FastAPI) -> None:
    """Make a problem document of every exception that the framework would word itself."""

    def problem(request: Request, refused: Any, *more: tuple[bytes, bytes]) -> Response:
        reply = request.app.state.desk.problem(refused, dict(request.scope["headers"]))
        reply.headers.extend(more)
        return RawResponse(reply)

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == _METHOD_NOT_ALLOWED:
            allowed = (error.headers or {}).get("Allow", "").encode()
            refused = refuse(refusals.METHOD_NOT_ALLOWED, method=request.method[:10])
            return problem(request, refused, (b"allow", allowed))
        return problem(request, refuse(refusals.ROUTE_NOT_FOUND))

    async def on_refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, RefusedError)
        await _note_refusal(request, error.refused)
        return problem(request, error.refused)

    async def on_invalid(request: Request, error: Exception) -> Response:
        errors: Any = (
            [{"type": "extra_forbidden", "loc": ("query", error.name)}]
            if isinstance(error, UnknownParameterError)
            else error.errors()  # type: ignore[attr-defined]
        )
        refused, faults = invalid(errors)
        await _note_refusal(request, refused)
        headers = dict(request.scope["headers"])
        return RawResponse(request.app.state.desk.problem(refused, headers, faults))

    async def on_failed(_request: Request, error: Exception) -> Response:
        # The front answers and logs it; the framework would word it itself.
        raise error

    app.add_exception_handler(Exception, on_failed)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RefusedError, on_refused)
    app.add_exception_handler(UnknownParameterError, on_invalid)
    app.add_exception_handler(RequestValidationError, on_invalid)


async def _note_refusal(request: Request, refused: Refused) -> None:
    """Write to the trail that a read was refused; what no guard looked at is none."""
    if not hasattr(request.state, "api_key"):
        return
    desk, operation, source = (
        request.app.state.desk, request.scope["route"].name, source_of(request.scope),
    )  # fmt: skip
    if request.state.api_key is None:
        await desk.note_stranger(refused, operation, source=source)
        return
    about = wanted_of({**request.path_params, **request.query_params})
    await desk.note_refusal(
        request.state.api_key, refused, operation, source=source, customer_ids=about.customer_ids
    )


_METHOD_NOT_ALLOWED: Final = 405


async def _run(background: Background, house: House, stop: asyncio.Event) -> None:
    await background(house, stop)


async def _end(jobs: "asyncio.Task[None]") -> None:
    """Wait for the jobs to end their step; end them where they do not."""
    with suppress(asyncio.CancelledError):
        done, _ = await asyncio.wait({jobs}, timeout=_JOBS_SECONDS_MAX)
        if not done:
            jobs.cancel()
            await jobs
