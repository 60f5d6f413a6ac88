"""Changes of a line's agreement: all that were noticed, the next notice, and one taken back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from starlette.responses import Response

from counterfoil.console import flow, words
from counterfoil.console.access import Permission
from counterfoil.console.flow import Action, Crumb, Field, Preview
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.pages.lines import line_key
from counterfoil.console.reading import READING
from counterfoil.console.visit import Visit
from counterfoil.contracts.change import Change as Changed
from counterfoil.journeys.contracting.agreement_changes import (
    AgreementChange,
    Standing,
    Way,
    read_changes,
)
from counterfoil.journeys.contracting.contract_terms import VersionWish
from counterfoil.journeys.contracting.contract_version import (
    offer_new_version,
    withdraw_new_version,
)
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.lending.product_values import FaultError, percent_e8
from counterfoil.platform.queries import Row
from counterfoil.platform.web.forms import FormReader, plain_number
from counterfoil.platform.web.parts import Change, Status

TONES: Final = {"open": "live", "waiting": "live", "in_force": "good"}
_TEXT_LENGTH_MAX: Final = 20
#: What the lender may still take back.
_TAKEN_BACK: Final = frozenset({Standing.OPEN, Standing.DECLINED, Standing.LAPSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """One change."""

    record: str
    href: str
    way: str
    values: Sequence[str]
    noticed_at: str
    effective_on: str
    silence: str
    status: Status
    #: Where the notice can be taken back; empty where it cannot.
    withdraw_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangesView:
    """The changes of a line."""

    line: str
    line_href: str
    notice_href: str
    may_change: bool
    rows: Sequence[ChangeRow]
    done: str


async def show_list(visit: Visit) -> Response:
    """Show the changes of a line's agreement."""
    row = await _line(visit)
    if row is None:
        return await errors.not_found(visit)
    key = {"customer_id": row["customer_id"], "line_id": row["line_id"]}
    found = await read_changes(visit.desk.house, **key)
    href = words.line_href(row["customer_id"], row["line_id"])
    record = ids.to_text(ids.LINE, row["line_id"])
    view = ChangesView(
        line=record,
        line_href=href,
        notice_href=f"{href}/agreement",
        may_change=visit.may(Permission.CHANGE_LIMIT) and row["status"] != "closed",
        rows=[] if isinstance(found, Refused) else [_row(visit, row, one) for one in found],
        done=_done(visit),
    )
    return visit.page(
        "lines/changes.html",
        visit.t("change.title", record=record),
        view,
        journey="journeys.contracting.agreement_changes.read_changes",
        api_call=f"GET /v1/lines/{record}/agreement-changes",
    )


async def notice(visit: Visit) -> Response:
    """Give notice of a change: form, preview, journey."""
    row = await _line(visit)
    if row is None:
        return await errors.not_found(visit)
    action, fields = _notice_action(visit, row), _fields(visit, row)
    step = flow.step_of(visit)
    if step not in (flow.PREVIEW, flow.CONFIRM) or visit.is_stale:
        return flow.show_form(visit, action, fields)
    reader = FormReader(visit.values)
    wish = _wish(visit, row, reader)
    if wish is None or not reader.is_valid:
        return flow.show_form(visit, action, fields, reader=reader)
    if step == flow.PREVIEW:
        return flow.show_preview(visit, action, _preview(visit, row, wish))
    key = reader.idempotency_key()
    if key is None:
        return flow.show_form(visit, action, fields, reader=reader)
    outcome = await offer_new_version(visit.desk.house, wish, idempotency_key=key)
    return flow.finish(visit, action, fields, outcome, reader=reader, done="change_noticed")


