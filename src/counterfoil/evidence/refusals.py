"""What the log can refuse, each with its stable code and the next step."""

from typing import Final

from counterfoil.kernel.errors import Kind, Refusal

LOG_NOT_BEGUN: Final = Refusal(
    code="log_not_begun",
    kind=Kind.NOT_FOUND,
    message="This installation has not begun its evidence log, or has no policy for it.",
    next_step="Begin it with `counterfoil log init`, and name its witnesses.",
)
LOG_STOPPED: Final = Refusal(
    code="log_stopped",
    kind=Kind.UNAVAILABLE,
    message="The evidence log signs nothing: {reason}.",
    next_step="Look at `counterfoil log status`; what is recorded meanwhile is not lost.",
)
LEAF_NOT_FOUND: Final = Refusal(
    code="leaf_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no such leaf of this customer.",
    next_step="Check the customer and the identifier of the leaf.",
)
RECEIPT_PENDING: Final = Refusal(
    code="receipt_pending",
    kind=Kind.IN_FLIGHT,
    message="Witnesses have not yet signed a checkpoint that covers this leaf.",
    next_step="Ask again in a second.",
)
OPENING_ERASED: Final = Refusal(
    code="opening_erased",
    kind=Kind.GONE,
    message="What opened this leaf was erased with the customer's data.",
    next_step="The leaf itself stays in the log; a receipt that was given out stays valid.",
)
OPENING_LOST: Final = Refusal(
    code="opening_lost",
    kind=Kind.GONE,
    message="What opened this leaf was lost with a database; no erasure is recorded of it.",
    next_step="The leaf itself stays in the log; a receipt that was given out stays valid.",
)
OPENING_DAMAGED: Final = Refusal(
    code="opening_damaged",
    kind=Kind.UNAVAILABLE,
    message="What opens this leaf is there, but it is damaged or was altered: it does not make the "
    "commitment that stands in the log.",
    next_step="Tell the operator: `counterfoil fsck` names the leaf, a backup may have it.",
)
TEXT_NOT_NORMALISED: Final = Refusal(
    code="text_not_normalised",
    kind=Kind.INVALID,
    message="A text is not in Unicode's normal form NFC, so two people could spell it in two ways.",
    next_step="Send the text in the form NFC.",
)
NOT_WITNESSED_IN_TIME: Final = Refusal(
    code="not_witnessed_in_time",
    kind=Kind.UNAVAILABLE,
    message="Witnesses did not sign in time.",
    next_step="Try again later with the same idempotency key; nothing was lost.",
)
