"""Pages that host apps ask for: the door with its one-time code, and the act behind it.

The customer comes from another app for one thing: a consent, a cost sheet, an agreement. Everything
that is agreed to is shown here; the app gets the number of the page back and nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import RedirectResponse, Response

from counterfoil.contracts.contract import Part
from counterfoil.customers.refusals import SIGN_IN_TOO_MANY
from counterfoil.hosts.page import HostedPage, PageAct
from counterfoil.journeys.borrowing.drawable import refused_now
from counterfoil.journeys.hosting import hosted_acts as acts
from counterfoil.journeys.hosting import hosted_pages as journey
from counterfoil.journeys.serving.portal_trail import LINK, note_turned_away
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Form
from counterfoil.portal.frame import BASE
from counterfoil.portal.page import Page
from counterfoil.portal.pages import errors
from counterfoil.portal.session import session_cookies
from counterfoil.portal.sheet import SheetView, sheet_view
from counterfoil.portal.visit import Visit
from counterfoil.portal.words import notice_language

#: Without its token: a line of the trail opens nothing.
DOOR: Final = "/host/{token}"
_CODE_LENGTH_MAX: Final = 12
_DAY_MAX: Final = 28
_DAY_DEFAULT: Final = "15"
_THROTTLE: Final = "hosted"


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorView:
    """Who sent the customer, for what, and where the code goes."""

    host: str
    act: str
    phone: str
    is_code_sent: bool
    #: Shown in a sandbox, which has no phones.
    code: str
    form: Form


@dataclass(frozen=True, slots=True, kw_only=True)
class ActView:
    """What is agreed to."""

    #: `consent`, `cost_sheet` or `agreement`.
    act: str
    #: Language of the text as a page names it.
    lang: str
    title: str
    #: Paragraphs, each with its heading where it has one.
    parts: Sequence[tuple[str, str]]
    sheet: SheetView | None
    #: Why what the sheet shows cannot be drawn now; empty where it can, or nothing is drawn.
    not_now: str
    #: How the host calls the account that is paid; empty where nothing is drawn.
    paid_to: str
    #: Whether the agreement itself is shown, with the field of its code.
    is_signing: bool
    code: str
    form: Form


@dataclass(frozen=True, slots=True, kw_only=True)
class EndView:
    """An act that is done, or was refused, and the way back."""

    text: str
    is_done: bool
    back: str


async def show_door(visit: Visit) -> Response:
    """Say who sent the customer for what; nothing is used up by looking."""
    return await _door(visit)


async def pass_door(visit: Visit) -> Response:
    """Send a code, or open the act with it."""
    reader, token = FormReader(visit.values), visit.request.path_params["token"]
    now = visit.house.wall.now()
    if visit.desk.throttle.wait_until(_THROTTLE, visit.address, now):
        await note_turned_away(visit.house, visit.source, LINK, refuse(SIGN_IN_TOO_MANY))
        reader.refuse("code", "sign_in.too_often")
        return await _door(visit, reader, is_code_sent=True, status=429)
    if visit.values.get("step") != "code":
        sent = await journey.send_code(visit.house, token, source=visit.source)
        if isinstance(sent, Refused):
            return errors.refused(visit, sent)
        return await _door(visit, is_code_sent=True, code=sent or "")
    code = "".join((reader.text("code", length_max=_CODE_LENGTH_MAX) or "").split())
    if reader.is_valid:
        opened = await journey.recognise(visit.house, token, code, source=visit.source)
        if not isinstance(opened, Refused):
            visit.desk.throttle.succeeded(_THROTTLE, visit.address)
            record = opened.session.scope.partition(":")[2]
            response = RedirectResponse(f"{BASE}/hosted/{record}", status_code=303)
            for cookie in session_cookies(opened, plain=visit.is_plain):
                response.headers.append("set-cookie", cookie)
            return response
        visit.desk.throttle.failed(_THROTTLE, visit.address, now)
        reader.refuse("code", "form.refused", text=visit.refusal(opened))
    return await _door(visit, reader, is_code_sent=True, status=422)


async def show_act(visit: Visit) -> Response:
    """Show what is to be agreed to, or that it is over."""
    page = await _page(visit)
    if isinstance(page, Refused):
        return errors.refused(visit, page)
    return await _show(visit, page)


async def do_act(visit: Visit) -> Response:
    """Agree, sign or refuse."""
    page = await _page(visit)
    if isinstance(page, Refused):
        return errors.refused(visit, page)
    reader, choice = FormReader(visit.values), visit.values.get("choice", "")
    if page.ended_at is not None or choice == "read":
        return await _show(visit, page, is_signing=choice == "read")
    outcome = await _carry(visit, page, reader, choice)
    if isinstance(outcome, Refused):
        name = "code" if choice == "sign" else "form"
        reader.refuse(name, "form.refused", text=visit.refusal(outcome))
    if reader.errors:
        return await _show(visit, page, reader, is_signing=choice == "sign")
    return visit.go(f"/hosted/{visit.request.path_params['record']}")


async def _carry(
    visit: Visit, page: HostedPage, reader: FormReader, choice: str
) -> HostedPage | Refused | None:
    """Do what the customer chose; whatever is not a clear yes is a no."""
    house = visit.house
    if page.act is PageAct.CONSENT:
        agrees = choice == "agree"
        return await acts.decide_notice(house, page, agrees=agrees, language=visit.language)
    if choice == "agree" and page.act is PageAct.COST_SHEET:
        return await acts.agree_to_quote(house, page)
    if choice == "sign" and page.act is PageAct.AGREEMENT:
        code = "".join((reader.text("code", length_max=_CODE_LENGTH_MAX) or "").split())
        day = reader.choice("repayment_day", [str(n) for n in range(1, _DAY_MAX + 1)])
        if not reader.is_valid or day is None:
            return None
        return await acts.sign_agreement(house, page, code=code, repayment_day=int(day))
    return await acts.refuse_page(house, page)


async def _page(visit: Visit) -> HostedPage | Refused:
    number = visit.number(ids.HOSTED_PAGE)
    return await acts.open_page(visit.house, visit.customer_id, number or 0)


async def _door(
    visit: Visit,
    reader: FormReader | None = None,
    *,
    is_code_sent: bool = False,
    code: str = "",
    status: int = 200,
) -> Response:
    token = visit.request.path_params["token"]
    door = await journey.at_the_door(visit.house, token)
    if isinstance(door, Refused):
        return errors.refused(visit, door)
    # The phone's last digits are shown to whoever has the link.
    await visit.note_own_look(door.page.customer_id, door.page.page_id, DOOR)
    view = DoorView(
        host=door.host_name,
        act=visit.t(f"hosted.act.{door.page.act.value}"),
        phone=door.phone,
        is_code_sent=is_code_sent,
        code=code,
        form=visit.form(f"/host/{token}", reader),
    )
    return visit.page("hosted/door.html", visit.t("hosted.door_title"), view, status=status)


async def _show(
    visit: Visit, page: HostedPage, reader: FormReader | None = None, *, is_signing: bool = False
) -> Response:
    if page.ended_at is not None:
        return _end(visit, page)
    if await acts.needs_check(visit.house, page):
        text = visit.t("hosted.needs_check")
        return visit.page(
            "hosted/end.html",
            visit.t("hosted.door_title"),
            EndView(text=text, is_done=False, back=_back(visit)),
        )
    shown = await _content(visit, page, reader, is_signing=is_signing)
    if isinstance(shown, Refused):
        return errors.refused(visit, shown)
    status = 422 if reader and reader.errors else 200
    return visit.page("hosted/act.html", shown.title, shown, status=status)


async def _content(
    visit: Visit, page: HostedPage, reader: FormReader | None, *, is_signing: bool
) -> ActView | Refused:
    """Return what the customer sees; showing it begins its reading time."""
    house, language = visit.house, visit.language
    text, sheet, code, not_now = "", None, "", ""
    title = visit.t(f"hosted.act.{page.act.value}")
    if page.act is PageAct.CONSENT:
        notice = await acts.show_notice(house, page)
        if isinstance(notice, Refused):
            return notice
        title, _, text = notice.texts[notice_language(visit)].text.strip().partition("\n\n")
    elif page.act is PageAct.COST_SHEET:
        quote = await acts.show_quote(house, page, language)
        if isinstance(quote, Refused):
            return quote
        sheet = sheet_view(visit, quote.sheet.document(), quote.sheet.sheet_hash.hex())
        text = quote.note.text
        refused = await refused_now(house, quote)
        not_now = "" if refused is None else visit.refusal(refused)
    else:
        part = Part.AGREEMENT if is_signing else Part.COST_SHEET
        # A wrong code is tried again on the text that is open already.
        agreement = await acts.show_agreement(
            house, page, part, language, sends_code=not (reader and reader.errors)
        )
        if isinstance(agreement, Refused):
            return agreement
        code = agreement.code or ""
        if is_signing:
            text = agreement.texts.of(language)
        else:
            sheet = sheet_view(visit, agreement.texts.cost_sheet, agreement.sheet_sha256)
    return ActView(
        act=page.act.value,
        lang="zh-CN" if language.value == "zh" else "en",
        title=title,
        parts=_parts(text),
        sheet=sheet,
        not_now=not_now,
        paid_to=await acts.payee_label(house, page) if page.act is PageAct.COST_SHEET else "",
        is_signing=is_signing,
        code=code,
        form=visit.form(
            visit.request.url.path.removeprefix(BASE), reader, repayment_day=_DAY_DEFAULT
        ),
    )


def _end(visit: Visit, page: HostedPage) -> Response:
    is_done = page.result is not None
    view = EndView(
        text=visit.t("hosted.done" if is_done else "hosted.refused"),
        is_done=is_done,
        back=_back(visit),
    )
    return visit.page("hosted/end.html", visit.t(f"hosted.act.{page.act.value}"), view)


def _back(visit: Visit) -> str:
    return visit.session.return_to if visit.session else ""


def _parts(text: str) -> list[tuple[str, str]]:
    """Return paragraphs with their headings; a paragraph of one line has none."""
    parts = []
    for block in text.strip().split("\n\n"):
        heading, _, rest = block.partition("\n")
        parts.append((heading, rest) if rest else ("", heading))
    return parts


PAGES: Final = (
    Page(path=DOOR, show=show_door, submit=pass_door, is_open=True),
    Page(path="/hosted/{record}", show=show_act, submit=do_act, act=journey.SCOPE),
)
