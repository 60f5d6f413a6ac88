"""Contracts over the API: prepared, shown, signed, downloaded and verified."""

import io
import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import orjson
import pypdf
import pytest
from tests.api.conftest import FIRST_DAY, Site
from tests.api.signing import Signing, certificate, leaf_bodies, plain, printed, verdict, wait
from tests.store.applicants import Counter

from counterfoil.contracts.pades import seal_of
from counterfoil.contracts.port import Lender
from counterfoil.contracts.seal_places import SealPlaces
from counterfoil.journeys.books.check_books import check_books
from counterfoil.journeys.books.close_day import close_day
from counterfoil.journeys.contracting.contract_issue import issue_due
from counterfoil.kernel.money import to_major_text
from counterfoil.kernel.rates import RateDaily, annual_from_daily
from counterfoil.lending.cost_items import exact_percent


@pytest.fixture
async def signing(site: Site) -> Signing:
    return await Signing(site, Counter(site.house)).offer()


async def test_an_agreement_is_prepared_shown_signed_and_drawn_under(signing: Signing) -> None:
    site = signing.site
    refused = await signing.accept()
    assert (refused.status_code, refused.json()["code"]) == (409, "contract_not_signed")
    contract = await signing.signed()
    assert contract["state"] == "signed"
    accepted = await signing.accept()
    assert accepted.status_code == 201, accepted.text
    line = accepted.json()
    assert line["contract_id"] == contract["id"]
    assert line["agreement_sha256"] == contract["document_sha256"]["zh"]
    [body] = await leaf_bodies(site)
    assert body["event"] == "signed"
    assert body["contract_sha256"] == contract["document_sha256"]["zh"]
    assert body["customer_signature"]["reading_ms"]["cost_sheet"] == 6_000
    report = await check_books(site.house.database, site.house.catalogue)
    assert {name: r.exceptions for name, r in report.checks.items() if not r.ok} == {}


async def test_every_figure_of_the_text_is_that_of_offer_terms_and_sheet(signing: Signing) -> None:
    await signing.prepare()
    terms = signing.site.house.catalogue.terms("cash-line-open", 1)
    rate = signing.view.rate_daily_e8
    assert rate is not None
    for language, words in (("zh", "循环额度："), ("en", "Revolving limit: ")):
        read = await signing.text(language)
        text, sheet = read["text"], read["cost_sheet"]
        assert sha256(text.encode()).hexdigest() == read["document_sha256"][language]
        canonical = orjson.dumps(sheet, option=orjson.OPT_SORT_KEYS)
        assert sha256(canonical).hexdigest() == read["cost_sheet_sha256"]
        limit = to_major_text(signing.view.limit_minor, "CNY")
        assert f"{words}{limit} CNY" in text
        for figure in (
            exact_percent(rate),
            exact_percent(annual_from_daily(RateDaily(rate))),
            exact_percent(terms.rate_daily_e8_min),
            exact_percent(terms.rate_daily_e8_max),
            exact_percent(terms.penalty_daily_e8(rate)),
            exact_percent(terms.cost_annual_e8_cap),
            exact_percent(sheet["annual_cost"]["effective_e8"]),
            to_major_text(sheet["total_minor"], "CNY"),
            to_major_text(sheet["cost_minor"], "CNY"),
            f"{terms.line_valid_months}",
        ):
            assert figure in text
        for row in sheet["rows"]:
            cells = [row["principal_minor"], row["interest_minor"], row["fee_minor"]]
            cells += [row["due_minor"], row["balance_minor"]]
            told = " | ".join(to_major_text(cell, "CNY") for cell in cells)
            assert f"{row['instalment_no']} | {row['due_date']} | {told}\n" in text


async def test_the_printed_file_says_what_was_signed_and_nothing_else(signing: Signing) -> None:
    await signing.signed()
    read = await signing.text("zh")
    pdf = await signing.file()
    page_text = printed(pdf)
    assert page_text.startswith(plain(read["text"]))
    record = page_text.removeprefix(plain(read["text"]))
    assert record.startswith("签署记录")
    assert read["document_sha256"]["zh"] in record
    assert "阅读时长：6秒" in record
    assert await signing.file() == pdf
    attached = pypdf.PdfReader(io.BytesIO(pdf)).attachments
    assert attached["document.txt"][0] == read["text"].encode()


