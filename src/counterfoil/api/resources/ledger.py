"""The books: chart of accounts, trial balance, journals."""

from datetime import date, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query

from counterfoil.api import refusals
from counterfoil.api.paging import PageView, Paging, page_of, page_of_whole
from counterfoil.api.reads import HouseOf, business_date, reads
from counterfoil.api.resources.loans import loan_or_refuse
from counterfoil.api.shapes import CustomerId, Day, JournalId, LoanId, View
from counterfoil.journeys.books.reconcile_ledger import reconcile_ledger
from counterfoil.kernel import ids
from counterfoil.kernel.errors import RefusedError, refuse
from counterfoil.ledger import store
from counterfoil.ledger.chart import CHART
from counterfoil.ledger.posting import CREDIT_RETURN_KINDS
from counterfoil.ledger.store import HOUSE, Balance, Journal
from counterfoil.platform.access import Scope

TAG = "Ledger"
router = APIRouter()
DAYS_MAX: Final = 366


class AccountView(View):
    """An account of the chart."""

    account: int
    name_en: str
    name_zh: str
    #: `asset`, `liability`, `income` or `memorandum`.
    kind: str
    #: The side on which its balance normally stands.
    normal: str


class Accounts(View):
    """The chart of accounts."""

    items: list[AccountView]


class BalanceView(View):
    """An account in a trial balance."""

    lender_id: str
    currency: str
    account: int
    name_en: str
    name_zh: str
    debit_minor: int
    credit_minor: int
    #: Debits less credits.
    balance_minor: int


class TrialBalanceView(View):
    """Every account's debits and credits up to and including a date; both sums are equal."""

    on: date
    items: list[BalanceView]


class PostingView(View):
    """One posting of a journal: one of the two amounts is 0."""

    account: int
    debit_minor: int
    credit_minor: int


class JournalView(View):
    """A journal; its debits and credits are equal, and it never changes."""

    id: str
    #: None: the house's own, for instance the day's interest of a whole book.
    customer_id: str | None
    lender_id: str
    currency: str
    product_code: str
    book_date: date
    posted_at: datetime
    kind: str
    loan_id: str | None
    transaction_id: str | None
    postings: list[PostingView]


class Journals(PageView):
    """Journals in the order of booking."""

    items: list[JournalView]


class PairView(View):
    """An account of one book, as the general ledger and the loans and lines have it."""

    lender_id: str
    product_code: str
    currency: str
    account: int
    #: Debits less credits.
    general_minor: int
    sub_ledger_minor: int
    difference_minor: int
    #: Whether the two agree, or will after the next close of day.
    is_ok: bool


class ReconciliationView(View):
    """Both ledgers side by side, under one snapshot."""

    items: list[PairView]


@router.get("/v1/ledger/accounts", **reads(Scope.LEDGER_READ, TAG, "Read the chart of accounts"))
async def list_accounts() -> Accounts:
    """Return every account.

    The list is whole: the chart of accounts.
    """
    return Accounts(
        items=[
            AccountView(
                account=account.code,
                name_en=account.name_en,
                name_zh=account.name_zh,
                kind=account.kind.value,
                normal=account.normal.value,
            )
            for account in CHART.values()
        ]
    )


@router.get("/v1/ledger/trial-balance", **reads(Scope.LEDGER_READ, TAG, "Read the trial balance"))
async def get_trial_balance(
    house: HouseOf,
    on: Annotated[Day | None, Query(description="By default the business date.")] = None,
) -> TrialBalanceView:
    """Return the trial balance of all lenders of record.

    The list is whole: one row a lender, currency and account.
    """
    async with house.database.connection() as connection:
        day = on or await business_date(connection)
        balances = await store.trial_balance(connection, day)
    return TrialBalanceView(on=day, items=[balance_view(balance) for balance in balances])


@router.get("/v1/ledger/reconciliation", **reads(Scope.LEDGER_READ, TAG, "Compare both ledgers"))
async def get_reconciliation(house: HouseOf) -> ReconciliationView:
    """Return what lines and loans add up to beside what the books show.

    The list is whole: one row a lender, product and account.
    """
    pairs = await reconcile_ledger(house.database)
    return ReconciliationView(
        items=[
            PairView(
                lender_id=pair.lender_id,
                product_code=pair.product_code,
                currency=pair.currency,
                account=pair.account,
                general_minor=pair.general_minor,
                sub_ledger_minor=pair.sub_ledger_minor,
                difference_minor=pair.difference_minor,
                is_ok=pair.ok,
            )
            for pair in pairs
        ]
    )


