"""Consents in PostgreSQL: it counts uses, refuses what does not hold, and forgets nothing."""

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
import rfc8785
from tests.store.consent_desk import BUREAU, PURPOSE, Desk, open_desk

from counterfoil.consents import store
from counterfoil.consents.consent import Use, UsedConsent
from counterfoil.consents.giving import Choice
from counterfoil.consents.notice import SECONDS_PER_DAY, Level, Notices
from counterfoil.consents.state import Status, fold
from counterfoil.consents.subject import Identity, salt_of, subject_ref
from counterfoil.evidence.leaf import LeafType, commitment
from counterfoil.journeys import consent as journey
from counterfoil.journeys.consent_records import Given
from counterfoil.kernel.errors import Refused
from counterfoil.platform.batches import Answer
from counterfoil.privacy.data_keys import keys_of
from counterfoil.privacy.person_store import read_identities
from counterfoil.privacy.vault import Purpose


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(database_url, tmp_path) as opened:
        yield opened


async def rows(desk: Desk, query: str, *values: object) -> list[Any]:
    async with desk.house.database.connection() as connection:
        return [dict(row) for row in await connection.fetch(query, *values)]


async def events(desk: Desk, consent_id: int) -> list[str]:
    found = await rows(
        desk,
        "SELECT kind FROM consents.consent_event WHERE consent_id = $1 ORDER BY event_no",
        consent_id,
    )
    return [row["kind"] for row in found]


def code_of(outcome: object) -> str:
    assert isinstance(outcome, Refused), outcome
    return outcome.code


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
        keys = await keys_of(connection, desk.house.vault, [customer], Purpose.SUBJECT)
        particulars = await read_identities(connection, desk.house.vault, [customer])
    identity = Identity(**particulars[customer])
    salt = salt_of(keys[customer], first.record_id)
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


async def test_a_consent_once_used_is_used_up(desk: Desk) -> None:
    consent = await desk.give(await desk.register())
    used = await desk.use(consent)
    assert isinstance(used, UsedConsent)
    assert (used.use_no, used.consent.status) == (1, Status.USED_UP)
    assert used.consent.body == consent.body
    assert code_of(await desk.use(consent)) == "consent_used_up"
    assert await events(desk, consent.consent_id) == ["given", "used", "used_up"]


async def test_of_two_workers_at_once_the_database_lets_one_use_it(desk: Desk) -> None:
    consent = await desk.give(await desk.register())
    database = desk.house.database
    ready = asyncio.Barrier(2)

    async def worker(name: str) -> UsedConsent | Refused:
        async with database.transaction() as connection:
            await connection.fetchval("SELECT 1")
            await ready.wait()
            outcome = await journey.use_consent(
                desk.house,
                connection,
                customer_id=consent.customer_id,
                consent_id=consent.consent_id,
                purpose=consent.purpose,
                recipient=consent.recipient,
                by=name,
            )
            # Both are inside their transactions: the second waits for the first one's row.
            await asyncio.sleep(0.05)
            return outcome

    outcomes = await asyncio.gather(worker("a"), worker("b"))
    assert sorted(type(item).__name__ for item in outcomes) == ["Refused", "UsedConsent"]
    assert [code_of(item) for item in outcomes if isinstance(item, Refused)] == ["consent_used_up"]
    assert await events(desk, consent.consent_id) == ["given", "used", "used_up"]


async def test_a_use_that_is_rolled_back_was_none(desk: Desk) -> None:
    consent = await desk.give(await desk.register())

    async def use_and_fail() -> None:
        async with desk.house.database.transaction() as connection:
            await journey.use_consent(
                desk.house,
                connection,
                customer_id=consent.customer_id,
                consent_id=consent.consent_id,
                purpose=consent.purpose,
                recipient=consent.recipient,
                by="test",
            )
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await use_and_fail()
    assert isinstance(await desk.use(consent), UsedConsent)


