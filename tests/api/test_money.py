"""Money in and out over HTTP: quotes, drawdowns, repayments, and their repetition."""

import asyncio
from datetime import date

import httpx
from tests.api.conftest import FIRST_DAY, Borrower, Json, Site, new_key
from tests.api.test_applications import register
from tests.api.test_bad_input import check_problem

from counterfoil.journeys.books.close_day import close_day
from counterfoil.kernel import ids


async def test_a_quote_shows_plan_and_cost_and_changes_nothing(site: Site) -> None:
    borrower = await site.borrower()
    before = await site.books()
    quoted = await site.post("/v1/quotes", site.wish(borrower))
    assert quoted.status_code == 200
    quote = quoted.json()
    assert quote["valid_on"] == FIRST_DAY.isoformat()
    assert len(quote["plan"]) == 6
    assert sum(row["principal_minor"] for row in quote["plan"]) == 100_000
    assert quote["cost_sheet"]["total_minor"] == sum(row["due_minor"] for row in quote["plan"])
    assert await site.books() == before


async def test_a_drawdown_is_held_paid_out_and_becomes_a_loan(site: Site) -> None:
    borrower = await site.borrower()
    drawn = await site.draw(borrower)
    assert drawn["status"] == "pending"
    assert drawn["available_minor"] == 900_000
    read = await site.get(f"/v1/drawdowns/{drawn['id']}", customer_id=borrower.customer_id)
    assert read.json()["status"] == "pending"
    line = await site.get(f"/v1/lines/{borrower.line_id}", customer_id=borrower.customer_id)
    assert line.json()["held_minor"] == 100_000
    opened = await site.open_loan(borrower)
    loan = (await site.get(f"/v1/loans/{opened['id']}", customer_id=borrower.customer_id)).json()
    assert loan["status"] == "open"
    assert loan["start_date"] == FIRST_DAY.isoformat()
    assert loan["principal_minor"] == loan["payoff_minor"] == 100_000
    assert len(loan["plan"]) == 6
    assert loan["dues"] == []


async def test_a_repeated_drawdown_gets_the_same_bytes_and_says_so(site: Site) -> None:
    borrower = await site.borrower()
    body = await site.drawdown(borrower)
    first = await site.post("/v1/drawdowns", body, key="twice")
    after = await site.books()
    again = await site.post("/v1/drawdowns", body, key="twice")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert await site.books() == after


async def test_the_same_key_for_another_drawdown_is_refused(site: Site) -> None:
    borrower = await site.borrower()
    first = await site.drawdown(borrower)
    await site.post("/v1/drawdowns", first, key="one")
    before = await site.books()
    quoted = await site.drawdown(borrower, amount_minor=200_000)
    # With a quote of its own, and with the one of the first that is not for this amount.
    for other in (quoted, first | {"amount_minor": 200_000}):
        refused = await site.post("/v1/drawdowns", other, key="one")
        assert refused.status_code == 422
        assert refused.json()["code"] == "idempotency_key_reused"
    assert await site.books() == before


