"""The demonstration: a lender's months in a minute, on a database that nobody else needs.

Safety      Works on the installation's database only where that holds nothing about customers, or
            nothing but an earlier demonstration, which it marks. Anything else is refused: a
            demonstration never empties what somebody may need.
Repetition  The same seed, number of applicants and days give the same figures, seconds aside.
"""

import asyncio
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from counterfoil.journeys.books.check_books import check_books
from counterfoil.journeys.deciding import decide
from counterfoil.journeys.house import House, open_house
from counterfoil.journeys.proving.publish_log import directory_of
from counterfoil.kernel.clock import SystemClock, TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.ledger import store as ledger
from counterfoil.lending.delinquency import days_of
from counterfoil.platform.database import Connection, Database
from counterfoil.platform.queries import Queries
from counterfoil.platform.settings import Settings
from counterfoil.simulator import held_out, parties, people, proving, trying
from counterfoil.simulator.bureau.populating import known
from counterfoil.simulator.showing import ShownCustomer, customer_to_show, keep_papers_shown
from counterfoil.simulator.world import FIRST_DATE, OPENS_AT, PRODUCT, Tell, World

_DATABASE: Final = Queries.load("counterfoil.simulator", "demo_database.sql")
_FIGURES: Final = Queries.load("counterfoil.simulator", "figures.sql")

#: How often, and how long apart, it is looked whether the others have gone.
COMPANY_ATTEMPTS: Final = 15
COMPANY_PAUSE_SECONDS: Final = 0.2
#: Heads are published whenever somebody waits for one: days pass in a moment here.
CADENCE_MS: Final = 1
ATTRIBUTION: Final = (
    "Borrowers behave as recorded in Default of Credit Card Clients, I-Cheng Yeh, UCI Machine "
    "Learning Repository (2009), doi:10.24432/C55S3H, CC BY 4.0; format changed, values unchanged; "
    "1 TWD is shown as 0.20 CNY. Names and numbers are invented."
)


class DemoRefusedError(Exception):
    """The demonstration does not run on this database; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSize:
    """How large and how long a demonstration is, and which one."""

    applicants: int
    days: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoReport:
    """What came of it."""

    size: DemoSize
    #: As programs read it; `seconds` is added by whoever held the watch.
    figures: Mapping[str, object]
    #: Open loans and principal by bucket, in minor units.
    buckets: tuple[tuple[int, int, int], ...]
    payments_bounced: int
    payouts_refused: int
    #: Refusals on the way, by code.
    refusals: Mapping[str, int]
    #: A customer's receipt of an inquiry, as a file.
    receipt: Path | None
    is_sound: bool
    #: Whom to be at the portal; None where nobody has a running loan.
    customer: ShownCustomer | None = None
    attribution: str = ATTRIBUTION

    @property
    def lines_count(self) -> int:
        """Return how many lines were opened."""
        figures: Mapping[str, Any] = self.figures
        return int(figures["lines"])

    @property
    def judged(self) -> Mapping[str, Any]:
        """Return what two policies make of the clients held out."""
        figures: Mapping[str, Any] = self.figures
        judged: Mapping[str, Any] = figures["policy"]
        return judged

    def rows(self) -> Iterator[tuple[str, str]]:
        """Yield what happened, a name and a figure each, amounts in the demo's currency."""
        figures: Mapping[str, Any] = self.figures
        for name in ("applications", "approved", "declined", "referred", "lines"):
            yield name.capitalize(), f"{figures[name]:,}"
        yield "Drawdowns paid out", f"{figures['drawdowns']:,}"
        yield "Drawn, CNY", _major(figures["drawn_minor"])
        yield "Payouts refused by the bank", f"{self.payouts_refused:,}"
        yield "Repayments", f"{figures['repayments']:,}"
        yield "Repaid, CNY", _major(figures["repaid_minor"])
        yield "Overpaid and returned, CNY", _major(figures["credit_returned_minor"])
        yield "Payments that bounced", f"{self.payments_bounced:,}"
        loans = figures["loans"]
        yield "Loans paid off", f"{loans['closed']:,}"
        yield "Loans running", f"{loans['open']:,}"
        yield "  on time", f"{loans['open'] - loans['overdue']:,}"
        yield "  overdue", f"{loans['overdue']:,}"
        for bucket, count, principal_minor in self.buckets:
            if bucket:
                owed = f"{count:,} with {_major(principal_minor)} CNY of principal"
                yield f"    {_late(bucket)}", owed
        limits = figures["limits"]
        yield "Reviews of lines", f"{limits['reviews']:,}"
        for name in ("offered", "raised", "lowered", "frozen", "suspended", "reinstated"):
            yield f"  limits or lines {name}", f"{limits[name]:,}"
        yield "  appeals", f"{limits['appeals']:,}"
        shadow = figures["experiments"]["shadow"]
        yield "Cases asked of a shadow", f"{shadow['cases']:,}"
        yield "  approved by it alone", f"{shadow['swap_set']['swapped_in']:,}"
        yield "  declined by it alone", f"{shadow['swap_set']['swapped_out']:,}"
        books = figures["ledger"]
        inquiries, evidence = figures["inquiries"], figures["evidence"]
        yield "Consents", f"{figures['consents']:,}"
        yield "Inquiries at the bureau", f"{inquiries['made']:,}"
        yield "  refused for want of consent", f"{inquiries['refused_without_consent']:,}"
        yield "  spared by a report still valid", f"{inquiries['reused_reports']:,}"
        yield "Leaves of the evidence log", f"{evidence['size']:,}"
        yield (
            "  witnesses, receipts verified",
            (f"{len(evidence['witnesses'])}, {evidence['receipts_verified']:,}"),
        )
        yield "Journals", f"{books['journals']:,}"
        yield "Debits and credits, CNY", _major(books["debits_minor"])
        for code, count in self.refusals.items():
            yield f"Refused: {code}", f"{count:,}"


