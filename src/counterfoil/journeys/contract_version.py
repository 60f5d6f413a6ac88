"""New versions of running agreements: notice, differences, a day, and the right to leave.

The story   The template has a new version. The lender gives notice: a new agreement for the line is
            prepared, with what changed and the day it takes effect. The customer reads and signs it
            like the first, or declines. From the day on a signed version holds for new drawings.
Invariant   Nobody is moved without a signature. Loans keep the agreement that their note names; a
            declined or unanswered version leaves the line under the one it has, to draw on, repay
            and leave under.
"""

import difflib
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import orjson

from counterfoil.contracts import store
from counterfoil.contracts.contract import Contract, State
from counterfoil.contracts.refusals import (
    CONTRACT_NOT_FOUND,
    CONTRACT_NOT_SIGNED,
    CONTRACT_SUPERSEDED,
    NEW_VERSION_NOT_EFFECTIVE,
    NEW_VERSION_NOT_NEEDED,
    NOTICE_TOO_SHORT,
)
from counterfoil.journeys.contract import contract_answer
from counterfoil.journeys.contract_making import (
    Made,
    Texts,
    borrowers_of,
    keep,
    make,
    open_texts,
    present_template,
    setting_on,
)
from counterfoil.journeys.contract_words import NewVersion, Offer
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.kernel.language import Language
from counterfoil.lending import refusals
from counterfoil.lending import store as lending
from counterfoil.lending.commands import ReplaceAgreement
from counterfoil.lending.line import Line
from counterfoil.platform import idempotency
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Connection
from counterfoil.privacy.refusals import PERSONAL_DATA_NOT_FOUND

#: A notice stays open to be signed for this long after its day.
ANSWER_DAYS: Final = 30
#: A day on which no worker ran is made up for within so many days.
MISSED_DAYS: Final = 60
#: Agreements that take effect in one step.
STEP_MAX: Final = 200
#: Lines around a difference are not repeated: the whole text is shown anyway.
_CONTEXT_LINES: Final = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a new version says otherwise, line by line in the order of the text."""

    language: Language
    #: Each begins with `-` for the earlier and `+` for the new text.
    lines: tuple[str, ...]


async def offer_new_version(
    house: House,
    *,
    customer_id: int,
    line_id: int,
    effective_on: date,
    idempotency_key: str,
) -> Answer | Refused:
    """Give notice of the template's present version to the customer of a line."""
    on, now = await house.business_date(), house.clock.now()

    async def work(connection: Connection) -> str | Refused:
        line = await lending.read_line(connection, customer_id, line_id)
        if line is None:
            return refuse(refusals.LINE_NOT_FOUND)
        if line.contract_id is None:
            return refuse(refusals.AGREEMENT_NOT_SIGNED)
        present = await store.read_contract(connection, customer_id, line.contract_id)
        if present is None:
            return refuse(CONTRACT_NOT_FOUND)
        refused = _refuse_notice(house, line, present, effective_on, on)
        if refused:
            return refused
        borrower = (await borrowers_of(connection, house, [customer_id])).get(customer_id)
        if borrower is None:
            return refuse(PERSONAL_DATA_NOT_FOUND)
        terms = house.catalogue.terms(line.product_code, line.product_version)
        made = make(
            house,
            _offer_of(line, terms.tenors_months, effective_on),
            setting_on(house, terms, on, now),
            borrower,
            replaces=NewVersion(present.contract_id, effective_on),
        )
        if isinstance(made, Refused):
            return made
        await store.supersede_open(connection, [(customer_id, line.application_id)])
        await keep(connection, house, [made])
        return await _notice(connection, house, present, made)

    request: dict[str, object] = {"line_id": line_id, "effective_on": effective_on.isoformat()}
    try:
        return await idempotency.once(
            house.database,
            scope_id=customer_id,
            key=idempotency_key,
            request=idempotency.request_hash("offer_new_version", request),
            kind="offer_new_version",
            at=now,
            work=work,
        )
    except RefusedError as error:
        return error.refused
    except idempotency.TwinError:
        return refuse(CONTRACT_SUPERSEDED)


async def accept_new_version(
    house: House, *, customer_id: int, contract_id: int
) -> Answer | Refused:
    """Let new drawings follow a signed version, from its day on; again is the same as once."""
    on = await house.business_date()
    async with house.database.connection() as connection:
        contract = await store.read_contract(connection, customer_id, contract_id)
    if contract is None or contract.replaces is None or contract.effective_on is None:
        return refuse(CONTRACT_NOT_FOUND)
    if contract.state != State.SIGNED:
        return refuse(CONTRACT_NOT_SIGNED)
    if on < contract.effective_on:
        return refuse(NEW_VERSION_NOT_EFFECTIVE, effective_on=contract.effective_on.isoformat())
    return await _replace(house, contract)


