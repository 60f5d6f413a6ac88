"""New versions of an agreement and changed terms over the API: noticed, signed, or declined."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest
from tests.api.conftest import FIRST_DAY, Site
from tests.api.signing import Signing, drawn, leaf_bodies, wait, wish_of
from tests.contract_templates import later, put_in_force
from tests.store.applicants import Counter

from counterfoil.contracts.template import files_of
from counterfoil.customers.message import load_texts
from counterfoil.journeys.approve import decide_approval
from counterfoil.journeys.books.check_books import check_books
from counterfoil.journeys.books.close_day import close_day
from counterfoil.journeys.borrowing.reprice import PriceWish, reprice_line
from counterfoil.journeys.contracting.contract_version import take_effect
from counterfoil.journeys.serving.tell_customers import notices_consumer, take_notices
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.kernel.language import Language
from counterfoil.lending.account import Setting
from counterfoil.lending.fees import fees_to_text
from counterfoil.lending.store import read_line, read_loan
from counterfoil.lending.terms import Fee, FeeTiming
from counterfoil.platform.access_matrix import Actor


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
    await put_in_force(site.house, later("credit-agreement", begins=FIRST_DAY.isoformat()))
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
    await put_in_force(site.house, later("credit-agreement", begins=FIRST_DAY.isoformat()))
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


def changed_terms(site: Site, patch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Let a second version of the product hold, for the lines that sign it.

    The catalogue is that of the process: other tests find it as it was.
    """
    catalogue = site.house.catalogue
    first = catalogue.product("cash-line-open", 1)
    terms = replace(first.terms, version=2, **changes)
    second = replace(first, terms=terms)
    patch.setitem(catalogue._products, ("cash-line-open", 2), second)
    patch.setitem(catalogue._by_code, "cash-line-open", [first, second])


