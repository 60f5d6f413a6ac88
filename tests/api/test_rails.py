"""Rails over HTTP: how they stand, closing one, asking for all, and callbacks that are hints."""

import time

import orjson
from tests.api.conftest import Site
from tests.api.test_bad_input import check_problem

from counterfoil.journeys.paying import rails
from counterfoil.kernel.errors import Refused
from counterfoil.payments.hint import sign_callback
from counterfoil.platform.access_matrix import Actor

KEY = b"k" * 32


async def test_one_rail_is_closed_by_a_program_and_all_only_by_two_people(site: Site) -> None:
    body = {"rail": "bank", "is_closed": True, "reason": "works"}
    done = await site.post("/v1/rail-switches", body)
    assert done.json() == {
        "status": "switched", "rail": "bank", "is_closed": True, "approval_id": None,
    }  # fmt: skip
    check_problem(await site.post("/v1/rail-switches", body), 409, "rail_switch_unchanged")
    unknown = body | {"rail": "nowhere"}
    check_problem(await site.post("/v1/rail-switches", unknown), 404, "rail_unknown")
    shown = (await site.get("/v1/rails")).json()
    closed = {rail["code"]: rail["is_closed_by_hand"] for rail in shown["items"]}
    assert closed == {"bank": True, "clearing": False}
    assert not shown["are_all_closed"]

    wide = await site.post("/v1/rail-switches", body | {"rail": "*"})
    assert wide.json()["status"] == "waiting"
    again = await site.post("/v1/rail-switches", body | {"rail": "*"})
    assert again.json()["approval_id"] == wide.json()["approval_id"], "asked for once"
    assert not (await site.get("/v1/rails")).json()["are_all_closed"]
    eve = Actor(name="eve", role="risk_analyst", source="test")
    refused = await rails.switch_rail(site.house, eve, "bank", is_closed=False, reason="why")
    assert isinstance(refused, Refused)
    assert refused.code == "approval_not_allowed"


async def test_a_callback_is_a_signed_hint_and_says_nothing_back(site: Site) -> None:
    body = orjson.dumps({"reference": "pm_0000000000007", "status": "succeeded"})
    sent = str(int(time.time()))
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": sent,
        "webhook-signature": sign_callback(KEY, "msg_1", sent, body),
    }
    path = "/v1/rail-callbacks/bank"
    nobody = await site.client.post(path, content=body, headers=headers)
    check_problem(nobody, 404, "callback_not_expected")
    (site.house.settings.home / "keys" / "rail-bank.key").write_bytes(KEY)
    for _ in range(2):
        taken = await site.client.post(path, content=body, headers=headers)
        assert (taken.status_code, taken.content) == (204, b"")
    forged = headers | {"webhook-signature": "v1,AAAA"}
    check_problem(
        await site.client.post(path, content=body, headers=forged),
        403,
        "callback_signature_invalid",
    )
    old = str(int(time.time()) - 3_600)
    stale = {
        "webhook-id": "msg_2",
        "webhook-timestamp": old,
        "webhook-signature": sign_callback(KEY, "msg_2", old, body),
    }
    check_problem(
        await site.client.post(path, content=body, headers=stale), 403, "callback_signature_invalid"
    )
