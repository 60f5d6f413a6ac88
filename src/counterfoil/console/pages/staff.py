"""Staff: the second factor, emergency access, and the review of who still needs which right."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import segno
from markupsafe import Markup
from starlette.responses import Response

from counterfoil.console import flow, words
from counterfoil.console.access import Permission
from counterfoil.console.flow import Action, Crumb, Field
from counterfoil.console.frame import BASE
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.visit import Visit
from counterfoil.console.words import refusal_text
from counterfoil.journeys.admitting.second_factor import Enrolment, begin_factor, confirm_factor
from counterfoil.journeys.admitting.staff_rights import (
    FINDINGS,
    RightLine,
    begin_emergency,
    confirm_rights,
    end_emergency,
    find_emergency,
    list_emergencies,
    review_emergency,
    review_rights,
)
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access import Operator, find_operator
from counterfoil.platform.access_matrix import load_matrix
from counterfoil.platform.staff import Emergency
from counterfoil.platform.web import charts
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Form, Status

FACTOR_PATH: Final = "/second-factor"
_CODE_LENGTH_MAX: Final = 40
_TONES: Final = {"in_use": "good", "confirmed": "good", "unused": "warn", "suspended": "bad"}
_FOUND: Final = {"open": "warn", "justified": "good", "not_justified": "bad"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorView:
    """The second factor: its state, a picture to scan, or codes that are shown once."""

    form: Form
    has_factor: bool
    #: Whether the picture is shown and waits for its first code.
    is_begun: bool = False
    picture: Markup = field(default_factory=Markup)
    secret: str = ""
    codes: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RightRow:
    """One permission of somebody in the review."""

    operator: str
    role: str
    permission: str
    last_used: str
    confirmed: str
    expires: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyRow:
    """One emergency of the list."""

    href: str
    record: str
    operator: str
    role: str
    begun: str
    ends: str
    why: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffView:
    """The review of rights, and the emergencies."""

    rights: Sequence[RightRow]
    operators: Sequence[str]
    emergencies: Sequence[EmergencyRow]
    days: int
    done: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyView:
    """Emergency access: what may be taken, or what is under way."""

    form: Form
    roles: Sequence[tuple[str, str]]
    minutes: int
    under_way: str


async def show_factor(visit: Visit) -> Response:
    """Show whether a second factor is set up."""
    operator = await _operator(visit)
    view = FactorView(form=visit.form(BASE + FACTOR_PATH), has_factor=operator.has_factor)
    return visit.page("staff/second_factor.html", visit.t("factor.title"), view)


async def submit_factor(visit: Visit) -> Response:
    """Begin with a new picture, or take its first code."""
    house, now = visit.desk.house, visit.desk.wall.now()
    operator = await _operator(visit)
    code = visit.values.get("code", "")[:_CODE_LENGTH_MAX]
    reader = FormReader(visit.values)
    if flow.step_of(visit) == flow.CONFIRM:
        codes = await confirm_factor(house, visit.actor, operator, code=code, now=now)
        if not isinstance(codes, Refused):
            form = visit.form(BASE + FACTOR_PATH)
            view = FactorView(form=form, has_factor=True, codes=codes)
            return visit.page("staff/second_factor.html", visit.t("factor.title"), view)
        reader.refuse("code", "form.refused", text=refusal_text(visit, codes))
        return _factor_form(visit, operator, reader, is_begun=True)
    begun = await begin_factor(house, visit.actor, operator, code=code, now=now)
    if isinstance(begun, Refused):
        reader.refuse("code", "form.refused", text=refusal_text(visit, begun))
        return _factor_form(visit, operator, reader)
    visit.values = {}
    return _picture(visit, operator, begun)


def _factor_form(
    visit: Visit, operator: Operator, reader: FormReader, *, is_begun: bool = False
) -> Response:
    view = FactorView(
        form=visit.form(BASE + FACTOR_PATH, reader),
        has_factor=operator.has_factor,
        is_begun=is_begun,
    )
    title = visit.t("factor.title")
    return visit.page("staff/second_factor.html", title, view, status=422)


def _picture(visit: Visit, operator: Operator, begun: Enrolment) -> Response:
    rows = [list(row) for row in segno.make_qr(begun.uri, error="M").matrix]
    title = visit.t("factor.picture")
    view = FactorView(
        form=visit.form(BASE + FACTOR_PATH),
        has_factor=operator.has_factor,
        is_begun=True,
        picture=charts.qr_code("factor", rows, title=title, description=visit.t("factor.scan")),
        secret=" ".join(begun.text[n : n + 4] for n in range(0, len(begun.text), 4)),
    )
    return visit.page("staff/second_factor.html", visit.t("factor.title"), view)


async def _operator(visit: Visit) -> Operator:
    async with visit.desk.house.database.connection() as connection:
        operator = await find_operator(connection, visit.operator)
    assert operator is not None, "the page was opened by somebody who may sign in"
    return operator


async def show_staff(visit: Visit) -> Response:
    """Show the review of rights and the emergencies."""
    house = visit.desk.house
    lines = await review_rights(house, now=visit.desk.wall.now())
    view = StaffView(
        rights=[_right_row(visit, line) for line in lines],
        operators=sorted({line.operator for line in lines}),
        emergencies=[_emergency_row(visit, item) for item in await list_emergencies(house)],
        days=house.settings.rights_unused_days,
        done=visit.done("rights_confirmed", "emergency_reviewed"),
    )
    return visit.page(
        "staff/staff.html",
        visit.t("nav.staff"),
        view,
        journey="journeys.admitting.staff_rights.review_rights",
        cli_call="counterfoil operators review",
    )


async def confirm(visit: Visit) -> Response:
    """Confirm that a colleague still needs the rights of the role."""
    name = visit.request.path_params["operator"]
    now = visit.desk.wall.now()
    lines = [i for i in await review_rights(visit.desk.house, now=now) if i.operator == name]
    if not lines:
        return await errors.not_found(visit)
    t = visit.t
    action = Action(
        name="confirm_rights",
        title=t("rights.confirm_title", name=name),
        intro=t("rights.confirm_intro", name=name),
        path=f"{BASE}/staff/{name}",
        record=Crumb(label=t("nav.staff"), href=f"{BASE}/staff"),
        journey="journeys.admitting.staff_rights.confirm_rights",
    )
    choices = (
        ("", t("rights.all")),
        *((i.permission, words.code_label(visit, "permission", i.permission)) for i in lines),
    )
    fields = [
        Field(name="permission", label=t("rights.permission"), kind="select", choices=choices),
        Field(name="reason", label=t("approval.reason"), hint=t("approval.reason_hint")),
    ]

    async def act(reader: FormReader) -> object:
        permission = reader.choice("permission", tuple(code for code, _ in choices))
        reason = flow.reason_of(reader)
        if permission is None or reason is None:
            return None
        wanted = [permission] if permission else []
        return await confirm_rights(
            visit.desk.house, visit.actor, name, wanted, reason=reason, now=now
        )

    return await flow.run(visit, action, fields, act, done="rights_confirmed")


async def review(visit: Visit) -> Response:
    """Look into an emergency of somebody else's."""
    found = await _found(visit)
    if found is None:
        return await errors.not_found(visit)
    t, record = visit.t, ids.to_text(ids.EMERGENCY, found.emergency_id)
    action = Action(
        name="review_emergency",
        title=t("emergency.review_title", record=record),
        intro=t(
            "emergency.review_intro",
            who=found.operator,
            role=visit.catalogue.label("role", found.lent_role),
            ticket=found.ticket,
            reason=found.reason,
            begun=visit.formats.instant(found.started_at),
            ends=visit.formats.instant(found.ends_at),
        ),
        path=f"{BASE}/staff/emergencies/{record}",
        record=Crumb(label=t("nav.staff"), href=f"{BASE}/staff"),
        journey="journeys.admitting.staff_rights.review_emergency",
    )
    choices = tuple((code, visit.catalogue.label("emergency_finding", code)) for code in FINDINGS)
    fields = [
        Field(name="finding", label=t("emergency.finding"), kind="select", choices=choices),
        Field(name="reason", label=t("approval.reason"), hint=t("approval.reason_hint")),
    ]

    async def act(reader: FormReader) -> object:
        finding, reason = reader.choice("finding", FINDINGS), flow.reason_of(reader)
        if finding is None or reason is None:
            return None
        return await review_emergency(
            visit.desk.house,
            visit.actor,
            found.emergency_id,
            finding=finding,
            text=reason,
            now=visit.desk.wall.now(),
        )

    return await flow.run(visit, action, fields, act, done="emergency_reviewed")


