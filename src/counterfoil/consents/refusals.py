"""What the room of consents can refuse, each with its stable code and the next step."""

from typing import Final

from counterfoil.kernel.errors import Kind, Refusal

NOTICE_NOT_FOUND: Final = Refusal(
    code="notice_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no notice {notice} in force.",
    next_step="Read the list of notices and show one of those.",
)
NOTICE_OUTDATED: Final = Refusal(
    code="notice_outdated",
    kind=Kind.CONFLICT,
    message="Version {version} of the notice {notice} is not in force; version {current} is.",
    next_step="Show the version in force and ask the customer again.",
)
NOTICE_TEXT_MISMATCH: Final = Refusal(
    code="notice_text_mismatch",
    kind=Kind.CONFLICT,
    message="The text that was shown is not the text of this notice in this language.",
    next_step="Show the text as it is given out, unchanged, and send its SHA-256.",
)
NOTICE_CHANGED: Final = Refusal(
    code="notice_changed",
    kind=Kind.CONFLICT,
    message="A notice of this version was shown before with another text.",
    next_step="Tell the operator: a text that changes needs a new version.",
)
CONSENT_PRE_TICKED: Final = Refusal(
    code="consent_pre_ticked",
    kind=Kind.INVALID,
    message="A choice that was made for the customer in advance is no consent.",
    next_step="Show the choice open, and ask the customer again.",
)
CONSENT_BUNDLED: Final = Refusal(
    code="consent_bundled",
    kind=Kind.CONFLICT,
    message="The same screen stands for another decision already.",
    next_step="Show each notice on a screen of its own, with a decision of its own.",
)
CONSENT_DWELL_TOO_SHORT: Final = Refusal(
    code="consent_dwell_too_short",
    kind=Kind.INVALID,
    message="The notice was shown for {dwell_ms} ms; reading it takes at least {least_ms} ms.",
    next_step="Leave the text on the screen for that long before the customer decides.",
)
CONSENT_AUTHENTICATION_WEAK: Final = Refusal(
    code="consent_authentication_weak",
    kind=Kind.INVALID,
    message="This consent needs the level {least}; the customer was recognised at {level}.",
    next_step="Recognise the customer by a stronger method, then ask again.",
)
CONSENT_AUTHENTICATION_STALE: Final = Refusal(
    code="consent_authentication_stale",
    kind=Kind.INVALID,
    message="The customer was not recognised within the last {seconds} seconds.",
    next_step="Recognise the customer again, then ask again.",
)
CONSENT_IN_THE_PAST: Final = Refusal(
    code="consent_in_the_past",
    kind=Kind.INVALID,
    message="A consent cannot begin, or have ended, before it is given.",
    next_step="Leave the dates out, or let the consent begin now.",
)
CONSENT_TOO_LONG: Final = Refusal(
    code="consent_too_long",
    kind=Kind.INVALID,
    message="This notice asks for at most {days} days from now.",
    next_step="Leave the end out, or choose an earlier one.",
)
CONSENT_WITHOUT_IDENTITY: Final = Refusal(
    code="consent_without_identity",
    kind=Kind.CONFLICT,
    message="No identity of this customer is kept that the consent could be bound to.",
    next_step="Register the person first.",
)
CONSENT_NOT_FOUND: Final = Refusal(
    code="consent_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no such consent.",
    next_step="Check the identifier, or ask the customer for consent.",
)
CONSENT_OF_ANOTHER_PERSON: Final = Refusal(
    code="consent_of_another_person",
    kind=Kind.CONFLICT,
    message="This consent was given by another person.",
    next_step="Use the customer's own consent, or ask the customer for one.",
)
CONSENT_FOR_ANOTHER_PURPOSE: Final = Refusal(
    code="consent_for_another_purpose",
    kind=Kind.CONFLICT,
    message="This consent is for {agreed}, not for {wanted}.",
    next_step="Ask the customer for a consent of its own for this purpose.",
)
CONSENT_FOR_ANOTHER_RECIPIENT: Final = Refusal(
    code="consent_for_another_recipient",
    kind=Kind.CONFLICT,
    message="This consent names {agreed} as its recipient, not {wanted}.",
    next_step="Ask the customer for a consent of its own for this recipient.",
)
CONSENT_FOR_ANOTHER_APPLICATION: Final = Refusal(
    code="consent_for_another_application",
    kind=Kind.CONFLICT,
    message="This consent was given for another application.",
    next_step="Ask the customer for consent for this application.",
)
CONSENT_NOT_YET_VALID: Final = Refusal(
    code="consent_not_yet_valid",
    kind=Kind.CONFLICT,
    message="This consent begins later.",
    next_step="Use it when it has begun.",
)
CONSENT_EXPIRED: Final = Refusal(
    code="consent_expired",
    kind=Kind.CONFLICT,
    message="The time of this consent is over.",
    next_step="Ask the customer for a new consent.",
)
CONSENT_WITHDRAWN: Final = Refusal(
    code="consent_withdrawn",
    kind=Kind.CONFLICT,
    message="The customer has withdrawn this consent.",
    next_step="Stop; ask for a new consent only if the customer wants the service.",
)
CONSENT_USED_UP: Final = Refusal(
    code="consent_used_up",
    kind=Kind.CONFLICT,
    message="This consent has been used as often as it allows.",
    next_step="Wait for its next period if it has one, or ask the customer for a new consent.",
)
CONSENT_OUTDATED: Final = Refusal(
    code="consent_outdated",
    kind=Kind.CONFLICT,
    message="More is asked for now than the customer agreed to under version {version}.",
    next_step="Show the notice in force and ask the customer for a new consent.",
)
STATUS_LIST_NOT_FOUND: Final = Refusal(
    code="status_list_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no list of withdrawals of that number.",
    next_step="Take the address that came with the consent.",
)
