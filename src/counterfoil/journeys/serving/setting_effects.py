"""What a change of a setting would do: the value before and after, the effect, and the bounds.

Nothing is written. Out of bounds is refused with what is allowed.
"""

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from counterfoil.customers import refusals, setting_store
from counterfoil.customers import store as customers
from counterfoil.customers.setting import (
    OF_LINE,
    Channel,
    Preference,
    Setting,
    SettingRequest,
    StatementForm,
    refuse_channels,
    refuse_statement,
)
from counterfoil.journeys.house import House
from counterfoil.journeys.paying.mandates import DebitWish, propose_mandate
from counterfoil.journeys.serving.reached import addresses_of
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.kernel.language import Language
from counterfoil.lending import refusals as of_lending
from counterfoil.lending import store as lending
from counterfoil.lending.account import Setting as LineSetting
from counterfoil.lending.line import Line
from counterfoil.lending.line_changes import waits_until
from counterfoil.lending.loan import Loan, payoff_minor
from counterfoil.lending.moving_day import effect_document, effect_of_day
from counterfoil.payments import debit_store
from counterfoil.platform.access_matrix import reading
from counterfoil.platform.database import Connection

#: Running loans of one line; more than anybody has.
_LOANS_MAX = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingWish:
    """What a customer wants changed; exactly the members that its setting needs are there."""

    customer_id: int
    setting: Setting
    #: The entry way, as the channel of the change.
    channel: str
    device: str | None
    author: str
    line_id: int | None = None
    repayment_day: int | None = None
    #: None takes the cap away.
    cap_minor: int | None = None
    #: None switches auto-debit off.
    auto_debit: DebitWish | None = None
    channels: tuple[Channel, ...] = ()
    language: Language | None = None
    statement_form: StatementForm | None = None

    def document(self) -> dict[str, Any]:
        """Return the wish as a document of JSON, by which a repetition is recognised."""
        fields = asdict(self)
        wish = fields.pop("auto_debit")
        return fields | {
            "channels": sorted(self.channels),
            "auto_debit": None if wish is None else wish | {"ends_on": str(wish["ends_on"])},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What is shown of a change before it is confirmed."""

    before: dict[str, Any]
    after: dict[str, Any]
    effect: dict[str, Any]
    #: Money is affected.
    needs_code: bool


async def effect_of(
    connection: Connection, house: House, wish: SettingWish, on: date
) -> Shown | Refused:
    """Return what a change would do, or why it cannot be made."""
    if await customers.read_customer(connection, wish.customer_id) is None:
        return refuse(refusals.CUSTOMER_NOT_FOUND)
    if wish.setting not in OF_LINE:
        return await _personal(connection, house, wish)
    if wish.line_id is None:
        return refuse(refusals.SETTING_VALUE_MISSING, setting=wish.setting.value, needed="line_id")
    line = await lending.read_line(connection, wish.customer_id, wish.line_id)
    if line is None:
        return refuse(of_lending.LINE_NOT_FOUND)
    if line.status == "closed":
        return refuse(of_lending.LINE_CLOSED)
    terms = house.catalogue.terms(line.product_code, line.product_version)
    setting = LineSetting(terms, on, house.clock.now(), house.ids)
    match wish.setting:
        case Setting.REPAYMENT_DAY:
            return _day(line, await _running(connection, line), wish, setting)
        case Setting.OWN_CAP:
            return _cap(line, wish, setting)
        case Setting.CLOSE_LINE:
            return _closing(line, await _running(connection, line), on)
        case _:
            return await _auto_debit(connection, house, line, wish, on)


async def value_of(connection: Connection, request: SettingRequest) -> dict[str, Any]:
    """Return what is set now of what a change is about."""
    if request.line_id is None:
        return await _personal_value(connection, request.customer_id, request.setting)
    if request.setting is Setting.AUTO_DEBIT:
        return await _debit_value(connection, request.customer_id, request.line_id)
    line = await lending.read_line(connection, request.customer_id, request.line_id)
    assert line is not None, "lines are never removed"
    return line_value(line, request.setting)


def line_value(line: Line, setting: Setting) -> dict[str, Any]:
    """Return what is set of a line."""
    match setting:
        case Setting.REPAYMENT_DAY:
            return {"repayment_day": line.repayment_day}
        case Setting.OWN_CAP:
            waiting = None if line.next_cap_on is None else line.next_cap_on.isoformat()
            return {"own_cap_minor": line.own_cap_minor, "next_cap_on": waiting}
        case _:
            return {"is_closed": line.status == "closed"}


async def _running(connection: Connection, line: Line) -> list[Loan]:
    loans = await lending.read_loans_after(
        connection, customer_id=line.customer_id, line_id=line.line_id, page=_LOANS_MAX
    )
    return [loan for loan in loans if loan.status in ("open", "pending")]


def _day(line: Line, loans: list[Loan], wish: SettingWish, setting: LineSetting) -> Shown | Refused:
    if wish.repayment_day is None:
        return _missing(wish, "repayment_day")
    effect = effect_of_day(line, loans, wish.repayment_day, setting)
    if isinstance(effect, Refused):
        return effect
    return Shown(
        before=line_value(line, Setting.REPAYMENT_DAY),
        after={"repayment_day": wish.repayment_day},
        effect=effect_document(effect),
        needs_code=True,
    )


def _cap(line: Line, wish: SettingWish, setting: LineSetting) -> Shown | Refused:
    """Lower works at once and needs no code; higher waits, and whoever asks proves who they are."""
    cap, before = wish.cap_minor, line.own_cap_minor
    if cap is not None and not 0 <= cap <= line.limit_minor:
        return refuse(of_lending.CAP_OUT_OF_RANGE, limit_minor=line.limit_minor)
    if cap == before and line.next_cap_on is None:
        return refuse(refusals.SETTING_UNCHANGED)
    is_raise = before is not None and (cap is None or cap > before)
    since = waits_until(setting) if is_raise else setting.business_date
    return Shown(
        before=line_value(line, Setting.OWN_CAP),
        after={"own_cap_minor": cap},
        effect={"own_cap_minor": cap, "works_on": since.isoformat(), "is_raise": is_raise},
        needs_code=is_raise,
    )


def _closing(line: Line, loans: list[Loan], on: date) -> Shown | Refused:
    """Close what is empty; else say what settles it today."""
    open_loans = [loan for loan in loans if loan.status == "open"]
    if open_loans:
        return refuse(
            of_lending.LINE_SETTLEMENT_NEEDED,
            amount_minor=sum(payoff_minor(loan, on) for loan in open_loans),
            currency=line.currency,
            valid_on=on.isoformat(),
            loans=", ".join(ids.to_text(ids.LOAN, loan.loan_id) for loan in open_loans),
        )
    owed, kept = line.principal_minor + line.held_minor, line.credit_minor + line.returning_minor
    if owed or kept or loans:
        return refuse(of_lending.LINE_NOT_EMPTY, owed_minor=owed, credit_minor=kept)
    after = {"is_closed": True}
    effect = after | {"closes_on": on.isoformat()}
    return Shown(before={"is_closed": False}, after=after, effect=effect, needs_code=True)


async def _auto_debit(
    connection: Connection, house: House, line: Line, wish: SettingWish, on: date
) -> Shown | Refused:
    before = await _debit_value(connection, line.customer_id, line.line_id)
    if wish.auto_debit is None:
        if before["mandate_id"] is None:
            return refuse(refusals.SETTING_UNCHANGED)
        after: dict[str, Any] = {"mandate_id": None, "account_ref": None}
        # Nobody is kept from stopping payments by a code that does not arrive.
        effect = {"stops_on": on.isoformat()}
        return Shown(before=before, after=after, effect=effect, needs_code=False)
    proposed = await propose_mandate(connection, house, line, wish.auto_debit, on)
    if isinstance(proposed, Refused):
        return proposed
    after = {"account_ref": proposed["account_ref"], "ends_on": proposed["ends_on"]}
    return Shown(before=before, after=after, effect={"mandate": proposed}, needs_code=True)


async def _debit_value(connection: Connection, customer_id: int, line_id: int) -> dict[str, Any]:
    found = await debit_store.mandate_in_force(connection, customer_id, line_id)
    if found is None:
        return {"mandate_id": None, "account_ref": None}
    return {
        "mandate_id": ids.to_text(ids.MANDATE, found.mandate_id),
        "account_ref": found.account_ref,
    }


async def _personal(connection: Connection, house: House, wish: SettingWish) -> Shown | Refused:
    """Return what a change of channels, language or form of statements would do."""
    if wish.channels:
        known = await addresses_of(
            connection, house.vault, wish.customer_id, reading("own_addresses")
        )
        unknown = [one.value for one in wish.channels if one not in known]
        if unknown:
            return refuse(refusals.CHANNEL_WITHOUT_ADDRESS, channels=", ".join(unknown))
    preference = await setting_store.read_preference(connection, wish.customer_id)
    after = _personal_wish(wish, preference)
    if isinstance(after, Refused):
        return after
    before = await _personal_value(connection, wish.customer_id, wish.setting)
    if before == after:
        return refuse(refusals.SETTING_UNCHANGED)
    return Shown(before=before, after=after, effect=after, needs_code=False)


def _personal_wish(wish: SettingWish, preference: Preference) -> dict[str, Any] | Refused:
    match wish.setting:
        case Setting.CHANNELS:
            if not wish.channels:
                return _missing(wish, "channels")
            refused = refuse_channels(wish.channels) or refuse_statement(
                preference.statement_form, wish.channels
            )
            return refused or {"channels": [channel.value for channel in wish.channels]}
        case Setting.STATEMENT_FORM:
            if wish.statement_form is None:
                return _missing(wish, "statement_form")
            refused = refuse_statement(wish.statement_form, preference.channels)
            return refused or {"statement_form": wish.statement_form.value}
        case _:
            if wish.language is None:
                return _missing(wish, "language")
            return {"language": wish.language.value}


async def _personal_value(
    connection: Connection, customer_id: int, setting: Setting
) -> dict[str, Any]:
    if setting is Setting.LANGUAGE:
        customer = await customers.read_customer(connection, customer_id)
        assert customer is not None, "customers are never removed"
        return {"language": customer.language.value}
    preference = await setting_store.read_preference(connection, customer_id)
    if setting is Setting.CHANNELS:
        return {"channels": [channel.value for channel in preference.channels]}
    return {"statement_form": preference.statement_form.value}


def _missing(wish: SettingWish, needed: str) -> Refused:
    return refuse(refusals.SETTING_VALUE_MISSING, setting=wish.setting.value, needed=needed)
