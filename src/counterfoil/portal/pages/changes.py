"""Changes of agreements: what would differ, from when, and agreeing, declining or leaving.

Signing   As the first agreement: the cost sheet by itself, then the text, then a code. Nothing that
          runs changes; what silence means is said on the page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from counterfoil.contracts.change import Change, Clause
from counterfoil.contracts.contract import Act, Part
from counterfoil.contracts.template import Authentication
from counterfoil.journeys.contracting import contract as journey
from counterfoil.journeys.contracting.agreement_changes import (
    AgreementChange,
    Standing,
    Way,
    read_changes,
)
from counterfoil.journeys.contracting.contract_version import (
    accept_new_version,
    decline_new_version,
    differences,
)
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.lending import store
from counterfoil.platform.web.forms import FormReader, plain_number
from counterfoil.platform.web.parts import Form, Status
from counterfoil.portal.page import Page
from counterfoil.portal.pages import errors
from counterfoil.portal.pages.contracts import (
    SignSheetView,
    SignTextView,
    show_part,
    texts_of,
)
from counterfoil.portal.sheet import sheet_view
from counterfoil.portal.visit import Visit

_BY: Final = "portal"
_CODE_LENGTH_MAX: Final = 20
LINES_SHOWN: Final = 50
TONES: Final = {"open": "live", "waiting": "live", "in_force": "good"}
#: Amendments whose file can be kept.
_AGREED: Final = frozenset({Standing.IN_FORCE, Standing.REPLACED})
_DONE: Final = ("change_signed", "change_declined")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """One change in a list."""

    title: str
    values: Sequence[str]
    day: str
    status: Status
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangesView:
    """All changes, line by line."""

    lines: Sequence[tuple[str, Sequence[ChangeRow]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePageView:
    """One change that is agreed to by signing."""

    status: Status
    from_day: str
    values: Sequence[str]
    silence: str
    clauses: Sequence[Clause]
    language: str
    text_href: str
    form: Form
    is_open: bool
    line_href: str
    done: str


async def show_list(visit: Visit) -> Response:
    """Show every change of the agreements behind the customer's lines."""
    async with visit.reading() as connection:
        lines = await store.read_lines_after(
            connection, customer_id=visit.customer_id, page=LINES_SHOWN
        )
    shown = []
    for line in lines:
        found = await changes_of(visit, line.line_id)
        record = ids.to_text(ids.LINE, line.line_id)
        shown.append((record, [_row(visit, one, line.currency) for one in found]))
    view = ChangesView(lines=[(record, rows) for record, rows in shown if rows])
    return visit.page("contracts/changes.html", visit.t("change.list_title"), view)


async def show(visit: Visit) -> Response:
    """Show one change."""
    return await _show(visit)


async def submit(visit: Visit) -> Response:
    """Go one step on: the sheet, the text with its code, the signature; or decline."""
    number = visit.number(ids.CONTRACT)
    reader = FormReader(visit.values)
    key, step = reader.idempotency_key(), visit.values.get("step", "")
    if number is None:
        return errors.not_found(visit)
    if key is None:
        return await _show(visit)
    if step == "decline":
        done = await decline_new_version(
            visit.house, customer_id=visit.customer_id, contract_id=number
        )
        if isinstance(done, Refused):
            return errors.refused(visit, done)
        return visit.go(f"/changes/{ids.to_text(ids.CONTRACT, number)}?done=change_declined")
    if step == "sign":
        return await _sign(visit, number, key, reader)
    if step == "text":
        return await _show_text(visit, number, key)
    return await _show_sheet(visit, number, key)


async def changes_of(visit: Visit, line_id: int) -> list[AgreementChange]:
    """Return the changes of a line's agreement; none of a line that is not there."""
    found = await read_changes(visit.house, customer_id=visit.customer_id, line_id=line_id)
    return [] if isinstance(found, Refused) else found


def change_href(change: AgreementChange) -> str:
    """Return where a change is read and agreed to, or kept; empty where there is neither."""
    if change.way is Way.VERSION:
        return f"/portal/changes/{change.record}"
    offer = f"/portal/limits/offers/{change.record}"
    if change.way is not Way.AMENDMENT:
        return ""
    if change.standing is Standing.OPEN:
        return offer
    return f"{offer}/file.pdf" if change.standing in _AGREED else ""


async def _show(visit: Visit) -> Response:
    number = visit.number(ids.CONTRACT)
    found = await texts_of(visit, number)
    if number is None or found is None or found[0].replaces is None:
        return errors.not_found(visit)
    contract = found[0]
    record = ids.to_text(ids.CONTRACT, number)
    changes = await changes_of(visit, contract.application_id)
    differ = await differences(visit.house, customer_id=visit.customer_id, contract_id=number)
    change = next((one for one in changes if one.record == record), None)
    if change is None or isinstance(differ, Refused):
        return errors.not_found(visit)
    [told] = [one for one in differ if one.language is visit.language]
    f = visit.formats
    view = ChangePageView(
        status=visit.status("change_standing", change.standing.value, TONES),
        from_day=visit.t("change.from_day", day=f.day(contract.effective_on)),
        values=_values(visit, change, contract.currency),
        silence=visit.t("change.silence_binds" if change.is_binding else "change.silence_keeps"),
        clauses=told.clauses,
        language=visit.catalogue.language,
        text_href=f"/portal/contracts/{record}",
        form=visit.form(f"/changes/{record}"),
        is_open=change.standing is Standing.OPEN,
        line_href=f"/portal/limits/{ids.to_text(ids.LINE, contract.application_id)}",
        done=next((text for text in map(visit.done, _DONE) if text), ""),
    )
    return visit.page("contracts/change.html", visit.t("change.title"), view)


