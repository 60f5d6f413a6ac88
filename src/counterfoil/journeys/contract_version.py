"""New versions of running agreements: notice, differences, a day, and the right to leave.

The story   The template has a new version. The lender gives notice: a new agreement for the line is
            prepared, with what changed and the day it takes effect. The customer reads and signs it
            it like the first, or declines. From the day on a signed version holds for new drawings.
            Where the terms change as well, new drawings need it signed from the day on.
Invariant   Nobody is moved without a signature. Loans keep the agreement that their note names. A
            declined or unanswered change of words leaves the line under the one it has, to draw on,
            repay and leave under; of terms (`contract_terms.py`), to repay and leave under.
"""

import difflib
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, NamedTuple

import orjson

from counterfoil.contracts import store
from counterfoil.contracts.contract import Contract, State
from counterfoil.contracts.refusals import (
    AGREEMENT_CHANGE_NOT_SIGNED,
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
from counterfoil.journeys.contract_terms import note_decline, note_notice, terms_offered
from counterfoil.journeys.contract_words import NewVersion, Offer
from counterfoil.journeys.house import House
from counterfoil.journeys.once import once_for
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.kernel.language import Language
from counterfoil.lending import refusals
from counterfoil.lending import store as lending
from counterfoil.lending.account import Setting
from counterfoil.lending.commands import ReplaceAgreement
from counterfoil.lending.line import Line
from counterfoil.lending.terms import Terms
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


class _Notice(NamedTuple):
    """What a customer is to be told."""

    line: Line
    present: Contract
    #: What new drawings would follow.
    terms: Terms
    effective_on: date


async def offer_new_version(
    house: House,
    *,
    customer_id: int,
    line_id: int,
    effective_on: date,
    product_version: int | None = None,
    idempotency_key: str,
) -> Answer | Refused:
    """Give notice of the template's present version, and of changed terms where one is named."""
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
        terms = await terms_offered(connection, house, line, product_version, effective_on)
        if isinstance(terms, Refused):
            return terms
        notice = _Notice(line=line, present=present, terms=terms, effective_on=effective_on)
        made = await _prepared(connection, house, notice, setting_on(house, terms, on, now))
        if isinstance(made, Refused):
            return made
        await store.supersede_open(connection, [(customer_id, line.application_id)])
        await keep(connection, house, [made])
        await note_notice(connection, house, made.contract)
        return await _notice(connection, house, present, made)

    request: dict[str, object] = {"line_id": line_id, "effective_on": effective_on.isoformat()}
    if product_version is not None:
        request["product_version"] = product_version
    return await once_for(
        house,
        customer_id,
        "offer_new_version",
        idempotency_key,
        request,
        work,
        twin=CONTRACT_SUPERSEDED,
    )


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
        if declined and contract is not None:
            await note_decline(connection, house, contract)
    if contract is None:
        return refuse(CONTRACT_NOT_FOUND)
    return contract if declined or contract.state == State.DECLINED else refuse(CONTRACT_SUPERSEDED)


async def line_to_draw_on(house: House, line: Line) -> Line | Refused:
    """Return the line under the terms that hold today; refuses where the customer did not sign.

    A signed change of which the day has come takes effect here, should the worker be late.
    """
    if line.contract_id is None:
        return line
    key = (line.customer_id, line.application_id)
    async with house.database.connection() as connection:
        change = await store.read_terms_change(
            connection, key, replaces=line.contract_id, product_version=line.product_version
        )
    on = await house.business_date()
    if change is None or change.effective_on is None or on < change.effective_on:
        return line
    if change.state != State.SIGNED:
        return refuse(
            AGREEMENT_CHANGE_NOT_SIGNED,
            effective_on=change.effective_on.isoformat(),
            contract_id=ids.to_text(ids.CONTRACT, change.contract_id),
        )
    answer = await _replace(house, change)
    if isinstance(answer, Refused):
        return answer
    async with house.database.connection() as connection:
        found = await lending.read_line(connection, line.customer_id, line.line_id)
    return refuse(refusals.LINE_NOT_FOUND) if found is None else found


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
        product_version=contract.product_version,
        author="customer",
    )
    key = f"agreement:{contract.contract_id}"
    return await house.counter.submit(command, idempotency_key=key)


async def _prepared(
    connection: Connection, house: House, notice: _Notice, setting: Setting
) -> Made | Refused:
    """Return the new agreement, or why no notice of it is given."""
    line, effective_on = notice.line, notice.effective_on
    refused = _refuse_notice(house, notice, setting.business_date)
    if refused:
        return refused
    borrower = (await borrowers_of(connection, house, [line.customer_id])).get(line.customer_id)
    if borrower is None:
        return refuse(PERSONAL_DATA_NOT_FOUND)
    return make(
        house,
        _offer_of(line, notice.terms.tenors_months, effective_on),
        setting,
        borrower,
        replaces=NewVersion(notice.present.contract_id, effective_on),
    )


def _refuse_notice(house: House, notice: _Notice, on: date) -> Refused | None:
    template = present_template(house, notice.terms, on)
    is_same = template is not None and notice.present.is_of(template)
    if template is None or (is_same and notice.present.product_version == notice.terms.version):
        return refuse(NEW_VERSION_NOT_NEEDED)
    earliest = on + timedelta(days=template.notice_days)
    if notice.effective_on < earliest:
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
