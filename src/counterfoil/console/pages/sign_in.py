"""Signing in and out, the preferences, the list of keys; what was typed before is kept.

A post that meets an ended session shows the sign-in with its fields inside, and hands them back
to the page they were meant for: nothing is lost, and nothing is done unseen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from counterfoil.console.access import Permission
from counterfoil.console.frame import BASE, THEMES, navigation
from counterfoil.console.page import Page
from counterfoil.console.visit import Visit
from counterfoil.journeys.admitting.second_factor import is_code
from counterfoil.journeys.trail import Act, lines_of
from counterfoil.platform.access import Operator, verify_operator
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.trail import DONE
from counterfoil.platform.trail_book import STRANGER, Refusal
from counterfoil.platform.web.forms import (
    KEY_FIELD,
    SECRET_BYTES,
    TOKEN_FIELD,
    FormReader,
)
from counterfoil.platform.web.i18n import LANGUAGES
from counterfoil.platform.web.parts import Form
from counterfoil.platform.web.sessions import SESSION_LIFE, Session, cookie_header, seal

_KEPT: Final = "kept."
_SIGN_IN: Final = "sign_in"
_NAME_LENGTH_MAX: Final = 64
_PASSWORD_LENGTH_MAX: Final = 200
_CODE_LENGTH_MAX: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInView:
    """The form, where it leads, and what another form had already been told."""

    form: Form
    next: str
    kept: Mapping[str, str]
    #: Why the sign-in is asked for; empty where nothing special happened.
    notice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContinueView:
    """Input that is handed back to its page."""

    form: Form


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysView:
    """The keys that work on every page."""

    keys: tuple[tuple[str, str], ...]
    form: Form
    has_single_keys: bool


async def ask(visit: Visit) -> Response:
    """Ask for a sign-in where a page was wanted that needs one."""
    is_post = visit.request.method == "POST"
    path = visit.request.url.path
    query = "" if is_post else visit.request.url.query
    kept = dict(visit.values) if is_post else {}
    wanted = f"{path}?{query}" if query else path
    notice = visit.t("sign_in.ended") if is_post else ""
    return _page(visit, next_path=wanted, kept=kept, notice=notice, status=401)


async def show(visit: Visit) -> Response:
    """Show the form."""
    wanted = visit.values.get("next") or visit.request.query_params.get("next", "")
    notice = visit.t("form.stale") if visit.is_stale else ""
    return _page(visit, next_path=wanted, kept=_kept(visit), notice=notice)


async def submit(visit: Visit) -> Response:
    """Check name and password, and open a session."""
    reader = FormReader(visit.values)
    name = reader.text("operator", length_max=_NAME_LENGTH_MAX)
    password = visit.values.get("password", "")[:_PASSWORD_LENGTH_MAX]
    next_path = own_path(visit.values.get("next", ""))
    address = visit.request.client.host if visit.request.client else ""
    now = visit.desk.wall.now()
    if visit.desk.throttle.wait_until(name or "", address, now):
        reader.refuse("password", "sign_in.too_often")
        return _page(visit, next_path=next_path, kept=_kept(visit), reader=reader, status=429)
    operator = await _verified(visit, name, password) if name and password else None
    if operator is None:
        visit.desk.throttle.failed(name or "", address, now)
        # Whatever was typed as a name may be a password: it is kept nowhere.
        await _note(visit, STRANGER, "", "sign_in_refused")
        reader.refuse("password", "sign_in.refused")
        return _page(visit, next_path=next_path, kept=_kept(visit), reader=reader, status=422)
    if operator.has_factor and not await _has_code(visit, operator):
        if visit.values.get("code", "").strip():
            visit.desk.throttle.failed(operator.name, address, now)
            await _note(visit, operator.name, operator.role.value, "sign_in_code_refused")
            reader.refuse("code", "sign_in.code_wrong")
        else:
            reader.refuse("code", "sign_in.code_needed")
        return _page(visit, next_path=next_path, kept=_kept(visit), reader=reader, status=422)
    visit.desk.throttle.succeeded(operator.name, address)
    await _note(visit, operator.name, operator.role.value, DONE)
    session = Session(
        operator=operator.name,
        role=operator.role.value,
        secret=visit.desk.random_bytes(SECRET_BYTES),
        ends_at=visit.desk.wall.now() + SESSION_LIFE,
    )
    visit.session, visit.secret = session, session.secret
    response = _handed_back(visit, next_path) if _kept(visit) else visit.go(next_path)
    value = seal(session, visit.desk.session_key)
    response.headers.append("set-cookie", cookie_header("session", value, plain=visit.is_plain))
    response.headers.append("set-cookie", cookie_header("visit", "", plain=visit.is_plain))
    return response


async def _note(visit: Visit, name: str, role: str, outcome: str) -> None:
    """Write to the trail who signed in, or was not let in."""
    house, actor = visit.desk.house, Actor(name=name, role=role, source=visit.actor.source)
    told = Refusal(_SIGN_IN, "", outcome)
    if outcome == DONE or house.refusals.takes(actor, told):
        lines = lines_of(house, actor, Act(name=_SIGN_IN), outcome=outcome)
        await house.book.write(lines)


async def sign_out(visit: Visit) -> Response:
    """End the session."""
    response = visit.go(f"{BASE}/sign-in")
    response.headers.append("set-cookie", cookie_header("session", "", plain=visit.is_plain))
    return response


async def show_keys(visit: Visit) -> Response:
    """List the keys."""
    letters = tuple(
        (f"g {link.letter}", link.label)
        for group in navigation(visit.opens, "", visit.catalogue)
        for link in group.links
    )
    keys = (("/", visit.t("keys.find")), ("?", visit.t("keys.help")), *letters)
    view = KeysView(
        keys=keys,
        form=visit.form(f"{BASE}/preferences"),
        has_single_keys=visit.has_single_keys,
    )
    return visit.page("sign_in/keys.html", visit.t("keys.title"), view)


async def set_preferences(visit: Visit) -> Response:
    """Remember theme, language or keys in a cookie, and return to the page."""
    response = visit.go(own_path(visit.values.get("here", "")))
    choices = {"theme": THEMES, "language": LANGUAGES, "keys": ("on", "off")}
    for name, allowed in choices.items():
        value = visit.values.get(name, "")
        if value in allowed:
            header = cookie_header(name, value, plain=visit.is_plain, lasting=True)
            response.headers.append("set-cookie", header)
    return response


async def go_home(visit: Visit) -> Response:
    """Answer a GET of an address that only takes posts."""
    return visit.go(f"{BASE}/")


async def _verified(visit: Visit, name: str, password: str) -> Operator | None:
    async with visit.desk.house.database.connection() as connection:
        return await verify_operator(connection, name, password)


async def _has_code(visit: Visit, operator: Operator) -> bool:
    code = visit.values.get("code", "")[:_CODE_LENGTH_MAX]
    return await is_code(visit.desk.house, operator, code, now=visit.desk.wall.now())


def own_path(path: str) -> str:
    """Return a path inside the console; anything that leads elsewhere leads home."""
    is_ours = path.startswith(BASE + "/") or path == BASE
    is_odd = "\\" in path or "//" in path or not path.isprintable()
    return path if is_ours and not is_odd else f"{BASE}/"


def _page(
    visit: Visit,
    *,
    next_path: str,
    kept: Mapping[str, str],
    notice: str = "",
    reader: FormReader | None = None,
    status: int = 200,
) -> Response:
    form = visit.form(f"{BASE}/sign-in", reader)
    kept = {
        name: value for name, value in kept.items() if name not in (TOKEN_FIELD, KEY_FIELD, "step")
    }
    view = SignInView(form=form, next=own_path(next_path), kept=kept, notice=notice)
    return visit.page("sign_in/sign_in.html", visit.t("sign_in.title"), view, status=status)


def _kept(visit: Visit) -> dict[str, str]:
    return {
        name.removeprefix(_KEPT): value
        for name, value in visit.values.items()
        if name.startswith(_KEPT)
    }


def _handed_back(visit: Visit, path: str) -> Response:
    view = ContinueView(form=Form(action=path, token=visit.token(), values=_kept(visit)))
    return visit.page("sign_in/continue.html", visit.t("sign_in.continue_title"), view)


PAGES: Final = (
    Page(path="/sign-in", show=show, submit=submit, permission=None),
    Page(path="/sign-out", show=go_home, submit=sign_out, permission=None),
    Page(path="/preferences", show=go_home, submit=set_preferences, permission=None),
    Page(path="/keys", show=show_keys, permission=Permission.READ),
)
