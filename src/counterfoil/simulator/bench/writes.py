"""The write path inside the process: drawdowns and repayments, each acknowledged on its own.

Level       E: asynchronous callers in the engine's own process, no HTTP.
A command   A drawdown with its signed quote: line, loan, journal of two postings, payout order,
            recorded answer and evidence leaf in one transaction (W = 7 rows: five inserts and an
            update). A repayment on one loan: line, loan, transaction, journal of three postings
            or more, answer, event and leaf (W = 9).
"""

import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any

from counterfoil.journeys.books.close_day import close_day
from counterfoil.journeys.borrowing import draw as drawing
from counterfoil.journeys.borrowing import repay as repaying
from counterfoil.journeys.house import House
from counterfoil.lending.quote import QuoteClaims, sign_quote
from counterfoil.lending.terms import Method
from counterfoil.simulator.bench import stage as staging
from counterfoil.simulator.bench.load import Measured, Send, closed_loop, open_loop
from counterfoil.simulator.bench.report import Report
from counterfoil.simulator.bench.stage import (
    AMOUNT_MINOR,
    NOTE_REF,
    PRODUCT,
    RATE_DAILY_E8,
    Stage,
)
from counterfoil.simulator.bench.yardsticks import CLIENTS, Pgbench, copy_rows, flushes

