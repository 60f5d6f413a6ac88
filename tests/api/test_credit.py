"""Credit over HTTP: given back, used, read, and refused with the reason."""

from datetime import timedelta

from tests.api.conftest import FIRST_DAY, Borrower, Json, Site, new_key

from counterfoil.kernel import ids
from counterfoil.lending.commands import ConfirmReturn


async def overpay(site: Site, borrower: Borrower, by_minor: int = 5_000) -> None:
    """Close a loan of 1,000.00 on its first day with more than it needs."""
    await site.open_loan(borrower)
    paid = await site.post("/v1/repayments", payment(borrower, 100_000 + by_minor))
    assert paid.status_code == 201, paid.text
    assert paid.json()["credit_minor"] == by_minor


def payment(borrower: Borrower, amount_minor: int, channel: str = "transfer") -> Json:
    return {
        "customer_id": borrower.customer_id,
        "line_id": borrower.line_id,
        "amount_minor": amount_minor,
        "currency": "CNY",
        "channel": channel,
    }


def give_back(borrower: Borrower, amount_minor: int) -> Json:
    return {
        "customer_id": borrower.customer_id,
        "line_id": borrower.line_id,
        "amount_minor": amount_minor,
        "currency": "CNY",
        "payee_ref": "acct-1",
    }


async def test_a_return_is_accepted_once_and_shows_what_became_of_it(site: Site) -> None:
    borrower = await site.borrower()
    await overpay(site, borrower)
    key = new_key()
    first = await site.post("/v1/credit-returns", give_back(borrower, 3_000), key=key)
    assert first.status_code == 201, first.text
    again = await site.post("/v1/credit-returns", give_back(borrower, 3_000), key=key)
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    asked = first.json()
    assert asked["status"] == "requested"
    line = (
        await site.get(f"/v1/lines/{borrower.line_id}", customer_id=borrower.customer_id)
    ).json()
    assert (line["credit_minor"], line["returning_minor"]) == (2_000, 3_000)
    await site.house.counter.submit(
        ConfirmReturn(
            customer_id=borrower.customer,
            line_id=borrower.line,
            return_id=ids.from_text(ids.CREDIT_RETURN, asked["id"]),
            payment_id=ids.from_text(ids.CREDIT_RETURN, asked["id"]),
            value_date=FIRST_DAY,
            rail_reference="rail-9",
        ),
        idempotency_key="confirmed",
    )
    read = await site.get(f"/v1/credit-returns/{asked['id']}", customer_id=borrower.customer_id)
    assert read.status_code == 200, read.text
    assert (read.json()["status"], read.json()["value_date"]) == ("paid", FIRST_DAY.isoformat())
    listed = await site.get(
        f"/v1/lines/{borrower.line_id}/credit-returns", customer_id=borrower.customer_id
    )
    assert listed.json() == {"items": [read.json()], "next": None, "prev": None}
    for last, returned in ((FIRST_DAY, 3_000), (FIRST_DAY - timedelta(days=1), 0)):
        statement = await site.get(
            f"/v1/lines/{borrower.line_id}/statement",
            customer_id=borrower.customer_id,
            **{"from": "2026-01-01", "to": last.isoformat()},
        )
        assert statement.json()["credit_returned_minor"] == returned, statement.text


async def test_credit_goes_back_and_is_used_in_a_list_of_commands_too(site: Site) -> None:
    borrower = await site.borrower()
    await overpay(site, borrower)
    loan = await site.open_loan(borrower)
    use = {**payment(borrower, 1_000), "loan_id": loan["id"], "kind": "use_credit"}
    del use["channel"]
    back = {**give_back(borrower, 3_000), "kind": "return_credit"}
    listed = [{**use, "idempotency_key": "u"}, {**back, "idempotency_key": "b"}]
    answered = await site.post("/v1/commands", {"commands": [*listed, listed[0]]})
    answers = answered.json()["answers"]
    assert [answer["status"] for answer in answers] == [201, 201, 201], answered.text
    assert answers[0]["body"]["credit_minor"] == 4_000
    assert answers[1]["body"]["credit_minor"] == 1_000
    assert answers[2]["is_replay"] is True


async def test_a_value_date_outside_the_return_is_refused(site: Site) -> None:
    borrower = await site.borrower()
    await overpay(site, borrower)
    asked = (await site.post("/v1/credit-returns", give_back(borrower, 1))).json()
    return_id = ids.from_text(ids.CREDIT_RETURN, asked["id"])
    for days in (-1, 1):
        refused = await site.house.counter.submit(
            ConfirmReturn(
                customer_id=borrower.customer,
                line_id=borrower.line,
                return_id=return_id,
                payment_id=return_id,
                value_date=FIRST_DAY + timedelta(days=days),
                rail_reference="rail-9",
            ),
            idempotency_key=f"confirmed-{days}",
        )
        assert getattr(refused, "code", None) == "return_date_out_of_range"


async def test_returns_are_listed_newest_first_page_by_page(site: Site) -> None:
    borrower = await site.borrower()
    await overpay(site, borrower)
    made = [
        (await site.post("/v1/credit-returns", give_back(borrower, n))).json()["id"]
        for n in (1, 2, 3)
    ]
    found: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = await site.get(
            f"/v1/lines/{borrower.line_id}/credit-returns",
            customer_id=borrower.customer_id,
            limit="2",
            **after,
        )
        found += [item["id"] for item in page.json()["items"]]
        if page.json()["next"] is None:
            break
        after = {"after": page.json()["next"]}
    assert found == made[::-1]


async def test_somebody_elses_return_is_unknown(site: Site) -> None:
    borrower, other = await site.borrower(), await site.borrower()
    await overpay(site, borrower)
    asked = (await site.post("/v1/credit-returns", give_back(borrower, 1))).json()
    read = await site.get(f"/v1/credit-returns/{asked['id']}", customer_id=other.customer_id)
    assert read.status_code == 404
    assert read.json()["code"] == "credit_return_not_found"


async def test_credit_pays_a_loan_and_the_receipt_reads_as_a_repayment(site: Site) -> None:
    borrower = await site.borrower()
    await overpay(site, borrower)
    loan = await site.open_loan(borrower)
    body = {**payment(borrower, 4_000), "loan_id": loan["id"]}
    del body["channel"]
    used = await site.post("/v1/credit-uses", body)
    assert used.status_code == 201, used.text
    assert (used.json()["channel"], used.json()["credit_minor"]) == ("credit", 1_000)
    read = await site.get(f"/v1/repayments/{used.json()['id']}", customer_id=borrower.customer_id)
    assert read.json()["allocations"] == used.json()["allocations"]


async def test_refusals_say_what_is_left(site: Site) -> None:
    borrower = await site.borrower()
    await overpay(site, borrower)
    beyond = await site.post("/v1/credit-returns", give_back(borrower, 5_001))
    assert beyond.status_code == 409
    assert beyond.json()["code"] == "insufficient_credit"
    assert "5000" in beyond.json()["detail"]
    reserved = await site.post("/v1/repayments", payment(borrower, 1, "credit"))
    assert reserved.json()["code"] == "channel_reserved"
