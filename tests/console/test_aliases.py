"""Who sees pseudonyms knows records by aliases, on every page and in every address.

That no page gives such a role a record's own number is asked of every answer that these tests read
(`Browser`); here is what is refused, and what no alias can be put into.
"""

import re

import pytest
from tests.console.accessibility import faults
from tests.console.conftest import OWN_NUMBER, Browser

from counterfoil.console.access import may
from counterfoil.console.app import PAGES
from counterfoil.journeys.guarding.show_persons import aliases_for
from counterfoil.kernel import ids
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.trail import Wanted, find_entries
from counterfoil.privacy.alias import Aliases

HEADERS = {
    "accept-language": "en",
    "origin": "https://console.test",
    "sec-fetch-site": "same-origin",
}
ALIAS = re.compile(r"\b[a-z]{2}x_[0-9a-z]{16}\b")


def aliases_of(browser: Browser, role: str) -> Aliases:
    found = aliases_for(browser.house, Actor(name=role, role=role, source="test"))
    assert found is not None
    return found


async def a_loan(browser: Browser) -> tuple[int, int]:
    async with browser.house.database.connection() as connection:
        row = await connection.fetchrow(
            "SELECT customer_id, loan_id FROM lending.loan WHERE status = 'open' LIMIT 1"
        )
    return row["customer_id"], row["loan_id"]


async def test_two_roles_know_a_loan_by_two_numbers_and_neither_knows_its_own(
    stranger: Browser,
) -> None:
    customer, loan = await a_loan(stranger)
    shown = dict[str, set[str]]()
    for role in ("risk_analyst", "administrator"):
        await stranger.sign_in(role)
        own = aliases_of(stranger, role)
        path = f"/console/customers/{own.of(ids.CUSTOMER, customer)}/loans"
        path = f"{path}/{own.of(ids.LOAN, loan)}"
        said = (await stranger.client.get("/console/loans?status=open")).text
        assert own.of(ids.LOAN, loan) in said
        for language in ("en", "zh-CN"):
            page = await stranger.client.get(path, headers={"accept-language": language})
            assert page.status_code == 200
            assert own.of(ids.LOAN, loan) in page.text
            # No link leads where the role is turned away.
            assert "/ledger/" not in page.text or role == "administrator"
            assert faults(page.text) == []
            said += page.text
        shown[role] = set(ALIAS.findall(said))
        assert OWN_NUMBER.findall(said) == []
    assert len(shown["administrator"]) > 5
    assert not shown["administrator"] & shown["risk_analyst"]
    # The trail knows the customer; a reader of it meets aliases there too.
    async with stranger.house.database.connection() as connection:
        lines = await find_entries(connection, Wanted(actor="risk_analyst", act="view"))
    assert customer in {number for line in lines for number in line.customer_ids}


@pytest.mark.parametrize(
    ("role", "of", "says"),
    [
        ("support", "risk_analyst", "is of somebody else"),
        ("operations", "risk_analyst", "is of somebody else"),
        ("risk_analyst", "", "by numbers of your own"),
    ],
)
async def test_a_number_that_is_not_ones_own_is_refused_and_stands_for_nothing(
    stranger: Browser, role: str, of: str, says: str
) -> None:
    customer, _ = await a_loan(stranger)
    await stranger.sign_in(role)
    house = stranger.house
    given = ids.to_text(ids.CUSTOMER, customer)
    if of:
        given = aliases_of(stranger, of).give_out(given)
    page = await stranger.client.get("/console/search")
    token = re.findall(r'name="csrf_token" value="([^"]*)"', page.text)[0]
    sent = {"csrf_token": token, "find": given}
    client = stranger.client
    answers = [
        await client.get(f"/console/customers/{given}", headers=HEADERS),
        await client.get(f"/console/loans?after=0~{given}", headers=HEADERS),
        await client.get(f"/console/loans?after=0~{given.replace('_', '%5F')}", headers=HEADERS),
        await client.post("/console/search", data=sent, headers=HEADERS),
    ]
    for answer in answers:
        assert answer.status_code == 403
        assert says in answer.text
        assert faults(answer.text) == []
        # Nor does the refusal say what stands behind it, by whichever number.
        if stranger.aliases is not None:
            assert stranger.aliases.of(ids.CUSTOMER, customer) not in answer.text
        assert of == "" or ids.to_text(ids.CUSTOMER, customer) not in answer.text
    async with house.database.connection() as connection:
        lines = await find_entries(connection, Wanted(actor=role, act="console"))
    code = "record_number_of_another" if of else "alias_missing"
    assert [line.outcome for line in lines] == [code] * 4
    assert of != "" or customer in {line.customer_id for line in lines}


async def test_an_alias_is_searched_whole_and_leads_to_its_record(stranger: Browser) -> None:
    customer, loan = await a_loan(stranger)
    await stranger.sign_in("risk_analyst")
    own = aliases_of(stranger, "risk_analyst")
    page = await stranger.get("/console/search")
    assert "from your own pages, whole" in page.text
    found = await stranger.submit(page, "/console/search", find=own.of(ids.LOAN, loan).upper())
    record = f"{ids.to_text(ids.CUSTOMER, customer)}/loans/{ids.to_text(ids.LOAN, loan)}"
    assert found.headers["location"] == f"/console/customers/{record}"
    for beginning in (ids.to_text(ids.LOAN, loan)[:8], own.of(ids.LOAN, loan)[:12]):
        # As typed: the browser of these tests would put an alias in.
        sent = {**dict(re.findall(r'name="(csrf_token)" value="([^"]*)"', page.text))}
        answer = await stranger.client.post(
            "/console/search",
            data={**sent, "find": beginning},
            headers=HEADERS,
        )
        assert answer.status_code == 403, beginning


async def test_what_is_signed_with_numbers_that_all_know_is_closed_to_pseudonyms(
    stranger: Browser,
) -> None:
    async with stranger.house.database.connection() as connection:
        customer, leaf = await connection.fetchrow(
            "SELECT customer_id, leaf_id FROM evidence.leaf_staged WHERE customer_id > 0"
            " UNION ALL SELECT customer_id, leaf_id FROM evidence.leaf WHERE customer_id > 0"
            " LIMIT 1"
        )
    sealed = [page for page in PAGES if page.is_sealed]
    assert len(sealed) == 3
    known = {"customer": ids.to_text(ids.CUSTOMER, customer), "leaf": ids.to_text(ids.LEAF, leaf)}
    for role, is_open in (("risk_analyst", False), ("auditor", True)):
        await stranger.sign_in(role)
        record = await stranger.get(f"/console/customers/{known['customer']}")
        assert ("/receipts" in record.text) is is_open
        for page in sealed:
            assert page.permission is not None
            assert may(role, page.permission)
            path = re.sub(r"{(\w+)}", lambda m: known[m[1]], page.path)
            answer = await stranger.get(f"/console{path}")
            assert (answer.status_code != 403) is is_open
            assert ("signed or sealed" not in answer.text) is is_open
