"""Every refusal that the API can answer with, from all rooms, by code."""

from collections.abc import Iterator
from types import ModuleType
from typing import Final

from counterfoil.api import refusals as own
from counterfoil.bureau import refusals as bureau
from counterfoil.capacity import refusals as capacity
from counterfoil.consents import refusals as consents
from counterfoil.contracts import refusals as contracts
from counterfoil.customers import refusals as customers
from counterfoil.decisioning import refusals as decisioning
from counterfoil.evidence import refusals as evidence
from counterfoil.features import refusals as features
from counterfoil.hosts import refusals as hosts
from counterfoil.kernel.errors import Refusal
from counterfoil.lending import refusals as lending
from counterfoil.lending import scene_refusals
from counterfoil.models import refusals as models
from counterfoil.payments import refusals as payments
from counterfoil.platform import approvals, batches, holdings, origin, staff
from counterfoil.privacy import refusals as privacy

#: The rooms in the order of the reference, with a heading in English and in Chinese.
ROOMS: Final[tuple[tuple[ModuleType, str, str], ...]] = (
    (own, "The API itself", "接口本身"),
    (batches, "Commands and idempotency", "指令与幂等"),
    (customers, "Customers", "客户"),
    (consents, "Consents", "授权"),
    (bureau, "Credit inquiries", "征信查询"),
    (contracts, "Contracts", "合同"),
    (features, "Features", "特征"),
    (capacity, "Capacity and exposure", "还款能力与负债"),
    (decisioning, "Applications and decisions", "申请与决策"),
    (models, "Models", "模型"),
    (lending, "Lines, drawdowns, loans, repayments", "授信、支用、借据、还款"),
    (scene_refusals, "Scenes", "场景"),
    (payments, "Payments", "支付"),
    (hosts, "Hosts", "合作场景方"),
    (evidence, "Evidence", "存证"),
    (privacy, "Personal data", "个人信息"),
    (approvals, "Approvals", "双人审批"),
    (staff, "Staff and rights", "员工与权限"),
    (holdings, "Attributes, cases and trainings", "属性、案件与培训"),
    (origin, "Where data comes from", "数据来源"),
)


def refusals_of(room: ModuleType) -> Iterator[Refusal]:
    """Return the refusals that a room declares, in the order in which it does."""
    yield from (value for value in vars(room).values() if isinstance(value, Refusal))
