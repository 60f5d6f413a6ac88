"""Lists: each leads on and back by its cursors, or is whole by its nature and says so."""

from datetime import UTC, date, datetime
from functools import cache

import pytest
from tests.api.conftest import Borrower, Json, Site
from tests.api.test_bad_input import repayment
from tests.api.test_money import walk

from counterfoil.api.app import WRITES, site_of
from counterfoil.api.desk import Desk
from counterfoil.api.openapi import document
from counterfoil.api.openapi_parts import parameters_of, responses_of
from counterfoil.api.paging import Key, Turn, page_of_whole
from counterfoil.api.problems import load_texts
from counterfoil.decisioning.line_review import case_store
from counterfoil.decisioning.line_review.signal import LineSignal, SignalKind
from counterfoil.ledger.chart import CHART
from counterfoil.lending import scene_store

CURSORS = {"next", "prev"}
TURNS = {"after", "before", "limit"}
#: Lists without cursors, and what bounds each.
WHOLE = {
    "/v1/addresses": "one address a channel",
    "/v1/applications/funnel": "one row a value of a code, over a year at most",
    "/v1/collection-accounts": "the accounts of the rails file",
    "/v1/contracts/{contract_id}/differences": "no longer than the texts compared",
    "/v1/feature-sources": "the sources of the registry in force",
    "/v1/features": "the features of the registry in force",
    "/v1/ledger/accounts": "the chart of accounts",
    "/v1/ledger/reconciliation": "one row a lender, product and account",
    "/v1/ledger/trial-balance": "one row a lender, currency and account",
    "/v1/notices": "one version a notice",
    "/v1/policies": "one version a purpose",
    "/v1/policy-losses": "three years of months a version",
    "/v1/products": "the product files",
    "/v1/rails": "the rails of the installation",
    "/v1/reviews/figures": "one row a version",
    "/v1/rule-packs": "the packs of the installation",
    "/v1/scenes": "the scenes of the product files",
    "/v1/trainings": "one row a colleague and course",
}


@cache
def described() -> Json:
    return document(site_of(Desk(load_texts()))._router, WRITES)  # type: ignore[arg-type]


def lists() -> dict[str, tuple[set[str], Json]]:
    """Return the members of the answer and the operation of every list, by its path."""
    schemas = described()["components"]["schemas"]
    found = {}
    for path, item in described()["paths"].items():
        if "get" not in item:
            continue
        said, *_ = [
            media.get("schema", {})
            for status, answer in responses_of(described(), item["get"]).items()
            for media in answer.get("content", {}).values()
            if status.startswith("2")
        ] or [{}]
        assert said.get("type") != "array", path
        members = schemas.get(said.get("$ref", "").rpartition("/")[2], {}).get("properties", {})
        if members.get("items", {}).get("type") == "array":
            found[path] = (set(members), item["get"])
    return found


def test_every_list_has_cursors_to_both_sides_or_is_whole_and_says_so() -> None:
    without = set()
    for path, (members, operation) in lists().items():
        taken = {one["name"] for one in parameters_of(described(), operation)}
        assert len(members & CURSORS) in {0, 2}, path
        if members & CURSORS:
            assert taken >= TURNS, path
            assert "latest" not in operation["description"], path
        else:
            without.add(path)
            assert "The list is whole: " in operation["description"], path
            assert not taken & TURNS, path
    assert without == set(WHOLE)


async def test_lists_without_cursors_are_whole(site: Site) -> None:
    house = site.house
    for path, count in (
        ("/v1/features", len(house.registry.features)),
        ("/v1/feature-sources", len(house.registry.sources)),
        ("/v1/ledger/accounts", len(CHART)),
        ("/v1/policies", len(house.policies.every())),
        ("/v1/products", len(list(house.catalogue.all()))),
        ("/v1/rails", len(house.rails)),
    ):
        assert len((await site.get(path)).json()["items"]) == count, path


NUMBERS = [(0, number) for number in (3, 5, 8, 13, 21)]


@pytest.mark.parametrize("is_falling", [False, True])
def test_a_list_read_whole_is_cut_to_both_sides_of_any_key(*, is_falling: bool) -> None:
    every = NUMBERS[::-1] if is_falling else NUMBERS

    def page(key: Key | None, *, is_back: bool) -> list[Key]:
        turn = Turn(key, is_back, 2)
        return page_of_whole(every, turn, lambda item: item, is_falling=is_falling).items

    assert page(None, is_back=False) == every[:2]
    for place, key in enumerate(every):
        assert page(key, is_back=False) == every[place + 1 : place + 3]
        assert page(key, is_back=True) == every[max(place - 2, 0) : place]
    # What stood there may be gone.
    behind = [item for item in every if (item < (0, 10)) is is_falling]
    assert page((0, 10), is_back=False) == behind[:2]


async def test_what_a_line_and_a_loan_have_is_read_on_and_back(site: Site) -> None:
    borrower = await site.borrower()
    loan = await site.open_loan(borrower)
    for _ in range(3):
        paid = await site.post("/v1/repayments", repayment(borrower, loan_id=loan["id"]))
        assert paid.status_code == 201, paid.text
    async with site.house.database.transaction() as connection:
        for number in range(1, 6):
            await case_store.add_signal(connection, signal(borrower, number))
        for number in range(1, 6):
            await scene_store.add_payee(connection, merchant(number))
    there, back = await walk(site, "/v1/scene-merchants", scene="travel")
    assert [one["name"] for one in there] == [f"Merchant {number}" for number in range(1, 6)]
    assert back == there
    assert (await site.get("/v1/scene-merchants", scene="education")).json()["items"] == []
    only = {"customer_id": borrower.customer_id}
    of_line, of_loan = f"/v1/lines/{borrower.line_id}", f"/v1/loans/{loan['id']}"
    for path, name, count in (
        (f"{of_line}/signals", "id", 5),
        (f"{of_loan}/transactions", "sequence", 4),
        (f"{of_loan}/journals", "id", 4),
    ):
        there, back = await walk(site, path, **only)
        assert len({one[name] for one in there}) == len(there) >= count, path
        assert back == there
        whole = (await site.get(path, **only)).json()
        assert (whole["items"], whole["next"], whole["prev"]) == (there, None, None)


def merchant(number: int) -> scene_store.Payee:
    return scene_store.Payee(
        merchant_id=number,
        version_no=1,
        scene="travel",
        name=f"Merchant {number}",
        payee_ref=f"acct-{number}",
        asked_by="ann",
        approved_by="bob",
        approval_id=number,
        registered_at=datetime(2026, 1, 5, tzinfo=UTC),
    )


def signal(borrower: Borrower, number: int) -> LineSignal:
    return LineSignal(
        customer_id=borrower.customer,
        signal_id=number,
        line_id=borrower.line,
        kind=SignalKind.DISPUTE_OPENED,
        source="desk",
        reference=f"call-{number}",
        noted_on=date(2026, 1, 5),
        noted_at=datetime(2026, 1, 5, tzinfo=UTC),
        noted_by="ann",
    )
