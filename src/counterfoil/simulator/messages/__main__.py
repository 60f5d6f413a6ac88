"""Run the simulated carrier of messages: `python -m counterfoil.simulator.messages`."""

import argparse

import uvicorn

from counterfoil.simulator.messages.server import make_app
from counterfoil.simulator.messages.service import MessageService


def main() -> None:
    """Read the options and serve until told to stop."""
    parser = argparse.ArgumentParser(
        prog="python -m counterfoil.simulator.messages", description=__doc__
    )
    parser.add_argument("--port", type=int, default=8071)
    parser.add_argument("--token", help="what callers have to bear")
    options = parser.parse_args()
    uvicorn.run(
        make_app(MessageService(options.token)),
        host="127.0.0.1",
        port=options.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main()
