"""Purchases of scenes over HTTP: every call of their way, and what is refused."""

import pytest
from tests.api.conftest import Site
from tests.api.test_bad_input import check_problem
from tests.store.scene_desk import ANALYST, OFFICER, WISH

from counterfoil.journeys.approve import decide_approval
from counterfoil.journeys.paying.received import book_received
from counterfoil.journeys.paying.reconcile import take_rail_statement
from counterfoil.journeys.purchasing import scenes
from counterfoil.kernel import ids
from counterfoil.lending.scene_store import Payee
from counterfoil.platform.approvals import Approval
from counterfoil.simulator.bank.statement_file import statement_text

PAPER = "cd" * 32


@pytest.fixture
async def merchant(site: Site) -> str:
    wish = WISH.__class__(scene="education", name="A school", payee_ref="acct-9", reason="new")
    waiting = await scenes.register_payee(site.house, ANALYST, wish)
    assert isinstance(waiting, Approval)
    await decide_approval(
        site.house, OFFICER, waiting.approval_id, is_approved=True, reason="looked"
    )
    payee = await scenes.register_payee(site.house, ANALYST, wish)
    assert isinstance(payee, Payee), payee
    return ids.to_text(ids.MERCHANT, payee.merchant_id)


async def test_a_course_is_recorded_reported_and_its_school_closed(
    site: Site, merchant: str
) -> None:
    borrower = await site.borrower()
    today = (await site.house.business_date()).isoformat()
    wish = {
        "customer_id": borrower.customer_id, "scene": "education", "merchant_id": merchant,
        "price_minor": 400_000, "currency": "CNY", "documents": {"enrolment_proof": PAPER},
        "course": {"first_on": today, "last_on": "2027-08-31"}, "is_student": False,
    }  # fmt: skip
    bare = {name: value for name, value in wish.items() if name != "course"}
    check_problem(await site.post("/v1/scene-purchases", bare), 422, "scene_course_missing")
    backwards = wish | {"course": {"first_on": today, "last_on": "2020-01-01"}}
    check_problem(await site.post("/v1/scene-purchases", backwards), 422, "scene_course_missing")
    kept = await site.post("/v1/scene-purchases", wish, key="once")
    assert kept.status_code == 201, kept.text
    assert (await site.post("/v1/scene-purchases", wish, key="once")).content == kept.content
    check_problem(await site.post("/v1/scene-purchases", wish), 409, "scene_document_used")
    purchase = kept.json()
    assert purchase["payable_minor"] == 100_000

    licence = {
        "merchant_id": merchant, "number": "L-1", "authority": "a bureau",
        "valid_until": "2027-12-31", "document_sha256": PAPER, "recorded_by": "li-wei",
    }  # fmt: skip
    assert (await site.post("/v1/scene-licences", licence)).json()["number"] == "L-1"
    progress = {
        "customer_id": borrower.customer_id, "progress_ppm": 500_000, "proof_sha256": PAPER,
        "reported_by": "li-wei",
    }  # fmt: skip
    path = f"/v1/scene-purchases/{purchase['id']}/progress"
    assert (await site.post(path, progress)).json()["payable_minor"] == 300_000
    check_problem(await site.post(path, progress), 409, "scene_progress_not_more")

    closure = {
        "merchant_id": merchant, "closed_on": today, "reason": "closed", "recorded_by": "li-wei",
    }  # fmt: skip
    closed = await site.post("/v1/scene-closures", closure)
    assert closed.json()["purchases"][0]["due_back_minor"] == 0, "nothing was paid yet"
    check_problem(await site.post("/v1/scene-closures", closure), 409, "scene_merchant_closed")
    mine = await site.get(f"/v1/customers/{borrower.customer_id}/scene-purchases")
    its = await site.get(f"/v1/scene-merchants/{merchant}/purchases")
    assert mine.json() == its.json()
    loan = {"customer_id": borrower.customer_id, "loan_id": "lo_01hv4zq3k2f00"}
    check_problem(await site.post("/v1/scene-withdrawals", loan), 409, "scene_loan_not_of_scene")
    refund = loan | {"amount_minor": 1, "currency": "CNY"}
    check_problem(await site.post("/v1/scene-refunds", refund), 409, "scene_loan_not_of_scene")
    await placed_over_http(site, purchase["id"])


async def placed_over_http(site: Site, purchase: str) -> None:
    """Place money that came in and names nothing, by a program and a second person."""
    on = await site.house.business_date()
    text = statement_text([("for the trip", "received", 777, "CNY", on, "B7")])
    assert await take_rail_statement(site.house, text, rail="bank", on=on) == 1
    await book_received(site.house)
    [came] = (await site.get("/v1/received-payments")).json()["items"]
    assert (came["reference"], came["status"], came["left_minor"]) == ("-", "suspended", 777)
    wish = {
        "rail": "bank", "statement_date": on.isoformat(), "line_no": 1, "reason": "letter",
        "reference": purchase,
    }  # fmt: skip
    path = "/v1/received-payments/placings"
    gone = await site.post(path, wish | {"line_no": 2})
    check_problem(gone, 409, "received_not_open")
    asked = (await site.post(path, wish)).json()
    assert asked["status"] == "waiting"
    number = ids.from_text(ids.APPROVAL, asked["approval_id"])
    await decide_approval(site.house, OFFICER, number, is_approved=True, reason="seen")
    # No loan paid for the purchase: it stays before people, with another reason.
    assert (await site.post(path, wish)).json() == {"status": "suspended", "approval_id": None}
    [came] = (await site.get("/v1/received-payments")).json()["items"]
    assert (came["reference"], came["cause"]) == (purchase, "beyond_lent")
