"""Reviews: the queue with its deadlines, and one case with everything that the machine saw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, Final

from starlette.responses import Response

from counterfoil.console import flow, words
from counterfoil.console.access import Permission
from counterfoil.console.decision_story import Told, tell
from counterfoil.console.flow import Action, Crumb, Field
from counterfoil.console.frame import BASE
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.pages.policy_looks import LookRow, look_row, vintage_row
from counterfoil.console.told import CustomerView, customer_view
from counterfoil.console.visit import Visit
from counterfoil.decisioning import review_store
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.policy_parts import Action as RuleAction
from counterfoil.decisioning.redecision import Correction
from counterfoil.decisioning.review import About, Review
from counterfoil.decisioning.store import read_policy_version
from counterfoil.decisioning.vintage_store import read_vintages
from counterfoil.journeys.deciding import review as journey
from counterfoil.journeys.deciding import review_deciding
from counterfoil.journeys.deciding.explain_decision import tell_customer
from counterfoil.journeys.deciding.review_figures import overturned_ppm, read_figures
from counterfoil.kernel import ids
from counterfoil.kernel.calendar import add_months
from counterfoil.kernel.errors import Refused
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Status

ROWS: Final = 200
#: Months that the figures look back.
FIGURES_MONTHS: Final = 12
_PPM: Final = 1_000_000
_TONES: Final = {
    "waiting": "warn",
    "assigned": "live",
    "upheld": "",
    "overturned": "good",
    "withdrawn": "",
}
_WORDS_OF_VALUES: Final[Mapping[str, bool | None]] = {
    "unknown": None,
    "true": True,
    "false": False,
}
_TEXT_LENGTH_MAX: Final = 400
_PREFIXES: Final = {About.APPLICATION: ids.APPLICATION, About.LIMIT_REQUEST: ids.LIMIT_REQUEST}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRow:
    """One review of the queue."""

    href: str
    record: str
    subject: str
    decided: Status
    policy: str
    requested_at: str
    due_on: str
    is_overdue: bool
    assigned_to: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class CountRow:
    """What became of the reviews of one version's decisions."""

    version: str
    requested: str
    upheld: str
    overturned: str
    rate: str
    open: str
    overdue: str
    median: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueView:
    """The queue, the figures, and what sends a case to a person in the first place."""

    rows: Sequence[ReviewRow]
    counts: Sequence[CountRow]
    looked_at: Sequence[LookRow]
    #: Month, version, lines, observed, foreseen, of how many, came, lent, lost, share lost.
    vintages: Sequence[Sequence[str]]
    #: Rule and what the customer is told.
    triggers: Sequence[tuple[str, str]]
    done: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    """One review with everything that the machine saw."""

    record: str
    status: Status
    facts: Sequence[tuple[str, str, str]]
    said: str
    told: CustomerView
    decisions: Sequence[Told]
    #: Where a person goes on with it; empty where this one may not, or it is over.
    decide_href: str
    assign_href: str
    done: str


async def show_queue(visit: Visit) -> Response:
    """Show what waits, the nearest deadline first."""
    house = visit.desk.house
    async with visit.reading() as connection:
        on = visit.business_date
        vintages = await read_vintages(connection)  # type: ignore[arg-type]
        waiting = await review_store.reviews_open(connection, page=ROWS)  # type: ignore[arg-type]
    found = await visit.in_queue(waiting, ids.REVIEW, attrgetter("customer_id", "review_id"))
    assert on is not None, "a house has a business date"
    report = await read_figures(house, first_date=add_months(on, -FIGURES_MONTHS), last_date=on)
    view = QueueView(
        rows=[_row(visit, item) for item in found],
        counts=[
            CountRow(
                version=item.policy_version,
                requested=visit.formats.count(item.requested),
                upheld=visit.formats.count(item.upheld),
                overturned=visit.formats.count(item.overturned),
                rate=_percent(visit, overturned_ppm(item)),
                open=visit.formats.count(item.open),
                overdue=visit.formats.count(item.overdue),
                median=_hours(visit, item.median_seconds),
            )
            for item in report.counts
        ],
        looked_at=[look_row(visit, item) for item in report.policy_reviews],
        vintages=[vintage_row(visit, item) for item in vintages],
        triggers=_triggers(visit),
        done=visit.t("done.review_concluded") if _has_done(visit) else "",
    )
    return visit.page(
        "reviews/queue.html",
        visit.t("nav.reviews"),
        view,
        journey="decisioning.review_store.reviews_open",
        api_call="GET /v1/reviews/queue",
        cli_call="counterfoil review list",
    )


