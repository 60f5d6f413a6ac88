"""Settings: what a customer has set, changes shown before they are confirmed, the history."""

from datetime import date, datetime
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.remembered import remembered
from counterfoil.api.resources.contracts import OneTimeCode, Sha256
from counterfoil.api.resources.mandates import MandateView
from counterfoil.api.shapes import (
    Body,
    Code,
    CustomerId,
    Day,
    LineId,
    NotNegativeMinor,
    RepaymentDay,
    ShortText,
    Token,
    View,
)
from counterfoil.api.writes import Call, Write
from counterfoil.customers.setting import Channel, Setting, SettingChange, StatementForm
from counterfoil.journeys.paying.mandates import DebitWish
from counterfoil.journeys.serving import change_setting
from counterfoil.journeys.serving.read_settings import read_history, read_settings
from counterfoil.journeys.serving.setting_effects import SettingWish
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError
from counterfoil.kernel.language import Language
from counterfoil.platform.access import Scope
from counterfoil.platform.access_matrix import reading
from counterfoil.platform.batches import Answer

TAG: Final = "Settings"
router = APIRouter()
_CUSTOMER: Final = "cu_01hv4zq3k2f00"
_LINE: Final = "ln_01hv4zq3k2f00"
_PATH: Final = {"change_id": ids.SETTING_REQUEST}
_NEWEST: Final = 2**63 - 1

HolderName = Annotated[
    str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")
]


class DebitBody(Body):
    """The account from which what is due is collected."""

    #: Token of the account, never its number.
    account_ref: Token
    #: Whose account it is, as its bank has it; compared and not kept.
    holder_name: HolderName
    #: The last day; the line's validity where it is left out.
    ends_on: Day | None = None
    #: The language of the mandate.
    language: Language = Language.CHINESE


class SettingBody(Body):
    """A change that a customer wants; send the member that the setting is about."""

    customer_id: CustomerId
    setting: Setting
    #: For settings of a line: repayment_day, own_cap, auto_debit, close_line.
    line_id: LineId | None = None
    repayment_day: RepaymentDay | None = None
    #: For own_cap; none takes the cap away.
    cap_minor: NotNegativeMinor | None = None
    #: For auto_debit; none switches it off.
    auto_debit: DebitBody | None = None
    channels: list[Channel] = Field(default=[], max_length=len(Channel))
    language: Language | None = None
    statement_form: StatementForm | None = None
    #: The way by which the customer asks, such as `app`.
    channel: Code
    #: What names the customer's device, where there is one.
    device: ShortText | None = None


class ConfirmationBody(Body):
    """The customer confirms the effect that was shown."""

    customer_id: CustomerId
    effect_sha256: Sha256
    #: Needed where the change says so.
    code: OneTimeCode | None = None


class CodeBody(Body):
    """Another one-time code."""

    customer_id: CustomerId


class SettingChangeView(View):
    """A change on its way, with what it would do."""

    id: str
    customer_id: str
    line_id: str | None
    setting: str
    #: `asked`, `confirmed`, `done`, `refused` or `expired`.
    status: str
    before: dict[str, Any]
    after: dict[str, Any]
    #: What is shown to the customer; for a repayment day the dates and interest of every loan.
    effect: dict[str, Any]
    effect_sha256: str
    #: Money is affected: a one-time code confirms it.
    needs_code: bool
    #: A sandbox shows the code here, once; elsewhere it goes by another channel.
    code: str | None
    channel: str
    device: str | None
    requested_at: datetime
    ended_at: datetime | None
    refusal_code: str | None


class DoneChangeView(View):
    """A change that was carried out."""

    id: str
    line_id: str | None
    setting: str
    before: dict[str, Any]
    after: dict[str, Any]
    channel: str
    device: str | None
    author: str
    second_factor: bool
    changed_at: datetime


class DoneChanges(PageView):
    """The history of a customer's settings, newest first."""

    items: list[DoneChangeView]
    #: Hand it in as `after` for the next page; None at the end.


class AllowedView(View):
    """What may be chosen."""

    languages: list[str]
    channels: list[str]
    #: At least one of them has to remain.
    channels_of_notices: list[str]
    statement_forms: list[str]


class LineSettingsView(View):
    """What is set of one line, with its bounds."""

    line_id: str
    status: str
    currency: str
    #: Still owed; a line with loans is settled before it is closed.
    principal_minor: int
    repayment_day: int
    repayment_day_most: int
    repayment_day_changes_left: int
    own_cap_minor: int | None
    own_cap_most_minor: int
    #: A raised cap that waits; none as amount takes it away.
    next_cap_minor: int | None
    next_cap_on: date | None
    #: None while auto-debit is off.
    auto_debit: MandateView | None


class SettingsView(View):
    """Everything a customer may set, as it stands."""

    customer_id: str
    language: str
    channels: list[str]
    statement_form: str
    #: Addresses by channel, masked.
    addresses: dict[str, str] = Field(examples=[{"sms": "138****1234"}])
    allowed: AllowedView
    lines: list[LineSettingsView]


