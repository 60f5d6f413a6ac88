"""Signing in with a one-time code, links for one act, signing out, language and theme.

A post that meets an ended session shows the sign-in with its fields inside, and hands them back
to the page they were meant for: nothing is lost, and nothing is done unseen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.responses import RedirectResponse, Response

from counterfoil.customers.portal_access import PortalSession
from counterfoil.customers.refusals import SIGN_IN_TOO_MANY
from counterfoil.journeys.serving import portal_session as journey
from counterfoil.journeys.serving.portal_trail import CODE, SIGN_IN, note_turned_away
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.web.forms import KEY_FIELD, TOKEN_FIELD, FormReader, plain_number
from counterfoil.platform.web.i18n import LANGUAGES
from counterfoil.platform.web.parts import Form
from counterfoil.platform.web.sessions import cookie_header
from counterfoil.portal.frame import BASE, THEMES
from counterfoil.portal.page import Page
from counterfoil.portal.pages import errors
from counterfoil.portal.session import session_cookies
from counterfoil.portal.visit import Visit

_PATH: Final = "/sign-in"
_KEPT: Final = "kept."
_STEP: Final = "step"
_CODE_STEP: Final = "code"
_NUMBER_LENGTH_MAX: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInView:
    """The number, or the code once it is on its way."""

    form: Form
    next: str
    kept: Mapping[str, str]
    #: Why the sign-in is asked for; empty where nothing special happened.
    notice: str
    #: Whether the code is asked for.
    is_code_sent: bool
    #: The code itself, where it may be shown.
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContinueView:
    """Input that is handed back to its page, or a link that is about to be opened."""

    form: Form
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """One sign-in."""

    made_at: str
    seen_at: str
    is_present: bool
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsView:
    """A customer's sign-ins."""

    rows: tuple[SessionRow, ...]
    form: Form
    done: str


async def ask(visit: Visit) -> Response:
    """Ask for a sign-in where a page was wanted that needs one."""
    is_post = visit.request.method == "POST"
    path, query = visit.request.url.path, visit.request.url.query
    wanted = path if is_post or not query else f"{path}?{query}"
    kept = dict(visit.values) if is_post else {}
    visit.values = {}
    notice = visit.t("sign_in.ended") if is_post else ""
    return _page(visit, wanted=wanted, kept=kept, notice=notice, status=401)


async def show(visit: Visit) -> Response:
    """Show the form."""
    wanted = visit.values.get("next") or visit.request.query_params.get("next", "")
    notice = visit.t("form.stale") if visit.is_stale else ""
    return _page(visit, wanted=wanted, kept=_kept(visit), notice=notice)


async def submit(visit: Visit) -> Response:
    """Send a code, or open a session with it."""
    reader = FormReader(visit.values)
    number = plain_number(reader.text("number", length_max=_NUMBER_LENGTH_MAX) or "")
    wanted = own_path(visit.values.get("next", ""))
    is_code = visit.values.get(_STEP) == _CODE_STEP
    now = visit.house.wall.now()
    if visit.desk.throttle.wait_until("portal", visit.address, now):
        act = SIGN_IN if is_code else CODE
        await note_turned_away(visit.house, visit.source, act, refuse(SIGN_IN_TOO_MANY))
        reader.refuse("code" if is_code else "number", "sign_in.too_often")
        return _page(visit, wanted=wanted, kept=_kept(visit), reader=reader, status=429)
    if not reader.is_valid:
        return _page(visit, wanted=wanted, kept=_kept(visit), reader=reader, status=422)
    if is_code:
        return await _sign_in(visit, reader, number, wanted)
    sent = await journey.ask_code(
        visit.house, number, visitor=visit.visitor.browser, source=visit.source
    )
    if isinstance(sent, Refused):
        visit.desk.throttle.failed("portal", visit.address, now)
        reader.refuse("number", "form.refused", text=visit.refusal(sent))
        return _page(visit, wanted=wanted, kept=_kept(visit), reader=reader, status=422)
    return _page(visit, wanted=wanted, kept=_kept(visit), is_code_sent=True, code=sent or "")


async def _sign_in(visit: Visit, reader: FormReader, number: str, wanted: str) -> Response:
    code = plain_number(reader.text("code", length_max=_NUMBER_LENGTH_MAX) or "")
    if reader.is_valid:
        opened = await journey.sign_in(
            visit.house, number, code, visitor=visit.visitor.browser, source=visit.source
        )
        if not isinstance(opened, Refused):
            visit.desk.throttle.succeeded("portal", visit.address)
            return _enter(visit, opened, wanted)
        visit.desk.throttle.failed("portal", visit.address, visit.house.wall.now())
        reader.refuse("code", "form.refused", text=visit.refusal(opened))
    return _page(
        visit, wanted=wanted, kept=_kept(visit), reader=reader, is_code_sent=True, status=422
    )


