"""Run the simulated bank of accounts: `python -m counterfoil.simulator.account_bank`."""

import argparse

import uvicorn

from counterfoil.simulator.account_bank.account_bank import AccountBank, Manner
from counterfoil.simulator.account_bank.server import make_app


def main() -> None:
    """Read the options and serve until told to stop."""
    parser = argparse.ArgumentParser(
        prog="python -m counterfoil.simulator.account_bank", description=__doc__
    )
    parser.add_argument("--port", type=int, default=8071)
    parser.add_argument("--token", default="", help="token that callers have to show")
    parser.add_argument("--manner", type=Manner, choices=list(Manner), default=Manner.UP)
    options = parser.parse_args()
    uvicorn.run(
        make_app(AccountBank(token=options.token, manner=options.manner)),
        host="127.0.0.1",
        port=options.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main()
