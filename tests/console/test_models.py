"""Pages of models: the registry, one model with its card, and who may see them."""

import pytest
from tests.console.accessibility import faults
from tests.console.conftest import Browser
from tests.store.test_models import DEVELOPER, live
from tests.unit.models.test_validation import model

from counterfoil.journeys.deciding.publish_model import register_model

LANGUAGES = ("en", "zh-CN")


async def test_a_list_without_models_says_how_to_begin(browser: Browser) -> None:
    page = await browser.get(f"/console/models?after={'0' * 64}")
    assert page.status_code == 200
    assert "counterfoil model publish" in page.text


async def test_what_the_world_decides_by_stands_in_the_inventory(browser: Browser) -> None:
    page = await browser.get("/console/models")
    policy = browser.house.policies.origination.policy
    assert policy.scorecard.model is not None
    assert policy.scorecard.model.sha256[:12] in page.text
    assert f"{policy.code} {policy.version}" in page.text
    # Higher limits are decided by a card that stands in its policy.
    assert browser.house.policies.limit_increase.policy.hash[:12] in page.text


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_model_is_shown_with_everything_behind_it(browser: Browser, language: str) -> None:
    sha256 = await live(browser.house, model())
    listed = await browser.get("/console/models", language=language)
    assert "cards-boosted 2026-01" in listed.text
    assert faults(listed.text) == []
    page = await browser.get(f"/console/models/{sha256}", language=language)
    assert page.status_code == 200
    assert faults(page.text) == []
    for text in (sha256, "dev", "val", "bo", "delay_months", "DLQ_RECENT"):
        assert text in page.text
    assert ("在用" if language == "zh-CN" else "Live") in page.text


async def test_a_draft_has_no_figures_yet(browser: Browser) -> None:
    artefact = model()
    await register_model(browser.house, DEVELOPER, artefact, reason="new")
    page = await browser.get(f"/console/models/{artefact.sha256}")
    assert "Not validated yet" in page.text
    assert "No policy decides by it" in page.text


@pytest.mark.parametrize("path", ["0" * 64, "x"])
async def test_what_is_no_model_is_not_found(browser: Browser, path: str) -> None:
    assert (await browser.get(f"/console/models/{path}")).status_code == 404


@pytest.mark.parametrize(
    ("role", "status"), [("collector", 403), ("auditor", 200), ("risk_analyst", 200)]
)
async def test_roles_see_it_or_not(stranger: Browser, role: str, status: int) -> None:
    await stranger.sign_in(role)
    assert (await stranger.get("/console/models")).status_code == status
