"""What reviews of lines leave to people: the queue, a case with all that was seen, a decision."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

import orjson
from starlette.responses import Response

from counterfoil.console import flow, words
from counterfoil.console.access import Permission
from counterfoil.console.decision_story import basis_words
from counterfoil.console.flow import Action, Crumb, Field
from counterfoil.console.frame import BASE
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.visit import Visit
from counterfoil.decisioning.expression import to_sql
from counterfoil.decisioning.line_review.case import CaseRuling, CaseStatus, ReviewCase, Ruling
from counterfoil.journeys.lines import line_review_desk as journey
from counterfoil.journeys.lines.line_review_desk import Seen
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.approvals import Approval
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Status

_KEY: Final = attrgetter("customer_id", "case_id")
_HREF: Final = f"{BASE}/line-cases"
RULINGS: Final = tuple(ruling.value for ruling in Ruling)
_STATES: Final = ("open", "taken", "late", "decided")
_TONES: Final = {"open": "warn", "taken": "live", "late": "bad", "decided": "good"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """One case of the queue."""

    href: str
    record: str
    line_href: str
    line: str
    asks: str
    opened_at: str
    due_on: str
    taken_by: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueOfCasesView:
    """Cases that wait for a person, the most urgent first."""

    rows: Sequence[CaseRow]
    done: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenView:
    """One case with everything that the machine saw and said."""

    record: str
    status: Status
    facts: Sequence[tuple[str, str, str]]
    reasons: Sequence[str]
    #: Rule, what it said, what it leads to, its condition; those that said anything first.
    rules: Sequence[tuple[str, str, str, str]]
    #: What the policy read: label, value, name.
    inputs: Sequence[tuple[str, str, str]]
    decide_href: str
    take_href: str
    done: str


async def show_queue(visit: Visit) -> Response:
    """List the cases that wait."""
    house = visit.desk.house
    on = await house.business_date()
    view = QueueOfCasesView(
        rows=[
            _row(visit, item, is_late=item.due_on < on)
            for item in await visit.in_queue(
                await journey.waiting_cases(house), ids.LINE_REVIEW_CASE, _KEY
            )
        ],
        done=_done(visit),
    )
    return visit.page(
        "lines/cases.html",
        visit.t("nav.line_cases"),
        view,
        journey="journeys.lines.line_review_desk.waiting_cases",
        api_call="GET /v1/line-review-cases",
        cli_call="counterfoil limits cases",
    )


async def show_case(visit: Visit) -> Response:
    """Show a case with the review that led to it."""
    seen = await _seen(visit)
    if seen is None:
        return await errors.not_found(visit)
    case, policy = seen.case, seen.policy
    record = ids.to_text(ids.LINE_REVIEW_CASE, case.case_id)
    document = orjson.loads(seen.review.inputs)
    verdicts = orjson.loads(seen.review.result)["verdicts"]
    may_go_on = case.status is not CaseStatus.DECIDED and visit.may(Permission.REVIEW)
    href = f"{_HREF}/{_customer(case)}/{record}"
    labels = {item.name: (item.name_zh, item.name_en) for item in policy.features}
    is_chinese = visit.catalogue.language.startswith("zh")
    view = SeenView(
        record=record,
        status=_status(visit, case, is_late=False),
        facts=_facts(visit, seen),
        reasons=policy.texts(seen.review.reasons, "zh" if is_chinese else "en"),
        rules=[
            (rule.code, verdicts[rule.code], rule.measure.value, to_sql(rule.when))
            for rule in sorted(policy.rules, key=lambda one: verdicts[one.code] == "false")
        ],
        inputs=[
            (labels[name][0 if is_chinese else 1], _text(visit, value), name)
            for name, value in sorted(document["features"].items())
        ],
        decide_href=f"{href}/decision" if may_go_on else "",
        take_href=f"{href}/assignment" if may_go_on else "",
        done=_done(visit),
    )
    return visit.page(
        "lines/case.html",
        visit.t("line_case.title", record=record),
        view,
        journey="journeys.lines.line_review_desk.see_case",
        api_call=f"GET /v1/line-review-cases/{record}",
    )


async def take(visit: Visit) -> Response:
    """Take a case, or give it back."""
    seen = await _seen(visit)
    if seen is None:
        return await errors.not_found(visit)

    async def act(*, gives_back: bool) -> object:
        return await journey.take_case(
            visit.desk.house,
            visit.actor,
            customer_id=seen.case.customer_id,
            case_id=seen.case.case_id,
            gives_back=gives_back,
        )

    return await flow.take_or_give_back(visit, _action(visit, seen, "assignment"), act)


async def decide(visit: Visit) -> Response:
    """Decide a case; a wide decision waits for a second person."""
    seen = await _seen(visit)
    if seen is None:
        return await errors.not_found(visit)

    async def act(reader: FormReader) -> object:
        word, reason = reader.choice("ruling", RULINGS), flow.reason_of(reader)
        ends_on = reader.day("until", required=False)
        to_minor = None
        if word == Ruling.LOWER:
            to_minor = reader.amount_minor("limit", seen.policy.currency, allow_zero=True)
        if word is None or reason is None or not reader.is_valid:
            return None
        by = visit.operator
        return await journey.decide_case(
            visit.desk.house,
            visit.actor,
            CaseRuling(
                ruling=Ruling(word), by=by, reason=reason, to_minor=to_minor, ends_on=ends_on
            ),
            customer_id=seen.case.customer_id,
            case_id=seen.case.case_id,
        )

    action = _action(visit, seen, "decision")
    return await flow.run(visit, action, _fields(visit), act, done=_done_word)


def _done_word(outcome: object) -> str:
    return "line_case_asked" if isinstance(outcome, Approval) else "line_case_decided"


async def _seen(visit: Visit) -> Seen | None:
    try:
        case_id = ids.from_text(ids.LINE_REVIEW_CASE, visit.request.path_params["case"])
        customer_id = ids.from_text(ids.CUSTOMER, visit.request.path_params["customer"])
    except ids.InvalidIdError:
        return None
    found = await journey.see_case(visit.desk.house, customer_id=customer_id, case_id=case_id)
    return None if isinstance(found, Refused) else found


def _row(visit: Visit, case: ReviewCase, *, is_late: bool) -> CaseRow:
    f, record = visit.formats, ids.to_text(ids.LINE_REVIEW_CASE, case.case_id)
    return CaseRow(
        href=f"{_HREF}/{_customer(case)}/{record}",
        record=record,
        line_href=words.line_href(case.customer_id, case.line_id),
        line=ids.to_text(ids.LINE, case.line_id),
        asks=_asks(visit, case),
        opened_at=f.instant(case.opened_at),
        due_on=f.day(case.due_on),
        taken_by=case.taken_by or "—",
        status=_status(visit, case, is_late=is_late),
    )


def _facts(visit: Visit, seen: Seen) -> list[tuple[str, str, str]]:
    case, review, t, f = seen.case, seen.review, visit.t, visit.formats
    currency = seen.policy.currency
    facts = [
        (
            t("line_case.line"),
            ids.to_text(ids.LINE, case.line_id),
            words.line_href(case.customer_id, case.line_id),
        ),
        (t("line_case.asks"), _asks(visit, case), ""),
        (t("line_case.due_on"), f.day(case.due_on), ""),
        (t("line_case.cause"), review.cause, ""),
        (t("line_case.limit"), f.amount(review.from_minor, currency), ""),
        (t("line_case.policy"), f"{seen.policy.code} {seen.policy.version}", ""),
        *((label, name, "") for label, name in basis_words(visit, orjson.loads(review.inputs))),
        (t("line_case.taken_by"), case.taken_by or "—", ""),
    ]
    if case.decision is not None:
        facts += [
            (t("line_case.ruling"), visit.catalogue.label("line_ruling", case.decision.value), ""),
            (t("line_case.decided_by"), case.decided_by or "—", ""),
            (t("line_case.agreed_by"), case.agreed_by or "—", ""),
            (t("line_case.reason"), case.reason or "—", ""),
        ]
    return facts


def _status(visit: Visit, case: ReviewCase, *, is_late: bool) -> Status:
    code = "late" if is_late else case.status.value
    return visit.status("line_case_status", code, _TONES)


def _asks(visit: Visit, case: ReviewCase) -> str:
    labels = [visit.catalogue.label("line_case_asks", word) for word in case.proposals]
    return ", ".join(labels)


def _text(visit: Visit, value: object) -> str:
    if value is None:
        return visit.t("verdict.unknown")
    if isinstance(value, bool):
        return visit.catalogue.label("answer", "yes" if value else "no")
    return visit.formats.count(value) if isinstance(value, int) else str(value)


def _customer(case: ReviewCase) -> str:
    return ids.to_text(ids.CUSTOMER, case.customer_id)


def _done(visit: Visit) -> str:
    return visit.done("line_case_asked", "line_case_decided", "review_assigned")


def _action(visit: Visit, seen: Seen, step: str) -> Action:
    record = ids.to_text(ids.LINE_REVIEW_CASE, seen.case.case_id)
    is_decision = step == "decision"
    return Action(
        name="decide" if is_decision else "take",
        title=visit.t("line_case.decide" if is_decision else "review.assign"),
        intro=visit.t("line_case.intro", asks=_asks(visit, seen.case), record=record),
        path=f"{_HREF}/{_customer(seen.case)}/{record}/{step}",
        record=Crumb(label=visit.t("nav.line_cases"), href=_HREF),
        journey=f"journeys.lines.line_review_desk.{'decide' if is_decision else 'take'}_case",
        api_call=f"POST /v1/line-review-cases/{record}/{step}",
    )


def _fields(visit: Visit) -> list[Field]:
    t = visit.t
    choices = tuple((code, visit.catalogue.label("line_ruling", code)) for code in RULINGS)
    return [
        Field(name="ruling", label=t("line_case.ruling"), kind="select", choices=choices),
        Field(
            name="limit",
            label=t("line_case.to_limit"),
            hint=t("line_case.to_limit_hint"),
            inputmode="decimal",
            is_required=False,
        ),
        Field(name="until", label=t("line_case.until"), kind="date", is_required=False),
        Field(name="reason", label=t("line_case.reason"), hint=t("line_case.reason_hint")),
    ]


PAGES: Final = (
    Page(path="/line-cases", show=show_queue),
    Page(path="/line-cases/{customer}/{case}", show=show_case),
    Page(
        path="/line-cases/{customer}/{case}/assignment",
        show=take,
        submit=take,
        permission=Permission.REVIEW,
    ),
    Page(
        path="/line-cases/{customer}/{case}/decision",
        show=decide,
        submit=decide,
        permission=Permission.REVIEW,
    ),
)
