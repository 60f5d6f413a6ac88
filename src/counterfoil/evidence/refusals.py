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
OPENING_LOST: Final = Refusal(
    code="opening_lost",
    kind=Kind.GONE,
    message="The opening of this leaf no longer exists: it was erased, or lost with a database.",
    next_step="The leaf itself stays in the log; a receipt that was given out stays valid.",
)
NOT_WITNESSED_IN_TIME: Final = Refusal(
    code="not_witnessed_in_time",
    kind=Kind.UNAVAILABLE,
    message="Witnesses did not sign in time.",
    next_step="Try again later with the same idempotency key; nothing was lost.",
)
