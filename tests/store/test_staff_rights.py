"""Second factor, expiry of rights and emergencies on a real database."""

import base64
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from tests.store.privacy_desk import (
    ADMIN,
    CLERK,
    LI,
    OFFICER,
    START,
    WANG,
    a_house,
    code_of,
    keep,
    rows,
)

from counterfoil.journeys.admitting import second_factor, staff_rights
from counterfoil.journeys.admitting.staff_rights import RightState
from counterfoil.journeys.guarding.reveal import Revealed, RevealRequest, reveal
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import find_trail
from counterfoil.platform import access, totp
from counterfoil.platform.access import Operator, Role
from counterfoil.platform.access_matrix import Actor, load_matrix
from counterfoil.platform.staff import Emergency
from counterfoil.platform.trail import Wanted

PASSWORD = "correct horse battery"
DAY = timedelta(days=1)


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(database_url, tmp_path, staff_safeguards=True) as opened:
        await keep(opened, WANG, LI)
        async with opened.database.transaction() as connection:
            for actor in (CLERK, OFFICER, ADMIN):
                await access.set_operator(
                    connection,
                    operator_id=opened.ids.next(),
                    name=actor.name,
                    role=Role(actor.role),
                    password=PASSWORD,
                    now=START,
                )
        yield opened


async def operator(house: House, actor: Actor = CLERK) -> Operator:
    async with house.database.connection() as connection:
        found = await access.find_operator(connection, actor.name)
    assert found is not None
    return found


async def enrol(house: House, actor: Actor = CLERK) -> tuple[bytes, list[str]]:
    begun = await second_factor.begin_factor(
        house, actor, await operator(house, actor), code="", now=START
    )
    assert isinstance(begun, second_factor.Enrolment)
    secret = base64.b32decode(begun.text)
    code = totp.code_at(secret, totp.step_at(START.timestamp()))
    codes = await second_factor.confirm_factor(
        house, actor, await operator(house, actor), code=code, now=START
    )
    assert isinstance(codes, list)
    return secret, codes


async def test_a_code_counts_once_and_so_does_a_recovery_code(house: House) -> None:
    assert second_factor.is_factor_required(house, await operator(house))
    secret, codes = await enrol(house)
    who = await operator(house)
    assert who.has_factor
    first = totp.code_at(secret, totp.step_at(START.timestamp()))
    assert not await second_factor.is_code(house, who, first, now=START), "it confirmed already"
    later = START + timedelta(minutes=5)
    code = totp.code_at(secret, totp.step_at(later.timestamp()))
    assert await second_factor.is_code(house, who, f" {code[:3]} {code[3:]}", now=later)
    assert not await second_factor.is_code(house, who, code, now=later)
    assert len(codes) == second_factor.RECOVERY_CODES
    assert await second_factor.is_code(house, who, codes[0].upper(), now=later)
    assert not await second_factor.is_code(house, who, codes[0], now=later)
    stored = await rows(house, "SELECT f::text, r::text FROM platform.second_factor f, "
                        "platform.recovery_code r")  # fmt: skip
    assert secret.hex() not in str(stored)


async def test_a_new_picture_needs_a_code_of_the_old_one(house: House) -> None:
    secret, _ = await enrol(house)
    who = await operator(house)
    refused = await second_factor.begin_factor(house, CLERK, who, code="123456", now=START)
    assert code_of(refused) == "second_factor_wrong"
    later = START + timedelta(minutes=5)
    code = totp.code_at(secret, totp.step_at(later.timestamp()))
    begun = await second_factor.begin_factor(house, CLERK, who, code=code, now=later)
    assert isinstance(begun, second_factor.Enrolment)
    # Until the new one is confirmed the old one counts.
    last = later + timedelta(minutes=5)
    code = totp.code_at(secret, totp.step_at(last.timestamp()))
    assert await second_factor.is_code(house, who, code, now=last)


async def test_a_colleague_takes_a_lost_factor_away_and_sign_ins_end(house: House) -> None:
    await enrol(house)
    remove = second_factor.remove_factor
    assert code_of(await remove(house, CLERK, CLERK.name, reason="lost", now=START)) == (
        "rights_not_allowed"
    )
    assert code_of(await remove(house, ADMIN, ADMIN.name, reason="lost", now=START)) == (
        "rights_by_another"
    )
    assert await remove(house, ADMIN, CLERK.name, reason="lost", now=START) is None
    assert not (await operator(house)).has_factor
    async with house.database.connection() as connection:
        before = START - timedelta(seconds=1)
        found = await access.find_operator(connection, CLERK.name, signed_in_at=before)
    assert found is None


async def state(house: House, name: str, permission: str, now: object) -> RightState:
    lines = await staff_rights.review_rights(house, now=now)  # type: ignore[arg-type]
    return next(i.state for i in lines if (i.operator, i.permission) == (name, permission))


