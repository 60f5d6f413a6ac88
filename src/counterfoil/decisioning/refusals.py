"""What the room of decisions can refuse, each with its stable code and the next step."""

from counterfoil.kernel.errors import Kind, Refusal

APPLICATION_NOT_FOUND = Refusal(
    code="application_not_found",
    kind=Kind.NOT_FOUND,
    message="This customer has no such application.",
    next_step="Check the application and the customer it belongs to.",
)
APPLICATION_ALREADY_OPEN = Refusal(
    code="application_already_open",
    kind=Kind.CONFLICT,
    message="An application of this customer for this product is still open.",
    next_step="Accept or withdraw the open application first.",
)
APPLICATION_NOT_OPEN = Refusal(
    code="application_not_open",
    kind=Kind.CONFLICT,
    message="The application is {status}; it cannot become {wanted}.",
    next_step="Read the application to see how it ended.",
)
OFFER_EXPIRED = Refusal(
    code="offer_expired",
    kind=Kind.GONE,
    message="The offer was valid until {valid_until}.",
    next_step="Apply again; the decision will be a new one.",
)
NOTHING_TO_OFFER = Refusal(
    code="nothing_to_offer",
    kind=Kind.CONFLICT,
    message="The policy gives this case no limit that a person could grant.",
    next_step="Decline the application with a reason.",
)
DECISION_REASON_MISSING = Refusal(
    code="decision_reason_missing",
    kind=Kind.INVALID,
    message="A person decides with a name and a reason; one of them is missing.",
    next_step="State the reason; it is recorded with the decision.",
)
FACT_NOT_DECLARED = Refusal(
    code="fact_not_declared",
    kind=Kind.INVALID,
    message="The policy does not read {fact} from an application.",
    next_step="Leave it out: what no policy reads is not collected.",
)
FACT_OUT_OF_RANGE = Refusal(
    code="fact_out_of_range",
    kind=Kind.INVALID,
    message="The value of {fact} is not one that it can have.",
    next_step="Send a value of the declared type and range, or none if it is not known.",
)
REQUESTED_OUT_OF_RANGE = Refusal(
    code="requested_out_of_range",
    kind=Kind.INVALID,
    message="The product grants limits from {minimum_minor} to {maximum_minor} minor units.",
    next_step="Ask for an amount inside the range, or for none in particular.",
)
PRODUCT_NOT_OFFERED = Refusal(
    code="product_not_offered",
    kind=Kind.NOT_FOUND,
    message="No product {product_code} can be applied for on {on}.",
    next_step="Read the list of products and send one of their codes.",
)
PRODUCT_NOT_DECIDED = Refusal(
    code="product_not_decided",
    kind=Kind.UNSUPPORTED,
    message="The policy in force does not decide in {currency}.",
    next_step="Ask the lender for a product in {policy_currency}.",
)
POLICY_GATE_CLOSED = Refusal(
    code="policy_gate_closed",
    kind=Kind.CONFLICT,
    message="The gate does not let this version through: {fault}.",
    next_step="Read the report, correct the policy and try again.",
)
POLICY_APPROVED_BY_AUTHOR = Refusal(
    code="policy_approved_by_author",
    kind=Kind.FORBIDDEN,
    message="Whoever writes a version does not approve it.",
    next_step="Ask somebody else whose role allows it.",
)
POLICY_NOT_REQUESTED = Refusal(
    code="policy_not_requested",
    kind=Kind.CONFLICT,
    message="Nobody has asked for the publication of exactly this version.",
    next_step="Let the gate look at it and ask for approval first.",
)
DECISION_NOT_FOUND = Refusal(
    code="decision_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no decision on such an application.",
    next_step="Check the number of the application.",
)
LIMIT_REQUEST_NOT_FOUND = Refusal(
    code="limit_request_not_found",
    kind=Kind.NOT_FOUND,
    message="This customer has made no such request for a higher limit.",
    next_step="Check the request and the customer who made it.",
)
LIMIT_REQUEST_ALREADY_OPEN = Refusal(
    code="limit_request_already_open",
    kind=Kind.CONFLICT,
    message="A request for a higher limit on this line is still open.",
    next_step="Accept or withdraw the open request first.",
)
LIMIT_REQUEST_NOT_OPEN = Refusal(
    code="limit_request_not_open",
    kind=Kind.CONFLICT,
    message="The request is {status}; this cannot be done with it.",
    next_step="Read the request to see how it ended.",
)
LIMIT_REQUEST_NOT_ABOVE = Refusal(
    code="limit_request_not_above",
    kind=Kind.INVALID,
    message="The line has a limit of {limit_minor} minor units; this is not more.",
    next_step="Ask for more than the present limit.",
)
LIMIT_REQUEST_OUT_OF_RANGE = Refusal(
    code="limit_request_out_of_range",
    kind=Kind.INVALID,
    message="The product grants at most {maximum_minor} minor units, in steps of {step_minor}.",
    next_step="Ask for a multiple of the step, up to the maximum.",
)
LIMIT_REQUEST_OVERDUE = Refusal(
    code="limit_request_overdue",
    kind=Kind.CONFLICT,
    message="Something is overdue; no limit is raised while it is.",
    next_step="Pay what is overdue, then ask again.",
)
SNOOZE_RULE_UNKNOWN = Refusal(
    code="snooze_rule_unknown",
    kind=Kind.INVALID,
    message="The policy in force, {policy_version}, has no rule {rule}.",
    next_step="Take the code of a rule from the decision in question.",
)
SNOOZE_OF_LAW = Refusal(
    code="snooze_of_law",
    kind=Kind.FORBIDDEN,
    message="{rule} is a rule of law; it is suppressed for nobody.",
    next_step="Correct the facts that the rule reads, if they are wrong.",
)
SNOOZE_NOT_ALLOWED = Refusal(
    code="snooze_not_allowed",
    kind=Kind.UNSUPPORTED,
    message="The policy in force, {policy_version}, lets no rule be suppressed.",
    next_step="Send the case to a person, or publish a policy with a table snooze.",
)
SNOOZE_TOO_LONG = Refusal(
    code="snooze_too_long",
    kind=Kind.INVALID,
    message="The policy in force lets a rule be suppressed for 1 to {days_max} days.",
    next_step="Ask for a time within these bounds.",
)
SNOOZE_NOT_FOUND = Refusal(
    code="snooze_not_found",
    kind=Kind.NOT_FOUND,
    message="No such rule is suppressed for this customer.",
    next_step="Check the customer and the number in the list of suppressed rules.",
)
APPLICATION_NOT_WAITING = Refusal(
    code="application_not_waiting",
    kind=Kind.CONFLICT,
    message="The application is {status} and waits for nothing from the customer.",
    next_step="Read the application; where it asks for something, `asks` names it.",
)
FACT_NOT_ASKED = Refusal(
    code="fact_not_asked",
    kind=Kind.INVALID,
    message="The application does not ask for {fact}.",
    next_step="Send what `asks` names and nothing else.",
)
FACTS_MISSING = Refusal(
    code="facts_missing",
    kind=Kind.INVALID,
    message="Nothing that the application asks for was supplied.",
    next_step="Send at least one of the facts that `asks` names, with its value.",
)
OFFER_CHANGED = Refusal(
    code="offer_changed",
    kind=Kind.CONFLICT,
    message="What the offer rests on has changed ({changed}); it was decided again: {status}.",
    next_step="Read the application with its new decision; ask for a review if it seems wrong.",
)
OFFER_CONSENT_ENDED = Refusal(
    code="offer_consent_ended",
    kind=Kind.CONFLICT,
    message="The consent behind what this offer rests on was withdrawn.",
    next_step="Give the consent again and apply again, or withdraw the application.",
)
REVIEW_NOT_FOUND = Refusal(
    code="review_not_found",
    kind=Kind.NOT_FOUND,
    message="This customer has no such request for review.",
    next_step="Check the review and the customer who asked for it.",
)
REVIEW_NOT_OPEN = Refusal(
    code="review_not_open",
    kind=Kind.CONFLICT,
    message="The review is {state}; this cannot be done with it any more.",
    next_step="Read the review to see how it ended.",
)
REVIEW_NOTHING_DECIDED = Refusal(
    code="review_nothing_decided",
    kind=Kind.CONFLICT,
    message="It is {status}; there is no decision by machine that a person could review.",
    next_step="Wait for the decision; where a person decides already, that person looks at it.",
)
REVIEW_BY_PERSON = Refusal(
    code="review_by_person",
    kind=Kind.CONFLICT,
    message="A person has decided this, not a machine alone.",
    next_step="Complain to the lender if the decision seems wrong.",
)
REVIEW_ASSIGNED_TO_OTHER = Refusal(
    code="review_assigned_to_other",
    kind=Kind.CONFLICT,
    message="The review is the task of {person}.",
    next_step="Let that person conclude it or give it back first.",
)
REVIEWER_WROTE_POLICY = Refusal(
    code="reviewer_wrote_policy",
    kind=Kind.FORBIDDEN,
    message="Whoever wrote the version that decided does not review its decisions.",
    next_step="Ask somebody else whose role allows it.",
)
REVIEWER_DECIDED_BEFORE = Refusal(
    code="reviewer_decided_before",
    kind=Kind.FORBIDDEN,
    message="Whoever decided a case does not review it.",
    next_step="Ask somebody else whose role allows it.",
)
REVIEWER_NOT_ALLOWED = Refusal(
    code="reviewer_not_allowed",
    kind=Kind.FORBIDDEN,
    message="This role does not review decisions.",
    next_step="Ask somebody whose role allows it.",
)
REVIEW_CHANGES_NOTHING = Refusal(
    code="review_changes_nothing",
    kind=Kind.CONFLICT,
    message="With what was put right the decision comes out no better for the customer.",
    next_step="Correct a fact, set a rule aside, or uphold the decision with a reason.",
)
RULE_NOT_SET_ASIDE = Refusal(
    code="rule_not_set_aside",
    kind=Kind.INVALID,
    message="The rule {rule} is one of law, or this version has no such rule.",
    next_step="Name rules of this version that are not of law.",
)
LINE_REVIEW_NOT_FOUND = Refusal(
    code="line_review_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no such review of a line of this customer.",
    next_step="Check the review and the customer whose line it is of.",
)
LINE_REVIEW_UNDER_WAY = Refusal(
    code="line_review_under_way",
    kind=Kind.CONFLICT,
    message="This line is being reviewed at this moment, or was for the same cause today.",
    next_step="Read the reviews of the line.",
)
LINE_REVIEW_CASE_NOT_FOUND = Refusal(
    code="line_review_case_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no such case of this customer.",
    next_step="Check the case and the customer whose line it is about.",
)
LINE_REVIEW_CASE_DECIDED = Refusal(
    code="line_review_case_decided",
    kind=Kind.CONFLICT,
    message="This case is decided already.",
    next_step="Read the case to see how it ended.",
)
LINE_REVIEW_CASE_TAKEN = Refusal(
    code="line_review_case_taken",
    kind=Kind.CONFLICT,
    message="{person} has taken this case.",
    next_step="Ask them to decide it, or to give it back.",
)
LINE_REVIEW_CASE_UNFIT = Refusal(
    code="line_review_case_unfit",
    kind=Kind.INVALID,
    message="This decision cannot be carried out: {reason}.",
    next_step="Name a lower limit for a decrease, a last day for a freeze, and nothing else.",
)
REVIEW_OFFER_OVER = Refusal(
    code="review_offer_over",
    kind=Kind.GONE,
    message="This review offers nothing, or no longer.",
    next_step="Read the line; the customer may ask for a higher limit at any time.",
)
LINE_MEASURE_NOT_FOUND = Refusal(
    code="line_measure_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no such measure on a line of this customer.",
    next_step="Check the measure and the customer.",
)
MEASURE_NOT_STANDING = Refusal(
    code="measure_not_standing",
    kind=Kind.CONFLICT,
    message="The measure is {status}; nothing of it is left to lift.",
    next_step="Read the measure to see how it ended.",
)
MEASURE_WITHOUT_EFFECT = Refusal(
    code="measure_without_effect",
    kind=Kind.CONFLICT,
    message="The measure would change nothing: {reason}.",
    next_step="Read the line and the measures that stand.",
)
APPEAL_NOT_FOUND = Refusal(
    code="appeal_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no such appeal of this customer.",
    next_step="Check the appeal and the customer.",
)
APPEAL_ALREADY_OPEN = Refusal(
    code="appeal_already_open",
    kind=Kind.CONFLICT,
    message="An appeal against this measure is open already.",
    next_step="Wait for the decision; it is due within five working days.",
)
APPEAL_NOT_OPEN = Refusal(
    code="appeal_not_open",
    kind=Kind.CONFLICT,
    message="The appeal is {status}; this cannot be done with it.",
    next_step="Read the appeal to see how it ended.",
)
APPEAL_BY_AUTHOR = Refusal(
    code="appeal_by_author",
    kind=Kind.FORBIDDEN,
    message="Whoever took a measure does not decide on the appeal against it.",
    next_step="Ask somebody else whose role allows it.",
)
LINE_SIGNAL_NOT_FOUND = Refusal(
    code="line_signal_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no such signal about a line of this customer.",
    next_step="Check the signal and the customer.",
)
EXPERIMENT_INVALID = Refusal(
    code="experiment_invalid",
    kind=Kind.INVALID,
    message="The document is not an experiment: {place} {reason}.",
    next_step="Correct the place named and propose it again.",
)
EXPERIMENT_NOT_FOUND = Refusal(
    code="experiment_not_found",
    kind=Kind.NOT_FOUND,
    message="There is no experiment {experiment}.",
    next_step="Check the code in the list of experiments.",
)
EXPERIMENT_EXISTS = Refusal(
    code="experiment_exists",
    kind=Kind.CONFLICT,
    message="There is an experiment {experiment} already, and what was proposed is never changed.",
    next_step="Give the new experiment a code of its own; stop the old one if it still runs.",
)
EXPERIMENT_LAYER_TAKEN = Refusal(
    code="experiment_layer_taken",
    kind=Kind.CONFLICT,
    message="{experiment} takes some of the same customers on some of the same days.",
    next_step="Take another part of the layer, or other days; challengers for one purpose share"
    " one layer.",
)
EXPERIMENT_POLICY_UNKNOWN = Refusal(
    code="experiment_policy_unknown",
    kind=Kind.NOT_FOUND,
    message="No version {policy_hash} is kept here that the gate let through.",
    next_step="Propose the experiment together with the version's file.",
)
EXPERIMENT_CHAMPION_ANOTHER = Refusal(
    code="experiment_champion_another",
    kind=Kind.CONFLICT,
    message="The champion is not the version in force, {policy_hash}.",
    next_step="Propose an experiment whose champion is the version in force.",
)
EXPERIMENT_LOOSENS = Refusal(
    code="experiment_loosens",
    kind=Kind.FORBIDDEN,
    message="The arm {arm} is looser than law or champion allow: {place} {reason}.",
    next_step="Keep rules of law, caps, ceilings and consents as the champion has them.",
)
EXPERIMENT_STATE_WRONG = Refusal(
    code="experiment_state_wrong",
    kind=Kind.CONFLICT,
    message="The experiment is {state}; this cannot be done with it.",
    next_step="Read its history; what is over does not begin again.",
)
EXPERIMENT_OVER = Refusal(
    code="experiment_over",
    kind=Kind.GONE,
    message="The last day of the experiment was {last_date}.",
    next_step="Propose another one with later days.",
)
EXPERIMENT_STOP_NOT_RULED = Refusal(
    code="experiment_stop_not_ruled",
    kind=Kind.CONFLICT,
    message="No look of the stop rule has passed its bound; the last day is {last_date}.",
    next_step="Wait for it, or abandon the experiment: no winner may then be read from it.",
)
OFFER_WHILE_BLOCKED = Refusal(
    code="offer_while_blocked",
    kind=Kind.CONFLICT,
    message="A line of this customer is {block}; no other is opened while it is.",
    next_step="Have the line unblocked first, then accept the offer within its time.",
)
OFFER_WHILE_OVERDUE = Refusal(
    code="offer_while_overdue",
    kind=Kind.CONFLICT,
    message="Something is overdue; no line is opened while it is.",
    next_step="Pay what is overdue, then accept the offer within its time.",
)
LIMIT_RAISE_HELD_BACK = Refusal(
    code="limit_raise_held_back",
    kind=Kind.CONFLICT,
    message="No limit is raised now: {reason}.",
    next_step="Ask again once it is settled; the present limit stays.",
)
