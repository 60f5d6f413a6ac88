"""What the API itself can refuse, before a journey is asked or in place of one."""

from typing import Final

from counterfoil.kernel.errors import Kind, Refusal

NOT_AUTHENTICATED: Final = Refusal(
    code="not_authenticated",
    kind=Kind.UNAUTHENTICATED,
    message="The request carries no API key that is valid now.",
    next_step="Send the header `Authorization: Bearer cfk_…` with a key that is not revoked.",
)
SCOPE_MISSING: Final = Refusal(
    code="scope_missing",
    kind=Kind.FORBIDDEN,
    message="The API key does not have the scope {scope}.",
    next_step="Ask the operator for a key with this scope.",
)
SANDBOX_ONLY: Final = Refusal(
    code="sandbox_only",
    kind=Kind.FORBIDDEN,
    message="This installation is not a sandbox.",
    next_step="Use it on a sandbox; elsewhere the daily close moves the business date.",
)
ROUTE_NOT_FOUND: Final = Refusal(
    code="route_not_found",
    kind=Kind.NOT_FOUND,
    message="Nothing answers at this address.",
    next_step="Compare the address with the reference at /docs.",
)
METHOD_NOT_ALLOWED: Final = Refusal(
    code="method_not_allowed",
    kind=Kind.UNSUPPORTED,
    message="This address does not answer the method {method}.",
    next_step="Use one of the methods in the header `Allow`.",
)
REQUEST_MALFORMED: Final = Refusal(
    code="request_malformed",
    kind=Kind.MISSING,
    message="What was sent is no HTTP/1.1 request: its method, line or a header cannot be read.",
    next_step="Send it by an HTTP client, as the reference at /docs shows.",
)
HEAD_TOO_LARGE: Final = Refusal(
    code="head_too_large",
    kind=Kind.TOO_LARGE,
    message="Request line and headers are longer than {limit_bytes} bytes.",
    next_step="Send fewer or shorter headers; what a request is about belongs into its body.",
)
MEDIA_TYPE_UNSUPPORTED: Final = Refusal(
    code="media_type_unsupported",
    kind=Kind.UNSUPPORTED,
    message="The body of a request is JSON; this one says it is something else.",
    next_step="Send `Content-Type: application/json` and a JSON body.",
)
BODY_TOO_LARGE: Final = Refusal(
    code="body_too_large",
    kind=Kind.TOO_LARGE,
    message="The body is larger than {limit_bytes} bytes.",
    next_step="Send less at a time; commands can be spread over several requests.",
)
CURSORS_BOTH: Final = Refusal(
    code="cursors_both",
    kind=Kind.INVALID,
    message="A page lies behind one item or before one; the address names both.",
    next_step="Send `after` to go on, or `before` to go back.",
)
JSON_MALFORMED: Final = Refusal(
    code="json_malformed",
    kind=Kind.INVALID,
    message="The body is not JSON.",
    next_step="Send one JSON object in UTF-8, without NaN, and not nested deeply.",
)
MEMBER_TWICE: Final = Refusal(
    code="member_twice",
    kind=Kind.INVALID,
    message="An object in the body gives a member twice; it is not clear which one counts.",
    next_step="Send each member once.",
)
REQUEST_INVALID: Final = Refusal(
    code="request_invalid",
    kind=Kind.INVALID,
    message="The request does not have the form that is described: {faults}.",
    next_step="Correct what `errors` points at and send the request again.",
)
IDEMPOTENCY_KEY_MISSING: Final = Refusal(
    code="idempotency_key_missing",
    kind=Kind.MISSING,
    message="A request that changes something needs the header `Idempotency-Key`.",
    next_step="Send a new key for each new request, and the same key when repeating one.",
)
IDEMPOTENCY_KEY_INVALID: Final = Refusal(
    code="idempotency_key_invalid",
    kind=Kind.MISSING,
    message="An idempotency key has 1 to {length_max} printable ASCII characters, no blanks.",
    next_step="Send a key such as a UUID.",
)
PRODUCT_NOT_FOUND: Final = Refusal(
    code="product_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no product {product_code}.",
    next_step="Read the list of products and use one of their codes.",
)
ACCOUNT_NOT_FOUND: Final = Refusal(
    code="account_not_found",
    kind=Kind.NOT_FOUND,
    message="The chart of accounts has no account {account}.",
    next_step="Read the chart of accounts and use one of its codes.",
)
JOURNAL_NOT_FOUND: Final = Refusal(
    code="journal_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no such journal.",
    next_step="Check the journal and the customer it belongs to.",
)
SPAN_INVALID: Final = Refusal(
    code="span_invalid",
    kind=Kind.INVALID,
    message="A span ends on or after its first day and has at most {days_max} days.",
    next_step="Ask for a shorter span, or turn its dates round.",
)
STATEMENT_TOO_LONG: Final = Refusal(
    code="statement_too_long",
    kind=Kind.INVALID,
    message="More than {transactions_max} transactions happened on the line until this day.",
    next_step="Read the transactions of each loan instead.",
)
BUSINESS_DATE_BACKWARDS: Final = Refusal(
    code="business_date_backwards",
    kind=Kind.CONFLICT,
    message="The business date is {business_date}; it only moves forward.",
    next_step="Send a later date.",
)
DAYS_TOO_MANY: Final = Refusal(
    code="days_too_many",
    kind=Kind.INVALID,
    message="At most {days_max} days are closed by one request.",
    next_step="Move the business date in several steps.",
)
NOT_READY: Final = Refusal(
    code="not_ready",
    kind=Kind.UNAVAILABLE,
    message="The service is starting, stopping, or without its database.",
    next_step="Send the same request with the same key again in a second.",
)
INTERNAL_ERROR: Final = Refusal(
    code="internal_error",
    kind=Kind.UNAVAILABLE,
    message="Something failed here that should not fail.",
    next_step="Send the same request with the same key again; if it fails again, report the "
    "request_id to the operator.",
)
