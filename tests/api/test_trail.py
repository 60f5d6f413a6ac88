"""Every write of a program is told: done, refused or asked for again, by whom and from where."""

import asyncio
from typing import Any

import pytest
from tests.api.conftest import Json, Site, new_key
from tests.api.test_access import described, sample

from counterfoil.api.app import WRITES
from counterfoil.api.openapi_parts import parameters_of
from counterfoil.api.resources.commands import CommandsBody
from counterfoil.api.writes import Write
from counterfoil.journeys.trail import anchor_commands, check_trail, find_trail
from counterfoil.kernel import ids
from counterfoil.platform import trail_book
from counterfoil.platform.access import Scope
from counterfoil.platform.trail import Entry, Wanted

TRAIL = "/v1/trail"
#: Closing a day is shown by tests of its own, and takes its time.
ELSEWHERE = {"close_day"}


async def lines_after(site: Site, trail_id: int) -> list[Entry]:
    """Return what was written since, newest first."""
    found = await find_trail(site.house, Wanted(), page=50)
    return [entry for entry in found if entry.trail_id > trail_id]


def samples_of(write: Write) -> dict[str, str]:
    """Return samples of what stands in the address of a write."""
    operation = described()["paths"][write.path]["post"]
    within = [one for one in parameters_of(described(), operation) if one["in"] == "path"]
    return {one["name"]: sample(one) for one in within}


#: Read before a site is made of the same description.
SAMPLES = {write.name: samples_of(write) for write in WRITES}


def address_of(write: Write, known: Json) -> str:
    """Return an address of a write, about the borrower where it names what one has."""
    named = {name: known.get(name, value) for name, value in SAMPLES[write.name].items()}
    return write.path.format(**named)


def is_told(write: Write, lines: list[Entry], answer: Any) -> bool:
    """Tell whether some line says who did it, or was refused it, and from where."""
    # A program that hands in what a person decided names the person behind its own name.
    ours = [
        one for one in lines if one.actor.startswith("api:shop") and one.source == "api 127.0.0.1"
    ]
    if answer.status_code >= 400:
        code = answer.json()["code"]
        return any(one.outcome == code for one in ours)
    if write.is_told_by_commands and write.body is CommandsBody:
        return len(ours) == len(answer.json()["answers"])  # each of the list is told, or refused
    return write.is_calculation or any(
        one.is_command or one.subject.split()[0] == write.name
        for one in ours
        if one.outcome == "done"
    )


async def test_every_write_of_a_program_has_a_line(site: Site) -> None:
    borrower = await site.borrower()
    loan = await site.open_loan(borrower)
    known = {
        "customer_id": borrower.customer_id,
        "line_id": borrower.line_id,
        "loan_id": loan["id"],
    }
    untold, done = [], set()
    for write in WRITES:
        if write.name in ELSEWHERE:
            continue
        seen = site.house.ids.next()
        body = {name: known.get(name, value) for name, value in write.example.items()}
        answer = await site.post(address_of(write, known), body)
        assert answer.status_code < 500, f"{write.name}: {answer.text}"
        if not is_told(write, await lines_after(site, seen), answer):
            untold.append((write.name, answer.status_code))
        if answer.status_code < 400:
            done.add(write.name)
    assert untold == []
    # What changes something for a customer, through the batch and beside it.
    assert done >= {
        "set_own_cap", "freeze_line", "register_applicant", "create_repayment", "note_line_signal",
    }, done  # fmt: skip