CALLERS = 512
#: One command in a hundred is a retry of a lost answer.
RETRY_EVERY = 100
DRAW_ROWS = 7
REPAY_ROWS = 9

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How large and how long a run is."""

    customers: int
    seconds: int
    shards: int
    seed: int
    #: Open loans over which repayments of a second level are spread; 1 for none.
    open_loans: int = 1
    #: Whether drawdowns are measured once more with few customers drawing most.
    skewed: bool = False

    @property
    def with_several(self) -> int:
        """Return how many customers have several open loans."""
        return self.customers // 4 if self.open_loans > 1 else 0


async def run(stage: Stage, scale: Scale, tell: Tell) -> Report:
    """Take the yardsticks, run the workloads between them, verify the books."""
    report = Report(started_at=datetime.now(UTC))  # house: allow clock – an entry point
    pgbench = await take_yardsticks(stage, scale, report, tell)
    async with staging.opened(stage, shards=scale.shards) as house:
        tell(f"loading {scale.customers:,} lines")
        await staging.add_lines(house, scale.customers)
        await staging.add_open_loans(
            house,
            customers=scale.customers // 2,
            loans=scale.open_loans,
            several_to=scale.with_several,
        )
        await close_day(house)
        await staging.settle_down(house.database)
        report.facts["durability"] = await staging.durability(house)
        bench = Workloads(house, scale, report, tell, versions_before=await count_versions(house))
        await bench.drawdowns()
        await bench.repayments()
        await bench.latency()
        await bench.verify()
    take_again(pgbench, report, tell)
    return report


async def count_versions(house: House) -> int:
    """Return the changes of lines so far, which a verdict does not count as commands."""
    return int((await staging.verdict(house))["versions"])


async def take_yardsticks(stage: Stage, scale: Scale, report: Report, tell: Tell) -> Pgbench:
    """Take the yardsticks before the workloads."""
    pgbench = Pgbench(stage.yardstick_url, scale.seconds)
    tell("yardsticks: flushes, pgbench, copy")
    marks = report.yardsticks
    marks["F"] = flushes(stage.home)
    pgbench.prepare()
    marks["T1"] = pgbench.tpc_b(1)
    marks["T"] = pgbench.tpc_b(CLIENTS)
    marks["N"] = pgbench.simple_update()
    marks["C"] = await copy_rows(stage.url, 1)
    marks["C2"] = await copy_rows(stage.url, 2)
    return pgbench


def take_again(pgbench: Pgbench, report: Report, tell: Tell) -> None:
    """Take T again and use the mean of both; say how far the machine drifted meanwhile."""
    tell("yardstick T again")
    before = report.yardsticks["T"]
    after = pgbench.tpc_b(CLIENTS)
    report.yardsticks |= {"T": (before + after) / 2, "T_before": before, "T_after": after}
    report.facts["drift_percent"] = round(100 * (after - before) / before, 1)
    for result in report.results.values():
        if result.ratio_to == "T":
            result.ratio = result.value / report.yardsticks["T"]


class Workloads:
    """The workloads of one run."""

    def __init__(
        self, house: House, scale: Scale, report: Report, tell: Tell, *, versions_before: int
    ) -> None:
        """Take the house and what is said of it."""
        self._house = house
        self._scale = scale
        self._report = report
        self._tell = tell
        self._chance = random.Random(scale.seed)  # noqa: S311 - load, not a secret
        self._keys = 0
        self._versions_before = versions_before
        self._tokens: dict[int, str] = {}
        self._cpu_before = time.process_time()

    async def drawdowns(self) -> None:
        """Drawdowns over all customers, on ten of them, by one caller, and replayed."""
        await self.make_tokens()
        report = self._report
        customers = self._scale.customers
        before = await staging.bytes_written(self._house)
        spread = await self._closed("drawdowns", self.drawer(customers), CALLERS)
        after = await staging.bytes_written(self._house)
        c2 = report.yardsticks["C2"]
        report.add(
            "drawdowns",
            spread.per_second,
            "1/s",
            to="T",
            target=1.5,
            p50_ms=spread.percentile_ms(0.5),
            p99_ms=spread.percentile_ms(0.99),
            notes={
                "callers": CALLERS,
                "accepted": spread.accepted,
                "replayed": spread.replayed,
                "refused": spread.refused,
                "rows": DRAW_ROWS,
                "eta": round(spread.per_second * DRAW_ROWS / c2, 3),
                "bytes": round((after[0] - before[0]) / max(1, spread.accepted)),
                "wal_bytes": round((after[1] - before[1]) / max(1, spread.accepted)),
                "batches": self._batches(),
                "cpu_us": self._cpu(spread),
            },
        )
        if self._scale.skewed:
            skewed = await self._closed("drawdowns, skewed", self._skewed_drawer(), CALLERS)
            self._against("drawdowns_skewed", skewed, spread, target=0.8)
        few = await self._closed("drawdowns, ten customers", self.drawer(10), CALLERS)
        self._against("drawdowns_ten_customers", few, spread, target=0.5)
        lone = await self._closed("drawdowns, one caller", self.drawer(customers), 1)
        report.add(
            "drawdowns_one_caller",
            lone.per_second,
            "1/s",
            to="T1",
            target=0.5,
            p50_ms=lone.percentile_ms(0.5),
            p99_ms=lone.percentile_ms(0.99),
        )
        replays = await self._replays()
        result = report.add("replays", replays, "1/s", target=1.0)
        result.ratio_to, result.ratio = "drawdowns", replays / spread.per_second

    async def repayments(self) -> None:
        """Repayments on customers with one open loan, and on customers with five."""
        several, half = self._scale.with_several, self._scale.customers // 2
        one = await self._closed("repayments, one loan", self._payer(several + 1, half), CALLERS)
        self._report.add(
            "repayments",
            one.per_second,
            "1/s",
            to="T",
            target=1.0,
            p50_ms=one.percentile_ms(0.5),
            p99_ms=one.percentile_ms(0.99),
            notes={
                "open_loans": 1,
                "accepted": one.accepted,
                "refused": one.refused,
                "rows": REPAY_ROWS,
                "eta": round(one.per_second * REPAY_ROWS / self._report.yardsticks["C2"], 3),
                "batches": self._batches(),
                "cpu_us": self._cpu(one),
            },
        )

        if several:
            await self._repayments_over_several(several)

    async def _repayments_over_several(self, customers: int) -> None:
        """Repayments that name no loan: the order in which loans are paid is decided each time."""
        loans = self._scale.open_loans
        payer = self._payer(1, customers, names_loan=False)
        spread = await self._closed(f"repayments, {loans} loans", payer, CALLERS)
        self._report.add(
            "repayments_several_loans",
            spread.per_second,
            "1/s",
            to="T",
            target=0.5,
            p50_ms=spread.percentile_ms(0.5),
            p99_ms=spread.percentile_ms(0.99),
            notes={
                "open_loans": loans,
                "accepted": spread.accepted,
                "refused": spread.refused,
                "batches": self._batches(),
                "cpu_us": self._cpu(spread),
            },
        )

    async def latency(self) -> None:
        """Latency from an open loop at half and at four fifths of the maximum."""
        maximum = self._report.results["drawdowns"].value
        for share, target in ((0.5, 15.0), (0.8, None)):
            rate = maximum * share
            self._tell(f"drawdowns, open loop at {share:.0%}")
            send = self.drawer(self._scale.customers)
            steady = await open_loop(send, per_second=rate, seconds=self._scale.seconds)
            self._report.add(
                f"latency_at_{share:.0%}".replace("%", "_percent"),
                steady.percentile_ms(0.99),
                "ms",
                target=target,
                is_ceiling=True,
                p50_ms=steady.percentile_ms(0.5),
                p99_ms=steady.percentile_ms(0.99),
                notes={"per_second": round(rate), "accepted": steady.accepted},
            )

    async def verify(self) -> None:
        """Hold the books against themselves; a run that fails has no result."""
        self._tell("verifying the books")
        found = await staging.verdict(self._house)
        found["versions"] -= self._versions_before
        found["ok"] = (
            found["ledger_difference_minor"] == 0
            and found["lines_off"] == 0
            and found["commands"] == found["leaves"] == found["versions"]
        )
        self._report.facts["verified"] = found
        if not found["ok"]:
            self._report.results.clear()

    async def make_tokens(self) -> None:
        """Sign the quotes that customers were shown; they exist before the first command."""
        on = await self._house.business_date()
        terms = self._house.catalogue.current(PRODUCT, on)
        self._tell("signing quotes")
        self._tokens = {
            customer: sign_quote(
                self._house.quote_key,
                QuoteClaims(
                    customer,
                    customer,
                    AMOUNT_MINOR,
                    terms.currency,
                    12,
                    Method.LEVEL_INSTALMENT,
                    RATE_DAILY_E8,
                    1 + customer % 28,
                    terms.code,
                    terms.version,
                    customer,
                    NOTE_REF,
                    on,
                    bytes(32),
                    bytes(32),
                ),
            )
            for customer in range(1, self._scale.customers + 1)
        }

    def _skewed_drawer(self) -> Send:
        """Return a sender over all customers by Zipf's law: customer n draws 1/n as often."""
        numbers = range(1, self._scale.customers + 1)
        weights = list(accumulate(1 / number for number in numbers))
        chance = self._chance
        return self._sender(lambda: chance.choices(numbers, cum_weights=weights)[0])

    def drawer(self, customers: int) -> Send:
        """Return a sender of drawdowns over customers, each as often as the others."""
        chance = self._chance
        return self._sender(lambda: chance.randint(1, customers))

    def _sender(self, choose: Callable[[], int]) -> Send:
        """Return a sender of drawdowns of chosen customers; some repeat one already sent."""
        recent: list[tuple[int, str]] = []

        def send(number: int) -> Awaitable[Any]:
            if number % RETRY_EVERY == RETRY_EVERY - 1 and recent:
                return self._draw(*recent.pop())
            customer, key = choose(), self._key("d")
            if number % RETRY_EVERY == 0:
                recent.append((customer, key))
            return self._draw(customer, key)

        return send

    def _draw(self, customer: int, key: str) -> Awaitable[Any]:
        return drawing.draw(
            self._house,
            customer_id=customer,
            line_id=customer,
            amount_minor=AMOUNT_MINOR,
            currency="CNY",
            tenor_months=12,
            method=Method.LEVEL_INSTALMENT,
            purpose="travel",
            payee_ref="account-token",
            quote_token=self._tokens[customer],
            idempotency_key=key,
        )

    def _payer(self, first: int, last: int, *, names_loan: bool = True) -> Send:
        """Return a sender of repayments of a range of customers."""
        chance, house = self._chance, self._house

        def send(_: int) -> Awaitable[Any]:
            customer = chance.randint(first, last)
            return repaying.repay(
                house,
                customer_id=customer,
                line_id=customer,
                loan_id=customer * 1000 + 1 if names_loan else None,
                amount_minor=100,
                currency="CNY",
                value_date=None,
                channel="bench",
                idempotency_key=self._key("r"),
            )

        return send

    async def _replays(self) -> float:
        """Return answers a second to drawdowns that were already answered."""
        self._tell("replays")
        sent: list[tuple[int, str]] = []
        customers = self._scale.customers

        def first(_: int) -> Awaitable[Any]:
            sent.append((self._chance.randint(1, customers), self._key("p")))
            return self._draw(*sent[-1])

        await closed_loop(first, callers=CALLERS, seconds=1)
        again = await closed_loop(
            lambda number: self._draw(*sent[number % len(sent)]),
            callers=CALLERS,
            seconds=self._scale.seconds,
        )
        assert not again.accepted
        return again.replayed / again.seconds

    async def _closed(self, name: str, send: Send, callers: int) -> Measured:
        self._tell(name)
        self._house.counter.engine.batch_sizes.clear()
        self._cpu_before = time.process_time()
        return await closed_loop(send, callers=callers, seconds=self._scale.seconds)

    def _against(self, name: str, measured: Measured, base: Measured, *, target: Any) -> None:
        result = self._report.add(
            name,
            measured.per_second,
            "1/s",
            target=target,
            p50_ms=measured.percentile_ms(0.5),
            p99_ms=measured.percentile_ms(0.99),
        )
        result.ratio_to = "drawdowns"
        result.ratio = measured.per_second / base.per_second

    def _batches(self) -> dict[str, Any]:
        """Return how commands were gathered."""
        sizes = self._house.counter.engine.batch_sizes
        batches = sum(sizes.values())
        commands = sum(size * count for size, count in sizes.items())
        histogram: dict[str, int] = {}
        for size, count in sorted(sizes.items()):
            bound = 1 << (size - 1).bit_length()
            histogram[str(bound)] = histogram.get(str(bound), 0) + count
        return {"mean": round(commands / max(1, batches), 1), "up_to": histogram}

    def _cpu(self, measured: Measured) -> float:
        """Return the processor time of this process a command, load included, in µs."""
        spent = time.process_time() - self._cpu_before
        return round(spent / max(1, measured.accepted) * 1e6, 1)

    def _key(self, kind: str) -> str:
        self._keys += 1
        return f"{kind}{self._keys}"
