"""One process of the site: API and console, with or without the background jobs beside them.

The rails      The rails file names them; COUNTERFOIL_RAIL_URL is the address of the first. Without
               it a sandbox pays out over simulated banks in this process, whose journals lie in
               the home directory; any other environment refuses to start its jobs where no rail
               is reached.
The parties    COUNTERFOIL_WITNESSES names who witnesses the log, COUNTERFOIL_BUREAU_MEMBERSHIP what
               the bureau gave. A sandbox with neither runs witnesses and a reference bureau as
               processes of their own, for as long as it serves.
"""

import asyncio
import os
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from typing import Final

from counterfoil.journeys.guarding.assessed import AssessedDebits, AssessedRail
from counterfoil.journeys.house import House, open_house
from counterfoil.journeys.paying.collect_debits import DebitBooks
from counterfoil.journeys.paying.payee_names import BorrowerNames
from counterfoil.journeys.paying.payers import digests_for
from counterfoil.journeys.paying.payout_books import PayoutBooks
from counterfoil.journeys.proving.publish_log import open_desk
from counterfoil.kernel.clock import SystemClock
from counterfoil.kernel.errors import RefusedError
from counterfoil.payments.debit_port import DEBIT_RAIL, DebitRail
from counterfoil.payments.debit_relay import DebitRelay
from counterfoil.payments.http_debits import HttpDebits
from counterfoil.payments.http_rail import HttpRail
from counterfoil.payments.port import Rail, RailLink
from counterfoil.payments.relay import PayoutRelay
from counterfoil.platform.process import settle_memory
from counterfoil.platform.settings import Settings
from counterfoil.platform.telemetry import logger
from counterfoil.simulator.bank.bank import Bank
from counterfoil.simulator.bank.collecting import CollectingBank
from counterfoil.simulator.bank.direct import DirectRail
from counterfoil.simulator.bank.journal import Journal
from counterfoil.worker.contracts import contract_job
from counterfoil.worker.debits import debits_job, messages_job
from counterfoil.worker.experiments import experiments_job
from counterfoil.worker.features import features_job
from counterfoil.worker.gathering import gathering_job
from counterfoil.worker.holding_back import holding_back_job
from counterfoil.worker.hosts import hosts_job
from counterfoil.worker.keeping import keeping_job
from counterfoil.worker.line_reviews import line_reviews_job
from counterfoil.worker.log import log_jobs
from counterfoil.worker.loop import Job, run
from counterfoil.worker.models import models_job
from counterfoil.worker.papers import papers_job
from counterfoil.worker.payouts import payout_job
from counterfoil.worker.rails import rails_job
from counterfoil.worker.reviews import reviews_job
from counterfoil.worker.statements import statements_job
from counterfoil.worker.withdrawals import withdrawals_job

#: The environment in which a simulated bank may stand in for one that is not named.
SANDBOX: Final = "sandbox"

_LOG: Final = logger("counterfoil.jobs")


def serve_site(settings: Settings, url: str) -> None:
    """Serve until interrupted."""
    import uvicorn

    from counterfoil.api.app import create_app
    from counterfoil.api.server import server_config
    from counterfoil.console.app import create_console
    from counterfoil.portal.app import create_portal

    # uvicorn ends orderly and then raises the signal again; left alone it would end the process
    # before an embedded server is stopped.
    signal.signal(signal.SIGTERM, _leave)
    with parties_beside(settings, url) as joined:
        site = create_app(
            joined,
            url,
            sites={"/console": create_console, "/portal": create_portal},
            background=work if joined.worker else None,
        )
        settle_memory()
        uvicorn.Server(server_config(site, host=joined.host, port=joined.port)).run()


def with_own_witnesses(settings: Settings) -> Settings:
    """Return a sandbox's settings with the witnesses that it last ran beside itself, if any."""
    is_alone = settings.environment == SANDBOX and settings.sandbox_parties
    from counterfoil.simulator import parties

    witnesses = parties.directory_of(settings.home) / parties.POLICY_LINES
    if not is_alone or settings.witnesses is not None or not witnesses.is_file():
        return settings
    return settings.model_copy(update={"witnesses": witnesses})


@contextmanager
def parties_beside(settings: Settings, url: str) -> Iterator[Settings]:
    """Run a sandbox's other parties beside the site, where it names none."""
    is_joined = settings.witnesses is not None or settings.bureau_membership is not None
    is_alone = settings.environment == SANDBOX and settings.sandbox_parties and not is_joined
    # Without the jobs nothing is published here, and nobody has to witness it.
    if not is_alone or not settings.worker:
        yield settings
        return
    from counterfoil.simulator import parties

    stack = AsyncExitStack()
    with asyncio.Runner() as runner:
        joined = runner.run(
            stack.enter_async_context(parties.sandbox(settings, url, SystemClock()))
        )
        try:
            yield joined
        finally:
            runner.run(stack.aclose())