async def test_commands_are_found_by_customer_with_sender_change_and_leaf(site: Site) -> None:
    borrower = await site.borrower()
    drawn = await site.draw(borrower)
    reason = "suspected_fraud, call 13800138000"
    path, customer = f"/v1/lines/{borrower.line_id}/freeze", borrower.customer_id
    frozen = await site.post(path, {"customer_id": customer, "reason": reason, "until": None})
    assert frozen.status_code == 200, frozen.text
    found = (await site.get(TRAIL, customer_id=customer)).json()["items"]
    commands = [one for one in found if one["is_command"]]
    assert [(one["act"], one["actor"], one["source"]) for one in commands] == [
        ("freeze_line", "api:shop", "api 127.0.0.1"),
        ("draw", "api:shop", "api 127.0.0.1"),
        ("open_line", "house", "house"),
    ]
    assert all(one["leaf_id"] for one in commands)
    freeze, draw, _ = commands
    assert "13800138000" not in freeze["reason"]
    assert "suspected_fraud" in freeze["reason"]
    assert drawn["id"] in draw["after"]
    # A drawdown bears no second line; the numbers of both sources are one order.
    assert [one for one in found if one["subject"].startswith("create_drawdown")] == []
    numbers = [one["trail_id"] for one in found]
    assert numbers == sorted(numbers, reverse=True)
    whole = (await site.get(TRAIL)).json()["items"]
    by_actor = (await site.get(TRAIL, actor="house")).json()["items"]
    assert [one["act"] for one in by_actor if one["is_command"]] == ["open_line"]
    first = (await site.get(TRAIL, limit="2")).json()
    second = (await site.get(TRAIL, limit="2", after=first["next"])).json()
    back = (await site.get(TRAIL, limit="2", before=second["prev"])).json()
    assert back["items"] == first["items"]
    pages = [one["trail_id"] for one in [*first["items"], *second["items"]]]
    assert pages == sorted(pages, reverse=True)
    assert set(pages) & {one["trail_id"] for one in whole}


async def test_what_is_asked_for_again_says_so_and_a_line_has_both_states(site: Site) -> None:
    borrower = await site.borrower()
    body = {"customer_id": borrower.customer_id, "cap_minor": 300_000}
    path, key = f"/v1/lines/{borrower.line_id}/own-cap", new_key()
    for _ in range(2):
        assert (await site.post(path, body, key=key)).status_code == 200
    found = (await site.get(TRAIL, customer_id=borrower.customer_id)).json()["items"]
    again = [one for one in found if one["after"] == "answered before"]
    assert [one["subject"].split()[0] for one in again] == ["set_own_cap"]
    assert again[0]["before"].startswith("status=active limit_minor=1000000")


async def test_a_flood_of_refusals_is_counted_and_never_silent(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trail_book, "REFUSALS_PER_MINUTE", 2)
    secret = await site.secret(Scope.LINES_READ, client="curious")
    headers = {"Authorization": f"Bearer {secret}"}
    for _ in range(5):
        await site.client.post("/v1/reveals", headers=headers, json={})
    found = await find_trail(site.house, Wanted(actor="api:curious"))
    await asyncio.sleep(0)
    assert [one.outcome for one in found if one.act == "api"] == ["scope_missing"] * 2
    await site.house.refusals.close()
    found = await find_trail(site.house, Wanted(actor="api:curious"))
    counted = [one for one in found if one.act == trail_book.COUNTED]
    assert [(one.outcome, one.after) for one in counted] == [
        ("scope_missing", "count=3"),
        ("refusals_counted", "limit=2 a minute, the rest is counted"),
    ]
    assert counted[0].subject == "api reveal_personal_data"


async def test_who_sent_a_command_cannot_be_changed_unseen(site: Site) -> None:
    borrower = await site.borrower()
    await site.draw(borrower)
    async with site.house.database.transaction() as connection:
        # The log's own numbering is a job of its own; here one is enough.
        await connection.execute(
            "INSERT INTO evidence.leaf (idx, customer_id, leaf_id, leaf_type, subject_id,"
            " commitment, created, checkpoint_size, command_key)"
            " SELECT seq - 1, customer_id, leaf_id, leaf_type, subject_id, commitment, created,"
            " checkpoint_size, command_key FROM evidence.leaf_staged"
        )
    assert await anchor_commands(site.house) == 2
    assert await anchor_commands(site.house) == 0
    report = await check_trail(site.house)
    assert (report.commands, list(report.broken)) == (2, [])
    forge = "UPDATE platform.command SET actor = 'api:other' WHERE kind = 'draw'"
    with pytest.raises(Exception, match="only ever added"):
        async with site.house.database.connection() as connection:
            await connection.execute(forge)
    async with site.house.database.connection() as connection:
        await connection.execute(f"SET LOCAL session_replication_role = replica; {forge}")
    assert len((await check_trail(site.house)).broken) == 1
    assert ids.to_text(ids.CUSTOMER, borrower.customer) == borrower.customer_id
