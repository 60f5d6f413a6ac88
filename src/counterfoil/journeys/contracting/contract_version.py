"""Changes of running agreements: notice, differences, a day, and the right to leave.

The story   The lender would change the template's words, the product's terms, the price of new
            drawings, or lower the limit by agreement. It gives notice: a new agreement for the line
            is prepared, with what changed and the day it takes effect. The customer reads and signs
            it like the first, declines it, or leaves: pays back and closes the line, at no cost.
            From the day on a signed version holds for new drawings. The lender may take back a
            notice that nobody has signed.
Invariant   Nobody is moved without a signature. Loans keep the agreement that their note names.
            What is declined or unanswered leaves the line under the agreement it has: to draw on,
            repay and leave under; after the day of a binding change (`contracts.change`) to repay
            and leave under.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

import orjson

from counterfoil.contracts import store
from counterfoil.contracts.change import (
    Change,
    Conditions,
    Difference,
    changes_between,
    difference,
    is_binding,
)
from counterfoil.contracts.contract import Contract, State
from counterfoil.contracts.refusals import (
    AGREEMENT_CHANGE_NOT_SIGNED,
    CONTRACT_ALREADY_SIGNED,
    CONTRACT_NOT_FOUND,
    CONTRACT_NOT_SIGNED,
    CONTRACT_SUPERSEDED,
    NEW_VERSION_NOT_EFFECTIVE,
    NEW_VERSION_NOT_NEEDED,
    NEW_VERSION_SIGNED,
    NOTICE_TOO_SHORT,
)
from counterfoil.contracts.template import Template
from counterfoil.journeys.borrowing.line_prices import announced_prices
from counterfoil.journeys.contracting.contract import contract_answer
from counterfoil.journeys.contracting.contract_making import (
    Made,
    borrower_of,
    keep_one,
    make,
    open_texts,
    present_template,
    setting_on,
)
from counterfoil.journeys.contracting.contract_terms import (
    VersionWish,
    figures_offered,
    note_decline,
    note_notice,
    note_withdrawal,
    refuse_cost_of_leaving,
    terms_offered,
)
from counterfoil.journeys.contracting.contract_words import NewVersion, Offer
from counterfoil.journeys.house import House
from counterfoil.journeys.once import once_for
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.kernel.language import Language
from counterfoil.lending import refusals
from counterfoil.lending import store as lending
from counterfoil.lending.commands import ReplaceAgreement, SetLimit
from counterfoil.lending.line import Line
from counterfoil.lending.repricing import price_on
from counterfoil.lending.terms import Terms
from counterfoil.platform.access_matrix import reading
from counterfoil.platform.batches import Answer
from counterfoil.platform.database import Connection
from counterfoil.rules.shelf import days_asked

#: A notice stays open to be signed for this long after its day; a binding one while the line is.
ANSWER_DAYS: Final = 30
#: A day on which no worker ran is made up for within so many days.
MISSED_DAYS: Final = 60
#: Agreements that take effect in one step.
STEP_MAX: Final = 200
#: Why a limit was lowered, in the line's history.
REASON: Final = "agreement_change"


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """What a customer is to be told, or would be."""

    wish: VersionWish
    line: Line
    present: Contract
    template: Template
    #: What new drawings would follow.
    terms: Terms
    #: What they follow now, and would follow: the price is that of a drawing on the day.
    before: Conditions
    after: Conditions
    #: Since when the price would be the agreement's own.
    price_since: date | None

    @property
    def changes(self) -> tuple[Change, ...]:
        """Return what changes."""
        return changes_between(self.before, self.after)

    @property
    def is_binding(self) -> bool:
        """Tell whether new drawings need it signed from its day on."""
        return is_binding(self.before, self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A notice that was given: the agreement that holds, and the one that is offered."""

    present: Contract
    made: Made


async def offer_new_version(
    house: House, wish: VersionWish, *, idempotency_key: str
) -> Answer | Refused:
    """Give notice of what would change in a running line's agreement, from a day on."""
    on = await house.business_date()

    async def work(connection: Connection) -> str | Refused:
        given = await give_notice(connection, house, wish, on)
        if isinstance(given, Refused):
            return given
        return await _notice_text(connection, house, given.present, given.made)

    return await once_for(
        house,
        wish.customer_id,
        "offer_new_version",
        idempotency_key,
        wish.request(),
        work,
        twin=CONTRACT_SUPERSEDED,
    )