async def test_the_english_text_can_be_signed_as_well(signing: Signing) -> None:
    signing.language = "en"
    contract = await signing.signed()
    assert contract["signed_language"] == "en"
    read = await signing.text("en")
    found, wanted = printed(await signing.file()), plain(read["text"])
    place = next((n for n, (a, b) in enumerate(zip(found, wanted, strict=False)) if a != b), None)
    assert place is None, (found[place - 40 : place + 60], wanted[place - 40 : place + 60])


async def test_the_file_verifies_offline_and_no_changed_byte_does(signing: Signing) -> None:
    site = signing.site
    await signing.signed()
    pdf = await signing.file()
    signed_leaf, issued_leaf = await leaf_bodies(site)
    pem = certificate(site)
    found = await verdict(pdf, pem)
    assert found.accepted
    assert (found.sealed_by, (found.lender or {})["lender_id"]) == ("lender-one", "lender-one")
    assert issued_leaf["lender"] == signed_leaf["lender"] == "lender-one"
    for body in (signed_leaf, issued_leaf):
        assert (await verdict(pdf, pem, body=body)).accepted
    other = {**signed_leaf, "contract_sha256": "00" * 32}
    assert [code for code, _ in (await verdict(pdf, pem, body=other)).faults] == ["log_differs"]
    other = {**issued_leaf, "lender": "lender-two"}
    assert [code for code, _ in (await verdict(pdf, pem, body=other)).faults] == ["log_differs"]
    another = await verdict(pdf, pem, lender="lender-two")
    assert [code for code, _ in another.faults] == ["lender_differs"]
    # One in every few hundred, and every byte around the signature's own place.
    gap = pdf.index(b"/Contents <") + len(b"/Contents <")
    places = {
        *range(0, len(pdf), 211),
        *range(gap - 3, gap + 4),
        *range(gap + 700, gap + 16_000, 997),
    }
    for place in sorted(place for place in places if place < len(pdf)):
        changed = bytearray(pdf)
        changed[place] ^= 0x01
        assert not (await verdict(bytes(changed), pem, body=issued_leaf)).accepted, place
        assert not (await verdict(bytes(changed), pem)).accepted, place
    assert not (await verdict(pdf + b"\n", pem)).accepted
    assert not (await verdict(pdf[:-1], pem)).accepted
    assert not (await verdict(b"", pem)).accepted


async def test_a_file_under_another_certificate_is_refused(
    signing: Signing, tmp_path_factory: pytest.TempPathFactory
) -> None:
    await signing.signed()
    pdf = await signing.file()
    keys = tmp_path_factory.mktemp("keys")
    lender = Lender("lender-one", "Lender One", "贷款人一")
    foreign = seal_of(SealPlaces(keys), lender, now=datetime.now(UTC))
    codes = [code for code, _ in (await verdict(pdf, foreign.certificate())).faults]
    assert codes == ["certificate_unknown"]


async def test_what_is_no_signature_is_refused_with_its_code(signing: Signing) -> None:
    await signing.prepare()
    early = await signing.show("agreement")
    assert early.json()["code"] == "cost_sheet_not_shown"
    code = await signing.show_all()
    wrong = "000000" if code != "000000" else "000001"
    quick = await signing.sign(code)
    assert (quick.status_code, quick.json()["code"]) == (409, "reading_too_short")
    wait(signing.site, 5)
    assert (await signing.sign(code, document_sha256="00" * 32)).json()["code"] == (
        "document_hash_mismatch"
    )
    assert (await signing.sign(code, cost_sheet_sha256="00" * 32)).json()["code"] == (
        "cost_sheet_hash_mismatch"
    )
    low = await signing.sign(code, authentication_level="low")
    assert (low.status_code, low.json()["code"]) == (403, "authentication_too_low")
    # None of these cost an attempt; wrong codes do, and after five the right one does not help.
    for left in (4, 3, 2, 1, 0):
        refused = await signing.sign(wrong)
        assert refused.json()["code"] == "one_time_code_wrong"
        assert f"{left} attempts" in refused.json()["detail"]
    assert (await signing.sign(code)).json()["code"] == "one_time_code_expired"
    again = str((await signing.show("agreement")).json()["code"])
    assert (await signing.sign(again)).status_code == 200
    assert (await signing.sign(again)).json()["code"] == "contract_already_signed"
    assert (await signing.show("cost_sheet")).json()["code"] == "contract_already_signed"


