"""Contracts over the API: prepared, shown, signed, drawn under, downloaded and verified."""

import asyncio
import io
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

import orjson
import pypdf
import pytest
from tests.api.conftest import FIRST_DAY, Site
from tests.store.applicants import Counter

from counterfoil.contracts.pades import seal_of
from counterfoil.contracts.paper import CERTIFICATES, SealPlaces
from counterfoil.contracts.port import Lender
from counterfoil.contracts.verifying import KnownSeal, Verdict, verify_contract
from counterfoil.evidence.leaf import LeafType
from counterfoil.journeys.check_books import check_books
from counterfoil.journeys.close_day import close_day
from counterfoil.journeys.contract_issue import issue_due
from counterfoil.journeys.contract_version import take_effect
from counterfoil.journeys.draw import PayoutBooks
from counterfoil.kernel import ids
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.money import to_major_text
from counterfoil.kernel.rates import RateDaily, annual_from_daily
from counterfoil.lending.account import Setting
from counterfoil.lending.cost_items import exact_percent
from counterfoil.lending.fees import fees_to_text
from counterfoil.lending.store import read_line, read_loan
from counterfoil.lending.terms import Fee, FeeTiming

Json = dict[str, Any]


def wait(site: Site, seconds: int) -> None:
    assert isinstance(site.house.clock, TestClock)
    site.house.clock.advance(timedelta(seconds=seconds))


class Signing:
    """One applicant on the way to a signature."""

    def __init__(self, site: Site, counter: Counter) -> None:
        self.site = site
        self.counter = counter
        self.language = "zh"

    async def offer(self) -> "Signing":
        view = await self.counter.apply()
        self.view = view
        self.customer_id = ids.to_text(ids.CUSTOMER, view.customer_id)
        self.application_id = ids.to_text(ids.APPLICATION, view.application_id)
        return self

    async def prepare(self) -> Json:
        body = {"customer_id": self.customer_id, "application_id": self.application_id}
        answered = await self.site.post("/v1/contracts", body)
        assert answered.status_code == 201, answered.text
        prepared: Json = answered.json()
        self.contract = prepared
        return prepared

    async def show(self, part: str, **changes: str) -> Any:
        body = {"customer_id": self.customer_id, "part": part, "language": self.language, **changes}
        return await self.site.post(f"/v1/contracts/{self.contract['id']}/shown", body)

    async def show_all(self) -> str:
        """Show both parts; return the code."""
        assert (await self.show("cost_sheet")).status_code == 200
        answered = await self.show("agreement")
        assert answered.status_code == 200, answered.text
        return str(answered.json()["code"])

    async def sign(self, code: str, **changes: str) -> Any:
        body = {
            "customer_id": self.customer_id,
            "language": self.language,
            "document_sha256": self.contract["document_sha256"][self.language],
            "cost_sheet_sha256": self.contract["cost_sheet_sha256"],
            "code": code,
            "authentication_level": "substantial",
            **changes,
        }
        return await self.site.post(f"/v1/contracts/{self.contract['id']}/signature", body)

    async def signed(self) -> Json:
        await self.prepare()
        code = await self.show_all()
        wait(self.site, 6)
        answered = await self.sign(code)
        assert answered.status_code == 200, answered.text
        signed: Json = answered.json()
        self.contract = signed
        return signed

    async def accept(self) -> Any:
        path = f"/v1/applications/{self.application_id}/acceptance"
        return await self.site.post(path, {"customer_id": self.customer_id, "repayment_day": 15})

    async def text(self, language: str = "zh") -> Json:
        path = f"/v1/contracts/{self.contract['id']}"
        read = await self.site.get(path, customer_id=self.customer_id, language=language)
        assert read.status_code == 200, read.text
        found: Json = read.json()
        return found

    async def file(self) -> bytes:
        path = f"/v1/contracts/{self.contract['id']}/document.pdf"
        answered = await self.site.get(path, customer_id=self.customer_id)
        assert answered.status_code == 200, answered.text
        assert answered.headers["content-type"] == "application/pdf"
        return answered.content


@pytest.fixture
async def signing(site: Site) -> Signing:
    return await Signing(site, Counter(site.house)).offer()


def certificate(site: Site) -> bytes:
    [pem] = (site.house.settings.home / "keys" / CERTIFICATES).glob("lender-one.*.pem")
    return pem.read_bytes()


async def leaf_bodies(site: Site) -> list[Json]:
    async with site.house.database.connection() as connection:
        rows = await connection.fetch(
            "SELECT body FROM evidence.leaf_staged WHERE leaf_type = $1 ORDER BY seq",
            LeafType.CONTRACT.value,
        )
    return [orjson.loads(row[0]) for row in rows]