async def give_notice(
    connection: Connection, house: House, wish: VersionWish, on: date
) -> Given | Refused:
    """Prepare the new version and let the customer be told; what is refused has written nothing."""
    notice = await what_changes(connection, house, wish, on)
    if isinstance(notice, Refused):
        return notice
    line = notice.line
    borrower = await borrower_of(connection, house, line.customer_id, reading("contract_text"))
    if isinstance(borrower, Refused):
        return borrower
    made = make(
        house,
        _offer_of(notice),
        setting_on(house, notice.terms, on, house.clock.now()),
        borrower,
        replaces=NewVersion(notice.present.contract_id, wish.effective_on),
    )
    if isinstance(made, Refused):
        return made
    made = replace(made, contract=_with_changes(made.contract, notice))
    await store.supersede_open(connection, [(line.customer_id, line.application_id)])
    await keep_one(connection, house, made)
    await note_notice(connection, house, made.contract, author=wish.author)
    return Given(present=notice.present, made=made)


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


async def withdraw_new_version(
    house: House, *, customer_id: int, contract_id: int, author: str
) -> Contract | Refused:
    """Take a notice back that nobody has signed: the line goes on as if there had been none."""
    async with house.database.transaction() as connection:
        withdrawn = await store.withdraw(connection, customer_id, contract_id)
        contract = await store.read_contract(connection, customer_id, contract_id)
        if withdrawn and contract is not None:
            await note_withdrawal(connection, house, contract, author=author)
    if contract is None or contract.replaces is None:
        return refuse(CONTRACT_NOT_FOUND)
    if withdrawn or contract.state == State.WITHDRAWN:
        return contract
    is_signed = contract.state == State.SIGNED
    return refuse(CONTRACT_ALREADY_SIGNED if is_signed else CONTRACT_SUPERSEDED)


async def line_to_draw_on(house: House, line: Line) -> Line | Refused:
    """Return the line under the agreement that holds today; refuses where it was not signed.

    A signed change of which the day has come takes effect here, should the worker be late.
    """
    async with house.database.connection() as connection:
        change = await _pending(connection, line)
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


async def _pending(connection: Connection, line: Line) -> Contract | None:
    """Return the change that waits for its day or its signature, where one does."""
    if line.contract_id is None:
        return None
    return await store.read_pending_change(
        connection,
        (line.customer_id, line.application_id),
        replaces=line.contract_id,
        product_version=line.product_version,
    )


async def _replace(house: House, contract: Contract) -> Answer | Refused:
    """Ask the counter; the contract's own number makes the commands the same on every retry.

    A limit is lowered first: after a crash in between the version still waits and is taken up.
    """
    changes = contract.changes or ()
    if Change.LIMIT in changes:
        refused = await _lower(house, contract)
        if refused is not None:
            return refused
    command = ReplaceAgreement(
        customer_id=contract.customer_id,
        line_id=contract.application_id,
        contract_id=contract.contract_id,
        agreement_sha256=contract.signed_sha256,
        product_version=contract.product_version,
        rate_daily_e8=contract.rate_daily_e8 if Change.PRICE in changes else None,
        limit_minor=contract.limit_minor if Change.LIMIT in changes else None,
        author="customer",
    )
    key = f"agreement:{contract.contract_id}"
    return await house.counter.submit(command, idempotency_key=key)


async def _lower(house: House, contract: Contract) -> Refused | None:
    """Lower the limit to what was agreed to; one that is lower already is not given back."""
    async with house.database.connection() as connection:
        line = await lending.read_line(connection, contract.customer_id, contract.application_id)
    if line is None or line.contract_id != contract.replaces:
        return None
    if line.limit_minor <= contract.limit_minor:
        return None
    command = SetLimit(
        customer_id=contract.customer_id,
        line_id=contract.application_id,
        limit_minor=contract.limit_minor,
        from_minor=line.limit_minor,
        reason=REASON,
        author="customer",
    )
    answer = await house.counter.submit(
        command, idempotency_key=f"agreement-limit:{contract.contract_id}"
    )
    return answer if isinstance(answer, Refused) else None


