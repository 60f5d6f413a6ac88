"""Settings and mandates over HTTP: shown, confirmed, read, revoked, refused with the reason."""

from typing import Any

from tests.api.conftest import Borrower, Json, Site, new_key
from tests.api.test_bad_input import check_problem
from tests.store.applicants import PERSONS, Counter
from tests.store.branch import an_opening

from counterfoil.kernel import ids
from counterfoil.platform.batches import Answer

_LINE = 77


async def borrower_of(site: Site) -> Borrower:
    """Register a person and open a line."""
    customer_id = await Counter(site.house, persons=1).register("person-1")
    command = an_opening(customer_id, _LINE, limit_minor=1_000_000, rate_daily_e8=35_000)
    opened = await site.house.counter.submit(command, idempotency_key="open")
    assert isinstance(opened, Answer)
    return Borrower(customer_id, _LINE)


def change(borrower: Borrower, setting: str, **members: object) -> Json:
    return {
        "customer_id": borrower.customer_id,
        "setting": setting,
        "channel": "app",
        "device": "device-1",
        **members,
    }


async def confirmed(site: Site, shown: Json) -> Json:
    answer = await site.post(
        f"/v1/settings/changes/{shown['id']}/confirmation",
        {
            "customer_id": shown["customer_id"],
            "effect_sha256": shown["effect_sha256"],
            "code": shown["code"],
        },
    )
    assert answer.status_code == 200, answer.text
    done: Json = answer.json()
    return done


async def test_a_repayment_day_is_shown_confirmed_once_and_stands_in_the_history(
    site: Site,
) -> None:
    borrower = await borrower_of(site)
    await site.open_loan(borrower)
    key = new_key()
    wish = change(borrower, "repayment_day", line_id=borrower.line_id, repayment_day=20)
    asked = await site.post("/v1/settings/changes", wish, key=key)
    assert asked.status_code == 201, asked.text
    shown = asked.json()
    again = (await site.post("/v1/settings/changes", wish, key=key)).json()
    assert (again["id"], again["code"]) == (shown["id"], None)
    [loan] = shown["effect"]["loans"]
    assert loan["proposed"]["next_due_date"] == "2026-03-20"
    path = f"/v1/settings/changes/{shown['id']}/confirmation"
    body = {"customer_id": borrower.customer_id, "effect_sha256": "0" * 64, "code": shown["code"]}
    check_problem(await site.post(path, body), 409, "setting_effect_not_shown")
    body["effect_sha256"] = shown["effect_sha256"]
    del body["code"]
    check_problem(await site.post(path, body), 422, "setting_code_missing")
    anew = await site.post(
        f"/v1/settings/changes/{shown['id']}/code", {"customer_id": borrower.customer_id}
    )
    done = await confirmed(site, anew.json())
    assert (done["status"], done["code"]) == ("done", None)
    owner = {"customer_id": borrower.customer_id}
    settings = (await site.get("/v1/settings", **owner)).json()
    [line] = settings["lines"]
    assert (line["repayment_day"], line["repayment_day_changes_left"]) == (20, 1)
    [kept] = (await site.get("/v1/settings/changes", **owner)).json()["items"]
    assert (kept["before"], kept["after"]) == ({"repayment_day": 15}, {"repayment_day": 20})
    assert (kept["channel"], kept["device"], kept["second_factor"]) == ("app", "device-1", True)
    read = await site.get(f"/v1/loans/{loan['loan_id']}", **owner)
    assert read.json()["next_due_date"] == "2026-03-20"


async def test_auto_debit_is_switched_on_read_and_revoked(site: Site) -> None:
    borrower = await borrower_of(site)
    debit = {"account_ref": "acct-own", "holder_name": PERSONS[0].name}
    wish = change(borrower, "auto_debit", line_id=borrower.line_id, auto_debit=debit)
    shown = (await site.post("/v1/settings/changes", wish)).json()
    await confirmed(site, shown)
    owner = {"customer_id": borrower.customer_id}
    [mandate] = (await site.get("/v1/mandates", **owner)).json()["items"]
    assert mandate["text"] == shown["effect"]["mandate"]["text"]
    read = await site.get(f"/v1/mandates/{mandate['id']}", **owner)
    assert read.json() == mandate
    revoked = await site.post(f"/v1/mandates/{mandate['id']}/revocation", owner)
    assert revoked.json()["revoked_at"] is not None
    path = f"/v1/mandates/{mandate['id']}/revocation"
    check_problem(await site.post(path, owner), 409, "mandate_revoked")
    nothing: dict[str, Any] = {"items": [], "next": None, "prev": None}
    assert (await site.get("/v1/debits", **owner)).json() == nothing
    [told] = (await site.get("/v1/messages", **owner)).json()["items"]
    assert (told["kind"], told["cause"]) == ("setting_changed", shown["id"])


async def test_what_cannot_be_set_says_what_can(site: Site) -> None:
    borrower = await borrower_of(site)
    post = "/v1/settings/changes"
    for members, status, code in (
        ({"setting": "channels", "channels": ["app"]}, 422, "channel_for_notices_missing"),
        ({"setting": "statement_form", "statement_form": "paper"}, 409, None),
        ({"setting": "own_cap"}, 422, "setting_value_missing"),
        ({"setting": "language"}, 422, "setting_value_missing"),
        ({"setting": "repayment_day", "line_id": borrower.line_id}, 422, "setting_value_missing"),
        ({"setting": "auto_debit", "line_id": borrower.line_id}, 409, "setting_unchanged"),
    ):
        answer = await site.post(post, change(borrower, **members))
        check_problem(answer, status, code or "statement_form_without_channel")
    elsewhere = change(borrower, "language", language="en", line_id=ids.to_text(ids.LINE, 9))
    ignored = await site.post(post, elsewhere)
    assert (await confirmed(site, ignored.json()))["line_id"] is None
    nobody = {"customer_id": ids.to_text(ids.CUSTOMER, 9)}
    check_problem(await site.get("/v1/settings", **nobody), 404, "customer_not_found")
