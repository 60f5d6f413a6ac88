"""The customer's own footprint over HTTP: who asked a bureau, why, when, under which consent."""

from dataclasses import replace

from tests.api.conftest import Site

from counterfoil.bureau import store
from counterfoil.bureau.inquiry import Inquiry, State
from counterfoil.bureau.report_row import StoredReport
from counterfoil.kernel import ids
from counterfoil.platform.access import Scope

ASKED_AT = 1_800_000_000


def inquiry(customer_id: int, number: int, **changes: object) -> Inquiry:
    made = Inquiry(
        customer_id=customer_id,
        inquiry_id=number,
        consent_id=number + 1_000,
        use_no=1,
        occasion="first_application",
        purpose="inquiry_origination",
        reason_code="02",
        bureau="bureau.example",
        jti=f"jti-{number}",
        state=State.INTENT,
        intent_leaf_id=number + 2_000,
        asked_at=ASKED_AT,
        answer_by=ASKED_AT + 86_400,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


async def planted(site: Site) -> int:
    """One answered inquiry with its report, and an open one."""
    customer_id = site.house.ids.next()
    first = inquiry(customer_id, 1)
    answered = replace(
        first,
        state=State.ANSWERED,
        outcome_leaf_id=3_001,
        ended_at=ASKED_AT + 2,
        bureau_reference="Q1",
        sealed_sha256=bytes(32),
    )
    report = StoredReport(
        customer_id=customer_id,
        report_id=7,
        inquiry_id=1,
        consent_id=1_001,
        purpose="inquiry_origination",
        bureau="bureau.example",
        jti="jti-1",
        received_at=ASKED_AT + 2,
        expires_at=ASKED_AT + 30 * 86_400,
        sealed=b"sealed",
    )
    async with site.house.database.transaction() as connection:
        await store.add_inquiries(
            connection, [first, inquiry(customer_id, 2, occasion="review", reason_code="01")]
        )
        await store.mark_sent(connection, [(customer_id, 1)], at=ASKED_AT + 1)
        await store.end_inquiries(connection, [answered])
        await store.add_reports(connection, [report])
    return customer_id


async def test_a_footprint_says_who_asked_why_when_and_under_what(site: Site) -> None:
    customer = ids.to_text(ids.CUSTOMER, await planted(site))
    found = await site.get("/v1/inquiries", customer_id=customer)
    assert found.status_code == 200
    [open_one, answered] = found.json()["items"]
    assert answered["is_hard"] is True
    assert open_one["is_hard"] is False
    assert answered["purpose"] == "inquiry_origination"
    assert answered["consent_id"] == ids.to_text(ids.CONSENT, 1_001)
    assert answered["asked_at"] == "2027-01-15T08:00:00Z"
    assert answered["bureau_reference"] == "Q1"
    assert answered["report"]["expires_at"] == "2027-02-14T08:00:00Z"
    assert answered["intent_leaf_id"] == ids.to_text(ids.LEAF, 2_001)
    assert (open_one["status"], open_one["sent_at"], open_one["report"]) == ("intent", None, None)
    assert "sealed" not in found.text
    assert found.json()["next"] is None


async def test_pages_go_from_the_newest_to_the_oldest(site: Site) -> None:
    customer = ids.to_text(ids.CUSTOMER, await planted(site))
    first = (await site.get("/v1/inquiries", customer_id=customer, limit="1")).json()
    second = (
        await site.get("/v1/inquiries", customer_id=customer, limit="1", after=first["next"])
    ).json()
    numbers = [page["items"][0]["inquiry_id"] for page in (first, second)]
    assert numbers == [ids.to_text(ids.INQUIRY, 2), ids.to_text(ids.INQUIRY, 1)]
    assert second["next"] is None


async def test_another_customer_sees_nothing_of_it(site: Site) -> None:
    await planted(site)
    other = ids.to_text(ids.CUSTOMER, site.house.ids.next())
    assert (await site.get("/v1/inquiries", customer_id=other)).json() == {
        "items": [],
        "next": None,
        "prev": None,
    }


async def test_it_needs_its_own_scope_and_a_customer(site: Site) -> None:
    secret = await site.secret(Scope.CONSENTS_READ)
    site.client.headers["authorization"] = f"Bearer {secret}"
    customer = ids.to_text(ids.CUSTOMER, 1)
    assert (await site.get("/v1/inquiries", customer_id=customer)).status_code == 403
    secret = await site.secret(Scope.INQUIRIES_READ)
    site.client.headers["authorization"] = f"Bearer {secret}"
    assert (await site.get("/v1/inquiries", customer_id=customer)).status_code == 200
    assert (await site.get("/v1/inquiries")).status_code == 422
