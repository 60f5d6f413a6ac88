"""What changed, and would change, in the agreement of a running line: one list for all ways.

The ways    A new version of the agreement (`contract_version.py`: words, terms, price, limit),
            another price for new drawings within the agreement (`reprice.py`), and the amendment by
            which the limit is raised (`raise_agreeing.py`).
Shown       Of each the notice, what was and would be, the day, where it stands, and what silence
            means. Loans that were made are in none of them.
Units       Prices daily, 1e-8; limits in minor units of the line's currency.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Final, TypeVar

from counterfoil.contracts import store as contracts
from counterfoil.contracts.change import Change
from counterfoil.contracts.contract import Contract, State
from counterfoil.decisioning import limit_request_store
from counterfoil.decisioning.limit_request import LimitRequest, Status
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending import store as lending
from counterfoil.lending.line import Line
from counterfoil.lending.price_store import read_prices
from counterfoil.lending.refusals import LINE_NOT_FOUND
from counterfoil.lending.repricing import LinePrice, price_on

T = TypeVar("T")
#: Versions or requests of a line that are read at once.
PAGE: Final = 200
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Way(StrEnum):
    """How an agreement is changed."""

    VERSION = "version"
    PRICE = "price"
    AMENDMENT = "amendment"


#: What the number of a change's record begins with; a price has only its own.
_PREFIXES: Final = {Way.VERSION: ids.CONTRACT, Way.AMENDMENT: ids.LIMIT_REQUEST}


class Standing(StrEnum):
    """Where a change stands."""

    #: The customer may agree, decline or leave.
    OPEN = "open"
    #: It is agreed to, or was announced, and waits for its day.
    WAITING = "waiting"
    IN_FORCE = "in_force"
    #: A later one has taken its place.
    REPLACED = "replaced"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    #: Its time to be agreed to is over.
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementChange:
    """One change; what it leaves as it is is None on both sides."""

    way: Way
    #: The contract or the limit request; the number of an announced price.
    record: str
    changes: tuple[Change, ...]
    standing: Standing
    noticed_at: datetime
    #: None where it takes effect when the customer agrees.
    effective_on: date | None
    #: From its day on nothing new is drawn without a signature.
    is_binding: bool
    from_limit_minor: int | None = None
    to_limit_minor: int | None = None
    from_rate_daily_e8: int | None = None
    to_rate_daily_e8: int | None = None


async def read_changes(
    house: House, *, customer_id: int, line_id: int
) -> list[AgreementChange] | Refused:
    """Return every change of a line's agreement that was noticed, the newest notice first."""
    on = await house.business_date()
    async with house.database.connection() as connection:
        line = await lending.read_line(connection, customer_id, line_id)
        if line is None:
            return refuse(LINE_NOT_FOUND)
        versions = await _every(
            partial(contracts.read_versions, connection, (customer_id, line_id)),
            lambda one: one.contract_id,
        )
        prices = await read_prices(connection, customer_id, line_id)
        requests = await _every(
            partial(
                limit_request_store.requests_of_line,
                connection,
                customer_id=customer_id,
                line_id=line_id,
            ),
            lambda one: one.request_id,
        )
    found = [_of_version(one, line, on) for one in versions]
    found += _of_prices(prices, line, versions, on)
    found += [one for request in requests for one in _of_request(request, on)]
    return sorted(found, key=order_of, reverse=True)


def order_of(change: AgreementChange) -> tuple[int, int]:
    """Return when a change was noticed, in microseconds since 1970, and its record's number."""
    prefix = _PREFIXES.get(change.way)
    number = int(change.record) if prefix is None else ids.from_text(prefix, change.record)
    return (change.noticed_at - _EPOCH) // timedelta(microseconds=1), number


async def _every(read: Callable[..., Awaitable[list[T]]], number_of: Callable[[T], int]) -> list[T]:
    """Read a list to its end, page by page, the newest first."""
    found = await read(page=PAGE)
    last = found
    while len(last) == PAGE:
        last = await read(page=PAGE, before=number_of(last[-1]))
        found += last
    return found


