"""Drawing on a line: hold on acceptance, loan on confirmation, release on a definite failure.

Invariant   A drawdown holds its amount from acceptance until its payout is confirmed or has
            definitely failed; what is not known keeps the hold. Interest begins on the day the
            rail confirmed and never for money that did not arrive.
"""

from datetime import datetime
from typing import Final

from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.kernel.money import AMOUNT_MINOR_MAX
from counterfoil.lending import refusals
from counterfoil.lending.account import Accepted, Account, Movement, Setting, Told, Transaction
from counterfoil.lending.commands import Agreement, ConfirmPayout, Draw, FailPayout
from counterfoil.lending.line import Line, blocked_by, headroom_minor, settle_waiting
from counterfoil.lending.loan import NOTHING, Loan, advance, disburse
from counterfoil.lending.terms import Prepayment, Terms

#: A day; whoever took longer read it.
_READ_MS_MAX: Final = 86_400_000


def draw(account: Account, command: Draw, setting: Setting) -> Accepted | Refused:
    """Accept a drawdown inside the available amount, hold it, and ask for its payout."""
    line = account.line
    if line is None:
        return refuse(refusals.LINE_NOT_FOUND)
    refused = (
        refuse_blocked(line, setting)
        or refuse_unsigned(line)
        or _refuse_disagreement(command, line, setting)
        or refuse_amount(command.amount_minor, command.currency, line)
        or refuse_terms(command, setting.terms)
    )
    if refused:
        return refused
    available = headroom_minor(line, setting.business_date)
    if refused := _refuse_beyond(command.amount_minor, available, line):
        return refused
    # Only now: a refused command leaves the line as it was.
    settle_waiting(line, setting.business_date)
    assert command.agreement is not None, "a drawdown without an agreement was refused"
    rate_daily_e8 = command.agreement.rate_daily_e8
    loan = _pending_loan(line, command, setting, setting.ids.next(), rate_daily_e8=rate_daily_e8)
    line.held_minor += loan.original_minor
    line.version += 1
    account.loans[loan.loan_id] = loan
    account.new_loans.add(loan.loan_id)
    return _drawn(line, loan, available - loan.original_minor, setting)


def refuse_now(line: Line, amount_minor: int, setting: Setting) -> Refused | None:
    """Refuse what the line does not allow on this day, whatever it costs.

    What a drawdown of that amount would be answered with, before anybody has agreed to it.
    """
    available = headroom_minor(line, setting.business_date)
    return refuse_blocked(line, setting) or _refuse_beyond(amount_minor, available, line)


def _refuse_beyond(amount_minor: int, available: int, line: Line) -> Refused | None:
    if amount_minor <= available:
        return None
    return refuse(refusals.INSUFFICIENT_LIMIT, available_minor=available, currency=line.currency)


def refuse_blocked(line: Line, setting: Setting) -> Refused | None:
    """Refuse where the state of the line forbids drawing."""
    block = blocked_by(line, setting.business_date)
    if block is None:
        return None
    if block == "expired":
        return refuse(refusals.LINE_EXPIRED, valid_to=line.valid_to.isoformat())
    if block == "frozen":
        return refuse(refusals.LINE_FROZEN, reason=line.status_reason)
    if block == "suspended":
        return refuse(refusals.LINE_SUSPENDED, reason=line.status_reason)
    return refuse(refusals.LINE_CLOSED)


def refuse_unsigned(line: Line) -> Refused | None:
    """Refuse a line behind which there is no signed agreement."""
    return refuse(refusals.AGREEMENT_NOT_SIGNED) if line.agreement_sha256 is None else None


def refuse_amount(amount_minor: int, currency: str, line: Line) -> Refused | None:
    """Refuse an amount that no command may carry, or of another currency."""
    if amount_minor <= 0:
        return refuse(refusals.AMOUNT_NOT_POSITIVE)
    if amount_minor > AMOUNT_MINOR_MAX:
        return refuse(refusals.AMOUNT_TOO_LARGE)
    if currency != line.currency:
        return refuse(refusals.CURRENCY_MISMATCH, currency=line.currency)
    return None


def refuse_terms(command: Draw, terms: Terms) -> Refused | None:
    """Refuse what the product does not offer."""
    amount = command.amount_minor
    if amount < terms.draw_minor_min:
        return refuse(refusals.AMOUNT_BELOW_MINIMUM, minimum_minor=terms.draw_minor_min)
    if amount > terms.draw_minor_max:
        return refuse(refusals.AMOUNT_ABOVE_MAXIMUM, maximum_minor=terms.draw_minor_max)
    if amount % terms.draw_minor_step:
        return refuse(refusals.AMOUNT_OFF_STEP, step_minor=terms.draw_minor_step)
    if command.tenor_months not in terms.tenors_months:
        return refuse(
            refusals.TENOR_NOT_OFFERED,
            tenor_months=command.tenor_months,
            offered=", ".join(map(str, terms.tenors_months)),
        )
    if command.method not in terms.methods:
        return refuse(
            refusals.METHOD_NOT_OFFERED, method=command.method, offered=", ".join(terms.methods)
        )
    if command.purpose in terms.purposes_banned:
        return refuse(refusals.PURPOSE_BANNED, purpose=command.purpose)
    return None


