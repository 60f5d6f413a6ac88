"""The first page: what is available and why, what it costs, what is due next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from starlette.responses import Response

from counterfoil.decisioning.policy_parts import Protection
from counterfoil.journeys.applying.apply_form import example_of_price
from counterfoil.journeys.applying.plain_pages import is_plain_offered
from counterfoil.journeys.applying.protections import protections_of
from counterfoil.journeys.contracting.agreement_changes import open_versions
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.kernel.money import E8
from counterfoil.lending import store
from counterfoil.lending.line import Line, availability
from counterfoil.lending.loan import Loan
from counterfoil.portal.owing import NextDue, next_due
from counterfoil.portal.page import Page
from counterfoil.portal.visit import Visit
from counterfoil.portal.words import product_name

#: A customer has one line of a product; more than a page of loans stands in the list of loans.
LINES_SHOWN: Final = 20
LOANS_READ: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class LineCard:
    """One credit line with the sum that makes what is available."""

    record: str
    product: str
    available: str
    #: All-in yearly cost of the example, and the daily rate that stands next to it.
    annual_cost: str
    rate: str
    #: Label and amount of each part, in the order of the sum; the sign stands in the amount.
    parts: Sequence[tuple[str, str]]
    #: Why nothing can be drawn; empty where something can.
    why_nothing: str
    draw_href: str
    detail_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DueCard:
    """What one loan asks for next."""

    href: str
    loan: str
    amount: str
    day: str
    note: str
    is_late: bool
    repay_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeView:
    """The first page."""

    business_date: str
    lines: Sequence[LineCard]
    dues: Sequence[DueCard]
    #: Changes of agreements that wait for the customer: from when, and where they are read.
    changes: Sequence[tuple[str, str]]
    done: str
    #: Whether plain pages are offered, and a call back.
    offers_plain: bool
    offers_call: bool
    #: For the forms that answer the offer.
    token: str


async def show(visit: Visit) -> Response:
    """Show what is available and what is due."""
    today = await visit.house.business_date()
    async with visit.reading() as connection:
        lines = await store.read_lines_after(
            connection, customer_id=visit.customer_id, page=LINES_SHOWN
        )
        loans = await store.read_loans_after(
            connection, customer_id=visit.customer_id, status="open", page=LOANS_READ
        )
    dues = sorted((next_due(loan, today) for loan in loans), key=lambda due: due.day)
    by_loan = {loan.loan_id: loan for loan in loans}
    protections = await protections_of(visit.house, visit.customer_id)
    view = HomeView(
        business_date=visit.formats.day(today),
        lines=[line_card(visit, line, today) for line in lines if line.status != "closed"],
        dues=[_due_card(visit, by_loan[due.loan_id], due) for due in dues],
        changes=[
            (
                visit.t("change.from_day", day=visit.formats.day(one.effective_on)),
                f"/portal/changes/{ids.to_text(ids.CONTRACT, one.contract_id)}",
            )
            for one in await open_versions(visit.house, customer_id=visit.customer_id)
        ],
        done=visit.done("line_opened"),
        offers_plain=await is_plain_offered(visit.house, visit.customer_id, protections),
        offers_call=Protection.CALL_BACK in protections,
        token=visit.token(),
    )
    return visit.page("home/home.html", visit.t("home.title"), view)


def line_card(visit: Visit, line: Line, today: date) -> LineCard:
    """Return a line with what is available of it."""
    f, t, have = visit.formats, visit.t, availability(line, today)
    record = ids.to_text(ids.LINE, line.line_id)
    ceiling = have.limit_minor
    parts = [(t("line.limit"), f.money(have.limit_minor, line.currency))]
    if have.own_cap_minor is not None and have.own_cap_minor < have.limit_minor:
        over = have.own_cap_minor - have.limit_minor
        parts.append((t("line.own_cap"), f.money(over, line.currency)))
        ceiling = have.own_cap_minor
    parts.append((t("line.used"), f.money(-have.principal_minor, line.currency)))
    if have.held_minor:
        parts.append((t("line.held"), f.money(-have.held_minor, line.currency)))
    annual_cost, rate = price_words(visit, line, today)
    beyond = have.principal_minor + have.held_minor - ceiling
    if beyond > 0:
        parts.append((t("line.beyond"), f.money(beyond, line.currency)))
    if have.blocked_minor:
        parts.append((t("line.blocked"), f.money(-have.blocked_minor, line.currency)))
    return LineCard(
        record=record,
        product=product_name(visit, line.product_code),
        available=f.money(have.available_minor, line.currency),
        annual_cost=annual_cost,
        rate=rate,
        parts=parts,
        why_nothing=_why_nothing(visit, line, today),
        draw_href=f"/portal/draw/{record}" if have.available_minor else "",
        detail_href=f"/portal/limits/{record}",
    )


def price_words(visit: Visit, line: Line, today: date) -> tuple[str, str]:
    """Return the all-in yearly cost of drawing on a line, and what it is made of.

    The cost is that of the whole limit over the longest term; without fees it says how dear the
    line is, whatever is drawn. Where nothing can be priced, the simple rate stands for it.
    """
    f, terms = visit.formats, visit.desk.terms(line.product_code, line.product_version)
    priced = example_of_price(
        visit.house,
        terms,
        today,
        limit_minor=line.limit_minor,
        rate_daily_e8=line.rate_daily_e8,
        tenors_months=terms.tenors_months,
    )
    rate = visit.t("line.rate_daily", rate=f.rate(line.rate_daily_e8))
    if isinstance(priced, Refused):
        return f.rate_annual(line.rate_daily_e8), rate
    return f.percent(priced.sheet.rate_annual_effective_e8, E8), rate


def _why_nothing(visit: Visit, line: Line, today: date) -> str:
    have = availability(line, today)
    if have.available_minor:
        return ""
    if have.blocked_by is None:
        return visit.t("line.all_used")
    if have.blocked_by == "frozen" and line.frozen_until is not None:
        return visit.t("line.frozen_until", day=visit.formats.day(line.frozen_until))
    return visit.word("line_blocked", have.blocked_by)


def _due_card(visit: Visit, loan: Loan, due: NextDue) -> DueCard:
    f = visit.formats
    record = ids.to_text(ids.LOAN, loan.loan_id)
    return DueCard(
        href=f"/portal/loans/{record}",
        loan=record,
        amount=f.money(due.amount_minor, loan.currency),
        day=f.day(due.day),
        note=visit.t("due.late", days=due.days_late) if due.days_late else visit.t("due.on_time"),
        is_late=due.days_late > 0,
        repay_href=f"/portal/repay/{record}",
    )


PAGES: Final = (Page(path="/", show=show),)
