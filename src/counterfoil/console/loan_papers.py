"""What the page of a loan shows beside its schedule: the fees agreed to, and the papers given.

A paper is shown with the figures that it gives and the hash that names it, never made again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from counterfoil.console import words
from counterfoil.console.loan_reading import Papers
from counterfoil.console.visit import Visit
from counterfoil.kernel import ids
from counterfoil.lending.loan import Loan
from counterfoil.lending.paper_store import StoredSheet, StoredStatement
from counterfoil.lending.terms import Fee, FeeBasis


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeRow:
    """A fee as it was agreed to: what for, how much, to whom."""

    name: str
    timing: str
    measure: str
    payee: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeesView:
    """The fees of a loan, and where they stand; each amount is the lender's and a guarantor's."""

    rows: Sequence[FeeRow]
    due: str
    paid: str
    guarantee_due: str
    guarantee_paid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRow:
    """A cost sheet as it was given."""

    number: str
    made_on: str
    cause: str
    transaction: str
    rate: str
    instalments: str
    fees: str
    total: str
    annual: str
    read: str
    words: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementRow:
    """A version of a month's statement, of the whole line."""

    month: str
    version: str
    made_on: str
    reason: str
    caused_by: str
    paid: str
    closing: str
    changes: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PapersView:
    """Everything that was given of a loan."""

    sheets: Sequence[SheetRow]
    statements: Sequence[StatementRow]


def fees_view(visit: Visit, loan: Loan) -> FeesView | None:
    """Return the fees of a loan, None where it has none."""
    if not loan.fees:
        return None
    f, currency = visit.formats, loan.currency
    return FeesView(
        rows=[_fee(visit, fee, currency) for fee in loan.fees],
        due=f.amount(loan.due_fee_minor, currency),
        paid=f.amount(loan.fee_paid_minor, currency),
        guarantee_due=f.amount(loan.due_guarantee_minor, currency),
        guarantee_paid=f.amount(loan.guarantee_paid_minor, currency),
    )


def papers_view(visit: Visit, loan: Loan, papers: Papers) -> PapersView:
    """Return the papers, the newest first."""
    return PapersView(
        sheets=[_sheet(visit, one, loan.currency) for one in reversed(papers.sheets)],
        statements=[_statement(visit, one, loan.currency) for one in reversed(papers.statements)],
    )


def _fee(visit: Visit, fee: Fee, currency: str) -> FeeRow:
    f = visit.formats
    if fee.basis is FeeBasis.FIXED:
        measure = f.money(fee.amount_minor, currency)
    else:
        basis = words.code_label(visit, "fee_basis", fee.basis)
        measure = visit.t("loan.fee_share", share=f.rate(fee.share_e8), basis=basis)
    if fee.cap_minor is not None:
        measure = visit.t("loan.fee_capped", fee=measure, most=f.money(fee.cap_minor, currency))
    return FeeRow(
        name=fee.name_zh if visit.catalogue.language == "zh-CN" else fee.name_en,
        timing=words.code_label(visit, "fee_timing", fee.timing),
        measure=measure,
        payee=words.code_label(visit, "fee_payee", fee.payee),
    )


def _sheet(visit: Visit, stored: StoredSheet, currency: str) -> SheetRow:
    f, sheet = visit.formats, orjson.loads(stored.sheet)
    difference = orjson.loads(stored.difference) if stored.difference else {}
    caused = stored.transaction_id
    return SheetRow(
        number=str(stored.sheet_no),
        made_on=f.day(stored.made_on),
        cause=words.code_label(visit, "sheet_cause", stored.cause),
        transaction="" if caused is None else f.record(ids.TRANSACTION, caused),
        rate=f.rate(sheet["rate_daily_e8"]),
        instalments=f.count(len(sheet["rows"])),
        fees=f.amount(sum(row["fee_minor"] for row in sheet["rows"]) or None, currency),
        total=f.money(sheet["total_minor"], currency),
        annual=f.rate(sheet["annual_cost"]["effective_e8"]),
        read="" if stored.read_ms is None else visit.t("loan.sheet_read", seconds=_seconds(stored)),
        words=_in_language(visit, difference.get("words", {})),
        sha256=visit.known_by_all(stored.sheet_sha256.hex()),
    )


def _seconds(stored: StoredSheet) -> str:
    assert stored.read_ms is not None
    return str(stored.read_ms // 1_000)


def _statement(visit: Visit, stored: StoredStatement, currency: str) -> StatementRow:
    f, totals = visit.formats, orjson.loads(stored.statement)["totals"]
    paid = totals["principal_paid_minor"] + totals["interest_paid_minor"]
    paid += totals["penalty_paid_minor"] + totals["fees_paid_minor"]
    caused = stored.cause_id
    return StatementRow(
        month=stored.month.isoformat()[:7],
        version=str(stored.version_no),
        made_on=f.day(stored.made_on),
        reason=words.code_label(visit, "statement_reason", stored.reason),
        caused_by="" if caused is None else f.record(ids.TRANSACTION, caused),
        paid=f.amount(paid, currency),
        closing=f.amount(totals["closing_principal_minor"], currency),
        changes=_changes(visit, stored, currency),
        sha256=visit.known_by_all(stored.statement_sha256.hex()),
    )


def _changes(visit: Visit, stored: StoredStatement, currency: str) -> str:
    """Return which totals a version changed, with both amounts."""
    if stored.difference is None:
        return ""
    f, figures = visit.formats, orjson.loads(stored.difference)["figures"]
    return " · ".join(
        visit.t(
            "loan.statement_change",
            name=words.code_label(visit, "statement_figure", name.removesuffix("_minor")),
            before=f.amount(both["before"], currency),
            after=f.amount(both["after"], currency),
        )
        for name, both in figures.items()
    )


def _in_language(visit: Visit, text: Mapping[str, Any]) -> str:
    return str(text.get("zh" if visit.catalogue.language == "zh-CN" else "en", ""))
