"""Consents in PostgreSQL: given, withdrawn, and kept as they were."""

import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
import rfc8785
from tests.store.consent_desk import BUREAU, PURPOSE, Desk, code_of, events, open_desk, rows

from counterfoil.consents import store
from counterfoil.consents.giving import Choice
from counterfoil.consents.notice import SECONDS_PER_DAY, Level
from counterfoil.consents.state import Status, fold
from counterfoil.consents.subject import Identity, salt_of, subject_ref
from counterfoil.evidence.leaf import LeafType, commitment
from counterfoil.journeys.consenting import consent as journey
from counterfoil.journeys.consenting.consent_records import Given
from counterfoil.platform.access_matrix import reading
from counterfoil.platform.batches import Answer
from counterfoil.privacy.data_keys import key_of
from counterfoil.privacy.person_store import read_identity
from counterfoil.privacy.vault import Purpose


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(database_url, tmp_path) as opened:
        yield opened


async def test_a_consent_is_kept_with_its_text_its_leaf_and_its_first_event(desk: Desk) -> None:
    customer = await desk.register()
    consent = await desk.give(customer)
    record = orjson.loads(consent.body)
    assert consent.body == rfc8785.dumps(record)
    assert len(consent.body) <= 1_300
    assert consent.sha256 == sha256(consent.body).digest()
    assert record["purpose"]["code"] == PURPOSE
    assert record["recipient"] == BUREAU
    assert record["use"] == {"kind": "ONE_TIME", "max": 1}
    assert record["not_after"] - record["not_before"] == 30 * SECONDS_PER_DAY
    assert record["created"] == desk.wall.seconds
    [text] = await rows(desk, "SELECT * FROM consents.notice_text")
    assert sha256(text["text"].encode()).digest() == text["sha256"]
    [leaf] = await rows(desk, "SELECT * FROM evidence.leaf_staged WHERE leaf_type = 1")
    assert leaf["body"] == consent.body
    assert leaf["subject_id"] == consent.consent_id
    assert leaf["leaf_id"] == consent.leaf_id
    assert leaf["commitment"] == commitment(LeafType.CONSENT_GIVEN, leaf["salt"], consent.body)
    assert await events(desk, consent.consent_id) == ["given"]


async def test_the_subject_is_tied_to_the_person_by_its_opening_alone(desk: Desk) -> None:
    customer = await desk.register()
    first, second = await desk.give(customer), await desk.give(customer)
    refs = [orjson.loads(item.body)["subject_ref"] for item in (first, second)]
    assert refs[0] != refs[1], "two recipients cannot see that it is the same person"
    async with desk.house.database.connection() as connection:
        key = await key_of(
            connection, desk.house.vault, customer, Purpose.SUBJECT, reading("consent")
        )
        particulars = await read_identity(
            connection, desk.house.vault, customer, reading("consent")
        )
    identity = Identity(**particulars or {})
    salt = salt_of(key, first.record_id)
    assert base64.b64decode(refs[0]) == subject_ref(salt, identity)
    wrong = replace(identity, id_number="11010519491231002X")
    assert base64.b64decode(refs[0]) != subject_ref(salt, wrong)
    # Nothing of the person stands in the room's tables or in the leaf.
    for table in ("consents.consent", "consents.decision", "evidence.leaf_staged"):
        for row in await rows(desk, f"SELECT * FROM {table}"):
            assert identity.id_number not in str(row)
            assert identity.name.encode() not in b"".join(
                value for value in row.values() if isinstance(value, bytes)
            )


async def test_the_same_key_gives_the_same_answer_and_one_consent(desk: Desk) -> None:
    wish = desk.wish(await desk.register())
    first, again = await desk.ask(wish, key="once"), await desk.ask(wish, key="once")
    assert isinstance(first, Answer)
    assert isinstance(again, Answer)
    assert (first.text, again.is_replay) == (again.text, True)
    assert len(await rows(desk, "SELECT consent_id FROM consents.consent")) == 1
    other = replace(wish, display=desk.display(wish.notice_code))
    assert code_of(await desk.ask(other, key="once")) == "idempotency_key_reused"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"notice_code": "newsletter"}, "notice_not_found"),
        ({"notice_version": 7}, "notice_outdated"),
        ({"display": {"text_sha256": bytes(32)}}, "notice_text_mismatch"),
        ({"display": {"language": "fr"}}, "notice_text_mismatch"),
        ({"is_preselected": True}, "consent_pre_ticked"),
        ({"display": {"dwell_ms": 4_999}}, "consent_dwell_too_short"),
        ({"not_before": -301}, "consent_in_the_past"),
        ({"not_after": -1}, "consent_in_the_past"),
        ({"not_after": 0}, "consent_in_the_past"),
        ({"not_after": 30 * SECONDS_PER_DAY + 1}, "consent_too_long"),
        ({"not_before": 20 * SECONDS_PER_DAY, "not_after": 31 * SECONDS_PER_DAY},
         "consent_too_long"),
        ({"authentication": {"level": Level.LOW}}, "consent_authentication_weak"),
        ({"authentication": {"at": -3_601}}, "consent_authentication_stale"),
        ({"authentication": {"at": 301}}, "consent_authentication_stale"),
        ({"application_id": 1}, "application_not_found"),
        ({"customer_id": 1}, "customer_not_found"),
    ],
)  # fmt: skip
async def test_what_cannot_be_a_consent_is_refused_and_nothing_is_written(
    desk: Desk, changes: dict[str, Any], code: str
) -> None:
    customer = await desk.register()
    now = desk.wall.seconds
    dated: dict[str, Any] = {
        name: changes[name] + now for name in ("not_before", "not_after") if name in changes
    }
    if "authentication" in changes:
        proof = {**changes["authentication"]}
        if "at" in proof:
            proof["at"] += now
        dated["authentication"] = desk.authentication(**proof)
    wish = replace(
        desk.wish(customer, display=changes.get("display", {})),
        **{name: value for name, value in {**changes, **dated}.items() if name != "display"},
    )
    assert code_of(await desk.ask(wish)) == code
    assert await rows(desk, "SELECT decision_id FROM consents.decision") == []
    assert await rows(desk, "SELECT seq FROM evidence.leaf_staged WHERE leaf_type = 1") == []


