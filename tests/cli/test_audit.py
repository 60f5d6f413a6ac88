"""`counterfoil audit inquiries` finds each of the seven lies, and exactly that one."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.store.bureau_desk import BUREAU, LENDER, Desk, open_desk

from counterfoil.bureau.listing import (
    BureauList,
    ListInvalidError,
    read_list,
    write_list,
)
from counterfoil.consents.consent import Consent
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.opening_store import open_by_key
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.inquiring.audit_inquiries import Cause, audit_inquiries
from counterfoil.journeys.inquiring.inquiry_outcomes import Obtained
from counterfoil.simulator.bureau.faults import Fault
from counterfoil.simulator.bureau.populating import list_of

#: What an operator with the database in hand can do, and the application cannot.
UNLOCK = "ALTER TABLE bureau.inquiry DISABLE TRIGGER USER"


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(database_url, tmp_path) as opened:
        yield opened


async def three(desk: Desk) -> list[Consent]:
    """Three honest inquiries."""
    consents = [await desk.consent(await desk.person()) for _ in range(3)]
    for consent in consents:
        assert isinstance(await desk.ask(consent), Obtained)
    await numbered(desk)
    return consents


async def numbered(desk: Desk) -> None:
    """Wait until no leaf is staged any more; then the log rests."""
    while await desk.rows("SELECT 1 FROM evidence.leaf_staged LIMIT 1"):
        await desk.log.house.log.read()
    await desk.halt_log()


def theirs(desk: Desk) -> BureauList:
    return list_of(desk.bureau.books, BUREAU, LENDER, through=desk.wall.seconds)


async def causes(desk: Desk) -> list[str]:
    found = await audit_inquiries(desk.house, theirs(desk))
    return [one.cause.value for one in found.findings]


async def test_honest_inquiries_have_no_exception(desk: Desk) -> None:
    await three(desk)
    found = await audit_inquiries(desk.house, theirs(desk))
    assert found.findings == []
    assert (found.examined, found.listed, found.usage.customers) == (3, 3, 3)
    assert (await audit_inquiries(desk.house)).findings == []


async def test_outcomes_of_every_kind_are_honest_ones(desk: Desk) -> None:
    for fault in (Fault.MALFORMED, Fault.REFUSES, Fault.ANSWER_LOST):
        await desk.ask(await desk.consent(await desk.person(fault)))
    withdrawn = await desk.consent(await desk.person())
    await desk.consents.withdraw(withdrawn)
    await desk.ask(withdrawn)
    await numbered(desk)
    assert await causes(desk) == []


# The seven


async def without_consent(desk: Desk, consent: Consent) -> None:
    await desk.run(
        "SET LOCAL session_replication_role = replica",
        f"DELETE FROM consents.consent WHERE consent_id = {consent.consent_id}",
    )


async def reused_consent(desk: Desk, consent: Consent) -> None:
    """A copy of the inquiry on the same consent, with leaves of its own that say so."""
    [inquiry] = await desk.inquiries(consent.customer_id)
    await desk.run(
        UNLOCK,
        f"UPDATE bureau.inquiry SET use_no = 2 WHERE inquiry_id = {inquiry.inquiry_id}",
    )


async def wrong_purpose(desk: Desk, consent: Consent) -> None:
    await desk.run(
        UNLOCK,
        f"UPDATE bureau.inquiry SET purpose = 'marketing' WHERE consent_id = {consent.consent_id}",
    )


async def missing_leaf(desk: Desk, consent: Consent) -> None:
    [inquiry] = await desk.inquiries(consent.customer_id)
    await desk.run(
        "SET LOCAL session_replication_role = replica",
        f"DELETE FROM evidence.leaf WHERE leaf_id = {inquiry.intent_leaf_id}",
    )


async def altered_leaf(desk: Desk, consent: Consent) -> None:
    [inquiry] = await desk.inquiries(consent.customer_id)
    await desk.run(
        "SET LOCAL session_replication_role = replica",
        "UPDATE evidence.leaf SET commitment = sha256(commitment) "
        f"WHERE leaf_id = {inquiry.intent_leaf_id}",
    )


async def withheld_result(desk: Desk, consent: Consent) -> None:
    """The report is made to vanish, the outcome with it."""
    [inquiry] = await desk.inquiries(consent.customer_id)
    key = f"inquiry_id = {inquiry.inquiry_id}"
    await desk.run(
        "SET LOCAL session_replication_role = replica",
        f"DELETE FROM bureau.report WHERE {key}",
        "UPDATE bureau.inquiry SET state = 'intent', outcome_leaf_id = NULL, ended_at = NULL, "
        f"bureau_reference = NULL, sealed_sha256 = NULL WHERE {key}",
    )
    desk.wall.ahead += 3_600


async def not_ours(desk: Desk, consent: Consent) -> None:
    [inquiry] = await desk.inquiries(consent.customer_id)
    key = f"inquiry_id = {inquiry.inquiry_id}"
    await desk.run(
        "SET LOCAL session_replication_role = replica",
        f"DELETE FROM bureau.report WHERE {key}",
        f"DELETE FROM bureau.inquiry WHERE {key}",
    )


Plant = Callable[[Desk, Consent], Awaitable[None]]

SEVEN: list[tuple[Cause, Plant]] = [
    (Cause.WITHOUT_CONSENT, without_consent),
    (Cause.CONSENT_REUSED, reused_consent),
    (Cause.PURPOSE_WRONG, wrong_purpose),
    (Cause.LEAF_MISSING, missing_leaf),
    (Cause.LEAF_ALTERED, altered_leaf),
    (Cause.RESULT_WITHHELD, withheld_result),
    (Cause.NOT_OURS, not_ours),
]


@pytest.mark.parametrize(("cause", "plant"), SEVEN, ids=[cause.value for cause, _ in SEVEN])
async def test_each_lie_is_found_and_nothing_else(desk: Desk, cause: Cause, plant: Plant) -> None:
    consents = await three(desk)
    await plant(desk, consents[1])
    found = await audit_inquiries(desk.house, theirs(desk))
    assert [one.cause for one in found.findings] == [cause]
    [one] = found.findings
    assert one.customer_id in {None, consents[1].customer_id}


async def test_an_inquiry_that_was_taken_out_of_the_journal_is_found_by_the_log_alone(
    desk: Desk,
) -> None:
    """Nobody has to hold the bureau's list for it; with the list it is told once."""
    consents = await three(desk)
    [gone] = await desk.inquiries(consents[1].customer_id)
    await not_ours(desk, consents[1])
    [one] = (await audit_inquiries(desk.house)).findings
    assert (one.cause, one.jti, one.inquiry_id) == (
        Cause.NOT_IN_JOURNAL, gone.jti, gone.inquiry_id,
    )  # fmt: skip
    assert await causes(desk) == [Cause.NOT_OURS]


