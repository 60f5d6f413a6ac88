"""A registry of features holds once two people have published it, and decisions read by it."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest
from tests.store.applicants import Counter
from tests.store.raise_desk import ask, open_line, wish
from tests.store.test_policies_in_force import follower_of
from tests.unit.decisioning.policies import document_of

from counterfoil.decisioning import publication_store
from counterfoil.decisioning.document import policy_of
from counterfoil.decisioning.limit_request import LimitRequest
from counterfoil.decisioning.lineage_store import decisions_of_customers
from counterfoil.decisioning.policy import Policy
from counterfoil.decisioning.publication import GateRecord, Publication
from counterfoil.decisioning.store import keep_policy
from counterfoil.features.event import Draft
from counterfoil.features.refusals import (
    FEATURE_NOT_REGISTERED,
    REGISTRY_GATE_CLOSED,
    REGISTRY_IN_FORCE,
    REGISTRY_NOT_REQUESTED,
    REGISTRY_OUTDATED,
)
from counterfoil.features.registry import Registry
from counterfoil.features.registry_file import parse_registry
from counterfoil.features.registry_store import read_publications
from counterfoil.features.store import add_events, read_events
from counterfoil.journeys.approve import decide_approval
from counterfoil.journeys.deciding.replay_decisions import Replayed, replay_decisions
from counterfoil.journeys.deciding.todays import Today
from counterfoil.journeys.house import House, open_house
from counterfoil.journeys.knowing.feature_check import refuse_unregistered
from counterfoil.journeys.knowing.feature_lineage import lineage_of
from counterfoil.journeys.knowing.publish_registry import gate, publish_registry, request_registry
from counterfoil.journeys.knowing.registries import Registries, registry_in_force
from counterfoil.journeys.trail import find_trail
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import APPROVAL_MISSING, Approval
from counterfoil.platform.settings import Settings
from counterfoil.platform.trail import DONE, Wanted

ANALYST = Actor(name="ana", role="risk_analyst", source="test")
COMPLIANCE = Actor(name="bo", role="compliance", source="test")
OWN = """
[[features]]
name = "own_limits_opened_minor"
name_en = "Limits opened here"
name_zh = "本机构开立额度合计"
meaning_en = "First limits of all lines of the customer here, added up."
meaning_zh = "客户在本机构各授信的首次额度之和。"
type = "integer"
unit = "minor"
highest = 100_000_000_000
category = "behaviour"
owner = "risk"
version = 1

[[features.uses]]
source = "own_behaviour"
legal_basis = "contract"
purposes = ["origination", "limit_increase"]

[features.value]
fold = "sum"
events = ["line_opened"]
member = "limit_minor"
"""
COUNTED = OWN.replace('fold = "sum"', 'fold = "count"').replace('member = "limit_minor"\n', "")


@pytest.fixture
async def clock() -> TestClock:
    return TestClock(datetime(2026, 1, 5, 8, tzinfo=UTC))


@pytest.fixture
async def house(database_url: str, tmp_path: Path, clock: TestClock) -> AsyncIterator[House]:
    first = date(2026, 1, 5)
    async with open_house(
        Settings(home=tmp_path), database_url, clock=clock, first_date=first
    ) as it:
        yield it


def registry_with(own: str) -> Registry:
    return parse_registry(texts_with(own))


def texts_with(own: str) -> dict[str, str]:
    folder = resources.files("counterfoil.features").joinpath("registry")
    return {file.name: file.read_text("utf-8") for file in folder.iterdir()} | {"own.toml": own}


def code(answer: object) -> str:
    assert isinstance(answer, Refused), answer
    return answer.code


async def approved(house: House, registry: Registry) -> None:
    asked = await request_registry(house, ANALYST, registry, reason="more to go by")
    assert isinstance(asked, Approval), asked
    done = await decide_approval(
        house, COMPLIANCE, asked.approval_id, is_approved=True, reason="read the report"
    )
    assert not isinstance(done, Refused), done


async def published(house: House, registry: Registry) -> None:
    await approved(house, registry)
    made = await publish_registry(house, ANALYST, registry, reason="more to go by")
    assert not isinstance(made, Refused), made


def reading_it(name: str = "base-2026-04") -> Policy:
    """Return a policy that declines who has had much here by the lender's own feature."""
    document = document_of(name)
    feature = {
        "name": "own_limits_opened_minor", "name_en": "Limits opened here", "name_zh": "额度",
        "type": "integer", "unit": "minor", "lowest": 0, "highest": 100_000_000_000,
        "nullable": True, "source": "own_behaviour", "legal_basis": "contract",
    }  # fmt: skip
    grade = feature | {
        "name": "own_grade", "name_en": "Grade", "name_zh": "评级", "type": "text", "unit": "none",
        "values": ["A", "B", "C", "D", "E"], "source": "own_model",
    }  # fmt: skip
    layer = [] if name.startswith("base") else [{k: v for k, v in grade.items() if "est" not in k}]
    declining = [rule for rule in document["rules"] if rule["action"] == "decline"]
    pattern = next((rule for rule in declining if rule["code"] == "R09"), declining[-1])
    rule = pattern | {
        "code": "O01",
        "when": [">=", ["feature", "own_limits_opened_minor"], ["literal", 400_000]],
    }
    return policy_of(
        document
        | {"version": "own", "features": [*document["features"], feature, *layer]}
        | {"rules": [*document["rules"], rule]}
    )


