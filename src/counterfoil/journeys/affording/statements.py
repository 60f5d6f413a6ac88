"""Account statements and what customers state: taken in under a consent, checked, sealed.

The story   The customer agreed in writing to the use of income. The file is read, held against the
            customer's name and against itself, and put into categories; then the use of the
            consent is counted, the file sealed, and what follows from it written, with a leaf.
Invariant   No consent, no use: nothing of a file is read before. The same span of an account is
            taken once, whoever brings it at the same time. What is refused leaves nothing behind.
Privacy     No text of a line leaves the vault: outside it are counts, amounts and months.
"""

import hashlib
import hmac
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import orjson

from counterfoil.capacity import store
from counterfoil.capacity.category import CategorisedLine, categorise, shipped_categories
from counterfoil.capacity.inventory import Debt, DebtKind
from counterfoil.capacity.months import months_of, uncategorised_ppm
from counterfoil.capacity.records import Declaration, StoredStatement
from counterfoil.capacity.refusals import (
    INCOME_CONSENT_MISSING,
    STATEMENT_DUPLICATE,
    STATEMENT_NOT_FOUND,
)
from counterfoil.capacity.statement import Statement, check_statement
from counterfoil.capacity.statement_camt import read_camt
from counterfoil.capacity.statement_csv import CsvColumns, read_csv
from counterfoil.consents.consent import UsedConsent
from counterfoil.customers.refusals import CUSTOMER_NOT_FOUND
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.staging import StagedLeaf
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.affording.exposure_known import institution_digest
from counterfoil.journeys.consenting.consent import usable_consents, use_consent
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.platform import idempotency
from counterfoil.platform.access_matrix import reading
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Connection
from counterfoil.privacy import envelope, grant_store
from counterfoil.privacy import person_store as persons
from counterfoil.privacy.data_keys import existing_key, key_of
from counterfoil.privacy.envelope import Sealer
from counterfoil.privacy.grant_store import Grant
from counterfoil.privacy.refusals import GRANT_NOT_VALID
from counterfoil.privacy.vault import Purpose