async def verdict(
    pdf: bytes, pem: bytes, body: Json | None = None, lender: str = "lender-one"
) -> Verdict:
    """Verify beside the event loop, as a program of its own would."""
    return await asyncio.to_thread(verify_contract, pdf, [KnownSeal(lender, pem)], body=body)


def printed(pdf: bytes) -> str:
    """Return all that stands on the pages, blanks and footers aside."""
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    pages = [page.extract_text() for page in reader.pages]
    text = "\n".join(pages)
    text = re.sub(r"SHA-256 [0-9a-f]{64}\n?- \d+ -", "", text)
    return re.sub(r"\s", "", text)


def plain(text: str) -> str:
    """Return a canonical text without marks, bars and blanks."""
    lines = [re.sub(r"^(# |## |- )", "", line).replace(" | ", "") for line in text.splitlines()]
    return re.sub(r"\s", "", "".join(lines))


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


def wish_of(signing: Signing, line_id: str) -> Json:
    return {
        "customer_id": signing.customer_id,
        "line_id": line_id,
        "amount_minor": 100_000,
        "currency": "CNY",
        "tenor_months": 6,
        "method": "level_instalment",
        "purpose": "daily_consumption",
    }


async def drawn(signing: Signing) -> tuple[Json, Json]:
    """Take the offer, draw, and let the money arrive on the same day; return quote and loan."""
    site = signing.site
    await signing.signed()
    line = (await signing.accept()).json()
    wish = wish_of(signing, line["id"])
    quote = (await site.post("/v1/quotes", {**wish, "language": "zh"})).json()
    body = {**wish, "payee_ref": "acct-1", "quote_token": quote["quote_token"]}
    answered = await site.post("/v1/drawdowns", body)
    assert answered.status_code == 201, answered.text
    loan = answered.json()
    number = ids.from_text(ids.LOAN, loan["id"])
    await PayoutBooks(site.house).confirm(
        customer_id=signing.view.customer_id,
        line_id=signing.view.application_id,
        loan_id=number,
        payment_id=number,
        value_date=await site.house.business_date(),
        rail_reference="rail-1",
        idempotency_key=f"confirm-{number}",
    )
    return quote, loan


async def test_the_note_of_a_loan_is_the_one_confirmed_and_every_figure_is_the_loans(
    signing: Signing,
) -> None:
    site = signing.site
    quote, loan = await drawn(signing)
    assert loan["note_sha256"] == quote["note"]["sha256"]
    path = f"/v1/loans/{loan['id']}"
    note = (await site.get(f"{path}/note", customer_id=signing.customer_id)).json()
    assert note["text"] == quote["note"]["text"]
    assert sha256(note["text"].encode()).hexdigest() == loan["note_sha256"]
    assert signing.contract["document_sha256"]["zh"] in note["text"]
    detail = (await site.get(path, customer_id=signing.customer_id)).json()
    rows = re.findall(
        r"^(\d+) \| (\S+) \| (\S+) \| (\S+) \| (\S+) \| (\S+) \| (\S+)$", note["text"], re.MULTILINE
    )
    assert rows == [
        (
            str(row["instalment_no"]),
            row["due_date"],
            to_major_text(row["principal_minor"], "CNY"),
            to_major_text(row["interest_minor"], "CNY"),
            "0.00",
            to_major_text(row["due_minor"], "CNY"),
            to_major_text(row["balance_minor"], "CNY"),
        )
        for row in detail["plan"]
    ]
    for figure in (
        to_major_text(detail["amount_minor"], "CNY"),
        exact_percent(detail["rate_daily_e8"]),
        exact_percent(detail["penalty_daily_e8"]),
        detail["start_date"],
        detail["maturity_date"],
        quote["cost_sheet_hash"],
        exact_percent(quote["cost_sheet"]["annual_cost"]["effective_e8"]),
        quote["cost_sheet"]["statement"]["zh"],
    ):
        assert figure in note["text"]
    for item in (*quote["cost_sheet"]["items"], *quote["cost_sheet"]["contingent_items"]):
        assert f"{item['name']['zh']} | {item['payee']['name_zh']} | " in note["text"]
    file = await site.get(f"{path}/note.pdf", customer_id=signing.customer_id)
    assert printed(file.content) == plain(note["text"])
    assert (await verdict(file.content, certificate(site))).accepted


