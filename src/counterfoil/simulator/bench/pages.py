"""Pages of the console on a large book, asked for as a browser does.

Level       H: a server process over loopback, this process as its only client, one page after the
            other on one connection; the time runs from the request to the last byte. Pages a
            second are those of one worker with `CALLERS` readers.
Pages       Those that grow with the book if anything does: overview, lists, a customer's line and
            loan with their stories, trial balance, days.
Follows     The aims of the console: p50 of 30 ms, p99 of 150 ms, 150 pages a second.
"""

import re
import secrets
from datetime import UTC, datetime
from typing import Final

import httpx

from counterfoil.journeys.books.close_day import close_day
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.platform.access import Role, set_operator
from counterfoil.simulator.bench import stage as staging
from counterfoil.simulator.bench.http import HOST, Accepted, serving
from counterfoil.simulator.bench.load import Send, closed_loop
from counterfoil.simulator.bench.report import Report
from counterfoil.simulator.bench.stage import Stage
from counterfoil.simulator.bench.writes import Tell

CALLERS: Final = 8
_READER: Final = "bench"
_SIGN_IN: Final = "/console/sign-in"
_P99_MS: Final = 150.0  # house: allow float – a time
_PER_SECOND: Final = 150.0  # house: allow float – a rate
#: A page in the middle of the book.
_CUSTOMER: Final = 4_321


async def run(
    stage: Stage, *, loans: int, seconds: int, tell: Tell, site: tuple[str, ...]
) -> Report:
    """Measure pages on a book of open loans; `site` is the command that starts the server."""
    report = Report(started_at=datetime.now(UTC))  # house: allow clock – an entry point
    password = secrets.token_urlsafe()
    async with staging.opened(stage, shards=1) as house:
        tell(f"loading {loans:,} lines with a loan each")
        await staging.add_lines(house, loans)
        await staging.add_open_loans(house, customers=loans)
        await _add_reader(house, password)
        tell("closing a day")
        await close_day(house)
        await staging.settle_down(house.database)
        report.facts["durability"] = await staging.durability(house)
    async with (
        serving(stage, site) as port,
        httpx.AsyncClient(base_url=f"http://{HOST}:{port}", timeout=60) as reader,
    ):
        await _sign_in(reader, password)
        for name, path in _pages().items():
            tell(f"{name}: {path}")
            read = _reader(reader, path)
            await closed_loop(read, callers=1, seconds=1)
            found = await closed_loop(read, callers=1, seconds=seconds)
            report.add(
                f"page_{name}",
                found.percentile_ms(0.99),
                "ms",
                target=_P99_MS,
                is_ceiling=True,
                p50_ms=found.percentile_ms(0.5),
                p99_ms=found.percentile_ms(0.99),
                notes={"loans": loans, "asked": found.accepted},
            )
        tell(f"{CALLERS} readers at once")
        read = _reader(reader, *_pages().values())
        many = await closed_loop(read, callers=CALLERS, seconds=seconds)
        report.add(
            "pages",
            many.per_second,
            "1/s",
            target=_PER_SECOND,
            p50_ms=many.percentile_ms(0.5),
            p99_ms=many.percentile_ms(0.99),
            notes={"loans": loans, "callers": CALLERS},
        )
    return report


def _pages() -> dict[str, str]:
    """Return the addresses by name."""
    customer = f"/console/customers/{ids.to_text(ids.CUSTOMER, _CUSTOMER)}"
    return {
        "overview": "/console/",
        "lines": "/console/lines",
        "loans": "/console/loans",
        "line": f"{customer}/lines/{ids.to_text(ids.LINE, _CUSTOMER)}",
        "loan": f"{customer}/loans/{ids.to_text(ids.LOAN, _CUSTOMER * 1_000 + 1)}",
        "trial_balance": "/console/ledger",
        "days": "/console/days",
    }


def _reader(client: httpx.AsyncClient, *paths: str) -> Send:
    async def read(number: int) -> object:
        answer = await client.get(paths[number % len(paths)])
        if answer.status_code != httpx.codes.OK:
            raise RuntimeError(f"{answer.url}: status {answer.status_code}")
        return Accepted()

    return read


async def _add_reader(house: House, password: str) -> None:
    async with house.database.transaction() as connection:
        await set_operator(
            connection,
            operator_id=house.ids.next(),
            name=_READER,
            role=Role.AUDITOR,
            password=password,
            now=house.clock.now(),
        )


async def _sign_in(client: httpx.AsyncClient, password: str) -> None:
    """Sign in by the form, with its hidden fields, as a browser would."""
    form = await client.get(_SIGN_IN)
    hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form.text)
    fields = {**dict(hidden), "operator": _READER, "password": password}
    origin = str(client.base_url).rstrip("/")
    given = {"origin": origin, "sec-fetch-site": "same-origin"}
    answer = await client.post(_SIGN_IN, data=fields, headers=given)
    if answer.status_code != httpx.codes.SEE_OTHER:
        raise RuntimeError(f"the sign-in was refused: status {answer.status_code}")
