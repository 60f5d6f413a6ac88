"""Scenes: their rules, what is owed and late, and stops, which a person lifts with a reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from counterfoil.console import flow, words
from counterfoil.console.access import Permission
from counterfoil.console.flow import Action, Crumb, Field
from counterfoil.console.frame import BASE
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.visit import Visit
from counterfoil.journeys.purchasing.scenes import lift_stop, list_scenes
from counterfoil.kernel import ids
from counterfoil.lending.scene_store import WHOLE
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Status

_HOME: Final = f"{BASE}/scenes"
_TONES: Final = {"open": "good", "stopped": "bad", "closed": "bad"}
_PPM_OF_PERCENT: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRow:
    """What a scene adds to a product."""

    name: str
    limit: str
    tenors: str
    documents: str
    ahead: str
    cooling_off: str
    refund: str
    tolerance: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BookRow:
    """What is owed in a scene, or of it at one merchant."""

    name: str
    record: str
    #: Page of a merchant; empty for a scene as a whole.
    href: str
    loans: str
    owed: str
    late: str
    share: str
    status: Status
    #: Where its stop is lifted; empty where it is not stopped.
    lift_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenesPage:
    """Every scene."""

    rules: Sequence[RuleRow]
    books: Sequence[BookRow]
    #: Where a merchant of each scene is registered; empty for who may not ask for it.
    registers: Sequence[tuple[str, str]]
    done: str


async def show(visit: Visit) -> Response:
    """Show scenes with merchants and stops."""
    found = await list_scenes(visit.desk.house)
    view = ScenesPage(
        rules=[_rule(visit, item) for item in found],
        books=[
            row
            for item in found
            for row in (
                _book(visit, item, item, _name(visit, item), ""),
                *(_book(visit, m, item, m["name"], m["id"]) for m in item["merchants"]),
            )
        ],
        registers=[_register(visit, item) for item in found if visit.may(Permission.REVIEW)],
        done=visit.done("scene_stop_lifted", "payee_asked", "payee_registered"),
    )
    return visit.page(
        "payments/scenes.html",
        visit.t("nav.scenes"),
        view,
        journey="journeys.purchasing.scenes.list_scenes",
        api_call="GET /v1/scenes",
    )


def _register(visit: Visit, item: dict[str, Any]) -> tuple[str, str]:
    name = visit.t("scenes.register", scene=_name(visit, item))
    return name, f"{_HOME}/{item['code']}/all/payee"


async def lift(visit: Visit) -> Response:
    """Let new loans of a scene, or at a merchant, go on."""
    params = visit.request.path_params
    place = _place(params["scene"], params["merchant"])
    if place is None or not await _is_stopped(visit, *place):
        return await errors.not_found(visit)
    scene, merchant_id = place
    action = Action(
        name="lift_scene_stop",
        title=visit.t("scenes.lift_title"),
        intro=visit.t("scenes.lift_intro"),
        path=f"{_HOME}/{scene}/{params['merchant']}/lift",
        record=Crumb(label=visit.t("nav.scenes"), href=_HOME),
        journey="journeys.purchasing.scenes.lift_stop",
        api_call="POST /v1/scene-stops/lift",
    )
    fields = [Field(name="reason", label=visit.t("approval.reason"))]

    async def act(reader: FormReader) -> object:
        reason = flow.reason_of(reader)
        if reason is None:
            return None
        return await lift_stop(
            visit.desk.house,
            scene=scene,
            merchant_id=merchant_id or None,
            by=visit.operator,
            reason=reason,
        )

    return await flow.run(visit, action, fields, act, done="scene_stop_lifted")


def _place(scene: str, merchant: str) -> tuple[str, int] | None:
    if merchant == "all":
        return scene, WHOLE
    try:
        return scene, ids.from_text(ids.MERCHANT, merchant)
    except ids.InvalidIdError:
        return None


async def _is_stopped(visit: Visit, scene: str, merchant_id: int) -> bool:
    record = ids.to_text(ids.MERCHANT, merchant_id)
    return any(
        book["is_stopped"]
        for item in await list_scenes(visit.desk.house)
        if item["code"] == scene
        for book in (
            [item] if merchant_id == WHOLE else [m for m in item["merchants"] if m["id"] == record]
        )
    )


def _rule(visit: Visit, item: dict[str, Any]) -> RuleRow:
    f = visit.formats
    return RuleRow(
        name=_name(visit, item),
        limit=f.money(item["limit_minor"], item["currency"]),
        tenors=", ".join(map(str, item["tenors_months"])),
        documents=", ".join(
            words.code_label(visit, "scene_document", code) for code in item["documents"]
        )
        or "—",
        ahead=_whole(item["ahead_ppm"]),
        cooling_off=str(item["cooling_off_days"]),
        refund=visit.t(
            "scenes.refund_of",
            percent=_whole(item["cancelled_refund_ppm"]),
            days=item["refund_days"],
        ),
        tolerance=_share(item["late_ppm_max"]),
    )


def _book(
    visit: Visit, book: dict[str, Any], item: dict[str, Any], name: str, record: str
) -> BookRow:
    f, is_stopped, is_closed = visit.formats, book["is_stopped"], bool(book.get("closed_on"))
    scene, currency = item["code"], item["currency"]
    state = "stopped" if is_stopped else "open"
    return BookRow(
        name=name,
        record=record,
        href=f"{_HOME}/{scene}/{record}" if record else "",
        loans=str(book["loans_count"]),
        owed=f.money(book["owed_minor"], currency),
        late=f.money(book["late_minor"], currency),
        share=_share(book["late_ppm"]),
        status=visit.status("scene_state", "closed" if is_closed else state, _TONES),
        lift_href=f"{_HOME}/{scene}/{record or 'all'}/lift" if is_stopped and not is_closed else "",
    )


def _whole(ppm: int) -> str:
    """Return a share that is a whole percent."""
    return f"{ppm // _PPM_OF_PERCENT} %"


def _share(ppm: int) -> str:
    return f"{ppm // 10_000}.{ppm % 10_000 // 100:02d} %"


def _name(visit: Visit, item: dict[str, Any]) -> str:
    name: str = item["name_zh" if visit.catalogue.language.startswith("zh") else "name_en"]
    return name


PAGES: Final = (
    Page(path="/scenes", show=show),
    Page(
        path="/scenes/{scene}/{merchant}/lift",
        show=lift,
        submit=lift,
        permission=Permission.REVIEW,
    ),
)