async def test_a_code_is_given_once_and_lies_nowhere_in_clear(signing: Signing) -> None:
    await signing.prepare()
    await signing.show("cost_sheet")
    path = f"/v1/contracts/{signing.contract['id']}/shown"
    body = {"customer_id": signing.customer_id, "part": "agreement", "language": "zh"}
    first = await signing.site.post(path, body, key="shown-1")
    again = await signing.site.post(path, body, key="shown-1")
    code = first.json()["code"]
    assert again.json() == {**first.json(), "code": None}
    assert again.headers["idempotent-replayed"] == "true"
    async with signing.site.house.database.connection() as connection:
        rows = await connection.fetch("SELECT answer FROM platform.command")
        assert not any(f'"{code}"' in row[0] for row in rows)
    wait(signing.site, 5)
    assert (await signing.sign(code)).status_code == 200


async def test_codes_end_after_five_minutes_and_after_ten(signing: Signing) -> None:
    await signing.prepare()
    code = await signing.show_all()
    wait(signing.site, 301)
    assert (await signing.sign(code)).json()["code"] == "one_time_code_expired"
    for _ in range(9):
        assert (await signing.show("agreement")).status_code == 200
    assert (await signing.show("agreement")).json()["code"] == "one_time_codes_used_up"


async def test_the_texts_are_sealed_and_belong_to_their_customer(signing: Signing) -> None:
    site = signing.site
    await signing.signed()
    read = await signing.text()
    name = re.search(r"借款人：(.+?)，身份证件号码 (\w{18})", read["text"])
    assert name is not None
    async with site.house.database.connection() as connection:
        rows = await connection.fetch("SELECT ciphertext FROM contracts.sealed")
        everything = b"".join(row[0] for row in rows)
        open_rows = await connection.fetch("SELECT contract::text FROM contracts.contract")
        commands = await connection.fetch("SELECT answer FROM platform.command")
    told = " ".join(row[0] for row in [*open_rows, *commands])
    for particular in name.groups():
        assert particular.encode() not in everything
        assert particular not in told
    stranger = await site.borrower()
    path = f"/v1/contracts/{signing.contract['id']}"
    for address in (path, f"{path}/document.pdf"):
        refused = await site.get(address, customer_id=stranger.customer_id)
        assert (refused.status_code, refused.json()["code"]) == (404, "contract_not_found")


async def test_preparing_again_gives_the_same_until_the_day_or_the_offer_changes(
    signing: Signing,
) -> None:
    site = signing.site
    first = await signing.prepare()
    assert await signing.prepare() == first
    code = await signing.show_all()
    await close_day(site.house)
    wait(site, 6)
    second = await signing.prepare()
    assert second["id"] != first["id"]
    signing.contract = first
    assert (await signing.sign(code)).json()["code"] == "contract_superseded"
    signing.contract = second
    async with site.house.database.transaction() as connection:
        await connection.execute(
            "UPDATE decisioning.application SET limit_minor = limit_minor - 10000"
        )
    assert (await signing.show("cost_sheet")).json()["code"] == "contract_superseded"
    third = await signing.prepare()
    assert third["limit_minor"] == second["limit_minor"] - 10_000


async def test_an_expired_offer_is_neither_prepared_nor_signed(signing: Signing) -> None:
    site = signing.site
    await signing.prepare()
    code = await signing.show_all()
    until = FIRST_DAY + timedelta(days=60)
    await close_day(site.house, to=until)
    refused = await signing.sign(code)
    assert refused.json()["code"] in {"contract_expired", "contract_superseded"}
    body = {"customer_id": signing.customer_id, "application_id": signing.application_id}
    assert (await site.post("/v1/contracts", body)).json()["code"] == "offer_not_approved"


async def test_the_worker_issues_files_that_are_due(signing: Signing) -> None:
    await signing.signed()
    assert await issue_due(signing.site.house, page=10) == 1
    assert await issue_due(signing.site.house, page=10) == 0
    digest = sha256(await signing.file()).hexdigest()
    assert (await signing.text())["pdf_sha256"] == digest
    assert [body["event"] for body in await leaf_bodies(signing.site)] == ["signed", "issued"]