async def show_link(visit: Visit) -> Response:
    """Say what a link is for; opening it takes a press, so that no preview uses it up."""
    found = await journey.read_link(visit.house, visit.request.path_params["token"])
    if found is None:
        return errors.link_ended(visit)
    act = found.scope.partition(":")[0]
    form = visit.form(visit.request.url.path.removeprefix(BASE))
    view = ContinueView(form=form, text=visit.word("act", act))
    return visit.page("sign_in/continue.html", visit.t("sign_in.link_title"), view)


async def open_link(visit: Visit) -> Response:
    """Open the session of a link and go to its act."""
    opened = await journey.open_link(
        visit.house, visit.request.path_params["token"], source=visit.source
    )
    if isinstance(opened, Refused):
        return errors.link_ended(visit)
    return _enter(visit, opened, act_path(opened.session))


def act_path(session: PortalSession) -> str:
    """Return the page on which the act of a session is done."""
    act, _, record = session.scope.partition(":")
    return f"{BASE}/{act}/{record}" if record else f"{BASE}/{act}"


async def sign_out(visit: Visit) -> Response:
    """End the session; a customer who was sent here goes back."""
    if visit.session is not None:
        await journey.end_session(visit.house, visit.session)
    response = visit.go(_PATH)
    _set_cookies(response, session_cookies(None, plain=visit.is_plain))
    return response


async def show_sessions(visit: Visit) -> Response:
    """Show the latest sign-ins."""
    assert visit.session is not None
    now, f = visit.house.wall.now(), visit.formats
    rows = tuple(
        SessionRow(
            made_at=f.instant(one.made_at),
            seen_at=f.instant(one.seen_at),
            is_present=one.session_id == visit.session.session_id,
            state=visit.t("sign_in.open" if one.is_open(now) else "sign_in.over"),
        )
        for one in await journey.recent_sessions(visit.house, visit.customer_id)
    )
    view = SessionsView(rows=rows, form=visit.form("/sign-ins"), done=visit.done("others_ended"))
    return visit.page("sign_in/sessions.html", visit.t("sign_in.sessions"), view)


async def end_others(visit: Visit) -> Response:
    """End every other session."""
    assert visit.session is not None
    await journey.end_session(visit.house, visit.session, others=True)
    return visit.go("/sign-ins?done=others_ended")


async def set_preferences(visit: Visit) -> Response:
    """Remember theme or language in a cookie, and return to the page."""
    response = RedirectResponse(own_path(visit.values.get("here", "")), status_code=303)
    for name, allowed in {"theme": THEMES, "language": LANGUAGES}.items():
        value = visit.values.get(name, "")
        if value in allowed:
            header = cookie_header(name, value, plain=visit.is_plain, lasting=True)
            response.headers.append("set-cookie", header)
    return response


async def go_home(visit: Visit) -> Response:
    """Answer a GET of an address that only takes posts."""
    return visit.go("/")


def own_path(path: str) -> str:
    """Return a path inside the portal; anything that leads elsewhere leads home."""
    is_ours = path.startswith(BASE + "/") or path == BASE
    is_odd = "\\" in path or "//" in path or not path.isprintable()
    return path if is_ours and not is_odd else f"{BASE}/"


def _enter(visit: Visit, opened: journey.Opened, wanted: str) -> Response:
    """Open the session in the browser, and go on where the customer wanted to go."""
    plain, kept = visit.is_plain, _kept(visit)
    visit.enter(opened)
    if kept:
        form = Form(action=wanted, token=visit.token(), values=kept)
        view = ContinueView(form=form, text=visit.t("sign_in.continue_text"))
        response = visit.page("sign_in/continue.html", visit.t("sign_in.continue_title"), view)
    else:
        response = RedirectResponse(wanted, status_code=303)
    _set_cookies(response, session_cookies(opened, plain=plain))
    return response


def _set_cookies(response: Response, cookies: list[str]) -> None:
    for cookie in cookies:
        response.headers.append("set-cookie", cookie)


def _page(
    visit: Visit,
    *,
    wanted: str,
    kept: Mapping[str, str],
    notice: str = "",
    reader: FormReader | None = None,
    is_code_sent: bool = False,
    code: str = "",
    status: int = 200,
) -> Response:
    form = visit.form(_PATH, reader or (FormReader(visit.values) if is_code_sent else None))
    hidden = {TOKEN_FIELD, KEY_FIELD}
    view = SignInView(
        form=form,
        next=own_path(wanted),
        kept={name: value for name, value in kept.items() if name not in hidden},
        notice=notice,
        is_code_sent=is_code_sent,
        code=code,
    )
    return visit.page("sign_in/sign_in.html", visit.t("sign_in.title"), view, status=status)


def _kept(visit: Visit) -> dict[str, str]:
    return {
        name.removeprefix(_KEPT): value
        for name, value in visit.values.items()
        if name.startswith(_KEPT)
    }


PAGES: Final = (
    Page(path="/sign-in", show=show, submit=submit, is_open=True),
    Page(path="/enter/{token}", show=show_link, submit=open_link, is_open=True),
    Page(path="/sign-out", show=go_home, submit=sign_out, is_open=True),
    Page(path="/preferences", show=go_home, submit=set_preferences, is_open=True),
    Page(path="/sign-ins", show=show_sessions, submit=end_others),
)
