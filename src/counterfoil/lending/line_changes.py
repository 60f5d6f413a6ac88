"""Opening a line and changing it: limit, freeze, suspension, own cap, repayment day, closing.

Invariant   A change never touches money owed. Lowering the limit below what is used is allowed
            and makes nothing due; a raised own cap waits, a lowered one works at once.
            No limit goes above what the customer agreed to: by the signed agreement, a signed
            amendment, or a signed new version.
"""

from datetime import date, timedelta

from counterfoil.kernel import ids
from counterfoil.kernel.calendar import REPAYMENT_DAY_MAX, add_months
from counterfoil.kernel.creditor_reference import reference_of
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.lending import refusals
from counterfoil.lending.account import Accepted, Account, LineEvent, Setting, Told
from counterfoil.lending.commands import (
    CloseLine,
    FreezeLine,
    OpenLine,
    RaiseLimit,
    ReinstateLine,
    ReplaceAgreement,
    RestoreLimit,
    SetLimit,
    SetLimitAsWished,
    SetOwnCap,
    SetRepaymentDay,
    SuspendLine,
    UnfreezeLine,
)
from counterfoil.lending.line import Line, agreed_limit, availability, settle_waiting


def open_line(account: Account, command: OpenLine, setting: Setting) -> Accepted | Refused:
    """Open a line under the product version of the offer."""
    if account.line is not None:
        return refuse(refusals.LINE_EXISTS)
    terms = setting.terms
    refused = (
        _refuse_limit(command.limit_minor, setting)
        or _refuse_rate(command.rate_daily_e8, setting)
        or _refuse_day(command.repayment_day)
    )
    if refused:
        return refused
    line = Line(
        customer_id=command.customer_id,
        line_id=command.line_id,
        application_id=command.application_id,
        product_code=command.product_code,
        product_version=command.product_version,
        lender_id=terms.lender_id,
        currency=terms.currency,
        status="active",
        limit_minor=command.limit_minor,
        rate_daily_e8=command.rate_daily_e8,
        repayment_day=command.repayment_day,
        opened_on=setting.business_date,
        valid_to=add_months(setting.business_date, terms.line_valid_months),
        contract_id=command.contract_id,
        agreement_sha256=command.agreement_sha256,
    )
    account.line = line
    event = LineEvent(1, "opened", None, str(line.limit_minor), "offer_accepted", "customer")
    return _changed(line, event, setting)


def set_limit(account: Account, command: SetLimit, setting: Setting) -> Accepted | Refused:
    """Raise or lower the limit; a debt above a lowered limit stays as it is.

    What was agreed stays agreed when the lender lowers the limit, and goes down with it when the
    customer asked for it. A raise beyond it is the customer's agreement, or refused.
    """
    line = account.line
    refused = _refuse_closed(line) or _refuse_limit(command.limit_minor, setting)
    if refused or line is None:
        return refused or refuse(refusals.LINE_NOT_FOUND)
    if command.from_minor not in {None, line.limit_minor}:
        return refuse(refusals.LIMIT_CHANGED_MEANWHILE, limit_minor=line.limit_minor)
    if command.limit_minor == line.limit_minor:
        return refuse(refusals.LIMIT_UNCHANGED)
    before, agreed = line.limit_minor, agreed_limit(line)
    is_raise = command.limit_minor > before
    if isinstance(command, RaiseLimit):
        agreed = max(agreed, command.limit_minor)
    elif isinstance(command, SetLimitAsWished) and not is_raise:
        agreed = min(agreed, command.limit_minor)
    elif is_raise and command.limit_minor > agreed:
        return refuse(refusals.LIMIT_NOT_AGREED, agreed_minor=agreed)
    _put_limit(account, line, command.limit_minor, agreed)
    kind = "limit_raised" if is_raise else "limit_lowered"
    return _change(line, kind, (before, line.limit_minor), command, setting)


def freeze(account: Account, command: FreezeLine, setting: Setting) -> Accepted | Refused:
    """Stop drawing until a day, or until the freeze is lifted."""
    line = account.line
    refused = _refuse_closed(line)
    if refused or line is None:
        return refused or refuse(refusals.LINE_NOT_FOUND)
    if line.status == "suspended":
        # A freeze ends; what suspended the line does not end with it.
        return refuse(refusals.LINE_SUSPENDED, reason=line.status_reason)
    if command.until is not None and command.until < setting.business_date:
        return refuse(refusals.FREEZE_DATE_PAST, business_date=setting.business_date.isoformat())
    before = line.status
    line.status = "frozen"
    line.frozen_until = command.until
    line.status_reason = command.reason
    after = command.until.isoformat() if command.until else "frozen"
    return _change(line, "frozen", (before, after), command, setting)


