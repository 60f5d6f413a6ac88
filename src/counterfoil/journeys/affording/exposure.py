"""The guard against too much debt: run where somebody applies, asks for more, draws, is reviewed.

The story   Own lines, what reports showed under a consent that still runs, and what the customer
            states come together; each debt counts once, merged records count as one person;
            ceilings are held against the figures and the run is written. What it found goes into
            the question to the policy, from outside every version, so that no score and no
            experiment lifts it.
Purpose     Debts from a report are read for what its consent was given for: never for a drawdown.
Unknown     Nobody is asked here. What no report said is unknown, and what is certain counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from counterfoil.capacity import store
from counterfoil.capacity.assessment import Income
from counterfoil.capacity.ceiling import shipped_ceilings
from counterfoil.capacity.exposure import Known
from counterfoil.capacity.guard import (
    GuardInputs,
    GuardOutcome,
    GuardResult,
    Occasion,
    Proposal,
    run_guard,
)
from counterfoil.capacity.records import GuardRun
from counterfoil.capacity.refusals import EXPOSURE_CEILING_REACHED
from counterfoil.decisioning.debt_ceiling import DebtCeiling
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.gathering import Gathering
from counterfoil.decisioning.policy import Policy
from counterfoil.journeys.affording.exposure_case import DAYS_A_YEAR, Case, application_case
from counterfoil.journeys.affording.exposure_known import (
    Household,
    income_of,
    own_debt,
    what_is_known,
    whole_fact,
)
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, told_beside
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending.debt_store import OwnDebt
from counterfoil.lending.store import LineKey, read_lines
from counterfoil.platform.database import Connection

#: Source under which a policy declares what is measured here.
SOURCE: Final = "capacity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """What the guard found of one case."""

    run: GuardRun
    result: GuardResult
    income: Income

    @property
    def run_id(self) -> int:
        """Return the number of the run."""
        return self.run.run_id

    @property
    def ceiling(self) -> DebtCeiling | None:
        """Return what holds a decision; None where nothing does."""
        found, outcome = self.result, self.result.outcome
        if outcome in {GuardOutcome.CLEAR, GuardOutcome.UNKNOWN}:
            return None
        return DebtCeiling(
            run=ids.to_text(ids.GUARD_RUN, self.run_id),
            refuses=outcome is GuardOutcome.REFUSE,
            refers=outcome is GuardOutcome.REFER,
            cap_minor=found.cap_minor,
            cap_by=found.cap_by,
            reasons=found.reasons,
            cap_reason=found.cap_reason,
        )


async def guard(house: House, connection: Connection, cases: Sequence[Case]) -> list[Guarded]:
    """Run the guard for many in the caller's transaction; answers come in the order given.

    The cases are of one occasion.
    """
    found = await look(house, connection, cases)
    await keep_runs(house, connection, found)
    return found


async def look(house: House, connection: Connection, cases: Sequence[Case]) -> list[Guarded]:
    """Run the guard for many without writing anything."""
    if not cases:
        return []
    on, now = await house.business_date(), house.clock.now()
    known = await what_is_known(house, connection, cases, on=on)
    return [_run(house, case, known, on=on, at=now) for case in cases]


async def keep_runs(house: House, connection: Connection, found: Sequence[Guarded]) -> None:
    """Write runs, in the caller's transaction."""
    if found:
        runs = [item.run for item in found]
        await store.add_runs(connection, runs, shipped_ceilings(), at=house.clock.now())


async def hold_gatherings(
    house: House, connection: Connection, gatherings: Sequence[tuple[Gathering, Policy]]
) -> list[Gathering]:
    """Run the guard for applications that are decided now; return them with what it found."""
    cases = [
        application_case(
            house,
            item.asked,
            item.features,
            customer_id=item.customer_id,
            application_id=item.application_id,
        )
        for item, _ in gatherings
    ]
    found = await guard(house, connection, cases)
    return [
        replace(
            item,
            asked=replace(item.asked, ceiling=held.ceiling),
            features={**item.features, **policy_facts(policy, held)},
        )
        for (item, policy), held in zip(gatherings, found, strict=True)
    ]


async def guard_draw(
    house: House, *, customer_id: int, line_id: int, amount_minor: int, months: int
) -> Refused | None:
    """Run the guard for a large drawdown; return why it is refused, None where it is not.

    Below the document's amount nothing is read and nothing written. What only refers does not
    hold up a drawdown: nobody waits at a till for a person.
    """
    if amount_minor < shipped_ceilings().draw_minor_min:
        return None
    act = Act(
        name="capacity_check",
        customer_ids=(customer_id,),
        subject=ids.to_text(ids.LINE, line_id),
        after=f"amount_minor={amount_minor}",
    )
    async with told_beside(house, act), house.database.transaction() as connection:
        case = await _draw_case(house, connection, (customer_id, line_id), amount_minor, months)
        if case is None:
            return None
        [found] = await guard(house, connection, [case])
    return _refuse_draw(found)


async def look_draw(
    house: House, *, customer_id: int, line_id: int, amount_minor: int, months: int
) -> Refused | None:
    """Return why the guard would refuse a drawdown now; nothing is written."""
    if amount_minor < shipped_ceilings().draw_minor_min:
        return None
    async with house.database.connection() as connection:
        case = await _draw_case(house, connection, (customer_id, line_id), amount_minor, months)
        found = [] if case is None else await look(house, connection, [case])
    return _refuse_draw(found[0]) if found else None