#: The notice and the purpose under which income is used.
NOTICE: Final = "income-proof"
PURPOSE: Final = "income_proof"
_SECONDS_PER_DAY: Final = 86_400
_TWINS: Final = {STATEMENT_DUPLICATE.code: STATEMENT_DUPLICATE}
#: Headings where nobody declares others.
DEFAULT_COLUMNS: Final = CsvColumns()
_TABLE: Final = "capacity.statement"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Upload:
    """A statement as somebody brings it; never shown in a log."""

    customer_id: int
    consent_id: int
    #: `csv` or `camt.053`.
    form: str
    currency: str
    content: bytes
    #: Headings of the columns; read for `csv` alone.
    columns: CsvColumns = DEFAULT_COLUMNS


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedDebt:
    """A debt that the customer names."""

    institution: str
    product: str
    opened_on: date | None
    limit_minor: int | None
    balance_minor: int | None
    monthly_minor: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What the customer states of income, household and debts; None is not answered."""

    customer_id: int
    #: Needed where an income is stated.
    consent_id: int | None
    income_monthly_minor: int | None
    documented_monthly_minor: int | None
    region: str | None
    dependants: int
    debt_monthly_minor: int | None
    lenders_count: int | None
    #: Every debt there is; None where the customer was not asked for all.
    debts: tuple[StatedDebt, ...] | None


async def import_statement(
    house: House, upload: Upload, *, by: str, idempotency_key: str
) -> Answer | Refused:
    """Take a statement in; the answer says what follows from it, without a text of any line."""
    said: dict[str, object] = {
        "consent_id": upload.consent_id,
        "form": upload.form,
        "sha256": hashlib.sha256(upload.content).hexdigest(),
    }
    request = idempotency.request_hash("import_statement", said)
    on = await house.business_date()
    async with house.database.connection() as connection:
        seen = await idempotency.remember(connection, upload.customer_id, idempotency_key, request)
        if seen is not None:
            return seen
        read = await _read(house, connection, upload, on)
    if isinstance(read, Refused):
        return read
    lines = categorise(read)

    async def work(connection: Connection) -> str | Refused:
        return await _keep(house, connection, upload, read, lines, by=by)

    return await idempotency.once_or_refused(
        house.database,
        twins=_TWINS,
        scope_id=upload.customer_id,
        key=idempotency_key,
        request=request,
        kind="import_statement",
        at=house.clock.now(),
        work=work,
    )


async def declare(
    house: House, stated: Stated, *, by: str, idempotency_key: str
) -> Answer | Refused:
    """Keep what a customer states; an income only under a consent to its use."""
    said: dict[str, object] = {
        name: getattr(stated, name) for name in stated.__slots__ if name != "debts"
    }
    said["debts"] = None if stated.debts is None else [_debt_said(item) for item in stated.debts]
    on, now = await house.business_date(), house.clock.now()

    async def work(connection: Connection) -> str | Refused:
        states_income = not (
            stated.income_monthly_minor is None and stated.documented_monthly_minor is None
        )
        if states_income:
            used = await _use(house, connection, stated.customer_id, stated.consent_id, by=by)
            if isinstance(used, Refused):
                return used
        declaration = Declaration(
            customer_id=stated.customer_id,
            declaration_id=house.ids.next(),
            consent_id=stated.consent_id if states_income else None,
            income_monthly_minor=stated.income_monthly_minor,
            documented_monthly_minor=stated.documented_monthly_minor,
            region=stated.region,
            dependants=stated.dependants,
            debt_monthly_minor=stated.debt_monthly_minor,
            lenders_count=stated.lenders_count,
            debts=_debts(stated, on),
            stated_on=on,
        )
        await store.add_declaration(connection, declaration, at=now, by=by)
        return store.text_of(
            {
                "id": ids.to_text(ids.DECLARATION, declaration.declaration_id),
                "customer_id": ids.to_text(ids.CUSTOMER, stated.customer_id),
                "stated_on": on.isoformat(),
            }
        )

    async with house.database.connection() as connection:
        if not await persons.is_kept(connection, stated.customer_id):
            return refuse(CUSTOMER_NOT_FOUND)
    return await idempotency.once(
        house.database,
        scope_id=stated.customer_id,
        key=idempotency_key,
        request=idempotency.request_hash("declare_capacity", said),
        kind="declare_capacity",
        at=now,
        work=work,
    )


async def explained_lines(
    house: House, *, customer_id: int, statement_id: int, by: str, grant_id: int
) -> list[CategorisedLine] | Refused:
    """Return every line with its category and why, for a person with a grant to statements."""
    async with house.database.transaction() as connection:
        grant = await grant_store.read_grant(connection, customer_id, grant_id)
        if grant is None:
            return refuse(GRANT_NOT_VALID)
        is_let_in = (
            grant.granted_to == by
            and Purpose.STATEMENT.value in grant.data
            and grant.expires_at > house.clock.now()
        )
        if not is_let_in:
            return refuse(GRANT_NOT_VALID)
        row = await store.sealed_statement(
            connection, customer_id=customer_id, statement_id=statement_id
        )
        key = await existing_key(
            connection, house.vault, customer_id, Purpose.STATEMENT, reading("statement")
        )
        if row is None or row["sealed"] is None or key is None:
            return refuse(STATEMENT_NOT_FOUND)
        if row["expires_at"] <= house.leaves.now():
            return refuse(STATEMENT_NOT_FOUND)
        # The look is written down before anything is given.
        leaf = _opened_leaf(house, customer_id, statement_id, by=by, grant=grant)
        await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])
    place = _place(statement_id, customer_id)
    try:
        plain = house.vault.unseal(Sealer(key), row["sealed"], place)
    except RefusedError as error:
        return error.refused
    head, _, content = plain.partition(b"\n")
    return list(categorise(_parsed(row["form"], row["currency"], content, _columns_of(head))))


async def _read(
    house: House, connection: Connection, upload: Upload, on: date
) -> Statement | Refused:
    """Read and check a file, after the consent to do so was looked at."""
    if not await may_use_income(house, connection, upload.customer_id, upload.consent_id):
        return refuse(INCOME_CONSENT_MISSING)
    try:
        known = await persons.read_identity(
            connection, house.vault, upload.customer_id, reading("statement")
        )
        if known is None:
            return refuse(CUSTOMER_NOT_FOUND)
        statement = _parsed(upload.form, upload.currency, upload.content, upload.columns)
    except RefusedError as error:
        return error.refused
    name = known["name"]
    fault = check_statement(statement, holder=name, currency=upload.currency, on=on)
    return statement if fault is None else fault


async def _keep(
    house: House,
    connection: Connection,
    upload: Upload,
    statement: Statement,
    lines: Sequence[CategorisedLine],
    *,
    by: str,
) -> str | Refused:
    customer_id = upload.customer_id
    key = await key_of(
        connection, house.vault, customer_id, Purpose.STATEMENT, reading("statement")
    )
    account = hmac.digest(key, b"account\0" + statement.account.encode(), "sha256")
    span = (statement.first_date, statement.last_date)
    known = await store.overlapping(connection, customer_id, account, span)
    if known:
        return refuse(STATEMENT_DUPLICATE, line=_first_known_line(statement, known))
    used = await _use(house, connection, customer_id, upload.consent_id, by=by)
    if isinstance(used, Refused):
        return used
    statement_id, now = house.ids.next(), house.leaves.now()
    sealed = Sealer(key).encrypt(
        _heading(upload.columns) + b"\n" + upload.content,
        _place(statement_id, customer_id),
        house.vault.suite,
    )
    months = months_of(statement, lines)
    stored = StoredStatement(
        customer_id=customer_id,
        statement_id=statement_id,
        consent_id=upload.consent_id,
        use_no=used.use_no,
        form=upload.form,
        account_digest=account,
        file_sha256=hashlib.sha256(upload.content).digest(),
        currency=upload.currency,
        first_date=statement.first_date,
        last_date=statement.last_date,
        lines_count=len(lines),
        categories=store.text_of(_by_category(lines)),
        rules_version=shipped_categories().version,
        brought_by=by,
        received_at=now,
        expires_at=now + used.consent.data_life_days * _SECONDS_PER_DAY,
        sealed=sealed,
    )
    leaf = _opened_leaf(house, customer_id, statement_id, by=by, grant=None)
    await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])
    await store.add_statement(connection, stored, months)
    document = statement_document(stored)
    document["uncategorised_ppm"] = uncategorised_ppm(months)
    return store.text_of(document)


def statement_document(stored: StoredStatement) -> dict[str, Any]:
    """Return what is said of a statement: nothing of a line's text, nothing of the account."""
    return {
        "id": ids.to_text(ids.STATEMENT, stored.statement_id),
        "customer_id": ids.to_text(ids.CUSTOMER, stored.customer_id),
        "consent_id": ids.to_text(ids.CONSENT, stored.consent_id),
        "form": stored.form,
        "currency": stored.currency,
        "first_date": stored.first_date.isoformat(),
        "last_date": stored.last_date.isoformat(),
        "lines_count": stored.lines_count,
        "categories": orjson.loads(stored.categories),
        "rules_version": stored.rules_version,
        "received_at": stored.received_at,
        "expires_at": stored.expires_at,
        "is_erased": stored.erased_at is not None,
    }


