"""Planted markers: secrets and personal data never reach a log, an error, an address or a table."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.reading_watch import alone
from tests.store.privacy_desk import (
    ADMIN,
    CLERK,
    OFFICER,
    SECOND,
    a_house,
    approve,
    code_of,
    keep,
    rows,
)
from tests.unit.privacy.transit_server import TOKEN, Transit, running

from counterfoil.api.app import WRITES, serving, site_of
from counterfoil.api.desk import Desk
from counterfoil.api.problems import load_texts
from counterfoil.journeys.applying.register import register_applicant
from counterfoil.journeys.guarding import erase
from counterfoil.journeys.guarding.reveal import RevealRequest, reveal
from counterfoil.journeys.guarding.rotate_keys import rotate, rotation_payload
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.kernel.errors import RefusedError
from counterfoil.platform.access import Scope, create_api_key
from counterfoil.platform.access_matrix import reading
from counterfoil.privacy.free_text import FIELDS
from counterfoil.privacy.person_store import PersonRecord, read_masked
from counterfoil.privacy.rotation_store import RotationKind

NAME, ID_NUMBER, PHONE = "欧阳标记", "11010519491231002X", "+8613877665544"
PERSON = PersonRecord(customer_id=1, name=NAME, id_number=ID_NUMBER, phone=PHONE)
MARKERS = (NAME, ID_NUMBER, ID_NUMBER.lower(), "13877665544", TOKEN)


@pytest.fixture
async def transit() -> AsyncIterator[Transit]:
    async with running("counterfoil", "counterfoil-index") as opened:
        yield opened


def marked(text: str) -> list[str]:
    """Return the markers in a text, also in the forms in which bytes are written."""
    forms = {m: (m, m.encode().hex(), m.encode("unicode_escape").decode()) for m in MARKERS}
    return [
        marker for marker, all_forms in forms.items() if any(form in text for form in all_forms)
    ]


def test_the_scan_finds_what_is_planted() -> None:
    for marker in MARKERS:
        assert marked(f"x {marker} y") != []
    assert marked(NAME.encode().hex()) == [NAME]
    assert marked("nothing") == []


async def provoke(house: House, transit: Transit) -> list[str]:
    """Go through everything that touches personal data, good and bad; return what was said."""
    said: list[str] = []
    reason = f"asks about {ID_NUMBER} and {PHONE}"
    look = RevealRequest(
        customer_ids=(1,),
        purpose="customer_request",
        data=("identity", "contact"),
        ticket="T-1",
        reason=reason,
    )
    said.append(repr(await reveal(house, CLERK, look)))
    said.append(repr(await reveal(house, ADMIN, look)))
    for name, number, phone in (
        (NAME, ID_NUMBER, PHONE),
        (NAME, "11010519491231002", PHONE),
        ("", ID_NUMBER, "12"),
    ):
        said.append(
            repr(
                await register_applicant(
                    house,
                    name=name,
                    id_number=number,
                    phone=phone,
                    idempotency_key=f"key-{len(said)}",
                )
            )
        )
    await erase.set_hold(house, OFFICER, customer_id=1, reason=reason, ticket="T-1")
    for fault in ("sealed", "garbage"):
        transit.fault = fault
        said.append(repr(await reveal(house, CLERK, look)))
        async with house.database.connection() as connection:
            shown = await read_masked(connection, house.vault, [1], reading("person_export"))
        said.append(f"{code_of(shown[1])} {shown!r}")
        with pytest.raises(RefusedError) as caught:
            await keep(house, PERSON)
        said.append(f"{caught.value!r} {caught.value.__cause__!r}")
    transit.fault = ""
    async with house.database.transaction() as connection:
        await connection.execute(
            "UPDATE privacy.sealed_record SET ciphertext = set_byte(ciphertext, 40, 7)"
        )
    said.append(code_of(await reveal(house, CLERK, look)))
    payload = await rotation_payload(house, RotationKind.WRAPPING)
    await approve(house, "key_rotation", payload, by=ADMIN, second=SECOND)
    said.append(repr(await rotate(house, ADMIN, RotationKind.WRAPPING, reason=reason)))
    said.append(repr(house.vault) + repr(house.settings))
    return said


async def ask_the_api(house: House) -> list[str]:
    """Ask the API with personal data in every place from which it could come back."""
    said: list[str] = []
    desk = Desk(load_texts())
    async with house.database.transaction() as connection:
        secret = await create_api_key(
            connection,
            api_key_id=house.ids.next(),
            client="shop",
            scopes=list(Scope),
            now=house.clock.now(),
        )
    async with serving(desk, house):
        front = site_of(desk)
        transport = httpx.ASGITransport(app=alone(front), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            client.headers["authorization"] = f"Bearer {secret}"
            customer = ids.to_text(ids.CUSTOMER, 1)
            body = {"name": NAME, "id_number": ID_NUMBER, "phone": PHONE}
            asked = [
                await client.get(f"/v1/applicants/{ID_NUMBER}"),
                await client.get(f"/v1/applicants?x={PHONE}"),
                await client.get(f"/{ID_NUMBER}"),
                await client.post("/v1/applicants", json={**body, NAME: PHONE}),
                await client.post("/v1/applicants", json=body, headers={"idempotency-key": "k"}),
                await client.post("/v1/applicants", json=body, headers={"idempotency-key": "k"}),
                await client.get(f"/v1/applicants/{customer}/privacy"),
                await client.get("/v1/trail"),
            ]
            asked += await every_write_with_markers(client)
    assert all(answer.status_code < 500 for answer in asked)
    said += [f"{answer.headers} {answer.text}" for answer in asked]
    return [*said, *([] if secret not in "".join(said) else ["the key's text came back"])]


async def every_write_with_markers(client: httpx.AsyncClient) -> list[httpx.Response]:
    """Send every write its example, with markers wherever one writes freely."""
    answers = []
    for place, write in enumerate(WRITES):
        talk = {
            name: f"asks about {ID_NUMBER} and {PHONE}"
            for name in write.body.model_fields
            if name in FIELDS and isinstance(write.example.get(name), str)
        }
        if not talk:
            continue
        path = write.path.format(
            **{name: ids.to_text(prefix, 1) for name, prefix in write.path_ids.items()}
        )
        answers.append(
            await client.post(
                path, json=write.example | talk, headers={"idempotency-key": f"talk-{place}"}
            )
        )
    assert len(answers) > 30
    return answers


async def test_no_marker_reaches_a_log_an_answer_or_a_table(
    database_url: str,
    tmp_path: Path,
    transit: Transit,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    token = tmp_path / "token"
    await asyncio.to_thread(token.write_text, TOKEN)
    async with a_house(
        database_url, tmp_path, key_service_url=transit.url, key_service_token_file=token
    ) as house:
        await keep(house, PERSON)
        said = await provoke(house, transit)
        # From here on the test's own client writes the addresses down that it asks for.
        caplog.set_level(logging.WARNING, logger="httpx")
        answers = await ask_the_api(house)
        dump = await everything(house)
    streams = capsys.readouterr()
    assert len(dump) > 1_000
    assert marked(dump) == []
    assert marked("\n".join(said)) == []
    assert marked("\n".join(answers)) == []
    assert "the key's text came back" not in answers
    assert marked(caplog.text) == []
    assert marked(streams.out + streams.err) == []


async def everything(house: House) -> str:
    """Return every row of every table as text."""
    tables = await rows(
        house,
        "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables "
        "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
    )
    found: list[str] = []
    for table in tables:
        text = await rows(house, f"SELECT row_to_json(t)::text FROM {table['name']} AS t")
        found += [row[0] for row in text]
    return "\n".join(found)
