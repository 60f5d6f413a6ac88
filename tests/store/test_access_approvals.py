"""Two people: nobody decides on a wish of their own, and an approval is good for one act, once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
from tests.store.privacy_desk import (
    ADMIN,
    CLERK,
    OFFICER,
    SECOND,
    a_house,
    approve,
    code_of,
    rows,
    staff,
)

from counterfoil.evidence.leaf import LeafType, commitment
from counterfoil.journeys.approve import ask_approval, decide_approval, list_approvals
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import anchor_trail, check_trail, find_trail
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access import Scope
from counterfoil.platform.access_matrix import Actor, load_matrix, parse_matrix
from counterfoil.platform.approvals import Approval, Value, payload_hash, require_approval
from counterfoil.platform.trail import Wanted

PAYLOAD: dict[str, Value] = {"act": "erasure", "customer": "cu_1", "data_class": "identity"}


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(database_url, tmp_path) as opened:
        yield opened


async def use(house: House, payload: dict[str, Value], kind: str = "erasure") -> Approval | Refused:
    async with house.database.transaction() as connection:
        return await require_approval(
            connection,
            kind,
            payload_hash(payload),
            used_by="officer.a",
            now=house.clock.now(),
        )


async def asked(house: House, by: Actor = OFFICER, kind: str = "erasure") -> Approval:
    found = await ask_approval(house, by, kind, PAYLOAD, summary="erase", reason="ended")
    assert isinstance(found, Approval)
    return found


async def test_an_approval_is_used_once_and_for_its_payload_only(house: House) -> None:
    given = await approve(house, "erasure", dict(PAYLOAD))
    assert code_of(await use(house, {**PAYLOAD, "customer": "cu_2"})) == "approval_missing"
    assert code_of(await use(house, PAYLOAD, kind="key_rotation")) == "approval_missing"
    used = await use(house, PAYLOAD)
    assert isinstance(used, Approval)
    assert used.approval_id == given.approval_id
    assert code_of(await use(house, PAYLOAD)) == "approval_missing"


async def test_two_who_use_it_at_once_get_it_once(house: House) -> None:
    await approve(house, "erasure", dict(PAYLOAD))
    outcomes = await asyncio.gather(*(use(house, PAYLOAD) for _ in range(4)))
    assert sum(isinstance(outcome, Approval) for outcome in outcomes) == 1


async def test_nobody_decides_on_a_request_of_their_own(house: House) -> None:
    request = await asked(house)
    outcome = await decide_approval(
        house, OFFICER, request.approval_id, is_approved=True, reason="mine"
    )
    assert code_of(outcome) == "approval_by_another"
    other_role = Actor(name=OFFICER.name, role="compliance", source="cli")
    outcome = await decide_approval(
        house, other_role, request.approval_id, is_approved=True, reason="mine"
    )
    assert code_of(outcome) == "approval_by_another"
    with pytest.raises(asyncpg.CheckViolationError, match="approval_by_another"):
        await rows(
            house,
            "UPDATE platform.approval SET decided_by = requested_by, is_approved = true, "
            "decision_reason = 'x', decided_at = now() RETURNING 1",
        )


async def test_a_role_asks_and_gives_only_what_the_matrix_says(house: House) -> None:
    refused = await ask_approval(house, CLERK, "erasure", PAYLOAD, summary="x", reason="x")
    assert code_of(refused) == "approval_not_allowed"
    refused = await ask_approval(house, OFFICER, "anything", PAYLOAD, summary="x", reason="x")
    assert code_of(refused) == "approval_kind_unknown"
    refused = await ask_approval(house, OFFICER, "erasure", PAYLOAD, summary="x", reason=" ")
    assert code_of(refused) == "reveal_reason_missing"
    request = await asked(house)
    for actor in (CLERK, ADMIN, Actor(name="api:x", role="approvals:write", source="api")):
        outcome = await decide_approval(
            house, actor, request.approval_id, is_approved=True, reason="x"
        )
        assert code_of(outcome) == "approval_not_allowed"
    outcome = await decide_approval(house, SECOND, 12345, is_approved=True, reason="x")
    assert code_of(outcome) == "approval_not_found"


async def test_a_decision_stays(house: House) -> None:
    request = await asked(house)
    first = await decide_approval(
        house, SECOND, request.approval_id, is_approved=False, reason="not yet"
    )
    assert isinstance(first, Approval)
    assert first.is_approved is False
    again = await decide_approval(
        house, SECOND, request.approval_id, is_approved=True, reason="now"
    )
    assert code_of(again) == "approval_decided"
    assert code_of(await use(house, PAYLOAD)) == "approval_missing"
    for change in ("is_approved = true", "payload_hash = sha256('x')"):
        with pytest.raises(asyncpg.PostgresError, match="stays as it was decided"):
            await rows(house, f"UPDATE platform.approval SET {change} RETURNING 1")
    with pytest.raises(asyncpg.PostgresError, match="stays as it was decided"):
        await rows(house, "DELETE FROM platform.approval RETURNING 1")


async def test_requests_and_approvals_expire(house: House) -> None:
    early = await asked(house)
    await approve(house, "erasure", dict(PAYLOAD))
    house.clock.advance(timedelta(days=8))  # type: ignore[attr-defined]
    late = await decide_approval(house, SECOND, early.approval_id, is_approved=True, reason="x")
    assert code_of(late) == "approval_expired"
    assert code_of(await use(house, PAYLOAD)) == "approval_missing"
    assert await list_approvals(house, only_open=True) == []
    assert len(await list_approvals(house)) == 2


async def test_a_decision_leaves_a_leaf_with_both_persons(house: House) -> None:
    given = await approve(house, "erasure", dict(PAYLOAD))
    [leaf] = await rows(house, "SELECT * FROM evidence.leaf_staged WHERE leaf_type = 15")
    body = orjson.loads(leaf["body"])
    assert (leaf["customer_id"], leaf["subject_id"]) == (0, given.approval_id)
    assert (body["requester"], body["approver"]) == ("officer.a", "officer.b")
    assert body["request_sha256"] == payload_hash(PAYLOAD).hex()
    assert body["approved"] is True
    expected = commitment(LeafType.APPROVAL, leaf["salt"], leaf["body"])
    assert leaf["commitment"] == expected


async def test_every_step_and_every_refusal_is_in_the_trail(house: House) -> None:
    request = await asked(house)
    await decide_approval(house, OFFICER, request.approval_id, is_approved=True, reason="mine")
    await decide_approval(house, SECOND, request.approval_id, is_approved=True, reason="good")
    found = await find_trail(house, Wanted())
    assert [(entry.act, entry.actor, entry.outcome) for entry in found[::-1]] == [
        ("approval_request", "officer.a", "done"),
        ("approval_decision", "officer.a", "approval_by_another"),
        ("approval_given", "officer.b", "done"),
    ]
    assert {entry.source for entry in found} == {"test 127.0.0.1"}
    refused = await find_trail(house, Wanted(only_refused=True, actor="officer.a"))
    assert [entry.outcome for entry in refused] == ["approval_by_another"]
    assert await find_trail(house, Wanted(act="nothing")) == []


async def test_the_trail_is_only_ever_added_to(house: House) -> None:
    await asked(house)
    for statement in (
        "UPDATE platform.trail SET actor = 'nobody' RETURNING 1",
        "DELETE FROM platform.trail RETURNING 1",
        "TRUNCATE platform.trail",
    ):
        with pytest.raises(asyncpg.PostgresError, match="only ever added to"):
            await rows(house, statement)


async def test_an_altered_trail_shows_by_its_anchor(house: House) -> None:
    await approve(house, "erasure", dict(PAYLOAD))
    assert await anchor_trail(house) == 0  # nothing has settled
    house.clock.advance(timedelta(minutes=3))  # type: ignore[attr-defined]
    assert await anchor_trail(house) == 2
    assert await anchor_trail(house) == 0
    await asked(house)
    report = await check_trail(house)
    assert (report.entries, report.anchors, report.not_anchored, list(report.broken)) == (
        3,
        1,
        1,
        [],
    )
    [leaf] = await rows(house, "SELECT body FROM evidence.leaf_staged WHERE leaf_type = 5")
    assert orjson.loads(leaf["body"])["entries"] == 2
    async with house.database.transaction() as connection:
        await connection.execute("ALTER TABLE platform.trail DISABLE TRIGGER trail_stays")
        await connection.execute("UPDATE platform.trail SET actor = 'x' WHERE actor = 'officer.b'")
    assert len((await check_trail(house)).broken) == 1


def test_the_matrix_denies_what_it_does_not_say() -> None:
    matrix = load_matrix()
    nobody = matrix.rights_of("stranger")
    assert not (nobody.permissions | nobody.purposes | nobody.requests | nobody.approves)
    assert matrix.purpose_for(staff("finance"), "complaint") is None
    assert matrix.purpose_for(staff("collector"), "legal_request") is None
    found = matrix.purpose_for(staff("collector"), "collection")
    assert found is not None
    assert "id_number" not in found.data["identity"]


@pytest.mark.parametrize(
    ("table", "name", "value"),
    [
        ("roles", "clown", {"purposes": [], "requests": []}),
        ("roles", "finance", {"purposes": ["nothing"], "requests": []}),
        ("roles", "finance", {"purposes": [], "requests": ["nothing"]}),
        ("roles", "finance", {"purposes": [], "requests": [], "wishes": []}),
        ("machines", "lines:none", {"purposes": [], "requests": []}),
        ("machines", "trail:read", {"purposes": [], "requests": [], "approves": ["erasure"]}),
        ("roles", "finance", {"purposes": [], "requests": [], "permissions": ["fly"]}),
        ("roles", "finance", {"purposes": [], "requests": [], "needs": ["height"]}),
        ("roles", "finance", {"purposes": [], "requests": [], "cases": ["gossip"]}),
        # Neither through cases nor over the whole book: nobody can tell which was meant.
        ("roles", "finance", {"purposes": [], "requests": []}),
        ("acts", "read", {"binds": ["height"]}),
        ("acts", "read", {"binds": [], "courses": ["cooking"]}),
        ("acts", "read", {"binds": [], "wishes": []}),
    ],
)
def test_a_matrix_with_a_slip_stops_the_start(
    table: str, name: str, value: dict[str, object]
) -> None:
    read: dict[str, dict[str, Any]] = {
        "acts": {scope.value: {"binds": []} for scope in Scope},
        "reads": {},
        "courses": {},
        "hosts": {"operations": {}, "customer_acts": {"operations": []}},
        "purposes": {},
        "approvals": {"erasure": {"zh": "删除", "en": "erasure"}},
        "roles": {},
        "machines": {},
        "scopes": {scope.value: [] for scope in Scope},
        "customers": {"reads": []},
    }
    parse_matrix(read)
    with pytest.raises(ValueError, match=r"matrix|program"):
        parse_matrix({**read, table: {**read[table], name: value}})
    without = {name: item for name, item in read["acts"].items() if name != "lines:read"}
    with pytest.raises(ValueError, match="lines:read"):
        parse_matrix({**read, "acts": without})
