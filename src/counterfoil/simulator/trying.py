"""The policy by a trained model in the shadow of the demonstration: what it would have decided.

No customer of the demonstration is decided by it, so that its figures do not depend on the key by
which an installation places customers. The model has seen two in three of the recorded clients
behind these customers; what it is worth on the others is told by `held_out.py`.
"""

from datetime import timedelta
from typing import Any, Final

from counterfoil.decisioning.document import load_policy
from counterfoil.journeys import decide
from counterfoil.journeys.approve import decide_approval
from counterfoil.journeys.experiment_report import report_on
from counterfoil.journeys.house import House
from counterfoil.journeys.publish_policy import run_gate
from counterfoil.journeys.run_experiment import propose, start
from counterfoil.journeys.shadow import SETTLED, Shadows
from counterfoil.kernel.clock import TestClock
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access_matrix import Actor
from counterfoil.simulator.model_example import POLICY

CODE: Final = "trained-model"
DAYS: Final = 365
#: Generated applications that the gate looks at: a demonstration publishes nothing.
GATE_CASES: Final = 500

_ANALYST: Final = Actor(name="demo.analyst", role="risk_analyst", source="demo")
_COMPLIANCE: Final = Actor(name="demo.compliance", role="compliance", source="demo")


async def begin(house: House, *, product_code: str) -> None:
    """Propose, approve and start the shadow, by two persons."""
    on = await house.business_date()
    trained = load_policy(POLICY)
    asked = decide.ask(house, trained, product_code, None, on=on)
    assert not isinstance(asked, Refused), "the demonstration's product is offered"
    async with house.database.connection() as connection:
        report = await run_gate(
            connection, trained, asked, replayed=0, generated=GATE_CASES, at=house.clock.now()
        )
    document = {
        "code": CODE,
        "kind": "shadow",
        "purpose": "origination",
        "question": "What if the trained model gave the score?",
        "layer": "demonstration",
        "layer_from_ppm": 0,
        "layer_share_ppm": 1_000_000,
        "first_date": on.isoformat(),
        "last_date": (on + timedelta(days=DAYS)).isoformat(),
        "metrics": ["approved"],
        "arms": [{"name": "trained", "policy_hash": trained.hash, "share_ppm": 1_000_000}],
    }
    reason = "to see whom it would decide otherwise"
    approval = await propose(house, _ANALYST, document, [report], reason=reason)
    assert not isinstance(approval, Refused), approval
    number = approval.approval_id
    decided = await decide_approval(house, _COMPLIANCE, number, is_approved=True, reason="read")
    assert not isinstance(decided, Refused), decided
    started = await start(house, _ANALYST, CODE, reason=reason)
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
