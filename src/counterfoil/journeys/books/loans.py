"""Lines and loans on a page: references, re-folded states, sums and versions. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date
from itertools import chain

import orjson

from counterfoil.journeys.books.findings import LEAF_TYPES, Notes, Result
from counterfoil.journeys.books.page import Key, Page
from counterfoil.kernel import ids
from counterfoil.lending.catalogue import UnknownProductError
from counterfoil.lending.check_store import Booked
from counterfoil.lending.checking import (
    checkpoint_faults,
    day_reached,
    due_faults,
    history_faults,
    receivable_e8,
    refold,
    state_faults,
)
from counterfoil.lending.line import Line
from counterfoil.lending.loan import Loan
from counterfoil.lending.refolding import credit_change_minor


def check_references(page: Page, notes: Notes) -> None:
    """Find what hangs in the air: loans have lines, instalments and transactions have loans."""
    result = notes.results["references"]
    result.examined += len(page.loans) + len(page.dues) + len(page.history) + len(page.events)
    for loan in page.loans.values():
        if (loan.customer_id, loan.line_id) not in page.lines:
            result.note(_loan(loan.loan_id), "its line is missing")
    for groups, what in ((page.dues, "instalments"), (page.history, "transactions")):
        for _, loan_id in groups.keys() - page.loans.keys():
            result.note(_loan(loan_id), f"{what} without a loan")
    for key, history in page.history.items():
        stored = page.loans.get(key)
        for booked in history:
            if stored is not None and booked.line_id != stored.line_id:
                number = booked.transaction.transaction_id
                result.note(ids.to_text(ids.TRANSACTION, number), "names another line")
    _check_line_references(page, result)


def _check_line_references(page: Page, result: Result) -> None:
    for _, line_id in page.events.keys() - page.lines.keys():
        result.note(ids.to_text(ids.LINE, line_id), "changes without a line")
    for asked in chain.from_iterable(page.returns.values()):
        if (asked.customer_id, asked.line_id) not in page.lines:
            result.note(ids.to_text(ids.CREDIT_RETURN, asked.return_id), "its line is missing")


def check_loans(page: Page, notes: Notes) -> None:
    """Fold every loan again from its transactions: state, instalments and parts."""
    for key, loan in page.loans.items():
        booked = page.history.get(key, [])
        history = [b.transaction for b in booked]
        try:
            terms = notes.catalogue.terms(loan.product_code, loan.product_version)
        except UnknownProductError as error:
            notes.results["loan_state"].note(_loan(loan.loan_id), str(error))
            continue
        through = day_reached(loan, notes.business_date, is_closing=notes.is_closing)
        try:
            folded, allotted = refold(loan, history, through=through, terms=terms)
        except AssertionError:
            notes.results["loan_state"].note(_loan(loan.loan_id), "cannot be folded again")
            continue
        dues, kept = page.dues.get(key, []), page.checkpoints.get(key, [])
        for name, examined, faults in (
            ("loan_state", 1, state_faults(loan, folded)),
            ("loan_instalments", max(len(dues), len(folded.dues)), due_faults(dues, folded.dues)),
            ("transaction_parts", len(history), history_faults(history, allotted)),
            ("loan_checkpoints", len(kept), checkpoint_faults(loan, history, kept, terms=terms)),
        ):
            result = notes.results[name]
            result.examined += examined
            for fault in faults:
                result.note(_loan(loan.loan_id), fault)
        _sum_up(loan, booked, notes)


def _sum_up(loan: Loan, booked: list[Booked], notes: Notes) -> None:
    """Add what a loan comes to now, and what it came to at the latest close."""
    book = (loan.lender_id, loan.product_code, loan.currency)
    sums = notes.sums[book]
    sums.principal_minor += loan.principal_minor
    if loan.status == "pending":
        sums.held_minor += loan.original_minor
    if notes.accrued is None:
        return
    cut, day = notes.accrued, notes.accrued.day
    seen = [b.transaction for b in booked if cut.saw(b.book_date, b.posted_at, b.xid)]
    if not seen:
        return
    on = date.fromordinal(day.toordinal() + 1)
    terms = notes.catalogue.terms(loan.product_code, loan.product_version)
    folded, _ = refold(loan, seen, through=on, terms=terms)
    if folded.status != "open":
        return
    interest_e8, penalty_e8 = receivable_e8(folded, on)
    sums.interest_e8 += interest_e8
    sums.penalty_e8 += penalty_e8
    sums.fee_minor += folded.due_fee_minor
    bucket = notes.buckets[book, folded.bucket]
    amounts = (1, folded.principal_minor, interest_e8, penalty_e8, folded.due_fee_minor)
    for place, amount in enumerate(amounts):
        bucket[place] += amount


def check_lines(page: Page, notes: Notes) -> None:
    """Sum up each line from its loans, their transactions, and credit that was returned."""
    result = notes.results["line_sums"]
    made: defaultdict[Key, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for loan in page.loans.values():
        sums = made[loan.customer_id, loan.line_id]
        sums[0] += loan.principal_minor
        sums[1] += loan.original_minor if loan.status == "pending" else 0
    for history in page.history.values():
        for booked in history:
            change = credit_change_minor(booked.transaction)
            made[booked.customer_id, booked.line_id][2] += change
    for asked in chain.from_iterable(page.returns.values()):
        sums = made[asked.customer_id, asked.line_id]
        is_gone = asked.status != "failed"
        sums[2] -= asked.amount_minor - asked.bounced_minor if is_gone else 0
        sums[3] += asked.amount_minor if asked.status == "requested" else 0
    for key, line in page.lines.items():
        result.examined += 1
        book = (line.lender_id, line.product_code, line.currency)
        notes.sums[book].credit_minor += line.credit_minor
        notes.sums[book].returning_minor += line.returning_minor
        stored = (line.principal_minor, line.held_minor, line.credit_minor, line.returning_minor)
        for name, has, makes in zip(
            ("principal", "held", "credit", "returning"), stored, made[key], strict=True
        ):
            if has != makes:
                what = f"{name} is {has}, its loans make it {makes}"
                result.note(ids.to_text(ids.LINE, line.line_id), what)


def check_versions(page: Page, notes: Notes) -> None:
    """Count versions: each accepted command makes one, and only a close of day makes others."""
    result = notes.results["line_versions"]
    commands: Counter[Key] = Counter()
    answered: defaultdict[Key, list[int]] = defaultdict(list)
    for customer_id, recorded in page.commands.items():
        for command in recorded:
            if command.kind not in LEAF_TYPES:
                continue
            line_id, version = _line_and_version(command.answer)
            if line_id is not None:
                commands[customer_id, line_id] += 1
                if version is not None:
                    answered[customer_id, line_id].append(version)
    for key, line in page.lines.items():
        result.examined += 1
        for fault in _version_faults(line, commands[key], answered[key], page, notes):
            result.note(ids.to_text(ids.LINE, line.line_id), fault)


def _version_faults(
    line: Line, commands: int, answered: list[int], page: Page, notes: Notes
) -> Iterable[str]:
    key = (line.customer_id, line.line_id)
    changed = [event.version for event in page.events.get(key, [])]
    if len(set(answered)) != len(answered):
        yield "two answers name the same version"
    if not set(changed) <= set(answered):
        yield "a change has a version that no answer names"
    if max([*answered, *changed], default=0) > line.version:
        yield f"stands at version {line.version}, an answer names a later one"
    by_close = line.version - commands
    days = (notes.business_date - line.opened_on).days
    if not 0 <= by_close <= days:
        yield f"version {line.version} after {commands} commands and {days} closed days"


def _line_and_version(answer: str) -> tuple[int | None, int | None]:
    """Return which line an answer is about, and the version it gave it, where it names them."""
    try:
        fields = orjson.loads(answer)
        text = fields.get("line_id") or fields["id"]
        version = fields.get("line_version", fields.get("version"))
        return ids.from_text(ids.LINE, text), version
    except (orjson.JSONDecodeError, KeyError, AttributeError, ids.InvalidIdError):
        return None, None  # the check of the answers says so


def _loan(loan_id: int) -> str:
    return ids.to_text(ids.LOAN, loan_id)