def _leave(number: int, _frame: object) -> None:
    """End as a process that was told to, letting everything open be closed."""
    raise SystemExit(128 + number)


async def serve_jobs(settings: Settings, url: str) -> None:
    """Run the background jobs of one process until it is told to end."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with open_house(settings, url) as house:
        await work(house, stop)


async def work(house: House, stop: asyncio.Event) -> None:
    """Run the background jobs until told to stop."""
    async with AsyncExitStack() as stack:
        rails, jobs = await _rails(house, stack)
        relay = PayoutRelay(
            house.database,
            rails=rails,
            books=PayoutBooks(house),
            clock=house.clock,
            business_date=house.business_date,
            worker=f"{socket.gethostname()}:{os.getpid()}",
            names=BorrowerNames(house),
            payers=partial(digests_for, house),
            metrics=house.metrics,
        )
        jobs.append(rails_job(house, relay))
        jobs += await _log_jobs(house, stack)
        jobs += [contract_job(house), keeping_job(house), gathering_job(house)]
        jobs.append(models_job(house))
        jobs.append(holding_back_job(house))
        jobs.append(experiments_job(house))
        jobs.append(features_job(house))
        jobs.append(reviews_job(house))
        jobs.append(line_reviews_job(house))
        jobs.append(await withdrawals_job(house))
        jobs.append(await papers_job(house))
        jobs += await _debit_jobs(house, stack)
        jobs.append(await hosts_job(house))
        await run([await payout_job(relay), *jobs], stop)


async def _debit_jobs(house: House, stack: AsyncExitStack) -> list[Job]:
    """Return the jobs that tell customers, and where a bank collects the one that presents."""
    jobs = [await messages_job(house), statements_job(house)]
    rail = await _debit_rail(house, stack)
    if rail is not None:
        relay = DebitRelay(
            house.database,
            rail=rail,
            books=DebitBooks(house),
            clock=house.clock,
            business_date=house.business_date,
            worker=f"{socket.gethostname()}:{os.getpid()}",
        )
        jobs.append(debits_job(house, relay))
    return jobs


async def _debit_rail(house: House, stack: AsyncExitStack) -> DebitRail | None:
    """Return who collects: the bank that is named, in a sandbox a simulated one, else nobody."""
    settings = house.settings
    if settings.debit_url is not None:
        bank = await stack.enter_async_context(HttpDebits(settings.debit_url, name=DEBIT_RAIL))
        return AssessedDebits(bank, house.assessed, DEBIT_RAIL)
    if settings.environment != SANDBOX:
        return None
    journal = Journal(settings.home / "simulator" / f"debits-{settings.node}.jsonl")
    return CollectingBank(journal=stack.enter_context(journal))


async def _log_jobs(house: House, stack: AsyncExitStack) -> list[Job]:
    """Return the jobs of the log; only its numbers where nobody witnesses it."""
    try:
        desk = await stack.enter_async_context(
            open_desk(house.settings, house.database, house.wall)
        )
    except RefusedError as error:
        _LOG.warning("the log is not published", reason=error.refused.code)
        return log_jobs(house, None)
    return log_jobs(house, desk)


async def _rails(house: House, stack: AsyncExitStack) -> tuple[list[RailLink], list[Job]]:
    """Return the rails of this installation, and the jobs that they need themselves."""
    settings, links, banks = house.settings, [], []
    for place, terms in enumerate(house.rails):
        # The address of the settings is the first rail's, where the file gives it none.
        url = terms.endpoint or (settings.rail_url if place == 0 else None)
        if url is not None:
            called = await stack.enter_async_context(HttpRail(url, name=terms.code))
            rail: Rail | None = AssessedRail(called, house.assessed, terms.code)
        elif settings.environment == SANDBOX and settings.rail_url is None:
            bank = _simulated_bank(house, stack, terms.code)
            banks.append(bank)
            rail = DirectRail(bank, name=terms.code)
        else:
            rail = None
        links.append(RailLink(terms, rail))
    if all(link.rail is None for link in links):
        raise RuntimeError(
            "set COUNTERFOIL_RAIL_URL or give rails an endpoint: only a sandbox pays out over a "
            "simulated bank"
        )
    return links, [_bank_day(banks, house)] if banks else []


def _simulated_bank(house: House, stack: AsyncExitStack, code: str) -> Bank:
    """Return the sandbox's bank behind one rail; its journal outlives the process."""
    name = f"{code}-{house.settings.node}.jsonl"
    return Bank(journal=stack.enter_context(Journal(house.settings.home / "simulator" / name)))


def _bank_day(banks: Sequence[Bank], house: House) -> Job:
    """Return the job that keeps simulated banks on the house's business date."""

    async def step() -> int:
        today = await house.business_date()
        for bank in banks:
            bank.move_to(today)
        return 0

    async def close() -> None:
        """Leave the banks as they are: their journals are closed by whoever opened them."""

    return Job(name="bank_day", step=step, close=close)
