"""Data that leaves: approved, measured, written down, traced; and what a sandbox never opens."""

import csv
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
from tests.store.branch import FIRST_DATE, an_opening, open_branch
from tests.store.privacy_desk import ADMIN, CLERK, OFFICER, approve, code_of, keep, rows, staff

from counterfoil.customers.identity import check_character
from counterfoil.journeys.guarding.export_data import (
    APPROVAL,
    Exported,
    ExportRequest,
    Trace,
    export_data,
    export_payload,
    list_exports,
    trace_sample,
)
from counterfoil.journeys.guarding.look_book import note_look
from counterfoil.journeys.guarding.show_persons import aliases_for
from counterfoil.journeys.guarding.trace_number import NumberTrace, trace_number
from counterfoil.journeys.house import House, open_house
from counterfoil.journeys.trail import Act, find_trail
from counterfoil.kernel import ids
from counterfoil.kernel.errors import RefusedError
from counterfoil.platform.settings import Settings
from counterfoil.platform.trail import Wanted
from counterfoil.privacy.person_store import PersonRecord

WISH = ExportRequest(
    dataset="lines", recipient="agency-a", purpose="yearly study", assessment="PIA-7"
)


def person(customer_id: int, year: int) -> PersonRecord:
    digits = f"110105{year}1231{customer_id:03}"
    return PersonRecord(
        customer_id=customer_id,
        name="王小明",
        id_number=digits + check_character(digits),
        phone=f"+861380013{customer_id:04}",
    )


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """Six people in their thirties and one of seventy, each with a line."""
    async with open_branch(database_url, tmp_path) as branch:
        years = [1990, 1991, 1992, 1993, 1994, 1990, 1955]
        people = [person(n, year) for n, year in enumerate(years, 1)]
        await keep(branch.house, *people)
        for n in range(1, len(people) + 1):
            await branch.get(an_opening(n, n))
        yield branch.house


def table(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode())))


async def leave(house: House, wish: ExportRequest) -> Exported:
    await approve(house, APPROVAL, export_payload(wish))
    done = await export_data(house, OFFICER, wish)
    assert isinstance(done, Exported), done
    return done


async def test_who_could_be_found_again_does_not_leave(house: House) -> None:
    await approve(house, APPROVAL, export_payload(WISH))
    refused = await export_data(house, OFFICER, WISH)
    assert code_of(refused) == "export_groups_too_small"
    assert refused.detail["groups"] == refused.detail["rows"] == 1  # type: ignore[union-attr]
    assert await list_exports(house) == []
    # The approval is not used up by what was refused.
    done = await export_data(house, OFFICER, replace(WISH, leaves_out=True))
    assert isinstance(done, Exported)
    assert (done.export.row_count, done.export.left_out_count, done.export.smallest_group) == (
        6,
        1,
        6,
    )
    header, *lines = table(done.content)
    assert header[:4] == ["customer", "line", "age", "region"]
    assert {(line[2], line[3]) for line in lines} == {("30-39", "north")}
    assert b"110105" not in done.content
    [entry] = await find_trail(house, Wanted(act="export", only_refused=True))
    assert (entry.actor, entry.outcome) == (OFFICER.name, "export_groups_too_small")


async def test_a_damaged_key_leaves_the_age_of_its_own_customer_unknown(house: House) -> None:
    async with house.database.connection() as connection:
        await connection.execute(
            "UPDATE privacy.data_key SET wrapped_key = wrapped_key || '\\x00' WHERE customer_id = 1"
        )
    done = await leave(house, replace(WISH, leaves_out=True))
    _, *lines = table(done.content)
    assert {line[2] for line in lines} == {"30-39"}
    assert done.export.row_count == 5, "one of seventy and one of no known age stand alone"


async def test_an_export_needs_a_role_a_reference_and_a_second_person(house: House) -> None:
    wish = replace(WISH, leaves_out=True)
    assert code_of(await export_data(house, CLERK, wish)) == "export_not_allowed"
    assert code_of(await export_data(house, OFFICER, wish)) == "approval_missing"
    for wrong, code in (
        ({"assessment": ""}, "export_assessment_missing"),
        ({"assessment": "0" * 64}, "assessment_missing"),
        ({"dataset": "customers"}, "export_dataset_unknown"),
        ({"recipient": "../a"}, "export_recipient_invalid"),
        ({"purpose": " "}, "reveal_reason_missing"),
        ({"since": FIRST_DATE.replace(year=2030)}, "export_empty"),
    ):
        assert code_of(await export_data(house, OFFICER, replace(wish, **wrong))) == code
    await leave(house, wish)
    # Approved once, exported once.
    assert code_of(await export_data(house, OFFICER, wish)) == "approval_missing"
    with pytest.raises(asyncpg.PostgresError, match="only ever added to"):
        await rows(house, "UPDATE privacy.data_export SET recipient = 'nobody'")


