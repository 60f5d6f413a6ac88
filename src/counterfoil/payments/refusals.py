"""What payments can refuse. The constraint that guards the same rule bears the same name."""

from typing import Final

from counterfoil.kernel.errors import Kind, Refusal

PAYMENT_NOT_FOUND: Final = Refusal(
    code="payment_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no such payment.",
    next_step="Check the payment's identifier, for instance on the loan's page.",
)

SUSPENSE_NOT_OPEN: Final = Refusal(
    code="suspense_not_open",
    kind=Kind.CONFLICT,
    message="The payment has no open case of this kind.",
    next_step="Look at the payment again: the case was resolved meanwhile.",
)

SUSPENSE_NOT_PROPOSED: Final = Refusal(
    code="suspense_not_proposed",
    kind=Kind.CONFLICT,
    message="Nobody has proposed how to resolve this case.",
    next_step="Propose a resolution; another person then approves it.",
)

SUSPENSE_SAME_PERSON: Final = Refusal(
    code="suspense_same_person",
    kind=Kind.FORBIDDEN,
    message="The person who proposed a resolution does not approve it.",
    next_step="Ask another person to approve the resolution.",
)

SUSPENSE_RESOLUTION_UNFIT: Final = Refusal(
    code="suspense_resolution_unfit",
    kind=Kind.CONFLICT,
    message="A payment that is {status} cannot be resolved as {resolution}.",
    next_step="Note a payment whose outcome is certain; decide the outcome of any other.",
)

STATEMENT_CHANGED: Final = Refusal(
    code="statement_changed",
    kind=Kind.CONFLICT,
    message="The statement of {statement_date} was taken before with other contents.",
    next_step="Ask the operator of the rail which of the two files is right.",
)

STATEMENT_INVALID: Final = Refusal(
    code="statement_invalid",
    kind=Kind.INVALID,
    message="The statement file cannot be read: {reason}.",
    next_step="Fetch the file again; nothing of it was taken.",
)

STATEMENT_MISSING: Final = Refusal(
    code="statement_missing",
    kind=Kind.CONFLICT,
    message="The statement of {rail} for {statement_date} has not been taken.",
    next_step="Take the statement first; without it sent money would look lost.",
)

SUSPENSE_VALUE_DATE_MISSING: Final = Refusal(
    code="suspense_value_date_missing",
    kind=Kind.INVALID,
    message="A payment that succeeded needs the day on which the payee had the money.",
    next_step="Take the value date from the rail's statement or its written answer.",
)

CALLBACK_SIGNATURE_INVALID: Final = Refusal(
    code="callback_signature_invalid",
    kind=Kind.FORBIDDEN,
    message="The callback is not signed by this rail, or is too old.",
    next_step="Sign it by Standard Webhooks with the key that was agreed, and send it at once.",
)

CALLBACK_INVALID: Final = Refusal(
    code="callback_invalid",
    kind=Kind.INVALID,
    message="The callback names no reference.",
    next_step="Send a JSON object with the reference of the payment.",
)

CALLBACK_NOT_EXPECTED: Final = Refusal(
    code="callback_not_expected",
    kind=Kind.NOT_FOUND,
    message="No callbacks are agreed with this rail.",
    next_step="Keep the rail's key as the file that the guide to payments names.",
)

RAIL_UNKNOWN: Final = Refusal(
    code="rail_unknown",
    kind=Kind.NOT_FOUND,
    message="There is no rail {rail}.",
    next_step="Use a code of the rails file; the list of rails shows them.",
)

RAIL_SWITCH_UNCHANGED: Final = Refusal(
    code="rail_switch_unchanged",
    kind=Kind.CONFLICT,
    message="The rail {rail} is {state} by hand already.",
    next_step="Look at the list of rails: somebody else has switched it.",
)

SUSPENSE_AMOUNT_UNFIT: Final = Refusal(
    code="suspense_amount_unfit",
    kind=Kind.INVALID,
    message="A return names what came back, at most {most_minor} minor units; nothing else does.",
    next_step="Take the amount from the rail's statement.",
)
RECEIVED_NOT_OPEN = Refusal(
    code="received_not_open",
    kind=Kind.CONFLICT,
    message="No such money waits to be placed.",
    next_step="Look at the list of money received: it was placed or sent back already.",
)
RECEIVED_REFERENCE_UNFIT = Refusal(
    code="received_reference_unfit",
    kind=Kind.INVALID,
    message="This is no reference of a line or loan, no number of a purchase, and no code of a"
    " promotion.",
    next_step="Read it again, check digits too; or say that the money was sent back.",
)
RECEIVED_CLAIM_UNFIT = Refusal(
    code="received_claim_unfit",
    kind=Kind.INVALID,
    message="This money cannot end so.",
    next_step="`claim` and `loss` are for a recall that waits for people, `loss` for an open claim"
    " too; `pays_claim` is for waiting money of at most what is left of the claim whose recall it"
    " names, on the account of the same lender.",
)
MANDATE_NOT_FOUND = Refusal(
    code="mandate_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no such mandate.",
    next_step="Check the identifier and the customer.",
)
MANDATE_REVOKED = Refusal(
    code="mandate_revoked",
    kind=Kind.CONFLICT,
    message="This mandate was revoked already.",
    next_step="Nothing is collected under it; read it for when it ended.",
)
MANDATE_END_OUT_OF_RANGE = Refusal(
    code="mandate_end_out_of_range",
    kind=Kind.INVALID,
    message="A mandate of this line ends after {earliest} and not later than {latest}.",
    next_step="Choose a day in between, or leave it out.",
)
ACCOUNT_NOT_OWN = Refusal(
    code="account_not_own",
    kind=Kind.INVALID,
    message="The account is not in the customer's own name.",
    next_step="Name an account of the customer's own.",
)
DEBIT_NOT_SUSPENDED = Refusal(
    code="debit_not_suspended",
    kind=Kind.CONFLICT,
    message="This debit does not lie before people, or its outcome is certain and another one.",
    next_step="Read the debits that do.",
)
