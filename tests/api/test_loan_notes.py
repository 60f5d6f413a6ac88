"""Loan notes over the API: confirmed with the cost sheet, and the same for ever."""

import re
from hashlib import sha256

import pytest
from tests.api.conftest import Site
from tests.api.signing import Signing, certificate, drawn, plain, printed, verdict
from tests.store.applicants import Counter

from counterfoil.kernel.money import to_major_text
from counterfoil.lending.cost_items import exact_percent


@pytest.fixture
async def signing(site: Site) -> Signing:
    return await Signing(site, Counter(site.house)).offer()


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