async def test_changed_terms_bind_new_drawings_once_signed_and_nobody_by_silence(
    signing: Signing, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = signing.site
    _, loan = await drawn(signing)
    asked = wish_of(signing, loan["line_id"])
    changed_terms(site, monkeypatch, penalty_percent_of_rate=20, tenors_months=(3, 6))
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
    signing: Signing, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = signing.site
    _, loan = await drawn(signing)
    path = f"/v1/lines/{loan['line_id']}/agreement-version"
    offer = {
        "customer_id": signing.customer_id,
        "effective_on": "2026-05-01",
        "product_version": 2,
    }
    changed_terms(site, monkeypatch, limit_minor_max=100)
    assert (await site.post(path, offer)).json()["code"] == "line_outside_terms"
    changed_terms(site, monkeypatch)
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


async def noticed_price(signing: Signing, line: Any, **changes: Any) -> Any:
    """Give notice to a line's customer."""
    body = {"customer_id": signing.customer_id, "effective_on": "2026-05-01", **changes}
    return await signing.site.post(f"/v1/lines/{line['id']}/agreement-version", body)


async def line_of(signing: Signing) -> Any:
    line_id = ids.to_text(ids.LINE, signing.view.application_id)
    read = await signing.site.get(f"/v1/lines/{line_id}", customer_id=signing.customer_id)
    return read.json()


async def changes_of(signing: Signing, line_id: str) -> list[Any]:
    path = f"/v1/lines/{line_id}/agreement-changes"
    read = await signing.site.get(path, customer_id=signing.customer_id)
    assert read.status_code == 200, read.text
    items: list[Any] = read.json()["items"]
    return items


async def test_a_dearer_price_is_noticed_compared_signed_and_no_loan_pays_it(
    signing: Signing,
) -> None:
    site = signing.site
    _, loan = await drawn(signing)
    line = await line_of(signing)
    rate = line["rate_daily_e8"]
    asked = wish_of(signing, line["id"])
    # A price that was announced holds until then, and is what the dearer one is compared with.
    wish = PriceWish(
        customer_id=signing.view.customer_id,
        line_id=signing.view.application_id,
        rate_daily_e8=rate - 1_000,
        effective_on=FIRST_DAY,
        reason="spring",
    )
    desk = Actor(name="an-li", role="risk_analyst", source="console")
    assert not isinstance(await reprice_line(site.house, desk, wish), Refused)
    assert (await leaf_bodies(site))[-1]["event"] == "price_announced"
    before = (await site.post("/v1/quotes", asked)).json()["cost_sheet"]
    codes = {
        "line_outside_terms": {"rate_daily_e8": 60_000},
        "new_version_not_needed": {"rate_daily_e8": rate - 1_000},
        "limit_needs_decision": {"limit_minor": line["limit_minor"] + 10_000},
        "notice_too_short": {"rate_daily_e8": rate + 3_000, "effective_on": "2026-03-20"},
        "line_expired": {"rate_daily_e8": rate + 3_000, "effective_on": "9000-12-31"},
    }
    for code, changes in codes.items():
        assert (await noticed_price(signing, line, **changes)).json()["code"] == code
    noticed = await noticed_price(signing, line, rate_daily_e8=rate + 3_000)
    assert noticed.status_code == 201, noticed.text
    signing.contract = noticed.json()
    number = signing.contract["id"]
    said = (signing.contract["changes"], signing.contract["is_binding"])
    assert said == (["price"], True)
    leaf = (await leaf_bodies(site))[-1]
    assert (leaf["event"], leaf["changes"]) == ("change_noticed", ["price"])
    assert leaf["to"]["rate_daily_e8"] == leaf["from"]["rate_daily_e8"] + 4_000
    told = (
        await site.get(f"/v1/contracts/{number}/differences", customer_id=signing.customer_id)
    ).json()["items"]
    for language, heading in (("zh", "三、"), ("en", "3. ")):
        [one] = [item for item in told if item["language"] == language]
        [clause] = [item for item in one["clauses"] if item["heading"].startswith(heading)]
        assert len(clause["before"]) == len(clause["after"]) == 1, clause
    change, announced = await changes_of(signing, line["id"])
    assert (announced["way"], announced["standing"]) == ("price", "in_force")
    assert (announced["from_rate_daily_e8"], announced["to_rate_daily_e8"]) == (rate, rate - 1_000)
    assert (change["standing"], change["effective_on"]) == ("open", "2026-05-01")
    assert (change["from_rate_daily_e8"], change["to_rate_daily_e8"]) == (
        rate - 1_000, rate + 3_000,
    )  # fmt: skip
    # Until its day the earlier price holds, signed or not.
    code = await signing.show_all()
    wait(site, 6)
    assert (await signing.sign(code)).status_code == 200
    again = await noticed_price(signing, line, rate_daily_e8=rate + 4_000)
    assert again.json()["code"] == "new_version_signed"
    now = (await site.post("/v1/quotes", asked)).json()["cost_sheet"]
    assert now["rate_daily_e8"] == before["rate_daily_e8"] == rate - 1_000
    await close_day(site.house, to=date(2026, 5, 2))
    quoted = (await site.post("/v1/quotes", asked)).json()
    assert quoted["cost_sheet"]["rate_daily_e8"] == rate + 3_000
    assert f"{(rate + 3_000) / 1e6:g}" in quoted["note"]["text"]
    line = await line_of(signing)
    assert (line["rate_daily_e8"], line["contract_id"]) == (rate + 3_000, number)
    change, announced = await changes_of(signing, line["id"])
    assert (change["standing"], announced["standing"]) == ("in_force", "replaced")
    read = await site.get(f"/v1/loans/{loan['id']}", customer_id=signing.customer_id)
    assert read.json()["rate_daily_e8"] == rate
    history = await site.get(f"/v1/lines/{line['id']}/history", customer_id=signing.customer_id)
    assert history.json()["items"][-1]["kind"] == "agreement_replaced"
    checked = await check_books(site.house.database, site.house.catalogue)
    wrong = {name: found.exceptions for name, found in checked.checks.items() if not found.ok}
    assert wrong.keys() == {"payouts"}


async def test_a_dearer_price_that_is_not_signed_stops_drawing_until_the_lender_takes_it_back(
    signing: Signing,
) -> None:
    site = signing.site
    _, loan = await drawn(signing)
    line = await line_of(signing)
    asked = wish_of(signing, line["id"])
    noticed = await noticed_price(signing, line, rate_daily_e8=line["rate_daily_e8"] + 3_000)
    path = f"/v1/contracts/{noticed.json()['id']}"
    customer = {"customer_id": signing.customer_id}
    assert (await site.post(f"{path}/refusal", customer)).json()["state"] == "declined"
    assert (await site.post("/v1/quotes", asked)).status_code == 200
    await close_day(site.house, to=date(2026, 5, 2))
    assert (await site.post("/v1/quotes", asked)).json()["code"] == "agreement_change_not_signed"
    # Leaving is free and possible: the loan is paid off and the line closed.
    payoff = await site.get(f"/v1/loans/{loan['id']}/payoff", customer_id=signing.customer_id)
    assert payoff.status_code == 200, payoff.text
    taken_back = await site.post(f"{path}/withdrawal", customer)
    assert taken_back.json()["state"] == "withdrawn", taken_back.text
    assert (await leaf_bodies(site))[-1]["event"] == "change_withdrawn"
    assert (await site.post("/v1/quotes", asked)).status_code == 200
    first = f"/v1/contracts/{signing.contract['id']}/withdrawal"
    assert (await site.post(first, customer)).json()["code"] == "contract_not_found"


async def test_a_lower_limit_by_agreement_holds_once_signed_and_silence_keeps_the_earlier(
    signing: Signing,
) -> None:
    site = signing.site
    await signing.signed()
    await signing.accept()
    line = await line_of(signing)
    lower = line["limit_minor"] - 100_000
    noticed = await noticed_price(signing, line, limit_minor=lower)
    assert noticed.status_code == 201, noticed.text
    signing.contract = noticed.json()
    assert (signing.contract["changes"], signing.contract["is_binding"]) == (["limit"], False)
    await close_day(site.house, to=date(2026, 5, 2))
    assert (await site.post("/v1/quotes", wish_of(signing, line["id"]))).status_code == 200
    assert (await line_of(signing))["limit_minor"] == line["limit_minor"]
    code = await signing.show_all()
    wait(site, 6)
    assert (await signing.sign(code)).status_code == 200
    changed = await line_of(signing)
    assert changed["limit_minor"] == changed["agreed_limit_minor"] == lower
    again = {"customer_id": signing.customer_id, "limit_minor": line["limit_minor"], "reason": "r"}
    refused = await site.post(f"/v1/lines/{line['id']}/limit", again)
    assert refused.json()["code"] == "limit_not_agreed"
    history = await site.get(f"/v1/lines/{line['id']}/history", customer_id=signing.customer_id)
    told = [(one["kind"], one["reason"]) for one in history.json()["items"]]
    assert told[-2:] == [
        ("limit_lowered", "agreement_change"),
        ("agreement_replaced", "customer_setting"),
    ]
    # Once is once: what was decided later is not lowered again by the worker.
    assert await take_effect(site.house) == 0


@pytest.mark.parametrize("is_binding", [True, False])
async def test_a_notice_reaches_the_customer_in_words(
    signing: Signing, *, is_binding: bool
) -> None:
    site = signing.site
    await drawn(signing)
    line = await line_of(signing)
    consumer = notices_consumer(site.house)
    await consumer.register()
    wish = {"rate_daily_e8": line["rate_daily_e8"] + (3_000 if is_binding else -3_000)}
    noticed = (await noticed_price(signing, line, **wish)).json()
    back = f"/v1/contracts/{noticed['id']}/withdrawal"
    await site.post(back, {"customer_id": signing.customer_id})
    while await consumer.waiting():
        await take_notices(site.house, consumer)
    async with site.house.database.connection() as connection:
        rows = await connection.fetch(
            "SELECT kind, is_legal, fields FROM customers.message"
            " WHERE kind LIKE 'agreement_version_%' ORDER BY message_id"
        )
    told = [(row["kind"], row["is_legal"]) for row in rows]
    assert told == [("agreement_version_noticed", True), ("agreement_version_withdrawn", True)]
    fields = orjson.loads(rows[0]["fields"])
    for language, free, binding in (
        (Language.CHINESE, "原合同继续适用", "不能新借款"),
        (Language.ENGLISH, "goes on", "nothing new"),
    ):
        text = load_texts().render_fields(rows[0]["kind"], fields, language, name="Wang").body
        assert (binding if is_binding else free) in text
        assert line["id"] in text
        assert "2026-05-01" in text


async def test_a_template_is_put_forward_approved_published_and_retired_over_http(
    site: Site,
) -> None:
    second = later("credit-agreement", begins=FIRST_DAY.isoformat())
    files = {name: text.decode() for name, text in files_of(second.document).items()}
    given = {"head": files["template.toml"], "zh": files["zh.md"], "en": files["en.md"]}
    path = "/v1/contract-templates/publications"
    body = {"template": given, "reason": "clause 9 in plainer words"}
    spoiled = body | {"template": given | {"en": "# x"}}
    for wrong, status, code in (
        (spoiled, 409, "contract_template_gate_closed"),
        (body | {"template": "credit-agreement/7"}, 404, "contract_template_version_not_found"),
        (body | {"template": "credit-agreement/1"}, 409, "contract_template_published"),
        (body | {"template": "../x/1"}, 422, "request_invalid"),
    ):
        refused = await site.post(path, wrong)
        assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text
    asked = await site.post(path, body)
    assert asked.status_code == 201, asked.text
    assert asked.json()["state"] == "requested"
    told = (await site.get("/v1/contract-templates/credit-agreement/2/difference")).json()
    assert told["faults"] == []
    assert [one["after"] for one in told["products"]] == ["credit-agreement/2"] * 2
    proposed = (await site.get("/v1/contract-templates/credit-agreement/2")).json()
    assert (proposed["publication"], proposed["en"]) == (None, files["en.md"])
    bo = Actor(name="bo", role="compliance", source="test")
    number = ids.from_text(ids.APPROVAL, asked.json()["approval_id"])
    await decide_approval(site.house, bo, number, is_approved=True, reason="read it")
    made = await site.post(path, body | {"template": "credit-agreement/2"})
    assert made.json()["state"] == "published", made.text
    listed = (await site.get("/v1/contract-templates", limit="1")).json()
    assert [one["template"] for one in listed["items"]] == ["credit-agreement/2"]
    assert listed["next"] is not None
    ending = "/v1/contract-templates/retirements"
    end = {"template": "credit-agreement/2", "retired_on": FIRST_DAY.isoformat(), "reason": "wrong"}
    asked = await site.post(ending, end)
    number = ids.from_text(ids.APPROVAL, asked.json()["approval_id"])
    await decide_approval(site.house, bo, number, is_approved=True, reason="read it")
    assert (await site.post(ending, end)).json()["state"] == "ends"
    again = await site.get("/v1/contract-templates/credit-agreement/2")
    assert again.json()["publication"]["retired_on"] == FIRST_DAY.isoformat()
