"""The simulated bank for a seeded world: what goes wrong depends on whom it pays and when.

References are made of identifiers, which differ from run to run; the account that is paid and the
date do not. So the same seed meets the same refusals and the same silences.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from counterfoil.payments.order import PayoutOrder
from counterfoil.payments.port import PayeeMatch
from counterfoil.payments.rail import Answer, Contract
from counterfoil.simulator.bank.bank import Bank
from counterfoil.simulator.bank.direct import DirectRail
from counterfoil.simulator.bank.faults import Fault, FaultPlan


@dataclass(slots=True)
class PayeePlan(FaultPlan):
    """A plan of faults by payee, date and number of the send."""

    #: What stands for a reference; kept only while its day lasts.
    names: dict[str, str] = field(default_factory=dict)

    def fault_of(self, reference: str) -> Fault:
        """Return what happens to a payout that arrives for the first time."""
        # The two-argument form does not find the class that slots were added to.
        return FaultPlan.fault_of(self, self.names.get(reference, reference))


class SeededRail:
    """Carries payouts to a bank in this process whose faults repeat with the seed."""

    def __init__(self, *, seed: int, rates_bp: Mapping[Fault, int]) -> None:
        """Take the seed and the rates of faults, in basis points of all payouts."""
        self._plan = PayeePlan(seed=seed, rates_bp=rates_bp)
        self.bank = Bank(plan=self._plan)
        self._rail = DirectRail(self.bank)
        self._sends: Counter[str] = Counter()

    @property
    def contract(self) -> Contract:
        """What the bank has promised."""
        return self._rail.contract

    async def check_payee(self, payee_ref: str, *, name: str) -> PayeeMatch:
        """Ask whether an account is in a name."""
        return await self._rail.check_payee(payee_ref, name=name)

    async def pay_out(self, order: PayoutOrder, *, requested_on: date) -> Answer:
        """Order a payout under the order's own reference."""
        reference = order.reference
        self._sends[reference] += 1
        number = self._sends[reference]
        self._plan.names[reference] = f"{order.payee_ref}/{order.business_date}/{number}"
        return await self._rail.pay_out(order, requested_on=requested_on)

    async def ask(self, reference: str) -> Answer:
        """Ask what became of a reference."""
        return await self._rail.ask(reference)

    async def statement(self, business_date: date) -> str | None:
        """Return the text of that day's statement file, which ends the day at the bank."""
        self._plan.names.clear()
        self._sends.clear()
        return await self._rail.statement(business_date)