async def test_a_note_that_no_longer_follows_from_the_loan_is_not_handed_out(
    signing: Signing,
) -> None:
    site = signing.site
    _, loan = await drawn(signing)
    async with site.house.database.transaction() as connection:
        await connection.execute("UPDATE lending.loan SET original_minor = original_minor + 100")
    refused = await site.get(f"/v1/loans/{loan['id']}/note", customer_id=signing.customer_id)
    assert (refused.status_code, refused.json()["code"]) == (409, "loan_note_does_not_match")


async def test_a_loan_from_before_notes_has_none(signing: Signing) -> None:
    site = signing.site
    _, loan = await drawn(signing)
    async with site.house.database.transaction() as connection:
        await connection.execute("UPDATE lending.loan SET note_ref = NULL, note_sha256 = NULL")
    refused = await site.get(f"/v1/loans/{loan['id']}/note", customer_id=signing.customer_id)
    assert refused.json()["code"] == "loan_note_not_found"


async def test_a_line_without_an_agreement_is_neither_quoted_nor_drawn_on(site: Site) -> None:
    borrower = await site.borrower()
    body = await site.drawdown(borrower)
    async with site.house.database.transaction() as connection:
        await connection.execute(
            "UPDATE lending.credit_line SET contract_id = NULL, agreement_sha256 = NULL"
        )
    for path, sent in (("/v1/quotes", site.wish(borrower)), ("/v1/drawdowns", body)):
        refused = await site.post(path, sent)
        assert (refused.status_code, refused.json()["code"]) == (409, "agreement_not_signed")


async def test_a_new_version_is_noticed_shown_signed_and_holds_for_new_drawings(
    signing: Signing,
) -> None:
    site = signing.site
    _, loan = await drawn(signing)
    line_id = ids.to_text(ids.LINE, signing.view.application_id)
    offer = {"customer_id": signing.customer_id, "effective_on": "2026-05-01"}
    path = f"/v1/lines/{line_id}/agreement-version"
    assert (await site.post(path, offer)).json()["code"] == "new_version_not_needed"
    first = signing.contract
    shelf = site.house.shelf
    second = replace(
        shelf.template("credit-agreement", 1),
        version=2,
        effective_from=FIRST_DAY,
        content_sha256="",
    )
    shelf._templates["credit-agreement", 2] = second
    soon = {**offer, "effective_on": "2026-03-20"}
    assert (await site.post(path, soon)).json()["code"] == "notice_too_short"
    noticed = await site.post(path, offer)
    assert noticed.status_code == 201, noticed.text
    assert noticed.json()["changed_lines"] > 0
    signing.contract = noticed.json()
    new_id = signing.contract["id"]
    lines = (
        await site.get(f"/v1/contracts/{new_id}/differences", customer_id=signing.customer_id)
    ).json()["items"][0]["lines"]
    assert any(line.startswith("+") and "新版本" in line for line in lines)
    code = await signing.show_all()
    wait(site, 6)
    signed = await signing.sign(code)
    assert signed.status_code == 200, signed.text
    read = await site.get(f"/v1/lines/{line_id}", customer_id=signing.customer_id)
    assert read.json()["contract_id"] == first["id"]
    assert await take_effect(site.house) == 0
    await close_day(site.house, to=date(2026, 5, 2))
    assert await take_effect(site.house) == 1
    assert await take_effect(site.house) == 0
    read = await site.get(f"/v1/lines/{line_id}", customer_id=signing.customer_id)
    assert read.json()["contract_id"] == new_id
    # The loan keeps the agreement that its note names.
    note = await site.get(f"/v1/loans/{loan['id']}/note", customer_id=signing.customer_id)
    assert note.json()["contract_id"] == first["id"]


async def test_a_new_version_may_be_declined_and_the_old_one_stays(signing: Signing) -> None:
    site = signing.site
    await drawn(signing)
    shelf = site.house.shelf
    shelf._templates["credit-agreement", 2] = replace(
        shelf.template("credit-agreement", 1),
        version=2,
        effective_from=FIRST_DAY,
        content_sha256="",
    )
    line_id = ids.to_text(ids.LINE, signing.view.application_id)
    offer = {"customer_id": signing.customer_id, "effective_on": "2026-05-01"}
    noticed = (await site.post(f"/v1/lines/{line_id}/agreement-version", offer)).json()
    path = f"/v1/contracts/{noticed['id']}/refusal"
    declined = await site.post(path, {"customer_id": signing.customer_id})
    assert declined.json()["state"] == "declined"
    read = await site.get(f"/v1/lines/{line_id}", customer_id=signing.customer_id)
    assert read.json()["contract_id"] == signing.contract["id"]
    old = f"/v1/contracts/{signing.contract['id']}/refusal"
    refused = await site.post(old, {"customer_id": signing.customer_id})
    assert refused.json()["code"] == "contract_superseded"


