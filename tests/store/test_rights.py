"""What persons ask about their own data: identified, exported, answered in time, or refused."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
from tests.store.applicants import PERSONS, Counter
from tests.store.privacy_desk import CLERK, OFFICER, code_of, rows, staff

from counterfoil.customers.verification import CheckOutcome
from counterfoil.customers.verification_policy import CheckKind
from counterfoil.decisioning.wishes import Choice
from counterfoil.journeys.applying.register import register_applicant
from counterfoil.journeys.approve import decide_approval, list_approvals
from counterfoil.journeys.deciding.choose import chosen_by
from counterfoil.journeys.guarding import rights
from counterfoil.journeys.guarding.export_person import PersonExport
from counterfoil.journeys.guarding.rights import RightsWish
from counterfoil.journeys.house import House, open_house
from counterfoil.journeys.serving import identity
from counterfoil.journeys.serving.change_contact import change_phone
from counterfoil.journeys.serving.identity import Shown
from counterfoil.journeys.trail import find_trail
from counterfoil.kernel import ids
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access_matrix import reading
from counterfoil.platform.approvals import Approval
from counterfoil.platform.batches import Answer
from counterfoil.platform.settings import Settings
from counterfoil.platform.trail import Wanted
from counterfoil.privacy.blind_index import IndexKind
from counterfoil.privacy.correction_store import keys_left, read_former, restricted_among
from counterfoil.privacy.export_store import read_dataset
from counterfoil.privacy.person_store import find_persons, read_clear
from counterfoil.privacy.rights import Right, RightsRequest
from counterfoil.privacy.vault import Purpose

TODAY = date(2026, 1, 5)


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    clock = TestClock(datetime(2026, 1, 5, 8, tzinfo=UTC))
    async with open_house(
        Settings(home=tmp_path), database_url, clock=clock, first_date=TODAY
    ) as opened:
        yield opened


async def asked(
    house: House, customer_id: int, kind: Right, about: str = "", method: str = "one_time_code"
) -> RightsRequest:
    wish = RightsWish(
        customer_id=customer_id, kind=kind, about=about, said="", method=method, by="api:shop"
    )
    found = await rights.ask_right(house, wish)
    assert isinstance(found, RightsRequest), found
    return found


def key(request: RightsRequest) -> dict[str, Any]:
    return {"customer_id": request.customer_id, "request_id": request.request_id}


async def answered(house: House, request: RightsRequest, **how: Any) -> dict[str, Any]:
    done = await rights.answer(house, CLERK, **key(request), reason="as asked", **how)
    assert isinstance(done, RightsRequest), done
    assert done.state == "answered"
    detail: dict[str, Any] = orjson.loads(done.events[-1].detail)
    return detail


async def test_a_copy_has_everything_and_leaves_its_traces(house: House) -> None:
    counter = Counter(house)
    view = await counter.apply()
    await counter.accept(view)
    other = await counter.apply()
    request = await asked(house, view.customer_id, Right.COPY)
    assert request.due_on == date(2026, 1, 20)
    assert (await asked(house, view.customer_id, Right.COPY)).request_id == request.request_id
    first = await rights.answer(house, CLERK, **key(request), reason="here it is")
    assert code_of(first) == "rights_export_first"
    made = await rights.export(house, CLERK, **key(request))
    assert isinstance(made, PersonExport), made
    document = orjson.loads(made.json)
    assert document["person"]["identity"]["id_number"] == PERSONS[0].id_number
    names = {section["table"] for section in document["sections"]}
    assert {"decisioning.application", "lending.credit_line", "contracts.contract"} <= names
    assert {"privacy.data_key", "privacy.legal_hold"} & names == set()
    # Nobody else's rows, no member of staff's name, no ciphertext.
    assert str(other.customer_id) not in made.json.decode()
    assert "clerk.a" not in made.json.decode()
    assert PERSONS[0].name in made.html
    assert "<script" not in made.html
    await answered(house, request)
    events = await rows(house, "SELECT act, detail FROM privacy.rights_event ORDER BY event_no")
    assert [event["act"] for event in events] == ["identified", "exported", "answered"]
    assert made.sha256 in events[1]["detail"]
    assert await rows(house, "SELECT 1 FROM evidence.leaf_staged WHERE leaf_type = 5")
    acts = {entry.act for entry in await find_trail(house, Wanted(customer_id=view.customer_id))}
    assert {"rights_asked", "rights_exported", "rights_answered", "reveal"} <= acts


async def test_nothing_is_answered_before_the_person_is_known(house: House) -> None:
    customer_id = await Counter(house, persons=1).register("r")
    request = await asked(house, customer_id, Right.OBJECT, method="")
    early = await rights.answer(house, CLERK, **key(request), reason="yes")
    assert code_of(early) == "rights_not_identified"
    assert code_of(await rights.export(house, CLERK, **key(request))) == "rights_not_identified"
    stranger = staff("collector")
    barred = await rights.identify(house, stranger, **key(request), method="passport")
    assert code_of(barred) == "rights_answer_not_allowed"
    await rights.identify(house, CLERK, **key(request), method="identity card seen")
    assert (await answered(house, request))["person_decides"] is True
    async with house.database.connection() as connection:
        assert (await chosen_by(connection, customer_id)).since
    late = await rights.turn_down(house, OFFICER, **key(request), reason="no")
    assert code_of(late) == "rights_request_not_open"


async def test_deleting_names_what_law_keeps_and_a_refusal_has_its_reason(house: House) -> None:
    view = await Counter(house).apply()
    request = await asked(house, view.customer_id, Right.DELETE)
    told = await answered(house, request)
    kept = {item["data_class"]: item for item in told["kept"]}
    assert (kept["identity"]["rule"], kept["identity"]["years"]) == ("R034", 10)
    assert told["erasable"] == told["gone"] == []
    application = ids.to_text(ids.APPLICATION, view.application_id)
    explained = await answered(
        house, await asked(house, view.customer_id, Right.EXPLAIN, application)
    )
    assert explained["zh"][0]
    wrong = await asked(house, view.customer_id, Right.EXPLAIN, "nothing")
    unknown = await rights.answer(house, CLERK, **key(wrong), reason="x")
    assert code_of(unknown) == "rights_about_unknown"
    empty = await rights.turn_down(house, CLERK, **key(wrong), reason=" ")
    assert code_of(empty) == "reveal_reason_missing"
    done = await rights.turn_down(house, CLERK, **key(wrong), reason="names no decision")
    assert isinstance(done, RightsRequest)
    assert [item.state for item in await rights.requests_of(house, view.customer_id)] == [
        "refused",
        "answered",
        "answered",
    ]
    assert await rights.open_requests(house) == []


async def test_what_was_done_is_only_added_to(house: House) -> None:
    customer_id = await Counter(house, persons=1).register("r")
    await asked(house, customer_id, Right.RESTRICT)
    for table in ("rights_request", "rights_event"):
        with pytest.raises(asyncpg.PostgresError, match="only ever added to"):
            await rows(house, f"DELETE FROM privacy.{table}")


async def _phone_checked(house: House, customer_id: int) -> str:
    """Let the carrier confirm the number that stands; return what it said."""
    shown = Shown(customer_id=customer_id, kind=CheckKind.PHONE, source="mobile-carrier")
    said = await identity.check_identity(
        house, shown, by="t", idempotency_key=f"phone-{house.ids.next()}"
    )
    assert isinstance(said, Answer), said
    outcome: str = orjson.loads(said.text)["outcome"]
    return outcome


async def _standing_phone(house: House, customer_id: int) -> list[CheckOutcome]:
    checks, _ = await identity.standing_of(house, customer_id)
    return [check.outcome for check in checks][:1]


async def _proven_by_another(house: House, phone: str) -> int:
    """Register somebody else whose number this is."""
    twin = await register_applicant(
        house, name=PERSONS[2].name, id_number=PERSONS[2].id_number, phone=phone,
        idempotency_key="twin",
    )  # fmt: skip
    assert not isinstance(twin, Refused), twin
    assert await _phone_checked(house, twin.customer_id) == CheckOutcome.PASS
    return twin.customer_id


async def test_a_number_is_corrected_by_two_and_what_stood_is_kept(house: House) -> None:
    customer_id = await Counter(house, persons=1).register("r")
    old, new = f"+86{PERSONS[0].phone}", "+8615011112222"
    request = await asked(house, customer_id, Right.CORRECT, about="phone")
    answer: dict[str, Any] = {**key(request), "reason": "shown the contract"}
    assert code_of(await rights.answer(house, CLERK, **answer)) == "correction_value_missing"
    wrong = await rights.answer(house, CLERK, value="12345", **answer)
    assert code_of(wrong) == "phone_invalid"
    for _ in range(2):
        alone = await rights.answer(house, CLERK, value=new, **answer)
        assert code_of(alone) == "approval_missing"
    [waiting] = await list_approvals(house, only_open=True)
    assert (waiting.kind, new in waiting.summary) == ("personal_correction", False)
    own = await decide_approval(house, CLERK, waiting.approval_id, is_approved=True, reason="me")
    assert code_of(own) == "approval_by_another"
    given = await decide_approval(
        house, OFFICER, waiting.approval_id, is_approved=True, reason="ok"
    )
    assert isinstance(given, Approval)
    other = await rights.answer(house, CLERK, value="+8615011113333", **answer)
    assert code_of(other) == "approval_missing"
    # What another customer has proven is not taken over; a person looks at it.
    twin = await _proven_by_another(house, new)
    held = await rights.answer(house, CLERK, value=new, **answer)
    assert code_of(held) == "identity_held"
    [case] = await identity.open_cases(house)
    assert (case.customer_id, case.reason) == (customer_id, "phone_of_another")
    moved = await change_phone(
        house, customer_id=twin, phone="15011114444", by="t", idempotency_key="moved"
    )
    assert isinstance(moved, Answer)
    assert await _phone_checked(house, customer_id) == CheckOutcome.PASS
    house.clock.advance(timedelta(hours=1))  # type: ignore[attr-defined]
    assert (await answered(house, request, value=new))["corrected"] == "phone"
    # What was said of the former number counts no more.
    assert await _standing_phone(house, customer_id) == [CheckOutcome.UNKNOWN]
    async with house.database.connection() as connection:
        clear = await read_clear(
            connection, house.vault, customer_id, Purpose.CONTACT, reading("person_export")
        )
        assert clear == {"phone": new}
        [former] = await read_former(
            connection, house.vault, customer_id, Purpose.CONTACT, reading("person_export")
        )
        assert former.fields == {"phone": old}
        assert former.valid_until - former.valid_from == timedelta(hours=1)
        found = [
            await find_persons(connection, house.vault, IndexKind.PHONE, phone)
            for phone in (old, new)
        ]
        assert found == [[], [customer_id]]
        assert await keys_left(connection) == []
    acts = {entry.act for entry in await find_trail(house, Wanted(customer_id=customer_id))}
    assert "person_corrected" in acts
    assert await rows(house, "SELECT 1 FROM evidence.leaf_staged WHERE leaf_type = 5")
    again = await asked(house, customer_id, Right.COPY)
    made = await rights.export(house, CLERK, **key(again))
    assert isinstance(made, PersonExport)
    assert {"phone": old} in orjson.loads(made.json)["person"].values()
    # The key takes what stood with it.
    await rows(house, "DELETE FROM privacy.data_key WHERE purpose = 'contact'")
    assert await rows(house, "SELECT 1 FROM privacy.former_record") == []


async def test_a_corrected_name_is_asked_again_and_what_counted_before_stays_known(
    house: House,
) -> None:
    customer_id = await Counter(house, persons=1).register("r")
    said = {
        CheckKind.NAME_NUMBER: "citizen-register", CheckKind.DOCUMENT: "document-reader",
        CheckKind.PHONE: "mobile-carrier", CheckKind.IN_PERSON: "branch",
    }  # fmt: skip
    for kind, source in said.items():
        shown = Shown(
            customer_id=customer_id,
            kind=kind,
            source=source,
            outcome=CheckOutcome.PASS,
            device="ios-1",
        )
        kept = await identity.check_identity(house, shown, by="t", idempotency_key=kind)
        assert isinstance(kept, Answer), kept
    before = house.clock.now()
    house.clock.advance(timedelta(minutes=1))  # type: ignore[attr-defined]
    request = await asked(house, customer_id, Right.CORRECT, about="name")
    answer: dict[str, Any] = {**key(request), "reason": "register of births", "value": "王小明"}
    assert code_of(await rights.answer(house, CLERK, **answer)) == "approval_missing"
    [waiting] = await list_approvals(house, only_open=True)
    await decide_approval(house, OFFICER, waiting.approval_id, is_approved=True, reason="ok")
    assert isinstance(await rights.answer(house, CLERK, **answer), RightsRequest)

    async def outcomes(at: datetime | None) -> dict[str, str]:
        view = await identity.identity_of(house, customer_id, at=at)
        assert isinstance(view, dict)
        return {one["kind"]: one["outcome"] for one in reversed(view["checks"])}

    by_name = {"name_number", "document", "phone"}
    assert await outcomes(before) == dict.fromkeys(by_name | {"in_person"}, "pass")
    assert await outcomes(None) == {**dict.fromkeys(by_name, "unknown"), "in_person": "pass"}


async def test_a_restriction_leaves_decisions_to_people_and_the_customer_out_of_exports(
    house: House,
) -> None:
    counter = Counter(house)
    mine, other = await counter.apply(), await counter.apply()
    request = await asked(house, mine.customer_id, Right.RESTRICT)
    done = await answered(house, request)
    assert "exports_to_learn_from" in done["stopped"]
    assert "repayment" in done["goes_on"]
    async with house.database.connection() as connection:
        both = {mine.customer_id, other.customer_id}
        assert await restricted_among(connection, both) == {mine.customer_id}
        chosen = await chosen_by(connection, mine.customer_id)
        assert set(chosen.since) == {Choice.PERSON_DECIDES, Choice.STANDARD_OFFER}
        left = [
            row["customer_id"]
            async for page in read_dataset(connection, "applications", since=None, until=None)
            for row in page
        ]
    assert left == [other.customer_id]
    events = await rows(
        house, "SELECT payload FROM platform.outbox WHERE kind = 'rights_request' ORDER BY event_id"
    )
    assert [orjson.loads(event["payload"])["status"] for event in events] == [
        "identified",
        "answered",
    ]


async def test_a_key_that_outlived_its_erasure_is_found(house: House) -> None:
    customer_id = await Counter(house, persons=1).register("r")
    await rows(
        house,
        "INSERT INTO privacy.retention (customer_id, data_class, ended_on, state, changed_at)"
        " VALUES ($1, 'identity', '2010-01-01', 'erased', now() + interval '1 year')",
        customer_id,
    )
    async with house.database.connection() as connection:
        left = await keys_left(connection)
    assert {(item.customer_id, item.purpose) for item in left} == {
        (customer_id, "contact"),
        (customer_id, "identity"),
    }
