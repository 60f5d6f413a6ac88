"""Movements on a page: journals, commands, evidence and payouts. Pure."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

import orjson

from counterfoil.evidence.checking import Fact, pair
from counterfoil.evidence.leaf import LeafType
from counterfoil.journeys.books.findings import LEAF_TYPES, Notes
from counterfoil.journeys.books.page import Page
from counterfoil.kernel import ids
from counterfoil.ledger import posting
from counterfoil.ledger.chart import CHART
from counterfoil.ledger.posting import Postings
from counterfoil.ledger.store import Journal
from counterfoil.lending.check_store import Booked
from counterfoil.lending.loan import Loan
from counterfoil.payments.check_store import Payout
from counterfoil.payments.order import reference_of
from counterfoil.payments.rail import Outcome, PaymentStatus

#: Journals that belong to a loan as a whole and not to one of its transactions.
_HOLD_KINDS: Final = frozenset({"hold", "hold_release"})
_LEAF_TYPES: Final = frozenset(kind.value for kind in LeafType)


def check_journals(page: Page, notes: Notes) -> None:
    """Each movement has its one journal with exactly its postings, and no journal has none."""
    result = notes.results["journal_per_movement"]
    for customer_id in page.journals.keys() | page.loans_of.keys():
        journals = page.journals.get(customer_id, [])
        check_journal_form(journals, notes)
        expected = _expected_journals(page, customer_id)
        result.examined += len(expected)
        for journal in journals:
            subject = ids.to_text(ids.JOURNAL, journal.journal_id)
            name = _movement_of(journal)
            wanted = expected.pop(name, None)
            if wanted is None:
                result.note(subject, f"a second {name[0]}, or one of nothing that happened")
            elif fault := _journal_fault(journal, *wanted):
                result.note(subject, fault)
        for kind, number in expected:
            result.note(_named(kind, number), f"has no journal of its {kind}")


def check_journal_form(journals: Iterable[Journal], notes: Notes) -> None:
    """Every journal sums to zero over accounts of the chart."""
    result = notes.results["journal_balance"]
    for journal in journals:
        result.examined += 1
        subject = ids.to_text(ids.JOURNAL, journal.journal_id)
        if sum(journal.amounts):
            result.note(subject, f"sums to {sum(journal.amounts)}")
        if len(journal.accounts) != len(journal.amounts):
            result.note(subject, "has not one amount an account")
        if unknown := set(journal.accounts) - CHART.keys():
            result.note(subject, f"posts to the unknown account {min(unknown)}")


#: Kind and the number of what moved: a transaction's, or for holds the loan's.
_Movement = tuple[str, int]


def _expected_journals(
    page: Page, customer_id: int
) -> dict[_Movement, tuple[Postings, Loan, Booked | None]]:
    """Return what the journals of a customer have to be."""
    expected: dict[_Movement, tuple[Postings, Loan, Booked | None]] = {}
    for key in page.loans_of.get(customer_id, []):
        loan = page.loans[key]
        expected["hold", loan.loan_id] = (posting.hold(loan.original_minor), loan, None)
        if loan.status == "cancelled":
            release = posting.hold(-loan.original_minor)
            expected["hold_release", loan.loan_id] = (release, loan, None)
        for booked in page.history.get(key, []):
            postings = _postings_of(booked)
            if postings.accounts:
                name = (booked.transaction.kind, booked.transaction.transaction_id)
                expected[name] = (postings, loan, booked)
    return expected


def _postings_of(booked: Booked) -> Postings:
    t = booked.transaction
    if t.kind == "disbursement":
        return posting.disbursement(t.amount_minor)
    return posting.payment(
        principal_minor=t.parts.principal_minor,
        interest_minor=t.parts.interest_minor,
        penalty_minor=t.parts.penalty_minor,
        excess_minor=t.parts.excess_minor,
    )


def _movement_of(journal: Journal) -> _Movement:
    """Return what a journal says it is of; 0 where it says nothing."""
    number = journal.loan_id if journal.kind in _HOLD_KINDS else journal.transaction_id
    return journal.kind, number or 0


def _journal_fault(
    journal: Journal, postings: Postings, loan: Loan, booked: Booked | None
) -> str | None:
    """Return what a journal says otherwise than its movement."""
    has = sorted(zip(journal.accounts, journal.amounts, strict=False))
    made = sorted(zip(postings.accounts, postings.amounts, strict=True))
    if has != made:
        return f"posts {has}, its movement makes {made}"
    if (journal.lender_id, journal.product_code, journal.currency) != (
        loan.lender_id,
        loan.product_code,
        loan.currency,
    ):
        return "stands in another book than its loan"
    if journal.loan_id != loan.loan_id:
        return "names another loan than its movement"
    if booked is not None and journal.book_date != booked.book_date:
        return f"is booked on {journal.book_date}, its movement on {booked.book_date}"
    return None


def _named(kind: str, number: int) -> str:
    return ids.to_text(ids.LOAN if kind in _HOLD_KINDS else ids.TRANSACTION, number)


# --------------------------------------------------------------------- commands and their proof


def check_commands(page: Page, notes: Notes) -> None:
    """Hold what happened against what was commanded: once each, with an answer."""
    result = notes.results["commands"]
    known: set[tuple[int, str]] = set()
    for customer_id, recorded in page.commands.items():
        result.examined += len(recorded)
        for command in recorded:
            name = (customer_id, command.idempotency_key)
            if name in known:
                result.note(_customer(customer_id), f"the key {name[1]} was used again")
            known.add(name)
            if not _is_document(command.answer):
                result.note(_customer(customer_id), f"the key {name[1]} has no answer")
    for subject, name in _commanded(page):
        result.examined += 1
        if name not in known:
            result.note(subject, f"nobody commanded it under the key {name[1]}")


def _commanded(page: Page) -> Iterable[tuple[str, tuple[int, str]]]:
    """Yield everything that only a command can cause, with customer and key of the command."""
    for history in page.history.values():
        for booked in history:
            number = booked.transaction.transaction_id
            name = (booked.customer_id, booked.idempotency_key)
            yield ids.to_text(ids.TRANSACTION, number), name
    for (customer_id, line_id), events in page.events.items():
        for event in events:
            yield ids.to_text(ids.LINE, line_id), (customer_id, event.idempotency_key)


def _is_document(answer: str) -> bool:
    try:
        return isinstance(orjson.loads(answer), dict)
    except orjson.JSONDecodeError:
        return False


def check_leaves(page: Page, notes: Notes) -> None:
    """Each answer and each decision has a leaf that commits to exactly it, and no leaf has none.

    A leaf names no command, so the two are paired customer by customer by recomputing the
    commitment over type, salt and the answer's text.
    """
    result = notes.results["evidence_leaves"]
    for customer_id in page.leaves.keys() | page.commands.keys() | page.decisions.keys():
        facts = [
            Fact(
                f"the answer under the key {c.idempotency_key}",
                LEAF_TYPES[c.kind],
                c.answer.encode(),
            )
            for c in page.commands.get(customer_id, [])
            if c.kind in LEAF_TYPES
        ]
        facts += [
            Fact(f"the decision on {_application(d.application_id)}", LeafType.DECISION, d.body)
            for d in page.decisions.get(customer_id, [])
        ]
        leaves = [
            leaf for leaf in page.leaves.get(customer_id, []) if leaf.leaf_type in _LEAF_TYPES
        ]
        result.examined += len(facts)
        strangers, left = pair(leaves, facts)
        for leaf in strangers:
            result.note(_customer(customer_id), f"leaf {leaf.leaf_id} commits to nothing recorded")
        for fact in left:
            result.note(_customer(customer_id), f"no leaf commits to {fact.name}")


def _application(application_id: int) -> str:
    return ids.to_text(ids.APPLICATION, application_id)


def _customer(customer_id: int) -> str:
    return ids.to_text(ids.CUSTOMER, customer_id)


# -------------------------------------------------------------------------------------- payouts


def check_payouts(page: Page, notes: Notes) -> None:
    """Each confirmed payout began exactly one loan, and the rail's statement shows it once."""
    result = notes.results["payouts"]
    paid: Counter[tuple[int, int]] = Counter()
    for payout in page.payouts:
        result.examined += 1
        key = (payout.customer_id, payout.loan_id)
        paid[key] += payout.status is PaymentStatus.SUCCEEDED or (
            payout.outcome is Outcome.SUCCEEDED
        )
        is_known = (payout.customer_id, reference_of(payout.payment_id)) in page.known_differences
        for fault in _payout_faults(payout, page.loans.get(key), is_known=is_known):
            result.note(reference_of(payout.payment_id), fault)
    for key, loan in page.loans.items():
        if loan.start_date is not None and paid[key] != 1:
            what = f"runs on {paid[key]} confirmed payouts"
            result.note(ids.to_text(ids.LOAN, loan.loan_id), what)


