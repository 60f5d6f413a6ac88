"""A second-generation personal credit report, read into what the house may need of it.

Units       Amounts in minor units (the report writes yuan); months as `yyyy-MM`; dates as written.
Absence     None means that the report does not say. Every item but number and time is optional.
Kept        Tags that the format's document (`report_tags.toml`) does not name are kept with their
            text; codes that nobody knows stay as they are. Neither breaks the reading.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Final

from counterfoil.bureau.document import Document, Element, ReportMalformedError, read_document
from counterfoil.kernel.money import from_major_text

_FILE: Final = "report_tags.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """Where a format carries what: the document of tags, checked once."""

    sections: Mapping[str, Mapping[str, Any]]
    root: str
    currency: str
    known: frozenset[str]

    def __getitem__(self, section: str) -> Mapping[str, Any]:
        """Return a section's names."""
        return self.sections[section]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account as the report shows it."""

    mark: str | None
    #: D1, R1 … R4, C1.
    type: str | None
    is_revolving: bool
    is_closed: bool
    #: Whether it bears an annotation: somebody objects to what stands there.
    is_disputed: bool
    #: The limit of a revolving account, the amount of any other.
    granted_minor: int | None
    balance_minor: int | None
    used_minor: int | None
    overdue_minor: int | None
    #: Periods overdue in the latest month, not cut off as a status is.
    periods_overdue: int | None
    #: Month and repayment status, latest first, as far as the month is known.
    statuses: tuple[tuple[str, str], ...]
    #: Code of the organisation, code of the business, and the day of opening, as written.
    institution: str | None = None
    product: str | None = None
    opened: str | None = None
    #: What falls due in the latest month.
    due_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarantee:
    """A debt of somebody else for which the person answers."""

    institution: str | None
    business: str | None
    opened: str | None
    liability_minor: int | None
    is_disputed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthOfBills:
    """What one account's annex says of a month."""

    month: str
    billed_minor: int
    paid_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InquiryRecord:
    """Somebody asked before."""

    date: str
    organisation: str | None
    reason_code: str | None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Report:
    """One report; never shown in a log."""

    number: str
    made_at: str
    subject_name: str | None
    subject_document_type: str | None
    subject_document_number: str | None
    inquirer: str | None
    reason_code: str | None
    has_fraud_warning: bool
    objection_marks_count: int
    accounts: tuple[Account, ...]
    #: Longest delay of any account in months, as the summary has it; None where it has none.
    months_overdue_longest: int | None
    #: By account, latest month first; empty where the bureau sends no annex.
    bills: Mapping[str, tuple[MonthOfBills, ...]]
    inquiries: tuple[InquiryRecord, ...]
    guarantees: tuple[Guarantee, ...]
    #: Tags that the format does not name, with their text.
    unknown: tuple[tuple[str, str], ...]


@lru_cache(maxsize=1)
def second_generation() -> Tags:
    """Return the tags of the second-generation personal report."""
    return read_tags(
        resources.files("counterfoil.bureau").joinpath(_FILE).read_text(encoding="utf-8")
    )


def read_tags(text: str) -> Tags:
    """Read a document of tags."""
    document = tomllib.loads(text)
    sections = {name: value for name, value in document.items() if isinstance(value, dict)}
    known = {block + rest for block, all_ in sections["known"].items() for rest in all_.split()}
    named = {
        value
        for name, section in sections.items()
        if name != "known"
        for value in section.values()
        if isinstance(value, str)
    }
    return Tags(
        sections=sections,
        root=document["root"],
        currency=document["currency"],
        known=frozenset(known | named),
    )


def read_report(text: bytes, tags: Tags | None = None) -> Report:
    """Return the report of an XML text; raise ReportMalformedError where it is none."""
    tags = tags or second_generation()
    document = read_document(text)
    if document.root.tag != tags.root:
        raise ReportMalformedError(f"the root is not {tags.root}")
    items = document.texts(document.root)
    header = tags["header"]
    number, made_at = items.get(header["number"]), items.get(header["made_at"])
    if not number or not made_at:
        raise ReportMalformedError("a report has a number and a time")
    accounts = document.of_tag(tags["account"]["block"])
    return Report(
        number=number,
        made_at=made_at,
        subject_name=items.get(header["subject_name"]),
        subject_document_type=items.get(header["subject_document_type"]),
        subject_document_number=items.get(header["subject_document_number"]),
        inquirer=items.get(header["inquirer"]),
        reason_code=items.get(header["reason_code"]),
        has_fraud_warning=bool(items.get(header["fraud_warning"])),
        objection_marks_count=_count(items, header["objection_marks_count"]) or 0,
        accounts=tuple(_account(document, block, tags) for block in accounts),
        months_overdue_longest=_months_overdue_longest(document, tags),
        bills=_bills(document, tags),
        inquiries=_inquiries(document, tags),
        guarantees=_guarantees(document, tags),
        unknown=_unknown(document, tags),
    )