def unfreeze(account: Account, command: UnfreezeLine, setting: Setting) -> Accepted | Refused:
    """Lift a freeze."""
    line = account.line
    refused = _refuse_closed(line)
    if refused or line is None:
        return refused or refuse(refusals.LINE_NOT_FOUND)
    if line.status != "frozen":
        return refuse(refusals.LINE_NOT_FROZEN)
    line.status, line.frozen_until, line.status_reason = "active", None, None
    return _change(line, "unfrozen", ("frozen", "active"), command, setting)


def suspend(account: Account, command: SuspendLine, setting: Setting) -> Accepted | Refused:
    """Stop drawing until the line is reinstated; a freeze with an end runs on beneath."""
    line = account.line
    refused = _refuse_closed(line)
    if refused or line is None:
        return refused or refuse(refusals.LINE_NOT_FOUND)
    settle_waiting(line, setting.business_date)
    if line.status == "suspended":
        return refuse(refusals.LINE_SUSPENDED, reason=line.status_reason)
    if line.status == "frozen" and line.frozen_until is None:
        # Nothing can be drawn already, and this freeze is for a person to lift.
        return refuse(refusals.LINE_FROZEN, reason=line.status_reason)
    before, line.status = line.status, "suspended"
    line.status_reason = command.reason
    return _change(line, "suspended", (before, "suspended"), command, setting)


def reinstate(account: Account, command: ReinstateLine, setting: Setting) -> Accepted | Refused:
    """Lift a suspension; a freeze that still runs holds again."""
    line = account.line
    refused = _refuse_closed(line)
    if refused or line is None:
        return refused or refuse(refusals.LINE_NOT_FOUND)
    if line.status != "suspended":
        return refuse(refusals.LINE_NOT_SUSPENDED)
    line.status = "active" if line.frozen_until is None else "frozen"
    line.status_reason = None if line.frozen_until is None else command.reason
    settle_waiting(line, setting.business_date)
    return _change(line, "reinstated", ("suspended", line.status), command, setting)


def restore_limit(account: Account, command: RestoreLimit, setting: Setting) -> Accepted | Refused:
    """Give back a limit that was lowered; it is no raise."""
    line = account.line
    refused = _refuse_closed(line) or _refuse_limit(command.limit_minor, setting)
    if refused or line is None:
        return refused or refuse(refusals.LINE_NOT_FOUND)
    if command.from_minor != line.limit_minor:
        return refuse(refusals.LIMIT_CHANGED_MEANWHILE, limit_minor=line.limit_minor)
    if command.limit_minor <= line.limit_minor:
        return refuse(refusals.LIMIT_UNCHANGED)
    before, agreed = line.limit_minor, agreed_limit(line)
    if command.limit_minor > agreed:
        return refuse(refusals.LIMIT_NOT_AGREED, agreed_minor=agreed)
    _put_limit(account, line, command.limit_minor, agreed)
    return _change(line, "limit_restored", (before, line.limit_minor), command, setting)


def close(account: Account, command: CloseLine, setting: Setting) -> Accepted | Refused:
    """Close a line on which nothing is owed, held or kept.

    The event carries all that a bureau's record of an ended credit agreement says of the line (220
    with code 20: agreement, limit, currency, from and to, status), as it stood when it was closed:
    whoever reports adds the person from the vault and the lender's number at the bureau.
    """
    line = account.line
    refused = _refuse_closed(line)
    if refused or line is None:
        return refused or refuse(refusals.LINE_NOT_FOUND)
    running = any(loan.status in ("open", "pending") for loan in account.loans.values())
    owed, kept = line.principal_minor + line.held_minor, line.credit_minor + line.returning_minor
    if running or owed or kept:
        return refuse(refusals.LINE_NOT_EMPTY, owed_minor=owed, credit_minor=kept)
    before = line.status
    line.status, line.frozen_until = "closed", None
    line.status_reason = command.reason
    done = _change(line, "closed", (before, "closed"), command, setting)
    (told,) = done.told
    told.payload.update(_closing_record(line, setting))
    return done


