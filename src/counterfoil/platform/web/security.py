"""The content security policy and the other response headers, as code.

Invariant   Every response of a site carries the headers, also errors and files. This module is
            the only place that may widen the policy, by path, with the reason beside it.
Follows     CSP Level 3, Trusted Types, Reporting API, Fetch Metadata (W3C).
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final

Message = MutableMapping[str, Any]
Scope = Message
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

POLICY: Final[Mapping[str, str]] = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "counterfoil",
    "report-to": "csp",
}

#: Path prefix → directives that replace the normal ones. Each entry states its reason in a
#: comment on the line above it. Empty, and meant to stay so.
WIDENINGS: Final[Mapping[str, Mapping[str, str]]] = {}

#: Two years, the least that browsers' preload lists accept.
HSTS_SECONDS: Final = 63_072_000

#: Every feature a page could ask for is switched off; none of ours needs one.
PERMISSIONS_POLICY: Final = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "autoplay",
        "camera",
        "display-capture",
        "encrypted-media",
        "fullscreen",
        "geolocation",
        "gyroscope",
        "hid",
        "identity-credentials-get",
        "idle-detection",
        "local-fonts",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "picture-in-picture",
        "publickey-credentials-get",
        "screen-wake-lock",
        "serial",
        "usb",
        "xr-spatial-tracking",
    )
)

_PAGE_CACHE: Final = b"private, no-store"


def policy_text(path: str) -> str:
    """Return the policy for one path."""
    directives = dict(POLICY)
    for prefix, widened in WIDENINGS.items():
        if path.startswith(prefix):
            directives.update(widened)
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def response_headers(path: str, report_path: str) -> list[tuple[bytes, bytes]]:
    """Return the headers that every response of a site carries."""
    headers = {
        "content-security-policy": policy_text(path),
        "reporting-endpoints": f'csp="{report_path}"',
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "strict-transport-security": f"max-age={HSTS_SECONDS}; includeSubDomains",
        "permissions-policy": PERMISSIONS_POLICY,
    }
    return [(name.encode(), value.encode()) for name, value in headers.items()]


class SecurityHeaders:
    """ASGI middleware around a whole site, so that no route and no error page can forget them."""

    def __init__(self, app: App, *, report_path: str) -> None:
        """Wrap a site; violations are reported to `report_path`."""
        self._app = app
        self._report_path = report_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers to the start of each response."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        added = response_headers(scope["path"], self._report_path)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", []))
                names = {name.lower() for name, _ in given}
                given += [(name, value) for name, value in added if name not in names]
                if b"cache-control" not in names:
                    given.append((b"cache-control", _PAGE_CACHE))
                message = {**message, "headers": given}
            await send(message)

        await self._app(scope, receive, send_with_headers)