async def what_changes(
    connection: Connection, house: House, wish: VersionWish, on: date
) -> Noticed | Refused:
    """Return what a notice would tell, or why none of it is given; nothing is written."""
    line = await lending.read_line(connection, wish.customer_id, wish.line_id)
    if line is None:
        return refuse(refusals.LINE_NOT_FOUND)
    refused = _refuse_line(line, wish, await _pending(connection, line))
    if refused or line.contract_id is None:
        return refused or refuse(refusals.AGREEMENT_NOT_SIGNED)
    present = await store.read_contract(connection, wish.customer_id, line.contract_id)
    if present is None:
        return refuse(CONTRACT_NOT_FOUND)
    terms = terms_offered(house, line, wish)
    if isinstance(terms, Refused):
        return terms
    template = present_template(house, terms, on)
    if template is None:
        return refuse(NEW_VERSION_NOT_NEEDED)
    announced = await announced_prices(connection, line)
    costs = price_on(announced.prices, wish.effective_on, agreed_daily_e8=line.rate_daily_e8)
    rate, limit = figures_offered(wish, line)
    before = Conditions(
        template=(present.template_code, present.template_version),
        product_version=present.product_version,
        rate_daily_e8=line.rate_daily_e8 if wish.rate_daily_e8 is None else costs,
        limit_minor=line.limit_minor,
    )
    notice = Noticed(
        wish=wish,
        line=line,
        present=present,
        template=template,
        terms=terms,
        before=before,
        after=Conditions(
            template=(template.code, template.version),
            product_version=terms.version,
            rate_daily_e8=rate,
            limit_minor=limit,
        ),
        price_since=announced.agreed_since,
    )
    refused = _refuse_notice(notice, on)
    return refused or await refuse_cost_of_leaving(connection, line, before, notice.after) or notice


def _refuse_line(line: Line, wish: VersionWish, waits: Contract | None) -> Refused | None:
    """Refuse a notice for a line that has ended by its day, or whose next agreement is signed."""
    if line.status == "closed":
        return refuse(refusals.LINE_CLOSED)
    if wish.effective_on > line.valid_to:
        return refuse(refusals.LINE_EXPIRED, valid_to=line.valid_to.isoformat())
    if waits is not None and waits.state == State.SIGNED and waits.effective_on is not None:
        return refuse(NEW_VERSION_SIGNED, effective_on=waits.effective_on.isoformat())
    return None


def _refuse_notice(notice: Noticed, on: date) -> Refused | None:
    if not notice.changes:
        return refuse(NEW_VERSION_NOT_NEEDED)
    days = notice.template.notice_days
    if notice.after.rate_daily_e8 > notice.before.rate_daily_e8:
        licence = notice.terms.licence
        days = max(days, days_asked("price_rise_notice_days_least", on=on, licence=licence))
    earliest = on + timedelta(days=days)
    if notice.wish.effective_on < earliest:
        return refuse(NOTICE_TOO_SHORT, least_days=days, earliest=earliest.isoformat())
    return None


def _offer_of(notice: Noticed) -> Offer:
    """Return what the line would be."""
    line, until = notice.line, notice.wish.effective_on + timedelta(days=ANSWER_DAYS)
    return Offer(
        customer_id=line.customer_id,
        application_id=line.application_id,
        limit_minor=notice.after.limit_minor,
        rate_daily_e8=notice.after.rate_daily_e8,
        tenors_months=notice.terms.tenors_months,
        # Who may not draw without a signature can sign while the line lasts.
        valid_until=max(until, line.valid_to) if notice.is_binding else until,
    )


def _with_changes(contract: Contract, notice: Noticed) -> Contract:
    has_price = Change.PRICE in notice.changes
    return replace(
        contract,
        changes=[change.value for change in notice.changes],
        is_binding=notice.is_binding,
        from_limit_minor=notice.before.limit_minor,
        from_rate_daily_e8=notice.before.rate_daily_e8,
        price_since=contract.effective_on if has_price else notice.price_since,
    )


async def _notice_text(connection: Connection, house: House, present: Contract, made: Made) -> str:
    """Return what the customer is told: which version, from when, and how many lines differ.

    The differences themselves name the customer and are read from the contract, not kept here.
    """
    earlier = await open_texts(connection, house, present)
    changed = 0
    if not isinstance(earlier, Refused):
        changed = len(difference(earlier.zh, made.texts.zh, Language.CHINESE).lines)
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
    return [difference(earlier.of(one), new.of(one), one) for one in Language]