async def show_case(visit: Visit) -> Response:
    """Show one review with the decisions on its subject."""
    found = await _found(visit)
    if found is None:
        return await errors.not_found(visit)
    async with visit.reading() as connection:
        reader: Any = connection
        case = await journey.read_case(reader, found.customer_id, found.about, found.subject_id)
        assert not isinstance(case, Refused), "what is reviewed is there"
        contested = next(x for x in case.taken if x.decision_no == found.decision_no)
        told = await tell_customer(reader, contested)
        policies = {
            taken.stored.policy_hash: await read_policy_version(reader, taken.stored.policy_hash)
            for taken in case.taken
        }
    currency = next(policy.currency for policy in policies.values() if policy is not None)
    rows = [
        {
            "decision_no": taken.decision_no,
            "decided_by": taken.decided_by,
            "outcome": taken.outcome.value,
            "policy_hash": taken.stored.policy_hash,
            "inputs": taken.stored.inputs,
            "result": taken.stored.result,
            "reason": taken.reason,
            "decided_at": taken.decided_at,
            "document": policy.canonical if policy is not None else None,
        }
        for taken in case.taken
        for policy in [policies[taken.stored.policy_hash]]
    ]
    record = ids.to_text(ids.REVIEW, found.review_id)
    may_go_on = found.is_open and visit.may(Permission.REVIEW)
    href = _href(found)
    view = CaseView(
        record=record,
        status=visit.status("review_status", found.state.value, _TONES),
        facts=_facts(visit, found),
        said=found.said,
        told=customer_view(visit, told, currency),
        decisions=[tell(visit, row, currency) for row in rows],
        decide_href=f"{href}/decision" if may_go_on else "",
        assign_href=f"{href}/assignment" if may_go_on else "",
        done=visit.t("done.review_assigned") if _has_done(visit) else "",
    )
    return visit.page(
        "reviews/case.html",
        visit.t("review.title", record=record),
        view,
        journey="journeys.deciding.review.read_case",
        api_call=f"GET /v1/reviews/{record}",
    )


async def assign(visit: Visit) -> Response:
    """Take a review, or give it back."""
    found = await _found(visit)
    if found is None:
        return await errors.not_found(visit)

    async def act(*, gives_back: bool) -> object:
        return await journey.assign_review(
            visit.desk.house,
            visit.actor,
            customer_id=found.customer_id,
            review_id=found.review_id,
            to="" if gives_back else visit.operator,
        )

    return await flow.take_or_give_back(visit, _action(visit, found, "assignment", "assign"), act)


async def decide(visit: Visit) -> Response:
    """Uphold or overturn."""
    found = await _found(visit)
    if found is None:
        return await errors.not_found(visit)
    house, key = visit.desk.house, (found.customer_id, found.review_id)

    async def act(reader: FormReader) -> object:
        outcome = reader.choice("outcome", ("uphold", "overturn", "withdraw"))
        reason, facts = flow.reason_of(reader), _read_facts(reader)
        rules = reader.text("rules", length_max=_TEXT_LENGTH_MAX, required=False) or ""
        if outcome is None or reason is None or facts is None or not reader.is_valid:
            return None
        if outcome != "overturn":
            end = journey.uphold if outcome == "uphold" else journey.withdraw_at_wish
            return await end(
                house, visit.actor, customer_id=key[0], review_id=key[1], reason=reason
            )
        wish = review_deciding.Overturning(
            customer_id=key[0],
            review_id=key[1],
            reason=reason,
            correction=Correction(facts=facts, set_aside=tuple(rules.replace(",", " ").split())),
        )
        return await review_deciding.overturn(house, visit.actor, wish)

    action = replace(_action(visit, found, "decision", "decide"), then=f"{BASE}/reviews")
    return await flow.run(visit, action, _fields(visit), act, done="review_concluded")


def _read_facts(reader: FormReader) -> dict[str, Value | None] | None:
    """Return the facts that were corrected, `name=value` each; None where one is malformed."""
    text = reader.text("facts", length_max=_TEXT_LENGTH_MAX, required=False) or ""
    facts: dict[str, Value | None] = {}
    for part in text.replace(",", " ").split():
        name, separator, value = part.partition("=")
        if not separator or not name or not value:
            reader.refuse("facts", "review.facts_malformed")
            return None
        if value in _WORDS_OF_VALUES:
            facts[name] = _WORDS_OF_VALUES[value]
        else:
            facts[name] = int(value) if value.lstrip("-").isdecimal() else value
    return facts