async def prepare(url: str, size: DemoSize, *, replaces: bool = False) -> None:
    """Empty a migrated database for a demonstration; raise DemoRefusedError where it is needed.

    `replaces` also gives up customers who were added to an earlier demonstration by hand.
    """
    async with Database(url, connections_max=1) as database:
        # Outside of a transaction, so that each look sees the present.
        async with database.connection() as connection:
            await _refuse_company(connection)
        async with database.transaction() as connection:
            await _refuse_customers(connection, replaces=replaces)
            await _DATABASE.make_schema.execute(connection)
            await _DATABASE.make_mark.execute(connection)
            await _DATABASE.empty.execute(connection)
            await _DATABASE.note_run.execute(
                connection,
                seed=size.seed,
                applicants=size.applicants,
                days=size.days,
                started_at=SystemClock().now(),
            )


async def _refuse_customers(connection: Connection, *, replaces: bool) -> None:
    """Refuse a database that holds what no demonstration made."""
    if not await _DATABASE.is_of_demo.fetchval(connection):
        if await _DATABASE.is_used.fetchval(connection):
            raise DemoRefusedError(
                "This database holds customers that no demonstration made, and a demonstration "
                "begins by emptying. Give it a place of its own: set COUNTERFOIL_HOME to a new "
                "directory, or COUNTERFOIL_DATABASE_URL to an empty database."
            )
        return
    newcomers = await _DATABASE.newcomers.fetchval(connection) or 0
    if newcomers > 0 and not replaces:
        raise DemoRefusedError(
            f"Since the last demonstration {newcomers} customers were added. If nobody needs "
            "them, call `counterfoil demo --replace`."
        )


async def _refuse_company(connection: Connection) -> None:
    """Refuse while others use the database; connections just closed take a moment to go."""
    for _ in range(COMPANY_ATTEMPTS):
        if not await _DATABASE.others.fetchval(connection):
            return
        await asyncio.sleep(COMPANY_PAUSE_SECONDS)
    raise DemoRefusedError("Another process of Counterfoil uses this database. Stop it first.")


