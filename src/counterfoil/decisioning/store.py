"""Reads and writes policy versions, applications and decisions."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Final

import orjson

from counterfoil.decisioning.application import BY_POLICY, Application, Status
from counterfoil.decisioning.decision import Outcome
from counterfoil.decisioning.document import policy_of
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.replay import StoredDecision
from counterfoil.decisioning.taken import Taken, stored_of, taken_of
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.decisioning")

#: Above every identifier: the first page begins before it.
NEWEST: Final = 2**63 - 1
APPLICATIONS_OF_CUSTOMER_MAX: Final = 200
EXPIRED_AT_ONCE_MAX: Final = 10_000

#: Customer and application.
ApplicationKey = tuple[int, int]
#: Customer, application, number of the decision.
DecisionKey = tuple[int, int, int]


async def keep_policy(connection: Connection, policy: Policy, *, at: datetime) -> None:
    """Keep the document of a policy before it decides, so that its decisions can be replayed."""
    await QUERIES.add_policy_version.execute(
        connection,
        policy_hash=policy.hash,
        code=policy.code,
        version=policy.version,
        document=policy.canonical.decode(),
        first_used_at=at,
    )


async def read_policy_version(connection: Connection, policy_hash: str) -> Policy | None:
    """Return a version that decided here, or None."""
    document = await QUERIES.policy_document.fetchval(connection, policy_hash=policy_hash)
    return None if document is None else policy_of(orjson.loads(document))


async def models_of(connection: Connection, policy_hashes: Collection[str]) -> dict[str, str]:
    """Return the hash of the model behind each version: its own where it carries its card."""
    if not policy_hashes:
        return {}
    rows = await QUERIES.policy_models.fetch(connection, policy_hashes=sorted(policy_hashes))
    return {row["policy_hash"]: row["model_sha256"] for row in rows}


async def add_decided(
    connection: Connection,
    policy: Policy,
    applications: Sequence[Application],
    records: Sequence[StoredDecision],
    *,
    at: datetime,
) -> None:
    """Write new applications with the policy's decisions on them, in the same order.

    One call is for one product, one policy version and one instant. The version is kept before it
    decides, so that its decisions can be replayed. A second open application breaks
    `application_already_open`.
    """
    if not applications:
        return
    first = applications[0]
    await QUERIES.add_decided.execute(
        connection,
        policy_code=policy.code,
        document=policy.canonical.decode(),
        first_used_at=at,
        product_code=first.product_code,
        product_version=first.product_version,
        currency=first.currency,
        received_at=first.received_at,
        gathered_at=first.gathered_at,
        decided_at=first.decided_at,
        decided_by=BY_POLICY,
        policy_hash=first.policy_hash,
        policy_version=first.policy_version,
        customer_ids=[item.customer_id for item in applications],
        application_ids=[item.application_id for item in applications],
        requested_minor=[item.requested_minor for item in applications],
        purposes=[item.purpose for item in applications],
        statuses=[item.status.value for item in applications],
        grades=[item.grade for item in applications],
        points=[item.points for item in applications],
        limits_minor=[item.limit_minor for item in applications],
        rates_daily_e8=[item.rate_daily_e8 for item in applications],
        tenors_months=[",".join(map(str, item.tenors_months)) for item in applications],
        reasons=[",".join(item.reasons) for item in applications],
        valid_until=[item.valid_until for item in applications],
        channels=[item.channel for item in applications],
        asks=[",".join(item.asks) for item in applications],
        inputs=[record.inputs.decode() for record in records],
        results=[record.result.decode() for record in records],
    )


async def add_person_decision(connection: Connection, application: Application) -> StoredDecision:
    """Write a person's decision on a referred application; return the record it stands on."""
    assert application.outcome is not None, "the person has decided"
    row = await QUERIES.add_person_decision.fetchrow(
        connection,
        customer_id=application.customer_id,
        application_id=application.application_id,
        decided_by=application.decided_by,
        outcome=application.outcome.value,
        reason=application.decision_reason,
        decided_at=application.decided_at,
    )
    assert row is not None, "what is referred was decided by the policy first"
    return stored_of(dict(row))


async def read_application(
    connection: Connection, *, customer_id: int, application_id: int
) -> Application | None:
    """Return an application, or None."""
    row = await QUERIES.application.fetchrow(
        connection, customer_id=customer_id, application_id=application_id
    )
    return None if row is None else _application(row)


async def lock_applications(
    connection: Connection, keys: Sequence[ApplicationKey]
) -> dict[ApplicationKey, Application]:
    """Return applications by customer and number, locked for the rest of the transaction."""
    rows = await QUERIES.applications_locked.fetch(
        connection,
        customer_ids=[customer_id for customer_id, _ in keys],
        application_ids=[application_id for _, application_id in keys],
    )
    return {(row["customer_id"], row["application_id"]): _application(row) for row in rows}


async def read_applications_of(
    connection: Connection,
    customer_id: int,
    *,
    page: int = APPLICATIONS_OF_CUSTOMER_MAX,
    before: int = NEWEST,
    is_back: bool = False,
) -> list[Application]:
    """Return a page of the applications of one customer, newest first."""
    rows = await QUERIES.applications_of_customer.page(
        connection, customer_id=customer_id, page=page, before=before, is_back=is_back
    )
    return [_application(row) for row in rows]


