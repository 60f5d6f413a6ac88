"""Contracts: the papers to keep, and signing the agreement of an offer.

Signing   The cost sheet stands by itself first. Then the agreement, and with it a code goes to the
          phone. The code signs both texts by their hashes, and opens the line. How long the sheet
          was open is counted from its showing, in the journey.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from starlette.responses import Response

from counterfoil.contracts.contract import Act, Contract, Part
from counterfoil.contracts.template import Authentication
from counterfoil.journeys.applying.apply import accept_offer
from counterfoil.journeys.contracting import contract as journey
from counterfoil.journeys.contracting.contract_issue import contract_file
from counterfoil.journeys.contracting.contract_making import Texts
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.kernel.language import Language
from counterfoil.platform.web.forms import FormReader, plain_number
from counterfoil.platform.web.parts import Form, Status
from counterfoil.portal.page import Page
from counterfoil.portal.pages import errors
from counterfoil.portal.pages.loans import pdf_response
from counterfoil.portal.sheet import SheetView, sheet_view
from counterfoil.portal.visit import Visit
from counterfoil.portal.words import product_name

_TONES: Final = {"signed": "good", "prepared": "live"}
_STEP: Final = "step"
_BY: Final = "portal"
_CODE_LENGTH_MAX: Final = 20
_BACK: Final = "/portal/decisions"
#: A customer picks any day that every month has.
REPAYMENT_DAYS: Final = range(1, 29)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractRow:
    """One contract."""

    href: str
    file_href: str
    product: str
    limit: str
    day: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractsView:
    """The customer's contracts."""

    rows: Sequence[ContractRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextView:
    """What a contract says."""

    text: str
    sha256: str
    language: str
    file_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignSheetView:
    """The first step of signing: the cost sheet, by itself."""

    form: Form
    values: Sequence[tuple[str, str]]
    sheet: SheetView
    reading: str
    wait: str
    #: Where it is left without signing.
    back: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignTextView:
    """The second step: the agreement, and the code that signs it."""

    form: Form
    values: Sequence[tuple[str, str]]
    text: str
    language: str
    #: The code itself, where it may be shown.
    code: str
    #: To choose the repayment day from; empty where it stays.
    days: Sequence[tuple[str, str]]
    #: Where it is left without signing.
    back: str


async def show_list(visit: Visit) -> Response:
    """Show all contracts."""
    found = await journey.contracts_of(visit.house, customer_id=visit.customer_id)
    f, rows = visit.formats, []
    for one in found:
        href = f"/portal/contracts/{ids.to_text(ids.CONTRACT, one.contract_id)}"
        rows.append(
            ContractRow(
                href=href,
                file_href=f"{href}/file.pdf" if one.signed_at else "",
                product=product_name(visit, one.product_code),
                limit=f.money(one.limit_minor, one.currency),
                day=f.instant(one.signed_at) if one.signed_at else f.day(one.prepared_on),
                status=visit.status("contract_status", str(one.state), _TONES),
            )
        )
    view = ContractsView(rows=rows)
    return visit.page("contracts/list.html", visit.t("contract.list_title"), view)


async def show_text(visit: Visit) -> Response:
    """Show what a contract says."""
    found = await texts_of(visit, visit.number(ids.CONTRACT))
    if found is None:
        return errors.not_found(visit)
    contract, texts = found
    language = Language(contract.signed_language) if contract.signed_language else visit.language
    record = ids.to_text(ids.CONTRACT, contract.contract_id)
    view = TextView(
        text=texts.of(language),
        sha256=contract.sha256_of(language).hex(),
        language="zh-CN" if language is Language.CHINESE else "en",
        file_href=f"/portal/contracts/{record}/file.pdf" if contract.signed_at else "",
    )
    return visit.page("contracts/text.html", visit.t("contract.title"), view)


async def send_file(visit: Visit) -> Response:
    """Send a signed contract as a file that proves itself."""
    number = visit.number(ids.CONTRACT)
    if number is None:
        return errors.not_found(visit)
    found = await contract_file(visit.house, customer_id=visit.customer_id, contract_id=number)
    if isinstance(found, Refused):
        return errors.refused(visit, found)
    return pdf_response(found, ids.to_text(ids.CONTRACT, number))


async def begin(visit: Visit) -> Response:
    """Say what signing an offer takes; nothing is prepared by looking."""
    number = visit.number(ids.APPLICATION)
    if number is None:
        return errors.not_found(visit)
    form = visit.form(f"/contracts/sign/{ids.to_text(ids.APPLICATION, number)}")
    return visit.page("contracts/begin.html", visit.t("contract.begin_title"), form)


async def sign(visit: Visit) -> Response:
    """Go one step on: the sheet, the agreement with its code, the signature."""
    number, step = visit.number(ids.APPLICATION), visit.values.get(_STEP, "")
    if number is None:
        return errors.not_found(visit)
    key = FormReader(visit.values).idempotency_key()
    if key is None:
        return await begin(visit)
    if step == "sign":
        return await _sign(visit, number, key)
    prepared = await journey.prepare(
        visit.house,
        customer_id=visit.customer_id,
        application_id=number,
        idempotency_key=f"{key}-prepare",
    )
    if isinstance(prepared, Refused):
        return errors.refused(visit, prepared)
    contract_id = ids.from_text(ids.CONTRACT, orjson.loads(prepared.text)["id"])
    if step == "text":
        return await _show_agreement(visit, number, contract_id, key)
    return await _show_sheet(visit, number, contract_id, key)


async def _show_sheet(visit: Visit, number: int, contract_id: int, key: str) -> Response:
    shown = await show_part(visit, contract_id, Part.COST_SHEET, key)
    found = await texts_of(visit, contract_id)
    if isinstance(shown, Refused) or found is None:
        return (
            errors.not_found(visit)
            if not isinstance(shown, Refused)
            else errors.refused(visit, shown)
        )
    contract, texts = found
    document: dict[str, Any] = texts.cost_sheet
    view = SignSheetView(
        form=visit.form(f"/contracts/sign/{ids.to_text(ids.APPLICATION, number)}"),
        values=[],
        sheet=sheet_view(visit, document, contract.cost_sheet_sha256.hex()),
        reading=visit.t("draw.reading", count=visit.house.settings.cost_sheet_reading_seconds),
        wait="",
        back=_BACK,
    )
    return visit.page("contracts/sheet.html", visit.t("draw.sheet_title"), view)


async def _show_agreement(
    visit: Visit, number: int, contract_id: int, key: str, reader: FormReader | None = None
) -> Response:
    shown = await show_part(visit, contract_id, Part.AGREEMENT, key)
    if isinstance(shown, Refused):
        return errors.refused(visit, shown)
    found = await texts_of(visit, contract_id)
    if found is None:
        return errors.not_found(visit)
    return _agreement_page(visit, number, found, shown.code or "", reader)


def _agreement_page(
    visit: Visit,
    number: int,
    found: tuple[Contract, Texts],
    code: str,
    reader: FormReader | None = None,
) -> Response:
    contract, texts = found
    form = visit.form(f"/contracts/sign/{ids.to_text(ids.APPLICATION, number)}", reader)
    view = SignTextView(
        form=form,
        values=[("contract", ids.to_text(ids.CONTRACT, contract.contract_id))],
        text=texts.of(visit.language),
        language=visit.catalogue.language,
        code=code,
        days=[(str(day), visit.t("contract.day_of", day=day)) for day in REPAYMENT_DAYS],
        back=_BACK,
    )
    title = visit.t("contract.sign_title")
    return visit.page("contracts/sign.html", title, view, status=422 if form.errors else 200)


async def _sign(visit: Visit, number: int, key: str) -> Response:
    reader = FormReader(visit.values)
    code = plain_number(reader.text("code", length_max=_CODE_LENGTH_MAX) or "")
    day = reader.choice("repayment_day", [str(one) for one in REPAYMENT_DAYS])
    try:
        contract_id = ids.from_text(ids.CONTRACT, visit.values.get("contract", ""))
    except ids.InvalidIdError:
        return errors.not_found(visit)
    found = await texts_of(visit, contract_id)
    if found is None or found[0].application_id != number:
        return errors.not_found(visit)
    if day is None or not reader.is_valid:
        return _agreement_page(visit, number, found, "", reader)
    contract = found[0]
    act = Act(
        visit.language,
        contract.sha256_of(visit.language),
        contract.cost_sheet_sha256,
        Authentication.SUBSTANTIAL,
        _BY,
    )
    signed = await journey.sign(
        visit.house,
        customer_id=visit.customer_id,
        contract_id=contract_id,
        act=act,
        code=code,
        idempotency_key=f"{key}-sign",
    )
    if isinstance(signed, Refused):
        reader.refuse("form", "form.refused", text=visit.refusal(signed))
        return _agreement_page(visit, number, found, "", reader)
    opened = await accept_offer(
        visit.house,
        customer_id=visit.customer_id,
        application_id=number,
        repayment_day=int(day),
        idempotency_key=f"{key}-accept",
    )
    if isinstance(opened, Refused):
        return errors.refused(visit, opened)
    return visit.go("/?done=line_opened")


async def show_part(
    visit: Visit, contract_id: int, part: Part, key: str
) -> journey.Shown | Refused:
    """Note that a part of a contract is shown here and now."""
    return await journey.show(
        visit.house,
        customer_id=visit.customer_id,
        contract_id=contract_id,
        part=part,
        language=visit.language,
        idempotency_key=f"{key}-{part.value}",
    )


async def texts_of(visit: Visit, number: int | None) -> tuple[Contract, Texts] | None:
    """Return a contract of the customer with what it says, None where there is none."""
    if number is None:
        return None
    found = await journey.read_texts(visit.house, customer_id=visit.customer_id, contract_id=number)
    return None if isinstance(found, Refused) else found


PAGES: Final = (
    Page(path="/contracts", show=show_list),
    Page(path="/contracts/{record}", show=show_text),
    Page(path="/contracts/{record}/file.pdf", show=send_file),
    Page(path="/contracts/sign/{record}", show=begin, submit=sign),
)