async def test_a_right_that_nobody_uses_is_suspended_until_somebody_else_confirms_it(
    house: House,
) -> None:
    async with house.database.transaction() as connection:
        await staff_rights.note_right_use(
            connection, CLERK.name, "read", on=(START + 60 * DAY).date()
        )
    now = START + 91 * DAY
    assert await state(house, CLERK.name, "reveal", START) is RightState.UNUSED
    assert await state(house, CLERK.name, "read", now) is RightState.IN_USE
    assert await state(house, CLERK.name, "reveal", now) is RightState.SUSPENDED
    async with house.database.connection() as connection:
        standing = await staff_rights.standing_of(
            house, connection, CLERK.name, CLERK.role, now=now
        )
    assert "reveal" in standing.suspended
    assert "read" not in standing.suspended
    clerk = Actor(
        name=CLERK.name, role=CLERK.role, source=CLERK.source, suspended=standing.suspended
    )
    look = RevealRequest(
        customer_ids=(1,), purpose="complaint", data=("identity",), ticket="T-1", reason="asks"
    )
    assert code_of(await reveal(house, clerk, look)) == "purpose_not_allowed"
    confirm = staff_rights.confirm_rights
    for actor, permissions, code in (
        (CLERK, ["reveal"], "rights_not_allowed"),
        (OFFICER, ["close_the_bank"], "right_not_held"),
    ):
        refused = await confirm(house, actor, CLERK.name, permissions, reason="needed", now=now)
        assert code_of(refused) == code
    own = await confirm(house, OFFICER, OFFICER.name, [], reason="needed", now=now)
    assert code_of(own) == "rights_by_another"
    assert await confirm(house, OFFICER, CLERK.name, ["reveal"], reason="needed", now=now) == 1
    assert await state(house, CLERK.name, "reveal", now) is RightState.CONFIRMED
    assert await state(house, CLERK.name, "freeze", now) is RightState.SUSPENDED


async def test_an_emergency_lends_rights_for_a_time_and_is_looked_into_by_another(
    house: House,
) -> None:
    begin = staff_rights.begin_emergency
    fields = {"ticket": "INC-1", "reason": "system down, 13800131234 waits", "minutes": 30}
    refused = await begin(house, CLERK, role="administrator", now=START, **fields)  # type: ignore[arg-type]
    assert code_of(refused) == "emergency_not_allowed"
    begun = await begin(house, CLERK, role="compliance", now=START, **fields)  # type: ignore[arg-type]
    assert isinstance(begun, Emergency)
    assert "13800131234" not in begun.reason
    assert begun.ends_at == START + timedelta(minutes=30)
    again = await begin(house, CLERK, role="compliance", now=START, **fields)  # type: ignore[arg-type]
    assert code_of(again) == "emergency_under_way"
    async with house.database.connection() as connection:
        standing = await staff_rights.standing_of(
            house, connection, CLERK.name, CLERK.role, now=START
        )
        over = await staff_rights.standing_of(
            house, connection, CLERK.name, CLERK.role, now=begun.ends_at
        )
    assert (standing.lent_role, standing.emergencies_waiting) == ("compliance", 1)
    assert over.lent_role == ""
    lent = Actor(name=CLERK.name, role=CLERK.role, source=CLERK.source, lent="compliance")
    rights = load_matrix().rights_for(lent)
    assert "read_trail" in rights.permissions
    assert not rights.permissions & {"approvals", "manage_staff"}
    # The role's own approvals stay; none of the lent role's comes with it.
    matrix = load_matrix()
    assert matrix.rights_of("compliance").approves - matrix.rights_of(CLERK.role).approves
    assert rights.approves == matrix.rights_of(CLERK.role).approves
    look = RevealRequest(
        customer_ids=(1,), purpose="fraud", data=("identity",), ticket="T-1", reason="asks"
    )
    assert isinstance((await reveal(house, lent, look))[0], Revealed)  # type: ignore[index]
    review, after = staff_rights.review_emergency, begun.ends_at
    wanted = {"finding": "justified", "text": "the call log agrees"}
    number = begun.emergency_id
    early = await review(house, OFFICER, number, now=START, **wanted)
    assert code_of(early) == "emergency_not_found"
    assert code_of(await review(house, CLERK, number, now=after, **wanted)) == "rights_not_allowed"
    done = await review(house, OFFICER, number, now=after, **wanted)
    assert isinstance(done, Emergency)
    assert (done.finding, done.reviewed_by) == ("justified", OFFICER.name)
    [last, *_] = await find_trail(house, Wanted(actor=OFFICER.name))
    assert last.act == "emergency_reviewed"
    with pytest.raises(asyncpg.PostgresError, match="only ever added to"):
        await rows(house, "DELETE FROM platform.emergency")


async def test_a_sandbox_lets_rights_live(database_url: str, tmp_path: Path) -> None:
    async with a_house(database_url, tmp_path) as opened:
        assert not opened.settings.guards_staff
        async with opened.database.connection() as connection:
            standing = await staff_rights.standing_of(
                opened, connection, "anybody", "operations", now=START + 400 * DAY
            )
    assert standing == staff_rights.NO_STANDING