async def decides(house: House, policy: Policy) -> None:
    """Put a version in force as a publication does, without its gate."""
    now, number = house.clock.now(), house.ids.next()
    gate = GateRecord(
        gate_id=number, policy_hash=policy.hash, report_sha256=bytes(32), report=b"{}", passed=True,
        made_by="ana", made_at=now,
    )  # fmt: skip
    made = Publication(
        publication_id=number, policy_hash=policy.hash, purpose=policy.purpose, gate_id=number,
        approval_id=number, author="ana", approver="bo", published_at=now, effective_from=now,
    )  # fmt: skip
    async with house.database.transaction() as connection:
        await keep_policy(connection, policy, at=now)
        await publication_store.add_gate(connection, gate)
        await publication_store.add_publication(connection, made)
    await follower_of(house).read()
    assert house.policies.every()[policy.purpose].policy.hash == policy.hash


async def test_decisions_read_what_two_people_have_registered(
    house: House, clock: TestClock
) -> None:
    policy, first = reading_it(), registry_with(OWN)
    refused = refuse_unregistered(house.registry, policy)
    assert refused is not None
    assert refused.code == FEATURE_NOT_REGISTERED.code
    assert code(await publish_registry(house, ANALYST, first, reason="now")) == (
        REGISTRY_NOT_REQUESTED.code
    )
    asked = await request_registry(house, ANALYST, first, reason="more to go by")
    assert isinstance(asked, Approval)
    alone = await publish_registry(house, ANALYST, first, reason="now")
    assert code(alone) == APPROVAL_MISSING.code
    await decide_approval(house, COMPLIANCE, asked.approval_id, is_approved=True, reason="read")
    assert not isinstance(await publish_registry(house, ANALYST, first, reason="now"), Refused)
    assert house.registry.sha256 == first.sha256
    assert refuse_unregistered(house.registry, policy) is None
    assert code(await request_registry(house, ANALYST, first, reason="again")) == (
        REGISTRY_IN_FORCE.code
    )
    async with house.database.connection() as connection:
        # As another process comes to know it.
        assert (await registry_in_force(connection, at=clock.now())).sha256 == first.sha256
    tried = await find_trail(house, Wanted(act="registry_publication"), page=9)
    [told] = [entry for entry in tried if entry.outcome == DONE]
    assert (told.before, told.after) == (house.registries.shipped.sha256, first.sha256)

    await decides(house, policy)
    counter = Counter(house)
    counter.persons = 1
    customer_id = await counter.register("known")
    assert (await counter.apply()).status == "approved"
    line_id = await open_line(house, customer_id)
    clock.advance(timedelta(minutes=1))
    view = await counter.apply(customer_id=customer_id)
    assert (view.status, view.reasons) == ("declined", ("EXP_LENDERS",))

    # A request for more reads it, too, and what another policy concluded before.
    await decides(house, reading_it("raise-2026-01"))
    more = await ask(house, wish(customer_id, line_id))
    assert isinstance(more, LimitRequest), more
    async with house.database.connection() as connection:
        *_, raised = await decisions_of_customers(connection, [customer_id])
    assert raised.features["own_limits_opened_minor"] == 500_000
    assert raised.features["own_grade"] == view.grade

    clock.advance(timedelta(minutes=1))
    second = registry_with(COUNTED.replace("version = 1", "version = 2"))
    async with house.database.connection() as connection:
        report = await gate(house, connection, second)
    [change] = report.changes
    assert [member for member, _, _ in change.members] == ["value", "version"]
    assert report.impact.cases == 3
    assert report.impact.values["own_limits_opened_minor"] == {"same": 1, "changed": 2}
    assert report.impact.outcomes == {
        "approved > approved": 1,
        "declined > approved": 1,
        "declined > referred": 1,
    }
    await published(house, second)
    async with house.database.transaction() as connection:
        lineage = await lineage_of(house, connection, customer_id, view.application_id)
    assert not isinstance(lineage, Refused)
    assert lineage.registry_sha256 == first.sha256
    # The declined would be approved as lines are counted; a raise is compared with its own kind.
    assert await changes(house, policy, clock) == {view.application_id: ("registry",)}

    # The way back, and what stands in it: the version that decides reads what ships does not know.
    shipped = house.registries.shipped
    assert code(await request_registry(house, ANALYST, shipped, reason="back")) == (
        REGISTRY_GATE_CLOSED.code
    )
    await published(house, first)
    async with house.database.connection() as connection:
        newest, *_ = await read_publications(connection, page=9)
    assert (newest.sha256, newest.author, newest.approver) == (first.sha256, "ana", "bo")
    assert await changes(house, policy, clock) == {}
    clock.advance(timedelta(minutes=1))
    await was_opened_with_less(house, customer_id)
    assert await changes(house, policy, clock) == {view.application_id: ("data",)}


