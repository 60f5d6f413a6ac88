"""Cases of whole loans sold to an investor and bought back, with the journals of both sides."""

from collections.abc import Mapping, Sequence
from datetime import date

from counterfoil.lending.conventions.replay import replay
from counterfoil.lending.conventions.settings import NotCovered
from counterfoil.lending.conventions.terms import Event, LoanTerms
from counterfoil.lending.conventions.transfer import (
    Account,
    Entry,
    Transfer,
    TransferKind,
    journals_of,
)
from counterfoil.simulator.golden.case_file import Case, Json
from counterfoil.simulator.golden.figures import major
from counterfoil.simulator.golden.fineract import looks_of, schedule_of, status_of
from counterfoil.simulator.golden.fineract_events import events_of
from counterfoil.simulator.golden.fineract_terms import terms_of
from counterfoil.simulator.golden.inputs import Inputs

Figures = dict[str, object]

REQUEST = "asset_transfer_request"
KINDS = {"sale": "sale", "buyback": "buyback"}
#: The accounts in the words of the cases.
NAMES = {
    Account.LOANS: "Loans Receivable",
    Account.INTEREST_AND_FEES: "Interest/Fee Receivable",
    Account.TRANSFER: "Asset transfer",
    Account.FEE_INCOME: "Fee Income",
    Account.SUSPENSE: "Suspense/Clearing account",
}


def figures(case: Case) -> Mapping[str, object]:
    """Return the journals at every checkpoint the case looks at."""
    inputs = Inputs(case.inputs)
    terms, _ = terms_of(case, inputs)
    events = _events(inputs.entries("events"))
    inputs.done()
    looks = looks_of(case, len(events))
    return {"checkpoints": [_checkpoint(terms, events[:look]) for look in looks]}


def _checkpoint(terms: LoanTerms, events: Sequence[Event | None]) -> Figures:
    """Return the journals after the first events."""
    seen = [event for event in events if event is not None]
    journals = journals_of(terms, seen)
    book = replay(terms, [event for event in seen if not isinstance(event, Transfer)])
    return {
        "status": status_of(book),
        "schedule": schedule_of(book, terms),
        "outstanding_amount": major(book.outstanding_minor),
        "transfer_journal": [_entry(one) for one in journals.transfer],
        "owner_journal": [_entry(one) for one in journals.owner],
    }


def _entry(entry: Entry) -> Figures:
    """Return one entry as the cases write it."""
    return {
        "glaccountname": NAMES[entry.account],
        "entrytype": "DEBIT" if entry.amount_minor > 0 else "CREDIT",
        "amount": major(abs(entry.amount_minor)),
    }


def _events(raw: Sequence[Json]) -> list[Event | None]:
    """Return the events in their order, transfers read here."""
    others = events_of([entry for entry in raw if entry.get("type") != REQUEST])
    transfers = iter(_transfers(raw))
    waiting = iter(others)
    return [next(transfers) if entry.get("type") == REQUEST else next(waiting) for entry in raw]


def _transfers(raw: Sequence[Json]) -> list[Transfer]:
    """Return the sales and buy-backs asked for, at par."""
    read = []
    for entry in raw:
        if entry.get("type") != REQUEST:
            continue
        inputs = Inputs(entry, "event key")
        inputs.text("type")
        on: date = inputs.date("date")
        if "purchasepriceratio" in inputs and inputs.decimal("purchasepriceratio") != 1:
            raise NotCovered("a sale at another price than par")
        read.append(
            Transfer(
                entered_on=on,
                value_date=on,
                kind=TransferKind(inputs.choice("transaction_type", KINDS)),
                settlement_date=inputs.date("settlementdate"),
            )
        )
        inputs.done()
    return read