def _payout_faults(payout: Payout, loan: Loan | None, *, is_known: bool) -> Iterable[str]:
    if loan is None:
        yield "pays out a loan that does not exist"
        return
    if (payout.amount_minor, payout.currency) != (loan.original_minor, loan.currency):
        yield f"pays {payout.amount_minor}, the loan is {loan.original_minor}"
    match payout.status:
        case PaymentStatus.SUCCEEDED:
            if loan.start_date != payout.value_date:
                yield f"arrived on {payout.value_date}, the loan began on {loan.start_date}"
            # What people know of, as a case or as a difference, is no news.
            if payout.has_statement and not is_known and not payout.has_case:
                yield from _statement_faults(payout)
        case PaymentStatus.FAILED:
            if loan.status != "cancelled":
                yield f"failed, the loan is {loan.status}"
        case _:
            if payout.outcome is None and loan.status != "pending":
                yield f"is {payout.status}, the loan is {loan.status}"


def _statement_faults(payout: Payout) -> Iterable[str]:
    if payout.paid_lines != 1:
        yield f"stands {payout.paid_lines} times on the statement"
    elif payout.paid_minor != payout.amount_minor:
        yield f"stands with {payout.paid_minor} on the statement"
    if payout.returned_lines:
        yield "was returned by the rail"
