"""What waits for a second person, and the trail of who looked, changed and was refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from operator import attrgetter
from typing import Final

from starlette.responses import Response

from counterfoil.console import flow, words
from counterfoil.console.access import Permission
from counterfoil.console.approval_words import SHAPES, summary_in_words
from counterfoil.console.desk import LENDER_ZONE
from counterfoil.console.flow import Action, Crumb, Field, Findings
from counterfoil.console.frame import BASE
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.pages.agreement_notices import notice_findings
from counterfoil.console.registry_report import registry_findings
from counterfoil.console.template_report import template_findings
from counterfoil.console.visit import Visit
from counterfoil.journeys.approve import decide_approval, list_approvals
from counterfoil.journeys.contracting import notice_all, publish_template
from counterfoil.journeys.contracting.notice_all import ProductWish
from counterfoil.journeys.contracting.notice_preview import preview_notice
from counterfoil.journeys.knowing import publish_registry
from counterfoil.journeys.trail import find_trail
from counterfoil.kernel import ids
from counterfoil.platform.access_matrix import load_matrix
from counterfoil.platform.approvals import Approval, payload_hash
from counterfoil.platform.trail import DONE, Entry, Wanted
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Status
from counterfoil.privacy.data_register import load_register

ROWS: Final = 100
_TEXT_LENGTH_MAX: Final = 64
_TONES: Final = {"open": "live", "approved": "good", "refused": "bad", "expired": "warn"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRow:
    """One request of the list."""

    href: str
    record: str
    kind: str
    summary: str
    requested_by: str
    requested_at: str
    decided_by: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalsView:
    """Requests, newest first."""

    rows: Sequence[ApprovalRow]
    done: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailRow:
    """One line of the trail."""

    at: str
    actor: str
    role: str
    source: str
    act: str
    #: As it is searched for.
    act_code: str
    customer: str
    href: str
    #: How many more the page showed, such as +19; empty where it was one.
    others: str
    why: str
    #: What was before and what is after, as far as the line tells.
    change: str
    #: The leaf of the log that commits to it; empty where none does yet.
    leaf: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailPageView:
    """Lines of the trail, and by what they were searched."""

    actor: str
    act: str
    customer: str
    only_refused: bool
    #: First and last day of the lender's zone, as they were typed; empty for no bound.
    first: str
    last: str
    #: What is wrong with a day; empty where nothing is.
    fault: str
    rows: Sequence[TrailRow]
    older_href: str


async def show_list(visit: Visit) -> Response:
    """List requests."""
    waiting = await list_approvals(visit.desk.house, page=ROWS)
    found = await visit.within_reach(waiting, attrgetter("summary"))
    view = ApprovalsView(
        rows=[_row(visit, item) for item in found], done=visit.done("approval_decided")
    )
    return visit.page(
        "privacy/approvals.html",
        visit.t("nav.approvals"),
        view,
        journey="journeys.approve.list_approvals",
        api_call="GET /v1/approvals",
        cli_call="counterfoil approvals list",
    )


async def decide(visit: Visit) -> Response:
    """Show one request with what it would do, and take the decision."""
    found = await _found(visit)
    if found is None:
        return await errors.not_found(visit)

    async def act(reader: FormReader) -> object:
        decision = reader.choice("decision", ("approve", "refuse"))
        reason = flow.reason_of(reader)
        if decision is None or reason is None:
            return None
        return await decide_approval(
            visit.desk.house,
            visit.actor,
            found.approval_id,
            is_approved=decision == "approve",
            reason=reason,
        )

    action, fields = _action(visit, found, await _findings(visit, found)), _fields(visit)
    return await flow.run(visit, action, fields, act, done="approval_decided")


async def show_trail(visit: Visit) -> Response:
    """Search the trail."""
    given = visit.request.query_params
    reader = FormReader(given)
    first, last = (reader.day(name, required=False) for name in ("from", "to"))
    fault = visit.t(reader.errors[0].message) if reader.errors else ""
    actor, act, customer = (
        given.get(name, "").strip()[:_TEXT_LENGTH_MAX] for name in ("actor", "act", "customer")
    )
    wanted = Wanted(
        actor=actor or None,
        act=act or None,
        customer_id=_number(customer, ids.CUSTOMER),
        since=None if first is None else _midnight(first),
        until=None if last is None else _midnight(last) + timedelta(days=1),
        only_refused=given.get("refused") == "1",
    )
    before = _number(given.get("before", ""))
    found = []
    if not fault:
        found = await find_trail(visit.desk.house, wanted, before=before, page=ROWS + 1)
    rows = found[:ROWS]
    view = TrailPageView(
        actor=actor,
        act=act,
        customer=customer,
        only_refused=wanted.only_refused,
        first=given.get("from", "")[:_TEXT_LENGTH_MAX],
        last=given.get("to", "")[:_TEXT_LENGTH_MAX],
        fault=fault,
        rows=[_trail_row(visit, entry) for entry in rows],
        older_href=_older(visit, rows[-1]) if len(found) > ROWS else "",
    )
    return visit.page(
        "privacy/trail.html",
        visit.t("nav.trail"),
        view,
        journey="journeys.trail.find_trail",
        api_call="GET /v1/trail",
        cli_call="counterfoil privacy trail",
    )


async def _found(visit: Visit) -> Approval | None:
    try:
        number = ids.from_text(ids.APPROVAL, visit.request.path_params["approval"])
    except ids.InvalidIdError:
        return None
    found: list[Approval] = await list_approvals(visit.desk.house, before=number + 1, page=1)
    seen = await visit.within_reach(found, attrgetter("summary"))
    return seen[0] if seen and seen[0].approval_id == number else None


async def _findings(visit: Visit, found: Approval) -> tuple[Findings, ...]:
    """Return what somebody should have read before deciding: reports, and what a notice tells."""
    house = visit.desk.house
    if (report := await publish_registry.report_of(house, found)) is not None:
        return registry_findings(visit, report)
    if (report := await publish_template.report_of(house, found)) is not None:
        return template_findings(visit, report)
    wish = _notice_wish(found)
    return () if wish is None else notice_findings(visit, await preview_notice(house, wish))


def _notice_wish(found: Approval) -> ProductWish | None:
    """Return the notice that a request is about, where its summary says all that is asked."""
    told = SHAPES["notice"].fullmatch(found.summary)
    if found.kind != notice_all.APPROVAL or told is None:
        return None
    numbers = {
        name: None if told[name] is None else int(told[name])
        for name in ("version", "terms", "rate")
    }
    wish = ProductWish(
        product_code=told["product"],
        of_version=numbers["version"],
        effective_on=date.fromisoformat(told["first"]),
        product_version=numbers["terms"],
        rate_daily_e8=numbers["rate"],
        reason="",
    )
    return wish if payload_hash(wish.payload) == found.payload_hash else None


def _action(visit: Visit, found: Approval, findings: Sequence[Findings]) -> Action:
    href = f"{BASE}/approvals"
    record = ids.to_text(ids.APPROVAL, found.approval_id)
    return Action(
        name="decide",
        title=visit.t("approval.title", record=record),
        intro=visit.t(
            "approval.intro",
            kind=_kind(visit, found.kind),
            who=found.requested_by,
            summary=summary_in_words(visit, found.kind, found.summary).removesuffix("."),
            reason=found.request_reason.removesuffix("."),
            digest=found.payload_hash.hex(),
        ),
        path=f"{href}/{record}",
        record=Crumb(label=visit.t("nav.approvals"), href=href),
        journey="journeys.approve.decide_approval",
        findings=findings,
    )


def _fields(visit: Visit) -> list[Field]:
    t = visit.t
    choices = (("refuse", t("approval.refuse")), ("approve", t("approval.approve")))
    return [
        Field(name="decision", label=t("approval.decision"), kind="select", choices=choices),
        Field(name="reason", label=t("approval.reason"), hint=t("approval.reason_hint")),
    ]


def _row(visit: Visit, found: Approval) -> ApprovalRow:
    record = ids.to_text(ids.APPROVAL, found.approval_id)
    return ApprovalRow(
        href=f"{BASE}/approvals/{record}",
        record=record,
        kind=_kind(visit, found.kind),
        summary=summary_in_words(visit, found.kind, found.summary),
        requested_by=found.requested_by,
        requested_at=visit.formats.instant(found.requested_at),
        decided_by=found.decided_by or "—",
        status=visit.status("approval_status", _state(visit, found), _TONES),
    )


def _state(visit: Visit, found: Approval) -> str:
    if found.is_approved is not None:
        return "approved" if found.is_approved else "refused"
    return "open" if found.expires_at > visit.desk.house.clock.now() else "expired"


def _kind(visit: Visit, kind: str) -> str:
    zh, en = load_matrix().approvals.get(kind, (kind, kind))
    return zh if visit.catalogue.language == "zh-CN" else en


def _trail_row(visit: Visit, entry: Entry) -> TrailRow:
    shown = entry.customer_ids or (() if entry.customer_id is None else (entry.customer_id,))
    texts = (_purposes(visit, entry.purpose), entry.ticket, entry.subject, entry.reason)
    is_done = entry.outcome == DONE
    return TrailRow(
        at=visit.formats.instant(entry.at),
        actor=entry.actor,
        role=words.code_label(visit, "role", entry.role),
        source=entry.source,
        act=words.code_label(visit, "trail_act", entry.act),
        act_code=entry.act,
        customer=ids.to_text(ids.CUSTOMER, shown[0]) if shown else "",
        href=words.customer_href(shown[0]) if shown else "",
        others=f"+{len(shown) - 1}" if len(shown) > 1 else "",
        why=" · ".join(text for text in texts if text),
        change=" → ".join(text for text in (entry.before, entry.after) if text),
        leaf="" if entry.leaf_id is None else ids.to_text(ids.LEAF, entry.leaf_id),
        status=Status(
            label=visit.t("trail.done") if is_done else entry.outcome,
            tone="good" if is_done else "bad",
        ),
    )


def _purposes(visit: Visit, codes: str) -> str:
    """Return purposes in words: of the register of fields, or of looks in clear."""
    looks = {code: (one.name_zh, one.name_en) for code, one in load_matrix().purposes.items()}
    known = {**looks, **load_register().purposes}
    place = 0 if visit.catalogue.language == "zh-CN" else 1
    return ", ".join(known[code][place] if code in known else code for code in codes.split())


def _older(visit: Visit, last: Entry) -> str:
    query = visit.request.url.include_query_params(
        before=ids.to_text(ids.TRAIL, last.trail_id)
    ).query
    return f"{BASE}/trail?{query}"


def _midnight(day: date) -> datetime:
    """Return the instant at which a day of the lender's zone begins."""
    return datetime.combine(day, time.min, LENDER_ZONE)


def _number(text: str, prefix: str = ids.TRAIL) -> int | None:
    try:
        return ids.from_text(prefix, text)
    except ids.InvalidIdError:
        return None


PAGES: Final = (
    Page(path="/approvals", show=show_list, permission=Permission.APPROVALS),
    Page(
        path="/approvals/{approval}",
        show=decide,
        submit=decide,
        permission=Permission.APPROVALS,
    ),
    Page(path="/trail", show=show_trail, permission=Permission.READ_TRAIL),
)
