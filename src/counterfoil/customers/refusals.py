"""What the room of customers can refuse, each with its stable code and the next step."""

from counterfoil.kernel.errors import Kind, Refusal

CUSTOMER_NOT_FOUND = Refusal(
    code="customer_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no such customer.",
    next_step="Check the identifier, or register the applicant first.",
)
CUSTOMER_NOT_ACTIVE = Refusal(
    code="customer_not_active",
    kind=Kind.CONFLICT,
    message="This customer is {status}.",
    next_step="Ask the lender; running loans can still be repaid.",
)
NAME_INVALID = Refusal(
    code="name_invalid",
    kind=Kind.INVALID,
    message="The name {fault}.",
    next_step="Send the name as it stands on the identity card.",
)
ID_NUMBER_INVALID = Refusal(
    code="id_number_invalid",
    kind=Kind.INVALID,
    message="The identity number {fault}.",
    next_step="Send the 18 characters of the resident identity card.",
)
PHONE_INVALID = Refusal(
    code="phone_invalid",
    kind=Kind.INVALID,
    message="The phone number {fault}.",
    next_step="Send a mobile number with which messages can be received.",
)
