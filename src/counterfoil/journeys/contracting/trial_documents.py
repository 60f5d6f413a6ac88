"""Documents of nobody: what a version of a template would say of each product, method and scene.

Whoever puts a version forward learns here that a word is missing for a way of repayment, or that a
variable stands outside of its condition, and not the customer who is to sign. Nothing is written.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final, NamedTuple

from counterfoil.contracts.document import Filling, Kind
from counterfoil.contracts.filling import FillingError, document_text
from counterfoil.contracts.template import Template
from counterfoil.journeys.contracting.contract_words import (
    EXAMPLE_DAY,
    Borrower,
    NewVersion,
    Offer,
    agreement_filling,
    example_drawdown,
    note_filling,
)
from counterfoil.journeys.purchasing.scene_deal import Deal
from counterfoil.kernel.errors import Refused
from counterfoil.kernel.ids import IdSource
from counterfoil.kernel.language import Language
from counterfoil.lending.account import Setting
from counterfoil.lending.catalogue import Catalogue
from counterfoil.lending.commands import Draw
from counterfoil.lending.cost import CostSheet
from counterfoil.lending.line import Line
from counterfoil.lending.quote import price_drawdown
from counterfoil.lending.scene import Scene
from counterfoil.lending.scene_purchase import Purchase, PurchaseState
from counterfoil.lending.scene_store import Payee
from counterfoil.lending.terms import Terms

#: Whose trial documents are, and of which records.
_NOBODY: Final = 1
_PERSON: Final = Borrower("—", "—")
_HASH: Final = bytes(32)


class Trial(NamedTuple):
    """What a document of nobody is filled with, and from what."""

    filling: Filling
    sheet: CostSheet
    #: What the money would pay for; None for cash.
    deal: Deal | None


def faults_of_trial(
    template: Template, terms: Terms, catalogue: Catalogue, ids: IdSource, *, on: date
) -> list[str]:
    """Return why documents of a product could not be made from a version on a date."""
    faults: list[str] = []
    for trial in trials(template.kind, terms, catalogue, ids, on=on):
        for language in Language:
            try:
                document_text(template, language, trial.filling)
            except FillingError as fault:
                faults.append(f"{language}: {fault}")
    return list(dict.fromkeys(faults))


def trials(
    kind: Kind, terms: Terms, catalogue: Catalogue, ids: IdSource, *, on: date
) -> Iterator[Trial]:
    """Yield the documents of a kind that a product can have: by method, scene and occasion."""
    setting = Setting(terms, on, datetime.combine(on, time(), UTC), ids)
    scenes = catalogue.scenes.current(on)
    if kind is Kind.CREDIT_AGREEMENT:
        yield from _agreements(setting, scenes)
    elif kind is Kind.LOAN_NOTE:
        deals: list[Deal | None] = [
            _deal(scenes[code], terms, on, course_until=until)
            for code in terms.scenes
            if code in scenes
            for until in (None, on)
        ]
        for deal in deals or [None]:
            yield from _notes(setting, deal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What an agreement says, without a name, and the cost sheet of its example."""

    texts: Mapping[Language, str]
    sheet: CostSheet


def sample_agreement(
    template: Template, offer: Offer, setting: Setting, scenes: Mapping[str, Scene], since: date
) -> Sample | Refused:
    """Return the agreement of nobody on given conditions, as a new version since a day."""
    offer = offer._replace(customer_id=_NOBODY, application_id=_NOBODY)
    example = example_drawdown(offer, setting)
    if isinstance(example, Refused):
        return example
    filling = agreement_filling(
        _NOBODY,
        offer,
        example,
        setting,
        _PERSON,
        scenes=scenes,
        replaces=NewVersion(_NOBODY, since),
    )
    texts = {language: document_text(template, language, filling) for language in Language}
    return Sample(texts=texts, sheet=example.sheet)


def _agreements(setting: Setting, scenes: Mapping[str, Scene]) -> Iterator[Trial]:
    """Yield the agreement of a line, and the same as a new version of an earlier one."""
    terms, on = setting.terms, setting.business_date
    offer = Offer(
        _NOBODY, _NOBODY, terms.limit_minor_max, terms.rate_daily_e8_min, terms.tenors_months, on
    )
    example = example_drawdown(offer, setting)
    if not isinstance(example, Refused):
        for replaces in (None, NewVersion(_NOBODY, on)):
            filling = agreement_filling(
                _NOBODY, offer, example, setting, _PERSON, scenes=scenes, replaces=replaces
            )
            yield Trial(filling, example.sheet, None)


def _notes(setting: Setting, deal: Deal | None) -> Iterator[Trial]:
    """Yield the note of a drawdown by each way of repayment."""
    terms, on = setting.terms, setting.business_date
    line = Line(
        customer_id=_NOBODY,
        line_id=_NOBODY,
        application_id=_NOBODY,
        product_code=terms.code,
        product_version=terms.version,
        lender_id=terms.lender_id,
        currency=terms.currency,
        status="active",
        limit_minor=terms.limit_minor_max,
        rate_daily_e8=terms.rate_daily_e8_min,
        repayment_day=EXAMPLE_DAY,
        opened_on=on,
        valid_to=on,
        contract_id=_NOBODY,
        agreement_sha256=_HASH,
    )
    for method in terms.methods:
        drawn = Draw(
            customer_id=_NOBODY,
            line_id=_NOBODY,
            amount_minor=terms.draw_minor_max - terms.draw_minor_max % terms.draw_minor_step,
            currency=terms.currency,
            tenor_months=max(terms.tenors_months),
            method=method,
            purpose="",
            payee_ref="",
            cost_sheet_hash=b"",
        )
        priced = price_drawdown(line, drawn, setting)
        if not isinstance(priced, Refused):
            yield Trial(note_filling(line, priced, terms, deal), priced.sheet, deal)


def _deal(scene: Scene, terms: Terms, on: date, *, course_until: date | None) -> Deal:
    """Return a purchase of a scene at a merchant that does not exist, of a course or of none."""
    purchase = Purchase(
        customer_id=_NOBODY,
        purchase_id=_NOBODY,
        scene=scene.code,
        scene_version="",
        merchant_id=_NOBODY,
        price_minor=scene.limit_minor,
        currency=terms.currency,
        course_from=None if course_until is None else on,
        course_until=course_until,
    )
    payee = Payee(
        merchant_id=_NOBODY,
        version_no=1,
        scene=scene.code,
        name="—",
        payee_ref="—",
        asked_by="",
        approved_by="",
        approval_id=0,
        registered_at=datetime.combine(on, time(), UTC),
    )
    state = PurchaseState(purchase=purchase, progress_ppm=0, paid_minor=0)
    return Deal(scene=scene, state=state, payee=payee)
