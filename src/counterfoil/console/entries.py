"""Journal entries as they are shown beside what caused them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from counterfoil.console import words
from counterfoil.console.access import Permission
from counterfoil.console.visit import Visit
from counterfoil.kernel import ids
from counterfoil.platform.queries import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class PostingView:
    """One posting."""

    account: str
    account_name: str
    #: Empty, as the journal's is, for whoever may not read the ledger.
    account_href: str
    debit: str
    credit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryView:
    """One journal with its postings."""

    record: str
    href: str
    kind: str
    book_date: str
    postings: Sequence[PostingView]


def entries_by_transaction(visit: Visit, postings: Sequence[Row]) -> dict[int, list[EntryView]]:
    """Return the journals of each transaction."""
    found: dict[int, list[EntryView]] = {}
    for journal in _journals(postings):
        number = journal[0]["transaction_id"]
        if number is not None:
            found.setdefault(number, []).append(entry_view(visit, journal))
    return found


def loose_entries(visit: Visit, postings: Sequence[Row]) -> list[EntryView]:
    """Return the journals that belong to the loan and to no transaction, such as holds."""
    return [
        entry_view(visit, journal)
        for journal in _journals(postings)
        if journal[0]["transaction_id"] is None
    ]


def entry_view(visit: Visit, journal: Sequence[Row]) -> EntryView:
    """Return one journal; its rows are its postings."""
    first = journal[0]
    href = words.journal_href(first["customer_id"], first["journal_id"])
    return EntryView(
        record=visit.formats.record(ids.JOURNAL, first["journal_id"]),
        href=href if visit.may(Permission.READ_LEDGER) else "",
        kind=words.code_label(visit, "journal", first["kind"]),
        book_date=visit.formats.day(first["book_date"]),
        postings=[posting_view(visit, row) for row in journal],
    )


def posting_view(visit: Visit, row: Row) -> PostingView:
    """Return one posting: an amount stands on one side, nothing on the other."""
    f = visit.formats
    return PostingView(
        account=str(row["account"]),
        account_name=account_name(visit, row["account"]),
        account_href=(
            words.account_href(row["account"]) if visit.may(Permission.READ_LEDGER) else ""
        ),
        debit=f.amount(row["debit_minor"] or None, row["currency"]),
        credit=f.amount(row["credit_minor"] or None, row["currency"]),
    )


def account_name(visit: Visit, account: int) -> str:
    """Return an account's name in the reader's language."""
    names = visit.desk.account_names.get(account)
    if names is None:
        return str(account)
    return names[0] if visit.catalogue.language == "zh-CN" else names[1]


def _journals(postings: Sequence[Row]) -> list[list[Row]]:
    return [list(rows) for _, rows in groupby(postings, key=lambda row: row["journal_id"])]
