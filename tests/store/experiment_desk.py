"""Experiments for store tests: a variant, documents as somebody writes them, two persons."""

from typing import Any

import orjson
from tests.unit.decisioning.cases import asked

from counterfoil.decisioning.document import load_policy, policy_of
from counterfoil.decisioning.experiment import read_document
from counterfoil.decisioning.experiment_store import Kept
from counterfoil.decisioning.gate import GateReport
from counterfoil.decisioning.policy import Policy
from counterfoil.journeys.approve import decide_approval
from counterfoil.journeys.deciding.policies import SHIPPED
from counterfoil.journeys.deciding.publish_policy import run_gate
from counterfoil.journeys.deciding.run_experiment import propose, start
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import Approval

ANALYST = Actor(name="ana", role="risk_analyst", source="cli")
COMPLIANCE = Actor(name="bo", role="compliance", source="console")
CHAMPION = load_policy(SHIPPED["origination"])


def variant(**changes: Any) -> Policy:
    """Return the champion with lower limits, or with other parts."""
    document = orjson.loads(CHAMPION.canonical)
    document["version"] = "tried"
    for grade in document["grades"]:
        grade["limits_minor"] = {code: minor // 2 for code, minor in grade["limits_minor"].items()}
    return policy_of(document | changes)


def text(kind: str = "challenger", **changes: Any) -> str:
    """Return an experiment as a TOML text."""
    fields: dict[str, Any] = {
        "code": f"a-{kind}",
        "kind": kind,
        "purpose": "origination",
        "question": "What is it worth?",
        "layer": kind,
        "layer_from_ppm": 0,
        "layer_share_ppm": 1_000_000,
        "first_date": "2026-01-05",
        "last_date": "2026-02-05",
        "metrics": ["approved", "late_30", "profit_minor"],
    }
    arms = {
        "challenger": [
            ("champion", CHAMPION.hash, 500_000),
            ("lower", variant().hash, 500_000),
        ],
        "shadow": [("lower", variant().hash, 1_000_000)],
    }.get(kind, [])
    fields |= {key: value for key, value in changes.items() if key not in {"arms", "tables"}}
    lines = [f"{key} = {_toml(value)}" for key, value in fields.items()]
    for name, digest, share in changes.get("arms", arms):
        lines += ["[[arms]]", f'name = "{name}"', f'policy_hash = "{digest}"']
        lines += [f"share_ppm = {share}"]
    return "\n".join([*lines, changes.get("tables", "")])


def budget(*, share_ppm: int = 50_000, accounts: int = 10, loss_minor: int = 10_000_000) -> str:
    """Return the table of a control group's budget."""
    return (
        f"[budget]\nshare_ppm = {share_ppm}\naccounts_max = {accounts}\n"
        f"loss_minor_max = {loss_minor}\n"
    )


async def gated(house: House, policy: Policy) -> GateReport:
    async with house.database.connection() as connection:
        return await run_gate(
            connection, policy, asked(), replayed=0, generated=900, at=house.clock.now()
        )


async def proposed(house: House, written: str, *versions: Policy) -> Approval | Refused:
    reports = [await gated(house, one) for one in versions]
    return await propose(house, ANALYST, read_document(written), reports, reason="to learn")


async def started(house: House, written: str, *versions: Policy) -> Kept:
    """Propose, approve by another person, and start."""
    approval = await proposed(house, written, *versions)
    assert isinstance(approval, Approval), approval
    done = await decide_approval(
        house, COMPLIANCE, approval.approval_id, is_approved=True, reason="read"
    )
    assert isinstance(done, Approval), done
    code = next(line for line in written.splitlines() if line.startswith("code")).split('"')[1]
    kept = await start(house, ANALYST, code, reason="to learn")
    assert isinstance(kept, Kept), kept
    return kept


def _toml(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)