def changed_terms(site: Site, **changes: Any) -> None:
    """Let a second version of the product hold, for the lines that sign it."""
    catalogue = site.house.catalogue
    first = catalogue.product("cash-line-open", 1)
    terms = replace(first.terms, version=2, **changes)
    second = replace(first, terms=terms)
    catalogue._products["cash-line-open", 2] = second
    catalogue._by_code["cash-line-open"].append(second)


async def test_changed_terms_bind_new_drawings_once_signed_and_nobody_by_silence(
    signing: Signing,
) -> None:
    site = signing.site
    _, loan = await drawn(signing)
    asked = wish_of(signing, loan["line_id"])
    changed_terms(site, penalty_percent_of_rate=20, tenors_months=(3, 6))
    path = f"/v1/lines/{loan['line_id']}/agreement-version"
    offer = {"customer_id": signing.customer_id, "effective_on": "2026-05-01"}
    unknown = await site.post(path, {**offer, "product_version": 9})
    assert unknown.json()["code"] == "product_version_not_offered"
    noticed = await site.post(path, {**offer, "product_version": 2})
    assert noticed.status_code == 201, noticed.text
    assert (await leaf_bodies(site))[-1]["event"] == "change_noticed"
    signing.contract = noticed.json()
    differences = await site.get(
        f"/v1/contracts/{signing.contract['id']}/differences", customer_id=signing.customer_id
    )
    lines = differences.json()["items"][0]["lines"]
    assert any(one.startswith("+") and "3、6" in one for one in lines)
    # Until its day nothing changes, whether signed or not; from then on silence draws nothing.
    assert (await site.post("/v1/quotes", asked)).status_code == 200
    await close_day(site.house, to=date(2026, 5, 2))
    refused = await site.post("/v1/quotes", asked)
    assert (refused.status_code, refused.json()["code"]) == (409, "agreement_change_not_signed")
    assert signing.contract["id"] in refused.json()["next_step"]
    # The old loan runs under its own terms, and its note still follows from it.
    note = f"/v1/loans/{loan['id']}/note"
    assert (await site.get(note, customer_id=signing.customer_id)).status_code == 200
    code = await signing.show_all()
    wait(site, 6)
    assert (await signing.sign(code)).status_code == 200
    quoted = await site.post("/v1/quotes", asked)
    assert quoted.json()["cost_sheet"]["product"]["version"] == 2, quoted.text
    longer = await site.post("/v1/quotes", {**asked, "tenor_months": 12})
    assert longer.json()["code"] == "tenor_not_offered"
    assert (await site.get(note, customer_id=signing.customer_id)).status_code == 200
    # A change of plan of the old loan still follows the terms that it was signed under.
    async with site.house.database.connection() as connection:
        line = await read_line(connection, signing.view.customer_id, signing.view.application_id)
        old = await read_loan(
            connection, signing.view.customer_id, ids.from_text(ids.LOAN, loan["id"])
        )
    assert line is not None
    assert old is not None
    assert (line.product_version, old.product_version) == (2, 1)
    terms = site.house.catalogue.terms
    setting = Setting(terms("cash-line-open", 2), FIRST_DAY, datetime.now(UTC), site.house.ids)
    assert setting._replace(version=terms).terms_of(old) is terms("cash-line-open", 1)
    checked = await check_books(site.house.database, site.house.catalogue)
    wrong = {name: found.exceptions for name, found in checked.checks.items() if not found.ok}
    # The money of this test came over no rail.
    assert wrong.keys() == {"payouts"}


async def test_no_terms_change_where_leaving_would_cost_or_the_line_lies_outside(
    signing: Signing,
) -> None:
    site = signing.site
    _, loan = await drawn(signing)
    path = f"/v1/lines/{loan['line_id']}/agreement-version"
    offer = {
        "customer_id": signing.customer_id,
        "effective_on": "2026-05-01",
        "product_version": 2,
    }
    changed_terms(site, limit_minor_max=100)
    assert (await site.post(path, offer)).json()["code"] == "line_outside_terms"
    changed_terms(site)
    fee = Fee(
        code="break",
        name_en="Break fee",
        name_zh="提前还款费",
        payee="lender",
        timing=FeeTiming.EARLY_REPAYMENT,
        amount_minor=100,
    )
    async with site.house.database.connection() as connection:
        await connection.execute("UPDATE lending.loan SET fees = $1", fees_to_text([fee]))
    assert (await site.post(path, offer)).json()["code"] == "leaving_costs"
    # Nothing was noticed, so nothing is open to be signed and nothing stops.
    asked = wish_of(signing, loan["line_id"])
    assert (await site.post("/v1/quotes", asked)).status_code == 200
