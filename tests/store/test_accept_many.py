"""Many offers taken at once are looked at once more, as a single one is."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.store.application_desk import PRODUCT, applicants, code_of
from tests.store.branch import an_opening, open_branch

from counterfoil.decisioning.application import Application
from counterfoil.journeys.applying import accept_many, enrol
from counterfoil.journeys.applying.accept_many import Acceptance
from counterfoil.journeys.contracting.contract_bulk import sign_for_sandbox
from counterfoil.journeys.house import House
from counterfoil.journeys.lines import adjust_limit
from counterfoil.platform.batches import Answer


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with open_branch(database_url, tmp_path) as branch:
        yield branch.house


async def test_whose_line_is_frozen_takes_nothing_and_the_others_do(house: House) -> None:
    answers = await enrol.enrol(house, applicants(12), product_code=PRODUCT)
    offers = [item for item in answers if isinstance(item, Application) and item.is_open]
    keys = [(item.customer_id, item.application_id) for item in offers]
    await sign_for_sandbox(house, keys)
    stopped = offers[0].customer_id
    other = house.ids.next()
    opened = await house.counter.submit(an_opening(stopped, other), idempotency_key="another")
    assert isinstance(opened, Answer)
    frozen = await adjust_limit.freeze(
        house,
        customer_id=stopped,
        line_id=other,
        until=None,
        reason="own_wish",
        author="customer",
        idempotency_key="freeze",
    )
    assert isinstance(frozen, Answer)
    taken = await accept_many.accept_offers(
        house,
        [
            Acceptance(
                customer_id=customer_id,
                application_id=application_id,
                repayment_day=15,
                idempotency_key=f"take-{application_id}",
            )
            for customer_id, application_id in keys
        ],
    )
    assert code_of(taken[0]) == "offer_while_blocked"
    assert all(isinstance(answer, Answer) for answer in taken[1:])
    assert len(taken) > 1
