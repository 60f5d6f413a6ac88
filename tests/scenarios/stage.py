"""Where scenarios are played: the real counter on a real database, the date moved by the close."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import orjson
from tests.scenarios.table import Opening, Row, Scenario, subject_of
from tests.store.branch import (
    RATE_DAILY_E8,
    Branch,
    a_draw,
    a_repayment,
    an_opening,
    confirmation,
    failure,
)
from tests.store.branch import reversal as a_reversal

from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.kernel.money import from_major_text, to_major_text
from counterfoil.ledger import store as ledger
from counterfoil.lending import store
from counterfoil.lending.commands import (
    CloseLine,
    Command,
    FreezeLine,
    SetLimit,
    SetOwnCap,
    SetRepaymentDay,
    UnfreezeLine,
)
from counterfoil.lending.delinquency import BUCKETS, days_past_due
from counterfoil.lending.interest import payable
from counterfoil.lending.line import Line, availability
from counterfoil.lending.loan import Loan, accrue, advance, due_minor, payoff_minor, plan
from counterfoil.lending.terms import Method, Prepayment

CURRENCY = "CNY"
#: One percent in the unit of rates.
PERCENT_E8 = 1_000_000


@dataclass
class Stage:
    """A scenario being played, with the numbers behind its names."""

    branch: Branch
    lines: dict[str, tuple[int, int]] = field(default_factory=dict)
    settings: dict[str, tuple[int, int]] = field(default_factory=dict)
    loans: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    payments: dict[str, tuple[int, int, int]] = field(default_factory=dict)

    async def play(self, scenario: Scenario) -> list[str]:
        """Play a table up to its first difference; return what is otherwise than it says."""
        customers = sorted({opening.options["customer"] for opening in scenario.lines})
        for number, opening in enumerate(scenario.lines, start=1):
            await self._open(opening, customers.index(opening.options["customer"]) + 1, number)
        for row in scenario.rows:
            await self.branch.close_to(row.on)
            code = await self._do(row)
            if code != row.expect:
                return [f"{row.where}: answered {code}"]
            after = [(name, wanted, await self._value(row, name)) for name, wanted in row.after]
            wrong = [
                f"{row.where}: {name} is {has}" for name, wanted, has in after if has != wanted
            ]
            if wrong:
                return wrong
        return [f"{name}: {fault}" for name, fault in (await self.branch.faults()).items()]

    async def _open(self, opening: Opening, customer_id: int, number: int) -> None:
        options = opening.options
        rate = _rate_e8(options["rate_daily"])
        day = int(options["repayment_day"])
        command = an_opening(
            customer_id,
            100 + number,
            limit_minor=_minor(options["limit"]),
            rate_daily_e8=rate or RATE_DAILY_E8,
            repayment_day=day,
        )
        await self.branch.get(command)
        if not rate:
            # No product of the house lends for nothing; the rules have to hold for one that does.
            await self.branch.rows("UPDATE lending.credit_line SET rate_daily_e8 = 0 RETURNING 1")
        self.lines[opening.name] = (customer_id, 100 + number)
        self.settings[opening.name] = (rate, day)

    async def _do(self, row: Row) -> str:
        """Ask for what the row asks; return `ok` or the code of the refusal."""
        if row.verb == "look":
            return "ok"
        if row.verb == "lend":
            code = await self._draw(row)
            return code if code != "ok" else await self._tell(self._arrival(row, row.options["as"]))
        if row.verb == "draw":
            return await self._draw(row)
        if row.verb == "repay":
            return await self._repay(row)
        return await self._tell(self._command(row))

    async def _draw(self, row: Row) -> str:
        customer_id, line_id = self.lines[row.places[0]]
        rate, day = self.settings[row.places[0]]
        command = a_draw(
            customer_id,
            line_id,
            _minor(row.places[1]),
            on=row.on,
            tenor_months=int(row.options["months"]),
            method=Method(row.options["method"]),
            rate_daily_e8=rate,
            repayment_day=day,
            currency=row.options.get("currency", CURRENCY),
            purpose=row.options.get("purpose", "travel"),
        )
        outcome = await self.branch.ask(command)
        if isinstance(outcome, Refused):
            return outcome.code
        loan_id = ids.from_text(ids.LOAN, orjson.loads(outcome.text)["id"])
        self.loans[row.options["as"]] = (customer_id, line_id, loan_id)
        return "ok"

    async def _repay(self, row: Row) -> str:
        customer_id, line_id = self.lines[row.places[0]]
        loan = row.options.get("loan")
        value = row.options.get("value")
        command = a_repayment(
            customer_id,
            line_id,
            _minor(row.places[1]),
            loan_id=self.loans[loan][2] if loan else None,
            value_date=date.fromisoformat(value) if value else None,
            mode=Prepayment(row.options.get("mode", "next_instalment")),
            currency=row.options.get("currency", CURRENCY),
        )
        outcome = await self.branch.ask(command)
        if isinstance(outcome, Refused):
            return outcome.code
        repayment_id = ids.from_text(ids.REPAYMENT, orjson.loads(outcome.text)["id"])
        self.payments[row.options.get("as", "P")] = (customer_id, line_id, repayment_id)
        return "ok"

    async def _tell(self, command: Command) -> str:
        outcome = await self.branch.ask(command)
        return outcome.code if isinstance(outcome, Refused) else "ok"

    def _arrival(self, row: Row, name: str) -> Command:
        on = date.fromisoformat(row.options["on"]) if "on" in row.options else row.on
        return confirmation(*self.loans[name], on=on)

    def _command(self, row: Row) -> Command:
        subject = row.places[0]
        if row.verb == "arrives":
            return self._arrival(row, subject)
        if row.verb == "fails":
            return failure(*self.loans[subject])
        if row.verb == "reverse":
            return a_reversal(*self.payments[subject])
        customer_id, line_id = self.lines[subject]
        of_line: dict[str, Any] = {
            "customer_id": customer_id,
            "line_id": line_id,
            "author": "operator",
        }
        match row.verb:
            case "limit":
                amount = _minor(row.places[1])
                return SetLimit(**of_line, limit_minor=amount, reason="review")
            case "freeze":
                until = row.options.get("until")
                last = date.fromisoformat(until) if until else None
                return FreezeLine(**of_line, until=last, reason="lost_phone")
            case "unfreeze":
                return UnfreezeLine(**of_line, reason="phone_found")
            case "close":
                return CloseLine(**of_line, reason="customer_wish")
            case "cap":
                cap = None if row.places[1] == "none" else _minor(row.places[1])
                return SetOwnCap(**of_line, cap_minor=cap)
            case "day":
                return SetRepaymentDay(**of_line, repayment_day=int(row.places[1]))
            case _:
                raise AssertionError(f"{row.where}: nobody plays {row.verb}")

    async def _value(self, row: Row, name: str) -> str:
        """Return what the database says of an asserted name."""
        subject = subject_of(name)
        if subject["line"]:
            return await self._of_line(row, name)
        if subject["account"]:
            return await self._of_account(int(subject["account"]), row.on)
        if subject["loan"]:
            return await self._of_loan(subject["loan"], subject["of_loan"], row.on)
        if subject["owner"]:
            number = int(subject["number"])
            if subject["sign"] == "+":
                return await self._foreseen(subject["owner"], number)
            return await self._demanded(subject["owner"], number, subject["of_instalment"])
        return await self._paid(subject["payment"], subject["share"])

    async def _line(self, row: Row) -> Line:
        subject = row.places[0]
        known: dict[str, tuple[int, ...]] = {**self.lines, **self.loans, **self.payments}
        customer_id, line_id = known[subject][:2]
        async with self.branch.house.database.connection() as connection:
            line = await store.read_line(connection, customer_id, line_id)
        assert line is not None
        return line

    async def _of_line(self, row: Row, name: str) -> str:
        if name == "trial_balance":
            async with self.branch.house.database.connection() as connection:
                balances = await ledger.trial_balance(connection, row.on)
            return _major(sum(b.debit_minor - b.credit_minor for b in balances))
        line = await self._line(row)
        have = availability(line, row.on)
        match name:
            case "status":
                return line.status
            case "reason":
                return line.status_reason or "none"
            case "valid_to":
                return line.valid_to.isoformat()
            case "blocked_by":
                return have.blocked_by or "none"
            case "available":
                return _major(have.available_minor)
            case "own_cap":
                return "none" if have.own_cap_minor is None else _major(have.own_cap_minor)
            case _:
                amount: int = getattr(line, f"{name}_minor")
                return _major(amount)

    async def _of_account(self, account: int, on: date) -> str:
        async with self.branch.house.database.connection() as connection:
            balances = await ledger.trial_balance(connection, on)
        found = [b.debit_minor - b.credit_minor for b in balances if b.account == account]
        return _major(sum(found))

    async def _loan(self, name: str) -> Loan:
        customer_id, _, loan_id = self.loans[name]
        async with self.branch.house.database.connection() as connection:
            loan = await store.read_loan(connection, customer_id, loan_id)
        assert loan is not None
        return loan

    async def _of_loan(self, loan_name: str, name: str, on: date) -> str:
        loan = await self._loan(loan_name)
        match name:
            case "status":
                return loan.status
            case "bucket":
                return BUCKETS[loan.bucket]
            case "days_past_due":
                return str(days_past_due(loan.oldest_due_date, loan.grace_days, on))
            case "rows":
                return str(len(plan(loan)))
            case "due":
                return _major(due_minor(loan, on))
            case "payoff":
                return _major(payoff_minor(loan, on))
            case "penalty":
                advance(loan, on)
                accrue(loan, on)
                return _major(payable(loan.accrued_penalty_e8))
            case "next_due" | "closed_on" | "started" | "matures":
                dates = {
                    "next_due": loan.next_due_date,
                    "closed_on": loan.closed_on,
                    "started": loan.start_date,
                    "matures": loan.maturity_date,
                }
                return _date(dates[name])
            case _:
                amount: int = getattr(loan, f"{name}_minor")
                return _major(amount)

    async def _foreseen(self, loan_name: str, number: int) -> str:
        rows = {row.instalment_no: row for row in plan(await self._loan(loan_name))}
        if number not in rows:
            return "none"
        return _parts(rows[number].principal_minor, rows[number].interest_minor)

    async def _demanded(self, loan_name: str, number: int, what: str | None) -> str:
        customer_id, _, loan_id = self.loans[loan_name]
        async with self.branch.house.database.connection() as connection:
            dues = await store.read_instalments(connection, customer_id, loan_id)
        found = [due for due in dues if due.instalment_no == number]
        if not found:
            return "none"
        (due,) = found
        match what:
            case "due":
                return due.due_date.isoformat()
            case "paid":
                return _parts(due.principal_paid_minor, due.interest_paid_minor)
            case "settled":
                return _date(due.settled_on)
            case _:
                return _parts(due.principal_minor, due.interest_minor)

    async def _paid(self, payment: str, share: str | None) -> str:
        """Return the standing parts of a payment: as booked, with every change since."""
        customer_id, _, repayment_id = self.payments[payment]
        rows = await self.branch.rows(
            "SELECT loan_id, principal_minor, interest_minor, penalty_minor, excess_minor"
            " FROM lending.loan_transaction WHERE customer_id = $1 AND repayment_id = $2",
            customer_id,
            repayment_id,
        )
        if share is not None:
            rows = [row for row in rows if row[0] == self.loans[share][2]]
        return _parts(*(sum(column) for column in list(zip(*rows, strict=True))[1:]))


def _minor(text: str) -> int:
    return from_major_text(text, CURRENCY)


def _major(amount_minor: int) -> str:
    return to_major_text(amount_minor, CURRENCY)


def _parts(*amounts: int) -> str:
    return "/".join(map(_major, amounts))


def _date(day: date | None) -> str:
    return day.isoformat() if day else "none"


def _rate_e8(text: str) -> int:
    """Return a rate in percent, for instance 0.035%, in 1e-8."""
    whole, _, fraction = text.removesuffix("%").partition(".")
    return int(whole) * PERCENT_E8 + int(fraction.ljust(6, "0")[:6])
