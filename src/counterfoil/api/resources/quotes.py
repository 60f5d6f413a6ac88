"""Quotes: what a drawdown would cost. Nothing is written, nobody is asked."""

from datetime import date
from typing import Any

import orjson
from fastapi import APIRouter
from pydantic import Field

from counterfoil.api.resources.loans import PlanView, plan_view
from counterfoil.api.shapes import (
    AmountMinor,
    Body,
    Code,
    Currency,
    CustomerId,
    LineId,
    Problem,
    PurchaseId,
    TenorMonths,
    View,
)
from counterfoil.api.writes import Call, Write
from counterfoil.journeys.borrowing import quote as journey
from counterfoil.journeys.borrowing.drawable import refused_now
from counterfoil.kernel.errors import Refused
from counterfoil.kernel.language import Language
from counterfoil.lending.terms import Method
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer

TAG = "Quotes"
router = APIRouter()


class QuoteBody(Body):
    """A drawdown that somebody thinks of."""

    customer_id: CustomerId
    line_id: LineId
    amount_minor: AmountMinor
    currency: Currency
    tenor_months: TenorMonths
    method: Method
    purpose: Code
    #: In a scene, the recorded purchase that the money pays for.
    purchase_id: PurchaseId | None = None
    #: Language of the loan note.
    language: Language = Language.CHINESE


class NoteView(View):
    """The loan note that drawing with the token confirms."""

    #: Template, version and language.
    ref: str
    text: str
    sha256: str


class PromotionView(View):
    """The promotion in a price, with the price without it."""

    code: str
    name_en: str
    name_zh: str
    #: The last day on which it holds.
    last_day: date
    #: What the customer saves by the plan.
    saved_minor: int
    rate_daily_without_e8: int
    rate_annual_effective_without_e8: int
    total_without_minor: int


class QuoteAnswer(View):
    """Plan, cost sheet, and the token that a drawdown has to bring."""

    customer_id: str
    line_id: str
    #: The business date on which the token is taken, and no other.
    valid_on: date
    #: Seconds for which the sheet is read at least: an earlier drawdown is refused.
    reading_seconds: int
    plan: list[PlanView]
    #: The sheet to be shown; its hash is taken of its canonical JSON.
    cost_sheet: dict[str, Any] = Field(examples=[{"form": 2}])
    cost_sheet_hash: str
    #: To be shown as well: the token confirms this text.
    note: NoteView
    #: To be shown beside the price; null where the price is that of everybody.
    promotion: PromotionView | None
    quote_token: str
    #: What can be drawn on the line now; 0 while its state forbids drawing.
    available_minor: int
    #: Whether a drawdown of this is known to be taken now. The line decides again when it is made.
    can_draw_now: bool
    #: What a drawdown would be answered now; null where it can be drawn.
    problem: Problem | None


async def carry_quote(call: Call, body: QuoteBody) -> Answer | Refused:
    """Calculate."""
    quoted = await journey.quote(
        call.house,
        customer_id=body.customer_id,
        line_id=body.line_id,
        amount_minor=body.amount_minor,
        currency=body.currency,
        tenor_months=body.tenor_months,
        method=body.method,
        purpose=body.purpose,
        language=body.language,
        purchase_id=body.purchase_id,
    )
    if isinstance(quoted, Refused):
        return quoted
    plan = [plan_view(row).model_dump() for row in quoted.rows]
    refused = await refused_now(call.house, quoted)
    document = quoted.document() | {
        "plan": plan,
        "can_draw_now": refused is None,
        "problem": None if refused is None else call.desk.document(refused, call.language),
    }
    return Answer(orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode(), is_replay=False)


QUOTE = Write(
    name="create_quote",
    tag=TAG,
    path="/v1/quotes",
    scope=Scope.LINES_READ,
    body=QuoteBody,
    answer=QuoteAnswer,
    carry=carry_quote,
    needs_key=False,
    summary="Calculate a drawdown",
    description="A trial, also for more than is available and on a frozen line: it holds nothing, "
    "asks no bureau and leaves no trace. What keeps it from being drawn now stands in `problem`, "
    "with the code that a drawdown would be refused with. Its token is the customer's agreement to "
    "exactly this drawdown.",
    example={
        "customer_id": "cu_01hv4zq3k2f00",
        "line_id": "ln_01hv4zq3k2f00",
        "amount_minor": 100_000,
        "currency": "CNY",
        "tenor_months": 6,
        "method": "level_instalment",
        "purpose": "daily_consumption",
    },
)
WRITES = (QUOTE,)