def lender_id(house: House) -> str:
    """Return the legal identifier under which this house is given consents for itself."""
    versions = house.notices.versions(NOTICE)
    return house.notices.party(versions[-1].scope.recipient).legal_id if versions else ""


async def may_use_income(
    house: House, connection: Connection, customer_id: int, consent_id: int
) -> bool:
    """Tell whether a consent allows a use now; nothing is counted."""
    usable = await usable_consents(
        house, connection, customer_id, purpose=PURPOSE, recipient=lender_id(house)
    )
    return any(item.consent_id == consent_id for item in usable)


async def _use(
    house: House, connection: Connection, customer_id: int, consent_id: int | None, *, by: str
) -> UsedConsent | Refused:
    if consent_id is None:
        return refuse(INCOME_CONSENT_MISSING)
    return await use_consent(
        house,
        connection,
        customer_id=customer_id,
        consent_id=consent_id,
        purpose=PURPOSE,
        recipient=lender_id(house),
        by=by,
    )


def _parsed(form: str, currency: str, content: bytes, columns: CsvColumns) -> Statement:
    if form == "csv":
        return read_csv(content, columns, currency)
    return read_camt(content, currency)


def _first_known_line(statement: Statement, known: Sequence[tuple[date, date]]) -> int:
    """Return the first line of a day that an earlier statement covers."""
    numbers = [
        line.number
        for line in statement.lines
        if any(first <= line.date <= last for first, last in known)
    ]
    return min(numbers, default=statement.lines[0].number)


def _by_category(lines: Sequence[CategorisedLine]) -> list[dict[str, Any]]:
    counts = Counter(item.category for item in lines)
    amounts: Counter[str] = Counter()
    for item in lines:
        amounts[item.category] += item.line.amount_minor
    return [
        {"category": code, "lines_count": counts[code], "amount_minor": amounts[code]}
        for code in sorted(counts)
    ]


def _opened_leaf(
    house: House, customer_id: int, statement_id: int, *, by: str, grant: Grant | None
) -> StagedLeaf:
    return house.leaves.stage(
        customer_id,
        house.ids.next(),
        LeafType.OPENED,
        statement_id,
        {
            "data": "statement",
            "grant": None if grant is None else ids.to_text(ids.ACCESS_GRANT, grant.grant_id),
            "purpose": PURPOSE,
            "ticket": None if grant is None else grant.ticket,
            "who": by,
        },
    )


def _place(statement_id: int, customer_id: int) -> bytes:
    return envelope.place(_TABLE, "sealed", statement_id, customer_id, Purpose.STATEMENT.value)


def _heading(columns: CsvColumns) -> bytes:
    """Return the declared columns on one line before the file, so that it can be read again."""
    return store.text_of([getattr(columns, name) for name in CsvColumns.__slots__]).encode()


def _columns_of(heading: bytes) -> CsvColumns:
    return CsvColumns(**dict(zip(CsvColumns.__slots__, orjson.loads(heading), strict=True)))


def _debts(stated: Stated, on: date) -> tuple[Debt, ...] | None:
    if stated.debts is None:
        return None
    return tuple(
        Debt(
            kind=DebtKind.STATED,
            ref=f"stated-{place}",
            institution=institution_digest(item.institution, stated.customer_id),
            product=item.product,
            opened_on=item.opened_on,
            limit_minor=item.limit_minor,
            balance_minor=item.balance_minor,
            monthly_minor=item.monthly_minor,
            is_open=True,
            is_disputed=False,
            as_of=on,
        )
        for place, item in enumerate(stated.debts, 1)
    )


def _debt_said(item: StatedDebt) -> list[object]:
    return [
        item.institution,
        item.product,
        None if item.opened_on is None else item.opened_on.isoformat(),
        item.limit_minor,
        item.balance_minor,
        item.monthly_minor,
    ]
