"""What hosts do and see between the pages: apply, limits, drawdowns, repayments, loans.

Invariant   A host is told states and amounts that the customer acts on, never why: no reasons, no
            grade, no price, no policy. What it made is written down as its own with the answer.
Repetition  Under the host's own key, kept apart from those of other hosts. A drawdown has the
            number of its page in its key: one page, one drawdown, whatever the host sends twice.
"""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

import orjson

from counterfoil.decisioning import store as decisions
from counterfoil.decisioning.application import Channel, Status
from counterfoil.decisioning.refusals import APPLICATION_NOT_FOUND
from counterfoil.hosts import store
from counterfoil.hosts.link import Link, Subject, SubjectKind
from counterfoil.hosts.page import HostedPage, PageAct, PageState, refuse_result
from counterfoil.journeys.applying.apply import submit_application
from counterfoil.journeys.borrowing.draw import draw
from counterfoil.journeys.borrowing.repay import repay
from counterfoil.journeys.deciding.decide import Facts
from counterfoil.journeys.hosting.host_payees import refuse_payee
from counterfoil.journeys.hosting.host_scope import (
    Visit,
    customer_of_visit,
    require_product,
    subject_of_visit,
    subjects_of_visit,
)
from counterfoil.journeys.hosting.hosted_pages import page_of_visit
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.kernel.creditor_reference import reference_of
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.lending import store as lending
from counterfoil.lending.line import Line, availability
from counterfoil.lending.loan import Loan, accrue, advance, due_minor, payoff_minor
from counterfoil.lending.refusals import LINE_NOT_FOUND, LOAN_NOT_FOUND
from counterfoil.lending.terms import Method

