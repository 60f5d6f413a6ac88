"""Statements fetched from the customer's bank, under the consent to the use of income.

The story   The customer agreed here to the use of income, and at the bank to give statements for
            that consent. The connector is asked outside every transaction; each file it gives is
            taken in like one that somebody brings: read, checked, sealed, counted.
Invariant   Without a consent that runs the bank is not even asked. A file that is refused leaves
            the others untouched. No answer is refused as such: it never reads as "no statements".
"""

import hashlib
from typing import Any

import orjson

from counterfoil.capacity.port import StatementSource, Unanswered
from counterfoil.capacity.refusals import (
    INCOME_CONSENT_MISSING,
    STATEMENT_SOURCE_ABSENT,
    STATEMENT_SOURCE_SILENT,
)
from counterfoil.capacity.store import text_of
from counterfoil.journeys.affording.statements import Upload, import_statement, may_use_income
from counterfoil.journeys.guarding.assessed import STATEMENTS
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform import idempotency
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Connection


async def fetch_statements(
    house: House, *, customer_id: int, consent_id: int, by: str, idempotency_key: str
) -> Answer | Refused:
    """Fetch what the bank gives; the answer names each file's statement, or why it was refused.

    A bank that gives no answer is a refusal, which is not kept: the same key asks again.
    """
    request = idempotency.request_hash("fetch_statements", {"consent_id": consent_id})
    async with house.database.connection() as connection:
        seen = await idempotency.remember(connection, customer_id, idempotency_key, request)
        if seen is not None:
            return seen
        if not await may_use_income(house, connection, customer_id, consent_id):
            return refuse(INCOME_CONSENT_MISSING)
    if house.statement_source is None:
        return refuse(STATEMENT_SOURCE_ABSENT)
    unassessed = await house.assessed.refuse(*STATEMENTS)
    if unassessed is not None:
        return unassessed
    found = await import_from(
        house, house.statement_source, customer_id=customer_id, consent_id=consent_id, by=by
    )
    if isinstance(found, Refused):
        return found
    document = {
        "customer_id": ids.to_text(ids.CUSTOMER, customer_id),
        "consent_id": ids.to_text(ids.CONSENT, consent_id),
        "files": [_told(place, answer) for place, answer in enumerate(found, 1)],
    }

    async def work(_connection: Connection) -> str | Refused:
        return text_of(document)

    return await idempotency.once(
        house.database,
        scope_id=customer_id,
        key=idempotency_key,
        request=request,
        kind="fetch_statements",
        at=house.clock.now(),
        work=work,
    )


async def import_from(
    house: House, source: StatementSource, *, customer_id: int, consent_id: int, by: str
) -> list[Answer | Refused] | Refused:
    """Take in what a connector gives, once for each statement, in the connector's order."""
    async with house.database.connection() as connection:
        if not await may_use_income(house, connection, customer_id, consent_id):
            return refuse(INCOME_CONSENT_MISSING)
    fetched = await source.fetch(customer_id=customer_id, consent_id=consent_id)
    if isinstance(fetched, Unanswered):
        return refuse(STATEMENT_SOURCE_SILENT, cause=fetched.value)
    answers = []
    for item in fetched:
        upload = Upload(
            customer_id=customer_id,
            consent_id=consent_id,
            form=item.form,
            currency=item.currency,
            content=item.content,
        )
        # The bank's reference may say whose account it is: only its digest is kept.
        name = f"{consent_id}\0{item.reference}".encode()
        key = f"connector-{hashlib.sha256(name).hexdigest()[:32]}"
        answers.append(await import_statement(house, upload, by=by, idempotency_key=key))
    return answers


def _told(place: int, answer: Answer | Refused) -> dict[str, Any]:
    """Return what became of one file; of one that was refused the code and the line."""
    if isinstance(answer, Refused):
        return {
            "place": place,
            "statement_id": None,
            "code": answer.code,
            "line": answer.detail.get("line"),
        }
    found = orjson.loads(answer.text)
    return {"place": place, "statement_id": found["id"], "code": None, "line": None}