async def _show_sheet(visit: Visit, number: int, key: str) -> Response:
    shown = await show_part(visit, number, Part.COST_SHEET, key)
    if isinstance(shown, Refused):
        return errors.refused(visit, shown)
    found = await texts_of(visit, number)
    if found is None:
        return errors.not_found(visit)
    contract, texts = found
    path = f"/changes/{ids.to_text(ids.CONTRACT, number)}"
    view = SignSheetView(
        form=visit.form(path),
        values=[],
        sheet=sheet_view(visit, texts.cost_sheet, contract.cost_sheet_sha256.hex()),
        reading=visit.t("draw.reading", count=visit.house.settings.cost_sheet_reading_seconds),
        wait="",
        back=f"/portal{path}",
    )
    return visit.page("contracts/sheet.html", visit.t("draw.sheet_title"), view)


async def _show_text(visit: Visit, number: int, key: str) -> Response:
    shown = await show_part(visit, number, Part.AGREEMENT, key)
    if isinstance(shown, Refused):
        return errors.refused(visit, shown)
    return await _text_page(visit, number, shown.code or "")


async def _text_page(
    visit: Visit, number: int, code: str, reader: FormReader | None = None
) -> Response:
    found = await texts_of(visit, number)
    if found is None:
        return errors.not_found(visit)
    path = f"/changes/{ids.to_text(ids.CONTRACT, number)}"
    form = visit.form(path, reader)
    view = SignTextView(
        form=form,
        values=[],
        text=found[1].of(visit.language),
        language=visit.catalogue.language,
        code=code,
        # The repayment day stays as it was chosen.
        days=[],
        back=f"/portal{path}",
    )
    title = visit.t("contract.sign_title")
    return visit.page("contracts/sign.html", title, view, status=422 if form.errors else 200)


async def _sign(visit: Visit, number: int, key: str, reader: FormReader) -> Response:
    code = plain_number(reader.text("code", length_max=_CODE_LENGTH_MAX) or "")
    found = await texts_of(visit, number)
    if found is None:
        return errors.not_found(visit)
    if not reader.is_valid:
        return await _text_page(visit, number, "", reader)
    contract = found[0]
    signed = await journey.sign(
        visit.house,
        customer_id=visit.customer_id,
        contract_id=number,
        act=Act(
            visit.language,
            contract.sha256_of(visit.language),
            contract.cost_sheet_sha256,
            Authentication.SUBSTANTIAL,
            _BY,
        ),
        code=code,
        idempotency_key=f"{key}-sign",
    )
    if isinstance(signed, Refused):
        reader.refuse("form", "form.refused", text=visit.refusal(signed))
        return await _text_page(visit, number, "", reader)
    # Before its day this is refused, and the worker does it then.
    await accept_new_version(visit.house, customer_id=visit.customer_id, contract_id=number)
    return visit.go(f"/changes/{ids.to_text(ids.CONTRACT, number)}?done=change_signed")


def _row(visit: Visit, change: AgreementChange, currency: str) -> ChangeRow:
    f = visit.formats
    day = visit.t("change.when_agreed")
    if change.effective_on is not None:
        day = visit.t("change.from_day", day=f.day(change.effective_on))
    return ChangeRow(
        title=visit.word("change_way", change.way.value),
        values=_values(visit, change, currency),
        day=day,
        status=visit.status("change_standing", change.standing.value, TONES),
        href=change_href(change),
    )


def _values(visit: Visit, change: AgreementChange, currency: str) -> list[str]:
    """Return what is now and would be, a sentence for each thing that changes."""
    f, told = visit.formats, []
    for what in change.changes:
        key = f"change_value.{what.value}"
        if what is Change.PRICE:
            before, after = change.from_rate_daily_e8 or 0, change.to_rate_daily_e8 or 0
            told.append(
                visit.t(
                    key,
                    before=f.rate(before),
                    after=f.rate(after),
                    annual_before=f.rate_annual(before),
                    annual_after=f.rate_annual(after),
                )
            )
        elif what is Change.LIMIT:
            before, after = change.from_limit_minor or 0, change.to_limit_minor or 0
            told.append(
                visit.t(key, before=f.money(before, currency), after=f.money(after, currency))
            )
        else:
            told.append(visit.t(key))
    return told


PAGES: Final = (
    Page(path="/changes", show=show_list),
    Page(path="/changes/{record}", show=show, submit=submit),
)
