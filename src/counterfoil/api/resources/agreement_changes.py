"""Changes of running agreements: noticed, compared, declined, taken back; and all of a line."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from counterfoil.api.paging import PageView, Paging, page_of_whole
from counterfoil.api.reads import HouseOf, reads
from counterfoil.api.remembered import remembered
from counterfoil.api.resources.contracts import TAG, ContractView, Owner, contract_view
from counterfoil.api.shapes import Body, ContractId, CustomerId, Day, LineId, View
from counterfoil.api.writes import Call, Write
from counterfoil.contracts.change import Difference
from counterfoil.contracts.contract import Contract
from counterfoil.journeys.contracting import agreement_changes as journey
from counterfoil.journeys.contracting import contract_version as versions
from counterfoil.journeys.contracting.contract_terms import VersionWish
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer

router = APIRouter()
_CUSTOMER = "cu_01hv4zq3k2f00"
_PATH = {"contract_id": ids.CONTRACT}
_INTEGER_MAX = 2_147_483_647


class NewVersionBody(Body):
    """Notice of what would change in the agreement of a running line."""

    customer_id: CustomerId
    #: The day from which it would hold for new drawings.
    effective_on: Day
    #: The version of the product whose terms it would be under; null leaves the line's own.
    product_version: Annotated[int, Field(ge=1, le=32_767)] | None = None
    #: The daily price of new drawings, in 1e-8; null leaves it as it is.
    rate_daily_e8: Annotated[int, Field(ge=1, le=_INTEGER_MAX)] | None = None
    #: A lower limit; a higher one is asked for and decided. Null leaves it as it is.
    limit_minor: Annotated[int, Field(ge=1, le=2**53 - 1)] | None = None


class CustomerBody(Body):
    """A change for which the customer is all there is to say."""

    customer_id: CustomerId


class NewVersionView(ContractView):
    """A new version that was offered."""

    line_id: str
    #: Lines that are not the same, the earlier ones and the new ones.
    changed_lines: int


class ClauseView(View):
    """A clause that a new version says otherwise."""

    heading: str
    before: list[str]
    after: list[str]


class DifferenceView(View):
    """What a new version says otherwise, in one language."""

    language: str
    #: Each begins with `-` for the earlier and `+` for the new text.
    lines: list[str]
    #: The same by clause, in the order of the text.
    clauses: list[ClauseView]


class Differences(View):
    """What a new version says otherwise."""

    items: list[DifferenceView]


class AgreementChangeView(View):
    """A change of a line's agreement; what it leaves as it is is null on both sides."""

    #: `version` (a new agreement), `price` (announced) or `amendment` (a higher limit).
    way: str
    #: The contract or the limit request; the number of an announced price.
    record: str
    #: Of `words`, `terms`, `price` and `limit`.
    changes: list[str]
    #: `open`, `waiting`, `in_force`, `replaced`, `declined`, `withdrawn` or `lapsed`.
    standing: str
    noticed_at: datetime
    #: Null where it takes effect when the customer agrees.
    effective_on: date | None
    #: From that day on nothing new is drawn without a signature.
    is_binding: bool
    from_limit_minor: int | None
    to_limit_minor: int | None
    from_rate_daily_e8: int | None
    to_rate_daily_e8: int | None


class AgreementChanges(PageView):
    """The changes of a line's agreement, the newest notice first."""

    items: list[AgreementChangeView]


async def carry_new_version(call: Call, body: NewVersionBody) -> Answer | Refused:
    """Give notice of a new version."""
    wish = VersionWish(
        customer_id=body.customer_id,
        line_id=call.path["line_id"],
        effective_on=body.effective_on,
        product_version=body.product_version,
        rate_daily_e8=body.rate_daily_e8,
        limit_minor=body.limit_minor,
        author=call.author,
    )
    return await versions.offer_new_version(call.house, wish, idempotency_key=call.idempotency_key)


async def carry_decline(call: Call, body: CustomerBody) -> Answer | Refused:
    """Leave a new version where it is."""
    contract_id = call.path["contract_id"]

    async def work() -> str | Refused:
        return _text(
            await versions.decline_new_version(
                call.house, customer_id=body.customer_id, contract_id=contract_id
            )
        )

    return await remembered(
        call.house,
        scope_id=body.customer_id,
        key=call.idempotency_key,
        kind="decline_new_version",
        request={"contract_id": contract_id},
        work=work,
    )


