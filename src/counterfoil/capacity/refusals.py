"""What the room of capacity can refuse, each with its stable code and the next step."""

from counterfoil.kernel.errors import Kind, Refusal

INCOME_CONSENT_MISSING = Refusal(
    code="income_consent_missing",
    kind=Kind.FORBIDDEN,
    message="Income is a restricted kind of data: this customer has not agreed to its use.",
    next_step="Show the notice on proof of income, with its warning, and send the consent given.",
)
STATEMENT_TOO_LARGE = Refusal(
    code="statement_too_large",
    kind=Kind.TOO_LARGE,
    message="A statement has at most {bytes_max} bytes and {lines_max} lines.",
    next_step="Ask the bank for a shorter span, twelve months at most.",
)
STATEMENT_UNREADABLE = Refusal(
    code="statement_unreadable",
    kind=Kind.INVALID,
    message="Line {line} of the statement cannot be read: {fault}.",
    next_step="Send the file as the bank gave it, in the form that is declared.",
)
STATEMENT_OF_ANOTHER = Refusal(
    code="statement_of_another",
    kind=Kind.CONFLICT,
    message="Line {line}: the statement's account is not in this customer's name.",
    next_step="Send a statement of an account in the customer's own name.",
)
STATEMENT_CURRENCY_OTHER = Refusal(
    code="statement_currency_other",
    kind=Kind.INVALID,
    message="Line {line}: the statement is in {currency}; {wanted} is read here.",
    next_step="Send a statement of an account in {wanted}.",
)
STATEMENT_DATES_DISORDERED = Refusal(
    code="statement_dates_disordered",
    kind=Kind.CONFLICT,
    message="Line {line}: its date is out of order, outside the statement's span, or to come.",
    next_step="Send the statement as the bank gave it; what was edited is not accepted.",
)
STATEMENT_BALANCES_BROKEN = Refusal(
    code="statement_balances_broken",
    kind=Kind.CONFLICT,
    message="Line {line}: the balance does not follow from the one before and the amount.",
    next_step="Send the statement as the bank gave it; what was edited is not accepted.",
)
STATEMENT_TOTALS_DIFFER = Refusal(
    code="statement_totals_differ",
    kind=Kind.CONFLICT,
    message="Line {line}: the statement's totals do not add up.",
    next_step="Send the statement as the bank gave it; what was edited is not accepted.",
)
STATEMENT_DUPLICATE = Refusal(
    code="statement_duplicate",
    kind=Kind.CONFLICT,
    message="Line {line} was already taken into account: in this file, or in an earlier one.",
    next_step="Send each line once: a later span of the account, or another account.",
)
STATEMENT_NOT_FOUND = Refusal(
    code="statement_not_found",
    kind=Kind.NOT_FOUND,
    message="This customer has no such statement.",
    next_step="Check the statement and the customer it belongs to.",
)
STATEMENT_SOURCE_ABSENT = Refusal(
    code="statement_source_absent",
    kind=Kind.UNAVAILABLE,
    message="No bank is connected here that gives statements.",
    next_step="Bring the statement as a file, or connect a bank: COUNTERFOIL_STATEMENT_SOURCE_URL.",
)
STATEMENT_SOURCE_SILENT = Refusal(
    code="statement_source_silent",
    kind=Kind.UNAVAILABLE,
    message="The bank gave no answer that can be used: {cause}. What it has is unknown.",
    next_step="Ask again later with the same key; the customer may bring the statement as a file.",
)
EXPOSURE_CEILING_REACHED = Refusal(
    code="exposure_ceiling_reached",
    kind=Kind.CONFLICT,
    message="This would take the customer above a ceiling on debt: {reasons}.",
    next_step="Read the figures of the guard; help with a tight budget is on offer.",
)
