"""Movements on a page: journals, commands, evidence and payouts. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from operator import attrgetter
from typing import Any, Final, NamedTuple

import orjson

from counterfoil.decisioning.replay import SAID_SINCE_2
from counterfoil.evidence.body import stated
from counterfoil.evidence.checking import Answer, Leaf, booked_with, faults
from counterfoil.evidence.leaf import LeafType
from counterfoil.journeys.booked import journals_sha256
from counterfoil.journeys.books.findings import LEAF_TYPES, Notes
from counterfoil.journeys.books.page import Page
from counterfoil.kernel import ids
from counterfoil.ledger import posting
from counterfoil.ledger.chart import CHART
from counterfoil.ledger.posting import Postings
from counterfoil.ledger.store import BookKey, Journal
from counterfoil.lending.account import CreditReturn
from counterfoil.lending.check_store import Booked
from counterfoil.payments.check_store import Payout
from counterfoil.payments.order import Subject, reference_of
from counterfoil.payments.rail import Outcome, PaymentStatus

#: Journals that belong to a loan as a whole and not to one of its transactions.
_HOLD_KINDS: Final = frozenset({"hold", "hold_release"})
#: No checkpoint has been witnessed yet.


def check_journals(page: Page, notes: Notes) -> None:
    """Each movement has its one journal with exactly its postings, and no journal has none."""
    result = notes.results["journal_per_movement"]
    for customer_id in page.journals.keys() | page.loans_of.keys() | page.returns.keys():
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
            elif fault := _journal_fault(journal, wanted):
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


#: Kind and the number of what moved: a transaction's or a credit return's, for holds the loan's.
_Movement = tuple[str, int]


class _Wanted(NamedTuple):
    """What a journal has to be."""

    postings: Postings
    book: BookKey
    loan_id: int | None
    #: None where the movement has no date of its own.
    book_date: date | None


def _expected_journals(page: Page, customer_id: int) -> dict[_Movement, _Wanted]:
    """Return what the journals of a customer have to be."""
    expected: dict[_Movement, _Wanted] = {}
    for key in page.loans_of.get(customer_id, []):
        loan = page.loans[key]
        book = (loan.lender_id, loan.product_code, loan.currency)
        hold = posting.hold(loan.original_minor)
        expected["hold", loan.loan_id] = _Wanted(hold, book, loan.loan_id, loan.requested_on)
        if loan.status == "cancelled" and not page.history.get(key):
            release = posting.hold(-loan.original_minor)
            expected["hold_release", loan.loan_id] = _Wanted(
                release, book, loan.loan_id, loan.closed_on
            )
        for booked in page.history.get(key, []):
            postings = _postings_of(booked)
            if postings.accounts:
                name = (booked.transaction.kind, booked.transaction.transaction_id)
                expected[name] = _Wanted(postings, book, loan.loan_id, booked.book_date)
    for asked in page.returns.get(customer_id, []):
        expected |= _journals_of_return(page, asked)
    return expected


def _journals_of_return(page: Page, asked: CreditReturn) -> dict[_Movement, _Wanted]:
    line = page.lines.get((asked.customer_id, asked.line_id))
    if line is None:
        return {}  # the check of references says so
    book = (line.lender_id, line.product_code, line.currency)
    days = {"credit_return": asked.requested_on}
    if asked.status != "requested":
        outcome = "failed" if asked.status == "failed" else "paid"
        days[f"credit_return_{outcome}"] = asked.settled_on or date.min
    if asked.status == "bounced":
        days["credit_return_bounced"] = asked.bounced_on or date.min
    return {
        (kind, asked.return_id): _Wanted(
            posting.credit_return(
                kind,
                asked.bounced_minor if kind == "credit_return_bounced" else asked.amount_minor,
            ),
            book,
            None,
            day,
        )
        for kind, day in days.items()
    }


def _postings_of(booked: Booked) -> Postings:
    t = booked.transaction
    if t.kind == "disbursement":
        return posting.disbursement(t.amount_minor)
    if t.kind == "payout_returned":
        return posting.payout_returned(-t.amount_minor)
    return posting.payment(
        principal_minor=t.parts.principal_minor,
        interest_minor=t.parts.interest_minor,
        penalty_minor=t.parts.penalty_minor,
        excess_minor=t.parts.excess_minor,
        fee_minor=t.parts.fee_minor,
        guarantee_minor=t.parts.guarantee_minor,
        is_from_credit=t.is_from_credit,
    )


def _movement_of(journal: Journal) -> _Movement:
    """Return what a journal says it is of; 0 where it says nothing."""
    number = journal.loan_id if journal.kind in _HOLD_KINDS else journal.transaction_id
    return journal.kind, number or 0


def _journal_fault(journal: Journal, wanted: _Wanted) -> str | None:
    """Return what a journal says otherwise than its movement."""
    has = sorted(zip(journal.accounts, journal.amounts, strict=False))
    made = sorted(zip(wanted.postings.accounts, wanted.postings.amounts, strict=True))
    if has != made:
        return f"posts {has}, its movement makes {made}"
    if (journal.lender_id, journal.product_code, journal.currency) != wanted.book:
        return "stands in another book than what moved"
    if journal.loan_id != wanted.loan_id:
        return "names another loan than its movement"
    if wanted.book_date is not None and journal.book_date != wanted.book_date:
        return f"is booked on {journal.book_date}, its movement on {wanted.book_date}"
    return None


def _named(kind: str, number: int) -> str:
    if kind in posting.CREDIT_RETURN_KINDS:
        return ids.to_text(ids.CREDIT_RETURN, number)
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
    """Each answer and each decision has a leaf that commits to exactly it, and no leaf has none."""
    result = notes.results["evidence_leaves"]
    for customer_id in page.leaves.keys() | page.commands.keys() | page.decisions.keys():
        answers = {
            c.idempotency_key: Answer(LEAF_TYPES[c.kind], c.kind, c.answer)
            for c in page.commands.get(customer_id, [])
            if c.kind in LEAF_TYPES
        }
        leaves = page.leaves.get(customer_id, [])
        result.examined += len(answers)
        for fault in faults(leaves, answers, page.roots):
            result.note(_customer(customer_id), fault)
        for fault in _journal_faults(page, customer_id):
            result.note(_customer(customer_id), fault)
        told = [leaf for leaf in leaves if _is_decision(leaf)]
        said = [_decision_of(leaf) for leaf in told if leaf.salt is not None]
        closed = len(told) - len(said)
        for decision in page.decisions.get(customer_id, []):
            result.examined += 1
            form = next((form for form in _forms(decision.facts) if form in said), None)
            if form is not None:
                said.remove(form)
            elif closed:
                closed -= 1  # one that nobody can open stands for it
            else:
                what = f"no leaf says what was decided on {decision.subject}"
                result.note(_customer(customer_id), what)
        for _ in said:
            result.note(_customer(customer_id), "a leaf says a decision that is not recorded")


def _journal_faults(page: Page, customer_id: int) -> Iterable[str]:
    """Yield leaves whose journals are not those that they commit to.

    A command's journals were numbered right before its leaf, by the same process and in one
    transaction with it: they are the last of the customer's below the leaf that were posted then.
    """
    recorded = {c.idempotency_key: c for c in page.commands.get(customer_id, [])}
    by_instant: defaultdict[datetime, list[Journal]] = defaultdict(list)
    for journal in page.journals.get(customer_id, []):
        by_instant[journal.posted_at].append(journal)
    for leaf in page.leaves.get(customer_id, []):
        command = recorded.get(leaf.command_key or "")
        kept = None if command is None else booked_with(leaf, command.kind)
        if command is None or kept is None:
            continue
        posted = [j for j in by_instant[command.accepted_at] if j.journal_id < leaf.leaf_id]
        posted.sort(key=attrgetter("journal_id"))
        mine = posted[len(posted) - kept.journals :] if kept.journals else []
        if journals_sha256(mine) != kept.journals_sha256:
            yield f"the journals of leaf {leaf.leaf_id} are not those that it commits to"


def _is_decision(leaf: Leaf) -> bool:
    return leaf.leaf_type == LeafType.DECISION


def _forms(facts: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """Yield how a leaf may say a decision: as bodies say it today, and as the first ones did."""
    yield stated(facts)
    yield {name: value for name, value in facts.items() if name not in SAID_SINCE_2}


def _decision_of(leaf: Leaf) -> Any:
    """Return what the leaf of a decision says; None where it says nothing readable."""
    try:
        return orjson.loads(leaf.body or b"").get("decision")
    except (orjson.JSONDecodeError, AttributeError):
        return None


def _customer(customer_id: int) -> str:
    return ids.to_text(ids.CUSTOMER, customer_id)


# -------------------------------------------------------------------------------------- payouts


class _Payee(NamedTuple):
    """What a payout is of, as the books hold it."""

    name: str
    amount_minor: int
    currency: str
    status: str
    is_waiting: bool
    is_failed: bool
    #: The day on which the money arrived.
    arrived_on: date | None


def check_payouts(page: Page, notes: Notes) -> None:
    """Each confirmed payout is of exactly one thing, and the rail's statement shows it once.

    What is ordered is what the contract lends, to the cent: nothing is kept back (R038).
    """
    result, amounts = notes.results["payouts"], notes.results["payout_amounts"]
    paid: Counter[_Paid] = Counter()
    subjects = dict(_subjects(page))
    for payout in page.payouts:
        result.examined += 1
        is_of_loan = payout.subject is Subject.DRAWDOWN
        number = payout.loan_id if is_of_loan else payout.payment_id
        key = (payout.subject, payout.customer_id, number or 0)
        is_paid = payout.status is PaymentStatus.SUCCEEDED or payout.outcome is Outcome.SUCCEEDED
        paid[key] += is_paid and payout.returned_minor < payout.amount_minor
        is_known = (payout.customer_id, reference_of(payout.payment_id)) in page.known_differences
        amounts.examined += 1
        if fault := _amount_fault(payout, subjects.get(key)):
            amounts.note(reference_of(payout.payment_id), fault)
        for fault in _payout_faults(payout, subjects.get(key), is_known=is_known):
            result.note(reference_of(payout.payment_id), fault)
    for key, payee in subjects.items():
        if payee.arrived_on is not None and paid[key] != 1:
            prefix = ids.LOAN if key[0] is Subject.DRAWDOWN else ids.CREDIT_RETURN
            result.note(ids.to_text(prefix, key[2]), f"runs on {paid[key]} confirmed payouts")


#: Subject, customer, and the subject's number.
_Paid = tuple[Subject, int, int]


def _subjects(page: Page) -> Iterable[tuple[_Paid, _Payee]]:
    for (customer_id, loan_id), loan in page.loans.items():
        yield (
            (Subject.DRAWDOWN, customer_id, loan_id),
            _Payee(
                "loan",
                loan.original_minor,
                loan.currency,
                loan.status,
                loan.status == "pending",
                loan.status == "cancelled",
                loan.start_date,
            ),
        )
    for customer_id, returns in page.returns.items():
        for asked in returns:
            yield (
                (Subject.CREDIT_RETURN, customer_id, asked.return_id),
                _Payee(
                    "credit return",
                    asked.amount_minor,
                    asked.currency,
                    asked.status,
                    asked.status == "requested",
                    asked.status == "failed" or asked.bounced_minor == asked.amount_minor,
                    None if asked.bounced_minor == asked.amount_minor else asked.value_date,
                ),
            )


def _amount_fault(payout: Payout, of: _Payee | None) -> str | None:
    if of is None or (payout.amount_minor, payout.currency) == (of.amount_minor, of.currency):
        return None
    return f"pays {payout.amount_minor}, the {of.name} is {of.amount_minor}"


def _payout_faults(payout: Payout, of: _Payee | None, *, is_known: bool) -> Iterable[str]:
    if of is None:
        yield f"pays out a {payout.subject.replace('_', ' ')} that does not exist"
        return
    if payout.returned_minor == payout.amount_minor:
        if not of.is_failed:
            yield f"came back, the {of.name} is {of.status}"
        return
    match payout.status:
        case PaymentStatus.SUCCEEDED:
            if of.arrived_on != payout.value_date:
                yield f"arrived on {payout.value_date}, the {of.name} says {of.arrived_on}"
            # What people know of, as a case or as a difference, is no news.
            if payout.has_statement and not is_known and not payout.has_case:
                yield from _statement_faults(payout)
        case PaymentStatus.FAILED:
            if not of.is_failed:
                yield f"failed, the {of.name} is {of.status}"
        case _:
            if payout.outcome is None and not of.is_waiting:
                yield f"is {payout.status}, the {of.name} is {of.status}"


def _statement_faults(payout: Payout) -> Iterable[str]:
    if payout.paid_lines != 1:
        yield f"stands {payout.paid_lines} times on the statement"
    elif payout.paid_minor != payout.amount_minor:
        yield f"stands with {payout.paid_minor} on the statement"
    if payout.returned_lines:
        yield "was returned by the rail"