# What else an auditor has to see


async def test_a_use_that_the_bureau_counts_otherwise_is_found(desk: Desk) -> None:
    await three(desk)
    listed = theirs(desk)
    changed = replace(listed.inquiries[0], sealed_sha256=bytes(32))
    other = replace(listed, inquiries=(changed, *listed.inquiries[1:]))
    found = await audit_inquiries(desk.house, other)
    assert [(one.cause, one.detail) for one in found.findings] == [(Cause.LIST_DIFFERS, "sealed")]


async def test_an_answer_that_the_bureau_does_not_list_is_found(desk: Desk) -> None:
    await three(desk)
    listed = theirs(desk)
    found = await audit_inquiries(desk.house, replace(listed, inquiries=listed.inquiries[1:]))
    assert [one.cause for one in found.findings] == [Cause.NOT_LISTED]
    # What lies outside of what the list covers is not missed.
    later = replace(listed, inquiries=(), since=listed.through + 1, through=listed.through + 1)
    assert (await audit_inquiries(desk.house, later)).findings == []


async def test_an_opening_that_was_tampered_with_is_an_altered_leaf(desk: Desk) -> None:
    [consent, *_] = await three(desk)
    await desk.run(
        "SET LOCAL session_replication_role = replica",
        "UPDATE evidence.leaf SET sealed = sealed || '\\x00' "
        f"WHERE customer_id = {consent.customer_id} AND leaf_type = 3",
    )
    assert await causes(desk) == [Cause.LEAF_ALTERED]


