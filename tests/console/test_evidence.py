"""Pages of evidence: the log's head, a customer's receipts, the inquiries about a customer."""

import asyncio
import itertools
import os
import re
import shutil
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from tests.conftest import COPIED, _administer, _at
from tests.console.accessibility import faults
from tests.console.conftest import ORIGIN, SEEDED, Browser
from tests.console.test_pages import first_record
from tests.reading_watch import alone
from tests.store import bureau_desk, log_desk

from counterfoil.console.access import ROLES, Permission, may
from counterfoil.console.app import create_console
from counterfoil.evidence.formats.checkpoint import Checkpoint
from counterfoil.evidence.formats.policy import Policy
from counterfoil.evidence.formats.receipt import Receipt
from counterfoil.evidence.formats.receipt_qr import qr_of
from counterfoil.evidence.formats.verifying import verify_receipt
from counterfoil.journeys.house import House
from counterfoil.journeys.inquiring.inquiry_outcomes import Obtained
from counterfoil.kernel import ids
from counterfoil.platform.access_matrix import reading
from counterfoil.privacy.person_store import read_clear
from counterfoil.privacy.vault import Purpose

_numbers = itertools.count(1)


@pytest.fixture
async def browser(stranger: Browser) -> Browser:
    """An auditor, to whom receipts are open."""
    assert (await stranger.sign_in("auditor")).status_code == 303
    return stranger


@dataclass(slots=True)
class Proving:
    """A house that is a member of a bureau and whose log is witnessed, and its console."""

    desk: bureau_desk.Desk
    browser: Browser

    @property
    def house(self) -> House:
        return self.desk.house

    async def asked(self) -> int:
        """Return a customer about whom the bureau was asked, every leaf witnessed."""
        customer = await self.desk.person()
        found = await self.desk.ask(await self.desk.consent(customer))
        assert isinstance(found, Obtained)
        await self.witnessed()
        return customer

    async def witnessed(self) -> None:
        """Wait until nothing is staged and what was signed is witnessed."""
        query = (
            "SELECT (SELECT count(*) FROM evidence.leaf_staged) = 0 AND"
            " (SELECT max(size) FROM evidence.checkpoint)"
            " = (SELECT max(size) FROM evidence.witnessed)"
        )
        for _ in range(1_000):
            if (await self.desk.rows(query))[0][0]:
                return
            await asyncio.sleep(0.02)
        pytest.fail("the log does not come to rest")

    async def clear(self, customer: int) -> Sequence[str]:
        """Return name and number of a person."""
        async with self.house.database.connection() as connection:
            found = await read_clear(
                connection, self.house.vault, customer, Purpose.IDENTITY, reading("person_export")
            )
        return list((found or {}).values())


@pytest.fixture
async def proving(seeded_server: str, console_home: Path, tmp_path: Path) -> AsyncIterator[Proving]:
    """The seeded lender, its leaves numbered and witnessed from now on."""
    name = f"proving_{os.getpid()}_{next(_numbers)}"
    await _administer(seeded_server, f"CREATE DATABASE {name} TEMPLATE {SEEDED} {COPIED}")
    home = tmp_path / "home"
    shutil.copytree(console_home, home)
    async with bureau_desk.open_desk(_at(seeded_server, name), home) as desk:
        site = Starlette(routes=[Mount("/console", app=create_console(desk.house))])
        transport = httpx.ASGITransport(app=alone(site))
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            browser = Browser(client, desk.house)
            assert (await browser.sign_in("auditor")).status_code == 303
            yield Proving(desk, browser)
    await _administer(seeded_server, f"DROP DATABASE {name} WITH (FORCE)")


def of(customer: int, what: str) -> str:
    return f"/console/customers/{ids.to_text(ids.CUSTOMER, customer)}/{what}"


async def seeded_customer(browser: Browser) -> str:
    return first_record((await browser.get("/console/customers")).text)


