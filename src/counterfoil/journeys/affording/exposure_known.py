"""What the house may use of what it knows of people's debts and incomes.

Own         Lines here, those of merged records among them; what the rest of a household may owe.
Reported    Debts of the latest report under a consent that still runs, other lenders under a
            digest: no name of one is kept.
Stated      What the customer says, with the question or before. Income that was stated under a
            consent that ended is not there.
Purpose     Debts from a report are read for what its consent was given for: never for a drawdown.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
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
from counterfoil.capacity.guard import Occasion
from counterfoil.capacity.inventory import OURSELVES, Debt, DebtKind
from counterfoil.capacity.months import together
from counterfoil.capacity.records import Declaration, ReportedDebts
from counterfoil.capacity.statement import normal_name
from counterfoil.consents.lookup_store import consents_by_key
from counterfoil.journeys.affording.exposure_case import Case, Facts
from counterfoil.journeys.house import House
from counterfoil.journeys.knowing.link_records import own_debts_of_people
from counterfoil.journeys.serving.household import partners_of
from counterfoil.kernel import ids
from counterfoil.lending.debt_store import OwnDebt
from counterfoil.platform.database import Connection

#: The occasion of the bureau whose reports the guard may read, by its own occasion.
_REPORTS: Final = {
    Occasion.APPLICATION: "first_application",
    Occasion.INCREASE: "limit_increase",
    Occasion.DRAW: "review",
    Occasion.REVIEW: "review",
}
_DIGEST_LENGTH: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """What the house knows of many customers before anything is measured."""

    own: Mapping[int, Sequence[OwnDebt]]
    reported: Mapping[int, ReportedDebts]
    declared: Mapping[int, Declaration]
    months: Mapping[int, Sequence[store.MonthOfConsent]]
    #: What the others of a household may come to owe here; who is of none known is not there.
    others_minor: Mapping[int, int]


def report_row(report: StoredReport, inventory: DebtInventory) -> store.ReportRow:
    """Return the debts of a report as they are kept, other lenders under a digest."""
    debts = [_reported(item, report.customer_id, inventory.made_on) for item in inventory.debts]
    searches = [
        [
            item.on.isoformat(),
            institution_digest(item.organisation, report.customer_id),
            item.reason_code,
        ]
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
    stated = whole_fact(case.facts, "income_monthly_minor")
    if said is None:
        return Declared(income_monthly_minor=stated)
    return Declared(
        income_monthly_minor=said.income_monthly_minor if stated is None else stated,
        documented_monthly_minor=said.documented_monthly_minor,
        region=said.region,
        dependants=said.dependants,
    )


def own_debt(line: OwnDebt, on: date) -> Debt:
    """Return a line here as a debt among others."""
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
        institution=institution_digest(item.institution, customer_id),
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
    if name in {"", OURSELVES}:
        return name
    text = f"{customer_id}\0{normal_name(name)}"
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LENGTH]


def _without_income(declared: Declaration, ended: set[store.Key]) -> Declaration:
    """Return what was stated; without a consent that runs its income is not there."""
    key = (declared.customer_id, declared.consent_id)
    if declared.consent_id is None or key not in ended:
        return declared
    return replace(declared, income_monthly_minor=None, documented_monthly_minor=None)


def whole_fact(facts: Facts | None, name: str) -> int | None:
    """Return a fact that is an amount or a count, None where it was not stated."""
    value = None if facts is None else facts.get(name)
    return value if type(value) is int and value >= 0 else None
