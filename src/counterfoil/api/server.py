"""How the server runs: the fast event loop and parser, and no log line a request.

Cost        On plain asyncio, accepted connections of several workers go without TCP_NODELAY and
            an answer waits some 40 ms; uvloop sets it. A test holds both.
"""

from typing import Any, Final

import uvicorn

#: Longest that requests under way may take at shutdown before they are cut.
SHUTDOWN_SECONDS_MAX: Final = 30


def server_config(app: Any, *, host: str, port: int) -> uvicorn.Config:
    """Return the configuration of one server process."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS_MAX,
    )
