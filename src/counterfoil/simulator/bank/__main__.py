"""Run the simulated bank: `python -m counterfoil.simulator.bank --port 8090`."""

import argparse
import os
from pathlib import Path

import uvicorn

from counterfoil.simulator.bank.bank import Bank
from counterfoil.simulator.bank.collecting import CollectingBank, DebitFault
from counterfoil.simulator.bank.faults import Fault, FaultPlan
from counterfoil.simulator.bank.journal import Journal
from counterfoil.simulator.bank.server import make_app


def main() -> None:
    """Read the options and serve until told to stop."""
    options = _options()
    plan = FaultPlan(seed=options.seed, rates_bp=dict(options.fault))
    with Journal(options.journal) as journal, Journal(options.debit_journal) as debit_journal:
        app = make_app(
            Bank(journal=journal, plan=plan),
            CollectingBank(
                seed=options.seed, rates_bp=dict(options.debit_fault), journal=debit_journal
            ),
            callback_url=options.callback_url,
        )
        uvicorn.run(
            app,
            host=options.host,
            port=options.port,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=1,
        )


def _options() -> argparse.Namespace:
    home = Path(os.environ.get("COUNTERFOIL_HOME", ".counterfoil"))
    parser = argparse.ArgumentParser(
        prog="python -m counterfoil.simulator.bank", description=__doc__
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--journal", type=Path, default=home / "simulator" / "bank.jsonl")
    parser.add_argument(
        "--debit-journal", type=Path, default=home / "simulator" / "bank-debits.jsonl"
    )
    parser.add_argument("--callback-url", help="where callbacks are sent; none without it")
    parser.add_argument("--seed", type=int, default=0, help="seed of the fault plan")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        type=_rate,
        metavar="KIND=BASIS_POINTS",
        help=f"share of payouts that go wrong so; kinds: {', '.join(Fault)}",
    )
    parser.add_argument(
        "--debit-fault",
        action="append",
        default=[],
        type=_debit_rate,
        metavar="KIND=BASIS_POINTS",
        help=f"share of debits that go wrong so; kinds: {', '.join(DebitFault)}",
    )
    return parser.parse_args()


def _rate(text: str) -> tuple[Fault, int]:
    kind, _, rate_bp = text.partition("=")
    return Fault(kind), int(rate_bp)


def _debit_rate(text: str) -> tuple[DebitFault, int]:
    kind, _, rate_bp = text.partition("=")
    return DebitFault(kind), int(rate_bp)


if __name__ == "__main__":
    main()
