"""What decides now and what is held back is on a page; a rule is suppressed by two people there."""

from dataclasses import replace

import pytest
from tests.console.accessibility import faults
from tests.console.conftest import Browser
from tests.console.test_privacy_pages import a_customer

from counterfoil.decisioning.policy_parts import Guards
from counterfoil.journeys.approve import list_approvals
from counterfoil.kernel import ids

HREF = "/console/policies"


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_what_decides_now_is_listed_and_what_is_held_back_is_told(
    stranger: Browser, language: str
) -> None:
    await stranger.sign_in("compliance")
    page = await stranger.get(HREF, language=language)
    assert page.status_code == 200
    policies = stranger.house.policies
    before = policies.origination
    assert f"{before.policy.code} {before.policy.version}" in page.text
    assert faults(page.text) == []
    policies.put_in_force("origination", replace(before, guards=Guards(tripped=frozenset({"R01"}))))
    try:
        held = await stranger.get(HREF, language="en")
    finally:
        policies.put_in_force("origination", before)
    assert "An action cap has tripped" in held.text
    assert "R01" in held.text


async def test_a_wish_that_the_policy_does_not_allow_is_told_beside_the_form(
    stranger: Browser,
) -> None:
    await stranger.sign_in("risk_analyst")
    _, customer_id = await a_customer(stranger)
    form = await stranger.get(f"{HREF}/snooze")
    assert faults(form.text) == []
    given = {
        "customer": ids.to_text(ids.CUSTOMER, customer_id),
        "purpose": "origination",
        "rule": "E01",
        "days": "7",
        "reason": "the bureau's own mistake",
    }
    answer = await stranger.submit(form, f"{HREF}/snooze", **given)
    assert answer.status_code == 422
    assert "rule of law" in answer.text
    wrong = await stranger.submit(form, f"{HREF}/snooze", **given | {"customer": "li", "days": "x"})
    assert wrong.status_code == 422
    assert await list_approvals(stranger.house, only_open=True) == []
