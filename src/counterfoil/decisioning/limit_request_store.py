"""Reads and writes requests for a higher limit and the decisions on them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Final

from counterfoil.decisioning.application import BY_POLICY
from counterfoil.decisioning.decision import Outcome
from counterfoil.decisioning.limit_request import LimitRequest, Status
from counterfoil.decisioning.replay import StoredDecision
from counterfoil.decisioning.taken import Taken, stored_of, taken_of
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.decisioning", "limit_request_store.sql")

#: Where a walk over all that gathers begins: instant, customer, request.
BEGINNING: Final = (datetime(1970, 1, 1, tzinfo=UTC), 0, 0)
#: Requests for one line that a list shows.
LISTED_MAX: Final = 200
#: Beyond every number, where a list begins that has the newest first.
NEWEST: Final = 2**63 - 1
EXPIRED_AT_ONCE_MAX: Final = 10_000

#: Customer and request.
RequestKey = tuple[int, int]


async def add_requests(connection: Connection, requests: Sequence[LimitRequest]) -> set[RequestKey]:
    """Write new requests of one instant that gather; return those whose line had no open one."""
    if not requests:
        return set()
    rows = await QUERIES.add_requests.fetch(
        connection,
        received_at=requests[0].received_at,
        customer_ids=[item.customer_id for item in requests],
        request_ids=[item.request_id for item in requests],
        line_ids=[item.line_id for item in requests],
        product_codes=[item.product_code for item in requests],
        product_versions=[item.product_version for item in requests],
        currencies=[item.currency for item in requests],
        present_minor=[item.present_minor for item in requests],
        contract_ids=[item.contract_id for item in requests],
        agreements=[item.agreement_sha256 for item in requests],
        line_rates=[item.line_rate_daily_e8 for item in requests],
        requested_minor=[item.requested_minor for item in requests],
        consent_ids=[item.consent_id for item in requests],
        inputs=[item.inputs for item in requests],
        idempotency_keys=[item.idempotency_key for item in requests],
        request_hashes=[item.request_hash for item in requests],
    )
    return {(row["customer_id"], row["request_id"]) for row in rows}


async def requests_of_keys(
    connection: Connection, keys: Sequence[tuple[int, str]]
) -> dict[tuple[int, str], LimitRequest]:
    """Return the requests that customers made under keys."""
    rows = await QUERIES.requests_of_keys.fetch(
        connection,
        customer_ids=[customer_id for customer_id, _ in keys],
        idempotency_keys=[key for _, key in keys],
    )
    return {(row["customer_id"], row["idempotency_key"]): _request(row) for row in rows}


async def lock_requests(
    connection: Connection, keys: Sequence[RequestKey]
) -> dict[RequestKey, LimitRequest]:
    """Return requests by customer and number, locked for the rest of the transaction."""
    rows = await QUERIES.requests_locked.fetch(
        connection,
        customer_ids=[customer_id for customer_id, _ in keys],
        request_ids=[request_id for _, request_id in keys],
    )
    return {(row["customer_id"], row["request_id"]): _request(row) for row in rows}


async def read_request(
    connection: Connection, *, customer_id: int, request_id: int
) -> LimitRequest | None:
    """Return a request, or None."""
    row = await QUERIES.request.fetchrow(connection, customer_id=customer_id, request_id=request_id)
    return None if row is None else _request(row)


async def requests_of_line(
    connection: Connection,
    *,
    customer_id: int,
    line_id: int,
    page: int = LISTED_MAX,
    before: int = NEWEST,
    is_back: bool = False,
) -> list[LimitRequest]:
    """Return the requests for one line, newest first."""
    rows = await QUERIES.requests_of_line.page(
        connection,
        customer_id=customer_id,
        line_id=line_id,
        page=page,
        before=before,
        is_back=is_back,
    )
    return [_request(row) for row in rows]


async def requests_gathering(
    connection: Connection,
    *,
    received_before: datetime,
    page: int,
    after: tuple[datetime, int, int] = BEGINNING,
) -> list[LimitRequest]:
    """Return a page of what began to gather before an instant, oldest first."""
    rows = await QUERIES.requests_gathering.fetch(
        connection,
        received_before=received_before,
        page=page,
        after_received_at=after[0],
        after_customer_id=after[1],
        after_request_id=after[2],
    )
    return [_request(row) for row in rows]


async def change_requests(connection: Connection, requests: Sequence[LimitRequest]) -> None:
    """Write how requests moved on that were locked before."""
    rows = await QUERIES.change_requests.fetch(
        connection,
        customer_ids=[item.customer_id for item in requests],
        request_ids=[item.request_id for item in requests],
        statuses=[item.status.value for item in requests],
        decided_at=[item.decided_at for item in requests],
        ended_at=[item.ended_at for item in requests],
        outcomes=[item.outcome for item in requests],
        decided_by=[item.decided_by for item in requests],
        decision_reasons=[item.decision_reason for item in requests],
        grades=[item.grade for item in requests],
        points=[item.points for item in requests],
        limits_minor=[item.limit_minor for item in requests],
        rates_daily_e8=[item.rate_daily_e8 for item in requests],
        reasons=[",".join(item.reasons) for item in requests],
        policy_hashes=[item.policy_hash for item in requests],
        policy_versions=[item.policy_version for item in requests],
        valid_until=[item.valid_until for item in requests],
        amendment_refs=[item.amendment_ref for item in requests],
        agreed=[item.agreed for item in requests],
    )
    assert len(rows) == len(requests), "requests are locked before they are changed"


async def add_decisions(
    connection: Connection, requests: Sequence[LimitRequest], records: Sequence[StoredDecision]
) -> None:
    """Write the policy's decisions on requests, in the same order; of one instant."""
    if not requests:
        return
    await QUERIES.add_limit_decisions.execute(
        connection,
        decided_by=BY_POLICY,
        decided_at=requests[0].decided_at,
        customer_ids=[item.customer_id for item in requests],
        request_ids=[item.request_id for item in requests],
        outcomes=[item.outcome for item in requests],
        policy_hashes=[record.policy_hash for record in records],
        inputs=[record.inputs.decode() for record in records],
        results=[record.result.decode() for record in records],
    )


