"""The guard against too much debt: run where somebody applies, asks for more, draws, is reviewed.

The story   Own lines, what reports showed under a consent that still runs, and what the customer
            states come together; each debt counts once, merged records count as one person;
            ceilings are held against the figures and the run is written. What it found goes into
            the question to the policy, from outside every version, so that no score and no
            experiment lifts it.
Purpose     Debts from a report are read for what its consent was given for: never for a drawdown.
Unknown     Nobody is asked here. What no report said is unknown, and what is certain counts.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from counterfoil.bureau.debts import DebtInventory, ReportedDebt
from counterfoil.bureau.report_row import StoredReport
from counterfoil.capacity import store
from counterfoil.capacity.assessment import (
    Declared,
    Income,
    measure_income,
    shipped_measuring,
)
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
from counterfoil.capacity.inventory import OURSELVES, Debt, DebtKind
from counterfoil.capacity.months import together
from counterfoil.capacity.records import Declaration, GuardRun, ReportedDebts
from counterfoil.capacity.refusals import EXPOSURE_CEILING_REACHED
from counterfoil.capacity.statement import normal_name
from counterfoil.consents.lookup_store import consents_by_key
from counterfoil.decisioning.debt_ceiling import DebtCeiling
from counterfoil.decisioning.decision import Asked
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.gathering import Gathering
from counterfoil.decisioning.policy import Policy
from counterfoil.journeys.house import House
from counterfoil.journeys.household import partners_of
from counterfoil.journeys.link_records import own_debts_of_people
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending.debt_store import OwnDebt
from counterfoil.lending.store import read_lines
from counterfoil.platform.database import Connection

Facts = Mapping[str, Value | None]

#: Source under which a policy declares what is measured here.
SOURCE: Final = "capacity"
#: The occasion of the bureau whose reports the guard may read, by its own occasion.
_REPORTS: Final = {
    Occasion.APPLICATION: "first_application",
    Occasion.INCREASE: "limit_increase",
    Occasion.DRAW: "review",
    Occasion.REVIEW: "review",
}
_DAYS_A_YEAR: Final = 365
_DIGEST_LENGTH: Final = 16
#: Longest time over which a debt is looked at when nothing is asked for.
_MONTHS_DEFAULT: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Somebody for whom the guard runs."""

    customer_id: int
    occasion: Occasion
    licence: str
    currency: str
    #: What it runs for: an application, a request, a line; None at a review of the person.
    subject_id: int | None = None
    #: None where nothing would be added.
    proposal: Proposal | None = None
    #: The line that a higher limit or a drawdown is on.
    line_id: int | None = None
    #: What the applicant says with the question.
    facts: Facts | None = None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """What the house knows of many customers before anything is measured."""

    own: Mapping[int, Sequence[OwnDebt]]
    reported: Mapping[int, ReportedDebts]
    declared: Mapping[int, Declaration]
    months: Mapping[int, Sequence[store.MonthOfConsent]]
    #: What the others of a household may come to owe here; who is of none known is not there.
    others_minor: Mapping[int, int]


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
    async with house.database.transaction() as connection:
        line = (await read_lines(connection, [(customer_id, line_id)])).get((customer_id, line_id))
        if line is None:
            # Whoever books it says so.
            return None
        terms = house.catalogue.terms(line.product_code, line.product_version)
        proposal = Proposal(
            amount_minor=amount_minor,
            limit_minor=line.limit_minor,
            owed_minor=line.principal_minor + line.held_minor,
            rate_cap_annual_e8=line.rate_daily_e8 * _DAYS_A_YEAR,
            months=months,
        )
        case = Case(
            customer_id=customer_id,
            occasion=Occasion.DRAW,
            licence=terms.licence,
            currency=line.currency,
            subject_id=line_id,
            proposal=proposal,
            line_id=line_id,
        )
        [found] = await guard(house, connection, [case])
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


def application_case(
    house: House, asked: Asked, facts: Facts, *, customer_id: int, application_id: int | None
) -> Case:
    """Return the case of an application for a line."""
    most = asked.limit_max_minor
    return Case(
        customer_id=customer_id,
        occasion=Occasion.APPLICATION,
        licence=_licence(house, asked),
        currency=asked.currency,
        subject_id=application_id,
        proposal=Proposal(
            amount_minor=most if asked.requested_minor is None else asked.requested_minor,
            limit_minor=0,
            owed_minor=0,
            rate_cap_annual_e8=asked.rate_daily_max_e8 * _DAYS_A_YEAR,
            months=max(asked.tenors_months, default=_MONTHS_DEFAULT),
        ),
        facts=facts,
    )


def increase_case(
    house: House,
    asked: Asked,
    facts: Facts,
    *,
    customer_id: int,
    line_id: int,
    request_id: int | None,
) -> Case:
    """Return the case of a higher limit; what stands on the line is added when it is looked at."""
    case = application_case(house, asked, facts, customer_id=customer_id, application_id=request_id)
    return replace(case, occasion=Occasion.INCREASE, line_id=line_id)


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


def report_row(report: StoredReport, inventory: DebtInventory) -> store.ReportRow:
    """Return the debts of a report as they are kept, other lenders under a digest."""
    debts = [_reported(item, report.customer_id, inventory.made_on) for item in inventory.debts]
    searches = [
        [item.on.isoformat(), _digest(item.organisation, report.customer_id), item.reason_code]
        for item in inventory.searches
    ]
    return store.ReportRow(
        customer_id=report.customer_id,
        report_id=report.report_id,
        consent_id=report.consent_id,
        purpose=report.purpose,
        made_on=inventory.made_on,
        debts=store.debts_text(debts),
        searches=store.text_of(searches),
        received_at=report.received_at,
        expires_at=report.expires_at,
    )


