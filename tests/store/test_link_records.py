"""Two records of one person: merged by two people, seen as one, and two again after a split."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from tests.store.applicants import CLEAN, PERSONS, Counter
from tests.store.branch import Branch, an_opening, open_branch

from counterfoil.customers.identity import check_character
from counterfoil.customers.record_link import LinkStep, Step
from counterfoil.journeys.affording import exposure, exposure_case
from counterfoil.journeys.applying import apply
from counterfoil.journeys.applying.register import ApplicantView, register_applicant
from counterfoil.journeys.approve import ask_approval, decide_approval
from counterfoil.journeys.deciding.decide import ask
from counterfoil.journeys.guarding import erase
from counterfoil.journeys.house import House
from counterfoil.journeys.knowing.link_records import (
    find_people,
    links_of,
    merge_records,
    own_debts_of_people,
    split_records,
)
from counterfoil.journeys.knowing.profile import Profile, own_profile
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import Approval
from counterfoil.platform.database import PostgresError
from counterfoil.privacy.blind_index import IndexKind

CLERK = Actor(name="ana", role="operations", source="cli")
OFFICER = Actor(name="cora", role="compliance", source="console")
COMPLIANCE = Actor(name="bo", role="compliance", source="console")
WHY = "number corrected by the police"
PERSON = PERSONS[0]
PHONE = f"+86{PERSON.phone}"


@pytest.fixture
async def branch(database_url: str, tmp_path: Path) -> AsyncIterator[Branch]:
    async with open_branch(database_url, tmp_path) as opened:
        yield opened


async def record(house: House, *, sequence: int, day: str = "", name: str = PERSON.name) -> int:
    """Register the same person once more, under a number that differs in its sequence."""
    head = f"{PERSON.id_number[: 14 - len(day)]}{day}{sequence:03d}"
    registered = await register_applicant(
        house,
        name=name,
        id_number=head + check_character(head),
        phone=PERSON.phone,
        idempotency_key=f"record-{sequence}",
    )
    assert isinstance(registered, ApplicantView), registered
    return registered.customer_id


async def merge(house: House, given: int, into: int) -> LinkStep | Approval | Refused:
    return await merge_records(house, CLERK, customer_id=given, surviving_id=into, reason=WHY)


async def approve(house: House, asked: object) -> None:
    assert isinstance(asked, Approval), asked
    decided = await decide_approval(
        house, COMPLIANCE, asked.approval_id, is_approved=True, reason="documents seen"
    )
    assert isinstance(decided, Approval), decided


async def merged(house: House, given: int, into: int) -> LinkStep:
    await approve(house, await merge(house, given, into))
    done = await merge(house, given, into)
    assert isinstance(done, LinkStep), done
    return done


async def profile(house: House, customer_id: int) -> dict[str, object]:
    found = await own_profile(house, customer_id)
    assert isinstance(found, Profile), found
    return {trait.feature.name: trait.value for trait in found.traits if trait.line_id is None}


async def debts(house: House, *customers: int) -> list[list[int]]:
    on = await house.business_date()
    async with house.database.connection() as connection:
        found = await own_debts_of_people(connection, customers, on)
    return [sorted(debt.line_id for debt in found[one]) for one in customers]


async def lines_seen(house: House, customer_id: int) -> int:
    """Return how many own lines the guard counts, however often it is asked."""
    template = ask(house, house.policies.origination.policy, "cash-line-open", None,
                         on=await house.business_date())  # fmt: skip
    assert not isinstance(template, Refused)
    case = exposure_case.application_case(
        house, template, CLEAN, customer_id=customer_id, application_id=None
    )
    async with house.database.connection() as connection:
        [found] = await exposure.look(house, connection, [case])
    return found.run.inputs.count('"kind":"own"')


async def test_a_merge_counts_both_records_once_and_a_split_restores_them(branch: Branch) -> None:
    house, counter = branch.house, Counter(branch.house)
    old, new = await record(house, sequence=7), await record(house, sequence=9)
    for one in (old, new):
        await counter.accept(await counter.apply(customer_id=one))
    before = [await profile(house, one) for one in (old, new)]
    apart = await debts(house, old, new)
    asked = await merge(house, old, new)
    # Asking again is the same question; nothing happens before somebody else has answered.
    again = await merge(house, old, new)
    assert isinstance(asked, Approval)
    assert isinstance(again, Approval)
    assert again.approval_id == asked.approval_id
    assert await debts(house, old, new) == apart
    await approve(house, asked)
    done = await merge(house, old, new)
    assert isinstance(done, LinkStep)
    assert await merge(house, old, new) == done

    both = sorted([*apart[0], *apart[1]])
    assert await debts(house, old, new) == [both, both]
    assert [await lines_seen(house, one) for one in (old, new)] == [2, 2]
    assert await profile(house, old) == await profile(house, new)
    assert await find_people(house, IndexKind.PHONE, PHONE) == [new]
    turned_away = await apply.submit_application(
        house,
        customer_id=old,
        product_code="cash-line-open",
        requested_minor=None,
        purpose="travel",
        facts=CLEAN,
        idempotency_key="after the merge",
    )
    assert isinstance(turned_away, Refused)
    assert turned_away.code == "record_merged"
    assert ids.to_text(ids.CUSTOMER, new) in turned_away.message

    await approve(house, await split_records(house, CLERK, customer_id=old, reason=WHY))
    parted = await split_records(house, CLERK, customer_id=old, reason=WHY)
    assert isinstance(parted, LinkStep)
    assert await debts(house, old, new) == apart
    assert [await profile(house, one) for one in (old, new)] == before
    assert await find_people(house, IndexKind.PHONE, PHONE) == sorted([old, new])
    steps = await links_of(house, new)
    assert not isinstance(steps, Refused)
    assert [step.step for step in steps] == [
        Step.SPLIT, Step.SPLIT_PROPOSED, Step.MERGED, Step.MERGE_PROPOSED,
    ]  # fmt: skip
    assert len({step.link_id for step in steps}) == 1
    # A leaf for either record and each act, and a line of the trail.
    assert await branch.rows(
        "SELECT count(*) FROM evidence.leaf_staged WHERE customer_id = ANY($1) AND leaf_type = 15",
        [old, new],
    ) == [(4,)]
    with pytest.raises(PostgresError):
        await branch.rows("DELETE FROM customers.record_link RETURNING 1")
    # What was split can be merged anew, and only by a new approval.
    assert isinstance(await merge(house, old, new), Approval)


async def test_what_contradicts_or_chains_is_refused(branch: Branch) -> None:
    house = branch.house
    one, two = await record(house, sequence=1), await record(house, sequence=2)
    three = await record(house, sequence=3)
    other_name = await record(house, sequence=4, name="另一人")
    day = "02" if PERSON.id_number[12:14] != "02" else "03"
    other_birth = await record(house, sequence=5, day=day)
    await merged(house, one, two)
    for given, into, code in (
        (three, three, "record_same"),
        (other_name, three, "record_does_not_match"),
        (other_birth, three, "record_does_not_match"),
        (one, three, "record_merged"),
        (three, one, "record_merged"),
        (two, three, "record_joined_by_other"),
        (three, 1, "customer_not_found"),
    ):
        refused = await merge(house, given, into)
        assert isinstance(refused, Refused)
        assert refused.code == code
    collector = replace(CLERK, role="collector")
    refused = await merge_records(house, collector, customer_id=three, surviving_id=two, reason=WHY)
    assert isinstance(refused, Refused)
    assert refused.code == "approval_not_allowed"
    refused = await split_records(house, CLERK, customer_id=two, reason=WHY)
    assert isinstance(refused, Refused)
    assert refused.code == "record_not_merged"


async def test_what_keeps_one_record_keeps_the_person(branch: Branch) -> None:
    house, on = branch.house, await branch.on()
    one, two = await record(house, sequence=1), await record(house, sequence=2)
    long_ago = {one: date(2001, 1, 1)}
    await erase.end_purpose(house, "identity", long_ago)
    # Approved before the merge, and the merge comes first.
    payload = erase.erasure_payload(one, "identity")
    await approve(
        house, await ask_approval(house, OFFICER, "erasure", payload, summary="one", reason=WHY)
    )
    held = await erase.set_hold(house, CLERK, customer_id=two, reason="court file", ticket="C-1")
    assert not isinstance(held, Refused)
    assert [item.customer_id for item in await erase.find_erasable(house, on=on)] == [one]
    await merged(house, one, two)
    assert await erased(house, one, on=on) == "legal_hold_stands"
    assert await erase.find_erasable(house, on=on) == []
    await erase.lift_hold(house, CLERK, customer_id=two, hold_id=held.hold_id, reason="over")
    # The person goes on under the other record.
    assert await erased(house, one, on=on) == "retention_not_over"
    await erase.end_purpose(house, "identity", {two: on})
    assert await erased(house, one, on=on) == "retention_not_over"
    assert await erase.find_erasable(house, on=on) == []
    # What is opened and drawn while they are one stays with the record that goes on.
    await branch.get(an_opening(two, 77, limit_minor=500_000))
    await branch.lend(two, 77, 120_000, tenor_months=3)
    assert await debts(house, one, two) == [[77], [77]]
    await approve(house, await split_records(house, CLERK, customer_id=one, reason=WHY))
    assert isinstance(await split_records(house, CLERK, customer_id=one, reason=WHY), LinkStep)
    assert await debts(house, one, two) == [[], [77]]
    assert await branch.faults() == {}
    assert await erased(house, one, on=on) == "erased"
    refused = await merge(house, one, two)
    assert isinstance(refused, Refused)
    assert refused.code == "record_identity_missing"


async def erased(house: House, customer_id: int, *, on: date) -> str:
    """Erase the identity of a record; return what came of it."""
    done = await erase.erase(
        house, OFFICER, customer_id=customer_id, data_class="identity", on=on, reason="schedule"
    )
    return done.code if isinstance(done, Refused) else "erased"


async def test_of_many_at_once_one_is_carried_out(branch: Branch) -> None:
    house = branch.house
    one, two = await record(house, sequence=1), await record(house, sequence=2)
    # Both directions approved: whoever comes second finds the link and is turned away.
    for given, into in ((one, two), (two, one)):
        await approve(house, await merge(house, given, into))
    found = await asyncio.gather(*(merge(house, *pair) for pair in [(one, two), (two, one)] * 3))
    steps = {item.step_id for item in found if isinstance(item, LinkStep)}
    assert len(steps) == 1
    assert {item.code for item in found if isinstance(item, Refused)} == {"record_merged"}
    assert await branch.rows("SELECT count(*) FROM customers.standing_link") == [(1,)]
