"""What scenes can refuse about purchases, licences, withdrawals and refunds."""

from counterfoil.kernel.errors import Kind, Refusal

SCENE_PURCHASE_NEEDED = Refusal(
    code="scene_purchase_needed",
    kind=Kind.CONFLICT,
    message="Of a purchase in the scene {scene} {left_minor} {currency} (minor units) may be paid.",
    next_step="Name the recorded purchase in the quote, no more than that, or await progress.",
)
SCENE_DOCUMENT_MISSING = Refusal(
    code="scene_document_missing",
    kind=Kind.INVALID,
    message="A purchase of the scene {scene} needs: {documents}.",
    next_step="Send the SHA-256 of each of these papers.",
)
SCENE_DOCUMENT_USED = Refusal(
    code="scene_document_used",
    kind=Kind.CONFLICT,
    message="One of these papers stands for another purchase already.",
    next_step="Send papers of this purchase alone; ask the merchant where they are right.",
)
SCENE_COURSE_MISSING = Refusal(
    code="scene_course_missing",
    kind=Kind.INVALID,
    message="A purchase of the scene {scene} needs first and last day of the course, in order.",
    next_step="Send both days.",
)
SCENE_STUDENT_UNKNOWN = Refusal(
    code="scene_student_unknown",
    kind=Kind.INVALID,
    message="In the scene {scene} it has to be known whether the borrower is a student.",
    next_step="Ask the borrower and send the answer.",
)
SCENE_NOT_FOR_STUDENTS = Refusal(
    code="scene_not_for_students",
    kind=Kind.CONFLICT,
    message="This lender does not lend to students.",
    next_step="Nothing can be done here; a public student loan may fit.",
)
SCENE_MERCHANT_UNKNOWN = Refusal(
    code="scene_merchant_unknown",
    kind=Kind.NOT_FOUND,
    message="There is no such merchant in this scene.",
    next_step="Use the number of a merchant that is listed.",
)
SCENE_PURCHASE_NOT_FOUND = Refusal(
    code="scene_purchase_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no such purchase.",
    next_step="Use the number that was given when it was recorded.",
)
SCENE_PURCHASE_OVER = Refusal(
    code="scene_purchase_over",
    kind=Kind.CONFLICT,
    message="This purchase is over: it was given up, or its merchant has closed.",
    next_step="Look at the purchase for what the merchant owes back, and until when.",
)
SCENE_COOLING_OFF = Refusal(
    code="scene_cooling_off",
    kind=Kind.CONFLICT,
    message="The customer may still go back on this purchase, until {last_on}.",
    next_step="Declare the withdrawal of its loan instead: it costs the days used and no more.",
)
SCENE_PROGRESS_EARLY = Refusal(
    code="scene_progress_early",
    kind=Kind.CONFLICT,
    message="What was bought has not begun.",
    next_step="Report progress from its first day.",
)
SCENE_PROGRESS_NOT_MORE = Refusal(
    code="scene_progress_not_more",
    kind=Kind.CONFLICT,
    message="{last_ppm} parts per million were reported already.",
    next_step="Report only what was given since; progress is never taken back.",
)
SCENE_LICENCE_MISSING = Refusal(
    code="scene_licence_missing",
    kind=Kind.CONFLICT,
    message="The merchant has no licence that holds today.",
    next_step="Record a licence that has not run out.",
)
SCENE_MERCHANT_CLOSED = Refusal(
    code="scene_merchant_closed",
    kind=Kind.CONFLICT,
    message="The merchant delivers no more since {closed_on}.",
    next_step="Choose another merchant; running loans get what it gives back.",
)
SCENE_LOAN_NOT_OF_SCENE = Refusal(
    code="scene_loan_not_of_scene",
    kind=Kind.CONFLICT,
    message="This loan does not run, or pays for no purchase of a scene.",
    next_step="Repay it as any other loan.",
)
SCENE_WITHDRAWAL_LATE = Refusal(
    code="scene_withdrawal_late",
    kind=Kind.CONFLICT,
    message="The days of cooling-off ended on {last_on}.",
    next_step="Settle with the merchant; the loan can be repaid early at any time.",
)
SCENE_WITHDRAWAL_MISSING = Refusal(
    code="scene_withdrawal_missing",
    kind=Kind.CONFLICT,
    message="The customer has not gone back on this purchase.",
    next_step="Declare it first, or book a repayment.",
)
SCENE_REFUND_BEYOND_LOAN = Refusal(
    code="scene_refund_beyond_loan",
    kind=Kind.CONFLICT,
    message="No more than {left_minor} minor units may still be refunded to this loan.",
    next_step="Refund no more than that; what another request has under way counts already.",
)
