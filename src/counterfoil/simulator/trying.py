"""The points card in the shadow of the demonstration: what was decided before, and would be still.

The demonstration decides by the trained policy that its staff publish (`releasing.py`); the version
with the same rules, limits and prices that has the points card is asked about every case beside it,
and decides nobody. What both are worth on all clients held out is told by `held_out.py`.
"""

from datetime import timedelta
from typing import Any, Final

from counterfoil.decisioning.document import load_policy
from counterfoil.journeys.deciding import decide
from counterfoil.journeys.deciding.experiment_report import report_on
from counterfoil.journeys.deciding.publish_policy import run_gate
from counterfoil.journeys.deciding.run_experiment import propose, start
from counterfoil.journeys.deciding.shadow import SETTLED, Shadows
from counterfoil.journeys.house import House
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.simulator.held_out import BEFORE
from counterfoil.simulator.releasing import ANALYST, GENERATED_COUNT, agree

CODE: Final = "points-card"
DAYS: Final = 365


async def begin(house: House, *, product_code: str) -> None:
    """Propose, approve and start the shadow, by two persons."""
    on = await house.business_date()
    before = load_policy(BEFORE)
    asked = decide.ask(house, before, product_code, None, on=on)
    assert not isinstance(asked, Refused), "the demonstration's product is offered"
    async with house.database.connection() as connection:
        report = await run_gate(
            connection,
            before,
            asked,
            replayed=0,
            generated=GENERATED_COUNT,
            at=house.clock.now(),
        )
    document = {
        "code": CODE,
        "kind": "shadow",
        "purpose": "origination",
        "question": "What if the points card still gave the score?",
        "layer": "demonstration",
        "layer_from_ppm": 0,
        "layer_share_ppm": 1_000_000,
        "first_date": on.isoformat(),
        "last_date": (on + timedelta(days=DAYS)).isoformat(),
        "metrics": ["approved"],
        "arms": [{"name": "before", "policy_hash": before.hash, "share_ppm": 1_000_000}],
    }
    reason = "to see whom it would decide otherwise"
    await agree(house, await propose(house, ANALYST, document, [report], reason=reason))
    started = await start(house, ANALYST, CODE, reason=reason)
    assert not isinstance(started, Refused), started


async def catch_up(house: House, clock: TestClock) -> None:
    """Ask the shadow about everything that was decided."""
    clock.advance(SETTLED)
    shadows = Shadows(house)
    while await shadows.step():
        continue


async def figures(house: House) -> dict[str, Any]:
    """Return what the shadow would have decided otherwise."""
    report = await report_on(house, CODE)
    assert not isinstance(report, Refused), "it was started"
    return {"shadow": {name: report[name] for name in ("cases", "disagreement_ppm", "swap_set")}}