async def decline_new_version(
    house: House, *, customer_id: int, contract_id: int
) -> Contract | Refused:
    """Note that a customer does not take a new version; the earlier agreement stays."""
    async with house.database.transaction() as connection:
        declined = await store.decline(connection, customer_id, contract_id)
        contract = await store.read_contract(connection, customer_id, contract_id)
    if contract is None:
        return refuse(CONTRACT_NOT_FOUND)
    return contract if declined or contract.state == State.DECLINED else refuse(CONTRACT_SUPERSEDED)


async def take_effect(house: House) -> int:
    """Let signed versions whose day has come take effect; return how many lines were changed."""
    on, after, count = await house.business_date(), (0, 0), 0
    since = on - timedelta(days=MISSED_DAYS)
    while True:
        async with house.database.connection() as connection:
            page = await store.read_taking_effect(
                connection, on, since=since, after=after, page=STEP_MAX
            )
        for contract in page:
            answer = await _replace(house, contract)
            count += isinstance(answer, Answer) and not answer.is_replay
        if len(page) < STEP_MAX:
            return count
        after = (page[-1].customer_id, page[-1].contract_id)


def difference(earlier: Texts, new: Texts, language: Language) -> Difference:
    """Return what a new text says otherwise."""
    lines = difflib.unified_diff(
        earlier.of(language).splitlines(),
        new.of(language).splitlines(),
        lineterm="",
        n=_CONTEXT_LINES,
    )
    told = tuple(line for line in lines if not line.startswith(("---", "+++", "@@")))
    return Difference(language=language, lines=told)


async def _replace(house: House, contract: Contract) -> Answer | Refused:
    """Ask the counter; the contract's own number makes the command the same on every retry."""
    command = ReplaceAgreement(
        customer_id=contract.customer_id,
        line_id=contract.application_id,
        contract_id=contract.contract_id,
        agreement_sha256=contract.signed_sha256,
        author="customer",
    )
    key = f"agreement:{contract.contract_id}"
    return await house.counter.submit(command, idempotency_key=key)


def _refuse_notice(
    house: House, line: Line, present: Contract, effective_on: date, on: date
) -> Refused | None:
    terms = house.catalogue.terms(line.product_code, line.product_version)
    template = present_template(house, terms, on)
    if template is None or present.is_of(template):
        return refuse(NEW_VERSION_NOT_NEEDED)
    earliest = on + timedelta(days=template.notice_days)
    if effective_on < earliest:
        return refuse(
            NOTICE_TOO_SHORT, least_days=template.notice_days, earliest=earliest.isoformat()
        )
    return None


def _offer_of(line: Line, tenors: tuple[int, ...], effective_on: date) -> Offer:
    """Return what the line is: its limit and price do not change with the words around them."""
    return Offer(
        customer_id=line.customer_id,
        application_id=line.application_id,
        limit_minor=line.limit_minor,
        rate_daily_e8=line.rate_daily_e8,
        tenors_months=tenors,
        valid_until=effective_on + timedelta(days=ANSWER_DAYS),
    )


async def _notice(connection: Connection, house: House, present: Contract, made: Made) -> str:
    """Return what the customer is told: which version, from when, and how many lines differ.

    The differences themselves name the customer and are read from the contract, not kept here.
    """
    earlier = await open_texts(connection, house, present)
    changed = 0
    if not isinstance(earlier, Refused):
        changed = len(difference(earlier, made.texts, Language.CHINESE).lines)
    answer = contract_answer(made.contract) | {
        "line_id": ids.to_text(ids.LINE, made.contract.application_id),
        "changed_lines": changed,
    }
    return orjson.dumps(answer, option=orjson.OPT_SORT_KEYS).decode()


async def differences(
    house: House, *, customer_id: int, contract_id: int
) -> list[Difference] | Refused:
    """Return what a new version says otherwise, in both languages."""
    try:
        async with house.database.connection() as connection:
            contract = await store.read_contract(connection, customer_id, contract_id)
            if contract is None or contract.replaces is None:
                return refuse(CONTRACT_NOT_FOUND)
            before = await store.read_contract(connection, customer_id, contract.replaces)
            if before is None:
                return refuse(CONTRACT_NOT_FOUND)
            earlier = await open_texts(connection, house, before)
            new = await open_texts(connection, house, contract)
    except RefusedError as error:
        return error.refused
    if isinstance(earlier, Refused):
        return earlier
    if isinstance(new, Refused):
        return new
    return [difference(earlier, new, language) for language in Language]
