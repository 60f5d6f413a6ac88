"""What the vault can refuse, each with its stable code and the next step."""

from counterfoil.kernel.errors import Kind, Refusal

KEY_SERVICE_UNAVAILABLE = Refusal(
    code="key_service_unavailable",
    kind=Kind.UNAVAILABLE,
    message="Personal data cannot be read or stored at the moment.",
    next_step="Try again later with the same idempotency key; nothing was lost.",
)
IDENTITY_NEEDS_CHECK = Refusal(
    code="identity_needs_check",
    kind=Kind.CONFLICT,
    message="This registration needs a check by a person.",
    next_step="Wait to be contacted, or ask the lender.",
)
CIPHERTEXT_REJECTED = Refusal(
    code="ciphertext_rejected",
    kind=Kind.UNAVAILABLE,
    message="A stored record cannot be read: it is damaged or belongs elsewhere.",
    next_step="Tell the operator; the record and the keys have to be compared.",
)
PERSONAL_DATA_NOT_FOUND = Refusal(
    code="personal_data_not_found",
    kind=Kind.NOT_FOUND,
    message="No such personal data is kept of this customer.",
    next_step="Check the customer and the purpose.",
)
REASON_MISSING = Refusal(
    code="reveal_reason_missing",
    kind=Kind.INVALID,
    message="Personal data is shown in clear only for a stated reason.",
    next_step="State why you need it; the reason is recorded.",
)