async def test_sixty_four_at_once_under_one_key_draw_once(site: Site) -> None:
    borrower = await site.borrower()
    body = await site.drawdown(borrower)
    answers = await asyncio.gather(
        *[site.post("/v1/drawdowns", body, key="storm") for _ in range(64)]
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert (await site.books())["loans"] == 1


async def test_of_two_requests_at_once_for_the_last_of_the_limit_one_is_refused(
    site: Site,
) -> None:
    borrower = await site.borrower()
    body = await site.drawdown(borrower, amount_minor=600_000)
    answers = await asyncio.gather(*[site.post("/v1/drawdowns", body) for _ in range(2)])
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    (refused,) = [answer.json() for answer in answers if answer.status_code == 409]
    assert refused["code"] == "insufficient_limit"
    assert "400000" in refused["detail"]
    assert (await site.books())["used"] == 600_000


async def test_a_repayment_says_what_it_paid_and_is_read_and_taken_back(site: Site) -> None:
    borrower = await site.borrower()
    loan = await site.open_loan(borrower)
    await close_day(site.house, to=date(2026, 3, 12))
    paid = await repay(site, borrower, 50_350)
    assert paid.status_code == 201, paid.text
    receipt = paid.json()
    assert receipt["allocations"] == [
        {
            "loan_id": loan["id"],
            "principal_minor": 50_000,
            "interest_minor": 350,
            "penalty_minor": 0,
            "fee_minor": 0,
            "guarantee_minor": 0,
        }
    ]
    read = await site.get(f"/v1/repayments/{receipt['id']}", customer_id=borrower.customer_id)
    assert read.json()["allocations"] == receipt["allocations"]
    assert read.json()["status"] == "booked"
    body = {
        "customer_id": borrower.customer_id,
        "line_id": borrower.line_id,
        "reason": "direct_debit_returned",
    }
    path = f"/v1/repayments/{receipt['id']}/reversal"
    taken = await site.post(path, body, key="back")
    assert taken.status_code == 200, taken.text
    assert taken.json()["status"] == "reversed"
    again = await site.post(path, body, key="back")
    assert again.content == taken.content
    assert again.headers["idempotent-replayed"] == "true"
    twice = await site.post(path, body)
    assert (twice.status_code, twice.json()["code"]) == (409, "repayment_reversed")
    read = await site.get(f"/v1/repayments/{receipt['id']}", customer_id=borrower.customer_id)
    assert read.json()["status"] == "reversed"
    assert read.json()["allocations"][0]["principal_minor"] == 0


async def test_a_payoff_quote_paid_on_its_day_closes_the_loan_to_zero(site: Site) -> None:
    borrower = await site.borrower()
    loan = await site.open_loan(borrower)
    await close_day(site.house, to=date(2026, 3, 13))
    path = f"/v1/loans/{loan['id']}"
    payoff = (await site.get(f"{path}/payoff", customer_id=borrower.customer_id)).json()
    assert payoff["amount_minor"] == 100_385
    assert payoff["interest_minor"] == 385
    later = await site.get(f"{path}/payoff", customer_id=borrower.customer_id, on="2026-03-14")
    assert later.json()["amount_minor"] == 100_420
    await repay(site, borrower, payoff["amount_minor"], loan_id=loan["id"])
    closed = (await site.get(path, customer_id=borrower.customer_id)).json()
    assert (closed["status"], closed["payoff_minor"]) == ("closed", 0)
    gone = await repay(site, borrower, 1, loan_id=loan["id"])
    assert (gone.status_code, gone.json()["code"]) == (410, "loan_closed")


async def test_history_journals_and_statement_of_a_loan_agree(site: Site) -> None:
    borrower = await site.borrower()
    loan = await site.open_loan(borrower)
    await close_day(site.house, to=date(2026, 3, 12))
    await repay(site, borrower, 50_350)
    owner = borrower.customer_id
    history = await site.get(f"/v1/loans/{loan['id']}/transactions", customer_id=owner)
    assert [item["kind"] for item in history.json()["items"]] == ["disbursement", "repayment"]
    journals = (await site.get(f"/v1/loans/{loan['id']}/journals", customer_id=owner)).json()
    for journal in journals["items"]:
        debits = sum(posting["debit_minor"] for posting in journal["postings"])
        assert debits == sum(posting["credit_minor"] for posting in journal["postings"]) > 0
    one = journals["items"][-1]
    read = await site.get(f"/v1/ledger/journals/{one['id']}", customer_id=owner)
    assert read.json() == one
    whole = await statement(site, borrower, "2026-03-01", "2026-03-31")
    assert whole["opening_principal_minor"] == 0
    assert whole["disbursed_minor"] == 100_000
    assert whole["closing_principal_minor"] == 50_000
    assert [entry["balance_minor"] for entry in whole["entries"]] == [100_000, 50_000]
    second = await statement(site, borrower, "2026-03-03", "2026-03-31")
    assert second["opening_principal_minor"] == 100_000
    assert second["closing_principal_minor"] == 50_000
    assert second["interest_paid_minor"] == 350


async def statement(site: Site, borrower: Borrower, first: str, last: str) -> Json:
    answered = await site.client.get(
        f"/v1/lines/{borrower.line_id}/statement",
        params={"customer_id": borrower.customer_id, "from": first, "to": last},
    )
    assert answered.status_code == 200, answered.text
    shown: Json = answered.json()
    return shown


async def repay(
    site: Site, borrower: Borrower, amount_minor: int, **changes: object
) -> httpx.Response:
    body = {
        "customer_id": borrower.customer_id,
        "line_id": borrower.line_id,
        "amount_minor": amount_minor,
        "currency": "CNY",
        "channel": "transfer",
        **changes,
    }
    return await site.post("/v1/repayments", body)


async def test_the_ledger_is_read_by_account_and_as_a_trial_balance(site: Site) -> None:
    borrower = await site.borrower()
    await site.open_loan(borrower)
    chart = (await site.get("/v1/ledger/accounts")).json()["items"]
    assert {"account": 1301, "normal": "debit"}.items() <= next(
        account for account in chart if account["account"] == 1301
    ).items()
    balance = (await site.get("/v1/ledger/trial-balance")).json()
    assert balance["on"] == FIRST_DAY.isoformat()
    assert sum(item["balance_minor"] for item in balance["items"]) == 0
    principal = next(item for item in balance["items"] if item["account"] == 1301)
    assert principal["balance_minor"] == 100_000
    earlier = (await site.get("/v1/ledger/trial-balance", on="2026-03-01")).json()
    assert earlier["items"] == []
    day = FIRST_DAY.isoformat()
    pages = []
    after: dict[str, str] = {}
    while True:
        page = await site.client.get(
            "/v1/ledger/accounts/9101/journals",
            params={"from": day, "to": day, "limit": "1", **after},
        )
        pages.append(page.json()["items"])
        if page.json()["next"] is None:
            break
        after = {"after": page.json()["next"]}
    assert [len(page) for page in pages] == [1, 1]
    assert [page[0]["kind"] for page in pages] == ["hold", "disbursement"]


async def test_a_figure_is_explained_by_days_and_transactions(site: Site) -> None:
    borrower = await site.borrower()
    loan = await site.open_loan(borrower)
    await close_day(site.house, to=date(2026, 3, 12))
    await repay(site, borrower, 50_350)
    await close_day(site.house, to=date(2026, 3, 14))
    path = f"/v1/loans/{loan['id']}/figures"
    interest = (await site.get(f"{path}/interest", customer_id=borrower.customer_id)).json()
    assert [(part["days"], part["principal_minor"]) for part in interest["segments"]] == [
        (10, 100_000),
        (2, 50_000),
    ]
    assert interest["exact_e8"] == (350 + 35) * 10**8
    assert (interest["paid_minor"], interest["amount_minor"]) == (350, 35)
    principal = (await site.get(f"{path}/principal", customer_id=borrower.customer_id)).json()
    assert sum(share["share_minor"] for share in principal["shares"]) == 50_000
    unknown = await site.get(f"{path}/profit", customer_id=borrower.customer_id)
    assert unknown.json()["errors"] == [{"pointer": "path/figure", "code": "not_one_of"}]
    pairs = (await site.get("/v1/ledger/reconciliation")).json()["items"]
    assert all(pair["is_ok"] for pair in pairs)
    assert {pair["account"] for pair in pairs} >= {1301, 2203, 9101}


async def test_lists_are_read_on_and_back_and_show_everything_once(site: Site) -> None:
    borrowers = [await site.borrower() for _ in range(5)]
    for borrower in borrowers[:3]:
        await site.draw(borrower)
    there, back = await walk(site, "/v1/lines")
    assert [line["id"] for line in there] == [borrower.line_id for borrower in borrowers]
    assert back == there
    there, back = await walk(site, "/v1/loans")
    assert {loan["line_id"] for loan in there} == {b.line_id for b in borrowers[:3]}
    assert back == there
    mine = await site.get("/v1/loans", customer_id=borrowers[0].customer_id, status="pending")
    assert [loan["line_id"] for loan in mine.json()["items"]] == [borrowers[0].line_id]
    none = (await site.get("/v1/loans", status="closed")).json()
    assert none == {"items": [], "next": None, "prev": None}


async def test_what_is_added_meanwhile_neither_moves_nor_hides_a_page(site: Site) -> None:
    known = [await register(site, number) for number in range(4)][::-1]
    first = (await site.get("/v1/applicants", limit="2")).json()
    later = await register(site, 4)
    second = (await site.get("/v1/applicants", limit="2", after=first["next"])).json()
    assert [[one["customer_id"] for one in page["items"]] for page in (first, second)] == [
        known[:2],
        known[2:],
    ]
    again = (await site.get("/v1/applicants", limit="2", before=second["prev"])).json()
    assert again["items"] == first["items"]
    assert again["next"] == first["next"]
    newest = (await site.get("/v1/applicants", limit="2", before=again["prev"])).json()
    assert [one["customer_id"] for one in newest["items"]] == [later]
    assert newest["prev"] is None
    beyond = (await site.get("/v1/applicants", before=newest["next"])).json()
    assert (beyond["items"], beyond["prev"]) == ([], None)
    assert beyond["next"] == newest["next"]
    there, back = await walk(site, "/v1/applicants")
    assert [one["customer_id"] for one in there] == [later, *known]
    assert back == there
    both = await site.get("/v1/applicants", after=first["next"], before=first["next"])
    check_problem(both, 422, "cursors_both")


async def walk(site: Site, path: str, **only: str) -> tuple[list[Json], list[Json]]:
    """Return a list as it is read to its end, and as it is read back to its beginning."""
    there: list[Json] = []
    page: Json = {"next": ""}
    while page["next"] is not None:
        turn = {"after": page["next"]} if page["next"] else {}
        page = (await site.get(path, limit="2", **turn, **only)).json()
        assert (page["prev"] is None) == (not there)
        assert len(page["items"]) <= 2
        there += page["items"]
    back = page["items"]
    while page["prev"] is not None:
        page = (await site.get(path, limit="2", before=page["prev"], **only)).json()
        assert page["next"] is not None
        back = page["items"] + back
    return there, back


async def test_commands_in_one_request_are_answered_one_by_one(site: Site) -> None:
    borrower = await site.borrower()
    other = await site.borrower()
    draw = {**await site.drawdown(borrower), "kind": "draw", "idempotency_key": new_key()}
    too_much = {
        **await site.drawdown(borrower, amount_minor=950_000),
        "kind": "draw",
        "idempotency_key": new_key(),
    }
    freeze = {
        "kind": "freeze_line",
        "idempotency_key": new_key(),
        "customer_id": other.customer_id,
        "line_id": other.line_id,
        "until": "2026-04-01",
        "reason": "suspected_fraud",
    }
    malformed = {**draw, "idempotency_key": "m", "amount_minor": 1.5}
    # On a line everything is in its place: before the freeze and after it.
    early, late = [
        {**await site.drawdown(other), "kind": "draw", "idempotency_key": new_key()}
        for _ in range(2)
    ]
    listed = [draw, too_much, malformed, {"kind": "guess"}, 7, early, freeze, draw, late]
    answered = await site.post("/v1/commands", {"commands": listed})
    assert answered.status_code == 200, answered.text
    answers = answered.json()["answers"]
    assert [answer["status"] for answer in answers] == [
        *(201, 409, 422, 422, 422, 201, 200, 201, 409)
    ]  # fmt: skip
    assert answers[8]["problem"]["code"] == "line_frozen"
    assert answers[0]["body"]["line_id"] == borrower.line_id
    assert answers[1]["problem"]["code"] == "insufficient_limit"
    assert answers[2]["problem"]["errors"] == [
        {"pointer": "#/commands/2/amount_minor", "code": "not_an_integer"}
    ]
    assert answers[2]["idempotency_key"] == "m"
    assert answers[3]["problem"]["errors"][0]["pointer"] == "#/commands/3/kind"
    assert answers[4]["problem"]["errors"][0]["code"] == "not_an_object"
    assert answers[6]["body"]["frozen_until"] == "2026-04-01"
    assert answers[7]["is_replay"] is True
    assert answers[7]["body"] == answers[0]["body"]
    alone = await site.post(
        "/v1/drawdowns",
        {name: draw[name] for name in draw if name not in ("kind", "idempotency_key")},
        key=draw["idempotency_key"],
    )
    assert alone.headers["idempotent-replayed"] == "true"
    assert alone.content in answered.content


async def test_a_thousand_commands_fit_and_one_more_does_not(site: Site) -> None:
    borrower = await site.borrower()
    lift = {
        "kind": "unfreeze_line",
        "customer_id": borrower.customer_id,
        "line_id": borrower.line_id,
        "reason": "identity_confirmed",
    }
    listed = [{**lift, "idempotency_key": f"k{number}"} for number in range(1_001)]
    answered = await site.post("/v1/commands", {"commands": listed[:1_000]})
    statuses = [answer["status"] for answer in answered.json()["answers"]]
    assert statuses == [409] * 1_000
    refused = await site.post("/v1/commands", {"commands": listed})
    assert refused.status_code == 422
    assert refused.json()["errors"] == [{"pointer": "#/commands", "code": "length_out_of_range"}]


async def test_a_repayment_named_for_another_customers_loan_is_unknown(site: Site) -> None:
    borrower, stranger = await site.borrower(), await site.borrower()
    loan = await site.open_loan(borrower)
    refused = await repay(site, stranger, 100, loan_id=loan["id"])
    assert (refused.status_code, refused.json()["code"]) == (404, "loan_not_found")
    assert ids.from_text(ids.LOAN, loan["id"])


async def test_another_plan_is_shown_by_two_sheets_and_agreed_to_by_the_hash_of_the_new(
    site: Site,
) -> None:
    borrower = await site.borrower()
    loan = await site.open_loan(borrower)
    wish = {"customer_id": borrower.customer_id, "rate_daily_e8": 10_000}
    shown = await site.post(f"/v1/loans/{loan['id']}/plan-preview", wish)
    assert shown.status_code == 200, shown.text
    preview = shown.json()
    assert preview["difference"]["figures"]["rate_daily_e8"]["after"] == 10_000
    assert preview["after"]["total_minor"] < preview["before"]["total_minor"]
    path = f"/v1/loans/{loan['id']}/plan"
    agreed = {**wish, "reason": "rate_lowered", "sheet_sha256": preview["after_sha256"]}
    other = await site.post(path, {**agreed, "sheet_sha256": "00" * 32})
    assert (other.status_code, other.json()["code"]) == (409, "effect_changed")
    done = await site.post(path, agreed)
    assert done.status_code == 200, done.text
    assert done.json()["rate_daily_e8"] == 10_000
    owner = borrower.customer_id
    sheets = await site.get(f"/v1/loans/{loan['id']}/cost-sheets", customer_id=owner)
    # Kept by a job a moment later; none runs here.
    assert sheets.json() == {"items": [], "next": None, "prev": None}
    line = borrower.line_id
    assert (await site.get(f"/v1/lines/{line}/statements", customer_id=owner)).json() == {
        "items": [],
        "next": None,
        "prev": None,
    }