async def show_emergency(visit: Visit) -> Response:
    """Show what may be taken in an emergency, or what is under way."""
    return _emergency_page(visit)


async def submit_emergency(visit: Visit) -> Response:
    """Begin an emergency, or end the one under way."""
    house, now = visit.desk.house, visit.desk.wall.now()
    reader = FormReader(visit.values)
    if flow.step_of(visit) == "end":
        outcome: object = await end_emergency(house, visit.actor, now=now)
    else:
        roles = tuple(sorted(load_matrix().rights_of(visit.role).emergency))
        role = reader.choice("role", roles)
        ticket = reader.text("ticket", length_max=64)
        reason = reader.text("reason", length_max=flow.REASON_LENGTH_MAX)
        if role is None or ticket is None or reason is None:
            return _emergency_page(visit, reader)
        outcome = await begin_emergency(
            house, visit.actor, role=role, ticket=ticket, reason=reason, minutes=None, now=now
        )
    if isinstance(outcome, Refused):
        reader.refuse("form", "form.refused", text=refusal_text(visit, outcome))
        return _emergency_page(visit, reader)
    return visit.go(f"{BASE}/emergency")


def _emergency_page(visit: Visit, reader: FormReader | None = None) -> Response:
    roles = sorted(load_matrix().rights_of(visit.role).emergency)
    standing = visit.standing
    form = visit.form(f"{BASE}/emergency", reader)
    view = EmergencyView(
        form=form,
        roles=[(role, visit.catalogue.label("role", role)) for role in roles],
        minutes=visit.desk.house.settings.emergency_minutes,
        under_way=visit.catalogue.label("role", standing.lent_role) if standing.lent_role else "",
    )
    status = 422 if form.errors else 200
    return visit.page("staff/emergency.html", visit.t("emergency.title"), view, status=status)