async def changes(house: House, policy: Policy, clock: TestClock) -> dict[int, tuple[str, ...]]:
    """Return what of today would change recorded decisions, by application."""
    async with house.database.connection() as connection:
        found = await replay_decisions(
            connection, house.catalogue, today=Today(policy=policy, at=clock.now())
        )
    assert isinstance(found, Replayed)
    assert found.examined == found.reproduced
    return {one.key[1]: one.changed_by for one in found.findings}


async def was_opened_with_less(house: House, customer_id: int) -> None:
    """Tell the store that a line was opened with less, as a correction does."""
    async with house.database.transaction() as connection:
        events = (await read_events(connection, [customer_id]))[customer_id]
        [opened] = [event for event in events if event.kind == "line_opened"]
        told = {name: getattr(opened, name) for name in Draft._fields}
        facts = {**opened.facts, "limit_minor": 100_000}
        draft = Draft(**told | {"known_at": None, "facts": facts})
        later = (house.ids.next(), (draft, opened.revision + 1, False), house.clock.now())
        assert await add_events(connection, [later])


async def test_what_was_compared_is_what_is_followed(house: House) -> None:
    first, second = registry_with(OWN), registry_with(OWN.replace("opened_minor", "first_minor"))
    await approved(house, first)
    await published(house, second)
    assert (
        code(await publish_registry(house, ANALYST, first, reason="late")) == REGISTRY_OUTDATED.code
    )
    # A meaning that was published once stays with its version, whatever is in force now.
    changed = registry_with(COUNTED.replace("opened_minor", "first_minor"))
    await published(house, registry_with(""))
    refused = await request_registry(house, ANALYST, changed, reason="counted")
    assert isinstance(refused, Refused)
    assert "version 1 has meant something else" in refused.message
    stranger = Registries(house.registries.shipped)
    async with house.database.connection() as connection:
        await stranger.follow(connection, at=house.clock.now())
    assert stranger.in_force.sha256 == house.registries.shipped.sha256