async def withdraw(visit: Visit) -> Response:
    """Take a notice back."""
    row = await _line(visit)
    try:
        number = ids.from_text(ids.CONTRACT, visit.request.path_params["contract"])
    except ids.InvalidIdError:
        return await errors.not_found(visit)
    if row is None:
        return await errors.not_found(visit)
    record = ids.to_text(ids.CONTRACT, number)
    href = _changes_href(row)
    action = Action(
        name="withdraw",
        title=visit.t("change.withdraw"),
        intro=visit.t("change.withdraw_intro"),
        path=f"{href}/{record}/withdrawal",
        record=Crumb(label=record, href=href),
        journey="journeys.contracting.contract_version.withdraw_new_version",
        api_call=f"POST /v1/contracts/{record}/withdrawal",
    )
    reader = FormReader(visit.values)
    if flow.step_of(visit) != flow.CONFIRM or visit.is_stale or not reader.idempotency_key():
        changes = [Change(label=visit.t("contract.contracts"), before=record, after="—")]
        confirm = visit.t("change.withdraw")
        return flow.show_preview(visit, action, Preview(changes=changes, confirm=confirm))
    outcome = await withdraw_new_version(
        visit.desk.house,
        customer_id=row["customer_id"],
        contract_id=number,
        author=visit.operator,
    )
    return flow.finish(visit, action, [], outcome, reader=reader, done="change_withdrawn")


def _done(visit: Visit) -> str:
    """Return what the act that led here did."""
    told = {
        "change_noticed": visit.t("done.change_noticed"),
        "change_withdrawn": visit.t("done.change_withdrawn"),
    }
    return told.get(visit.request.query_params.get("done", ""), "")


async def _line(visit: Visit) -> Row | None:
    found = line_key(visit)
    if found is None:
        return None
    async with visit.reading() as connection:
        return await READING.line.fetchrow(connection, customer_id=found[0], line_id=found[1])


def _changes_href(row: Row) -> str:
    return f"{words.line_href(row['customer_id'], row['line_id'])}/changes"


def _notice_action(visit: Visit, row: Row) -> Action:
    record = ids.to_text(ids.LINE, row["line_id"])
    return Action(
        name="agreement",
        title=visit.t("line_action.agreement"),
        intro=visit.t("line_action.agreement_intro"),
        path=f"{words.line_href(row['customer_id'], row['line_id'])}/agreement",
        record=Crumb(label=record, href=_changes_href(row)),
        journey="journeys.contracting.contract_version.offer_new_version",
        api_call=f"POST /v1/lines/{record}/agreement-version",
    )


def _fields(visit: Visit, row: Row) -> list[Field]:
    t, currency = visit.t, visit.formats.currency(row["currency"])
    return [
        Field(name="effective_on", label=t("change.effective_on"), kind="date"),
        Field(
            name="product_version",
            label=t("change.product_version"),
            inputmode="numeric",
            hint=t("change.product_version_hint", version=row["product_version"]),
            is_required=False,
        ),
        Field(
            name="rate",
            label=t("change.rate"),
            inputmode="decimal",
            hint=t("change.rate_hint", rate=visit.formats.rate(row["rate_daily_e8"])),
            is_required=False,
        ),
        Field(
            name="limit",
            label=t("line_action.new_limit", currency=currency),
            inputmode="decimal",
            hint=t("change.limit_hint"),
            is_required=False,
        ),
    ]


def _wish(visit: Visit, row: Row, reader: FormReader) -> VersionWish | None:
    day = reader.day("effective_on")
    version, rate, limit = (
        reader.text(name, length_max=_TEXT_LENGTH_MAX, required=False)
        for name in ("product_version", "rate", "limit")
    )
    product_version = rate_daily_e8 = None
    if version is not None:
        plain = plain_number(version)
        if plain.isascii() and plain.isdigit():
            product_version = int(plain)
        else:
            reader.refuse("product_version", "change.not_a_version")
    if rate is not None:
        try:
            rate_daily_e8 = percent_e8(f"{plain_number(rate).rstrip('%')} %")
        except FaultError:
            reader.refuse("rate", "change.not_a_rate")
    limit_minor = None if limit is None else reader.amount_minor("limit", row["currency"])
    if day is None or not reader.is_valid:
        return None
    return VersionWish(
        customer_id=row["customer_id"],
        line_id=row["line_id"],
        effective_on=day,
        product_version=product_version,
        rate_daily_e8=rate_daily_e8,
        limit_minor=limit_minor,
        author=visit.operator,
    )


