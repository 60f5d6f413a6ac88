"""A lender's days: people apply, draw, are paid, repay or do not, and each day is closed.

Everything goes through the journeys that the API calls, many at once as it would be there. The
world knows of loans what their borrowers could see.

The day     Applications and acceptances, meanwhile what the bank takes back, payments, what
            reviews of the night before lead to; errands that end in drawdowns; payouts over the
            simulated bank until it has said what became of each; its statement, and the close.
Seed        The same seed gives the same figures: all chance is drawn by borrower and day, and no
            two borrowers share a line.
Memory      One small object a borrower; loans are read when their borrower has something to do.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any, Final, TypeVar

import orjson

from counterfoil.bureau.refusals import INQUIRY_CONSENT_MISSING
from counterfoil.decisioning.application import Application, Status
from counterfoil.decisioning.decision import Outcome
from counterfoil.journeys.applying import accept_many, apply, enrol
from counterfoil.journeys.books import close_day
from counterfoil.journeys.borrowing import credit, draw, quote, repay
from counterfoil.journeys.contracting.contract_bulk import sign_for_sandbox
from counterfoil.journeys.house import House
from counterfoil.journeys.lines import adjust_limit
from counterfoil.journeys.lines.raise_asking import RaiseWish
from counterfoil.journeys.paying.payee_names import BorrowerNames
from counterfoil.journeys.paying.payers import digests_for
from counterfoil.journeys.paying.payout_books import PayoutBooks
from counterfoil.kernel import ids
from counterfoil.kernel.calendar import ONE_DAY
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.lending import store as lending
from counterfoil.lending.account import Account
from counterfoil.lending.line import Line
from counterfoil.payments.port import RailLink
from counterfoil.payments.relay import PayoutRelay
from counterfoil.platform.batches import Answer
from counterfoil.platform.queries import Queries
from counterfoil.simulator import (
    agreeing,
    borrowers,
    line_care,
    people,
    releasing,
    shopping,
    trying,
)
from counterfoil.simulator.bank.faults import Fault
from counterfoil.simulator.bank.faults import draw as chance
from counterfoil.simulator.bank.seeded import SeededRail
from counterfoil.simulator.borrowers import Borrower, Intent
from counterfoil.simulator.card_clients import CardClient
from counterfoil.simulator.line_care import Care, Change
from counterfoil.simulator.line_cases import LineCases
from counterfoil.simulator.people import InventedPerson
from counterfoil.simulator.raising import raise_limits

_FIGURES: Final = Queries.load("counterfoil.simulator", "figures.sql")

#: A Monday. Fixed, so that a seed gives the same figures on any day it is run.
FIRST_DATE: Final = date(2026, 1, 5)
OPENS_AT: Final = time(1, 0, tzinfo=UTC)
PRODUCT: Final = "cash-line-open"
#: The share of the days on which people apply, in percent; the book grows and then ages.
APPLYING_PERCENT: Final = 40
#: Of those with an offer so many take it, in percent.
TAKE_UP_PERCENT: Final = 96
#: The record does not say who studies: of those up to this age so many do.
STUDENT_AGE_MAX: Final = 23
STUDENTS_PERCENT: Final = 40
#: Of the referred ones a person has decided so many by evening, and made an offer to so many.
DECIDED_PERCENT: Final = 80
OFFERED_PERCENT: Final = 45
#: What the bank does wrong, in basis points of payouts; each is resolved on the same day.
FAULTS_BP: Final = {
    Fault.REFUSES: 80,
    Fault.TIMEOUT_AFTER_ACCEPT: 60,
    Fault.TIMEOUT_BEFORE_ACCEPT: 40,
    Fault.ERROR_AFTER_ACCEPT: 30,
    Fault.ANSWERS_LATE: 30,
    Fault.CALLBACK_LOST: 40,
}
#: How long the world waits before the relay asks again; doubts of a day end within it.
ASKING: Final = (timedelta(seconds=6), timedelta(seconds=40), *[timedelta(minutes=6)] * 4)
#: Futures of one phase that wait at once; a phase of a large run is done in portions.
AT_ONCE: Final = 4_000

Item = TypeVar("Item")
Tell = Callable[[str, int], None]


class WorldError(Exception):
    """Something was refused that a borrower of this world had every right to."""


class World:
    """A seeded lender on a database of its own."""

    def __init__(
        self, house: House, clock: TestClock, *, applicants: int, days: int, seed: int
    ) -> None:
        """Take the house with its clock, and how large and how long the world is."""
        self._house = house
        self._clock = clock
        self._seed = seed
        self._days = days
        self._today = FIRST_DATE
        self._rail = SeededRail(seed=seed, rates_bp=FAULTS_BP)
        self._relay = PayoutRelay(
            house.database,
            # The first rail as it is agreed, with the simulated bank behind it.
            rails=[RailLink(house.rails[0], self._rail)],
            books=PayoutBooks(house),
            clock=clock,
            business_date=house.business_date,
            worker="demo",
            names=BorrowerNames(house),
            payers=partial(digests_for, house),
        )
        self._people = people.invent(applicants, seed=seed, on=FIRST_DATE)
        self._arrivals = list(_spread(applicants, max(1, days * APPLYING_PERCENT // 100)))
        self._place = 0
        self._agenda: defaultdict[date, list[Borrower]] = defaultdict(list)
        self._bounces: defaultdict[date, list[tuple[Borrower, int]]] = defaultdict(list)
        #: On whose lines something was done since they were read.
        self._touched: list[Borrower] = []
        #: Higher limits that customers ask for today.
        self._wishes: list[RaiseWish] = []
        self._cases = LineCases(house, seed=seed)
        self._shopping = shopping.Shopping(house, FIRST_DATE, self._rail.bank)
        #: There are payouts to carry today.
        self._has_orders = False
        #: Who did not agree to an inquiry, and was not asked about.
        self.without_consent = 0
        #: What was refused, by code: a borrower who asks for too much, a payment already undone.
        self.refusals: Counter[str] = Counter()

    async def run(self, tell: Tell) -> None:
        """Live through all days; `tell` hears of each step that was done."""
        await self._relay.consumer.register()
        await releasing.publish_templates(self._house)
        await releasing.release(self._house, product_code=PRODUCT)
        await trying.begin(self._house, product_code=PRODUCT)
        await self._shopping.open()
        for number in range(self._days):
            arriving = self._arrivals[number] if number < len(self._arrivals) else 0
            await self._day(arriving)
            tell("applications", arriving)
            tell("days", 1)
        await trying.catch_up(self._house, self._clock)
        await self._relay.close()

    async def _day(self, arriving: int) -> None:
        """Live through one business day and close it.

        What has nothing to do with each other happens at the same time, as it would.
        """
        today = self._today
        acting = self._agenda.pop(today, [])
        self._clock.advance(timedelta(hours=1))
        async with asyncio.TaskGroup() as group:
            group.create_task(self._applications(arriving))
            morning = group.create_task(self._morning(acting))
        accounts = morning.result()
        self._clock.advance(timedelta(hours=1))
        shopping = [one for one in acting if one.errand_on == today]
        await self._each(shopping, lambda one: self._errand(one, accounts[one.customer_id]))
        await self._payouts()
        await self._refresh(accounts)
        self._plan(acting, accounts)
        await self._shopping.evening(today)
        self._clock.advance(timedelta(hours=8))
        async with asyncio.TaskGroup() as group:
            group.create_task(self._relay.take_statement(today))
            group.create_task(close_day.close_day(self._house))
        self._today = today + ONE_DAY
        opening = datetime.combine(self._today, OPENS_AT)
        self._clock.advance(max(timedelta(), opening - self._clock.now()))

    async def _morning(self, acting: Sequence[Borrower]) -> dict[int, Account]:
        """Let payments bounce and be made, and the lender react; return the accounts after."""
        await self._each(self._bounces.pop(self._today, []), self._take_back)
        accounts = await self._accounts(acting)
        await self._each(acting, lambda one: self._pay(one, accounts[one.customer_id]))
        await self._refresh(accounts)
        await self._each(acting, lambda one: self._react(one, accounts[one.customer_id]))
        wishes, self._wishes = self._wishes, []
        offered = await self._cases.after_reviews(self._today)
        asked = {(wish.customer_id, wish.line_id) for wish in wishes}
        wishes += [one for one in offered if (one.customer_id, one.line_id) not in asked]
        for refused in await raise_limits(self._house, wishes):
            self._noted(refused)
        await self._cases.signals(acting, self._today)
        await self._refresh(accounts)
        return accounts

    async def _each(self, items: Sequence[Item], do: Callable[[Item], Awaitable[None]]) -> None:
        """Do something for all at once, as many as may wait together."""
        for start in range(0, len(items), AT_ONCE):
            await asyncio.gather(*(do(item) for item in items[start : start + AT_ONCE]))

    async def _accounts(self, acting: Sequence[Borrower]) -> dict[int, Account]:
        """Return lines and running loans by customer: what their borrowers see of them."""
        found: dict[int, Account] = {}
        keys = sorted((one.customer_id, one.line_id) for one in acting)
        async with self._house.database.connection() as connection:
            for start in range(0, len(keys), AT_ONCE):
                portion = keys[start : start + AT_ONCE]
                accounts = await lending.read_accounts(connection, portion)
                await lending.add_loans(connection, accounts, portion)
                found |= {customer_id: account for (customer_id, _), account in accounts.items()}
        return found

    async def _refresh(self, accounts: dict[int, Account]) -> None:
        """Read the accounts again on which something was done."""
        touched, self._touched = self._touched, []
        accounts |= await self._accounts(touched)

    # ------------------------------------------------------------------- applications and lines

    async def _applications(self, count: int) -> None:
        """Let people apply, have referred ones decided by a person, and take offers."""
        if not count:
            return
        arriving = [next(self._people) for _ in range(count)]
        places = range(self._place, self._place + count)
        self._place += count
        applying = [self._applicant(*one) for one in zip(places, arriving, strict=True)]
        answers = await shopping.enrol_all(self._house, places, applying, PRODUCT)
        offered: list[tuple[int, InventedPerson, Application]] = []
        for place, person, answer in zip(places, arriving, answers, strict=True):
            if isinstance(answer, Refused) and answer.refusal is INQUIRY_CONSENT_MISSING:
                self.without_consent += 1
                continue
            application = _expected(answer, "an application")
            if application.status is Status.REFERRED:
                application = await self._decide_referred(place, application)
            if application.status is Status.APPROVED and self._share(place, "takes") < (
                TAKE_UP_PERCENT
            ):
                offered.append((place, person, application))
        await self._accept(offered)

    def _applicant(self, place: int, person: InventedPerson) -> enrol.NewApplicant:
        """Return the application of a person; some of the youngest still study."""
        product = shopping.product_of(place, PRODUCT)
        may_study = person.client.age <= STUDENT_AGE_MAX
        studies = may_study and self._share(place, "studies") < STUDENTS_PERCENT
        return enrol.NewApplicant(
            name=person.name,
            id_number=person.id_number,
            phone=person.phone,
            purpose=person.purpose,
            # Where a bureau is joined it says what is recorded; the rest the applicant says.
            facts={**({} if self._house.bureau else person.facts), "is_student": studies},
            wishes=()
            if self._house.bureau is None
            else tuple(
                agreeing.decisions(self._house, seed=self._seed, place=place, product=product)
            ),
        )

    async def _decide_referred(self, place: int, application: Application) -> Application:
        """Have an underwriter end most referrals: an offer where there is one to make."""
        share = self._share(place, "underwriter")
        if share >= DECIDED_PERCENT:
            return application
        may_offer = bool(application.limit_minor) and share < OFFERED_PERCENT
        decided = await apply.decide_referred(
            self._house,
            customer_id=application.customer_id,
            application_id=application.application_id,
            by="underwriter",
            outcome=Outcome.APPROVED if may_offer else Outcome.DECLINED,
            reason="Record read, documents seen" if may_offer else "Record not convincing",
        )
        return _expected(decided, "an underwriter's decision")

    async def _accept(self, offered: Sequence[tuple[int, InventedPerson, Application]]) -> None:
        wishes = [
            accept_many.Acceptance(
                customer_id=application.customer_id,
                application_id=application.application_id,
                repayment_day=1 + self._share(place, "repayment day") % 28,
                idempotency_key=f"demo:{place}:accept",
            )
            for place, _, application in offered
        ]
        keys = [(wish.customer_id, wish.application_id) for wish in wishes]
        for contract in await sign_for_sandbox(self._house, keys):
            _expected(contract, "a signed agreement")
        answers = await accept_many.accept_offers(self._house, wishes)
        for (place, person, application), answer in zip(offered, answers, strict=True):
            _expected(answer, "an accepted offer")
            borrower = self._meet(place, person.client, application)
            self._cases.meet(borrower)
            self._agenda[borrower.errand_on].append(borrower)

    def _meet(self, place: int, client: CardClient, application: Application) -> Borrower:
        return borrowers.meet(
            client,
            place=place,
            seed=self._seed,
            customer_id=application.customer_id,
            line_id=application.application_id,
            tenors_months=application.tenors_months,
            on=self._today,
        )

    def _share(self, place: int, question: str) -> int:
        return chance(self._seed, str(place), question, 100)

    # --------------------------------------------------------------------------------- payments

    async def _pay(self, borrower: Borrower, account: Account) -> None:
        """Pay what the borrower means to pay today."""
        intent = borrowers.payment(borrower, list(account.loans.values()), self._today)
        if intent is None:
            return
        borrower.payments += 1
        answer = await self._repay(borrower, account, intent)
        if intent.bounces and isinstance(answer, Answer):
            borrower.is_bouncing = True
            number = ids.from_text(ids.REPAYMENT, orjson.loads(answer.text)["id"])
            self._bounces[self._today + ONE_DAY].append((borrower, number))

    async def _repay(
        self, borrower: Borrower, account: Account, intent: Intent
    ) -> Answer | Refused:
        assert account.line is not None, "a borrower has a line"
        days_late = timedelta(days=intent.booked_days_late)
        answer = await repay.repay(
            self._house,
            customer_id=borrower.customer_id,
            line_id=borrower.line_id,
            loan_id=intent.loan_id,
            amount_minor=intent.amount_minor,
            currency=account.line.currency,
            value_date=self._today - days_late if days_late else None,
            channel="transfer" if days_late else "auto_debit",
            mode=intent.mode,
            idempotency_key=self._key(borrower, "pay"),
        )
        self._touched.append(borrower)
        return self._noted(answer)

    async def _take_back(self, bounced: tuple[Borrower, int]) -> None:
        """Book that the bank has taken a payment back."""
        borrower, repayment_id = bounced
        self._noted(
            await repay.reverse(
                self._house,
                customer_id=borrower.customer_id,
                line_id=borrower.line_id,
                repayment_id=repayment_id,
                reason="returned_by_bank",
                idempotency_key=self._key(borrower, "bounced"),
            )
        )

    # ------------------------------------------------------------------------- limits and lines

    async def _react(self, borrower: Borrower, account: Account) -> None:
        """Let customers act on their own lines."""
        line, loans = account.line, list(account.loans.values())
        assert line is not None, "a borrower has a line"
        change = line_care.change_of(borrower, line, loans, self._today)
        if change is None:
            return
        self._touched.append(borrower)
        if change.care is Care.RAISE:
            self._wishes.append(
                RaiseWish(
                    customer_id=borrower.customer_id,
                    line_id=borrower.line_id,
                    requested_minor=change.value,
                    idempotency_key=self._key(borrower, change.care),
                )
            )
        else:
            self._noted(await self._change(borrower, line, change))

    async def _change(self, borrower: Borrower, line: Line, change: Change) -> Answer | Refused:
        """Carry out one change of a line."""
        of: dict[str, Any] = {
            "customer_id": borrower.customer_id,
            "line_id": borrower.line_id,
            "idempotency_key": self._key(borrower, change.care),
        }
        house = self._house
        assert change.care is not Care.RAISE, "customers ask for that themselves"
        match change.care:
            case Care.CAP:
                return await adjust_limit.set_own_cap(
                    house, **of, cap_minor=change.value, author="customer"
                )
            case Care.FREEZE:
                return await adjust_limit.freeze(
                    house, **of, until=change.until, reason="own_wish", author="customer"
                )
            case Care.DAY:
                return await adjust_limit.set_repayment_day(
                    house, **of, repayment_day=change.value, author="customer"
                )
            case Care.RETURN:
                self._has_orders = True
                kept: dict[str, Any] = {"amount_minor": change.value, "currency": line.currency}
                return await credit.return_credit(house, **of, **kept, payee_ref=borrower.payee_ref)
            case Care.USE:
                kept = {"amount_minor": change.value, "currency": line.currency}
                return await credit.use_credit(house, **of, **kept, loan_id=None)
            case Care.LEAVE:
                return await adjust_limit.close(house, **of, reason="own_wish", author="customer")

    # -------------------------------------------------------------------- drawdowns and payouts

    async def _errand(self, borrower: Borrower, account: Account) -> None:
        """Draw where something is wanted, and set the day of the next errand."""
        assert account.line is not None, "a borrower has a line"
        wish = borrowers.wish(borrower, account.line, list(account.loans.values()), self._today)
        errand = await self._shopping.errand(borrower, account.line, wish, self._today)
        if errand is not None:
            await self._draw(borrower, errand)
        borrower.errand_on = borrowers.next_errand(borrower, self._today)

    async def _draw(self, borrower: Borrower, errand: shopping.Errand) -> None:
        """Ask what it costs, and agree to that."""
        quoted = await quote.quote(self._house, **errand.asked, purchase_id=errand.purchase_id)
        if isinstance(quoted, Refused):
            self._noted(quoted)
            return
        answer = await draw.draw(
            self._house,
            **errand.asked,
            payee_ref=errand.payee_ref,
            quote_token=quoted.token,
            idempotency_key=self._key(borrower, "draw"),
        )
        self._shopping.drawn(errand, answer, self._today)
        if isinstance(self._noted(answer), Answer):
            borrower.draws += 1
            self._touched.append(borrower)
            self._has_orders = True

    async def _payouts(self) -> None:
        """Carry the day's payouts over the rail until each has an end."""
        if not self._has_orders:
            return
        self._has_orders = False
        await self._relay.drain()
        for pause in ASKING:
            async with self._house.database.connection() as connection:
                if not await _FIGURES.has_doubts.fetchval(connection):
                    return
            self._clock.advance(pause)
            await self._relay.drain()

    def _plan(self, acting: Sequence[Borrower], accounts: dict[int, Account]) -> None:
        """Note when each customer has something to do next; who has left has nothing."""
        for borrower in acting:
            account = accounts[borrower.customer_id]
            assert account.line is not None, "a borrower has a line"
            if account.line.status != "closed":
                loans = list(account.loans.values())
                day = borrowers.next_attention(borrower, loans, self._today)
                self._agenda[day].append(borrower)

    def _key(self, borrower: Borrower, what: str) -> str:
        return f"demo:{borrower.place}:{self._today}:{what}"

    def _noted(self, answer: Answer | Refused) -> Answer | Refused:
        """Count a refusal by its code; the books have none of them."""
        if isinstance(answer, Refused):
            self.refusals[answer.code] += 1
        return answer


def _expected(answer: Item | Refused, what: str) -> Item:
    """Return what cannot be refused in this world; anything else is a defect of it."""
    if isinstance(answer, Refused):
        raise WorldError(f"{what} was refused: {answer.code}, {answer.message}")
    return answer


def _spread(count: int, days: int) -> Iterator[int]:
    """Yield how many of them come on each day, as evenly as whole persons allow."""
    for day in range(days):
        yield count * (day + 1) // days - count * day // days
