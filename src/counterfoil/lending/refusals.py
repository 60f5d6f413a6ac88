"""What lending can refuse, each with its stable code and the next step."""

from counterfoil.kernel.errors import Kind, Refusal

LINE_NOT_FOUND = Refusal(
    code="line_not_found",
    kind=Kind.NOT_FOUND,
    message="This customer has no such credit line.",
    next_step="Check the line and the customer it belongs to.",
)
LINE_EXISTS = Refusal(
    code="line_exists",
    kind=Kind.CONFLICT,
    message="A credit line was already opened from this application.",
    next_step="Read the customer's lines instead of opening another one.",
)
LOAN_NOT_FOUND = Refusal(
    code="loan_not_found",
    kind=Kind.NOT_FOUND,
    message="This line has no such loan.",
    next_step="Check the loan and the line it was drawn on.",
)
REPAYMENT_NOT_FOUND = Refusal(
    code="repayment_not_found",
    kind=Kind.NOT_FOUND,
    message="This line has no such repayment.",
    next_step="Check the repayment and the line it was paid on.",
)
LINE_FROZEN = Refusal(
    code="line_frozen",
    kind=Kind.CONFLICT,
    message="Drawing on this line is frozen: {reason}.",
    next_step="Wait until the freeze ends or is lifted; repayment stays possible.",
)
LINE_SUSPENDED = Refusal(
    code="line_suspended",
    kind=Kind.CONFLICT,
    message="This line is suspended: {reason}.",
    next_step="Ask the lender for a review; repayment stays possible.",
)
LINE_CLOSED = Refusal(
    code="line_closed",
    kind=Kind.GONE,
    message="This line is closed.",
    next_step="Apply for a new line.",
)
LINE_EXPIRED = Refusal(
    code="line_expired",
    kind=Kind.CONFLICT,
    message="This line was valid until {valid_to}.",
    next_step="Apply for a renewal; running loans go on unchanged.",
)
INSUFFICIENT_LIMIT = Refusal(
    code="insufficient_limit",
    kind=Kind.CONFLICT,
    message="The amount is more than the {available_minor} minor units still available.",
    next_step="Draw at most the available amount, repay first, or ask for a higher limit.",
)
AMOUNT_NOT_POSITIVE = Refusal(
    code="amount_not_positive",
    kind=Kind.INVALID,
    message="The amount has to be more than zero.",
    next_step="Send the amount as a positive integer of minor units.",
)
AMOUNT_TOO_LARGE = Refusal(
    code="amount_too_large",
    kind=Kind.INVALID,
    message="The amount is larger than any command may carry.",
    next_step="Check the unit: amounts are integers of minor units.",
)
AMOUNT_BELOW_MINIMUM = Refusal(
    code="amount_below_minimum",
    kind=Kind.CONFLICT,
    message="The product lends at least {minimum_minor} minor units at a time.",
    next_step="Draw at least the minimum.",
)
AMOUNT_ABOVE_MAXIMUM = Refusal(
    code="amount_above_maximum",
    kind=Kind.CONFLICT,
    message="The product lends at most {maximum_minor} minor units at a time.",
    next_step="Draw at most the maximum, in several drawdowns if need be.",
)
AMOUNT_OFF_STEP = Refusal(
    code="amount_off_step",
    kind=Kind.CONFLICT,
    message="The product lends multiples of {step_minor} minor units.",
    next_step="Draw a multiple of the step.",
)
CURRENCY_MISMATCH = Refusal(
    code="currency_mismatch",
    kind=Kind.CONFLICT,
    message="The line is kept in {currency}.",
    next_step="Send the amount in the currency of the line.",
)
TENOR_NOT_OFFERED = Refusal(
    code="tenor_not_offered",
    kind=Kind.CONFLICT,
    message="The product does not offer a tenor of {tenor_months} months.",
    next_step="Choose one of: {offered}.",
)
METHOD_NOT_OFFERED = Refusal(
    code="method_not_offered",
    kind=Kind.CONFLICT,
    message="The product does not offer the method {method}.",
    next_step="Choose one of: {offered}.",
)
PURPOSE_BANNED = Refusal(
    code="purpose_banned",
    kind=Kind.CONFLICT,
    message="The product does not lend for the purpose {purpose}.",
    next_step="Consumer credit may not be used for this; choose what the money is really for.",
)
COST_ABOVE_CAP = Refusal(
    code="cost_above_cap",
    kind=Kind.CONFLICT,
    message="The all-in annual cost of this loan would lie above the product's cap.",
    next_step="Ask for a longer tenor or a lower price; the loan is never made above the cap.",
)
COST_ABOVE_RULE = Refusal(
    code="cost_above_rule",
    kind=Kind.CONFLICT,
    message="The all-in annual cost of this contract passes the cap of rule {rule} in {pack} on "
    "{on}.",
    next_step="Ask for a longer tenor or a lower price; nothing is lent above the cap.",
)
COST_CAP_UNKNOWN = Refusal(
    code="cost_cap_unknown",
    kind=Kind.CONFLICT,
    message="The rule pack {pack} knows no cap on the cost for a {licence} on {on}.",
    next_step="Bring a rule pack with the cap of this licence; what is not known never passes.",
)
PRICE_ABOVE_SIGNED = Refusal(
    code="price_above_signed",
    kind=Kind.CONFLICT,
    message="The line was agreed to at {agreed_daily_e8} hundred-millionths a day, and no drawdown "
    "costs more.",
    next_step="Choose a price up to that, or make a new agreement with the customer.",
)
PRICE_NOTICE_TOO_SHORT = Refusal(
    code="price_notice_too_short",
    kind=Kind.CONFLICT,
    message="A price that rises is told {days} days before, a price that falls no day back.",
    next_step="Let it hold from {earliest} on at the earliest.",
)
PRICE_NOT_ALLOWED = Refusal(
    code="price_not_allowed",
    kind=Kind.FORBIDDEN,
    message="Your role does not set prices.",
    next_step="Ask somebody whose role changes limits.",
)
PROMOTION_INVALID = Refusal(
    code="promotion_invalid",
    kind=Kind.INVALID,
    message="The promotion cannot be published: {fault}.",
    next_step="Mend what is named and send it again.",
)
PROMOTION_CODE_USED = Refusal(
    code="promotion_code_used",
    kind=Kind.CONFLICT,
    message="There was a promotion {code} before.",
    next_step="Give the new one a code of its own.",
)
PROMOTION_UNKNOWN = Refusal(
    code="promotion_unknown",
    kind=Kind.NOT_FOUND,
    message="There is no promotion {code}.",
    next_step="Look at the list of promotions.",
)
PROMOTION_OVER = Refusal(
    code="promotion_over",
    kind=Kind.CONFLICT,
    message="The promotion of this quote is over or used up.",
    next_step="Ask for a new quote, show its cost sheet, and draw with its token.",
)
AGREEMENT_NOT_SIGNED = Refusal(
    code="agreement_not_signed",
    kind=Kind.CONFLICT,
    message="No agreement is signed for this line.",
    next_step="Prepare the agreement, show it, and have the customer sign it.",
)
QUOTE_INVALID = Refusal(
    code="quote_invalid",
    kind=Kind.CONFLICT,
    message="The cost sheet that was agreed to is not the one of this drawdown.",
    next_step="Ask for a new quote, show its cost sheet, and draw with its token.",
)
QUOTE_EXPIRED = Refusal(
    code="quote_expired",
    kind=Kind.CONFLICT,
    message="The cost sheet was valid on {valid_on} only.",
    next_step="Ask for a new quote, show its cost sheet, and draw with its token.",
)
SHEET_READ_TOO_SHORTLY = Refusal(
    code="sheet_read_too_shortly",
    kind=Kind.CONFLICT,
    message="A cost sheet is read for {seconds} seconds at least before it is agreed to.",
    next_step="Show the sheet for that long, then draw with the same token and a new key.",
)
LOAN_NOT_PENDING = Refusal(
    code="loan_not_pending",
    kind=Kind.CONFLICT,
    message="The payout of this drawdown is already settled: the loan is {status}.",
    next_step="Read the loan; nothing is left to confirm.",
)
LOAN_PENDING = Refusal(
    code="loan_pending",
    kind=Kind.CONFLICT,
    message="The money of this loan has not been paid out yet.",
    next_step="Wait for the payout; nothing is owed before it.",
)
LOAN_CLOSED = Refusal(
    code="loan_closed",
    kind=Kind.GONE,
    message="This loan is {status}; nothing is owed on it.",
    next_step="Keep the money, or name the loan that is to be repaid.",
)
LOAN_NAMED_TWICE = Refusal(
    code="loan_named_twice",
    kind=Kind.INVALID,
    message="A loan is named more than once in one payment.",
    next_step="Name each loan once; put the one to be paid first at the head of the list.",
)
NOTHING_TO_REPAY = Refusal(
    code="nothing_to_repay",
    kind=Kind.CONFLICT,
    message="No loan of this line is open.",
    next_step="Keep the money; nothing is owed.",
)
VALUE_DATE_IN_FUTURE = Refusal(
    code="value_date_in_future",
    kind=Kind.CONFLICT,
    message="The value date lies after the business date {business_date}.",
    next_step="Send the date on which the money arrived, at most the business date.",
)
VALUE_DATE_BEFORE_DRAWDOWN = Refusal(
    code="value_date_before_drawdown",
    kind=Kind.CONFLICT,
    message="The value date lies before {start_date}, the day the loan began.",
    next_step="Send the date on which the money arrived.",
)
RATE_ABOVE_SIGNED = Refusal(
    code="rate_above_signed",
    kind=Kind.CONFLICT,
    message="A running loan is never dearer than the {signed_daily_e8} hundred-millionths a day "
    "that were signed.",
    next_step="Choose a rate from zero to the one signed.",
)
PLAN_UNCHANGED = Refusal(
    code="plan_unchanged",
    kind=Kind.CONFLICT,
    message="The loan runs under these terms already.",
    next_step="Nothing is left to change.",
)
PLAN_NOT_POSSIBLE = Refusal(
    code="plan_not_possible",
    kind=Kind.CONFLICT,
    message="The instalments that are left do not allow this tenor.",
    next_step="Choose a tenor of {least} to {most} months; a plan with nothing to come has none.",
)
PREPAYMENT_NOT_OFFERED = Refusal(
    code="prepayment_not_offered",
    kind=Kind.CONFLICT,
    message="The product does not offer {mode} for money paid before it is due.",
    next_step="Choose one of: {offered}.",
)
REPAYMENT_REVERSED = Refusal(
    code="repayment_reversed",
    kind=Kind.CONFLICT,
    message="This repayment was already reversed.",
    next_step="Nothing is left to reverse.",
)
CREDIT_ALREADY_USED = Refusal(
    code="credit_already_used",
    kind=Kind.CONFLICT,
    message="Credit that came of this repayment was used or returned since.",
    next_step="Settle the credit with the customer first, then reverse the repayment.",
)
CHANNEL_RESERVED = Refusal(
    code="channel_reserved",
    kind=Kind.CONFLICT,
    message="The channel {channel} is kept for repayments out of the customer's credit.",
    next_step="Name the way in which the money came in, or ask to use the credit.",
)
INSUFFICIENT_CREDIT = Refusal(
    code="insufficient_credit",
    kind=Kind.CONFLICT,
    message="The amount is more than the {credit_minor} minor units kept for the customer.",
    next_step="Ask for at most the credit; what is on its way back already is no part of it.",
)
CREDIT_BEYOND_DEBT = Refusal(
    code="credit_beyond_debt",
    kind=Kind.CONFLICT,
    message="The amount is more than the {owed_minor} minor units owed.",
    next_step="Use at most what is owed, and ask for the rest of the credit to be returned.",
)
CREDIT_RETURN_NOT_FOUND = Refusal(
    code="credit_return_not_found",
    kind=Kind.NOT_FOUND,
    message="This line has no such return of credit.",
    next_step="Check the return and the line it was asked for on.",
)
CREDIT_RETURN_SETTLED = Refusal(
    code="credit_return_settled",
    kind=Kind.CONFLICT,
    message="The outcome of this return of credit is certain: it is {status}.",
    next_step="Read the return; nothing is left to confirm.",
)
RETURN_DATE_OUT_OF_RANGE = Refusal(
    code="return_date_out_of_range",
    kind=Kind.CONFLICT,
    message="The value date of a return lies between {requested_on}, when it was asked for, and "
    "the business date {business_date}.",
    next_step="Take the value date from the rail's statement.",
)
LIMIT_OUT_OF_RANGE = Refusal(
    code="limit_out_of_range",
    kind=Kind.CONFLICT,
    message="The product grants limits from {minimum_minor} to {maximum_minor} minor units.",
    next_step="Choose a limit inside the range, in steps of {step_minor}.",
)
RATE_OUT_OF_RANGE = Refusal(
    code="rate_out_of_range",
    kind=Kind.CONFLICT,
    message="The product's price lies between {minimum_daily_e8} and {maximum_daily_e8} "
    "hundred-millionths a day.",
    next_step="Decide the application again; a price outside the range is never offered.",
)
LIMIT_UNCHANGED = Refusal(
    code="limit_unchanged",
    kind=Kind.CONFLICT,
    message="The line has this limit already.",
    next_step="Nothing is left to do.",
)
LIMIT_NOT_AGREED = Refusal(
    code="limit_not_agreed",
    kind=Kind.CONFLICT,
    message="The customer has agreed to a limit of {agreed_minor} minor units at most.",
    next_step="Let the customer ask for more, or review the line for an offer: the customer's "
    "agreement to the amendment raises the limit.",
)
LIMIT_CHANGED_MEANWHILE = Refusal(
    code="limit_changed_meanwhile",
    kind=Kind.CONFLICT,
    message="The limit is {limit_minor} minor units by now, another than when this was asked.",
    next_step="Read the line, then ask again from the limit it has.",
)
CAP_OUT_OF_RANGE = Refusal(
    code="cap_out_of_range",
    kind=Kind.CONFLICT,
    message="An own cap lies between 0 and the granted limit of {limit_minor} minor units.",
    next_step="Choose a cap inside the range, or none to take it away.",
)
LINE_NOT_SUSPENDED = Refusal(
    code="line_not_suspended",
    kind=Kind.CONFLICT,
    message="This line is not suspended.",
    next_step="Read the line; nothing is left to lift.",
)
LINE_NOT_FROZEN = Refusal(
    code="line_not_frozen",
    kind=Kind.CONFLICT,
    message="Drawing on this line is not frozen.",
    next_step="Nothing is left to lift.",
)
LINE_NOT_EMPTY = Refusal(
    code="line_not_empty",
    kind=Kind.CONFLICT,
    message="A line is closed when nothing is owed, held or kept on it.",
    next_step="Repay {owed_minor} minor units of principal with interest, and have "
    "{credit_minor} of credit returned, then close the line.",
)
REPAYMENT_DAY_OUT_OF_RANGE = Refusal(
    code="repayment_day_out_of_range",
    kind=Kind.CONFLICT,
    message="A repayment day lies between 1 and 28.",
    next_step="Choose a day that every month has.",
)
REPAYMENT_DAY_CHANGES_USED_UP = Refusal(
    code="repayment_day_changes_used_up",
    kind=Kind.CONFLICT,
    message="The repayment day was already changed {count} times this year.",
    next_step="Choose again next year.",
)
LINE_SETTLEMENT_NEEDED = Refusal(
    code="line_settlement_needed",
    kind=Kind.CONFLICT,
    message="{amount_minor} {currency} in minor units settle the loans {loans} on {valid_on}.",
    next_step="Pay exactly that on that day, or ask for a settlement quote of another day "
    "(POST /v1/settlement-quotes); then close the line.",
)
REPAYMENT_DAY_UNCHANGED = Refusal(
    code="repayment_day_unchanged",
    kind=Kind.CONFLICT,
    message="This is the present repayment day.",
    next_step="Choose another day from 1 to 28.",
)
PAY_DUE_FIRST = Refusal(
    code="pay_due_first",
    kind=Kind.CONFLICT,
    message="An instalment of {due_date} is due and unpaid.",
    next_step="Pay what is due, then choose the day again.",
)
EFFECT_CHANGED = Refusal(
    code="effect_changed",
    kind=Kind.CONFLICT,
    message="What was shown is no longer what would happen.",
    next_step="Ask for the change again, look at its effect, and confirm that.",
)
FREEZE_DATE_PAST = Refusal(
    code="freeze_date_past",
    kind=Kind.CONFLICT,
    message="A freeze ends on the business date {business_date} or later.",
    next_step="Send a later date, or none for a freeze without an end.",
)
PAYOFF_DATE_PAST = Refusal(
    code="payoff_date_past",
    kind=Kind.CONFLICT,
    message="A loan is closed on the business date {business_date} or later.",
    next_step="Ask for the business date, or for the later day on which the money will arrive.",
)
CLOSE_IN_PROGRESS = Refusal(
    code="close_in_progress",
    kind=Kind.IN_FLIGHT,
    message="Another process is closing the day.",
    next_step="Wait until it has finished, then look at the business date.",
)
SCENE_PURPOSE_UNKNOWN = Refusal(
    code="scene_purpose_unknown",
    kind=Kind.INVALID,
    message="This product does not lend for {purpose}.",
    next_step="Choose one of its purposes: {offered}.",
)
SCENE_LIMIT_REACHED = Refusal(
    code="scene_limit_reached",
    kind=Kind.CONFLICT,
    message="In the scene {scene} {left_minor} minor units of {currency} are left.",
    next_step="Draw no more than that, or repay a loan of the scene first.",
)
SCENE_PAYEE_UNKNOWN = Refusal(
    code="scene_payee_unknown",
    kind=Kind.CONFLICT,
    message="Money of the scene {scene} is paid to its merchants only, and this payee is none.",
    next_step="Name the merchant's payee; two people register a new one.",
)
SCENE_STOPPED = Refusal(
    code="scene_stopped",
    kind=Kind.CONFLICT,
    message="New loans of the scene {scene} are stopped at the moment.",
    next_step="Draw for another purpose, or try again later; running loans go on as agreed.",
)
SCENE_UNKNOWN = Refusal(
    code="scene_unknown",
    kind=Kind.INVALID,
    message="There is no scene {scene}.",
    next_step="Use one of the scenes that are listed.",
)
SCENE_NOT_STOPPED = Refusal(
    code="scene_not_stopped",
    kind=Kind.CONFLICT,
    message="New loans of this scene, or of this merchant in it, are not stopped.",
    next_step="Look at the stops that stand; nothing is left to lift.",
)
STATEMENT_MONTH_OPEN = Refusal(
    code="statement_month_open",
    kind=Kind.CONFLICT,
    message="Statements are made of months that have ended; the business date is {business_date}.",
    next_step="Ask for an earlier month, or read the transactions of the month that runs.",
)
SETTLEMENT_TOO_FAR = Refusal(
    code="settlement_too_far",
    kind=Kind.INVALID,
    message="A settlement is quoted for a day up to {latest}.",
    next_step="Name an earlier day.",
)
SETTLEMENT_QUOTE_NOT_FOUND = Refusal(
    code="settlement_quote_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no such quote of a settlement.",
    next_step="Check the identifier, or ask for a new quote.",
)