async def run(settings: Settings, url: str, size: DemoSize, tell: Tell) -> DemoReport:
    """Live through the days on a prepared database and check the books."""
    _forget(settings)
    clock = TestClock(datetime.combine(FIRST_DATE, OPENS_AT))
    invented = people.invent(size.applicants, seed=size.seed, on=FIRST_DATE)
    parties.introduce(settings.home, known(invented))
    hasty = settings.model_copy(update={"log_cadence_ms": CADENCE_MS})
    async with (
        parties.sandbox(hasty, url, SystemClock()) as joined,
        open_house(joined, url, clock=clock, first_date=FIRST_DATE) as house,
        proving.publishing(house),
    ):
        world = World(house, clock, applicants=size.applicants, days=size.days, seed=size.seed)
        await world.run(tell)
        async with house.database.connection() as connection:
            await _DATABASE.note_end.execute(connection)
        await keep_papers_shown(house)
        proofs = await proving.hand_out(house, settings.home / "receipts")
        return await _report(house, world, proofs, size, tell)


def _forget(settings: Settings) -> None:
    """Remove what others remember of a book that is no more, and its log.

    The bank's date would lie ahead of the new calendar, and it would confirm payouts of the
    future. Witnesses would see a log begin anew under an old key: the new one has its own.
    """
    for journal in (settings.home / "simulator").glob("bank-*.jsonl"):
        journal.unlink()
    for key in (settings.home / "keys").glob("log-*"):
        key.unlink()
    parties.forget(settings.home)
    for place in (directory_of(settings), settings.home / "membership", settings.home / "receipts"):
        shutil.rmtree(place, ignore_errors=True)


async def _report(
    house: House, world: World, proofs: proving.Proofs, size: DemoSize, tell: Tell
) -> DemoReport:
    async with house.database.connection() as connection:
        row = await _FIGURES.figures.fetchrow(connection)
        asked = await _FIGURES.proof_figures.fetchrow(connection)
        limits = await _FIGURES.limit_figures.fetchrow(connection)
        buckets = await _FIGURES.buckets.fetch(connection)
        totals = await ledger.totals(connection)
    assert row is not None, "the query gives one row"
    assert asked is not None, "the query gives one row"
    assert limits is not None, "the query gives one row"
    checked = await check_books(
        house.database,
        house.catalogue,
        vault=house.vault,
        tell=lambda count: tell("lines", count),
    )
    figures = {
        name: row[name]
        for name in (
            *("applications", "approved", "declined", "referred", "lines"),
            *("drawdowns", "drawn_minor", "repayments", "repaid_minor", "credit_returned_minor"),
        )
    }
    figures["loans"] = {name: row[name] for name in ("open", "closed", "overdue")}
    figures["business_date"] = row["business_date"].isoformat()
    figures["days_closed"] = row["days_closed"]
    figures["ledger"] = {
        "journals": totals.journals,
        "debits_minor": totals.debits_minor,
        "credits_minor": totals.credits_minor,
        "balanced": totals.debits_minor == totals.credits_minor,
    }
    figures["consents"] = asked["consents"]
    figures["inquiries"] = {
        "made": asked["inquiries"],
        "refused_without_consent": world.without_consent,
        "reused_reports": asked["reused_reports"],
    }
    figures["limits"] = dict(limits)
    figures["experiments"] = await trying.figures(house)
    figures["policy"] = _policies_judged(house, size.applicants)
    figures["evidence"] = proofs.document()
    figures["fsck"] = {"ok": checked.ok, "checks": len(checked.checks)}
    return DemoReport(
        size=size,
        figures=figures,
        buckets=tuple((b["bucket"], b["loans"], b["principal_minor"]) for b in buckets),
        payments_bounced=row["bounced"],
        payouts_refused=row["cancelled"],
        refusals=dict(world.refusals),
        receipt=proofs.example,
        customer=await customer_to_show(house),
        is_sound=checked.ok and not proofs.faults and totals.debits_minor == totals.credits_minor,
    )


def _policies_judged(house: House, applicants: int) -> dict[str, Any]:
    """Return what the policy that decided loses of recorded clients whom its model never saw."""
    policy = house.policies.origination.policy
    asked = decide.ask(house, policy, PRODUCT, None, on=FIRST_DATE)
    assert not isinstance(asked, Refused), "the demonstration's product is offered"
    return held_out.judge(asked, applicants=applicants)


def _late(bucket: int) -> str:
    """Return for how long loans of a bucket have been overdue, in words."""
    first, last = days_of(bucket)
    return f"for {first} days or more" if last is None else f"for {first} to {last} days"


def _major(amount_minor: int) -> str:
    """Return an amount for people: whole units of the demo's currency."""
    return f"{amount_minor // 100:,}"