# ------------------------------------------------------------------------------------- the log


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_before_it_was_begun_the_log_says_so_and_how_to_begin(
    browser: Browser, language: str
) -> None:
    page = await browser.get("/console/evidence", language=language)
    assert (page.status_code, faults(page.text)) == (200, [])
    assert "counterfoil log init" in page.text
    async with browser.house.database.connection() as connection:
        staged = await connection.fetchval("SELECT count(*) FROM evidence.leaf_staged")
    assert staged > 0
    assert f'<p class="figure">{staged:,} ' in page.text
    empty = "No witnessed head yet" if language == "en" else "暂无已见证检查点"
    assert empty in page.text


async def test_the_log_shows_its_witnessed_head_and_who_stands_for_it(proving: Proving) -> None:
    await proving.asked()
    await proving.desk.halt_log()
    page = await proving.browser.get("/console/evidence")
    assert (page.status_code, faults(page.text)) == (200, [])
    name, size, root = proving.desk.log.files.joinpath("checkpoint").read_text().splitlines()[:3]
    assert name == log_desk.ORIGIN
    for shown in (name, f"{int(size):,}", f"<code>{root.replace('+', '&#43;')}</code>"):
        assert shown in page.text.replace("+", "&#43;") or shown in page.text
    for witness in log_desk.NAMES:
        row = re.search(rf'<th scope="row">{witness}</th>.*?</tr>', page.text)
        assert row is not None
        assert "Cosigned" in row[0]
        assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", row[0])
    assert "is met" in page.text
    assert "3 / 3" in page.text
    assert "Intent of an inquiry" in page.text
    for href in ("/log/policy", "/log/checkpoint"):
        assert f'href="{href}"' in page.text
    assert "docs/guides/verify.md" in page.text
    await proving.browser.sign_in("administrator")
    assert "GET /v1/log" in (await proving.browser.get("/console/evidence")).text


async def test_a_witness_that_did_not_cosign_the_last_head_is_named(proving: Proving) -> None:
    await proving.witnessed()
    proving.desk.log.witnesses["auditor"].is_down = True
    await proving.asked()
    await proving.desk.halt_log()
    text = (await proving.browser.get("/console/evidence")).text
    row = re.search(r'<th scope="row">auditor</th>.*?</tr>', text)
    assert row is not None
    assert "Not this head" in row[0]
    assert "2 / 3" in text
    assert "is met" in text


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_a_standing_alarm_says_what_to_do_until_it_is_cleared(
    browser: Browser, language: str
) -> None:
    said = "<b>seven</b>"
    async with browser.house.database.connection() as connection:
        await connection.execute(
            "INSERT INTO evidence.alarm (code, witness, detail, stops, raised_at)"
            " VALUES ('fork', 'regulator', $1, true, now()),"
            " ('witness_absent', 'auditor', 'down', false, now()),"
            " ('newer_code', '', 'unheard of', false, now())",
            said,
        )
    page = await browser.get("/console/evidence", language=language)
    assert (page.status_code, faults(page.text)) == (200, [])
    assert said not in page.text
    assert "counterfoil verify split" in page.text
    assert "counterfoil log clear fork --witness regulator" in page.text
    assert "counterfoil log clear newer_code<" in page.text
    assert page.text.index("notice bad") < page.text.index("newer_code")
    async with browser.house.database.connection() as connection:
        await connection.execute("UPDATE evidence.alarm SET cleared_at = now()")
    assert "log clear" not in (await browser.get("/console/evidence")).text


# ------------------------------------------------------------------------------------ receipts


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_receipts_of_a_customer_are_listed_and_each_verifies(
    proving: Proving, language: str
) -> None:
    customer = await proving.asked()
    listed = await proving.browser.get(of(customer, "receipts"), language=language)
    assert (listed.status_code, faults(listed.text)) == (200, [])
    assert ("Pending" if language == "en" else "待见证") not in listed.text
    leaves = re.findall(r'<th scope="row"><a class="code" href="([^"]*)"', listed.text)
    count = await proving.desk.rows(
        "SELECT count(*) FROM evidence.leaf WHERE customer_id = $1", customer
    )
    assert len(leaves) == count[0][0] >= 4
    policy = Policy.parse(proving.desk.log.policy)
    for href in leaves:
        page = await proving.browser.get(href, language=language)
        assert (page.status_code, faults(page.text)) == (200, [])
        assert '<svg class="qr"' in page.text
        file = await proving.browser.get(f"{href}/file")
        assert file.headers["content-disposition"].startswith('attachment; filename="lf_')
        assert file.headers["content-type"] == "text/plain; charset=utf-8"
        assert verify_receipt(file.content, policy).is_accepted
        assert f"{len(file.content):,}" in page.text
        for particular in await proving.clear(customer):
            assert particular not in page.text
            assert particular not in file.text


