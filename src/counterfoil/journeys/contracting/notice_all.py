"""Notice of a change to all lines of a product: one act of two people, carried out in pages.

The story   Somebody asks for it, somebody else approves exactly this, the same call again begins
            it. Each line is given the notice that it would be given alone (`contract_version.py`),
            or is passed over with the code of why not. The worker carries it on; so does whoever
            began it.
Invariant   A line is given notice once: its outcome is written in the transaction of the notice.
            A crash in between leaves the lines before it noticed and the others to come. The same
            act asked for again is the one that was carried out, and gives nothing twice.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from counterfoil.contracts import notice_run_store as runs
from counterfoil.contracts import store
from counterfoil.contracts.contract import Contract
from counterfoil.contracts.notice_run_store import NoticeRun
from counterfoil.contracts.refusals import NOTICE_WITHOUT_LINE
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.staging import HOUSE
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.approve import ask_approval, list_approvals
from counterfoil.journeys.contracting.contract_making import present_template
from counterfoil.journeys.contracting.contract_terms import VersionWish
from counterfoil.journeys.contracting.contract_version import give_notice
from counterfoil.journeys.house import House
from counterfoil.journeys.trail import Act, note, note_refusal
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, RefusedError, refuse
from counterfoil.lending import store as lending
from counterfoil.lending.selection_store import count_lines, lines_of_product
from counterfoil.platform.access_matrix import Actor
from counterfoil.platform.approvals import (
    APPROVAL_MISSING,
    Approval,
    Value,
    payload_hash,
    require_approval,
)
from counterfoil.platform.database import Connection
from counterfoil.privacy.masking import mask_free_text
from counterfoil.privacy.refusals import REASON_MISSING

APPROVAL: Final = "agreement_notice"
#: Lines looked at in one step.
LINES_PER_STEP: Final = 100
#: Why a line is passed over that has the very same notice already.
ALREADY: Final = "already_noticed"
_WAITING_MAX: Final = 100

#: Customer and line.
Key = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductWish:
    """What the lender would change of all lines of a product; None leaves it as each has it."""

    product_code: str
    #: Lines under this version alone; None for all lines of the product.
    of_version: int | None = None
    effective_on: date
    product_version: int | None = None
    #: Daily price, 1e-8.
    rate_daily_e8: int | None = None
    reason: str

    @property
    def payload(self) -> dict[str, Value]:
        """Return exactly what is approved."""
        return {
            "product": self.product_code,
            "of_version": self.of_version,
            "effective_on": self.effective_on.isoformat(),
            "product_version": self.product_version,
            "rate_daily_e8": self.rate_daily_e8,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """An act and what has become of its lines so far."""

    run: NoticeRun
    noticed: int
    #: How many lines were passed over, by code.
    passed_over: dict[str, int]


async def notice_lines(
    house: House, actor: Actor, wish: ProductWish
) -> Progress | Approval | Refused:
    """Begin to give notice if somebody else has approved it; else ask for that, once.

    What was begun before is told as it stands.
    """
    act = Act(name="agreement_notice", subject=wish.product_code, reason=wish.reason)
    if not wish.reason.strip():
        return await note_refusal(house, actor, act, refuse(REASON_MISSING))
    digest = payload_hash(wish.payload)
    async with house.database.connection() as connection:
        begun = await runs.read_runs(connection, payload_sha256=digest)
        count = await count_lines(connection, wish.product_code, wish.of_version)
    if begun:
        return await _progress(house, begun[0])
    if not count:
        refused = refuse(NOTICE_WITHOUT_LINE, product=wish.product_code)
        return await note_refusal(house, actor, act, refused)
    try:
        return await _progress(house, await _begin(house, actor, wish, act))
    except RefusedError as error:
        if error.refused.refusal is not APPROVAL_MISSING:
            return await note_refusal(house, actor, act, error.refused)
    for approval in await list_approvals(house, only_open=True, page=_WAITING_MAX):
        if approval.kind == APPROVAL and approval.payload_hash == digest:
            return approval
    summary = _summary(wish, count)
    return await ask_approval(
        house, actor, APPROVAL, wish.payload, summary=summary, reason=wish.reason
    )


async def carry_notices(house: House, *, page: int = LINES_PER_STEP) -> int:
    """Look at some more lines of the oldest act under way; return how much was done."""
    async with house.database.connection() as connection:
        waiting = await runs.read_runs(connection, is_unfinished=True)
        if not waiting:
            return 0
        run = waiting[-1]
        after = (run.done_customer_id, run.done_line_id)
        keys = await lines_of_product(
            connection, run.product_code, run.of_version, after=after, page=page
        )
    for key in keys:
        await _give(house, run, key)
    async with house.database.transaction() as connection:
        if keys:
            await runs.move_on(connection, run.run_id, keys[-1])
        if len(keys) < page:
            left = await count_lines(connection, run.product_code, run.of_version)
            at = house.clock.now()
            if await runs.finish(connection, run.run_id, lines_after=left, at=at):
                await _stage(house, connection, run, "notices_given", lines=left)
    return len(keys) + (len(keys) < page)


async def list_notices(
    house: House,
    *,
    page: int = runs.RUNS_LISTED,
    before: int = runs.NEWEST,
    is_back: bool = False,
) -> list[Progress]:
    """Return a page of acts with what has become of their lines, newest first."""
    async with house.database.connection() as connection:
        found = await runs.read_runs(connection, page=page, before=before, is_back=is_back)
    return [await _progress(house, run) for run in found]


async def read_notice(house: House, run_id: int) -> Progress | None:
    """Return one act with what has become of its lines so far."""
    async with house.database.connection() as connection:
        found = await runs.read_runs(connection, before=run_id + 1, page=1)
    is_it = found and found[0].run_id == run_id
    return await _progress(house, found[0]) if is_it else None


async def _progress(house: House, run: NoticeRun) -> Progress:
    async with house.database.connection() as connection:
        noticed, passed_over = await runs.read_outcomes(connection, run.run_id)
    return Progress(run=run, noticed=noticed, passed_over=passed_over)


async def _begin(house: House, actor: Actor, wish: ProductWish, act: Act) -> NoticeRun:
    now = house.clock.now()
    async with house.database.transaction() as connection:
        digest = payload_hash(wish.payload)
        approval = await require_approval(connection, APPROVAL, digest, used_by=actor.name, now=now)
        if isinstance(approval, Refused):
            raise RefusedError(approval)
        assert approval.decided_by is not None, "an approval was decided by somebody"
        run = NoticeRun(
            run_id=house.ids.next(),
            payload_sha256=digest,
            product_code=wish.product_code,
            of_version=wish.of_version,
            effective_on=wish.effective_on,
            product_version=wish.product_version,
            rate_daily_e8=wish.rate_daily_e8,
            reason=mask_free_text(wish.reason),
            asked_by=approval.requested_by,
            approved_by=approval.decided_by,
            approval_id=approval.approval_id,
            started_at=now,
            lines_before=await count_lines(connection, wish.product_code, wish.of_version),
        )
        await runs.add_run(connection, run)
        await _stage(house, connection, run, "notices_begun", lines=run.lines_before)
        await note(house, connection, actor, act)
    return run


async def _give(house: House, run: NoticeRun, key: Key) -> None:
    """Give a line its notice, or write why it is passed over; once, whoever comes first."""
    try:
        async with house.database.transaction() as connection:
            await runs.hold_line(connection, key)
            if await runs.is_looked_at(connection, run.run_id, key):
                return
            contract_id, code = await _noticed(house, connection, run, key)
            await runs.add_outcome(
                connection, run.run_id, key, contract_id=contract_id, passed_over=code
            )
    except RefusedError as error:
        # What was half done is undone: the line is passed over in a transaction of its own.
        async with house.database.transaction() as connection:
            await runs.hold_line(connection, key)
            if not await runs.is_looked_at(connection, run.run_id, key):
                code = error.refused.code
                await runs.add_outcome(connection, run.run_id, key, passed_over=code)


async def _noticed(
    house: House, connection: Connection, run: NoticeRun, key: Key
) -> tuple[int | None, str | None]:
    """Return the contract of a notice that was given, or the code of why none was."""
    wish = VersionWish(
        customer_id=key[0],
        line_id=key[1],
        effective_on=run.effective_on,
        product_version=run.product_version,
        rate_daily_e8=run.rate_daily_e8,
        author=run.asked_by,
    )
    if await has_notice(house, connection, wish):
        return None, ALREADY
    given = await give_notice(connection, house, wish, await house.business_date())
    if isinstance(given, Refused):
        return None, given.code
    return given.made.contract.contract_id, None


async def has_notice(house: House, connection: Connection, wish: VersionWish) -> bool:
    """Tell whether the very same notice is open already, given to this line alone."""
    line = await lending.read_line(connection, wish.customer_id, wish.line_id)
    if line is None:
        return False
    found = await store.read_open(connection, [(line.customer_id, line.application_id)])
    waits = found.get((line.customer_id, line.application_id))
    if waits is None or waits.replaces is None or waits.effective_on != wish.effective_on:
        return False
    version = wish.product_version or line.product_version
    rate = wish.rate_daily_e8 or line.rate_daily_e8
    same = (waits.product_version, waits.rate_daily_e8) == (version, rate)
    return same and await _has_present_words(house, waits)


async def _has_present_words(house: House, waits: Contract) -> bool:
    terms = house.catalogue.terms(waits.product_code, waits.product_version)
    template = present_template(house, terms, await house.business_date())
    words = (waits.template_code, waits.template_version)
    return template is not None and words == (template.code, template.version)


async def _stage(
    house: House, connection: Connection, run: NoticeRun, event: str, *, lines: int
) -> None:
    noticed, passed_over = await runs.read_outcomes(connection, run.run_id)
    fields: dict[str, Value] = {
        "act": event,
        "approval": ids.to_text(ids.APPROVAL, run.approval_id),
        "effective_on": run.effective_on.isoformat(),
        "lines": lines,
        "noticed": noticed,
        "passed_over": sum(passed_over.values()),
        "product": run.product_code,
    }
    leaf = house.leaves.stage(HOUSE, house.ids.next(), LeafType.APPROVAL, run.run_id, fields)
    await EVIDENCE.stage_leaves.execute(connection, rows=[leaf])


def _summary(wish: ProductWish, count: int) -> str:
    """Say what would be done, for the person who decides."""
    of = "" if wish.of_version is None else f" under version {wish.of_version}"
    offered = [f"from {wish.effective_on.isoformat()}"]
    if wish.product_version is not None:
        offered.append(f"terms of version {wish.product_version}")
    if wish.rate_daily_e8 is not None:
        offered.append(f"{wish.rate_daily_e8} e-8 a day")
    return f"notice to {count} lines of {wish.product_code}{of}: {', '.join(offered)}"
