"""What a customer can carry, and what the guard found: views and replay.

Viewing     Asks nobody and writes nothing. Debts from reports are seen only as far as a consent to
            reviews runs; what a decision looked at stands with its run.
Replay      A stored run, run again from its inputs under its own document, gives the same text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from counterfoil.capacity import store
from counterfoil.capacity.amounts import Range, median
from counterfoil.capacity.assessment import Offer, assess, shipped_measuring
from counterfoil.capacity.ceiling import Ceilings, read_ceilings, shipped_ceilings
from counterfoil.capacity.guard import GuardOutcome, Occasion, inputs_of, run_guard
from counterfoil.capacity.living_cost import shipped_living_costs
from counterfoil.capacity.months import Month, latest_whole, together
from counterfoil.capacity.records import GuardRun
from counterfoil.customers import store as customers
from counterfoil.customers.refusals import CUSTOMER_NOT_FOUND
from counterfoil.journeys.affording.exposure import look
from counterfoil.journeys.affording.exposure_case import Case
from counterfoil.journeys.affording.exposure_known import declared_of, what_is_known
from counterfoil.journeys.affording.statements import statement_document
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse

#: Runs shown for one customer.
RUNS_SHOWN: Final = 50
_PAGE: Final = 1_000
#: The licence under which a person is looked at where no product says otherwise: house ceilings.
_ANY_LICENCE: Final = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReplay:
    """What came of running stored runs again."""

    checked: int
    #: Customer and run whose result differs.
    differing: tuple[tuple[int, int], ...]


async def capacity_of(
    house: House, customer_id: int, *, offer: Offer | None = None
) -> dict[str, Any] | Refused:
    """Return income, living, debts, shares and the stress line of a customer, with statements."""
    on, currency = await house.business_date(), house.policies.origination.policy.currency
    case = Case(
        customer_id=customer_id,
        occasion=Occasion.REVIEW,
        licence=_ANY_LICENCE,
        currency=currency,
    )
    async with house.database.connection() as connection:
        if await customers.read_customer(connection, customer_id) is None:
            return refuse(CUSTOMER_NOT_FOUND)
        known = await what_is_known(house, connection, [case], on=on)
        [found] = await look(house, connection, [case])
        statements = await store.statements_of_customer(connection, customer_id)
    months = together(item.month for item in known.months.get(customer_id, ()))
    measured = found.result.measures["debt_monthly"]
    assessment = assess(
        found.income,
        declared_of(case, known),
        debt=_debt(measured.value, measured.at_least, months),
        offer=offer,
        rate_cap_annual_e8=house.policies.origination.policy.rate_annual_max_e8,
        costs=shipped_living_costs(),
        measuring=shipped_measuring(),
        as_of=on,
    )
    return {
        "customer_id": ids.to_text(ids.CUSTOMER, customer_id),
        "currency": currency,
        "basis": found.result.basis,
        **assessment.document(),
        "living_source": shipped_living_costs().source,
        "measures": {name: item.document() for name, item in sorted(found.result.measures.items())},
        "months": [_month(item) for item in months],
        "statements": [statement_document(item) for item in statements],
    }


async def runs_of(
    house: House,
    customer_id: int,
    *,
    page: int = RUNS_SHOWN,
    before: int = store.NEWEST,
    is_back: bool = False,
) -> list[dict[str, Any]] | Refused:
    """Return a page of the runs of the guard for a customer, newest first."""
    async with house.database.connection() as connection:
        if await customers.read_customer(connection, customer_id) is None:
            return refuse(CUSTOMER_NOT_FOUND)
        runs = await store.runs_of_customer(
            connection, customer_id, page=page, before=before, is_back=is_back
        )
    return [run_document(run) for run in runs]


def run_document(run: GuardRun) -> dict[str, Any]:
    """Return a run as it is shown: outcome, figures, reasons with words, and help where due."""
    result, ceilings = orjson.loads(run.result), shipped_ceilings()
    words = ceilings.reasons
    is_refused = run.outcome == GuardOutcome.REFUSE.value
    return {
        "id": ids.to_text(ids.GUARD_RUN, run.run_id),
        "customer_id": ids.to_text(ids.CUSTOMER, run.customer_id),
        "occasion": run.occasion,
        "as_of": run.as_of.isoformat(),
        "basis": result["basis"],
        "outcome": run.outcome,
        "cap_minor": run.cap_minor,
        "cap_by": run.cap_by or None,
        "reasons": [
            {"code": code, "zh": words[code].zh, "en": words[code].en}
            for code in result["reasons"]
            if code in words
        ],
        "hits": [
            dict(
                zip(
                    ("ceiling", "measure", "end", "figure", "limit", "reason", "rule"),
                    hit,
                    strict=True,
                )
            )
            for hit in result["hits"]
        ],
        "measures": result["measures"],
        "counted_once": [
            {"dropped": dropped, "stays": stays, "rule": rule}
            for dropped, stays, rule in result["dropped"]
        ],
        "help": [
            {"zh": item.zh, "en": item.en}
            for item in ceilings.help
            if result["help_is_due"] or is_refused
        ],
        "ceilings_sha256": run.ceilings,
    }


async def replay_runs(house: House) -> RunReplay:
    """Run every stored run again and compare the results byte by byte."""
    documents: dict[str, Ceilings] = {}
    checked, differing = 0, []
    after = (0, 0)
    while True:
        async with house.database.connection() as connection:
            page = await store.runs_after(connection, after, page=_PAGE)
            for sha256 in {run.ceilings for run in page} - documents.keys():
                text = await store.ceilings_by_hash(connection, sha256)
                assert text is not None, "a run names the document that it ran under"
                documents[sha256] = read_ceilings(text)
        for run in page:
            checked += 1
            again = run_guard(inputs_of(orjson.loads(run.inputs)), documents[run.ceilings])
            if store.text_of(again.document()) != run.result:
                differing.append((run.customer_id, run.run_id))
        if len(page) < _PAGE:
            return RunReplay(checked=checked, differing=tuple(differing))
        after = (page[-1].customer_id, page[-1].run_id)


def _debt(value: int | None, at_least: int | None, months: Sequence[Month]) -> Range | None:
    """Return repayments a month: what records and statements show; None where neither does."""
    measuring = shipped_measuring()
    whole = latest_whole(months, measuring.months_max)
    paid = median([item.debt_minor for item in whole]) if whole else None
    if value is None and paid is None:
        return None
    known = [item for item in (value, paid) if item is not None]
    return Range(min(known), max(*known, at_least or 0))


def _month(month: Month) -> dict[str, Any]:
    fields = {name: getattr(month, name) for name in month.__slots__}
    return fields | {"month": month.month.isoformat()}
