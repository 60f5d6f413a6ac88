"""The state of a loan and what time does to it: interest, instalments, grace, surcharge.

What a payment pays is `paying`; how transactions make a state is `fold`.

Invariant   Principal paid and outstanding sum to what was lent. Advancing day by day and advancing
            at once give the same state.
Units       Amounts in minor units, exact interest and penalty in 1e-8 minor units, accrued up to
            and excluding `accrued_to`.
Signs       All amounts are not negative; an exact accrual may carry less than half a minor unit
            below zero, because what was demanded of it had been rounded up.
Rounding    Halves up, once, when an amount falls due or is paid; the rest is carried and dropped
            when the loan closes.
Late        All outstanding principal earns the contract rate for as long as it is used. Principal
            unpaid after the days of grace earns a surcharge from its due date; paid within them
            it counts as paid on time. Nothing earns interest on interest.
Follows     Civil Code of the PRC, articles 676 (late interest), 677 (interest for the time of use).
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from operator import attrgetter
from typing import NamedTuple

from counterfoil.kernel.calendar import nth_due_date
from counterfoil.kernel.money import E8
from counterfoil.lending import delinquency, schedule
from counterfoil.lending.fees import NO_FEE, Charged, when_early, when_late, with_instalment
from counterfoil.lending.interest import payable
from counterfoil.lending.schedule import PlanRow
from counterfoil.lending.terms import Fee, Method, PlanTerms, Terms

#: A plan never has more rows than this; longer tenors are refused by the catalogue.
INSTALMENTS_MAX = 60


@dataclass(slots=True, kw_only=True)
class Due:
    """An instalment that has fallen due."""

    instalment_no: int
    due_date: date
    principal_minor: int
    interest_minor: int
    principal_paid_minor: int = 0
    interest_paid_minor: int = 0
    #: The days of grace are over and the surcharge runs.
    penal: bool = False
    settled_on: date | None = None
    #: Fees of the instalment, late ones too: the lender's, and what is collected for a guarantor.
    fee_minor: int = 0
    guarantee_minor: int = 0
    fee_paid_minor: int = 0
    guarantee_paid_minor: int = 0
    #: Not yet written, or written and changed since: what the store has to do with it.
    is_new: bool = False
    is_changed: bool = False

    @property
    def principal_left_minor(self) -> int:
        """Return the principal still owed of this instalment."""
        return self.principal_minor - self.principal_paid_minor

    @property
    def interest_left_minor(self) -> int:
        """Return the interest still owed of this instalment."""
        return self.interest_minor - self.interest_paid_minor

    @property
    def fee_left_minor(self) -> int:
        """Return the lender's fees still owed of this instalment."""
        return self.fee_minor - self.fee_paid_minor

    @property
    def guarantee_left_minor(self) -> int:
        """Return what is still owed of this instalment to a guarantor."""
        return self.guarantee_minor - self.guarantee_paid_minor

    @property
    def is_paid(self) -> bool:
        """Return whether nothing of this instalment is owed."""
        return (
            self.principal_minor == self.principal_paid_minor
            and self.interest_minor == self.interest_paid_minor
            and self.fee_minor == self.fee_paid_minor
            and self.guarantee_minor == self.guarantee_paid_minor
        )

    def copy(self) -> "Due":
        """Return an independent copy."""
        return Due(
            instalment_no=self.instalment_no,
            due_date=self.due_date,
            principal_minor=self.principal_minor,
            interest_minor=self.interest_minor,
            principal_paid_minor=self.principal_paid_minor,
            interest_paid_minor=self.interest_paid_minor,
            penal=self.penal,
            settled_on=self.settled_on,
            fee_minor=self.fee_minor,
            guarantee_minor=self.guarantee_minor,
            fee_paid_minor=self.fee_paid_minor,
            guarantee_paid_minor=self.guarantee_paid_minor,
            is_new=self.is_new,
            is_changed=self.is_changed,
        )


