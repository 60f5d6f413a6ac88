"""A program that holds attributes: what it reaches, what it does not, and that reads are noted."""

import re
from datetime import timedelta

import orjson
import pytest
from tests.api.conftest import RATE_DAILY_E8, Site
from tests.api.test_access import OPERATIONS
from tests.api.test_bad_input import check_problem

from counterfoil.api.cutting import cut_to_reach
from counterfoil.kernel import ids
from counterfoil.kernel.clock import SystemClock
from counterfoil.kernel.errors import Refused
from counterfoil.lending.commands import OpenLine
from counterfoil.platform.access import Scope
from counterfoil.platform.holdings import Reach, wanted_in
from counterfoil.platform.trail import Wanted, find_entries

SCOPES = (
    Scope.LINES_READ,
    Scope.LINES_WRITE,
    Scope.LOANS_READ,
    Scope.APPLICATIONS_READ,
    Scope.APPLICANTS_READ,
    Scope.CONSENTS_READ,
)


async def limited(
    site: Site, monkeypatch: pytest.MonkeyPatch, client: str, attribute: str, value: str
) -> dict[str, str]:
    """Return the headers of a key that holds one attribute."""
    monkeypatch.setattr("counterfoil.platform.access.FRESH_SECONDS", -1.0)
    secret = await site.secret(*SCOPES, client=client)
    now = SystemClock().now()
    async with site.house.database.transaction() as connection:
        await connection.execute(
            "INSERT INTO platform.attribute_grant VALUES"
            " ($1, $2, $3, $4, 'test', 'officer.a', 'officer.b', 1, $5, $6)",
            site.house.ids.next(), f"api:{client}", attribute, value, now,
            now + timedelta(days=1),
        )  # fmt: skip
    return {"Authorization": f"Bearer {secret}"}


