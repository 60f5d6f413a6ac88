"""Cost sheets and charges on a page: each sheet has its hash and rate, each charge its sheet."""

from typing import Final

from counterfoil.journeys.books.findings import Notes
from counterfoil.journeys.books.page import Page
from counterfoil.kernel import ids
from counterfoil.lending.catalogue import UnknownProductError
from counterfoil.lending.sheet_audit import charge_faults, hash_faults, rate_faults

#: One sheet in so many has its yearly rate computed again: by number, so every run takes the same.
RATE_SAMPLE: Final = 20


def check_sheets(page: Page, notes: Notes) -> None:
    """Check each kept sheet against its hash and its loan, and the rate of a sample."""
    result = notes.results["cost_sheets"]
    for key, loan in page.loans.items():
        for sheet in page.sheets.get(key, []):
            result.examined += 1
            faults = list(hash_faults(sheet, loan))
            if not faults and (loan.loan_id + sheet.sheet_no) % RATE_SAMPLE == 0:
                faults += rate_faults(sheet)
            for fault in faults:
                result.note(ids.to_text(ids.LOAN, loan.loan_id), fault)


def check_charges(page: Page, notes: Notes) -> None:
    """Find fees that were charged and not agreed to, or agreed to and not on the sheet."""
    result = notes.results["charges"]
    for key, loan in page.loans.items():
        try:
            terms = notes.catalogue.terms(loan.product_code, loan.product_version)
        except UnknownProductError:
            continue  # the check of the loan's state says so
        result.examined += 1
        history = [booked.transaction for booked in page.history.get(key, [])]
        for fault in charge_faults(loan, terms.fees, history, page.sheets.get(key, [])):
            result.note(ids.to_text(ids.LOAN, loan.loan_id), fault)
