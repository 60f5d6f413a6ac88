"""Decisions in plain words, and asking a person to look, in one act."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from counterfoil.decisioning.customer_explanation import Datum
from counterfoil.decisioning.customer_words import Both
from counterfoil.decisioning.review import About, State
from counterfoil.journeys.applying.standard_offer import see_standard
from counterfoil.journeys.deciding.explain_decision import Explained, explain_decision
from counterfoil.journeys.deciding.review import ReviewWish, ask_review, withdraw_review
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.queries import Row
from counterfoil.platform.web.parts import Form, Status
from counterfoil.portal.page import Page
from counterfoil.portal.pages import errors
from counterfoil.portal.pages.record import READING
from counterfoil.portal.visit import Visit
from counterfoil.portal.words import product_name, value_words

APPLICATIONS_SHOWN: Final = 50
_SAID_LENGTH_MAX: Final = 500
_BY: Final = "portal"
#: State in which an offer waits for the customer.
_OFFER: Final = "approved"
TONES: Final = {"approved": "good", "accepted": "good", "declined": "bad", "referred": "warn"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationRow:
    """One application."""

    href: str
    product: str
    #: On which days it was asked and decided.
    days: str
    status: Status
    #: Where the offer's agreement is read and signed; empty where there is none to sign.
    sign_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionsView:
    """The customer's applications."""

    rows: Sequence[ApplicationRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionView:
    """One decision in plain words."""

    text: str
    by: str
    #: On which days it was asked and decided.
    days: str
    #: Reason, and what would help.
    reasons: Sequence[tuple[str, Sequence[str]]]
    limit: str
    price: str
    #: Label, value, source and how to correct of what counted.
    data: Sequence[tuple[str, str, str, str]]
    #: Figures of debt that held the decision, and what helps; empty where debt did not.
    debts: Sequence[tuple[str, str]]
    debt_help: Sequence[str]
    version: str
    #: None where a person cannot be asked any more.
    form: Form | None
    way: str
    review: str
    #: Where a request for a person's look is taken back; None where none is open.
    withdrawal: Form | None
    person_by: str
    sign_href: str
    #: What everybody is offered who wants nothing personal; empty where there is no offer.
    standard: str
    done: str


async def show_list(visit: Visit) -> Response:
    """Show all applications."""
    async with visit.reading() as connection:
        rows = await READING.applications_of_customer.fetch(
            connection, customer_id=visit.customer_id, page=APPLICATIONS_SHOWN
        )
    items = []
    for row in rows:
        record = ids.to_text(ids.APPLICATION, row["application_id"])
        is_offer = row["status"] == _OFFER
        items.append(
            ApplicationRow(
                href=f"/portal/applications/{record}",
                product=product_name(visit, row["product_code"]),
                days=_days(visit, row),
                status=visit.status("application_status", row["status"], TONES),
                sign_href=f"/portal/contracts/sign/{record}" if is_offer else "",
            )
        )
    return visit.page(
        "decisions/list.html", visit.t("decision.list_title"), DecisionsView(rows=items)
    )


async def show_decision(visit: Visit) -> Response:
    """Show the latest decision on an application."""
    number = visit.number(ids.APPLICATION)
    if number is None:
        return errors.not_found(visit)
    found = await explain_decision(
        visit.house, about=About.APPLICATION, customer_id=visit.customer_id, subject_id=number
    )
    if isinstance(found, Refused):
        return errors.not_found(visit)
    async with visit.reading() as connection:
        rows = await READING.applications_of_customer.fetch(
            connection, customer_id=visit.customer_id, page=APPLICATIONS_SHOWN
        )
    [own] = [row for row in rows if row["application_id"] == number]
    is_offer = own["status"] == _OFFER
    standard = await _standard(visit, own["product_code"]) if is_offer else ""
    days = _days(visit, own)
    view = _view(visit, number, found, is_offer=is_offer, standard=standard, days=days)
    return visit.page("decisions/decision.html", visit.t("decision.title"), view)


async def ask_person(visit: Visit) -> Response:
    """Ask a person to look; asked again it is the same request."""
    number = visit.number(ids.APPLICATION)
    if number is None:
        return errors.not_found(visit)
    wish = ReviewWish(
        customer_id=visit.customer_id,
        about=About.APPLICATION,
        subject_id=number,
        said=visit.values.get("said", "").strip()[:_SAID_LENGTH_MAX],
        by=_BY,
    )
    outcome = await ask_review(visit.house, wish)
    if isinstance(outcome, Refused):
        return errors.refused(visit, outcome)
    return visit.go(f"/decisions/{ids.to_text(ids.APPLICATION, number)}?done=review_asked")


async def withdraw(visit: Visit) -> Response:
    """Take back a request for a person's look; the decision stays as it is."""
    number = visit.number(ids.APPLICATION)
    if number is None:
        return errors.not_found(visit)
    of_case = {"customer_id": visit.customer_id, "subject_id": number}
    found = await explain_decision(visit.house, about=About.APPLICATION, **of_case)
    if isinstance(found, Refused) or found.review is None:
        return errors.not_found(visit)
    outcome = await withdraw_review(
        visit.house, customer_id=visit.customer_id, review_id=found.review.review_id, by=_BY
    )
    if isinstance(outcome, Refused):
        return errors.refused(visit, outcome)
    record = ids.to_text(ids.APPLICATION, number)
    return visit.go(f"/decisions/{record}?done=review_withdrawn")


async def _standard(visit: Visit, product_code: str) -> str:
    """Return the standard offer of a product in words, beside the personal one."""
    seen = await see_standard(visit.house, product_code)
    if isinstance(seen, Refused) or seen.offer is None:
        return visit.t("decision.standard_none")
    return visit.t(
        "decision.standard_offer",
        limit=visit.formats.money(seen.offer.limit_minor, seen.currency),
        rate=visit.formats.rate_annual(seen.offer.rate_daily_e8),
        tenors=", ".join(map(str, seen.offer.tenors_months)),
    )


def _days(visit: Visit, row: Row) -> str:
    """Return on which days an application came in and was decided, in the lender's zone."""
    day, received, decided = visit.formats.day_prose, row["received_at"], row["decided_at"]
    asked = visit.t("decision.asked_on", day=day(visit.formats.local_day(received)))
    if decided is None:
        return asked
    on = visit.t("decision.decided_on", day=day(visit.formats.local_day(decided)))
    return f"{asked} · {on}"


def _view(
    visit: Visit, number: int, found: Explained, *, is_offer: bool, standard: str, days: str
) -> DecisionView:
    f, told, review = visit.formats, found.told, found.review
    record = ids.to_text(ids.APPLICATION, number)

    def say(both: Both) -> str:
        return both.zh if visit.catalogue.language == "zh-CN" else both.en

    return DecisionView(
        text=say(told.text),
        by=visit.t("decision.by_person" if told.by_person else "decision.by_machine"),
        days=days,
        reasons=[(say(one.text), [say(way) for way in one.helps]) for one in told.reasons],
        limit=say(told.limit_text) if told.limit_text else "",
        price=say(told.price.text) if told.price else "",
        data=[_datum(visit, one, say(one.label), say(one.source_label), say(one.correct))
              for one in told.data],
        debts=[] if found.exposure is None else [
            (say(one.label), value_words(visit, one.figure, one.unit))
            for one in found.exposure.figures
        ],
        debt_help=[] if found.exposure is None else [say(one) for one in found.exposure.help],
        version=told.policy_version,
        form=visit.form(f"/decisions/{record}") if found.can_ask_review else None,
        way=say(found.way),
        review=""
        if review is None or review.state is State.WITHDRAWN
        else visit.t(
            "decision.review_runs" if review.is_open else "decision.review_over",
            day=f.day(review.due_on),
        ),
        withdrawal=visit.form(f"/decisions/{record}/review") if review and review.is_open else None,
        person_by=visit.t("decision.person_by", day=f.day(found.person_by))
        if found.person_by
        else "",
        sign_href=f"/portal/contracts/sign/{record}" if is_offer else "",
        standard=standard,
        done=visit.done("review_asked") or visit.done("review_withdrawn"),
    )  # fmt: skip


def _datum(
    visit: Visit, datum: Datum, label: str, source: str, correct: str
) -> tuple[str, str, str, str]:
    """Return label, value, source and way to correct of one thing that counted."""
    text = value_words(visit, datum.value, datum.unit)
    return label, text, source, correct


PAGES: Final = (
    Page(path="/decisions", show=show_list),
    Page(path="/decisions/{record}", show=show_decision, submit=ask_person),
    Page(path="/decisions/{record}/review", show=show_decision, submit=withdraw),
)