def _preview(visit: Visit, row: Row, wish: VersionWish) -> Preview:
    f, t, currency = visit.formats, visit.t, row["currency"]
    changes = [_changed(t("change.effective_on"), "", f.day(wish.effective_on))]
    if wish.product_version is not None:
        before, after = str(row["product_version"]), str(wish.product_version)
        changes.append(_changed(t("change.product_version"), before, after))
    if wish.rate_daily_e8 is not None:
        before, after = f.rate(row["rate_daily_e8"]), f.rate(wish.rate_daily_e8)
        changes.append(_changed(t("change.rate"), before, after))
    if wish.limit_minor is not None:
        before, after = f.money(row["limit_minor"], currency), f.money(wish.limit_minor, currency)
        changes.append(_changed(t("line.limit"), before, after))
    is_dearer = (wish.rate_daily_e8 or 0) > row["rate_daily_e8"]
    has_terms = wish.product_version not in {None, row["product_version"]}
    binds = is_dearer or has_terms
    silence = t("change.silence_binds") if binds else t("change.silence_keeps")
    return Preview(
        changes=changes,
        notes=[t("change.customer_told"), t("change.loans_stay"), silence],
        confirm=t("change.confirm"),
    )


def _changed(label: str, before: str, after: str) -> Change:
    return Change(label=label, before=before, after=after)


def _row(visit: Visit, line: Row, change: AgreementChange) -> ChangeRow:
    f, t = visit.formats, visit.t
    is_version = change.way is Way.VERSION
    number = ids.from_text(ids.CONTRACT, change.record) if is_version else 0
    back = is_version and change.standing in _TAKEN_BACK and visit.may(Permission.CHANGE_LIMIT)
    return ChangeRow(
        record=change.record,
        href=words.contract_href(line["customer_id"], number) if is_version else "",
        way=visit.catalogue.label("change_way", change.way.value),
        values=[_value(visit, change, what, line["currency"]) for what in change.changes],
        noticed_at=f.instant(change.noticed_at),
        effective_on=_day(visit, change.effective_on),
        silence=t("change.binds") if change.is_binding else t("change.keeps"),
        status=visit.status("change_standing", change.standing.value, TONES),
        withdraw_href=f"{_changes_href(line)}/{change.record}/withdrawal" if back else "",
    )


def _day(visit: Visit, day: date | None) -> str:
    return visit.t("change.when_agreed") if day is None else visit.formats.day(day)


def _value(visit: Visit, change: AgreementChange, what: Changed, currency: str) -> str:
    f, label = visit.formats, visit.catalogue.label("agreement_change", what.value)
    if what is Changed.PRICE:
        before, after = change.from_rate_daily_e8 or 0, change.to_rate_daily_e8 or 0
        return f"{label}: {f.rate(before)} → {f.rate(after)}"
    if what is Changed.LIMIT:
        before, after = change.from_limit_minor or 0, change.to_limit_minor or 0
        return f"{label}: {f.money(before, currency)} → {f.money(after, currency)}"
    return label


_LINE: Final = "/customers/{customer}/lines/{line}"

PAGES: Final = (
    Page(path=f"{_LINE}/changes", show=show_list),
    Page(path=f"{_LINE}/agreement", show=notice, submit=notice, permission=Permission.CHANGE_LIMIT),
    Page(
        path=f"{_LINE}/changes/{{contract}}/withdrawal",
        show=withdraw,
        submit=withdraw,
        permission=Permission.CHANGE_LIMIT,
    ),
)