async def test_a_damaged_key_is_told_of_its_customer_and_the_rest_is_audited(desk: Desk) -> None:
    [consent, *_] = await three(desk)
    await desk.run(
        "UPDATE privacy.data_key SET wrapped_key = wrapped_key || '\\x00' "
        f"WHERE purpose = 'evidence' AND customer_id = {consent.customer_id}",
    )
    found = await audit_inquiries(desk.house, theirs(desk))
    assert [(one.cause, one.customer_id) for one in found.findings] == [
        (Cause.LEAF_ALTERED, consent.customer_id)
    ]
    assert "damaged" in found.findings[0].detail
    assert found.examined == 3
    assert desk.house.vault.rejections.total > 0


async def test_what_nobody_can_read_any_more_needs_the_leaf_of_an_erasure(desk: Desk) -> None:
    """Once with it and once without; the third has a leaf that says nothing of erasure."""
    consents = [await desk.consent(await desk.person()) for _ in range(3)]
    for consent in consents:
        assert isinstance(await desk.ask(consent), Obtained)
    erased, _, other = consents
    leaves = [
        await stage(desk, erased, LeafType.ERASED),
        await stage(desk, other, LeafType.OPENED),
    ]
    await numbered(desk)
    keys = ", ".join(str(consent.customer_id) for consent in consents)
    await desk.run(
        "DELETE FROM privacy.data_key WHERE purpose IN ('evidence', 'report') "
        f"AND customer_id IN ({keys})",
        *(
            f"INSERT INTO privacy.erasure VALUES ({consent.customer_id}, {leaf_id}, "
            f"'consent_evidence', 'R002', 2, now(), 1, 'a', now(), {leaf_id})"
            for consent, leaf_id in zip((erased, other), leaves, strict=True)
        ),
    )
    found = await audit_inquiries(desk.house, theirs(desk))
    assert {(one.cause, one.customer_id) for one in found.findings} == {
        (Cause.OPENING_GONE, consent.customer_id) for consent in consents[1:]
    }


async def stage(desk: Desk, consent: Consent, kind: LeafType) -> int:
    """Write a leaf of a customer; return its identifier."""
    leaf_id = desk.house.ids.next()
    leaf = desk.house.leaves.stage(consent.customer_id, leaf_id, kind, leaf_id, {"what": "keys"})
    async with desk.house.database.connection() as connection:
        await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])
    return leaf_id


async def test_an_inquiry_outside_its_consents_life_is_found(desk: Desk) -> None:
    over, withdrawn, _ = await three(desk)
    desk.log_runs.set()
    await desk.consents.withdraw(withdrawn)
    await numbered(desk)
    assert await causes(desk) == [], "a consent may be withdrawn after its use"
    inquiry, *_ = await desk.inquiries(withdrawn.customer_id)
    places = f"CASE leaf_id WHEN {inquiry.intent_leaf_id} THEN 1000001 ELSE 1000002 END"
    written = f"{inquiry.intent_leaf_id}, {inquiry.outcome_leaf_id}"
    await desk.run(
        "SET LOCAL session_replication_role = replica",
        f"UPDATE evidence.leaf SET idx = {places} WHERE leaf_id IN ({written})",
        "UPDATE bureau.inquiry SET asked_at = asked_at - 86400 "
        f"WHERE consent_id = {over.consent_id}",
    )
    found = await audit_inquiries(desk.house, theirs(desk))
    assert [(one.cause, one.customer_id) for one in found.findings] == [
        (Cause.CONSENT_ENDED, over.customer_id),
        (Cause.CONSENT_ENDED, withdrawn.customer_id),
    ]


