"""What is refused to hosts, and of hosts, each with its stable code and the next step."""

from counterfoil.kernel.errors import Kind, Refusal

HOST_FORM_INVALID = Refusal(
    code="host_form_invalid",
    kind=Kind.INVALID,
    message="The member {member} of the registration {fault}.",
    next_step="Correct it and send the registration again.",
)
HOST_NOT_ALLOWED = Refusal(
    code="host_not_allowed",
    kind=Kind.FORBIDDEN,
    message="Your role does not look after hosts; the attempt is recorded.",
    next_step="Ask somebody whose role does; the access matrix says which.",
)
HOST_NOT_FOUND = Refusal(
    code="host_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no such host.",
    next_step="Look it up in the list of hosts.",
)
HOST_CODE_TAKEN = Refusal(
    code="host_code_taken",
    kind=Kind.CONFLICT,
    message="The code {host} is another host's, or this host was changed meanwhile.",
    next_step="Choose another code, or read the host again.",
)
HOST_NOT_ACTIVE = Refusal(
    code="host_not_active",
    kind=Kind.FORBIDDEN,
    message="The host's contract does not run: it is {state}.",
    next_step="Ask the lender; a stop ends with a registration by two people.",
)
HOST_PURPOSE_CLOSED = Refusal(
    code="host_purpose_closed",
    kind=Kind.FORBIDDEN,
    message="The host is not registered for the purpose {purpose}.",
    next_step="Ask the lender to have the purpose registered.",
)
HOST_PRODUCT_CLOSED = Refusal(
    code="host_product_closed",
    kind=Kind.FORBIDDEN,
    message="The host is not registered for the product {product}.",
    next_step="Use one of its own products, or ask the lender to have this one registered.",
)
ORIGIN_NOT_REGISTERED = Refusal(
    code="origin_not_registered",
    kind=Kind.INVALID,
    message="The address does not belong to a registered origin of the host.",
    next_step="Use an https address of a registered origin; a sandbox takes the loopback too.",
)
HOST_KEY_NEEDED = Refusal(
    code="host_key_needed",
    kind=Kind.NOT_FOUND,
    message="The key belongs to no host, so there is nothing of a host behind this address.",
    next_step="Use a key of a host.",
)
HOST_ROUTE_CLOSED = Refusal(
    code="host_route_closed",
    kind=Kind.FORBIDDEN,
    message="This address is not for hosts.",
    next_step="Use the addresses listed in the guide for hosts.",
)
HOST_ACTS_FOR_CUSTOMER = Refusal(
    code="host_acts_for_customer",
    kind=Kind.FORBIDDEN,
    message="A host does not agree, sign or choose for a customer.",
    next_step="Ask for a hosted page and send the customer there.",
)
HOST_CUSTOMER_NOT_FOUND = Refusal(
    code="host_customer_not_found",
    kind=Kind.NOT_FOUND,
    message="The host has linked no customer under this reference.",
    next_step="Link the customer first.",
)
HOST_REFERENCE_TAKEN = Refusal(
    code="host_reference_taken",
    kind=Kind.CONFLICT,
    message="The reference, or the person, is linked with the host otherwise already.",
    next_step="Use one reference for each person, and never for another one.",
)
HOST_LINK_PENDING = Refusal(
    code="host_link_pending",
    kind=Kind.CONFLICT,
    message="The customer has not confirmed the link yet.",
    next_step="Send the customer to a hosted page; the first act there confirms it.",
)
HOST_LINK_ENDED = Refusal(
    code="host_link_ended",
    kind=Kind.GONE,
    message="The link with this customer has ended.",
    next_step="Link the customer again; it takes the customer's confirmation.",
)
HOST_SUBJECT_NOT_FOUND = Refusal(
    code="host_subject_not_found",
    kind=Kind.NOT_FOUND,
    message="Nothing of this number was made through the host for this customer.",
    next_step="Check the number and the reference.",
)
HOST_PAYEE_NOT_DECLARED = Refusal(
    code="host_payee_not_declared",
    kind=Kind.CONFLICT,
    message="This account is not declared for the customer, or was withdrawn.",
    next_step="Declare the customer's own account first (POST /v1/host/payees).",
)
HOST_PAYEE_NOT_FOUND = Refusal(
    code="host_payee_not_found",
    kind=Kind.NOT_FOUND,
    message="No account of this number is declared for this customer.",
    next_step="List the accounts that are declared.",
)
PAGE_NOT_FOUND = Refusal(
    code="page_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no such page.",
    next_step="Check the number, or ask for a new page.",
)
PAGE_EXPIRED = Refusal(
    code="page_expired",
    kind=Kind.GONE,
    message="The page's time is over.",
    next_step="Ask for a new page.",
)
PAGE_ENDED = Refusal(
    code="page_ended",
    kind=Kind.GONE,
    message="The page was opened or ended before.",
    next_step="Ask for a new page if the act is still wanted.",
)
PAGE_NOT_DONE = Refusal(
    code="page_not_done",
    kind=Kind.CONFLICT,
    message="The customer has not agreed on this page, or it is none for {act}.",
    next_step="Send the customer to a page for this act, and wait until it is done.",
)
PAGE_USED = Refusal(
    code="page_used",
    kind=Kind.CONFLICT,
    message="What came of this page was used before.",
    next_step="Ask for a new page.",
)
PAGE_FORM_INVALID = Refusal(
    code="page_form_invalid",
    kind=Kind.INVALID,
    message="A page for {act} needs exactly these members: {members}.",
    next_step="Send these members and no others.",
)
PAGE_READ_LONGER = Refusal(
    code="page_read_longer",
    kind=Kind.CONFLICT,
    message="The cost sheet was open for less than {seconds} seconds.",
    next_step="Read it, and agree then.",
)
WEBHOOK_MISSING = Refusal(
    code="webhook_missing",
    kind=Kind.CONFLICT,
    message="The host has no address for notices, or no secret to sign them with.",
    next_step="Have the address registered, and make a secret.",
)
DELIVERY_NOT_FOUND = Refusal(
    code="delivery_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no such notice.",
    next_step="Look it up in the list of notices.",
)
CAMPAIGN_FORM_INVALID = Refusal(
    code="campaign_form_invalid",
    kind=Kind.INVALID,
    message="The campaign's member {member} {fault}.",
    next_step="Correct it and ask for the campaign again.",
)
CAMPAIGN_WORDS = Refusal(
    code="campaign_words",
    kind=Kind.INVALID,
    message="The words in the language {language} say what an invitation must not: {found}.",
    next_step="Invite to apply; promise neither approval nor figures.",
)
CAMPAIGN_CODE_TAKEN = Refusal(
    code="campaign_code_taken",
    kind=Kind.CONFLICT,
    message="There is a campaign of this code already.",
    next_step="Choose another code; a campaign does not change.",
)
CAMPAIGN_NOT_FOUND = Refusal(
    code="campaign_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no such campaign.",
    next_step="Look it up in the list of campaigns.",
)
INVITATION_NEEDED = Refusal(
    code="invitation_needed",
    kind=Kind.CONFLICT,
    message="The product {product} takes applications of invited customers only.",
    next_step="Apply for another product, or wait for an invitation.",
)
