"""Settling early over HTTP: a quote for a chosen day closes to exactly zero; payments previewed."""

from tests.api.conftest import Borrower, Json, Site
from tests.api.test_bad_input import check_problem


def about(borrower: Borrower, **members: object) -> Json:
    return {"customer_id": borrower.customer_id, "line_id": borrower.line_id, **members}


async def to_day(site: Site, day: str) -> None:
    closed = await site.post("/v1/sandbox/close-day", {"to": day})
    assert closed.status_code == 200, closed.text


async def test_what_is_quoted_for_a_day_closes_every_loan_to_zero_on_it(site: Site) -> None:
    borrower = await site.borrower()
    who = {"customer_id": borrower.customer_id}
    loans = [(await site.open_loan(borrower, amount_minor=n))["id"] for n in (100_000, 33_300)]
    before = await site.books()
    for on, code in (("2026-03-01", "payoff_date_past"), ("2026-04-03", "settlement_too_far")):
        check_problem(
            await site.post("/v1/settlement-quotes", about(borrower, on=on)),
            *((422, code) if code == "settlement_too_far" else (409, code)),
        )
    unknown = about(borrower, loan_id="lo_01hv4zq3k2f00")
    check_problem(await site.post("/v1/settlement-quotes", unknown), 404, "loan_not_found")
    made = await site.post("/v1/settlement-quotes", about(borrower, on="2026-03-20"), key="q")
    assert made.status_code == 201, made.text
    quote = made.json()
    again = await site.post("/v1/settlement-quotes", about(borrower, on="2026-03-20"), key="q")
    assert again.json() == quote
    assert (quote["state"], quote["valid_until"]) == ("valid", "2026-03-21T00:00:00+08:00")
    assert {loan["loan_id"] for loan in quote["loans"]} == set(loans)
    assert sum(loan["amount_minor"] for loan in quote["loans"]) == quote["amount_minor"]
    after = await site.books()
    # A quote is a record of its own: nothing of lines, loans or journals has moved.
    assert {**after, "commands": before["commands"]} == before
    # An instalment falls due on the way, unpaid; the quote foresaw it.
    await to_day(site, "2026-03-20")
    path = f"/v1/settlement-quotes/{quote['id']}"
    assert (await site.get(path, **who)).json()["state"] == "valid"
    paid = {**quote["repayment"], **who, "channel": "transfer"}
    seen = await site.get(
        f"/v1/lines/{borrower.line_id}/repayment-preview",
        **who,
        amount_minor=str(quote["amount_minor"]),
    )
    booked = await site.post("/v1/repayments", paid)
    assert booked.status_code == 201, booked.text
    assert seen.json()["allocations"] == booked.json()["allocations"]
    assert booked.json()["excess_minor"] == 0
    for number in loans:
        loan = (await site.get(f"/v1/loans/{number}", **who)).json()
        owed = (loan["status"], loan["payoff_minor"], loan["principal_minor"], loan["closed_on"])
        assert owed == ("closed", 0, 0, "2026-03-20")
    assert (await site.get(path, **who)).json()["state"] == "settled"
    [listed] = (await site.get("/v1/settlement-quotes", **who)).json()["items"]
    assert listed["id"] == quote["id"]
    none = await site.post("/v1/settlement-quotes", about(borrower))
    check_problem(none, 409, "nothing_to_repay")


async def test_a_quote_says_when_it_no_longer_holds_and_a_late_booking_still_closes(
    site: Site,
) -> None:
    borrower = await site.borrower()
    who = {"customer_id": borrower.customer_id}
    loan = (await site.open_loan(borrower))["id"]
    quotes = []
    for on in ("2026-03-05", "2026-03-06"):
        made = await site.post("/v1/settlement-quotes", about(borrower, loan_id=loan, on=on))
        quotes.append(made.json())
    part = {**quotes[0]["repayment"], **who, "channel": "transfer", "amount_minor": 10_000}
    seen = await site.get(
        f"/v1/lines/{borrower.line_id}/repayment-preview", **who, amount_minor="10000"
    )
    assert seen.json()["loans"][0]["status"] == "open"
    await site.post("/v1/repayments", part | {"value_date": None})
    states = [
        one["state"] for one in (await site.get("/v1/settlement-quotes", **who)).json()["items"]
    ]
    assert states == ["changed", "changed"]
    await some_loans_alone(site, borrower, loan)
    fresh = await site.post("/v1/settlement-quotes", about(borrower, loan_id=loan, on="2026-03-06"))
    # The money arrived on the day and is booked two days later: it closes the loan all the same.
    await to_day(site, "2026-03-08")
    read = await site.get(f"/v1/settlement-quotes/{fresh.json()['id']}", **who)
    assert read.json()["state"] == "expired"
    paid = await site.post(
        "/v1/repayments", {**fresh.json()["repayment"], **who, "channel": "bank"}
    )
    assert paid.json()["excess_minor"] == 0
    closed = (await site.get(f"/v1/loans/{loan}", **who)).json()
    assert (closed["status"], closed["payoff_minor"]) == ("closed", 0)
    other = {"customer_id": "cu_01hv4zq3k2f00"}
    check_problem(
        await site.get(f"/v1/settlement-quotes/{fresh.json()['id']}", **other),
        404,
        "settlement_quote_not_found",
    )
    for extra, status, code in (
        ({"amount_minor": "1", "value_date": "2026-03-09"}, 409, "nothing_to_repay"),
        ({"amount_minor": "0"}, 422, "request_invalid"),
    ):
        refused = await site.get(f"/v1/lines/{borrower.line_id}/repayment-preview", **who, **extra)
        check_problem(refused, status, code)


async def some_loans_alone(site: Site, borrower: Borrower, loan: str) -> None:
    """Pay one of two loans that are named; what is previewed is what is booked."""
    who = {"customer_id": borrower.customer_id}
    other = (await site.open_loan(borrower, amount_minor=20_000))["id"]
    third = (await site.open_loan(borrower, amount_minor=20_000))["id"]
    path = f"/v1/lines/{borrower.line_id}/repayment-preview"
    named = [third, other]
    seen = await site.get(path, **who, amount_minor="30000", loan_ids=named, loan_order="as_named")
    assert seen.status_code == 200, seen.text
    body = about(
        borrower, loan_ids=named, loan_order="as_named", amount_minor=30_000, currency="CNY",
        channel="counter",
    )  # fmt: skip
    booked = await site.post("/v1/repayments", body, key="some")
    assert booked.status_code == 201, booked.text
    assert seen.json()["allocations"] == booked.json()["allocations"]
    paid = [(one["loan_id"], one["principal_minor"]) for one in booked.json()["allocations"]]
    assert paid == [(third, 20_000), (other, 10_000)]
    stranger = await site.borrower()
    theirs = (await site.open_loan(stranger))["id"]
    for loan_ids, status, code in (
        ([loan, loan], 422, "loan_named_twice"),
        ([loan, third], 410, "loan_closed"),
        ([loan, theirs], 404, "loan_not_found"),
        ([loan, "lo_01hv4zq3k2f00"], 404, "loan_not_found"),
        (["nothing"], 422, "request_invalid"),
    ):
        wrong = body | {"loan_ids": loan_ids}
        check_problem(await site.post("/v1/repayments", wrong), status, code)
        refused = await site.get(path, **who, amount_minor="1", loan_ids=loan_ids)
        check_problem(refused, status, code)
    await site.post("/v1/repayments", body | {"loan_ids": [other], "amount_minor": 10_000})
