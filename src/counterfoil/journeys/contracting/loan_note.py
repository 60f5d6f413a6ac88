"""Loan notes: written with the quote, confirmed by drawing, written again from the loan.

Invariant   A note is not stored. It follows from the loan's terms, the template that the loan
            names and the agreement, to the byte; what does not come to the confirmed hash is not
            handed out.
"""

from dataclasses import dataclass, replace

from counterfoil.contracts import store as contracts
from counterfoil.contracts.document import Kind
from counterfoil.contracts.filling import document_text, text_hash
from counterfoil.contracts.refusals import (
    NOTE_DOES_NOT_MATCH,
    NOTE_NOT_FOUND,
    TEMPLATE_NOT_FOUND,
)
from counterfoil.contracts.shelf import UnknownTemplateError
from counterfoil.contracts.template import Template
from counterfoil.journeys.contracting.contract_words import note_filling
from counterfoil.journeys.house import House
from counterfoil.journeys.purchasing.scene_deal import Deal, deal_of_loan
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.kernel.language import Language
from counterfoil.lending import refusals
from counterfoil.lending import store as lending
from counterfoil.lending.account import Setting
from counterfoil.lending.commands import Draw
from counterfoil.lending.line import Line
from counterfoil.lending.loan import Loan
from counterfoil.lending.quote import Note, Priced, price_drawdown, sheet_of_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanNote:
    """The note of a loan as the customer confirmed it."""

    customer_id: int
    loan_id: int
    contract_id: int
    #: Code and version of the product that it was drawn under.
    product: tuple[str, int]
    language: Language
    note: Note


def new_note(
    house: House,
    line: Line,
    setting: Setting,
    language: Language,
    deal: Deal | None,
    priced: Priced,
) -> Note:
    """Return the note of a drawdown that is being quoted; refuses where no template holds.

    `deal` is what the money pays for in a scene, None for cash.
    """
    on = setting.business_date
    try:
        template = house.shelf.current(
            Kind.LOAN_NOTE, product_code=line.product_code, lender_id=line.lender_id, on=on
        )
    except UnknownTemplateError:
        refused = refuse(TEMPLATE_NOT_FOUND, product_code=line.product_code, on=on.isoformat())
        raise RefusedError(refused) from None
    return _written(template, language, line, priced, setting, deal)


async def loan_note(house: House, *, customer_id: int, loan_id: int) -> LoanNote | Refused:
    """Return the note that was confirmed when a loan was drawn, written again from the loan."""
    async with house.database.connection() as connection:
        loan = await lending.read_loan(connection, customer_id, loan_id)
        if loan is None:
            return refuse(refusals.LOAN_NOT_FOUND)
        if loan.note_ref is None or loan.contract_id is None:
            return refuse(NOTE_NOT_FOUND)
        line = await lending.read_line(connection, customer_id, loan.line_id)
        assert line is not None, "a loan has a line"
        agreement = line.agreement_sha256
        if line.contract_id != loan.contract_id:
            agreement = await contracts.read_signed_hash(connection, customer_id, loan.contract_id)
        deal = await deal_of_loan(connection, house.catalogue.scenes, customer_id, loan_id)
    line = replace(
        line,
        product_version=loan.product_version,
        rate_daily_e8=loan.rate_daily_e8,
        repayment_day=loan.repayment_day,
        contract_id=loan.contract_id,
        agreement_sha256=agreement,
    )
    return _again(house, line, loan, deal)


def _again(house: House, line: Line, loan: Loan, deal: Deal | None) -> LoanNote | Refused:
    assert loan.note_ref is not None, "the loan has a note"
    assert loan.contract_id is not None, "the loan has an agreement"
    terms = house.catalogue.terms(loan.product_code, loan.product_version)
    setting = Setting(terms, loan.requested_on, house.clock.now(), house.ids)
    drawn = Draw(
        customer_id=loan.customer_id,
        line_id=loan.line_id,
        amount_minor=loan.original_minor,
        currency=loan.currency,
        tenor_months=loan.tenor_months,
        method=loan.method,
        # Neither stands on the note.
        purpose="",
        payee_ref="",
        cost_sheet_hash=loan.cost_sheet_hash,
    )
    priced = price_drawdown(line, drawn, setting)
    code, version, language_code = loan.note_ref.split("/")
    language = Language(language_code)
    if isinstance(priced, Refused) or line.agreement_sha256 is None:
        return refuse(NOTE_DOES_NOT_MATCH)
    template = house.shelf.template(code, int(version))
    note = _written(template, language, line, priced, setting, deal)
    if note.sha256 != loan.note_sha256 or sheet_of_hash(priced, loan.cost_sheet_hash) is None:
        return refuse(NOTE_DOES_NOT_MATCH)
    return LoanNote(
        customer_id=loan.customer_id,
        loan_id=loan.loan_id,
        contract_id=loan.contract_id,
        product=(loan.product_code, loan.product_version),
        language=language,
        note=note,
    )


def _written(
    template: Template,
    language: Language,
    line: Line,
    priced: Priced,
    setting: Setting,
    deal: Deal | None,
) -> Note:
    text = document_text(template, language, note_filling(line, priced, setting.terms, deal))
    return Note(f"{template.code}/{template.version}/{language}", text, text_hash(text))