async def test_the_code_on_the_page_is_the_whole_receipt(proving: Proving) -> None:
    customer = await proving.asked()
    listed = await proving.browser.get(of(customer, "receipts"))
    href = first_record(listed.text)
    page, file = await proving.browser.get(href), await proving.browser.get(f"{href}/file")
    drawn = re.search(r'<svg class="qr" viewBox="0 0 (\d+) \1".*?<path d="([^"]*)"/>', page.text)
    assert drawn is not None
    width = int(drawn[1]) - 8
    squares = [[0] * width for _ in range(width)]
    for line in drawn[2].split("M")[1:]:
        start, *moves = re.findall(r"^[\d. ]+|[hm]\d+", line)
        x, y = (float(part) for part in start.split())
        column, row = int(x) - 4, int(y) - 4
        for move in moves:
            length = int(move[1:])
            if move[0] == "h":
                squares[row][column : column + length] = [1] * length
            column += length
    assert squares == [list(row) for row in qr_of(file.content).matrix]
    receipt = Receipt.parse(file.content)
    assert f"head of size {Checkpoint.parse(receipt.proof.note.text).size:,}" in page.text


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_a_leaf_that_nobody_has_witnessed_is_pending(browser: Browser, language: str) -> None:
    customer = await seeded_customer(browser)
    listed = await browser.get(f"{customer}/receipts", language=language)
    assert (listed.status_code, faults(listed.text)) == (200, [])
    assert ("Pending" if language == "en" else "待见证") in listed.text
    href = first_record(listed.text)
    page = await browser.get(href, language=language)
    assert (page.status_code, faults(page.text)) == (200, [])
    assert "<svg class" not in page.text.partition("<main")[2]
    assert f"{href}/file" not in page.text
    assert (await browser.get(f"{href}/file")).status_code == 409


async def test_a_leaf_with_a_number_is_pending_until_witnesses_cover_it(proving: Proving) -> None:
    customer = await proving.asked()
    await proving.desk.halt_log()
    before = (await proving.browser.get(of(customer, "receipts"))).text
    await proving.desk.log.stage(1, customer_id=customer)
    await proving.desk.log.integrate()
    listed = await proving.browser.get(of(customer, "receipts"))
    assert (before.count("Pending"), listed.text.count("Pending")) == (0, 1)
    assert listed.text.count("Witnessed") == before.count("Witnessed")
    page = await proving.browser.get(
        re.findall(r'href="([^"]*/receipts/lf_[^"]*)"', listed.text)[0]
    )
    assert "not yet cosigned a head" in page.text


async def test_long_lists_of_receipts_go_on_without_gap(browser: Browser) -> None:
    customer = await seeded_customer(browser)
    number = ids.from_text(ids.CUSTOMER, customer.rpartition("/")[2])
    async with browser.house.database.connection() as connection:
        await connection.execute(
            "INSERT INTO evidence.leaf_staged (customer_id, leaf_id, leaf_type, subject_id, salt,"
            " commitment, created, checkpoint_size, body) SELECT $1, n, 15, 0, sha256('s'),"
            " sha256('c'), 1780000000, 0, 'x' FROM generate_series(1, 130) AS n",
            number,
        )
        total = await connection.fetchval(
            "SELECT count(*) FROM evidence.leaf_staged WHERE customer_id = $1", number
        )
    seen: list[str] = []
    href = f"{customer}/receipts"
    while href:
        page = (await browser.get(href)).text
        seen += re.findall(r'<a class="code" href="[^"]*/receipts/(lf_[^"]*)"', page)
        older = re.search(r'rel="next" href="([^"]*)"', page)
        href = older[1] if older else ""
    assert len(seen) == len(set(seen)) == total