def _closing_record(line: Line, setting: Setting) -> dict[str, object]:
    """Return what of a closed line a bureau is told; amounts in minor units."""
    contract_id, agreement = line.contract_id, line.agreement_sha256
    return {
        "closed_on": setting.business_date.isoformat(),
        "reported_to_bureau": setting.terms.reported_to_bureau,
        "line_id": ids.to_text(ids.LINE, line.line_id),
        "lender_id": line.lender_id,
        "product_code": line.product_code,
        "product_version": line.product_version,
        "contract_id": None if contract_id is None else ids.to_text(ids.CONTRACT, contract_id),
        "agreement_sha256": None if agreement is None else agreement.hex(),
        "currency": line.currency,
        "limit_minor": line.limit_minor,
        # Each line here is one: principal that is paid back can be drawn again.
        "is_revolving": True,
        "opened_on": line.opened_on.isoformat(),
        "valid_to": line.valid_to.isoformat(),
    }


def replace_agreement(
    account: Account, command: ReplaceAgreement, setting: Setting
) -> Accepted | Refused:
    """Let new drawings follow a new agreement, its terms and its price; loans keep theirs."""
    line = account.line
    refused = _refuse_closed(line)
    if refused or line is None:
        return refused or refuse(refusals.LINE_NOT_FOUND)
    before = line.contract_id
    line.contract_id = command.contract_id
    line.agreement_sha256 = command.agreement_sha256
    line.product_version = command.product_version
    if command.rate_daily_e8 is not None:
        line.rate_daily_e8, account.has_new_terms = command.rate_daily_e8, True
    if command.limit_minor is not None:
        # What a signed amendment raised meanwhile was agreed to as well.
        _put_limit(account, line, line.limit_minor, max(command.limit_minor, line.limit_minor))
    told = [None if n is None else ids.to_text(ids.CONTRACT, n) for n in (before, line.contract_id)]
    return _change(line, "agreement_replaced", (told[0], told[1]), command, setting)


def set_own_cap(account: Account, command: SetOwnCap, setting: Setting) -> Accepted | Refused:
    """Set the customer's own ceiling: lower at once, higher after the days of waiting."""
    line = account.line
    refused = _refuse_closed(line)
    if refused or line is None:
        return refused or refuse(refusals.LINE_NOT_FOUND)
    cap = command.cap_minor
    if cap is not None and not 0 <= cap <= line.limit_minor:
        return refuse(refusals.CAP_OUT_OF_RANGE, limit_minor=line.limit_minor)
    settle_waiting(line, setting.business_date)
    before = line.own_cap_minor
    if before is not None and (cap is None or cap > before):
        line.next_cap_minor = cap
        line.next_cap_on = waits_until(setting)
    else:
        line.own_cap_minor = cap
        line.next_cap_minor = line.next_cap_on = None
    return _change(line, "own_cap_set", (before, cap), command, setting)


def set_repayment_day(
    account: Account, command: SetRepaymentDay, setting: Setting
) -> Accepted | Refused:
    """Choose the day of the month for new drawdowns; running loans keep theirs."""
    line = account.line
    refused = refuse_repayment_day(line, command.repayment_day, setting)
    if refused or line is None:
        return refused or refuse(refusals.LINE_NOT_FOUND)
    before = line.repayment_day
    line.day_changes = day_changes(line, setting.business_date) + 1
    line.repayment_day = command.repayment_day
    line.day_changed_on = setting.business_date
    return _change(line, "repayment_day_set", (before, line.repayment_day), command, setting)


def refuse_repayment_day(line: Line | None, repayment_day: int, setting: Setting) -> Refused | None:
    """Refuse a repayment day that cannot be chosen, or not again this year."""
    refused = _refuse_closed(line) or _refuse_day(repayment_day)
    if refused or line is None:
        return refused
    changes = day_changes(line, setting.business_date)
    if changes >= setting.terms.repayment_day_changes_per_year:
        return refuse(refusals.REPAYMENT_DAY_CHANGES_USED_UP, count=changes)
    return None


def day_changes(line: Line, on: date) -> int:
    """Return how often the repayment day was changed in the year of a date."""
    if line.day_changed_on is None or line.day_changed_on.year != on.year:
        return 0
    return line.day_changes


def waits_until(setting: Setting) -> date:
    """Return the day from which a raised own cap works: whole days of waiting, today not counted.

    One day of waiting is at least 24 hours at whatever time of the day it is asked for.
    """
    days = setting.terms.cap_raise_wait_days
    return setting.business_date + timedelta(days=days + 1 if days else 0)