async def _found(visit: Visit) -> Review | None:
    params = visit.request.path_params
    try:
        customer_id = ids.from_text(ids.CUSTOMER, params["customer"])
        review_id = ids.from_text(ids.REVIEW, params["review"])
    except ids.InvalidIdError:
        return None
    found = await journey.read_review(
        visit.desk.house, customer_id=customer_id, review_id=review_id
    )
    return None if isinstance(found, Refused) else found


def _action(visit: Visit, found: Review, below: str, name: str) -> Action:
    record = ids.to_text(ids.REVIEW, found.review_id)
    return Action(
        name=name,
        title=visit.t(f"review.{name}"),
        intro=visit.t(f"review.{name}_intro"),
        path=f"{_href(found)}/{below}",
        record=Crumb(label=record, href=_href(found)),
        journey="journeys.deciding.review.assign_review"
        if name == "assign"
        else "journeys.deciding.review_deciding.overturn",
        api_call=f"POST /v1/reviews/{record}/{below}",
    )


def _fields(visit: Visit) -> list[Field]:
    t = visit.t
    choices = tuple((word, t(f"review.{word}")) for word in ("uphold", "overturn", "withdraw"))
    return [
        Field(name="outcome", label=t("review.outcome"), kind="select", choices=choices),
        Field(
            name="facts", label=t("review.facts"), hint=t("review.facts_hint"), is_required=False
        ),
        Field(
            name="rules", label=t("review.rules"), hint=t("review.rules_hint"), is_required=False
        ),
        Field(name="reason", label=t("review.reason"), hint=t("review.reason_hint")),
    ]


def _row(visit: Visit, item: Review) -> ReviewRow:
    f, on = visit.formats, visit.business_date
    return ReviewRow(
        href=_href(item),
        record=ids.to_text(ids.REVIEW, item.review_id),
        subject=f.record(_PREFIXES[item.about], item.subject_id),
        decided=visit.status("application_status", item.outcome, words.APPLICATION_TONES),
        policy=item.policy_version,
        requested_at=f.instant(item.requested_at),
        due_on=f.day(item.due_on),
        is_overdue=on is not None and item.is_overdue(on),
        assigned_to=item.assigned_to or "—",
        status=visit.status("review_status", item.state.value, _TONES),
    )


def _facts(visit: Visit, found: Review) -> list[tuple[str, str, str]]:
    f, t, ended = visit.formats, visit.t, found.conclusion
    customer = found.customer_id
    subject_href = (
        words.application_href(customer, found.subject_id)
        if found.about is About.APPLICATION
        else ""
    )
    return [
        (t("loan.customer"), f.record(ids.CUSTOMER, customer), words.customer_href(customer)),
        (t("review.about"), f.record(_PREFIXES[found.about], found.subject_id), subject_href),
        (t("review.requested_at"), f.instant(found.requested_at), ""),
        (t("review.due_on"), f.day(found.due_on), ""),
        (t("review.assigned_to"), found.assigned_to or "—", ""),
        (t("application.policy"), found.policy_version, ""),
        (t("review.concluded_by"), ended.person if ended else "—", ""),
        (t("review.reason"), ended.reason if ended else "—", ""),
    ]


def _triggers(visit: Visit) -> list[tuple[str, str]]:
    """Return what sends an application to a person, under the policy in force."""
    policy = visit.desk.house.policies.origination.policy
    language = "zh" if visit.catalogue.language == "zh-CN" else "en"
    sending = {RuleAction.REFER, RuleAction.ASK}
    rules = [rule for rule in policy.rules if {rule.action, rule.on_unknown} & sending]
    return [(rule.code, policy.explain((rule.reason,), language)[0]) for rule in rules]


def _has_done(visit: Visit) -> bool:
    return bool(visit.done("review_concluded", "review_assigned"))


def _percent(visit: Visit, ppm: int | None) -> str:
    return "—" if ppm is None else visit.formats.percent(ppm, _PPM)


def _hours(visit: Visit, seconds: int | None) -> str:
    if seconds is None:
        return "—"
    return visit.t("evidence.hours", count=f"{seconds // 3_600:,}")


def _href(found: Review) -> str:
    customer = ids.to_text(ids.CUSTOMER, found.customer_id)
    return f"{BASE}/reviews/{customer}/{ids.to_text(ids.REVIEW, found.review_id)}"


_CASE: Final = "/reviews/{customer}/{review}"

PAGES: Final = (
    Page(path="/reviews", show=show_queue),
    Page(path=_CASE, show=show_case),
    Page(path=f"{_CASE}/assignment", show=assign, submit=assign, permission=Permission.REVIEW),
    Page(path=f"{_CASE}/decision", show=decide, submit=decide, permission=Permission.REVIEW),
)