async def test_each_reason_against_a_use_has_its_own_code(desk: Desk) -> None:
    customer, stranger = await desk.register(), await desk.register()
    consent = await desk.give(customer)
    assert code_of(await desk.use(consent, consent_id=17)) == "consent_not_found"
    assert code_of(await desk.use(consent, customer_id=stranger)) == "consent_of_another_person"
    assert (
        code_of(await desk.use(consent, purpose="inquiry_review")) == "consent_for_another_purpose"
    )
    assert (
        code_of(await desk.use(consent, recipient="other.example"))
        == "consent_for_another_recipient"
    )
    desk.wall.seconds -= 1
    assert code_of(await desk.use(consent)) == "consent_not_yet_valid"
    desk.wall.seconds += 1
    await desk.withdraw(consent)
    assert code_of(await desk.use(consent)) == "consent_withdrawn"
    assert await events(desk, consent.consent_id) == ["given", "withdrawn"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"purpose": "inquiry_review"}, "consent_for_another_purpose"),
        ({"recipient": "other.example"}, "consent_for_another_recipient"),
        ({"now": -1}, "consent_not_yet_valid"),
        ({"now": 30 * SECONDS_PER_DAY + 1}, "consent_expired"),
        ({"versions": [2, 3]}, "consent_outdated"),
        ({"versions": []}, "consent_outdated"),
    ],
)
async def test_the_statement_itself_holds_every_condition(
    desk: Desk, changes: dict[str, Any], code: str
) -> None:
    consent = await desk.give(await desk.register())
    use = Use(
        customer_id=consent.customer_id,
        consent_id=consent.consent_id,
        purpose=changes.get("purpose", consent.purpose),
        recipient=changes.get("recipient", consent.recipient),
        now=consent.not_before + changes.get("now", 0),
        by="test",
    )
    async with desk.house.database.transaction() as connection:
        outcome = await store.use_consent(
            connection, use, notice_versions=changes.get("versions", [1])
        )
    assert code_of(outcome) == code


async def test_a_clock_that_steps_back_does_not_revive_what_expired(desk: Desk) -> None:
    consent = await desk.give(await desk.register())
    desk.wall.seconds = consent.not_after + 1
    assert code_of(await desk.use(consent)) == "consent_expired"
    desk.wall.seconds = consent.not_after
    assert code_of(await desk.use(consent)) == "consent_expired"
    assert await events(desk, consent.consent_id) == ["given", "expired"]


async def test_the_last_second_of_the_window_counts(desk: Desk) -> None:
    consent = await desk.give(await desk.register())
    desk.wall.seconds = consent.not_after
    assert await journey.expire_consents(desk.house) == 0
    assert isinstance(await desk.use(consent), UsedConsent)


async def test_the_close_of_day_ends_what_is_over_and_nothing_else(desk: Desk) -> None:
    customer = await desk.register()
    over, used = await desk.give(customer), await desk.give(customer)
    await desk.use(used)
    running = await desk.give(customer, "reporting")
    desk.wall.seconds = over.not_after + 1
    assert await journey.expire_consents(desk.house) == 1
    assert await journey.expire_consents(desk.house) == 0
    stored = [await desk.stored(customer, item.consent_id) for item in (over, used, running)]
    assert [item.status for item in stored] == [Status.EXPIRED, Status.USED_UP, Status.GIVEN]


async def test_a_periodic_consent_is_counted_by_period_and_never_backwards(desk: Desk) -> None:
    consent = await desk.give(await desk.register(), "inquiry-review")
    period = 90 * SECONDS_PER_DAY
    assert isinstance(await desk.use(consent), UsedConsent)
    desk.wall.seconds += period - 1
    assert code_of(await desk.use(consent)) == "consent_used_up"
    desk.wall.seconds += 1
    second = await desk.use(consent)
    assert isinstance(second, UsedConsent)
    assert (second.use_no, second.consent.status) == (2, Status.GIVEN)
    desk.wall.seconds -= 1
    assert code_of(await desk.use(consent)) == "consent_used_up"


async def test_a_consent_for_an_application_is_for_no_other(desk: Desk) -> None:
    customer = await desk.register()
    consent = await desk.give(customer)
    prepared = await journey.prepare_consents(
        desk.house, [desk.wish(customer, application_id=consent.consent_id)]
    )
    async with desk.house.database.transaction() as connection:
        await journey.store_consents(connection, prepared)
    [given] = prepared.answers
    assert isinstance(given, Given)
    assert given.consent is not None
    for other in (None, consent.consent_id + 1):
        outcome = await desk.use(given.consent, application_id=other)
        assert code_of(outcome) == "consent_for_another_application"
    used = await desk.use(given.consent, application_id=consent.consent_id)
    assert isinstance(used, UsedConsent)


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