async def _found(visit: Visit) -> Emergency | None:
    try:
        number = ids.from_text(ids.EMERGENCY, visit.request.path_params["emergency"])
    except ids.InvalidIdError:
        return None
    return await find_emergency(visit.desk.house, number)


def _right_row(visit: Visit, line: RightLine) -> RightRow:
    confirmed = "—"
    if line.confirmed_at is not None:
        confirmed = f"{visit.formats.instant(line.confirmed_at)} · {line.confirmed_by}"
    return RightRow(
        operator=line.operator,
        role=visit.catalogue.label("role", line.role),
        permission=words.code_label(visit, "permission", line.permission),
        last_used=visit.formats.day(line.last_used_on) if line.last_used_on else "—",
        confirmed=confirmed,
        expires=visit.formats.instant(line.expires_at),
        status=visit.status("right_state", line.state.value, _TONES),
    )


def _emergency_row(visit: Visit, item: Emergency) -> EmergencyRow:
    record = ids.to_text(ids.EMERGENCY, item.emergency_id)
    return EmergencyRow(
        href=f"{BASE}/staff/emergencies/{record}",
        record=record,
        operator=item.operator,
        role=visit.catalogue.label("role", item.lent_role),
        begun=visit.formats.instant(item.started_at),
        ends=visit.formats.instant(item.ends_at),
        why=f"{item.ticket} · {item.reason}",
        status=visit.status("emergency_finding", item.finding or "open", _FOUND),
    )


PAGES: Final = (
    Page(path=FACTOR_PATH, show=show_factor, submit=submit_factor),
    Page(path="/emergency", show=show_emergency, submit=submit_emergency),
    Page(path="/staff", show=show_staff, permission=Permission.MANAGE_STAFF),
    Page(
        path="/staff/emergencies/{emergency}",
        show=review,
        submit=review,
        permission=Permission.MANAGE_STAFF,
    ),
    Page(
        path="/staff/{operator}", show=confirm, submit=confirm, permission=Permission.MANAGE_STAFF
    ),
)
