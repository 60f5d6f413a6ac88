"""What the room of features can refuse, each with its stable code and the next step."""

from typing import Final

from counterfoil.kernel.errors import Kind, Refusal

FEATURE_NOT_FOUND: Final = Refusal(
    code="feature_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no feature {name} in the registry.",
    next_step="Look it up in the list of features.",
)
FEATURE_NOT_REGISTERED: Final = Refusal(
    code="feature_not_registered",
    kind=Kind.INVALID,
    message="The policy reads what the registry of features does not let it read: {faults}.",
    next_step="Change the policy, or register the feature with its source, basis and purpose.",
)
REGISTRY_GATE_CLOSED: Final = Refusal(
    code="registry_gate_closed",
    kind=Kind.CONFLICT,
    message="The registry of features may not be published: {fault}.",
    next_step="Change the registry, or publish policies that do without; then ask again.",
)
REGISTRY_IN_FORCE: Final = Refusal(
    code="registry_in_force",
    kind=Kind.CONFLICT,
    message="This registry of features is in force already.",
    next_step="Nothing has to be done.",
)
REGISTRY_NOT_FOUND: Final = Refusal(
    code="registry_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no registry of features of this SHA-256.",
    next_step="Name one that was published or asked for, or the one that ships.",
)
REGISTRY_NOT_REQUESTED: Final = Refusal(
    code="registry_not_requested",
    kind=Kind.CONFLICT,
    message="Nobody has asked for the publication of this registry of features.",
    next_step="Ask for it; somebody else approves.",
)
REGISTRY_OUTDATED: Final = Refusal(
    code="registry_outdated",
    kind=Kind.CONFLICT,
    message="Another registry of features was published since this one was asked for.",
    next_step="Ask again: what changes by it is told against the one in force now.",
)
EVENT_WITHOUT_BASIS: Final = Refusal(
    code="event_without_basis",
    kind=Kind.INVALID,
    message="The event names no legal basis and purpose, so nothing of it is kept.",
    next_step="Send the basis and purpose that it was collected under, or do not send it.",
)
EVENT_BASIS_NOT_ADMITTED: Final = Refusal(
    code="event_basis_not_admitted",
    kind=Kind.INVALID,
    message="The source {source} is used on the basis {bases} only.",
    next_step="Obtain that basis first.",
)
EVENT_SOURCE_OFF: Final = Refusal(
    code="event_source_off",
    kind=Kind.FORBIDDEN,
    message="The source {source} is switched off.",
    next_step="Two people switch it on, with an impact assessment and the licence of its data.",
)
EVENT_CONSENT_MISSING: Final = Refusal(
    code="event_consent_missing",
    kind=Kind.INVALID,
    message="What {source} says needs the customer's written consent, and none is named.",
    next_step="Obtain the consent and name it.",
)
SOURCE_NOT_FOUND: Final = Refusal(
    code="source_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no source {source} in the registry.",
    next_step="Look it up in the list of sources.",
)
SOURCE_LICENCE_MISSING: Final = Refusal(
    code="source_licence_missing",
    kind=Kind.INVALID,
    message="The source {source} needs the licence of its data and an impact assessment.",
    next_step="Name the number of the licence and the SHA-256 of the assessment.",
)
PURPOSE_NOT_REGISTERED: Final = Refusal(
    code="purpose_not_registered",
    kind=Kind.INVALID,
    message="The feature {name} is not registered for the purpose {purpose}.",
    next_step="Look up its purposes in the registry.",
)
PROFILE_NOT_STATED: Final = Refusal(
    code="profile_not_stated",
    kind=Kind.INVALID,
    message="{name} does not come from the customer's own statement.",
    next_step="Say what is wrong; we look at it, and a credit report is corrected by the bureau.",
)
PROFILE_VALUE_IMPOSSIBLE: Final = Refusal(
    code="profile_value_impossible",
    kind=Kind.INVALID,
    message="{name} cannot have this value.",
    next_step="Send a value of its type within its range.",
)
QUARANTINED_NOT_FOUND: Final = Refusal(
    code="quarantined_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no such event in quarantine.",
    next_step="Look it up in the list of quarantine.",
)
QUARANTINED_STILL_WRONG: Final = Refusal(
    code="quarantined_still_wrong",
    kind=Kind.INVALID,
    message="The repaired event is still malformed: {reason} {member}.",
    next_step="Repair that too, or discard it with a reason.",
)
CORRECTION_NOT_OPEN = Refusal(
    code="correction_not_open",
    kind=Kind.CONFLICT,
    message="There is no such proposal that waits for a decision.",
    next_step="List the proposals that wait; one that was decided on stays as it is.",
)
CORRECTION_OWN = Refusal(
    code="correction_own",
    kind=Kind.FORBIDDEN,
    message="Whoever found a proposal does not decide on it.",
    next_step="Ask somebody else to decide on it.",
)