def _account(document: Document, block: Element, tags: Tags) -> Account:
    names = tags["account"]
    items = document.texts(block)
    kind = items.get(names["type"])
    is_revolving = kind in names["types_revolving"]
    balance = _amount(items, names["balance"], tags)
    if balance is None:
        balance = _amount(items, names["balance_latest"], tags)
    return Account(
        mark=items.get(names["mark"]),
        type=kind,
        is_revolving=is_revolving,
        is_closed=bool(items.get(names["closed"])),
        is_disputed=bool(_count(items, names["annotations_count"])),
        granted_minor=_amount(items, names["limit" if is_revolving else "granted"], tags),
        balance_minor=balance,
        used_minor=_amount(items, names["used"], tags),
        overdue_minor=_amount(items, names["overdue"], tags),
        periods_overdue=_count(items, names["periods_overdue"]),
        statuses=_statuses(document, block, tags),
        institution=items.get(names["institution"]),
        product=items.get(names["business"]),
        opened=items.get(names["opened"]),
        due_minor=_amount(items, names["due"], tags),
    )


def _guarantees(document: Document, tags: Tags) -> tuple[Guarantee, ...]:
    names = tags["guarantee"]
    blocks = [document.texts(block) for block in document.of_tag(names["block"])]
    return tuple(
        Guarantee(
            institution=items.get(names["institution"]),
            business=items.get(names["business"]),
            opened=items.get(names["opened"]),
            liability_minor=_amount(items, names["liability"], tags),
            is_disputed=bool(_count(items, names["annotations_count"])),
        )
        for items in blocks
    )


def _statuses(document: Document, block: Element, tags: Tags) -> tuple[tuple[str, str], ...]:
    names, unknown = tags["account"], tags["statuses"]["unknown"]
    found = []
    for group in document.of_tag(names["month_group"], block):
        items = document.texts(group)
        month, status = items.get(names["month_of_group"]), items.get(names["status_of_group"], "")
        if month and status not in unknown:
            found.append((month, status))
    return tuple(sorted(found, reverse=True))


def _months_overdue_longest(document: Document, tags: Tags) -> int | None:
    names = tags["overdue_summary"]
    found = [
        _count(document.texts(group), names["months_longest"])
        for group in document.of_tag(names["group"])
    ]
    return max((count for count in found if count is not None), default=None)


def _bills(document: Document, tags: Tags) -> dict[str, tuple[MonthOfBills, ...]]:
    names = tags["annex"]
    found = {}
    for block in document.of_tag(names["block"]):
        months = []
        for group in document.of_tag(names["month_group"], block):
            items = document.texts(group)
            month = items.get(names["month_of_group"])
            billed = _amount(items, names["billed"], tags)
            paid = _amount(items, names["paid"], tags)
            if month and billed is not None and paid is not None:
                months.append(MonthOfBills(month=month, billed_minor=billed, paid_minor=paid))
        found[document.texts(block).get(names["mark"], "")] = tuple(
            sorted(months, key=lambda item: item.month, reverse=True)
        )
    return found


def _inquiries(document: Document, tags: Tags) -> tuple[InquiryRecord, ...]:
    names = tags["inquiry"]
    blocks = [document.texts(block) for block in document.of_tag(names["block"])]
    return tuple(
        InquiryRecord(
            date=items.get(names["date"], ""),
            organisation=items.get(names["organisation"]),
            reason_code=items.get(names["reason_code"]),
        )
        for items in blocks
    )


def _unknown(document: Document, tags: Tags) -> tuple[tuple[str, str], ...]:
    """Return leaves of which the format's document says nothing."""
    return tuple(
        (item.tag, item.text)
        for item in document.elements
        if item.text and item.tag not in tags.known
    )


def _count(items: Mapping[str, str], tag: str) -> int | None:
    text = items.get(tag)
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 9:  # noqa: PLR2004 - a bound
        raise ReportMalformedError(f"{tag} is no count")
    return int(text)


def _amount(items: Mapping[str, str], tag: str, tags: Tags) -> int | None:
    """Return an amount in minor units; the report writes major units."""
    text = items.get(tag)
    if not text:
        return None
    if len(text) > 20:  # noqa: PLR2004 - a bound
        raise ReportMalformedError(f"{tag} is no amount")
    try:
        return from_major_text(text, tags.currency)
    except ValueError as error:
        raise ReportMalformedError(f"{tag} is no amount") from error