@router.get(
    "/v1/ledger/accounts/{account}/journals",
    **reads(Scope.LEDGER_READ, TAG, "List the journals of an account"),
)
async def list_account_journals(
    house: HouseOf,
    account: int,
    first_date: Annotated[Day, Query(alias="from")],
    last_date: Annotated[Day, Query(alias="to")],
    turn: Paging,
) -> Journals:
    """Return the journals that post to an account on the dates of a span, both included."""
    if account not in CHART:
        raise RefusedError(refuse(refusals.ACCOUNT_NOT_FOUND, account=account))
    if not timedelta(0) <= last_date - first_date < timedelta(days=DAYS_MAX):
        raise RefusedError(refuse(refusals.SPAN_INVALID, days_max=DAYS_MAX))
    async with house.database.connection() as connection:
        found = await store.journals_of_account(
            connection,
            account,
            (first_date, last_date),
            after=turn.pair(),
            page=turn.page,
            is_back=turn.is_back,
        )
    page = page_of(found, turn, lambda item: (item.journal_id, item.customer_id))
    return Journals(
        items=[journal_view(journal) for journal in page.items],
        **page.cursors,
    )


@router.get("/v1/ledger/journals/{journal_id}", **reads(Scope.LEDGER_READ, TAG, "Read a journal"))
async def get_journal(
    house: HouseOf,
    journal_id: JournalId,
    customer_id: Annotated[
        CustomerId | None, Query(description="Whose it is; left out for the house's own.")
    ] = None,
) -> JournalView:
    """Return a journal with its postings."""
    async with house.database.connection() as connection:
        found = await store.journal(connection, customer_id or HOUSE, journal_id)
    if found is None:
        raise RefusedError(refuse(refusals.JOURNAL_NOT_FOUND))
    return journal_view(found)


@router.get(
    "/v1/loans/{loan_id}/journals", **reads(Scope.LEDGER_READ, TAG, "List the journals of a loan")
)
async def list_loan_journals(
    house: HouseOf, loan_id: LoanId, customer_id: Annotated[CustomerId, Query()], turn: Paging
) -> Journals:
    """Return what the books show of a loan, in the order of booking."""
    async with house.database.connection() as connection:
        await loan_or_refuse(connection, customer_id, loan_id)
        found = await store.journals_of_loan(connection, customer_id, loan_id)
    page = page_of_whole(found, turn, lambda journal: (0, journal.journal_id))
    return Journals(items=[journal_view(journal) for journal in page.items], **page.cursors)


def balance_view(balance: Balance) -> BalanceView:
    """Return what an answer says of an account's balance."""
    account = CHART[balance.account]
    return BalanceView(
        lender_id=balance.lender_id,
        currency=balance.currency,
        account=balance.account,
        name_en=account.name_en,
        name_zh=account.name_zh,
        debit_minor=balance.debit_minor,
        credit_minor=balance.credit_minor,
        balance_minor=balance.debit_minor - balance.credit_minor,
    )


def journal_view(journal: Journal) -> JournalView:
    """Return what an answer says of a journal."""
    owner, loan, transaction = journal.customer_id, journal.loan_id, journal.transaction_id
    moved = ids.CREDIT_RETURN if journal.kind in CREDIT_RETURN_KINDS else ids.TRANSACTION
    return JournalView(
        id=ids.to_text(ids.JOURNAL, journal.journal_id),
        customer_id=None if owner == HOUSE else ids.to_text(ids.CUSTOMER, owner),
        lender_id=journal.lender_id,
        currency=journal.currency,
        product_code=journal.product_code,
        book_date=journal.book_date,
        posted_at=journal.posted_at,
        kind=journal.kind,
        loan_id=None if loan is None else ids.to_text(ids.LOAN, loan),
        transaction_id=None if transaction is None else ids.to_text(moved, transaction),
        postings=[
            PostingView(account=account, debit_minor=max(amount, 0), credit_minor=max(-amount, 0))
            for account, amount in zip(journal.accounts, journal.amounts, strict=True)
        ],
    )