async def test_a_refused_notice_is_kept_as_refused_and_asks_nothing_of_the_person(
    desk: Desk,
) -> None:
    customer = await desk.register()
    wish = desk.wish(
        customer,
        "marketing",
        choice=Choice.REFUSED,
        display={"dwell_ms": 0},
        authentication=desk.authentication(level=Level.LOW, at=0),
    )
    outcome = await desk.ask(wish)
    assert isinstance(outcome, Answer)
    assert orjson.loads(outcome.text)["status"] == "refused"
    async with desk.house.database.connection() as connection:
        [kept] = await store.read_refused(connection, customer)
    assert (kept.notice_code, kept.choice) == ("marketing", "refused")
    consents, refused = await journey.consents_of(desk.house, customer)
    assert (consents, refused) == ([], [kept])
    # It stops nothing that does not need it.
    assert isinstance(await desk.use(await desk.give(customer)), UsedConsent)


async def test_one_screen_stands_for_one_decision(desk: Desk) -> None:
    customer = await desk.register()
    wish = desk.wish(customer)
    assert isinstance(await desk.ask(wish), Answer)
    bundled = replace(
        desk.wish(customer, "marketing"),
        display=desk.display("marketing", screen_sha256=wish.display.screen_sha256),
    )
    assert code_of(await desk.ask(bundled)) == "consent_bundled"
    outcomes = await asyncio.gather(*(desk.ask(desk_wish) for desk_wish in [
        replace(item, display=replace(item.display, screen_sha256=bytes([9] * 32)))
        for item in (desk.wish(customer), desk.wish(customer))
    ]))  # fmt: skip
    assert sorted(type(item).__name__ for item in outcomes) == ["Answer", "Refused"]


async def test_a_running_consent_is_confirmed_and_becomes_neither_wider_nor_longer(
    desk: Desk,
) -> None:
    consent = await desk.give(await desk.register(), "reporting")

    async def confirm(**changes: Any) -> Answer | Refused:
        return await journey.reconfirm(
            desk.house,
            customer_id=consent.customer_id,
            consent_id=consent.consent_id,
            display=desk.display("reporting", **changes),
            authentication=desk.authentication(),
            channel="portal",
            idempotency_key=f"confirm-{changes}",
        )

    assert isinstance(await confirm(), Answer)
    assert code_of(await confirm(dwell_ms=1)) == "consent_dwell_too_short"
    after = await desk.stored(consent.customer_id, consent.consent_id)
    assert (after.body, after.not_after) == (consent.body, consent.not_after)
    assert await events(desk, consent.consent_id) == ["given", "reconfirmed"]
    await desk.withdraw(consent)
    assert code_of(await confirm(language="en")) == "consent_withdrawn"


def with_second_version(desk: Desk, **scope: Any) -> Desk:
    """Return a desk whose origination notice has a second version with another scope."""
    notices = desk.house.notices
    first = notices.version("inquiry-origination", 1)
    assert first is not None
    second = replace(
        first,
        version=2,
        valid_from=date(2026, 3, 1),
        scope=replace(first.scope, **scope),
        texts={
            language: replace(text, title=text.title + " 2")
            for language, text in first.texts.items()
        },
    )
    codes = ("credit-bureau", "lender-one", "funding-bank")
    parties = {code: notices.party(code) for code in codes}
    return replace(desk, house=replace(desk.house, notices=Notices([first, second], parties)))


@pytest.mark.parametrize(
    "wider",
    [
        {"data": frozenset({"credit_report", "contact"})},
        {"data_life_days": 31},
        {"onward": frozenset({"funding-bank"})},
    ],
)
async def test_a_wider_notice_needs_a_new_consent(desk: Desk, wider: dict[str, Any]) -> None:
    customer = await desk.register()
    consent = await desk.give(customer)
    later = with_second_version(desk, **wider)
    assert code_of(await later.use(consent)) == "consent_outdated"
    assert isinstance(await later.use(await later.give(customer)), UsedConsent)
    assert isinstance(await desk.use(consent), UsedConsent), "under its own version it holds"


async def test_a_narrower_notice_needs_none(desk: Desk) -> None:
    consent = await desk.give(await desk.register())
    later = with_second_version(desk, data_life_days=10, window_days=7)
    assert isinstance(await later.use(consent), UsedConsent)


async def test_a_version_whose_text_changed_is_refused_once_it_was_shown(desk: Desk) -> None:
    customer = await desk.register()
    await desk.give(customer)
    notices = desk.house.notices
    notice = notices.version("inquiry-origination", 1)
    assert notice is not None
    changed = replace(
        notice, texts={k: replace(v, title="Other words") for k, v in notice.texts.items()}
    )
    parties = {code: notices.party(code) for code in ("credit-bureau", "lender-one")}
    forged = replace(desk, house=replace(desk.house, notices=Notices([changed], parties)))
    assert code_of(await forged.ask(forged.wish(customer))) == "notice_changed"


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