async def carry_change(call: Call, body: SettingBody) -> Answer | Refused:
    """Ask for a change."""
    debit = body.auto_debit
    wish = SettingWish(
        customer_id=body.customer_id,
        setting=body.setting,
        channel=body.channel,
        device=body.device,
        author=call.author,
        line_id=body.line_id,
        repayment_day=body.repayment_day,
        cap_minor=body.cap_minor,
        auto_debit=None if debit is None else DebitWish(**dict(debit)),
        channels=tuple(dict.fromkeys(body.channels)),
        language=body.language,
        statement_form=body.statement_form,
    )
    return _shown(await change_setting.ask(call.house, wish, idempotency_key=call.idempotency_key))


async def carry_code(call: Call, body: CodeBody) -> Answer | Refused:
    """Send another code."""
    return _shown(
        await change_setting.send_code(
            call.house,
            customer_id=body.customer_id,
            request_id=call.path["change_id"],
            idempotency_key=call.idempotency_key,
        )
    )


async def carry_confirmation(call: Call, body: ConfirmationBody) -> Answer | Refused:
    """Confirm a change."""

    async def work() -> str | Refused:
        done = await change_setting.confirm(
            call.house,
            customer_id=body.customer_id,
            request_id=call.path["change_id"],
            effect_hash=bytes.fromhex(body.effect_sha256),
            code=body.code,
        )
        if isinstance(done, Refused):
            return done
        document = change_setting.change_answer(done) | {"code": None}
        return orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()

    # The code is not part of what is recorded.
    request: dict[str, object] = {
        "change_id": call.path["change_id"],
        "effect_sha256": body.effect_sha256,
    }
    return await remembered(
        call.house,
        scope_id=body.customer_id,
        key=call.idempotency_key,
        kind="confirm_setting",
        request=request,
        work=work,
    )


def _shown(asked: change_setting.Asked | Refused) -> Answer | Refused:
    """Return what is shown, with the code in the first answer alone."""
    if isinstance(asked, Refused):
        return asked
    document = orjson.loads(asked.answer.text) | {"code": asked.code}
    text = orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()
    return Answer(text, is_replay=asked.answer.is_replay)


CHANGE = Write(
    name="change_setting",
    tag=TAG,
    path="/v1/settings/changes",
    scope=Scope.LINES_WRITE,
    body=SettingBody,
    answer=SettingChangeView,
    carry=carry_change,
    status=201,
    summary="Ask for a change of a setting",
    description="Checks the bounds and shows the effect; nothing is changed before the customer"
    " confirms it. Where money is affected a one-time code goes to the customer.",
    example={
        "customer_id": _CUSTOMER,
        "setting": "repayment_day",
        "line_id": _LINE,
        "repayment_day": 20,
        "channel": "app",
        "device": "device-7f3k",
    },
)
CONFIRM = Write(
    name="confirm_setting",
    tag=TAG,
    path="/v1/settings/changes/{change_id}/confirmation",
    path_ids=_PATH,
    scope=Scope.LINES_WRITE,
    body=ConfirmationBody,
    answer=SettingChangeView,
    carry=carry_confirmation,
    summary="Confirm a change",
    description="By the hash of the effect that was shown, and by the code where one is needed.",
    example={"customer_id": _CUSTOMER, "effect_sha256": "0" * 64, "code": "123456"},
)
CODE = Write(
    name="send_setting_code",
    tag=TAG,
    path="/v1/settings/changes/{change_id}/code",
    path_ids=_PATH,
    scope=Scope.LINES_WRITE,
    body=CodeBody,
    answer=SettingChangeView,
    carry=carry_code,
    summary="Send another code",
    example={"customer_id": _CUSTOMER},
)
WRITES = (CHANGE, CONFIRM, CODE)

Owner = Annotated[CustomerId, Query(description="Whose settings they are.")]


@router.get("/v1/settings", **reads(Scope.LINES_READ, TAG, "Read a customer's settings"))
async def get_settings(house: HouseOf, customer_id: Owner) -> SettingsView:
    """Return everything the customer may set, as it stands, with what is allowed."""
    found = await read_settings(house, customer_id=customer_id, reading=reading("own_addresses"))
    if isinstance(found, Refused):
        raise RefusedError(found)
    return SettingsView.model_validate(found)


@router.get("/v1/settings/changes", **reads(Scope.LINES_READ, TAG, "Read the history of settings"))
async def list_setting_changes(house: HouseOf, customer_id: Owner, turn: Paging) -> DoneChanges:
    """Return what the customer has changed, newest first."""
    before = turn.number(_NEWEST)
    found = await read_history(
        house, customer_id=customer_id, before=before, page=turn.page, is_back=turn.is_back
    )
    page = page_of(found, turn, lambda item: (0, item.request_id))
    return DoneChanges(
        items=[_done_view(one) for one in page.items],
        **page.cursors,
    )


def _done_view(change: SettingChange) -> DoneChangeView:
    return DoneChangeView(
        id=ids.to_text(ids.SETTING_REQUEST, change.request_id),
        line_id=None if change.line_id is None else ids.to_text(ids.LINE, change.line_id),
        setting=change.setting.value,
        before=change.before,
        after=change.after,
        channel=change.channel,
        device=change.device,
        author=change.author,
        second_factor=change.second_factor,
        changed_at=change.changed_at,
    )
