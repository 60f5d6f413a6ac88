"""Mandates for auto-debit and the debits under them."""

from datetime import date, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from counterfoil.api.paging import PageView, Paging, page_of
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.shapes import Body, CustomerId, LineId, MandateId, View
from counterfoil.api.writes import Call, Write
from counterfoil.journeys.paying.mandates import mandate_answer, revoke
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.payments import debit_store, refusals
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer

TAG: Final = "Auto-debit"
router = APIRouter()
_NEWEST: Final = 2**63 - 1


class RevocationBody(Body):
    """The customer takes a mandate back."""

    customer_id: CustomerId


class MandateView(View):
    """A mandate with its text."""

    id: str
    customer_id: str
    line_id: str
    #: Token of the account, never its number.
    account_ref: str
    template: str
    language: str
    text: str
    #: Of the text in UTF-8, as the customer confirmed it.
    text_sha256: str
    starts_on: date
    ends_on: date
    signed_at: datetime
    revoked_at: datetime | None
    revoked_by: str | None


class Mandates(PageView):
    """A customer's mandates, newest first."""

    items: list[MandateView]


class DebitView(View):
    """One presentation of what was due."""

    #: The reference under which the bank knows it.
    id: str
    mandate_id: str
    line_id: str
    due_on: date
    presentation_no: int
    amount_minor: int
    currency: str
    #: `created`, `sent`, `unknown`, `succeeded` or `failed`.
    status: str
    #: From when the money counts; None unless it came.
    value_date: date | None
    failure_code: str | None
    #: Why it lies before two people; None where it does not.
    suspended_because: str | None
    created_at: datetime
    finished_at: datetime | None


class Debits(PageView):
    """A customer's debits, newest first."""

    items: list[DebitView]
    #: Hand it in as `after` for the next page; None at the end.


async def carry_revocation(call: Call, body: RevocationBody) -> Answer | Refused:
    """Revoke a mandate."""
    return await revoke(
        call.house,
        customer_id=body.customer_id,
        mandate_id=call.path["mandate_id"],
        by=call.author,
        idempotency_key=call.idempotency_key,
    )


REVOKE = Write(
    name="revoke_mandate",
    tag=TAG,
    path="/v1/mandates/{mandate_id}/revocation",
    path_ids={"mandate_id": ids.MANDATE},
    scope=Scope.LINES_WRITE,
    body=RevocationBody,
    answer=MandateView,
    carry=carry_revocation,
    summary="Revoke a mandate",
    description="At once and without a code: nothing is presented under it any more. What the bank"
    " has already is still answered and booked.",
    example={"customer_id": "cu_01hv4zq3k2f00"},
)
WRITES = (REVOKE,)

Owner = Annotated[CustomerId, Query(description="Whose it is.")]


@router.get("/v1/mandates", **reads(Scope.LINES_READ, TAG, "List a customer's mandates"))
async def list_mandates(house: HouseOf, customer_id: Owner, turn: Paging) -> Mandates:
    """Return the mandates of a customer, newest first."""
    async with house.database.connection() as connection:
        found = await debit_store.read_mandates(
            connection, customer_id, page=turn.page, before=turn.number(), is_back=turn.is_back
        )
    page = page_of(found, turn, lambda one: (0, one.mandate_id))
    return Mandates(
        items=[MandateView.model_validate(mandate_answer(one)) for one in page.items],
        **page.cursors,
    )


@router.get("/v1/mandates/{mandate_id}", **reads(Scope.LINES_READ, TAG, "Read a mandate"))
async def get_mandate(house: HouseOf, mandate_id: MandateId, customer_id: Owner) -> MandateView:
    """Return a mandate with the text that the customer confirmed."""
    async with house.database.connection() as connection:
        found = await debit_store.read_mandate(connection, customer_id, mandate_id)
    if found is None:
        raise RefusedError(refuse(refusals.MANDATE_NOT_FOUND))
    return MandateView.model_validate(mandate_answer(found))


@router.get("/v1/debits", **reads(Scope.PAYMENTS_READ, TAG, "List a customer's debits"))
async def list_debits(
    house: HouseOf,
    customer_id: Owner,
    turn: Paging,
    line_id: Annotated[LineId | None, Query(description="Of this line only.")] = None,
) -> Debits:
    """Return what was presented to the customer's bank, newest first."""
    before = turn.number(_NEWEST)
    async with house.database.connection() as connection:
        found = await debit_store.read_debits(
            connection,
            customer_id,
            line_id=line_id,
            before=before,
            page=turn.page,
            is_back=turn.is_back,
        )
    page = page_of(found, turn, lambda item: (0, item["debit_id"]))
    return Debits(
        items=[_debit_view(row) for row in page.items],
        **page.cursors,
    )


def _debit_view(row: Any) -> DebitView:
    return DebitView(
        id=ids.to_text(ids.PAYMENT, row["debit_id"]),
        mandate_id=ids.to_text(ids.MANDATE, row["mandate_id"]),
        line_id=ids.to_text(ids.LINE, row["line_id"]),
        due_on=row["due_on"],
        presentation_no=row["presentation_no"],
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        status=row["status"],
        value_date=row["value_date"],
        failure_code=row["failure_code"],
        suspended_because=row["cause"],
        created_at=row["created_at"],
        finished_at=row["finished_at"],
    )
