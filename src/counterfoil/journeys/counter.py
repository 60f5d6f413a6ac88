"""The counter: where commands about a line are taken in, decided, booked and proven together.

The way of a command: the engine gathers a batch; the accounts are loaded; lending decides; every
movement becomes a journal, every answer a leaf; everything is written in one statement.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from hashlib import blake2b
from operator import attrgetter
from typing import Any, Final

import orjson

from counterfoil.evidence.body import is_normal
from counterfoil.evidence.leaf import LeafType
from counterfoil.evidence.refusals import TEXT_NOT_NORMALISED
from counterfoil.evidence.staging import Leaves
from counterfoil.evidence.store import QUERIES as EVIDENCE
from counterfoil.journeys.booked import booked
from counterfoil.kernel.clock import Clock
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.kernel.ids import IdSource
from counterfoil.ledger import posting
from counterfoil.ledger.store import QUERIES as LEDGER
from counterfoil.lending import checkpoint_store, commands, credit_store, store
from counterfoil.lending.account import Accepted, Account, Movement, Setting
from counterfoil.lending.catalogue import Catalogue
from counterfoil.lending.decide import decide
from counterfoil.lending.loan import Loan
from counterfoil.lending.refusals import LINE_NOT_FOUND
from counterfoil.lending.repaying import needs_history
from counterfoil.platform import trail
from counterfoil.platform.batches import QUERIES as PLATFORM
from counterfoil.platform.batches import Answer, Decided, Engine, write_batch
from counterfoil.platform.database import Connection
from counterfoil.platform.statement import Composer, Write
from counterfoil.platform.waiting import Waiting
from counterfoil.privacy.masking import mask_free_text

_KINDS: Final = {
    commands.OpenLine: "open_line",
    commands.Draw: "draw",
    commands.ConfirmPayout: "confirm_payout",
    commands.FailPayout: "fail_payout",
    commands.Repay: "repay",
    commands.ReverseRepayment: "reverse_repayment",
    commands.ReturnCredit: "return_credit",
    commands.UseCredit: "use_credit",
    commands.ConfirmReturn: "confirm_return",
    commands.FailReturn: "fail_return",
    commands.BounceReturn: "bounce_return",
    commands.SetLimit: "set_limit",
    commands.SetLimitAsWished: "set_limit",
    commands.RaiseLimit: "set_limit",
    commands.FreezeLine: "freeze_line",
    commands.UnfreezeLine: "unfreeze_line",
    commands.SuspendLine: "suspend_line",
    commands.ReinstateLine: "reinstate_line",
    commands.RestoreLimit: "restore_limit",
    commands.CloseLine: "close_line",
    commands.SetOwnCap: "set_own_cap",
    commands.SetRepaymentDay: "set_repayment_day",
    commands.MoveRepaymentDay: "move_repayment_day",
    commands.CollectDebit: "collect_debit",
    commands.TakeTransfer: "take_transfer",
    commands.ReplanLoan: "replan_loan",
    commands.ReturnPayout: "return_payout",
    commands.ReplaceAgreement: "replace_agreement",
    commands.AdvanceLoans: "advance_loans",
}
_MOVES_MONEY: Final = frozenset(
    {
        commands.Draw,
        commands.ConfirmPayout,
        commands.FailPayout,
        commands.Repay,
        commands.CollectDebit,
        commands.TakeTransfer,
        commands.ReverseRepayment,
        commands.ReturnPayout,
        commands.ReplanLoan,
        commands.ReturnCredit,
        commands.UseCredit,
        commands.ConfirmReturn,
        commands.FailReturn,
        commands.BounceReturn,
    }
)
#: Commands that are decided without the line's loans.
_LINE_ONLY: Final = frozenset(
    {
        commands.OpenLine,
        commands.Draw,
        commands.ReturnCredit,
        commands.ConfirmReturn,
        commands.FailReturn,
        commands.BounceReturn,
        commands.SetLimit,
        commands.SetLimitAsWished,
        commands.RaiseLimit,
        commands.FreezeLine,
        commands.UnfreezeLine,
        commands.SuspendLine,
        commands.ReinstateLine,
        commands.RestoreLimit,
        commands.SetOwnCap,
        commands.SetRepaymentDay,
        commands.ReplaceAgreement,
    }
)

_OF_PAYMENTS: Final = frozenset({commands.Repay, commands.CollectDebit, commands.TakeTransfer})
_OF_ANY_LOAN: Final = frozenset(
    {commands.ReturnPayout, commands.CollectDebit, commands.TakeTransfer}
)
_OF_RETURNS: Final = frozenset({commands.ConfirmReturn, commands.FailReturn, commands.BounceReturn})


@dataclass(slots=True)
class Batch:
    """The accounts of a batch, and what its decisions may know besides them."""

    accounts: dict[store.LineKey, Account]
    business_date: date
    now: datetime
    settings: dict[tuple[str, int], Setting] = field(default_factory=dict)


class LineDesk:
    """What the engine asks about commands on credit lines."""

    def __init__(self, catalogue: Catalogue, clock: Clock, ids: IdSource, leaves: Leaves) -> None:
        """Take the products, the clock, the source of identifiers, and the maker of leaves."""
        self.catalogue = catalogue
        self._clock = clock
        self._ids = ids
        self._leaves = leaves
        self._composer = Composer()

    async def load(self, connection: Connection, batch: Sequence[Any], on: date) -> Batch:
        """Read the lines of the commands, and of their loans what the commands need."""
        keys = sorted({(command.customer_id, command.line_id) for command in batch})
        accounts = await store.read_accounts(connection, keys)
        with_loans = [c for c in batch if type(c) not in _LINE_ONLY]
        if with_loans:
            await _load_loans(connection, accounts, with_loans, on)
        returns = [(c.customer_id, c.return_id) for c in batch if type(c) in _OF_RETURNS]
        if returns:
            await credit_store.add_returns(connection, accounts, returns)
        return Batch(accounts, on, self._clock.now())

    def decide(self, state: Batch, waiting: Waiting, _on: date) -> Decided | Refused:
        """Decide one command on its account."""
        command = waiting.command
        account = state.accounts[command.customer_id, command.line_id]
        product = command if type(command) is commands.OpenLine else account.line
        if product is None:
            return refuse(LINE_NOT_FOUND)
        version = (product.product_code, product.product_version)
        setting = state.settings.get(version)
        if setting is None:
            terms = self.catalogue.terms(*version)
            setting = Setting(
                terms, state.business_date, state.now, self._ids, self.catalogue.terms
            )
            state.settings[version] = setting
        outcome = decide(account, command, setting)
        if isinstance(outcome, Refused):
            return outcome
        text = orjson.dumps(outcome.answer, option=orjson.OPT_SORT_KEYS).decode()
        # The leaf says the answer and, of a change of the line, its reason.
        if not is_normal(text) or not is_normal(getattr(command, "reason", "")):
            return refuse(TEXT_NOT_NORMALISED)
        return Decided(waiting, text, outcome)

    async def write(
        self, connection: Connection, state: Batch, decided: Sequence[Decided], on: date
    ) -> None:
        """Write lines, loans, journals, events, leaves and recorded answers in one statement."""
        await write_batch(connection, self._composer, self._parts(state, decided), on)

    def _parts(self, state: Batch, decided: Sequence[Decided]) -> list[Write]:
        rows = _Rows(self._ids, self._leaves, state.business_date, state.now)
        accounts = state.accounts
        for done in decided:
            command = done.waiting.command
            rows.add(done, accounts[command.customer_id, command.line_id])
        parts = store.writes_of(accounts.values(), rows.transactions, rows.line_events)
        parts += checkpoint_store.writes_of(accounts.values())
        parts += credit_store.writes_of(accounts.values())
        if rows.journals:
            parts.append(Write(LEDGER.add_journals, (rows.journals,)))
        if rows.commands:
            parts.append(Write(PLATFORM.add_commands, (rows.commands,)))
        if rows.events:
            parts.append(Write(PLATFORM.add_events, (rows.events,)))
        if rows.leaves:
            parts.append(Write(EVIDENCE.stage_leaves, (rows.leaves,)))
        if rows.lines:
            parts.append(trail.part_of(rows.lines))
        return parts

    def kind(self, command: Any) -> str:
        """Return the name of a kind of command."""
        return _KINDS[type(command)]


async def _load_loans(
    connection: Connection,
    accounts: dict[store.LineKey, Account],
    batch: Sequence[Any],
    on: date,
) -> None:
    """Read running loans, those of repayments to take back, histories, and any other named."""
    await store.add_loans(connection, accounts, sorted({(c.customer_id, c.line_id) for c in batch}))
    reversals = [c for c in batch if type(c) is commands.ReverseRepayment]
    if reversals:
        wanted = [(c.customer_id, c.repayment_id) for c in reversals]
        await store.add_loans_of_repayments(connection, accounts, wanted)
    paid_off = [(c.customer_id, c.loan_id) for c in batch if type(c) in _OF_ANY_LOAN]
    if paid_off:
        # A loan that is repaid has its payout undone, and takes money of an earlier day, like one
        # that runs.
        await store.add_named_loans(connection, accounts, paid_off)
    changed_on = await _changed_on(connection, batch, on)
    if changed_on:
        await checkpoint_store.add_history(connection, accounts, changed_on)
    named = [
        (c.customer_id, loan_id)
        for c in batch
        if (loan_id := getattr(c, "loan_id", None)) is not None
        and loan_id not in accounts[c.customer_id, c.line_id].loans
    ]
    named += [
        (c.customer_id, loan_id)
        for c in batch
        if type(c) is commands.Repay
        for loan_id in c.loan_ids
        if loan_id not in accounts[c.customer_id, c.line_id].loans
    ]
    if named:
        # They do not run, and a refusal says what became of them.
        await store.add_named_loans(connection, accounts, named)


async def _changed_on(
    connection: Connection, batch: Sequence[Any], on: date
) -> dict[store.LineKey, date]:
    """Return from which date on the commands may change the past, for the lines where they may."""
    reversals = [c for c in batch if type(c) is commands.ReverseRepayment]
    paid_on: dict[tuple[int, int], date] = {}
    if reversals:
        wanted = [(c.customer_id, c.repayment_id) for c in reversals]
        paid_on = await checkpoint_store.dates_of_repayments(connection, wanted)
    earliest: dict[store.LineKey, date] = {}
    for c in batch:
        key = (c.customer_id, c.line_id)
        if type(c) is commands.ReplanLoan:
            changed = c.value_date or on
        elif type(c) is commands.ReverseRepayment:
            changed = paid_on.get((c.customer_id, c.repayment_id), checkpoint_store.FROM_THE_START)
        elif type(c) is commands.ReturnPayout:
            changed = checkpoint_store.FROM_THE_START
        elif type(c) in _OF_PAYMENTS and needs_history(c.value_date, on):
            changed = c.value_date
        else:
            continue
        earliest[key] = min(changed, earliest.get(key, changed))
    return earliest


class _Rows:
    """The rows of a batch that follow from what was accepted."""

    def __init__(self, ids: IdSource, leaves: Leaves, on: date, now: datetime) -> None:
        self._ids = ids
        self._leaves = leaves
        self._on = on
        self._day = on.isoformat()
        self._now = now
        self.transactions: list[tuple[object, ...]] = []
        self.line_events: list[tuple[object, ...]] = []
        self.journals: list[tuple[object, ...]] = []
        self.commands: list[tuple[object, ...]] = []
        self.events: list[tuple[object, ...]] = []
        self.leaves: list[tuple[object, ...]] = []
        #: Of the trail, for acts of members of staff.
        self.lines: list[trail.Entry] = []

    def add(self, done: Decided, account: Account) -> None:
        """Add the rows of one accepted command."""
        waiting, outcome = done.waiting, done.outcome
        line = account.line
        assert line is not None
        key = waiting.idempotency_key
        self._add_history(outcome, line, key)
        first = len(self.journals)
        for movement in outcome.movements:
            self._add_journal(movement, line)
        for told in outcome.told:
            payload = orjson.dumps(told.payload).decode()
            self.events.append(
                (
                    self._ids.next(),
                    waiting.customer_id,
                    told.kind,
                    told.subject_id,
                    payload,
                    self._now,
                )
            )
        kind = type(waiting.command)
        if kind is commands.AdvanceLoans:
            return
        command, leaf_id, origin = waiting.command, self._ids.next(), waiting.origin
        self.commands.append(
            (
                waiting.customer_id,
                key,
                waiting.request_hash,
                _KINDS[kind],
                done.answer,
                self._now,
                leaf_id,
                origin.actor,
                origin.role,
                origin.source,
                getattr(command, "reason", ""),
            )
        )
        act = waiting.carries
        if act is not None and act.lines is not None:
            self.lines += act.lines(trail.told_of_answer(done.answer))
        leaf_type = LeafType.MONEY_MOVEMENT if kind in _MOVES_MONEY else LeafType.LIMIT_CHANGE
        self.leaves.append(
            self._leaves.stage_answer(
                waiting.customer_id,
                leaf_id,
                leaf_type,
                getattr(command, "loan_id", None) or command.line_id,
                outcome.answer,
                booked(
                    key,
                    _KINDS[kind],
                    outcome,
                    self.journals[first:],
                    currency=line.currency,
                    on=self._day,
                ),
            )
        )

    def _add_history(self, outcome: Accepted, line: Any, key: str) -> None:
        for transaction in outcome.transactions:
            self.transactions.append(
                store.transaction_row(
                    transaction, line, book_date=self._on, posted_at=self._now, key=key
                )
            )
        for event in outcome.events:
            self.line_events.append(
                store.event_row(event, line, book_date=self._on, at=self._now, key=key)
            )

    def _add_journal(self, movement: Movement, line: Any) -> None:
        postings = postings_of(movement)
        if not postings.accounts:
            return
        self.journals.append(
            (
                line.customer_id,
                self._ids.next(),
                line.lender_id,
                line.currency,
                movement.product_code,
                self._on,
                self._now,
                movement.kind,
                movement.loan_id,
                movement.transaction_id,
                postings.accounts,
                postings.amounts,
            )
        )


def postings_of(movement: Movement) -> posting.Postings:
    """Return what a movement does to the books."""
    if movement.kind in ("hold", "hold_release"):
        return posting.hold(movement.amount_minor)
    if movement.kind in posting.CREDIT_RETURN_KINDS:
        return posting.credit_return(movement.kind, movement.amount_minor)
    parts = movement.parts
    if movement.kind == "disbursement":
        return posting.disbursement(-parts.principal_minor)
    if movement.kind == "payout_returned":
        return posting.payout_returned(parts.principal_minor)
    return posting.payment(
        principal_minor=parts.principal_minor,
        interest_minor=parts.interest_minor,
        penalty_minor=parts.penalty_minor,
        excess_minor=parts.excess_minor,
        fee_minor=parts.fee_minor,
        guarantee_minor=parts.guarantee_minor,
        is_from_credit=movement.is_from_credit,
    )


class Counter:
    """Takes commands about lines and gives their answers."""

    def __init__(self, engine: Engine, desk: LineDesk) -> None:
        """Take the engine and the desk that it runs."""
        self.engine = engine
        self.desk = desk

    async def submit(self, command: commands.Command, *, idempotency_key: str) -> Answer | Refused:
        """Answer a command after it is durable; a repeated key gets the first answer again.

        Identity and phone numbers that somebody typed into a reason are hidden before it is kept:
        reasons are read by customers, hosts and bureaus.
        """
        command = _without_numbers(command)
        return await self.engine.submit(
            command.customer_id,
            command,
            idempotency_key=idempotency_key,
            request_hash=fingerprint(command),
        )

    async def preview(
        self, connection: Connection, command: commands.Repay, on: date
    ) -> tuple[dict[str, Any], list[Loan]] | Refused:
        """Return what a payment would be answered, and its line's loans after it; writes nothing.

        It is decided on what is stored, by the same function, and thrown away: the number of the
        answer is nobody's.
        """
        state, outcome = await self._try(connection, command, on)
        if isinstance(outcome, Refused):
            return outcome
        account = state.accounts[command.customer_id, command.line_id]
        return orjson.loads(outcome.answer), [*account.loans.values()]

    async def try_out(
        self, connection: Connection, command: commands.Command, on: date
    ) -> Refused | None:
        """Return why a command would be refused now; writes nothing."""
        _, outcome = await self._try(connection, command, on)
        return outcome if isinstance(outcome, Refused) else None

    async def _try(
        self, connection: Connection, command: commands.Command, on: date
    ) -> tuple[Batch, Decided | Refused]:
        """Decide a command on what is stored, and throw the decision away."""
        state = await self.desk.load(connection, [command], on)
        future: asyncio.Future[Answer | Refused] = asyncio.get_running_loop().create_future()
        waiting = Waiting(command.customer_id, command, "", b"", future)
        return state, self.desk.decide(state, waiting, on)


def _without_numbers(command: commands.Command) -> commands.Command:
    """Return a command whose reason names nobody by number."""
    said: str = getattr(command, "reason", "")
    plain = mask_free_text(said) if said else said
    if plain == said:
        return command
    explained: Any = command
    hidden: commands.Command = replace(explained, reason=plain)
    return hidden


async def settle_directly(
    desk: LineDesk, connection: Connection, batch: Sequence[commands.Command], on: date
) -> tuple[list[Decided], list[Account]]:
    """Decide and write commands of the house's own, outside the queue: the close of day.

    Returns what was decided, and the accounts as they are now.

    They are idempotent by what they do and carry no key. A collision with a customer's command
    raises StateChangedError and leaves nothing written.
    """
    future: asyncio.Future[Answer | Refused] = asyncio.get_running_loop().create_future()
    state = await desk.load(connection, batch, on)
    decided = []
    for command in batch:
        outcome = desk.decide(state, Waiting(command.customer_id, command, "", b"", future), on)
        if isinstance(outcome, Decided):
            decided.append(outcome)
    if decided:
        await desk.write(connection, state, decided, on)
    return decided, [*state.accounts.values()]


def fingerprint(command: commands.Command) -> bytes:
    """Return the hash by which a repeated request is told from another one under its key."""
    kind = type(command)
    text = f"{_KINDS[kind]}{_FIELDS[kind](command)!r}"
    return blake2b(text.encode(), digest_size=16).digest()


_FIELDS: Final[dict[type, Callable[[Any], tuple[object, ...]]]] = {
    kind: attrgetter(*(f.name for f in fields(kind))) for kind in _KINDS
}