async def what_is_known(
    house: House, connection: Connection, cases: Sequence[Case], *, on: date
) -> Household:
    """Return what the house may use of what it knows: consents that ended take theirs along."""
    customers = sorted({case.customer_id for case in cases})
    now, occasion = house.leaves.now(), cases[0].occasion
    known = house.occasions.by_code.get(_REPORTS[occasion])
    purposes = [] if known is None else sorted({known.consent_purpose, *known.reuses_reports_of})
    own = await own_debts_of_people(connection, customers, on)
    reported = await store.latest_reported_debts(connection, customers, purposes=purposes, now=now)
    declared = await store.latest_declarations(connection, customers)
    months = await store.months_of_customers(connection, customers, now=now)
    keys = {(item.customer_id, item.consent_id) for item in reported.values()}
    keys |= {(c, item.consent_id) for c, items in months.items() for item in items}
    keys |= {
        (item.customer_id, item.consent_id)
        for item in declared.values()
        if item.consent_id is not None
    }
    ended: set[store.Key] = set()
    if keys:
        consents = await consents_by_key(connection, sorted(keys))
        ended = {
            key
            for key in keys
            if (consent := consents.get(key)) is None or consent.withdrawn_at is not None
        }
    return Household(
        own=own,
        others_minor=await _others_minor(house, connection, customers, on),
        reported={c: r for c, r in reported.items() if (c, r.consent_id) not in ended},
        declared={c: _without_income(d, ended) for c, d in declared.items()},
        months={c: [m for m in ms if (c, m.consent_id) not in ended] for c, ms in months.items()},
    )


async def _others_minor(
    house: House, connection: Connection, customers: Sequence[int], on: date
) -> dict[int, int]:
    """Return limits, or what is owed where that is more, of all others of each household."""
    partners = await partners_of(house, connection, customers)
    others = sorted({one for named in partners.values() for one in named})
    if not others:
        return {}
    own = await own_debts_of_people(connection, others, on)
    of_each = {one: sum(_may_owe_minor(line) for line in lines) for one, lines in own.items()}
    return {one: sum(of_each[other] for other in named) for one, named in partners.items()}


def _may_owe_minor(line: OwnDebt) -> int:
    limit = 0 if line.status == "closed" else line.limit_minor
    return max(limit, line.principal_minor + line.held_minor)


def income_of(case: Case, known: Household, on: date) -> Income:
    """Return the income that can be counted on: proven first, then what the applicant says."""
    declared = declared_of(case, known)
    months = [item.month for item in known.months.get(case.customer_id, ())]
    return measure_income(declared, together(months), shipped_measuring(), as_of=on)


def declared_of(case: Case, known: Household) -> Declared:
    """Return what the customer says: with the question, or before."""
    said = known.declared.get(case.customer_id)
    stated = _whole(case.facts, "income_monthly_minor")
    if said is None:
        return Declared(income_monthly_minor=stated)
    return Declared(
        income_monthly_minor=said.income_monthly_minor if stated is None else stated,
        documented_monthly_minor=said.documented_monthly_minor,
        region=said.region,
        dependants=said.dependants,
    )


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
        *(_own(item, on) for item in own),
        *(() if report is None else report.debts),
        *stated_debts,
    ]
    monthly = _whole(case.facts, "debt_monthly_minor")
    lenders = _whole(case.facts, "lenders_count")
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


def _own(line: OwnDebt, on: date) -> Debt:
    return Debt(
        kind=DebtKind.OWN,
        ref=ids.to_text(ids.LINE, line.line_id),
        institution=OURSELVES,
        product=line.product_code,
        opened_on=line.opened_on,
        limit_minor=None if line.status == "closed" else line.limit_minor,
        balance_minor=line.principal_minor + line.held_minor,
        monthly_minor=line.monthly_minor,
        is_open=True,
        is_disputed=False,
        as_of=on,
    )


def _reported(item: ReportedDebt, customer_id: int, made_on: date) -> Debt:
    return Debt(
        kind=DebtKind.GUARANTEE if item.is_guarantee else DebtKind.BUREAU,
        ref=item.ref,
        institution=_digest(item.institution, customer_id),
        product=item.product,
        opened_on=item.opened_on,
        limit_minor=item.limit_minor,
        balance_minor=item.balance_minor,
        monthly_minor=item.monthly_minor,
        is_open=item.is_open,
        is_disputed=item.is_disputed,
        as_of=made_on,
    )


def institution_digest(name: str, customer_id: int) -> str:
    """Return the digest under which another lender stands: no name of one is kept."""
    return _digest(name, customer_id)


def _digest(institution: str, customer_id: int) -> str:
    if institution in {"", OURSELVES}:
        return institution
    text = f"{customer_id}\0{normal_name(institution)}"
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LENGTH]


def _without_income(declared: Declaration, ended: set[store.Key]) -> Declaration:
    """Return what was stated; without a consent that runs its income is not there."""
    key = (declared.customer_id, declared.consent_id)
    if declared.consent_id is None or key not in ended:
        return declared
    return replace(declared, income_monthly_minor=None, documented_monthly_minor=None)


def _whole(facts: Facts | None, name: str) -> int | None:
    value = None if facts is None else facts.get(name)
    return value if type(value) is int and value >= 0 else None


def _licence(house: House, asked: Asked) -> str:
    return house.catalogue.terms(asked.product_code, asked.product_version).licence


def _hit_code(code: str, end: str) -> str:
    return f"!{code}" if end == "hard" else code
