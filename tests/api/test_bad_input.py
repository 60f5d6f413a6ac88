"""Bad input: each is a problem document that says what is wrong, and the books stay as they are."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.api.conftest import FIRST_DAY, Borrower, Json, Site, new_key
from tests.reading_watch import alone

from counterfoil.kernel import ids

MEMBERS = ["type", "title", "status", "detail", "code", "next_step", "request_id", "errors"]


def check_problem(answer: httpx.Response, status: int, code: str) -> Json:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: Json = answer.json()
    assert list(problem) == MEMBERS
    assert problem["status"] == status
    assert problem["code"] == code
    assert problem["type"] == f"/docs/errors#{code}"
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert problem["detail"].endswith(".")
    assert problem["next_step"]
    assert not re.search(r"\{\w+\}", problem["detail"] + problem["next_step"])
    return problem


def fault_of(problem: Json) -> tuple[str, str]:
    (fault,) = problem["errors"]
    return fault["pointer"], fault["code"]


DRAWDOWNS = [
    ({"amount_minor": 0}, 422, "request_invalid", "out_of_range"),
    ({"amount_minor": -1}, 422, "request_invalid", "out_of_range"),
    ({"amount_minor": 1.5}, 422, "request_invalid", "not_an_integer"),
    ({"amount_minor": 100_000.0}, 422, "request_invalid", "not_an_integer"),
    ({"amount_minor": "100000"}, 422, "request_invalid", "not_an_integer"),
    ({"amount_minor": True}, 422, "request_invalid", "not_an_integer"),
    ({"amount_minor": None}, 422, "request_invalid", "not_an_integer"),
    ({"amount_minor": 10**13 + 1}, 422, "request_invalid", "out_of_range"),
    ({"amount_minor": 2**62}, 422, "request_invalid", "out_of_range"),
    ({"amount_minor": 1_000_100}, 409, "insufficient_limit", "insufficient_limit"),
    ({"amount_minor": 9_900}, 409, "amount_below_minimum", "amount_below_minimum"),
    ({"amount_minor": 100_050}, 409, "amount_off_step", "amount_off_step"),
    ({"currency": "USD"}, 409, "currency_mismatch", "currency_mismatch"),
    ({"currency": "cny"}, 422, "request_invalid", "characters_not_allowed"),
    ({"currency": "CNYX"}, 422, "request_invalid", "length_out_of_range"),
    ({"tenor_months": 5}, 409, "tenor_not_offered", "tenor_not_offered"),
    ({"tenor_months": 0}, 422, "request_invalid", "out_of_range"),
    ({"method": "balloon"}, 422, "request_invalid", "not_one_of"),
    ({"purpose": "shares"}, 409, "purpose_banned", "purpose_banned"),
    ({"purpose": "sh\u0000ares"}, 422, "request_invalid", "characters_not_allowed"),
    ({"purpose": ["x"]}, 422, "request_invalid", "not_a_text"),
    ({"customer_id": "cu_1"}, 422, "request_invalid", "id_malformed"),
    ({"customer_id": "ln_01hv4zq3k2f00"}, 422, "request_invalid", "id_malformed"),
    ({"customer_id": 7}, 422, "request_invalid", "id_malformed"),
    ({"customer_id": "cu_0000000000000"}, 422, "request_invalid", "id_malformed"),
    ({"line_id": "ln_zzzzzzzzzzzzz"}, 422, "request_invalid", "id_malformed"),
    ({"colour": "red"}, 422, "request_invalid", "field_unknown"),
]


@pytest.mark.parametrize(("changes", "status", "code", "fault"), DRAWDOWNS)
async def test_a_drawdown_that_cannot_be_is_refused_with_a_pointer(
    site: Site, changes: Json, status: int, code: str, fault: str
) -> None:
    borrower = await site.borrower()
    good = await site.drawdown(borrower)
    body = {**good, **changes}
    quoted: httpx.Response | None = None
    if status == 409:  # the token speaks for the very drawdown: let it be about the changed one
        quoted = await site.post("/v1/quotes", {**site.wish(borrower), **changes})
        body["quote_token"] = quoted.json().get("quote_token", good["quote_token"])
    before = await site.books()
    answer = await site.post("/v1/drawdowns", body)
    if code not in ("request_invalid", "insufficient_limit"):
        # What the product does not lend is said with the quote already.
        assert quoted is not None
        answer = quoted
    problem = check_problem(answer, status, code)
    ((member, _),) = changes.items()
    assert fault_of(problem) == (f"#/{member}", fault)
    assert await site.books() == before


async def test_a_member_that_is_missing_is_named(site: Site) -> None:
    borrower = await site.borrower()
    body = await site.drawdown(borrower)
    for name in body:
        rest = {key: value for key, value in body.items() if key != name}
        problem = check_problem(await site.post("/v1/drawdowns", rest), 422, "request_invalid")
        assert fault_of(problem) == (f"#/{name}", "field_missing")


async def test_a_token_of_another_drawdown_or_of_nobody_is_refused(site: Site) -> None:
    borrower, other = await site.borrower(), await site.borrower()
    body = await site.drawdown(borrower)
    foreign = (await site.drawdown(other))["quote_token"]
    before = await site.books()
    for token in (foreign, "q1.forged", body["quote_token"][:-2] + "AA"):
        answer = await site.post("/v1/drawdowns", {**body, "quote_token": token})
        check_problem(answer, 409, "quote_invalid")
    assert await site.books() == before


async def test_a_frozen_and_a_closed_line_are_not_drawn_on(site: Site) -> None:
    borrower = await site.borrower()
    body = await site.drawdown(borrower)
    change = {"customer_id": borrower.customer_id, "reason": "suspected_fraud"}
    path = f"/v1/lines/{borrower.line_id}"
    assert (await site.post(f"{path}/freeze", change)).status_code == 200
    before = await site.books()
    problem = check_problem(await site.post("/v1/drawdowns", body), 409, "line_frozen")
    assert "suspected_fraud" in problem["detail"]
    # The trial is calculated all the same, and says what drawing would be answered.
    trial = (await site.post("/v1/quotes", site.wish(borrower))).json()
    assert (trial["can_draw_now"], trial["available_minor"]) == (False, 0)
    said = ("code", "detail", "next_step", "status")
    assert [trial["problem"][name] for name in said] == [problem[name] for name in said]
    assert await site.books() == before
    await site.post(f"{path}/unfreeze", change)
    assert (await site.post(f"{path}/close", change)).status_code == 200
    check_problem(await site.post("/v1/drawdowns", body), 410, "line_closed")
    trial = (await site.post("/v1/quotes", site.wish(borrower))).json()
    assert trial["problem"]["code"] == "line_closed"


async def test_a_trial_says_what_is_left_and_holds_nothing(site: Site) -> None:
    borrower = await site.borrower()
    loan = await site.open_loan(borrower)
    left = 1_000_000 - loan["amount_minor"]
    before = await site.books()
    for more, can in ((100, False), (0, True)):
        wish = {**site.wish(borrower), "amount_minor": left // 100 * 100 + more}
        trial = (await site.post("/v1/quotes", wish)).json()
        assert (trial["can_draw_now"], trial["available_minor"]) == (can, left)
        drawn = await site.post("/v1/drawdowns", {**await site.drawdown(borrower), **_drawn(trial)})
        if not can:
            problem = check_problem(drawn, 409, "insufficient_limit")
            assert trial["problem"]["detail"] == problem["detail"]
            assert await site.books() == before
        else:
            assert trial["problem"] is None
            assert drawn.status_code == 201, drawn.text


def _drawn(trial: Json) -> Json:
    sheet = trial["cost_sheet"]
    return {"amount_minor": sheet["principal_minor"], "quote_token": trial["quote_token"]}


async def test_what_is_unknown_and_what_is_somebody_elses_look_the_same(site: Site) -> None:
    borrower, stranger = await site.borrower(), await site.borrower()
    loan = await site.open_loan(borrower)
    nobody = ids.to_text(ids.LINE, 12_345)
    before = await site.books()
    for line_id in (nobody, borrower.line_id):
        wish = {**site.wish(stranger), "line_id": line_id}
        check_problem(await site.post("/v1/quotes", wish), 404, "line_not_found")
        freeze = {"customer_id": stranger.customer_id, "reason": "curiosity"}
        refused = await site.post(f"/v1/lines/{line_id}/freeze", freeze)
        check_problem(refused, 404, "line_not_found")
        read = await site.get(f"/v1/lines/{line_id}", customer_id=stranger.customer_id)
        check_problem(read, 404, "line_not_found")
        shown = await site.client.get(
            f"/v1/lines/{line_id}/statement",
            params={
                "customer_id": stranger.customer_id,
                "from": "2026-03-01",
                "to": "2026-03-02",
            },
        )
        check_problem(shown, 404, "line_not_found")
    for loan_id in (ids.to_text(ids.LOAN, 12_345), loan["id"]):
        for end in ("", "/payoff", "/transactions", "/journals"):
            path = f"/v1/loans/{loan_id}{end}"
            read = await site.get(path, customer_id=stranger.customer_id)
            check_problem(read, 404, "loan_not_found")
        read = await site.get(f"/v1/drawdowns/{loan_id}", customer_id=stranger.customer_id)
        check_problem(read, 404, "loan_not_found")
    assert await site.books() == before


def repayment(borrower: Borrower, **changes: object) -> Json:
    return {
        "customer_id": borrower.customer_id,
        "line_id": borrower.line_id,
        "amount_minor": 10_000,
        "currency": "CNY",
        "channel": "transfer",
        **changes,
    }


async def test_a_repayment_that_cannot_be_is_refused(site: Site) -> None:
    borrower = await site.borrower()
    drawn = await site.draw(borrower)
    day = timedelta(days=1)
    check_problem(
        await site.post("/v1/repayments", repayment(borrower, loan_id=drawn["id"])),
        409,
        "loan_pending",
    )
    check_problem(await site.post("/v1/repayments", repayment(borrower)), 409, "nothing_to_repay")
    loan = await site.open_loan(borrower)
    before = await site.books()
    cases: list[tuple[Json, int, str]] = [
        ({"value_date": (FIRST_DAY + day).isoformat()}, 409, "value_date_in_future"),
        ({"value_date": (FIRST_DAY - day).isoformat()}, 409, "value_date_before_drawdown"),
        ({"value_date": "2026-02-30"}, 422, "request_invalid"),
        ({"value_date": "20260301"}, 422, "request_invalid"),
        ({"value_date": 1_767_225_600}, 422, "request_invalid"),
        ({"currency": "EUR"}, 409, "currency_mismatch"),
        ({"loan_id": ids.to_text(ids.LOAN, 12_345)}, 404, "loan_not_found"),
        ({"line_id": ids.to_text(ids.LINE, 12_345)}, 404, "line_not_found"),
        ({"mode": "reduce_everything"}, 422, "request_invalid"),
        ({"channel": "over the counter"}, 422, "request_invalid"),
        ({"amount_minor": 0}, 422, "request_invalid"),
    ]
    for changes, status, code in cases:
        body = repayment(borrower, loan_id=loan["id"]) | changes
        check_problem(await site.post("/v1/repayments", body), status, code)
    # Readers would differ on which of two members counts.
    twice = json.dumps(repayment(borrower, loan_id=loan["id"])).replace(
        "{", '{"amount_minor": 1,', 1
    )
    check_problem(await site.post("/v1/repayments", twice.encode()), 422, "member_twice")
    reversal = {
        "customer_id": borrower.customer_id,
        "line_id": borrower.line_id,
        "reason": "returned",
    }
    path = f"/v1/repayments/{ids.to_text(ids.REPAYMENT, 12_345)}"
    check_problem(await site.post(f"{path}/reversal", reversal), 404, "repayment_not_found")
    read = await site.get(path, customer_id=borrower.customer_id)
    check_problem(read, 404, "repayment_not_found")
    assert await site.books() == before


BODIES: list[tuple[bytes, int, str]] = [
    (b"", 400, "json_malformed"),
    (b"{", 400, "json_malformed"),
    (b"nonsense", 400, "json_malformed"),
    (b"\xff\xfe{}", 400, "json_malformed"),
    (b'{"amount_minor": 1, }', 400, "json_malformed"),
    (b'{"purpose": "\\ud800"}', 400, "json_malformed"),
    (b'{"amount_minor": ' + b"9" * 5_000 + b"}", 400, "json_malformed"),
    (b'{"facts": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400, "json_malformed"),
    (b'{"amount_minor": ' + b"9" * 100 + b"}", 422, "request_invalid"),
    (b'{"amount_minor": NaN}', 422, "request_invalid"),
    (b'{"amount_minor": Infinity}', 422, "request_invalid"),
    (b'{"amount_minor": 1e400}', 422, "request_invalid"),
    (b"[]", 422, "request_invalid"),
    (b"null", 422, "request_invalid"),
    (b'"text"', 422, "request_invalid"),
    (b"{}", 422, "request_invalid"),
]


@pytest.mark.parametrize("path", ["/v1/drawdowns", "/v1/repayments", "/v1/applications"])
@pytest.mark.parametrize(("body", "status", "code"), BODIES)
async def test_a_body_that_is_not_the_form_described_is_refused(
    site: Site, path: str, body: bytes, status: int, code: str
) -> None:
    before = await site.books()
    problem = check_problem(await site.post(path, body), status, code)
    assert 0 < len(problem["errors"]) <= 20
    assert len(problem["detail"]) < 1_000
    assert await site.books() == before


@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "application/json; charset=latin-1",
        "",
    ],
)
async def test_another_media_type_is_refused(site: Site, media_type: str) -> None:
    borrower = await site.borrower()
    body = await site.drawdown(borrower)
    answer = await site.post("/v1/drawdowns", body, headers={"Content-Type": media_type})
    check_problem(answer, 415, "media_type_unsupported")
    with_charset = {"Content-Type": 'application/json; charset="UTF-8"'}
    assert (await site.post("/v1/drawdowns", body, headers=with_charset)).status_code == 201


async def test_a_body_of_ten_megabytes_is_refused_without_being_read(site: Site) -> None:
    asked = 0

    async def receive() -> Json:
        nonlocal asked
        asked += 1
        return {"type": "http.request", "body": b" " * 65_536, "more_body": True}

    declared = await call(site, "/v1/drawdowns", receive, (b"content-length", b"10485760"))
    assert (declared, asked) == (413, 0)
    undeclared = await call(site, "/v1/drawdowns", receive)
    assert undeclared == 413
    assert asked * 65_536 < 1_200_000
    within = await site.post("/v1/lines/ln_01hv4zq3k2f00/close", b" " * 1_000_001)
    check_problem(within, 413, "body_too_large")


async def call(
    site: Site, path: str, receive: Callable[[], Any], *headers: tuple[bytes, bytes]
) -> int:
    """Ask the application as a server does; return the status."""
    sent: list[Json] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [
            (b"authorization", site.client.headers["authorization"].encode()),
            (b"content-type", b"application/json"),
            (b"idempotency-key", new_key().encode()),
            *headers,
        ],
    }
    await alone(site.app)(scope, receive, send)
    status: int = sent[0]["status"]
    return status


async def test_a_client_that_hangs_up_leaves_nothing(site: Site) -> None:
    before = await site.books()

    async def receive() -> Json:
        return {"type": "http.disconnect"}

    with pytest.raises(IndexError):  # nothing was sent
        await call(site, "/v1/drawdowns", receive)
    assert await site.books() == before


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("", "idempotency_key_missing"),
        ("two words", "idempotency_key_invalid"),
        ("k" * 129, "idempotency_key_invalid"),
        ("schlüssel", "idempotency_key_invalid"),
    ],
)
async def test_a_write_without_a_usable_key_is_refused(site: Site, key: str, code: str) -> None:
    borrower = await site.borrower()
    body = await site.drawdown(borrower)
    headers = {b"Idempotency-Key": key.encode("latin-1")}
    answer = await site.client.post("/v1/drawdowns", json=body, headers=headers)
    problem = check_problem(answer, 400, code)
    assert fault_of(problem)[0] == "header/Idempotency-Key"
    path = f"/v1/lines/{borrower.line_id}/freeze"
    freeze = {"customer_id": borrower.customer_id, "reason": "x"}
    check_problem(await site.client.post(path, json=freeze, headers=headers), 400, code)


_IDENTITY = "/v1/customers/cu_01hv4zq3k2f00/identity"


@pytest.mark.parametrize(
    ("path", "pointer", "code"),
    [
        ("/v1/lines?limit=0", "query/limit", "out_of_range"),
        ("/v1/lines?limit=201", "query/limit", "out_of_range"),
        ("/v1/lines?limit=many", "query/limit", "not_an_integer"),
        ("/v1/lines?status=gone", "query/status", "not_one_of"),
        ("/v1/lines?after=zz", "query/after", "cursor_malformed"),
        ("/v1/lines?customer_id=7", "query/customer_id", "id_malformed"),
        ("/v1/lines?colour=red", "query/colour", "field_unknown"),
        ("/v1/loans/lo_7?customer_id=cu_01hv4zq3k2f00", "path/loan_id", "id_malformed"),
        ("/v1/loans/lo_01hv4zq3k2f00", "query/customer_id", "field_missing"),
        ("/v1/ledger/trial-balance?on=0", "query/on", "not_a_date"),
        ("/v1/ledger/trial-balance?on=2026-13-01", "query/on", "not_a_date"),
        ("/v1/ledger/trial-balance?on=9999-12-31", "query/on", "not_a_date"),
        (_IDENTITY + "?at=9999-12-31T23:59:59-14:00", "query/at", "not_a_date"),
        ("/v1/lines?after=%00", "query", "characters_not_allowed"),
        ("/v1/ledger/accounts/x/journals?from=2026-01-01&to=2026-01-02", "path/account", None),
    ],
)
async def test_a_parameter_that_cannot_be_is_refused_with_its_place(
    site: Site, path: str, pointer: str, code: str | None
) -> None:
    problem = check_problem(await site.client.get(path), 422, "request_invalid")
    assert fault_of(problem)[0] == pointer
    assert code is None or fault_of(problem)[1] == code


async def test_writes_take_nothing_behind_the_question_mark(site: Site) -> None:
    for path in ("/v1/drawdowns?x=1", "/v1/lines/ln_01hv4zq3k2f00/freeze?x=1"):
        problem = check_problem(await site.post(path, {}), 422, "request_invalid")
        assert fault_of(problem) == ("query", "field_unknown")


async def test_a_malformed_identifier_in_the_path_of_a_write_is_refused(site: Site) -> None:
    problem = check_problem(await site.post("/v1/lines/7/freeze", {}), 422, "request_invalid")
    assert fault_of(problem) == ("path/line_id", "id_malformed")


async def test_spans_that_cannot_be_are_refused(site: Site) -> None:
    borrower = await site.borrower()
    for first, last in (("2026-03-02", "2026-03-01"), ("2024-01-01", "2026-03-01")):
        for path in (
            f"/v1/lines/{borrower.line_id}/statement?customer_id={borrower.customer_id}&",
            "/v1/ledger/accounts/1301/journals?",
        ):
            answer = await site.client.get(f"{path}from={first}&to={last}")
            check_problem(answer, 422, "span_invalid")
    unknown = "/v1/ledger/accounts/1/journals?from=2026-03-01&to=2026-03-01"
    check_problem(await site.client.get(unknown), 404, "account_not_found")
    journal = f"/v1/ledger/journals/{ids.to_text(ids.JOURNAL, 12_345)}"
    check_problem(await site.client.get(journal), 404, "journal_not_found")
    check_problem(await site.client.get("/v1/products/none"), 404, "product_not_found")


async def test_addresses_and_methods_that_are_not_there_are_problems_too(site: Site) -> None:
    for path in ("/", "/v1", "/v1/lines/", "/v1/nothing", "/v2/lines", "/%00", "/v1/lines/%00"):
        check_problem(await site.client.get(path), 404, "route_not_found")
    for method, path in (
        ("DELETE", "/v1/lines"),
        ("GET", "/v1/drawdowns"),
        ("PUT", "/v1/commands"),
        ("GET", "/v1/lines/ln_01hv4zq3k2f00/freeze"),
    ):
        answer = await site.client.request(method, path)
        problem = check_problem(answer, 405, "method_not_allowed")
        assert answer.headers["allow"] in ("GET", "POST")
        assert method in problem["detail"]


async def test_problems_speak_chinese_where_that_is_asked_for(site: Site) -> None:
    borrower = await site.borrower()
    body = await site.drawdown(borrower, amount_minor=2_000_000)
    for language, title in (("zh-CN,en;q=0.5", "可用额度不足"), ("en", "Insufficient limit")):
        headers = {"Accept-Language": language}
        answer = await site.post("/v1/drawdowns", body, headers=headers)
        problem = (
            check_problem(answer, 409, "insufficient_limit")
            if language == "en"
            else (answer.json())
        )
        assert problem["title"] == title
        assert "1000000" in problem["detail"]
        assert answer.headers["content-language"] == language.partition(",")[0]


async def test_a_failure_inside_is_a_problem_without_a_trace(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    borrower = await site.borrower()
    body = await site.drawdown(borrower)

    async def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(site.house.counter.engine, "submit", fail)
    for path, sent in (
        ("/v1/drawdowns", body),
        (
            f"/v1/lines/{borrower.line_id}/freeze",
            {"customer_id": borrower.customer_id, "reason": "x"},
        ),
    ):
        answer = await site.post(path, sent)
        check_problem(answer, 500, "internal_error")
        assert "secret" not in answer.text


async def test_without_its_database_the_api_asks_to_try_again(site: Site) -> None:
    borrower = await site.borrower()
    site.desk.close()
    path = f"/v1/lines/{borrower.line_id}?customer_id={borrower.customer_id}"
    answer = await site.client.get(path)
    check_problem(answer, 503, "not_ready")
    assert answer.headers["retry-after"] == "1"
    check_problem(await site.post("/v1/drawdowns", {}), 503, "not_ready")
    ready = await site.client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["checks"][0]["is_ok"] is False
    site.desk.open(site.house)
