"""What was asked and obtained, for whom it concerns: the customer's footprint, a person's look."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from counterfoil.bureau import store
from counterfoil.bureau.inquiry import Inquiry
from counterfoil.bureau.refusals import (
    REPORT_NEEDS_GRANT,
    REPORT_NOT_FOUND,
    REPORT_PURPOSE_OTHER,
)
from counterfoil.bureau.report_row import StoredReport
from counterfoil.journeys.house import House
from counterfoil.journeys.inquiring.inquiry_outcomes import Obtained, Wanted, open_reports
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.privacy import grant_store
from counterfoil.privacy.grant_store import Grant
from counterfoil.privacy.vault import Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """One inquiry as the customer sees it."""

    inquiry: Inquiry
    #: Whether other lenders see it as a search for credit.
    is_hard: bool
    #: None where the report is gone or there never was one.
    report: StoredReport | None


# house: allow dead-code – the look of a person, for the page of a report
async def open_report(
    house: House,
    *,
    customer_id: int,
    report_id: int,
    purpose: str,
    wanted: Collection[str],
    by: str,
    grant_id: int,
) -> Obtained | Refused:
    """Return facts of a report for a person with a grant, for the report's own purpose."""
    async with house.database.connection() as connection:
        grant = await grant_store.read_grant(connection, customer_id, grant_id)
        report = await store.read_report(connection, customer_id=customer_id, report_id=report_id)
    if grant is None or not _lets_in(grant, by, house.clock.now()):
        return refuse(REPORT_NEEDS_GRANT)
    if report is None:
        return refuse(REPORT_NOT_FOUND)
    if report.purpose != purpose:
        return refuse(REPORT_PURPOSE_OTHER, purpose=purpose)
    asked = Wanted(facts=frozenset(wanted), by=by, grant_id=grant_id, ticket=grant.ticket)
    found = await open_reports(house, [(report, False)], asked, purpose=purpose)
    return found[customer_id, report_id]


def _lets_in(grant: Grant, by: str, now: datetime) -> bool:
    """Return whether a grant is this person's, for reports, and still lasts."""
    is_for_reports = Purpose.REPORT.value in grant.data
    return grant.granted_to == by and is_for_reports and grant.expires_at > now


async def footprint_of(
    house: House, customer_id: int, *, page: int, is_back: bool = False, before: int = store.NEWEST
) -> list[Footprint]:
    """Return a page of the inquiries about a customer, newest first."""
    async with house.database.connection() as connection:
        inquiries = await store.inquiries_of_customer(
            connection, customer_id, page=page, is_back=is_back, before=before
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
