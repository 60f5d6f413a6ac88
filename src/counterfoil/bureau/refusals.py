"""What the bureau's room can refuse. The constraint that guards a rule bears its code."""

from typing import Final

from counterfoil.kernel.errors import Kind, Refusal

OCCASION_NEVER_INQUIRES: Final = Refusal(
    code="occasion_never_inquires",
    kind=Kind.FORBIDDEN,
    message="There is never a credit inquiry for {occasion}.",
    next_step="Go on without one: what is known about the customer is enough for this.",
)
OCCASION_UNKNOWN: Final = Refusal(
    code="occasion_unknown",
    kind=Kind.FORBIDDEN,
    message="{occasion} is no occasion on which a credit bureau is asked.",
    next_step="Name one of the occasions of the installation.",
)
OCCASION_SWITCHED_OFF: Final = Refusal(
    code="occasion_switched_off",
    kind=Kind.FORBIDDEN,
    message="Credit inquiries for {occasion} are switched off here.",
    next_step="Have the occasion switched on, with a consent that names its purpose.",
)
INQUIRY_CONSENT_MISSING: Final = Refusal(
    code="inquiry_consent_missing",
    kind=Kind.FORBIDDEN,
    message="There is no consent to this credit inquiry.",
    next_step="Ask the customer for consent to this inquiry first.",
)
INQUIRY_CONSENT_STOPPED: Final = Refusal(
    code="inquiry_consent_stopped",
    kind=Kind.FORBIDDEN,
    message="The consent was withdrawn or ran out before the inquiry was sent.",
    next_step="Nothing was asked. Ask the customer anew if the report is still needed.",
)
INQUIRY_OPEN: Final = Refusal(
    code="inquiry_open",
    kind=Kind.UNAVAILABLE,
    message="The credit bureau has not answered yet.",
    next_step="Wait: the same inquiry is asked again; it does not count twice.",
)
INQUIRY_NOT_PUBLISHED: Final = Refusal(
    code="inquiry_not_published",
    kind=Kind.UNAVAILABLE,
    message="The evidence of the inquiry is not witnessed yet, and nothing is sent without it.",
    next_step="Wait: the inquiry goes on as soon as the witnesses answer.",
)
INQUIRY_DECLINED: Final = Refusal(
    code="inquiry_declined",
    kind=Kind.CONFLICT,
    message="The credit bureau refused to answer: {reason}.",
    next_step="Look at the inquiry; a refused one is over, and its consent is used.",
)
ANSWER_DUPLICATE: Final = Refusal(
    code="answer_duplicate",
    kind=Kind.CONFLICT,
    message="The inquiry has been answered before; the second answer is kept as evidence.",
    next_step="Use the first answer, and show the bureau the second.",
)
ANSWER_REJECTED: Final = Refusal(
    code="answer_rejected",
    kind=Kind.CONFLICT,
    message="The credit bureau's answer cannot be used: {reason}.",
    next_step="The answer is kept as evidence and decides nothing. Show it to the bureau.",
)
REPORT_NOT_FOUND: Final = Refusal(
    code="report_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no such credit report any more, or never was.",
    next_step="Check the customer; a report past its data life is not kept.",
)
REPORT_EXPIRED: Final = Refusal(
    code="report_expired",
    kind=Kind.GONE,
    message="The report's data life is over.",
    next_step="Ask the customer for consent to a new inquiry if one is needed.",
)
REPORT_PURPOSE_OTHER: Final = Refusal(
    code="report_purpose_other",
    kind=Kind.FORBIDDEN,
    message="The report was obtained for another purpose than {purpose}.",
    next_step="Open it for its own purpose only, or obtain one with a consent for yours.",
)
REPORT_NEEDS_GRANT: Final = Refusal(
    code="report_needs_grant",
    kind=Kind.FORBIDDEN,
    message="A person opens a report only with a grant that names purpose and ticket.",
    next_step="Ask for a grant; the opening is then recorded under it.",
)
BUREAU_NOT_JOINED: Final = Refusal(
    code="bureau_not_joined",
    kind=Kind.UNAVAILABLE,
    message="This installation is not a member of any credit bureau.",
    next_step="Have the bureau enrol the lender, and name the membership in the settings.",
)
INQUIRY_SUBJECT_GONE: Final = Refusal(
    code="inquiry_subject_gone",
    kind=Kind.GONE,
    message="What ties the consent to a person no longer exists.",
    next_step="Nothing can be asked about a person whose data was erased.",
)