async def test_a_leaked_sample_names_its_recipient_and_its_export(house: House) -> None:
    wish = replace(WISH, leaves_out=True)
    first = await leave(house, wish)
    second = await leave(house, wish)
    other = await leave(house, replace(wish, recipient="agency-b"))
    assert {row[0] for row in table(first.content)} == {row[0] for row in table(second.content)}
    assert not {r[0] for r in table(first.content)[1:]} & {r[0] for r in table(other.content)[1:]}
    header, *lines = table(second.content)
    sample = "\n".join(",".join(row) for row in [header, *lines[3:][::-1]])
    found = await trace_sample(house, OFFICER, sample)
    assert isinstance(found, Trace)
    assert list(found.recipients) == ["agency-a"]
    [(export, match)] = found.exports
    assert export.export_id == second.export.export_id
    assert match.matched == match.cells == 6
    assert code_of(await trace_sample(house, staff("finance"), sample)) == "export_not_allowed"
    stranger = await trace_sample(house, OFFICER, "customer,limit_about_minor\nabc,123\n")
    assert isinstance(stranger, Trace)
    assert not stranger.exports
    assert not stranger.recipients
    assert isinstance(await trace_sample(house, OFFICER, ""), Trace)
    await trace_a_number(house)


async def trace_a_number(house: House) -> None:
    """A number copied from a page tells whose list it is from, and which customer it stands for."""
    analyst, agent = staff("risk_analyst", "ana"), staff("agency", "agency.one")
    shown = aliases_for(house, analyst)
    assert shown is not None
    line = (await rows(house, "SELECT min(line_id) FROM lending.credit_line"))[0][0]
    alias = shown.of(ids.LINE, line)
    await note_look(house, analyst, Act(name="view", subject="/lines"), [1])
    found = await trace_number(house, OFFICER, alias, reason="found in a chat")
    assert found == NumberTrace(
        recipient="role.risk_analyst",
        record=ids.to_text(ids.LINE, line),
        customer_id=1,
        shown_to={"ana": 1},
    )
    [told] = await find_trail(house, Wanted(act="number_trace"))
    assert (told.customer_id, told.subject, told.reason) == (1, alias, "found in a chat")
    sample = await trace_sample(house, OFFICER, f"note\n see {alias} please\n")
    assert isinstance(sample, Trace)
    assert sample.recipients == {"role.risk_analyst": 1}
    for actor, text, reason, code in (
        (analyst, alias, "x", "alias_not_allowed"),
        (ADMIN, alias, "x", "alias_not_allowed"),
        (OFFICER, alias, " ", "reveal_reason_missing"),
        (OFFICER, alias[:-1], "x", "alias_not_found"),
        (OFFICER, found.record, "x", "alias_not_found"),
    ):
        assert code_of(await trace_number(house, actor, text, reason=reason)) == code
    # Each person of an agency has a list of their own, and no other's number is one of theirs.
    own = aliases_for(house, agent)
    others = aliases_for(house, staff("agency", "agency.two"))
    assert own is not None
    assert others is not None
    assert own.of(ids.LINE, line) != others.of(ids.LINE, line)
    assert code_of(others.take_in(own.of(ids.LINE, line))) == "record_number_of_another"
    assert aliases_for(house, CLERK) is None
    gone = house.settings.home / "keys" / "exports" / "role.risk_analyst.key"
    gone.unlink()
    outcome = await trace_number(house, OFFICER, alias, reason="again")
    assert code_of(outcome) == "alias_not_found"
    renewed = aliases_for(house, analyst)
    assert renewed is not None
    assert code_of(renewed.take_in(alias)) == "record_number_of_another"


async def test_a_sandbox_does_not_open_what_production_has_opened(
    database_url: str, tmp_path: Path
) -> None:
    sandbox, real = Settings(home=tmp_path), Settings(home=tmp_path, environment="production")
    async with open_house(sandbox, database_url):
        pass
    async with open_house(real, database_url) as opened:
        with pytest.raises(asyncpg.PostgresError, match="stays what it is"):
            await rows(opened, "UPDATE platform.data_origin SET is_real = false")
    with pytest.raises(RefusedError, match="production_data_in_sandbox"):
        async with open_house(sandbox, database_url):
            pass
    async with open_house(real, database_url):
        pass