class Parts(NamedTuple):
    """What a payment paid, minor units."""

    principal_minor: int
    interest_minor: int
    penalty_minor: int
    #: What was left when the loan asked for nothing more.
    excess_minor: int
    #: The lender's fees, and what was collected for a guarantor.
    fee_minor: int = 0
    guarantee_minor: int = 0

    @property
    def amount_minor(self) -> int:
        """Return the whole payment."""
        return sum(self)


NOTHING = Parts(0, 0, 0, 0)


@dataclass(slots=True)
class Loan:
    """The state of a loan; the order of the fields is that of the query which loads it."""

    customer_id: int
    loan_id: int
    line_id: int
    product_code: str
    product_version: int
    lender_id: str
    currency: str
    method: Method
    purpose: str
    payee_ref: str
    cost_sheet_hash: bytes
    original_minor: int
    rate_daily_e8: int
    penalty_daily_e8: int
    grace_days: int
    tenor_months: int
    repayment_day: int
    requested_on: date
    status: str = "pending"
    start_date: date | None = None
    first_due_date: date | None = None
    maturity_date: date | None = None
    closed_on: date | None = None
    principal_minor: int = 0
    #: Of that: fallen due and unpaid.
    due_principal_minor: int = 0
    #: Of that: past the days of grace.
    penal_principal_minor: int = 0
    due_interest_minor: int = 0
    accrued_interest_e8: int = 0
    accrued_penalty_e8: int = 0
    accrued_to: date | None = None
    #: Level amount or level principal of one instalment; 0 where the method has none.
    instalment_minor: int = 0
    #: Paid ahead in this period towards the instalments to come.
    advance_minor: int = 0
    next_instalment_no: int = 1
    next_due_date: date | None = None
    next_event_on: date | None = None
    #: Due date of the oldest instalment not settled.
    oldest_due_date: date | None = None
    bucket: int = 0
    interest_paid_minor: int = 0
    penalty_paid_minor: int = 0
    last_sequence: int = 0
    version: int = 1
    #: The agreement under which it was drawn, and the note that the customer confirmed: template
    #: with version and language, and the SHA-256 of its text. None for loans older than notes.
    contract_id: int | None = None
    note_ref: str | None = None
    note_sha256: bytes | None = None
    #: The fees that were agreed to with the loan, and no others are charged.
    fees: tuple[Fee, ...] = ()
    #: Fees that fell due and are unpaid, and what was paid of fees: the lender's and a guarantor's.
    due_fee_minor: int = 0
    due_guarantee_minor: int = 0
    fee_paid_minor: int = 0
    guarantee_paid_minor: int = 0
    #: The plan's terms as signed; None where they were never changed since.
    signed: PlanTerms | None = None
    #: Milliseconds for which the cost sheet was before the customer; None where nobody measured.
    sheet_read_ms: int | None = None
    #: Instalments that fell due: all of them after a fold, the unsettled ones from the store.
    dues: list[Due] = field(default_factory=list)

    def copy(self) -> "Loan":
        """Return an independent copy."""
        twin = Loan(*_VALUES(self))
        twin.dues = [due.copy() for due in self.dues]
        return twin

    @property
    def current_principal_minor(self) -> int:
        """Return the principal that has not fallen due."""
        return self.principal_minor - self.due_principal_minor

    @property
    def open_dues(self) -> list[Due]:
        """Return the instalments that are due and not settled, oldest first."""
        return [due for due in self.dues if due.settled_on is None]


_VALUES = attrgetter(*(name for name in Loan.__slots__ if name != "dues"))


def disburse(loan: Loan, value_date: date, terms: Terms) -> None:
    """Start a pending loan on the day its money arrived."""
    first = schedule.first_due(value_date, loan.repayment_day, terms)
    numbers = instalment_numbers(loan)
    days = schedule.period_days(value_date, first, loan.repayment_day, numbers)
    loan.status = "open"
    loan.start_date = loan.accrued_to = value_date
    loan.first_due_date = first
    loan.principal_minor = loan.original_minor
    loan.instalment_minor = schedule.instalment_amount(
        loan.method, loan.original_minor, loan.rate_daily_e8, days
    )
    loan.maturity_date = nth_due_date(first, loan.repayment_day, loan.tenor_months)
    loan.next_instalment_no = numbers[0]
    loan.next_due_date = nth_due_date(first, loan.repayment_day, numbers[0])
    schedule_next_event(loan)


