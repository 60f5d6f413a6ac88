"""The risks of one loan in plain words, worked with the customer's own figures.

Invariant   A figure here is what the loan itself would ask for: the first instalment is left unpaid
            on a copy of the loan, and the copy says what it costs.
Units       Minor units.
Follows     R004 for how long others see lateness: five years after it was made good.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from counterfoil.kernel.money import to_major_text
from counterfoil.lending.cost_items import SheetRow, Words
from counterfoil.lending.interest import payable
from counterfoil.lending.loan import Loan, accrue, advance
from counterfoil.lending.terms import Terms

#: Lateness that is worked: a month, and the day from which a loan is commonly called bad.
DAYS_LATE: Final = (30, 90)
#: Years for which others see lateness after it was made good.
YEARS_VISIBLE: Final = 5


def risks(loan: Loan, rows: Sequence[SheetRow], terms: Terms) -> tuple[Words, ...]:
    """Return what lateness costs, what is reported of it, and what happens next."""
    row = rows[0]
    late_on = row.due_date + timedelta(days=loan.grace_days + 1)
    return (*_costs(loan, row), *_reported(row, late_on, terms), _next(row, late_on, loan))


def _costs(loan: Loan, row: SheetRow) -> tuple[Words, ...]:
    currency, number = loan.currency, row.instalment_no
    due = to_major_text(row.due_minor, currency)
    asked = f"{due} {currency}"
    worded = []
    for days in DAYS_LATE:
        on = row.due_date + timedelta(days=days)
        more = to_major_text(_more_when_late(loan, row, on), currency)
        worded.append(
            Words(
                f"If instalment {number} of {asked}, due on {row.due_date}, is paid {days} days "
                f"late, it costs {more} {currency} more than on its day.",
                f"第{number}期应还{asked}，到期日{row.due_date}；若逾期{days}天归还，须多付{more} "
                f"{currency}。",
            )
        )
    return tuple(worded)


def _more_when_late(loan: Loan, row: SheetRow, on: date) -> int:
    """Return surcharge, late fees, and the contract interest on what was to be repaid, by a day."""
    twin = loan.copy()
    advance(twin, row.due_date)
    before = sum(due.fee_minor + due.guarantee_minor for due in twin.dues[-1:])
    twin.next_due_date = None
    advance(twin, on)
    accrue(twin, on)
    late_fees = sum(due.fee_minor + due.guarantee_minor for due in twin.dues[-1:]) - before
    days = on.toordinal() - row.due_date.toordinal()
    interest = payable(row.principal_minor * loan.rate_daily_e8 * days)
    return interest + payable(twin.accrued_penalty_e8) + late_fees


def _reported(row: SheetRow, late_on: date, terms: Terms) -> tuple[Words, ...]:
    if not terms.reported_to_bureau:
        return (
            Words(
                "Lateness of this loan is not reported to the credit bureau.",
                "本笔贷款的逾期信息不报送征信机构。",
            ),
        )
    return (
        Words(
            f"What is unpaid on {late_on} is reported to the credit bureau as late, with the "
            f"number of days. Others see it until {YEARS_VISIBLE} years after it was made good, "
            "and may refuse you credit for it.",
            f"第{row.instalment_no}期若至{late_on}仍未还清，将按逾期天数报送征信机构；"
            f"逾期信息自还清之日起保留{YEARS_VISIBLE}年，可能影响您今后获得信贷。",
        ),
    )


def _next(row: SheetRow, late_on: date, loan: Loan) -> Words:
    grace, last = loan.grace_days, late_on - timedelta(days=1)
    return Words(
        f"What happens next: up to {last}, {grace} days after the due date, nothing is added for "
        f"being late. From {late_on} the surcharge counts from {row.due_date}, you are asked to "
        "pay, and the line may be stopped for new drawdowns. Tell the lender before the due date "
        "if you cannot pay: the plan may be changed, the debt does not go away.",
        f"后续处理：到期日后{grace}天（至{last}）内归还，不加收逾期费用；自{late_on}起，"
        f"罚息从{row.due_date}起算，放款机构将进行催收，并可能暂停额度使用。"
        "如预计无法按期还款，请在到期日前联系放款机构协商调整还款计划；债务不会因此免除。",
    )