@pytest.mark.parametrize(
    "changes",
    [
        {"not_after": 30 * SECONDS_PER_DAY},
        {"not_after": 1},
        {"not_before": -300},
        {"display": {"dwell_ms": 5_000}},
        {"display": {"language": "en"}},
    ],
)
async def test_what_lies_just_within_the_bounds_is_kept(
    desk: Desk, changes: dict[str, Any]
) -> None:
    now = desk.wall.seconds
    dated: dict[str, Any] = {
        name: changes[name] + now for name in ("not_before", "not_after") if name in changes
    }
    consent = await desk.give(await desk.register(), **{**changes, **dated})
    assert consent.not_before >= consent.created == now


async def test_withdrawing_is_one_step_at_once_and_says_what_stops_and_what_stays(
    desk: Desk,
) -> None:
    consent = await desk.give(await desk.register(), display={"language": "en"})
    first = await desk.withdraw(consent, key="w")
    again = await desk.withdraw(consent, key="w2")
    assert isinstance(first, Answer)
    assert isinstance(again, Answer)
    answer = orjson.loads(first.text)
    assert answer == orjson.loads(again.text)
    assert answer["stops"].startswith("Your report is not asked for")
    assert "kept for as long as the law asks" in answer["keeps"]
    leaves = await rows(
        desk, "SELECT leaf_type, body FROM evidence.leaf_staged WHERE leaf_type < 3 ORDER BY seq"
    )
    assert [leaf["leaf_type"] for leaf in leaves] == [1, 2]
    body = orjson.loads(leaves[1]["body"])
    assert (body["consent"], body["channel"]) == (consent.record, "portal")
    assert (await desk.stored(consent.customer_id, consent.consent_id)).withdrawn_at is not None
    stranger = await desk.register()
    outcome = await desk.withdraw(replace(consent, customer_id=stranger))
    assert code_of(outcome) == "consent_of_another_person"


async def test_the_leaf_of_a_withdrawal_is_written_before_the_state_changes(desk: Desk) -> None:
    consent = await desk.give(await desk.register())
    async with desk.house.database.connection() as connection:
        await connection.execute(
            """CREATE FUNCTION public.look() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF (SELECT count(*) FROM evidence.leaf_staged WHERE leaf_type = 2) <> 1 THEN
                    RAISE EXCEPTION 'no leaf yet';
                END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER looks BEFORE UPDATE ON consents.consent
            FOR EACH ROW EXECUTE FUNCTION public.look()"""
        )
    assert isinstance(await desk.withdraw(consent), Answer)


async def test_what_was_used_or_is_over_can_still_be_withdrawn(desk: Desk) -> None:
    customer = await desk.register()
    used, over = await desk.give(customer), await desk.give(customer)
    await desk.use(used)
    desk.wall.seconds = over.not_after + 1
    await journey.expire_consents(desk.house)
    for consent in (used, over):
        assert isinstance(await desk.withdraw(consent), Answer)
        stored = await desk.stored(customer, consent.consent_id)
        assert stored.status is Status.WITHDRAWN
        assert code_of(await desk.use(consent)) == "consent_withdrawn"


async def test_many_consents_are_given_in_sets_and_one_refusal_leaves_the_others(
    desk: Desk,
) -> None:
    people = [await desk.register() for _ in range(4)]
    wishes = [desk.wish(person, code) for person in people for code in ("reporting", "marketing")]
    wishes[3] = replace(wishes[3], is_preselected=True)
    wishes[5] = replace(wishes[5], choice=Choice.REFUSED)
    wishes.append(replace(wishes[0]))
    wishes.append(desk.wish(1))
    answers = await journey.give_many(desk.house, wishes)
    assert len(answers) == len(wishes)
    assert code_of(answers[3]) == "consent_pre_ticked"
    assert code_of(answers[8]) == "consent_bundled"
    assert code_of(answers[9]) == "consent_without_identity"
    given = [item for item in answers if isinstance(item, Given)]
    assert [item.consent is None for item in given] == [False] * 4 + [True] + [False] * 2
    assert len(await rows(desk, "SELECT seq FROM evidence.leaf_staged WHERE leaf_type = 1")) == 6
    again = await journey.give_many(desk.house, wishes)
    assert {code_of(item) for item in again[:3]} == {"consent_bundled"}