async def test_lists_are_cut_down_and_what_lies_beyond_is_refused(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    borrower = await site.borrower()
    async with site.house.database.transaction() as connection:
        # The site's borrowers have a line alone.
        await connection.execute(
            "INSERT INTO customers.customer (customer_id, status, language, created_at)"
            " SELECT customer_id, 'active', 'zh', now() FROM lending.credit_line"
        )
    [line] = (await site.get("/v1/lines")).json()["items"]
    mine = await limited(site, monkeypatch, "own", "product", line["product_code"])
    other = await limited(site, monkeypatch, "foreign", "product", "no-such-product")
    one = f"/v1/lines/{borrower.line_id}"
    of_one = {"customer_id": borrower.customer_id}
    for path in ("/v1/lines", "/v1/loans", "/v1/applications"):
        seen = [
            len((await site.client.get(path, headers=headers)).json()["items"])
            for headers in (mine, other)
        ]
        whole = len((await site.get(path)).json()["items"])
        assert seen == [whole, 0], path
    assert (await site.client.get(one, headers=mine, params=of_one)).status_code == 200
    check_problem(await site.client.get(one, headers=other, params=of_one), 403, "out_of_reach")
    # A list that is not cut down by products is not given at all.
    for headers in (mine, other):
        answer = await site.client.get("/v1/applicants", headers=headers)
        check_problem(answer, 403, "customer_must_be_named")
    body = {"customer_id": borrower.customer_id, "reason": "suspected_fraud", "until": None}
    frozen = [
        (await site.client.post(f"{one}/freeze", headers={**h, "Idempotency-Key": "k"}, json=body))
        for h in (other, mine)
    ]
    check_problem(frozen[0], 403, "out_of_reach")
    assert frozen[1].status_code == 200, frozen[1].text
    async with site.house.database.connection() as connection:
        refused = await find_entries(connection, Wanted(actor="api:foreign", only_refused=True))
    assert {"out_of_reach", "customer_must_be_named"} == {line.outcome for line in refused}


async def test_what_ran_out_opens_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    await site.borrower()
    headers = await limited(site, monkeypatch, "late", "lender", "*")
    assert (await site.client.get("/v1/lines", headers=headers)).status_code == 200
    async with site.house.database.transaction() as connection:
        await connection.execute(
            "INSERT INTO platform.attribute_end"
            " SELECT grant_id, 'officer.a', 'over', starts_at FROM platform.attribute_grant"
        )
    site.desk._known_until = 0.0
    monkeypatch.setattr("counterfoil.api.desk._KNOWN_SECONDS", -1.0)
    answer = await site.client.get("/v1/lines", headers=headers)
    check_problem(answer, 403, "attribute_missing")


async def test_every_read_that_names_customers_is_one_line_of_the_trail(site: Site) -> None:
    borrower = await site.borrower()
    await site.get("/v1/lines")
    await site.get(f"/v1/lines/{borrower.line_id}", customer_id=borrower.customer_id)
    await site.get("/v1/products")
    async with site.house.database.connection() as connection:
        lines = await find_entries(connection, Wanted(act="read"))
    assert [line.subject for line in lines] == ["get_line", "list_lines"]
    assert {line.customer_ids for line in lines} == {lines[0].customer_ids}
    assert (lines[0].actor, lines[0].role) == ("api:shop", "lines:read")
    found = await site.get("/v1/trail", customer_id=borrower.customer_id, act="read")
    assert len(found.json()["items"]) == 2


async def test_a_program_hands_in_trainings(site: Site) -> None:
    body = {
        "holder": "li.na",
        "course_code": "personal_data",
        "course_version": 1,
        "role": "operations",
        "passed_on": "2026-01-05",
        "valid_until": "2027-01-04",
    }
    made = await site.post("/v1/trainings", body)
    assert (made.status_code, made.json()["recorded_by"]) == (201, "api:shop")
    wrong = await site.client.post(
        "/v1/trainings",
        headers={"Idempotency-Key": "other"},
        json={**body, "course_code": "cooking"},
    )
    check_problem(wrong, 422, "course_unknown")
    for path in ("/v1/trainings", "/v1/attributes", "/v1/cases"):
        assert (await site.get(path)).json()["items"] == []


async def test_of_two_products_of_a_customer_a_program_reads_those_in_its_reach(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever names the other product is left out of lists and refused alone, read or written."""
    borrower = await site.borrower()
    customer = ids.from_text(ids.CUSTOMER, borrower.customer_id)
    second = site.house.ids.next()
    opened = await site.house.counter.submit(
        OpenLine(
            customer_id=customer, line_id=second, application_id=second, contract_id=second,
            product_code="cash-line-invited", product_version=1, limit_minor=100_000,
            currency="CNY", rate_daily_e8=RATE_DAILY_E8, repayment_day=15,
            agreement_sha256=bytes(32),
        ),
        idempotency_key="second",
    )  # fmt: skip
    assert not isinstance(opened, Refused)
    async with site.house.database.transaction() as connection:
        await connection.execute(
            "INSERT INTO customers.customer (customer_id, status, language, created_at)"
            " VALUES ($1, 'active', 'zh', now())", customer,
        )  # fmt: skip
    body = {"customer_id": borrower.customer_id, "reason": "suspected_fraud", "until": None}
    frozen = await site.post(f"/v1/lines/{borrower.line_id}/freeze", body)
    assert frozen.status_code == 200
    async with site.house.database.connection() as connection:
        [line] = await find_entries(connection, Wanted(act="write"))
    assert (line.actor, line.role, line.reason) == ("api:shop", "lines:write", "suspected_fraud")
    assert (line.customer_id, line.subject) == (customer, f"freeze_line {borrower.line_id}")
    mine = await limited(site, monkeypatch, "own", "product", "cash-line-invited")
    of_one = {"customer_id": borrower.customer_id}
    whole = (await site.get("/v1/lines", **of_one)).json()["items"]
    cut = (await site.client.get("/v1/lines", headers=mine, params=of_one)).json()["items"]
    assert len(whole) == 2
    assert [item["id"] for item in cut] == [ids.to_text(ids.LINE, second)]
    refused, seen = 0, set[str]()
    for method, path, _ in OPERATIONS:
        if method != "GET":
            continue
        answer = await site.client.get(
            re.sub(
                r"\bln_\w{13}",
                borrower.line_id,
                re.sub(r"\bcu_\w{13}", *(borrower.customer_id, path)),
            ),
            headers=mine,
            params=of_one,
        )
        refused += answer.status_code == 403
        if borrower.line_id in answer.text:
            seen.add(path)
    assert seen == set()
    assert refused > 5
    # What an answer names is looked at, whatever the read is: nothing has to be listed for it.
    asked = wanted_in([borrower.customer_id])
    reach = Reach(products=frozenset({"cash-line-invited"}))
    for document, kept in (
        ({"items": [{"line_id": borrower.line_id}, {"line_id": ids.to_text(ids.LINE, second)}]}, 1),
        ({"items": [{"deep": [{"er": borrower.line_id}]}, {"product_code": "cash-line-open"}]}, 0),
    ):
        body_of = await cut_to_reach(
            site.house, reach, asked, orjson.dumps({**document, "next": "x"}), holder="api:own"
        )
        assert isinstance(body_of, bytes)
        left = orjson.loads(body_of)
        assert (len(left["items"]), left["next"]) == (kept, "x")
    alone = await cut_to_reach(
        site.house, reach, asked, orjson.dumps({"of": borrower.line_id}), holder="api:own"
    )
    assert isinstance(alone, Refused)
    assert alone.code == "out_of_reach"
