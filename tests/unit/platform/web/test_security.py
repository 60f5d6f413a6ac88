"""The policy is what the documents promise, on every answer."""

from typing import Any

import pytest

from counterfoil.platform.web import security
from counterfoil.platform.web.security import SecurityHeaders

PROMISED = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types counterfoil; report-to csp"
)


async def _headers(given: list[tuple[bytes, bytes]]) -> dict[str, str]:
    sent: list[Any] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": given})
        await send({"type": "http.response.body", "body": b""})

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    site = SecurityHeaders(app, report_path="/reports")
    await site({"type": "http", "path": "/x"}, receive, send)
    return {name.decode(): value.decode() for name, value in sent[0]["headers"]}


async def test_every_answer_carries_the_promised_policy() -> None:
    headers = await _headers([])
    assert headers["content-security-policy"] == PROMISED
    assert headers["reporting-endpoints"] == 'csp="/reports"'
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["strict-transport-security"].startswith("max-age=63072000")
    assert headers["cache-control"] == "private, no-store"
    assert "=()" in headers["permissions-policy"]
    assert "self" not in headers["permissions-policy"]


async def test_a_file_keeps_its_own_cache_rule() -> None:
    headers = await _headers([(b"cache-control", b"public")])
    assert headers["cache-control"] == "public"


async def test_other_traffic_passes_untouched() -> None:
    seen: list[str] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope["type"])

    await SecurityHeaders(app, report_path="/r")({"type": "lifespan"}, None, None)  # type: ignore[arg-type]
    assert seen == ["lifespan"]


def test_nothing_widens_the_policy() -> None:
    assert security.WIDENINGS == {}


def test_a_widening_touches_its_path_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "WIDENINGS", {"/pay": {"form-action": "'self' https://b"}})
    assert "form-action 'self' https://b" in security.policy_text("/pay/1")
    assert security.policy_text("/console/") == PROMISED
