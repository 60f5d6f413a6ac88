"""Notices of a change to all lines of a product: what each came to, and the next one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from counterfoil.console import flow, words
from counterfoil.console.access import Permission
from counterfoil.console.flow import Action, Crumb, Field, Findings, Plan, Preview
from counterfoil.console.frame import BASE
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.template_report import clause_findings
from counterfoil.console.visit import Visit
from counterfoil.console.words import code_label
from counterfoil.journeys.contracting.notice_all import (
    ProductWish,
    Progress,
    list_notices,
    notice_lines,
    read_notice,
)
from counterfoil.journeys.contracting.notice_preview import (
    Example,
    NoticePreview,
    preview_notice,
)
from counterfoil.kernel import ids
from counterfoil.lending.product_values import FaultError, percent_e8
from counterfoil.platform.approvals import Approval
from counterfoil.platform.web.forms import FormReader, plain_number
from counterfoil.platform.web.parts import Change, Status

HREF: Final = f"{BASE}/agreement-notices"
ROWS: Final = 100
_TEXT_LENGTH_MAX: Final = 20
_NOTHING: Final = "—"
_TONES: Final = {"begun": "live", "finished": "good"}
STATES: Final = tuple(_TONES)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRow:
    """One act."""

    href: str
    record: str
    product: str
    offered: str
    effective_on: str
    #: Looked at, of how many lines when it began.
    looked_at: str
    noticed: str
    passed_over: str
    by: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticesView:
    """Acts, newest first."""

    rows: Sequence[NoticeRow]
    new_href: str
    may_ask: bool
    done: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeView:
    """One act: how far it has come and what became of its lines."""

    list_href: str
    row: NoticeRow
    facts: Sequence[tuple[str, str]]
    #: Why lines were passed over, in words and by its code, and how many.
    passed_over: Sequence[tuple[str, str, str]]


async def show_list(visit: Visit) -> Response:
    """List the acts with how far each has come."""
    found = await list_notices(visit.desk.house, page=ROWS)
    view = NoticesView(
        rows=[_row(visit, one) for one in found],
        new_href=f"{HREF}/new",
        may_ask=visit.may(Permission.APPROVALS),
        done=visit.done("notice_asked", "notice_begun"),
    )
    return visit.page(
        "contracts/notices.html",
        visit.t("nav.agreement_notices"),
        view,
        journey="journeys.contracting.notice_all.list_notices",
        api_call="GET /v1/agreement-notices",
        cli_call="counterfoil contract notices",
    )


async def show(visit: Visit) -> Response:
    """Show one act."""
    try:
        number = ids.from_text(ids.AGREEMENT_NOTICE, visit.request.path_params["notice"])
    except ids.InvalidIdError:
        return await errors.not_found(visit)
    found = await read_notice(visit.desk.house, number)
    if found is None:
        return await errors.not_found(visit)
    row = _row(visit, found)
    view = NoticeView(
        list_href=HREF,
        row=row,
        facts=list(_facts(visit, found)),
        passed_over=[
            (code_label(visit, "notice_passed", code), code, visit.formats.count(lines))
            for code, lines in found.passed_over.items()
        ],
    )
    return visit.page(
        "contracts/notice.html",
        visit.t("notices.title", record=row.record),
        view,
        journey="journeys.contracting.notice_all.read_notice",
        api_call="GET /v1/agreement-notices",
        cli_call="counterfoil contract notices",
    )


async def ask(visit: Visit) -> Response:
    """Ask for a notice, or begin the one that somebody else has approved: form, preview, act."""
    action = Action(
        name="notice",
        title=visit.t("notices.new"),
        intro=visit.t("notices.new_intro"),
        path=f"{HREF}/new",
        record=Crumb(label=visit.t("nav.agreement_notices"), href=HREF),
        journey="journeys.contracting.notice_all.notice_lines",
        api_call="POST /v1/agreement-notices",
    )

    async def plan(reader: FormReader) -> Plan | None:
        wish = _wish(visit, reader)
        if wish is None:
            return None
        told = await preview_notice(visit.desk.house, wish)

        async def act(*, idempotency_key: str) -> object:
            del idempotency_key  # The same act again is told as it stands.
            return await notice_lines(visit.desk.house, visit.actor, wish)

        return Plan(preview=lambda: _preview(visit, told), act=act)

    return await flow.run_previewed(visit, action, _fields(visit), plan, done=_done_word)


def _done_word(outcome: object) -> str:
    return "notice_asked" if isinstance(outcome, Approval) else "notice_begun"


def _fields(visit: Visit) -> list[Field]:
    t, names = visit.t, sorted(visit.desk.product_names)
    products = [(code, words.product_name(visit, code)) for code in names]
    optional = (
        ("of_version", "numeric"),
        ("product_version", "numeric"),
        ("rate", "decimal"),
    )
    return [
        Field(name="product", label=t("loan.product"), kind="select", choices=products),
        Field(name="effective_on", label=t("change.effective_on"), kind="date"),
        *(
            Field(
                name=name,
                label=t(f"notices.{name}"),
                hint=t(f"notices.{name}_hint"),
                inputmode=mode,
                is_required=False,
            )
            for name, mode in optional
        ),
        Field(name="reason", label=t("approval.reason"), hint=t("approval.reason_hint")),
    ]


def _wish(visit: Visit, reader: FormReader) -> ProductWish | None:
    product = reader.choice("product", tuple(visit.desk.product_names))
    day = reader.day("effective_on")
    of_version = _version(reader, "of_version")
    product_version = _version(reader, "product_version")
    rate_daily_e8 = None
    if rate := reader.text("rate", length_max=_TEXT_LENGTH_MAX, required=False):
        try:
            rate_daily_e8 = percent_e8(f"{plain_number(rate).rstrip('%')} %")
        except FaultError:
            reader.refuse("rate", "change.not_a_rate")
    reason = flow.reason_of(reader)
    if not reader.is_valid or product is None or day is None or reason is None:
        return None
    return ProductWish(
        product_code=product,
        of_version=of_version,
        effective_on=day,
        product_version=product_version,
        rate_daily_e8=rate_daily_e8,
        reason=reason,
    )


def _version(reader: FormReader, name: str) -> int | None:
    written = reader.text(name, length_max=_TEXT_LENGTH_MAX, required=False)
    if written is None:
        return None
    plain = plain_number(written)
    # As many digits as a column of the database takes.
    if plain.isascii() and plain.isdigit() and 0 < int(plain) <= 2**15 - 1:
        return int(plain)
    reader.refuse(name, "change.not_a_version")
    return None


def _preview(visit: Visit, told: NoticePreview) -> Preview:
    f, t = visit.formats, visit.t
    count = f.count(told.lines)
    changes = [
        Change(label=t("notices.lines"), before=count, after=count),
        Change(
            label=t("change.effective_on"), before=_NOTHING, after=f.day(told.wish.effective_on)
        ),
    ]
    example = told.example
    if example is not None:
        changes += _example_changes(visit, example)
    notes = [
        t("notices.looked_at", count=f.count(told.looked_at), noticed=f.count(told.noticed)),
        *(
            t(
                "notices.would_pass",
                count=f.count(lines),
                why=code_label(visit, "notice_passed", code),
            )
            for code, lines in told.passed_over.items()
        ),
    ]
    if told.binding:
        notes.append(t("notices.binding", count=f.count(told.binding)))
    notes += [t("change.loans_stay"), t("change.customer_told"), t("notices.two_people")]
    return Preview(
        changes=changes,
        notes=notes,
        findings=notice_findings(visit, told),
        confirm=t("notices.confirm"),
    )


def _example_changes(visit: Visit, example: Example) -> Iterator[Change]:
    """Yield what the first line would have instead, and what its example would cost."""
    f, t, noticed = visit.formats, visit.t, example.noticed
    before, after = noticed.before, noticed.after
    left, right = example.sheet_before, example.sheet_after
    pairs = (
        ("contract.template", _ref(before.template), _ref(after.template)),
        ("change.product_version", str(before.product_version), str(after.product_version)),
        ("change.rate", f.rate(before.rate_daily_e8), f.rate(after.rate_daily_e8)),
        (
            "notices.annual",
            f.rate(left.rate_annual_effective_e8),
            f.rate(right.rate_annual_effective_e8),
        ),
        (
            "notices.cost",
            f.money(left.cost_minor, left.currency),
            f.money(right.cost_minor, right.currency),
        ),
    )
    for label, was, now in pairs:
        yield Change(label=t(label), before=was, after=now)


def _ref(template: tuple[str, int]) -> str:
    return f"{template[0]}/{template[1]}"


def notice_findings(visit: Visit, told: NoticePreview) -> tuple[Findings, ...]:
    """Return the clauses that would read otherwise, a table for each language."""
    if told.example is None:
        return ()
    texts = [
        {
            "language": one.language.value,
            "heading": clause.heading,
            "before": clause.before,
            "after": clause.after,
        }
        for one in told.example.differences
        for clause in one.clauses
    ]
    return tuple(clause_findings(visit, texts))


def _row(visit: Visit, one: Progress) -> NoticeRow:
    f, run = visit.formats, one.run
    record = ids.to_text(ids.AGREEMENT_NOTICE, run.run_id)
    passed = sum(one.passed_over.values())
    state = "begun" if run.finished_at is None else "finished"
    return NoticeRow(
        href=f"{HREF}/{record}",
        record=record,
        product=words.product_name(visit, run.product_code),
        offered=" · ".join(_offered(visit, one)),
        effective_on=f.day(run.effective_on),
        looked_at=f"{f.count(one.noticed + passed)} / {f.count(run.lines_before)}",
        noticed=f.count(one.noticed),
        passed_over=f.count(passed),
        by=f"{run.asked_by}, {run.approved_by}",
        status=visit.status("agreement_notice_state", state, _TONES),
    )


def _offered(visit: Visit, one: Progress) -> Iterator[str]:
    run = one.run
    if run.product_version is not None:
        yield f"{visit.t('notices.product_version')} {run.product_version}"
    if run.rate_daily_e8 is not None:
        yield visit.formats.rate(run.rate_daily_e8)
    if run.product_version is None and run.rate_daily_e8 is None:
        yield visit.catalogue.label("agreement_change", "words")


def _facts(visit: Visit, one: Progress) -> Iterator[tuple[str, str]]:
    t, f, run = visit.t, visit.formats, one.run
    yield t("loan.product"), words.product_name(visit, run.product_code)
    if run.of_version is not None:
        yield t("notices.of_version"), str(run.of_version)
    yield t("notices.offered"), " · ".join(_offered(visit, one))
    yield t("change.effective_on"), f.day(run.effective_on)
    yield t("approval.reason"), run.reason
    yield t("templates.author"), run.asked_by
    yield t("templates.approver"), run.approved_by
    yield t("templates.approval"), ids.to_text(ids.APPROVAL, run.approval_id)
    yield t("notices.started_at"), f.instant(run.started_at)
    yield t("notices.finished_at"), f.instant(run.finished_at) if run.finished_at else _NOTHING
    yield t("notices.lines_before"), f.count(run.lines_before)
    lines_after = _NOTHING if run.lines_after is None else f.count(run.lines_after)
    yield t("notices.lines_after"), lines_after


PAGES: Final = (
    Page(path="/agreement-notices", show=show_list),
    Page(path="/agreement-notices/new", show=ask, submit=ask, permission=Permission.APPROVALS),
    Page(path="/agreement-notices/{notice}", show=show),
)