async def _draw_case(
    house: House, connection: Connection, key: LineKey, amount_minor: int, months: int
) -> Case | None:
    """Return the case of a drawdown; None where there is no line, as whoever books it says."""
    line = (await read_lines(connection, [key])).get(key)
    if line is None:
        return None
    terms = house.catalogue.terms(line.product_code, line.product_version)
    proposal = Proposal(
        amount_minor=amount_minor,
        limit_minor=line.limit_minor,
        owed_minor=line.principal_minor + line.held_minor,
        rate_cap_annual_e8=line.rate_daily_e8 * DAYS_A_YEAR,
        months=months,
    )
    return Case(
        customer_id=line.customer_id,
        occasion=Occasion.DRAW,
        licence=terms.licence,
        currency=line.currency,
        subject_id=line.line_id,
        proposal=proposal,
        line_id=line.line_id,
    )


def _refuse_draw(found: Guarded) -> Refused | None:
    if found.result.outcome is not GuardOutcome.REFUSE:
        return None
    words = shipped_ceilings().reasons
    reasons = "; ".join(words[code].en for code in found.result.reasons)
    return refuse(
        EXPOSURE_CEILING_REACHED, reasons=reasons, run=ids.to_text(ids.GUARD_RUN, found.run_id)
    )


async def guard_reviews(
    house: House, connection: Connection, customers: Sequence[tuple[int, str, str]]
) -> dict[int, Guarded]:
    """Run the guard for a periodic review of many: customer, licence and currency of each."""
    cases = [
        Case(customer_id=one, occasion=Occasion.REVIEW, licence=licence, currency=currency)
        for one, licence, currency in customers
    ]
    found = await guard(house, connection, cases)
    return {case.customer_id: item for case, item in zip(cases, found, strict=True)}


def policy_facts(policy: Policy, guarded: Guarded) -> dict[str, Value | None]:
    """Return what a policy declares to read of capacity and exposure; nothing else."""
    wanted = {item.name for item in policy.features if item.source == SOURCE}
    if not wanted:
        return {}
    income, measures = guarded.income, guarded.result.measures
    found: dict[str, Value | None] = {
        "income_monthly_minor": None if income.monthly is None else income.monthly.low,
        "income_evidence": None if income.evidence is None else income.evidence.value,
        "income_stability_ppm": income.stability_ppm,
        "exposure_outcome": guarded.result.outcome.value,
    }
    found |= {name: measures[measure].value for name, measure in _MEASURED.items()}
    return {name: found.get(name) for name in wanted}


#: Measures by the names under which policies declare them.
_MEASURED: Final = {
    "debt_monthly_minor": "debt_monthly",
    "dsr_ppm": "dsr",
    "debt_total_minor": "total_debt",
    "exposure_total_minor": "total_exposure",
    "limits_open_minor": "open_limits",
    "guarantees_minor": "guarantees",
    "lenders_count": "active_lenders",
    "lenders_new_3_months": "new_lenders_3_months",
    "inquiries_3_months": "inquiries_3_months",
}


def _run(house: House, case: Case, known: Household, *, on: date, at: datetime) -> Guarded:
    ceilings = shipped_ceilings()
    income = income_of(case, known, on)
    inputs = _inputs(case, known, income, on)
    result = run_guard(inputs, ceilings)
    run = GuardRun(
        customer_id=case.customer_id,
        run_id=house.ids.next(),
        occasion=case.occasion.value,
        subject_id=case.subject_id,
        as_of=on,
        ran_at=at,
        outcome=result.outcome.value,
        cap_minor=result.cap_minor,
        cap_by=result.cap_by,
        hits=tuple(_hit_code(hit.code, hit.end) for hit in result.hits if hit.figure is not None),
        ceilings=ceilings.sha256,
        inputs=store.text_of(inputs.document()),
        result=store.text_of(result.document()),
    )
    return Guarded(run=run, result=result, income=income)


def _inputs(case: Case, known: Household, income: Income, on: date) -> GuardInputs:
    customer_id = case.customer_id
    own = known.own.get(customer_id, ())
    report, said = known.reported.get(customer_id), known.declared.get(customer_id)
    stated_debts = () if said is None or said.debts is None else said.debts
    debts = [
        *(own_debt(item, on) for item in own),
        *(() if report is None else report.debts),
        *stated_debts,
    ]
    monthly = whole_fact(case.facts, "debt_monthly_minor")
    lenders = whole_fact(case.facts, "lenders_count")
    if said is not None:
        monthly = said.debt_monthly_minor if monthly is None else monthly
        lenders = said.lenders_count if lenders is None else lenders
    return GuardInputs(
        occasion=case.occasion,
        licence=case.licence,
        currency=case.currency,
        debts=tuple(debts),
        known=Known(
            bureau_as_of=None if report is None else report.made_on,
            stated_all=said is not None and said.debts is not None,
            stated_monthly_minor=monthly,
            stated_lenders_count=lenders,
            inquiries=() if report is None else report.searches,
            income=income.monthly,
            income_source=income.source,
            as_of=on,
        ),
        proposal=_on_line(case, own),
        household_minor=known.others_minor.get(customer_id),
    )


def _on_line(case: Case, own: Sequence[OwnDebt]) -> Proposal | None:
    """Return the proposal with what stands on its line already."""
    if case.proposal is None or case.line_id is None:
        return case.proposal
    for line in own:
        if line.line_id == case.line_id:
            is_increase = case.occasion is Occasion.INCREASE
            return replace(
                case.proposal,
                limit_minor=line.limit_minor,
                owed_minor=line.principal_minor + line.held_minor,
                own_cap_minor=line.own_cap_minor if is_increase else None,
            )
    return case.proposal


def _hit_code(code: str, end: str) -> str:
    return f"!{code}" if end == "hard" else code