async def add_person_decision(connection: Connection, request: LimitRequest) -> StoredDecision:
    """Write a person's decision on a referred request; return the record it stands on."""
    assert request.outcome is not None, "the person has decided"
    row = await QUERIES.add_person_limit_decision.fetchrow(
        connection,
        customer_id=request.customer_id,
        request_id=request.request_id,
        decided_by=request.decided_by,
        outcome=request.outcome.value,
        reason=request.decision_reason,
        decided_at=request.decided_at,
    )
    assert row is not None, "what is referred was decided by the policy first"
    return stored_of(dict(row))


async def redecide_request(
    connection: Connection, request: LimitRequest, record: StoredDecision
) -> None:
    """Write another decision on a locked request, and its record; earlier ones stay recorded."""
    assert request.outcome is not None, "it has just been decided"
    await change_requests(connection, [request])
    await QUERIES.add_limit_decision_again.execute(
        connection,
        customer_id=request.customer_id,
        request_id=request.request_id,
        decided_by=request.decided_by,
        outcome=request.outcome.value,
        policy_hash=record.policy_hash,
        inputs=record.inputs.decode(),
        result=record.result.decode(),
        reason=request.decision_reason,
        decided_at=request.decided_at,
    )


async def read_decisions_of(
    connection: Connection, *, customer_id: int, request_id: int
) -> list[Taken]:
    """Return every decision on one request, in their order."""
    rows = await QUERIES.decisions_of_request.fetch(
        connection, customer_id=customer_id, request_id=request_id
    )
    return [taken_of(dict(row)) for row in rows]


async def remove_requests(connection: Connection, keys: Sequence[RequestKey]) -> None:
    """Take back requests for which nobody was asked and nothing was decided."""
    await QUERIES.remove_requests.execute(
        connection,
        customer_ids=[customer_id for customer_id, _ in keys],
        request_ids=[request_id for _, request_id in keys],
    )


async def expire_requests(
    connection: Connection, *, business_date: date, received_before: datetime, at: datetime
) -> list[RequestKey]:
    """End offers not taken and requests not decided in time; return what was ended."""
    rows = await QUERIES.expire_requests.fetch(
        connection,
        business_date=business_date,
        received_before=received_before,
        ended_at=at,
        page=EXPIRED_AT_ONCE_MAX,
    )
    return [(row["customer_id"], row["request_id"]) for row in rows]


def _request(row: Row) -> LimitRequest:
    fields = dict(row)
    fields["status"] = Status(fields["status"])
    fields["outcome"] = fields["outcome"] and Outcome(fields["outcome"])
    fields["reasons"] = tuple(fields["reasons"])
    return LimitRequest(**fields)