async def test_a_damaged_key_keeps_back_its_own_customers_consents_alone(desk: Desk) -> None:
    """The key of the identity, that of the commitment, and a key that is gone."""
    first, second, third, fourth = [await desk.register() for _ in range(4)]
    await desk.give(second, "inquiry-review")
    for customer, purpose in ((first, "identity"), (second, "subject")):
        await rows(
            desk,
            "UPDATE privacy.data_key SET wrapped_key = wrapped_key || '\\x00'"
            f" WHERE customer_id = {customer} AND purpose = '{purpose}'",
        )
    await rows(desk, f"DELETE FROM privacy.data_key WHERE customer_id = {third}")
    wishes = [desk.wish(customer) for customer in (first, second, third, fourth)]
    answers = await journey.give_many(desk.house, wishes)
    assert [code_of(one) for one in answers[:3]] == [
        "ciphertext_rejected",
        "ciphertext_rejected",
        "consent_without_identity",
    ]
    assert isinstance(answers[3], Given)


async def test_the_row_is_the_fold_of_its_events(desk: Desk) -> None:
    customer = await desk.register()
    review = await desk.give(customer, "inquiry-review")
    await desk.use(review)
    desk.wall.seconds += 200 * SECONDS_PER_DAY
    await desk.use(review)
    await desk.withdraw(review)
    origination = await desk.give(customer)
    await desk.use(origination)
    await desk.withdraw(origination)
    async with desk.house.database.connection() as connection:
        for consent in await store.read_consents(connection, customer):
            notice = desk.house.notices.version(consent.notice_code, consent.notice_version)
            assert notice is not None
            found = await store.read_events(
                connection, customer_id=customer, consent_id=consent.consent_id
            )
            assert fold(notice.scope, consent.not_before, found) == consent.state


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM consents.consent_event",
        "UPDATE consents.consent_event SET kind = 'used'",
        "DELETE FROM consents.decision",
        "UPDATE consents.decision SET dwell_ms = 60000",
        "DELETE FROM consents.notice_text",
        "UPDATE consents.notice_text SET text = text || ' '",
        "DELETE FROM consents.consent",
        "TRUNCATE consents.consent CASCADE",
        "UPDATE consents.consent SET recipient = 'other.example', events = events + 1",
        "UPDATE consents.consent SET not_after = not_after + 1, events = events + 1",
        "UPDATE consents.consent SET uses = uses + 1",
        "UPDATE consents.consent SET status = 'given', ended_at = NULL, uses = 0",
        # Without its event: caught when the transaction ends.
        "UPDATE consents.consent SET status = 'expired', ended_at = 1, events = events + 1",
    ],
)
async def test_nothing_is_overwritten_or_deleted_even_by_hand(desk: Desk, statement: str) -> None:
    consent = await desk.give(await desk.register())
    if "given" in statement:
        await desk.use(consent)
    before = await desk.stored(consent.customer_id, consent.consent_id)
    with pytest.raises(asyncpg.PostgresError):
        async with desk.house.database.transaction() as connection:
            await connection.execute(statement)
    assert await desk.stored(consent.customer_id, consent.consent_id) == before


COPY = """
INSERT INTO consents.decision
SELECT customer_id, decision_id + 1, choice, notice_code, notice_version, language, text_sha256,
       {screen}, {dwell}, reading_ms_min, {ticked}, method, level, authenticated_at,
       evidence_sha256, channel, decided_at
FROM consents.decision
"""


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"ticked": "true"}, "consent_pre_ticked"),
        ({"dwell": "4999"}, "consent_dwell_too_short"),
        ({"screen": "screen_sha256"}, "consent_bundled"),
    ],
)
async def test_the_schema_itself_refuses_what_is_no_consent(
    desk: Desk, changes: dict[str, str], constraint: str
) -> None:
    await desk.give(await desk.register())
    parts = {"ticked": "false", "dwell": "5000", "screen": "sha256(screen_sha256)"}
    async with desk.house.database.connection() as connection:
        with pytest.raises(asyncpg.IntegrityConstraintViolationError) as broken:
            await connection.execute(COPY.format(**parts | changes))
        assert broken.value.constraint_name == constraint
        await connection.execute(COPY.format(**parts))


async def test_without_the_key_service_nothing_is_given_and_nothing_is_lost(desk: Desk) -> None:
    customer = await desk.register()
    keys = desk.house.settings.home / "keys"
    away = keys.with_name("keys-away")
    keys.rename(away)
    wish = desk.wish(customer)
    assert code_of(await desk.ask(wish, key="k")) == "key_service_unavailable"
    assert await rows(desk, "SELECT decision_id FROM consents.decision") == []
    away.rename(keys)
    assert isinstance(await desk.ask(wish, key="k"), Answer)