def instalment_numbers(loan: Loan) -> range:
    """Return the numbers of the instalments, which count months: a bullet has only the last."""
    if loan.method is Method.BULLET:
        return range(loan.tenor_months, loan.tenor_months + 1)
    return range(1, loan.tenor_months + 1)


def accrue(loan: Loan, to: date) -> None:
    """Accrue interest and penalty up to and excluding `to`; exact, nothing is rounded."""
    assert loan.accrued_to is not None
    days = to.toordinal() - loan.accrued_to.toordinal()
    if days > 0:
        loan.accrued_interest_e8 += loan.principal_minor * loan.rate_daily_e8 * days
        if loan.penal_principal_minor:
            loan.accrued_penalty_e8 += loan.penal_principal_minor * loan.penalty_daily_e8 * days
        loan.accrued_to = to


def advance(loan: Loan, to: date) -> bool:
    """Let everything happen that falls on the days up to and including `to`.

    Returns whether anything did. Between such days interest is closed form, so nothing is done
    for them.
    """
    happened = False
    while loan.next_event_on is not None and loan.next_event_on <= to:
        day = loan.next_event_on
        accrue(loan, day)
        if loan.next_due_date is not None and loan.next_due_date <= day:
            _fall_due(loan, day)
        _end_grace(loan, day)
        loan.bucket = delinquency.bucket(loan.oldest_due_date, loan.grace_days, day)
        schedule_next_event(loan)
        happened = True
    return happened


def payoff_minor(loan: Loan, on: date) -> int:
    """Return what closes the loan to exactly zero on that date."""
    twin = loan.copy()
    advance(twin, on)
    accrue(twin, on)
    return (
        twin.principal_minor
        + twin.due_interest_minor
        + payable(twin.accrued_interest_e8)
        + payable(twin.accrued_penalty_e8)
        + fees_of_payoff(twin).total_minor
    )


def fees_of_payoff(loan: Loan) -> Charged:
    """Return the fees that repaying all of a loan today asks for: fallen due, and for being early.

    Those of instalments to come are not earned and not owed.
    """
    if not loan.fees:
        return NO_FEE
    early = when_early(loan.fees, loan.current_principal_minor)
    return Charged(
        loan.due_fee_minor + early.fee_minor, loan.due_guarantee_minor + early.guarantee_minor
    )


def due_minor(loan: Loan, on: date) -> int:
    """Return what has fallen due and is unpaid on that date, penalty included."""
    twin = loan.copy()
    advance(twin, on)
    accrue(twin, on)
    return (
        twin.due_principal_minor
        + twin.due_interest_minor
        + twin.due_fee_minor
        + twin.due_guarantee_minor
        + payable(twin.accrued_penalty_e8)
    )


def plan(loan: Loan) -> list[PlanRow]:
    """Return the instalments still to come if each is paid on its day and nothing before."""
    twin = loan.copy()
    rows: list[PlanRow] = []
    while twin.next_due_date is not None:
        assert len(rows) < INSTALMENTS_MAX
        before = twin.accrued_to
        assert before is not None
        day = twin.next_due_date
        number = twin.next_instalment_no
        accrue(twin, day)
        _fall_due(twin, day)
        due = twin.dues[-1]
        twin.principal_minor -= due.principal_left_minor
        twin.due_principal_minor -= due.principal_left_minor
        rows.append(
            PlanRow(
                instalment_no=number,
                due_date=day,
                days=day.toordinal() - before.toordinal(),
                principal_minor=due.principal_minor,
                interest_minor=due.interest_minor,
                balance_minor=twin.principal_minor,
                fee_minor=due.fee_minor + due.guarantee_minor,
            )
        )
    return rows


