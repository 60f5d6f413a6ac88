"""The preview of a setting over HTTP."""

from tests.api.conftest import Site
from tests.api.test_bad_input import check_problem


async def test_a_new_repayment_day_shows_its_effect_and_who_keeps_theirs(site: Site) -> None:
    borrower = await site.borrower()
    loan = await site.open_loan(borrower)
    path = f"/v1/lines/{borrower.line_id}/repayment-day-preview"
    asked = {"customer_id": borrower.customer_id, "repayment_day": "20"}
    answer = await site.get(path, **asked, amount_minor="100000", method="bullet")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["present"]["maturity_date"] == "2026-05-15"
    assert found["proposed"]["maturity_date"] == "2026-05-20"
    # 35,000 hundred-millionths a day for five days more.
    more = found["proposed"]["interest_minor"] - found["present"]["interest_minor"]
    assert more == 100_000 * 35 * 5 // 100_000
    assert found["running_loans"] == [
        {"loan_id": loan["id"], "repayment_day": 15, "next_due_date": "2026-03-15"}
    ]
    line = await site.get(f"/v1/lines/{borrower.line_id}", customer_id=borrower.customer_id)
    assert line.json()["repayment_day"] == 15


async def test_what_cannot_be_set_is_not_previewed(site: Site) -> None:
    borrower = await site.borrower()
    path = f"/v1/lines/{borrower.line_id}/repayment-day-preview"
    asked = {"customer_id": borrower.customer_id, "repayment_day": "20"}
    check_problem(await site.get(path, **asked, tenor_months="5"), 409, "tenor_not_offered")
    other = await site.borrower()
    asked["customer_id"] = other.customer_id
    check_problem(await site.get(path, **asked), 404, "line_not_found")


async def test_a_frozen_line_shows_what_is_blocked(site: Site) -> None:
    borrower = await site.borrower(limit_minor=1_000_000)
    await site.open_loan(borrower)
    frozen = await site.post(
        f"/v1/lines/{borrower.line_id}/freeze",
        {"customer_id": borrower.customer_id, "reason": "suspected_fraud"},
    )
    line = frozen.json()
    assert (line["available_minor"], line["blocked_minor"]) == (0, 900_000)
    assert line["limit_minor"] == (
        line["principal_minor"] + line["held_minor"] + line["blocked_minor"]
    )