def line_answer(line: Line, on: date) -> dict[str, object]:
    """Return what an answer says of a line; the parts of the available amount add up."""
    have = availability(line, on)
    return {
        "id": ids.to_text(ids.LINE, line.line_id),
        "customer_id": ids.to_text(ids.CUSTOMER, line.customer_id),
        "application_id": ids.to_text(ids.APPLICATION, line.application_id),
        "product_code": line.product_code,
        "product_version": line.product_version,
        "currency": line.currency,
        "status": line.status,
        "status_reason": line.status_reason,
        "frozen_until": line.frozen_until.isoformat() if line.frozen_until else None,
        "limit_minor": line.limit_minor,
        "agreed_limit_minor": agreed_limit(line),
        "own_cap_minor": have.own_cap_minor,
        "next_cap_minor": line.next_cap_minor,
        "next_cap_on": line.next_cap_on.isoformat() if line.next_cap_on else None,
        "principal_minor": line.principal_minor,
        "held_minor": line.held_minor,
        "available_minor": have.available_minor,
        "blocked_minor": have.blocked_minor,
        "blocked_by": have.blocked_by,
        "credit_minor": line.credit_minor,
        "returning_minor": line.returning_minor,
        "rate_daily_e8": line.rate_daily_e8,
        "repayment_day": line.repayment_day,
        "opened_on": line.opened_on.isoformat(),
        "valid_to": line.valid_to.isoformat(),
        "contract_id": ids.to_text(ids.CONTRACT, line.contract_id) if line.contract_id else None,
        "agreement_sha256": line.agreement_sha256.hex() if line.agreement_sha256 else None,
        "payment_reference": reference_of(ids.LINE, line.line_id),
        "version": line.version,
    }


def _put_limit(account: Account, line: Line, limit_minor: int, agreed_minor: int) -> None:
    """Set the limit beside what is agreed, which is kept only where it is another."""
    kept = None if agreed_minor == limit_minor else agreed_minor
    if kept != line.agreed_limit_minor:
        line.agreed_limit_minor, account.has_new_terms = kept, True
    line.limit_minor = limit_minor


def _refuse_closed(line: Line | None) -> Refused | None:
    if line is None:
        return refuse(refusals.LINE_NOT_FOUND)
    return refuse(refusals.LINE_CLOSED) if line.status == "closed" else None


def _refuse_limit(limit_minor: int, setting: Setting) -> Refused | None:
    terms = setting.terms
    in_range = terms.limit_minor_min <= limit_minor <= terms.limit_minor_max
    if in_range and limit_minor % terms.limit_minor_step == 0:
        return None
    return refuse(
        refusals.LIMIT_OUT_OF_RANGE,
        minimum_minor=terms.limit_minor_min,
        maximum_minor=terms.limit_minor_max,
        step_minor=terms.limit_minor_step,
    )


def _refuse_rate(rate_daily_e8: int, setting: Setting) -> Refused | None:
    """Refuse a price outside the product's range; it is never clipped into it."""
    least, most = setting.terms.rate_daily_e8_min, setting.terms.rate_daily_e8_max
    if least <= rate_daily_e8 <= most:
        return None
    return refuse(refusals.RATE_OUT_OF_RANGE, minimum_daily_e8=least, maximum_daily_e8=most)


def _refuse_day(repayment_day: int) -> Refused | None:
    if 1 <= repayment_day <= REPAYMENT_DAY_MAX:
        return None
    return refuse(refusals.REPAYMENT_DAY_OUT_OF_RANGE)


def _change(
    line: Line,
    kind: str,
    values: tuple[object, object],
    command: SetLimit
    | FreezeLine
    | UnfreezeLine
    | SuspendLine
    | ReinstateLine
    | RestoreLimit
    | CloseLine
    | SetOwnCap
    | SetRepaymentDay
    | ReplaceAgreement,
    setting: Setting,
) -> Accepted:
    line.version += 1
    before, after = (None if value is None else str(value) for value in values)
    reason = getattr(command, "reason", "customer_setting")
    event = LineEvent(line.version, kind, before, after, reason, command.author)
    return _changed(line, event, setting)


def _changed(line: Line, event: LineEvent, setting: Setting) -> Accepted:
    answer = line_answer(line, setting.business_date)
    told = Told(f"line_{event.kind}", line.line_id, {"reason": event.reason})
    return Accepted(answer, events=[event], told=[told])
