"""Run the simulated host: `python -m counterfoil.simulator.host --secret whsec_…`."""

import argparse

import uvicorn

from counterfoil.simulator.host.host import HostApp, Manner
from counterfoil.simulator.host.server import make_app


def main() -> None:
    """Read the options and serve until told to stop."""
    parser = argparse.ArgumentParser(
        prog="python -m counterfoil.simulator.host", description=__doc__
    )
    parser.add_argument("--port", type=int, default=8070)
    parser.add_argument("--secret", default="whsec_bm90LXNldC15ZXQ=", help="signing secret")
    parser.add_argument("--manner", type=Manner, choices=list(Manner), default=Manner.UP)
    options = parser.parse_args()
    uvicorn.run(
        make_app(HostApp(options.secret, options.manner)),
        host="127.0.0.1",
        port=options.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main()