async def read_applications(
    connection: Connection,
    *,
    page: int,
    is_back: bool = False,
    before: int = NEWEST,
    status: Status | None = None,
    products: Collection[str] | None = None,
) -> list[Application]:
    """Return a page of applications from the newest back; for some products alone."""
    rows = await QUERIES.applications_page.page(
        connection,
        page=page,
        is_back=is_back,
        before=before,
        status=status,
        products=None if products is None else list(products),
    )
    return [_application(row) for row in rows]


async def change_applications(connection: Connection, applications: Sequence[Application]) -> None:
    """Write how applications moved on that were locked before."""
    changed = await QUERIES.change_applications.execute(
        connection,
        customer_ids=[item.customer_id for item in applications],
        application_ids=[item.application_id for item in applications],
        statuses=[item.status.value for item in applications],
        decided_at=[item.decided_at for item in applications],
        ended_at=[item.ended_at for item in applications],
        outcomes=[item.outcome for item in applications],
        decided_by=[item.decided_by for item in applications],
        decision_reasons=[item.decision_reason for item in applications],
        valid_until=[item.valid_until for item in applications],
        line_ids=[item.line_id for item in applications],
    )
    assert changed == len(applications), "applications are locked before they are changed"


async def redecide_application(
    connection: Connection, application: Application, record: StoredDecision
) -> int:
    """Write another decision on a locked application, and its record; return the record's number.

    What was decided before stays recorded.
    """
    assert application.outcome is not None, "it has just been decided"
    changed = await QUERIES.redecide_application.execute(
        connection,
        customer_id=application.customer_id,
        application_id=application.application_id,
        status=application.status.value,
        decided_at=application.decided_at,
        ended_at=application.ended_at,
        outcome=application.outcome.value,
        decided_by=application.decided_by,
        decision_reason=application.decision_reason,
        grade=application.grade,
        points=application.points,
        limit_minor=application.limit_minor,
        rate_daily_e8=application.rate_daily_e8,
        tenors_months=list(application.tenors_months),
        reasons=list(application.reasons),
        policy_hash=application.policy_hash,
        policy_version=application.policy_version,
        valid_until=application.valid_until,
        asks=list(application.asks),
    )
    assert changed == 1, "an application is locked before it is decided again"
    number: int = await QUERIES.add_decision_again.fetchval(
        connection,
        customer_id=application.customer_id,
        application_id=application.application_id,
        decided_by=application.decided_by,
        outcome=application.outcome.value,
        policy_hash=record.policy_hash,
        inputs=record.inputs.decode(),
        result=record.result.decode(),
        reason=application.decision_reason,
        decided_at=application.decided_at,
    )
    return number


async def read_decisions_of(
    connection: Connection, *, customer_id: int, application_id: int
) -> list[Taken]:
    """Return every decision on one application, in their order."""
    rows = await QUERIES.decisions_of_application.fetch(
        connection, customer_id=customer_id, application_id=application_id
    )
    return [taken_of(dict(row)) for row in rows]


async def expire_offers(
    connection: Connection, *, business_date: date, at: datetime
) -> list[ApplicationKey]:
    """End offers not taken, and referrals not decided, in time; return what was ended."""
    rows = await QUERIES.expire_offers.fetch(
        connection, business_date=business_date, ended_at=at, page=EXPIRED_AT_ONCE_MAX
    )
    return [(row["customer_id"], row["application_id"]) for row in rows]


async def expire_waiting(
    connection: Connection, received_before: Mapping[tuple[str, int], datetime], *, at: datetime
) -> list[ApplicationKey]:
    """End what waits without an offer since before the instant of its product version."""
    rows = await QUERIES.expire_waiting.fetch(
        connection,
        product_codes=[code for code, _ in received_before],
        product_versions=[version for _, version in received_before],
        received_before=list(received_before.values()),
        ended_at=at,
        page=EXPIRED_AT_ONCE_MAX,
    )
    return [(row["customer_id"], row["application_id"]) for row in rows]


async def read_recorded(
    connection: Connection, *, page: int, after: DecisionKey = (0, 0, 0)
) -> list[tuple[DecisionKey, Outcome | None, StoredDecision]]:
    """Return a page of decisions of all customers: key, a person's outcome, the record.

    The outcome is None for the policy's own decisions.
    """
    customer_id, application_id, decision_no = after
    rows = await QUERIES.decisions_page.fetch(
        connection,
        page=page,
        customer_id=customer_id,
        application_id=application_id,
        decision_no=decision_no,
    )
    return [
        (
            (row["customer_id"], row["application_id"], row["decision_no"]),
            None if row["decided_by"] == BY_POLICY else Outcome(row["outcome"]),
            stored_of(dict(row)),
        )
        for row in rows
    ]


def _application(row: Row) -> Application:
    fields = dict(row)
    fields["status"] = Status(fields["status"])
    fields["outcome"] = fields["outcome"] and Outcome(fields["outcome"])
    fields["tenors_months"] = tuple(fields["tenors_months"])
    fields["reasons"] = tuple(fields["reasons"])
    fields["asks"] = tuple(fields["asks"])
    return Application(**fields)