def _refuse_disagreement(command: Draw, line: Line, setting: Setting) -> Refused | None:
    """Refuse where the customer agreed to nothing, to more than the line costs, or on another day.

    The price is that of the token: of the tenor, with what a promotion takes off. The line's own
    price is the most that any drawdown costs.
    """
    agreed = command.agreement
    if agreed is None:
        return refuse(refusals.QUOTE_INVALID)
    if agreed.quoted_on != setting.business_date:
        return refuse(refusals.QUOTE_EXPIRED, valid_on=agreed.quoted_on.isoformat())
    if agreed.reading_ms and posix_ms(setting.now) < agreed.shown_ms + agreed.reading_ms:
        return refuse(refusals.SHEET_READ_TOO_SHORTLY, seconds=agreed.reading_ms // 1_000)
    if (
        not 0 <= agreed.rate_daily_e8 <= line.rate_daily_e8
        or agreed.repayment_day != line.repayment_day
        or agreed.product_version != line.product_version
        or agreed.contract_id != line.contract_id
    ):
        return refuse(refusals.QUOTE_INVALID)
    return None


def confirm_payout(
    account: Account, command: ConfirmPayout, setting: Setting
) -> Accepted | Refused:
    """Begin the loan on the day its money arrived and turn the hold into principal."""
    line, loan = account.line, account.loans.get(command.loan_id)
    refused = _refuse_settled(line, loan)
    if refused or line is None or loan is None:
        return refused or refuse(refusals.LOAN_NOT_FOUND)
    if command.value_date > setting.business_date:
        return refuse(
            refusals.VALUE_DATE_IN_FUTURE, business_date=setting.business_date.isoformat()
        )
    if command.value_date < loan.requested_on:
        return refuse(refusals.VALUE_DATE_BEFORE_DRAWDOWN, start_date=loan.requested_on.isoformat())
    amount = loan.original_minor
    disburse(loan, command.value_date, setting.terms_of(loan))
    advance(loan, setting.business_date)
    transaction = _record(loan, "disbursement", command, setting)
    line.held_minor -= amount
    line.principal_minor += amount
    line.version += 1
    account.changed_loans.add(loan.loan_id)
    parts = NOTHING._replace(principal_minor=-amount)
    movement = Movement(
        "disbursement",
        loan.loan_id,
        transaction.transaction_id,
        loan.product_code,
        parts,
        -amount,
    )
    answer = loan_answer(loan) | {"payment_id": ids.to_text(ids.PAYMENT, command.payment_id)}
    told = Told("loan_opened", loan.loan_id, {"line_id": ids.to_text(ids.LINE, line.line_id)})
    return Accepted(answer, [transaction], [movement], told=[told])


def fail_payout(account: Account, command: FailPayout, setting: Setting) -> Accepted | Refused:
    """Release the hold of a drawdown whose payout has definitely failed."""
    line, loan = account.line, account.loans.get(command.loan_id)
    refused = _refuse_settled(line, loan)
    if refused or line is None or loan is None:
        return refused or refuse(refusals.LOAN_NOT_FOUND)
    loan.status = "cancelled"
    loan.closed_on = setting.business_date
    loan.version += 1
    line.held_minor -= loan.original_minor
    line.version += 1
    account.changed_loans.add(loan.loan_id)
    movement = Movement(
        "hold_release", loan.loan_id, None, loan.product_code, NOTHING, -loan.original_minor
    )
    answer = loan_answer(loan) | {"reason": command.reason}
    told = Told("drawdown_failed", loan.loan_id, {"reason": command.reason})
    return Accepted(answer, movements=[movement], told=[told])


def loan_answer(loan: Loan) -> dict[str, object]:
    """Return what an answer says of a loan."""
    return {
        "id": ids.to_text(ids.LOAN, loan.loan_id),
        "customer_id": ids.to_text(ids.CUSTOMER, loan.customer_id),
        "line_id": ids.to_text(ids.LINE, loan.line_id),
        "status": loan.status,
        "amount_minor": loan.original_minor,
        "currency": loan.currency,
        "principal_minor": loan.principal_minor,
        "start_date": loan.start_date.isoformat() if loan.start_date else None,
        "next_due_date": loan.next_due_date.isoformat() if loan.next_due_date else None,
    }


def _pending_loan(
    line: Line, command: Draw, setting: Setting, loan_id: int, *, rate_daily_e8: int
) -> Loan:
    terms, agreed = setting.terms, command.agreement
    return Loan(
        customer_id=line.customer_id,
        loan_id=loan_id,
        line_id=line.line_id,
        product_code=line.product_code,
        product_version=line.product_version,
        lender_id=line.lender_id,
        currency=line.currency,
        method=command.method,
        purpose=command.purpose,
        payee_ref=command.payee_ref,
        cost_sheet_hash=command.cost_sheet_hash,
        original_minor=command.amount_minor,
        rate_daily_e8=rate_daily_e8,
        penalty_daily_e8=terms.penalty_daily_e8(rate_daily_e8),
        grace_days=terms.grace_days,
        tenor_months=command.tenor_months,
        repayment_day=line.repayment_day,
        requested_on=setting.business_date,
        contract_id=line.contract_id,
        note_ref=None if agreed is None else agreed.note_ref,
        note_sha256=None if agreed is None else agreed.note_sha256,
        fees=terms.fees,
        sheet_read_ms=_read_ms(agreed, setting),
    )


def posix_ms(at: datetime) -> int:
    """Return an instant in POSIX milliseconds."""
    return int(at.timestamp() * 1_000)


def _read_ms(agreed: Agreement | None, setting: Setting) -> int | None:
    """Return for how long the sheet was before the customer, as the server measured it."""
    if agreed is None or not agreed.shown_ms:
        return None
    return max(0, min(posix_ms(setting.now) - agreed.shown_ms, _READ_MS_MAX))


def _drawn(line: Line, loan: Loan, available: int, setting: Setting) -> Accepted:
    text = ids.to_text
    line_text = text(ids.LINE, line.line_id)
    answer: dict[str, object] = {
        "id": text(ids.LOAN, loan.loan_id),
        "customer_id": text(ids.CUSTOMER, line.customer_id),
        "line_id": line_text,
        "status": "pending",
        "amount_minor": loan.original_minor,
        "currency": loan.currency,
        "tenor_months": loan.tenor_months,
        "method": loan.method.value,
        "rate_daily_e8": loan.rate_daily_e8,
        "requested_on": setting.business_date.isoformat(),
        "available_minor": available,
        "line_version": line.version,
        "note_sha256": loan.note_sha256.hex() if loan.note_sha256 else None,
        "cost_sheet_sha256": loan.cost_sheet_hash.hex(),
        "sheet_read_ms": loan.sheet_read_ms,
    }
    payload: dict[str, object] = {
        "customer_id": line.customer_id,
        "loan_id": loan.loan_id,
        "amount_minor": loan.original_minor,
        "currency": loan.currency,
        "lender_id": loan.lender_id,
        "line_id": line.line_id,
        "payee_ref": loan.payee_ref,
        "business_date": answer["requested_on"],
    }
    movement = Movement("hold", loan.loan_id, None, loan.product_code, NOTHING, loan.original_minor)
    return Accepted(
        answer, movements=[movement], told=[Told("payout_requested", loan.loan_id, payload)]
    )


def _refuse_settled(line: Line | None, loan: Loan | None) -> Refused | None:
    if line is None:
        return refuse(refusals.LINE_NOT_FOUND)
    if loan is None:
        return refuse(refusals.LOAN_NOT_FOUND)
    if loan.status != "pending":
        return refuse(refusals.LOAN_NOT_PENDING, status=loan.status)
    return None


def _record(loan: Loan, kind: str, command: ConfirmPayout, setting: Setting) -> Transaction:
    loan.last_sequence += 1
    loan.version += 1
    return Transaction(
        transaction_id=setting.ids.next(),
        loan_id=loan.loan_id,
        sequence=loan.last_sequence,
        kind=kind,
        value_date=command.value_date,
        amount_minor=loan.original_minor,
        parts=NOTHING._replace(principal_minor=loan.original_minor),
        mode=Prepayment.NEXT_INSTALMENT,
        repayment_id=None,
        relates_to=None,
        channel=command.rail_reference,
        reason=None,
    )


def quote_loan(
    line: Line, command: Draw, setting: Setting, *, rate_daily_e8: int | None = None
) -> Loan:
    """Return the loan that this drawdown would become if its money arrived today.

    It costs what the line costs where no price is given. It gets no number of its own: it is
    shown, never stored.
    """
    rate = line.rate_daily_e8 if rate_daily_e8 is None else rate_daily_e8
    assert rate <= line.rate_daily_e8, "no drawdown costs more than its line"
    loan = _pending_loan(line, command, setting, 0, rate_daily_e8=rate)
    disburse(loan, setting.business_date, setting.terms)
    return loan