async def test_a_leaf_outside_the_tree_is_found_by_the_roots(desk: Desk) -> None:
    """One that nobody audits by its opening, and one that waits for its number too long."""
    [consent, *_] = await three(desk)
    other = await stage(desk, consent, LeafType.DECISION)
    desk.log_runs.set()
    await numbered(desk)
    assert (await audit_inquiries(desk.house)).is_sound
    await desk.run(
        "SET LOCAL session_replication_role = replica",
        f"UPDATE evidence.leaf SET commitment = sha256('another') WHERE leaf_id = {other}",
    )
    found = await audit_inquiries(desk.house, theirs(desk))
    assert found.findings == []
    assert not found.is_sound
    assert "another root" in found.log_faults[0]
    [inquiry] = await desk.inquiries(consent.customer_id)
    key = (consent.customer_id, inquiry.outcome_leaf_id or 0)
    async with desk.house.database.connection() as connection:
        leaf = (await open_by_key(connection, desk.house.vault, [key]))[key]
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(
            "WITH gone AS (DELETE FROM evidence.leaf WHERE leaf_id = $1 RETURNING *) "
            "INSERT INTO evidence.leaf_staged (customer_id, leaf_id, leaf_type, subject_id, salt, "
            "commitment, created, checkpoint_size, body) SELECT customer_id, leaf_id, leaf_type, "
            "subject_id, $2, commitment, created, checkpoint_size, $3 FROM gone",
            key[1],
            leaf.salt,
            leaf.body,
        )
        await connection.execute("RESET session_replication_role")
    assert await causes(desk) == [], "a moment is nothing"
    desk.wall.ahead += 3_600
    found = await audit_inquiries(desk.house, theirs(desk))
    [one] = found.findings
    assert one.cause is Cause.LEAF_MISSING
    assert "waits for its number" in one.detail
    [fault] = found.log_faults
    assert "there are" in fault


async def test_an_intent_after_its_outcome_is_found(desk: Desk) -> None:
    [consent, *_] = await three(desk)
    [inquiry] = await desk.inquiries(consent.customer_id)
    one, other = inquiry.intent_leaf_id, inquiry.outcome_leaf_id
    await desk.run(
        "SET LOCAL session_replication_role = replica",
        "UPDATE evidence.leaf AS l SET idx = 1000000 + o.idx FROM evidence.leaf AS o "
        f"WHERE l.leaf_id = {one} AND o.leaf_id = {other}",
    )
    assert await causes(desk) == [Cause.ORDER_WRONG]


# The command


def command(home: Path, url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("counterfoil"), "audit", "inquiries", *arguments],
        env={**os.environ, "COUNTERFOIL_HOME": str(home), "COUNTERFOIL_DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )


async def test_the_command_ends_with_one_while_there_is_an_exception(
    desk: Desk, database_url: str, tmp_path: Path
) -> None:
    consents = await three(desk)
    path = tmp_path / "list.jsonl"
    path.write_text(write_list(theirs(desk)), encoding="utf-8")
    arguments = ("--bureau-list", str(path))
    clean = command(tmp_path, database_url, *arguments)
    assert clean.returncode == 0, clean.stderr
    assert "3 inquiries about 3 customers, 3 on the bureau's list" in clean.stdout
    await altered_leaf(desk, consents[0])
    found = command(tmp_path, database_url, *arguments, "--json")
    assert found.returncode == 1
    [finding] = json.loads(found.stdout)["findings"]
    assert finding["cause"] == "leaf_altered"
    assert finding["inquiry_id"].startswith("iq_")
    assert "leaf altered" in command(tmp_path, database_url).stdout.replace("_", " ")
    path.write_text("nonsense\n", encoding="utf-8")
    refused = command(tmp_path, database_url, *arguments)
    assert refused.returncode == 1
    assert "not a bureau's list" in refused.stderr


# The list itself


def test_a_list_is_read_as_it_was_written() -> None:
    listed = BureauList(bureau=BUREAU, issuer=LENDER, since=1, through=2, inquiries=())
    assert read_list(write_list(listed)) == listed


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]\n",
        '{"bureau": "b"}\n',
        '{"bureau": "b", "issuer": "i", "since": 1, "through": true}\n',
        '{"bureau": "b", "issuer": "i", "since": 1, "through": 2}\n{}\n',
    ],
)
def test_what_is_no_list_is_refused(text: str) -> None:
    with pytest.raises(ListInvalidError):
        read_list(text)


def test_a_hash_that_is_none_is_refused() -> None:
    header = '{"bureau": "b", "issuer": "i", "since": 1, "through": 2}\n'
    fields = {
        "at": 1,
        "consent": "c",
        "consent_sha256": "zz",
        "jti": "j",
        "price_minor": 1,
        "purpose": "p",
        "reason": "02",
        "reference": "r",
        "sealed_sha256": "00",
        "use_no": 1,
    }
    with pytest.raises(ListInvalidError, match="hexadecimal"):
        read_list(header + json.dumps(fields) + "\n")