#: What a host is told of an application that is not decided: by whom or why is not its business.
_IN_PROGRESS: Final = "in_progress"
_TOLD: Final = frozenset(
    {
        Status.APPROVED,
        Status.DECLINED,
        Status.ACCEPTED,
        Status.EXPIRED,
        Status.WITHDRAWN,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostApplication:
    """An application as a host sends it."""

    reference: str
    product_code: str
    requested_minor: int | None
    purpose: str
    facts: Facts
    #: The page on which the customer consented to an inquiry; None where none is needed.
    consent_page_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRepayment:
    """Money that a host's payment institution took and passed on."""

    reference: str
    loan_id: int
    amount_minor: int
    currency: str


def key_of(visit: Visit, idempotency_key: str) -> str:
    """Return a host's idempotency key, kept apart from those of others."""
    return f"{visit.author}:{idempotency_key}"


async def apply_by_host(
    house: House, visit: Visit, wish: HostApplication, *, idempotency_key: str
) -> dict[str, Any]:
    """Apply for a customer of the host; return what the host is told.

    Raises RefusedError. The consent stands on a page that the customer went through.
    """
    require_product(visit, wish.product_code)
    async with house.database.transaction() as connection:
        link = await customer_of_visit(connection, visit, wish.reference)
        consent_id = None
        if wish.consent_page_id is not None:
            page = await page_of_visit(connection, link, wish.consent_page_id)
            if page.state is not PageState.USED:
                raise_refused(refuse_result(page, PageAct.CONSENT))
            consent_id = ids.from_text(ids.CONSENT, str(page.result))
    decided = await submit_application(
        house,
        customer_id=link.customer_id,
        product_code=wish.product_code,
        requested_minor=wish.requested_minor,
        purpose=wish.purpose,
        facts=wish.facts,
        idempotency_key=key_of(visit, idempotency_key),
        consent_id=consent_id,
        channel=Channel.PARTNER.value,
    )
    if isinstance(decided, Refused):
        raise RefusedError(decided)
    await _keep(house, link, SubjectKind.APPLICATION, decided.application_id, wish.product_code)
    return await read_application(house, visit, wish.reference, decided.application_id)


async def read_application(
    house: House, visit: Visit, reference: str, application_id: int
) -> dict[str, Any]:
    """Return what a host is told of an application of its own; raises RefusedError."""
    async with house.database.transaction() as connection:
        link = await customer_of_visit(connection, visit, reference)
        await subject_of_visit(connection, visit, link, SubjectKind.APPLICATION, application_id)
        found = await decisions.read_application(
            connection, customer_id=link.customer_id, application_id=application_id
        )
    if found is None:
        raise RefusedError(refuse(APPLICATION_NOT_FOUND))
    is_offer = found.status in (Status.APPROVED, Status.ACCEPTED)
    return {
        "id": ids.to_text(ids.APPLICATION, application_id),
        "customer": reference,
        "product_code": found.product_code,
        "status": found.status.value if found.status in _TOLD else _IN_PROGRESS,
        "currency": found.currency,
        "limit_minor": found.limit_minor if is_offer else None,
        "valid_until": found.valid_until if is_offer else None,
        "line_id": None if found.line_id is None else ids.to_text(ids.LINE, found.line_id),
    }


async def limits_of(
    house: House,
    visit: Visit,
    reference: str,
    *,
    page: int,
    before: int,
    is_back: bool,
) -> list[dict[str, Any]]:
    """Return a page of the lines that were opened through the host; raises RefusedError."""
    on = await house.business_date()
    async with house.database.transaction() as connection:
        link = await customer_of_visit(connection, visit, reference)
        subjects = await subjects_of_visit(
            connection,
            visit,
            link,
            SubjectKind.LINE,
            page=page,
            before=before,
            is_back=is_back,
        )
        keys = [(link.customer_id, item.subject_id) for item in subjects]
        lines = await lending.read_lines(connection, keys)
    return [_limit_view(lines[key], on) for key in keys if key in lines]


async def draw_by_host(house: House, visit: Visit, reference: str, page_id: int) -> dict[str, Any]:
    """Draw what the customer agreed to on a cost sheet's page, once; raises RefusedError."""
    async with house.database.transaction() as connection:
        link = await customer_of_visit(connection, visit, reference)
        page = await page_of_visit(connection, link, page_id)
        if page.act is not PageAct.COST_SHEET or page.state is not PageState.USED:
            raise_refused(refuse_result(page, PageAct.COST_SHEET))
            # Withdrawn since the customer saw the sheet, an account is paid no more.
            raise_refused(await refuse_payee(connection, link, page.asked["payee_ref"]))
        number = page.asked["line_id"]
        line = await subject_of_visit(connection, visit, link, SubjectKind.LINE, number)
    asked = page.asked
    answer = await draw(
        house,
        customer_id=link.customer_id,
        line_id=line.subject_id,
        amount_minor=asked["amount_minor"],
        currency=asked["currency"],
        tenor_months=asked["tenor_months"],
        method=Method(asked["method"]),
        purpose=asked["purpose"],
        payee_ref=asked["payee_ref"],
        quote_token=str(page.result),
        idempotency_key=f"hosted-page:{page_id}:draw",
    )
    if isinstance(answer, Refused):
        raise RefusedError(answer)
    loan_id = ids.from_text(ids.LOAN, orjson.loads(answer.text)["id"])
    await _keep(house, link, SubjectKind.LOAN, loan_id, line.product_code, used=page)
    return await read_loan(house, visit, reference, loan_id)


async def loans_of(
    house: House,
    visit: Visit,
    reference: str,
    *,
    page: int,
    before: int,
    is_back: bool,
) -> list[dict[str, Any]]:
    """Return a page of the loans that were drawn through the host; raises RefusedError."""
    on = await house.business_date()
    async with house.database.transaction() as connection:
        link = await customer_of_visit(connection, visit, reference)
        subjects = await subjects_of_visit(
            connection,
            visit,
            link,
            SubjectKind.LOAN,
            page=page,
            before=before,
            is_back=is_back,
        )
        loans = [
            await lending.read_loan(connection, link.customer_id, item.subject_id)
            for item in subjects
        ]
    return [_loan_view(loan, on) for loan in loans if loan is not None]


async def read_loan(house: House, visit: Visit, reference: str, loan_id: int) -> dict[str, Any]:
    """Return a loan that was drawn through the host; raises RefusedError."""
    on = await house.business_date()
    async with house.database.transaction() as connection:
        link = await customer_of_visit(connection, visit, reference)
        await subject_of_visit(connection, visit, link, SubjectKind.LOAN, loan_id)
        loan = await lending.read_loan(connection, link.customer_id, loan_id)
    if loan is None:
        raise RefusedError(refuse(LOAN_NOT_FOUND))
    return _loan_view(loan, on)


async def repay_by_host(
    house: House, visit: Visit, paid: HostRepayment, *, idempotency_key: str
) -> dict[str, Any]:
    """Book money that the host passed on, for one loan of its own; raises RefusedError."""
    async with house.database.transaction() as connection:
        link = await customer_of_visit(connection, visit, paid.reference)
        await subject_of_visit(connection, visit, link, SubjectKind.LOAN, paid.loan_id)
        loan = await lending.read_loan(connection, link.customer_id, paid.loan_id)
    if loan is None:
        raise RefusedError(refuse(LINE_NOT_FOUND))
    answer = await repay(
        house,
        customer_id=link.customer_id,
        line_id=loan.line_id,
        loan_id=paid.loan_id,
        amount_minor=paid.amount_minor,
        currency=paid.currency,
        value_date=None,
        channel=f"host-{visit.host.terms.code}",
        idempotency_key=key_of(visit, idempotency_key),
    )
    if isinstance(answer, Refused):
        raise RefusedError(answer)
    booked = orjson.loads(answer.text)
    return {
        "id": booked["id"],
        "loan": await read_loan(house, visit, paid.reference, paid.loan_id),
        "amount_minor": booked["amount_minor"],
        "currency": booked["currency"],
        "excess_minor": booked["excess_minor"],
    }


def raise_refused(refused: Refused | None) -> None:
    """Raise RefusedError where something is refused."""
    if refused is not None:
        raise RefusedError(refused)


async def _keep(
    house: House,
    link: Link,
    kind: SubjectKind,
    number: int,
    product_code: str,
    *,
    used: HostedPage | None = None,
) -> None:
    """Write that something is the host's own, and that its page is used up."""
    subject = Subject(
        customer_id=link.customer_id,
        kind=kind,
        subject_id=number,
        host_id=link.host_id,
        product_code=product_code,
        made_at=house.clock.now(),
    )
    async with house.database.transaction() as connection:
        await store.add_subject(connection, subject)
        if used is not None:
            await store.change_page(connection, replace(used, state=PageState.USED))


def _limit_view(line: Line, on: date) -> dict[str, Any]:
    parts = availability(line, on)
    is_closed = line.status == "closed"
    return {
        "line_id": ids.to_text(ids.LINE, line.line_id),
        "product_code": line.product_code,
        "status": "closed" if is_closed else "open",
        "currency": line.currency,
        "limit_minor": line.limit_minor,
        "available_minor": parts.available_minor,
        "can_draw": parts.available_minor > 0,
        "repayment_day": line.repayment_day,
        "valid_to": line.valid_to,
    }


def _loan_view(loan: Loan, on: date) -> dict[str, Any]:
    now = loan.copy()
    if now.status == "open":
        advance(now, on)
        accrue(now, on)
    is_open = loan.status == "open"
    return {
        "id": ids.to_text(ids.LOAN, loan.loan_id),
        "line_id": ids.to_text(ids.LINE, loan.line_id),
        "product_code": loan.product_code,
        "status": loan.status,
        "currency": loan.currency,
        "amount_minor": loan.original_minor,
        "tenor_months": loan.tenor_months,
        "principal_minor": now.principal_minor,
        "due_minor": due_minor(loan, on) if is_open else 0,
        "payment_reference": reference_of(ids.LOAN, loan.loan_id),
        "payoff_minor": payoff_minor(loan, on) if is_open else 0,
        "next_due_date": now.next_due_date,
        "requested_on": loan.requested_on,
        "start_date": loan.start_date,
        "closed_on": loan.closed_on,
    }
