"""Shoppers: customers of a demonstration who buy at merchants, on the line for purchases.

Who         By place in the run alone, a few of a thousand, so that every page has something to
            show: a course in parts whose school closes, a journey taken back, goods delivered.
Chance      By the seed and the borrower's place and day, as everywhere in the demonstration.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256
from typing import Any, Final

import orjson

from counterfoil.decisioning.application import Application
from counterfoil.journeys.applying import enrol
from counterfoil.journeys.approve import decide_approval
from counterfoil.journeys.house import House
from counterfoil.journeys.paying.received import book_received
from counterfoil.journeys.purchasing import scene_purchases, scene_refunds, scene_schools, scenes
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.lending.line import Line
from counterfoil.lending.loan import payoff_minor
from counterfoil.lending.scene import Scene
from counterfoil.lending.scene_purchase import Purchase
from counterfoil.lending.scene_store import Payee
from counterfoil.lending.store import read_loan
from counterfoil.lending.terms import Method
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import Approval
from counterfoil.platform.batches import Answer
from counterfoil.simulator.bank.bank import Bank
from counterfoil.simulator.borrowers import Borrower, Wish

PRODUCT: Final = "scene-line"
#: Of so many who apply one wants the line for purchases, and which of them.
EVERY: Final = 100
WHICH: Final = 7
#: Days after the first: the school closes, and after so many more it pays back.
SCHOOL_CLOSES_AFTER: Final = timedelta(days=50)
PAYS_BACK_AFTER: Final = timedelta(days=10)
#: Days after a purchase: it is taken back, delivered, or a tenth of the course is given.
TAKEN_BACK_AFTER: Final = timedelta(days=3)
DELIVERED_AFTER: Final = timedelta(days=5)
LESSONS_AFTER: Final = timedelta(days=20)
COURSE: Final = timedelta(days=180)
_MERCHANTS: Final = (
    ("education", "Example Evening School", "merchant-school"),
    ("travel", "Example Journeys", "merchant-journeys"),
    ("home_goods", "Example Furniture", "merchant-furniture"),
)
_ANALYST: Final = Actor(name="demo.analyst", role="risk_analyst", source="demo")
_COMPLIANCE: Final = Actor(name="demo.compliance", role="compliance", source="demo")
_BY: Final = "demo.operations"
_TENTH_PPM: Final = 100_000
_WHOLE_PPM: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """A drawdown that somebody goes for: what is asked, and who is paid."""

    asked: dict[str, Any]
    payee_ref: str
    #: None for cash.
    purchase: Purchase | None = None

    @property
    def purchase_id(self) -> int | None:
        """Return what is paid for, None for cash."""
        return None if self.purchase is None else self.purchase.purchase_id


def product_of(place: int, product: str) -> str:
    """Return the product that a person applies for; `product` is everybody else's."""
    return PRODUCT if place % EVERY == WHICH else product


async def enrol_all(
    house: House, places: Sequence[int], people: Sequence[enrol.NewApplicant], product: str
) -> list[Application | Refused]:
    """Have people apply, each for the product of its place; answers in their order."""
    found: dict[int, Application | Refused] = {}
    for code in dict.fromkeys(product_of(place, product) for place in places):
        chosen = [n for n, place in enumerate(places) if product_of(place, product) == code]
        answers = await enrol.enrol(house, [people[n] for n in chosen], product_code=code)
        found.update(zip(chosen, answers, strict=True))
    return [found[n] for n in range(len(people))]


