"""The ledger: trial balance on any date, an account's days and postings, one journal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from starlette.responses import Response

from counterfoil.console import words
from counterfoil.console.access import Permission
from counterfoil.console.entries import EntryView, account_name, entry_view
from counterfoil.console.page import Page
from counterfoil.console.pages import errors
from counterfoil.console.reading import READING
from counterfoil.console.visit import Visit
from counterfoil.kernel import ids
from counterfoil.ledger.posting import CREDIT_RETURN_KINDS
from counterfoil.platform.queries import Row
from counterfoil.platform.web.forms import FormReader
from counterfoil.platform.web.parts import Form

#: Days that an account's page lists.
DAYS_SHOWN: Final = 62
#: Postings of one day on one page.
POSTINGS_SHOWN: Final = 200

_ACCOUNT_DIGITS_MAX: Final = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceRow:
    """One account's sums and its balance, which stands on one side."""

    account: str
    name: str
    href: str
    debit: str
    credit: str
    debit_balance: str
    credit_balance: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyBalance:
    """The trial balance of one currency."""

    currency: str
    rows: Sequence[BalanceRow]
    debit: str
    credit: str
    difference: str
    is_balanced: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialBalanceView:
    """The trial balance on a date."""

    form: Form
    on: str
    balances: Sequence[CurrencyBalance]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRow:
    """An account's sums of one day."""

    day: str
    href: str
    currency: str
    debit: str
    credit: str
    net: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PostingRow:
    """One posting to an account."""

    record: str
    href: str
    kind: str
    at: str
    loan: str
    loan_href: str
    debit: str
    credit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """An account: its days, and the postings of one of them."""

    account: str
    name: str
    form: Form
    days: Sequence[DayRow]
    day: str
    postings: Sequence[PostingRow]
    next_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalView:
    """One journal."""

    record: str
    entry: EntryView
    total: str
    facts: Sequence[tuple[str, str, str]]


async def show_trial_balance(visit: Visit) -> Response:
    """Show the sums of all accounts up to a date."""
    async with visit.reading() as connection:
        on, form = _date_asked(visit, "on")
        rows = await READING.trial_balance.fetch(connection, on_date=on)
    currencies = sorted({row["currency"] for row in rows})
    view = TrialBalanceView(
        form=form,
        on=visit.formats.day(on),
        balances=[
            _balance(visit, code, [row for row in rows if row["currency"] == code])
            for code in currencies
        ],
    )
    return visit.page(
        "ledger/trial_balance.html",
        visit.t("ledger.trial_balance"),
        view,
        status=400 if form.errors else 200,
        journey="console.reading.trial_balance",
        api_call=f"GET /v1/ledger/trial-balance?on={on}",
    )


async def show_account(visit: Visit) -> Response:
    """Show an account's days; with `day`, the postings of that day."""
    text = visit.request.path_params["account"]
    if not (text.isascii() and text.isdigit() and len(text) <= _ACCOUNT_DIGITS_MAX):
        return await errors.not_found(visit)
    account = int(text)
    if account not in visit.desk.account_names:
        return await errors.not_found(visit)
    async with visit.reading() as connection:
        on, form = _date_asked(visit, "on")
        days = await READING.account_days.fetch(
            connection, account=account, on_date=on, page=DAYS_SHOWN
        )
        day = _day_asked(visit, days)
        postings = await READING.account_postings.fetch(
            connection,
            account=account,
            book_date=day,
            after_number=_after(visit),
            page=POSTINGS_SHOWN,
        )
    view = AccountView(
        account=text,
        name=account_name(visit, account),
        form=form,
        days=[_day_row(visit, account, row) for row in days],
        day=visit.formats.day(day),
        postings=[_posting_row(visit, row) for row in postings],
        next_href=_next_href(visit, account, day, postings),
    )
    return visit.page(
        "ledger/account.html",
        f"{text} {view.name}",
        view,
        status=400 if form.errors else 200,
        journey="console.reading.account_days",
    )


async def show_journal(visit: Visit) -> Response:
    """Show one journal with its postings."""
    params = visit.request.path_params
    try:
        owner = params["owner"]
        customer_id = 0 if owner == "house" else ids.from_text(ids.CUSTOMER, owner)
        journal_id = ids.from_text(ids.JOURNAL, params["journal"])
    except ids.InvalidIdError:
        return await errors.not_found(visit)
    async with visit.reading() as connection:
        rows = await READING.journal.fetch(
            connection, customer_id=customer_id, journal_id=journal_id
        )
    if not rows:
        return await errors.not_found(visit)
    first = rows[0]
    record = ids.to_text(ids.JOURNAL, journal_id)
    view = JournalView(
        record=record,
        entry=entry_view(visit, rows),
        total=visit.formats.money(sum(row["debit_minor"] for row in rows), first["currency"]),
        facts=_journal_facts(visit, first),
    )
    return visit.page(
        "ledger/journal.html",
        visit.t("ledger.journal_title", record=record),
        view,
        journey="console.reading.journal",
    )


