"""A house with a line for purchases, merchants of its scenes, purchases and drawdowns."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from counterfoil.customers.customer import Customer, CustomerStatus
from counterfoil.customers.store import add_customers
from counterfoil.journeys.approve import decide_approval
from counterfoil.journeys.borrowing.draw import draw
from counterfoil.journeys.borrowing.quote import quote
from counterfoil.journeys.house import House, open_house
from counterfoil.journeys.purchasing import scenes
from counterfoil.journeys.purchasing.scene_purchases import purchases_of, record_purchase
from counterfoil.journeys.purchasing.scenes import PayeeWish
from counterfoil.kernel import ids
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.kernel.language import Language
from counterfoil.lending import scene_store as store
from counterfoil.lending.commands import OpenLine
from counterfoil.lending.quote import Quote
from counterfoil.lending.scene_purchase import Purchase
from counterfoil.lending.terms import Method
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import Approval
from counterfoil.platform.batches import Answer
from counterfoil.platform.settings import Settings

ON = date(2026, 3, 1)
CUSTOMER, LINE = 71, 72
ANALYST = Actor(name="chen-jie", role="risk_analyst", source="console")
OFFICER = Actor(name="li-wei", role="compliance", source="console")
WISH = PayeeWish(scene="travel", name="Example Travel", payee_ref="acct-1", reason="contract")


@asynccontextmanager
async def scene_house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """Open a house with one line of a product that lends for scenes."""
    clock = TestClock(datetime(2026, 3, 1, 9, tzinfo=UTC))
    settings = Settings(home=tmp_path)
    async with open_house(settings, database_url, clock=clock, first_date=ON) as opened:
        known = Customer(
            customer_id=CUSTOMER, status=CustomerStatus.ACTIVE, language=Language.CHINESE,
            created_at=clock.now(),
        )  # fmt: skip
        async with opened.database.transaction() as connection:
            await add_customers(connection, [known])
        line = OpenLine(
            customer_id=CUSTOMER, line_id=LINE, application_id=73, product_code="scene-line",
            product_version=1, limit_minor=6_000_000, currency="CNY", rate_daily_e8=35_000,
            repayment_day=15, contract_id=74, agreement_sha256=bytes(32),
        )  # fmt: skip
        assert not isinstance(await opened.counter.submit(line, idempotency_key="open"), Refused)
        yield opened


async def quoted(house: House, **changes: Any) -> Quote | Refused:
    """Ask what a drawdown costs, by default for the purchase that was recorded last."""
    asked: dict[str, Any] = {
        "customer_id": CUSTOMER, "line_id": LINE, "amount_minor": 1_900_000, "currency": "CNY",
        "tenor_months": 3, "method": Method.LEVEL_INSTALMENT, "purpose": "travel",
    }  # fmt: skip
    asked |= changes
    known = await purchases_of(house, customer_id=CUSTOMER)
    last = [
        ids.from_text(ids.PURCHASE, one["id"]) for one in known if one["scene"] == asked["purpose"]
    ]
    return await quote(house, **{"purchase_id": last[-1] if last else None, **asked})


async def drawn(
    house: House, key: str, payee: str = "acct-1", *, token: str = "", **changes: Any
) -> Answer | Refused:
    """Draw what a quote said, or what a token of before says again."""
    priced = token or await quoted(house, **changes)
    if isinstance(priced, Refused):
        return priced
    changes.pop("purchase_id", None)
    asked: dict[str, Any] = {"amount_minor": 1_900_000, "tenor_months": 3, "purpose": "travel"}
    return await draw(
        house, customer_id=CUSTOMER, line_id=LINE, currency="CNY",
        method=Method.LEVEL_INSTALMENT, payee_ref=payee,
        quote_token=priced if isinstance(priced, str) else priced.token, idempotency_key=key,
        **{**asked, **changes},
    )  # fmt: skip


def code(answer: object) -> str:
    assert isinstance(answer, Refused), answer
    return answer.code


async def bought(
    house: House, payee: store.Payee, price_minor: int = 9_000_000, **changes: Any
) -> Answer | Refused:
    """Record a purchase at a merchant; each has a paper of its own."""
    number = house.ids.next()
    purchase = Purchase(
        customer_id=CUSTOMER, purchase_id=number, scene=payee.scene,
        scene_version="", merchant_id=payee.merchant_id,
        price_minor=price_minor, currency="CNY",
    )  # fmt: skip
    scene = house.catalogue.scenes.current(await house.business_date())[payee.scene]
    kinds = changes.pop("kinds", scene.documents)
    papers = {kind: sha256(f"{kind} {number}".encode()).digest() for kind in kinds}
    papers = changes.pop("documents", papers)
    return await record_purchase(
        house, replace(purchase, **changes), papers, by="api:test", idempotency_key=f"p{number}"
    )


async def registered(house: House, wish: PayeeWish = WISH) -> store.Payee:
    waiting = await scenes.register_payee(house, ANALYST, wish)
    assert isinstance(waiting, Approval), waiting
    again = await scenes.register_payee(house, ANALYST, wish)
    assert isinstance(again, Approval), "nobody approved it meanwhile"
    assert again.approval_id == waiting.approval_id
    given = await decide_approval(
        house, OFFICER, waiting.approval_id, is_approved=True, reason="looked at the contract"
    )
    assert not isinstance(given, Refused), given
    payee = await scenes.register_payee(house, ANALYST, wish)
    assert isinstance(payee, store.Payee), payee
    return payee