async def carry_withdrawal(call: Call, body: CustomerBody) -> Answer | Refused:
    """Take a notice back."""
    contract_id = call.path["contract_id"]

    async def work() -> str | Refused:
        return _text(
            await versions.withdraw_new_version(
                call.house,
                customer_id=body.customer_id,
                contract_id=contract_id,
                author=call.author,
            )
        )

    return await remembered(
        call.house,
        scope_id=body.customer_id,
        key=call.idempotency_key,
        kind="withdraw_new_version",
        request={"contract_id": contract_id},
        work=work,
    )


def _text(changed: Contract | Refused) -> str | Refused:
    return changed if isinstance(changed, Refused) else contract_view(changed).model_dump_json()


NEW_VERSION = Write(
    name="offer_new_version",
    tag=TAG,
    path="/v1/lines/{line_id}/agreement-version",
    path_ids={"line_id": ids.LINE},
    scope=Scope.CONTRACTS_WRITE,
    body=NewVersionBody,
    answer=NewVersionView,
    carry=carry_new_version,
    status=201,
    summary="Give notice of a new version of the agreement",
    description="It is shown and signed like the first, and takes effect on its day; whoever does "
    "not sign stays under the earlier one. Where `product_version` names changed terms, or "
    "`rate_daily_e8` a higher price, new drawings need it signed from that day on; loans stay "
    "under theirs. The customer is told, and may leave without cost.",
    example={"customer_id": _CUSTOMER, "effective_on": "2026-06-01", "rate_daily_e8": 38_000},
)
DECLINE = Write(
    name="decline_new_version",
    tag=TAG,
    path="/v1/contracts/{contract_id}/refusal",
    path_ids=_PATH,
    scope=Scope.CONTRACTS_WRITE,
    body=CustomerBody,
    answer=ContractView,
    carry=carry_decline,
    summary="Decline a new version of the agreement",
    example={"customer_id": _CUSTOMER},
)
WITHDRAW = Write(
    name="withdraw_new_version",
    tag=TAG,
    path="/v1/contracts/{contract_id}/withdrawal",
    path_ids=_PATH,
    scope=Scope.CONTRACTS_WRITE,
    body=CustomerBody,
    answer=ContractView,
    carry=carry_withdrawal,
    summary="Take the notice of a new version back",
    description="One that the customer has not signed; the line goes on as if there had been none.",
    example={"customer_id": _CUSTOMER},
)
WRITES = (NEW_VERSION, DECLINE, WITHDRAW)


@router.get(
    "/v1/contracts/{contract_id}/differences",
    **reads(Scope.CONTRACTS_READ, TAG, "Read what a new version changes"),
)
async def list_differences(
    house: HouseOf, contract_id: ContractId, customer_id: Owner
) -> Differences:
    """Return what a new version says otherwise, by line and by clause, in both languages.

    The list is whole: no longer than the texts.
    """
    found = await versions.differences(house, customer_id=customer_id, contract_id=contract_id)
    if isinstance(found, Refused):
        raise RefusedError(found)
    return Differences(items=[_difference(one) for one in found])


@router.get(
    "/v1/lines/{line_id}/agreement-changes",
    **reads(Scope.CONTRACTS_READ, TAG, "List the changes of a line's agreement"),
)
async def list_changes(
    house: HouseOf, line_id: LineId, customer_id: Owner, turn: Paging
) -> AgreementChanges:
    """Return new versions, announced prices and amendments of a line, the newest notice first."""
    found = await journey.read_changes(house, customer_id=customer_id, line_id=line_id)
    if isinstance(found, Refused):
        raise RefusedError(found)
    page = page_of_whole(found, turn, journey.order_of, is_falling=True)
    return AgreementChanges(items=[_change(one) for one in page.items], **page.cursors)


def _difference(one: Difference) -> DifferenceView:
    return DifferenceView(
        language=one.language.value,
        lines=list(one.lines),
        clauses=[
            ClauseView(heading=each.heading, before=list(each.before), after=list(each.after))
            for each in one.clauses
        ],
    )


def _change(one: journey.AgreementChange) -> AgreementChangeView:
    return AgreementChangeView(
        way=one.way.value,
        record=one.record,
        changes=[change.value for change in one.changes],
        standing=one.standing.value,
        noticed_at=one.noticed_at,
        effective_on=one.effective_on,
        is_binding=one.is_binding,
        from_limit_minor=one.from_limit_minor,
        to_limit_minor=one.to_limit_minor,
        from_rate_daily_e8=one.from_rate_daily_e8,
        to_rate_daily_e8=one.to_rate_daily_e8,
    )
