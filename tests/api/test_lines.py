"""Lines over HTTP: what may be changed, what the answers say, and the business date."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.api.conftest import FIRST_DAY, START, Json, Site, settings_of
from tests.api.test_bad_input import check_problem

from counterfoil.api import health
from counterfoil.api.app import serving, site_of
from counterfoil.api.desk import Desk
from counterfoil.api.problems import load_texts
from counterfoil.journeys.house import open_house
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.lending.commands import UnfreezeLine
from counterfoil.platform.access import Scope
from counterfoil.platform.outbox import Consumer


async def test_every_change_of_a_line_answers_with_the_line_and_can_be_repeated(
    site: Site,
) -> None:
    borrower = await site.borrower()
    owner = {"customer_id": borrower.customer_id}
    reason = {**owner, "reason": "customer_request"}
    changes: list[tuple[str, Json, Json]] = [
        ("limit", {**reason, "limit_minor": 600_000}, {"agreed_limit_minor": 600_000}),
        ("own-cap", {**owner, "cap_minor": 300_000}, {"available_minor": 300_000}),
        ("own-cap", {**owner, "cap_minor": None}, {"next_cap_on": "2026-03-04"}),
        ("freeze", {**reason, "until": "2026-03-10"}, {"blocked_by": "frozen"}),
        ("unfreeze", reason, {"status": "active", "frozen_until": None}),
        ("close", reason, {"status": "closed", "available_minor": 0}),
    ]
    for number, (name, body, expected) in enumerate(changes):
        path = f"/v1/lines/{borrower.line_id}/{name}"
        first = await site.post(path, body, key=f"change-{number}")
        assert first.status_code == 200, first.text
        assert expected.items() <= first.json().items()
        again = await site.post(path, body, key=f"change-{number}")
        assert again.content == first.content
        assert again.headers["idempotent-replayed"] == "true"
        read = await site.get(f"/v1/lines/{borrower.line_id}", customer_id=borrower.customer_id)
        # A limit also says what waits for its day.
        assert read.json() == {k: v for k, v in first.json().items() if k != "planned"}
        other = {**body, "reason": "other"} if "reason" in body else {**owner, "cap_minor": 1}
        path = path if "reason" in body else f"/v1/lines/{borrower.line_id}/own-cap"
        refused = await site.post(path, other, key=f"change-{number}")
        check_problem(refused, 422, "idempotency_key_reused")
    history = await site.get(
        f"/v1/lines/{borrower.line_id}/history", customer_id=borrower.customer_id
    )
    assert [event["version"] for event in history.json()["items"]] == list(range(1, 8))


async def test_what_staff_do_at_once_is_a_measure_that_is_told_and_open_to_appeal(
    site: Site,
) -> None:
    borrower = await site.borrower()
    owner = {"customer_id": borrower.customer_id}
    path, reason = f"/v1/lines/{borrower.line_id}", {**owner, "reason": "suspected fraud"}

    async def read(name: str) -> list[Json]:
        found = await site.get(f"{path}/{name}", customer_id=borrower.customer_id)
        items: list[Json] = found.json()["items"]
        return items

    frozen = await site.post(f"{path}/freeze", reason, key="frozen-by-staff")
    # Temporary: without a day it ends by itself.
    assert frozen.json()["frozen_until"] == (FIRST_DAY + timedelta(days=29)).isoformat()
    await site.post(f"{path}/freeze", reason, key="frozen-by-staff")
    [measure] = await read("measures")
    wanted = {"kind": "freeze", "status": "in_force", "cause": "person", "from_minor": 1_000_000}
    assert wanted.items() <= measure.items()
    assert measure["author"].startswith("api")
    [notice] = await read("notices")
    assert "You may appeal at any time" in notice["en"]
    appeal = await site.post(
        f"/v1/line-measures/{measure['id']}/appeals", {**owner, "grounds": "it was me"}
    )
    assert appeal.status_code == 201, appeal.text
    await site.post(f"{path}/unfreeze", reason)
    review = {**owner, "reason": "annual_review", "limit_minor": 600_000}
    told = await site.post(f"{path}/limit", review, key="told")
    planned = told.json()["planned"]
    later = (FIRST_DAY + timedelta(days=3)).isoformat()
    assert (told.json()["limit_minor"], planned["limit_minor"], planned["effective_on"]) == (
        1_000_000, 600_000, later,
    )  # fmt: skip
    again = await site.post(f"{path}/limit", review, key="told")
    assert again.content == told.content
    lowered = await site.post(f"{path}/limit", {**reason, "limit_minor": 400_000})
    assert (lowered.json()["limit_minor"], lowered.json()["planned"]) == (400_000, None)
    raised = await site.post(f"{path}/limit", {**reason, "limit_minor": 500_000})
    assert (raised.json()["planned"], raised.json()["agreed_limit_minor"]) == (None, 1_000_000)
    # What the customer has not agreed to is asked for, or offered.
    beyond = await site.post(f"{path}/limit", {**reason, "limit_minor": 1_010_000})
    problem = beyond.json()
    assert (beyond.status_code, problem["code"]) == (409, "limit_not_agreed")
    assert "1000000" in problem["detail"]
    assert "raises the limit" in problem["next_step"]
    await site.post(f"{path}/close", reason)
    assert [
        (item["kind"], item["status"], item["to_minor"]) for item in await read("measures")
    ] == [
        ("close", "in_force", None),
        ("lower", "in_force", 400_000),
        ("lower", "planned", 600_000),
        ("freeze", "ended", None),
    ]
    assert len(await read("notices")) == 5


async def test_changes_that_cannot_be_are_refused(site: Site) -> None:
    borrower = await site.borrower()
    await site.draw(borrower)
    owner = {"customer_id": borrower.customer_id}
    reason = {**owner, "reason": "customer_request"}
    before = await site.books()
    cases: list[tuple[str, Json, int, str]] = [
        ("limit", {**reason, "limit_minor": 10**12}, 409, "limit_out_of_range"),
        ("limit", {**reason, "limit_minor": 1_000_000}, 409, "limit_unchanged"),
        ("limit", {**reason, "limit_minor": 0}, 422, "request_invalid"),
        ("own-cap", {**owner, "cap_minor": 1_000_001}, 409, "cap_out_of_range"),
        ("own-cap", {**owner, "cap_minor": -1}, 422, "request_invalid"),
        ("own-cap", owner, 422, "request_invalid"),
        ("freeze", {**reason, "until": "2026-03-01"}, 409, "freeze_date_past"),
        ("freeze", {**owner, "reason": ""}, 422, "request_invalid"),
        ("freeze", {**owner, "reason": "x" * 201}, 422, "request_invalid"),
        ("unfreeze", reason, 409, "line_not_frozen"),
        ("close", reason, 409, "line_not_empty"),
    ]
    for name, body, status, code in cases:
        refused = await site.post(f"/v1/lines/{borrower.line_id}/{name}", body)
        check_problem(refused, status, code)
    assert await site.books() == before


async def test_products_say_what_may_be_applied_for(site: Site) -> None:
    listed = (await site.get("/v1/products")).json()["items"]
    assert [(item["code"], item["is_by_invitation"], item["is_offered"]) for item in listed] == [
        ("cash-line-invited", True, True),
        ("cash-line-open", False, True),
        ("micro-business-line", False, False),
        ("scene-line", False, True),
    ]
    one = (await site.get("/v1/products/cash-line-open")).json()
    assert one == listed[1]
    assert one["tenors_months"] == [3, 6, 9, 12]
    assert one["is_offered"] is True


async def test_a_sandbox_moves_its_business_date_and_instalments_fall_due(site: Site) -> None:
    borrower = await site.borrower()
    loan = await site.open_loan(borrower)
    first = await site.post("/v1/sandbox/close-day", {"to": "2026-03-16"}, key="to-the-16th")
    assert first.status_code == 200, first.text
    assert first.json()["business_date"] == "2026-03-16"
    assert len(first.json()["closed"]) == 14
    assert sum(day["interest_minor"] for day in first.json()["closed"]) > 0
    again = await site.post("/v1/sandbox/close-day", {"to": "2026-03-16"}, key="to-the-16th")
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    dated = (await site.get("/v1/business-date")).json()
    assert dated == {"business_date": "2026-03-16", "environment": "sandbox"}
    read = await site.get(f"/v1/loans/{loan['id']}", customer_id=borrower.customer_id)
    (due,) = read.json()["dues"]
    assert due["due_date"] == "2026-03-15"
    assert read.json()["due_minor"] == due["principal_minor"] + due["interest_minor"]
    assert len(read.json()["plan"]) == 5
    one = await site.post("/v1/sandbox/close-day", {})
    assert one.json()["business_date"] == "2026-03-17"


async def test_a_business_date_moves_neither_back_nor_too_far(site: Site) -> None:
    before = await site.books()
    back = await site.post("/v1/sandbox/close-day", {"to": FIRST_DAY.isoformat()})
    check_problem(back, 409, "business_date_backwards")
    far = await site.post("/v1/sandbox/close-day", {"to": "2026-06-01"})
    check_problem(far, 422, "days_too_many")
    assert (await site.get("/v1/business-date")).json()["business_date"] == "2026-03-02"
    assert await site.books() == before


async def test_outside_a_sandbox_nobody_moves_the_business_date(
    site: Site, database_url: str, tmp_path: Path
) -> None:
    settings = settings_of(tmp_path, database_url, environment="production")
    async with open_house(
        settings, database_url, clock=TestClock(START), first_date=date(2026, 3, 2)
    ) as house:
        desk = Desk(load_texts())
        async with serving(desk, house):
            site.client._transport.app = site_of(desk)  # type: ignore[attr-defined]
            refused = await site.post("/v1/sandbox/close-day", {"to": None})
            check_problem(refused, 403, "sandbox_only")


@pytest.mark.parametrize("scope", [Scope.METRICS_READ])
async def test_metrics_count_requests_by_route_and_status(site: Site, scope: Scope) -> None:
    await site.get("/v1/products")
    await site.get("/v1/nothing")
    await site.post("/v1/drawdowns", {})
    secret = await site.secret(scope)
    headers = {"Authorization": f"Bearer {secret}"}
    shown = (await site.client.get("/metrics", headers=headers)).text
    for method, route, status in (
        ("GET", "/v1/products", 200),
        ("GET", "unmatched", 404),
        ("POST", "/v1/drawdowns", 422),
    ):
        labels = f'method="{method}",route="{route}",status="{status}"'
        assert f"counterfoil_http_requests_total{{{labels}}} 1.0" in shown


async def test_ready_names_what_it_looked_at(site: Site) -> None:
    ready = (await site.get("/readyz")).json()
    assert ready["status"] == "ready"
    assert ready["business_date"] == "2026-03-02"
    assert [check["name"] for check in ready["checks"]] == ["house", "database", "jobs"]
    assert (await site.get("/livez")).json() == {"status": "live"}


async def test_metrics_show_what_waits_and_how_far_consumers_are_behind(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def figures() -> dict[str, float]:
        shown = await site.client.get("/metrics")
        assert shown.status_code == 200
        lines = (line.rsplit(" ", 1) for line in shown.text.splitlines() if "#" not in line)
        return {name: float(value) for name, value in lines if "waiting" in name or "lag" in name}

    await Consumer(site.house.database, name="reader", kinds=["payout.requested"]).register()
    behind = 'counterfoil_outbox_events_waiting{consumer="reader"}'
    lag = 'counterfoil_outbox_lag_seconds{consumer="reader"}'
    assert await figures() == {"counterfoil_commands_waiting": 0, behind: 0, lag: 0}
    await site.draw(await site.borrower())
    clock = site.house.clock
    assert isinstance(clock, TestClock)
    clock.advance(timedelta(seconds=90))
    after = await figures()
    assert after[behind] >= 1
    assert after[lag] == 90

    async def away(_: object) -> None:
        raise OSError

    monkeypatch.setattr(health, "lags", away)
    assert await figures() == {"counterfoil_commands_waiting": 0}


async def test_commands_wait_from_submission_to_commit(site: Site) -> None:
    engine = site.house.counter.engine
    futures = [
        engine.submit(
            customer,
            UnfreezeLine(customer_id=customer, line_id=customer, reason="r", author="a"),
            idempotency_key="k",
            request_hash=b"",
        )
        for customer in range(1, 4)
    ]
    assert engine.waiting_count == 3
    for future in futures:
        assert isinstance(await future, Refused)
    assert engine.waiting_count == 0