def _date_asked(visit: Visit, name: str) -> tuple[date, Form]:
    today = visit.business_date or date.min
    asked = visit.request.query_params.get(name, "")
    reader = FormReader({name: asked})
    day = reader.day(name, required=False)
    form = visit.form(visit.request.url.path, reader, **{name: asked or today.isoformat()})
    return day or today, form


def _day_asked(visit: Visit, days: Sequence[Row]) -> date:
    """Return the day whose postings are shown: the one asked for, else the latest."""
    try:
        return date.fromisoformat(visit.request.query_params.get("day", ""))
    except ValueError:
        return days[0]["book_date"] if days else date.min


def _after(visit: Visit) -> int:
    try:
        return ids.from_text(ids.JOURNAL, visit.request.query_params.get("after", ""))
    except ids.InvalidIdError:
        return 0


def _next_href(visit: Visit, account: int, day: date, postings: Sequence[Row]) -> str:
    if len(postings) < POSTINGS_SHOWN:
        return ""
    last = ids.to_text(ids.JOURNAL, postings[-1]["journal_id"])
    on = visit.request.query_params.get("on", "")
    return f"{words.account_href(account)}?day={day}&after={last}" + (f"&on={on}" if on else "")


def _balance(visit: Visit, currency: str, rows: Sequence[Row]) -> CurrencyBalance:
    f = visit.formats
    debit = sum(row["debit_minor"] for row in rows)
    credit = sum(row["credit_minor"] for row in rows)
    return CurrencyBalance(
        currency=f.currency(currency),
        rows=[_balance_row(visit, row) for row in rows],
        debit=f.amount(debit, currency),
        credit=f.amount(credit, currency),
        difference=f.amount(debit - credit, currency),
        is_balanced=debit == credit,
    )


def _balance_row(visit: Visit, row: Row) -> BalanceRow:
    f, currency = visit.formats, row["currency"]
    net = row["debit_minor"] - row["credit_minor"]
    return BalanceRow(
        account=str(row["account"]),
        name=account_name(visit, row["account"]),
        href=words.account_href(row["account"]),
        debit=f.amount(row["debit_minor"], currency),
        credit=f.amount(row["credit_minor"], currency),
        debit_balance=f.amount(net if net > 0 else None, currency),
        credit_balance=f.amount(-net if net < 0 else None, currency),
    )


def _day_row(visit: Visit, account: int, row: Row) -> DayRow:
    f, currency = visit.formats, row["currency"]
    return DayRow(
        day=f.day(row["book_date"]),
        href=f"{words.account_href(account)}?day={row['book_date']}#postings",
        currency=f.currency(currency),
        debit=f.amount(row["debit_minor"], currency),
        credit=f.amount(row["credit_minor"], currency),
        net=f.amount(row["debit_minor"] - row["credit_minor"], currency),
    )


def _posting_row(visit: Visit, row: Row) -> PostingRow:
    f, currency, loan = visit.formats, row["currency"], row["loan_id"]
    return PostingRow(
        record=f.record(ids.JOURNAL, row["journal_id"]),
        href=words.journal_href(row["customer_id"], row["journal_id"]),
        kind=words.code_label(visit, "journal", row["kind"]),
        at=f.instant(row["posted_at"]),
        loan=f.record(ids.LOAN, loan),
        loan_href=words.loan_href(row["customer_id"], loan) if loan else "",
        debit=f.amount(row["debit_minor"] or None, currency),
        credit=f.amount(row["credit_minor"] or None, currency),
    )


def _journal_facts(visit: Visit, row: Row) -> list[tuple[str, str, str]]:
    f, t, loan = visit.formats, visit.t, row["loan_id"]
    loan_href = words.loan_href(row["customer_id"], loan) if loan else ""
    moved = ids.CREDIT_RETURN if row["kind"] in CREDIT_RETURN_KINDS else ids.TRANSACTION
    return [
        (t("ledger.kind"), words.code_label(visit, "journal", row["kind"]), ""),
        (t("loan.book_date"), f.day(row["book_date"]), ""),
        (t("loan.posted_at"), f.instant(row["posted_at"], seconds=True), ""),
        (t("ledger.lender"), row["lender_id"], ""),
        (t("loan.product"), words.product_name(visit, row["product_code"]), ""),
        (t("payment.loan"), f.record(ids.LOAN, loan), loan_href),
        (t("loan.transaction"), f.record(moved, row["transaction_id"]), ""),
    ]


PAGES: Final = (
    Page(path="/ledger", show=show_trial_balance, permission=Permission.READ_LEDGER),
    Page(path="/ledger/accounts/{account}", show=show_account, permission=Permission.READ_LEDGER),
    Page(
        path="/ledger/journals/{owner}/{journal}",
        show=show_journal,
        permission=Permission.READ_LEDGER,
    ),
)