def _fall_due(loan: Loan, day: date) -> None:
    """Demand an instalment: round its interest once and fix its principal."""
    number = loan.next_instalment_no
    interest = payable(loan.accrued_interest_e8)
    charged = _instalment_fees(loan, number) if loan.fees else NO_FEE
    principal = _principal_due(loan, interest, number)
    loan.accrued_interest_e8 -= interest * E8
    loan.due_interest_minor += interest
    loan.due_principal_minor += principal
    loan.due_fee_minor += charged.fee_minor
    loan.due_guarantee_minor += charged.guarantee_minor
    settled = day if not principal and not interest and not charged.total_minor else None
    loan.dues.append(
        Due(
            instalment_no=number,
            due_date=day,
            principal_minor=principal,
            interest_minor=interest,
            settled_on=settled,
            fee_minor=charged.fee_minor,
            guarantee_minor=charged.guarantee_minor,
            is_new=True,
        )
    )
    if settled is None and loan.oldest_due_date is None:
        loan.oldest_due_date = day
    _next_instalment(loan, number + 1)


def _instalment_fees(loan: Loan, number: int) -> Charged:
    return with_instalment(
        loan.fees,
        is_first=number == instalment_numbers(loan)[0],
        original_minor=loan.original_minor,
        outstanding_minor=loan.current_principal_minor,
    )


def _principal_due(loan: Loan, interest: int, number: int) -> int:
    """Return the principal that instalment `number` asks for; the last one takes the rest."""
    left = loan.current_principal_minor
    if number >= loan.tenor_months:
        loan.advance_minor = 0
        return left
    if loan.method is Method.LEVEL_INSTALMENT:
        asked = loan.instalment_minor - loan.advance_minor - interest
    elif loan.method is Method.LEVEL_PRINCIPAL:
        asked = loan.instalment_minor - loan.advance_minor
    else:
        return 0
    loan.advance_minor = max(0, -asked)
    return min(max(0, asked), left)


def _next_instalment(loan: Loan, number: int) -> None:
    """Move on to instalment `number`, or to none where no principal is left to fall due."""
    if number > loan.tenor_months or not loan.current_principal_minor:
        loan.next_due_date = None
        return
    assert loan.next_due_date is not None
    loan.next_instalment_no = number
    # A month after the one before, not the signed day: the customer may have chosen another.
    loan.next_due_date = nth_due_date(loan.next_due_date, loan.next_due_date.day, 2)


def _end_grace(loan: Loan, day: date) -> None:
    """Let the surcharge run, from the due date, on what the days of grace did not see paid."""
    for due in loan.dues:
        if due.settled_on is None and not due.penal:
            late_days = day.toordinal() - due.due_date.toordinal()
            if late_days > loan.grace_days:
                due.penal = due.is_changed = True
                left = due.principal_left_minor
                loan.penal_principal_minor += left
                loan.accrued_penalty_e8 += left * loan.penalty_daily_e8 * late_days
                if loan.fees:
                    _charge_late(loan, due)


def _charge_late(loan: Loan, due: Due) -> None:
    """Charge what an instalment costs that the days of grace did not see paid."""
    charged = when_late(loan.fees)
    due.fee_minor += charged.fee_minor
    due.guarantee_minor += charged.guarantee_minor
    loan.due_fee_minor += charged.fee_minor
    loan.due_guarantee_minor += charged.guarantee_minor


def spread(loan: Loan, on: date) -> None:
    """Spread what has not fallen due over the instalments that are left, from a date."""
    left = loan.current_principal_minor
    if loan.next_due_date is None or not left or not loan.instalment_minor:
        return
    due = loan.next_due_date
    numbers = range(1, loan.tenor_months - loan.next_instalment_no + 2)
    days = schedule.period_days(on, due, due.day, numbers)
    loan.instalment_minor = schedule.instalment_amount(loan.method, left, loan.rate_daily_e8, days)


def schedule_next_event(loan: Loan) -> None:
    """Set the next day on which something happens by itself, or none."""
    next_on = loan.next_due_date
    for due in loan.dues:
        if due.settled_on is None and not due.penal:
            ends = due.due_date + timedelta(days=loan.grace_days + 1)
            if next_on is None or ends < next_on:
                next_on = ends
    boundary = delinquency.next_boundary(loan.oldest_due_date, loan.bucket)
    if boundary is not None and (next_on is None or boundary < next_on):
        next_on = boundary
    loan.next_event_on = next_on
