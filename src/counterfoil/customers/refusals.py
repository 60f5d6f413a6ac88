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
RECORD_SAME = Refusal(
    code="record_same",
    kind=Kind.INVALID,
    message="A record cannot be merged with itself.",
    next_step="Name two different records.",
)
RECORD_MERGED = Refusal(
    code="record_merged",
    kind=Kind.CONFLICT,
    message="This record was merged into {surviving}.",
    next_step="Go on under that record, or split the two first.",
)
RECORD_JOINED_BY_OTHER = Refusal(
    code="record_joined_by_other",
    kind=Kind.CONFLICT,
    message="Other records were merged into the one that should give way.",
    next_step="Let the other record give way, or split first.",
)
RECORD_NOT_MERGED = Refusal(
    code="record_not_merged",
    kind=Kind.CONFLICT,
    message="This record is not merged into another.",
    next_step="Look at its links; only the record that gave way is split off.",
)
RECORD_DOES_NOT_MATCH = Refusal(
    code="record_does_not_match",
    kind=Kind.CONFLICT,
    message="The two records contradict each other: name and birth date do not both agree.",
    next_step="Check the person's documents; these records are of two persons as they stand.",
)
RECORD_IDENTITY_MISSING = Refusal(
    code="record_identity_missing",
    kind=Kind.CONFLICT,
    message="The identity of one of the records is not kept any more: nothing shows that they are"
    " one person.",
    next_step="Leave the records apart.",
)
RECORD_OF_OTHER_LENDER = Refusal(
    code="record_of_other_lender",
    kind=Kind.CONFLICT,
    message="Both records have open lines, and of different lenders.",
    next_step="Wait until the lines of one lender are closed.",
)
IDENTITY_DEVICE_MISSING = Refusal(
    code="identity_device_missing",
    kind=Kind.INVALID,
    message="The source {source} checks with the applicant's device, and none is named.",
    next_step="Send what tells the device apart as `device`; the same one each time.",
)
IDENTITY_CHECKS_FOR_TOTAL = Refusal(
    code="identity_checks_for_total",
    kind=Kind.CONFLICT,
    message="With what was drawn since {since} (in minor units: {drawn}) this still needs identity"
    " checks: {gaps}.",
    next_step="Draw at most {left_minor} minor units of {currency}, or let the checks be made and"
    " try again.",
)
IDENTITY_CHECKS_MISSING = Refusal(
    code="identity_checks_missing",
    kind=Kind.CONFLICT,
    message="This still needs identity checks: {gaps}.",
    next_step="Let the checks be made and try again; for liveness there is a way in person.",
)
IDENTITY_DOCUMENT_EXPIRED = Refusal(
    code="identity_document_expired",
    kind=Kind.CONFLICT,
    message="The identity document has expired.",
    next_step="Show the renewed document; until then loans can still be repaid.",
)
IDENTITY_HELD = Refusal(
    code="identity_held",
    kind=Kind.CONFLICT,
    message="A person will check this.",
    next_step="Wait to be contacted, or ask the lender; loans can still be repaid.",
)
IDENTITY_TRIES_USED_UP = Refusal(
    code="identity_tries_used_up",
    kind=Kind.CONFLICT,
    message="There were too many failed checks.",
    next_step="Try again after {again_at}; another source or device does not help before.",
)
IDENTITY_SOURCE_UNKNOWN = Refusal(
    code="identity_source_unknown",
    kind=Kind.INVALID,
    message="The source {source} does not make checks of the kind {kind} here.",
    next_step="Name a source of the document of identity checks.",
)
IDENTITY_SOURCE_NOT_JOINED = Refusal(
    code="identity_source_not_joined",
    kind=Kind.UNAVAILABLE,
    message="The source {source} is not joined, so it cannot be asked.",
    next_step="Send the outcome that it gave you, or join it.",
)
IDENTITY_OUTCOME_EARLY = Refusal(
    code="identity_outcome_early",
    kind=Kind.INVALID,
    message="A check cannot have been made after now.",
    next_step="Send the instant at which the source answered.",
)
BIOMETRIC_CONSENT_MISSING = Refusal(
    code="biometric_consent_missing",
    kind=Kind.FORBIDDEN,
    message="Biometric data needs a consent of its own, and there is none for this check.",
    next_step="Show the notice on biometric checks, or offer the check in person.",
)
IDENTITY_CASE_NOT_FOUND = Refusal(
    code="identity_case_not_found",
    kind=Kind.NOT_FOUND,
    message="This customer has no such open case.",
    next_step="Look it up among the open cases.",
)
SIGN_IN_NUMBER_INVALID = Refusal(
    code="sign_in_number_invalid",
    kind=Kind.INVALID,
    message="This is neither a mobile number nor an identity number.",
    next_step="Enter the 11 digits of your phone, or the 18 characters of your identity card.",
)
SIGN_IN_TOO_MANY = Refusal(
    code="sign_in_too_many",
    kind=Kind.CONFLICT,
    message="Too many one-time codes were asked for.",
    next_step="Try again in an hour.",
)
PORTAL_LINK_ENDED = Refusal(
    code="portal_link_ended",
    kind=Kind.GONE,
    message="This link was used already, or is too old.",
    next_step="Go back to where you came from and start again there.",
)
SETTING_CHANGE_NOT_FOUND = Refusal(
    code="setting_change_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no such change of a setting.",
    next_step="Check the identifier, or ask for the change again.",
)
SETTING_CHANGE_ENDED = Refusal(
    code="setting_change_ended",
    kind=Kind.CONFLICT,
    message="This change is {status} and cannot be confirmed.",
    next_step="Read the settings; ask for the change again if it is still wanted.",
)
SETTING_CHANGE_EXPIRED = Refusal(
    code="setting_change_expired",
    kind=Kind.GONE,
    message="What was shown is too old to be confirmed.",
    next_step="Ask for the change again and look at its effect.",
)
SETTING_EFFECT_NOT_SHOWN = Refusal(
    code="setting_effect_not_shown",
    kind=Kind.CONFLICT,
    message="This is not the effect that was shown.",
    next_step="Read the change and confirm its effect_sha256.",
)
SETTING_CHANGED_MEANWHILE = Refusal(
    code="setting_changed_meanwhile",
    kind=Kind.CONFLICT,
    message="The setting was changed since this was shown.",
    next_step="Read the settings and ask for the change again.",
)
SETTING_UNCHANGED = Refusal(
    code="setting_unchanged",
    kind=Kind.CONFLICT,
    message="This is what is set already.",
    next_step="Nothing is to be done; read the settings.",
)
SETTING_VALUE_MISSING = Refusal(
    code="setting_value_missing",
    kind=Kind.INVALID,
    message="A change of {setting} needs: {needed}.",
    next_step="Send these members and no others besides customer, channel and device.",
)
CHANNEL_FOR_NOTICES_MISSING = Refusal(
    code="channel_for_notices_missing",
    kind=Kind.INVALID,
    message="Notices that have to be kept would not arrive by any of these channels.",
    next_step="Keep at least one of: {allowed}.",
)
STATEMENT_FORM_WITHOUT_CHANNEL = Refusal(
    code="statement_form_without_channel",
    kind=Kind.CONFLICT,
    message="Statements in this form need the channel {channel}.",
    next_step="Take the channel among those by which you are told, or choose another form.",
)
CHANNEL_WITHOUT_ADDRESS = Refusal(
    code="channel_without_address",
    kind=Kind.CONFLICT,
    message="No address is known for: {channels}.",
    next_step="Name the address first and confirm it with the code that is sent.",
)
ADDRESS_INVALID = Refusal(
    code="address_invalid",
    kind=Kind.INVALID,
    message="This address for {channel} {fault}.",
    next_step="Correct the address and send it again.",
)
ADDRESS_CHANNEL = Refusal(
    code="address_channel",
    kind=Kind.INVALID,
    message="An address of its own is not named for {channel}.",
    next_step="Name one for email or letter; the phone number is changed after identity checks.",
)
ADDRESS_UNCHANGED = Refusal(
    code="address_unchanged",
    kind=Kind.CONFLICT,
    message="This is the address that is known already.",
    next_step="Nothing is to be done.",
)
ADDRESS_REQUEST_NOT_FOUND = Refusal(
    code="address_request_not_found",
    kind=Kind.NOT_FOUND,
    message="No address waits to be confirmed under this number.",
    next_step="Check the identifier, or name the address again.",
)
ADDRESS_NOT_KNOWN = Refusal(
    code="address_not_known",
    kind=Kind.NOT_FOUND,
    message="No address for {channel} is known.",
    next_step="Nothing is to be done.",
)
ADDRESS_IN_USE = Refusal(
    code="address_in_use",
    kind=Kind.CONFLICT,
    message="Messages go to this address: {channel} is among the channels.",
    next_step="Choose other channels and another form of statements first.",
)
ADDRESS_CODES_USED_UP = Refusal(
    code="address_codes_used_up",
    kind=Kind.BUSY,
    message="Too many codes for addresses were sent in the last hour.",
    next_step="Try again in an hour.",
)
MESSAGE_SERVICE_UNAVAILABLE = Refusal(
    code="message_service_unavailable",
    kind=Kind.UNAVAILABLE,
    message="The code could not be sent: nobody carries messages at the moment.",
    next_step="Try again later.",
)
MESSAGE_NOT_UNDELIVERABLE = Refusal(
    code="message_not_undeliverable",
    kind=Kind.CONFLICT,
    message="There is no such message that nobody could deliver.",
    next_step="List what is undeliverable, and send again what stands there.",
)
SETTING_CODE_MISSING = Refusal(
    code="setting_code_missing",
    kind=Kind.INVALID,
    message="Money is affected: this change is confirmed with a one-time code.",
    next_step="Send the code that was delivered when the change was asked for.",
)
SETTING_CODES_USED_UP = Refusal(
    code="setting_codes_used_up",
    kind=Kind.CONFLICT,
    message="No more codes are given out for this change.",
    next_step="Ask for the change again.",
)
HOUSEHOLD_OF_ONE = Refusal(
    code="household_of_one",
    kind=Kind.INVALID,
    message="A household is two people: both records are of one person.",
    next_step="Name the other person's record.",
)
HOUSEHOLD_CONSENT_USED = Refusal(
    code="household_consent_used",
    kind=Kind.CONFLICT,
    message="This consent is about one person already.",
    next_step="Ask for a consent of its own for another person.",
)
PHONE_UNCHANGED = Refusal(
    code="phone_unchanged",
    kind=Kind.CONFLICT,
    message="This is the customer's phone number already.",
    next_step="Nothing is to be done; read what acts still need of the identity.",
)
PAYOUT_ACCOUNT_UNCHANGED = Refusal(
    code="payout_account_unchanged",
    kind=Kind.CONFLICT,
    message="This is where the customer is paid already.",
    next_step="Nothing is to be done.",
)
PAYOUT_ACCOUNT_UNKNOWN = Refusal(
    code="payout_account_unknown",
    kind=Kind.CONFLICT,
    message="Money goes only to the account that is registered for the customer.",
    next_step="Name that account, or register another one after the checks that this needs.",
)
PAYOUT_ACCOUNT_BOUND = Refusal(
    code="payout_account_bound",
    kind=Kind.CONFLICT,
    message="Another account is registered for payouts already.",
    next_step="Changing it needs identity checks: ask the lender.",
)
PAYOUT_ACCOUNT_OF_ANOTHER = Refusal(
    code="payout_account_of_another",
    kind=Kind.CONFLICT,
    message="The bank says that this account is not in the customer's name.",
    next_step="Name an account of the customer's own.",
)
PAYOUT_ACCOUNT_UNCHECKED = Refusal(
    code="payout_account_unchecked",
    kind=Kind.UNAVAILABLE,
    message="Nobody could say whose account this is, so it was not registered.",
    next_step="Try again later, or have the lender register it after its checks.",
)
CONTACT_CASE_NOT_FOUND = Refusal(
    code="contact_case_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no such case of a customer whom no channel reaches.",
    next_step="Look it up in the queue of contact cases.",
)
CONTACT_CASE_NOT_OPEN = Refusal(
    code="contact_case_not_open",
    kind=Kind.CONFLICT,
    message="This case is ended: {status}.",
    next_step="A message that cannot be delivered again opens another one.",
)
CONTACT_CASE_TAKEN = Refusal(
    code="contact_case_taken",
    kind=Kind.CONFLICT,
    message="{person} has taken this case.",
    next_step="Leave it to them, or have them give it back.",
)
CONTACT_ATTEMPT_NEEDED = Refusal(
    code="contact_attempt_needed",
    kind=Kind.CONFLICT,
    message="{made} attempts to reach the customer met nobody; {least} are needed.",
    next_step="Try at another time, or in another way, and note each attempt.",
)
CONTACT_NOTE_NEEDED = Refusal(
    code="contact_note_needed",
    kind=Kind.INVALID,
    message="It has to be said how the customer was told.",
    next_step="Send the note with the way and the day on which the customer was told.",
)
CALL_NOT_FOUND = Refusal(
    code="call_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no such request for a call.",
    next_step="Look it up in the queue of calls.",
)
CALL_NOT_OPEN = Refusal(
    code="call_not_open",
    kind=Kind.CONFLICT,
    message="Nobody waits for this call any more; it is {status}.",
    next_step="The customer can ask for another one.",
)
CALL_TAKEN = Refusal(
    code="call_taken",
    kind=Kind.CONFLICT,
    message="{person} has taken this call.",
    next_step="Leave it to them, or have them give it back.",
)
CALL_ATTEMPT_NEEDED = Refusal(
    code="call_attempt_needed",
    kind=Kind.CONFLICT,
    message="The customer was called {missed} times without an answer; {least} are needed.",
    next_step="Call again at the time that the customer likes.",
)
ACCOUNT_NUMBER_INVALID = Refusal(
    code="account_number_invalid",
    kind=Kind.INVALID,
    message="This is no account number: it has 8 to 30 digits.",
    next_step="Type the number as it stands on the card or the statement.",
)
