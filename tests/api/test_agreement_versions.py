"""New versions of an agreement and changed terms over the API: noticed, signed, or declined."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from tests.api.conftest import FIRST_DAY, Site
from tests.api.signing import Signing, drawn, leaf_bodies, wait, wish_of
from tests.store.applicants import Counter

from counterfoil.journeys.check_books import check_books
from counterfoil.journeys.close_day import close_day
from counterfoil.journeys.contract_version import take_effect
from counterfoil.kernel import ids
from counterfoil.lending.account import Setting
from counterfoil.lending.fees import fees_to_text
from counterfoil.lending.store import read_line, read_loan
from counterfoil.lending.terms import Fee, FeeTiming


@pytest.fixture
async def signing(site: Site) -> Signing:
    return await Signing(site, Counter(site.house)).offer()


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
