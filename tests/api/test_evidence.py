"""Receipts and the log over HTTP: what comes out verifies, and goes to its customer alone."""

from pathlib import Path

import httpx
import pytest
from tests.api.conftest import Site
from tests.api.test_bad_input import check_problem
from tests.reading_watch import alone
from tests.store.log_desk import ORIGIN

from counterfoil.evidence import log_store
from counterfoil.evidence.formats.algorithms import Algorithm
from counterfoil.evidence.formats.note import SigningKey
from counterfoil.evidence.formats.policy import Policy
from counterfoil.evidence.formats.verifying import verify_receipt
from counterfoil.evidence.integrator import Integrator
from counterfoil.evidence.log_files import POLICY, LogFiles
from counterfoil.evidence.publisher import Desk, Publisher
from counterfoil.evidence.signer import FileSigner, create_key
from counterfoil.evidence.witness_client import WitnessClient
from counterfoil.journeys.proving.publish_log import directory_of, key_directory_of
from counterfoil.kernel import ids
from counterfoil.platform.access import Scope
from counterfoil.witness.home import WitnessHome
from counterfoil.witness.key import format_key
from counterfoil.witness.server import make_app
from counterfoil.witness.witness import Witness


async def witnessed(site: Site, at: Path) -> Policy:
    """Number, sign and publish what is staged, with one witness."""
    house = site.house
    key = SigningKey.from_seed("witness.test/w1", Algorithm.COSIGNATURE_ED25519, bytes(32))
    home = WitnessHome(at / "witness")
    keys = key_directory_of(house.settings)
    if not (at / "witness").exists():
        home.create_key(format_key(key))
        async with house.database.connection() as connection:
            await log_store.begin_log(connection, ORIGIN, at=house.wall.now())
        home.trust(ORIGIN, create_key(keys, ORIGIN).text)
    signer = FileSigner(keys, ORIGIN)
    [own] = signer.verifiers()
    text = f"log {own.text}\nwitness w {key.verifier.text} http://w\nquorum w\n"
    policy, files = Policy.parse(text), LogFiles(directory_of(house.settings))
    files.write({POLICY: text.encode()})
    app = make_app(Witness(home, key, house.leaves.now), home)
    async with (
        httpx.AsyncClient(transport=httpx.ASGITransport(app=alone(app))) as http,
        house.database.connection() as connection,
    ):
        await Integrator(house.vault, house.wall).drain([connection])
        desk = Desk(
            origin=ORIGIN,
            files=files,
            signer=signer,
            policy=policy,
            witnesses=(WitnessClient(http, ORIGIN, policy, policy.witnesses["w"]),),
            clock=house.wall,
        )
        assert await Publisher(house.database, desk).step(connection)
    return policy


async def test_a_receipt_goes_from_pending_to_a_file_that_verifies(
    site: Site, tmp_path: Path
) -> None:
    borrower = await site.borrower()
    mine = {"customer_id": borrower.customer_id}
    [item] = (await site.get("/v1/receipts", **mine)).json()["items"]
    assert (item["status"], item["index"], item["kind"]) == ("pending", None, "limit_change")
    address = f"/v1/receipts/{item['leaf_id']}"
    early = await site.get(address, **mine)
    assert (early.status_code, early.json()["code"]) == (409, "receipt_pending")
    policy = await witnessed(site, tmp_path)
    [item] = (await site.get("/v1/receipts", **mine)).json()["items"]
    assert (item["status"], item["index"]) == ("witnessed", 0)
    receipt = await site.get(address, **mine)
    assert receipt.headers["content-type"] == "text/plain; charset=utf-8"
    verdict = verify_receipt(receipt.content, policy)
    assert verdict.is_accepted, verdict.shape()
    opening = (await site.get(f"{address}/opening", **mine)).json()
    assert opening["body"]["answer"]["id"] == borrower.line_id
    assert opening["body"]["prev_checkpoint"]["size"] == 0
    # Damaged where it is kept, it is refused by name, and the alarm counts each time.
    async with site.house.database.transaction() as connection:
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute("UPDATE evidence.leaf SET sealed = sealed || '\\x00'::bytea")
    for count, path in enumerate(("", "/opening"), start=1):
        damaged = await site.get(f"{address}{path}", **mine)
        check_problem(damaged, 503, "opening_damaged")
        assert site.house.vault.rejections.total == count


async def test_a_leaf_is_shown_to_nobody_but_its_customer(site: Site, tmp_path: Path) -> None:
    borrower, other = await site.borrower(), await site.borrower()
    await witnessed(site, tmp_path)
    [item] = (await site.get("/v1/receipts", customer_id=borrower.customer_id)).json()["items"]
    for path in ("", "/opening"):
        address = f"/v1/receipts/{item['leaf_id']}{path}"
        found = await site.get(address, customer_id=other.customer_id)
        assert (found.status_code, found.json()["code"]) == (404, "leaf_not_found")


async def test_pages_of_receipts_go_on_where_the_last_one_ended(site: Site, tmp_path: Path) -> None:
    borrower = await site.borrower()
    for amount in (10_000, 20_000, 30_000):
        await site.draw(borrower, amount_minor=amount)
    await witnessed(site, tmp_path)
    await site.draw(borrower, amount_minor=40_000)
    seen: list[str] = []
    following: dict[str, str] = {}
    while True:
        page = (
            await site.get("/v1/receipts", customer_id=borrower.customer_id, limit="2", **following)
        ).json()
        seen += [item["leaf_id"] for item in page["items"]]
        if page["next"] is None:
            break
        following = {"after": page["next"]}
    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen, reverse=True)


async def test_files_of_the_log_are_served_and_entries_to_the_entitled_alone(
    site: Site, tmp_path: Path
) -> None:
    await site.borrower()
    await witnessed(site, tmp_path)
    head = (await site.get("/v1/log")).json()
    assert (head["origin"], head["size"], head["witnessed_size"]) == (ORIGIN, 1, 1)
    strangers = {"authorization": ""}
    for path, media in (
        ("checkpoint", "text/plain; charset=utf-8"),
        ("policy", "text/plain; charset=utf-8"),
        ("tile/0/000.p/1", "application/octet-stream"),
    ):
        found = await site.client.get(f"/log/{path}", headers=strangers)
        assert (found.status_code, found.headers["content-type"]) == (200, media)
    entries = "/log/tile/entries/000.p/1"
    assert (await site.client.get(entries, headers=strangers)).status_code == 401
    less = await site.secret(Scope.LINES_READ)
    refused = await site.client.get(entries, headers={"authorization": f"Bearer {less}"})
    assert refused.status_code == 403
    assert len((await site.client.get(entries)).content) == 36


@pytest.mark.parametrize(
    "path",
    ["", "tile", "tile/0/999", "tile/0/../../keys/log-0001.key", "../keys/quote.key", ".drafts/1"],
)
async def test_nothing_else_of_the_directory_is_served(
    site: Site, tmp_path: Path, path: str
) -> None:
    await site.borrower()
    await witnessed(site, tmp_path)
    assert (await site.client.get(f"/log/{path}")).status_code == 404


async def test_a_log_that_was_not_begun_says_so(site: Site) -> None:
    found = await site.get("/v1/log")
    assert (found.status_code, found.json()["code"]) == (404, "log_not_begun")
    customer_id = ids.to_text(ids.CUSTOMER, 1)
    found = await site.get("/v1/receipts/lf_0000000000001", customer_id=customer_id)
    assert found.json()["code"] == "leaf_not_found"