@dataclass(slots=True)
class Shopping:
    """The merchants of a demonstration, and what is bought there."""

    house: House
    opened_on: date
    #: Over which the school pays back.
    bank: Bank
    _payees: dict[str, Payee] = field(default_factory=dict)
    #: What happens to purchases on later evenings.
    _plans: defaultdict[date, list[Callable[[], Awaitable[None]]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    #: Loans that the school was paid with.
    _lessons: list[tuple[int, int]] = field(default_factory=list)

    async def open(self) -> None:
        """Register the merchants by two people, and the school's licence."""
        for scene, name, payee_ref in _MERCHANTS:
            wish = scenes.PayeeWish(
                scene=scene, name=name, payee_ref=payee_ref, reason="contract signed"
            )
            asked = await scenes.register_payee(self.house, _ANALYST, wish)
            assert isinstance(asked, Approval), asked
            await decide_approval(
                self.house, _COMPLIANCE, asked.approval_id, is_approved=True, reason="read"
            )
            payee = await scenes.register_payee(self.house, _ANALYST, wish)
            assert isinstance(payee, Payee), payee
            self._payees[scene] = payee
        licence = scene_schools.LicenceWish(
            merchant_id=self._payees["education"].merchant_id,
            number="LIC-2026-0001",
            authority="Example bureau of education",
            valid_until=self.opened_on + timedelta(days=365),
            document_sha256=sha256(b"licence").digest(),
        )
        kept = await scene_schools.record_licence(self.house, _ANALYST, licence, by=_BY)
        assert not isinstance(kept, Refused), kept
        self._plans[self.opened_on + SCHOOL_CLOSES_AFTER].append(self._close_school)

    async def errand(
        self, borrower: Borrower, line: Line, wish: Wish | None, today: date
    ) -> Errand | None:
        """Return what a wish asks for; on the line for purchases, something is bought first.

        None where nothing is wanted, or nobody sells: no cash is lent on that line.
        """
        if wish is None:
            return None
        asked: dict[str, Any] = {
            "customer_id": borrower.customer_id,
            "line_id": borrower.line_id,
            "amount_minor": wish.amount_minor,
            "currency": line.currency,
            "tenor_months": wish.tenor_months,
            "method": wish.method,
            "purpose": wish.purpose,
        }
        if line.product_code != PRODUCT:
            return Errand(asked=asked, payee_ref=borrower.payee_ref)
        # A school that has closed sells nothing more: then the next merchant is gone to.
        for turn in range(len(_MERCHANTS)):
            place = (borrower.place // EVERY + borrower.draws + turn) % len(_MERCHANTS)
            errand = await self._buy(borrower, _MERCHANTS[place][0], asked, today)
            if errand is not None:
                return errand
        return None

    async def _buy(
        self, borrower: Borrower, code: str, wanted: dict[str, Any], today: date
    ) -> Errand | None:
        """Return what a purchase in a scene asks for; None where its merchant does not sell."""
        scene = self.house.catalogue.scenes.current(today)[code]
        payee = self._payees[code]
        asked = wanted | {
            "tenor_months": max(
                n for n in scene.tenors_months if n <= max(3, wanted["tenor_months"])
            ),
            "method": Method.LEVEL_INSTALMENT,
            "purpose": scene.purposes[0],
        }
        purchase = self._purchase(scene, payee, asked, today)
        paper = sha256(f"{code} {borrower.seed} {borrower.place} {today}".encode()).digest()
        kept = await scene_purchases.record_purchase(
            self.house,
            purchase,
            dict.fromkeys(scene.documents, paper),
            by=_BY,
            idempotency_key=f"demo:{borrower.place}:{today}:buy:{code}",
        )
        if isinstance(kept, Refused):
            return None
        return Errand(asked=asked, payee_ref=payee.payee_ref, purchase=purchase)

    def drawn(self, errand: Errand, answer: Answer | Refused, today: date) -> None:
        """Plan what becomes of a purchase that is being paid."""
        bought = errand.purchase
        if bought is None or isinstance(answer, Refused):
            return
        loan_id = ids.from_text(ids.LOAN, orjson.loads(answer.text)["id"])
        match bought.scene:
            case "travel":
                self._plan(today + TAKEN_BACK_AFTER, self._take_back, bought, loan_id)
            case "home_goods":
                self._plan(today + DELIVERED_AFTER, self._give, bought, _WHOLE_PPM)
            case _:
                self._lessons.append((bought.customer_id, loan_id))
                self._plan(today + LESSONS_AFTER, self._give, bought, _TENTH_PPM)

    async def evening(self, today: date) -> None:
        """Book what came in by the statement of the day before, and let happen what was planned."""
        await book_received(self.house)
        for do in self._plans.pop(today, []):
            await do()

    def _purchase(self, scene: Scene, payee: Payee, asked: dict[str, Any], today: date) -> Purchase:
        is_course = scene.is_staged
        # Of a course so much is paid ahead that the drawdown fits; the rest comes with progress.
        price = asked["amount_minor"] * _WHOLE_PPM // scene.ahead_ppm
        return Purchase(
            customer_id=asked["customer_id"],
            purchase_id=self.house.ids.next(),
            scene=scene.code,
            scene_version=scene.version,
            merchant_id=payee.merchant_id,
            price_minor=price,
            currency=asked["currency"],
            course_from=today if is_course else None,
            course_until=today + COURSE if is_course else None,
            is_student=False if scene.protects_students else None,
        )

    def _plan(self, day: date, do: Callable[..., Awaitable[None]], *of: object) -> None:
        async def then() -> None:
            await do(*of)

        self._plans[day].append(then)

    async def _give(self, bought: Purchase, progress_ppm: int) -> None:
        await scene_schools.report_progress(
            self.house,
            customer_id=bought.customer_id,
            purchase_id=bought.purchase_id,
            progress_ppm=progress_ppm,
            proof_sha256=sha256(f"{bought.purchase_id} {progress_ppm}".encode()).digest(),
            by=_BY,
        )

    async def _take_back(self, bought: Purchase, loan_id: int) -> None:
        """Go back on every other journey: the merchant pays, the customer the days used."""
        if bought.price_minor // 10_000 % 2:
            return
        of = {"customer_id": bought.customer_id, "loan_id": loan_id}
        word = await scene_refunds.withdraw(self.house, **of, by="customer:demo")
        if isinstance(word, Refused):
            return
        await self._refund(loan_id, bought.customer_id, word.principal_minor)
        async with self.house.database.connection() as connection:
            loan = await read_loan(connection, bought.customer_id, loan_id)
        if loan is not None and loan.status == "open":
            left = payoff_minor(loan, word.declared_on)
            await self._refund(loan_id, bought.customer_id, left, is_of_merchant=False)

    async def _refund(
        self, loan_id: int, customer_id: int, amount_minor: int, *, is_of_merchant: bool = True
    ) -> None:
        await scene_refunds.refund(
            self.house,
            customer_id=customer_id,
            loan_id=loan_id,
            amount_minor=amount_minor,
            currency="CNY",
            is_of_merchant=is_of_merchant,
            idempotency_key=f"demo:{loan_id}:refund:{is_of_merchant}",
        )

    async def _close_school(self) -> None:
        on = await self.house.business_date()
        await scene_schools.close_merchant(
            self.house,
            _ANALYST,
            merchant_id=self._payees["education"].merchant_id,
            closed_on=on,
            reason="the school has closed",
            by=_BY,
        )
        self._plans[on + PAYS_BACK_AFTER].append(self._school_pays)

    async def _school_pays(self) -> None:
        """Pay half of what is owed back, over the bank, for the first purchase that has something.

        The money names the purchase; the statement of the day shows it, and it goes to its loans.
        """
        on = await self.house.business_date()
        for customer_id, loan_id in self._lessons:
            owed = await scene_purchases.purchases_of(self.house, customer_id=customer_id)
            async with self.house.database.connection() as connection:
                loan = await read_loan(connection, customer_id, loan_id)
            for one in owed:
                left = one["claim_left_minor"]
                if left and loan is not None and loan.status == "open":
                    self.bank.receive(one["id"], left // 2, one["currency"], on=on)
                    return
