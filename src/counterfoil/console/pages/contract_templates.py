"""Templates of contracts: which hold, what each says, and how two people put one in force."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from starlette.responses import Response

from counterfoil.console import flow, words
from counterfoil.console.access import Permission
from counterfoil.console.flow import Action, Crumb, Field, Plan, Preview
from counterfoil.console.frame import BASE
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.template_report import template_findings
from counterfoil.console.visit import Visit
from counterfoil.contracts import template_store as store
from counterfoil.contracts.shelf import Proposal, TemplatesError, proposal_of
from counterfoil.contracts.template import META_FILE, files_of
from counterfoil.contracts.template_store import TemplatePublication
from counterfoil.journeys.contracting.publish_template import ask_or_publish, known_template
from counterfoil.journeys.contracting.template_gate import TemplateReport, TemplateWish, gate
from counterfoil.journeys.contracting.templates import retired_from
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.kernel.language import Language
from counterfoil.platform.approvals import Approval
from counterfoil.platform.database import Connection
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Change, Status

HREF: Final = f"{BASE}/contract-templates"
ROWS: Final = 200
#: Of one file; a form holds three and 64 KiB in all.
_FILE_LENGTH_MAX: Final = 30_000
_AREA_ROWS: Final = 16
_NOTHING: Final = "—"
_TONES: Final = {"holds": "good", "later": "live", "ended": "", "proposed": "warn"}
STATES: Final = tuple(_TONES)
#: File of a version → name of its field.
_FIELDS: Final = {META_FILE: "head", "zh.md": "text_zh", "en.md": "text_en"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateRow:
    """One version."""

    href: str
    ref: str
    kind: str
    products: str
    lender: str
    begins: str
    ends: str
    by: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplatesView:
    """Every version that was published, put forward or that ships."""

    rows: Sequence[TemplateRow]
    new_href: str
    #: Said where nothing was published yet; else empty.
    notice: str
    done: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplatePageView:
    """One version with its texts."""

    list_href: str
    ref: str
    facts: Sequence[tuple[str, str]]
    status: Status
    #: The clauses in Chinese and in English, side by side.
    clauses: Sequence[tuple[str, str]]
    #: What can be done with it: address and label.
    acts: Sequence[tuple[str, str]]


async def show_list(visit: Visit) -> Response:
    """List the versions."""
    async with visit.desk.house.database.connection() as connection:
        made = await store.read_publications(connection, page=ROWS)
        known = [(one.code, one.version) for one in made]
        open_ = await store.read_unpublished(connection)
        shipped = [
            (one.template.code, one.template.version) for one in visit.desk.house.templates.shipped
        ]
        left = sorted({*open_, *shipped} - set(known))
        rows = [await _row(visit, connection, *key, None) for key in left]
        rows += [await _row(visit, connection, one.code, one.version, one) for one in made]
    view = TemplatesView(
        rows=rows,
        new_href=f"{HREF}/new",
        notice="" if made else visit.t("templates.nothing_published"),
        done=visit.done("template_asked", "template_published", "template_ended"),
    )
    return visit.page(
        "contracts/templates.html",
        visit.t("nav.templates"),
        view,
        journey="contracts.template_store.read_publications",
        api_call="GET /v1/contract-templates",
        cli_call="counterfoil contract published",
    )


async def show(visit: Visit) -> Response:
    """Show one version: who published it, from when, and what it says in both languages."""
    found = await _named(visit)
    if found is None:
        return await errors.not_found(visit)
    proposal, made = found
    template = proposal.template
    view = TemplatePageView(
        list_href=HREF,
        ref=template.ref,
        facts=list(_facts(visit, proposal, made)),
        status=await _status(visit, proposal, made),
        clauses=list(_clauses(proposal)),
        acts=list(_acts(visit, template.ref, made)),
    )
    return visit.page(
        "contracts/template.html",
        visit.t("templates.title", ref=template.ref),
        view,
        journey="journeys.contracting.publish_template.known_template",
        api_call=f"GET /v1/contract-templates/{template.ref}",
        cli_call=f"counterfoil contract gate {template.ref}",
    )


async def propose(visit: Visit) -> Response:
    """Put a version forward as it is written here: form, difference, request."""
    fields = _proposal_fields(visit)
    action = _action(visit, "propose", f"{HREF}/new", "POST /v1/contract-templates/publications")

    async def plan(reader: FormReader) -> Plan | None:
        texts = {
            file: reader.text(name, length_max=_FILE_LENGTH_MAX) for file, name in _FIELDS.items()
        }
        reason = flow.reason_of(reader)
        if not reader.is_valid:
            return None
        # Browsers send every line's end as two characters.
        written = {file: (text or "").replace("\r\n", "\n") for file, text in texts.items()}
        try:
            proposal = proposal_of(
                {file: f"{text}\n".encode() for file, text in written.items()}, folder=""
            )
        except TemplatesError as fault:
            reader.refuse("form", "form.refused", text=str(fault))
            return None
        return await _planned(visit, TemplateWish(proposal=proposal), reason or "")

    initial = await _text_to_begin_with(visit)
    return await flow.run_previewed(visit, action, fields, plan, done=_done_word, **initial)


async def publish(visit: Visit) -> Response:
    """Publish a version that is known: ask, or carry out what somebody else has approved."""
    found = await _named(visit)
    if found is None:
        return await errors.not_found(visit)
    proposal, _ = found
    ref = proposal.template.ref
    path = f"{HREF}/{ref}/publish"
    action = _action(visit, "publish", path, "POST /v1/contract-templates/publications", ref)

    async def plan(reader: FormReader) -> Plan | None:
        reason = flow.reason_of(reader)
        wish = TemplateWish(proposal=proposal)
        return None if reason is None else await _planned(visit, wish, reason)

    return await flow.run_previewed(visit, action, _reason_field(visit), plan, done=_done_word)


async def retire(visit: Visit) -> Response:
    """Let a version end from a day on: ask, or carry out what somebody else has approved."""
    found = await _named(visit)
    if found is None or found[1] is None:
        return await errors.not_found(visit)
    proposal = found[0]
    ref = proposal.template.ref
    path = f"{HREF}/{ref}/retire"
    action = _action(visit, "retire", path, "POST /v1/contract-templates/retirements", ref)
    day = Field(name="retired_on", label=visit.t("templates.retired_on"), kind="date")

    async def plan(reader: FormReader) -> Plan | None:
        ends, reason = reader.day("retired_on"), flow.reason_of(reader)
        if ends is None or reason is None:
            return None
        return await _planned(visit, TemplateWish(proposal=proposal, retired_on=ends), reason)

    fields = [day, *_reason_field(visit)]
    return await flow.run_previewed(visit, action, fields, plan, done=_done_word)


async def _planned(visit: Visit, wish: TemplateWish, reason: str) -> Plan:
    house = visit.desk.house
    async with house.database.connection() as connection:
        report = await gate(house, connection, wish)

    async def act(*, idempotency_key: str) -> object:
        del idempotency_key  # The same act again is the same request, or refused as done.
        return await ask_or_publish(house, visit.actor, wish, reason=reason)

    return Plan(preview=lambda: _preview(visit, report), act=act)


def _preview(visit: Visit, report: TemplateReport) -> Preview:
    told, t = report.document(), visit.t
    changes = [
        Change(
            label=words.product_name(visit, one["product"]),
            before=one["before"] or _NOTHING,
            after=one["after"] or _NOTHING,
        )
        for one in told["products"]
    ]
    notes = [t("templates.two_people"), t("templates.stay", days=told["notice_days"])]
    return Preview(
        changes=changes,
        notes=notes,
        findings=template_findings(visit, told),
        confirm=t("templates.confirm"),
        is_destructive=report.wish.retired_on is not None,
    )


def _done_word(outcome: object) -> str:
    if isinstance(outcome, Approval):
        return "template_asked"
    is_over = isinstance(outcome, TemplatePublication) and outcome.retired_on is not None
    return "template_ended" if is_over else "template_published"


async def _named(visit: Visit) -> tuple[Proposal, TemplatePublication | None] | None:
    code, version = visit.request.path_params["code"], visit.request.path_params["version"]
    if not (version.isascii() and version.isdigit() and len(version) < len(str(ROWS)) + 3):
        return None
    return await _version(visit, code, int(version))


async def _version(
    visit: Visit, code: str, version: int
) -> tuple[Proposal, TemplatePublication | None] | None:
    house = visit.desk.house
    async with house.database.connection() as connection:
        known = await known_template(house, connection, code, version)
        made = await store.read_publication(connection, code, version)
    return None if isinstance(known, Refused) else (known, made)


async def _text_to_begin_with(visit: Visit) -> dict[str, str]:
    """Return the text of the version that a new one is made from, under the next number."""
    code, _, version = visit.request.query_params.get("of", "").partition("/")
    if visit.request.method == "POST" or not (version.isascii() and version.isdigit()):
        return {}
    found = await _version(visit, code, int(version[:5]))
    if found is None:
        return {}
    files = {name: text.decode() for name, text in files_of(found[0].document).items()}
    number = found[0].template.version
    files[META_FILE] = files[META_FILE].replace(
        f"\nversion = {number}\n", f"\nversion = {number + 1}\n", 1
    )
    return {name: files[file] for file, name in _FIELDS.items()}


async def _row(
    visit: Visit, connection: Connection, code: str, version: int, made: TemplatePublication | None
) -> TemplateRow:
    found = await known_template(visit.desk.house, connection, code, version)
    assert not isinstance(found, Refused), "it was just listed"
    template = retired_from(found.template, made.retired_on if made else None)
    return TemplateRow(
        href=f"{HREF}/{template.ref}",
        ref=template.ref,
        kind=visit.catalogue.label("template_kind", template.kind.value),
        products=", ".join(words.product_name(visit, one) for one in template.products),
        lender=template.lender_id,
        begins=visit.formats.day(template.effective_from),
        ends=visit.formats.day(template.retired_on) if template.retired_on else _NOTHING,
        by=f"{made.author}, {made.approver}" if made else _NOTHING,
        status=await _status(visit, found, made),
    )


async def _status(visit: Visit, found: Proposal, made: TemplatePublication | None) -> Status:
    template = retired_from(found.template, made.retired_on if made else None)
    today = await visit.desk.house.business_date()
    if made is None:
        state = "proposed"
    elif template.holds_on(today):
        state = "holds"
    else:
        state = "later" if today < template.effective_from else "ended"
    return visit.status("template_state", state, _TONES)


def _facts(
    visit: Visit, found: Proposal, made: TemplatePublication | None
) -> Iterator[tuple[str, str]]:
    t, f, template = visit.t, visit.formats, found.template
    ends = retired_from(template, made.retired_on if made else None).retired_on
    yield t("templates.kind"), visit.catalogue.label("template_kind", template.kind.value)
    yield t("templates.lender"), template.lender_id
    names = ", ".join(words.product_name(visit, one) for one in template.products)
    yield t("templates.products"), names
    yield t("templates.begins"), f.day(template.effective_from)
    yield t("templates.ends"), f.day(ends) if ends else _NOTHING
    yield t("templates.notice_days"), f.count(template.notice_days)
    yield t("templates.hash"), found.sha256
    if made is not None:
        yield t("templates.author"), made.author
        yield t("templates.approver"), made.approver
        yield t("templates.published_at"), f.instant(made.published_at)
        yield t("templates.approval"), ids.to_text(ids.APPROVAL, made.approval_id)
    if made is not None and made.retired_by is not None:
        yield t("templates.retired_by"), f"{made.retired_by}, {made.retirement_approver}"


def _acts(visit: Visit, ref: str, made: TemplatePublication | None) -> Iterator[tuple[str, str]]:
    if made is None:
        yield f"{HREF}/{ref}/publish", visit.t("templates.publish")
    elif made.retired_on is None:
        yield f"{HREF}/{ref}/retire", visit.t("templates.retire")
    yield f"{HREF}/new?of={ref}", visit.t("templates.next_version")


def _clauses(found: Proposal) -> Iterator[tuple[str, str]]:
    """Yield the clauses of both texts side by side; both have the same number."""
    files = files_of(found.document)
    sides = [_parts(files[f"{language}.md"].decode()) for language in Language]
    yield from zip_longest(*sides, fillvalue="")


def _parts(text: str) -> list[str]:
    parts: list[list[str]] = []
    for line in text.splitlines():
        if line.startswith("#") or not parts:
            parts.append([])
        parts[-1].append(line.lstrip("# ") if line.startswith("#") else line)
    return ["\n".join(part) for part in parts]


def _action(visit: Visit, name: str, path: str, api_call: str, ref: str = "") -> Action:
    t = visit.t
    return Action(
        name=name,
        title=t(f"templates.{name}_title", ref=ref),
        intro=t(f"templates.{name}_intro"),
        path=path,
        record=Crumb(label=ref or t("nav.templates"), href=f"{HREF}/{ref}" if ref else HREF),
        journey="journeys.contracting.publish_template.ask_or_publish",
        api_call=api_call,
        then=HREF,
    )


def _proposal_fields(visit: Visit) -> list[Field]:
    t = visit.t
    return [
        Field(
            name=name, label=t(f"templates.{name}"), hint=t(f"templates.{name}_hint"), kind="area",
            rows=_AREA_ROWS,
        )
        for name in _FIELDS.values()
    ] + _reason_field(visit)  # fmt: skip


def _reason_field(visit: Visit) -> list[Field]:
    t = visit.t
    return [Field(name="reason", label=t("approval.reason"), hint=t("approval.reason_hint"))]


_VERSION: Final = "/contract-templates/{code}/{version}"

PAGES: Final = (
    Page(path="/contract-templates", show=show_list),
    Page(
        path="/contract-templates/new",
        show=propose,
        submit=propose,
        permission=Permission.APPROVALS,
    ),
    Page(path=_VERSION, show=show),
    Page(path=f"{_VERSION}/publish", show=publish, submit=publish, permission=Permission.APPROVALS),
    Page(path=f"{_VERSION}/retire", show=retire, submit=retire, permission=Permission.APPROVALS),
)