async def open_versions(house: House, *, customer_id: int) -> list[Contract]:
    """Return the new versions that wait for a customer's word, whatever line they are of."""
    on = await house.business_date()
    async with house.database.connection() as connection:
        found = await contracts.read_contracts_of(connection, customer_id)
    return [
        one
        for one in found
        if one.replaces is not None and one.state == State.PREPARED and on <= one.valid_until
    ]


def _of_version(contract: Contract, line: Line, on: date) -> AgreementChange:
    changes = tuple(Change(one) for one in contract.changes or ())
    has_limit, has_price = Change.LIMIT in changes, Change.PRICE in changes
    return AgreementChange(
        way=Way.VERSION,
        record=ids.to_text(ids.CONTRACT, contract.contract_id),
        changes=changes,
        standing=_standing(contract, line, on),
        noticed_at=contract.prepared_at,
        effective_on=contract.effective_on,
        is_binding=contract.is_binding,
        from_limit_minor=contract.from_limit_minor if has_limit else None,
        to_limit_minor=contract.limit_minor if has_limit else None,
        from_rate_daily_e8=contract.from_rate_daily_e8 if has_price else None,
        to_rate_daily_e8=contract.rate_daily_e8 if has_price else None,
    )


def _standing(contract: Contract, line: Line, on: date) -> Standing:
    if contract.contract_id == line.contract_id:
        return Standing.IN_FORCE
    state = State(contract.state)
    if state is State.SIGNED:
        is_next = contract.replaces == line.contract_id
        return Standing.WAITING if is_next else Standing.REPLACED
    if state is State.PREPARED:
        return Standing.OPEN if on <= contract.valid_until else Standing.LAPSED
    return {
        State.DECLINED: Standing.DECLINED,
        State.WITHDRAWN: Standing.WITHDRAWN,
        State.SUPERSEDED: Standing.REPLACED,
    }[state]


def _of_prices(
    prices: Sequence[LinePrice], line: Line, versions: Sequence[Contract], on: date
) -> Iterator[AgreementChange]:
    """Yield announced prices, each beside what a drawing cost on its day without it."""
    in_force = [one for one in versions if one.contract_id == line.contract_id]
    since = in_force[0].price_since if in_force else None
    counting = [one for one in prices if since is None or one.effective_on >= since]
    begun = [one for one in counting if one.effective_on <= on]
    last = max(begun, key=lambda one: (one.effective_on, one.price_no), default=None)
    for position, price in enumerate(prices):
        before = price_on(prices[:position], price.effective_on, agreed_daily_e8=line.rate_daily_e8)
        if price.effective_on > on:
            standing = Standing.WAITING
        else:
            standing = Standing.IN_FORCE if price is last else Standing.REPLACED
        yield AgreementChange(
            way=Way.PRICE,
            record=str(price.price_no),
            changes=(Change.PRICE,),
            standing=standing,
            noticed_at=price.announced_at,
            effective_on=price.effective_on,
            is_binding=False,
            from_rate_daily_e8=before,
            to_rate_daily_e8=price.rate_daily_e8,
        )


def _of_request(request: LimitRequest, on: date) -> Iterator[AgreementChange]:
    """Yield the amendment that a decided request for a higher limit was offered with."""
    if request.limit_minor is None or request.decided_at is None:
        return
    is_over = request.valid_until is not None and on > request.valid_until
    standing = {
        Status.APPROVED: Standing.LAPSED if is_over else Standing.OPEN,
        Status.ACCEPTED: Standing.IN_FORCE,
        Status.WITHDRAWN: Standing.DECLINED,
        Status.EXPIRED: Standing.LAPSED,
    }.get(request.status)
    if standing is None:
        return
    yield AgreementChange(
        way=Way.AMENDMENT,
        record=ids.to_text(ids.LIMIT_REQUEST, request.request_id),
        changes=(Change.LIMIT,),
        standing=standing,
        noticed_at=request.decided_at,
        effective_on=None,
        is_binding=False,
        from_limit_minor=request.present_minor,
        to_limit_minor=request.limit_minor,
    )
