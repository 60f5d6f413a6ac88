"""The cost sheet as a customer reads it: the very document that is hashed, put into words.

A page that shows a sheet hands `SheetView` to `parts/sheet.html`. Nothing is computed here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from counterfoil.kernel.money import E8
from counterfoil.portal.visit import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetItem:
    """Something that is paid, or would be: its name, payee, basis and amount."""

    name: str
    payee: str
    basis: str
    amount: str
    #: Worked with the customer's own figures; empty where it is paid in any case.
    example: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRow:
    """One instalment."""

    number: str
    day: str
    due: str
    principal: str
    interest: str
    fee: str
    balance: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetView:
    """A cost sheet."""

    product: str
    lender: str
    currency: str
    principal: str
    total: str
    cost: str
    annual_cost: str
    annual_method: str
    annual_simple: str
    rate_annual: str
    items: Sequence[SheetItem]
    contingent: Sequence[SheetItem]
    rows: Sequence[SheetRow]
    has_fees: bool
    notices: Sequence[str]
    statement: str
    sha256: str


def sheet_view(visit: Visit, document: Mapping[str, Any], sha256: str) -> SheetView:
    """Return a sheet's document in the reader's language."""
    f, currency = visit.formats, document["currency"]
    lang = "zh" if visit.catalogue.language == "zh-CN" else "en"
    notices = [*document["notices"], *document.get("risks", ())]
    return SheetView(
        product=document["product"][f"name_{lang}"],
        lender=document["lender"][f"name_{lang}"],
        currency=f.currency(currency),
        principal=f.money(document["principal_minor"], currency),
        total=f.money(document["total_minor"], currency),
        cost=f.money(document["cost_minor"], currency),
        annual_cost=f.percent(document["annual_cost"]["effective_e8"], E8),
        annual_method=document["annual_cost"]["effective_method"][lang],
        annual_simple=f.percent(document["annual_cost"]["simple_e8"], E8),
        rate_annual=f.rate(document["rate_annual_contract_e8"]),
        items=[_item(visit, item, currency, lang) for item in document["items"]],
        contingent=[_contingent(visit, item, lang) for item in document["contingent_items"]],
        rows=[_row(visit, row, currency) for row in document["rows"]],
        has_fees=any(row["fee_minor"] for row in document["rows"]),
        notices=[words[lang] for words in notices],
        statement=document["statement"][lang],
        sha256=sha256,
    )


def _item(visit: Visit, item: Mapping[str, Any], currency: str, lang: str) -> SheetItem:
    return SheetItem(
        name=item["name"][lang],
        payee=item["payee"][f"name_{lang}"],
        basis=item["basis"][lang],
        amount=visit.formats.money(item["amount_minor"], currency),
    )


def _contingent(visit: Visit, item: Mapping[str, Any], lang: str) -> SheetItem:
    return SheetItem(
        name=item["name"][lang],
        payee=item["payee"][f"name_{lang}"],
        basis=item["basis"][lang],
        amount=visit.t("sheet.only_then"),
        example=item["example"][lang],
    )


def _row(visit: Visit, row: Mapping[str, Any], currency: str) -> SheetRow:
    f = visit.formats
    return SheetRow(
        number=str(row["instalment_no"]),
        day=f.day(date.fromisoformat(row["due_date"])),
        due=f.amount(row["due_minor"], currency),
        principal=f.amount(row["principal_minor"], currency),
        interest=f.amount(row["interest_minor"], currency),
        fee=f.amount(row["fee_minor"], currency),
        balance=f.amount(row["balance_minor"], currency),
    )
