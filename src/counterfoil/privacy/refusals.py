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
    message="This is done only for a stated reason.",
    next_step="State why it is needed; the reason is recorded.",
)
PURPOSE_NOT_ALLOWED = Refusal(
    code="purpose_not_allowed",
    kind=Kind.FORBIDDEN,
    message="This data may not be seen by you for the purpose {purpose}; the attempt is recorded.",
    next_step="Look for a purpose that is yours, or ask somebody whose purpose it is.",
)
READ_OUTSIDE_PURPOSE = Refusal(
    code="read_outside_purpose",
    kind=Kind.FORBIDDEN,
    message="What is kept as {data} is not read for the purpose {purpose}; this is recorded.",
    next_step="Do without it, or have somebody read it whose purpose the register declares.",
)
TICKET_INVALID = Refusal(
    code="ticket_invalid",
    kind=Kind.INVALID,
    message="A look in clear names its ticket: 1 to 64 letters, digits and . _ / -.",
    next_step="State the number of the ticket, case or request.",
)
GRANT_NOT_VALID = Refusal(
    code="grant_not_valid",
    kind=Kind.FORBIDDEN,
    message="There is no grant that lets you see this data now; the attempt is recorded.",
    next_step="State purpose, ticket and reason again for a new grant.",
)
DATA_RESTRICTED = Refusal(
    code="data_restricted",
    kind=Kind.FORBIDDEN,
    message="The data is kept because law demands it, and opened for legal purposes only.",
    next_step="Ask compliance if there is a legal purpose.",
)
DATA_CLASS_UNKNOWN = Refusal(
    code="data_class_unknown",
    kind=Kind.INVALID,
    message="There is no class of data {data_class}.",
    next_step="Use one of the classes of the retention schedule.",
)
LEGAL_HOLD_STANDS = Refusal(
    code="legal_hold_stands",
    kind=Kind.CONFLICT,
    message="A legal hold stands on this customer: nothing is erased.",
    next_step="Have the hold lifted first, with its reason.",
)
LEGAL_HOLD_NOT_FOUND = Refusal(
    code="legal_hold_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no such hold, or it was lifted before.",
    next_step="Look it up among the customer's holds.",
)
RETENTION_NOT_OVER = Refusal(
    code="retention_not_over",
    kind=Kind.CONFLICT,
    message="The data must be kept: until {keep_until}.",
    next_step="Wait for that day; until then the data is restricted.",
)
DATA_ERASED = Refusal(
    code="data_erased",
    kind=Kind.GONE,
    message="This data was erased.",
    next_step="What was destroyed, when and by which rule stands among the customer's erasures.",
)
KEY_ROTATION_UNDER_WAY = Refusal(
    code="key_rotation_one_at_a_time",
    kind=Kind.CONFLICT,
    message="A rotation of this kind is under way.",
    next_step="Resume it; a new one can begin when it has ended.",
)
KEY_ROTATION_NOT_UNDER_WAY = Refusal(
    code="key_rotation_not_under_way",
    kind=Kind.NOT_FOUND,
    message="No rotation of this kind is under way.",
    next_step="Begin one, with the approval of a second person.",
)
EXPORT_DATASET_UNKNOWN = Refusal(
    code="export_dataset_unknown",
    kind=Kind.NOT_FOUND,
    message="There is no data set {dataset} that may leave.",
    next_step="Use one of {known}.",
)
EXPORT_RECIPIENT_INVALID = Refusal(
    code="export_recipient_invalid",
    kind=Kind.INVALID,
    message="A recipient is named by 2 to 64 small letters, digits, dots and dashes.",
    next_step="Use the same name for the same recipient each time; its pseudonyms hang on it.",
)
EXPORT_ASSESSMENT_MISSING = Refusal(
    code="export_assessment_missing",
    kind=Kind.INVALID,
    message="Data leaves only under an impact assessment that is named.",
    next_step="State its reference: 1 to 64 letters, digits and . _ / -.",
)
EXPORT_NOT_ALLOWED = Refusal(
    code="export_not_allowed",
    kind=Kind.FORBIDDEN,
    message="Your role exports no data; the attempt is recorded.",
    next_step="Ask somebody whose role does; the access matrix says which.",
)
EXPORT_GROUPS_TOO_SMALL = Refusal(
    code="export_groups_too_small",
    kind=Kind.CONFLICT,
    message=(
        "Persons could be found again: {groups} groups with {rows} rows are of fewer than {least} "
        "persons, the smallest of {smallest}; {unique} of a million rows are one person alone."
    ),
    next_step="Leave those rows out, or take a longer span of time.",
)
EXPORT_EMPTY = Refusal(
    code="export_empty",
    kind=Kind.NOT_FOUND,
    message="Nothing is left to export.",
    next_step="Take a longer span of time.",
)
RIGHTS_REQUEST_NOT_FOUND = Refusal(
    code="rights_request_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no such request of this customer.",
    next_step="Look it up among the customer's requests.",
)
RIGHTS_NOT_OPEN = Refusal(
    code="rights_request_not_open",
    kind=Kind.CONFLICT,
    message="The request has ended: {state}.",
    next_step="Make a new request if something is still wanted.",
)
RIGHTS_NOT_IDENTIFIED = Refusal(
    code="rights_not_identified",
    kind=Kind.CONFLICT,
    message="It is not known yet that the person who asks is the customer.",
    next_step="Check the person's identity and note how, then go on.",
)
RIGHTS_EXPORT_FIRST = Refusal(
    code="rights_export_first",
    kind=Kind.CONFLICT,
    message="The person asked to see the data, and it was not given out yet.",
    next_step="Make the export, hand it over, then answer.",
)
RIGHTS_NOT_ALLOWED = Refusal(
    code="rights_answer_not_allowed",
    kind=Kind.FORBIDDEN,
    message="Your role does not answer requests of persons; the attempt is recorded.",
    next_step="Ask operations or compliance.",
)
RIGHTS_ABOUT_UNKNOWN = Refusal(
    code="rights_about_unknown",
    kind=Kind.INVALID,
    message="There is nothing called {about} that this could be about.",
    next_step="Name a fact of the profile to correct, or the application to explain.",
)
ASSESSMENT_INCOMPLETE = Refusal(
    code="assessment_incomplete",
    kind=Kind.INVALID,
    message=(
        "An assessment states purpose, necessity, risks, measures and a decision, each in at "
        "most 4,000 characters."
    ),
    next_step="Add what is missing.",
)
ASSESSMENT_NOT_OPEN = Refusal(
    code="assessment_not_open",
    kind=Kind.CONFLICT,
    message="The assessment is {state} already.",
    next_step="Write a new one if something has changed.",
)
ASSESSMENT_BY_ANOTHER = Refusal(
    code="assessment_by_another",
    kind=Kind.FORBIDDEN,
    message="Nobody concludes an assessment of their own.",
    next_step="Ask somebody else whose role allows it.",
)
ASSESSMENT_NOT_FOUND = Refusal(
    code="assessment_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no such assessment.",
    next_step="Look it up in the list of assessments.",
)
ASSESSMENT_ROLE = Refusal(
    code="assessment_role_not_allowed",
    kind=Kind.FORBIDDEN,
    message="Your role does not conclude assessments; the attempt is recorded.",
    next_step="Ask compliance.",
)
ASSESSMENT_MISSING = Refusal(
    code="assessment_missing",
    kind=Kind.FORBIDDEN,
    message="No approved assessment in force is about {processing} of {subject} under this hash.",
    next_step="Write an assessment, have somebody else approve it, and name its SHA-256.",
)
ASSESSMENT_NEEDED = Refusal(
    code="assessment_needed",
    kind=Kind.FORBIDDEN,
    message="No approved assessment in force is about {processing} of {subject}.",
    next_step="Write an assessment of its impact on persons, and have somebody else approve it.",
)
CORRECTION_VALUE_MISSING = Refusal(
    code="correction_value_missing",
    kind=Kind.INVALID,
    message="A correction of {about} needs what it really is.",
    next_step="State the value; for a fact that is only contested, leave it out.",
)
INCIDENT_FACTS = Refusal(
    code="incident_facts_incomplete",
    kind=Kind.INVALID,
    message=(
        "An incident names kinds of data of the retention schedule, harm, advice and a "
        "contact, and was noticed in the past."
    ),
    next_step="Complete the facts; what is unknown yet is said so.",
)
INCIDENT_NOT_FOUND = Refusal(
    code="incident_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no such incident.",
    next_step="Look it up in the list of incidents.",
)
INCIDENT_CLOSED = Refusal(
    code="incident_closed",
    kind=Kind.CONFLICT,
    message="The incident is closed.",
    next_step="Record a new one if something has come up.",
)
INCIDENT_NOT_DONE = Refusal(
    code="incident_not_done",
    kind=Kind.CONFLICT,
    message="The incident cannot be closed before this is done: {missing}.",
    next_step="Do it and note it, or say why persons need no notice.",
)
INCIDENT_ROLE = Refusal(
    code="incident_role_not_allowed",
    kind=Kind.FORBIDDEN,
    message="Your role does not handle incidents; the attempt is recorded.",
    next_step="Tell operations or compliance at once.",
)
RECORD_NUMBER_OF_ANOTHER = Refusal(
    code="record_number_of_another",
    kind=Kind.FORBIDDEN,
    message="This record number is of somebody else's list, or mistyped, and stands for nothing "
    "here.",
    next_step="Use a number from your own pages, whole; whose list it is from is found with "
    "counterfoil export trace-number.",
)
ALIAS_MISSING = Refusal(
    code="alias_missing",
    kind=Kind.FORBIDDEN,
    message="You know records by numbers of your own, with an x before the underscore; this is "
    "none of them.",
    next_step="Look for the record on your own pages, or have its case assigned to you.",
)
ALIAS_NOT_FOUND = Refusal(
    code="alias_not_found",
    kind=Kind.NOT_FOUND,
    message="No key that is kept made this record number.",
    next_step="Check how it was copied; the number of a key that was destroyed is lost for good.",
)
ALIAS_NOT_ALLOWED = Refusal(
    code="alias_not_allowed",
    kind=Kind.FORBIDDEN,
    message="Your role does not trace record numbers to their customers; the attempt is recorded.",
    next_step="Leave it to whoever answers for the protection of personal data.",
)
NOT_FOR_PSEUDONYM = Refusal(
    code="not_for_pseudonym",
    kind=Kind.FORBIDDEN,
    message="This is signed or sealed together with numbers that everybody knows it by, and is "
    "not given to who sees pseudonyms.",
    next_step="Leave it to somebody whose role sees persons.",
)
