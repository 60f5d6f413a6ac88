"""Settings: asked for, shown with what they do, confirmed; where money is affected with a code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import orjson
from starlette.responses import Response

from counterfoil.customers.setting import Channel, Setting, SettingChange, StatementForm
from counterfoil.journeys.paying.mandates import DebitWish, own_wish
from counterfoil.journeys.serving import change_setting as journey
from counterfoil.journeys.serving.bind_account import present_account
from counterfoil.journeys.serving.read_settings import read_history, read_settings
from counterfoil.journeys.serving.setting_effects import SettingWish
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.kernel.language import Language
from counterfoil.platform.access_matrix import reading
from counterfoil.platform.web.forms import FormReader, plain_number
from counterfoil.platform.web.parts import Event, Form
from counterfoil.portal.page import Page
from counterfoil.portal.pages import errors
from counterfoil.portal.visit import Visit

_BY: Final = "portal"
_CODE_LENGTH_MAX: Final = 20
_ACCOUNT_LENGTH_MAX: Final = 80
CHANGES_SHOWN: Final = 30
_NEWEST: Final = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSettings:
    """What can be set of one line."""

    line: str
    facts: Sequence[tuple[str, str]]
    days: Sequence[tuple[str, str]]
    day: str
    has_debit: bool
    #: The account that is registered; what is typed may be another one.
    account: str
    #: Loans run on it, which are settled before it can be closed.
    has_loans: bool
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsView:
    """What can be set, and what was."""

    lines: Sequence[LineSettings]
    form: Form
    #: Code, word and whether it is chosen.
    channels: Sequence[tuple[str, str, bool]]
    forms: Sequence[tuple[str, str]]
    statement_form: str
    languages: Sequence[tuple[str, str]]
    language: str
    history: Sequence[Event]
    done: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeView:
    """A change as it is shown before it is confirmed."""

    form: Form
    record: str
    sha256: str
    before: str
    after: str
    effects: Sequence[str]
    #: The text that is agreed to, in its own language; empty where there is none.
    mandate: str
    mandate_language: str
    needs_code: bool
    #: The code itself, where it may be shown.
    code: str


async def show(visit: Visit) -> Response:
    """Show all settings."""
    return await _show(visit)


async def submit(visit: Visit) -> Response:
    """Show what a change would do, or carry it out."""
    reader = FormReader(visit.values)
    key = reader.idempotency_key()
    if key is None:
        return await _show(visit, reader)
    if visit.values.get("step") == "confirm":
        return await _confirm(visit, reader)
    wish = await _wish(visit, reader)
    if wish is None:
        return await _show(visit, reader)
    asked = await journey.ask(visit.house, wish, idempotency_key=key)
    if isinstance(asked, Refused):
        reader.refuse("form", "form.refused", text=visit.refusal(asked))
        return await _show(visit, reader)
    return _change_page(visit, orjson.loads(asked.answer.text), asked.code or "")


async def _confirm(visit: Visit, reader: FormReader) -> Response:
    try:
        number = ids.from_text(ids.SETTING_REQUEST, visit.values.get("change", ""))
        digest = bytes.fromhex(visit.values.get("sha256", ""))
    except ValueError:
        return errors.not_found(visit)
    code = reader.text("code", length_max=_CODE_LENGTH_MAX, required=False)
    done = await journey.confirm(
        visit.house,
        customer_id=visit.customer_id,
        request_id=number,
        effect_hash=digest,
        code=None if code is None else plain_number(code),
    )
    if isinstance(done, Refused):
        reader.refuse("form", "form.refused", text=visit.refusal(done))
        return await _show(visit, reader)
    return visit.go("/settings?done=setting_changed")


async def _wish(visit: Visit, reader: FormReader) -> SettingWish | None:
    """Return what a form asks for."""
    setting = reader.choice("setting", [one.value for one in Setting])
    if setting is None:
        return None
    more: dict[str, Any] = {}
    if visit.values.get("line"):
        try:
            more["line_id"] = ids.from_text(ids.LINE, visit.values["line"])
        except ids.InvalidIdError:
            more["line_id"] = 0
    if setting == Setting.REPAYMENT_DAY:
        day = reader.choice("repayment_day", [str(number) for number in range(1, 32)])
        more["repayment_day"] = int(day) if day else None
    elif setting == Setting.OWN_CAP and visit.values.get("cap", "").strip():
        more["cap_minor"] = reader.amount_minor("cap", "CNY", allow_zero=True)
    elif setting == Setting.AUTO_DEBIT and visit.values.get("debit") == "on":
        more["auto_debit"] = await _debit(visit, reader)
    else:
        more |= _personal(visit, reader, setting)
    if not reader.is_valid:
        return None
    return SettingWish(
        customer_id=visit.customer_id,
        setting=Setting(setting),
        channel=_BY,
        device=None,
        author=_BY,
        **more,
    )


def _personal(visit: Visit, reader: FormReader, setting: str) -> dict[str, Any]:
    """Return what a form says of a setting that belongs to no line."""
    if setting == Setting.CHANNELS:
        chosen = [one for one in Channel if visit.values.get(f"channel_{one.value}")]
        return {"channels": tuple(chosen)}
    if setting == Setting.LANGUAGE:
        language = reader.choice("language", [one.value for one in Language])
        return {"language": Language(language) if language else None}
    if setting == Setting.STATEMENT_FORM:
        form = reader.choice("statement_form", [one.value for one in StatementForm])
        return {"statement_form": StatementForm(form) if form else None}
    return {}


async def _debit(visit: Visit, reader: FormReader) -> DebitWish | None:
    """Return from which account the customer wants to be debited."""
    named = reader.text("account", length_max=_ACCOUNT_LENGTH_MAX)
    ends_on = reader.day("ends_on", required=False)
    if named is None or not reader.is_valid:
        return None
    found = await own_wish(
        visit.house,
        customer_id=visit.customer_id,
        named=named,
        ends_on=ends_on,
        language=visit.language,
    )
    if isinstance(found, Refused):
        reader.refuse("form", "form.refused", text=visit.refusal(found))
        return None
    return found


def _change_page(visit: Visit, change: Mapping[str, Any], code: str) -> Response:
    mandate = change["effect"].get("mandate", {})
    view = ChangeView(
        form=visit.form("/settings"),
        record=change["id"],
        sha256=change["effect_sha256"],
        before=_value(visit, change["before"]),
        after=_value(visit, change["after"]),
        effects=_effects(visit, change["effect"]),
        mandate=mandate.get("text", ""),
        mandate_language=mandate.get("language", ""),
        needs_code=change["needs_code"],
        code=code,
    )
    title = visit.word("setting", change["setting"])
    return visit.page("settings/change.html", title, view)


def _value(visit: Visit, document: Mapping[str, Any]) -> str:
    """Return a value of a setting in words."""
    texts = []
    for name, value in document.items():
        if name in ("mandate_id", "next_cap_on"):
            continue
        if name == "own_cap_minor":
            amount = visit.formats.money(value, "CNY")
            texts.append(visit.t("setting.no_cap") if value is None else amount)
        elif name == "channels":
            texts.append(" · ".join(visit.word("notice_channel", one) for one in value))
        elif name == "account_ref":
            texts.append(visit.t("setting.debit_off") if value is None else str(value))
        elif name == "is_closed":
            texts.append(visit.word("closed_line", "yes" if value else "no"))
        elif name == "repayment_day":
            texts.append(visit.t("contract.day_of", day=value))
        else:
            texts.append(visit.word(name, str(value)))
    return " · ".join(texts)


def _effects(visit: Visit, effect: Mapping[str, Any]) -> list[str]:
    """Return what a change does, in sentences."""
    t, f, told = visit.t, visit.formats, []
    for name in ("works_on", "stops_on", "closes_on"):
        if name in effect:
            day = f.day(date.fromisoformat(effect[name]))
            told.append(visit.t("setting.from_day", day=day))
    for loan in effect.get("loans", ()):
        present, proposed = loan["present"], loan["proposed"]
        told.append(
            t(
                "setting.loan_moves",
                loan=loan["loan_id"],
                before=present["next_due_date"],
                after=proposed["next_due_date"],
            )
        )
    return told


async def _show(visit: Visit, reader: FormReader | None = None) -> Response:
    found = await read_settings(
        visit.house, customer_id=visit.customer_id, reading=reading("own_addresses")
    )
    if isinstance(found, Refused):
        return errors.refused(visit, found)
    changes = await read_history(
        visit.house, customer_id=visit.customer_id, before=_NEWEST, page=CHANGES_SHOWN
    )
    allowed = found["allowed"]
    account = await present_account(visit.house, visit.customer_id) or ""
    view = SettingsView(
        lines=[_line(visit, one, account) for one in found["lines"] if one["status"] != "closed"],
        form=visit.form("/settings", reader),
        channels=[
            (code, visit.word("notice_channel", code), code in found["channels"])
            for code in allowed["channels"]
        ],
        forms=[(code, visit.word("statement_form", code)) for code in allowed["statement_forms"]],
        statement_form=found["statement_form"],
        languages=[(code, visit.word("language", code)) for code in allowed["languages"]],
        language=found["language"],
        history=[_changed(visit, one) for one in changes],
        done=visit.done("setting_changed"),
    )
    status = 422 if view.form.errors else 200
    return visit.page("settings/settings.html", visit.t("setting.title"), view, status=status)


def _line(visit: Visit, line: Mapping[str, Any], account: str) -> LineSettings:
    f, t = visit.formats, visit.t
    cap, currency = line["own_cap_minor"], line["currency"]
    debit = line["auto_debit"]
    return LineSettings(
        line=line["line_id"],
        facts=[
            (t("contract.day"), t("contract.day_of", day=line["repayment_day"])),
            (t("setting.changes_left"), f.count(line["repayment_day_changes_left"])),
            (t("setting.cap"), t("setting.no_cap") if cap is None else f.money(cap, currency)),
            (t("setting.debit"), t("setting.debit_off") if debit is None else debit["account_ref"]),
        ],
        days=[
            (str(day), t("contract.day_of", day=day))
            for day in range(1, line["repayment_day_most"] + 1)
        ],
        day=str(line["repayment_day"]),
        has_debit=debit is not None,
        account=account,
        has_loans=bool(line["principal_minor"]),
        currency=f.currency(currency),
    )


def _changed(visit: Visit, change: SettingChange) -> Event:
    return Event(
        at=visit.formats.instant(change.changed_at),
        at_machine=change.changed_at.isoformat(),
        text=visit.word("setting", change.setting.value),
        note=f"{_value(visit, change.before)} → {_value(visit, change.after)}",
    )


PAGES: Final = (Page(path="/settings", show=show, submit=submit),)
