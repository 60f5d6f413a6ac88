"""Lines and loans held against the rule packs: no price and no limit above what a licence allows.

Price       A loan's contract rate, compounded daily, lies within the cap of the day on which it was
            asked for: no order of repayments costs more than that. Of a loan with fees the plan is
            made again from what was signed, its promotion included, and its yearly cost with every
            fee lies within the same cap. A cap that is not known for that day is a finding, too.
Limit       A line's limit lies within the pack's of the business date.
"""

from counterfoil.journeys.books.findings import Notes
from counterfoil.journeys.books.page import Page
from counterfoil.kernel import ids
from counterfoil.kernel.rates import percent_text
from counterfoil.lending.catalogue import UnknownProductError
from counterfoil.lending.line import Line
from counterfoil.lending.loan import Loan
from counterfoil.lending.product_file import compounds_within
from counterfoil.lending.sheet_change import signed_cost_e8

_RATE_DIGITS = 6


def check_caps(page: Page, notes: Notes) -> None:
    """Find what lies above a cap of its product's pack."""
    result = notes.results["rule_caps"]
    for loan in page.loans.values():
        result.examined += 1
        if (fault := _price_fault(loan, notes)) is not None:
            result.note(ids.to_text(ids.LOAN, loan.loan_id), fault)
    for line in page.lines.values():
        result.examined += 1
        if (fault := _limit_fault(line, notes)) is not None:
            result.note(ids.to_text(ids.LINE, line.line_id), fault)


def _price_fault(loan: Loan, notes: Notes) -> str | None:
    try:
        terms = notes.catalogue.terms(loan.product_code, loan.product_version)
    except UnknownProductError:
        # The check of the loan's state says so.
        return None
    on = loan.requested_on
    cap = notes.catalogue.rule(terms, "cost_annual_most", on)
    if cap is None:
        return f"no cap on the cost is known for a {terms.licence} on {on}"
    if not compounds_within(loan.rate_daily_e8, cap.value):
        rate = percent_text(loan.rate_daily_e8, digits=_RATE_DIGITS)
        return f"costs {rate} % a day, above the cap of {cap.cited} on {on}"
    annual_e8 = signed_cost_e8(loan, terms) if loan.fees else 0
    if annual_e8 <= cap.value:
        return None
    rate = percent_text(annual_e8, digits=_RATE_DIGITS)
    return f"costs {rate} % a year with its fees, above the cap of {cap.cited} on {on}"


def _limit_fault(line: Line, notes: Notes) -> str | None:
    try:
        terms = notes.catalogue.terms(line.product_code, line.product_version)
    except UnknownProductError:
        return None
    cap = notes.catalogue.rule(terms, "limit_most", notes.business_date)
    if cap is None or line.limit_minor <= cap.value:
        return None
    return f"has a limit of {line.limit_minor}, above the cap of {cap.cited}"