async def test_what_was_lost_leaves_its_leaf_and_says_why_there_is_no_receipt(
    proving: Proving,
) -> None:
    customer = await proving.asked()
    await proving.desk.halt_log()
    await proving.desk.run(
        "SET LOCAL session_replication_role = replica", "UPDATE evidence.leaf SET sealed = NULL"
    )
    href = first_record((await proving.browser.get(of(customer, "receipts"))).text)
    page = await proving.browser.get(href)
    assert (page.status_code, faults(page.text)) == (200, [])
    assert "lost with a database" in page.text
    assert (await proving.browser.get(f"{href}/file")).status_code == 409


async def test_a_leaf_of_another_customer_is_not_shown(browser: Browser) -> None:
    customer = await seeded_customer(browser)
    leaf = first_record((await browser.get(f"{customer}/receipts")).text).rpartition("/")[2]
    stranger = ids.to_text(ids.CUSTOMER, 1)
    for path in (leaf, f"{leaf}/file", "lf_0000000000000", "x", "x/file"):
        page = await browser.get(f"/console/customers/{stranger}/receipts/{path}")
        assert page.status_code in {404, 409} if path.endswith("/file") else 404, path
        assert "counterfoil-receipt" not in page.text


# ----------------------------------------------------------------------------------- inquiries


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_the_footprint_shows_occasion_consent_outcome_and_openings(
    proving: Proving, language: str
) -> None:
    customer = await proving.asked()
    inquiry = (await proving.desk.inquiries(customer))[0]
    page = await proving.browser.get(of(customer, "inquiries"), language=language)
    assert (page.status_code, faults(page.text)) == (200, [])
    assert ids.to_text(ids.INQUIRY, inquiry.inquiry_id) in page.text
    consent = ids.to_text(ids.CONSENT, inquiry.consent_id)
    assert f'href="{of(customer, "consents")}/{consent}"' in page.text
    assert inquiry.outcome_leaf_id is not None
    for leaf in (inquiry.intent_leaf_id, inquiry.outcome_leaf_id):
        assert f'href="{of(customer, "receipts")}/{ids.to_text(ids.LEAF, leaf)}"' in page.text
    words = ("First application", "Hard", "Answered", "Consent, new report", "Kept until")
    if language == "zh-CN":
        words = ("首次申请", "硬查询", "已答复", "客户授权，新报告", "保存至")
    for word in words:
        assert word in page.text
    for particular in await proving.clear(customer):
        assert particular not in page.text


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_somebody_about_whom_nobody_was_asked_has_an_empty_footprint(
    browser: Browser, language: str
) -> None:
    page = await browser.get(f"{await seeded_customer(browser)}/inquiries", language=language)
    assert (page.status_code, faults(page.text)) == (200, [])
    assert ("No bureau was asked" if language == "en" else "未向征信机构查询") in page.text


@pytest.mark.parametrize("what", ["receipts", "inquiries"])
@pytest.mark.parametrize("customer", ["cu_0000000000000", "x"])
async def test_nobodys_pages_are_not_there(browser: Browser, customer: str, what: str) -> None:
    assert (await browser.get(f"/console/customers/{customer}/{what}")).status_code == 404


# ----------------------------------------------------------------------------------- by role


@pytest.mark.parametrize("role", list(ROLES))
async def test_evidence_is_for_those_who_may_read_it(stranger: Browser, role: str) -> None:
    await stranger.sign_in(role)
    customer = await seeded_customer(stranger)
    links = (await stranger.get(customer)).text
    is_allowed = may(role, Permission.READ_EVIDENCE)
    for path in ("/console/evidence", f"{customer}/receipts", f"{customer}/inquiries"):
        # A receipt is signed with numbers that everybody has, and closed to who sees pseudonyms.
        is_open = is_allowed and not (path.endswith("/receipts") and stranger.aliases)
        assert (await stranger.get(path)).status_code == (200 if is_open else 403)
        assert (f'href="{path}"' in links) is is_open, path


def test_who_collects_pays_or_answers_calls_has_no_business_with_footprints() -> None:
    refused = {role for role in ROLES if not may(role, Permission.READ_EVIDENCE)}
    assert refused == {"agency", "collector", "finance", "support"}
