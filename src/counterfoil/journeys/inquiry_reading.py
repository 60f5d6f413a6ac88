"""What was asked and obtained, for whom it concerns: the customer's footprint, a person's look."""

from collections.abc import Collection
from dataclasses import dataclass

from counterfoil.bureau import store
from counterfoil.bureau.inquiry import Inquiry
from counterfoil.bureau.refusals import (
    REPORT_NEEDS_GRANT,
    REPORT_NOT_FOUND,
    REPORT_PURPOSE_OTHER,
)
from counterfoil.bureau.report_row import StoredReport
from counterfoil.journeys.house import House
from counterfoil.journeys.inquiry_outcomes import Obtained, Wanted, open_reports
from counterfoil.kernel.errors import Refused, refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """One inquiry as the customer sees it."""

    inquiry: Inquiry
    #: Whether other lenders see it as a search for credit.
    is_hard: bool
    #: None where the report is gone or there never was one.
    report: StoredReport | None


async def open_report(
    house: House,
    *,
    customer_id: int,
    report_id: int,
    purpose: str,
    wanted: Collection[str],
    by: str,
    grant_id: int | None,
) -> Obtained | Refused:
    """Return facts of a report for a person with a grant, for the report's own purpose."""
    if grant_id is None:
        return refuse(REPORT_NEEDS_GRANT)
    async with house.database.connection() as connection:
        report = await store.read_report(connection, customer_id=customer_id, report_id=report_id)
    if report is None:
        return refuse(REPORT_NOT_FOUND)
    if report.purpose != purpose:
        return refuse(REPORT_PURPOSE_OTHER, purpose=purpose)
    asked = Wanted(facts=frozenset(wanted), by=by, grant_id=grant_id)
    found = await open_reports(house, [(report, True)], asked, purpose=purpose)
    return found[customer_id, report_id]


async def footprint_of(
    house: House, customer_id: int, *, page: int, before: int = store.NEWEST
) -> list[Footprint]:
    """Return a page of the inquiries about a customer, newest first."""
    async with house.database.connection() as connection:
        inquiries = await store.inquiries_of_customer(
            connection, customer_id, page=page, before=before
        )
        reports = {
            report.inquiry_id: report
            for report in await store.reports_of_customer(connection, customer_id)
        }
    known = house.occasions.by_code
    return [
        Footprint(
            inquiry=inquiry,
            # An occasion that is gone from the document was a hard one as far as anybody knows.
            is_hard=inquiry.occasion not in known or known[inquiry.occasion].is_hard,
            report=reports.get(inquiry.inquiry_id),
        )
        for inquiry in inquiries
    ]
