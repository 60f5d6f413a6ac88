"""What the room of contracts can refuse, each with its stable code and the next step."""

from counterfoil.kernel.errors import Kind, Refusal

CONTRACT_NOT_FOUND = Refusal(
    code="contract_not_found",
    kind=Kind.NOT_FOUND,
    message="This customer has no such contract.",
    next_step="Check the contract and the customer it belongs to.",
)
CONTRACT_NOT_SIGNED = Refusal(
    code="contract_not_signed",
    kind=Kind.CONFLICT,
    message="The agreement of this application is not signed.",
    next_step="Prepare the agreement, show it, have it signed, and take the offer then.",
)
CONTRACT_ALREADY_SIGNED = Refusal(
    code="contract_already_signed",
    kind=Kind.CONFLICT,
    message="This contract is signed already.",
    next_step="Read the contract; nothing is left to do.",
)
CONTRACT_SUPERSEDED = Refusal(
    code="contract_superseded",
    kind=Kind.GONE,
    message="A newer version of this contract, or another offer, has taken its place.",
    next_step="Prepare the contract again and show the new text.",
)
CONTRACT_EXPIRED = Refusal(
    code="contract_expired",
    kind=Kind.GONE,
    message="The offer behind this contract was valid until {valid_until}.",
    next_step="Apply again; a new offer brings a new contract.",
)
OFFER_NOT_APPROVED = Refusal(
    code="offer_not_approved",
    kind=Kind.CONFLICT,
    message="The application is {status}; a contract is made of an approved offer only.",
    next_step="Read the application to see how it stands.",
)
COST_SHEET_NOT_SHOWN = Refusal(
    code="cost_sheet_not_shown",
    kind=Kind.CONFLICT,
    message="The cost sheet was not shown in this language.",
    next_step="Show the cost sheet by itself first, then the agreement.",
)
CONTRACT_NOT_SHOWN = Refusal(
    code="contract_not_shown",
    kind=Kind.CONFLICT,
    message="The agreement was not shown in this language.",
    next_step="Show the agreement; a one-time code goes out with it.",
)
READING_TOO_SHORT = Refusal(
    code="reading_too_short",
    kind=Kind.CONFLICT,
    message="The cost sheet has been open for less than {least_seconds} seconds.",
    next_step="Let the customer read it; sign again in {wait_seconds} seconds.",
)
AMENDMENT_READ_TOO_SHORT = Refusal(
    code="amendment_read_too_short",
    kind=Kind.CONFLICT,
    message="The amendment has been open for less than {least_seconds} seconds.",
    next_step="Let the customer read it, then send the acceptance with the time it was open.",
)
DOCUMENT_HASH_MISMATCH = Refusal(
    code="document_hash_mismatch",
    kind=Kind.MISMATCH,
    message="The text that was confirmed is not the text of this contract.",
    next_step="Read the contract again, show its text, and confirm that hash.",
)
COST_SHEET_HASH_MISMATCH = Refusal(
    code="cost_sheet_hash_mismatch",
    kind=Kind.MISMATCH,
    message="The cost sheet that was confirmed is not the one of this contract.",
    next_step="Read the contract again, show its cost sheet, and confirm that hash.",
)
CODE_WRONG = Refusal(
    code="one_time_code_wrong",
    kind=Kind.CONFLICT,
    message="The one-time code is not the one that was sent; {attempts_left} attempts are left.",
    next_step="Enter the code of the latest message, or have a new one sent.",
)
CODE_EXPIRED = Refusal(
    code="one_time_code_expired",
    kind=Kind.GONE,
    message="The one-time code is no longer valid, or was used up.",
    next_step="Have a new code sent: show again what it confirms.",
)
CODES_USED_UP = Refusal(
    code="one_time_codes_used_up",
    kind=Kind.CONFLICT,
    message="Too many one-time codes were asked for on this contract.",
    next_step="Prepare the contract again on another day, or ask the lender.",
)
CODE_SERVICE_UNAVAILABLE = Refusal(
    code="one_time_code_unavailable",
    kind=Kind.UNAVAILABLE,
    message="No service for one-time codes is connected.",
    next_step="Connect one; only a sandbox shows codes in its answers.",
)
AUTHENTICATION_TOO_LOW = Refusal(
    code="authentication_too_low",
    kind=Kind.FORBIDDEN,
    message="Signing needs the authentication level {least}; this one is {given}.",
    next_step="Have the customer prove who they are, then sign.",
)
TEMPLATE_NOT_FOUND = Refusal(
    code="contract_template_not_found",
    kind=Kind.CONFLICT,
    message="No template of a contract holds for {product_code} on {on}.",
    next_step="Let two people publish a template for product and lender.",
)
TEMPLATE_VERSION_NOT_FOUND = Refusal(
    code="contract_template_version_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no version {version} of the template {template}.",
    next_step="Name one that was put forward or published, or that comes with the program.",
)
TEMPLATE_GATE_CLOSED = Refusal(
    code="contract_template_gate_closed",
    kind=Kind.CONFLICT,
    message="This version cannot be published: {fault}.",
    next_step="Read the report, mend what it names, and put the version forward again.",
)
TEMPLATE_PUBLISHED = Refusal(
    code="contract_template_published",
    kind=Kind.CONFLICT,
    message="This version of the template is published already.",
    next_step="Raise the version to say something else, or retire this one.",
)
TEMPLATE_NOT_PUBLISHED = Refusal(
    code="contract_template_not_published",
    kind=Kind.CONFLICT,
    message="This version of the template was never published, so it cannot end.",
    next_step="Name a published version.",
)
TEMPLATE_RETIRED = Refusal(
    code="contract_template_ended",
    kind=Kind.CONFLICT,
    message="This version ends on {on} already.",
    next_step="Publish the same words under the next version to use them again.",
)
TEMPLATE_NOT_REQUESTED = Refusal(
    code="contract_template_not_requested",
    kind=Kind.CONFLICT,
    message="Nobody has been asked to approve this.",
    next_step="Put it forward first; somebody else approves, then the same call carries it out.",
)
TEMPLATE_OUTDATED = Refusal(
    code="contract_template_outdated",
    kind=Kind.CONFLICT,
    message="Other versions hold for these products than when this was put forward.",
    next_step="Put it forward again: the difference is told against what holds now.",
)
NOTE_NOT_FOUND = Refusal(
    code="loan_note_not_found",
    kind=Kind.NOT_FOUND,
    message="This loan was made before notes were kept with loans.",
    next_step="Read the loan and its cost sheet instead.",
)
NOTE_DOES_NOT_MATCH = Refusal(
    code="loan_note_does_not_match",
    kind=Kind.CONFLICT,
    message="The note that follows from the loan is not the one that was confirmed.",
    next_step="Tell the operator: the loan, its product or the template was altered.",
)
AMENDMENT_DOES_NOT_MATCH = Refusal(
    code="amendment_does_not_match",
    kind=Kind.CONFLICT,
    message="The amendment that follows from the request is not the one that was agreed to.",
    next_step="Tell the operator: the request, its product or the template was altered.",
)
NEW_VERSION_NOT_NEEDED = Refusal(
    code="new_version_not_needed",
    kind=Kind.CONFLICT,
    message="The line has this agreement already: neither words nor terms, price or limit differ.",
    next_step="Publish a new version of the template first, or name what is to change.",
)
PRODUCT_VERSION_NOT_OFFERED = Refusal(
    code="product_version_not_offered",
    kind=Kind.CONFLICT,
    message="Version {version} of the product cannot follow the line's on {on}.",
    next_step="Name a later version of the same lender and currency that holds on the day.",
)
LINE_OUTSIDE_TERMS = Refusal(
    code="line_outside_terms",
    kind=Kind.CONFLICT,
    message="Limit or price lie outside the terms of version {version} on the day.",
    next_step="Name a limit and a price that the product and its licence allow on that day.",
)
LIMIT_NEEDS_DECISION = Refusal(
    code="limit_needs_decision",
    kind=Kind.CONFLICT,
    message="The limit of the line is {limit_minor}; a higher one needs a decision.",
    next_step="Let the customer ask for it: what is decided is agreed to by its own amendment.",
)
NEW_VERSION_SIGNED = Refusal(
    code="new_version_signed",
    kind=Kind.CONFLICT,
    message="The customer has signed a version that takes effect on {effective_on}.",
    next_step="Give the next notice when it is in force.",
)
LEAVING_COSTS = Refusal(
    code="leaving_costs",
    kind=Kind.CONFLICT,
    message="A running loan of this line charges a fee for early repayment.",
    next_step="Terms change for customers who can leave without cost; wait until it is repaid.",
)
AGREEMENT_CHANGE_NOT_SIGNED = Refusal(
    code="agreement_change_not_signed",
    kind=Kind.CONFLICT,
    message="Changed terms hold for new drawings since {effective_on}, and are not signed.",
    next_step="Read and sign contract {contract_id}; loans drawn before stay as they are.",
)
SEAL_UNAVAILABLE = Refusal(
    code="contract_seal_unavailable",
    kind=Kind.UNAVAILABLE,
    message="The seal of the lender {lender_id} cannot be used, so no file is issued.",
    next_step="Put the lender's PKCS#12 container where the settings name it.",
)
NOTICE_WITHOUT_LINE = Refusal(
    code="notice_without_line",
    kind=Kind.NOT_FOUND,
    message="{product} has no line that could be given notice.",
    next_step="Name a product, and a version if only its lines are meant, under which lines run.",
)
NOTICE_TOO_SHORT = Refusal(
    code="notice_too_short",
    kind=Kind.CONFLICT,
    message="A new version takes effect {least_days} days after its notice at the earliest.",
    next_step="Choose {earliest} or a later day.",
)
NEW_VERSION_NOT_EFFECTIVE = Refusal(
    code="new_version_not_effective",
    kind=Kind.CONFLICT,
    message="The new version takes effect on {effective_on}.",
    next_step="Accept it on that day; until then the earlier agreement holds.",
)
